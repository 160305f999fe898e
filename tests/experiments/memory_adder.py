"""What has an LSTM learned that solves the adding problem? Its memories before and after training; then interfere.

The networks are those of `memory_tests`, with a forget bias of 1, at one learning rate. Of each, the unit is looked at
whose memory at all steps follows best what an adder would hold: the sum of the numbers marked so far, and how many
there were. Then memories are held at their means over the examples, step by step, or what is read of a is.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from rnncourse import lstm_cell_forward, tasks

from .learning import Model
from .memory_tests import BATCH, F4, TESTS, learned
from .tidy import Experiment, Row, rounded

LAGS, RATE, NETWORK, SEEDS = (25, 50, 100), 0.03, "LSTM, b_f = 1", range(5)
GUESS = 1 / 6
NOTHING, ADDER, OTHERS, READ = "nothing", "the adder", "all others", "what is read of a"
HELD = (NOTHING, ADDER, OTHERS, READ)


@lru_cache
def networks(lag: int, seed: int) -> dict[str, Model]:
    """Return a network before training and after it."""
    drawn, model, _ = learned("adding", lag, NETWORK, RATE, seed)
    return {"before": drawn, "after": model}


def examples(lag: int, seed: int) -> tuple[Any, Any]:
    """Draw the examples that it is looked at with."""
    x, y = tasks.adding(TESTS, lag, np.random.default_rng([3, seed, lag]))
    return x.astype(F4), y


def follows(c: Any, numbers: Any, counts: Any) -> Any:
    """Return, unit by unit, which share of the variance between sequences a running sum and a count explain.

    All steps together, each with its mean over the sequences taken off: that time goes by explains nothing.
    """
    sums = np.stack([np.cumsum(numbers * counts, axis=0), np.cumsum(counts, axis=0)], axis=2)
    known, c = ((v - v.mean(axis=1, keepdims=True)).reshape(-1, v.shape[2]).astype(float) for v in (sums, c))
    left = c - known @ np.linalg.lstsq(known, c, rcond=None)[0]
    return 1 - left.var(axis=0) / c.var(axis=0)


def loss(model: Model, x: Any, y: Any, held: str, unit: int) -> float:
    """Return the loss as a share of a guess's, with some memories, or what is read of a, at their means."""
    seen, units = model[0].forward(x), np.arange(model[0].n_a)
    fixed = {ADDER: units == unit, OTHERS: units != unit}.get(held, units < 0)
    a, c = model[0].zero_state(x.shape[1])
    for x_t, mean in zip(x, seen.c.mean(axis=1), strict=True):
        (a, c), _ = lstm_cell_forward(
            model[0],
            x_t,
            (np.broadcast_to(a.mean(axis=0), a.shape) if held == READ else a, c),
            lambda name, value, mean=mean: np.where(fixed, mean, value) if name == "c" else value,
        )
    return float(((model[1].step(a)[0] - y) ** 2).mean()) / GUESS


def run(lag: int, training: str, held: str, seed: int) -> Row:
    model, (x, y) = networks(lag, seed)[training], examples(lag, seed)
    seen, marked = model[0].forward(x), x[..., 1] > 0
    share = follows(seen.c, x[..., 0], marked)
    unit = int(share.argmax())
    return {
        "loss": rounded(loss(model, x, y, held, unit)),
        "follows": rounded(share[unit]),
        "next": rounded(np.sort(share)[-2]),
        "unmarked": rounded(follows(seen.c, x[..., 0], ~marked)[unit]),
        "forget": rounded(seen.gate_f[..., unit].mean()),
        "at_marks": rounded(seen.gate_u[marked][:, unit].mean()),
        "elsewhere": rounded(seen.gate_u[~marked][:, unit].mean()),
    }


EXPERIMENT = Experiment(
    name="memory-adder",
    part="architectures",
    what="`loss`: as a share of 1/6, with something held at its means; of the unit whose memory at all steps follows "
    "best the sum and the count of the numbers marked so far: `follows`: the share of its variance between sequences; "
    "`next`: that of the second best unit; `unmarked`: the same unit's, by the unmarked numbers; the means of its "
    "forget gate, and of its update gate `at_marks` and `elsewhere`",
    settings={"network": NETWORK, "rate": RATE, "units": 19, "batch": BATCH, "tests": TESTS, "dtype": "float32"},
    grid=tuple(
        {"lag": lag, "training": training, "held": held, "seed": seed}
        for lag in LAGS
        for seed in SEEDS
        for training, every in (("before", HELD[:1]), ("after", HELD))
        for held in every
    ),
    run=run,
    again={"lag": 50, "training": "after", "held": OTHERS, "seed": 1},
    tolerance={
        "loss": 0.1, "follows": 0.1, "next": 0.4, "unmarked": 0.1, "forget": 0.1, "at_marks": 0.25, "elsewhere": 0.1
    },
    clear=lambda row: row["loss"] < 0.05 and row["follows"] > 0.95,
)  # fmt: skip
