"""Optimisers against references written out, PyTorch where it imports, and clipping at the extremes."""

import warnings
from importlib.util import find_spec

import numpy as np
import pytest

from rnncourse import GRU, LSTM, tree_map
from rnncourse.optimizers import SGD, Adam, AdamState, clip_by_norm, clip_by_value, global_norm
from rnncourse.records import named_leaves

live = pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed: no live comparison with it")
rng = np.random.default_rng(0)
W0, GRADIENTS = rng.standard_normal((2, 3)), rng.standard_normal((6, 2, 3)) * 10.0 ** rng.integers(-4, 4, (6, 2, 3))


def follow(optimizer, w, gradients):
    """All values of w on the way."""
    state, path = optimizer.init(w), []
    for g in gradients:
        w, state = optimizer.update(w, g, state)
        path.append(w)
    return np.array(path)


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9])
def test_sgd_follows_its_equation_written_out(beta):
    for i in np.ndindex(W0.shape):
        w, v = W0[i], 0.0
        path = follow(SGD(0.03, beta), W0, GRADIENTS)
        for g, found in zip(GRADIENTS, path, strict=True):
            v = beta * v + g[i]
            w = w - 0.03 * v
            assert found[i] == pytest.approx(w, rel=1e-13)


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.5, 0.6), (0.0, 0.0), (0.0, 0.9)])
@pytest.mark.parametrize("eps", [1e-8, 0.1, 0.0])
def test_adam_follows_its_equations_written_out(betas, eps):
    """Algorithm 1 of Kingma and Ba, a number at a time."""
    path = follow(Adam(0.03, *betas, eps), W0, GRADIENTS)
    for i in np.ndindex(W0.shape):
        w, m, v = W0[i], 0.0, 0.0
        for t, (g, found) in enumerate(zip(GRADIENTS, path, strict=True), start=1):
            m = betas[0] * m + (1 - betas[0]) * g[i]
            v = betas[1] * v + (1 - betas[1]) * g[i] ** 2
            m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
            w = w - 0.03 * m_hat / (v_hat**0.5 + eps)
            assert found[i] == pytest.approx(w, rel=1e-12)


@live
@pytest.mark.parametrize(
    ("mine", "name", "options"),
    [
        (SGD(0.03), "SGD", {}),
        (SGD(0.03, 0.8), "SGD", {"momentum": 0.8}),
        (Adam(0.03), "Adam", {}),
        (Adam(0.03, 0.6, 0.7, 1e-3), "Adam", {"betas": (0.6, 0.7), "eps": 1e-3}),
    ],
    ids=repr,
)
def test_optimisers_agree_with_pytorch(mine, name, options):
    import torch

    w = torch.tensor(W0, requires_grad=True)
    theirs = getattr(torch.optim, name)([w], lr=0.03, **options)
    for g, found in zip(GRADIENTS, follow(mine, W0, GRADIENTS), strict=True):
        w.grad = torch.tensor(g)
        theirs.step()
        np.testing.assert_allclose(found, w.detach().numpy(), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_adams_first_step_is_the_learning_rate_whatever_the_scale(scale):
    w = follow(Adam(0.1, eps=0), np.zeros(3), [scale * np.array([1.0, -2.0, 30.0])])[0]
    np.testing.assert_allclose(w, [-0.1, 0.1, -0.1], rtol=1e-12)


@pytest.mark.parametrize("number", [float, np.float64, np.float32], ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("make", [lambda n: SGD(n(0.1), n(0.5)), lambda n: Adam(n(0.1), n(0.9), n(0.99), n(1e-8))])
def test_a_layer_keeps_its_dtype_and_its_kind_whatever_the_settings_are(make, dtype, number):
    layer = GRU.init(2, 3, np.random.default_rng(0), dtype, reset_after=True)
    grads = tree_map(np.ones_like, layer)
    optimizer = make(number)
    state = optimizer.init(layer)
    for _ in range(3):
        layer, state = optimizer.update(layer, grads, state)
    assert type(layer) is GRU
    assert {leaf.dtype for _, leaf in named_leaves((layer, state))} == {np.dtype(dtype)}


@pytest.mark.parametrize("optimizer", [SGD(0.1, 0.9), Adam()], ids=repr)
def test_an_update_changes_nothing_that_it_was_given(optimizer):
    layers = {"cell": LSTM.init(2, 3, np.random.default_rng(0)), "more": (np.ones(2), [np.ones(1)])}
    state = optimizer.init(layers)
    given = tree_map(np.copy, {"model": layers, "grads": tree_map(np.ones_like, layers)})
    once = optimizer.update(given["model"], given["grads"], state)
    again = optimizer.update(given["model"], given["grads"], state)
    for (path, a), (_, b) in zip(named_leaves(once), named_leaves(again), strict=True):
        np.testing.assert_array_equal(a, b, err_msg=path)
    assert all((leaf == 0).all() for _, leaf in named_leaves(state))
    assert {path for path, _ in named_leaves(given["model"])} == {"cell.W", "cell.b", "more[0]", "more[1][0]"}


def test_adams_state_counts_its_steps():
    state = Adam().init(W0)
    assert state == AdamState(np.zeros((2, 3)), np.zeros((2, 3)), 0)
    assert Adam().update(W0, W0, state)[1].steps == 1


SETTINGS = {
    SGD: ({"learning_rate": 0.1, "momentum": 0.5}, {"learning_rate": "above 0", "momentum": "at least 0 and below 1"}),
    Adam: (
        {"learning_rate": 0.1, "beta1": 0.5, "beta2": 0.5, "eps": 0.1},
        {"learning_rate": "above 0", "beta1": "at least 0 and below 1", "beta2": "below 1", "eps": "at least 0"},
    ),
}


@pytest.mark.parametrize("bad", [-0.1, np.nan, np.inf, -np.inf, None, "0.1", True, [0.1], np.ones(1), 1j], ids=repr)
@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, (good, _) in SETTINGS.items() for name in good])
def test_bad_settings_are_refused_by_name(kind, name, bad):
    good, limits = SETTINGS[kind]
    error = ValueError if isinstance(bad, float) else TypeError
    with pytest.raises(error, match=f"^{name}: expected a number.*{limits[name]}.*, got "):
        kind(**good | {name: bad})


