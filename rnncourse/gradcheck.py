"""Comparing numbers: gradients against two independent measurements, and a learner's arrays against a reference.

A layer's forward pass with fixed upstream gradients is one number, L = Σ da ⊙ a + Σ dfinal ⊙ final. Its derivative
with respect to any entry can be measured from outside: by central differences, which lose digits to subtraction, or by
the complex step, which does not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import _validation as validate
from .battery import CHECKS, World, draw, expect
from .records import Array, Gradients, named_leaves, tree_map

__all__ = ["check", "check_layer", "gradient_errors", "measured_gradients", "numerical_gradient"]

METHODS = ("complex", "central")
STEP = {"complex": 1e-30, "central": 6e-6}  # eps^(1/3) balances truncation and rounding; the complex step has neither


@np.errstate(under="ignore")  # the complex step is so small that its products may vanish
def numerical_gradient(
    f: Callable[[Array], Any], x: Array, method: str = "complex", step: float | None = None
) -> Array:
    """Measure the gradient of a scalar function, one entry at a time, by the complex step [1]_ or by differences.

    Parameters
    ----------
    f : callable
        Takes an array like `x`, returns a number; with "complex" it has to accept complex arrays.
    x : ndarray of float64
        Where.
    method : {"complex", "central"}
        Im f(x + ih) / h, or (f(x + h) - f(x - h)) / 2h.
    step : float, optional
        h: 1e-30 for "complex", 6e-6 · max(1, abs(x_i)) for "central", if None.

    Returns
    -------
    ndarray
        df/dx, in the shape of `x`.

    Raises
    ------
    TypeError
        If `x` is no float64 array, or f returns no number.
    ValueError
        If the method is unknown; if f cannot be differentiated by the complex step: abs, a norm, a conjugate, a
        comparison or a real array inside drop the imaginary part without a word. One central difference in a random
        direction tells; the message gives both numbers. So does the message where derivatives are so small, below
        1e-262 or so, that their product with the step underflows.

    References
    ----------
    .. [1] W. Squire and G. Trapp, "Using complex variables to estimate derivatives of real functions", SIAM Review
       40(1), 1998.

    Examples
    --------
    >>> numerical_gradient(lambda v: (v**3).sum(), np.array([1.0, 2.0]))
    array([ 3., 12.])
    """
    validate.choice("method", method, METHODS)
    x = _measurable("x", x)
    h = STEP[method] if step is None else validate.positive("step", step)
    at = x.astype(np.complex128 if method == "complex" else np.float64)
    gradient = np.empty(x.shape)
    for i in np.ndindex(x.shape):
        if method == "complex":
            at[i] = x[i] + 1j * h
            gradient[i] = np.imag(_value(f, at)) / h
        else:
            h_i = h * max(1.0, float(abs(x[i]))) if step is None else h
            above, below = x[i] + h_i, x[i] - h_i  # the step that is really taken, after rounding
            at[i] = above
            value = _value(f, at)
            at[i] = below
            gradient[i] = (value - _value(f, at)) / (above - below)
        at[i] = x[i]
    if method == "complex" and x.size:
        _check_along_a_line(f, x, gradient)
    return gradient


def _measurable(name: str, value: object) -> Array:
    """Accept a float64 array: with less, a difference has no digits left."""
    array = validate.ndarray(name, value)
    if array.dtype.newbyteorder("=") != np.float64:
        raise TypeError(f"{name}: expected dtype float64, in which gradients are measured, got {array.dtype}")
    return array


def _value(f: Callable[[Array], Any], at: Array) -> Any:
    """Call f and accept a number."""
    value = f(at)
    array = np.asarray(value)
    if array.dtype.kind not in "biufc":
        raise TypeError(f"f: expected a function that returns a number, got {validate.describe(value)}")
    if array.ndim:
        raise ValueError(f"f: expected a function that returns a number, got an array of shape {array.shape}")
    return array[()]


def _check_along_a_line(f: Callable[[Array], Any], x: Array, gradient: Array) -> None:
    """Compare the two ways of measuring in one random direction, always the same one."""
    direction = np.random.default_rng(0).standard_normal(x.shape)
    h = STEP["central"] * max(1.0, float(np.abs(x).max()))
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        # complex numbers here too: f's other arrays may be complex already
        above, below = (float(np.real(_value(f, x + sign * h * direction + 0j))) for sign in (1, -1))
        expected = (above - below) / (2 * h)
        found = float(np.imag(_value(f, x + 1j * STEP["complex"] * direction)) / STEP["complex"])
        scale = max(abs(expected), float(np.abs(gradient * direction).sum()))
        rounding = 1e3 * np.finfo(float).eps * max(abs(above), abs(below)) / h
        fits = abs(found - expected) <= 1e-5 * scale + rounding
    if fits or not (np.isfinite(found) or np.isfinite(expected)):
        return
    float64 = np.finfo(np.float64)
    if max(abs(found), abs(expected)) * STEP["complex"] < float64.tiny / float64.eps:
        raise ValueError(
            f"f: expected derivatives that times the complex step, {STEP['complex']:g}, do not underflow, but in a "
            f"random direction its derivative is {found:.6g} by the complex step and {expected:.6g} by differences; "
            f'scale f (or the upstream gradient) up, or take method="central"'
        )
    raise ValueError(
        f"f: expected a function that complex numbers can go through, but in a random direction its derivative is "
        f"{found:.6g} by the complex step and {expected:.6g} by differences; abs, norms, conjugates, comparisons "
        f'and real arrays inside f drop the imaginary part (or x stands on a kink): method="central" does without'
    )


@np.errstate(under="ignore")
def measured_gradients(
    layer: Any,
    x: Array,
    state: Any = None,
    da: Array | None = None,
    dfinal: Any = None,
    lengths: Any = None,
    method: str = "complex",
) -> Gradients:
    """Measure what ``layer.backward`` should return, with the forward pass alone.

    Parameters
    ----------
    layer : layer
        Any layer with float64 parameters.
    x : ndarray, shape (T, B, n_x)
        Inputs.
    state : ndarray or tuple, optional
        Start state; zeros, if None.
    da : ndarray, shape (T, B, n_a), optional
        Upstream gradient of every output; zeros, if None.
    dfinal : ndarray or tuple, optional
        Upstream gradient of the final state; none, if None.
    lengths : sequence of int, optional
        Number of steps of each example (right padding).
    method : {"complex", "central"}
        See `numerical_gradient`.

    Returns
    -------
    Gradients
        As ``layer.backward`` returns them; ``x`` is None where the inputs are integers.

    Raises
    ------
    TypeError, ValueError
        If `layer` is no layer or not in float64, if an argument does not fit it, or if neither `da` nor `dfinal` is
        given: all gradients would be zero.

    Examples
    --------
    >>> from rnncourse import RNN
    >>> layer, x = RNN.init(2, 3, np.random.default_rng(0)), np.ones((5, 4, 2))
    >>> da = np.ones((5, 4, 3))
    >>> measured = measured_gradients(layer, x, da=da)
    >>> check("dW", layer.backward(layer.forward(x), da).layer.W, measured.layer.W)
    dW: agrees (within 1e-09)
    """
    run = _checked_run(layer, x, state, lengths)
    if da is None and dfinal is None:
        raise ValueError("da, dfinal: expected at least one upstream gradient, got None and None")
    state = layer.zero_state(x.shape[1]) if state is None else state
    da, dfinal = _upstream("da", da, run.a), _upstream("dfinal", dfinal, run.final)
    return _measured(layer, x, state, da, dfinal, lengths, method)


def _checked_run(layer: Any, x: Array, state: Any, lengths: Any) -> Any:
    validate.layers(layer=layer)
    if layer.precision != "float64" or layer.dtype.kind != "f":
        raise TypeError(
            f"layer: expected float64 parameters, in which gradients are measured, got {layer.dtype}; "
            f"tree_map(lambda p: p.astype(np.float64), layer) converts them"
        )
    return layer.forward(x, state, lengths)


def _upstream(name: str, given: Any, like: Any) -> Any:
    """Check an upstream gradient, array by array, and put zeros for None."""
    if isinstance(like, tuple):
        parts = validate.entries(name, given, len(like))
        return tuple(_upstream(f"{name}[{k}]", *pair) for k, pair in enumerate(zip(parts, like, strict=True)))
    if given is None:
        return np.zeros_like(like)
    array = _measurable(name, given)
    if array.shape != like.shape:
        raise ValueError(f"{name}: expected shape {like.shape}, got {array.shape}")
    return array


def _measured(layer: Any, x: Array, state: Any, da: Array, dfinal: Any, lengths: Any, method: str) -> Gradients:
    weights = dict(named_leaves(dfinal))

    def objective(inputs: Any, start: Any, parameters: Any) -> Any:
        run = parameters.forward(inputs, start, lengths)
        finals = dict(named_leaves(run.final))
        return (run.a * da).sum() + sum((finals[path] * weights[path]).sum() for path in finals)

    def with_respect_to(tree: Any, of: Callable[[Any], Any]) -> Any:
        """Measure the gradient with respect to every array of `tree`, one array at a time."""
        arrays = [array for _, array in named_leaves(tree)]

        def vary(k: int) -> Array:
            return numerical_gradient(lambda value: of(_with_leaf(tree, k, value)), arrays[k], method)

        gradients = iter([vary(k) for k in range(len(arrays))])
        return tree_map(lambda _: next(gradients), tree)

    floats = x.dtype.kind == "f"  # symbols have no derivative
    return Gradients(
        with_respect_to(x, lambda v: objective(v, state, layer)) if floats else None,
        with_respect_to(state, lambda v: objective(x, v, layer)),
        with_respect_to(layer, lambda v: objective(x, state, v)),
    )


@np.errstate(under="ignore")
def gradient_errors(
    layer: Any,
    x: Array,
    state: Any = None,
    da: Array | None = None,
    dfinal: Any = None,
    lengths: Any = None,
    method: str = "complex",
) -> dict[str, float]:
    """Compare ``layer.backward`` with measured gradients.

    Parameters
    ----------
    layer, x, state, da, dfinal, lengths, method
        As in `measured_gradients`; if neither `da` nor `dfinal` is given, both are drawn, the same ones every time.

    Returns
    -------
    dict
        For each of x, state and the parameters, by path, the largest abs(difference) over max(1, largest
        abs(measured)); infinite where either gradient is NaN or infinite, so that the largest of the errors shows it.

    Raises
    ------
    TypeError, ValueError
        As `measured_gradients`, or if a gradient is not of the shape of what it belongs to.

    Examples
    --------
    >>> from rnncourse import RNN
    >>> rng = np.random.default_rng(0)
    >>> layer = RNN.init(n_x=2, n_a=3, rng=rng)
    >>> errors = gradient_errors(layer, rng.normal(size=(4, 1, 2)), da=rng.normal(size=(4, 1, 3)))
    >>> sorted(errors)
    ['layer.W', 'layer.b', 'state', 'x']
    >>> max(errors.values()) < 1e-12
    True
    """
    run = _checked_run(layer, x, state, lengths)
    if da is None and dfinal is None:
        rng = np.random.default_rng(0)
        da, dfinal = tree_map(lambda v: rng.standard_normal(v.shape), (run.a, run.final))
    da, dfinal = _upstream("da", da, run.a), _upstream("dfinal", dfinal, run.final)
    mine = dict(named_leaves(layer.backward(run, da, dfinal)))
    measured = measured_gradients(layer, x, state, da, dfinal, lengths, method)
    return {path: _error(f"gradient {path}", mine.get(path), array) for path, array in named_leaves(measured)}


def _error(name: str, mine: Array | None, measured: Array) -> float:
    if mine is None or mine.shape != measured.shape:
        raise ValueError(f"{name}: expected shape {measured.shape}, got {None if mine is None else mine.shape}")
    with np.errstate(invalid="ignore"):
        difference = np.abs(mine - measured).max(initial=0) / max(1.0, np.abs(measured).max(initial=0))
    return float(difference) if np.isfinite(difference) else float("inf")


@np.errstate(under="ignore")
def check_layer(layer: Any, rng: np.random.Generator | None = None, noise: float = 0.5) -> None:
    """Hold a layer to what every layer of the package keeps, and print what was found.

    Shapes and dtypes; single steps and the looped cell against the whole sequence; the gradients, measured by the
    complex step; every named quantity of a cell; lengths, whatever stands in the padding; no steps and no examples;
    immutability; what may be left out; bad arguments, refused by name.

    Parameters
    ----------
    layer : layer
        A small one, with all sizes different: each parameter is measured.
    rng : numpy.random.Generator, optional
        Draws inputs, states and upstream gradients; a fixed one, if None.
    noise : float
        Normal numbers of this size are added to the parameters: where biases are zero, a slip may not show.

    Raises
    ------
    AssertionError
        If something does not hold: every check that failed, with what and where.
    TypeError, ValueError
        If `layer` is no layer, or `noise` no number of at least 0.

    Examples
    --------
    >>> from rnncourse import RNN
    >>> check_layer(RNN.init(n_x=3, n_a=2, rng=np.random.default_rng(0)))
    RNN: shapes and dtypes: holds
    RNN: steps, one at a time: holds
    RNN: the cell, looped: holds
    RNN: named quantities: holds
    RNN: lengths and padding: holds
    RNN: no steps, no examples: holds
    RNN: nothing can be changed: holds
    RNN: what may be left out: holds
    RNN: bad arguments: holds
    RNN: gradients: holds
    """
    validate.layers(layer=layer)
    rng = np.random.default_rng(0) if rng is None else validate.generator("rng", rng)
    noise = validate.positive("noise", noise, zero=True)
    layer = tree_map(lambda p: p.astype(np.float64) + noise * rng.standard_normal(p.shape), layer)
    kind, failures = type(layer).__name__, []
    for what, holds in (*CHECKS.items(), ("gradients", _gradients)):
        try:
            verdict = holds(draw(layer, T=5, B=3, rng=rng)) or "holds"
        except Exception as error:  # of the layer's own, too
            verdict = f"FAILS: {'' if isinstance(error, AssertionError) else type(error).__name__ + ': '}{error}"
            failures.append(f"{kind}: {what}: {verdict}")
        print(f"{kind}: {what}: {verdict}")
    if failures:
        raise AssertionError("\n".join(failures))


def _gradients(w: World) -> None:
    for lengths in (None, [5, 0, 2]):
        errors = gradient_errors(w.layer, w.x, w.state, w.da, w.dfinal, lengths)
        worst = max(errors, key=lambda path: errors[path])
        expect(errors[worst] < 1e-10, f"{worst} (lengths {lengths}): off by {errors[worst]:.1e} of the largest entry")


@np.errstate(under="ignore")
def check(name: str, mine: Any, reference: Any, tol: float | None = None) -> None:
    """Print whether two arrays agree, or where and by how much they do not.

    What is printed does not depend on the machine: an agreement names only the tolerance, which is relative to the
    largest entry of the reference (or to 1, if that is larger).

    Parameters
    ----------
    name : str
        What is compared.
    mine, reference : array_like
        The numbers.
    tol : float, optional
        The tolerance. If None, 1e-9; where either array is float32, 1e-4, and then relative to the largest entry of the
        reference even if that is below 1 (but never less than 1e-6 in all: float32 has seven digits).

    Raises
    ------
    TypeError, ValueError
        If there are no numbers, or the tolerance is negative.

    Examples
    --------
    >>> check("dW_aa", np.array([1.0, 2.0]), np.array([1.0, 2.0 + 1e-13]))
    dW_aa: agrees (within 1e-09)
    >>> check("dW_aa", np.array([1.0, 2.0]), np.array([1.0, 2.5]))
    dW_aa: differs at 1 of 2 entries, most at (1,):
      yours is 2, the reference 2.5 (difference -0.5)
    >>> check("dW_aa", np.array([1.0]), np.array([1.0 + 6e-8]))
    dW_aa: differs at 1 of 1 entries, most at (0,):
      yours is 1, the reference 1.0000001 (difference -6e-08, within 1e-09 were allowed)
    >>> check("dW_aa", np.ones((2, 3)), np.ones((3, 2)))
    dW_aa: differs in shape: yours is (2, 3), the reference (3, 2):
      a transpose is missing, or one too many
    """
    own = None if tol is None else validate.positive("tol", tol, zero=True)
    mine, reference = _numbers("mine", mine), _numbers("reference", reference)
    tol, limit = _limit(mine, reference, own)
    if mine.shape != reference.shape:
        hint = ":\n  a transpose is missing, or one too many" if mine.shape == reference.shape[::-1] else ""
        print(f"{name}: differs in shape: yours is {mine.shape}, the reference {reference.shape}{hint}")
        return
    if not mine.size:
        print(f"{name}: nothing to compare, both are empty")
        return
    close = _close(mine, reference, limit)
    if close.all():
        print(f"{name}: agrees (within {tol:g})")
        return
    with np.errstate(invalid="ignore", over="ignore"):
        difference = np.where(close, 0, np.abs(np.nan_to_num(mine - reference, nan=np.inf)))
        worst = tuple(int(i) for i in np.unravel_index(np.argmax(difference), mine.shape))
        gap = mine[worst] - reference[worst]
    yours, theirs, allowed = _apart(mine[worst], reference[worst], tol)
    print(
        f"{name}: differs at {int((~close).sum())} of {close.size} entries, most at {worst}:\n  yours is "
        f"{yours}, the reference {theirs} (difference {gap:.2g}{allowed})"
    )


def _limit(mine: Array, reference: Array, tol: float | None) -> tuple[float, float]:
    """Return the tolerance, and the largest difference that it allows here."""
    finite = np.abs(reference[np.isfinite(reference)])
    largest = float(finite.max(initial=0))
    if tol is None and "float32" in map(validate.precision, (mine, reference)):
        return 1e-4, max(1e-4 * largest, 1e-6)
    tol = 1e-9 if tol is None else tol
    return tol, tol * max(1.0, largest)


def _apart(mine: Any, reference: Any, tol: float) -> tuple[str, str, str]:
    """Write two numbers with as many digits as it takes to tell them apart; if many, say what was allowed."""
    for digits in range(3, 18):
        yours, theirs = f"{mine:.{digits}g}", f"{reference:.{digits}g}"
        if yours != theirs:
            break
    return yours, theirs, "" if digits == 3 else f", within {tol:g} were allowed"


def _numbers(name: str, value: Any) -> Array:
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name}: expected an array, got a ragged sequence") from error
    if array.dtype.kind not in "biufc":
        raise TypeError(f"{name}: expected numbers, got {validate.describe(array)}")
    return array.astype(np.float64) if array.dtype.kind in "biu" else array  # differences of these wrap around


def _close(mine: Array, reference: Array, limit: float) -> Array:
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(mine - reference) <= limit
    return near | (mine == reference) | (np.isnan(mine) & np.isnan(reference))


def _with_leaf(tree: Any, k: int, value: Array) -> Any:
    """Return the tree with its k-th array replaced (and the others made complex, if it is)."""
    count = iter(range(len(list(named_leaves(tree)))))
    return tree_map(lambda leaf: value if next(count) == k else leaf.astype(value.dtype), tree)
