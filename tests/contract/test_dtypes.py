"""float32 stays float32, integers are converted, precisions do not mix, complex numbers go forward."""

import numpy as np
import pytest

from rnncourse import tree_map
from rnncourse.records import named_leaves

from .worlds import assert_close, assert_identical, everything, make_world, results

FLOATS = (np.float32, np.float64)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("sizes", [{}, {"T": 0}, {"B": 0}], ids=str)
@pytest.mark.parametrize("padded", [False, True])
def test_every_result_has_the_dtype_of_the_layer(case, dtype, sizes, padded):
    world = make_world(case, **sizes, dtype=dtype)
    world = world.but(
        lengths=[world.x.shape[0]] + [0] * (world.x.shape[1] - 1) if padded and world.x.shape[1] else None
    )
    run = world.layer.forward(world.x, None, world.lengths)
    found = everything(world) | dict(named_leaves({"cold": run.final, "zero": world.layer.zero_state(2)}))
    if case.causal:
        found |= dict(named_leaves({"step": world.layer.step(np.zeros_like(make_world(case, dtype=dtype).x[0]))}))
    assert {array.dtype for array in found.values()} == {np.dtype(dtype)}
    assert world.layer.dtype == dtype


@pytest.mark.parametrize("dtype", ["float32", "float64", np.float32, np.dtype("f8"), float])
def test_init_gives_the_dtype_asked_for(case, dtype):
    layer = case.init(n_x=3, n_a=2, rng=np.random.default_rng(0), dtype=dtype)
    assert {leaf.dtype for _, leaf in named_leaves(layer)} == {np.dtype(dtype)}


def test_float32_is_close_to_float64(case):
    single = make_world(case, dtype=np.float32, lengths=[5, 0, 2])
    names = ("layer", "x", "state", "da", "dfinal")
    double = tree_map(
        lambda a: a if a.dtype.kind in "iu" else a.astype(np.float64), {name: getattr(single, name) for name in names}
    )
    found = {path: array.astype(np.float64) for path, array in everything(single).items()}
    assert_close(found, everything(single.but(**double)), 1e-5 * case.rounding)


@pytest.mark.numbers("integers are what an embedding reads")
@pytest.mark.parametrize("kind", [bool, np.int8, np.uint16, np.int64, ">i4"])
@pytest.mark.parametrize("dtype", FLOATS)
def test_integers_and_booleans_in_x_are_converted(case, kind, dtype):
    world = make_world(case, dtype=dtype)
    x = (np.abs(world.x) * 2).astype(kind)
    assert_identical(everything(world.but(x=x)), everything(world.but(x=x.astype(dtype))))
    if case.causal:
        found, expected = (dict(named_leaves(world.layer.step(x_t, world.state))) for x_t in (x[0], x[0].astype(dtype)))
        assert_identical(found, expected)


@pytest.mark.numbers("symbols have no precision")
@pytest.mark.parametrize("dtype", FLOATS)
def test_precisions_do_not_mix(case, dtype):
    world, other = make_world(case, dtype=dtype), make_world(case, dtype=FLOATS[dtype is np.float32])
    run = world.run()
    calls = {
        "x": lambda: world.layer.forward(other.x),
        "da": lambda: world.layer.backward(run, other.da),
    }
    if case.recurrent:
        calls["state"] = lambda: world.layer.forward(world.x, other.state)
        calls["dfinal"] = lambda: world.layer.backward(run, world.da, other.dfinal)
    if case.causal:
        calls["x_t"] = lambda: world.layer.step(other.x[0], world.state)
    for argument, call in calls.items():
        with pytest.raises(TypeError, match=rf"^{argument}.*: expected dtype {np.dtype(dtype)}.*got {other.x.dtype}"):
            call()


@pytest.mark.parametrize("what", ["x", "state", "layer"])
@pytest.mark.parametrize("dtype", FLOATS)
def test_the_real_part_of_a_complex_forward_is_the_real_forward(case, what, dtype):
    world = make_world(case, dtype=dtype, lengths=[5, 0, 2])
    if case.symbols and what == "x":
        pytest.skip("symbols are not complex")
    kind = np.result_type(dtype, np.complex64)
    run = world.but(**{what: tree_map(lambda a: a.astype(kind), getattr(world, what))}).run()
    if case.recurrent or what != "state":
        assert run.a.dtype == kind
    found, expected = (dict(named_leaves((r.a, r.final))) for r in (run, world.run()))
    found = {path: array.real for path, array in found.items()}
    assert_close(found, expected, 1e-14 if dtype is np.float64 else 1e-6)


def test_a_complex_run_prints_and_compares_like_any_other(case):
    world = make_world(case)
    run = world.but(layer=tree_map(lambda p: p.astype(complex), world.layer)).run()
    assert "complex128" in repr(run)
    assert run != world.run()
    assert results(run, ())["a"].dtype == complex
