"""Slips of someone who had not seen the tables, written from the chapters' text: the answers lead to them.

Each is code of its own, no edit of the solution, so the tables' edits are held against something independent.
"""

import numpy as np
import pytest

from rnncourse.activations import sigmoid
from rnncourse.exercises import find
from rnncourse.exercises.diagnosis import judge


def forward(slip):
    def rnn_forward(x, a0, W_aa, W_ax, b_a):
        if slip == "one array":
            out, a = [], a0.copy()
            for x_t in x:
                a[:] = np.tanh(a @ W_aa.T + x_t @ W_ax.T + b_a)
                out.append(a)
            return np.stack(out)
        a = np.zeros((len(x), *a0.shape))
        a[0] = a0
        for t in range(1 if slip == "from 1" else 0, len(x)):
            a[t] = np.tanh(a[t - 1] @ W_aa.T + x[t] @ W_ax.T + b_a)
        return a

    return rnn_forward


def bptt(slip):
    def bptt(x, states, da, W_aa, W_ax):
        dx, carry = np.zeros_like(x), np.zeros_like(da[0])
        dW_aa, dW_ax, db = np.zeros_like(W_aa), np.zeros_like(W_ax), np.zeros(len(W_aa))
        for t in reversed(range(len(x))):
            value = np.tanh(states[t + 1]) if slip == "tanh twice" else states[t + 1]
            d = (da[t] + carry) * (1 - value**2)
            dx[t], carry = d @ W_ax, d @ W_aa
            dW_aa = d.T @ states[t] + (0 if slip == "=" else dW_aa)
            dW_ax += d.T @ x[t]
            db += d.sum(axis=0)
        return dx, carry, dW_aa, dW_ax, db

    return bptt


def gru_step(slip):
    def gru_step(x_t, c_prev, layer):
        def stack(c):
            return np.concatenate([x_t, c] if slip == "order" else [c, x_t], axis=1)

        u = sigmoid(stack(c_prev) @ layer.W_u.T + layer.b_u)
        r = sigmoid(stack(c_prev) @ (layer.W_u if slip == "W_u" else layer.W_r).T + layer.b_r)
        z = stack(r * c_prev) @ layer.W_c.T + (0 if slip == "bias" else layer.b_c)
        cand = sigmoid(z) if slip == "sigmoid" else np.tanh(z)
        return u * cand + (1 - u) * c_prev

    return gru_step


def gru_back(slip):
    def gru_step_back(layer, cache, dc_t):
        u, r, h, c = cache.gate_u, cache.gate_r, cache.cand, cache.c_prev
        dz_u, dz_c = dc_t * (h - c) * u * (1 - u), dc_t * u * (1 - h**2)
        s = dz_c @ layer.W_cc
        dz_r = {"c": s, "dc": dc_t * c}.get(slip, s * c) * r * (1 - r)
        dx_t = dz_u @ layer.W_ux + dz_c @ layer.W_cx + (0 if slip == "dx" else dz_r @ layer.W_rx)
        W_uc, W_rc = (layer.W_uc.T, layer.W_rc.T) if slip == "transposed" else (layer.W_uc, layer.W_rc)
        gated = (dz_c * r) @ layer.W_cc if slip == "side" else s * r
        return dz_u, dz_r, dz_c, dz_c.T @ (r * c), dx_t, dc_t * (1 - u) + dz_u @ W_uc + dz_r @ W_rc + gated

    return gru_step_back


def lstm_step(slip):
    def lstm_step(x_t, a_prev, c_prev, layer):
        f, u, o, h = np.split(np.concatenate([a_prev, x_t], axis=1) @ layer.W.T + layer.b, 4, axis=1)
        c_t = sigmoid(f) * c_prev + sigmoid(u) * np.tanh(h)
        a_t = np.tanh(sigmoid(o) * c_t) if slip == "brackets" else sigmoid(o) * np.tanh(h)
        return a_t, c_t

    return lstm_step


