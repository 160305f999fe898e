"""Activation functions and their slopes.

Every function takes real or complex arrays (complex step differentiation needs the second) and never overflows. A slope
takes the *output* a = g(z), since that is what a cell keeps: tanh'(z) = 1 - a². Integers and booleans are converted to
float64; what is no NumPy array (or number) is a TypeError. That a tiny result rounds to 0 is no error, whatever
`numpy.errstate` says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from . import _validation as validate
from .records import Array

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "identity",
    "identity_slope",
    "log_softmax",
    "relu",
    "relu_slope",
    "sigmoid",
    "sigmoid_slope",
    "softmax",
    "softmax_backward",
    "tanh",
    "tanh_slope",
]


@np.errstate(under="ignore")
def sigmoid(z: Array) -> Array:
    """Logistic sigmoid, σ(z) = 1 / (1 + e^{-z}).

    Parameters
    ----------
    z : ndarray
        Real or complex, any shape.

    Returns
    -------
    ndarray
        In (0, 1) for real z, same shape and dtype.

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    z = _numbers("z", z)
    e = np.exp(-_towards_zero(z))  # at most 1 in modulus, so nothing overflows
    return np.where(np.signbit(z.real), e, 1) / (1 + e)  # signbit, as copysign does, tells -0.0 from 0.0


@np.errstate(under="ignore")
def sigmoid_slope(a: Array) -> Array:
    """Slope of the sigmoid from its output: σ'(z) = a (1 - a), at most 1/4.

    Parameters
    ----------
    a : ndarray
        a = σ(z), any shape.

    Returns
    -------
    ndarray
        Same shape and dtype.

    Examples
    --------
    >>> sigmoid_slope(np.array([0.5, 0.9])).round(2)
    array([0.25, 0.09])
    """
    a = _numbers("a", a)
    return a * (1 - a)


def tanh(z: Array) -> Array:
    """Hyperbolic tangent.

    Parameters
    ----------
    z : ndarray
        Real or complex, any shape.

    Returns
    -------
    ndarray
        In (-1, 1) for real z, same shape and dtype.

    Examples
    --------
    >>> tanh(np.array([0.0, 100.0]))
    array([0., 1.])
    """
    return np.tanh(_numbers("z", z))


@np.errstate(under="ignore")
def tanh_slope(a: Array) -> Array:
    """Slope of tanh from its output: tanh'(z) = 1 - a², at most 1.

    Parameters
    ----------
    a : ndarray
        a = tanh(z), any shape.

    Returns
    -------
    ndarray
        Same shape and dtype.

    Examples
    --------
    >>> tanh_slope(np.array([0.0, 0.8])).round(2)
    array([1.  , 0.36])
    """
    a = _numbers("a", a)
    return 1 - a * a


