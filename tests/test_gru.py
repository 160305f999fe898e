"""The GRU beyond the contract: its equations, its run, its cell for study, and how its two forms differ."""

import numpy as np
import pytest
from cell_checks import (
    assert_run_shows_every_quantity,
    random_layer,
    random_world,
)

from rnncourse import GRU, RNN, gru_cell_backward, gru_cell_forward
from rnncourse.initializers import identity, zeros

PLAIN = {"before": {}, "after": {"reset_after": True}}
FORMS = PLAIN | {f"{form}-norm": options | {"layer_norm": True} for form, options in PLAIN.items()}
LENGTHS = [4, 2, 0]
INSIDE = np.arange(4)[:, None] < np.array(LENGTHS)


def gru(form, n_x=2, n_a=3, seed=0):
    return random_layer(GRU.init(n_x, n_a, np.random.default_rng(0), **FORMS[form]), seed)


def sigma(z):
    return 1 / (1 + np.exp(-z))


def normal(v):
    mean = sum(v) / len(v)
    return [(u - mean) / np.sqrt(sum((w - mean) ** 2 for w in v) / len(v) + 1e-5) for u in v]


def product(layer, letter, blocks, v):
    """W v of some blocks one below the other, entry by entry; normalised and scaled with layer normalisation."""
    n = layer.n_a
    at = 0 if letter == "c" else n
    rows = [k * n + i for k in blocks for i in range(n)]
    sums = [sum(layer.W[r, at + j] * v[j] for j in range(len(v))) for r in rows]
    if not layer.layer_norm:
        return sums
    gain = layer.gain_c if letter == "c" else layer.gain_x
    return [gain[r] * u for r, u in zip(rows, normal(sums), strict=True)]


