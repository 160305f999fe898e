"""The dense layer: the same affine map and activation at every step, or at one, with no state."""

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
    ("identity") and gives logits, which the losses take. It reads (T, B, n_a), or (B, n_a) as final states are.

    Parameters
    ----------
    W : ndarray, shape (n_y, n_a)
        Weights, float32 or float64. The layer keeps a read-only copy.
    b : ndarray, shape (n_y,), optional
        Biases; none, if None.
    activation : str
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

    Many to one: the head reads the final state, and hands its gradient back to where it came from.

    >>> from rnncourse import RNN
    >>> layer = RNN.init(n_x=3, n_a=2, rng=np.random.default_rng(0))
    >>> run = layer.forward(np.ones((7, 4, 3)))
    >>> top = head.forward(run.final)
    >>> d = head.backward(top, da=np.ones_like(top.a))
    >>> layer.backward(run, da=None, dfinal=d.x).x.shape
    (7, 4, 3)
    """

    W: Array
    b: Array | None = None
    activation: str = "identity"

    def __post_init__(self) -> None:
        given = {"W": self.W} if self.b is None else {"W": self.W, "b": self.b}
        validate.parameters(**given)
        if self.W.ndim != 2 or 0 in self.W.shape:
            raise ValueError(f"W: expected shape (n_y, n_a) with n_y, n_a ≥ 1, got {self.W.shape}")
        if self.b is not None:
            validate.shape("b", self.b, "(n_y,)", (self.W.shape[0],))
        validate.choice("activation", self.activation, tuple(ACTIVATIONS))
        for name, array in given.items():
            object.__setattr__(self, name, private_copy(array))

    @classmethod
    def init(
        cls,
        n_x: int,
        n_a: int,
        rng: np.random.Generator,
        dtype: Any = np.float64,
        activation: str = "identity",
        weight_init: Initializer = glorot_uniform,
        bias: bool = True,
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
        activation : str
            g.
        weight_init : callable
            See `rnncourse.initializers`.
        bias : bool
            Whether there is a b.

        Returns
        -------
        Dense
            The layer.
        """
        n_x, n_a = validate.size("n_x", n_x), validate.size("n_a", n_a)
        dtype, rng = validate.float_dtype(dtype), validate.generator("rng", rng)
        b = np.zeros(n_a, dtype) if validate.flag("bias", bias) else None
        return cls(draw("weight_init", weight_init, rng, (n_a, n_x), dtype), b, activation)

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

    @np.errstate(under="ignore")
    def forward(
        self, x: Array, state: tuple[()] | None = None, lengths: Any = None, workspace: Workspace | None = None
    ) -> DenseRun:
        """Apply the layer at every step, or once.

        Parameters
        ----------
        x : ndarray, shape (T, B, n_a) or (B, n_a)
            Inputs, in the parameters' dtype (integers and booleans are converted; complex for complex step).
        state : () or None
            There is none.
        lengths : sequence of int, shape (B,), optional
            Number of steps of each example (right padding); outputs behind the end are zero, inputs there never
            matter. None for inputs (B, n_a), which have no steps.
        workspace : Workspace, optional
            Not used: taken so that every layer is called in the same way.

        Returns
        -------
        DenseRun
            ``run.a`` (T, B, n_y) or (B, n_y), and ``run.final`` = ().

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong dtype or shape; the message names it.
        """
        x = validate.numbers("x", x, self.precision, allow_complex=True, allow_ints=True)
        if x.ndim not in (2, 3) or x.shape[-1] != self.n_x:
            sizes = f"(T, B, n_a) = (T, B, {self.n_x}) or (B, n_a) = (B, {self.n_x})"
            raise ValueError(f"x: expected shape {sizes}, got {x.shape}")
        no_state("state", state)
        validate.part(workspace, "")
        if x.ndim == 2 and lengths is not None:
            came = validate.describe(lengths)
            raise ValueError(f"lengths: expected None, since x (B, n_a) = {x.shape} has no steps, got {came}")
        ends = None if x.ndim == 2 else validate.lengths(lengths, *x.shape[:2])
        valid = valid_steps(ends, len(x))
        x = private_copy(keep(valid, x))
        a = ACTIVATIONS[self.activation].function(self._affine(x))
        return DenseRun(self, x, keep(valid, a), ends)

    def _affine(self, x: Array) -> Array:
        """W x, and + b if there is one."""
        return x @ self.W.T + self.b if self.b is not None else x @ self.W.T

    @np.errstate(under="ignore")
    def backward(
        self, run: DenseRun, da: Array | None, dfinal: tuple[()] | None = None, inputs: bool = True
    ) -> Gradients:
        """Gradients of a loss with respect to the inputs and the parameters (eq:dense-gradients).

        Parameters
        ----------
        run : DenseRun
            What ``forward`` of this layer returned.
        da : ndarray, shape (T, B, n_y) or (B, n_y)
            dL/d(run.a); what arrives in the padding is ignored.
        dfinal : () or None
            There is no state.
        inputs : bool
            Whether dL/dx is wanted; ``x`` is None without.

        Returns
        -------
        Gradients
            ``x`` in the shape of x, ``state`` = () and ``layer``, a `Dense` that holds dL/dW and dL/db.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind, dtype or shape, or the run is complex or of another layer.
        """
        validate.own_real_run(run, DenseRun, self)
        no_state("dfinal", dfinal)
        da = validate.upstream(
            da, dfinal, "(T, B, n_y)" if run.a.ndim == 3 else "(B, n_y)", run.a.shape, self.precision
        )
        inputs = validate.flag("inputs", inputs)
        valid = valid_steps(run.lengths, len(run.x))
        dz = ACTIVATIONS[self.activation].slope(run.a) * keep(valid, da)
        rows = dz.reshape(-1, dz.shape[-1])
        dW = rows.T @ run.x.reshape(-1, self.n_x)
        db = None if self.b is None else rows.sum(axis=0)
        return Gradients(dz @ self.W if inputs else None, (), Dense(dW, db, self.activation))

    @np.errstate(under="ignore")
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
        no_state("state", state)
        return ACTIVATIONS[self.activation].function(self._affine(x_t)), ()


@dataclass(frozen=True, eq=False, repr=False)
class DenseRun(Record):
    """What `Dense.forward` computed.

    Attributes
    ----------
    layer : Dense
        The layer that ran.
    x : ndarray, shape (T, B, n_a) or (B, n_a)
        The inputs (a copy; zero in the padding).
    a : ndarray, shape (T, B, n_y) or (B, n_y)
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
        return keep(valid_steps(self.lengths, len(self.x)), self.layer._affine(self.x))


def no_state(name: str, value: object) -> None:
    """Accept () and None as the state, or its gradient, of a layer that has none.

    Parameters
    ----------
    name : str
        What the argument is called.
    value : object
        What came.

    Raises
    ------
    TypeError, ValueError
        If it is anything else.
    """
    if value is not None and not (isinstance(value, tuple) and not value):
        kind = ValueError if isinstance(value, tuple) else TypeError
        raise kind(f"{name}: expected () or None, since this layer has no state, got {validate.describe(value)}")
