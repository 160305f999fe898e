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
    text="Over 20, 30, 40 and 60 steps, each bias and length at its own best of three learning rates, 15 of 20 runs"
    " learned it with a bias of 1, and 1 of 20 with a bias of 0.",
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
    text="There a bias of 0 learned it with every seed over 10 steps and not over 20, a bias of 1 over 30 and not "
    "over 40.",
)
def more_than_twice(runs: Table) -> bool:
    return farthest(runs, 0.0) == 10 and farthest(runs, 1.0) == 30


FULL, OWN, WITHOUT = "full", "own line only", "without the own line"


def updates(runs: Table, gradient: str, T: int) -> np.ndarray:
    """Return the updates of each seed at the gradient's own best rate; infinity if it never learned."""
    found = runs.best(highest=False).where(gradient=gradient, T=T)["updates"]
    return np.where(np.isnan(found), np.inf, found)


def came_through(runs: Table, gradient: str, T: int) -> tuple[int, int]:
    found = updates(runs, gradient, T)
    return int(np.isfinite(found).sum()), len(found)


@exact(
    "lstm-ways-over-10",
    "carousel-ablation",
    where={"T": 10},
    says={"all of five": lambda runs: came_through(runs, WITHOUT, 10)},
    text="Over 10 steps all of five runs learn it even without the line, as they do with the line alone.",
)
def ways_over_10(runs: Table) -> bool:
    return came_through(runs, WITHOUT, 10) == came_through(runs, OWN, 10) == came_through(runs, FULL, 10) == (5, 5)


@claim(
    "lstm-line-needed",
    "carousel-ablation",
    where={"T": 20, "gradient": (FULL, WITHOUT)},
    factor="gradient",
    within=("seed",),
    along=("rate",),
    control={"gradient": WITHOUT},
    treatment={"gradient": FULL},
    says={
        "all of five": lambda runs: came_through(runs, FULL, 20),
        "none of five": lambda runs: came_through(runs, WITHOUT, 20),
    },
    text="Over 20 steps all of five learn it within 500 updates with the whole gradient and none of five without what "
    "comes back along the line, each at the best of three learning rates: to be in time, the line is needed.",
)
def line_needed(runs: Table) -> bool:
    return came_through(runs, FULL, 20)[0] >= 5 and came_through(runs, WITHOUT, 20)[0] <= 0


@claim(
    "lstm-line-not-enough",
    "carousel-ablation",
    where={"T": 30, "gradient": (FULL, OWN)},
    factor="gradient",
    within=("seed",),
    along=("rate",),
    control={"gradient": OWN},
    treatment={"gradient": FULL},
    says={
        "all of five": lambda runs: came_through(runs, FULL, 30),
        "one of five": lambda runs: came_through(runs, OWN, 30),
    },
    text="Over 30 steps it is not enough: the line alone brings one of five there, the whole gradient all of five, "
    "and with each seed sooner.",
)
def line_not_enough(runs: Table) -> bool:
    return bool((updates(runs, FULL, 30) < updates(runs, OWN, 30)).all())


NOTHING, READ = "nothing", "what is read of a at its mean"
UPDATE, FORGET = "update gate at its mean", "forget gate at its mean"


def told(runs: Table, training: str) -> np.ndarray:
    """Return in per cent how much of the number the memory of each network's best unit tells at the end."""
    return 100 * runs.where(training=training)["told"][:, -1]


def losses(runs: Table, held: str) -> np.ndarray:
    """Return each network's loss in per cent of a guess's."""
    return 100 * runs.where(held=held)["loss"]


def all_of(seen: np.ndarray, low: float = -np.inf, high: float = np.inf) -> tuple[int, int]:
    return int(((seen > low) & (seen < high)).sum()), len(seen)


@claim(
    "lstm-trained-told",
    "hold-gates",
    where={"held": NOTHING},
    factor="training",
    within=("seed",),
    control={"training": "before"},
    treatment={"training": "after"},
    says={
        "all of five": lambda runs: all_of(losses(runs.where(training="after"), NOTHING), high=10),
        "7 %": lambda runs: told(runs, "before").max(),
        "96 %": lambda runs: told(runs, "after").min(),
    },
    text="Trained at one learning rate, all of five networks hold the number: the memory of that unit tells at most "
    "7 % of it at the end before training, and at least 96 % after.",
)
def trained_told(runs: Table) -> bool:
    return bool(told(runs, "before").max() < 7 and told(runs, "after").min() > 96)


@exact(
    "lstm-trained-own-line",
    "hold-gates",
    where={"training": "after", "held": NOTHING},
    says={
        "19": lambda runs: len(runs["forget"][0]) - 1,
        "8 %": lambda runs: 100 * runs["forget"][:, 1:].prod(axis=1).max(),
    },
    text="The mean positions of that unit's forget gates, multiplied over the 19 later steps, come to at most 8 %.",
)
def own_line(runs: Table) -> bool:
    return bool(runs["forget"][:, 1:].prod(axis=1).max() < 0.075)


@claim(
    "lstm-trained-through-a",
    "hold-gates",
    where={"training": "after", "held": (NOTHING, READ)},
    factor="held",
    within=("seed",),
    control={"held": NOTHING},
    treatment={"held": READ},
    says={
        "94 %": lambda runs: losses(runs, READ).min(),
        "all of five": lambda runs: all_of(losses(runs, NOTHING), high=1),
        "1 %": lambda runs: 1,
    },
    text="Hold what the cell reads of its own output at each step's mean: the loss is at least 94 % of a guess's, and "
    "below 1 % with nothing changed, in all of five networks at that learning rate.",
)
def through_a(runs: Table) -> bool:
    return bool(losses(runs, READ).min() > 94 and losses(runs, NOTHING).max() < 1)


@claim(
    "lstm-trained-update-gate",
    "hold-gates",
    where={"training": "after", "held": (UPDATE, FORGET)},
    factor="held",
    within=("seed",),
    control={"held": FORGET},
    treatment={"held": UPDATE},
    says={"42 %": lambda runs: losses(runs, UPDATE).min(), "15 %": lambda runs: losses(runs, FORGET).max()},
    text="With every update gate held at its mean the loss is at least 42 % of a guess's, with the forget gates so "
    "held at most 15 %, at that learning rate: the update gates have to move, the forget gates far less.",
)
def update_gate(runs: Table) -> bool:
    return bool(losses(runs, UPDATE).min() > losses(runs, FORGET).max())
