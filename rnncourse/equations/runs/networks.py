"""Worlds of networks: recurrent layers, alone, on top of each other or side by side, and an output layer.

The values are those of ``layer.forward``. The gradients are looked up in two places: what ``layer.backward`` returns,
and what the cells' backward steps return, one after the other. What can be nudged and held is the same cells' forward
step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ... import losses as package_losses
from ...activations import sigmoid, softmax
from ...layers.bidirectional import Bidirectional
from ...layers.deep import Deep
from ...layers.dense import Dense
from ...optimizers import SGD
from ...records import Array, named_leaves, tree_map
from .world import Place, Trace, World

__all__ = ["LOSS", "Network", "Part", "columns", "nudged", "parameters"]


@dataclass(frozen=True)
class LossKind:
    """A loss of the package, the activation that goes with it, and the loss as a function of that activation."""

    name: str
    activation: Callable[[Array], Array]
    of_prediction: Callable[[Array, Array], Array]

    def package(self, z: Array, y: Array, reduction: str) -> Any:
        """Ask the package."""
        return getattr(package_losses, self.name)(z, y, reduction=reduction)


LOSS = {
    "softmax": LossKind("softmax_cross_entropy", softmax, lambda p, y: -(y * np.log(p)).sum(axis=-1)),
    "binary": LossKind(
        "binary_cross_entropy", sigmoid, lambda p, y: -(y * np.log(p) + (1 - y) * np.log(1 - p)).sum(axis=-1)
    ),
    "squared": LossKind("squared_error", lambda z: z, lambda p, y: ((p - y) ** 2).sum(axis=-1) / 2),
}


@dataclass(frozen=True)
class Part:
    """A layer in a network, and what its quantities are called there.

    Attributes
    ----------
    layer : layer
        A recurrent layer of the package.
    weights : mapping
        Key to attribute, such as ``{"W_aa": "W_aa"}``.
    number : int, optional
        Its number in a stack.
    prefix : str
        What is put before the names of its quantities, in a bidirectional network.
    reverse : bool
        It reads the sequence from the end.
    """

    layer: Any
    weights: Mapping[str, str]
    number: int | None = None
    prefix: str = ""
    reverse: bool = False

    def times(self, T: int) -> list[int]:
        """Return the time of each of its steps, the start before them."""
        return [T + 1 - k for k in range(T + 1)] if self.reverse else list(range(T + 1))

    def place(self, name: str, t: int) -> Place:
        """Return where a quantity of the cell belongs."""
        return self.prefix + name, t, self.number

    def record(self, trace: Trace, x: dict[int, Array], start: tuple[Array, ...]) -> dict[int, Array]:
        """Loop the package's cell; return its outputs."""
        layer, times = parameters(trace, self.layer, self.weights, self.number), self.times(len(x))
        vars(layer).update({name: getattr(layer, name) for name in self.weights.values()})  # make each view but once
        letters = layer.state_letters
        state = [trace.rows(self.prefix + n, s, times[0], self.number) for n, s in zip(letters, start, strict=True)]
        out = {}
        for t in times[1:]:

            def edit(name: str, value: Array, t: int = t) -> Array:
                return trace.rows(self.prefix + name, value, t, self.number)

            new, _ = layer.cell_forward(x[t], layer._pack(state), edit)
            state = list(as_tuple(new))
            out[t] = state[0]
            if "a" not in layer.quantities:  # a = c
                out[t] = edit("a", state[0])
        return out

    def computed(self, run: Any, T: int, streamed: bool) -> dict[Place, Array]:
        """Return the values of the package's run, by place; if streamed, the states of its ``step``, taken in turn."""
        times = self.times(T)
        values: dict[Place, Array] = {}
        for name in {*run.quantities, "a"}:
            array = getattr(run, name)
            values |= {self.place(name, t): array[k].T for k, t in enumerate(times[1:])}
        state = self.layer._pack([states[0] for states in as_tuple(run.states)])
        for k, t in enumerate(times if streamed else times[:1]):
            if k:
                a, state = self.layer.step(run.x[k - 1], state)
                values[self.place("a", t)] = a.T
            values |= {self.place(n, t): s.T for n, s in zip(self.layer.state_letters, as_tuple(state), strict=True)}
        return values

    def backward(self, run: Any, da: Array) -> tuple[dict[Place, Array], Array]:
        """Loop the package's backward cell; return all its gradients, and the gradient with respect to its input."""
        layer, T, states = self.layer, len(da), as_tuple(run.states)
        times, found, dx = self.times(T), {}, np.empty_like(run.x)
        dstate = [np.zeros_like(s[0]) for s in states]
        total = tree_map(np.zeros_like, layer)
        for k in reversed(range(T)):
            _, cache = layer.cell_forward(run.x[k], layer._pack([s[k] for s in states]))
            arriving = layer._pack([da[k] + dstate[0], *dstate[1:]])
            dx[k], before, d = layer.cell_backward(cache, arriving)
            dstate = list(as_tuple(before))
            total = tree_map(np.add, total, d.layer)
            found[self.place("a", times[k + 1])] = da[k].T  # where a is not part of the state
            for field in fields(d):
                if isinstance(value := getattr(d, field.name), np.ndarray):
                    found[self.place(field.name.removeprefix("d"), times[k + 1])] = value.T
        return found | self.totals(total, dstate, T), dx

    def totals(self, grads: Any, dstart: Sequence[Array], T: int) -> dict[Place, Array]:
        """Name the gradients with respect to the parameters and the start state."""
        found = {(key, None, self.number): columns(getattr(grads, name)) for key, name in self.weights.items()}
        start = zip(self.layer.state_letters, dstart, strict=True)
        return found | {self.place(letter, self.times(T)[0]): d.T for letter, d in start}


