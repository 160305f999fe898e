"""NumPy as most people write it, the cell's equations step by step; in float64, the reference for all the others."""

from __future__ import annotations

import numpy as np

from ..cases import Arrays, Case, job_arrays
from ..layouts import columns, from_columns


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def training(case: Case, p: Arrays):
    weights, x, da = columns(case, p), p["x"], p["da"]
    forward, backward = CELLS[case.cell]
    out = {}

    def step():
        out["dx"], out["grads"] = differentiate(forward, backward, weights, x, da)

    return step, lambda: from_columns(out["dx"], out["grads"])


def job(case: Case, p: Arrays):
    """Give the loss and the gradients that a training job begins with; a reference, so nothing is updated."""
    weights, q, (forward, backward) = columns(case, p), job_arrays(case), CELLS[case.cell]
    out = {}

    def step():
        state, states = np.zeros((2, case.B, case.n_a), q["x"].dtype), []
        for x_t in q["x"]:
            state, _ = forward(weights, x_t, state)
            states.append(state[0])
        a = np.array(states)
        e = np.exp(a @ q["W_y"].T + q["b_y"])
        p_y = e / e.sum(axis=2, keepdims=True)
        y = np.eye(case.n_x, dtype=p_y.dtype)[q["y"]]
        dz = (p_y - y) / y[..., 0].size
        _, grads = differentiate(forward, backward, weights, q["x"], dz @ q["W_y"])
        out.update(from_columns(np.zeros(0), grads), loss=-(y * np.log(p_y)).sum() / y[..., 0].size)
        out.update(W_y=np.einsum("tbi,tbj->ij", dz, a), b_y=dz.sum(axis=(0, 1)))

    return step, lambda: {name: np.asarray(value) for name, value in out.items() if name != "x"}


def streaming(case: Case, p: Arrays):
    weights, x, (forward, _) = columns(case, p), p["x"], CELLS[case.cell]
    zeros = np.zeros((2, case.B, case.n_a), x.dtype)
    state = zeros

    def step():
        nonlocal state
        state, _ = forward(weights, x[0], state)

    def numbers():
        now = zeros
        for x_t in x:
            now, _ = forward(weights, x_t, now)
        return {"a": now[0]}

    return step, numbers


def differentiate(forward, backward, weights, x, da):
    """Loop the cell over the steps, and back."""
    n = da.shape[2]
    state = np.zeros((2, x.shape[1], n), x.dtype)  # the LSTM's a and c; the others use the first alone
    caches = []
    for x_t in x:
        state, cache = forward(weights, x_t, state)
        caches.append(cache)
    dx = np.empty_like(x)
    grads = [np.zeros_like(w) for w in weights]
    dstate = np.zeros((2, x.shape[1], n), x.dtype)
    for t in reversed(range(len(x))):
        dx[t], dstate, dweights = backward(weights, caches[t], (dstate[0] + da[t], dstate[1]))
        for total, d in zip(grads, dweights, strict=True):
            total += d
    return dx, tuple(grads)


def rnn_forward(weights, x, state):
    W_x, W_a, b = weights
    a = np.tanh(x @ W_x + state[0] @ W_a + b)
    return (a, None), (x, state[0], a)


def rnn_backward(weights, cache, dstate):
    W_x, W_a, _ = weights
    x, a_prev, a = cache
    dz = dstate[0] * (1 - a**2)
    return dz @ W_x.T, (dz @ W_a.T, None), (x.T @ dz, a_prev.T @ dz, dz.sum(axis=0))


def gru_forward(weights, x, state):
    W_x, W_a, b, b_cc = weights
    c_prev, n = state[0], len(W_a)
    from_x, from_c = x @ W_x + b, c_prev @ W_a
    u = sigmoid(from_x[:, :n] + from_c[:, :n])
    r = sigmoid(from_x[:, n : 2 * n] + from_c[:, n : 2 * n])
    inner = from_c[:, 2 * n :] + b_cc
    cand = np.tanh(from_x[:, 2 * n :] + r * inner)
    return (u * cand + (1 - u) * c_prev, None), (x, c_prev, u, r, inner, cand)


