"""The appendix Translations against the libraries: its converters, given their arrays, give their numbers.

The functions are the notebook's own, taken out of its cells. PyTorch is a requirement of the tests. Keras, ONNX and
ONNX Runtime are not: what they compute is stored, and compared live where they import. To store it anew, where they do:
``python tests/test_translations.py``.
"""

from __future__ import annotations

import ast
import json
import os
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import rnncourse
from rnncourse.exchange import keras, onnx, orders, pytorch
from rnncourse.exchange.blocks import ORDERS
from rnncourse.layers.bidirectional import Bidirectional

PAGE = Path(__file__).parents[1] / "book" / "appendices" / "translations.ipynb"
T, B, N_X, N_A = 5, 2, 3, 4
FILE = Path(__file__).with_name("translations.npz")
LIBRARIES = ("keras", "onnx", "onnxruntime")
LIVE = pytest.mark.skipif(
    any(find_spec(name) is None for name in LIBRARIES), reason="Keras or ONNX is not installed: no live comparison"
)


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


def test_pytorch_plain(rng: np.random.Generator) -> None:
    theirs, arrays = in_torch("RNN", rng)
    torch = pytest.importorskip("torch")
    x, a_0 = rng.normal(size=(T, B, N_X)), rng.normal(size=(B, N_A))
    told = theirs(torch.from_numpy(x), torch.from_numpy(a_0[None]))[0].detach().numpy()
    b = arrays["bias_ih_l0"] + arrays["bias_hh_l0"]
    layer = rnncourse.RNN.from_gates(W_ax=arrays["weight_ih_l0"], W_aa=arrays["weight_hh_l0"], b_a=b)
    assert close(layer.forward(x, a_0).a, told)


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


# --- Keras and ONNX: what they compute, stored and live --------------------------------------------------------------

KERAS = {  # kind, options, shapes of the weights
    "keras rnn": ("SimpleRNN", {}, [(N_X, N_A), (N_A, N_A), (N_A,)]),
    "keras lstm": ("LSTM", {}, [(N_X, 4 * N_A), (N_A, 4 * N_A), (4 * N_A,)]),
    "keras gru after": ("GRU", {}, [(N_X, 3 * N_A), (N_A, 3 * N_A), (2, 3 * N_A)]),
    "keras gru before": ("GRU", {"reset_after": False}, [(N_X, 3 * N_A), (N_A, 3 * N_A), (3 * N_A,)]),
}
ONNX = {  # kind, engine, options
    "onnx rnn": ("RNN", "runtime", {}),
    "onnx lstm runtime": ("LSTM", "runtime", {}),
    "onnx lstm reference": ("LSTM", "reference", {}),
    "onnx lstm batch first": ("LSTM", "reference", {"layout": 1}),
    "onnx lstm peepholes": ("LSTM", "runtime", {"P": True}),
    "onnx gru before runtime": ("GRU", "runtime", {"linear_before_reset": 0}),
    "onnx gru before reference": ("GRU", "reference", {"linear_before_reset": 0}),
    "onnx gru after runtime": ("GRU", "runtime", {"linear_before_reset": 1}),
    "onnx gru after reference": ("GRU", "reference", {"linear_before_reset": 1}),
}
BARS = dict.fromkeys((*KERAS, *ONNX), 1e-12) | {
    name: 5e-6 for name, (_, engine, _) in ONNX.items() if engine == "runtime"
}
BARS |= {
    "keras gru before": 1e-6,
    "keras rnn": 1e-6,
}  # Keras 3.15 on PyTorch rounds these as float32 does, asked for float64


def given(name: str) -> list[np.ndarray]:
    """Inputs (T, B, n_x) and weights, in the library's layout."""
    rng = np.random.default_rng(sum(map(ord, name)))
    if name in KERAS:
        shapes = KERAS[name][2]
    else:
        kind, _, options = ONNX[name]
        blocks = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind] * N_A
        shapes = [(1, blocks, N_X), (1, blocks, N_A), (1, 2 * blocks)] + [(1, 3 * N_A)] * ("P" in options)
    return [rng.normal(size=shape) for shape in ((T, B, N_X), *shapes)]


