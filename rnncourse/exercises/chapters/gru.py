"""Exercises of the chapter on the gated recurrent unit."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...activations import sigmoid
from ...layers.gru import GRU, GRUCellCache, gru_cell_backward, gru_cell_forward
from ...records import Array
from ..records import CELL, Derivation, Exercise, Kind, Mistake, Question, Sizes, Slip
from .drawing import normal

__all__ = ["EXERCISES"]


def gru_step(x_t: Array, c_prev: Array, layer: GRU) -> Array:
    """Take one step of the gated recurrent unit; the reset gate acts before the product.

    Parameters
    ----------
    x_t : ndarray, shape (B, n_x)
        The inputs.
    c_prev : ndarray, shape (B, n_a)
        The states before.
    layer : GRU
        With the parameters: layer.W_u, W_r and W_c, each of shape (n_a, n_a + n_x) for [c | x], and layer.b_u, b_r and
        b_c, each of shape (n_a,). `sigmoid` is there.

    Returns
    -------
    c_t : ndarray, shape (B, n_a)
        The states after.
    """
    v = np.concatenate([c_prev, x_t], axis=1)
    u = sigmoid(v @ layer.W_u.T + layer.b_u)
    r = sigmoid(v @ layer.W_r.T + layer.b_r)
    cand = np.tanh(np.concatenate([r * c_prev, x_t], axis=1) @ layer.W_c.T + layer.b_c)
    return u * cand + (1 - u) * c_prev


def drawn_layer(rng: np.random.Generator, s: Sizes) -> GRU:
    """Draw a GRU whose biases are not zero."""
    return GRU(normal(rng, s, 3 * s.n_a, s.n_a + s.n_x), normal(rng, s, 3 * s.n_a))


def draw_step(rng: np.random.Generator, s: Sizes) -> dict[str, Any]:
    """Draw a cell and one step's inputs."""
    return {"x_t": normal(rng, s, s.B, s.n_x), "c_prev": normal(rng, s, s.B, s.n_a), "layer": drawn_layer(rng, s)}


def right_step(x_t: Array, c_prev: Array, layer: GRU) -> Array:
    """Use the package's layer."""
    return layer.forward(x_t[None], c_prev).a[0]


def gru_step_back(layer: GRU, cache: GRUCellCache, dc_t: Array) -> tuple[Array, ...]:
    """Take one step back through the gated recurrent unit.

    Parameters
    ----------
    layer : GRU
        layer.W_uc, W_rc and W_cc of shape (n_a, n_a), and layer.W_ux, W_rx and W_cx of shape (n_a, n_x).
    cache : GRUCellCache
        What the forward step kept: cache.x_t, c_prev, gate_u, gate_r and cand.
    dc_t : ndarray, shape (B, n_a)
        dL/dc_t, the whole of it.

    Returns
    -------
    dz_u, dz_r, dz_c : ndarray, shape (B, n_a)
        The gradients with respect to what stands inside the two sigmoids and the tanh.
    dW_cc : ndarray, shape (n_a, n_a)
        This step's share.
    dx_t, dc_prev : ndarray, shapes (B, n_x) and (B, n_a)
        What reaches the input and the state before.
    """
    u, r, cand, c_prev = cache.gate_u, cache.gate_r, cache.cand, cache.c_prev
    dz_u = dc_t * (cand - c_prev) * u * (1 - u)
    dz_c = dc_t * u * (1 - cand**2)
    d_reset = dz_c @ layer.W_cc
    dz_r = d_reset * c_prev * r * (1 - r)
    dW_cc = dz_c.T @ (r * c_prev)
    dx_t = dz_u @ layer.W_ux + dz_r @ layer.W_rx + dz_c @ layer.W_cx
    dc_prev = dc_t * (1 - u) + d_reset * r + dz_u @ layer.W_uc + dz_r @ layer.W_rc
    return dz_u, dz_r, dz_c, dW_cc, dx_t, dc_prev


def draw_back(rng: np.random.Generator, s: Sizes) -> dict[str, Any]:
    """Draw a step that a cell has really taken."""
    layer = drawn_layer(rng, s)
    _, cache = gru_cell_forward(layer, normal(rng, s, s.B, s.n_x), normal(rng, s, s.B, s.n_a))
    return {"layer": layer, "cache": cache, "dc_t": normal(rng, s, s.B, s.n_a)}


