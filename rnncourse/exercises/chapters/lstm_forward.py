"""Exercises of the chapter on the LSTM, forwards."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...activations import sigmoid
from ...layers.lstm import LSTM
from ...records import Array
from ..records import CELL, Derivation, Exercise, Kind, Mistake, Question, Sizes, Slip
from .drawing import lengths, normal

__all__ = ["EXERCISES"]


def lstm_step(x_t: Array, a_prev: Array, c_prev: Array, layer: LSTM) -> tuple[Array, Array]:
    """Take one step of the LSTM.

    Parameters
    ----------
    x_t : ndarray, shape (B, n_x)
        The inputs.
    a_prev, c_prev : ndarray, shape (B, n_a)
        The states before.
    layer : LSTM
        With the gates' parameters: layer.W_f, W_u, W_o and W_c, each of shape (n_a, n_a + n_x) for [a | x],
        and layer.b_f, b_u, b_o and b_c, each of shape (n_a,). `sigmoid` is there.

    Returns
    -------
    a_t, c_t : ndarray, shape (B, n_a)
        The states after.
    """
    v = np.concatenate([a_prev, x_t], axis=1)
    f = sigmoid(v @ layer.W_f.T + layer.b_f)
    u = sigmoid(v @ layer.W_u.T + layer.b_u)
    o = sigmoid(v @ layer.W_o.T + layer.b_o)
    cand = np.tanh(v @ layer.W_c.T + layer.b_c)
    c_t = f * c_prev + u * cand
    a_t = o * np.tanh(c_t)
    return a_t, c_t


def drawn_layer(rng: np.random.Generator, s: Sizes) -> LSTM:
    """Draw an LSTM whose biases are not zero."""
    return LSTM(normal(rng, s, 4 * s.n_a, s.n_a + s.n_x), normal(rng, s, 4 * s.n_a))


def draw_step(rng: np.random.Generator, s: Sizes) -> dict[str, Any]:
    """Draw a cell and one step's inputs."""
    states = {"a_prev": normal(rng, s, s.B, s.n_a), "c_prev": normal(rng, s, s.B, s.n_a)}
    return {"x_t": normal(rng, s, s.B, s.n_x)} | states | {"layer": drawn_layer(rng, s)}


def right_step(x_t: Array, a_prev: Array, c_prev: Array, layer: LSTM) -> tuple[Array, Array]:
    """Use the package's layer."""
    final = layer.forward(x_t[None], (a_prev, c_prev)).final
    return final[0], final[1]


def lstm_forward(x: Array, lengths: Array, layer: LSTM) -> tuple[Array, Array]:
    """Take an LSTM over padded sequences from the zero states; behind an example's end its states stay.

    Parameters
    ----------
    x : ndarray, shape (T, B, n_x)
        The inputs; what stands behind the end of an example is to be ignored.
    lengths : ndarray of int, shape (B,)
        How many steps each example has.
    layer : LSTM
        layer.step(x_t, (a, c)) returns (output, (a, c)) of one step.

    Returns
    -------
    a, c : ndarray, shape (B, n_a)
        Each example's states after its own last step.
    """
    a = np.zeros((x.shape[1], layer.n_a))
    c = np.zeros_like(a)
    for t in range(len(x)):
        _, (a_new, c_new) = layer.step(x[t], (a, c))
        inside = (t < lengths)[:, None]
        a = np.where(inside, a_new, a)
        c = np.where(inside, c_new, c)
    return a, c


def draw_forward(rng: np.random.Generator, s: Sizes) -> dict[str, Any]:
    """Draw padded sequences of different lengths."""
    return {"x": normal(rng, s, s.T, s.B, s.n_x), "lengths": lengths(rng, s), "layer": drawn_layer(rng, s)}


def right_forward(x: Array, lengths: Array, layer: LSTM) -> tuple[Array, Array]:
    """Use the package's layer."""
    final = layer.forward(x, lengths=lengths).final
    return final[0], final[1]


