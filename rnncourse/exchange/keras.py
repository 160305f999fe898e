"""Parameters from and to Keras 3: SimpleRNN, GRU, LSTM, Bidirectional, Dense, Embedding.

Keras's matrices are *from* × *to*, ours *to* × *from*, and its sequences are (B, T, n_x). Its LSTM has one bias, in
which ``unit_forget_bias`` is already added; its GRU resets after the product and has two, or before and has one
(``reset_after=False``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import _validation as validate
from ..layers.bidirectional import Bidirectional
from ..layers.deep import Deep
from ..layers.dense import Dense
from ..layers.embedding import Embedding
from ..layers.gru import GRU
from ..records import Array
from .blocks import Blocks, from_blocks, kind_of, to_blocks

__all__ = ["from_keras", "to_keras"]

ACTIVATIONS = {"tanh": "tanh", "sigmoid": "sigmoid", "relu": "relu", "linear": "identity"}
NAMES = ("weights[0]", "weights[1]", "weights[2]", "weights[2]")
LAYERS = ("SimpleRNN", "GRU", "LSTM", "Bidirectional", "Dense", "Embedding")


def from_keras(source: Any, activation: str = "tanh", reset_after: bool | None = None) -> Any:
    """Make a layer of a layer of Keras, or of the list that its ``get_weights()`` returns [1]_.

    Parameters
    ----------
    source : keras.layers.Layer or list of ndarray
        A ``SimpleRNN``, ``GRU``, ``LSTM``, ``Bidirectional`` of them, ``Dense`` or ``Embedding`` that is built; or a
        list: ``[kernel, recurrent_kernel, bias]``, twice as many of a ``Bidirectional``, ``[kernel, bias]`` of a
        ``Dense``. The kind of a list is read from its shapes.
    activation : str
        Of a list of a ``SimpleRNN`` ('tanh', 'sigmoid', 'relu', 'linear'); a ``Dense`` from a list is linear. A layer's
        own is taken from it.
    reset_after : bool, optional
        Of a list of a ``GRU`` without biases, whose shapes do not tell.

    Returns
    -------
    RNN, GRU, LSTM, Bidirectional, Dense or Embedding
        The layer; its arrays are copies. Dropout, masks and ``stateful`` are no part of it.

    Raises
    ------
    ValueError
        If the shapes are not Keras's, or the layer has what has no counterpart here.
    TypeError
        If these are no layer and no list of arrays, or of a dtype other than float32 and float64.

    References
    ----------
    .. [1] F. Chollet et al., "Keras", https://keras.io, 2015.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> from_keras([rng.normal(size=shape) for shape in ((4, 9), (3, 9), (2, 9))])
    GRU(W=float64[9, 7], b=float64[9], b_cc=float64[3])
    """
    if callable(getattr(source, "get_weights", None)) and not isinstance(source, type):
        return _from_layer(source)
    if not isinstance(source, list | tuple):
        raise TypeError(f"source: expected a layer of Keras or a list of arrays, got {validate.describe(source)}")
    weights = [validate.ndarray(f"weights[{k}]", array) for k, array in enumerate(source)]
    if len(weights) == 2 and weights[1].ndim == 1:
        return _dense(weights, "linear")
    if len(weights) in (4, 6):
        half = len(weights) // 2
        return Bidirectional(*(_recurrent(part, activation, reset_after) for part in (weights[:half], weights[half:])))
    if len(weights) not in (2, 3):
        raise ValueError(f"source: expected 2, 3, 4 or 6 arrays, as get_weights() gives them, got {len(weights)}")
    return _recurrent(weights, activation, reset_after)


def to_keras(layer: Any, gradients: bool = False) -> list[Array]:
    """Return a layer's arrays as ``set_weights`` of Keras takes them.

    Parameters
    ----------
    layer : layer
        `RNN`, `GRU` (reset after or before), `LSTM` (plain), `Bidirectional` of two such of one kind and size, `Dense`,
        `Embedding`, or `Deep` of these, whose arrays follow each other as those of a ``Sequential`` do.
    gradients : bool
        Whether these are gradients: then both rows of the bias of a GRU that resets after get the whole (for parameters
        the second gets zeros, but for b_cc).

    Returns
    -------
    list of ndarray
        ``kernel``, ``recurrent_kernel``, ``bias``, and so on. Activations are arguments of Keras's layers.

    Raises
    ------
    ValueError
        If Keras has no counterpart; the message says why.

    Examples
    --------
    >>> from rnncourse import LSTM
    >>> layer = LSTM.init(n_x=4, n_a=3, rng=np.random.default_rng(0))
    >>> [array.shape for array in to_keras(layer)]
    [(4, 12), (3, 12), (12,)]
    >>> from_keras(to_keras(layer)) == layer
    True
    """
    if isinstance(layer, Deep):
        return [array for each in layer.layers for array in to_keras(each, gradients)]
    if isinstance(layer, Bidirectional):
        if type(layer.fwd) is not type(layer.bwd) or layer.fwd.n_out != layer.bwd.n_out:
            raise ValueError("layer: Keras's Bidirectional has two layers of one kind and size, and these differ")
        return to_keras(layer.fwd, gradients) + to_keras(layer.bwd, gradients)
    if isinstance(layer, Embedding):
        return [layer.W.copy()]
    if isinstance(layer, Dense):
        return [layer.W.T.copy()] + ([] if layer.b is None else [layer.b.copy()])
    blocks = to_blocks(layer, "Keras", gradients=gradients, able=("before", "after"))
    two = type(layer) is GRU and layer.reset_after
    return [blocks.W_x.T.copy(), blocks.W_h.T.copy(), np.stack(blocks[2:]) if two else blocks.b_x]


def _from_layer(source: Any) -> Any:
    """Make a layer of a layer of Keras."""
    kind = type(source).__name__
    if kind not in LAYERS:
        raise ValueError(f"source: expected one of {', '.join(LAYERS)}, got {kind}: it has no counterpart here")
    if not source.built:
        raise ValueError(
            f"source: expected a {kind} that is built, since others have no arrays: call it, or build(shape)"
        )
    if kind == "Bidirectional":
        if source.merge_mode != "concat":
            raise ValueError(
                f"source: merge_mode {source.merge_mode!r} has no counterpart here, which puts outputs side by side"
            )
        _check(source.backward_layer, backwards=True)
        return Bidirectional(_from_layer(source.forward_layer), _of(source.backward_layer))
    _check(source)
    return _of(source)


def _of(source: Any) -> Any:
    """Make a layer of a checked layer of Keras."""
    kind, config, weights = type(source).__name__, source.get_config(), source.get_weights()
    weights = [validate.ndarray(f"weights[{k}]", array) for k, array in enumerate(weights)]
    if kind == "Embedding":
        return Embedding(weights[0])
    if kind == "Dense":
        return _dense(weights, config["activation"])
    return _recurrent(weights, config["activation"], config.get("reset_after"))


def _check(source: Any, backwards: bool = False) -> None:
    """Refuse settings without a counterpart."""
    kind, config = type(source).__name__, source.get_config()
    if kind in ("GRU", "LSTM"):
        for name, only in (("activation", "tanh"), ("recurrent_activation", "sigmoid")):
            if config[name] != only:
                raise ValueError(f"source: {name} {config[name]!r} has no counterpart in {kind} here, which has {only}")
    if config.get("go_backwards", False) is not backwards:
        raise ValueError("source: go_backwards has no counterpart here but in Bidirectional: turn the inputs round")
    if config.get("lora_rank") or config.get("quantization_config"):
        raise ValueError(f"source: a {kind} with LoRA or quantisation has arrays of another form")


def _activation(name: Any) -> str:
    return ACTIVATIONS[validate.choice("activation", name, tuple(ACTIVATIONS))]


def _dense(weights: Sequence[Array], activation: Any) -> Dense:
    W, b = weights[0], weights[1] if len(weights) > 1 else None
    if W.ndim != 2:
        raise ValueError(f"weights[0]: expected shape (n_x, n_y), got {W.shape}")
    return Dense(W.T, b, _activation(activation))


def _recurrent(weights: Sequence[Array], activation: Any, reset_after: bool | None) -> Any:
    """Make one direction of a recurrent layer."""
    for k in (0, 1):
        if weights[k].ndim != 2:
            raise ValueError(
                f"weights[{k}]: expected shape {('(n_x, G·n_a)', '(n_a, G·n_a)')[k]}, got {weights[k].shape}"
            )
    W_x, W_h = weights[0].T, weights[1].T
    nothing = np.zeros(len(W_h), W_h.dtype)
    b = weights[2] if len(weights) > 2 else None
    kind = kind_of("the transpose of weights[1]", W_h)
    two = b is not None and b.ndim == 2
    if kind == "GRU" and b is None and reset_after is None:
        raise ValueError(
            "reset_after: expected True or False for a GRU without biases, whose shapes do not tell, got None"
        )
    if kind == "GRU" and b is not None and reset_after is not None and reset_after is not two:
        raise ValueError(f"weights[2]: expected shape {'(2, 3·n_a)' if reset_after else '(3·n_a,)'}, got {b.shape}")
    if two and (kind != "GRU" or len(weights[2]) != 2):
        raise ValueError(f"weights[2]: expected shape (G·n_a,), or (2, 3·n_a) of a GRU, got {weights[2].shape}")
    b_x, b_h = weights[2] if two else (nothing if b is None else b, nothing)
    options = {"activation": _activation(activation)} if kind == "RNN" else {}
    after = bool(reset_after) if b is None else two
    return from_blocks(NAMES, Blocks(W_x, W_h, b_x, b_h), "Keras", after=after, **options)
