"""The worlds in which the book's equations are checked: random runs of the package, every size different.

The sizes of a run differ from each other, and from seed to seed: no size can stand for another one, and no number for
a size. Start states are not zero, targets are not one-hot, weights are of order 1 (but large in the run that looks for
bounds).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np

from ...activations import ACTIVATIONS, sigmoid, softmax, tanh
from ...layers.deep import Deep
from ...layers.dense import Dense
from ...layers.gru import GRU
from ...layers.lstm import LSTM
from ...layers.rnn import RNN
from ...layers.use_gate import UseGateCell
from ...losses import softmax_cross_entropy
from ...optimizers import clip_by_norm, clip_by_value
from ...records import Array, tree_map
from ..language import tables
from ..language.symbols import Notation
from .batches import Padded, Sequences
from .language_models import LanguageModel
from .memory import MemoryTests
from .networks import Network, Part, columns, one, parameters
from .updates import Dropped, Updates
from .world import Place, Trace, World

__all__ = ["SETTINGS", "Setting"]

SEEDS = (1, 2, 3)
SIZES = {1: (7, 3, 5, 11), 2: (5, 11, 3, 7), 3: (7, 5, 3, 11)}  # T, n_x, n_a, n_y
BATCHES = {1: (7, 13, 5, 11), 2: (5, 11, 3, 13), 3: (7, 13, 3, 11)}  # the same, beside m of
EXAMPLES = {1: 3, 2: 7, 3: 5}
STACKS = {1: (7, 11, (5, 4, 2), 17), 2: (5, 7, (11, 3), 13), 3: (7, 13, (5, 2, 4), 17)}  # with the sizes of all layers
SAME = {1: (7, 11, (5, 5, 5), 17), 2: (5, 7, (11, 11), 13), 3: (7, 13, (3, 3, 3, 3), 17)}  # all layers alike
RATES = {1: 0.1, 2: 0.07, 3: 0.13}  # α
CLIPPING = {1: 0.95, 2: 1.05, 3: 0.6, 4: 1.6, 5: 0.99, 6: 1.01}  # θ over ‖g‖: just clipped, and just not
PLAIN = {name: name for name in ("W_aa", "W_ax", "W_a", "b_a")}


def gated(blocks: str, state: str, *more: str) -> dict[str, str]:
    """Name the weights of a gated layer: the book's names are the package's."""
    names = [f.format(k, state) for k in blocks for f in ("W_{0}", "W_{0}{1}", "W_{0}x", "b_{0}")]
    return {name: name for name in (*names, *more)}


def randomised(layer: Any, rng: np.random.Generator, scale: float = 0.7) -> Any:
    """Fill all parameters with random numbers: none may be zero or special."""
    return tree_map(lambda leaf: rng.normal(size=leaf.shape) * scale, layer)


def targets(rng: np.random.Generator, loss: str, shape: tuple[int, ...], sharpness: float) -> Array:
    """Draw targets that a loss takes: probabilities that add up to 1, probabilities, or any numbers."""
    if loss == "squared":
        return rng.normal(size=shape)
    return softmax(sharpness * rng.normal(size=shape)) if loss == "softmax" else rng.random(shape)


def network(
    seed: int,
    layers: Callable[[int, Any, np.random.Generator], tuple[Part, ...]],
    loss: str = "softmax",
    sizes: Mapping[int, tuple[Any, ...]] = SIZES,
    examples: Mapping[int, int] | None = None,
    still: bool = False,
    adapt: Callable[[Part], Part] = lambda part: part,
    residual: bool = False,
) -> Network:
    """Draw a network, its data and its start states; or a still one, whose input is zero."""
    rng = np.random.default_rng(seed)
    (T, n_x, n_a, n_y), m = sizes[seed], examples[seed] if examples else 1
    parts = tuple(adapt(part) for part in layers(n_x, n_a, rng))
    reads = sum(p.layer.n_a for p in parts) if parts[-1].reverse else parts[-1].layer.n_a
    head = randomised(Dense.init(reads, n_y, rng), rng)
    x = rng.normal(size=(T, m, n_x)) * (not still)
    start = tuple(tuple(rng.normal(size=(m, p.layer.n_a)) * 0.7 for _ in p.layer.state_letters) for p in parts)
    if still:  # where every unit is in the same state
        start = tuple(tuple(np.full_like(s, s.flat[0] * (part.layer.b[0] != 0)) for s in group)
                      for part, group in zip(parts, start, strict=True))  # fmt: skip
    y, streamed = targets(rng, loss, (T, m, n_y), 20 if adapt is large else 2), seed == SEEDS[-1]
    return Network(f"seed {seed}", parts, head, x, y, start, loss, streamed, RATES[seed], residual)


def single(init: Callable[..., Any], weights: Mapping[str, str], **options: Any) -> Callable[..., tuple[Part, ...]]:
    """Return what draws a network of one layer."""
    return lambda n_x, n_a, rng: (Part(randomised(init(n_x, n_a, rng, **options), rng), weights),)


def stack(n_x: int, widths: tuple[int, ...], rng: np.random.Generator) -> tuple[Part, ...]:
    """Draw layers on top of each other."""
    layers = [randomised(RNN.init(a, b, rng), rng, 0.6) for a, b in pairwise((n_x, *widths))]
    return tuple(Part(layer, PLAIN, k) for k, layer in enumerate(layers, 1))


def both_ways(n_x: int, n_a: int, rng: np.random.Generator) -> tuple[Part, ...]:
    """Draw two layers side by side."""
    names = [{f"{way}_{k}": k for k in ("W_aa", "W_ax", "b_a")} for way in ("fwd", "bwd")]
    fwd, bwd = (randomised(RNN.init(n_x, n, rng), rng, 0.6) for n in (n_a, 2))
    return Part(fwd, names[0], prefix="fwd_"), Part(bwd, names[1], prefix="bwd_", reverse=True)


def large(part: Part) -> Part:
    """Weights so large that gates and states come close to their limits."""
    return replace(part, layer=tree_map(lambda leaf: 20 * leaf, part.layer))


def resting(part: Part) -> Part:
    """W_aa a multiple of an orthogonal matrix, no bias: with start and input zero, the state stays zero."""
    n = part.layer.n_a
    Q = np.linalg.qr(np.random.default_rng(5).normal(size=(n, n)))[0]
    return Part(RNN.from_gates(W_aa=Q * 0.8, W_ax=part.layer.W_ax, b_a=np.zeros(n)), part.weights)


def uniform(part: Part) -> Part:
    """W_aa a multiple of the identity, all biases equal: every unit is in the same state, which is not zero."""
    n = part.layer.n_a
    return Part(RNN.from_gates(W_aa=np.eye(n) * 0.8, W_ax=part.layer.W_ax, b_a=np.full(n, 0.3)), part.weights)


def carousel(part: Part) -> Part:
    """Gates so far open that they are 1, and a candidate that does not read the state: what is left only adds up."""
    layer, n = part.layer, part.layer.n_a
    b = np.concatenate([np.full(3 * n, 100.0), layer.b_c])
    W = np.concatenate([layer.W[: 3 * n], np.concatenate([np.zeros((n, n)), layer.W_cx], axis=1)])
    return Part(LSTM(W, b), part.weights)


def driven(part: Part) -> Part:
    """Gates that are 1 and candidates that are 1 in every other unit, else -1: the outputs come near both."""
    open_, n = carousel(part), part.layer.n_a
    return replace(open_, layer=LSTM(open_.layer.W, np.append(open_.layer.b[: 3 * n], 100.0 * (-1) ** np.arange(n))))


class Feedforward(World):
    """A network of two dense layers, without time."""

    sources = ("backward",)

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        n_x, n_a, n_y = {1: (7, 5, 11), 2: (5, 11, 7), 3: (11, 7, 5)}[seed]
        self.layers = (
            randomised(Dense.init(n_x, n_a, rng, activation="tanh"), rng),
            randomised(Dense.init(n_a, n_y, rng), rng),
        )
        self.x, self.y = rng.normal(size=(1, 1, n_x)), softmax(rng.normal(size=(1, 1, n_y)))
        self.run = Deep(self.layers).forward(self.x)
        super().__init__(f"seed {seed}", {"n_x": n_x, "n_a": n_a, "n_y": n_y, "N": 2})

    def computed(self) -> dict[Place, Array]:
        """Return the values of ``forward``."""
        trace = Trace()
        a = {0: self.x, **{k: run.a for k, run in enumerate(self.run.layers, 1)}}
        for k, run in enumerate(self.run.layers, 1):
            parameters(trace, self.layers[k - 1], {"W": "W", "b": "b"}, k)
            trace.values["z", None, k] = run.z_y[0].T
        values: dict[Place, Array] = {("a", None, k): v[0].T for k, v in a.items() if k < 2}
        values |= {("x", None, None): self.x[0].T, ("y", None, None): self.y[0].T}
        loss = one(softmax_cross_entropy(self.run.a, self.y).value)
        return trace.values | values | {("yhat", None, None): softmax(self.run.a)[0].T, ("L", None, None): loss}

    def record(self, trace: Trace) -> None:
        """Go through the layers."""
        a = trace.rows("a", trace.rows("x", self.x[0]), None, 0)
        for k, layer in enumerate(self.layers, 1):
            layer = parameters(trace, layer, {"W": "W", "b": "b"}, k)
            z = trace.rows("z", Dense(layer.W, layer.b).step(a)[0], None, k)
            a = trace.rows("a", ACTIVATIONS[layer.activation].function(z), None, k) if k < 2 else z
        trace.rows("yhat", softmax(a))
        trace("L", one(softmax_cross_entropy(a, self.y[0]).value))

    def gradients(self, source: str, weight: Array) -> dict[Place, Array]:
        """Return what ``backward`` returns."""
        dz = softmax_cross_entropy(self.run.a, self.y).dz
        top = self.layers[1].backward(self.run.layers[1], dz)
        grads = Deep(self.layers).backward(self.run, dz)
        found: dict[Place, Array] = {
            ("x", None, None): grads.x[0].T,
            ("z", None, 2): dz[0].T,
            ("a", None, 1): top.x[0].T,
        }
        for k, layer in enumerate(grads.layer.layers, 1):
            found |= {("W", None, k): layer.W, ("b", None, k): columns(layer.b)}
        return found


class Facts(World):
    """A number, vectors, and gradients to clip: long ones and short ones."""

    functions = MappingProxyType({"sigmoid": sigmoid, "tanh": tanh, "softmax": lambda z: softmax(z.T).T})

    def __init__(self, seed: int, zero: bool = False) -> None:
        rng = np.random.default_rng(seed)
        n, n_g = (4, 7) if seed % 2 else (5, 11)
        self.s, self.g, self.v = rng.normal() * 2 * (not zero), rng.normal(size=(n_g, 1)), rng.normal(size=(n, 1))
        self.theta, self.tau = CLIPPING[seed] * float(np.linalg.norm(self.g)), 0.35 + 0.02 * seed
        super().__init__("s = 0" if zero else f"seed {seed}", {"n": n, "n_g": n_g})

    def computed(self) -> dict[Place, Array]:
        """Return the values."""
        trace = Trace()
        self.record(trace)
        return trace.values

    def record(self, trace: Trace) -> None:
        """Ask the package for what can be computed."""
        trace("s", one(self.s))
        trace("p", softmax(trace("v", self.v).T).T)
        trace("g", self.g), trace("theta", one(self.theta)), trace("tau", one(self.tau))
        trace("clipped", clip_by_norm(self.g, self.theta)[0])
        trace("clipped_entry", clip_by_value(self.g, self.tau))


@dataclass(frozen=True)
class Setting:
    """Runs of one kind, the notation for them, and runs on which bounds are attained.

    Attributes
    ----------
    notation : Notation
        The symbol table.
    make : callable
        Builds the run of a seed.
    seeds : tuple of int
        Which runs there are.
    attaining : mapping
        Names of runs on which bounds are equalities, and what builds them.
    extreme : tuple of callable
        Build runs of large weights or of open gates, which come near what bounds gates and states.
    """

    notation: Notation
    make: Callable[[int], World]
    seeds: tuple[int, ...] = SEEDS
    attaining: Mapping[str, Callable[[], World]] = field(default_factory=dict)
    extreme: tuple[Callable[[], World], ...] = ()

    def worlds(self) -> tuple[World, ...]:
        """Return the runs; they are made once."""
        return _worlds(self.make, self.seeds)

    def witness(self, name: str) -> World:
        """Return a run on which a bound is attained."""
        return _witness(self.attaining[name])

    def extremes(self) -> tuple[World, ...]:
        """Return the runs on which bounds are looked for: those that attain one, and the extreme ones."""
        return tuple(map(_witness, (*self.attaining.values(), *self.extreme)))


@cache
def _worlds(make: Callable[[int], World], seeds: tuple[int, ...]) -> tuple[World, ...]:
    return tuple(map(make, seeds))


@cache
def _witness(make: Callable[[], World]) -> World:
    return make()


RNN_LAYER = single(RNN.init, PLAIN)
GRU_LAYER = single(GRU.init, gated("urc", "c"))
LSTM_NAMES = gated("fuoc", "a")
LSTM_LAYER = single(LSTM.init, LSTM_NAMES)
SETTINGS: dict[str, Setting] = {
    "rnn": Setting(tables.RNN, lambda s: network(s, RNN_LAYER), attaining={
        "resting": lambda: network(1, RNN_LAYER, still=True, adapt=resting),
        "uniform": lambda: network(1, RNN_LAYER, still=True, adapt=uniform),
    }, extreme=(lambda: network(1, RNN_LAYER, adapt=large),)),
    "rnn-batch": Setting(tables.RNN, lambda s: network(
        s, RNN_LAYER, sizes=BATCHES, examples=EXAMPLES)),
    "rnn-binary": Setting(tables.RNN, lambda s: network(s, RNN_LAYER, loss="binary")),
    "rnn-linear": Setting(tables.RNN, lambda s: network(s, single(RNN.init, PLAIN, activation="identity"))),
    "rnn-squared": Setting(tables.RNN, lambda s: network(s, RNN_LAYER, loss="squared")),
    "feedforward": Setting(tables.FEEDFORWARD, Feedforward),
    "gru": Setting(tables.GRU, lambda s: network(s, GRU_LAYER), extreme=(lambda: network(1, GRU_LAYER, adapt=large),)),
    "gru-after": Setting(tables.GRU_AFTER, lambda s: network(
        s, single(GRU.init, gated("urc", "c", "b_cc"), reset_after=True))),
    "lstm": Setting(tables.LSTM, lambda s: network(s, LSTM_LAYER), extreme=(
        lambda: network(1, LSTM_LAYER, adapt=large), lambda: network(1, LSTM_LAYER, adapt=driven),
    )),
    "lstm-peepholes": Setting(tables.LSTM_PEEPHOLES, lambda s: network(
        s, single(LSTM.init, LSTM_NAMES | {f"p_{k}": f"p_{k}" for k in "fuo"}, peepholes=True))),
    "lstm-carousel": Setting(tables.LSTM, lambda s: network(s, single(LSTM.init, LSTM_NAMES), adapt=carousel)),
    "lstm-coupled": Setting(tables.LSTM, lambda s: network(s, single(LSTM.init, gated("foc", "a"), coupled=True))),
    "use-gate": Setting(tables.USE_GATE, lambda s: network(
        s, single(UseGateCell.init, gated("nifv", "a", "W_u", "b_u")))),
    "deep": Setting(tables.DEEP, lambda s: network(s, stack, sizes=STACKS)),
    "deep-residual": Setting(tables.DEEP_RESIDUAL, lambda s: network(s, stack, sizes=SAME, residual=True)),
    "bidirectional": Setting(tables.BIDIRECTIONAL, lambda s: network(s, both_ways)),
    "language-model": Setting(tables.LANGUAGE_MODEL, LanguageModel),
    "momentum": Setting(tables.UPDATES, lambda s: Updates(s, "momentum")),
    "rmsprop": Setting(tables.UPDATES, lambda s: Updates(s, "rmsprop")),
    "adam": Setting(tables.ADAM, lambda s: Updates(s, "adam")),
    "dropped": Setting(tables.DROPPED, lambda s: Dropped(s, variational=False)),
    "dropped-variational": Setting(tables.DROPPED, lambda s: Dropped(s, variational=True)),
    "padded": Setting(tables.PADDED, Padded),
    "sequences": Setting(tables.SEQUENCES, Sequences),
    "memory-tests": Setting(
        tables.MEMORY, MemoryTests, attaining={"even": lambda: MemoryTests(1, even=True)}
    ),
    "facts": Setting(tables.FACTS, Facts, seeds=(1, 2, 3, 4, 5, 6), attaining={"zero": lambda: Facts(1, zero=True)}),
}  # fmt: skip
