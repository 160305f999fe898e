"""The exercises, a file a chapter of the book."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from importlib import import_module

from ..records import Question

__all__ = ["CHAPTERS", "everything", "find"]

CHAPTERS = (
    "notation", "rnn-forward", "bptt", "sequences", "batches", "training", "language-model", "vanishing-gradients",
    "gru", "lstm-forward", "lstm-backward", "bidirectional", "deep", "memory", "from-numpy-to-pytorch",
)  # fmt: skip


@cache
def of_chapter(chapter: str) -> tuple[Question, ...]:
    """Load the exercises of a chapter.

    Parameters
    ----------
    chapter : str
        The name of its page.

    Returns
    -------
    tuple of Question
        In the order of the chapter.
    """
    module = import_module(f"{__name__}.{chapter.replace('-', '_')}")
    found: tuple[Question, ...] = module.EXERCISES
    return found


def everything() -> tuple[Question, ...]:
    """Load all exercises.

    Returns
    -------
    tuple of Question
        Chapter by chapter.
    """
    return tuple(e for chapter in CHAPTERS for e in of_chapter(chapter))


def find(name: str) -> Question:
    """Find an exercise.

    Parameters
    ----------
    name : str
        The chapter's page, a dot, and the exercise: "bptt.bptt".

    Returns
    -------
    Question
        The exercise; one to be checked is an `Exercise` or a `Derivation`.

    Raises
    ------
    ValueError
        If there is none of that name; the message says what is near.
    TypeError
        If the name is no str.

    Examples
    --------
    >>> find("deep.count").minutes
    5
    """
    if not isinstance(name, str):
        raise TypeError(f"name: expected a str, such as 'bptt.bptt', got {type(name).__name__}")
    chapter = name.partition(".")[0]
    if chapter in CHAPTERS:
        for exercise in of_chapter(chapter):
            if exercise.name == name:
                return exercise
    names = [e.name for e in everything()]
    near = get_close_matches(name, names, 3, 0.4) or [n for n in names if n.startswith(chapter)][:3]
    raise ValueError(f"name: there is no exercise {name!r}" + (f"; there is {', '.join(near)}" if near else ""))
