"""Layer normalisation, and the cells of LSTM and GRU that have it: what runs if a layer was made with `layer_norm`.

Each example's values v (n,) are moved to mean 0 and scaled to variance 1, over its units and for itself: nothing
depends on the other examples or on later steps.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..activations import sigmoid, sigmoid_slope, tanh, tanh_slope
from ..records import Array
from .gru import GRU, GRUCellCache, GRUCellGradients
from .lstm import LSTM, LSTMCellCache, LSTMCellGradients, _peep
from .recurrent import Edit, backward_cell, forward_cell, unchanged

__all__ = [
    "EPSILON",
    "Normalised",
    "NormalisedGRUCache",
    "NormalisedLSTMCache",
    "normalised",
    "normalised_gru_backward",
    "normalised_gru_forward",
    "normalised_lstm_backward",
    "normalised_lstm_forward",
]

State = tuple[Array, Array]

EPSILON = 1e-5  # PyTorch's: it keeps the root away from 0 where all units agree


class Normalised(NamedTuple):
    """Values of mean 0 and variance 1, and what they were divided by: s = unit · root.

    Attributes
    ----------
    values : ndarray, shape (B, n)
        v̂ = (v - μ) / s with s = √(σ² + ε).
    root : ndarray, shape (B, 1)
        s / unit.
    unit : ndarray, shape (B, 1)
        A power of two, above 1 where values are so large that their squares might overflow.
    """

    values: Array
    root: Array
    unit: Array

    def back(self, d: Array) -> Array:
        """Take dL/dv̂ to dL/dv = (d - mean(d) - v̂ ⊙ mean(d ⊙ v̂)) / s: mean and scale depend on v, too.

        Parameters
        ----------
        d : ndarray, shape (B, n)
            dL/dv̂.

        Returns
        -------
        ndarray, shape (B, n)
            dL/dv.

        Notes
        -----
        A division by s multiplies gradients by up to 1 / √ε = 316, and does so at every step while all units stay far
        below √ε. A gradient beyond the dtype's largest number then overflows: NumPy warns, and what is computed from
        it is infinite or NaN.
        """
        along = (d * self.values).mean(axis=1, keepdims=True)  # eq:own-cell-norm-back
        return (d - d.mean(axis=1, keepdims=True) - self.values * along) / self.root / self.unit


def normalised(v: Array) -> Normalised:
    """Normalise each row: v̂ = (v - μ) / √(σ² + ε) with μ, σ² the mean and variance over its n entries, ε = 1e-5.

    Parameters
    ----------
    v : ndarray, shape (B, n)
        Real or complex (analytic: no modulus is taken).

    Returns
    -------
    Normalised
        v̂ and what it was divided by.

    Examples
    --------
    >>> normalised(np.array([[1.0, 3.0], [1e300, -1e300]])).values.round(4)
    array([[-1.,  1.],
           [ 1., -1.]])
    """
    _, exponent = np.frexp(np.abs(v.real).max(axis=1, keepdims=True))
    unit = np.ldexp(v.real.dtype.type(1), np.maximum(exponent - 1, 0))
    u = v / unit
    centred = u - u.mean(axis=1, keepdims=True)
    # never 0: where all of the largest units agree, 0 / root is 0
    epsilon = np.maximum(np.sqrt(EPSILON).astype(unit.dtype) / unit, np.sqrt(np.finfo(unit.dtype).tiny)) ** 2
    root = np.sqrt((centred * centred).mean(axis=1, keepdims=True) + epsilon)
    return Normalised(centred / root, root, unit)  # eq:own-cell-norm


class NormalisedLSTMCache(NamedTuple):
    """What the backward step with layer normalisation needs: the plain cell's, and the three normalised vectors."""

    x_t: Array
    plain: LSTMCellCache
    by_a: Normalised
    by_x: Normalised
    of_c: Normalised
    norm_c: Array


