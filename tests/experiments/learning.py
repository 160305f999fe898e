"""What the experiments share: a recurrent layer with a dense one on top, read at the last step, and its training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rnncourse import GRU, LSTM, RNN
from rnncourse.optimizers import Adam
from rnncourse.training import train

RATES = (0.003, 0.01, 0.03)
Model = tuple[Any, Any]
Draw = Callable[[], tuple[Any, Any]]


def at_the_end(model: Model, x: Any, state: Any = None) -> Any:
    """Return the output after the last step, (B, n_y)."""
    return model[1].forward(model[0].forward(x, state).a[-1]).a


def last_step(model: Model, x: Any, loss: Callable[[Any], Any], state: Any = None) -> tuple[float, Model]:
    """Return the loss of the last step's output, and its gradient."""
    run = model[0].forward(x, state)
    out = model[1].forward(run.a[-1])
    value, dz = loss(out.a)
    top = model[1].backward(out, dz)
    end = (top.x, None) if isinstance(model[0], LSTM) else top.x
    return value, (model[0].backward(run, None, end, inputs=False).layer, top.layer)


def until(
    model: Model, step: Callable[..., Any], rate: float, block: int, most: int, low: float
) -> tuple[Model, int | None]:
    """Train by Adam until a block's mean loss is below `low`; return the model, and after how many updates, or None."""
    optimizer, state = Adam(rate), None
    for done in range(block, most + 1, block):
        made = train(model, step, optimizer, block, max_norm=1.0, state=state)
        model, state = made.model, made.state
        if made.losses.mean() < low:
            return model, done
    return model, None


def pytorch(layer: Any, rng: np.random.Generator) -> Any:
    """Draw the parameters of an RNN or a GRU as PyTorch does: all from ±1/√n_a, biases too."""
    limit = 1 / np.sqrt(layer.n_a)

    def draw(old: Any) -> Any:
        return rng.uniform(-limit, limit, old.shape)

    if isinstance(layer, RNN):
        return RNN(draw(layer.W), draw(layer.b) + draw(layer.b), layer.activation)
    assert isinstance(layer, GRU)
    n = layer.n_a  # two biases a block; the candidate's second one is inside the reset, b_cc
    once, twice = draw(layer.b), draw(layer.b)
    b = np.concatenate([once[: 2 * n] + twice[: 2 * n], once[2 * n :]])
    return GRU(draw(layer.W), b, None if layer.b_cc is None else twice[2 * n :])
