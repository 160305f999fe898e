"""Bad calls of a layer, derived from its sizes: what each must raise and what the message must say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from rnncourse import RNN, Dense, tree_map
from rnncourse.records import Record, named_leaves

from .worlds import SIZES, World, make_world

T, B, N_X, N_A = SIZES.values()
WIDE = np.dtype(np.longdouble).itemsize > 8  # elsewhere long double is float64


@dataclass(frozen=True)
class Bad:
    """A call, the exception, the argument that the message starts with, and what it says that came."""

    what: str
    call: Callable[[], Any]
    error: type[Exception]
    argument: str
    came: str

    @property
    def message(self) -> str:
        return rf"^({self.argument})\b.*?: expected .*got .*{re.escape(self.came)}"


def no_arrays() -> Iterator[tuple[str, Any, str]]:
    """Things that are no arrays: (what, value, what the message says came)."""
    yield "None", None, "None"
    yield "a nested list", [[[1.0]]], "list"
    yield "a ragged list", [[1.0], [1.0, 2.0]], "list"
    yield "a tuple", (1.0, 2.0), "tuple"
    yield "a string", "zeros", "str"
    yield "a number", 1.5, "float"
    yield "a NumPy scalar", np.float64(1.5), "float64"
    yield "a dict", {"x": 1}, "dict"
    yield "a function", np.tanh, "ufunc"


def wrong_kinds(good: np.ndarray) -> Iterator[tuple[str, np.ndarray, str]]:
    """Arrays of the right shape that hold the wrong kind of thing."""
    yield "float32 where the layer is float64", good.astype(np.float32), "float32"
    yield "float16", good.astype(np.float16), "float16"
    yield "complex64", good.astype(np.complex64), "complex64"
    yield "an object array", good.astype(object), "object"
    yield "an array of strings", good.astype(str), "<U"
    yield "an array of dates", good.astype("datetime64[s]"), "datetime64"
    yield "a structured array", np.zeros(good.shape, [("re", float)]), "[('re', '<f8')]"
    yield "a masked array", np.ma.masked_array(good), "masked array"
    if WIDE:
        yield "long double", good.astype(np.longdouble), str(np.dtype(np.longdouble))


def integers_and_booleans(good: np.ndarray) -> Iterator[tuple[str, np.ndarray, str]]:
    yield "integers", good.astype(np.int64), "int64"
    yield "booleans", good > 0, "bool"


def wrong_shapes(good: np.ndarray, free: tuple[int, ...] = ()) -> Iterator[tuple[str, np.ndarray]]:
    """Arrays of the right dtype and a wrong shape; the axes in `free` may have any size."""
    yield "an axis too many", good[None]
    yield "no axis at all", np.array(1.0)
    if good.ndim > 1:
        yield "a missing axis", good[0]
        yield "one flat axis", good.ravel()
        if good.shape != good.T.shape:
            yield "the axes reversed", good.T
    for axis in set(range(good.ndim)) - set(free):
        yield f"axis {axis} too long by one", np.concatenate([good, good.take([0], axis)], axis)
        yield f"axis {axis} too short by one", good.take(range(good.shape[axis] - 1), axis)
        yield f"axis {axis} of one", good.take([0], axis)


def bad_arrays(
    call: Callable[[Any], Any], argument: str, good: np.ndarray, free: tuple[int, ...] = (), none=True, ints=False
) -> Iterator[Bad]:
    """All ways to spoil an array argument; `none` if None is allowed, `ints` if integers are."""

    def spoiled(what: str, value: Any, error: type[Exception], came: str) -> Bad:
        return Bad(f"{argument}: {what}", lambda: call(value), error, argument, came)

    for what, value, came in no_arrays():
        if not (none and value is None):
            yield spoiled(what, value, TypeError, came)
    kinds = [*wrong_kinds(good), *(() if ints else integers_and_booleans(good))]
    for what, value, came in kinds:
        yield spoiled(what, value, TypeError, came)
    for what, value in wrong_shapes(good, free):
        yield spoiled(what, value, ValueError, str(value.shape))


def bad_states(
    call: Callable[[Any], Any], name: str, good: Any, *, composition: bool, complex_too: bool = False
) -> Iterator[Bad]:
    """Spoil each array of a state (nested tuples too), and the tuples themselves.

    In the state of a composition None stands for a layer's zeros, in `dfinal` for zeros anywhere.
    """
    paths = list(named_leaves(good))
    for k, (_, leaf) in enumerate(paths):

        def with_leaf(value: Any, k: int = k) -> Any:
            count = iter(range(len(paths)))
            return call(_replace(good, lambda old: value if next(count) == k else old))

        where = name if len(paths) == 1 else f"{name}[{k}]"
        may_be_none = isinstance(good, np.ndarray) or composition or name == "dfinal"
        for bad in bad_arrays(with_leaf, name, leaf, none=may_be_none):
            yield Bad(f"{where} {bad.what}", bad.call, bad.error, f"{name}.*", bad.came)
        if complex_too:
            complex_leaf = leaf.astype(complex)
            yield Bad(
                f"{where} complex", lambda v=complex_leaf, f=with_leaf: f(v), TypeError, f"{name}.*", "complex128"
            )
    if isinstance(good, tuple):
        array = np.zeros((B, N_A))
        yield Bad(f"{name}: an array for a tuple", lambda: call(array), TypeError, name, str(array.shape))
        yield Bad(f"{name}: a list for a tuple", lambda: call(list(good)), TypeError, name, "list")
        yield Bad(f"{name}: a tuple too long", lambda: call((*good, array)), ValueError, name, "tuple")
        yield Bad(f"{name}: a string for a tuple", lambda: call("()"), TypeError, name, "str")
    else:
        yield Bad(f"{name}: in a tuple", lambda: call((good,)), TypeError, name, "tuple")


def _replace(tree: Any, f: Callable[[np.ndarray], Any]) -> Any:
    return tuple(_replace(v, f) for v in tree) if isinstance(tree, tuple) else f(tree)


def bad_lengths(call: Callable[[Any], Any]) -> Iterator[Bad]:
    good = np.array([T, 0, 2])
    for what, value, error, came in (
        ("one too many", [*good, 1], ValueError, f"({B + 1},)"),
        ("one missing", good[:-1], ValueError, f"({B - 1},)"),
        ("none at all", [], ValueError, "(0,)"),
        ("of rank 2", good[None], ValueError, f"(1, {B})"),
        ("of rank 0", np.array(3), ValueError, "()"),
        ("a ragged list", [[1], [1, 2], [3]], ValueError, "ragged"),
        ("negative", [T, -1, 2], ValueError, "-1"),
        ("longer than T", [T, T + 1, 2], ValueError, str(T + 1)),
        ("far too long for an int32", [T, 2**40, 2], ValueError, str(2**40)),
        ("far too long for an int64", [T, 2**70, 2], TypeError, "object"),
        ("a single integer", 3, TypeError, "int"),
        ("floats", good.astype(float), TypeError, "float64"),
        ("complex", good.astype(complex), TypeError, "complex128"),
        ("booleans", good > 0, TypeError, "bool"),
        ("strings", ["5", "0", "2"], TypeError, "<U"),
        ("with None", [T, None, 2], TypeError, "object"),
        ("one string", "502", TypeError, "str"),
        ("a set", {5, 0, 2}, TypeError, "set"),
        ("a dict", {5: 0}, TypeError, "dict"),
        ("an iterator", iter(good), TypeError, "iterator"),
        ("masked", np.ma.masked_array(good), TypeError, "masked array"),
    ):
        yield Bad(f"lengths: {what}", lambda value=value: call(value), error, "lengths", came)


def bad_runs(w: World) -> Iterator[Bad]:
    """Runs that are not this layer's own real ones."""
    run, layer = w.run(), w.layer
    dense, rnn = Dense(np.ones((N_A, N_X)), np.ones(N_A)), RNN(np.ones((N_A, N_A + N_X)), np.ones(N_A))
    stranger = (rnn if isinstance(layer, Dense) else dense).forward(w.x)
    other = tree_map(lambda p: p + 1, layer).forward(w.x, w.state)
    single = tree_map(lambda p: p.astype(np.float32), layer).forward(w.x.astype(np.float32))
    for what, value, error, came in (
        ("None", None, TypeError, "None"),
        ("its outputs", run.a, TypeError, str(run.a.shape)),
        ("the layer", layer, TypeError, type(layer).__name__),
        ("a dict", {"a": run.a}, TypeError, "dict"),
        ("a string", "run", TypeError, "str"),
        ("of another kind of layer", stranger, TypeError, type(stranger).__name__),
        ("of a layer with other parameters", other, ValueError, "other parameters"),
        ("of the same layer in float32", single, ValueError, "other parameters"),
        ("of complex inputs", layer.forward(w.x.astype(complex), w.state), TypeError, "complex"),
    ):
        yield Bad(f"run: {what}", lambda value=value: layer.backward(value, w.da, w.dfinal), error, "run", came)


