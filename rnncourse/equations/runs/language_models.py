"""The world of a language model: a text, its probabilities and scores, a temperature, and counts."""

from __future__ import annotations

import numpy as np

from ...activations import softmax
from ...language_model import NGram, bits_per_symbol, negative_log_likelihood, next_probabilities, perplexity
from ...layers.deep import Deep
from ...layers.dense import Dense
from ...layers.embedding import Embedding
from ...layers.gru import GRU
from ...records import Array
from .networks import one
from .world import Place, Trace, World

__all__ = ["LanguageModel"]


class LanguageModel(World):
    """A text and what a network makes of it, logits at a temperature, and the mixture of one context of an n-gram."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        T, n = {1: (7, 5), 2: (5, 11), 3: (11, 7)}[seed]
        layers = (Embedding.init(n, 4, rng), GRU.init(4, 3, rng), Dense(rng.normal(size=(n, 3)), rng.normal(size=n)))
        self.model, self.text = Deep(layers), rng.integers(0, n, T + 1)
        self.z, self.tau = rng.normal(size=(n, 1)), {1: 0.6, 2: 1.7, 3: 2.3}[seed]
        self.counted = rng.choice(n, 60, p=softmax(rng.normal(size=n)))  # counts of 0, 1, 2 and more
        super().__init__(f"seed {seed}", {"T": T, "n": n})

    def computed(self) -> dict[Place, Array]:
        """Return the values."""
        trace = Trace()
        self.record(trace)
        return trace.values

    def record(self, trace: Trace) -> None:
        """Ask the package for what can be computed."""
        nats = negative_log_likelihood(self.model, self.text)
        p = next_probabilities(self.model.forward(self.text[:-1, None]).a[:, 0])
        for t, (loss, symbol) in enumerate(zip(nats, self.text[1:], strict=True), 1):
            trace("L_t", one(loss), t), trace("p_t", one(p[t - 1, symbol]), t)
        trace("whole", one(np.exp(-nats.sum())))
        trace("perplexity", one(perplexity(nats))), trace("bits", one(bits_per_symbol(nats)))
        trace("p", next_probabilities(trace("v", self.z)[:, 0], trace("tau", one(self.tau)).item())[:, None])
        before, n = int(self.counted[0]), self.sizes["n"]
        followers = self.counted[1:][self.counted[:-1] == before]
        trace("counts", np.bincount(followers, minlength=n)[:, None].astype(float))
        trace("followers", one(float(len(set(followers.tolist())))))
        model = NGram.fit(self.counted, n, order=2)
        trace("discount", one(model.levels[1].discount))
        trace("shorter", model.probabilities(np.zeros((1, 0), int)).T)
        trace("mixed", model.probabilities(np.array([[before]])).T)
