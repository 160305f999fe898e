"""Ten slips that a learner makes and that no table has: made up after the tables. The answer leads to the place."""

import re

import numpy as np
import pytest

from rnncourse.exercises import find
from rnncourse.exercises.chapters.bptt import bptt
from rnncourse.exercises.diagnosis import judge


def edited(name, old, new):
    exercise = find(name)
    source = exercise.source
    assert old in source
    names = dict(exercise.solution.__globals__)
    exec(source.replace(old, new), names)
    return names[exercise.solution.__name__]


SLIPS = [
    # exercise, old, new, the outputs that are named, how the place in time is told
    ("bptt.bptt", "da[t] + da_next", "da[t - 1] + da_next", {"dx", "da0", "dW_aa", "dW_ax", "db_a"}, "at every step"),
    ("bptt.bptt", "dz.T @ x[t]", "dz.T @ x[t - 1]", {"dW_ax"}, "Right with one step (T = 1)"),
    ("bptt.bptt", "np.zeros_like(states[0])", "da[-1]", {"dx", "da0", "dW_aa", "dW_ax", "db_a"}, "at every step"),
    ("lstm-backward.by-hand", "np.tanh(run.c[t])", "np.tanh(run.c_prev[t])",
     {"dx", "da0", "dc0", "dW", "db"}, "at every step"),
    ("lstm-backward.by-hand", "dz_c = dc_t * u", "dz_c = dc_t * f", {"dx", "da0", "dc0", "dW", "db"}, "at every step"),
    ("rnn-forward.rnn-forward", "x[t] @", "x[t - 1] @", {"a"}, "at every step"),
    ("rnn-forward.rnn-forward", "a[t] = a_t", "a[t] = a_t\n        a_t = np.where(t == 2, a0, a_t)", {"a"},
     "at the steps 4 to 7 of 7"),
    ("rnn-forward.sequence-loss", "dz[t, b, y] -= 1", "dz[t[:-1], b, y[:-1]] -= 1", {"dz"}, "at step 7 of 7 only"),
    ("bidirectional.reverse", "np.where(t < lengths, lengths - 1 - t, t)",
     "np.where(t == 0, lengths - 1, np.where(t == lengths - 1, 0, t))", {"turned"}, "at the steps"),
    ("deep.backward-grid", "@ W_aa[layer]", "@ W_aa[layer - 1]", {"dz", "dx"}, "at the steps 1 to 6 of 7"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "outputs", "time"), SLIPS)
def test_the_answer_names_output_and_step(name, old, new, outputs, time):
    verdict = judge(find(name), edited(name, old, new))
    assert verdict.state == "wrong"
    assert verdict.mistakes == (), "this one is in a table"
    assert set(re.findall(r"^(\w+): ", verdict.text, re.M)) - {"Right"} == outputs, verdict.text
    assert time in verdict.text, verdict.text


# ---- honest rewrites pass


def bptt_by_examples(x, states, da, W_aa, W_ax):
    """Loops over examples and steps, and sums in that order."""
    dx, da0 = np.zeros_like(x), np.zeros_like(states[0])
    dW_aa, dW_ax, db = 0 * W_aa, 0 * W_ax, np.zeros(len(W_aa))
    for b in range(x.shape[1]):
        carried = np.zeros(len(W_aa))
        for t in range(len(x) - 1, -1, -1):
            delta = np.diag(1 - states[t + 1, b] ** 2) @ (da[t, b] + carried)
            dx[t, b] = W_ax.T @ delta
            dW_aa += np.outer(delta, states[t, b])
            dW_ax += np.outer(delta, x[t, b])
            db += delta
            carried = W_aa.T @ delta
        da0[b] = carried
    return dx, da0, dW_aa, dW_ax, db


def bptt_by_einsum(x, states, da, W_aa, W_ax):
    """All deltas first, then one einsum an output."""
    deltas, carried = [], 0.0
    for t in reversed(range(len(x))):
        deltas.append((1 - states[t + 1] ** 2) * (da[t] + carried))
        carried = np.einsum("bi,ij->bj", deltas[-1], W_aa)
    d = np.stack(deltas[::-1])
    by = np.einsum("tbi,tbj->ij", d, states[:-1]), np.einsum("tbi,tbj->ij", d, x), np.einsum("tbi->i", d)
    return np.einsum("tbi,ij->tbj", d, W_ax), carried, *by


def bptt_in_another_order(x, states, da, W_aa, W_ax):
    """The sums run from the first step to the last, and both matrices are one."""
    deltas = bptt_by_einsum(x, states, da, W_aa, np.eye(len(W_aa)))[0]
    W, rows = np.hstack([W_aa, W_ax]), np.concatenate([states[:-1], x], axis=2)
    back, n = deltas @ W, len(W_aa)
    dW = sum(d.T @ r for d, r in zip(deltas, rows, strict=True))
    return back[:, :, n:], back[0, :, :n], dW[:, :n], dW[:, n:], sum(d.sum(0) for d in deltas)


