"""Every exercise: its solution is right, its blank is blank, every known mistake is named and none passes."""

from collections import Counter

import numpy as np
import pytest

from rnncourse.exercises import Derivation, Exercise, Question, exercises, find
from rnncourse.exercises.chapters import CHAPTERS
from rnncourse.exercises.derivations import judge_equation
from rnncourse.exercises.diagnosis import judge

from .survey import of_derivation, of_exercise

CODED = [e for e in exercises() if isinstance(e, Exercise)]
DERIVED = [e for e in exercises() if isinstance(e, Derivation)]
by_name = pytest.mark.parametrize("exercise", CODED, ids=lambda e: e.name)
of_derivations = pytest.mark.parametrize("derivation", DERIVED, ids=lambda e: e.name)


def test_there_are_enough_and_names_are_single():
    everything = exercises()
    assert len(everything) >= 45
    assert len(CODED) + len(DERIVED) >= 30
    assert len(DERIVED) >= 10
    assert sum(len(e.mistakes) for e in CODED) + sum(len(e.slips) for e in DERIVED) >= 150
    assert max(Counter(e.name for e in everything).values()) == 1
    for chapter in CHAPTERS:
        assert any(e.chapter == chapter for e in CODED), chapter
        assert all(e.chapter == chapter for e in exercises(chapter))


@pytest.mark.parametrize("question", exercises(), ids=lambda e: e.name)
def test_the_records_are_whole(question: Question):
    assert question.difficulty in ("recall", "code", "derive", "explore")
    assert 5 <= question.minutes <= 60
    assert question.title
    assert not question.title.endswith(".")
    if isinstance(question, Exercise):
        names = [m.name for m in question.mistakes]
        assert len(set(names)) == len(names) >= 4
        assert set(question.indistinguishable) <= set(names)
        for mistake in question.mistakes:
            assert mistake.old in question.source, mistake.name
            assert mistake.why.strip()
            assert mistake.look.strip()
            assert mistake.old not in mistake.why + mistake.look, f"{mistake.name}: the solution is given away"
    if isinstance(question, Exercise | Derivation):
        assert len(set(question.hints)) == 3
        assert question.question.endswith("?")
    else:
        assert question.label


@by_name
def test_the_solution_is_right_and_the_blank_is_blank(exercise: Exercise):
    for seed in range(10):
        verdict = judge(exercise, exercise.solution, seed)
        assert verdict.state == "right", verdict.text
    names: dict = {}
    exec(exercise.blank, names)
    verdict = judge(exercise, names[exercise.solution.__name__])
    assert verdict.state == "blank"
    assert verdict.text == f"{exercise.name}: not written yet."


@by_name
def test_the_worlds_are_the_same_every_time_and_differ_from_each_other(exercise: Exercise):
    first, again = exercise.worlds(), exercise.worlds()
    for a, b in zip(first, again, strict=True):
        assert str(a.arguments) == str(b.arguments)
        assert tuple(a.arguments) == exercise.parameters
    assert len({str(w.arguments) for w in first}) == len(first) >= 4


@pytest.mark.parametrize("seeds", [range(2), pytest.param(range(2, 10), marks=pytest.mark.slow)], ids=["two", "eight"])
@by_name
def test_every_mistake_is_named_and_none_passes(exercise: Exercise, seeds: range):
    for found in of_exercise(exercise, seeds):
        assert not found.passed, found.mistake
        assert found.named, found.mistake
        assert found.alone or found.mistake in exercise.indistinguishable, f"{found.mistake} is not alone"


@of_derivations
def test_a_derivation_and_its_slips(derivation: Derivation):
    assert judge_equation(derivation, derivation.answer).state == "right"
    assert judge_equation(derivation, derivation.equation(derivation.answer).split(r", \qquad")[0]).state == "right"
    assert judge_equation(derivation, "...").state == "blank"
    for found in of_derivation(derivation):
        assert not found.passed, found.mistake
        assert found.alone, found.mistake


def test_few_mistakes_cannot_be_told_apart():
    alike = sum(len(e.indistinguishable) for e in CODED)
    assert alike <= 0.05 * sum(len(e.mistakes) for e in CODED)


@by_name
def test_the_memory_layout_of_the_inputs_does_not_matter_to_the_judge(exercise: Exercise):
    def turned(*arguments):
        return exercise.solution(*(np.asfortranarray(a) if type(a) is np.ndarray else a for a in arguments))

    assert judge(exercise, turned).state == "right"


@pytest.mark.parametrize("name", ["bptt.bptt", "lstm-backward.by-hand", "gru.gru-step-back"])
def test_two_mistakes_at_once_are_named(name: str):
    exercise = find(name)
    first, second = exercise.mistakes[0], exercise.mistakes[-1]
    function = exercise.mistaken(first, second)
    verdict = judge(exercise, function)
    assert set(verdict.mistakes) == {first.name, second.name}, verdict.text
