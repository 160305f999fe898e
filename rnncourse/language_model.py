"""Language models: counts of n-grams, scores, samples, and the most likely continuation.

A language model gives a probability to each symbol that may come next. Here it is anything with a streaming
``step(x_t, state) -> (logits, state)``: a layer or a `Deep` of the package, whose outputs are logits, or an `NGram`,
whose outputs are log-probabilities. One that ``reads_symbols`` is handed integers, any other one one-hot vectors.

Probabilities are normalised in float64 whatever the model computes in, and every draw comes from an explicit generator.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from . import _validation as validate
from .activations import log_softmax
from .data import one_hot
from .records import Array, Record, tree_map

__all__ = [
    "Beams",
    "NGram",
    "beam_search",
    "bits_per_symbol",
    "negative_log_likelihood",
    "next_probabilities",
    "perplexity",
    "python_topics",
    "repeated_share",
    "sample",
]

LN_2 = float(np.log(2))
LEAST = np.finfo(np.float64).tiny


# ---- n-grams


@dataclass(frozen=True, eq=False, repr=False)
class Level(Record):
    """The counts of one order k: for each context of k - 1 symbols, the symbols that followed it.

    Attributes
    ----------
    contexts : ndarray of bytes, shape (C,)
        The contexts, two bytes a symbol, in order.
    starts : ndarray of int, shape (C + 1,)
        Where the symbols of each context begin; then their number in all.
    symbols, counts : ndarray of int, shape (N,)
        What followed, and how often (below the highest order: behind how many different symbols).
    discount : float
        What is taken off each count.
    """

    contexts: Array
    starts: Array
    symbols: Array
    counts: Array
    discount: float


@dataclass(frozen=True, eq=False, repr=False)
class NGram(Record):
    r"""Interpolated Kneser-Ney: the last order - 1 symbols decide, and shorter contexts help out [1]_ [2]_.

    .. math::

        P_k(w \mid h) = \frac{\max(c(hw) - D, 0)}{c(h)} + \frac{D\, N(h)}{c(h)} P_{k-1}(w \mid h')

    Here c counts how often w follows the k - 1 symbols h, N(h) how many different symbols follow h, and h' is h without
    its first symbol. Below the highest order c(hw) is the number of different symbols in front of hw. The lowest order
    is mixed with equal probabilities, and a context that never occurred leaves all to the next shorter one; so each
    distribution is positive everywhere and adds up to 1. Order 0 is equal probabilities alone.

    Attributes
    ----------
    n_x : int
        Number of symbols.
    levels : tuple of Level
        The counts of the orders 1, 2, …

    References
    ----------
    .. [1] R. Kneser and H. Ney, "Improved backing-off for m-gram language modeling", ICASSP 1995.
    .. [2] S. F. Chen and J. Goodman, "An empirical study of smoothing techniques for language modeling", Computer
           Speech and Language 13, 1999.

    Examples
    --------
    >>> model = NGram.fit(np.array([0, 1, 0, 1, 0, 2]), n_x=3, order=2)
    >>> model.probabilities(np.array([[0], [1]])).round(3)
    array([[0.044, 0.644, 0.311],
           [0.933, 0.033, 0.033]])
    """

    n_x: int
    levels: tuple[Level, ...]
    reads_symbols: ClassVar[bool] = True

    @classmethod
    def fit(cls, symbols: Array, n_x: int, order: int, discount: float | None = None) -> NGram:
        """Count.

        Parameters
        ----------
        symbols : ndarray of int, shape (N,)
            A text, from 0 to n_x - 1; at least `order` symbols.
        n_x : int
            Number of symbols, at most 65,535.
        order : int
            How many symbols an n-gram has: the one that is predicted, and order - 1 before it.
        discount : float, optional
            What is taken off each count, above 0 and at most 1. By default n₁/(n₁ + 2n₂) for each order, where n₁
            n-grams were counted once and n₂ twice; 1/2, if none was counted once.

        Returns
        -------
        NGram
            The model.

        Raises
        ------
        TypeError, ValueError
            If an argument is not of this form.
        """
        n_x, order = validate.size("n_x", n_x), validate.size("order", order, least=0)
        if n_x > 65_535:
            raise ValueError(f"n_x: expected at most 65535 symbols, got {n_x}")
        symbols = _text("symbols", symbols, n_x)
        if len(symbols) < max(order, 1):
            raise ValueError(f"symbols: expected at least {max(order, 1)}, as many as `order` says, got {len(symbols)}")
        if discount is not None and validate.positive("discount", discount) > 1:
            raise ValueError(f"discount: expected a number above 0 and at most 1, got {discount:g}")
        levels: list[Level] = []
        rows = np.lib.stride_tricks.sliding_window_view(symbols.astype(np.uint16), order) if order else symbols[:0]
        for _ in range(order):  # from the highest order down
            rows, counts = _distinct(rows)
            levels.insert(0, _level(rows, counts, discount))
            rows = rows[:, 1:]
        return cls(n_x, tuple(levels))

    @property
    def order(self) -> int:
        """How many symbols an n-gram has."""
        return len(self.levels)

    @property
    def n_counts(self) -> int:
        """How many counts the model keeps, of all orders."""
        return sum(len(level.counts) for level in self.levels)

    def probabilities(self, contexts: Array) -> Array:
        """Return what comes next.

        Parameters
        ----------
        contexts : ndarray of int, shape (B, k)
            The symbols so far, the newest last; -1 for one that is not known. More than order - 1 are not looked at.

        Returns
        -------
        ndarray, shape (B, n_x)
            Probabilities, each row with the sum 1.

        Raises
        ------
        TypeError, ValueError
            If the contexts are no integers, out of range or of another shape.
        """
        contexts = validate.symbols("contexts", contexts)
        validate.shape("contexts", contexts, "(B, k)", (None, None))
        validate.below("contexts", np.where(contexts == -1, 0, contexts), self.n_x)
        p = np.full((len(contexts), self.n_x), 1 / self.n_x)
        for k, level in enumerate(self.levels):
            if k <= contexts.shape[1]:
                _mix(p, level, contexts[:, contexts.shape[1] - k :])
        return p

    def zero_state(self, batch: int) -> Array:
        """Return a state that knows of no symbol: (B, order - 1), all -1."""
        return np.full((validate.size("batch", batch, least=0), max(self.order - 1, 0)), -1)

    def step(self, x_t: Array, state: Array | None = None) -> tuple[Array, Array]:
        """Take in a symbol for each example, and tell what comes next.

        Parameters
        ----------
        x_t : ndarray of int, shape (B,)
            The symbols.
        state : ndarray of int, shape (B, order - 1), optional
            Those before; unknown, if None.

        Returns
        -------
        tuple
            Log-probabilities (B, n_x) and the new state.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind or shape.
        """
        x_t = validate.symbols("x_t", x_t)
        validate.shape("x_t", x_t, "(B,)", (None,))
        validate.below("x_t", x_t, self.n_x)
        known = self.zero_state(len(x_t)) if state is None else validate.symbols("state", state)
        validate.shape("state", known, "(B, order - 1)", (len(x_t), max(self.order - 1, 0)))
        state = np.concatenate([known, x_t[:, None]], axis=1)[:, 1:]
        return np.log(self.probabilities(state)), state


def _distinct(rows: Array) -> tuple[Array, Array]:
    """Return the different rows in order, and how often each occurs."""
    rows = rows[np.lexsort(rows.T[::-1])]
    first = np.concatenate([[True], (rows[1:] != rows[:-1]).any(axis=1)])
    return rows[first], np.diff(np.append(np.flatnonzero(first), len(rows)))


def _level(rows: Array, counts: Array, discount: float | None) -> Level:
    """Group rows that stand in order by all their symbols but the last."""
    contexts, sizes = _distinct(rows[:, :-1]) if rows.shape[1] > 1 else (rows[:1, :0], np.array([len(rows)]))
    once, twice = (counts == 1).sum(), (counts == 2).sum()
    if discount is None:
        discount = float(once / (once + 2 * twice)) if once else 0.5
    return Level(_key(contexts), np.append(0, np.cumsum(sizes)), rows[:, -1].astype(np.int64), counts, discount)


def _key(contexts: Array) -> Array:
    """Make one string of bytes of each row, in whose order the rows stand; rows of no symbols are all one.

    What is not known, -1, becomes 65,535, which is no symbol: it is found in no context that was counted.
    """
    if contexts.shape[1] == 0:
        return np.zeros(len(contexts), "S1")
    return np.ascontiguousarray(contexts.astype(">u2")).view(f"S{2 * contexts.shape[1]}")[:, 0]


def _mix(p: Array, level: Level, contexts: Array) -> None:
    """Turn the probabilities of the next shorter contexts into those of these, in place (eq:kneser-ney)."""
    keys = _key(contexts)
    place = np.minimum(np.searchsorted(level.contexts, keys), len(level.contexts) - 1)
    rows = np.flatnonzero(level.contexts[place] == keys)
    starts, sizes = level.starts[place[rows]], np.diff(level.starts)[place[rows]]
    total = np.add.reduceat(level.counts, level.starts[:-1])[place[rows]]
    p[rows] *= (level.discount * sizes / total)[:, None]
    row = np.repeat(np.arange(len(rows)), sizes)
    entry = np.arange(sizes.sum()) + np.repeat(starts - np.cumsum(sizes) + sizes, sizes)
    p[rows[row], level.symbols[entry]] += np.maximum(level.counts[entry] - level.discount, 0) / total[row]


# ---- scores


def negative_log_likelihood(model: Any, symbols: Array, state: Any = None) -> Array:
    """Return -ln p of each symbol of a text but the first, given those before it (eq:lm-nll).

    Parameters
    ----------
    model : language model
        See the head of the module.
    symbols : ndarray of int, shape (N,) or (N, B)
        One text, or B side by side; at least 2 symbols.
    state : state, optional
        What the model starts from.

    Returns
    -------
    ndarray of float64, shape (N - 1,) or (N - 1, B)
        In nats; infinite where the model holds a symbol for impossible.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or shape, or the model's outputs are no logits.

    Examples
    --------
    >>> uniform = NGram.fit(np.arange(4), n_x=4, order=0)
    >>> negative_log_likelihood(uniform, np.array([0, 3, 1])) / np.log(2)
    array([2., 2.])
    """
    symbols = validate.symbols("symbols", symbols)
    if symbols.ndim not in (1, 2) or len(symbols) < 2:
        raise ValueError(f"symbols: expected shape (N,) or (N, B) with N ≥ 2, got {symbols.shape}")
    columns = symbols[:, None] if symbols.ndim == 1 else symbols
    found = np.empty((len(columns) - 1, columns.shape[1]))
    for t, logits, _ in _read(model, columns[:-1], state):
        validate.below("symbols", columns[t + 1], logits.shape[1])
        found[t] = -np.take_along_axis(log_softmax(logits), columns[t + 1][:, None], axis=1)[:, 0]
    return found.reshape(-1, *symbols.shape[1:])


def perplexity(nats: Array) -> float:
    """Return exp of the mean negative log-likelihood (eq:lm-perplexity).

    As many symbols, equally likely, would be as hard to guess.

    Parameters
    ----------
    nats : ndarray
        What `negative_log_likelihood` returns: at least one number.

    Returns
    -------
    float
        At least 1; infinite if a symbol was held for impossible.

    Raises
    ------
    TypeError, ValueError
        If these are no real numbers of at least 0, or there are none.

    Examples
    --------
    >>> round(perplexity(np.log([2.0, 8.0])), 9)
    4.0
    """
    with np.errstate(over="ignore"):
        return float(np.exp(_nats(nats).mean()))


def bits_per_symbol(nats: Array) -> float:
    """Return the mean negative log-likelihood in bits: log₂ of the perplexity (eq:lm-bits).

    Parameters
    ----------
    nats : ndarray
        What `negative_log_likelihood` returns: at least one number.

    Returns
    -------
    float
        Bits a symbol.

    Raises
    ------
    TypeError, ValueError
        If these are no real numbers of at least 0, or there are none.

    Examples
    --------
    >>> bits_per_symbol(np.log([2.0, 8.0]))
    2.0
    """
    return float(_nats(nats).mean() / LN_2)


def _nats(nats: Array) -> Array:
    nats = validate.ndarray("nats", nats)
    if nats.dtype.kind not in "fiu":
        raise TypeError(f"nats: expected real numbers, got dtype {nats.dtype}")
    if not nats.size:
        raise ValueError("nats: expected at least one number, got none")
    if not (nats >= 0).all():
        raise ValueError(f"nats: expected numbers of at least 0, -ln of a probability, got {nats[~(nats >= 0)][0]}")
    return nats.astype(np.float64)


# ---- samples


def next_probabilities(
    logits: Array, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None
) -> Array:
    r"""Turn logits into probabilities to draw from: softmax(z / temperature), cut to the likeliest (eq:lm-temperature).

    Parameters
    ----------
    logits : ndarray, shape (..., n)
        Of any real dtype; -inf for what is impossible.
    temperature : float
        At least 0. Below 1 likely symbols gain, above 1 unlikely ones do. At 0 the likeliest one has it all, the first
        of several.
    top_k : int, optional
        Keep the k likeliest symbols, of equal ones the first.
    top_p : float, optional
        Keep the fewest of the likeliest symbols that together reach this probability, above 0 and at most 1: the
        *nucleus* [1]_. If both are given, `top_k` comes first and the rest is normalised before `top_p` looks at it.

    Returns
    -------
    ndarray of float64, shape (..., n)
        They add up to 1.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of this form, a logit is NaN or +inf, or a row is -inf everywhere.

    References
    ----------
    .. [1] A. Holtzman, J. Buys, L. Du, M. Forbes and Y. Choi, "The curious case of neural text degeneration", ICLR
           2020.

    Examples
    --------
    >>> z = np.log([0.5, 0.3, 0.2])
    >>> next_probabilities(z, temperature=0.5).round(3)
    array([0.658, 0.237, 0.105])
    >>> next_probabilities(z, top_p=0.6)
    array([0.625, 0.375, 0.   ])
    """
    z = _logits("logits", logits)
    temperature = validate.positive("temperature", temperature, zero=True)
    order = np.argsort(-z, axis=-1, kind="stable")  # the likeliest first; of equals, the one that stands first
    rank = np.argsort(order, axis=-1, kind="stable")
    if temperature == 0:
        return (rank == 0).astype(np.float64)
    with np.errstate(over="ignore"):
        p = np.exp((z - z.max(axis=-1, keepdims=True)) / max(temperature, LEAST))
    if top_k is not None:
        p[rank >= validate.size("top_k", top_k)] = 0
    if top_p is not None:
        top_p = validate.positive("top_p", top_p)
        if top_p > 1:
            raise ValueError(f"top_p: expected a number above 0 and at most 1, got {top_p:g}")
        p /= p.sum(axis=-1, keepdims=True)
        sorted_p = np.take_along_axis(p, order, axis=-1)
        before = np.cumsum(sorted_p, axis=-1) - sorted_p  # what the likelier ones have together
        p[np.take_along_axis(before, rank, axis=-1) >= top_p] = 0
    return p / p.sum(axis=-1, keepdims=True)


def sample(
    model: Any,
    prompt: Array,
    n: int,
    rng: np.random.Generator,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    stop: int | None = None,
    state: Any = None,
) -> Array:
    """Go on from a prompt, one drawn symbol after the other.

    Parameters
    ----------
    model : language model
        See the head of the module.
    prompt : ndarray of int, shape (N,) or (N, B)
        What the model reads first, at least one symbol; B of them side by side.
    n : int
        How many symbols to draw.
    rng : numpy.random.Generator
        Source of randomness: one number is drawn for each symbol, at temperature 0, too.
    temperature, top_k, top_p
        See `next_probabilities`.
    stop : int, optional
        The symbol after which a text is at its end. A single text ends with it; in a batch, it fills what remains.
    state : state, optional
        What the model starts from.

    Returns
    -------
    ndarray of int, shape (n,) or (n, B)
        What was drawn, without the prompt; fewer than n, if all have stopped.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of this form, or the model's outputs are no logits.

    Examples
    --------
    >>> model = NGram.fit(np.array([0, 1, 2] * 9), n_x=3, order=3)
    >>> sample(model, np.array([0, 1]), 6, np.random.default_rng(0), temperature=0)
    array([2, 0, 1, 2, 0, 1])
    """
    prompt, n, rng = validate.symbols("prompt", prompt), validate.size("n", n, least=0), validate.generator("rng", rng)
    if prompt.ndim not in (1, 2) or not len(prompt):
        raise ValueError(f"prompt: expected shape (N,) or (N, B) with N ≥ 1, got {prompt.shape}")
    columns = prompt[:, None] if prompt.ndim == 1 else prompt
    *_, (_, logits, state) = _read(model, columns, state)
    stop = None if stop is None else validate.size("stop", stop, least=0)
    drawn = np.empty((n, columns.shape[1]), dtype=np.int64)
    over = np.zeros(columns.shape[1], dtype=bool)
    for k in range(n):
        drawn[k] = _draw(next_probabilities(logits, temperature, top_k, top_p), rng)
        if stop is not None:
            drawn[k, over] = stop
            over |= drawn[k] == stop
            if over.all():
                drawn = drawn[: k + 1]
                break
        if k + 1 < n:
            logits, state = _next(model, drawn[k], state)
    return drawn.reshape(-1, *prompt.shape[1:])


def _draw(p: Array, rng: np.random.Generator) -> Array:
    """Draw a column for each row of probabilities: the first at which their sum passes a random number."""
    cumulative = np.cumsum(p, axis=-1)
    passed = cumulative > rng.random(len(p))[:, None] * cumulative[:, -1:]
    found: Array = passed.argmax(axis=-1)  # of what has no probability, the sum passes nothing
    return found


# ---- the most likely continuation


class Beams(NamedTuple):
    """What `beam_search` found: texts, the likeliest first, and the logarithm of the probability of each."""

    symbols: Array
    log_probabilities: Array


def beam_search(model: Any, prompt: Array, n: int, width: int, state: Any = None) -> Beams:
    """Look for likely continuations of a prompt: at each step keep the `width` likeliest.

    A width of 1 takes the likeliest symbol each time. Even a large width may miss the likeliest text, unless it keeps
    all.

    Parameters
    ----------
    model : language model
        See the head of the module.
    prompt : ndarray of int, shape (N,)
        What the model reads first, at least one symbol.
    n : int
        How many symbols a continuation has.
    width : int
        How many are kept.
    state : state, optional
        What the model starts from; of one example.

    Returns
    -------
    Beams
        ``symbols`` (n, width) and ``log_probabilities`` (width,), in nats; of fewer, if there are fewer.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of this form, or the model's outputs are no logits.

    Examples
    --------
    >>> model = NGram.fit(np.array([0, 1, 2] * 9), n_x=3, order=3)
    >>> beam_search(model, np.array([0, 1]), 3, width=2).symbols[:, 0]
    array([2, 0, 1])
    """
    prompt, n, width = validate.symbols("prompt", prompt), validate.size("n", n), validate.size("width", width)
    if prompt.ndim != 1 or not len(prompt):
        raise ValueError(f"prompt: expected shape (N,) with N ≥ 1, got {prompt.shape}")
    *_, (_, logits, state) = _read(model, prompt[:, None], state)
    symbols, total = np.empty((0, 1), dtype=np.int64), np.zeros(1)
    for k in range(n):
        scores = total[:, None] + log_softmax(logits)
        best = np.argsort(-scores, axis=None, kind="stable")[:width]
        best = best[scores.flat[best] > -np.inf]
        rows, last = np.unravel_index(best, scores.shape)
        symbols, total = np.concatenate([symbols[:, rows], last[None]]), scores.flat[best]
        if k + 1 < n:
            logits, state = _next(model, last, tree_map(lambda s, rows=rows: s[rows], state))
    return Beams(symbols, total)


# ---- what all of them do with a model


def _read(model: Any, columns: Array, state: Any) -> Iterator[tuple[int, Array, Any]]:
    """Step through texts side by side; yield the step's number, the logits and the state."""
    if not callable(getattr(model, "step", None)) or isinstance(model, type):
        raise TypeError(f"model: expected one with step(x_t, state), such as a Deep, got {validate.describe(model)}")
    for t, symbols in enumerate(columns):
        logits, state = _next(model, symbols, state)
        yield t, logits, state


def _next(model: Any, symbols: Array, state: Any) -> tuple[Array, Any]:
    """Let a model read a symbol for each example; return logits in float64, and the state."""
    known = getattr(model, "reads_symbols", False)
    logits, state = model.step(symbols if known else one_hot(symbols, model.n_x, model.dtype), state)
    return _logits("the model's logits", logits), state


def _logits(name: str, value: object) -> Array:
    z = validate.ndarray(name, value)
    if z.dtype.kind not in "fiu":
        raise TypeError(f"{name}: expected real numbers, got dtype {z.dtype}")
    if z.ndim < 1 or z.shape[-1] < 1:
        raise ValueError(f"{name}: expected shape (..., n) with n ≥ 1, got {z.shape}")
    z = z.astype(np.float64)
    if np.isnan(z).any():
        raise ValueError(f"{name}: expected numbers, got NaN: has the training diverged?")
    if (z == np.inf).any():
        raise ValueError(f"{name}: expected numbers or -inf, got inf: no probabilities belong to it")
    if z.size and (z.max(axis=-1) == -np.inf).any():
        raise ValueError(f"{name}: expected a possible symbol in each row, got one with -inf everywhere")
    return z


def _text(name: str, value: object, n_x: int) -> Array:
    symbols = validate.symbols(name, value)
    validate.shape(name, symbols, "(N,)", (None,))
    validate.below(name, symbols, n_x)
    return symbols


# ---- a text that every Python has


def python_topics() -> str:
    """Return the help texts of Python's own `help()`, English technical prose, each paragraph once.

    The topics quote each other at length: as they stand, the end of the text repeats paragraphs from its beginning, and
    a model would be tested on what it was trained on. So a paragraph that has come before is left out. What is in them
    depends on the version of Python.

    Returns
    -------
    str
        About 370,000 characters.

    Raises
    ------
    ImportError
        If this Python comes without ``pydoc_data``.

    Examples
    --------
    >>> text = python_topics()
    >>> len(text) > 300_000, "assignment" in text
    (True, True)
    """
    from pydoc_data.topics import topics

    once: dict[str, str] = {}
    for topic in topics.values():
        for paragraph in re.split(r"\n\s*\n", topic.strip("\n")):
            once.setdefault(" ".join(paragraph.split()), paragraph)  # the first one stays
    once.pop("", None)
    return "\n\n".join(once.values())


def repeated_share(seen: str, text: str, length: int) -> float:
    """Tell which share of a text's passages has been seen before, word for word: the leak between two parts of a text.

    Parameters
    ----------
    seen, text : str
        What a model learned from, and what it is tested on.
    length : int
        How many characters a passage has.

    Returns
    -------
    float
        The share of the places in `text` at which a passage begins that occurs in `seen`, too.

    Raises
    ------
    TypeError, ValueError
        If these are no strings, or `text` is shorter than a passage.

    Examples
    --------
    >>> repeated_share("the cat sat", "a cat sat", 4)
    0.8333333333333334
    """
    length = validate.size("length", length)
    for name, value in (("seen", seen), ("text", text)):
        if not isinstance(value, str):
            raise TypeError(f"{name}: expected a string, got {validate.describe(value)}")
    places = len(text) - length + 1
    if places < 1:
        raise ValueError(f"text: expected at least {length} characters, as many as a passage has, got {len(text)}")
    known = {seen[k : k + length] for k in range(len(seen) - length + 1)}
    return sum(text[k : k + length] in known for k in range(places)) / places
