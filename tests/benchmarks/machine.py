"""Where and when something was measured."""

from __future__ import annotations

import datetime
import os
import platform
import re
import subprocess
from typing import Any

import numpy as np

from .harness import ROOT


def machine() -> dict[str, Any]:
    """Describe the hardware and what NumPy multiplies matrices with."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]  # type: ignore[index, call-overload]
    return {
        "cpu": cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "blas": f"{blas['name']} {blas['version']}",
    }


def cpu() -> str:
    """Name the processor."""
    try:
        with open("/proc/cpuinfo", encoding="utf8") as file:
            return re.search(r"model name\s*:\s*(.*)", file.read())[1].strip()
    except (OSError, TypeError):
        return platform.processor() or platform.machine()


def moment() -> dict[str, Any]:
    """Describe the present: date, commit, load."""
    git = ["git", "-C", str(ROOT)]
    commit = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True).stdout.strip()
    changed = subprocess.run(
        [*git, "status", "--porcelain", "rnncourse"], capture_output=True, text=True
    ).stdout.strip()
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": (commit or "unknown") + (" and changes" if changed else ""),
        "load": [round(load, 2) for load in os.getloadavg()] if hasattr(os, "getloadavg") else [],
    }


def versions() -> dict[str, str]:
    """Name the versions of the programs that are installed here."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for package in ("numpy", "torch", "jax", "autograd", "numpy-ml", "onnxruntime"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
