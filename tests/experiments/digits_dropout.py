"""Dropout on a hundred handwritten digits: nothing dropped, entries between the layers, weights along time, or both.

Networks of `digits_depth` with two recurrent layers, each kind at its own learning rate. A mask is new at each step or
held for the sequence. The probability is one for all kinds, and was not chosen.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from rnncourse.layers.recurrent_dropout import RecurrentDropout

from . import digits_depth
from .digits_depth import BATCH, images, learn, score
from .tidy import Experiment, Row, rounded

RATES, LAYERS, UPDATES, SEEDS = (0.001, 0.003, 0.01, 0.03), 2, 200, range(5)
KINDS = (
    "none", "between layers, new at each step", "weights along time, held",
    "between layers, held", "between layers and weights along time, held",
)  # fmt: skip
P, KNOWN = 0.3, 100


def new(dropout: str, rng: np.random.Generator) -> Any:
    between = P if dropout.startswith("between") else 0.0
    stack, head = digits_depth.new(LAYERS, "plain", rng, between, dropout.endswith("held"))
    if "weights" in dropout:
        widen, *recurrent = stack.layers
        stack = replace(stack, layers=(widen, *(RecurrentDropout(layer, P) for layer in recurrent)))
    return stack, head


def run(dropout: str, rate: float, seed: int) -> Row:
    rng = np.random.default_rng(seed)
    known, validation, test = images(seed, KNOWN)
    model = learn(new(dropout, rng), known, rate, rng, UPDATES).model
    accuracy, loss = score(model, test)
    return {
        "validation": rounded(-score(model, validation)[1]), "accuracy": rounded(accuracy), "loss": rounded(loss),
        "training": rounded(score(model, known)[0]),
    }  # fmt: skip


EXPERIMENT = Experiment(
    name="digits-dropout",
    part="architectures",
    what="minus the loss on the validation images; share of right answers and loss on the test images; share of right "
    "answers on the training images; all with nothing dropped",
    settings={"images": KNOWN, "layers": LAYERS, "p": P, "batch": BATCH, "updates": UPDATES},
    grid=tuple({"dropout": kind, "rate": rate, "seed": seed} for kind in KINDS for rate in RATES for seed in SEEDS),
    run=run,
    again={"dropout": "none", "rate": 0.01, "seed": 0},
    tolerance={"validation": 0.2, "accuracy": 0.05, "loss": 0.2, "training": 0.03},
    clear=lambda row: row["training"] > 0.98,
)
