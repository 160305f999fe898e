"""Every test with the argument `case` runs over all registered layers, and so on."""

from __future__ import annotations

from .registry import CASES

SELECTIONS = {
    "case": CASES,
    "causal_case": [case for case in CASES if case.causal],
    "celled_case": [case for case in CASES if case.celled],
    "oracle_case": [case for case in CASES if case.oracle],
    "recurrent_case": [case for case in CASES if case.recurrent],
}


def pytest_generate_tests(metafunc):
    """Layers that read symbols run where nothing is done to the inputs: where a module says SYMBOLS_TOO = True."""
    for argument, cases in SELECTIONS.items():
        if argument in metafunc.fixturenames:
            symbols_too = getattr(metafunc.module, "SYMBOLS_TOO", False)
            metafunc.parametrize(argument, [case for case in cases if symbols_too or not case.symbols], ids=str)
