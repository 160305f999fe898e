"""What the project wants to reach, and whether it does: every figure is a ratio from the results."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from .cases import CELLS
from .results import Results
from .statistics import mean_of_medians

Row = dict[str, Any]
NUMPY = ("autograd_numpy", "numpy_ml")  # packages that run on NumPy
TEXTBOOK = ("textbook",)  # the benchmark's own loop over the cell, well written
LONG_AND_THIN = 1000


class Goal(NamedTuple):
    """A figure that is wanted."""

    what: str
    value: Callable[[Results], float]
    goal: float
    gate: float
    least: bool = False  # at least, not at most


def rows(results: Results, part: str, cells: Iterable[str] = CELLS) -> list[Row]:
    """Return a part's rows of some cells."""
    return [row for row in results["parts"][part]["rows"] if row["case"]["cell"] in cells]


def mean(found: list[Row], peer: str) -> float:
    """Return the geometric mean of the ratios to a program."""
    return mean_of_medians(row["ratios"][peer]["rounds"] for row in found if peer in row["ratios"])["median"]


def worst(found: list[Row], peer: str) -> float:
    """Return the largest ratio to a program."""
    return max(row["ratios"][peer]["median"] for row in found if peer in row["ratios"])


def thin(row: Row) -> bool:
    """Whether a point is the LSTM over the long sequence of single examples."""
    return row["case"]["cell"] == "LSTM" and row["case"]["T"] == LONG_AND_THIN


def slower(row: Row, peers: tuple[str, ...] = NUMPY + TEXTBOOK) -> float:
    """Return how many times slower the fastest of some programs is at a point."""
    return min(1 / row["ratios"][peer]["median"] for peer in peers if peer in row["ratios"])


def mean_slower(results: Results, peers: tuple[str, ...]) -> float:
    """Return the geometric mean of `slower`."""
    return mean_of_medians([slower(row, peers)] for row in rows(results, "training"))["median"]


def saved(results: Results) -> float:
    """Return the largest ratio of what an LSTM keeps to what PyTorch's keeps."""
    kept = [row["bytes"] for row in rows(results, "saved", ("LSTM",))]
    return max(each["ours"] / each["pytorch"] for each in kept)


def goals() -> list[Goal]:
    """List the goals, as the design of the project has them."""
    by_cell = {"RNN": (0.40, 0.50), "GRU": (0.45, 0.55), "LSTM": (1.20, 1.40)}
    return [
        Goal("PyTorch, mean", lambda r: mean(rows(r, "training"), "pytorch"), 0.60, 0.70),
        *(
            Goal(f"PyTorch, {cell}", lambda r, cell=cell: mean(rows(r, "training", (cell,)), "pytorch"), *limits)
            for cell, limits in by_cell.items()
        ),
        Goal(
            "PyTorch, worst point but the long and thin LSTM",
            lambda r: worst([row for row in rows(r, "training") if not thin(row)], "pytorch"), 1.25, 1.5,
        ),
        Goal(
            "PyTorch, the long and thin LSTM",
            lambda r: worst([row for row in rows(r, "training") if thin(row)], "pytorch"), 2.5, 3.0,
        ),
        Goal("PyTorch, a whole training job, mean", lambda r: mean(rows(r, "job"), "pytorch"), 0.85, 0.95),
        Goal("PyTorch, a whole training job, worst point", lambda r: worst(rows(r, "job"), "pytorch"), 1.12, 1.25),
        Goal("PyTorch in float64, mean", lambda r: mean(rows(r, "float64"), "pytorch"), 0.42, 0.50),
        Goal("PyTorch in float64, worst point", lambda r: worst(rows(r, "float64"), "pytorch"), 1.0, 1.0),
        Goal("JAX, mean", lambda r: mean(rows(r, "training"), "jax_scan"), 0.70, 0.80),
        Goal("fastest NumPy package is slower by, mean", lambda r: mean_slower(r, NUMPY), 2.5, 2.0, True),
        Goal(
            "fastest NumPy package is slower by, worst point",
            lambda r: min(slower(row, NUMPY) for row in rows(r, "training")), 1.0, 1.0, True,
        ),
        Goal("a well-written loop is slower by, mean", lambda r: mean_slower(r, TEXTBOOK), 2.5, 2.0, True),
        Goal(
            "a well-written loop is slower by, worst point",
            lambda r: min(slower(row, TEXTBOOK) for row in rows(r, "training")), 1.0, 1.0, True,
        ),
        Goal("the floor, mean", lambda r: mean(rows(r, "training"), "floor"), 1.3, 1.45),
        Goal(
            "the floor, worst point with B ≥ 20",
            lambda r: worst([row for row in rows(r, "training") if row["case"]["B"] >= 20], "floor"), 1.5, 1.8,
        ),
        Goal(
            "the floor, worst point with B = 1",
            lambda r: worst([row for row in rows(r, "training") if row["case"]["B"] == 1], "floor"), 2.7, 3.2,
        ),
        Goal("bytes kept by an LSTM, over PyTorch's, worst", saved, 0.45, 0.5),
        Goal("a step of a stream, over PyTorch's cells, worst", lambda r: worst(rows(r, "latency"), "pytorch"), 1, 1),
        Goal("a step of a stream, over ONNX Runtime, worst", lambda r: worst(rows(r, "latency"), "onnx_runtime"), 1, 1),
        Goal("import, over NumPy's own", lambda r: r["parts"]["import"]["rows"][0]["ratio"]["median"], 1.2, 1.2),
    ]  # fmt: skip


def verdicts(results: Results) -> list[tuple[Goal, float | None, str]]:
    """Return each goal, the figure, and what became of it; what was not measured is said not to be."""
    told = []
    for goal in goals():
        try:
            value = goal.value(results)
        except (KeyError, ValueError):  # a part, or a program, that was not measured
            told.append((goal, None, "not measured"))
            continue
        sign = -1 if goal.least else 1
        verdict = "missed"
        if sign * value <= sign * goal.gate:
            verdict = "within the gate"
        if sign * value <= sign * goal.goal:
            verdict = "reached"
        told.append((goal, value, verdict))
    return told
