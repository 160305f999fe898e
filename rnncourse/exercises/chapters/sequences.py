"""Exercises of the chapter on kinds of sequence tasks."""

from __future__ import annotations

import numpy as np

from ...layers.sequence import valid_steps
from ...records import Array
from ..records import Exercise, Kind, Mistake, Question, Sizes
from .drawing import lengths as draw_lengths
from .drawing import normal

__all__ = ["EXERCISES"]


def choose_type(inputs: int, outputs: int, aligned: bool) -> str:
    """Name the type of a task, from how many steps come in and go out.

    Parameters
    ----------
    inputs, outputs : int
        How many steps an example has; 1 stands for no sequence.
    aligned : bool
        Whether output t belongs to input t, so that it can be given before the input has ended.

    Returns
    -------
    name : str
        "one-to-one", "one-to-many", "many-to-one", "many-to-many" (an output to each input), or
        "encoder-decoder" (first all is read, then all is written).
    """
    if inputs == 1:
        return "one-to-one" if outputs == 1 else "one-to-many"
    if outputs == 1:
        return "many-to-one"
    return "many-to-many" if aligned and inputs == outputs else "encoder-decoder"


def draw_type(rng: np.random.Generator, s: Sizes) -> dict[str, int | bool]:
    """Give the numbers of the kind: T inputs, B outputs, aligned if n_x is 1."""
    return {"inputs": s.T, "outputs": s.B, "aligned": s.n_x == 1}


NAMES = {(1, 1): "one-to-one", (1, 9): "one-to-many", (9, 1): "many-to-one", (1, 5): "one-to-many"}


def right_type(inputs: int, outputs: int, aligned: bool) -> str:
    """Look it up."""
    if (inputs, outputs) in NAMES:
        return NAMES[inputs, outputs]
    return "many-to-many" if aligned else "encoder-decoder"


def loss_steps(kind: str, lengths: Array, T: int) -> Array:
    """Say at which steps of padded sequences a loss is taken.

    Parameters
    ----------
    kind : str
        "many-to-one" or "many-to-many".
    lengths : ndarray of int, shape (B,)
        How many steps each example has.
    T : int
        How many the array has.

    Returns
    -------
    counts : ndarray of bool, shape (T, B)
        Where there is a loss.
    """
    t = np.arange(T)[:, None]
    if kind == "many-to-one":
        return t == lengths - 1
    return t < lengths


def draw_loss_steps(rng: np.random.Generator, s: Sizes) -> dict[str, str | Array | int]:
    """Draw lengths; the kind changes from world to world."""
    return {"kind": "many-to-one" if s.n_x % 2 else "many-to-many", "lengths": draw_lengths(rng, s), "T": s.T}


def right_loss_steps(kind: str, lengths: Array, T: int) -> Array:
    """Use the package's mask: a last step is one that is inside while the next is not."""
    valid = valid_steps(lengths, T)
    inside = np.ones((T, len(lengths)), bool) if valid is None else valid[:, :, 0]
    return inside if kind == "many-to-many" else inside & ~np.vstack([inside[1:], np.zeros_like(inside[:1])])


def shifted(symbols: Array) -> tuple[Array, Array]:
    """Cut inputs and targets for the prediction of the next symbol out of texts.

    Parameters
    ----------
    symbols : ndarray of int, shape (N, B)
        B texts side by side.

    Returns
    -------
    x, y : ndarray of int, shape (N - 1, B)
        Inputs, and at each step the symbol that comes next.
    """
    return symbols[:-1], symbols[1:]


def draw_shifted(rng: np.random.Generator, s: Sizes) -> dict[str, Array]:
    """Draw texts."""
    return {"symbols": rng.integers(0, 50, (s.T + 2, s.B))}


def right_shifted(symbols: Array) -> tuple[Array, Array]:
    """Go through the steps."""
    pairs = [(symbols[t], symbols[t + 1]) for t in range(len(symbols) - 1)]
    return np.stack([x for x, _ in pairs]), np.stack([y for _, y in pairs])