class Network(World):
    """A run of recurrent layers with an output layer and a loss.

    Parameters
    ----------
    name : str
        What messages call it.
    parts : tuple of Part
        The layers, from the bottom, or (fwd, bwd).
    head : Dense
        The output layer.
    x, y : ndarray, shapes (T, m, n_x) and (T, m, n_y)
        Input and targets.
    start : tuple
        The parts of the start state of each layer.
    loss : {"softmax", "binary", "squared"}
        The loss.
    streamed : bool
        The states are those of ``step``, called for each time, in place of ``forward``'s.
    alpha : float
        The learning rate of the update.
    residual : bool
        Layers with as many outputs as inputs hand on the sum of both: h.
    """

    sources = ("backward", "cells")

    def __init__(
        self,
        name: str,
        parts: tuple[Part, ...],
        head: Dense,
        x: Array,
        y: Array,
        start: tuple[tuple[Array, ...], ...],
        loss: str = "softmax",
        streamed: bool = False,
        alpha: float = 0.1,
        residual: bool = False,
    ) -> None:
        self.streamed, self.residual = streamed, residual
        self.parts, self.head, self.x, self.y, self.start, self.loss = parts, head, x, y, start, LOSS[loss]
        self.head_names = {"W_ya": "W", "b_y": "b"}
        packed = tuple(p.layer._pack(s) for p, s in zip(parts, start, strict=True))
        layers = tuple(p.layer for p in parts)
        self.bidirectional, self.stacked = bool(parts[-1].reverse), parts[0].number is not None
        if self.bidirectional:
            self.net: Any = Bidirectional(*layers)
        else:
            self.net = Deep(layers, residual=residual)
        self.run = self.net.forward(x, packed)
        self.runs = (self.run.fwd, self.run.bwd) if self.bidirectional else self.run.layers
        self.out = head.forward(self.run.a)
        self.alpha, n_a, N = alpha, layers[0].n_a, len(parts)
        sizes = {"T": len(x), "m": x.shape[1], "n_x": x.shape[2], "n_a": n_a, "n_y": y.shape[2], "N": N}
        super().__init__(name, sizes)
        self.extend_by_one()
        self.update()

    def computed(self) -> dict[Place, Array]:
        """Return the values of ``forward``."""
        T, m = self.x.shape[:2]
        losses = self.loss.package(self.out.a, self.y, reduction="none").value
        values: dict[Place, Array] = {
            ("L", None, None): losses.sum(axis=0)[None],
            ("alpha", None, None): one(self.alpha),
        }
        if m > 1:  # of one example, the mean is the loss itself: an equation could take the one for the other
            values["J", None, None] = one(losses.sum() / m)
        values["n_theta", None, None] = one(sum(leaf.size for _, leaf in named_leaves((self.net, self.head))))
        steps = {"x": self.x, "y": self.y, "z_y": self.out.a, "yhat": self.loss.activation(self.out.a)}
        for k in range(T):
            values |= {(key, k + 1, None): array[k].T for key, array in steps.items()}
            values["L_t", k + 1, None] = losses[k][None]
            if self.stacked:
                values["a", k + 1, 0] = self.x[k].T
        for part, run in zip(self.parts, self.runs, strict=True):
            values |= part.computed(run, T, self.streamed)
        if self.residual:
            for part, run, total in zip(self.parts, self.runs, self.run.sums, strict=True):
                handed = run.a if total is None else total
                values |= {("h", t, part.number): handed[t - 1].T for t in range(1, T + 1)}
        trace = Trace()
        for part in self.parts:
            parameters(trace, part.layer, part.weights, part.number)
        parameters(trace, self.head, self.head_names)
        return values | trace.values

    def record(self, trace: Trace) -> None:
        """Loop the package's cells over time, layer by layer."""
        T, m = self.x.shape[:2]
        x, y = (np.tile(array, (1, trace.copies, 1)) for array in (self.x, self.y))
        below = {t: trace.rows("x", x[t - 1], t) for t in range(1, T + 1)}
        outs = []
        for part, start in zip(self.parts, self.start, strict=True):
            if self.stacked and part.number == 1:
                below = {t: trace.rows("a", v, t, 0) for t, v in below.items()}
            outs.append(part.record(trace, below, tuple(np.tile(s, (trace.copies, 1)) for s in start)))
            if self.residual:
                outs[-1] = {
                    t: trace.rows("h", a + below[t] if self.adds(part) else a, t, part.number)
                    for t, a in outs[-1].items()
                }
            below = below if self.bidirectional else outs[-1]
        if self.bidirectional:
            below = {t: np.concatenate([out[t] for out in outs], axis=1) for t in below}
        head, losses, z_y, yhat = parameters(trace, self.head, self.head_names), [], [], []
        computed = head.step(np.concatenate([below[t] for t in range(1, T + 1)]))[0].reshape(T, -1, y.shape[2])
        for t in range(1, T + 1):
            z_y.append(trace.rows("z_y", computed[t - 1], t))
            predicted = self.loss.activation(z_y[-1])
            yhat.append((predicted, trace.rows("yhat", predicted, t)))
        values = self.loss.package(np.stack(z_y), y, reduction="none").value
        for t in range(1, T + 1):
            loss = values[t - 1]
            if ("yhat", t, None) in {**trace.nudges, **trace.held}:  # the package takes the loss from z_y
                loss = loss + self.loss.of_prediction(yhat[t - 1][1], y[t - 1])
                loss = loss - self.loss.of_prediction(yhat[t - 1][0], y[t - 1])
            losses.append(trace("L_t", loss[None], t))
        loss = trace("L", sum(losses[1:], losses[0]))
        if m > 1:
            trace("J", loss.reshape(1, trace.copies, m).sum(axis=2) / m)

    def gradients(self, source: str, weight: Array) -> dict[Place, Array]:
        """Return what the package's backward pass returns, by place."""
        T = len(self.x)
        dz = self.loss.package(self.out.a, self.y, reduction="none").dz * weight[:, :, None]
        top = self.head.backward(self.out, dz)
        found: dict[Place, Array] = {
            (key, None, None): columns(getattr(top.layer, name)) for key, name in self.head_names.items()
        }
        found |= {("z_y", t, None): dz[t - 1].T for t in range(1, T + 1)}
        if source == "backward":
            grads = self.net.backward(self.run, top.x)
            states, layers = (
                grads.state,
                ((grads.layer.fwd, grads.layer.bwd) if self.bidirectional else grads.layer.layers),
            )
            for part, state, layer in zip(self.parts, states, layers, strict=True):
                found |= part.totals(layer, as_tuple(state), T)
            dx = grads.x
        else:
            dx = self.cells(found, top.x)
        found |= {("x", t, None): dx[t - 1].T for t in range(1, T + 1)}
        if self.stacked:
            found |= {("a", t, 0): dx[t - 1].T for t in range(1, T + 1)}
        for key, t, number in list(found):  # nothing comes after the last step
            end = 0 if key.startswith("bwd_") else T + 1
            if t is not None:
                found.setdefault((key, end, number), np.zeros_like(found[key, t, number]))
        return found

    def cells(self, found: dict[Place, Array], da: Array) -> Array:
        """Loop the backward cells from the top to the bottom; return the gradient with respect to the input."""
        if self.bidirectional:
            n = self.parts[0].layer.n_a
            forwards, dx = self.parts[0].backward(self.runs[0], da[..., :n])
            backwards, dx_reversed = self.parts[1].backward(self.runs[1], da[::-1, :, n:])
            found |= forwards | backwards
            return dx + dx_reversed[::-1]
        for part, run in zip(self.parts[::-1], self.runs[::-1], strict=True):
            more, dx = part.backward(run, da)
            found |= more
            if self.residual:
                found |= {("h", t, part.number): d.T for t, d in enumerate(da, 1)}
            da = dx + da if self.adds(part) else dx
        return da

    def adds(self, part: Part) -> bool:
        """Whether a layer hands on the sum of its input and its output."""
        return self.residual and bool(part.layer.n_x == part.layer.n_out)

    def extend_by_one(self) -> None:
        """Put arbitrary numbers just outside the sequence: an equation may name them only where they do not matter."""
        rng = np.random.default_rng(99)
        T = self.sizes["T"]
        for key, t, number in [p for p in self.values if p[1] == 1]:
            for end in (0, T + 1) if key.startswith(("fwd_", "bwd_")) else (T + 1,):
                arbitrary: Array = np.asarray(rng.normal(size=self.values[key, t, number].shape))
                self.values.setdefault((key, end, number), arbitrary)

    def update(self) -> None:
        """Let the package's optimiser take a step down the mean loss."""
        dz = self.loss.package(self.out.a, self.y, reduction="none").dz / self.sizes["m"]
        top = self.head.backward(self.out, dz)
        model, grads = (self.net, self.head), (self.net.backward(self.run, top.x).layer, top.layer)
        optimizer = SGD(self.alpha)
        (net, head), _ = optimizer.update(model, grads, optimizer.init(model))
        trace = Trace()
        layers = (net.fwd, net.bwd) if self.bidirectional else net.layers
        for part, layer in zip(self.parts, layers, strict=True):
            parameters(trace, layer, part.weights, part.number)
        parameters(trace, head, self.head_names)
        self.after = trace.values


