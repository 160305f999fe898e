"""Activations against 50-digit arithmetic, their slopes against the complex step, and the extremes."""

import warnings
from decimal import Decimal, localcontext
from typing import NamedTuple

import numpy as np
import pytest

from rnncourse.activations import ACTIVATIONS, log_softmax, relu, relu_slope, sigmoid, softmax, softmax_backward, tanh

POINTS = [-745.0, -40.0, -3.7, -1.0, -1e-3, -1e-300, 0.0, 1e-9, 0.5, 2.0, 17.0, 36.5, 800.0]
EPS = np.finfo(float).eps


class Facts(NamedTuple):
    """What is known of an activation: a new one needs a line in FACTS, and nothing else in the tests."""

    limits: list[float | str]  # at -inf, at minus the largest number, at the largest, at inf
    slopes: list[float]  # there
    slope_at_zero: float


FACTS = {
    "tanh": Facts([-1, -1, 1, 1], [0, 0, 0, 0], 1.0),
    "sigmoid": Facts([0, 0, 1, 1], [0, 0, 0, 0], 0.25),
    "relu": Facts([0, 0, "max", "inf"], [0, 0, 1, 1], 0.0),
    "identity": Facts(["-inf", "-max", "max", "inf"], [1, 1, 1, 1], 1.0),
}


def test_the_facts_of_every_activation_are_known():
    assert FACTS.keys() == ACTIVATIONS.keys(), "an activation needs a line in FACTS"


def exactly(function, *values: float) -> list[float]:
    """Evaluate a function of Decimals with 400 digits."""
    with localcontext() as context:
        context.prec = 400
        return [float(v) for v in function(*map(Decimal, values))]


@pytest.mark.parametrize("z", POINTS)
def test_sigmoid_and_tanh_are_right_to_the_last_digits(z):
    (s,) = exactly(lambda v: [1 / (1 + (-v).exp())], z)
    (t,) = exactly(lambda v: [(v.exp() - (-v).exp()) / (v.exp() + (-v).exp())], z)
    assert sigmoid(np.array(z)) == pytest.approx(s, rel=4 * EPS, abs=0)
    assert tanh(np.array(z)) == pytest.approx(t, rel=4 * EPS, abs=0)


@pytest.mark.parametrize("z", [[0.3], [1.0, -2.0, 0.5], [700.0, -700.0, 3.0], [0.0, 30.0], [-745.0, -744.0]])
def test_softmax_and_its_logarithm_are_right_to_the_last_digits(z):
    def probabilities(*values):
        powers = [v.exp() for v in values]
        return [p / sum(powers) for p in powers]

    np.testing.assert_allclose(softmax(np.array(z)), exactly(probabilities, *z), rtol=8 * EPS)
    logs = exactly(lambda *values: [p.ln() for p in probabilities(*values)], *z)
    np.testing.assert_allclose(log_softmax(np.array(z)), logs, rtol=8 * EPS, atol=2 * EPS)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slopes_agree_with_the_complex_step(name):
    function, slope = ACTIVATIONS[name]
    z = np.array([-30.0, -2.0, -0.3, -1e-8, 1e-8, 0.7, 5.0, 40.0])
    measured = function(z + 1e-30j).imag / 1e-30
    np.testing.assert_allclose(slope(function(z)), measured, rtol=1e-7, atol=1e-15)
    moderate = np.abs(z) < 6  # beyond, a slope from the output has lost digits: 1 - a² where a is nearly 1
    np.testing.assert_allclose(slope(function(z))[moderate], measured[moderate], rtol=1e-11)


@pytest.mark.parametrize("zero", [0.0, -0.0])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slopes_at_zero_of_either_sign(name, zero):
    (function, slope_of), slope = ACTIVATIONS[name], FACTS[name].slope_at_zero
    assert slope_of(function(np.array([zero])))[0] == slope
    assert function(np.array([complex(zero, 1e-30)])).imag[0] == pytest.approx(slope * 1e-30)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_activations_keep_shape_and_dtype_and_leave_their_input_alone(name, dtype):
    function, slope = ACTIVATIONS[name]
    z = np.linspace(-2, 2, 12).astype(dtype).reshape(3, 1, 4)
    before = z.copy()
    a = function(z)
    for out in (a, slope(a)):
        assert out.shape == z.shape
        assert out.dtype == dtype
    assert (z == before).all()
    kind = np.result_type(dtype, np.complex64)
    assert function(z.astype(kind)).dtype == slope(a.astype(kind)).dtype == kind
    np.testing.assert_allclose(function(z.astype(kind)).real, a, rtol=1e-6)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_extremes_give_the_limits_without_a_warning(name, dtype):
    most = np.finfo(dtype).max
    z = np.array([-np.inf, -most, most, np.inf], dtype)
    names = {"max": most, "-max": -most, "inf": np.inf, "-inf": -np.inf}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        function, slope = ACTIVATIONS[name]
        a = function(z)
        assert a.tolist() == [names.get(v, v) for v in FACTS[name].limits]
        assert slope(a).tolist() == FACTS[name].slopes
        finite = function(z[1:3] + np.array(1e-30j, np.result_type(dtype, np.complex64)))
        # NumPy divides complex numbers in several steps, so a quotient may be off by its last bit
        np.testing.assert_allclose(finite.real, a[1:3], rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_nan_stays_nan_where_it_is(name):
    a = ACTIVATIONS[name].function(np.array([0.5, np.nan, -0.5]))
    assert np.isnan(a).tolist() == [False, True, False]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("z", [[1, -1], [1, 1, 1], [-1, -1], [1, 0, -1]])
def test_softmax_takes_the_extremes_without_a_warning(z, dtype):
    logits = np.array(z, dtype) * np.finfo(dtype).max
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yhat, logs = softmax(logits), log_softmax(logits)
    top = np.array(z) == max(z)
    np.testing.assert_allclose(yhat, top / top.sum(), rtol=1e-6)
    np.testing.assert_allclose(logs[top], -np.log(top.sum()), rtol=1e-6)
    assert (logs[~top] <= -np.finfo(dtype).max).all()


def test_softmax_of_an_impossible_class_is_zero_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert softmax(np.array([0.0, -np.inf])).tolist() == [1, 0]
        assert log_softmax(np.array([0.0, -np.inf])).tolist() == [0, -np.inf]


def test_softmax_rows_do_not_see_each_other_and_shifts_do_not_matter():
    z = np.random.default_rng(0).standard_normal((4, 3, 5))
    np.testing.assert_allclose(softmax(z).sum(axis=-1), 1, rtol=1e-15)
    np.testing.assert_allclose(softmax(z + 100), softmax(z), rtol=1e-13)
    np.testing.assert_allclose(np.exp(log_softmax(z)), softmax(z), rtol=1e-14)
    poisoned = z.copy()
    poisoned[1, 1] = np.nan
    for function in (softmax, log_softmax):
        same = function(poisoned) == function(z)
        assert np.argwhere(~same)[:, :2].tolist() == [[1, 1]] * 5


def test_softmax_backward_agrees_with_the_complex_step():
    rng = np.random.default_rng(0)
    z, dyhat = rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 3, 4))
    measured = np.empty_like(z)
    for i in np.ndindex(z.shape):
        nudged = z.astype(complex)
        nudged[i] += 1e-30j
        measured[i] = (softmax(nudged) * dyhat).sum().imag / 1e-30
    np.testing.assert_allclose(softmax_backward(softmax(z), dyhat), measured, atol=1e-15)


