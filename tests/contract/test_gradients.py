"""backward against two measurements of the derivative of forward."""

import numpy as np
import pytest

from rnncourse.gradcheck import gradient_errors
from rnncourse.records import named_leaves

from .worlds import make_world

BARS = {"complex": 1e-12, "central": 1e-7}


# One way of each length with each seed and method is enough: the three do not act on one another.
MEASURED = [
    ("complex", 0, None),
    ("complex", 0, [5, 0, 2]),
    ("complex", 1, [0, 3, 5]),
    ("complex", 2, [1, 5, 4]),
    ("central", 0, None),
    ("central", 1, [5, 0, 2]),
]


@pytest.mark.parametrize(("method", "seed", "lengths"), MEASURED, ids=str)
def test_every_gradient_agrees_with_its_measurement(case, method, lengths, seed):
    world = make_world(case, T=5, B=3, n_x=4, n_a=2, lengths=lengths, seed=seed)
    errors = gradient_errors(world.layer, world.x, world.state, world.da, world.dfinal, lengths, method)
    arguments = {"x": None if case.symbols else world.x, "state": world.state, "layer": world.layer}
    assert list(errors) == [path for path, _ in named_leaves(arguments)]
    steep = case.rounding if method == "central" else 1.0  # the error in h² grows with the slopes
    assert max(errors.values()) <= BARS[method] * steep, errors


@pytest.mark.parametrize("upstream", ["da", "dfinal"])
def test_gradients_agree_when_only_one_of_da_and_dfinal_is_not_zero(recurrent_case, upstream):
    world = make_world(recurrent_case, T=4, B=2, n_x=3, n_a=5, seed=7)
    given = {"da": world.da, "dfinal": None} if upstream == "da" else {"da": None, "dfinal": world.dfinal}
    errors = gradient_errors(world.layer, world.x, world.state, lengths=[4, 1], **given)
    assert max(errors.values()) <= 1e-12, errors


def test_dfinal_none_stands_for_zeros_and_state_none_too(case):
    world = make_world(case)
    zero = world.layer.zero_state(3)
    run = world.layer.forward(world.x)
    assert run == world.layer.forward(world.x, zero)
    assert world.layer.backward(run, world.da) == world.layer.backward(run, world.da, zero)


def test_gradients_are_not_trivial(case):
    """No gradient that the tests above compare is zero throughout."""
    world = make_world(case, lengths=[5, 0, 2])
    grads = world.layer.backward(world.run(), world.da, world.dfinal)
    assert all(np.abs(leaf).max() > 1e-3 for _, leaf in named_leaves(grads))
