"""Which positions of its gates does a trained GRU need? Gates taken out of its hands, scanned from 0 to 1.

Networks of `recall_delay` that have learned to carry a symbol over twenty steps; then one gate is held at one position.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from rnncourse import gru_cell_forward

from .learning import Model
from .recall_delay import learn, recall
from .tidy import Experiment, Row

DELAY, RATE, SEEDS, TESTS = 20, 0.01, range(5), 500
SCAN = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
HELD = (
    "nothing", "update gate, shut after the mark", *(f"update gate at {g:g}" for g in SCAN), "reset gate at 0",
    "reset gate at 1",
)  # fmt: skip


@lru_cache
def trained(seed: int) -> tuple[Model, int | None]:
    model, updates, _ = learn("GRU, b_u = -3", DELAY, RATE, seed)
    return model, updates


def position(held: str, t: int) -> dict[str, float]:
    """Return which gate is held at step t (from 0), and where."""
    if held == "nothing" or (held.endswith("mark") and t == 0):
        return {}
    return {
        "gate_u" if held.startswith("update") else "gate_r": 0.0 if held.endswith("mark") else float(held.split()[-1])
    }


def run(held: str, delay: int, seed: int) -> Row:
    (layer, head), updates = trained(seed)
    x, y = recall(np.random.default_rng([seed, delay, 4]), delay, TESTS)
    c, opening = layer.zero_state(TESTS), []
    for t, x_t in enumerate(x):
        fixed = position(held, t)

        def edit(name: str, value: Any, fixed: dict[str, float] = fixed) -> Any:
            return np.full_like(value, fixed[name]) if name in fixed else value

        c, cache = gru_cell_forward(layer, x_t, c, edit)
        opening.append(float(cache.gate_u.mean()))
    right = float((head.step(c)[0].argmax(axis=1) == y).mean())
    return {
        "updates": updates, "accuracy": right,
        "gate_mark": round(opening[0], 3), "gate_after": round(float(np.mean(opening[1:])), 3),
    }  # fmt: skip


EXPERIMENT = Experiment(
    name="recall-gates",
    part="gated",
    what="updates that the network took to learn; accuracy on new examples with the gate held; mean position of the "
    "update gates at the mark and after it",
    settings={"trained_delay": DELAY, "rate": RATE, "tests": TESTS},
    grid=tuple({"held": held, "delay": delay, "seed": seed} for seed in SEEDS for held in HELD for delay in (20, 320)),
    run=run,
    again={"held": "update gate, shut after the mark", "delay": 20, "seed": 0},
    tolerance={"updates": 50, "accuracy": 0.05, "gate_mark": 0.1, "gate_after": 0.1},
    clear=lambda row: row["updates"] <= 200 and row["accuracy"] > 0.97,
)
