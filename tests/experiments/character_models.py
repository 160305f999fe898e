"""Bits a character on held-out help texts: equal probabilities, counts of n-grams, and networks of equal size.

A seed is a cut of the text, too, so that the runs of a row differ in what they learn from and are tested on.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from rnncourse.language_model import NGram, bits_per_symbol, python_topics
from rnncourse.records import named_leaves

from . import help_texts
from .help_texts import Reader, bits, characters, cut, network
from .tidy import Experiment, Row, rounded

ORDERS, UPDATES, STOPS = (3, 4, 5, 6, 8, 10), 240, 2
FIXED = {"uniform": (0,), "unigram": (1,), "3-gram": (3,), "4-gram": (4,)}
NETWORKS, RATES, SEEDS = ("RNN", "GRU", "LSTM"), (0.003, 0.01, 0.03), range(5)
SIZES = (18_000, 74_000)  # characters to learn from, besides all; the last ones in front of the validation part
ALL = 0


def score(model: NGram, text: str) -> float:
    """Return the bits of every character that has order - 1 others in front of it."""
    symbols, n = characters().encode(text), max(model.order, 1)
    rows = np.lib.stride_tricks.sliding_window_view(symbols, n)
    p = np.concatenate([model.probabilities(some[:, :-1])[np.arange(len(some)), some[:, -1]]
                        for some in np.array_split(rows, 20)])  # fmt: skip
    return bits_per_symbol(-np.log(p))


def counted(model: str, train: str, validation: str, test: str) -> Row:
    orders = FIXED.get(model, ORDERS)
    fitted = [NGram.fit(characters().encode(train), len(characters()), order) for order in orders]
    best = min(fitted, key=lambda each: score(each, validation))
    return {"stop": best.order, "parameters": best.n_counts, "validation": score(best, validation),
            "bits": score(best, test)}  # fmt: skip


def learned(model: str, rate: float, seed: int, train: str, validation: str, test: str) -> Row:
    reader, found = Reader(network(model, seed), train, rate), []
    for stop in range(1, STOPS + 1):
        now = reader.read(stop * UPDATES // STOPS)
        found.append((bits(now, validation), reader.done, now))
    low, stop, now = min(found, key=lambda each: each[0])
    size = sum(leaf.size for _, leaf in named_leaves(now))
    return {"stop": stop, "parameters": size, "validation": low, "bits": bits(now, test)}


def run(model: str, size: int, rate: float, seed: int) -> Row:
    began = time.process_time()
    train, validation, test = cut(seed)
    texts: Any = (train[-size:] if size else train, validation, test)
    row = learned(model, rate, seed, *texts) if rate else counted(model, *texts)
    row |= {name: rounded(row[name]) for name in ("validation", "bits")}
    return row | {"seconds": rounded(time.process_time() - began), "characters": len(python_topics())}


EXPERIMENT = Experiment(
    name="character-models",
    part="learning",
    what="bits a character on the validation and the test part; at which order, or after how many updates, validation "
    "was best; counts or parameters; processor seconds with all tries; characters of the text, which depends on Python",
    settings={
        "orders": [*ORDERS], "updates": UPDATES, "stops": STOPS, "batch": help_texts.BATCH, "steps": help_texts.STEPS,
        "embedded": help_texts.EMBEDDED, "units": dict(help_texts.UNITS), "max_norm": help_texts.MAX_NORM,
    },
    grid=tuple(
        {"model": model, "size": size, "rate": rate, "seed": seed}
        for model, size, rates in (
            *((model, ALL, (0.0,)) for model in FIXED),
            *(("n-gram", size, (0.0,)) for size in (*SIZES, ALL)),
            *((model, ALL, RATES) for model in NETWORKS),
            *(("GRU", size, RATES) for size in SIZES),
        )
        for rate in rates
        for seed in SEEDS
    ),
    run=run,
    again={"model": "n-gram", "size": 18_000, "rate": 0.0, "seed": 0},
    tolerance={  # wide enough for the text of another version of Python
        "stop": 3, "parameters": 20_000, "validation": 0.3, "bits": 0.3, "seconds": 600, "characters": 150_000,
    },
    clear=lambda row: 2 < row["bits"] < 3.5,
)  # fmt: skip
