"""Exercises of the chapter on the way from NumPy to PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...records import Array
from ..records import Exercise, Kind, Mistake, Question, Sizes
from .drawing import normal

__all__ = ["EXERCISES"]


def reorder(W: Array, order: str, wanted: str) -> Array:
    """Put the blocks of a recurrent layer's matrix into another library's order.

    Parameters
    ----------
    W : ndarray, shape (G·n_a, n)
        Blocks of n_a rows each, one on top of the other.
    order : str
        What the blocks are, from the top, a letter each: 'fuoc'. The update gate is 'u' where it writes, and 'z' where
        it keeps, z = 1 - u.
    wanted : str
        The same blocks as the other library has them; a 'u' may have become a 'z', or the other way round.

    Returns
    -------
    W : ndarray, shape (G·n_a, n)
        The blocks in the wanted order.
    """
    turned = ("u" in order) != ("u" in wanted)
    blocks = dict(zip(order.replace("z", "u"), np.split(W, len(order)), strict=True))
    if turned:
        blocks["u"] = -blocks["u"]
    return np.concatenate([blocks[letter] for letter in wanted.replace("z", "u")])


ORDERS = (("fuoc", "ucfo"), ("ucfo", "uofc"), ("urc", "rzc"), ("zrc", "urc"), ("zrc", "rzc"))  # by a world's T


def draw_reorder(rng: np.random.Generator, s: Sizes) -> dict[str, Any]:
    """Draw a matrix; T stands for the pair of orders."""
    order, wanted = ORDERS[s.T]
    return {"W": normal(rng, s, len(order) * s.n_a, s.n_a + s.n_x), "order": order, "wanted": wanted}


def right_reorder(W: Array, order: str, wanted: str) -> Array:
    """Take row by row, where the task takes blocks."""
    n_a = len(W) // len(order)
    rows = []
    for letter in wanted:
        here = letter if letter in order else "uz"["zu".index(letter)]
        sign = 1.0 if here == letter else -1.0
        rows += [sign * W[order.index(here) * n_a + i] for i in range(n_a)]
    return np.stack(rows)


def combine(dW: Array, db: Array, counts: Array) -> tuple[Array, Array]:
    """Make the gradient of the mean over all steps from the gradients that the processes have of their own means.

    Parameters
    ----------
    dW : ndarray, shape (R, n_a, n_x)
        Of each of the R processes: the gradient of the mean loss of its own steps.
    db : ndarray, shape (R, n_a)
        Likewise.
    counts : ndarray of int, shape (R,)
        How many steps each process has. One that has none has the mean of nothing, and NaN for a gradient; at least
        one has some.

    Returns
    -------
    dW, db : ndarray, shapes (n_a, n_x) and (n_a,)
        The gradient of the mean over the steps of all processes.
    """
    busy = counts > 0
    shares = counts[busy] / counts.sum()
    return np.tensordot(shares, dW[busy], axes=1), shares @ db[busy]


def draw_combine(rng: np.random.Generator, s: Sizes) -> dict[str, Any]:
    """Draw gradients and counts that differ; B stands for the processes, and T for one that has nothing to do."""
    counts = rng.permutation(np.arange(1, s.B + 1) * 3 + 1)
    dW, db = normal(rng, s, s.B, s.n_a, s.n_x), normal(rng, s, s.B, s.n_a)
    if s.T == 0:
        counts[-1], dW[-1], db[-1] = 0, np.nan, np.nan
    return {"dW": dW, "db": db, "counts": counts}


def right_combine(dW: Array, db: Array, counts: Array) -> tuple[Array, Array]:
    """Undo each mean, add up, and divide once."""
    sums = [np.zeros_like(dW[0]), np.zeros_like(db[0])]
    for own_dW, own_db, n in zip(dW, db, counts, strict=True):
        if n:
            sums = [sums[0] + n * own_dW, sums[1] + n * own_db]
    return sums[0] / counts.sum(), sums[1] / counts.sum()


REORDERED = tuple(Kind(f"{order} into {wanted}", Sizes(T=k, n_x=3 + k, n_a=7 - k))
                  for k, (order, wanted) in enumerate(ORDERS))  # fmt: skip
PROCESSES = (
    Kind("three processes", Sizes()),
    Kind("two processes", Sizes(B=2, n_x=7, n_a=3)),
    Kind("one process", Sizes(B=1, n_x=3, n_a=4)),
    Kind("a process that has no steps", Sizes(T=0, B=4, n_x=2, n_a=6)),
    Kind("five processes, large values", Sizes(B=5, n_x=6, n_a=2, scale=2.5)),
)

EXERCISES = (
    Question("from-numpy-to-pytorch.names", "Read a file", 5, "recall", "ex-pytorch-names"),
    Question("from-numpy-to-pytorch.rate", "One bias too many", 10, "derive", "ex-pytorch-rate"),
    Question("from-numpy-to-pytorch.bug", "Where is it?", 10, "code", "ex-pytorch-bug"),
    Exercise(
        "from-numpy-to-pytorch.reorder", "Another order", 15, "code", "ex-blank-from-numpy-to-pytorch-reorder",
        task="Put the blocks of a recurrent layer's matrix into another library's order.",
        solution=reorder,
        reference=right_reorder,
        draw=draw_reorder,
        outputs={"W": "(G·n_a, n)"},
        mistakes=(
            Mistake("the places are those of the other direction",
                '[blocks[letter] for letter in wanted.replace("z", "u")]',
                '[[*blocks.values()][wanted.replace("z", "u").index(letter)] for letter in blocks]',
                "A list of places can be read in two directions: where a block comes from, and where it goes.",
                "at which of the two orders you go through"),
            Mistake("the update gate is not turned round", '-blocks["u"]', 'blocks["u"]',
                "1 - σ(s) is σ of the number with the other sign.", "at u and z"),
            Mistake("the update gate is 1 minus its weights", '-blocks["u"]', '1 - blocks["u"]',
                "It is the gate that is 1 minus the other; its pre-activation only changes the sign.", "at u and z"),
            Mistake("the update gate is turned round always", "    if turned:", "    if True:",
                "Where both libraries mean the same by the gate, its numbers stay.", "at u and z"),
            Mistake("the rows of the blocks are dealt out in turn", "np.split(W, len(order))",
                "[W[k :: len(order)] for k in range(len(order))]",
                "The first rows are all of the first block.", "at how the matrix is cut"),
            Mistake("the blocks are left where they were", '[blocks[letter] for letter in wanted.replace("z", "u")]',
                "[*blocks.values()]", "All blocks have one shape, so nothing complains.",
                "at the order of what comes out"),
        ),
        hints=(
            "Cut the matrix into as many pieces as there are letters.",
            "A dict from letter to block turns the rest into a look-up.",
            "Go through the wanted letters; one that is missing is the other letter's block with the other sign.",
        ),
        question="which of the libraries' orders can be confused without any error, and which by a wrong count?",
        kinds=REORDERED,
    ),
    Exercise(
        "from-numpy-to-pytorch.combine", "Unequal shares", 10, "code", "ex-blank-from-numpy-to-pytorch-combine",
        task="Make the gradient of the mean over all steps from those of the processes' own means.",
        solution=combine,
        reference=right_combine,
        draw=draw_combine,
        outputs={"dW": "(n_a, n_x)", "db": "(n_a,)"},
        mistakes=(
            Mistake("every process counts alike", "counts[busy] / counts.sum()", "np.full(busy.sum(), 1 / busy.sum())",
                "A step should weigh the same wherever it is.", "at the weights"),
            Mistake("the gradients are added up", "counts[busy] / counts.sum()", "np.ones(busy.sum())",
                "Each of them belongs to a mean already.", "at the weights"),
            Mistake("it is the gradient of the sum", "counts[busy] / counts.sum()", "counts[busy] / 1.0",
                "The mean has a denominator.", "at what the weights add up to"),
            Mistake("it is divided by the number of processes, too", "counts.sum()", "counts.sum() / len(counts)",
                "DDP does such a thing, and has to be told; here nobody does.", "at what the weights add up to"),
            Mistake("a process with no steps is not left out", "counts > 0", "counts >= 0",
                "Zero times NaN is NaN.", "at the process that has nothing"),
            Mistake("the weights are upside down", "counts[busy] / counts.sum()",
                "(1 / counts[busy]) / (1 / counts[busy]).sum()",
                "Who has more steps has more to say.", "at the weights"),
            Mistake("the bias is averaged over processes", "shares @ db[busy]", "db[busy].mean(axis=0)",
                "Every parameter takes the same weights.", "at db"),
            Mistake("the weights belong to the largest process", "counts.sum()", "counts.max()",
                "The denominator is the number of all steps.", "at what the weights add up to"),
        ),
        hints=(
            "Turn each mean back into a sum.",
            "What is the weight of a process in the mean over all steps?",
            "Each gradient times its share of the steps, added up; who has no steps is left out, not multiplied by 0.",
        ),
        question="with which factor must a process multiply its own mean, if somebody takes the plain mean afterwards?",
        kinds=PROCESSES,
    ),
)  # fmt: skip
