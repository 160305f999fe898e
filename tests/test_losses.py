"""Losses against their formulas and PyTorch, gradients against the complex step, masks, extremes and bad inputs."""

import warnings
from importlib.util import find_spec

import numpy as np
import pytest

from rnncourse.gradcheck import numerical_gradient
from rnncourse.losses import binary_cross_entropy, softmax_cross_entropy, squared_error

LOSSES = {"squared error": squared_error, "binary": binary_cross_entropy, "softmax": softmax_cross_entropy}
SHAPE = (4, 3, 5)


def sample(name, shape=SHAPE, seed=0, dtype=np.float64):
    """Logits and fitting targets."""
    rng = np.random.default_rng(seed)
    z, y = rng.standard_normal(shape), rng.random(shape)
    return z.astype(dtype), (y / y.sum(axis=-1, keepdims=True) if name == "softmax" else y).astype(dtype)


def a_mask(seed=0):
    mask = np.random.default_rng(seed).random(SHAPE[:-1]) < 0.6
    assert mask.any()
    assert not mask.all()
    return mask


def direct(name, z, y):
    """One value a step, as the formula says."""
    if name == "squared error":
        terms = (z - y) ** 2 / 2
    elif name == "binary":
        p = 1 / (1 + np.exp(-z))
        terms = -y * np.log(p) - (1 - y) * np.log(1 - p)
    else:
        terms = -y * np.log(np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True))
    return terms.sum(axis=-1)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("masked", [False, True])
def test_values_are_those_of_the_formula_in_every_reduction(name, masked):
    z, y = sample(name)
    mask = a_mask() if masked else None
    counts = np.ones(SHAPE[:-1], bool) if mask is None else mask
    steps = np.where(counts, direct(name, z, y), 0)
    found = {reduction: LOSSES[name](z, y, mask, reduction) for reduction in ("none", "sum", "mean")}
    np.testing.assert_allclose(found["none"].value, steps, rtol=1e-13)
    assert found["sum"].value == pytest.approx(steps.sum(), rel=1e-14)
    assert found["mean"].value == pytest.approx(steps.sum() / counts.sum(), rel=1e-14)
    np.testing.assert_array_equal(found["none"].dz, found["sum"].dz)
    np.testing.assert_allclose(found["mean"].dz, found["sum"].dz / counts.sum(), rtol=1e-15)
    assert LOSSES[name](z, y, mask).value == found["sum"].value


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize(("method", "bar"), [("complex", 1e-13), ("central", 1e-8)])
def test_gradients_agree_with_their_measurement(name, masked, reduction, method, bar):
    z, y = sample(name, seed=1)
    mask = a_mask(1) if masked else None
    measured = numerical_gradient(lambda v: LOSSES[name](v, y, mask, reduction).value, z, method)
    np.testing.assert_allclose(LOSSES[name](z, y, mask, reduction).dz, measured, atol=bar, rtol=0)


@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_is_prediction_minus_target(name):
    z, y = sample(name)
    yhat = {
        "squared error": z,
        "binary": 1 / (1 + np.exp(-z)),
        "softmax": np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True),
    }[name]
    np.testing.assert_allclose(LOSSES[name](z, y).dz, yhat - y, atol=1e-15)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("junk", [np.nan, np.inf, -np.inf, 1.7e308, -5.0])
@pytest.mark.parametrize("reduction", ["sum", "mean", "none"])
def test_what_stands_where_the_mask_is_false_changes_no_bit(name, junk, reduction):
    z, y = sample(name)
    mask = a_mask()
    expected = LOSSES[name](z, y, mask, reduction)
    inputs = np.where(mask[..., None], z, junk), np.where(mask[..., None], y, junk)
    before = [array.copy() for array in inputs]
    found = LOSSES[name](*inputs, mask, reduction)
    np.testing.assert_array_equal(found.value, expected.value)
    np.testing.assert_array_equal(found.dz, expected.dz)
    assert (found.dz[~mask] == 0).all()
    for array, old in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(array, old)


