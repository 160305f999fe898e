"""Initializers: their statistics, shapes and refusals."""

import numpy as np
import pytest

from rnncourse import GRU, LSTM, RNN, Dense
from rnncourse.initializers import glorot_uniform, he_normal, identity, orthogonal, zeros
from rnncourse.layers.use_gate import UseGateCell

ALL = (glorot_uniform, he_normal, orthogonal, identity, zeros)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("initializer", ALL)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, "float32"])
@pytest.mark.parametrize("shape", [(3, 3), (5, 2), (2, 5), (1, 1)])
def test_shape_and_dtype_are_those_asked_for_and_the_seed_decides(initializer, dtype, shape):
    drawn = initializer(rng(), shape, dtype)
    assert drawn.shape == shape
    assert drawn.dtype == dtype
    assert drawn.flags.c_contiguous
    np.testing.assert_array_equal(drawn, initializer(rng(), shape, dtype))


def test_glorot_fills_its_range_evenly():
    drawn, limit = glorot_uniform(rng(), (200, 100)), np.sqrt(6 / 300)
    assert limit * 0.999 < np.abs(drawn).max() <= limit
    assert drawn.var() == pytest.approx(2 / 300, rel=0.02)
    assert abs(drawn.mean()) < 1e-3


def test_he_is_normal_with_the_variance_of_its_inputs_count():
    drawn = he_normal(rng(), (200, 100))
    assert drawn.var() == pytest.approx(2 / 100, rel=0.02)
    assert abs(drawn.mean()) < 2e-3
    assert (np.abs(drawn) < drawn.std()).mean() == pytest.approx(0.683, abs=0.01)


@pytest.mark.parametrize("shape", [(6, 6), (7, 4), (4, 7)])
def test_orthogonal_has_singular_values_of_one(shape):
    np.testing.assert_allclose(np.linalg.svd(orthogonal(rng(), shape), compute_uv=False), 1, rtol=1e-14)


def test_orthogonal_draws_uniformly_and_not_with_fixed_signs():
    draws = np.array([orthogonal(rng(seed), (2, 2)) for seed in range(2000)])
    assert np.abs(draws.mean(axis=0)).max() < 0.06
    assert (np.linalg.det(draws) > 0).mean() == pytest.approx(0.5, abs=0.05)
    np.testing.assert_allclose((draws**2).mean(axis=0), 0.5, atol=0.05)


def test_identity_and_zeros_need_no_generator():
    np.testing.assert_array_equal(identity(None, (2, 3)), [[1, 0, 0], [0, 1, 0]])
    np.testing.assert_array_equal(zeros(None, (2, 3)), np.zeros((2, 3)))


@pytest.mark.parametrize("initializer", ALL)
@pytest.mark.parametrize(
    ("shape", "error", "message"),
    [
        ((3,), ValueError, r"shape: expected \(n_out, n_in\), got \(3,\)"),
        ((3, 2, 1), ValueError, r"shape: expected \(n_out, n_in\), got \(3, 2, 1\)"),
        ([3, 2], ValueError, r"shape: expected \(n_out, n_in\), got \[3, 2\]"),
        (3, ValueError, "shape: expected .*got 3"),
        ((0, 2), ValueError, "n_out: expected an integer of at least 1, got 0"),
        ((2, -1), ValueError, "n_in: expected an integer of at least 1, got -1"),
        ((2.0, 1), TypeError, "n_out: expected an integer of at least 1, got float 2.0"),
    ],
)
def test_bad_shapes_are_refused(initializer, shape, error, message):
    with pytest.raises(error, match=f"^{message}"):
        initializer(rng(), shape)


@pytest.mark.parametrize("initializer", ALL)
@pytest.mark.parametrize("dtype", [int, np.float16, complex, "f4,f4", "i4, ,", "wide", object, {"a": 1}])
def test_bad_dtypes_are_refused(initializer, dtype):
    with pytest.raises(TypeError, match=r"^dtype: expected float32 or float64, got "):
        initializer(rng(), (2, 2), dtype)


@pytest.mark.parametrize("initializer", [glorot_uniform, orthogonal])
@pytest.mark.parametrize("generator", [None, 0, np.random, np.random.RandomState(0)])
def test_randomness_comes_from_a_generator_only(initializer, generator):
    with pytest.raises(TypeError, match=r"^rng: expected a numpy.random.Generator.*got "):
        initializer(generator, (2, 2))


def test_layers_take_any_initializer():
    layer = RNN.init(n_x=2, n_a=3, rng=rng(), input_init=zeros, recurrent_init=identity)
    np.testing.assert_array_equal(layer.W_aa, np.eye(3))
    np.testing.assert_array_equal(layer.W_ax, np.zeros((3, 2)))
    np.testing.assert_array_equal(Dense.init(n_x=2, n_a=3, rng=rng(), weight_init=identity).W, np.eye(3, 2))


def test_layers_start_with_an_orthogonal_recurrence_and_zero_biases():
    layer = RNN.init(n_x=2, n_a=3, rng=rng())
    np.testing.assert_allclose(layer.W_aa @ layer.W_aa.T, np.eye(3), atol=1e-15)
    assert not layer.b.any()
    assert np.abs(layer.W_ax).max() <= np.sqrt(6 / 5)


MISTAKES = [
    (
        lambda rng, shape, dtype: np.zeros((shape[0], 6), dtype),
        ValueError,
        r"expected an array of shape .*, got \(3, 6\)",
    ),
    (lambda rng, shape, dtype: np.zeros(shape[0], dtype), ValueError, r"expected an array of shape .*, got \(3,\)"),
    (lambda rng, shape, dtype: np.zeros((3, 3, 1)), ValueError, r"expected an array of shape .*, got \(3, 3, 1\)"),
    (lambda rng, shape, dtype: np.zeros(shape, "f4"), TypeError, "expected an array of dtype float64, got float32"),
    (lambda rng, shape, dtype: np.zeros(shape, int), TypeError, "expected an array of dtype float64, got int64"),
    (lambda rng, shape, dtype: np.zeros(shape).tolist(), TypeError, "expected a NumPy array, got list"),
    ("zeros", TypeError, "expected a callable, such as glorot_uniform, got str 'zeros'"),
    (np.zeros((3, 2)), TypeError, "expected a callable, such as glorot_uniform, got an array"),
]


@pytest.mark.parametrize(("mistake", "error", "message"), MISTAKES)
def test_an_initializer_cannot_change_the_size_or_the_dtype_of_a_layer(mistake, error, message):
    for kind in (RNN, GRU, LSTM, UseGateCell):
        for name in ("input_init", "recurrent_init"):
            with pytest.raises(error, match=f"^{name}: {message}"):
                kind.init(n_x=2, n_a=3, rng=rng(), **{name: mistake})
    with pytest.raises(error, match=f"^weight_init: {message}"):
        Dense.init(n_x=2, n_a=3, rng=rng(), weight_init=mistake)
