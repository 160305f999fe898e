"""Reading equations: relations, what restricts their indices, and the lines of a display equation."""

from __future__ import annotations

from dataclasses import replace

from .expressions import COMPARE, Expressions
from .lexer import RELATIONS, EquationError, Refused, Token, lex
from .nodes import Fn, Node, Norm, Range, Relation, Space, Sym, children, walk
from .reader import HINTS
from .symbols import Notation

__all__ = ["Parser", "parse"]

OUTER = ("aligned", "align", "align*", "split", "gathered", "gather", "gather*", "equation", "equation*")
LONGEST = 20_000  # characters
CHAINED = 100
SPACES = r"after \in write \mathbb{R}^{n}, \mathbb{R}^{n \times m}, (0, 1)^{n} or [-1, 1]^{n}"


class Parser(Expressions):
    """Reads relations and their restrictions."""

    def line(self) -> list[Relation]:
        r"""Read relations and their restrictions: A = B, \qquad t = 1, \ldots, T_x."""
        relations = [self.relation()]
        while True:
            start = self.at
            while not self.done and (self.token.kind == "quad" or self.text() in (",", ";", ".") or self.word()):
                self.at += 1 if not self.word() else len(self.word()) + 3
            if self.done:
                return relations
            if self.at == start:
                self.refuse(HINTS.get(self.text(), f"cannot read {self.text()} here"))
            extra = self.within(self.tokens[self.at :], index=True)
            try:
                where = extra.restriction()
            except EquationError:
                relations.append(self.relation())
            else:
                self.at += extra.at
                relations[-1] = replace(relations[-1], where=(*relations[-1].where, where))

    def relation(self) -> Relation:
        r"""Read a chain: a = b = c, a \le b, a \in S."""
        start = self.at
        chain: list[object] = [self.expression()]
        while self.text() in RELATIONS and not self.done:
            sign = self.take().text
            chain += [sign, self.space() if sign == r"\in" else self.expression()]
        if len(chain) < 3:
            self.refuse(HINTS.get(self.text(), r"an equation needs =, \le, \ge, \in, := or \leftarrow here"))
        return Relation(tuple(chain), span=self.since(start))

    def restriction(self) -> Node:
        r"""Read t = 1, \ldots, T_x or 1 \le k < t."""
        start = self.at
        if self.text(1) == "=" and self.text() in self.notation.indices:
            var = self.take().text
            self.take()
            lo = self.expression()
            for text in (",", r"\ldots", ","):
                self.expect(text)
            return Range(var, lo, self.expression(), span=self.since(start))
        condition = self.condition()
        if any(isinstance(n, Sym | Fn | Norm) for n in walk(condition)) or self.text() in RELATIONS - COMPARE:
            self.refuse("only conditions on indices can restrict an equation", self.since(start))
        return condition

    def space(self) -> Space:
        r"""Read the right side of \in."""
        start = self.at
        lo: Node | None = None
        hi: Node | None = None
        if self.accept(r"\mathbb"):
            kind = "R"
            if [t.text for t in self.group()] != ["R"]:
                self.refuse(SPACES, self.since(start))
        else:
            opening = self.accept("(", "[") or self.refuse(SPACES)
            kind = "open" if opening.text == "(" else "closed"
            lo = self.expression()
            self.expect(",")
            hi = self.expression()
            self.expect(")" if kind == "open" else "]")
        shape: list[Node] = []
        if self.accept("^"):
            tokens = self.group()
            while tokens:
                k = next((n for n, t in enumerate(tokens) if t.text == r"\times"), len(tokens))
                shape.append(self.within(tokens[:k], index=True).whole())
                tokens = tokens[k + 1 :]
        return Space(kind, tuple(shape), lo, hi, span=self.since(start))


def parse(source: str, notation: Notation) -> list[Relation]:
    """Read one display equation, of one or several lines.

    Parameters
    ----------
    source : str
        The LaTeX, with or without the environment around it.
    notation : Notation
        The symbol table.

    Returns
    -------
    list of Relation
        What it claims.

    Raises
    ------
    Refused
        If it cannot be read, or has more than one reading.
    """
    if len(source) > LONGEST:
        raise Refused(f"an equation of {len(source):,} characters is too long: at most {LONGEST:,}")
    tokens = lex(source)[:-1]
    while tokens and tokens[0].kind == "env" and tokens[0].text[7:-1] in OUTER:
        if tokens[-1].text != tokens[0].text.replace("begin", "end"):
            raise Refused("text after the end of the environment", source, (tokens[-1].pos, tokens[-1].end))
        tokens = tokens[1:-1]
    relations: list[Relation] = []
    for line in joined(lines(tokens)):
        relations += Parser(line, source, notation).line()
    if not relations:
        raise Refused("there is no equation here", source, (0, len(source)))
    if deepest := too_deep(relations):
        raise Refused(f"more than {CHAINED} factors or powers in a row", source, deepest.span)
    return relations


def too_deep(relations: list[Relation]) -> Node | None:
    """Return a node that lies too deep for the functions that go down a tree; products hang to the left."""
    layer: list[Node] = [*relations]
    for _ in range(CHAINED):
        layer = [child for node in layer for child in children(node)]
    return layer[0] if layer else None


def lines(tokens: list[Token]) -> list[list[Token]]:
    """Cut at the line breaks, and drop the alignment marks, that are not inside an inner environment."""
    out: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        if token.kind == "env":
            depth += 1 if token.text.startswith(r"\begin") else -1
        if token.kind == "nl" and not depth:
            out.append([])
        elif token.text != "&" or depth:
            out[-1].append(token)
    return [line for line in out if line]


def joined(cut: list[list[Token]]) -> list[list[Token]]:
    """Join lines that go on from the line above: they begin with a sign, or claim nothing of their own."""
    out: list[list[Token]] = []
    for line in cut:
        indented = line[0].kind == "quad"
        if out and (indented or line[0].text in RELATIONS | {"+", "-", r"\odot", "*"} or not claims(line)):
            out[-1] += line[1:] if indented else line
        else:
            out.append(line)
    return out


def claims(tokens: list[Token]) -> bool:
    """Whether a relation sign stands outside all brackets."""
    depth = 0
    for token in tokens:
        if token.kind == "char":
            depth += (token.text in "({[") - (token.text in ")}]")
        if depth == 0 and token.text in RELATIONS:
            return True
    return False
