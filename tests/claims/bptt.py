"""Claims of the chapter on backpropagation through time."""

from __future__ import annotations

from typing import Any

from .claim import claim, exact
from .table import Table

WHOLE, CUT, CUT_WIDE, FROZEN_WIDE = 0.001, 0.1, 0.02, 0.07  # nats a bit; a guess costs 0.693


def nats(runs: Table, gradient: str, units: int) -> Any:
    """Return the losses on new sequences, at the rate that is best on the validation sequences."""
    return runs.best(highest=False).where(gradient=gradient, units=units)["loss"]


@claim(
    "copy-needs-what-is-carried",
    "copy-width",
    where={"gradient": ("carried", "not carried"), "units": 8},
    factor="gradient",
    within=("seed",),
    along=("rate",),
    control={"gradient": "not carried"},
    treatment={"gradient": "carried"},
    says={"0.001": lambda runs: WHOLE, "0.1": lambda runs: CUT},
    text="With 8 units, each gradient at its own best of three learning rates, the whole one brings the loss below "
    "0.001 in each of five runs; the one that carries nothing from step to step leaves it above 0.1 in each.",
)
def needs_it(runs: Table) -> bool:
    return nats(runs, "carried", 8).max() < WHOLE and nats(runs, "not carried", 8).min() > CUT


@claim(
    "copy-width-helps",
    "copy-width",
    where={"gradient": "not carried", "units": (8, 32)},
    factor="units",
    within=("seed",),
    along=("rate",),
    control={"units": 8},
    treatment={"units": 32},
    says={"0.02": lambda runs: CUT_WIDE},
    text="With 32 units in place of 8, at its own best rate, the gradient that carries nothing comes below 0.02 in "
    "each of five runs.",
)
def width_helps(runs: Table) -> bool:
    return nats(runs, "not carried", 32).max() < CUT_WIDE < CUT < nats(runs, "not carried", 8).min()


@exact(
    "copy-frozen-too",
    "copy-width",
    where={"gradient": "frozen", "units": 32},
    says={"0.07": lambda runs: FROZEN_WIDE},
    text="So do, below 0.07, 32 units whose recurrent weights stay as they were drawn: a random state that wide "
    "holds echoes enough.",
)
def frozen_too(runs: Table) -> bool:
    return nats(runs, "frozen", 32).max() < FROZEN_WIDE


def ahead(runs: Table, rate: float) -> tuple[int, int]:
    """Return in how many of the seeds the frozen weights end lower."""
    losses = {name: runs.where(gradient=name, rate=rate)["loss"] for name in ("frozen", "not carried")}
    return int((losses["frozen"] < losses["not carried"]).sum()), len(losses["frozen"])


@exact(
    "copy-harm-by-rate",
    "copy-width",
    where={"gradient": ("frozen", "not carried"), "units": 8},
    says={"five of five": lambda runs: ahead(runs, 0.03), "one of five": lambda runs: ahead(runs, 0.003)},
    text="With 8 units it depends on the learning rate whether its updates do harm: weights left as they were drawn"
    " end with the smaller loss in five of five runs at 0.03, and in one of five at 0.003.",
)
def harm_by_rate(runs: Table) -> bool:
    return ahead(runs, 0.03) > ahead(runs, 0.003)
