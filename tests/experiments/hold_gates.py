"""What has an LSTM learned that holds a number? Its gates and its memory before and after training; then interfere.

The task and the layer are those of `forget_bias_lag`, with a forget bias of 1. Of each network the unit is looked at
whose memory tells most of the number at the end. Then one gate of every unit is held at its mean, or what is read of a
is, step by step: at zero it would move every gate as well as tell nothing.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from rnncourse import LSTM, Dense, lstm_cell_forward
from rnncourse.losses import squared_error
from rnncourse.optimizers import Adam
from rnncourse.training import train

from .forget_bias_lag import BATCH, GUESS, TESTS, UNITS, hold
from .learning import Model, last_step
from .tidy import Experiment, Row, rounded

STEPS, RATE, UPDATES, SEEDS = 20, 0.01, 400, range(5)
GATES = {"forget": "gate_f", "update": "gate_u", "output": "gate_o"}
READ = "what is read of a at its mean"
HELD = ("nothing", *(f"{gate} gate at its mean" for gate in GATES), READ)


@lru_cache
def networks(seed: int) -> dict[str, Model]:
    """Return a network before training and after it."""
    rng = np.random.default_rng([seed, STEPS])
    new: Model = LSTM.init(2, UNITS, rng, forget_bias=1.0), Dense.init(UNITS, 1, rng)

    def step(model: Model, k: int) -> Any:
        x, y = hold(rng, STEPS)
        return last_step(model, x, lambda z: squared_error(z, y, reduction="mean"))

    return {"before": new, "after": train(new, step, Adam(RATE), UPDATES, max_norm=1.0).model}


def told(memory: Any, number: Any) -> Any:
    """Return for each step and unit which share of the variance of the numbers a linear guess from c explains."""
    c, number = memory - memory.mean(axis=1, keepdims=True), number - number.mean()
    return (c * number).sum(axis=1) ** 2 / ((c**2).sum(axis=1) * (number**2).sum())


def loss(model: Model, x: Any, y: Any, held: str) -> float:
    """Return the loss with a gate of every unit held, or when each step reads of a its mean over the examples."""
    fixed = GATES.get(held.split()[0], "")
    seen = model[0].forward(x)
    mean = getattr(seen, fixed).mean(axis=(0, 1)) if fixed else 0.0

    def edit(name: str, value: Any) -> Any:
        return np.broadcast_to(mean, value.shape).copy() if name == fixed else value

    a, c = model[0].zero_state(x.shape[1])
    for x_t, read in zip(x, seen.a_prev.mean(axis=1), strict=True):
        shown = np.broadcast_to(read, a.shape) if held == READ else a
        (a, c), _ = lstm_cell_forward(model[0], x_t, (shown, c), edit)
    return squared_error(model[1].step(a)[0], y, reduction="mean").value


def run(training: str, held: str, seed: int) -> Row:
    model = networks(seed)[training]
    x, y = hold(np.random.default_rng([seed, STEPS, 4]), STEPS, TESTS)
    seen = model[0].forward(x)
    share = told(seen.c, y)
    unit = int(share[-1].argmax())
    positions = {name: getattr(seen, gate)[:, :, unit].mean(axis=1).round(3).tolist() for name, gate in GATES.items()}
    return {"loss": rounded(loss(model, x, y, held) / GUESS), "told": share[:, unit].round(3).tolist(), **positions}


EXPERIMENT = Experiment(
    name="hold-gates",
    part="gated",
    what="the loss as a share of 1/6, that of the best constant, with a gate held or what is read of a; with "
    "nothing held, step by step, of the unit whose memory tells most of the number at the end: the share told, and the "
    "mean positions of its three gates",
    settings={
        "steps": STEPS,
        "rate": RATE,
        "updates": UPDATES,
        "units": UNITS,
        "batch": BATCH,
        "forget_bias": 1.0,
        "max_norm": 1.0,
        "tests": TESTS,
    },
    grid=tuple(
        {"training": training, "held": held, "seed": seed}
        for training, every in (("before", HELD[:1]), ("after", HELD))
        for held in every
        for seed in SEEDS
    ),
    run=run,
    again={"training": "after", "held": "nothing", "seed": 0},
    tolerance={"loss": 0.05, "told": 0.2, "forget": 0.2, "update": 0.2, "output": 0.2},
    clear=lambda row: row["loss"] < 0.05,
)
