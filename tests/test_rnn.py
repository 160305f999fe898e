"""The RNN beyond the contract: its equation, its run, its cell for study."""

import numpy as np
import pytest

from rnncourse import RNN, Dense, rnn_cell_backward, rnn_cell_forward
from rnncourse.layers.sequence import Run

rng = np.random.default_rng(0)
LAYER = RNN(rng.standard_normal((3, 5)), rng.standard_normal(3))
X, A0 = rng.standard_normal((4, 2, 2)), rng.standard_normal((2, 3))


def test_the_states_follow_the_equation_written_out_entry_by_entry():
    run, a_prev = LAYER.forward(X, A0), A0
    for t, example, unit in np.ndindex(4, 2, 3):
        if example == unit == 0:
            a_prev = A0 if t == 0 else run.a[t - 1]
        z = LAYER.b[unit]
        z += sum(LAYER.W_aa[unit, j] * a_prev[example, j] for j in range(3))
        z += sum(LAYER.W_ax[unit, j] * X[t, example, j] for j in range(2))
        assert run.z_a[t, example, unit] == pytest.approx(z, rel=1e-13)
        assert run.a[t, example, unit] == pytest.approx(np.tanh(z), rel=1e-13)


def test_the_run_keeps_what_it_computed_by_name():
    run = LAYER.forward(X, A0, [4, 2])
    assert isinstance(run, Run)
    assert run.layer is LAYER
    np.testing.assert_array_equal(run.a_prev[0], A0)
    np.testing.assert_array_equal(run.a_prev[1:, 0], run.a[:-1, 0])
    np.testing.assert_array_equal(run.final, [run.a[3, 0], run.a[1, 1]])
    assert (run.z_a[2:, 1] == 0).all()
    assert run.lengths.tolist() == [4, 2]


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu", "identity"])
def test_a_known_value_of_each_activation(activation):
    layer = RNN(np.array([[0.5, 2.0]]), np.array([-1.0]), activation)
    a = layer.forward(np.array([[[1.0]], [[-1.0]]])).a.ravel()
    first = {"tanh": np.tanh(1), "sigmoid": 1 / (1 + np.exp(-1)), "relu": 1.0, "identity": 1.0}[activation]
    z = 0.5 * first - 3
    second = {"tanh": np.tanh(z), "sigmoid": 1 / (1 + np.exp(-z)), "relu": 0.0, "identity": z}[activation]
    np.testing.assert_allclose(a, [first, second], rtol=1e-15)


def test_edit_sees_every_named_quantity_and_what_it_returns_is_used():
    seen = []

    def note(name, value):
        seen.append(name)
        return value

    plain, _ = rnn_cell_forward(LAYER, X[0], A0)
    edited, _ = rnn_cell_forward(LAYER, X[0], A0, note)
    assert seen == ["z_a", "a"]
    np.testing.assert_array_equal(plain, edited)
    held, cache = rnn_cell_forward(LAYER, X[0], A0, lambda name, v: np.zeros_like(v) if name == "z_a" else v)
    np.testing.assert_array_equal(held, 0)
    np.testing.assert_array_equal(cache.a_t, 0)


def test_edit_measures_the_gradients_by_the_intermediate_quantities():
    """dz_a is dL/dz_a: nudge each entry of z_a by a complex step."""
    da_t = np.random.default_rng(1).standard_normal((2, 3))
    _, cache = rnn_cell_forward(LAYER, X[0], A0)
    dx_t, da_prev, d = rnn_cell_backward(LAYER, cache, da_t)
    measured = np.empty_like(d.dz_a)
    for i in np.ndindex(measured.shape):

        def nudge(name, value, i=i):
            value = value.astype(complex)
            value[i] += 1e-30j if name == "z_a" else 0
            return value

        measured[i] = (rnn_cell_forward(LAYER, X[0], A0, nudge)[0] * da_t).sum().imag / 1e-30
    np.testing.assert_allclose(d.dz_a, measured, atol=1e-15)
    np.testing.assert_array_equal(d.da, da_t)
    np.testing.assert_allclose(dx_t, measured @ LAYER.W_ax, atol=1e-14)
    np.testing.assert_allclose(da_prev, measured @ LAYER.W_aa, atol=1e-14)


def test_an_rnn_whose_recurrence_is_zero_is_a_dense_layer():
    W = LAYER.W.copy()
    W[:, :3] = 0
    rnn, dense = RNN(W, LAYER.b), Dense(W[:, 3:], LAYER.b, "tanh")
    np.testing.assert_allclose(rnn.forward(X, lengths=[3, 1]).a, dense.forward(X, lengths=[3, 1]).a, atol=1e-15)
