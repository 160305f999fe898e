"""Claims of the chapter on the forward pass."""

from __future__ import annotations

from .claim import claim, exact
from .table import Table

PLACES = tuple(f"error_{k}" for k in range(4))
BEST = 2 * (2 / 9) / 6  # error on a consonant that no predictor is below, in expectation


def error(runs: Table, model: str, place: str) -> float:
    return runs.where(model=model)[place].mean()


@exact(
    "letters-window-of-three",
    "letters-window",
    where={"model": "window of 3"},
    says={"0.075": lambda runs: runs["error_0"].mean()},
    text="A table of the last three letters, which has no state, does as well as anything can: its errors are 0.075"
    " on a consonant and 0 on each vowel.",
)
def _(runs: Table) -> bool:
    return abs(runs["error_0"].mean() - BEST) < 0.001 and all(runs[place].max() < 0.0005 for place in PLACES[1:])


@exact(
    "letters-window-of-two",
    "letters-window",
    where={"model": "window of 2"},
    says={"0.16": lambda runs: runs["error_3"].mean()},
    text="With two letters it takes the third *u* for the end of a syllable, or the end for a third *u*: its error "
    "there is 0.16.",
)
def _(runs: Table) -> bool:
    return runs["error_3"].min() > 0.1 and max(runs["error_1"].max(), runs["error_2"].max()) < 0.0005


def excess(runs: Table) -> float:
    return 100 * (runs.where(model="network")["nats"].mean() / runs.where(model="window of 3")["nats"].mean() - 1)


@claim(
    "letters-network-above-window",
    "letters-window",
    where={"model": ("network", "window of 3"), "rate": (0.0, 0.1)},
    factor="model",
    within=("seed",),
    along=("rate",),
    says={"1.2 %": excess},
    text="The network's loss, at the best of three learning rates, is above that of the table of three letters in "
    "every one of the runs, by 1.2 % on average.",
)
def _(runs: Table) -> bool:
    return bool((runs.where(model="network")["nats"] > runs.where(model="window of 3")["nats"]).all())
