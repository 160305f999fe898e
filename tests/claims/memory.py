"""Claims of the chapter on tests of long memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from experiments.memory_adder import ADDER, NOTHING, OTHERS, READ

from .claim import claim, exact
from .table import Table


def losses(runs: Table, held: str) -> Any:
    """Return the losses with something held, in per cent of a guess's."""
    return 100 * runs.where(training="after", held=held)["loss"]


def at(runs: Table, training: str, column: str) -> Any:
    return runs.where(training=training, held=NOTHING)[column]


@claim(
    "memory-adder-follows",
    "memory-adder",
    where={"lag": 50, "held": NOTHING},
    factor="training",
    within=("seed",),
    control={"training": "before"},
    treatment={"training": "after"},
    says={
        "98 %": lambda runs: 100 * at(runs, "after", "follows").min(),
        "57 %": lambda runs: 100 * at(runs, "before", "follows").max(),
        "8 %": lambda runs: 100 * at(runs, "after", "unmarked").max(),
    },
    text="In each of five networks trained at one learning rate, there is a unit of whose memory a running sum and a "
    "count explain at least 98 %; before training, of the best unit's at most 57 %; and of the unmarked numbers the "
    "same two explain at most 8 %.",
)
def adder_follows(runs: Table) -> bool:
    return bool(at(runs, "after", "follows").min() > 0.98 and at(runs, "before", "follows").max() < 0.6)


@claim(
    "memory-adder-gates",
    "memory-adder",
    where={"lag": 50, "held": NOTHING},
    factor="training",
    within=("seed",),
    control={"training": "before"},
    treatment={"training": "after"},
    says={
        "0.76": lambda runs: at(runs, "after", "at_marks").min(),
        "0.88": lambda runs: at(runs, "after", "at_marks").max(),
        "0.02": lambda runs: at(runs, "after", "elsewhere").max(),
        "0.98": lambda runs: at(runs, "after", "forget").min(),
        "0.11": lambda runs: (at(runs, "before", "at_marks") - at(runs, "before", "elsewhere")).max(),
    },
    text="After training at one learning rate, its update gate is in the mean open by 0.76 to 0.88 at the marked "
    "steps and by at most 0.02 at the others, and its forget gate by at least 0.98; before training the update gates "
    "at marked and at other steps differ by at most 0.11.",
)
def adder_gates(runs: Table) -> bool:
    after = at(runs, "after", "at_marks") - at(runs, "after", "elsewhere")
    before = at(runs, "before", "at_marks") - at(runs, "before", "elsewhere")
    return bool(after.min() > 0.7 and before.max() < 0.2)


@claim(
    "memory-adder-held",
    "memory-adder",
    where={"lag": 50, "training": "after", "held": (ADDER, OTHERS)},
    factor="held",
    within=("seed",),
    control={"held": OTHERS},
    treatment={"held": ADDER},
    says={
        "92 %": lambda runs: losses(runs, ADDER).min(),
        "18": lambda runs: runs.about["settings"]["units"] - 1,
        "7 %": lambda runs: losses(runs, OTHERS).max(),
    },
    text="Hold the memory of that one unit at its mean, and the loss is at least 92 % of a guess's in each of five "
    "networks trained at one learning rate; hold those of all 18 others instead, and it is at most 7 %.",
)
def adder_held(runs: Table) -> bool:
    return bool(losses(runs, ADDER).min() > 90 and losses(runs, OTHERS).max() < 10)


@exact(
    "memory-adder-read",
    "memory-adder",
    where={"lag": 50, "training": "after", "held": (NOTHING, READ)},
    says={
        "17 %": lambda runs: losses(runs, READ).max(),
        "2 %": lambda runs: losses(runs, NOTHING).max(),
    },
    text="With all that the cell reads of its own output held at its mean, the loss is at most 17 % of a guess's, and "
    "at most 2 % with nothing held.",
)
def adder_read(runs: Table) -> bool:
    return bool(losses(runs, READ).max() < 20 and losses(runs, NOTHING).max() < 5)


def alone(runs: Table) -> tuple[int, int]:
    """Count the networks that one unit decides: with it held a guess is left, with the others held a tenth of that."""
    decided = (losses(runs, ADDER) > 80) & (losses(runs, OTHERS) < 10)
    return int(decided.sum()), len(decided)


