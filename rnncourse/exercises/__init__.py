r"""Exercises that say what is wrong: write a function or a derivation, and let it be checked.

- `exercises` lists them, `task` prints one with its blank;
- `check` judges a function, `check_equation` a derivation: which output, at which step, and which known mistake it is;
- `hint` says more at each call, `solution` shows a solution after the last hint, or when it is asked for twice;
- `progress` tells what has been passed.

How it is made: `records` (what an exercise is), `runner` (calling a learner's function safely), `diagnosis` and
`derivations` (what is wrong), `store` (the file of progress), and in `chapters` a file for each chapter of the book.

Examples
--------
>>> def affine(a, W_ya, b_y):
...     return a @ W_ya + b_y
>>> from rnncourse import exercises
>>> exercises.check("notation.affine", affine)  # doctest: +ELLIPSIS
Raised on a world with several examples: ValueError: matmul: ...
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import store
from .chapters import CHAPTERS, everything, find
from .diagnosis import Verdict, judge
from .records import Derivation, Exercise, Mistake, Question, Slip

__all__ = [
    "Derivation",
    "Exercise",
    "Mistake",
    "Question",
    "Slip",
    "Verdict",
    "check",
    "check_equation",
    "exercises",
    "find",
    "hint",
    "progress",
    "solution",
    "task",
]

HINTS = 3
_asked: dict[str, int] = {}  # how many hints have been given, in this session
_wanted: set[str] = set()  # whose solution has been asked for


def check(name: str, answer: Any, note: bool = True) -> None:
    """Judge a function, and print what is found; note it, if it is right.

    Parameters
    ----------
    name : str
        The exercise, such as "bptt.bptt".
    answer : callable
        The function; for a derivation its right-hand side, as in `check_equation`.
    note : bool
        Whether it counts for `progress`; the book's own solutions do not.

    Raises
    ------
    ValueError
        If there is no such exercise, or nothing in it to check.
    TypeError
        If the name is no str.

    Examples
    --------
    >>> check("deep.count", lambda n_x, n_a, L: ..., note=False)
    deep.count: not written yet.
    """
    exercise = find(name)
    if isinstance(exercise, Derivation):
        from .derivations import judge_equation  # the equation checker is loaded only by those who derive

        verdict = judge_equation(exercise, answer)
    elif isinstance(exercise, Exercise):
        verdict = judge(exercise, answer)
    else:
        raise ValueError(f"name: {name} is answered on paper: there is nothing to check")
    print(verdict)
    if note and verdict.state == "right" and (said := _note(name)):
        print(said)


def check_equation(name: str, latex: str, note: bool = True) -> None:
    r"""Judge a derivation, and print what is found; note it, if it is right.

    Parameters
    ----------
    name : str
        The exercise, such as "bptt.delta-recursion".
    latex : str
        The right-hand side, or the whole equation, in the book's notation; a raw string.
    note : bool
        As in `check`.

    Raises
    ------
    ValueError
        If there is no such exercise, or it is no derivation.
    TypeError
        If the name is no str.

    Examples
    --------
    >>> check_equation("bptt.delta-z", r"(1 - a^{\langle t \rangle}) \odot \delta_a^{\langle t \rangle}")
    ... # doctest: +ELLIPSIS
    It does not hold at t = 1: ...
    This is what one gets where ...
    """
    if not isinstance(find(name), Derivation):
        raise ValueError(f"name: {name} asks for a function: call check")
    check(name, latex, note)


def task(name: str) -> None:
    """Print what is asked, and the blank to begin with.

    Parameters
    ----------
    name : str
        The exercise.

    Examples
    --------
    >>> task("gru.gru-step")  # doctest: +ELLIPSIS
    One step of the GRU (code, 15 minutes)
    ...
    """
    exercise = find(name)
    print(f"{exercise.title} ({exercise.difficulty}, {exercise.minutes} minutes)")
    if isinstance(exercise, Exercise):
        given = f"{exercise.given}\n\n" if exercise.given else ""
        print(f"{exercise.task}\n\n{given}{exercise.blank}\n\ncheck({name!r}, {exercise.solution.__name__})")
    elif isinstance(exercise, Derivation):
        print(f'{exercise.task}\n\ncheck_equation({name!r}, r"...")  # the right-hand side of {exercise.left}')
    else:
        print(f"It stands in the chapter {exercise.chapter}.")


def hint(name: str) -> None:
    """Print a hint: one more at each call, three in all.

    Parameters
    ----------
    name : str
        The exercise.

    Raises
    ------
    ValueError
        If there is no such exercise, or it has no hints.

    Examples
    --------
    >>> hint("deep.count")
    Hint 1 of 3: The lowest layer differs from the others.
    """
    exercise = _checked(name)
    given = min(_asked.get(name, 0), HINTS - 1)
    _asked[name] = _asked.get(name, 0) + 1
    print(f"Hint {given + 1} of {HINTS}: {exercise.hints[given]}")


def solution(name: str) -> None:
    """Print a solution, after the last hint, or when it is asked for twice.

    Parameters
    ----------
    name : str
        The exercise.

    Raises
    ------
    ValueError
        If there is no such exercise, or it has no solution here.

    Examples
    --------
    >>> solution("deep.forward-grid")
    There are hints left: hint('deep.forward-grid'). Ask once more, and the solution is shown.
    """
    exercise = _checked(name)
    if _asked.get(name, 0) < HINTS and name not in _wanted:
        _wanted.add(name)
        print(f"There are hints left: hint({name!r}). Ask once more, and the solution is shown.")
        return
    print(exercise.source if isinstance(exercise, Exercise) else exercise.equation(exercise.answer))


def exercises(chapter: str | None = None) -> tuple[Question, ...]:
    """List the exercises.

    Parameters
    ----------
    chapter : str, optional
        Of one chapter; of all, if None.

    Returns
    -------
    tuple of Question
        Those to be checked are an `Exercise` or a `Derivation`.

    Raises
    ------
    ValueError
        If there is no such chapter.

    Examples
    --------
    >>> [each.name for each in exercises("deep")][:2]
    ['deep.equal', 'deep.bug']
    """
    if chapter is not None and chapter not in CHAPTERS:
        raise ValueError(f"chapter: expected one of {', '.join(CHAPTERS)}, got {chapter!r}")
    return tuple(e for e in everything() if chapter in (None, e.chapter))


def progress(path: str | Path | None = None) -> None:
    """Print what has been passed, a line a chapter; for a folder, a line a file in it.

    Parameters
    ----------
    path : str or Path, optional
        A file of progress, or a folder of such files, as a class hands them in; your own, if None.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:  # where a class has handed in one file
    ...     store.write(Path(folder, "ada.json"), {"deep.count": "2026-11-28"})
    ...     progress(folder)  # doctest: +ELLIPSIS
    ada: 1 of ..., the last on 2026-11-28
    """
    try:
        place = store.default_path() if path is None else Path(path)
    except ImportError as error:
        print(error)
        return
    if place is None:
        print(f"Nothing is stored: {store.VARIABLE} is empty.")
        return
    if place.is_dir():
        for file in sorted(place.glob("*.json")):
            print(f"{file.stem}: {_count(file)}")
        return
    checked = [e for e in everything() if isinstance(e, Exercise | Derivation)]
    try:
        done = store.passed(place)
    except (store.BrokenError, OSError) as error:
        print(f"{error}. The next exercise that you pass begins a new file.")
        return
    for chapter in CHAPTERS:
        names = [e.name for e in checked if e.chapter == chapter]
        passed = [name.partition(".")[2] for name in names if name in done]
        print(f"{chapter}: {len(passed)} of {len(names)}" + (f" ({', '.join(passed)})" if passed else ""))
    print(f"The file: {place}")


def _count(file: Path) -> str:
    try:
        done = store.passed(file)
    except (store.BrokenError, OSError):
        return "no file of progress"
    checked = {e.name for e in everything() if isinstance(e, Exercise | Derivation)}
    days = sorted(day for name, day in done.items() if name in checked)
    return f"{len(days)} of {len(checked)}" + (f", the last on {days[-1]}" if days else "")


def _checked(name: str) -> Exercise | Derivation:
    exercise = find(name)
    if not isinstance(exercise, Exercise | Derivation):
        raise ValueError(f"name: {name} has its solution in the chapter")
    return exercise


def _note(name: str) -> str:
    """Store that it has been passed; without platformdirs only `progress` says that nothing is stored."""
    try:
        place = store.default_path()
    except ImportError:
        return ""
    return store.remember(place, name) if place is not None else ""
