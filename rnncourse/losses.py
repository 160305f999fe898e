"""Losses, each with its gradient: squared error, binary and softmax cross-entropy.

All three take the output layer's value before its activation, z_y (the *logits*), and all three give the same gradient
dL/dz_y = ŷ - y (eq:delta-y). They are computed from the logits because log ŷ is not safe where ŷ rounds to 0.

A mask of booleans, one entry a step, selects the steps that count. What stands at the other steps, in the logits and in
the targets, never matters, NaN included; the gradient there is zero.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from . import _validation as validate
from .activations import log_softmax, sigmoid
from .records import Array

__all__ = ["Loss", "binary_cross_entropy", "softmax_cross_entropy", "squared_error"]

REDUCTIONS = ("sum", "mean", "none")


class Loss(NamedTuple):
    """A loss and its gradient.

    Attributes
    ----------
    value : scalar or ndarray
        The sum or mean over the steps that count; with ``reduction="none"`` one value a step, in nats.
    dz : ndarray
        Gradient of the value (with "none": of the sum of the values) by the logits, in their shape.
    """

    value: Any
    dz: Array


def squared_error(yhat: Array, y: Array, mask: Array | None = None, reduction: str = "sum") -> Loss:
    """Half the squared error, ½ Σ_i (ŷ_i - y_i)² a step (eq:squared-error).

    Parameters
    ----------
    yhat : ndarray, shape (..., n_y)
        Predictions (real, or complex for complex step).
    y : ndarray, shape (..., n_y)
        Targets.
    mask : ndarray of bool, shape (...), optional
        The steps that count; all, if None.
    reduction : {"sum", "mean", "none"}
        Add the steps up, average over the steps that count, or neither.

    Returns
    -------
    Loss
        The value and its gradient by `yhat`.

    Raises
    ------
    TypeError, ValueError
        If dtypes or shapes do not fit, or if no step counts.

    Examples
    --------
    >>> squared_error(np.array([[3.0, 1.0]]), np.array([[1.0, 1.0]]))
    Loss(value=np.float64(2.0), dz=array([[2., 0.]]))
    """
    yhat, y, counts = _arguments("yhat", yhat, y, mask)
    with np.errstate(over="ignore"):  # the square of a large error may rightly be inf
        error = yhat - y
        losses = 0.5 * (error * error).sum(axis=-1)
    return _reduce(losses, error, counts, reduction)


def binary_cross_entropy(z: Array, y: Array, mask: Array | None = None, reduction: str = "sum") -> Loss:
    """Cross-entropy of independent yes-or-no labels, -y log ŷ - (1-y) log(1-ŷ) with ŷ = σ(z) (eq:loss-binary).

    Parameters
    ----------
    z : ndarray, shape (..., n_y)
        Logits (real, or complex for complex step).
    y : ndarray, shape (..., n_y)
        Targets from 0 to 1; booleans and integers are converted.
    mask : ndarray of bool, shape (...), optional
        The steps that count; all, if None.
    reduction : {"sum", "mean", "none"}
        Add the steps up, average over the steps that count, or neither.

    Returns
    -------
    Loss
        The value in nats, added up over the n_y labels, and its gradient by `z`.

    Raises
    ------
    TypeError, ValueError
        If dtypes or shapes do not fit, a target lies outside [0, 1], or no step counts.

    Examples
    --------
    >>> binary_cross_entropy(np.array([[0.0], [1000.0]]), np.array([[1.0], [1.0]])).value
    np.float64(0.6931471805599453)
    """
    z, y, counts = _arguments("z", z, y, mask)
    if y.size and not (y.min() >= 0 and y.max() <= 1):
        raise ValueError(f"y: expected targets from 0 to 1, got values from {y.min():g} to {y.max():g}")
    positive = z.real > 0
    weight: Array = positive - y  # max(z, 0) - z y = weight · z, without subtracting numbers that are nearly equal
    tail = np.log1p(np.exp(np.where(positive, -z, z)))  # log(1 + e^{-|z|}), without overflow
    with np.errstate(over="ignore"):
        losses = (weight * np.where(weight == 0, 0, z) + tail).sum(axis=-1)
    return _reduce(losses, sigmoid(z) - y, counts, reduction)


def softmax_cross_entropy(z: Array, y: Array, mask: Array | None = None, reduction: str = "sum") -> Loss:
    """Cross-entropy of one of n_y classes, -Σ_i y_i log ŷ_i with ŷ = softmax(z) (eq:loss-step).

    Parameters
    ----------
    z : ndarray, shape (..., n_y)
        Logits (real, or complex for complex step).
    y : ndarray, shape (...) of integers, or shape (..., n_y)
        The class of each step, or a probability for each class (one-hot vectors among them).
    mask : ndarray of bool, shape (...), optional
        The steps that count; all, if None.
    reduction : {"sum", "mean", "none"}
        Add the steps up, average over the steps that count, or neither.

    Returns
    -------
    Loss
        The value in nats and its gradient by `z`.

    Raises
    ------
    TypeError, ValueError
        If dtypes or shapes do not fit, a class is out of range, the probabilities of a step do not add up to 1, or no
        step counts.

    Examples
    --------
    >>> softmax_cross_entropy(np.zeros((1, 4)), np.array([2])).value
    np.float64(1.3862943611198906)
    """
    validate.ndarray("z", z)
    validate.ndarray("y", y)
    if y.dtype.kind in "iu" and y.ndim == z.ndim - 1:
        y = _one_hot(z, y, mask)
    z, y, counts = _arguments("z", z, y, mask)
    total = y.sum(axis=-1)
    if not (y >= 0).all():
        raise ValueError(f"y: expected probabilities that add up to 1 at each step, got an entry {y[~(y >= 0)][0]:g}")
    wrong = counts & ~(np.abs(total - 1) <= 1e-3)
    if wrong.any():
        raise ValueError(f"y: expected probabilities that add up to 1 at each step, got a sum of {total[wrong][0]:g}")
    log_yhat = log_softmax(z)
    # where y is 0 the product is 0, even if log ŷ is -inf
    losses = -(y * np.where(y == 0, 0, log_yhat)).sum(axis=-1)
    return _reduce(losses, np.exp(log_yhat) - y, counts, reduction)


def _arguments(name: str, z: Array, y: Array, mask: Array | None) -> tuple[Array, Array, Array]:
    """Check the arguments; zero the steps that do not count; return the boolean array of those that do."""
    validate.ndarray(name, z)
    validate.ndarray("y", y)
    dtype = validate.precision(z)
    if dtype is None:
        raise TypeError(f"{name}: expected dtype float32 or float64, got {z.dtype}")
    if z.ndim < 1:
        raise ValueError(f"{name}: expected shape (..., n_y), got ()")
    validate.shape("y", y, str(z.shape), z.shape)
    y = validate.numbers("y", y, dtype, allow_ints=True)
    if 0 in z.shape:
        raise ValueError(f"{name}: expected at least one step and one entry, got shape {z.shape}")
    selected = validate.mask(mask, z.shape[:-1])
    if selected is None:
        return z, y, np.ones(z.shape[:-1], dtype=bool)
    keep = selected[..., None]
    return np.where(keep, z, 0), np.where(keep, y, 0), selected


def _one_hot(z: Array, y: Array, mask: Array | None) -> Array:
    validate.shape("y", y, str(z.shape[:-1]), z.shape[:-1])
    selected = validate.mask(mask, z.shape[:-1])
    counts = np.ones(y.shape, dtype=bool) if selected is None else selected
    n_y = z.shape[-1]
    if y[counts].size and (y[counts].min() < 0 or y[counts].max() >= n_y):
        bad = y[counts][(y[counts] < 0) | (y[counts] >= n_y)][0]
        raise ValueError(f"y: expected classes from 0 to n_y - 1 = {n_y - 1}, got {bad}")
    return (np.where(counts, y, 0)[..., None] == np.arange(n_y)).astype(z.real.dtype)


def _reduce(losses: Array, dz: Array, counts: Array, reduction: str) -> Loss:
    validate.choice("reduction", reduction, REDUCTIONS)
    losses = np.where(counts, losses, 0)
    dz = np.where(counts[..., None], dz, 0)
    if reduction == "none":
        return Loss(losses, dz)
    n = int(counts.sum()) if reduction == "mean" else 1
    with np.errstate(over="ignore"):
        return Loss((losses / n).sum(), dz / n)
