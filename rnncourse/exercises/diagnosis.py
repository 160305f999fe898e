"""What is wrong with an answer, and which known mistake would explain it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations, islice
from typing import Any

import numpy as np

from .records import Exercise, Mistake, World
from .runner import SECONDS, Outcome, call, copied, now, used

__all__ = ["Verdict", "judge"]

TOLERANCE = 1e-9  # of the largest entry, or of 1
PAIRS = 400  # of mistakes that are tried: no clock, so that the answer is the same on every machine
Answer = tuple[Any, ...] | str  # what came out of a world, one entry an output, or what was raised


@dataclass(frozen=True)
class Verdict:
    """What was found out about an answer.

    Attributes
    ----------
    state : {"right", "wrong", "blank"}
        Whether it is right, wrong, or not written yet.
    text : str
        What the learner reads.
    mistakes : tuple of str
        The known mistake whose numbers these are; two, if it takes two at once.
    alike : tuple of str
        Other known mistakes with the same numbers.
    """

    state: str
    text: str
    mistakes: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.text


def judge(exercise: Exercise, function: Any, seed: int = 0) -> Verdict:
    """Judge a learner's function.

    Parameters
    ----------
    exercise : Exercise
        What was asked.
    function : callable
        The answer.
    seed : int
        Which worlds.

    Returns
    -------
    Verdict
        The same on every machine, unless the time is over.
    """
    if problem := uncallable(exercise, function):
        return Verdict("wrong", problem)
    worlds = exercise.worlds(seed)
    outcomes = called(function, worlds)
    if outcomes[-1].hung:
        return Verdict("wrong", f"Stopped: it takes more than {SECONDS:g} seconds. Is there a loop that never ends?")
    if unwritten(function, outcomes[0]):
        return Verdict("blank", f"{exercise.name}: not written yet.")
    if harm := next((o.harm for o in outcomes if o.harm), ""):
        return Verdict(
            "wrong", f"It tried to {harm}. That was refused or undone: an answer returns, and leaves all else."
        )
    verdict = Judged(exercise, worlds, [answer(exercise, outcome) for outcome in outcomes]).verdict()
    if verdict.state == "right":
        return passed(exercise, function, worlds, outcomes)
    return replace(verdict, text="\n".join([verdict.text, *notes(outcomes)]))


def uncallable(exercise: Exercise, function: Any) -> str:
    """Say why it cannot be called with the exercise's arguments; nothing, if it can."""
    wanted = exercise.signature.removeprefix("def ").removesuffix(":")
    if not callable(function):
        return f"Hand over the function itself, {exercise.solution.__name__} without brackets, not what it returns."
    try:
        inspect.signature(function).bind(*exercise.parameters)
    except TypeError:
        given = getattr(function, "__name__", type(function).__name__)
        return f"Expected a function that takes {wanted}, got {given}{inspect.signature(function)}."
    except Exception:  # no signature to be had
        return ""
    return ""


def called(function: Callable[..., Any], worlds: list[World]) -> list[Outcome]:
    """Call it on one world after the other; not any more once it hangs or returns nothing."""
    start, outcomes = now(), list[Outcome]()
    for world in worlds:
        outcomes.append(call(function, world.arguments, SECONDS - used(start)))
        if outcomes[-1].hung or (outcomes[-1].value is None and not outcomes[-1].error):
            break
    return outcomes


def unwritten(function: Any, outcome: Outcome) -> bool:
    """Tell whether a blank is still one."""
    if outcome.value is ... or (isinstance(outcome.value, tuple) and any(v is ... for v in outcome.value)):
        return True
    if outcome.error:
        return outcome.error.startswith("NotImplementedError") or "ellipsis" in outcome.error.lower()
    code = getattr(function, "__code__", None)
    empty = code is not None and not code.co_names and code.co_nlocals == code.co_argcount
    return outcome.value is None and empty


def answer(exercise: Exercise, outcome: Outcome) -> Answer:
    """Give one entry an output, or what was raised."""
    if outcome.error:
        return outcome.error
    if len(exercise.outputs) == 1:
        return (outcome.value,)
    return tuple(outcome.value) if isinstance(outcome.value, tuple | list) else (outcome.value,)


