"""Optimisers against references written out, PyTorch where it imports, and clipping at the extremes."""

import warnings
from dataclasses import fields
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
import pytest

from rnncourse import GRU, LSTM, RNN, Dense, Gradients, optimizers, tree_map
from rnncourse.optimizers import (
    SGD,
    Adam,
    AdamState,
    AdamW,
    RMSProp,
    RMSPropState,
    SGDState,
    clip_by_norm,
    clip_by_value,
    global_norm,
)
from rnncourse.records import named_leaves

live = pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed: no live comparison with it")
rng = np.random.default_rng(0)
W0, GRADIENTS = rng.standard_normal((2, 3)), rng.standard_normal((6, 2, 3)) * 10.0 ** rng.integers(-4, 4, (6, 2, 3))


class Known(NamedTuple):
    """What the tests know of an optimiser: a new one needs an entry in OPTIMIZERS, and its equations written out."""

    kind: Any
    settings: dict[str, float]  # all of them, none at its default
    limits: dict[str, str]  # what a message says of each
    torch: str = ""  # its name in PyTorch, if it has one there
    translate: dict[str, str] = {}  # noqa: RUF012, of settings that are named otherwise there

    def made(self, learning_rate: Any) -> Any:
        """The optimiser with all its settings but for the rate."""
        return self.kind(**self.settings | {"learning_rate": learning_rate})

    def theirs(self, settings: dict[str, float]) -> dict[str, Any]:
        """The settings as PyTorch takes them."""
        names = {"learning_rate": "lr"} | self.translate
        found: dict[str, Any] = {names.get(name, name): value for name, value in settings.items()}
        if "beta1" in found:
            found["betas"] = (found.pop("beta1"), found.pop("beta2"))
        return found


POSITIVE, FRACTION, NOT_NEGATIVE = "above 0", "at least 0 and below 1", "at least 0"
ADAM = ({"learning_rate": 0.03, "beta1": 0.6, "beta2": 0.7, "eps": 1e-3}, [POSITIVE, FRACTION, FRACTION, NOT_NEGATIVE])
ADAM_LIMITS = dict(zip(*ADAM, strict=True))
OPTIMIZERS = (
    Known(SGD, {"learning_rate": 0.03, "momentum": 0.8}, {"learning_rate": POSITIVE, "momentum": FRACTION}, "SGD"),
    Known(Adam, ADAM[0], ADAM_LIMITS, "Adam"),
    Known(AdamW, ADAM[0] | {"weight_decay": 0.4}, ADAM_LIMITS | {"weight_decay": NOT_NEGATIVE}, "AdamW"),
    Known(
        RMSProp,
        {"learning_rate": 0.03, "decay": 0.7, "eps": 1e-3, "momentum": 0.8},
        {"learning_rate": POSITIVE, "decay": FRACTION, "eps": NOT_NEGATIVE, "momentum": FRACTION},
        "RMSprop",
        {"decay": "alpha"},
    ),
)
EVERY = [optimizer for known in OPTIMIZERS for optimizer in (known.kind(0.1), known.kind(**known.settings))]


def test_every_optimiser_of_the_package_is_known_with_all_its_settings():
    """One that is not registered here would not be tested."""
    public = {getattr(optimizers, name) for name in optimizers.__all__}
    kinds = {kind for kind in public if isinstance(kind, type) and hasattr(kind, "update")} - {optimizers.Optimizer}
    assert kinds == {known.kind for known in OPTIMIZERS}
    for known in OPTIMIZERS:
        assert list(known.settings) == list(known.limits) == [f.name for f in fields(known.kind)]


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
@pytest.mark.parametrize("known", [known for known in OPTIMIZERS if known.torch], ids=lambda known: known.torch)
@pytest.mark.parametrize("plain", [True, False])
def test_optimisers_agree_with_pytorch(known, plain):
    import torch

    settings = {"learning_rate": 0.03} if plain else known.settings
    w = torch.tensor(W0, requires_grad=True)
    theirs = getattr(torch.optim, known.torch)([w], **known.theirs(settings))
    for g, found in zip(GRADIENTS, follow(known.kind(**settings), W0, GRADIENTS), strict=True):
        w.grad = torch.tensor(g)
        theirs.step()
        np.testing.assert_allclose(found, w.detach().numpy(), rtol=1e-12, atol=1e-14)