def test_a_mask_equals_leaving_the_steps_out():
    for name, loss in LOSSES.items():
        z, y = sample(name)
        mask = a_mask()
        assert loss(z, y, mask, "mean").value == pytest.approx(
            loss(z[mask], y[mask], reduction="mean").value, rel=1e-14
        )


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.int32, ">i2"])
@pytest.mark.parametrize("reduction", ["sum", "mean", "none"])
@pytest.mark.parametrize("masked", [False, True])
def test_classes_equal_one_hot_vectors(masked, reduction, kind):
    """Bit for bit: the way of classes builds no vectors."""
    z, _ = sample("softmax")
    classes, mask = np.random.default_rng(3).integers(0, 5, SHAPE[:-1]), a_mask() if masked else None
    expected = softmax_cross_entropy(z, np.eye(5)[classes], mask, reduction)
    for y in (classes.astype(kind), np.eye(5, dtype=bool)[classes], np.eye(5, dtype=int)[classes]):
        found = softmax_cross_entropy(z, y, mask, reduction)
        np.testing.assert_array_equal(found.value, expected.value)
        np.testing.assert_array_equal(found.dz, expected.dz)
        assert type(found.value) is type(expected.value)


def test_classes_out_of_range_are_allowed_where_the_mask_is_false():
    z, _ = sample("softmax")
    mask, classes = a_mask(), np.ones(SHAPE[:-1], int)
    found = softmax_cross_entropy(z, np.where(mask, classes, -100), mask)
    np.testing.assert_array_equal(found.dz, softmax_cross_entropy(z, classes, mask).dz)
    with pytest.raises(ValueError, match=r"^y: expected classes from 0 to n_y - 1 = 4, got -100"):
        softmax_cross_entropy(z, np.where(mask, classes, -100))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3,), (2, 3), (1, 1), (4, 2, 3)])
def test_shapes_and_dtypes_are_kept(name, dtype, shape):
    z, y = sample(name, shape, dtype=dtype)
    for reduction in ("sum", "mean", "none"):
        loss = LOSSES[name](z, y, reduction=reduction)
        assert loss.value.dtype == loss.dz.dtype == dtype
        assert loss.dz.shape == shape
        assert np.shape(loss.value) == (shape[:-1] if reduction == "none" else ())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("signs", [(1, 1), (1, -1), (-1, 1), (-1, -1)])
@pytest.mark.parametrize("reduction", ["sum", "mean", "none"])
def test_the_extremes_raise_no_warning_and_give_no_nan(name, dtype, signs, reduction):
    z = np.tile(np.array(signs, dtype) * np.finfo(dtype).max, (6, 1))
    for y in ([1, 0], [0, 1]):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            loss = LOSSES[name](z, np.tile(np.array(y, dtype), (6, 1)), reduction=reduction)
        assert not np.isnan(loss.value).any()
        assert (loss.value >= 0).all()
        assert np.isfinite(loss.dz).all()


@pytest.mark.parametrize("z", [30.0, -30.0, 700.0, 1e-20, -1e-20])
def test_small_losses_keep_their_digits(z):
    """-log σ(z) is e^{-z} for large z: no difference of two large numbers."""
    assert binary_cross_entropy(np.array([[z]]), np.array([[1.0]])).value == pytest.approx(
        np.logaddexp(0, -z), rel=1e-14
    )
    assert binary_cross_entropy(np.array([[z]]), np.array([[0.0]])).value == pytest.approx(
        np.logaddexp(0, z), rel=1e-14
    )


def test_impossible_classes_cost_nothing_unless_they_come():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        z = np.array([[0.0, -np.inf]])
        assert softmax_cross_entropy(z, np.array([0])).value == 0
        assert softmax_cross_entropy(z, np.array([1])).value == np.inf
        assert softmax_cross_entropy(z, np.array([1])).dz.tolist() == [[1, -1]]
        for logit, label in ((-np.inf, 0.0), (np.inf, 1.0)):
            found = binary_cross_entropy(np.array([[logit]]), np.array([[label]]))
            assert (found.value, found.dz[0, 0]) == (0, 0)
            assert binary_cross_entropy(np.array([[logit]]), np.array([[1 - label]])).value == np.inf


@pytest.mark.parametrize("name", LOSSES)
def test_nan_stays_in_its_step(name):
    z, y = sample(name)
    clean = LOSSES[name](z, y, reduction="none")
    z[1, 2, 0] = np.nan
    found = LOSSES[name](z, y, reduction="none")
    same = np.ones(SHAPE[:-1], bool)
    same[1, 2] = False
    np.testing.assert_array_equal(found.value[same], clean.value[same])
    np.testing.assert_array_equal(found.dz[same], clean.dz[same])
    assert np.isnan(found.value[1, 2])


