"""Exercises of the chapter on training."""

from __future__ import annotations

import numpy as np

from ...optimizers import Adam, AdamState, clip_by_norm
from ...records import Array
from ..records import Derivation, Exercise, Mistake, Question, Sizes, Slip
from .drawing import normal

__all__ = ["EXERCISES"]


def shortened(dW: Array, db: Array, max_norm: float) -> tuple[Array, Array, float]:
    """Shorten a gradient of two arrays together, so that its norm is at most max_norm; its direction stays.

    Parameters
    ----------
    dW, db : ndarray, shapes (n_a, n_x) and (n_a,)
        The gradient.
    max_norm : float
        The threshold.

    Returns
    -------
    dW, db : ndarray, same shapes
        The gradient, shortened if it was too long.
    norm : float
        Its norm before.
    """
    norm = float(np.sqrt((dW**2).sum() + (db**2).sum()))
    factor = min(1.0, max_norm / norm) if norm > 0 else 1.0
    return factor * dW, factor * db, norm


def draw_clip(rng: np.random.Generator, s: Sizes) -> dict[str, Array | float]:
    """Draw a gradient: longer than the threshold, or, where T or B is 1, shorter; zero where there is one unit."""
    dW, db = normal(rng, s, s.n_a, s.n_x), normal(rng, s, s.n_a)
    if s.n_a == 1:
        return {"dW": 0 * dW, "db": 0 * db, "max_norm": 1.0}
    norm = float(np.sqrt((dW**2).sum() + (db**2).sum()))
    return {"dW": dW, "db": db, "max_norm": norm * (1.7 if 1 in (s.T, s.B) else 0.6)}


def right_clip(dW: Array, db: Array, max_norm: float) -> tuple[Array, Array, float]:
    """Use the package's function."""
    (short_W, short_b), norm = clip_by_norm((dW, db), max_norm)
    return short_W, short_b, norm


def adam_step(theta: Array, g: Array, mean: Array, square: Array, n: int, rate: float) -> tuple[Array, ...]:
    """Take one step of Adam, with beta1 = 0.9, beta2 = 0.999 and eps = 1e-8.

    Parameters
    ----------
    theta, g : ndarray, shape (n_a, n_x)
        Parameters and gradient.
    mean, square : ndarray, shape (n_a, n_x)
        The running means of gradients and of their squares, before this step.
    n : int
        Which step this is, from 1.
    rate : float
        The learning rate.

    Returns
    -------
    theta, mean, square : ndarray, shape (n_a, n_x)
        After this step.
    """
    mean = 0.9 * mean + 0.1 * g
    square = 0.999 * square + 0.001 * g**2
    unbiased_mean = mean / (1 - 0.9**n)
    unbiased_square = square / (1 - 0.999**n)
    theta = theta - rate * unbiased_mean / (np.sqrt(unbiased_square) + 1e-8)
    return theta, mean, square


def draw_adam(rng: np.random.Generator, s: Sizes) -> dict[str, Array | int | float]:
    """Draw a state after some steps, of gradients so small that eps counts, or of ordinary ones."""
    size = 1e-7 if s.n_a == 1 else 1.0
    shape = s.n_a, s.n_x
    mean, g = size * normal(rng, s, *shape), size * normal(rng, s, *shape)
    square = 0.001 * mean**2 + 0.001 * size**2 * rng.random(shape)
    return {"theta": normal(rng, s, *shape), "g": g, "mean": mean, "square": square, "n": s.T, "rate": 0.1}


def right_adam(theta: Array, g: Array, mean: Array, square: Array, n: int, rate: float) -> tuple[Array, ...]:
    """Use the package's optimiser."""
    new, state = Adam(rate).update(theta, g, AdamState(mean, square, n - 1))
    return new, state.mean, state.square


def standardise(train: Array, test: Array) -> tuple[Array, Array]:
    """Standardise training and test series with what may be known when training: nothing of the test.

    Parameters
    ----------
    train, test : ndarray, shapes (T, B) and (N, B)
        The series before and after the day of the split.

    Returns
    -------
    train, test : ndarray, same shapes
        The training series have mean 0 and standard deviation 1 over all their numbers together; the test series are
        shifted and scaled by the same two numbers.
    """
    mean, deviation = train.mean(), train.std()
    return (train - mean) / deviation, (test - mean) / deviation


def draw_standardise(rng: np.random.Generator, s: Sizes) -> dict[str, Array]:
    """Draw series that drift."""
    return {"train": 3 + normal(rng, s, s.T + 3, s.B), "test": 5 + 2 * normal(rng, s, s.n_x + 1, s.B)}


