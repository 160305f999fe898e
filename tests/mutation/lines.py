"""The line-mutation score of the maths modules, by mutmut, in a copy of the project.

    python -m mutation.lines [modules]      in tests/, in an environment with mutmut; all modules, or those named

For each module mutmut changes one operator, number, argument or assignment at a time and runs the fast tests that are
about the module. Left out are the lines that check arguments or word an error (the battery of bad inputs is for them).
Every mutant that survives has to stand in survivors.toml, with the reason. Exit 1 if one does not, if an entry for the
module explains nothing, or if the share of killed mutants among those that are not explained is below 95 %. With
PROCESSES=1 in the environment it keeps to one core (2, if nothing is said).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import NamedTuple

from .semantic import ROOT, copy_of_the_project

HERE = Path(__file__).parent
BAR = 0.95
CONTRACT = [
    f"tests/contract/test_{name}.py" for name in ("oracle", "edges", "padding", "check_layer", "gradients", "dtypes")
]
SLOW = (
    "live",
    "made_again",
    "stored_files",
    "central",
    "memory_layout",
    "hundred_thousand",
    "memory_beyond",
    "only_the_cases",  # which wants the whole registry
)
MEASURED = ("gradient_agrees",)  # the slowest of the battery; where an oracle's gradients do as well


class Tests(NamedTuple):
    """What to run for a module: files as pytest takes them, and the layers to leave in the contract's registry."""

    files: list[str] = []  # noqa: RUF012, besides the module's own
    cases: str = ""  # a regular expression for the whole name
    without: tuple[str, ...] = ()  # words in the names of tests to leave out

    @property
    def arguments(self) -> list[str]:
        """Pytest's arguments."""
        files = [*dict.fromkeys(self.files), *(CONTRACT if self.cases else [])]
        words = (*SLOW, *self.without)
        return [*files, "-k", " and ".join(f"not {word}" for word in words)]


def found(*words: str) -> list[str]:
    """Return the tests of test_layers.py and test_fast.py that have one of the words in their names."""
    tests = []
    for file in ("tests/test_layers.py", "tests/test_fast.py"):
        names = re.findall(r"^def (test_\w+)", (ROOT / file).read_text(encoding="utf-8"), re.M)
        tests += [f"{file}::{name}" for name in names if any(word in name for word in words)]
    return tests


def looped(*layers: str) -> list[str]:
    """Return the tests of test_fast.py that loop a layer's cell, for the layers with these names."""
    file = "tests/test_fast.py"
    return [
        f"{file}::test_complex_numbers_loop_the_cell",
        *(f"{file}::test_the_fast_path_equals_the_looped_cells[{layer}]" for layer in layers),
    ]