STORED = {  # PyTorch 2.13 in float64: the last of three steps of 0.03 from (1, -2) along the gradients below
    "AdamW": (AdamW(0.03, 0.6, 0.7, 1e-3, 0.4), [0.9102218489180331, -1.9381727710159287]),
    "RMSprop": (RMSProp(0.03, 0.7, 1e-3, 0.8), [0.8636084348100603, -1.9650331953394995]),
}
THREE = np.array([[0.5, -3.0], [-0.25, 40.0], [2.0, 0.125]])


@pytest.mark.parametrize("name", STORED)
def test_optimisers_agree_with_what_pytorch_gave(name):
    optimizer, expected = STORED[name]
    np.testing.assert_allclose(follow(optimizer, np.array([1.0, -2.0]), THREE)[-1], expected, rtol=1e-13)


@pytest.mark.parametrize("beta", [0.0, 0.8])
@pytest.mark.parametrize("eps", [0.0, 0.1])
def test_rmsprop_follows_its_equations_written_out(beta, eps):
    path = follow(RMSProp(0.03, 0.7, eps, beta), W0, GRADIENTS)
    for i in np.ndindex(W0.shape):
        w, s, v = W0[i], 0.0, 0.0
        for g, found in zip(GRADIENTS, path, strict=True):
            s = 0.7 * s + 0.3 * g[i] ** 2
            v = beta * v + g[i] / (s**0.5 + eps)
            w = w - 0.03 * v
            assert found[i] == pytest.approx(w, rel=1e-12)


def test_decoupled_decay_is_adams_step_and_a_shrinking_beside_it():
    adam, decayed = follow(Adam(0.1), W0, GRADIENTS[:1]), follow(AdamW(0.1, weight_decay=0.5), W0, GRADIENTS[:1])
    np.testing.assert_allclose(decayed - adam, [-0.1 * 0.5 * W0], rtol=1e-12)
    np.testing.assert_array_equal(follow(AdamW(0.1, weight_decay=0), W0, GRADIENTS), follow(Adam(0.1), W0, GRADIENTS))


@pytest.mark.parametrize("make", [part for known in OPTIMIZERS for part in (known.kind, known.made)])
def test_a_schedule_gives_each_step_its_rate_and_the_state_counts_them(make):
    rates = [0.1, 0.03, 0.2, 0.0, 0.5, 0.01]
    optimizer, w, state = make(rates.__getitem__), W0, make(0.1).init(W0)
    for k, g in enumerate(GRADIENTS):
        assert state.steps == k
        once, _ = make(rates[k] or 1.0).update(w, g, state)
        new, state = optimizer.update(w, g, state)
        np.testing.assert_array_equal(new, once if rates[k] else w)
        w = new


@pytest.mark.parametrize("bad", [-0.1, np.nan, None, "fast", np.ones(1)], ids=repr)
def test_a_schedule_that_gives_no_rate_is_refused(bad):
    optimizer = SGD(lambda k: bad)
    with pytest.raises((TypeError, ValueError), match=r"^learning_rate\(0\): expected a number of at least 0, got"):
        optimizer.update(W0, W0, optimizer.init(W0))
    with pytest.raises(TypeError, match=r"^learning_rate: expected a number above 0, got type"):
        SGD(float)


