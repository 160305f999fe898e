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
    """Layers that read symbols run as well, but not where a test is marked `numbers(reason)`: it needs numbers in x."""
    numbers = metafunc.definition.get_closest_marker("numbers")
    for argument, cases in SELECTIONS.items():
        if argument in metafunc.fixturenames:
            metafunc.parametrize(argument, [case for case in cases if not (numbers and case.symbols)], ids=str)
