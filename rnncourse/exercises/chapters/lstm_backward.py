"""Exercises of the chapter on backpropagation through the LSTM."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...layers.lstm import LSTM, LSTMCellCache, lstm_cell_backward, lstm_cell_forward
from ...records import Array
from ..records import CELL, Derivation, Exercise, Mistake, Question, Sizes, Slip
from .drawing import normal
from .lstm_forward import drawn_layer

__all__ = ["EXERCISES"]


def step_back(cache: LSTMCellCache, da_t: Array, dc_next: Array) -> tuple[Array, ...]:
    """Take one step back through the LSTM, to the gates and to the memory before.

    Parameters
    ----------
    cache : LSTMCellCache
        What the forward step kept: cache.c_prev, gate_f, gate_u, gate_o, cand and c_t, each of shape (B, n_a).
    da_t : ndarray, shape (B, n_a)
        dL/da_t, the whole of it.
    dc_next : ndarray, shape (B, n_a)
        What reaches c_t from the step after.

    Returns
    -------
    dz_f, dz_u, dz_o, dz_c : ndarray, shape (B, n_a)
        The gradients with respect to what stands inside the three sigmoids and the candidate's tanh.
    dc_prev : ndarray, shape (B, n_a)
        What reaches the memory before.
    """
    f, u, o, cand = cache.gate_f, cache.gate_u, cache.gate_o, cache.cand
    tanh_c = np.tanh(cache.c_t)
    dc_t = dc_next + da_t * o * (1 - tanh_c**2)
    dz_f = dc_t * cache.c_prev * f * (1 - f)
    dz_u = dc_t * cand * u * (1 - u)
    dz_o = da_t * tanh_c * o * (1 - o)
    dz_c = dc_t * u * (1 - cand**2)
    dc_prev = dc_t * f
    return dz_f, dz_u, dz_o, dz_c, dc_prev


def draw_step(rng: np.random.Generator, s: Sizes) -> dict[str, Any]:
    """Draw a step that a cell has really taken."""
    state = normal(rng, s, s.B, s.n_a), normal(rng, s, s.B, s.n_a)
    _, cache = lstm_cell_forward(drawn_layer(rng, s), normal(rng, s, s.B, s.n_x), state)
    return {"cache": cache, "da_t": normal(rng, s, s.B, s.n_a), "dc_next": normal(rng, s, s.B, s.n_a)}


def right_step(cache: LSTMCellCache, da_t: Array, dc_next: Array) -> tuple[Array, ...]:
    """Use the package's cell; the weights do not come in."""
    n_x, n_a = cache.x_t.shape[1], cache.c_t.shape[1]
    layer = LSTM.init(n_x, n_a, np.random.default_rng(0))
    _, (_, dc_prev), d = lstm_cell_backward(layer, cache, (da_t, dc_next))
    assert d.dz_u is not None
    return d.dz_f, d.dz_u, d.dz_o, d.dz_c, dc_prev


def by_hand(layer: LSTM, run: Any, da: Array, dfinal: tuple[Array, Array]) -> tuple[Array, ...]:
    """Take the gradients back through all steps of an LSTM.

    Parameters
    ----------
    layer : LSTM
        layer.W has the blocks f, u, o, c, each for [a | x]; layer.n_a is n_a.
    run : Run
        Over all steps: run.x, (T, B, n_x), and run.a_prev, c_prev, c, gate_f, gate_u, gate_o, cand, (T, B, n_a).
    da : ndarray, shape (T, B, n_a)
        What reaches the state a of each step from its own output.
    dfinal : tuple of ndarray, each of shape (B, n_a)
        What reaches the last a and the last c besides.

    Returns
    -------
    dx : ndarray, shape (T, B, n_x)
        dL/dx.
    da0, dc0 : ndarray, shape (B, n_a)
        By the start states.
    dW, db : ndarray, shapes of layer.W and layer.b
        The sums over all steps.
    """
    (da_next, dc_next), n = dfinal, layer.n_a
    dW, db = np.zeros_like(layer.W), np.zeros_like(layer.b)
    dx = np.zeros_like(run.x)
    for t in reversed(range(len(da))):
        f, u, o, cand = run.gate_f[t], run.gate_u[t], run.gate_o[t], run.cand[t]
        tanh_c = np.tanh(run.c[t])
        da_t = da[t] + da_next
        dc_t = dc_next + da_t * o * (1 - tanh_c**2)
        dz_f = dc_t * run.c_prev[t] * f * (1 - f)
        dz_u = dc_t * cand * u * (1 - u)
        dz_o = da_t * tanh_c * o * (1 - o)
        dz_c = dc_t * u * (1 - cand**2)
        dz = np.concatenate([dz_f, dz_u, dz_o, dz_c], axis=1)
        dW += dz.T @ np.concatenate([run.a_prev[t], run.x[t]], axis=1)
        db += dz.sum(axis=0)
        dx[t] = dz @ layer.W[:, n:]
        da_next = dz @ layer.W[:, :n]
        dc_next = dc_t * f
    return dx, da_next, dc_next, dW, db


