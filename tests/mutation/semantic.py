"""Apply each mutant of the table to a copy of the package and run the tests that should see it.

    python -m mutation.semantic [words]     in tests/: all mutants, or those whose file or description has a word

Exit 1 if a mutant survives, does not apply or does not import. PROCESSES=1 in the environment: one core.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from .table import MUTANTS, Mutant, problems

ROOT = Path(__file__).parents[2]
PROCESSES = int(os.environ.get("PROCESSES", "2"))
SECONDS = 900  # a mutant that makes a test hang is killed too
PYTEST = ["-m", "pytest", "-x", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider", "-rf"]
PASSED, FAILED, NO_TESTS = 0, 1, 5


class Verdict(NamedTuple):
    """What became of a mutant."""

    mutant: Mutant
    killed: bool
    by: str


def copy_of_the_project(folder: Path) -> Path:
    """Copy what the tests need: the package, the tests, pytest's settings."""
    skip = shutil.ignore_patterns("__pycache__", "equations", "book", "mutation")
    for name in ("rnncourse", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=skip)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def python(folder: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Run Python on the copy; nothing is compiled to disk, so that an edit within a second is not overlooked."""
    environment = os.environ | {
        "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # to import them takes longer than to run the tests
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS
    )


def judge(mutant: Mutant, folder: Path) -> Verdict:
    """Apply the mutant, run its tests, take it back."""
    path = folder / "rnncourse" / mutant.file
    source = path.read_text(encoding="utf-8")
    if problem := problems(mutant, source):
        return Verdict(mutant, False, f"DOES NOT APPLY: {problem}")
    path.write_text(source.replace(mutant.old, mutant.new), encoding="utf-8")
    paths, options = split(mutant.tests)
    try:
        for tests in paths:  # one file at a time: to collect all takes longer than to run the killer
            result = python(folder, [*PYTEST, tests, *options])
            if result.returncode not in (PASSED, NO_TESTS):
                break
    except subprocess.TimeoutExpired:
        return Verdict(mutant, True, f"(more than {SECONDS} s)")
    finally:
        path.write_text(source, encoding="utf-8")
    failed = [line.split(" - ")[0] for line in result.stdout.splitlines() if line.startswith("FAILED ")]
    if result.returncode == FAILED and failed:
        return Verdict(mutant, True, failed[0].removeprefix("FAILED "))
    if result.returncode in (PASSED, NO_TESTS):
        return Verdict(mutant, False, "SURVIVES")
    return Verdict(mutant, False, f"NO VERDICT: {(result.stdout + result.stderr)[-500:]}")


def split(tests: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split pytest's arguments into what to run and the options."""
    at = next((at for at, each in enumerate(tests) if each.startswith("-")), len(tests))
    return tests[:at], tests[at:]


def main(words: list[str]) -> int:
    """Judge the mutants, print a line each, and say whether all were killed."""
    chosen = [m for m in MUTANTS if not words or any(word in f"{m.file}: {m.what}" for word in words)]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        folders: SimpleQueue[Path] = SimpleQueue()
        for k in range(PROCESSES):
            folders.put(copy_of_the_project(Path(temporary, str(k))))

        where = python(Path(temporary, "0"), ["-c", "import rnncourse; print(rnncourse.__file__)"]).stdout
        if not where.startswith(str(Path(temporary).resolve())):
            raise SystemExit(f"the tests would import {where.strip() or 'nothing'}, not the copy")

        def with_a_folder(mutant: Mutant) -> Verdict:
            folder = folders.get()
            try:
                return judge(mutant, folder)
            finally:
                folders.put(folder)

        verdicts = []
        with ThreadPoolExecutor(PROCESSES) as pool:
            for done in as_completed([pool.submit(with_a_folder, mutant) for mutant in chosen]):
                verdict = done.result()
                m = verdict.mutant
                print(
                    f"{'killed  ' if verdict.killed else 'SURVIVES'} {m.file}: {m.what}\n         {verdict.by}",
                    flush=True,
                )
                verdicts.append(verdict)
    survivors = [v for v in verdicts if not v.killed]
    print(f"\n{len(verdicts) - len(survivors)} of {len(verdicts)} killed in {time.monotonic() - began:.0f} s")
    for v in survivors:
        print(f"{v.mutant.file}: {v.mutant.what}: {v.by}")
    return bool(survivors) or not verdicts


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
