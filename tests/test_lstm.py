"""The LSTM beyond the contract: its equations with every option, its run, its cell for study."""

import numpy as np
import pytest
from cell_checks import (
    assert_run_shows_every_quantity,
    assert_trees_close,
    random_layer,
    random_world,
)

from rnncourse import LSTM, Gradients, lstm_cell_backward, lstm_cell_forward
from rnncourse.initializers import identity, zeros

OPTIONS = {
    "plain": {},
    "peepholes": {"peepholes": True},
    "coupled": {"coupled": True},
    "both": {"peepholes": True, "coupled": True},
    "layer-norm": {"layer_norm": True},
    "all": {"peepholes": True, "coupled": True, "layer_norm": True},
}
LENGTHS = [4, 2, 0]
INSIDE = np.arange(4)[:, None] < np.array(LENGTHS)


def lstm(option, n_x=2, n_a=3, seed=0):
    return random_layer(LSTM.init(n_x, n_a, np.random.default_rng(0), **OPTIONS[option]), seed)


def sigma(z):
    return 1 / (1 + np.exp(-z))


def normal(v):
    mean = sum(v) / len(v)
    return [(u - mean) / np.sqrt(sum((w - mean) ** 2 for w in v) / len(v) + 1e-5) for u in v]


def by_entries(layer, x, state):
    """Every quantity of every step, entry by entry, from the arrays of the layer alone."""
    (T, B, n_x), n = x.shape, layer.n_a
    blocks = "foc" if layer.coupled else "fuoc"
    q = {name: np.zeros((T, B, n)) for name in layer.quantities}
    for t, k in np.ndindex(T, B):
        a, c = (state[0][k], state[1][k]) if t == 0 else (q["a"][t - 1, k], q["c"][t - 1, k])
        rows = range(len(layer.b))
        by_a = [sum(layer.W[r, j] * a[j] for j in range(n)) for r in rows]
        by_x = [sum(layer.W[r, n + j] * x[t, k, j] for j in range(n_x)) for r in rows]
        if layer.layer_norm:
            by_a, by_x = layer.gain_a * normal(by_a), layer.gain_x * normal(by_x)
        for i in range(n):
            z = {name: layer.b[j * n + i] + by_a[j * n + i] + by_x[j * n + i] for j, name in enumerate(blocks)}
            if layer.p_f is not None:
                z["f"] += layer.p_f[i] * c[i]
            if layer.p_u is not None:
                z["u"] += layer.p_u[i] * c[i]
            f, cand = sigma(z["f"]), np.tanh(z["c"])
            u = 1 - f if layer.coupled else sigma(z["u"])
            new = u * cand + f * c[i]
            if layer.p_o is not None:
                z["o"] += layer.p_o[i] * new
            o = sigma(z["o"])
            found = {"gate_f": f, "gate_u": u, "gate_o": o, "cand": cand, "c": new, "a": o * np.tanh(new)}
            for name, value in (found | {f"z_{g}": z[g] for g in blocks}).items():
                q[name][t, k, i] = value
        if layer.layer_norm:
            q["norm_c"][t, k] = layer.gain_c * normal(q["c"][t, k]) + layer.bias_c
            q["a"][t, k] = q["gate_o"][t, k] * np.tanh(q["norm_c"][t, k])
    return q


@pytest.mark.parametrize("option", OPTIONS)
def test_the_run_shows_the_equations_written_out_entry_by_entry(option):
    layer = lstm(option)
    x, state, _, _ = random_world(layer, 4, 3)
    expected = by_entries(layer, x, state)
    for lengths, inside in ((None, np.ones_like(INSIDE)), (LENGTHS, INSIDE)):
        run = layer.forward(x, state, lengths)
        assert_run_shows_every_quantity(run, expected, inside)
        np.testing.assert_allclose(run.a[inside], expected["a"][inside], rtol=1e-12)
        np.testing.assert_array_equal(run.a_prev[0], state[0])
        np.testing.assert_array_equal(run.c_prev[0], state[1])
        np.testing.assert_array_equal(run.states[1][-1], run.final[1])
    for k in range(2):
        np.testing.assert_array_equal(run.final[k][2], state[k][2])