def right_back(layer: GRU, cache: GRUCellCache, dc_t: Array) -> tuple[Array, ...]:
    """Use the package's cell."""
    dx_t, dc_prev, d = gru_cell_backward(layer, cache, dc_t)
    return d.dz_u, d.dz_r, d.dz_c, d.layer.W_cc, dx_t, dc_prev


def reset_after_step(x_t: Array, c_prev: Array, layer: GRU) -> Array:
    """Take one step of the form that resets after the product, which is PyTorch's.

    Parameters
    ----------
    x_t : ndarray, shape (B, n_x)
        The inputs.
    c_prev : ndarray, shape (B, n_a)
        The states before.
    layer : GRU
        layer.W_uc, W_rc, W_cc and layer.W_ux, W_rx, W_cx, and layer.b_u, b_r, b_c and b_cc, the bias inside the reset.
        `sigmoid` is there.

    Returns
    -------
    c_t : ndarray, shape (B, n_a)
        The states after.
    """
    u = sigmoid(c_prev @ layer.W_uc.T + x_t @ layer.W_ux.T + layer.b_u)
    r = sigmoid(c_prev @ layer.W_rc.T + x_t @ layer.W_rx.T + layer.b_r)
    cand = np.tanh(r * (c_prev @ layer.W_cc.T + layer.b_cc) + x_t @ layer.W_cx.T + layer.b_c)
    return u * cand + (1 - u) * c_prev


def draw_after(rng: np.random.Generator, s: Sizes) -> dict[str, Any]:
    """Draw a cell of that form and one step's inputs."""
    plain = drawn_layer(rng, s)
    return {"x_t": normal(rng, s, s.B, s.n_x), "c_prev": normal(rng, s, s.B, s.n_a),
            "layer": GRU(plain.W, plain.b, normal(rng, s, s.n_a))}  # fmt: skip


def bias_for(k: int) -> float:
    """Find the bias of the update gate with which half of what was written is left after k steps.

    Parameters
    ----------
    k : int
        How many steps.

    Returns
    -------
    b_u : float
        With W_u = 0 and candidates of 0, the update gate is sigmoid(b_u) at every step.
    """
    gate = 1 - 2 ** (-1 / k)
    return float(np.log(gate / (1 - gate)))


def draw_bias(rng: np.random.Generator, s: Sizes) -> dict[str, int]:
    """Give the world's length."""
    return {"k": s.T}


def right_bias(k: int) -> float:
    """Search with the package's sigmoid: what is left falls with the bias."""
    low, high = -50.0, 50.0
    for _ in range(200):
        middle = (low + high) / 2
        left = (1 - float(sigmoid(np.array([middle]))[0])) ** k
        low, high = (middle, high) if left > 0.5 else (low, middle)
    return (low + high) / 2


LENGTHS = tuple(Kind(f"k = {T}", Sizes(T=T)) for T in (1, 5, 10, 100, 1000))

