"""Tidy results: an experiment is a grid of runs; its file has a line that says how it was made, then a line a run.

    make experiments                            all of them, one after another; says how long each takes
    make experiments NAMES='forget-bias-lag'    some of them

The files are JSON lines, below 100 KB, in `results` beside the chapter that shows them. A run that was interrupted goes
on where it stopped: until it is whole, its rows stand in a file that ends in `.part`.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from rnncourse import __version__

BOOK = Path(__file__).parents[2] / "book"
MOST_BYTES = 100_000
Row = dict[str, Any]


@dataclass(frozen=True)
class Experiment:
    """A grid of runs, what each of them gives, and which of them is made again by the tests.

    `run` takes the factors of a row by name and returns its outcomes. `again` are the factors of the row that is made
    again, `tolerance` says by how much its outcomes may differ on another machine (None: that one is not compared), and
    `clear` holds of a row that is not borderline: one more or less of what rounding changes would not turn its outcome.
    """

    name: str
    part: str  # the folder of the book
    what: str  # the outcomes, in words
    settings: Mapping[str, Any]
    grid: tuple[Row, ...]
    run: Callable[..., Row]
    again: Row
    tolerance: Mapping[str, float | None]
    clear: Callable[[Row], bool]

    @property
    def path(self) -> Path:
        return BOOK / self.part / "results" / f"{self.name}.jsonl"

    @property
    def command(self) -> str:
        return f"make experiments NAMES={self.name}"


def read(path: Path) -> tuple[Row, list[Row]]:
    """Return what a file says about itself, and its rows."""
    about, *rows = (json.loads(line) for line in path.read_text("utf8").splitlines())
    return about, rows


def write(path: Path, about: Row, rows: list[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in (about, *rows)) + "\n", "utf8")


def machine() -> str:
    """Name the processor, where the system tells it."""
    info = Path("/proc/cpuinfo")
    names = (
        [line.split(": ")[1] for line in info.read_text().splitlines() if line.startswith("model name")]
        if info.exists()
        else []
    )
    return names[0] if names else platform.processor() or platform.machine()


def about(experiment: Experiment, seconds: float) -> Row:
    return {
        "name": experiment.name, "what": experiment.what, "command": experiment.command,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "minutes": round(seconds / 60, 2),  # of one processor
        "machine": machine(),
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "rnncourse": __version__},
        "seeds": sorted({row["seed"] for row in experiment.grid}),
        "settings": dict(experiment.settings),
    }  # fmt: skip


def make(experiment: Experiment) -> float:
    """Run all of the grid that has not been run, store it, and return the seconds of processor time in all."""
    part = experiment.path.with_suffix(".part")
    before, rows = read(part) if part.exists() else ({"seconds": 0.0}, [])
    start, written = time.process_time() - before["seconds"], time.monotonic()
    for factors in experiment.grid[len(rows) :]:
        rows.append(factors | experiment.run(**factors))
        if time.monotonic() - written > 20:
            write(part, {"seconds": time.process_time() - start}, rows)
            written = time.monotonic()
            print(f"{experiment.name}: {len(rows)} of {len(experiment.grid)}", flush=True)
    seconds = time.process_time() - start
    write(experiment.path, about(experiment, seconds), rows)
    part.unlink(missing_ok=True)
    return seconds


def rounded(value: float) -> float:
    """Keep four digits: more would differ from machine to machine, and fill the file."""
    return float(f"{value:.4g}")