@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed: no live comparison with it")
@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_losses_agree_with_pytorch(reduction):
    import torch
    from torch.nn import functional

    n = SHAPE[0] * SHAPE[1] if reduction == "mean" else 1
    references = {
        "squared error": lambda z, y: functional.mse_loss(z, y, reduction="sum") / 2,
        "binary": lambda z, y: functional.binary_cross_entropy_with_logits(z, y, reduction="sum"),
        "softmax": lambda z, y: functional.cross_entropy(z.reshape(-1, 5), y.reshape(-1, 5), reduction="sum"),
    }
    for name, reference in references.items():
        z, y = sample(name, seed=5)
        tensor = torch.tensor(z, requires_grad=True)
        value = reference(tensor, torch.tensor(y)) / n
        value.backward()
        found = LOSSES[name](z, y, reduction=reduction)
        assert found.value == pytest.approx(value.item(), rel=1e-14)
        np.testing.assert_allclose(found.dz, tensor.grad.numpy(), atol=1e-14, err_msg=name)


Z, Y = np.zeros((3, 2, 4)), np.full((3, 2, 4), 0.25)
NOT_A_MASK = [
    ([[True] * 2] * 3, TypeError, "list"),
    (np.ones((3, 2)), TypeError, "float64"),
    (np.ones((3, 2), int), TypeError, "int64"),
    (np.ones((2, 3), bool), ValueError, r"\(2, 3\)"),
    (np.ones((3, 2, 4), bool), ValueError, r"\(3, 2, 4\)"),
    (np.ones(3, bool), ValueError, r"\(3,\)"),
    (np.zeros((3, 2), bool), ValueError, "none"),
    (np.ma.masked_array(np.ones((3, 2), bool)), TypeError, "masked array"),
    ("mask", TypeError, "str"),
]
NOT_NUMBERS = [
    (None, TypeError, "None"),
    ([[0.0]], TypeError, "list"),
    ("z", TypeError, "str"),
    (1.0, TypeError, "float"),
    (Z.astype(object), TypeError, "object"),
    (Z.astype(str), TypeError, "<U"),
    (Z.astype(np.float16), TypeError, "float16"),
    (np.ma.masked_array(Z), TypeError, "masked array"),
]
WRONG_LOGITS = [
    *NOT_NUMBERS,
    (Z.astype(int), TypeError, "int64"),
    (Z > 0, TypeError, "bool"),
    (np.array(1.0), ValueError, r"\(\)"),
    (np.zeros((0, 2, 4)), ValueError, r"\(0, 2, 4\)"),
    (np.zeros((3, 2, 0)), ValueError, r"\(3, 2, 0\)"),
]
WRONG_TARGETS = [
    *NOT_NUMBERS,
    (Y.astype(np.float32), TypeError, "float32"),
    (Y.astype(complex), TypeError, "complex128"),
    (Y[0], ValueError, r"\(2, 4\)"),
    (Y[..., :3], ValueError, r"\(3, 2, 3\)"),
    (Y[None], ValueError, r"\(1, 3, 2, 4\)"),
    (np.array(1.0), ValueError, r"\(\)"),
]


@pytest.mark.parametrize("name", LOSSES)
def test_bad_arguments_are_refused_by_name(name):
    loss, logits = LOSSES[name], "yhat" if name == "squared error" else "z"

    def refuses(argument, error, came, *arguments):
        with pytest.raises(error, match=f"^{argument}: expected .*got .*{came}"):
            loss(*arguments)

    for value, error, came in WRONG_LOGITS:
        targets = np.full(np.shape(value), 0.25) if error is ValueError else Y
        refuses(logits, error, came, value, targets)
    for value, error, came in WRONG_TARGETS:
        refuses("y", error, came, Z, value)
    for value, error, came in NOT_A_MASK:
        refuses("mask", error, came, Z, Y, value)
    for value, error in ((None, TypeError), ("average", ValueError), (1, TypeError), ("", ValueError)):
        refuses("reduction", error, repr(value), Z, Y, None, value)


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan, np.inf])
def test_binary_targets_are_from_0_to_1(value):
    y = Y.copy()
    y[0, 1, 2] = value
    with pytest.raises(ValueError, match=r"^y: expected targets from 0 to 1, got values from .* to .*"):
        binary_cross_entropy(Z, y)


