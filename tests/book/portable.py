"""Does every notebook print the same on other machines? nbval under other kernels, fewer vector units, and noise.

    python tests/book/portable.py Nehalem moved --nbval …     settings by words in their names, all of them without

What comes from the first option on goes to pytest; the exit code is 1 on any difference.

Another processor adds in another order, with or without fused products, and takes its tanh from another table: the last
bit differs. The settings bring such machines here as far as this processor has their instructions; one that it lacks is
reported as NOT RUN. The last settings are machines that do not exist: each moves about half of all results of tanh, exp
and np.dot by one unit in the last place (`noise/sitecustomize.py`). Along with the notebooks, the stored results'
points that the tests derive again.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import re
import subprocess
import sys
import time
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
LOGS = ROOT / "_build" / "portable"
ARM = platform.machine().lower() in {"arm64", "aarch64"}
KERNELS = ("NEOVERSEN1", "NEOVERSEV1", "ARMV8", "ARMV8SVE") if ARM else ("Haswell", "Zen", "SkylakeX", "Nehalem")
# names of NumPy's units, old and new, by what a machine without them lacks
UNITS = (
    {"SVE": "SVE.*", "any unit beyond the baseline": ".*"}
    if ARM
    else {"AVX-512": "AVX512.*|X86_V4", "AVX2 and FMA3": "AVX512.*|X86_V[34]|AVX2|FMA3"}
)
CHOOSING = ("OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NOISE")


class Setting(NamedTuple):
    """A machine to try: its name, and the environment that makes it."""

    name: str
    environment: dict[str, str]


# --- what runs in a child ------------------------------------------------------------------------------------------


def report() -> dict[str, Any]:
    """Use NumPy, and tell OpenBLAS's kernel and NumPy's units; an instruction that is not there kills the process."""
    import numpy as np
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    for dtype in (np.float32, np.float64):
        for n in (1, 7, 64, 200):
            x = np.linspace(-1, 1, n * n, dtype=dtype).reshape(n, n)
            np.tanh(x @ x), np.exp(x @ x[0]), x[0] @ x[0]
    return {"kernel": kernel(np), "units": [name for name in __cpu_dispatch__ if __cpu_features__[name]]}


def kernel(numpy: Any) -> str | None:
    """Return the name of the kernel that OpenBLAS runs, None where NumPy brings no OpenBLAS."""
    package = Path(numpy.__file__).parent
    for path in (*package.parent.glob("numpy.libs/*openblas*"), *package.glob(".dylibs/*openblas*")):
        library = ctypes.CDLL(str(path))
        for name in ("scipy_openblas_get_corename64_", "openblas_get_corename64_", "openblas_get_corename"):
            if hasattr(library, name):
                function = getattr(library, name)
                function.restype = ctypes.c_char_p
                return str(function().decode())
    return None


# --- settings ------------------------------------------------------------------------------------------------------


def environment(**chosen: str) -> dict[str, str]:
    """The environment without what chooses a kernel, units or threads, and with what is given."""
    kept = {name: value for name, value in os.environ.items() if name not in CHOOSING}
    return kept | chosen


def probe(chosen: dict[str, str]) -> dict[str, Any] | str:
    """Return what NumPy runs under a setting, or why it does not."""
    done = subprocess.run(
        [sys.executable, __file__, "--report"], env=environment(**chosen), capture_output=True, text=True, check=False
    )
    if done.returncode < 0:
        return f"the processor lacks its instructions (signal {-done.returncode})"
    if done.returncode:
        return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    return dict(json.loads(done.stdout))


@cache
def own() -> dict[str, Any]:
    """What NumPy runs here when nobody chooses."""
    found = probe({})
    if isinstance(found, str):
        raise RuntimeError(f"NumPy does not run here: {found}")
    return found


def without(pattern: str) -> dict[str, str]:
    """The environment that takes away those of NumPy's units that match and that are in use here."""
    return {"NPY_DISABLE_CPU_FEATURES": " ".join(name for name in own()["units"] if re.fullmatch(pattern, name))}


def settings() -> list[Setting]:
    """All that is tried: each kernel and set of units with one thread and with two; moved bits three ways."""
    made = [Setting(f"kernel {name}", {"OPENBLAS_CORETYPE": name}) for name in KERNELS]
    made += [Setting(f"without {name}", without(pattern)) for name, pattern in UNITS.items()]
    made = [
        Setting(f"{name}, {count} thread{'s' * (count > 1)}", {**chosen, **threads(count)})
        for name, chosen in made
        for count in (1, 2)
    ]
    noise = {"PYTHONPATH": noisy_path(), **threads(1)}
    return made + [Setting(f"last bits moved, {way}", {"NOISE": way, **noise}) for way in "123"]


