"""The LSTM five times over, each with one more of the package's tricks: what does each bring?

``ablation-0`` is the cell in a loop, ``ablation-5`` has all the tricks. All compute the same gradients. Parameters are
laid out as in the package: W (4·n_a, n_a + n_x), with the blocks f, u, o, c.
"""

from __future__ import annotations

import numpy as np
from numpy import add, copyto, dot, multiply, subtract, tanh

from ..cases import Arrays, Case

CHUNK_BYTES = 1 << 19


def training(case: Case, p: Arrays, variant: int):
    compute = (loop, hoisted, copied, in_place, chunked, on_a_tape)[variant]
    buffers: dict[str, np.ndarray] = {}

    def take(name: str, *shape: int) -> np.ndarray:
        if name not in buffers:
            buffers[name] = np.empty(shape, case.dtype)
        return buffers[name]

    out = {}

    def step():
        out["x"], out["W"], out["b"] = compute(p["W"], p["b"], p["x"], p["da"], take)

    return step, lambda: out


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def parameters_and_inputs(W, x, states, dz):
    """All products over time at once: dx, dW and db."""
    T, B, n_x = x.shape
    n = states.shape[2]
    rows = dz.reshape(T * B, 4 * n)
    dW = np.concatenate([rows.T @ states[:-1].reshape(T * B, n), rows.T @ x.reshape(T * B, n_x)], axis=1)
    return (rows @ W[:, n:]).reshape(x.shape), dW, rows.sum(axis=0)


# 0. The cell in a loop.


def loop(W, b, x, da, take):
    T, B, _ = x.shape
    n = da.shape[2]
    W_a, W_x = W[:, :n], W[:, n:]
    a = c = np.zeros((B, n), x.dtype)
    caches = []
    for t in range(T):
        z = x[t] @ W_x.T + a @ W_a.T + b
        f, u, o = sigmoid(z[:, :n]), sigmoid(z[:, n : 2 * n]), sigmoid(z[:, 2 * n : 3 * n])
        cand = np.tanh(z[:, 3 * n :])
        a_prev, c_prev = a, c
        c = f * c_prev + u * cand
        tanh_c = np.tanh(c)
        a = o * tanh_c
        caches.append((a_prev, c_prev, f, u, o, cand, tanh_c))
    dx, dW, db = np.empty_like(x), np.zeros_like(W), np.zeros_like(b)
    da_next = dc = np.zeros((B, n), x.dtype)
    for t in reversed(range(T)):
        a_prev, c_prev, *_ = caches[t]
        dz, dc = slopes(caches[t], da_next + da[t], dc)
        dx[t] = dz @ W_x
        dW += dz.T @ np.concatenate([a_prev, x[t]], axis=1)
        db += dz.sum(axis=0)
        da_next = dz @ W_a
    return dx, dW, db


def slopes(cache, da_t, dc):
    """One step back: dz, and dc for the step before."""
    _, c_prev, f, u, o, cand, tanh_c = cache
    dc = dc + da_t * o * (1 - tanh_c**2)
    gates = dc * c_prev * f * (1 - f), dc * cand * u * (1 - u), da_t * tanh_c * o * (1 - o), dc * u * (1 - cand**2)
    return np.concatenate(gates, axis=1), dc * f


# 1. Products that need not wait are taken out of the loop. 2. And the transposed weights are copied once.


def hoisted(W, b, x, da, take, copy=False):
    T, B, _ = x.shape
    n = da.shape[2]
    W_a_T = W[:, :n].T.copy() if copy else W[:, :n].T
    z_x = x @ W[:, n:].T + b
    states = np.zeros((T + 1, B, n), x.dtype)
    c = np.zeros((B, n), x.dtype)
    caches = []
    for t in range(T):
        z = z_x[t] + states[t] @ W_a_T
        f, u, o = sigmoid(z[:, :n]), sigmoid(z[:, n : 2 * n]), sigmoid(z[:, 2 * n : 3 * n])
        cand = np.tanh(z[:, 3 * n :])
        c_prev = c
        c = f * c_prev + u * cand
        tanh_c = np.tanh(c)
        states[t + 1] = o * tanh_c
        caches.append((None, c_prev, f, u, o, cand, tanh_c))
    dz = np.empty((T, B, 4 * n), x.dtype)
    W_a = W[:, :n].copy() if copy else W[:, :n]
    da_next = dc = np.zeros((B, n), x.dtype)
    for t in reversed(range(T)):
        dz[t], dc = slopes(caches[t], da_next + da[t], dc)
        da_next = dz[t] @ W_a
    return parameters_and_inputs(W, x, states, dz)


def copied(W, b, x, da, take):
    return hoisted(W, b, x, da, take, copy=True)


