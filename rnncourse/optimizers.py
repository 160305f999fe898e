"""Optimisers and gradient clipping, for any tree of records.

An optimiser is an immutable record of its settings. What changes from step to step, such as a momentum, is a state that
goes in and comes out; nothing is hidden::

    state = optimizer.init(model)
    model, state = optimizer.update(model, grads, state)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np

from . import _validation as validate
from .records import Array, Record, named_leaves, tree_map

__all__ = ["SGD", "Adam", "AdamState", "Optimizer", "clip_by_norm", "clip_by_value", "global_norm"]

Tree = TypeVar("Tree")


class Optimizer(Protocol):
    """Anything with `init` and `update`."""

    def init(self, model: Any) -> Any:
        """Return the state before the first update."""

    def update(self, model: Tree, grads: Tree, state: Any) -> tuple[Tree, Any]:
        """Return the model after a step, and the new state."""


@dataclass(frozen=True, eq=False, repr=False)
class SGD(Record):
    """Gradient descent, W ← W - α dW (eq:sgd), with momentum v ← β v + dW, W ← W - α v if β > 0.

    Parameters
    ----------
    learning_rate : float
        α, above 0.
    momentum : float
        β, from 0 to below 1.

    Examples
    --------
    >>> optimizer = SGD(learning_rate=0.1, momentum=0.5)
    >>> W, dW = np.array([1.0]), np.array([2.0])
    >>> state = optimizer.init(W)
    >>> W, state = optimizer.update(W, dW, state)
    >>> W, state = optimizer.update(W, dW, state)
    >>> W
    array([0.5])
    """

    learning_rate: float
    momentum: float = 0.0

    def __post_init__(self) -> None:
        _set(self, learning_rate=validate.positive("learning_rate", self.learning_rate))
        _set(self, momentum=validate.positive("momentum", self.momentum, zero=True, below=1))

    def init(self, model: Tree) -> Tree:
        """Return the velocities before the first update: zeros.

        Parameters
        ----------
        model : tree
            What will be updated.

        Returns
        -------
        tree
            Zeros in the form of `model`.
        """
        return tree_map(np.zeros_like, model)

    def update(self, model: Tree, grads: Tree, state: Tree) -> tuple[Tree, Tree]:
        """Take a step.

        Parameters
        ----------
        model, grads, state : tree
            The parameters, their gradients, and the velocities, all of one structure.

        Returns
        -------
        tuple
            The new parameters and velocities.
        """
        velocity = tree_map(lambda v, g: self.momentum * v + g, state, grads)
        return tree_map(lambda w, v: w - self.learning_rate * v, model, velocity), velocity


@dataclass(frozen=True, eq=False, repr=False)
class AdamState(Record):
    """What Adam remembers.

    Attributes
    ----------
    mean, square : tree
        Running means of the gradients and of their squares.
    steps : int
        Updates so far.
    """

    mean: Any
    square: Any
    steps: int


@dataclass(frozen=True, eq=False, repr=False)
class Adam(Record):
    """Adam [1]_: a step of about α in each coordinate, whatever the gradient's scale.

    Parameters
    ----------
    learning_rate : float
        α, above 0.
    beta1, beta2 : float
        Decay of the running means of gradients and of their squares, from 0 to below 1.
    eps : float
        Added to the root of the mean square.

    References
    ----------
    .. [1] D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1.

    Examples
    --------
    >>> optimizer = Adam(learning_rate=0.1)
    >>> W, dW = np.array([1.0, 1.0]), np.array([1e-3, -1e3])
    >>> W, state = optimizer.update(W, dW, optimizer.init(W))
    >>> W.round(4)
    array([0.9, 1.1])
    """

    learning_rate: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def __post_init__(self) -> None:
        _set(self, learning_rate=validate.positive("learning_rate", self.learning_rate))
        _set(self, beta1=validate.positive("beta1", self.beta1, zero=True, below=1))
        _set(self, beta2=validate.positive("beta2", self.beta2, zero=True, below=1))
        _set(self, eps=validate.positive("eps", self.eps, zero=True))

    def init(self, model: Any) -> AdamState:
        """Return the state before the first update: zero means.

        Parameters
        ----------
        model : tree
            What will be updated.

        Returns
        -------
        AdamState
            Zeros in the form of `model`, and no steps.
        """
        return AdamState(tree_map(np.zeros_like, model), tree_map(np.zeros_like, model), 0)

    def update(self, model: Tree, grads: Tree, state: AdamState) -> tuple[Tree, AdamState]:
        """Take a step.

        Parameters
        ----------
        model, grads : tree
            The parameters and their gradients, of one structure.
        state : AdamState
            From `init` or from the last update.

        Returns
        -------
        tuple
            The new parameters and state.
        """
        b1, b2, n = self.beta1, self.beta2, state.steps + 1
        mean = tree_map(lambda m, g: b1 * m + (1 - b1) * g, state.mean, grads)
        square = tree_map(lambda s, g: b2 * s + (1 - b2) * g * g, state.square, grads)

        def step(w: Array, m: Array, s: Array) -> Array:
            unbiased_mean, unbiased_square = m / (1 - b1**n), s / (1 - b2**n)  # the means started at zero
            return w - self.learning_rate * unbiased_mean / (np.sqrt(unbiased_square) + self.eps)

        return tree_map(step, model, mean, square), AdamState(mean, square, n)


def global_norm(grads: Any) -> float:
    """Euclidean norm of all entries of a tree together.

    Parameters
    ----------
    grads : tree
        Records, tuples, lists, dicts of arrays.

    Returns
    -------
    float
        The norm, without overflow on the way; inf or NaN if an entry is.

    Examples
    --------
    >>> global_norm((np.array([3.0]), {"b": np.array([[4.0]])}))
    5.0
    """
    leaves = [leaf for _, leaf in named_leaves(grads)]
    if any(np.isnan(leaf).any() for leaf in leaves):
        return float("nan")
    largest, relative = _norm(leaves)
    return largest * relative


def _norm(grads: Any) -> tuple[float, float]:
    """Return two factors of the norm, the largest entry and the norm in units of it: neither overflows."""
    leaves = [np.asarray(leaf, dtype=np.float64) for _, leaf in named_leaves(grads)]
    largest = max((float(np.abs(leaf).max(initial=0)) for leaf in leaves), default=0.0)
    if largest == 0 or np.isinf(largest):
        return largest, 1.0
    return largest, float(np.sqrt(sum(((leaf / largest) ** 2).sum() for leaf in leaves)))


def clip_by_norm(grads: Tree, max_norm: float) -> tuple[Tree, float]:
    """Shrink a gradient to a norm of at most `max_norm`; its direction stays [1]_.

    Parameters
    ----------
    grads : tree
        The gradient, all parameters together.
    max_norm : float
        The threshold, above 0.

    Returns
    -------
    tuple
        The gradient, and its norm before clipping (worth plotting).

    Raises
    ------
    FloatingPointError
        If an entry is NaN or infinite: there is no direction left to keep. The message names the array.

    References
    ----------
    .. [1] R. Pascanu, T. Mikolov and Y. Bengio, "On the difficulty of training recurrent neural networks", ICML 2013,
       algorithm 1.

    Examples
    --------
    >>> clip_by_norm(np.array([3.0, 4.0]), max_norm=1.0)
    (array([0.6, 0.8]), 5.0)
    """
    max_norm = validate.positive("max_norm", max_norm)
    _check_finite(grads)
    largest, relative = _norm(grads)
    norm = largest * relative
    if norm <= max_norm:
        return grads, norm

    def shrink(g: Array) -> Array:  # in float64 and by two factors: the norm may exceed what g's dtype can hold, or inf
        return (g.astype(np.float64) / largest * (max_norm / relative)).astype(g.dtype)

    return tree_map(shrink, grads), norm


def clip_by_value(grads: Tree, limit: float) -> Tree:
    """Cut every entry to [-limit, limit]; the direction may change.

    Parameters
    ----------
    grads : tree
        The gradient.
    limit : float
        The largest absolute value, above 0.

    Returns
    -------
    tree
        The gradient.

    Raises
    ------
    FloatingPointError
        If an entry is NaN. The message names the array.

    Examples
    --------
    >>> clip_by_value(np.array([0.1, -7.0]), limit=1.0)
    array([ 0.1, -1. ])
    """
    limit = validate.positive("limit", limit)
    _check_finite(grads, infinite=True)

    def cut(g: Array) -> Array:
        most = min(limit, float(np.finfo(g.dtype).max))  # a limit beyond the dtype's range still cuts infinities
        return np.clip(g, -most, most)

    return tree_map(cut, grads)


def _set(record: Record, **settings: float) -> None:
    """Keep settings as Python's numbers: a NumPy float64 would turn a float32 model into a float64 one."""
    for name, value in settings.items():
        object.__setattr__(record, name, value)


def _check_finite(grads: Any, *, infinite: bool = False) -> None:
    for path, leaf in named_leaves(grads, "grads"):
        bad = np.isnan(leaf) if infinite else ~np.isfinite(leaf)
        if bad.any():
            where = tuple(int(i) for i in np.argwhere(bad)[0])
            raise FloatingPointError(f"{path}: expected finite numbers, got {leaf[where]} at {where}")
