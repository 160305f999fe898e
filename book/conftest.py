"""Outputs that are not committed are not compared: see tests/book/notebooks.py."""

from __future__ import annotations

import pytest

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
