"""Is the grid of the tests of memory wide enough? A rate below the least of its three, where that was the best."""

from __future__ import annotations

from .memory_tests import BATCH, NETWORKS, TASKS, TESTS, TOLERANCE, clear, train_one
from .tidy import Experiment

TANH, ORTHOGONAL, RELU, _, LSTM_1, _ = NETWORKS
LOW = 0.001
EDGES = {
    ("adding", 100): (TANH,),
    ("copying", 20): (TANH, ORTHOGONAL, RELU),
    ("order", 60): (LSTM_1,),
    ("order", 100): (TANH, LSTM_1),
}
EXPERIMENT = Experiment(
    name="memory-edges",
    part="architectures",
    what="`right`: of 500 new examples; `loss`, `valid`: mean square, or nats a step",
    settings={"batch": BATCH, "clipped at": 1.0, "optimizer": "Adam", "tests": TESTS, "dtype": "float32"}
    | {f"updates, {task}": TASKS[task].most for task in ("adding", "copying", "order")},
    grid=tuple(
        {"task": task, "lag": lag, "network": name, "rate": LOW, "seed": seed}
        for (task, lag), names in EDGES.items()
        for name in names
        for seed in range(5)
    ),
    run=train_one,
    again={"task": "order", "lag": 60, "network": LSTM_1, "rate": LOW, "seed": 0},
    tolerance=TOLERANCE,
    clear=clear,
)
