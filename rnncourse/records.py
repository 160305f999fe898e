"""Immutable records of arrays, and the one function that walks them.

Layers, runs and gradients are all records: frozen dataclasses whose arrays cannot be written to. A gradient is kept in
a record of the same type as the thing it is the gradient of, so whatever walks one walks the other: `tree_map` is all
that an optimiser needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any, Protocol, TypeAlias, TypeVar, runtime_checkable

import numpy as np

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Tree = TypeVar("Tree")

__all__ = ["Array", "Gradients", "Layer", "Record", "named_leaves", "read_only", "tree_map"]


def read_only(array: Array) -> Array:
    """Return a view of `array` that cannot be written to.

    Parameters
    ----------
    array : ndarray
        Any array; its own writeability is left as it is.

    Returns
    -------
    ndarray
        A view on the same memory.

    Examples
    --------
    >>> read_only(np.zeros(2)).flags.writeable
    False
    """
    view = array.view()
    view.flags.writeable = False
    return view


def private_copy(array: Array) -> Array:
    """Return a read-only view of a copy of `array` in native byte order, which nobody can change any more."""
    copy = np.array(array, dtype=array.dtype.newbyteorder("="), order="C", subok=False)
    copy.flags.writeable = False
    return copy.view()


@dataclass(frozen=True, eq=False, repr=False)
class Record:
    """Base of every record: prints sizes, compares exactly, pickles through its constructor.

    Subclasses are frozen dataclasses with ``eq=False, repr=False``. Arrays are kept as read-only views. Two records are
    equal if they are of the same kind, their arrays agree in dtype, shape and every value (NaN equals NaN), and their
    other fields are equal.
    """

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            object.__setattr__(self, name, _frozen(value))

    def __repr__(self) -> str:
        shown = ((f.name, getattr(self, f.name)) for f in fields(self) if f.repr)
        parts = (f"{name}={_brief(value)}" for name, value in shown if value is not None)
        return f"{type(self).__name__}({', '.join(parts)})"

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(_same(getattr(self, f.name), getattr(other, f.name)) for f in fields(self) if f.compare)

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), tuple(getattr(self, f.name) for f in fields(self) if f.init)


@dataclass(frozen=True, eq=False, repr=False)
class Gradients(Record):
    """What a layer's ``backward`` returns.

    Attributes
    ----------
    x : ndarray or None
        dL/dx, in the shape of the input; None if it was not asked for.
    state : ndarray or tuple
        dL/d(start state), in the form of the layer's state.
    layer : Record
        dL/d(parameters): a record of the layer's own type.
    """

    x: Any  # an array, or None
    state: Any
    layer: Any


@runtime_checkable
class Layer(Protocol):
    """What makes a thing a layer: whatever has these members can be put into `Deep`, `Bidirectional` and `train`.

    Attributes
    ----------
    n_x, n_out : int
        Numbers of inputs and outputs a step.
    dtype : dtype
        That of the parameters.
    precision : str
        'float32' or 'float64': what inputs and states have to have.
    """

    @property
    def n_x(self) -> int: ...  # noqa: D102

    @property
    def n_out(self) -> int: ...  # noqa: D102

    @property
    def dtype(self) -> np.dtype[Any]: ...  # noqa: D102

    @property
    def precision(self) -> str: ...  # noqa: D102

    def zero_state(self, batch: int) -> Any:
        """Return the start state of a batch: an array (B, n), or a tuple of states."""

    def forward(self, x: Array, state: Any = None, lengths: Any = None) -> Any:
        """Return a run: a record with `a` (T, B, n_out), `final`, `x` and `lengths`."""

    def backward(self, run: Any, da: Array | None, dfinal: Any = None, inputs: bool = True) -> Gradients:
        """Return the gradients of the inputs (None without `inputs`), the start state and the parameters."""

    def step(self, x_t: Array, state: Any = None) -> tuple[Array, Any]:
        """Take one step: the output (B, n_out) and the new state; a TypeError if the layer needs the future."""


def _frozen(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return read_only(value)
    return tuple(map(_frozen, value)) if type(value) is tuple else value


def _brief(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{list(value.shape)}"
    if isinstance(value, tuple):
        return f"({', '.join(map(_brief, value))}{',' if len(value) == 1 else ''})"
    return repr(value)


def _same(a: object, b: object) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    return type(a) is type(b) and bool(a == b)


def tree_map(f: Callable[..., Any], tree: Tree, *trees: Any, match: bool = True) -> Tree:
    """Apply `f` to the arrays of records, tuples, lists and dicts, and keep everything else.

    Parameters
    ----------
    f : callable
        Called with one array of each tree, as plain arrays (of a matrix, too); returns an array of the same shape and
        dtype where the tree holds layers.
    tree : record, tuple, list, dict or ndarray
        Gives the structure of the result, and its fields that are no arrays.
    *trees
        More trees of the same structure.
    match : bool
        Whether the arrays of the trees have to agree in shape and dtype, and the settings of records, such as an
        activation, in value. Without that, `f` may broadcast.

    Returns
    -------
    record, tuple, list, dict or ndarray
        As `tree`, with ``f``'s results in place of its arrays.

    Raises
    ------
    ValueError
        If the trees differ in kind, in length, in their keys, in a shape or in a setting; the message gives the path.
    TypeError
        If they differ in a dtype, or an array is masked.

    Examples
    --------
    >>> tree_map(lambda w, g: w - 0.5 * g, (np.ones(2), {"b": np.zeros(1)}), (np.ones(2), {"b": np.ones(1)}))
    (array([0.5, 0.5]), {'b': array([-0.5])})
    >>> tree_map(np.add, {"b": np.zeros(3)}, {"b": np.ones((6, 3))})
    Traceback (most recent call last):
        ...
    ValueError: trees[0].b: expected shape (3,), as tree.b has, got (6, 3)
    """
    for path, leaf in named_leaves(tree, "tree"):
        _check_plain(path, leaf)
    for k, other in enumerate(trees):
        check_match(f"trees[{k}]", other, tree, "tree", arrays=match)
    return mapped(f, tree, *trees)


def mapped(f: Callable[..., Any], tree: Tree, *trees: Any) -> Tree:
    """Apply `f` as `tree_map` does, to trees that are known to fit: what checks once need not check for each map.

    Parameters
    ----------
    f, tree, *trees
        As in `tree_map`.

    Returns
    -------
    record, tuple, list, dict or ndarray
        As `tree_map` returns it.
    """
    out: Any
    if isinstance(tree, np.ndarray):
        out = f(*map(np.asarray, (tree, *trees)))  # of subclasses such as matrix, whose products mean something else
        if tree.ndim == 0 and isinstance(out, np.generic):  # NumPy's arithmetic turns arrays of no axes into numbers
            out = np.asarray(out)
    elif isinstance(tree, Record):
        given = [x for x in fields(tree) if x.init]
        columns = [[getattr(t, x.name) for t in (tree, *trees)] for x in given]
        # what does not count for equality, such as a run's tape, is no part of the tree
        out = type(tree)(
            *(mapped(f, *column) if x.compare else column[0] for x, column in zip(given, columns, strict=True))
        )
    elif isinstance(tree, dict):
        out = {k: mapped(f, v, *(t[k] for t in trees)) for k, v in tree.items()}
    elif isinstance(tree, tuple | list):
        make = getattr(tree, "_make", type(tree))  # named tuples
        out = make(mapped(f, v, *(t[i] for t in trees)) for i, v in enumerate(tree))
    else:
        out = tree
    return out


def check_match(name: str, other: Any, tree: Any, owner: str, *, arrays: bool = True) -> None:
    """Refuse a tree that does not fit another one, with the path of the place where they differ.

    Parameters
    ----------
    name, other
        The tree in question, and what the message calls it.
    tree, owner
        The tree that says what is expected, and what the message calls it.
    arrays : bool
        Whether shapes, dtypes and the settings of records count as well, or the structure alone.

    Raises
    ------
    TypeError, ValueError
        As `tree_map` says.
    """
    is_array = isinstance(tree, np.ndarray)
    same = isinstance(other, np.ndarray) if is_array else type(tree) is type(other)
    if same and isinstance(tree, tuple | list):
        same = len(tree) == len(other)
    elif same and isinstance(tree, dict):
        same = tree.keys() == other.keys()
    if not same:
        fits = isinstance(other, Gradients) and type(other.layer) is type(tree)
        hint = f": give {name}.layer" if fits else ""
        raise ValueError(f"{name}: expected the structure of {_kind(tree)}, got {_kind(other)}{hint}")
    if is_array:
        _check_plain(name, other)
        if arrays and tree.shape != other.shape:
            raise ValueError(f"{name}: expected shape {tree.shape}, as {owner} has, got {other.shape}")
        if arrays and tree.dtype.newbyteorder("=") != other.dtype.newbyteorder("="):
            raise TypeError(f"{name}: expected dtype {tree.dtype}, as {owner} has, got {other.dtype}")
        return
    for suffix, part, mine in _parts(tree, other):
        if isinstance(tree, Record) and not isinstance(part, CONTAINERS) and not isinstance(mine, CONTAINERS):
            if arrays and not (part is mine or part == mine):
                raise ValueError(f"{name}{suffix}: expected {part!r}, as {owner}{suffix} is, got {mine!r:.60}")
        else:
            check_match(name + suffix, mine, part, owner + suffix, arrays=arrays)


CONTAINERS = (np.ndarray, Record, tuple, list, dict)


def _parts(tree: Any, other: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield the parts of two trees of one kind, each with the end of its path."""
    if isinstance(tree, Record):
        names = [x.name for x in fields(tree) if x.init and x.compare]
        yield from ((f".{name}", getattr(tree, name), getattr(other, name)) for name in names)
    elif isinstance(tree, dict):
        yield from ((f".{key}", value, other[key]) for key, value in tree.items())
    elif isinstance(tree, tuple | list):
        yield from ((f"[{k}]", *pair) for k, pair in enumerate(zip(tree, other, strict=True)))


