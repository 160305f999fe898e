"""How far does an LSTM learn to hold a number, by the bias that its forget gate starts with? Each at its own rate.

The first of T inputs is a number with a flag; all others are numbers without one. At the end it is to say the first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnncourse import LSTM, Dense
from rnncourse.losses import squared_error

from .learning import RATES, Model, at_the_end, last_step, until
from .tidy import Experiment, Row, rounded

UNITS, BATCH, BLOCK, MOST, TESTS = 8, 32, 20, 500, 500
GUESS = 1 / 6  # the loss of the best constant: half the variance of a number between -1 and 1
BIASES, LENGTHS, SEEDS = (0.0, 1.0, 3.0), (10, 20, 30, 40, 60), range(5)


def hold(rng: np.random.Generator, T: int, batch: int = BATCH) -> tuple[Any, Any]:
    """Draw a batch: a number at every step, a flag at the first; the target is the first number."""
    numbers, flag = rng.uniform(-1, 1, (T, batch)), np.zeros((T, batch))
    flag[0] = 1
    return np.stack([numbers, flag], axis=2), numbers[0, :, None]


def run(bias: float, T: int, rate: float, seed: int) -> Row:
    rng = np.random.default_rng([seed, T])
    model: Model = LSTM.init(2, UNITS, rng, forget_bias=bias), Dense.init(UNITS, 1, rng)

    def step(model: Model, k: int) -> Any:
        x, y = hold(rng, T)
        return last_step(model, x, lambda z: squared_error(z, y, reduction="mean"))

    def share(which: int) -> float:
        x, y = hold(np.random.default_rng([seed, T, which]), T, TESTS)
        return rounded(squared_error(at_the_end(model, x), y, reduction="mean").value / GUESS)

    model, updates = until(model, step, rate, BLOCK, MOST, GUESS / 10)
    return {"updates": updates, "validation": share(2), "loss": share(3)}


EXPERIMENT = Experiment(
    name="forget-bias-lag",
    part="gated",
    what="updates until a block's mean loss is below a tenth of 1/6 (null: not within `most`); then the loss on new "
    "sequences, for validation and for the test, as a share of 1/6, that of the best constant",
    settings={"units": UNITS, "batch": BATCH, "max_norm": 1.0, "block": BLOCK, "most": MOST, "tests": TESTS},
    grid=tuple(
        {"bias": bias, "T": T, "rate": rate, "seed": seed}
        for bias in BIASES
        for T in LENGTHS
        for rate in RATES
        for seed in SEEDS
    ),
    run=run,
    again={"bias": 3.0, "T": 10, "rate": 0.01, "seed": 0},
    tolerance={"updates": BLOCK, "validation": 0.05, "loss": 0.05},
    clear=lambda row: row["updates"] is not None and row["updates"] <= MOST / 2,
)
