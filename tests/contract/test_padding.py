"""lengths: each padded example behaves as it does alone, whatever stands in the padding."""

import numpy as np
import pytest

from rnncourse import tree_map

from .worlds import assert_close, assert_identical, everything, make_world, per_example

LENGTHS = [6, 0, 3, 1, 5]
JUNK = {"NaN": np.nan, "infinity": np.inf, "minus infinity": -np.inf, "huge": 1.7e308, "ones": 1.0}


def padded_world(case, junk=0.0, seed=0):
    world = make_world(case, T=6, B=5, n_x=3, n_a=4, lengths=LENGTHS, seed=seed)
    inside = world.inside[:, :, None]
    inputs = np.where(world.inside, world.x, -7 if junk else 99) if case.symbols else np.where(inside, world.x, junk)
    return world.but(x=inputs, da=np.where(inside, world.da, junk))


@pytest.mark.parametrize("junk", JUNK)
def test_what_stands_in_the_padding_changes_no_bit(case, junk):
    assert_identical(everything(padded_world(case, JUNK[junk])), everything(padded_world(case)))


def test_outputs_and_input_gradients_in_the_padding_are_exactly_zero(case):
    world = padded_world(case, np.nan)
    found = everything(world)
    for path in {"a", "grads.x"} & found.keys():
        assert (found[path][~world.inside] == 0).all(), path
        assert (found[path][world.inside] != 0).any(), path


def test_padded_examples_agree_with_each_alone(case):
    world = padded_world(case, np.nan)
    together = everything(world)
    parameters = {path: 0.0 for path in together if path.startswith("grads.layer")}
    for i, length in enumerate(LENGTHS):
        single = world.examples(slice(i, i + 1)).but(lengths=None).steps(slice(length))
        alone = everything(single)
        parameters = {path: total + alone[path] for path, total in parameters.items()}
        mine = {path: array[..., i : i + 1, :] for path, array in per_example(together).items()}
        mine |= {path: mine[path][:length] for path in {"a", "grads.x"} & mine.keys()}
        assert_close(mine, per_example(alone), 1e-12)
    assert_close({path: together[path] for path in parameters}, parameters, 1e-12)


@pytest.mark.parametrize("form", [list, tuple, np.array, lambda n: np.array(n, np.uint8), lambda n: np.array(n, ">i4")])
def test_lengths_may_be_any_sequence_of_integers(case, form):
    world = padded_world(case)
    assert world.but(lengths=form(LENGTHS)).run() == world.run()


def test_full_lengths_are_as_good_as_none(case):
    world = make_world(case)
    assert_identical(everything(world.but(lengths=[5, 5, 5])), everything(world))


def test_quantities_of_the_run_are_zero_or_finite_in_the_padding(case):
    """Whatever a run shows by name, NaN in the padding is not seen in it."""
    run = padded_world(case, np.nan).run()
    names = [name for name in dir(run) if not name.startswith("_")]
    arrays = [getattr(run, name) for name in names if isinstance(getattr(run, name), np.ndarray)]
    assert arrays
    assert all(np.isfinite(array).all() for array in arrays)
    tree_map(lambda array: np.testing.assert_array_equal(np.isfinite(array), True), run.final)