def bad_init(case) -> Iterator[Bad]:
    good = {"n_x": N_X, "n_a": N_A, "rng": np.random.default_rng(0), "dtype": np.float64}

    def spoiled(name: str, value: Any, error: type[Exception], came: str) -> Bad:
        return Bad(f"init {name}={value!r:.20}", lambda: case.init(**(good | {name: value})), error, name, came)

    for size in ("n_x", "n_a"):
        for value, error, came in (
            (0, ValueError, "0"),
            (-1, ValueError, "-1"),
            (2.0, TypeError, "float"),
            (True, TypeError, "bool"),
            ("3", TypeError, "str"),
            (None, TypeError, "None"),
            ((3,), TypeError, "tuple"),
            (np.array([3]), TypeError, "(1,)"),
        ):
            yield spoiled(size, value, error, came)
    for value, came in (
        (None, "None"),
        (0, "int"),
        ("0", "str"),
        (np.random.RandomState(0), "RandomState"),
        (np.random, "module"),
    ):
        yield spoiled("rng", value, TypeError, came)
    for value, came in (
        (int, "int64"),
        ("float16", "float16"),
        (complex, "complex128"),
        (object, "object"),
        ("wide", "wide"),
        (3, "3"),
    ):
        yield spoiled("dtype", value, TypeError, came)


