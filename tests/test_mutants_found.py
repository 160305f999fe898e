"""Tests that mutants asked for: chunks of slopes, dropout, optimisers, clipping, long sequences, forward mode."""

import numpy as np
import pytest

from rnncourse import GRU, LSTM, RNN, Bidirectional, Deep, Dense, tree_map
from rnncourse import _validation as validate
from rnncourse.activations import relu
from rnncourse.chunked import checkpointed_gradients, truncated_gradients
from rnncourse.gradcheck import gradient_errors, numerical_gradient
from rnncourse.layers.fast import tape
from rnncourse.losses import softmax_cross_entropy
from rnncourse.optimizers import SGD, Adam, clip_by_norm, clip_by_value, global_norm
from rnncourse.records import named_leaves
from rnncourse.rtrl import rtrl

LENGTHS = [7, 0, 4, 5]


def drawn(layer, seed=0):
    """The layer with every parameter of order 1, none of them zero or alike."""
    rng = np.random.default_rng(seed)
    return tree_map(lambda p: rng.standard_normal(p.shape), layer)


def upstream(layer, T=7, B=4, seed=1):
    rng = np.random.default_rng(seed)
    start = layer.zero_state(B)
    state, dfinal = (tree_map(lambda s: rng.standard_normal(s.shape), start) for _ in range(2))
    return rng.standard_normal((T, B, layer.n_x)), state, rng.standard_normal((T, B, layer.n_out)), dfinal


def options(layer):
    return [getattr(layer, name, None) for name in ("activation", "coupled", "reset_after", "blocks")]


def assert_close(mine, other, tol=1e-12):
    mine, other = dict(named_leaves(mine)), dict(named_leaves(other))
    assert mine.keys() == other.keys()
    for path, array in other.items():
        np.testing.assert_allclose(mine[path], array, rtol=0, atol=tol * max(1.0, np.abs(array).max()), err_msg=path)


RNG = np.random.default_rng(5)
LAYERS = {
    "rnn": drawn(RNN.init(3, 2, RNG)),
    "rnn-sigmoid": drawn(RNN.init(3, 2, RNG, activation="sigmoid")),
    "gru": drawn(GRU.init(3, 2, RNG)),
    "gru-reset-after": drawn(GRU.init(3, 2, RNG, reset_after=True)),
    "lstm": drawn(LSTM.init(3, 2, RNG)),
    "lstm-peepholes": drawn(LSTM.init(3, 2, RNG, peepholes=True)),
    "lstm-coupled": drawn(LSTM.init(3, 2, RNG, coupled=True)),
}


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "padded"])
@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("name", LAYERS)
def test_the_size_of_a_chunk_of_slopes_changes_no_gradient(monkeypatch, name, steps, lengths):
    layer = LAYERS[name]
    x, state, da, dfinal = upstream(layer)
    run = layer.forward(x, state, lengths)
    whole = layer.backward(run, da, dfinal)
    sizes = []

    def small(T, bytes_a_step):
        assert isinstance(bytes_a_step, int)
        sizes.append(min(T, steps))
        return sizes[-1]

    for module in ("rnn", "gru", "lstm"):
        monkeypatch.setattr(f"rnncourse.layers.fast.{module}.chunk_steps", small)
    assert_close(layer.backward(run, da, dfinal), whole, 1e-14)
    assert sizes == [steps]


@pytest.mark.parametrize(
    ("steps", "each", "size"),
    [(10, 1 << 17, 4), (3, 1 << 17, 3), (9, 1 << 30, 1), (0, 8, 1), (5, 0, 5), (1 << 19, 1, 1 << 19)],
)
def test_chunks_fit_the_cache_and_have_a_step_at_least(steps, each, size):
    assert tape.chunk_steps(steps, each) == size


