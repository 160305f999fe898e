"""Claims of the chapter on deep networks."""

from __future__ import annotations

from typing import Any

import numpy as np

from .claim import claim, exact
from .table import Table


def loss(runs: Table, **arm: Any) -> Any:
    """Return the loss on the test images, of each arm at its own best rate, a seed an entry."""
    return by_seed(runs.best().where(**arm), "loss")


def by_seed(runs: Table, column: str) -> Any:
    """Return a column in the order of the seeds, whatever order shuffled labels have left."""
    return runs[column][np.argsort(runs["seed"], kind="stable")]


@claim(
    "deep-four-plain-layers",
    "digits-depth",
    factor="layers",
    within=("seed",),
    along=("rate",),
    where={"variant": "plain", "layers": (1, 4)},
    control={"layers": 1},
    treatment={"layers": 4},
    text="With each of five seeds the loss on the test images is higher with four plain layers than with one "
    "of as many parameters, each at its own best of four learning rates: 0.82 against 0.32 on average.",
    says={
        "0.82": lambda runs: loss(runs, layers=4).mean(),
        "0.32": lambda runs: loss(runs, layers=1).mean(),
    },
)
def four_plain_layers(runs: Table) -> bool:
    return bool((loss(runs, layers=4) > loss(runs, layers=1)).all())


@claim(
    "deep-residual-four",
    "digits-depth",
    factor="variant",
    within=("seed",),
    along=("rate",),
    where={"variant": ("plain", "residual"), "layers": 4},
    control={"variant": "plain"},
    treatment={"variant": "residual"},
    text="Make the four layers residual, and with each of five seeds the loss is lower than without the "
    "sums, at the best of four learning rates each: 0.38 against 0.82 on average.",
    says={
        "0.38": lambda runs: loss(runs, variant="residual").mean(),
        "0.82": lambda runs: loss(runs, variant="plain").mean(),
    },
)
def residual_four(runs: Table) -> bool:
    return bool((loss(runs, variant="residual") < loss(runs, variant="plain")).all())


@exact(
    "deep-residual-means",
    "digits-depth",
    where={"layers": (1, 2, 4)},
    text="On average the loss is 0.32 with one plain layer, 0.30 with two residual ones and 0.38 with four, "
    "at the best of four learning rates each.",
    says={
        "0.32": lambda runs: loss(runs, variant="plain", layers=1).mean(),
        "0.30": lambda runs: loss(runs, variant="residual", layers=2).mean(),
        "0.38": lambda runs: loss(runs, variant="residual", layers=4).mean(),
    },
)
def residual_means(runs: Table) -> bool:
    return bool(loss(runs, variant="residual", layers=4).mean() > loss(runs, variant="plain", layers=1).mean())


@claim(
    "deep-layer-norm-four",
    "digits-depth",
    factor="variant",
    within=("seed",),
    along=("rate",),
    where={"variant": ("plain", "layer norm"), "layers": 4},
    control={"variant": "plain"},
    treatment={"variant": "layer norm"},
    text="Within 90 updates the norm did not make up for depth: with each of five seeds the loss of four layers is "
    "higher with it than without, at the best of four learning rates each: 1.02 against 0.82 on average.",
    says={
        "1.02": lambda runs: loss(runs, variant="layer norm").mean(),
        "0.82": lambda runs: loss(runs, variant="plain").mean(),
    },
)
def layer_norm_four(runs: Table) -> bool:
    return bool((loss(runs, variant="layer norm") > loss(runs, variant="plain")).all())


def mean_loss(runs: Table, variant: str, layers: int) -> float:
    return float(loss(runs, variant=variant, layers=layers).mean())


@exact(
    "deep-layer-norm-means",
    "digits-depth",
    where={"variant": ("plain", "layer norm")},
    text="From one layer to four the mean losses with the norm are 0.35, 0.52, 0.67 and 1.02, without it 0.32, 0.38, "
    "0.50 and 0.82, at the best of four learning rates each.",
    says={
        "0.35": lambda runs: mean_loss(runs, "layer norm", 1),
        "0.52": lambda runs: mean_loss(runs, "layer norm", 2),
        "0.67": lambda runs: mean_loss(runs, "layer norm", 3),
        "1.02": lambda runs: mean_loss(runs, "layer norm", 4),
        "0.32": lambda runs: mean_loss(runs, "plain", 1),
        "0.38": lambda runs: mean_loss(runs, "plain", 2),
        "0.50": lambda runs: mean_loss(runs, "plain", 3),
        "0.82": lambda runs: mean_loss(runs, "plain", 4),
    },
)
def layer_norm_means(runs: Table) -> bool:
    return all(mean_loss(runs, "layer norm", n) > mean_loss(runs, "plain", n) for n in (1, 2, 3, 4))


@exact(
    "deep-layer-norm-gains",
    "digits-depth",
    where={"variant": ("plain", "layer norm, gains 0.3"), "layers": 4},
    text="With gains that start at 0.3 the mean loss of four layers is 0.95, at the best of four learning rates.",
    says={"0.95": lambda runs: mean_loss(runs, "layer norm, gains 0.3", 4)},
)
def layer_norm_gains(runs: Table) -> bool:
    return mean_loss(runs, "layer norm, gains 0.3", 4) > mean_loss(runs, "plain", 4)


