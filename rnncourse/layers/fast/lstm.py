"""The LSTM over a sequence, with coupled gates and peepholes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy import add, copyto, dot, multiply, subtract, tanh

from ...records import Array
from ...workspace import Buffers
from .tape import (
    block_rows,
    chunk_steps,
    input_gradients,
    past_ends,
    project_inputs,
    sigmoid_of_minus,
    sign_for_sigmoids,
    step_product,
    weight_columns,
)

# slots of the LSTM's tape; Γ_u and Γ_f, and c̃ and c_prev, are adjacent: their products make c in two calls
GATE_U, GATE_F, GATE_O, CAND, C_PREV, TANH_C = range(6)
LSTM_SLOTS = {"gate_u": GATE_U, "gate_f": GATE_F, "gate_o": GATE_O, "cand": CAND}


def _lstm_order(coupled: bool) -> tuple[int, list[int]]:
    """Return the tape's first gate and, for each gate on the tape, its block in W."""
    return (GATE_F, [0, 1, 2]) if coupled else (GATE_U, [1, 0, 2, 3])


@np.errstate(over="ignore")  # see sigmoid_of_minus
def lstm_forward(
    W: Array,
    b: Array,
    x1: Array,
    a0: Array,
    c0: Array,
    valid: Array | None,
    coupled: bool,
    peepholes: tuple[Array, Array | None, Array] | None,
    buffers: Buffers,
) -> tuple[Array, Array]:
    """Return the hidden states (T + 1, B, n_a) and the tape (T + 1, 6, B, n_a); the cell states are its slot C_PREV."""
    (T, B, _), n = x1.shape, a0.shape[1]
    first, order = _lstm_order(coupled)
    G = 4 - first
    one = np.array(1, W.dtype)
    tape = buffers.take("tape", (T + 1, 6, B, n), W.dtype)
    signs = sign_for_sigmoids(G, G - 1, n, W.dtype)
    project_inputs(x1, W, b, n, signs, order, tape[:T, first:4])
    W_a = weight_columns(W[:, :n], G, order)
    W_a *= signs
    r = np.empty((G, B, n), W.dtype)
    product, second, out = step_product(W_a, B, G, r)
    states = np.empty((T + 1, B, n), W.dtype)
    states[0], tape[0, C_PREV] = a0, c0
    q = np.empty((2, B, n), W.dtype)
    q_u, q_f = q
    if peepholes is not None:
        p_f, p_u, p_o = peepholes
    by_slot = tape.swapaxes(0, 1)
    steps = zip(
        past_ends(valid, T), states, tape[:, first:4], tape[:, first : GATE_O + 1], tape[:, : GATE_F + 1],
        tape[:, CAND : C_PREV + 1], *by_slot, tape[1:, C_PREV], states[1:],
        strict=False,
    )  # fmt: skip
    for ended, a_prev, gates, sigmoids, u_f, cand_c, u, f, o, cand, c_prev, tanh_c, c_t, a_t in steps:
        # z = W_a a_prev + (W_x x + b), of all gates and the candidate; those of the gates with their sign turned
        product(a_prev, second, out)
        add(gates, r, gates)
        # Γ_f = σ(z_f + p_f ⊙ c_prev), Γ_u likewise: eq:lstm-forget, eq:lstm-update; without peepholes Γ_o as well
        if peepholes is None:
            sigmoid_of_minus(sigmoids, one)
        else:
            subtract(f, p_f * c_prev, f)
            if p_u is not None:
                subtract(u, p_u * c_prev, u)
            for gate in (u, f)[first:]:
                sigmoid_of_minus(gate, one)
        # c̃ = tanh(z_c): eq:lstm-candidate
        tanh(cand, cand)
        if coupled:  # Γ_u = 1 - Γ_f
            subtract(one, f, u)
        # c = Γ_u ⊙ c̃ + Γ_f ⊙ c_prev: eq:lstm-cell
        multiply(u_f, cand_c, q)
        add(q_u, q_f, c_t)
        if ended is not None:
            copyto(c_t, c_prev, where=ended)
        # Γ_o = σ(z_o + p_o ⊙ c): eq:lstm-output
        if peepholes is not None:
            subtract(o, p_o * c_t, o)
            sigmoid_of_minus(o, one)
        # a = Γ_o ⊙ tanh c: eq:lstm-state
        tanh(c_t, tanh_c)
        multiply(o, tanh_c, a_t)
        if ended is not None:
            copyto(a_t, a_prev, where=ended)
    return states, tape


