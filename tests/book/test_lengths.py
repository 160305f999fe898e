"""Chapters that can be read in one go: limits of length, and a printed time that is honest.

The honest time: words of prose at 150 a minute, lines of code in sight at 8 a minute, and the exercises' own minutes,
which each of them states in its title, `{exercise} By hand, 10 minutes`.
"""

from __future__ import annotations

import re
import sys
from typing import Any, NamedTuple

import nbformat
import notebooks as n
import pytest
import yaml

sys.path.insert(0, str(n.BOOK / "_ext"))
import rnn_chapters

WORDS, LINES = 3500, 300
A_MINUTE = 150, 8  # words, lines
FORMULA = re.compile(r"\$\$.*?\$\$(?:\s*\(eq:[\w-]+\))?|\$[^$]*\$|```\{math\}.*?```", re.DOTALL)
FOLDED = {"hide-input", "remove-input", "hide-cell", "remove-cell"}
EXERCISE = re.compile(r"^[`:]{3,}\s*\{exercise(?:-start)?\}(.*)$", re.MULTILINE)
OWN = re.compile(r"(?<![\w.])(\d+) minutes\s*$")


class Length(NamedTuple):
    """What there is to read before the exercises, and the titles of these."""

    words: int
    lines: int
    exercises: list[str]

    def minutes(self) -> float:
        """Return the honest time."""
        own = sum(int(found[1]) for title in self.exercises if (found := OWN.search(title)))
        return self.words / A_MINUTE[0] + self.lines / A_MINUTE[1] + own


def length(nb: Any) -> Length:
    """Measure a chapter."""
    words = lines = 0
    exercises: list[str] = []
    begun = False
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            begun = begun or bool(re.match(r"#+ Exercises", cell.source))
            exercises += [title.strip() for title in EXERCISE.findall(cell.source)]
            words += 0 if begun else len(FORMULA.sub("", cell.source).split())
        elif not begun and not FOLDED & set(cell.metadata.get("tags", [])):
            lines += sum(bool(line.strip()) for line in cell.source.splitlines())
    return Length(words, lines, exercises)


def problems(nb: Any, printed: int) -> list[str]:
    """Say what is too long, and where the printed minutes are not the honest ones."""
    found = length(nb)
    told = [f"an exercise without its minutes: {title!r}" for title in found.exercises if not OWN.search(title)]
    if found.words > WORDS:
        told.append(f"{found.words} words before the exercises, at most {WORDS}")
    if found.lines > LINES:
        told.append(f"{found.lines} lines of code in sight before the exercises, at most {LINES}")
    if abs(printed - found.minutes()) > 0.2 * found.minutes():
        told.append(f"says {printed} minutes, and takes about {found.minutes():.0f}")
    return told


PAGES = rnn_chapters.numbered(yaml.safe_load((n.ROOT / "_toc.yml").read_text("utf8")))


@pytest.mark.parametrize("page", PAGES)
def test_a_chapter_keeps_to_the_limits(page: str) -> None:
    nb = nbformat.read(n.ROOT / f"{page}.ipynb", as_version=4)
    texts = [cell.source for cell in nb.cells if cell.cell_type == "markdown"]
    assert problems(nb, rnn_chapters.chapter(page, texts).minutes) == []


# --- the measure itself --------------------------------------------------------------------------------------------

PROSE = (
    "Six words of prose are here $a + b$ and\n\n$$\na = b\n$$ (eq:a-b)\n\n```{math}\n:label: eq:b\nb = c\n```\nafter."
)
ASK = "## Exercises\n\n```{exercise} One, 20 minutes\n:label: a\n```\n```{exercise-start} Two, 5 minutes\n```"


def notebook(*cells: Any) -> Any:
    return nbformat.v4.new_notebook(cells=list(cells))


def text(source: str) -> Any:
    return nbformat.v4.new_markdown_cell(source)


def code(lines: int, *tags: str) -> Any:
    return nbformat.v4.new_code_cell("x = 1\n\n" * lines, metadata={"tags": list(tags)})


def test_what_is_counted() -> None:
    nb = notebook(text(PROSE), code(4), code(5, "hide-input"), text(ASK), code(7), text("Not these."))
    assert length(nb) == (8, 4, ["One, 20 minutes", "Two, 5 minutes"])
    assert length(nb).minutes() == 8 / 150 + 4 / 8 + 25


@pytest.mark.parametrize(
    ("cells", "printed", "message"),
    [
        ([text("word " * 3501), text(ASK)], 48, "3501 words"),
        ([code(301), text(ASK)], 63, "301 lines"),
        ([text(ASK)], 31, "says 31 minutes, and takes about 25"),
        ([text(ASK)], 19, "says 19 minutes"),
        ([text("## Exercises\n\n```{exercise} Three\n```")], 0, "'Three'"),
    ],
)
def test_what_is_too_much_is_told(cells: list[Any], printed: int, message: str) -> None:
    (found,) = problems(notebook(*cells), printed)
    assert message in found


def test_the_limits_themselves_are_allowed() -> None:
    nb = notebook(text("word " * 3500), code(300), text(ASK))
    assert problems(nb, 86) == problems(nb, 100) == []