def relu(z: Array) -> Array:
    """Rectified linear unit, max(z, 0); for complex z by the sign of the real part.

    Parameters
    ----------
    z : ndarray
        Real or complex, any shape. NaN stays NaN.

    Returns
    -------
    ndarray
        Same shape and dtype.

    Examples
    --------
    >>> relu(np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    z = _numbers("z", z)
    return np.where(z.real <= 0, z.dtype.type(0), z)


def relu_slope(a: Array) -> Array:
    """Slope of the rectifier from its output: 1 where a > 0, else 0 (so 0 at the kink).

    Parameters
    ----------
    a : ndarray
        a = relu(z), any shape.

    Returns
    -------
    ndarray
        Same shape and dtype.

    Examples
    --------
    >>> relu_slope(relu(np.array([-1.0, 2.0])))
    array([0., 1.])
    """
    a = _numbers("a", a)
    return (a.real > 0).astype(a.dtype)


def identity(z: Array) -> Array:
    """No activation: z itself.

    Parameters
    ----------
    z : ndarray
        Any shape.

    Returns
    -------
    ndarray
        The same array.

    Examples
    --------
    >>> identity(np.array([-1.0, 2.0]))
    array([-1.,  2.])
    """
    return _numbers("z", z)


def identity_slope(a: Array) -> Array:
    """Slope of the identity: 1.

    Parameters
    ----------
    a : ndarray
        Any shape.

    Returns
    -------
    ndarray
        Ones of the same shape and dtype.

    Examples
    --------
    >>> identity_slope(np.array([-1.0, 2.0]))
    array([1., 1.])
    """
    return np.ones_like(_numbers("a", a))


@np.errstate(under="ignore")
def softmax(z: Array) -> Array:
    """Softmax over the last axis, ŷ_i = e^{z_i} / Σ_j e^{z_j} (eq:softmax).

    Parameters
    ----------
    z : ndarray, shape (..., n)
        Logits, real or complex.

    Returns
    -------
    ndarray, shape (..., n)
        Probabilities: each row sums to 1.

    Examples
    --------
    >>> softmax(np.array([1000.0, 1000.0, 0.0]))
    array([0.5, 0.5, 0. ])
    """
    e = np.exp(_below_the_largest(_logits(z)))
    return e / e.sum(axis=-1, keepdims=True)


@np.errstate(under="ignore")
def softmax_backward(yhat: Array, dyhat: Array) -> Array:
    """Gradient through the softmax: (diag(ŷ) - ŷ ŷᵀ) dŷ, without forming the matrix (eq:softmax-jacobian).

    Parameters
    ----------
    yhat : ndarray, shape (..., n)
        Output of `softmax`.
    dyhat : ndarray, shape (..., n)
        dL/dŷ.

    Returns
    -------
    ndarray, shape (..., n)
        dL/dz.

    Raises
    ------
    TypeError, ValueError
        If one is no array of numbers, or the shapes differ.

    Examples
    --------
    >>> softmax_backward(np.array([0.5, 0.5]), np.array([1.0, 0.0]))
    array([ 0.25, -0.25])
    """
    yhat, dyhat = _numbers("yhat", yhat), _numbers("dyhat", dyhat)
    validate.shape("dyhat", dyhat, str(yhat.shape), yhat.shape)
    return yhat * (dyhat - (yhat * dyhat).sum(axis=-1, keepdims=True))


@np.errstate(under="ignore")
def log_softmax(z: Array) -> Array:
    """Logarithm of the softmax, z_i - log Σ_j e^{z_j}, without taking the logarithm of a tiny number.

    Parameters
    ----------
    z : ndarray, shape (..., n)
        Logits, real or complex.

    Returns
    -------
    ndarray, shape (..., n)
        Log-probabilities, at most 0.

    Examples
    --------
    >>> log_softmax(np.array([0.0, 1000.0]))
    array([-1000.,     0.])
    """
    shifted = _below_the_largest(_logits(z))
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


class Activation(NamedTuple):
    """A function and its slope, the slope as a function of the output."""

    function: Callable[[Array], Array]
    slope: Callable[[Array], Array]


ACTIVATIONS = {
    "tanh": Activation(tanh, tanh_slope),
    "sigmoid": Activation(sigmoid, sigmoid_slope),
    "relu": Activation(relu, relu_slope),
    "identity": Activation(identity, identity_slope),
}
"""The activations that a layer can name."""


def _numbers(name: str, value: Array) -> Array:
    """Accept an array of floating point or complex numbers, or one of integers, which becomes float64.

    NumPy's numbers pass as they are: `sigmoid(z[0])` is a number again.
    """
    if type(value) is np.ndarray and value.dtype.kind in "fc":
        return value
    if isinstance(value, np.floating | np.complexfloating):
        return value
    number = isinstance(value, int | float | complex | np.generic)
    array = np.asarray(value) if number else validate.ndarray(name, value)
    if array.dtype.kind in "biu":
        return array.astype(np.float64)
    if array.dtype.kind not in "fc":
        raise TypeError(f"{name}: expected numbers, got dtype {array.dtype}")
    return array


def _logits(z: Array) -> Array:
    z = _numbers("z", z)
    if z.ndim < 1 or z.shape[-1] < 1:
        raise ValueError(f"z: expected shape (..., n) with n ≥ 1, got {z.shape}")
    return z


def _towards_zero(z: Array) -> Array:
    """|z| for real z; for complex z the analytic ±z with a real part that is not negative."""
    return z * np.copysign(z.real.dtype.type(1), z.real)


def _below_the_largest(z: Array) -> Array:
    """Subtract the largest logit of each row; the difference of two extremes may become -inf, which is right."""
    with np.errstate(over="ignore"):
        return z - z.real.max(axis=-1, keepdims=True)
