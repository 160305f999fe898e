"""Sizes of 0 and 1, unusual memory, and the same work cut into pieces."""

import numpy as np
import pytest

from rnncourse import tree_map
from rnncourse.battery import looped
from rnncourse.records import named_leaves

from .worlds import assert_close, assert_identical, everything, make_world, results, some_lengths

SMALL = [
    {"T": 0},
    {"B": 0},
    {"T": 0, "B": 0},
    {"T": 1},
    {"B": 1},
    {"n_x": 1},
    {"n_a": 1},
    {"T": 1, "B": 1, "n_x": 1, "n_a": 1},
]


@pytest.mark.parametrize("sizes", SMALL, ids=str)
@pytest.mark.parametrize("padded", [False, True])
def test_small_sizes_give_results_of_the_right_shapes(case, sizes, padded):
    sizes = {"T": 5, "B": 3, "n_x": 4, "n_a": 2} | sizes
    world = make_world(case, **sizes)
    world = world.but(lengths=some_lengths(sizes["T"], sizes["B"]) if padded else None)
    found = everything(world)
    assert found["a"].shape == world.da.shape
    for path, array in named_leaves(
        {
            "final": world.state,
            "grads": {"x": None if case.symbols else world.x, "state": world.state, "layer": world.layer},
        }
    ):
        assert found[path].shape == array.shape, path
        assert np.isfinite(found[path]).all(), path


@pytest.mark.parametrize("what", ["no steps", "lengths of zero"])
def test_without_steps_the_state_and_its_gradient_pass_through(case, what):
    world = make_world(case, T=0) if what == "no steps" else make_world(case, lengths=[0, 0, 0])
    found = everything(world)
    assert_identical(
        dict(named_leaves(world.state, "final")), {p: a for p, a in found.items() if p.startswith("final")}
    )
    state = dict(named_leaves(world.dfinal, "grads.state"))
    assert_identical(state, {p: a for p, a in found.items() if p.startswith("grads.state")})
    for path, array in found.items():
        if not path.startswith(("final", "grads.state")):
            assert (array == 0).all(), path


def test_an_example_of_length_zero_keeps_its_state_and_gets_dfinal_back(case):
    world = make_world(case, lengths=[5, 0, 2])
    run = world.run()
    grads = world.layer.backward(run, world.da, world.dfinal)
    for after, before in ((run.final, world.state), (grads.state, world.dfinal)):
        tree_map(lambda a, b: np.testing.assert_array_equal(a[1], b[1]), after, before)
    assert (run.a[:, 1] == 0).all()
    assert case.symbols or (grads.x[:, 1] == 0).all()


def strided(array):
    wide = np.full([2 * n + 1 for n in array.shape], -1 if array.dtype.kind in "iu" else np.nan, array.dtype)
    view = wide[tuple(slice(1, None, 2) for _ in array.shape)]
    view[...] = array
    return view


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def misaligned(array):
    raw = bytearray(array.nbytes + 1)
    view = np.frombuffer(raw, array.dtype, count=array.size, offset=1).reshape(array.shape)
    view[...] = array
    return view


class Subclass(np.ndarray):
    """An array of another class, such as a memory map."""


