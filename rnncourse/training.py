"""The training loop: gradients, clipping, update, validation, and a record of how it went, from which it can go on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import numpy as np

from . import _validation as validate
from ._extras import needed
from .losses import Loss
from .optimizers import Optimizer, clip_by_norm, global_norm
from .records import Array, Gradients, Record, check_match

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Training", "train"]

Model = TypeVar("Model")
NOTHING: Any = object()  # no carry was given; None is one, such as the start state of a layer


@dataclass(frozen=True, eq=False, repr=False)
class Training(Record, Generic[Model]):
    """What `train` returns: how it went, and all that is needed to go on from there.

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
    start : int
        The number of the first step.
    scores : ndarray, shape (n,)
        What the validations gave.
    scored : ndarray of int, shape (n,)
        The number of the step before which each of them was made.
    best : tree or None
        The model with the lowest score, the first of equal ones; None if nothing was validated.
    rng : numpy.random.Generator or None
        A copy of the generator as it was after the last step; it does not count when two records are compared.
    """

    model: Model
    losses: Array
    norms: Array
    state: Any
    carry: Any = None
    stopped: str | None = None
    start: int = 0
    scores: Array = field(default_factory=lambda: np.empty(0))
    scored: Array = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    best: Model | None = None
    rng: np.random.Generator | None = field(default=None, compare=False)

    @property
    def best_score(self) -> float | None:
        """The lowest score; None if nothing was validated."""
        return float(self.scores.min()) if len(self.scores) else None

    @property
    def best_step(self) -> int | None:
        """The number of the step before which `best` was validated; None if nothing was."""
        return int(self.scored[self.scores.argmin()]) if len(self.scores) else None

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the losses, their running mean, the scores, and where the best model was.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure, if None.

        Returns
        -------
        matplotlib.axes.Axes
            Where it was drawn.

        Raises
        ------
        ImportError
            If matplotlib is missing: ``pip install "rnncourse[plots]"``.
        """
        if ax is None:
            ax = needed("matplotlib.pyplot", "plots", "Training.plot").subplots()[1]
        steps = self.start + np.arange(len(self.losses))
        ax.plot(steps, self.losses, color="C0", linewidth=0.5, alpha=0.4, label="loss of a step")
        if (width := len(steps) // 20) > 1:
            mean = np.convolve(self.losses, np.full(width, 1 / width), mode="valid")
            ax.plot(steps[width - 1 :], mean, color="C0", label=f"mean of {width} steps")
        if self.best_step is not None and self.best_score is not None:
            ax.plot(self.scored, self.scores, "o-", color="C1", markersize=4, label="validation")
            ax.plot(self.best_step, self.best_score, "*", color="C1", markersize=12, label="best")
        ax.set(xlabel="step", ylabel="loss")
        ax.legend()
        return ax


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
    *,
    validation: Callable[[Model], Any] | None = None,
    every: int = 100,
    patience: int | None = None,
    rng: np.random.Generator | None = None,
    save: Callable[[Training[Model]], Any] | None = None,
    resume: Training[Model] | None = None,
) -> Training[Model]:
    """Improve a model by gradient steps.

    What was done is not lost when training ends early. Ctrl-C ends it: what is returned then says so in `stopped`, and
    ends with the last whole step. Any other error, such as a loss that is not finite, is raised with the same record
    as its attribute `training`. From such a record, or one that `save` was given, the same call with `resume` goes on,
    and what it returns equals what one call without a break would have, to the last bit: as long as the function
    depends on the model, on k, on the carry and on `rng` alone.

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
        Number of updates; those before a `resume` are counted.
    max_norm : float, optional
        Clip the gradient to this norm.
    state : Any, optional
        The optimiser's state to go on from; a new one, if None.
    progress : bool
        Show a tqdm bar on standard error, with the loss, the learning rate and the best score
        (``pip install "rnncourse[progress]"``).
    start : int
        The number of the first step: to go on after n steps, give n here and the optimiser's `state`.
    carry : Any, optional
        What the first step is handed, None included: mostly the state of a layer that reads a long sequence chunk by
        chunk. If left out, nothing is carried.
    validation : callable, optional
        ``validation(model)`` returns a score on held-out examples, lower where the model is better. It is called
        after a step if `every` divides the number of the next; the best model is kept.
    every : int
        Steps from one validation, and from one `save`, to the next.
    patience : int, optional
        Stop after so many validations without a score below the best before them.
    rng : numpy.random.Generator, optional
        What the function draws from, such as masks of dropout: checkpoints hold its state, and `resume` sets it.
    save : callable, optional
        ``save(training)`` is called every `every` steps with a record of all so far, such as
        ``lambda done: storage.save(path, done)``.
    resume : Training, optional
        Go on after it. Its model, optimiser's state and carry take the place of the arguments'; these say what fits.

    Returns
    -------
    Training
        The model, the losses, the gradient norms and the scores.

    Raises
    ------
    FloatingPointError
        If a loss, a score, or a gradient that is to be clipped, is not finite; the message names the step, and the
        attribute `training` holds what was done before it.
    TypeError, ValueError
        If an argument, or what a function returns, is of the wrong kind or shape.
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

    Stop when the distance from 1.2 has not become smaller twice:

    >>> call = {"optimizer": SGD(0.5), "validation": lambda w: abs(w[0] - 1.2), "every": 1, "patience": 2}
    >>> done = train(np.array([4.0]), lambda w, k: (float(w @ w) / 2, w), steps=9, **call)
    >>> done.best, done.best_step, done.stopped
    (array([1.]), 2, 'no better score in 2 validations at step 4')
    """
    steps, start = validate.size("steps", steps, least=0), validate.size("start", start, least=0)
    max_norm = None if max_norm is None else validate.positive("max_norm", max_norm)
    progress, every = validate.flag("progress", progress), validate.size("every", every)
    _check_callables(loss_and_gradients, optimizer)
    _check_further(validation, patience, rng, save)
    now = _Now(start, model, optimizer.init(model), carry, _bits(rng))
    losses, norms = np.empty(steps), np.empty(steps)
    if resume is not None:
        _check_resume(resume, now, steps, state, rng)
        now = _at(resume, carry, rng)
        losses[: now.step - start], norms[: now.step - start] = resume.losses, resume.norms
    elif state is not None:
        now = now._replace(state=state)

    def done(stopped: str | None = None) -> Training[Model]:
        n, kept = now.step - start, None if now.carry is NOTHING else now.carry
        scores, scored = np.array(now.scores, dtype=np.float64), np.array(now.scored, dtype=np.int64)
        copy = None if rng is None else _copy(rng, now.bits)
        past = losses[:n].copy(), norms[:n].copy()
        return Training(now.model, *past, now.state, kept, stopped, start, scores, scored, now.best, copy)

    try:
        with _bar(range(now.step, start + steps), start, progress) as bar:
            for k in () if _impatient(now, patience) else bar:
                new, losses[k - start], norms[k - start] = _stepped(now, loss_and_gradients, optimizer, max_norm)
                if new.step % every == 0 and validation is not None:
                    new = _validated(new, validation)
                now = new._replace(bits=_bits(rng))
                if progress:
                    _show(bar, losses[k - start], optimizer, now)
                if now.step % every == 0 and save is not None:
                    save(done())
                if _impatient(now, patience):
                    break
    except KeyboardInterrupt:
        return done(f"interrupted at step {now.step}")
    except Exception as error:
        error.training = done(f"{type(error).__name__} at step {now.step}")  # type: ignore[attr-defined]
        raise
    early = _impatient(now, patience) and now.step < start + steps
    return done(f"no better score in {patience} validations at step {now.step}" if early else None)


