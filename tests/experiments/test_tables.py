"""The stored tables: whole, small, with all that says how they were made; and a row of each is made again."""

from __future__ import annotations

import os

import numpy as np
import pytest

from . import EXPERIMENTS
from .tidy import BOOK, MOST_BYTES, read

# `make portable` asks for twice as much: the next machine may be as far off again.
SHARE = 0.5 if "PORTABLE" in os.environ else 1.0
EVERY = pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=EXPERIMENTS)


def test_every_table_belongs_to_an_experiment():
    tables = {path.resolve() for path in BOOK.glob("*/results/*.jsonl")}
    assert tables == {each.path.resolve() for each in EXPERIMENTS.values()}


@EVERY
def test_the_file_says_how_it_was_made(experiment):
    about, _ = read(experiment.path)
    assert (about["name"], about["command"], about["what"]) == (experiment.name, experiment.command, experiment.what)
    assert about["settings"] == dict(experiment.settings)
    assert set(about["versions"]) == {"python", "numpy", "rnncourse"}
    assert about["machine"]
    assert about["minutes"] > 0
    assert about["seeds"] == sorted({row["seed"] for row in experiment.grid})
    assert experiment.path.stat().st_size < MOST_BYTES


@EVERY
def test_every_run_of_the_grid_is_there_once(experiment):
    _, rows = read(experiment.path)
    assert [{name: row[name] for name in factors} for row, factors in zip(rows, experiment.grid, strict=True)] == [
        *experiment.grid
    ]


@EVERY
def test_a_row_that_is_not_borderline_comes_out_again(experiment):
    _, rows = read(experiment.path)
    stored = next(row for row in rows if row.items() >= experiment.again.items())
    assert experiment.clear(stored)
    found = experiment.run(**experiment.again)
    assert set(found) == set(experiment.tolerance) == stored.keys() - experiment.again.keys()
    for name, value in found.items():
        if experiment.tolerance[name] is None:  # such as a text that was drawn
            continue
        tolerance = SHARE * experiment.tolerance[name]
        np.testing.assert_allclose(value, stored[name], rtol=0, atol=tolerance, err_msg=name)