def test_relu_of_complex_numbers_goes_by_the_real_part():
    assert relu(np.array([1 + 2j, -1 + 2j, -1 - 2j])).tolist() == [1 + 2j, 0, 0]
    assert relu_slope(np.array([1 + 2j, 0])).tolist() == [1, 0]


def test_relu_at_its_kink_is_flat_for_the_complex_step_too():
    assert relu(np.array([1e-30j, -0.0 + 1e-30j])).tolist() == [0, 0]


EVERY = {
    **{f"{name} {part}": getattr(pair, part) for name, pair in ACTIVATIONS.items() for part in pair._fields},
    "softmax": softmax,
    "log_softmax": log_softmax,
}


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int64, bool])
def test_integers_are_converted_and_never_wrap_around(name, dtype):
    z = np.array([[0, 1, 1], [100, 3, 0]], dtype)
    found = EVERY[name](z)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, EVERY[name](z.astype(float)))


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([0.5, 1.0], "expected a NumPy array, got list"),
        (None, "expected a NumPy array, got None"),
        ("z", "expected a NumPy array, got str"),
        (np.ma.masked_array([0.5, 1.0]), "expected a plain NumPy array, got a masked array"),
        (np.array(["a"]), "expected numbers, got dtype <U1"),
        (np.array([None]), "expected numbers, got dtype object"),
    ],
)
def test_what_is_no_array_of_numbers_is_refused_by_name(name, bad, message):
    with pytest.raises(TypeError, match=f"^[za]: {message}"):
        EVERY[name](bad)


@pytest.mark.parametrize("name", [name for name in EVERY if "softmax" not in name])
def test_numbers_are_as_good_as_arrays(name):
    expected = EVERY[name](np.array([0.5]))[0]
    assert EVERY[name](np.float64(0.5)) == EVERY[name](0.5) == expected


@pytest.mark.parametrize("name", EVERY)
def test_matrices_are_taken_for_arrays(name):
    z = np.array([[0.5, 0.2], [0.1, 0.9]])
    found = EVERY[name](z.view(np.matrix))
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, EVERY[name](z))


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_rounds_to_zero_is_no_error_whatever_errstate_says(name, dtype):
    tiny = np.finfo(dtype).tiny
    z = np.array([-800.0, -745.0, -700.0, -87.5, -1e-20, -tiny, 0.0, tiny, 1e-20, 1e-25, 0.5, 87.5, 800.0], dtype)
    if "slope" in name:
        z = z[np.abs(z) <= 1]
    with np.errstate(all="raise"):
        found = EVERY[name](z)
        if name == "softmax":
            softmax_backward(found, np.full_like(found, tiny))
    np.testing.assert_array_equal(found, EVERY[name](z))


@pytest.mark.parametrize("shape", [(), (3, 0), (0,)])
@pytest.mark.parametrize("function", [softmax, log_softmax])
def test_softmax_needs_an_axis_of_classes(function, shape):
    with pytest.raises(ValueError, match=r"^z: expected shape \(..., n\) with n ≥ 1, got"):
        function(np.zeros(shape))


@pytest.mark.parametrize("shape", [(4,), (1, 4), (3, 1), (2, 3, 4)])
def test_softmax_backward_does_not_broadcast(shape):
    yhat = softmax(np.zeros((3, 4)))
    with pytest.raises(ValueError, match=r"^dyhat: expected shape \(3, 4\), got"):
        softmax_backward(yhat, np.ones(shape))
    with pytest.raises(TypeError, match=r"^dyhat: expected a NumPy array, got list"):
        softmax_backward(yhat, [[1.0] * 4] * 3)
