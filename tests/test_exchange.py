"""Parameters from and to other libraries: the same numbers forwards and backwards, and a reason for every refusal.

PyTorch runs here. What Keras computes is stored in exchange.npz, with its gradients, and compared live where Keras
is installed; what ONNX Runtime and ONNX's reference compute is in translations.npz (test_translations.py), and whole
files are written and run where onnx and onnxruntime are installed. To store Keras's numbers anew:
``python test_exchange.py``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from test_translations import ONNX, given

from rnncourse import GRU, LSTM, RNN, Bidirectional, Deep, Dense, Embedding, Halves, tree_map
from rnncourse.activations import ACTIVATIONS
from rnncourse.exchange import keras as to_and_from_keras
from rnncourse.exchange import onnx as to_and_from_onnx
from rnncourse.exchange import orders, pytorch
from rnncourse.exchange.blocks import ORDERS, from_blocks, to_blocks
from rnncourse.layers.use_gate import UseGateCell

T, B, N_X, N_A = 7, 4, 3, 5
LENGTHS = np.array([7, 2, 5, 1])
BARS = {"float32": 2e-5, "float64": 1e-12}
FILE = Path(__file__).with_name("exchange.npz")
KERAS_LIVE = pytest.mark.skipif(find_spec("keras") is None, reason="Keras is not installed: no live comparison")
ONNX_LIVE = pytest.mark.skipif(
    find_spec("onnx") is None or find_spec("onnxruntime") is None, reason="ONNX is not installed: no live comparison"
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(23)


def drawn(layer: Any, rng: np.random.Generator) -> Any:
    """The layer with random numbers of order 1 in all places, biases too."""
    return tree_map(lambda w: rng.normal(size=w.shape).astype(w.dtype), layer)


def apart(a: Any, b: Any) -> float:
    assert a.shape == b.shape
    return float(np.abs(a - b).max(initial=0) / max(1.0, np.abs(b).max(initial=0)))


def forms(dtype: Any = np.float64, *, after: bool = True) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    made = {
        "rnn": RNN.init(N_X, N_A, rng, dtype),
        "gru": GRU.init(N_X, N_A, rng, dtype, reset_after=after),
        "lstm": LSTM.init(N_X, N_A, rng, dtype),
    }
    return {name: drawn(layer, rng) for name, layer in made.items()}


# --- PyTorch ---------------------------------------------------------------------------------------------------------


def module(kind: str, rng: np.random.Generator, dtype: str = "float64", **options: Any) -> Any:
    torch = pytest.importorskip("torch")
    made = getattr(torch.nn, kind)(N_X, N_A, dtype=getattr(torch, dtype), **options)
    with torch.no_grad():
        for p in made.parameters():
            p.copy_(torch.from_numpy(rng.normal(size=tuple(p.shape))))
    return made


def states_of(layer: Any, rng: np.random.Generator, dtype: Any) -> tuple[Any, list[np.ndarray]]:
    """A random start state of ours, and in PyTorch's form: one array (layers · directions, B, n_a) a letter."""
    flat: list[Any] = []
    zero = layer.zero_state(B)

    def random(part: Any) -> Any:
        if isinstance(part, tuple) and not (
            len(part) == 2 and isinstance(part[0], np.ndarray) and "LSTM" in str(layer)
        ):
            return tuple(map(random, part))
        made = tree_map(lambda a: rng.normal(size=a.shape).astype(dtype), part)
        flat.append(made if isinstance(made, tuple) else (made,))
        return made

    return random(zero), [np.stack(letter) for letter in zip(*flat, strict=True)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("layers", "two"), [(1, False), (1, True), (2, True), (3, False)])
@pytest.mark.parametrize(
    ("kind", "options"), [("RNN", {}), ("RNN", {"nonlinearity": "relu"}), ("GRU", {}), ("LSTM", {})]
)
def test_pytorch_forwards_and_backwards(kind, options, layers, two, bias, dtype, rng):
    torch = pytest.importorskip("torch")
    theirs = module(kind, rng, dtype, num_layers=layers, bidirectional=two, bias=bias, **options)
    ours = pytorch.from_torch(theirs)
    told = {"nonlinearity": options["nonlinearity"]} if options else {}
    assert ours == pytorch.from_torch(theirs.state_dict(), **told)
    assert ours == pytorch.from_torch({f"a.{k}": v.numpy() for k, v in theirs.state_dict().items()}, "a.", **told)
    x = rng.normal(size=(T, B, N_X)).astype(dtype)
    state, flat = states_of(ours, rng, dtype)
    x_t, *flat_t = (torch.from_numpy(array).requires_grad_() for array in (x, *flat))
    packed = torch.nn.utils.rnn.pack_padded_sequence(x_t, torch.from_numpy(LENGTHS), enforce_sorted=False)
    out, final = theirs(packed, tuple(flat_t) if kind == "LSTM" else flat_t[0])
    out, _ = torch.nn.utils.rnn.pad_packed_sequence(out, total_length=T)
    run = ours.forward(x, state, lengths=LENGTHS)
    assert apart(run.a, out.detach().numpy()) < BARS[dtype]
    da = rng.normal(size=run.a.shape).astype(dtype)
    final_t = final if kind == "LSTM" else (final,)
    dfinal = [rng.normal(size=f.shape).astype(dtype) for f in flat]
    loss = (out * torch.from_numpy(da)).sum() + sum(
        (f * torch.from_numpy(d)).sum() for f, d in zip(final_t, dfinal, strict=True)
    )
    loss.backward()
    parts = iter(range(layers * (1 + two)))

    def like(part: Any) -> Any:
        """The gradient of the final states in our form."""
        if isinstance(part, tuple) and not isinstance(part[0], np.ndarray):
            return tuple(map(like, part))
        if isinstance(part, tuple) and kind != "LSTM":
            return tuple(map(like, part))
        k = next(parts)
        return (dfinal[0][k], dfinal[1][k]) if kind == "LSTM" else dfinal[0][k]

    grads = ours.backward(run, da, like(run.final))
    assert apart(grads.x, x_t.grad.numpy()) < BARS[dtype] * 10
    found = pytorch.to_torch(grads.layer, gradients=True)
    for name, p in theirs.named_parameters():
        assert apart(found[name], p.grad.numpy()) < BARS[dtype] * 10, name
    again = getattr(torch.nn, kind)(
        N_X, N_A, num_layers=layers, bidirectional=two, dtype=getattr(torch, dtype), **options
    )
    arrays = pytorch.to_torch(ours)
    assert list(arrays) == list(again.state_dict())
    again.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    assert pytorch.from_torch(again) == ours
    with torch.no_grad():
        assert apart(again(torch.from_numpy(x))[0].numpy(), ours.forward(x).a) < BARS[dtype]