RNNS, GRUS, LSTMS = "rnn-.*", "gru.*", "lstm.*"
UNITS = ["tests/test_sequence.py", "tests/test_rnn.py"]
CHECKS = [f"tests/contract/test_{name}.py" for name in ("bad_inputs", "immutability")]
CELL = found("complex_step", "methods", "options")
TESTS = {
    "activations.py": Tests(),
    "losses.py": Tests(),
    "layers/fast/rnn.py": Tests(found("chunk_of_slopes", "without_steps"), RNNS, ("gru", "lstm", *MEASURED)),
    "layers/fast/gru.py": Tests(found("chunk_of_slopes", "without_steps"), GRUS, ("rnn-", "lstm", *MEASURED)),
    "layers/fast/lstm.py": Tests(found("chunk_of_slopes", "without_steps"), LSTMS, ("rnn-", "gru-", *MEASURED)),
    "layers/fast/step.py": Tests(found("complex_step"), f"rnn-tanh|{GRUS}|{LSTMS}", MEASURED),
    "layers/fast/tape.py": Tests(found("chunk", "without_steps"), f"rnn-tanh|{GRUS}|{LSTMS}", MEASURED),
    "layers/rnn.py": Tests([*CELL, *looped("rnn-sigmoid"), *UNITS, "tests/test_initializers.py"], RNNS, MEASURED),
    "layers/gru.py": Tests([*CELL, *looped("gru-False", "gru-True")], GRUS, MEASURED),
    "layers/lstm.py": Tests(
        [*CELL, *looped("lstm--", "lstm-peepholes-coupled"), "tests/test_lstm.py"], LSTMS, MEASURED
    ),
    "layers/use_gate.py": Tests([], "use-gate"),
    "layers/dense.py": Tests(["tests/test_rnn.py", "tests/contract/test_bad_inputs.py", *found("options")], "dense-.*"),
    "layers/sequence.py": Tests([*found("previous", "quantity"), *UNITS], "rnn-tanh|use-gate|lstm"),
    "layers/recurrent.py": Tests(
        [
            *found("methods", "complex_step", "plain_step"),
            *looped("rnn-tanh"),
            *UNITS,
            *CHECKS,
            *(f"tests/test_{name}.py" for name in ("workspace", "initializers", "gru", "lstm", "use_gate")),
        ],
        "rnn-tanh|use-gate|gru",
        MEASURED,
    ),
    "layers/bidirectional.py": Tests([], "bidirectional-.*", MEASURED),
    "layers/deep.py": Tests([], "deep-.*", MEASURED),
    "layers/embedding.py": Tests([], "embedding|deep-embedding"),
    "layers/recurrent_dropout.py": Tests([], "recurrent-dropout", MEASURED),
    "layers/halves.py": Tests([], "halves-lstm", MEASURED),
    "optimizers.py": Tests(),
    "language_model.py": Tests(),
    "chunked.py": Tests(),
    "rtrl.py": Tests(),
    "gradcheck.py": Tests(["tests/contract/test_check_layer.py"]),
}


class Survivor(NamedTuple):
    """A mutant that no test saw: where, and the lines before and after."""

    module: str
    function: str
    old: str
    new: str


def tests_of(module: str) -> Tests:
    """Return what to run for a module: a new one has its own test file alone, and for a layer the whole registry."""
    if module in TESTS:
        return TESTS[module]
    return Tests([], ".*" if module.startswith("layers/") else "")


def arguments(module: str) -> list[str]:
    """Return pytest's arguments for a module: its own test file too, if it has one."""
    own = "tests/test_fast.py" if "/fast/" in module else f"tests/test_{Path(module).stem}.py"
    tests = tests_of(module)
    files = [*([own] if (ROOT / own).is_file() else []), *tests.files]
    if not files and not tests.cases:
        raise SystemExit(f"{module}: no {own} and no entry in TESTS of tests/mutation/lines.py: nothing would be run")
    return tests._replace(files=files).arguments


def settings(module: str) -> str:
    """Return mutmut's setup.cfg for one module."""
    values = {
        "source_paths": ["rnncourse"],
        "only_mutate": [f"rnncourse/{module}"],
        "do_not_mutate_patterns": [r"validate\.\w+\(", r"raise \w+"],
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "--tb=no", "--assert=plain"],
        "pytest_add_cli_args_test_selection": arguments(module),
        "use_git_change_detection": ["false"],
        "timeout_constant": ["20"],
    }
    return "[mutmut]\n" + "".join(
        f"{name}={value[0]}\n"
        if len(value) == 1 and name[-1] in "nt"
        else f"{name}=\n    " + "\n    ".join(value) + "\n"
        for name, value in values.items()
    )


