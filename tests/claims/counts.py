"""What several chapters count: runs that learned their task."""

from __future__ import annotations

from typing import Any

import numpy as np

from .table import Table


def learned(runs: Table, outcome: str = "updates", above: float = -np.inf, **where: Any) -> tuple[int, int]:
    """Return how many of the runs with these settings learned the task, and how many there are.

    An outcome that was never reached is not a number, and so above nothing.
    """
    found = runs.where(**where)
    return int((found[outcome] > above).sum()), len(found)
