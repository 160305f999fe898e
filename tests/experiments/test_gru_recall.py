"""The stored results of the recall experiment: complete, and the same when a run is made again."""

from __future__ import annotations

import json

import pytest

from .gru_recall import DELAYS, LAYERS, MOST, RESULTS, SEEDS, SOLVED, learn

RUNS = json.loads(RESULTS.read_text("utf8"))["runs"]


def test_every_run_is_there_once() -> None:
    made = [(run["delay"], run["layer"], run["seed"]) for run in RUNS]
    assert sorted(made) == sorted((delay, name, seed) for delay in DELAYS for name in LAYERS for seed in SEEDS)


def test_a_run_ends_when_it_solves_the_task_or_at_the_limit() -> None:
    assert all(run["accuracy"] >= SOLVED or run["updates"] == MOST for run in RUNS)


@pytest.mark.parametrize(("name", "seed"), [("tanh, Glorot", 2), ("GRU, b_u = -3", 0)])
def test_a_point_can_be_made_again(name: str, seed: int) -> None:
    stored = next(run for run in RUNS if (run["delay"], run["layer"], run["seed"]) == (10, name, seed))
    updates, right = learn(name, 10, seed)
    assert updates == stored["updates"]
    assert right == pytest.approx(stored["accuracy"], abs=0.01)