def from_torch(weight_ih: Array, weight_hh: Array, bias_ih: Array, bias_hh: Array) -> tuple[Array, Array]:
    """Turn the weights of PyTorch's LSTM into W and b of ours.

    Parameters
    ----------
    weight_ih, weight_hh : ndarray, shapes (4·n_a, n_x) and (4·n_a, n_a)
        The blocks i, f, g, o from the top: our update gate, forget gate, candidate and output gate.
    bias_ih, bias_hh : ndarray, shape (4·n_a,)
        In the same order.

    Returns
    -------
    W : ndarray, shape (4·n_a, n_a + n_x)
        The blocks f, u, o, c from the top, each for [a | x].
    b : ndarray, shape (4·n_a,)
        In the same order.
    """
    W = np.concatenate([weight_hh, weight_ih], axis=1)
    b = bias_ih + bias_hh
    i, f, g, o = np.split(W, 4)
    b_i, b_f, b_g, b_o = np.split(b, 4)
    return np.concatenate([f, i, o, g]), np.concatenate([b_f, b_i, b_o, b_g])


def draw_torch(rng: np.random.Generator, s: Sizes) -> dict[str, Array]:
    """Draw the four arrays."""
    return {"weight_ih": normal(rng, s, 4 * s.n_a, s.n_x), "weight_hh": normal(rng, s, 4 * s.n_a, s.n_a),
            "bias_ih": normal(rng, s, 4 * s.n_a), "bias_hh": normal(rng, s, 4 * s.n_a)}  # fmt: skip


def right_torch(weight_ih: Array, weight_hh: Array, bias_ih: Array, bias_hh: Array) -> tuple[Array, Array]:
    """Name the blocks, and let the package stack them."""
    names, n = ("u", "f", "c", "o"), len(bias_ih) // 4
    parts = {}
    for k, gate in enumerate(names):
        rows = slice(k * n, (k + 1) * n)
        parts[f"W_{gate}a"], parts[f"W_{gate}x"] = weight_hh[rows], weight_ih[rows]
        parts[f"b_{gate}"] = bias_ih[rows] + bias_hh[rows]
    layer = LSTM.from_gates(**parts)
    return layer.W, layer.b


def bias_for(T: int) -> float:
    """Find the forget bias with which an untrained cell keeps half of its memory over T steps.

    Parameters
    ----------
    T : int
        How many steps.

    Returns
    -------
    bias : float
        With all weights zero, the forget gate is sigmoid(bias) at every step.
    """
    return -float(np.log(2 ** (1 / T) - 1))


def draw_bias(rng: np.random.Generator, s: Sizes) -> dict[str, int]:
    """Give the world's length."""
    return {"T": s.T}


def right_bias(T: int) -> float:
    """Search with the package's sigmoid: what is kept grows with the bias."""
    low, high = -50.0, 50.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if float(sigmoid(np.array([middle]))[0]) ** T < 0.5 else (low, middle)
    return (low + high) / 2


def same_budget(n_x: int, budget: int) -> int:
    """Find how many units an LSTM may have with at most a given number of parameters.

    Parameters
    ----------
    n_x : int
        Number of inputs.
    budget : int
        The largest number of parameters allowed, without an output layer.

    Returns
    -------
    n_a : int
        The largest number of units.
    """
    n_a = 0
    while 4 * (n_a + 1) * (n_a + 1 + n_x) + 4 * (n_a + 1) <= budget:
        n_a += 1
    return n_a


def draw_budget(rng: np.random.Generator, s: Sizes) -> dict[str, int]:
    """Draw a budget that is no exact count; the sizes hold the number of inputs."""
    return {"n_x": s.n_x, "budget": 1000 * s.T + int(rng.integers(0, 1000))}


def right_budget(n_x: int, budget: int) -> int:
    """Count the numbers of the package's layers."""
    rng, n_a = np.random.default_rng(0), 1
    while (layer := LSTM.init(n_x, n_a, rng)).W.size + layer.b.size <= budget:
        n_a += 1
    return n_a - 1


LENGTHS = tuple(Kind(f"T = {T}", Sizes(T=T)) for T in (1, 5, 10, 100, 1000))
BUDGETS = tuple(Kind(f"n_x = {n}", Sizes(T=T, n_x=n)) for T, n in ((3, 4), (5, 7), (11, 50), (8, 1)))
ROWS = "A row of the array is a column of the mathematics: what stands left of a column stands, turned, right of a row."

