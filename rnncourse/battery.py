"""What every layer has to keep, whatever it computes: the checks of `rnncourse.gradcheck.check_layer` bar gradients.

Each check takes a world (a layer and all that its passes take), raises AssertionError with what is wrong and where, and
returns why it has nothing to say, if so. Nothing is needed but NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from .records import Array, Gradients, named_leaves, tree_map

__all__ = ["CHECKS", "World", "draw", "expect", "looped", "random_parameters", "same"]


@dataclass(frozen=True)
class World:
    """A layer and everything that its forward and backward take; see `draw`.

    Attributes
    ----------
    layer : layer
        Any layer.
    x, da : ndarray, shape (T, B, n_x) and (T, B, n_out)
        Inputs and the gradient with respect to the outputs.
    state, dfinal : ndarray or tuple
        Start state, and the gradient with respect to the final state.
    lengths : sequence of int or None
        Number of steps of each example.
    """

    layer: Any
    x: Array
    state: Any
    lengths: Any
    da: Array
    dfinal: Any

    @property
    def inside(self) -> Array:
        """Boolean (T, B): whether the step is before the example's end."""
        steps, batch = self.x.shape[:2]
        return np.arange(steps)[:, None] < (np.full(batch, steps) if self.lengths is None else np.array(self.lengths))

    def run(self) -> Any:
        """Run the layer."""
        return self.layer.forward(self.x, self.state, self.lengths)

    def everything(self) -> dict[str, Array]:
        """All results by their paths: a, final, grads.x, grads.state, grads.layer.W and so on."""
        run = self.run()
        grads = self.layer.backward(run, self.da, self.dfinal)
        return dict(named_leaves({"a": run.a, "final": run.final, "grads": grads}))

    def but(self, **changes: Any) -> World:
        """Return the same world with something else in it."""
        return replace(self, **changes)

    def examples(self, which: Any) -> World:
        """Return the same world with some of its examples only."""
        lengths = None if self.lengths is None else np.array(self.lengths, dtype=int)[which]
        state, dfinal = (tree_map(lambda s: s[which], tree) for tree in (self.state, self.dfinal))
        return self.but(x=self.x[:, which], state=state, lengths=lengths, da=self.da[:, which], dfinal=dfinal)

    def steps(self, which: slice) -> World:
        """Return the same world with some of its steps only."""
        return self.but(x=self.x[which], da=self.da[which])


def random_parameters(layer: Any, rng: np.random.Generator, scale: float = 1.0) -> Any:
    """Return the layer with parameters of order `scale`, biases too: where all are zero, a slip may not show."""
    return tree_map(lambda p: (scale * rng.standard_normal(p.shape)).astype(p.dtype), layer)


def draw(layer: Any, T: int, B: int, rng: np.random.Generator, lengths: Any = None) -> World:
    """Draw a world for a layer: normal numbers of order 1 in its dtype, or symbols where it reads symbols."""

    def normal(array: Array) -> Array:
        return np.asarray(rng.standard_normal(array.shape), layer.dtype)

    symbols = getattr(layer, "reads_symbols", False)
    inputs = rng.integers(0, layer.n_x, (T, B)) if symbols else normal(np.empty((T, B, layer.n_x)))
    start = layer.zero_state(B)
    state, dfinal = tree_map(normal, start), tree_map(normal, start)
    return World(layer, inputs, state, lengths, normal(np.empty((T, B, layer.n_out))), dfinal)


def expect(holds: Any, message: str) -> None:
    """Raise AssertionError unless something holds (also where Python runs with -O)."""
    if not holds:
        raise AssertionError(message)


def same(what: str, found: Any, expected: Any, tol: float = 0.0) -> None:
    """Expect two trees with the same paths, shapes, dtypes, and values within tol · max(1, largest) of each array."""
    found, expected = dict(named_leaves(found)), dict(named_leaves(expected))
    expect(list(found) == list(expected), f"{what}: expected {', '.join(expected)}, got {', '.join(found)}")
    for path, array in expected.items():
        mine, where = found[path], f"{what}: {path}" if path else what
        kinds = [f"{v.dtype}{list(v.shape)}" for v in (array, mine)]
        expect(kinds[0] == kinds[1], f"{where}: expected {kinds[0]}, got {kinds[1]}")
        if np.array_equal(mine, array, equal_nan=True):
            continue
        with np.errstate(invalid="ignore"):
            worst, most = np.abs(mine - array).max(), tol * max(1.0, np.abs(array).max(initial=0))
        expect(worst <= most, f"{where}: differs by {worst:.1e}, allowed are {most:.0e}")


def looped(w: World) -> dict[str, Array]:
    """Loop the layer's cell forwards and backwards, without lengths: what `World.everything` should give."""
    state, a, caches = w.state, [], []
    for x_t in w.x:
        state, cache = w.layer.cell_forward(x_t, state)
        a.append(_parts(state)[0])
        caches.append(cache)
    total, dx, dstate = tree_map(np.zeros_like, w.layer), np.zeros_like(w.x), w.dfinal
    for t in reversed(range(len(w.x))):
        arriving = (dstate[0] + w.da[t], *dstate[1:]) if isinstance(dstate, tuple) else dstate + w.da[t]
        dx[t], dstate, d = w.layer.cell_backward(caches[t], arriving)
        total = tree_map(np.add, total, d.layer)
    grads = Gradients(dx, dstate, total)
    return dict(named_leaves({"a": np.array(a).reshape(w.da.shape), "final": state, "grads": grads}))