class _Now(NamedTuple):
    """Where training stands after its last whole step; one assignment moves it on, so no Ctrl-C finds it half moved."""

    step: int  # the number of the next
    model: Any
    state: Any
    carry: Any
    bits: Any  # the state of the generator
    scores: tuple[float, ...] = ()
    scored: tuple[int, ...] = ()
    best: Any = None


def _stepped(
    now: _Now, f: Callable[..., Any], optimizer: Optimizer, max_norm: float | None
) -> tuple[_Now, float, float]:
    """Take a step: where training stands after it, the loss and the gradient's norm."""
    loss, grads, carry = _one_step(f, now.model, now.step, now.carry)
    grads, norm = _clipped(grads, max_norm, now.step)
    model, state = optimizer.update(now.model, grads, now.state)
    return now._replace(step=now.step + 1, model=model, state=state, carry=carry), loss, norm


def _validated(now: _Now, validation: Callable[[Any], Any]) -> _Now:
    score = _finite_number("validation", validation(now.model), now.step)
    best = now.model if score < min(now.scores, default=np.inf) else now.best
    return now._replace(scores=(*now.scores, score), scored=(*now.scored, now.step), best=best)


def _impatient(now: _Now, patience: int | None) -> bool:
    """Say whether the last validations, as many as `patience`, all missed the best score before them."""
    if patience is None or not now.scores:
        return False
    return len(now.scores) - 1 - now.scores.index(min(now.scores)) >= patience


