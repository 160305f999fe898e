"""The measuring tools: they agree with calculus, they catch wrong layers, and check() prints the same everywhere."""

import warnings
from dataclasses import dataclass, replace

import numpy as np
import pytest

from rnncourse import LSTM, RNN, Deep, Gradients, check, tree_map
from rnncourse.gradcheck import gradient_errors, measured_gradients, numerical_gradient

rng = np.random.default_rng(0)
X, A0, DA, DFINAL = (rng.standard_normal(s) for s in ((4, 3, 2), (3, 5), (4, 3, 5), (3, 5)))
LENGTHS = [4, 0, 2]


@pytest.mark.parametrize(("method", "bar"), [("complex", 1e-15), ("central", 1e-9)])
@pytest.mark.parametrize("step", [None, 1e-6])
def test_numerical_gradients_agree_with_calculus(method, bar, step):
    x = np.array([[0.3, -2.0, 1.0], [0.0, 0.5, 3.0]])
    step = 1e-30 if step and method == "complex" else step
    found = numerical_gradient(lambda v: (np.sin(v) * v**2).sum(), x, method, step)
    np.testing.assert_allclose(found, np.cos(x) * x**2 + 2 * x * np.sin(x), atol=20 * bar, rtol=1e-15)
    assert numerical_gradient(lambda v: v.sum(), np.zeros((0, 2)), method).shape == (0, 2)


def test_the_point_itself_is_left_alone():
    x = np.arange(3.0)
    x.flags.writeable = False
    for method in ("complex", "central"):
        np.testing.assert_allclose(numerical_gradient(lambda v: (v * v).sum(), x, method), 2 * x, atol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.ones(1, np.float32),), TypeError, "x: expected dtype float64.*got float32"),
        ((np.ones(1, complex),), TypeError, "x: expected dtype float64.*got complex128"),
        (([1.0],), TypeError, "x: expected a NumPy array, got list"),
        ((np.ones(1), "forward"), ValueError, "method: expected one of complex, central, got 'forward'"),
        ((np.ones(1), None), TypeError, "method: expected one of complex, central, got None"),
        ((np.ones(1), "central", 0), ValueError, "step: expected a number above 0, got 0"),
        ((np.ones(1), "central", "1"), TypeError, "step: expected a number above 0, got str"),
    ],
)
def test_numerical_gradient_refuses_what_it_cannot_measure(arguments, error, message):
    with pytest.raises(error, match=f"^{message}"):
        numerical_gradient(np.sum, *arguments)


REAL = np.array([0.5, -2.0, 1.5])


@pytest.mark.parametrize(
    "f",
    [
        lambda v: np.abs(v).sum(),
        np.linalg.norm,
        lambda v: (np.conj(v) * v).sum(),
        lambda v: (v.real * v).sum(),
        lambda v: float(np.sum(v.real**2)),
        lambda v: np.where(np.arange(3) == 1, v.real**2, v).sum(),
    ],
    ids=["abs", "norm", "conjugate", "real", "float", "one entry"],
)
def test_what_the_complex_step_cannot_differentiate_is_refused_with_both_numbers(f):
    with pytest.raises(
        ValueError, match=r'^f: expected .* is \S+ by the complex step and \S+ by diff.*method="central"'
    ):
        numerical_gradient(f, REAL)
    differences = [(f(REAL + h) - f(REAL - h)) / 2e-6 for h in 1e-6 * np.eye(3)]
    np.testing.assert_allclose(numerical_gradient(f, REAL, "central"), differences, atol=1e-8)


@pytest.mark.parametrize(
    "f",
    [
        lambda v: np.matmul(v, np.eye(3) + 0j, out=np.empty(3, v.dtype)).sum(),  # has other complex arrays inside
        lambda v: 0.0,
        lambda v: 1e12 + v.sum(),
        lambda v: (v**7 * 1e40).sum(),
        lambda v: (1e-40 * v).sum(),
    ],
)
def test_what_it_can_differentiate_is_not(f):
    assert np.isfinite(numerical_gradient(f, REAL)).all()
    assert np.isfinite(numerical_gradient(f, REAL, step=0.1)).all()  # the error of a step that was asked for is its own


