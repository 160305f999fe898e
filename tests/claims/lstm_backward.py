"""Claims of the chapter on the LSTM's backward pass."""

from __future__ import annotations

import numpy as np

from .claim import claim, exact
from .table import Table

RIGHT, TOLD = 0, (1, 3, 6)  # the right version, and the exhibits that training tells
OTHERS = tuple(k for k in range(1, 14) if k not in TOLD)


def learned(runs: Table, exhibit: int) -> tuple[int, int]:
    """Return how many runs of an exhibit learned the task, and of how many."""
    updates = runs.where(exhibit=exhibit)["updates"]
    return int(np.isfinite(updates).sum()), len(updates)


def fewest(runs: Table, exhibits: tuple[int, ...]) -> tuple[int, int]:
    return min(learned(runs, exhibit) for exhibit in exhibits)


def most(runs: Table, exhibits: tuple[int, ...]) -> tuple[int, int]:
    return max(learned(runs, exhibit) for exhibit in exhibits)


@exact(
    "lstm-museum-parity",
    "museum-tasks",
    where={"task": "parity"},
    says={"three of five": lambda runs: fewest(runs, (*TOLD, *OTHERS))},
    text="On parity at least three of five runs learned with each of the thirteen wrong versions.",
)
def museum_parity(runs: Table) -> bool:
    return fewest(runs, (*TOLD, *OTHERS)) >= (3, 5)


@claim(
    "lstm-museum-hold",
    "museum-tasks",
    factor="exhibit",
    within=("seed",),
    where={"task": "hold, 20", "exhibit": (RIGHT, *TOLD)},
    control={"exhibit": RIGHT},
    treatment={"exhibit": TOLD[0]},
    says={"all of five": lambda runs: learned(runs, RIGHT), "none of five": lambda runs: most(runs, TOLD)},
    text="With the one target after 20 steps, at one learning rate, all of five runs learned with the right version "
    "and none of five with exhibits 1, 3 and 6.",
)
def museum_hold(runs: Table) -> bool:
    return learned(runs, RIGHT)[0] == 5 and most(runs, TOLD)[0] == 0


@exact(
    "lstm-museum-others",
    "museum-tasks",
    where={"task": "hold, 20", "exhibit": OTHERS},
    says={"all of five": lambda runs: fewest(runs, OTHERS)},
    text="With each of the other ten it was all of five.",
)
def museum_others(runs: Table) -> bool:
    return fewest(runs, OTHERS) == (5, 5)