def passed(exercise: Exercise, function: Any, worlds: list[World], outcomes: list[Outcome]) -> Verdict:
    """Say that it is right, unless it changed its arguments or answers otherwise when asked again."""
    if changed := next((o.changed for o in outcomes if o.changed), ()):
        text = (
            f"The numbers are right, but it changes its argument {changed[0]}: who calls it twice gets something else."
        )
        return Verdict("wrong", text + f"\nLook for what is assigned into {changed[0]}, or into a window onto it.")
    again = call(function, worlds[0].arguments)
    if again.error or not alike(answer(exercise, again), answer(exercise, outcomes[0])):
        return Verdict(
            "wrong",
            "The numbers are right at the first call and others at the second: something is kept between calls.",
        )
    text = f"Right on {len(worlds)} random worlds (largest difference below {TOLERANCE:g})."
    return Verdict("right", "\n".join([text, *notes(outcomes), f"To go on: {exercise.question}"]))


def notes(outcomes: list[Outcome]) -> Iterator[str]:
    """Yield what else is worth a line: what was printed, where something was raised, and warnings."""
    if printed := outcomes[0].printed.strip():
        lines = printed.splitlines()
        more = f" … and {len(lines) - 3} lines more" if len(lines) > 3 else ""
        yield "It printed, on the first world: " + " | ".join(line[:100] for line in lines[:3]) + more
    if line := next((o.where for o in outcomes if o.error and o.where), ""):
        yield f"That was in the line: {line}"
    if warned := next((o.warned for o in outcomes if o.warned), ""):
        yield f"NumPy warned: {warned.splitlines()[0]}."


def alike(a: Answer, b: Answer) -> bool:
    """Tell whether two answers are the same, up to rounding."""
    if isinstance(a, str) or isinstance(b, str):
        return isinstance(a, str) and a == b
    return len(a) == len(b) and all(map(close, a, b))


def close(a: Any, b: Any) -> bool:
    """Tell whether two outputs are the same, up to rounding."""
    if isinstance(a, str) or isinstance(b, str):
        return isinstance(a, str) and isinstance(b, str) and a == b
    a, b = plain(a), plain(b)
    if a is None or b is None or a.shape != b.shape or a.dtype.kind not in "fiub" or b.dtype.kind not in "fiub":
        return False
    largest = float(np.max(np.abs(b), initial=0.0, where=np.isfinite(b)))
    return bool(np.allclose(a, b, rtol=0, atol=TOLERANCE * max(1.0, largest), equal_nan=True))


def plain(value: Any) -> Any:
    """Give an array, or None for what is none and no number either."""
    if isinstance(value, np.ndarray | np.generic | int | float):
        return np.asarray(value)
    return None


