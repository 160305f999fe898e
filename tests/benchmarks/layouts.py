"""The package's parameters in the layouts of other programs, and gradients on the way back.

Here: W (G·n_a, n_a + n_x), with the blocks f, u, o, c of the LSTM and u, r, c of the GRU.
"""

from __future__ import annotations

import numpy as np

from .cases import Arrays, Case

# PyTorch's blocks: i, f, g, o of the LSTM and r, z, n of the GRU, where z = 1 - Γ_u, so that its weights are -W_u
TORCH = {"RNN": ([0], [1]), "GRU": ([1, 0, 2], [1, -1, 1]), "LSTM": ([1, 0, 3, 2], [1, 1, 1, 1])}
# ONNX's blocks: i, o, f, c and z, r, h
ONNX = {"RNN": ([0], [1]), "GRU": ([0, 1, 2], [-1, 1, 1]), "LSTM": ([1, 2, 0, 3], [1, 1, 1, 1])}


def reorder(rows: np.ndarray, order: list[int], signs: list[int]) -> np.ndarray:
    """Bring the blocks of rows into another order, some of them with the other sign."""
    blocks = np.split(rows, len(order))
    return np.concatenate([sign * blocks[k] for k, sign in zip(order, signs, strict=True)])


def restore(rows: np.ndarray, order: list[int], signs: list[int]) -> np.ndarray:
    """Undo `reorder`."""
    back = [order.index(k) for k in range(len(order))]
    return reorder(rows, back, [signs[k] for k in back])


def separate(case: Case, p: Arrays, layout: dict) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return W_x, W_a, and the biases added to each of their products, as PyTorch and ONNX keep them."""
    n = case.n_a
    b_a = np.zeros_like(p["b"])
    if "b_cc" in p:
        b_a[2 * n :] = p["b_cc"]
    return tuple(
        np.ascontiguousarray(reorder(a, *layout[case.cell])) for a in (p["W"][:, n:], p["W"][:, :n], p["b"], b_a)
    )


def columns(case: Case, p: Arrays) -> tuple[np.ndarray, ...]:
    """Return W_x (n_x, G·n_a), W_a (n_a, G·n_a) and b, and b_cc of a GRU: the layout of most NumPy and JAX code."""
    n = case.n_a
    parts = np.ascontiguousarray(p["W"][:, n:].T), np.ascontiguousarray(p["W"][:, :n].T), p["b"]
    return (*parts, p["b_cc"]) if "b_cc" in p else parts


def from_columns(dx: np.ndarray, grads: tuple) -> Arrays:
    """Name the gradients of `columns` as the package does."""
    dW_x, dW_a, db, *db_cc = map(np.asarray, grads)
    named = {"x": np.asarray(dx), "W": np.concatenate([dW_a.T, dW_x.T], axis=1), "b": db}
    return named | ({"b_cc": db_cc[0]} if db_cc else {})
