"""Claims of the chapter on batches."""

from __future__ import annotations

from .claim import claim
from .table import Table

CARRIED, ZERO, OTHER = "carried", "zero", "of another stream"


def nats(runs: Table, state: str, width: int) -> float:
    """Return the mean loss a letter, at the best learning rate."""
    return float(runs.where(state=state, width=width).best(highest=False)["nats"].mean())


@claim(
    "batches-state-carried",
    "stream-state",
    factor="state",
    within=("width", "seed"),
    along=("rate",),
    control={"state": OTHER},
    treatment={"state": CARRIED},
    says={
        "0.380": lambda runs: nats(runs, CARRIED, 3),
        "0.555": lambda runs: nats(runs, ZERO, 3),
        "0.622": lambda runs: nats(runs, OTHER, 3),
        "0.377": lambda runs: nats(runs, CARRIED, 12),
        "0.420": lambda runs: nats(runs, ZERO, 12),
        "0.457": lambda runs: nats(runs, OTHER, 12),
    },
    text="In windows of 3 letters a network comes to 0.380 nats a letter with the carried state, to 0.555 with zeros "
    "and to 0.622 with another stream's state; in windows of 12 to 0.377, 0.420 and 0.457.",
)
def state_carried(runs: Table) -> bool:
    return all(nats(runs, CARRIED, width) < nats(runs, ZERO, width) < nats(runs, OTHER, width) for width in (3, 12))