@pytest.mark.parametrize("which", ["W", "x", "state"])
@pytest.mark.parametrize("name", LAYERS)
def test_a_complex_step_goes_through_step(name, which):
    """One argument of step is complex: its derivative is that of a sequence of one step."""
    layer = LAYERS[name]
    x, state, _, _ = upstream(layer, T=1)

    def nudge(p):
        return p + 1e-30j * np.cos(np.arange(p.size)).reshape(p.shape)

    given = {"W": layer, "x": x, "state": state}
    given[which] = tree_map(nudge, given[which])
    a, new = given["W"].step(given["x"][0], given["state"])
    run = given["W"].forward(given["x"], given["state"])
    assert np.abs(a.imag).max() > 1e-32
    for mine, other in zip(named_leaves((a, new)), named_leaves((run.a[0], run.final)), strict=True):
        np.testing.assert_allclose(mine[1].real, other[1].real, rtol=0, atol=1e-14)
        np.testing.assert_allclose(mine[1].imag / 1e-30, other[1].imag / 1e-30, rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", LAYERS)
def test_a_plain_step_goes_without_the_full_checks(monkeypatch, name):
    """They would take most of its time; where anything is unusual, they are made."""
    layer = LAYERS[name]
    x, state, _, _ = upstream(layer, T=1)
    expected = layer.step(x[0], state)
    asked = []

    def noted(name, value, *args, check=validate.numbers, **options):
        asked.append(name)
        return check(name, value, *args, **options)

    monkeypatch.setattr(validate, "numbers", noted)
    assert_close(layer.step(x[0], state), expected, 0)
    assert asked == []
    layer.step(x[0])
    assert asked[0] == "x_t"


@pytest.mark.parametrize("name", LAYERS)
def test_the_methods_of_a_layer_are_the_functions_of_its_cell(name):
    """cell_forward and cell_backward: one step, as a sequence of one step has it."""
    layer = LAYERS[name]
    x, state, da, dfinal = upstream(layer, T=1)
    seen = {}

    def note(name, value):
        seen[name] = value
        return value

    new, cache = layer.cell_forward(x[0], state, note)
    assert sorted(seen) == sorted(layer.quantities)
    named = {field: value for field, value in cache._asdict().items() if field.removesuffix("_t") in seen}
    assert {field: value.tobytes() for field, value in named.items()} == {
        field: seen[field.removesuffix("_t")].tobytes() for field in named
    }
    assert_close(new, layer.forward(x, state).final, 1e-14)
    arriving = (da[0] + dfinal[0], dfinal[1]) if isinstance(dfinal, tuple) else da[0] + dfinal
    dx, dstate, d = layer.cell_backward(cache, arriving)
    grads = layer.backward(layer.forward(x, state), da, dfinal)
    assert_close((dx, dstate, d.layer), (grads.x[0], grads.state, grads.layer), 1e-13)
    assert options(d.layer) == options(layer)


def test_relu_at_its_kink_is_flat_for_the_complex_step_too():
    assert relu(np.array([1e-30j, -0.0 + 1e-30j])).tolist() == [0, 0]


@pytest.mark.parametrize("sizes", [(2, 5), (5, 2)])
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "padded"])
def test_bidirectional_layers_of_different_sizes(sizes, lengths):
    rng = np.random.default_rng(0)
    layer = Bidirectional(drawn(GRU.init(3, sizes[0], rng)), drawn(LSTM.init(3, sizes[1], rng), 1))
    x, state, da, dfinal = upstream(layer)
    errors = gradient_errors(layer, x, state, da, dfinal, lengths)
    assert max(errors.values()) <= 1e-12, errors


def network(dropout):
    rng = np.random.default_rng(0)
    layers = RNN.init(3, 4, rng), LSTM.init(4, 5, rng), GRU.init(5, 2, rng), Dense.init(2, 3, rng)
    return Deep(tuple(drawn(layer, k) for k, layer in enumerate(layers)), dropout)


