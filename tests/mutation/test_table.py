"""The table of mutants fits the source, without running them (make mutants does)."""

from pathlib import Path

import pytest

import rnncourse

from . import lines
from .semantic import split
from .table import MUTANTS, problems

PACKAGE = Path(rnncourse.__file__).parent


def test_every_edit_applies_once_and_gives_python():
    sources = {mutant.file: (PACKAGE / mutant.file).read_text(encoding="utf-8") for mutant in MUTANTS}
    assert [p for mutant in MUTANTS if (p := problems(mutant, sources[mutant.file]))] == []


def test_there_are_enough_of_them_and_all_differ():
    assert len(MUTANTS) >= 40
    assert len({(mutant.file, mutant.old, mutant.new) for mutant in MUTANTS}) == len(MUTANTS)
    assert all(mutant.old != mutant.new for mutant in MUTANTS)


def test_every_test_file_that_is_named_exists():
    root = Path(__file__).parents[2]
    named = {
        argument.split("::")[0]
        for mutant in MUTANTS
        for argument in mutant.tests
        if argument.endswith(".py") or "::" in argument
    }
    assert [name for name in sorted(named) if not (root / name).is_file()] == []


def test_what_is_run_is_files_and_the_rest_options():
    for mutant in MUTANTS:
        paths, options = split(mutant.tests)
        assert paths
        assert all(path.partition("::")[0].endswith(".py") for path in paths), mutant
        assert options[:1] in ((), ("-k",), ("-m",)), mutant


def test_every_module_of_the_line_mutants_has_tests_that_exist_its_own_first():
    root = Path(__file__).parents[2]
    for module in lines.TESTS:
        assert (PACKAGE / module).is_file(), module
        files = [argument.split("::")[0] for argument in lines.arguments(module) if argument.endswith(".py")]
        assert all((root / file).is_file() for file in files), module
    assert lines.arguments("layers/gru.py")[0] == "tests/test_gru.py"
    assert lines.arguments("layers/fast/gru.py")[0] == "tests/test_fast.py"


def test_a_new_file_of_line_mutants_has_its_own_tests_or_is_told_so():
    assert "records.py" not in lines.TESTS
    assert lines.arguments("records.py")[0] == "tests/test_records.py"
    assert "tests/contract/test_oracle.py" in lines.arguments("layers/mgu.py")
    with pytest.raises(SystemExit, match=r"^nothing\.py: no tests/test_nothing\.py and no entry in TESTS"):
        lines.arguments("nothing.py")
