"""Claims of the chapter on the forward pass."""

from __future__ import annotations

import numpy as np
from experiments.sunspot_rivals import series

from .claim import claim, exact
from .statistics import years_interval
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


NETWORKS = ("tanh", "relu", "identity")
CYCLE = 11  # years that are resampled together


def chosen(runs: Table) -> Table:
    return runs.best(over=("units", "rate"), highest=False)


def held_out() -> tuple[np.ndarray, np.ndarray]:
    """Return the counts of the held-out years, and which of them are above every training year."""
    years, counts, _, training, *_ = series()
    return counts[years > 1955], counts[years > 1955] > counts[training].max()


def on_peaks(runs: Table, model: str) -> float:
    """Return the mean over the seeds of the root mean squared error in the years above every training year."""
    truth, peaks = held_out()
    off = (runs.where(model=model)["forecasts"] - truth)[:, peaks]
    return float(np.sqrt((off**2).mean(axis=1)).mean())


@claim(
    "sunspots-peaks",
    "sunspot-rivals",
    where={"model": NETWORKS},
    factor="model",
    within=("seed",),
    along=("units", "rate"),
    control={"model": "identity"},
    treatment={"model": "tanh"},
    says={
        "33.4": lambda runs: on_peaks(chosen(runs), "tanh"),
        "25.0": lambda runs: on_peaks(chosen(runs), "relu"),
        "19.5": lambda runs: on_peaks(chosen(runs), "identity"),
    },
    text="In the six highest years the RMSE of the networks with tanh is 33.4 on average, of those with ReLU 25.0 and "
    "of those with the identity 19.5, each with its own best size and learning rate.",
)
def peaks(runs: Table) -> bool:
    tanh, relu, identity = (on_peaks(chosen(runs), model) for model in NETWORKS)
    return tanh > relu + 5 and relu > identity + 4


def gap(runs: Table, model: str) -> tuple[float, float]:
    """Return the interval, over years, of the networks' mean error less the autoregression's."""
    squared = {
        name: (chosen(runs).where(model=name)["forecasts"] - held_out()[0]) ** 2 for name in (model, "autoregression")
    }

    def of(years: np.ndarray) -> float:
        error = {name: np.sqrt(each[:, years].mean(axis=1)).mean() for name, each in squared.items()}
        return float(error[model] - error["autoregression"])

    return years_interval(of, len(held_out()[0]), CYCLE)


@exact(
    "sunspots-no-winner",
    "sunspot-rivals",
    where={"model": ("autoregression", "tanh", "relu")},
    says={
        "−0.9": lambda runs: gap(runs, "tanh")[0],
        "5.2": lambda runs: gap(runs, "tanh")[1],
        "−2.0": lambda runs: gap(runs, "relu")[0],
        "1.8": lambda runs: gap(runs, "relu")[1],
        "11": lambda runs: CYCLE,
    },
    text="With years resampled in blocks of 11, the error of the tanh networks less that of the autoregression lies"
    " between −0.9 and 5.2, that of the ReLU networks between −2.0 and 1.8: no winner.",
)
def no_winner(runs: Table) -> bool:
    return all(low < 0 < high for low, high in (gap(runs, "tanh"), gap(runs, "relu")))
