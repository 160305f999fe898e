"""Long short-term memory, with its common options: peepholes, coupled gates, layer normalisation.

The cell as the course writes it has a forget gate Γ_f, an update gate Γ_u (elsewhere: input gate), an output gate Γ_o
and a candidate c̃. Peepholes let the gates read the cell state; coupled gates write what they forget.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np

from .. import _validation as validate
from ..activations import sigmoid, sigmoid_slope, tanh, tanh_slope
from ..initializers import Initializer, glorot_uniform, orthogonal
from ..records import Array, Record
from ..workspace import Buffers, Workspace
from . import fast
from .recurrent import Edit, RecurrentLayer, backward_cell, forward_cell, unchanged
from .sequence import Run

__all__ = ["LSTM", "LSTMCellCache", "LSTMCellGradients", "lstm_cell_backward", "lstm_cell_forward"]

State = tuple[Array, Array]


if TYPE_CHECKING:

    class LSTMRun(Run):
        """A run of a `LSTM` as checkers of types see it: with the names of its quantities, and no others."""

        z_f: Array
        z_u: Array
        z_c: Array
        gate_f: Array
        gate_u: Array
        cand: Array
        c: Array
        norm_c: Array
        z_o: Array
        gate_o: Array
        a_prev: Array
        c_prev: Array


@dataclass(frozen=True, eq=False, repr=False)
class LSTM(RecurrentLayer):
    r"""A layer of LSTM cells [1]_ [2]_: c = Γ_u ⊙ c̃ + Γ_f ⊙ c_prev (eq:lstm-cell), a = Γ_o ⊙ tanh c (eq:lstm-state).

    .. math::

        \Gamma_g^{\langle t \rangle} &= \sigma(W_g [a^{\langle t-1 \rangle}, x^{\langle t \rangle}] + b_g),
            \quad g \in \{f, u, o\} \\
        \tilde c^{\langle t \rangle} &= \tanh(W_c [a^{\langle t-1 \rangle}, x^{\langle t \rangle}] + b_c) \\
        c^{\langle t \rangle} &= \Gamma_u^{\langle t \rangle} \odot \tilde c^{\langle t \rangle}
            + \Gamma_f^{\langle t \rangle} \odot c^{\langle t-1 \rangle} \\
        a^{\langle t \rangle} &= \Gamma_o^{\langle t \rangle} \odot \tanh c^{\langle t \rangle}

    With layer normalisation [4]_ the pre-activations of all gates and of the candidate, stacked in the order of the
    blocks, are

    .. math::

        z^{\langle t \rangle} = \gamma_a \odot N(W_{\cdot a}\, a^{\langle t-1 \rangle})
            + \gamma_x \odot N(W_{\cdot x}\, x^{\langle t \rangle}) + b, \qquad
        a^{\langle t \rangle} = \Gamma_o^{\langle t \rangle} \odot
            \tanh(\gamma_c \odot N(c^{\langle t \rangle}) + \beta_c)

    where N takes each example's vector to mean 0 and variance 1 over its entries, N(v) = (v - μ) / √(σ² + 10⁻⁵): the
    two products of all blocks together, G·n_a entries each, as in the paper. The paper has a bias for each N and one
    more, which always add up; b is their sum. Peepholes are added outside N. The state c stays as it is; what the
    output reads is normalised. This form is looped cell by cell, and so slower than the others.

    Parameters
    ----------
    W : ndarray, shape (4·n_a, n_a + n_x)
        The blocks W_f, W_u, W_o, W_c, each like W_f = [W_fa | W_fx], float32 or float64; with coupled gates
        W_f, W_o, W_c. The layer keeps a read-only copy.
    b : ndarray, shape (4·n_a,)
        b_f, b_u, b_o, b_c; with coupled gates b_f, b_o, b_c.
    p_f, p_u, p_o : ndarray, shape (n_a,), optional
        Peepholes [3]_: Γ_f and Γ_u read c_prev, Γ_o reads c. All of them or none; no p_u with coupled gates.
    coupled : bool
        Γ_u = 1 - Γ_f: what is forgotten makes room for what is written.
    gain_a, gain_x : ndarray, shape of b, optional
        Layer normalisation: γ_a and γ_x.
    gain_c, bias_c : ndarray, shape (n_a,), optional
        γ_c and β_c. All four or none.

    Raises
    ------
    TypeError, ValueError
        If the parameters are no arrays of one float dtype, or if their shapes or the options do not fit.

    References
    ----------
    .. [1] S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9(8), 1997.
    .. [2] F. A. Gers, J. Schmidhuber and F. Cummins, "Learning to forget: continual prediction with LSTM", Neural
       Computation 12(10), 2000.
    .. [3] F. A. Gers and J. Schmidhuber, "Recurrent nets that time and count", IJCNN 2000.
    .. [4] J. L. Ba, J. R. Kiros and G. E. Hinton, "Layer normalization", arXiv:1607.06450, 2016.

    Examples
    --------
    >>> layer = LSTM.init(n_x=3, n_a=4, rng=np.random.default_rng(0), forget_bias=1.0)
    >>> run = layer.forward(np.ones((5, 2, 3)))
    >>> a_T, c_T = run.final
    >>> run.gate_f.shape, c_T.shape, layer.W_fx.shape
    ((5, 2, 4), (2, 4), (4, 3))
    >>> layer.b_f
    array([1., 1., 1., 1.])
    """

    p_f: Array | None = None
    p_u: Array | None = None
    p_o: Array | None = None
    coupled: bool = False
    gain_a: Array | None = None
    gain_x: Array | None = None
    gain_c: Array | None = None
    bias_c: Array | None = None
    state_letters: ClassVar[tuple[str, ...]] = ("a", "c")
    tape_slots: ClassVar[dict[str, int]] = fast.LSTM_SLOTS
    further: ClassVar[dict[str, tuple[str, ...]]] = {
        **dict.fromkeys(("p_f", "p_u", "p_o", "gain_c", "bias_c"), ("n_a",)),
        **dict.fromkeys(("gain_a", "gain_x"), ("G·n_a",)),
    }

    if TYPE_CHECKING:

        def forward(  # noqa: D102
            self, x: Array, state: Any = None, lengths: Any = None, workspace: Workspace | None = None
        ) -> LSTMRun: ...

    def __post_init__(self) -> None:
        object.__setattr__(self, "coupled", validate.flag("coupled", self.coupled))
        wanted = ("p_f", "p_o") if self.coupled else ("p_f", "p_u", "p_o")
        validate.together("peepholes", {name: getattr(self, name) for name in ("p_f", "p_u", "p_o")}, wanted)
        norms = ("gain_a", "gain_x", "gain_c", "bias_c")
        validate.together("layer normalisation", {name: getattr(self, name) for name in norms}, norms)
        super().__post_init__()

    @classmethod
    def init(
        cls,
        n_x: int,
        n_a: int,
        rng: np.random.Generator,
        dtype: Any = np.float64,
        peepholes: bool = False,
        coupled: bool = False,
        forget_bias: float = 1.0,
        input_init: Initializer = glorot_uniform,
        recurrent_init: Initializer = orthogonal,
        layer_norm: bool = False,
    ) -> Self:
        """Draw a layer: what multiplies x by `input_init`, what multiplies a by `recurrent_init`, b_f = `forget_bias`.

        Parameters
        ----------
        n_x, n_a : int
            Numbers of inputs and hidden units, at least 1.
        rng : numpy.random.Generator
            Source of randomness.
        dtype : dtype
            float32 or float64.
        peepholes : bool
            Let the gates read the cell state (the weights start at zero).
        coupled : bool
            Γ_u = 1 - Γ_f.
        forget_bias : float
            Where b_f starts; 1 keeps the forget gate open at first [1]_.
        input_init, recurrent_init : callable
            See `rnncourse.initializers`.
        layer_norm : bool
            Layer normalisation; the gains start at 1, bias_c at 0.

        Returns
        -------
        LSTM
            The layer.

        References
        ----------
        .. [1] R. Jozefowicz, W. Zaremba and I. Sutskever, "An empirical exploration of recurrent network
           architectures", ICML 2015.
        """
        blocks = cls.block_names(coupled=validate.flag("coupled", coupled))
        W, b = cls._draw(len(blocks), n_x, n_a, rng, dtype, input_init, recurrent_init)
        b[:n_a] = validate.finite("forget_bias", forget_bias)
        peep = np.zeros(n_a, b.dtype) if validate.flag("peepholes", peepholes) else None
        norms: tuple[Array, ...] = ()
        if validate.flag("layer_norm", layer_norm):
            ones = np.ones_like(b)
            norms = ones, ones, ones[:n_a], np.zeros(n_a, b.dtype)
        return cls(W, b, peep, None if coupled else peep, peep, coupled, *norms)

    @classmethod
    def block_names(cls, **options: Any) -> tuple[str, ...]:
        """Return the blocks of rows of W: f, u, o, c, without u if the gates are coupled."""
        coupled = validate.flag("coupled", options.get("coupled", False))
        return ("f", "o", "c") if coupled else ("f", "u", "o", "c")

    @property
    def blocks(self) -> tuple[str, ...]:
        """The blocks of rows of W, from the top."""
        return self.block_names(coupled=self.coupled)

    @property
    def quantities(self) -> tuple[str, ...]:
        """The names that the cell's equations give to what they compute."""
        update = () if self.coupled else ("z_u",)
        norm = ("norm_c",) if self.layer_norm else ()
        return ("z_f", *update, "z_c", "gate_f", "gate_u", "cand", "c", *norm, "z_o", "gate_o", "a")

    @property
    def layer_norm(self) -> bool:
        """Whether the products and the cell state are normalised."""
        return self.gain_a is not None

    @property
    def form(self) -> str:
        """Which cell runs: 'plain', or 'layer_norm' with layer normalisation."""
        return "layer_norm" if self.layer_norm else "plain"

    def _peepholes(self) -> tuple[Array, Array | None, Array] | None:
        return None if self.p_f is None or self.p_o is None else (self.p_f, self.p_u, self.p_o)

    @cached_property
    def _stacked(self) -> tuple[Array, Array]:
        order = [0, 1, 2] if self.coupled else [0, 2, 1, 3]
        return fast.stacked_weights(self.W, self.b, len(order), len(order) - 1, order)

    def _step(self, x_t: Array, parts: tuple[Array, ...]) -> tuple[Array, ...]:
        if self.p_f is not None or self.layer_norm:
            return self._cell_step(x_t, parts)
        return fast.lstm_step(self._stacked, self.coupled, x_t, parts[0], parts[1])

    def _forward(
        self, x: Array, start: tuple[Array, ...], valid: Array | None, buffers: Buffers
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        if self.layer_norm or fast.is_complex(self.W, x, *start):
            return super()._forward(x, start, valid, buffers)
        (a0, c0), x1 = start, fast.with_ones(x, buffers)
        states, tape = fast.lstm_forward(self.W, self.b, x1, a0, c0, valid, self.coupled, self._peepholes(), buffers)
        return (states, tape[:, fast.C_PREV]), (x1, tape)

    def _backward(
        self, run: Run, da: Array, dfinal: tuple[Array, ...], valid: Array | None, buffers: Buffers, inputs: bool
    ) -> tuple[Array | None, tuple[Array, ...], Any]:
        if not run.tape:  # the cell was looped
            return super()._backward(run, da, dfinal, valid, buffers, inputs)
        x1, tape = run.tape
        a0_c0 = (dfinal[0], dfinal[1])
        dx, dstart, dW, db, dp = fast.lstm_backward(
            self.W, x1, run.parts[0], tape, da, a0_c0, valid, self.coupled, self._peepholes(), buffers, inputs
        )
        return dx, dstart, LSTM(dW, db, dp[0], dp[1], dp[2], self.coupled)


class LSTMCellCache(NamedTuple):
    """What the backward step needs of the forward step."""

    x_t: Array
    a_prev: Array
    c_prev: Array
    gate_f: Array
    gate_u: Array
    gate_o: Array
    cand: Array
    c_t: Array


@dataclass(frozen=True, eq=False, repr=False)
class LSTMCellGradients(Record):
    """The gradients inside one step, by name.

    Attributes
    ----------
    da, dc : ndarray, shape (B, n_a)
        dL/da^{<t>} as it came, and dL/dc^{<t>}, the whole of it: what came and what arrives through a^{<t>}.
    dgate_f, dgate_u, dgate_o, dcand, dz_f, dz_o, dz_c : ndarray, shape (B, n_a)
        The gradients with respect to the gates, the candidate and the pre-activations.
    dz_u : ndarray, shape (B, n_a), or None
        None if the gates are coupled.
    layer : LSTM
        This step's share of the gradients of the parameters.
    dnorm_c : ndarray, shape (B, n_a), or None
        The gradient with respect to γ_c ⊙ N(c) + β_c, with layer normalisation.
    """

    da: Array
    dc: Array
    dgate_f: Array
    dgate_u: Array
    dgate_o: Array
    dcand: Array
    dz_f: Array
    dz_u: Array | None
    dz_o: Array
    dz_c: Array
    layer: LSTM
    dnorm_c: Array | None = None


@forward_cell(LSTM)
def lstm_cell_forward(layer: LSTM, x_t: Array, state: State, edit: Edit | None = None) -> tuple[State, LSTMCellCache]:
    """One step of the LSTM cell (eq:lstm-forget, eq:lstm-update, eq:lstm-candidate, eq:lstm-cell, eq:lstm-output).

    Parameters
    ----------
    layer : LSTM
        The parameters.
    x_t : ndarray, shape (B, n_x)
        x^{<t>}, one example a row.
    state : tuple of ndarray, each of shape (B, n_a)
        a^{<t-1>} and c^{<t-1>}.
    edit : callable, optional
        ``edit(name, value) -> value`` is called for each of ``layer.quantities`` as it is computed, so that a test can
        nudge or hold it.

    Returns
    -------
    state : tuple of ndarray
        a^{<t>} and c^{<t>}.
    cache : LSTMCellCache
        What `lstm_cell_backward` needs.

    Examples
    --------
    >>> layer = LSTM.init(n_x=2, n_a=3, rng=np.random.default_rng(0))
    >>> (a_t, c_t), cache = lstm_cell_forward(layer, np.ones((4, 2)), layer.zero_state(4))
    >>> a_t.shape, cache.gate_f.shape
    ((4, 3), (4, 3))
    """
    edit = edit or unchanged
    a_prev, c_prev = state
    z_f = edit("z_f", a_prev @ layer.W_fa.T + x_t @ layer.W_fx.T + layer.b_f + _peep(layer.p_f, c_prev))
    gate_f = edit("gate_f", sigmoid(z_f))  # eq:lstm-forget
    if layer.coupled:
        gate_u = edit("gate_u", 1 - gate_f)
    else:
        z_u = edit("z_u", a_prev @ layer.W_ua.T + x_t @ layer.W_ux.T + layer.b_u + _peep(layer.p_u, c_prev))
        gate_u = edit("gate_u", sigmoid(z_u))  # eq:lstm-update
    z_c = edit("z_c", a_prev @ layer.W_ca.T + x_t @ layer.W_cx.T + layer.b_c)
    cand = edit("cand", tanh(z_c))  # eq:lstm-candidate
    c_t = edit("c", gate_u * cand + gate_f * c_prev)  # eq:lstm-cell
    z_o = edit("z_o", a_prev @ layer.W_oa.T + x_t @ layer.W_ox.T + layer.b_o + _peep(layer.p_o, c_t))
    gate_o = edit("gate_o", sigmoid(z_o))  # eq:lstm-output
    a_t = edit("a", gate_o * tanh(c_t))  # eq:lstm-state
    return (a_t, c_t), LSTMCellCache(x_t, a_prev, c_prev, gate_f, gate_u, gate_o, cand, c_t)


@backward_cell(LSTM)
def lstm_cell_backward(layer: LSTM, cache: LSTMCellCache, dstate: State) -> tuple[Array, State, LSTMCellGradients]:
    """One step back through the LSTM cell.

    Parameters
    ----------
    layer : LSTM
        The parameters.
    cache : LSTMCellCache
        From `lstm_cell_forward`.
    dstate : tuple of ndarray, each of shape (B, n_a)
        dL/da^{<t>}, the whole of it, and what reaches c^{<t>} from the step after.

    Returns
    -------
    dx_t : ndarray, shape (B, n_x)
        dL/dx^{<t>}.
    dstate_prev : tuple of ndarray
        What reaches a^{<t-1>} and c^{<t-1>} through this step.
    d : LSTMCellGradients
        ``d.dgate_f``, ``d.dz_o`` and so on, and ``d.layer``.

    Examples
    --------
    >>> layer = LSTM.init(n_x=2, n_a=3, rng=np.random.default_rng(0))
    >>> (a_t, c_t), cache = lstm_cell_forward(layer, np.ones((4, 2)), layer.zero_state(4))
    >>> dx_t, dstate_prev, d = lstm_cell_backward(layer, cache, (np.ones((4, 3)), np.zeros((4, 3))))
    >>> dx_t.shape, d.layer.W.shape
    ((4, 2), (12, 5))
    """
    x_t, a_prev, c_prev, gate_f, gate_u, gate_o, cand, c_t = cache
    da_t, dc_t = dstate
    tanh_c = tanh(c_t)
    dgate_o = da_t * tanh_c  # eq:lstm-gate-gradients
    dz_o = dgate_o * sigmoid_slope(gate_o)  # eq:lstm-delta-gates
    dc = dc_t + da_t * gate_o * tanh_slope(tanh_c) + _peep(layer.p_o, dz_o)  # eq:lstm-delta-c
    dcand = dc * gate_u  # eq:lstm-gate-gradients
    dgate_u = dc * cand
    dgate_f = dc * c_prev
    if layer.coupled:
        dgate_f = dgate_f - dgate_u  # Γ_u = 1 - Γ_f: what opens one closes the other
        dz_u = None
    else:
        dz_u = dgate_u * sigmoid_slope(gate_u)  # eq:lstm-delta-gates
    dz_f = dgate_f * sigmoid_slope(gate_f)
    dz_c = dcand * tanh_slope(cand)

    dz = np.concatenate([z for z in (dz_f, dz_u, dz_o, dz_c) if z is not None], axis=1)  # in the order of the blocks
    dx_t = dz @ layer.W[:, layer.n_a :]  # eq:lstm-input-gradient
    da_prev = dz @ layer.W[:, : layer.n_a]  # eq:lstm-delta-a
    dc_prev = dc * gate_f + _peep(layer.p_f, dz_f) + (0.0 if dz_u is None else _peep(layer.p_u, dz_u))
    d_layer = LSTM(  # eq:lstm-gradients, one step of the sums
        dz.T @ np.concatenate([a_prev, x_t], axis=1),
        dz.sum(axis=0),
        None if layer.p_f is None else (dz_f * c_prev).sum(axis=0),
        None if layer.p_u is None or dz_u is None else (dz_u * c_prev).sum(axis=0),
        None if layer.p_o is None else (dz_o * c_t).sum(axis=0),
        layer.coupled,
    )
    d = LSTMCellGradients(da_t, dc, dgate_f, dgate_u, dgate_o, dcand, dz_f, dz_u, dz_o, dz_c, d_layer)
    return dx_t, (da_prev, dc_prev), d


def _peep(weights: Array | None, values: Array) -> Array | float:
    """Weigh each unit's value by its own peephole; nothing, without peepholes."""
    return 0.0 if weights is None else weights * values
