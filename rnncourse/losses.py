"""Losses, each with its gradient: squared error, binary and softmax cross-entropy.

All three take the output layer's value before its activation, z_y (the *logits*), and all three give the same gradient
dL/dz_y = ŷ - y (eq:delta-y). They are computed from the logits because log ŷ is not safe where ŷ rounds to 0.

A mask of booleans, one entry a step, selects the steps that count. What stands at the other steps, in the logits and in
the targets, never matters, NaN included; the gradient there is zero.

Weights let some steps, or some classes, count more than others. Then a mean divides by the sum of the weights that
count, so that weights which are all equal change nothing in it.
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
        Gradient of the value (with "none": of the sum of the values) with respect to the logits, in their shape.
    """

    value: Any
    dz: Array


@np.errstate(under="ignore")
def squared_error(
    yhat: Array, y: Array, mask: Array | None = None, reduction: str = "sum", weights: Array | None = None
) -> Loss:
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
    weights : ndarray, optional
        What each step (...) or each entry of a step (n_y,) is multiplied with, at least 0; see `softmax_cross_entropy`.
        In a mean, the weight of a step is the mean weight of its entries.

    Returns
    -------
    Loss
        The value and its gradient with respect to `yhat`.

    Raises
    ------
    TypeError, ValueError
        If dtypes or shapes do not fit, a weight is negative, or no step counts.

    Examples
    --------
    >>> squared_error(np.array([[3.0, 1.0]]), np.array([[1.0, 1.0]]))
    Loss(value=np.float64(2.0), dz=array([[2., 0.]]))
    """
    yhat, y, counts = _arguments("yhat", yhat, y, mask)
    weight = _weights(weights, yhat, counts)
    with np.errstate(over="ignore"):  # the square of a large error may rightly be inf
        error = yhat - y
        losses = 0.5 * (weight * (error * error)).sum(axis=-1)
    each = None if weights is None else weight.mean(axis=-1)
    return _reduce(losses, weight * error, counts, reduction, each)


@np.errstate(under="ignore")
def binary_cross_entropy(
    z: Array, y: Array, mask: Array | None = None, reduction: str = "sum", weights: Array | None = None
) -> Loss:
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
    weights : ndarray, optional
        What each step (...) or each entry of a step (n_y,) is multiplied with, at least 0; see `softmax_cross_entropy`.
        In a mean, the weight of a step is the mean weight of its entries.

    Returns
    -------
    Loss
        The value in nats, added up over the n_y labels, and its gradient with respect to `z`.

    Raises
    ------
    TypeError, ValueError
        If dtypes or shapes do not fit, a target lies outside [0, 1], a weight is negative, or no step counts.

    Examples
    --------
    >>> binary_cross_entropy(np.array([[0.0], [1000.0]]), np.array([[1.0], [1.0]])).value
    np.float64(0.6931471805599453)
    """
    z, y, counts = _arguments("z", z, y, mask)
    if y.size and not (y.min() >= 0 and y.max() <= 1):
        raise ValueError(f"y: expected targets from 0 to 1, got values from {y.min():g} to {y.max():g}")
    weight = _weights(weights, z, counts)
    positive = z.real > 0
    factor: Array = positive - y  # max(z, 0) - z y = factor · z, without subtracting numbers that are nearly equal
    tail = np.log1p(np.exp(np.where(positive, -z, z)))  # log(1 + e^{-|z|}), without overflow
    with np.errstate(over="ignore"):
        losses = (weight * (factor * np.where(factor == 0, 0, z) + tail)).sum(axis=-1)
    each = None if weights is None else weight.mean(axis=-1)
    return _reduce(losses, weight * (sigmoid(z) - y), counts, reduction, each)


