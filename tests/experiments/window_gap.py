"""The exclusive or of two bits that are a gap apart: dense networks that read a window, and a recurrent network.

The first bit is +1 or -1 at step 1, the second at the last step; in between there is faint noise. A window of the last
w steps holds the first bit if w is greater than the gap. The networks have one hidden layer of the same size.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnncourse import RNN, Dense
from rnncourse.losses import binary_cross_entropy

from .learning import Model, last_step, until
from .tidy import Experiment, Row

UNITS, BATCH, BLOCK, MOST, LOW, TESTS, NOISE, SOLVED = 16, 32, 50, 250, 0.02, 1000, 0.1, 0.99
GAPS, RATES, SEEDS = (3, 7, 15, 23), (0.003, 0.01, 0.03), range(5)
WINDOWS = {f"window of {w}": w for w in (4, 8, 16)}


def pairs(rng: np.random.Generator, gap: int, batch: int = BATCH) -> tuple[Any, Any]:
    """Draw sequences of gap + 1 steps (T, B, 1), and whether their two bits differ (B, 1)."""
    bits = rng.integers(0, 2, (2, batch, 1))
    x = NOISE * rng.normal(size=(gap + 1, batch, 1))
    x[[0, -1]] = 2.0 * bits - 1
    return x, bits[0] ^ bits[1]


def seen(x: Any, width: int) -> Any:
    """Return the last `width` steps as one input (1, B, width): zeros stand before the first step."""
    padded = np.concatenate([np.zeros((width, *x.shape[1:])), x])
    return padded[-width:, :, 0].T[None]


def new(model: str, rng: np.random.Generator) -> Model:
    if model in WINDOWS:
        return Dense.init(WINDOWS[model], UNITS, rng, activation="tanh"), Dense.init(UNITS, 1, rng)
    return RNN.init(1, UNITS, rng), Dense.init(UNITS, 1, rng)


def dense_step(model: Model, x: Any, loss: Any) -> Any:
    """Do what `last_step` does for a network without a state."""
    run = model[0].forward(x)
    out = model[1].forward(run.a[-1])
    value, dz = loss(out.a)
    top = model[1].backward(out, dz)
    return value, (model[0].backward(run, top.x[None], inputs=False).layer, top.layer)


def run(model: str, gap: int, rate: float, seed: int) -> Row:
    rng = np.random.default_rng([seed, gap])
    width = WINDOWS.get(model)
    network = new(model, rng)

    def step(network: Model, k: int) -> Any:
        x, y = pairs(rng, gap)

        def loss(z: Any) -> Any:
            return binary_cross_entropy(z, y, reduction="mean")

        return dense_step(network, seen(x, width), loss) if width else last_step(network, x, loss)

    trained, updates = until(network, step, rate, BLOCK, MOST, LOW)
    scores = []
    for k in (1, 2):
        x, y = pairs(np.random.default_rng([seed, gap, k]), gap, TESTS)
        read = seen(x, width) if width else x
        z = trained[1].forward(trained[0].forward(read).a[-1]).a
        scores.append(float(((z > 0) == y).mean()))
    return {"updates": updates, "validation": scores[0], "accuracy": scores[1]}


EXPERIMENT = Experiment(
    name="window-gap",
    part="foundations",
    what="updates until a block's mean loss is below `low` (null: not within `most`); then the share of new sequences "
    "whose answer is right, for validation and for the test. A guess: 0.5",
    settings={
        "units": UNITS, "batch": BATCH, "max_norm": 1.0, "block": BLOCK, "most": MOST, "low": LOW, "tests": TESTS,
        "noise": NOISE, "solved": SOLVED,
    },
    grid=tuple(
        {"model": model, "gap": gap, "rate": rate, "seed": seed}
        for model in (*WINDOWS, "recurrent")
        for gap in GAPS
        for rate in RATES
        for seed in SEEDS
    ),
    run=run,
    again={"model": "window of 4", "gap": 3, "rate": 0.03, "seed": 1},
    tolerance={"updates": BLOCK, "validation": 0.01, "accuracy": 0.01},
    clear=lambda row: row["updates"] is not None and row["updates"] <= MOST / 2 and row["accuracy"] > 0.99,
)  # fmt: skip
