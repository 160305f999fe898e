"""The settings of `make portable`: they change what NumPy runs, and say so where they cannot."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import notebooks as n
import portable as p
import pytest

NOISE = """
import json, numpy as np
x = np.random.default_rng(0).normal(size=(40, 40)).astype({dtype!r})
one, again, alone = np.tanh(x), np.tanh(x), np.tanh(x[0, 0])
apart = np.abs(one - {plain})
print(json.dumps([float((apart > 0).mean()), float((apart / np.spacing(np.abs(one))).max()), bool((one == again).all()),
    bool(alone == one[0, 0]), type(alone).__name__, np.dot(np.eye(3), np.arange(3.0)).tolist(), float(np.tanh(0.0))]))
"""


def test_a_setting_that_is_said_to_run_does() -> None:
    for setting in p.settings()[::2]:  # those with one thread
        if p.missing(setting.environment) is None:
            found = p.probe(setting.environment)
            assert found["kernel"].lower() == setting.environment.get("OPENBLAS_CORETYPE", found["kernel"]).lower()
            gone = set(setting.environment.get("NPY_DISABLE_CPU_FEATURES", "").split())
            assert set(found["units"]) == set(p.own()["units"]) - gone


def test_what_cannot_run_says_why() -> None:
    assert "would run" in (p.missing({"OPENBLAS_CORETYPE": "Nonsense"}) or "")
    assert "uses none" in (p.missing({"NPY_DISABLE_CPU_FEATURES": ""}) or "")


def test_a_choice_in_the_environment_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    own = p.probe({})
    for name, value in p.foreign().items():
        monkeypatch.setenv(name, value)
    assert p.probe({}) == own


def test_the_foreign_setting_is_another_machine() -> None:
    assert p.missing(p.foreign()) is None
    assert p.probe(p.foreign()) != p.own()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_noise_moves_last_bits_and_nothing_else(dtype: str) -> None:
    code = NOISE.format(dtype=dtype, plain="getattr(np.tanh, 'function', np.tanh)(x)")
    for salt in "01":
        environment = p.environment(NOISE=salt, PYTHONPATH=p.noisy_path())
        command = [sys.executable, "-W", "error", "-c", code]
        run = subprocess.run(command, env=environment, capture_output=True, check=True)
        share, most, same, alone, kind, exact, zero = json.loads(run.stdout)
        assert (0.3 < share < 0.7 and most <= 1) if salt != "0" else share == 0
        assert same
        assert alone
        assert kind == dtype
        assert (exact, zero) == ([0.0, 1.0, 2.0], 0.0)


def test_nbval_runs_the_notebooks_under_the_foreign_setting(tmp_path: Path) -> None:
    shutil.copy(p.ROOT / "book" / "conftest.py", tmp_path)
    source = f"import os\nprint([os.environ.get(name) for name in {sorted(p.foreign())}])"
    nb = nbformat.v4.new_notebook(metadata=n.METADATA, cells=[nbformat.v4.new_code_cell(source, execution_count=1)])
    text = f"{[value for _, value in sorted(p.foreign().items())]}\n"
    nb.cells[0].outputs = [nbformat.v4.new_output("stream", name="stdout", text=text)]
    nbformat.write(nb, tmp_path / "a.ipynb")
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-current-env", "."]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_difference_is_told_and_decides_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    none = p.Setting("kernel none", {"OPENBLAS_CORETYPE": "none"})
    some = [p.Setting("kernel good", {}), p.Setting("kernel bad", {}), none]
    monkeypatch.setattr(p, "settings", lambda: some)
    found = {"kernel good": [], "kernel bad": ["FAILED book/a.ipynb::Cell 1"]}
    handed: list[list[str]] = []
    monkeypatch.setattr(p, "differences", lambda setting, rest: (handed.append(rest), (found[setting.name], "1"))[1])
    monkeypatch.setattr(sys, "argv", ["portable.py", "--nbval", "-n", "2"])
    assert p.main() == 1
    told = capsys.readouterr().out
    assert "FAILED book/a.ipynb::Cell 1" in told
    assert "!!! NOT RUN: " in told
    assert handed == 2 * [["--nbval", "-n", "2"]]
    monkeypatch.setattr(sys, "argv", ["portable.py", "good"])
    assert p.main() == 0
