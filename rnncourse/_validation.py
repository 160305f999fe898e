"""Every check of an argument, in one place.

A message names the argument, says what was expected and what came::

    x: expected shape (T, B, n_x) = (T, B, 4), got (7, 3, 5)

A wrong kind or dtype is a TypeError; a wrong shape or value is a ValueError.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from .records import Array, Layer
from .workspace import Workspace

FLOATS = ("float32", "float64")
# complex step differentiation runs the forward passes on complex numbers of the same precision
COMPLEX = {"float32": "complex64", "float64": "complex128"}
LAYER = tuple(name for name in dir(Layer) if not name.startswith("_"))
PRECISION = {"float32": "float32", "float64": "float64", "complex64": "float32", "complex128": "float64"}


def describe(value: object) -> str:
    """Name what came: the shape and dtype of an array, else the type."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    if value is None:
        return "None"
    shown, kind = repr(value), type(value).__name__
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return shown if shown.startswith(kind) else f"{kind} {shown}"  # records print their kind themselves


def ndarray(name: str, value: object) -> Array:
    """Accept a NumPy array; lists, scalars, None and masked arrays are a TypeError."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name}: expected a plain NumPy array, got a masked array (use `lengths` or `mask`)")
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{name}: expected a NumPy array, got {describe(value)}")
    return np.asarray(value)  # of subclasses such as matrix, whose products mean something else


def shape(name: str, array: Array, symbols: str, expected: Sequence[int | None]) -> None:
    """Check a shape; None stands for any size. `symbols` names the axes, such as '(T, B, n_x)'."""
    fits = array.ndim == len(expected) and all(
        want is None or want == got for want, got in zip(expected, array.shape, strict=True)
    )
    if fits:
        return
    axes = [axis.strip() for axis in symbols.strip("()").rstrip(",").split(",")]
    sizes = [axis if want is None else str(want) for axis, want in zip(axes, expected, strict=True)]
    comma = "," if len(sizes) == 1 else ""
    numbers = f"({', '.join(sizes)}{comma})"
    wanted = symbols if numbers == symbols else f"{symbols} = {numbers}"
    raise ValueError(f"{name}: expected shape {wanted}, got {array.shape}")


def precision(array: Array) -> str | None:
    """Return 'float32' or 'float64' for real and complex arrays of that precision, else None."""
    return _precision_of(array.dtype)


@cache  # every record of parameters asks, and a dtype takes long to name itself
def _precision_of(dtype: np.dtype[Any]) -> str | None:
    return PRECISION.get(dtype.newbyteorder("=").name)


def numbers(name: str, value: object, dtype: str, *, allow_complex: bool = False, allow_ints: bool = False) -> Array:
    """Accept an array of precision `dtype` ('float32' or 'float64').

    Integers and booleans are converted where `allow_ints`; complex numbers of the same precision pass where
    `allow_complex`. Everything else is a TypeError.
    """
    array = ndarray(name, value)
    if allow_ints and array.dtype.kind in "iub":
        return array.astype(dtype)
    if precision(array) != dtype or (array.dtype.kind == "c" and not allow_complex):
        also = f" (or {COMPLEX[dtype]})" if allow_complex else ""
        raise TypeError(f"{name}: expected dtype {dtype}{also}, as the parameters have, got {array.dtype}")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def parameters(**arrays: object) -> None:
    """Check that the parameters are float (or complex) arrays of one precision."""
    found: dict[str, str] = {}
    for name, value in arrays.items():
        kind = precision(ndarray(name, value))
        if kind is None:
            raise TypeError(f"{name}: expected dtype float32 or float64, got {value.dtype}")  # type: ignore[attr-defined]
        found[name] = kind
    if len(set(found.values())) > 1:
        (first, want), *others = found.items()
        bad, got = next((n, k) for n, k in others if k != want)
        raise TypeError(f"{bad}: expected dtype {want}, as {first} has, got {got}")


def float_dtype(dtype: Any) -> str:
    """Return the name of a real dtype that the layers know."""
    try:
        name = np.dtype(dtype).name
    except (TypeError, ValueError, SyntaxError):  # NumPy parses strings
        name = repr(dtype)
    if name not in FLOATS:
        raise TypeError(f"dtype: expected float32 or float64, got {name}")
    return name


def size(name: str, value: object, least: int = 1) -> int:
    """Accept an integer of at least `least` (booleans are no integers here)."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name}: expected an integer of at least {least}, got {describe(value)}")
    if value < least:
        raise ValueError(f"{name}: expected an integer of at least {least}, got {value}")
    return int(value)


