"""The package without a second thread, where others have one: the harness keeps its BLAS to one thread."""

from __future__ import annotations

from .ours import training

__all__ = ["training"]
