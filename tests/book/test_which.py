"""The page `which`: every line of its tables has a link, every link its end, and every number a claim."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import notebooks as n
import pytest

sys.path.insert(0, str(n.ROOT / "tests"))
from claims import CLAIMS
from claims.pages import ROLE, plain

PAGE = n.BOOK / "architectures" / "which.md"
TEXT = PAGE.read_text("utf8")
WORDS = 980
LINK = re.compile(r"\[[^\]]+\]\(([^)#]+)#([^)]+)\)")
ROLES = {kind: re.compile(rf"\{{{kind}\}}`([^`]+)`") for kind in ("doc", "ref", "numref", "eq", "cite:t", "cite:p")}


def rows(text: str) -> list[list[str]]:
    """Return the cells of every line of the tables, without heads and rules."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    rules = [k for k, line in enumerate(lines) if set(line) <= set("|- ")]
    kept = [line for k, line in enumerate(lines) if k not in rules and k + 1 not in rules]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in kept]


def links(text: str) -> list[tuple[str, str]]:
    """Return every link: its kind, and where it leads."""
    found = [("page", f"{path}#{anchor}") for path, anchor in LINK.findall(text)]
    return found + [(kind, each) for kind, role in ROLES.items() for each in role.findall(text)]


def sources(page: Path) -> str:
    """Return a page's text and code, with the names of its figures."""
    if page.suffix == ".md":
        return page.read_text("utf8")
    cells = json.loads(page.read_text("utf8"))["cells"]
    figures = [cell["metadata"].get("mystnb", {}).get("figure", {}).get("name", "") for cell in cells]
    return "\n".join(["".join(cell["source"]) for cell in cells] + figures)


def slugs(page: Path) -> set[str]:
    """Return the anchors that a page's headings get."""
    headings = re.findall(r"^#+ (.*)$", sources(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).strip().replace(" ", "-") for each in headings}


EVERYTHING = "\n".join(
    sources(page) for page in sorted([*n.BOOK.rglob("*.ipynb"), *n.BOOK.rglob("*.md")]) if page != PAGE
)


def resolves(kind: str, target: str) -> bool:
    """Tell whether a link has an end."""
    if kind == "page":
        path, anchor = target.split("#")
        page = (PAGE.parent / path).resolve()
        return page.exists() and anchor in slugs(page)
    if kind == "doc":
        return any((PAGE.parent / f"{target}{suffix}").exists() for suffix in (".md", ".ipynb"))
    if kind.startswith("cite"):
        literature = (n.BOOK / "references.bib").read_text("utf8")
        return all(re.search(rf"^@\w+\{{{key},", literature, re.MULTILINE) for key in target.split(","))
    return bool(re.search(rf"(?:^|[\s(\"]){re.escape(target)}(?:$|[\s)\"])", EVERYTHING, re.MULTILINE))


def problems(cells: list[str]) -> list[str]:
    """Say what a line of a table lacks."""
    told = [] if links(cells[-1]) else ["its last cell has no link"]
    told += [f"{kind} {target} leads nowhere" for kind, target in links(" ".join(cells)) if not resolves(kind, target)]
    said = plain(" ".join(cells[:-1]))
    for name in ROLE.findall(said):
        said = said.replace(plain(CLAIMS[name].text), "") if name in CLAIMS else said
    said = ROLE.sub("", said)
    for role in ROLES.values():
        said = role.sub("", said)
    return told + [f"a number that no claim checks: {each}" for each in re.findall(r"\d+", said)]


ROWS = rows(TEXT)


@pytest.mark.parametrize("cells", ROWS, ids=[" ".join(cells[0].split()[:4]) for cells in ROWS])
def test_every_line_has_a_link_and_its_numbers_a_claim(cells: list[str]) -> None:
    assert problems(cells) == []


def test_every_link_of_the_page_has_an_end() -> None:
    assert [each for each in links(TEXT) if not resolves(*each)] == []


def test_it_is_one_page() -> None:
    text = ROLE.sub("", LINK.sub(lambda link: link[0].split("]")[0], TEXT)).replace("|", " ")
    assert len(text.split()) <= WORDS


def test_its_tables_are_found() -> None:
    assert len(ROWS) >= 25


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (["said", "the chapter"], "its last cell has no link"),
        (["said", "[a](../gated/gru.ipynb#no-such-heading)"], "page ../gated/gru.ipynb#no-such-heading leads nowhere"),
        (["{cite:t}`nobody1900`", "{doc}`../gated/gru`"], "cite:t nobody1900 leads nowhere"),
        (["said", "{numref}`fig-gru`"], "numref fig-gru leads nowhere"),
        (["said", "{eq}`eq:no-such`"], "eq eq:no-such leads nowhere"),
        (["said", "{doc}`gru`"], "doc gru leads nowhere"),
        (["9 of 10", "{doc}`../gated/gru`"], "a number that no claim checks: 9"),
    ],
)
def test_what_a_line_lacks_is_told(cells: list[str], told: str) -> None:
    assert told in problems(cells)
