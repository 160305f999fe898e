"""The gates: wrong equations and wrong packages are caught, and nothing crashes the checker.

They take minutes: ``pytest -m slow tests/equations/test_mutants.py`` or ``make equation-mutants``.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from rnncourse.equations import worlds
from rnncourse.equations.extract import pages
from rnncourse.equations.lexer import EquationError
from rnncourse.equations.report import check_page

from .mutants import HERE, PACKAGE, PAGES, holds, latex_mutants, mutated, token_edits

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


@pytest.fixture
def fresh_worlds() -> Iterator[None]:
    worlds._worlds.cache_clear()
    worlds._witness.cache_clear()
    yield
    worlds._worlds.cache_clear()
    worlds._witness.cache_clear()


CAUGHT: dict[str, bool] = {}


@pytest.mark.slow
@pytest.mark.parametrize("mutant", PACKAGE, ids=lambda m: f"{m[1]}-{m[2]}-{m[3]}")
def test_package_mutants(mutant: tuple, monkeypatch: pytest.MonkeyPatch, fresh_worlds: None) -> None:  # type: ignore[type-arg]
    module, name, old, new = mutant
    owner, _, method = name.rpartition(".")
    monkeypatch.setattr(getattr(module, owner) if owner else module, method, mutated(module, name, old, new))
    stems = [p for p in PAGES if "data" in p.parts or p.stem in ("notation", "rnn-forward", "bptt")]
    kind = module.__name__.rpartition(".")[2]
    relevant = [
        p for p in stems if p.stem.startswith(kind) or (kind in ("rnn", "dense", "losses") and "data" not in p.parts)
    ]
    with np.errstate(all="ignore"):
        failed = any(o.status == "failed" for page in relevant for o in check_page(page, diagnose=False))
    CAUGHT[str(mutant[1:])] = failed
    assert failed


@pytest.mark.slow
def test_20000_blind_edits_do_not_crash() -> None:
    read = true = 0
    for source, checker, attained in token_edits(20_000):
        if holds(source, checker, attained):
            true += 1
        read += 1
    print(f"\n{read} blind edits, {true} of them true")
    assert read == 20_000


def test_the_list_of_package_mutants_fits_the_package() -> None:
    assert len(PACKAGE) >= 30
    for module, name, old, new in PACKAGE:
        assert callable(mutated(module, name, old, new))


def test_data_is_complete() -> None:
    assert {p.stem for p in pages(HERE / "data")} >= {
        "gru",
        "gru-after",
        "lstm",
        "lstm-peepholes",
        "lstm-coupled",
        "deep",
    }
    assert EquationError
