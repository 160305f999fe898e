"""Layer normalisation, forward and backward, for the cells that have it as an option.

Each example's values v (n,) are moved to mean 0 and scaled to variance 1, over its units and for itself: nothing
depends on the other examples or on later steps.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..records import Array

__all__ = ["EPSILON", "Normalised", "normalised"]

EPSILON = 1e-5  # PyTorch's: it keeps the root away from 0 where all units agree


class Normalised(NamedTuple):
    """Values of mean 0 and variance 1, and what they were divided by.

    Attributes
    ----------
    values : ndarray, shape (B, n)
        v̂ = (v - μ) / s.
    scale : ndarray, shape (B, 1)
        s = √(σ² + ε).
    """

    values: Array
    scale: Array

    def back(self, d: Array) -> Array:
        """Take dL/dv̂ to dL/dv = (d - mean(d) - v̂ ⊙ mean(d ⊙ v̂)) / s: mean and scale depend on v, too.

        Parameters
        ----------
        d : ndarray, shape (B, n)
            dL/dv̂.

        Returns
        -------
        ndarray, shape (B, n)
            dL/dv.
        """
        along = (d * self.values).mean(axis=1, keepdims=True)
        return (d - d.mean(axis=1, keepdims=True) - self.values * along) / self.scale


def normalised(v: Array) -> Normalised:
    """Normalise each row: v̂ = (v - μ) / √(σ² + ε) with μ, σ² the mean and variance over its n entries, ε = 1e-5.

    Parameters
    ----------
    v : ndarray, shape (B, n)
        Real or complex (analytic: no modulus is taken).

    Returns
    -------
    Normalised
        v̂ and what it was divided by.

    Examples
    --------
    >>> values, scale = normalised(np.array([[1.0, 3.0]]))
    >>> values.round(4), scale.round(4)
    (array([[-1.,  1.]]), array([[1.]]))
    """
    centred = v - v.mean(axis=1, keepdims=True)
    scale = np.sqrt((centred * centred).mean(axis=1, keepdims=True) + EPSILON)
    return Normalised(centred / scale, scale)