def gru_backward(weights, cache, dstate):
    W_x, W_a, _, _ = weights
    x, c_prev, u, r, inner, cand = cache
    dc = dstate[0]
    dz_c = dc * u * (1 - cand**2)
    dz_u = dc * (cand - c_prev) * u * (1 - u)
    dz_r = dz_c * inner * r * (1 - r)
    dz_x = np.concatenate([dz_u, dz_r, dz_c], axis=1)
    dz_a = np.concatenate([dz_u, dz_r, dz_c * r], axis=1)
    dc_prev = dc * (1 - u) + dz_a @ W_a.T
    return dz_x @ W_x.T, (dc_prev, None), (x.T @ dz_x, c_prev.T @ dz_a, dz_x.sum(axis=0), (dz_c * r).sum(axis=0))


def gru_before_forward(weights, x, state):
    W_x, W_a, b = weights
    c_prev, n = state[0], len(W_a)
    from_x, from_c = x @ W_x + b, c_prev @ W_a[:, : 2 * n]
    u = sigmoid(from_x[:, :n] + from_c[:, :n])
    r = sigmoid(from_x[:, n : 2 * n] + from_c[:, n:])
    cand = np.tanh(from_x[:, 2 * n :] + (r * c_prev) @ W_a[:, 2 * n :])
    return (u * cand + (1 - u) * c_prev, None), (x, c_prev, u, r, cand)


def gru_before_backward(weights, cache, dstate):
    W_x, W_a, _ = weights
    x, c_prev, u, r, cand = cache
    dc, n = dstate[0], len(W_a)
    dz_c = dc * u * (1 - cand**2)
    dz_u = dc * (cand - c_prev) * u * (1 - u)
    d_inner = dz_c @ W_a[:, 2 * n :].T
    dz_r = d_inner * c_prev * r * (1 - r)
    dz = np.concatenate([dz_u, dz_r, dz_c], axis=1)
    dW_a = np.concatenate([c_prev.T @ dz[:, : 2 * n], (r * c_prev).T @ dz_c], axis=1)
    dc_prev = dc * (1 - u) + d_inner * r + dz[:, : 2 * n] @ W_a[:, : 2 * n].T
    return dz @ W_x.T, (dc_prev, None), (x.T @ dz, dW_a, dz.sum(axis=0))


def lstm_forward(weights, x, state):
    W_x, W_a, b = weights
    (a_prev, c_prev), n = state, len(W_a)
    z = x @ W_x + a_prev @ W_a + b
    f, u, o = sigmoid(z[:, :n]), sigmoid(z[:, n : 2 * n]), sigmoid(z[:, 2 * n : 3 * n])
    cand = np.tanh(z[:, 3 * n :])
    c = f * c_prev + u * cand
    tanh_c = np.tanh(c)
    return (o * tanh_c, c), (x, a_prev, c_prev, f, u, o, cand, tanh_c)


def lstm_backward(weights, cache, dstate):
    W_x, W_a, _ = weights
    x, a_prev, c_prev, f, u, o, cand, tanh_c = cache
    da, dc = dstate
    dc = dc + da * o * (1 - tanh_c**2)
    gates = dc * c_prev * f * (1 - f), dc * cand * u * (1 - u), da * tanh_c * o * (1 - o), dc * u * (1 - cand**2)
    dz = np.concatenate(gates, axis=1)
    return dz @ W_x.T, (dz @ W_a.T, dc * f), (x.T @ dz, a_prev.T @ dz, dz.sum(axis=0))


CELLS = {
    "RNN": (rnn_forward, rnn_backward),
    "GRU": (gru_forward, gru_backward),
    "GRU before": (gru_before_forward, gru_before_backward),
    "LSTM": (lstm_forward, lstm_backward),
}
