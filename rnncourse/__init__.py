"""Recurrent neural networks in plain NumPy: the reference implementation of the course.

A layer is an immutable record of its parameters; ``forward`` returns a run, the record of what it computed;
``backward`` takes the run and returns gradients in a record of the layer's own type. Everything else composes these.

Examples
--------
>>> import numpy as np
>>> from rnncourse import RNN
>>> layer = RNN.init(n_x=4, n_a=5, rng=np.random.default_rng(0))
>>> run = layer.forward(np.ones((7, 3, 4)))
>>> grads = layer.backward(run, da=np.ones_like(run.a))
>>> grads
Gradients(x=float64[7, 3, 4], state=float64[3, 5], layer=RNN(W=float64[5, 9], b=float64[5], activation='tanh'))
"""

from typing import TYPE_CHECKING

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Bidirectional",
    "Deep",
    "Dense",
    "Embedding",
    "Gradients",
    "Halves",
    "RecurrentDropout",
    "Workspace",
    "__version__",
    "check",
    "gru_cell_backward",
    "gru_cell_forward",
    "lstm_cell_backward",
    "lstm_cell_forward",
    "rnn_cell_backward",
    "rnn_cell_forward",
    "tree_map",
]

# Where each name comes from. Loaded when it is first asked for: to make all records takes a fifth of what NumPy takes.
_HOMES = {
    "gradcheck": ("check",),
    "layers.bidirectional": ("Bidirectional",),
    "layers.deep": ("Deep",),
    "layers.dense": ("Dense",),
    "layers.embedding": ("Embedding",),
    "layers.gru": ("GRU", "gru_cell_backward", "gru_cell_forward"),
    "layers.halves": ("Halves",),
    "layers.lstm": ("LSTM", "lstm_cell_backward", "lstm_cell_forward"),
    "layers.recurrent_dropout": ("RecurrentDropout",),
    "layers.rnn": ("RNN", "rnn_cell_backward", "rnn_cell_forward"),
    "records": ("Gradients", "tree_map"),
    "workspace": ("Workspace",),
}

_SUBMODULES = (
    "activations",
    "battery",
    "chunked",
    "data",
    "diagrams",
    "equations",
    "exchange",
    "exercises",
    "gradcheck",
    "initializers",
    "language_model",
    "layers",
    "listing",
    "losses",
    "optimizers",
    "records",
    "rtrl",
    "schedules",
    "storage",
    "tasks",
    "training",
    "widgets",
    "workspace",
)

if TYPE_CHECKING:
    from . import (  # noqa: F401
        activations,
        battery,
        chunked,
        data,
        diagrams,
        equations,
        exchange,
        exercises,
        gradcheck,
        initializers,
        language_model,
        layers,
        listing,
        losses,
        optimizers,
        records,
        rtrl,
        schedules,
        storage,
        tasks,
        training,
        widgets,
        workspace,
    )
    from .gradcheck import check
    from .layers.bidirectional import Bidirectional
    from .layers.deep import Deep
    from .layers.dense import Dense
    from .layers.embedding import Embedding
    from .layers.gru import GRU, gru_cell_backward, gru_cell_forward
    from .layers.halves import Halves
    from .layers.lstm import LSTM, lstm_cell_backward, lstm_cell_forward
    from .layers.recurrent_dropout import RecurrentDropout
    from .layers.rnn import RNN, rnn_cell_backward, rnn_cell_forward
    from .records import Gradients, tree_map
    from .workspace import Workspace

    __version__: str


def _later(name: str) -> object:
    """Give a name, a module of the package or the version, when it is asked for first."""
    from importlib import import_module

    if name in _SUBMODULES:  # importing it puts it among the attributes of the package
        return import_module(f"{__name__}.{name}")
    for home, names in _HOMES.items():
        if name in names:
            value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
            return value
    if name == "__version__":  # read from the installed metadata: this alone would double the import time
        from importlib.metadata import version

        return version("rnncourse")
    raise AttributeError(f"module 'rnncourse' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_SUBMODULES})


if not TYPE_CHECKING:  # a checker of types would take any name for one of the package
    __getattr__ = _later
