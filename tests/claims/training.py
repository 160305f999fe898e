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
    text="With the whole episode of 12 steps in its window, a network was right in 99 % of new episodes on average, "
    "and with half of it in 75 %.",
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
    text="The frozen networks, in which nothing but the output layer learned, were right in 84 %, each of them more "
    "often than the one of its seed that was trained with windows of 6 steps.",
    says={"84 %": percent("frozen")},
)
def frozen(runs: Table) -> bool:
    return bool((right(runs, "frozen") > right(runs, "6")).all())


def solved(runs: Table, clip: str) -> tuple[int, int]:
    """Return how many runs learned the order of the marks, and of how many."""
    accuracy = runs.where(clip=clip)["accuracy"]
    return int((accuracy >= 0.99).sum()), len(accuracy)


@claim(
    "training-clip-rate",
    "temporal-order",
    factor="clip",
    within=("T", "seed"),
    where={"rate": 0.03, "T": (20, 30)},
    control={"clip": "no"},
    treatment={"clip": "norm 1"},
    text="At the rate 0.03 and the lengths 20 and 30, 8 of 10 runs learned the order when they were clipped, and 0 of "
    "10 when they were not.",
    says={"8 of 10": lambda runs: solved(runs, "norm 1"), "0 of 10": lambda runs: solved(runs, "no")},
)
def clip_rate(runs: Table) -> bool:
    return solved(runs, "norm 1")[0] >= 8 and solved(runs, "no")[0] == 0


def updates(runs: Table, clip: str) -> float:
    """Return the median over the seeds of the updates taken at the best rate; a run that was not done took for ever."""
    found = runs.best().where(clip=clip)["updates"]
    return float(np.median(np.where(np.isnan(found), np.inf, found)))


@claim(
    "training-clip-speed",
    "temporal-order",
    factor="clip",
    within=("seed",),
    along=("rate",),
    where={"T": 20},
    control={"clip": "no"},
    treatment={"clip": "norm 1"},
    text="At length 20, each at its own best rate, the clipped networks were done after 150 updates (the median of "
    "five), the others after 350.",
    says={"150": lambda runs: updates(runs, "norm 1"), "350": lambda runs: updates(runs, "no")},
)
def clip_speed(runs: Table) -> bool:
    return updates(runs, "norm 1") <= 150 and updates(runs, "no") >= 350
