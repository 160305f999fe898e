"""What recurrent layers share: named blocks of the weights, and the loop of a cell over time.

A layer keeps all its weights in one matrix W with a block of rows for each gate, and with columns [a | x] as in
W_a [a, x]. The loop hands the state from step to step; past an example's end it lets the state stand still.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from functools import cached_property, wraps
from inspect import signature
from typing import Any, ClassVar, Self, TypeVar

import numpy as np

from .. import _validation as validate
from ..initializers import Initializer, draw, glorot_uniform, orthogonal
from ..records import Array, Gradients, Record, private_copy, tree_map
from ..workspace import NEW, Buffers, Workspace
from .sequence import BorrowedRun, Run, keep, valid_steps

__all__ = ["RecurrentLayer", "backward_cell", "forward_cell", "unchanged"]

Edit = Callable[[str, Array], Array]
Cell = TypeVar("Cell", bound=Callable[..., Any])


def unchanged(name: str, value: Array) -> Array:
    """Leave a quantity of a cell as it is: the `edit` of an ordinary step."""
    return value


@dataclass(frozen=True, eq=False, repr=False)
class RecurrentLayer(Record, ABC):
    """Base of the recurrent layers: one weight matrix, seen block by block through named views.

    With blocks ``("f", "u")`` and the state letter ``"a"`` a layer has ``W_f`` (n_a, n_a + n_x), ``W_fa`` (n_a, n_a),
    ``W_fx`` (n_a, n_x) and ``b_f`` (n_a,), and so on for u: read-only views, no copies.

    A subclass names its blocks, its state, its quantities and its further parameters, and gives its cell: two functions
    marked with `forward_cell` and `backward_cell`, or methods `cell_forward` and `cell_backward`.
    """

    W: Array
    b: Array
    state_letters: ClassVar[tuple[str, ...]] = ("a",)  # the first is the output
    tape_slots: ClassVar[dict[str, int]] = {}  # where the fast path keeps quantities
    further: ClassVar[dict[str, tuple[str, ...]]] = {}  # the shapes of parameters beside W and b, such as ("n_a",)
    cells: ClassVar[dict[tuple[str, str], Callable[..., Any]]] = {}  # by way and form; see forward_cell

    def __post_init__(self) -> None:
        self._check_parameters()

    @classmethod
    @abstractmethod
    def block_names(cls, **options: Any) -> tuple[str, ...]:
        """Return the blocks of rows of W, from the top, for a layer with these options."""

    def cell_forward(self, x_t: Array, state: Any, edit: Edit | None = None) -> tuple[Any, Any]:
        """Take one step: the new state and a cache. Arguments are not checked here."""
        return self.cells["forward", self.form](self, x_t, state, edit)

    def cell_backward(self, cache: Any, dstate: Any) -> tuple[Array, Any, Any]:
        """Take one step back: the gradients with respect to x_t and the previous state, and a record of all others."""
        return self.cells["backward", self.form](self, cache, dstate)

    @property
    def form(self) -> str:
        """Which of the layer's cells runs; most have one."""
        return "plain"

    @property
    def blocks(self) -> tuple[str, ...]:
        """The blocks of rows of W, from the top."""
        return self.block_names()

    @property
    @abstractmethod
    def quantities(self) -> tuple[str, ...]:
        """The names that the cell's equations give to what they compute."""

    def _check_parameters(self) -> None:
        """Check W, b and the further parameters, and replace them by private read-only copies of one dtype."""
        needed = {x.name for x in fields(self) if x.default is MISSING and x.init}
        given = {"W": self.W, "b": self.b} | {name: getattr(self, name) for name in self.further}
        given = {name: v for name, v in given.items() if v is not None or name in needed}
        validate.parameters(**given)
        G = len(self.blocks)
        if self.W.ndim != 2 or not self.W.shape[0] or self.W.shape[0] % G or self.W.shape[1] <= self.W.shape[0] // G:
            rows = "n_a" if G == 1 else f"{G}·n_a"
            raise ValueError(f"W: expected shape ({rows}, n_a + n_x) with n_a, n_x ≥ 1, got {self.W.shape}")
        symbols = {"b": ("G·n_a",), **self.further}
        dtype = np.result_type(*given.values())  # complex, if one of them is
        for name, array in given.items():
            if name != "W":
                sizes = [self.n_a * (G if axis == "G·n_a" else 1) for axis in symbols[name]]
                axes = ", ".join(symbols[name]).replace("G·", "" if G == 1 else f"{G}·")
                validate.shape(name, array, f"({axes},)" if len(sizes) == 1 else f"({axes})", sizes)
            object.__setattr__(self, name, private_copy(array.astype(dtype, copy=False)))

    @property
    def n_a(self) -> int:
        """Number of hidden units."""
        return self.W.shape[0] // len(self.blocks)

    @property
    def n_x(self) -> int:
        """Number of inputs a step."""
        return self.W.shape[1] - self.n_a

    @property
    def n_out(self) -> int:
        """Number of outputs a step: n_a."""
        return self.n_a

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the parameters."""
        return self.W.dtype

    @property
    def precision(self) -> str:
        """'float32' or 'float64': what inputs and states have to have."""
        return validate.PRECISION[self.W.dtype.name]

    def __getattr__(self, name: str) -> Array:
        # only called for names that are not found otherwise: the views W_f, W_fa, W_fx, b_f
        kind, _, rest = name.partition("_")
        if kind in ("W", "b") and rest and rest[0] in self.blocks:
            n_a, k = self.n_a, self.blocks.index(rest[0])
            rows = slice(k * n_a, (k + 1) * n_a)
            columns = {"": slice(None), self.state_letters[0]: slice(n_a), "x": slice(n_a, None)}
            if kind == "b" and len(rest) == 1:
                return self.b[rows]
            if kind == "W" and rest[1:] in columns:
                return self.W[rows, columns[rest[1:]]]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        names = ("W_{}", "W_{}" + self.state_letters[0], "W_{}x", "b_{}")
        return [*super().__dir__(), *(name.format(g) for g in self.blocks for name in names)]

    @classmethod
    def from_gates(cls, **named: Any) -> Self:
        """Build a layer from its blocks by their names in the book.

        Parameters
        ----------
        **named
            ``W_f`` and ``b_f`` (and so on for every block), or ``W_fa`` and ``W_fx`` in place of ``W_f``; what else the
            layer's constructor takes is handed on.

        Returns
        -------
        layer
            The layer with the blocks stacked in its own order.

        Raises
        ------
        TypeError
            If a block is missing.
        ValueError
            If the blocks' shapes do not fit together.
        """
        blocks = cls.block_names(**named)
        W, b = stack_blocks(blocks, cls.state_letters[0], named)
        takes = [x.name for x in fields(cls) if x.init and x.name not in ("W", "b")]
        unknown = [name for name in named if name not in takes]
        if unknown:
            known = ", ".join([*(f"W_{g}, b_{g}" for g in blocks), *takes])
            raise TypeError(f"{unknown[0]}: expected one of the names {known}, got another one")
        return cls(W, b, **named)

    @classmethod
    def init(
        cls,
        n_x: int,
        n_a: int,
        rng: np.random.Generator,
        dtype: Any = np.float64,
        *,
        input_init: Initializer = glorot_uniform,
        recurrent_init: Initializer = orthogonal,
    ) -> Self:
        """Draw a layer: what multiplies x by `input_init`, all else by `recurrent_init`, biases zero.

        Parameters
        ----------
        n_x, n_a : int
            Numbers of inputs and hidden units, at least 1.
        rng : numpy.random.Generator
            Source of randomness.
        dtype : dtype
            float32 or float64.
        input_init, recurrent_init : callable
            See `rnncourse.initializers`.

        Returns
        -------
        layer
            A layer of this kind, without its optional parameters.
        """
        W, b = cls._draw(len(cls.block_names()), n_x, n_a, rng, dtype, input_init, recurrent_init)
        more = {}
        for name in (x.name for x in fields(cls) if x.name in cls.further and x.default is MISSING):
            if len(cls.further[name]) == 2:
                more[name] = draw("recurrent_init", recurrent_init, rng, (n_a, n_a), b.dtype)
            else:
                more[name] = np.zeros(len(b) if cls.further[name] == ("G·n_a",) else n_a, b.dtype)
        return cls(W, b, **more)

    @staticmethod
    def _draw(
        blocks: int,
        n_x: int,
        n_a: int,
        rng: np.random.Generator,
        dtype: Any,
        input_init: Initializer,
        recurrent_init: Initializer,
    ) -> tuple[Array, Array]:
        """Draw W block by block, the recurrent part first, and zero biases."""
        n_x, n_a = validate.size("n_x", n_x), validate.size("n_a", n_a)
        dtype, rng = validate.float_dtype(dtype), validate.generator("rng", rng)
        by_a, by_x = (rng, (n_a, n_a), dtype), (rng, (n_a, n_x), dtype)
        parts = [
            (draw("recurrent_init", recurrent_init, *by_a), draw("input_init", input_init, *by_x))
            for _ in range(blocks)
        ]
        return np.concatenate([np.concatenate(pair, axis=1) for pair in parts]), np.zeros(blocks * n_a, dtype)

    def zero_state(self, batch: int) -> Any:
        """Return the start state that stands for 'nothing seen yet'.

        Parameters
        ----------
        batch : int
            B.

        Returns
        -------
        ndarray or tuple of ndarray
            Zeros (B, n_a), one array for each part of the state.
        """
        zeros = np.zeros((validate.size("batch", batch, least=0), self.n_a), self.precision)
        return self._pack([zeros] * len(self.state_letters))

    @np.errstate(under="ignore")  # what vanishes beside the rest, and the tails of a sigmoid, are rightly zero
    def forward(self, x: Array, state: Any = None, lengths: Any = None, workspace: Workspace | None = None) -> Run:
        """Run the layer over a batch of sequences.

        Parameters
        ----------
        x : ndarray, shape (T, B, n_x)
            Inputs, in the parameters' dtype (integers and booleans are converted; complex for complex step).
        state : ndarray, shape (B, n_a), or tuple of such, optional
            Start state; zeros, if None.
        lengths : sequence of int, shape (B,), optional
            Number of steps of each example (right padding); what stands behind an example's end never matters.
        workspace : Workspace, optional
            Memory to use again; the run is valid until the workspace is used again.

        Returns
        -------
        Run
            ``run.a`` (T, B, n_a) and ``run.final``: the outputs, and the state after each example's last step.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong dtype or shape; the message names it.
        """
        x, start, ends = self.checked_inputs(x, state, lengths)
        valid = valid_steps(ends, len(x))
        buffers: Buffers = NEW if workspace is None else validate.workspace(workspace)
        with buffers.claimed():
            if workspace is not None:
                workspace.uses += 1
            states, tape = self._forward(keep(valid, x), start, valid, buffers)
            x = tape[0][..., :-1] if tape else private_copy(keep(valid, x))
            outputs = keep(valid, states[0][1:])
            if workspace is None or not tape:
                return Run(self, x, states, outputs, ends, tape)
            return BorrowedRun(self, x, states, outputs, ends, tape, workspace, workspace.uses)

    def checked_inputs(self, x: Any, state: Any, lengths: Any) -> tuple[Array, tuple[Array, ...], Array | None]:
        """Check what `forward` gets.

        Parameters
        ----------
        x, state, lengths
            As `forward` takes them.

        Returns
        -------
        tuple
            x, the parts of the start state, and the lengths as an array.

        Raises
        ------
        TypeError, ValueError
            If one is of the wrong dtype or shape; the message names it.
        """
        x = validate.numbers("x", x, self.precision, allow_complex=True, allow_ints=True)
        validate.shape("x", x, "(T, B, n_x)", (None, None, self.n_x))
        return x, self._unpack("state", state, x.shape[1]), validate.lengths(lengths, *x.shape[:2])

    @np.errstate(under="ignore")
    def backward(self, run: Run, da: Array | None, dfinal: Any = None, inputs: bool = True) -> Gradients:
        """Backpropagate through time.

        Parameters
        ----------
        run : Run
            What ``forward`` of this layer returned.
        da : ndarray, shape (T, B, n_a), or None
            dL/d(run.a); what arrives in the padding is ignored. None stands for zeros: then `dfinal` has to be given.
        dfinal : ndarray, shape (B, n_a), or tuple of such, optional
            dL/d(run.final), on top of `da`; None, also for a part of it, stands for zeros.
        inputs : bool
            Whether to compute dL/dx. Data need no gradient: without it ``grads.x`` is None, and a product is saved.

        Returns
        -------
        Gradients
            ``x`` (T, B, n_x) or None, ``state`` (like the state) and ``layer``: dL/d(parameters) in a record of the
            layer's own type, added up over steps and examples.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind, dtype or shape, or the run is complex or of another layer.
        """
        validate.own_real_run(run, Run, self)
        da = validate.upstream(da, dfinal, "(T, B, n_a)", run.a.shape, self.precision)
        inputs = validate.flag("inputs", inputs)
        valid = valid_steps(run.lengths, len(run.x))
        final = self._unpack("dfinal", dfinal, da.shape[1], gradient=True)
        buffers = run.workspace if isinstance(run, BorrowedRun) else NEW
        with buffers.claimed():
            dx, dstart, dlayer = self._backward(run, keep(valid, da), final, valid, buffers, inputs)
            return Gradients(dx, self._pack([d.copy() for d in dstart]), dlayer)

    @np.errstate(under="ignore")
    def step(self, x_t: Array, state: Any = None) -> tuple[Array, Any]:
        """Take one step: for streams that come one input at a time.

        Parameters
        ----------
        x_t : ndarray, shape (B, n_x)
            The input.
        state : ndarray, shape (B, n_a), or tuple of such, optional
            What the last step returned; zeros, if None.

        Returns
        -------
        tuple
            The output a^{<t>} (B, n_a) and the new state: read-only arrays, since they may be one and the same.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong dtype or shape; the message names it.
        """
        parts = state if len(self.state_letters) > 1 else (state,)
        step = self._step
        if not self._fits(x_t, parts):
            x_t, parts = self._checked_step(x_t, "state", state)
            if any(v.dtype.kind == "c" for v in (self.W, x_t, *parts)):
                step = self._cell_step
        new = step(x_t, parts)
        for part in new:
            part.flags.writeable = False  # the output is a part of the state
        return new[0], self._pack(new)

    def _checked_step(self, x_t: Any, name: str, state: Any) -> tuple[Array, tuple[Array, ...]]:
        """Check what a step gets; return x_t and the parts of the state."""
        x_t = validate.numbers("x_t", x_t, self.precision, allow_complex=True, allow_ints=True)
        validate.shape("x_t", x_t, "(B, n_x)", (None, self.n_x))
        return x_t, self._unpack(name, state, len(x_t))

    @cached_property
    def _step_sizes(self) -> tuple[Any, int, int, int]:
        dtype = self.W.dtype if self.W.dtype.kind == "f" else None
        return dtype, self.n_x, self.n_a, len(self.state_letters)

    def _fits(self, x_t: Any, parts: Any) -> bool:
        """Whether input and state are plainly right: a step is so short that the full checks would take most of it."""
        dtype, n_x, n_a, count = self._step_sizes
        if type(x_t) is not np.ndarray or x_t.dtype is not dtype or x_t.ndim != 2 or x_t.shape[1] != n_x:
            return False
        if type(parts) is not tuple or len(parts) != count:
            return False
        shape = (x_t.shape[0], n_a)
        return all(type(part) is np.ndarray and part.dtype is dtype and part.shape == shape for part in parts)

    def _step(self, x_t: Array, parts: tuple[Array, ...]) -> tuple[Array, ...]:
        """Take one step with real numbers; the layers of which the fast path knows do it faster."""
        return self._cell_step(x_t, parts)

    def _cell_step(self, x_t: Array, parts: tuple[Array, ...]) -> tuple[Array, ...]:
        new, _ = self.cell_forward(x_t, self._pack(parts))
        return tuple(part.view() for part in (new if isinstance(new, tuple) else (new,)))

    def _forward(
        self, x: Array, start: tuple[Array, ...], valid: Array | None, buffers: Buffers
    ) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
        """Return each part of the state at the steps 0 … T, and what the layer's own backward pass needs besides.

        Here the cell is looped. The layers of which the fast path knows call it for real numbers.
        """
        x = np.ascontiguousarray(x)  # a product's last bits may hang on where its numbers lie
        dtype = np.result_type(x, *start, self.W)
        states = tuple(np.empty((len(x) + 1, *s.shape), dtype) for s in start)
        for whole, s in zip(states, start, strict=True):
            whole[0] = s
        for t in range(len(x)):
            new, _ = self.cell_forward(x[t], self._pack([s[t] for s in states]))
            for whole, s in zip(states, new if isinstance(new, tuple) else (new,), strict=True):
                whole[t + 1] = s if valid is None else keep(valid[t], s, whole[t])
        return states, ()

    def _backward(
        self, run: Run, da: Array, dfinal: tuple[Array, ...], valid: Array | None, buffers: Buffers, inputs: bool
    ) -> tuple[Array | None, tuple[Array, ...], Any]:
        """Loop the cell backwards; return the gradients of x (or None), the start state and the parameters."""
        dx = np.zeros_like(run.x)
        dlayer = tree_map(np.zeros_like, self)
        da, dnext = np.ascontiguousarray(da), tuple(map(np.ascontiguousarray, dfinal))
        for t in reversed(range(len(da))):
            _, cache = self.cell_forward(run.x[t], self._pack([s[t] for s in run.parts]))
            arriving = (da[t] + dnext[0], *dnext[1:])
            if valid is not None:  # nothing flows into the cell from an example that is past its end
                arriving = tuple(keep(valid[t], d) for d in arriving)
            dx[t], before, d = self.cell_backward(cache, self._pack(arriving))
            dprev = before if isinstance(before, tuple) else (before,)
            dnext = dprev if valid is None else tuple(keep(valid[t], p, n) for p, n in zip(dprev, dnext, strict=True))
            dlayer = tree_map(np.add, dlayer, d.layer)
        return dx if inputs else None, dnext, dlayer

    def _pack(self, parts: Any) -> Any:
        """Turn the parts of a state into the state: the array itself if there is one, else a tuple."""
        return parts[0] if len(self.state_letters) == 1 else tuple(parts)

    def _unpack(self, name: str, state: Any, batch: int, *, gradient: bool = False) -> tuple[Array, ...]:
        """Check a state (or the gradient by one, where None may stand for a part) and return its parts.

        None stands for zeros.
        """
        if state is None:
            state = self.zero_state(batch)
        count = len(self.state_letters)
        names = [name] if count == 1 else [f"{name}[{k}]" for k in range(count)]
        given = (state,) if count == 1 else self._checked_tuple(name, state)
        parts = []
        for n, part in zip(names, given, strict=True):
            if part is None and gradient:
                part = np.zeros((batch, self.n_a), self.precision)
            parts.append(validate.numbers(n, part, self.precision, allow_complex=not gradient))
        for n, part in zip(names, parts, strict=True):
            validate.shape(n, part, "(B, n_a)", (batch, self.n_a))
        return tuple(parts)

    def _checked_tuple(self, name: str, state: Any) -> tuple[Any, ...]:
        """Check that a state of several parts is a tuple with all of them."""
        letters, count = ", ".join(self.state_letters), len(self.state_letters)
        if not isinstance(state, tuple):
            hint = ""
            if isinstance(state, np.ndarray) and state.ndim == 3:
                hint = "; PyTorch's (h0, c0) holds all layers, here it is ((h0[0], c0[0]), (h0[1], c0[1]), …)"
            raise TypeError(f"{name}: expected a tuple ({letters}) of arrays, got {validate.describe(state)}{hint}")
        if len(state) != count:
            raise ValueError(f"{name}: expected a tuple of {count} arrays, got a tuple of {len(state)}")
        return state


def forward_cell(kind: type[RecurrentLayer], form: str = "plain") -> Callable[[Cell], Cell]:
    """Make a function ``(layer, x_t, state, edit=None) -> (new state, cache)`` the forward cell of a layer.

    The layer calls the function itself; who calls it by its name, for study, has the arguments checked first.

    Parameters
    ----------
    kind : type
        The layer's class.
    form : str
        Which of the layer's cells, if it has several (its property `form`).

    Returns
    -------
    callable
        The decorator.
    """

    def decorate(cell: Cell) -> Cell:
        names = list(signature(cell).parameters)

        def checked(layer: Any, x_t: Any, state: Any, edit: Any) -> Any:
            x_t, parts = layer._checked_step(x_t, names[2], not_none(names[2], state))
            if edit is not None and not callable(edit):
                raise TypeError(f"edit: expected a function (name, value) -> value, got {validate.describe(edit)}")
            return layer.cell_forward(x_t, layer._pack(parts), edit)

        kind.cells = {**kind.cells, ("forward", form): cell}
        return _by_name(cell, kind, checked)

    return decorate


def backward_cell(kind: type[RecurrentLayer], form: str = "plain") -> Callable[[Cell], Cell]:
    """Make a function ``(layer, cache, dstate) -> (dx_t, dstate_prev, d)`` the backward cell of a layer.

    Parameters
    ----------
    kind, form
        As in `forward_cell`.

    Returns
    -------
    callable
        The decorator.
    """

    def decorate(cell: Cell) -> Cell:
        names = list(signature(cell).parameters)

        def checked(layer: Any, cache: Any, dstate: Any) -> Any:
            if not (isinstance(cache, tuple) and hasattr(cache, "x_t")):
                raise TypeError(f"cache: expected what the forward cell returned, got {validate.describe(cache)}")
            parts = layer._unpack(names[2], not_none(names[2], dstate), len(cache.x_t), gradient=True)
            return layer.cell_backward(cache, layer._pack(parts))

        kind.cells = {**kind.cells, ("backward", form): cell}
        return _by_name(cell, kind, checked)

    return decorate


def not_none(name: str, value: Any) -> Any:
    """Refuse None: a cell has no start state of its own."""
    return validate.ndarray(name, value) if value is None else value


def _by_name(cell: Cell, kind: type[RecurrentLayer], checked: Callable[..., Any]) -> Cell:
    """Return the function that checks its arguments, under the name and with the signature of the cell."""
    takes = signature(cell)

    @wraps(cell)
    @np.errstate(under="ignore")
    def by_name(*args: Any, **options: Any) -> Any:
        bound = takes.bind(*args, **options)
        bound.apply_defaults()
        layer, *rest = bound.arguments.values()
        if not isinstance(layer, kind):
            raise TypeError(f"layer: expected {kind.__name__}, got {validate.describe(layer)}")
        return checked(layer, *rest)

    return by_name  # type: ignore[return-value]


def stack_blocks(blocks: tuple[str, ...], letter: str, named: dict[str, Any]) -> tuple[Array, Array]:
    """Take the blocks out of `named` and stack them."""
    weights = {f"W_{g}": block_weights(g, letter, blocks, named) for g in blocks}
    biases = {f"b_{g}": taken(f"b_{g}", blocks, named) for g in blocks}
    validate.parameters(**weights, **biases)
    for name, bias in biases.items():
        if bias.ndim != 1:
            hint = f" (flatten it: {name}.ravel())" if bias.size in bias.shape else ""
            raise ValueError(f"{name}: expected shape (n_a,), got {bias.shape}{hint}")
    for found, axes in ((weights, 2), (biases, 1)):
        shapes = [array.shape for array in found.values()]
        if len(set(shapes)) > 1 or len(shapes[0]) != axes:
            raise ValueError(f"{', '.join(found)}: expected arrays of one shape, got {', '.join(map(str, shapes))}")
    return np.concatenate(list(weights.values())), np.concatenate(list(biases.values()))


def taken(name: str, blocks: tuple[str, ...], named: dict[str, Any]) -> Array:
    """Take an array out of `named`."""
    if name not in named:
        raise TypeError(f"{name}: expected an array for each of the blocks {', '.join(blocks)}, got none")
    return validate.ndarray(name, named.pop(name))


def block_weights(g: str, letter: str, blocks: tuple[str, ...], named: dict[str, Any]) -> Array:
    """Take the weights of a block out of `named`, whole or in two parts."""
    whole, names = f"W_{g}", (f"W_{g}{letter}", f"W_{g}x")
    there = [name for name in names if name in named and name != whole]
    if whole in named and there:
        raise TypeError(f"{whole}: expected either {whole} or {names[0]} and {names[1]}, got {whole} and {there[0]}")
    if len(there) < 2:
        return taken(whole, blocks, named)
    by_state, by_x = (taken(name, blocks, named) for name in names)
    validate.parameters(**{names[0]: by_state, names[1]: by_x})
    n_a = len(by_state) if by_state.ndim else 0
    if by_state.shape != (n_a, n_a) or by_x.ndim != 2 or len(by_x) != n_a:
        raise ValueError(
            f"{names[0]}, {names[1]}: expected shapes (n_a, n_a) and (n_a, n_x), got {by_state.shape} and {by_x.shape}"
        )
    return np.concatenate([by_state, by_x], axis=1)
