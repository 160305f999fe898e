"""The gated recurrent unit, in its two forms: the reset gate before the product with W_cc, or after it.

The two are different cells. Before is how the printed paper and the course write it; after, the form of the paper's
first version, is what PyTorch and cuDNN compute. The state is c, and the output is the state: a = c.
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

__all__ = ["GRU", "GRUCellCache", "GRUCellGradients", "gru_cell_backward", "gru_cell_forward"]


if TYPE_CHECKING:

    class GRURun(Run):
        """A run of a `GRU` as checkers of types see it: with the names of its quantities, and no others."""

        z_u: Array
        z_r: Array
        gate_u: Array
        gate_r: Array
        z_cc: Array
        z_c: Array
        cand: Array
        c: Array
        c_prev: Array


@dataclass(frozen=True, eq=False, repr=False)
class GRU(RecurrentLayer):
    r"""A layer of gated recurrent units [1]_: c = Γ_u ⊙ c̃ + (1 - Γ_u) ⊙ c_prev (eq:gru-state).

    .. math::

        \Gamma_g^{\langle t \rangle} &= \sigma(W_g [c^{\langle t-1 \rangle}, x^{\langle t \rangle}] + b_g),
            \quad g \in \{u, r\} \\
        \tilde c^{\langle t \rangle} &= \tanh(W_c [\Gamma_r^{\langle t \rangle} \odot c^{\langle t-1 \rangle},
            x^{\langle t \rangle}] + b_c) \\
        c^{\langle t \rangle} &= \Gamma_u^{\langle t \rangle} \odot \tilde c^{\langle t \rangle}
            + (1 - \Gamma_u^{\langle t \rangle}) \odot c^{\langle t-1 \rangle}, \qquad
        a^{\langle t \rangle} = c^{\langle t \rangle}

    With layer normalisation [2]_ each product goes through N, which takes an example's vector to mean 0 and variance 1
    over its entries, N(v) = (v - μ) / √(σ² + 10⁻⁵): the products of the two gates together (2·n_a entries), those of
    the candidate for themselves, as in the paper, and then each entry has its gain:

    .. math::

        z_{ur} &= \gamma_c \odot N(W_{ur,c}\, c^{\langle t-1 \rangle})
            + \gamma_x \odot N(W_{ur,x}\, x^{\langle t \rangle}) + b_{ur} \\
        z_c &= \gamma_c \odot N(W_{cc} (\Gamma_r \odot c^{\langle t-1 \rangle}))
            + \gamma_x \odot N(W_{cx}\, x^{\langle t \rangle}) + b_c

    or, reset after the product, :math:`z_c = \Gamma_r \odot (\gamma_c \odot N(W_{cc}\, c^{\langle t-1 \rangle}) +
    b_{cc}) + \gamma_x \odot N(W_{cx}\, x^{\langle t \rangle}) + b_c`, which is the paper's. Of the paper's
    biases those that add up are one here. This form is looped cell by cell, and so slower than the others.

    Parameters
    ----------
    W : ndarray, shape (3·n_a, n_a + n_x)
        The blocks W_u = [W_uc | W_ux], W_r and W_c, float32 or float64. The layer keeps a read-only copy.
    b : ndarray, shape (3·n_a,)
        b_u, b_r, b_c.
    b_cc : ndarray, shape (n_a,), optional
        The bias inside the reset gate, c̃ = tanh(W_cx x + b_c + Γ_r ⊙ (W_cc c_prev + b_cc)). Where it is given, the
        layer resets after the product; where it is None, before.
    gain_c, gain_x : ndarray, shape (3·n_a,), optional
        Layer normalisation: γ_c and γ_x in the order of the blocks. Both or none.

    Raises
    ------
    TypeError, ValueError
        If the parameters are no arrays of one float dtype, or if their shapes do not fit.

    References
    ----------
    .. [1] K. Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine
       translation", EMNLP 2014.
    .. [2] J. L. Ba, J. R. Kiros and G. E. Hinton, "Layer normalization", arXiv:1607.06450, 2016.

    Examples
    --------
    >>> layer = GRU.init(n_x=3, n_a=4, rng=np.random.default_rng(0))
    >>> run = layer.forward(np.ones((5, 2, 3)))
    >>> run.gate_u.shape, run.final.shape, layer.W_ux.shape
    ((5, 2, 4), (2, 4), (4, 3))
    """

    b_cc: Array | None = None
    gain_c: Array | None = None
    gain_x: Array | None = None
    state_letters: ClassVar[tuple[str, ...]] = ("c",)
    tape_slots: ClassVar[dict[str, int]] = fast.GRU_SLOTS
    further: ClassVar[dict[str, tuple[str, ...]]] = {"b_cc": ("n_a",), "gain_c": ("G·n_a",), "gain_x": ("G·n_a",)}

    if TYPE_CHECKING:

        def forward(  # noqa: D102
            self, x: Array, state: Any = None, lengths: Any = None, workspace: Workspace | None = None
        ) -> GRURun: ...

    def __post_init__(self) -> None:
        gains = ("gain_c", "gain_x")
        validate.together("layer normalisation", {name: getattr(self, name) for name in gains}, gains)
        super().__post_init__()

    @classmethod
    def init(
        cls,
        n_x: int,
        n_a: int,
        rng: np.random.Generator,
        dtype: Any = np.float64,
        reset_after: bool = False,
        input_init: Initializer = glorot_uniform,
        recurrent_init: Initializer = orthogonal,
        layer_norm: bool = False,
    ) -> Self:
        """Draw a layer: what multiplies x by `input_init`, what multiplies c by `recurrent_init`, all biases zero.

        Parameters
        ----------
        n_x, n_a : int
            Numbers of inputs and hidden units, at least 1.
        rng : numpy.random.Generator
            Source of randomness.
        dtype : dtype
            float32 or float64.
        reset_after : bool
            Reset after the product, as PyTorch does, or before it.
        input_init, recurrent_init : callable
            See `rnncourse.initializers`.
        layer_norm : bool
            Layer normalisation; the gains start at 1.

        Returns
        -------
        GRU
            The layer.
        """
        W, b = cls._draw(3, n_x, n_a, rng, dtype, input_init, recurrent_init)
        b_cc = np.zeros(n_a, b.dtype) if validate.flag("reset_after", reset_after) else None
        gain = np.ones_like(b) if validate.flag("layer_norm", layer_norm) else None
        return cls(W, b, b_cc, gain, gain)

    @classmethod
    def block_names(cls, **options: Any) -> tuple[str, ...]:
        """Return the blocks of rows of W: u, r, c."""
        return ("u", "r", "c")

    @property
    def reset_after(self) -> bool:
        """Whether the reset gate acts after the product with W_cc."""
        return self.b_cc is not None

    @property
    def layer_norm(self) -> bool:
        """Whether the products are normalised."""
        return self.gain_c is not None

    @property
    def form(self) -> str:
        """Which cell runs: 'plain', or 'layer_norm' with layer normalisation."""
        return "layer_norm" if self.layer_norm else "plain"

    @property
    def quantities(self) -> tuple[str, ...]:
        """The names that the cell's equations give to what they compute."""
        inner = ("z_cc",) if self.reset_after else ()
        return ("z_u", "z_r", "gate_u", "gate_r", *inner, "z_c", "cand", "c")

    @cached_property
    def _stacked(self) -> tuple[Any, ...]:
        if self.b_cc is not None:
            both, b = fast.stacked_weights(self.W, self.b, 3, 2, [0, 1, 2])
            return both[: self.n_a].copy(), both[self.n_a :].copy(), b
        gates = fast.stacked_weights(self.W, self.b, 3, 2, [0, 1])
        return gates, fast.stacked_weights(self.W, self.b, 3, 0, [2])

    def _step(self, x_t: Array, parts: tuple[Array, ...]) -> tuple[Array, ...]:
        if self.layer_norm:
            return self._cell_step(x_t, parts)
        if self.b_cc is None:
            gates, candidate = self._stacked
            return (fast.gru_step(gates, candidate, x_t, parts[0]),)
        by_c, by_x, b = self._stacked
        return (fast.gru_step_after(by_c, by_x, b, self.b_cc, x_t, parts[0]),)

    def _forward(
        self, x: Array, start: tuple[Array, ...], valid: Array | None, buffers: Buffers
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        if self.layer_norm or fast.is_complex(self.W, x, *start):
            return super()._forward(x, start, valid, buffers)
        x1 = fast.with_ones(x, buffers)
        states, tape = fast.gru_forward(self.W, self.b, self.b_cc, x1, start[0], valid, buffers)
        return (states,), (x1, tape)

    def _backward(
        self, run: Run, da: Array, dfinal: tuple[Array, ...], valid: Array | None, buffers: Buffers, inputs: bool
    ) -> tuple[Array | None, tuple[Array, ...], Any]:
        if not run.tape:  # the cell was looped
            return super()._backward(run, da, dfinal, valid, buffers, inputs)
        x1, tape = run.tape
        dx, dc0, dW, db, db_cc = fast.gru_backward(
            self.W, self.b_cc, x1, run.parts[0], tape, da, dfinal[0], valid, buffers, inputs
        )
        return dx, (dc0,), GRU(dW, db, db_cc)


class GRUCellCache(NamedTuple):
    """What the backward step needs of the forward step; `z_cc` is None where the reset comes before the product."""

    x_t: Array
    c_prev: Array
    gate_u: Array
    gate_r: Array
    z_cc: Array | None
    cand: Array


@dataclass(frozen=True, eq=False, repr=False)
class GRUCellGradients(Record):
    """The gradients inside one step, by name.

    Attributes
    ----------
    dc, dcand, dgate_u, dgate_r, dz_u, dz_r, dz_c : ndarray, shape (B, n_a)
        dL/dc^{<t>} as it came, and the gradients with respect to the candidate, the gates and the pre-activations.
    dz_cc : ndarray, shape (B, n_a), or None
        The gradient with respect to W_cc c_prev + b_cc, where the reset comes after the product.
    layer : GRU
        This step's share of the gradients of the parameters.
    """

    dc: Array
    dcand: Array
    dgate_u: Array
    dgate_r: Array
    dz_u: Array
    dz_r: Array
    dz_c: Array
    dz_cc: Array | None
    layer: GRU


@forward_cell(GRU)
def gru_cell_forward(layer: GRU, x_t: Array, c_prev: Array, edit: Edit | None = None) -> tuple[Array, GRUCellCache]:
    """One step of the gated recurrent unit (eq:gru-update, eq:gru-reset, eq:gru-candidate, eq:gru-state).

    Parameters
    ----------
    layer : GRU
        The parameters.
    x_t : ndarray, shape (B, n_x)
        x^{<t>}, one example a row.
    c_prev : ndarray, shape (B, n_a)
        c^{<t-1>}.
    edit : callable, optional
        ``edit(name, value) -> value`` is called for each of ``layer.quantities`` as it is computed, so that a test can
        nudge or hold it.

    Returns
    -------
    c_t : ndarray, shape (B, n_a)
        The new state, which is also the output.
    cache : GRUCellCache
        What `gru_cell_backward` needs.

    Examples
    --------
    >>> layer = GRU.init(n_x=2, n_a=3, rng=np.random.default_rng(0))
    >>> c_t, cache = gru_cell_forward(layer, np.ones((4, 2)), layer.zero_state(4))
    >>> c_t.shape, cache.gate_u.shape
    ((4, 3), (4, 3))
    """
    edit = edit or unchanged
    z_u = edit("z_u", c_prev @ layer.W_uc.T + x_t @ layer.W_ux.T + layer.b_u)
    z_r = edit("z_r", c_prev @ layer.W_rc.T + x_t @ layer.W_rx.T + layer.b_r)
    gate_u = edit("gate_u", sigmoid(z_u))  # eq:gru-update
    gate_r = edit("gate_r", sigmoid(z_r))  # eq:gru-reset
    if layer.b_cc is None:
        z_cc = None
        z_c = edit("z_c", (gate_r * c_prev) @ layer.W_cc.T + x_t @ layer.W_cx.T + layer.b_c)
    else:
        z_cc = edit("z_cc", c_prev @ layer.W_cc.T + layer.b_cc)
        z_c = edit("z_c", gate_r * z_cc + x_t @ layer.W_cx.T + layer.b_c)
    cand = edit("cand", tanh(z_c))  # eq:gru-candidate, eq:gru-candidate-reset-after
    c_t = edit("c", gate_u * cand + (1 - gate_u) * c_prev)  # eq:gru-state
    return c_t, GRUCellCache(x_t, c_prev, gate_u, gate_r, z_cc, cand)


@backward_cell(GRU)
def gru_cell_backward(layer: GRU, cache: GRUCellCache, dc_t: Array) -> tuple[Array, Array, GRUCellGradients]:
    """One step back through the gated recurrent unit.

    Parameters
    ----------
    layer : GRU
        The parameters.
    cache : GRUCellCache
        From `gru_cell_forward`.
    dc_t : ndarray, shape (B, n_a)
        dL/dc^{<t>}, the whole of it: from this step's output and from the step after.

    Returns
    -------
    dx_t : ndarray, shape (B, n_x)
        dL/dx^{<t>}.
    dc_prev : ndarray, shape (B, n_a)
        What reaches c^{<t-1>} through this step.
    d : GRUCellGradients
        ``d.dgate_u``, ``d.dz_c`` and so on, and ``d.layer``.

    Examples
    --------
    >>> layer = GRU.init(n_x=2, n_a=3, rng=np.random.default_rng(0))
    >>> c_t, cache = gru_cell_forward(layer, np.ones((4, 2)), layer.zero_state(4))
    >>> dx_t, dstate_prev, d = gru_cell_backward(layer, cache, np.ones((4, 3)))
    >>> dx_t.shape, d.layer.W.shape
    ((4, 2), (9, 5))
    """
    x_t, c_prev, gate_u, gate_r, z_cc, cand = cache
    dcand = dc_t * gate_u
    dgate_u = dc_t * (cand - c_prev)  # eq:gru-mix-gradients
    dz_c = dcand * tanh_slope(cand)  # eq:gru-delta-candidate
    if z_cc is None:
        dz_cc = None
        d_reset = dz_c @ layer.W_cc  # by the product Γ_r ⊙ c_prev
        dgate_r = d_reset * c_prev  # eq:gru-reset-gradient
        dc_candidate = d_reset * gate_r
        dW_cc = dz_c.T @ (gate_r * c_prev)
    else:
        dz_cc = dz_c * gate_r  # eq:gru-after-deltas
        dgate_r = dz_c * z_cc
        dc_candidate = dz_cc @ layer.W_cc
        dW_cc = dz_cc.T @ c_prev
    dz_u = dgate_u * sigmoid_slope(gate_u)
    dz_r = dgate_r * sigmoid_slope(gate_r)  # eq:gru-delta-reset

    dx_t = dz_u @ layer.W_ux + dz_r @ layer.W_rx + dz_c @ layer.W_cx  # eq:gru-input-gradient
    dc_prev = dc_t * (1 - gate_u) + dc_candidate + dz_u @ layer.W_uc + dz_r @ layer.W_rc  # eq:gru-delta-c
    d_layer = GRU.from_gates(  # eq:gru-gradients, one step of the sums
        W_uc=dz_u.T @ c_prev, W_ux=dz_u.T @ x_t, b_u=dz_u.sum(axis=0),
        W_rc=dz_r.T @ c_prev, W_rx=dz_r.T @ x_t, b_r=dz_r.sum(axis=0),
        W_cc=dW_cc, W_cx=dz_c.T @ x_t, b_c=dz_c.sum(axis=0),
        b_cc=None if dz_cc is None else dz_cc.sum(axis=0),
    )  # fmt: skip
    return dx_t, dc_prev, GRUCellGradients(dc_t, dcand, dgate_u, dgate_r, dz_u, dz_r, dz_c, dz_cc, d_layer)
