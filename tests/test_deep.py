"""Deep layers beyond the contract: what each layer reads, dropout, nesting, what does not fit."""

import numpy as np
import pytest
from cell_checks import assert_trees_close, random_layer, random_world

from rnncourse import GRU, LSTM, RNN, Bidirectional, Deep, Dense, Embedding, Gradients, Workspace, tree_map
from rnncourse.gradcheck import numerical_gradient
from rnncourse.records import named_leaves

RNG = np.random.default_rng(0)
LOW, MID, TOP = (
    random_layer(layer, seed)
    for seed, layer in enumerate((LSTM.init(2, 5, RNG), GRU.init(5, 4, RNG), Dense.init(4, 3, RNG, activation="tanh")))
)
NET = Deep((LOW, MID, TOP))
DROPPING = Deep((LOW, MID, TOP), dropout=0.4)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_each_layer_reads_what_the_one_below_puts_out():
    x, state, _, _ = random_world(NET, 5, 3)
    run, below = NET.forward(x, state, [5, 0, 2]), x
    for layer, s, found in zip(NET.layers, state, run.layers, strict=True):
        alone = layer.forward(below, s, [5, 0, 2])
        assert found == alone
        below = alone.a
    np.testing.assert_array_equal(run.a, below)
    assert run.masks == ()
    assert run.lengths.tolist() == [5, 0, 2]
    np.testing.assert_array_equal(run.x, run.layers[0].x)
    assert (run.a[2:, 2] == 0).all()  # also after the dense layer, whose bias is not zero


def test_every_named_quantity_is_there_at_every_layer():
    x, _, _, _ = random_world(NET, 5, 3)
    run = NET.forward(x, None, [5, 0, 2])
    for layer in run.layers[:2]:
        assert all((getattr(layer, name)[2:, 2] == 0).all() for name in layer.quantities)
    np.testing.assert_allclose(run.layers[1].z_u, MID.forward(run.layers[0].a, None, [5, 0, 2]).z_u)
    np.testing.assert_allclose(np.tanh(run.layers[2].z_y), run.a, rtol=1e-15)


def test_start_states_may_be_given_for_some_layers_alone():
    x, state, _, _ = random_world(NET, 5, 3)
    zeros = NET.zero_state(3)
    assert NET.forward(x, (None, state[1], None)) == NET.forward(x, (zeros[0], state[1], ()))
    assert NET.forward(x) == NET.forward(x, zeros)


def test_a_deep_layer_in_a_deep_layer_is_the_flat_one():
    nested = Deep((LOW, Deep((MID, TOP))))
    x, state, da, dfinal = random_world(NET, 5, 3)
    flat = NET.forward(x, state, [5, 0, 2])
    run = nested.forward(x, (state[0], state[1:]), [5, 0, 2])
    np.testing.assert_array_equal(run.a, flat.a)
    grads, expected = nested.backward(run, da, (dfinal[0], dfinal[1:])), NET.backward(flat, da, dfinal)
    np.testing.assert_array_equal(grads.x, expected.x)
    assert grads.layer.layers[1].layers[0] == expected.layer.layers[1]
    assert (nested.n_x, nested.n_out, nested.dtype, nested.precision) == (2, 3, np.float64, "float64")
    both = Deep((Bidirectional(LOW, LOW), Dense.init(10, 1, RNG)))
    assert both.forward(x).a.shape == (5, 3, 1)


def test_dropout_is_off_without_a_generator():
    x, state, da, dfinal = random_world(NET, 5, 3)
    plain, run = NET.forward(x, state), DROPPING.forward(x, state)
    assert run.masks == ()
    np.testing.assert_array_equal(run.a, plain.a)
    grads = DROPPING.backward(run, da, dfinal)
    assert grads.layer == Deep(NET.backward(plain, da, dfinal).layer.layers, 0.4)
    a_t, _ = DROPPING.step(x[0], state)
    np.testing.assert_allclose(a_t, plain.a[0], atol=1e-14)


