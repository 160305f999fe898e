"""Exercises of the chapter on the plain recurrent network, forwards."""

from __future__ import annotations

import numpy as np

from ...activations import softmax
from ...layers.dense import Dense
from ...layers.rnn import RNN
from ...losses import softmax_cross_entropy
from ...records import Array
from ..records import CELL, Derivation, Exercise, Kind, Mistake, Question, Sizes, Slip
from .drawing import lengths, normal

__all__ = ["EXERCISES"]


def rnn_step(x_t: Array, a_prev: Array, W_aa: Array, W_ax: Array, b_a: Array) -> Array:
    """Take one step of the plain recurrent cell with tanh.

    Parameters
    ----------
    x_t : ndarray, shape (B, n_x)
        The inputs, one example a row.
    a_prev : ndarray, shape (B, n_a)
        The states before.
    W_aa, W_ax : ndarray, shapes (n_a, n_a) and (n_a, n_x)
        The weights, each *to* a *from* what its second letter says.
    b_a : ndarray, shape (n_a,)
        The bias.

    Returns
    -------
    a_t : ndarray, shape (B, n_a)
        The states after.
    """
    z = a_prev @ W_aa.T + x_t @ W_ax.T + b_a
    return np.tanh(z)


def draw_step(rng: np.random.Generator, s: Sizes) -> dict[str, Array]:
    """Draw a cell and one step's inputs."""
    return {
        "x_t": normal(rng, s, s.B, s.n_x), "a_prev": normal(rng, s, s.B, s.n_a), "W_aa": normal(rng, s, s.n_a, s.n_a),
        "W_ax": normal(rng, s, s.n_a, s.n_x), "b_a": normal(rng, s, s.n_a),
    }  # fmt: skip


def right_step(x_t: Array, a_prev: Array, W_aa: Array, W_ax: Array, b_a: Array) -> Array:
    """Use the package's layer."""
    return RNN.from_gates(W_aa=W_aa, W_ax=W_ax, b_a=b_a).step(x_t, a_prev)[0]


def rnn_forward(x: Array, a0: Array, W_aa: Array, W_ax: Array, b_a: Array) -> Array:
    """Take a plain recurrent network with tanh over whole sequences.

    Parameters
    ----------
    x : ndarray, shape (T, B, n_x)
        The inputs, time first.
    a0 : ndarray, shape (B, n_a)
        The start states.
    W_aa, W_ax : ndarray, shapes (n_a, n_a) and (n_a, n_x)
        The weights.
    b_a : ndarray, shape (n_a,)
        The bias.

    Returns
    -------
    a : ndarray, shape (T, B, n_a)
        The state after each step.
    """
    a = np.zeros((len(x), *a0.shape))
    a_t = a0
    for t in range(len(x)):
        a_t = np.tanh(a_t @ W_aa.T + x[t] @ W_ax.T + b_a)
        a[t] = a_t
    return a


def draw_forward(rng: np.random.Generator, s: Sizes) -> dict[str, Array]:
    """Draw a network, sequences and start states that are not zero."""
    drawn = draw_step(rng, s)
    return {"x": normal(rng, s, s.T, s.B, s.n_x), "a0": drawn.pop("a_prev")} | {
        name: drawn[name] for name in ("W_aa", "W_ax", "b_a")
    }


def right_forward(x: Array, a0: Array, W_aa: Array, W_ax: Array, b_a: Array) -> Array:
    """Use the package's layer."""
    return RNN.from_gates(W_aa=W_aa, W_ax=W_ax, b_a=b_a).forward(x, a0).a


def predict(a: Array, W_ya: Array, b_y: Array) -> Array:
    """Turn states into the probabilities of n_y classes, at every step.

    Parameters
    ----------
    a : ndarray, shape (T, B, n_a)
        The states.
    W_ya, b_y : ndarray, shapes (n_y, n_a) and (n_y,)
        The output layer.

    Returns
    -------
    yhat : ndarray, shape (T, B, n_y)
        Probabilities; at each step of each example they add up to 1.
    """
    z = a @ W_ya.T + b_y
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def draw_predict(rng: np.random.Generator, s: Sizes) -> dict[str, Array]:
    """Draw states and an output layer; with large values exp would overflow."""
    large = 500.0 if s.scale > 1 else 1.0
    return {"a": normal(rng, s, s.T, s.B, s.n_a), "W_ya": large * normal(rng, s, s.n_y, s.n_a),
            "b_y": normal(rng, s, s.n_y)}  # fmt: skip