def draw_by_hand(rng: np.random.Generator, s: Sizes) -> dict[str, Any]:
    """Draw a run from start states that are not zero, with upstream gradients of every kind."""
    layer = drawn_layer(rng, s)
    start = normal(rng, s, s.B, s.n_a), normal(rng, s, s.B, s.n_a)
    run = layer.forward(normal(rng, s, s.T, s.B, s.n_x), start)
    dfinal = normal(rng, s, s.B, s.n_a), normal(rng, s, s.B, s.n_a)
    return {"layer": layer, "run": run, "da": 2 * normal(rng, s, s.T, s.B, s.n_a), "dfinal": dfinal}


def right_by_hand(layer: LSTM, run: Any, da: Array, dfinal: tuple[Array, Array]) -> tuple[Array, ...]:
    """Use the package's backward pass."""
    grads = layer.backward(run, da, dfinal)
    return grads.x, *grads.state, grads.layer.W, grads.layer.b


def coupled_back(dc_t: Array, c_prev: Array, cand: Array, gate_f: Array) -> Array:
    """Find the gradient with respect to the forget gate's z where the update gate is 1 minus the forget gate.

    Parameters
    ----------
    dc_t : ndarray, shape (B, n_a)
        dL/dc_t, the whole of it.
    c_prev, cand, gate_f : ndarray, shape (B, n_a)
        The memory before, the candidate, the forget gate.

    Returns
    -------
    dz_f : ndarray, shape (B, n_a)
        dL/dz_f.
    """
    return dc_t * (c_prev - cand) * gate_f * (1 - gate_f)


def draw_coupled(rng: np.random.Generator, s: Sizes) -> dict[str, Array]:
    """Draw the four arrays."""
    gate = 1 / (1 + np.exp(-normal(rng, s, s.B, s.n_a)))
    return {"dc_t": normal(rng, s, s.B, s.n_a), "c_prev": normal(rng, s, s.B, s.n_a),
            "cand": np.tanh(normal(rng, s, s.B, s.n_a)), "gate_f": gate}  # fmt: skip


def right_coupled(dc_t: Array, c_prev: Array, cand: Array, gate_f: Array) -> Array:
    """Use the package's coupled cell."""
    layer = LSTM.init(1, c_prev.shape[1], np.random.default_rng(0), coupled=True)
    nothing = np.zeros_like(c_prev)
    cache = LSTMCellCache(nothing[:, :1], nothing, c_prev, gate_f, 1 - gate_f, nothing, cand, nothing)
    return lstm_cell_backward(layer, cache, (nothing, dc_t))[2].dz_f


CARRIED = "What later steps send back has to arrive here."
GATE = "Each factor of a product gets the other one."