def by_hand(slip):
    def by_hand(layer, run, da, dfinal):
        n, (da_next, dc_next) = layer.n_a, dfinal
        dx, dW, db = np.zeros_like(run.x), np.zeros_like(layer.W), np.zeros_like(layer.b)
        da_next = 0 * da_next if slip == "last a" else da_next
        dc_next = 0 * dc_next if slip == "last c" else dc_next
        for t in reversed(range(len(da))):
            f, u, o, h, c = run.gate_f[t], run.gate_u[t], run.gate_o[t], run.cand[t], run.c[t]
            g, value = da[t] + da_next, np.tanh(c)
            dc = dc_next + g * (1 if slip == "o" else o) * (1 - (c if slip == "slope" else value) ** 2)
            z_f = dc * run.c_prev[t] * f * (1 - f)
            z_u = dc * h * u * (1 - (h if slip == "slope of u" else u))
            z_o = (dc if slip == "dc in o" else g) * (c if slip == "c in o" else value) * o * (1 - o)
            z_c = dc * u * (1 - h**2)
            order = {"f u c o": [z_f, z_u, z_c, z_o], "torch": [z_u, z_f, z_c, z_o]}.get(slip, [z_f, z_u, z_o, z_c])
            z = np.concatenate(order, axis=1)
            dW = z.T @ np.concatenate([run.a_prev[t], run.x[t]], axis=1) + (0 if slip == "=" else dW)
            db += z.sum(axis=0)
            back = z @ layer.W
            da_next, dx[t] = (back[:, -n:], back[:, :-n]) if slip == "x first" else (back[:, :n], back[:, n:])
            da_next = da_next + (da[t] if slip == "da twice" else 0)
            dc_next = {"as it is": dc, "u": dc * u, "came": dc_next * f}.get(slip, dc * f)
        return dx, da_next, dc_next, dW, db

    return by_hand


def turned(slip):
    def reversed_within(x, lengths):
        y = x.copy()
        for b, n in enumerate(lengths):
            if slip == "too long":
                y[: n + 1, b] = x[: n + 1, b][::-1]
                continue
            for t in range(n):
                y[t, b] = y[n - 1 - t, b] if slip == "in place" else x[n - 2 - t, b]
        return y

    return reversed_within


def grid(slip):
    def deep_backward(a, da, W_aa, W_ax):
        (T, L), dz = a.shape[:2], np.zeros_like(a)
        for t in reversed(range(T)):
            for layer in reversed(range(L)):
                total = np.zeros_like(da[0])
                if layer == L - 1:
                    total = total + da[t]
                elif slip == "late":
                    total = total + (dz[t + 1, layer + 1] @ W_ax[layer + 1] if t < T - 1 else 0)
                elif slip == "W_aa for W_ax":
                    total = total + dz[t, layer + 1] @ W_aa[layer + 1]
                else:
                    total = total + dz[t, layer + 1] @ W_ax[layer + 1]
                if t < T - 1:
                    total = total + dz[t + 1, layer] @ W_aa[0 if slip == "first" else layer]
                before = a[t - 1, layer] if t else 0 * a[t, layer]
                dz[t, layer] = total * (1 - (before if slip == "slope" else a[t, layer]) ** 2)
        return dz, dz[:, 0] @ W_ax[0]

    return deep_backward


def perplexity(slip):
    def perplexity_of(z, y, counts):
        axis = 0 if slip == "axis" else -1
        z = z - z.max(axis=axis, keepdims=True)
        log_p = z - np.log(np.exp(z).sum(axis=axis, keepdims=True))
        chosen = np.take_along_axis(log_p, y[..., None], -1)[..., 0]
        mean = np.where(counts, chosen, 0).mean() if slip == "zeros" else chosen[counts].mean()
        return np.exp(-mean / (np.log(2) if slip == "bits" else 1))

    return perplexity_of


def adam(slip):
    def adam_step(theta, g, mean, square, n, rate):
        n_ = n + 1 if slip == "n + 1" else n
        mean, square = 0.9 * mean + 0.1 * g, 0.999 * square + 0.001 * g**2
        one, two = (0.9 * n, 0.999 * n) if slip == "times" else (0.9**n_, (0.9 if slip == "one beta" else 0.999) ** n_)
        return theta - rate * mean / (1 - one) / (np.sqrt(square / (1 - two)) + 1e-8), mean, square

    return adam_step


def jacobian(slip):
    def state_jacobian(states, W_aa, k, t):
        J = np.ones_like(W_aa) if slip == "ones" else np.eye(len(W_aa))
        for s in range(k + 1, t + 1):
            slopes = np.diag(1 - states[s] ** 2)
            J = slopes * W_aa * J if slip == "entries" else slopes @ W_aa @ J
        return J

    return state_jacobian


