"""The tests of long memory: what is drawn is what the definitions say, and the baselines are what they say."""

import numpy as np
import pytest

from rnncourse import tasks

RNG = np.random.default_rng(0)


def test_adding_marks_one_number_of_each_half_and_asks_for_their_sum():
    x, y = tasks.adding(500, 9, np.random.default_rng(0))
    assert x.shape == (9, 500, 2)
    numbers, mark = x[..., 0], x[..., 1]
    assert ((mark == 0) | (mark == 1)).all()
    assert (mark[:4].sum(0) == 1).all()
    assert (mark[4:].sum(0) == 1).all()
    np.testing.assert_allclose(y[:, 0], (numbers * mark).sum(0))
    assert numbers.min() >= 0
    assert numbers.max() < 1
    assert {tuple(np.flatnonzero(column)) for column in mark.T} == {(i, j) for i in range(4) for j in range(4, 9)}


def test_adding_as_in_1997():
    x, y = tasks.adding(20_000, 24, np.random.default_rng(0), form="1997")
    numbers, mark = x[..., 0], x[..., 1]
    assert (mark[[0, -1]] == -1).all()
    pairs = mark[1:-1].sum(0)
    assert set(pairs) == {1, 2}, "one is hidden where the first step is one of the two"
    assert (mark[12:-1] == 0).all()
    hidden = pairs == 1
    assert (numbers[0, hidden] == 0).all()
    np.testing.assert_allclose(y[:, 0], 0.5 + (numbers * (mark == 1)).sum(0) / 4)
    assert abs(y.mean() - 0.5) < 0.005
    last = np.where(mark[1:-1] == 1, np.arange(1, 23)[:, None], 0).max(0)
    assert set(last[~hidden]) == set(range(2, 11)), "two different steps, the second before the middle"


@pytest.mark.parametrize(("form", "variance"), [("sum", 1 / 6), ("1997", 1 / 24)])
def test_what_the_best_constant_leaves_of_the_adding_task(form, variance):
    y = tasks.adding(200_000, 50, np.random.default_rng(1), form).y
    best = 1.0 if form == "sum" else 0.5
    assert ((y - best) ** 2).mean() == pytest.approx(variance, rel=0.02 if form == "sum" else 0.08)


def test_copying_asks_for_the_symbols_after_the_sign():
    x, y = tasks.copying(300, 7, np.random.default_rng(0))
    assert x.shape == y.shape == (27, 300)
    assert (x[:10] >= 1).all()
    assert (x[:10] <= 8).all()
    assert (x[10:16] == 0).all()
    assert (x[16] == 9).all()
    assert (x[17:] == 0).all()
    assert (y[:17] == 0).all()
    np.testing.assert_array_equal(y[17:], x[:10])
    assert set(x[:10].ravel()) == set(range(1, 9))


def test_what_copying_costs_without_memory():
    """Blanks for certain, each symbol with 1/8: 10 ln 8 / (T + 20) nats a step."""
    _, y = tasks.copying(50, 30, np.random.default_rng(0))
    p = np.where(np.arange(len(y))[:, None] < 40, y == 0, 1 / 8)
    assert -np.log(p).mean() == pytest.approx(10 * np.log(8) / 50)


def test_temporal_order_hides_two_signs():
    x, y = tasks.temporal_order(2000, 40, np.random.default_rng(0))
    for b in range(2000):
        first, second = np.flatnonzero(x[:, b] < 2)
        assert 4 <= first < 8
        assert 16 <= second < 20
        assert y[b] == 2 * x[first, b] + x[second, b]
    assert np.bincount(y).min() > 400
    assert set(x.ravel()) == set(range(6))


def test_reber_strings_are_of_the_grammar_and_as_likely_as_they_should_be():
    strings = tasks.reber(4000, np.random.default_rng(0))
    for string in strings[:200]:
        may = tasks.reber_next(string)
        assert may.shape == (len(string) - 1, 7)
        assert all(row[tasks.REBER.index(letter)] for row, letter in zip(may, string[1:], strict=True))
        assert string[1] == string[-2]
    assert min(map(len, strings)) == 9
    # the shortest ways, TXS and PVV, take three forks each: two of eight
    assert np.mean([len(s) == 9 for s in strings]) == pytest.approx(1 / 4, abs=0.03)
    assert np.mean([s[1] == "T" for s in strings]) == pytest.approx(1 / 2, abs=0.03)
    assert {s[2] for s in strings} == {"B"}


@pytest.mark.parametrize(
    "string", ["", "B", "BTBTXSEPE", "BTBTXXETE", "BTBTXSET", "BTBTXSETEE", "BTETXSETE", "BTBTXSEZE"]
)
def test_what_is_not_of_the_grammar_is_refused(string):
    with pytest.raises(ValueError, match=r"^string: expected a string of the embedded Reber grammar"):
        tasks.reber_next(string)


@pytest.mark.parametrize(
    ("draw", "error", "message"),
    [
        (lambda: tasks.adding(-1, 5, RNG), ValueError, "n_examples"),
        (lambda: tasks.adding(1, 1, RNG), ValueError, "steps"),
        (lambda: tasks.adding(1, 21, RNG, "1997"), ValueError, "steps"),
        (lambda: tasks.adding(1, 30, RNG, "le"), ValueError, "form: expected 'sum' or '1997'"),
        (lambda: tasks.adding(1, 30, 0), TypeError, "rng"),
        (lambda: tasks.copying(1, 0, RNG), ValueError, "delay"),
        (lambda: tasks.copying(1, 3, RNG, length=0), ValueError, "length"),
        (lambda: tasks.copying(1, 3, RNG, n_symbols=0), ValueError, "n_symbols"),
        (lambda: tasks.temporal_order(1, 9, RNG), ValueError, "steps"),
        (lambda: tasks.temporal_order(1.5, 20, RNG), TypeError, "n_examples"),
        (lambda: tasks.reber(2, None), TypeError, "rng"),
        (lambda: tasks.reber_next(3), TypeError, "string"),
    ],
)
def test_bad_arguments_are_named(draw, error, message):
    with pytest.raises(error, match=message):
        draw()


@pytest.mark.parametrize(
    "draw",
    [lambda r: tasks.adding(0, 30, r), lambda r: tasks.copying(0, 3, r), lambda r: tasks.temporal_order(0, 20, r)],
)
def test_no_examples_are_no_fault(draw):
    x, y = draw(np.random.default_rng(0))
    assert x.shape[1] == 0
    assert y.size == 0
