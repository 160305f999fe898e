"""Judging a derivation: true by the equation checker, and what was asked."""

from __future__ import annotations

import re

from ..equations import EquationError, explain, latex
from ..equations.chapters import chapter_of, setting_of
from ..equations.language.lexer import Failure
from ..equations.language.nodes import Deriv, Relation, Sym, walk
from ..equations.verdict.checker import Checker
from ..equations.verdict.evaluate import TooMuch
from .diagnosis import Verdict
from .records import Derivation

__all__ = ["judge_equation"]


def judge_equation(derivation: Derivation, answer: object) -> Verdict:
    r"""Judge a derivation.

    Parameters
    ----------
    derivation : Derivation
        What was asked.
    answer : str
        The right-hand side, or the whole equation, in LaTeX.

    Returns
    -------
    Verdict
        With the slip, if it is a known one, or else what the equation checker says.
    """
    if not isinstance(answer, str):
        return Verdict("wrong", 'Expected the right-hand side in LaTeX, as a raw string: r"…".')
    right = right_side(derivation, answer)
    if right in ("", "...", r"\ldots"):
        return Verdict("blank", f"{derivation.name}: not written yet.")
    source = derivation.equation(right)
    try:
        name, relations = chapter_of(derivation.chapter).read(source)
    except EquationError as error:
        return Verdict("wrong", f"It cannot be read: {error}")
    if len(relations) != 1 or len(relations[0].sides) != 2:
        return Verdict("wrong", "Expected one right-hand side: no chain of equations, and no conditions of your own.")
    try:
        Checker(setting_of(name)).check(relations, source)
    except TooMuch as error:
        return Verdict("wrong", f"It cannot be checked: {error}")
    except Failure as error:
        said = f"It {str(error).splitlines()[0]}."
    else:
        if foreign := not_asked_for(derivation, relations[0], name):
            allowed = ", ".join(derivation.allowed)
            return Verdict("wrong", f"True, but not what was asked: it uses {foreign}. Write it in {allowed}.")
        return Verdict(
            "right", f"Right: it holds on every run, in what was asked for.\nTo go on: {derivation.question}"
        )
    slips = [slip for slip in derivation.slips if same(derivation, right, slip.latex, name)]
    if not slips:
        return Verdict("wrong", without_solution(explain(source, name)))
    first, *others = slips
    lines = [said, f"This is what one gets where {first.name}.", f"Why: {first.why}", f"Look: {first.look}"]
    return Verdict("wrong", "\n".join(lines), (first.name,), tuple(s.name for s in others))


def right_side(derivation: Derivation, answer: str) -> str:
    """Take the left-hand side away, if the learner has written it, too."""
    left, equals, right = answer.partition("=")
    plain = "".join(left.split()), "".join(derivation.left.split())
    return (right if equals and plain[0] == plain[1] else answer).strip().strip("$").rstrip(".,").strip()


def not_asked_for(derivation: Derivation, relation: Relation, name: str) -> str:
    """Name the first thing on the right that the question does not allow; nothing, if all is as asked."""
    notation = setting_of(name).notation
    allowed = set[str]()
    for symbol in derivation.allowed:
        parsed = chapter_of(name).read(f"{symbol} = {symbol}")[1]
        allowed |= {node.key for node in walk(parsed[0]) if isinstance(node, Sym)}
    for node in walk(relation.sides[-1]):
        if isinstance(node, Deriv):
            return latex(node, notation)
        if isinstance(node, Sym) and node.key not in allowed:
            return latex(node, notation)
    return ""


def same(derivation: Derivation, mine: str, slip: str, name: str) -> bool:
    """Tell whether the learner's right-hand side has the numbers of a slip's."""
    condition = rf", \qquad {derivation.where}" if derivation.where else ""
    source = f"{mine} = {slip}{condition}"
    try:
        relations = chapter_of(name).read(source)[1]
        if relations[0].sides[0] == relations[0].sides[-1]:
            return True
        Checker(setting_of(name)).check(relations, source)
    except (Failure, TooMuch, EquationError):
        return False
    return True


def without_solution(said: str) -> str:
    """Keep where the equation checker sees the slip, not what stands there in a right answer."""
    said = re.sub(r"^It holds if a missing (term|factor) is put in:.*$", r"A \1 is missing.", said, flags=re.M)
    return re.sub(r"^It holds if .*:$", "One change would make it true, here:", said, flags=re.M)
