"""Sequences to learn from: Elman's letters, temporal XOR, agreement, gaps between letters, sunspots, digits, a text.

And batches of them: sequences of different lengths, padded to one array or sorted into buckets; a long sequence as
streams, cut into windows, and split into parts to learn from, to choose by and to test on.

Generated data comes from an explicit random generator; nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from . import _validation as validate
from ._extras import needed
from .records import Array, Record

__all__ = [
    "AGREEMENT_WORDS",
    "ELMAN_CODES",
    "Agreement",
    "Characters",
    "Digits",
    "Gaps",
    "Padded",
    "Splits",
    "Streams",
    "Sunspots",
    "agreement",
    "buckets",
    "digits",
    "elman_letters",
    "gaps",
    "mask",
    "one_hot",
    "pad",
    "right_padded",
    "splits",
    "streams",
    "sunspots",
    "temporal_xor",
    "windows",
]

ELMAN_CODES = {
    "b": (1, 0, 1, 0, 0, 1),
    "d": (1, 0, 1, 1, 0, 1),
    "g": (1, 0, 1, 0, 1, 1),
    "a": (0, 1, 0, 0, 1, 1),
    "i": (0, 1, 0, 1, 0, 1),
    "u": (0, 1, 0, 1, 1, 1),
}
"""Elman's code of each letter: consonant, vowel, interrupted, high, back, voiced (Elman 1990, table 1)."""

SYLLABLES = {"b": "ba", "d": "dii", "g": "guuu"}


def elman_letters(n_consonants: int, rng: np.random.Generator) -> str:
    """Generate Elman's letter sequence: random consonants, each followed by its own vowels (ba, dii, guuu) [1]_.

    The consonants cannot be predicted, the vowels and their number can.

    Parameters
    ----------
    n_consonants : int
        How many consonants to draw (Elman: 1,000), each with probability 1/3.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    str
        The letters, about three for each consonant.

    References
    ----------
    .. [1] J. L. Elman, "Finding structure in time", Cognitive Science 14(2), 1990.

    Examples
    --------
    >>> elman_letters(4, np.random.default_rng(1))
    'diidiiguuuguuu'
    """
    drawn = validate.generator("rng", rng).choice(list(SYLLABLES), validate.size("n_consonants", n_consonants, least=0))
    return "".join(SYLLABLES[str(c)] for c in drawn)


def temporal_xor(n_triples: int, rng: np.random.Generator) -> Array:
    """Generate Elman's temporal XOR: two random bits, then their exclusive or, again and again.

    Only every third bit can be predicted, and only from the two before it.

    Parameters
    ----------
    n_triples : int
        Number of triples.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    ndarray of int, shape (3 · n_triples,)
        The bits.

    Examples
    --------
    >>> temporal_xor(4, np.random.default_rng(0))
    array([1, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0])
    """
    bits = validate.generator("rng", rng).integers(0, 2, (validate.size("n_triples", n_triples, least=0), 2))
    return np.column_stack([bits, bits[:, 0] ^ bits[:, 1]]).ravel()


AGREEMENT_WORDS = (
    *("the", "cat", "dog", "bird", "cats", "dogs", "birds"),
    *("near", "behind", "above", "often", "still", "really"),
)
"""The words of `agreement`: the article, three nouns in the singular and in the plural, prepositions, adverbs."""


class Agreement(NamedTuple):
    """Sentences up to their verb, and the verb."""

    words: Array
    verbs: Array


