"""Claims of the chapter on sequences."""

from __future__ import annotations

from .claim import claim, exact
from .table import Table, table

WIDTH = {f"window of {w}": w for w in (4, 8, 16)}
WINDOW, RECURRENT, ALL, UNSHARED = "window of 16", "recurrent", "all at once", "recurrent, not shared"


def solved(runs: Table) -> tuple[int, int]:
    """Return how many runs, each at its best learning rate, solved the task, and of how many."""
    accuracy = runs.best()["accuracy"]
    return int((accuracy >= table("window-gap").about["settings"]["solved"]).sum()), len(accuracy)


def reaching(runs: Table, reach: bool) -> Table:
    """Return the runs of the windows that hold the first flash, or of those that do not."""
    return runs.rows([(WIDTH[model] > gap) == reach for model, gap in zip(runs["model"], runs["gap"], strict=True)])


@claim(
    "sequences-window-reaches",
    "window-gap",
    where={"model": tuple(WIDTH)},
    factor="model",
    within=("gap", "seed"),
    along=("rate",),
    says={
        "30 of 30": lambda runs: solved(reaching(runs, True)),
        "0 of 30": lambda runs: solved(reaching(runs, False)),
        "53.1 %": lambda runs: 100 * reaching(runs, False).best()["accuracy"].max(),
    },
    text="Where the window reaches back to the first flash, 30 of 30 runs solve the task; where it does not, 0 of 30 "
    "do, and none is right about more than 53.1 % of the new stories.",
)
def window_reaches(runs: Table) -> bool:
    return solved(reaching(runs, True))[0] >= 30 and reaching(runs, False).best()["accuracy"].max() < 0.55


@claim(
    "sequences-state-reaches",
    "window-gap",
    where={"model": (WINDOW, RECURRENT), "gap": 23},
    factor="model",
    within=("seed",),
    along=("rate",),
    says={
        "five of five": lambda runs: solved(runs.where(model=RECURRENT)),
        "none of five": lambda runs: solved(runs.where(model=WINDOW)),
    },
    text="At a gap of 23 steps, longer than any window here, the recurrent network solves it in five of five runs, the "
    "window of 16 in none of five.",
)
def state_reaches(runs: Table) -> bool:
    return solved(runs.where(model=RECURRENT))[0] >= 5 and solved(runs.where(model=WINDOW))[0] <= 0


def right(runs: Table, **where: object) -> float:
    """Return the mean percentage of right answers, at the best learning rate."""
    return float(100 * runs.where(**where).best()["accuracy"].mean())


@claim(
    "sequences-few-examples",
    "window-data",
    where={"steps": 24, "examples": 100},
    factor="model",
    within=("seed",),
    along=("rate",),
    says={
        "86 %": lambda runs: right(runs, model=ALL),
        "99.8 %": lambda runs: right(runs, model=RECURRENT),
    },
    text="With 100 sequences of 24 steps to learn from, the network that reads all steps at once is right about 86 % "
    "of new sequences, the recurrent one about 99.8 %.",
)
def few_examples(runs: Table) -> bool:
    return right(runs, model=RECURRENT) > right(runs, model=ALL) + 10


@exact(
    "sequences-fewest-examples",
    "window-data",
    where={"steps": 24, "examples": 25},
    text="With 25 sequences of 24 steps, the network that reads all steps at once is right about 67 % of new ones, the "
    "recurrent one about 89 %, and one of five recurrent runs no more than 66 %.",
    says={
        "67 %": lambda runs: right(runs, model=ALL),
        "89 %": lambda runs: right(runs, model=RECURRENT),
        "one of five": lambda runs: slow(runs, 0.7),
        "66 %": lambda runs: 100 * runs.where(model=RECURRENT).best()["accuracy"].min(),
    },
)
def fewest_examples(runs: Table) -> bool:
    return right(runs, model=RECURRENT) > right(runs, model=ALL) + 10


def slow(runs: Table, share: float) -> tuple[int, int]:
    """Return how many recurrent runs are right about less than a share, and of how many."""
    accuracy = runs.where(model=RECURRENT).best()["accuracy"]
    return int((accuracy < share).sum()), len(accuracy)


@claim(
    "sequences-longer",
    "window-data",
    where={"model": ALL, "examples": 100},
    factor="steps",
    within=("seed",),
    along=("rate",),
    says={"98 %": lambda runs: right(runs, steps=6), "86 %": lambda runs: right(runs, steps=24)},
    text="With as many sequences of 6 steps, reading all at once is right about 98 % of them, against 86 % at 24.",
)
def longer(runs: Table) -> bool:
    return right(runs, steps=6) > right(runs, steps=24) + 10


@claim(
    "sequences-shared-weights",
    "window-sharing",
    factor="model",
    within=("seed",),
    along=("rate",),
    control={"model": UNSHARED},
    treatment={"model": RECURRENT},
    says={
        "94 %": lambda runs: right(runs, model=UNSHARED),
        "100 %": lambda runs: right(runs, model=RECURRENT),
        "89 %": lambda runs: right(runs, model=ALL),
    },
    text="Without the sharing the recurrent network is right about 94 % of new sequences of 16 steps, with it about "
    "100 %; the network that reads all at once is right about 89 %.",
)
def shared_weights(runs: Table) -> bool:
    one, own, dense = (runs.where(model=model).best()["accuracy"] for model in (RECURRENT, UNSHARED, ALL))
    return bool((one > own).all() and (own > dense).all())
