"""Exercises of the chapter on vanishing and exploding gradients."""

from __future__ import annotations

import numpy as np

from ...layers.rnn import RNN, RNNCellCache, rnn_cell_backward
from ...records import Array
from ..records import Derivation, Exercise, Mistake, Question, Sizes, Slip
from .drawing import normal

__all__ = ["EXERCISES"]


def state_jacobian(states: Array, W_aa: Array, k: int, t: int) -> Array:
    """Find the derivative of a tanh network's state after step t with respect to that after step k.

    Parameters
    ----------
    states : ndarray, shape (T + 1, n_a)
        One example's states; states[0] is the start state.
    W_aa : ndarray, shape (n_a, n_a)
        The weights.
    k, t : int
        Two steps, 0 ≤ k ≤ t ≤ T.

    Returns
    -------
    J : ndarray, shape (n_a, n_a)
        J[i, j]: the derivative of entry i of states[t] with respect to entry j of states[k].
    """
    J = np.eye(len(W_aa))
    for j in range(k + 1, t + 1):
        J = (1 - states[j] ** 2)[:, None] * W_aa @ J
    return J


def draw_jacobian(rng: np.random.Generator, s: Sizes) -> dict[str, Array | int]:
    """Draw a run of one example, and two steps; the same one, if there is one step only."""
    layer = RNN(normal(rng, s, s.n_a, s.n_a + s.n_x), normal(rng, s, s.n_a))
    run = layer.forward(normal(rng, s, s.T, 1, s.n_x), normal(rng, s, 1, s.n_a))
    k, t = (1, s.T - 1) if s.T > 3 else (1, 1)
    return {"states": run.states[:, 0].copy(), "W_aa": layer.W_aa.copy(), "k": k, "t": t}


def right_jacobian(states: Array, W_aa: Array, k: int, t: int) -> Array:
    """Send each unit vector back with the package's cell: row i is the gradient of entry i."""
    n = len(W_aa)
    layer = RNN.from_gates(W_aa=W_aa, W_ax=np.zeros((n, 1)), b_a=np.zeros(n))
    J = np.eye(n)
    for j in range(t, k, -1):
        a_t = np.repeat(states[j][None], n, axis=0)
        J = rnn_cell_backward(layer, RNNCellCache(np.zeros((n, 1)), a_t, a_t, a_t), J)[1]
    return J


def growth(states: Array, W_aa: Array) -> Array:
    """Find how strongly the last state depends on each state before: the norm of each derivative.

    Parameters
    ----------
    states : ndarray, shape (T + 1, n_a)
        One example's states of a tanh network; states[0] is the start state.
    W_aa : ndarray, shape (n_a, n_a)
        The weights.

    Returns
    -------
    norms : ndarray, shape (T + 1,)
        At k, the largest singular value of the derivative of states[T] with respect to states[k]; 1 at k = T.
    """
    J = np.eye(len(W_aa))
    norms = np.ones(len(states))
    for k in reversed(range(len(states) - 1)):
        J = J @ ((1 - states[k + 1] ** 2)[:, None] * W_aa)
        norms[k] = np.linalg.norm(J, 2)
    return norms


def draw_growth(rng: np.random.Generator, s: Sizes) -> dict[str, Array]:
    """Draw a run of one example."""
    drawn = draw_jacobian(rng, s)
    return {"states": np.asarray(drawn["states"]), "W_aa": np.asarray(drawn["W_aa"])}


def right_growth(states: Array, W_aa: Array) -> Array:
    """Take the derivatives one by one, and their singular values."""
    T = len(states) - 1
    return np.array([np.linalg.svd(right_jacobian(states, W_aa, k, T))[1][0] for k in range(T + 1)])


def spectral_radius(W: Array) -> float:
    """Find the largest modulus of the eigenvalues of a matrix.

    Parameters
    ----------
    W : ndarray, shape (n_a, n_a)
        A matrix whose eigenvalues may be complex.

    Returns
    -------
    radius : float
        Whether powers of W shrink in the end.
    """
    return float(np.abs(np.linalg.eigvals(W)).max())