@pytest.mark.parametrize(
    ("row", "came"),
    [
        ([0.5, 0.5, 0.5, 0.5], "a sum of 2"),
        ([0, 0, 0, 0], "a sum of 0"),
        ([1.5, -0.5, 0, 0], "an entry -0.5"),
        ([np.nan, 0, 0, 1], "an entry nan"),
        ([np.inf, 0, 0, 1], "a sum of inf"),
    ],
)
def test_probabilities_add_up_to_1(row, came):
    y = Y.copy()
    y[1, 0] = row
    with pytest.raises(ValueError, match=f"^y: expected probabilities that add up to 1 at each step, got {came}$"):
        softmax_cross_entropy(Z, y)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (np.full((3, 2), 4), r"classes from 0 to n_y - 1 = 3, got 4"),
        (np.full((3, 2), -1), r"classes from 0 to n_y - 1 = 3, got -1"),
        (np.zeros((2, 3), int), r"shape \(3, 2\), got \(2, 3\)"),
        (np.zeros(3, int), r"shape \(3, 2, 4\), got \(3,\)"),
    ],
)
def test_classes_fit_the_logits(classes, message):
    with pytest.raises(ValueError, match=f"^y: expected {message}$"):
        softmax_cross_entropy(Z, classes)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, bool])
def test_classes_that_are_no_integers_are_refused_for_their_dtype(dtype):
    message = rf"^y: expected integers, where there is one class a step, got dtype {np.dtype(dtype)}$"
    with pytest.raises(TypeError, match=message):
        softmax_cross_entropy(Z, np.zeros((3, 2), dtype))


@pytest.mark.parametrize("name", LOSSES)
def test_messages_speak_of_the_loss_and_not_of_a_layer(name):
    loss, logits = LOSSES[name], "yhat" if name == "squared error" else "z"
    with pytest.raises(TypeError, match=rf"^y: expected dtype float64, the precision of {logits}, got float32$"):
        loss(Z, Y.astype(np.float32))
    for given in ((np.ma.masked_array(Z), Y), (Z, np.ma.masked_array(Y))):
        with pytest.raises(TypeError, match=r"got a masked array; `mask` says which steps count$"):
            loss(*given)


@pytest.mark.parametrize("name", LOSSES)
def test_matrices_are_the_arrays_that_they_are(name):
    z, y = sample(name, (4, 5))
    mask, weights = np.array([True, False, True, True]), np.array([0.5, 1, 2, 3])
    expected = LOSSES[name](z, y, mask, "none", weights)
    found = LOSSES[name](z.view(np.matrix), y.view(np.matrix), mask, "none", weights)
    assert type(found.value) is type(found.dz) is np.ndarray
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_the_gradient_is_that_of_probabilities_that_are_off_by_rounding():
    z, y = sample("softmax")
    y = y * (1 + 9e-4 * np.linspace(-1, 1, 12).reshape(4, 3, 1))
    for reduction in ("sum", "mean"):
        measured = numerical_gradient(lambda v, r=reduction: softmax_cross_entropy(v, y, reduction=r).value, z)
        np.testing.assert_allclose(softmax_cross_entropy(z, y, reduction=reduction).dz, measured, atol=1e-13)


@pytest.mark.parametrize("name", LOSSES)
def test_a_term_that_rounds_to_zero_is_no_error_whatever_errstate_says(name):
    z = np.array([[800.0, -800.0, 0.0], [1e-200, -1e-300, 700.0]])
    y = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    with np.errstate(all="raise"):
        loss = LOSSES[name](z, y, reduction="mean")
    assert np.isfinite(loss.value)
    assert np.isfinite(loss.dz).all()