def one(value: Any) -> Array:
    """Return a number as an array of one entry."""
    return np.asarray(value).reshape(1, 1)


def as_tuple(state: Any) -> tuple[Array, ...]:
    """Return the parts of a state."""
    return state if isinstance(state, tuple) else (state,)


def columns(array: Array) -> Array:
    """Return a vector as a column, a matrix as it is."""
    return array.reshape(-1, 1) if array.ndim == 1 else array


def parameters(trace: Trace, layer: Any, names: Mapping[str, str], number: int | None = None) -> Any:
    """Record a layer's parameters; return the layer, with those nudged that the trace nudges."""
    for key, name in names.items():
        trace.values[key, None, number] = columns(getattr(layer, name))
    for key, name in names.items():
        amount = trace.nudges.get((key, None, number))
        if amount is not None:
            layer = nudged(layer, name, amount)
    return layer


def nudged(layer: Any, name: str, amount: Array) -> Any:
    """Return a layer with `amount` added to one of its parameters, or to a block of one."""
    leaves = dict(named_leaves(layer))
    position = tree_map(lambda leaf: np.arange(leaf.size, dtype=float).reshape(leaf.shape), layer)
    where = getattr(position, name).astype(int).ravel()  # a view shows which entries of its array it is made of
    owner = name if name in leaves else name[0]
    moved = {path: leaf.astype(complex) for path, leaf in leaves.items()}
    moved[owner].flat[where] += amount.ravel()
    new = iter(moved.values())
    return tree_map(lambda _: next(new), layer)
