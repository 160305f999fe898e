"""Behind the description of each public name: the chapter that derives it, and the equations that its code cites.

A line of code that computes an equation ends with its label, ``# eq:gru-update``. What cites none is told by its module:
by the pages that are named here, or, of a layer, by those of the equations that its module cites.
"""

from __future__ import annotations

import inspect
import re
from functools import cache
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rnncourse.equations.extract import equations, pages

if TYPE_CHECKING:
    from sphinx.application import Sphinx

LABEL = re.compile(r"\beq:[a-z0-9]+(?:-[a-z0-9]+)*")
CHAPTERS = {  # where a module's subject is treated, by the pages of the book
    "layers.rnn": ("foundations/rnn-forward", "foundations/bptt"),
    "layers.lstm": ("gated/lstm-forward", "gated/lstm-backward"),
    "layers.sequence": ("foundations/batches",),
    "layers.bidirectional": ("architectures/bidirectional",),
    "layers.dense": ("foundations/notation",),
    "layers.embedding": ("learning/language-model",),
    "layers.recurrent_dropout": ("architectures/deep",),
    "layers.halves": ("appendices/performance",),
    "chunked": ("learning/training",),
    "rtrl": ("foundations/bptt",),
    "workspace": ("appendices/performance",),
    "activations": ("foundations/notation",),
    "losses": ("foundations/rnn-forward",),
    "initializers": ("learning/training",),
    "gradcheck": ("foundations/bptt",),
    "optimizers": ("learning/training",),
    "schedules": ("learning/training",),
    "training": ("learning/training",),
    "storage": ("learning/training",),
    "exchange.blocks": ("practice/from-numpy-to-pytorch", "appendices/translations"),
    "exchange.pytorch": ("practice/from-numpy-to-pytorch", "appendices/translations"),
    "exchange.keras": ("appendices/translations",),
    "exchange.onnx": ("appendices/translations",),
    "exchange.orders": ("appendices/translations",),
    "data": ("foundations/batches",),
    "tasks": ("architectures/memory",),
    "language_model": ("learning/language-model",),
    "diagrams": ("foundations/rnn-forward",),
    "widgets": ("foundations/rnn-forward",),
    "exercises": ("appendices/exercises",),
    "records": ("appendices/write-a-cell",),
}


def labels(thing: Any) -> list[str]:
    """Return the labels in the code of a function or class, each once, in order."""
    try:
        source = inspect.getsource(thing)
    except (OSError, TypeError):  # an alias of a type, a constant
        return []
    return list(dict.fromkeys(LABEL.findall(source)))


@cache
def places(book: Path) -> dict[str, str]:
    """Return the page of each numbered equation."""
    return {
        eq.label: page.relative_to(book).with_suffix("").as_posix()
        for page in pages(book)
        for eq in equations(page)
        if eq.label
    }


def chapters(module: str, where: dict[str, str]) -> tuple[str, ...]:
    """Return the pages that treat a module's subject, none if nothing says so."""
    if module in CHAPTERS or not module.startswith("layers."):
        return CHAPTERS.get(module, ())
    cited = set(labels(import_module(f"rnncourse.{module}")))
    return tuple(dict.fromkeys(page for label, page in where.items() if label in cited))


def line(module: str, cited: list[str], where: dict[str, str]) -> str:
    """Write the line: the pages in the order of the book's code, and the equations of each."""
    if not cited:
        named = ", ".join(f":doc:`/book/{page}`" for page in chapters(module, where))
        return f"*More in* {named}."
    parts = [
        f":doc:`/book/{page}`, " + ", ".join(f":eq:`{label}`" for label in group)
        for page, group in groupby(
            sorted(cited, key=lambda label: list(where).index(label)), where.__getitem__
        )
    ]
    return "*Derived in* " + "; ".join(parts) + "."


def derived(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]
) -> None:
    """Add the line to what the pages say of a public function or class."""
    module, _, own = name.removeprefix("rnncourse.").rpartition(".")
    where = places(Path(app.srcdir, "book"))
    if what in ("function", "class") and own and chapters(module, where):
        lines += ["", line(module, labels(thing), where), ""]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx, behind numpydoc."""
    app.connect("autodoc-process-docstring", derived, priority=950)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
