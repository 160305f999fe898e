"""The body of a function, as a page of the book shows it: highlighted, without the docstring, in lines that fit.

A notebook's page renders what `listing` returns as Markdown; a terminal prints the same text.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

__all__ = ["Listing", "listing"]

FOR_TOOLS = "fmt:", "noqa", "type:"


@dataclass(frozen=True, repr=False)
class Listing:
    """Lines of Python.

    Attributes
    ----------
    text : str
        The lines.
    """

    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return f"```python\n{self.text}\n```"


def listing(function: Callable[..., Any], start: str | None = None, containing: str | None = None) -> Listing:
    """Show the body of a function: the lines that run, each comment at the end of a line above it.

    Parameters
    ----------
    function : callable
        A function or method written in Python.
    start : str, optional
        Begin with the line that holds this text, and end with the block that it stands in.
    containing : str, optional
        Only lines that hold this text.

    Returns
    -------
    Listing
        Shown with colours in a notebook and in the book.

    Raises
    ------
    TypeError
        If the function is not written in Python.
    ValueError
        If no line holds the text.

    Examples
    --------
    >>> from rnncourse import Dense
    >>> listing(Dense.backward, containing="rows.T")
    dW = rows.T @ run.x.reshape(-1, self.n_x)
    """
    function = inspect.unwrap(function)
    if not inspect.isfunction(function):
        raise TypeError(f"function must be written in Python, got {function!r}")
    source = inspect.getsource(function)
    body = source.split('"""', 2)[2] if function.__doc__ else source.partition(":\n")[2]
    lines = body.strip("\n").splitlines()
    for name, text in ("start", start), ("containing", containing):
        if text is not None and not any(text in line for line in lines):
            raise ValueError(f"{name}: no line of {function.__qualname__} holds {text!r}")
    if start is not None:
        lines = lines[next(i for i, line in enumerate(lines) if start in line) :]
        depth = len(lines[0]) - len(lines[0].lstrip())
        lines = [*takewhile(lambda line: not line.strip() or line.startswith(" " * depth), lines)]
    if containing is not None:
        lines = [line.lstrip() for line in lines if containing in line]
    return Listing(textwrap.dedent("\n".join(part for line in lines for part in comment_above(line))).strip("\n"))


def comment_above(line: str) -> list[str]:
    """Put the comment at the end of a line above it: a phone has no room beside; leave out what only tools read."""
    code, mark, comment = line.partition("  # ")
    if not mark or not code.strip():
        return [line]
    if comment.startswith(FOR_TOOLS):
        return [code]
    return [f"{' ' * (len(code) - len(code.lstrip()))}# {comment}", code]
