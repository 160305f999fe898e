"""Exercises of the chapter on batches."""

from __future__ import annotations

import numpy as np

from ...data import pad
from ...layers.sequence import valid_steps
from ...losses import softmax_cross_entropy
from ...records import Array
from ..records import SEQUENCE, Derivation, Exercise, Kind, Mistake, Question, Sizes, Slip
from .drawing import lengths as draw_lengths
from .drawing import normal

__all__ = ["EXERCISES"]


def padded(sequences: list[Array]) -> tuple[Array, Array]:
    """Put sequences of different lengths side by side, zeros behind their ends.

    Parameters
    ----------
    sequences : list of ndarray, each of shape (T_i, n_x)
        One an example.

    Returns
    -------
    x : ndarray, shape (T, B, n_x)
        T is the largest length.
    lengths : ndarray of int, shape (B,)
        Theirs.
    """
    lengths = np.array([len(s) for s in sequences])
    x = np.zeros((lengths.max(), len(sequences), sequences[0].shape[1]))
    for b, s in enumerate(sequences):
        x[: len(s), b] = s
    return x, lengths


def draw_pad(rng: np.random.Generator, s: Sizes) -> dict[str, list[Array]]:
    """Draw sequences of different lengths."""
    return {"sequences": [normal(rng, s, int(n), s.n_x) for n in draw_lengths(rng, s)]}


def right_pad(sequences: list[Array]) -> tuple[Array, Array]:
    """Use the package's function."""
    both = pad(sequences)
    return both.x, both.lengths


def steps_inside(lengths: Array, T: int) -> Array:
    """Say which steps of padded sequences count.

    Parameters
    ----------
    lengths : ndarray of int, shape (B,)
        How many steps each example has.
    T : int
        How many the array has.

    Returns
    -------
    counts : ndarray of bool, shape (T, B)
        True inside, False in the padding.
    """
    return np.arange(T)[:, None] < lengths


def draw_mask(rng: np.random.Generator, s: Sizes) -> dict[str, Array | int]:
    """Draw lengths."""
    return {"lengths": draw_lengths(rng, s), "T": s.T}


def right_mask(lengths: Array, T: int) -> Array:
    """Use the package's function."""
    valid = valid_steps(lengths, T)
    return np.ones((T, len(lengths)), bool) if valid is None else valid[:, :, 0]


def masked_mean(losses: Array, dz: Array, counts: Array) -> tuple[float, Array]:
    """Average losses over the steps that count, and find the gradient of that average.

    Parameters
    ----------
    losses : ndarray, shape (T, B)
        The loss of each step; anything, even NaN, where a step does not count.
    dz : ndarray, shape (T, B, n_y)
        The gradient of each step's loss with respect to its own logits; anything where a step does not count.
    counts : ndarray of bool, shape (T, B)
        Which steps count.

    Returns
    -------
    mean : float
        Over all steps that count, of all examples together.
    dmean : ndarray, shape (T, B, n_y)
        Its gradient with respect to the logits.
    """
    n = counts.sum()
    mean = np.where(counts, losses, 0).sum() / n
    return float(mean), np.where(counts[:, :, None], dz, 0) / n


GAPS = (*SEQUENCE[:-1], Kind("large values, and NaN in the padding", SEQUENCE[-1].sizes))


def draw_masked(rng: np.random.Generator, s: Sizes) -> dict[str, Array]:
    """Draw losses; where values are large, the padding holds NaN, else numbers that would not be noticed."""
    z, y = normal(rng, s, s.T, s.B, s.n_y), rng.integers(0, s.n_y, (s.T, s.B))
    losses, dz = softmax_cross_entropy(z, y, reduction="none")
    counts = right_mask(draw_lengths(rng, s), s.T)
    if s.scale > 1:
        losses, dz = np.where(counts, losses, np.nan), np.where(counts[:, :, None], dz, np.nan)
    return {"losses": losses, "dz": dz, "counts": counts}


def right_masked(losses: Array, dz: Array, counts: Array) -> tuple[float, Array]:
    """Collect what counts in a list; the package's loss does the same from logits (see the tests)."""
    chosen = [(t, b) for t in range(counts.shape[0]) for b in range(counts.shape[1]) if counts[t, b]]
    dmean = np.zeros_like(dz)
    for t, b in chosen:
        dmean[t, b] = dz[t, b] / len(chosen)
    return sum(float(losses[t, b]) for t, b in chosen) / len(chosen), dmean