class Held:
    """A Deep that draws the same dropout masks each time, as a gradient check needs it."""

    def __init__(self, net, lengths):
        self.net, self.lengths = net, lengths

    def loss(self, x, da):
        return (self.net.forward(x, lengths=self.lengths, rng=np.random.default_rng(8)).a * da).sum()


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "padded"])
def test_gradients_with_dropout_agree_with_their_measurement(lengths):
    net = network(0.4)
    x, _, da, _ = upstream(net)
    run = net.forward(x, lengths=lengths, rng=np.random.default_rng(8))
    grads = net.backward(run, da)
    measured = numerical_gradient(lambda v: Held(net, lengths).loss(v, da), x)
    np.testing.assert_allclose(grads.x, measured, atol=1e-12)
    bottom = net.layers[0]

    def by_weights(W):
        changed = Deep((RNN(W, bottom.b.astype(W.dtype)), *tree_map(lambda p: p.astype(W.dtype), net.layers[1:])), 0.4)
        return Held(changed, lengths).loss(x, da)

    measured = numerical_gradient(by_weights, np.array(bottom.W))
    np.testing.assert_allclose(grads.layer.layers[0].W, measured, atol=1e-11)


def test_dropout_drops_a_share_p_between_layers_and_keeps_the_mean():
    rng = np.random.default_rng(0)
    eye, zero = np.eye(50), np.zeros(50)
    net = Deep((Dense(eye, zero), Dense(eye, zero), Dense(eye, zero)), dropout=0.2)
    run = net.forward(np.ones((40, 30, 50)), rng=rng)
    assert len(run.masks) == 2
    for mask in run.masks:
        assert sorted(set(mask.ravel().tolist())) == [0.0, 1.25]
        assert abs((mask == 0).mean() - 0.2) < 0.01
    assert not np.array_equal(*run.masks)
    np.testing.assert_array_equal(run.x, 1)
    np.testing.assert_array_equal(run.layers[1].x, run.masks[0])
    np.testing.assert_array_equal(run.a, run.masks[0] * run.masks[1])
    da = rng.standard_normal(run.a.shape)
    np.testing.assert_allclose(net.backward(run, da).x, da * run.masks[0] * run.masks[1], atol=1e-15)


def test_dropout_is_off_without_a_generator_and_at_zero():
    net, plain = network(0.4), network(0.0)
    x = upstream(net)[0]
    np.testing.assert_array_equal(net.forward(x).a, plain.forward(x).a)
    assert net.forward(x).masks == ()
    assert plain.forward(x, rng=np.random.default_rng(0)).masks == ()


def test_dropout_lets_no_nan_through_where_it_drops():
    net = Deep((Dense(np.eye(1), np.zeros(1)),) * 2, dropout=0.5)  # one unit: NaN cannot spread within a step
    x = np.full((6, 5, 1), np.nan)
    run = net.forward(x, rng=np.random.default_rng(0))
    dropped = run.masks[0] == 0
    assert (run.layers[1].x[dropped] == 0).all()
    assert (net.backward(run, x).x[dropped] == 0).all()


def test_the_forget_bias_stands_on_the_forget_gate_alone():
    for coupled in (False, True):
        layer = LSTM.init(3, 4, np.random.default_rng(0), forget_bias=2.5, coupled=coupled)
        for block in layer.blocks:
            np.testing.assert_array_equal(getattr(layer, f"b_{block}"), 2.5 if block == "f" else 0.0)


# optimisers: the formulas once more, entry by entry, over several steps


def test_adam_is_the_published_algorithm_over_several_steps():
    rng = np.random.default_rng(0)
    w = rng.standard_normal((2, 3))
    tree, optimizer = {"w": w, "b": (w[0],)}, Adam(0.05, beta1=0.8, beta2=0.95, eps=1e-3)
    state = optimizer.init(tree)
    m = v = 0.0
    for n in range(1, 6):
        g = rng.standard_normal((2, 3))
        m, v = 0.8 * m + 0.2 * g, 0.95 * v + 0.05 * g**2
        w = w - 0.05 * (m / (1 - 0.8**n)) / (np.sqrt(v / (1 - 0.95**n)) + 1e-3)
        tree, state = optimizer.update(tree, {"w": g, "b": (g[0],)}, state)
        np.testing.assert_allclose(tree["w"], w, rtol=1e-13)
        np.testing.assert_allclose(tree["b"][0], w[0], rtol=1e-13)
        assert state.steps == n


