"""Exercises of the chapter on notation."""

from __future__ import annotations

import numpy as np

from ...activations import softmax
from ...gradcheck import numerical_gradient
from ...layers.dense import Dense
from ...losses import softmax_cross_entropy
from ...records import Array
from ..records import CELL, Derivation, Exercise, Kind, Mistake, Question, Sizes, Slip
from .drawing import normal

__all__ = ["EXERCISES"]


def affine(a: Array, W_ya: Array, b_y: Array) -> Array:
    """Write W_ya a + b_y for a batch: every row of the array is a column of the mathematics.

    Parameters
    ----------
    a : ndarray, shape (B, n_a)
        One example a row.
    W_ya, b_y : ndarray, shapes (n_y, n_a) and (n_y,)
        The parameters.

    Returns
    -------
    z : ndarray, shape (B, n_y)
        One example a row.
    """
    return a @ W_ya.T + b_y


def draw_affine(rng: np.random.Generator, s: Sizes) -> dict[str, Array]:
    """Draw a layer and its inputs; where there is one input, the matrix is square."""
    n_y = s.n_a if s.n_x == 1 else s.n_y
    return {"a": normal(rng, s, s.B, s.n_a), "W_ya": normal(rng, s, n_y, s.n_a), "b_y": normal(rng, s, n_y)}


def right_affine(a: Array, W_ya: Array, b_y: Array) -> Array:
    """Use the package's layer."""
    return Dense(W_ya, b_y).forward(a).a


def translate(U: Array, n_x: int) -> tuple[Array, Array]:
    """Turn a colleague's weights into W_aa and W_ax.

    Parameters
    ----------
    U : ndarray, shape (n_x + n_a, n_a)
        The colleague computes ``np.concatenate([x_t, h_prev], axis=1) @ U``, with rows, the input first.
    n_x : int
        Number of inputs.

    Returns
    -------
    W_aa : ndarray, shape (n_a, n_a)
        To a from a, as the book writes it.
    W_ax : ndarray, shape (n_a, n_x)
        To a from x.
    """
    return U[n_x:].T, U[:n_x].T


def draw_translate(rng: np.random.Generator, s: Sizes) -> dict[str, Array | int]:
    """Draw the stacked weights; where there is one unit, as many inputs as units."""
    return {"U": normal(rng, s, s.n_x + s.n_a, s.n_a), "n_x": s.n_x}


def right_translate(U: Array, n_x: int) -> tuple[Array, Array]:
    """Read the weights off the colleague's answers to unit vectors."""
    answers = np.eye(len(U)) @ U
    return np.stack(list(answers[n_x:]), axis=1), np.stack(list(answers[:n_x]), axis=1)


def temperature(z: Array, y: Array, tau: float) -> tuple[Array, float]:
    """Find the gradients of the cross-entropy of softmax(z / tau) against y.

    Parameters
    ----------
    z, y : ndarray, shape (n_y,)
        Logits, and probabilities that add up to 1.
    tau : float
        The temperature, above 0. `softmax` is there.

    Returns
    -------
    dz : ndarray, shape (n_y,)
        The gradient with respect to the logits.
    dtau : float
        The derivative with respect to the temperature.
    """
    error = softmax(z / tau) - y
    return error / tau, float(-(error @ z) / tau**2)


def draw_temperature(rng: np.random.Generator, s: Sizes) -> dict[str, Array | float]:
    """Draw logits, a target and a temperature that is not 1."""
    y = rng.random(s.n_y)
    return {"z": 2 * normal(rng, s, s.n_y), "y": y / y.sum(), "tau": float(rng.uniform(1.3, 2.5))}


def right_temperature(z: Array, y: Array, tau: float) -> tuple[Array, float]:
    """Use the package's loss, and measure along the temperature."""
    dz = softmax_cross_entropy(z / tau, y).dz / tau
    at = numerical_gradient(lambda v: softmax_cross_entropy(z / v[0], y).value, np.array([tau]))
    return dz, float(at[0])


def swap_axes(x: Array) -> Array:
    """Bring an array of batches with the examples first into the book's order, time first.

    Parameters
    ----------
    x : ndarray, shape (B, T, n_x)
        As many libraries have it.

    Returns
    -------
    turned : ndarray, shape (T, B, n_x)
        As the book has it.
    """
    return x.swapaxes(0, 1)


