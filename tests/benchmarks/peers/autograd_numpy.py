"""HIPS autograd: the forward pass in NumPy as its examples write it, the gradients by its tape."""

from __future__ import annotations

import autograd.numpy as np
from autograd import make_vjp

from ..cases import Arrays, Case
from ..layouts import columns, from_columns


def sigmoid(z):
    return 0.5 * (np.tanh(0.5 * z) + 1)  # as in autograd's own example of an LSTM


def rnn(weights, state, x):
    W_x, W_a, b = weights
    a = np.tanh(np.dot(x, W_x) + np.dot(state[0], W_a) + b)
    return (a, None)


def gru(weights, state, x):
    W_x, W_a, b, b_cc = weights
    c, n = state[0], W_a.shape[0]
    z_x, z_c = np.dot(x, W_x) + b, np.dot(c, W_a)
    gates = sigmoid(z_x[:, : 2 * n] + z_c[:, : 2 * n])
    u, r = gates[:, :n], gates[:, n:]
    cand = np.tanh(z_x[:, 2 * n :] + r * (z_c[:, 2 * n :] + b_cc))
    return (u * cand + (1 - u) * c, None)


def gru_before(weights, state, x):
    W_x, W_a, b = weights
    c, n = state[0], W_a.shape[0]
    z_x = np.dot(x, W_x) + b
    gates = sigmoid(z_x[:, : 2 * n] + np.dot(c, W_a[:, : 2 * n]))
    u, r = gates[:, :n], gates[:, n:]
    cand = np.tanh(z_x[:, 2 * n :] + np.dot(r * c, W_a[:, 2 * n :]))
    return (u * cand + (1 - u) * c, None)


def lstm(weights, state, x):
    W_x, W_a, b = weights
    (a, c), n = state, W_a.shape[0]
    z = np.dot(x, W_x) + np.dot(a, W_a) + b
    gates = sigmoid(z[:, : 3 * n])
    c = gates[:, :n] * c + gates[:, n : 2 * n] * np.tanh(z[:, 3 * n :])
    return (gates[:, 2 * n :] * np.tanh(c), c)


CELLS = {"RNN": rnn, "GRU": gru, "GRU before": gru_before, "LSTM": lstm}


def training(case: Case, p: Arrays):
    cell, weights = CELLS[case.cell], columns(case, p)
    x, da = p["x"], p["da"]

    def forward(arguments):
        weights, x = arguments
        zeros = np.zeros((case.B, case.n_a), x.dtype)
        state, outputs = (zeros, zeros), []
        for t in range(case.T):
            state = cell(weights, state, x[t])
            outputs.append(state[0])
        return np.stack(outputs)

    pull_back = make_vjp(forward)
    out = {}

    def step():
        vjp, _ = pull_back((weights, x))
        out["grads"] = vjp(da)

    return step, lambda: from_columns(out["grads"][1], out["grads"][0])
