"""The training loop: gradients, clipping, update, and a record of how it went."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from . import _validation as validate
from .optimizers import Optimizer, clip_by_norm, global_norm
from .records import Array, Record

__all__ = ["Training", "train"]

Model = TypeVar("Model")


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
    """

    model: Model
    losses: Array
    norms: Array
    state: Any


def train(
    model: Model,
    loss_and_gradients: Callable[[Model, int], tuple[float, Model]],
    optimizer: Optimizer,
    steps: int,
    max_norm: float | None = None,
    state: Any = None,
    progress: bool = False,
    start: int = 0,
) -> Training[Model]:
    """Improve a model by gradient steps.

    Parameters
    ----------
    model : tree
        A layer, or a tuple or dict of layers.
    loss_and_gradients : callable
        ``f(model, k)`` returns the loss of step k = start, start + 1, … and its gradient, in the form of `model`.
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

    Returns
    -------
    Training
        The model, the losses and the gradient norms.

    Raises
    ------
    FloatingPointError
        If a loss, or a gradient that is to be clipped, is not finite; the message names the step.
    ImportError
        If `progress` is asked for and tqdm is missing.

    Examples
    --------
    >>> from rnncourse.optimizers import SGD
    >>> done = train(np.array([4.0]), lambda w, k: (float(w @ w) / 2, w), SGD(0.5), steps=3)
    >>> done.losses, done.model
    (array([8. , 2. , 0.5]), array([0.5]))
    """
    steps, start = validate.size("steps", steps, least=0), validate.size("start", start, least=0)
    state = optimizer.init(model) if state is None else state
    losses, norms = np.empty(steps), np.empty(steps)
    for i in _bar(range(steps), progress):
        k = start + i
        loss, grads = loss_and_gradients(model, k)
        if not np.isfinite(loss):
            raise FloatingPointError(f"loss: expected a finite number at step {k}, got {loss}")
        if max_norm is None:
            norms[i] = global_norm(grads)
        else:
            try:
                grads, norms[i] = clip_by_norm(grads, max_norm)
            except FloatingPointError as error:
                raise FloatingPointError(f"{error}, at step {k}") from error
        losses[i] = loss
        model, state = optimizer.update(model, grads, state)
    return Training(model, losses, norms, state)


def _bar(steps: Iterable[int], progress: bool) -> Iterable[int]:
    if not progress:
        return steps
    try:
        from tqdm import tqdm
    except ImportError as error:
        raise ImportError('progress needs tqdm: pip install "rnncourse[progress]"') from error
    return tqdm(steps, unit="step")
