"""Reading names: from tokens to the quantities of a symbol table.

The rule of the whole parser is: refuse, never guess. What has two readings is an error that points at the place and,
where it is known, says what to write instead.
"""

from __future__ import annotations

import difflib
import re
from abc import ABC, abstractmethod
from typing import Any, NoReturn, Self

from .lexer import Refused, Token, spelling
from .nodes import Div, Idx, Node, Num, Pow, Span, Sym, Transpose
from .symbols import Notation, bare_name, group_at, subscript

__all__ = ["HINTS", "Reader"]

HINTS = {
    r"\approx": r"an approximation cannot be checked: write = or \le, or mark the equation with '% not-checked: why'",
    r"\propto": "a proportionality cannot be checked: write the factor",
    r"\cdots": r"dots cannot be checked: write \sum, or \prod_{t \ge j > k}",
    r"\ldots": r"dots cannot be checked: write \sum, or \prod_{t \ge j > k}",
    r"\vdots": r"dots cannot be checked: write [a, b] for blocks on top of each other",
    r"\int": "integrals cannot be checked",
    r"\lim": "limits cannot be checked",
    r"\mathbb{E}": r"expectations cannot be checked: write \frac{1}{m} \sum_{i=1}^{m}",
    r"\to": r"write = or \leftarrow",
    r"\rightarrow": r"write = or \leftarrow",
    r"\equiv": "write = or :=",
    r"\times": r"the elementwise product is \odot; a matrix product has no sign",
    r"\ast": r"the elementwise product is \odot",
    "*": r"the elementwise product is \odot",
    r"\otimes": r"write the outer product as u v^{\top}",
    r"\partial": r"write a derivative as \frac{\partial L}{\partial b}",
    "&": r"alignment marks belong in \begin{aligned}",
}
WORDS = {"t": "time index <t>", "l": "layer index [l]", "i": "example index (i)"}
Scripts = tuple[list[Token] | None, list[list[Token]], int]


