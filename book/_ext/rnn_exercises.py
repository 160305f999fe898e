"""``{exercises}``: all exercises of the book, chapter by chapter, from the package's records.

An exercise that has a box in its chapter is linked by its label; the others are checked by the package and to be had
by their name.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from rnncourse.exercises import Derivation, Exercise, Question, exercises
from rnncourse.exercises.chapters import CHAPTERS

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def pages(root: Path) -> dict[str, str]:
    """Return the chapters' pages by name."""
    toc = yaml.safe_load((root / "_toc.yml").read_text("utf8"))
    files = [each["file"] for part in toc["parts"] for each in part["chapters"]]
    return {file.rpartition("/")[2]: file for file in files}


def row(exercise: Question, linked: bool) -> str:
    """Write an exercise's row."""
    title = (
        f"{{ref}}`{exercise.title} <{exercise.label}>`" if linked else exercise.title
    )
    checked = (
        f"`{exercise.name}`" if isinstance(exercise, Exercise | Derivation) else ""
    )
    return f"| {title} | {exercise.difficulty} | {exercise.minutes} | {checked} |"


def listing(root: Path, there: dict[str, str]) -> str:
    """Write a table for each chapter; what its notebook has a box for is linked."""
    parts = []
    for chapter in CHAPTERS:
        heading = (
            f"{{doc}}`/{there[chapter]}`"
            if chapter in there
            else chapter.replace("-", " ").capitalize()
        )
        text = (
            (root / f"{there[chapter]}.ipynb").read_text("utf8")
            if chapter in there
            else ""
        )
        linked = {
            each.name: f":label: {each.label}\\n" in text for each in exercises(chapter)
        }
        rows = [
            row(each, linked[each.name])
            for each in exercises(chapter)
            if linked[each.name] or isinstance(each, Exercise | Derivation)
        ]
        head = [
            "| exercise | asks for | min | checked as |",
            "|---|---|---|---|",
        ]
        parts.append("\n".join([f"**{heading}**", "", *head, *rows]))
    return "\n\n".join(parts)


class Exercises(SphinxDirective):
    """The tables."""

    def run(self) -> list[nodes.Node]:
        """Write them; the page is read again when a record has changed."""
        root = Path(self.env.srcdir)
        there = pages(root)
        records = (root / "rnncourse" / "exercises" / "chapters").glob("*.py")
        notebooks = [
            root / f"{there[each]}.ipynb" for each in CHAPTERS if each in there
        ]
        for path in (root / "_toc.yml", *records, *notebooks):
            self.env.note_dependency(str(path))
        tables = self.parse_text_to_nodes(listing(root, there))
        return [nodes.container("", *tables, classes=["exercise-list"])]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_directive("exercises", Exercises)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