def test_the_cells_are_the_layers_own():
    layer = lstm("both")
    x, state, da, dstate = random_world(layer, 1, 2)
    new, cache = lstm_cell_forward(layer, x[0], state)
    run = layer.forward(x, state)
    assert_trees_close(new, run.final, 1e-13)
    dx, before, d = lstm_cell_backward(layer, cache, (da[0] + dstate[0], dstate[1]))
    assert_trees_close(Gradients(dx[None], before, d.layer), layer.backward(run, da, dstate), 1e-13)


def test_layer_normalisation_forgets_the_size_of_the_weights():
    """N(s v) = N(v) but for ε: what makes it robust, and what no other option gives."""
    layer = lstm("layer-norm", n_a=4)
    x, state, _, _ = random_world(layer, 5, 2)
    larger = LSTM.from_gates(
        **{f"W_{g}{p}": 1e4 * getattr(layer, f"W_{g}{p}") for g in "fuoc" for p in "ax"},
        **{name: getattr(layer, name) for name in ("b_f", "b_u", "b_o", "b_c", "gain_a", "gain_x", "gain_c", "bias_c")},
    )
    assert np.abs(larger.forward(x, state).a - layer.forward(x, state).a).max() < 1e-4
    assert layer.layer_norm
    assert not lstm("plain").layer_norm
    assert layer.forward(x, state).tape == ()  # looped


def test_peepholes_of_zero_make_the_plain_lstm():
    for peepless in (lstm("plain"), lstm("coupled")):
        zero = np.zeros(3)
        peeping = LSTM(peepless.W, peepless.b, zero, None if peepless.coupled else zero, zero, peepless.coupled)
        x, state, da, dfinal = random_world(peepless, 5, 2)
        runs = peepless.forward(x, state), peeping.forward(x, state)
        assert_trees_close(runs[1].a, runs[0].a, 1e-14)
        plain, with_holes = peepless.backward(runs[0], da, dfinal), peeping.backward(runs[1], da, dfinal)
        assert_trees_close((with_holes.x, with_holes.layer.W), (plain.x, plain.layer.W), 1e-13)
        assert plain.layer.p_f is None
        assert np.abs(with_holes.layer.p_f).min() > 1e-3


def test_peepholes_that_are_not_zero_matter():
    layer = lstm("peepholes")
    x, state, _, _ = random_world(layer, 5, 2)
    plain = LSTM(layer.W, layer.b)
    assert np.abs(layer.forward(x, state).a - plain.forward(x, state).a).max() > 0.1


@pytest.mark.parametrize("option", ["coupled", "both"])
def test_coupled_gates_are_the_plain_lstm_with_the_negated_update_gate(option):
    """Γ_u = 1 - Γ_f = σ(-z_f)."""
    layer = lstm(option)
    names = {f"{kind}_{g}": getattr(layer, f"{kind}_{g}") for kind in "Wb" for g in "foc"}
    p = {"p_f": layer.p_f, "p_u": -layer.p_f, "p_o": layer.p_o} if option == "both" else {}
    plain = LSTM.from_gates(**names, W_u=-layer.W_f, b_u=-layer.b_f, **p)
    x, state, da, dfinal = random_world(layer, 5, 3)
    run, other = layer.forward(x, state, [5, 0, 2]), plain.forward(x, state, [5, 0, 2])
    assert_trees_close((run.a, run.final, run.gate_u), (other.a, other.final, other.gate_u), 1e-13)
    mine, theirs = layer.backward(run, da, dfinal), plain.backward(other, da, dfinal)
    assert_trees_close((mine.x, mine.state), (theirs.x, theirs.state), 1e-12)
    np.testing.assert_allclose(mine.layer.W_f, theirs.layer.W_f - theirs.layer.W_u, atol=1e-12)
    np.testing.assert_allclose(mine.layer.b_f, theirs.layer.b_f - theirs.layer.b_u, atol=1e-12)
    if option == "both":
        np.testing.assert_allclose(mine.layer.p_f, theirs.layer.p_f - theirs.layer.p_u, atol=1e-12)
    assert mine.layer.coupled is True


