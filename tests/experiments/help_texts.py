"""What the experiments on characters share: five cuts of Python's help texts, a network that reads them, its training.

Cut k begins at the k-th fifth of the text and goes round, so the five test parts have nothing in common. The split is
by position: 80 % to learn from, then 10 % for validation, then 10 % to test on.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from rnncourse import GRU, LSTM, RNN, Deep, Dense, Embedding
from rnncourse.data import Characters, splits, streams, windows
from rnncourse.language_model import python_topics
from rnncourse.losses import softmax_cross_entropy
from rnncourse.optimizers import Adam
from rnncourse.training import train

CUTS, EMBEDDED, BATCH, STEPS, MAX_NORM, SCORED = 5, 24, 32, 32, 1.0, 16
UNITS = {"RNN": 104, "GRU": 64, "LSTM": 56}  # so that all have about as many parameters
KINDS = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}


@lru_cache
def cut(number: int) -> Any:
    """Return the train, validation and test part of a cut, as text."""
    text = python_topics()
    begin = text.find("\n\n", number * len(text) // CUTS) + 2 if number else 0
    return splits(text[begin:] + "\n\n" + text[:begin])


@lru_cache
def characters() -> Characters:
    return Characters.of(python_topics())


def network(kind: str, seed: int) -> Deep:
    n, units, rng = len(characters()), UNITS[kind], np.random.default_rng(seed)
    layers = (Embedding.init(n, EMBEDDED, rng, np.float32), KINDS[kind].init(EMBEDDED, units, rng, np.float32))
    return Deep((*layers, Dense.init(units, n, rng, np.float32)))


def bits(model: Any, text: str) -> float:
    """Return bits a character; the text in pieces side by side, each from a state of zeros."""
    x, y = streams(characters().encode(text), SCORED)
    return float(softmax_cross_entropy(model.forward(x).a, y, reduction="mean").value / np.log(2))


class Reader:
    """A network and where its training stands: it goes on, window by window, with the state that was carried."""

    def __init__(self, model: Any, text: str, rate: float) -> None:
        pieces = windows(streams(characters().encode(text), BATCH), STEPS)
        self.model, self.pieces, self.optimizer = model, pieces, Adam(rate)
        self.state, self.carry, self.done = None, None, 0

    def step(self, model: Any, k: int, carry: Any) -> Any:
        x, y = self.pieces[k % len(self.pieces)]
        run = model.forward(x, carry if k % len(self.pieces) else None)
        loss, dz = softmax_cross_entropy(run.a, y, reduction="mean")
        return loss, model.backward(run, dz, inputs=False).layer, run.final

    def read(self, updates: int) -> Any:
        """Learn until there have been so many updates; return the model."""
        made = train(
            self.model, self.step, self.optimizer, updates - self.done,
            max_norm=MAX_NORM, state=self.state, start=self.done, carry=self.carry,
        )  # fmt: skip
        self.model, self.state, self.carry, self.done = made.model, made.state, made.carry, updates
        return self.model