EXERCISES = (
    Question("lstm-forward.by-hand", "By hand", 10, "recall", "ex-lstm-hand"),
    Question("lstm-forward.count", "The same budget", 8, "recall", "ex-lstm-count"),
    Question("lstm-forward.counter", "A counter with a reset", 10, "code", "ex-lstm-counter"),
    Question("lstm-forward.torch", "Moving in from PyTorch", 10, "code", "ex-lstm-torch"),
    Question("lstm-forward.half-life", "A bias for a length", 8, "derive", "ex-lstm-half-life"),
    Question("lstm-forward.last", "When forgetting is needed (research)", 25, "explore", "ex-lstm-last"),
    Exercise(
        "lstm-forward.lstm-step", "One step of the LSTM", 20, "code", "ex-blank-lstm-forward-lstm-step",
        task="Write one step of the LSTM: three gates, a candidate, and the two states.",
        solution=lstm_step,
        given="from rnncourse.activations import sigmoid",
        reference=right_step,
        draw=draw_step,
        kinds=CELL,
        outputs={"a_t": "(B, n_a)", "c_t": "(B, n_a)"},
        mistakes=(
            Mistake("forget and update gate are swapped", "f * c_prev + u * cand", "u * c_prev + f * cand",
                "One gate keeps what is there, the other lets something new in.", "at the line of c_t"),
            Mistake("the output misses its tanh", "o * np.tanh(c_t)", "o * c_t",
                "The memory is squashed before it is shown.", "at the line of a_t"),
            Mistake("the output looks at the old memory", "np.tanh(c_t)", "np.tanh(c_prev)",
                "What is shown is the memory of this step.", "at the line of a_t"),
            Mistake("the candidate has a sigmoid", "cand = np.tanh(v @ layer.W_c.T + layer.b_c)",
                "cand = sigmoid(v @ layer.W_c.T + layer.b_c)",
                "What is written may be negative; only gates lie between 0 and 1.", "at the candidate"),
            Mistake("the input stands before the state", "[a_prev, x_t]", "[x_t, a_prev]",
                "The matrices are for [a | x].", "at the stack"),
            Mistake("the gates read the memory in place of the state", "np.concatenate([a_prev, x_t]",
                "np.concatenate([c_prev, x_t]", "Without peepholes the gates see a, not c.", "at the stack"),
            Mistake("the gates are coupled", "u * cand", "(1 - f) * cand", "This cell has an update gate of its own.",
                "at the line of c_t"),
            Mistake("one bias serves two gates", "layer.W_u.T + layer.b_u", "layer.W_u.T + layer.b_f",
                "Every gate has its own bias.", "at the gates' biases"),
            Mistake("the output gate uses the forget gate's weights", "layer.W_o.T", "layer.W_f.T",
                "Every gate has its own weights.", "at the gates' matrices"),
            Mistake("the candidate is written without its gate", "u * cand", "cand",
                "A gate decides how much of it is written.", "at the line of c_t"),
            Mistake("the memory is never forgotten", "f * c_prev", "c_prev", "A gate decides how much is kept.",
                "at the line of c_t"),
            Mistake("the candidate is shown in place of the memory", "np.tanh(c_t)", "cand",
                "The output reads the memory, old and new.", "at the line of a_t"),
            Mistake("the output gate stands inside the tanh", "o * np.tanh(c_t)", "np.tanh(o * c_t)",
                "The gate acts on what has been squashed.", "at the brackets of a_t"),
        ),
        hints=(
            "All three gates have the same form, with weights of their own.",
            "Stack state and input side by side, in the order for which the matrices are made.",
            "Three sigmoids, a tanh for the candidate; the memory is gate times old plus gate times candidate; the "
            "state is gate times tanh of the memory.",
        ),
        question="which of the two states could you compute without the output gate?",
    ),
    Exercise(
        "lstm-forward.lstm-forward", "Padded sequences", 20, "code",
        task="Take an LSTM over padded sequences; behind an example's end its states stay as they are.",
        solution=lstm_forward,
        reference=right_forward,
        draw=draw_forward,
        outputs={"a": "(B, n_a)", "c": "(B, n_a)"},
        mistakes=(
            Mistake("padding is read like anything else", "(t < lengths)", "(t < len(x) + 0 * lengths)",
                "What stands behind an end is no data.", "at what happens behind an example's end"),
            Mistake("an example ends one step too late", "t < lengths", "t <= lengths",
                "The first step has the index 0.", "at the comparison with lengths"),
            Mistake("an example ends one step too early", "t < lengths", "t < lengths - 1",
                "The first step has the index 0.", "at the comparison with lengths"),
            Mistake("the states are zero behind the end",
                "np.where(inside, a_new, a)\n        c = np.where(inside, c_new, c)",
                "np.where(inside, a_new, 0.0)\n        c = np.where(inside, c_new, 0.0)",
                "They are to stay: what is returned is the state after the last step.",
                "at what happens behind an example's end"),
            Mistake("the memory goes on behind the end", "c = np.where(inside, c_new, c)", "c = c_new",
                "Both states stay.", "at c"),
            Mistake("the hidden state goes on behind the end", "a = np.where(inside, a_new, a)", "a = a_new",
                "Both states stay.", "at a"),
            Mistake("each step starts with an empty memory", "(a, c))", "(a, 0 * c))",
                "Both states go from step to step.", "at the call of step"),
            Mistake("each step starts with a zero hidden state", "(a, c))", "(0 * a, c))",
                "Both states go from step to step.", "at the call of step"),
        ),
        hints=(
            "Take every step for all examples, then decide who keeps it.",
            "At index t, whose sequence is still going on?",
            "A boolean column, one entry an example, chooses between the new state and the old one with np.where: "
            "for a and for c.",
        ),
        question="why is np.where better here than multiplying by 0 or 1, if the padding is NaN?",
    ),
    Exercise(
        "lstm-forward.from-torch", "Weights from PyTorch, checked", 15, "code",
        task="Put the blocks of PyTorch's LSTM into the order of ours.",
        solution=from_torch,
        reference=right_torch,
        draw=draw_torch,
        kinds=CELL,
        outputs={"W": "(4·n_a, n_a + n_x)", "b": "(4·n_a,)"},
        mistakes=(
            Mistake("the blocks stay in PyTorch's order", "[f, i, o, g]), np.concatenate([b_f, b_i, b_o, b_g])",
                "[i, f, g, o]), np.concatenate([b_i, b_f, b_g, b_o])", "The shapes are right in any order.",
                "at the order of the blocks"),
            Mistake("candidate and output gate are swapped", "[f, i, o, g]), np.concatenate([b_f, b_i, b_o, b_g])",
                "[f, i, g, o]), np.concatenate([b_f, b_i, b_g, b_o])", "PyTorch's g is our candidate.",
                "at the last two blocks"),
            Mistake("forget and update gate are swapped", "[f, i, o, g]), np.concatenate([b_f, b_i, b_o, b_g])",
                "[i, f, o, g]), np.concatenate([b_i, b_f, b_o, b_g])", "PyTorch's i is our update gate.",
                "at the first two blocks"),
            Mistake("the biases stay in PyTorch's order", "[b_f, b_i, b_o, b_g]", "[b_i, b_f, b_g, b_o]",
                "A bias goes with its block.", "at b"),
            Mistake("the input stands before the state", "[weight_hh, weight_ih]", "[weight_ih, weight_hh]",
                "Our matrices are for [a | x].", "at the two matrices side by side"),
            Mistake("one of the two biases is lost", "bias_ih + bias_hh", "bias_ih", "Both are added to the same z.",
                "at b"),
        ),
        hints=(
            "Both have one matrix for [a | x] if you put theirs side by side.",
            "Cut it into four blocks and name them by what they do.",
            "PyTorch has i, f, g, o: update, forget, candidate, output. Ours begins with the forget gate and ends "
            "with the candidate.",
        ),
        question="what would a check by shapes alone say of a wrong order?",
    ),
    Exercise(
        "lstm-forward.bias-for", "A bias for a length, checked", 10, "derive",
        task="Find the forget bias with which half of the memory is left after $T$ steps.",
        solution=bias_for,
        reference=right_bias,
        draw=draw_bias,
        kinds=LENGTHS,
        outputs={"bias": "()"},
        mistakes=(
            Mistake("1/e is left, or nearly, not one half", "-float(np.log(2 ** (1 / T) - 1))", "float(np.log(T))",
                "log T is the rule of thumb for another fraction.", "at what is to be left"),
            Mistake("the sign is wrong", "-float(np.log(2 ** (1 / T) - 1))", "float(np.log(2 ** (1 / T) - 1))",
                "A gate that keeps has a large bias.", "at the sign"),
            Mistake("one half is left after one step, not after T", "2 ** (1 / T) - 1", "2.0 - 1 + 0 * T",
                "The gate acts T times.", "at the power"),
            Mistake("the gate is given in place of its bias", "-float(np.log(2 ** (1 / T) - 1))",
                "float(2 ** (-1 / T))", "The bias is what the sigmoid makes the gate of.",
                "at the last step: which number has that sigmoid?"),
            Mistake("the memory decays by T at each step", "2 ** (1 / T) - 1", "2**T - 1", "T factors make one half.",
                "at the power"),
            Mistake("the bias is that of a tanh gate", "-float(np.log(2 ** (1 / T) - 1))",
                "float(np.arctanh(2 ** (-1 / T)))", "Gates are sigmoids.", "at the inverse"),
        ),
        hints=(
            "How much is left after T steps with a constant gate?",
            "Solve for the gate first, then for its bias.",
            "The gate is the T-th root of one half; turn the sigmoid round: 1 + exp(-bias) is 1 over the gate.",
        ),
        question="how does the bias grow with T?",
    ),
    Exercise(
        "lstm-forward.budget", "How many units", 10, "recall",
        task="Find how many units an LSTM may have within a budget of parameters.",
        solution=same_budget,
        reference=right_budget,
        draw=draw_budget,
        kinds=BUDGETS,
        outputs={"n_a": "()"},
        mistakes=(
            Mistake("one block is counted in place of four", "4 * (n_a + 1) * (n_a + 1 + n_x) + 4 * (n_a + 1)",
                "(n_a + 1) * (n_a + 1 + n_x) + n_a + 1", "Three gates and a candidate have parameters of their own.",
                "at the count"),
            Mistake("three blocks are counted in place of four", "4 * (n_a + 1) * (n_a + 1 + n_x) + 4 * (n_a + 1)",
                "3 * (n_a + 1) * (n_a + 1 + n_x) + 3 * (n_a + 1)", "The candidate counts, too.", "at the count"),
            Mistake("it is one unit too many", "return n_a", "return n_a + 1",
                "The budget is the most that is allowed.", "at the end of the loop"),
            Mistake("the state's own weights are missing", "(n_a + 1 + n_x)", "n_x", "The gates read state and input.",
                "at the count"),
        ),
        hints=(
            "Count the parameters of n_a units.",
            "Four blocks, each with a matrix for [a | x] and a bias.",
            "Go up from n_a = 0 while one unit more still fits.",
        ),
        question="how many numbers does such a layer carry from step to step, beside a plain one of the same budget?",
    ),
    Derivation(
        "lstm-forward.cell", "The memory", 5, "recall", "ex-blank-lstm-forward-cell",
        task="Write the new memory in terms of the gates, the candidate and the old memory.",
        left=r"c^{\langle t \rangle}",
        answer=(
            r"\Gamma_u^{\langle t \rangle} \odot \tilde c^{\langle t \rangle} + \Gamma_f^{\langle t \rangle} \odot "
            r"c^{\langle t-1 \rangle}"
        ),
        allowed=(r"\Gamma_u^{\langle t \rangle}", r"\Gamma_f^{\langle t \rangle}", r"\tilde c^{\langle t \rangle}",
            r"c^{\langle t \rangle}"),
        slips=(
            Slip("the gates are swapped",
                r"\Gamma_f^{\langle t \rangle} \odot \tilde c^{\langle t \rangle} + \Gamma_u^{\langle t \rangle} "
                r"\odot c^{\langle t-1 \rangle}", "One gate keeps, the other writes.", "at the gates"),
            Slip("the gates are coupled",
                r"(1 - \Gamma_f^{\langle t \rangle}) \odot \tilde c^{\langle t \rangle} + \Gamma_f^{\langle t "
                r"\rangle} \odot c^{\langle t-1 \rangle}", "That is the coupled cell.", "at the first gate"),
            Slip("nothing is forgotten",
                r"\Gamma_u^{\langle t \rangle} \odot \tilde c^{\langle t \rangle} + c^{\langle t-1 \rangle}",
                "That is the cell of 1997, before the forget gate.", "at the second term"),
        ),
        hints=(
            "Two terms, each with a gate.",
            "One for what is written, one for what is kept.",
            "Update gate with candidate, forget gate with the memory before, entry by entry.",
        ),
        question="how large can the memory become?",
    ),
)  # fmt: skip