def test_momentum_is_the_formula_over_several_steps():
    rng = np.random.default_rng(0)
    w, v, optimizer = rng.standard_normal(3), np.zeros(3), SGD(0.1, momentum=0.7)
    tree, state = w, optimizer.init(w)
    for _ in range(4):
        g = rng.standard_normal(3)
        v = 0.7 * v + g
        w = w - 0.1 * v
        tree, state = optimizer.update(tree, g, state)
        np.testing.assert_allclose(tree, w, rtol=1e-14)
        np.testing.assert_allclose(state, v, rtol=1e-14)


def test_clip_by_norm_shrinks_long_gradients_to_the_norm_and_leaves_short_ones_alone():
    tree = {"W": np.array([[3.0, 0.0]]), "b": (np.array([-4.0]),)}
    assert global_norm(tree) == 5
    short, norm = clip_by_norm(tree, 5.0)
    assert short is tree
    assert norm == 5
    clipped, norm = clip_by_norm(tree, 2.0)
    assert norm == 5
    np.testing.assert_allclose(clipped["W"], [[1.2, 0]], rtol=1e-15)
    np.testing.assert_allclose(clipped["b"][0], [-1.6], rtol=1e-15)
    assert global_norm(clip_by_norm({"W": np.full(4, 1e300)}, 1.0)[0]) == pytest.approx(1)
    assert clip_by_value(np.array([-3.0, 0.5, 2.0]), 1.0).tolist() == [-1, 0.5, 1]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_clip_refuses_what_has_no_direction(bad):
    with pytest.raises(FloatingPointError, match=r"^grads\.b: expected finite numbers, got (nan|inf) at \(1, 0\)"):
        clip_by_norm({"W": np.ones(2), "b": np.array([[1.0], [bad]])}, 1.0)


# long sequences

NETS = {"lstm": LAYERS["lstm"], "gru": LAYERS["gru"], "deep": network(0.0)}


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "padded"])
@pytest.mark.parametrize("every", [None, 1, 2, 3, 7, 9])
@pytest.mark.parametrize("name", NETS)
def test_checkpointed_gradients_are_exact(name, every, lengths):
    net = NETS[name]
    x, state, da, dfinal = upstream(net)
    run = net.forward(x, state, lengths)
    whole = net.backward(run, da, dfinal)
    assert_close(checkpointed_gradients(net, x, da, state, dfinal, lengths, every), whole)
    seen = []

    def part(lo, hi, a):
        seen.append((lo, hi))
        np.testing.assert_allclose(a, run.a[lo:hi], atol=1e-13)
        return da[lo:hi]

    assert_close(checkpointed_gradients(net, x, part, state, dfinal, lengths, every), whole)
    size = every or 2
    assert sorted(seen) == [(lo, min(lo + size, 7)) for lo in range(0, 7, size)]
    zero = checkpointed_gradients(net, x, da, every=every)
    assert_close(zero, net.backward(net.forward(x), da))


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "padded"])
@pytest.mark.parametrize("every", [1, 3, 7])
def test_truncated_gradients_are_the_sum_over_chunks_of_their_own(every, lengths):
    net = LAYERS["lstm"]
    x, state, da, _ = upstream(net)
    found = truncated_gradients(net, x, da, every, state, lengths)
    start, total, first = state, tree_map(np.zeros_like, net), None
    for lo in range(0, 7, every):
        inside = None if lengths is None else [min(max(n - lo, 0), len(x[lo : lo + every])) for n in lengths]
        run = net.forward(x[lo : lo + every], start, inside)
        g = net.backward(run, da[lo : lo + every])
        np.testing.assert_allclose(found.x[lo : lo + every], g.x, atol=1e-13)
        total, start, first = tree_map(np.add, total, g.layer), run.final, first or g
    assert_close(found.layer, total)
    assert_close(found.state, first.state)
    exact = net.backward(net.forward(x, state, lengths), da)
    assert (np.abs(found.layer.W - exact.layer.W).max() > 1e-3) == (every < 7)