def right_predict(a: Array, W_ya: Array, b_y: Array) -> Array:
    """Use the package's layer."""
    return softmax(Dense(W_ya, b_y).forward(a).a)


def sequence_loss(z: Array, y: Array) -> tuple[float, Array]:
    """Find the cross-entropy of logits, added up over the steps and averaged over the examples, and its gradient.

    Parameters
    ----------
    z : ndarray, shape (T, B, n_y)
        The logits.
    y : ndarray of int, shape (T, B)
        The right classes.

    Returns
    -------
    loss : float
        In nats.
    dz : ndarray, shape (T, B, n_y)
        Its gradient.
    """
    T, B, _ = z.shape
    shifted = z - z.max(axis=-1, keepdims=True)
    log_yhat = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    t, b = np.arange(T)[:, None], np.arange(B)
    loss = -log_yhat[t, b, y].sum() / B
    dz = np.exp(log_yhat)
    dz[t, b, y] -= 1
    return float(loss), dz / B


def draw_loss(rng: np.random.Generator, s: Sizes) -> dict[str, Array]:
    """Draw logits and classes; with large values the naive logarithm is infinite."""
    large = 400.0 if s.scale > 1 else 2.0
    return {"z": large * normal(rng, s, s.T, s.B, s.n_y), "y": rng.integers(0, s.n_y, (s.T, s.B))}


def right_loss(z: Array, y: Array) -> tuple[float, Array]:
    """Use the package's loss."""
    loss = softmax_cross_entropy(z, y)
    return float(loss.value) / z.shape[1], loss.dz / z.shape[1]


def parameters(n_x: int, n_a: int, n_y: int) -> int:
    """Count the parameters of a plain recurrent network with an output layer.

    Parameters
    ----------
    n_x, n_a, n_y : int
        Numbers of inputs, hidden units and outputs.

    Returns
    -------
    count : int
        All weights and biases.
    """
    return n_a * (n_a + n_x) + n_a + n_y * n_a + n_y


def draw_count(rng: np.random.Generator, s: Sizes) -> dict[str, int]:
    """Give the world's own sizes."""
    return {"n_x": s.n_x, "n_a": s.n_a, "n_y": s.n_y}


def right_count(n_x: int, n_a: int, n_y: int) -> int:
    """Count the numbers in the package's layers."""
    rng = np.random.default_rng(0)
    rnn, dense = RNN.init(n_x, n_a, rng), Dense.init(n_a, n_y, rng)
    return sum(leaf.size for layer in (rnn, dense) for leaf in (layer.W, layer.b) if leaf is not None)


def last_states(a: Array, lengths: Array) -> Array:
    """Pick each example's state at its own last step.

    Parameters
    ----------
    a : ndarray, shape (T, B, n_a)
        The states of padded sequences.
    lengths : ndarray of int, shape (B,)
        How many steps each example has, at least 1.

    Returns
    -------
    last : ndarray, shape (B, n_a)
        One state an example.
    """
    return a[lengths - 1, np.arange(a.shape[1])]


def draw_last(rng: np.random.Generator, s: Sizes) -> dict[str, Array]:
    """Draw states, those behind the ends included."""
    return {"a": normal(rng, s, s.T, s.B, s.n_a), "lengths": lengths(rng, s)}


def right_last(a: Array, lengths: Array) -> Array:
    """Go through the examples."""
    return np.stack([a[n - 1, b] for b, n in enumerate(lengths)])


ROWS = "A row of the array is a column of the mathematics: what stands left of a column stands, turned, right of a row."
COUNTS = tuple(Kind(f"n_x = {x}, n_a = {a}, n_y = {y}", Sizes(n_x=x, n_a=a, n_y=y))
               for x, a, y in ((4, 5, 11), (7, 3, 5), (1, 8, 3), (9, 1, 2)))  # fmt: skip

