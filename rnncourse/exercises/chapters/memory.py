"""Exercises of the chapter on tests of long memory."""

from __future__ import annotations

import numpy as np

from ...layers.sequence import valid_steps
from ...losses import softmax_cross_entropy
from ...records import Array
from ..records import Exercise, Kind, Mistake, Question, Sizes
from .drawing import lengths as draw_lengths

__all__ = ["EXERCISES"]


def without_memory(y: Array, counts: Array) -> float:
    """Find the loss of the best answers that do not depend on the example.

    At each step all examples get the same answer: for each class, how often it is right there.

    Parameters
    ----------
    y : ndarray of int, shape (T, B)
        The class that is right, at each step of each example.
    counts : ndarray of bool, shape (T, B)
        Which of these count.

    Returns
    -------
    loss : float
        The mean of -log of the chance given to what is right, over all that counts, in nats.
    """
    total = 0.0
    for t in range(len(y)):
        right = y[t, counts[t]]
        chance = np.bincount(right) / max(1, len(right))
        total -= np.log(chance[right]).sum()
    return float(total / counts.sum())


def draw_targets(rng: np.random.Generator, s: Sizes) -> dict[str, Array]:
    """Draw classes that are not equally frequent, in another way at each step; what does not count is class 0."""
    chance = rng.dirichlet(np.ones(s.n_y), s.T)
    y = np.array([rng.choice(s.n_y, s.B, p=p) for p in chance])
    if s.T == 1:
        return {"y": y, "counts": np.arange(s.B)[None] % 3 > 0}
    valid = valid_steps(draw_lengths(rng, s), s.T)
    counts = np.ones((s.T, s.B), bool) if valid is None else valid[:, :, 0]
    return {"y": np.where(counts, y, 0), "counts": counts}


def right_without(y: Array, counts: Array) -> float:
    """Give the frequencies to the package's loss, as logits."""
    classes = np.arange(y.max() + 1)
    often = ((y[..., None] == classes) & counts[..., None]).sum(axis=1, keepdims=True)
    z = np.broadcast_to(np.where(often > 0, np.log(np.maximum(often, 1)), -1e3), (*y.shape, len(classes)))
    return float(softmax_cross_entropy(z, y, mask=counts, reduction="mean").value)


KINDS = (
    Kind("several steps, many examples", Sizes(T=7, B=23, n_y=4)),
    Kind("two classes", Sizes(T=5, B=13, n_y=2)),
    Kind("one step (T = 1)", Sizes(T=1, B=29, n_y=3)),
    Kind("many classes", Sizes(T=11, B=31, n_y=9)),
)

EXERCISES = (
    Question("memory.shares", "Two papers, two losses", 10, "recall", "ex-memory-shares"),
    Question("memory.lost", "What a loss does not show", 10, "derive", "ex-memory-lost"),
    Question("memory.wired", "Adders, wired by hand", 35, "code", "ex-memory-wired"),
    Question("memory.longer", "Longer than it was trained (research)", 40, "explore", "ex-memory-longer"),
    Exercise(
        "memory.without", "What no memory can do", 20, "code", "ex-blank-memory-without",
        task="Find the baseline of any task with classes, from its targets alone.",
        solution=without_memory,
        reference=right_without,
        draw=draw_targets,
        kinds=KINDS,
        outputs={"loss": "()"},
        mistakes=(
            Mistake("all steps share one answer", "np.bincount(right) / max(1, len(right))",
                "np.bincount(y[counts]) / counts.sum()", "A network that counts the steps knows which one it is.",
                "at what is counted"),
            Mistake("what does not count is counted in the chances", "np.bincount(right) / max(1, len(right))",
                "np.bincount(y[t]) / len(y[t])", "The padding's classes are nobody's answers.", "at what is counted"),
            Mistake("what does not count is in the mean", "counts.sum())", "counts.size)",
                "The mean is over what counts.", "at the last division"),
            Mistake("every step weighs the same", "        total -= np.log(chance[right]).sum()\n",
                "        total -= np.log(chance[right]).mean() * counts.sum() / len(y)\n",
                "Where fewer examples count, a step has less weight.", "at how the steps are added up"),
            Mistake("the loss is in bits", "np.log(", "np.log2(", "Nats have the natural logarithm.",
                "at the logarithm"),
            Mistake("the sign is turned round", "total -=", "total +=", "A loss is not negative.", "at the sign"),
            Mistake("each class is as likely as the other", "np.bincount(right) / max(1, len(right))",
                "np.full(y.max() + 1, 1 / (y.max() + 1))",
                "Some classes are right more often, and a guess may know it.", "at the chances"),
        ),
        hints=(
            "One step at a time: which classes are right there, and how often each?",
            "A class that is never right there never needs its logarithm.",
            "Index the chances with the classes that are right, take logarithms, and add up; divide once, at the end.",
        ),
        question="what does it give for copying, and why is that a little less than the formula for few examples?",
    ),
)  # fmt: skip