def draw_swap(rng: np.random.Generator, s: Sizes) -> dict[str, Array]:
    """Draw an array."""
    return {"x": normal(rng, s, s.B, s.T, s.n_x)}


def right_swap(x: Array) -> Array:
    """Go through the steps."""
    return np.stack([x[:, t] for t in range(x.shape[1])])


OUTPUTS = tuple(
    Kind(f"{n} classes", Sizes(n_y=n, scale=scale)) for n, scale in ((5, 1.0), (2, 1.0), (11, 1.0), (7, 2.5))
)

EXERCISES = (
    Question("notation.read", "Read it aloud", 5, "recall", "ex-notation-read"),
    Question("notation.shapes", "Find the errors", 10, "recall", "ex-notation-shapes"),
    Question("notation.network", "Translate a network", 10, "code", "ex-notation-translate"),
    Question("notation.temperature", "Temperature", 20, "derive", "ex-notation-temperature"),
    Question("notation.twice", "Counted twice", 10, "derive", "ex-notation-twice"),
    Question("notation.dialect", "A dialect of your own choice", 30, "explore", "ex-notation-dialect"),
    Exercise(
        "notation.affine", "Columns as rows", 5, "code",
        task="Write $W_{ya} a + b_y$ for a batch.",
        solution=affine,
        reference=right_affine,
        draw=draw_affine,
        kinds=CELL,
        outputs={"z": "(B, n_y)"},
        mistakes=(
            Mistake("the matrix is not transposed", "a @ W_ya.T", "a @ W_ya",
                "A row of the array is a column of the mathematics.", "at the product"),
            Mistake("the columns' formula is used for rows", "a @ W_ya.T", "W_ya @ a",
                "That is right for columns; here an example is a row.", "at the product"),
            Mistake("the result is turned", "a @ W_ya.T + b_y", "(a @ W_ya.T + b_y).T",
                "One example a row is asked for.", "at the end"),
            Mistake("the bias is missing", " + b_y", "", "There is a bias.", "at the end"),
            Mistake("the bias is subtracted", " + b_y", " - b_y", "The bias is added.", "at the sign"),
        ),
        hints=(
            "What is the transpose of W a?",
            "A product of two turned factors, in the other order.",
            "The rows times the turned matrix, plus the bias to each row.",
        ),
        question="what would a check of shapes have said if the matrix were square?",
    ),
    Exercise(
        "notation.translate", "Translate a network, checked", 10, "code", "ex-blank-notation-translate",
        task="Turn a colleague's stacked weights into ours.",
        solution=translate,
        reference=right_translate,
        draw=draw_translate,
        kinds=CELL,
        outputs={"W_aa": "(n_a, n_a)", "W_ax": "(n_a, n_x)"},
        mistakes=(
            Mistake("W_aa is not turned", "U[n_x:].T,", "U[n_x:],", "It is square, so nothing complains.",
                "at the first matrix"),
            Mistake("W_ax is not turned", "U[:n_x].T", "U[:n_x]", "The colleague's rows say *from*, ours say *to*.",
                "at the second matrix"),
            Mistake("neither matrix is turned", "U[n_x:].T, U[:n_x].T", "U[n_x:], U[:n_x]",
                "The colleague's rows say *from*, ours say *to*.", "at both"),
            Mistake("the state is taken to come first", "U[n_x:].T, U[:n_x].T", "U[: U.shape[1]].T, U[U.shape[1] :].T",
                "The colleague has the input first.", "at where the stack is cut"),
            Mistake("the two are returned in the other order", "U[n_x:].T, U[:n_x].T", "U[:n_x].T, U[n_x:].T",
                "W_aa is asked for first.", "at the order of what is returned"),
        ),
        hints=(
            "Which rows of U meet the input?",
            "Rows of U lead *from*; rows of ours lead *to*.",
            "Cut at n_x, and turn both parts.",
        ),
        question="which of the two matrices would a test by shapes alone let through, whichever way round it stands?",
    ),
    Exercise(
        "notation.temperature-gradients", "Temperature, checked", 15, "derive",
        task="Find the gradients of the cross-entropy of softmax(z / tau), with respect to z and to tau.",
        solution=temperature,
        given="from rnncourse.activations import softmax",
        reference=right_temperature,
        draw=draw_temperature,
        kinds=OUTPUTS,
        outputs={"dz": "(n_y,)", "dtau": "()"},
        mistakes=(
            Mistake("dz is that by z / tau", "error / tau,", "error,", "One more factor leads from z / tau to z.",
                "at dz"),
            Mistake("the temperature is forgotten in softmax", "softmax(z / tau)", "softmax(z)",
                "The probabilities are those of z / tau.", "at the error"),
            Mistake("dtau has the wrong sign", "float(-(error @ z)", "float((error @ z)",
                "The derivative of 1/tau is negative.", "at dtau"),
            Mistake("dtau is divided by tau once", "/ tau**2", "/ tau", "The derivative of 1/tau is -1/tau².",
                "at dtau"),
            Mistake("the target is added in place of subtracted", "softmax(z / tau) - y", "softmax(z / tau) + y",
                "The right class pulls the other way.", "at the error"),
            Mistake("dtau misses the logits", "(error @ z)", "error.sum()",
                "Each logit is divided by tau, so each comes in.", "at dtau"),
        ),
        hints=(
            "Put u = z / tau and begin with the gradient with respect to u.",
            "u depends on z and on tau.",
            "By u it is softmax(u) - y; du/dz is 1/tau, du/dtau is -z/tau²: sum over the entries.",
        ),
        question="which way does the temperature move when the network is right, and which when it is wrong?",
    ),
    Exercise(
        "notation.time-first", "Time first", 5, "recall",
        task="Bring an array with the examples first into the book's order.",
        solution=swap_axes,
        reference=right_swap,
        draw=draw_swap,
        outputs={"turned": "(T, B, n_x)"},
        mistakes=(
            Mistake("the array is reshaped", "x.swapaxes(0, 1)", "x.reshape(x.shape[1], x.shape[0], -1)",
                "reshape has the right shape and mixes up examples and steps.", "at the function that you call"),
            Mistake("all axes are turned round", "x.swapaxes(0, 1)", "x.T", "The entries stay where they are.",
                "at the axes"),
            Mistake("nothing is turned", "x.swapaxes(0, 1)", "x", "The examples are still first.", "at the axes"),
            Mistake("the wrong two axes change places", "x.swapaxes(0, 1)", "x.swapaxes(1, 2)",
                "Examples and steps change places.", "at the axes"),
        ),
        hints=(
            "Two axes change places.",
            "reshape does not do that.",
            "Swap the axes 0 and 1.",
        ),
        question="how could you tell reshape from swapaxes by looking at one example?",
    ),
    Derivation(
        "notation.delta-y", "Softmax and cross-entropy together", 10, "derive", "ex-blank-notation-delta-y",
        task="Write the gradient of the loss with respect to the logits of step $t$.",
        left=r"\delta_y^{\langle t \rangle}",
        answer=r"\hat y^{\langle t \rangle} - y^{\langle t \rangle}",
        allowed=(r"\hat y^{\langle t \rangle}", r"y^{\langle t \rangle}"),
        slips=(
            Slip("the sign is turned round", r"y^{\langle t \rangle} - \hat y^{\langle t \rangle}",
                "Descent would make the right class less likely.", "at the sign"),
            Slip("the sigmoid's slope is multiplied in",
                r"(\hat y^{\langle t \rangle} - y^{\langle t \rangle}) \odot \hat y^{\langle t \rangle} \odot (1 - "
                r"\hat y^{\langle t \rangle})", "The slope has cancelled against the logarithm.",
                "at the last factors"),
            Slip("the target is missing", r"\hat y^{\langle t \rangle}", "The right class pulls the other way.",
                "at what is subtracted"),
        ),
        hints=(
            "Write the loss as log of a sum minus the right logit.",
            "The derivative of log-sum-exp is softmax.",
            "A difference of two vectors.",
        ),
        question="what do its entries add up to?",
    ),
)  # fmt: skip