@pytest.mark.parametrize(
    ("value", "error", "came"),
    [(None, TypeError, "None"), ("1", TypeError, "str '1'"), (np.ones(1), ValueError, "an array of shape (1,)")],
)
@pytest.mark.parametrize("method", ["complex", "central"])
def test_a_function_that_returns_no_number_is_refused(value, error, came, method):
    with pytest.raises(error) as raised:
        numerical_gradient(lambda v: value, REAL, method)
    assert str(raised.value) == f"f: expected a function that returns a number, got {came}"


def layer():
    local = np.random.default_rng(1)
    return RNN(local.standard_normal((5, 7)), local.standard_normal(5))


@pytest.mark.parametrize(
    "given", [{}, {"da": DA}, {"dfinal": DFINAL}, {"state": A0, "da": DA, "dfinal": DFINAL}], ids=str
)
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=str)
def test_a_right_layer_passes_with_any_arguments(given, lengths):
    errors = gradient_errors(layer(), X, lengths=lengths, **given)
    assert list(errors) == ["x", "state", "layer.W", "layer.b"]
    assert max(errors.values()) < 1e-13


def test_measured_gradients_come_in_the_records_of_backward():
    measured = measured_gradients(layer(), X, A0, DA, DFINAL)
    assert isinstance(measured, Gradients)
    assert isinstance(measured.layer, RNN)
    assert measured.x.shape == X.shape
    assert measured.x.dtype == np.float64


def test_without_an_upstream_gradient_one_is_drawn_or_asked_for():
    """With zeros upstream every layer would be right, one without a backward pass too."""

    class Idle(RNN):
        def backward(self, run, da, dfinal=None):
            return tree_map(np.zeros_like, super().backward(run, da, dfinal))

    idle = Idle(layer().W, layer().b)
    assert gradient_errors(idle, X) == gradient_errors(idle, X)
    assert min(gradient_errors(idle, X).values()) > 0.1
    with pytest.raises(ValueError, match=r"^da, dfinal: expected at least one upstream gradient, got None and None"):
        measured_gradients(layer(), X)


def test_parts_of_dfinal_may_be_none():
    deep = Deep((layer(), LSTM.init(5, 2, np.random.default_rng(0))))
    d = np.random.default_rng(1).standard_normal((3, 2))
    for part in (None, (None, d), (d, None)):
        errors = gradient_errors(deep, X, dfinal=(DFINAL, part))
        assert len(errors) == 8
        assert max(errors.values()) < 1e-13
    measured = measured_gradients(deep, X, dfinal=(None, (None, d)))
    zeros = measured_gradients(deep, X, dfinal=(0 * DFINAL, (0 * d, d)))
    assert measured == zeros


SINGLE = tree_map(lambda p: p.astype(np.float32), layer())


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ((None, X), TypeError, "layer: expected a layer, got None"),
        (
            (SINGLE, X),
            TypeError,
            "layer: expected float64 parameters, in which gradients are measured, got float32; tree",
        ),
        ((layer(), X[0]), ValueError, "x: expected shape"),
        ((layer(), X, A0, DA[:1]), ValueError, r"da: expected shape \(4, 3, 5\), got \(1, 3, 5\)"),
        ((layer(), X, A0, DA[..., :1]), ValueError, r"da: expected shape \(4, 3, 5\), got \(4, 3, 1\)"),
        ((layer(), X, A0, DA.astype("f4")), TypeError, "da: expected dtype float64, in which .* got float32"),
        ((layer(), X, A0, DA, DFINAL[:1]), ValueError, r"dfinal: expected shape \(3, 5\), got \(1, 5\)"),
        ((layer(), X, A0, DA, (DFINAL,)), TypeError, "dfinal: expected a NumPy array, got tuple"),
        ((Deep((layer(),)), X, None, DA, DFINAL), TypeError, "dfinal: expected a tuple of 1 entries"),
        ((Deep((layer(),)), X, None, DA, (DFINAL.T,)), ValueError, r"dfinal\[0\]: expected shape \(3, 5\), got"),
    ],
)
@pytest.mark.parametrize("measure", [measured_gradients, gradient_errors])
def test_what_does_not_fit_the_layer_is_refused_by_name(measure, given, error, message):
    with pytest.raises(error, match=f"^{message}"):
        measure(*given)


