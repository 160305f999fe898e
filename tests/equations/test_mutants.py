"""The gates: wrong equations and wrong packages are caught, and nothing crashes the checker.

They take minutes: ``pytest -m slow tests/equations/test_mutants.py`` or ``make equation-mutants``.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mutation.table import MUTANTS

from rnncourse.equations.extract import pages

from .mutants import (
    ABOUT_ONE_LAYER,
    ASIDE,
    HERE,
    holds,
    latex_mutants,
    package_mutants,
    package_survives,
    token_edits,
)

REASONS = HERE / "survivors.txt"


def frozen() -> dict[str, str]:
    """Return the survivors that are known, with the reasons why they are true."""
    reason, known = "", {}
    for line in REASONS.read_text("utf8").splitlines():
        if line.startswith("#"):
            reason = line[1:].strip()
        elif line.strip():
            known[line.strip()] = reason
    return known


@pytest.mark.slow
def test_latex_mutants_are_killed() -> None:
    known, survivors, total = frozen(), [], 0
    for eq, edit, survives in latex_mutants():
        total += 1
        if survives:
            survivors.append(f"{eq.label} | {edit.kind} | {edit.says}")
    print(f"\n{total - len(survivors)} of {total} LaTeX mutants are killed: {100 * (1 - len(survivors) / total):.2f} %")
    assert len(survivors) <= 0.015 * total
    assert not set(survivors) - known.keys(), "new survivors: are they true? Then give the reason in survivors.txt"
    assert all(known.values()), "a survivor without a reason"


@pytest.mark.slow
def test_package_mutants_are_caught_by_the_equations_alone(tmp_path: Path) -> None:
    mutants = package_mutants()
    survivors = []
    for k, mutant in enumerate(mutants):
        if package_survives(mutant, tmp_path / str(k)):
            survivors.append(f"{mutant.file}: {mutant.what}")
    fast = [m for m in mutants if "fast/" in m.file]
    caught = 1 - len(survivors) / len(mutants)
    print(f"\n{len(mutants) - len(survivors)} of {len(mutants)} mistakes in the package ({len(fast)} of them in fast/)")
    print(f"are caught by the equations alone: {100 * caught:.1f} %", *survivors, sep="\n")
    assert len(fast) >= 25
    assert caught >= 0.95


@pytest.mark.slow
def test_the_package_without_a_mistake_passes(tmp_path: Path) -> None:
    assert package_survives(None, tmp_path)


@pytest.mark.slow
def test_20000_blind_edits_do_not_crash() -> None:
    read = true = 0
    for source, checker, attained in token_edits(20_000):
        if holds(source, checker, attained):
            true += 1
        read += 1
    print(f"\n{read} blind edits, {true} of them true")
    assert read == 20_000


def test_what_is_left_aside_is_there() -> None:
    """A reason that fits no mutant, or takes most of them away, would be a mistake in the list."""
    layers = [m for m in MUTANTS if ABOUT_ONE_LAYER.fullmatch(m.file)]
    for pattern in ASIDE.values():
        assert any(re.search(pattern, m.what) for m in layers), pattern
    assert len(package_mutants()) >= 0.6 * len(layers)


def test_data_is_complete() -> None:
    assert {p.stem for p in pages(HERE / "data")} >= {
        "gru",
        "gru-after",
        "lstm",
        "lstm-peepholes",
        "lstm-coupled",
        "deep",
    }
