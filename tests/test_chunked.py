"""Long sequences in chunks: exact with checkpoints, truncated as a loop by hand would be, in little memory."""

import tracemalloc

import numpy as np
import pytest
from cell_checks import assert_trees_close, random_layer, random_world

from rnncourse import GRU, LSTM, RNN, Bidirectional, Deep, Dense, Embedding, tree_map
from rnncourse.chunked import checkpointed_gradients, truncated_gradients
from rnncourse.layers.use_gate import UseGateCell
from rnncourse.losses import squared_error
from rnncourse.records import named_leaves

RNG = np.random.default_rng(0)
LAYERS = {
    "rnn": RNN.init(2, 3, RNG),
    "gru": GRU.init(2, 3, RNG),
    "gru-after": GRU.init(2, 3, RNG, reset_after=True),
    "lstm": LSTM.init(2, 3, RNG),
    "lstm-options": LSTM.init(2, 3, RNG, peepholes=True, coupled=True),
    "use-gate": UseGateCell.init(2, 3, RNG),
    "dense": Dense.init(2, 3, RNG),
    "deep": Deep((LSTM.init(2, 4, RNG), GRU.init(4, 3, RNG), Dense.init(3, 2, RNG))),
    "embedding": Embedding.init(5, 3, RNG),
    "language model": Deep((Embedding.init(5, 3, RNG), LSTM.init(3, 4, RNG), Dense.init(4, 5, RNG))),
}
LAYERS = {name: random_layer(layer, 5) for name, layer in LAYERS.items()}
T = 11
LENGTHS = [11, 0, 7, 4]


def exact(layer, x, state, da, dfinal=None, lengths=None):
    return layer.backward(layer.forward(x, state, lengths), da, dfinal)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("every", [None, 1, 4, T, 100])
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "padded"])
def test_checkpoints_give_the_exact_gradient(name, every, lengths):
    layer = LAYERS[name]
    x, state, da, dfinal = random_world(layer, T, 4)
    expected = exact(layer, x, state, da, dfinal, lengths)
    found = checkpointed_gradients(layer, x, da, state, dfinal, lengths, every)
    assert_trees_close(found, expected, 1e-13)


@pytest.mark.parametrize("name", LAYERS)
def test_states_and_their_gradients_may_be_left_out(name):
    layer = LAYERS[name]
    x, _, da, _ = random_world(layer, T, 4)
    assert_trees_close(checkpointed_gradients(layer, x, da), exact(layer, x, None, da), 1e-13)


def test_float32_stays_float32_and_integers_are_converted():
    layer = tree_map(lambda p: p.astype(np.float32), LAYERS["lstm"])
    x, state, da, dfinal = random_world(layer, T, 2)
    x = (4 * x).astype(np.int8)
    found = checkpointed_gradients(layer, x, da, state, dfinal, every=3)
    assert_trees_close(found, exact(layer, x, state, da, dfinal), 1e-5)


@pytest.mark.parametrize("gradients", [checkpointed_gradients, truncated_gradients])
@pytest.mark.parametrize("sizes", [(0, 3), (5, 0), (0, 0), (1, 2)])
def test_empty_and_single_steps_are_as_good(gradients, sizes):
    layer = LAYERS["lstm"]
    x, state, da, dfinal = random_world(layer, *sizes)
    ends = {"dfinal": dfinal} if gradients is checkpointed_gradients else {}
    found = gradients(layer, x, da, state=state, every=2, **ends)
    expected = exact(layer, x, state, da, *ends.values())
    assert_trees_close(found, expected, 1e-14)


@pytest.mark.parametrize("gradients", [checkpointed_gradients, truncated_gradients])
def test_a_callable_gets_the_steps_and_outputs_of_each_chunk(gradients):
    layer = LAYERS["gru"]
    x, state, da, _ = random_world(layer, T, 2)
    a, asked = layer.forward(x, state).a, []

    def upstream(lo, hi, outputs):
        asked.append((lo, hi))
        np.testing.assert_allclose(outputs, a[lo:hi], atol=1e-14)
        return da[lo:hi]

    found = gradients(layer, x, upstream, state=state, every=4)
    assert asked == [(8, 11), (4, 8), (0, 4)]
    assert_trees_close(found, gradients(layer, x, da, state=state, every=4), 0)


@pytest.mark.parametrize(("steps", "chunks"), [(0, [(0, 0)]), (1, [(0, 1)]), (2, [(1, 2), (0, 1)])])
def test_a_callable_is_asked_once_for_each_chunk_of_the_shortest_sequences(steps, chunks):
    layer, asked = LAYERS["gru"], []
    x, _, da, _ = random_world(layer, steps, 2)

    def upstream(lo, hi, outputs):
        asked.append((lo, hi))
        return da[lo:hi]

    checkpointed_gradients(layer, x, upstream, every=1)
    assert asked == chunks