def test_a_generator_is_not_used_where_the_dropout_is_zero():
    generator = rng()
    x, _, _, _ = random_world(NET, 5, 3)
    assert NET.forward(x, rng=generator) == NET.forward(x)
    assert generator.random() == rng().random()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_masks_are_recorded_and_stand_between_the_layers(dtype):
    net = tree_map(lambda p: p.astype(dtype), DROPPING)
    x, _, _, _ = random_world(net, 5, 3)
    run = net.forward(x, None, [5, 0, 2], rng=rng())
    assert [mask.shape for mask in run.masks] == [(5, 3, 5), (5, 3, 4)]
    np.testing.assert_array_equal(run.layers[0].a, net.layers[0].forward(x, None, [5, 0, 2]).a)
    for mask, below, above in zip(run.masks, run.layers, run.layers[1:], strict=False):
        assert set(np.unique(mask).tolist()) == {0.0, float(dtype(1 / 0.6))}
        assert mask.dtype == above.x.dtype == dtype
        np.testing.assert_array_equal(above.x, below.a * mask)
    assert run.a.dtype == dtype
    assert run == net.forward(x, None, [5, 0, 2], rng=rng()) != net.forward(x, None, [5, 0, 2], rng=rng(1))


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_keeps_the_mean(p):
    below = Dense(np.zeros((50, 1)), np.arange(50.0))
    net = Deep((below, Dense(np.eye(50), np.zeros(50))), dropout=p)
    a = net.forward(np.zeros((40, 50, 1)), rng=rng()).a
    error = np.sqrt(p / (1 - p) / 2000)  # of the mean of 2000, relative
    assert (np.abs(a.mean(axis=(0, 1)) - np.arange(50)) <= 4.5 * error * np.arange(50)).all()
    assert abs((a[..., 1:] == 0).mean() - p) < 5 * np.sqrt(p * (1 - p) / 98_000)


def with_masks(net, run, x, state, da, dfinal, lengths):
    """The loss of a pass in which the masks of a run are held."""
    total, value = 0.0, x
    for k, layer in enumerate(net.layers):
        value = value if k == 0 else value * run.masks[k - 1]
        passed = layer.forward(value, state[k], lengths)
        value = passed.a
        ends, up = (dict(named_leaves(tree)) for tree in (passed.final, dfinal[k]))
        total = total + sum((ends[path] * up[path]).sum() for path in up)
    return total + (value * da).sum()


@pytest.mark.parametrize("lengths", [None, [3, 1]])
def test_gradients_are_those_with_the_masks_held(lengths):
    x, state, da, dfinal = random_world(DROPPING, 3, 2)
    run = DROPPING.forward(x, state, lengths, rng=rng(3))
    grads = DROPPING.backward(run, da, dfinal)
    assert grads == DROPPING.backward(run, da, dfinal)
    tree = Gradients(x, state, DROPPING)
    leaves = [leaf for _, leaf in named_leaves(tree)]
    for k, (path, mine) in enumerate(named_leaves(grads)):

        def loss(value, k=k):
            count = iter(range(len(leaves)))
            moved = tree_map(lambda leaf: value if next(count) == k else leaf.astype(complex), tree)
            return with_masks(moved.layer, run, moved.x, moved.state, da, dfinal, lengths)

        np.testing.assert_allclose(mine, numerical_gradient(loss, leaves[k]), rtol=0, atol=1e-12, err_msg=path)


def test_an_infinity_that_is_dropped_is_gone():
    net = Deep((Dense(np.zeros((4, 1)), np.full(4, np.inf)), Dense(np.zeros((1, 4)), np.ones(1))), dropout=0.999)
    run = net.forward(np.ones((1, 1, 1)), rng=rng())
    assert (run.masks[0] == 0).all()
    assert run.a.tolist() == [[[1.0]]]
    assert np.isfinite(net.backward(run, np.ones((1, 1, 1))).layer.layers[1].W).all()


@pytest.mark.parametrize("net", [NET, DROPPING], ids=["without dropout", "with dropout"])
@pytest.mark.parametrize("bad", [0, True, np.random, "0"], ids=repr)
def test_only_a_generator_is_a_generator(net, bad):
    with pytest.raises(TypeError, match=r"^rng: expected a numpy\.random\.Generator"):
        net.forward(np.zeros((1, 1, 2)), rng=bad)


@pytest.mark.parametrize(
    ("layers", "options", "error", "message"),
    [
        ((), {}, ValueError, "layers: expected at least one layer, got none"),
        ([LOW], {}, TypeError, "layers: expected a tuple of layers, got list"),
        (LOW, {}, TypeError, "layers: expected a tuple of layers, got LSTM"),
        ((LOW, None), {}, TypeError, r"layers\[1\]: expected a layer, got None"),
        ((LOW, TOP), {}, ValueError, r"layers\[1\]: expected n_x = 5, the outputs of the layer below, got 4"),
        ((LOW, MID, LOW), {}, ValueError, r"layers\[2\]: expected n_x = 4, the outputs of the layer below, got 2"),
        (
            (LOW, RNN.init(5, 2, RNG, np.float32)), {}, TypeError,
            r"layers\[1\]: expected dtype float64, as layers\[0\] has, got float32",
        ),
        ((LOW,), {"dropout": 1.0}, ValueError, "dropout: expected a number of at least 0 and below 1, got 1"),
        ((LOW,), {"dropout": -0.1}, ValueError, "dropout: expected a number of at least 0 and below 1, got -0.1"),
        ((LOW,), {"dropout": np.nan}, ValueError, "dropout: expected a number of at least 0 and below 1, got nan"),
        ((LOW,), {"dropout": "0.1"}, TypeError, "dropout: expected a number of at least 0 and below 1, got str"),
    ],
)  # fmt: skip
def test_layers_and_options_that_do_not_fit_are_refused(layers, options, error, message):
    with pytest.raises(error, match=f"^{message}"):
        Deep(layers, **options)