EXERCISES = (
    Question("gru.by-hand", "By hand", 8, "recall", "ex-gru-hand"),
    Question("gru.memory", "A memory of given length", 8, "derive", "ex-gru-half-life"),
    Question("gru.bug", "Find the bug", 8, "code", "ex-gru-bug"),
    Question("gru.keras", "Weights from Keras", 12, "code", "ex-gru-keras"),
    Question("gru.agree", "When the two forms agree", 8, "derive", "ex-gru-agree"),
    Question("gru.one-gate", "Is the reset gate needed? (research)", 20, "explore", "ex-gru-one-gate"),
    Exercise(
        "gru.gru-step", "One step of the GRU", 15, "code", "ex-blank-gru-gru-step",
        task="Write one step of the gated recurrent unit whose reset gate acts before the product.",
        solution=gru_step,
        given="from rnncourse.activations import sigmoid",
        reference=right_step,
        draw=draw_step,
        kinds=CELL,
        outputs={"c_t": "(B, n_a)"},
        mistakes=(
            Mistake("the update gate keeps in place of writing", "u * cand + (1 - u) * c_prev",
                "(1 - u) * cand + u * c_prev", "That is PyTorch's convention; here an open gate writes.",
                "at the last line"),
            Mistake("the reset comes after the product", "np.concatenate([r * c_prev, x_t], axis=1) @ layer.W_c.T",
                "r * (c_prev @ layer.W_cc.T) + x_t @ layer.W_cx.T", "That is another cell: PyTorch's.",
                "at the candidate"),
            Mistake("the reset gate is not used", "[r * c_prev, x_t]", "[c_prev, x_t]",
                "The candidate sees the state through a gate.", "at the candidate"),
            Mistake("the reset gate acts on the input, too", "np.concatenate([r * c_prev, x_t], axis=1) @ layer.W_c.T",
                "(r * c_prev) @ layer.W_cc.T + r * (x_t @ layer.W_cx.T)", "The input is not reset.",
                "at the candidate"),
            Mistake("the candidate has no tanh",
                "np.tanh(np.concatenate([r * c_prev, x_t], axis=1) @ layer.W_c.T + layer.b_c)",
                "np.concatenate([r * c_prev, x_t], axis=1) @ layer.W_c.T + layer.b_c",
                "Without it the state can grow without limit.", "at the candidate"),
            Mistake("update and reset gate have each other's weights",
                "    u = sigmoid(v @ layer.W_u.T + layer.b_u)\n    r = sigmoid(v @ layer.W_r.T + layer.b_r)",
                "    r = sigmoid(v @ layer.W_u.T + layer.b_u)\n    u = sigmoid(v @ layer.W_r.T + layer.b_r)",
                "Every gate has its own weights.", "at the two gates"),
            Mistake("one bias serves both gates", "layer.W_r.T + layer.b_r", "layer.W_r.T + layer.b_u",
                "Every gate has its own bias.", "at the biases"),
            Mistake("the input stands before the state", "v = np.concatenate([c_prev, x_t], axis=1)",
                "v = np.concatenate([x_t, c_prev], axis=1)", "The matrices are for [c | x].",
                "at the stack of the gates"),
            Mistake("the old state is kept whole", "(1 - u) * c_prev", "c_prev",
                "What is written takes the place of what was there.", "at the last line"),
            Mistake("what is kept is reset, too", "(1 - u) * c_prev", "(1 - u) * r * c_prev",
                "The reset gate acts on what the candidate sees only.", "at the last line"),
            Mistake("the input stands before the state in both stacks", "c_prev, x_t], axis=1)",
                "c_prev, x_t][::-1], axis=1)", "The matrices are for [c | x].", "at the stacks"),
            Mistake("the candidate's bias is forgotten", " + layer.b_c)", ")", "All three have one.",
                "at the candidate"),
            Mistake("the candidate has a sigmoid", "np.tanh(", "sigmoid(",
                "What is written may be negative; only gates lie between 0 and 1.", "at the candidate"),
            Mistake("the reset gate uses the update gate's weights", "layer.W_r.T", "layer.W_u.T",
                "Every gate has its own weights.", "at the gates' matrices"),
        ),
        hints=(
            "Two gates first, then the candidate, then the mixture.",
            "The candidate sees a state that has been gated entry by entry.",
            "u and r from [c | x]; the candidate is tanh of W_c times [r ⊙ c | x] plus bias; the new state mixes "
            "candidate and old state with u and 1 - u.",
        ),
        question="with which gates does the cell become the plain recurrent one?",
    ),
    Exercise(
        "gru.gru-step-back", "One step back", 25, "code", "ex-blank-gru-gru-step-back",
        task="Write the gradients of one step of the gated recurrent unit.",
        solution=gru_step_back,
        reference=right_back,
        draw=draw_back,
        kinds=CELL,
        outputs={"dz_u": "(B, n_a)", "dz_r": "(B, n_a)", "dz_c": "(B, n_a)", "dW_cc": "(n_a, n_a)", "dx_t": "(B, n_x)",
            "dc_prev": "(B, n_a)"},
        mistakes=(
            Mistake("the update gate's gradient misses the old state", "(cand - c_prev) * u", "cand * u",
                "The gate stands in both products.", "at dz_u"),
            Mistake("the update gate's gradient has the wrong sign", "(cand - c_prev)", "(c_prev - cand)",
                "An open gate writes.", "at dz_u"),
            Mistake("the candidate gets what is kept", "dc_t * u * (1 - cand**2)", "dc_t * (1 - u) * (1 - cand**2)",
                "The candidate stands beside u.", "at dz_c"),
            Mistake("the old state gets what is written", "dc_t * (1 - u) + d_reset", "dc_t * u + d_reset",
                "The old state stands beside 1 - u.", "at dc_prev"),
            Mistake("the reset gate has the update gate's slope", "c_prev * r * (1 - r)", "c_prev * u * (1 - u)",
                "Each gate has its own slope.", "at dz_r"),
            Mistake("the reset is forgotten in dc_prev", "d_reset * r +", "d_reset +",
                "The candidate has seen the state through the gate.", "at dc_prev"),
            Mistake("the reset is forgotten in dW_cc", "dz_c.T @ (r * c_prev)", "dz_c.T @ c_prev",
                "W_cc has multiplied the gated state.", "at dW_cc"),
            Mistake("the way through the reset gate is missing", " + dz_r @ layer.W_rc", "",
                "The reset gate has read the old state, too.", "at dc_prev"),
            Mistake("the way through the update gate is missing", " + dz_u @ layer.W_uc", "",
                "The update gate has read the old state, too.", "at dc_prev"),
            Mistake("the straight way is missing", "dc_t * (1 - u) + d_reset", "d_reset", "What is kept is passed on.",
                "at dc_prev"),
            Mistake("W_cc is transposed on the way back", "dz_c @ layer.W_cc", "dz_c @ layer.W_cc.T",
                "On the way back a matrix stands as it is beside rows.", "at what reaches the gated state"),
            Mistake("the reset gate is reached without W_cc", "dz_r = d_reset *", "dz_r = dz_c *",
                "Between the gated state and z_c stands a matrix.", "at dz_r"),
            Mistake("the candidate's slope is missing", "dc_t * u * (1 - cand**2)", "dc_t * u",
                "The candidate has a tanh.", "at dz_c"),
            Mistake("the reset gate misses the old state", "d_reset * c_prev * r", "d_reset * r",
                "In a product each factor gets the other one.", "at dz_r"),
            Mistake("the reset gate is reached straight from the new state", "dz_r = d_reset *", "dz_r = dc_t *",
                "Only the candidate has seen the reset gate.", "at dz_r"),
            Mistake("the input is not reached through the reset gate", " + dz_r @ layer.W_rx", "",
                "All three have read the input.", "at dx_t"),
            Mistake("what reaches the old state is reset on the wrong side of W_cc", "d_reset * r +",
                "(dz_c * r) @ layer.W_cc +", "The way back meets gate and matrix in the reverse order.",
                "at dc_prev"),
            Mistake("the gates' matrices are transposed on the way back", "dz_u @ layer.W_uc + dz_r @ layer.W_rc",
                "dz_u @ layer.W_uc.T + dz_r @ layer.W_rc.T", "On the way back a matrix stands as it is beside rows.",
                "at dc_prev"),
        ),
        hints=(
            "Begin with the mixture: candidate, gate and old state each get a factor.",
            "From z_c one product with W_cc leads to the gated state; it is a product of two.",
            "dc_prev has four terms: what is kept, what comes through the gated state, and what the two gates' "
            "matrices send.",
        ),
        question="which of the six would tell you that the reset was forgotten in dW_cc alone?",
    ),
    Exercise(
        "gru.reset-after", "Reset after the product", 15, "code",
        task="Write one step of the form that PyTorch has.",
        solution=reset_after_step,
        given="from rnncourse.activations import sigmoid",
        reference=right_step,
        draw=draw_after,
        kinds=CELL,
        outputs={"c_t": "(B, n_a)"},
        mistakes=(
            Mistake("the reset comes before the product", "r * (c_prev @ layer.W_cc.T + layer.b_cc)",
                "(r * c_prev) @ layer.W_cc.T + layer.b_cc", "That is the other form.", "at the candidate"),
            Mistake("the inner bias stands outside the reset", "r * (c_prev @ layer.W_cc.T + layer.b_cc)",
                "r * (c_prev @ layer.W_cc.T) + layer.b_cc",
                "That bias is gated, too: so it cannot be added to the other one.", "at b_cc"),
            Mistake("the inner bias is missing", " + layer.b_cc", "", "There are two biases in the candidate.",
                "at the candidate"),
            Mistake("the two biases are swapped", "layer.b_cc) + x_t @ layer.W_cx.T + layer.b_c",
                "layer.b_c) + x_t @ layer.W_cx.T + layer.b_cc", "One is gated, the other is not.", "at the candidate"),
            Mistake("the update gate keeps in place of writing", "u * cand + (1 - u) * c_prev",
                "(1 - u) * cand + u * c_prev", "Here an open gate writes, in both forms.", "at the last line"),
            Mistake("the input is reset, too",
                "np.tanh(r * (c_prev @ layer.W_cc.T + layer.b_cc) + x_t @ layer.W_cx.T + layer.b_c)",
                "np.tanh(r * (c_prev @ layer.W_cc.T + layer.b_cc + x_t @ layer.W_cx.T) + layer.b_c)",
                "The input is not reset.", "at the candidate"),
        ),
        hints=(
            "Only the candidate differs from the other form.",
            "The gate multiplies what comes out of the state's product.",
            "Inside the tanh: gate times (product with the state plus its bias), plus product with the input, plus "
            "the other bias.",
        ),
        question="for which W_cc do the two forms agree?",
    ),
    Exercise(
        "gru.bias-for", "A memory of given length, checked", 10, "derive",
        task="Find the update gate's bias with which half of what was written is left after $k$ steps.",
        solution=bias_for,
        reference=right_bias,
        draw=draw_bias,
        kinds=LENGTHS,
        outputs={"b_u": "()"},
        mistakes=(
            Mistake("the gate is taken for one that keeps", "1 - 2 ** (-1 / k)", "2 ** (-1 / k)",
                "Here an open gate writes over the memory.", "at the gate"),
            Mistake("the gate itself is returned", "np.log(gate / (1 - gate))", "gate",
                "The bias is what the sigmoid makes the gate of.", "at the last line"),
            Mistake("half is lost in one step", "2 ** (-1 / k)", "2 ** (-1 / 1)", "The gate acts k times.",
                "at the power"),
            Mistake("the gate is 1/(2k)", "1 - 2 ** (-1 / k)", "1 / (2 * k)",
                "What is left is multiplied at each step, not diminished by the same amount.", "at the gate"),
            Mistake("the rule of thumb is given", "np.log(gate / (1 - gate))", "-np.log(k)", "That leaves about 1/e.",
                "at the last line"),
        ),
        hints=(
            "What is left after k steps with a constant gate?",
            "Solve for the gate, then turn the sigmoid round.",
            "1 minus the gate is the k-th root of one half; the bias is the logarithm of gate over 1 - gate.",
        ),
        question="how does the bias fall as k grows?",
    ),
    Derivation(
        "gru.state", "The mixture", 5, "recall",
        task="Write the new state in terms of the update gate, the candidate and the old state.",
        left=r"c^{\langle t \rangle}",
        answer=(
            r"\Gamma_u^{\langle t \rangle} \odot \tilde c^{\langle t \rangle} + (1 - \Gamma_u^{\langle t \rangle}) "
            r"\odot c^{\langle t-1 \rangle}"
        ),
        allowed=(r"\Gamma_u^{\langle t \rangle}", r"\tilde c^{\langle t \rangle}", r"c^{\langle t \rangle}"),
        slips=(
            Slip("the gate keeps in place of writing",
                r"(1 - \Gamma_u^{\langle t \rangle}) \odot \tilde c^{\langle t \rangle} + \Gamma_u^{\langle t "
                r"\rangle} \odot c^{\langle t-1 \rangle}", "That is PyTorch's convention.", "at the two factors"),
            Slip("the old state is kept whole",
                r"\Gamma_u^{\langle t \rangle} \odot \tilde c^{\langle t \rangle} + c^{\langle t-1 \rangle}",
                "What is written takes the place of what was there.", "at the second term"),
        ),
        hints=(
            "A weighted mean.",
            "The weights are the gate and what it leaves.",
            "Gate times candidate plus the rest times the old state.",
        ),
        question="between which two numbers does each entry lie?",
    ),
    Derivation(
        "gru.delta-u", "The update gate", 10, "derive", "ex-blank-gru-delta-u",
        task="Write the gradient with respect to $z_u$ at step $t$.",
        left=r"\delta_u^{\langle t \rangle}",
        answer=(
            r"\delta_c^{\langle t \rangle} \odot (\tilde c^{\langle t \rangle} - c^{\langle t-1 \rangle}) \odot "
            r"\Gamma_u^{\langle t \rangle} \odot (1 - \Gamma_u^{\langle t \rangle})"
        ),
        allowed=(r"\delta_c^{\langle t \rangle}", r"\tilde c^{\langle t \rangle}", r"c^{\langle t \rangle}",
            r"\Gamma_u^{\langle t \rangle}"),
        slips=(
            Slip("the old state is missing",
                r"\delta_c^{\langle t \rangle} \odot \tilde c^{\langle t \rangle} \odot \Gamma_u^{\langle t \rangle} "
                r"\odot (1 - \Gamma_u^{\langle t \rangle})", "The gate stands in both products.",
                "at the second factor"),
            Slip("the sign is turned round",
                r"\delta_c^{\langle t \rangle} \odot (c^{\langle t-1 \rangle} - \tilde c^{\langle t \rangle}) \odot "
                r"\Gamma_u^{\langle t \rangle} \odot (1 - \Gamma_u^{\langle t \rangle})", "An open gate writes.",
                "at the difference"),
            Slip("the slope is missing",
                r"\delta_c^{\langle t \rangle} \odot (\tilde c^{\langle t \rangle} - c^{\langle t-1 \rangle})",
                "Between the gate and z_u stands a sigmoid.", "at the slope"),
            Slip("the new state stands for the old one",
                r"\delta_c^{\langle t \rangle} \odot (\tilde c^{\langle t \rangle} - c^{\langle t \rangle}) \odot "
                r"\Gamma_u^{\langle t \rangle} \odot (1 - \Gamma_u^{\langle t \rangle})",
                "The gate chooses between the candidate and what was there before.", "at the time of c"),
        ),
        hints=(
            "Where does the gate stand in the mixture?",
            "Twice, with opposite signs.",
            "The state's gradient, a difference, the sigmoid's slope.",
        ),
        question="when does the gate learn nothing?",
    ),
    Derivation(
        "gru.delta-candidate", "The candidate", 5, "derive",
        task="Write the gradient with respect to $z_c$ at step $t$.",
        left=r"\delta_{\tilde c}^{\langle t \rangle}",
        answer=(
            r"\delta_c^{\langle t \rangle} \odot \Gamma_u^{\langle t \rangle} \odot \left(1 - (\tilde c^{\langle t "
            r"\rangle})^2\right)"
        ),
        allowed=(r"\delta_c^{\langle t \rangle}", r"\tilde c^{\langle t \rangle}", r"\Gamma_u^{\langle t \rangle}"),
        slips=(
            Slip("the gate that keeps stands there",
                r"\delta_c^{\langle t \rangle} \odot (1 - \Gamma_u^{\langle t \rangle}) \odot (1 - (\tilde "
                r"c^{\langle t \rangle})^2)", "The candidate stands beside the gate itself.", "at the second factor"),
            Slip("the slope is missing", r"\delta_c^{\langle t \rangle} \odot \Gamma_u^{\langle t \rangle}",
                "The candidate has a tanh.", "at the slope"),
            Slip("the slope is the sigmoid's",
                r"\delta_c^{\langle t \rangle} \odot \Gamma_u^{\langle t \rangle} \odot \tilde c^{\langle t \rangle} "
                r"\odot (1 - \tilde c^{\langle t \rangle})", "The candidate has a tanh.", "at the slope"),
        ),
        hints=(
            "What does the candidate stand beside?",
            "Then its own slope.",
            "State's gradient, update gate, slope of tanh written in the candidate.",
        ),
        question="what learns while the update gate is shut?",
    ),
)  # fmt: skip
