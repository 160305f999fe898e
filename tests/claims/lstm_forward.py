"""Claims of the chapter on the LSTM's forward pass."""

from __future__ import annotations

import numpy as np

from .claim import claim, exact
from .table import Table

LENGTHS = (20, 30, 40, 60)


def learned(runs: Table, bias: float) -> tuple[int, int]:
    """Return how many runs of a bias learned the task, each length at its best rate, and of how many."""
    updates = runs.best(highest=False).where(bias=bias)["updates"]  # validation is a loss
    return int(np.isfinite(updates).sum()), len(updates)


@claim(
    "lstm-forget-bias-1",
    "forget-bias-lag",
    factor="bias",
    within=("T", "seed"),
    along=("rate",),
    where={"bias": (0.0, 1.0), "T": LENGTHS},
    control={"bias": 0.0},
    treatment={"bias": 1.0},
    text="Over 20, 30, 40 and 60 steps, each bias and length at its own best of three learning rates, 15 of 20 runs "
    "learned it with a bias of 1, and 1 of 20 with a bias of 0.",
    says={"15 of 20": lambda runs: learned(runs, 1.0), "1 of 20": lambda runs: learned(runs, 0.0)},
)
def bias_1(runs: Table) -> bool:
    return learned(runs, 1.0)[0] >= 15 and learned(runs, 0.0)[0] <= 1


@claim(
    "lstm-forget-bias-3",
    "forget-bias-lag",
    factor="bias",
    within=("T", "seed"),
    along=("rate",),
    where={"bias": (1.0, 3.0), "T": LENGTHS},
    control={"bias": 1.0},
    treatment={"bias": 3.0},
    text="With a bias of 3 it was 19 of 20, against 15 of 20.",
    says={"19 of 20": lambda runs: learned(runs, 3.0), "15 of 20": lambda runs: learned(runs, 1.0)},
)
def bias_3(runs: Table) -> bool:
    return learned(runs, 3.0)[0] >= 19 and learned(runs, 1.0)[0] <= 15


def farthest(runs: Table, bias: float) -> int:
    """Return the longest length at which every run of a bias learned the task, at the length's best rate."""
    best = runs.best(highest=False).where(bias=bias)
    return max(T for T in best.levels("T") if np.isfinite(best.where(T=T)["updates"]).all())


@exact(
    "lstm-more-than-twice",
    "forget-bias-lag",
    where={"bias": (0.0, 1.0)},
    text="There a bias of 0 learned it with every seed over 10 steps and not over 20, a bias of 1 over 30 "
    "and not over 40.",
)
def more_than_twice(runs: Table) -> bool:
    return farthest(runs, 0.0) == 10 and farthest(runs, 1.0) == 30
