"""Optimisers and gradient clipping, for any tree of records.

An optimiser is an immutable record of its settings. What changes from step to step, such as a momentum, is a state that
goes in and comes out; nothing is hidden::

    state = optimizer.init(model)
    model, state = optimizer.update(model, grads, state)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from types import NoneType
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np

from . import _validation as validate
from .records import Array, Record, check_match, mapped, named_leaves, tree_map

__all__ = [
    "SGD",
    "Adam",
    "AdamState",
    "AdamW",
    "Optimizer",
    "RMSProp",
    "RMSPropState",
    "SGDState",
    "clip_by_norm",
    "clip_by_value",
    "global_norm",
]

Tree = TypeVar("Tree")
Rate: TypeAlias = float | Callable[[int], float]


class Optimizer(Protocol):
    """Anything with `init` and `update`."""

    def init(self, model: Any) -> Any:
        """Return the state before the first update."""

    def update(self, model: Tree, grads: Tree, state: Any) -> tuple[Tree, Any]:
        """Return the model after a step, and the new state."""


@dataclass(frozen=True, eq=False, repr=False)
class SGDState(Record):
    """What gradient descent remembers.

    Attributes
    ----------
    velocity : tree
        v, in the form of the model.
    steps : int
        Updates so far.
    """

    velocity: Any
    steps: int


@dataclass(frozen=True, eq=False, repr=False)
class SGD(Record):
    """Gradient descent, W ← W - α dW (eq:sgd), with momentum v ← β v + dW, W ← W - α v if β > 0.

    Parameters
    ----------
    learning_rate : float or callable
        α, above 0; or a schedule, a function of the number of updates so far (`rnncourse.schedules`).
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

    learning_rate: Rate
    momentum: float = 0.0

    def __post_init__(self) -> None:
        _set(self, learning_rate=_rate(self.learning_rate))
        _set(self, momentum=validate.positive("momentum", self.momentum, zero=True, below=1))

    def init(self, model: Any) -> SGDState:
        """Return the state before the first update: zero velocities.

        Parameters
        ----------
        model : tree
            What will be updated.

        Returns
        -------
        SGDState
            Zeros in the form of `model`, and no steps.

        Raises
        ------
        TypeError
            If the model is no tree of float32 and float64 arrays.
        """
        return SGDState(_zeros(model), 0)

    @np.errstate(under="ignore")
    def update(self, model: Tree, grads: Tree, state: SGDState) -> tuple[Tree, SGDState]:
        """Take a step.

        Parameters
        ----------
        model, grads : tree
            The parameters and their gradients, of one structure, with the same shapes and dtypes.
        state : SGDState
            From `init` or from the last update.

        Returns
        -------
        tuple
            The new parameters and state.

        Raises
        ------
        TypeError, ValueError
            If gradients or state do not fit the model; the message gives the path.
        """
        _check_update(model, grads, state, SGDState)
        rate = _rate_at(self.learning_rate, state.steps)
        velocity = mapped(lambda v, g: self.momentum * v + g, state.velocity, grads)
        return mapped(lambda w, v: w - rate * v, model, velocity), SGDState(velocity, state.steps + 1)


@dataclass(frozen=True, eq=False, repr=False)
class RMSPropState(Record):
    """What RMSProp remembers.

    Attributes
    ----------
    square, velocity : tree
        The running mean of the gradients' squares, and v, in the form of the model.
    steps : int
        Updates so far.
    """

    square: Any
    velocity: Any
    steps: int


