"""Medians of paired ratios, and means over points, with what they could as well have been."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

Interval = dict[str, float]


def paired(mine: Sequence[float], theirs: Sequence[float]) -> Interval:
    """Return the median and the quartiles of mine / theirs, round by round."""
    low, median, high = np.quantile(np.divide(mine, theirs), [0.25, 0.5, 0.75])
    return {"median": float(median), "low": float(low), "high": float(high)}


def mean_of_medians(points: Iterable[Sequence[float]], draws: int = 1000) -> Interval:
    """Return the geometric mean over points of the medians, with a 90 % interval (bootstrap of the rounds)."""
    rng = np.random.default_rng(0)
    logs = [np.log(ratios) for ratios in points]
    drawn = [np.median(rng.choice(r, (draws, len(r))), axis=1) for r in logs]
    low, high = np.quantile(np.exp(np.mean(drawn, axis=0)), [0.05, 0.95])
    middle = np.exp(np.mean([np.median(r) for r in logs]))
    return {"median": float(middle), "low": float(low), "high": float(high)}
