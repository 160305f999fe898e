"""Parameters from and to PyTorch: RNN, GRU, LSTM, their cells, Linear, Embedding.

Sequences are (T, B, n_x) there as here (with ``batch_first=True`` inputs and outputs are (B, T, n_x), states are not).
A GRU resets after the product. Two biases are one here, but for that GRU's candidate: see `rnncourse.exchange.blocks`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import _validation as validate
from ..layers.bidirectional import Bidirectional
from ..layers.deep import Deep
from ..layers.dense import Dense
from ..layers.embedding import Embedding
from ..records import Array
from .blocks import Blocks, from_blocks, kind_of, to_blocks

__all__ = ["from_torch", "to_torch"]

ARRAYS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
RECURRENT = re.compile(r"(weight_ih|weight_hh|bias_ih|bias_hh|weight_hr)(?:_l(\d+)(_reverse)?)?")


def from_torch(source: Any, prefix: str = "", nonlinearity: str = "tanh", dropout: float = 0.0) -> Any:
    """Make a layer of a module of PyTorch, or of its ``state_dict`` [1]_.

    Parameters
    ----------
    source : torch.nn.Module or mapping of str to tensor or ndarray
        An ``nn.RNN``, ``nn.GRU``, ``nn.LSTM``, one of their cells, an ``nn.Linear`` or an ``nn.Embedding``; or what its
        ``state_dict()`` returns.
    prefix : str
        Takes the names with this beginning from the ``state_dict`` of a larger model, such as ``"encoder."``.
    nonlinearity : str
        Of an ``nn.RNN``, which its ``state_dict`` does not tell: 'tanh' or 'relu'. A module's own is taken from it.
    dropout : float
        Between stacked layers, which the ``state_dict`` does not tell, either.

    Returns
    -------
    RNN, GRU, LSTM, Bidirectional, Deep, Dense or Embedding
        `Bidirectional` for two directions, `Deep` for more than one layer. The arrays are copies.

    Raises
    ------
    ValueError
        If the names or shapes are not PyTorch's, or the module has what has no counterpart here, such as projections.
    TypeError
        If an array is neither float32 nor float64.

    References
    ----------
    .. [1] A. Paszke et al., "PyTorch: an imperative style, high-performance deep learning library", NeurIPS 2019.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> names = {"weight_ih_l0": (12, 4), "weight_hh_l0": (12, 3), "bias_ih_l0": (12,), "bias_hh_l0": (12,)}
    >>> from_torch({name: rng.normal(size=shape) for name, shape in names.items()})
    LSTM(W=float64[12, 7], b=float64[12], coupled=False)
    """
    if isinstance(source, Mapping):
        names = source
    elif callable(getattr(source, "state_dict", None)) and not isinstance(source, type):
        names = source.state_dict()
        nonlinearity, dropout = _settings(source, nonlinearity, dropout)
    else:
        raise TypeError(f"source: expected a module of PyTorch or its state_dict, got {validate.describe(source)}")
    arrays = {n.removeprefix(prefix): _array(n, v) for n, v in names.items() if n.startswith(prefix)}
    if hasattr(source, "num_embeddings"):
        return Embedding(arrays["weight"])
    if hasattr(source, "in_features") or arrays.keys() == {"weight", "bias"}:
        return Dense(arrays["weight"], arrays.get("bias"))
    if arrays.keys() == {"weight"}:
        raise ValueError(
            "source: expected to know whether 'weight' is Linear's or Embedding's, got it alone: give the module"
        )
    return _stack(arrays, nonlinearity, dropout)


def to_torch(layer: Any, gradients: bool = False) -> dict[str, Array]:
    """Return a layer's arrays under PyTorch's names.

    Parameters
    ----------
    layer : layer
        `RNN` (tanh or relu), `GRU` (reset after), `LSTM` (plain), `Bidirectional` of two such of one size, `Deep` of
        layers that one module of PyTorch can stack, `Dense` (without an activation) or `Embedding`.
    gradients : bool
        Whether these are gradients, as in ``grads.layer``: then both biases get the whole, as PyTorch's ``.grad`` has
        it. Parameters go into ``bias_ih``, and ``bias_hh`` gets zeros.

    Returns
    -------
    dict of str to ndarray
        In the order of PyTorch's ``state_dict``: ``module.load_state_dict({k: torch.from_numpy(v) for k, v in …})``.
        Dropout and ``nonlinearity`` are arguments of the module, and not in there.

    Raises
    ------
    ValueError
        If PyTorch has no counterpart; the message says why.

    Examples
    --------
    >>> from rnncourse import LSTM
    >>> layer = LSTM.init(n_x=4, n_a=3, rng=np.random.default_rng(0))
    >>> {name: array.shape for name, array in to_torch(layer).items()}
    {'weight_ih_l0': (12, 4), 'weight_hh_l0': (12, 3), 'bias_ih_l0': (12,), 'bias_hh_l0': (12,)}
    >>> from_torch(to_torch(layer)) == layer
    True
    """
    if isinstance(layer, Dense) and layer.activation != "identity":
        raise ValueError(
            f"layer: PyTorch's Linear has no activation, which is a module there, and this has {layer.activation}"
        )
    if isinstance(layer, Dense | Embedding):
        return _one_matrix(layer)
    layers = layer.layers if isinstance(layer, Deep) else (layer,)
    pairs = [(each.fwd, each.bwd) if isinstance(each, Bidirectional) else (each,) for each in layers]
    _check_alike([each for pair in pairs for each in pair], {len(pair) for pair in pairs})
    out = {}
    for k, pair in enumerate(pairs):
        for each, end in zip(pair, ("", "_reverse"), strict=False):
            blocks = to_blocks(each, "PyTorch", gradients=gradients, able=("after",))
            out.update({f"{name}_l{k}{end}": array for name, array in zip(ARRAYS, blocks, strict=True)})
    return out


def _settings(module: Any, nonlinearity: str, dropout: float) -> tuple[str, float]:
    """Return what a module's arrays do not tell, and refuse what has no counterpart."""
    kind = type(module).__name__
    if not any(hasattr(module, name) for name in ("hidden_size", "in_features", "num_embeddings")):
        raise ValueError(
            f"source: expected an RNN, GRU, LSTM, Linear or Embedding, got {kind}: give its parts one by one"
        )
    if getattr(module, "max_norm", None) is not None:
        raise ValueError("source: an Embedding with max_norm changes its rows while it runs, and none here does")
    return getattr(module, "nonlinearity", nonlinearity), float(getattr(module, "dropout", dropout))