EXERCISES = (
    Question("rnn-forward.by-hand", "By hand", 5, "recall", "ex-rnn-hand"),
    Question("rnn-forward.paper-count", "Count", 5, "recall", "ex-rnn-count"),
    Question("rnn-forward.shared", "Shared in time", 10, "derive", "ex-rnn-shared"),
    Question("rnn-forward.linear", "Without the squashing", 20, "derive", "ex-rnn-linear"),
    Question("rnn-forward.parity", "Wire a network by hand", 25, "code", "ex-rnn-parity"),
    Question("rnn-forward.horizon", "Further ahead (research)", 40, "explore", "ex-rnn-horizon"),
    Exercise(
        "rnn-forward.step", "One step", 10, "code",
        task="Write one step of the plain recurrent cell with tanh, for a batch of examples.",
        solution=rnn_step,
        reference=right_step,
        draw=draw_step,
        kinds=CELL,
        outputs={"a_t": "(B, n_a)"},
        mistakes=(
            Mistake("W_aa is not transposed", "a_prev @ W_aa.T", "a_prev @ W_aa", ROWS,
                "at the product with the state"),
            Mistake("the tanh is missing", "np.tanh(z)", "z", "The cell is then linear.", "at the last line"),
            Mistake("the bias is missing", " + b_a", "", "z has three terms.", "at z"),
            Mistake("a sigmoid stands for the tanh", "np.tanh(z)", "1 / (1 + np.exp(-z))",
                "Gates have sigmoids; this state lies between -1 and 1.", "at the activation"),
            Mistake("the state is added without its weights", "a_prev @ W_aa.T", "a_prev",
                "Each unit sees all units of the step before.", "at the first term of z"),
            Mistake("the old state is added to the new one", "np.tanh(z)", "a_prev + np.tanh(z)",
                "The old state enters inside the tanh only.", "at the last line"),
            Mistake("the bias is added behind the tanh", "x_t @ W_ax.T + b_a\n    return np.tanh(z)",
                "x_t @ W_ax.T\n    return np.tanh(z) + b_a", "The bias is part of z.", "at the bias"),
        ),
        hints=(
            "z is made of three terms, then comes the activation.",
            "Which way round does a matrix stand beside rows?",
            "The state and the input each times a transposed matrix, plus the bias, all inside tanh.",
        ),
        question="which of your products would still run, with wrong numbers, without its transpose?",
    ),
    Exercise(
        "rnn-forward.rnn-forward", "The whole sequence", 15, "code", "ex-blank-rnn-forward-rnn-forward",
        task="Write the forward pass over whole sequences, and return the state after every step.",
        solution=rnn_forward,
        reference=right_forward,
        draw=draw_forward,
        outputs={"a": "(T, B, n_a)"},
        mistakes=(
            Mistake("every step starts from the start state", "        a[t] = a_t\n",
                "        a[t] = a_t\n        a_t = a0\n", "Then no step knows of the one before.",
                "at what the next step reads"),
            Mistake("the start state is taken to be zero", "a_t = a0", "a_t = np.zeros_like(a0)",
                "The start state is an argument: a stream goes on where it stopped.", "before the loop"),
            Mistake("W_aa is not transposed", "a_t @ W_aa.T", "a_t @ W_aa", ROWS, "at the product with the state"),
            Mistake("the states before the steps are returned",
                "        a_t = np.tanh(a_t @ W_aa.T + x[t] @ W_ax.T + b_a)\n        a[t] = a_t\n",
                "        a[t] = a_t\n        a_t = np.tanh(a_t @ W_aa.T + x[t] @ W_ax.T + b_a)\n",
                "The first output is the state after the first input.", "at the order of the two lines in the loop"),
            Mistake("the loop runs backwards", "range(len(x))", "reversed(range(len(x)))",
                "Then it reads the sequence from its end.", "at the loop"),
            Mistake("every step reads the first input", "x[t] @", "x[0] @", "Each step has an input of its own.",
                "at the index of x"),
            Mistake("the last step is left out", "range(len(x))", "range(len(x) - 1)",
                "range ends before its end by itself.", "at the loop's range"),
            Mistake("the tanh is missing in what is carried",
                "a_t = np.tanh(a_t @ W_aa.T + x[t] @ W_ax.T + b_a)\n        a[t] = a_t",
                "a_t = a_t @ W_aa.T + x[t] @ W_ax.T + b_a\n        a[t] = np.tanh(a_t)",
                "What goes to the next step is the state, not z.", "at what the next step reads"),
            Mistake("the bias is missing", " + b_a", "", "z has three terms.", "at z"),
            Mistake("the start state is put where the first output will stand",
                "    a_t = a0\n    for t in range(len(x)):\n        a_t = np.tanh(a_t @",
                "    a[0] = a0\n    for t in range(len(x)):\n        a_t = np.tanh(a[t - 1] @",
                "No row of the array stands before step 1: the index -1 is its last row.",
                "at the first turn of the loop: what does it read?"),
            Mistake("the start state is returned as the first output", "    a_t = a0\n    for t in range(len(x)):",
                "    a_t = a[0] = a0\n    for t in range(1, len(x)):", "The first input is never read.",
                "at where the loop begins"),
            Mistake("every row shows the last state", "        a[t] = a_t\n", "        a[:] = a_t\n",
                "One array is stored each time, and then written over.",
                "at what is put away in each turn: the array itself, or what is in it?"),
        ),
        hints=(
            "One array holds all states, one variable the newest.",
            "Let the variable start as a0 and become the new state in each turn.",
            "Inside the loop over t: the new state from the variable and x[t] as in one step, then store it in a[t].",
        ),
        question="which lines could stand before the loop, for all steps at once?",
    ),
    Exercise(
        "rnn-forward.predict", "Probabilities", 10, "code",
        task="Turn the states of all steps into probabilities of classes; large logits must not overflow.",
        solution=predict,
        reference=right_predict,
        draw=draw_predict,
        outputs={"yhat": "(T, B, n_y)"},
        mistakes=(
            Mistake("exp overflows where logits are large", "z - z.max(axis=-1, keepdims=True)", "z",
                "exp(710) is more than a float can hold.",
                "before exp: what may be subtracted without changing the quotient?"),
            Mistake("it adds up to 1 over all steps together", "e.sum(axis=-1, keepdims=True)", "e.sum()",
                "Every step of every example has probabilities of its own.", "at the sum"),
            Mistake("it adds up to 1 over the examples", "e / e.sum(axis=-1, keepdims=True)",
                "e / e.sum(axis=1, keepdims=True)", "Examples have nothing to do with each other.",
                "at the axis of the sum"),
            Mistake("it adds up to 1 over the steps", "e / e.sum(axis=-1, keepdims=True)",
                "e / e.sum(axis=0, keepdims=True)", "The classes share the probability, not the steps.",
                "at the axis of the sum"),
            Mistake("the bias is missing", " + b_y", "", "The output layer has a bias.", "at z"),
            Mistake("the largest logit is divided by", "np.exp(z - z.max(axis=-1, keepdims=True))",
                "np.exp(z / np.abs(z).max(axis=-1, keepdims=True))", "That changes the quotients of the probabilities.",
                "before exp"),
        ),
        hints=(
            "First the logits, then exp, then divide by a sum.",
            "Along which axis do the probabilities add up to 1?",
            "Subtract each step's largest logit before exp; sums with axis=-1 and keepdims=True.",
        ),
        question="why does subtracting the largest logit change nothing?",
    ),
    Exercise(
        "rnn-forward.sequence-loss", "The loss of a sequence", 15, "code",
        task=(
            "Write the cross-entropy from logits, added up over the steps and averaged over the examples, and its "
            "gradient."
        ),
        solution=sequence_loss,
        reference=right_loss,
        draw=draw_loss,
        outputs={"loss": "()", "dz": "(T, B, n_y)"},
        mistakes=(
            Mistake("the sign is lost", "-log_yhat[t, b, y]", "log_yhat[t, b, y]",
                "A probability's logarithm is negative, a loss is not.", "at the loss"),
            Mistake("the loss is a mean over the steps, too", "-log_yhat[t, b, y].sum() / B",
                "-log_yhat[t, b, y].mean()", "The steps are to be added up.",
                "at the loss: and does its gradient fit?"),
            Mistake("the gradient is not divided by the number of examples", "dz / B", "dz",
                "The gradient of a mean is divided as the mean is.", "at the gradient"),
            Mistake("the loss is not divided by the number of examples", ".sum() / B", ".sum()",
                "The examples are to be averaged.", "at the loss"),
            Mistake("the gradient misses the target", "    dz[t, b, y] -= 1\n", "",
                "The right class pulls the other way.", "at the gradient"),
            Mistake("the gradient has the wrong sign", "dz / B", "-dz / B",
                "Descent would make the right class less likely.", "at the gradient"),
            Mistake("log of a probability that has become 0",
                "log_yhat = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))",
                "log_yhat = np.log(np.exp(shifted) / np.exp(shifted).sum(axis=-1, keepdims=True))",
                "The probability of a hopeless class is rounded to 0, and its logarithm is infinite.",
                "at the logarithm: what is log of a quotient?"),
            Mistake("logarithms to base 2", "-log_yhat[t, b, y].sum() / B", "-log_yhat[t, b, y].sum() / B / np.log(2)",
                "Nats are asked for, not bits.", "at the logarithm"),
            Mistake("the gradient is divided by the number of steps, too", "dz / B", "dz / (B * T)",
                "The steps are to be added up.", "at the gradient"),
        ),
        hints=(
            "log softmax can be written without log of a tiny number.",
            "The loss picks one entry a step; the gradient is that of softmax and cross-entropy together.",
            "log ŷ is the logit minus the logarithm of the sum of exps, both after subtracting the largest. The "
            "gradient is probabilities minus one-hot targets, divided as the loss is.",
        ),
        question="what is the loss of a network that knows nothing, with n_y classes and T steps?",
    ),
    Exercise(
        "rnn-forward.parameters", "Count, as a function", 5, "recall",
        task="Count the parameters of a plain recurrent network with an output layer.",
        solution=parameters,
        reference=right_count,
        draw=draw_count,
        kinds=COUNTS,
        outputs={"count": "()"},
        mistakes=(
            Mistake("the state's own weights are missing", "n_a * (n_a + n_x)", "n_a * n_x", "The state is read, too.",
                "at the cell's matrix"),
            Mistake("the biases are missing", "n_a * (n_a + n_x) + n_a + n_y * n_a + n_y",
                "n_a * (n_a + n_x) + n_y * n_a", "Two layers, two biases.", "at what is added to the products"),
            Mistake("the output layer is missing", " + n_y * n_a + n_y", "", "There are two layers.", "at the end"),
            Mistake("the output's bias is missing", " + n_y * n_a + n_y", " + n_y * n_a", "Two layers, two biases.",
                "at the output layer"),
            Mistake("the output layer reads the input, too", "n_y * n_a + n_y", "n_y * (n_a + n_x) + n_y",
                "It reads the state.", "at the output layer"),
        ),
        hints=(
            "Two matrices and two biases.",
            "The cell reads state and input side by side.",
            "The cell: n_a rows of n_a + n_x entries, and n_a biases; then the output layer likewise.",
        ),
        question="how does the count depend on the length of the sequences?",
    ),
    Exercise(
        "rnn-forward.last-states", "Each example's own last step", 10, "code",
        task="Of padded sequences, pick each example's state at its own last step.",
        solution=last_states,
        reference=right_last,
        draw=draw_last,
        outputs={"last": "(B, n_a)"},
        mistakes=(
            Mistake("the last step of the array is taken", "a[lengths - 1, np.arange(a.shape[1])]", "a[-1]",
                "That is padding for the shorter examples.", "at the index of time"),
            Mistake("the index is one too far", "lengths - 1", "np.minimum(lengths, len(a) - 1)",
                "The first step has the index 0.", "at the index of time"),
            Mistake("the shortest example's last step is taken for all", "lengths - 1,", "lengths.min() - 1,",
                "Every example has an end of its own.", "at the index of time"),
            Mistake("the mean over the steps is taken", "a[lengths - 1, np.arange(a.shape[1])]", "a.mean(axis=0)",
                "One state is asked for.", "at the whole line"),
            Mistake("the index is counted from the end", "a[lengths - 1,", "a[-lengths,",
                "The examples begin together and end apart.", "at the index of time"),
        ),
        hints=(
            "NumPy takes an index array for each axis.",
            "Time has lengths for an index, the examples have 0, 1, …, B - 1.",
            "The step of length n has the index n - 1; pair it with np.arange(B).",
        ),
        question="how would you send a gradient back to exactly these states?",
    ),
    Derivation(
        "rnn-forward.state", "The state", 5, "recall", "ex-blank-rnn-forward-state",
        task="Write the new state in terms of the old one, the input and the parameters.",
        left=r"a^{\langle t \rangle}",
        answer=r"\tanh\left(W_{aa} a^{\langle t-1 \rangle} + W_{ax} x^{\langle t \rangle} + b_a\right)",
        allowed=("W_{aa}", "W_{ax}", "b_a", r"a^{\langle t \rangle}", r"x^{\langle t \rangle}"),
        slips=(
            Slip("the bias is missing",
                r"\tanh\left(W_{aa} a^{\langle t-1 \rangle} + W_{ax} x^{\langle t \rangle}\right)",
                "There are three terms.", "inside the tanh"),
            Slip("W_aa is transposed",
                r"\tanh\left(W_{aa}^{\top} a^{\langle t-1 \rangle} + W_{ax} x^{\langle t \rangle} + b_a\right)",
                "The mathematics has columns: the matrix stands as it is.", "at the first term"),
            Slip("the tanh is missing", r"W_{aa} a^{\langle t-1 \rangle} + W_{ax} x^{\langle t \rangle} + b_a",
                "That is z.", "around the sum"),
        ),
        hints=(
            "Three terms inside one function.",
            "The first index of a matrix says where it leads to.",
            "tanh of: matrix times old state, plus matrix times input, plus bias.",
        ),
        question="which of the parameters depend on t?",
    ),
)  # fmt: skip
