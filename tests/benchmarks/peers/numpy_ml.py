"""numpy-ml 0.1.2: RNNCell and LSTMCell, step by step; they compute in float64, since their first state is.

Two repairs make it run at all: a name that Python 3.10 moved, and sums that its ``flush_gradients`` leaves as lists.
"""

from __future__ import annotations

import collections
import collections.abc

import numpy as np

from ..cases import Arrays, Case

collections.Hashable = collections.abc.Hashable  # type: ignore[attr-defined]
from numpy_ml.neural_nets.layers import LSTMCell, RNNCell  # noqa: E402

LSTM_GATES = ("f", "u", "o", "c")


def training(case: Case, p: Arrays):
    n = case.n_a
    if case.cell not in ("RNN", "LSTM"):
        raise NotImplementedError(f"numpy-ml has no {case.cell}")
    x, da = p["x"], p["da"]
    cell = (RNNCell if case.cell == "RNN" else LSTMCell)(n, init="glorot_uniform")
    cell.forward(x[0])  # draws parameters, which are replaced
    if case.cell == "RNN":
        given = {"Waa": p["W"][:, :n].T, "Wax": p["W"][:, n:].T, "ba": 0 * p["b"][:, None], "bx": p["b"][:, None]}
    else:
        given = {f"W{g}": W.T for g, W in zip(LSTM_GATES, np.split(p["W"], 4), strict=True)}
        given |= {f"b{g}": b[None] for g, b in zip(LSTM_GATES, np.split(p["b"], 4), strict=True)}
    cell.parameters.update({name: np.ascontiguousarray(a) for name, a in given.items()})
    dx = np.empty(x.shape)

    def step():
        cell.flush_gradients()
        for name in cell.derived_variables:
            if name.endswith("accumulator"):
                cell.derived_variables[name] = None
        for x_t in x:
            cell.forward(x_t)
        for t in reversed(range(case.T)):
            dx[t] = cell.backward(da[t])

    def numbers():
        grads = cell.gradients
        if case.cell == "RNN":
            return {"x": dx, "W": np.concatenate([grads["Waa"].T, grads["Wax"].T], axis=1), "b": grads["bx"][:, 0]}
        W = np.concatenate([grads[f"W{g}"].T for g in LSTM_GATES])
        return {"x": dx, "W": W, "b": np.concatenate([grads[f"b{g}"][0] for g in LSTM_GATES])}

    return step, numbers