@forward_cell(LSTM, "layer_norm")
def normalised_lstm_forward(
    layer: LSTM, x_t: Array, state: State, edit: Edit | None = None
) -> tuple[State, NormalisedLSTMCache]:
    """One step with layer normalisation; arguments and results as those of `lstm_cell_forward`.

    Parameters
    ----------
    layer : LSTM
        The parameters.
    x_t : ndarray, shape (B, n_x)
        x^{<t>}, one example a row.
    state : tuple of ndarray, each of shape (B, n_a)
        a^{<t-1>} and c^{<t-1>}.
    edit : callable, optional
        Called for each of ``layer.quantities``.

    Returns
    -------
    state : tuple of ndarray
        a^{<t>} and c^{<t>}.
    cache : NormalisedLSTMCache
        What `normalised_lstm_backward` needs.

    Examples
    --------
    >>> layer = LSTM.init(n_x=2, n_a=3, rng=np.random.default_rng(0), layer_norm=True)
    >>> (a_t, c_t), cache = normalised_lstm_forward(layer, np.ones((4, 2)), layer.zero_state(4))
    >>> a_t.shape, cache.norm_c.shape
    ((4, 3), (4, 3))
    """
    edit = edit or unchanged
    (a_prev, c_prev), n = state, layer.n_a
    by_a, by_x = normalised(a_prev @ layer.W[:, :n].T), normalised(x_t @ layer.W[:, n:].T)
    both = layer.gain_a * by_a.values + layer.gain_x * by_x.values + layer.b  # eq:own-cell-norm, twice
    z = {g: both[:, k * n : (k + 1) * n] for k, g in enumerate(layer.blocks)}

    gate_f = edit("gate_f", sigmoid(edit("z_f", z["f"] + _peep(layer.p_f, c_prev))))
    if layer.coupled:
        gate_u = edit("gate_u", 1 - gate_f)
    else:
        gate_u = edit("gate_u", sigmoid(edit("z_u", z["u"] + _peep(layer.p_u, c_prev))))
    cand = edit("cand", tanh(edit("z_c", z["c"])))
    c_t = edit("c", gate_u * cand + gate_f * c_prev)
    of_c = normalised(c_t)
    norm_c = edit("norm_c", layer.gain_c * of_c.values + layer.bias_c)
    gate_o = edit("gate_o", sigmoid(edit("z_o", z["o"] + _peep(layer.p_o, c_t))))
    a_t = edit("a", gate_o * tanh(norm_c))
    plain = LSTMCellCache(x_t, a_prev, c_prev, gate_f, gate_u, gate_o, cand, c_t)
    return (a_t, c_t), NormalisedLSTMCache(x_t, plain, by_a, by_x, of_c, norm_c)


@backward_cell(LSTM, "layer_norm")
def normalised_lstm_backward(
    layer: LSTM, cache: NormalisedLSTMCache, dstate: State
) -> tuple[Array, State, LSTMCellGradients]:
    """One step back with layer normalisation; arguments and results as those of `lstm_cell_backward`.

    Parameters
    ----------
    layer : LSTM
        The parameters.
    cache : NormalisedLSTMCache
        From `normalised_lstm_forward`.
    dstate : tuple of ndarray, each of shape (B, n_a)
        dL/da^{<t>}, the whole of it, and what reaches c^{<t>} from the step after.

    Returns
    -------
    dx_t : ndarray, shape (B, n_x)
        dL/dx^{<t>}.
    dstate_prev : tuple of ndarray
        What reaches a^{<t-1>} and c^{<t-1>} through this step.
    d : LSTMCellGradients
        With ``d.dnorm_c``.

    Examples
    --------
    >>> layer = LSTM.init(n_x=2, n_a=3, rng=np.random.default_rng(0), layer_norm=True)
    >>> (a_t, c_t), cache = normalised_lstm_forward(layer, np.ones((4, 2)), layer.zero_state(4))
    >>> dx_t, dstate_prev, d = normalised_lstm_backward(layer, cache, (np.ones((4, 3)), np.zeros((4, 3))))
    >>> dx_t.shape, d.layer.W.shape
    ((4, 2), (12, 5))
    """
    (x_t, plain, by_a, by_x, of_c, norm_c), (da_t, dc_t) = cache, dstate
    _, a_prev, c_prev, gate_f, gate_u, gate_o, cand, _ = plain
    out = tanh(norm_c)
    dgate_o = da_t * out
    dz_o = dgate_o * sigmoid_slope(gate_o)
    dnorm_c = da_t * gate_o * tanh_slope(out)
    dc = dc_t + of_c.back(dnorm_c * layer.gain_c) + _peep(layer.p_o, dz_o)
    dcand, dgate_u, dgate_f = dc * gate_u, dc * cand, dc * c_prev
    if layer.coupled:
        dgate_f = dgate_f - dgate_u
    dz_u = None if layer.coupled else dgate_u * sigmoid_slope(gate_u)
    dz_f, dz_c = dgate_f * sigmoid_slope(gate_f), dcand * tanh_slope(cand)

    dz = np.concatenate([z for z in (dz_f, dz_u, dz_o, dz_c) if z is not None], axis=1)
    by_state, by_input = by_a.back(dz * layer.gain_a), by_x.back(dz * layer.gain_x)  # eq:own-cell-norm-back
    dx_t, da_prev = by_input @ layer.W[:, layer.n_a :], by_state @ layer.W[:, : layer.n_a]
    dc_prev = dc * gate_f + _peep(layer.p_f, dz_f) + (0.0 if dz_u is None else _peep(layer.p_u, dz_u))
    d_layer = LSTM(
        np.concatenate([by_state.T @ a_prev, by_input.T @ x_t], axis=1),
        dz.sum(axis=0),
        *_peephole_gradients(layer, plain, dz_f, dz_u, dz_o),
        layer.coupled,
        (dz * by_a.values).sum(axis=0),
        (dz * by_x.values).sum(axis=0),
        (dnorm_c * of_c.values).sum(axis=0),
        dnorm_c.sum(axis=0),
    )
    d = LSTMCellGradients(da_t, dc, dgate_f, dgate_u, dgate_o, dcand, dz_f, dz_u, dz_o, dz_c, d_layer, dnorm_c)
    return dx_t, (da_prev, dc_prev), d


