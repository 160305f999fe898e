"""Figures with a control: precomputed frames that need no kernel, and the same with one.

`frames` draws a figure for each of a few values and returns a `Player`: the pictures as inline SVG, a slider, and
buttons. It works in the built book, from a file, without a network, by keyboard, in light and in dark, and in
JupyterLab. `explore` returns the same, with controls over whole ranges where a kernel and ipywidgets are alive.
Figures need matplotlib: ``pip install "rnncourse[plots]"``; the live controls need ``rnncourse[widgets]``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import Any

from .. import _validation as validate
from .live import LivePlayer, spans
from .player import Control, Player
from .svg import as_given, book_style, drawn

__all__ = ["Player", "explore", "frames"]

MOST_FRAMES = 100

Words = Sequence[str] | Callable[..., str] | None


def frames(
    f: Callable[..., object],
    values: Sequence[Any] | Mapping[str, Sequence[Any]],
    labels: Words | Mapping[str, Words] = None,
    alt: Words = None,
    *,
    name: str = "value",
    caption: str | None = None,
) -> Player:
    """Draw a figure for each of some values, with a control to choose among them.

    Parameters
    ----------
    f : callable
        Takes a value, or one of each control, and returns a matplotlib figure, a diagram of `rnncourse.diagrams`, or
        a string of SVG or HTML; or a pair of these and a string, the text that stands under the picture. It draws in
        the book's style.
    values : sequence, or dict from name to sequence
        Of one control, or of several, of which every combination is drawn: at least 2 values each and at most 100
        frames in all.
    labels : sequence of str, or callable, or dict from name to these
        The words beside the control; with a dict of values, for each control. By default the value itself.
    alt : sequence of str, or callable
        What each frame shows, in words: a callable takes what `f` takes; a sequence is in the order of the frames, the
        last control changing fastest.
    name : str
        What the one control is called.
    caption : str, optional
        What to see.

    Returns
    -------
    Player
        Shows itself in a notebook.

    Raises
    ------
    TypeError, ValueError
        If an argument does not have this form; the message names it.

    Examples
    --------
    >>> frames(lambda k: f"<svg viewBox='0 0 9 9'><circle r='{k}'/></svg>", [1, 2, 3], alt=lambda k: f"Radius {k}.")
    <3 frames by value>
    """
    if not callable(f):
        raise TypeError(f"f: expected a function of the value, got {validate.describe(f)}")
    if caption is not None and not isinstance(caption, str):
        raise TypeError(f"caption: expected a string or None, got {validate.describe(caption)}")
    controls = _controls(values, labels, name)
    chosen = list(product(*(control.values for control in controls)))
    if len(chosen) > MOST_FRAMES:
        raise ValueError(f"values: expected at most {MOST_FRAMES} frames in all, got {len(chosen)}")
    if alt is None:
        raise ValueError("alt: expected what each frame shows, in words, got None")
    alts = _words("alt", alt, chosen)
    with book_style():
        pictures, notes = zip(*(drawn(f(*each)) for each in chosen), strict=True)
    player = Player(controls, pictures, notes, alts, caption)
    player.html()  # what cannot be shown is refused here
    return player


def explore(
    f: Callable[..., object],
    values: Sequence[Any] | Mapping[str, Sequence[Any]],
    labels: Words | Mapping[str, Words] = None,
    alt: Words = None,
    *,
    name: str = "value",
    caption: str | None = None,
    **ranges: tuple[float, float],
) -> Player:
    """Draw a figure with a control that covers a whole range where a kernel lives, and some of its values elsewhere.

    Where a notebook runs in front of a reader and ipywidgets are installed, the figure is drawn anew as the control
    moves. In the built book, or without ipywidgets, it is what `frames` makes of the same arguments.

    Parameters
    ----------
    f, values, labels, alt, name, caption
        As in `frames`; `labels` and `alt` of what has a range are callables, since any value of it may come.
    **ranges : tuple of two numbers
        The lowest and the highest value of a control, by its name (``w=(0, 2)``, or ``**{"Step size": (0, 1)}``).
        Controls without a range keep their values. Whole numbers make a control of whole numbers.

    Returns
    -------
    Player
        Shows itself in a notebook.

    Raises
    ------
    TypeError, ValueError
        If an argument does not have this form; the message names it.

    Examples
    --------
    >>> def circle(r):
    ...     return f"<svg viewBox='0 0 9 9'><circle r='{r}'/></svg>"
    >>> explore(circle, [1, 2, 3], alt=lambda r: f"Radius {r}.", value=(1, 3))
    <3 frames by value>
    """
    player = frames(f, values, labels, alt, name=name, caption=caption)
    of_range = spans(ranges, player.controls, alt)
    return LivePlayer(player.controls, player.frames, player.notes, player.alts, caption, f, alt, of_range)


def _controls(values: Any, labels: Any, name: object) -> tuple[Control, ...]:
    """Check the controls, and find a word for each value."""
    if not isinstance(values, Mapping):
        values, labels = {name: values}, {name: labels}
    elif not values:
        raise ValueError("values: expected at least one control, got an empty dict")
    elif labels is None:
        labels = {}
    elif not isinstance(labels, Mapping):
        raise TypeError(
            f"labels: expected a dict from name to labels, as values is one, got {validate.describe(labels)}"
        )
    for each in labels:
        if each not in values:
            raise ValueError(f"labels: expected names among {', '.join(map(str, values))}, got {each!r}")
    controls = []
    for each, some in values.items():
        if not isinstance(each, str) or not each.strip():
            raise TypeError(f"name: expected a string with something in it, got {validate.describe(each)}")
        if isinstance(some, str | bytes) or not isinstance(some, Iterable):
            raise TypeError(f"values: expected a sequence, got {validate.describe(some)}")
        offered = tuple(some)
        if len(offered) < 2:
            raise ValueError(f"values: expected at least 2 values of {each!r}, got {len(offered)}")
        words = labels.get(each)
        words = as_given if words is None else words
        controls.append(Control(each, offered, _words("labels", words, [(value,) for value in offered])))
    return tuple(controls)


def _words(argument: str, words: object, chosen: Sequence[tuple[Any, ...]]) -> tuple[str, ...]:
    """Return a text for each of the chosen values."""
    if isinstance(words, str | bytes) or not (callable(words) or isinstance(words, Iterable)):
        raise TypeError(f"{argument}: expected a sequence of strings or a function, got {validate.describe(words)}")
    found = tuple(words(*each) for each in chosen) if callable(words) else tuple(words)
    if len(found) != len(chosen):
        raise ValueError(f"{argument}: expected {len(chosen)} texts, one for each, got {len(found)}")
    for text in found:
        if not isinstance(text, str):
            raise TypeError(f"{argument}: expected strings, got {validate.describe(text)}")
        if not text.strip():
            raise ValueError(f"{argument}: expected texts with something in them, got {text!r}")
    return found
