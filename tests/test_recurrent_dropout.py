"""Recurrent dropout beyond the contract: which weights, for how long, and the gradient with the mask held."""

import numpy as np
import pytest
from cell_checks import assert_trees_close, random_layer, random_world

from rnncourse import GRU, LSTM, RNN, Deep, Dense, Gradients, Halves, tree_map
from rnncourse.gradcheck import numerical_gradient
from rnncourse.layers.recurrent_dropout import RecurrentDropout
from rnncourse.layers.use_gate import UseGateCell
from rnncourse.records import named_leaves

CELLS = [
    random_layer(layer, seed)
    for seed, layer in enumerate(
        (
            RNN.init(2, 3, np.random.default_rng(0)),
            GRU.init(2, 3, np.random.default_rng(0), reset_after=True),
            LSTM.init(2, 3, np.random.default_rng(0), peepholes=True),
            UseGateCell.init(2, 3, np.random.default_rng(0)),
        )
    )
]
every_cell = pytest.mark.parametrize("cell", CELLS, ids=lambda cell: type(cell).__name__)


def rng(seed=0):
    return np.random.default_rng(seed)


@every_cell
@pytest.mark.parametrize("lengths", [None, [5, 0, 2]])
def test_it_is_the_cell_with_other_weights_from_state_to_state_at_every_step(cell, lengths):
    layer = RecurrentDropout(cell, 0.4)
    x, state, da, dfinal = random_world(cell, 5, 3)
    run = layer.forward(x, state, lengths, rng=rng())
    assert set(np.unique(run.mask).tolist()) == {0.0, 1 / 0.6}
    assert run.mask.shape == (len(cell.W), 3)
    W = np.concatenate([cell.W[:, :3] * run.mask, cell.W[:, 3:]], axis=1)
    count = iter(range(99))
    other = tree_map(lambda leaf: W if next(count) == 0 else leaf, cell)  # W is the first of the arrays
    alone = other.forward(x, state, lengths)
    np.testing.assert_array_equal(run.a, alone.a)
    assert_trees_close(run.final, alone.final, 0)
    grads, expected = layer.backward(run, da, dfinal), other.backward(alone, da, dfinal)
    np.testing.assert_array_equal(grads.x, expected.x)
    np.testing.assert_array_equal(grads.layer.layer.W[:, :3], expected.layer.W[:, :3] * run.mask)
    np.testing.assert_array_equal(grads.layer.layer.W[:, 3:], expected.layer.W[:, 3:])


@every_cell
def test_gradients_are_those_with_the_mask_held(cell):
    layer = RecurrentDropout(cell, 0.5)
    x, state, da, dfinal = random_world(cell, 4, 2)
    grads = layer.backward(layer.forward(x, state, [4, 2], rng=rng(3)), da, dfinal)
    tree = Gradients(x, state, layer)
    leaves = [leaf for _, leaf in named_leaves(tree)]
    for k, (path, mine) in enumerate(named_leaves(grads)):

        def loss(value, k=k):
            count = iter(range(len(leaves)))
            moved = tree_map(lambda leaf: value if next(count) == k else leaf.astype(value.dtype), tree)
            run = moved.layer.forward(moved.x, moved.state, [4, 2], rng=rng(3))  # the same mask
            ends = dict(named_leaves(run.final))
            return (run.a * da).sum() + sum((ends[at] * up).sum() for at, up in named_leaves(dfinal))

        np.testing.assert_allclose(mine, numerical_gradient(loss, leaves[k]), rtol=0, atol=1e-12, err_msg=path)


def test_the_mean_of_the_weights_stays():
    cell = RNN(np.ones((300, 301)), np.zeros(300))
    for p in (0.1, 0.5, 0.9):
        mask = RecurrentDropout(cell, p).forward(np.zeros((0, 1, 1)), rng=rng()).mask
        assert abs(mask.mean() - 1) < 5 * np.sqrt(p / (1 - p)) / 300
        assert abs((mask == 0).mean() - p) < 5 * np.sqrt(p * (1 - p)) / 300


def test_it_is_off_without_a_generator_and_for_zero():
    x, state, _, _ = random_world(CELLS[2], 4, 2)
    plain, generator = CELLS[2].forward(x, state), rng()
    for layer, source in ((RecurrentDropout(CELLS[2], 0.5), None), (RecurrentDropout(CELLS[2], 0), generator)):
        run = layer.forward(x, state, rng=source)
        assert run.mask is None
        np.testing.assert_array_equal(run.a, plain.a)
        np.testing.assert_array_equal(layer.step(x[0], state)[0], CELLS[2].step(x[0], state)[0])
    assert generator.random() == rng().random()


def test_a_generator_reaches_it_inside_a_deep_layer():
    net = Deep((RecurrentDropout(CELLS[0], 0.5), Dense.init(3, 1, rng())))
    x = random_world(net, 4, 2)[0]
    run = net.forward(x, rng=rng(1))
    np.testing.assert_array_equal(run.layers[0].mask, net.layers[0].forward(x, rng=rng(1)).mask)
    assert net.forward(x, rng=rng(1)) == run != net.forward(x, rng=rng(2))
    assert net.forward(x).layers[0].mask is None


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: RecurrentDropout(Dense.init(2, 3, rng()), 0.5), TypeError, "layer: expected a recurrent layer, got D"),
        (lambda: RecurrentDropout(Halves(CELLS[0]), 0.5), TypeError, "layer: expected a recurrent layer, got Halves"),
        (lambda: RecurrentDropout(LSTM, 0.5), TypeError, "layer: expected a recurrent layer, got"),
        (lambda: RecurrentDropout(CELLS[0], 1.0), ValueError, "p: expected a number of at least 0 and below 1, got 1"),
        (lambda: RecurrentDropout(CELLS[0], "0.5"), TypeError, "p: expected a number of at least 0 .*got str"),
        (
            lambda: RecurrentDropout(CELLS[0], 0.5).forward(np.zeros((1, 1, 2)), rng=0), TypeError,
            r"rng: expected a numpy\.random\.Generator",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(call, error, message):
    with pytest.raises(error, match=f"^{message}"):
        call()
