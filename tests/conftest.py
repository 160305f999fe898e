"""What all tests share: a loud line where PyTorch is missing; with DURATIONS=<file>, where the time went."""

import json
import os
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

BEGAN = time.perf_counter()
MOST = 10  # places in each list


def durations(reports):
    """Add up what each test, each file and each folder took: its own time, its fixtures and its end."""
    tests, files, folders = Counter(), Counter(), Counter()
    for report in reports:
        file = report.nodeid.split("::")[0]
        tests[report.nodeid] += report.duration
        files[file] += report.duration
        folders["the notebooks" if file.endswith(".ipynb") else os.path.dirname(file) or "."] += report.duration
    return tests, files, folders


def write_durations(path, reports):
    """Store the slowest tests, notebooks' cells among them, the slowest files and folders."""
    tests, files, folders = durations(reports)
    about = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "processors": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
    }
    about |= {"tests": len(tests), "seconds": round(time.perf_counter() - BEGAN), "work": round(sum(tests.values()))}
    lists = {
        name: [[what, round(seconds, 1)] for what, seconds in found.most_common(MOST)]
        for name, found in (("folders", folders), ("files", files), ("slowest", tests))
    }
    Path(path).write_text(json.dumps(about | lists, indent=1) + "\n", "utf8")


def pytest_collection_modifyitems(items):
    """Refuse names that change from run to run: two workers would not agree on what there is to run."""
    if changing := [item.nodeid for item in items if " at 0x" in item.nodeid]:
        raise pytest.UsageError(f"a place in memory in the name of a test: {changing[0]}")


def pytest_terminal_summary(terminalreporter):
    if os.environ.get("DURATIONS"):
        every = [report for found in terminalreporter.stats.values() for report in found if hasattr(report, "duration")]
        write_durations(os.environ["DURATIONS"], every)
    missed = sum(
        "PyTorch is not installed" in str(report.longrepr) for report in terminalreporter.getreports("skipped")
    )
    if missed:
        message = f"NOT RUN: {missed} live comparisons with PyTorch (install torch); its stored results were compared"
        terminalreporter.write_line(message, red=True, bold=True)
