"""Exercises of the chapter on backpropagation through time."""

from __future__ import annotations

import numpy as np

from ...layers.rnn import RNN, RNNCellCache, rnn_cell_backward
from ...records import Array
from ..records import CELL, Derivation, Exercise, Mistake, Question, Sizes, Slip
from .drawing import normal

__all__ = ["EXERCISES"]


# ---- one step back


def step_back(a_t: Array, a_prev: Array, x_t: Array, da_t: Array, W_aa: Array, W_ax: Array) -> tuple[Array, ...]:
    """Take one step back through the cell a_t = tanh(W_aa a_prev + W_ax x_t + b_a).

    Parameters
    ----------
    a_t, a_prev : ndarray, shape (B, n_a)
        The states after and before the step.
    x_t : ndarray, shape (B, n_x)
        The input.
    da_t : ndarray, shape (B, n_a)
        dL/da_t, the whole of it.
    W_aa, W_ax : ndarray, shapes (n_a, n_a) and (n_a, n_x)
        The weights.

    Returns
    -------
    dx_t, da_prev : ndarray, shapes (B, n_x) and (B, n_a)
        What reaches the input and the state before.
    dW_aa, dW_ax, db_a : ndarray, shapes of the parameters
        This step's share.
    """
    dz = (1 - a_t**2) * da_t
    dx_t = dz @ W_ax
    da_prev = dz @ W_aa
    dW_aa = dz.T @ a_prev
    dW_ax = dz.T @ x_t
    db_a = dz.sum(axis=0)
    return dx_t, da_prev, dW_aa, dW_ax, db_a


def draw_step_back(rng: np.random.Generator, s: Sizes) -> dict[str, Array]:
    """Draw a step that a cell has really taken."""
    layer = RNN(normal(rng, s, s.n_a, s.n_a + s.n_x), normal(rng, s, s.n_a))
    x_t, a_prev = normal(rng, s, s.B, s.n_x), normal(rng, s, s.B, s.n_a)
    a_t = layer.forward(x_t[None], a_prev).final
    return {
        "a_t": a_t, "a_prev": a_prev, "x_t": x_t, "da_t": normal(rng, s, s.B, s.n_a),
        "W_aa": layer.W_aa.copy(), "W_ax": layer.W_ax.copy(),
    }  # fmt: skip


def right_step_back(a_t: Array, a_prev: Array, x_t: Array, da_t: Array, W_aa: Array, W_ax: Array) -> tuple[Array, ...]:
    """Use the package's cell."""
    dx, da0, grads = _cell(RNN.from_gates(W_aa=W_aa, W_ax=W_ax, b_a=np.zeros(len(W_aa))), a_t, a_prev, x_t, da_t)
    return dx, da0, grads.W_aa, grads.W_ax, grads.b


def _cell(layer: RNN, a_t: Array, a_prev: Array, x_t: Array, da_t: Array) -> tuple[Array, Array, RNN]:
    dx, da_prev, d = rnn_cell_backward(layer, RNNCellCache(x_t, a_prev, a_t, a_t), da_t)
    return dx, da_prev, d.layer


# ---- all steps


def bptt(x: Array, states: Array, da: Array, W_aa: Array, W_ax: Array) -> tuple[Array, ...]:
    """Take the gradients back through all steps of a_t = tanh(W_aa a_prev + W_ax x_t + b_a).

    Parameters
    ----------
    x : ndarray, shape (T, B, n_x)
        The inputs.
    states : ndarray, shape (T + 1, B, n_a)
        The start state, then the state after each step.
    da : ndarray, shape (T, B, n_a)
        What reaches the state of each step from its own output.
    W_aa, W_ax : ndarray, shapes (n_a, n_a) and (n_a, n_x)
        The weights.

    Returns
    -------
    dx : ndarray, shape (T, B, n_x)
        dL/dx.
    da0 : ndarray, shape (B, n_a)
        dL/da0, of the start state.
    dW_aa, dW_ax, db_a : ndarray, shapes of the parameters
        The sums over all steps.
    """
    dx = np.zeros_like(x)
    dW_aa = np.zeros_like(W_aa)
    dW_ax = np.zeros_like(W_ax)
    db_a = np.zeros(len(W_aa))
    da_next = np.zeros_like(states[0])
    for t in reversed(range(len(x))):
        da_t = da[t] + da_next
        dz = (1 - states[t + 1] ** 2) * da_t
        dx[t] = dz @ W_ax
        dW_aa += dz.T @ states[t]
        dW_ax += dz.T @ x[t]
        db_a += dz.sum(axis=0)
        da_next = dz @ W_aa
    return dx, da_next, dW_aa, dW_ax, db_a


