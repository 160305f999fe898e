"""The two halves of a batch on two threads: examples do not touch each other, and NumPy lets threads run side by side.

It pays where a step is long enough: two threads must hand Python's lock back and forth between NumPy's calls. Whether
the batch is cut, and where, depends on its shape alone, so the same input always gives the same numbers; but a product
over half a batch may round otherwise than one over the whole, so they can differ from those of the layer itself in the
last digits. It is meant for a BLAS that runs on one thread (``OPENBLAS_NUM_THREADS=1``): one that has threads of its
own uses the cores already.
"""

from __future__ import annotations

import _thread
from collections.abc import Callable
from contextvars import Context, copy_context
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np

from .. import _validation as validate
from ..records import Array, Gradients, Record, read_only, tree_map
from ..workspace import Workspace
from .recurrent import RecurrentLayer

__all__ = ["Halves", "HalvesRun"]


@dataclass(frozen=True, eq=False, repr=False)
class Halves(Record):
    """A recurrent layer that runs large batches as two halves on two threads; a layer itself.

    Parameters
    ----------
    layer : RNN, GRU, LSTM or another recurrent layer
        What runs.
    least : int
        The batch is cut if a step has this many pre-activations (B · G · n_a, with G = 1, 3 or 4 for RNN, GRU, LSTM).
        Where two threads begin to win depends on the machine. On the two cores of the stored benchmark (its part
        `halves`) they broke even at 65,536; the default, 98,304, is the least at which all won, by 1.1 to 1.4 times,
        and at four times as many as break even an LSTM won by 1.6 times. Measure yours.

    Raises
    ------
    TypeError, ValueError
        If this is no recurrent layer, or `least` no integer from 0.

    Examples
    --------
    >>> from rnncourse import LSTM
    >>> layer = Halves(LSTM.init(n_x=3, n_a=128, rng=np.random.default_rng(0)))
    >>> run = layer.forward(np.ones((5, 256, 3)))
    >>> run.a.shape, [half.a.shape for half in run.runs]
    ((5, 256, 128), [(5, 128, 128), (5, 128, 128)])
    """

    layer: RecurrentLayer
    least: int = 3 << 15

    def __post_init__(self) -> None:
        validate.size("least", self.least, least=0)
        if not isinstance(self.layer, RecurrentLayer):
            raise TypeError(f"layer: expected a recurrent layer, got {validate.describe(self.layer)}")

    @property
    def n_x(self) -> int:
        """Number of inputs a step."""
        return self.layer.n_x

    @property
    def n_out(self) -> int:
        """Number of outputs a step."""
        return self.layer.n_out

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the parameters."""
        return self.layer.dtype

    @property
    def precision(self) -> str:
        """'float32' or 'float64': what inputs and states have to have."""
        return self.layer.precision

    def _parts(self, batch: int) -> list[slice]:
        """Return the rows of each part."""
        if batch < 2 or batch * len(self.layer.b) < self.least:
            return [slice(None)]
        return [slice(batch // 2), slice(batch // 2, None)]

    def zero_state(self, batch: int) -> Any:
        """Return the layer's start state.

        Parameters
        ----------
        batch : int
            B.

        Returns
        -------
        ndarray or tuple of ndarray
            Zeros (B, n_a).
        """
        return self.layer.zero_state(batch)

    def forward(
        self, x: Array, state: Any = None, lengths: Any = None, workspace: Workspace | None = None
    ) -> HalvesRun:
        """Run the layer over a batch of sequences.

        Parameters
        ----------
        x, state, lengths, workspace
            As `RecurrentLayer.forward` takes them.

        Returns
        -------
        HalvesRun
            ``run.a`` and ``run.final`` as the layer's own run has them, and ``run.runs``, the runs of the parts.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong dtype or shape; the message names it.
        """
        x, start, ends = self.layer.checked_inputs(x, state, lengths)

        def part(k: int, rows: slice) -> Any:
            here = None if ends is None else ends[rows]
            return self.layer.forward(x[:, rows], self.layer._pack([s[rows] for s in start]), here, memory[k])

        memory = [validate.part(workspace, name) for name in ("first", "second")]
        runs = side_by_side(part, self._parts(x.shape[1]))
        return HalvesRun(self, tuple(runs), joined([run.a for run in runs], axis=1), ends)

    def backward(self, run: HalvesRun, da: Array | None, dfinal: Any = None, inputs: bool = True) -> Gradients:
        """Backpropagate through time.

        Parameters
        ----------
        run : HalvesRun
            What ``forward`` of this layer returned.
        da, dfinal, inputs
            As `RecurrentLayer.backward` takes them.

        Returns
        -------
        Gradients
            ``x``, ``state`` and ``layer``, a `Halves` that holds the gradients of the parameters.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind, dtype or shape, or the run is complex or of another layer.
        """
        validate.own_real_run(run, HalvesRun, self)
        da = validate.upstream(da, dfinal, "(T, B, n_a)", run.a.shape, self.precision)
        inputs = validate.flag("inputs", inputs)
        final = self.layer._unpack("dfinal", dfinal, da.shape[1], gradient=True)

        def part(k: int, rows: slice) -> Gradients:
            return self.layer.backward(run.runs[k], da[:, rows], self.layer._pack([d[rows] for d in final]), inputs)

        first, *others = side_by_side(part, self._parts(da.shape[1]))
        dlayer = first.layer
        for other in others:
            dlayer = tree_map(np.add, dlayer, other.layer)
        both = [first, *others]
        states = tree_map(lambda *parts: joined(parts, axis=0), *(d.state for d in both), match=False)
        dx = joined([d.x for d in both], axis=1) if inputs else None
        return Gradients(dx, states, Halves(dlayer, self.least))

    def step(self, x_t: Array, state: Any = None) -> tuple[Array, Any]:
        """Take one step, on one thread: `RecurrentLayer.step`.

        Parameters
        ----------
        x_t, state
            As the layer takes them.

        Returns
        -------
        tuple
            The output (B, n_a) and the new state.
        """
        return self.layer.step(x_t, state)


@dataclass(frozen=True, eq=False, repr=False)
class HalvesRun(Record):
    """What `Halves.forward` computed.

    Attributes
    ----------
    layer : Halves
        The layer that ran.
    runs : tuple of Run
        The runs of the parts of the batch: two, or one where it was not cut.
    a : ndarray, shape (T, B, n_a)
        The outputs, zero in the padding.
    lengths : ndarray of int, shape (B,), or None
        The number of steps of each example.
    """

    layer: Halves
    runs: tuple[Any, ...]
    a: Array
    lengths: Array | None

    @property
    def x(self) -> Array:
        """The inputs, shape (T, B, n_x)."""
        return read_only(joined([run.x for run in self.runs], axis=1))

    @property
    def final(self) -> Any:
        """The state after each example's last step, in the form of the state."""
        return tree_map(lambda *parts: read_only(joined(parts, axis=0)), *(run.final for run in self.runs), match=False)


