"""The source notes' own equations: what is wrong in them is refused or found false, and what is right holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnncourse.equations.report import Outcome, check_page

PAGE = Path(__file__).parents[2] / "book" / "appendices" / "what-the-notes-got-wrong.ipynb"
OUTCOMES = check_page(PAGE, diagnose=False)


@pytest.mark.parametrize("outcome", OUTCOMES, ids=[o.equation.label for o in OUTCOMES])
def test_equation(outcome: Outcome) -> None:
    assert outcome.status in ("checked", "false", "refused"), outcome.line


def test_the_page_shows_wrong_ones_and_right_ones() -> None:
    assert sum(o.status in ("false", "refused") for o in OUTCOMES) >= 15
    assert sum(o.status == "checked" for o in OUTCOMES) >= 12