def draw_bptt(rng: np.random.Generator, s: Sizes) -> dict[str, Array]:
    """Draw a run from a start state that is not zero, and upstream gradients for every step."""
    layer = RNN(normal(rng, s, s.n_a, s.n_a + s.n_x), normal(rng, s, s.n_a))
    x, a0 = normal(rng, s, s.T, s.B, s.n_x), normal(rng, s, s.B, s.n_a)
    run = layer.forward(x, a0)
    return {
        "x": x, "states": run.states.copy(), "da": normal(rng, s, s.T, s.B, s.n_a),
        "W_aa": layer.W_aa.copy(), "W_ax": layer.W_ax.copy(),
    }  # fmt: skip


def right_bptt(x: Array, states: Array, da: Array, W_aa: Array, W_ax: Array) -> tuple[Array, ...]:
    """Use the package's cell, step by step."""
    layer = RNN.from_gates(W_aa=W_aa, W_ax=W_ax, b_a=np.zeros(len(W_aa)))
    dx, da_next, total = np.zeros_like(x), np.zeros_like(states[0]), RNN(np.zeros_like(layer.W), layer.b)
    for t in reversed(range(len(x))):
        dx[t], da_next, share = _cell(layer, states[t + 1], states[t], x[t], da[t] + da_next)
        total = RNN(total.W + share.W, total.b + share.b)
    return dx, da_next, total.W_aa, total.W_ax, total.b


# ---- a window of steps


def truncated(da: Array, a: Array, W_aa: Array, k: int) -> Array:
    """Find dL/da at every step if each error travels back over at most k steps.

    Parameters
    ----------
    da : ndarray, shape (T, B, n_a)
        What reaches the state of each step from its own output.
    a : ndarray, shape (T, B, n_a)
        The states after each step of a tanh network.
    W_aa : ndarray, shape (n_a, n_a)
        The weights.
    k : int
        How many steps an error travels back: with k = 0 it stays where it arises.

    Returns
    -------
    total : ndarray, shape (T, B, n_a)
        At step t, what the errors of the steps t, …, t + k send to its state.
    """
    total = np.zeros_like(da)
    for t in range(len(da)):
        error = da[t]
        total[t] += error
        for back in range(1, min(k, t) + 1):
            error = ((1 - a[t - back + 1] ** 2) * error) @ W_aa
            total[t - back] += error
    return total