def bad_parameters(layer: Any) -> Iterator[Bad]:
    """Spoil each array that the constructor takes; the message may name another parameter that no longer fits."""
    given = {f.name: getattr(layer, f.name) for f in fields(layer) if f.init}
    arrays = {name: value for name, value in given.items() if isinstance(value, np.ndarray)}
    optional = {f.name for f in fields(layer) if f.default is None}
    for name, good in arrays.items():

        def build(value: Any, name: str = name) -> Any:
            return type(layer)(**(given | {name: value}))

        for bad in bad_arrays(build, name, good, free=range(good.ndim), none=name in optional):
            if len(arrays) == 1 and re.search("float32|complex64|axes reversed", bad.what):
                continue  # nothing else to fit
            if "complex64" in bad.what or "float32" in bad.what:  # a good dtype by itself
                yield Bad(f"parameters {bad.what}", bad.call, TypeError, "|".join(arrays), "float")
            elif bad.error is ValueError:  # may be a good shape by itself
                yield Bad(f"parameters {bad.what}", bad.call, ValueError, "|".join(arrays), "(")
            else:
                yield Bad(f"parameters {bad.what}", bad.call, bad.error, name, bad.came)
        empty = np.zeros((0, *good.shape[1:]))
        yield Bad(f"parameters {name}: empty", lambda e=empty, f=build: f(e), ValueError, name, str(empty.shape))
        if len(arrays) == 1:
            continue
        longer = np.concatenate([good, good[:1]])
        yield Bad(
            f"parameters {name}: a row too many", lambda v=longer, f=build: f(v), ValueError, "|".join(arrays), "("
        )