class Judged:
    """A learner's answers beside the right ones."""

    def __init__(self, exercise: Exercise, worlds: list[World], answers: list[Answer]) -> None:
        self.exercise, self.worlds, self.answers = exercise, worlds, answers
        self.names = tuple(exercise.outputs)
        self.right = [answer(exercise, Outcome(exercise.reference(**copied(world.arguments)))) for world in worlds]
        self.bad = [k for k, mine in enumerate(answers) if not self.fine(k, mine)]

    def computed(self, function: Callable[..., Any], world: World) -> Answer:
        """Call the solution with a mistake in it."""
        with np.errstate(all="ignore"):
            try:
                return answer(self.exercise, Outcome(function(**copied(world.arguments))))
            except Exception as error:
                return f"{type(error).__name__}: {error}"

    def fine(self, k: int, mine: Answer) -> bool:
        """Tell whether one world's answer is right in numbers, shapes and kinds."""
        return alike(mine, self.right[k]) and not any(self.forms(k, mine))

    def verdict(self) -> Verdict:
        """Say what is wrong, and which known mistake it is."""
        if not self.bad and len(self.answers) == len(self.worlds):
            return Verdict("right", "")
        k = self.bad[0] if self.bad else len(self.answers) - 1
        lines = [*self.described(k), *self.elsewhere()]
        found = self.known()
        if not found:
            return Verdict("wrong", "\n".join([*lines, *self.one_step(k), *self.guesses(k)]))
        first, *others = found
        says = " and, besides, ".join(m.name for m in first)
        lines.append(f"These are the numbers that one gets where {says}." if not isinstance(self.answers[k], str)
                     else f"The same happens where {says}.")  # fmt: skip
        lines += reasons(first)
        same = tuple(other[0].name for other in others)
        if same:
            lines.append(f"It could as well be that {' or that '.join(same)}: no number tells these apart.")
        return Verdict("wrong", "\n".join(lines), tuple(m.name for m in first), same)

    # ---- the form

    def described(self, k: int) -> list[str]:
        """Say what is wrong on one world."""
        mine, where = self.answers[k], f"on a world with {self.worlds[k].says}"
        if isinstance(mine, str):
            return [f"Raised {where}: {mine}"]
        if forms := list(self.forms(k, mine)):
            return forms[:2]
        lines = [
            f"{name}: {text}"
            for name, a, b in zip(self.names, mine, self.right[k], strict=True)
            if (text := self.difference(name, k, a, b))
        ]
        good = [name for name, a, b in zip(self.names, mine, self.right[k], strict=True) if close(a, b)]
        if good:
            lines.append(f"Right: {', '.join(good)}.")
        return [f"Not right yet, {where}.", *lines]

    def forms(self, k: int, mine: Answer) -> Iterator[str]:
        """Yield what is wrong with kinds, number, order and shapes of what was returned."""
        right, names = self.right[k], self.names
        if isinstance(mine, str) or isinstance(right, str):
            return
        if len(mine) == 1 and mine[0] is None:
            yield "It returned None: is there a `return`, on every way through the function?"
            return
        if len(mine) != len(right):
            yield f"Expected {len(right)} outputs, ({', '.join(names)}), got {len(mine)}: {', '.join(map(kind, mine))}."
            return
        order = [next((n for n, b in zip(names, right, strict=True) if close(a, b)), "") for a in mine]
        if len(set(order)) == len(order) > 1 and "" not in order and tuple(order) != names:
            yield f"The right arrays in another order: expected ({', '.join(names)}), got ({', '.join(order)})."
            return
        for name, a, b in zip(names, mine, right, strict=True):
            if text := self.form(name, k, a, np.asarray(b)):
                yield f"{name}: {text}"

    def form(self, name: str, k: int, a: Any, b: Any) -> str:
        """Say what is wrong with the kind or the shape of one output."""
        letters = self.exercise.outputs[name]
        if b.dtype.kind == "U":
            return "" if isinstance(a, str) else f"expected a str, got {kind(a)}."
        expected = "a number" if not b.ndim else f"an array of shape {letters}"
        if type(a) not in (np.ndarray, int, float, bool) and not isinstance(a, np.generic):
            return f"expected {expected}, got {kind(a)}."
        a = np.asarray(a)
        if a.shape != b.shape:
            wanted = letters if letters == str(b.shape) else f"{letters} = {b.shape}"
            return (
                f"expected {'a number' if not b.ndim else wanted}, got {a.shape}{self.shape_of(name, k, a.shape, b)}."
            )
        kinds = {"f": "f", "i": "iu", "u": "iu", "b": "b"}[b.dtype.kind]
        if a.dtype.kind not in kinds or (kinds == "f" and a.dtype.itemsize < b.dtype.itemsize):
            hint = " Half of the digits are lost." if a.dtype == np.float32 else ""
            hint = " The numbers are right." if close(a, b) else hint
            return f"expected dtype {b.dtype}, got {a.dtype}.{hint}"
        return ""

    def shape_of(self, name: str, k: int, shape: tuple[int, ...], b: Any) -> str:
        """Say whose shape that is."""
        if len(shape) > 1 and shape == b.shape[::-1]:
            return ": that is the shape of its transpose"
        if shape == (1, *b.shape) or b.shape == (1, *shape):
            return ": an axis is lost or too many"
        there = dict(zip(self.names, self.right[k], strict=True)) | self.worlds[k].arguments
        same = [n for n, v in there.items() if n != name and shape and isinstance(v, np.ndarray) and v.shape == shape]
        return f": that is the shape of {same[0]}" if same else ""

    # ---- the numbers

    def difference(self, name: str, k: int, a: Any, b: Any) -> str:
        """Say where one output is wrong, and by how much; nothing, if it is right."""
        if close(a, b):
            return ""
        if isinstance(b, str):
            return f"got {a!r:.40}, expected another one."
        a, b = plain(a), plain(b)
        if not b.ndim:
            return f"got {short(a)}, expected another number, {how_far(a, b)}."
        with np.errstate(all="ignore"):
            gap = np.abs(a.astype(float) - b.astype(float))
        gap = np.where(np.isnan(gap), np.inf, gap)
        at = tuple(int(i) for i in np.unravel_index(np.argmax(gap), gap.shape))
        if np.isnan(a[at]):
            far = "NaN"
        else:
            far = "off by more than one can say" if np.isinf(gap[at]) else f"off by {gap[at]:.2g}"
        place = f"{far} at [{', '.join(map(str, at))}]"
        wrong = gap > TOLERANCE * max(1.0, float(np.max(np.abs(b))))
        part = self.part(name, wrong)
        if not self.exercise.outputs[name].startswith("(T") or len(b) == 1:
            return f"wrong{part}: {place}."
        late = [t for t in range(len(b)) if wrong[t].any()]
        return f"wrong {steps(late, len(b))}{part}: {place}, which is step {at[0] + 1}."

    def part(self, name: str, wrong: Any) -> str:
        """Say in which layers or blocks an output is wrong; nothing, if it is in all, or has none."""
        if self.exercise.outputs[name].startswith("(T, L"):
            what, each = "layer", {str(layer + 1): wrong[:, layer] for layer in range(wrong.shape[1])}
        else:
            blocks = self.exercise.blocks.get(name, ())
            what, each = "block", dict(zip(blocks, np.array_split(wrong, max(len(blocks), 1)), strict=False))
        bad = [block for block, entries in each.items() if entries.any()]
        if len(bad) == len(each):
            return ""
        return f" in the {what} {bad[0]} only" if len(bad) == 1 else f" in the {what}s {' and '.join(bad)}"

    def one_step(self, k: int) -> list[str]:
        """Say what is wrong where there is one step only, if that is less: with several, one slip spoils the rest."""
        one = next((j for j in self.bad if self.worlds[j].sizes.T == 1 and j != k), None)
        if one is None or not (there := self.faults(one)) or there == (self.faults(k) or there):
            return []
        good = [name for name in self.names if name not in there]
        right = f"; right there: {', '.join(good)}" if good else ""
        wrong = ", ".join(name + part for name, part in there.items())
        return [f"Begin with {self.worlds[one].says}, where these are wrong: {wrong}{right}."]

    def faults(self, k: int) -> dict[str, str]:
        """Name the outputs whose numbers are wrong on one world, and the parts in which they are."""
        found, mine = dict[str, str](), self.answers[k]
        if isinstance(mine, str) or any(self.forms(k, mine)):
            return found
        for name, a, b in zip(self.names, mine, self.right[k], strict=True):
            if said := self.difference(name, k, a, b):
                part = re.search(r" in the (?:block|layer)[^:]*", said)
                found[name] = part[0] if part else ""
        return found

    def elsewhere(self) -> list[str]:
        """Say on which kinds of worlds it is right, if it is on some."""
        good = [w.says for k, w in enumerate(self.worlds[: len(self.answers)]) if k not in self.bad]
        wrong = [self.worlds[k].says for k in self.bad]
        return [f"Right with {', '.join(good)}; wrong with {', '.join(wrong)}."] if good and wrong else []

    def guesses(self, k: int) -> Iterator[str]:
        """Yield what a wrong output is to the right one: its transpose, its negative, a multiple, another step's."""
        mine, right = self.answers[k], self.right[k]
        if isinstance(mine, str) or isinstance(right, str) or any(self.forms(k, mine)):
            return
        for name, a, b in zip(self.names, mine, right, strict=True):
            if close(a, b) or isinstance(b, str) or (b := plain(b)).dtype.kind != "f":
                continue
            a = plain(a)
            if says := relation(a, b, self.worlds[k].sizes._asdict(), self.exercise.outputs[name].startswith("(T")):
                yield f"{name} is {says}."
            other = [n for n, v in zip(self.names, right, strict=True) if n != name and close(a, v)]
            if other:
                yield f"{name} is what {other[0]} should be."

    # ---- known mistakes

    def known(self) -> list[tuple[Mistake, ...]]:
        """Find the known mistakes, or else the pairs of them, that give these answers on all worlds."""
        table = self.exercise.mistakes
        single: list[tuple[Mistake, ...]] = [(m,) for m in table if self.explains(m)]
        if single or all(map(alike, self.answers, self.right)):  # right but for its form: no two that cancel explain it
            return single
        for pair in islice(combinations(table, 2), PAIRS):
            if self.explains(*pair):
                return [pair]
        return []

    def explains(self, *mistakes: Mistake) -> bool:
        """Tell whether the solution with these mistakes gives the same answers, the smallest wrong world first."""
        function = self.exercise.mistaken(*mistakes) or self.exercise.mistaken(*mistakes[::-1])
        if function is None or not self.answers:
            return False
        order = sorted(range(len(self.answers)), key=lambda k: (k not in self.bad, self.worlds[k].sizes))
        return all(alike(self.answers[k], self.computed(function, self.worlds[k])) for k in order)


