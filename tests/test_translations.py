"""The appendix Translations against the libraries themselves: its converters, given their arrays, give their numbers.

The functions are the notebook's own, taken out of its cells. PyTorch is a requirement of the tests; Keras, ONNX and ONNX
Runtime are not, and what is about them runs where they import.
"""

from __future__ import annotations

import ast
import json
import os
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import rnncourse
from rnncourse.layers.bidirectional import Bidirectional

PAGE = Path(__file__).parents[1] / "book" / "appendices" / "translations.ipynb"
T, B, N_X, N_A = 5, 2, 3, 4
ONNX = pytest.mark.skipif(find_spec("onnx") is None, reason="ONNX is not installed: no live comparison")
KERAS = pytest.mark.skipif(find_spec("keras") is None, reason="Keras is not installed: no live comparison")


@pytest.fixture(scope="module")
def page() -> SimpleNamespace:
    """The functions that the page defines."""
    cells = json.loads(PAGE.read_text("utf8"))["cells"]
    trees = [ast.parse("".join(cell["source"])) for cell in cells if cell["cell_type"] == "code"]
    found = [node for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)]
    space: dict[str, Any] = {"np": np, **{name: getattr(rnncourse, name) for name in ("RNN", "GRU", "LSTM")}}
    exec(compile(ast.Module(found, []), str(PAGE), "exec"), space)
    return SimpleNamespace(**space)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def close(found: Any, told: Any, bar: float = 1e-12) -> bool:
    return found.shape == told.shape and float(np.abs(found - told).max()) <= bar


# --- PyTorch ---------------------------------------------------------------------------------------------------


