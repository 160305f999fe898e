r"""Formulas as a page shows them, in the notation that the reader has chosen: names change, the layout stays.

`printer` writes an equation anew; here the LaTeX of a page is kept as it stands, spaces, line breaks and all, and each
quantity in it is replaced by its name in the other notation. So it serves sentences too, where a quantity is mentioned
without its time, and what is printed is not an equation. What the checker can read, it can read back and check.

The names are those of `notations`. What their sources do not write (gradients, pre-activations, the output layer)
keeps the book's pattern, with the source's letters in it: :math:`\delta_u^{\langle t \rangle}` is
:math:`\delta_{i,t}` where the gate is :math:`i_t`. Sizes keep the book's names.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from functools import cache

from .language import tables
from .language.lexer import Refused, Token, lex, spelling
from .language.nodes import Sym, Verbatim
from .language.printer import _Latex
from .language.symbols import Notation, bare_name, group_at, subscript
from .notations import HIFOG, NOTATIONS, TORCH, Dialect, seen_in
from .runs.worlds import SETTINGS, Setting

__all__ = ["BOOK", "CELLS", "OVERRIDES", "dialects", "runs", "switched"]

BOOK: dict[str, Notation] = {"rnn": tables.RNN, "gru-after": tables.GRU_AFTER, "lstm": tables.LSTM}
CELLS = {  # the cell whose quantities a kind of run has
    "rnn": "rnn", "rnn-batch": "rnn", "rnn-binary": "rnn", "rnn-linear": "rnn", "rnn-squared": "rnn",
    "gru-after": "gru-after", "lstm": "lstm", "lstm-carousel": "lstm",
}  # fmt: skip
OUTPUT = {
    "y": "y_t", "yhat": r"\hat y_t", "z_y": "z_{y,t}", "L_t": "L_t", "L": "L", "J": "J", "b_y": "b_y", "W_ya": "W_{hy}",
    "d z_y": r"\delta_{y,t}", "d x": r"\delta_{x,t}", "alpha": r"\alpha", "n_theta": r"n_{\theta}",
}  # fmt: skip
PLAIN = OUTPUT | {
    "z_a": "z_{h,t}", "W_a": "W_h", "d a": r"\delta_{h,t}", "d z_a": r"\delta_{z,t}", "jacobian": r"\mathcal{J}_t",
    "gamma": r"\gamma",
}  # fmt: skip


def gates(letters: dict[str, str], a: str, c: str, candidate: str, blocks: str = "ax") -> dict[str, str]:
    """Name what no source writes of an LSTM: its gates' letters, the states' and candidate's names, the blocks."""
    rows = OUTPUT | {"d a": rf"\delta_{{{a},t}}", "d c": rf"\delta_{{{c},t}}"}
    for k, g in letters.items():
        mark = candidate if k == "c" else g
        rows |= {
            f"W_{k}": f"W_{g}",
            f"b_{k}": f"b_{g}",
            f"z_{k}": f"z_{{{mark},t}}",
            f"d z_{k}": rf"\delta_{{{mark},t}}",
        }
        rows |= {f"W_{k}{block}": f"W_{{{g}{letter}}}" for block, letter in zip("ax", blocks, strict=True)}
    return rows