@exact(
    "memory-adder-all",
    "memory-adder",
    where={"training": "after", "held": (ADDER, OTHERS)},
    says={
        "13 of 15": alone,
        "80 %": lambda runs: 80,
        "10 %": lambda runs: 10,
    },
    text="Over all three lags, it is so in 13 of 15 networks: more than 80 % of a guess's loss with the one unit held, "
    "less than 10 % with all others.",
)
def adder_all(runs: Table) -> bool:
    return alone(runs)[0] > 0.8 * alone(runs)[1]


TANH, ORTHOGONAL, RELU = "tanh, PyTorch's start", "tanh, orthogonal", "ReLU, identity"
GATED, STANDARD, BY_LAG = "GRU, b_u = -3", "LSTM, b_f = 1", "LSTM, b_f by lag"
SOLVED = 0.98


def best(runs: Table, network: str) -> Table:
    """Return the runs of a network at its own best rate, by the loss on the examples for validation."""
    return runs.best(by="valid", highest=False).where(network=network)


def right(runs: Table, network: str) -> Any:
    """Return the share of examples that are right, in per cent, at the network's own best rate."""
    return 100 * best(runs, network)["right"]


def solved(runs: Table, network: str) -> tuple[int, int]:
    """Count the runs that have solved the task, at the network's own best rate."""
    return count(best(runs, network))


def count(runs: Table) -> tuple[int, int]:
    return int((runs["right"] >= SOLVED).sum()), len(runs)


@claim(
    "memory-adding-lstm",
    "memory-adding",
    where={"lag": 100, "network": (TANH, STANDARD)},
    factor="network",
    within=("seed",),
    along=("rate",),
    control={"network": TANH},
    treatment={"network": STANDARD},
    says={
        "98 %": lambda runs: right(runs, STANDARD).min(),
        "32 %": lambda runs: right(runs, TANH).max(),
    },
    text="At $T = 100$ the LSTM with $b_f = 1$ says at least 98 % of the sums right with each of five seeds, and the "
    "tanh network from PyTorch's start at most 32 %, each at its own best of three learning rates.",
)
def adding_lstm(runs: Table) -> bool:
    return bool(right(runs, STANDARD).min() > 95 and right(runs, TANH).max() < 50)


@claim(
    "memory-adding-orthogonal",
    "memory-adding",
    where={"lag": 100, "network": (ORTHOGONAL, STANDARD)},
    factor="network",
    within=("seed",),
    along=("rate",),
    control={"network": ORTHOGONAL},
    treatment={"network": STANDARD},
    says={"31 %": lambda runs: right(runs, ORTHOGONAL).max()},
    text="The orthogonal start does not help a tanh network that far: at most 31 % are right, at the best of three "
    "learning rates.",
)
def adding_orthogonal(runs: Table) -> bool:
    return bool(right(runs, STANDARD).min() > 95 and right(runs, ORTHOGONAL).max() < 50)


@exact(
    "memory-adding-relu",
    "memory-adding",
    where={"lag": 100, "network": RELU},
    says={
        "all of five": lambda runs: count(runs.where(rate=0.003)),
        "one of five": lambda runs: count(runs.where(rate=0.01)),
        "none of five": lambda runs: count(runs.where(rate=0.03)),
    },
    text="The ReLU network that starts as the identity has solved it as well, in all of five runs at the learning rate "
    "0.003, but in one of five at 0.01 and in none of five at 0.03.",
)
def adding_relu(runs: Table) -> bool:
    return bool(count(runs.where(rate=0.003))[0] > count(runs.where(rate=0.01))[0] > count(runs.where(rate=0.03))[0])


@claim(
    "memory-adding-gru",
    "memory-adding",
    where={"lag": 100, "network": (GATED, STANDARD)},
    factor="network",
    within=("seed",),
    along=("rate",),
    control={"network": STANDARD},
    treatment={"network": GATED},
    says={
        "200": lambda runs: best(runs, GATED)["updates"].max(),
        "450": lambda runs: best(runs, STANDARD)["updates"].min(),
    },
    text="The GRU stops after 200 updates at most, the LSTM with $b_f = 1$ after 450 at least, each at its own best of "
    "three learning rates.",
)
def adding_gru(runs: Table) -> bool:
    return bool(best(runs, GATED)["updates"].max() < best(runs, STANDARD)["updates"].min())


