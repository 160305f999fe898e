"""The plain recurrent layer: one cell, a line an equation, and the sequence.

The mathematics has column vectors, arrays have one example a row; the one bridge: a row of an array is a column of the
mathematics, so ``W v`` is written ``v @ W.T``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from . import _validation as check
from .activations import ACTIVATIONS
from .initializers import Initializer, glorot_uniform, orthogonal
from .records import Array, Gradients, Record
from .sequence import RecurrentLayer, keep, parameter_gradients, valid_steps

__all__ = ["RNN", "RNNCellCache", "RNNCellGradients", "RNNRun", "rnn_cell_backward", "rnn_cell_forward"]

Edit = Callable[[str, Array], Array]


@dataclass(frozen=True, eq=False, repr=False)
class RNN(RecurrentLayer):
    """The recurrent layer of Elman's network [1]_: a = g(W_aa a_prev + W_ax x + b_a) (eq:rnn-state).

    Parameters
    ----------
    W : ndarray, shape (n_a, n_a + n_x)
        W_a = [W_aa | W_ax], float32 or float64. The layer keeps a read-only copy.
    b : ndarray, shape (n_a,)
        b_a.
    activation : {"tanh", "sigmoid", "relu", "identity"}
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
    blocks: ClassVar[tuple[str, ...]] = ("a",)

    def __post_init__(self) -> None:
        self._check_parameters()
        check.choice("activation", self.activation, tuple(ACTIVATIONS))

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
        activation : {"tanh", "sigmoid", "relu", "identity"}
            g.
        input_init, recurrent_init : callable
            See `rnncourse.initializers`.

        Returns
        -------
        RNN
            The layer.
        """
        n_x, n_a = check.size("n_x", n_x), check.size("n_a", n_a)
        dtype, rng = check.float_dtype(dtype), check.generator("rng", rng)
        W_aa = recurrent_init(rng, (n_a, n_a), dtype)
        W_ax = input_init(rng, (n_a, n_x), dtype)
        return cls(np.concatenate([W_aa, W_ax], axis=1), np.zeros(n_a, dtype), activation)

    def zero_state(self, batch: int) -> Array:
        """Return the start state that stands for 'nothing seen yet': zeros (B, n_a)."""
        return np.zeros((check.size("batch", batch, least=0), self.n_a), self.precision)

    def _state(self, name: str, state: object, batch: int) -> Array:
        """Check a state (or the gradient by one); None stands for zeros."""
        if state is None:
            return self.zero_state(batch)
        array = check.numbers(name, state, self.precision, allow_complex=name != "dfinal")
        check.shape(name, array, "(B, n_a)", (batch, self.n_a))
        return array

    def forward(self, x: Array, state: Array | None = None, lengths: Any = None) -> RNNRun:
        """Run the layer over a batch of sequences.

        Parameters
        ----------
        x : ndarray, shape (T, B, n_x)
            Inputs, in the parameters' dtype (integers and booleans are converted; complex for complex step).
        state : ndarray, shape (B, n_a), optional
            Start state a^{<0>}; zeros, if None.
        lengths : sequence of int, shape (B,), optional
            Number of steps of each example; what stands behind an example's end never matters.

        Returns
        -------
        RNNRun
            ``run.a`` (T, B, n_a) and ``run.final`` (B, n_a): the hidden states, and the last one of each example.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong dtype or shape; the message names it.
        """
        x, ends = self._inputs(x, lengths)
        steps, batch, _ = x.shape
        a0 = self._state("state", state, batch)
        g = ACTIVATIONS[self.activation].function
        valid = valid_steps(ends, steps)

        z_x = x @ self.W_ax.T + self.b_a  # for all steps at once: it does not wait for the state
        W_aa_T = np.ascontiguousarray(self.W_aa.T)  # small products with a transposed operand are slow
        states = np.empty((steps + 1, batch, self.n_a), np.result_type(z_x, a0, W_aa_T))
        states[0] = a0
        for t in range(steps):
            a_t = g(states[t] @ W_aa_T + z_x[t])
            # past its end an example's state stands still
            states[t + 1] = a_t if valid is None else keep(valid[t], a_t, states[t])
        a = keep(valid, states[1:])
        return RNNRun(self, x, states, a, ends)

    def backward(self, run: RNNRun, da: Array, dfinal: Array | None = None) -> Gradients:
        """Backpropagate through time.

        Parameters
        ----------
        run : RNNRun
            What ``forward`` of this layer returned.
        da : ndarray, shape (T, B, n_a)
            dL/d(run.a); what arrives in the padding is ignored.
        dfinal : ndarray, shape (B, n_a), optional
            dL/d(run.final), on top of `da`; zeros, if None.

        Returns
        -------
        Gradients
            ``x`` (T, B, n_x), ``state`` (B, n_a) and ``layer``, an `RNN` that holds dL/dW and dL/db, added up over
            steps and examples.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind, dtype or shape, or the run is complex or of another layer.
        """
        check.own_real_run(run, RNNRun, self)
        steps, batch, _ = run.x.shape
        da = check.numbers("da", da, self.precision)
        check.shape("da", da, "(T, B, n_a)", run.a.shape)
        da_next = self._state("dfinal", dfinal, batch)
        valid = valid_steps(run.lengths, steps)

        da = keep(valid, da)
        slope = ACTIVATIONS[self.activation].slope(run.states[1:])
        dz = np.empty_like(slope)
        for t in reversed(range(steps)):
            dz[t] = slope[t] * (da[t] + da_next)  # eq:delta-z of eq:delta-a
            da_prev = dz[t] @ self.W_aa
            if valid is not None:  # in the padding the state stood still, so its gradient passes unchanged
                dz[t] = keep(valid[t], dz[t])
                da_prev = keep(valid[t], da_prev, da_next)
            da_next = da_prev
        dW, db = parameter_gradients(dz, run.states[:-1], run.x)
        return Gradients(dz @ self.W_ax, da_next.copy(), RNN(dW, db, self.activation))

    def step(self, x_t: Array, state: Array | None = None) -> tuple[Array, Array]:
        """Take one step: for streams that come one input at a time.

        Parameters
        ----------
        x_t : ndarray, shape (B, n_x)
            The input.
        state : ndarray, shape (B, n_a), optional
            What the last step returned; zeros, if None.

        Returns
        -------
        tuple of ndarray
            The output a^{<t>} and the new state, which for this layer are the same.
        """
        x_t = check.numbers("x_t", x_t, self.precision, allow_complex=True, allow_ints=True)
        check.shape("x_t", x_t, "(B, n_x)", (None, self.n_x))
        a_t, _ = rnn_cell_forward(self, x_t, self._state("state", state, len(x_t)))
        return a_t, a_t


@dataclass(frozen=True, eq=False, repr=False)
class RNNRun(Record):
    """What `RNN.forward` computed: read-only arrays, by the names of the book.

    Attributes
    ----------
    layer : RNN
        The layer that ran.
    x : ndarray, shape (T, B, n_x)
        The inputs (a copy; zero in the padding).
    states : ndarray, shape (T + 1, B, n_a)
        a^{<0>} … a^{<T>}; past an example's end its state stands still.
    a : ndarray, shape (T, B, n_a)
        The outputs a^{<1>} … a^{<T>}, zero in the padding.
    lengths : ndarray of int, shape (B,), or None
        The number of steps of each example.
    """

    layer: RNN
    x: Array
    states: Array
    a: Array
    lengths: Array | None

    @property
    def a_prev(self) -> Array:
        """a^{<t-1>} at each step t, shape (T, B, n_a)."""
        return self.states[:-1]

    @property
    def final(self) -> Array:
        """The state after each example's last step, shape (B, n_a)."""
        return self.states[-1]

    @property
    def z_a(self) -> Array:
        """The pre-activations (eq:rnn-preactivation), computed when asked for, zero in the padding."""
        z_a = self.a_prev @ self.layer.W_aa.T + self.x @ self.layer.W_ax.T + self.layer.b_a
        return keep(valid_steps(self.lengths, len(self.x)), z_a)


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
    edit = edit or _unchanged
    g = ACTIVATIONS[layer.activation].function
    z_a = edit("z_a", a_prev @ layer.W_aa.T + x_t @ layer.W_ax.T + layer.b_a)  # eq:rnn-preactivation
    a_t = edit("a", g(z_a))  # eq:rnn-state
    return a_t, RNNCellCache(x_t, a_prev, z_a, a_t)


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


def _unchanged(name: str, value: Array) -> Array:
    return value
