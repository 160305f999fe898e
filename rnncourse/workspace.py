"""Where the large arrays of a pass come from: new memory each time, or the same memory again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import numpy as np

from .records import Array

__all__ = ["NEW", "Buffers", "Workspace"]


class Buffers:
    """Where the large arrays of a pass come from: here, new ones each time.

    Examples
    --------
    >>> Buffers().take("z", (3, 2), np.float64).shape
    (3, 2)
    """

    def take(self, name: str, shape: tuple[int, ...], dtype: Any) -> Array:
        """Return an array with any contents."""
        return np.empty(shape, dtype)

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Do nothing: new memory is nobody else's."""
        yield


NEW = Buffers()


class Workspace(Buffers):
    """Memory that is used again: pass it to ``layer.forward(x, workspace=…)`` in a training loop.

    It saves allocating the same large arrays at every step. A run that was made with a workspace is valid until the
    workspace is used again; touching the run after that raises, so that it never shows another run's numbers. Its
    outputs `a`, its `final` state and gradients have memory of their own; other arrays taken from it, such as gates,
    are views of the workspace: copy them to keep them. One workspace serves one layer and one call at a time; a call
    that comes while another one, on another thread, is at work in it raises. A copy of a workspace, or one that has
    been pickled, is a new one.

    Attributes
    ----------
    uses : int
        How many passes it has served.

    Examples
    --------
    >>> from rnncourse import RNN
    >>> layer, workspace = RNN.init(n_x=2, n_a=3, rng=np.random.default_rng(0)), Workspace()
    >>> first = layer.forward(np.ones((4, 1, 2)), workspace=workspace)
    >>> second = layer.forward(np.zeros((4, 1, 2)), workspace=workspace)
    >>> second.a.shape
    (4, 1, 3)
    >>> first.a
    Traceback (most recent call last):
        ...
    RuntimeError: run: its workspace has been used again; make a workspace for each run that is to be kept
    """

    def __init__(self) -> None:
        self.uses = 0
        self._busy = Lock()
        self._arrays: dict[str, Array] = {}
        self._parts: dict[str, Workspace] = {}

    def __reduce__(self) -> tuple[type[Workspace], tuple[()]]:
        return Workspace, ()

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Claim the memory for a pass: a ``with`` block, in which nobody else may claim it.

        Raises
        ------
        RuntimeError
            If another pass is at work in it.
        """
        if not self._busy.acquire(blocking=False):
            raise RuntimeError("workspace: expected one that is free, got one in which another call is at work")
        try:
            yield
        finally:
            self._busy.release()

    def part(self, name: str) -> Workspace:
        """Return the workspace of a part: a layer that is made of layers hands each of them its own.

        Parameters
        ----------
        name : str
            Which part.

        Returns
        -------
        Workspace
            The same one each time.
        """
        return self._parts.setdefault(name, Workspace())

    def take(self, name: str, shape: tuple[int, ...], dtype: Any) -> Array:
        """Return the array of that name, a new one if its shape or dtype has changed.

        Parameters
        ----------
        name : str
            What it is for.
        shape : tuple of int
            Its shape.
        dtype : dtype
            Its dtype.

        Returns
        -------
        ndarray
            With any contents.
        """
        array = self._arrays.get(name)
        if array is None or array.shape != shape or array.dtype != dtype:
            array = self._arrays[name] = np.empty(shape, dtype)
        return array
