"""Recurrent dropout: some of the weights from state to state are zero for a whole sequence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import _validation as validate
from ..records import Array, Gradients, Record
from ..workspace import Workspace
from .recurrent import RecurrentLayer
from .sequence import Run

__all__ = ["RecurrentDropout", "RecurrentDropoutRun"]


@dataclass(frozen=True, eq=False, repr=False)
class RecurrentDropout(Record):
    r"""A recurrent layer whose weights from state to state are dropped while it trains [1]_; a layer itself.

    .. math::

        z^{\langle t \rangle} = (M \odot W_{aa})\, a^{\langle t-1 \rangle} + W_{ax}\, x^{\langle t \rangle} + b_a
        \qquad M_{ij} = \begin{cases} 0 & \text{with probability } p \\ 1/(1-p) & \text{else} \end{cases}

    and likewise in every block of rows of a gated cell. One M is drawn in each ``forward``: it holds at all steps and
    for all examples of the batch. A mask on the state that changed from step to step would leave next to nothing of a
    long memory, since what is dropped once is gone; one that is held does not [2]_. Dropping weights rather than
    entries of the state needs no other cell: the layer runs with other weights, and its fast path with it.

    Parameters
    ----------
    layer : RNN, GRU, LSTM or another recurrent layer
        What runs.
    p : float
        Probability that a weight is zero, at least 0 and below 1. Active only where ``forward`` gets a generator.

    Raises
    ------
    TypeError, ValueError
        If this is no recurrent layer, or `p` out of range.

    References
    ----------
    .. [1] S. Merity, N. S. Keskar and R. Socher, "Regularizing and optimizing LSTM language models", ICLR 2018.
    .. [2] Y. Gal and Z. Ghahramani, "A theoretically grounded application of dropout in recurrent neural networks",
       NeurIPS 2016.

    Examples
    --------
    >>> from rnncourse import LSTM
    >>> layer = RecurrentDropout(LSTM.init(n_x=2, n_a=3, rng=np.random.default_rng(0)), p=0.5)
    >>> run = layer.forward(np.ones((4, 1, 2)), rng=np.random.default_rng(1))
    >>> run.mask[:2]
    array([[2., 2., 0.],
           [2., 0., 0.]])
    >>> layer.forward(np.ones((4, 1, 2))).mask is None
    True
    """

    layer: RecurrentLayer
    p: float

    def __post_init__(self) -> None:
        if not isinstance(self.layer, RecurrentLayer):
            raise TypeError(f"layer: expected a recurrent layer, got {validate.describe(self.layer)}")
        object.__setattr__(self, "p", validate.positive("p", self.p, zero=True, below=1))

    @property
    def n_x(self) -> int:
        """Number of inputs a step."""
        return self.layer.n_x

    @property
    def n_out(self) -> int:
        """Number of outputs a step."""
        return self.layer.n_out

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the parameters."""
        return self.layer.dtype

    @property
    def precision(self) -> str:
        """'float32' or 'float64': what inputs and states have to have."""
        return self.layer.precision

    @property
    def drops_out(self) -> bool:
        """Whether a generator in ``forward`` makes a difference."""
        return self.p > 0

    def zero_state(self, batch: int) -> Any:
        """Return the layer's start state.

        Parameters
        ----------
        batch : int
            B.

        Returns
        -------
        ndarray or tuple of ndarray
            Zeros (B, n_a).
        """
        return self.layer.zero_state(batch)

    @np.errstate(under="ignore")
    def forward(
        self,
        x: Array,
        state: Any = None,
        lengths: Any = None,
        rng: np.random.Generator | None = None,
        workspace: Workspace | None = None,
    ) -> RecurrentDropoutRun:
        """Run the layer over a batch of sequences.

        Parameters
        ----------
        x, state, lengths, workspace
            As `RecurrentLayer.forward` takes them.
        rng : numpy.random.Generator, optional
            Source of randomness: with it, weights are dropped; without it, none.

        Returns
        -------
        RecurrentDropoutRun
            ``run.a`` and ``run.final`` as the layer's own run has them.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong dtype or shape; the message names it.
        """
        mask = None
        if rng is not None and validate.generator("rng", rng) and self.p:
            kept = rng.random((len(self.layer.W), self.layer.n_a)) >= self.p
            mask = np.where(kept, 1 / (1 - self.p), 0.0).astype(self.precision)
        layer = self.layer if mask is None else replace(self.layer, W=_masked(self.layer.W, mask))
        return RecurrentDropoutRun(self, layer.forward(x, state, lengths, workspace), mask)

    @np.errstate(under="ignore")
    def backward(
        self, run: RecurrentDropoutRun, da: Array | None, dfinal: Any = None, inputs: bool = True
    ) -> Gradients:
        """Backpropagate through time, with the mask of the run.

        Parameters
        ----------
        run : RecurrentDropoutRun
            What ``forward`` of this layer returned.
        da, dfinal, inputs
            As `RecurrentLayer.backward` takes them.

        Returns
        -------
        Gradients
            ``x``, ``state`` and ``layer``, a `RecurrentDropout` that holds the gradients of the parameters: zero for
            the weights that were dropped.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind, dtype or shape, or the run is complex or of another layer.
        """
        validate.own_real_run(run, RecurrentDropoutRun, self)
        grads = run.run.layer.backward(run.run, da, dfinal, inputs=inputs)
        dlayer = grads.layer if run.mask is None else replace(grads.layer, W=_masked(grads.layer.W, run.mask))
        return Gradients(grads.x, grads.state, replace(self, layer=dlayer))

    @np.errstate(under="ignore")
    def step(self, x_t: Array, state: Any = None) -> tuple[Array, Any]:
        """Take one step, without dropout: `RecurrentLayer.step`.

        Parameters
        ----------
        x_t, state
            As the layer takes them.

        Returns
        -------
        tuple
            The output (B, n_a) and the new state.
        """
        return self.layer.step(x_t, state)


@dataclass(frozen=True, eq=False, repr=False)
class RecurrentDropoutRun(Record):
    """What `RecurrentDropout.forward` computed.

    Attributes
    ----------
    layer : RecurrentDropout
        The layer that ran.
    run : Run
        The run of the recurrent layer with the weights that were left.
    mask : ndarray, shape (G·n_a, n_a), or None
        What the weights from state to state were multiplied with, block by block as in W; None without dropout.
    """

    layer: RecurrentDropout
    run: Run
    mask: Array | None

    @property
    def x(self) -> Array:
        """The inputs, shape (T, B, n_x)."""
        return self.run.x

    @property
    def a(self) -> Array:
        """The outputs, shape (T, B, n_a), zero in the padding."""
        return self.run.a

    @property
    def final(self) -> Any:
        """The state after each example's last step."""
        return self.run.final

    @property
    def lengths(self) -> Array | None:
        """The number of steps of each example."""
        return self.run.lengths


def _masked(W: Array, mask: Array) -> Array:
    """Multiply the columns of W that read the state."""
    n_a = mask.shape[1]
    return np.concatenate([np.where(mask != 0, W[:, :n_a] * mask, 0), W[:, n_a:]], axis=1)
