"""Claims of the chapter on the GRU."""

from __future__ import annotations

from .claim import claim
from .table import Table, table

SHUT, HALF, TANH = "GRU, b_u = -3", "GRU, b_u = 0", "tanh, orthogonal"


def solved(runs: Table, layer: str) -> tuple[int, int]:
    """Return how many runs of a layer solved the task, and of how many."""
    accuracy = runs.where(layer=layer)["accuracy"]
    return int((accuracy >= table("gru-recall").about["settings"]["solved"]).sum()), len(accuracy)


@claim(
    "gru-shut-or-half-open",
    "gru-recall",
    factor="layer",
    within=("delay", "seed"),
    where={"layer": (SHUT, HALF), "delay": (40, 80)},
    control={"layer": HALF},
    treatment={"layer": SHUT},
    text="At delays of 40 and 80, and at one learning rate, the GRU that starts with its gates nearly shut solved the "
    "task in ten of ten runs, the half-open one in none of ten.",
    says={"ten of ten": lambda runs: solved(runs, SHUT), "none of ten": lambda runs: solved(runs, HALF)},
)
def shut_or_half_open(runs: Table) -> bool:
    return solved(runs, SHUT)[0] >= 10 and solved(runs, HALF)[0] <= 0


@claim(
    "gru-shut-or-tanh",
    "gru-recall",
    factor="layer",
    within=("delay", "seed"),
    where={"layer": (SHUT, TANH), "delay": (40, 80)},
    control={"layer": TANH},
    treatment={"layer": SHUT},
    text="Against the orthogonal tanh layer it is ten of ten runs to five of ten, at that rate.",
    says={"ten of ten": lambda runs: solved(runs, SHUT), "five of ten": lambda runs: solved(runs, TANH)},
)
def shut_or_tanh(runs: Table) -> bool:
    return solved(runs, SHUT)[0] >= 10 and solved(runs, TANH)[0] <= 5
