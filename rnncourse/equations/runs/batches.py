"""Worlds of sequences: a padded batch and streams of the package; probabilities, tables and numbers of parameters."""

from __future__ import annotations

import numpy as np

from ...activations import softmax
from ...data import mask, streams
from ...layers.dense import Dense
from ...layers.rnn import RNN
from ...losses import softmax_cross_entropy
from ...records import Array, named_leaves
from .networks import columns, one, parameters
from .world import Place, Trace, World

__all__ = ["Padded", "Sequences"]

CELL, HEAD = {name: name for name in ("W_aa", "W_ax", "W_a", "b_a")}, {"W_ya": "W", "b_y": "b"}


class Padded(World):
    """A batch of examples of different lengths, with a prediction at every step, and a sequence cut into streams.

    The state is frozen past an example's end. The losses of all steps are there; the means take those that count.
    """

    sources = ("backward",)

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        T, m, n_x, n_a, n_y, steps = {1: (7, 3, 13, 5, 11, 4), 2: (5, 4, 11, 3, 13, 6), 3: (6, 5, 7, 4, 11, 3)}[seed]
        self.layer = RNN(0.7 * rng.normal(size=(n_a, n_a + n_x)), rng.normal(size=n_a))
        self.head = Dense(rng.normal(size=(n_y, n_a)), rng.normal(size=n_y))
        self.x, self.a0 = rng.normal(size=(T, m, n_x)), rng.normal(size=(m, n_a))
        self.y = softmax(2 * rng.normal(size=(T, m, n_y)))
        self.lengths = np.concatenate([[T, 1], rng.integers(2, T, m - 2)])
        self.counts = mask(self.lengths, T)
        self.s = rng.normal(size=m * steps + 2)  # one more than the streams need
        super().__init__(f"seed {seed}", {"T": T, "m": m, "n_x": n_x, "n_a": n_a, "n_y": n_y, "T_s": steps})

    def mean(self, key: str) -> Array:
        """Return what each loss is multiplied with."""
        each = {
            "J_s": 1 / self.lengths.sum(),
            "J_m": 1 / len(self.lengths),
            "J_e": 1 / len(self.lengths) / self.lengths,
        }
        return self.counts * each[key]

    def computed(self) -> dict[Place, Array]:
        """Return the package's values: a state is what `forward` says is final after so many steps."""
        trace, T, m = Trace(), *self.x.shape[:2]
        a = [self.layer.forward(self.x[:t], self.a0, np.minimum(self.lengths, t)).final for t in range(T + 1)]
        z_y = self.head.forward(np.stack(a[1:])).a
        losses = softmax_cross_entropy(z_y, self.y, reduction="none").value
        parameters(trace, self.layer, CELL), parameters(trace, self.head, HEAD)
        for t in range(T + 1):
            trace.rows("a", a[t], t)
        for t in range(1, T + 1):
            trace.rows("x", self.x[t - 1], t), trace.rows("y", self.y[t - 1], t)
            trace.rows("z_y", z_y[t - 1], t), trace.rows("yhat", softmax(z_y[t - 1]), t)
            trace("L_t", losses[t - 1][None], t), trace("mask", self.counts[t - 1].astype(float)[None], t)
        self.means(trace, z_y)
        trace("lengths", self.lengths.astype(float)[None]), trace("s", columns(self.s))
        trace("waste", one(1 - self.counts.mean()))
        for key, rows in zip(("stream_x", "stream_y"), streams(self.s, m), strict=True):
            for t, row in enumerate(rows, 1):
                trace(key, row[None], t)
        return trace.values

    def means(self, trace: Trace, z_y: Array) -> None:
        """Ask the package's loss for the three means."""
        m = len(self.lengths)
        by_steps = softmax_cross_entropy(z_y, self.y, self.counts, "mean").value
        by_examples = softmax_cross_entropy(z_y, self.y, self.counts, "sum").value / m
        by_each = softmax_cross_entropy(z_y, self.y, self.counts, "sum", weights=self.counts / self.lengths).value / m
        for key, value in zip(("J_s", "J_m", "J_e"), (by_steps, by_examples, by_each), strict=True):
            trace(key, one(value))

    def record(self, trace: Trace) -> None:
        """Loop the package's cell; past the end, the state before stays."""
        k, layer, head = trace.copies, parameters(trace, self.layer, CELL), parameters(trace, self.head, HEAD)
        x, y, counts = (np.tile(v, (1, k) + (1,) * (v.ndim - 2)) for v in (self.x, self.y, self.counts))
        a = trace.rows("a", np.tile(self.a0, (k, 1)), 0)
        losses = []
        for t in range(1, len(x) + 1):
            new = layer.cell_forward(trace.rows("x", x[t - 1], t), a)[0]
            a = trace.rows("a", np.where(counts[t - 1][:, None], new, a), t)
            z_y = trace.rows("z_y", head.step(a)[0], t)
            trace.rows("yhat", softmax(z_y), t)
            losses.append(trace("L_t", softmax_cross_entropy(z_y, y[t - 1], reduction="none").value[None], t))
        together = np.concatenate(losses)
        for key in ("J_s", "J_m", "J_e"):
            weighted = together * np.tile(self.mean(key), (1, k))
            trace(key, weighted.sum(axis=0).reshape(1, k, -1).sum(axis=2))

    def gradients(self, source: str, weight: Array) -> dict[Place, Array]:
        """Return what ``backward`` returns, for losses weighted by `weight`."""
        run = self.layer.forward(self.x, self.a0, self.lengths)
        out = self.head.forward(run.a)
        dz = softmax_cross_entropy(out.a, self.y, self.counts, "sum", weights=weight).dz
        top = self.head.backward(out, dz)
        grads = self.layer.backward(run, top.x)
        found = {(key, None, None): columns(getattr(grads.layer, name)) for key, name in CELL.items()}
        found |= {(key, None, None): columns(getattr(top.layer, name)) for key, name in HEAD.items()}
        return found | {("z_y", t, None): dz[t - 1].T for t in range(1, len(dz) + 1)}


