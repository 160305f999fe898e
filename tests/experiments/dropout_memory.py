"""Dropout along time on a task of memory: a symbol to be carried over twelve steps, by an LSTM of 16 units.

What is dropped on the way from step to step: "nothing"; entries of "a" or of "c", with a mask that is "redrawn" at each
step or "held", one for a sequence, for each example its own; "weights, held" from state to state, one for a sequence.
What is kept of a is divided by 1 - p. Of c it is not: over twelve steps, the factors would multiply.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnncourse import LSTM, Dense
from rnncourse.layers.recurrent_dropout import RecurrentDropout
from rnncourse.losses import softmax_cross_entropy
from rnncourse.optimizers import Adam
from rnncourse.records import tree_map
from rnncourse.training import train

from .learning import RATES as THREE
from .learning import Model
from .recall_delay import BATCH, N_X, SYMBOLS, TESTS, recall
from .tidy import Experiment, Row, rounded

DELAY, UNITS, UPDATES, P, SEEDS = 12, 16, 120, 0.25, range(5)
RATES = (*THREE, 0.1)
DROPPED = ("nothing", "a, redrawn", "c, redrawn", "weights, held", "a, held", "c, held")


def masks(dropped: str, steps: int, batch: int, rng: np.random.Generator) -> tuple[Any, Any]:
    """Return what a and c are multiplied with on the way into each step, (T, B, n_a) or (1, B, n_a)."""
    shape = (1 if dropped.endswith("held") else steps, batch, UNITS)
    kept = (rng.random(shape) >= P).astype(float)
    ones = np.ones((1, 1, 1))
    return (kept / (1 - P), ones) if dropped.startswith("a") else (ones, kept)


def gradient(layer: LSTM, x: Any, drop: tuple[Any, Any], top: Any) -> tuple[float, LSTM, Any]:
    """Go through the steps with the states masked; `top` takes the last output to its loss and gradients."""
    runs, state = [], layer.zero_state(x.shape[1])
    at = [[mask[t % len(mask)] for mask in drop] for t in range(len(x))]
    for t in range(len(x)):
        state = tuple(part * mask for part, mask in zip(state, at[t], strict=True))
        runs.append(layer.forward(x[t : t + 1], state))
        state = runs[-1].final
    value, da, rest = top(state[0])
    dstate, total = (da, np.zeros_like(da)), tree_map(np.zeros_like, layer)
    for t in reversed(range(len(x))):
        grads = layer.backward(runs[t], None, dstate, inputs=False)
        dstate = tuple(part * mask for part, mask in zip(grads.state, at[t], strict=True))
        total = tree_map(np.add, total, grads.layer)
    return value, total, rest


def run(dropped: str, rate: float, seed: int) -> Row:
    rng = np.random.default_rng(seed)
    model: Model = LSTM.init(N_X, UNITS, rng), Dense.init(UNITS, SYMBOLS, rng)

    def step(model: Model, k: int) -> Any:
        x, y = recall(rng, DELAY, BATCH)

        def top(a: Any) -> Any:
            out = model[1].forward(a)
            value, dz = softmax_cross_entropy(out.a, y, reduction="mean")
            grads = model[1].backward(out, dz)
            return value, grads.x, grads.layer

        if dropped[0] in "ac":
            value, d_layer, d_head = gradient(model[0], x, masks(dropped, len(x), BATCH, rng), top)
            return value, (d_layer, d_head)
        layer = RecurrentDropout(model[0], P if dropped.startswith("weights") else 0.0)
        run = layer.forward(x, rng=rng)
        value, da, d_head = top(run.a[-1])
        return value, (layer.backward(run, None, (da, np.zeros_like(da)), inputs=False).layer.layer, d_head)

    done = train(model, step, Adam(rate), UPDATES, max_norm=1.0)
    scores = []
    for which in (2, 3):
        x, y = recall(np.random.default_rng([seed, which]), DELAY, TESTS)
        scores.append(float((done.model[1].forward(done.model[0].forward(x).a[-1]).a.argmax(axis=1) == y).mean()))
    return {"validation": scores[0], "accuracy": scores[1], "last": rounded(done.losses[-20:].mean())}


EXPERIMENT = Experiment(
    name="dropout-memory",
    part="architectures",
    what="share of right answers on new sequences with nothing dropped, for validation and for the test; mean loss "
    "of the last 20 updates, with what they dropped",
    settings={"delay": DELAY, "units": UNITS, "batch": BATCH, "updates": UPDATES, "p": P, "tests": TESTS},
    grid=tuple({"dropped": name, "rate": rate, "seed": seed} for name in DROPPED for rate in RATES for seed in SEEDS),
    run=run,
    again={"dropped": "nothing", "rate": 0.03, "seed": 0},
    tolerance={"validation": 0.02, "accuracy": 0.02, "last": 0.05},
    clear=lambda row: row["accuracy"] > 0.98,
)
