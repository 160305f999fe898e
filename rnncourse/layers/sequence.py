"""Over time: which steps count, sums over all of them, and the record of a run.

A run keeps inputs and states alone. Every other quantity that the equations name is found again, when asked for, by one
call of the cell with all steps of all examples as the rows of one batch: a cell is a pure function of the input and the
previous state.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..records import Array, Record, read_only, tree_map
from ..workspace import Workspace

__all__ = ["BorrowedRun", "Run", "keep", "valid_steps"]


@dataclass(frozen=True, eq=False, repr=False)
class Run(Record):
    """What a recurrent layer's ``forward`` computed: read-only arrays, by the names of the book.

    Every quantity that the cell's equations name is an attribute of shape (T, B, n_a), zero in the padding: ``run.z_a``
    for `RNN`, ``run.gate_u``, ``run.cand`` and so on for the gated cells; `quantities` lists them. They are recomputed
    when asked for, so that a run stays small.

    Attributes
    ----------
    layer : RecurrentLayer
        The layer that ran.
    x : ndarray, shape (T, B, n_x)
        The inputs (a copy; zero in the padding).
    parts : tuple of ndarray, each of shape (T + 1, B, n_a)
        Each part of the state at the steps 0 … T; past an example's end it stands still.
    a : ndarray, shape (T, B, n_a)
        The outputs, zero in the padding.
    lengths : ndarray of int, shape (B,), or None
        The number of steps of each example.
    tape : tuple of ndarray
        What the fast path keeps for its backward pass; empty if the cell was looped.
    """

    layer: Any
    x: Array
    parts: tuple[Array, ...]
    a: Array
    lengths: Array | None
    tape: tuple[Array, ...] = field(default=(), repr=False, compare=False)

    @property
    def final(self) -> Any:
        """The state after each example's last step, in the form of the state; a copy, which outlives the run."""
        # a view would keep all steps in memory, and in a workspace it would become another run's
        return self.layer._pack([read_only(s[-1].copy()) for s in self.parts])

    @property
    def states(self) -> Any:
        """The state at the steps 0 … T: an array (T + 1, B, n_a), or a tuple of such, in the form of the state."""
        return self.layer._pack(self.parts)

    @property
    def quantities(self) -> tuple[str, ...]:
        """The names of what the cell's equations compute."""
        return tuple(self.layer.quantities)

    if not TYPE_CHECKING:  # a checker of types would take any name; RNNRun, GRURun and LSTMRun have theirs

        def __getattr__(self, name: str) -> Array:
            # only called for names that are not found otherwise: the quantities, and the previous states
            if not name.startswith("__") and "parts" in vars(self):
                letters = self.layer.state_letters
                if name.endswith("_prev") and name[:-5] in letters:
                    return self.parts[letters.index(name[:-5])][:-1]
                if name in self.layer.tape_slots and self.tape:
                    valid = valid_steps(self.lengths, len(self.x))
                    return read_only(keep(valid, self.tape[1][: len(self.x), self.layer.tape_slots[name]]))
                if name in self.quantities:
                    return self._replay()[name]
            raise AttributeError(f"{type(self).__name__} of {type(self.layer).__name__} has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.quantities, *(f"{letter}_prev" for letter in self.layer.state_letters)]

    @np.errstate(under="ignore")
    def _replay(self) -> dict[str, Array]:
        """Call the cell once, with every step of every example as a row of one batch."""
        steps, batch, _ = self.x.shape
        named: dict[str, Array] = {}

        def note(name: str, value: Array) -> Array:
            named[name] = value
            return value

        x, *states = (v.reshape(steps * batch, v.shape[-1]) for v in (self.x, *(s[:-1] for s in self.parts)))
        self.layer.cell_forward(x, self.layer._pack(states), note)
        valid = valid_steps(self.lengths, steps)
        return {k: read_only(keep(valid, v.reshape(steps, batch, v.shape[-1]))) for k, v in named.items()}


@dataclass(frozen=True, eq=False, repr=False)
class BorrowedRun(Run):
    """A run whose tape lies in a workspace: once that is used again, touching the run raises RuntimeError.

    Attributes
    ----------
    workspace : Workspace
        Whose memory the run uses.
    use : int
        Which of the workspace's uses is this run's.
    """

    workspace: Workspace = field(default_factory=Workspace, repr=False, compare=False)
    use: int = field(default=0, repr=False, compare=False)

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("__"):
            own = object.__getattribute__(self, "__dict__")
            if "use" in own and own["workspace"].uses != own["use"]:
                raise RuntimeError(
                    "run: its workspace has been used again; make a workspace for each run that is to be kept"
                )
        return object.__getattribute__(self, name)

    def __copy__(self) -> Run:
        """Return a run that owns its arrays, as a pickled one does: views would show the workspace's next numbers."""
        x, parts, a, tape = tree_map(np.copy, (self.x, self.parts, self.a, self.tape))
        return Run(self.layer, x, parts, a, self.lengths, tape)

    def __reduce__(self) -> tuple[Any, ...]:
        return Run, (self.layer, self.x, self.parts, self.a, self.lengths, self.tape)


def valid_steps(lengths: Array | None, steps: int) -> Array | None:
    """Return a boolean (T, B, 1): is the step before the example's end? None if every step is.

    Parameters
    ----------
    lengths : ndarray of int, shape (B,), or None
        The number of steps of each example.
    steps : int
        T.

    Returns
    -------
    ndarray of bool or None
        True inside, False in the padding.

    Examples
    --------
    >>> valid_steps(np.array([3, 1]), steps=3)[..., 0].astype(int)
    array([[1, 1],
           [1, 0],
           [1, 0]])
    """
    if lengths is None or (lengths == steps).all():
        return None
    return (np.arange(steps)[:, None] < lengths)[:, :, None]


def keep(valid: Array | None, new: Array, old: Array | float = 0.0) -> Array:
    """Select `new` where a step is valid, else `old`: a choice, not a product, so that NaN times 0 cannot arise.

    Parameters
    ----------
    valid : ndarray of bool or None
        None stands for 'everywhere'.
    new, old : ndarray
        Of the same shape; `old` may be a number.

    Returns
    -------
    ndarray
        `new` itself if `valid` is None.

    Examples
    --------
    >>> keep(np.array([True, False]), np.array([1.0, np.nan]), 0.0)
    array([1., 0.])
    """
    if valid is None:
        return new
    return np.where(valid, new, old if isinstance(old, np.ndarray) else new.dtype.type(old))


def random_part(layer: Any, rng: np.random.Generator | None) -> dict[str, Any]:
    """Hand the generator on to a part that drops something out; the other layers take none.

    Parameters
    ----------
    layer : layer
        Part of a composition.
    rng : numpy.random.Generator or None
        What the composition's ``forward`` got.

    Returns
    -------
    dict
        ``{"rng": rng}`` or nothing, for the part's ``forward``.
    """
    return {"rng": rng} if rng is not None and getattr(layer, "drops_out", False) else {}