@pytest.mark.parametrize("optimizer", EVERY, ids=repr)
@pytest.mark.parametrize(
    ("model", "grads", "error", "message"),
    [
        (np.zeros(3), np.ones((6, 3)), ValueError, r"grads: expected shape \(3,\), as model has, got \(6, 3\)"),
        (
            {"head": Dense(np.ones((1, 4)), np.ones(1))},
            {"head": Dense(np.ones((3, 4)), np.ones(3))},
            ValueError,
            r"grads\.head\.W: expected shape \(1, 4\), as model\.head\.W has, got \(3, 4\)",
        ),
        (np.ones(3), np.array(1.0), ValueError, r"grads: expected shape \(3,\), as model has, got \(\)"),
        (np.ones(3, "f4"), np.ones(3), TypeError, "grads: expected dtype float32, as model has, got float64"),
        ([np.ones(3)], [np.ones(3, int)], TypeError, r"grads\[0\]: expected dtype float64, .* got int64"),
        ([np.ones(3)], [np.ones(3, complex)], TypeError, r"grads\[0\]: expected dtype float64, .* got complex128"),
        (np.ones(3), 1.0, ValueError, "grads: expected the structure of ndarray, got float"),
        (np.ones(3), None, ValueError, "grads: expected the structure of ndarray, got NoneType"),
        (
            RNN(np.ones((1, 2)), np.ones(1)),
            Gradients(np.ones(1), (), RNN(np.ones((1, 2)), np.ones(1))),
            ValueError,
            "grads: expected the structure of RNN, got Gradients: give grads.layer",
        ),
        (
            RNN(np.ones((1, 2)), np.ones(1)),
            RNN(np.ones((1, 2)), np.ones(1), "relu"),
            ValueError,
            "grads.activation: expected 'tanh', as model.activation is, got 'relu'",
        ),
        (
            [np.ones(3)],
            [np.ma.masked_array(np.ones(3))],
            TypeError,
            r"grads\[0\]: expected a plain NumPy array, got a mask",
        ),
    ],
)
def test_gradients_that_do_not_fit_the_model_are_refused_with_their_path(optimizer, model, grads, error, message):
    with pytest.raises(error, match=f"^{message}"):
        optimizer.update(model, grads, optimizer.init(model))


@pytest.mark.parametrize("optimizer", EVERY, ids=repr)
def test_a_state_that_does_not_fit_the_model_is_refused_with_its_path(optimizer):
    model = {"w": np.ones((1, 4))}
    kind = type(optimizer.init(model))
    first = fields(kind)[0].name  # the state's first tree is the first to be looked at
    for other, error, message in (
        (
            {"w": np.ones((3, 4))},
            ValueError,
            rf"state\.{first}\.w: expected shape \(1, 4\), as model\.w has, got \(3, 4\)",
        ),
        ({"v": np.ones((1, 4))}, ValueError, rf"state\.{first}: expected the structure of dict with keys \['w'\]"),
        ({"w": np.ones((1, 4), "f4")}, TypeError, rf"state\.{first}\.w: expected dtype float64, .* got float32"),
    ):
        with pytest.raises(error, match=f"^{message}"):
            optimizer.update(model, model, optimizer.init(other))
    for bad in (None, model, 0, AdamState, Adam() if kind is SGDState else SGD(0.1).init(model)):
        with pytest.raises(TypeError, match=f"^state: expected {kind.__name__}, as this optimiser's init returns, got"):
            optimizer.update(model, model, bad)


def test_a_state_counts_whole_steps():
    with pytest.raises(ValueError, match=r"^state.steps: expected an integer of at least 0, got -1"):
        Adam().update(W0, W0, AdamState(W0, W0, -1))
    with pytest.raises(TypeError, match=r"^state.steps: expected an integer"):
        RMSProp().update(W0, W0, RMSPropState(W0, W0, 0.5))


