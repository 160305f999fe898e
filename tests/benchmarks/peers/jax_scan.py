"""JAX: one compiled function of lax.scan and its vjp.

Plain, the cell multiplies x by its weights inside the loop, as it is mostly written; as variant 1, the products of all
steps are taken out of the loop by hand, which the compiler does not do by itself.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from ..cases import Arrays, Case
from ..layouts import columns, from_columns


def rnn(weights, a, z_x):
    _, W_a, _ = weights
    a = jnp.tanh(z_x + a @ W_a)
    return a, a


def gru(weights, c, z_x):
    _, W_a, _, b_cc = weights
    x_u, x_r, x_c = jnp.split(z_x, 3, axis=1)
    c_u, c_r, c_c = jnp.split(c @ W_a, 3, axis=1)
    u, r = jax.nn.sigmoid(x_u + c_u), jax.nn.sigmoid(x_r + c_r)
    c = u * jnp.tanh(x_c + r * (c_c + b_cc)) + (1 - u) * c
    return c, c


def gru_before(weights, c, z_x):
    _, W_a, _ = weights
    n = c.shape[1]
    x_u, x_r, x_c = jnp.split(z_x, 3, axis=1)
    c_u, c_r = jnp.split(c @ W_a[:, : 2 * n], 2, axis=1)
    u, r = jax.nn.sigmoid(x_u + c_u), jax.nn.sigmoid(x_r + c_r)
    c = u * jnp.tanh(x_c + (r * c) @ W_a[:, 2 * n :]) + (1 - u) * c
    return c, c


def lstm(weights, state, z_x):
    _, W_a, _ = weights
    a, c = state
    f, u, o, cand = jnp.split(z_x + a @ W_a, 4, axis=1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(u) * jnp.tanh(cand)
    a = jax.nn.sigmoid(o) * jnp.tanh(c)
    return (a, c), a


CELLS = {"RNN": rnn, "GRU": gru, "GRU before": gru_before, "LSTM": lstm}


def training(case: Case, p: Arrays, variant: int = 0):
    jax.config.update("jax_enable_x64", case.dtype == "float64")
    cell = CELLS[case.cell]

    def forward(weights, x):
        zeros = jnp.zeros((case.B, case.n_a), x.dtype)
        start = (zeros, zeros) if case.cell == "LSTM" else zeros
        W_x, _, b = weights[:3]
        if variant:
            return jax.lax.scan(lambda state, z_x: cell(weights, state, z_x), start, x @ W_x + b)[1]
        return jax.lax.scan(lambda state, x_t: cell(weights, state, x_t @ W_x + b), start, x)[1]

    @jax.jit
    def gradients(weights, x, da):
        _, pull_back = jax.vjp(forward, weights, x)
        return pull_back(da)

    weights = tuple(map(jnp.asarray, columns(case, p)))
    x, da = jnp.asarray(p["x"]), jnp.asarray(p["da"])
    out = {}

    def step():
        out["grads"] = jax.block_until_ready(gradients(weights, x, da))

    return step, lambda: from_columns(out["grads"][1], out["grads"][0])
