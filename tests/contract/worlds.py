"""Worlds for the registry's cases: a layer with random parameters of order 1 and all that its passes take."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnncourse import battery
from rnncourse.battery import World, draw, random_parameters
from rnncourse.records import named_leaves

SIZES = {"T": 5, "B": 3, "n_x": 4, "n_a": 2}  # all different


def make_world(case, T=5, B=3, n_x=4, n_a=2, lengths=None, seed=0, dtype=np.float64) -> World:
    """Draw a world; for layers with a kink, one whose pre-activations are at least 0.01 away from it."""
    for attempt in range(1000):
        rng = np.random.default_rng([seed, attempt])
        layer = random_parameters(case.init(n_x=n_x, n_a=n_a, rng=rng, dtype=dtype), rng, case.scale)
        world = draw(layer, T, B, rng, lengths)
        if case.kinked is None or np.abs(_non_zero(case.kinked(world.run()))).min(initial=1) > 0.01:
            return world
    raise AssertionError(f"{case}: no draw is away from the kink")


def some_lengths(T: int, B: int, seed: int = 0) -> list[int]:
    """Lengths with a 0 and a full one, if B allows."""
    rng = np.random.default_rng(seed)
    return list(map(int, rng.permutation([T, 0, *rng.integers(0, T, B, endpoint=True)][:B])))


def everything(world: World) -> dict[str, np.ndarray]:
    """All results by path: a, final…, grads.x, grads.state…, grads.layer.…"""
    return world.everything()


def results(run: Any, grads: Any) -> dict[str, np.ndarray]:
    return dict(named_leaves({"a": run.a, "final": run.final, "grads": grads}))


def per_example(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Without the parameter gradients, which add up over examples; the example's axis is the last but one."""
    return {path: array for path, array in found.items() if not path.startswith("grads.layer")}


def assert_identical(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert_close(found, expected, 0.0)


def assert_close(found: dict[str, np.ndarray], expected: dict[str, np.ndarray], tol: float) -> None:
    """The same paths, dtypes and shapes, and values within tol · max(1, largest)."""
    battery.same("results", found, expected, tol)


def _non_zero(values: np.ndarray) -> np.ndarray:
    return values[values != 0]  # exact zeros stand in the padding
