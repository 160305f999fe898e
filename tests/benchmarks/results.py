"""The file that a run leaves behind, and that the tables, the plots and the book read.

    {"schema": 1, "machine": {cpu, cores, …}, "versions": {…}, "parts": {name: part}}

A part says when, at which commit and under which load it was measured, and holds rows: see `PARTS`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "results"
SCHEMA = 1
Results = dict[str, Any]

POINT = {"case", "threads", "ours", "seconds", "ratios", "errors"}
PARTS = {  # what each row of a part has
    "training": POINT,  # float32, one thread: the 18 points
    "reset before": POINT,  # the book's GRU, which PyTorch does not have
    "job": POINT,  # a whole training step of a model of characters: loss, clipping and Adam as well
    "float64": POINT,
    "two threads": POINT,
    "halves": POINT,  # two threads of the package's own, beside one thread and beside BLAS's two
    "ablation": POINT,  # the first program is the cell in a loop: its ratios are speed-ups
    "latency": POINT,
    "saved": {"case", "bytes"},
    "long": {"case", "seconds_a_step", "bytes_a_step", "ratio", "errors"},
    "import": {"seconds", "ratio"},
}
MEASURED = {"date", "commit", "load", "load after", "settings", "rows"}


def problems(results: Results) -> list[str]:
    """Return what keeps a file from being read by the tables."""
    found = [f"no {key}" for key in ("schema", "machine", "versions", "parts") if key not in results]
    if found or results["schema"] != SCHEMA:
        return found or [f"schema {results['schema']}, expected {SCHEMA}"]
    for name, part in results["parts"].items():
        if name not in PARTS:
            found.append(f"unknown part {name}")
        elif missing := MEASURED - part.keys():
            found.append(f"{name}: no {', '.join(sorted(missing))}")
        else:
            found += [f"{name}: a row with {sorted(row)}" for row in part["rows"] if row.keys() != PARTS[name]]
    return found


def path_for(machine: dict[str, Any], date: str) -> Path:
    """Name the file by date and processor."""
    processor = re.sub(r"[^a-z0-9]+", "-", machine["cpu"].lower()).strip("-")
    return FOLDER / f"{date[:10]}-{processor}.json"


def latest(folder: Path = FOLDER) -> Path | None:
    """Return the newest file, by the date in its name."""
    return max(folder.glob("*.json"), default=None)


def read(path: Path) -> Results:
    """Read a file and check its form."""
    results = json.loads(path.read_text("utf8"))
    if found := problems(results):
        raise ValueError(f"{path.name}: {'; '.join(found)}")
    return results


def write(path: Path, results: Results) -> None:
    """Write a file, a row a line, so that two runs can be compared."""
    if found := problems(results):
        raise ValueError(f"{path.name}: {'; '.join(found)}")
    text = json.dumps(results, indent=1, ensure_ascii=False)
    # join what stands deeper than a row's own level
    text = re.sub(r"\n {5,}", " ", text)
    text = re.sub(r"\n {4}([}\]])", r" \1", text)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text + "\n", "utf8")
