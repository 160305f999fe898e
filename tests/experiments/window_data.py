"""How many examples does a network need that reads a sequence all at once, and how many a recurrent one?

The task: what was the last bit? Most steps are silent (0), the others say +1 or -1, each with the chance `loud`. The
dense network has a weight for every step; the recurrent one has the same weights at all steps. A third one has the
recurrent network's cell with weights of their own at every step, so that nothing is shared: the control.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnncourse import RNN, Dense, tree_map
from rnncourse.losses import binary_cross_entropy
from rnncourse.optimizers import Adam
from rnncourse.training import train

from .tidy import Experiment, Row

UNITS, BLOCK, BLOCKS, BATCH, TESTS, LOUD = 16, 50, 4, 25, 1000, 0.15
CASES = ((24, 25), (24, 100), (24, 400), (6, 100))  # steps, examples
RATES, SEEDS = (0.003, 0.01, 0.03, 0.1), range(5)
MODELS = ("all at once", "recurrent", "recurrent, not shared")


def last_bits(rng: np.random.Generator, steps: int, n: int) -> tuple[Any, Any]:
    """Draw sequences (T, B, 1) with at least one bit, and their last bits (B, 1)."""
    x = np.zeros((steps, n, 1))
    loud = rng.random((steps, n, 1)) < LOUD
    loud[rng.integers(0, steps, n), np.arange(n)] = True
    x[loud] = rng.choice([-1.0, 1.0], loud.sum())
    at = steps - 1 - loud[::-1, :, 0].argmax(axis=0)
    return x, (x[at, np.arange(n)] > 0).astype(int)


def new(model: str, steps: int, rng: np.random.Generator) -> tuple[Any, ...]:
    if model == "all at once":
        return Dense.init(steps, UNITS, rng, activation="tanh"), Dense.init(UNITS, 1, rng)
    cell = RNN.init(1, UNITS, rng)  # those that are not shared start equal
    return *((cell,) * (1 if model == "recurrent" else steps)), Dense.init(UNITS, 1, rng)


def forward(network: tuple[Any, ...], x: Any) -> tuple[list[Any], Any]:
    """Return the runs from the bottom to the top, and the logits (B, 1)."""
    *layers, head = network
    if len(layers) == 1 and isinstance(layers[0], Dense):
        runs = [layers[0].forward(x[:, :, 0].T[None])]
    elif len(layers) == 1:
        runs = [layers[0].forward(x)]
    else:
        runs, state = [], None
        for layer, x_t in zip(layers, x, strict=True):
            runs.append(layer.forward(x_t[None], state))
            state = runs[-1].final
    runs.append(head.forward(runs[-1].a[-1]))
    return runs, runs[-1].a


def step(network: tuple[Any, ...], x: Any, y: Any) -> tuple[float, tuple[Any, ...]]:
    runs, z = forward(network, x)
    value, dz = binary_cross_entropy(z, y, reduction="mean")
    top = network[-1].backward(runs[-1], dz)
    grads, back = [top.layer], top.x
    for layer, run in zip(network[-2::-1], runs[-2::-1], strict=True):
        got = layer.backward(run, back[None]) if isinstance(layer, Dense) else layer.backward(run, None, back)
        grads.append(got.layer)
        back = got.state
    return value, tuple(grads[::-1])


def accuracy(network: tuple[Any, ...], x: Any, y: Any) -> float:
    return float(((forward(network, x)[1] > 0) == y).mean())


def run(model: str, steps: int, examples: int, rate: float, seed: int) -> Row:
    rng = np.random.default_rng([seed, steps, examples])
    x, y = last_bits(rng, steps, examples)
    others = [last_bits(np.random.default_rng([seed, steps, k]), steps, TESTS) for k in (1, 2)]
    network, optimizer, state = new(model, steps, rng), Adam(rate), None
    best = (-1.0, network)

    def of_batch(network: tuple[Any, ...], k: int) -> Any:
        chosen = rng.choice(examples, BATCH, replace=False)
        return step(network, x[:, chosen], y[chosen])

    for _ in range(BLOCKS):  # stopped early: the block whose network is best in validation counts
        made = train(network, of_batch, optimizer, BLOCK, max_norm=1.0, state=state)
        network, state = made.model, made.state
        best = max(best, (accuracy(network, *others[0]), network), key=lambda each: each[0])
    count = sum(leaf.size for layer in network for leaf in _leaves(layer))
    return {"parameters": count, "validation": best[0], "accuracy": accuracy(best[1], *others[1])}


def _leaves(layer: Any) -> list[Any]:
    found: list[Any] = []
    tree_map(lambda leaf: found.append(leaf) or leaf, layer)
    return found


def grid(models: tuple[str, ...], cases: tuple[tuple[int, int], ...]) -> tuple[Row, ...]:
    return tuple(
        {"model": model, "steps": steps, "examples": examples, "rate": rate, "seed": seed}
        for model in models
        for steps, examples in cases
        for rate in RATES
        for seed in SEEDS
    )


EXPERIMENT = Experiment(
    name="window-data",
    part="foundations",
    what="parameters; then the share of new sequences whose answer is right, for validation and for the test, of the "
    "network that was best in validation at the end of a block. A guess: 0.5",
    settings={
        "units": UNITS, "batch": BATCH, "max_norm": 1.0, "block": BLOCK, "blocks": BLOCKS, "tests": TESTS, "loud": LOUD,
    },
    grid=grid(MODELS[:2], CASES),
    run=run,
    again={"model": "all at once", "steps": 6, "examples": 100, "rate": 0.01, "seed": 0},
    tolerance={"parameters": 0, "validation": 0.02, "accuracy": 0.02},
    clear=lambda row: True,  # a share of 1,000 answers, and not one that was solved or not
)  # fmt: skip
