"""Claims of the chapter on bidirectional networks."""

from __future__ import annotations

from typing import Any

from experiments.gaps_tagging import BOTH, NOT_BACK

from .claim import claim
from .table import Table

DEEPER, LATE_2, LATE_4 = "two layers, one way", "one way, late by 2", "one way, late by 4"


def in_gaps(runs: Table, network: str) -> Any:
    """Return the share of right tags in gaps, of each network at its own best rate, a seed an entry."""
    return runs.best().where(network=network)["in_gaps"]


@claim(
    "bi-deeper-one-way",
    "gaps-tagging",
    factor="network",
    within=("seed",),
    along=("rate",),
    where={"network": (BOTH, DEEPER)},
    control={"network": DEEPER},
    treatment={"network": BOTH},
    text="With each of five seeds the network that reads both ways tags 100 % of the steps in gaps right; two "
    "layers that read one way, with as many parameters, at most 50 %, each at its own best of four "
    "learning rates.",
    says={
        "100 %": lambda runs: 100 * in_gaps(runs, BOTH).min(),
        "50 %": lambda runs: 100 * in_gaps(runs, DEEPER).max(),
    },
)
def deeper(runs: Table) -> bool:
    return bool(in_gaps(runs, BOTH).min() > 0.99 and in_gaps(runs, DEEPER).max() < 0.55)


@claim(
    "bi-late",
    "gaps-tagging",
    factor="network",
    within=("seed",),
    along=("rate",),
    where={"network": (LATE_2, LATE_4)},
    control={"network": LATE_2},
    treatment={"network": LATE_4},
    text="An answer that is late by 4 steps is right in at least 97.8 % of the gaps' steps, one that is late by "
    "2 in at most 87 %, at the best of four learning rates each.",
    says={
        "97.8 %": lambda runs: 100 * in_gaps(runs, LATE_4).min(),
        "87 %": lambda runs: 100 * in_gaps(runs, LATE_2).max(),
    },
)
def late(runs: Table) -> bool:
    return bool(in_gaps(runs, LATE_4).min() > 0.95 and in_gaps(runs, LATE_2).max() < 0.88)


@claim(
    "bi-not-turned-back",
    "gaps-tagging",
    factor="network",
    within=("seed",),
    along=("rate",),
    where={"network": (BOTH, NOT_BACK)},
    control={"network": NOT_BACK},
    treatment={"network": BOTH},
    text="Where the backward states are not turned back, at most 73 % are right, at the best of four learning "
    "rates; where they are, 100 %.",
    says={
        "100 %": lambda runs: 100 * in_gaps(runs, BOTH).min(),
        "73 %": lambda runs: 100 * in_gaps(runs, NOT_BACK).max(),
    },
)
def not_turned_back(runs: Table) -> bool:
    return bool(in_gaps(runs, BOTH).min() > 0.99 and in_gaps(runs, NOT_BACK).max() < 0.75)
