"""What does the LSTM's own line do for learning? Holding a number, with one way back taken away from the gradient.

"full": the gradient. "own line only": nothing is carried back through the state a; what reaches an earlier step comes
along c alone. "without the own line": nothing is carried back along c; it comes through a, the gates and the candidate.
The task is that of `forget_bias_lag`, the forget bias 1. The forward pass is the same in all three.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnncourse import LSTM, Dense
from rnncourse.losses import squared_error

from .forget_bias_lag import BATCH, BLOCK, GUESS, MOST, TESTS, UNITS, hold
from .learning import RATES, Model, at_the_end, until
from .tidy import Experiment, Row, rounded

GRADIENTS, LENGTHS, SEEDS = ("full", "own line only", "without the own line"), (10, 20, 30), range(5)


def backward(layer: LSTM, run: Any, da: Any, gradient: str = "full") -> LSTM:
    """Return the parameters' gradient, da (B, n_a) arriving at the last step, by the ways that `gradient` leaves."""
    f, u, o, cand, tanh_c = run.gate_f, run.gate_u, run.gate_o, run.cand, np.tanh(run.c)
    blocks = (run.c_prev * f * (1 - f), cand * u * (1 - u), tanh_c * o * (1 - o), u * (1 - cand**2))
    slopes, shown = np.stack(blocks, axis=1), o * (1 - tanh_c**2)  # slopes: (T, 4, B, n_a)
    arriving, W_a = np.empty_like(slopes), layer.W[:, : layer.n_a]
    dz, dc = np.empty((*run.a.shape[:2], len(layer.b))), np.zeros_like(da)
    for t in reversed(range(len(run.a))):
        dc = dc + da * shown[t]
        arriving[t] = dc
        arriving[t, 2] = da  # the output gate
        dz[t] = (arriving[t] * slopes[t]).swapaxes(0, 1).reshape(len(da), -1)
        da = np.zeros_like(da) if gradient == "own line only" else dz[t] @ W_a
        dc = np.zeros_like(dc) if gradient == "without the own line" else dc * f[t]
    inputs = np.concatenate([run.a_prev, run.x], axis=2)
    return LSTM(np.tensordot(dz, inputs, ((0, 1), (0, 1))), dz.sum(axis=(0, 1)))


def run(gradient: str, T: int, rate: float, seed: int) -> Row:
    rng = np.random.default_rng([seed, T])
    model: Model = LSTM.init(2, UNITS, rng, forget_bias=1.0), Dense.init(UNITS, 1, rng)

    def step(model: Model, k: int) -> Any:
        x, y = hold(rng, T)
        run = model[0].forward(x)
        out = model[1].forward(run.a[-1])
        value, dz = squared_error(out.a, y, reduction="mean")
        top = model[1].backward(out, dz)
        return value, (backward(model[0], run, top.x, gradient), top.layer)

    def share(which: int) -> float:
        x, y = hold(np.random.default_rng([seed, T, which]), T, TESTS)
        return rounded(squared_error(at_the_end(model, x), y, reduction="mean").value / GUESS)

    model, updates = until(model, step, rate, BLOCK, MOST, GUESS / 10)
    return {"updates": updates, "validation": share(2), "loss": share(3)}


EXPERIMENT = Experiment(
    name="carousel-ablation",
    part="gated",
    what="updates until a block's mean loss is below a tenth of 1/6 (null: not within `most`); then the loss on new "
    "sequences, for validation and for the test, as a share of 1/6, that of the best constant",
    settings={
        "units": UNITS,
        "batch": BATCH,
        "forget_bias": 1.0,
        "max_norm": 1.0,
        "block": BLOCK,
        "most": MOST,
        "tests": TESTS,
    },
    grid=tuple(
        {"gradient": gradient, "T": T, "rate": rate, "seed": seed}
        for T in LENGTHS
        for gradient in GRADIENTS
        for rate in RATES
        for seed in SEEDS
    ),
    run=run,
    again={"gradient": "own line only", "T": 10, "rate": 0.03, "seed": 0},
    tolerance={"updates": 2 * BLOCK, "validation": 0.05, "loss": 0.05},
    clear=lambda row: row["updates"] is not None and row["updates"] <= MOST / 2,
)