def test_truncated_and_checkpointed_take_an_empty_sequence():
    net = LAYERS["lstm"]
    x, state, da, dfinal = upstream(net, T=0)
    assert_close(checkpointed_gradients(net, x, da, state, dfinal).state, dfinal, 0)
    assert_close(truncated_gradients(net, x, da, 3, state).layer, tree_map(np.zeros_like, net), 0)


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "padded"])
@pytest.mark.parametrize("name", ["rnn", "rnn-sigmoid"])
def test_rtrl_equals_backpropagation_through_time(name, lengths):
    layer = LAYERS[name]
    x, state, da, _ = upstream(layer)
    exact = layer.backward(layer.forward(x, state, lengths), da).layer
    found = rtrl(layer, x, da, state, lengths)
    assert found.activation == layer.activation
    assert_close(found, exact, 1e-13)
    assert_close(rtrl(layer, x, da), layer.backward(layer.forward(x), da).layer, 1e-13)


# losses


@pytest.mark.parametrize("bad", [-1, 4, 9])
def test_the_class_that_is_out_of_range_is_named(bad):
    with pytest.raises(ValueError, match=f"got {bad}$"):
        softmax_cross_entropy(np.zeros((4, 4)), np.array([0, 1, bad, 0]))


def test_classes_go_with_float32_logits():
    z = np.arange(6, dtype=np.float32).reshape(2, 3)
    value, dz = softmax_cross_entropy(z, np.array([2, 0]))
    wide = softmax_cross_entropy(z.astype(np.float64), np.array([2, 0]))
    assert value.dtype == dz.dtype == np.float32
    np.testing.assert_allclose(value, wide.value, rtol=1e-6)
    np.testing.assert_allclose(dz, wide.dz, atol=1e-6)


# the record of a run


@pytest.mark.parametrize("name", LAYERS)
def test_previous_states_begin_with_the_start_and_leave_out_the_last(name):
    layer = LAYERS[name]
    x, state, _, _ = upstream(layer)
    run = layer.forward(x, state, LENGTHS)
    letters = layer.state_letters
    for letter, start, whole in zip(letters, run.layer._unpack("state", state, 4), run.parts, strict=True):
        before = getattr(run, f"{letter}_prev")
        assert before.shape == (7, 4, 2)
        np.testing.assert_array_equal(before[0], start)
        np.testing.assert_array_equal(before[1:], whole[1:-1])


# norms at the edges of what floats can hold


@pytest.mark.parametrize(
    ("tree", "norm"),
    [
        ((), 0.0),
        (np.zeros((0, 3)), 0.0),
        ([np.zeros(2), np.zeros(0)], 0.0),
        (np.full(4, 0.5), 1.0),
        (np.full(4, 5e-301), 1e-300),
        (np.full(4, 5e299), 1e300),
        (np.full(4, 1e38, np.float32), float(np.float32(1e38)) * 2),
        (np.array([3, -4], np.int8), 5.0),
        (np.array([100, 100], np.int8), 2**0.5 * 100),
        ([np.array([1.0]), np.array([-np.inf])], np.inf),
        ([np.array([np.nan]), np.array([1.0])], np.nan),
        ([np.array([np.nan]), np.array([np.inf])], np.nan),
    ],
)
def test_global_norm_at_the_edges(tree, norm):
    assert global_norm(tree) == pytest.approx(norm, rel=1e-12, nan_ok=True)


