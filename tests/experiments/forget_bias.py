"""How long an LSTM needs to learn to hold a number, by the bias that its forget gate starts with.

    cd tests && python -m experiments.forget_bias     writes ../book/gated/results/forget-bias.json in about 10 minutes

The chapter on the LSTM's forward pass shows the stored result, and the same experiment, smaller, live. Runs that are
stored already are not made again: delete the file to begin anew.
"""

from __future__ import annotations

import json
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from rnncourse import LSTM, Dense, __version__
from rnncourse.losses import squared_error
from rnncourse.optimizers import Adam
from rnncourse.training import train

RESULTS = Path(__file__).parents[2] / "book" / "gated" / "results" / "forget-bias.json"
LENGTHS = dict.fromkeys((0.0, 1.0, 3.0), (10, 15, 20, 30, 40, 60))  # by bias
LENGTHS |= {-1.0: (6, 8, 10, 12), 0.5: (20, 25, 30)}  # added when the first three had been seen, to test the reading
SEEDS = range(5)
UNITS, BATCH, RATE, MAX_NORM = 8, 32, 0.01, 1.0
BLOCK, MOST = 20, 500  # updates
GUESS = 1 / 6  # the loss of the best constant: half the variance of a number between -1 and 1


def hold(rng: np.random.Generator, T: int) -> tuple[Any, Any]:
    """Draw a batch: a number at every step, a flag at the first; the target is the first number."""
    numbers = rng.uniform(-1, 1, (T, BATCH))
    flag = np.zeros((T, BATCH))
    flag[0] = 1
    return np.stack([numbers, flag], axis=2), numbers[:1, :, None]


def updates_to_learn(seed: int, T: int, bias: float, most: int = MOST) -> int | None:
    """Return after how many updates a block's mean loss is below a tenth of the best constant's; None if never."""
    rng = np.random.default_rng(seed)
    model: Any = (LSTM.init(2, UNITS, rng, forget_bias=bias), Dense.init(UNITS, 1, rng))

    def loss_and_gradients(model: Any, step: int) -> tuple[float, Any]:
        x, y = hold(rng, T)
        run = model[0].forward(x)
        out = model[1].forward(run.a[-1:])
        loss = squared_error(out.a, y, reduction="mean")
        head = model[1].backward(out, loss.dz)
        da = np.zeros_like(run.a)
        da[-1] = head.x[0]
        return loss.value, (model[0].backward(run, da).layer, head.layer)

    optimizer, state = Adam(RATE), None
    for done in range(BLOCK, most + 1, BLOCK):
        block = train(model, loss_and_gradients, optimizer, BLOCK, MAX_NORM, state)
        model, state = block.model, block.state
        if block.losses.mean() < GUESS / 10:
            return done
    return None


def main() -> None:
    """Run what is not stored yet, and store it."""
    runs = json.loads(RESULTS.read_text("utf8"))["runs"] if RESULTS.exists() else []
    stored = {(run["T"], run["bias"], run["seed"]) for run in runs}
    for bias, lengths in LENGTHS.items():
        for T in lengths:
            for seed in SEEDS:
                if (T, bias, seed) not in stored:
                    runs.append({"T": T, "bias": bias, "seed": seed, "updates": updates_to_learn(seed, T, bias)})
                    print(runs[-1])
    runs.sort(key=lambda run: (run["bias"], run["T"], run["seed"]))
    record = {
        "what": "updates until a block of 20 has a mean loss below a tenth of 1/6; null: not within `most`",
        "command": "cd tests && python -m experiments.forget_bias",
        "date": datetime.now(UTC).date().isoformat(),
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "rnncourse": __version__},
        "units": UNITS, "batch": BATCH, "learning_rate": RATE, "max_norm": MAX_NORM, "block": BLOCK, "most": MOST,
        "runs": runs,
    }  # fmt: skip
    lines = ",\n".join("  " + json.dumps(run) for run in runs)
    head = json.dumps({k: v for k, v in record.items() if k != "runs"}, indent=1)
    RESULTS.write_text(f'{head[:-2]},\n "runs": [\n{lines}\n ]\n}}\n', "utf8")


if __name__ == "__main__":
    main()
