"""The package on two threads: `Halves`, told to cut every batch. The harness keeps its BLAS to one thread."""

from __future__ import annotations

from typing import Any

from rnncourse import Halves, Workspace

from ..cases import Arrays, Case
from .ours import layer_of


def training(case: Case, p: Arrays):
    layer, x, da, memory = Halves(layer_of(case, p), least=0), p["x"], p["da"], Workspace()
    out: dict[str, Any] = {}

    def step():
        run = layer.forward(x, workspace=memory)
        out["grads"] = layer.backward(run, da)

    def numbers():
        grads = out["grads"]
        inner = grads.layer.layer
        named = {"x": grads.x, "W": inner.W, "b": inner.b}
        return named | ({"b_cc": inner.b_cc} if "b_cc" in p else {})

    return step, numbers
