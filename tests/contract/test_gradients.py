"""backward against two measurements of the derivative of forward."""

import numpy as np
import pytest

from rnncourse.gradcheck import gradient_errors
from rnncourse.records import named_leaves

from .worlds import make_world

BARS = {"complex": 1e-12, "central": 1e-7}


# Method, seed, lengths and what comes from above, da or dfinal or both, do not act on one another: each once is enough.
MEASURED = [
    ("complex", 0, None, "both"),
    ("complex", 0, [5, 0, 2], "both"),
    ("complex", 1, [0, 3, 5], "da"),
    ("complex", 2, [1, 5, 4], "dfinal"),
    ("central", 1, [5, 0, 2], "both"),
]


@pytest.mark.parametrize(("method", "seed", "lengths", "upstream"), MEASURED, ids=str)
def test_every_gradient_agrees_with_its_measurement(case, method, lengths, seed, upstream):
    world = make_world(case, T=5, B=3, n_x=4, n_a=2, lengths=lengths, seed=seed)
    da, dfinal = (getattr(world, name) if upstream in (name, "both") else None for name in ("da", "dfinal"))
    errors = gradient_errors(world.layer, world.x, world.state, da, dfinal, lengths, method)
    arguments = {"x": None if case.symbols else world.x, "state": world.state, "layer": world.layer}
    assert list(errors) == [path for path, _ in named_leaves(arguments)]
    steep = case.rounding if method == "central" else 1.0  # the error in h² grows with the slopes
    assert max(errors.values()) <= BARS[method] * steep, errors


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
