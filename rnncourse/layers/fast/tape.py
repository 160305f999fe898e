"""What the fast paths share: buffers, products over all steps, chunks, ends."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import add, divide, exp

from ...records import Array
from ...workspace import Buffers

CHUNK_BYTES = 1 << 19  # local slopes of one chunk of steps: about half a second-level cache


def is_complex(*arrays: Array) -> bool:
    """Whether an array is complex: then the cells are looped, since this module is for real numbers."""
    return any(array.dtype.kind == "c" for array in arrays)


def with_ones(x: Array, buffers: Buffers) -> Array:
    """Copy x and append an input that is always 1, for the bias."""
    out = buffers.take("x", (*x.shape[:2], x.shape[2] + 1), x.dtype)
    out[..., :-1] = x
    out[..., -1] = 1
    return out


def gate_matrices(W: Array, G: int) -> Array:
    """See (k, G·n) as G matrices (k, n)."""
    return W.reshape(len(W), G, -1).transpose(1, 0, 2)


def weight_columns(rows: Array, G: int, order: list[int]) -> Array:
    """Turn G blocks of rows (G·n, k) into columns, in another order and perhaps not all of them."""
    return rows[block_rows(order, len(rows) // G)].T.copy()


def project_inputs(x1: Array, W: Array, b: Array, n: int, scale: Array, order: list[int], out: Array) -> None:
    """Write W_x x + b of every step and gate, (T, G, B, n), into the tape."""
    G = len(order)
    W1 = weight_columns(np.concatenate([W[:, n:], b[:, None]], axis=1), len(b) // n, order)
    W1 *= scale
    np.matmul(x1[:, None], gate_matrices(W1, G), out=out)


def step_product(W: Array, B: int, G: int, out: Array) -> tuple[Any, Array, Array]:
    """Choose how a step multiplies (B, k) by W (k, G·n) into (G, B, n): the function, its second and third argument."""
    if B == 1:
        return np.dot, W, out.reshape(1, -1)  # dot has less overhead than matmul
    return np.matmul, gate_matrices(W, G), out


def chunk_steps(steps: int, bytes_a_step: int) -> int:
    """Return how many steps fit the cache."""
    return max(1, min(steps, CHUNK_BYTES // max(1, bytes_a_step)))


def past_ends(valid: Array | None, steps: int) -> list[Array | None]:
    """Return for each step which examples are past their end; None where none is."""
    if valid is None:
        return [None] * steps
    return [None if valid_t.all() else ~valid_t for valid_t in valid]


def sign_for_sigmoids(gates: int, sigmoids: int, n: int, dtype: Any) -> Array:
    """Return the factor of each column: -1 for the sigmoids, which come first."""
    signs = np.ones(gates * n, dtype)
    signs[: sigmoids * n] = -1
    return signs


def sigmoid_of_minus(z: Array, one: Array) -> None:
    """Turn -z into σ(z) = 1 / (1 + exp(-z)), in place; where exp overflows, the sigmoid is 0, as it should be."""
    exp(z, z)
    add(z, one, z)
    divide(one, z, z)


def input_gradients(
    W: Array, x1: Array, rows: Array, order: list[int], inputs: bool
) -> tuple[Array | None, Array, Array]:
    """Return dx (None without `inputs`), dW (its columns of x filled in) and db, from all dz as rows.

    The blocks of `rows` stand in another order than those of W.
    """
    T, B, k = x1.shape
    n = rows.shape[1] // len(order)
    at = block_rows(order, n)
    by_x = rows.T @ x1.reshape(T * B, k)
    dW, db = np.empty_like(W), np.empty(len(W), W.dtype)
    dW[at, n:], db[at] = by_x[:, :-1], by_x[:, -1]
    dx = (rows @ W[at, n:]).reshape(T, B, k - 1) if inputs else None
    return dx, dW, db


def block_rows(order: list[int], n: int) -> Array:
    """Return the rows of W in which blocks stand."""
    return np.concatenate([np.arange(i * n, (i + 1) * n) for i in order])
