"""Where does learning stop? Agreement over a distance: networks, distances, learning rates, seeds.

The network "sigmoid, the same function" computes at the start exactly what "tanh, orthogonal" does, written with
sigmoids: tanh(z) = 2 σ(2z) - 1. It runs at two distances only.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnncourse import GRU, LSTM, RNN, Dense, tree_map
from rnncourse.data import AGREEMENT_WORDS, agreement, one_hot
from rnncourse.losses import binary_cross_entropy
from rnncourse.records import named_leaves

from .learning import RATES, Model, at_the_end, last_step, pytorch, until
from .tidy import Experiment, Row, rounded

N_WORDS, UNITS, BATCH, BLOCK, MOST, LOW, TESTS = len(AGREEMENT_WORDS), 16, 16, 50, 600, 0.1, 500
DISTANCES, SEEDS = (8, 16, 24, 32), range(5)
SIGMOID = "sigmoid, the same function"
NETWORKS = ("tanh, PyTorch's start", "tanh, orthogonal", "GRU", "LSTM", "LSTM, forget bias 4", SIGMOID)
STOPPED = 0.95  # accuracy from which on a run counts as solved; fixed before the first run


def with_sigmoids(model: Model) -> Model:
    """Write a tanh network with sigmoids: a = 2 s - 1, where s starts at one half."""
    layer, head = model
    W_aa, W_ax = layer.W_aa, layer.W_ax
    W = np.concatenate([4 * W_aa, 2 * W_ax], axis=1)
    b = 2 * layer.b - 2 * W_aa.sum(axis=1)
    return RNN(W, b, "sigmoid"), Dense(2 * head.W, head.b - head.W.sum(axis=1))


def new(network: str, rng: np.random.Generator) -> Model:
    if network == "tanh, PyTorch's start":
        layer: Any = pytorch(RNN.init(N_WORDS, UNITS, rng), rng)
    elif network in ("tanh, orthogonal", SIGMOID):
        layer = RNN.init(N_WORDS, UNITS, rng)
    elif network == "GRU":
        layer = GRU.init(N_WORDS, UNITS, rng)
    else:
        layer = LSTM.init(N_WORDS, UNITS, rng, forget_bias=4.0 if "4" in network else 1.0)
    model = (layer, Dense.init(UNITS, 1, rng))
    return with_sigmoids(model) if network == SIGMOID else model


def start(network: str, batch: int) -> Any:
    return np.full((batch, UNITS), 0.5) if network == SIGMOID else None


def sensitivity(network: str, layer: Any, distance: int, rng: np.random.Generator) -> float:
    """Return the norm of the derivative of the last state with respect to the state after the noun, before training."""
    x = one_hot(agreement(1, distance, rng).words, N_WORDS)
    after_noun = layer.forward(x[:2], start(network, 1)).final
    copies = tree_map(lambda part: np.repeat(part, UNITS, axis=0), after_noun)
    run = layer.forward(np.repeat(x[2:], UNITS, axis=1), copies)
    da = np.zeros_like(run.a)
    da[-1] = np.eye(UNITS)
    rows = [each for _, each in named_leaves(layer.backward(run, da).state)]
    return float(np.linalg.norm(np.hstack(rows), 2))


def run(network: str, distance: int, rate: float, seed: int) -> Row:
    rng = np.random.default_rng([seed, distance])
    model = new(network, rng)
    before = sensitivity(network, model[0], distance, np.random.default_rng([seed, distance, 1]))

    def step(model: Model, k: int) -> Any:
        words, verbs = agreement(BATCH, distance, rng)

        def loss(z: Any) -> Any:
            return binary_cross_entropy(z, verbs[:, None], reduction="mean")

        return last_step(model, one_hot(words, N_WORDS), loss, start(network, BATCH))

    def accuracy(which: int) -> float:
        words, verbs = agreement(TESTS, distance, np.random.default_rng([seed, distance, which]))
        z = at_the_end(model, one_hot(words, N_WORDS), start(network, TESTS))
        return float(((z[:, 0] > 0) == verbs).mean())

    model, updates = until(model, step, rate, BLOCK, MOST, LOW)
    return {
        "updates": updates, "validation": accuracy(2), "accuracy": accuracy(3), "sensitivity": rounded(before)
    }  # fmt: skip


EXPERIMENT = Experiment(
    name="agreement-distance",
    part="learning",
    what="updates until a block's mean loss is below `low` (null: not within `most`); accuracy on validation and on "
    "test sentences; before training: norm of the derivative of the last state with respect to that after the noun",
    settings={
        "units": UNITS, "batch": BATCH, "max_norm": 1.0, "block": BLOCK, "most": MOST, "low": LOW, "tests": TESTS,
        "solved": STOPPED,
    },
    grid=tuple(
        {"network": network, "distance": distance, "rate": rate, "seed": seed}
        for network in NETWORKS
        for distance in ((16, 24) if network == SIGMOID else DISTANCES)
        for rate in RATES
        for seed in SEEDS
    ),
    run=run,
    again={"network": "LSTM, forget bias 4", "distance": 8, "rate": 0.01, "seed": 1},
    tolerance={"updates": BLOCK, "validation": 0.02, "accuracy": 0.02, "sensitivity": 1e-3},
    clear=lambda row: row["updates"] is not None and row["updates"] <= MOST / 2 and row["accuracy"] > 0.99,
)  # fmt: skip
