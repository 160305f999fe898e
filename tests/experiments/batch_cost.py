"""What a step costs by the size of the batch, and what buckets save: times, so no claim and no test hangs on them.

    cd tests && python -m experiments.batch_cost

A recurrent layer goes forwards and back over sequences in float32, on one thread. What counts is processor time, the
least of some rounds, in which the sizes take turns: so the load of the machine matters little. The result is a JSON
file beside the chapter, with the machine and the day.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np

from rnncourse import RNN
from rnncourse.data import buckets, pad

from .tidy import BOOK, machine

SIZES, T, N_X, N_A, ROUNDS = (1, 2, 4, 8, 16, 32, 64, 128, 256), 32, 64, 128, 40
EXAMPLES, BATCH, LONGEST = 512, 32, 100
PATH = BOOK / "foundations" / "results" / "batch-cost.json"


def both_ways(layer: RNN, x: Any, lengths: Any = None) -> None:
    run = layer.forward(x, lengths=lengths)
    layer.backward(run, np.ones_like(run.a), inputs=False)


def least(jobs: dict[Any, Callable[[], None]], rounds: int) -> dict[Any, float]:
    """Return the least seconds of each job; the jobs take turns, each for at least a tenth of a second a round."""
    found = dict.fromkeys(jobs, np.inf)
    for _ in range(rounds):
        for name, job in jobs.items():
            start, times = time.process_time(), 0
            while times == 0 or time.process_time() - start < 0.05:
                job()
                times += 1
            found[name] = min(found[name], (time.process_time() - start) / times)
    return found


def epochs(layer: RNN, rng: np.random.Generator) -> dict[str, Callable[[], None]]:
    """Return a pass over all examples, in random batches and in buckets."""
    sizes = np.minimum(1 + rng.geometric(1 / 20, EXAMPLES), LONGEST)
    sequences = [rng.normal(size=(n, N_X)).astype(np.float32) for n in sizes]
    shuffled = rng.permutation(EXAMPLES)
    ways = {
        "random": [shuffled[k : k + BATCH] for k in range(0, EXAMPLES, BATCH)],
        "buckets": buckets(sizes, BATCH, rng),
    }
    batches = {name: [pad([sequences[i] for i in part]) for part in way] for name, way in ways.items()}
    return {
        name: lambda batch=batch: [both_ways(layer, *each) for each in batch] and None
        for name, batch in batches.items()
    }


def main() -> None:
    rng = np.random.default_rng(0)
    layer = RNN.init(N_X, N_A, rng, dtype=np.float32)
    inputs = {B: rng.normal(size=(T, B, N_X)).astype(np.float32) for B in SIZES}
    steps = least({B: lambda x=x: both_ways(layer, x) for B, x in inputs.items()}, ROUNDS)
    passes = least(epochs(layer, rng), 20)
    PATH.write_text(
        json.dumps(
            {
                "what": "microseconds of processor time for a step of one example, forwards and back, by the size of"
                " the batch; milliseconds for a pass over all examples, in random batches and in buckets",
                "command": "cd tests && python -m experiments.batch_cost",
                "date": f"{datetime.now(UTC):%Y-%m-%d}",
                "machine": machine(),
                "load": round(os.getloadavg()[0], 1),
                "versions": {"python": platform.python_version(), "numpy": np.__version__},
                "settings": {"T": T, "n_x": N_X, "n_a": N_A, "dtype": "float32", "threads": 1, "batch": BATCH},
                "microseconds": {str(B): round(1e6 * seconds / T / B, 2) for B, seconds in steps.items()},
                "milliseconds": {name: round(1e3 * seconds, 1) for name, seconds in passes.items()},
            },
            indent=1,
        )
        + "\n",
        "utf8",
    )
    print(PATH.read_text("utf8"))


if __name__ == "__main__":
    main()