def _peephole_gradients(
    layer: LSTM, cache: LSTMCellCache, dz_f: Array, dz_u: Array | None, dz_o: Array
) -> tuple[Array | None, Array | None, Array | None]:
    """Return this step's share of the gradients of the peepholes, for the cell with layer normalisation."""
    if layer.p_f is None:
        return None, None, None
    seen = (dz_f, cache.c_prev), (dz_u, cache.c_prev), (dz_o, cache.c_t)
    p_f, p_u, p_o = (None if dz is None else (dz * c).sum(axis=0) for dz, c in seen)
    return p_f, p_u, p_o


class NormalisedGRUCache(NamedTuple):
    """What the backward step with layer normalisation needs: the plain cell's, and the normalised products.

    `gates_c` and `gates_x` are those of both gates, `cand_c` and `cand_x` those of the candidate.
    """

    x_t: Array
    plain: GRUCellCache
    gates_c: Normalised
    gates_x: Normalised
    cand_c: Normalised
    cand_x: Normalised


@forward_cell(GRU, "layer_norm")
def normalised_gru_forward(
    layer: GRU, x_t: Array, c_prev: Array, edit: Edit | None = None
) -> tuple[Array, NormalisedGRUCache]:
    """One step with layer normalisation; arguments and results as those of `gru_cell_forward`.

    Parameters
    ----------
    layer : GRU
        The parameters.
    x_t : ndarray, shape (B, n_x)
        x^{<t>}, one example a row.
    c_prev : ndarray, shape (B, n_a)
        c^{<t-1>}.
    edit : callable, optional
        Called for each of ``layer.quantities``.

    Returns
    -------
    c_t : ndarray, shape (B, n_a)
        The new state, which is also the output.
    cache : NormalisedGRUCache
        What `normalised_gru_backward` needs.

    Examples
    --------
    >>> layer = GRU.init(n_x=2, n_a=3, rng=np.random.default_rng(0), layer_norm=True)
    >>> c_t, cache = normalised_gru_forward(layer, np.ones((4, 2)), layer.zero_state(4))
    >>> c_t.shape
    (4, 3)
    """
    edit = edit or unchanged
    n, m = layer.n_a, 2 * layer.n_a  # the gates' rows end at m
    gain_c, gain_x = _gains(layer)
    gates_c, gates_x = normalised(c_prev @ layer.W[:m, :n].T), normalised(x_t @ layer.W[:m, n:].T)
    z = gain_c[:m] * gates_c.values + gain_x[:m] * gates_x.values + layer.b[:m]  # eq:own-cell-norm, twice
    gate_u = edit("gate_u", sigmoid(edit("z_u", z[:, :n])))
    gate_r = edit("gate_r", sigmoid(edit("z_r", z[:, n:])))
    cand_x = normalised(x_t @ layer.W_cx.T)
    from_x = gain_x[m:] * cand_x.values + layer.b_c
    if layer.b_cc is None:
        z_cc, cand_c = None, normalised((gate_r * c_prev) @ layer.W_cc.T)
        z_c = edit("z_c", gain_c[m:] * cand_c.values + from_x)
    else:
        cand_c = normalised(c_prev @ layer.W_cc.T)
        z_cc = edit("z_cc", gain_c[m:] * cand_c.values + layer.b_cc)
        z_c = edit("z_c", gate_r * z_cc + from_x)
    cand = edit("cand", tanh(z_c))
    c_t = edit("c", gate_u * cand + (1 - gate_u) * c_prev)
    plain = GRUCellCache(x_t, c_prev, gate_u, gate_r, z_cc, cand)
    return c_t, NormalisedGRUCache(x_t, plain, gates_c, gates_x, cand_c, cand_x)


