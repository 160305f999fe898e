"""The layers that the battery runs over: to register a layer, add a line to CASES."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from rnncourse import GRU, LSTM, RNN, Bidirectional, Deep, Dense, Embedding, Halves
from rnncourse.activations import ACTIVATIONS
from rnncourse.layers.recurrent import RecurrentLayer
from rnncourse.layers.recurrent_dropout import RecurrentDropout
from rnncourse.layers.use_gate import UseGateCell

from . import oracles


@dataclass(frozen=True)
class Case:
    """A layer and what the battery has to know about it."""

    name: str
    init: Callable[..., Any]  # (n_x, n_a, rng, dtype) -> layer, by keyword
    oracle: Callable[..., Any] | None = None  # oracles.py: the layer in PyTorch
    scale: float = 1.0  # of the random parameters; below 1 where nothing saturates and states would grow
    kinked: Callable[..., Any] | None = None  # run -> the values that must stay away from 0, if a slope jumps there
    rounding: float = 1.0  # how much more rounding grows: N of two units has slopes up to 1 / √ε
    causal: bool = True  # can be streamed: step(), chunks; False where outputs depend on later inputs
    recurrent: bool = True  # has a state
    flat: bool = False  # reads (B, n_x) as well

    def __str__(self) -> str:
        return self.name

    @property
    def example(self) -> Any:
        """A small layer of this kind."""
        return self.init(n_x=2, n_a=2, rng=np.random.default_rng(0), dtype=np.float64)

    @property
    def symbols(self) -> bool:
        """Whether it reads integers (T, B) in place of numbers."""
        return getattr(self.example, "reads_symbols", False)

    @property
    def celled(self) -> bool:
        """Whether it has a cell for study, with named quantities."""
        return isinstance(self.example, RecurrentLayer)


def shape_of(g: str) -> tuple[bool, float]:
    """Whether an activation has a kink at 0, and a scale of the parameters at which its states do not grow."""
    f, slope = ACTIVATIONS[g]
    left, right = slope(f(np.array([-1e-9, 1e-9])))
    unbounded = int((np.abs(f(np.array([-1e6, 1e6]))) > 10).sum())  # on how many sides
    return abs(right - left) > 0.1, (1.0, 0.6, 0.4)[unbounded]


def rnn(g: str) -> Case:
    kink, scale = shape_of(g)
    oracle = oracles.torch_rnn if g in ("tanh", "relu") else oracles.explicit
    return Case(
        f"rnn-{g}",
        partial(RNN.init, activation=g),
        oracle,
        scale=scale,
        kinked=(lambda run: run.z_a) if kink else None,
    )


def dense(g: str) -> Case:
    return Case(
        f"dense-{g}",
        partial(Dense.init, activation=g),
        oracles.explicit,
        kinked=(lambda run: run.z_y) if shape_of(g)[0] else None,
        recurrent=False,
        flat=True,
    )


def lstm(name: str, oracle: Callable[..., Any] = oracles.explicit, **options: bool) -> Case:
    return Case(name, partial(LSTM.init, **options), oracle, rounding=10.0 if options.get("layer_norm") else 1.0)


def gru(name: str, oracle: Callable[..., Any] = oracles.explicit, **options: bool) -> Case:
    return Case(name, partial(GRU.init, **options), oracle, rounding=10.0 if options.get("layer_norm") else 1.0)


def bidirectional(name: str, fwd: Any, bwd: Any, oracle: Callable[..., Any] = oracles.explicit) -> Case:
    return Case(name, lambda **sizes: Bidirectional(fwd(**sizes), bwd(**sizes)), oracle, causal=False)


def deep(
    name: str, *inits: Any, oracle: Callable[..., Any] = oracles.explicit, residual: bool = False, **options: Any
) -> Case:
    """A stack in which every layer has n_a outputs, or twice as many if it is bidirectional."""

    def init(n_x: int, n_a: int, **options: Any) -> Deep:
        layers: list[Any] = []
        for make in inits:
            layers.append(make(n_x=layers[-1].n_out if layers else n_x, n_a=n_a, **options))
        return Deep(tuple(layers), residual=residual)

    return Case(name, init, oracle, **options)


def both_ways(fwd: Any, bwd: Any) -> Callable[..., Any]:
    return lambda **sizes: Bidirectional(fwd(**sizes), bwd(**sizes))


AFTER = partial(GRU.init, reset_after=True)

CASES = (
    *map(rnn, ACTIVATIONS),
    *map(dense, ACTIVATIONS),
    Case("dense-no-bias", partial(Dense.init, bias=False), oracles.explicit, recurrent=False, flat=True),
    Case("embedding", Embedding.init, oracles.torch_embedding, recurrent=False),
    gru("gru"),
    gru("gru-reset-after", oracles.torch_gru, reset_after=True),
    lstm("lstm", oracles.torch_lstm),
    lstm("lstm-peepholes", peepholes=True),
    lstm("lstm-coupled", coupled=True),
    lstm("lstm-peepholes-coupled", peepholes=True, coupled=True),
    gru("gru-layer-norm", layer_norm=True),
    gru("gru-layer-norm-reset-after", layer_norm=True, reset_after=True),
    lstm("lstm-layer-norm", layer_norm=True),
    lstm("lstm-layer-norm-peepholes-coupled", layer_norm=True, peepholes=True, coupled=True),
    Case("use-gate", UseGateCell.init, oracles.explicit),
    Case("halves-lstm", lambda **sizes: Halves(LSTM.init(**sizes), least=0), oracles.explicit),
    Case("recurrent-dropout", lambda **sizes: RecurrentDropout(LSTM.init(**sizes), p=0.5), oracles.explicit),
    bidirectional("bidirectional-rnn", RNN.init, RNN.init),
    bidirectional("bidirectional-gru", GRU.init, AFTER),
    bidirectional("bidirectional-lstm", LSTM.init, LSTM.init, oracles.torch_bidirectional_lstm),
    deep("deep-three-grus", AFTER, AFTER, AFTER, oracle=oracles.torch_three_grus),
    deep("deep-mixed", LSTM.init, GRU.init, RNN.init, partial(Dense.init, activation="tanh")),
    deep("deep-residual", Dense.init, LSTM.init, RNN.init, partial(Dense.init, activation="tanh"), residual=True),
    deep("deep-nested", both_ways(LSTM.init, RNN.init), partial(deep("", GRU.init, Dense.init).init), causal=False),
    deep("deep-embedding", Embedding.init, LSTM.init, partial(Dense.init, bias=False)),
    bidirectional("bidirectional-deep", deep("", GRU.init, Dense.init).init, deep("", RNN.init, RNN.init).init),
)
