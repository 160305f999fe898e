"""What can be told of an expression from its looks: its text, whether it is a number, what could be mistaken for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .nodes import (
    Add,
    Big,
    Deriv,
    Div,
    Fn,
    Idx,
    Indicator,
    Mul,
    Neg,
    Node,
    Norm,
    Num,
    Pow,
    Relation,
    Space,
    Span,
    Sym,
    Transpose,
    walk,
)
from .symbols import Notation

__all__ = [
    "LOSSES", "TOP", "Looks", "ends_with_the_sequence", "factors", "indices_of", "is_number", "kind_of", "shifted",
]  # fmt: skip

TOP = re.compile(r"\^\{\s*\\top\s*\}|\^\s*\\top|\\top")
LOSSES = ("L", "L_t", "J")


class Looks:
    """The source of an equation and all its nodes."""

    def __init__(self, source: str, relations: list[Relation], notation: Notation) -> None:
        self.source, self.relations, self.notation = source, relations, notation
        parts = [part for r in relations for part in (*r.sides, *r.where)]
        self.nodes = list({id(n): n for part in parts for n in walk(part)}.values())
        loose = [r.sides[0] for r in relations if r.signs == (r"\in",)]
        self.shape_only = {id(n) for side in loose for n in walk(side)}  # nothing but their shape is claimed
        claims = [x for r in relations for x in (*r.where, *(side for side in r.sides if isinstance(side, Space)))]
        self.limits_of_claims = {id(n) for x in claims for n in walk(x)}
        self.turned = {n.x.span for n in self.nodes if isinstance(n, Transpose)}
        self.in_norm = {n.x.span for n in self.nodes if isinstance(n, Norm)}  # where the transpose has the same norm
        self.in_derivative = {s.span for n in self.nodes if isinstance(n, Deriv) for s in (n.num, n.den, *n.held)}

    def text(self, node: Node) -> str:
        """Return the LaTeX of a node."""
        return self.source[slice(*node.span)]

    def put(self, span: Span, text: str) -> str:
        """Put a text in the place of another one."""
        return self.source[: span[0]] + text + self.source[span[1] :]

    def of(self, *kinds: type) -> Iterator[Node]:
        """Yield the nodes of some kinds that stand in the source."""
        return (n for n in self.nodes if isinstance(n, kinds) and n.span[1])

    def bare(self, node: Sym) -> str:
        """Return the LaTeX of a quantity, without a transpose."""
        return re.sub(r"\s+", " ", TOP.sub("", self.text(node))).replace("{}", "").strip()

    # ---- what can be wrong

    def axes(self, key: str) -> frozenset[str]:
        """Return the kinds of index that a quantity takes."""
        return self.notation.template(self.notation.templates[key])[1]

    def commuting(self) -> Iterator[list[Node]]:
        """Yield what can change places: terms of one sign, factors of elementwise products."""
        for node in self.nodes:
            if isinstance(node, Add):
                for sign in (1, -1):
                    yield [term for s, term in node.terms if s == sign]
            elif isinstance(node, Mul):
                yield factors(node)

    def short(self, node: Node) -> str:
        """Return the LaTeX of a node in one line, cut if it is long."""
        text = re.sub(r"\s+", " ", re.sub(r"\\(left|right)(?![a-z])", "", self.text(node))).strip()
        return text if len(text) <= 60 else text[:57] + "..."


def factors(node: Node) -> list[Node]:
    """List the factors of a product that can be in any order."""
    free = isinstance(node, Mul) and (node.kind == "had" or is_number(node))
    return factors(node.a) + factors(node.b) if free and isinstance(node, Mul) else [node]


def is_number(node: Node) -> bool:
    """Whether an expression is a number, from the looks of it: products of numbers can be turned round."""
    if isinstance(node, Deriv):
        return is_number(node.num) and (is_number(node.den) or (node.num.key in LOSSES and bool(node.den.entry)))
    if isinstance(node, Sym):
        return bool(node.entry) or node.key in (*LOSSES, "alpha", "theta", "tau", "s", "n_theta")
    if isinstance(node, Mul):
        return is_number(node.a) and is_number(node.b)
    if isinstance(node, Add):
        return all(is_number(term) for _, term in node.terms)
    if isinstance(node, Big):
        return is_number(node.body)
    if isinstance(node, Fn):
        return node.name in ("max", "min") or all(map(is_number, node.args))
    if isinstance(node, Neg | Pow):
        return is_number(node.x)
    return isinstance(node, Num | Idx | Div | Norm | Indicator)


def ends_with_the_sequence(node: Node, time: str) -> bool:
    """Whether an expression has a gradient at `time` as a factor: behind the last step these are zero by definition."""
    if isinstance(node, Sym):
        return node.key.startswith("d ") and node.time == Idx(time)
    if isinstance(node, Deriv):
        return node.num.key in LOSSES and node.den.time == Idx(time) and not node.held and not node.immediate
    if isinstance(node, Mul):
        return ends_with_the_sequence(node.a, time) or ends_with_the_sequence(node.b, time)
    if isinstance(node, Neg | Transpose):
        return ends_with_the_sequence(node.x, time)
    return isinstance(node, Big) and ends_with_the_sequence(node.body, time)


def indices_of(node: Node) -> Iterator[Node]:
    """Yield all nodes that are part of an index, of a limit or of an exponent 2."""
    if isinstance(node, Sym):
        for part in (node.time, node.layer, node.example, *node.entry):
            if part is not None:
                yield from walk(part)
    elif isinstance(node, Big):
        for part in (node.lo, node.hi):
            if part is not None:
                yield from walk(part)
    elif isinstance(node, Pow):
        yield node.n


def shifted(index: Node, text: str, step: int) -> str:
    """Write an index one step later or earlier."""
    match index:
        case Num(value=value):
            return f"{value + step:g}"
        case Add(terms=((1, Idx()), (sign, Num(value=value)))):
            total = int(sign * value) + step
            name = text.split("+")[0].split("-")[0].strip()
            return name + (f"{total:+d}" if total else "")
        case _:
            return f"{text}{step:+d}"


def kind_of(key: str) -> str:
    """Group quantities that could be mistaken for one another."""
    if key in LOSSES:
        return "loss"
    return key[0] if key[0] in "Wb" else "d" if key.startswith("d ") else "value"