@dataclass(frozen=True, eq=False, repr=False)
class RMSProp(Record):
    """RMSProp [1]_: each gradient is divided by the root of a running mean of its square, s ← ρ s + (1-ρ) dW².

    Then v ← β v + dW / (√s + ε) and W ← W - α v, as PyTorch defines it: ε is added to the root, and α is applied after
    the momentum.

    Parameters
    ----------
    learning_rate : float or callable
        α, above 0; or a schedule, a function of the number of updates so far (`rnncourse.schedules`).
    decay : float
        ρ, from 0 to below 1 (PyTorch calls it alpha).
    eps : float
        ε, at least 0. Where it is 0 and there has been no gradient yet, no step is taken.
    momentum : float
        β, from 0 to below 1.

    References
    ----------
    .. [1] T. Tieleman and G. Hinton, "Lecture 6.5 - rmsprop", COURSERA: Neural networks for machine learning, 2012.

    Examples
    --------
    >>> optimizer = RMSProp(learning_rate=0.1, decay=0.75)
    >>> W, dW = np.array([1.0, 1.0]), np.array([1e-3, -1e3])
    >>> W, state = optimizer.update(W, dW, optimizer.init(W))
    >>> W.round(4)
    array([0.8, 1.2])
    """

    learning_rate: Rate = 1e-2
    decay: float = 0.99
    eps: float = 1e-8
    momentum: float = 0.0

    def __post_init__(self) -> None:
        _set(self, learning_rate=_rate(self.learning_rate))
        _set(self, decay=validate.positive("decay", self.decay, zero=True, below=1))
        _set(self, eps=validate.positive("eps", self.eps, zero=True))
        _set(self, momentum=validate.positive("momentum", self.momentum, zero=True, below=1))

    def init(self, model: Any) -> RMSPropState:
        """Return the state before the first update: zeros.

        Parameters
        ----------
        model : tree
            What will be updated.

        Returns
        -------
        RMSPropState
            Zeros in the form of `model`, and no steps.

        Raises
        ------
        TypeError
            If the model is no tree of float32 and float64 arrays.
        """
        return RMSPropState(_zeros(model), _zeros(model), 0)

    @np.errstate(under="ignore")
    def update(self, model: Tree, grads: Tree, state: RMSPropState) -> tuple[Tree, RMSPropState]:
        """Take a step.

        Parameters
        ----------
        model, grads : tree
            The parameters and their gradients, of one structure, with the same shapes and dtypes.
        state : RMSPropState
            From `init` or from the last update.

        Returns
        -------
        tuple
            The new parameters and state.

        Raises
        ------
        TypeError, ValueError
            If gradients or state do not fit the model; the message gives the path.
        """
        _check_update(model, grads, state, RMSPropState)
        rate = _rate_at(self.learning_rate, state.steps)
        square = mapped(lambda s, g: self.decay * s + (1 - self.decay) * g * g, state.square, grads)
        scaled = mapped(lambda g, s: _over(g, np.sqrt(s) + self.eps), grads, square)
        velocity = mapped(lambda v, u: self.momentum * v + u, state.velocity, scaled)
        new = mapped(lambda w, v: w - rate * v, model, velocity)
        return new, RMSPropState(square, velocity, state.steps + 1)


@dataclass(frozen=True, eq=False, repr=False)
class AdamState(Record):
    """What Adam remembers.

    Attributes
    ----------
    mean, square : tree
        Running means of the gradients and of their squares, in the form of the model.
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
    learning_rate : float or callable
        α, above 0; or a schedule, a function of the number of updates so far (`rnncourse.schedules`).
    beta1, beta2 : float
        Decay of the running means of gradients and of their squares, from 0 to below 1.
    eps : float
        Added to the root of the mean square, at least 0. Where it is 0 and there has been no gradient yet, no step is
        taken.

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

    learning_rate: Rate = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def __post_init__(self) -> None:
        _set(self, learning_rate=_rate(self.learning_rate))
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

        Raises
        ------
        TypeError
            If the model is no tree of float32 and float64 arrays.
        """
        return AdamState(_zeros(model), _zeros(model), 0)

    @np.errstate(under="ignore")
    def update(self, model: Tree, grads: Tree, state: AdamState) -> tuple[Tree, AdamState]:
        """Take a step.

        Parameters
        ----------
        model, grads : tree
            The parameters and their gradients, of one structure, with the same shapes and dtypes.
        state : AdamState
            From `init` or from the last update.

        Returns
        -------
        tuple
            The new parameters and state.

        Raises
        ------
        TypeError, ValueError
            If gradients or state do not fit the model; the message gives the path.
        """
        _check_update(model, grads, state, AdamState)
        rate = _rate_at(self.learning_rate, state.steps)
        b1, b2, n = self.beta1, self.beta2, state.steps + 1

        # a whole expression at a time would take a new array for each operation, and twice as long
        def mean_of(m: Array, g: Array) -> Array:  # β₁ m + (1 - β₁) g
            mean = b1 * m
            mean += (1 - b1) * g
            return mean

        def square_of(s: Array, g: Array) -> Array:  # β₂ s + (1 - β₂) g²
            square = (1 - b2) * g
            square *= g
            square += b2 * s
            return square

        def step(w: Array, m: Array, s: Array) -> Array:  # w - α m̂ / (√ŝ + ε): the means started at zero
            root = np.sqrt(s / (1 - b2**n))
            root += self.eps
            change = _over(m / (1 - b1**n), root)
            change *= rate
            return w - change

        mean, square = mapped(mean_of, state.mean, grads), mapped(square_of, state.square, grads)
        return mapped(step, model, mean, square), AdamState(mean, square, n)


