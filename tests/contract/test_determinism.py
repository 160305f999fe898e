"""The same call gives the same bytes: twice, in two processes, in many threads."""

import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from .registry import CASES
from .worlds import everything, make_world


def digest(case) -> str:
    """A fingerprint of everything, in float64 and float32, with and without lengths."""
    sha = hashlib.sha256()
    for dtype in (np.float64, np.float32):
        for lengths in (None, [9, 0, 4, 7]):
            found = everything(make_world(case, T=9, B=4, n_x=3, n_a=5, lengths=lengths, dtype=dtype))
            for path, array in found.items():
                sha.update(f"{path} {array.dtype} {array.shape}".encode() + array.tobytes())
    return f"{case} {sha.hexdigest()}"


@pytest.fixture(scope="module")
def other_process() -> list[str]:
    code = "from contract.test_determinism import digest, CASES; print(*map(digest, CASES), sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout.splitlines()


def test_twice_the_same_call_is_bit_equal(case):
    assert digest(case) == digest(case)


def test_two_processes_are_bit_equal(case, other_process):
    assert len(other_process) == len(CASES)
    assert digest(case) in other_process


def test_init_draws_the_same_from_the_same_seed(case):
    one, two, three = (case.init(n_x=3, n_a=4, rng=np.random.default_rng(seed), dtype=np.float64) for seed in (1, 1, 2))
    assert one == two
    assert one != three


@pytest.fixture
def hasty():
    """Threads take turns a hundred times as often as they would: a few calls meet as many others as thousands do."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(usual / 100)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.parametrize("calls", [5, pytest.param(50, marks=pytest.mark.slow)])
def test_eight_threads_of_many_calls_are_bit_equal(case, calls, hasty):
    world = make_world(case, T=7, B=3, n_x=4, n_a=5, lengths=[7, 0, 4])

    def fingerprint(_=None):
        return b"".join(array.tobytes() for array in everything(world).values())

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(fingerprint, range(8 * calls)))
    assert found == {fingerprint()}
