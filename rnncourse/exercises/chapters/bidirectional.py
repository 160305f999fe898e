"""Exercises of the chapter on bidirectional layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...layers.bidirectional import Bidirectional, reverse
from ...layers.rnn import RNN
from ...records import Array
from ..records import Derivation, Exercise, Mistake, Question, Sizes, Slip
from .drawing import lengths as draw_lengths
from .drawing import normal

__all__ = ["EXERCISES"]


def reversed_within(x: Array, lengths: Array) -> Array:
    """Turn each sequence round within its own length; the padding stays behind.

    Parameters
    ----------
    x : ndarray, shape (T, B, n_x)
        Padded sequences.
    lengths : ndarray of int, shape (B,)
        How many steps each example has.

    Returns
    -------
    turned : ndarray, shape (T, B, n_x)
        What was in the padding stays where it was.
    """
    t = np.arange(len(x))[:, None]
    source = np.where(t < lengths, lengths - 1 - t, t)
    return x[source, np.arange(x.shape[1])]


def draw_reverse(rng: np.random.Generator, s: Sizes) -> dict[str, Array]:
    """Draw padded sequences."""
    return {"x": normal(rng, s, s.T, s.B, s.n_x), "lengths": draw_lengths(rng, s)}


def right_reverse(x: Array, lengths: Array) -> Array:
    """Use the package's function."""
    return reverse(x, lengths).copy()


def both_ways(x: Array, lengths: Array, fwd: RNN, bwd: RNN) -> Array:
    """Run two layers, one from each end, and put their outputs side by side, step by step.

    Parameters
    ----------
    x : ndarray, shape (T, B, n_x)
        Padded sequences.
    lengths : ndarray of int, shape (B,)
        How many steps each example has.
    fwd, bwd : RNN
        fwd.forward(x, lengths=lengths).a is its output, shape (T, B, n_a). `reverse(x, lengths)` is
        the package's.

    Returns
    -------
    a : ndarray, shape (T, B, 2·n_a)
        At each step, what fwd knows there, then what bwd knows there.
    """
    a_fwd = fwd.forward(x, lengths=lengths).a
    a_bwd = bwd.forward(reverse(x, lengths), lengths=lengths).a
    return np.concatenate([a_fwd, reverse(a_bwd, lengths)], axis=2)


def draw_both(rng: np.random.Generator, s: Sizes) -> dict[str, Any]:
    """Draw padded sequences and two layers."""
    fwd, bwd = (RNN(normal(rng, s, s.n_a, s.n_a + s.n_x), normal(rng, s, s.n_a)) for _ in range(2))
    return draw_reverse(rng, s) | {"fwd": fwd, "bwd": bwd}


def right_both(x: Array, lengths: Array, fwd: RNN, bwd: RNN) -> Array:
    """Use the package's layer."""
    return Bidirectional(fwd, bwd).forward(x, lengths=lengths).a


def input_gradient(da: Array, x: Array, fwd: RNN, bwd: RNN) -> Array:
    """Find the gradient of the inputs of a bidirectional layer; all sequences are of full length.

    Parameters
    ----------
    da : ndarray, shape (T, B, 2·n_a)
        The gradient with respect to both layers' outputs, those of fwd first.
    x : ndarray, shape (T, B, n_x)
        The inputs.
    fwd, bwd : RNN
        layer.backward(layer.forward(x), da).x is the gradient of one layer's inputs; layer.n_a is n_a.

    Returns
    -------
    dx : ndarray, shape (T, B, n_x)
        The gradient with respect to x.
    """
    n = fwd.n_a
    dx_fwd = fwd.backward(fwd.forward(x), da[:, :, :n]).x
    dx_bwd = bwd.backward(bwd.forward(x[::-1]), da[::-1, :, n:]).x
    return dx_fwd + dx_bwd[::-1]


def draw_gradient(rng: np.random.Generator, s: Sizes) -> dict[str, Any]:
    """Draw sequences, two layers and upstream gradients."""
    drawn = draw_both(rng, s)
    return {"da": normal(rng, s, s.T, s.B, 2 * s.n_a), "x": drawn["x"], "fwd": drawn["fwd"], "bwd": drawn["bwd"]}


def right_gradient(da: Array, x: Array, fwd: RNN, bwd: RNN) -> Array:
    """Use the package's layer."""
    layer = Bidirectional(fwd, bwd)
    return layer.backward(layer.forward(x), da).x