def test_a_gradient_of_another_shape_is_refused():
    class Averaged(RNN):
        def backward(self, run, da, dfinal=None):
            good = super().backward(run, da, dfinal)
            return Gradients(good.x[:1], good.state, good.layer)

    with pytest.raises(ValueError, match=r"^gradient x: expected shape \(4, 3, 2\), got \(1, 3, 2\)"):
        gradient_errors(Averaged(layer().W, layer().b), X, da=DA)


def test_inputs_of_integers_have_no_derivative():
    errors = gradient_errors(layer(), np.arange(24).reshape(4, 3, 2) % 3, da=DA)
    assert list(errors) == ["state", "layer.W", "layer.b"]
    assert max(errors.values()) < 1e-13


def swap(tree, k, f):
    """Change the k-th array of a tree."""
    count = iter(range(9))
    return tree_map(lambda a: f(a) if next(count) == k else a, tree)


@dataclass(frozen=True, eq=False, repr=False)
class Broken(RNN):
    """An RNN whose backward spoils what comes out, or is given wrong things."""

    def backward(self, run, da, dfinal=None):
        good = super().backward(run, da, dfinal)
        ignored = super().backward(run, da)
        no_slope = RNN(self.W, self.b, "identity")
        identity_run = replace(run, layer=no_slope)
        every_step = replace(run, lengths=None)
        transposed = RNN(np.hstack([self.W_aa.T, self.W_ax]), self.b)
        transposed_run = replace(run, layer=transposed)
        return {
            "a sign in x": lambda: swap(good, 0, np.negative),
            "a sign in the state": lambda: swap(good, 1, np.negative),
            "W transposed": lambda: swap(good, 2, lambda W: np.hstack([W[:, :5].T, W[:, 5:]])),
            "b averaged": lambda: swap(good, 3, lambda b: b / 4),
            "a tenth of a per mille": lambda: swap(good, 2, lambda W: W * 1.0001),
            "one entry": lambda: swap(good, 2, lambda W: W + 1e-9 * (np.arange(35).reshape(5, 7) == 17)),
            "the last step forgotten": lambda: swap(good, 0, lambda x: x * (np.arange(4) < 3)[:, None, None]),
            "dfinal ignored": lambda: ignored,
            "no slope": lambda: no_slope.backward(identity_run, da, dfinal),
            "lengths ignored": lambda: RNN.backward(self, every_step, da, dfinal) if run.lengths is not None else good,
            "a transpose in the recurrence": lambda: transposed.backward(transposed_run, da, dfinal),
        }[BROKEN_BY[0]]()


BROKEN_BY = [""]
FAULTS = [
    "a sign in x",
    "a sign in the state",
    "W transposed",
    "b averaged",
    "a tenth of a per mille",
    "one entry",
    "the last step forgotten",
    "dfinal ignored",
    "no slope",
    "lengths ignored",
    "a transpose in the recurrence",
]