def test_coupled_layers_have_no_update_block():
    layer = lstm("coupled")
    assert layer.blocks == ("f", "o", "c")
    assert layer.W.shape == (9, 5)
    for name in ("W_u", "W_ua", "b_u"):
        with pytest.raises(AttributeError, match=name):
            getattr(layer, name)


def test_with_the_forget_gate_open_and_the_others_shut_the_cell_remembers():
    b = np.repeat([1000.0, -1000.0, 1000.0, 0.0], 3)
    layer = LSTM(np.zeros((12, 5)), b)
    x, state, da, dfinal = random_world(layer, 50, 2)
    run = layer.forward(x, state)
    np.testing.assert_array_equal(run.final[1], state[1])
    np.testing.assert_allclose(run.a, np.broadcast_to(np.tanh(state[1]), run.a.shape), rtol=1e-15)
    through_a = ((1 - np.tanh(state[1]) ** 2) * (da.sum(axis=0) + dfinal[0])) + dfinal[1]
    np.testing.assert_allclose(layer.backward(run, da, dfinal).state[1], through_a, rtol=1e-12)


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("flag", [bool, np.bool_])
def test_from_gates_takes_the_names_of_the_book(option, flag):
    layer = lstm(option)
    gates = [g for g in "cofu" if g in layer.blocks]
    names = [f"{kind}_{g}{part}" for g in gates for kind, part in (("W", "a"), ("W", "x"), ("b", ""))]
    more = ("p_f", "p_u", "p_o", "gain_a", "gain_x", "gain_c", "bias_c")
    named = {name: getattr(layer, name) for name in (*names, *more)}
    assert LSTM.from_gates(**named, coupled=flag(layer.coupled)) == layer
    whole = {f"{kind}_{g}": getattr(layer, f"{kind}_{g}") for kind in "Wb" for g in gates}
    if option == "plain":
        assert LSTM.from_gates(**whole) == layer


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("forget_bias", [1.0, 0, -2.5, np.float32(0.5)])
def test_init_draws_what_it_was_asked_for(option, forget_bias):
    layer = LSTM.init(
        2, 3, np.random.default_rng(0), np.float32, **OPTIONS[option], forget_bias=forget_bias,
        input_init=zeros, recurrent_init=identity,
    )  # fmt: skip
    for g in layer.blocks:
        np.testing.assert_array_equal(getattr(layer, f"W_{g}a"), np.eye(3))
        assert not getattr(layer, f"W_{g}x").any()
        assert getattr(layer, f"b_{g}").tolist() == [forget_bias if g == "f" else 0] * 3
    assert layer.coupled is OPTIONS[option].get("coupled", False)
    peeps = [layer.p_f, layer.p_u, layer.p_o]
    there = [OPTIONS[option].get("peepholes", False)] * 3
    there[1] = there[1] and not layer.coupled
    assert [p is not None for p in peeps] == there
    assert all((p == 0).all() and p.dtype == np.float32 for p in peeps if p is not None)
    norms = [layer.gain_a, layer.gain_x, layer.gain_c, layer.bias_c]
    assert [p is not None for p in norms] == [OPTIONS[option].get("layer_norm", False)] * 4
    if layer.layer_norm:
        assert [p.tolist() for p in norms] == [[1] * len(layer.b)] * 2 + [[1] * 3, [0] * 3]
        assert {p.dtype for p in norms} == {np.dtype(np.float32)}


def test_init_opens_the_forget_gate_unless_told_otherwise():
    assert LSTM.init(2, 3, np.random.default_rng(0)).b_f.tolist() == [1, 1, 1]