def _check_plain(path: str, array: Array) -> None:
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError(f"{path}: expected a plain NumPy array, got a masked array")


def _kind(tree: object) -> str:
    size = f" of length {len(tree)}" if isinstance(tree, tuple | list) else ""
    keys = f" with keys {sorted(map(str, tree))}" if isinstance(tree, dict) else ""
    return type(tree).__name__ + size + keys


def named_leaves(tree: object, name: str = "") -> Iterator[tuple[str, Array]]:
    """Yield every array of a tree with its path.

    Parameters
    ----------
    tree : record, tuple, list, dict or ndarray
        What to walk.
    name : str
        The path so far.

    Yields
    ------
    tuple
        The path (such as ``layer.W``) and the array.

    Examples
    --------
    >>> [path for path, _ in named_leaves({"b": np.ones(1), "layers": (np.ones(2), np.ones(3))})]
    ['b', 'layers[0]', 'layers[1]']
    """
    dot = name + "." if name else ""
    if isinstance(tree, np.ndarray):
        yield name, tree
    elif isinstance(tree, Record):
        for x in fields(tree):
            if x.init and x.compare:
                yield from named_leaves(getattr(tree, x.name), dot + x.name)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from named_leaves(value, f"{dot}{key}")
    elif isinstance(tree, tuple | list):
        for i, value in enumerate(tree):
            yield from named_leaves(value, f"{name}[{i}]")