def forward_by_examples(x, a0, W_aa, W_ax, b_a):
    out = np.empty((len(x), *a0.shape))
    for b, state in enumerate(a0):
        for t in range(len(x)):
            state = np.array([np.tanh(b_a[i] + W_aa[i] @ state + W_ax[i] @ x[t, b]) for i in range(len(b_a))])
            out[t, b] = state
    return out


def forward_by_einsum(x, a0, W_aa, W_ax, b_a):
    z, out = np.einsum("ij,tbj->tbi", W_ax, x) + b_a, [a0]
    for z_t in z:
        out.append(np.tanh(z_t + np.einsum("ij,bj->bi", W_aa, out[-1])))
    return np.stack(out[1:])


def forward_in_another_order(x, a0, W_aa, W_ax, b_a):
    W, out, state = np.vstack([W_ax.T, W_aa.T]), [], a0
    for x_t in x:
        z = b_a + np.concatenate([x_t, state], axis=1) @ W
        e = np.exp(-2 * np.abs(z))
        state = np.sign(z) * (1 - e) / (1 + e)
        out.append(state)
    return np.array(out)


def gates_by_examples(x_t, a_prev, c_prev, layer):
    a, c = np.empty_like(a_prev), np.empty_like(c_prev)
    for b in range(len(x_t)):
        v = np.append(a_prev[b], x_t[b])
        f, u, o = (1 / (1 + np.exp(-(W @ v + s))) for W, s in (
            (layer.W_f, layer.b_f), (layer.W_u, layer.b_u), (layer.W_o, layer.b_o)))  # fmt: skip
        c[b] = f * c_prev[b] + u * np.tanh(layer.W_c @ v + layer.b_c)
        a[b] = o * np.tanh(c[b])
    return a, c


def gates_by_einsum(x_t, a_prev, c_prev, layer):
    z = np.einsum("bi,gi->bg", np.hstack([a_prev, x_t]), layer.W) + layer.b
    f, u, o, g = np.split(z, 4, axis=1)
    c = c_prev / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-u))
    return np.tanh(c) / (1 + np.exp(-o)), c


def gates_in_another_order(x_t, a_prev, c_prev, layer):
    n = layer.n_a
    f, u, o, g = np.split(layer.b + x_t @ layer.W[:, n:].T + a_prev @ layer.W[:, :n].T, 4, axis=1)
    half = [0.5 + 0.5 * np.tanh(z / 2) for z in (f, u, o)]
    c = half[1] * np.tanh(g) + half[0] * c_prev
    return half[2] * np.tanh(c), c


def masked_by_lists(losses, dz, counts):
    chosen = losses[counts]
    out = np.zeros_like(dz)
    out[counts] = dz[counts] / len(chosen)
    return sum(chosen) / len(chosen), out


def masked_by_average(losses, dz, counts):
    return np.average(np.nan_to_num(losses), weights=counts), np.where(counts[..., None], dz / counts.sum(), 0.0)


def masked_by_columns(losses, dz, counts):
    parts = [losses[counts[:, b], b].sum() for b in range(counts.shape[1])]
    return np.float64(sum(parts[::-1]) / counts.sum()), np.where(counts[..., None], dz, 0) * (1 / counts.sum())


def clip_by_vector(dW, db, max_norm):
    flat = np.concatenate([dW.ravel(), db])
    norm = np.linalg.norm(flat)
    flat = flat if norm <= max_norm else flat / norm * max_norm
    return flat[: dW.size].reshape(dW.shape), flat[dW.size :], norm


def clip_by_hypot(dW, db, max_norm):
    norm = np.hypot(np.linalg.norm(dW), np.linalg.norm(db))
    scale = max_norm / max(norm, max_norm)
    return dW * scale, db * scale, float(norm)


def clip_by_loop(dW, db, max_norm):
    norm = sum(float(v) ** 2 for v in [*db, *dW.T.ravel()]) ** 0.5
    if norm > max_norm:
        return dW / (norm / max_norm), db / (norm / max_norm), norm
    return dW, db, norm


REWRITES = {
    "bptt.bptt": (bptt_by_examples, bptt_by_einsum, bptt_in_another_order),
    "rnn-forward.rnn-forward": (forward_by_examples, forward_by_einsum, forward_in_another_order),
    "lstm-forward.lstm-step": (gates_by_examples, gates_by_einsum, gates_in_another_order),
    "batches.masked-mean": (masked_by_lists, masked_by_average, masked_by_columns),
    "training.clip-by-norm": (clip_by_vector, clip_by_hypot, clip_by_loop),
}


@pytest.mark.parametrize(("name", "rewrite"), [(name, f) for name, three in REWRITES.items() for f in three])
def test_honest_rewrites_pass(name, rewrite):
    for seed in range(10):
        verdict = judge(find(name), rewrite, seed)
        assert verdict.state == "right", verdict.text


def test_a_reordered_sum_is_no_mistake():
    """Rounding at 1e-13 of the largest entry passes; at 1e-8 it does not."""
    for size, state in ((1e-13, "right"), (1e-7, "wrong")):

        def noisy(*arguments, size=size):
            return tuple(v * (1 + size) for v in bptt(*arguments))

        assert judge(find("bptt.bptt"), noisy).state == state