def positive(name: str, value: object, *, zero: bool = False, below: float | None = None) -> float:
    """Accept a finite real number above zero (or zero, where `zero`), and less than `below` if given."""
    limits = f"a number {'of at least' if zero else 'above'} 0" + ("" if below is None else f" and below {below}")
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{name}: expected {limits}, got {describe(value)}")
    number = float(value)
    if not np.isfinite(number) or number < 0 or (number == 0 and not zero) or (below is not None and number >= below):
        raise ValueError(f"{name}: expected {limits}, got {number:g}")
    return number


def finite(name: str, value: object) -> float:
    """Accept a finite real number."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{name}: expected a finite number, got {describe(value)}")
    if not np.isfinite(value):
        raise ValueError(f"{name}: expected a finite number, got {float(value):g}")
    return float(value)


def flag(name: str, value: object) -> bool:
    """Accept True or False and nothing that merely passes for them."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name}: expected True or False, got {describe(value)}")
    return bool(value)


def generator(name: str, value: object) -> np.random.Generator:
    """Accept an explicit random generator; there is no hidden global one."""
    if not isinstance(value, np.random.Generator):
        raise TypeError(f"{name}: expected a numpy.random.Generator (np.random.default_rng(0)), got {describe(value)}")
    return value


def choice(name: str, value: object, options: Sequence[str]) -> str:
    """Accept one of a few words."""
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected one of {', '.join(options)}, got {describe(value)}")
    if value not in options:
        raise ValueError(f"{name}: expected one of {', '.join(options)}, got {value!r}")
    return value


def lengths(value: object, steps: int | None, batch: int | None) -> Array | None:
    """Accept None or one integer in 0 … T for each example; None stands for any T, any number of examples."""
    if value is None:
        return None
    if isinstance(value, list | tuple):
        try:
            value = np.array(value) if len(value) else np.zeros(0, dtype=np.intp)
        except ValueError as error:  # ragged
            wanted = "(B,)" if batch is None else f"(B,) = ({batch},)"
            raise ValueError(f"lengths: expected shape {wanted}, got a ragged sequence") from error
    array = ndarray("lengths", value)
    if array.dtype.kind not in "iu":
        raise TypeError(f"lengths: expected integers, got dtype {array.dtype}")
    shape("lengths", array, "(B,)", (batch,))
    wrong = array[(array < 0) | (array > (array if steps is None else steps))]
    if wrong.size:
        limits = "of at least 0" if steps is None else f"from 0 to T = {steps}"
        raise ValueError(f"lengths: expected integers {limits}, got {wrong[0]}")
    out = array.astype(np.intp)
    out.flags.writeable = False
    return out


def mask(value: object, expected: tuple[int, ...]) -> Array | None:
    """Accept None or a boolean array of the given shape with at least one True."""
    if value is None:
        return None
    array = ndarray("mask", value)
    if array.dtype != np.bool_:
        raise TypeError(f"mask: expected dtype bool, got {array.dtype}")
    if array.shape != expected:
        raise ValueError(f"mask: expected shape {expected}, one entry a step, got {array.shape}")
    if not array.any():
        raise ValueError("mask: expected at least one step that counts, got none")
    return array


def own_real_run(run: object, kind: type, layer: object) -> None:
    """Check that a run is one of this layer's own, and real, since backward is."""
    if not isinstance(run, kind):
        raise TypeError(f"run: expected {kind.__name__}, as this layer's forward returns, got {describe(run)}")
    theirs = run.layer  # type: ignore[attr-defined]
    if theirs is not layer and theirs != layer:
        raise ValueError("run: expected a run of this layer, got one of a layer with other parameters")
    if run.a.dtype.kind == "c":  # type: ignore[attr-defined]
        raise TypeError("run: expected a real run, since backward is real, got a complex one")