def bad_options(layer: Any) -> Iterator[Bad]:
    """Spoil the activation, where there is one."""
    if not hasattr(layer, "activation"):
        return
    for value, error, came in (
        ("swish", ValueError, "'swish'"),
        ("", ValueError, "''"),
        ("Tanh", ValueError, "'Tanh'"),
        (None, TypeError, "None"),
        (np.tanh, TypeError, "ufunc"),
        (1, TypeError, "int"),
    ):
        call = lambda value=value: type(layer)(layer.W, layer.b, value)  # noqa: E731
        yield Bad(f"activation={value!r}", call, error, "activation", came)


def bad_swaps(w: World) -> Iterator[Bad]:
    """Arguments in each other's place."""
    layer, run = w.layer, w.run()
    for _, state in list(named_leaves(w.state))[:1]:
        yield Bad("x is the state", lambda s=state: layer.forward(s, w.x), ValueError, "x", str(state.shape))
        yield Bad("state is x", lambda: layer.forward(w.x, w.x), (ValueError, TypeError), "state", str(w.x.shape))
    yield Bad("state is lengths", lambda: layer.forward(w.x, [T, 0, 2]), TypeError, "state", "list")
    yield Bad("lengths is x", lambda: layer.forward(w.x, None, w.x), TypeError, "lengths", "float64")
    yield Bad("da and run swapped", lambda: layer.backward(w.da, run), TypeError, "run", str(w.da.shape))
    if w.x.shape != w.da.shape:
        yield Bad("da is x", lambda: layer.backward(run, w.x), ValueError, "da", str(w.x.shape))
    yield Bad(
        "dfinal is da", lambda: layer.backward(run, w.da, w.da), (ValueError, TypeError), "dfinal", str(w.da.shape)
    )
    yield Bad("da is the run", lambda: layer.backward(run, run), TypeError, "da", type(run).__name__)


def bad_calls(case) -> list[Bad]:
    """All bad calls of a case."""
    w = make_world(case, **SIZES)
    layer, run = w.layer, w.run()
    composition = any(isinstance(getattr(layer, f.name), Record | tuple) for f in fields(layer))
    bad_x = bad_arrays(layer.forward, "x", w.x, free=(0, 1), none=False, ints=True)
    bad = [
        *(bad for bad in bad_x if not (case.flat and bad.what == "x: a missing axis")),
        *bad_states(lambda value: layer.forward(w.x, value), "state", w.state, composition=composition),
        *bad_lengths(lambda value: layer.forward(w.x, w.state, value)),
        *bad_runs(w),
        *bad_arrays(lambda value: layer.backward(run, value), "da", w.da),
        Bad("no gradient at all", lambda: layer.backward(run, None), ValueError, "da", "None"),
        *bad_states(
            lambda value: layer.backward(run, w.da, value),
            "dfinal",
            w.dfinal,
            composition=composition,
            complex_too=True,
        ),
        Bad("da complex", lambda: layer.backward(run, w.da.astype(complex)), TypeError, "da", "complex128"),
        *bad_swaps(w),
        *bad_init(case),
        *bad_options(layer),
    ]
    if not composition:
        bad += bad_parameters(layer)
    if case.causal:
        for b in [
            *bad_arrays(lambda value: layer.step(value), "x_t", w.x[0], free=(0,), none=False, ints=True),
            *bad_states(lambda value: layer.step(w.x[0], value), "state", w.state, composition=composition),
        ]:
            bad.append(Bad(f"step {b.what}", b.call, b.error, b.argument, b.came))
    for batch, error in ((-1, ValueError), (2.5, TypeError), (None, TypeError), (True, TypeError)):
        bad.append(Bad(f"zero_state({batch})", lambda b=batch: layer.zero_state(b), error, "batch", str(batch)))
    return bad
