"""One step at a time, for streams: a product of [state, x] with weights that are transposed and scaled once a layer.

A single small step is bound by the number of calls, so σ(z) is (1 + tanh(z/2)) / 2 here, with the half folded into the
weights: one tanh serves gates and candidate, and nothing can overflow.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...records import Array
from .tape import weight_columns

# numbers as arrays without axes, by dtype: a call that takes a bare number first makes an array of it
HALF, ONE = ({d: np.array(value, d) for d in "fd"} for value in (0.5, 1.0))


def stacked_weights(W: Array, b: Array, blocks: int, sigmoids: int, order: list[int]) -> tuple[Array, Array]:
    """Return Wᵀ (n_a + n_x, G·n_a) and b with the blocks in `order`, the sigmoids' first and halved: σ by tanh(z/2)."""
    n = len(b) // blocks
    scale = np.ones(len(order) * n, W.dtype)
    scale[: sigmoids * n] = 0.5
    both = weight_columns(np.concatenate([W, b[:, None]], axis=1), blocks, order) * scale
    return np.ascontiguousarray(both[:-1]), both[-1].copy()


def rnn_step(weights: tuple[Array, Array], g: Any, x_t: Array, a_prev: Array) -> Array:
    """Return a^{<t>}."""
    # a = g(W_a [a_prev, x] + b_a): eq:rnn-state
    z = np.dot(np.concatenate((a_prev, x_t), 1), weights[0])
    z += weights[1]
    return np.asarray(g(z))


def lstm_step(
    weights: tuple[Array, Array], coupled: bool, x_t: Array, a_prev: Array, c_prev: Array
) -> tuple[Array, Array]:
    """Return a^{<t>} and c^{<t>}; the blocks are f, o, u, c, without u if the gates are coupled."""
    n = a_prev.shape[1]
    # Γ = σ(W [a_prev, x] + b) of each gate, c̃ = tanh(W_c [a_prev, x] + b_c): eq:lstm-forget … eq:lstm-candidate
    z = np.dot(np.concatenate((a_prev, x_t), 1), weights[0])
    z += weights[1]
    np.tanh(z, z)
    to_sigmoid(z[:, :-n])
    gate_f, gate_o, cand = z[:, :n], z[:, n : 2 * n], z[:, -n:]
    # c = Γ_f ⊙ c_prev + Γ_u ⊙ c̃: eq:lstm-cell
    c_t = gate_f * c_prev
    c_t += (ONE[z.dtype.char] - gate_f if coupled else z[:, 2 * n : 3 * n]) * cand
    # a = Γ_o ⊙ tanh c: eq:lstm-state
    a_t = np.tanh(c_t)
    a_t *= gate_o
    return a_t, c_t


def gru_step(gates: tuple[Array, Array], candidate: tuple[Array, Array], x_t: Array, c_prev: Array) -> Array:
    """Return c^{<t>}, from the weights of the gates (u, r) and those of the candidate; the reset comes first."""
    n = c_prev.shape[1]
    # Γ = σ(W [c_prev, x] + b) of both gates: eq:gru-update, eq:gru-reset
    z = np.dot(np.concatenate((c_prev, x_t), 1), gates[0])
    z += gates[1]
    np.tanh(z, z)
    to_sigmoid(z)
    gate_u, gate_r = z[:, :n], z[:, n:]
    # c̃ = tanh(W_c [Γ_r ⊙ c_prev, x] + b_c): eq:gru-candidate
    gate_r *= c_prev
    cand = np.dot(np.concatenate((gate_r, x_t), 1), candidate[0])
    cand += candidate[1]
    np.tanh(cand, cand)
    return mixed(gate_u, cand, c_prev)


def gru_step_after(by_c: Array, by_x: Array, b: Array, b_cc: Array, x_t: Array, c_prev: Array) -> Array:
    """Return c^{<t>} of the GRU that resets after the product: two products serve all three blocks (u, r, c)."""
    n = c_prev.shape[1]
    # Γ = σ(W_c c_prev + (W_x x + b)) of both gates: eq:gru-update, eq:gru-reset
    s, v = np.dot(c_prev, by_c), np.dot(x_t, by_x)
    v += b
    gates, cand = s[:, : 2 * n], s[:, 2 * n :]
    gates += v[:, : 2 * n]
    np.tanh(gates, gates)
    to_sigmoid(gates)
    # c̃ = tanh(Γ_r ⊙ (W_cc c_prev + b_cc) + W_cx x + b_c): eq:gru-candidate-reset-after
    cand += b_cc
    cand *= gates[:, n:]
    cand += v[:, 2 * n :]
    return mixed(gates[:, :n], np.tanh(cand), c_prev)


def mixed(gate_u: Array, cand: Array, c_prev: Array) -> Array:
    """Return c = Γ_u ⊙ c̃ + (1 - Γ_u) ⊙ c_prev (eq:gru-state); c̃ is overwritten."""
    cand *= gate_u
    kept = ONE[cand.dtype.char] - gate_u
    kept *= c_prev
    cand += kept
    return cand


def to_sigmoid(half_tanh: Array) -> None:
    """Turn tanh(z/2) into σ(z), in place."""
    half = HALF[half_tanh.dtype.char]
    np.multiply(half_tanh, half, half_tanh)
    np.add(half_tanh, half, half_tanh)
