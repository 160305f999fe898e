"""What the tests of the recurrent layers share: random layers, derivatives measured by `edit`, the looped cells."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnncourse import _validation as validate
from rnncourse import battery
from rnncourse.layers.recurrent import RecurrentLayer
from rnncourse.layers.sequence import Run, keep, valid_steps
from rnncourse.workspace import NEW


def random_layer(layer: Any, seed: int = 0, scale: float = 1.0) -> Any:
    """The layer with parameters of order `scale`, biases and peepholes too."""
    return battery.random_parameters(layer, np.random.default_rng(seed), scale)


def random_world(layer: Any, T: int, B: int, seed: int = 1) -> tuple[Any, ...]:
    """x, state, da and dfinal of order 1."""
    world = battery.draw(layer, T, B, np.random.default_rng(seed))
    return world.x, world.state, world.da, world.dfinal


def nudged(layer: Any, x_t: np.ndarray, state: Any, quantity: str, i: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """The derivative of each part of the new state by entry i of a quantity: a complex step through `edit`."""

    def nudge(name: str, value: np.ndarray) -> np.ndarray:
        if name != quantity:
            return value
        value = value.astype(complex)
        value[i] += 1e-30j
        return value

    new, _ = layer.cell_forward(x_t, state, nudge)
    return tuple(part.imag / 1e-30 for part in (new if isinstance(new, tuple) else (new,)))


def assert_run_shows_every_quantity(run: Any, expected: dict[str, np.ndarray], inside: np.ndarray) -> None:
    """By name, read-only, as expected inside and exactly zero in the padding."""
    assert set(expected) == set(run.quantities) == set(run.layer.quantities)
    assert set(expected) <= set(dir(run))
    for name, values in expected.items():
        found = getattr(run, name)
        assert not found.flags.writeable, name
        assert (found[~inside] == 0).all(), name
        np.testing.assert_allclose(found[inside], values[inside], rtol=1e-12, atol=1e-14, err_msg=name)


def looped_run(layer: Any, x: np.ndarray, state: Any = None, lengths: Any = None) -> Run:
    """What `forward` returns, by looping the cell; its `backward` loops the cell too."""
    ends = validate.lengths(lengths, *x.shape[:2])
    valid = valid_steps(ends, len(x))
    start = layer._unpack("state", state, x.shape[1])
    states, tape = RecurrentLayer._forward(layer, keep(valid, x), start, valid, NEW)
    assert tape == ()
    return Run(layer, np.array(keep(valid, x)), states, keep(valid, states[0][1:]), ends)


def assert_trees_close(found: Any, expected: Any, tol: float = 1e-12) -> None:
    """The same paths and dtypes; differences within tol · max(1, largest) of each array."""
    battery.same("results", found, expected, tol)