def final_state_gradient(dlast: Array, lengths: Array, T: int) -> Array:
    """Send the gradient of each example's last state to its own step.

    Parameters
    ----------
    dlast : ndarray, shape (B, n_a)
        The gradient with respect to each example's last state.
    lengths : ndarray of int, shape (B,)
        How many steps each example has.
    T : int
        How many the array has.

    Returns
    -------
    da : ndarray, shape (T, B, n_a)
        Zero but at each example's own last step.
    """
    da = np.zeros((T, *dlast.shape))
    da[lengths - 1, np.arange(len(lengths))] = dlast
    return da


def draw_final(rng: np.random.Generator, s: Sizes) -> dict[str, Array | int]:
    """Draw gradients and lengths."""
    return {"dlast": normal(rng, s, s.B, s.n_a), "lengths": draw_lengths(rng, s), "T": s.T}


def right_final(dlast: Array, lengths: Array, T: int) -> Array:
    """Multiply with the mask of the last steps."""
    return right_loss_steps("many-to-one", lengths, T)[..., None] * dlast


def last_elements(x: Array, w: int) -> Array:
    """Lay a window of the last w elements before a network without a state, at every step.

    Parameters
    ----------
    x : ndarray, shape (T, B, n_x)
        Sequences side by side, time first.
    w : int
        The width of the window, at least 1.

    Returns
    -------
    inputs : ndarray, shape (T, B, w * n_x)
        At each step the element w - 1 steps back, and so on up to the present one, side by side; zeros stand for
        elements before the first.
    """
    T, B, n_x = x.shape
    inputs = np.zeros((T, B, w, n_x))
    for k in range(w):
        back = w - 1 - k
        inputs[back:, :, k] = x[: max(T - back, 0)]
    return inputs.reshape(T, B, w * n_x)


def draw_window(rng: np.random.Generator, s: Sizes) -> dict[str, Array | int]:
    """Draw sequences, and windows of several widths: wider than one element, and than the sequence in one kind."""
    return {"x": normal(rng, s, s.T, s.B, s.n_x), "w": 2 + s.n_y % 3}


def right_window(x: Array, w: int) -> Array:
    """Go through the steps: put zeros before the sequence and take w elements."""
    longer = np.concatenate([np.zeros((w - 1, *x.shape[1:])), x])
    steps = [np.concatenate([longer[t + k] for k in range(w)], axis=1) for t in range(len(x))]
    return np.stack(steps)


TASKS = tuple(
    Kind(f"{i} in, {o} out, {'' if aligned else 'not '}aligned", Sizes(T=i, B=o, n_x=1 if aligned else 2))
    for i, o, aligned in (
        (1, 1, True), (1, 9, False), (9, 1, False), (8, 8, True), (8, 8, False), (8, 5, False), (1, 5, True),
    )
)  # fmt: skip