def in_keras(name: str) -> np.ndarray:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    kind, options, shapes = KERAS[name]
    x, *arrays = given(name)
    theirs = getattr(keras.layers, kind)(N_A, return_sequences=True, dtype="float64", **options)
    theirs.build((B, T, N_X))
    first = theirs.get_weights()
    assert [w.shape for w in first] == shapes
    if kind == "LSTM":  # the forget bias is in the array from the start
        assert (first[2] == np.repeat([0.0, 1.0, 0.0, 0.0], N_A)).all()
    theirs.set_weights(arrays)
    return keras.ops.convert_to_numpy(theirs(x.swapaxes(0, 1))).swapaxes(0, 1)


def in_onnx(name: str) -> np.ndarray:
    from onnx import TensorProto, helper

    kind, engine, options = ONNX[name]
    attributes = {key: value for key, value in options.items() if key != "P"}
    feeds = dict(zip("XWRBP", given(name), strict=False))
    if attributes.get("layout"):
        feeds["X"] = feeds["X"].swapaxes(0, 1)
    inputs = ["X", "W", "R", "B", *(("", "", "", "P") if "P" in feeds else ())]
    node = helper.make_node(kind, inputs, ["Y"], hidden_size=N_A, **attributes)
    element = {"runtime": TensorProto.FLOAT, "reference": TensorProto.DOUBLE}[engine]
    ends = ([helper.make_tensor_value_info(each, element, None) for each in end] for end in (feeds, "Y"))
    opset = [helper.make_opsetid("", 14)]
    model = helper.make_model(helper.make_graph([node], "g", *ends), opset_imports=opset, ir_version=8)
    session: Any
    if engine == "runtime":
        import onnxruntime

        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        feeds = {key: array.astype(np.float32) for key, array in feeds.items()}
    else:
        from onnx.reference import ReferenceEvaluator

        session = ReferenceEvaluator(model)
    (y,) = session.run(None, feeds)
    if attributes.get("layout"):  # (B, T, d, n_a)
        assert y.shape == (B, T, 1, N_A)
        return y[:, :, 0].swapaxes(0, 1)
    assert y.shape == (T, 1, B, N_A)
    return y[:, 0]


def told(name: str) -> np.ndarray:
    return in_keras(name) if name in KERAS else in_onnx(name)


def ours(page: SimpleNamespace, name: str) -> np.ndarray:
    """What the package computes with the page's converter."""
    x, *arrays = given(name)
    if name == "keras rnn":
        return rnncourse.RNN.from_gates(W_ax=arrays[0].T, W_aa=arrays[1].T, b_a=arrays[2]).forward(x).a
    if name in KERAS:
        convert = {"LSTM": page.lstm_from_keras, "GRU": page.gru_from_keras}[KERAS[name][0]]
        return convert(*arrays).forward(x).a
    kind, _, options = ONNX[name]
    W, R, bias, *peepholes = (array[0] for array in arrays)
    if kind == "RNN":
        return rnncourse.RNN.from_gates(W_ax=W, W_aa=R, b_a=np.add(*np.split(bias, 2))).forward(x).a
    if kind == "GRU":
        return page.gru_from_onnx(W, R, bias, options["linear_before_reset"]).forward(x).a
    layer = page.lstm_from_onnx(W, R, bias)
    if peepholes:  # i, o, f
        p_u, p_o, p_f = np.split(peepholes[0], 3)
        layer = rnncourse.LSTM(layer.W, layer.b, p_f, p_u, p_o)
    return layer.forward(x).a


@pytest.mark.parametrize("name", BARS)
def test_the_converters_agree_with_what_is_stored(page: SimpleNamespace, name: str) -> None:
    with np.load(FILE, allow_pickle=False) as stored:
        assert close(ours(page, name), stored[name], BARS[name])


@LIVE
@pytest.mark.parametrize("name", BARS)
def test_what_is_stored_is_what_the_libraries_compute(name: str) -> None:
    with np.load(FILE, allow_pickle=False) as stored:
        assert close(told(name), stored[name], BARS[name])


# --- the page and rnncourse.exchange ---------------------------------------------------------------------------------


def rows(heading: str) -> list[list[str]]:
    """The rows of the table below a heading of the page."""
    cells = json.loads(PAGE.read_text("utf8"))["cells"]
    (text,) = (t for t in ("".join(cell["source"]) for cell in cells) if t.startswith(f"## {heading}\n"))
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return lines[1:]


