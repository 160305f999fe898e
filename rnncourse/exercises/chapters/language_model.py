"""Exercises of the chapter on language models."""

from __future__ import annotations

import numpy as np

from ...activations import softmax
from ...language_model import bits_per_symbol as package_bits
from ...language_model import perplexity as package_perplexity
from ...losses import softmax_cross_entropy
from ...records import Array
from ..records import Exercise, Mistake, Question, Sizes
from .drawing import lengths as draw_lengths
from .drawing import normal

__all__ = ["EXERCISES"]


def perplexity_of(z: Array, y: Array, counts: Array) -> float:
    """Find the perplexity of a text under a model: exp of the mean negative log-likelihood.

    Parameters
    ----------
    z : ndarray, shape (T, B, n_y)
        The model's logits for the next symbol.
    y : ndarray of int, shape (T, B)
        The symbols that came.
    counts : ndarray of bool, shape (T, B)
        Which steps count.

    Returns
    -------
    perplexity : float
        Over all steps that count.
    """
    shifted = z - z.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    chosen = np.take_along_axis(log_p, y[:, :, None], axis=-1)[:, :, 0]
    return float(np.exp(-chosen[counts].mean()))


def draw_perplexity(rng: np.random.Generator, s: Sizes) -> dict[str, Array]:
    """Draw logits, symbols and lengths; with large values a logarithm of 0 would be infinite."""
    z, y = normal(rng, s, s.T, s.B, s.n_y), rng.integers(0, s.n_y, (s.T, s.B))
    if s.scale > 1:  # the symbols that come are nearly the likeliest, and others hopeless
        z = 300 * z
        np.put_along_axis(z, y[..., None], z.max(axis=-1, keepdims=True) - 1, axis=-1)
    counts = np.arange(s.T)[:, None] < draw_lengths(rng, s)
    return {"z": z, "y": y, "counts": counts}


def right_perplexity(z: Array, y: Array, counts: Array) -> float:
    """Use the package's loss and its perplexity."""
    return package_perplexity(softmax_cross_entropy(z, y, reduction="none").value[counts])


def bits_per_symbol(nats: Array) -> float:
    """Turn the losses of a text into bits per symbol.

    Parameters
    ----------
    nats : ndarray, shape (T, B)
        -ln p of each symbol.

    Returns
    -------
    bits : float
        The mean number of bits.
    """
    return float(nats.mean() / np.log(2))


def draw_bits(rng: np.random.Generator, s: Sizes) -> dict[str, Array]:
    """Draw losses."""
    return {"nats": -np.log(rng.uniform(0.05, 0.9, (s.T, s.B)))}


def right_bits(nats: Array) -> float:
    """Use the package's function."""
    return package_bits(nats)


def drawn_symbols(z: Array, tau: float, u: Array) -> Array:
    """Draw a symbol for each example from softmax(z / tau), with random numbers that are given.

    Parameters
    ----------
    z : ndarray, shape (B, n_y)
        The logits.
    tau : float
        The temperature, above 0.
    u : ndarray, shape (B,)
        A random number from 0 to below 1 for each example. Symbol k is drawn if u lies at or above the sum of the
        probabilities of 0, …, k - 1, and below that of 0, …, k. `softmax` is there.

    Returns
    -------
    symbols : ndarray of int, shape (B,)
        What was drawn.
    """
    p = softmax(z / tau)
    return (p.cumsum(axis=-1) <= u[:, None]).sum(axis=-1)


def draw_sample(rng: np.random.Generator, s: Sizes) -> dict[str, Array | float]:
    """Draw a large batch: wrong probabilities have to show."""
    B = 40 * s.B
    return {"z": 2 * normal(rng, s, B, s.n_y), "tau": float(rng.uniform(1.5, 3)), "u": rng.random(B)}


def right_sample(z: Array, tau: float, u: Array) -> Array:
    """Go through the symbols until the sum has passed u."""
    out = []
    for row, level in zip(softmax(z / tau), u, strict=True):
        k, total = 0, row[0]
        while level >= total:
            k += 1
            total += row[k]
        out.append(k)
    return np.array(out)


def bigram(symbols: Array, n_x: int) -> Array:
    """Estimate what follows what in a text, with one added to every count.

    Parameters
    ----------
    symbols : ndarray of int, shape (N,)
        The text, from 0 to n_x - 1.
    n_x : int
        Number of symbols.

    Returns
    -------
    p : ndarray, shape (n_x, n_x)
        p[i, j] is the probability that j comes next after i.
    """
    counts = np.ones((n_x, n_x))
    np.add.at(counts, (symbols[:-1], symbols[1:]), 1)
    return counts / counts.sum(axis=1, keepdims=True)


