"""The forms of a claim, and the verdict on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from .statistics import p_value
from .table import Table, table, wanted

MOST_P = 0.05
WORDS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
NUMBER = re.compile(r"(?<![\w.])[-−]?\d+(?:[.,]\d+)*")
LOWER = r"at least|above|(?<!no )more than"
UPPER = r"at most|below|less than|no more than|fewer than"
COUNT = re.compile(rf"\b(?:{'|'.join(WORDS)}|all) of (?:{'|'.join(WORDS)})\b", re.IGNORECASE)


@dataclass(frozen=True)
class Claim:
    """A sentence of a chapter, and the function that says whether it holds.

    kind: "difference" (a factor makes it: labels are shuffled), "same" (no difference beyond a margin: the function
    returns an interval), "exact" (one number, a construction, a counterexample: asserted, nothing to shuffle).
    """

    name: str
    kind: str
    text: str
    holds: Callable[..., Any]
    chapter: str
    experiment: str = ""
    where: Mapping[str, Any] = field(default_factory=dict)
    factor: str = ""
    within: tuple[str, ...] = ()
    along: tuple[str, ...] = ()
    control: Mapping[str, Any] = field(default_factory=dict)
    treatment: Mapping[str, Any] = field(default_factory=dict)
    says: Mapping[str, Callable[[Table], Any]] = field(default_factory=dict)
    outcome: str = ""
    margin: float = 0.0

    def runs(self) -> Table:
        return table(self.experiment).where(**self.where)


@dataclass(frozen=True)
class Verdict:
    """What became of a claim; `problems` is empty if it stands."""

    problems: tuple[str, ...]
    runs: int = 0
    seeds: int = 0
    p: float | None = None
    shuffles: int = 0
    interval: tuple[float, float] | None = None


CLAIMS: dict[str, Claim] = {}


def _entered(kind: str, name: str, text: str, **more: Any) -> Callable[[Any], Any]:
    def enter(holds: Any) -> Any:
        if name in CLAIMS:
            raise ValueError(f"claim {name!r}: there are two of this name")
        CLAIMS[name] = Claim(name, kind, text, holds, holds.__module__.rsplit(".", 1)[-1], **more)
        return holds

    return enter


def claim(name: str, experiment: str, *, factor: str, within: tuple[str, ...], text: str, **more: Any) -> Any:
    """Enter a claim that `factor` makes a difference; the function of the runs returns whether it holds."""
    return _entered("difference", name, text, experiment=experiment, factor=factor, within=within, **more)


def same(name: str, experiment: str, *, factor: str, outcome: str, margin: float, text: str, **more: Any) -> Any:
    """Enter a claim that `factor` moves `outcome` by no more than a margin; the function returns an interval."""
    return _entered(
        "same", name, text, experiment=experiment, factor=factor, outcome=outcome, margin=margin, **more
    )  # fmt: skip


def exact(name: str, experiment: str = "", *, text: str, **more: Any) -> Any:
    """Enter a claim with nothing to shuffle; the function takes the runs if there is an experiment, else nothing."""
    return _entered("exact", name, text, experiment=experiment, **more)


def again(name: str, of: str, chapter: str, text: str) -> None:
    """Enter a claim a second time, for a page that says it in fewer words: it is checked in the same way."""
    if name in CLAIMS:
        raise ValueError(f"claim {name!r}: there are two of this name")
    says = {printed: get for printed, get in CLAIMS[of].says.items() if printed in text}
    CLAIMS[name] = replace(CLAIMS[of], name=name, chapter=chapter, text=text, says=says)


def reads(printed: str, value: Any, text: str = "") -> bool:
    """Tell whether a value is what is printed, at the precision of the print; a pair is a count, as 'two of five'.

    Where the text makes a bound of it, as 'at least 42 %', it is rounded to the side on which the bound is true.
    """
    if isinstance(value, tuple):
        k, n = value
        counts = {f"{k} of {n}"}
        if n < len(WORDS):
            counts |= {f"{WORDS[k]} of {WORDS[n]}"} | ({f"all of {WORDS[n]}"} if k == n else set())
        return printed.lower() in counts
    number = NUMBER.search(printed)
    if not number:
        return False
    digits = number.group().replace("−", "-").replace(",", "")
    decimals = len(digits.split(".")[1]) if "." in digits else 0
    said = re.escape(printed)
    lower, upper = (
        re.search(rf"(?:{words}) (?:{said})|(?:{said})(?: \w+)? {words.split('|')[0]}", text)
        for words in (LOWER, UPPER)
    )
    if not (lower or upper):
        return f"{value:.{decimals}f}" == digits
    unit, slack = Decimal(1).scaleb(-decimals), Decimal("1e-12")  # the slack is for a value that is the number itself
    over = Decimal(float(value)) - Decimal(digits)
    return -slack <= (over if lower else -over) < unit - slack


def unsaid(each: Claim) -> list[str]:
    """Return the numbers of the sentence that the claim neither computes nor finds among the experiment's settings."""
    text = each.text
    for printed in each.says:
        text = text.replace(printed, "")
    known: set[str] = set()
    if each.experiment:
        about, runs = table(each.experiment).about, table(each.experiment)
        levels = [level for name in runs.factors for level in runs.levels(name)]
        for value in (*levels, *about["settings"].values(), len(about["seeds"]), each.margin):
            known |= {f"{value:g}"} if isinstance(value, int | float) else set(NUMBER.findall(str(value)))
    found = [number for number in NUMBER.findall(text) if number.replace("−", "-").replace(",", "") not in known]
    return found + COUNT.findall(text)


