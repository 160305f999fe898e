"""Cells that need PyTorch: they run where it is installed, and keep their stored output where it is not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import notebooks as n
import pytest

sys.path.insert(0, str(n.BOOK / "_ext"))
import rnn_site

SOURCE = "import torch\n\nprint('now')"
FOLDED = {"tags": ["hide-input", "torch", "raises-exception"], "mystnb": {"code_prompt_show": "The same in PyTorch"}}


def cell(source: str = SOURCE, printed: str = "", **metadata: Any) -> Any:
    outputs = [nbformat.v4.new_output("stream", name="stdout", text=printed)] if printed else []
    return nbformat.v4.new_code_cell(source, outputs=outputs, execution_count=1, metadata=metadata)


def notebook(*cells: Any) -> Any:
    return nbformat.from_dict(nbformat.v4.new_notebook(metadata=n.METADATA, cells=list(cells)))


def none_of_torch(name: str, *_: Any) -> object | None:
    return None if name == "torch" else object()


# --- the rules -----------------------------------------------------------------------------------------------------


def test_a_cell_in_the_right_form_passes() -> None:
    later = cell("print(1)"), cell("from torch import nn\n\nprint(torch, nn)", "x\n", **FOLDED)
    assert list(n.torch_cells(notebook(cell(SOURCE, "now\n", **FOLDED), *later))) == []


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([cell(SOURCE, "now\n")], "imports torch without the tag"),
        ([cell("from torch import nn", "now\n")], "imports torch without the tag"),
        ([cell("print(1)", "1\n", **FOLDED)], "imports no torch"),
        ([cell(SOURCE, "now\n", tags=["torch"])], "hide-input"),
        ([cell(SOURCE, "now\n", tags=["torch", "hide-input"])], "code_prompt_show"),
        ([cell(SOURCE, "now\n", tags=["torch", "hide-input"])], "so that all runs"),
        ([cell(SOURCE, **FOLDED)], "no stored output"),
        ([cell(f"{SOURCE}\nrng.normal()", "now\n", **FOLDED)], "moves rng on"),
        ([cell(f"{SOURCE}\nh = 1", "now\n", **FOLDED), cell("print(h)")], "uses h"),
        ([cell(f"{SOURCE}\ndef f():\n    pass", "now\n", **FOLDED), cell("f()")], "uses f"),
    ],
)
def test_a_bad_cell_is_found(cells: list[Any], message: str) -> None:
    assert any(message in problem for problem in n.torch_cells(notebook(*cells)))


# --- what runs where -----------------------------------------------------------------------------------------------

STORED = "stored\n"  # is not what the cell prints
WITHOUT = """\
import importlib.util

real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "torch" else real(name, *more)
"""


def nbval(folder: Path, *plugin: str, source: str = "print('now')") -> str:
    """Run nbval over a notebook whose cell would print something else than is stored, or nothing."""
    shutil.copy(n.BOOK / "conftest.py", folder)
    (folder / "without_torch.py").write_text(WITHOUT)
    nbformat.write(notebook(cell(source, STORED, **FOLDED)), folder / "a.ipynb")
    path = os.pathsep.join([str(Path(__file__).parent), str(folder)])
    command = [sys.executable, "-m", "pytest", *plugin, "-q", "-rs", "--nbval", "--nbval-current-env", "."]
    environment = os.environ | {"PYTHONPATH": path}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False).stdout


def test_without_torch_nbval_skips_the_cell_and_says_so(tmp_path: Path) -> None:
    told = nbval(tmp_path, "-p", "without_torch")
    assert "1 skipped" in told
    assert "PyTorch is not installed" in told


@pytest.mark.parametrize("source", ["print('now')", "1 / 0", f"print({STORED.strip()!r}); 1 / 0"])
def test_with_torch_nbval_compares_it(source: str, tmp_path: Path) -> None:
    """The tag raises-exception, which is for who has no torch, lets no error through where it is."""
    pytest.importorskip("torch", reason="PyTorch is not installed")
    assert "1 failed" in nbval(tmp_path, source=source)


@pytest.mark.parametrize(("found", "text"), [(none_of_torch, STORED), (lambda *_: object(), "now\n")])
def test_writing_keeps_what_is_stored_where_torch_is_missing(
    found: Any, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(n, "find_spec", found)
    nbformat.write(notebook(cell("print('now')", STORED, **FOLDED)), tmp_path / "a.ipynb")
    assert n.execute(tmp_path / "a.ipynb").cells[0].outputs[0].text == text


@pytest.mark.parametrize(("found", "text"), [(none_of_torch, STORED), (lambda *_: object(), "now\n")])
def test_the_build_keeps_it_too(found: Any, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run that the build's cache makes, as rnn_site.py leaves it."""
    from myst_nb.core.execute import cache

    monkeypatch.setattr(cache, "single_nb_execution", cache.single_nb_execution)  # put back afterwards
    monkeypatch.setattr(rnn_site, "find_spec", found)
    rnn_site.stored_outputs(None, SimpleNamespace(nb_execution_mode="cache"))
    nb = notebook(cell("print('now')", STORED, **FOLDED))
    result = cache.single_nb_execution(nb, cwd=str(tmp_path), timeout=60, allow_errors=False)
    assert result.err is None
    assert result.nb.cells[0].outputs[0].text == text