# 3. Everything is written into arrays that exist; σ(z) = (1 + tanh(z/2)) / 2, so one tanh serves all the gates.


def forward_in_place(W, b, x, n, take):
    T, B, n_x = x.shape
    scale = np.ones(4 * n, x.dtype)
    scale[: 3 * n] = 0.5
    W_a_T = W[:, :n].T * scale
    half = x.dtype.type(0.5)
    z = take("z", T, B, 4 * n)
    dot(x.reshape(T * B, n_x), W[:, n:].T * scale, z.reshape(T * B, 4 * n))
    add(z, b * scale, z)
    a, c, tanh_c = take("a", T + 1, B, n), take("c", T + 1, B, n), take("tanh_c", T, B, n)
    a[0], c[0] = 0, 0
    r, q = take("r", B, 4 * n), take("q", B, n)
    for t in range(T):
        z_t = z[t]
        sigmoids, cand = z_t[:, : 3 * n], z_t[:, 3 * n :]
        f, u, o = z_t[:, :n], z_t[:, n : 2 * n], z_t[:, 2 * n : 3 * n]
        dot(a[t], W_a_T, r)
        add(z_t, r, z_t)
        tanh(z_t, z_t)
        multiply(sigmoids, half, sigmoids)
        add(sigmoids, half, sigmoids)
        multiply(f, c[t], c[t + 1])
        multiply(u, cand, q)
        add(c[t + 1], q, c[t + 1])
        tanh(c[t + 1], tanh_c[t])
        multiply(o, tanh_c[t], a[t + 1])
    return z, a, c, tanh_c


def local_slopes(g, c_prev, tanh_c, k, k_c):
    """What each gate's gradient is multiplied by, into k; and da/dc, into k_c. Of one step, or of many at once."""
    n, one = c_prev.shape[-1], g.dtype.type(1)
    u, o, cand = g[..., n : 2 * n], g[..., 2 * n : 3 * n], g[..., 3 * n :]
    k_f, k_u, k_o, k_cand = k[..., :n], k[..., n : 2 * n], k[..., 2 * n : 3 * n], k[..., 3 * n :]
    subtract(one, g[..., : 3 * n], k[..., : 3 * n])
    multiply(k[..., : 3 * n], g[..., : 3 * n], k[..., : 3 * n])
    multiply(k_f, c_prev, k_f)
    multiply(k_u, cand, k_u)
    multiply(k_o, tanh_c, k_o)
    multiply(cand, cand, k_cand)
    subtract(one, k_cand, k_cand)
    multiply(k_cand, u, k_cand)
    multiply(tanh_c, tanh_c, k_c)
    subtract(one, k_c, k_c)
    multiply(k_c, o, k_c)


def step_back(k, k_c, f, da_t, da_next, dc, s):
    """Multiply the slopes of one step, k, by what arrives: k becomes dz, dc what goes on."""
    n = dc.shape[1]
    k_f, k_u, k_o, k_cand = k[:, :n], k[:, n : 2 * n], k[:, 2 * n : 3 * n], k[:, 3 * n :]
    add(da_next, da_t, da_next)
    multiply(da_next, k_c, s)
    add(dc, s, dc)
    multiply(k_f, dc, k_f)
    multiply(k_u, dc, k_u)
    multiply(k_o, da_next, k_o)
    multiply(k_cand, dc, k_cand)
    multiply(dc, f, dc)


def in_place(W, b, x, da, take):
    T, B, n = da.shape
    z, a, c, tanh_c = forward_in_place(W, b, x, n, take)
    W_a, dz, k_c = W[:, :n].copy(), take("dz", T, B, 4 * n), take("k_c", B, n)
    da_next, dc, s = np.zeros((B, n), x.dtype), np.zeros((B, n), x.dtype), take("s", B, n)
    for t in reversed(range(T)):
        local_slopes(z[t], c[t], tanh_c[t], dz[t], k_c)
        step_back(dz[t], k_c, z[t, :, :n], da[t], da_next, dc, s)
        dot(dz[t], W_a, da_next)
    return parameters_and_inputs(W, x, a, dz)


# 4. Backwards, the slopes of as many steps as fit the cache are computed at once; the loop only multiplies.


