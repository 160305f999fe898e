"""When can training tell that a backward pass is wrong? Every exhibit of the museum on a short and on two long tasks.

"parity" has a target at every step, so that no gradient needs to cross a step; "hold" has one target, at the end. The
exhibits are those of the chapter's notebook. Exhibit 0 is the right function.
"""

from __future__ import annotations

import inspect
import linecache
from functools import lru_cache
from typing import Any

import nbformat
import numpy as np

from rnncourse import LSTM, Dense
from rnncourse.losses import squared_error

from .forget_bias_lag import BLOCK, hold
from .forget_bias_lag import GUESS as HOLD_GUESS
from .learning import Model, until
from .tidy import BOOK, Experiment, Row, rounded

CHAPTER = BOOK / "gated" / "lstm-backward.ipynb"
DEFINES = ("def by_hand(", "def edited(", "EDITS")  # what the cells define that make the exhibits
UNITS, BATCH, RATE, MOST, SEEDS = 8, 32, 0.01, 300, range(5)
TASKS = {"parity": 4, "hold, 10": 10, "hold, 20": 20}  # and their steps
GUESS = {"parity": 0.5, "hold": HOLD_GUESS}


@lru_cache
def exhibits() -> dict[int, Any]:
    """Run the notebook's cells that make them; a line of a cell must be found by `inspect`, as it is in a notebook."""
    names: dict[str, Any] = {"np": np, "inspect": inspect, "__name__": "museum"}
    for number, cell in enumerate(nbformat.read(CHAPTER, as_version=4).cells):
        lines = cell.source.splitlines()
        if cell.cell_type == "code" and any(line.startswith(DEFINES) for line in lines):
            file = f"<museum {number}>"
            linecache.cache[file] = (len(cell.source), None, cell.source.splitlines(keepends=True), file)
            code = compile(cell.source, file, "exec")
            exec(code, names)
        if "EXHIBITS" in names:  # in the exercises behind it the function is written again
            break
    return {0: names["by_hand"], **names["EXHIBITS"]}


def parity(rng: np.random.Generator, T: int, batch: int = BATCH) -> tuple[Any, Any]:
    bits = rng.integers(0, 2, (T, batch, 1))
    return 2.0 * bits - 1, 1.0 - 2 * (np.cumsum(bits, axis=0) % 2)


def run(exhibit: int, task: str, seed: int) -> Row:
    backward, T, last = exhibits()[exhibit], TASKS[task], task != "parity"
    rng = np.random.default_rng([seed, T])
    model: Model = LSTM.init(2 if last else 1, UNITS, rng), Dense.init(UNITS, 1, rng)

    def draw(rng: np.random.Generator) -> tuple[Any, Any]:
        return hold(rng, T, BATCH) if last else parity(rng, T, BATCH)

    def step(model: Model, k: int) -> Any:
        x, y = draw(rng)
        run = model[0].forward(x)
        out = model[1].forward(run.a[-1:] if last else run.a)
        value, dz = squared_error(out.a, y[None] if last else y, reduction="mean")
        above = model[1].backward(out, dz)
        da = np.zeros_like(run.a)
        da[-len(above.x) :] = above.x
        end = np.zeros_like(run.a[0]), np.zeros_like(run.a[0])
        dW, db = backward(model[0], run, da, end)[3:]
        return value, (LSTM(dW, db), above.layer)

    guess = GUESS[task.split(",")[0]]
    model, updates = until(model, step, RATE, BLOCK, MOST, guess / 10)
    x, y = draw(np.random.default_rng([seed, T, 3]))
    states = model[0].forward(x).a
    outputs = model[1].forward(states[-1] if last else states).a
    return {"updates": updates, "loss": rounded(squared_error(outputs, y, reduction="mean").value / guess)}


EXPERIMENT = Experiment(
    name="museum-tasks",
    part="gated",
    what="updates until a block's mean loss is below a tenth of a guess's (null: not within `most`); then the loss on "
    "new sequences as a share of a guess's. Exhibit 0 is the right function",
    settings={
        "units": UNITS,
        "batch": BATCH,
        "rate": RATE,
        "forget_bias": 1.0,
        "max_norm": 1.0,
        "block": BLOCK,
        "most": MOST,
    },
    grid=tuple({"exhibit": k, "task": task, "seed": seed} for task in TASKS for k in range(14) for seed in SEEDS),
    run=run,
    again={"exhibit": 0, "task": "hold, 10", "seed": 0},
    tolerance={"updates": 2 * BLOCK, "loss": 0.1},
    clear=lambda row: row["updates"] is not None and row["updates"] <= MOST / 2,
)