@claim(
    "memory-adding-by-lag",
    "memory-adding",
    where={"lag": 100, "network": (BY_LAG, STANDARD)},
    factor="network",
    within=("seed",),
    along=("rate",),
    control={"network": STANDARD},
    treatment={"network": BY_LAG},
    says={
        "two of five": lambda runs: solved(runs, BY_LAG),
        "all of five": lambda runs: solved(runs, STANDARD),
    },
    text="With $b_f = \\log T$ it is two of five runs, with $b_f = 1$ all of five, at the best of three learning rates "
    "each.",
)
def adding_by_lag(runs: Table) -> bool:
    return bool(solved(runs, STANDARD)[0] > solved(runs, BY_LAG)[0] + 2)


@exact(
    "memory-reber-tanh",
    "memory-reber",
    where={"lag": 20},
    says={"all of five": lambda runs: min(solved(runs, network) for network in runs.levels("network"))},
    text="On strings of 20 letters or more every one of the six networks has solved it in all of five runs, at its own "
    "best of three learning rates, the plain tanh network included.",
)
def reber_tanh(runs: Table) -> bool:
    return all(solved(runs, network)[0] >= 5 for network in runs.levels("network"))


@exact(
    "memory-opening",
    "memory-adding",
    where={"lag": 50, "network": TANH},
    says={"0.17": lambda runs: best(runs, TANH)["loss"].mean()},
    text="Five networks of tanh units were trained on it, each with 1,200 updates of 32 new sequences, at the best of "
    "three learning rates; on other sequences their mean square error is 0.17 in the mean.",
)
def opening(runs: Table) -> bool:
    return bool(0.9 / 6 < best(runs, TANH)["loss"].mean() < 1.1 / 6)


@exact(
    "memory-adding-under-way",
    "memory-adding",
    where={"lag": 25, "network": ORTHOGONAL},
    says={
        "four of five": lambda runs: below(best(runs, ORTHOGONAL), 0.1),
        "0.1": lambda runs: 0.1,
        "none of five": lambda runs: solved(runs, ORTHOGONAL),
    },
    text="At $T = 25$ the tanh network with the orthogonal start has solved it in none of five runs, at the best of "
    "three learning rates; but in four of five its error has come below 0.1.",
)
def under_way(runs: Table) -> bool:
    return below(best(runs, ORTHOGONAL), 0.1)[0] > 3 and solved(runs, ORTHOGONAL)[0] < 1


def below(runs: Table, limit: float) -> tuple[int, int]:
    return int((runs["loss"] < limit).sum()), len(runs)


@claim(
    "memory-order-gru",
    "memory-order",
    where={"lag": 100, "network": (TANH, GATED)},
    factor="network",
    within=("seed",),
    along=("rate",),
    control={"network": TANH},
    treatment={"network": GATED},
    says={
        "all of five": lambda runs: solved(runs, GATED),
        "none of five": lambda runs: solved(runs, TANH),
    },
    text="Over 100 steps the GRU has solved it in all of five runs, the tanh network from PyTorch's start in none of "
    "five, each at its own best of three learning rates.",
)
def order_gru(runs: Table) -> bool:
    return bool(solved(runs, GATED)[0] > 4 and solved(runs, TANH)[0] < 1)


@exact(
    "memory-order-relu",
    "memory-order",
    where={"lag": 100, "network": (RELU, STANDARD)},
    says={
        "all of five": lambda runs: count(runs.where(network=RELU, rate=0.003)),
        "none of five": lambda runs: max(
            solved(runs, STANDARD), *(count(runs.where(network=RELU, rate=rate)) for rate in (0.01, 0.03))
        ),
    },
    text="The ReLU network that starts as the identity has solved it in all of five runs as well, at the learning rate "
    "0.003, but in none of five at 0.01 or 0.03; and the LSTM with $b_f = 1$ in none of five, at the best of three.",
)
def order_relu(runs: Table) -> bool:
    relu = runs.where(network=RELU)
    counts = [count(relu.where(rate=rate))[0] for rate in (0.003, 0.01, 0.03)]
    return counts[0] > counts[1] + 4 and counts[0] > counts[2] + 4 and counts[0] > solved(runs, STANDARD)[0] + 4


@claim(
    "memory-order-by-lag",
    "memory-order",
    where={"lag": (60, 100), "network": (STANDARD, BY_LAG)},
    factor="network",
    within=("lag", "seed"),
    along=("rate",),
    control={"network": STANDARD},
    treatment={"network": BY_LAG},
    says={
        "nine of ten": lambda runs: solved(runs, BY_LAG),
        "three of ten": lambda runs: solved(runs, STANDARD),
    },
    text="In temporal order it is the other way round: over 60 and over 100 steps the LSTM with $b_f = \\log T$ has "
    "solved it in nine of ten runs, the one with $b_f = 1$ in three of ten, at the best of three learning rates each.",
)
def order_by_lag(runs: Table) -> bool:
    return bool(solved(runs, BY_LAG)[0] >= solved(runs, STANDARD)[0] + 6)


