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
    for argument, cases in SELECTIONS.items():
        if argument in metafunc.fixturenames:
            metafunc.parametrize(argument, cases, ids=str)