def reasons(mistakes: tuple[Mistake, ...]) -> Iterator[str]:
    """Yield why each is one and where to look; two with the same reason share it."""
    for why in dict.fromkeys(mistake.why for mistake in mistakes):
        yield f"Why: {why}"
        yield f"Look: {', and '.join(dict.fromkeys(m.look for m in mistakes if m.why == why))}"


def kind(value: Any) -> str:
    """Say what something is."""
    if type(value) is np.ndarray:
        return f"an array of shape {value.shape}"
    if inspect.isgenerator(value):
        return "a generator (`yield` in place of `return`?)"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def short(number: Any) -> str:
    """Write a number with three digits."""
    return f"{float(number):.3g}"


def how_far(a: Any, b: Any) -> str:
    """Say how a number relates to the right one."""
    a, b = float(a), float(b)
    if not np.isfinite(a):
        return "and a finite one"
    return f"{'smaller' if b < a else 'larger'} by {abs(a - b):.2g}"


def steps(wrong: list[int], count: int) -> str:
    """Name the wrong steps, counted from 1."""
    if len(wrong) == count:
        return "at every step"
    first, last = wrong[0] + 1, wrong[-1] + 1
    if len(wrong) == 1:
        return f"at step {first} of {count} only"
    if last - first + 1 < len(wrong) or last - first + 1 > len(wrong):
        return f"at the steps {', '.join(str(t + 1) for t in wrong)} of {count}"
    return f"at the steps {first} to {last} of {count}"