@pytest.mark.parametrize(
    "make",
    [
        lambda: SGD(0),
        lambda: SGD(0.1, 1),
        lambda: SGD(0.1, 1.5),
        lambda: Adam(0),
        lambda: Adam(0.1, 1),
        lambda: Adam(0.1, 0.9, 1.0),
    ],
)
def test_settings_on_the_edge_are_refused(make):
    with pytest.raises(ValueError, match=r"expected a number .* got [01]"):
        make()


@pytest.mark.parametrize("optimizer", [SGD(0.1), Adam()], ids=repr)
def test_gradients_of_another_structure_are_refused(optimizer):
    model = (np.ones(2), np.ones(3))
    with pytest.raises(ValueError, match=r"^trees: expected the structure of tuple of length 2, got tuple of length 1"):
        optimizer.update(model, (np.ones(2),), optimizer.init(model))


MOST, LEAST = (
    {d: np.finfo(d).max for d in (np.float32, np.float64)},
    {d: np.finfo(d).smallest_subnormal for d in (np.float32, np.float64)},
)


def test_the_norm_is_that_of_all_entries_together():
    tree = {"a": np.array([1.0, -2.0]), "b": (np.array([[2.0]]), [np.array([4.0], np.float32)]), "c": np.zeros((0, 3))}
    assert global_norm(tree) == pytest.approx(5.0, rel=1e-15)
    for nothing in ((), {}, np.zeros(0), np.zeros(3)):
        assert global_norm(nothing) == 0


@pytest.mark.parametrize("dtype", MOST)
@pytest.mark.parametrize(("numbers", "n"), [(MOST, 1), (LEAST, 16)])
def test_the_norm_neither_overflows_nor_vanishes(dtype, numbers, n):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert global_norm(np.full(n, numbers[dtype], dtype)) == float(numbers[dtype]) * n**0.5


@pytest.mark.parametrize(
    ("entries", "norm"),
    [
        ([np.inf, 1], np.inf),
        ([-np.inf], np.inf),
        ([np.nan, 1], np.nan),
        ([1, np.nan], np.nan),
        ([np.inf, np.nan], np.nan),
        ([0, np.nan], np.nan),
    ],
)
def test_the_norm_of_nan_and_infinity(entries, norm):
    together = global_norm(np.array(entries))
    apart = global_norm([np.array([entry], float) for entry in entries])
    np.testing.assert_array_equal([together, apart], [norm, norm])


