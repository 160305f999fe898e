"""The reference: every public name is on its page, with an example that runs and a link to where it is derived."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from functools import cache
from types import ModuleType
from typing import Any

import notebooks as n
import pytest

import rnncourse

sys.path.insert(0, str(n.BOOK / "_ext"))
import rnn_derived

BOOK, PACKAGE = n.BOOK, n.ROOT / "rnncourse"
PAGE = (BOOK / "appendices" / "api.md").read_text("utf8")
MODULES = re.findall(r"automodule:: rnncourse\.(\S+)", PAGE)
# Public modules that are not on the page: what is behind the public names, and the checker of equations, whose command
# and functions the chapters and the report show.
BEHIND = ("battery", "equations", "layers.fast", "listing", "exercises.", "diagrams.", "widgets.")
# Needs a library that few have; tests/test_exchange.py writes, reads and runs files where it is installed.
NO_EXAMPLE = {"exchange.onnx.from_onnx", "exchange.onnx.to_onnx"}


def module(name: str) -> ModuleType:
    return importlib.import_module(f"rnncourse.{name}")


def is_a_result(thing: Any) -> bool:
    """What a function hands back, or a protocol: an example of it is one of the function."""
    return inspect.isclass(thing) and (
        issubclass(thing, tuple | Exception)
        or getattr(thing, "_is_protocol", False)
        or thing.__name__.endswith(("Run", "Gradients", "Training", "Verdict", "State"))
        or thing.__module__ == "rnncourse.exercises.records"
        or thing.__name__ in {"Record", "Diagram", "Player"}  # bases, and what a function draws
    )


def public(of_names: list[str]) -> list[tuple[str, Any]]:
    """The functions and classes of some modules, by their full names."""
    found = []
    for name in of_names:
        for own in module(name).__all__:
            thing = getattr(module(name), own)
            if inspect.isfunction(thing) or inspect.isclass(thing):
                found.append((f"{name}.{own}", thing))
    return found


THINGS = public(MODULES)


def documents(thing: Any) -> str:
    """The docstring; a class's methods may hold its example."""
    texts = [thing.__doc__ or ""]
    if inspect.isclass(thing):
        texts += [getattr(member, "__doc__", None) or "" for member in vars(thing).values()]
    return "\n".join(texts)


@cache
def where() -> dict[str, str]:
    return rnn_derived.places(BOOK)


def test_every_public_module_is_on_the_page() -> None:
    folders = {".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in PACKAGE.rglob("*.py")}
    names = {name.removesuffix(".__init__") for name in folders} - {"__init__"}
    names = {name for name in names if not re.search(r"(^|\.)_", name) and hasattr(module(name), "__all__")}
    on_other_pages = {
        name for name in names if name.startswith(BEHIND) or name in ("layers", "layers.recurrent", "exchange")
    }
    assert names - on_other_pages == set(MODULES)


def test_every_name_of_the_package_itself_is_on_the_page() -> None:
    reached = {thing.__name__ for _, thing in THINGS}
    assert {name for name in rnncourse.__all__ if callable(getattr(rnncourse, name))} <= reached


@pytest.mark.parametrize(("name", "thing"), [pytest.param(n, t, id=n) for n, t in THINGS if not is_a_result(t)])
def test_a_public_name_has_an_example(name: str, thing: Any) -> None:
    """That it runs is another test: ``--doctest-modules``."""
    assert (">>>" in documents(thing)) != (name in NO_EXAMPLE)


@pytest.mark.parametrize("name", MODULES)
def test_the_chapter_of_a_module_is_about_it(name: str) -> None:
    """The page is there, and the first of them names something of the module."""
    own = [*module(name).__all__, f"(?i:{name.rpartition('.')[2]})"]
    assert rnn_derived.chapters(name, where()), f"{name}: name its chapter in CHAPTERS of book/_ext/rnn_derived.py"
    for page in rnn_derived.CHAPTERS.get(name, ()):
        (path,) = BOOK.glob(f"{page}.*")
        text = path.read_text("utf8")
        assert any(re.search(rf"\b{each}\b", text) for each in own), f"{page} names nothing of {name}"


def test_every_label_in_the_code_is_in_the_book() -> None:
    for path in PACKAGE.rglob("*.py"):
        if path.relative_to(PACKAGE).parts[0] not in ("equations", "exercises"):  # whose own examples have labels
            unknown = set(rnn_derived.LABEL.findall(path.read_text("utf8"))) - where().keys()
            assert not unknown, path


CELLS = [(n, t) for n, t in THINGS if re.search(r"(cell|normalised_\w+)_(forward|backward)$", n)]


@pytest.mark.parametrize(("name", "thing"), [pytest.param(n, t, id=n) for n, t in CELLS])
def test_every_cell_cites_equations(name: str, thing: Any) -> None:
    assert rnn_derived.labels(thing), f"{name}: no line ends with the label of an equation of the book, # eq:…"
    text = rnn_derived.line(name.rpartition(".")[0], rnn_derived.labels(thing), where())
    assert text.startswith("*Derived in* :doc:`/book/")


def test_there_are_cells() -> None:
    assert len(CELLS) >= 12


def test_what_the_page_gets() -> None:
    """Equations by their pages, each page once; the module's page where the code cites none."""
    places = {"eq:a": "one", "eq:b": "two", "eq:c": "one"}
    told = rnn_derived.line("layers.gru", ["eq:b", "eq:c", "eq:a"], {"eq:a": "one", "eq:c": "one", "eq:b": "two"})
    assert told == "*Derived in* :doc:`/book/one`, :eq:`eq:a`, :eq:`eq:c`; :doc:`/book/two`, :eq:`eq:b`."
    assert rnn_derived.line("layers.halves", [], places) == "*More in* :doc:`/book/appendices/performance`."
    assert (
        rnn_derived.line("layers.gru", [], where()) == "*More in* :doc:`/book/gated/gru`."
    )  # whose equations it cites
    lines: list[str] = []
    app: Any = type("App", (), {"srcdir": str(n.ROOT)})
    rnn_derived.derived(app, "method", "rnncourse.layers.gru.GRU.forward", None, None, lines)
    assert not lines
    rnn_derived.derived(
        app, "function", "rnncourse.layers.gru.gru_cell_forward", rnncourse.gru_cell_forward, None, lines
    )
    assert ":eq:`eq:gru-update`" in lines[1]
