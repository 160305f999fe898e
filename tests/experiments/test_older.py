"""The older tables as rows: every run of the grid once, with what is stored of it."""

from __future__ import annotations

import pytest

from .older import OLDER


@pytest.mark.parametrize("name", OLDER)
def test_every_run_is_there_once(name):
    _, rows = OLDER[name].read()
    runs = [tuple(row[factor] for factor in OLDER[name].grid[0]) for row in rows]
    assert sorted(runs) == sorted(tuple(row.values()) for row in OLDER[name].grid)
    assert len(set(runs)) == len(runs)


def test_a_table_says_how_it_was_made():
    about, _ = OLDER["gru-recall"].read()
    assert about["settings"]["solved"] == 0.99
    assert about["seeds"] == [0, 1, 2, 3, 4]
    assert "experiments.gru_recall" in about["command"]
