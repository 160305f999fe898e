"""Build the sdist and the wheel, the same bytes each time: ``python tests/release.py [FOLDER]`` (dist, if not said).

They are built from a copy of what git tracks, so that nothing else gets in, and without isolation, by the setuptools of
this environment. What differs from build to build, dates, owners, rights and order, is taken out of the archives.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "book" / "_ext"))
import rnn_wheel  # noqa: E402

SECONDS = 315532800  # 1980, the first date that a zip file can hold
BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_{}(sys.argv[1]))"
PARTS = (
    "rnncourse",
    "book",
    "setup.py",
    "pyproject.toml",
    "MANIFEST.in",
    "README.md",
    "LICENSE",
    "*.md",
    "CITATION.cff",
)


def tracked(root: Path) -> list[str]:
    """The files that git tracks and a distribution can be made of."""
    done = subprocess.run(["git", "ls-files", "-z", *PARTS], cwd=root, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.split("\0") if name and (root / name).is_file()]


def build(root: Path, out: Path) -> list[Path]:
    """Build both, the wheel from the sdist, and return their paths."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder, "work")
        for name in tracked(root):
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, work / name)
        sdist = run("sdist", work, Path(folder, "sdist"))
        (out / sdist.name).write_bytes(settled_tar(sdist))
        with tarfile.open(sdist) as archive:
            archive.extractall(Path(folder, "again"), filter="data")
        (again,) = Path(folder, "again").iterdir()
        wheel = run("wheel", again, Path(folder, "wheel"))
        (out / wheel.name).write_bytes(rnn_wheel.settled(wheel))
    return [out / sdist.name, out / wheel.name]


def run(what: str, work: Path, out: Path) -> Path:
    out.mkdir()
    command = [sys.executable, "-c", BUILD.format(what), str(out)]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"The {what} cannot be built:\n{done.stderr}")
    (path,) = out.iterdir()
    return path


def settled_tar(path: Path) -> bytes:
    plain, out = io.BytesIO(), io.BytesIO()
    with tarfile.open(path) as source, tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as target:
        for member in sorted(source.getmembers(), key=lambda member: member.name):
            if member.isfile():
                entry = tarfile.TarInfo(member.name)
                entry.size, entry.mtime, entry.mode = member.size, SECONDS, 0o644
                target.addfile(entry, source.extractfile(member))
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=SECONDS, filename="") as file:
        file.write(plain.getvalue())
    return out.getvalue()


if __name__ == "__main__":
    for made in build(ROOT, Path(sys.argv[1] if len(sys.argv) > 1 else "dist")):
        print(f"{hashlib.sha256(made.read_bytes()).hexdigest()}  {made}  {made.stat().st_size / 1e6:.2f} MB")
