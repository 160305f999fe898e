"""The cells of an exercise in a notebook, made from its record.

    python tests/exercises/cells.py book/foundations/bptt.ipynb …     put them in, or anew where they stand

An exercise with a label ``ex-blank-…`` has a box, a blank, a check, hints folded one in the other, and a folded
solution, which is executed and checked. They stand before the chapter's research exercise, or before its summary.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import nbformat

from rnncourse.exercises import Derivation, Exercise, exercises

WIDTH = 74  # of a piece of LaTeX in a cell
LAST = re.compile(r"\{exercise\}.*\(research\)|^## Summary$", re.MULTILINE)  # new ones stand before it


class Cell(NamedTuple):
    """A cell: its kind and its text."""

    kind: str
    text: str


def in_notebooks(chapter: str) -> list[Exercise | Derivation]:
    """Return the chapter's exercises that have a blank in its notebook."""
    checked = [e for e in exercises(chapter) if isinstance(e, Exercise | Derivation)]
    return [e for e in checked if e.label.startswith("ex-blank-")]


def cells(exercise: Exercise | Derivation) -> list[Cell]:
    """Make all cells of an exercise."""
    title = f"{exercise.title}, {exercise.minutes} minutes"
    box = f"```{{exercise}} {title}\n:label: {exercise.label}\n\n{exercise.task} {manner(exercise)}\n```"
    label = exercise.label
    solution = f"```{{solution-start}} {label}\n:label: {label.replace('ex-', 'sol-', 1)}\n:class: dropdown\n```"
    made = [
        Cell("markdown", box),
        *blank(exercise),
        Cell("markdown", hints(exercise.hints)),
        Cell("markdown", solution),
    ]
    return [*made, *solved(exercise), Cell("markdown", "```{solution-end}\n```")]


def manner(exercise: Exercise | Derivation) -> str:
    """Say how it is answered."""
    if isinstance(exercise, Exercise):
        return "The first cell has the blank, the second says what is wrong."
    symbols = ", ".join(f"${symbol}$" for symbol in exercise.allowed)
    left = f"It is ${exercise.left}$"
    return f"{left}, and you need no symbols but {symbols}, at whatever step."


def blank(exercise: Exercise | Derivation) -> list[Cell]:
    """Make the blank, and its check."""
    start = "from rnncourse import exercises\n"
    if isinstance(exercise, Derivation):
        return [Cell("code", f'{start}\nexercises.check_equation("{exercise.name}", r"...")')]
    given = f"{exercise.given}\n" if exercise.given else ""
    call = f'exercises.check("{exercise.name}", {exercise.solution.__name__})'
    return [Cell("code", exercise.blank.rstrip()), Cell("code", f"{start}{given}\n{call}")]


def hints(three: tuple[str, ...]) -> str:
    """Fold each hint into the one before."""
    inner = ""
    for k, (title, text) in enumerate(zip(("A hint", "Another one", "The last one"), three, strict=True)):
        inner += f"{'`' * (5 - k)}{{admonition}} {title}\n:class: dropdown\n\n{text}\n\n"
    return inner + "\n\n".join("`" * (5 - k) for k in reversed(range(3)))


def solved(exercise: Exercise | Derivation) -> list[Cell]:
    """Make the solution, which is checked and not counted."""
    if isinstance(exercise, Exercise):
        check = f'exercises.check("{exercise.name}", {exercise.solution.__name__}, note=False)'
        return [Cell("code", f"{exercise.short.rstrip()}\n\n\n{check}")]
    lines = "\n".join(f'    r"{piece}"' for piece in broken(exercise.answer))
    return [Cell("code", f'exercises.check_equation(\n    "{exercise.name}",\n{lines},\n    note=False,\n)')]


def broken(latex: str) -> list[str]:
    """Cut LaTeX at spaces into pieces that fit."""
    pieces = [""]
    for word in latex.split(" "):
        if pieces[-1] and len(pieces[-1]) + len(word) > WIDTH:
            pieces.append("")
        pieces[-1] += f"{word} "
    pieces[-1] = pieces[-1].rstrip()
    return pieces


def formatted(code: str) -> str:
    """Format a cell as the book's cells are."""
    command = [
        sys.executable,
        "-m",
        "ruff",
        "format",
        "--config",
        "book/ruff.toml",
        "--stdin-filename",
        "book/cell.py",
        "-",
    ]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, input=code + "\n", capture_output=True, text=True, check=True, cwd=root)
    return done.stdout.rstrip("\n")


def put_in(path: Path) -> None:
    """Put the cells of a chapter's exercises into its notebook: where they stand, or after the other exercises."""
    nb = nbformat.read(path, as_version=4)
    for exercise in in_notebooks(path.stem):
        at = take_out(nb.cells, exercise)
        place = next(k for k, cell in enumerate(nb.cells) if LAST.search(cell.source)) if at is None else at
        nb.cells[place:place] = [new(cell, exercise.name, k) for k, cell in enumerate(cells(exercise))]
    path.write_text(nbformat.writes(nb).rstrip("\n") + "\n", "utf8")


def take_out(found: list[Any], exercise: Exercise | Derivation) -> int | None:
    """Take away the cells of an exercise, from its box to the end of its solution; return where they stood, if so."""
    at = next((k for k, cell in enumerate(found) if f":label: {exercise.label}\n" in cell.source), None)
    if at is not None:
        end = next(k for k in range(at, len(found)) if found[k].source.startswith("```{solution-end}"))
        del found[at : end + 1]
    return at


def new(cell: Cell, name: str, k: int) -> Any:
    """Make a notebook's cell."""
    make = nbformat.v4.new_markdown_cell if cell.kind == "markdown" else nbformat.v4.new_code_cell
    text = cell.text if cell.kind == "markdown" else formatted(cell.text)
    return make(text, id=hashlib.sha256(f"{name}.{k}".encode()).hexdigest()[:8])


if __name__ == "__main__":
    for each in sys.argv[1:]:
        put_in(Path(each))
