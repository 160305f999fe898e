"""Delayed copy: can a network learn to remember a bit for three steps if no gradient crosses a step? By its width.

"carried": the gradient. "not carried": what comes from the step after is left out. "frozen": the same, and besides the
recurrent weights stay as they were drawn: what a random network holds by itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnncourse import RNN, Dense
from rnncourse.losses import softmax_cross_entropy
from rnncourse.optimizers import Adam
from rnncourse.training import train

from .learning import RATES, Model
from .tidy import Experiment, Row, rounded

LENGTH, BATCH, DELAY, UPDATES, TESTS = 24, 32, 3, 200, 200
GRADIENTS, WIDTHS, SEEDS = ("carried", "not carried", "frozen"), (8, 12, 16, 20, 32), range(5)


def delayed_copy(rng: np.random.Generator, batch: int = BATCH) -> tuple[Any, Any, Any]:
    bits = rng.integers(0, 2, (LENGTH, batch))
    targets, counts = np.zeros_like(bits), np.zeros(bits.shape, bool)
    targets[DELAY:], counts[DELAY:] = bits[:-DELAY], True
    return 2.0 * bits[..., None] - 1, targets, counts


def loss_of(model: Model, x: Any, y: Any, counts: Any) -> float:
    return softmax_cross_entropy(model[1].forward(model[0].forward(x).a).a, y, counts, reduction="mean").value


def gradient_of(model: Model, x: Any, y: Any, counts: Any, gradient: str) -> tuple[float, Model]:
    layer, head = model
    run = layer.forward(x)
    out = head.forward(run.a)
    value, dz_y = softmax_cross_entropy(out.a, y, counts, reduction="mean")
    top = head.backward(out, dz_y)
    if gradient == "carried":
        return value, (layer.backward(run, top.x, inputs=False).layer, top.layer)
    dz = top.x * (1 - run.a**2)  # of each step alone
    dW = np.concatenate(
        [np.tensordot(dz, run.a_prev, ((0, 1), (0, 1))), np.tensordot(dz, run.x, ((0, 1), (0, 1)))], axis=1
    )
    if gradient == "frozen":
        dW[:, : layer.n_a] = 0
    return value, (RNN(dW, dz.sum(axis=(0, 1))), top.layer)


def run(gradient: str, units: int, rate: float, seed: int) -> Row:
    rng = np.random.default_rng(seed)
    model: Model = RNN.init(1, units, rng), Dense.init(units, 2, rng)
    done = train(model, lambda model, k: gradient_of(model, *delayed_copy(rng), gradient), Adam(rate), UPDATES)
    losses = [loss_of(done.model, *delayed_copy(np.random.default_rng([seed, which]), TESTS)) for which in (2, 3)]
    return {"last": rounded(done.losses[-20:].mean()), "validation": rounded(losses[0]), "loss": rounded(losses[1])}


EXPERIMENT = Experiment(
    name="copy-width",
    part="foundations",
    what="nats a bit: mean of the last 20 updates; on new sequences, for validation and for the test. A guess: 0.693",
    settings={"length": LENGTH, "batch": BATCH, "delay": DELAY, "updates": UPDATES, "tests": TESTS},
    grid=tuple(
        {"gradient": gradient, "units": units, "rate": rate, "seed": seed}
        for units in WIDTHS
        for gradient in GRADIENTS
        for rate in RATES
        for seed in SEEDS
    ),
    run=run,
    again={"gradient": "carried", "units": 16, "rate": 0.01, "seed": 0},
    tolerance={"last": 0.02, "validation": 0.02, "loss": 0.02},
    clear=lambda row: row["loss"] < 0.05,
)