def by_entries(layer, x, c0):
    """Every quantity of every step, entry by entry, from W and b alone."""
    (T, B, _), n = x.shape, layer.n_a
    q = {name: np.zeros((T, B, n)) for name in layer.quantities}
    for t, k in np.ndindex(T, B):
        c = [(c0[k] if t == 0 else q["c"][t - 1, k])[j] for j in range(n)]

        by_c, by_x = product(layer, "c", [0, 1], c), product(layer, "x", [0, 1], x[t, k])
        for i in range(2 * n):
            g, j = "ur"[i // n], i % n
            z = by_c[i] + by_x[i] + layer.b[i]
            q[f"z_{g}"][t, k, j], q[f"gate_{g}"][t, k, j] = z, sigma(z)
        reset = q["gate_r"][t, k]
        read = c if layer.reset_after else [reset[j] * c[j] for j in range(n)]
        by_c, by_x = product(layer, "c", [2], read), product(layer, "x", [2], x[t, k])
        for i in range(n):
            inner = by_c[i]
            if layer.reset_after:
                q["z_cc"][t, k, i] = by_c[i] + layer.b_cc[i]
                inner = reset[i] * q["z_cc"][t, k, i]
            q["z_c"][t, k, i] = layer.b[2 * n + i] + by_x[i] + inner
            q["cand"][t, k, i] = np.tanh(q["z_c"][t, k, i])
            u = q["gate_u"][t, k, i]
            q["c"][t, k, i] = u * q["cand"][t, k, i] + (1 - u) * c[i]
    return q


@pytest.mark.parametrize("form", FORMS)
def test_the_run_shows_the_equations_written_out_entry_by_entry(form):
    layer = gru(form)
    x, c0, _, _ = random_world(layer, 4, 3)
    expected = by_entries(layer, x, c0)
    for lengths, inside in ((None, np.ones_like(INSIDE)), (LENGTHS, INSIDE)):
        run = layer.forward(x, c0, lengths)
        assert_run_shows_every_quantity(run, expected, inside)
        np.testing.assert_allclose(run.a[inside], expected["c"][inside], rtol=1e-12)
        np.testing.assert_array_equal(run.c_prev[0], c0)
        np.testing.assert_array_equal(run.states[-1], run.final)
    np.testing.assert_array_equal(run.final[2], c0[2])
    for unknown in ("z_q", "a_prev", "gate_f", "q" if layer.reset_after else "z_cc"):
        with pytest.raises(AttributeError, match=f"^Run of GRU has no attribute '{unknown}'"):
            getattr(run, unknown)


def test_the_cells_are_the_layers_own():
    layer = gru("after")
    x, c0, _, dc = random_world(layer, 1, 2)
    c_t, cache = gru_cell_forward(layer, x[0], c0)
    np.testing.assert_allclose(c_t, layer.forward(x, c0).final, rtol=1e-13)
    dx, dc_prev, d = gru_cell_backward(layer, cache, dc)
    grads = layer.backward(layer.forward(x, c0), dc[None])
    for mine, theirs in ((dx, grads.x[0]), (dc_prev, grads.state), (d.layer.W, grads.layer.W), (d.dc, dc)):
        np.testing.assert_allclose(mine, theirs, atol=1e-13)


def test_reset_before_and_after_are_different_cells():
    before = gru("before")
    after = GRU(before.W, before.b, np.zeros(3))
    x, c0, _, _ = random_world(before, 4, 3)
    assert np.abs(before.forward(x, c0).a - after.forward(x, c0).a).max() > 0.1
    assert (before.reset_after, after.reset_after) == (False, True)


def test_reset_before_and_after_are_one_cell_for_a_single_unit_without_inner_bias():
    before = gru("before", n_a=1)
    x, c0, da, dc = random_world(before, 5, 2)
    runs = [(layer, layer.forward(x, c0)) for layer in (before, GRU(before.W, before.b, np.zeros(1)))]
    np.testing.assert_allclose(runs[0][1].a, runs[1][1].a, rtol=1e-13)
    grads = [layer.backward(run, da, dc) for layer, run in runs]
    np.testing.assert_allclose(grads[0].layer.W, grads[1].layer.W, atol=1e-13)
    assert grads[0].layer.b_cc is None
    assert grads[1].layer.b_cc.shape == (1,)


@pytest.mark.parametrize("form", PLAIN)
def test_with_both_gates_open_it_is_a_plain_recurrent_layer(form):
    layer, b = gru(form), np.full(9, 1000.0)
    b[6:] = [0.3, -0.2, 0.1]
    layer = GRU(np.concatenate([np.zeros((6, 5)), layer.W_c]), b, layer.b_cc)
    inner = 0 if layer.b_cc is None else layer.b_cc
    rnn = RNN(layer.W_c, layer.b_c + inner)
    x, c0, da, dc = random_world(layer, 5, 2)
    run, plain = layer.forward(x, c0), rnn.forward(x, c0)
    np.testing.assert_allclose(run.a, plain.a, atol=1e-14)
    mine, theirs = layer.backward(run, da, dc), rnn.backward(plain, da, dc)
    np.testing.assert_allclose(mine.x, theirs.x, atol=1e-13)
    np.testing.assert_allclose(mine.layer.W_c, theirs.layer.W, atol=1e-13)


@pytest.mark.parametrize("form", PLAIN)
def test_with_the_update_gate_shut_the_state_stands_still(form):
    layer = gru(form)
    b = layer.b.copy()
    b[:3] = -1000
    layer = GRU(np.concatenate([np.zeros((3, 5)), layer.W[3:]]), b, layer.b_cc)
    x, c0, da, dc = random_world(layer, 5, 2)
    run = layer.forward(x, c0)
    np.testing.assert_array_equal(run.a, np.broadcast_to(c0, run.a.shape))
    np.testing.assert_allclose(layer.backward(run, da, dc).state, dc + da.sum(axis=0), rtol=1e-13)


@pytest.mark.parametrize("form", PLAIN)
def test_from_gates_takes_the_names_of_the_book(form):
    layer = gru(form)
    names = [f"{kind}_{g}{part}" for g in "rcu" for kind, part in (("W", "c"), ("W", "x"), ("b", ""))]
    named = {name: getattr(layer, name) for name in names} | ({"b_cc": layer.b_cc} if layer.reset_after else {})
    assert GRU.from_gates(**named) == layer
    whole = {f"{kind}_{g}": getattr(layer, f"{kind}_{g}") for kind in "Wb" for g in "cru"}
    assert GRU.from_gates(**whole, b_cc=layer.b_cc) == layer


@pytest.mark.parametrize("reset_after", [False, True])
def test_init_draws_what_it_was_asked_for(reset_after):
    layer = GRU.init(2, 3, np.random.default_rng(0), np.float32, reset_after, zeros, identity)
    for g in "urc":
        np.testing.assert_array_equal(getattr(layer, f"W_{g}c"), np.eye(3))
        assert not getattr(layer, f"W_{g}x").any()
    assert not layer.b.any()
    assert layer.reset_after is reset_after
    if reset_after:
        assert (layer.b_cc.tolist(), layer.b_cc.dtype) == ([0, 0, 0], np.float32)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: GRU(np.ones((9, 5)), np.ones(9), np.ones(2)), ValueError, r"b_cc: expected shape \(n_a,\) = \(3,\)"),
        (lambda: GRU(np.ones((9, 5)), np.ones(9), np.ones(3, np.float32)), TypeError, "b_cc: expected dtype float64"),
        (lambda: GRU(np.ones((9, 5)), np.ones(9), 1.0), TypeError, "b_cc: expected a NumPy array"),
        (lambda: GRU(np.ones((8, 5)), np.ones(8)), ValueError, r"W: expected shape \(3·n_a, n_a \+ n_x\)"),
        (lambda: GRU.init(2, 3, np.random.default_rng(0), reset_after=1), TypeError, "reset_after: expected True or"),
        (lambda: GRU.init(2, 3, 0), TypeError, "rng: expected a numpy.random.Generator"),
    ],
)
def test_options_that_do_not_fit_are_refused(call, error, message):
    with pytest.raises(error, match=f"^{message}"):
        call()


@pytest.mark.parametrize("form", ["before-norm", "after-norm"])
def test_layer_normalisation_forgets_the_size_of_the_weights(form):
    layer = gru(form, n_a=4)
    x, state, _, _ = random_world(layer, 5, 2)
    larger = GRU(1e4 * layer.W, layer.b, layer.b_cc, layer.gain_c, layer.gain_x)
    assert np.abs(larger.forward(x, state).a - layer.forward(x, state).a).max() < 1e-4
    assert layer.layer_norm
    assert layer.forward(x, state).tape == ()  # looped
    for name in ("before", "after"):
        assert not gru(name).layer_norm


def test_layer_normalisation_starts_with_gains_of_one_and_needs_both():
    layer = GRU.init(2, 3, np.random.default_rng(0), np.float32, layer_norm=True)
    for gain in (layer.gain_c, layer.gain_x):
        assert (gain.tolist(), gain.dtype) == ([1] * 9, np.float32)
    for given in ({"gain_c": layer.b}, {"gain_x": layer.b}):
        with pytest.raises(ValueError, match=r"^layer normalisation: expected gain_c, gain_x or none, got gain_"):
            GRU(layer.W, layer.b, **given)
    with pytest.raises(TypeError, match=r"^layer_norm: expected True or False, got str"):
        GRU.init(2, 3, np.random.default_rng(0), layer_norm="yes")
