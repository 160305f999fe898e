"""Temporal order with and without clipping: over which lengths does a tanh network learn in which order two marks came?

The task is that of Hochreiter and Schmidhuber (1997), as Pascanu et al. (2013) used it: one of two marks in the second
tenth of the sequence, one of them in the fifth, four other symbols elsewhere, at the end one of four classes. Gradient
descent with momentum; every rival has its own learning rate at every length.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnncourse import RNN, Dense
from rnncourse.data import one_hot
from rnncourse.losses import softmax_cross_entropy
from rnncourse.optimizers import SGD
from rnncourse.tasks import temporal_order
from rnncourse.training import train

from .learning import Model, at_the_end, last_step
from .tidy import Experiment, Row

SYMBOLS, CLASSES, UNITS, BATCH, BLOCK, MOST, LOW, TESTS, MOMENTUM = 6, 4, 32, 20, 50, 400, 0.05, 1000, 0.9
CLIPPED = {"no": None, "norm 1": 1.0}
LENGTHS, RATES, SEEDS = (10, 20, 30), (0.003, 0.01, 0.03), range(5)


def order(rng: np.random.Generator, T: int, batch: int = BATCH) -> tuple[Any, Any]:
    x, y = temporal_order(batch, T, rng)
    return one_hot(x, SYMBOLS), y


def learn(clip: str, T: int, rate: float, seed: int) -> tuple[Model, int | None]:
    """Train a network from scratch; return it, and the updates it took (None: not within `most`)."""
    rng = np.random.default_rng([seed, T])
    model: Model = RNN.init(SYMBOLS, UNITS, rng), Dense.init(UNITS, CLASSES, rng)

    def step(model: Model, k: int) -> Any:
        x, y = order(rng, T)
        return last_step(model, x, lambda z: softmax_cross_entropy(z, y, reduction="mean"))

    state = None
    for updates in range(BLOCK, MOST + 1, BLOCK):
        made = train(model, step, SGD(rate, MOMENTUM), BLOCK, max_norm=CLIPPED[clip], state=state)
        model, state = made.model, made.state
        if made.losses.mean() < LOW:
            return model, updates
    return model, None


def run(clip: str, T: int, rate: float, seed: int) -> Row:
    model, updates = learn(clip, T, rate, seed)

    def right(which: int) -> float:
        x, y = order(np.random.default_rng([seed, T, which]), T, TESTS)
        return float((at_the_end(model, x).argmax(axis=1) == y).mean())

    return {"updates": updates, "validation": right(1), "accuracy": right(2)}


EXPERIMENT = Experiment(
    name="temporal-order",
    part="learning",
    what="updates until a block's mean loss is below `low` (null: not within `most`); then the share of right answers "
    "on new sequences, for validation and for the test; chance is 1/4",
    settings={
        "units": UNITS, "batch": BATCH, "momentum": MOMENTUM, "block": BLOCK, "most": MOST, "low": LOW, "tests": TESTS,
        "solved": 0.99,
    },
    grid=tuple(
        {"clip": clip, "T": T, "rate": rate, "seed": seed}
        for T in LENGTHS
        for clip in CLIPPED
        for rate in RATES
        for seed in SEEDS
    ),
    run=run,
    again={"clip": "norm 1", "T": 10, "rate": 0.03, "seed": 0},
    tolerance={"updates": BLOCK, "validation": 0.02, "accuracy": 0.02},
    clear=lambda row: row["updates"] is not None and row["updates"] <= MOST / 2 and row["accuracy"] > 0.99,
)  # fmt: skip
