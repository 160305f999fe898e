"""The plain recurrent layer: one cell, a line an equation, and the sequence.

The mathematics has column vectors, arrays have one example a row; the one bridge: a row of an array is a column of the
mathematics, so ``W v`` is written ``v @ W.T``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from .. import _validation as validate
from ..activations import ACTIVATIONS
from ..initializers import Initializer, glorot_uniform, orthogonal
from ..records import Array, Record
from ..workspace import Buffers, Workspace
from . import fast
from .recurrent import Edit, RecurrentLayer, backward_cell, forward_cell, unchanged
from .sequence import Run

__all__ = ["RNN", "RNNCellCache", "RNNCellGradients", "rnn_cell_backward", "rnn_cell_forward"]


if TYPE_CHECKING:

    class RNNRun(Run):
        """A run of a `RNN` as checkers of types see it: with the names of its quantities, and no others."""

        z_a: Array
        a_prev: Array


@dataclass(frozen=True, eq=False, repr=False)
class RNN(RecurrentLayer):
    r"""The recurrent layer of Elman's network [1]_: a = g(W_aa a_prev + W_ax x + b_a) (eq:rnn-state).

    .. math::

        z_a^{\langle t \rangle} &= W_{aa}\, a^{\langle t-1 \rangle} + W_{ax}\, x^{\langle t \rangle} + b_a \\
        a^{\langle t \rangle} &= g(z_a^{\langle t \rangle})

    Parameters
    ----------
    W : ndarray, shape (n_a, n_a + n_x)
        W_a = [W_aa | W_ax], float32 or float64. The layer keeps a read-only copy.
    b : ndarray, shape (n_a,)
        b_a.
    activation : str
        g.

    Raises
    ------
    TypeError, ValueError
        If W and b are no arrays of one float dtype, or if their shapes do not fit.

    References
    ----------
    .. [1] J. L. Elman, "Finding structure in time", Cognitive Science 14(2), 1990.

    Examples
    --------
    >>> layer = RNN.init(n_x=3, n_a=4, rng=np.random.default_rng(0))
    >>> run = layer.forward(np.ones((5, 2, 3)))
    >>> run.a.shape, run.final.shape
    ((5, 2, 4), (2, 4))
    >>> grads = layer.backward(run, da=np.ones((5, 2, 4)))
    >>> grads.layer
    RNN(W=float64[4, 7], b=float64[4], activation='tanh')
    """

    activation: str = "tanh"

    if TYPE_CHECKING:

        def forward(  # noqa: D102
            self, x: Array, state: Any = None, lengths: Any = None, workspace: Workspace | None = None
        ) -> RNNRun: ...

    def __post_init__(self) -> None:
        super().__post_init__()
        validate.choice("activation", self.activation, tuple(ACTIVATIONS))

    @classmethod
    def init(
        cls,
        n_x: int,
        n_a: int,
        rng: np.random.Generator,
        dtype: Any = np.float64,
        activation: str = "tanh",
        input_init: Initializer = glorot_uniform,
        recurrent_init: Initializer = orthogonal,
    ) -> Self:
        """Draw a layer: W_ax by `input_init`, W_aa by `recurrent_init`, b_a zero.

        Parameters
        ----------
        n_x, n_a : int
            Numbers of inputs and hidden units, at least 1.
        rng : numpy.random.Generator
            Source of randomness.
        dtype : dtype
            float32 or float64.
        activation : str
            g.
        input_init, recurrent_init : callable
            See `rnncourse.initializers`.

        Returns
        -------
        RNN
            The layer.
        """
        W, b = cls._draw(1, n_x, n_a, rng, dtype, input_init, recurrent_init)
        return cls(W, b, activation)

    @classmethod
    def block_names(cls, **options: Any) -> tuple[str, ...]:
        """Return the blocks of rows of W: one, a."""
        return ("a",)

    @property
    def quantities(self) -> tuple[str, ...]:
        """The names that the cell's equations give to what they compute."""
        return ("z_a", "a")

    @cached_property
    def _stacked(self) -> tuple[Array, Array]:
        return fast.stacked_weights(self.W, self.b, 1, 0, [0])

    def _step(self, x_t: Array, parts: tuple[Array, ...]) -> tuple[Array, ...]:
        return (fast.rnn_step(self._stacked, ACTIVATIONS[self.activation].function, x_t, parts[0]),)

    def _forward(
        self, x: Array, start: tuple[Array, ...], valid: Array | None, buffers: Buffers
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        if fast.is_complex(self.W, x, *start):
            return super()._forward(x, start, valid, buffers)
        x1 = fast.with_ones(x, buffers)
        states = fast.rnn_forward(self.W, self.b, x1, start[0], valid, self.activation, buffers)
        return (states,), (x1,)

    def _backward(
        self, run: Run, da: Array, dfinal: tuple[Array, ...], valid: Array | None, buffers: Buffers, inputs: bool
    ) -> tuple[Array | None, tuple[Array, ...], Any]:
        if not run.tape:  # the cell was looped
            return super()._backward(run, da, dfinal, valid, buffers, inputs)
        dx, da0, dW, db = fast.rnn_backward(
            self.W, run.tape[0], run.parts[0], da, dfinal[0], valid, self.activation, buffers, inputs
        )
        return dx, (da0,), RNN(dW, db, self.activation)


class RNNCellCache(NamedTuple):
    """What the backward step needs of the forward step."""

    x_t: Array
    a_prev: Array
    z_a: Array
    a_t: Array


@dataclass(frozen=True, eq=False, repr=False)
class RNNCellGradients(Record):
    """The gradients inside one step, by name.

    Attributes
    ----------
    da, dz_a : ndarray, shape (B, n_a)
        dL/da^{<t>} (as it came) and dL/dz_a^{<t>}.
    layer : RNN
        This step's share of dL/dW and dL/db.
    """

    da: Array
    dz_a: Array
    layer: RNN


@forward_cell(RNN)
def rnn_cell_forward(layer: RNN, x_t: Array, a_prev: Array, edit: Edit | None = None) -> tuple[Array, RNNCellCache]:
    """One step of the plain recurrent cell (eq:rnn-preactivation, eq:rnn-state).

    Parameters
    ----------
    layer : RNN
        The parameters.
    x_t : ndarray, shape (B, n_x)
        x^{<t>}, one example a row.
    a_prev : ndarray, shape (B, n_a)
        a^{<t-1>}.
    edit : callable, optional
        ``edit(name, value) -> value`` is called for z_a and a as they are computed, so that a test can nudge or hold
        them.

    Returns
    -------
    a_t : ndarray, shape (B, n_a)
        The new hidden state.
    cache : RNNCellCache
        What `rnn_cell_backward` needs.

    Examples
    --------
    >>> layer = RNN(W=np.array([[0.5, 1.0]]), b=np.array([0.0]))
    >>> a_t, cache = rnn_cell_forward(layer, np.array([[1.0]]), np.array([[0.0]]))
    >>> bool(np.isclose(a_t[0, 0], np.tanh(1.0)))
    True
    """
    edit = edit or unchanged
    g = ACTIVATIONS[layer.activation].function
    z_a = edit("z_a", a_prev @ layer.W_aa.T + x_t @ layer.W_ax.T + layer.b_a)  # eq:rnn-preactivation
    a_t = edit("a", g(z_a))  # eq:rnn-state
    return a_t, RNNCellCache(x_t, a_prev, z_a, a_t)


@backward_cell(RNN)
def rnn_cell_backward(layer: RNN, cache: RNNCellCache, da_t: Array) -> tuple[Array, Array, RNNCellGradients]:
    """One step back through the cell (eq:delta-z, eq:rnn-gradients, eq:rnn-input-gradients).

    Parameters
    ----------
    layer : RNN
        The parameters.
    cache : RNNCellCache
        From `rnn_cell_forward`.
    da_t : ndarray, shape (B, n_a)
        dL/da^{<t>}, the whole of it: from this step's output and from the step after.

    Returns
    -------
    dx_t : ndarray, shape (B, n_x)
        dL/dx^{<t>}.
    da_prev : ndarray, shape (B, n_a)
        What reaches a^{<t-1>} through this step.
    d : RNNCellGradients
        ``d.dz_a`` and ``d.layer``.

    Examples
    --------
    >>> layer = RNN.init(n_x=2, n_a=3, rng=np.random.default_rng(0))
    >>> a_t, cache = rnn_cell_forward(layer, np.ones((4, 2)), layer.zero_state(4))
    >>> dx_t, dstate_prev, d = rnn_cell_backward(layer, cache, np.ones((4, 3)))
    >>> dx_t.shape, d.layer.W.shape
    ((4, 2), (3, 5))
    """
    slope = ACTIVATIONS[layer.activation].slope
    dz_a = slope(cache.a_t) * da_t  # eq:delta-z
    dW_aa = dz_a.T @ cache.a_prev  # eq:rnn-gradients, one step of the sum
    dW_ax = dz_a.T @ cache.x_t
    db_a = dz_a.sum(axis=0)
    dx_t = dz_a @ layer.W_ax  # eq:rnn-input-gradients
    da_prev = dz_a @ layer.W_aa
    d_layer = RNN(np.concatenate([dW_aa, dW_ax], axis=1), db_a, layer.activation)
    return dx_t, da_prev, RNNCellGradients(da_t, dz_a, d_layer)
