"""Dropout on a hundred handwritten digits: nothing dropped, entries between the layers, weights along time.

Networks of `digits_depth` with two recurrent layers, each kind at its own learning rate. The probability
is one for both kinds, and was not chosen.
"""

from __future__ import annotations

import numpy as np

from rnncourse import Deep
from rnncourse.layers.recurrent_dropout import RecurrentDropout

from .digits_depth import BATCH, images, learn, new, score
from .tidy import Experiment, Row, rounded

RATES, LAYERS, UPDATES, SEEDS = (0.001, 0.003, 0.01, 0.03), 2, 200, range(5)
KINDS = ("none", "between layers, new at each step", "weights along time, held")
P, KNOWN = 0.3, 100


def run(dropout: str, rate: float, seed: int) -> Row:
    rng = np.random.default_rng(seed)
    known, validation, test = images(seed, KNOWN)
    between = P if dropout.startswith("between") else 0.0
    stack, head = new(LAYERS, "plain", rng, between, dropout.endswith("layers, held"))
    if dropout.startswith("weights"):
        widen, *recurrent = stack.layers
        stack = Deep((widen, *(RecurrentDropout(layer, P) for layer in recurrent)))
    model = learn((stack, head), known, rate, rng, UPDATES).model
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
