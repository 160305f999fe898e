"""Checking whole pages, and what is told about them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from .chapters import chapter_of, setting_of
from .extract import Equation, equations
from .language.lexer import Failure, Refused
from .language.nodes import Relation
from .verdict.checker import Checker, Verdict, left_sides
from .verdict.diagnose import diagnosis
from .verdict.evaluate import Definition

__all__ = ["Outcome", "check_page", "check_pages", "summary"]


@dataclass(frozen=True)
class Outcome:
    """What became of one equation.

    Attributes
    ----------
    equation : Equation
        The equation.
    status : str
        "checked", "not checked", "false" (and shown to be so), "refused" (likewise) or "failed".
    message : str
        Why it failed, or why it was not checked.
    setting : str
        On which kind of run it was checked.
    relations : tuple of Relation
        What it claims.
    verdicts : tuple of Verdict
        One for each relation.
    """

    equation: Equation
    status: str
    message: str = ""
    setting: str = ""
    relations: tuple[Relation, ...] = ()
    verdicts: tuple[Verdict, ...] = ()

    @property
    def cases(self) -> int:
        """The number of comparisons."""
        return sum(v.cases for v in self.verdicts)

    @property
    def largest(self) -> float:
        """The largest difference."""
        return max((v.largest for v in self.verdicts), default=0.0)

    @property
    def about(self) -> frozenset[str]:
        """The quantities that it is an equation for."""
        return frozenset(key for relation in self.relations for key in left_sides(relation))

    @property
    def line(self) -> str:
        """One line about it."""
        eq = self.equation
        return f"{eq.path}, {eq.place}: {eq.label or 'without a label'}: {self.status}: {self.message}".rstrip(": ")


@dataclass
class _Page:
    """The state of a page while it is checked: labels and definitions so far."""

    chapter: str
    diagnose: bool
    labels: set[str] = field(default_factory=set)
    definitions: dict[str, dict[str, Definition]] = field(default_factory=dict)

    def outcome(self, eq: Equation) -> Outcome:
        """Check one equation."""
        marks = eq.marks
        if not eq.label and "not-checked" not in marks:
            reason = "a display equation needs a label, or a comment '% not-checked: why' before it"
            return Outcome(eq, "failed", reason)
        if eq.label and eq.label in self.labels:
            return Outcome(eq, "failed", "this label is used twice")
        self.labels.add(eq.label)
        if "not-checked" in marks:
            return Outcome(eq, "not checked", marks["not-checked"])
        try:
            name, relations = chapter_of(self.chapter).read(eq.latex, eq.label, marks.get("world"))
        except (Refused, ValueError) as error:
            return Outcome(eq, "refused" if "refused" in marks else "failed", str(error))
        told = {"setting": name, "relations": tuple(relations)}
        if "refused" in marks:
            return Outcome(eq, "failed", f"is marked as unreadable ({marks['refused']}), but can be read")
        known = self.definitions.setdefault(name, {})
        checker = Checker(setting_of(name), dict(known) if "false" in marks else known)
        try:
            verdicts = tuple(checker.check(relations, eq.latex, marks.get("attained")))
        except Failure as error:
            if "false" in marks:
                return Outcome(eq, "false", f"{marks['false']}\n{error}", **told)  # type: ignore[arg-type]
            more = diagnosis(eq.latex, relations, checker, marks.get("attained")) if self.diagnose else []
            return Outcome(eq, "failed", "\n".join([str(error), *more]), **told)  # type: ignore[arg-type]
        if "false" in marks:
            return Outcome(eq, "failed", f"is marked as false ({marks['false']}), but holds", **told)  # type: ignore[arg-type]
        return Outcome(eq, "checked", "", name, tuple(relations), verdicts)


def check_page(path: Path, diagnose: bool = True) -> list[Outcome]:
    """Check every display equation of a page; the page's name says which chapter it is.

    Parameters
    ----------
    path : Path
        A notebook or a Markdown file.
    diagnose : bool
        Look for the slip, where an equation fails.

    Returns
    -------
    list of Outcome
        One for each equation.
    """
    page = _Page(path.stem, diagnose)
    return [page.outcome(eq) for eq in equations(path)]


def check_pages(paths: Iterable[Path]) -> tuple[list[Outcome], float]:
    """Check pages; labels may not be used twice on different pages either.

    Parameters
    ----------
    paths : iterable of Path
        The pages.

    Returns
    -------
    tuple
        The outcomes, and the seconds it took.
    """
    start = time.perf_counter()
    outcomes = [outcome for path in paths for outcome in check_page(path)]
    seen: dict[str, Path] = {}
    for k, outcome in enumerate(outcomes):
        eq = outcome.equation
        if eq.label and seen.setdefault(eq.label, eq.path) != eq.path:
            outcomes[k] = Outcome(eq, "failed", f"this label is used in {seen[eq.label]} too")
    return outcomes, time.perf_counter() - start


def summary(outcomes: list[Outcome], seconds: float) -> str:
    """Tell the numbers.

    Parameters
    ----------
    outcomes : list of Outcome
        From `check_pages`.
    seconds : float
        How long it took.

    Returns
    -------
    str
        Several lines.
    """
    count = {s: sum(o.status == s for o in outcomes) for s in ("checked", "not checked", "false", "refused", "failed")}
    numbered = sum(bool(o.equation.label) for o in outcomes)
    marked = count["not checked"]
    rows = [
        ("display equations", f"{len(outcomes)}, of which {numbered} numbered"),
        ("checked", str(count["checked"])),
        ("not checked, with a reason", f"{marked} ({100 * marked / max(1, len(outcomes)):.1f} %)"),
        ("shown because they are wrong", str(count["false"] + count["refused"])),
        ("failed", str(count["failed"])),
        ("comparisons", f"{sum(o.cases for o in outcomes):,}"),
        ("largest difference", f"{max((o.largest for o in outcomes), default=0.0):.1e}"),
        ("seconds", f"{seconds:.1f}"),
    ]
    return "\n".join(f"{name:30}{value}" for name, value in rows)
