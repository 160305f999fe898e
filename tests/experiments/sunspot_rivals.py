"""Sunspots a year ahead: a linear autoregression, a window of nine years with a hidden layer, and three networks.

Learned on the targets to 1920, chosen on 1921 to 1955, scored on 1956 to 2008. A row has its forecasts of these years,
for intervals over them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from rnncourse import RNN, Dense
from rnncourse.data import sunspots
from rnncourse.losses import squared_error
from rnncourse.optimizers import Adam
from rnncourse.training import train

from .learning import Model
from .tidy import Experiment, Row, rounded

ORDER, STOPS, BLOCK = 9, 6, 25
SIZES, RATES, SEEDS = (8, 16), (0.005, 0.02, 0.05), range(5)
NETWORKS = ("tanh", "relu", "identity", "window")


@lru_cache
def series() -> tuple[Any, Any, Any, Any, float, float]:
    """Return targets' years and counts, scaled inputs, which are training years, the mean and the deviation."""
    years, counts = sunspots()
    known = counts[years <= 1920]
    mean, scale = float(known.mean()), float(known.std())
    return years[1:], counts[1:], (counts - mean) / scale, years[1:] <= 1920, mean, scale


def windows(order: int) -> Any:
    """Return for each target the `order` values before it, newest first, scaled; the mean before the series begins."""
    scaled = series()[2]
    return np.lib.stride_tricks.sliding_window_view(np.concatenate([np.zeros(order - 1), scaled[:-1]]), order)[:, ::-1]


def outcome(forecast: Any) -> Row:
    years, counts, *_ = series()
    squared = (forecast - counts) ** 2

    def rmse(which: Any) -> float:
        return rounded(np.sqrt(squared[which].mean()))

    held_out = years > 1955
    return {
        "validation": rmse((years > 1920) & ~held_out), "rmse": rmse(held_out),
        "forecasts": [round(float(value), 1) for value in forecast[held_out]],
    }  # fmt: skip


def autoregression() -> Any:
    _, counts, _, train_years, *_ = series()
    rows = np.column_stack([np.ones(len(counts)), windows(ORDER)])
    known = train_years.copy()
    known[: ORDER - 1] = False  # whose window is not whole
    return rows @ np.linalg.lstsq(rows[known], counts[known], rcond=None)[0]


def outputs(model: Model, x: Any) -> Any:
    return model[1].forward(model[0].forward(x).a).a


def network(kind: str, units: int, rate: float, seed: int) -> Any:
    """Train, and return the forecasts of the stop that is best on the validation years."""
    _, _, scaled, train_years, mean, scale = series()
    rng = np.random.default_rng(seed)
    if kind == "window":
        first: Any = Dense.init(ORDER, units, rng, activation="tanh")
        x = windows(ORDER)[None]
        learn, pick = np.arange(ORDER - 1, train_years.sum()), (slice(None), slice(ORDER - 1, int(train_years.sum())))
    else:
        first = RNN.init(1, units, rng, activation=kind)
        x = scaled[:-1, None, None]
        learn, pick = np.arange(train_years.sum()), (slice(0, int(train_years.sum())),)
    x_train = x[pick]
    target = scaled[1:][learn].reshape(*x_train.shape[:2], 1)

    def step(model: Model, k: int) -> Any:
        run = model[0].forward(x_train)
        out = model[1].forward(run.a)
        value, dz = squared_error(out.a, target, reduction="mean")
        top = model[1].backward(out, dz)
        return value, (model[0].backward(run, top.x, inputs=False).layer, top.layer)

    model: Model = first, Dense.init(units, 1, rng)
    state, stops = None, []
    for _ in range(STOPS):
        done = train(model, step, Adam(rate), BLOCK, max_norm=1.0, state=state)
        model, state = done.model, done.state
        forecast = mean + scale * outputs(model, x).reshape(-1)
        stops.append((outcome(forecast)["validation"], forecast))
    return min(stops, key=lambda stop: stop[0])[1]


def run(model: str, units: int, rate: float, seed: int) -> Row:
    forecast: Callable[[], Any] = (
        autoregression if model == "autoregression" else lambda: network(model, units, rate, seed)
    )
    return outcome(forecast())


EXPERIMENT = Experiment(
    name="sunspot-rivals",
    part="foundations",
    what="root of the mean squared error on the validation years (1921 to 1955) and on the held-out years (1956 to "
    "2008), and the forecasts of the held-out years; of six stops the one that is best on the validation years",
    settings={"order": ORDER, "stops": STOPS, "block": BLOCK, "max_norm": 1.0},
    grid=(
        {"model": "autoregression", "units": 0, "rate": 0.0, "seed": 0},
        *(
            {"model": model, "units": units, "rate": rate, "seed": seed}
            for model in NETWORKS
            for units in SIZES
            for rate in RATES
            for seed in SEEDS
        ),
    ),
    run=run,
    again={"model": "autoregression", "units": 0, "rate": 0.0, "seed": 0},
    tolerance={"validation": 0.01, "rmse": 0.01, "forecasts": 0.11},
    clear=lambda row: True,  # nothing is chosen: least squares
)
