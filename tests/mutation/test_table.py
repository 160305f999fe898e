"""The table of mutants fits the source, without running them (make mutants does)."""

from pathlib import Path

import rnncourse

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