@pytest.mark.parametrize("gradients", [checkpointed_gradients, truncated_gradients])
@pytest.mark.parametrize("name", ["rnn", "gru", "lstm", "use-gate"])
def test_what_stands_in_the_padding_of_any_chunk_never_matters(gradients, name):
    layer = LAYERS[name]
    x, state, da, _ = random_world(layer, T, 4)
    expected = gradients(layer, x, da, state=state, every=2, lengths=LENGTHS)
    for array in (x, da):
        array[np.arange(T)[:, None] >= np.array(LENGTHS)] = np.nan
    assert_trees_close(gradients(layer, x, da, state=state, every=2, lengths=LENGTHS), expected, 0)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("every", [1, 4, T, 100])
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "padded"])
def test_truncated_is_the_loop_over_chunks_made_by_hand(name, every, lengths):
    layer = LAYERS[name]
    x, state, da, _ = random_world(layer, T, 4)
    total, dx, first, now = tree_map(np.zeros_like, layer), [], None, state
    for lo in range(0, T, every):
        ends = None if lengths is None else [min(max(n - lo, 0), len(x[lo : lo + every])) for n in lengths]
        run = layer.forward(x[lo : lo + every], now, ends)
        grads = layer.backward(run, da[lo : lo + every])
        now, first = run.final, grads.state if first is None else first
        total = tree_map(np.add, total, grads.layer)
        dx.append(grads.x)
    found = truncated_gradients(layer, x, da, every, state, lengths)
    dx = None if dx[0] is None else np.concatenate(dx)  # symbols have no gradient
    assert_trees_close((found.x, found.state, found.layer), (dx, first, total), 1e-13)


@pytest.mark.parametrize("gradients", [checkpointed_gradients, truncated_gradients])
def test_symbols_are_read_as_the_layer_reads_them(gradients):
    """Whatever integers stand in the padding; what is no symbol is refused, as `forward` refuses it."""
    layer = LAYERS["language model"]
    x, state, da, _ = random_world(layer, T, 4)
    expected = gradients(layer, x, da, state=state, every=4, lengths=LENGTHS)
    x[np.arange(T)[:, None] >= np.array(LENGTHS)] = -7
    assert_trees_close(gradients(layer, x, da, state=state, every=4, lengths=LENGTHS), expected, 0)
    with pytest.raises(ValueError, match=r"^x: expected symbols from 0 to n_x - 1 = 4, got -7"):
        gradients(layer, x, da, state=state, every=4)
    with pytest.raises(TypeError, match=r"^x: expected symbols as an array of integers, got dtype float64"):
        gradients(layer, x.astype(float), da, state=state, every=4)
    with pytest.raises(ValueError, match=r"^x: expected shape \(T, B\)"):
        gradients(layer, x[0], da, state=state, every=4)


def test_truncated_is_another_gradient_unless_the_chunk_holds_all():
    layer = LAYERS["rnn"]
    x, state, da, _ = random_world(layer, T, 4)
    whole = exact(layer, x, state, da)
    assert_trees_close(truncated_gradients(layer, x, da, T, state), whole, 0)
    assert np.abs(truncated_gradients(layer, x, da, 2, state).layer.W - whole.layer.W).max() > 0.1


@pytest.mark.parametrize("gradients", [checkpointed_gradients, truncated_gradients])
def test_layers_that_need_the_future_are_refused(gradients):
    both = Bidirectional(LAYERS["rnn"], LAYERS["gru"])
    x, da = np.zeros((4, 1, 2)), np.zeros((4, 1, 6))
    for layer in (both, Deep((both, Dense.init(6, 6, RNG)))):
        kind = type(layer).__name__
        with pytest.raises(TypeError, match=f"^layer: expected one that reads forwards alone, got {kind}"):
            gradients(layer, x, da, every=2)


@pytest.mark.parametrize("gradients", [checkpointed_gradients, truncated_gradients])
@pytest.mark.parametrize("name", ["gru", "lstm", "deep"])
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "padded"])
@pytest.mark.parametrize("every", [1, 4, T])
def test_losses_of_the_chunks_add_up_and_the_final_state_is_that_of_the_whole(gradients, name, lengths, every):
    layer = LAYERS[name]
    x, state, da, _ = random_world(layer, T, 4)
    run = layer.forward(x, state, lengths)
    loss = squared_error(run.a, da)
    found = gradients(
        layer, x, lambda lo, hi, a: squared_error(a, da[lo:hi]), state=state, lengths=lengths, every=every
    )
    assert found.loss == pytest.approx(loss.value, rel=1e-12)
    assert_trees_close(found.final, run.final, 1e-13)
    assert_trees_close(found, gradients(layer, x, loss.dz, state=state, lengths=lengths, every=every), 1e-12)


