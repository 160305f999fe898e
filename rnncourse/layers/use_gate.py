"""A cell for study: the LSTM as one of the course's source notes writes it, whose 'use gate' makes it another cell.

The note computes the output from the forgotten long-term memory alone and gives it weights of its own,
U = tanh(W_u (LTM_prev ⊙ f) + b_u), V = σ(…), STM = U ⊙ V. What the step has learned reaches the output only at the next
step, and there are more parameters than the LSTM has. Long-term memory is the book's c, short-term memory its a.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ..activations import sigmoid, sigmoid_slope, tanh, tanh_slope
from ..records import Array, Record
from .recurrent import Edit, RecurrentLayer, backward_cell, forward_cell, unchanged

__all__ = ["UseGateCell", "UseGateCellCache", "UseGateCellGradients", "use_gate_cell_backward", "use_gate_cell_forward"]

State = tuple[Array, Array]


@dataclass(frozen=True, eq=False, repr=False)
class UseGateCell(RecurrentLayer):
    r"""A layer of learn, forget, remember and use gates, in the source note's form (eq:use-gate).

    .. math::

        N &= \tanh(W_n [a_{t-1}, x_t] + b_n), \quad i = \sigma(W_i [a_{t-1}, x_t] + b_i), \quad
            f = \sigma(W_f [a_{t-1}, x_t] + b_f), \quad V = \sigma(W_v [a_{t-1}, x_t] + b_v) \\
        U &= \tanh(W_u (c_{t-1} \odot f) + b_u), \quad c_t = c_{t-1} \odot f + N \odot i, \quad a_t = U \odot V

    Parameters
    ----------
    W : ndarray, shape (4·n_a, n_a + n_x)
        The blocks W_n, W_i, W_f, W_v, each like W_n = [W_na | W_nx].
    b : ndarray, shape (4·n_a,)
        b_n, b_i, b_f, b_v.
    W_u : ndarray, shape (n_a, n_a)
        The use gate's own weights.
    b_u : ndarray, shape (n_a,)
        And its bias.

    Raises
    ------
    TypeError, ValueError
        If the parameters are no arrays of one float dtype, or if their shapes do not fit.

    Examples
    --------
    >>> layer = UseGateCell.init(n_x=2, n_a=3, rng=np.random.default_rng(0))
    >>> layer.forward(np.ones((5, 4, 2))).a.shape
    (5, 4, 3)
    """

    W_u: Array
    b_u: Array
    state_letters: ClassVar[tuple[str, ...]] = ("a", "c")
    further: ClassVar[dict[str, tuple[str, ...]]] = {"W_u": ("n_a", "n_a"), "b_u": ("n_a",)}

    @classmethod
    def block_names(cls, **options: Any) -> tuple[str, ...]:
        """Return the blocks of rows of W: n, i, f, v."""
        return ("n", "i", "f", "v")

    @property
    def quantities(self) -> tuple[str, ...]:
        """The names that the cell's equations give to what they compute."""
        return ("z_n", "z_i", "z_f", "z_v", "cand", "gate_i", "gate_f", "gate_v", "z_u", "use", "c", "a")


class UseGateCellCache(NamedTuple):
    """What the backward step needs of the forward step."""

    x_t: Array
    a_prev: Array
    c_prev: Array
    cand: Array
    gate_i: Array
    gate_f: Array
    gate_v: Array
    use: Array


@dataclass(frozen=True, eq=False, repr=False)
class UseGateCellGradients(Record):
    """The gradients inside one step, by name.

    Attributes
    ----------
    da, dc, duse, dcand, dgate_i, dgate_f, dgate_v, dz_n, dz_i, dz_f, dz_v, dz_u : ndarray, shape (B, n_a)
        dL/da^{<t>} and dL/dc^{<t>} as they came, and the gradients with respect to all that the step computes.
    layer : UseGateCell
        This step's share of the gradients of the parameters.
    """

    da: Array
    dc: Array
    duse: Array
    dcand: Array
    dgate_i: Array
    dgate_f: Array
    dgate_v: Array
    dz_n: Array
    dz_i: Array
    dz_f: Array
    dz_v: Array
    dz_u: Array
    layer: UseGateCell