def in_torch(kind: str, rng: np.random.Generator, **options: Any) -> tuple[Any, dict[str, np.ndarray]]:
    torch = pytest.importorskip("torch")
    layer = getattr(torch.nn, kind)(N_X, N_A, dtype=torch.float64, **options)
    arrays = {name: rng.normal(size=tuple(p.shape)) for name, p in layer.named_parameters()}
    with torch.no_grad():
        for name, p in layer.named_parameters():
            p.copy_(torch.from_numpy(arrays[name]))
    return layer, arrays


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
@pytest.mark.parametrize("batch_first", [False, True])
def test_pytorch(page: SimpleNamespace, rng: np.random.Generator, kind: str, batch_first: bool) -> None:
    theirs, arrays = in_torch(kind, rng, batch_first=batch_first)
    torch = pytest.importorskip("torch")
    x, states = rng.normal(size=(T, B, N_X)), rng.normal(size=(1 + (kind == "LSTM"), 1, B, N_A))
    given = [torch.from_numpy(s) for s in states]  # (1, B, n_a), with the batch first as without
    told, _ = theirs(
        torch.from_numpy(x.swapaxes(0, 1) if batch_first else x), tuple(given) if kind == "LSTM" else given[0]
    )
    told = told.detach().numpy().swapaxes(0, 1) if batch_first else told.detach().numpy()
    convert = {"LSTM": page.lstm_from_pytorch, "GRU": page.gru_from_pytorch}[kind]
    ours = convert(*(arrays[f"{name}_l0"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")))
    state = tuple(states[:, 0]) if kind == "LSTM" else states[0, 0]
    assert close(ours.forward(x, state).a, told)


@pytest.mark.parametrize(("layers", "directions"), [(1, 1), (1, 2), (2, 2), (3, 1)])
def test_names_in_pytorch(page: SimpleNamespace, rng: np.random.Generator, layers: int, directions: int) -> None:
    _, arrays = in_torch("GRU", rng, num_layers=layers, bidirectional=directions == 2)
    assert page.names_in_pytorch(layers, directions) == list(arrays)
    if layers > 1:
        assert arrays["weight_ih_l1"].shape == (3 * N_A, directions * N_A)


def test_reverse_reads_from_the_last_step(page: SimpleNamespace, rng: np.random.Generator) -> None:
    theirs, arrays = in_torch("LSTM", rng, bidirectional=True)
    torch = pytest.importorskip("torch")
    x = rng.normal(size=(T, B, N_X))
    told = theirs(torch.from_numpy(x))[0].detach().numpy()
    names = page.names_in_pytorch(1, 2)
    ahead, back = (page.lstm_from_pytorch(*(arrays[name] for name in names[k : k + 4])) for k in (0, 4))
    assert close(Bidirectional(ahead, back).forward(x).a, told)


# --- Keras -----------------------------------------------------------------------------------------------------


@KERAS
@pytest.mark.parametrize(
    ("kind", "options", "shapes"),
    [
        ("LSTM", {}, [(N_X, 4 * N_A), (N_A, 4 * N_A), (4 * N_A,)]),
        ("GRU", {}, [(N_X, 3 * N_A), (N_A, 3 * N_A), (2, 3 * N_A)]),
        ("GRU", {"reset_after": False}, [(N_X, 3 * N_A), (N_A, 3 * N_A), (3 * N_A,)]),
    ],
)
def test_keras(page: SimpleNamespace, rng: np.random.Generator, kind: str, options: Any, shapes: Any) -> None:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    theirs = getattr(keras.layers, kind)(N_A, return_sequences=True, dtype="float64", **options)
    x = rng.normal(size=(T, B, N_X))
    theirs.build((B, T, N_X))
    first = theirs.get_weights()
    assert [w.shape for w in first] == shapes
    if kind == "LSTM":  # the forget bias is in the array from the start
        assert (first[2] == np.repeat([0.0, 1.0, 0.0, 0.0], N_A)).all()
    arrays = [rng.normal(size=shape) for shape in shapes]
    theirs.set_weights(arrays)
    told = keras.ops.convert_to_numpy(theirs(x.swapaxes(0, 1))).swapaxes(0, 1)
    convert = {"LSTM": page.lstm_from_keras, "GRU": page.gru_from_keras}[kind]
    assert close(convert(*arrays).forward(x).a, told)


# --- ONNX ------------------------------------------------------------------------------------------------------


def in_onnx(kind: str, feeds: dict[str, np.ndarray], engine: str, **options: Any) -> np.ndarray:
    from onnx import TensorProto, helper

    element = {"runtime": TensorProto.FLOAT, "reference": TensorProto.DOUBLE}[engine]
    inputs = [name if name in feeds else "" for name in ("X", "W", "R", "B", "", "", "", "P")]
    while not inputs[-1]:
        inputs.pop()
    node = helper.make_node(kind, inputs, ["Y"], hidden_size=N_A, **options)
    ends = ([helper.make_tensor_value_info(name, element, None) for name in names] for names in (feeds, "Y"))
    model = helper.make_model(
        helper.make_graph([node], "g", *ends), opset_imports=[helper.make_opsetid("", 14)], ir_version=8
    )
    if engine == "runtime":
        ort = pytest.importorskip("onnxruntime")
        session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        feeds = {name: array.astype(np.float32) for name, array in feeds.items()}
    else:
        from onnx.reference import ReferenceEvaluator

        session = ReferenceEvaluator(model)
    return session.run(None, feeds)[0]


def onnx_arrays(rng: np.random.Generator, blocks: int) -> dict[str, np.ndarray]:
    shapes = {"X": (T, B, N_X), "W": (1, blocks * N_A, N_X), "R": (1, blocks * N_A, N_A), "B": (1, 2 * blocks * N_A)}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


ENGINES = pytest.mark.parametrize(("engine", "bar"), [("runtime", 5e-6), ("reference", 1e-12)])


@ONNX
@ENGINES
def test_onnx_lstm(page: SimpleNamespace, rng: np.random.Generator, engine: str, bar: float) -> None:
    feeds = onnx_arrays(rng, 4)
    ours = page.lstm_from_onnx(feeds["W"][0], feeds["R"][0], feeds["B"][0])
    assert close(ours.forward(feeds["X"]).a, in_onnx("LSTM", feeds, engine).reshape(T, B, N_A), bar)


@ONNX
def test_onnx_peepholes(page: SimpleNamespace, rng: np.random.Generator) -> None:
    """P holds i, o, f. ONNX Runtime is the judge."""
    feeds = onnx_arrays(rng, 4) | {"P": rng.normal(size=(1, 3 * N_A))}
    bare = page.lstm_from_onnx(feeds["W"][0], feeds["R"][0], feeds["B"][0])
    p_u, p_o, p_f = np.split(feeds["P"][0], 3)
    ours = rnncourse.LSTM(bare.W, bare.b, p_f, p_u, p_o)
    told = in_onnx("LSTM", feeds, "runtime").reshape(T, B, N_A)
    assert close(ours.forward(feeds["X"]).a, told, 5e-6)


@ONNX
@ENGINES
@pytest.mark.parametrize("after", [0, 1])
def test_onnx_gru(page: SimpleNamespace, rng: np.random.Generator, after: int, engine: str, bar: float) -> None:
    feeds = onnx_arrays(rng, 3)
    ours = page.gru_from_onnx(feeds["W"][0], feeds["R"][0], feeds["B"][0], after)
    told = in_onnx("GRU", feeds, engine, linear_before_reset=after).reshape(T, B, N_A)
    assert close(ours.forward(feeds["X"]).a, told, bar)