def test_the_two_biases_have_one_gradient_but_for_the_grus_candidate(rng):
    torch = pytest.importorskip("torch")
    x = torch.from_numpy(rng.normal(size=(T, B, N_X)))
    for kind in ("RNN", "GRU", "LSTM"):
        theirs = module(kind, rng)
        (theirs(x)[0] * torch.from_numpy(rng.normal(size=(T, B, N_A)))).sum().backward()
        d_ih, d_hh = theirs.bias_ih_l0.grad.numpy(), theirs.bias_hh_l0.grad.numpy()
        same = slice(2 * N_A) if kind == "GRU" else slice(None)
        assert np.abs(d_ih - d_hh)[same].max() < 1e-13
        assert np.abs(d_ih).max() > 0.1
        if kind == "GRU":
            assert np.abs(d_ih - d_hh)[2 * N_A :].min() > 1e-6


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_cells_of_pytorch(kind, rng):
    torch = pytest.importorskip("torch")
    theirs = module(f"{kind}Cell", rng)
    x, a_0 = rng.normal(size=(B, N_X)), rng.normal(size=(2, B, N_A))
    state = tuple(map(torch.from_numpy, a_0)) if kind == "LSTM" else torch.from_numpy(a_0[0])
    with torch.no_grad():
        told = theirs(torch.from_numpy(x), state)
    found, _ = pytorch.from_torch(theirs).step(x, tuple(a_0) if kind == "LSTM" else a_0[0])
    assert apart(found, (told[0] if kind == "LSTM" else told).numpy()) < 1e-13


def test_linear_and_embedding(rng):
    torch = pytest.importorskip("torch")
    for theirs, x in (
        (torch.nn.Linear(3, 5, dtype=torch.float64), rng.normal(size=(T, B, 3))),
        (torch.nn.Linear(3, 5, bias=False, dtype=torch.float64), rng.normal(size=(T, B, 3))),
        (torch.nn.Embedding(9, 5, dtype=torch.float64), rng.integers(0, 9, (T, B))),
    ):
        ours = pytorch.from_torch(theirs)
        assert apart(ours.forward(x).a, theirs(torch.from_numpy(x)).detach().numpy()) < 1e-13
        arrays = pytorch.to_torch(ours)
        assert list(arrays) == list(theirs.state_dict())
        theirs.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
        assert pytorch.from_torch(theirs) == ours


def test_the_dropout_of_a_module_is_taken(rng):
    assert pytorch.from_torch(module("LSTM", rng, num_layers=2, dropout=0.25)).dropout == 0.25
    assert pytorch.from_torch(module("LSTM", rng, num_layers=2).state_dict(), dropout=0.5).dropout == 0.5


def test_the_arrays_are_copies(rng):
    arrays = pytorch.to_torch(forms()["lstm"])
    layer = pytorch.from_torch(arrays)
    before = layer.W.copy()
    for array in arrays.values():
        array[:] = 7
    assert (before == layer.W).all()
    for array in to_and_from_keras.to_keras(layer):
        array[:] = 7
    assert (before == layer.W).all()


# --- Keras -----------------------------------------------------------------------------------------------------------

KERAS = {
    "rnn": ("SimpleRNN", {}),
    "rnn relu": ("SimpleRNN", {"activation": "relu"}),
    "rnn no bias": ("SimpleRNN", {"use_bias": False}),
    "lstm": ("LSTM", {}),
    "lstm no bias": ("LSTM", {"use_bias": False}),
    "gru after": ("GRU", {}),
    "gru before": ("GRU", {"reset_after": False}),
    "gru after, no bias": ("GRU", {"use_bias": False}),
    "two lstms": ("LSTM", {"two": True}),
    "two grus": ("GRU", {"two": True}),
    "two rnns": ("SimpleRNN", {"two": True}),
}
# Keras 3.15 on PyTorch rounds as float32 does, asked for float64, where it loops over the steps: these, and masks
LIKE_FLOAT32 = {"rnn", "rnn relu", "rnn no bias", "gru before", "two rnns"}


def keras_case(name: str) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """Inputs (T, B, n_x), weights in Keras's layout, and dL/da."""
    kind, options = KERAS[name]
    rng = np.random.default_rng(sum(map(ord, name)))
    G = {"SimpleRNN": 1, "GRU": 3, "LSTM": 4}[kind]
    bias = [(2, G * N_A) if kind == "GRU" and options.get("reset_after", True) else (G * N_A,)]
    shapes = [(N_X, G * N_A), (N_A, G * N_A), *(bias if options.get("use_bias", True) else [])]
    two = bool(options.get("two"))
    weights = [rng.normal(size=shape) for shape in shapes * (1 + two)]
    return rng.normal(size=(T, B, N_X)), weights, rng.normal(size=(T, B, N_A * (1 + two)))


def keras_layer(name: str) -> Any:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    kind, options = KERAS[name]
    options = {key: value for key, value in options.items() if key != "two"}
    layer = getattr(keras.layers, kind)(
        N_A, return_sequences=True, zero_output_for_mask=True, dtype="float64", **options
    )
    if KERAS[name][1].get("two"):
        layer = keras.layers.Bidirectional(layer, dtype="float64")
    layer.build((B, T, N_X))
    return layer