EXERCISES = (
    Question("lstm-backward.five", "Five rooms", 25, "code", "ex-museum-five"),
    Question("lstm-backward.hand", "By hand", 6, "recall", "ex-lstmb-hand"),
    Question("lstm-backward.rooms-5-8", "Five more rooms (optional)", 15, "code", "ex-museum-layers"),
    Question("lstm-backward.rooms-9-13", "The last rooms (optional)", 15, "code", "ex-museum-worlds"),
    Question("lstm-backward.coupled-gates", "Coupled gates", 6, "derive", "ex-lstmb-coupled"),
    Question("lstm-backward.forward", "A mistake that no gradient check finds", 6, "recall", "ex-lstmb-forward"),
    Question("lstm-backward.cost", "What it costs", 10, "recall", "ex-lstmb-cost"),
    Question("lstm-backward.cut", "The cut gradient (research)", 20, "explore", "ex-lstmb-cut"),
    Exercise(
        "lstm-backward.step-back", "One step back", 20, "code",
        task="Write the gradients of one LSTM step with respect to the four z and the memory before.",
        solution=step_back,
        reference=right_step,
        draw=draw_step,
        kinds=CELL,
        outputs={"dz_f": "(B, n_a)", "dz_u": "(B, n_a)", "dz_o": "(B, n_a)", "dz_c": "(B, n_a)",
            "dc_prev": "(B, n_a)"},
        mistakes=(
            Mistake("nothing comes from the memory of the step after", "dc_next + da_t", "da_t", CARRIED,
                "at the line of dc_t: who reads c_t?"),
            Mistake("nothing comes through the output", "dc_t = dc_next + da_t * o * (1 - tanh_c**2)", "dc_t = dc_next",
                "The output reads the memory, too.", "at the line of dc_t"),
            Mistake("the memory's gradient goes through the output's tanh", "dc_next + da_t * o * (1 - tanh_c**2)",
                "(dc_next + da_t * o) * (1 - tanh_c**2)", "There is no tanh on the way from memory to memory.",
                "at the brackets of dc_t"),
            Mistake("the slope of tanh is taken at c", "1 - tanh_c**2", "1 - cache.c_t**2",
                "The slope, written in the value, needs the value: tanh c.", "at the slope in dc_t"),
            Mistake("the output gate is forgotten in dc_t", "da_t * o * (1", "da_t * (1",
                "a_t is a product with the output gate.", "at the line of dc_t"),
            Mistake("dc_prev is made with what came, not with the whole", "dc_prev = dc_t * f", "dc_prev = dc_next * f",
                "All that reaches c_t goes on to c_prev.", "at dc_prev"),
            Mistake("dc_prev goes through the update gate", "dc_prev = dc_t * f", "dc_prev = dc_t * u",
                "c_prev has been multiplied by another gate.", "at dc_prev"),
            Mistake("forget and update gate get each other's factor",
                "dz_f = dc_t * cache.c_prev * f * (1 - f)\n    dz_u = dc_t * cand * u",
                "dz_f = dc_t * cand * f * (1 - f)\n    dz_u = dc_t * cache.c_prev * u", GATE,
                "at what each gate is multiplied with, forward"),
            Mistake("the forget gate meets the new memory", "dc_t * cache.c_prev", "dc_t * cache.c_t",
                "It has multiplied the memory before.", "at dz_f"),
            Mistake("the output gate misses the tanh", "da_t * tanh_c * o", "da_t * cache.c_t * o", GATE, "at dz_o"),
            Mistake("the output gate gets the memory's gradient", "da_t * tanh_c * o", "dc_t * tanh_c * o",
                "The output gate stands in a_t only.", "at dz_o"),
            Mistake("the candidate has the sigmoid's slope", "1 - cand**2", "1 - cand", "The candidate has a tanh.",
                "at dz_c"),
            Mistake("the candidate's slope is taken at the gate", "1 - cand**2", "1 - u**2",
                "The slope belongs to the function that made the candidate.", "at dz_c"),
            Mistake("the gates' slopes are forgotten",
                "f * (1 - f)\n    dz_u = dc_t * cand * u * (1 - u)\n    dz_o = da_t * tanh_c * o * (1 - o)",
                "1\n    dz_u = dc_t * cand\n    dz_o = da_t * tanh_c", "Between a gate and its z stands a sigmoid.",
                "at the slopes of the gates"),
        ),
        hints=(
            "First the whole gradient with respect to c_t: who reads it?",
            "Then each factor of each product gets the other factor, and after that its own slope.",
            "c_t is read by the output, through its gate and tanh, and by the step after. From there: forget gate "
            "with c_prev, update gate with the candidate, candidate with the update gate; the output gate belongs to "
            "a_t.",
        ),
        question="which of the five would not change if the loss did not see a_t at all?",
    ),
    Exercise(
        "lstm-backward.by-hand", "The whole way back", 30, "code", "ex-blank-lstm-backward-by-hand",
        task="Write the gradients of an LSTM over all steps.",
        solution=by_hand,
        reference=right_by_hand,
        draw=draw_by_hand,
        outputs={"dx": "(T, B, n_x)", "da0": "(B, n_a)", "dc0": "(B, n_a)", "dW": "(4·n_a, n_a + n_x)",
            "db": "(4·n_a,)"},
        blocks={"dW": ("f", "u", "o", "c"), "db": ("f", "u", "o", "c")},
        mistakes=(
            Mistake("da and dc are not carried from step to step",
                "        da_next = dz @ layer.W[:, :n]\n        dc_next = dc_t * f\n    return dx, da_next, dc_next",
                "        da_prev = dz @ layer.W[:, :n]\n        dc_prev = dc_t * f\n    return dx, da_prev, dc_prev",
                "What was worked out for the step before is not what the next turn of the loop reads.",
                "at the end of the loop"),
            Mistake("da is not carried from step to step", "da_t = da[t] + da_next", "da_t = da[t]", CARRIED,
                "at the top of the loop"),
            Mistake("dc is not carried from step to step", "dc_t = dc_next + da_t", "dc_t = da_t", CARRIED,
                "at the line of dc_t"),
            Mistake("dc_next is made anew with da of the wrong step", "dc_next = dc_t * f",
                "dc_next = (dc_next + (da[t] + da_next) * o * (1 - tanh_c**2)) * f",
                "da_next has been overwritten by then, and belongs to the step before.",
                "at the last lines of the loop: their order, and what they read"),
            Mistake("brackets are lost in the gates' gradients",
                "        dz_f = dc_t * run.c_prev[t] * f * (1 - f)\n        dz_u = dc_t * cand * u * (1 - u)\n"
                "        dz_o = da_t * tanh_c * o * (1 - o)\n        dz_c = dc_t * u * (1 - cand**2)",
                "        w = da_t * o * (1 - tanh_c**2)\n        dz_f = dc_next + w * run.c_prev[t] * f * (1 - f)\n"
                "        dz_u = dc_next + w * cand * u * (1 - u)\n        dz_o = da_t * tanh_c * o * (1 - o)\n"
                "        dz_c = dc_next + w * u * (1 - cand**2)", "A sum is to be multiplied, not its second term.",
                "at what stands for dc_t in the gates' gradients"),
            Mistake("dc goes through the output's tanh", "dc_next + da_t * o * (1 - tanh_c**2)",
                "(dc_next + da_t * o) * (1 - tanh_c**2)", "There is no tanh on the way from memory to memory.",
                "at the brackets of dc_t"),
            Mistake("one bias's gradient serves all four", "db += dz.sum(axis=0)", "db += np.tile(dz_f.sum(axis=0), 4)",
                "Every block has a bias of its own.", "at db"),
            Mistake("the stack has the input before the state", "[run.a_prev[t], run.x[t]]",
                "[run.x[t], run.a_prev[t]]", "The matrices are for [a | x].", "at dW"),
            Mistake("the way back through the output gate is transposed", "da_next = dz @ layer.W[:, :n]",
                "da_next = dz @ layer.W[:, :n] + dz_o @ (layer.W_oa.T - layer.W_oa)",
                "On the way back a matrix stands as it is beside rows; a square one does not complain.",
                "at what reaches the state before"),
            Mistake("the way back through the output gate is missing", "da_next = dz @ layer.W[:, :n]",
                "da_next = dz @ layer.W[:, :n] - dz_o @ layer.W_oa", "All four layers have read the state.",
                "at what reaches the state before"),
            Mistake("dc is clipped inside the loop", "dc_next = dc_t * f", "dc_next = np.clip(dc_t * f, -1, 1)",
                "The result is no gradient any more; clip when all is done.", "at the end of the loop"),
            Mistake("the memory before step 1 is taken to be zero", "run.c_prev[t]", "(run.c_prev[t] if t else 0)",
                "The start state is an argument like others.", "at dz_f"),
            Mistake("the biases' gradients are means over the batch", "db += dz.sum(axis=0)", "db += dz.mean(axis=0)",
                "The loss adds up the examples.", "at db"),
            Mistake("dfinal is ignored", "(da_next, dc_next), n = dfinal, layer.n_a",
                "n = layer.n_a\n    da_next, dc_next = 0 * dfinal[0], 0 * dfinal[1]",
                "The last states may have a gradient of their own.", "before the loop"),
            Mistake("dfinal's two parts are swapped", "(da_next, dc_next), n", "(dc_next, da_next), n",
                "First a, then c.", "before the loop"),
            Mistake("the gradients keep one step only",
                "dW += dz.T @ np.concatenate([run.a_prev[t], run.x[t]], axis=1)\n        db += dz",
                "dW = dz.T @ np.concatenate([run.a_prev[t], run.x[t]], axis=1)\n        db = dz",
                "The same weights are used at every step.", "at = and +="),
            Mistake("dW keeps one step only", "dW += dz.T", "dW = dz.T", "The same weights are used at every step.",
                "at = and +="),
            Mistake("the blocks are stacked in another order", "[dz_f, dz_u, dz_o, dz_c]", "[dz_u, dz_f, dz_o, dz_c]",
                "The order of the blocks is that of W.", "at the stack of the four"),
            Mistake("the memory after the step stands for the one before", "dc_t * run.c_prev[t]", "dc_t * run.c[t]",
                "The forget gate has multiplied the memory before.", "at dz_f"),
            Mistake("the loop runs forward", "reversed(range(len(da)))", "range(len(da))",
                "What a step needs of later steps must be known before.", "at the loop"),
            Mistake("the output gate is forgotten in dc_t", "da_t * o * (1", "da_t * (1",
                "a_t is a product with the output gate.", "at the line of dc_t"),
            Mistake("the slope of tanh is taken at c", "1 - tanh_c**2", "1 - run.c[t]**2",
                "The slope, written in the value, needs the value: tanh c.", "at the slope in dc_t"),
            Mistake("the output gate misses the tanh", "da_t * tanh_c * o", "da_t * run.c[t] * o",
                "In a product each factor gets the other one.", "at dz_o"),
            Mistake("the output gate gets the memory's gradient", "da_t * tanh_c * o", "dc_t * tanh_c * o",
                "The output gate stands in a_t only.", "at dz_o"),
            Mistake("dc goes on to the step before as it is", "dc_next = dc_t * f", "dc_next = dc_t",
                "The memory has been multiplied on its way.", "at the end of the loop"),
            Mistake("dc goes through the update gate", "dc_next = dc_t * f", "dc_next = dc_t * u",
                "The memory before has been multiplied by another gate.", "at the end of the loop"),
            Mistake("only what came from later is sent on", "dc_next = dc_t * f", "dc_next = dc_next * f",
                "All that reaches c goes on to the memory before.", "at the end of the loop"),
            Mistake("output gate and candidate stand in each other's block", "[dz_f, dz_u, dz_o, dz_c]",
                "[dz_f, dz_u, dz_c, dz_o]", "The order of the blocks is that of W.", "at the stack of the four"),
            Mistake("W is cut as if the input came first",
                "        dx[t] = dz @ layer.W[:, n:]\n        da_next = dz @ layer.W[:, :n]\n",
                "        dx[t] = dz @ layer.W[:, :-n]\n        da_next = dz @ layer.W[:, -n:]\n",
                "The matrices are for [a | x].", "at dx and at what reaches the state before"),
            Mistake("the last memory's own gradient is ignored", "(da_next, dc_next), n = dfinal, layer.n_a\n",
                "da_next, n = dfinal[0], layer.n_a\n    dc_next = np.zeros_like(da_next)\n", "dfinal has two parts.",
                "before the loop"),
            Mistake("the last state's own gradient is ignored", "(da_next, dc_next), n = dfinal, layer.n_a\n",
                "dc_next, n = dfinal[1], layer.n_a\n    da_next = np.zeros_like(dc_next)\n", "dfinal has two parts.",
                "before the loop"),
            Mistake("the blocks are in PyTorch's order", "[dz_f, dz_u, dz_o, dz_c]", "[dz_u, dz_f, dz_c, dz_o]",
                "The order of the blocks is that of W.", "at the stack of the four"),
        ),
        hints=(
            "Carry two arrays from the last step to the first: one for a, one for c.",
            "In each turn: all that reaches a; all that reaches c; the four z; the parameters; then what the step "
            "before gets.",
            "The order matters at the end of the loop: both carried arrays are made from this step's dz and dc_t, "
            "and neither may be read after it has been overwritten.",
        ),
        question="which single line, if it went missing, would a check with one step never notice?",
    ),
    Exercise(
        "lstm-backward.coupled", "Coupled gates, checked", 10, "derive",
        task="Find the gradient with respect to $z_f$ where the update gate is 1 minus the forget gate.",
        solution=coupled_back,
        reference=right_coupled,
        draw=draw_coupled,
        kinds=CELL,
        outputs={"dz_f": "(B, n_a)"},
        mistakes=(
            Mistake("the two ways are added with the same sign", "(c_prev - cand)", "(c_prev + cand)",
                "What opens one gate closes the other.", "at the sign"),
            Mistake("the way through the update gate is missing", "(c_prev - cand)", "c_prev",
                "The gate stands in both products.", "at where gate_f stands, forward"),
            Mistake("the sign is turned round", "(c_prev - cand)", "(cand - c_prev)",
                "The gate keeps: it multiplies the memory before.", "at the sign"),
            Mistake("the slope is missing", " * gate_f * (1 - gate_f)", "",
                "Between the gate and z_f stands a sigmoid.", "at the slope"),
            Mistake("the slope is that of tanh", "gate_f * (1 - gate_f)", "(1 - gate_f**2)", "A gate is a sigmoid.",
                "at the slope"),
        ),
        hints=(
            "Write c_t with one gate only.",
            "Where does gate_f stand, and with which sign?",
            "The derivative with respect to the gate is a difference of two quantities; the sigmoid's slope follows.",
        ),
        question="when does this gate get no gradient at all, whatever the loss?",
    ),
    Derivation(
        "lstm-backward.delta-c", "All that reaches the memory", 10, "derive", "ex-blank-lstm-backward-delta-c",
        task=(
            "Write the gradient with respect to the memory at a step $t$ before the last, from the gradient of the "
            "state and from the memory's gradient one step later."
        ),
        left=r"\delta_c^{\langle t \rangle}",
        answer=(
            r"\delta_a^{\langle t \rangle} \odot \Gamma_o^{\langle t \rangle} \odot \left(1 - \tanh^2 c^{\langle t "
            r"\rangle}\right) + \delta_c^{\langle t+1 \rangle} \odot \Gamma_f^{\langle t+1 \rangle}"
        ),
        allowed=(r"\delta_a^{\langle t \rangle}", r"\delta_c^{\langle t \rangle}", r"\Gamma_o^{\langle t \rangle}",
            r"\Gamma_f^{\langle t \rangle}", r"c^{\langle t \rangle}"),
        where=r"t = 1, \ldots, T_x - 1",
        slips=(
            Slip("the forget gate is that of the same step",
                r"\delta_a^{\langle t \rangle} \odot \Gamma_o^{\langle t \rangle} \odot (1 - \tanh^2 c^{\langle t "
                r"\rangle}) + \delta_c^{\langle t+1 \rangle} \odot \Gamma_f^{\langle t \rangle}",
                "c at t meets the gate of the step that reads it.", "at the time of the forget gate"),
            Slip("the second term goes through the tanh",
                r"(\delta_a^{\langle t \rangle} \odot \Gamma_o^{\langle t \rangle} + \delta_c^{\langle t+1 \rangle} "
                r"\odot \Gamma_f^{\langle t+1 \rangle}) \odot (1 - \tanh^2 c^{\langle t \rangle})",
                "There is no tanh from memory to memory.", "at the brackets"),
            Slip("nothing comes from the step after",
                r"\delta_a^{\langle t \rangle} \odot \Gamma_o^{\langle t \rangle} \odot (1 - \tanh^2 c^{\langle t "
                r"\rangle})", "The next memory reads this one.", "at who reads c"),
            Slip("the slope is taken at c",
                r"\delta_a^{\langle t \rangle} \odot \Gamma_o^{\langle t \rangle} \odot (1 - (c^{\langle t "
                r"\rangle})^2) + \delta_c^{\langle t+1 \rangle} \odot \Gamma_f^{\langle t+1 \rangle}",
                "The slope, written in the value, needs the value.", "at the slope"),
        ),
        hints=(
            "Who reads c at t?",
            "The state of the same step, through a gate and a tanh, and the next memory, through a gate.",
            "Two terms; the second has no tanh, and a gate of the step that reads.",
        ),
        question="what is left of it if the output gate is shut?",
    ),
    Derivation(
        "lstm-backward.delta-f", "The forget gate", 10, "derive",
        task="Write the gradient with respect to $z_f$ at step $t$.",
        left=r"\delta_f^{\langle t \rangle}",
        answer=(
            r"\delta_c^{\langle t \rangle} \odot c^{\langle t-1 \rangle} \odot \Gamma_f^{\langle t \rangle} \odot (1 "
            r"- \Gamma_f^{\langle t \rangle})"
        ),
        allowed=(r"\delta_c^{\langle t \rangle}", r"\Gamma_f^{\langle t \rangle}", r"c^{\langle t \rangle}"),
        slips=(
            Slip("the gate meets the new memory",
                r"\delta_c^{\langle t \rangle} \odot c^{\langle t \rangle} \odot \Gamma_f^{\langle t \rangle} \odot "
                r"(1 - \Gamma_f^{\langle t \rangle})", "The gate has multiplied the memory before.",
                "at the time of c"),
            Slip("the slope is that of tanh",
                r"\delta_c^{\langle t \rangle} \odot c^{\langle t-1 \rangle} \odot (1 - (\Gamma_f^{\langle t "
                r"\rangle})^2)", "A gate is a sigmoid.", "at the slope"),
            Slip("the slope is missing", r"\delta_c^{\langle t \rangle} \odot c^{\langle t-1 \rangle}",
                "Between the gate and z_f stands a sigmoid.", "at the slope"),
        ),
        hints=(
            "What has the gate multiplied?",
            "That, times the memory's gradient, is the gradient with respect to the gate.",
            "Then the sigmoid's slope, written in the gate.",
        ),
        question="which gate learns nothing while the memory is empty?",
    ),
    Derivation(
        "lstm-backward.delta-o", "The output gate", 10, "derive",
        task="Write the gradient with respect to $z_o$ at step $t$.",
        left=r"\delta_o^{\langle t \rangle}",
        answer=(
            r"\delta_a^{\langle t \rangle} \odot \tanh(c^{\langle t \rangle}) \odot \Gamma_o^{\langle t \rangle} "
            r"\odot (1 - \Gamma_o^{\langle t \rangle})"
        ),
        allowed=(r"\delta_a^{\langle t \rangle}", r"\Gamma_o^{\langle t \rangle}", r"c^{\langle t \rangle}"),
        slips=(
            Slip("the tanh is missing",
                r"\delta_a^{\langle t \rangle} \odot c^{\langle t \rangle} \odot \Gamma_o^{\langle t \rangle} \odot "
                r"(1 - \Gamma_o^{\langle t \rangle})", "The gate has multiplied tanh c.", "at the other factor"),
            Slip("the memory's gradient stands for the state's",
                r"\delta_c^{\langle t \rangle} \odot \tanh(c^{\langle t \rangle}) \odot \Gamma_o^{\langle t \rangle} "
                r"\odot (1 - \Gamma_o^{\langle t \rangle})", "The output gate stands in a only.",
                "at the first factor"),
            Slip("the slope is missing", r"\delta_a^{\langle t \rangle} \odot \tanh(c^{\langle t \rangle})",
                "Between the gate and z_o stands a sigmoid.", "at the slope"),
        ),
        hints=(
            "Where does the output gate stand?",
            "In a, beside tanh c.",
            "The state's gradient, the other factor, the sigmoid's slope.",
        ),
        question="why does this gate's gradient need nothing from dc?",
    ),
)  # fmt: skip
