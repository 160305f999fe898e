"""How long a window does truncated backpropagation through time need, for a bit that is asked for 11 steps later?

Episodes of 12 steps follow one another in a stream: the first step is marked and carries the bit to keep, random bits
come at all steps, the last step asks. States go on from window to window, gradients do not; every rival takes one
update for two episodes. With 'frozen' the recurrent layer stays as it was drawn, and the output layer alone learns.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnncourse import RNN, Deep, Dense, tree_map
from rnncourse.losses import binary_cross_entropy
from rnncourse.optimizers import Adam
from rnncourse.training import train

from .learning import RATES
from .tidy import Experiment, Row

UNITS, BATCH, EPISODE, STEPS, UPDATES, TESTS = 24, 16, 12, 24, 200, 1200
WINDOWS, SEEDS = ("frozen", 6, 12), range(5)


def stream(rng: np.random.Generator, steps: int = STEPS, batch: int = BATCH) -> tuple[Any, Any]:
    """Draw episodes: inputs (bit, mark, question), and the answers (episodes, batch)."""
    bits = rng.choice([-1.0, 1.0], (steps, batch))
    mark, question = np.zeros((2, steps, batch))
    mark[::EPISODE] = question[EPISODE - 1 :: EPISODE] = 1
    return np.stack([bits, mark, question], axis=2), (bits[::EPISODE] > 0).astype(float)


def truncated(model: Deep, x: Any, y: Any, window: int, state: Any) -> tuple[float, Deep, Any]:
    """Return the mean loss of the questions, its gradient without what is older than a window, and the last state."""
    value, grads = 0.0, tree_map(np.zeros_like, model)
    for lo in range(0, len(x), window):
        run = model.forward(x[lo : lo + window], state)
        state = run.final
        asked = np.arange(lo, lo + window) % EPISODE == EPISODE - 1
        if asked.any():
            loss = binary_cross_entropy(run.a[asked, :, 0], y[np.arange(lo, lo + window)[asked] // EPISODE])
            da = np.zeros_like(run.a)
            da[asked, :, 0] = loss.dz / y.size
            value += loss.value / y.size
            grads = tree_map(np.add, grads, model.backward(run, da, inputs=False).layer)
    return value, grads, state


def run(window: int | str, rate: float, seed: int) -> Row:
    rng = np.random.default_rng(seed)
    model = Deep((RNN.init(3, UNITS, rng), Dense.init(UNITS, 1, rng)))

    def step(model: Deep, k: int, state: Any) -> Any:
        x, y = stream(rng)
        value, grads, state = truncated(model, x, y, EPISODE if window == "frozen" else int(window), state)
        if window == "frozen":
            grads = Deep((tree_map(np.zeros_like, grads.layers[0]), grads.layers[1]))
        return value, grads, state

    done = train(model, step, Adam(rate), UPDATES, max_norm=1.0, carry=model.zero_state(BATCH))

    def right(which: int) -> float:
        x, y = stream(np.random.default_rng([seed, which]), TESTS)
        asked = done.model.forward(x).a[EPISODE - 1 :: EPISODE, :, 0]
        return float(((asked > 0) == y).mean())

    return {"validation": right(1), "accuracy": right(2)}


EXPERIMENT = Experiment(
    name="truncation",
    part="learning",
    what="share of right answers on new streams, for validation and for the test; chance is 1/2",
    settings={
        "units": UNITS, "batch": BATCH, "max_norm": 1.0, "updates": UPDATES, "episode": EPISODE,
        "delay": EPISODE - 1, "tests": TESTS, "solved": 0.99,
    },
    grid=tuple(
        {"window": str(window), "rate": rate, "seed": seed} for window in WINDOWS for rate in RATES for seed in SEEDS
    ),
    run=run,
    again={"window": "12", "rate": 0.01, "seed": 3},
    tolerance={"validation": 0.04, "accuracy": 0.04},
    clear=lambda row: row["accuracy"] > 0.99,
)  # fmt: skip
