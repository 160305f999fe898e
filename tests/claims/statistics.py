"""A dozen lines of statistics: shuffled labels, an interval without assumptions, one over resampled years."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import product
from math import comb, factorial, prod
from typing import Any

import numpy as np

from .table import Table

SHUFFLES, MOST_ENUMERATED = 1_000, 2_000


def arrangements(labels: list[Any]) -> Iterator[tuple[Any, ...]]:
    """Yield every distinct order of the labels."""
    if not labels:
        yield ()
    for first in dict.fromkeys(labels):
        rest = labels.copy()
        rest.remove(first)
        yield from ((first, *others) for others in arrangements(rest))


def shuffled(runs: Table, factor: str, within: tuple[str, ...], along: tuple[str, ...]) -> Iterator[Any]:
    """Yield the column of `factor` with its labels dealt anew among the runs that agree in `within`.

    Runs that differ in `along` alone keep together: they get one label. All arrangements if they are few, else a
    thousand, seeded.
    """
    unit = runs.groups(*(name for name in runs.factors if name not in along))
    _, first, of_row = np.unique(unit, return_index=True, return_inverse=True)
    labels, place = runs[factor][first], runs.groups(*within)[first]
    members = [np.flatnonzero(place == k) for k in np.unique(place)]

    def column(dealt: list[Any]) -> Any:
        new = labels.copy()
        for group, order in zip(members, dealt, strict=True):
            new[group] = order
        return new[of_row]

    counts = [Counter(labels[group].tolist()) for group in members]
    if prod(factorial(n.total()) // prod(map(factorial, n.values())) for n in counts) <= MOST_ENUMERATED:
        for dealt in product(*(list(arrangements(labels[group].tolist())) for group in members)):
            yield column(list(dealt))
        return
    rng = np.random.default_rng(0)
    yield runs[factor]  # the table itself is one of them
    for _ in range(SHUFFLES):
        yield column([rng.permutation(labels[group]) for group in members])


def p_value(holds: Callable[[Table], Any], runs: Table, factor: str, within: Any, along: Any) -> tuple[float, int]:
    """Return in what share of the shuffled tables the claim holds, and how many there are."""
    found = [bool(holds(runs.put(factor, column))) for column in shuffled(runs, factor, within, along)]
    return sum(found) / len(found), len(found)


def sign_interval(differences: Any) -> tuple[float, float]:
    """Return an interval of the median of n independent differences, n ≥ 5, that covers it in 93.75 % or more of cases.

    The median lies below the k-th smallest of them (from 0) with the chance of at most k heads in n throws of a coin;
    so no distribution has to be assumed. Of five differences it is the smallest and the largest.
    """
    values, n = np.sort(differences), len(differences)
    if n < 5:
        raise ValueError(f"differences: expected at least five, got {n}")
    k = max(k for k in range(n // 2) if sum(comb(n, j) for j in range(k + 1)) / 2**n <= 1 / 32)
    return float(values[k]), float(values[n - 1 - k])


def years_interval(gap: Callable[[Any], float], n: int, block: int) -> tuple[float, float]:
    """Return the middle 95 % of `gap` over 2,000 series of years resampled in blocks, a circle of n years."""
    rng = np.random.default_rng(0)
    starts = rng.integers(0, n, (2_000, -(-n // block)))
    drawn = ((starts[..., None] + np.arange(block)) % n).reshape(len(starts), -1)[:, :n]
    low, high = np.percentile([gap(years) for years in drawn], (2.5, 97.5))
    return float(low), float(high)