@pytest.mark.parametrize("optimizer", EVERY, ids=repr)
@pytest.mark.parametrize(
    ("model", "message"),
    [
        (1.0, "model: expected a NumPy array, got float 1.0"),
        (None, "model: expected a NumPy array, got None"),
        ([np.ones(2), 3.0], r"model\[1\]: expected a NumPy array, got float 3.0"),
        ({"a": (np.float64(1),)}, r"model\.a\[0\]: expected a NumPy array, got float64"),
        ((np.ones(2, int),), r"model\[0\]: expected dtype float32 or float64, got int64"),
        (np.ones(2, np.float16), "model: expected dtype float32 or float64, got float16"),
        ([np.ma.masked_array(np.ones(2))], r"model\[0\]: expected a plain NumPy array, got a masked array"),
    ],
)
def test_a_model_of_what_is_no_array_is_refused_and_not_left_untrained(optimizer, model, message):
    with pytest.raises(TypeError, match=f"^{message}"):
        optimizer.init(model)
    with pytest.raises(TypeError, match=f"^{message}"):
        optimizer.update(model, model, optimizer.init(np.ones(2)))


@pytest.mark.parametrize("optimizer", EVERY, ids=repr)
def test_matrices_train_as_the_arrays_that_they_are(optimizer):
    w, g = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0.5, -1.0], [2.0, 0.0]])
    expected = follow(optimizer, w, [g, g])[-1]
    found, state = w.view(np.matrix), optimizer.init(w.view(np.matrix))
    for _ in range(2):
        found, state = optimizer.update(found, g.view(np.matrix), state)
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("optimizer", EVERY, ids=repr)
def test_an_array_of_no_axes_goes_on_training(optimizer):
    path = follow(optimizer, np.array(1.0), [np.array(2.0)] * 3)
    assert (np.diff(path) < 0).all()


@pytest.mark.parametrize(
    "optimizer", [Adam(0.1, eps=0), AdamW(0.1, eps=0, weight_decay=0), RMSProp(0.1, eps=0)], ids=repr
)
def test_without_eps_no_gradient_means_no_step_and_nan_stays_nan(optimizer):
    with np.errstate(all="raise"):
        new, state = optimizer.update(np.ones(3), np.array([0.0, 1e-200, 2.0]), optimizer.init(np.ones(3)))
    assert new[:2].tolist() == [1, 1]
    assert new[2] < 1
    new, _ = optimizer.update(new, np.array([np.nan, 0.0, 0.0]), state)
    assert np.isnan(new).tolist() == [True, False, False]


@pytest.mark.parametrize("optimizer", EVERY, ids=repr)
def test_a_gradient_whose_square_underflows_is_no_error(optimizer):
    tiny = np.full(3, 1e-300)
    with np.errstate(all="raise"):
        state = optimizer.init(tiny)
        for _ in range(3):
            _, state = optimizer.update(tiny, tiny, state)
        assert global_norm(np.array([1.0, 1e-300])) == 1
        assert clip_by_norm(np.array([1e10, 1e-300]), 1e-20)[0][1] == 0


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_adams_first_step_is_the_learning_rate_whatever_the_scale(scale):
    w = follow(Adam(0.1, eps=0), np.zeros(3), [scale * np.array([1.0, -2.0, 30.0])])[0]
    np.testing.assert_allclose(w, [-0.1, 0.1, -0.1], rtol=1e-12)


