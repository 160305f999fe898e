"""The package, as its users call it: with a workspace, as in a training loop."""

from __future__ import annotations

from typing import Any

import numpy as np

from rnncourse import GRU, LSTM, RNN, Deep, Dense, Workspace
from rnncourse.losses import softmax_cross_entropy
from rnncourse.optimizers import Adam, clip_by_norm

from ..cases import Arrays, Case, job_arrays

KINDS: dict[str, Any] = {"RNN": RNN, "GRU": GRU, "GRU before": GRU, "LSTM": LSTM}


def layer_of(case: Case, p: Arrays) -> Any:
    more = {"b_cc": p["b_cc"]} if "b_cc" in p else {}
    return KINDS[case.cell](p["W"], p["b"], **more)


def training(case: Case, p: Arrays, workspace: bool = True):
    return training_of(layer_of(case, p), p, workspace)


def training_of(layer: Any, p: Arrays, workspace: bool = True):
    x, da = p["x"], p["da"]
    memory = Workspace() if workspace else None
    out: dict[str, Any] = {}

    def step():
        run = layer.forward(x, workspace=memory)
        out["grads"] = layer.backward(run, da)

    def numbers():
        grads = out["grads"]
        cell = getattr(grads.layer, "layer", grads.layer)  # `Halves` holds one
        named = {"x": grads.x, "W": cell.W, "b": cell.b}
        return named | ({"b_cc": cell.b_cc} if "b_cc" in p else {})

    return step, numbers


def job(case: Case, p: Arrays):
    """A whole training step: forward, loss, backward, clipping, Adam."""
    q = job_arrays(case)
    start = Deep((layer_of(case, p), Dense(q["W_y"], q["b_y"])))
    memory, adam = Workspace(), Adam(1e-3)
    now = start, adam.init(start)

    def gradients(model: Any) -> tuple[Any, Any]:
        run = model.forward(q["x"], workspace=memory)
        loss, dz = softmax_cross_entropy(run.a, q["y"], reduction="mean")
        return loss, model.backward(run, dz, inputs=False).layer

    def step():
        nonlocal now
        _, grads = gradients(now[0])
        now = adam.update(now[0], clip_by_norm(grads, 1.0)[0], now[1])

    def numbers():
        loss, grads = gradients(start)
        cell, head = grads.layers
        named = {"W": cell.W, "b": cell.b, "W_y": head.W, "b_y": head.b, "loss": np.asarray(loss)}
        return named | ({"b_cc": cell.b_cc} if "b_cc" in p else {})

    return step, numbers


def saved_bytes(case: Case, p: Arrays) -> int:
    """Return how much memory a run keeps for its backward pass, besides the parameters."""
    run = layer_of(case, p).forward(p["x"])
    owners = {}
    for array in (run.x, run.a, *run.parts, *run.tape):
        while array.base is not None:
            array = array.base
        owners[id(array)] = array.nbytes
    return sum(owners.values())


def streaming(case: Case, p: Arrays):
    layer, x = layer_of(case, p), p["x"]
    x_t, state = x[0], None

    def step():
        nonlocal state
        _, state = layer.step(x_t, state)

    def numbers():
        now, a = None, None
        for each in x:
            a, now = layer.step(each, now)
        return {"a": a}

    return step, numbers
