"""What is measured: sizes and cells, and the numbers that every program is given."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]

SIZES = (  # T, B, n_x, n_a
    (35, 20, 65, 100),  # a model of characters
    (100, 32, 64, 128),
    (20, 256, 28, 128),  # wide: images, row by row
    (1000, 1, 32, 64),  # long and thin
    (100, 64, 256, 256),
    (200, 64, 512, 512),
)
JOBS = ((100, 32, 65, 128), (100, 32, 65, 256), (35, 20, 65, 100))  # a whole training job of a model of characters
BATCHES = tuple((20, B, 64, n) for B, n in (  # from where a second thread costs to where it pays
    (32, 64), (64, 64), (64, 128), (128, 128), (64, 256), (256, 128), (128, 256), (256, 256),
))  # fmt: skip
CELLS = ("RNN", "GRU", "LSTM")
BLOCKS = {"RNN": 1, "GRU": 3, "GRU before": 3, "LSTM": 4}


@dataclass(frozen=True)
class Case:
    """One point: a cell, its sizes, a dtype.

    ``GRU`` resets after the product, as PyTorch does; ``GRU before`` before it, as the book does.
    """

    cell: str
    T: int
    B: int
    n_x: int
    n_a: int
    dtype: str = "float32"

    @property
    def size(self) -> tuple[int, int, int, int]:
        """T, B, n_x, n_a."""
        return self.T, self.B, self.n_x, self.n_a

    def __str__(self) -> str:
        return f"{self.cell} {self.size} {self.dtype}"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, for JSON."""
        return asdict(self)


def training_cases(dtype: str = "float32", cells: tuple[str, ...] = CELLS) -> list[Case]:
    """Return the points: every size with every cell."""
    return [Case(cell, *size, dtype) for size in SIZES for cell in cells]


def arrays(case: Case) -> Arrays:
    """Draw parameters, inputs and upstream gradient: the same for every program, from the sizes alone."""
    rng = np.random.default_rng(case.size)
    G, n = BLOCKS[case.cell], case.n_a
    bound = n**-0.5  # PyTorch's own initialisation
    drawn = {
        "W": rng.uniform(-bound, bound, (G * n, n + case.n_x)),
        "b": rng.uniform(-bound, bound, G * n),
        "x": rng.normal(size=(case.T, case.B, case.n_x)),
        "da": rng.normal(size=(case.T, case.B, n)),
    }
    if case.cell == "GRU":
        drawn["b_cc"] = rng.uniform(-bound, bound, n)
    return {name: array.astype(case.dtype) for name, array in drawn.items()}


def job_arrays(case: Case) -> Arrays:
    """Draw what a training job has besides: one-hot inputs, the characters that come next, and an output layer."""
    rng = np.random.default_rng((*case.size, 1))
    symbols = rng.integers(0, case.n_x, (case.T + 1, case.B))
    bound = case.n_a**-0.5
    drawn = {
        "x": symbols[:-1, :, None] == np.arange(case.n_x),
        "W_y": rng.uniform(-bound, bound, (case.n_x, case.n_a)),
        "b_y": rng.uniform(-bound, bound, case.n_x),
    }
    return {name: array.astype(case.dtype) for name, array in drawn.items()} | {"y": symbols[1:]}