def test_clipping_by_norm_keeps_the_direction():
    grads = {"a": np.array([3.0, 0.0]), "b": np.array([[-4.0]])}
    clipped, norm = clip_by_norm(grads, 0.5)
    assert norm == 5
    np.testing.assert_allclose(clipped["a"], [0.3, 0], rtol=1e-15)
    np.testing.assert_allclose(clipped["b"], [[-0.4]], rtol=1e-15)


@pytest.mark.parametrize("max_norm", [5.0, 5.1, 1e300, 5])
def test_a_small_gradient_is_not_touched_by_clipping(max_norm):
    grads = np.array([3.0, 4.0])
    assert clip_by_norm(grads, max_norm)[0] is grads


@pytest.mark.parametrize("dtype", MOST)
@pytest.mark.parametrize("max_norm", [1.0, np.float64(1e-3), 1e30])
def test_clipping_by_norm_at_the_largest_numbers(dtype, max_norm):
    """The norm of these exceeds what the dtype can hold."""
    grads = (np.full(9, MOST[dtype], dtype), np.full(7, -MOST[dtype], dtype))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (up, down), norm = clip_by_norm(grads, max_norm)
    assert norm == (np.inf if dtype is np.float64 else 4 * float(MOST[dtype]))
    assert up.dtype == down.dtype == dtype
    np.testing.assert_allclose(up, np.full(9, max_norm / 4), rtol=1e-6)
    np.testing.assert_allclose(down, np.full(7, -max_norm / 4), rtol=1e-6)


