"""One step at a time, for streams: a product of [state, x] with weights that are transposed and scaled once a layer.

A single small step is bound by the number of calls, so σ(z) is (1 + tanh(z/2)) / 2 here, with the half folded into the
weights: one tanh serves gates and candidate, and nothing can overflow.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..records import Array
from .tape import weight_columns


def stacked_weights(W: Array, b: Array, blocks: int, sigmoids: int, order: list[int]) -> tuple[Array, Array]:
    """Return Wᵀ (n_a + n_x, G·n_a) and b with the blocks in `order`, the sigmoids' first and halved: σ by tanh(z/2)."""
    n = len(b) // blocks
    scale = np.ones(len(order) * n, W.dtype)
    scale[: sigmoids * n] = 0.5
    both = weight_columns(np.concatenate([W, b[:, None]], axis=1), blocks, order) * scale
    return np.ascontiguousarray(both[:-1]), both[-1].copy()


def rnn_step(weights: tuple[Array, Array], g: Any, x_t: Array, a_prev: Array) -> Array:
    """Return a^{<t>}."""
    z = np.dot(np.concatenate((a_prev, x_t), 1), weights[0])
    z += weights[1]
    return np.asarray(g(z))


def lstm_step(
    weights: tuple[Array, Array], coupled: bool, x_t: Array, a_prev: Array, c_prev: Array
) -> tuple[Array, Array]:
    """Return a^{<t>} and c^{<t>}; the blocks are f, o, u, c, without u if the gates are coupled."""
    n = a_prev.shape[1]
    z = np.dot(np.concatenate((a_prev, x_t), 1), weights[0])
    z += weights[1]
    np.tanh(z, z)
    to_sigmoid(z[:, :-n], x_t.dtype.type(0.5))
    gate_f, gate_o, cand = z[:, :n], z[:, n : 2 * n], z[:, -n:]
    c_t = gate_f * c_prev
    c_t += (1 - gate_f if coupled else z[:, 2 * n : 3 * n]) * cand
    a_t = np.tanh(c_t)
    a_t *= gate_o
    return a_t, c_t


def gru_step(
    gates: tuple[Array, Array], candidate: tuple[Array, Array], b_cc: Array | None, x_t: Array, c_prev: Array
) -> Array:
    """Return c^{<t>}, from the weights of the gates (u, r) and those of the candidate."""
    n = c_prev.shape[1]
    z = np.dot(np.concatenate((c_prev, x_t), 1), gates[0])
    z += gates[1]
    np.tanh(z, z)
    to_sigmoid(z, x_t.dtype.type(0.5))
    gate_u, gate_r = z[:, :n], z[:, n:]
    W_c, b_c = candidate
    if b_cc is None:
        cand = np.dot(np.concatenate((gate_r * c_prev, x_t), 1), W_c)
    else:
        cand = np.dot(c_prev, W_c[:n])
        cand += b_cc
        cand *= gate_r
        cand += np.dot(x_t, W_c[n:])
    cand += b_c
    np.tanh(cand, cand)
    cand *= gate_u
    cand += (1 - gate_u) * c_prev
    return cand


def to_sigmoid(half_tanh: Array, half: Array) -> None:
    """Turn tanh(z/2) into σ(z), in place."""
    np.multiply(half_tanh, half, half_tanh)
    np.add(half_tanh, half, half_tanh)