def _parts(state: Any) -> tuple[Array, ...]:
    return state if isinstance(state, tuple) else (state,)


def _shapes(w: World) -> None:
    layer, found = w.layer, w.everything()
    x = {"x": w.x} if w.x.dtype.kind == "f" else {}
    like = {"a": w.da, "final": w.state, "grads": {**x, "state": w.state, "layer": layer}}
    for path, array in named_leaves(like):
        kinds = [None if v is None else f"{v.dtype}{list(v.shape)}" for v in (array, found.get(path))]
        expect(kinds[0] == kinds[1], f"{path}: expected {kinds[0]}, got {kinds[1]}")
        expect(np.isfinite(found[path]).all(), f"{path}: not finite")
    other = np.dtype("float32" if layer.dtype == np.float64 else "float64")
    tree = {name: getattr(w, name) for name in ("layer", "x", "state", "da", "dfinal")}
    in_other = w.but(**tree_map(lambda p: p.astype(other) if p.dtype == layer.dtype else p, tree)).everything()
    expect({v.dtype for v in in_other.values()} == {other}, f"in {other}: not all results are of that dtype")
    same(f"in {other}", tree_map(lambda p: p.astype(layer.dtype), in_other), found, 1e-4)


def _steps(w: World) -> str | None:
    run, state, a = w.run(), w.state, []
    for x_t in w.x:
        try:
            a_t, state = w.layer.step(x_t, state)
        except TypeError as error:
            if str(error).startswith("step:"):
                return "refused, since the layer needs the future"
            raise
        a.append(a_t)
    same("a loop of steps", {"a": np.stack(a), "final": state}, {"a": run.a, "final": run.final}, 1e-12)
    return None


def _cells(w: World) -> str | None:
    if not hasattr(w.layer, "cell_forward"):
        return "no cell"
    same("the looped cell", w.everything(), looped(w), 1e-12)
    return None


def _quantities(w: World) -> str | None:
    """`edit` sees, holds and measures every named quantity; `d` has its gradient, the run its values."""
    layer, x_t = w.layer, w.x[0]
    if not hasattr(layer, "quantities"):
        return "no cell"
    names, seen = set(layer.quantities), dict[str, Array]()
    plain, cache = layer.cell_forward(x_t, w.state)
    noted, _ = layer.cell_forward(x_t, w.state, lambda name, value: seen.setdefault(name, value))
    same("a step with an edit that changes nothing", noted, plain)
    expect(
        set(seen) == names, f"quantities: edit sees and `quantities` lists not the same: {sorted(set(seen) ^ names)}"
    )
    _, _, d = layer.cell_backward(cache, w.dfinal)
    gradients = {f.name for f in fields(d) if getattr(d, f.name) is not None} - {"layer"}
    odd = gradients ^ {f"d{name}" for name in names}
    expect(not odd, f"quantities: the cell's gradients and `quantities` list not the same: {sorted(odd)}")
    off = []
    for name, value in seen.items():
        measured = np.empty(value.shape)
        for i in np.ndindex(value.shape):
            new, _ = layer.cell_forward(x_t, w.state, lambda n, v, i=i, name=name: _nudged(v, i) if n == name else v)
            measured[i] = sum((p.imag * up).sum() for p, up in zip(_parts(new), _parts(w.dfinal), strict=True)) / 1e-30
        expect(np.abs(measured).max() > 0, f"{name}: what edit returns for it is not used")
        if not np.abs(getattr(d, f"d{name}") - measured).max() <= 1e-12 * max(1.0, np.abs(measured).max()):
            off.append(f"d{name}")
    expect(not off, f"gradients of a step that are not as measured: {', '.join(off)} (of {len(seen)})")
    run, lengths = w.run(), w.but(lengths=[len(w.x), *[0] * (w.x.shape[1] - 1)])
    for name, value in seen.items():
        same(f"run.{name}", getattr(run, name)[0], value, 1e-12)
        expect(not getattr(lengths.run(), name)[~lengths.inside].any(), f"run.{name}: not zero in the padding")
    return None


def _nudged(value: Array, i: tuple[int, ...]) -> Array:
    value = value.astype(complex)
    value[i] += 1e-30j
    return value