@np.errstate(under="ignore")
def softmax_cross_entropy(
    z: Array, y: Array, mask: Array | None = None, reduction: str = "sum", weights: Array | None = None
) -> Loss:
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
    weights : ndarray, optional
        How much each step (...) or each class (n_y,) counts, at least 0. A class's weight multiplies its term
        -y_i log ŷ_i, so that a step counts as much as its class does; a mean divides by the sum of the weights, as
        PyTorch's does for classes. Where a shape fits both, write (..., 1) for steps or (1, …, 1, n_y) for classes.

    Returns
    -------
    Loss
        The value in nats and its gradient with respect to `z`.

    Raises
    ------
    TypeError, ValueError
        If dtypes or shapes do not fit, a class is out of range, the probabilities of a step do not add up to 1 (within
        1e-3; the gradient is that of the sum as it is), a weight is negative, or no step counts.

    Examples
    --------
    >>> softmax_cross_entropy(np.zeros((1, 4)), np.array([2])).value
    np.float64(1.3862943611198906)

    Two classes, of which the second is rare and counts three times:

    >>> z, classes = np.array([[0.0, 0.0], [2.0, 0.0], [1.0, 0.0]]), np.array([0, 1, 0])
    >>> loss = softmax_cross_entropy(z, classes, reduction="mean", weights=np.array([1.0, 3.0]))
    >>> loss.value.round(4)
    np.float64(1.4774)
    """
    z, y = _array("z", z), _array("y", y)
    if y.dtype.kind in "iu" and y.ndim == z.ndim - 1:
        if weights is None and validate.precision(z) and 0 not in z.shape:
            return _of_classes(z, y, mask, reduction)
        y = _one_hot(z, y, mask)
    elif y.shape == z.shape[:-1] and y.shape:
        raise TypeError(f"y: expected integers, where there is one class a step, got dtype {y.dtype}")
    z, y, counts = _arguments("z", z, y, mask)
    total = y.sum(axis=-1)
    if not (y >= 0).all():
        raise ValueError(f"y: expected probabilities that add up to 1 at each step, got an entry {y[~(y >= 0)][0]:g}")
    wrong = counts & ~(np.abs(total - 1) <= 1e-3)
    if wrong.any():
        raise ValueError(f"y: expected probabilities that add up to 1 at each step, got a sum of {total[wrong][0]:g}")
    y = _weights(weights, z, counts) * y
    total = y.sum(axis=-1)  # a step's weight; 1, up to rounding, without weights
    log_yhat = log_softmax(z)
    # where y is 0 the product is 0, even if log ŷ is -inf
    losses = -(y * np.where(y == 0, 0, log_yhat)).sum(axis=-1)
    each = None if weights is None else total
    return _reduce(losses, total[..., None] * np.exp(log_yhat) - y, counts, reduction, each)


def _of_classes(z: Array, y: Array, mask: Array | None, reduction: str) -> Loss:
    """Return the cross-entropy of one class a step: the same numbers without one-hot vectors, in half the time."""
    counts = _counts(z, y, mask)
    log_yhat = log_softmax(np.where(counts[..., None], z, 0))
    at = np.where(counts, y, 0)[..., None]
    losses = -np.take_along_axis(log_yhat, at, axis=-1)[..., 0]
    dz = np.exp(log_yhat, log_yhat)  # ŷ - y: 1 less at the class
    np.put_along_axis(dz, at, np.take_along_axis(dz, at, axis=-1) - 1, axis=-1)
    return _reduce(losses, dz, counts, reduction, None)


def _arguments(name: str, z: Array, y: Array, mask: Array | None) -> tuple[Array, Array, Array]:
    """Check the arguments; zero the steps that do not count; return the boolean array of those that do."""
    z, y = _array(name, z), _array("y", y)
    dtype = validate.precision(z)
    if dtype is None:
        raise TypeError(f"{name}: expected dtype float32 or float64, got {z.dtype}")
    if z.ndim < 1:
        raise ValueError(f"{name}: expected shape (..., n_y), got ()")
    validate.shape("y", y, str(z.shape), z.shape)
    y = _real("y", y, dtype, name)
    if 0 in z.shape:
        raise ValueError(f"{name}: expected at least one step and one entry, got shape {z.shape}")
    selected = validate.mask(mask, z.shape[:-1])
    if selected is None:
        return z, y, np.ones(z.shape[:-1], dtype=bool)
    keep = selected[..., None]
    return np.where(keep, z, 0), np.where(keep, y, 0), selected


def _array(name: str, value: Any) -> Array:
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name}: expected a plain NumPy array, got a masked array; `mask` says which steps count")
    return validate.ndarray(name, value)


def _real(name: str, array: Array, dtype: str, other: str) -> Array:
    """Accept real numbers of the logits' precision; integers and booleans are converted."""
    if array.dtype.kind in "iub" or array.dtype.newbyteorder("=").name == dtype:
        return array.astype(dtype, copy=False)
    raise TypeError(f"{name}: expected dtype {dtype}, the precision of {other}, got {array.dtype}")