@pytest.mark.parametrize("number", [float, np.float64, np.float32], ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("known", OPTIMIZERS, ids=lambda known: known.kind.__name__)
@pytest.mark.parametrize("scheduled", [False, True])
def test_a_layer_keeps_its_dtype_and_its_kind_whatever_the_settings_are(known, scheduled, dtype, number):
    layer = GRU.init(2, 3, np.random.default_rng(0), dtype, reset_after=True)
    grads = tree_map(np.ones_like, layer)
    settings = {name: number(value) for name, value in known.settings.items()}
    optimizer = known.kind(**settings | ({"learning_rate": lambda k: number(0.1)} if scheduled else {}))
    state = optimizer.init(layer)
    for _ in range(3):
        layer, state = optimizer.update(layer, grads, state)
    assert type(layer) is GRU
    assert {leaf.dtype for _, leaf in named_leaves((layer, state))} == {np.dtype(dtype)}


@pytest.mark.parametrize("optimizer", EVERY, ids=repr)
def test_an_update_changes_nothing_that_it_was_given(optimizer):
    layers = {"cell": LSTM.init(2, 3, np.random.default_rng(0)), "more": (np.ones(2), [np.ones(1)])}
    state = optimizer.init(layers)
    given = tree_map(np.copy, {"model": layers, "grads": tree_map(np.ones_like, layers)})
    once = optimizer.update(given["model"], given["grads"], state)
    again = optimizer.update(given["model"], given["grads"], state)
    for (path, a), (_, b) in zip(named_leaves(once), named_leaves(again), strict=True):
        np.testing.assert_array_equal(a, b, err_msg=path)
    assert all((leaf == 0).all() for _, leaf in named_leaves(state))
    assert state.steps == 0
    assert once[1].steps == 1
    assert {path for path, _ in named_leaves(given["model"])} == {"cell.W", "cell.b", "more[0]", "more[1][0]"}


def test_adams_state_counts_its_steps():
    state = Adam().init(W0)
    assert state == AdamState(np.zeros((2, 3)), np.zeros((2, 3)), 0)
    assert Adam().update(W0, W0, state)[1].steps == 1


@pytest.mark.parametrize("bad", [-0.1, np.nan, np.inf, -np.inf, None, "0.1", True, [0.1], np.ones(1), 1j], ids=repr)
@pytest.mark.parametrize(("known", "name"), [(known, name) for known in OPTIMIZERS for name in known.settings])
def test_bad_settings_are_refused_by_name(known, name, bad):
    error = ValueError if isinstance(bad, float) else TypeError
    with pytest.raises(error, match=f"^{name}: expected a number.*{known.limits[name]}.*, got "):
        known.kind(**known.settings | {name: bad})


EDGE = {POSITIVE: 0, FRACTION: 1}


@pytest.mark.parametrize(
    ("known", "name"), [(known, name) for known in OPTIMIZERS for name, limit in known.limits.items() if limit in EDGE]
)
def test_settings_on_the_edge_are_refused(known, name):
    edge = EDGE[known.limits[name]]
    for value in (edge, float(edge)):
        with pytest.raises(ValueError, match=rf"^{name}: expected a number .* got {edge}"):
            known.kind(**known.settings | {name: value})


@pytest.mark.parametrize("optimizer", EVERY, ids=repr)
def test_gradients_of_another_structure_are_refused(optimizer):
    model = (np.ones(2), np.ones(3))
    with pytest.raises(ValueError, match=r"^grads: expected the structure of tuple of length 2, got tuple of length 1"):
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
        np.testing.assert_allclose(state.velocity, v, rtol=1e-14)


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


@pytest.mark.parametrize(
    ("grads", "message"),
    [
        ([3.0, 4.0], r"grads\[0\]: expected a NumPy array, got float 3.0"),
        ({"b": 4}, r"grads\.b: expected a NumPy array, got int 4"),
        (3.0, "grads: expected a NumPy array, got float 3.0"),
        (None, "grads: expected a NumPy array, got None"),
        ({"b": np.array([3j])}, r"grads\.b: expected dtype float32.*, got complex128"),
        ([np.ma.masked_array([3.0])], r"grads\[0\]: expected a plain NumPy array, got a masked array"),
    ],
)
def test_what_is_no_array_of_real_numbers_has_no_norm(grads, message):
    for measure in (global_norm, lambda g: clip_by_norm(g, 1.0), lambda g: clip_by_value(g, 1.0)):
        with pytest.raises(TypeError, match=f"^{message}"):
            measure(grads)


def test_integers_have_a_norm_and_cannot_be_clipped():
    """Clipped to a norm of 1 they would all be 0."""
    assert global_norm([np.array([3, 4])]) == 5
    for clip in (clip_by_norm, clip_by_value):
        with pytest.raises(TypeError, match=r"^grads\[0\]: expected dtype float32 or float64, got int64"):
            clip([np.array([3, 4])], 1.0)


def test_a_matrix_has_the_norm_of_its_entries():
    assert global_norm(np.array([[3.0, 4.0]]).view(np.matrix)) == 5
    np.testing.assert_allclose(clip_by_norm(np.array([[3.0, 4.0]]).view(np.matrix), 1.0)[0], [[0.6, 0.8]], rtol=1e-15)


MODEL = {
    "head": Dense.init(2, 3, np.random.default_rng(0)),
    "rest": (np.zeros(3), [RNN.init(2, 2, np.random.default_rng(0))]),
}
UNFIT = {
    "a shape": {**MODEL, "rest": (np.zeros((1, 3)), MODEL["rest"][1])},
    "a dtype": {**MODEL, "rest": (np.zeros(3, np.float32), MODEL["rest"][1])},
    "a length": {**MODEL, "rest": (np.zeros(3), [])},
    "a tuple more": {**MODEL, "rest": (*MODEL["rest"], np.zeros(3))},
    "a list for a tuple": {**MODEL, "rest": list(MODEL["rest"])},
    "a key": {"head": MODEL["head"], "tail": MODEL["rest"]},
    "a key more": {**MODEL, "more": np.zeros(3)},
    "a kind": {**MODEL, "head": RNN.init(2, 3, np.random.default_rng(0))},
    "a setting": {**MODEL, "head": Dense(MODEL["head"].W, MODEL["head"].b, "tanh")},
    "a part left out": {**MODEL, "head": Dense(MODEL["head"].W)},
    "masked": {**MODEL, "rest": (np.ma.zeros(3), MODEL["rest"][1])},
    "None": None,
}


@pytest.mark.parametrize("what", UNFIT)
@pytest.mark.parametrize("place", ["grads", "velocity", "model"])
def test_what_the_quick_check_lets_pass_would_pass_the_careful_one(what, place):
    """The quick one says yes to what fits; everything else is left to the one that gives the path."""
    trees = {"model": MODEL, "grads": MODEL, "velocity": MODEL}
    assert optimizers._plainly_fit(*trees.values())
    trees[place] = UNFIT[what]
    assert not optimizers._plainly_fit(*trees.values())
    with pytest.raises((TypeError, ValueError), match=r"^(grads|state\.velocity|model)"):
        SGD(0.1).update(trees["model"], trees["grads"], SGDState(trees["velocity"], 0))


def test_a_step_on_what_fits_is_checked_quickly(monkeypatch):
    def careful(*args, **options):
        raise AssertionError("the careful check was called")

    states = [(optimizer, optimizer.init(MODEL)) for optimizer in EVERY]
    monkeypatch.setattr(optimizers, "check_match", careful)
    for optimizer, state in states:
        optimizer.update(MODEL, MODEL, state)


@pytest.mark.parametrize("steps", [-1, True, 1.0, None])
def test_the_quick_check_looks_at_the_steps_too(steps):
    with pytest.raises((TypeError, ValueError), match=r"^state\.steps: expected"):
        SGD(0.1).update(MODEL, MODEL, SGDState(MODEL, steps))


def test_bare_numbers_are_refused_by_an_update():
    with pytest.raises(TypeError, match=r"^model: expected"):
        SGD(0.1).update(2.0, 2.0, SGDState(2.0, 0))


def test_gradients_and_state_that_fit_each_other_do_not_fit_another_model():
    layers = [RNN.init(2, n_a, np.random.default_rng(0)) for n_a in (2, 3)]
    model, other = (Gradients(np.zeros(2), None, layer) for layer in layers)
    with pytest.raises(ValueError, match=r"^grads.layer.W"):
        SGD(0.1).update(model, other, SGDState(other, 0))


def test_the_norm_takes_integers_and_refuses_what_is_no_real_number_by_its_path():
    assert global_norm({"a": np.array([3]), "b": [np.array([4], np.int8)]}) == 5
    with pytest.raises(TypeError, match=r"^grads\.b\[0\]: expected .*float32, float64 or integers"):
        global_norm({"a": np.array([3.0]), "b": [np.array([4j])]})
    layer = RNN(W=np.ones((1, 2), complex), b=np.ones(1, complex))
    with pytest.raises(TypeError, match=r"^grads\.layer\.W: expected"):
        global_norm({"layer": layer})
