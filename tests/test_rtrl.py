"""Real-time recurrent learning equals backpropagation through time."""

import numpy as np
import pytest
from cell_checks import assert_trees_close, random_layer, random_world

from rnncourse import GRU, RNN
from rnncourse.activations import ACTIVATIONS
from rnncourse.rtrl import rtrl


def rnn(activation="tanh", n_x=2, n_a=3, dtype=np.float64):
    return random_layer(RNN.init(n_x, n_a, np.random.default_rng(0), dtype, activation), 1, 0.5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("lengths", [None, [7, 0, 3, 1]], ids=["full", "padded"])
@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
def test_it_equals_backpropagation_through_time(activation, lengths, warm):
    layer = rnn(activation)
    x, state, da, _ = random_world(layer, 7, 4)
    state = state if warm else None
    expected = layer.backward(layer.forward(x, state, lengths), da).layer
    found = rtrl(layer, x, da, state, lengths)
    assert found.activation == activation
    assert_trees_close(found, expected, 1e-12)


@pytest.mark.parametrize("sizes", [(0, 2, 2, 3), (4, 0, 2, 3), (1, 1, 1, 1), (6, 1, 4, 2), (30, 2, 1, 5)])
def test_it_equals_backpropagation_for_all_sizes(sizes):
    T, B, n_x, n_a = sizes
    layer = rnn(n_x=n_x, n_a=n_a)
    x, state, da, _ = random_world(layer, T, B)
    expected = layer.backward(layer.forward(x, state), da).layer
    assert_trees_close(rtrl(layer, x, da, state), expected, 1e-12)


def test_what_stands_in_the_padding_never_matters():
    layer, lengths = rnn(), [5, 0, 2]
    x, state, da, _ = random_world(layer, 5, 3)
    expected = rtrl(layer, x, da, state, lengths)
    for array in (x, da):
        array[np.arange(5)[:, None] >= np.array(lengths)] = np.nan
    assert rtrl(layer, x, da, state, lengths) == expected


def test_sensitivities_stand_still_past_the_end():
    """Where nothing saturates they would double at each step of the padding until 0 · ∞ is NaN."""
    layer = RNN(np.array([[2.0, 1.0]]), np.ones(1), "identity")
    x, state, da, _ = random_world(layer, 1100, 2)
    expected = rtrl(layer, x[:3], da[:3], state, [3, 1])
    assert_trees_close(rtrl(layer, x, da, state, [3, 1]), expected, 1e-14)


def test_float32_stays_float32():
    layer = rnn(dtype=np.float32)
    x, state, da, _ = random_world(layer, 5, 3)
    assert_trees_close(rtrl(layer, x, da, state), layer.backward(layer.forward(x, state), da).layer, 1e-5)


X, DA = np.zeros((4, 1, 2)), np.zeros((4, 1, 3))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"layer": GRU.init(2, 3, np.random.default_rng(0))}, TypeError, "layer: expected an RNN, got GRU"),
        ({"layer": None}, TypeError, "layer: expected an RNN, got None"),
        ({"x": X[..., :1]}, ValueError, r"x: expected shape \(T, B, n_x\)"),
        ({"x": X.astype(complex)}, TypeError, "run: expected a real run"),
        ({"da": DA[:3]}, ValueError, r"da: expected shape \(T, B, n_a\) = \(4, 1, 3\), got \(3, 1, 3\)"),
        ({"da": DA.astype(np.float32)}, TypeError, "da: expected dtype float64"),
        ({"da": None}, TypeError, "da: expected a NumPy array, got None"),
        ({"state": DA[0, :, :2]}, ValueError, r"state: expected shape \(B, n_a\)"),
        ({"lengths": [-1]}, ValueError, "lengths: expected integers from 0 to T = 4, got -1"),
    ],
)
def test_bad_arguments_are_refused_by_name(changes, error, message):
    given = {"layer": rnn(), "x": X, "da": DA} | changes
    with pytest.raises(error, match=f"^{message}"):
        rtrl(**given)


def test_rtrl_keeps_float32():
    rng = np.random.default_rng(0)
    layer = RNN.init(3, 2, rng, dtype=np.float32)
    x, da = rng.standard_normal((5, 4, 3)).astype(np.float32), rng.standard_normal((5, 4, 2)).astype(np.float32)
    found, exact = rtrl(layer, x, da), layer.backward(layer.forward(x), da).layer
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.W, exact.W, rtol=0, atol=1e-5)


def test_an_underflow_is_no_error_even_where_the_user_raises_them():
    layer, tiny = rnn("sigmoid"), 8 * np.finfo(float).tiny
    x, state, da, _ = random_world(layer, 30, 2)
    with np.errstate(under="ignore"):
        x, da = 500 * x, tiny * da
        expected = rtrl(layer, x, da, state)
    with np.errstate(under="raise"):
        assert rtrl(layer, x, da, state) == expected