class Reader(ABC):
    """A place in a list of tokens, and what can be read there about names.

    Parameters
    ----------
    tokens : list of Token
        What to read.
    source : str
        The LaTeX they come from, for messages.
    notation : Notation
        The symbol table.
    index : bool
        Inside an index: letters are indices first.
    """

    def __init__(self, tokens: list[Token], source: str, notation: Notation, index: bool = False) -> None:
        tokens = [t for t in tokens if t.kind != "eof"]
        end = tokens[-1].end if tokens else 0
        self.tokens = tokens + [Token("eof", "", end, end)] * 8  # room to look ahead
        self.at, self.source, self.notation, self.index = 0, source, notation, index
        self.depth = 0  # how many factors this one stands in

    # ---- tools

    @property
    def token(self) -> Token:
        """The token at this place."""
        return self.tokens[self.at]

    @property
    def done(self) -> bool:
        """Whether all is read."""
        return self.token.kind == "eof"

    def text(self, ahead: int = 0) -> str:
        """Return the text of a token from here on."""
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)].text

    def take(self) -> Token:
        """Return the token and go on."""
        token = self.token
        self.at += not self.done
        return token

    def accept(self, *texts: str) -> Token | None:
        """Take the token if it is one of these."""
        return self.take() if not self.done and self.token.text in texts else None

    def expect(self, text: str) -> Token:
        """Take a token that has to be there."""
        return self.accept(text) or self.refuse(f"expected {text} here, found {self.token.text or 'the end'}")

    def refuse(self, message: str, span: Span | None = None) -> NoReturn:
        """Say what cannot be read, and where."""
        raise Refused(message, self.source, span or (self.token.pos, self.token.end))

    def since(self, start: int) -> Span:
        """Return the place in the source from token `start` to here."""
        return self.tokens[start].pos, self.tokens[max(start, self.at - 1)].end

    def group(self) -> list[Token]:
        """Take what stands in braces, or the one token that follows."""
        if self.done:
            self.refuse("something is missing here")
        inner = group_at(self.tokens, self.at)
        braces = self.token.kind == "char" and self.token.text == "{"
        if braces and self.tokens[self.at + len(inner) + 1].text != "}":
            self.refuse("this brace is never closed")
        self.at += len(inner) + 2 * braces
        return inner

    def within(self, tokens: list[Token], index: bool = False) -> Self:
        """Return a reader of these tokens only."""
        inner = type(self)(tokens, self.source, self.notation, index)
        inner.depth = self.depth
        if not tokens:  # point at where they should be
            end = self.tokens[max(0, self.at - 1)].end
            inner.tokens = [Token("eof", "", end, end)] * 8
        return inner

    def whole(self) -> Node:
        """Read one expression and nothing else."""
        node = self.expression()
        if not self.done:
            self.refuse(HINTS.get(self.token.text, f"cannot read {self.token.text} here"))
        return node

    @abstractmethod
    def expression(self) -> Node:
        """Read a sum of terms; a subclass knows what these are."""

    # ---- scripts

    def scripts(self) -> Scripts:
        """Take subscript, superscripts and primes."""
        below, above, primes = None, [], 0
        while True:
            if self.token.kind == "char" and self.accept("_"):
                if below is not None:
                    self.refuse("two subscripts")
                below = self.group()
            elif self.accept("^"):
                above.append(self.group() or self.refuse("an empty superscript"))
            elif self.accept("'"):
                primes += 1
            else:
                return below, above, primes

    def superscript(self, tokens: list[Token]) -> list[tuple[str, Any]]:
        """Read one superscript: pairs of t, l, i, T, pow or inverse, and the index or exponent, or None."""
        inner = self.within(tokens, index=True)
        items: list[tuple[str, Any]] = []
        while not inner.done:
            for opening, closing, kind in (("<", ">", "t"), ("[", "]", "l"), ("(", ")", "i")):
                if inner.accept(opening):
                    items.append((kind, inner.expression()))
                    inner.expect(closing)
                    break
            else:
                if inner.accept(r"\top"):
                    items.append(("T", None))
                elif inner.text() == "T" and not inner.text(1):
                    inner.refuse(r"^T could be the transpose or a power of T: write ^{\top} for the transpose")
                elif inner.text() == "-" and inner.text(1) == "1" and not inner.text(2):
                    inner.at += 2
                    items.append(("inverse", None))
                else:
                    inner.accept(r"\odot")
                    items.append(("pow", inner.expression()))
        return items

    def apply(self, node: Node, items: list[tuple[str, Any]], span: Span) -> Node:
        """Put transposes and powers on a node."""
        for kind, argument in items:
            if kind == "T":
                node = Transpose(node, span=span)
            elif kind == "pow":
                node = Pow(node, argument, span=span)
            elif kind == "inverse" and isinstance(node, Sym | Transpose):
                self.refuse(rf"inverses cannot be checked; of a number write \frac{{1}}{{{self.latex(node)}}}", span)
            elif kind == "inverse":
                node = Div(Num(1.0, span=span), node, span=span)
        return node

    def latex(self, node: Node) -> str:
        """Return the source of a node."""
        return self.source[slice(*node.span)].split("^{-1}")[0]

    # ---- quantities

    def symbol(self) -> Node:
        """Read a quantity with all its scripts."""
        start = self.at
        base, length = bare_name(self.tokens[start:])
        if not base:
            text = self.token.text
            refused = text or "the end"
            self.refuse(HINTS.get(text, f"{refused} is not something that can be checked here"))
        self.at += length
        below, above, primes = self.scripts()
        span = self.since(start)
        if primes:
            self.refuse("a prime is only read on a function, as in \\tanh'(z)", span)
        items = [item for tokens in above for item in self.superscript(tokens)]
        parts: list[list[Token]] = [[]] if below else []
        for token in below or []:
            if token.kind == "char" and token.text == ",":
                parts.append([])
            else:
                parts[-1].append(token)
        return self.apply(self.resolve(base, parts, items, span), items, span)

    def resolve(self, base: str, parts: list[list[Token]], items: list[tuple[str, Any]], span: Span) -> Node:
        """Find a name in the symbol table; what is left of its subscript picks an entry."""
        table, spelled = self.notation, [spelling(p) for p in parts]
        full, indexed = base + subscript(spelled), any(kind in WORDS for kind, _ in items)
        number = None
        if not indexed and (full in table.sizes or full in table.indices):
            number = Idx(table.sizes.get(full, full), span=span)
        if number and self.index:
            return number
        for n in range(len(parts), -1, -1):
            name = base + subscript(spelled[:n])
            if name in table.by_name:
                break
        else:
            if number:
                return number
            if full + "{E}" in HINTS or full in HINTS:
                self.refuse(HINTS.get(full, HINTS[r"\mathbb{E}"]), span)
            if hint := self.known_as(base, full):
                self.refuse(f"{full} is not a symbol of this chapter; {hint}", span)
            near = difflib.get_close_matches(full, sorted(table.by_name), 3, 0.6)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            self.refuse(f"{full} is not a symbol of this chapter{hint}", span)
        index: dict[str, Node] = {}
        rest = parts[n:]
        if table.time_below and rest and any("t" in axes for axes in table.by_name[name]):
            index["t"], rest = self.within(rest[0], index=True).whole(), rest[1:]
        for kind, argument in items:
            if kind in WORDS and index.setdefault(kind, argument) is not argument:
                self.refuse(f"two {WORDS[kind]}s", span)
        key = table.by_name[name].get(frozenset(index) - {"i"})
        if key is None:
            self.refuse(self.wrong_indices(name, set(index) - {"i"}), span)
        entry = tuple(e for part in rest for e in self.entries(part))
        return Sym(key, index.get("t"), index.get("l"), index.get("i"), entry, span=span)

    def known_as(self, base: str, full: str) -> str:
        r"""Say what a name probably means: da is δ or a fraction, \mathcal L is L."""
        if full in ("d", r"\mathrm{d}"):
            return self.gradient_of(self.named(self.tokens[self.at :]))
        plain = re.sub(r"^\\[a-zA-Z]+\{(.*?)\}", r"\1", full)
        if plain == full or plain not in self.notation.by_name:
            return ""
        return "write " + " or ".join(self.notation.templates[key] for key in self.notation.by_name[plain].values())

    def named(self, tokens: list[Token]) -> str:
        """Return the key of the quantity whose name begins here, whatever its indices; empty if there is none."""
        name, length = bare_name(tokens)
        below = spelling(group_at(tokens, length + 1)).split(",") if name and tokens[length].text == "_" else []
        for n in range(len(below), -1, -1):
            if keys := self.notation.by_name.get(name + subscript(below[:n])):
                return next(iter(keys.values()))
        return ""

    def gradient_of(self, key: str) -> str:
        """Say how the notation writes the gradient of the loss with respect to a quantity."""
        forms = self.notation.templates
        if f"d {key}" in forms:
            return f"the gradient with respect to {forms[key]} is {forms['d ' + key]}"
        return rf"write gradients as \frac{{\partial L}}{{\partial {forms.get(key, 'b')}}}"

    def wrong_indices(self, name: str, given: set[str]) -> str:
        """Say which index is missing or too many."""
        options = self.notation.by_name[name]
        forms = " or ".join(self.notation.templates[key] for key in options.values())
        axes = min(options, key=lambda a: len(a ^ given))
        missing = " and a ".join(WORDS[a] for a in sorted(axes - given))
        extra = " and no ".join(WORDS[a] for a in sorted(given - axes))
        return f"{name} {'needs a ' + missing if missing else 'takes no ' + extra}: write {forms}"

    def entries(self, tokens: list[Token]) -> tuple[Node, ...]:
        """Read subscripts that pick entries: i, ij, i+1."""
        if tokens and all(t.kind == "char" and t.text in self.notation.indices for t in tokens):
            return tuple(Idx(t.text, span=(t.pos, t.end)) for t in tokens)
        return (self.within(tokens, index=True).whole(),)
