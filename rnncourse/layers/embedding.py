"""The embedding: a row of a matrix for each symbol, with no state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from .. import _validation as validate
from ..initializers import Initializer, standard_normal
from ..records import Array, Gradients, Record, private_copy
from ..workspace import Workspace
from .dense import no_state
from .sequence import keep, valid_steps

__all__ = ["Embedding", "EmbeddingRun"]


@dataclass(frozen=True, eq=False, repr=False)
class Embedding(Record):
    r"""A layer that looks up a row for each symbol.

    .. math::

        a^{\langle t \rangle} = W_{s,:} \quad\text{with}\quad s = x^{\langle t \rangle}, \qquad
        \frac{\partial L}{\partial W_{s,:}} = \sum_{t:\, x^{\langle t \rangle} = s} da^{\langle t \rangle}

    It is the product of a one-hot vector with W, without the zeros [1]_: a symbol that occurs often gets the sum of all
    that arrives at its places (in a batch, over the examples too).

    Parameters
    ----------
    W : ndarray, shape (n_x, n_a)
        A row for each of the n_x symbols, float32 or float64. The layer keeps a read-only copy.

    Raises
    ------
    TypeError, ValueError
        If W is no array of a float dtype, or not of two axes.

    References
    ----------
    .. [1] Y. Bengio, R. Ducharme, P. Vincent and C. Jauvin, "A neural probabilistic language model", JMLR 3, 2003.

    Examples
    --------
    >>> layer = Embedding(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
    >>> ids = np.array([[2], [0], [2]])  # three steps of one example
    >>> run = layer.forward(ids)
    >>> run.a[:, 0]
    array([[5., 6.],
           [1., 2.],
           [5., 6.]])
    >>> layer.backward(run, np.ones_like(run.a)).layer.W
    array([[1., 1.],
           [0., 0.],
           [2., 2.]])
    """

    W: Array
    reads_symbols: ClassVar[bool] = True

    def __post_init__(self) -> None:
        validate.parameters(W=self.W)
        if self.W.ndim != 2 or 0 in self.W.shape:
            raise ValueError(f"W: expected shape (n_x, n_a) with n_x, n_a ≥ 1, got {self.W.shape}")
        object.__setattr__(self, "W", private_copy(self.W))

    @classmethod
    def init(
        cls,
        n_x: int,
        n_a: int,
        rng: np.random.Generator,
        dtype: Any = np.float64,
        weight_init: Initializer = standard_normal,
    ) -> Self:
        """Draw a layer.

        Parameters
        ----------
        n_x, n_a : int
            Numbers of symbols and of outputs a step, at least 1.
        rng : numpy.random.Generator
            Source of randomness.
        dtype : dtype
            float32 or float64.
        weight_init : callable
            See `rnncourse.initializers`.

        Returns
        -------
        Embedding
            The layer.
        """
        n_x, n_a = validate.size("n_x", n_x), validate.size("n_a", n_a)
        dtype, rng = validate.float_dtype(dtype), validate.generator("rng", rng)
        return cls(weight_init(rng, (n_x, n_a), dtype))

    @property
    def n_x(self) -> int:
        """Number of symbols."""
        return self.W.shape[0]

    @property
    def n_out(self) -> int:
        """Number of outputs a step."""
        return self.W.shape[1]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the parameters."""
        return self.W.dtype

    @property
    def precision(self) -> str:
        """'float32' or 'float64': that of the outputs."""
        return validate.PRECISION[self.W.dtype.name]

    def zero_state(self, batch: int) -> tuple[()]:
        """Return the state of a layer that has none: ()."""
        validate.size("batch", batch, least=0)
        return ()

    def forward(
        self, x: Array, state: tuple[()] | None = None, lengths: Any = None, workspace: Workspace | None = None
    ) -> EmbeddingRun:
        """Look up the row of every symbol.

        Parameters
        ----------
        x : ndarray of int, shape (T, B)
            Symbols, from 0 to n_x - 1.
        state : () or None
            There is none.
        lengths : sequence of int, shape (B,), optional
            Number of steps of each example; outputs behind the end are zero, whatever integers stand there.
        workspace : Workspace, optional
            Not used: taken so that every layer is called in the same way.

        Returns
        -------
        EmbeddingRun
            ``run.a`` (T, B, n_a) and ``run.final`` = ().

        Raises
        ------
        TypeError, ValueError
            If the symbols are no integers or out of range, or an argument is of the wrong shape; the message names it.
        """
        x = validate.inputs("x", x, self)
        no_state("state", state)
        validate.part(workspace, "")
        ends = validate.lengths(lengths, *x.shape)
        valid = valid_steps(ends, len(x))
        x = x if valid is None else keep(valid[:, :, 0], x)
        validate.below("x", x, self.n_x)
        x = private_copy(x.astype(np.intp))
        return EmbeddingRun(self, x, keep(valid, self.W[x]), ends)

    def backward(
        self, run: EmbeddingRun, da: Array | None, dfinal: tuple[()] | None = None, inputs: bool = True
    ) -> Gradients:
        """Add up what arrives at the places of each symbol.

        Parameters
        ----------
        run : EmbeddingRun
            What ``forward`` of this layer returned.
        da : ndarray, shape (T, B, n_a)
            dL/d(run.a); what arrives in the padding is ignored.
        dfinal : () or None
            There is no state.
        inputs : bool
            Makes no difference: symbols have no gradient.

        Returns
        -------
        Gradients
            ``x`` = None, ``state`` = () and ``layer``, an `Embedding` that holds dL/dW.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind, dtype or shape, or the run is complex or of another layer.
        """
        validate.own_real_run(run, EmbeddingRun, self)
        no_state("dfinal", dfinal)
        da = validate.upstream(da, dfinal, "(T, B, n_a)", run.a.shape, self.precision)
        validate.flag("inputs", inputs)
        valid = valid_steps(run.lengths, len(run.x))
        inside = np.ones(run.x.shape, dtype=bool) if valid is None else valid[:, :, 0]
        return Gradients(None, (), Embedding(sums_by_symbol(da[inside], run.x[inside], self.n_x)))

    def step(self, x_t: Array, state: tuple[()] | None = None) -> tuple[Array, tuple[()]]:
        """Look up the rows of one step.

        Parameters
        ----------
        x_t : ndarray of int, shape (B,)
            The symbols.
        state : () or None
            There is none.

        Returns
        -------
        tuple
            The output (B, n_a) and ().

        Raises
        ------
        TypeError, ValueError
            If the symbols are no integers, out of range or of another shape.
        """
        x_t = validate.symbols("x_t", x_t)
        validate.shape("x_t", x_t, "(B,)", (None,))
        validate.below("x_t", x_t, self.n_x)
        no_state("state", state)
        return self.W[x_t.astype(np.intp)], ()


@dataclass(frozen=True, eq=False, repr=False)
class EmbeddingRun(Record):
    """What `Embedding.forward` computed.

    Attributes
    ----------
    layer : Embedding
        The layer that ran.
    x : ndarray of int, shape (T, B)
        The symbols (a copy; 0 in the padding).
    a : ndarray, shape (T, B, n_a)
        The outputs, zero in the padding.
    lengths : ndarray of int, shape (B,), or None
        The number of steps of each example.
    """

    layer: Embedding
    x: Array
    a: Array
    lengths: Array | None

    @property
    def final(self) -> tuple[()]:
        """The state: ()."""
        return ()


def sums_by_symbol(rows: Array, symbols: Array, count: int) -> Array:
    """Add up the rows of each symbol: `np.add.at`, by sorting, since that is several times as fast.

    Parameters
    ----------
    rows : ndarray, shape (N, n)
        What is added up.
    symbols : ndarray of int, shape (N,)
        Where each row belongs.
    count : int
        How many symbols there are.

    Returns
    -------
    ndarray, shape (count, n)
        A sum for each symbol; zeros for those that do not occur.
    """
    sums = np.zeros((count, rows.shape[1]), rows.dtype)
    if len(rows):
        order = np.argsort(symbols, kind="stable")
        present, starts = np.unique(symbols[order], return_index=True)
        sums[present] = np.add.reduceat(rows[order], starts, axis=0)
    return sums
