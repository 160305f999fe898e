"""Worlds of training: what an optimiser of the package did to some weights, and a run with dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...layers.deep import Deep
from ...layers.rnn import RNN
from ...optimizers import SGD, Adam, RMSProp
from ...records import Array
from .networks import columns, one
from .world import Place, Trace, World

__all__ = ["Dropped", "Updates"]

REMEMBERED = {"momentum": ("velocity",), "rmsprop": ("square",), "adam": ("mean", "square")}
SIZES = {1: (4, 7), 2: (5, 3), 3: (6, 4)}  # updates, weights


class Updates(World):
    """Updates k = 1 … K of one optimiser, with gradients that are drawn and not derived.

    Parameters
    ----------
    seed : int
        Which run.
    rule : str
        'momentum', 'rmsprop' or 'adam'.
    """

    def __init__(self, seed: int, rule: str) -> None:
        self.rule, rng = rule, np.random.default_rng([seed, 7])
        K, n = SIZES[seed]
        self.w, self.g = rng.normal(size=n), rng.normal(size=(K, n)) * 10.0 ** rng.integers(-2, 1, (K, n))
        self.settings = {"alpha": 0.11 + 0.02 * seed}
        if rule == "adam":
            self.settings |= {"beta1": 0.71 + 0.03 * seed, "beta2": 0.83 + 0.02 * seed, "eps": 0.01 + 0.02 * seed}
        else:
            self.settings |= {"beta": 0.71 + 0.03 * seed, "eps": 0.01 + 0.02 * seed}
        super().__init__(f"seed {seed}", {"T": K, "n": n})

    def optimizer(self) -> Any:
        """Return the package's optimiser, and nothing else computes what is recorded."""
        alpha, *rest = self.settings.values()
        if self.rule == "momentum":
            return SGD(alpha, rest[0])
        return RMSProp(alpha, rest[0], eps=rest[1]) if self.rule == "rmsprop" else Adam(alpha, *rest)

    def computed(self) -> dict[Place, Array]:
        """Return weights, gradients and the optimiser's state after each update."""
        trace, optimizer = Trace(), self.optimizer()
        for name, value in self.settings.items():
            trace(name, one(value))
        w, state = self.w, optimizer.init(self.w)
        for k in range(len(self.g) + 1):
            trace("w", columns(w), k)
            for name in REMEMBERED[self.rule]:
                trace(name, columns(getattr(state, name)), k)
            if k:
                trace("g", columns(self.g[k - 1]), k)
                if self.rule == "adam":
                    trace("mean_hat", columns(state.mean / (1 - optimizer.beta1**k)), k)
                    trace("square_hat", columns(state.square / (1 - optimizer.beta2**k)), k)
            if k < len(self.g):
                w, state = optimizer.update(w, self.g[k], state)
        return trace.values

    def record(self, trace: Trace) -> None:
        """Record the same: nothing is differentiated here."""
        trace.values |= self.computed()


class Dropped(World):
    """What dropout hands from one layer to the next: entries that are dropped anew at each step, or once for all.

    Parameters
    ----------
    seed : int
        Which run.
    variational : bool
        Once for all steps.
    """

    def __init__(self, seed: int, variational: bool) -> None:
        rng = np.random.default_rng([seed, 8])
        T, n_x, n_a = {1: (4, 3, 9), 2: (5, 2, 11), 3: (6, 4, 8)}[seed]
        self.p = 0.3 + 0.1 * seed
        layers = (RNN.init(n_x, n_a, rng), RNN.init(n_a, 3, rng))
        self.run = Deep(layers, dropout=self.p, variational=variational).forward(rng.normal(size=(T, 1, n_x)), rng=rng)
        super().__init__(f"seed {seed}", {"T": T, "n_x": n_x, "n_a": n_a})

    def computed(self) -> dict[Place, Array]:
        """Return the lower layer's states, what was kept of them, and what the upper layer read."""
        trace = Trace()
        trace("p_drop", one(self.p))
        kept = np.broadcast_to(self.run.masks[0] > 0, self.run.layers[0].a.shape)
        for t in range(1, len(kept) + 1):
            trace("below", self.run.layers[0].a[t - 1].T, t), trace("kept", kept[t - 1].T.astype(float), t)
            trace("dropped", self.run.layers[1].x[t - 1].T, t)
        return trace.values

    def record(self, trace: Trace) -> None:
        """Record the same: nothing is differentiated here."""
        trace.values |= self.computed()