OTHER_FIVE = (TANH, ORTHOGONAL, RELU, STANDARD, BY_LAG)


@claim(
    "memory-copying-gru",
    "memory-copying",
    where={"lag": 20},
    factor="network",
    within=("seed",),
    along=("rate",),
    says={
        "84 %": lambda runs: right(runs, GATED).min(),
        "45 %": lambda runs: max(right(runs, network).max() for network in OTHER_FIVE),
        "two of five": lambda runs: solved(runs, GATED),
    },
    text="At $T = 20$ the GRU has at least 84 % of the sequences right with each of five seeds, and solves it in two "
    "of five; the other networks have at most 45 %, at the best of three learning rates each.",
)
def copying_gru(runs: Table) -> bool:
    return bool(right(runs, GATED).min() > max(right(runs, network).max() for network in OTHER_FIVE))


def guesses(runs: Table) -> tuple[int, int]:
    """Count the runs whose loss is that of a guess: 3 log 8 / (T + 6)."""
    near = np.abs(best(runs, TANH)["loss"] - 3 * np.log(8) / 26) < 0.003
    return int(near.sum()), len(near)


@exact(
    "memory-copying-guess",
    "memory-copying",
    where={"lag": 20, "network": TANH},
    says={"four of five": guesses, "0.003": lambda runs: 0.003},
    text="Of the tanh networks from PyTorch's start four of five end within 0.003 of that guess, at the best of three "
    "learning rates: they have learned where the blanks are, and nothing else.",
)
def copying_guess(runs: Table) -> bool:
    return guesses(runs)[0] > 3


@exact(
    "memory-mean-misleads",
    "memory-adding",
    where={"lag": 50, "network": BY_LAG},
    says={
        "0.003": lambda runs: best(runs, BY_LAG)["rate"].max(),
        "none of five": lambda runs: solved(runs, BY_LAG),
        "four of five": lambda runs: count(runs.where(rate=0.03)),
    },
    text="For adding at $T = 50$ with $b_f = \\log T$ the best mean loss chose the learning rate 0.003 of three, at "
    "which none of five runs have solved the task; at 0.03 four of five have, and the fifth spoils the mean.",
)
def mean_misleads(runs: Table) -> bool:
    return count(runs.where(rate=0.03))[0] > solved(runs, BY_LAG)[0]


@exact(
    "memory-order-near",
    "memory-order",
    where={"lag": 30},
    says={"all of five": lambda runs: min(solved(runs, network) for network in runs.levels("network"))},
    text="Over 30 steps every one of the six networks has solved it in all of five runs, at its own best of three "
    "learning rates.",
)
def order_near(runs: Table) -> bool:
    return all(solved(runs, network)[0] >= 5 for network in runs.levels("network"))


def halfway(runs: Table) -> Table:
    """Return the run whose loss is nearest to log 2."""
    return runs.rows(np.argsort(np.abs(runs["loss"] - np.log(2)))[:1])


@exact(
    "memory-half",
    "memory-order",
    where={"lag": 60, "network": STANDARD, "rate": 0.01},
    says={
        "51 %": lambda runs: 100 * halfway(runs)["right"].item(),
        "0.70": lambda runs: halfway(runs)["loss"].item(),
    },
    text="Choose temporal order and the LSTM with $b_f = 1$: at $T = 60$ and the rate 0.01 one run has 51 % of the "
    "answers right, at a loss of 0.70.",
)
def half(runs: Table) -> bool:
    return bool(abs(halfway(runs)["loss"].item() - np.log(2)) < 0.01)


@exact(
    "memory-order-edge",
    "memory-edges",
    where={"task": "order", "lag": (60, 100), "network": STANDARD},
    says={"seven of ten": count},
    text="At 0.001, tried afterwards with $b_f = 1$ alone, it has solved it in seven of ten.",
)
def order_edge(runs: Table) -> bool:
    return count(runs)[0] > 5


@exact(
    "memory-edges-tanh",
    "memory-edges",
    where={"network": TANH, "lag": 100},
    says={"none of ten": count},
    text="At 0.001 the tanh network from PyTorch's start has solved adding and order over 100 steps in none of ten "
    "runs.",
)
def edges_tanh(runs: Table) -> bool:
    return count(runs)[0] < 1
