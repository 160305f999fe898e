"""A table that is older than `tidy`, of one learning rate, as the rows that claims are about."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from . import agreement
from .tidy import Row


@dataclass(frozen=True)
class Older:
    """A stored table: the runs that it should have, and how its file becomes rows."""

    path: Path
    grid: tuple[Row, ...]
    rows: Callable[[Row], list[Row]]

    def read(self) -> tuple[Row, list[Row]]:
        """Return what the file says about itself, and its rows in the order of the grid."""
        stored = json.loads(self.path.read_text("utf8"))
        kept = ("runs", "what", "command", "date", "versions", "seeds", "settings")
        flat = stored.get("settings") or {name: value for name, value in stored.items() if name not in kept}
        seeds = sorted({row["seed"] for row in self.grid})
        return {"command": stored["command"], "settings": flat, "seeds": seeds}, self.rows(stored)


def by_seed(stored: Row) -> list[Row]:
    """Give every seed of a run a row of its own."""
    return [
        {"network": run["network"], "distance": run["distance"], "seed": seed, "accuracy": accuracy, "updates": updates}
        for run in stored["runs"]
        for seed, accuracy, updates in zip(stored["seeds"], run["accuracy"], run["updates"], strict=True)
    ]


def grid(**levels: object) -> tuple[Row, ...]:
    return tuple(dict(zip(levels, row, strict=True)) for row in product(*levels.values()))  # type: ignore[call-overload]


OLDER = {
    "agreement": Older(
        agreement.RESULTS,
        grid(network=tuple(agreement.NETWORKS), distance=agreement.DISTANCES, seed=agreement.SEEDS),
        by_seed,
    ),
}