LAYOUTS = {
    "strided": strided,
    "Fortran-ordered": np.asfortranarray,
    "reversed": lambda array: np.ascontiguousarray(array[::-1])[::-1],
    "transposed": lambda array: np.ascontiguousarray(array.T).T,
    "read-only": read_only,
    "of swapped bytes": lambda array: array.astype(array.dtype.newbyteorder("S")),
    "misaligned": misaligned,
    "of a subclass": lambda array: array.view(Subclass),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("lengths", [None, [5, 0, 2]], ids=["full", "padded"])
def test_memory_layout_changes_no_bit_and_inputs_are_left_alone(case, layout, lengths):
    world = make_world(case, lengths=lengths)
    given = {"layer": world.layer, "x": world.x, "state": world.state, "da": world.da, "dfinal": world.dfinal}
    other = tree_map(LAYOUTS[layout], given)
    before = [array.copy() for _, array in named_leaves(other)]
    found = everything(world.but(**other))
    assert_identical(found, everything(world))
    assert all(type(array) is np.ndarray for array in found.values())
    for (path, array), old in zip(named_leaves(other), before, strict=True):
        np.testing.assert_array_equal(array, old, err_msg=path)


def test_step_takes_any_memory_layout(causal_case):
    world = make_world(causal_case)
    expected = dict(named_leaves(world.layer.step(world.x[0], world.state)))
    for layout, change in LAYOUTS.items():
        found = dict(named_leaves(world.layer.step(change(world.x[0]), tree_map(change, world.state))))
        assert all(type(array) is np.ndarray for array in found.values()), layout
        assert_close(found, expected, 1e-15)


@pytest.mark.numbers("symbols cannot be gradients as well")
def test_inputs_may_share_their_memory(case):
    """With n_x = n_out, da is x and the states are views of x: the same as copies."""
    world = make_world(case, n_x=4, n_a=4)
    shared = make_world(case, n_x=world.layer.n_out, n_a=4)
    view = shared.x[0]
    assert view.base is shared.x or view.base is shared.x.base
    aliased = shared.but(da=shared.x, state=tree_map(lambda s: view[:, : s.shape[1]], shared.state))
    aliased = aliased.but(dfinal=aliased.state)
    copies = aliased.but(x=shared.x.copy(), da=shared.x.copy(), state=tree_map(np.copy, aliased.state))
    copies = copies.but(dfinal=tree_map(np.copy, aliased.dfinal))
    assert_identical(everything(aliased), everything(copies))


@pytest.mark.parametrize("lengths", [None, [5, 0, 2]], ids=["full", "padded"])
def test_changing_the_inputs_afterwards_changes_nothing(case, lengths):
    world = make_world(case, lengths=lengths)
    expected = everything(world)
    mine = tree_map(np.copy, {"x": world.x, "state": world.state, "da": world.da, "dfinal": world.dfinal})
    lengths = lengths and np.array(lengths)
    weights = [array.copy() for _, array in named_leaves(world.layer)]
    leaves = iter(weights)
    layer = tree_map(lambda _: next(leaves), world.layer)
    for array in weights:
        array[...] = np.nan
    run = layer.forward(mine["x"], mine["state"], lengths)
    for _, array in named_leaves((mine["x"], mine["state"], lengths)):
        array[...] = 99
    grads = layer.backward(run, mine["da"], mine["dfinal"])
    for _, array in named_leaves({"da": mine["da"], "dfinal": mine["dfinal"]}):
        array[...] = np.nan
    assert_identical(results(run, grads), expected)


@pytest.mark.parametrize("cut", range(6))
@pytest.mark.parametrize("lengths", [None, [5, 0, 2]], ids=["full", "padded"])
def test_two_chunks_equal_the_whole(causal_case, cut, lengths):
    whole = make_world(causal_case, T=5, lengths=lengths)
    first, second = whole.steps(slice(None, cut)), whole.steps(slice(cut, None))
    if lengths:
        first = first.but(lengths=np.minimum(lengths, cut))
        second = second.but(lengths=np.maximum(np.array(lengths) - cut, 0))
    run_1 = first.run()
    second = second.but(state=run_1.final)
    run_2 = second.run()
    grads_2 = second.layer.backward(run_2, second.da, second.dfinal)
    grads_1 = first.layer.backward(run_1, first.da, grads_2.state)
    found = {
        "a": np.concatenate([run_1.a, run_2.a]),
        "final": run_2.final,
        "grads": {
            "x": None if causal_case.symbols else np.concatenate([grads_1.x, grads_2.x]),
            "state": grads_1.state,
            "layer": tree_map(np.add, grads_1.layer, grads_2.layer),
        },
    }
    assert_close(dict(named_leaves(found)), everything(whole), 1e-13)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_loop_of_steps_equals_forward(causal_case, dtype):
    world = make_world(causal_case, dtype=dtype)
    state, a = world.state, []
    for x_t in world.x:
        a_t, state = world.layer.step(x_t, state)
        a.append(a_t)
    run = world.run()
    tol = 1e-12 if dtype is np.float64 else 1e-5
    assert_close(dict(named_leaves((np.stack(a), state))), dict(named_leaves((run.a, run.final))), tol)


def test_a_step_without_a_state_starts_from_zeros(causal_case):
    world = make_world(causal_case)
    fresh, zero = (dict(named_leaves(world.layer.step(world.x[0], s))) for s in (None, world.layer.zero_state(3)))
    assert_identical(fresh, zero)


def test_a_step_takes_an_empty_batch(causal_case):
    world = make_world(causal_case, B=0)
    a_t, _ = world.layer.step(world.x[0], world.state)
    assert a_t.shape == (0, world.layer.n_out)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("sizes", [(5, 3, 4, 2), (9, 2, 3, 7), (1, 1, 1, 1)])
def test_looped_cells_equal_the_sequence(celled_case, sizes, dtype):
    world = make_world(celled_case, *sizes, dtype=dtype)
    assert_close(looped(world), everything(world), 1e-12 if dtype is np.float64 else 1e-5)