NAMED = [
    ("rnn-forward.rnn-forward", forward("one array"), "every row shows the last state"),
    ("rnn-forward.rnn-forward", forward("wraps"), "the start state is put where the first output will stand"),
    ("rnn-forward.rnn-forward", forward("from 1"), "the start state is returned as the first output"),
    ("bptt.bptt", bptt("tanh twice"), "tanh is applied to a state once more"),
    ("bptt.bptt", bptt("="), "dW_aa keeps one step only"),
    ("gru.gru-step", gru_step("order"), "the input stands before the state in both stacks"),
    ("gru.gru-step", gru_step("W_u"), "the reset gate uses the update gate's weights"),
    ("gru.gru-step", gru_step("bias"), "the candidate's bias is forgotten"),
    ("gru.gru-step", gru_step("sigmoid"), "the candidate has a sigmoid"),
    ("gru.gru-step-back", gru_back("c"), "the reset gate misses the old state"),
    ("gru.gru-step-back", gru_back("dc"), "the reset gate is reached straight from the new state"),
    ("gru.gru-step-back", gru_back("dx"), "the input is not reached through the reset gate"),
    ("gru.gru-step-back", gru_back("transposed"), "the gates' matrices are transposed on the way back"),
    ("gru.gru-step-back", gru_back("side"), "what reaches the old state is reset on the wrong side of W_cc"),
    ("lstm-forward.lstm-step", lstm_step("brackets"), "the output gate stands inside the tanh"),
    ("lstm-forward.lstm-step", lstm_step("cand"), "the candidate is shown in place of the memory"),
    ("lstm-backward.by-hand", by_hand("last a"), "the last state's own gradient is ignored"),
    ("lstm-backward.by-hand", by_hand("last c"), "the last memory's own gradient is ignored"),
    ("lstm-backward.by-hand", by_hand("o"), "the output gate is forgotten in dc_t"),
    ("lstm-backward.by-hand", by_hand("slope"), "the slope of tanh is taken at c"),
    ("lstm-backward.by-hand", by_hand("dc in o"), "the output gate gets the memory's gradient"),
    ("lstm-backward.by-hand", by_hand("c in o"), "the output gate misses the tanh"),
    ("lstm-backward.by-hand", by_hand("f u c o"), "output gate and candidate stand in each other's block"),
    ("lstm-backward.by-hand", by_hand("torch"), "the blocks are in PyTorch's order"),
    ("lstm-backward.by-hand", by_hand("="), "dW keeps one step only"),
    ("lstm-backward.by-hand", by_hand("x first"), "W is cut as if the input came first"),
    ("lstm-backward.by-hand", by_hand("as it is"), "dc goes on to the step before as it is"),
    ("lstm-backward.by-hand", by_hand("u"), "dc goes through the update gate"),
    ("lstm-backward.by-hand", by_hand("came"), "only what came from later is sent on"),
    ("bidirectional.reverse", turned("too long"), "one step of the padding is turned, too"),
    ("bidirectional.reverse", turned("in place"), "it is written over while it is read"),
    ("bidirectional.reverse", turned("short"), "it is one step short, and the last wraps around"),
    ("deep.backward-grid", grid("late"), "what comes from above is one step late"),
    ("deep.backward-grid", grid("first"), "the first layer's W_aa serves all"),
    ("deep.backward-grid", grid("slope"), "the slope is that of the state before"),
    ("language-model.perplexity", perplexity("axis"), "the softmax is over the steps"),
    ("language-model.perplexity", perplexity("zeros"), "zeros stand for padding, and are averaged"),
    ("language-model.perplexity", perplexity("bits"), "bits are put into exp"),
    ("training.adam-step", adam("n + 1"), "the steps are counted one too far"),
    ("training.adam-step", adam("times"), "beta is multiplied by n"),
    ("training.adam-step", adam("one beta"), "both corrections have the first beta"),
    ("vanishing-gradients.state-jacobian", jacobian("ones"), "the product starts from ones"),
    ("vanishing-gradients.state-jacobian", jacobian("entries"), "matrices are multiplied entry by entry"),
]


@pytest.mark.parametrize(("name", "function", "mistake"), NAMED, ids=[f"{n}: {m}" for n, _, m in NAMED])
def test_the_slip_is_named(name, function, mistake):
    verdict = judge(find(name), function)
    assert (verdict.mistakes, verdict.alike) == ((mistake,), ()), verdict.text


LED = [
    # what no table has: where a world of one step shows less, it is told
    ("lstm-backward.by-hand", by_hand("slope of u"),
     "(T = 1), where these are wrong: dx, da0, dW in the block u only, db in the block u only; right there: dc0."),
    ("lstm-backward.by-hand", by_hand("da twice"), "where these are wrong: da0; right there: dx, dc0, dW, db."),
    ("deep.backward-grid", grid("W_aa for W_ax"), "dz: wrong at every step in the layers 1 and 2: off by"),
    ("bidirectional.reverse", lambda x, lengths: np.stack([x[0]] * len(x)), "turned is the same at every step"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "function", "says"), LED)
def test_the_place_is_told(name, function, says):
    verdict = judge(find(name), function)
    assert (verdict.state, verdict.mistakes) == ("wrong", ())
    assert says in verdict.text


def test_the_solution_shows_that_the_functions_are_right_but_for_the_slip():
    for name, make in (("bptt.bptt", bptt), ("gru.gru-step", gru_step), ("gru.gru-step-back", gru_back),
                       ("lstm-backward.by-hand", by_hand), ("deep.backward-grid", grid),
                       ("language-model.perplexity", perplexity), ("training.adam-step", adam),
                       ("vanishing-gradients.state-jacobian", jacobian)):  # fmt: skip
        assert judge(find(name), make("")).state == "right", name


