"""``{chapters}``: the table of the numbered chapters, with what each of them says of itself in its own cells.

A chapter says once, in a paragraph that holds 'You need' and a number of minutes, what it builds on and how long it
takes; its exercises are counted. A chapter without such a paragraph is an error of the build.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import nbformat
import yaml
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

DOC = re.compile(r"\{doc\}`(?:[^`<]*<)?([^`<>]+?)>?`")
EXERCISE = re.compile(r"^[`:]{3,}\s*\{exercise(?:-start)?\}", re.MULTILINE)
MINUTES = re.compile(r"\b(\d+) minutes\b")
NEEDS = re.compile(r"\bYou need (.*?)\.(?:\s|$)", re.DOTALL)


class Chapter(NamedTuple):
    """A chapter, by what its cells say: its page, minutes, the pages that it needs, else in words, its exercises."""

    page: str
    minutes: int
    pages: list[str]
    words: str
    exercises: int


def chapter(page: str, cells: list[str]) -> Chapter:
    """Read a chapter's cells of text."""
    paragraphs = [each for cell in cells for each in re.split(r"\n\s*\n", cell)]
    found = [each for each in paragraphs if NEEDS.search(each) and MINUTES.search(each)]
    if len(found) != 1:
        raise ExtensionError(
            f"{page}: one paragraph has to say 'You need …' and how many minutes, found {len(found)}"
        )
    needs, minutes = NEEDS.search(found[0]), MINUTES.search(found[0])
    assert needs
    assert minutes
    targets = (
        posixpath.normpath(posixpath.join(posixpath.dirname(page), each))
        for each in DOC.findall(found[0])
    )
    pages = list(dict.fromkeys(targets))
    exercises = sum(len(EXERCISE.findall(cell)) for cell in cells)
    return Chapter(page, int(minutes[1]), pages, " ".join(needs[1].split()), exercises)


def numbered(toc: dict[str, Any]) -> list[str]:
    """Return the pages of the numbered parts."""
    parts = (part for part in toc["parts"] if part.get("numbered"))
    return [each["file"] for part in parts for each in part["chapters"]]


def read(root: Path) -> list[Chapter]:
    """Read all chapters of the book."""
    toc = yaml.safe_load((root / "_toc.yml").read_text("utf8"))
    found = []
    for page in numbered(toc):
        notebook = nbformat.read(root / f"{page}.ipynb", as_version=4)
        texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
        found.append(chapter(page, texts))
    return found


def table(chapters: list[Chapter]) -> str:
    """Write the table, a chapter needed by its number."""
    number = {each.page: k for k, each in enumerate(chapters, 1)}

    def needed(each: Chapter) -> str:
        known = sorted(number[page] for page in each.pages if page in number)
        links = (f"{{doc}}`{k} </{chapters[k - 1].page}>`" for k in known)
        return ", ".join(links) if known else each.words.replace("|", r"\|")

    rows = [
        f"| {number[each.page]}. {{doc}}`/{each.page}` | {each.minutes} | {needed(each)} | {each.exercises} |"
        for each in chapters
    ]
    return "\n".join(
        ["| chapter | minutes | needs | exercises |", "|---|---|---|---|", *rows]
    )


class Chapters(SphinxDirective):
    """The table."""

    def run(self) -> list[nodes.Node]:
        """Read the chapters; the page is read again when one of them has changed."""
        root = Path(self.env.srcdir)
        chapters = read(root)
        for path in (
            root / "_toc.yml",
            *(root / f"{each.page}.ipynb" for each in chapters),
        ):
            self.env.note_dependency(str(path))
        return self.parse_text_to_nodes(table(chapters))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_directive("chapters", Chapters)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
