"""Elman's letters: a table of the last one, two or three letters beside the recurrent network.

The tables are predictors without a memory: for each window of letters the mean of the codes after it in training.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from rnncourse import RNN, Dense
from rnncourse.activations import sigmoid
from rnncourse.data import ELMAN_CODES, elman_letters
from rnncourse.losses import binary_cross_entropy
from rnncourse.optimizers import Adam
from rnncourse.training import train

from .learning import Model
from .tidy import Experiment, Row, rounded

CONSONANTS, T, UNITS, UPDATES, WARM = 1000, 30, 20, 100, 4
RATES, SEEDS = (0.02, 0.05, 0.1), range(5)
WINDOWS = {"window of 1": 1, "window of 2": 2, "window of 3": 3}


def encode(text: str) -> Any:
    return np.array([ELMAN_CODES[letter] for letter in text], dtype=float)


def table(text: str, new: str, width: int) -> Any:
    """Return guesses of `new[WARM:]`: the mean code after each window; the mean of all where it was never met."""
    codes, after = encode(text), defaultdict(list)
    for k in range(width, len(text)):
        after[text[k - width : k]].append(codes[k])
    mean = {window: np.mean(found, axis=0) for window, found in after.items()}
    return np.array([mean.get(new[k - width : k], codes.mean(axis=0)) for k in range(WARM, len(new))])


def network(text: str, rate: float, seed: int) -> Model:
    codes = encode(text)
    pieces = (len(codes) - 1) // T
    x = codes[: pieces * T].reshape(pieces, T, 6).swapaxes(0, 1)
    y = codes[1 : pieces * T + 1].reshape(pieces, T, 6).swapaxes(0, 1)
    rng = np.random.default_rng(seed)
    model: Model = RNN.init(6, UNITS, rng), Dense.init(UNITS, 6, rng)

    def step(model: Model, k: int) -> Any:
        run = model[0].forward(x)
        out = model[1].forward(run.a)
        value, dz = binary_cross_entropy(out.a, y, reduction="mean")
        top = model[1].backward(out, dz)
        return value, (model[0].backward(run, top.x, inputs=False).layer, top.layer)

    return train(model, step, Adam(rate), UPDATES, max_norm=1.0).model


def outcome(guesses: Any, new: str) -> Row:
    truth, places = encode(new)[WARM:], []
    for letter in new:
        places.append(0 if letter in "bdg" else places[-1] + 1)
    place, squared = np.array(places[WARM:]), ((guesses - truth) ** 2).mean(axis=1)
    p = np.clip(guesses, 1e-12, 1 - 1e-12)
    nats = -(truth * np.log(p) + (1 - truth) * np.log(1 - p)).sum(axis=1).mean()
    return {"nats": rounded(nats)} | {f"error_{k}": round(float(squared[place == k].mean()), 4) for k in range(4)}


def run(model: str, rate: float, seed: int) -> Row:
    text, new, other = (elman_letters(CONSONANTS, np.random.default_rng([seed, k])) for k in range(3))
    if model in WINDOWS:
        width = WINDOWS[model]
        return {"validation": outcome(table(text, other, width), other)["nats"]} | outcome(table(text, new, width), new)
    trained = network(text, rate, seed)

    def guesses(text: str) -> Any:
        return sigmoid(trained[1].forward(trained[0].forward(encode(text)[:-1, None]).a).a)[WARM - 1 :, 0]

    return {"validation": outcome(guesses(other), other)["nats"]} | outcome(guesses(new), new)


EXPERIMENT = Experiment(
    name="letters-window",
    part="foundations",
    what="on new letters: nats a letter, for validation and for the test; mean squared error of the test by the "
    "letter's place in its syllable, 0 for the consonant. The best possible: 0.424 nats; 0.0741, 0, 0, 0",
    settings={"consonants": CONSONANTS, "T": T, "units": UNITS, "updates": UPDATES, "max_norm": 1.0},
    grid=(
        *({"model": model, "rate": 0.0, "seed": seed} for model in WINDOWS for seed in SEEDS),
        *({"model": "network", "rate": rate, "seed": seed} for rate in RATES for seed in SEEDS),
    ),
    run=run,
    again={"model": "window of 3", "rate": 0.0, "seed": 0},
    tolerance={"validation": 1e-3, "nats": 1e-3, **{f"error_{k}": 1e-3 for k in range(4)}},
    clear=lambda row: True,  # nothing is trained: counted
)
