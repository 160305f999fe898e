"""The GRU with the reset before the product against ONNX: stored results everywhere, live where it imports."""

import ast
from importlib.util import find_spec

import numpy as np
import pytest

from rnncourse import GRU, tree_map

from .make_onnx_oracle import FILE, SHAPES, in_onnx, worlds

BARS = {"float32": 2e-6, "float64": 1e-13}
live = pytest.mark.skipif(
    find_spec("onnx") is None or find_spec("onnxruntime") is None, reason="ONNX is not installed: no live comparison"
)


@pytest.fixture(scope="module")
def arrays():
    with np.load(FILE, allow_pickle=False) as file:
        return dict(file)


@pytest.mark.parametrize("dtype", BARS)
@pytest.mark.parametrize("k", range(len(SHAPES)))
def test_the_gru_agrees_with_the_stored_results_of_onnx(arrays, k, dtype):
    given = {name: arrays[f"{k}.in.{name}"].astype(dtype) for name in ("x", "state", "W", "b")}
    layer = GRU(given["W"], given["b"])
    T, B, n_x, n_a = SHAPES[k]
    assert (given["x"].shape, layer.n_a) == ((T, B, n_x), n_a)
    found, expected = layer.forward(given["x"], given["state"]).a, arrays[f"{k}.out.{dtype}"]
    assert found.dtype == expected.dtype == dtype
    assert np.abs(found - expected).max() <= BARS[dtype]


@pytest.mark.parametrize("k", range(len(SHAPES)))
def test_resetting_after_the_product_does_not_agree_with_them(arrays, k):
    W, b = (arrays[f"{k}.in.{name}"].astype(float) for name in ("W", "b"))
    after = GRU(W, b, np.zeros(len(b) // 3))
    a = after.forward(arrays[f"{k}.in.x"].astype(float), arrays[f"{k}.in.state"].astype(float)).a
    assert np.abs(a - arrays[f"{k}.out.float64"]).max() > 1e-3


@live
@pytest.mark.parametrize("dtype", BARS)
def test_the_gru_agrees_with_onnx_live(arrays, dtype):
    for k, world in enumerate(worlds()):
        cast = {name: tree_map(lambda v: v.astype(dtype), getattr(world, name)) for name in ("layer", "x", "state")}
        expected = in_onnx(world, dtype)
        assert np.abs(world.but(**cast).run().a - expected).max() <= BARS[dtype]
        assert np.abs(expected - arrays[f"{k}.out.{dtype}"]).max() <= BARS[dtype]


def test_the_versions_are_noted_and_the_file_is_small(arrays):
    assert {"onnx", "onnxruntime", "numpy", "python"} <= set(ast.literal_eval(str(arrays["versions"])))
    assert FILE.stat().st_size < 2**16