class Sequences(World):
    """A distribution over all sequences of K symbols, and how many numbers tables, networks and data consist of."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        K, n, T, w, m = {1: (3, 4, 5, 7, 11), 2: (4, 3, 5, 2, 13), 3: (5, 2, 4, 3, 7)}[seed]
        n_x, n_a, n_y = {1: (2, 13, 17), 2: (7, 11, 3), 3: (6, 11, 13)}[seed]
        self.table = self.rng.dirichlet(np.ones(K**T)).reshape((K,) * T)  # the chance of each sequence
        sizes = {"K": K, "n": n, "T": T, "w": w, "m": m, "n_x": n_x, "n_a": n_a, "n_y": n_y}
        super().__init__(f"seed {seed}", sizes)

    def computed(self) -> dict[Place, Array]:
        """Return probabilities of one sequence, by adding up the table, and what there is to count."""
        size = self.sizes
        trace, left = Trace(), self.table
        trace("P", one(left.sum()), 0)
        for t in range(1, size["T"] + 1):
            follows = left.reshape(size["K"], -1).sum(axis=1)  # of each symbol that may come now
            x = int(self.rng.integers(size["K"]))
            trace("p_t", one(follows[x] / follows.sum()), t)
            left = left[x]
            trace("P", one(left.sum()), t)
        grams = self.rng.dirichlet(np.ones(size["K"]), (size["K"],) * (size["n"] - 1))
        trace("n_table", one(grams[..., :-1].size))  # the last chance of each row follows from the others
        rng, n_a = self.rng, size["n_a"]
        recurrent = RNN.init(size["n_x"], n_a, rng), Dense.init(n_a, size["n_y"], rng)
        window = Dense.init(size["w"] * size["n_x"], n_a, rng), Dense.init(n_a, size["n_y"], rng)
        trace("n_theta", one(count(recurrent))), trace("n_window", one(count(window)))
        trace("volume", one(rng.normal(size=(size["T"], size["m"], size["n_x"])).size))
        return trace.values

    def record(self, trace: Trace) -> None:
        """Nothing here is differentiated."""


def count(model: object) -> int:
    """Count the parameters of a model."""
    return sum(leaf.size for _, leaf in named_leaves(model))
