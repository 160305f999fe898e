"""The machinery of claims, on tables made for it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from experiments import EXPERIMENTS

from . import mutants, pages
from .claim import CLAIMS, Claim, again, judge, reads
from .statistics import arrangements, p_value, shuffled, sign_interval, years_interval
from .table import Table

FACTORS = ("cell", "rate", "seed")


def made(score, seeds=5, rates=(0.01, 0.1)):
    """Return a table of two cells, with score(cell, rate, seed) as validation and outcome."""
    rows = [(cell, rate, seed) for cell in "ab" for rate in rates for seed in range(seeds)]
    columns = {name: np.array(column) for name, column in zip(FACTORS, zip(*rows, strict=True), strict=True)}
    scores = np.array([score(*row) for row in rows], float)
    return Table(
        {**columns, "validation": scores, "score": scores}, FACTORS, {"settings": {}, "seeds": [0, 1, 2, 3, 4]}
    )


def b_wins(runs):
    best = runs.best()
    return best.where(cell="b")["score"].min() > best.where(cell="a")["score"].max()


def test_a_real_difference_paired_over_five_seeds_reaches_1_of_32():
    runs = made(lambda cell, rate, seed: (cell == "b") + seed / 100)
    assert p_value(b_wins, runs, "cell", ("seed",), ("rate",)) == (1 / 32, 32)


def test_four_seeds_are_too_few():
    runs = made(lambda cell, rate, seed: (cell == "b") + seed / 100, seeds=4)
    assert p_value(b_wins, runs, "cell", ("seed",), ("rate",)) == (1 / 16, 16)


def test_unpaired_five_against_five_reaches_1_of_252():
    runs = made(lambda cell, rate, seed: (cell == "b") + seed / 100)
    assert p_value(b_wins, runs, "cell", (), ("rate",)) == (1 / 252, 252)


def test_many_arrangements_are_drawn_the_same_ones_each_time_and_the_table_is_one_of_them():
    runs = made(lambda cell, rate, seed: (cell == "b") + seed / 100, seeds=12)
    first = [column.tolist() for column in shuffled(runs, "cell", (), ("rate",))]
    assert len(first) == 1001
    assert first[0] == runs["cell"].tolist()
    assert first == [column.tolist() for column in shuffled(runs, "cell", (), ("rate",))]


def test_a_shuffle_keeps_what_it_should():
    runs = made(lambda cell, rate, seed: seed)
    for column in shuffled(runs, "cell", ("seed",), ("rate",)):
        for seed in range(5):
            of_seed = column[runs["seed"] == seed]
            assert sorted(of_seed) == ["a", "a", "b", "b"]
            assert of_seed[0] == of_seed[1]  # both rates of a cell keep one label


def test_the_best_rate_is_chosen_again_in_every_shuffle():
    # each cell is good at a rate of its own: after a shuffle the mean over the seeds is best elsewhere
    runs = made(lambda cell, rate, seed: float((cell == "a") == (rate == 0.1)))
    assert set(runs.best().where(cell="a")["rate"]) == {0.1}
    assert set(runs.best().where(cell="b")["rate"]) == {0.01}
    turned = runs.put("cell", np.where(runs["cell"] == "a", "b", "a"))
    assert set(turned.best().where(cell="a")["rate"]) == {0.01}
    assert set(runs.best(highest=False).where(cell="a")["rate"]) == {0.01}


def test_best_keeps_every_seed_of_the_best_rate():
    runs = made(lambda cell, rate, seed: rate * 10 + seed)
    assert len(runs.best()) == 10
    assert set(runs.best()["rate"]) == {0.1}


def test_shuffled_noise_is_found_to_be_noise():
    noise = np.random.default_rng(0)
    runs = made(lambda cell, rate, seed: noise.normal())
    p, _ = p_value(
        lambda t: t.where(cell="b")["score"].mean() > t.where(cell="a")["score"].mean(), runs, "cell", (), ()
    )
    assert p > 0.3


def test_arrangements_are_all_and_each_once():
    found = list(arrangements(list("aabb")))
    assert len(found) == len(set(found)) == 6


@pytest.mark.parametrize(("n", "k"), [(5, 0), (6, 0), (8, 0), (9, 1), (12, 2)])
def test_the_interval_of_the_median_is_that_of_the_sign_test(n, k):
    assert sign_interval(np.arange(n)[::-1]) == (k, n - 1 - k)
    with pytest.raises(ValueError, match="at least five"):
        sign_interval(np.arange(4))


def test_the_interval_over_years_holds_the_mean_and_grows_with_the_block():
    values = np.sin(np.arange(60) / 5)
    narrow = years_interval(lambda years: values[years].mean(), 60, 1)
    wide = years_interval(lambda years: values[years].mean(), 60, 12)
    assert narrow[0] < values.mean() < narrow[1]
    assert wide[1] - wide[0] > 1.3 * (narrow[1] - narrow[0])


def test_numbers_are_compared_as_printed():
    assert reads("0.82", 0.8249)
    assert not reads("0.82", 0.8251)
    assert reads("−1.2", -1.24)
    assert reads("82 %", 81.6)
    assert reads("two of five", (2, 5))
    assert reads("All of five", (5, 5))
    assert not reads("two of five", (3, 5))
    assert not reads("some", 3)
    assert reads("16 of 18", (16, 18))  # larger than the words
    assert not reads("16 of 19", (16, 18))


def test_a_bound_is_rounded_to_the_side_on_which_it_is_true():
    assert reads("42 %", 42.75, "it is at least 42 % of a guess's")
    assert not reads("43 %", 42.75, "it is at least 43 % of a guess's")
    assert not reads("41 %", 42.75, "it is at least 41 % of a guess's")  # true, and could say more
    assert reads("0.15", 0.1438, "held at most 0.15")
    assert not reads("0.14", 0.1438, "held at most 0.14")
    assert reads("66 %", 65.8, "no more than 66 % are right")
    assert reads("200", 200, "after 200 updates at most, or")
    assert not reads("200", 201, "after 200 updates at most, or")
    assert reads("1 %", 1, "below 1 % with nothing changed")  # a threshold that the function has


@pytest.fixture
def stored(monkeypatch):
    """Let claims be about a table of this test: b is better than a by one."""
    runs = made(lambda cell, rate, seed: (cell == "b") + seed / 100)
    grid = tuple(
        dict(zip(FACTORS, row, strict=True)) for row in zip(*(runs[name].tolist() for name in FACTORS), strict=True)
    )
    from . import claim as module

    monkeypatch.setattr(module, "table", lambda name: runs)
    monkeypatch.setitem(EXPERIMENTS, "made", replace(EXPERIMENTS["forget-bias-lag"], grid=grid))
    return Claim(
        "b", "difference", "B is better by 1.0 because of b.", b_wins, "test", "made", factor="cell", within=("seed",),
        along=("rate",), control={"cell": "a"}, treatment={"cell": "b"},
        says={"1.0": lambda runs: runs.where(cell="b")["score"].mean() - runs.where(cell="a")["score"].mean()},
    )  # fmt: skip


def test_a_claim_that_holds_stands(stored):
    verdict = judge(stored)
    assert verdict.problems == ()
    assert (verdict.runs, verdict.seeds, verdict.p, verdict.shuffles) == (20, 5, 1 / 32, 32)


def test_a_claim_that_holds_by_chance_does_not_stand(stored):
    verdict = judge(replace(stored, holds=lambda runs: len(runs) == 20))
    assert "shuffled labels" in verdict.problems[0]


def test_a_wrong_number_is_found(stored):
    assert "prints 1.1" in judge(replace(stored, says={"1.1": stored.says["1.0"]})).problems[0]


def test_every_mutant_of_a_good_claim_fails(stored):
    found = list(mutants.mutants(stored))
    assert {kind for kind, _, _ in found} == {
        "comparison turned", "number changed", "seed dropped", "factor swapped", "control undone"
    }  # fmt: skip
    assert all(failed for _, _, failed in found)


def test_mutants_of_a_lazy_claim_survive(stored):
    lazy = replace(stored, holds=lambda runs: True, says={}, control={})
    assert any(not failed for kind, _, failed in mutants.mutants(lazy) if kind == "factor swapped")


def test_sameness_has_an_interval_and_a_margin(stored):
    def gap(runs):
        return sign_interval(runs.where(cell="b", rate=0.01)["score"] - runs.where(cell="a", rate=0.01)["score"])

    wide = replace(stored, kind="same", holds=gap, outcome="score", margin=1.5, says={}, control={})
    assert judge(wide).interval == pytest.approx((1, 1))
    assert judge(wide).problems == ()
    assert judge(replace(wide, margin=0.5)).problems
    assert [failed for kind, _, failed in mutants.mutants(wide) if kind == "difference planted"] == [True]


def test_the_sentence_in_front_of_a_mark_is_found_in_notebooks_and_pages(tmp_path):
    cell = {
        "cell_type": "markdown",
        "source": ["Before.\n", "\n", "One. Two\n", "lines. {claim}`a-b` More {claim}`c`\n"],
    }
    (tmp_path / "n.ipynb").write_text(json.dumps({"cells": [cell]}))
    (tmp_path / "p.md").write_text("Said so. {claim}`d`\n")
    found = [(page.name, name, text) for page, name, text in pages.marks(tmp_path)]
    assert found == [
        ("n.ipynb", "a-b", "One. Two lines."), ("n.ipynb", "c", "One. Two lines. More"), ("p.md", "d", "Said so."),
    ]  # fmt: skip


def test_two_factors_may_be_chosen_together():
    runs = made(lambda cell, rate, seed: rate * (1 if cell == "a" else -1))
    sized = runs.put("size", np.where(runs["seed"] >= 0, 8, 0))
    sized = replace(sized, factors=("cell", "size", "rate", "seed"))
    best = sized.best(over=("size", "rate"))
    assert set(best.where(cell="a")["rate"]) == {0.1}
    assert set(best.where(cell="b")["rate"]) == {0.01}


def test_a_claim_said_again_is_checked_alike_and_keeps_the_numbers_that_it_says(stored, monkeypatch):
    monkeypatch.setitem(CLAIMS, "b", stored)
    again("shorter", "b", "page", "B wins.")
    again("as-long", "b", "page", "B wins by 1.0.")
    try:
        shorter, as_long = CLAIMS["shorter"], CLAIMS["as-long"]
        assert (shorter.holds, shorter.chapter, dict(shorter.says)) == (stored.holds, "page", {})
        assert list(as_long.says) == ["1.0"]
        assert judge(as_long).problems == ()
        with pytest.raises(ValueError, match="'shorter': there are two"):
            again("shorter", "b", "page", "B.")
    finally:
        del CLAIMS["shorter"], CLAIMS["as-long"]