def in_keras(name: str, lengths: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Outputs and all gradients, in Keras's layout."""
    layer = keras_layer(name)
    import torch

    x, weights, da = keras_case(name)
    layer.set_weights(weights)
    x_t = torch.from_numpy(x.swapaxes(0, 1).copy()).requires_grad_()
    mask = None if lengths is None else torch.from_numpy(np.arange(T) < lengths[:, None])
    out = layer(x_t, mask=mask)
    (out * torch.from_numpy(da.swapaxes(0, 1).copy())).sum().backward()
    told = {"a": out.detach().numpy().swapaxes(0, 1), "dx": x_t.grad.numpy().swapaxes(0, 1)}
    return told | {f"d{k}": w.value.grad.numpy() for k, w in enumerate(layer.trainable_weights)}


def in_ours(name: str, lengths: np.ndarray | None = None) -> dict[str, np.ndarray]:
    x, weights, da = keras_case(name)
    told = {"reset_after": True} if name == "gru after, no bias" else {}
    activation = KERAS[name][1].get("activation", "tanh")
    ours = to_and_from_keras.from_keras(weights, activation, **told)
    run = ours.forward(x, lengths=lengths)
    grads = ours.backward(run, da)
    arrays = to_and_from_keras.to_keras(grads.layer, gradients=True)
    if "no bias" in name:
        arrays = arrays[:2]
    return {"a": run.a, "dx": grads.x} | {f"d{k}": array for k, array in enumerate(arrays)}


def agree(found: dict[str, np.ndarray], told: dict[str, np.ndarray], *, coarse: bool) -> None:
    assert found.keys() == told.keys()
    for part, array in told.items():
        assert apart(found[part], array) < (2e-6 if coarse else 1e-12), part


@pytest.mark.parametrize("name", KERAS)
def test_keras_as_stored(name):
    with np.load(FILE, allow_pickle=False) as stored:
        told = {key.split("/")[1]: stored[key] for key in stored.files if key.startswith(f"{name}/")}
    agree(in_ours(name), told, coarse=name in LIKE_FLOAT32)


@KERAS_LIVE
@pytest.mark.parametrize("name", KERAS)
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole", "lengths"])
def test_keras_live(name, lengths):
    coarse = name in LIKE_FLOAT32 or lengths is not None
    agree(in_ours(name, lengths), in_keras(name, lengths), coarse=coarse)


@KERAS_LIVE
@pytest.mark.parametrize("name", KERAS)
def test_layers_of_keras(name):
    theirs, (_, weights, _) = keras_layer(name), keras_case(name)
    theirs.set_weights(weights)
    kind, options = KERAS[name]
    told = {"reset_after": options.get("reset_after", True)} if kind == "GRU" and not options.get("two") else {}
    ours = to_and_from_keras.from_keras(theirs)
    assert ours == to_and_from_keras.from_keras(weights, options.get("activation", "tanh"), **told)
    if "no bias" not in name:
        theirs.set_weights(to_and_from_keras.to_keras(ours))
        assert to_and_from_keras.from_keras(theirs) == ours


@KERAS_LIVE
def test_a_sequential_of_keras_takes_the_arrays_of_a_deep_layer(rng):
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    net = Deep(
        (
            Embedding.init(9, 3, rng),
            LSTM.init(3, 5, rng),
            GRU.init(5, 4, rng, reset_after=True),
            Dense.init(4, 2, rng, activation="tanh"),
        )
    )
    net = drawn(tree_map(lambda w: w.astype(np.float32), net), rng)
    L = keras.layers
    parts = [L.Embedding(9, 3), L.LSTM(5, return_sequences=True), L.GRU(4, return_sequences=True), L.Dense(2, "tanh")]
    model = keras.Sequential([keras.Input((T,), dtype="int32"), *parts])
    model.set_weights(to_and_from_keras.to_keras(net))
    ids = rng.integers(0, 9, (T, B))
    assert apart(keras.ops.convert_to_numpy(model(ids.T)).swapaxes(0, 1), net.forward(ids).a) < 1e-5
    assert Deep(tuple(map(to_and_from_keras.from_keras, parts))) == net


def test_round_trips_with_keras_are_exact(rng):
    for after in (True, False):
        for layer in (*forms(after=after).values(), *forms(np.float32, after=after).values()):
            for each in (layer, Bidirectional(layer, drawn(layer, rng))):
                assert to_and_from_keras.from_keras(to_and_from_keras.to_keras(each)) == each
    dense = drawn(Dense.init(3, 5, rng), rng)
    assert to_and_from_keras.from_keras(to_and_from_keras.to_keras(dense)) == dense


# --- ONNX ------------------------------------------------------------------------------------------------------------


def known(arrays: list[np.ndarray], **more: Any) -> Any:
    """How `_layers_of` asks for the inputs of a node: W, R and B are 1, 2, 3, and P is 7."""
    return lambda k: {**dict(zip((1, 2, 3, 7), arrays, strict=False)), **more}[k]


@pytest.mark.parametrize("name", ONNX)
def test_the_nodes_of_onnx_as_stored(name):
    kind, engine, options = ONNX[name]
    x, *arrays = given(name)
    settings = {key: value for key, value in options.items() if key != "P"}
    (layer,) = to_and_from_onnx._layers_of(kind, settings, known(arrays), "P" in options)
    with np.load(Path(__file__).with_name("translations.npz"), allow_pickle=False) as stored:
        assert apart(layer.forward(x).a, stored[name]) < (5e-6 if engine == "runtime" else 1e-12)
    found, attributes = to_and_from_onnx._node_of((layer,))
    attributes = {key: [w.encode() for w in v] if key == "activations" else v for key, v in attributes.items()}
    again = to_and_from_onnx._layers_of(
        kind, attributes | {"hidden_size": 4}, known(list(found.values())), "P" in found
    )
    assert again == (layer,)
    assert all((found[key] == array).all() for key, array in zip("WRP", [*arrays[:2], *arrays[3:]], strict=False))


def onnx_layers(dtype: Any) -> dict[str, Any]:
    rng = np.random.default_rng(5)
    made: dict[str, Any] = {
        f"rnn {g}": RNN.init(N_X, N_A, rng, dtype, activation=g) for g in ("tanh", "relu", "sigmoid", "identity")
    }
    made |= {
        f"gru {after}": GRU.init(N_X, N_A, rng, dtype, reset_after=after == "after") for after in ("before", "after")
    }
    for word in ("plain", "peepholes", "coupled", "peepholes coupled"):
        made[f"lstm {word}"] = LSTM.init(N_X, N_A, rng, dtype, peepholes="peepholes" in word, coupled="coupled" in word)
    made = {
        name: tree_map(lambda w: (0.6 * rng.normal(size=w.shape)).astype(w.dtype), layer)
        for name, layer in made.items()
    }
    made |= {f"two: {name}": Bidirectional(layer, drawn(layer, rng)) for name, layer in made.items()}
    made["dense"] = drawn(Dense.init(N_X, 2, rng, dtype, activation="sigmoid"), rng)
    made["dense, no bias"] = Dense.init(N_X, 2, rng, dtype, bias=False)
    made["embedding"] = Embedding.init(9, 5, rng, dtype)
    two = Bidirectional(GRU.init(5, 2, rng, dtype), GRU.init(5, 2, rng, dtype))
    made["deep"] = drawn(
        Deep(
            (
                Embedding.init(9, 3, rng, dtype),
                LSTM.init(3, 5, rng, dtype, peepholes=True),
                two,
                Dense.init(4, 6, rng, dtype),
                GRU.init(6, 3, rng, dtype, reset_after=True),
                Dense.init(3, 2, rng, dtype, activation="tanh"),
            )
        ),
        rng,
    )
    return made


def test_coupled_gates_have_opposite_signs_in_onnx(rng):
    """There the update gate is computed and the forget gate is the rest: 1 - σ(z) = σ(-z). Needs no ONNX."""
    layer = drawn(LSTM.init(N_X, N_A, rng, coupled=True), rng)
    blocks = to_blocks(layer, "ONNX", able=("coupled",))
    update = slice(0, N_A)  # the first of i, o, f, c
    for theirs, ours in ((blocks.W_x, layer.W_fx), (blocks.W_h, layer.W_fa), (blocks.b_x, layer.b_f)):
        np.testing.assert_array_equal(theirs[update], -ours)
    assert from_blocks(("W", "R", "B", "B"), blocks, "ONNX", coupled=True) == layer


ODD = ("coupled", "two", "deep", "sigmoid", "relu", "identity")  # the reference knows the usual nodes, without lengths
RUNS = [(name, lengths, "runtime") for name in onnx_layers(np.float32) for lengths in (False, True)]
RUNS += [(name, False, "reference") for name in onnx_layers(np.float32) if not any(word in name for word in ODD)]


@ONNX_LIVE
@pytest.mark.parametrize(("name", "lengths", "engine"), RUNS)
def test_files_of_onnx_run(name, lengths, engine, tmp_path, rng):
    import onnx
    import onnxruntime
    from onnx.reference import ReferenceEvaluator

    dtype = np.float32 if engine == "runtime" else np.float64
    layer = onnx_layers(dtype)[name]
    path = tmp_path / "model.onnx"
    to_and_from_onnx.to_onnx(layer, path, lengths=lengths, states=True)
    onnx.checker.check_model(path, full_check=True)
    assert to_and_from_onnx.from_onnx(path) == layer
    symbols = getattr(layer, "reads_symbols", False)
    x = rng.integers(0, 9, (T, B)) if symbols else rng.normal(size=(T, B, N_X)).astype(dtype)
    feeds = {"x": x} | ({"lengths": LENGTHS.astype(np.int32)} if lengths else {})
    start = tree_map(lambda a: rng.normal(size=a.shape).astype(dtype), layer.zero_state(B))
    flat = flat_states(layer, start)
    feeds |= {name.replace("_", "0_"): array for name, array in flat.items()}
    run = layer.forward(x, start, lengths=LENGTHS if lengths else None)
    if engine == "runtime":
        session: Any = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    else:
        session = ReferenceEvaluator(str(path))
    finals = flat_states(layer, run.final)
    told = dict(zip(["a", *finals], session.run(["a", *finals], feeds), strict=True))
    bar = 1e-6 if engine == "runtime" else 1e-13
    assert float(np.std(told["a"])) > 0.01
    for part, array in {"a": run.a, **finals}.items():
        assert float(np.abs(array - told[part]).max()) <= bar * max(1.0, float(np.abs(array).max())), part


def flat_states(layer: Any, state: Any) -> dict[str, np.ndarray]:
    """A state under the names that to_onnx gives its parts."""
    out: dict[str, np.ndarray] = {}
    layers = layer.layers if isinstance(layer, Deep) else (layer,)
    k = 0
    for each, part in zip(layers, state if isinstance(layer, Deep) else (state,), strict=True):
        if isinstance(each, Dense | Embedding):
            continue
        pairs = part if isinstance(each, Bidirectional) else (part,)
        letters = [pair if isinstance(pair, tuple) else (pair,) for pair in pairs]
        out |= {
            f"{letter}_{k}": np.stack(arrays) for letter, arrays in zip("ac", zip(*letters, strict=True), strict=False)
        }
        k += 1
    return out


@ONNX_LIVE
def test_what_pytorch_writes_is_read(tmp_path, rng):
    torch = pytest.importorskip("torch")
    from onnx import TensorProto, helper, numpy_helper

    # the graph that torch.onnx.export makes of nn.LSTM with batch_first and an nn.Linear, bias first
    layer, dense = forms(np.float32)["lstm"], drawn(Dense.init(N_A, 2, rng, np.float32), rng)
    arrays, _ = to_and_from_onnx._node_of((layer,))
    arrays = {**arrays, "K": dense.W.T.copy(), "b": dense.b.copy(), "one": np.array([1])}
    nodes = [
        helper.make_node("Transpose", ["x"], ["xt"], perm=[1, 0, 2]),
        helper.make_node("LSTM", ["xt", "W", "R", "B"], ["y", "h", "c"], hidden_size=N_A),
        helper.make_node("Squeeze", ["y", "one"], ["ys"]),
        helper.make_node("Transpose", ["ys"], ["yt"], perm=[1, 0, 2]),
        helper.make_node("MatMul", ["yt", "K"], ["m"]),
        helper.make_node("Add", ["b", "m"], ["out"]),
    ]
    ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, None)] for name in ("x", "out")]
    graph = helper.make_graph(nodes, "g", *ends, [numpy_helper.from_array(a, n) for n, a in arrays.items()])
    found = to_and_from_onnx.from_onnx(helper.make_model(graph))
    assert found == Deep((layer, dense))
    # and with the arrays in nodes of their own, and one of them under a second name
    for name, array in arrays.items():
        graph.node.insert(0, helper.make_node("Constant", [], [name], value=numpy_helper.from_array(array)))
    del graph.initializer[:]
    graph.node[-2].input[1] = "K2"
    graph.node.insert(len(arrays), helper.make_node("Identity", ["K"], ["K2"]))
    assert to_and_from_onnx.from_onnx(helper.make_model(graph)) == found
    assert torch is not None