def test_a_stream_through_a_deep_layer_equals_forward():
    x, state, _, _ = random_world(NET, 6, 2)
    run, steps = NET.forward(x, state), []
    for x_t in x:
        a_t, state = NET.step(x_t, state)
        steps.append(a_t)
    assert_trees_close((np.stack(steps), state), (run.a, run.final), 1e-13)


def dropping(dropout):
    rng = np.random.default_rng(0)
    layers = RNN.init(3, 4, rng), LSTM.init(4, 5, rng), GRU.init(5, 2, rng), Dense.init(2, 3, rng)
    return Deep(tuple(random_layer(layer, k) for k, layer in enumerate(layers)), dropout)


@pytest.mark.parametrize("lengths", [None, [7, 0, 4, 5]], ids=["full", "padded"])
def test_gradients_with_dropout_agree_with_their_measurement(lengths):
    net = dropping(0.4)
    x, _, da, _ = random_world(net, 7, 4)
    run = net.forward(x, lengths=lengths, rng=np.random.default_rng(8))
    grads = net.backward(run, da)

    def loss(net, x):  # the same masks each time
        return (net.forward(x, lengths=lengths, rng=np.random.default_rng(8)).a * da).sum()

    measured = numerical_gradient(lambda v: loss(net, v), x)
    np.testing.assert_allclose(grads.x, measured, atol=1e-12)
    bottom = net.layers[0]

    def by_weights(W):
        changed = Deep((RNN(W, bottom.b.astype(W.dtype)), *tree_map(lambda p: p.astype(W.dtype), net.layers[1:])), 0.4)
        return loss(changed, x)

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
    net, plain = dropping(0.4), dropping(0.0)
    x = random_world(net, 7, 4)[0]
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


TOP_TO_3 = random_layer(Dense.init(5, 3, RNG), 8)
INNER = Deep((random_layer(RNN.init(5, 5, RNG), 3), random_layer(RNN.init(5, 4, RNG), 4)), dropout=0.5)
DROPPERS = {
    "each step": DROPPING,
    "variational": Deep((LOW, MID, TOP), dropout=0.4, variational=True),
    "nested": Deep((LOW, INNER, TOP)),
    "residual": Deep((LOW, random_layer(GRU.init(5, 5, RNG), 4), INNER.layers[0], TOP_TO_3), 0.4, residual=True),
    "nested variational": Deep((LOW, Deep(INNER.layers, 0.5, True), TOP), dropout=0.3),
    "in both directions": Deep(
        (LOW, Bidirectional(INNER, Deep(INNER.layers, 0.3)), random_layer(Dense.init(8, 3, RNG)))
    ),
}
every_dropper = pytest.mark.parametrize("net", DROPPERS.values(), ids=DROPPERS)


@every_dropper
def test_gradients_are_those_of_a_forward_pass_that_draws_the_same_masks(net):
    x, state, da, dfinal = random_world(net, 3, 2)
    grads = net.backward(net.forward(x, state, [3, 1], rng=rng(5)), da, dfinal)
    tree = Gradients(x, state, net)
    leaves = [leaf for _, leaf in named_leaves(tree)]
    for k, (path, mine) in enumerate(named_leaves(grads)):

        def loss(value, k=k):
            count = iter(range(len(leaves)))
            moved = tree_map(lambda leaf: value if next(count) == k else leaf.astype(value.dtype), tree)
            run = moved.layer.forward(moved.x, moved.state, [3, 1], rng=rng(5))
            ends = dict(named_leaves(run.final))
            return (run.a * da).sum() + sum((ends[at] * up).sum() for at, up in named_leaves(dfinal))

        np.testing.assert_allclose(mine, numerical_gradient(loss, leaves[k]), rtol=0, atol=1e-12, err_msg=path)