@pytest.mark.parametrize("dtype", LEAST)
def test_clipping_by_norm_at_the_smallest_numbers(dtype):
    tiny = np.full(16, 8 * LEAST[dtype], dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clipped, norm = clip_by_norm(tiny, 16 * float(LEAST[dtype]))
        same, _ = clip_by_norm(tiny, 1.0)
    assert norm == 32 * float(LEAST[dtype])
    np.testing.assert_array_equal(clipped, tiny / 2)
    np.testing.assert_array_equal(same, tiny)


@pytest.mark.parametrize("dtype", MOST)
def test_clipping_by_value_cuts_each_entry(dtype):
    grads = np.array([-np.inf, -MOST[dtype], -1, -0.25, 0, LEAST[dtype], 0.25, 1, np.inf], dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clipped = clip_by_value((grads,), np.float64(0.5))[0]
        wide = clip_by_value(grads, 1e300)
    assert clipped.dtype == wide.dtype == dtype
    assert clipped.tolist() == [-0.5, -0.5, -0.5, -0.25, 0, LEAST[dtype], 0.25, 0.5, 0.5]
    assert np.abs(wide).max() == min(1e300, float(MOST[dtype]))
    assert (wide[2:-2] == grads[2:-2]).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_clipping_names_the_array_that_is_not_finite(bad):
    layer = LSTM.init(2, 3, np.random.default_rng(0))
    b = layer.b.copy()
    b[4] = bad
    grads = (layer, {"head": LSTM(layer.W, b)})
    message = rf"^grads\[1\]\.head\.b: expected finite numbers, got {bad} at \(4,\)"
    with pytest.raises(FloatingPointError, match=message):
        clip_by_norm(grads, 1.0)
    if np.isnan(bad):
        with pytest.raises(FloatingPointError, match=message):
            clip_by_value(grads, 1.0)
    else:
        assert clip_by_value(grads, 2.0)[1]["head"].b[4] == np.copysign(2, bad)


@pytest.mark.parametrize(("clip", "name"), [(clip_by_norm, "max_norm"), (clip_by_value, "limit")])
@pytest.mark.parametrize("bad", [0, -1.0, np.nan, np.inf, None, "1", True], ids=repr)
def test_a_bad_threshold_is_refused_by_name(clip, name, bad):
    with pytest.raises(TypeError if bad in (None, "1") or bad is True else ValueError, match=f"^{name}: expected"):
        clip(np.ones(2), bad)


def test_adam_is_the_published_algorithm_over_several_steps():
    rng = np.random.default_rng(0)
    w = rng.standard_normal((2, 3))
    tree, optimizer = {"w": w, "b": (w[0],)}, Adam(0.05, beta1=0.8, beta2=0.95, eps=1e-3)
    state = optimizer.init(tree)
    m = v = 0.0
    for n in range(1, 6):
        g = rng.standard_normal((2, 3))
        m, v = 0.8 * m + 0.2 * g, 0.95 * v + 0.05 * g**2
        w = w - 0.05 * (m / (1 - 0.8**n)) / (np.sqrt(v / (1 - 0.95**n)) + 1e-3)
        tree, state = optimizer.update(tree, {"w": g, "b": (g[0],)}, state)
        np.testing.assert_allclose(tree["w"], w, rtol=1e-13)
        np.testing.assert_allclose(tree["b"][0], w[0], rtol=1e-13)
        assert state.steps == n


def test_momentum_is_the_formula_over_several_steps():
    rng = np.random.default_rng(0)
    w, v, optimizer = rng.standard_normal(3), np.zeros(3), SGD(0.1, momentum=0.7)
    tree, state = w, optimizer.init(w)
    for _ in range(4):
        g = rng.standard_normal(3)
        v = 0.7 * v + g
        w = w - 0.1 * v
        tree, state = optimizer.update(tree, g, state)
        np.testing.assert_allclose(tree, w, rtol=1e-14)
        np.testing.assert_allclose(state, v, rtol=1e-14)


def test_clip_by_norm_shrinks_long_gradients_to_the_norm_and_leaves_short_ones_alone():
    tree = {"W": np.array([[3.0, 0.0]]), "b": (np.array([-4.0]),)}
    assert global_norm(tree) == 5
    short, norm = clip_by_norm(tree, 5.0)
    assert short is tree
    assert norm == 5
    clipped, norm = clip_by_norm(tree, 2.0)
    assert norm == 5
    np.testing.assert_allclose(clipped["W"], [[1.2, 0]], rtol=1e-15)
    np.testing.assert_allclose(clipped["b"][0], [-1.6], rtol=1e-15)
    assert global_norm(clip_by_norm({"W": np.full(4, 1e300)}, 1.0)[0]) == pytest.approx(1)
    assert clip_by_value(np.array([-3.0, 0.5, 2.0]), 1.0).tolist() == [-1, 0.5, 1]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_clip_refuses_what_has_no_direction(bad):
    with pytest.raises(FloatingPointError, match=r"^grads\.b: expected finite numbers, got (nan|inf) at \(1, 0\)"):
        clip_by_norm({"W": np.ones(2), "b": np.array([[1.0], [bad]])}, 1.0)


@pytest.mark.parametrize(
    ("tree", "norm"),
    [
        ((), 0.0),
        (np.zeros((0, 3)), 0.0),
        ([np.zeros(2), np.zeros(0)], 0.0),
        (np.full(4, 0.5), 1.0),
        (np.full(4, 5e-301), 1e-300),
        (np.full(4, 5e299), 1e300),
        (np.full(4, 1e38, np.float32), float(np.float32(1e38)) * 2),
        (np.array([3, -4], np.int8), 5.0),
        (np.array([100, 100], np.int8), 2**0.5 * 100),
        ([np.array([1.0]), np.array([-np.inf])], np.inf),
        ([np.array([np.nan]), np.array([1.0])], np.nan),
        ([np.array([np.nan]), np.array([np.inf])], np.nan),
    ],
)
def test_global_norm_at_the_edges(tree, norm):
    assert global_norm(tree) == pytest.approx(norm, rel=1e-12, nan_ok=True)


def test_clip_keeps_float32_and_a_norm_beyond_it():
    g = np.full(16, 3e38, np.float32)
    clipped, norm = clip_by_norm(g, 2.0)
    assert clipped.dtype == np.float32
    assert norm == pytest.approx(12e38)
    np.testing.assert_allclose(clipped, 0.5, rtol=1e-6)
    # intermediate values in float64: the last bit is that of the rounded exact quotient
    odd = np.array([1.1, -0.7, 0.3], np.float32)
    exact = (odd.astype(np.float64) / np.sqrt((odd.astype(np.float64) ** 2).sum())).astype(np.float32)
    np.testing.assert_array_equal(clip_by_norm(odd, 1.0)[0], exact)


def test_clip_by_value_cuts_infinities_and_refuses_nan():
    cut = clip_by_value({"W": np.array([-np.inf, np.inf, 0.5])}, 1.0)["W"]
    assert cut.tolist() == [-1, 1, 0.5]
    narrow = clip_by_value(np.array([np.inf, 1.0], np.float32), 1e300)
    assert narrow.dtype == np.float32
    assert narrow[0] == np.finfo(np.float32).max
    with pytest.raises(FloatingPointError, match=r"^grads\.W: expected .* got nan at \(1,\)"):
        clip_by_value({"W": np.array([np.inf, np.nan])}, 1.0)
