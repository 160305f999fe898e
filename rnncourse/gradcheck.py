"""Comparing numbers: gradients against two independent measurements, and a learner's arrays against a reference.

A layer's forward pass with fixed upstream gradients is one number, L = Σ da ⊙ a + Σ dfinal ⊙ final. Its derivative by
any entry can be measured from outside: by central differences, which lose digits to subtraction, or by the complex
step, which does not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import _validation as validate
from .records import Array, Gradients, named_leaves, tree_map

__all__ = ["check", "gradient_errors", "measured_gradients", "numerical_gradient"]

METHODS = ("complex", "central")
STEP = {"complex": 1e-30, "central": 6e-6}  # eps^(1/3) balances truncation and rounding; the complex step has neither


def numerical_gradient(
    f: Callable[[Array], Any], x: Array, method: str = "complex", step: float | None = None
) -> Array:
    """Measure the gradient of a scalar function, one entry at a time, by the complex step [1]_ or by differences.

    Parameters
    ----------
    f : callable
        Takes an array like `x`, returns a number; with "complex" it has to accept complex arrays.
    x : ndarray of float64
        Where.
    method : {"complex", "central"}
        Im f(x + ih) / h, or (f(x + h) - f(x - h)) / 2h.
    step : float, optional
        h: 1e-30 for "complex", 6e-6 · max(1, abs(x_i)) for "central", if None.

    Returns
    -------
    ndarray
        df/dx, in the shape of `x`.

    Raises
    ------
    TypeError, ValueError
        If `x` is no float64 array or the method is unknown.

    References
    ----------
    .. [1] W. Squire and G. Trapp, "Using complex variables to estimate derivatives of real functions", SIAM Review
       40(1), 1998.

    Examples
    --------
    >>> numerical_gradient(lambda v: (v**3).sum(), np.array([1.0, 2.0]))
    array([ 3., 12.])
    """
    validate.choice("method", method, METHODS)
    x = validate.numbers("x", x, "float64")
    h = STEP[method] if step is None else validate.positive("step", step)
    at = x.astype(np.complex128 if method == "complex" else np.float64)
    gradient = np.empty(x.shape)
    for i in np.ndindex(x.shape):
        if method == "complex":
            at[i] = x[i] + 1j * h
            gradient[i] = np.imag(f(at)) / h
        else:
            h_i = h * max(1.0, float(abs(x[i]))) if step is None else h
            above, below = x[i] + h_i, x[i] - h_i  # the step that is really taken, after rounding
            at[i] = above
            value = f(at)
            at[i] = below
            gradient[i] = (value - f(at)) / (above - below)
        at[i] = x[i]
    return gradient


def measured_gradients(
    layer: Any,
    x: Array,
    state: Any = None,
    da: Array | None = None,
    dfinal: Any = None,
    lengths: Any = None,
    method: str = "complex",
) -> Gradients:
    """Measure what ``layer.backward`` should return, with the forward pass alone.

    Parameters
    ----------
    layer : layer
        Any layer with float64 parameters.
    x : ndarray, shape (T, B, n_x)
        Inputs.
    state : ndarray or tuple, optional
        Start state; zeros, if None.
    da : ndarray, shape (T, B, n_a), optional
        Upstream gradient of every output; zeros, if None.
    dfinal : ndarray or tuple, optional
        Upstream gradient of the final state; none, if None.
    lengths : sequence of int, optional
        Number of steps of each example (right padding).
    method : {"complex", "central"}
        See `numerical_gradient`.

    Returns
    -------
    Gradients
        As ``layer.backward`` returns them.
    """
    state = layer.zero_state(x.shape[1]) if state is None else state

    def objective(inputs: Any, start: Any, parameters: Any) -> Any:
        run = parameters.forward(inputs, start, lengths)
        total = 0.0 if da is None else (run.a * da).sum()
        if dfinal is not None:
            finals, weights = (dict(named_leaves(tree)) for tree in (run.final, dfinal))
            total = total + sum((finals[path] * weights[path]).sum() for path in finals)
        return total

    def by(tree: Any, of: Callable[[Any], Any]) -> Any:
        """Gradient by every array of `tree`, one array at a time."""
        arrays = [array for _, array in named_leaves(tree)]

        def vary(k: int) -> Array:
            return numerical_gradient(lambda value: of(_with_leaf(tree, k, value)), arrays[k], method)

        gradients = iter([vary(k) for k in range(len(arrays))])
        return tree_map(lambda _: next(gradients), tree)

    return Gradients(
        by(x, lambda v: objective(v, state, layer)),
        by(state, lambda v: objective(x, v, layer)),
        by(layer, lambda v: objective(x, state, v)),
    )


def gradient_errors(
    layer: Any,
    x: Array,
    state: Any = None,
    da: Array | None = None,
    dfinal: Any = None,
    lengths: Any = None,
    method: str = "complex",
) -> dict[str, float]:
    """Compare ``layer.backward`` with measured gradients.

    Parameters
    ----------
    layer, x, state, da, dfinal, lengths, method
        As in `measured_gradients`.

    Returns
    -------
    dict
        For each of x, state and the parameters, by path, the largest abs(difference) over max(1, largest
        abs(measured)).

    Examples
    --------
    >>> from rnncourse import RNN
    >>> rng = np.random.default_rng(0)
    >>> layer = RNN.init(n_x=2, n_a=3, rng=rng)
    >>> errors = gradient_errors(layer, rng.normal(size=(4, 1, 2)), da=rng.normal(size=(4, 1, 3)))
    >>> sorted(errors)
    ['layer.W', 'layer.b', 'state', 'x']
    >>> max(errors.values()) < 1e-12
    True
    """
    run = layer.forward(x, state, lengths)
    mine = layer.backward(run, np.zeros_like(run.a) if da is None else da, dfinal)
    measured = measured_gradients(layer, x, state, da, dfinal, lengths, method)
    return {
        path: float(np.abs(a - b).max(initial=0) / max(1.0, np.abs(b).max(initial=0)))
        for (path, a), (_, b) in zip(named_leaves(mine), named_leaves(measured), strict=True)
    }


def check(name: str, mine: Any, reference: Any, tol: float = 1e-9) -> None:
    """Print whether two arrays agree, or where and by how much they do not.

    What is printed does not depend on the machine: an agreement names only the tolerance, which is relative to the
    largest entry of the reference (or to 1, if that is larger).

    Parameters
    ----------
    name : str
        What is compared.
    mine, reference : array_like
        The numbers.
    tol : float
        The tolerance.

    Examples
    --------
    >>> check("dW_aa", np.array([1.0, 2.0]), np.array([1.0, 2.0 + 1e-13]))
    dW_aa: agrees (within 1e-09)
    >>> check("dW_aa", np.array([1.0, 2.0]), np.array([1.0, 2.5]))
    dW_aa: differs at 1 of 2 entries, most at (1,):
      yours is 2, the reference 2.5 (difference -0.5)
    >>> check("dW_aa", np.ones((2, 3)), np.ones((3, 2)))
    dW_aa: differs in shape: yours is (2, 3), the reference (3, 2):
      a transpose is missing, or one too many
    """
    tol = validate.positive("tol", tol, zero=True)
    mine, reference = _numbers("mine", mine), _numbers("reference", reference)
    if mine.shape != reference.shape:
        hint = ":\n  a transpose is missing, or one too many" if mine.shape == reference.shape[::-1] else ""
        print(f"{name}: differs in shape: yours is {mine.shape}, the reference {reference.shape}{hint}")
        return
    close = _close(mine, reference, tol)
    if close.all():
        print(f"{name}: agrees (within {tol:g})")
        return
    with np.errstate(invalid="ignore", over="ignore"):
        difference = np.where(close, 0, np.abs(np.nan_to_num(mine - reference, nan=np.inf)))
        worst = tuple(int(i) for i in np.unravel_index(np.argmax(difference), mine.shape))
        gap = mine[worst] - reference[worst]
    print(
        f"{name}: differs at {int((~close).sum())} of {close.size} entries, most at {worst}:\n  yours is "
        f"{mine[worst]:.3g}, the reference {reference[worst]:.3g} (difference {gap:.2g})"
    )


def _numbers(name: str, value: Any) -> Array:
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name}: expected an array, got a ragged sequence") from error
    if array.dtype.kind not in "biufc":
        raise TypeError(f"{name}: expected numbers, got {validate.describe(array)}")
    return array.astype(np.float64) if array.dtype.kind in "biu" else array  # differences of these wrap around


def _close(mine: Array, reference: Array, tol: float) -> Array:
    finite = np.abs(reference[np.isfinite(reference)])
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(mine - reference) <= tol * max(1.0, finite.max(initial=0))
    return near | (mine == reference) | (np.isnan(mine) & np.isnan(reference))


def _with_leaf(tree: Any, k: int, value: Array) -> Any:
    """Return the tree with its k-th array replaced (and the others made complex, if it is)."""
    count = iter(range(len(list(named_leaves(tree)))))
    return tree_map(lambda leaf: value if next(count) == k else leaf.astype(value.dtype), tree)
