"""What the tables of mistakes are worth: `make exercises` prints it, test_tables.py asserts it."""

from __future__ import annotations

import time
from typing import NamedTuple

from rnncourse.exercises import Derivation, Exercise, exercises
from rnncourse.exercises.derivations import judge_equation
from rnncourse.exercises.diagnosis import judge

SEEDS = range(10)


class Found(NamedTuple):
    """What became of one mistake on all seeds."""

    exercise: str
    mistake: str
    named: bool  # its own name, on every seed
    alone: bool  # and no other
    passed: bool  # on some seed: that may never be
    slowest: float


def of_exercise(exercise: Exercise, seeds=SEEDS) -> list[Found]:
    found = []
    for mistake in exercise.mistakes:
        function = exercise.mistaken(mistake)
        assert function is not None, (exercise.name, mistake.name)
        verdicts, slowest = [], 0.0
        for seed in seeds:
            start = time.perf_counter()
            verdicts.append(judge(exercise, function, seed))
            slowest = max(slowest, time.perf_counter() - start)
        names = [{*v.mistakes, *v.alike} for v in verdicts]
        found.append(
            Found(
                exercise.name,
                mistake.name,
                all(mistake.name in those for those in names),
                all(those == {mistake.name} for those in names),
                any(v.state == "right" for v in verdicts),
                slowest,
            )
        )
    return found


def of_derivation(derivation: Derivation) -> list[Found]:
    """Derivations have worlds of their own: the equation checker's."""
    found = []
    for slip in derivation.slips:
        start = time.perf_counter()
        verdict = judge_equation(derivation, slip.latex)
        took = time.perf_counter() - start
        names = {*verdict.mistakes, *verdict.alike}
        found.append(
            Found(derivation.name, slip.name, slip.name in names, names == {slip.name}, verdict.state == "right", took)
        )
    return found


def main(chapters: list[str]) -> None:
    everything = [e for chapter in chapters or [None] for e in exercises(chapter)]
    coded = [e for e in everything if isinstance(e, Exercise)]
    derived = [e for e in everything if isinstance(e, Derivation)]
    found = [f for e in coded for f in of_exercise(e)] + [f for e in derived for f in of_derivation(e)]
    alike = [f for f in found if not f.alone]
    print(f"exercises:          {len(everything)} ({len(coded)} functions and {len(derived)} derivations are checked)")
    print(f"mistakes:           {len(found)}, of which {sum(f.passed for f in found)} pass")
    print(f"diagnosed:          {sum(f.named for f in found)} by name on all of {len(SEEDS)} seeds")
    print(f"indistinguishable:  {len(alike)}" + "".join(f"\n    {f.exercise}: {f.mistake}" for f in alike))
    slow = max(found, key=lambda f: f.slowest)
    print(f"slowest answer:     {slow.slowest:.2f} s ({slow.exercise}: {slow.mistake})")
