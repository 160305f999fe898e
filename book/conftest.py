"""How nbval runs the notebooks: as another machine would, and without comparing what is not committed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from unittest.mock import patch

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "book"))
import portable

NOT_COMMITTED = (
    "application/json",
    "application/vnd.jupyter.widget-state+json",
    "image/svg+xml",
    "text/html",
    "text/latex",
    "text/markdown",
)


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Let nbval compare text alone (it skips PNG and JPEG by itself)."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += NOT_COMMITTED


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without PyTorch, skip the cells that are tagged `torch`, with the reason that tests/conftest.py counts."""
    if find_spec("torch") is None:
        for item in items:
            if type(item).__name__ == "IPyNbCell" and "torch" in item.cell.metadata.get(
                "tags", []
            ):
                item.add_marker(
                    pytest.mark.skip(
                        reason="PyTorch is not installed: its stored output stands"
                    )
                )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Start the kernels under a foreign setting, so that what hangs on the last bit shows; `make portable` has its own."""
    notebook = type(item).__name__ == "IPyNbCell" and "PORTABLE" not in os.environ
    with patch.dict(os.environ, portable.foreign() if notebook else {}):
        return (yield)
