"""The floor: the matrix products that cannot be avoided, in their shapes and order, and the calls of tanh; no more.

It computes nothing useful. A program on the same NumPy that did all the rest in no time would take this long.
"""

from __future__ import annotations

import numpy as np

from ..cases import BLOCKS, Arrays, Case


def training(case: Case, p: Arrays):
    T, B, n_x, n = case.size
    G, dtype = BLOCKS[case.cell], case.dtype
    rng = np.random.default_rng(0)
    x, states = p["x"].reshape(T * B, n_x), rng.uniform(-1, 1, (T, B, n)).astype(dtype)
    W_a, W_x = (np.ascontiguousarray(part) for part in np.split(p["W"], [n], axis=1))
    W_x_T = np.ascontiguousarray(W_x.T)
    dz = rng.uniform(-1, 1, (T * B, G * n)).astype(dtype)
    z, dW_x, dW_a, dx = np.empty_like(dz), np.empty_like(W_x), np.empty_like(W_a), np.empty_like(x)
    # the GRU that resets before has two products a step, since the candidate's waits for the reset gate
    widths = [2 * n, n] if case.cell == "GRU before" else [G * n]
    ends = np.cumsum(widths)
    parts = [slice(end - width, end) for end, width in zip(ends, widths, strict=True)]
    forward = [
        (np.ascontiguousarray(W_a[part].T), np.empty((B, w), dtype)) for part, w in zip(parts, widths, strict=True)
    ]
    backward = [
        (np.ascontiguousarray(dz[:, part]).reshape(T, B, -1), np.ascontiguousarray(W_a[part])) for part in parts
    ]
    # one tanh for the gates that can be computed together, another for what waits for them
    together = {"RNN": [1], "GRU": [2, 1], "GRU before": [2, 1], "LSTM": [4, 1]}[case.cell]
    tanhs = [(rng.uniform(-1, 1, k * B * n).astype(dtype), np.empty((T, k * B * n), dtype)) for k in together]
    d_state = np.empty((B, n), dtype)

    def step():
        np.dot(x, W_x_T, z)
        for t in range(T):
            for W, out in forward:
                np.dot(states[t], W, out)
            for source, tape in tanhs:
                np.tanh(source, tape[t])
        for t in reversed(range(T)):
            for rows, W in backward:
                np.dot(rows[t], W, d_state)
        np.dot(dz.T, x, dW_x)
        np.dot(dz.T, states.reshape(T * B, n), dW_a)
        np.dot(dz, W_x, dx)

    return step, dict