@pytest.mark.parametrize(("heading", "kind", "column"), [("the LSTM", "LSTM", 2), ("the GRU", "GRU", 2)])
def test_the_tables_of_orders_are_those_of_exchange(heading: str, kind: str, column: int) -> None:
    told = {}
    for row in rows(f"Block orders: {heading}"):
        order = row[column].replace("1 − u", "z").partition(";")[0]
        told[row[0]] = "".join(letter for letter in order if letter.isalpha())
    assert told.pop("this package") == "".join(rnncourse.LSTM.block_names() if kind == "LSTM" else "urc")
    names = {name.partition(" {")[0].removesuffix("'s assignment"): order for name, order in told.items()}
    assert names == {library: ORDERS[library][kind] for library in names}
    assert names.keys() >= {"PyTorch", "Keras", "ONNX"}


def test_the_converters_of_the_page_are_those_of_exchange(page: SimpleNamespace, rng: np.random.Generator) -> None:
    def draw(*shapes: Any) -> list[np.ndarray]:
        return [rng.normal(size=shape) for shape in shapes]

    four, three = ([(G * N_A, N_X), (G * N_A, N_A), (G * N_A,), (G * N_A,)] for G in (4, 3))
    for convert, shapes in ((page.lstm_from_pytorch, four), (page.gru_from_pytorch, three)):
        arrays = draw(*shapes)
        names = page.names_in_pytorch(1, 1)
        assert pytorch.from_torch(dict(zip(names, arrays, strict=True))) == convert(*arrays)
    for kind, shapes in ((name[0], name[2]) for name in KERAS.values() if name[0] != "SimpleRNN"):
        arrays = draw(*shapes)
        assert keras.from_keras(arrays) == getattr(page, f"{kind.lower()}_from_keras")(*arrays)
    for G, kind in ((4, "LSTM"), (3, "GRU")):
        W, R, bias = draw((1, G * N_A, N_X), (1, G * N_A, N_A), (1, 2 * G * N_A))
        for after in (0, 1):
            (ours,) = onnx._layers_of(kind, {"linear_before_reset": after}, {1: W, 2: R, 3: bias}.__getitem__, False)
            more = (after,) if kind == "GRU" else ()
            assert ours == getattr(page, f"{kind.lower()}_from_onnx")(W[0], R[0], bias[0], *more)
    kernel, b = draw((N_X + N_A, 4 * N_A), 4 * N_A)
    assert orders.from_layout("tf1", {"kernel": kernel, "bias": b}) == page.lstm_from_tf1(kernel, b)
    W_x, W_h = draw((N_X, 4 * N_A), (N_A, 4 * N_A))
    assert orders.from_layout("cs231n", {"Wx": W_x, "Wh": W_h, "b": b}) == page.lstm_from_cs231n(W_x, W_h, b)
    W_aa, W_ax, b_a = draw((N_A, N_A), (N_A, N_X), (N_A, 1))
    assert orders.from_layout("coursera", {"Waa": W_aa, "Wax": W_ax, "ba": b_a}) == page.rnn_from_coursera(
        W_aa, W_ax, b_a
    )


@pytest.mark.parametrize(("layers", "directions"), [(1, 1), (1, 2), (2, 2)])
def test_the_names_of_the_page_are_those_of_exchange(page: SimpleNamespace, layers: int, directions: int) -> None:
    rng = np.random.default_rng(0)
    stack, n_x = [], N_X
    for _ in range(layers):
        pair = [rnncourse.LSTM.init(n_x, N_A, rng) for _ in range(directions)]
        stack.append(Bidirectional(*pair) if directions == 2 else pair[0])
        n_x = N_A * directions
    assert list(pytorch.to_torch(rnncourse.Deep(tuple(stack)))) == page.names_in_pytorch(layers, directions)


def test_the_versions_are_noted() -> None:
    with np.load(FILE, allow_pickle=False) as stored:
        assert set(LIBRARIES) <= ast.literal_eval(str(stored["versions"])).keys()


if __name__ == "__main__":
    arrays = {name: told(name) for name in BARS}
    versions = {name: version(name) for name in (*LIBRARIES, "numpy", "torch")}
    np.savez_compressed(FILE, versions=np.array(str(versions)), **arrays)
    print(versions, FILE.stat().st_size, "bytes")
