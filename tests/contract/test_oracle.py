"""forward and backward against PyTorch float64: live where it imports, everywhere against its stored results."""

import ast
import sys
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest

from . import make_oracle
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


def test_the_stored_files_are_those_of_the_registry_and_each_is_small():
    files = list(FOLDER.glob("*.npz"))
    assert {file.stem for file in files} == {case.name for case in CASES if case.oracle}
    assert {file.name: file.stat().st_size for file in files if file.stat().st_size > 100_000} == {}


@pytest.mark.parametrize(
    ("names", "written"), [(["gru", "use-gate"], ["gru", "use-gate"]), ([], ["rnn-tanh"]), (["gruu"], None)], ids=str
)
def test_only_the_cases_that_are_named_or_missing_are_written(monkeypatch, tmp_path, names, written):
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(__version__="none"))
    monkeypatch.setattr(make_oracle, "FOLDER", tmp_path)
    monkeypatch.setattr(make_oracle, "stored", lambda case: {"name": np.array(case.name)})
    for case in CASES:
        if case.oracle and case.name != "rnn-tanh":
            (tmp_path / f"{case}.npz").touch()
    if written is None:
        with pytest.raises(SystemExit, match="no such case with an oracle: gruu; there are rnn-tanh,"):
            make_oracle.main(names)
    else:
        make_oracle.main(names)
    assert sorted(file.stem for file in tmp_path.iterdir() if file.stat().st_size) == (written or [])
