"""Long sequences, a chunk of steps at a time: exact with checkpoints, or truncated.

Backpropagation through time keeps what every step computed. With checkpoints it keeps the state at the start of each
chunk alone and computes a chunk again just before it is differentiated: one more forward pass, and memory for √T steps
in place of T. Truncated, no gradient crosses from a chunk to the one before: less memory and no second pass, but
another gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isqrt
from typing import Any

import numpy as np

from . import _validation as validate
from .records import Array, Gradients, tree_map
from .workspace import Workspace

__all__ = ["checkpointed_gradients", "truncated_gradients"]

Upstream = Array | Callable[[int, int, Array], Array]


def checkpointed_gradients(
    layer: Any,
    x: Array,
    da: Upstream,
    state: Any = None,
    dfinal: Any = None,
    lengths: Any = None,
    every: int | None = None,
) -> Gradients:
    """Compute the exact gradient with the memory of √T steps.

    Parameters
    ----------
    layer : layer
        Any layer that reads forwards alone.
    x : ndarray, shape (T, B, n_x)
        Inputs.
    da : ndarray, shape (T, B, n_a), or callable
        dL/da; or ``f(lo, hi, a)``, which gets the outputs of the steps lo to hi and returns dL/da of these, so that
        nobody has to hold all of them.
    state, dfinal, lengths
        As in the layer's ``forward`` and ``backward``.
    every : int, optional
        Steps a chunk; √T, if None.

    Returns
    -------
    Gradients
        What ``layer.backward(layer.forward(x, state, lengths), da, dfinal)`` returns, up to rounding.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong dtype or shape; the message names it.

    Examples
    --------
    >>> from rnncourse import LSTM
    >>> rng = np.random.default_rng(0)
    >>> layer, x, da = LSTM.init(2, 3, rng), rng.normal(size=(50, 4, 2)), rng.normal(size=(50, 4, 3))
    >>> exact = layer.backward(layer.forward(x), da)
    >>> bool(np.allclose(checkpointed_gradients(layer, x, da).layer.W, exact.layer.W, atol=1e-12))
    True
    """
    return _gradients(layer, x, da, state, dfinal, lengths, every, carry=True)


def truncated_gradients(
    layer: Any, x: Array, da: Upstream, every: int, state: Any = None, lengths: Any = None
) -> Gradients:
    """Compute the gradient that truncated backpropagation takes: states cross from chunk to chunk, gradients do not.

    Parameters
    ----------
    layer : layer
        Any layer that reads forwards alone.
    x : ndarray, shape (T, B, n_x)
        Inputs.
    da : ndarray, shape (T, B, n_a), or callable
        As in `checkpointed_gradients`.
    every : int
        Steps a chunk.
    state, lengths
        As in the layer's ``forward``.

    Returns
    -------
    Gradients
        Added up over the chunks, with the weights held. ``state`` comes from the first chunk alone.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong dtype or shape; the message names it.
    """
    return _gradients(layer, x, da, state, None, lengths, every, carry=False)


def _gradients(
    layer: Any, x: Array, da: Upstream, state: Any, dfinal: Any, lengths: Any, every: int | None, carry: bool
) -> Gradients:
    validate.layers(layer=layer)
    try:
        layer.step(np.zeros((0, layer.n_x), layer.precision))
    except TypeError as error:  # in chunks, the stream that starts at the end would start at each chunk's end
        raise TypeError(f"layer: expected one that reads forwards alone, got {validate.describe(layer)}") from error
    validate.ndarray("x", x)
    validate.shape("x", x, "(T, B, n_x)", (None, None, layer.n_x))
    if not callable(da):
        validate.shape("da", validate.ndarray("da", da), "(T, B, n_a)", (*x.shape[:2], layer.n_out))
    ends = validate.lengths(lengths, *x.shape[:2])
    size = max(1, isqrt(len(x))) if every is None else validate.size("every", every)

    memory = Workspace()  # each chunk's run is done with before the next one starts
    chunks, start = [], state
    for lo, hi in _bounds(len(x), size):
        chunks.append((lo, hi, start))
        if hi < len(x):
            start = layer.forward(x[lo:hi], start, _within(ends, lo, hi), workspace=memory).final
    dx = np.zeros(x.shape, layer.precision)
    grads: Any = None
    dnext = dfinal
    for lo, hi, start in reversed(chunks):
        run = layer.forward(x[lo:hi], start, _within(ends, lo, hi), workspace=memory)
        g = layer.backward(run, da(lo, hi, run.a) if callable(da) else da[lo:hi], dnext)
        dnext = g.state if carry else None
        dx[lo:hi] = g.x
        grads = g.layer if grads is None else tree_map(np.add, grads, g.layer)
    return Gradients(dx, g.state, grads)


def _bounds(steps: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield the chunks; at least one, even if it is empty."""
    for lo in range(0, max(steps, 1), size):
        yield lo, min(lo + size, steps)


def _within(ends: Array | None, lo: int, hi: int) -> Array | None:
    """Return how many steps of each example lie in a chunk."""
    return None if ends is None else np.clip(ends - lo, 0, hi - lo)