def draw_radius(rng: np.random.Generator, s: Sizes) -> dict[str, Array]:
    """Draw a matrix that turns, and one large direction that points backwards."""
    W = normal(rng, s, s.n_a, s.n_a)
    W = W - W.T if s.n_x % 2 else W
    return {"W": W - (2.0 + s.n_a) * np.eye(s.n_a) if s.T == 11 or s.n_a == 1 else W}


def right_radius(W: Array) -> float:
    """Take the transpose's eigenvalues, times their conjugates."""
    values = np.linalg.eigvals(W.T)
    return float(np.sqrt((values * values.conj()).real.max()))


def clipped_length(grads: Array, limit: float) -> Array:
    """Find by how many degrees clipping each entry turns a gradient.

    Parameters
    ----------
    grads : ndarray, shape (B, n_a)
        Gradients, one a row.
    limit : float
        Entries are clipped to [-limit, limit].

    Returns
    -------
    degrees : ndarray, shape (B,)
        The angle between each gradient and what clipping makes of it.
    """
    short = np.clip(grads, -limit, limit)
    cosine = (grads * short).sum(axis=1) / np.linalg.norm(grads, axis=1) / np.linalg.norm(short, axis=1)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def draw_clipped(rng: np.random.Generator, s: Sizes) -> dict[str, Array | float]:
    """Draw gradients with a large entry and a small one: an angle near zero would have few good digits."""
    grads = normal(rng, s, s.B, s.n_a + 2) * np.exp(rng.normal(size=(s.B, s.n_a + 2)))
    grads[:, 0], grads[:, 1] = rng.choice([-2.0, 2.0], s.B), 0.3
    return {"grads": grads, "limit": 0.4}


def right_clipped(grads: Array, limit: float) -> Array:
    """Take the angle from both legs of the triangle."""
    short = np.maximum(np.minimum(grads, limit), -limit)
    a = grads / np.sqrt((grads**2).sum(axis=1, keepdims=True))
    b = short / np.sqrt((short**2).sum(axis=1, keepdims=True))
    apart = np.sqrt(((a - b) ** 2).sum(axis=1))
    return 2 * np.arcsin(apart / 2) * 180 / np.pi


