"""The cheat sheet: its lines compute what the package does, nothing is missing, and it is one legible sheet of A4."""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import browser as b
import numpy as np
import pytest
from pypdf import PdfReader

from rnncourse.activations import sigmoid, sigmoid_slope, tanh_slope

sys.path.insert(0, str(b.ROOT / "book" / "_ext"))
import rnn_sheet as sheet

PAGE = b.ROOT / "book" / "appendices" / "cheat-sheet.md"
BLOCK = re.compile(r"```\{cell-sheet\} (\S+)\n(.*?)```", re.DOTALL)
LEAST = 6.5  # points
HELD = {"gru-after": ("gate_u", "gate_r", "c_t", "dz_c")}  # what the sheet has in the GRU's part
CELLS = dict(BLOCK.findall(PAGE.read_text("utf8")))
ROWS = [row for body in CELLS.values() for row in body.splitlines()]


def names(cell: str) -> list[str]:
    """The names that the sheet computes for a cell, in the order of the page."""
    return [name for row in CELLS[cell].splitlines() for name in row.partition(": ")[2].split()]


# --- what stands on it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", sheet.CELLS)
def test_the_lines_of_the_sheet_compute_what_the_package_does(cell: str) -> None:
    """Each line alone, with the values of a step of the package on its right, gives the package's value."""
    forward, backward, options = sheet.CELLS[cell]
    rng = np.random.default_rng(3)
    layer = sheet.LAYERS[cell].init(3, 5, rng=rng, **options)
    state = tuple(rng.normal(size=(2, 5)) for _ in range(2)) if cell == "lstm" else rng.normal(size=(2, 5))
    (new, cache), ahead, _ = sheet.locals_and_lines(forward, layer, rng.normal(size=(2, 3)), state)
    _, back, _ = sheet.locals_and_lines(backward, layer, cache, new)
    fields = {name: getattr(layer, name) for name in dir(layer) if re.fullmatch(r"[Wb](_\w+)?|n_a", name)}
    known: dict[str, Any] = {**fields, **cache._asdict(), **ahead, **back}
    known |= {"tanh": np.tanh, "sigmoid": sigmoid, "sigmoid_slope": sigmoid_slope, "tanh_slope": tanh_slope}
    known |= {"slope": tanh_slope, "g": np.tanh, "np": np}
    for name in names(cell):
        line, shape = sheet.lines(cell)[name]
        left, _, right = line.partition(" = ")
        assert left == name
        value = eval(right, {}, known)
        assert np.allclose(value, known[name], rtol=0, atol=1e-14), line
        sizes = {"B": 2, "n_x": 3, "n_a": 5}
        assert value.shape == eval(shape.replace("4 n_a", "4 * n_a"), {}, sizes), line


@pytest.mark.parametrize("label", [row.split(": ")[0] for row in ROWS])
def test_every_equation_of_the_sheet_holds(label: str) -> None:
    marks = sheet.by_label(b.ROOT)[label].marks.keys()
    assert not {"not-checked", "false", "refused"} & marks


def test_what_a_line_needs_stands_on_the_sheet() -> None:
    """Every name on the right of a line is a given, a parameter, or computed by another line."""
    given = {"x_t", "a_prev", "c_prev", "da_t", "dc_t", "dz", "n_a", "axis", "g", "slope", "tanh", "sigmoid"}
    given |= {"sigmoid_slope", "tanh_slope", "T", "sum"}
    for cell in CELLS:
        there = {*names(cell), *HELD.get(cell, ()), *given}
        for name in names(cell):
            right = sheet.lines(cell)[name][0].partition(" = ")[2]
            needed = {word for word in re.findall(r"[A-Za-z_]\w*", right) if not re.fullmatch(r"[Wb](_\w+)?", word)}
            assert needed <= there, (cell, name, needed - there)


# --- on paper ----------------------------------------------------------------------------------------------------


@pytest.fixture
def printed(site: Path, chromium: b.webdriver.Chrome) -> Iterator[b.webdriver.Chrome]:
    """The page as it is laid out for paper, as wide as the printable part of A4."""
    with b.served(site) as served:
        b.resize(chromium, round((210 - 14) / 25.4 * 96), 1070)
        chromium.get(served + "book/appendices/cheat-sheet.html")
        b.settle(chromium)
        chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        b.settle(chromium)
        yield chromium
        chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_it_is_one_sheet_of_a4_with_every_equation(printed: b.webdriver.Chrome) -> None:
    data = printed.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"]
    (page,) = PdfReader(BytesIO(base64.b64decode(data))).pages
    assert [round(float(side) / 72 * 25.4) for side in page.mediabox[2:]] == [210, 297]
    numbers = re.findall(r"\(\d+\.\d+\)", page.extract_text())
    assert len(numbers) == len(ROWS) == printed.execute_script("return document.querySelectorAll('.sheet-row').length")


def test_nothing_is_cut(printed: b.webdriver.Chrome) -> None:
    """A page count of 1 says nothing by itself: a third column would be printed beside the paper."""
    beyond = printed.execute_script("""
        const box = document.querySelector('.bd-article > section').getBoundingClientRect();
        const inside = r => r.right <= box.right + 1 && r.bottom <= box.bottom + 1;
        return [...document.querySelectorAll('.sheet-row, .sheet-row mjx-math, .sheet-row code, .sheet-number')]
            .filter(e => ![...e.getClientRects()].every(inside)).map(e => e.textContent);""")
    assert beyond == []


def test_it_is_legible(printed: b.webdriver.Chrome) -> None:
    sizes = printed.execute_script("""
        return [...document.querySelectorAll('.bd-article :is(p, code, .sheet-number, .sheet-shape, mjx-container)')]
            .map(e => parseFloat(getComputedStyle(e).fontSize) * 0.75);""")
    assert min(sizes) >= LEAST - 1e-3


# --- on a phone --------------------------------------------------------------------------------------------------


def test_the_page_does_not_scroll_sideways_on_a_phone(site: Path, chromium: b.webdriver.Chrome) -> None:
    with b.served(site) as served:
        b.resize(chromium, 360)
        chromium.get(served + "book/appendices/cheat-sheet.html")
        b.settle(chromium)
        assert chromium.execute_script("return document.documentElement.scrollWidth") <= 360
