"""Which runs the equations of each chapter are about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from .language.lexer import EquationError, Refused
from .language.nodes import Relation
from .language.parser import parse
from .notations import translated
from .runs.worlds import SETTINGS, Setting
from .switch import dialects

__all__ = ["CHAPTERS", "TRANSLATED", "Chapter", "chapter_of", "setting_of"]

TRANSLATED = {  # runs as another course's notation sees them
    "rnn-hifog": ("rnn", "h i f o g"), "lstm-hifog": ("lstm", "h i f o g"), "lstm-ltm": ("lstm", "LTM STM E"),
    "rnn-pytorch": ("rnn", "PyTorch"), "gru-pytorch": ("gru-after", "PyTorch"), "lstm-pytorch": ("lstm", "PyTorch"),
}  # fmt: skip


@dataclass(frozen=True)
class Chapter:
    """The kinds of run a chapter is about.

    Attributes
    ----------
    settings : tuple of str
        An equation is about the first of them whose symbol table has all its symbols.
    labels : mapping
        Labels of equations that are about another kind of run.
    """

    settings: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)

    def read(self, source: str, label: str = "", setting: str | None = None) -> tuple[str, list[Relation]]:
        """Read an equation of this chapter.

        Parameters
        ----------
        source : str
            The LaTeX.
        label : str
            Its label.
        setting : str, optional
            The kind of run, if it is given.

        Returns
        -------
        tuple
            The name of the kind of run, and what the equation claims.

        Raises
        ------
        Refused
            If it cannot be read; the message is about the reading that got furthest.
        """
        setting = setting or self.labels.get(label)
        furthest: EquationError | None = None
        for name in (setting,) if setting else self.settings:
            if name not in SETTINGS and name not in TRANSLATED:
                raise Refused(f"there is no kind of run called {name}; there are {', '.join((*SETTINGS, *TRANSLATED))}")
            try:
                return name, parse(source, setting_of(name).notation)
            except Refused as error:
                error = with_hint(error, name)
                foreign = furthest is not None and "is not a symbol" in furthest.message
                if furthest is None or (foreign and (error.span or (0, 0)) > (furthest.span or (0, 0))):
                    furthest = error
        assert furthest is not None
        raise furthest


CHAPTERS = {
    "sequences": Chapter(("sequences",)),
    "notation": Chapter(("rnn", "feedforward", "facts")),
    "rnn-forward": Chapter(
        ("rnn", "facts"),
        {
            "eq:loss-binary": "rnn-binary", "eq:loss-binary-logits": "rnn-binary", "eq:squared-error": "rnn-squared",
            "eq:batch-loss": "rnn-batch", "eq:rnn-unrolled-linear": "rnn-linear",
        },
    ),
    "bptt": Chapter(("rnn", "facts"), {"eq:batch-gradient": "rnn-batch"}),
    "batches": Chapter(("rnn-batch", "padded", "rnn", "facts")),
    "vanishing-gradients": Chapter(("rnn", "lstm", "gru", "facts")),
    "training": Chapter(
        ("facts", "rnn", "momentum", "adam"),
        {
            "eq:rmsprop-square": "rmsprop", "eq:rmsprop-step": "rmsprop", "eq:adam-mean": "adam",
            "eq:adam-square": "adam", "eq:dropout": "dropped", "eq:dropout-variational": "dropped-variational",
        },
    ),
    "language-model": Chapter(("language-model", "rnn", "facts")),
    "gru": Chapter(("gru", "gru-after", "facts")),
    "lstm-forward": Chapter(
        ("lstm", "lstm-peepholes", "facts"),
        {
            "eq:lstm-adding": "lstm-carousel", "eq:lstm-adding-sum": "lstm-carousel",
            "eq:lstm-adding-identity": "lstm-carousel", "eq:lstm-coupled-update": "lstm-coupled",
            "eq:lstm-coupled-cell": "lstm-coupled",
        },
    ),
    "lstm-backward": Chapter(("lstm", "lstm-peepholes", "facts"), {"eq:lstm-coupled-delta-f": "lstm-coupled"}),
    "bidirectional": Chapter(("bidirectional", "facts")),
    "deep": Chapter(("deep", "deep-residual", "facts")),
    "memory": Chapter(("memory-tests", "lstm", "facts")),
    "from-numpy-to-pytorch": Chapter(("padded",), {"eq:practice-two-biases": "lstm-pytorch"}),
    "write-a-cell": Chapter(("lstm", "facts")),
    "what-the-notes-got-wrong": Chapter(
        ("rnn", "gru", "lstm", "facts"), {"eq:use-gate": "use-gate", "eq:use-gate-preactivations": "use-gate"}
    ),
}  # fmt: skip


def chapter_of(name: str) -> Chapter:
    """Return a chapter by the name of its page, or the chapter that is about one kind of run.

    Parameters
    ----------
    name : str
        Such as "bptt", or the name of a kind of run, such as "lstm".

    Returns
    -------
    Chapter
        Where its equations are checked.

    Raises
    ------
    ValueError
        If there is no such chapter.
    TypeError
        If the name is no str.
    """
    if not isinstance(name, str):
        raise TypeError(f"chapter: expected a str, such as 'bptt', got {type(name).__name__}")
    if name in CHAPTERS:
        return CHAPTERS[name]
    if name in SETTINGS or name in TRANSLATED:
        return Chapter((name,))
    known = ", ".join([*CHAPTERS, *(s for s in (*SETTINGS, *TRANSLATED) if s not in CHAPTERS)])
    raise ValueError(f"chapter: expected one of {known}, got {name!r}")


def with_hint(error: Refused, setting: str) -> Refused:
    """Add what the book calls a quantity that was refused in the spelling of another notation."""
    found = re.match(r"(\S+) is not a symbol of this chapter", error.message)
    forms = other_names(CELLS_OF.get(setting, "")).get(re.sub(r",?t(?=\})|_\{t\}", "", found[1]), []) if found else []
    if not forms or ("; " in error.message and "did you mean" not in error.message):
        return error
    message = error.message.split("; did you mean")[0]
    return Refused(f"{message}; in the book's notation: {' or '.join(forms)}", error.source, error.span)


CELLS_OF = {"rnn": "rnn", "rnn-batch": "rnn", "rnn-binary": "rnn", "rnn-linear": "rnn", "rnn-squared": "rnn",
            "gru": "gru-after", "gru-after": "gru-after", "lstm": "lstm", "lstm-peepholes": "lstm"}  # fmt: skip


@cache
def other_names(cell: str) -> dict[str, list[str]]:
    """Return the other notations' names of a cell's quantities, and how the book writes these."""
    out: dict[str, list[str]] = {}
    for dialect in (cells[cell] for cells in dialects().values() if cell in cells):
        book = SETTINGS[cell].notation
        for key, latex in dialect.notation.templates.items():
            name, forms = dialect.notation.template(latex)[0], out
            if key in book.templates and book.templates[key] not in forms.setdefault(name, []):
                forms[name].append(book.templates[key])
    return out


@cache
def setting_of(name: str) -> Setting:
    """Return a kind of run, or one as another notation sees it.

    Parameters
    ----------
    name : str
        Such as "lstm" or "lstm-pytorch".

    Returns
    -------
    Setting
        For `Checker`.
    """
    return translated(*TRANSLATED[name]) if name in TRANSLATED else SETTINGS[name]