NOTE_004 = dict(zip("fuoc", "fivn", strict=True))
CARRIED = {
    "h i f o g": {"rnn": PLAIN, "lstm": gates(HIFOG, "h", "c", "g")},
    "LTM STM E": {
        "lstm": gates(NOTE_004, r"\mathrm{STM}", r"\mathrm{LTM}", "n", "se") | {"W_ya": "W_y", "d x": r"\delta_{E,t}"},
    },
    "PyTorch": {
        "rnn": PLAIN,
        "lstm": gates(TORCH, "h", "c", "g"),
        "gru-after": OUTPUT | {
            "d c": r"\delta_{h,t}", "z_z": "z_{z,t}", "z_r": "z_{r,t}", "z_c": "z_{n,t}", "z_cc": "z_{hn,t}",
            "d z_z": r"\delta_{z,t}", "d z_r": r"\delta_{r,t}", "d z_c": r"\delta_{n,t}", "d z_cc": r"\delta_{hn,t}",
            "W_r": "W_r", "W_c": "W_n",
        },
    },
}  # fmt: skip
TURNED = {"z_u": "-z_{z,t}", "d z_u": r"-\delta_{z,t}"}  # the gate that points the other way
OVERRIDES = {  # where the structure differs: by label and notation
    ("eq:gru-after-deltas", "PyTorch"): r"""
\begin{aligned}
z_{hn,t} &= W_{hn} h_{t-1} + b_{hn} \\
\delta_{hn,t} &:= \frac{\partial L}{\partial z_{hn,t}} = \delta_{n,t} \odot r_t \\
\delta_{r,t} &:= \frac{\partial L}{\partial z_{r,t}}
  = \delta_{n,t} \odot z_{hn,t} \odot r_t \odot \left(1 - r_t\right) \\
\delta_{h,t} &:= \frac{\partial L}{\partial h_t} = W_{hy}^{\top} \delta_{y,t} + z_{t+1} \odot \delta_{h,t+1} \\
  &\quad + W_{hn}^{\top} \delta_{hn,t+1} + W_{hz}^{\top} \delta_{z,t+1} + W_{hr}^{\top} \delta_{r,t+1}
\end{aligned}""",
}
GRU_BLOCKS = {f"W_{k}": (f"W_{k}c", f"W_{k}x") for k in "ur"}
BEFORE = {"", "=", "+", "(", "[", "{", ",", "&", ":=", "|", r"\le", r"\ge", "<", ">", r"\approx"}
AFTER = {*BEFORE, "-", ")", "]", "}", "."} - {"(", "[", "{"}


@cache
def dialects() -> dict[str, dict[str, Dialect]]:
    """Return the notations with names for all that a page may mention: notation to cell to dialect."""
    out: dict[str, dict[str, Dialect]] = {}
    for notation, cells in NOTATIONS.items():
        out[notation] = {}
        for cell, dialect in cells.items():
            own, turned = dialect.notation, any(theirs == "gate_z" for theirs, _ in dialect.opposite)
            full = Notation(
                notation, CARRIED[notation][cell] | own.templates, tables.SIZES, time_below=True, product=own.product,
                functions=BOOK[cell].own_functions, spelled=own.spelled | (TURNED if turned else {}),
                blocks=own.blocks or (GRU_BLOCKS if turned else {}),
            )  # fmt: skip
            opposite = (*dialect.opposite, *((("z_z", "z_u"),) if turned else ()))
            out[notation][cell] = replace(dialect, notation=full, opposite=opposite)
    return out


@cache
def runs(setting: str, notation: str) -> Setting:
    """Return runs as the readers of another notation see them, so that switched equations can be checked.

    Parameters
    ----------
    setting : str
        A kind of run in `CELLS`.
    notation : str
        A notation that has its cell.

    Returns
    -------
    Setting
        For `Checker`.
    """
    return seen_in(dialects()[notation][CELLS[setting]], SETTINGS[setting])


def switched(source: str, cell: str, notation: str, local: Collection[str] = (), label: str = "") -> str:
    r"""Write a formula of a page in another notation.

    Parameters
    ----------
    source : str
        LaTeX in the book's notation: an equation, or any piece of mathematics in a sentence.
    cell : {"rnn", "gru-after", "lstm"}
        Whose quantities it mentions.
    notation : str
        One of `dialects` that has this cell.
    local : collection of str
        Names that mean something else on this page, such as ``W_{s}``; they stay.
    label : str
        Of an equation.

    Returns
    -------
    str
        LaTeX.

    Raises
    ------
    Refused
        If a quantity in it has no name in that notation.

    Examples
    --------
    >>> switched(r"\Gamma_f \odot c^{\langle t-1 \rangle}", "lstm", "LTM STM E")
    'f \\times \\mathrm{LTM}_{t-1}'
    """
    if (label, notation) in OVERRIDES:
        return OVERRIDES[label, notation].strip()
    return _Switch(source, BOOK[cell], dialects()[notation][cell].notation, frozenset(local)).text()


