"""Two layers that read the same sequence, one from its start and one from its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _validation as validate
from ..records import Array, Gradients, Record
from ..workspace import Workspace
from .sequence import valid_steps

__all__ = ["Bidirectional", "BidirectionalRun", "reverse"]


@dataclass(frozen=True, eq=False, repr=False)
class Bidirectional(Record):
    """A bidirectional layer [1]_: at every step, what came before and what comes after.

    Parameters
    ----------
    fwd, bwd : layer
        Any two layers with the same number of inputs and the same precision. `bwd` gets each example reversed, from its
        own last step to its first.

    Raises
    ------
    TypeError, ValueError
        If the two are no layers, or do not fit together.

    References
    ----------
    .. [1] M. Schuster and K. K. Paliwal, "Bidirectional recurrent neural networks", IEEE Transactions on Signal
       Processing 45(11), 1997.

    Examples
    --------
    >>> from rnncourse import RNN
    >>> rng = np.random.default_rng(0)
    >>> layer = Bidirectional(RNN.init(n_x=3, n_a=4, rng=rng), RNN.init(n_x=3, n_a=5, rng=rng))
    >>> layer.forward(np.ones((6, 2, 3))).a.shape
    (6, 2, 9)
    """

    fwd: Any
    bwd: Any

    def __post_init__(self) -> None:
        validate.layers(fwd=self.fwd, bwd=self.bwd)
        if self.fwd.n_x != self.bwd.n_x:
            raise ValueError(f"bwd: expected n_x = {self.fwd.n_x} inputs, as fwd has, got {self.bwd.n_x}")

    @property
    def n_x(self) -> int:
        """Number of inputs a step."""
        return int(self.fwd.n_x)

    @property
    def n_out(self) -> int:
        """Number of outputs a step, of both layers together."""
        return int(self.fwd.n_out + self.bwd.n_out)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the parameters."""
        return np.dtype(self.fwd.dtype)

    @property
    def precision(self) -> str:
        """'float32' or 'float64': what inputs and states have to have."""
        return str(self.fwd.precision)

    def zero_state(self, batch: int) -> tuple[Any, Any]:
        """Return the start states of both layers.

        Parameters
        ----------
        batch : int
            B.

        Returns
        -------
        tuple
            Zeros: (fwd, bwd).
        """
        return self.fwd.zero_state(batch), self.bwd.zero_state(batch)

    def forward(
        self, x: Array, state: Any = None, lengths: Any = None, workspace: Workspace | None = None
    ) -> BidirectionalRun:
        """Run both layers over a batch of sequences.

        Parameters
        ----------
        x : ndarray, shape (T, B, n_x)
            Inputs.
        state : tuple, optional
            Start states (fwd, bwd): the second is where the backward stream starts, at each example's end.
        lengths : sequence of int, shape (B,), optional
            Number of steps of each example (right padding).
        workspace : Workspace, optional
            Memory to use again; the run is valid until the workspace is used again.

        Returns
        -------
        BidirectionalRun
            ``run.a`` (T, B, n_fwd + n_bwd), both in the order of the input.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong dtype or shape; the message names it.
        """
        x = validate.numbers("x", x, self.precision, allow_complex=True, allow_ints=True)
        validate.shape("x", x, "(T, B, n_x)", (None, None, self.n_x))
        start = validate.entries("state", state, 2)
        fwd = self.fwd.forward(x, start[0], lengths, workspace=validate.part(workspace, "fwd"))
        ends = validate.lengths(lengths, *x.shape[:2])
        bwd = self.bwd.forward(reverse(x, ends), start[1], lengths, workspace=validate.part(workspace, "bwd"))
        return BidirectionalRun(self, fwd, bwd, np.concatenate([fwd.a, reverse(bwd.a, ends)], axis=-1), ends)

    def backward(self, run: BidirectionalRun, da: Array, dfinal: Any = None) -> Gradients:
        """Backpropagate through both layers.

        Parameters
        ----------
        run : BidirectionalRun
            What ``forward`` of this layer returned.
        da : ndarray, shape (T, B, n_fwd + n_bwd)
            dL/d(run.a); what arrives in the padding is ignored.
        dfinal : tuple, optional
            dL/d(run.final): (fwd, bwd).

        Returns
        -------
        Gradients
            ``x``, ``state`` = (fwd, bwd), and ``layer``, a `Bidirectional` that holds the gradients of the parameters.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind, dtype or shape, or the run is complex or of another layer.
        """
        validate.own_real_run(run, BidirectionalRun, self)
        da = validate.numbers("da", da, self.precision)
        validate.shape("da", da, "(T, B, n_fwd + n_bwd)", run.a.shape)
        final = validate.entries("dfinal", dfinal, 2)
        n = self.fwd.n_out
        fwd = self.fwd.backward(run.fwd, da[..., :n], final[0])
        bwd = self.bwd.backward(run.bwd, reverse(da[..., n:], run.lengths), final[1])
        dx = fwd.x + reverse(bwd.x, run.lengths)  # both layers read x
        return Gradients(dx, (fwd.state, bwd.state), Bidirectional(fwd.layer, bwd.layer))

    def step(self, x_t: Array, state: Any = None) -> Any:
        """Refuse: one step of this layer needs the steps that are still to come.

        Parameters
        ----------
        x_t, state
            Not used.

        Raises
        ------
        TypeError
            Always.
        """
        raise TypeError("step: expected a layer that reads forwards, got a bidirectional one, which needs the future")


@dataclass(frozen=True, eq=False, repr=False)
class BidirectionalRun(Record):
    """What `Bidirectional.forward` computed.

    Attributes
    ----------
    layer : Bidirectional
        The layer that ran.
    fwd, bwd : run
        The runs of the two layers; `bwd` in its own order, from each example's end.
    a : ndarray, shape (T, B, n_fwd + n_bwd)
        The outputs of both, in the order of the input, zero in the padding.
    lengths : ndarray of int, shape (B,), or None
        The number of steps of each example.
    """

    layer: Bidirectional
    fwd: Any
    bwd: Any
    a: Array
    lengths: Array | None

    @property
    def x(self) -> Array:
        """The inputs, shape (T, B, n_x)."""
        return np.asarray(self.fwd.x)

    @property
    def final(self) -> tuple[Any, Any]:
        """The final states (fwd, bwd): after each example's last step, and after its first."""
        return self.fwd.final, self.bwd.final


def reverse(x: Array, lengths: Array | None) -> Array:
    """Reverse each example within its own length; the padding stays behind.

    Parameters
    ----------
    x : ndarray, shape (T, B, n)
        Padded sequences.
    lengths : ndarray of int, shape (B,), or None
        The number of steps of each example; T, if None.

    Returns
    -------
    ndarray, shape (T, B, n)
        The reversed sequences. Reversing twice gives back `x`.

    Examples
    --------
    >>> reverse(np.array([[[1]], [[2]], [[0]]]), np.array([2])).ravel()
    array([2, 1, 0])
    """
    valid = valid_steps(lengths, len(x))
    if valid is None or lengths is None:
        return x[::-1]
    t = np.arange(len(x))[:, None]
    source = np.where(valid[:, :, 0], lengths - 1 - t, t)
    return np.take_along_axis(x, source[:, :, None], axis=0)