def side_by_side(work: Callable[[int, slice], Any], parts: list[slice]) -> list[Any]:
    """Call `work` for each part: the first here, each other on a thread of its own, in the caller's context.

    `numpy.errstate` lives in that context. However often Ctrl-C is pressed, no thread goes on into the next call: it is
    let through when all have ended. It may interrupt anywhere, hence bare locks: a `Thread` and a `Future` have locks
    within, and one that is left locked is waited for in vain; ``Thread.join`` takes a thread for ended (bpo-45274).
    """
    ends: dict[int, tuple[Any, BaseException | None]] = {}

    def beside(k: int, part: slice, context: Context, over: _thread.LockType) -> None:
        try:
            ends[k] = context.run(work, k, part), None
        except BaseException as error:
            ends[k] = None, error
        over.release()

    overs = [_thread.allocate_lock() for _ in parts[1:]]
    others = [(k, part, copy_context(), over) for k, (part, over) in enumerate(zip(parts[1:], overs, strict=True), 1)]
    begun = list[int]()
    try:
        for over in overs:
            over.acquire()
        begun.extend(map(_thread.start_new_thread, repeat(beside), others))  # one call: each that has begun is listed
        first = work(0, parts[0])
    finally:
        pressed = None
        while True:
            try:
                for k, over in enumerate(overs[: len(begun)], start=1):
                    while k not in ends:
                        over.acquire()
                break
            except KeyboardInterrupt as press:
                pressed = press
        if pressed is not None:
            raise pressed
    for _, error in ends.values():
        if error is not None:
            raise error
    return [first, *(ends[k][0] for k, *_ in others)]


def joined(parts: Any, axis: int) -> Array:
    """Put the parts of a batch together; no copy where there is one."""
    return np.asarray(parts[0]) if len(parts) == 1 else np.concatenate(parts, axis=axis)