@dataclass(frozen=True, eq=False, repr=False)
class AdamW(Adam):
    """Adam with decoupled weight decay [1]_: beside Adam's step, W shrinks by α λ W.

    A penalty in the loss would be divided by the root of the mean square like every gradient, so that weights with
    large gradients would hardly shrink; here all shrink alike. Biases shrink, too, as in PyTorch.

    Parameters
    ----------
    learning_rate, beta1, beta2, eps
        As in `Adam`.
    weight_decay : float
        λ, at least 0.

    References
    ----------
    .. [1] I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2.

    Examples
    --------
    >>> optimizer = AdamW(learning_rate=0.1, weight_decay=0.5)
    >>> W = np.array([2.0])
    >>> W, state = optimizer.update(W, np.zeros(1), optimizer.init(W))
    >>> W
    array([1.9])
    """

    weight_decay: float = 1e-2

    def __post_init__(self) -> None:
        super().__post_init__()
        _set(self, weight_decay=validate.positive("weight_decay", self.weight_decay, zero=True))

    @np.errstate(under="ignore")
    def update(self, model: Tree, grads: Tree, state: AdamState) -> tuple[Tree, AdamState]:
        """Take a step: Adam's, and the decay.

        Parameters
        ----------
        model, grads, state
            As `Adam.update` takes them.

        Returns
        -------
        tuple
            The new parameters and state.

        Raises
        ------
        TypeError, ValueError
            If gradients or state do not fit the model; the message gives the path.
        """
        moved, after = super().update(model, grads, state)
        shrink = _rate_at(self.learning_rate, state.steps) * self.weight_decay
        return mapped(lambda new, w: new - shrink * w, moved, model), after


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

    Raises
    ------
    TypeError
        If an entry of the tree is a bare number, or an array of other than real numbers; the message gives the path.

    Examples
    --------
    >>> global_norm((np.array([3.0]), {"b": np.array([[4.0]])}))
    5.0
    """
    _check_arrays("grads", grads, kinds="fiub")
    leaves = [leaf for _, leaf in named_leaves(grads)]
    if any(np.isnan(leaf).any() for leaf in leaves):
        return float("nan")
    largest, relative = _norm(leaves)
    return largest * relative


@np.errstate(under="ignore")
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
    TypeError
        If the gradient is no tree of float32 and float64 arrays: integers would be rounded to 0.

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
    _check_arrays("grads", grads)
    _check_finite(grads)
    largest, relative = _norm(grads)
    norm = largest * relative
    if norm <= max_norm:
        return grads, norm

    @np.errstate(under="ignore")
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
    TypeError
        If the gradient is no tree of float32 and float64 arrays.

    Examples
    --------
    >>> clip_by_value(np.array([0.1, -7.0]), limit=1.0)
    array([ 0.1, -1. ])
    """
    limit = validate.positive("limit", limit)
    _check_arrays("grads", grads)
    _check_finite(grads, infinite=True)

    def cut(g: Array) -> Array:
        most = min(limit, float(np.finfo(g.dtype).max))  # a limit beyond the dtype's range still cuts infinities
        return np.clip(g, -most, most)

    return tree_map(cut, grads)


def _set(record: Record, **settings: Rate) -> None:
    """Keep settings as Python's numbers: a NumPy float64 would turn a float32 model into a float64 one."""
    for name, value in settings.items():
        object.__setattr__(record, name, value)


def _check_finite(grads: Any, *, infinite: bool = False) -> None:
    for path, leaf in named_leaves(grads, "grads"):
        bad = np.isnan(leaf) if infinite else ~np.isfinite(leaf)
        if bad.any():
            where = tuple(int(i) for i in np.argwhere(bad)[0])
            raise FloatingPointError(f"{path}: expected finite numbers, got {leaf[where]} at {where}")


