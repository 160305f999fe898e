"""The claims' marks in the chapters: where they stand, and the sentence in front of each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

ROLE = re.compile(r"\{claim\}`([^`]*)`")
BOOK = Path(__file__).parents[2] / "book"
PENDING = Path(__file__).with_name("pending.txt")


def plain(text: str) -> str:
    """Join lines and runs of blanks: where a line is broken does not matter."""
    return " ".join(text.split())


def texts(page: Path) -> list[str]:
    if page.suffix == ".md":
        return [page.read_text("utf8")]
    cells = json.loads(page.read_text("utf8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]


def marks(book: Path = BOOK) -> Iterator[tuple[Path, str, str]]:
    """Yield every mark of the book: the page, the claim's name, and what its paragraph says in front of it."""
    for page in sorted([*book.rglob("*.ipynb"), *book.rglob("*.md")]):
        for text in texts(page):
            for role in ROLE.finditer(text):
                before = re.split(r"\n\s*\n", text[: role.start()])[-1]
                yield page, role[1], plain(ROLE.sub("", before))


def pending() -> list[str]:
    """Return the claims that no chapter says yet: the list has to be empty when the chapters are done."""
    return [line for line in PENDING.read_text("utf8").splitlines() if line and not line.startswith("#")]