def draw_truncated(rng: np.random.Generator, s: Sizes) -> dict[str, Array | int]:
    """Draw a run, its upstream gradients, and a window of about half its length."""
    drawn = draw_bptt(rng, s)
    return {"da": drawn["da"], "a": drawn["states"][1:].copy(), "W_aa": drawn["W_aa"], "k": s.T // 2}


def right_truncated(da: Array, a: Array, W_aa: Array, k: int) -> Array:
    """Multiply the Jacobians, as the chapter's sum over paths has them."""
    total = da.copy()
    for k_to in range(len(da)):
        for b in range(da.shape[1]):
            product = np.eye(len(W_aa))
            for t in range(k_to + 1, min(k_to + k, len(da) - 1) + 1):
                product = np.diag(1 - a[t, b] ** 2) @ W_aa @ product
                total[k_to, b] += product.T @ da[t, b]
    return total


SLOPE = "The tanh stands between z and a: its slope multiplies what comes back."

EXERCISES = (
    Question("bptt.by-hand", "By hand", 10, "recall", "ex-bptt-by-hand"),
    Question("bptt.activation", "Another activation", 15, "derive", "ex-bptt-activation"),
    Question("bptt.last", "One loss at the end", 10, "recall", "ex-bptt-last"),
    Question("bptt.bug", "Find the bug", 15, "code", "ex-bptt-bug"),
    Question("bptt.induction", "Prove it", 30, "derive", "ex-bptt-induction"),
    Question("bptt.memory", "Memory for time", 30, "explore", "ex-bptt-memory"),
    Exercise(
        "bptt.step-back", "One step back", 15, "code",
        task="Write the gradients of one step of the plain recurrent cell, for a batch.",
        solution=step_back,
        reference=right_step_back,
        draw=draw_step_back,
        kinds=CELL,
        outputs={"dx_t": "(B, n_x)", "da_prev": "(B, n_a)", "dW_aa": "(n_a, n_a)", "dW_ax": "(n_a, n_x)",
            "db_a": "(n_a,)"},
        mistakes=(
            Mistake("the slope of tanh is left out", "(1 - a_t**2) * da_t", "da_t", SLOPE,
                "at the line that goes from the state's gradient to that of z"),
            Mistake("the slope is 1 - a instead of that of tanh", "1 - a_t**2", "1 - a_t",
                "The derivative of tanh, written in its value, has a square in it.", "at the slope"),
            Mistake("the slope is the sigmoid's", "(1 - a_t**2)", "a_t * (1 - a_t)",
                "a (1 - a) is the slope of the sigmoid; this cell has a tanh.", "at the slope"),
            Mistake("tanh is applied to a state once more", "1 - a_t**2", "1 - np.tanh(a_t) ** 2",
                "a_t is already the tanh of something.", "at the slope: which of z and a do you have?"),
            Mistake("the slope is taken at the state before", "1 - a_t**2", "1 - a_prev**2",
                "The slope belongs to the tanh of this step.", "at the slope"),
            Mistake("da_prev goes through the transposed matrix", "dz @ W_aa\n", "dz @ W_aa.T\n",
                "Forward, rows are multiplied by the transpose; on the way back that is undone.",
                "at da_prev: which way round does the matrix stand forward?"),
            Mistake("the gradients of the weights are made with the gradient with respect to a",
                "dW_aa = dz.T @ a_prev\n    dW_ax = dz.T", "dW_aa = da_t.T @ a_prev\n    dW_ax = da_t.T",
                "The weights act on z, so it is the gradient with respect to z that they meet.", "at dW_aa and dW_ax"),
            Mistake("dW_aa is transposed", "dz.T @ a_prev", "a_prev.T @ dz",
                "The gradient of a matrix has the matrix's own shape; a square one does not complain.", "at dW_aa"),
            Mistake("dW_aa is made with the new state", "dz.T @ a_prev", "dz.T @ a_t",
                "W_aa has multiplied another state than that.", "at dW_aa: what did the weight multiply?"),
            Mistake("db_a is a mean over the batch", "dz.sum(axis=0)", "dz.mean(axis=0)",
                "The loss adds up the examples, and every example uses the same bias.", "at db_a"),
            Mistake("the gradients of the weights are means over the batch",
                "dW_aa = dz.T @ a_prev\n    dW_ax = dz.T @ x_t",
                "dW_aa = dz.T @ a_prev / len(x_t)\n    dW_ax = dz.T @ x_t / len(x_t)",
                "The upstream gradient knows already whether the loss is a mean.", "at dW_aa and dW_ax"),
        ),
        hints=(
            "Go back line by line: first from a to z, then from z to all that made z.",
            "Which factor stands between the gradients with respect to a and with respect to z, written in a?",
            "With dz of shape (B, n_a): each result is a product of dz with what the forward line multiplied, turned "
            "so that the shapes fit; the examples are added up.",
        ),
        question="which of the five would be wrong if you had used a_prev in the slope?",
    ),
    Exercise(
        "bptt.bptt", "Backpropagation through time", 25, "code", "ex-blank-bptt-bptt",
        task="Write the gradients of all steps of a plain recurrent network: the chapter's recursion as a loop.",
        solution=bptt,
        reference=right_bptt,
        draw=draw_bptt,
        outputs={"dx": "(T, B, n_x)", "da0": "(B, n_a)", "dW_aa": "(n_a, n_a)", "dW_ax": "(n_a, n_x)",
            "db_a": "(n_a,)"},
        mistakes=(
            Mistake("nothing is carried from step to step", "da[t] + da_next", "da[t]",
                "Without what the later steps send back there is no backpropagation *through time*.",
                "at the top of the loop: what reaches a state, beside its own output's error?"),
            Mistake("the step's own error replaces what comes from later", "da_t = da[t] + da_next",
                "da_t = da_next if t < len(x) - 1 else da[t]",
                "Every step may have an error of its own, not only the last.", "at the top of the loop"),
            Mistake("the slope of tanh is left out", "(1 - states[t + 1] ** 2) * da_t", "da_t", SLOPE,
                "at the line of dz"),
            Mistake("the slope is taken one step too early", "1 - states[t + 1] ** 2", "1 - states[t] ** 2",
                "`states` begins with the start state: the state after step t of the loop has another index.",
                "at the index in the slope"),
            Mistake("dW_aa is made with the state after the step", "dz.T @ states[t]\n", "dz.T @ states[t + 1]\n",
                "W_aa has multiplied the state before the step.", "at the index in dW_aa"),
            Mistake("dW_aa is made with a state one step too early", "dz.T @ states[t]\n", "dz.T @ states[t - 1]\n",
                "At t = 0 that is the last state: Python does not complain about the index -1.",
                "at the index in dW_aa"),
            Mistake("the way back goes through the transposed matrix", "da_next = dz @ W_aa\n",
                "da_next = dz @ W_aa.T\n",
                "Forward, rows are multiplied by the transpose; on the way back that is undone.",
                "at what is handed to the step before"),
            Mistake("the gradient with respect to a goes on a step without the slope", "da_next = dz @ W_aa",
                "da_next = da_t @ W_aa", "W_aa acts on z's side of the tanh.", "at what is handed to the step before"),
            Mistake("the gradients keep one step only",
                "dW_aa += dz.T @ states[t]\n        dW_ax += dz.T @ x[t]\n        db_a += dz.sum(axis=0)",
                "dW_aa = dz.T @ states[t]\n        dW_ax = dz.T @ x[t]\n        db_a = dz.sum(axis=0)",
                "The same weights are used at every step, so their gradients add up.", "at = and +="),
            Mistake("the loop runs forward", "reversed(range(len(x)))", "range(len(x))",
                "What a step needs of later steps must have been computed before.", "at the loop"),
            Mistake("the last step is left out", "reversed(range(len(x)))", "reversed(range(len(x) - 1))",
                "range ends before its end by itself.", "at the loop's range"),
            Mistake("the first step is left out", "reversed(range(len(x)))", "reversed(range(1, len(x)))",
                "Steps count from 0 here, and the first one has gradients, too.", "at the loop's range"),
            Mistake("what is carried piles up", "da_next = dz @ W_aa", "da_next = da_next + dz @ W_aa",
                "The paths from later steps are all in what came; adding the old sum counts them twice.",
                "at what is handed to the step before"),
            Mistake("the error of a step is added after the slope", "dz = (1 - states[t + 1] ** 2) * da_t",
                "dz = (1 - states[t + 1] ** 2) * da_next + da[t]",
                "The error of the step's output reaches the state a, before its tanh is undone.", "at the line of dz"),
            Mistake("db_a is a mean over the batch", "db_a += dz.sum(axis=0)", "db_a += dz.mean(axis=0)",
                "The loss adds up the examples, and every example uses the same bias.", "at db_a"),
            Mistake("the gradients of the weights are divided by the number of steps",
                "return dx, da_next, dW_aa, dW_ax, db_a",
                "return dx, da_next, dW_aa / len(x), dW_ax / len(x), db_a / len(x)",
                "Whether the loss is a mean is in `da` already.", "at the end"),
            Mistake("tanh is applied to a state once more", "1 - states[t + 1] ** 2",
                "1 - np.tanh(states[t + 1]) ** 2", "A state has been through it already.", "at the slope"),
            Mistake("dW_aa keeps one step only", "dW_aa += dz.T", "dW_aa = dz.T",
                "The same weights are used at every step.", "at = and += in dW_aa"),
            Mistake("dW_ax keeps one step only", "dW_ax += dz.T", "dW_ax = dz.T",
                "The same weights are used at every step.", "at = and += in dW_ax"),
        ),
        hints=(
            "Begin at the last step and carry one array with you: what the later steps send to this step's state.",
            "At each step: all that reaches the state; then the slope; then the gradients of what made z; then what "
            "the step before gets.",
            "The loop is reversed(range(T)); with `states` the state after step t is states[t + 1] and the one "
            "before it states[t]. Start with a carried array of zeros; at the end it is da0.",
        ),
        question="where would you put a gradient that arrives at the last state only?",
    ),
    Exercise(
        "bptt.truncated", "Errors that travel k steps", 20, "code",
        task="Let every error travel back over at most $k$ steps, and add up what arrives at each state.",
        solution=truncated,
        reference=right_truncated,
        draw=draw_truncated,
        outputs={"total": "(T, B, n_a)"},
        mistakes=(
            Mistake("an error travels one step too far", "min(k, t) + 1", "min(k + 1, t) + 1",
                "With k = 0 an error stays where it arises.", "at the range of the inner loop"),
            Mistake("an error travels one step too short", "min(k, t) + 1", "min(k, t)",
                "With k = 1 an error reaches the step before.", "at the range of the inner loop"),
            Mistake("errors travel all the way", "min(k, t) + 1", "t + 1", "k does not come in.",
                "at the range of the inner loop"),
            Mistake("the errors do not reach their own step", "        total[t] += error\n", "",
                "At distance 0 an error arrives, too.", "before the inner loop"),
            Mistake("the slope is taken at the step where the error arrives", "a[t - back + 1]", "a[t - back]",
                "Going back from step j to step j - 1 passes the tanh of step j.", "at the index in the slope"),
            Mistake("the slope is left out", "((1 - a[t - back + 1] ** 2) * error) @ W_aa", "error @ W_aa", SLOPE,
                "at the inner loop's first line"),
            Mistake("the way back goes through the transposed matrix", "error) @ W_aa", "error) @ W_aa.T",
                "Forward, rows are multiplied by the transpose; on the way back that is undone.",
                "at the product with W_aa"),
            Mistake("the slope is that of the step where the error arose", "a[t - back + 1]", "a[t]",
                "Each step on the way has a slope of its own.", "at the index in the slope"),
        ),
        hints=(
            "Two loops: over the errors, and for each over the steps that it travels.",
            "One step back from step j multiplies by the slope of step j, then by the matrix.",
            "For an error of step t take back = 1, …, min(k, t); what arrives after `back` steps is added to total[t "
            "- back].",
        ),
        question="for which k is this the full gradient, and why does one loop suffice then?",
    ),
    Derivation(
        "bptt.delta-z", "Through the tanh", 5, "derive",
        task="Write the gradient of the loss with respect to $z_a$ at step $t$ in terms of the state and its gradient.",
        left=r"\delta_z^{\langle t \rangle}",
        answer=r"\left(1 - (a^{\langle t \rangle})^2\right) \odot \delta_a^{\langle t \rangle}",
        allowed=(r"a^{\langle t \rangle}", r"\delta_a^{\langle t \rangle}"),
        slips=(
            Slip("the square is missing in the slope",
                r"(1 - a^{\langle t \rangle}) \odot \delta_a^{\langle t \rangle}",
                "The derivative of tanh, written in its value, has a square in it.", "at the slope"),
            Slip("the slope is the sigmoid's",
                r"a^{\langle t \rangle} \odot (1 - a^{\langle t \rangle}) \odot \delta_a^{\langle t \rangle}",
                "This cell has a tanh.", "at the slope"),
            Slip("the slope is missing", r"\delta_a^{\langle t \rangle}", SLOPE, "at what stands between z and a"),
            Slip("the slope is taken one step early",
                r"\left(1 - (a^{\langle t-1 \rangle})^2\right) \odot \delta_a^{\langle t \rangle}",
                "The slope belongs to the tanh of this step.", "at the time of the state"),
        ),
        hints=(
            "z and a are joined by one function, entry by entry.",
            "What is the derivative of tanh, written in its value?",
            "An entrywise product of that slope, at step t, with the gradient with respect to the state.",
        ),
        question="what is it for a sigmoid, written in a?",
    ),
    Derivation(
        "bptt.delta-recursion", "The recursion", 10, "derive", "ex-blank-bptt-delta-recursion",
        task=(
            "Write the gradient with respect to the state at a step $t$ before the last, from the step's own error and "
            "from the gradient with respect to $z_a$ one step later."
        ),
        left=r"\delta_a^{\langle t \rangle}",
        answer=r"W_{ya}^{\top} \delta_y^{\langle t \rangle} + W_{aa}^{\top} \delta_z^{\langle t+1 \rangle}",
        allowed=("W_{ya}", "W_{aa}", r"\delta_y^{\langle t \rangle}", r"\delta_z^{\langle t \rangle}"),
        where=r"t = 1, \ldots, T_x - 1",
        slips=(
            Slip("nothing comes from the step after", r"W_{ya}^{\top} \delta_y^{\langle t \rangle}",
                "The state is read twice: by its own output and by the next step.", "at who reads the state"),
            Slip("the step's own error is missing", r"W_{aa}^{\top} \delta_z^{\langle t+1 \rangle}",
                "The state is read twice: by its own output and by the next step.", "at who reads the state"),
            Slip("W_aa is not transposed",
                r"W_{ya}^{\top} \delta_y^{\langle t \rangle} + W_{aa} \delta_z^{\langle t+1 \rangle}",
                "Forward the matrix acts as it is; on the way back its transpose does.", "at the second term"),
            Slip("the gradient with respect to z is taken at the same step",
                r"W_{ya}^{\top} \delta_y^{\langle t \rangle} + W_{aa}^{\top} \delta_z^{\langle t \rangle}",
                "The state at t enters z of another step.", "at the time in the second term"),
            Slip("the slope of the next step is skipped",
                r"W_{ya}^{\top} \delta_y^{\langle t \rangle} + W_{aa}^{\top} \delta_a^{\langle t+1 \rangle}",
                "Between the next state and its z stands a tanh.", "at the second term"),
        ),
        hints=(
            "Who reads the state of step t?",
            "The output of step t, and z of step t + 1.",
            "Two terms, each a transposed matrix times the gradient of what has read the state.",
        ),
        question="what is left of it at the last step?",
    ),
    Derivation(
        "bptt.weights", "The gradient of W_aa", 10, "derive",
        task="Write the gradient of the whole loss with respect to $W_{aa}$ as a sum over the steps.",
        left=r"\frac{\partial L}{\partial W_{aa}}",
        answer=r"\sum_{t=1}^{T_x} \delta_z^{\langle t \rangle} {a^{\langle t-1 \rangle}}^{\top}",
        allowed=(r"\delta_z^{\langle t \rangle}", r"a^{\langle t \rangle}"),
        slips=(
            Slip("the state is taken after the step",
                r"\sum_{t=1}^{T_x} \delta_z^{\langle t \rangle} {a^{\langle t \rangle}}^{\top}",
                "W_aa has multiplied another state than that.", "at the time of the state"),
            Slip("the product stands the wrong way round",
                r"\sum_{t=1}^{T_x} a^{\langle t-1 \rangle} {\delta_z^{\langle t \rangle}}^{\top}",
                "That is the transpose of the gradient; the matrix is square, so its shape does not tell.",
                "at the order"),
            Slip("only the last step is there", r"\delta_z^{\langle T_x \rangle} {a^{\langle T_x - 1 \rangle}}^{\top}",
                "The matrix is used at every step.", "at the sum"),
            Slip("the gradient with respect to a stands for that by z",
                r"\sum_{t=1}^{T_x} \delta_a^{\langle t \rangle} {a^{\langle t-1 \rangle}}^{\top}",
                "W_aa acts on z's side of the tanh.", "at the first factor"),
        ),
        hints=(
            "In z = W a, what is the derivative with respect to an entry of W?",
            "A column times a row, at each step.",
            "Sum over all steps of the gradient with respect to z times the transposed state that W_aa has multiplied.",
        ),
        question="which of these terms vanishes if the network starts from the zero state?",
    ),
)  # fmt: skip
