"""Handwritten digits read row by row: one to four recurrent layers at equal parameters, each at its own rate.

A dense layer widens each row of eight pixels to the layers' size, so that every recurrent layer has as many outputs as
inputs and can be residual; another reads the last state. All networks have about 4,000 parameters; those with layer
normalisation as many units as the others, so that its gains are what they have more.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from rnncourse import GRU, Deep, Dense
from rnncourse.data import digits
from rnncourse.losses import softmax_cross_entropy
from rnncourse.optimizers import Adam
from rnncourse.records import named_leaves
from rnncourse.training import train

from .tidy import Experiment, Row, rounded

RATES = (0.003, 0.01, 0.03, 0.1)
TRAINING, VALIDATION, BATCH, UPDATES, SEEDS = 1000, 300, 32, 90, range(5)
UNITS = {1: 24, 2: 17, 3: 14, 4: 12}  # by the number of recurrent layers
ARMS = (
    *((layers, "plain") for layers in UNITS),
    *((layers, "residual") for layers in (2, 3, 4)),
    *((layers, "layer norm") for layers in UNITS),
    (4, "layer norm, gains 0.3"),
)


@lru_cache
def images(seed: int, training: int = TRAINING) -> tuple[Any, Any, Any]:
    """Return rows and labels for training, for validation and for the test: another split for each seed."""
    rows, labels = digits()
    order = np.random.default_rng([seed, 1]).permutation(len(labels))
    cuts = (order[:training], order[TRAINING : TRAINING + VALIDATION], order[TRAINING + VALIDATION :])
    train_set, validation, test = ((rows[:, each], labels[each]) for each in cuts)
    return train_set, validation, test


def new(layers: int, variant: str, rng: np.random.Generator, dropout: float = 0.0, variational: bool = False) -> Any:
    n = UNITS[layers]
    recurrent = tuple(GRU.init(n, n, rng, layer_norm=variant.startswith("layer norm")) for _ in range(layers))
    if variant.endswith("gains 0.3"):  # in place of 1: as much goes into the gates as in a plain layer, about
        recurrent = tuple(replace(layer, gain_c=0.3 * layer.gain_c, gain_x=0.3 * layer.gain_x) for layer in recurrent)
    stack = Deep((Dense.init(8, n, rng), *recurrent), dropout, variational, residual=variant == "residual")
    return stack, Dense.init(n, 10, rng)


def parameters(model: Any) -> int:
    return sum(leaf.size for _, leaf in named_leaves(model))


def score(model: Any, images: Any) -> tuple[float, float]:
    """Return accuracy and loss on images."""
    x, y = images
    z = model[1].forward(model[0].forward(x).a[-1]).a
    return float((z.argmax(axis=1) == y).mean()), float(softmax_cross_entropy(z, y, reduction="mean").value)


def learn(model: Any, images: Any, rate: float, rng: np.random.Generator, updates: int = UPDATES) -> Any:
    """Train with what the stack drops out, if anything."""
    x, y = images

    def step(model: Any, k: int) -> Any:
        chosen = rng.integers(0, len(y), BATCH)
        run = model[0].forward(x[:, chosen], rng=rng if model[0].drops_out else None)
        out = model[1].forward(run.a[-1])
        value, dz = softmax_cross_entropy(out.a, y[chosen], reduction="mean")
        top = model[1].backward(out, dz)
        da = np.zeros_like(run.a)
        da[-1] = top.x
        return value, (model[0].backward(run, da, inputs=False).layer, top.layer)

    return train(model, step, Adam(rate), updates, max_norm=1.0)


def run(layers: int, variant: str, rate: float, seed: int) -> Row:
    rng = np.random.default_rng(seed)
    known, validation, test = images(seed)
    done = learn(new(layers, variant, rng), known, rate, rng)
    accuracy, loss = score(done.model, test)
    return {
        "validation": rounded(-score(done.model, validation)[1]), "accuracy": rounded(accuracy), "loss": rounded(loss),
        "early": rounded(done.losses[40:60].mean()),
    }  # fmt: skip


EXPERIMENT = Experiment(
    name="digits-depth",
    part="architectures",
    what="minus the loss on the validation images; share of right answers and loss on the test images; mean loss of "
    "the updates 41 to 60",
    settings={
        "training": TRAINING, "validation": VALIDATION, "batch": BATCH, "updates": UPDATES,
        "units": list(UNITS.values()),
        "parameters": [parameters(new(layers, "plain", np.random.default_rng(0))) for layers in UNITS],
        "with gains": [parameters(new(layers, "layer norm", np.random.default_rng(0))) for layers in UNITS],
    },
    grid=tuple(
        {"layers": layers, "variant": variant, "rate": rate, "seed": seed}
        for layers, variant in ARMS
        for rate in RATES
        for seed in SEEDS
    ),
    run=run,
    again={"layers": 1, "variant": "plain", "rate": 0.03, "seed": 0},
    tolerance={"validation": 0.05, "accuracy": 0.03, "loss": 0.05, "early": 0.05},
    clear=lambda row: row["accuracy"] > 0.9,
)  # fmt: skip