def test_a_long_sequence_can_be_cut_into_calls_that_hand_on_the_final_state():
    layer = LAYERS["lstm"]
    x, state, da, _ = random_world(layer, 12, 3)
    whole = truncated_gradients(layer, x, da, 3, state)
    first = truncated_gradients(layer, x[:6], da[:6], 3, state)
    second = truncated_gradients(layer, x[6:], da[6:], 3, first.final)
    assert_trees_close(tree_map(np.add, first.layer, second.layer), whole.layer, 1e-13)
    assert_trees_close(second.final, whole.final, 1e-13)


@pytest.mark.parametrize("gradients", [checkpointed_gradients, truncated_gradients])
def test_without_losses_there_is_no_loss_and_the_tree_is_the_gradients_alone(gradients):
    layer = LAYERS["gru"]
    x, _, da, _ = random_world(layer, T, 2)
    for upstream in (da, lambda lo, hi, a: da[lo:hi]):
        found = gradients(layer, x, upstream, every=4)
        assert found.loss is None
        assert [path for path, _ in named_leaves(found)] == ["x", "state", "layer.W", "layer.b"]
    assert gradients(layer, x[:0], lambda lo, hi, a: (0.5, da[:0]), every=4).loss == 0.5


@pytest.mark.parametrize("gradients", [checkpointed_gradients, truncated_gradients])
def test_the_gradient_by_the_inputs_can_be_left_out(gradients):
    layer = LAYERS["lstm"]
    x, _, da, _ = random_world(layer, T, 2)
    found, whole = gradients(layer, x, da, every=4, inputs=False), gradients(layer, x, da, every=4)
    assert found.x is None
    assert found.layer == whole.layer
    with pytest.raises(TypeError, match=r"^inputs: expected True or False, got int 0"):
        gradients(layer, x, da, every=4, inputs=0)


@pytest.mark.parametrize("gradients", [checkpointed_gradients, truncated_gradients])
@pytest.mark.parametrize(
    "given", [lambda d: (1.0, d, None), lambda d: (d,), lambda d: (d, 1.0), lambda d: ("loss", d), lambda d: (None, d)]
)
def test_what_a_callable_returns_is_checked(gradients, given):
    with pytest.raises(TypeError, match=r"^da: expected f\(lo, hi, a\) to return dL/da or \(loss, dL/da\), got tuple"):
        gradients(LAYERS["rnn"], X, lambda lo, hi, a: given(np.zeros_like(a)), every=2)


X, DA = np.zeros((4, 1, 2)), np.zeros((4, 1, 3))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"layer": None}, TypeError, "layer: expected a layer, got None"),
        ({"x": X.tolist()}, TypeError, "x: expected a NumPy array, got list"),
        ({"x": X[0]}, ValueError, r"x: expected shape \(T, B, n_x\)"),
        ({"x": X.astype(np.float32)}, TypeError, "x: expected dtype float64"),
        ({"x": X.astype(complex)}, TypeError, "run: expected a real run"),
        ({"da": DA.tolist()}, TypeError, "da: expected a NumPy array, got list"),
        ({"da": DA[:3]}, ValueError, r"da: expected shape \(T, B, n_a\) = \(4, 1, 3\), got \(3, 1, 3\)"),
        ({"da": DA.astype(np.float32)}, TypeError, "da: expected dtype float64"),
        ({"da": lambda lo, hi, a: DA}, ValueError, r"da: expected shape \(T, B, n_a\) = \(2, 1, 3\), got \(4, 1, 3\)"),
        ({"every": 0}, ValueError, "every: expected an integer of at least 1, got 0"),
        ({"every": 1.5}, TypeError, "every: expected an integer"),
        ({"state": np.zeros((2, 3))}, ValueError, r"state: expected shape \(B, n_a\)"),
        ({"lengths": [5]}, ValueError, "lengths: expected integers from 0 to T = 4, got 5"),
    ],
)
@pytest.mark.parametrize("gradients", [checkpointed_gradients, truncated_gradients])
def test_bad_arguments_are_refused_by_name(gradients, changes, error, message):
    given = {"layer": LAYERS["rnn"], "x": X, "da": DA, "every": 2} | changes
    with pytest.raises(error, match=f"^{message}"):
        gradients(**given)


def peak(call):
    call()  # what is made once, such as cached weights, does not count
    tracemalloc.start()
    call()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


