"""What recurrent layers share over time: named blocks of the weights, padding, and sums over all steps.

A layer keeps all its weights in one matrix W with a block of rows for each gate, and with columns [a | x] as in
W_a [a, x]. Over a sequence, whatever does not wait for the previous step is done for all steps in one product: the
input's part of every pre-activation beforehand, the gradients of the parameters afterwards. Only the loop itself is
left for the layer's own file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from . import _validation as check
from .records import Array, Record, private_copy

__all__ = ["RecurrentLayer", "from_blocks", "keep", "parameter_gradients", "valid_steps"]


@dataclass(frozen=True, eq=False, repr=False)
class RecurrentLayer(Record):
    """Base of the recurrent layers: one weight matrix, seen block by block through named views.

    With blocks ``("f", "u")`` and the state letter ``"a"`` a layer has ``W_f`` (n_a, n_a + n_x), ``W_fa`` (n_a, n_a),
    ``W_fx`` (n_a, n_x) and ``b_f`` (n_a,), and so on for u: read-only views, no copies.
    """

    W: Array
    b: Array
    blocks: ClassVar[tuple[str, ...]]
    state_letter: ClassVar[str] = "a"

    def _check_parameters(self) -> None:
        """Check W and b, and replace them by private read-only copies."""
        check.parameters(W=self.W, b=self.b)
        G = len(self.blocks)
        if self.W.ndim != 2 or not self.W.shape[0] or self.W.shape[0] % G or self.W.shape[1] <= self.W.shape[0] // G:
            rows = "n_a" if G == 1 else f"{G}·n_a"
            raise ValueError(f"W: expected shape ({rows}, n_a + n_x) with n_a, n_x ≥ 1, got {self.W.shape}")
        check.shape("b", self.b, "(n_a,)" if G == 1 else f"({G}·n_a,)", (self.W.shape[0],))
        object.__setattr__(self, "W", private_copy(self.W))
        object.__setattr__(self, "b", private_copy(self.b))

    @property
    def n_a(self) -> int:
        """Number of hidden units."""
        return self.W.shape[0] // len(self.blocks)

    @property
    def n_x(self) -> int:
        """Number of inputs a step."""
        return self.W.shape[1] - self.n_a

    @property
    def n_out(self) -> int:
        """Number of outputs a step: n_a."""
        return self.n_a

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the parameters."""
        return self.W.dtype

    @property
    def precision(self) -> str:
        """'float32' or 'float64': what inputs and states have to have."""
        return check.PRECISION[self.W.dtype.name]

    def __getattr__(self, name: str) -> Array:
        # only called for names that are not found otherwise: the views W_f, W_fa, W_fx, b_f
        kind, _, block = name.partition("_")
        if kind in ("W", "b") and block[:1] in self.blocks and block[:1]:
            n_a, k = self.n_a, self.blocks.index(block[0])
            rows = slice(k * n_a, (k + 1) * n_a)
            columns = {"": slice(None), self.state_letter: slice(n_a), "x": slice(n_a, None)}
            if kind == "b" and len(block) == 1:
                return self.b[rows]
            if kind == "W" and block[1:] in columns:
                return self.W[rows, columns[block[1:]]]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __dir__(self) -> list[str]:
        names = ("W_{}", "W_{}" + self.state_letter, "W_{}x", "b_{}")
        return [*super().__dir__(), *(name.format(g) for g in self.blocks for name in names)]

    @classmethod
    def from_gates(cls, **named: Any) -> Self:
        """Build a layer from its blocks by their names in the book.

        Parameters
        ----------
        **named
            ``W_f`` and ``b_f`` (and so on for every block), or ``W_fa`` and ``W_fx`` in place of ``W_f``; what else the
            layer's constructor takes is handed on.

        Returns
        -------
        layer
            The layer with the blocks stacked in its own order.

        Raises
        ------
        TypeError
            If a block is missing.
        ValueError
            If the blocks' shapes do not fit together.
        """
        return cls(*from_blocks(cls.blocks, cls.state_letter, named), **named)

    def _inputs(self, x: object, lengths: object) -> tuple[Array, Array | None]:
        """Check x and lengths; return a private x, zero in the padding, and the lengths."""
        x = check.numbers("x", x, self.precision, allow_complex=True, allow_ints=True)
        check.shape("x", x, "(T, B, n_x)", (None, None, self.n_x))
        steps, batch, _ = x.shape
        ends = check.lengths(lengths, steps, batch)
        valid = valid_steps(ends, steps)
        return private_copy(x if valid is None else keep(valid, x)), ends


