"""The stored run of the chapter on vanishing gradients: whole, and what the command finds again."""

import json

import numpy as np
import pytest

from .agreement import COMMAND, DISTANCES, NETWORKS, RESULTS, SEEDS, SETTINGS, learn, small

STORED = json.loads(RESULTS.read_text("utf8"))
RUNS = {(run["network"], run["distance"]): run for run in STORED["runs"]}


def test_every_network_ran_at_every_distance_from_every_seed():
    assert set(RUNS) == {(network, distance) for network in NETWORKS for distance in DISTANCES}
    assert len(STORED["runs"]) == len(RUNS)
    assert STORED["seeds"] == list(SEEDS)
    for run in STORED["runs"]:
        assert len(run["accuracy"]) == len(run["updates"]) == len(SEEDS) >= 5
        assert all(0 <= accuracy <= 1 for accuracy in run["accuracy"])
        assert all(0 < updates <= SETTINGS["most_updates"] for updates in run["updates"])


def test_the_file_says_how_it_was_made():
    assert STORED["command"] == COMMAND
    assert STORED["settings"] == SETTINGS
    assert set(STORED["versions"]) == {"rnncourse", "numpy", "python"}


@pytest.mark.parametrize(("network", "distance"), [("RNN", 8), ("RNN, orthogonal", 12), ("GRU", 4), ("LSTM", 8)])
def test_a_point_comes_out_again(network, distance):
    accuracy, updates = learn(network, distance, SEEDS[1])
    stored = RUNS[network, distance]
    assert accuracy == pytest.approx(stored["accuracy"][1], abs=0.02)  # rounding differs between machines
    assert abs(updates - stored["updates"][1]) <= SETTINGS["block"]


def test_a_failure_comes_out_again(monkeypatch):
    assert RUNS["GRU", 48]["accuracy"][0] < 0.6
    monkeypatch.setitem(SETTINGS, "most_updates", 50)
    accuracy, updates = learn("GRU", 48, SEEDS[0])
    assert accuracy < 0.6
    assert updates == 50


def test_the_small_start_is_uniform_between_its_limits():
    W = small(np.random.default_rng(0), (400, 400))
    assert np.abs(W).max() <= 1 / 20
    assert W.std() == pytest.approx(1 / 20 / np.sqrt(3), rel=0.01)