def side_by_side(symbols: Array, B: int) -> tuple[Array, Array]:
    """Cut a text into B streams that are read side by side, with the next symbol as the target.

    Parameters
    ----------
    symbols : ndarray of int, shape (N,)
        A text.
    B : int
        How many streams.

    Returns
    -------
    x, y : ndarray of int, shape (T, B)
        T = (N - 1) // B. Stream b has the symbols from b·T on; y at each step has what follows in the text. What is
        left over at the end is not used.
    """
    T = (len(symbols) - 1) // B
    x = symbols[: T * B].reshape(B, T).T
    y = symbols[1 : T * B + 1].reshape(B, T).T
    return x, y


def draw_streams(rng: np.random.Generator, s: Sizes) -> dict[str, Array | int]:
    """Draw a text that leaves something over, or nothing at all."""
    return {"symbols": rng.integers(0, 1000, s.T * s.B + 1 + s.n_x % s.B), "B": s.B}


def right_streams(symbols: Array, B: int) -> tuple[Array, Array]:
    """Go through streams and steps."""
    T = (len(symbols) - 1) // B
    x = [[symbols[b * T + t] for b in range(B)] for t in range(T)]
    y = [[symbols[b * T + t + 1] for b in range(B)] for t in range(T)]
    return np.array(x), np.array(y)


def carried(states: Array, ended: Array) -> Array:
    """Find the start states of the next window: a stream goes on, unless its text has ended.

    Parameters
    ----------
    states : ndarray, shape (B, n_a)
        The states after the last window.
    ended : ndarray of bool, shape (B,)
        Whose text has ended: the next window begins a new one.

    Returns
    -------
    start : ndarray, shape (B, n_a)
        The old state, or zeros.
    """
    return np.where(ended[:, None], 0.0, states)


def draw_carried(rng: np.random.Generator, s: Sizes) -> dict[str, Array]:
    """Draw states and ends."""
    ended = np.arange(s.B) % 2 == (s.n_x % 2)
    return {"states": normal(rng, s, s.B, s.n_a), "ended": ended}


def right_carried(states: Array, ended: Array) -> Array:
    """Go through the streams."""
    return np.stack([0 * state if over else state for state, over in zip(states, ended, strict=True)])


