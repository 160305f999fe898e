"""The blocks of rows of a recurrent layer in the order of another library, and back.

Everybody stacks the blocks of all gates; the order, the sign of the update gate and the biases differ. An order is
written in this package's letters, from the top: f, u, o, c and r, and z for a gate that *keeps*, z = 1 - Γ_u. Since
1 - σ(s) = σ(-s), its weights and its bias are those of u with the other sign.

**Two biases.** Where a library has a bias for the input and one for the state, only their sum b = b_x + b_h matters
to an LSTM, a plain layer and the gates of a GRU. So the two are added on the way here, and on the way there b_x gets
all and b_h zeros. And since L depends on both through the sum alone, dL/db_x = dL/db_h = dL/db: the gradients of both
halves are equal, and each is the whole, not half of it. (A step that moves both moves their sum twice as far: with
plain gradient descent two biases are one with the double learning rate.) The candidate of a GRU that resets after the
product is the exception: there b_h stands inside the reset gate, and is a parameter of its own, b_cc.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from .. import _validation as validate
from ..layers.gru import GRU
from ..layers.lstm import LSTM
from ..layers.rnn import RNN
from ..records import Array

__all__ = ["ORDERS", "Blocks", "from_blocks", "kind_of", "to_blocks"]

ORDERS: Mapping[str, Mapping[str, str]] = {
    "PyTorch": {"RNN": "a", "GRU": "rzc", "LSTM": "ufco"},
    "Keras": {"RNN": "a", "GRU": "zrc", "LSTM": "ufco"},
    "ONNX": {"RNN": "a", "GRU": "zrc", "LSTM": "uofc"},
    "TensorFlow 1": {"RNN": "a", "GRU": "rzc", "LSTM": "ucfo"},
    "CS231n": {"RNN": "a", "LSTM": "ufoc"},
    "Coursera": {"RNN": "a", "LSTM": "fuco"},
}
"""The order of the blocks, by library and kind."""

KINDS: dict[str, Any] = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}


class Blocks(NamedTuple):
    """One direction of a layer: blocks on the first axis, to × from.

    Attributes
    ----------
    W_x, W_h : ndarray, shapes (G·n_a, n_x), (G·n_a, n_a)
        What multiplies the input and the state.
    b_x, b_h : ndarray, shape (G·n_a,)
        The biases beside them.
    """

    W_x: Array
    W_h: Array
    b_x: Array
    b_h: Array


def kind_of(name: str, W_h: Array) -> str:
    """Return the kind of a layer, by the number of blocks in what multiplies its state.

    Parameters
    ----------
    name : str
        The array's, for the message.
    W_h : ndarray, shape (G·n_a, n_a)
        The array.

    Returns
    -------
    str
        'RNN' for one block, 'GRU' for three, 'LSTM' for four.

    Raises
    ------
    ValueError
        If the shape is none of these.

    Examples
    --------
    >>> kind_of("weight_hh_l0", np.zeros((12, 3)))
    'LSTM'
    """
    rows, n_a = W_h.shape if W_h.ndim == 2 else (0, 0)
    kind = {n_a: "RNN", 3 * n_a: "GRU", 4 * n_a: "LSTM"}.get(rows) if n_a else None
    if kind is None:
        raise ValueError(f"{name}: expected shape (G·n_a, n_a) with G = 1, 3 or 4 blocks, got {W_h.shape}")
    return kind


def to_blocks(layer: Any, library: str, *, gradients: bool = False, able: tuple[str, ...] = ()) -> Blocks:
    """Return a layer's parameters in a library's order.

    Parameters
    ----------
    layer : RNN, GRU or LSTM
        The layer, or gradients in a record of its kind.
    library : str
        A key of `ORDERS`.
    gradients : bool
        Whether these are gradients: then both biases get the whole.
    able : tuple of str
        What the library can do besides the common form: 'before', 'after' (of a GRU), 'peepholes', 'coupled'.

    Returns
    -------
    Blocks
        The arrays.

    Raises
    ------
    ValueError
        If the layer has what the library has not; the message says why.

    Examples
    --------
    >>> layer = LSTM.init(n_x=4, n_a=3, rng=np.random.default_rng(0))
    >>> blocks = to_blocks(layer, "PyTorch")  # u, f, c, o
    >>> bool((blocks.W_x[3:6] == layer.W_fx).all())
    True
    """
    order = _order(layer, library)
    _check_common(layer, library, able)
    letter, coupled = layer.state_letters[0], getattr(layer, "coupled", False)

    def block(g: str) -> tuple[Array, ...]:
        sign, own = (-1, "u") if g == "z" else (1, g)
        if own == "u" and coupled:  # Γ_u = 1 - Γ_f
            sign, own = -1, "f"
        names = f"W_{own}x", f"W_{own}{letter}", f"b_{own}"
        return tuple(sign * getattr(layer, name) for name in names)

    W_x, W_h, b_x = (np.concatenate(parts) for parts in zip(*map(block, order), strict=True))
    b_h = b_x.copy() if gradients else np.zeros_like(b_x)
    if getattr(layer, "b_cc", None) is not None:
        b_h[_rows(order, "c", layer.n_a)] = layer.b_cc
    return Blocks(W_x, W_h, b_x, b_h)


def from_blocks(names: tuple[str, ...], given: Blocks, library: str, *, after: bool = False, **options: Any) -> Any:
    """Make a layer of arrays in a library's order.

    Parameters
    ----------
    names : tuple of str
        What the four arrays are called, for messages.
    given : Blocks
        The arrays.
    library : str
        A key of `ORDERS`.
    after : bool
        Of a GRU: whether it resets after the product.
    **options
        Handed on to the layer, such as ``activation`` or peepholes.

    Returns
    -------
    RNN, GRU or LSTM
        The layer.

    Raises
    ------
    TypeError, ValueError
        If the arrays are not of one float dtype, or do not fit together.

    Examples
    --------
    >>> layer = LSTM.init(n_x=4, n_a=3, rng=np.random.default_rng(0))
    >>> from_blocks(("W_x", "W_h", "b_x", "b_h"), to_blocks(layer, "ONNX"), "ONNX") == layer
    True
    """
    validate.parameters(**dict(zip(names, given, strict=True)))
    kind = kind_of(names[1], given.W_h)
    order, n_a = ORDERS[library][kind], given.W_h.shape[1]
    rows = len(given.W_h)
    if given.W_x.ndim != 2 or len(given.W_x) != rows:
        raise ValueError(f"{names[0]}: expected {rows} rows, as {names[1]} has, got {given.W_x.shape}")
    for name, b in zip(names[2:], given[2:], strict=True):
        validate.shape(name, b, "(G·n_a,)", (rows,))
    W, b = np.concatenate([given.W_h, given.W_x], axis=1), given.b_x + given.b_h
    if kind == "GRU" and after:
        candidate = _rows(order, "c", n_a)
        b[candidate] = given.b_x[candidate]
        options["b_cc"] = given.b_h[candidate]
    for g in order:
        sign, own = (-1, "u") if g == "z" else (1, g)
        options[f"W_{own}"], options[f"b_{own}"] = (sign * array[_rows(order, g, n_a)] for array in (W, b))
    if options.get("coupled"):  # f is 1 - Γ_u there, and its block means nothing
        options["W_f"], options["b_f"] = -options.pop("W_u"), -options.pop("b_u")
    return KINDS[kind].from_gates(**options)


def _rows(order: str, g: str, n_a: int) -> slice:
    return slice(order.index(g) * n_a, (order.index(g) + 1) * n_a)


def _order(layer: Any, library: str) -> str:
    kind = next((name for name, kind in KINDS.items() if type(layer) is kind), "")
    if kind not in ORDERS[library]:
        known = ", ".join(ORDERS[library])
        raise ValueError(f"layer: expected one that {library} has ({known}), got {validate.describe(layer)}")
    return ORDERS[library][kind]


def _check_common(layer: Any, library: str, able: tuple[str, ...]) -> None:
    """Refuse what a library has no counterpart for."""
    reasons = {
        "layer normalisation": getattr(layer, "layer_norm", False),
        "peepholes": getattr(layer, "p_f", None) is not None,
        "coupled gates (it would train f and u apart)": getattr(layer, "coupled", False),
        "reset before the product (no weights of reset after give its numbers)": type(layer) is GRU
        and not layer.reset_after,
        "reset after the product (no weights of reset before give its numbers)": type(layer) is GRU
        and layer.reset_after,
    }
    words = ("", "peepholes", "coupled", "before", "after")
    for word, (what, has) in zip(words, reasons.items(), strict=True):
        if has and word not in able:
            raise ValueError(f"layer: {library}'s {type(layer).__name__} has no {what}")