def _padding(w: World) -> None:
    T, B = w.x.shape[:2]
    lengths = [T, 0, *[T // 2] * B][:B]
    clean = w.but(lengths=lengths)
    together, inside = clean.everything(), clean.inside
    junk = {
        name: np.where(inside[(...,) + (None,) * (v.ndim - 2)], v, np.nan) for name, v in (("x", w.x), ("da", w.da))
    }
    if w.x.dtype.kind != "f":
        del junk["x"]
    same("NaN in the padding", clean.but(**junk).everything(), together)
    for path in {"a", "grads.x"} & together.keys():
        expect(not together[path][~inside].any(), f"{path}: not zero in the padding")
    total: dict[str, Any] = {path: 0.0 for path in together if path.startswith("grads.layer")}
    for k, n in enumerate(lengths):
        alone = w.examples(slice(k, k + 1)).steps(slice(n)).everything()
        mine = {path: v[..., k : k + 1, :] for path, v in together.items() if path not in total}
        mine = {path: v[:n] if path in ("a", "grads.x") else v for path, v in mine.items()}
        same(f"an example of {n} steps, padded and alone", mine, {p: alone[p] for p in mine}, 1e-12)
        total = {path: value + alone[path] for path, value in total.items()}
    same("padded examples and the sum of each alone", {path: together[path] for path in total}, total, 1e-12)


def _empty(w: World) -> None:
    no_steps = w.but(lengths=[0] * w.x.shape[1])
    for what, world in (("no steps", w.steps(slice(0))), ("lengths of 0", no_steps)):
        found, at = world.everything(), {"final": w.state, "grads": {"state": w.dfinal}}
        rest = {path: v for path, v in found.items() if not path.startswith(("final", "grads.state"))}
        same(f"{what}: the state and its gradient", {p: v for p, v in found.items() if p not in rest}, at)
        expect(not any(v.any() for v in rest.values()), f"{what}: other results are not zero")
    found = w.examples(slice(0)).everything()
    expect(found["a"].shape[:2] == (len(w.x), 0), f"no examples: a is of shape {found['a'].shape}")


def _immutable(w: World) -> None:
    given = {"x": w.x, "state": w.state, "da": w.da, "dfinal": w.dfinal}
    before, run = tree_map(np.copy, given), w.run()
    grads = w.layer.backward(run, w.da, w.dfinal)
    same("the arguments after the passes", given, before)
    for what, record in (("layer", w.layer), ("run", run), ("grads", grads), ("run.final", run.final)):
        for path, array in named_leaves(record, what):
            expect(not array.flags.writeable, f"{path}: can be written to")
    expect(type(grads.layer) is type(w.layer), f"grads.layer: expected {type(w.layer).__name__}")
    expect(w.run() == run, "run: the same call gives another run")
    try:
        setattr(w.layer, fields(w.layer)[0].name, None)
    except AttributeError:
        return
    raise AssertionError(f"layer: its field {fields(w.layer)[0].name} can be set")


def _defaults(w: World) -> None:
    zero, nothing = w.layer.zero_state(w.x.shape[1]), np.zeros_like(w.da)
    run, back = w.layer.forward(w.x), w.layer.backward
    expect(run == w.layer.forward(w.x, zero), "state: None and zeros are not the same")
    same("dfinal None and zeros", back(run, w.da), back(run, w.da, zero))
    if list(named_leaves(w.dfinal)):
        same("da None and zeros", back(run, None, w.dfinal), back(run, nothing, w.dfinal))


def _bad_arguments(w: World) -> None:
    layer, run, (T, B) = w.layer, w.run(), w.x.shape[:2]
    twice = tree_map(lambda s: np.concatenate([s, s]), w.state) if list(named_leaves(w.state)) else "zeros"
    calls: list[tuple[str, str, Callable[[], Any]]] = [
        ("x", "None", lambda: layer.forward(None)),
        ("x", "a list", lambda: layer.forward(w.x.tolist())),
        ("x", "an axis too many", lambda: layer.forward(w.x[None])),
        ("x", "strings", lambda: layer.forward(w.x.astype(str))),
        ("state", "twice the batch", lambda: layer.forward(w.x, twice)),
        ("lengths", "one too many", lambda: layer.forward(w.x, None, [0] * (B + 1))),
        ("lengths", "longer than T", lambda: layer.forward(w.x, None, [T + 1] * B)),
        ("lengths", "floats", lambda: layer.forward(w.x, None, [0.5] * B)),
        ("da", "a step too many", lambda: layer.backward(run, np.concatenate([w.da, w.da[:1]]))),
        ("da", "one number", lambda: layer.backward(run, 1.0)),
        ("dfinal", "twice the batch", lambda: layer.backward(run, w.da, twice)),
        ("run", "None", lambda: layer.backward(None, w.da)),
        ("run", "the outputs", lambda: layer.backward(run.a, w.da)),
    ]
    for name, what, call in calls:
        try:
            call()
        except (TypeError, ValueError) as error:
            expect(str(error).startswith(name), f"{name} ({what}): refused without its name: {error}")
        else:
            raise AssertionError(f"{name} ({what}): accepted")


CHECKS: dict[str, Callable[[World], str | None]] = {
    "shapes and dtypes": _shapes,
    "steps, one at a time": _steps,
    "the cell, looped": _cells,
    "named quantities": _quantities,
    "lengths and padding": _padding,
    "no steps, no examples": _empty,
    "nothing can be changed": _immutable,
    "what may be left out": _defaults,
    "bad arguments": _bad_arguments,
}
"""What `check_layer` looks at, besides the gradients."""
