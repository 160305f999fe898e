"""The dense layer: the same affine map and activation at every step, with no state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from .. import _validation as validate
from ..activations import ACTIVATIONS
from ..initializers import Initializer, draw, glorot_uniform
from ..records import Array, Gradients, Record, private_copy
from ..workspace import Workspace
from .sequence import keep, valid_steps

__all__ = ["Dense", "DenseRun"]


@dataclass(frozen=True, eq=False, repr=False)
class Dense(Record):
    """A dense layer applied at each step: z_y = W_ya a + b_y, then an activation (eq:rnn-output).

    Its outputs are called ``run.a`` as in every layer, so that layers stack. As an output layer it is left linear
    ("identity") and gives logits, which the losses take.

    Parameters
    ----------
    W : ndarray, shape (n_y, n_a)
        Weights, float32 or float64. The layer keeps a read-only copy.
    b : ndarray, shape (n_y,)
        Biases.
    activation : {"identity", "tanh", "sigmoid", "relu"}
        g.

    Raises
    ------
    TypeError, ValueError
        If W and b are no arrays of one float dtype, or if their shapes do not fit.

    Examples
    --------
    >>> head = Dense(W=np.array([[1.0, 2.0]]), b=np.array([3.0]))
    >>> head.forward(np.ones((1, 1, 2))).a
    array([[[6.]]])
    """

    W: Array
    b: Array
    activation: str = "identity"

    def __post_init__(self) -> None:
        validate.parameters(W=self.W, b=self.b)
        if self.W.ndim != 2 or 0 in self.W.shape:
            raise ValueError(f"W: expected shape (n_y, n_a) with n_y, n_a ≥ 1, got {self.W.shape}")
        validate.shape("b", self.b, "(n_y,)", (self.W.shape[0],))
        validate.choice("activation", self.activation, tuple(ACTIVATIONS))
        object.__setattr__(self, "W", private_copy(self.W))
        object.__setattr__(self, "b", private_copy(self.b))

    @classmethod
    def init(
        cls,
        n_x: int,
        n_a: int,
        rng: np.random.Generator,
        dtype: Any = np.float64,
        activation: str = "identity",
        weight_init: Initializer = glorot_uniform,
    ) -> Self:
        """Draw a layer: W by `weight_init`, b zero.

        Parameters
        ----------
        n_x, n_a : int
            Numbers of inputs and outputs a step, at least 1 (called as in every layer).
        rng : numpy.random.Generator
            Source of randomness.
        dtype : dtype
            float32 or float64.
        activation : {"identity", "tanh", "sigmoid", "relu"}
            g.
        weight_init : callable
            See `rnncourse.initializers`.

        Returns
        -------
        Dense
            The layer.
        """
        n_x, n_a = validate.size("n_x", n_x), validate.size("n_a", n_a)
        dtype, rng = validate.float_dtype(dtype), validate.generator("rng", rng)
        return cls(draw("weight_init", weight_init, rng, (n_a, n_x), dtype), np.zeros(n_a, dtype), activation)

    @property
    def n_x(self) -> int:
        """Number of inputs a step."""
        return self.W.shape[1]

    @property
    def n_out(self) -> int:
        """Number of outputs a step."""
        return self.W.shape[0]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the parameters."""
        return self.W.dtype

    @property
    def precision(self) -> str:
        """'float32' or 'float64': what inputs have to have."""
        return validate.PRECISION[self.W.dtype.name]

    def zero_state(self, batch: int) -> tuple[()]:
        """Return the state of a layer that has none: ()."""
        validate.size("batch", batch, least=0)
        return ()

    def forward(
        self, x: Array, state: tuple[()] | None = None, lengths: Any = None, workspace: Workspace | None = None
    ) -> DenseRun:
        """Apply the layer at every step.

        Parameters
        ----------
        x : ndarray, shape (T, B, n_a)
            Inputs, in the parameters' dtype (integers and booleans are converted; complex for complex step).
        state : () or None
            There is none.
        lengths : sequence of int, shape (B,), optional
            Number of steps of each example (right padding); outputs behind the end are zero, inputs there never matter.
        workspace : Workspace, optional
            Not used: taken so that every layer is called in the same way.

        Returns
        -------
        DenseRun
            ``run.a`` (T, B, n_y) and ``run.final`` = ().

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong dtype or shape; the message names it.
        """
        x = validate.numbers("x", x, self.precision, allow_complex=True, allow_ints=True)
        validate.shape("x", x, "(T, B, n_a)", (None, None, self.n_x))
        _no_state("state", state)
        validate.part(workspace, "")
        ends = validate.lengths(lengths, *x.shape[:2])
        valid = valid_steps(ends, len(x))
        x = private_copy(keep(valid, x))
        a = ACTIVATIONS[self.activation].function(x @ self.W.T + self.b)
        return DenseRun(self, x, keep(valid, a), ends)

    def backward(self, run: DenseRun, da: Array, dfinal: tuple[()] | None = None) -> Gradients:
        """Gradients of a loss by the inputs and the parameters (eq:dense-gradients).

        Parameters
        ----------
        run : DenseRun
            What ``forward`` of this layer returned.
        da : ndarray, shape (T, B, n_y)
            dL/d(run.a); what arrives in the padding is ignored.
        dfinal : () or None
            There is no state.

        Returns
        -------
        Gradients
            ``x`` (T, B, n_a), ``state`` = () and ``layer``, a `Dense` that holds dL/dW and dL/db.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind, dtype or shape, or the run is complex or of another layer.
        """
        validate.own_real_run(run, DenseRun, self)
        da = validate.numbers("da", da, self.precision)
        validate.shape("da", da, "(T, B, n_y)", run.a.shape)
        _no_state("dfinal", dfinal)
        valid = valid_steps(run.lengths, len(run.x))
        dz = ACTIVATIONS[self.activation].slope(run.a) * keep(valid, da)
        rows = dz.reshape(-1, dz.shape[-1])
        dW = rows.T @ run.x.reshape(-1, self.n_x)
        return Gradients(dz @ self.W, (), Dense(dW, rows.sum(axis=0), self.activation))

    def step(self, x_t: Array, state: tuple[()] | None = None) -> tuple[Array, tuple[()]]:
        """Apply the layer at one step.

        Parameters
        ----------
        x_t : ndarray, shape (B, n_a)
            The input.
        state : () or None
            There is none.

        Returns
        -------
        tuple
            The output (B, n_y) and ().
        """
        x_t = validate.numbers("x_t", x_t, self.precision, allow_complex=True, allow_ints=True)
        validate.shape("x_t", x_t, "(B, n_a)", (None, self.n_x))
        _no_state("state", state)
        return ACTIVATIONS[self.activation].function(x_t @ self.W.T + self.b), ()


@dataclass(frozen=True, eq=False, repr=False)
class DenseRun(Record):
    """What `Dense.forward` computed.

    Attributes
    ----------
    layer : Dense
        The layer that ran.
    x : ndarray, shape (T, B, n_a)
        The inputs (a copy; zero in the padding).
    a : ndarray, shape (T, B, n_y)
        The outputs, zero in the padding.
    lengths : ndarray of int, shape (B,), or None
        The number of steps of each example.
    """

    layer: Dense
    x: Array
    a: Array
    lengths: Array | None

    @property
    def final(self) -> tuple[()]:
        """The state: ()."""
        return ()

    @property
    def z_y(self) -> Array:
        """The values before the activation (eq:rnn-output), computed when asked for, zero in the padding."""
        return keep(valid_steps(self.lengths, len(self.x)), self.x @ self.layer.W.T + self.layer.b)


def _no_state(name: str, value: object) -> None:
    if value is not None and not (isinstance(value, tuple) and not value):
        kind = ValueError if isinstance(value, tuple) else TypeError
        raise kind(f"{name}: expected () or None, since a dense layer has no state, got {validate.describe(value)}")
