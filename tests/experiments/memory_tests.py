"""Tests of long memory: adding, copying, temporal order and the embedded Reber grammar, six networks, three rates each.

Every network has about the same number of parameters. Training stops when a block of updates has a low loss, or when
the updates are used up; what counts is the test on new examples. `valid` is the loss of other new examples: the rate
is chosen by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from rnncourse import GRU, LSTM, RNN, Dense, initializers, tasks
from rnncourse.data import one_hot, pad
from rnncourse.losses import softmax_cross_entropy, squared_error
from rnncourse.optimizers import Adam
from rnncourse.training import train

from .learning import RATES, Model, pytorch
from .tidy import Experiment, Row, rounded

BATCH, BLOCK, TESTS = 32, 50, 500
F4 = np.float32
NETWORKS = (
    "tanh, PyTorch's start", "tanh, orthogonal", "ReLU, identity",
    "GRU, b_u = -3", "LSTM, b_f = 1", "LSTM, b_f by lag",
)  # fmt: skip


class Batch(NamedTuple):
    """Inputs, lengths, targets, and which steps count: (T, B) of bool."""

    x: Any
    lengths: Any
    y: Any
    mask: Any


class Test(NamedTuple):
    """A task: what is drawn, the sizes, when it is learned, and for how many updates it is tried."""

    draw: Callable[[int, int, np.random.Generator], Batch]
    n_x: int
    n_y: int
    low: float  # stop training below this loss
    most: int
    units: int  # of the tanh layer
    exam: Callable[[int, int, np.random.Generator], Batch] | None = None  # what is tested, if it is not what is learned


def new(name: str, test: Test, lag: int, rng: np.random.Generator) -> Model:
    """Draw a network: gated layers have so many units that parameters are about as many."""
    n = test.units
    if name.startswith("GRU"):
        layer = _gated(GRU, 3, test, rng)
        b = layer.b.copy()
        b[: layer.n_a] = -3
        layer = replace(layer, b=b)
    elif name.startswith("LSTM"):
        layer = _gated(LSTM, 4, test, rng)
        b = layer.b.copy()
        b[: layer.n_a] = 1 if name.endswith("1") else np.log(lag)
        layer = replace(layer, b=b)
    elif name.startswith("ReLU"):
        layer = RNN.init(test.n_x, n, rng, activation="relu")
        W = layer.W.copy()
        W[:, :n] = initializers.identity(None, (n, n))
        W[:, n:] = rng.normal(0, 0.1, (n, test.n_x))
        layer = replace(layer, W=W)
    else:
        layer = RNN.init(test.n_x, n, rng)
        layer = pytorch(layer, rng) if "PyTorch" in name else layer
    head = Dense.init(layer.n_a, test.n_y, rng)
    return _single(layer), _single(head)


def _gated(kind: Any, blocks: int, test: Test, rng: np.random.Generator) -> Any:
    size = test.units * (test.units + test.n_x + 1)
    n = round((-(test.n_x + 1) + np.sqrt((test.n_x + 1) ** 2 + 4 * size / blocks)) / 2)
    return kind.init(test.n_x, n, rng)


def _single(layer: Any) -> Any:
    changed = {name: getattr(layer, name).astype(F4) for name in ("W", "b")}
    return replace(layer, **changed)


def loss_of(test: Test, out: Any, batch: Batch) -> tuple[float, Any]:
    """Return the mean loss over the steps that count, and its gradient."""
    y = batch.y if batch.y.dtype.kind == "i" else batch.y.astype(out.dtype)
    if test.n_y == 1:  # numbers: the whole square, as in the papers
        value, dz = squared_error(out, y, mask=batch.mask, reduction="mean")
        return float(2 * value), 2 * dz
    if y.ndim == 3:  # several answers are right: as likely as one another
        y = y / y.sum(-1, keepdims=True).clip(1)
    value, dz = softmax_cross_entropy(out, y, mask=batch.mask, reduction="mean")
    return float(value), dz


def learned(task: str, lag: int, network: str, rate: float, seed: int) -> tuple[Model, Model, int]:
    """Train a network on a task; return it as it was drawn, as it was at the end, and the number of updates."""
    test, rng = TASKS[task], np.random.default_rng([seed, lag])
    drawn = model = new(network, test, lag, rng)

    def step(model: Model, _: int) -> tuple[float, Model]:
        batch = test.draw(BATCH, lag, rng)
        run = model[0].forward(batch.x, lengths=batch.lengths)
        out = model[1].forward(run.a)
        value, dz = loss_of(test, out.a, batch)
        top = model[1].backward(out, dz)
        return value, (model[0].backward(run, top.x, inputs=False).layer, top.layer)

    optimizer, state, done, mean = Adam(rate), None, 0, np.inf
    while done < test.most and mean > test.low:
        made = train(model, step, optimizer, BLOCK, max_norm=1.0, state=state)
        model, state, done, mean = made.model, made.state, done + BLOCK, made.losses.mean()
    return drawn, model, done


def train_one(task: str, lag: int, network: str, rate: float, seed: int) -> Row:
    """Train a network on a task, and say how right it is on new examples."""
    test, (_, model, done) = TASKS[task], learned(task, lag, network, rate, seed)
    valid, _ = score(test, model, lag, np.random.default_rng([1, seed, lag]))
    loss, right = score(test, model, lag, np.random.default_rng([2, seed, lag]))
    return {"valid": rounded(valid), "loss": rounded(loss), "right": rounded(right), "updates": done}


def score(test: Test, model: Model, lag: int, rng: np.random.Generator) -> tuple[float, float]:
    """Return the loss on new examples, and the share of examples of which everything that counts is right."""
    batch = (test.exam or test.draw)(TESTS, lag, rng)
    out = model[1].forward(model[0].forward(batch.x, lengths=batch.lengths).a).a
    if test.n_y == 1:
        good = np.abs(out - batch.y)[..., 0] < 0.16  # a twelfth of the sums' range
    elif batch.y.ndim == 3:
        good = np.take_along_axis(batch.y, out.argmax(-1)[..., None], -1)[..., 0] > 0
    else:
        good = out.argmax(-1) == batch.y
    return loss_of(test, out, batch)[0], float((good | ~batch.mask).all(axis=0).mean())


def _last(T: int, B: int) -> Any:
    mask = np.zeros((T, B), bool)
    mask[-1] = True
    return mask


def draw_adding(n: int, lag: int, rng: np.random.Generator) -> Batch:
    x, y = tasks.adding(n, lag, rng)
    return Batch(x.astype(F4), None, np.broadcast_to(y.astype(F4), (lag, n, 1)), _last(lag, n))


def draw_copying(n: int, lag: int, rng: np.random.Generator) -> Batch:
    x, y = tasks.copying(n, lag, rng, length=3)
    return Batch(one_hot(x, 10).astype(F4), None, y, np.ones(y.shape, bool))


def draw_order(n: int, lag: int, rng: np.random.Generator) -> Batch:
    x, y = tasks.temporal_order(n, lag, rng)
    return Batch(one_hot(x, 6).astype(F4), None, np.broadcast_to(y, x.shape), _last(lag, n))


def draw_reber(n: int, lag: int, rng: np.random.Generator) -> Batch:
    """Strings of the embedded grammar, as they come."""
    return _reber(tasks.reber(n, rng))


def long_reber(n: int, lag: int, rng: np.random.Generator) -> Batch:
    """Strings of `lag` letters or more."""
    strings: list[str] = []
    while len(strings) < n:
        strings += [s for s in tasks.reber(n, rng) if len(s) >= lag]
    return _reber(strings[:n])


def _reber(strings: list[str]) -> Batch:
    x, lengths = pad([one_hot(np.array([tasks.REBER.index(c) for c in s[:-1]]), 7) for s in strings])
    may, _ = pad([tasks.reber_next(s).astype(F4) for s in strings])
    return Batch(x.astype(F4), lengths, may, np.arange(len(x))[:, None] < lengths)


TASKS = {
    "adding": Test(draw_adding, 2, 1, 0.003, 1200, 40),
    "copying": Test(draw_copying, 10, 9, 0.005, 1500, 40),
    "order": Test(draw_order, 6, 4, 0.01, 1500, 40),
    "reber": Test(draw_reber, 7, 7, 0.0, 400, 24, long_reber),
}
LAGS = {"adding": (25, 50, 100), "copying": (10, 20, 30), "order": (30, 60, 100), "reber": (9, 20)}
WHAT = {
    "adding": "`right`: of 500 new sums within 0.16; `loss`: mean square",
    "copying": "`right`: of 500 new sequences whole; `loss`: nats a step, `valid` too",
    "order": "`right`: of 500 new sequences; `loss`: nats",
    "reber": "`right`: of 500 new strings of so many letters or more, only allowed letters; `loss`: nats a step",
}
AGAIN = {  # of five runs alike
    "adding": {"network": "GRU, b_u = -3", "rate": 0.03},
    "copying": {"network": "GRU, b_u = -3", "rate": 0.03},
    "order": {"network": "GRU, b_u = -3", "rate": 0.03},
    "reber": {"network": "tanh, orthogonal", "rate": 0.03},
}
TOLERANCE = {"valid": 0.05, "loss": 0.05, "right": 0.05, "updates": 2 * BLOCK}


def experiment(task: str) -> Experiment:
    grid = tuple(
        {"task": task, "lag": lag, "network": network, "rate": rate, "seed": seed}
        for lag in LAGS[task]
        for network in NETWORKS
        for rate in RATES
        for seed in range(5)
    )
    test = TASKS[task]
    settings = {
        "batch": BATCH, "updates": test.most, "units of tanh": test.units, "stops below": test.low,
        "clipped at": 1.0, "optimizer": "Adam", "tests": TESTS, "dtype": "float32",
    }  # fmt: skip
    again = {"task": task, "lag": LAGS[task][0], **AGAIN[task], "seed": 0}
    what = WHAT[task]
    return Experiment(f"memory-{task}", "architectures", what, settings, grid, train_one, again, TOLERANCE, clear)


def clear(row: Row) -> bool:
    """Solved without doubt."""
    return row["right"] > 0.98


EXPERIMENTS = [experiment(task) for task in TASKS]