def test_clip_keeps_float32_and_a_norm_beyond_it():
    g = np.full(16, 3e38, np.float32)
    clipped, norm = clip_by_norm(g, 2.0)
    assert clipped.dtype == np.float32
    assert norm == pytest.approx(12e38)
    np.testing.assert_allclose(clipped, 0.5, rtol=1e-6)
    # intermediate values in float64: the last bit is that of the rounded exact quotient
    odd = np.array([1.1, -0.7, 0.3], np.float32)
    exact = (odd.astype(np.float64) / np.sqrt((odd.astype(np.float64) ** 2).sum())).astype(np.float32)
    np.testing.assert_array_equal(clip_by_norm(odd, 1.0)[0], exact)


def test_clip_by_value_cuts_infinities_and_refuses_nan():
    cut = clip_by_value({"W": np.array([-np.inf, np.inf, 0.5])}, 1.0)["W"]
    assert cut.tolist() == [-1, 1, 0.5]
    narrow = clip_by_value(np.array([np.inf, 1.0], np.float32), 1e300)
    assert narrow.dtype == np.float32
    assert narrow[0] == np.finfo(np.float32).max
    with pytest.raises(FloatingPointError, match=r"^grads\.W: expected .* got nan at \(1,\)"):
        clip_by_value({"W": np.array([np.inf, np.nan])}, 1.0)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("bad", [np.nan, np.inf, 1.7e308])
@pytest.mark.parametrize("name", LAYERS)
def test_the_final_gradient_of_an_example_without_steps_reaches_nothing_but_its_start(name, bad):
    """A choice, not a product with zero: where no step was taken, even NaN stays out of dx and the parameters."""
    layer = LAYERS[name]
    x, state, da, dfinal = upstream(layer)

    def spoil(d):
        d = d.copy()
        d[LENGTHS.index(0)] = bad
        return d

    run = layer.forward(x, state, LENGTHS)
    clean, spoilt = layer.backward(run, da, dfinal), layer.backward(run, da, tree_map(spoil, dfinal))
    assert spoilt.x.tobytes() == clean.x.tobytes()
    assert spoilt.layer == clean.layer
    tree_map(lambda d: np.testing.assert_array_equal(d[LENGTHS.index(0)], bad), spoilt.state)


def test_rtrl_keeps_float32():
    rng = np.random.default_rng(0)
    layer = RNN.init(3, 2, rng, dtype=np.float32)
    x, da = rng.standard_normal((5, 4, 3)).astype(np.float32), rng.standard_normal((5, 4, 2)).astype(np.float32)
    found, exact = rtrl(layer, x, da), layer.backward(layer.forward(x), da).layer
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.W, exact.W, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", [*LAYERS, "dense"])
def test_gradients_keep_the_options_of_their_layer(name):
    layer = LAYERS.get(name) or Dense(np.ones((2, 3)), np.zeros(2), "relu")
    x, _, da, _ = upstream(layer)
    grads = layer.backward(layer.forward(x), da).layer
    assert options(grads) == options(layer)
    assert Dense.init(2, 3, np.random.default_rng(0)).activation == "identity"


@pytest.mark.parametrize("name", LAYERS)
def test_every_named_quantity_is_that_of_the_cells_and_zero_in_the_padding(name):
    layer = LAYERS[name]
    x, state, _, _ = upstream(layer)
    run = layer.forward(x, state, LENGTHS)
    inside = np.arange(7)[:, None] < LENGTHS
    for t in range(7):
        named = {}

        def note(quantity, value, named=named):
            named[quantity] = value
            return value

        state = layer.cell_forward(x[t], run.layer._pack([part[t] for part in run.parts]), note)[0]
        assert sorted(named) == sorted(run.quantities)
        for quantity, value in named.items():
            found = getattr(run, quantity)[t]
            np.testing.assert_allclose(found[inside[t]], value[inside[t]], rtol=0, atol=1e-14, err_msg=quantity)
            assert (found[~inside[t]] == 0).all(), quantity
    assert not hasattr(run, "q_prev")
    assert not hasattr(run, "z_q")
