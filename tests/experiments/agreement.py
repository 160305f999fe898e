"""Where does learning stop? Agreement sentences: the accuracy of an RNN, a GRU and an LSTM against the distance.

    cd tests && python -m experiments.agreement      about five minutes; writes the results of `vanishing-gradients`

Every network has 16 units and is trained on fresh sentences of one distance, until it is right or 600 updates are over.
"""

from __future__ import annotations

import json
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from rnncourse import GRU, LSTM, RNN, Deep, Dense, __version__
from rnncourse.data import AGREEMENT_WORDS, agreement, one_hot
from rnncourse.losses import binary_cross_entropy
from rnncourse.optimizers import Adam
from rnncourse.training import train

RESULTS = Path(__file__).parents[2] / "book" / "learning" / "results" / "agreement.json"
COMMAND = "cd tests && python -m experiments.agreement"
N_WORDS = len(AGREEMENT_WORDS)
SETTINGS = {
    "units": 16, "batch": 16, "learning_rate": 0.01, "max_norm": 1.0, "most_updates": 600, "block": 50,
    "stop_below": 0.1, "test_sentences": 500,
}  # fmt: skip
DISTANCES = (4, 8, 12, 16, 24, 32, 48)
SEEDS = (0, 1, 2, 3, 4, 5)


def small(rng: np.random.Generator, shape: tuple[int, int], dtype: Any = np.float64) -> np.ndarray:
    """Draw uniformly from ±1/√n, as PyTorch's recurrent layers do."""
    limit = 1 / np.sqrt(shape[0])
    return rng.uniform(-limit, limit, shape).astype(dtype)


NETWORKS = {
    "RNN": lambda n_x, n_a, rng: RNN.init(n_x, n_a, rng, recurrent_init=small),
    "RNN, orthogonal": RNN.init,
    "GRU": GRU.init,
    "LSTM": LSTM.init,
    "LSTM, forget bias 4": lambda n_x, n_a, rng: LSTM.init(n_x, n_a, rng, forget_bias=4.0),
}


def learn(network: str, distance: int, seed: int) -> tuple[float, int]:
    """Train one network from scratch; return its accuracy on new sentences, and the number of updates it took."""
    s = SETTINGS
    rng = np.random.default_rng([seed, distance])
    layer = NETWORKS[network](N_WORDS, s["units"], rng)
    model = Deep((layer, Dense.init(s["units"], 1, rng)))

    def loss_and_gradients(model: Deep, step: int) -> tuple[float, Deep]:
        words, verbs = agreement(s["batch"], distance, rng)
        run = model.forward(one_hot(words, N_WORDS))
        loss, dz = binary_cross_entropy(run.a[-1], verbs[:, None], reduction="mean")
        da = np.zeros_like(run.a)
        da[-1] = dz  # the verb alone is predicted
        return loss, model.backward(run, da).layer

    optimizer, state, updates, loss = Adam(s["learning_rate"]), None, 0, np.inf
    while updates < s["most_updates"] and loss >= s["stop_below"]:
        done = train(model, loss_and_gradients, optimizer, s["block"], max_norm=s["max_norm"], state=state)
        model, state, updates, loss = done.model, done.state, updates + s["block"], done.losses.mean()
    words, verbs = agreement(s["test_sentences"], distance, rng)
    guesses = model.forward(one_hot(words, N_WORDS)).a[-1, :, 0] > 0
    return float((guesses == verbs).mean()), updates


def main() -> None:
    """Train every network at every distance from every seed, and store the outcome."""
    runs = []
    for network in NETWORKS:
        for distance in DISTANCES:
            found = [learn(network, distance, seed) for seed in SEEDS]
            accuracy, updates = (list(column) for column in zip(*found, strict=True))
            runs.append({"network": network, "distance": distance, "accuracy": accuracy, "updates": updates})
            print(network, distance, accuracy, updates, flush=True)
    versions = {"rnncourse": __version__, "numpy": np.__version__, "python": platform.python_version()}
    about = {"command": COMMAND, "date": f"{datetime.now(UTC):%Y-%m-%d}", "versions": versions, "settings": SETTINGS}
    lines = ",\n".join("  " + json.dumps(run) for run in runs)
    head = json.dumps(about | {"seeds": SEEDS}, indent=1).removesuffix("\n}")
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(f'{head},\n "runs": [\n{lines}\n ]\n}}\n', "utf8")


if __name__ == "__main__":
    main()
