"""What an equation says: one small record a construct, each with its place in the LaTeX source."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any

__all__ = [
    "Add", "Big", "Cases", "Cond", "Deriv", "Div", "Entry", "Fn", "Idx", "Indicator", "Mul", "Neg", "Node", "Norm",
    "Num", "Pow", "Range", "Relation", "Space", "Span", "Stack", "Sym", "Transpose", "rebuild", "slots", "walk",
    "with_slot",
]  # fmt: skip

Span = tuple[int, int]


@dataclass(frozen=True)
class Node:
    """Base of all: `span` is (start, end) in the source, and does not count in comparisons."""

    span: Span = field(default=(0, 0), kw_only=True, compare=False)


@dataclass(frozen=True)
class Num(Node):
    """A number that is written out."""

    value: float


@dataclass(frozen=True)
class Idx(Node):
    """An index (t, k, i, …) or a size (T_x, n_a), used as a number."""

    name: str


@dataclass(frozen=True)
class Sym(Node):
    """A quantity of a symbol table, with its indices and the entry that is picked out of it."""

    key: str
    time: Node | None = None
    layer: Node | None = None
    example: Node | None = None
    entry: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Neg(Node):
    """-x."""

    x: Node


@dataclass(frozen=True)
class Add(Node):
    """A sum of terms, each with its sign +1 or -1."""

    terms: tuple[tuple[int, Node], ...]


@dataclass(frozen=True)
class Mul(Node):
    """A product: `kind` is "mat" (juxtaposition), "had" (⊙) or "dot"; `loose` if no parentheses surround it."""

    kind: str
    a: Node
    b: Node
    loose: bool = field(default=False, kw_only=True, compare=False)


@dataclass(frozen=True)
class Div(Node):
    """A fraction; the denominator is a number."""

    a: Node
    b: Node


@dataclass(frozen=True)
class Pow(Node):
    """A power: elementwise for a column, a matrix power for a square matrix."""

    x: Node
    n: Node


@dataclass(frozen=True)
class Transpose(Node):
    """x^⊤."""

    x: Node


@dataclass(frozen=True)
class Fn(Node):
    """A function of arguments, or (with `prime`) its slope."""

    name: str
    args: tuple[Node, ...]
    prime: bool = False


@dataclass(frozen=True)
class Stack(Node):
    """Blocks in rows: [a, x] is two rows of one block, [A | B] one row of two."""

    rows: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True)
class Big(Node):
    """A sum or a product over an index; without limits the index runs over all it can be."""

    kind: str
    var: str
    lo: Node | None
    hi: Node | None
    body: Node
    descending: bool = False


@dataclass(frozen=True)
class Deriv(Node):
    """∂num/∂den: total, or with quantities held, or (∂⁺) immediate."""

    num: Sym
    den: Sym
    held: tuple[Sym, ...] = ()
    immediate: bool = False


@dataclass(frozen=True)
class Norm(Node):
    """A norm: `order` is "2", "F", "1", "∞" or "abs"."""

    x: Node
    order: str


@dataclass(frozen=True)
class Entry(Node):
    """An entry of an expression, [x]_{ij}."""

    x: Node
    entry: tuple[Node, ...]


@dataclass(frozen=True)
class Cond(Node):
    """A chain of comparisons of numbers: node, sign, node, sign, node."""

    chain: tuple[Any, ...]


@dataclass(frozen=True)
class Range(Node):
    """t = 1, …, T_x."""

    var: str
    lo: Node
    hi: Node


@dataclass(frozen=True)
class Cases(Node):
    """A brace with cases; the last may be 'otherwise' (None)."""

    rows: tuple[tuple[Node, Cond | None], ...]


@dataclass(frozen=True)
class Indicator(Node):
    """1 where a condition holds, else 0."""

    cond: Cond


@dataclass(frozen=True)
class Space(Node):
    """What stands after ∈: ℝ^{n×m} ("R"), (lo, hi)^n ("open") or [lo, hi]^n ("closed")."""

    kind: str
    shape: tuple[Node, ...]
    lo: Node | None = None
    hi: Node | None = None


@dataclass(frozen=True)
class Relation(Node):
    r"""A chain such as node, "=", node, "\le", node, and what restricts its free indices."""

    chain: tuple[Any, ...]
    where: tuple[Node, ...] = ()

    @property
    def sides(self) -> tuple[Node, ...]:
        """The expressions, without the signs between them."""
        return self.chain[::2]

    @property
    def signs(self) -> tuple[str, ...]:
        """The signs between the expressions."""
        return self.chain[1::2]


PARTS: dict[type, tuple[str, ...]] = {}  # the fields of each kind of node in which there could be others


def _part_names(kind: type[Node]) -> tuple[str, ...]:
    """Name the fields of a kind of node in which there could be others; looked up but once."""
    if kind not in PARTS:
        PARTS[kind] = tuple(f.name for f in fields(kind) if f.name != "span")
    return PARTS[kind]


def children(value: Any) -> Iterator[Node]:
    """Yield the nodes directly below a node."""
    parts = [getattr(value, name) for name in _part_names(type(value))] if isinstance(value, Node) else value
    for part in parts:
        if isinstance(part, Node):
            yield part
        elif isinstance(part, tuple):
            yield from children(part)


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all that is below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def rebuild(value: Any, f: Callable[[Any], Any]) -> Any:
    """Apply `f` to the parts of a node (or to the members of a tuple); the same object if nothing changes."""
    if isinstance(value, tuple):
        new = tuple(f(part) for part in value)
        return value if all(a is b for a, b in zip(value, new, strict=True)) else new
    if not isinstance(value, Node):
        return value
    old = {name: getattr(value, name) for name in _part_names(type(value))}
    parts = {name: f(part) for name, part in old.items() if isinstance(part, Node | tuple)}
    return value if all(part is old[name] for name, part in parts.items()) else replace(value, **parts)


def slots(value: Any) -> Iterator[tuple[str | int, Any]]:
    """Yield (name or place, part) for what a node, or a tuple, could have nodes in."""
    if isinstance(value, tuple):
        yield from enumerate(value)
    elif isinstance(value, Node):
        yield from ((name, getattr(value, name)) for name in _part_names(type(value)))


def with_slot(value: Any, at: str | int, new: Any) -> Any:
    """Put a part in the place of another one."""
    if isinstance(at, str):
        return replace(value, **{at: new})
    return (*value[:at], new, *value[at + 1 :])
