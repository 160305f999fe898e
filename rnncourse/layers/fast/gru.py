"""The GRU over a sequence, with the reset before or after the product."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy import add, copyto, dot, multiply, subtract, tanh

from ...records import Array
from ...workspace import Buffers
from .tape import (
    chunk_steps,
    input_gradients,
    past_ends,
    project_inputs,
    sigmoid_of_minus,
    sign_for_sigmoids,
    step_product,
    weight_columns,
)

# slots of the GRU's tape; the last holds Γ_r ⊙ c_prev, or W_cc c_prev + b_cc where the reset comes after the product
GRU_U, GRU_R, GRU_C, GRU_INNER = range(4)
GRU_SLOTS = {"gate_u": GRU_U, "gate_r": GRU_R, "cand": GRU_C}


@np.errstate(over="ignore")  # see sigmoid_of_minus
def gru_forward(
    W: Array, b: Array, b_cc: Array | None, x1: Array, c0: Array, valid: Array | None, buffers: Buffers
) -> tuple[Array, Array]:
    """Return the states (T + 1, B, n_a) and the tape (T, 4, B, n_a)."""
    (T, B, _), n = x1.shape, c0.shape[1]
    one = np.array(1, W.dtype)
    tape = buffers.take("tape", (T, 4, B, n), W.dtype)
    signs = sign_for_sigmoids(3, 2, n, W.dtype)
    project_inputs(x1, W, b, n, signs, [0, 1, 2], tape[:, :3])
    W_c = weight_columns(W[:, :n], 3, [0, 1, 2])
    W_c *= signs
    G = 2 if b_cc is None else 3
    r = np.empty((G, B, n), W.dtype)
    product, second, out = step_product(np.ascontiguousarray(W_c[:, : G * n]), B, G, r)
    W_cc_T = np.ascontiguousarray(W_c[:, 2 * n :])
    states = np.empty((T + 1, B, n), W.dtype)
    states[0] = c0
    s = np.empty((B, n), W.dtype)
    r_gates = r[:2]
    steps = zip(
        past_ends(valid, T), states, tape[:, :2], *tape.swapaxes(0, 1), states[1:],
        strict=False,
    )  # fmt: skip
    for ended, c_prev, gates, u, reset, cand, inner, c_t in steps:
        # Γ_u, Γ_r = σ(W_c c_prev + (W_x x + b)): eq:gru-update, eq:gru-reset
        product(c_prev, second, out)
        add(gates, r_gates, gates)
        sigmoid_of_minus(gates, one)
        # c̃ = tanh(W_cc (Γ_r ⊙ c_prev) + (W_cx x + b_c)): eq:gru-candidate
        if b_cc is None:
            multiply(reset, c_prev, inner)
            dot(inner, W_cc_T, s)
        else:  # c̃ = tanh(Γ_r ⊙ (W_cc c_prev + b_cc) + (W_cx x + b_c)): eq:gru-candidate-reset-after
            add(r[2], b_cc, inner)
            multiply(reset, inner, s)
        add(cand, s, cand)
        tanh(cand, cand)
        # c = Γ_u ⊙ c̃ + (1 - Γ_u) ⊙ c_prev: eq:gru-state
        # not c_prev + Γ_u (c̃ - c_prev), which is a call less but loses the digits of c̃ beside a large state
        multiply(u, cand, c_t)
        subtract(one, u, s)
        multiply(s, c_prev, s)
        add(c_t, s, c_t)
        if ended is not None:
            copyto(c_t, c_prev, where=ended)
    return states, tape


def gru_backward(
    W: Array,
    b_cc: Array | None,
    x1: Array,
    states: Array,
    tape: Array,
    da: Array,
    dfinal: Array,
    valid: Array | None,
    buffers: Buffers,
    inputs: bool,
) -> tuple[Array | None, Array, Array, Array, Array | None]:
    """Return dx (None without `inputs`), dc0, dW, db and db_cc."""
    T, B, n = da.shape
    after = b_cc is not None
    G = 4 if after else 3  # c̃, u, r, and the inside of the reset: x feeds the first three, c_prev all but the first
    dz = buffers.take("dz", (T, B, G, n), W.dtype)
    dz_gates, dz_rows = dz.transpose(0, 2, 1, 3), dz.reshape(T, B, G * n)
    W_ur, W_cc = np.ascontiguousarray(W[: 2 * n, :n]), np.ascontiguousarray(W[2 * n :, :n])
    back = np.concatenate([W_ur, W_cc]) if after else W_ur
    alike = B == 1 and after  # gate by gate is row by row then: the slopes can lie where dz will
    ends = past_ends(valid, T)
    size = chunk_steps(T, 10 * B * n * W.itemsize)
    K, one_minus_u = np.empty((size, 4, B, n), W.dtype), np.empty((size, B, n), W.dtype)
    dc = np.array(dfinal, order="C")
    for hi in range(T, 0, -size):
        lo = max(0, hi - size)
        g, w, c_prev = tape[lo:hi], one_minus_u[: hi - lo], states[lo:hi]
        k = dz_gates[lo:hi] if alike else K[: hi - lo]
        local_slopes(g, c_prev, after, k, w)
        by_step = (k[:, :G], k, *k.swapaxes(0, 1), g[:, GRU_R], w, da[lo:hi], dz_gates[lo:hi], dz_rows[lo:hi, :, n:])
        steps = zip(ends[lo:hi][::-1], *(v[::-1] for v in by_step), strict=True)
        steps_back(steps, dc, W_cc, back, after, alike)
    # eq:gru-input-gradient and eq:gru-gradients, over all steps at once
    rows = dz.reshape(T * B, G * n)
    c_prev_rows = states[:-1].reshape(T * B, n)
    dx, dW, db = input_gradients(W, x1, rows[:, : 3 * n], [2, 0, 1], inputs)
    dW[: (G - 1) * n, :n] = rows[:, n:].T @ c_prev_rows
    if after:
        return dx, dc, dW, db, rows[:, 3 * n :].sum(axis=0)
    dW[2 * n :, :n] = rows[:, :n].T @ tape[:, GRU_INNER].reshape(T * B, n)
    return dx, dc, dW, db, None


def local_slopes(g: Array, c_prev: Array, after: bool, k: Array, w: Array) -> None:
    """Write, for a chunk of steps, what dL/dc is multiplied with: into `k` for c̃, u and r, and 1 - Γ_u into `w`.

    `g` is the chunk's tape.
    """
    one = np.array(1, k.dtype)
    subtract(one, g[:, GRU_U], w)
    # dz_c = dc ⊙ Γ_u ⊙ (1 - c̃²): eq:gru-mix-gradients, eq:gru-delta-candidate
    multiply(g[:, GRU_C], g[:, GRU_C], k[:, 0])
    subtract(one, k[:, 0], k[:, 0])
    multiply(k[:, 0], g[:, GRU_U], k[:, 0])
    # dz_u = dc ⊙ (c̃ - c_prev) ⊙ Γ_u (1 - Γ_u): eq:gru-mix-gradients
    subtract(g[:, GRU_C], c_prev, k[:, 1])
    multiply(k[:, 1], g[:, GRU_U], k[:, 1])
    multiply(k[:, 1], w, k[:, 1])
    # dz_r = (what reaches Γ_r ⊙ …) ⊙ what it scales ⊙ Γ_r (1 - Γ_r): eq:gru-reset-gradient, eq:gru-delta-reset
    subtract(one, g[:, GRU_R], k[:, 2])
    multiply(k[:, 2], g[:, GRU_R], k[:, 2])
    multiply(k[:, 2], g[:, GRU_INNER] if after else c_prev, k[:, 2])


def steps_back(steps: Iterable[tuple[Any, ...]], dc: Array, W_cc: Array, back: Array, after: bool, alike: bool) -> None:
    """Go back through the steps of a chunk, the last first; `dc` comes in and goes out in place.

    The slopes of a step become its dz by one product each, and are copied to where the rows of dz lie.
    """
    s, d_inner = np.empty_like(dc), np.empty_like(dc)
    for ended, k_used, k_t, k_cand, k_u, k_r, k_inner, reset, w_t, da_t, dz_t, dz_back in steps:
        if ended is not None:
            kept = dc.copy()
        # dz_c, dz_u and the direct part of dc_prev, dc ⊙ (1 - Γ_u): eq:gru-delta-candidate, eq:gru-delta-c
        add(dc, da_t, dc)
        multiply(k_cand, dc, k_cand)
        multiply(k_u, dc, k_u)
        multiply(dc, w_t, s)
        if after:  # dz_r = dz_c ⊙ (W_cc c_prev + b_cc) ⊙ Γ_r (1 - Γ_r), dz_cc = dz_c ⊙ Γ_r: eq:gru-after-deltas
            multiply(k_r, k_cand, k_r)
            multiply(reset, k_cand, k_inner)
        else:  # d(Γ_r ⊙ c_prev) = W_ccᵀ dz_c: eq:gru-reset-gradient, and Γ_r times it joins dc_prev
            dot(k_cand, W_cc, d_inner)
            multiply(k_r, d_inner, k_r)
            multiply(d_inner, reset, d_inner)
            add(s, d_inner, s)
        if ended is not None:
            copyto(k_t, 0, where=ended)
        if not alike:
            copyto(dz_t, k_used)  # from gate by gate to row by row
        # dc_prev = … + W_ucᵀ dz_u + W_rcᵀ dz_r (+ W_ccᵀ dz_cc): eq:gru-delta-c
        dot(dz_back, back, dc)
        add(dc, s, dc)
        if ended is not None:
            copyto(dc, kept, where=ended)