EXERCISES = (
    Question("sequences.types", "Which type?", 8, "recall", "ex-sequences-types"),
    Question("sequences.loop", "Write the loop", 15, "code", "ex-sequences-loop"),
    Question("sequences.xor", "Every third bit", 12, "code", "ex-sequences-xor"),
    Question("sequences.table", "When is the table larger?", 10, "derive", "ex-sequences-table"),
    Question("sequences.backwards", "From the other end", 10, "derive", "ex-sequences-backwards"),
    Question("sequences.noise", "A lamp in a fair (research)", 20, "explore", "ex-sequences-noise"),
    Exercise(
        "sequences.choose-type", "Which type is it?", 5, "recall",
        task="Name the type of a task from how many steps come in, how many go out, and whether they belong together.",
        solution=choose_type,
        reference=right_type,
        draw=draw_type,
        kinds=TASKS,
        outputs={"name": "a str"},
        mistakes=(
            Mistake("equal lengths are taken for aligned", "aligned and inputs == outputs", "inputs == outputs",
                "A translation may happen to be as long as the sentence.", "at the last line"),
            Mistake("a task with one input and one output counts as one-to-many",
                '"one-to-one" if outputs == 1 else "one-to-many"', '"one-to-many"', "One output is no sequence.",
                "at the first case"),
            Mistake("many-to-one is taken for encoder-decoder", '        return "many-to-one"',
                '        return "encoder-decoder"', "One answer needs no decoder.", "at a single output"),
            Mistake("every task with many of both is taken for aligned",
                '"many-to-many" if aligned and inputs == outputs else "encoder-decoder"', '"many-to-many"',
                "Some outputs begin when all has been read.", "at the last line"),
            Mistake("inputs and outputs are mixed up", "    if inputs == 1:",
                "    inputs, outputs = outputs, inputs\n    if inputs == 1:", "The first number is what comes in.",
                "at the two numbers"),
        ),
        hints=(
            "First the cases with a single step on one side.",
            "Then ask whether an output may be given before all has been read.",
            "Five names: three have a 1 on a side; the last two differ in `aligned`.",
        ),
        question="which type is a translation, and which is the naming of each word's part of speech?",
    ),
    Exercise(
        "sequences.loss-steps", "Where there is a loss", 10, "code", "ex-blank-sequences-loss-steps",
        task="Say at which steps of padded sequences a loss is taken.",
        solution=loss_steps,
        reference=right_loss_steps,
        draw=draw_loss_steps,
        outputs={"counts": "(T, B)"},
        mistakes=(
            Mistake("the last step of the array counts, not the example's own", "t == lengths - 1",
                "(t == T - 1) | (t > T + lengths)", "That is padding for the shorter examples.", "at many-to-one"),
            Mistake("the last step is one too late", "t == lengths - 1", "t == lengths",
                "The first step has the index 0.", "at many-to-one"),
            Mistake("padding counts", "return t < lengths", "return t < T + 0 * lengths",
                "Behind its end an example has no targets.", "at many-to-many"),
            Mistake("one step too many counts", "return t < lengths", "return t <= lengths",
                "The first step has the index 0.", "at many-to-many"),
            Mistake("many-to-one counts every step", "t == lengths - 1", "t < lengths",
                "There is one answer, at the end.", "at many-to-one"),
            Mistake("the last step does not count", "return t < lengths", "return t < lengths - 1",
                "Every step has a target.", "at many-to-many"),
        ),
        hints=(
            "Compare a column of times with a row of lengths.",
            "For one answer there is one True in each column.",
            "t < lengths is inside; t == lengths - 1 is the last step, with t = 0, …, T - 1 as a column.",
        ),
        question="by what would you divide to get a mean over what counts?",
    ),
    Exercise(
        "sequences.windows", "A window", 15, "code", "ex-blank-sequences-windows",
        task="Write the inputs of a network that reads a window: at every step the last w elements, side by side.",
        solution=last_elements,
        reference=right_window,
        draw=draw_window,
        outputs={"inputs": "(T, B, w * n_x)"},
        mistakes=(
            Mistake("the window holds the future", "inputs[back:, :, k] = x[: max(T - back, 0)]",
                "inputs[: max(T - back, 0), :, w - 1 - k] = x[back:]", "A prediction must not see what is to come.",
                "at the direction of the shift"),
            Mistake("the present element is missing", "back = w - 1 - k", "back = w - k",
                "A window of w elements ends with the present one.", "at how far back each place reaches"),
            Mistake("the newest element stands first", "back = w - 1 - k", "back = k",
                "The oldest stands first, the present one last.", "at the order in the window"),
            Mistake("the start of a sequence wraps around to its end",
                "inputs[back:, :, k] = x[: max(T - back, 0)]", "inputs[:, :, k] = np.roll(x, back, axis=0)",
                "Before the first element there is nothing.", "at the first steps"),
            Mistake("the first element is repeated before the start",
                "inputs[back:, :, k] = x[: max(T - back, 0)]",
                "inputs[:, :, k] = x[np.maximum(np.arange(T) - back, 0)]", "Zeros are asked for.",
                "at the first steps"),
            Mistake("the window slides over the examples", "    T, B, n_x = x.shape\n",
                "    x = x[:, ::-1]\n    T, B, n_x = x.shape\n", "Each example has a window of its own.",
                "at the axis of the examples"),
            Mistake("the elements are mixed, entry by entry", "inputs.reshape(T, B, w * n_x)",
                "inputs.swapaxes(2, 3).reshape(T, B, w * n_x)", "An element's entries stay together.",
                "at reshape: which axis runs fastest?"),
        ),
        hints=(
            "Start from zeros, with an axis of its own for the place in the window.",
            "Place k of the window is the sequence, shifted by some steps.",
            "A shift by `back` steps puts x[:T - back] at the steps from `back` on; join the last two axes at the end.",
        ),
        question="how many of the inputs of two neighbouring steps are the same numbers?",
    ),
    Exercise(
        "sequences.shifted", "The next symbol", 5, "code",
        task="Cut inputs and targets for the prediction of the next symbol.",
        solution=shifted,
        reference=right_shifted,
        draw=draw_shifted,
        outputs={"x": "(N - 1, B)", "y": "(N - 1, B)"},
        mistakes=(
            Mistake("inputs and targets are swapped", "symbols[:-1], symbols[1:]", "symbols[1:], symbols[:-1]",
                "It would learn to tell the past.", "at the order"),
            Mistake("the target is the input itself", "symbols[1:]", "symbols[:-1]", "Then copying is perfect.",
                "at the targets"),
            Mistake("the last target wraps around to the start", "symbols[:-1], symbols[1:]",
                "symbols, np.roll(symbols, -1, axis=0)", "After the last symbol nothing is known.", "at the last step"),
            Mistake("the shift goes along the examples", "symbols[:-1], symbols[1:]", "symbols[:, :-1], symbols[:, 1:]",
                "Time is the first axis.", "at the axis"),
        ),
        hints=(
            "N symbols make N - 1 pairs.",
            "Two windows onto the same array.",
            "All but the last, and all but the first.",
        ),
        question="to what would the loss go if the target were the input itself?",
    ),
    Exercise(
        "sequences.final-gradient", "Back to the last steps", 10, "code",
        task="Send the gradient of each example's last state to its own step.",
        solution=final_state_gradient,
        reference=right_final,
        draw=draw_final,
        outputs={"da": "(T, B, n_a)"},
        mistakes=(
            Mistake("it arrives at the last step of the array", "da[lengths - 1, np.arange(len(lengths))]", "da[-1]",
                "The shorter examples had ended before.", "at the index of time"),
            Mistake("it arrives one step too early", "lengths - 1", "lengths - 2",
                "The step of length n has the index n - 1.", "at the index of time"),
            Mistake("it arrives at every step", "da[lengths - 1, np.arange(len(lengths))]", "da[:]",
                "One state has been read.", "at the index of time"),
            Mistake("it arrives at all examples' steps", "da[lengths - 1, np.arange(len(lengths))] = dlast",
                "da[lengths - 1] = dlast", "Each example has a step of its own: two indices go together.",
                "at the index of the examples"),
            Mistake("it is divided by the length", "= dlast", "= dlast / lengths[:, None]", "One state, one gradient.",
                "at the right side"),
        ),
        hints=(
            "Start from zeros.",
            "Each example has its own index of time.",
            "A pair of index arrays: lengths - 1, and 0, 1, …, B - 1.",
        ),
        question="what does `dfinal` of the package's layers spare you?",
    ),
)  # fmt: skip
