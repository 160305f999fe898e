"""Learning rates that change: functions of the number k of updates so far.

An optimiser takes a schedule in place of its learning rate and calls it with the number of steps that its state has
counted, so training that goes on from a state goes on in the schedule. Any function of an integer serves; these are
records, which print and pickle.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi

from . import _validation as validate
from .records import Record

__all__ = ["Constant", "Cosine", "StepDecay", "WarmUp"]


@dataclass(frozen=True, eq=False, repr=False)
class Constant(Record):
    """The same rate at every step: for a `WarmUp` that leads to it.

    Parameters
    ----------
    rate : float
        The learning rate, above 0.

    Examples
    --------
    >>> Constant(0.1)(1000)
    0.1
    """

    rate: float

    def __post_init__(self) -> None:
        _keep(self, rate=validate.positive("rate", self.rate))

    def __call__(self, k: int) -> float:
        """Return the rate after `k` updates."""
        return self.rate


@dataclass(frozen=True, eq=False, repr=False)
class Cosine(Record):
    """Half a wave of the cosine from `rate` down to `final` in `steps` steps, then level [1]_.

    Parameters
    ----------
    rate : float
        The first learning rate, above 0.
    steps : int
        Updates until it has fallen to `final`.
    final : float
        The last learning rate, at least 0.

    References
    ----------
    .. [1] I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017, eq. 5.

    Examples
    --------
    >>> schedule = Cosine(0.1, steps=100)
    >>> [round(schedule(k), 4) for k in (0, 50, 100, 200)]
    [0.1, 0.05, 0.0, 0.0]
    """

    rate: float
    steps: int
    final: float = 0.0

    def __post_init__(self) -> None:
        _keep(self, rate=validate.positive("rate", self.rate), steps=validate.size("steps", self.steps))
        _keep(self, final=validate.positive("final", self.final, zero=True))

    def __call__(self, k: int) -> float:
        """Return the rate after `k` updates."""
        part = min(k, self.steps) / self.steps
        return self.final + (self.rate - self.final) * (1 + cos(pi * part)) / 2


@dataclass(frozen=True, eq=False, repr=False)
class StepDecay(Record):
    """The rate is multiplied by `factor` after every `every` updates.

    Parameters
    ----------
    rate : float
        The first learning rate, above 0.
    every : int
        Updates with one rate.
    factor : float
        Above 0.

    Examples
    --------
    >>> schedule = StepDecay(0.8, every=10, factor=0.5)
    >>> [schedule(k) for k in (0, 9, 10, 29)]
    [0.8, 0.8, 0.4, 0.2]
    """

    rate: float
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        _keep(self, rate=validate.positive("rate", self.rate), every=validate.size("every", self.every))
        _keep(self, factor=validate.positive("factor", self.factor))

    def __call__(self, k: int) -> float:
        """Return the rate after `k` updates."""
        return self.rate * self.factor ** (k // self.every)


@dataclass(frozen=True, eq=False, repr=False)
class WarmUp(Record):
    """In equal steps up to the first rate of another schedule, which then begins.

    Parameters
    ----------
    steps : int
        Updates of the warm-up; the last of them has the full rate.
    then : callable
        The schedule that follows; it counts from the end of the warm-up.

    Examples
    --------
    >>> schedule = WarmUp(4, then=StepDecay(0.8, every=2, factor=0.5))
    >>> [round(schedule(k), 4) for k in range(8)]
    [0.2, 0.4, 0.6, 0.8, 0.8, 0.8, 0.4, 0.4]
    """

    steps: int
    then: Callable[[int], float]

    def __post_init__(self) -> None:
        _keep(self, steps=validate.size("steps", self.steps))
        if not callable(self.then) or isinstance(self.then, type):
            raise TypeError(f"then: expected a schedule, such as Constant(0.1), got {validate.describe(self.then)}")

    def __call__(self, k: int) -> float:
        """Return the rate after `k` updates."""
        return self.then(k - self.steps) if k >= self.steps else self.then(0) * (k + 1) / self.steps


def _keep(record: Record, **settings: float) -> None:
    """Keep settings as Python's numbers, which leave the dtype of a model alone."""
    for name, value in settings.items():
        object.__setattr__(record, name, value)
