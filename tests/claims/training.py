"""Claims of the chapter on training."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .claim import claim
from .table import Table


def right(runs: Table, window: str) -> np.ndarray:
    """Return the accuracies of a window's seeds at its best rate."""
    return runs.best().where(window=window)["accuracy"]


def percent(window: str) -> Callable[[Table], float]:
    return lambda runs: 100 * right(runs, window).mean()


@claim(
    "training-window",
    "truncation",
    factor="window",
    within=("seed",),
    along=("rate",),
    where={"window": ("6", "12")},
    control={"window": "6"},
    treatment={"window": "12"},
    text="With the whole episode of 12 steps in its window, a network was right in 99 % of new episodes on average, and "
    "with half of it in 75 %.",
    says={"99 %": percent("12"), "75 %": percent("6")},
)
def window(runs: Table) -> bool:
    return bool(right(runs, "12").min() > right(runs, "6").max())


@claim(
    "training-frozen",
    "truncation",
    factor="window",
    within=("seed",),
    along=("rate",),
    where={"window": ("frozen", "6")},
    control={"window": "frozen"},
    treatment={"window": "6"},
    text="The frozen networks, in which nothing but the output layer learned, were right in 84 %, each of them more often "
    "than the one of its seed that was trained with windows of 6 steps.",
    says={"84 %": percent("frozen")},
)
def frozen(runs: Table) -> bool:
    return bool((right(runs, "frozen") > right(runs, "6")).all())
