"""Symbol tables: which LaTeX spelling means which quantity. One table drives reading and printing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from .lexer import ACCENTS, GREEK, WRAPS, Refused, Token, lex, spelling

__all__ = ["INDICES", "Notation", "bare_name"]

INDICES = frozenset([*"tkjilsrpq", r"\tau"])
NAMED = ("diag", "softmax", "sign", "clip", "vec", "tanh", "sigmoid", "relu", "ReLU")
FUNCTIONS = {
    r"\tanh": "tanh", r"\exp": "exp", r"\log": "log", r"\ln": "log", r"\max": "max", r"\min": "min",
    r"\sigma": "sigmoid", **{rf"\mathrm{{{name}}}": name for name in NAMED},
}  # fmt: skip
AXES = {"<": "t", "[": "l"}


class Notation:
    r"""A way of writing: the symbol table of a chapter, or of another course.

    Parameters
    ----------
    name : str
        What messages call it.
    symbols : mapping
        Quantity to LaTeX template, such as ``{"gate_f": r"\Gamma_f^{\langle t \rangle}"}``; the indices in the
        template say which ones the quantity takes.
    sizes : mapping, optional
        LaTeX name of a size to the size's name, such as ``{"T_x": "T"}``.
    base : Notation, optional
        What this one extends.
    indices : iterable of str, optional
        The letters that can be an index.
    functions : mapping, optional
        LaTeX of a function to the function's name, on top of the common ones.
    time_below : bool
        Time is written as a subscript, as in h_t.
    product : str
        How the elementwise product is written.
    spelled : mapping, optional
        Quantities that this notation writes as an expression, such as ``{"gate_u": "1 - z_t"}``.
    blocks : mapping, optional
        Matrices that it only has in blocks, such as ``{"W_f": ("W_fa", "W_fx")}``.
    """

    def __init__(
        self,
        name: str,
        symbols: Mapping[str, str],
        sizes: Mapping[str, str] | None = None,
        *,
        base: Notation | None = None,
        indices: Iterable[str] = INDICES,
        functions: Mapping[str, str] | None = None,
        time_below: bool = False,
        product: str = r"\odot",
        spelled: Mapping[str, str] | None = None,
        blocks: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        self.name, self.indices, self.time_below, self.product = name, frozenset(indices), time_below, product
        self.own_functions, self.spelled, self.blocks = dict(functions or {}), dict(spelled or {}), dict(blocks or {})
        self.functions = {**FUNCTIONS, **self.own_functions}
        taken = {canonical(latex) for latex in symbols.values()}  # a quantity's name is no size's any more
        kept = {latex: size for latex, size in base.sizes.items() if latex not in taken} if base else {}
        self.sizes: dict[str, str] = kept | {canonical(latex): size for latex, size in (sizes or {}).items()}
        self.templates: dict[str, str] = {**(base.templates if base else {}), **symbols}
        self.by_name: dict[str, dict[frozenset[str], str]] = {}
        for key, latex in self.templates.items():
            bare, axes = self.template(latex)
            if self.by_name.setdefault(bare, {}).setdefault(axes, key) != key:
                raise Refused(f"{latex} means both {self.by_name[bare][axes]} and {key} in the notation {name}")

    def template(self, latex: str) -> tuple[str, frozenset[str]]:
        """Read a row of the table: the bare name, and the kinds of index ('t', 'l') that it takes."""
        tokens = lex(latex)[:-1]
        name, k = bare_name(tokens)
        axes: set[str] = set()
        parts: list[str] = []
        while k < len(tokens):
            sign, inner = tokens[k].text, group_at(tokens, k + 1)
            k += 1 + (len(inner) + 2 if tokens[k + 1].text == "{" else len(inner))
            if sign == "_":
                parts = split(spelling(inner))
                if self.time_below and parts[-1] == "t":
                    axes.add("t")
                    parts.pop()
            else:
                axes |= {AXES[m] for m in re.findall(r"[<\[]", spelling(inner))}
        return name + subscript(parts), frozenset(axes)


def bare_name(tokens: list[Token]) -> tuple[str, int]:
    r"""Read the name of a quantity, without its scripts: a letter, \Gamma, \tilde c, \mathrm{STM}; and where it ends.

    The name is empty if there is none.
    """
    if not tokens:
        return "", 0
    text = tokens[0].text
    if text in ACCENTS | WRAPS:
        inner = group_at(tokens, 1)
        braces = len(tokens) > 1 and tokens[1].text == "{"
        return (f"{text}{{{spelling(inner)}}}", 1 + len(inner) + 2 * braces) if inner else ("", 0)
    return (text, 1) if text in GREEK or (tokens[0].kind == "char" and text.isalpha()) else ("", 0)


def group_at(tokens: list[Token], k: int) -> list[Token]:
    """Return what stands in the braces that open at token k, or that token (with its argument, for an accent)."""
    if k >= len(tokens) or tokens[k].kind == "eof":
        return []
    if tokens[k].kind == "char" and tokens[k].text == "{":
        depth, end = 1, k + 1
        while end < len(tokens) and tokens[end].kind != "eof":
            if tokens[end].kind == "char":
                depth += (tokens[end].text == "{") - (tokens[end].text == "}")
            if not depth:
                return tokens[k + 1 : end]
            end += 1
        return []
    end = k
    while end < len(tokens) and tokens[end].text in ACCENTS | WRAPS:
        end += 1
    if end == k:
        return [tokens[k]]
    inner = group_at(tokens, end)
    braces = end < len(tokens) and tokens[end].text == "{"
    return tokens[k : end + len(inner) + 2 * braces]


def split(text: str) -> list[str]:
    """Split the parts of a subscript."""
    return text.split(",")


def subscript(parts: list[str]) -> str:
    """Spell a subscript."""
    return f"_{{{','.join(parts)}}}" if parts else ""


def canonical(latex: str) -> str:
    """Spell the name of a size, such as T_x, in one way."""
    tokens = lex(latex)[:-1]
    name, k = bare_name(tokens)
    return name + (subscript(split(spelling(group_at(tokens, k + 1)))) if k < len(tokens) else "")
