"""Claims of the chapter on language models."""

from __future__ import annotations

from .claim import exact
from .table import Table, table


def of_the_reader(runs: Table) -> float:
    return float(runs.where(updates=4_000)["bits"][0])


def of_the_counts(_: Table) -> float:
    return float(table("character-counts").where(model="n-gram", size=0, seed=0)["bits"][0])


@exact(
    "lm-counts-ahead",
    "character-reader",
    says={"2.12": of_the_reader, "1.92": of_the_counts},
    text="The network needs 2.12 bits on the first cut after its 4,000 updates, the n-gram 1.92: counting is ahead.",
)
def counts_ahead(runs: Table) -> bool:
    return of_the_counts(runs) < of_the_reader(runs) < min(row for row in runs.where(updates=(0, 30, 1_000))["bits"])
