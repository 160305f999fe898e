"""Every display equation of the book is a test, named by its label: ``pytest -k eq:delta-z``.

`data/` holds verified equations for cells whose chapters are still to come: so the runs of all cells are exercised.
"""

from __future__ import annotations

import re
import time
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from rnncourse.equations.chapters import CHAPTERS
from rnncourse.equations.extract import Equation, equations, pages, texts
from rnncourse.equations.report import Outcome, check_page, summary
from rnncourse.equations.runs.worlds import SETTINGS

ROOT = Path(__file__).parents[2]
BOOK, DATA = pages(ROOT / "book"), pages(Path(__file__).parent / "data")
NAMED = [(page, k, eq) for page in BOOK + DATA for k, eq in enumerate(equations(page))]


@cache
def timed(page: Path) -> tuple[list[Outcome], float]:
    start = time.process_time()
    return check_page(page), time.process_time() - start


def checked(page: Path) -> list[Outcome]:
    return timed(page)[0]


def name(page: Path, eq: Equation) -> str:
    return (eq.label or f"no-label-{page.stem}-{eq.place}") + ("" if page in BOOK else "-data")


@pytest.mark.parametrize(("page", "k"), [n[:2] for n in NAMED], ids=[name(p, eq) for p, _, eq in NAMED])
def test_equation(page: Path, k: int) -> None:
    outcome = checked(page)[k]
    assert outcome.status != "failed", outcome.line


def test_labels_are_used_once() -> None:
    labels = [eq.label for page in BOOK for eq in equations(page) if eq.label]
    assert sorted(labels) == sorted(set(labels))


def test_at_most_5_percent_are_marked() -> None:
    marked = sum("not-checked" in eq.marks for page in BOOK for eq in equations(page))
    assert marked <= 0.05 * max(1, sum(len(equations(page)) for page in BOOK))


def counted(text: str) -> int:
    """Count display equations line by line, without a Markdown parser."""
    n, fence, dollars = 0, "", False
    for line in map(str.strip, text.splitlines()):
        mark = re.match(r"(`{3,}|~{3,}|:{3,})(.*)", line)
        if fence:
            fence = "" if line == fence else fence
        elif dollars:
            dollars = not re.search(r"\$\$\s*(\([^)]*\))?$", line)
        elif mark:
            info = mark[2].strip()
            n += info.startswith("{math}")
            opaque = info.startswith(("{math}", "{code", "{eval-rst}")) or (info and not info.startswith("{"))
            fence = mark[1] if opaque else ""
        elif line.startswith("$$"):
            n, dollars = n + 1, not re.search(r"\$\$.*\$\$", line)
        elif re.match(r"\\begin\{(align|equation|gather|multline|eqnarray|flalign|alignat)", line):
            n += 1
    return n


@pytest.mark.parametrize("page", BOOK + DATA, ids=lambda page: page.stem)
def test_none_is_overlooked(page: Path) -> None:
    assert len(equations(page)) == sum(counted(text) for _, text in texts(page))


def test_the_pages_with_equations_are_chapters() -> None:
    known = {*CHAPTERS, *SETTINGS, "what-the-notes-got-wrong"}
    assert {page.stem for page in BOOK if equations(page)} <= known


CELLS = [
    ("vanishing-gradients", "vanishing-gradients"), ("gru", "gru"), ("gru", "gru-after"),
    ("lstm-forward", "lstm"), ("what-the-notes-got-wrong", "use-gate"), ("lstm-forward", "lstm-peepholes"),
    ("lstm-backward", "lstm"), ("lstm-backward", "lstm-coupled"),
]  # fmt: skip


@pytest.mark.parametrize(("chapter", "data"), CELLS)
def test_a_chapter_reads_its_cells_equations(chapter: str, data: str) -> None:
    """As they stand; a variant's by its own symbols, or by '% world:'."""
    (page,) = [page for page in DATA if page.stem == data]
    world = data if data in SETTINGS else "rnn"
    for eq in equations(page):
        if "not-checked" not in eq.marks:
            assert CHAPTERS[chapter].read(eq.latex, eq.label, world)[0] == world
            if world == CHAPTERS[chapter].settings[0] or eq.label == "eq:use-gate":
                assert CHAPTERS[chapter].read(eq.latex, eq.label)[0] == world


def test_the_summary_tells_of_every_equation(capsys: pytest.CaptureFixture[str]) -> None:
    """With the time they took: 15 s on the quiet machine of the benchmark."""
    outcomes = [outcome for page in BOOK for outcome in checked(page)]
    told = summary(outcomes, sum(timed(page)[1] for page in BOOK))
    with capsys.disabled():
        print("\n" + told)
    number = {line[:30].strip(): int(line[30:].split()[0].strip(",")) for line in told.splitlines()[:5]}
    assert number.pop("display equations") == sum(number.values()) == len(outcomes)
    assert number["failed"] == 0


# ---- both ways: the package computes nothing that no equation is about

GIVEN = {
    "x", "y", "lengths", "alpha", "theta", "tau", "s", "v", "g", "counts", "discount", "followers", "shorter",
    "beta", "beta1", "beta2", "eps", "p_drop", "kept", "below", "constant", "guess",
}  # fmt: skip
# of a run that is covered
VARIANTS = ("rnn-batch", "rnn-binary", "rnn-linear", "rnn-squared", "lstm-carousel", "deep-residual")


def parameter(key: str) -> bool:
    return bool(re.match(r"(fwd_|bwd_)?(W|b)(_|$)|p_", key))


def part_of(gradient: str, about: set[str]) -> bool:
    """Whether the gradient with respect to a block of W is part of one that has its equation, or made of such."""
    whole = gradient[:-1]
    return whole in about or ({gradient + "x"} & about and any(gradient + s in about for s in "ac"))


@pytest.mark.parametrize("setting", [s for s in SETTINGS if s not in VARIANTS])
def test_every_quantity_has_its_equation(setting: str) -> None:
    world = SETTINGS[setting].worlds()[0]
    about: set[str] = set()
    for page in BOOK + DATA:
        for outcome in checked(page):
            about |= outcome.about if outcome.setting == setting and outcome.status == "checked" else set()
    keys = {key for key, _, _ in world.values} - GIVEN
    if setting != "rnn":
        keys.discard("n_theta")
    if setting == "padded":  # what is no other than in the plain network has its equations there
        keys -= {key for key, _, _ in SETTINGS["rnn"].worlds()[0].values} - {"a"}
    wanted = {key for key in keys if not parameter(key)}
    weight = np.ones((world.sizes.get("T", 1), world.sizes["m"]))
    if setting != "padded":
        wanted |= {"d " + key for source in world.sources for key, _, _ in world.gradients(source, weight)}
    missing = {key for key in wanted - about if not (key.startswith("d ") and part_of(key, about))}
    assert not missing
