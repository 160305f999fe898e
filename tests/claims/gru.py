"""Claims of the chapter on the GRU."""

from __future__ import annotations

from .claim import claim, exact, same
from .statistics import sign_interval
from .table import Table, table

SHUT, HALF, TANH = "GRU, b_u = -3", "GRU, b_u = 0", "tanh, orthogonal"
PYTORCH = {"GRU": "GRU, PyTorch's start", "tanh": "tanh, PyTorch's start"}


def solved(runs: Table, layer: str) -> tuple[int, int]:
    """Return how many runs of a layer solved the task, each delay at its best rate, and of how many."""
    accuracy = runs.best().where(layer=layer)["accuracy"]
    return int((accuracy >= table("recall-delay").about["settings"]["solved"]).sum()), len(accuracy)


@claim(
    "gru-shut-or-half-open",
    "recall-delay",
    factor="layer",
    within=("delay", "seed"),
    along=("rate",),
    where={"layer": (SHUT, HALF)},
    control={"layer": HALF},
    treatment={"layer": SHUT},
    text="At delays of 40 and 80, each layer at its own best of three learning rates, the GRU that starts with its "
    "gates nearly shut solved the task in ten of ten runs, the half-open one in none of ten.",
    says={"ten of ten": lambda runs: solved(runs, SHUT), "none of ten": lambda runs: solved(runs, HALF)},
)
def shut_or_half_open(runs: Table) -> bool:
    return solved(runs, SHUT)[0] >= 10 and solved(runs, HALF)[0] <= 0


@claim(
    "gru-shut-or-tanh",
    "recall-delay",
    factor="layer",
    within=("delay", "seed"),
    along=("rate",),
    where={"layer": (SHUT, TANH)},
    control={"layer": TANH},
    treatment={"layer": SHUT},
    text="Against the orthogonal tanh layer it is ten of ten runs to three of ten.",
    says={"ten of ten": lambda runs: solved(runs, SHUT), "three of ten": lambda runs: solved(runs, TANH)},
)
def shut_or_tanh(runs: Table) -> bool:
    return solved(runs, SHUT)[0] >= 10 and solved(runs, TANH)[0] <= 3


@exact(
    "gru-as-pytorch-starts-it",
    "recall-delay",
    where={"layer": tuple(PYTORCH.values())},
    text="Started as PyTorch starts them, the GRU solved it in none of ten runs and the tanh layer in one of ten.",
    says={
        "none of ten": lambda runs: solved(runs, PYTORCH["GRU"]),
        "one of ten": lambda runs: solved(runs, PYTORCH["tanh"]),
    },
)
def as_pytorch_starts_it(runs: Table) -> bool:
    return solved(runs, PYTORCH["GRU"])[0] == 0 and solved(runs, PYTORCH["tanh"])[0] == 1


POSITIONS = tuple(f"update gate at {position:g}" for position in (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0))


@claim(
    "gru-gates-must-move",
    "recall-gates",
    where={"held": ("nothing", *POSITIONS), "delay": 20},
    factor="held",
    within=("seed",),
    control={"held": POSITIONS[5]},
    treatment={"held": "nothing"},
    says={
        "89 %": lambda runs: 100 * runs.where(held=POSITIONS)["accuracy"].max(),
        "100 %": lambda runs: 100 * runs.where(held="nothing")["accuracy"].min(),
    },
    text="In five networks, trained at one learning rate, the update gates leave at most 89 % of the answers right "
    "when they are held at any of eight positions from 0.02 to 1, and 100 % when they are left to move.",
)
def gates_must_move(runs: Table) -> bool:
    return runs.where(held="nothing")["accuracy"].min() > 0.99 and runs.where(held=POSITIONS)["accuracy"].max() < 0.9


@same(
    "gru-reset-not-needed",
    "recall-gates",
    where={"held": ("nothing", "reset gate at 1"), "delay": 20},
    factor="held",
    outcome="accuracy",
    margin=0.02,
    text="At the delay of 20, with all reset gates held open, the answers are as right as before, within 0.02: there "
    "these networks do not need them to move.",
)
def reset_not_needed(runs: Table) -> tuple[float, float]:
    return sign_interval(runs.where(held="reset gate at 1")["accuracy"] - runs.where(held="nothing")["accuracy"])


RIGHT = 0.99  # accuracy


def right(runs: Table, held: str) -> tuple[int, int]:
    accuracy = runs.where(held=held)["accuracy"]
    return int((accuracy > RIGHT).sum()), len(accuracy)


@exact(
    "gru-forgets-later",
    "recall-gates",
    where={"held": ("nothing", "update gate, shut after the mark"), "delay": 320},
    says={
        "99 %": lambda runs: 100 * RIGHT,
        "one of five": lambda runs: right(runs, "nothing"),
        "four of five": lambda runs: right(runs, "update gate, shut after the mark"),
    },
    text="After 320 steps one of five networks is still right in more than 99 % of its answers; with the update "
    "gates shut by hand after the mark, four of five are.",
)
def forgets_later(runs: Table) -> bool:
    return right(runs, "nothing")[0] < right(runs, "update gate, shut after the mark")[0]
