"""From LaTeX to tokens, and the errors that point at their place in the source."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from .nodes import Span

__all__ = ["ACCENTS", "GREEK", "RELATIONS", "WRAPS", "EquationError", "Failure", "Refused", "Token", "lex", "spelling"]


class EquationError(Exception):
    """Something is wrong with an equation; the text shows where, with a caret.

    Parameters
    ----------
    message : str
        What is wrong.
    source : str
        The LaTeX.
    span : tuple of int, optional
        From where to where in the LaTeX.
    """

    def __init__(self, message: str, source: str = "", span: Span | None = None) -> None:
        super().__init__(message)
        self.message, self.source, self.span = message, source, span

    def __str__(self) -> str:
        if not self.source or self.span is None:
            return self.message
        a, b = self.span
        start = self.source.rfind("\n", 0, a) + 1
        stop = self.source.find("\n", a) % (len(self.source) + 1)
        carets = "^" * max(1, min(b, stop) - a)
        return f"{self.message}\n    {self.source[start:stop]}\n    {' ' * (a - start)}{carets}"


class Refused(EquationError):  # noqa: N818 - says what happened
    """The LaTeX cannot be read, or it has more than one reading."""


class Failure(EquationError):  # noqa: N818
    """The equation was read, and does not hold (or makes no sense) on the package's arrays."""


@dataclass(frozen=True)
class Token:
    r"""A piece of LaTeX: `kind` is cmd, char, num, nl, quad, env or eof; `side` says \left ("open") or \right."""

    kind: str
    text: str
    pos: int
    end: int
    side: str = ""


PATTERN = re.compile(
    r"""(?P<space>\s+|~|\\[,;:! ]|(?<!\\)%[^\n]*)
  |(?P<drop>\\(?:displaystyle|textstyle|limits|nolimits|nonumber|notag|[bB]igg?[lrm]?)(?![a-zA-Z])|\\(?:label|tag)\{[^{}]*\})
  |(?P<side>\\(?:left|right)(?![a-zA-Z]))
  |(?P<env>\\(?:begin|end)\{[a-zA-Z]+\*?\})
  |(?P<quad>\\q?quad(?![a-zA-Z]))
  |(?P<nl>\\\\(?:\[[^\[\]]*\])?)
  |(?P<cmd>\\(?:[a-zA-Z]+|[|{}]))
  |(?P<num>\d+(?:\.\d+)?)
  |(?P<char>:=|.)""",
    re.X | re.S,
)
ALIAS = {
    r"\leq": r"\le", r"\geq": r"\ge", r"\neq": r"\ne", r"\dots": r"\ldots", r"\Vert": r"\|", r"\dfrac": r"\frac",
    r"\tfrac": r"\frac", r"\widetilde": r"\tilde", r"\widehat": r"\hat", r"\text": r"\mathrm", r"\textrm": r"\mathrm",
    r"\lbrack": "[", r"\rbrack": "]", r"\coloneqq": ":=", r"\triangleq": ":=", r"\gets": r"\leftarrow",
    r"\vert": "|", r"\langle": "<", r"\rangle": ">", r"\lt": "<", r"\gt": ">", r"\circ": r"\odot",
    r"\intercal": r"\top", r"\operatorname": r"\mathrm", r"\mathit": r"\mathrm",
}  # fmt: skip
WRAPS = {r"\mathrm", r"\mathbf", r"\mathcal", r"\boldsymbol", r"\mathbb", r"\mathsf"}
ACCENTS = {r"\tilde", r"\hat", r"\bar", r"\overrightarrow", r"\overleftarrow", r"\vec", r"\dot", r"\overline"}
LETTERS = """
    alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta kappa lambda mu nu xi rho sigma tau phi varphi chi
    psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega ell pi
"""
ARGUMENTS = {"^": 1, "_": 1, r"\sqrt": 1, r"\frac": 2, **dict.fromkeys(WRAPS | ACCENTS, 1)}
GREEK = {"\\" + name for name in LETTERS.split()}
RELATIONS = {"=", ":=", r"\le", r"\ge", "<", ">", r"\in", r"\leftarrow"}


def lex(source: str) -> list[Token]:
    """Cut LaTeX into tokens; spaces, comments and what only changes the looks are dropped.

    Parameters
    ----------
    source : str
        The LaTeX of an equation.

    Returns
    -------
    list of Token
        Ends with a token of kind "eof".
    """
    out: list[Token] = []
    side, start = "", 0
    for m in PATTERN.finditer(source):
        kind, text = str(m.lastgroup), m.group()
        if kind in ("space", "drop"):
            continue
        if kind == "side":
            side, start = ("open" if text == r"\left" else "close"), m.start()
            continue
        pos = start if side else m.start()
        if text in (r"\lVert", r"\rVert", r"\lvert", r"\rvert"):
            side = "open" if text[1] == "l" else "close"
            text = r"\|" if text.endswith("Vert") else "|"
        out.append(Token(kind, ALIAS.get(text, text), pos, m.end(), side))
        side = ""
    return [*single_digits(out), Token("eof", "", len(source), len(source))]


def single_digits(tokens: list[Token]) -> list[Token]:
    r"""Cut numbers where TeX does: an argument without braces is one token, so ``\frac12 s`` is a half of s."""
    out: list[Token] = []
    due, outside = 0, []  # the arguments that are still to come, here and around each open brace
    for token in tokens:
        if token.text == "{":
            outside.append(max(due - 1, 0))
            due = 0
        elif token.text == "}":
            due = outside.pop() if outside else 0
        else:
            while due and token.kind == "num" and len(token.text) > 1:
                out.append(replace(token, text=token.text[0], end=token.pos + 1))
                kind = "num" if token.text[1:] != "." and token.text[1] != "." else "char"
                token = replace(token, kind=kind, text=token.text[1:], pos=token.pos + 1)
                due -= 1
            due = ARGUMENTS.get(token.text, max(due - 1, 0))
        out.append(token)
    return out


def spelling(tokens: list[Token]) -> str:
    r"""Spell a name in one way: ``\tilde c`` and ``\tilde{c}`` are the same."""
    out, k = "", 0
    while k < len(tokens):
        text = tokens[k].text
        out += text
        if text in ACCENTS | WRAPS and k + 1 < len(tokens) and tokens[k + 1].text != "{":
            out += "{" + tokens[k + 1].text + "}"
            k += 1
        k += 1
    return out