def test_a_missing_library_is_named():
    code = "import sys; sys.modules['onnx'] = None; from rnncourse.exchange import onnx; onnx.from_onnx('x')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 'rnncourse.exchange.onnx needs onnx: pip install "rnncourse[onnx]"' in done.stderr


# --- courses ---------------------------------------------------------------------------------------------------------


def sigma(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def course(name: str, arrays: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """What the course's own cell computes of its arrays, from zeros."""
    h = c = np.zeros((x.shape[1], N_A))
    out = []
    for x_t in x:
        if name == "tf1 lstm":
            i, j, f, o = np.split(np.hstack([x_t, h]) @ arrays["kernel"] + arrays["bias"], 4, axis=1)
            c = c * sigma(f + 1.0) + sigma(i) * np.tanh(j)
            h = np.tanh(c) * sigma(o)
        elif name == "tf1 gru":
            r, u = np.split(sigma(np.hstack([x_t, h]) @ arrays["gates/kernel"] + arrays["gates/bias"]), 2, axis=1)
            new = np.tanh(np.hstack([x_t, r * h]) @ arrays["candidate/kernel"] + arrays["candidate/bias"])
            h = u * h + (1 - u) * new
        elif name == "tf1 rnn":
            h = np.tanh(np.hstack([x_t, h]) @ arrays["kernel"] + arrays["bias"])
        elif name == "cs231n lstm":
            i, f, o, g = np.split(x_t @ arrays["Wx"] + h @ arrays["Wh"] + arrays["b"], 4, axis=1)
            c = sigma(f) * c + sigma(i) * np.tanh(g)
            h = sigma(o) * np.tanh(c)
        elif name == "cs231n rnn":
            h = np.tanh(x_t @ arrays["Wx"] + h @ arrays["Wh"] + arrays["b"])
        elif name == "coursera rnn":
            h = np.tanh(arrays["Waa"] @ h.T + arrays["Wax"] @ x_t.T + arrays["ba"]).T
        else:
            concat = np.concatenate([h.T, x_t.T])
            ft, it, ot = (sigma(arrays[f"W{g}"] @ concat + arrays[f"b{g}"]) for g in "fio")
            c = (ft * c.T + it * np.tanh(arrays["Wc"] @ concat + arrays["bc"])).T
            h = (ot * np.tanh(c.T)).T
        out.append(h)
    return np.stack(out)


COURSES = {
    "tf1 lstm": {"kernel": (N_X + N_A, 4 * N_A), "bias": (4 * N_A,)},
    "tf1 gru": {
        "gates/kernel": (N_X + N_A, 2 * N_A),
        "gates/bias": (2 * N_A,),
        "candidate/kernel": (N_X + N_A, N_A),
        "candidate/bias": (N_A,),
    },
    "tf1 rnn": {"kernel": (N_X + N_A, N_A), "bias": (N_A,)},
    "cs231n lstm": {"Wx": (N_X, 4 * N_A), "Wh": (N_A, 4 * N_A), "b": (4 * N_A,)},
    "cs231n rnn": {"Wx": (N_X, N_A), "Wh": (N_A, N_A), "b": (N_A,)},
    "coursera rnn": {"Waa": (N_A, N_A), "Wax": (N_A, N_X), "ba": (N_A, 1)},
    "coursera lstm": {f"{k}{g}": (N_A, N_A + N_X) if k == "W" else (N_A, 1) for g in "fioc" for k in "Wb"},
}


@pytest.mark.parametrize("name", COURSES)
def test_the_cells_of_courses(name, rng):
    arrays = {key: rng.normal(size=shape) for key, shape in COURSES[name].items()}
    x, layout = rng.normal(size=(T, B, N_X)), name.split()[0]
    layer = orders.from_layout(layout, arrays)
    assert apart(layer.forward(x).a, course(name, arrays, x)) < 1e-12
    exact = {"forget_bias": 0.0} if name == "tf1 lstm" else {}
    layer = orders.from_layout(layout, arrays, **exact)
    found = orders.to_layout(layer, layout, **exact)
    assert found.keys() == arrays.keys()
    assert all((found[key] == array).all() for key, array in arrays.items())
    assert orders.from_layout(layout, found, **exact) == layer


@pytest.mark.parametrize("name", COURSES)
def test_gradients_in_the_layouts_of_courses(name, rng):
    """A small step of the course's arrays changes the loss as the gradients in its layout say."""
    arrays = {key: rng.normal(size=shape) for key, shape in COURSES[name].items()}
    x, da, layout = rng.normal(size=(T, B, N_X)), rng.normal(size=(T, B, N_A)), name.split()[0]
    layer = orders.from_layout(layout, arrays)
    grads = orders.to_layout(layer.backward(layer.forward(x), da).layer, layout, gradients=True)
    for key in arrays:
        step = rng.normal(size=arrays[key].shape)
        ends = [course(name, {**arrays, key: arrays[key] + sign * 1e-6 * step}, x) for sign in (1, -1)]
        slope = float(((ends[0] - ends[1]) * da).sum() / 2e-6)
        assert abs(slope - float((grads[key] * step).sum())) < 1e-7 * max(1, abs(slope)), key


def test_a_kernel_of_tensorflow_1_that_fits_both(rng):
    arrays = {"kernel": rng.normal(size=(40, 8)), "bias": rng.normal(size=8)}
    with pytest.raises(
        ValueError, match=r"kind: expected 'RNN' or 'LSTM', since the shape fits both, got None and shape"
    ):
        orders.from_layout("tf1", arrays)
    assert orders.from_layout("tf1", arrays, kind="RNN").n_a == 8
    lstm = orders.from_layout("tf1", arrays, kind="LSTM")
    assert (lstm.n_a, lstm.n_x) == (2, 38)
    assert apart(lstm.b_f, arrays["bias"][4:6] + 1) == 0


# --- refusals --------------------------------------------------------------------------------------------------------


def odd(kind: str = "LSTM", **options: Any) -> Any:
    rng = np.random.default_rng(0)
    return {"LSTM": LSTM, "GRU": GRU, "RNN": RNN}[kind].init(N_X, N_A, rng, **options)


def fake(kind: str, config: dict[str, Any], **attributes: Any) -> Any:
    """A layer of Keras as far as from_keras looks at it."""
    made = type(kind, (), {"get_config": lambda self: config, "get_weights": lambda self: []})()
    for name, value in {"built": True, **attributes}.items():
        setattr(made, name, value)
    return made


USUAL = {"activation": "tanh", "recurrent_activation": "sigmoid", "go_backwards": False}
TO = {
    "torch": pytorch.to_torch,
    "keras": to_and_from_keras.to_keras,
    "onnx": lambda layer: to_and_from_onnx._node_of((layer,)),
}
TO |= {name: lambda layer, name=name: orders.to_layout(layer, name) for name in orders.LAYOUTS}
NO_WAY_THERE = [
    ("torch", odd("GRU"), "PyTorch's GRU has no reset before the product (no weights of reset after give its numbers)"),
    ("torch", odd(layer_norm=True), "PyTorch's LSTM has no layer normalisation"),
    ("torch", odd(peepholes=True), "PyTorch's LSTM has no peepholes"),
    ("torch", odd(coupled=True), "PyTorch's LSTM has no coupled gates"),
    ("torch", odd("RNN", activation="sigmoid"), "PyTorch's RNN has tanh and relu, and no sigmoid"),
    ("torch", Dense(np.eye(2), activation="tanh"), "PyTorch's Linear has no activation"),
    ("torch", Deep((odd(), Dense(np.eye(N_A)))), "one module of PyTorch stacks layers of one kind"),
    (
        "torch",
        Deep((odd(), LSTM(np.ones((8, 7)), np.ones(8)))),
        "one module of PyTorch stacks layers of one kind, size",
    ),
    ("torch", Bidirectional(odd(), odd("RNN")), "one module of PyTorch stacks layers of one kind"),
    (
        "torch",
        UseGateCell.init(2, 3, np.random.default_rng(0)),
        "expected one that PyTorch has (RNN, GRU, LSTM), got UseGateCell",
    ),
    ("torch", Halves(odd()), "expected one that PyTorch has (RNN, GRU, LSTM), got Halves"),
    ("torch", 7, "expected one that PyTorch has (RNN, GRU, LSTM), got int 7"),
    ("keras", odd(peepholes=True), "Keras's LSTM has no peepholes"),
    ("keras", odd(coupled=True), "Keras's LSTM has no coupled gates"),
    ("keras", odd("GRU", layer_norm=True), "Keras's GRU has no layer normalisation"),
    ("keras", Bidirectional(odd(), odd("RNN")), "Keras's Bidirectional has two layers of one kind and size"),
    ("onnx", odd(layer_norm=True), "ONNX's LSTM has no layer normalisation"),
    ("tf1", odd("GRU", reset_after=True), "TensorFlow 1's GRU has no reset after the product"),
    ("tf1", odd("RNN", activation="relu"), "TensorFlow 1's plain layer has tanh, and no relu"),
    ("cs231n", odd("GRU"), "expected one that CS231n has (RNN, LSTM), got GRU"),
    ("coursera", odd("GRU"), "expected one that Coursera has (RNN, LSTM), got GRU"),
    ("coursera", odd(peepholes=True), "Coursera's LSTM has no peepholes"),
]


@pytest.mark.parametrize(("where", "layer", "reason"), NO_WAY_THERE, ids=[f"{w}-{r[:50]}" for w, _, r in NO_WAY_THERE])
def test_what_another_library_has_not(where, layer, reason):
    with pytest.raises(ValueError, match=r"^layer: .*" + re.escape(reason)):
        TO[where](layer)


def arrays(*shapes: Any, dtype: Any = float) -> list[np.ndarray]:
    return [np.ones(shape, dtype) for shape in shapes]


def torch_names(**shapes: Any) -> dict[str, np.ndarray]:
    return {name: np.ones(shape) for name, shape in shapes.items()}


GOOD = {"weight_ih_l0": (12, 4), "weight_hh_l0": (12, 3), "bias_ih_l0": (12,), "bias_hh_l0": (12,)}
FROM = {
    "torch": pytorch.from_torch,
    "keras": to_and_from_keras.from_keras,
    "node": lambda given: to_and_from_onnx._layers_of(given[0], given[1], known(given[2]), len(given[2]) > 3),
    **{name: lambda given, name=name: orders.from_layout(name, given) for name in orders.LAYOUTS},
}
NODE = arrays((1, 12, 4), (1, 12, 3), (1, 24))
NO_WAY_HERE = [
    ("torch", torch_names(**GOOD, weight_hr_l0=(2, 3)), "weight_hr_l0: an LSTM with projections (proj_size) has no"),
    ("torch", torch_names(weight=(2, 3)), "expected to know whether 'weight' is Linear's or Embedding's"),
    ("torch", torch_names(**{"rnn." + name: shape for name, shape in GOOD.items()}), "got 'rnn.weight_ih_l0': name a"),
    ("torch", {}, "expected PyTorch's names, such as weight_ih_l0, got no names"),
    ("torch", torch_names(**{**GOOD, "weight_hh_l0": (6, 3)}), "weight_hh_l0: expected shape (G·n_a, n_a) with G = 1,"),
    ("torch", torch_names(**{**GOOD, "weight_ih_l0": (9, 4)}), "weight_ih_l0: expected 12 rows, as weight_hh_l0 has,"),
    ("torch", torch_names(**{**GOOD, "bias_hh_l0": (9,)}), "bias_hh_l0: expected shape (G·n_a,) = (12,), got (9,)"),
    ("torch", {k: v for k, v in torch_names(**GOOD).items() if k != "bias_hh_l0"}, "bias_hh_l0: expected an array, go"),
    ("torch", torch_names(**{n.replace("l0", "l1"): s for n, s in GOOD.items()}), "weight_ih_l0: expected an array, g"),
    ("torch", SimpleNamespace(state_dict=dict), "expected an RNN, GRU, LSTM, Linear or Embedding, got SimpleNamespace"),
    ("torch", SimpleNamespace(state_dict=dict, num_embeddings=3, max_norm=1.0), "an Embedding with max_norm changes i"),
    ("keras", arrays((3, 4)), "expected 2, 3, 4 or 6 arrays, as get_weights() gives them, got 1"),
    ("keras", arrays((4, 9), (3, 9)), "reset_after: expected True or False for a GRU without biases"),
    ("keras", arrays((4, 12), (3, 12), (2, 12)), "weights[2]: expected shape (G·n_a,), or (2, 3·n_a) of a GRU, got (2"),
    ("keras", arrays((4, 6), (3, 6), (6,)), "the transpose of weights[1]: expected shape (G·n_a, n_a)"),
    ("keras", arrays((4,), (3, 12), (12,)), "weights[0]: expected shape (n_x, G·n_a), got (4,)"),
    ("keras", fake("ConvLSTM1D", {}), "expected one of SimpleRNN, GRU, LSTM, Bidirectional, Dense, Embedding, got Con"),
    ("keras", fake("LSTM", {}, built=False), "expected a LSTM that is built"),
    ("keras", fake("LSTM", {**USUAL, "activation": "relu"}), "activation 'relu' has no counterpart in LSTM here, whic"),
    ("keras", fake("GRU", {**USUAL, "recurrent_activation": "hard_sigmoid"}), "recurrent_activation 'hard_sigmoid' ha"),
    ("keras", fake("LSTM", {**USUAL, "go_backwards": True}), "go_backwards has no counterpart here but in Bidirection"),
    ("keras", fake("Dense", {"lora_rank": 4}), "a Dense with LoRA or quantisation has arrays of another form"),
    ("keras", fake("Bidirectional", {}, merge_mode="sum"), "merge_mode 'sum' has no counterpart here"),
    ("node", ("LSTM", {"direction": b"reverse"}, NODE), "direction 'reverse' has no counterpart here but in Bidirecti"),
    ("node", ("LSTM", {"clip": 1.0}, NODE), "clip has no counterpart here"),
    ("node", ("GRU", {}, NODE), "expected R (d, G·n_a, n_a) of a node GRU, got (1, 12, 3)"),
    ("node", ("LSTM", {"direction": b"bidirectional"}, NODE), "with d = 2, got (1, 12, 4) and (1, 12, 3)"),
    ("node", ("LSTM", {"hidden_size": 4}, NODE), "expected W (d, G·n_a, n_x) and R (d, G·n_a, n_a)"),
    ("node", ("LSTM", {"activations": [b"HardSigmoid", b"Tanh", b"Tanh"]}, NODE), "the activations HardSigmoid, Tanh,"),
    ("node", ("RNN", {"activations": [b"Elu"]}, arrays((1, 3, 4), (1, 3, 3), (1, 6))), "the activation Elu has no cou"),
    ("node", ("LSTM", {}, [*NODE[:2], np.ones((1, 12))]), "B: expected shape (d, 2·G·n_a) = (1, 24), got (1, 12)"),
    ("node", ("LSTM", {}, [*NODE, np.ones((1, 8))]), "P: expected shape (d, 3·n_a) = (1, 9), got (1, 8)"),
    ("tf1", {"kernel": np.ones((7, 30)), "bias": np.ones(30)}, "kernel: expected (n_x + n_a, G·n_a), got None and sha"),
    ("tf1", {"kernel": np.ones((7, 12)), "bias": np.ones(9)}, "kernel, bias: expected shapes"),
    ("tf1", {"w": np.ones(3)}, "arrays: expected the names kernel, bias or gates/kernel"),
    ("tf1", dict(zip(orders.TF1_GRU, arrays((7, 6), (5,), (7, 3), (3,)), strict=True)), "arrays: expected shapes (n,"),
    ("cs231n", {"Wx": np.ones((4, 9)), "Wh": np.ones((3, 9)), "b": np.ones(9)}, "Wh: expected shape (H, H) or (H, 4·H"),
    ("cs231n", {"Wx": np.ones((4, 9))}, "arrays: expected the names Wx, Wh, b, got Wx"),
    ("coursera", {"Waa": np.eye(3), "Wax": np.ones((3, 2)), "ba": np.ones(3)}, "ba: expected shape (n_a, 1), got (3,)"),
    ("coursera", {"Waa": np.eye(3), "Wax": np.ones((3, 2)), "ba": np.ones((3, 1)), "Wya": np.eye(3)}, "expected the n"),
]  # fmt: skip


@pytest.mark.parametrize(("where", "given", "reason"), NO_WAY_HERE, ids=[f"{w}-{r[:60]}" for w, _, r in NO_WAY_HERE])
def test_what_is_not_here(where, given, reason):
    with pytest.raises(ValueError, match=re.escape(reason)):
        FROM[where](given)


@pytest.mark.parametrize(
    ("where", "given", "reason"),
    [
        ("torch", 7, "source: expected a module of PyTorch or its state_dict, got int 7"),
        (
            "torch",
            {name: np.ones(shape, int) for name, shape in GOOD.items()},
            "weight_ih_l0: expected dtype float32 or",
        ),
        ("torch", {**torch_names(**GOOD), "bias_ih_l0": [1.0]}, "bias_ih_l0: expected a NumPy array, got list"),
        ("keras", 7, "source: expected a layer of Keras or a list of arrays, got int 7"),
        ("keras", [[1.0], [2.0]], "weights[0]: expected a NumPy array, got list"),
        ("keras", arrays((4, 12), (3, 12), (12,), dtype=np.float16), "weights[0]: expected dtype float32 or float64"),
        ("cs231n", [1], "arrays: expected a mapping of names to arrays, got list"),
        ("tf1", {"kernel": np.ones((7, 12), int), "bias": np.ones(12)}, "kernel: expected dtype float32 or float64"),
    ],
)
def test_what_is_of_the_wrong_type(where, given, reason):
    with pytest.raises(TypeError, match=re.escape(reason)):
        FROM[where](given)


def test_modules_that_are_refused(rng):
    torch = pytest.importorskip("torch")
    with pytest.raises(ValueError, match="projections"):
        pytorch.from_torch(torch.nn.LSTM(3, 5, proj_size=2))
    with pytest.raises(ValueError, match="expected an RNN, GRU, LSTM, Linear or Embedding, got Sequential"):
        pytorch.from_torch(torch.nn.Sequential(torch.nn.Linear(2, 3)))
    with pytest.raises(TypeError, match=r"weight_ih_l0: expected float32 or float64, got bfloat16, .*: use .float\(\)"):
        pytorch.from_torch(torch.nn.LSTM(3, 5, dtype=torch.bfloat16))
    with pytest.raises(TypeError, match="expected dtype float32 or float64, got float16"):
        pytorch.from_torch(torch.nn.LSTM(3, 5, dtype=torch.float16))


def test_an_activation_that_onnx_has_not_is_refused(monkeypatch, rng):
    """A new one of the package has to be named in `ACTIVATIONS` of exchange/onnx.py, or is refused by name."""
    assert ACTIVATIONS.keys() == to_and_from_onnx.ACTIVATIONS.keys()
    monkeypatch.setitem(ACTIVATIONS, "square", (np.square, np.sqrt))
    for layer in (RNN.init(2, 3, rng, activation="square"), Dense.init(2, 3, rng, activation="square")):
        with pytest.raises(ValueError, match=r"activation: expected one of tanh, .*, got 'square'"):
            to_and_from_onnx._operator(layer)


@ONNX_LIVE
def test_files_of_onnx_that_are_refused(tmp_path):
    from onnx import TensorProto, helper, numpy_helper

    def model(nodes: list[Any], outputs: str = "y", **arrays: np.ndarray) -> Any:
        ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, None)] for name in ("x", outputs)]
        return helper.make_model(
            helper.make_graph(nodes, "g", *ends, [numpy_helper.from_array(a, n) for n, a in arrays.items()])
        )

    node, W = helper.make_node, dict(zip("WRB", (a.astype("f4") for a in NODE), strict=True))
    lstm = node("LSTM", ["x", "W", "R", "B"], ["y", "h", "c"], hidden_size=3)
    for nodes, more, reason in [
        ([node("Conv", ["x", "W"], ["y"])], {}, "the node Conv has no counterpart here"),
        ([node("LSTM", ["x", "q", "R"], ["y"])], {}, "expected input 1 of the node LSTM in the file, got q"),
        ([lstm], {"output": "z"}, "expected an output that recurrent or dense layers lead to, got none"),
        ([lstm], {"output": "h"}, "expected an output that recurrent or dense layers lead to, got none"),
        ([lstm, node("MatMul", ["h", "K"], ["z"])], {"K": np.ones((3, 2), "f4")}, "got one of a final state"),
        ([lstm, node("MatMul", ["y", "K"], ["z"])], {"K": np.ones((3, 2), "f4")}, "without a Squeeze"),
        ([node("Transpose", ["x"], ["y"], perm=[2, 1, 0])], {}, "a Transpose of this form has no counterpart here"),
        ([node("Add", ["x", "b"], ["y"])], {"b": np.ones(3, "f4")}, "a Add that is no part of a dense layer"),
        ([node("Tanh", ["x"], ["y"])], {}, "a Tanh that is no part of a dense layer has no counterpart"),
        ([node("Gather", ["K", "x"], ["y"], axis=1)], {"K": np.ones((3, 2), "f4")}, "a Gather along another axis than"),
        (
            [node("MatMul", ["x", "K"], ["y"])],
            {"K": np.ones((1, 3, 2), "f4")},
            "expected a MatMul with a matrix, got shape",
        ),
        ([node("Where", ["c", "x", "K"], ["y"])], {"K": np.ones(1, "f4")}, "a Where with other numbers than zeros"),
        ([node("Constant", [], ["y"], value_float=1.0)], {}, "expected a Constant with a tensor, got another"),
        (
            [node("LSTM", ["x", "W", "R", "B", "", "h0"], ["y"])],
            {"h0": np.ones((1, 2, 3), "f4")},
            "a start state in the file",
        ),
    ]:
        arrays = {**W, **{key: value for key, value in more.items() if key != "output"}}
        with pytest.raises(ValueError, match=re.escape(reason)):
            to_and_from_onnx.from_onnx(model(nodes, more.get("output", "y"), **arrays))
    (tmp_path / "bad.onnx").write_bytes(b"\x80\x04pickle")
    with pytest.raises(ValueError, match="source: expected a file of ONNX, got"):
        to_and_from_onnx.from_onnx(tmp_path / "bad.onnx")
    with pytest.raises(FileNotFoundError):
        to_and_from_onnx.from_onnx(tmp_path / "none.onnx")
    with pytest.raises(TypeError, match="source: expected a path or a model of ONNX, got int 7"):
        to_and_from_onnx.from_onnx(7)
    beside = model([lstm], **W)
    beside.graph.initializer[0].data_location = TensorProto.EXTERNAL
    with pytest.raises(ValueError, match="W: expected an array in the file itself, got one in a file beside it"):
        to_and_from_onnx.from_onnx(beside)
    with pytest.raises(ValueError, match="the two directions of a node of ONNX are of one kind, size and form"):
        to_and_from_onnx.to_onnx(Bidirectional(odd(), odd(peepholes=True)))


def test_an_order_has_every_block_once():
    for kinds in ORDERS.values():
        for kind, order in kinds.items():
            assert sorted(order) == sorted({"RNN": "a", "GRU": "zrc", "LSTM": "fuoc"}[kind])


def test_the_versions_are_noted():
    with np.load(FILE, allow_pickle=False) as stored:
        assert "keras" in str(stored["versions"])


if __name__ == "__main__":
    found = {f"{name}/{part}": array for name in KERAS for part, array in in_keras(name).items()}
    versions = {name: version(name) for name in ("keras", "torch", "numpy")}
    np.savez_compressed(FILE, versions=np.array(str(versions)), **found)
    print(versions, FILE.stat().st_size, "bytes")
