"""The plain recurrent layer over a sequence."""

from __future__ import annotations

import numpy as np
from numpy import add, copyto, dot, multiply, subtract, tanh

from ...activations import ACTIVATIONS
from ...records import Array
from ...workspace import Buffers
from .tape import chunk_steps, input_gradients, past_ends, project_inputs


def rnn_forward(
    W: Array, b: Array, x1: Array, a0: Array, valid: Array | None, activation: str, buffers: Buffers
) -> Array:
    """Return the states (T + 1, B, n_a)."""
    (T, B, _), n = x1.shape, a0.shape[1]
    z = buffers.take("z", (T, B, n), W.dtype)
    project_inputs(x1, W, b, n, np.ones(n, W.dtype), [0], z[:, None])
    W_aa_T = W[:, :n].T.copy()
    states = np.empty((T + 1, B, n), W.dtype)
    states[0] = a0
    r = np.empty((B, n), W.dtype)
    g = ACTIVATIONS[activation].function
    for ended, z_t, a_prev, a_t in zip(past_ends(valid, T), z, states, states[1:], strict=False):
        # z_a = W_aa a_prev + (W_ax x + b_a): eq:rnn-preactivation
        dot(a_prev, W_aa_T, r)
        add(z_t, r, r)
        # a = g(z_a): eq:rnn-state
        if activation == "tanh":
            tanh(r, a_t)
        else:
            a_t[...] = g(r)
        if ended is not None:
            copyto(a_t, a_prev, where=ended)
    return states


def rnn_backward(
    W: Array,
    x1: Array,
    states: Array,
    da: Array,
    dfinal: Array,
    valid: Array | None,
    activation: str,
    buffers: Buffers,
    inputs: bool,
) -> tuple[Array | None, Array, Array, Array]:
    """Return dx (None without `inputs`), da0, dW and db."""
    T, B, n = da.shape
    dz = buffers.take("dz", (T, B, n), W.dtype)
    slope = ACTIVATIONS[activation].slope
    W_aa = W[:, :n].copy()
    da_next = np.array(dfinal, order="C")
    one = np.array(1, W.dtype)
    ends = past_ends(valid, T)
    size = chunk_steps(T, 3 * B * n * W.itemsize)
    for hi in range(T, 0, -size):
        lo = max(0, hi - size)
        k, a = dz[lo:hi], states[lo + 1 : hi + 1]
        # the slopes g'(z_a), for tanh 1 - a²
        if activation == "tanh":
            multiply(a, a, k)
            subtract(one, k, k)
        else:
            k[...] = slope(a)
        steps = zip(ends[lo:hi][::-1], k[::-1], da[lo:hi][::-1], strict=True)
        for ended, dz_t, da_t in steps:  # dz_t holds the slopes so far
            add(da_next, da_t, da_next)  # eq:delta-a
            multiply(dz_t, da_next, dz_t)  # eq:delta-z
            if ended is None:
                dot(dz_t, W_aa, da_next)
            else:  # the state stood still, so its gradient passes unchanged
                copyto(dz_t, 0, where=ended)
                copyto(da_next, dz_t @ W_aa, where=~ended)
    rows = dz.reshape(T * B, n)
    dx, dW, db = input_gradients(W, x1, rows, [0], inputs)
    dW[:, :n] = rows.T @ states[:-1].reshape(T * B, n)  # eq:rnn-gradients
    return dx, da_next, dW, db
