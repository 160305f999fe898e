"""Tags that need the next letter: a network that reads both ways, deeper ones that read one way, ones that answer late.

Every network has about as many parameters. "late by k": the answer for step t is read at step t + k; behind its end a
sequence goes on for k steps of nothing. "not turned back": the backward stream's states are joined in its own order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnncourse import GRU, Bidirectional, Deep, Dense
from rnncourse.data import gaps, one_hot
from rnncourse.layers.bidirectional import reverse
from rnncourse.losses import softmax_cross_entropy
from rnncourse.optimizers import Adam
from rnncourse.records import named_leaves
from rnncourse.training import train

from .learning import RATES as THREE
from .learning import Model
from .tidy import Experiment, Row, rounded

STEPS, LONGEST, BATCH, UPDATES, TESTS, SEEDS = 14, 4, 24, 110, 200, range(5)
RATES = (*THREE, 0.1)
LATE = (0, 2, 4)
BOTH, NOT_BACK = "both ways", "both ways, not turned back"
NAMES = (BOTH, "two layers, one way", *(f"one way, late by {k}" for k in LATE), NOT_BACK)
FEATURES = 3  # nothing, a, b


def late(name: str) -> int:
    return int(name.split()[-1]) if "late" in name else 0


def new(name: str, rng: np.random.Generator) -> Model:
    """Draw a network; all have 904 to 924 parameters."""
    if name.startswith("both"):
        layer: Any = Bidirectional(GRU.init(FEATURES, 10, rng), GRU.init(FEATURES, 10, rng))
    elif name.startswith("two"):
        layer = Deep((GRU.init(FEATURES, 9, rng), GRU.init(9, 9, rng)))
    else:
        layer = GRU.init(FEATURES, 15, rng)
    return layer, Dense.init(layer.n_out, 4, rng)


def parameters(model: Model) -> int:
    return sum(leaf.size for _, leaf in named_leaves(model))


class Batch:
    """Inputs, tags, lengths, and which steps count; for a network that answers k steps late."""

    def __init__(self, rng: np.random.Generator, n: int, k: int) -> None:
        symbols, tags, lengths = gaps(n, STEPS, rng, LONGEST)
        nothing = np.zeros((k, n), np.int64)
        inside = np.arange(STEPS)[:, None] < lengths
        self.x = one_hot(np.concatenate([symbols, nothing]), FEATURES)
        self.tags = np.concatenate([nothing, tags])
        self.counts = np.concatenate([nothing > 0, inside])
        self.lengths = lengths + k


def forward(name: str, layer: Any, batch: Batch) -> tuple[Any, Any]:
    """Return the run, and the outputs in the order that the output layer is given."""
    run = layer.forward(batch.x, lengths=batch.lengths)
    a = run.a
    if name == NOT_BACK:
        n = layer.fwd.n_out
        a = np.concatenate([a[..., :n], reverse(a[..., n:], batch.lengths)], axis=-1)
    return run, a


def gradient(name: str, model: Model, batch: Batch) -> tuple[float, Model]:
    layer, head = model
    run, a = forward(name, layer, batch)
    out = head.forward(a)
    value, dz = softmax_cross_entropy(out.a, batch.tags, batch.counts, reduction="mean")
    top = head.backward(out, dz)
    da = top.x
    if name == NOT_BACK:
        n = layer.fwd.n_out
        da = np.concatenate([da[..., :n], reverse(da[..., n:], batch.lengths)], axis=-1)
    return value, (layer.backward(run, da, inputs=False).layer, top.layer)


def accuracy(name: str, model: Model, batch: Batch) -> tuple[float, float]:
    """Return the share of right tags, over all steps and in gaps alone."""
    right = model[1].forward(forward(name, model[0], batch)[1]).a.argmax(axis=-1) == batch.tags
    k = late(name)
    shown = np.concatenate([np.zeros((k, batch.x.shape[1])), batch.x[: len(batch.x) - k, :, 0]])  # 1 in a gap
    return float(right[batch.counts].mean()), float(right[batch.counts & (shown > 0)].mean())


def learn(name: str, rate: float, seed: int, updates: int = UPDATES) -> Model:
    """Train a network."""
    rng = np.random.default_rng(seed)

    def step(model: Model, k: int) -> Any:
        return gradient(name, model, Batch(rng, BATCH, late(name)))

    model: Model = train(new(name, rng), step, Adam(rate), updates, max_norm=1.0).model
    return model


def run(network: str, rate: float, seed: int) -> Row:
    model = learn(network, rate, seed)
    scores = [accuracy(network, model, Batch(np.random.default_rng([seed, which]), TESTS, late(network)))
              for which in (2, 3)]  # fmt: skip
    return {"validation": rounded(scores[0][0]), "accuracy": rounded(scores[1][0]), "in_gaps": rounded(scores[1][1])}


EXPERIMENT = Experiment(
    name="gaps-tagging",
    part="architectures",
    what="share of right tags on new sequences: for validation, for the test, and of the test's steps in gaps",
    settings={
        "steps": STEPS, "longest": LONGEST, "batch": BATCH, "updates": UPDATES, "tests": TESTS,
        "parameters": {name: parameters(new(name, np.random.default_rng(0))) for name in NAMES},
    },
    grid=tuple({"network": name, "rate": rate, "seed": seed} for name in NAMES for rate in RATES for seed in SEEDS),
    run=run,
    again={"network": BOTH, "rate": 0.03, "seed": 0},
    tolerance={"validation": 0.02, "accuracy": 0.02, "in_gaps": 0.03},
    clear=lambda row: row["accuracy"] > 0.98,
)  # fmt: skip