def _array(name: str, value: Any) -> Array:
    """Return a tensor as an array."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        if "bfloat16" in str(value.dtype):
            raise TypeError(f"{name}: expected float32 or float64, got bfloat16, which NumPy has not: use .float()")
        value = value.numpy()
    return validate.ndarray(name, value)


def _stack(arrays: dict[str, Array], nonlinearity: str, dropout: float) -> Any:
    """Make the layers of one recurrent module."""
    found = {name: RECURRENT.fullmatch(name) for name in arrays}
    unknown = [name for name, match in found.items() if match is None]
    if unknown or not found:
        what = f"{unknown[0]!r}" if unknown else "no names"
        raise ValueError(
            f"source: expected PyTorch's names, such as weight_ih_l0, got {what}: name a prefix, if there is one"
        )
    projected = [name for name in arrays if name.startswith("weight_hr")]
    if projected:
        raise ValueError(f"{projected[0]}: an LSTM with projections (proj_size) has no counterpart here")
    places = {(int(match[2] or 0), match[3] or "") for match in found.values() if match}
    ends = [""] + ["_reverse"] * any(end for _, end in places)
    count = 1 + max(k for k, _ in places)
    layers = []
    for k in range(count):
        pair = [_one(arrays, f"_l{k}{end}" if "weight_ih" not in arrays else "", nonlinearity) for end in ends]
        layers.append(Bidirectional(*pair) if len(pair) == 2 else pair[0])
    return Deep(tuple(layers), dropout) if count > 1 else layers[0]


def _one(arrays: dict[str, Array], end: str, nonlinearity: str) -> Any:
    """Make one direction of one layer."""
    names = tuple(name + end for name in ARRAYS)
    missing = [name for name in names if name not in arrays]
    if missing not in ([], list(names[2:])):  # a module without biases has none of the two
        raise ValueError(f"{missing[0]}: expected an array, got none")
    W_x, W_h = arrays[names[0]], arrays[names[1]]
    nothing = np.zeros(len(W_h), W_h.dtype)
    b_x, b_h = (arrays.get(name, nothing) for name in names[2:])
    options = {}
    if kind_of(names[1], W_h) == "RNN":
        options["activation"] = validate.choice("nonlinearity", nonlinearity, ("tanh", "relu"))
    return from_blocks(names, Blocks(W_x, W_h, b_x, b_h), "PyTorch", after=True, **options)


def _one_matrix(layer: Dense | Embedding) -> dict[str, Array]:
    if isinstance(layer, Embedding) or layer.b is None:
        return {"weight": layer.W.copy()}
    return {"weight": layer.W.copy(), "bias": layer.b.copy()}


def _check_alike(layers: list[Any], directions: set[int]) -> None:
    """Refuse what one module of PyTorch cannot stack."""
    alike = {(type(each), getattr(each, "n_out", 0), getattr(each, "activation", "tanh")) for each in layers}
    if len(alike) > 1 or len(directions) > 1:
        raise ValueError(
            "layer: one module of PyTorch stacks layers of one kind, size, activation and number of directions, and "
            "these differ: convert them one by one"
        )
    activation = getattr(layers[0], "activation", "tanh")
    if activation not in ("tanh", "relu"):
        raise ValueError(f"layer: PyTorch's RNN has tanh and relu, and no {activation}")