def _bits(rng: np.random.Generator | None) -> Any:
    return None if rng is None else rng.bit_generator.state


def _copy(rng: np.random.Generator, bits: Any) -> np.random.Generator:
    copy = deepcopy(rng)
    copy.bit_generator.state = bits
    return copy


def _at(resume: Training[Any], carry: Any, rng: np.random.Generator | None) -> _Now:
    """Return where a record ends, and bring the generator there."""
    if rng is not None and resume.rng is not None:
        rng.bit_generator.state = resume.rng.bit_generator.state
    step, kept = resume.start + len(resume.losses), carry if carry is NOTHING else resume.carry
    scores, scored = tuple(resume.scores.tolist()), tuple(resume.scored.tolist())
    return _Now(step, resume.model, resume.state, kept, _bits(rng), scores, scored, resume.best)


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
    loss = _finite_number("loss", loss, k)
    check_match("grads", grads, model, "model")
    return loss, grads, rest[0] if rest else carry


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _finite_number(name: str, value: Any, k: int) -> float:
    if isinstance(value, np.ndarray):
        if value.shape != ():
            raise ValueError(f"{name}: expected one number, got an array of shape {value.shape}; add it up, or average")
        value = value[()]
    if not _is_number(value) or isinstance(value, np.complexfloating):
        raise TypeError(f"{name}: expected a real number, got {validate.describe(value)}")
    if not np.isfinite(value):
        raise FloatingPointError(f"{name}: expected a finite number at step {k}, got {value}")
    return float(value)


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


def _check_further(validation: Any, patience: Any, rng: Any, save: Any) -> None:
    """Check the arguments that may be None."""
    for name, f, given in (("validation", validation, "model"), ("save", save, "training")):
        if f is not None and (not callable(f) or isinstance(f, type)):
            raise TypeError(f"{name}: expected a function f({given}), got {validate.describe(f)}")
    if patience is not None:
        validate.size("patience", patience)
        if validation is None:
            raise ValueError(f"patience: expected None without a validation, got {patience}")
    if rng is not None:
        validate.generator("rng", rng)


def _check_resume(resume: Any, now: _Now, steps: int, state: Any, rng: np.random.Generator | None) -> None:
    """Check that a record is of a run that the call might have begun."""
    if not isinstance(resume, Training):
        raise TypeError(f"resume: expected a Training, got {validate.describe(resume)}")
    if state is not None:
        raise ValueError("state: expected None beside resume, which has one, got a state")
    if resume.start != now.step:
        raise ValueError(f"resume.start: expected {now.step}, as start is, got {resume.start}")
    if len(resume.losses) > steps:
        raise ValueError(f"resume: expected at most {steps} steps, as steps says, got one of {len(resume.losses)}")
    check_match("resume.model", resume.model, now.model, "model")
    if now.carry is NOTHING and resume.carry is not None:
        raise ValueError("carry: expected one, as resume has one, got none")
    kinds = [None if g is None else type(g.bit_generator).__name__ for g in (resume.rng, rng)]
    if kinds[0] != kinds[1]:
        raise ValueError(f"rng: expected {kinds[0] or 'None'}, as resume.rng is, got {kinds[1] or 'None'}")


def _bar(steps: range, start: int, progress: bool) -> AbstractContextManager[Any]:
    if not progress:
        return nullcontext(steps)
    tqdm = needed("tqdm", "progress", "progress").tqdm
    bar: AbstractContextManager[Any] = tqdm(steps, initial=steps.start - start, total=steps.stop - start, unit="step")
    return bar


def _show(bar: Any, loss: float, optimizer: Any, now: _Now) -> None:
    """Write the loss, the learning rate of the next step and the best score behind the bar."""
    rate, updates = getattr(optimizer, "learning_rate", None), getattr(now.state, "steps", None)
    if callable(rate):
        rate = None if updates is None else rate(updates)
    shown = {"loss": loss, "rate": rate}
    if now.scores:
        shown["best"] = min(now.scores)
    bar.set_postfix({name: f"{value:.3g}" for name, value in shown.items() if value is not None}, refresh=False)