def lstm_backward(
    W: Array,
    x1: Array,
    states: Array,
    tape: Array,
    da: Array,
    dfinal: tuple[Array, Array],
    valid: Array | None,
    coupled: bool,
    peepholes: tuple[Array, Array | None, Array] | None,
    buffers: Buffers,
    inputs: bool,
) -> tuple[Array | None, tuple[Array, Array], Array, Array, tuple[Array | None, ...]]:
    """Return dx (None without `inputs`), (da0, dc0), dW, db and the gradients of the peepholes."""
    T, B, n = da.shape
    first, order = _lstm_order(coupled)
    G = 4 - first
    W_a = W[block_rows(order, n), :n]
    dz = buffers.take("dz", (T, B, G, n), W.dtype)
    dz_gates, dz_rows = dz.transpose(0, 2, 1, 3), dz.reshape(T, B, G * n)
    alike = B == 1 and not coupled  # gate by gate is row by row then: the slopes can lie where dz will
    size = chunk_steps(T, 12 * B * n * W.itemsize)
    K, K_c = np.empty((size, 4, B, n), W.dtype), np.empty((size, B, n), W.dtype)
    da_next, dc = np.array(dfinal[0], order="C"), np.array(dfinal[1], order="C")
    ends = past_ends(valid, T)
    for hi in range(T, 0, -size):
        lo = max(0, hi - size)
        g, k_c = tape[lo:hi], K_c[: hi - lo]
        k = dz_gates[lo:hi] if alike else K[: hi - lo]
        local_slopes(g, states[lo + 1 : hi + 1], coupled, k, k_c)
        by_step = (k[:, first:], *k.swapaxes(0, 1), k_c, g[:, GATE_F], da[lo:hi], dz_gates[lo:hi], dz_rows[lo:hi])
        steps = zip(ends[lo:hi][::-1], *(v[::-1] for v in by_step), strict=True)
        steps_back(steps, da_next, dc, W_a, coupled, peepholes, alike)
    # eq:lstm-input-gradient and eq:lstm-gradients, over all steps at once
    rows = dz.reshape(T * B, G * n)
    dx, dW, db = input_gradients(W, x1, rows, order, inputs)
    dW[block_rows(order, n), :n] = rows.T @ states[:-1].reshape(T * B, n)
    dp = (None, None, None) if peepholes is None else peephole_gradients(dz, tape, first)
    return dx, (da_next, dc), dW, db, dp


