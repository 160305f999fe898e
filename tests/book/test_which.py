"""The page `which`: every line of its tables has a link, and every number a claim; the build finds dead links."""

from __future__ import annotations

import re
import sys

import notebooks as n
import pytest

sys.path.insert(0, str(n.ROOT / "tests"))
from claims import CLAIMS
from claims.pages import ROLE, plain

PAGE = n.BOOK / "architectures" / "which.md"
TEXT = PAGE.read_text("utf8")
WORDS = 980
LINK = re.compile(r"\[[^\]]+\]\(([^)#]+)#([^)]+)\)")
ROLES = [re.compile(rf"\{{{kind}\}}`[^`]+`") for kind in ("doc", "ref", "numref", "eq", "cite:t", "cite:p")]


def rows(text: str) -> list[list[str]]:
    """Return the cells of every line of the tables, without heads and rules."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    rules = [k for k, line in enumerate(lines) if set(line) <= set("|- ")]
    kept = [line for k, line in enumerate(lines) if k not in rules and k + 1 not in rules]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in kept]


def has_link(cell: str) -> bool:
    return any(pattern.search(cell) for pattern in (LINK, *ROLES))


def problems(cells: list[str]) -> list[str]:
    """Say what a line of a table lacks."""
    told = [] if has_link(cells[-1]) else ["its last cell has no link"]
    said = plain(" ".join(cells[:-1]))
    for name in ROLE.findall(said):
        said = said.replace(plain(CLAIMS[name].text), "") if name in CLAIMS else said
    said = ROLE.sub("", said)
    for role in ROLES:
        said = role.sub("", said)
    return told + [f"a number that no claim checks: {each}" for each in re.findall(r"\d+", said)]


ROWS = rows(TEXT)


@pytest.mark.parametrize("cells", ROWS, ids=[" ".join(cells[0].split()[:4]) for cells in ROWS])
def test_every_line_has_a_link_and_its_numbers_a_claim(cells: list[str]) -> None:
    assert problems(cells) == []


def test_it_is_one_page() -> None:
    text = ROLE.sub("", LINK.sub(lambda link: link[0].split("]")[0], TEXT)).replace("|", " ")
    assert len(text.split()) <= WORDS


def test_its_tables_are_found() -> None:
    assert len(ROWS) >= 25


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (["said", "the chapter"], "its last cell has no link"),
        (["9 of 10", "{doc}`../gated/gru`"], "a number that no claim checks: 9"),
    ],
)
def test_what_a_line_lacks_is_told(cells: list[str], told: str) -> None:
    assert told in problems(cells)