def incomplete(each: Claim, runs: Table) -> bool:
    """Tell whether runs of the grid are missing, or there are others."""
    grid = [row for row in wanted(each.experiment) if _matches(row, each.where)]
    there = zip(*(runs[name].tolist() for name in runs.factors), strict=True)
    return sorted(map(repr, there)) != sorted(repr(tuple(row[name] for name in runs.factors)) for row in grid)


def _matches(row: Mapping[str, Any], where: Mapping[str, Any]) -> bool:
    return all(row[name] in (value if isinstance(value, tuple) else (value,)) for name, value in where.items())


def judge(each: Claim, runs: Table | None = None, holds: Any = None, quick: bool = False) -> Verdict:
    """Return the verdict on a claim; on other runs, or with another function, for mutants. `quick` shuffles nothing."""
    holds = holds or each.holds
    if not each.experiment:
        return Verdict(() if holds() else ("it does not hold",))
    runs = each.runs() if runs is None else runs
    if incomplete(each, runs):
        return Verdict(("runs are missing",))
    wrong = [
        f"prints {printed}, computes {get(runs)}"
        for printed, get in each.says.items()
        if not reads(printed, get(runs), each.text)
    ]
    sizes = {"runs": len(runs), "seeds": len(runs.levels("seed"))}
    if each.kind == "same":
        interval = holds(runs)
        if not -each.margin <= interval[0] <= interval[1] <= each.margin:
            wrong.append(f"the interval {interval} is not within ±{each.margin}")
        return Verdict(tuple(wrong), **sizes, interval=interval)
    if not holds(runs):
        return Verdict((*wrong, "it does not hold"), **sizes)
    if each.kind == "exact" or quick:
        return Verdict(tuple(wrong), **sizes)
    p, shuffles = p_value(holds, runs, each.factor, each.within, each.along)
    if p > MOST_P:
        wrong.append(f"p = {p:.3f}: it holds on shuffled labels, too")
    return Verdict(tuple(wrong), **sizes, p=p, shuffles=shuffles)


def report() -> list[dict[str, Any]]:
    """Return what the pages tell of every claim."""
    rows = []
    for each in CLAIMS.values():
        verdict = judge(each)
        about = table(each.experiment).about if each.experiment else {}
        rows.append(
            {
                "name": each.name, "kind": each.kind, "text": each.text, "chapter": each.chapter,
                "factor": each.factor, "within": list(each.within), "control": dict(each.control),
                "margin": each.margin, "interval": verdict.interval, "p": verdict.p, "shuffles": verdict.shuffles,
                "runs": verdict.runs, "seeds": verdict.seeds, "problems": list(verdict.problems),
                "command": about.get("command", ""), "minutes": about.get("minutes"), "file": each.experiment,
            }
        )  # fmt: skip
    return rows


def main() -> None:
    """Print every claim and its verdict."""
    for row in report():
        told = f"p = {row['p']:.4f} of {row['shuffles']}" if row["p"] is not None else row["interval"] or row["kind"]
        print(f"{'; '.join(row['problems']) or 'stands':10} {row['name']:32} {told}, {row['runs']} runs")