def spoiled(fault):
    good = layer()
    BROKEN_BY[0] = fault
    return Broken(good.W, good.b)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_layer_is_caught(fault):
    errors = gradient_errors(spoiled(fault), X, A0, DA, DFINAL, LENGTHS)
    assert max(errors.values()) > 1e-11
    if fault not in ("one entry",):
        assert max(gradient_errors(spoiled(fault), X, A0, DA, DFINAL, LENGTHS, "central").values()) > 1e-6


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("k", range(4))
def test_a_gradient_of_nan_is_no_agreement_wherever_it_stands(k, bad):
    class Bad(RNN):
        def backward(self, run, da, dfinal=None):
            return swap(super().backward(run, da, dfinal), k, lambda x: x * bad)

    assert max(gradient_errors(Bad(layer().W, layer().b), X, A0, DA).values()) == np.inf


@pytest.mark.parametrize(
    ("mine", "reference"),
    [
        ([1.0, 2.0], [1.0, 2.0]),
        ([1.0, 2.0], [1.0, 2.0 + 1e-10]),
        (1000.0, 1000.0 + 5e-7),
        ([np.nan, np.inf, -np.inf], [np.nan, np.inf, -np.inf]),
        ([1, 2], [1.0, 2.0]),
        ([True], [True]),
    ],
)
def test_check_says_so_where_numbers_agree(capsys, mine, reference):
    assert prints(capsys, mine, reference) == "d: agrees (within 1e-09)\n"


def prints(capsys, mine, reference, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check("d", mine, reference, **options) is None
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("mine", "reference", "count", "where", "yours", "theirs", "gap"),
    [
        (2.0, 1.0, "1 of 1", "()", "2", "1", "1"),
        ([[1, 5], [3, 9]], [[1, 2], [3, 4]], "2 of 4", "(1, 1)", "9", "4", "5"),
        ([10, 1], [9, 5], "2 of 2", "(1,)", "1", "5", "-4"),
        ([True, False], [True, True], "1 of 2", "(1,)", "0", "1", "-1"),
        (np.array([3], np.uint8), np.array([5], np.uint8), "1 of 1", "(0,)", "3", "5", "-2"),
        ([np.inf, 1.0], [np.inf, 2.0], "1 of 2", "(1,)", "1", "2", "-1"),
        ([9.0, np.nan], [1.0, 2.0], "2 of 2", "(1,)", "nan", "2", "nan"),
        ([np.inf], [-np.inf], "1 of 1", "(0,)", "inf", "-inf", "inf"),
        ([1.7e308], [-1.7e308], "1 of 1", "(0,)", "1.7e+308", "-1.7e+308", "inf"),
        ([1 + 1j], [1 + 2j], "1 of 1", "(0,)", "1+1j", "1+2j", "0-1j"),
    ],
)
def test_check_says_where_and_by_how_much_numbers_differ(capsys, mine, reference, count, where, yours, theirs, gap):
    numbers = f"yours is {yours}, the reference {theirs} (difference {gap})"
    expected = f"d: differs at {count} entries, most at {where}:\n  {numbers}\n"
    assert prints(capsys, mine, reference) == expected


@pytest.mark.parametrize(
    ("mine", "reference", "hint"),
    [
        ((2, 3), (3, 2), ":\n  a transpose is missing, or one too many"),
        ((2, 3, 4), (4, 3, 2), ":\n  a transpose is missing, or one too many"),
        ((2, 3), (2, 4), ""),
        ((3,), (), ""),
    ],
)
def test_check_says_how_shapes_differ(capsys, mine, reference, hint):
    expected = f"d: differs in shape: yours is {mine}, the reference {reference}{hint}\n"
    assert prints(capsys, np.ones(mine), np.ones(reference)) == expected


def test_check_writes_numbers_so_that_the_difference_is_seen(capsys):
    head = "d: differs at 1 of 1 entries, most at (0,):\n  yours is "
    for mine, reference, tol, end in (
        (
            [1e-3],
            [1e-3 + 2e-9],
            None,
            "0.001, the reference 0.001000002 (difference -2e-09, within 1e-09 were allowed)",
        ),
        ([1.25], [1.0], 0.1, "1.25, the reference 1 (difference 0.25)"),
        ([1.0], [1 + 2**-52], 0, "1, the reference 1.0000000000000002 (difference -2.2e-16, within 0 were allowed)"),
    ):
        assert prints(capsys, mine, reference, tol=tol) == f"{head}{end}\n"


