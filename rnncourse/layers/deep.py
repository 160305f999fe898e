"""Layers on top of each other: each reads what the one below puts out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import _validation as validate
from ..records import Array, Gradients, Record
from ..workspace import Workspace
from .sequence import keep, random_part, valid_steps

__all__ = ["Deep", "DeepRun"]


@dataclass(frozen=True, eq=False, repr=False)
class Deep(Record):
    """A stack of layers, which is a layer itself.

    Parameters
    ----------
    layers : tuple of layer
        From the bottom; any mix of recurrent, bidirectional, dense and deep ones, and an embedding as the first.
    dropout : float
        Probability p that an entry between two layers is set to zero; the others are divided by 1 - p, so that the mean
        stays [1]_. Active only where ``forward`` gets a generator, which is handed on to deep and bidirectional layers
        inside: these have a dropout of their own. What enters the first layer and leaves the last is never dropped, so
        that with a single layer only 0 makes sense.
    variational : bool
        Whether a mask is drawn once for a sequence and holds at all of its steps [2]_; else every step has its own.
    residual : bool
        Whether each layer with as many outputs as inputs hands on the sum of the two [3]_ (eq:deep-residual); the
        others, such as a first layer that widens, stay as they are. What is added is the input before dropout.

    Raises
    ------
    TypeError, ValueError
        If these are no layers, or do not fit on each other, if there is dropout but nothing between layers, or
        `residual` where no layer has as many outputs as inputs.

    References
    ----------
    .. [1] W. Zaremba, I. Sutskever and O. Vinyals, "Recurrent neural network regularization", arXiv:1409.2329, 2014.
    .. [2] Y. Gal and Z. Ghahramani, "A theoretically grounded application of dropout in recurrent neural networks",
       NeurIPS 2016.
    .. [3] K. He, X. Zhang, S. Ren and J. Sun, "Deep residual learning for image recognition", CVPR 2016.

    Examples
    --------
    >>> from rnncourse import RNN, Dense
    >>> rng = np.random.default_rng(0)
    >>> net = Deep((RNN.init(n_x=3, n_a=4, rng=rng), Dense.init(n_x=4, n_a=2, rng=rng)))
    >>> run = net.forward(np.ones((6, 5, 3)))
    >>> run.a.shape, [r.a.shape for r in run.layers]
    ((6, 5, 2), [(6, 5, 4), (6, 5, 2)])

    A layer whose weights are zero hands its input on, if it is residual:

    >>> silent = RNN(np.zeros((3, 6)), np.zeros(3))
    >>> Deep((silent, silent), residual=True).forward(np.ones((1, 1, 3))).a
    array([[[1., 1., 1.]]])
    """

    layers: tuple[Any, ...]
    dropout: float = 0.0
    variational: bool = False
    residual: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.layers, tuple):
            raise TypeError(f"layers: expected a tuple of layers, got {validate.describe(self.layers)}")
        if not self.layers:
            raise ValueError("layers: expected at least one layer, got none")
        validate.layers(**{f"layers[{k}]": layer for k, layer in enumerate(self.layers)})
        object.__setattr__(self, "dropout", validate.positive("dropout", self.dropout, zero=True, below=1))
        object.__setattr__(self, "variational", validate.flag("variational", self.variational))
        if self.dropout and len(self.layers) == 1:
            raise ValueError(f"dropout: expected 0 for a single layer, since it acts between two, got {self.dropout:g}")
        for k in range(1, len(self.layers)):
            if getattr(self.layers[k], "reads_symbols", False):
                came = type(self.layers[k]).__name__
                raise TypeError(f"layers[{k}]: expected a layer that reads numbers, got {came}, which reads symbols")
            above, below = self.layers[k].n_x, self.layers[k - 1].n_out
            if above != below:
                raise ValueError(f"layers[{k}]: expected n_x = {below}, the outputs of the layer below, got {above}")
        object.__setattr__(self, "residual", validate.flag("residual", self.residual))
        if self.residual and not any(self._adds(k) for k in range(len(self.layers))):
            raise ValueError("residual: expected a layer with as many outputs as inputs, got none")

    def _adds(self, k: int) -> bool:
        """Tell whether layer k hands on the sum of its input and its output."""
        layer = self.layers[k]
        return self.residual and layer.n_x == layer.n_out and not getattr(layer, "reads_symbols", False)

    @property
    def n_x(self) -> int:
        """Number of inputs a step."""
        return int(self.layers[0].n_x)

    @property
    def n_out(self) -> int:
        """Number of outputs a step."""
        return int(self.layers[-1].n_out)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the parameters."""
        return np.dtype(self.layers[0].dtype)

    @property
    def precision(self) -> str:
        """'float32' or 'float64': what inputs and states have to have."""
        return str(self.layers[0].precision)

    @property
    def reads_symbols(self) -> bool:
        """Whether the inputs are symbols (T, B), as an embedding reads them."""
        return bool(getattr(self.layers[0], "reads_symbols", False))

    @property
    def drops_out(self) -> bool:
        """Whether a generator in ``forward`` makes a difference."""
        return self.dropout > 0 or any(getattr(layer, "drops_out", False) for layer in self.layers)

    def zero_state(self, batch: int) -> tuple[Any, ...]:
        """Return the start states of all layers.

        Parameters
        ----------
        batch : int
            B.

        Returns
        -------
        tuple
            Zeros, an entry a layer.
        """
        return tuple(layer.zero_state(batch) for layer in self.layers)

    def forward(
        self,
        x: Array,
        state: Any = None,
        lengths: Any = None,
        rng: np.random.Generator | None = None,
        workspace: Workspace | None = None,
    ) -> DeepRun:
        """Run the layers from the bottom to the top.

        Parameters
        ----------
        x : ndarray, shape (T, B, n_x)
            Inputs, handed to the first layer as they are: symbols (T, B) if that is an embedding.
        state : tuple, optional
            Start states, an entry a layer.
        lengths : sequence of int, shape (B,), optional
            Number of steps of each example (right padding).
        rng : numpy.random.Generator, optional
            Source of the dropout's randomness: with it, entries between layers are dropped; without it, none. The same
            generator and sizes give the same masks.
        workspace : Workspace, optional
            Memory to use again; the run is valid until the workspace is used again.

        Returns
        -------
        DeepRun
            ``run.a`` (T, B, n_out), and ``run.layers``, the run of each layer.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong dtype or shape; the message names it.
        """
        x = validate.inputs("x", x, self)
        start = validate.entries("state", state, len(self.layers))
        rng = None if rng is None else validate.generator("rng", rng)
        runs: list[Any] = []
        masks: list[Array] = []
        sums: list[Array | None] = []
        for k, (layer, s) in enumerate(zip(self.layers, start, strict=True)):
            below = x
            if runs and self.dropout and rng is not None:
                masks.append(self._mask(x.shape, rng))
                x = _times(x, masks[-1])
            with validate.within("state", k):
                memory = validate.part(workspace, str(k))
                runs.append(layer.forward(x, s, lengths, workspace=memory, **random_part(layer, rng)))
            # what the first layer's run keeps is of the right dtype, and zero in the padding
            total = (below if k else runs[0].x) + runs[k].a if self._adds(k) else None
            sums.append(total)
            x = runs[k].a if total is None else total
        return DeepRun(self, tuple(runs), tuple(masks), tuple(sums) if self.residual else ())

    def _mask(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """Draw what the values between two layers are multiplied with, for each step or for all."""
        kept = rng.random((1, *shape[1:]) if self.variational else shape) >= self.dropout
        return np.where(kept, 1 / (1 - self.dropout), 0.0).astype(self.precision)

    def backward(self, run: DeepRun, da: Array | None, dfinal: Any = None, inputs: bool = True) -> Gradients:
        """Backpropagate from the top to the bottom.

        Parameters
        ----------
        run : DeepRun
            What ``forward`` of this layer returned.
        da : ndarray, shape (T, B, n_out)
            dL/d(run.a); what arrives in the padding is ignored. None, if `dfinal` alone carries a gradient.
        dfinal : tuple, optional
            dL/d(run.final), an entry a layer; None stands for zeros, for an entry too.
        inputs : bool
            Whether dL/dx is wanted; ``x`` is None without, and where the inputs are symbols.

        Returns
        -------
        Gradients
            ``x``, ``state`` (an entry a layer), and ``layer``, a `Deep` that holds the gradients of the parameters.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind, dtype or shape, or the run is complex or of another layer.
        """
        validate.own_real_run(run, DeepRun, self)
        final = validate.entries("dfinal", dfinal, len(self.layers))
        da = validate.upstream(da, dfinal, "(T, B, n_out)", run.a.shape, self.precision)
        inputs = validate.flag("inputs", inputs)
        valid = valid_steps(run.lengths, len(run.a))
        states: list[Any] = []
        layers: list[Any] = []
        for k in reversed(range(len(self.layers))):
            around = keep(valid, da) if self._adds(k) else None
            with validate.within("dfinal", k):
                grads = self.layers[k].backward(run.layers[k], da, final[k], inputs=inputs or k > 0)
            states.insert(0, grads.state)
            layers.insert(0, grads.layer)
            da = grads.x
            if k and run.masks:
                da = _times(da, run.masks[k - 1])
            if around is not None and da is not None:
                da = da + around  # the sum hands its gradient to both that were added
        return Gradients(da, tuple(states), replace(self, layers=tuple(layers)))

    def step(self, x_t: Array, state: Any = None) -> tuple[Array, tuple[Any, ...]]:
        """Take one step, without dropout.

        Parameters
        ----------
        x_t : ndarray, shape (B, n_x)
            The input; symbols (B,) if the first layer is an embedding.
        state : tuple, optional
            What the last step returned; zeros, if None.

        Returns
        -------
        tuple
            The output of the top layer (B, n_out) and the new states, an entry a layer.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong dtype or shape, or a layer needs the future.
        """
        if not self.reads_symbols:
            x_t = validate.numbers("x_t", x_t, self.precision, allow_complex=True, allow_ints=True)
            validate.shape("x_t", x_t, "(B, n_x)", (None, self.n_x))
        states = []
        for k, (layer, s) in enumerate(
            zip(self.layers, validate.entries("state", state, len(self.layers)), strict=True)
        ):
            with validate.within("state", k):
                a_t, new = layer.step(x_t, s)
            x_t = x_t + a_t if self._adds(k) else a_t
            states.append(new)
        return x_t, tuple(states)


@dataclass(frozen=True, eq=False, repr=False)
class DeepRun(Record):
    """What `Deep.forward` computed.

    Attributes
    ----------
    layer : Deep
        The layer that ran.
    layers : tuple of run
        The run of each layer, from the bottom.
    masks : tuple of ndarray
        What dropout multiplied the outputs of each layer but the top one with, each (T, B, n), or (1, B, n) where it is
        variational; empty without dropout.
    sums : tuple of ndarray or None
        Input and output of each layer that is residual, added up, (T, B, n), zero in the padding; None for the other
        layers, and empty where none is residual.
    """

    layer: Deep
    layers: tuple[Any, ...]
    masks: tuple[Array, ...] = ()
    sums: tuple[Array | None, ...] = ()

    @property
    def x(self) -> Array:
        """The inputs, shape (T, B, n_x)."""
        return np.asarray(self.layers[0].x)

    @property
    def a(self) -> Array:
        """The outputs of the top layer, shape (T, B, n_out), zero in the padding; with its input, if it is residual."""
        top = self.sums[-1] if self.sums else None
        return np.asarray(self.layers[-1].a) if top is None else top

    @property
    def final(self) -> tuple[Any, ...]:
        """The final states, an entry a layer."""
        return tuple(run.final for run in self.layers)

    @property
    def lengths(self) -> Array | None:
        """The number of steps of each example."""
        return self.layers[0].lengths


def _times(values: Array, mask: Array) -> Array:
    """Multiply where the mask is not zero, else zero: a choice, so that an infinity that is dropped is gone."""
    return np.multiply(values, mask, out=np.zeros_like(values), where=mask != 0)
