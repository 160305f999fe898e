"""NaN and infinities, the largest numbers, and very long sequences."""

import tracemalloc
import warnings

import numpy as np
import pytest

from rnncourse import tree_map

from .worlds import assert_identical, everything, make_world, per_example, results


def poisoned(world, where, value):
    """Example 1 of 4 gets a bad number in x, the state, da or dfinal."""
    if where == "x" and world.x.dtype.kind in "iu":
        pytest.skip("symbols are neither NaN nor infinite")
    if where in ("x", "da"):
        array = getattr(world, where).copy()
        array[2, 1, 0] = value
        return world.but(**{where: array})

    def spoil(state):
        state = state.copy()
        state[1, 0] = value
        return state

    return world.but(**{where: tree_map(spoil, getattr(world, where))})


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning", "ignore:overflow:RuntimeWarning")
@pytest.mark.parametrize("where", ["x", "state", "da", "dfinal"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("lengths", [None, [6, 4, 0, 3]], ids=["full", "padded"])
def test_nan_and_infinity_stay_in_their_example(case, where, value, lengths):
    clean = make_world(case, T=6, B=4, n_x=3, n_a=5, lengths=lengths)
    others = [0, 2, 3]
    found, expected = everything(poisoned(clean, where, value)), everything(clean)
    for path, array in per_example(expected).items():
        np.testing.assert_array_equal(found[path][..., others, :], array[..., others, :], err_msg=path)


@pytest.mark.parametrize("where", ["x", "state", "da", "dfinal"])
def test_nan_raises_no_warning_and_is_not_swallowed(case, where):
    world = poisoned(make_world(case, T=6, B=4, n_x=3, n_a=5), where, np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = everything(world)
    if case.recurrent or where in ("x", "da"):
        assert any(np.isnan(array).any() for array in found.values())


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("signs", ["up", "down", "both"])
def test_the_largest_numbers_pass_without_a_warning(case, dtype, signs):
    """Inputs and states of ± the largest float; parameters and upstream gradients so small that the results exist."""
    world = make_world(case, T=6, B=3, n_x=4, n_a=5, dtype=dtype)
    largest = np.finfo(dtype).max
    sign = {
        "up": np.positive,
        "down": np.negative,
        "both": lambda a: a * np.sign(np.cos(7 * np.arange(a.size))).reshape(a.shape),
    }

    def extreme(array):
        return sign[signs](np.full(array.shape, largest)).astype(dtype)

    # tanh, not clip: weights that are clipped to one value cancel exactly, and what should saturate does not
    layer = tree_map(lambda p: (np.tanh(p) / 16).astype(dtype), world.layer)
    world = world.but(
        layer=layer, x=world.x if case.symbols else extreme(world.x), state=tree_map(extreme, world.state)
    )
    world = world.but(da=world.da * dtype(1e-3), dfinal=tree_map(lambda d: d * dtype(1e-3), world.dfinal))
    with warnings.catch_warnings(), np.errstate(under="ignore"):
        warnings.simplefilter("error")
        found = everything(world)
    for path, array in found.items():
        assert np.isfinite(array).all(), path


@pytest.mark.parametrize("steps", [3_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_very_many_steps_stay_finite(case, steps):
    world = make_world(case, T=3, B=2, n_x=1, n_a=2)
    x = np.zeros((steps, 2), int) if case.symbols else np.random.default_rng(0).standard_normal((steps, 2, 1))
    layer = tree_map(lambda p: 0.3 * np.tanh(p), world.layer)
    world = world.but(layer=layer, x=x, da=np.ones((len(x), 2, layer.n_out)))
    found = everything(world)
    assert len(found["a"]) == steps
    assert all(np.isfinite(array).all() for array in found.values())


def test_memory_grows_linearly_with_the_number_of_steps(case):
    def peak(steps):
        world = make_world(case, T=4, B=8, n_x=8, n_a=8)
        world = world.but(x=np.concatenate([world.x] * (steps // 4)), da=np.tile(world.da, (steps // 4, 1, 1)))
        world = world.but(layer=tree_map(lambda p: 0.1 * np.tanh(p), world.layer))
        tracemalloc.start()
        everything(world)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(400) < 4.5 * peak(100)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("x_size", "da_size"), [("tiny", 1.0), (500.0, "tiny")])
def test_an_underflow_is_no_error_even_where_the_user_raises_them(case, dtype, x_size, da_size):
    """Tails of sigmoids and tiny products are rightly zero, with the bits of a run without the setting."""
    world = make_world(case, T=20, dtype=dtype)
    small = 4 * np.finfo(dtype).tiny
    x, da = (
        a * dtype(small if size == "tiny" else size) if a.dtype == dtype else a
        for a, size in [(world.x, x_size), (world.da, da_size)]
    )

    def passes():
        run = world.layer.forward(x, world.state)
        return results(run, world.layer.backward(run, da, world.dfinal))

    with np.errstate(under="ignore"):
        expected = passes()
    with np.errstate(under="raise"):
        assert_identical(passes(), expected)
        if case.causal:
            world.layer.step(x[0])
        for name in getattr(world.run(), "quantities", ()):
            getattr(world.layer.forward(x), name)