@every_dropper
def test_a_generator_reaches_every_layer_and_the_same_one_gives_the_same(net):
    x, _, _, _ = random_world(net, 5, 3)
    assert net.drops_out
    assert net.forward(x, rng=rng(1)) == net.forward(x, rng=rng(1))
    assert (net.forward(x, rng=rng(1)).a != net.forward(x).a).any()
    assert (net.forward(x, rng=rng(1)).a != net.forward(x, rng=rng(2)).a).any()


def test_masks_of_inner_layers_are_in_their_runs():
    x, _, _, _ = random_world(NET, 5, 3)
    run = DROPPERS["nested"].forward(x, rng=rng())
    assert run.masks == ()
    assert [mask.shape for mask in run.layers[1].masks] == [(5, 3, 5)]
    both = DROPPERS["in both directions"].forward(x, rng=rng()).layers[1]
    assert len(both.fwd.masks) == len(both.bwd.masks) == 1
    assert ((both.fwd.masks[0] == 0) != (both.bwd.masks[0] == 0)).any()
    assert not NET.drops_out


def test_a_variational_mask_holds_at_every_step_of_an_example():
    x, _, _, _ = random_world(NET, 5, 3)
    run = DROPPERS["variational"].forward(x, rng=rng())
    assert [mask.shape for mask in run.masks] == [(1, 3, 5), (1, 3, 4)]
    for mask, below, above in zip(run.masks, run.layers, run.layers[1:], strict=False):
        np.testing.assert_array_equal(above.x, below.a * mask)
    assert (run.masks[0][0, 0] != run.masks[0][0, 1]).any()
    grads = DROPPERS["variational"].backward(run, np.ones_like(run.a))
    assert grads.layer.variational
    assert grads.layer != Deep(grads.layer.layers, 0.4)


def test_dropout_with_nothing_to_drop_is_refused():
    with pytest.raises(
        ValueError, match=r"^dropout: expected 0 for a single layer, since it acts between two, got 0\.5"
    ):
        Deep((LOW,), dropout=0.5)
    assert Deep((LOW,), 0) == Deep((LOW,), 0.0) == Deep((LOW,))
    with pytest.raises(TypeError, match=r"^variational: expected True or False, got int"):
        Deep((LOW, MID), 0.5, 1)


def test_classes_are_no_layers():
    with pytest.raises(TypeError, match=r"^layers\[1\]: expected a layer, got the class GRU"):
        Deep((LOW, GRU))
    with pytest.raises(TypeError, match=r"^bwd: expected a layer, got the class LSTM"):
        Bidirectional(LOW, LSTM)


def test_messages_name_the_path_of_a_nested_state():
    net = Deep((LOW, Deep((MID, Bidirectional(random_layer(LSTM.init(4, 2, RNG)), MID_TO_4)))))
    x, state, da, _ = random_world(net, 5, 3)
    bad = (state[0], (state[1][0], ((state[1][1][0][0], np.ones((3, 9))), state[1][1][1])))
    run = net.forward(x, state)
    with pytest.raises(
        ValueError, match=r"^state\[1\]\[1\]\[0\]\[1\]: expected shape \(B, n_a\) = \(3, 2\), got \(3, 9\)"
    ):
        net.forward(x, bad)
    with pytest.raises(ValueError, match=r"^dfinal\[1\]\[1\]\[0\]\[1\]: expected shape"):
        net.backward(run, da, bad)
    with pytest.raises(ValueError, match=r"^state\[1\]\[0\]: expected shape"):
        Deep((LOW, Deep((MID, TOP)))).step(x[0], (None, (np.ones((3, 9)), ())))
    two = Deep((LOW, random_layer(LSTM.init(5, 5, RNG))))
    with pytest.raises(TypeError, match=r"^state\[0\]: expected a tuple \(a, c\) of arrays, got an array"):
        two.forward(x, (np.ones((3, 5)), np.ones((3, 5))))  # PyTorch's (h, c)
    with pytest.raises(TypeError, match=r"^lengths: expected integers"):
        net.forward(x, None, np.ones(3))


MID_TO_4 = random_layer(GRU.init(4, 4, RNG), 6)


