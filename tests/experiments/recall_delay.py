"""How far do a tanh network and a GRU learn to carry one symbol past others, by the delay and by how they start?

Each at its own learning rate. A row also says how much of an error at the end gets back over the delay before training.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnncourse import GRU, RNN, Dense
from rnncourse.data import one_hot
from rnncourse.losses import softmax_cross_entropy

from .learning import RATES, Model, at_the_end, last_step, pytorch, until
from .tidy import Experiment, Row, rounded

SYMBOLS, BATCH, BLOCK, MOST, LOW, TESTS, SOLVED = 4, 32, 50, 400, 0.05, 1000, 0.99
DELAYS, SEEDS = (40, 80), range(5)
N_X = SYMBOLS + 1
# 1080 parameters for 30 tanh units, 1056 for 16 gated ones (1072 with a bias inside the reset)
LAYERS = (
    "tanh, orthogonal", "tanh, PyTorch's start", "GRU, b_u = 0", "GRU, PyTorch's start", "GRU, b_u = -3"
)  # fmt: skip


def with_bias(layer: GRU, bias: float) -> GRU:
    """Let the update gates start with this bias."""
    b = layer.b.copy()
    b[: layer.n_a] = bias
    return GRU(layer.W, b, layer.b_cc)


def new(name: str, rng: np.random.Generator) -> Any:
    if name == "tanh, orthogonal":
        return RNN.init(N_X, 30, rng)
    if name == "tanh, PyTorch's start":
        return pytorch(RNN.init(N_X, 30, rng), rng)
    if name == "GRU, PyTorch's start":  # PyTorch's GRU resets after the product
        return pytorch(GRU.init(N_X, 16, rng, reset_after=True), rng)
    return with_bias(GRU.init(N_X, 16, rng), float(name.split("= ")[1]))


def recall(rng: np.random.Generator, delay: int, batch: int = BATCH) -> tuple[Any, Any]:
    """Draw a batch: random symbols, the first one marked; the target is the marked one, `delay` steps later."""
    symbols = rng.integers(0, SYMBOLS, (delay + 1, batch))
    mark = np.zeros((delay + 1, batch, 1))
    mark[0] = 1
    return np.concatenate([one_hot(symbols, SYMBOLS), mark], axis=2), symbols[0]


def arrives(layer: Any, delay: int, rng: np.random.Generator) -> float:
    """Return the length of what gets back of a random error over `delay` steps, relative to the error's own."""
    x, _ = recall(rng, 20 + delay)
    run = layer.forward(x[21:], layer.forward(x[:21]).final)
    error = rng.normal(size=run.final.shape)
    return float(np.linalg.norm(layer.backward(run, None, error).state) / np.linalg.norm(error))


def learn(name: str, delay: int, rate: float, seed: int) -> tuple[Model, int | None, float]:
    """Train a network from scratch; return it, the updates it took (None: not within `most`), and what got back."""
    rng = np.random.default_rng([seed, delay])
    layer = new(name, rng)
    model: Model = layer, Dense.init(layer.n_a, SYMBOLS, rng)

    def step(model: Model, k: int) -> Any:
        x, y = recall(rng, delay)
        return last_step(model, x, lambda z: softmax_cross_entropy(z, y, reduction="mean"))

    before = arrives(layer, delay, np.random.default_rng([seed, delay, 1]))
    return *until(model, step, rate, BLOCK, MOST, LOW), before


def accuracy(model: Model, delay: int, rng: np.random.Generator) -> float:
    x, y = recall(rng, delay, TESTS)
    return float((at_the_end(model, x).argmax(axis=1) == y).mean())


def run(layer: str, delay: int, rate: float, seed: int) -> Row:
    model, updates, before = learn(layer, delay, rate, seed)
    scores = [accuracy(model, delay, np.random.default_rng([seed, delay, k])) for k in (2, 3)]
    return {"updates": updates, "validation": scores[0], "accuracy": scores[1], "arrives": rounded(before)}


EXPERIMENT = Experiment(
    name="recall-delay",
    part="gated",
    what="updates until a block's mean loss is below `low` (null: not within `most`); then the accuracy on new "
    "examples, for validation and for the test; share of an error that gets back over the delay, before training",
    settings={
        "symbols": SYMBOLS, "batch": BATCH, "max_norm": 1.0, "block": BLOCK, "most": MOST, "low": LOW, "tests": TESTS,
        "solved": SOLVED,
    },
    grid=tuple(
        {"layer": layer, "delay": delay, "rate": rate, "seed": seed}
        for delay in DELAYS
        for layer in LAYERS
        for rate in RATES
        for seed in SEEDS
    ),
    run=run,
    again={"layer": "GRU, b_u = -3", "delay": 40, "rate": 0.03, "seed": 0},
    tolerance={"updates": BLOCK, "validation": 0.02, "accuracy": 0.02, "arrives": 1e-3},
    clear=lambda row: row["updates"] is not None and row["updates"] <= MOST / 2 and row["accuracy"] > 0.99,
)  # fmt: skip
