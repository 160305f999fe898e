"""Is it the sharing of weights? The task of `window_data`, and a network that has a cell of its own for each step.

All its cells start equal, as those of the recurrent network are; so what differs is that each learns from its own step
alone.
"""

from __future__ import annotations

from dataclasses import replace

from . import window_data

EXPERIMENT = replace(
    window_data.EXPERIMENT,
    name="window-sharing",
    grid=window_data.grid(window_data.MODELS, ((16, 100),)),
    again={"model": "all at once", "steps": 16, "examples": 100, "rate": 0.01, "seed": 0},
)
