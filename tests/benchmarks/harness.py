"""Run the programs in turn, round by round, and compare what each took in the same round.

A machine that others use is faster at one moment than at another. Two programs measured in the same second share that
moment, so their ratio holds where their times do not: every figure here is the median of such ratios.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from .cases import Arrays, Case, arrays
from .peers import textbook

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent
SAMPLE = 0.02  # seconds, at least, of one measurement
LIMITS = {"float32": 1e-4, "float64": 1e-10}  # how far a gradient may be from the reference, relative to its largest
ONE_BLAS_THREAD = ("ours_halves", "ours_whole")  # whatever threads they may have of their own


class NotInstalledError(Exception):
    """A peer is not installed."""


def environment(threads: int, package: Path = ROOT) -> dict[str, str]:
    """Fix the number of threads of every library, before it is imported."""
    names = ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM", "NUMEXPR")
    fixed = {f"{name}_NUM_THREADS": str(threads) for name in names}
    xla = f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}"
    return os.environ | fixed | {"XLA_FLAGS": xla, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(package)}


def pin(threads: int) -> None:
    """Give this process as many cores as threads, where the system can: some pools of threads obey nothing else."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


class Peer:
    """A worker process.

    Parameters
    ----------
    name : str
        A module of `peers`; ``ours@/path/to/checkout`` is the package of another checkout.
    threads : int
        How many it may use.
    """

    def __init__(self, name: str, threads: int = 1) -> None:
        self.name = name
        module, _, path = name.partition("@")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", module],
            cwd=TESTS, env=environment(1 if module in ONE_BLAS_THREAD else threads, Path(path) if path else ROOT),
            preexec_fn=lambda: pin(threads),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE if module == "jax_scan" else None,
            text=True, bufsize=1,
        )  # fmt: skip
        self.about = self.read()
        if "missing" in self.about:
            raise NotInstalledError(f"{name}: {self.about['missing']}")
        source = self.about.get("source")
        if source and not Path(source).is_relative_to(path or ROOT):
            raise NotInstalledError(f"{name}: its package came from {source}")

    def read(self) -> dict[str, Any]:
        """Wait for an answer."""
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended without an answer")
        return json.loads(line)

    def __call__(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Ask for something."""
        self.process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        return self.read()

    def close(self) -> None:
        """Let it end."""
        self.process.stdin.close()
        self.process.wait()


def start(names: Iterable[str], threads: int = 1) -> list[Peer]:
    """Start the peers that are installed; name the others."""
    peers = []
    for name in names:
        try:
            peers.append(Peer(name, threads))
        except NotInstalledError as missing:
            print(f"not here: {missing}", file=sys.stderr)
    return peers


@lru_cache(maxsize=1)
def reference(case: Case, task: str) -> Arrays:
    """Compute what a task has to give, in float64, from the same numbers."""
    given = {name: a.astype("float64") for name, a in arrays(case).items()}
    step, numbers = getattr(textbook, task)(case, given)
    step()
    return numbers()


def error(mine: Arrays, wanted: Arrays) -> float:
    """Return the largest difference, each array relative to its largest entry."""
    if mine.keys() != wanted.keys():
        raise ValueError(f"expected {sorted(wanted)}, got {sorted(mine)}")
    # np.max, since Python's max may lose a NaN
    return float(np.max([np.abs(mine[name] - a).max() / np.abs(a).max() for name, a in wanted.items()]))


def verify(peer: Peer, case: Case, wanted: Arrays) -> float:
    """Raise unless a peer computes the right numbers; to time a wrong program would be worthless."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "numbers.npz"))
        peer("save", path=path)
        with np.load(path) as mine:
            found = error(dict(mine), wanted)
    if not found <= LIMITS[case.dtype]:
        raise ArithmeticError(f"{peer.name}, {case}: off by {found:.1e}, allowed are {LIMITS[case.dtype]:g}")
    return found


def measure(
    peers: list[Peer],
    case: Case,
    rounds: int,
    budget: float,
    task: str = "training",
    clock: str = "seconds",
) -> dict[str, Any]:
    """Measure the peers on a case, interleaved.

    Parameters
    ----------
    peers : list of Peer
        The first is the one whose ratios to the others are wanted.
    case : Case
        The point.
    rounds : int
        How many rounds; at least a third of them are made, more only within the budget.
    budget : float
        Seconds.
    task : str
        "training" or "streaming".
    clock : str
        "seconds", of the wall clock; or "cpu", which does not count while others have the core: on a busy machine the
        steadier measure of one thread.

    Returns
    -------
    dict
        ``times``: seconds of each peer in each round; ``errors``: how far its numbers are off.
    """
    ready, numbers, errors = [], {}, {}
    for peer in peers:
        if "not" in peer("load", task=task, case=case.to_dict()):
            continue
        if not peer.name.startswith("floor"):
            errors[peer.name] = verify(peer, case, reference(case, task))
        numbers[peer.name] = peer("calibrate", least=SAMPLE)["number"]
        ready.append(peer)
    times: dict[str, list[float]] = {peer.name: [] for peer in ready}
    began = time.perf_counter()
    for k in range(rounds):
        if 3 * k >= rounds and time.perf_counter() - began > budget:
            break
        for peer in ready[:: -1 if k % 2 else 1]:
            times[peer.name].append(peer("time", number=numbers[peer.name])[clock])
    return {"times": times, "errors": errors}
