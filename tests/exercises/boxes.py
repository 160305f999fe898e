"""The boxes of exercises in a chapter's text: label, title and minutes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

BOX = re.compile(r"^`{3,}\{exercise(?:-start)?\} ?(.*)\n:label: (\S+)$", re.MULTILINE)
MINUTES = re.compile(r"(\d+) minutes|an hour")
TIMES = (  # how chapters write it: 'By hand, 5 minutes', 'The grid (derive, 30 minutes)', '(15 minutes) Write …'
    (re.compile(r",? (?:\d+ minutes|an hour)(?: or more)?$"), ""),
    (re.compile(r" \((?:derive, )?(?:\d+ minutes|an hour)(?: or more)?\)$"), ""),
    (re.compile(r"\(research, (?:\d+ minutes|an hour)(?: or more)?\)$"), "(research)"),
)


class Box(NamedTuple):
    """A box: its label, its title without minutes, the minutes (0 if none are said), and the title as written."""

    label: str
    title: str
    minutes: int
    written: str


def boxes(text: str) -> Iterator[Box]:
    """Find the boxes in a cell of text."""
    for found in BOX.finditer(text):
        written, label = found[1], found[2]
        body = text[found.end() :].lstrip("\n")
        said = MINUTES.search(written) or MINUTES.match(body.lstrip("("))
        title = written
        for pattern, instead in TIMES:
            title = pattern.sub(instead, title)
        yield Box(label, title, int(said[1] or 60) if said else 0, written)
