"""Loops over the cells for study: what forward and backward should give, without lengths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import rnncourse as rc
from rnncourse.layers.use_gate import use_gate_cell_backward, use_gate_cell_forward


def looped(cell_forward: Callable[..., Any], cell_backward: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``f(layer, x, state, da, dfinal) -> (a, final, grads)``, which loops the two cell functions."""

    def loop(layer, x, state, da, dfinal):
        a, caches = [], []
        for x_t in x:
            state, cache = cell_forward(layer, x_t, state)
            a.append(state[0] if isinstance(state, tuple) else state)
            caches.append(cache)
        total, dx, dstate = rc.tree_map(np.zeros_like, layer), [], dfinal
        for cache, da_t in zip(reversed(caches), reversed(da), strict=True):
            arriving = (dstate[0] + da_t, *dstate[1:]) if isinstance(dstate, tuple) else dstate + da_t
            dx_t, dstate, d = cell_backward(layer, cache, arriving)
            dx.insert(0, dx_t)
            total = rc.tree_map(np.add, total, d.layer)
        return np.stack(a), state, rc.Gradients(np.stack(dx), dstate, total)

    return loop


rnn = looped(rc.rnn_cell_forward, rc.rnn_cell_backward)
gru = looped(rc.gru_cell_forward, rc.gru_cell_backward)
lstm = looped(rc.lstm_cell_forward, rc.lstm_cell_backward)
use_gate = looped(use_gate_cell_forward, use_gate_cell_backward)