@pytest.mark.parametrize("name", ["rnn", "gru", "lstm"])
def test_checkpoints_need_little_memory_beyond_the_gradient_by_x(name):
    """Exact backpropagation keeps all steps: at least four times as much here, for 400 steps in chunks of 20."""
    layer = type(LAYERS[name]).init(1, 16, RNG)
    x = RNG.standard_normal((400, 32, 1))

    def upstream(lo, hi, a):
        return np.ones_like(a)

    whole = peak(lambda: exact(layer, x, None, np.ones((400, 32, 16))))
    assert peak(lambda: checkpointed_gradients(layer, x, upstream)) < whole / 4
    assert peak(lambda: truncated_gradients(layer, x, upstream, 20)) < whole / 4


def upstream_of(lo, hi, a):
    return np.full(a.shape, 1e-3)


def test_a_hundred_thousand_steps_in_chunks_are_exact():
    layer = RNN.init(1, 4, RNG)
    x = RNG.standard_normal((100_000, 1, 1))
    expected = exact(layer, x, None, np.full((100_000, 1, 4), 1e-3))
    assert_trees_close(checkpointed_gradients(layer, x, upstream_of), expected, 1e-12)


def test_memory_beyond_the_gradient_by_x_grows_like_the_root_of_the_number_of_steps():
    layer = LSTM.init(1, 8, RNG)

    def beyond(steps):
        x = np.ones((steps, 16, 1))
        return peak(lambda: checkpointed_gradients(layer, x, upstream_of)) - x.nbytes

    assert beyond(1600) < 3 * beyond(400)  # twice, and what is always there


SEVEN = [7, 0, 4, 5]


@pytest.mark.parametrize("lengths", [None, SEVEN], ids=["full", "padded"])
@pytest.mark.parametrize("every", [None, 1, 2, 3, 7, 9])
@pytest.mark.parametrize("name", ["lstm", "gru", "deep"])
def test_checkpointed_gradients_are_exact(name, every, lengths):
    net = LAYERS[name]
    x, state, da, dfinal = random_world(net, 7, 4)
    run = net.forward(x, state, lengths)
    whole = net.backward(run, da, dfinal)
    assert_trees_close(checkpointed_gradients(net, x, da, state, dfinal, lengths, every), whole)
    seen = []

    def part(lo, hi, a):
        seen.append((lo, hi))
        np.testing.assert_allclose(a, run.a[lo:hi], atol=1e-13)
        return da[lo:hi]

    assert_trees_close(checkpointed_gradients(net, x, part, state, dfinal, lengths, every), whole)
    size = every or 2
    assert sorted(seen) == [(lo, min(lo + size, 7)) for lo in range(0, 7, size)]
    zero = checkpointed_gradients(net, x, da, every=every)
    assert_trees_close(zero, net.backward(net.forward(x), da))


@pytest.mark.parametrize("lengths", [None, SEVEN], ids=["full", "padded"])
@pytest.mark.parametrize("every", [1, 3, 7])
def test_truncated_gradients_are_the_sum_over_chunks_of_their_own(every, lengths):
    net = LAYERS["lstm"]
    x, state, da, _ = random_world(net, 7, 4)
    found = truncated_gradients(net, x, da, every, state, lengths)
    start, total, first = state, tree_map(np.zeros_like, net), None
    for lo in range(0, 7, every):
        inside = None if lengths is None else [min(max(n - lo, 0), len(x[lo : lo + every])) for n in lengths]
        run = net.forward(x[lo : lo + every], start, inside)
        g = net.backward(run, da[lo : lo + every])
        np.testing.assert_allclose(found.x[lo : lo + every], g.x, atol=1e-13)
        total, start, first = tree_map(np.add, total, g.layer), run.final, first or g
    assert_trees_close(found.layer, total)
    assert_trees_close(found.state, first.state)
    exact = net.backward(net.forward(x, state, lengths), da)
    assert (np.abs(found.layer.W - exact.layer.W).max() > 1e-3) == (every < 7)


def test_truncated_and_checkpointed_take_an_empty_sequence():
    net = LAYERS["lstm"]
    x, state, da, dfinal = random_world(net, 0, 4)
    assert_trees_close(checkpointed_gradients(net, x, da, state, dfinal).state, dfinal, 0)
    assert_trees_close(truncated_gradients(net, x, da, 3, state).layer, tree_map(np.zeros_like, net), 0)


@pytest.mark.parametrize("name", ["rnn", "lstm", "deep"])
def test_checkpoints_take_a_gradient_of_the_final_state_alone(name):
    layer = LAYERS[name]
    x, state, da, dfinal = random_world(layer, T, 4)
    expected = exact(layer, x, state, np.zeros_like(da), dfinal)
    found = checkpointed_gradients(layer, x, None, state, dfinal, every=4)
    assert_trees_close((found.x, found.state, found.layer), (expected.x, expected.state, expected.layer), 1e-13)
    with pytest.raises(ValueError, match=r"^da, dfinal: expected a gradient in at least one of them"):
        checkpointed_gradients(layer, x, None, state)
