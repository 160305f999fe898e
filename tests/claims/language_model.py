"""Claims of the chapter on language models."""

from __future__ import annotations

from typing import Any

import numpy as np

from .claim import claim, exact
from .table import Table, table

NGRAM, NETWORKS, SIZES = "n-gram", ("RNN", "GRU", "LSTM"), (18_000, 74_000, 0)


def chosen(runs: Table) -> Table:
    """Keep, of each model, size and cut, the run at the learning rate that is best on the cut's validation part."""
    setting = runs.groups("model", "size", "seed")
    order = np.argsort(runs["validation"], kind="stable")
    _, first = np.unique(setting[order], return_index=True)
    return runs.rows(np.sort(order[first]))


def bits(runs: Table, model: str, size: int = 0) -> Any:
    """Return the bits a character on the test part, a cut an entry."""
    found = chosen(runs).where(model=model, size=size)
    return found["bits"][np.argsort(found["seed"], kind="stable")]


def of_the_reader(runs: Table) -> float:
    return float(runs.where(updates=4_000)["bits"][0])


def of_the_counts(_: Table) -> float:
    return float(bits(table("character-models"), NGRAM)[0])


@claim(
    "lm-counts-every-cut",
    "character-models",
    factor="model",
    within=("seed",),
    along=("rate",),
    where={"model": (NGRAM, *NETWORKS), "size": 0},
    text="On each of the five cuts the n-gram needs fewer bits than any of the three networks, each at the best of "
    "three learning rates: 1.93 on average, against 2.67 for the GRU.",
    says={"1.93": lambda runs: bits(runs, NGRAM).mean(), "2.67": lambda runs: bits(runs, "GRU").mean()},
)
def counts_every_cut(runs: Table) -> bool:
    return all((bits(runs, NGRAM) < bits(runs, network)).all() for network in NETWORKS)


@claim(
    "lm-gru-first",
    "character-models",
    factor="model",
    within=("seed",),
    along=("rate",),
    where={"model": NETWORKS, "size": 0},
    text="Of the three networks the GRU needs the fewest bits on each of the five cuts, each at the best of three "
    "learning rates: 2.67 on average, the LSTM 2.73, the plain network 2.77.",
    says={
        "2.67": lambda runs: bits(runs, "GRU").mean(),
        "2.73": lambda runs: bits(runs, "LSTM").mean(),
        "2.77": lambda runs: bits(runs, "RNN").mean(),
    },
)
def gru_first(runs: Table) -> bool:
    return all((bits(runs, "GRU") < bits(runs, network)).all() for network in ("RNN", "LSTM"))


@claim(
    "lm-text",
    "character-models",
    factor="model",
    within=("size", "seed"),
    along=("rate",),
    where={"model": (NGRAM, "GRU")},
    text="At each of the three sizes the n-gram is ahead of the GRU on each of the five cuts, the GRU at the best of "
    "three learning rates: by 0.4 bits on average with 18,000 characters and by 0.7 with all.",
    says={
        "0.4": lambda runs: ahead(runs, 18_000).mean(),
        "0.7": lambda runs: ahead(runs, 0).mean(),
    },
)
def text(runs: Table) -> bool:
    return all((ahead(runs, size) > 0).all() for size in SIZES)


def ahead(runs: Table, size: int) -> Any:
    """Return by how many bits the n-gram is ahead of the GRU, a cut an entry."""
    return bits(runs, "GRU", size) - bits(runs, NGRAM, size)


@exact(
    "lm-by-heart",
    "character-models",
    where={"model": "GRU", "size": 18_000, "rate": (0.01, 0.03)},
    text="With 18,000 characters, at both of the higher rates the GRU was better after half of the updates than after "
    "all, on each of the five cuts.",
)
def by_heart(runs: Table) -> bool:
    return bool((runs["stop"] < runs.about["settings"]["updates"]).all())


@exact(
    "lm-counts-ahead",
    "character-reader",
    says={"2.12": of_the_reader, "1.92": of_the_counts},
    text="The network needs 2.12 bits on the first cut after its 4,000 updates, the n-gram 1.92: counting is ahead.",
)
def counts_ahead(runs: Table) -> bool:
    return of_the_counts(runs) < of_the_reader(runs) < min(row for row in runs.where(updates=(0, 30, 1_000))["bits"])
