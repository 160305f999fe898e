"""What can be told of an expression from its looks: its text, whether it is a number, what could be mistaken for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from . import nodes
from .symbols import Notation

__all__ = [
    "LOSSES", "TOP", "Looks", "ends_with_the_sequence", "factors", "indices_of", "is_number", "kind_of", "shifted",
]  # fmt: skip

TOP = re.compile(r"\^\{\s*\\top\s*\}|\^\s*\\top|\\top")
LOSSES = ("L", "L_t", "J", "J_s", "J_m", "J_e")
NUMBERS = (
    "alpha", "theta", "tau", "s", "n_theta", "mask", "lengths", "waste", "P", "p_t", "n_table", "n_window", "volume",
    "beta", "beta1", "beta2", "eps", "p_drop",
)  # fmt: skip


class Looks:
    """The source of an equation and all its nodes."""

    def __init__(self, source: str, relations: list[nodes.Relation], notation: Notation) -> None:
        self.source, self.relations, self.notation = source, relations, notation
        parts = [part for r in relations for part in (*r.sides, *r.where)]
        self.nodes = list({id(n): n for part in parts for n in nodes.walk(part)}.values())
        loose = [r.sides[0] for r in relations if r.signs == (r"\in",)]
        self.shape_only = {id(n) for side in loose for n in nodes.walk(side)}  # nothing but their shape is claimed
        claims = [
            x for r in relations for x in (*r.where, *(side for side in r.sides if isinstance(side, nodes.Space)))
        ]
        self.limits_of_claims = {id(n) for x in claims for n in nodes.walk(x)}
        self.turned = {n.x.span for n in self.nodes if isinstance(n, nodes.Transpose)}
        self.in_norm = {
            n.x.span for n in self.nodes if isinstance(n, nodes.Norm)
        }  # where the transpose has the same norm
        self.in_derivative = {s.span for n in self.nodes if isinstance(n, nodes.Deriv) for s in (n.num, n.den, *n.held)}

    def text(self, node: nodes.Node) -> str:
        """Return the LaTeX of a node."""
        return self.source[slice(*node.span)]

    def put(self, span: nodes.Span, text: str) -> str:
        """Put a text in the place of another one."""
        return self.source[: span[0]] + text + self.source[span[1] :]

    def of(self, *kinds: type) -> Iterator[nodes.Node]:
        """Yield the nodes of some kinds that stand in the source."""
        return (n for n in self.nodes if isinstance(n, kinds) and n.span[1])

    def bare(self, node: nodes.Sym) -> str:
        """Return the LaTeX of a quantity, without a transpose."""
        return re.sub(r"\s+", " ", TOP.sub("", self.text(node))).replace("{}", "").strip()

    # ---- what can be wrong

    def axes(self, key: str) -> frozenset[str]:
        """Return the kinds of index that a quantity takes."""
        return self.notation.template(self.notation.templates[key])[1]

    def commuting(self) -> Iterator[list[nodes.Node]]:
        """Yield what can change places: terms of one sign, factors of elementwise products."""
        for node in self.nodes:
            if isinstance(node, nodes.Add):
                for sign in (1, -1):
                    yield [term for s, term in node.terms if s == sign]
            elif isinstance(node, nodes.Mul):
                yield factors(node)

    def short(self, node: nodes.Node) -> str:
        """Return the LaTeX of a node in one line, cut if it is long."""
        text = re.sub(r"\s+", " ", re.sub(r"\\(left|right)(?![a-z])", "", self.text(node))).strip()
        return text if len(text) <= 60 else text[:57] + "..."


def factors(node: nodes.Node) -> list[nodes.Node]:
    """List the factors of a product that can be in any order."""
    free = isinstance(node, nodes.Mul) and (node.kind == "had" or is_number(node))
    return factors(node.a) + factors(node.b) if free and isinstance(node, nodes.Mul) else [node]


def is_number(node: nodes.Node) -> bool:
    """Whether an expression is a number, from the looks of it: products of numbers can be turned round."""
    if isinstance(node, nodes.Deriv):
        return is_number(node.num) and (is_number(node.den) or (node.num.key in LOSSES and bool(node.den.entry)))
    if isinstance(node, nodes.Sym):
        return bool(node.entry) or node.key in (*LOSSES, *NUMBERS)
    if isinstance(node, nodes.Mul):
        return is_number(node.a) and is_number(node.b)
    if isinstance(node, nodes.Add):
        return all(is_number(term) for _, term in node.terms)
    if isinstance(node, nodes.Big):
        return is_number(node.body)
    if isinstance(node, nodes.Fn):
        return node.name in ("max", "min") or all(map(is_number, node.args))
    if isinstance(node, nodes.Neg | nodes.Pow):
        return is_number(node.x)
    return isinstance(node, nodes.Num | nodes.Idx | nodes.Div | nodes.Norm | nodes.Indicator)


def ends_with_the_sequence(node: nodes.Node, time: str) -> bool:
    """Whether an expression has a gradient at `time` as a factor: behind the last step these are zero by definition."""
    if isinstance(node, nodes.Sym):
        return node.key.startswith("d ") and node.time == nodes.Idx(time)
    if isinstance(node, nodes.Deriv):
        return node.num.key in LOSSES and node.den.time == nodes.Idx(time) and not node.held and not node.immediate
    if isinstance(node, nodes.Mul):
        return ends_with_the_sequence(node.a, time) or ends_with_the_sequence(node.b, time)
    if isinstance(node, nodes.Neg | nodes.Transpose):
        return ends_with_the_sequence(node.x, time)
    return isinstance(node, nodes.Big) and ends_with_the_sequence(node.body, time)


def indices_of(node: nodes.Node) -> Iterator[nodes.Node]:
    """Yield all nodes that are part of an index, of a limit or of an exponent 2."""
    if isinstance(node, nodes.Sym):
        for part in (node.time, node.layer, node.example, *node.entry):
            if part is not None:
                yield from nodes.walk(part)
    elif isinstance(node, nodes.Big):
        for part in (node.lo, node.hi):
            if part is not None:
                yield from nodes.walk(part)
    elif isinstance(node, nodes.Pow):
        yield node.n


def shifted(index: nodes.Node, text: str, step: int) -> str:
    """Write an index one step later or earlier."""
    match index:
        case nodes.Num(value=value):
            return f"{value + step:g}"
        case nodes.Add(terms=((1, nodes.Idx()), (sign, nodes.Num(value=value)))):
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
