"""What else is measured: steps of a stream, memory, long sequences, the time of the import."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from .cases import CELLS, SIZES, Case
from .harness import ROOT, TESTS, Peer, environment, measure, start
from .statistics import paired
from .training import points

Row = dict[str, Any]

STREAMS = [Case(cell, 16, 1, 64, n_a) for n_a in (32, 128, 512) for cell in CELLS]
LENGTHS = (100, 1_000, 10_000, 100_000)


def latency(rounds: int, budget: float, clock: str = "seconds") -> list[Row]:
    """Time one step of a stream, one example at a time."""
    return points(("ours", "pytorch", "onnx_runtime"), STREAMS, 1, rounds, budget, "streaming", clock)


def saved() -> list[Row]:
    """Count the bytes that a forward pass keeps for the backward pass."""
    rows = []
    peers = start(("ours", "pytorch"))
    for size in SIZES:
        for cell in CELLS:
            case = Case(cell, *size).to_dict()
            rows.append({"case": case, "bytes": {peer.name: peer("saved", case=case)["bytes"] for peer in peers}})
    for peer in peers:
        peer.close()
    return rows


def long(rounds: int, budget: float, lengths: Sequence[int] = LENGTHS, clock: str = "seconds") -> list[Row]:
    """Time and weigh the gradient over ever longer sequences, with everything kept and with √T checkpoints."""
    rows = []
    peers = [Peer("ours_checkpointed"), Peer("ours_new")]
    for T in lengths:
        case = Case("LSTM", T, 1, 32, 64)
        measured = measure(peers, case, rounds, budget, clock=clock)
        times = measured["times"]
        rows.append({
            "case": case.to_dict(),
            "seconds_a_step": {name: min(each) / T for name, each in times.items()},
            "bytes_a_step": {peer.name: peer("peak")["bytes"] / T for peer in peers},
            "ratio": paired(times["ours_checkpointed"], times["ours_new"]),
            "errors": measured["errors"],
        })  # fmt: skip
    for peer in peers:
        peer.close()
    return rows


def importing(rounds: int) -> list[Row]:
    """Time the import of a layer over NumPy's own, in fresh processes, in turn; the package alone loads nothing."""
    code = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"
    imports = {"rnncourse": "from rnncourse import LSTM", "numpy": "import numpy"}
    names = tuple(imports)
    times: dict[str, list[float]] = {name: [] for name in names}
    # the first round fills caches, so Python has to be let write its bytecode, as it does unless told otherwise
    settings = {name: value for name, value in environment(1, ROOT).items() if name != "PYTHONDONTWRITEBYTECODE"}
    for k in range(rounds + 1):
        for name in names[:: -1 if k % 2 else 1]:
            command = [sys.executable, "-c", code.format(imports[name])]
            done = subprocess.run(command, cwd=TESTS, env=settings, capture_output=True, check=True)
            if k:
                times[name].append(float(done.stdout))
    return [{"seconds": {name: min(t) for name, t in times.items()}, "ratio": paired(*times.values())}]