def local_slopes(g: Array, a: Array, coupled: bool, k: Array, k_c: Array) -> None:
    """Write, for a chunk of steps, what dL/da and dL/dc are multiplied with: into `k` for each gate, into `k_c` for c.

    `g` is the chunk's tape and `a` its outputs. Slots that are neighbours are computed in one call.
    """
    one = np.array(1, k.dtype)
    # of the three gates: 1 - Γ; then Γ (1 - Γ) for Γ_u and Γ_f
    subtract(one, g[:, : GATE_O + 1], k[:, : GATE_O + 1])
    multiply(k[:, : GATE_F + 1], g[:, : GATE_F + 1], k[:, : GATE_F + 1])
    # dz_u = dc ⊙ c̃ ⊙ Γ_u (1 - Γ_u), dz_f = dc ⊙ c_prev ⊙ Γ_f (1 - Γ_f): eq:lstm-gate-gradients, eq:lstm-delta-gates
    if coupled:  # dz_f = dc ⊙ (c_prev - c̃) ⊙ Γ_f (1 - Γ_f)
        multiply(k[:, GATE_F], g[:, C_PREV] - g[:, CAND], k[:, GATE_F])
    else:
        multiply(k[:, : GATE_F + 1], g[:, CAND : C_PREV + 1], k[:, : GATE_F + 1])
    # dz_o = da ⊙ tanh c ⊙ Γ_o (1 - Γ_o) = da ⊙ a (1 - Γ_o): eq:lstm-delta-gates
    multiply(k[:, GATE_O], a, k[:, GATE_O])
    # dz_c = dc ⊙ Γ_u ⊙ (1 - c̃²): eq:lstm-delta-gates
    multiply(g[:, CAND], g[:, CAND], k[:, CAND])
    subtract(one, k[:, CAND], k[:, CAND])
    multiply(k[:, CAND], g[:, GATE_U], k[:, CAND])
    # into dc: da ⊙ Γ_o ⊙ (1 - tanh² c) = da ⊙ (Γ_o - a tanh c): eq:lstm-delta-c
    multiply(a, g[:, TANH_C], k_c)
    subtract(g[:, GATE_O], k_c, k_c)


def steps_back(
    steps: Iterable[tuple[Any, ...]],
    da_next: Array,
    dc: Array,
    W_a: Array,
    coupled: bool,
    peepholes: tuple[Array, Array | None, Array] | None,
    alike: bool,
) -> None:
    """Go back through the steps of a chunk, the last first; `da_next` and `dc` come in and go out in place.

    The slopes of a step become its dz by one product each, and are copied to where the rows of dz lie.
    """
    s = np.empty_like(dc)
    if peepholes is not None:
        p_f, p_u, p_o = peepholes
    for ended, k_t, k_u, k_f, k_o, k_cand, k_c_t, f, da_t, dz_t, dz_row in steps:
        if ended is not None:
            kept = da_next.copy(), dc.copy()
        # da = dL/da of this step + what came back; dc += da ⊙ Γ_o ⊙ (1 - tanh² c) + p_o ⊙ dz_o: eq:lstm-delta-c
        add(da_next, da_t, da_next)
        multiply(da_next, k_c_t, s)
        add(dc, s, dc)
        multiply(k_o, da_next, k_o)
        if peepholes is not None:
            add(dc, p_o * k_o, dc)
        # dz_f, dz_c, dz_u: eq:lstm-delta-gates
        multiply(k_f, dc, k_f)
        multiply(k_cand, dc, k_cand)
        if not coupled:
            multiply(k_u, dc, k_u)
        # dc_prev = dc ⊙ Γ_f + p_f ⊙ dz_f + p_u ⊙ dz_u: eq:lstm-delta-c, of the step before
        multiply(dc, f, dc)
        if peepholes is not None:
            add(dc, p_f * k_f, dc)
            if p_u is not None:
                add(dc, p_u * k_u, dc)
        if ended is not None:
            copyto(k_t, 0, where=ended)
        if not alike:
            copyto(dz_t, k_t)  # from gate by gate to row by row
        # da_prev = W_aᵀ dz, a row an example: eq:lstm-delta-a
        dot(dz_row, W_a, da_next)
        if ended is not None:
            copyto(da_next, kept[0], where=ended)
            copyto(dc, kept[1], where=ended)


def peephole_gradients(dz: Array, tape: Array, first: int) -> tuple[Array | None, ...]:
    """Return dL/dp_f, dL/dp_u (None if the gates are coupled) and dL/dp_o, such as the sum of dz_f ⊙ c_prev."""
    c_prev, c = tape[:-1, C_PREV], tape[1:, C_PREV]
    by = {slot: dz[:, :, slot - first] for slot in (GATE_U, GATE_F, GATE_O) if slot >= first}
    return (
        (by[GATE_F] * c_prev).sum(axis=(0, 1)),
        (by[GATE_U] * c_prev).sum(axis=(0, 1)) if GATE_U in by else None,
        (by[GATE_O] * c).sum(axis=(0, 1)),
    )
