"""The package on two threads: `Halves`, told to cut every batch. The harness keeps its BLAS to one thread."""

from __future__ import annotations

from rnncourse import Halves

from ..cases import Arrays, Case
from .ours import layer_of, training_of


def training(case: Case, p: Arrays):
    return training_of(Halves(layer_of(case, p), least=0), p)