class _Switch:
    """A formula, and what is replaced in it."""

    def __init__(self, source: str, book: Notation, other: Notation, local: frozenset[str]) -> None:
        self.source, self.book, self.other, self.local = source, book, other, local
        self.tokens = lex(source)
        self.bases = {re.sub(r"_\{[^{}]*(?:\{[^{}]*\})?[^{}]*\}$", "", name) for name in book.by_name}

    def text(self) -> str:
        """Return the formula with all names replaced."""
        out, end = "", 0
        for start, stop, new in self.edits():
            out += self.source[end:start]
            words = new.startswith(r"\mathrm") and re.search(r"(?<!\\)\b\w+\s*$", out)  # w STM, not wSTM
            letter = re.search(r"\\[a-zA-Z]+$", new) and self.source[stop : stop + 1].isalpha()
            out, end = out + (r"\, " if words else "") + new + (" " if letter else ""), stop
        return out + self.source[end:]

    def edits(self) -> Iterator[tuple[int, int, str]]:
        """Yield what is replaced: from where, to where, by what."""
        k = 0
        while self.tokens[k].kind != "eof":
            token = self.tokens[k]
            base, length = bare_name(self.tokens[k:])
            if token.text == r"\odot" and self.other.product != r"\odot":
                yield token.pos, token.end, self.other.product
            if token.kind == "env" or not base:
                k += 1
                continue
            k, edit = self.name(k, base, k + length)
            if edit:
                yield edit

    def name(self, start: int, base: str, k: int) -> tuple[int, tuple[int, int, str] | None]:
        """Look at a name from token `start` on, whose scripts begin at `k`; return where to go on, and an edit."""
        below: list[Token] = []
        above: list[tuple[int, int]] = []  # tokens from, to, with the sign
        while self.tokens[k].text in ("_", "^") and self.tokens[k].kind == "char":
            inner = group_at(self.tokens, k + 1)
            stop = k + 1 + len(inner) + 2 * (self.tokens[k + 1].text == "{")
            if self.tokens[k].text == "_":
                below = inner
            else:
                above.append((k, stop))
            k = stop
        parts = spelling(below).split(",") if below else []
        scripts = [self.marks(a, b) for a, b in above]
        time = next((t for t, _, _ in scripts if t is not None), None)
        full = base + subscript(parts)
        named = [n for n in range(len(parts), -1, -1) if base + subscript(parts[:n]) in self.book.by_name]
        if full in self.local or not named:
            odd = base in self.bases and below and not re.fullmatch(r"[a-z\d+\-]{1,3}(,.*)?", spelling(below))
            known = full in self.local or (full in self.book.sizes and time is None)
            if not known and (time is not None or odd or self.weight(base, parts)):
                self.refuse(f"{full} has no name in the notation {self.other.name}", start, k)
            return (above[0][0] if above else k), None
        name, entry = base + subscript(parts[: named[0]]), ",".join(parts[named[0] :])
        key = self.key(name, time)
        if any("[" in mark for _, _, mark in scripts):
            self.refuse(f"a layer index has no place in the notation {self.other.name}", start, k)
        example = "".join(e for _, e, _ in scripts)
        raised = "".join(mark for _, _, mark in scripts)
        stack = self.stack(key, k) if not entry and not raised else None
        if stack:
            end, new = stack
            return end, (self.tokens[start].pos, self.tokens[end - 1].end, new)
        new = self.written(key, time or "", entry, example, start, k)
        return k, (self.tokens[start].pos, self.tokens[k - 1].end, new + raised)

    def weight(self, base: str, parts: list[str]) -> bool:
        r"""Whether a name looks like one that a symbol table should have: a gate, or a weight with letters at it."""
        return base in ("W", r"\Gamma") and bool(parts) and not re.fullmatch(r"\d|[ij]+", parts[0])

    def key(self, name: str, time: str | None) -> str:
        """Return the quantity of a name; a time may be left out in a sentence."""
        axes = self.book.by_name[name]
        exact = axes.get(frozenset("t" if time is not None else ""))
        return exact or next(iter(axes.values()))

    def marks(self, start: int, stop: int) -> tuple[str | None, str, str]:
        """Take a superscript apart: its time, its example, and what is no index, as LaTeX."""
        k, inner = start + 1, group_at(self.tokens, start + 1)
        k += self.tokens[k].text == "{"
        time, example, rest = None, "", ""
        end = k + len(inner)
        if not inner or inner[0].text not in "<([":
            return None, "", self.slice(start, stop)
        while k < end:
            closing = {"<": ">", "(": ")"}.get(self.tokens[k].text)
            close = next((j for j in range(k + 1, end) if self.tokens[j].text == closing), None) if closing else None
            if close is None:
                rest += self.slice(k, k + 1)
            elif closing == ">":
                time = self.slice(k + 1, close)
            else:
                example = self.slice(k + 1, close)
            k = (close or k) + 1
        return time, example, f"^{{{rest}}}" if rest else ""

    def slice(self, start: int, stop: int) -> str:
        """Return the source of some tokens."""
        return self.source[self.tokens[start].pos : self.tokens[stop - 1].end] if stop > start else ""

    def stack(self, key: str, k: int) -> tuple[int, str] | None:
        """Multiply out a matrix that the other notation has in blocks, if a stack follows at token `k`."""
        blocks = self.other.blocks.get(key)
        if not blocks or self.tokens[k].text != "[":
            return None
        depth, cuts, end = 0, [k], k
        while not (self.tokens[end].text == "]" and depth == 1):
            if self.tokens[end].kind == "eof":
                return None
            depth += (self.tokens[end].text in "([{") - (self.tokens[end].text in ")]}")
            if depth == 1 and self.tokens[end].text == ",":
                cuts.append(end)
            end += 1
        if len(cuts) != len(blocks) or self.tokens[end + 1].text == "^":
            return None
        rows = [self.slice(a + 1, b) for a, b in zip(cuts, [*cuts[1:], end], strict=True)]
        inner = [_Switch(row, self.book, self.other, self.local).text() for row in rows]
        names = [self.other.spelled.get(block) or self.symbol(block, "", "", "") for block in blocks]
        text = " + ".join(f"{name} {row}" for name, row in zip(names, inner, strict=True))
        return end + 1, text.replace("+ -", "- ")

    def written(self, key: str, time: str, entry: str, example: str, start: int, end: int) -> str:
        """Write one quantity, or the expression that stands for it, in brackets where it needs them."""
        spelled = self.other.spelled.get(key)
        before = self.tokens[start - 1].text if start else ""
        if spelled and before == r"\partial" and f"{key}_h" in self.other.templates:
            key, spelled = f"{key}_h", None
        if spelled is None:
            if key not in self.other.templates:
                self.refuse(f"{key} has no name in the notation {self.other.name}", start, end)
            return self.symbol(key, time, entry, example)
        if example:
            self.refuse(f"{key} of one example cannot be written in the notation {self.other.name}", start, end)
        new = re.sub(
            r"_(?:\{(\w+)(,t)?\}|(t))", lambda m: self.below([m[1], time if m[2] or m[3] else "", entry]), spelled
        )
        free = self.tokens[end].kind in ("nl", "quad", "eof", "env") or self.tokens[end].text in AFTER
        opened = (self.tokens[start - 1].kind in ("nl", "quad", "env") if start else True) or before in BEFORE
        return new if free and opened and not (new[0] == "-" and before == "+") else rf"\left({new}\right)"

    def below(self, parts: list[str | None]) -> str:
        """Write a subscript."""
        text = ",".join(filter(None, parts))
        return "" if not text else f"_{text}" if len(text) == 1 else f"_{{{text}}}"

    def symbol(self, key: str, time: str, entry: str, example: str) -> str:
        """Write one quantity by its template."""
        has_time = "t" in {axis for axes in [self.other.template(self.other.templates[key])[1]] for axis in axes}
        at, of, in_it = (Verbatim(text) if text else None for text in (time, example, entry))
        node = Sym(key, (at or Verbatim("")) if has_time else None, None, of, (in_it,) if in_it else ())
        return _Latex(self.other).write(node)

    def refuse(self, message: str, start: int, end: int) -> None:
        """Say what cannot be written, and where."""
        raise Refused(message, self.source, (self.tokens[start].pos, self.tokens[end - 1].end))