def agreement(n_sentences: int, distance: int, rng: np.random.Generator) -> Agreement:
    """Generate sentences whose verb agrees with a noun a given distance before it: the cat … was, the cats … were.

    Between noun and verb stand phrases such as "near the dogs", whose nouns do not matter, and up to two adverbs, so
    that only the first noun tells the verb. Guessing is right half of the time.

    Parameters
    ----------
    n_sentences : int
        Number of sentences, B.
    distance : int
        Number of words between the noun and the verb.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Agreement
        ``words`` (distance + 2, B) of int, the places in `AGREEMENT_WORDS` of all words before the verb, and ``verbs``
        (B,) of int: 0 for "was", 1 for "were".

    Examples
    --------
    >>> words, verbs = agreement(2, 7, np.random.default_rng(0))
    >>> for sentence, verb in zip(words.T, verbs):
    ...     print(*(AGREEMENT_WORDS[word] for word in sentence), ("was", "were")[verb])
    the birds near the cats near the dog still were
    the cats near the dog above the cat really were
    """
    n, distance = validate.size("n_sentences", n_sentences, least=0), validate.size("distance", distance, least=0)
    rng = validate.generator("rng", rng)
    phrases, adverbs = divmod(distance, 3)
    nouns = rng.integers(1, 7, (1 + phrases, n))
    words = np.zeros((2 + distance, n), np.int64)  # "the", wherever nothing else stands
    words[1] = nouns[0]
    words[2 : 2 + 3 * phrases : 3] = rng.integers(7, 10, (phrases, n))
    words[4 : 2 + 3 * phrases : 3] = nouns[1:]
    words[2 + 3 * phrases :] = rng.integers(10, 13, (adverbs, n))
    return Agreement(words, (nouns[0] > 3).astype(np.int64))


class Gaps(NamedTuple):
    """Letters with gaps between them, and what stands on both sides of each step."""

    symbols: Array
    tags: Array
    lengths: Array


def gaps(n_sequences: int, n_steps: int, rng: np.random.Generator, longest: int = 6) -> Gaps:
    """Generate letters a and b with gaps between them; a step's tag is the letter before it and the letter after it.

    The letters are drawn with equal chances, so that nothing before a gap tells the letter behind it: whoever has not
    seen it can but guess, and is right half of the time. At a letter, both letters of the tag are that letter. A
    sequence begins and ends with a letter.

    Parameters
    ----------
    n_sequences : int
        Number of sequences, B.
    n_steps : int
        Most steps of a sequence, T; it ends with the last letter that fits in.
    rng : numpy.random.Generator
        Source of randomness.
    longest : int
        Gaps have from 0 to this many steps, each number with the same chance, as long as the letter behind fits in.

    Returns
    -------
    Gaps
        ``symbols`` (T, B) of int: 0 in a gap, and in the padding, 1 for a, 2 for b; ``tags`` (T, B) of int: 0, 1, 2, 3
        for aa, ab, ba, bb, and 0 in the padding; ``lengths`` (B,) of int.

    Examples
    --------
    >>> symbols, tags, lengths = gaps(1, 9, np.random.default_rng(1), longest=3)
    >>> "".join("-ab"[symbol] for symbol in symbols[: lengths[0], 0])
    'a--b---a'
    >>> [("aa", "ab", "ba", "bb")[tag] for tag in tags[: lengths[0], 0]]
    ['aa', 'ab', 'ab', 'bb', 'ba', 'ba', 'ba', 'aa']
    """
    n, steps = validate.size("n_sequences", n_sequences, least=0), validate.size("n_steps", n_steps)
    rng, longest = validate.generator("rng", rng), validate.size("longest", longest, least=0)
    jumps = rng.integers(1, longest + 2, (steps, n))
    jumps[0] = 0
    places, letters = jumps.cumsum(axis=0), rng.integers(1, 3, (steps, n))
    symbols, tags = np.zeros((2, steps, n), np.int64)
    lengths = np.zeros(n, np.int64)
    for k in range(n):
        at = places[places[:, k] < steps, k]
        symbols[at, k] = letters[: len(at), k]
        lengths[k] = at[-1] + 1
        t = np.arange(lengths[k])
        before, after = np.searchsorted(at, t, side="right") - 1, np.searchsorted(at, t)
        tags[t, k] = 2 * letters[before, k] + letters[after, k] - 3
    return Gaps(symbols, tags, lengths)


class Digits(NamedTuple):
    """Handwritten digits, read row by row."""

    rows: Array
    labels: Array