def remembered(runs: Table, dropped: str) -> Any:
    """Return the share of right answers, each way of dropping at its own best rate, a seed an entry."""
    return by_seed(runs.best().where(dropped=dropped), "accuracy")


def all_right(runs: Table, dropped: str) -> tuple[int, int]:
    right = remembered(runs, dropped)
    return int((right > 0.9995).sum()), len(right)


def above(runs: Table, dropped: str, share: float) -> tuple[int, int]:
    right = remembered(runs, dropped)
    return int((right > share).sum()), len(right)


@claim(
    "deep-dropout-memory",
    "dropout-memory",
    factor="dropped",
    within=("seed",),
    along=("rate",),
    where={"dropped": ("nothing", "c, redrawn")},
    control={"dropped": "nothing"},
    treatment={"dropped": "c, redrawn"},
    text="With entries of the cell state dropped anew at each step, none of five runs is right in more than "
    "51 % of the answers; with nothing dropped, four of five are right in all of them, at the best of "
    "four learning rates each.",
    says={
        "none of five": lambda runs: above(runs, "c, redrawn", 0.515),
        "51 %": lambda runs: 100 * remembered(runs, "c, redrawn").max(),
        "four of five": lambda runs: all_right(runs, "nothing"),
    },
)
def dropout_memory(runs: Table) -> bool:
    return bool((remembered(runs, "nothing") > remembered(runs, "c, redrawn")).all())


@exact(
    "deep-dropout-not-memory",
    "dropout-memory",
    where={"dropped": "a, redrawn"},
    text="It is not dropout along time as such: with entries of $a$ dropped anew at each step, at the best "
    "of four learning rates, all of five are right in all of them.",
    says={"all of five": lambda runs: all_right(runs, "a, redrawn")},
)
def dropout_not_memory(runs: Table) -> bool:
    return all_right(runs, "a, redrawn")[0] >= 5


@exact(
    "deep-dropout-memory-training",
    "dropout-memory",
    where={"dropped": "c, redrawn"},
    text="While entries of the cell state are dropped, the training loss stays at 0.75 or more in each of five runs.",
    says={"0.75": lambda runs: by_seed(runs.best(), "last").min()},
)
def dropout_memory_training(runs: Table) -> bool:
    return bool(by_seed(runs.best(), "last").min() > 0.7)


@claim(
    "deep-dropout-held",
    "dropout-memory",
    factor="dropped",
    within=("seed",),
    along=("rate",),
    where={"dropped": ("c, redrawn", "c, held")},
    control={"dropped": "c, redrawn"},
    treatment={"dropped": "c, held"},
    text="Hold one mask for the sequence, and with each of five seeds more answers are right than with a mask drawn "
    "anew at each step, at the best of four learning rates each: 86 % against 45 % on average.",
    says={
        "86 %": lambda runs: 100 * remembered(runs, "c, held").mean(),
        "45 %": lambda runs: 100 * remembered(runs, "c, redrawn").mean(),
    },
)
def dropout_held(runs: Table) -> bool:
    return bool((remembered(runs, "c, held") > remembered(runs, "c, redrawn")).all())


@exact(
    "deep-dropout-held-a",
    "dropout-memory",
    where={"dropped": "a, held"},
    text="With entries of $a$ dropped and one mask held for a sequence, two of five are right in all of them, and the "
    "least in 51 %.",
    says={
        "two of five": lambda runs: all_right(runs, "a, held"),
        "51 %": lambda runs: 100 * remembered(runs, "a, held").min(),
    },
)
def dropout_held_a(runs: Table) -> bool:
    return all_right(runs, "a, held")[0] < 5


def named_right(runs: Table, dropout: str) -> float:
    """Return the mean share of right answers on the test images, in per cent."""
    return 100 * float(by_seed(runs.best().where(dropout=dropout), "accuracy").mean())


NONE, BETWEEN, ALONG = "none", "between layers, new at each step", "weights along time, held"


@exact(
    "deep-dropout-few",
    "digits-dropout",
    text="Of the test images 76 % are named right on average with nothing dropped, 79 % with dropout between the "
    "layers and 81 % with weights dropped along time, at the best of four learning rates each.",
    says={
        "76 %": lambda runs: named_right(runs, NONE),
        "79 %": lambda runs: named_right(runs, BETWEEN),
        "81 %": lambda runs: named_right(runs, ALONG),
    },
)
def dropout_few(runs: Table) -> bool:
    return named_right(runs, NONE) < named_right(runs, BETWEEN) < named_right(runs, ALONG)


@exact(
    "deep-dropout-few-held",
    "digits-dropout",
    text="One mask between the layers that is held for a sequence gives 79 % as well, and held masks at both places "
    "78 %, at the best of four learning rates each.",
    says={
        "79 %": lambda runs: named_right(runs, "between layers, held"),
        "78 %": lambda runs: named_right(runs, "between layers and weights along time, held"),
    },
)
def dropout_few_held(runs: Table) -> bool:
    return abs(named_right(runs, "between layers, held") - named_right(runs, BETWEEN)) < 1
