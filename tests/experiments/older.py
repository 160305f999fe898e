"""Two tables that are older than `tidy`, of one learning rate each, as the rows that claims are about."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from . import forget_bias, gru_recall
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


def as_stored(stored: Row) -> list[Row]:
    return list(stored["runs"])


def grid(**levels: object) -> tuple[Row, ...]:
    return tuple(dict(zip(levels, row, strict=True)) for row in product(*levels.values()))  # type: ignore[call-overload]


OLDER = {
    "forget-bias": Older(
        forget_bias.RESULTS,
        tuple(
            {"T": T, "bias": bias, "seed": seed}
            for bias, lengths in forget_bias.LENGTHS.items()
            for T in lengths
            for seed in forget_bias.SEEDS
        ),
        as_stored,
    ),
    "gru-recall": Older(
        gru_recall.RESULTS,
        grid(delay=gru_recall.DELAYS, layer=tuple(gru_recall.LAYERS), seed=tuple(gru_recall.SEEDS)),
        as_stored,
    ),
}
