"""For readers: whether an equation is right and, if it is not, what is wrong with it."""

from __future__ import annotations

from .chapters import chapter_of, setting_of
from .language.lexer import Failure, Refused
from .verdict.checker import FAR, Checker
from .verdict.diagnose import diagnosis
from .verdict.evaluate import TooMuch

__all__ = ["check", "explain"]


def explain(latex: str, chapter: str, *, attained: str | None = None, world: str | None = None) -> str:
    r"""Say whether an equation holds on the numbers that the package computes; if not, look for the slip.

    Parameters
    ----------
    latex : str
        The equation, in the book's notation; a raw string.
    chapter : str
        Whose symbols and runs: the name of a chapter's page, such as "bptt", or of a kind of run, such as "lstm".
    attained : str, optional
        For an inequality: the run on which it is an equality ("resting", "uniform"), or "never" if it is strict.
    world : str, optional
        The kind of run, if the chapter has several and its first that fits is not meant.

    Returns
    -------
    str
        The same on every machine.

    Raises
    ------
    ValueError
        If there is no such chapter.

    Examples
    --------
    >>> print(explain(r"a^{\langle t \rangle} = \tanh(z_a^{\langle t \rangle})", "bptt"))
    It holds: compared in 19 cases.
    >>> print(explain(r"z_y^{\langle t \rangle} = W_{ya} a^{\langle t-1 \rangle} + b_y", "bptt").splitlines()[3])
    It holds if t-1 becomes t in a^{\langle t-1 \rangle}:
    >>> print(explain(r"a^{\langle t \rangle} = tanh(z_a^{\langle t \rangle})", "bptt"))
    It cannot be read: write \tanh: without the backslash this is a product of letters
        a^{\langle t \rangle} = tanh(z_a^{\langle t \rangle})
                                ^^^^
    """
    try:
        name, relations = chapter_of(chapter).read(latex, setting=world)
    except Refused as error:
        return f"It cannot be read: {error}"
    checker = Checker(setting_of(name))
    try:
        verdicts = checker.check(relations, latex, attained)
    except TooMuch as error:
        return f"It cannot be checked: {error}"
    except Failure as error:
        first, *rest = str(error).splitlines()
        return "\n".join([f"It {first}" if first.startswith("does not hold") else f"It fails: {first}", *rest,
                          *diagnosis(latex, relations, checker, attained)])  # fmt: skip
    if all(v.kind == "definition" for v in verdicts):
        return "It is a definition, and makes sense."
    far = "" if all(v.near for v in verdicts) else f" But no more than that: {FAR}."
    return f"It holds: compared in {sum(v.cases for v in verdicts)} cases.{far}"


def check(latex: str, chapter: str, *, attained: str | None = None, world: str | None = None) -> None:
    """Print what `explain` says: to be called in a notebook with one's own derivation.

    Parameters
    ----------
    latex, chapter, attained, world
        As in `explain`.
    """
    print(explain(latex, chapter, attained=attained, world=world))