@pytest.mark.parametrize(
    ("mine", "reference", "agrees"),
    [
        (-0.867, -0.867 * (1 + 9e-5), True),
        (-0.867, -0.867 * (1 + 1.1e-4), False),
        (5000.0, 5000.4, True),
        ([1e-3, 1.0], [1e-3 + 9e-5, 1.0], True),  # the largest counts for all
        (1e-3, 1.2e-3, False),  # a small one is no 1
        (0.0, 9e-7, True),
        (0.0, 2e-6, False),
    ],
)
def test_float32_has_a_tolerance_of_its_own(capsys, mine, reference, agrees):
    for left, right in ((np.float32, np.float32), (np.float32, np.float64), (np.float64, np.float32)):
        printed = prints(capsys, np.asarray(mine, left), np.asarray(reference, right))
        assert printed.startswith("d: agrees (within 0.0001)" if agrees else "d: differs at 1 of"), printed
    assert "differs" in prints(capsys, np.float32(1.0), np.float32(1 + 1e-6), tol=1e-9)  # one that is given holds


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
def test_check_does_not_say_that_nothing_agrees(capsys, shape):
    assert prints(capsys, np.ones(shape), np.ones(shape)) == "d: nothing to compare, both are empty\n"


def test_check_names_the_tolerance_and_does_not_print_rounding_noise(capsys):
    for noise in (0, 1e-15, 3e-13):
        check("loss", 1.0 + noise, 1.0, tol=1e-12)
    assert capsys.readouterr().out == "loss: agrees (within 1e-12)\n" * 3
    check("loss", 1.0, 1.0 + 1e-15, tol=0)
    assert "differs" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("mine", "reference", "agrees"),
    [
        (0.5, 0.0, True),
        (0.75, 0.0, False),  # small references count as 1
        (1.5, 1.0, True),
        ([0.0, 5.0], [2.0, 4.0], True),  # and the largest counts for all
        ([0.0, 7.0], [2.0, 4.0], False),
    ],
)
def test_check_allows_the_tolerance_itself_times_the_largest_reference_or_one(capsys, mine, reference, agrees):
    assert ("agrees" in prints(capsys, mine, reference, tol=0.5)) == agrees


@pytest.mark.parametrize(
    ("mine", "reference", "tol", "error", "message"),
    [
        (None, 1.0, 1e-9, TypeError, "mine: expected numbers, got an array of shape () and dtype object"),
        (1.0, "one", 1e-9, TypeError, "reference: expected numbers, got an array"),
        ([[1], [1, 2]], 1.0, 1e-9, ValueError, "mine: expected an array, got a ragged sequence"),
        (1.0, 1.0, -1, ValueError, "tol: expected a number of at least 0, got -1"),
        (1.0, 1.0, "small", TypeError, "tol: expected a number of at least 0, got str 'small'"),
        (1.0, 1.0, np.nan, ValueError, "tol: expected a number of at least 0, got nan"),
    ],
)
def test_check_refuses_what_is_no_number(mine, reference, tol, error, message):
    with pytest.raises(error) as raised:
        check("d", mine, reference, tol)
    assert str(raised.value).startswith(message)


def test_an_underflow_is_no_error_even_where_the_user_raises_them():
    """The complex step is so small that its products vanish, the more so where gates are saturated."""
    layer = LSTM.init(2, 5, np.random.default_rng(0))
    x = np.array([1e-300, 2.0])
    with np.errstate(under="raise"):
        np.testing.assert_allclose(numerical_gradient(lambda v: (v * v * v).sum(), x), [0.0, 12.0], atol=1e-50)
        assert max(gradient_errors(layer, 300 * X, da=DA).values()) < 1e-12