def mutmut(folder: Path, *arguments: str) -> str:
    """Run mutmut in the copy and return what it prints."""
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    command = [str(Path(sys.executable).parent / "mutmut"), *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


def decorated_below(source: str) -> str:
    """Move `np.errstate` from above a function to the file's end: mutmut leaves decorated functions alone."""
    found = re.findall(r"^@(np\.errstate\(.*?\)).*\ndef (\w+)", source, re.M)
    plain = re.sub(r"^@np\.errstate\(.*\n(?=def )", "", source, flags=re.M)
    return plain + "".join(f"\n\n{name} = {decorator}({name})\n" for decorator, name in found)


def run(module: str, folder: Path) -> tuple[dict[str, int], list[Survivor]]:
    """Run mutmut for one module; return how many mutants met which end, and the survivors."""
    copy_of_the_project(folder)
    registry = (
        folder / "tests/contract/registry.py"
    )  # to collect the tests of all layers takes longer than to run one's
    chosen = f"CASES = tuple(case for case in CASES if re.fullmatch({tests_of(module).cases!r}, case.name))"
    registry.write_text(f"{registry.read_text(encoding='utf-8')}\n\nimport re\n\n{chosen}\n", encoding="utf-8")
    source = folder / "rnncourse" / module
    source.write_text(decorated_below(source.read_text(encoding="utf-8")), encoding="utf-8")
    (folder / "setup.cfg").write_text(settings(module), encoding="utf-8")
    mutmut(folder, "run", "--max-children", os.environ.get("PROCESSES", "2"))
    ends: dict[str, int] = {}
    survivors = []
    for line in mutmut(folder, "results", "--all", "true").splitlines():
        name, _, end = line.strip().rpartition(": ")
        if not name.startswith("rnncourse."):
            continue
        ends[end] = ends.get(end, 0) + 1
        if end in ("survived", "no tests", "suspicious"):
            diff = mutmut(folder, "show", name).splitlines()
            changed = {
                sign: "\n".join(part[1:].strip() for part in diff if re.match(rf"[{sign}](?![{sign}]{{2}} )", part))
                for sign in "-+"
            }
            function = re.sub(r"__mutmut_\d+$", "", name).rpartition(".")[2].replace("xǁ", "").replace("ǁ", ".")
            survivors.append(Survivor(module, function.removeprefix("x_"), changed["-"], changed["+"]))
    return ends, survivors


def explains(entry: dict[str, str], survivor: Survivor) -> bool:
    """Whether an entry of survivors.toml is about a mutant: word for word, or, of a kind, by regular expressions."""
    if "function" in entry:
        return survivor == Survivor(entry["module"], entry["function"], entry["old"], entry["new"])
    same_module = entry.get("module", survivor.module) == survivor.module
    return same_module and bool(re.search(entry["old"], survivor.old) and re.search(entry["new"], survivor.new))


def main(names: list[str]) -> int:
    """Run the modules; print the scores, what survives, and the entries of survivors.toml that explain nothing."""
    with (HERE / "survivors.toml").open("rb") as file:
        tables = tomllib.load(file)
    entries = [*tables["kind"], *tables["survivor"]]
    fine = True
    for module in names or list(TESTS):
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as temporary:
            ends, survivors = run(module, Path(temporary))
        killed = sum(ends.get(end, 0) for end in ("killed", "timeout", "segfault"))
        total = sum(ends.values()) - ends.get("skipped", 0)
        whys = [next((e["why"] for e in entries if explains(e, s)), "") for s in survivors]
        left = whys.count("")
        score = killed / max(1, total - len(survivors) + left)
        idle = [e for e in entries if e.get("module") == module and not any(explains(e, s) for s in survivors)]
        fine = fine and not left and not idle and score >= BAR
        print(
            f"{module}: {killed} of {total} killed ({killed / max(1, total):.1%}), {len(survivors) - left} "
            f"survivors explained, {left} not; {score:.1%} of the others; {time.monotonic() - began:.0f} s",
            flush=True,
        )
        for s, why in zip(survivors, whys, strict=True):
            print(f"    {s.function}: {why or 'NOT EXPLAINED'}\n        - {s.old}\n        + {s.new}", flush=True)
        for e in idle:
            print(
                f"    survivors.toml: this entry explains nothing\n        - {e['old']}\n        + {e['new']}",
                flush=True,
            )
    return not fine


if __name__ == "__main__":
    unknown = [name for name in sys.argv[1:] if not (ROOT / "rnncourse" / name).is_file()]
    if unknown or not shutil.which("mutmut", path=str(Path(sys.executable).parent)):
        raise SystemExit(
            f"unknown modules: {unknown}" if unknown else f"no mutmut beside {sys.executable}: make mutation"
        )
    assert (ROOT / "rnncourse").is_dir()
    sys.exit(main(sys.argv[1:]))