EXERCISES = (
    Question("bidirectional.count", "Count, and compare", 5, "recall", "ex-bi-count"),
    Question("bidirectional.summary", "The summary of a sequence", 10, "code", "ex-bi-summary"),
    Question("bidirectional.equal", "Equal on both sides", 20, "derive", "ex-bi-equal"),
    Question("bidirectional.latency", "How much future is enough? (research)", 30, "explore", "ex-bi-latency"),
    Exercise(
        "bidirectional.reverse", "Turning round within lengths", 15, "code", "ex-blank-bidirectional-reverse",
        task="Turn each padded sequence round within its own length.",
        solution=reversed_within,
        reference=right_reverse,
        draw=draw_reverse,
        outputs={"turned": "(T, B, n_x)"},
        mistakes=(
            Mistake("the whole array is turned, padding first", "np.where(t < lengths, lengths - 1 - t, t)",
                "np.where(t < lengths, len(x) - 1 - t, len(x) - 1 - t)",
                "Then a short example begins with its padding.", "at the index of the source"),
            Mistake("it is one step off", "lengths - 1 - t", "np.minimum(lengths - t, len(x) - 1)",
                "The last step of length n has the index n - 1.", "at the index of the source"),
            Mistake("the padding is set to zero", "return x[source, np.arange(x.shape[1])]",
                "return x[source, np.arange(x.shape[1])] * (t < lengths)[:, :, None]", "It stays as it was.",
                "behind the ends"),
            Mistake("the padding is turned, too, by an index that wraps around",
                "np.where(t < lengths, lengths - 1 - t, t)", "(lengths - 1 - t) % len(x)",
                "A negative index counts from the end, and Python does not complain.", "behind the ends"),
            Mistake("all are turned within the shortest length", "np.where(t < lengths, lengths - 1 - t, t)",
                "np.where(t < lengths.min(), lengths.min() - 1 - t + 0 * lengths, t)",
                "Each example has a length of its own.", "at the lengths"),
            Mistake("the examples are turned round", "np.arange(x.shape[1])", "np.arange(x.shape[1])[::-1]",
                "The examples stay in their columns.", "at the index of the examples"),
            Mistake("nothing is turned", "lengths - 1 - t", "t + 0 * lengths",
                "Each sequence is to begin with its last step.", "at the index of the source"),
            Mistake("it is one step short, and the last wraps around", "lengths - 1 - t", "lengths - 2 - t",
                "The last step of length n has the index n - 1; an index of -1 is the array's last row.",
                "at the index of the source"),
            Mistake("it is written over while it is read", "lengths - 1 - t", "np.maximum(lengths - 1 - t, t)",
                "From the middle on, what is read has been replaced.",
                "at what is read: the old array or the new one?"),
            Mistake("one step of the padding is turned, too", "np.where(t < lengths, lengths - 1 - t, t)",
                "np.where(t <= lengths, np.minimum(lengths, len(x) - 1) - t, t) % len(x)",
                "The last step of length n has the index n - 1.", "at the ends of the slices"),
        ),
        hints=(
            "For each place, which step's value belongs there?",
            "Inside, step t gets that of lengths - 1 - t; outside it keeps its own.",
            "A table of sources with np.where, then two index arrays: the source and the example.",
        ),
        question="what do you get if you do it twice?",
    ),
    Exercise(
        "bidirectional.both-ways", "From both ends", 15, "code",
        task="Run two layers, one from each end, and put their outputs side by side.",
        solution=both_ways,
        given="from rnncourse.layers.bidirectional import reverse",
        reference=right_both,
        draw=draw_both,
        outputs={"a": "(T, B, 2·n_a)"},
        mistakes=(
            Mistake("the backward stream is not turned back", "reverse(a_bwd, lengths)]", "a_bwd]",
                "At step t its output is about another step then.", "at the concatenation"),
            Mistake("the backward layer reads forwards", "bwd.forward(reverse(x, lengths), lengths=lengths).a",
                "bwd.forward(x, lengths=lengths).a", "It is to begin at the end.", "at the backward layer's inputs"),
            Mistake("the padding is turned to the front", "bwd.forward(reverse(x, lengths), lengths=lengths).a",
                "bwd.forward(x[::-1], lengths=lengths).a", "A short example would begin with its padding.",
                "at the backward layer's inputs"),
            Mistake("the two outputs are swapped", "[a_fwd, reverse(a_bwd, lengths)]",
                "[reverse(a_bwd, lengths), a_fwd]", "fwd comes first.", "at the concatenation"),
            Mistake("the outputs are added", "np.concatenate([a_fwd, reverse(a_bwd, lengths)], axis=2)",
                "np.concatenate([a_fwd + reverse(a_bwd, lengths)] * 2, axis=2)",
                "Side by side, so that what follows can weigh them.", "at the concatenation"),
            Mistake("the backward layer does not know the lengths", "reverse(x, lengths), lengths=lengths).a",
                "reverse(x, lengths)).a", "Behind its end an example has no outputs.", "at the call of bwd"),
            Mistake("the forward layer does both", "bwd.forward(", "fwd.forward(",
                "Two layers with weights of their own.", "at the backward layer"),
            Mistake("it is turned back without regard to the lengths", "reverse(a_bwd, lengths)]", "a_bwd[::-1]]",
                "Each example turns within its own length.", "at the concatenation"),
        ),
        hints=(
            "Turn the input, run, turn the output back.",
            "Turning within the lengths, both times.",
            "Concatenate along the last axis, fwd first.",
        ),
        question="which of the two knows the whole sequence at the first step?",
    ),
    Exercise(
        "bidirectional.input-gradient", "Back to the input", 15, "code",
        task="Find the gradient of the inputs of a bidirectional layer.",
        solution=input_gradient,
        reference=right_gradient,
        draw=draw_gradient,
        outputs={"dx": "(T, B, n_x)"},
        mistakes=(
            Mistake("the backward layer's gradient is not turned back", "dx_bwd[::-1]", "dx_bwd",
                "Its step 1 is the last step of x.", "at the sum"),
            Mistake("the upstream gradient is not turned round", "da[::-1, :, n:]", "da[:, :, n:]",
                "The backward layer's first output belongs to the last step.", "at the backward layer's da"),
            Mistake("only the forward layer counts", " + dx_bwd[::-1]", "", "Both layers have read x.", "at the sum"),
            Mistake("the halves of da are swapped",
                "da[:, :, :n]).x\n    dx_bwd = bwd.backward(bwd.forward(x[::-1]), da[::-1, :, n:]).x",
                "da[:, :, n:]).x\n    dx_bwd = bwd.backward(bwd.forward(x[::-1]), da[::-1, :, :n]).x",
                "fwd comes first.", "at the two halves"),
            Mistake("the backward layer has read x forwards", "bwd.forward(x[::-1])", "bwd.forward(x)",
                "It began at the end.", "at its forward pass"),
            Mistake("the two are averaged", "dx_fwd + dx_bwd[::-1]", "(dx_fwd + dx_bwd[::-1]) / 2", "Paths add up.",
                "at the sum"),
        ),
        hints=(
            "x has been read twice.",
            "Everything of the backward layer lives in turned time.",
            "Turn x and its half of da, go back, turn the result, add.",
        ),
        question="what changes if the sequences have different lengths?",
    ),
    Derivation(
        "bidirectional.delta-bwd", "The stream from the end", 10, "derive", "ex-blank-bidirectional-delta-bwd",
        task=(
            "Write the gradient with respect to the backward stream's $z$ at step $t$ in terms of its state and its "
            "gradient."
        ),
        left=r"\overleftarrow{\delta}_z^{\langle t \rangle}",
        answer=(
            r"\left(1 - (\overleftarrow{a}^{\langle t \rangle})^2\right) \odot \overleftarrow{\delta}_a^{\langle t "
            r"\rangle}"
        ),
        allowed=(r"\overleftarrow{a}^{\langle t \rangle}", r"\overleftarrow{\delta}_a^{\langle t \rangle}"),
        slips=(
            Slip("the slope is that of the other stream",
                r"\left(1 - (\overrightarrow{a}^{\langle t \rangle})^2\right) \odot "
                r"\overleftarrow{\delta}_a^{\langle t \rangle}", "The streams do not meet before the output.",
                "at the slope"),
            Slip("the slope is missing", r"\overleftarrow{\delta}_a^{\langle t \rangle}",
                "Between z and a stands a tanh.", "at the slope"),
            Slip("the gradient is that of the other stream",
                r"\left(1 - (\overleftarrow{a}^{\langle t \rangle})^2\right) \odot "
                r"\overrightarrow{\delta}_a^{\langle t \rangle}", "The streams do not meet before the output.",
                "at the gradient"),
        ),
        hints=(
            "Within a stream nothing differs from the plain network.",
            "Slope times gradient.",
            "All of it with the arrow to the left, at the same step.",
        ),
        question="to which step does this gradient go next?",
    ),
)  # fmt: skip