def upstream(da: object, dfinal: object, symbols: str, expected: tuple[int, ...], dtype: str) -> Array:
    """Accept dL/da (float, of the outputs' shape), or None, which stands for zeros where `dfinal` carries a gradient.

    For every layer's ``backward(run, da, dfinal)``: at least one of the two has to be given.
    """
    if da is None:
        if nothing(dfinal):
            raise ValueError("da, dfinal: expected a gradient in at least one of them, got None in both")
        return np.zeros(expected, dtype)
    array = numbers("da", da, dtype)
    shape("da", array, symbols, expected)
    return array


def nothing(tree: object) -> bool:
    """Whether a tree of tuples holds nothing but None."""
    return tree is None or (isinstance(tree, tuple) and all(map(nothing, tree)))


def layers(**given: object) -> None:
    """Check that these are layers of one precision."""
    for name, layer in given.items():
        if isinstance(layer, type):
            raise TypeError(
                f"{name}: expected a layer, got the class {layer.__name__}: {layer.__name__}.init makes one"
            )
        if not all(hasattr(layer, member) for member in LAYER):  # isinstance of a protocol takes ten times as long
            raise TypeError(f"{name}: expected a layer, got {describe(layer)}")
    (first, want), *others = ((name, layer.precision) for name, layer in given.items())  # type: ignore[attr-defined]
    for name, got in others:
        if got != want:
            raise TypeError(f"{name}: expected dtype {want}, as {first} has, got {got}")


def inputs(name: str, value: object, layer: Any) -> Array:
    """Accept what a layer reads at every step: numbers (T, B, n_x), or (T, B) symbols where it ``reads_symbols``."""
    if getattr(layer, "reads_symbols", False):
        array = symbols(name, value)
        shape(name, array, "(T, B)", (None, None))
        return array
    array = numbers(name, value, layer.precision, allow_complex=True, allow_ints=True)
    shape(name, array, "(T, B, n_x)", (None, None, layer.n_x))
    return array


def symbols(name: str, value: object) -> Array:
    """Accept an array of integers (booleans are no integers here)."""
    array = ndarray(name, value)
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name}: expected symbols as an array of integers, got dtype {array.dtype}")
    return array


def below(name: str, array: Array, count: int) -> None:
    """Check that symbols are integers from 0 to count - 1."""
    if array.size and (array.min() < 0 or array.max() >= count):
        bad = array[(array < 0) | (array >= count)][0]
        raise ValueError(f"{name}: expected symbols from 0 to n_x - 1 = {count - 1}, got {bad}")


@contextmanager
def within(name: str, entry: int) -> Iterator[None]:
    """Let the messages of a part name the whole: what it calls ``state`` is ``state[1]`` here."""
    try:
        yield
    except (TypeError, ValueError) as error:
        message = str(error)
        if not message.startswith((f"{name}:", f"{name}[")):
            raise
        raise type(error)(f"{name}[{entry}]{message.removeprefix(name)}") from error


def entries(name: str, value: object, count: int) -> tuple[Any, ...]:
    """Accept a tuple with an entry for each layer; None stands for a tuple of None."""
    if value is None:
        return (None,) * count
    if not isinstance(value, tuple):
        raise TypeError(f"{name}: expected a tuple of {count} entries, one a layer, got {describe(value)}")
    if len(value) != count:
        raise ValueError(f"{name}: expected a tuple of {count} entries, one a layer, got a tuple of {len(value)}")
    return value


def together(name: str, values: dict[str, object], wanted: tuple[str, ...]) -> None:
    """Check that of these optional parameters all that are wanted are given, or none at all."""
    given = tuple(part for part, value in values.items() if value is not None)
    if given not in ((), wanted):
        raise ValueError(f"{name}: expected {', '.join(wanted)} or none, got {', '.join(given)}")


def workspace(value: object) -> Workspace:
    """Accept a workspace."""
    if not isinstance(value, Workspace):
        raise TypeError(f"workspace: expected a Workspace, got {describe(value)}")
    return value


def part(value: object, name: str) -> Workspace | None:
    """Accept a workspace or None, and return its part of that name."""
    return None if value is None else workspace(value).part(name)