def chunk(da, arrays):
    """How many steps of so many arrays (B, n_a) fit the cache."""
    T, B, n = da.shape
    return max(1, min(T, CHUNK_BYTES // (arrays * B * n * da.itemsize)))


def chunked(W, b, x, da, take):
    T, B, n = da.shape
    z, a, c, tanh_c = forward_in_place(W, b, x, n, take)
    size = chunk(da, 12)
    W_a, dz, k_c = W[:, :n].copy(), take("dz", T, B, 4 * n), take("k_c", size, B, n)
    da_next, dc, s = np.zeros((B, n), x.dtype), np.zeros((B, n), x.dtype), take("s", B, n)
    for hi in range(T, 0, -size):
        lo = max(0, hi - size)
        local_slopes(z[lo:hi], c[lo:hi], tanh_c[lo:hi], dz[lo:hi], k_c[: hi - lo])
        for t in reversed(range(lo, hi)):
            step_back(dz[t], k_c[t - lo], z[t, :, :n], da[t], da_next, dc, s)
            dot(dz[t], W_a, da_next)
    return parameters_and_inputs(W, x, a, dz)


# 5. Gates lie behind one another on a tape, so that a call serves several gates and runs over one block of memory.

U, F, OUT, CAND, C_PREV, TANH_C = range(6)  # the tape's slots: Γ_u and Γ_f adjacent, c̃ and c_prev too


def by_gate(rows, scale):
    """See rows (4·n, k), transposed and scaled, as four matrices (k, n)."""
    return (rows.T * scale).reshape(rows.shape[1], 4, -1).transpose(1, 0, 2)


def on_a_tape(W, b, x, da, take):
    T, B, n = da.shape
    order = np.concatenate([np.arange(k * n, (k + 1) * n) for k in (1, 0, 2, 3)])
    scale = np.ones(4 * n, x.dtype)
    scale[: 3 * n] = 0.5
    half, one = x.dtype.type(0.5), x.dtype.type(1)
    tape, a = take("tape", T + 1, 6, B, n), take("a", T + 1, B, n)
    np.matmul(x[:, None], by_gate(W[order, n:], scale), out=tape[:T, :4])
    add(tape[:T, :4], (b[order] * scale).reshape(4, 1, n), tape[:T, :4])
    a[0], tape[0, C_PREV] = 0, 0
    W_a_T, r, q = by_gate(W[order, :n], scale), take("r", 4, B, n), take("q", 2, B, n)
    product, second, out = np.matmul, W_a_T, r
    if B == 1:  # dot has less overhead
        product, second, out = dot, W_a_T.transpose(1, 0, 2).reshape(n, 4 * n), r.reshape(1, 4 * n)
    steps = zip(
        a, tape[:, :4], tape[:, :3], tape[:, :2], tape[:, 3:5], tape[:, OUT], tape[:, TANH_C], tape[1:, C_PREV], a[1:],
        strict=False,
    )  # fmt: skip
    for a_prev, gates, sigmoids, u_f, cand_c, o, tanh_c, c_t, a_t in steps:
        product(a_prev, second, out)
        add(gates, r, gates)
        tanh(gates, gates)
        multiply(sigmoids, half, sigmoids)
        add(sigmoids, half, sigmoids)
        multiply(u_f, cand_c, q)
        add(q[0], q[1], c_t)
        tanh(c_t, tanh_c)
        multiply(o, tanh_c, a_t)

    W_a, size = W[order, :n], chunk(da, 12)
    dz, K, K_c = take("dz", T, B, 4, n), take("K", size, 4, B, n), take("K_c", size, B, n)
    da_next, dc, s = np.zeros((B, n), x.dtype), np.zeros((B, n), x.dtype), take("s", B, n)
    for hi in range(T, 0, -size):
        lo = max(0, hi - size)
        g, k, w = tape[lo:hi], K[: hi - lo], K_c[: hi - lo]
        subtract(one, g[:, :3], k[:, :3])
        multiply(k[:, :2], g[:, :2], k[:, :2])
        multiply(k[:, :2], g[:, 3:5], k[:, :2])
        multiply(k[:, OUT], a[lo + 1 : hi + 1], k[:, OUT])
        multiply(g[:, CAND], g[:, CAND], k[:, CAND])
        subtract(one, k[:, CAND], k[:, CAND])
        multiply(k[:, CAND], g[:, U], k[:, CAND])
        multiply(a[lo + 1 : hi + 1], g[:, TANH_C], w)
        subtract(g[:, OUT], w, w)
        for t in reversed(range(lo, hi)):
            k_t = k[t - lo]
            k_u, k_f, k_o, k_cand = k_t
            add(da_next, da[t], da_next)
            multiply(da_next, w[t - lo], s)
            add(dc, s, dc)
            multiply(k_u, dc, k_u)
            multiply(k_f, dc, k_f)
            multiply(k_o, da_next, k_o)
            multiply(k_cand, dc, k_cand)
            multiply(dc, tape[t, F], dc)
            copyto(dz[t].transpose(1, 0, 2), k_t)  # from gate by gate to row by row
            dot(dz[t].reshape(B, 4 * n), W_a, da_next)
    dx, dW, db = parameters_and_inputs(W[order], x, a, dz)
    back = np.argsort(order)
    return dx, dW[back], db[back]