@pytest.mark.parametrize("net", [NET, Bidirectional(LOW, random_layer(GRU.init(2, 3, RNG)))], ids=["deep", "both ways"])
def test_gradients_that_are_left_out_are_zeros(net):
    x, state, da, dfinal = random_world(net, 5, 3)
    run, zero = net.forward(x, state, [5, 0, 2]), net.zero_state(3)
    assert net.backward(run, None, dfinal) == net.backward(run, np.zeros_like(da), dfinal)
    for k in range(len(dfinal)):
        some = tuple(None if j == k else d for j, d in enumerate(dfinal))
        filled = tuple(z if d is None else d for d, z in zip(some, zero, strict=True))
        assert net.backward(run, None, some) == net.backward(run, np.zeros_like(da), filled)
    half = ((None, dfinal[0][1]), *dfinal[1:])
    assert net.backward(run, da, half) == net.backward(run, da, ((zero[0][0], dfinal[0][1]), *dfinal[1:]))
    for nothing in (None, (None,) * len(dfinal)):
        with pytest.raises(
            ValueError, match=r"^da, dfinal: expected a gradient in at least one of them, got None in both"
        ):
            net.backward(run, None, nothing)


@every_dropper
def test_dx_is_left_out_where_nobody_wants_it(net):
    x, state, da, dfinal = random_world(net, 5, 3)
    run = net.forward(x, state, [5, 0, 2], rng=rng())
    grads, expected = net.backward(run, da, dfinal, inputs=False), net.backward(run, da, dfinal)
    assert grads.x is None
    assert grads.layer == expected.layer
    assert_trees_close(grads.state, expected.state, 0)
    with pytest.raises(TypeError, match=r"^inputs: expected True or False, got None"):
        net.backward(run, da, dfinal, inputs=None)


def test_a_dropout_of_zero_is_the_same_however_it_is_written():
    layers = (LOW, MID, TOP)
    assert Deep(layers, dropout=0) == Deep(layers, dropout=0.0)


SQUARE = tuple(random_layer(layer.init(3, 3, RNG), seed) for seed, layer in enumerate((LSTM, GRU, RNN)))


def test_a_residual_layer_hands_on_its_input_and_its_output():
    net, x = Deep((*SQUARE, TOP_OF_3), residual=True), rng().normal(size=(5, 2, 3))
    run, value = net.forward(x), x
    for layer, found in zip(SQUARE, run.sums, strict=False):
        value = value + layer.forward(value).a
        np.testing.assert_array_equal(found, value)
    assert run.sums[3] is None  # it has two outputs and three inputs
    np.testing.assert_array_equal(run.a, TOP_OF_3.forward(value).a)
    plain = Deep((*SQUARE, TOP_OF_3)).forward(x)
    assert plain.sums == ()
    assert np.abs(plain.a - run.a).max() > 0.1


TOP_OF_3 = random_layer(Dense.init(3, 2, RNG), 9)


def test_what_goes_around_a_residual_layer_leaves_the_padding_alone():
    net, x, da = Deep(SQUARE, residual=True), rng().normal(size=(5, 2, 3)), rng(1).normal(size=(5, 2, 3))
    junk, d_junk = x.copy(), da.copy()
    junk[2:, 1], d_junk[2:, 1] = np.nan, np.nan
    run, clean = (net.forward(value, lengths=[5, 2]) for value in (junk, x))
    assert run == clean
    assert (run.a[2:, 1] == 0).all()
    grads = net.backward(run, d_junk)
    assert grads == net.backward(clean, da)
    assert (grads.x[2:, 1] == 0).all()


def test_a_residual_stack_takes_integers_single_precision_workspaces_and_steps():
    net = tree_map(lambda p: p.astype(np.float32), Deep(SQUARE, residual=True))
    x = rng().integers(-2, 3, (4, 2, 3))
    run = net.forward(x)
    assert run.a.dtype == np.float32
    memory = Workspace()
    again = net.forward(x, workspace=memory)
    np.testing.assert_array_equal(again.a, run.a)
    assert net.backward(again, run.a) == net.backward(run, run.a)
    kept = again.a.copy()
    net.forward(x + 1, workspace=memory)
    np.testing.assert_array_equal(again.a, kept)  # a sum is the run's own
    state = None
    for t in range(4):
        a, state = net.step(x[t], state)
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, run.a[t], atol=1e-6)
    assert net.backward(run, run.a, inputs=False).x is None


def test_an_embedding_is_not_added_to_its_symbols():
    net = Deep((Embedding.init(3, 3, RNG), *SQUARE), residual=True)
    run = net.forward(np.array([[0, 2]]))
    assert run.sums[0] is None
    assert run.sums[1] is not None


def test_residual_where_no_sizes_agree_is_refused():
    with pytest.raises(ValueError, match=r"^residual: expected a layer with as many outputs as inputs, got none$"):
        Deep((LOW, MID, TOP), residual=True)
    with pytest.raises(TypeError, match=r"^residual: expected True or False, got int 1"):
        Deep(SQUARE, residual=1)
    assert Deep(SQUARE, residual=True) != Deep(SQUARE)
