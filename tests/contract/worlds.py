"""A world: a layer with random parameters of order 1 and everything that its forward and backward take."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rnncourse import tree_map
from rnncourse.records import named_leaves

SIZES = {"T": 5, "B": 3, "n_x": 4, "n_a": 2}  # all different


@dataclass(frozen=True)
class World:
    layer: Any
    x: np.ndarray
    state: Any
    lengths: Any
    da: np.ndarray
    dfinal: Any

    @property
    def inside(self) -> np.ndarray:
        """Boolean (T, B): is the step before the example's end?"""
        steps, batch = self.x.shape[:2]
        return np.arange(steps)[:, None] < (np.full(batch, steps) if self.lengths is None else np.array(self.lengths))

    def run(self) -> Any:
        return self.layer.forward(self.x, self.state, self.lengths)

    def but(self, **changes: Any) -> World:
        return replace(self, **changes)

    def examples(self, which: Any) -> World:
        """The same world with some of its examples only."""
        return self.but(
            x=self.x[:, which],
            state=tree_map(lambda s: s[which], self.state),
            lengths=None if self.lengths is None else np.array(self.lengths, dtype=int)[which],
            da=self.da[:, which],
            dfinal=tree_map(lambda s: s[which], self.dfinal),
        )

    def steps(self, which: slice) -> World:
        """The same world with some of its steps only."""
        return self.but(x=self.x[which], da=self.da[which])


def make_world(case, T=5, B=3, n_x=4, n_a=2, lengths=None, seed=0, dtype=np.float64) -> World:
    """Draw a world; for layers with a kink, one whose pre-activations are at least 0.01 away from it."""
    for attempt in range(1000):
        rng = np.random.default_rng([seed, attempt])

        def normal(shape, scale=1.0, rng=rng):
            return (scale * rng.standard_normal(shape)).astype(dtype)

        layer = tree_map(lambda p: normal(p.shape, case.scale), case.init(n_x=n_x, n_a=n_a, rng=rng, dtype=dtype))
        x = rng.integers(0, n_x, (T, B)) if case.symbols else normal((T, B, n_x))
        start = layer.zero_state(B)
        state, dfinal = tree_map(lambda s: normal(s.shape), start), tree_map(lambda s: normal(s.shape), start)
        world = World(layer, x, state, lengths, normal((T, B, layer.n_out)), dfinal)
        if case.kinked is None or np.abs(_non_zero(case.kinked(world.run()))).min(initial=1) > 0.01:
            return world
    raise AssertionError(f"{case}: no draw is away from the kink")


def some_lengths(T: int, B: int, seed: int = 0) -> list[int]:
    """Lengths with a 0 and a full one, if B allows."""
    rng = np.random.default_rng(seed)
    return list(map(int, rng.permutation([T, 0, *rng.integers(0, T, B, endpoint=True)][:B])))


def everything(world: World) -> dict[str, np.ndarray]:
    """All results by path: a, final…, grads.x, grads.state…, grads.layer.…"""
    run = world.run()
    return results(run, world.layer.backward(run, world.da, world.dfinal))


def results(run: Any, grads: Any) -> dict[str, np.ndarray]:
    return dict(named_leaves({"a": run.a, "final": run.final, "grads": grads}))


def per_example(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Without the parameter gradients, which add up over examples; the example's axis is the last but one."""
    return {path: array for path, array in found.items() if not path.startswith("grads.layer")}


def assert_identical(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert_close(found, expected, 0.0)


def assert_close(found: dict[str, np.ndarray], expected: dict[str, np.ndarray], tol: float) -> None:
    """The same paths, dtypes and shapes, and values within tol · max(1, largest)."""
    assert list(found) == list(expected)
    for path, array in expected.items():
        assert found[path].shape == array.shape, path
        assert found[path].dtype == array.dtype, path
        atol = tol * max(1.0, np.abs(array).max(initial=0.0))
        if not np.array_equal(found[path], array) and not (np.abs(found[path] - array) <= atol).all():
            np.testing.assert_allclose(found[path], array, rtol=0, atol=atol, err_msg=path)  # slow: only to say where


def _non_zero(values: np.ndarray) -> np.ndarray:
    return values[values != 0]  # exact zeros stand in the padding
