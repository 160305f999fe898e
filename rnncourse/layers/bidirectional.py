"""Two layers that read the same sequence, one from its start and one from its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _validation as validate
from ..records import Array, Gradients, Record
from ..workspace import Workspace
from .sequence import random_part, valid_steps

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
        symbols = [getattr(layer, "reads_symbols", False) for layer in (self.fwd, self.bwd)]
        if symbols[0] != symbols[1]:
            kinds = ["symbols" if reads else "numbers" for reads in symbols]
            raise TypeError(f"bwd: expected a layer that reads {kinds[0]}, as fwd does, got one that reads {kinds[1]}")

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

    @property
    def reads_symbols(self) -> bool:
        """Whether the inputs are symbols (T, B), as an embedding reads them."""
        return bool(getattr(self.fwd, "reads_symbols", False))

    @property
    def drops_out(self) -> bool:
        """Whether a generator in ``forward`` makes a difference."""
        return any(getattr(layer, "drops_out", False) for layer in (self.fwd, self.bwd))

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
        self,
        x: Array,
        state: Any = None,
        lengths: Any = None,
        rng: np.random.Generator | None = None,
        workspace: Workspace | None = None,
    ) -> BidirectionalRun:
        """Run both layers over a batch of sequences.

        Parameters
        ----------
        x : ndarray, shape (T, B, n_x)
            Inputs; symbols (T, B) where the layers read these.
        state : tuple, optional
            Start states (fwd, bwd): the second is where the backward stream starts, at each example's end.
        lengths : sequence of int, shape (B,), optional
            Number of steps of each example (right padding).
        rng : numpy.random.Generator, optional
            Source of the dropout's randomness, for layers that drop something out.
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
        x = validate.inputs("x", x, self)
        start = validate.entries("state", state, 2)
        ends = validate.lengths(lengths, *x.shape[:2])
        rng = None if rng is None else validate.generator("rng", rng)

        def stream(k: int, name: str, inputs: Array) -> Any:
            layer, memory = getattr(self, name), validate.part(workspace, name)
            with validate.within("state", k):
                return layer.forward(inputs, start[k], ends, workspace=memory, **random_part(layer, rng))

        fwd, bwd = stream(0, "fwd", x), stream(1, "bwd", _backwards(x, ends))
        return BidirectionalRun(self, fwd, bwd, np.concatenate([fwd.a, _backwards(bwd.a, ends)], axis=-1), ends)

    def backward(self, run: BidirectionalRun, da: Array | None, dfinal: Any = None, inputs: bool = True) -> Gradients:
        """Backpropagate through both layers.

        Parameters
        ----------
        run : BidirectionalRun
            What ``forward`` of this layer returned.
        da : ndarray, shape (T, B, n_fwd + n_bwd)
            dL/d(run.a); what arrives in the padding is ignored. None, if `dfinal` alone carries a gradient.
        dfinal : tuple, optional
            dL/d(run.final): (fwd, bwd); None stands for zeros, for a part of it too.
        inputs : bool
            Whether dL/dx is wanted; ``x`` is None without, and where the inputs are symbols.

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
        final = validate.entries("dfinal", dfinal, 2)
        da = validate.upstream(da, dfinal, "(T, B, n_fwd + n_bwd)", run.a.shape, self.precision)
        inputs = validate.flag("inputs", inputs)
        n = self.fwd.n_out
        with validate.within("dfinal", 0):
            fwd = self.fwd.backward(run.fwd, da[..., :n], final[0], inputs=inputs)
        with validate.within("dfinal", 1):
            bwd = self.bwd.backward(run.bwd, _backwards(da[..., n:], run.lengths), final[1], inputs=inputs)
        dx = None if fwd.x is None else fwd.x + _backwards(bwd.x, run.lengths)  # both layers read x
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


def reverse(x: Array, lengths: Any) -> Array:
    """Reverse each example within its own length; the padding stays behind.

    Parameters
    ----------
    x : ndarray, shape (T, B, n) or (T, B)
        Padded sequences.
    lengths : sequence of int, shape (B,), or None
        The number of steps of each example; T, if None.

    Returns
    -------
    ndarray
        The reversed sequences. Reversing twice gives back `x`.

    Raises
    ------
    TypeError, ValueError
        If `x` is no array of at least two axes, or `lengths` has not an integer from 0 to T for each example.

    Examples
    --------
    >>> reverse(np.array([[[1]], [[2]], [[0]]]), [2]).ravel()
    array([2, 1, 0])
    """
    x = validate.ndarray("x", x)
    if x.ndim < 2:
        raise ValueError(f"x: expected shape (T, B, n) or (T, B), got {x.shape}")
    return _backwards(x, validate.lengths(lengths, *x.shape[:2]))


def _backwards(x: Array, lengths: Array | None) -> Array:
    valid = valid_steps(lengths, len(x))
    if valid is None or lengths is None:
        return x[::-1]
    t = np.arange(len(x))[:, None]
    source = np.where(valid[:, :, 0], lengths - 1 - t, t)
    return x[source, np.arange(x.shape[1])]