def test_right_numbers_of_a_wrong_kind_are_no_two_mistakes_that_cancel():
    exercise = find("sequences.loss-steps")
    verdict = judge(exercise, lambda *a: exercise.solution(*a).astype(float))
    assert verdict.text == "counts: expected dtype bool, got float64. The numbers are right."
    assert verdict.mistakes == ()


def test_two_mistakes_with_one_reason_give_it_once():
    def multiplied(losses, dz, counts):
        return (losses * counts).sum() / counts.sum(), dz * counts[..., None] / counts.sum()

    text = judge(find("batches.masked-mean"), multiplied).text
    assert "on a world with large values, and NaN in the padding" in text
    assert text.count("Why: ") == 1
    assert text.endswith("Look: at the mean, and at the gradient")


def test_the_line_that_raised_is_shown():
    def gru_step(x_t, c_prev, layer):
        v = np.concatenate([c_prev, x_t])
        return sigmoid(v @ layer.W_u.T)

    assert judge(find("gru.gru-step"), gru_step).text.endswith(
        "That was in the line: v = np.concatenate([c_prev, x_t])"
    )


# ---- honest rewrites


def perplexity_by_logaddexp(z, y, counts):
    losses = np.logaddexp.reduce(z, axis=2) - np.take_along_axis(z, y[:, :, None], 2)[:, :, 0]
    return float(np.exp(np.mean(losses[counts])))


def perplexity_by_loops(z, y, counts):
    total = 0.0
    for t, b in np.argwhere(counts):
        top = max(z[t, b])
        total += top + np.log(sum(np.exp(v - top) for v in z[t, b])) - z[t, b, y[t, b]]
    return np.exp(total / np.count_nonzero(counts))


def perplexity_in_base_2(z, y, counts):
    z = z / np.log(2)
    top = z.max(-1)
    chosen = np.einsum("tbn,tbn->tb", z, np.eye(z.shape[2])[y])
    bits = top + np.log2(np.exp2(z - top[..., None]).sum(-1)) - chosen
    return np.asarray(2.0 ** np.average(bits, weights=counts))


def turned_by_slices(x, lengths):
    parts = [np.concatenate([np.flip(x[:n, b], 0), x[n:, b]]) for b, n in enumerate(lengths)]
    return np.stack(parts, axis=1)


def turned_by_swaps(x, lengths):
    y = x.copy()
    for b, n in enumerate(lengths):
        for i in range(n // 2):
            y[[i, n - 1 - i], b] = y[[n - 1 - i, i], b]
    return y


def turned_by_a_matrix(x, lengths):
    P = np.zeros((len(lengths), len(x), len(x)))
    for b, n in enumerate(lengths):
        P[b] = np.eye(len(x))[[*range(n)[::-1], *range(n, len(x))]]
    return np.einsum("bts,sbn->tbn", P, x)


def forward_by_recursion(x, a0, W_aa, W_ax, b_a):
    def state(t):
        return np.tanh(W_aa @ state(t - 1) + W_ax @ x[t - 1].T + b_a[:, None]) if t else a0.T

    return np.stack([state(t + 1) for t in range(len(x))]).transpose(0, 2, 1)


def bptt_by_paths(x, states, da, W_aa, W_ax):
    """The sum over all paths, from the first step on."""
    d, T = np.zeros_like(da), len(x)
    for b in range(x.shape[1]):
        for k in range(T):
            J = np.eye(len(W_aa))
            for t in range(k, T):
                J = np.diag(1 - states[t + 1, b] ** 2) @ (W_aa @ J if t > k else J)
                d[k, b] += da[t, b] @ J
    by = [np.tensordot(d, v, ((0, 1), (0, 1))) for v in (states[:-1], x)]
    return [d @ W_ax, d[0] @ W_aa, *by, d.reshape(-1, len(W_aa)).sum(axis=0)]


REWRITES = [
    ("language-model.perplexity", perplexity_by_logaddexp), ("language-model.perplexity", perplexity_by_loops),
    ("language-model.perplexity", perplexity_in_base_2), ("bidirectional.reverse", turned_by_slices),
    ("bidirectional.reverse", turned_by_swaps), ("bidirectional.reverse", turned_by_a_matrix),
    ("rnn-forward.rnn-forward", forward_by_recursion), ("bptt.bptt", bptt_by_paths),
]  # fmt: skip


@pytest.mark.parametrize(("name", "rewrite"), REWRITES)
def test_honest_rewrites_pass(name, rewrite):
    for seed in range(3):
        verdict = judge(find(name), rewrite, seed)
        assert verdict.state == "right", verdict.text
