"""From what was read to numbers: an expression on the arrays of a world.

A number is 0-dimensional; columns and matrices are 2-dimensional, an example a column. Shapes are strict: only a number
that is written out, as the 1 in 1 - Γ, may be added to an array, and a bias to the columns of a batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from ...records import Array
from ..language import nodes
from ..language.lexer import Failure, Refused
from ..runs.world import Ident, World
from .ranges import LONGEST, Env, Ranges

__all__ = ["Definition", "Evaluator", "TooMuch", "Work", "show"]

MOST = 100_000  # values: two or three seconds; the book's longest equation takes a tenth of it

ELEMENTWISE = {
    "tanh": np.tanh, "exp": np.exp, "log": np.log, "sign": np.sign, "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "relu": lambda z: z * (z.real > 0), "ReLU": lambda z: z * (z.real > 0),
}  # fmt: skip
COMPARISONS = {
    "<": np.less, ">": np.greater, r"\le": np.less_equal, r"\ge": np.greater_equal, "=": np.equal, r"\ne": np.not_equal
}  # fmt: skip
ORDERS: dict[str, Any] = {"2": 2, "1": 1, r"\infty": np.inf}


class TooMuch(Refused):
    """It would take longer than anybody waits. What counts is how many values are computed, not the time it takes."""


class Work:
    """How many values may still be computed: the same on every machine, unlike seconds.

    Parameters
    ----------
    values : int
        The number of nodes to evaluate, each at one set of values of its free indices.
    """

    def __init__(self, values: int) -> None:
        self.values, self.left = values, values

    def spend(self) -> None:
        """Compute one more, or refuse."""
        self.left -= 1
        if self.left < 0:
            raise TooMuch(f"this takes more than {self.values:,} values: sum over less, or check it in parts")


@dataclass(frozen=True)
class Definition:
    """What a chapter defines with := and the package has no name for."""

    parameters: tuple[str, ...]
    body: nodes.Node
    source: str


class Evaluator(Ranges):
    """Evaluates expressions of one equation on one world.

    Parameters
    ----------
    world : World
        A run of the package.
    source : str
        The LaTeX, for messages.
    gradients : str
        Where derivatives come from: "measured", or the name of one of the package's own sources.
    definitions : mapping, optional
        What the chapter has defined.
    work : Work, optional
        How much may be computed; shared by all evaluators of one question.
    """

    def __init__(
        self,
        world: World,
        source: str,
        gradients: str = "measured",
        definitions: Mapping[str, Definition] | None = None,
        work: Work | None = None,
    ) -> None:
        self.world, self.source, self.gradients = world, source, gradients
        self.work = Work(MOST) if work is None else work
        self.definitions = definitions or {}
        self.updated = False  # on the left of an update: the values after it
        self.reached: set[tuple[Any, int]] = set()  # the cases that some index reached
        self._methods: dict[type, Any] = {}
        self._free = {}
        self._known: dict[tuple[int, ...], Any] = {}  # values, by node and free indices
        self._inner: dict[str, Evaluator] = {}

    def fail(self, message: str, node: nodes.Node) -> NoReturn:
        """Say what makes no sense, and where."""
        raise Failure(message, self.source, node.span)

    def value(self, node: nodes.Node, env: Env) -> Any:
        """Return the number or the array that an expression stands for.

        Parameters
        ----------
        node : Node
            The expression.
        env : mapping
            The values of its free indices.

        Returns
        -------
        ndarray or number
            0-dimensional or 2-dimensional.

        Raises
        ------
        Failure
            If shapes do not fit, or a quantity does not exist there.
        """
        kind = type(node)
        if kind not in self._methods:
            self._methods[kind] = getattr(self, "_" + kind.__name__.lower())
        if kind is nodes.Num or kind is nodes.Idx or self.updated:
            return self._methods[kind](node, env)
        key = (id(node), *[env.get(name, 0) for name in self.free(node)])
        if key not in self._known:
            self.work.spend()
            self._known[key] = self._methods[kind](node, env)
        return self._known[key]

    def index(self, node: nodes.Node, env: Env) -> int:
        """Return a whole number."""
        if isinstance(node, nodes.Idx) and node.name in env:
            return env[node.name]
        value = self.value(node, env)
        if np.ndim(value) or not abs(value) < 1e6 or abs(value - round(value)) > 1e-9:
            self.fail("an index has to be a whole number", node)
        return round(value)

    def ident(self, node: nodes.Sym, env: Env) -> Ident:
        """Return which quantity a symbol means."""
        return Ident(
            node.key, *(None if x is None else self.index(x, env) for x in (node.time, node.layer, node.example))
        )

    # ---- leaves

    def _num(self, node: nodes.Num, env: Env) -> Any:
        return node.value

    def _idx(self, node: nodes.Idx, env: Env) -> Any:
        if node.name in env:
            return float(env[node.name])
        if node.name in self.world.sizes:
            return float(self.world.sizes[node.name])
        return self.fail(f"the index {node.name} has no range here: add ', \\quad {node.name} = 1, \\ldots, n'", node)

    def _sym(self, node: nodes.Sym, env: Env) -> Any:
        ident = self.ident(node, env)
        if node.key in self.definitions:
            definition = self.definitions[node.key]
            if node.key not in self._inner:
                self._inner[node.key] = Evaluator(
                    self.world, definition.source, self.gradients, self.definitions, self.work
                )
            inner = self._inner[node.key]
            given = [v for v in (ident.t, ident.l, ident.i) if v is not None]
            value = inner.value(definition.body, dict(zip(definition.parameters, given, strict=True)))
        else:
            try:
                value = self.world.get(ident, self.gradients, self.updated)
            except LookupError as error:
                self.fail(str(error.args[0]), node)
        return self.pick(value, node.entry, node, env)

    def _entry(self, node: nodes.Entry, env: Env) -> Any:
        return self.pick(self.value(node.x, env), node.entry, node, env)

    def position(
        self, entry: tuple[nodes.Node, ...], shape: tuple[int, ...], node: nodes.Node, env: Env
    ) -> tuple[int, int]:
        """Return the place of an entry, counted from 0."""
        place = [self.index(e, env) for e in entry]
        if len(place) == 1 and shape[1:] == (1,):
            place.append(1)
        if len(shape) != 2 or len(place) != 2:
            self.fail(f"{len(place)} subscripts for an entry of something of shape {show(shape)}", node)
        if not all(1 <= p <= n for p, n in zip(place, shape, strict=True)):
            self.fail(f"there is no entry {tuple(place)} in something of shape {show(shape)}", node)
        return place[0] - 1, place[1] - 1

    def pick(self, value: Any, entry: tuple[nodes.Node, ...], node: nodes.Node, env: Env) -> Any:
        """Return the value, or the entry of it."""
        return value[self.position(entry, np.shape(value), node, env)] if entry else value

    # ---- arithmetic

    def _neg(self, node: nodes.Neg, env: Env) -> Any:
        return -self.value(node.x, env)

    def _add(self, node: nodes.Add, env: Env) -> Any:
        values = [sign * self.value(term, env) for sign, term in node.terms]
        shapes = [np.shape(v) for v in values if np.ndim(v)]
        for (_, term), value in zip(node.terms, values, strict=True):
            shape = np.shape(value)
            if shapes and not shape and not isinstance(term, nodes.Num | nodes.Indicator):
                self.fail(f"cannot add a number to something of shape {show(shapes[0])}", term)
            if shape and shape != shapes[0] and not self.in_batch(shape, shapes[0]):
                turned = r": is a ^{\top} missing?" if shape == shapes[0][::-1] else ""
                self.fail(f"cannot add {show(shape)} to {show(shapes[0])}{turned}", term)
        return sum(values[1:], values[0])

    def in_batch(self, a: tuple[int, ...], b: tuple[int, ...]) -> bool:
        """Whether one is a column that is added to every example of the other."""
        return self.world.sizes["m"] > 1 and a[0] == b[0] and {a[1], b[1]} == {1, self.world.sizes["m"]}

    def _mul(self, node: nodes.Mul, env: Env) -> Any:
        a, b = self.value(node.a, env), self.value(node.b, env)
        if node.kind == "had":
            for side in (node.a, node.b):
                if isinstance(side, nodes.Mul) and side.loose and np.ndim(self.value(side.a, env)) == 2:
                    self.fail(r"a matrix product beside \odot has two readings: put it in parentheses", side)
            if np.shape(a) != np.shape(b) or not np.ndim(a):
                self.fail(rf"\odot between shapes {show(a)} and {show(b)}", node)
            return a * b
        if not np.ndim(a) or not np.ndim(b):
            return a * b
        if node.kind == "dot":
            self.fail(r"\cdot between arrays has several readings: write \odot, or nothing for a matrix product", node)
        if a.shape[1] != b.shape[0]:
            hint = ""
            if a.shape == b.shape:
                hint = r"; the elementwise product is \odot"
            elif a.shape[0] == b.shape[0] or a.shape[1] == b.shape[1]:
                hint = r"; is a ^{\top} missing?"
            self.fail(f"matrix product of shapes {show(a)} and {show(b)}{hint}", node)
        return number(a @ b)

    def _div(self, node: nodes.Div, env: Env) -> Any:
        a, b = self.value(node.a, env), self.value(node.b, env)
        if np.ndim(b):
            hint = r"; write \sigma(z) for \frac{1}{1 + e^{-z}}"
            self.fail(
                f"division by something of shape {show(b)}{hint if isinstance(node.b, nodes.Add) else ''}", node.b
            )
        return np.true_divide(a, b)

    def _pow(self, node: nodes.Pow, env: Env) -> Any:
        x, n = self.value(node.x, env), self.value(node.n, env)
        if np.ndim(n):
            self.fail("an exponent has to be a number", node.n)
        if np.ndim(x) == 2 and x.shape[0] == x.shape[1]:
            power = self.index(node.n, env)
            if not 0 <= power <= LONGEST:
                self.fail(f"the power of a matrix has to be between 0 and {LONGEST}", node.n)
            return np.linalg.matrix_power(x, power)
        return np.power(x, n)

    def _transpose(self, node: nodes.Transpose, env: Env) -> Any:
        x = self.value(node.x, env)
        return x.T if np.ndim(x) else self.fail("the transpose of a number", node)

    def _fn(self, node: nodes.Fn, env: Env) -> Any:
        x, *more = args = [self.value(a, env) for a in node.args]
        name = self.world.activation if node.name == "g" else node.name
        f = self.world.functions.get(name, ELEMENTWISE.get(name))
        if name in ELEMENTWISE and not more:
            return np.imag(f(np.asarray(x + 1e-30j))) / 1e-30 if node.prime else f(np.asarray(x))
        if not node.prime:
            if name in ("max", "min") and len(args) == 2 and 0 in (np.ndim(x), np.ndim(more[0])):
                return (np.maximum if name == "max" else np.minimum)(*args)
            if name == "clip" and len(args) == 3 and not any(map(np.ndim, more)):
                return np.clip(*args)
            if np.ndim(x) == 2 and not more:
                if name == "diag" and x.shape[1] == 1:
                    return np.diag(x[:, 0])
                if name == "softmax" and f:
                    return f(x)
                if name == "softmax":
                    e = np.exp(x - x.max(axis=0))
                    return e / e.sum(axis=0)
                if name == "vec":
                    return x.reshape(-1, 1, order="F")
        slope = "the slope of " if node.prime else ""
        return self.fail(f"{slope}{name} cannot be taken of {', '.join(map(show, args))}", node)

    def _stack(self, node: nodes.Stack, env: Env) -> Any:
        rows = [[self.value(b, env) for b in row] for row in node.rows]
        try:
            return np.block([[np.atleast_2d(v) for v in row] for row in rows])
        except ValueError:
            shapes = "; ".join(", ".join(map(show, row)) for row in rows)
            self.fail(f"these blocks do not fit together: {shapes}", node)

    def _big(self, node: nodes.Big, env: Env) -> Any:
        if node.lo is None or node.hi is None:
            values = self.default_range(node.var, [node.body], node)
        else:
            values = range(self.index(node.lo, env), self.index(node.hi, env) + 1)
        if len(values) > LONGEST:
            self.fail(f"more than {LONGEST} terms", node)
        terms = [self.value(node.body, {**env, node.var: v}) for v in (values[::-1] if node.descending else values)]
        if not terms:  # of the right shape
            like = self.value(node.body, {**env, node.var: max(1, values.start - 1)})
            if node.kind == "sum":
                return np.zeros_like(like)
            if np.ndim(like) and like.shape[0] != like.shape[1]:
                self.fail(f"an empty product of shape {show(like)} has no value", node)
            return np.eye(len(like)) if np.ndim(like) else np.float64(1)
        total = terms[0]
        for term in terms[1:]:
            if node.kind == "sum":
                if np.shape(total) != np.shape(term):
                    self.fail(f"the terms of this sum differ in shape: {show(total)} and {show(term)}", node)
                total = total + term
            else:
                both = np.ndim(total) and np.ndim(term)
                if both and total.shape[1] != term.shape[0]:
                    self.fail(f"matrix product of shapes {show(total)} and {show(term)}", node)
                total = number(total @ term) if both else total * term
        return total

    def _norm(self, node: nodes.Norm, env: Env) -> Any:
        x = self.value(node.x, env)
        if not np.ndim(x):
            return np.abs(x)
        if node.order == "abs":
            self.fail(r"|…| of an array: write \lVert … \rVert", node)
        if node.order == "F":
            return np.sqrt((x**2).sum())
        return np.linalg.norm(x[:, 0] if x.shape[1] == 1 else x, ORDERS[node.order])

    def _cases(self, node: nodes.Cases, env: Env) -> Any:
        for k, (value, condition) in enumerate(node.rows):
            if condition is None or self.holds(condition, env):
                self.reached.add((node.span, k))
                return self.value(value, env)
        return self.fail("no case applies", node)

    def _indicator(self, node: nodes.Indicator, env: Env) -> Any:
        return np.float64(self.holds(node.cond, env))

    def _range(self, node: nodes.Range, env: Env) -> Any:
        return self.fail("a range is no number", node)

    _cond = _space = _relation = _range

    def holds(self, condition: nodes.Cond, env: Env) -> bool:
        """Whether a condition on numbers is true."""
        values = [self.value(x, env) for x in condition.chain[::2]]
        if any(map(np.ndim, values)):
            self.fail("a condition has to compare numbers", condition)
        pairs = zip(condition.chain[1::2], values, values[1:], strict=False)
        return all(bool(COMPARISONS[sign](a, b)) for sign, a, b in pairs)

    # ---- derivatives

    def _deriv(self, node: nodes.Deriv, env: Env) -> Any:
        num, den = self.ident(node.num, env), self.ident(node.den, env)
        held = tuple(self.ident(h, env) for h in node.held)
        try:
            full = self.world.derivative(num, den, held, node.immediate, self.gradients)
        except LookupError as error:
            self.fail(str(error.args[0]), node)
        if node.num.entry:
            full = full[self.position(node.num.entry, full.shape[:2], node.num, env)][None, None]
        if node.den.entry:
            full = full[:, :, *self.position(node.den.entry, full.shape[2:], node.den, env), None, None]
        if full.shape[:2] == (1, 1):
            return number(full[0, 0])
        if full.shape[2:] == (1, 1):
            return full[:, :, 0, 0]
        if full.shape[1] == full.shape[3] == 1:
            return full[:, 0, :, 0]
        return self.fail("a vector's derivative with respect to a matrix has three axes: write it for entries", node)


def number(value: Any) -> Any:
    """Return the number that a 1×1 matrix holds, else the matrix."""
    return value[0, 0] if value.shape == (1, 1) else value


def show(value: Array | tuple[int, ...]) -> str:
    """Write a shape."""
    shape = value if isinstance(value, tuple) else np.shape(value)
    return "×".join(map(str, shape)) if shape else "a number"
