"""Layer normalisation in the stacks of `digits_depth`: one recurrent layer and four; with it there is no fast path."""

from __future__ import annotations

from dataclasses import replace

from . import digits_depth as plain

EXPERIMENT = replace(
    plain.EXPERIMENT,
    name="digits-norm",
    grid=tuple(
        {"layers": layers, "variant": "layer norm", "rate": rate, "seed": seed}
        for layers in (1, 4)
        for rate in plain.RATES
        for seed in plain.SEEDS
    ),
    again={"layers": 1, "variant": "layer norm", "rate": 0.01, "seed": 0},
    clear=lambda row: row["accuracy"] > 0.85,
)
