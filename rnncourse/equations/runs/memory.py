"""The world of the tests of long memory: what is left of the loss where nothing, or only some of it, is remembered."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import tasks
from ...activations import softmax
from ...losses import softmax_cross_entropy, squared_error
from ...records import Array
from .networks import one
from .world import Place, Trace, World

__all__ = ["MemoryTests"]

NEVER = -1e3  # a logit: e to this power is 0
SIZES = {1: (17, 3, 5, 13), 2: (23, 4, 11, 19), 3: (29, 7, 3, 11)}  # T, n, K, N


class Halves(np.random.Generator):
    """Gives four sequences one of two numbers in each half, in all four ways, where numbers from 0 to 1 are drawn.

    The two numbers are Gauss's nodes: mean and mean square over both are those of all numbers from 0 to 1, exactly.
    """

    def random(self, size: Any = None, dtype: Any = float, out: Any = None) -> Any:
        """Return the numbers, of shape (T, 4)."""
        low, high = 0.5 - 12**-0.5, 0.5 + 12**-0.5
        ways = np.array([[low, low, high, high], [low, high, low, high]])
        return ways[(np.arange(size[0]) >= size[0] // 2).astype(int)]


class MemoryTests(World):
    """Four tasks of the package, and answers that remember a part of what is asked, or nothing.

    Parameters
    ----------
    seed : int
        Which run.
    even : bool
        The guess among K symbols favours none.
    """

    def __init__(self, seed: int, even: bool = False) -> None:
        self.rng, (T, n, K, N) = np.random.default_rng(seed), SIZES[seed]
        self.guess = softmax(2 * self.rng.normal(size=K) * (not even))
        super().__init__(f"seed {seed}", {"T": T, "n": n, "K": K, "N": N})

    def computed(self) -> dict[Place, Array]:
        """Return the package's losses."""
        trace = Trace()
        self.adding(trace)
        copied = {"J_copy": (self.sizes["n"], self.sizes["K"]), "J_three": (3, 8), "J_ten": (10, 8)}
        for key, (length, kinds) in copied.items():
            trace(key, one(self.copying(length, kinds)))
        self.order(trace)
        self.reber(trace)
        trace("guess", self.guess[:, None])
        return trace.values

    def adding(self, trace: Trace) -> None:
        """Answer with a constant, with the mean, and with one of the two numbers known."""
        x, y = tasks.adding(4, self.sizes["T"], Halves(np.random.PCG64(self.rng.integers(1000))))
        marked = x[x[..., 1] > 0, 0]
        trace("mean", one(marked.mean())), trace("square", one((marked**2).mean()))
        trace("variance", one(marked.var()))
        b = trace("constant", one(self.rng.normal()))
        second = (x[..., 0] * x[..., 1])[self.sizes["T"] // 2 :].sum(axis=0)[:, None]
        answers = {"J_b": np.full_like(y, b), "J_add": np.full_like(y, y.mean()), "J_one": second + marked.mean()}
        for key, answer in answers.items():
            trace(key, one(2 * squared_error(answer, y, reduction="mean").value))

    def copying(self, length: int, kinds: int) -> float:
        """Be sure of the blanks, and guess the symbols."""
        _, y = tasks.copying(3, self.sizes["T"], self.rng, length, kinds)
        asked = np.arange(len(y)) >= len(y) - length
        z = np.where(asked[:, None] == (np.arange(kinds + 1) > 0), 0.0, NEVER)
        return softmax_cross_entropy(np.repeat(z[:, None], 3, axis=1), y, reduction="mean").value

    def order(self, trace: Trace) -> None:
        """Guess both signs, and the first alone."""
        _, y = tasks.temporal_order(6, self.sizes["T"], self.rng)
        second_is_known = np.where(np.arange(4) % 2 == y[:, None] % 2, 0.0, NEVER)
        for key, z in (("J_order", np.zeros((6, 4))), ("J_half", second_is_known)):
            trace(key, one(softmax_cross_entropy(z, y, reduction="mean").value))

    def reber(self, trace: Trace) -> None:
        """Know the grammar, with the second letter and without it."""
        string = next(s for s in iter(lambda: tasks.reber(1, self.rng)[0], "") if len(s) == self.sizes["N"])
        may = tasks.reber_next(string)
        either = may.copy()
        either[-2] = [letter in "TP" for letter in tasks.REBER]
        y = np.array([tasks.REBER.index(letter) for letter in string[1:]])
        for key, letters in (("J_reber", may), ("J_either", either)):
            trace(key, one(softmax_cross_entropy(np.where(letters, 0.0, NEVER), y, reduction="mean").value))

    def record(self, trace: Trace) -> None:
        """Nothing here is differentiated."""
