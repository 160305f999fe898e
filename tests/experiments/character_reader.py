"""A GRU that learns to read and write help texts: what it writes on its way, and the weights at the end.

The last row has the model itself, two bytes a weight, and a piece of the text that it was not trained on.
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from typing import Any

import numpy as np

from rnncourse import tree_map
from rnncourse.language_model import sample
from rnncourse.records import named_leaves

from . import help_texts
from .help_texts import Reader, bits, characters, cut, network
from .tidy import Experiment, Row, rounded

RATES = ((100, 0.01), (1_000, 0.01), (2_500, 0.005), (4_000, 0.0015))  # until which update, which rate
CHECKPOINTS = (0, 30, 100, 300, 1_000, 4_000)
PROMPT, LENGTH, SHOWN, EXCERPT = "\n\nThe ", 3_000, 240, 8_000
WORD = re.compile("[A-Za-z]{4,}")


def halved(model: Any) -> Any:
    """Round every weight to two bytes, as it is stored."""
    return tree_map(lambda leaf: leaf.astype(np.float16).astype(np.float64), model)


@lru_cache
def reader() -> Reader:
    return Reader(network("GRU", 0), cut(0).train, RATES[0][1])


def trained(updates: int) -> Any:
    """Return the model after so many updates; the training goes on where it stood."""
    now = reader()
    if updates < now.done:
        reader.cache_clear()
        now = reader()
    for until, rate in RATES:
        if now.done < min(until, updates):
            now.optimizer = type(now.optimizer)(rate)
            now.read(min(until, updates))
    return now.model


def run(updates: int, seed: int) -> Row:
    model, letters = halved(trained(updates)), characters()
    prompt = letters.encode(PROMPT)
    written = letters.decode(sample(model, prompt, LENGTH, np.random.default_rng(seed)))
    known, words = set(WORD.findall(cut(0).train)), WORD.findall(written)
    row = {"validation": rounded(bits(model, cut(0).validation)), "bits": rounded(bits(model, cut(0).test))}
    row["words"] = rounded(np.mean([word in known for word in words]))
    last = updates == CHECKPOINTS[-1]
    flat = np.concatenate([leaf.ravel() for _, leaf in named_leaves(model)]).astype("<f2")
    return row | {
        "written": written[:SHOWN], "alphabet": letters.alphabet if last else "",
        "held_out": cut(0).test[:EXCERPT] if last else "",
        "weights": base64.b85encode(flat.tobytes()).decode() if last else "",
    }  # fmt: skip


EXPERIMENT = Experiment(
    name="character-reader",
    part="learning",
    what="bits a character on validation and test part; of 3,000 characters drawn at temperature 1, which share "
    "of the runs of four letters or more are whole words of the training part, and the first 240; of the last row the "
    "alphabet, the beginning of the test part and the weights (float16, base 85)",
    settings={
        "rates": [list(each) for each in RATES], "batch": help_texts.BATCH, "steps": help_texts.STEPS,
        "embedded": help_texts.EMBEDDED, "units": help_texts.UNITS["GRU"], "max_norm": help_texts.MAX_NORM,
    },
    grid=tuple({"updates": updates, "seed": 0} for updates in CHECKPOINTS),
    run=run,
    again={"updates": 30, "seed": 0},
    tolerance={
        "words": 0.3, "validation": 0.4, "bits": 0.4,
        "written": None, "alphabet": None, "held_out": None, "weights": None,
    },
    clear=lambda row: 3 < row["bits"] < 5.5,
)  # fmt: skip
