"""forward and backward against PyTorch float64: live where it imports, everywhere against its stored results."""

import ast
from importlib.util import find_spec

import numpy as np
import pytest

from .make_oracle import FOLDER, SHAPES, load, stored
from .registry import CASES
from .worlds import everything, make_world

live = pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed: no live comparison with it")

FORWARD, GRADIENT = 1e-13, 1e-10


def assert_agrees(world, expected):
    found = everything(world)
    assert found.keys() == expected.keys()
    for path, array in expected.items():
        difference = np.abs(found[path] - array).max()
        assert difference <= (GRADIENT if path.startswith("grads") else FORWARD), (path, difference)


@pytest.mark.parametrize("k", range(len(SHAPES)))
def test_agrees_with_the_stored_results_of_pytorch(oracle_case, k):
    assert_agrees(*load(oracle_case)[k])


def random_sizes(seed):
    """Four sizes from 1 to 9, all different; lengths for every second seed."""
    rng = np.random.default_rng(seed)
    T, B, n_x, n_a = map(int, rng.permutation(np.arange(1, 10))[:4])
    return (T, B, n_x, n_a), (rng.integers(1, T, B, endpoint=True).tolist() if seed % 2 else None)


@live
@pytest.mark.parametrize("seed", range(8))
def test_agrees_with_pytorch_live_on_random_shapes(oracle_case, seed):
    sizes, lengths = random_sizes(seed)
    assert len(set(sizes)) == 4
    world = make_world(oracle_case, *sizes, lengths=lengths, seed=seed)
    assert_agrees(world, oracle_case.oracle(world))


@live
def test_the_stored_results_can_be_made_again(oracle_case):
    with np.load(FOLDER / f"{oracle_case}.npz", allow_pickle=False) as file:
        old = dict(file)
    assert {"torch", "numpy", "python"} <= set(ast.literal_eval(str(old.pop("versions"))))
    new = stored(oracle_case)
    assert old.keys() == new.keys()
    for name in old:
        assert np.abs(old[name] - new[name]).max(initial=0) <= (0 if ".in." in name else 1e-13), name


def test_the_stored_files_are_those_of_the_registry_and_below_a_megabyte():
    files = list(FOLDER.glob("*.npz"))
    assert {file.stem for file in files} == {case.name for case in CASES if case.oracle}
    assert sum(file.stat().st_size for file in files) < 1_000_000
