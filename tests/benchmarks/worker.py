"""One program in a process of its own: does what it is told by lines of JSON, and measures itself.

python -m benchmarks.worker pytorch        started by the harness, with threads fixed in the environment
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
import tracemalloc
from typing import Any

import numpy as np

from .cases import Case, arrays


class Worker:
    """A peer and the case that it works on."""

    def __init__(self, peer: str) -> None:
        name, _, variant = peer.partition("-")
        self.name, self.options = name, {"variant": int(variant)} if variant else {}
        self.module = importlib.import_module(f".peers.{name}", __package__)
        self.step: Any = None
        self.numbers: Any = None

    def about(self) -> dict[str, Any]:
        """Tell where the package came from."""
        return {"source": getattr(sys.modules.get("rnncourse"), "__file__", None)}

    def load(self, task: str, case: dict[str, Any]) -> dict[str, Any]:
        """Get ready for a case and run it once."""
        wanted = Case(**case)
        try:
            self.step, self.numbers = getattr(self.module, task)(wanted, arrays(wanted), **self.options)
        except NotImplementedError as reason:
            return {"not": str(reason)}
        self.step()
        gc.collect()
        gc.disable()
        return {}

    def saved(self, case: dict[str, Any]) -> dict[str, Any]:
        """Return the bytes that a forward pass keeps for the backward pass."""
        wanted = Case(**case)
        return {"bytes": self.module.saved_bytes(wanted, arrays(wanted))}

    def peak(self) -> dict[str, Any]:
        """Return the most memory that NumPy held during one repetition, inputs and parameters apart."""
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        self.step()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return {"bytes": most - before}

    def save(self, path: str) -> dict[str, Any]:
        """Write what came out, to be compared."""
        np.savez(path, **self.numbers())
        return {}

    def calibrate(self, least: float) -> dict[str, Any]:
        """Find how many repetitions take at least so many seconds."""
        number = 1
        while (took := self.time(number)["seconds"]) * number < least:
            number = max(number + 1, min(10 * number, int(1.1 * least / max(took, 1e-9)) + 1))
        return {"number": number}

    def time(self, number: int) -> dict[str, Any]:
        """Return the seconds of one repetition: those of the wall clock, and those on a processor."""
        step = self.step
        start, cpu = time.perf_counter(), time.process_time()
        for _ in range(number):
            step()
        took, cpu = time.perf_counter() - start, time.process_time() - cpu
        return {"seconds": took / number, "cpu": cpu / number}


def main(peer: str) -> None:
    """Answer each line of standard input by a line; what libraries print goes to the error stream."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    try:
        worker = Worker(peer)
        answers.write(json.dumps(worker.about()) + "\n")
    except ImportError as error:
        answers.write(json.dumps({"missing": str(error)}) + "\n")
        return
    for line in sys.stdin:
        call = json.loads(line)
        gc.collect()
        answers.write(json.dumps(getattr(worker, call.pop("do"))(**call)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
