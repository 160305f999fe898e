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
        training,
        widgets,
        workspace,
    )

    __version__: str


def _later(name: str) -> object:
    """Give the version, or a module of the package: both when they are asked for first."""
    if name in _SUBMODULES:  # importing it puts it among the attributes of the package
        from importlib import import_module

        return import_module(f"{__name__}.{name}")
    if name == "__version__":  # read from the installed metadata only when asked for: it would double the import time
        from importlib.metadata import version

        return version("rnncourse")
    raise AttributeError(f"module 'rnncourse' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_SUBMODULES})


if not TYPE_CHECKING:  # a checker of types would take any name for one of the package
    __getattr__ = _later
