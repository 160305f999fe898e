"""Parameters from and to the layouts of TensorFlow 1, CS231n's assignment and Ng's course on Coursera.

What a course's cell computes is what the layers here compute; its arrays are named, turned and stacked otherwise:

=========== ========= =================================== ==================================================
layout      kind      arrays                              order of the blocks, in its letters and in ours
=========== ========= =================================== ==================================================
tf1         RNN, LSTM kernel (n_x + n_a, G·n_a), bias     i, j, f, o: u, c, f, o
tf1         GRU       gates/kernel, gates/bias,           r, u: r, 1 - u; reset before
                      candidate/kernel, candidate/bias
cs231n      RNN, LSTM Wx (D, G·H), Wh (H, G·H), b         i, f, o, g: u, f, o, c
coursera    RNN       Waa, Wax, ba (n_a, 1)
coursera    LSTM      Wf, bf, Wi, bi, Wo, bo, Wc, bc:     one array a block
                      W (n_a, n_a + n_x), b (n_a, 1)
=========== ========= =================================== ==================================================

TensorFlow 1 does not install on the Pythons that this package runs on: its rows are from the documentation and the
source of ``BasicRNNCell``, ``GRUCell`` and ``BasicLSTMCell`` in version 1.15.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import _validation as validate
from ..layers.gru import GRU
from ..layers.lstm import LSTM
from ..layers.rnn import RNN
from ..records import Array
from .blocks import Blocks, from_blocks, kind_of, to_blocks

__all__ = ["LAYOUTS", "from_layout", "to_layout"]

LAYOUTS = ("tf1", "cs231n", "coursera")
"""The layouts by name."""

GATES = ("f", "i", "o", "c")  # of Coursera's arrays, in our order f, u, o, c
TF1_GRU = ("gates/kernel", "gates/bias", "candidate/kernel", "candidate/bias")


def from_layout(layout: str, arrays: Mapping[str, Any], forget_bias: float = 1.0, kind: str | None = None) -> Any:
    """Make a layer of arrays in the layout of a course or of TensorFlow 1 [1]_ [2]_ [3]_.

    Parameters
    ----------
    layout : str
        'tf1', 'cs231n' or 'coursera'.
    arrays : mapping of str to ndarray
        The arrays under the names of the table above; those of the kind and no others.
    forget_bias : float
        Of TensorFlow 1's LSTM: what the cell adds to the forget gate when it runs, and its file does not hold.
    kind : str, optional
        'RNN' or 'LSTM': of TensorFlow 1's kernel and bias, where the shapes fit both.

    Returns
    -------
    RNN, GRU or LSTM
        The layer; its arrays are copies.

    Raises
    ------
    ValueError
        If the layout, the names or the shapes are not those of the table.
    TypeError
        If a value is no array of float32 or float64.

    References
    ----------
    .. [1] https://github.com/tensorflow/tensorflow, v1.15, tensorflow/python/ops/rnn_cell_impl.py.
    .. [2] https://cs231n.github.io, assignment 3.
    .. [3] A. Ng, K. Katanforoosh and Y. B. Mourri, "Sequence models", Coursera, week 1.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> arrays = {"Wx": rng.normal(size=(4, 12)), "Wh": rng.normal(size=(3, 12)), "b": rng.normal(size=12)}
    >>> layer = from_layout("cs231n", arrays)
    >>> layer
    LSTM(W=float64[12, 7], b=float64[12], coupled=False)
    >>> bool((to_layout(layer, "cs231n")["Wx"] == arrays["Wx"]).all())
    True
    """
    validate.choice("layout", layout, LAYOUTS)
    if not isinstance(arrays, Mapping):
        raise TypeError(f"arrays: expected a mapping of names to arrays, got {validate.describe(arrays)}")
    given = {name: validate.ndarray(name, array) for name, array in arrays.items()}
    if layout == "tf1":
        forget_bias = validate.finite("forget_bias", forget_bias)
        return _from_tf1_gru(given) if "gates/kernel" in given else _from_tf1(given, forget_bias, kind)
    return _from_cs231n(given) if layout == "cs231n" else _from_coursera(given)


def to_layout(layer: Any, layout: str, forget_bias: float = 1.0, gradients: bool = False) -> dict[str, Array]:
    """Return a layer's arrays in the layout of a course or of TensorFlow 1.

    Parameters
    ----------
    layer : RNN, GRU or LSTM
        The layer; a GRU, which resets before the product, for 'tf1' alone.
    layout : str
        'tf1', 'cs231n' or 'coursera'.
    forget_bias : float
        Of TensorFlow 1's LSTM: what its cell will add, and what is therefore taken off (which may round).
    gradients : bool
        Whether these are gradients, of which nothing is taken off.

    Returns
    -------
    dict of str to ndarray
        As `from_layout` takes them.

    Raises
    ------
    ValueError
        If there is no counterpart; the message says why.

    Examples
    --------
    >>> layer = LSTM.init(n_x=4, n_a=3, rng=np.random.default_rng(0))
    >>> {name: array.shape for name, array in to_layout(layer, "tf1").items()}
    {'kernel': (7, 12), 'bias': (12,)}
    """
    validate.choice("layout", layout, LAYOUTS)
    library = {"tf1": "TensorFlow 1", "cs231n": "CS231n", "coursera": "Coursera"}[layout]
    if type(layer) is RNN and layer.activation != "tanh":
        raise ValueError(f"layer: {library}'s plain layer has tanh, and no {layer.activation}")
    W_x, W_h, b, _ = to_blocks(layer, library, able=("before",))
    if layout == "cs231n":
        return {"Wx": W_x.T.copy(), "Wh": W_h.T.copy(), "b": b}
    if layout == "coursera":
        return _to_coursera(layer)
    if type(layer) is GRU:
        return _to_tf1_gru(Blocks(W_x, W_h, b, b))
    if type(layer) is LSTM and not gradients:
        b[2 * layer.n_a : 3 * layer.n_a] -= validate.finite("forget_bias", forget_bias)
    return {"kernel": np.concatenate([W_x, W_h], axis=1).T.copy(), "bias": b}


def _check_names(given: Mapping[str, Array], *wanted: tuple[str, ...]) -> None:
    """Check that the names are one of the sets that a layout has."""
    if not any(given.keys() == set(names) for names in wanted):
        sets = " or ".join(", ".join(names) for names in wanted)
        raise ValueError(f"arrays: expected the names {sets}, got {', '.join(map(str, given)) or 'none'}")


def _one_bias(names: tuple[str, str, str], W_x: Array, W_h: Array, b: Array, library: str) -> Any:
    return from_blocks((*names, names[2]), Blocks(W_x, W_h, b, np.zeros_like(b)), library)


def _from_cs231n(given: Mapping[str, Array]) -> Any:
    _check_names(given, ("Wx", "Wh", "b"))
    if kind_of("the transpose of Wh", given["Wh"].T) == "GRU":
        raise ValueError(
            f"Wh: expected shape (H, H) or (H, 4·H), since the assignment has no GRU, got {given['Wh'].shape}"
        )
    return _one_bias(("Wx", "Wh", "b"), given["Wx"].T, given["Wh"].T, given["b"], "CS231n")


def _split_kernel(name: str, kernel: Array, n_a: int) -> tuple[Array, Array]:
    """Return the parts of a kernel of TensorFlow 1, input above state, as to × from."""
    if kernel.ndim != 2 or len(kernel) <= n_a:
        raise ValueError(f"{name}: expected shape (n_x + n_a, G·n_a) with n_x, n_a ≥ 1, got {kernel.shape}")
    return kernel[: len(kernel) - n_a].T, kernel[len(kernel) - n_a :].T


def _from_tf1(given: Mapping[str, Array], forget_bias: float, kind: str | None) -> Any:
    _check_names(given, ("kernel", "bias"), TF1_GRU)
    kernel, b = given["kernel"], given["bias"].copy()
    validate.parameters(kernel=kernel, bias=b)
    rows, columns = kernel.shape if kernel.ndim == 2 else (0, 0)
    if b.shape != (columns,):
        raise ValueError(f"kernel, bias: expected shapes (n_x + n_a, G·n_a), (G·n_a,), got {kernel.shape}, {b.shape}")
    fit = {"RNN": rows > columns, "LSTM": columns % 4 == 0 and rows > columns // 4}
    able = [each for each, fits in fit.items() if fits and kind in (None, each)]
    if len(able) != 1:
        why = (
            "kind: expected 'RNN' or 'LSTM', since the shape fits both"
            if able
            else "kernel: expected (n_x + n_a, G·n_a)"
        )
        raise ValueError(f"{why}, got {kind!r} and shape {kernel.shape}")
    n_a = columns // (1 if able == ["RNN"] else 4)
    if able == ["LSTM"]:
        b[2 * n_a : 3 * n_a] += forget_bias
    return _one_bias(("kernel", "kernel", "bias"), *_split_kernel("kernel", kernel, n_a), b, "TensorFlow 1")


def _from_tf1_gru(given: Mapping[str, Array]) -> Any:
    _check_names(given, TF1_GRU)
    kernel, b, kernel_c, b_c = (given[name] for name in TF1_GRU)
    n_a = kernel_c.shape[1] if kernel_c.ndim == 2 else 0
    x, h = _split_kernel("gates/kernel", kernel, n_a)
    x_c, h_c = _split_kernel("candidate/kernel", kernel_c, n_a)
    if len(h) != 2 * n_a or x.shape[1] != x_c.shape[1] or b.shape != (2 * n_a,) or b_c.shape != (n_a,):
        shapes = ", ".join(str(given[name].shape) for name in TF1_GRU)
        raise ValueError(
            f"arrays: expected shapes (n, 2·n_a), (2·n_a,), (n, n_a), (n_a,) with n = n_x + n_a, got {shapes}"
        )
    W_x, W_h, b = np.concatenate([x, x_c]), np.concatenate([h, h_c]), np.concatenate([b, b_c])
    return _one_bias(("gates/kernel", "gates/kernel", "gates/bias"), W_x, W_h, b, "TensorFlow 1")


def _to_tf1_gru(blocks: Blocks) -> dict[str, Array]:
    n_a = blocks.W_h.shape[1]
    kernel = np.concatenate([blocks.W_x, blocks.W_h], axis=1).T
    gates, rest = slice(2 * n_a), slice(2 * n_a, None)
    arrays = kernel[:, gates].copy(), blocks.b_x[gates].copy(), kernel[:, rest].copy(), blocks.b_x[rest].copy()
    return dict(zip(TF1_GRU, arrays, strict=True))


def _from_coursera(given: Mapping[str, Array]) -> Any:
    lstm = tuple(f"{letter}{g}" for g in GATES for letter in "Wb")
    _check_names(given, ("Waa", "Wax", "ba"), lstm)
    for name, b in given.items():
        if name.startswith("b") and (b.ndim != 2 or b.shape[1] != 1):
            raise ValueError(f"{name}: expected shape (n_a, 1), got {b.shape}")
    if "ba" in given:
        return RNN.from_gates(W_aa=given["Waa"], W_ax=given["Wax"], b_a=given["ba"][:, 0])
    named: dict[str, Array] = {}
    for g, ours in zip(GATES, "fuoc", strict=True):
        named |= {f"W_{ours}": given[f"W{g}"], f"b_{ours}": given[f"b{g}"][:, 0]}
    return LSTM.from_gates(**named)


def _to_coursera(layer: Any) -> dict[str, Array]:
    if type(layer) is RNN:
        return {"Waa": layer.W_aa.copy(), "Wax": layer.W_ax.copy(), "ba": layer.b[:, None].copy()}
    out: dict[str, Array] = {}
    for g, ours in zip(GATES, "fuoc", strict=True):
        out |= {f"W{g}": getattr(layer, f"W_{ours}").copy(), f"b{g}": getattr(layer, f"b_{ours}")[:, None].copy()}
    return out
