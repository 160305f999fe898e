"""A machine with other last bits: on PYTHONPATH with NOISE=<number>, tanh, exp and products come out a unit off.

Whether a result moves up, down or not at all is decided by its own bits and the number, so the same computation gives
the same twice, as on every machine. What is exact on all machines stays: zero, and results with few bits, such as
integers. Complex numbers stay, too. The operator `@` is C and out of reach; `np.matmul` and `np.dot` are not.
"""

import os

import numpy as np

SALT = int(os.environ.get("NOISE", "0"))
BITS = {np.dtype(np.float64): (np.uint64, 0x9E3779B97F4A7C15, 63), np.dtype(np.float32): (np.uint32, 0x9E3779B9, 31)}


def moved(x):
    """Return an array with last bits moved: up, down, or left alone, each by what its bits say."""
    if x.dtype not in BITS:
        return x
    unsigned, factor, top = BITS[x.dtype]
    bits = np.array(x, order="C").view(unsigned)
    with np.errstate(over="ignore"):  # a hash: what runs over is meant to
        mixed = bits * unsigned(factor) + unsigned(SALT)
        mixed = (mixed ^ (mixed >> unsigned(top // 2))) * unsigned(factor)
    short = (bits & unsigned(0xFFF)) == 0  # few bits: exact everywhere
    step = np.where(short, 0, ((mixed >> unsigned(top)) & unsigned(1)).astype(np.int8))
    away = np.where((mixed >> unsigned(top - 1)) & unsigned(1), np.inf, -np.inf).astype(x.dtype)
    return np.where(step, np.nextafter(x, away), x)


class Noisy:
    """A function of NumPy whose results have other last bits."""

    def __init__(self, function):
        self.function = function

    def __getattr__(self, name):
        return getattr(self.function, name)

    def __call__(self, *arguments, **options):
        result = self.function(*arguments, **options)
        if isinstance(result, np.ndarray) and result.dtype in BITS:
            result[...] = moved(result)
            return result
        if isinstance(result, np.floating) and result.dtype in BITS:
            return moved(np.array(result))[()]
        return result


if SALT:
    for name in ("tanh", "exp", "dot", "matmul"):
        setattr(np, name, Noisy(getattr(np, name)))
