"""The command, and what importing costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rnncourse.equations.__main__ import main

T = r"^{\langle t \rangle}"


def test_exit_codes_and_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = tmp_path / "bptt.md"
    good.write_text(
        f"$$\na{T} = \\tanh(z_a{T})\n$$ (eq:good)\n\n% not-checked: a sketch\n$$\na \\cdots\n$$ (eq:sketch)\n", "utf8"
    )
    assert main([str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "display equations             2, of which 2 numbered" in out
    assert "not checked, with a reason    1 (50.0 %)" in out
    for row in ("checked ", "comparisons ", "largest difference ", "seconds "):
        assert f"\n{row}" in out
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "notation.md").write_text(
        f"$$\na{T} = z_a{T}\n$$ (eq:bad)\n\n$$\nL = 1\n$$ (eq:good)\n", "utf8"
    )
    assert main([str(tmp_path), "-v"]) == 1
    out = capsys.readouterr().out
    assert "notation.md, line 1: eq:bad: failed: does not hold at t = 1" in out
    assert "this label is used in" in out
    assert "eq:good: checked" in out
    assert main([]) == 2
    assert main(["no/such/folder"]) == 2
    assert main(["--help"]) == 2


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_the_core_does_not_import_the_checker() -> None:
    assert python("import rnncourse, sys; print('rnncourse.equations' in sys.modules)") == "False"


def test_the_checker_needs_numpy_alone() -> None:
    extra = "{'markdown_it', 'mdit_py_plugins', 'sphinx', 'matplotlib', 'yaml'}"
    assert python(f"import rnncourse.equations, sys; print({extra} & set(sys.modules))") == "set()"
