"""How far a tanh network and a GRU learn to carry one symbol past others, by the delay and by how they start.

    cd tests && python -m experiments.gru_recall        writes ../book/gated/results/gru-recall.json, in 15 minutes

The chapter on the GRU shows the stored result, and beside it the same experiment, smaller, live.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from rnncourse import GRU, RNN, Dense, __version__
from rnncourse.data import one_hot
from rnncourse.initializers import glorot_uniform
from rnncourse.losses import softmax_cross_entropy
from rnncourse.optimizers import Adam
from rnncourse.training import train

RESULTS = Path(__file__).parents[2] / "book" / "gated" / "results" / "gru-recall.json"
SYMBOLS, BATCH, RATE, MAX_NORM = 4, 32, 0.01, 1.0
BLOCK, MOST, SOLVED = 50, 600, 0.99  # updates between two tests, updates at most, accuracy at which a run ends
DELAYS, SEEDS = (10, 20, 40, 80), range(5)


def gru(rng: np.random.Generator, bias: float, reset_after: bool = False) -> GRU:
    """Draw a GRU whose update gates start with this bias."""
    layer = GRU.init(SYMBOLS + 1, 16, rng, reset_after=reset_after)
    b = layer.b.copy()
    b[:16] = bias
    return GRU(layer.W, b, layer.b_cc)


# 1080 parameters for 30 tanh units, 1056 for 16 gated ones (1072 with b_cc)
LAYERS: dict[str, Callable[[np.random.Generator], Any]] = {
    "tanh, Glorot": lambda rng: RNN.init(SYMBOLS + 1, 30, rng, recurrent_init=glorot_uniform),
    "tanh, orthogonal": lambda rng: RNN.init(SYMBOLS + 1, 30, rng),
    "GRU, b_u = 0": lambda rng: gru(rng, 0.0),
    "GRU, b_u = -3": lambda rng: gru(rng, -3.0),
    "GRU reset after, b_u = -3": lambda rng: gru(rng, -3.0, reset_after=True),
}


def recall(rng: np.random.Generator, delay: int, batch: int = BATCH) -> tuple[Any, Any]:
    """Draw a batch: random symbols, the first one marked; the target is the marked one, `delay` steps later."""
    symbols = rng.integers(0, SYMBOLS, (delay + 1, batch))
    mark = np.zeros((delay + 1, batch, 1))
    mark[0] = 1
    return np.concatenate([one_hot(symbols, SYMBOLS), mark], axis=2), symbols[0]


def accuracy(model: Any, rng: np.random.Generator, delay: int) -> float:
    """Return how many of 1,000 new examples are answered rightly."""
    x, y = recall(rng, delay, 1000)
    logits, _ = model[1].step(model[0].forward(x).final)
    return float((logits.argmax(axis=1) == y).mean())


def learn(name: str, delay: int, seed: int, most: int = MOST) -> tuple[int, float]:
    """Train until a run solves the task, or `most` updates are made; return how many, and the accuracy."""
    rng = np.random.default_rng(seed)
    layer = LAYERS[name](rng)
    model: Any = (layer, Dense.init(layer.n_a, SYMBOLS, rng))

    def loss_and_gradients(model: Any, step: int) -> tuple[float, Any]:
        layer, head = model
        x, y = recall(rng, delay)
        run = layer.forward(x)
        out = head.forward(run.a[-1:])
        loss = softmax_cross_entropy(out.a, y[None], reduction="mean")
        from_head = head.backward(out, loss.dz)
        grads = layer.backward(run, np.zeros_like(run.a), dfinal=from_head.x[0])
        return loss.value, (grads.layer, from_head.layer)

    state, updates, right = None, 0, 0.0
    while updates < most and right < SOLVED:
        block = train(model, loss_and_gradients, Adam(RATE), BLOCK, MAX_NORM, state)
        model, state, updates = block.model, block.state, updates + BLOCK
        right = accuracy(model, rng, delay)
    return updates, right


def main() -> None:
    """Run all and store it."""
    runs, start = [], time.monotonic()
    for delay in DELAYS:
        for name in LAYERS:
            for seed in SEEDS:
                updates, right = learn(name, delay, seed)
                runs.append({"delay": delay, "layer": name, "seed": seed, "updates": updates, "accuracy": right})
            last = [(run["updates"], run["accuracy"]) for run in runs[-len(SEEDS) :]]
            print(f"{time.monotonic() - start:4.0f} s  delay {delay}, {name}: {last}", flush=True)
    record = {
        "what": "updates made, accuracy on 1,000 new examples after them; a run ends when it is at least `solved`",
        "command": "cd tests && python -m experiments.gru_recall",
        "date": datetime.now(UTC).date().isoformat(),
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "rnncourse": __version__},
        "symbols": SYMBOLS, "batch": BATCH, "learning_rate": RATE, "max_norm": MAX_NORM, "block": BLOCK, "most": MOST,
        "solved": SOLVED,
    }  # fmt: skip
    lines = ",\n".join("  " + json.dumps(run) for run in runs)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(f'{json.dumps(record, indent=1)[:-2]},\n "runs": [\n{lines}\n ]\n}}\n', "utf8")


if __name__ == "__main__":
    main()