def valid_steps(lengths: Array | None, steps: int) -> Array | None:
    """Return a boolean (T, B, 1): is the step before the example's end? None if every step is.

    Parameters
    ----------
    lengths : ndarray of int, shape (B,), or None
        The number of steps of each example.
    steps : int
        T.

    Returns
    -------
    ndarray of bool or None
        True inside, False in the padding.
    """
    if lengths is None or (lengths == steps).all():
        return None
    return (np.arange(steps)[:, None] < lengths)[:, :, None]


def keep(valid: Array | None, new: Array, old: Array | float = 0.0) -> Array:
    """Select `new` where a step is valid, else `old`: a choice, not a product, so that NaN times 0 cannot arise.

    Parameters
    ----------
    valid : ndarray of bool or None
        None stands for 'everywhere'.
    new, old : ndarray
        Of the same shape; `old` may be a number.

    Returns
    -------
    ndarray
        `new` itself if `valid` is None.
    """
    if valid is None:
        return new
    return np.where(valid, new, old if isinstance(old, np.ndarray) else new.dtype.type(old))


def parameter_gradients(dz: Array, state_prev: Array, x: Array) -> tuple[Array, Array]:
    """Gradients of W and b from the gradients of all pre-activations: dW = Σ_t dz [a, x]ᵀ, db = Σ_t dz.

    Parameters
    ----------
    dz : ndarray, shape (T, B, G·n_a)
        dL/d(pre-activation) at every step, zero in the padding.
    state_prev : ndarray, shape (T, B, n_a)
        What the weights multiply besides x.
    x : ndarray, shape (T, B, n_x)
        The inputs.

    Returns
    -------
    tuple of ndarray
        dW (G·n_a, n_a + n_x) and db (G·n_a,): the sum over steps and examples is one matrix product.
    """
    rows = dz.reshape(-1, dz.shape[-1])
    inputs = np.concatenate([state_prev, x], axis=-1)
    return rows.T @ inputs.reshape(-1, inputs.shape[-1]), rows.sum(axis=0)


def from_blocks(blocks: tuple[str, ...], letter: str, named: dict[str, Any]) -> tuple[Array, Array]:
    """Take the blocks out of `named` and stack them."""
    weights: list[Array] = []
    biases: list[Array] = []
    for g in blocks:
        if f"W_{g}{letter}" in named and f"W_{g}x" in named:
            parts = [check.ndarray(part, named.pop(part)) for part in (f"W_{g}{letter}", f"W_{g}x")]
            if any(p.ndim != 2 for p in parts) or parts[0].shape[0] != parts[1].shape[0]:
                raise ValueError(
                    f"W_{g}{letter}, W_{g}x: expected shapes (n_a, n_a) and (n_a, n_x), got "
                    f"{parts[0].shape} and {parts[1].shape}"
                )
            named[f"W_{g}"] = np.concatenate(parts, axis=1)
        for name, found in ((f"W_{g}", weights), (f"b_{g}", biases)):
            if name not in named:
                raise TypeError(f"{name}: expected an array for each of the blocks {', '.join(blocks)}, got none")
            found.append(check.ndarray(name, named.pop(name)))
    for kind, found in (("W", weights), ("b", biases)):
        shapes = [f.shape for f in found]
        if len(set(shapes)) > 1 or found[0].ndim != (2 if kind == "W" else 1):
            names = ", ".join(f"{kind}_{g}" for g in blocks)
            raise ValueError(f"{names}: expected arrays of one shape, got {', '.join(map(str, shapes))}")
    return np.concatenate(weights), np.concatenate(biases)
