"""The training loop: gradients, clipping, update, and a record of how it went."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from . import _validation as validate
from ._extras import needed
from .losses import Loss
from .optimizers import Optimizer, clip_by_norm, global_norm
from .records import Array, Gradients, Record, check_match

__all__ = ["Training", "train"]

Model = TypeVar("Model")
NOTHING: Any = object()  # no carry was given; None is one, such as the start state of a layer


@dataclass(frozen=True, eq=False, repr=False)
class Training(Record, Generic[Model]):
    """What `train` returns.

    Attributes
    ----------
    model : tree
        The parameters after the last step.
    losses : ndarray, shape (steps,)
        The loss before each update.
    norms : ndarray, shape (steps,)
        The gradient's norm at each step, before clipping.
    state : Any
        The optimiser's state, to go on from.
    carry : Any
        What the last step handed on; None if nothing is carried.
    stopped : str or None
        Why training ended before the last step, and at which; None if it did not.
    """

    model: Model
    losses: Array
    norms: Array
    state: Any
    carry: Any = None
    stopped: str | None = None


def train(
    model: Model,
    loss_and_gradients: Callable[..., Any],
    optimizer: Optimizer,
    steps: int,
    max_norm: float | None = None,
    state: Any = None,
    progress: bool = False,
    start: int = 0,
    carry: Any = NOTHING,
) -> Training[Model]:
    """Improve a model by gradient steps.

    What was done is not lost when training ends early. Ctrl-C ends it: what is returned then says so in `stopped`, and
    ends with the last whole step. Any other error, such as a loss that is not finite, is raised with the same record
    as its attribute `training`.

    Parameters
    ----------
    model : tree
        A layer, or a tuple or dict of layers.
    loss_and_gradients : callable
        ``f(model, k)`` returns the loss of step k = start, start + 1, … and its gradient, in the form of `model`.
        With a `carry`, ``f(model, k, carry)`` returns the loss, the gradient and the carry for the next step.
    optimizer : Optimizer
        Such as `rnncourse.optimizers.Adam`.
    steps : int
        Number of updates.
    max_norm : float, optional
        Clip the gradient to this norm.
    state : Any, optional
        The optimiser's state to go on from; a new one, if None.
    progress : bool
        Show a tqdm bar on standard error (``pip install "rnncourse[progress]"``).
    start : int
        The number of the first step: to go on after n steps, give n here and the optimiser's `state`.
    carry : Any, optional
        What the first step is handed, None included: mostly the state of a layer that reads a long sequence chunk by
        chunk. If left out, nothing is carried.

    Returns
    -------
    Training
        The model, the losses and the gradient norms.

    Raises
    ------
    FloatingPointError
        If a loss, or a gradient that is to be clipped, is not finite; the message names the step, and the attribute
        `training` holds what was done before it.
    TypeError, ValueError
        If an argument, or what the function returns, is of the wrong kind or shape.
    ImportError
        If `progress` is asked for and tqdm is missing.

    Examples
    --------
    >>> from rnncourse.optimizers import SGD
    >>> done = train(np.array([4.0]), lambda w, k: (float(w @ w) / 2, w), SGD(0.5), steps=3)
    >>> done.losses, done.model
    (array([8. , 2. , 0.5]), array([0.5]))

    A sum that is carried from step to step:

    >>> train(np.array([4.0]), lambda w, k, s: (0.0, w, s + w), SGD(0.5), steps=3, carry=0.0).carry
    array([7.])
    """
    steps, start = validate.size("steps", steps, least=0), validate.size("start", start, least=0)
    max_norm = None if max_norm is None else validate.positive("max_norm", max_norm)
    bar = _bar(range(start, start + steps), validate.flag("progress", progress))
    _check_callables(loss_and_gradients, optimizer)
    now = (model, optimizer.init(model) if state is None else state, carry)
    losses, norms = np.empty(steps), np.empty(steps)
    k = start

    def done(stopped: str | None = None) -> Training[Model]:
        n, kept = k - start, None if now[2] is NOTHING else now[2]
        return Training(now[0], losses[:n].copy(), norms[:n].copy(), now[1], kept, stopped)

    try:
        for number in bar:
            losses[k - start], grads, new_carry = _one_step(loss_and_gradients, now[0], number, now[2])
            grads, norms[k - start] = _clipped(grads, max_norm, number)
            now, k = (*optimizer.update(now[0], grads, now[1]), new_carry), number + 1
    except KeyboardInterrupt:
        return done(f"interrupted at step {k}")
    except Exception as error:
        error.training = done(f"{type(error).__name__} at step {k}")  # type: ignore[attr-defined]
        raise
    return done()


def _one_step(f: Callable[..., Any], model: Any, k: int, carry: Any) -> tuple[float, Any, Any]:
    """Call the function that gives the loss, and check what it returns."""
    result = f(model, k) if carry is NOTHING else f(model, k, carry)
    wanted = "(loss, gradients)" if carry is NOTHING else "(loss, gradients, carry)"
    name = "loss_and_gradients"
    if isinstance(result, Loss):
        raise TypeError(f"{name}: expected a tuple {wanted}, got a Loss: give its value, and gradients by backward")
    if not isinstance(result, tuple):
        raise TypeError(f"{name}: expected a tuple {wanted}, got {validate.describe(result)}")
    if len(result) != wanted.count(",") + 1:
        raise ValueError(f"{name}: expected a tuple {wanted}, got one of {len(result)} entries")
    loss, grads, *rest = result
    if _is_number(grads) and not _is_number(loss):
        raise TypeError(f"{name}: expected {wanted}, got the two in the other order")
    if isinstance(grads, Gradients) and not isinstance(model, Gradients):
        raise TypeError(f"{name}: expected gradients in the form of the model, got Gradients: return its `layer`")
    loss = _finite_number(loss, k)
    check_match("grads", grads, model, "model")
    return loss, grads, rest[0] if rest else carry


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _finite_number(loss: Any, k: int) -> float:
    if isinstance(loss, np.ndarray):
        if loss.shape != ():
            raise ValueError(f"loss: expected one number, got an array of shape {loss.shape}; add it up, or average")
        loss = loss[()]
    if not _is_number(loss) or isinstance(loss, np.complexfloating):
        raise TypeError(f"loss: expected a real number, got {validate.describe(loss)}")
    if not np.isfinite(loss):
        raise FloatingPointError(f"loss: expected a finite number at step {k}, got {loss}")
    return float(loss)


def _clipped(grads: Any, max_norm: float | None, k: int) -> tuple[Any, float]:
    """Return the gradient, clipped if there is a threshold, and its norm before that."""
    if max_norm is None:
        return grads, global_norm(grads)
    try:
        return clip_by_norm(grads, max_norm)
    except FloatingPointError as error:
        raise FloatingPointError(f"{error}, at step {k}") from error


def _check_callables(f: Any, optimizer: Any) -> None:
    if not callable(f):
        raise TypeError(f"loss_and_gradients: expected a function f(model, k), got {validate.describe(f)}")
    if isinstance(optimizer, type) or not all(callable(getattr(optimizer, name, None)) for name in ("init", "update")):
        raise TypeError(
            f"optimizer: expected one with init and update, such as Adam(1e-3), got {validate.describe(optimizer)}"
        )


def _bar(steps: Iterable[int], progress: bool) -> Iterable[int]:
    if not progress:
        return steps
    bar: Iterable[int] = needed("tqdm", "progress", "progress").tqdm(steps, unit="step")
    return bar