def digits() -> Digits:
    """Load 1,797 handwritten digits of 8 × 8 pixels, as scikit-learn ships them, a row of pixels a time step.

    Returns
    -------
    Digits
        ``rows`` (8, 1797, 8) of float64, from 0 (white) to 1, the top row first; ``labels`` (1797,) of int, 0 to 9.

    Raises
    ------
    ImportError
        If scikit-learn is missing: ``pip install "rnncourse[data]"``.

    Examples
    --------
    >>> images, labels = digits()
    >>> images.shape, labels.shape
    ((8, 1797, 8), (1797,))
    """
    images, labels = needed("sklearn.datasets", "data", "digits").load_digits(return_X_y=True)
    return Digits(images.reshape(-1, 8, 8).transpose(1, 0, 2) / 16, labels.astype(np.int64))


class Sunspots(NamedTuple):
    """Yearly sunspot numbers."""

    years: Array
    counts: Array


def sunspots() -> Sunspots:
    """Load the yearly mean sunspot numbers, 1700 to 2008, as statsmodels ships them.

    Returns
    -------
    Sunspots
        ``years`` (309,) of int and ``counts`` (309,) of float64.

    Raises
    ------
    ImportError
        If statsmodels is missing: ``pip install "rnncourse[data]"``.

    Examples
    --------
    >>> years, counts = sunspots()
    >>> int(years[0]), counts.shape
    (1700, (309,))
    """
    dataset = needed("statsmodels.datasets", "data", "sunspots").sunspots
    table = dataset.load_pandas().data
    return Sunspots(table["YEAR"].to_numpy().astype(np.int64), table["SUNACTIVITY"].to_numpy().astype(np.float64))