@backward_cell(GRU, "layer_norm")
def normalised_gru_backward(
    layer: GRU, cache: NormalisedGRUCache, dc_t: Array
) -> tuple[Array, Array, GRUCellGradients]:
    """One step back with layer normalisation; arguments and results as those of `gru_cell_backward`.

    Parameters
    ----------
    layer : GRU
        The parameters.
    cache : NormalisedGRUCache
        From `normalised_gru_forward`.
    dc_t : ndarray, shape (B, n_a)
        dL/dc^{<t>}, the whole of it.

    Returns
    -------
    dx_t : ndarray, shape (B, n_x)
        dL/dx^{<t>}.
    dc_prev : ndarray, shape (B, n_a)
        What reaches c^{<t-1>} through this step.
    d : GRUCellGradients
        The gradients by name, and ``d.layer``.

    Examples
    --------
    >>> layer = GRU.init(n_x=2, n_a=3, rng=np.random.default_rng(0), layer_norm=True)
    >>> c_t, cache = normalised_gru_forward(layer, np.ones((4, 2)), layer.zero_state(4))
    >>> dx_t, dstate_prev, d = normalised_gru_backward(layer, cache, np.ones((4, 3)))
    >>> dx_t.shape, d.layer.W.shape
    ((4, 2), (9, 5))
    """
    (x_t, plain, gates_c, gates_x, cand_c, cand_x), n = cache, layer.n_a
    _, c_prev, gate_u, gate_r, z_cc, cand = plain
    gain_c, gain_x = _gains(layer)
    m = 2 * n
    dcand = dc_t * gate_u
    dgate_u = dc_t * (cand - c_prev)
    dz_c = dcand * tanh_slope(cand)
    dz_cc = None if z_cc is None else dz_c * gate_r
    inner = dz_c if dz_cc is None else dz_cc  # what reaches γ_c ⊙ N(W_cc …)
    by_cand_c, by_cand_x = cand_c.back(inner * gain_c[m:]), cand_x.back(dz_c * gain_x[m:])
    read = by_cand_c @ layer.W_cc  # by what W_cc multiplies: Γ_r ⊙ c_prev, or c_prev
    dgate_r = read * c_prev if z_cc is None else dz_c * z_cc
    dz_u, dz_r = dgate_u * sigmoid_slope(gate_u), dgate_r * sigmoid_slope(gate_r)
    dz = np.concatenate([dz_u, dz_r], axis=1)
    by_gates_c, by_gates_x = gates_c.back(dz * gain_c[:m]), gates_x.back(dz * gain_x[:m])  # eq:own-cell-norm-back

    dx_t = by_gates_x @ layer.W[:m, n:] + by_cand_x @ layer.W_cx
    dc_prev = dc_t * (1 - gate_u) + by_gates_c @ layer.W[:m, :n] + (read * gate_r if z_cc is None else read)
    multiplied = gate_r * c_prev if z_cc is None else c_prev
    d_layer = GRU(
        np.block([[by_gates_c.T @ c_prev, by_gates_x.T @ x_t], [by_cand_c.T @ multiplied, by_cand_x.T @ x_t]]),
        np.concatenate([dz, dz_c], axis=1).sum(axis=0),
        None if dz_cc is None else dz_cc.sum(axis=0),
        np.concatenate([dz * gates_c.values, inner * cand_c.values], axis=1).sum(axis=0),
        np.concatenate([dz * gates_x.values, dz_c * cand_x.values], axis=1).sum(axis=0),
    )
    return dx_t, dc_prev, GRUCellGradients(dc_t, dcand, dgate_u, dgate_r, dz_u, dz_r, dz_c, dz_cc, d_layer)


def _gains(layer: GRU) -> tuple[Array, Array]:
    """Return γ_c and γ_x of a layer that has them."""
    assert layer.gain_c is not None
    assert layer.gain_x is not None
    return layer.gain_c, layer.gain_x