W4, W3, B4, B3, P = np.ones((12, 5)), np.ones((9, 5)), np.ones(12), np.ones(9), np.ones(3)
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: LSTM(W4, B4, P), ValueError, "peepholes: expected p_f, p_u, p_o or none, got p_f$"),
        (lambda: LSTM(W4, B4, P, None, P), ValueError, "peepholes: expected p_f, p_u, p_o or none, got p_f, p_o$"),
        (lambda: LSTM(W4, B4, None, P, None), ValueError, "peepholes: expected p_f, p_u, p_o or none, got p_u$"),
        (lambda: LSTM(W3, B3, P, P, P, True), ValueError, "peepholes: expected p_f, p_o or none, got p_f, p_u, p_o$"),
        (lambda: LSTM(W3, B3, None, None, P, True), ValueError, "peepholes: expected p_f, p_o or none, got p_o$"),
        (lambda: LSTM(W4, B4, P, P[:2], P), ValueError, r"p_u: expected shape \(n_a,\) = \(3,\), got \(2,\)"),
        (lambda: LSTM(W4, B4, P, P, 1.0), TypeError, "p_o: expected a NumPy array, got float"),
        (lambda: LSTM(W4, B4, P, P, P.astype(np.float32)), TypeError, "p_o: expected dtype float64, as W has"),
        (
            lambda: LSTM(W4, B4, gain_a=B4),
            ValueError,
            "layer normalisation: expected gain_a, gain_x, gain_c, bias_c or",
        ),
        (lambda: LSTM(W4, B4, gain_a=B4, gain_x=B3, gain_c=P, bias_c=P), ValueError, r"gain_x: .* \(12,\), got \(9,\)"),
        (lambda: LSTM.init(2, 3, RNG, layer_norm=1), TypeError, "layer_norm: expected True or False, got int 1"),
        (lambda: LSTM(W4, B4, coupled=1), TypeError, "coupled: expected True or False, got int 1"),
        (lambda: LSTM(W4[:10], B4[:10]), ValueError, r"W: expected shape \(4·n_a, n_a \+ n_x\)"),
        (lambda: LSTM(W4[:10], B4[:10], coupled=True), ValueError, r"W: expected shape \(3·n_a, n_a \+ n_x\)"),
        (lambda: LSTM.init(2, 3, RNG, peepholes="yes"), TypeError, "peepholes: expected True or False, got str"),
        (lambda: LSTM.init(2, 3, RNG, coupled=None), TypeError, "coupled: expected True or False, got None"),
        (lambda: LSTM.init(2, 3, RNG, forget_bias=np.nan), ValueError, "forget_bias: expected a finite number, got"),
        (lambda: LSTM.init(2, 3, RNG, forget_bias="1"), TypeError, "forget_bias: expected a finite number, got str"),
        (lambda: LSTM.init(2, 3, RNG, forget_bias=True), TypeError, "forget_bias: expected a finite number, got bool"),
    ],
)
def test_options_that_do_not_fit_are_refused(call, error, message):
    with pytest.raises(error, match=f"^{message}"):
        call()


def test_the_forget_bias_stands_on_the_forget_gate_alone():
    for coupled in (False, True):
        layer = LSTM.init(3, 4, np.random.default_rng(0), forget_bias=2.5, coupled=coupled)
        for block in layer.blocks:
            np.testing.assert_array_equal(getattr(layer, f"b_{block}"), 2.5 if block == "f" else 0.0)


def test_an_underflow_in_the_cell_is_no_error_even_where_the_user_raises_them():
    layer = LSTM.init(2, 3, np.random.default_rng(0))
    tiny = np.full((1, 3), 2 * np.finfo(float).tiny)
    with np.errstate(under="raise"):
        _, cache = lstm_cell_forward(layer, tiny[:, :2], (tiny, tiny))
        lstm_cell_backward(layer, cache, (tiny, tiny))
