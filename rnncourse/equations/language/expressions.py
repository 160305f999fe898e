"""Reading expressions: sums, products, functions, derivatives, norms, blocks. A recursive-descent parser."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from . import nodes
from .lexer import ACCENTS, GREEK, WRAPS, Token, spelling
from .reader import Reader

__all__ = ["COMPARE", "Expressions"]

COMPARE = {"<", ">", r"\le", r"\ge", r"\ne", "="}
BARE_FUNCTION = re.compile(r"(tanh|log|exp|max|min|diag|softmax|sigmoid|ln)(?![a-zA-Z])")
DEEPEST = 40  # nothing on paper nests deeper
CONNECTIVES = {"for", "if", "and", "with", "all", "where", "forall", "otherwise", "else", "when", "forevery"}
BIG_FORMS = r"write \sum_{t=1}^{T_x}, \sum_{1 \le k \le t} or \prod_{t \ge j > k}"


class Expressions(Reader):
    """Reads expressions at its place."""

    def expression(self) -> nodes.Node:
        """Read a sum of terms."""
        start = self.at
        sign = -1 if self.accept("-") else 1
        if sign == 1:
            self.accept("+")
        terms = [(sign, self.term())]
        while self.token.kind == "char" and self.text() in ("+", "-"):
            sign = 1 if self.take().text == "+" else -1
            terms.append((sign, self.term()))
        if len(terms) > 1:
            return nodes.Add(tuple(terms), span=self.since(start))
        sign, only = terms[0]
        return only if sign == 1 else nodes.Neg(only, span=self.since(start))

    def term(self) -> nodes.Node:
        """Read elementwise products of matrix products."""
        start = self.at
        left = self.product()
        while self.text() in (r"\odot", self.notation.product):
            self.take()
            left = nodes.Mul("had", left, self.product(), span=self.since(start))
        return left

    def product(self) -> nodes.Node:
        """Read a matrix product: juxtaposition."""
        start, slash = self.at, False
        left = self.factor()
        while True:
            if self.accept("/"):
                left, slash = nodes.Div(left, self.factor(), span=self.since(start)), True
            elif self.accept(r"\cdot"):
                left = nodes.Mul("dot", left, self.factor(), span=self.since(start))
            elif not self.starts_factor():
                return left
            elif slash:
                self.refuse(r"a / b c has two readings: use \frac or parentheses")
            elif self.token.kind == "num":
                before = self.tokens[self.at - 1]
                if before.kind == "num" and before.end == self.token.pos:
                    self.refuse(
                        f"TeX takes one token as an argument without braces: write {{{before.text}{self.token.text}}}"
                    )
                self.refuse(r"a number behind a factor: put it in front, or write \cdot")
            else:
                left = nodes.Mul("mat", left, self.factor(), loose=True, span=self.since(start))

    def starts_factor(self) -> bool:
        """Whether a factor can begin here."""
        token = self.token
        if token.kind in ("eof", "nl", "quad") or self.word():
            return False
        if token.kind == "env":
            return token.text.startswith(r"\begin")
        if token.text in (r"\|", "|"):
            return token.side == "open"
        return (
            token.kind == "num" or token.side == "open" or (token.kind == "char" and token.text.isalpha())
            or token.text in ACCENTS | WRAPS | GREEK | {"(", "[", "{", r"\frac", r"\sum", r"\prod", r"\nabla", r"\sqrt"}
            or token.text in self.notation.functions
        )  # fmt: skip

    def word(self) -> str:
        r"""Return the connecting word, such as \text{if}, that stands here."""
        if self.text() == r"\mathrm" and self.text(1) == "{":
            word = self.wrapped()
            return word if word in CONNECTIVES else ""
        return ""

    def wrapped(self) -> str:
        """Return the letters in the braces that follow the token."""
        k, letters = self.at + 2, ""
        while self.tokens[k].kind == "char" and self.tokens[k].text != "}":
            letters += self.tokens[k].text
            k += 1
        return letters

    def factor(self) -> nodes.Node:
        """Read one factor; everything that nests comes through here."""
        if self.depth >= DEEPEST:
            self.refuse(f"more than {DEEPEST} expressions inside one another")
        self.depth += 1
        try:
            return self.any_factor()
        finally:
            self.depth -= 1

    def any_factor(self) -> nodes.Node:
        """Read one factor of any kind."""
        start, token = self.at, self.token
        if token.kind == "num":
            self.take()
            return self.postfix(nodes.Num(float(token.text), span=(token.pos, token.end)), start)
        if token.text == "." and token.side == "open":
            return self.held()
        if token.text in (r"\|", "|") and token.side != "close":
            return self.norm()
        if token.kind == "env":
            return self.environment()
        readers: dict[str, Callable[[], nodes.Node]] = {
            "(": self.parentheses, "{": self.braces, "[": self.bracket, r"\frac": self.fraction, r"\sqrt": self.root,
            r"\sum": self.big, r"\prod": self.big, r"\nabla": self.gradient, r"\partial": self.inline_derivative,
        }  # fmt: skip
        if token.text in readers:
            return readers[token.text]()
        if token.text in (r"\mathbb", r"\mathbf") and "1" in (self.text(1), self.text(2)):
            return self.indicator()
        bare = BARE_FUNCTION.match(self.source, token.pos)
        if token.kind == "char" and bare:
            place = (token.pos, bare.end())
            self.refuse(f"write \\{bare[1]}: without the backslash this is a product of letters", place)
        if name := self.function_name():
            return self.function(name, start)
        if token.text == "e" and "e" not in self.notation.by_name and self.text(1) == "^":
            self.at += 2
            return nodes.Fn("exp", (self.within(self.group()).whole(),), span=self.since(start))
        return self.symbol()

    def parentheses(self) -> nodes.Node:
        """Read (…)."""
        start = self.at
        self.take()
        node = self.expression()
        self.expect(")")
        node = replace(node, span=self.since(start), **({"loose": False} if isinstance(node, nodes.Mul) else {}))
        if self.accept("_"):
            entry = self.entries(self.group())
            plain = isinstance(node, nodes.Sym) and not node.entry
            node = replace(node, entry=entry) if plain else nodes.Entry(node, entry)  # type: ignore[call-arg]
            node = replace(node, span=self.since(start))
        return self.postfix(node, start)

    def braces(self) -> nodes.Node:
        """Read {…}, which does not show in print."""
        start = self.at
        node = self.within(self.group()).whole()
        if isinstance(node, nodes.Add | nodes.Mul | nodes.Neg | nodes.Big):
            self.refuse("braces do not show in print: use parentheses", self.since(start))
        return self.postfix(node, start)

    def root(self) -> nodes.Node:
        """Read a square root."""
        start = self.at
        self.take()
        return self.postfix(nodes.Pow(self.within(self.group()).whole(), nodes.Num(0.5), span=self.since(start)), start)

    def postfix(self, node: nodes.Node, start: int) -> nodes.Node:
        """Read transposes and powers behind an expression."""
        if self.text() not in ("^", "_", "'"):
            return node
        below, above, primes = self.scripts()
        if below is not None or primes:
            self.refuse("this script cannot stand on an expression", self.since(start))
        items = [item for tokens in above for item in self.superscript(tokens)]
        if any(kind not in ("T", "pow", "inverse") for kind, _ in items):
            self.refuse("an index belongs on a quantity, not on an expression", self.since(start))
        return self.apply(node, items, self.since(start))

    # ---- functions

    def function_name(self) -> str:
        """Take the name of a function, if one stands here."""
        functions = self.notation.functions
        if self.text() == r"\mathrm":
            wrapped = rf"\mathrm{{{self.wrapped()}}}"
            if wrapped in functions:
                self.take()
                self.group()
                return functions[wrapped]
        elif self.text() in functions and self.text() not in self.notation.by_name:
            return functions[self.take().text]
        return ""

    def function(self, name: str, start: int) -> nodes.Node:
        """Read the powers, the prime and the arguments of a function."""
        below, above, primes = self.scripts()
        items = [item for tokens in above for item in self.superscript(tokens)]
        if below is not None or primes > 1 or any(kind != "pow" for kind, _ in items):
            self.refuse("this script cannot stand on a function", self.since(start))
        if self.accept("("):
            arguments = [self.expression()]
            while self.accept(","):
                arguments.append(self.expression())
            self.expect(")")
            if self.text() == "^":
                call = self.source[slice(*self.since(start))]
                self.refuse(
                    f"a power of the argument, or of the function? Write ({call})^{{…}} for that of the function"
                )
        else:
            arguments = [self.factor()]
            if self.starts_factor():
                self.refuse("where does the argument of the function end? Use parentheses", self.since(start))
        return self.apply(
            nodes.Fn(name, tuple(arguments), bool(primes), span=self.since(start)), items, self.since(start)
        )

    def norm(self) -> nodes.Node:
        """Read ‖x‖_2, ‖x‖_F, |x|."""
        start = self.at
        bar = self.take().text
        node = self.expression()
        if self.text() != bar:
            self.refuse("the norm is not closed here")
        self.take()
        order = spelling(self.group()) if self.accept("_") else "2"
        if order not in ("2", "F", "1", r"\infty"):
            self.refuse(f"the norm {order} cannot be checked", self.since(start))
        return self.postfix(nodes.Norm(node, "abs" if bar == "|" else order, span=self.since(start)), start)

    def indicator(self) -> nodes.Node:
        r"""Read \mathbb{1}_{i = j}."""
        start = self.at
        self.take()
        self.group()
        if self.text() != "_":
            self.refuse(r"write 1, as in 1 - a^{\langle t \rangle}: it is taken from every entry", self.since(start))
        self.expect("_")
        tokens = [t for t in self.group() if t.text not in (r"\{", r"\}")]
        inner = self.within(tokens, index=True)
        condition = inner.condition()
        if not inner.done:
            inner.refuse(f"cannot read {inner.text()} here")
        return nodes.Indicator(condition, span=self.since(start))

    def condition(self) -> nodes.Cond:
        """Read a chain of comparisons."""
        start = self.at
        chain: list[object] = [self.expression()]
        while self.text() in COMPARE and not self.done:
            chain += [self.take().text, self.expression()]
        if len(chain) < 3:
            self.refuse("a condition is expected here, such as k < t", self.since(start))
        return nodes.Cond(tuple(chain), span=self.since(start))

    # ---- derivatives

    def quantity(self, what: str) -> nodes.Sym:
        """Read one quantity."""
        start = self.at
        node = self.factor()
        if not isinstance(node, nodes.Sym):
            self.refuse(f"{what} has to be a single quantity", self.since(start))
        return node

    def fraction(self) -> nodes.Node:
        """Read a fraction, or a derivative."""
        start = self.at
        self.take()
        top, bottom = self.group(), self.group()
        if all(map(self.straight, (top, bottom))):  # dL/db is what the book writes with a ∂
            top, bottom = ([replace(d, text=r"\partial"), *rest] for d, *rest in map(self.unwrapped, (top, bottom)))
        partial = [bool(g) and g[0].text == r"\partial" for g in (top, bottom)]
        if partial[0] != partial[1]:
            self.refuse(r"a derivative needs \partial above and below", self.since(start))
        if not any(partial):
            node: nodes.Node = nodes.Div(self.within(top).whole(), self.within(bottom).whole(), span=self.since(start))
            return self.postfix(node, start)
        above, below = self.within(top[1:]), self.within(bottom[1:])
        immediate = bool(above.accept("^"))
        if immediate and spelling(above.group()) != "+":
            above.refuse(r"only \partial and \partial^{+} (the immediate derivative) can be checked")
        operator = above.done  # \frac{\partial}{\partial b} L
        num = (self if operator else above).quantity("what is differentiated")
        den = below.quantity("what it is differentiated by")
        if operator and (self.starts_factor() or self.text() in ("/", r"\cdot", r"\odot", self.notation.product)):
            self.refuse(r"where does the derivative end? Write \frac{\partial L}{\partial b}", self.since(start))
        for part in (above, below):
            if not part.done:
                part.refuse("a derivative is of one quantity, by one quantity")
        return self.postfix(nodes.Deriv(num, den, (), immediate, span=self.since(start)), start)

    def straight(self, tokens: list[Token]) -> bool:
        """Whether this is an upright or italic d, and what follows it, where d is no quantity."""
        first, *rest = self.unwrapped(tokens) or [Token("eof", "", 0, 0)]
        return first.text == "d" and "d" not in self.notation.by_name and (not rest or rest[0].text not in ("_", "^"))

    def unwrapped(self, tokens: list[Token]) -> list[Token]:
        r"""Write \mathrm{d} as d."""
        return tokens[2:3] + tokens[4:] if [t.text for t in tokens[:4]] == [r"\mathrm", "{", "d", "}"] else tokens

    def inline_derivative(self) -> nodes.Node:
        r"""Read \partial L / \partial b."""
        start = self.at
        self.take()
        immediate = bool(self.accept("^"))
        if immediate and spelling(self.group()) != "+":
            self.refuse(r"only \partial and \partial^{+} (the immediate derivative) can be checked")
        num = self.quantity("what is differentiated")
        if not (self.accept("/") and self.accept(r"\partial")):
            self.refuse(r"write a derivative as \frac{\partial L}{\partial b}", self.since(start))
        den = self.quantity("what it is differentiated by")
        if self.starts_factor() or self.text() == "/":
            self.refuse(r"a / b c has two readings: use \frac or parentheses")
        return nodes.Deriv(num, den, (), immediate, span=self.since(start))

    def gradient(self) -> nodes.Node:
        r"""Read \nabla_{W} L."""
        start = self.at
        self.take()
        self.expect("_")
        den = self.within(self.group()).quantity("what it is differentiated by")
        return nodes.Deriv(self.quantity("what is differentiated"), den, span=self.since(start))

    def held(self) -> nodes.Node:
        """Read a derivative with a bar: what is held."""
        start = self.at
        self.take()
        node = self.factor()
        bar = self.take()
        if not (isinstance(node, nodes.Deriv) and bar.text == "|" and bar.side == "close"):
            form = r"\left. \frac{\partial ..}{\partial ..} \right|_{a^{\langle t-1 \rangle}}"
            self.refuse(f"\\left. is only read as {form}", self.since(start))
        self.expect("_")
        inner = self.within(self.group())
        held = [inner.quantity("what is held")]
        while inner.accept(","):
            held.append(inner.quantity("what is held"))
        if not inner.done:
            inner.refuse(f"cannot read {inner.text()} here")
        return self.postfix(replace(node, held=tuple(held), span=self.since(start)), start)

    # ---- blocks, cases, sums

    def bracket(self) -> nodes.Node:
        """Read [a, x], [A | B], [expression]_{ij} or brackets used as parentheses."""
        start = self.at
        self.take()
        blocks, signs = [self.expression()], set()
        while self.text() in (",", ";", "|", r"\mid") and not self.done:
            signs.add("on top" if self.take().text in ",;" else "beside")
            blocks.append(self.expression())
        self.expect("]")
        if len(signs) > 1:
            self.refuse(r"[a, b] is a on top of b, [A \mid B] is A beside B: not both in one", self.since(start))
        if not signs:
            if self.accept("_"):
                return nodes.Entry(blocks[0], self.entries(self.group()), span=self.since(start))
            return self.postfix(blocks[0], start)
        rows = tuple((b,) for b in blocks) if signs == {"on top"} else (tuple(blocks),)
        return self.postfix(nodes.Stack(rows, span=self.since(start)), start)

    def environment(self) -> nodes.Node:
        """Read a matrix of blocks, or cases."""
        start = self.at
        name = self.take().text[7:-1]
        if name not in ("bmatrix", "pmatrix", "cases"):
            self.refuse(f"the environment {name} cannot be read here", self.since(start))
        rows: list[Any] = []
        while self.text() != rf"\end{{{name}}}":
            rows.append(self.case() if name == "cases" else self.row())
            if self.token.kind == "nl":
                self.take()
            elif self.text() != rf"\end{{{name}}}":
                self.expect(rf"\end{{{name}}}")
        self.take()
        if not rows:
            self.refuse("nothing inside", self.since(start))
        if name == "cases":
            return nodes.Cases(tuple(rows), span=self.since(start))
        return self.postfix(nodes.Stack(tuple(rows), span=self.since(start)), start)

    def row(self) -> tuple[nodes.Node, ...]:
        """Read a row of blocks."""
        row = [self.expression()]
        while self.accept("&"):
            row.append(self.expression())
        return tuple(row)

    def case(self) -> tuple[nodes.Node, nodes.Cond | None]:
        """Read a value and its condition."""
        value = self.expression()
        self.accept(",")
        self.expect("&")
        word = self.word()
        if word:
            self.take()
            self.group()
        condition = None if word in ("otherwise", "else") else self.condition()
        self.accept(",", ".")
        return value, condition

    def big(self) -> nodes.Node:
        """Read a sum or a product over an index."""
        start = self.at
        kind = self.take().text[1:]
        below, above, _ = self.scripts()
        if not below or len(above) > 1:
            self.refuse(f"\\{kind} needs an index: {BIG_FORMS}", self.since(start))
        inner = self.within(below, index=True)
        lo: nodes.Node | None = None
        hi: nodes.Node | None = None
        descending = False
        if len(below) > 1 and below[1].text == "=":
            var = inner.take().text
            inner.take()
            lo = inner.whole()
            if not above:
                self.refuse(f"\\{kind} needs an upper limit", self.since(start))
            hi = self.within(above[0], index=True).whole()
        elif len(below) == 1 and not above:
            var = inner.take().text
        else:
            left, first = inner.expression(), inner.take().text
            rest = inner.tokens[inner.at :]
            if [t.kind for t in rest[1:2]] == ["eof"] or first not in COMPARE:
                at_least = first in (">", r"\ge") and isinstance(left, nodes.Idx)
                low = inner.source[rest[0].pos : rest[-1].end] + ("+1" if first == ">" else "")
                forms = rf"write \{kind}_{{{left.name}={low}}}^{{T_x}}" if at_least else BIG_FORMS  # type: ignore[attr-defined]
                self.refuse(rf"where does the index of \{kind} begin and end? {forms}", self.since(start))
            var, second, right = inner.take().text, inner.take().text, inner.whole()
            descending = first in (">", r"\ge")
            if above or {first, second} - ({">", r"\ge"} if descending else {"<", r"\le"}):
                self.refuse(BIG_FORMS, self.since(start))
            (lo, low), (hi, high) = ((right, second), (left, first))[:: 1 if descending else -1]
            lo = nodes.Add(((1, lo), (1, nodes.Num(1.0))), span=lo.span) if low in "<>" else lo
            hi = nodes.Add(((1, hi), (-1, nodes.Num(1.0))), span=hi.span) if high in "<>" else hi
        if var not in self.notation.indices:
            self.refuse(f"{var} is not an index", self.since(start))
        return nodes.Big(kind, var, lo, hi, self.term(), descending, span=self.since(start))
