"""The package as a wheel beside the pages: what the downloaded notebooks install. Built offline, and the same each time."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

NEEDED = ("pyproject.toml", "README.md", "LICENSE")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first date that a zip file can hold
BUILD = (
    "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
)


def build(root: Path, out: Path) -> Path:
    """Build the wheel of the package at `root` into the folder `out`, and return its path.

    It is built from a copy, so that nothing of an earlier build gets in and nothing of this one is left behind.
    """
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder, "work")
        shutil.copytree(root / "rnncourse", work / "rnncourse", ignore=LEFT_OUT)
        for name in NEEDED:
            shutil.copy(root / name, work)
        Path(folder, "out").mkdir()
        command = [sys.executable, "-c", BUILD, str(Path(folder, "out"))]
        done = subprocess.run(command, cwd=work, capture_output=True, text=True)
        if done.returncode:
            from sphinx.errors import ExtensionError

            raise ExtensionError(f"The wheel cannot be built:\n{done.stderr}")
        (wheel,) = Path(folder, "out").glob("*.whl")
        for old in out.glob("rnncourse-*.whl"):
            old.unlink()
        target = out / wheel.name
        target.write_bytes(settled(wheel))
    return target


def settled(wheel: Path) -> bytes:
    """Return the archive without what differs from build to build: dates, rights, order."""
    bytes_ = io.BytesIO()
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(bytes_, "w") as target:
        for name in sorted(
            source.namelist(), key=lambda name: (".dist-info/" in name, name)
        ):
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.compress_type, entry.create_system, entry.external_attr = (
                zipfile.ZIP_DEFLATED,
                3,
                0o100644 << 16,
            )
            target.writestr(entry, source.read(name))
    return bytes_.getvalue()
