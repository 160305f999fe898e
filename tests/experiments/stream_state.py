"""Elman's letters as streams, cut into short windows: what is the state at a window's start worth?

It is carried over from the window before, or put to zero, or taken from another stream (the control: a state that is
real, and about other letters). The networks are trained and tested in the same way.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnncourse import RNN, Dense
from rnncourse.data import Characters, Streams, elman_letters, one_hot, streams, windows
from rnncourse.losses import softmax_cross_entropy
from rnncourse.optimizers import Adam
from rnncourse.training import train

from .learning import Model
from .tidy import Experiment, Row, rounded

CONSONANTS, STREAMS, UNITS, UPDATES = 1000, 20, 16, 200
WIDTHS, RATES, SEEDS = (3, 12), (0.003, 0.01, 0.03), range(5)
STATES = ("carried", "zero", "of another stream")
LETTERS = Characters("abdgiu")


def text(rng: np.random.Generator) -> Streams:
    return streams(LETTERS.encode(elman_letters(CONSONANTS, rng)), STREAMS)


def start(kind: str, final: Any) -> Any:
    """Return the start state of a window from the last one of the window before."""
    if kind == "zero" or final is None:
        return None
    return final if kind == "carried" else np.roll(final, 1, axis=0)


def loss_and_gradients(model: Model, part: Streams, state: Any) -> tuple[float, Model, Any]:
    run = model[0].forward(one_hot(part.x, 6), state)
    out = model[1].forward(run.a)
    value, dz = softmax_cross_entropy(out.a, part.y, reduction="mean")
    top = model[1].backward(out, dz)
    return value, (model[0].backward(run, top.x, inputs=False).layer, top.layer), run.final


def nats(model: Model, long: Streams, width: int, kind: str) -> float:
    """Return the mean loss a letter over all whole windows, read in order."""
    state, losses = None, []
    for part in windows(long, width):
        if len(part.x) == width:
            value, _, final = loss_and_gradients(model, part, state)
            losses.append(value)
            state = start(kind, final)
    return float(np.mean(losses))


def run(state: str, width: int, rate: float, seed: int) -> Row:
    rng = np.random.default_rng([seed, width])
    long, validation, test = text(rng), text(rng), text(rng)
    parts = [part for part in windows(long, width) if len(part.x) == width]
    model: Model = RNN.init(6, UNITS, rng), Dense.init(UNITS, 6, rng)

    def step(model: Model, k: int, final: Any) -> Any:
        first = k % len(parts) == 0  # the text from its beginning
        return loss_and_gradients(model, parts[k % len(parts)], None if first else start(state, final))

    model = train(model, step, Adam(rate), UPDATES, max_norm=1.0, carry=None).model
    return {
        "validation": rounded(nats(model, validation, width, state)),
        "nats": rounded(nats(model, test, width, state)),
    }


EXPERIMENT = Experiment(
    name="stream-state",
    part="foundations",
    what="nats a letter on new letters, for validation and for the test",
    settings={"consonants": CONSONANTS, "streams": STREAMS, "units": UNITS, "updates": UPDATES, "max_norm": 1.0},
    grid=tuple(
        {"state": state, "width": width, "rate": rate, "seed": seed}
        for state in STATES
        for width in WIDTHS
        for rate in RATES
        for seed in SEEDS
    ),
    run=run,
    again={"state": "carried", "width": 3, "rate": 0.01, "seed": 0},
    tolerance={"validation": 0.01, "nats": 0.01},
    clear=lambda row: True,  # a mean loss, no borderline
)