def _weights(weights: Any, z: Array, counts: Array) -> Array:
    """Check the weights and return one for every entry of z; 0 at the steps that do not count, 1 if there are none."""
    dtype = z.real.dtype
    if weights is None:
        return np.ones((1,) * z.ndim, dtype)
    weights = _real("weights", _array("weights", weights), dtype.name, "the logits")
    steps, classes = z.shape[:-1], z.shape[-1:]
    if steps == classes == weights.shape:
        raise ValueError(
            f"weights: expected a shape that says whether steps or classes are weighted, (n, 1) or (1, n), got {steps}"
        )
    if weights.shape in (steps, (*steps, 1)):
        weights = weights.reshape(*steps, 1)
    elif weights.shape not in (classes, (1,) * len(steps) + classes):
        raise ValueError(f"weights: expected shape {steps} for steps or {classes} for classes, got {weights.shape}")
    weights = np.where(counts[..., None], weights, 0)
    bad = ~((weights >= 0) & (weights < np.inf))
    if bad.any():
        raise ValueError(f"weights: expected finite numbers of at least 0, got {weights[bad][0]:g}")
    return np.broadcast_to(weights, z.shape)


def _counts(z: Array, y: Array, mask: Array | None) -> Array:
    """Check classes; return the boolean array of the steps that count."""
    validate.shape("y", y, str(z.shape[:-1]), z.shape[:-1])
    selected = validate.mask(mask, z.shape[:-1])
    counts = np.ones(y.shape, dtype=bool) if selected is None else selected
    n_y = z.shape[-1]
    if y[counts].size and (y[counts].min() < 0 or y[counts].max() >= n_y):
        bad = y[counts][(y[counts] < 0) | (y[counts] >= n_y)][0]
        raise ValueError(f"y: expected classes from 0 to n_y - 1 = {n_y - 1}, got {bad}")
    return counts


def _one_hot(z: Array, y: Array, mask: Array | None) -> Array:
    counts = _counts(z, y, mask)
    return (np.where(counts, y, 0)[..., None] == np.arange(z.shape[-1])).astype(z.real.dtype)


def _reduce(losses: Array, dz: Array, counts: Array, reduction: str, weights: Array | None) -> Loss:
    """Add the steps up or average them; `weights` says how much each counts in the average, 1 if None."""
    validate.choice("reduction", reduction, REDUCTIONS)
    losses = np.where(counts, losses, 0)
    if not counts.all():
        dz = np.where(counts[..., None], dz, 0)
    if reduction == "none":
        return Loss(losses, dz)
    n: Any = 1
    if reduction == "mean":
        n = int(counts.sum()) if weights is None else np.where(counts, weights, 0).sum()
    if n == 0:
        raise ValueError("weights: expected one above 0 at a step that counts, got none, so there is no mean")
    with np.errstate(over="ignore"):
        return Loss((losses / n).sum(), dz / n)
