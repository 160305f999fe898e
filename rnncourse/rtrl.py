"""Real-time recurrent learning: the gradient in forward mode, for study.

Backpropagation through time waits for the end and walks back. Forward mode carries the sensitivity of the state by
every parameter along, S^{<t>} = da^{<t>}/dθ, so the gradient is there at each step and no past is kept; the price is
n_a numbers for each parameter and example, and a product with W_aa for each of them at each step.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _validation as validate
from .activations import ACTIVATIONS
from .layers.rnn import RNN
from .layers.sequence import Run, keep, valid_steps
from .records import Array

__all__ = ["rtrl"]


@np.errstate(under="ignore")
def rtrl(layer: RNN, x: Array, da: Array, state: Array | None = None, lengths: Any = None) -> RNN:
    """Compute dL/d(parameters) of a plain recurrent layer by real-time recurrent learning [1]_.

    Parameters
    ----------
    layer : RNN
        The layer, with real parameters.
    x : ndarray, shape (T, B, n_x)
        Inputs.
    da : ndarray, shape (T, B, n_a)
        dL/da^{<t>} of each step's output alone, as `RNN.backward` takes it.
    state : ndarray, shape (B, n_a), optional
        Start state; zeros, if None.
    lengths : sequence of int, shape (B,), optional
        Number of steps of each example (right padding).

    Returns
    -------
    RNN
        What ``layer.backward(layer.forward(x, state, lengths), da).layer`` is, with O(n_a²(n_a + n_x)) numbers of
        memory for each example, however long the sequence is.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, dtype or shape; the message names it.

    References
    ----------
    .. [1] R. J. Williams and D. Zipser, "A learning algorithm for continually running fully recurrent neural networks",
       Neural Computation 1(2), 1989.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> layer, x, da = RNN.init(2, 3, rng), rng.normal(size=(5, 4, 2)), rng.normal(size=(5, 4, 3))
    >>> bptt = layer.backward(layer.forward(x), da).layer
    >>> bool(np.allclose(rtrl(layer, x, da).W, bptt.W, atol=1e-14))
    True
    """
    if not isinstance(layer, RNN):
        raise TypeError(f"layer: expected an RNN, got {validate.describe(layer)}")
    run = layer.forward(x, state, lengths)
    validate.own_real_run(run, Run, layer)
    da = validate.numbers("da", da, layer.precision)
    validate.shape("da", da, "(T, B, n_a)", run.a.shape)
    valid = valid_steps(run.lengths, len(da))
    da = keep(valid, da)
    slope = ACTIVATIONS[layer.activation].slope(run.parts[0][1:])
    n_a, batch = layer.n_a, da.shape[1]
    inputs = np.concatenate([run.a_prev, run.x, np.ones((*da.shape[:2], 1), da.dtype)], axis=-1)  # of [W | b]

    S = np.zeros((batch, n_a, n_a, inputs.shape[-1]), da.dtype)  # d a_i / d [W | b]_jk, for each example
    gradient = np.zeros(S.shape[2:], da.dtype)
    unit = np.arange(n_a)
    for t in range(len(da)):
        new = np.einsum("il,bljk->bijk", layer.W_aa, S)  # through the previous state
        new[:, unit, unit] += inputs[t][:, None, :]  # and at once: row i of the weights feeds unit i alone
        new *= slope[t][:, :, None, None]
        S = new if valid is None else keep(valid[t][:, :, None, None], new)
        gradient += np.einsum("bi,bijk->jk", da[t], S)
    return RNN(gradient[:, :-1], gradient[:, -1], layer.activation)