WEIGHTS = {
    "steps": np.random.default_rng(7).random(SHAPE[:-1]),
    "steps as a column": np.random.default_rng(8).random((*SHAPE[:-1], 1)),
    "classes": np.random.default_rng(9).random(5),
    "classes as a row": np.random.default_rng(10).random((1, 1, 5)),
    "integers": np.array([0, 1, 2, 3, 4]),
    "booleans": np.random.default_rng(11).random(SHAPE[:-1]) < 0.5,
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("which", WEIGHTS)
@pytest.mark.parametrize("masked", [False, True])
def test_weighted_values_are_those_of_the_formula(name, which, masked):
    z, y = sample(name)
    mask = a_mask() if masked else np.ones(SHAPE[:-1], bool)
    w = WEIGHTS[which] * np.ones(1)
    w = np.broadcast_to(w[..., None] if w.ndim == 2 else w, SHAPE)
    if name == "squared error":
        steps, each = (w * (z - y) ** 2 / 2).sum(axis=-1), w.mean(axis=-1)
    elif name == "binary":
        p = 1 / (1 + np.exp(-z))
        steps, each = -(w * (y * np.log(p) + (1 - y) * np.log(1 - p))).sum(axis=-1), w.mean(axis=-1)
    else:
        p = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
        steps, each = -(w * y * np.log(p)).sum(axis=-1), (w * y).sum(axis=-1)
    found = {r: LOSSES[name](z, y, mask, r, WEIGHTS[which]) for r in ("none", "sum", "mean")}
    np.testing.assert_allclose(found["none"].value, np.where(mask, steps, 0), rtol=1e-12)
    assert found["sum"].value == pytest.approx(steps[mask].sum(), rel=1e-13)
    assert found["mean"].value == pytest.approx(steps[mask].sum() / each[mask].sum(), rel=1e-13)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("which", WEIGHTS)
@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_weighted_gradients_agree_with_their_measurement(name, which, reduction):
    z, y = sample(name, seed=2)
    mask, w = a_mask(2), WEIGHTS[which]
    measured = numerical_gradient(lambda v: LOSSES[name](v, y, mask, reduction, w).value, z)
    np.testing.assert_allclose(LOSSES[name](z, y, mask, reduction, w).dz, measured, atol=1e-13, rtol=0)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_weights_change_nothing_in_the_mean_and_dtypes_stay(name, dtype):
    z, y = sample(name, dtype=dtype)
    plain = LOSSES[name](z, y, reduction="mean")
    for shape in ((5,), SHAPE[:-1]):
        found = LOSSES[name](z, y, None, "mean", np.full(shape, 3, dtype))
        assert found.value.dtype == found.dz.dtype == dtype
        assert found.value == pytest.approx(plain.value, rel=1e-5 if dtype is np.float32 else 1e-13)
        np.testing.assert_allclose(found.dz, plain.dz, rtol=1e-4 if dtype is np.float32 else 1e-12, atol=1e-7)


def test_weights_of_classes_count_each_step_as_much_as_its_class():
    z, _ = sample("softmax")
    classes = np.random.default_rng(3).integers(0, 5, SHAPE[:-1])
    w = np.arange(1.0, 6.0)
    by_class = softmax_cross_entropy(z, classes, None, "mean", w)
    by_step = softmax_cross_entropy(z, classes, None, "mean", w[classes])
    assert by_class.value == pytest.approx(by_step.value, rel=1e-14)
    np.testing.assert_allclose(by_class.dz, by_step.dz, atol=1e-15)


@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed: no live comparison with it")
@pytest.mark.parametrize("reduction", ["sum", "mean", "none"])
def test_weights_of_classes_are_pytorchs(reduction):
    import torch
    from torch.nn import functional

    z, _ = sample("softmax", seed=6)
    classes, w = np.random.default_rng(4).integers(0, 5, SHAPE[:-1]), np.array([0.2, 3.0, 0.0, 1.0, 0.7])
    tensor = torch.tensor(z, requires_grad=True)
    value = functional.cross_entropy(
        tensor.reshape(-1, 5), torch.tensor(classes.ravel()), torch.tensor(w), reduction=reduction
    )
    value.sum().backward()
    found = softmax_cross_entropy(z, classes, None, reduction, w)
    np.testing.assert_allclose(found.value.ravel(), value.detach().numpy().ravel(), rtol=1e-13)
    np.testing.assert_allclose(found.dz, tensor.grad.numpy(), atol=1e-15)


def test_weights_of_classes_are_what_pytorch_gave():
    """PyTorch 2.13: cross_entropy(z, [2, 0, 1], weight=[0.2, 3, 0.7]), mean, in float64."""
    z, classes = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75], [0.0, 0.125, 3.0]]), np.array([2, 0, 1])
    found = softmax_cross_entropy(z, classes, None, "mean", np.array([[0.2, 3.0, 0.7]]))
    assert found.value == pytest.approx(2.3494495602487935, rel=1e-14)
    np.testing.assert_allclose(
        found.dz,
        [
            [0.03146237807641684, 0.007020205458841336, -0.03848258353525817],
            [-0.014438956864047952, 0.010555723281930848, 0.003883233582117103],
            [0.034620894810133994, -0.7300001558328765, 0.6953792610227425],
        ],
        rtol=1e-13,
    )