def draw_bigram(rng: np.random.Generator, s: Sizes) -> dict[str, Array | int]:
    """Draw a text in which pairs come again."""
    return {"symbols": rng.integers(0, s.n_y - 1, 20 * s.B), "n_x": s.n_y}


def right_bigram(symbols: Array, n_x: int) -> Array:
    """Count pair by pair."""
    pairs = list(zip(symbols[:-1].tolist(), symbols[1:].tolist(), strict=True))
    firsts = symbols[:-1].tolist()
    return np.array([[(pairs.count((i, j)) + 1) / (firsts.count(i) + n_x) for j in range(n_x)] for i in range(n_x)])


EXERCISES = (
    Question("language-model.hand", "By hand", 5, "code", "ex-lm-hand"),
    Question("language-model.write-on", "Write the sampler", 25, "code", "ex-lm-sample"),
    Question("language-model.discount", "A discount of 1", 10, "recall", "ex-lm-discount"),
    Question("language-model.lzma", "A compressor", 15, "recall", "ex-lm-lzma"),
    Question("language-model.stop", "A stop sign", 15, "recall", "ex-lm-stop"),
    Exercise(
        "language-model.perplexity", "Perplexity", 15, "code", "ex-blank-language-model-perplexity",
        task="Find the perplexity of a text under a model, over the steps that count.",
        solution=perplexity_of,
        reference=right_perplexity,
        draw=draw_perplexity,
        outputs={"perplexity": "()"},
        mistakes=(
            Mistake("2 stands for e", "np.exp(-chosen[counts].mean())", "2 ** (-chosen[counts].mean())",
                "The logarithm was natural.", "at the last line"),
            Mistake("the model's own entropy stands for the loss",
                "chosen = np.take_along_axis(log_p, y[:, :, None], axis=-1)[:, :, 0]",
                "chosen = (np.exp(log_p) * log_p).sum(axis=-1)", "A model that is sure and wrong would look perfect.",
                "at what is averaged: where does the text come in?"),
            Mistake("the mean of the steps' perplexities is taken", "np.exp(-chosen[counts].mean())",
                "np.exp(-chosen[counts]).mean()", "exp comes after the mean.", "at the order of exp and mean"),
            Mistake("the losses are added up, not averaged", ".mean()", ".sum()",
                "A longer text would be harder to guess.", "at the mean"),
            Mistake("padding counts", "chosen[counts]", "chosen", "Behind its end an example has no symbols.",
                "at the mean"),
            Mistake("the loss is returned", "np.exp(-chosen[counts].mean())", "-chosen[counts].mean()",
                "That is in nats.", "at the last line"),
            Mistake("the inverse is returned", "np.exp(-chosen[counts].mean())", "np.exp(chosen[counts].mean())",
                "At least 1 is expected: as many symbols as would be as hard to guess.", "at the sign"),
            Mistake("it is a mean of the examples' means", "chosen[counts].mean()",
                "np.mean([chosen[counts[:, b], b].mean() for b in range(counts.shape[1])])",
                "Then a symbol of a short text counts for more.", "at what is averaged first"),
            Mistake("the logits are taken for log-probabilities", "np.take_along_axis(log_p, y",
                "np.take_along_axis(z, y", "Logits do not add up to anything.", "at what is picked"),
            Mistake("zeros stand for padding, and are averaged", "chosen[counts].mean()",
                "np.where(counts, chosen, 0).mean()", "A zero is a step that was guessed for certain.",
                "at what the sum is divided by"),
            Mistake("the softmax is over the steps", "axis=-1, keepdims=True", "axis=0, keepdims=True",
                "At each step the probabilities of all symbols add up to 1.", "at the axis of the softmax"),
            Mistake("bits are put into exp", "-chosen[counts].mean()", "-chosen[counts].mean() / np.log(2)",
                "exp undoes the natural logarithm.", "at the logarithm and at exp"),
        ),
        hints=(
            "First the log-probability of what came, at each step.",
            "Then the mean over what counts.",
            "exp of minus that mean.",
        ),
        question="what is the perplexity of a model that knows nothing, with n_y symbols?",
    ),
    Exercise(
        "language-model.bits", "Bits per symbol", 5, "recall",
        task="Turn losses in nats into bits per symbol.",
        solution=bits_per_symbol,
        reference=right_bits,
        draw=draw_bits,
        outputs={"bits": "()"},
        mistakes=(
            Mistake("it is multiplied in place of divided", "/ np.log(2)", "* np.log(2)", "A bit is less than a nat.",
                "at the factor"),
            Mistake("it is left in nats", " / np.log(2)", "", "A bit is log 2 of a nat.", "at the factor"),
            Mistake("log2 of the loss is taken", "nats.mean() / np.log(2)", "np.log2(nats.mean())",
                "The loss is a logarithm already.", "at the logarithm"),
            Mistake("the sum is given", "nats.mean()", "nats.sum()", "Per symbol, it says.", "at the mean"),
            Mistake("it is divided by the number of steps only", "nats.mean()", "(nats.sum() / len(nats))",
                "Every example has symbols.", "at what it is divided by"),
        ),
        hints=(
            "A logarithm to another base.",
            "log2 of x is log x over log 2.",
            "The mean, over log 2.",
        ),
        question="how many bits does a model need that knows nothing of 64 symbols?",
    ),
    Exercise(
        "language-model.sample", "Sampling", 15, "code",
        task="Draw a symbol for each example from softmax(z / tau), with given random numbers.",
        solution=drawn_symbols,
        given="from rnncourse.activations import softmax",
        reference=right_sample,
        draw=draw_sample,
        outputs={"symbols": "(B,)"},
        mistakes=(
            Mistake("the temperature is multiplied in", "z / tau", "z * tau",
                "A high temperature makes the probabilities more equal.", "at the logits"),
            Mistake("the temperature is not used", "z / tau", "z", "Logits are divided before softmax.",
                "at the logits"),
            Mistake("the probabilities are divided by the temperature", "softmax(z / tau)", "softmax(z) / tau",
                "Then they do not add up to 1.", "at where the temperature comes in"),
            Mistake("the most probable symbol is taken", "(p.cumsum(axis=-1) <= u[:, None]).sum(axis=-1)",
                "p.argmax(axis=-1)", "That is greedy, and says the same for ever.", "at the draw"),
            Mistake("the symbol is one too small", "(p.cumsum(axis=-1) <= u[:, None]).sum(axis=-1)",
                "np.maximum((p.cumsum(axis=-1) <= u[:, None]).sum(axis=-1) - 1, 0)",
                "If u lies below the first probability, symbol 0 is drawn.", "at the count"),
            Mistake("the draw is made from the far end", "<= u[:, None]", "<= 1 - u[:, None]",
                "The probabilities are right, the symbols are not those asked for.", "at the comparison"),
            Mistake("one random number serves all examples", "u[:, None]", "u[0]",
                "Then the examples are not independent.", "at the random numbers"),
            Mistake("the sums run over the examples", "p.cumsum(axis=-1)", "p.cumsum(axis=0)",
                "Each example has its own probabilities.", "at the axis"),
        ),
        hints=(
            "First the probabilities, then their running sums.",
            "How many running sums has u passed?",
            "Count the running sums that are not above u.",
        ),
        question="what is drawn as tau goes to 0, and what as it grows without end?",
    ),
    Exercise(
        "language-model.bigram", "Counting pairs", 15, "code",
        task="Estimate what follows what in a text, with one added to every count.",
        solution=bigram,
        reference=right_bigram,
        draw=draw_bigram,
        outputs={"p": "(n_x, n_x)"},
        mistakes=(
            Mistake("pairs that come again are counted once", "np.add.at(counts, (symbols[:-1], symbols[1:]), 1)",
                "counts[symbols[:-1], symbols[1:]] += 1",
                "`+=` with index arrays adds to each place once, however often it is named.", "at the counting"),
            Mistake("the columns add up to 1", "counts.sum(axis=1, keepdims=True)", "counts.sum(axis=0, keepdims=True)",
                "After a given symbol some symbol has to come.", "at the axis of the sum"),
            Mistake("nothing is added to the counts", "np.ones((n_x, n_x))", "np.zeros((n_x, n_x))",
                "A pair that never came would be impossible.", "at the start of the counts"),
            Mistake("first and second are swapped", "(symbols[:-1], symbols[1:])", "(symbols[1:], symbols[:-1])",
                "p[i, j] is for j after i.", "at the two indices"),
            Mistake("all pairs together add up to 1", "counts.sum(axis=1, keepdims=True)", "counts.sum()",
                "The probability is *given* the first symbol.", "at the sum"),
            Mistake("one half is added", "np.ones((n_x, n_x))", "np.full((n_x, n_x), 0.5)", "One is asked for.",
                "at the start of the counts"),
            Mistake("the counts are returned", "counts / counts.sum(axis=1, keepdims=True)", "counts",
                "Probabilities are asked for.", "at the last line"),
        ),
        hints=(
            "A table of counts that begins with ones.",
            "np.add.at counts pairs that come again.",
            "Divide each row by its sum.",
        ),
        question="which perplexity has this model on a text in which only new pairs come?",
    ),
)  # fmt: skip
