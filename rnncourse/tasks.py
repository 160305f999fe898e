"""Tests of long memory, as the field uses them: adding, copying, temporal order, and the embedded Reber grammar.

Each draws its examples from a generator, so that no batch is ever seen twice. What a network without any memory can
reach is in the chapter on them: below that begins memory.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from . import _validation as validate
from .records import Array

__all__ = ["REBER", "TEMPORAL_ORDER", "Task", "adding", "copying", "reber", "reber_next", "temporal_order"]


class Task(NamedTuple):
    """Inputs and what to answer."""

    x: Array
    y: Array


def adding(n_examples: int, steps: int, rng: np.random.Generator, form: str = "sum") -> Task:
    """Draw sequences of numbers of which two are marked: the answer is their sum.

    Two definitions are about. In the newer one numbers are from 0 to 1, one of each half of the sequence is marked with
    1, and the target is the sum [1]_. In the first one numbers are from -1 to 1, the first of the two marks is among
    the first ten steps, the second before the middle; the first and the last step are marked with -1, and the target
    is 0.5 + (sum)/4 [2]_; there lengths vary by a tenth, here they do not.

    Parameters
    ----------
    n_examples, steps : int
        B and T; at least 2 steps, of the first form 22.
    rng : numpy.random.Generator
        Source of randomness.
    form : {"sum", "1997"}
        The newer or the first definition.

    Returns
    -------
    Task
        ``x`` (T, B, 2): the number and the mark; ``y`` (B, 1): to be said at the last step.

    References
    ----------
    .. [1] M. Arjovsky, A. Shah and Y. Bengio, Unitary Evolution Recurrent Neural Networks, 2016.
    .. [2] S. Hochreiter and J. Schmidhuber, Long Short-Term Memory, 1997.

    Examples
    --------
    >>> x, y = adding(1, 4, np.random.default_rng(0))
    >>> np.round(x[:, 0].T, 2)
    array([[0.64, 0.27, 0.04, 0.02],
           [1.  , 0.  , 0.  , 1.  ]])
    >>> np.round(y, 2)
    array([[0.65]])
    """
    n, rng = validate.size("n_examples", n_examples, least=0), validate.generator("rng", rng)
    if form not in ("sum", "1997"):
        raise ValueError(f"form: expected 'sum' or '1997', got {validate.describe(form)}")
    T = validate.size("steps", steps, least=2 if form == "sum" else 22)
    which, mark = np.arange(n), np.zeros((T, n))
    if form == "sum":
        numbers = rng.random((T, n))
        mark[rng.integers(0, T // 2, n), which] = 1
        mark[rng.integers(T // 2, T, n), which] = 1
        return Task(np.stack([numbers, mark], 2), (numbers * mark).sum(0)[:, None])
    numbers = rng.uniform(-1, 1, (T, n))
    first = rng.integers(0, 10, n)
    second = rng.integers(0, T // 2 - 2, n)
    second += second >= first  # a step that is still without a mark
    numbers[0, first == 0] = numbers[0, second == 0] = 0  # the mark -1 hides that it is one of the two
    mark[first, which] = mark[second, which] = 1
    target = 0.5 + (numbers * mark).sum(0)[:, None] / 4
    mark[[0, -1]] = -1
    return Task(np.stack([numbers, mark], 2), target)


def copying(n_examples: int, delay: int, rng: np.random.Generator, length: int = 10, n_symbols: int = 8) -> Task:
    """Draw symbols to be written out again after a delay.

    First come the symbols, then blanks for ``delay - 1`` steps, a sign to begin, and blanks while they are to be
    written. The target is blank until the sign, then the symbols in their order [1]_.

    Parameters
    ----------
    n_examples, delay : int
        B, and the number of steps from the last symbol to the sign, at least 1.
    rng : numpy.random.Generator
        Source of randomness.
    length, n_symbols : int
        How many symbols, of how many kinds.

    Returns
    -------
    Task
        ``x`` (delay + 2 · length, B) of int: 0 is the blank, 1 to ``n_symbols`` the symbols, ``n_symbols + 1`` the
        sign. ``y`` of the same shape: 0 to ``n_symbols``.

    References
    ----------
    .. [1] M. Arjovsky, A. Shah and Y. Bengio, Unitary Evolution Recurrent Neural Networks, 2016.

    Examples
    --------
    >>> x, y = copying(1, 3, np.random.default_rng(0), length=2)
    >>> x[:, 0], y[:, 0]
    (array([7, 6, 0, 0, 9, 0, 0]), array([0, 0, 0, 0, 0, 7, 6]))
    """
    n, delay = validate.size("n_examples", n_examples, least=0), validate.size("delay", delay, least=1)
    length, kinds = validate.size("length", length), validate.size("n_symbols", n_symbols)
    symbols = validate.generator("rng", rng).integers(1, kinds + 1, (length, n))
    x = np.zeros((delay + 2 * length, n), np.int64)
    y = np.zeros_like(x)
    x[:length], x[length + delay - 1] = symbols, kinds + 1
    y[length + delay :] = symbols
    return Task(x, y)


TEMPORAL_ORDER = ("X", "Y", "a", "b", "c", "d")
"""The symbols of `temporal_order`: two that count, four that do not."""


def temporal_order(n_examples: int, steps: int, rng: np.random.Generator) -> Task:
    """Draw symbols among which two, X or Y each, count: the answer is which two, in which order.

    The first stands in the second tenth of the sequence, the second in the fifth [1]_; all others are one of four
    symbols that do not count.

    Parameters
    ----------
    n_examples, steps : int
        B and T, at least 10.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Task
        ``x`` (T, B) of int, places in `TEMPORAL_ORDER`; ``y`` (B,) of int: 0 XX, 1 XY, 2 YX, 3 YY.

    References
    ----------
    .. [1] R. Pascanu, T. Mikolov and Y. Bengio, On the difficulty of training recurrent neural networks, 2013.

    Examples
    --------
    >>> x, y = temporal_order(1, 10, np.random.default_rng(0))
    >>> "".join(TEMPORAL_ORDER[k] for k in x[:, 0]), y
    ('dYcbYaaaad', array([3]))
    """
    n, T = validate.size("n_examples", n_examples, least=0), validate.size("steps", steps, least=10)
    rng = validate.generator("rng", rng)
    x = rng.integers(2, 6, (T, n))
    signs = rng.integers(0, 2, (2, n))
    for sign, (start, stop) in zip(signs, ((T // 10, T // 5), (4 * T // 10, T // 2)), strict=True):
        x[rng.integers(start, stop, n), np.arange(n)] = sign
    return Task(x, 2 * signs[0] + signs[1])


REBER = "BTPSXVE"
"""The letters of the Reber grammar."""
_ARROWS: dict[int, tuple[tuple[str, int], ...]] = {  # from each node: the letter, and the node that it leads to
    0: (("T", 1), ("P", 2)),
    1: (("S", 1), ("X", 3)),
    2: (("T", 2), ("V", 4)),
    3: (("X", 2), ("S", 5)),
    4: (("P", 3), ("V", 5)),
}


def reber(n_examples: int, rng: np.random.Generator) -> list[str]:
    """Draw strings of the embedded Reber grammar: the second letter, T or P, comes back as the last but one.

    Between them stands a string of Reber's own grammar, which says nothing about it. At every fork each way is as
    likely as the other [1]_.

    Parameters
    ----------
    n_examples : int
        Number of strings.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    list of str
        Strings over `REBER`, 9 letters or more.

    References
    ----------
    .. [1] S. Hochreiter and J. Schmidhuber, Long Short-Term Memory, 1997.

    Examples
    --------
    >>> reber(2, np.random.default_rng(0))
    ['BPBPVPXTTTTVVEPE', 'BPBPVVEPE']
    """
    n, rng = validate.size("n_examples", n_examples, least=0), validate.generator("rng", rng)
    strings = []
    for _ in range(n):
        outer, node, inner = "TP"[rng.integers(2)], 0, ""
        while node != 5:
            letter, node = _ARROWS[node][rng.integers(2)]
            inner += letter
        strings.append(f"B{outer}B{inner}E{outer}E")
    return strings


def reber_next(string: str) -> Array:
    """Return which letters may follow after each letter of a string of the embedded grammar.

    Parameters
    ----------
    string : str
        A string as `reber` draws it.

    Returns
    -------
    ndarray of bool, shape (T - 1, 7)
        A row for each letter but the last: the letters of `REBER` that may come next.

    Raises
    ------
    ValueError
        If the string is not of the grammar.

    Examples
    --------
    >>> ["".join(letter for letter, may in zip(REBER, row) if may) for row in reber_next("BTBTXSETE")]
    ['TP', 'B', 'TP', 'SX', 'SX', 'E', 'T', 'E']
    """
    if not isinstance(string, str):
        raise TypeError(f"string: expected a string, got {validate.describe(string)}")
    outer, node = string[1:2], 0
    follow = ["TP", "B"]
    for letter in string[3:-3]:
        ways = dict(_ARROWS.get(node, ()))
        follow.append("".join(ways))
        node = ways.get(letter, -1)
    follow += ["E", outer, "E"]
    may = np.array([[letter in letters for letter in REBER] for letters in follow])
    said = [REBER.find(letter) for letter in string[1:]]
    framed = string[:1] == "B" and node == 5 and len(said) == len(may) and min(said) >= 0
    if not framed or not may[np.arange(len(said)), said].all():
        raise ValueError(f"string: expected a string of the embedded Reber grammar, got {validate.describe(string)}")
    return may
