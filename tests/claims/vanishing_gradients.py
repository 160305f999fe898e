"""Claims of the chapter on vanishing gradients."""

from __future__ import annotations

import numpy as np

from .claim import claim
from .table import Table

SMALL, ORTHOGONAL = "tanh, PyTorch's start", "tanh, orthogonal"
BIAS_1, BIAS_4 = "LSTM", "LSTM, forget bias 4"
SIGMOID = "sigmoid, the same function"


def learned(runs: Table, network: str) -> tuple[int, int]:
    """Return how many runs of a network learned the rule, and of how many."""
    accuracy = runs.where(network=network)["accuracy"]
    return int((accuracy >= runs.about["settings"]["solved"]).sum()), len(accuracy)


@claim(
    "vanishing-start",
    "agreement-distance",
    factor="network",
    within=("distance", "seed"),
    along=("rate",),
    where={"network": (SMALL, ORTHOGONAL), "distance": (16, 24, 32)},
    control={"network": SMALL},
    treatment={"network": ORTHOGONAL},
    text="Over 16, 24 and 32 words, each start at its own best of three learning rates, the orthogonal one learned the "
    "rule in 13 of 15 runs, PyTorch's in 3 of 15.",
    says={
        "13 of 15": lambda runs: learned(runs.best(), ORTHOGONAL),
        "3 of 15": lambda runs: learned(runs.best(), SMALL),
    },
)
def start(runs: Table) -> bool:
    return learned(runs.best(), ORTHOGONAL)[0] >= 13 and learned(runs.best(), SMALL)[0] <= 3


@claim(
    "vanishing-order",
    "agreement-distance",
    factor="sensitivity",
    within=("distance", "seed"),
    along=("rate",),
    where={"network": (SMALL, ORTHOGONAL, "GRU", BIAS_1, BIAS_4), "distance": (24, 32)},
    text="Over 24 and over 32 words, each network at its own best rate, none that is less sensitive at the start "
    "learned the rule in more runs.",
)
def order(runs: Table) -> bool:
    """At each distance: ordered by what arrives at the start, the networks are ordered by how often they learned."""
    best = runs.best()
    for distance in runs.levels("distance"):
        here = best.where(distance=distance)
        networks = here.levels("network")
        arrives = [np.median(here.where(network=network)["sensitivity"]) for network in networks]
        counts = np.array([learned(here, network)[0] for network in networks])
        if np.any(np.diff(counts[np.argsort(arrives)]) < 0):
            return False
    return True


@claim(
    "vanishing-forget-bias",
    "agreement-distance",
    factor="network",
    within=("distance", "rate", "seed"),
    where={"network": (BIAS_1, BIAS_4)},
    control={"network": BIAS_1},
    treatment={"network": BIAS_4},
    text="Over all four distances and three rates, the LSTM learned the rule in 60 of 60 runs with a forget bias of 4, "
    "in 44 of 60 with a bias of 1.",
    says={"60 of 60": lambda runs: learned(runs, BIAS_4), "44 of 60": lambda runs: learned(runs, BIAS_1)},
)
def forget_bias(runs: Table) -> bool:
    return learned(runs, BIAS_4)[0] >= 60 and learned(runs, BIAS_1)[0] <= 44


@claim(
    "vanishing-sigmoid",
    "agreement-distance",
    factor="network",
    within=("distance", "seed"),
    along=("rate",),
    where={"network": (ORTHOGONAL, SIGMOID), "distance": (16, 24)},
    control={"network": SIGMOID},
    treatment={"network": ORTHOGONAL},
    text="Over 16 and 24 words, each at its own best rate, it learned the rule in 2 of 10 runs, the network with tanh "
    "in 9 of 10.",
    says={
        "2 of 10": lambda runs: learned(runs.best(), SIGMOID),
        "9 of 10": lambda runs: learned(runs.best(), ORTHOGONAL),
    },
)
def sigmoid(runs: Table) -> bool:
    return learned(runs.best(), SIGMOID)[0] <= 2 and learned(runs.best(), ORTHOGONAL)[0] >= 9
