"""Every claim stands, says what its chapter says, and has its mark there; and the reverse."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from . import CLAIMS
from .claim import judge, unsaid
from .mutants import mutants
from .pages import marks, pending, plain
from .table import table

MARKS = list(marks())
EVERY = pytest.mark.parametrize("each", CLAIMS.values(), ids=CLAIMS)


@EVERY
def test_the_claim_stands(each):
    assert not judge(each).problems


@EVERY
def test_every_number_in_the_sentence_is_computed_or_set(each):
    assert all(printed in each.text for printed in each.says)
    assert unsaid(each) == []


@EVERY
def test_a_because_names_its_control(each):
    if re.search(r"\bbecause\b", each.text, re.IGNORECASE):
        assert each.control


@EVERY
def test_rivals_have_three_rates_each_or_the_sentence_says_that_there_is_one(each):
    if each.kind == "difference" and "rate" not in each.text:
        rates = (
            [rate for rate in table(each.experiment).levels("rate") if rate]
            if "rate" in table(each.experiment).factors
            else []
        )
        assert len(rates) >= 3
        assert "rate" not in each.where


@EVERY
@pytest.mark.slow
def test_wrong_tables_and_wrong_claims_fail(each):
    assert [(kind, told) for kind, told, failed in mutants(each) if not failed] == []


def test_every_mark_has_its_claim_and_every_claim_one_mark_or_is_pending():
    marked = Counter(name for _, name, _ in MARKS)
    assert set(marked) <= set(CLAIMS)
    assert [name for name, times in marked.items() if times > 1] == []
    assert set(marked) | set(pending()) == set(CLAIMS)
    assert set(marked) & set(pending()) == set()


@pytest.mark.parametrize(("page", "name", "said"), MARKS, ids=[name for _, name, _ in MARKS])
def test_the_chapter_says_what_is_checked(page, name, said):
    assert said.endswith(plain(CLAIMS[name].text)), f"{page.name}: …{said[-300:]}"
    assert page.stem.replace("-", "_") == CLAIMS[name].chapter
