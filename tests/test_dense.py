"""The dense layer beyond the contract."""

import numpy as np
import pytest

from rnncourse import LSTM, Dense, tree_map
from rnncourse.gradcheck import gradient_errors, numerical_gradient

rng = np.random.default_rng(0)
LAYER = Dense(rng.standard_normal((3, 2)), rng.standard_normal(3), "sigmoid")
X = rng.standard_normal((4, 2, 2))
DA = rng.standard_normal((4, 2, 3))


def test_each_step_is_the_affine_map_and_the_activation():
    run = LAYER.forward(X, lengths=[4, 1])
    for t, example in np.ndindex(4, 2):
        z = LAYER.W @ X[t, example] + LAYER.b
        inside = t < [4, 1][example]
        np.testing.assert_allclose(run.z_y[t, example], z if inside else 0 * z, rtol=1e-13)
        np.testing.assert_allclose(run.a[t, example], 1 / (1 + np.exp(-z)) if inside else 0 * z, rtol=1e-13)


def test_there_is_no_state():
    run = LAYER.forward(X, ())
    assert run.final == () == LAYER.zero_state(2)
    assert LAYER.backward(run, np.ones_like(run.a), ()).state == ()
    a_t, state = LAYER.step(X[0], ())
    np.testing.assert_allclose(a_t, run.a[0], rtol=1e-15)
    assert state == ()


def test_sizes_have_names():
    assert (LAYER.n_x, LAYER.n_out, LAYER.dtype, LAYER.precision) == (2, 3, np.float64, "float64")


def test_without_a_bias_it_is_the_linear_map():
    bare, zero = Dense(LAYER.W), Dense(LAYER.W, np.zeros(3))
    run, expected = bare.forward(X, lengths=[4, 1]), zero.forward(X, lengths=[4, 1])
    np.testing.assert_array_equal(run.a, expected.a)
    np.testing.assert_array_equal(run.z_y, expected.z_y)
    grads = bare.backward(run, DA)
    assert grads.layer.b is None
    np.testing.assert_array_equal(grads.layer.W, zero.backward(expected, DA).layer.W)
    np.testing.assert_array_equal(bare.step(X[0])[0], bare.forward(X).a[0])
    assert max(gradient_errors(bare, X, da=DA).values()) < 1e-13
    assert Dense.init(2, 3, rng, bias=False).b is None
    assert tree_map(np.negative, bare) == Dense(-LAYER.W)


@pytest.mark.parametrize("layer", [LAYER, Dense(LAYER.W, None, "tanh")])
def test_rows_of_a_batch_are_as_good_as_steps(layer):
    flat, whole = layer.forward(X[0]), layer.forward(X[:1])
    assert flat.a.shape == (2, 3)
    np.testing.assert_array_equal(flat.a, whole.a[0])
    np.testing.assert_array_equal(flat.z_y, whole.z_y[0])
    grads, expected = layer.backward(flat, DA[0]), layer.backward(whole, DA[:1])
    np.testing.assert_array_equal(grads.x, expected.x[0])
    assert grads.layer == expected.layer
    assert grads.state == flat.final == ()
    assert flat.lengths is None


def test_many_to_one_the_final_states_gradient_goes_back_through_time():
    layer, head = LSTM.init(4, 2, rng), Dense(LAYER.W)
    x, weights = rng.standard_normal((6, 3, 4)), rng.standard_normal((3, 3))

    def loss(inputs):
        return (head.forward(layer.forward(inputs, lengths=[6, 2, 4]).final[0]).a * weights).sum()

    run = layer.forward(x, lengths=[6, 2, 4])
    top = head.forward(run.final[0])
    d = head.backward(top, weights)
    grads = layer.backward(run, None, (d.x, None))
    np.testing.assert_allclose(grads.x, numerical_gradient(loss, x), rtol=0, atol=1e-14)


def test_dx_is_left_out_where_nobody_wants_it():
    run = LAYER.forward(X)
    grads, expected = LAYER.backward(run, DA, inputs=False), LAYER.backward(run, DA)
    assert grads.x is None
    assert grads.layer == expected.layer


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: LAYER.forward(X[0], lengths=[4, 1]), ValueError, "lengths: expected None, since x .* has no steps"),
        (lambda: LAYER.forward(X[0, 0]), ValueError, r"x: expected shape .* or \(B, n_a\) = \(B, 2\), got \(2,\)"),
        (lambda: LAYER.forward(X[None]), ValueError, r"x: expected shape .*, got \(1, 4, 2, 2\)"),
        (lambda: LAYER.backward(LAYER.forward(X[0]), DA), ValueError, r"da: expected shape \(B, n_y\) = \(2, 3\), got"),
        (lambda: LAYER.backward(LAYER.forward(X), None), ValueError, "da, dfinal: expected a gradient in at least one"),
        (lambda: LAYER.backward(LAYER.forward(X), DA, inputs=0), TypeError, "inputs: expected True or False, got int"),
        (lambda: Dense.init(2, 3, rng, bias=1), TypeError, "bias: expected True or False, got int"),
        (lambda: Dense(LAYER.W, np.ones(2)), ValueError, r"b: expected shape \(n_y,\) = \(3,\), got \(2,\)"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(call, error, message):
    with pytest.raises(error, match=f"^{message}"):
        call()
