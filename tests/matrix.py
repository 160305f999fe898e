"""The package on every Python of this machine, oldest NumPy and newest: ``python tests/matrix.py [WORDS]``.

For each interpreter that is found, and for each of the two, a plain virtual environment gets the wheel, NumPy, the
extra `storage` and pytest, and the tests of the package run there, out of reach of the checkout. Interpreters are those
on the PATH, those of pyenv, and what PYTHONS names (paths, with spaces between). WORDS choose among the settings:
``3.12 oldest``. Exit 1 if a test fails; what was not found is named.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import release

VERSIONS = ("3.11", "3.12", "3.13", "3.14")
# The oldest NumPy that the package takes and that has wheels for that Python, and the oldest of what else is needed.
OLDEST = {"3.11": "2.0.0", "3.12": "2.0.0", "3.13": "2.1.0", "3.14": "2.3.2"}
SAFETENSORS = "0.5.0"
# The book's tests and the repository's; what is left needs NumPy alone, or skips what it misses.
REST = ("bug_museum", "diagrams", "package", "readme", "release", "translations", "widgets")
ALL = sorted(path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py"))
TESTS = tuple(name for name in ALL if name not in REST)
CONTRACT = ("oracle", "edges", "padding", "dtypes", "numbers")


def interpreters() -> dict[str, str]:
    """Return the interpreters of this machine, by version."""
    named = os.environ.get("PYTHONS", "").split()
    on_path = [shutil.which(f"python{v}") for v in VERSIONS]
    pyenv = sorted(Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/*/bin/python3"))
    found: dict[str, str] = {}
    for path in [*named, sys.executable, *map(str, pyenv), *filter(None, on_path)]:
        told = subprocess.run(
            [path, "-c", "import sys; print(*sys.version_info[:2], sep='.')"], capture_output=True, text=True
        )
        if told.returncode == 0 and told.stdout.strip() in VERSIONS:
            found.setdefault(told.stdout.strip(), path)
    return found


def tried(version: str, python: str, which: str, wheel: Path, folder: Path) -> bool:
    """Run the tests in one environment, and print how it went."""
    start = time.perf_counter()
    subprocess.run([python, "-m", "venv", folder / "venv"], check=True)
    inside = folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    pins = [f"numpy=={OLDEST[version]}", f"safetensors=={SAFETENSORS}"] if which == "oldest" else ["--upgrade", "numpy"]
    quiet = ["--quiet", "--disable-pip-version-check"]
    packages = [f"rnncourse[storage] @ {wheel.as_uri()}", "pytest", "hypothesis", *pins]
    done = subprocess.run([inside, "-m", "pip", "install", *quiet, *packages], capture_output=True, text=True)
    if done.returncode:
        print(f"Python {version}, {which} NumPy: cannot be installed\n{done.stderr[-2000:]}")
        return False
    shutil.copytree(
        release.ROOT / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__", "book", "benchmarks")
    )
    shutil.copy(release.ROOT / "pyproject.toml", folder)
    files = [f"tests/test_{name}.py" for name in TESTS] + [f"tests/contract/test_{name}.py" for name in CONTRACT]
    environment = {key: v for key, v in os.environ.items() if key != "PYTHONPATH"} | {"OMP_NUM_THREADS": "1"}
    command = [inside, "-m", "pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider", *files]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    numpy = subprocess.run([inside, "-c", "import numpy; print(numpy.__version__)"], capture_output=True, text=True)
    last = done.stdout.strip().splitlines()[-1:] or [done.stderr[-500:]]
    print(
        f"Python {version}, NumPy {numpy.stdout.strip()}: {last[0]} ({time.perf_counter() - start:.0f} s)", flush=True
    )
    if done.returncode:
        print(done.stdout[-3000:])
    return done.returncode == 0


def main(words: list[str]) -> int:
    """Try all settings that have one of the words."""
    found, good, ran = interpreters(), True, 0
    with tempfile.TemporaryDirectory() as temporary:
        wheel = release.build(release.ROOT, Path(temporary, "dist"))[1]
        for version, python in sorted(found.items()):
            for which in ("oldest", "newest"):
                if all(word in (version, which) for word in words):
                    folder = Path(temporary, f"{version}-{which}")
                    folder.mkdir()
                    good, ran = tried(version, python, which, wheel, folder) and good, ran + 1
                    shutil.rmtree(folder, ignore_errors=True)
    missing = [version for version in VERSIONS if version not in found]
    print(f"{ran} settings tried; not found on this machine: {', '.join(missing) or 'none'}")
    return int(not good or not ran)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