def right_standardise(train: Array, test: Array) -> tuple[Array, Array]:
    """Compute the two numbers by sums."""
    mean = train.sum() / train.size
    scale = 1 / np.sqrt(((train - mean) ** 2).sum() / train.size)
    return scale * (train - mean), scale * (test - mean)


EXERCISES = (
    Question("training.first", "The first loss", 5, "code", "ex-training-first"),
    Question("training.clip", "Clip by norm, from a blank", 15, "code", "ex-training-clip"),
    Question("training.noise", "Where does a fixed rate end?", 15, "code", "ex-training-noise"),
    Question("training.window", "The shortest window", 5, "recall", "ex-training-window"),
    Question("training.research", "Is it the explosion? (research)", 30, "explore", "ex-training-research"),
    Exercise(
        "training.clip-by-norm", "Clipping by norm", 10, "code",
        task="Shorten a gradient of two arrays together to a norm of at most `max_norm`.",
        solution=shortened,
        reference=right_clip,
        draw=draw_clip,
        outputs={"dW": "(n_a, n_x)", "db": "(n_a,)", "norm": "()"},
        mistakes=(
            Mistake("each array is clipped by itself", "return factor * dW, factor * db, norm",
                "short = [g * min(1.0, max_norm / max(np.sqrt((g**2).sum()), 1e-300)) for g in (dW, db)]\n"
                "    return short[0], short[1], norm", "That turns the gradient: its direction does not stay.",
                "at the norm that each array is compared with"),
            Mistake("a short gradient is made longer", "min(1.0, max_norm / norm)", "(max_norm / norm)",
                "A gradient below the threshold stays as it is.", "at the factor"),
            Mistake("every entry is clipped", "return factor * dW, factor * db, norm",
                "return np.clip(dW, -max_norm, max_norm), np.clip(db, -max_norm, max_norm), norm",
                "That turns the gradient, and its norm may still be large.", "at what is returned"),
            Mistake("the square of the norm is compared", "np.sqrt((dW**2).sum() + (db**2).sum())",
                "(dW**2).sum() + (db**2).sum()", "A norm is a root.", "at the norm"),
            Mistake("the norms are added", "np.sqrt((dW**2).sum() + (db**2).sum())",
                "np.sqrt((dW**2).sum()) + np.sqrt((db**2).sum())", "Squares add up, not norms.", "at the norm"),
            Mistake("the bias is left out of the norm", " + (db**2).sum()", "",
                "All parameters together are one vector.", "at the norm"),
            Mistake("the bias is not shortened", "factor * db", "db", "All parameters together are one vector.",
                "at what is returned"),
            Mistake("the norm after clipping is returned", "db, norm", "db, factor * norm",
                "The norm before is worth plotting: it tells whether anything explodes.", "at the last output"),
            Mistake("a gradient of zero becomes NaN", " if norm > 0 else 1.0", "", "Its norm is divided by.",
                "at the factor"),
            Mistake("the threshold is multiplied in once too often", "min(1.0, max_norm / norm)",
                "min(1.0, max_norm / norm) * max_norm", "The factor makes the norm max_norm.", "at the factor"),
        ),
        hints=(
            "One norm for all arrays together.",
            "The factor is never above 1.",
            "The root of the sum of all squares; multiply both arrays by min(1, max_norm / norm).",
        ),
        question="what should happen if an entry is NaN?",
    ),
    Exercise(
        "training.adam-step", "One step of Adam", 20, "code", "ex-blank-training-adam-step",
        task="Write one step of Adam.",
        solution=adam_step,
        reference=right_adam,
        draw=draw_adam,
        outputs={"theta": "(n_a, n_x)", "mean": "(n_a, n_x)", "square": "(n_a, n_x)"},
        mistakes=(
            Mistake("the means are not corrected for their start at zero",
                "unbiased_mean = mean / (1 - 0.9**n)\n    unbiased_square = square / (1 - 0.999**n)",
                "unbiased_mean = mean\n    unbiased_square = square", "The first steps would be far too long.",
                "at what theta is changed by"),
            Mistake("the steps are counted from 0", "1 - 0.9**n)\n    unbiased_square = square / (1 - 0.999**n)",
                "1 - 0.9 ** (n - 1))\n    unbiased_square = square / (1 - 0.999 ** (n - 1))",
                "At the first step that divides by zero.", "at the power"),
            Mistake("the root is missing", "np.sqrt(unbiased_square)", "unbiased_square",
                "A mean of squares has the unit of a squared gradient.", "at the denominator"),
            Mistake("eps stands under the root", "(np.sqrt(unbiased_square) + 1e-8)", "np.sqrt(unbiased_square + 1e-8)",
                "Where gradients are tiny the two differ by far.", "at eps"),
            Mistake("the gradient stands for its running mean", "rate * unbiased_mean", "rate * g", "That is RMSProp.",
                "at the numerator"),
            Mistake("theta goes uphill", "theta - rate", "theta + rate", "Descent goes against the gradient.",
                "at the sign"),
            Mistake("the corrected means are carried on", "return theta, mean, square",
                "return theta, unbiased_mean, unbiased_square", "Then the correction is made again and again.",
                "at what is returned"),
            Mistake("the two decays are swapped", "0.9 * mean + 0.1 * g\n    square = 0.999 * square + 0.001 * g**2",
                "0.999 * mean + 0.001 * g\n    square = 0.9 * square + 0.1 * g**2",
                "The squares have the longer memory.", "at the running means"),
            Mistake("the gradient is not squared", "0.001 * g**2", "0.001 * np.abs(g)",
                "The second mean is of squares.", "at the second mean"),
            Mistake("the old mean is used for the step", "unbiased_mean = mean / (1 - 0.9**n)",
                "unbiased_mean = (mean - 0.1 * g) / 0.9 / (1 - 0.9**n)", "The new gradient belongs to this step.",
                "at the order of the lines"),
            Mistake("the steps are counted one too far",
                "1 - 0.9**n)\n    unbiased_square = square / (1 - 0.999**n)",
                "1 - 0.9 ** (n + 1))\n    unbiased_square = square / (1 - 0.999 ** (n + 1))",
                "n is this step's number already.", "at the power"),
            Mistake("beta is multiplied by n", "1 - 0.9**n)\n    unbiased_square = square / (1 - 0.999**n)",
                "1 - 0.9 * n)\n    unbiased_square = square / (1 - 0.999 * n)",
                "From the second step on, less than nothing is left.", "at the corrections"),
            Mistake("both corrections have the first beta", "0.999**n", "0.9**n", "Each mean has its own memory.",
                "at the corrections"),
        ),
        hints=(
            "Two running means, two corrections, one step.",
            "The means have started at zero, and after n steps have the weights 1 - beta^n.",
            "theta minus rate times corrected mean over (root of corrected square plus eps); carry the uncorrected "
            "means on.",
        ),
        question="how long is the very first step in each coordinate, whatever the gradient?",
    ),
    Exercise(
        "training.standardise", "Nothing of the test", 10, "code",
        task="Standardise training and test series without letting anything of the test leak.",
        solution=standardise,
        reference=right_standardise,
        draw=draw_standardise,
        outputs={"train": "(T, B)", "test": "(N, B)"},
        mistakes=(
            Mistake("the test is standardised by itself", "(test - mean) / deviation",
                "(test - test.mean()) / test.std()", "The test's mean is not known on the day of the forecast.",
                "at the test series"),
            Mistake("the two numbers come from everything together", "mean, deviation = train.mean(), train.std()",
                "both = np.concatenate([train, test])\n    mean, deviation = both.mean(), both.std()",
                "The test leaks into the training.", "at the two numbers"),
            Mistake("the variance stands for the standard deviation", "train.std()", "train.var()",
                "It has the unit of a square.", "at the second number"),
            Mistake("each series has numbers of its own", "train.mean(), train.std()",
                "train.mean(axis=0), train.std(axis=0)", "All numbers together are asked for.", "at the axes"),
            Mistake("the test is shifted but not scaled", "(test - mean) / deviation", "test - mean",
                "Both are done to both.", "at the test series"),
            Mistake("the deviation is that of a sample", "train.std()", "train.std(ddof=1)",
                "Then the training series' deviation is not 1.", "at ddof"),
        ),
        hints=(
            "Two numbers are all that is needed.",
            "They may be computed from one of the two arrays only.",
            "Mean and standard deviation of the training series, for both.",
        ),
        question="why are the test series' mean and deviation not 0 and 1 then, and is that a fault?",
    ),
    Derivation(
        "training.clipped", "Clipping by norm, as a formula", 10, "derive", "ex-blank-training-clipped",
        task="Write the gradient clipped to the norm θ, in terms of g and θ, with min.",
        left=r"\hat g",
        answer=r"\min\left(1, \frac{\theta}{\lVert g \rVert}\right) g",
        allowed=("g", r"\theta"),
        slips=(
            Slip("a short gradient is made longer", r"\frac{\theta}{\lVert g \rVert} g",
                "Below the threshold nothing is done.", "at the factor"),
            Slip("nothing is done at all", "g", "A long gradient is shortened.", "at the factor"),
        ),
        hints=(
            "A factor times g.",
            "The factor is 1 for a short gradient.",
            "The smaller of 1 and threshold over norm.",
        ),
        question="what is the norm of the result?",
    ),
)  # fmt: skip