@pytest.mark.parametrize("junk", [np.nan, np.inf, -5.0])
@pytest.mark.parametrize("name", LOSSES)
def test_weights_where_the_mask_is_false_never_matter(name, junk):
    z, y = sample(name)
    mask, w = a_mask(), WEIGHTS["steps"]
    expected = LOSSES[name](z, y, mask, "mean", w)
    found = LOSSES[name](z, y, mask, "mean", np.where(mask, w, junk))
    np.testing.assert_array_equal(found.value, expected.value)
    np.testing.assert_array_equal(found.dz, expected.dz)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        ([1.0] * 4, TypeError, "expected a NumPy array, got list"),
        (1.0, TypeError, "expected a NumPy array, got float"),
        (np.ma.masked_array(np.ones(4)), TypeError, "expected a plain NumPy array, got a masked array"),
        (np.ones(4, np.float32), TypeError, "expected dtype float64, the precision of the logits, got float32"),
        (np.ones(4, complex), TypeError, "expected dtype float64, .* got complex128"),
        (np.ones(3), ValueError, r"expected shape \(3, 2\) for steps or \(4,\) for classes, got \(3,\)"),
        (np.ones((2, 3)), ValueError, r"expected shape .*got \(2, 3\)"),
        (np.ones((3, 2, 4)), ValueError, r"expected shape .*got \(3, 2, 4\)"),
        (np.array([1.0, -0.5, 1, 1]), ValueError, "expected finite numbers of at least 0, got -0.5"),
        (np.array([1.0, np.nan, 1, 1]), ValueError, "expected finite numbers of at least 0, got nan"),
        (np.array([1.0, np.inf, 1, 1]), ValueError, "expected finite numbers of at least 0, got inf"),
        (np.zeros(4), ValueError, "expected one above 0 at a step that counts, got none"),
    ],
)
def test_bad_weights_are_refused_by_name(name, weights, error, message):
    with pytest.raises(error, match=f"^weights: {message}"):
        LOSSES[name](Z, Y, None, "mean", weights)


@pytest.mark.parametrize("name", LOSSES)
def test_a_shape_that_fits_steps_and_classes_is_refused_and_the_longer_ones_are_not(name):
    z, y = sample(name, (5, 5))
    w = np.arange(1.0, 6.0)
    with pytest.raises(ValueError, match=r"^weights: expected a shape that says whether steps or classes are weighted"):
        LOSSES[name](z, y, None, "sum", w)
    steps, classes = (LOSSES[name](z, y, None, "sum", v).value for v in (w[:, None], w[None]))
    assert steps == pytest.approx((LOSSES[name](z, y, None, "none").value * w).sum(), rel=1e-13)
    assert classes != pytest.approx(steps, rel=1e-3)


def test_a_mask_is_checked_with_classes_too():
    with pytest.raises(ValueError, match=r"^mask: expected at least one"):
        softmax_cross_entropy(Z, np.zeros((3, 2), int), np.zeros((3, 2), bool))


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


def test_the_mean_is_over_steps_though_targets_are_off_by_a_little():
    z, y = np.array([[0.3, -0.2], [1.0, 0.5]]), np.array([[0.5, 0.4995], [0.2, 0.8]])
    each, _ = softmax_cross_entropy(z, y, reduction="none")
    assert softmax_cross_entropy(z, y, reduction="mean").value == pytest.approx(each.sum() / 2, rel=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_weights_of_classes_and_a_class_that_is_none_where_nothing_counts(dtype):
    z, weights = np.array([[0.3, -0.2, 0.0], [1.0, 0.5, 2.0]], dtype), np.array([1.0, 3.0, 2.0], dtype)
    masked = softmax_cross_entropy(z, np.array([1, -1]), np.array([True, False]), weights=weights)
    alone = softmax_cross_entropy(z[:1], np.array([1]), weights=weights)
    assert masked.value == alone.value
    assert masked.dz.dtype == dtype
    np.testing.assert_array_equal(masked.dz, np.concatenate([alone.dz, np.zeros((1, 3), dtype)]))
