"""The cheat sheet: a cell's equations by label, its lines of code and their shapes, all taken from where they are checked.

``{cell-sheet} rnn`` names a cell; each line of its body is the label of a numbered equation of a chapter and, after a
colon, names of the package's cell functions. The equation comes from the chapter, the line of code from the function
that computes the name, the shape from a step that is run while the book is built. Nothing is written twice.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

import rnncourse as rc
from rnncourse.equations.extract import Equation, equations, pages

if TYPE_CHECKING:
    from collections.abc import Callable

    from sphinx.application import Sphinx

SIZES = {
    "B": 2,
    "n_x": 3,
    "n_a": 5,
}  # all differ, and from 4 n_a and 3 n_a, so a shape tells its sizes
CELLS: dict[str, tuple[Callable[..., Any], Callable[..., Any], dict[str, Any]]] = {
    "rnn": (rc.rnn_cell_forward, rc.rnn_cell_backward, {}),
    "gru": (rc.gru_cell_forward, rc.gru_cell_backward, {}),
    "gru-after": (rc.gru_cell_forward, rc.gru_cell_backward, {"reset_after": True}),
    "lstm": (rc.lstm_cell_forward, rc.lstm_cell_backward, {}),
}
LAYERS = {"rnn": rc.RNN, "gru": rc.GRU, "gru-after": rc.GRU, "lstm": rc.LSTM}
MARK = re.compile(r"^\s*%.*\n", re.M)
PEEPHOLE = re.compile(r" \+ (?:\(0\.0 if \w+ is None else )?_peep\([\w.]+, \w+\)+")
OWNER = re.compile(r"\b(?:layer|cache)\.")
USUAL = "(B, n_a)"  # the page says so once


def locals_and_lines(
    function: Callable[..., Any], *args: Any
) -> tuple[Any, dict[str, Any], set[int]]:
    """Run a function, and return its result, its local values at the end, and the lines that ran."""
    code, values, ran = inspect.unwrap(function).__code__, {}, set()

    def trace(frame: Any, event: str, _: Any) -> Any:
        if frame.f_code is not code:
            return None
        if event == "line":
            ran.add(frame.f_lineno)
        if event == "return":
            values.update(frame.f_locals)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        result = function(*args)
    finally:
        sys.settrace(before)
    return result, values, ran


def written(source: str, statement: ast.Assign) -> str:
    """Write an assignment as one meets it in a sketch: without the layer, the hooks of the tests and the peepholes."""
    name, value = ast.unparse(statement.targets[0]), statement.value
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "edit":
        value = value.args[1]
    text = " ".join((ast.get_source_segment(source, value) or "").split())
    return f"{name} = " + OWNER.sub("", PEEPHOLE.sub("", text))


def named(shape: tuple[int, ...], blocks: int) -> str:
    """Name the sizes of a shape."""
    names = {size: name for name, size in SIZES.items()}
    names |= {
        SIZES["n_a"] * blocks: f"{blocks} n_a" if blocks > 1 else "n_a",
        SIZES["n_a"] + SIZES["n_x"]: "n_a + n_x",
    }
    return (
        "("
        + ", ".join(names[n] for n in shape)
        + ("," if len(shape) == 1 else "")
        + ")"
    )


def lines(cell: str) -> dict[str, tuple[str, str]]:
    """Run a step of a cell forwards and backwards: each name that it computes, with its line and its shape.

    Parameters
    ----------
    cell : str
        One of CELLS.

    Returns
    -------
    dict
        Name to (line of code, shape).
    """
    forward, backward, options = CELLS[cell]
    rng = np.random.default_rng(0)
    layer = LAYERS[cell].init(SIZES["n_x"], SIZES["n_a"], rng=rng, **options)
    blocks = len(layer.b) // SIZES["n_a"]
    state = layer.zero_state(SIZES["B"])
    x = rng.normal(size=(SIZES["B"], SIZES["n_x"]))
    (new, cache), *ahead = locals_and_lines(forward, layer, x, state)
    _, *back = locals_and_lines(backward, layer, cache, new)
    out = {}
    for function, (values, ran) in ((forward, ahead), (backward, back)):
        listing, first = inspect.getsourcelines(inspect.unwrap(function))
        source = "".join(listing)
        for statement in ast.walk(ast.parse(source)):
            if (
                isinstance(statement, ast.Assign)
                and statement.lineno + first - 1 in ran
            ):
                name = ast.unparse(statement.targets[0])
                if isinstance(values.get(name), np.ndarray):
                    out[name] = (
                        written(source, statement),
                        named(values[name].shape, blocks),
                    )
    return out


def by_label(root: Path) -> dict[str, Equation]:
    """Return the numbered equations of the book that hold."""
    found = (e for page in pages(root / "book") for e in equations(page))
    return {
        e.label: e
        for e in found
        if e.label and not {"false", "refused"} & e.marks.keys()
    }


class CellSheet(SphinxDirective):
    """The equations of a cell, with the code and the shapes."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Put together each row: number, equation, lines of code with shapes."""
        root = Path(self.env.srcdir)
        known, code = by_label(root), lines(self.arguments[0])
        sheet = nodes.container(classes=["cheat-sheet"])
        for row in self.content:
            label, _, names = row.partition(": ")
            if label not in known:
                raise self.error(
                    f"no equation of the book that holds has the label {label}"
                )
            equation = known[label]
            self.env.note_dependency(str(equation.path))
            sheet += self.row(
                label,
                MARK.sub("", equation.latex),
                [code[name] for name in names.split()],
            )
        for page in ("rnn", "gru", "lstm"):
            self.env.note_dependency(str(root / "rnncourse" / "layers" / f"{page}.py"))
        return [sheet]

    def row(self, label: str, latex: str, code: list[tuple[str, str]]) -> nodes.Node:
        """Make a row."""
        box = nodes.container(classes=["sheet-row"])
        number = nodes.container(classes=["sheet-number"])
        self.state.nested_parse(
            StringList([f"{{eq}}`{label}`"], self.get_source_info()[0]),
            self.content_offset,
            number,
        )
        latex = latex.replace(
            r"\sum_{t=", r"\sum\nolimits_{t="
        )  # limits beside the sign: half the height
        block = nodes.math_block(
            latex,
            latex,
            nowrap=False,
            number=None,
            label=None,
            docname=self.env.docname,
        )
        self.set_source_info(block)
        box += [number, block]
        listing = nodes.container(classes=["sheet-lines"])
        for line, shape in code:
            text = nodes.paragraph(classes=["sheet-code"])
            text += nodes.literal(line, line)
            if shape != USUAL:
                text += nodes.inline(shape, shape, classes=["sheet-shape"])
            listing += text
        if code:
            box += listing
        return box


def load(
    app: Sphinx,
    name: str,
    template: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Let the page with the sheet load its style, and no other."""
    if 'class="cheat-sheet ' in context.get("body", ""):
        app.add_css_file("css/sheet.css")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_directive("cell-sheet", CellSheet)
    app.connect("html-page-context", load)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