def relation(a: Any, b: Any, sizes: dict[str, float], has_steps: bool) -> str:
    """Say what an array is to the right one; nothing, if it is nothing simple."""
    if a.shape != b.shape or not np.all(np.isfinite(a)) or b.size < 2:
        return ""
    if b.ndim == 2 and b.shape[0] == b.shape[1] and close(a, b.T):
        return "the transpose of what it should be"
    if close(a, -b):
        return "the negative of what it should be"
    at = np.argmax(np.abs(b))
    factor = float(a.flat[at] / b.flat[at]) if b.flat[at] else 0.0
    if abs(factor) > 1e-6 and close(a, factor * b):
        named = next((f" = {n}" for n, s in sizes.items() if np.isclose(factor, s)), "") or next(
            (f" = 1/{n}" for n, s in sizes.items() if s and np.isclose(factor, 1 / s)), ""
        )
        return f"{factor:.3g}{named} times what it should be"
    if has_steps and len(b) > 2:
        if close(a, np.broadcast_to(a[:1], a.shape)):
            return "the same at every step, as where one array is stored each time and then written over"
        if close(a, b[::-1]):
            return "in the reverse order of time"
        if close(a[1:], b[:-1]) or close(a[:-1], b[1:]):
            return f"one step {'late' if close(a[1:], b[:-1]) else 'early'}"
    return ""
