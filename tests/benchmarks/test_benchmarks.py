"""The benchmark measures what it says: no test here asserts a time."""

import copy
import json

import numpy as np
import pytest

from . import harness, report, results, training
from .cases import BLOCKS, CELLS, Case, arrays, training_cases
from .goals import goals, verdicts
from .layouts import ONNX, TORCH, reorder, restore
from .peers import ablation, floor, ours, ours_checkpointed, ours_new, textbook
from .statistics import mean_of_medians, paired

TINY = Case("LSTM", 7, 2, 3, 5, "float64")


def numbers(peer, case, **options):
    step, read = peer.training(case, arrays(case), **options)
    step()
    return read()


@pytest.fixture(scope="module")
def stored():
    path = results.latest()
    assert path, "no results are stored"
    return results.read(path)


# --- what is timed is right ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", BLOCKS)
def test_the_reference_is_the_package(cell):
    case = Case(cell, 7, 2, 3, 5, "float64")
    assert harness.error(numbers(ours, case), numbers(textbook, case)) < 1e-13
    assert harness.error(numbers(ours_new, case), numbers(textbook, case)) < 1e-13


@pytest.mark.parametrize("size", [(7, 2, 3, 5), (9, 1, 2, 4), (1, 3, 1, 1)])
@pytest.mark.parametrize("variant", range(6))
def test_every_step_of_the_ablation_computes_the_same(variant, size, monkeypatch):
    monkeypatch.setattr(ablation, "CHUNK_BYTES", 4000)  # several chunks
    case = Case("LSTM", *size, "float64")
    step, read = ablation.training(case, arrays(case), variant)
    for _ in range(2):  # with new memory, and with memory used before
        step()
        assert harness.error(read(), numbers(textbook, case)) < 1e-13


def test_checkpoints_and_streams_compute_the_same():
    assert harness.error(numbers(ours_checkpointed, TINY), numbers(textbook, TINY)) < 1e-13
    for cell in CELLS:
        case = Case(cell, 7, 1, 3, 5, "float64")
        (step, mine), (_, theirs) = (peer.streaming(case, arrays(case)) for peer in (ours, textbook))
        step()
        assert harness.error(mine(), theirs()) < 1e-13


def job(peer, case):
    step, read = peer.job(case, arrays(case))
    for _ in range(2):  # an update leaves what is compared as it was
        step()
    return read()


@pytest.mark.parametrize("cell", BLOCKS)
def test_a_whole_job_computes_the_same(cell):
    case = Case(cell, 7, 2, 3, 5, "float64")
    assert harness.error(job(ours, case), job(textbook, case)) < 1e-12
    if cell in CELLS:
        peer = pytest.importorskip("benchmarks.peers.pytorch")
        assert harness.error(job(peer, case), job(textbook, case)) < 1e-12


@pytest.mark.parametrize("cell", BLOCKS)
def test_the_floor_runs_and_says_nothing(cell):
    assert numbers(floor, Case(cell, 7, 2, 3, 5)) == {}


@pytest.mark.parametrize("layout", [TORCH, ONNX])
def test_reordered_blocks_come_back(layout):
    for cell, (order, signs) in layout.items():
        rows = np.arange(1.0, 1 + 2 * BLOCKS[cell])[:, None]
        np.testing.assert_array_equal(restore(reorder(rows, order, signs), order, signs), rows)


def test_the_points_are_those_of_the_design():
    cases = training_cases()
    assert len(set(cases)) == 18
    drawn = arrays(cases[2])
    assert drawn["x"].shape == (35, 20, 65)
    assert drawn["W"].dtype == np.float32
    np.testing.assert_array_equal(drawn["x"], arrays(cases[2])["x"])


# --- the harness --------------------------------------------------------------------------------------------------


@pytest.fixture
def worker():
    peer = harness.Peer("ours")
    yield peer
    peer.close()


def test_one_tiny_point_is_measured_in_processes_of_their_own():
    (row,) = training.points(("ours", "ours_new", "floor"), [TINY], rounds=3, budget=1)
    assert row.keys() == results.POINT
    assert row["ours"] == "ours"
    assert set(row["errors"]) == {"ours", "ours_new"}  # the floor computes nothing that could be wrong
    for ratio in row["ratios"].values():
        assert len(ratio["rounds"]) == 3
        assert 0 < ratio["low"] <= ratio["median"] <= ratio["high"]


