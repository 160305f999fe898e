"""Random arguments for the worlds."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ...records import Array
from ..records import Sizes

__all__ = ["gates", "lengths", "normal"]


def normal(rng: np.random.Generator, s: Sizes, *shape: int) -> Array:
    """Draw an array: of size about 0.7, or that times the world's scale.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    s : Sizes
        The world's.
    *shape : int
        Of the array.

    Returns
    -------
    ndarray
        float64.
    """
    return 0.7 * s.scale * rng.normal(size=shape)


def gates(rng: np.random.Generator, s: Sizes, names: Iterable[str], inputs: int, letter: str = "W") -> dict[str, Array]:
    """Draw a matrix and a bias for each gate.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    s : Sizes
        The world's.
    names : iterable of str
        Letters of the gates.
    inputs : int
        Number of columns of each matrix.
    letter : str
        In front of a matrix's name.

    Returns
    -------
    dict of str to ndarray
        W_f, W_u, …, then b_f, b_u, …
    """
    names = list(names)
    weights = {f"{letter}_{g}": normal(rng, s, s.n_a, inputs) for g in names}
    return weights | {f"b_{g}": normal(rng, s, s.n_a) for g in names}


def lengths(rng: np.random.Generator, s: Sizes) -> Array:
    """Draw lengths from 1 to T that differ, where there is room; the first is T.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    s : Sizes
        The world's.

    Returns
    -------
    ndarray of int, shape (B,)
        T is among them.
    """
    others = rng.permutation(np.arange(1, max(s.T, 2)))[: s.B - 1]
    filled = np.concatenate([[s.T], others, np.full(max(0, s.B - 1 - len(others)), s.T)])
    return np.minimum(filled, s.T).astype(np.int64)
