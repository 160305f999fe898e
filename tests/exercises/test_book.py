"""The exercises in the notebooks are those of the records: boxes, blanks, hints, solutions, and what they print."""

import ast
import re
from pathlib import Path

import nbformat
import pytest
import yaml

from rnncourse.exercises import Derivation, Exercise, exercises
from rnncourse.exercises.chapters import CHAPTERS
from rnncourse.exercises.diagnosis import judge

from .boxes import boxes
from .cells import cells, formatted, in_notebooks, put_in, take_out

ROOT = Path(__file__).parents[2]


def pages() -> dict[str, Path]:
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf8"))
    files = [each["file"] for part in toc["parts"] if part.get("numbered") for each in part["chapters"]]
    return {file.rpartition("/")[2]: ROOT / f"{file}.ipynb" for file in files}


PAGES = pages()
by_chapter = pytest.mark.parametrize("chapter", [c for c in CHAPTERS if c in PAGES])


def read(chapter):
    return nbformat.read(PAGES[chapter], as_version=4).cells


@by_chapter
def test_the_summary_comes_after_the_exercises(chapter):
    """A reader takes it for the chapter's end."""
    text = "\n".join(cell.source for cell in read(chapter) if cell.cell_type == "markdown")
    before, _, after = text.partition("\n## Summary\n")
    assert boxes(before)
    assert "{exercise" not in after


@by_chapter
def test_the_boxes_are_those_of_the_records(chapter):
    found = [box for cell in read(chapter) if cell.cell_type == "markdown" for box in boxes(cell.source)]
    recorded = {e.label: e for e in exercises(chapter) if e.label}
    assert {box.label: box.title for box in found} == {label: e.title for label, e in recorded.items()}
    assert all(box.minutes in (0, recorded[box.label].minutes) for box in found)


@by_chapter
def test_blanks_hints_and_solutions_are_those_of_the_records(chapter):
    found = read(chapter)
    assert in_notebooks(chapter), "no central function from a blank"
    assert any(isinstance(e, Exercise) for e in in_notebooks(chapter))
    for exercise in in_notebooks(chapter):
        made = cells(exercise)
        (at,) = (k for k, cell in enumerate(found) if f":label: {exercise.label}\n" in cell.source)
        for cell, wanted in zip(found[at:], made, strict=False):
            text = wanted.text if wanted.kind == "markdown" else formatted(wanted.text)
            assert (cell.cell_type, cell.source) == (wanted.kind, text)
        printed = ["".join(out.text for out in c.outputs) for c in found[at : at + len(made)] if c.cell_type == "code"]
        assert printed[-2] == f"{exercise.name}: not written yet.\n"
        assert printed[-1].startswith("Right")


@by_chapter
def test_the_code_of_a_solution_passes_and_has_the_signature_of_its_blank(chapter):
    for exercise in in_notebooks(chapter):
        if isinstance(exercise, Derivation):
            continue
        codes = [formatted(cell.text) for cell in cells(exercise) if cell.kind == "code"]
        functions = [ast.parse(codes[0]).body[0], ast.parse(codes[-1]).body[0]]
        assert len({(f.name, ast.unparse(f.args)) for f in functions}) == 1
        names = dict(vars(__import__(exercise.solution.__module__, fromlist=["x"])))
        exec(compile(ast.Module(functions[1:], []), "solution", "exec"), names)
        assert judge(exercise, names[functions[1].name]).state == "right"


@by_chapter
def test_no_other_cell_of_the_chapter_needs_a_name_that_a_blank_takes(chapter):
    """A blank returns nothing: what the chapter does with its own function of that name must come before."""
    found = read(chapter)
    for exercise in in_notebooks(chapter):
        if not isinstance(exercise, Exercise):
            continue
        name = exercise.solution.__name__
        (at,) = (k for k, cell in enumerate(found) if f":label: {exercise.label}\n" in cell.source)
        behind = found[at + len(cells(exercise)) :]
        used = [c for c in behind if c.cell_type == "code" and re.search(rf"\b{name}\b", c.source)]
        solved = [c for c in found[at : at + len(cells(exercise))] if c.cell_type == "code"][-1]
        assert not used or f"def {name}(" in solved.source


def test_the_page_lists_every_exercise():
    """By its name, or by its box; the page itself is looked at in tests/book."""
    import sys

    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    from rnn_exercises import listing

    text = listing(
        ROOT, {chapter: path.relative_to(ROOT).with_suffix("").as_posix() for chapter, path in PAGES.items()}
    )
    for exercise in exercises():
        if isinstance(exercise, Exercise | Derivation):
            assert f"| `{exercise.name}` |" in text
        elif exercise.chapter in PAGES:
            assert f"{{ref}}`{exercise.title} <{exercise.label}>`" in text


@by_chapter
def test_to_put_them_in_again_changes_nothing_and_lost_ones_come_before_the_summary(chapter, tmp_path):
    copy = tmp_path / PAGES[chapter].name
    copy.write_bytes(PAGES[chapter].read_bytes())
    put_in(copy)
    was, now = ([(c.id, c.source) for c in nb] for nb in (read(chapter), nbformat.read(copy, as_version=4).cells))
    assert now == was
    lost = nbformat.read(copy, as_version=4)
    assert take_out(lost.cells, in_notebooks(chapter)[-1]) is not None
    nbformat.write(lost, copy)
    put_in(copy)
    text = "\n".join(cell.source for cell in nbformat.read(copy, as_version=4).cells)
    assert {box.label for box in boxes(text.partition("\n## Summary\n")[0])} == {
        e.label for e in exercises(chapter) if e.label
    }