def test_a_program_that_is_off_is_not_timed(worker):
    worker("load", task="training", case=TINY.to_dict())
    right = harness.reference(TINY, "training")
    assert harness.verify(worker, TINY, right) < 1e-13
    with pytest.raises(ArithmeticError, match=r"^ours, LSTM .* off by"):
        harness.verify(worker, TINY, right | {"b": right["b"] * (1 + 1e-8)})
    with pytest.raises(ValueError, match="expected"):
        harness.verify(worker, TINY, right | {"b_cc": right["b"]})
    with pytest.raises(ArithmeticError):
        harness.verify(worker, TINY, right | {"b": np.full_like(right["b"], np.nan)})


def test_a_peer_that_is_not_installed_is_named_and_left_out(capsys):
    assert harness.start(["nobody"]) == []
    assert "not here: nobody" in capsys.readouterr().err


def test_the_number_of_threads_is_in_the_environment():
    assert harness.environment(2)["OPENBLAS_NUM_THREADS"] == harness.environment(2)["OMP_NUM_THREADS"] == "2"


# --- figures ------------------------------------------------------------------------------------------------------


def test_ratios_are_paired_by_round():
    slow_later = np.array([1.0, 1.0, 5.0, 5.0])
    assert paired(2 * slow_later, slow_later) == {"median": 2.0, "low": 2.0, "high": 2.0}
    assert paired([1, 2, 3], [1, 1, 1])["median"] == 2


def test_the_mean_over_points_is_geometric_and_its_interval_holds_it():
    assert mean_of_medians([[0.5, 0.5], [2.0, 2.0]]) == pytest.approx({"median": 1, "low": 1, "high": 1})
    mean = mean_of_medians([[0.5, 0.6, 0.7], [1.0, 2.0, 3.0]])
    assert mean["low"] < mean["median"] < mean["high"]
    assert mean["median"] == pytest.approx((0.6 * 2) ** 0.5)


def test_goals_are_reached_within_the_gate_missed_or_not_measured(stored):
    assert len({goal.what for goal in goals()}) == len(goals())
    assert {verdict for *_, verdict in verdicts({"parts": {}})} == {"not measured"}
    changed = copy.deepcopy(stored)
    for ratio, expected in ((1.1, "reached"), (1.3, "missed")):
        changed["parts"]["import"] = {"rows": [{"ratio": {"median": ratio}}]}
        assert verdicts(changed)[-1][2] == expected
    for kept, expected in ((44, "reached"), (49, "within the gate"), (51, "missed")):
        rows = [{"case": {"cell": "LSTM"}, "bytes": {"ours": kept, "pytorch": 100}}]
        changed["parts"]["saved"] = {"rows": rows}
        assert {goal.what: verdict for goal, _, verdict in verdicts(changed)}[
            "bytes kept by an LSTM, over PyTorch's, worst"
        ] == expected


# --- what is stored is what the page reads ------------------------------------------------------------------------


def test_the_stored_results_hold_what_the_page_reads(stored):
    assert results.PARTS.keys() == report.TABLES.keys()
    assert {"training", "ablation", "latency", "long"} <= stored["parts"].keys() <= results.PARTS.keys()
    assert len(stored["parts"]["training"]["rows"]) == 18
    for name, part in stored["parts"].items():
        _, make = report.TABLES[name]
        assert make(stored).count("|") > 10 or name == "import"
        assert part["commit"][:12] in report.provenance(stored, name)


def test_the_stored_tables_are_those_of_the_stored_numbers(stored):
    assert results.latest().with_suffix(".md").read_text("utf8") == report.markdown(stored)


def test_the_figures_can_be_drawn(stored):
    plt = pytest.importorskip("matplotlib.pyplot")
    from . import plots

    for draw in (plots.training_figure, plots.ablation_figure):
        figure = draw(stored)
        assert figure.axes[0].lines
        plt.close(figure)


def test_every_program_that_was_timed_was_right(stored):
    for part in stored["parts"].values():
        for row in part["rows"]:
            for peer, off in row.get("errors", {}).items():
                assert off <= harness.LIMITS[row["case"]["dtype"]], (peer, row["case"])


def test_a_file_of_another_form_is_refused(stored, tmp_path):
    path = tmp_path / "2026-01-01-x.json"
    results.write(path, stored)
    assert results.read(path) == stored == json.loads(path.read_text("utf8"))
    for change in (
        lambda r: r.pop("machine"),
        lambda r: r.update(schema=0),
        lambda r: r["parts"]["latency"].pop("load"),
        lambda r: r["parts"]["latency"]["rows"][0].pop("ratios"),
        lambda r: r["parts"].update(other={}),
    ):
        changed = copy.deepcopy(stored)
        change(changed)
        with pytest.raises(ValueError, match=path.name):
            results.write(path, changed)
