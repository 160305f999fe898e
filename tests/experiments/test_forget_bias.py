"""The stored result of the forget bias: complete, and one point of it is found again."""

from __future__ import annotations

import json

from .forget_bias import LENGTHS, MOST, RESULTS, SEEDS, updates_to_learn

STORED = json.loads(RESULTS.read_text("utf8"))
RUNS = {(run["T"], run["bias"], run["seed"]): run["updates"] for run in STORED["runs"]}


def test_every_run_is_stored_once() -> None:
    assert sorted(RUNS) == sorted(
        (T, bias, seed) for bias, lengths in LENGTHS.items() for T in lengths for seed in SEEDS
    )
    assert len(RUNS) == len(STORED["runs"])
    assert STORED["most"] == MOST
    assert STORED["command"].endswith("experiments.forget_bias")


def test_a_stored_point_is_found_again() -> None:
    assert updates_to_learn(seed=0, T=10, bias=1.0, most=100) == RUNS[10, 1.0, 0]
    assert updates_to_learn(seed=0, T=10, bias=0.0, most=100) == RUNS[10, 0.0, 0]