EXERCISES = (
    Question("batches.by-hand", "By hand", 8, "recall", "ex-batches-hand"),
    Question("batches.loader", "Find the loader's mistakes", 15, "code", "ex-batches-loader"),
    Question("batches.accumulate", "One example at a time", 10, "derive", "ex-batches-accumulate"),
    Question("batches.coarse", "How coarse a bucket (research)", 20, "explore", "ex-batches-coarse"),
    Exercise(
        "batches.pad", "Padding", 10, "code",
        task="Put sequences of different lengths side by side, with zeros behind their ends.",
        solution=padded,
        reference=right_pad,
        draw=draw_pad,
        outputs={"x": "(T, B, n_x)", "lengths": "(B,)"},
        mistakes=(
            Mistake("the padding stands before the sequences", "x[: len(s), b] = s", "x[len(x) - len(s) :, b] = s",
                "That is left padding: here all examples begin together.", "at where a sequence is put"),
            Mistake("all are cut to the shortest", "return x, lengths",
                "return x[: lengths.min()], np.minimum(lengths, lengths.min())", "Nothing is to be lost.", "at T"),
            Mistake("every length is T", "return x, lengths", "return x, np.full_like(lengths, len(x))",
                "The lengths tell what is padding.", "at what is returned"),
            Mistake("the examples come first", "return x, lengths", "return x.swapaxes(0, 1), lengths",
                "Time is the first axis.", "at the order of the axes"),
            Mistake("the last value is repeated in the padding", "x[: len(s), b] = s",
                "x[: len(s), b] = s\n        x[len(s) :, b] = s[-1]", "Zeros are asked for.", "behind the ends"),
        ),
        hints=(
            "Make an array of zeros, then fill it.",
            "Its first axis is as long as the longest.",
            "For each example b, the first len(s) entries of its column.",
        ),
        question="how much of your array is padding, if lengths differ as they do in a text?",
    ),
    Exercise(
        "batches.mask", "The mask", 5, "code",
        task="Say which steps of padded sequences count.",
        solution=steps_inside,
        reference=right_mask,
        draw=draw_mask,
        outputs={"counts": "(T, B)"},
        mistakes=(
            Mistake("one step too many counts", "< lengths", "<= lengths", "The first step has the index 0.",
                "at the comparison"),
            Mistake("the padding counts, and nothing else", "< lengths", ">= lengths", "True stands for what counts.",
                "at the comparison"),
            Mistake("the mask is made for left padding", "np.arange(T)[:, None] < lengths",
                "np.arange(T)[::-1, None] < lengths", "The examples begin together.", "at the times"),
            Mistake("the mask has the examples first", "np.arange(T)[:, None] < lengths",
                "np.arange(T) < lengths[:, None]", "Time is the first axis.", "at the axes"),
            Mistake("the mask holds numbers", "np.arange(T)[:, None] < lengths",
                "(np.arange(T)[:, None] < lengths) * 1.0", "Booleans are asked for.", "at the dtype"),
        ),
        hints=(
            "Compare times with lengths.",
            "A column against a row gives a table.",
            "np.arange(T) as a column, less than lengths.",
        ),
        question="how do you get the lengths back from the mask?",
    ),
    Exercise(
        "batches.masked-mean", "The masked mean and its gradient", 15, "code", "ex-blank-batches-masked-mean",
        task="Average the losses over the steps that count, and give the gradient of that average.",
        solution=masked_mean,
        reference=right_masked,
        draw=draw_masked,
        kinds=GAPS,
        outputs={"mean": "()", "dmean": "(T, B, n_y)"},
        mistakes=(
            Mistake("both are divided by all steps, padding included", "n = counts.sum()", "n = counts.size",
                "The mean is over what counts.", "at the number"),
            Mistake("both are divided by the number of examples", "n = counts.sum()", "n = counts.shape[1]",
                "The mean is over steps, of all examples together.", "at the number"),
            Mistake("the gradient is that of the sum", "dz, 0) / n", "dz, 0)",
                "The gradient of a mean is divided as the mean is.", "at the gradient"),
            Mistake("the gradient flows into the padding", "np.where(counts[:, :, None], dz, 0)", "dz",
                "What does not count has no gradient.", "at the gradient"),
            Mistake("the padding's losses count", "np.where(counts, losses, 0).sum()", "losses.sum()",
                "What does not count has no loss.", "at the mean"),
            Mistake("the mask is multiplied in", "np.where(counts, losses, 0).sum()", "(counts * losses).sum()",
                "0 times NaN is NaN: choose, do not multiply.", "at the mean"),
            Mistake("it is a mean of the examples' means", "np.where(counts, losses, 0).sum() / n",
                "(np.where(counts, losses, 0).sum(axis=0) / counts.sum(axis=0)).mean()",
                "Then a step of a short example counts for more.", "at what is averaged first"),
            Mistake("the gradient is divided example by example", "dz, 0) / n",
                "dz, 0) / counts.sum(axis=0)[:, None] / counts.shape[1]",
                "Then a step of a short example counts for more.", "at the gradient"),
            Mistake("the mask is multiplied into the gradient", "np.where(counts[:, :, None], dz, 0)",
                "counts[:, :, None] * dz", "0 times NaN is NaN: choose, do not multiply.", "at the gradient"),
        ),
        hints=(
            "How many steps count, in all?",
            "Choose with np.where: what does not count may be NaN.",
            "Sum what counts and divide by how many; the gradient is chosen and divided in the same way.",
        ),
        question="what would change if the two largest examples were in another batch?",
    ),
    Exercise(
        "batches.streams", "Streams without wrap-around", 15, "code", "ex-blank-batches-streams",
        task="Cut a text into streams that are read side by side, with the next symbol as the target.",
        solution=side_by_side,
        reference=right_streams,
        draw=draw_streams,
        outputs={"x": "(T, B)", "y": "(T, B)"},
        mistakes=(
            Mistake("a stream's last target wraps around to its own start", "symbols[1 : T * B + 1].reshape(B, T).T",
                "np.roll(x, -1, axis=0)", "What follows in the text is the next stream's first symbol.",
                "at the last step of y"),
            Mistake("the last target of all wraps around to the start of the text", "symbols[1 : T * B + 1]",
                "np.roll(symbols[: T * B], -1)", "A symbol is left over for exactly that.", "at the last step of y"),
            Mistake("neighbours stand side by side in place of one below the other",
                "x = symbols[: T * B].reshape(B, T).T\n    y = symbols[1 : T * B + 1].reshape(B, T).T",
                "x = symbols[: T * B].reshape(T, B)\n    y = symbols[1 : T * B + 1].reshape(T, B)",
                "Then a stream jumps B symbols at each step.", "at reshape: which axis runs fastest?"),
            Mistake("the streams are rows", "reshape(B, T).T", "reshape(B, T)", "Time is the first axis.",
                "at the axes"),
            Mistake("no symbol is kept for the last target", "T = (len(symbols) - 1) // B", "T = len(symbols) // B",
                "The last input needs a target.", "at T"),
            Mistake("the target is the input", "symbols[1 : T * B + 1]", "symbols[: T * B]",
                "The next symbol is asked for.", "at y"),
            Mistake("the rest is cut off at the front",
                "x = symbols[: T * B].reshape(B, T).T\n    y = symbols[1 : T * B + 1].reshape(B, T).T",
                "start = len(symbols) - T * B - 1\n    x = symbols[start : start + T * B].reshape(B, T).T\n"
                "    y = symbols[start + 1 : start + T * B + 1].reshape(B, T).T",
                "What is left over at the *end* is not used.", "at where the first stream begins"),
        ),
        hints=(
            "Targets are the same text, one symbol later.",
            "A stream is a contiguous piece of the text, and stands in a column.",
            "Cut T·B symbols, reshape to (B, T), turn; for the targets begin one symbol later.",
        ),
        question="why may the state go on from one window of a stream to the next?",
    ),
    Exercise(
        "batches.carried", "States between windows", 5, "code",
        task="Find the start states of the next window.",
        solution=carried,
        reference=right_carried,
        draw=draw_carried,
        outputs={"start": "(B, n_a)"},
        mistakes=(
            Mistake("those that go on are set to zero", "np.where(ended[:, None], 0.0, states)",
                "np.where(ended[:, None], states, 0.0)", "A new text begins from nothing, an old one goes on.",
                "at the order in where"),
            Mistake("all are set to zero", "np.where(ended[:, None], 0.0, states)", "0 * states",
                "Then no stream remembers what was before the window.", "at what is kept"),
            Mistake("none is set to zero", "np.where(ended[:, None], 0.0, states)", "states",
                "A new text would begin with the memory of another one.", "at the ends"),
            Mistake("all are set to zero if one has ended", "ended[:, None]", "ended.any()",
                "Each stream has its own end.", "at the condition"),
        ),
        hints=(
            "Two cases, stream by stream.",
            "np.where with a column of booleans.",
            "Zeros where a text has ended, else the old state.",
        ),
        question="why does no gradient go through this line in truncated backpropagation?",
    ),
    Derivation(
        "batches.gradient", "The gradient of the mean loss", 10, "derive",
        task="Write the gradient of the cost $J$, the mean loss of the $m$ examples, with respect to $W_{aa}$.",
        left=r"\frac{\partial J}{\partial W_{aa}}",
        answer=(
            r"\frac{1}{m} \sum_{i=1}^{m} \sum_{t=1}^{T_x} \delta_z^{(i)\langle t \rangle} \left(a^{(i)\langle t-1 "
            r"\rangle}\right)^{\top}"
        ),
        allowed=(r"\delta_z^{(i)\langle t \rangle}", r"a^{(i)\langle t \rangle}"),
        slips=(
            Slip("the mean is a sum",
                r"\sum_{i=1}^{m} \sum_{t=1}^{T_x} \delta_z^{(i)\langle t \rangle} (a^{(i)\langle t-1 \rangle})^{\top}",
                "J is a mean over the examples.", "in front of the sums"),
            Slip("it is divided by the number of steps, too",
                r"\frac{1}{m T_x} \sum_{i=1}^{m} \sum_{t=1}^{T_x} \delta_z^{(i)\langle t \rangle} (a^{(i)\langle t-1 "
                r"\rangle})^{\top}", "The steps' losses are added up.", "in front of the sums"),
            Slip("the state is taken after the step",
                r"\frac{1}{m} \sum_{i=1}^{m} \sum_{t=1}^{T_x} \delta_z^{(i)\langle t \rangle} (a^{(i)\langle t "
                r"\rangle})^{\top}", "W_aa has multiplied the state before.", "at the time of the state"),
        ),
        hints=(
            "J is a mean of losses.",
            "The derivative of each example's loss is a sum over the steps.",
            "One m-th of a double sum of columns times rows.",
        ),
        question="why does a longer example weigh more here?",
    ),
)  # fmt: skip
