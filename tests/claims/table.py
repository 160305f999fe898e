"""The table of an experiment, a run a row, and what a claim asks of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from experiments import EXPERIMENTS
from experiments.tidy import read


@dataclass(frozen=True)
class Table:
    """Columns by name, of equal length; `factors` are the names of those that were set and not measured."""

    columns: Mapping[str, Any]
    factors: tuple[str, ...]
    about: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.columns[name]

    def __len__(self) -> int:
        return len(self.columns[self.factors[0]])

    def rows(self, chosen: Any) -> Table:
        """Return the rows of a mask, or of numbers."""
        return replace(self, columns={name: column[chosen] for name, column in self.columns.items()})

    def put(self, name: str, column: Any) -> Table:
        return replace(self, columns={**self.columns, name: column})

    def where(self, **wanted: Any) -> Table:
        """Return the rows that have these values; a tuple means any of them."""
        chosen = np.ones(len(self), bool)
        for name, value in wanted.items():
            values = value if isinstance(value, tuple) else (value,)
            chosen &= np.logical_or.reduce([self[name] == each for each in values])
        return self.rows(chosen)

    def groups(self, *names: str) -> Any:
        """Number the rows by their values in these columns: equal values, equal numbers."""
        number = np.zeros(len(self), int)
        for name in names:
            levels, codes = np.unique(self[name], return_inverse=True)
            number = number * len(levels) + codes
        return np.unique(number, return_inverse=True)[1]

    def best(self, by: str = "validation", over: str | tuple[str, ...] = "rate", highest: bool = True) -> Table:
        """Keep, for each setting of the other factors, the level of `over` whose mean over the seeds is best."""
        chosen = over if isinstance(over, tuple) else (over,)
        setting = self.groups(*(name for name in self.factors if name not in (*chosen, "seed")))
        arm = self.groups(*(name for name in self.factors if name != "seed"))
        mean = np.bincount(arm, self[by]) / np.bincount(arm)
        order = np.argsort(-mean[arm] if highest else mean[arm], kind="stable")
        _, first = np.unique(setting[order], return_index=True)  # the first row of each setting is of its best arm
        return self.rows(np.isin(arm, arm[order][first]))

    def levels(self, name: str) -> list[Any]:
        return list(dict.fromkeys(self[name].tolist()))


def wanted(name: str) -> tuple[Mapping[str, Any], ...]:
    """Return the runs that the table of an experiment should have."""
    return EXPERIMENTS[name].grid


@lru_cache
def table(name: str) -> Table:
    """Read the stored table of an experiment; what was never reached is not a number."""
    about, rows = read(EXPERIMENTS[name].path)
    columns = {key: np.array([np.nan if row[key] is None else row[key] for row in rows]) for key in rows[0]}
    return Table(columns, tuple(wanted(name)[0]), about)
