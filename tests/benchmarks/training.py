"""The training step at every point: the package's time over each program's, and each ratio's interval."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from .cases import Case
from .harness import Peer, measure, start
from .statistics import paired

Row = dict[str, Any]


def row_of(case: Case, measured: dict[str, Any], threads: int) -> Row:
    """Turn what was measured at a point into what is stored: ratios of the first program to each of the others."""
    (first, mine), *others = measured["times"].items()
    ratios = {}
    for name, theirs in others:
        rounds = [round(a / b, 4) for a, b in zip(mine, theirs, strict=True)]
        ratios[name] = paired(mine, theirs) | {"rounds": rounds}
    return {
        "case": case.to_dict(),
        "threads": threads,
        "ours": first,
        "seconds": {name: min(times) for name, times in measured["times"].items()},
        "ratios": ratios,
        "errors": measured["errors"],
    }


def points(
    peers: Iterable[str], cases: Iterable[Case], threads: int = 1, rounds: int = 15, budget: float = 10.0,
    task: str = "training", clock: str = "seconds",
) -> list[Row]:  # fmt: skip
    """Measure programs, by name, at points; print a line for each."""
    rows: list[Row] = []
    running: list[Peer] = start(peers, threads)
    try:
        for case in cases:
            rows.append(row_of(case, measure(running, case, rounds, budget, task=task, clock=clock), threads))
            print(line(rows[-1]), file=sys.stderr, flush=True)
    finally:
        for peer in running:
            peer.close()
    return rows


def line(row: Row) -> str:
    """Return one line about a point."""
    c = row["case"]
    sizes = ", ".join(str(c[name]) for name in ("T", "B", "n_x", "n_a"))
    ratios = "  ".join(
        f"{name} {r['median']:.2f} [{r['low']:.2f} {r['high']:.2f}]" for name, r in row["ratios"].items()
    )
    best = row["seconds"][row["ours"]]
    return f"{c['cell']:10} {sizes:20} {c['dtype']} {row['threads']}T  {best * 1e3:8.2f} ms  {ratios}"
