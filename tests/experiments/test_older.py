"""The older tables as rows: every run of the grid once, with what is stored of it."""

from __future__ import annotations

import json

import pytest

from . import agreement
from .older import OLDER


@pytest.mark.parametrize("name", OLDER)
def test_every_run_is_there_once(name):
    _, rows = OLDER[name].read()
    runs = [tuple(row[factor] for factor in OLDER[name].grid[0]) for row in rows]
    assert sorted(runs) == sorted(tuple(row.values()) for row in OLDER[name].grid)
    assert len(set(runs)) == len(runs)


def test_a_row_is_what_the_file_says():
    stored = json.loads(OLDER["agreement"].path.read_text("utf8"))
    _, rows = OLDER["agreement"].read()
    last = stored["runs"][-1]
    assert rows[-1] == {
        "network": last["network"], "distance": last["distance"], "seed": stored["seeds"][-1],
        "accuracy": last["accuracy"][-1], "updates": last["updates"][-1],
    }  # fmt: skip


def test_a_table_says_how_it_was_made():
    about, _ = OLDER["agreement"].read()
    assert about["seeds"] == list(agreement.SEEDS)
    assert "experiments.agreement" in about["command"]