EXERCISES = (
    Question("vanishing-gradients.one-unit", "One unit", 5, "recall", "ex-vanishing-one-unit"),
    Question("vanishing-gradients.hump", "The top of the hump", 15, "derive", "ex-vanishing-hump"),
    Question("vanishing-gradients.slopes", "Slopes that blow up a nilpotent matrix", 10, "derive",
        "ex-vanishing-slopes"),
    Question("vanishing-gradients.sigmoid", "A sigmoid that does not vanish", 20, "derive", "ex-vanishing-sigmoid"),
    Question("vanishing-gradients.arrays", "Clipping each array by itself", 10, "code", "ex-vanishing-arrays"),
    Question("vanishing-gradients.curriculum", "Teach the short distance first", 30, "explore",
        "ex-vanishing-curriculum"),
    Exercise(
        "vanishing-gradients.state-jacobian", "The product of Jacobians", 15, "code",
        "ex-blank-vanishing-gradients-state-jacobian",
        task="Find the derivative of a later state with respect to an earlier one.",
        solution=state_jacobian,
        reference=right_jacobian,
        draw=draw_jacobian,
        outputs={"J": "(n_a, n_a)"},
        mistakes=(
            Mistake("the factors stand in the wrong order", "(1 - states[j] ** 2)[:, None] * W_aa @ J",
                "J @ ((1 - states[j] ** 2)[:, None] * W_aa)", "The latest step stands on the left.",
                "at the order of the product"),
            Mistake("the product is one factor too long", "range(k + 1, t + 1)", "range(k, t + 1)",
                "From k to k + 1 is one factor.", "at the range"),
            Mistake("the product is one factor too short", "range(k + 1, t + 1)", "range(k + 1, t)",
                "The last step counts.", "at the range"),
            Mistake("the slopes are one step early", "states[j]", "states[j - 1]",
                "The slope belongs to the tanh of the step that is passed.", "at the index of the slope"),
            Mistake("the slopes are left out", "(1 - states[j] ** 2)[:, None] * W_aa @ J", "W_aa @ J",
                "Each step passes a tanh.", "at the factor"),
            Mistake("the slopes stand on the wrong side of the matrix", "(1 - states[j] ** 2)[:, None] * W_aa",
                "(W_aa * (1 - states[j] ** 2))",
                "First the matrix, then the tanh: the slope belongs to the unit that is reached.",
                "at the factor: which index has the slope?"),
            Mistake("the matrix is transposed", "* W_aa @ J", "* W_aa.T @ J",
                "That is the way back of a gradient, not the derivative of the state.", "at the matrix"),
            Mistake("the slopes of the last step serve all", "states[j]", "states[t]",
                "Each step has slopes of its own.", "at the index of the slope"),
            Mistake("matrices are multiplied entry by entry", "(1 - states[j] ** 2)[:, None] * W_aa @ J",
                "np.diag(1 - states[j] ** 2) * W_aa * J", "A path goes from one unit to every other one.",
                "at the products: entries, or rows with columns?"),
            Mistake("the product starts from ones", "np.eye(len(W_aa))", "np.ones_like(W_aa)",
                "Where k = t nothing happens: which matrix changes nothing?", "before the loop"),
        ),
        hints=(
            "A product of one factor a step, from k + 1 to t.",
            "Each factor: slopes as a diagonal matrix, times W_aa.",
            "Start from the identity and multiply from the left.",
        ),
        question="what do the rows of J^T tell about a gradient on its way back?",
    ),
    Exercise(
        "vanishing-gradients.growth", "How far back it reaches", 15, "code",
        task="Find the norm of the derivative of the last state with respect to each state before.",
        solution=growth,
        reference=right_growth,
        draw=draw_growth,
        outputs={"norms": "(T + 1,)"},
        mistakes=(
            Mistake("the norms of the factors are multiplied", "        norms[k] = np.linalg.norm(J, 2)",
                "        norms[k] = norms[k + 1] * np.linalg.norm((1 - states[k + 1] ** 2)[:, None] * W_aa, 2)",
                "The norm of a product is at most that product: a bound, not the value.",
                "at what the norm is taken of"),
            Mistake("the Frobenius norm is taken", "np.linalg.norm(J, 2)", "np.linalg.norm(J)",
                "The largest singular value is asked for.", "at the norm"),
            Mistake("the factors stand in the wrong order", "J @ ((1 - states[k + 1] ** 2)[:, None] * W_aa)",
                "((1 - states[k + 1] ** 2)[:, None] * W_aa) @ J",
                "Going back, the new factor is the earliest: which side is that?", "at the product"),
            Mistake("the slopes are left out", "(1 - states[k + 1] ** 2)[:, None] * W_aa", "W_aa",
                "Each step passes a tanh.", "at the factor"),
            Mistake("the slopes are one step early", "states[k + 1]", "states[k]",
                "From step k to k + 1 the tanh of step k + 1 is passed.", "at the index of the slope"),
            Mistake("the spectral radius stands for the norm", "np.linalg.norm(J, 2)",
                "np.abs(np.linalg.eigvals(J)).max()", "It may be far smaller than the norm.", "at the norm"),
            Mistake("the norms are in the order of distance", "return norms", "return norms[::-1]",
                "At k = T stands the 1.", "at the order"),
        ),
        hints=(
            "Go back from the last state, with the product so far.",
            "The new factor stands on the right.",
            "At each k multiply by the factor of step k + 1, then take norm(J, 2).",
        ),
        question="what slope has the logarithm of these norms, and what would make it zero?",
    ),
    Exercise(
        "vanishing-gradients.spectral-radius", "The spectral radius", 5, "recall",
        task="Find the largest modulus of the eigenvalues.",
        solution=spectral_radius,
        reference=right_radius,
        draw=draw_radius,
        outputs={"radius": "()"},
        mistakes=(
            Mistake("the largest real part is taken", "np.abs(np.linalg.eigvals(W)).max()",
                "np.linalg.eigvals(W).real.max()", "Eigenvalues that turn, or point backwards, grow as well.",
                "at the modulus"),
            Mistake("the largest singular value is taken", "np.abs(np.linalg.eigvals(W)).max()", "np.linalg.norm(W, 2)",
                "That bounds one step; powers may shrink all the same.", "at eigenvalues and singular values"),
            Mistake("the imaginary part is thrown away", "np.abs(np.linalg.eigvals(W))",
                "np.abs(np.linalg.eigvals(W).real)", "The modulus has both parts.", "at the modulus"),
            Mistake("the smallest modulus is taken", ".max()", ".min()", "In the end the largest decides.", "at max"),
            Mistake("the eigenvalues of the symmetric part are taken", "np.linalg.eigvals(W)",
                "np.linalg.eigvalsh((W + W.T) / 2)", "The matrix is not symmetric.", "at the function that you call"),
            Mistake("the determinant is taken", "np.abs(np.linalg.eigvals(W)).max()", "np.abs(np.linalg.det(W))",
                "That is the product of all moduli.", "at what decides"),
        ),
        hints=(
            "Eigenvalues, not singular values.",
            "They may be complex.",
            "The absolute value of each, then the largest.",
        ),
        question="for which matrices is it equal to the largest singular value?",
    ),
    Exercise(
        "vanishing-gradients.turned", "How far clipping turns", 10, "code",
        task="Find by how many degrees clipping each entry turns a gradient.",
        solution=clipped_length,
        reference=right_clipped,
        draw=draw_clipped,
        outputs={"degrees": "(B,)"},
        mistakes=(
            Mistake("the angle is in radians", "np.degrees(np.arccos(np.clip(cosine, -1, 1)))",
                "np.arccos(np.clip(cosine, -1, 1))", "Degrees are asked for.", "at the unit"),
            Mistake("the cosine is returned", "np.degrees(np.arccos(np.clip(cosine, -1, 1)))", "cosine",
                "The angle is asked for.", "at the last line"),
            Mistake("the norms are left out", " / np.linalg.norm(grads, axis=1) / np.linalg.norm(short, axis=1)", "",
                "The cosine is a quotient.", "at the cosine"),
            Mistake("one norm is used twice", "np.linalg.norm(short, axis=1)", "np.linalg.norm(grads, axis=1)",
                "Two vectors, two norms.", "at the cosine"),
            Mistake("all gradients are taken for one",
                "(grads * short).sum(axis=1) / np.linalg.norm(grads, axis=1) / np.linalg.norm(short, axis=1)",
                "np.full(len(grads), (grads * short).sum() / np.linalg.norm(grads) / np.linalg.norm(short))",
                "Each row is a gradient.", "at the axes"),
            Mistake("only large positive entries are clipped", "np.clip(grads, -limit, limit)",
                "np.minimum(grads, limit)", "Both ends are clipped.", "at the clipping"),
        ),
        hints=(
            "Clip first, then compare directions.",
            "The cosine is the product of the two vectors over both norms.",
            "arccos of the cosine, in degrees, row by row.",
        ),
        question="which clipping turns nothing at all?",
    ),
    Derivation(
        "vanishing-gradients.jacobian", "One Jacobian", 10, "derive", "ex-blank-vanishing-gradients-jacobian",
        task="Write the one-step Jacobian in terms of the state and $W_{aa}$.",
        left=r"\frac{\partial a^{\langle t \rangle}}{\partial a^{\langle t-1 \rangle}}",
        answer=r"\operatorname{diag}\left(1 - (a^{\langle t \rangle})^2\right) W_{aa}",
        allowed=(r"a^{\langle t \rangle}", "W_{aa}"),
        slips=(
            Slip("the slopes stand on the wrong side",
                r"W_{aa} \operatorname{diag}\left(1 - (a^{\langle t \rangle})^2\right)",
                "First the matrix, then the tanh.", "at the order"),
            Slip("the slopes are one step early",
                r"\operatorname{diag}\left(1 - (a^{\langle t-1 \rangle})^2\right) W_{aa}",
                "The slope belongs to the state that is reached.", "at the time"),
            Slip("the matrix is transposed",
                r"\operatorname{diag}\left(1 - (a^{\langle t \rangle})^2\right) W_{aa}^{\top}",
                "That is for the way back.", "at the matrix"),
            Slip("the slopes are missing", "W_{aa}", "The tanh is passed.", "at the slopes"),
        ),
        hints=(
            "The state is tanh of a matrix times the old state.",
            "The derivative of an entrywise function is a diagonal matrix.",
            "The diagonal of slopes, times the matrix.",
        ),
        question="when is its norm below 1 for certain?",
    ),
)  # fmt: skip
