"""Single edits of an equation's LaTeX: the slips that people make, each with the words that name it.

They serve twice: a reader whose equation fails is told which one edit makes it true; and the tests check that every one
of them makes a true equation of the book false.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from ..language import nodes
from ..language.looks import LOSSES, TOP, Looks, ends_with_the_sequence, indices_of, is_number, kind_of, shifted
from ..language.printer import latex
from ..language.symbols import Notation

__all__ = ["Edit", "edits"]


class Edit(NamedTuple):
    """One edit.

    Attributes
    ----------
    kind : str
        What is edited, in general.
    says : str
        What is edited, here; to follow 'holds if'.
    source : str
        The LaTeX after it.
    """

    kind: str
    says: str
    source: str

    def changed(self, before: str) -> nodes.Span:
        """Return from where to where the edit changes a source."""
        alike = 0
        while alike < min(len(before), len(self.source)) and before[alike] == self.source[alike]:
            alike += 1
        end = 0
        while end < min(len(before), len(self.source)) - alike and before[-1 - end] == self.source[-1 - end]:
            end += 1
        return alike, max(alike + 1, len(before) - end)


def edits(source: str, relations: list[nodes.Relation], notation: Notation) -> list[Edit]:
    """List the single edits of an equation, the likeliest slips first.

    Parameters
    ----------
    source : str
        The LaTeX.
    relations : list of Relation
        What was read from it.
    notation : Notation
        The symbol table.

    Returns
    -------
    list of Edit
        No two of the same LaTeX.
    """
    found: dict[str, Edit] = {}
    for edit in _Edits(source, relations, notation).all():
        if edit.source != source:
            found.setdefault(edit.source, edit)
    return list(found.values())


class _Edits(Looks):
    """Finds the edits of one equation."""

    def all(self) -> Iterator[Edit]:
        for find in (
            self.indices, self.transposes, self.signs, self.slopes, self.quantities, self.products, self.limits,
            self.derivatives, self.functions, self.terms, self.numbers, self.entries, self.blocks, self.relation_signs,
            self.exchanges,
        ):  # fmt: skip
            yield from find()

    def indices(self) -> Iterator[Edit]:
        """Time and layer indices that are off by one, and the last time where the present one is meant."""
        for node in self.of(nodes.Sym):
            assert isinstance(node, nodes.Sym)
            for kind, index in (("time index", node.time), ("layer index", node.layer)):
                if index is None or id(node) in self.shape_only:
                    continue
                was = self.text(index)
                others = [shifted(index, was, step) for step in (-1, 1)]
                if any(isinstance(n, nodes.Idx) and n.name == "T" for n in nodes.walk(index)):
                    others.append(re.sub(r"T(_\{?\w\}?)?", "t", was, count=1))
                for now in others:
                    yield Edit(kind, f"{was} becomes {now} in {self.bare(node)}", self.put(index.span, now))

    def transposes(self) -> Iterator[Edit]:
        """Transposes that are missing or too many."""
        for node in self.of(nodes.Transpose):
            assert isinstance(node, nodes.Transpose)
            tops = list(TOP.finditer(self.source, *node.span))
            if not tops:
                continue
            last = tops[-1]
            inner = latex(node.x, self.notation) if isinstance(node.x, nodes.Sym) else "the parentheses"
            yield Edit("drop transpose", f"the transpose of {inner} is dropped", self.put(last.span(), ""))
        for node in self.of(nodes.Sym, nodes.Deriv):
            scalar = isinstance(node, nodes.Sym) and (node.entry or node.key in LOSSES)
            if node.span in self.turned | self.in_derivative | self.in_norm or scalar:
                continue
            name = self.bare(node) if isinstance(node, nodes.Sym) else "the derivative"
            text = self.text(node)
            new = f"{{{text}}}^{{\\top}}" if isinstance(node, nodes.Sym) else rf"\left({text}\right)^{{\top}}"
            yield Edit("add transpose", f"the missing transpose of {name} is put in", self.put(node.span, new))

    def signs(self) -> Iterator[Edit]:
        """Signs."""
        for node in self.of(nodes.Add):
            assert isinstance(node, nodes.Add)
            start = node.span[0]
            for k, (sign, term) in enumerate(node.terms):
                gap = (start, term.span[0])
                place = [m.start() for m in re.finditer(r"[+-]", self.source[slice(*gap)])]
                says = f"the sign of {self.short(term)} becomes {'-' if sign > 0 else '+'}"
                new = "-" if sign > 0 else "+"
                if place:
                    at = gap[0] + (place[0] if k else place[-1])
                    yield Edit("sign", says, self.put((at, at + 1), new if k else ""))
                elif not k and sign > 0:
                    yield Edit("sign", says, self.put((term.span[0], term.span[0]), "- "))
                start = term.span[1]
        for node in self.of(nodes.Neg):
            at = self.source.find("-", node.span[0])
            if at < 0:
                continue
            yield Edit("sign", f"the sign of {self.short(node)} becomes +", self.put((at, at + 1), " "))
        for relation in self.relations:
            for side in relation.sides[1:]:
                if isinstance(side, nodes.Mul | nodes.Big | nodes.Sym | nodes.Fn | nodes.Add) and side.span[1]:
                    new = rf"- \left({self.text(side)}\right)"
                    yield Edit("sign", "the right side changes its sign", self.put(side.span, new))

    def slopes(self) -> Iterator[Edit]:
        """Squares and '1 -' that are missing or too many, as in the slopes 1 - a² and Γ (1 - Γ)."""
        for node in self.of(nodes.Pow):
            assert isinstance(node, nodes.Pow)
            if isinstance(node.n, nodes.Num) and node.n.value == 2:
                powers = list(re.finditer(r"\^\{?\s*2\s*\}?", self.text(node)))
                if not powers:  # spelled in another way, as in ^{\odot 2}
                    continue
                power = powers[0] if isinstance(node.x, nodes.Fn) else powers[-1]  # \tanh^2(z): it is not at the end
                a, b = (node.span[0] + p for p in power.span())
                yield Edit("power", f"the square of {self.short(node.x)} is dropped", self.put((a, b), ""))
                yield Edit("power", f"the square of {self.short(node.x)} becomes a cube", self.put((a, b), "^{3}"))
        for node in self.of(nodes.Sym):
            assert isinstance(node, nodes.Sym)
            if node.span in self.turned | self.in_derivative or node.key.startswith(("W", "d ")):
                continue
            if id(node) in self.shape_only:
                continue
            name, text = self.bare(node), self.text(node)
            yield Edit("power", f"the missing square of {name} is put in", self.put(node.span, f"({text})^2"))
            yield Edit("one minus", f"{name} becomes 1 - {name}", self.put(node.span, rf"\left(1 - {text}\right)"))
        for node in self.of(nodes.Add):
            assert isinstance(node, nodes.Add)
            if isinstance(node.terms[0][1], nodes.Num) and len(node.terms) == 2:
                span = (node.terms[0][1].span[0], node.terms[1][1].span[0])
                yield Edit("one minus", f"'{self.source[slice(*span)].strip()}' is dropped", self.put(span, ""))

    def quantities(self) -> Iterator[Edit]:
        """Another quantity of the same kind."""
        for node in self.of(nodes.Sym):
            assert isinstance(node, nodes.Sym)
            axes = self.axes(node.key)
            if id(node) in self.shape_only:
                continue
            for key in self.notation.templates:
                if key == node.key:
                    continue
                if self.axes(key) == axes and kind_of(key) == kind_of(node.key):
                    new = latex(nodes.Sym(key, node.time, node.layer, node.example, node.entry), self.notation)
                elif {key, node.key} == {"L", "L_t"}:
                    times = [n.time for n in self.of(nodes.Sym) if isinstance(n, nodes.Sym) and n.time is not None]
                    new = latex(nodes.Sym(key, times[0] if key == "L_t" and times else None), self.notation)
                    if key == "L_t" and not times:
                        continue
                else:
                    continue
                if node.span in self.turned and self.text(node).endswith(r"\top}"):
                    new = f"{{{new}}}^{{\\top}}"
                says = f"{self.bare(node)} becomes {TOP.sub('', new).strip('{}') if new[0] == '{' else new}"
                yield Edit("quantity", says, self.put(node.span, new))

    def products(self) -> Iterator[Edit]:
        """Products: the kind, the order, a factor too many."""
        for node in self.of(nodes.Mul):
            assert isinstance(node, nodes.Mul)
            a, b = self.text(node.a), self.text(node.b)
            if node.kind == "had":
                yield Edit("product", r"the \odot becomes a matrix product", self.put(node.span, f"{a} {b}"))
                yield Edit("product", r"the \odot becomes +", self.put(node.span, f"{a} + {b}"))
            elif not is_number(node.a) and not is_number(node.b):
                yield Edit("product", rf"{self.short(node.a)} {self.short(node.b)} gets a \odot",
                           self.put(node.span, rf"{a} \odot {b}"))  # fmt: skip
                says = f"{self.short(node.a)} and {self.short(node.b)} change places"
                yield Edit("order", says, self.put(node.span, f"{b} {a}"))
            yield Edit("factor", f"the factor {self.short(node.b)} is dropped", self.put(node.span, a))
            yield Edit("factor", f"the factor {self.short(node.a)} is dropped", self.put(node.span, b))

    def limits(self) -> Iterator[Edit]:
        """Where sums and products begin and end, and the order of products."""
        for node in self.of(nodes.Big):
            assert isinstance(node, nodes.Big)
            head = re.match(r"\\(?:sum|prod)\s*(?:\\limits\s*)?_\{(.*?)\}", self.text(node), re.S)
            if not head or node.lo is None or node.hi is None:
                continue
            span = (node.span[0] + head.start(1), node.span[0] + head.end(1))
            var, name = node.var, "sum" if node.kind == "sum" else "product"
            if "=" in head[1]:
                for limit, end in ((node.lo, "begins"), (node.hi, "ends")):
                    for step in (-1, 1):
                        if step == 1 and limit == nodes.Idx("T") and ends_with_the_sequence(node.body, var):
                            continue  # that term is zero: it would be the same sum
                        now = shifted(limit, self.text(limit), step)
                        yield Edit("range", f"the {name} {end} at {now}", self.put(limit.span, now))
                if node.kind == "prod":
                    upper = re.compile(r"\s*\^(\{[^{}]*(?:\{[^{}]*\})?[^{}]*\}|\w)").match(self.source, span[1] + 1)
                    if upper:
                        new = rf"{self.text(node.hi)} \ge {var} \ge {self.text(node.lo)}"
                        says = f"the product runs downwards, \\prod_{{{new}}}"
                        yield Edit("product order", says, self.put((span[0], upper.end()), new + "}"))
            else:
                for m in re.finditer(r"\\[gl]e(?![a-z])|[<>]", head[1]):
                    new = {r"\ge": "> ", ">": r"\ge ", r"\le": "< ", "<": r"\le "}[m[0]]
                    at = (span[0] + m.start(), span[0] + m.end())
                    yield Edit("range", f"{m[0]} becomes {new.strip()} below the {name}", self.put(at, new))
                if node.descending:
                    lo, hi = (self.text(n) for n in (node.lo, node.hi))
                    yield Edit("product order", "the product runs upwards", self.put(span, rf"{lo} < {var} \le {hi}"))

    def derivatives(self) -> Iterator[Edit]:
        """Total, immediate, held."""
        for node in self.of(nodes.Deriv):
            assert isinstance(node, nodes.Deriv)
            text = self.text(node)
            if node.immediate:
                new = re.sub(r"\\partial\s*\^\{?\s*\+\s*\}?", r"\\partial ", text, count=1)
                yield Edit("derivative", r"\partial^{+} becomes the total \partial", self.put(node.span, new))
            elif node.held:
                new = latex(nodes.Deriv(node.num, node.den), self.notation)
                yield Edit("derivative", "nothing is held", self.put(node.span, new))
            elif node.num.key not in LOSSES:
                new = text.replace(r"\partial", r"\partial^{+}", 1)
                yield Edit("derivative", r"\partial becomes the immediate \partial^{+}", self.put(node.span, new))

    def functions(self) -> Iterator[Edit]:
        """Functions: another one, none, its slope."""
        other = {"tanh": r"\sigma", "sigmoid": r"\tanh", "g": r"\sigma"}
        for node in self.of(nodes.Fn):
            assert isinstance(node, nodes.Fn)
            text = self.text(node)
            name = re.match(r"\\operatorname\s*\{\w+\}|\\mathrm\s*\{\w+\}|\\\w+|g(?=')?|e\^", text)
            if not name or name[0] == "e^":
                continue
            rest = text[name.end() :]
            if node.name in other:
                new = other[node.name]
                yield Edit("function", f"{name[0]} becomes {new}", self.put(node.span, new + rest))
                if not node.prime:
                    yield Edit("function", f"{name[0]} becomes its slope", self.put(node.span, name[0] + "'" + rest))
            if node.prime:
                yield Edit("function", f"the slope of {name[0]} becomes {name[0]}",
                           self.put(node.span, name[0] + rest.replace("'", "", 1)))  # fmt: skip
            if len(node.args) == 1 and not node.prime:
                inner = rf"\left({self.text(node.args[0])}\right)"
                yield Edit("function", f"{name[0]} is dropped", self.put(node.span, inner))

    def terms(self) -> Iterator[Edit]:
        """Drop a term that is too many."""
        for node in self.of(nodes.Add):
            assert isinstance(node, nodes.Add)
            for k, (_, term) in enumerate(node.terms):
                start = (
                    node.terms[k - 1][1].span[1] if k else node.span[0] + self.source[slice(*node.span)].startswith("(")
                )
                stop = term.span[1]
                if not k:
                    start, stop = term.span[0], node.terms[1][1].span[0]
                    if node.terms[1][0] < 0:
                        yield Edit("term", f"the term {self.short(term)} is dropped", self.put(term.span, ""))
                        continue
                yield Edit("term", f"the term {self.short(term)} is dropped", self.put((start, stop), ""))

    def numbers(self) -> Iterator[Edit]:
        """Numbers and fractions."""
        inside = {id(x) for n in self.nodes for x in indices_of(n)}
        for node in self.of(nodes.Num):
            assert isinstance(node, nodes.Num)
            if id(node) not in inside:
                value = node.value + 1
                if id(node) in self.limits_of_claims:  # narrower would be weaker, and true
                    value = node.value - 1 if node.value else 1
                now = f"{value:g}"
                yield Edit("number", f"{self.text(node)} becomes {now}", self.put(node.span, now))
        for node in self.of(nodes.Div):
            assert isinstance(node, nodes.Div)
            new = rf"\frac{{{self.text(node.b)}}}{{{self.text(node.a)}}}"
            yield Edit("fraction", "the fraction is turned over", self.put(node.span, new))
        for node in self.of(nodes.Norm):
            assert isinstance(node, nodes.Norm)
            vector = isinstance(node.x, nodes.Sym) and not node.x.key.startswith("W")  # for which the two are the same
            if node.order == "2" and not vector and (k := self.text(node).rfind("_2")) >= 0:
                at = node.span[0] + k
                yield Edit("norm", "the norm becomes Frobenius'", self.put((at, at + 2), "_F"))

    def entries(self) -> Iterator[Edit]:
        """Entries: another index, or the two the other way round."""
        names = list(dict.fromkeys(n.name for n in self.of(nodes.Idx) if isinstance(n, nodes.Idx) and len(n.name) == 1))
        for node in self.of(nodes.Sym):
            assert isinstance(node, nodes.Sym)
            for k, entry in enumerate(node.entry):
                if isinstance(entry, nodes.Idx):
                    for name in [n for n in names if n != entry.name and n not in ("t", "T", "m", "N")]:
                        says = f"{entry.name} becomes {name} in {self.bare(node)}"
                        yield Edit("entry", says, self.put(entry.span, f" {name}"))
                    if k and isinstance(node.entry[0], nodes.Idx) and node.entry[0].name != entry.name:
                        pair = (node.entry[0].span[0], entry.span[1])
                        new = f"{entry.name} {node.entry[0].name}"
                        yield Edit("entry", f"the subscripts of {self.bare(node)} change places", self.put(pair, new))

    def blocks(self) -> Iterator[Edit]:
        """Exchange blocks."""
        for node in self.of(nodes.Stack):
            assert isinstance(node, nodes.Stack)
            flat = [block for row in node.rows for block in row]
            for a, b in pairwise(flat):
                between = self.source[a.span[1] : b.span[0]]
                new = self.put((a.span[0], b.span[1]), self.text(b) + between + self.text(a))
                yield Edit("blocks", f"{self.short(a)} and {self.short(b)} change places", new)

    def relation_signs(self) -> Iterator[Edit]:
        """Turn inequalities round."""
        for relation in self.relations:
            for a, sign, b in zip(relation.sides, relation.signs, relation.sides[1:], strict=False):
                turned = {r"\le": r"\ge", r"\ge": r"\le", "<": ">", ">": "<"}.get(sign)
                at = self.source.find(sign, a.span[1], b.span[0])
                if turned and at >= 0:
                    yield Edit("inequality", f"{sign} becomes {turned}", self.put((at, at + len(sign)), turned))

    def exchanges(self) -> Iterator[Edit]:
        """Exchange two quantities of one kind."""
        symbols = [n for n in self.of(nodes.Sym) if isinstance(n, nodes.Sym) and n.span not in self.turned]
        for k, a in enumerate(symbols):
            for b in symbols[k + 1 :]:
                alike = kind_of(a.key) == kind_of(b.key) and self.axes(a.key) == self.axes(b.key) and a.time == b.time
                commute = any(a in group and b in group for group in self.commuting())
                if alike and a.key != b.key and a.span[1] <= b.span[0] and not commute:
                    between = self.source[a.span[1] : b.span[0]]
                    new = self.put((a.span[0], b.span[1]), self.text(b) + between + self.text(a))
                    yield Edit("exchange", f"{self.bare(a)} and {self.bare(b)} change places", new)