def one_hot(classes: Array, n: int, dtype: type = np.float64) -> Array:
    """Turn integers into vectors with a single 1.

    Parameters
    ----------
    classes : ndarray of int, shape (...)
        From 0 to n - 1.
    n : int
        Number of classes.
    dtype : dtype
        float32 or float64.

    Returns
    -------
    ndarray, shape (..., n)
        The vectors.

    Raises
    ------
    TypeError, ValueError
        If `classes` are no integers, or out of range.

    Examples
    --------
    >>> one_hot(np.array([2, 0]), 3)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    n = validate.size("n", n)
    classes = validate.ndarray("classes", classes)
    if classes.dtype.kind not in "iu":
        raise TypeError(f"classes: expected integers, got dtype {classes.dtype}")
    if classes.size and (classes.min() < 0 or classes.max() >= n):
        raise ValueError(f"classes: expected integers from 0 to {n - 1}, got {classes.min()} to {classes.max()}")
    return (classes[..., None] == np.arange(n)).astype(validate.float_dtype(dtype))


class Padded(NamedTuple):
    """A batch of sequences in one array, and how long each of them is."""

    x: Array
    lengths: Array


def pad(sequences: Sequence[Array]) -> Padded:
    """Put sequences of different lengths side by side, with zeros after their ends (right padding).

    Parameters
    ----------
    sequences : list of ndarray, each of shape (T_i, n) or (T_i,)
        At least one; all of one dtype, which the result keeps.

    Returns
    -------
    Padded
        ``x`` (T, B, n) or (T, B), with T the largest T_i, and ``lengths`` (B,) of int: what a layer's ``forward``
        takes.

    Raises
    ------
    TypeError, ValueError
        If there are none, or if they differ in dtype or in n; the message names the first that does.

    Examples
    --------
    >>> x, lengths = pad([np.array([1, 2, 3]), np.array([4])])
    >>> x
    array([[1, 4],
           [2, 0],
           [3, 0]])
    >>> lengths
    array([3, 1])
    """
    if not isinstance(sequences, list | tuple):
        raise TypeError(f"sequences: expected a list of arrays, got {validate.describe(sequences)}")
    if not sequences:
        raise ValueError("sequences: expected at least one, got none")
    arrays = [validate.ndarray(f"sequences[{k}]", sequence) for k, sequence in enumerate(sequences)]
    first = arrays[0]
    if first.ndim not in (1, 2):
        raise ValueError(f"sequences[0]: expected shape (T, n) or (T,), got {first.shape}")
    for k, array in enumerate(arrays):
        if array.ndim != first.ndim or array.shape[1:] != first.shape[1:]:
            wanted = f"(T, {first.shape[1]})" if first.ndim == 2 else "(T,)"
            raise ValueError(f"sequences[{k}]: expected shape {wanted}, as sequences[0] has, got {array.shape}")
        if array.dtype != first.dtype:
            raise TypeError(f"sequences[{k}]: expected dtype {first.dtype}, as sequences[0] has, got {array.dtype}")
    lengths = np.array([len(array) for array in arrays])
    x = np.zeros((lengths.max(), len(arrays), *first.shape[1:]), first.dtype)
    for k, array in enumerate(arrays):
        x[: len(array), k] = array
    return Padded(x, lengths)


def right_padded(x: Array, lengths: Any) -> Array:
    """Turn left padding right: move each sequence from the end of its column to the start, zeros behind it.

    Layers read right padding: with `lengths`, the first steps of an example count, whatever stands there.

    Parameters
    ----------
    x : ndarray, shape (T, B, ...)
        Sequences that end at the last step, after padding of any contents.
    lengths : sequence of int, shape (B,)
        Number of steps of each.

    Returns
    -------
    ndarray, shape (T, B, ...)
        The same sequences, each from step 0 on.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong dtype or shape.

    Examples
    --------
    >>> right_padded(np.array([[0, 1], [0, 2], [4, 3]]), [1, 3])
    array([[4, 1],
           [0, 2],
           [0, 3]])
    """
    x = validate.ndarray("x", x)
    if x.ndim < 2:
        raise ValueError(f"x: expected shape (T, B, ...), got {x.shape}")
    steps, batch = x.shape[:2]
    ends = _lengths(lengths, steps, batch)
    out = np.zeros(x.shape, x.dtype)
    for k, n in enumerate(ends):
        out[:n, k] = x[steps - n :, k]
    return out


def mask(lengths: Any, steps: int) -> Array:
    """Say which steps of a padded batch count: what a loss takes as its ``mask``.

    Parameters
    ----------
    lengths : sequence of int, shape (B,)
        Number of steps of each example.
    steps : int
        T, the number of steps of the array.

    Returns
    -------
    ndarray of bool, shape (T, B)
        True where t < lengths[b].

    Raises
    ------
    TypeError, ValueError
        If `lengths` are no integers from 0 to T.

    Examples
    --------
    >>> mask([3, 1], steps=3)
    array([[ True,  True],
           [ True, False],
           [ True, False]])
    """
    steps = validate.size("steps", steps, least=0)
    return np.arange(steps)[:, None] < _lengths(lengths, steps, None)


def buckets(lengths: Any, batch: int, rng: np.random.Generator | None = None) -> list[Array]:
    """Sort examples by length and cut them into batches, so that each batch holds examples of about one length.

    Parameters
    ----------
    lengths : sequence of int, shape (N,)
        Number of steps of each example.
    batch : int
        Examples in a batch; the one with the longest may hold fewer.
    rng : numpy.random.Generator, optional
        Shuffles the examples of one length, and the batches. Without it the batches go from short to long.

    Returns
    -------
    list of ndarray of int
        The places of the examples of each batch. Every example is in one of them.

    Raises
    ------
    TypeError, ValueError
        If `lengths` are no integers of at least 0, or another argument is of the wrong kind.

    Examples
    --------
    >>> buckets([5, 2, 9, 3, 2], batch=2)
    [array([1, 4]), array([3, 0]), array([2])]
    """
    batch = validate.size("batch", batch)
    sizes = _lengths(lengths, None, None)
    order = np.arange(len(sizes)) if rng is None else validate.generator("rng", rng).permutation(len(sizes))
    order = order[np.argsort(sizes[order], kind="stable")]
    parts = [order[k : k + batch] for k in range(0, len(order), batch)]
    return parts if rng is None else [parts[k] for k in rng.permutation(len(parts))]


class Streams(NamedTuple):
    """A long sequence as B shorter ones side by side, and what comes after each of their elements."""

    x: Array
    y: Array


def streams(sequence: Array, n_streams: int) -> Streams:
    """Cut a long sequence into streams that are read side by side, each with the next element as its target.

    Stream b is the piece ``sequence[b * T : (b + 1) * T]`` with T = (N - 1) // B, and its targets are the same piece
    one element later. So each target is what really comes next; the last one of a stream is the first element of the
    piece after it, never the first of its own. Fewer than B elements at the end are left out.

    Parameters
    ----------
    sequence : ndarray, shape (N, ...)
        Such as the characters of a text, in order.
    n_streams : int
        B, the number of streams.

    Returns
    -------
    Streams
        ``x`` (T, B, ...) and ``y`` (T, B, ...), views of the sequence.

    Raises
    ------
    TypeError, ValueError
        If it is no array, or too short: each stream needs an element, and the last of them its target.

    Examples
    --------
    >>> x, y = streams(np.arange(10), n_streams=3)
    >>> x
    array([[0, 3, 6],
           [1, 4, 7],
           [2, 5, 8]])
    >>> y[-1]
    array([3, 6, 9])
    """
    array, n = validate.ndarray("sequence", sequence), validate.size("n_streams", n_streams)
    if array.ndim < 1 or len(array) <= n:
        raise ValueError(
            f"sequence: expected shape (N, ...) with N of at least n_streams + 1 = {n + 1}, got {array.shape}"
        )
    steps = (len(array) - 1) // n

    def rows(first: int) -> Array:
        return array[first : first + steps * n].reshape(n, steps, *array.shape[1:]).swapaxes(0, 1)

    return Streams(rows(0), rows(1))


def windows(long: Streams, steps: int) -> list[Streams]:
    """Cut streams into windows, one behind the other, for truncated backpropagation through time.

    Column b of a window goes on where column b of the window before it ended. So the state that a layer has at the end
    of one is the start state of the next (``train(…, carry=state)``).

    Parameters
    ----------
    long : Streams
        As `streams` makes them; a pair of arrays (T, B, ...) will do.
    steps : int
        Steps in a window; the last window may have fewer, so that each target is in one of them.

    Returns
    -------
    list of Streams
        The windows in order, views of the streams.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, or the two arrays differ in T or B.

    Examples
    --------
    >>> [part.x.shape for part in windows(streams(np.arange(16), n_streams=3), steps=2)]
    [(2, 3), (2, 3), (1, 3)]
    """
    if not isinstance(long, tuple) or len(long) != 2:
        raise TypeError(f"long: expected streams, a pair of arrays x and y, got {validate.describe(long)}")
    x, y = validate.ndarray("long.x", long[0]), validate.ndarray("long.y", long[1])
    if x.ndim < 2:
        raise ValueError(f"long.x: expected shape (T, B, ...), got {x.shape}")
    if y.shape[:2] != x.shape[:2]:
        raise ValueError(f"long.y: expected T and B of long.x, {x.shape[:2]}, got shape {y.shape}")
    steps = validate.size("steps", steps)
    return [Streams(x[k : k + steps], y[k : k + steps]) for k in range(0, len(x), steps)]


class Splits(NamedTuple):
    """Three parts of one sequence: to learn from, to choose by, to test on once."""

    train: Any
    validation: Any
    test: Any


def splits(sequence: Any, validation: float = 0.1, test: float = 0.1, gap: int = 0) -> Splits:
    """Split by position: the beginning for training, then a piece for validation, the end for the test.

    No element is in two parts. A window that ends in one part can still begin in the part before it: a gap as long as
    the window keeps them apart. Examples that do not depend on one another are shuffled first;
    ``splits(rng.permutation(n))`` gives their places.

    Parameters
    ----------
    sequence : str, list, tuple or ndarray (N, ...)
        What is split, along its first axis.
    validation, test : float
        The share of each in N; the rest is for training. The number of elements is rounded down.
    gap : int
        Elements left out between two parts, at the end of the first.

    Returns
    -------
    Splits
        ``train``, ``validation`` and ``test``, slices of the sequence.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, or a part would be empty whose share is not zero.

    Examples
    --------
    >>> splits("abcdefghij", validation=0.2, test=0.2, gap=1)
    Splits(train='abcde', validation='g', test='ij')
    """
    if not isinstance(sequence, str | list | tuple):
        sequence = validate.ndarray("sequence", sequence)
        if sequence.ndim < 1:
            raise ValueError("sequence: expected shape (N, ...), got ()")
    share = validate.positive("validation", validation, zero=True), validate.positive("test", test, zero=True)
    gap, n = validate.size("gap", gap, least=0), len(sequence)
    if sum(share) >= 1:
        raise ValueError(f"validation, test: expected shares below 1 together, got {share[0]:g} and {share[1]:g}")
    v, t = (int(part * n + 1e-9) for part in share)  # 0.29 · 100 is 28.999…
    parts = {  # a gap only where something follows
        "train": (0, n - v - t - (gap if v + t else 0)),
        "validation": (n - v - t, n - t - (gap if t else 0)),
        "test": (n - t, n),
    }
    for (name, (start, end)), wanted in zip(parts.items(), (1.0, *share), strict=True):
        if wanted and end <= start:
            raise ValueError(
                f"sequence: expected elements for each part and gaps of {gap}, got {n}: none are left for {name}"
            )
    return Splits(*(sequence[start : max(start, end)] for start, end in parts.values()))


@dataclass(frozen=True, eq=False, repr=False)
class Characters(Record):
    """The alphabet of a text: characters to integers and back.

    Parameters
    ----------
    alphabet : str
        Each character once; its place is its number.

    Examples
    --------
    >>> characters = Characters.of("hello")
    >>> characters.alphabet
    'ehlo'
    >>> characters.encode("hole")
    array([1, 3, 2, 0])
    >>> characters.decode(np.array([1, 0, 2, 2, 3]))
    'hello'
    """

    alphabet: str

    def __post_init__(self) -> None:
        _string("alphabet", self.alphabet)
        if not self.alphabet or len(set(self.alphabet)) < len(self.alphabet):
            raise ValueError(f"alphabet: expected each character once, and at least one, got {self.alphabet!r:.60}")

    @classmethod
    def of(cls, text: str) -> Characters:
        """Collect the characters of a text, in the order of their code points.

        Parameters
        ----------
        text : str
            Any text but the empty one.

        Returns
        -------
        Characters
            Its alphabet.
        """
        return cls("".join(sorted(set(_string("text", text)))))

    def __len__(self) -> int:
        return len(self.alphabet)

    def encode(self, text: str) -> Array:
        """Turn a text into integers.

        Parameters
        ----------
        text : str
            Characters of the alphabet.

        Returns
        -------
        ndarray of int, shape (len(text),)
            Their numbers.

        Raises
        ------
        TypeError, ValueError
            If it is no string, or a character is not in the alphabet.
        """
        number = {c: i for i, c in enumerate(self.alphabet)}
        unknown = sorted(set(_string("text", text)) - number.keys())
        if unknown:
            raise ValueError(f"text: expected characters of the alphabet {self.alphabet!r:.60}, got {unknown[0]!r}")
        return np.array([number[c] for c in text], dtype=np.int64)

    def decode(self, classes: Array) -> str:
        """Turn integers back into a text.

        Parameters
        ----------
        classes : ndarray of int, shape (T,)
            Numbers of characters.

        Returns
        -------
        str
            The text.

        Raises
        ------
        TypeError, ValueError
            If `classes` are no integers, or out of range.
        """
        validate.shape("classes", validate.ndarray("classes", classes), "(T,)", (None,))
        one_hot(classes, len(self))
        return "".join(self.alphabet[i] for i in classes)


def _lengths(lengths: Any, steps: int | None, batch: int | None) -> Array:
    ends = validate.lengths(lengths, steps, batch)
    if ends is None:
        raise TypeError("lengths: expected one integer for each example, got None")
    return ends


def _string(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected a string, got {validate.describe(value)}")
    return value