def threads(count: int) -> dict[str, str]:
    """The environment that gives OpenBLAS so many threads."""
    return {"OPENBLAS_NUM_THREADS": str(count), "OMP_NUM_THREADS": str(count)}


def noisy_path() -> str:
    """PYTHONPATH with the folder in front whose sitecustomize.py moves last bits."""
    return os.pathsep.join(filter(None, [str(Path(__file__).with_name("noise")), os.environ.get("PYTHONPATH", "")]))


def missing(chosen: dict[str, str]) -> str | None:
    """Why a setting cannot be tried here; None where it can."""
    found = probe(chosen)
    if isinstance(found, str):
        return found
    wanted = chosen.get("OPENBLAS_CORETYPE")
    if wanted and found["kernel"] is None:
        return "NumPy brings no OpenBLAS here"
    if wanted and found["kernel"].lower() != wanted.lower():
        return f"this OpenBLAS has no such kernel and would run {found['kernel']}"
    if "NPY_DISABLE_CPU_FEATURES" in chosen and found["units"] == own()["units"]:
        return "NumPy uses none of these units here: every other setting is one without"
    return None


@cache
def foreign() -> dict[str, str]:
    """One setting as unlike this machine as can be had, for the quick run: another kernel, and fewer units."""
    chosen: dict[str, str] = {}
    for name in reversed(KERNELS):
        if (own()["kernel"] or "").lower() != name.lower() and missing({"OPENBLAS_CORETYPE": name}) is None:
            chosen["OPENBLAS_CORETYPE"] = name
            break
    for pattern in UNITS.values():
        if missing(without(pattern)) is None:
            return chosen | without(pattern)
    return chosen


# --- the run -------------------------------------------------------------------------------------------------------


def differences(setting: Setting, arguments: list[str]) -> tuple[list[str], str]:
    """Run the notebooks and the stored points; return what failed, and pytest's last line."""
    what = ["book", "tests/experiments", "--ignore=book/_ext"]
    command = [sys.executable, "-m", "pytest", "-q", "-rfE", *what, *arguments]
    machine = environment(**setting.environment, PORTABLE="1")
    done = subprocess.run(command, cwd=ROOT, env=machine, capture_output=True, text=True, check=False)
    LOGS.mkdir(parents=True, exist_ok=True)
    (LOGS / f"{setting.name.replace(' ', '-').replace(',', '')}.txt").write_text(done.stdout + done.stderr, "utf8")
    lines = done.stdout.strip().splitlines() or [done.stderr.strip()]
    failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    return failed or ([f"pytest ended with {done.returncode}"] if done.returncode else []), lines[-1]


def is_ours(argument: str) -> bool:
    """Whether an argument is this program's; from the first option on that is not, all go to pytest."""
    return not argument.startswith("-") or argument in {"--report", "-h", "--help"}


def main() -> int:
    """Try every setting, a line each."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--report", action="store_true", help="tell what NumPy runs here, for the program itself")
    options.add_argument("words", nargs="*", help="only the settings whose names hold one of these")
    own_words = list(takewhile(is_ours, sys.argv[1:]))
    chosen, arguments = options.parse_args(own_words), sys.argv[1 + len(own_words) :]
    if chosen.report:
        print(json.dumps(report()))
        return 0
    print(f"This machine's own: kernel {own()['kernel']}, NumPy's units {', '.join(own()['units']) or 'the baseline'}")
    bad, left = 0, 0
    for setting in settings():
        if chosen.words and not any(word.lower() in setting.name.lower() for word in chosen.words):
            continue
        if why := missing(setting.environment):
            left += 1
            print(f"{setting.name:34}!!! NOT RUN: {why} !!!", flush=True)
            continue
        began = time.perf_counter()
        found, last = differences(setting, arguments)
        bad += bool(found)
        words = f"{len(found)} DIFFERENT" if found else "no difference"
        print(f"{setting.name:34}{words} in {time.perf_counter() - began:.0f} s: {last}", flush=True)
        print("".join(f"    {line}\n" for line in found), end="", flush=True)
    print(f"{bad} settings differ; the outputs are in {LOGS.relative_to(ROOT)}" if bad else "No difference.")
    if left:
        print(f"!!! {left} SETTINGS WERE NOT RUN: this machine cannot run them !!!")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