def _rate(value: Any) -> Rate:
    """Accept a learning rate, or a schedule of it."""
    if callable(value) and not isinstance(value, type):
        schedule: Rate = value
        return schedule
    return validate.positive("learning_rate", value)


def _rate_at(rate: Rate, steps: int) -> float:
    """Return the learning rate after so many updates."""
    return validate.positive(f"learning_rate({steps})", rate(steps), zero=True) if callable(rate) else rate


def _over(a: Array, b: Array) -> Array:
    """Return a / b, and 0 where b is 0: without ε that is where there has been no gradient, so no step is due."""
    if b.all():  # without a mask, in a third of the time
        return np.asarray(a / b)
    return np.divide(a, b, out=np.zeros_like(a), where=b != 0)


def _zeros(model: Tree) -> Tree:
    _check_arrays("model", model)
    return tree_map(np.zeros_like, model)


def _check_update(model: Any, grads: Any, state: Any, kind: type[Record]) -> None:
    """Check that gradients and state fit the model, so that an update cannot change a shape or a dtype."""
    if type(state) is kind:
        *trees, steps = (getattr(state, field.name) for field in fields(kind))
        if type(steps) is int and steps >= 0 and _plainly_fit(model, grads, *trees):
            return
    # the careful way says what does not fit, and takes what fits less plainly, such as a matrix
    _check_arrays("model", model)
    check_match("grads", grads, model, "model")
    if not isinstance(state, kind):
        raise TypeError(
            f"state: expected {kind.__name__}, as this optimiser's init returns, got {validate.describe(state)}"
        )
    for field in fields(kind):
        value = getattr(state, field.name)
        if field.name == "steps":
            validate.size("state.steps", value, least=0)
        else:
            check_match(f"state.{field.name}", value, model, "model")


FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


@cache
def _parts_of(kind: Any) -> tuple[str, ...]:
    """Return the names of a record's parts, as trees count them."""
    return tuple(field.name for field in fields(kind) if field.init and field.compare)


def _plainly_fit(tree: Any, *others: Any) -> bool:
    """Say whether trees fit beyond doubt, in one pass without paths: a check at each step has to be cheap."""
    kind: Any = type(tree)
    for other in others:
        if type(other) is not kind:
            return False
    if kind is np.ndarray:
        dtype, shape = tree.dtype, tree.shape
        return dtype in FLOATS and all(other.dtype == dtype and other.shape == shape for other in others)
    if issubclass(kind, Record):
        return all(_part_fits(*[getattr(t, name) for t in (tree, *others)]) for name in _parts_of(kind))
    if kind is tuple or kind is list:
        return all(len(other) == len(tree) for other in others) and all(map(_plainly_fit, tree, *others))
    if kind is dict:
        same = all(other.keys() == tree.keys() for other in others)
        return same and all(_plainly_fit(*[t[key] for t in (tree, *others)]) for key in tree)
    return False


def _part_fits(part: Any, *others: Any) -> bool:
    """Say the same of a record's part, which may be a setting, such as the name of an activation."""
    if part is None or type(part) in (str, bool, int, float):
        return all(type(other) is type(part) and other == part for other in others)
    return _plainly_fit(part, *others)


def _check_arrays(name: str, tree: Any, kinds: str = "f") -> None:
    """Refuse what an optimiser would pass over in silence or get wrong: bare numbers, integers, masked arrays."""
    if isinstance(tree, Record):  # its fields that are no arrays are settings
        for path, leaf in named_leaves(tree, name):
            _check_array(path, leaf, kinds)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            if not isinstance(value, NoneType | str):
                _check_arrays(f"{name}.{key}", value, kinds)
    elif isinstance(tree, tuple | list):
        for k, value in enumerate(tree):
            if not isinstance(value, NoneType | str):
                _check_arrays(f"{name}[{k}]", value, kinds)
    else:
        _check_array(name, tree, kinds)


def _check_array(path: str, value: Any, kinds: str) -> None:
    array = validate.ndarray(path, value)
    if array.dtype.kind not in kinds or (array.dtype.kind == "f" and validate.precision(array) is None):
        wanted = "float32 or float64" if kinds == "f" else "float32, float64 or integers"
        raise TypeError(f"{path}: expected dtype {wanted}, got {array.dtype}")
