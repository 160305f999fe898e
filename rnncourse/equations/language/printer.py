"""From what was read back to LaTeX, in any notation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from . import nodes
from .lexer import Refused, lex
from .parser import Parser
from .symbols import Notation, bare_name, group_at

__all__ = ["latex", "rewrite"]

NAMES = {
    "tanh": r"\tanh",
    "exp": r"\exp",
    "log": r"\log",
    "sigmoid": r"\sigma",
    "max": r"\max",
    "min": r"\min",
    "g": "g",
}
LEVEL: dict[type, int] = {nodes.Add: 1, nodes.Neg: 1, nodes.Mul: 2, nodes.Big: 2, nodes.Div: 4}


def latex(node: nodes.Node, notation: Notation) -> str:
    """Write an equation, or a part of one, in a notation.

    Parameters
    ----------
    node : Node
        From `rnncourse.equations.parse`.
    notation : Notation
        How to write it.

    Returns
    -------
    str
        LaTeX.

    Raises
    ------
    Refused
        If the notation has no way to write one of the quantities.
    """
    return _Latex(notation).write(rewrite(node, notation))


def rewrite(node: Any, notation: Notation) -> Any:
    """Express what a notation has no symbol for: multiply block matrices out, spell quantities out."""

    def again(part: Any) -> Any:
        return rewrite(part, notation)

    if isinstance(node, nodes.Mul) and isinstance(node.a, nodes.Sym) and node.a.key not in notation.templates:
        blocks = notation.blocks.get(node.a.key)
        if blocks and isinstance(node.b, nodes.Stack):
            rows = zip(blocks, node.b.rows, strict=True)
            return nodes.Add(tuple((1, nodes.Mul("mat", again(nodes.Sym(key)), again(row[0]))) for key, row in rows))
    if isinstance(node, nodes.Sym) and node.key not in notation.templates:
        if node.key not in notation.spelled:
            raise Refused(f"{notation.name} has no way to write {node.key}")
        source = notation.spelled[node.key]
        body = Parser(lex(source), source, notation).whole()
        return body if node.time is None else substitute(body, "t", node.time)
    return simplified(nodes.rebuild(node, again))


def simplified(node: Any) -> Any:
    """Undo what spelling out leaves behind: sums in sums, signs inside products, 1 - (1 - z), 1 - z = σ(-…)."""
    if isinstance(node, nodes.Mul) and node.kind == "mat" and isinstance(node.a, nodes.Neg):
        return nodes.Neg(nodes.Mul("mat", node.a.x, node.b))
    if isinstance(node, nodes.Add):
        terms: list[tuple[int, nodes.Node]] = []
        for sign, term in node.terms:
            if isinstance(term, nodes.Neg):
                sign, term = -sign, term.x
            terms += [(sign * s, x) for s, x in term.terms] if isinstance(term, nodes.Add) else [(sign, term)]
        for constant in [t for t in terms if isinstance(t[1], nodes.Num)]:
            opposite = (-constant[0], constant[1])
            if constant in terms and opposite in terms:
                terms.remove(constant)
                terms.remove(opposite)
        alone = len(terms) == 1 and terms[0][0] == 1
        return terms[0][1] if alone else replace(node, terms=tuple(terms)) if terms else nodes.Num(0.0)
    if isinstance(node, nodes.Relation) and len(node.chain) == 3:
        left, sign, right = node.chain
        if (
            isinstance(left, nodes.Add)
            and left.terms[0] == (1, nodes.Num(1.0))
            and [s for s, _ in left.terms[1:]] == [-1]
        ):
            inner = right.args[0] if isinstance(right, nodes.Fn) and right.name == "sigmoid" else None
            if isinstance(inner, nodes.Add) and all(s < 0 for s, _ in inner.terms):
                turned = nodes.Fn("sigmoid", (nodes.Add(tuple((1, x) for _, x in inner.terms)),))  # 1 - σ(-z) = σ(z)
                return replace(node, chain=(left.terms[1][1], sign, turned))
    return node


def substitute(node: Any, var: str, by: nodes.Node) -> Any:
    """Put an expression in the place of an index."""
    if isinstance(node, nodes.Idx):
        return by if node.name == var else node
    return nodes.rebuild(node, lambda part: substitute(part, var, by))


class _Latex:
    """Writes LaTeX."""

    def __init__(self, notation: Notation) -> None:
        self.notation = notation

    def write(self, node: Any, level: int = 0) -> str:
        if isinstance(node, str):
            return node
        text: str = getattr(self, "_" + type(node).__name__.lower())(node)
        return self.wrap(text) if LEVEL.get(type(node), 5) < level else text

    def wrap(self, text: str) -> str:
        return rf"\left({text}\right)"

    def _relation(self, node: nodes.Relation) -> str:
        where = "".join(r", \qquad " + self.write(c) for c in node.where)
        return " ".join(map(self.write, node.chain)) + where

    def _range(self, node: nodes.Range) -> str:
        return rf"{node.var} = {self.write(node.lo)}, \ldots, {self.write(node.hi)}"

    def _cond(self, node: nodes.Cond) -> str:
        return " ".join(map(self.write, node.chain))

    def _space(self, node: nodes.Space) -> str:
        shape = r" \times ".join(self.write(n, 2) for n in node.shape)
        a, b = "()" if node.kind == "open" else "[]"
        kind = r"\mathbb{R}" if node.lo is None else f"{a}{self.write(node.lo)}, {self.write(node.hi)}{b}"
        return kind + (f"^{{{shape}}}" if shape else "")

    def _num(self, node: nodes.Num) -> str:
        return f"{node.value:.12g}"

    def _idx(self, node: nodes.Idx) -> str:
        return next((name for name, size in self.notation.sizes.items() if size == node.name), node.name)

    def _verbatim(self, node: nodes.Verbatim) -> str:
        return node.latex

    def _sym(self, node: nodes.Sym) -> str:
        template = self.notation.templates[node.key]
        tokens = lex(template)[:-1]
        _, k = bare_name(tokens)
        base, below = template[: tokens[k - 1].end], []
        while k < len(tokens):
            inner = group_at(tokens, k + 1)
            if tokens[k].text == "_":
                below.append(template[inner[0].pos : inner[-1].end])
            k += 1 + len(inner) + 2 * (tokens[k + 1].text == "{")
        if self.notation.time_below and node.time is not None:
            named = below[-1].split(",")[:-1]
            below[-1] = ",".join(filter(None, [*named, self.write(node.time)]))  # "": a quantity without its time
        above = "" if node.layer is None else f"[{self.write(node.layer)}]"
        above += "" if node.example is None else f"({self.write(node.example)})"
        if node.time is not None and not self.notation.time_below:
            above += rf"\langle {self.write(node.time)} \rangle"
        if node.entry:
            below.append(self.places(node.entry))
        return base + self.script("_", ",".join(filter(None, below))) + self.script("^", above)

    def script(self, sign: str, text: str) -> str:
        return "" if not text else sign + (text if len(text) == 1 else f"{{{text}}}")

    def places(self, entry: tuple[nodes.Node, ...]) -> str:
        return ("" if all(isinstance(e, nodes.Idx) for e in entry) else ",").join(map(self.write, entry))

    def _entry(self, node: nodes.Entry) -> str:
        return rf"\left[{self.write(node.x)}\right]_{{{self.places(node.entry)}}}"

    def _neg(self, node: nodes.Neg) -> str:
        return "-" + self.write(node.x, 2)

    def _add(self, node: nodes.Add) -> str:
        signs = [(" + " if s > 0 else " - ") if k else ("" if s > 0 else "-") for k, (s, _) in enumerate(node.terms)]
        return "".join(sign + self.write(term, 2) for sign, (_, term) in zip(signs, node.terms, strict=True))

    def _mul(self, node: nodes.Mul) -> str:
        sign = {"mat": " ", "dot": r" \cdot ", "had": f" {self.notation.product} "}[node.kind]

        def side(x: nodes.Node, level: int) -> str:
            inner = isinstance(x, nodes.Mul) and (x.kind == "had") != (node.kind == "had")
            return self.wrap(self.write(x)) if inner else self.write(x, level)

        return side(node.a, 3 if isinstance(node.a, nodes.Big) else 2) + sign + side(node.b, 3)

    def _div(self, node: nodes.Div) -> str:
        return rf"\frac{{{self.write(node.a)}}}{{{self.write(node.b)}}}"

    def _pow(self, node: nodes.Pow) -> str:
        power = f"^{{{self.write(node.n)}}}"
        if isinstance(node.x, nodes.Fn) and node.x.name in NAMES and node.x.name != "exp":
            return self.function(node.x) + power + self.arguments(node.x)
        base = (
            self.write(node.x)
            if isinstance(node.x, nodes.Num | nodes.Norm | nodes.Idx)
            else self.wrap(self.write(node.x))
        )
        return base + power

    def _transpose(self, node: nodes.Transpose) -> str:
        text = self.write(node.x)
        if isinstance(node.x, nodes.Sym):
            return "{" + text + r"}^{\top}"
        return (text if isinstance(node.x, nodes.Stack) else self.wrap(text)) + r"^{\top}"

    def function(self, node: nodes.Fn) -> str:
        own = next((k for k, v in self.notation.own_functions.items() if v == node.name), None)
        return (own or NAMES.get(node.name, rf"\operatorname{{{node.name}}}")) + "'" * node.prime

    def arguments(self, node: nodes.Fn) -> str:
        return self.wrap(", ".join(map(self.write, node.args)))

    def _fn(self, node: nodes.Fn) -> str:
        return self.function(node) + self.arguments(node)

    def _stack(self, node: nodes.Stack) -> str:
        if len(node.rows) == 1:
            return r"\left[" + r" \mid ".join(map(self.write, node.rows[0])) + r"\right]"
        if all(len(row) == 1 for row in node.rows):
            return r"\left[" + ", ".join(self.write(row[0]) for row in node.rows) + r"\right]"
        rows = r" \\ ".join(" & ".join(map(self.write, row)) for row in node.rows)
        return rf"\begin{{bmatrix}} {rows} \end{{bmatrix}}"

    def _big(self, node: nodes.Big) -> str:
        if node.lo is None:
            limits = f"_{{{node.var}}}"
        elif node.descending:
            limits = rf"_{{{self.write(node.hi)} \ge {node.var} \ge {self.write(node.lo)}}}"
        else:
            limits = f"_{{{node.var}={self.write(node.lo)}}}^{{{self.write(node.hi)}}}"
        return rf"\{node.kind}{limits} {self.write(node.body, 2)}"

    def _deriv(self, node: nodes.Deriv) -> str:
        plus = "^{+}" if node.immediate else ""
        text = rf"\frac{{\partial{plus} {self.write(node.num)}}}{{\partial {self.write(node.den)}}}"
        held = ", ".join(map(self.write, node.held))
        return rf"\left. {text} \right|_{{{held}}}" if held else text

    def _norm(self, node: nodes.Norm) -> str:
        if node.order == "abs":
            return rf"\lvert {self.write(node.x)} \rvert"
        return rf"\lVert {self.write(node.x)} \rVert_{{{node.order}}}"

    def _indicator(self, node: nodes.Indicator) -> str:
        return rf"\mathbb{{1}}_{{{self.write(node.cond)}}}"

    def _cases(self, node: nodes.Cases) -> str:
        rows = [
            f"{self.write(v)} & " + (r"\text{otherwise}" if c is None else r"\text{if } " + self.write(c))
            for v, c in node.rows
        ]
        return r"\begin{cases} " + r" \\ ".join(rows) + r" \end{cases}"
