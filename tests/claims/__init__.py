"""Sentences about how networks behave, held against stored runs, as the equations are held against the package.

A claim is a function of the table of an experiment. It has to hold there, and where it says that a factor makes the
difference, it may hold in at most 5 % of the tables in which the labels of that factor have been shuffled: that share
is its p. `claim.py` has the forms of claims, one module for each chapter the claims themselves.
"""

from importlib import import_module

from .claim import CLAIMS, report

CHAPTERS = (
    "batches", "bidirectional", "bptt", "deep", "gru", "language_model", "lstm_backward", "lstm_forward", "memory",
    "rnn_forward", "sequences", "training", "vanishing_gradients",
    "which",  # the last: it says again what the chapters say
)  # fmt: skip
for chapter in CHAPTERS:
    import_module(f"{__name__}.{chapter}")

__all__ = ["CHAPTERS", "CLAIMS", "report"]
