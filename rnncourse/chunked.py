"""Long sequences, a chunk of steps at a time: exact with checkpoints, or truncated.

Backpropagation through time keeps what every step computed. With checkpoints it keeps the state at the start of each
chunk alone and computes a chunk again just before it is differentiated: one more forward pass, and memory for √T steps
in place of T. Truncated, no gradient crosses from a chunk to the one before: less memory and no second pass, but
another gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import isqrt
from typing import Any

import numpy as np

from . import _validation as validate
from .records import Array, Gradients, tree_map
from .workspace import Workspace

__all__ = ["ChunkedGradients", "checkpointed_gradients", "truncated_gradients"]

Upstream = Array | Callable[[int, int, Array], Any]


@dataclass(frozen=True, eq=False, repr=False)
class ChunkedGradients(Gradients):
    """What a pass in chunks returns: `Gradients`, and what came with them.

    As a tree it is its gradients alone: `tree_map` and ``==`` pass over `loss` and `final`.

    Attributes
    ----------
    x, state, layer
        As in `Gradients`.
    loss : float or None
        The sum of the chunks' losses; None if no losses were given.
    final : ndarray or tuple
        The state after each example's last step: the start state of what follows.
    """

    loss: Any = field(default=None, compare=False)
    final: Any = field(default=None, compare=False)


def checkpointed_gradients(
    layer: Any,
    x: Array,
    da: Upstream | None,
    state: Any = None,
    dfinal: Any = None,
    lengths: Any = None,
    every: int | None = None,
    inputs: bool = True,
) -> ChunkedGradients:
    """Compute the exact gradient with the memory of √T steps.

    Parameters
    ----------
    layer : layer
        Any layer that reads forwards alone.
    x : ndarray, shape (T, B, n_x)
        Inputs; symbols (T, B) if the layer reads symbols.
    da : ndarray, shape (T, B, n_a), or callable
        dL/da; or ``f(lo, hi, a)``, which gets the outputs of the steps lo to hi and returns dL/da of these, so that
        nobody has to hold all of them; or their loss and dL/da, such as a `rnncourse.losses.Loss`. The last chunk
        comes first. None stands for zeros, if `dfinal` is given.
    state, dfinal, lengths
        As in the layer's ``forward`` and ``backward``.
    every : int, optional
        Steps a chunk; √T, if None.
    inputs : bool
        Whether dL/dx is computed; if not, and of symbols, ``x`` is None.

    Returns
    -------
    ChunkedGradients
        What ``layer.backward(layer.forward(x, state, lengths), da, dfinal)`` returns, up to rounding, with the loss and
        the final state.

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
    return _gradients(layer, x, da, state, dfinal, lengths, every, inputs, carry=True)


def truncated_gradients(
    layer: Any, x: Array, da: Upstream, every: int, state: Any = None, lengths: Any = None, inputs: bool = True
) -> ChunkedGradients:
    """Compute the gradient that truncated backpropagation takes: states cross from chunk to chunk, gradients do not.

    Parameters
    ----------
    layer : layer
        Any layer that reads forwards alone.
    x : ndarray, shape (T, B, n_x)
        Inputs; symbols (T, B) if the layer reads symbols.
    da : ndarray, shape (T, B, n_a), or callable
        As in `checkpointed_gradients`.
    every : int
        Steps a chunk.
    state, lengths
        As in the layer's ``forward``.
    inputs : bool
        Whether dL/dx is computed; if not, and of symbols, ``x`` is None.

    Returns
    -------
    ChunkedGradients
        Added up over the chunks, with the weights held; ``state`` comes from the first chunk alone. Its `final` state
        is where the sequence goes on, its `loss` the sum over the chunks, if `da` gives losses.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong dtype or shape; the message names it.

    Examples
    --------
    >>> from rnncourse import RNN
    >>> from rnncourse.losses import squared_error
    >>> rng = np.random.default_rng(0)
    >>> layer, x, y = RNN.init(2, 3, rng), rng.normal(size=(50, 4, 2)), rng.normal(size=(50, 4, 3))
    >>> grads = truncated_gradients(layer, x, lambda lo, hi, a: squared_error(a, y[lo:hi]), every=10)
    >>> run = layer.forward(x)
    >>> bool(np.isclose(grads.loss, squared_error(run.a, y).value)), bool(np.allclose(grads.final, run.final))
    (True, True)
    """
    return _gradients(layer, x, da, state, None, lengths, every, inputs, carry=False)


def _gradients(
    layer: Any,
    x: Array,
    da: Upstream | None,
    state: Any,
    dfinal: Any,
    lengths: Any,
    every: int | None,
    inputs: bool,
    carry: bool,
) -> ChunkedGradients:
    validate.layers(layer=layer)
    symbols = bool(getattr(layer, "reads_symbols", False))
    try:
        layer.step(np.zeros(0, int) if symbols else np.zeros((0, layer.n_x), layer.precision))
    except TypeError as error:  # in chunks, the stream that starts at the end would start at each chunk's end
        raise TypeError(f"layer: expected one that reads forwards alone, got {validate.describe(layer)}") from error
    x = validate.inputs("x", x, layer)
    if not callable(da):
        da = validate.upstream(da, dfinal, "(T, B, n_a)", (*x.shape[:2], layer.n_out), layer.precision)
    ends = validate.lengths(lengths, *x.shape[:2])
    size = max(1, isqrt(len(x))) if every is None else validate.size("every", every)

    memory = Workspace()  # each chunk's run is done with before the next one starts
    chunks, start = [], state
    for lo, hi in _bounds(len(x), size):
        chunks.append((lo, hi, start))
        if hi < len(x):
            start = layer.forward(x[lo:hi], start, _within(ends, lo, hi), workspace=memory).final
    dx = np.zeros(x.shape, layer.precision) if validate.flag("inputs", inputs) and not symbols else None
    options = {} if inputs else {"inputs": False}
    grads: Any = None
    final, dnext, losses = None, dfinal, []
    for lo, hi, start in reversed(chunks):
        run = layer.forward(x[lo:hi], start, _within(ends, lo, hi), workspace=memory)
        final = run.final if final is None else final
        loss, upstream = _upstream(da, lo, hi, run.a)
        losses.append(loss)
        g = layer.backward(run, upstream, dnext, **options)
        dnext = g.state if carry else None
        if dx is not None:
            dx[lo:hi] = g.x
        grads = g.layer if grads is None else tree_map(np.add, grads, g.layer)
    return ChunkedGradients(dx, g.state, grads, None if None in losses else sum(losses), final)


def _upstream(da: Upstream, lo: int, hi: int, a: Array) -> tuple[Any, Any]:
    """Return the loss of a chunk, None if it is not given, and dL/da."""
    if not callable(da):
        return None, da[lo:hi]
    given = da(lo, hi, a)
    if not isinstance(given, tuple):
        return None, given
    if len(given) != 2 or np.ndim(given[0]) != 0 or not isinstance(given[0], int | float | np.number | np.ndarray):
        raise TypeError(f"da: expected f(lo, hi, a) to return dL/da or (loss, dL/da), got {validate.describe(given)}")
    return given


def _bounds(steps: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield the chunks; at least one, even if it is empty."""
    for lo in range(0, max(steps, 1), size):
        yield lo, min(lo + size, steps)


def _within(ends: Array | None, lo: int, hi: int) -> Array | None:
    """Return how many steps of each example lie in a chunk."""
    return None if ends is None else np.clip(ends - lo, 0, hi - lo)