@forward_cell(UseGateCell)
def use_gate_cell_forward(
    layer: UseGateCell, x_t: Array, state: State, edit: Edit | None = None
) -> tuple[State, UseGateCellCache]:
    """One step of the source note's cell (eq:use-gate).

    Parameters
    ----------
    layer : UseGateCell
        The parameters.
    x_t : ndarray, shape (B, n_x)
        E_t, one example a row.
    state : tuple of ndarray, each of shape (B, n_a)
        STM_{t-1} and LTM_{t-1}.
    edit : callable, optional
        ``edit(name, value) -> value`` is called for each of ``layer.quantities`` as it is computed.

    Returns
    -------
    state : tuple of ndarray
        STM_t and LTM_t.
    cache : UseGateCellCache
        What `use_gate_cell_backward` needs.

    Examples
    --------
    >>> layer = UseGateCell.init(n_x=2, n_a=3, rng=np.random.default_rng(0))
    >>> (stm, ltm), cache = use_gate_cell_forward(layer, np.ones((4, 2)), layer.zero_state(4))
    >>> stm.shape, ltm.shape
    ((4, 3), (4, 3))
    """
    edit = edit or unchanged
    a_prev, c_prev = state
    z_n = edit("z_n", a_prev @ layer.W_na.T + x_t @ layer.W_nx.T + layer.b_n)
    z_i = edit("z_i", a_prev @ layer.W_ia.T + x_t @ layer.W_ix.T + layer.b_i)
    z_f = edit("z_f", a_prev @ layer.W_fa.T + x_t @ layer.W_fx.T + layer.b_f)
    z_v = edit("z_v", a_prev @ layer.W_va.T + x_t @ layer.W_vx.T + layer.b_v)
    cand = edit("cand", tanh(z_n))
    gate_i = edit("gate_i", sigmoid(z_i))
    gate_f = edit("gate_f", sigmoid(z_f))
    gate_v = edit("gate_v", sigmoid(z_v))
    z_u = edit("z_u", (c_prev * gate_f) @ layer.W_u.T + layer.b_u)
    use = edit("use", tanh(z_u))
    c_t = edit("c", c_prev * gate_f + cand * gate_i)
    a_t = edit("a", use * gate_v)
    return (a_t, c_t), UseGateCellCache(x_t, a_prev, c_prev, cand, gate_i, gate_f, gate_v, use)


@backward_cell(UseGateCell)
def use_gate_cell_backward(
    layer: UseGateCell, cache: UseGateCellCache, dstate: State
) -> tuple[Array, State, UseGateCellGradients]:
    """One step back through the source note's cell.

    Parameters
    ----------
    layer : UseGateCell
        The parameters.
    cache : UseGateCellCache
        From `use_gate_cell_forward`.
    dstate : tuple of ndarray, each of shape (B, n_a)
        dL/dSTM_t, the whole of it, and what reaches LTM_t from the step after.

    Returns
    -------
    dx_t : ndarray, shape (B, n_x)
        dL/dE_t.
    dstate_prev : tuple of ndarray
        What reaches STM_{t-1} and LTM_{t-1} through this step.
    d : UseGateCellGradients
        The gradients by name, and ``d.layer``.

    Examples
    --------
    >>> layer = UseGateCell.init(n_x=2, n_a=3, rng=np.random.default_rng(0))
    >>> (stm, ltm), cache = use_gate_cell_forward(layer, np.ones((4, 2)), layer.zero_state(4))
    >>> dx_t, dstate_prev, d = use_gate_cell_backward(layer, cache, (np.ones((4, 3)), np.zeros((4, 3))))
    >>> dx_t.shape, d.layer.W.shape
    ((4, 2), (12, 5))
    """
    x_t, a_prev, c_prev, cand, gate_i, gate_f, gate_v, use = cache
    da_t, dc_t = dstate
    duse = da_t * gate_v  # back through eq:use-gate and eq:use-gate-preactivations, line by line
    dgate_v = da_t * use
    dz_u = duse * tanh_slope(use)
    d_kept = dc_t + dz_u @ layer.W_u  # by the product LTM_{t-1} ⊙ f, which the memory and the use gate both read
    dgate_f = d_kept * c_prev
    dcand = dc_t * gate_i
    dgate_i = dc_t * cand
    dz_n = dcand * tanh_slope(cand)
    dz_i, dz_f, dz_v = (
        d * sigmoid_slope(gate) for d, gate in ((dgate_i, gate_i), (dgate_f, gate_f), (dgate_v, gate_v))
    )

    dz = np.concatenate([dz_n, dz_i, dz_f, dz_v], axis=1)  # in the order of the blocks
    dx_t = dz @ layer.W[:, layer.n_a :]
    da_prev = dz @ layer.W[:, : layer.n_a]
    dc_prev = d_kept * gate_f
    dW = dz.T @ np.concatenate([a_prev, x_t], axis=1)
    d_layer = UseGateCell(dW, dz.sum(axis=0), dz_u.T @ (c_prev * gate_f), dz_u.sum(axis=0))
    d = UseGateCellGradients(da_t, dc_t, duse, dcand, dgate_i, dgate_f, dgate_v, dz_n, dz_i, dz_f, dz_v, dz_u, d_layer)
    return dx_t, (da_prev, dc_prev), d
