"""What the tests of the recurrent layers share: random layers, derivatives measured by `edit`, the looped cells."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from rnncourse import _validation as validate
from rnncourse import tree_map
from rnncourse.layers.recurrent import RecurrentLayer
from rnncourse.layers.sequence import Run, keep, valid_steps
from rnncourse.records import named_leaves
from rnncourse.workspace import NEW


def random_layer(layer: Any, seed: int = 0, scale: float = 1.0) -> Any:
    """The layer with parameters of order `scale`, biases and peepholes too."""
    rng = np.random.default_rng(seed)
    return tree_map(lambda p: (scale * rng.standard_normal(p.shape)).astype(p.dtype), layer)


def random_world(layer: Any, T: int, B: int, seed: int = 1, dtype: Any = np.float64) -> tuple[Any, ...]:
    """x, state, da and dfinal of order 1."""
    rng = np.random.default_rng(seed)

    def normal(array: np.ndarray) -> np.ndarray:
        return rng.standard_normal(array.shape).astype(dtype)

    x, state = normal(np.empty((T, B, layer.n_x))), tree_map(normal, layer.zero_state(B))
    return x, state, normal(np.empty((T, B, layer.n_out))), tree_map(normal, layer.zero_state(B))


def parts(state: Any) -> tuple[np.ndarray, ...]:
    return state if isinstance(state, tuple) else (state,)


def nudged(layer: Any, x_t: np.ndarray, state: Any, quantity: str, i: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """The derivative of each part of the new state by entry i of a quantity: a complex step through `edit`."""

    def nudge(name: str, value: np.ndarray) -> np.ndarray:
        if name != quantity:
            return value
        value = value.astype(complex)
        value[i] += 1e-30j
        return value

    new, _ = layer.cell_forward(x_t, state, nudge)
    return tuple(part.imag / 1e-30 for part in parts(new))


def assert_every_gradient_by_name_is_measured(layer: Any, seed: int = 3) -> None:
    """`d` has dL/d(quantity) for every named quantity and for nothing else, and `edit` measures the same."""
    x, state, _, dstate = random_world(layer, 1, 2, seed)
    _, cache = layer.cell_forward(x[0], state)
    _, _, d = layer.cell_backward(cache, dstate)
    present = {f.name for f in fields(d) if getattr(d, f.name) is not None} - {"layer"}
    assert present == {f"d{name}" for name in layer.quantities}
    for name in layer.quantities:
        measured = np.empty((2, layer.n_a))
        for i in np.ndindex(measured.shape):
            moved = nudged(layer, x[0], state, name, i)
            measured[i] = sum((new * up).sum() for new, up in zip(moved, parts(dstate), strict=True))
        assert np.abs(measured).max() > 1e-3, name
        np.testing.assert_allclose(getattr(d, f"d{name}"), measured, rtol=0, atol=1e-14, err_msg=name)


def assert_edit_sees_and_holds_every_quantity(layer: Any, seed: int = 4) -> None:
    x, state, _, _ = random_world(layer, 1, 2, seed)
    seen: dict[str, np.ndarray] = {}
    plain, _ = layer.cell_forward(x[0], state)
    noted, _ = layer.cell_forward(x[0], state, lambda name, value: seen.setdefault(name, value))
    assert sorted(seen) == sorted(layer.quantities)
    for a, b in zip(parts(plain), parts(noted), strict=True):
        np.testing.assert_array_equal(a, b)
    for held in layer.quantities:
        new, _ = layer.cell_forward(x[0], state, lambda name, value, held=held: value + 0.5 if name == held else value)
        assert any((a != b).any() for a, b in zip(parts(plain), parts(new), strict=True)), held


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


def assert_trees_close(found: Any, expected: Any, tol: float) -> None:
    """The same paths and dtypes; differences within tol · max(1, largest) of each array."""
    found, expected = dict(named_leaves(found)), dict(named_leaves(expected))
    assert list(found) == list(expected)
    for path, array in expected.items():
        assert found[path].dtype == array.dtype, path
        assert found[path].shape == array.shape, path
        limit = tol * max(1.0, float(np.abs(array).max(initial=0)))
        assert (np.abs(found[path] - array) <= limit).all(), (path, np.abs(found[path] - array).max() / limit * tol)
