"""A world: numbers that the package computed, as equations see them, and derivatives measured on its forward pass.

The package has an example a row, the mathematics an example a column; a world shows columns. Every quantity of a run
has a key and, where it has them, a time and a layer. A key that begins with ``d `` is the gradient of the loss with
respect to the rest.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from ...records import Array
from ..language.looks import LOSSES

__all__ = ["Ident", "Place", "Trace", "World"]

H = 1e-30  # the complex step: so small that nothing is lost
Place = tuple[str, int | None, int | None]  # key, time, layer


class Ident(NamedTuple):
    """Which quantity, at which time, in which layer, of which example."""

    key: str
    t: int | None = None
    l: int | None = None  # noqa: E741
    i: int | None = None

    @property
    def place(self) -> Place:
        """The same for all examples."""
        return self.key, self.t, self.l


class Trace:
    """One forward pass that is being recorded; quantities can be nudged or held as they are computed.

    Parameters
    ----------
    nudges, held : mapping, optional
        Place to what is added there, or to what stands there instead.
    copies : int
        How many copies of all examples stand side by side, each to be nudged in its own way.
    """

    def __init__(
        self, nudges: Mapping[Place, Array] | None = None, held: Mapping[Place, Array] | None = None, copies: int = 1
    ) -> None:
        self.nudges, self.held, self.copies = nudges or {}, held or {}, copies
        self.values: dict[Place, Array] = {}

    def __call__(self, key: str, value: Array, t: int | None = None, layer: int | None = None) -> Array:
        """Record a matrix or columns, and return what stands there."""
        place = (key, t, layer)
        value = self.held.get(place, value)
        if place in self.nudges:
            value = value + self.nudges[place]
        self.values[place] = value
        return value

    def rows(self, key: str, value: Array, t: int | None = None, layer: int | None = None) -> Array:
        """Record an array with an example a row, and return what stands there in that form."""
        return self(key, value.T, t, layer).T


class World(ABC):
    """One run of the package with random numbers.

    A subclass gives the package's values, its gradients, and a forward pass that can be traced.

    Parameters
    ----------
    name : str
        What messages call this run.
    sizes : mapping
        T, n_x, m and so on.
    """

    sources: tuple[str, ...] = ()  # whose gradients there are, besides the measured ones
    activation = "tanh"  # what g means
    functions: Mapping[str, Any] = MappingProxyType({})  # functions that the package itself is asked for

    def __init__(self, name: str, sizes: Mapping[str, int]) -> None:
        self.name, self.sizes = name, {"m": 1, **sizes}
        self.after: dict[Place, Array] = {}
        self._gradients: dict[tuple[str, Ident], dict[Place, Array]] = {}
        self._nudged: dict[Any, list[Trace]] = {}
        self._measured: dict[Any, Array] = {}
        self.values = self.computed()
        trace = Trace()
        self.record(trace)
        self.forward = trace.values

    @abstractmethod
    def computed(self) -> dict[Place, Array]:
        """Return the values of the package's own run."""

    @abstractmethod
    def record(self, trace: Trace) -> None:
        """Walk the forward pass through the package's cells."""

    def gradients(self, source: str, weight: Array) -> dict[Place, Array]:
        """Return the package's gradients of the losses' sum, weighted by `weight` (T, m)."""
        return {}

    def mean(self, key: str) -> Array:
        """Return what each loss (T, m) is multiplied with in a mean loss."""
        return np.full((self.sizes.get("T", 1), self.sizes["m"]), 1 / self.sizes["m"])

    # ---- values

    def get(self, ident: Ident, source: str = "measured", after: bool = False) -> Any:
        """Return a quantity: a number, or an array with an example a column.

        Parameters
        ----------
        ident : Ident
            Which.
        source : str
            Where gradients come from.
        after : bool
            After the update.

        Returns
        -------
        ndarray or number
            The value.

        Raises
        ------
        LookupError
            If there is no such quantity, or not there.
        """
        if ident.key.startswith("d "):
            by = Ident(ident.key[2:], ident.t, ident.l, ident.i)
            full = self.derivative(Ident("L"), by, source=source, whole_loss=True)
            value = full[0, 0]
        else:
            if after and ident.place not in self.after:
                raise LookupError(f"the package does not update {ident.key}")
            store = self.after if after else self.values
            value = store[ident.place] if ident.place in store else self.missing(ident)
            if ident.i is not None:
                value = self.example(value, ident.i)
        if value.shape == (1, 1):
            return value[0, 0]
        if ident.key in LOSSES:
            raise LookupError(f"{ident.key} is one number for each example: write the example index (i)")
        return value

    def example(self, value: Array, i: int) -> Array:
        """Return the column of an example."""
        if not 1 <= i <= self.sizes["m"] or value.shape[1] != self.sizes["m"]:
            raise LookupError(f"there is no example {i} here")
        return value[:, i - 1 : i]

    def missing(self, ident: Ident) -> Array:
        """Say why there is no such value."""
        times = sorted({t for key, t, _ in self.values if key == ident.key and t is not None})
        if not any(key == ident.key for key, _, _ in self.values):
            raise LookupError(f"the package computes no {ident.key} here")
        at = ", ".join(f"{n} = {v}" for n, v in (("t", ident.t), ("l", ident.l)) if v is not None)
        raise LookupError(f"{ident.key} does not exist at {at}" + (f": it begins at t = {times[0]}" if times else ""))

    def knows(self, key: str) -> bool:
        """Whether the package computes a quantity of this name."""
        return any(k == key.removeprefix("d ") for k, _, _ in self.values)

    def shape(self, key: str) -> tuple[int, ...]:
        """Return the shape of a quantity; LookupError if there is none, or if layers differ."""
        shapes = {v.shape for (k, _, _), v in self.values.items() if k == key.removeprefix("d ")}
        if len(shapes) != 1:
            raise LookupError(key)
        return shapes.pop()

    # ---- derivatives

    def derivative(
        self,
        num: Ident,
        den: Ident,
        held: tuple[Ident, ...] = (),
        immediate: bool = False,
        source: str = "measured",
        whole_loss: bool = False,
    ) -> Array:
        """Return ∂num/∂den, of shape num.shape + den.shape.

        Parameters
        ----------
        num, den : Ident
            What is differentiated, by what.
        held : tuple of Ident
            What stays as it is.
        immediate : bool
            All earlier steps stay as they are.
        source : str
            "measured", or one of `sources`: then a gradient of a loss is looked up there, if it is to be found.
        whole_loss : bool
            The loss is added up over the examples.

        Returns
        -------
        ndarray
            Four axes.

        Raises
        ------
        LookupError
            If one of the two is not part of the forward pass.
        """
        if num.key in LOSSES and not held and not immediate:
            if source != "measured":
                for name in (source, *self.sources):
                    found = self.looked_up(name, num, whole_loss).get(den.place)
                    if found is not None:
                        return self.by_example(found[None, None], den.i)
            if den.place in self.values and den.place not in self.forward:  # outside the sequence
                return self.by_example(np.zeros((1, 1, *self.values[den.place].shape)), den.i)
        for q in (num, den, *held):
            if q.place not in self.forward:
                raise LookupError(f"{q.key} is not part of the forward pass there, so nothing can be differentiated")
        before = num.t if immediate else None
        full = self.measured(num.place, den.place, frozenset(h.place for h in held), before)
        if whole_loss:
            full = full.sum(axis=1, keepdims=True)
        elif num.i is not None:
            self.example(full[:, :, 0, 0], num.i)
            full = full[:, num.i - 1 : num.i]
        elif num.key in LOSSES and full.shape[:2] != (1, 1):
            raise LookupError(f"{num.key} is one number for each example: write the example index (i)")
        return self.by_example(full, den.i)

    def by_example(self, full: Array, i: int | None) -> Array:
        """Return the part of a derivative that belongs to one example of what it is taken by."""
        if i is None:
            return full
        if full.shape[3] != self.sizes["m"] or not 1 <= i <= self.sizes["m"]:
            raise LookupError(f"there is no example {i} here")
        return full[..., i - 1 : i]

    def looked_up(self, source: str, num: Ident, whole_loss: bool) -> dict[Place, Array]:
        """Return the package's gradients of a loss, by place."""
        key = (source, num if not whole_loss else Ident("L", i=-1))
        if key not in self._gradients:
            weight = np.ones((self.sizes.get("T", 1), self.sizes["m"]))
            if num.key.startswith("J"):
                weight = self.mean(num.key)
            elif num.i is not None:
                weight[:, np.arange(self.sizes["m"]) != num.i - 1] = 0
            elif not whole_loss and self.sizes["m"] > 1:
                return {}  # refused where it is measured
            if num.t is not None:
                weight[np.arange(len(weight)) != num.t - 1] = 0
            self._gradients[key] = self.gradients(source, weight)
        return self._gradients[key]

    def measured(self, num: Place, den: Place, held: frozenset[Place], before: int | None) -> Array:
        """Return ∂num/∂den as measured with `held`, and all before a time, kept as it is."""
        key = (num, den, held, before)
        if key in self._measured:
            return self._measured[key]
        if key[1:] not in self._nudged:
            self._nudged[key[1:]] = self.nudge(den, held, before)
        parts = [np.imag(trace.values[num]) / H for trace in self._nudged[key[1:]]]
        shape = self.forward[den].shape
        if num[1] is None and num[0] not in LOSSES and len(parts) == 1:  # a parameter: it has no examples
            parts = [np.zeros_like(parts[0])] * (shape[0] * shape[1])
        elif len(parts) == 1:
            parts = np.split(parts[0], shape[0] * shape[1], axis=1)
        self._measured[key] = np.stack(parts, axis=-1).reshape(*self.forward[num].shape, *shape)
        return self._measured[key]

    def nudge(self, den: Place, held: frozenset[Place], before: int | None) -> list[Trace]:
        """Nudge every entry of `den` by a complex step: all in one pass, or each in a pass of its own."""
        hold = {p: v for p, v in self.forward.items() if p in held}
        if before is not None:
            hold |= {p: v for p, v in self.forward.items() if p[1] is not None and p[1] < before and p != den}
        n, m = self.forward[den].shape
        nudges = np.eye(n * m).reshape(n, m, n * m) * (H * 1j)
        if den[1] is None:  # a parameter
            traces = [Trace({den: nudges[..., k]}, hold) for k in range(n * m)]
        else:
            side_by_side = nudges.transpose(0, 2, 1).reshape(n, -1)
            traces = [Trace({den: side_by_side}, {p: np.tile(v, n * m) for p, v in hold.items()}, n * m)]
        for trace in traces:
            self.record(trace)
        return traces
