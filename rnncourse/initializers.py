"""Where the weights start.

Every initializer is called with a random generator, a shape (n_out, n_in) and a dtype, so that a layer's ``init`` takes
any of them.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from . import _validation as validate
from .records import Array

__all__ = ["Initializer", "glorot_uniform", "he_normal", "identity", "orthogonal", "standard_normal", "zeros"]


class Initializer(Protocol):
    """Anything that makes a matrix of a shape."""

    def __call__(self, rng: np.random.Generator, shape: tuple[int, int], dtype: Any = np.float64) -> Array:
        """Return an array of `shape` and `dtype`."""


def glorot_uniform(rng: np.random.Generator, shape: tuple[int, int], dtype: Any = np.float64) -> Array:
    """Uniform on ±√(6 / (n_in + n_out)): keeps the size of signals about level both ways [1]_.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    shape : tuple
        (n_out, n_in).
    dtype : dtype
        float32 or float64.

    Returns
    -------
    ndarray
        Of `shape` and `dtype`.

    References
    ----------
    .. [1] X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks",
       AISTATS 2010, eq. 16.

    Examples
    --------
    >>> bool((abs(glorot_uniform(np.random.default_rng(0), (4, 2))) <= 1).all())  # √(6 / (4 + 2))
    True
    """
    dtype = validate.float_dtype(dtype)
    limit = np.sqrt(6 / sum(_matrix(shape)))
    return validate.generator("rng", rng).uniform(-limit, limit, shape).astype(dtype)


def he_normal(rng: np.random.Generator, shape: tuple[int, int], dtype: Any = np.float64) -> Array:
    """Draw from N(0, 2 / n_in): for rectifiers, which cut half of the signals to zero [1]_.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    shape : tuple
        (n_out, n_in).
    dtype : dtype
        float32 or float64.

    Returns
    -------
    ndarray
        Of `shape` and `dtype`.

    References
    ----------
    .. [1] K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers: surpassing human-level performance on
       ImageNet classification", ICCV 2015, section 2.2.

    Examples
    --------
    >>> W = he_normal(np.random.default_rng(0), (200, 100))
    >>> x = np.maximum(0, np.random.default_rng(1).normal(size=(100, 200)))  # rectified, of mean square 1/2
    >>> bool(abs(np.mean(np.maximum(0, W @ x) ** 2) - 0.5) < 0.05)
    True
    """
    dtype = validate.float_dtype(dtype)
    scale = np.sqrt(2 / _matrix(shape)[1])
    return (scale * validate.generator("rng", rng).standard_normal(shape)).astype(dtype)


def orthogonal(rng: np.random.Generator, shape: tuple[int, int], dtype: Any = np.float64) -> Array:
    """Draw a random orthogonal matrix: every singular value is 1, so a step neither shrinks nor stretches [1]_.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    shape : tuple
        (n_out, n_in); where they differ, the rows or the columns (whichever are fewer) are orthonormal.
    dtype : dtype
        float32 or float64.

    Returns
    -------
    ndarray
        Of `shape` and `dtype`, drawn uniformly (by the Haar measure).

    References
    ----------
    .. [1] A. Saxe, J. McClelland and S. Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear
       neural networks", ICLR 2014.

    Examples
    --------
    >>> Q = orthogonal(np.random.default_rng(0), (3, 3))
    >>> bool(np.allclose(Q @ Q.T, np.eye(3)))
    True
    """
    dtype = validate.float_dtype(dtype)
    n_out, n_in = _matrix(shape)
    q, r = np.linalg.qr(validate.generator("rng", rng).standard_normal((max(n_out, n_in), min(n_out, n_in))))
    q *= np.where(np.diag(r) < 0, -1, 1)  # QR leaves the signs open: without this the draw is not uniform
    return np.ascontiguousarray(q if n_out >= n_in else q.T, dtype=dtype)


def identity(rng: np.random.Generator | None, shape: tuple[int, int], dtype: Any = np.float64) -> Array:
    """Ones on the diagonal: the state is carried over as it is.

    Parameters
    ----------
    rng : numpy.random.Generator or None
        Not used.
    shape : tuple
        (n_out, n_in).
    dtype : dtype
        float32 or float64.

    Returns
    -------
    ndarray
        Of `shape` and `dtype`.

    Examples
    --------
    >>> identity(None, (2, 2))
    array([[1., 0.],
           [0., 1.]])
    """
    return np.eye(*_matrix(shape), dtype=validate.float_dtype(dtype))


def zeros(rng: np.random.Generator | None, shape: tuple[int, int], dtype: Any = np.float64) -> Array:
    """All zeros.

    Parameters
    ----------
    rng : numpy.random.Generator or None
        Not used.
    shape : tuple
        (n_out, n_in).
    dtype : dtype
        float32 or float64.

    Returns
    -------
    ndarray
        Of `shape` and `dtype`.

    Examples
    --------
    >>> zeros(None, (1, 2))
    array([[0., 0.]])
    """
    return np.zeros(_matrix(shape), dtype=validate.float_dtype(dtype))


def standard_normal(rng: np.random.Generator, shape: tuple[int, int], dtype: Any = np.float64) -> Array:
    """Draw every entry from N(0, 1): for rows that are looked up, where nothing is added up over the inputs.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    shape : tuple
        (n_out, n_in).
    dtype : dtype
        float32 or float64.

    Returns
    -------
    ndarray
        Of `shape` and `dtype`.

    Examples
    --------
    >>> standard_normal(np.random.default_rng(0), (65, 32)).shape
    (65, 32)
    """
    dtype = validate.float_dtype(dtype)
    return validate.generator("rng", rng).standard_normal(_matrix(shape)).astype(dtype)


def draw(name: str, initializer: Initializer, rng: np.random.Generator, shape: tuple[int, int], dtype: Any) -> Array:
    """Call an initializer and check what it returns, so that a wrong shape cannot become a layer of another size.

    Parameters
    ----------
    name : str
        The argument that it came in, for messages.
    initializer : callable
        See `Initializer`.
    rng, shape, dtype
        What it is called with.

    Returns
    -------
    ndarray
        Of `shape` and `dtype`.

    Raises
    ------
    TypeError, ValueError
        If it is not callable, or returns something else.

    Examples
    --------
    >>> draw("weight_init", lambda rng, shape, dtype: np.ones((3, 3)), np.random.default_rng(0), (3, 2), np.float64)
    Traceback (most recent call last):
        ...
    ValueError: weight_init: expected an array of shape (n_out, n_in) = (3, 2), got (3, 3)
    """
    if not callable(initializer):
        raise TypeError(f"{name}: expected a callable, such as glorot_uniform, got {validate.describe(initializer)}")
    drawn = validate.ndarray(name, initializer(rng, shape, dtype))
    if drawn.shape != shape:
        raise ValueError(f"{name}: expected an array of shape (n_out, n_in) = {shape}, got {drawn.shape}")
    if drawn.dtype != dtype:
        raise TypeError(f"{name}: expected an array of dtype {np.dtype(dtype)}, got {drawn.dtype}")
    return drawn


def _matrix(shape: tuple[int, int]) -> tuple[int, int]:
    if not isinstance(shape, tuple) or len(shape) != 2:
        raise ValueError(f"shape: expected (n_out, n_in), got {shape!r}")
    return validate.size("n_out", shape[0]), validate.size("n_in", shape[1])
