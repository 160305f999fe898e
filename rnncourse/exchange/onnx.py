"""Layers from and to files of ONNX: the nodes RNN, GRU and LSTM, and whole stacks.

Sequences are (T, B, n_x) there as here. ONNX Runtime computes recurrent nodes in float32 alone: write a float32 layer
for it, such as ``tree_map(lambda w: w.astype(np.float32), layer)``. Needs the library ``onnx``
(``pip install "rnncourse[onnx]"``).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import _validation as validate
from .._extras import needed
from ..layers.bidirectional import Bidirectional
from ..layers.deep import Deep
from ..layers.dense import Dense
from ..layers.embedding import Embedding
from ..layers.gru import GRU
from ..layers.lstm import LSTM
from ..layers.rnn import RNN
from ..records import Array
from .blocks import Blocks, from_blocks, to_blocks

__all__ = ["from_onnx", "to_onnx"]

OPSET, IR = 14, 8  # from version 14 on the nodes are what they are today
ACTIVATIONS = {"tanh": "Tanh", "sigmoid": "Sigmoid", "relu": "Relu", "identity": "Affine"}
NODES = {"Tanh": "tanh", "Sigmoid": "sigmoid", "Relu": "relu"}
DEFAULTS = {"RNN": ["Tanh"], "GRU": ["Sigmoid", "Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"]}
ASIDE = ("Shape", "Range", "Less", "Unsqueeze", "Cast")  # what a mask of the padding is made of
SIDE_BY_SIDE, TURNED = [0, 2, 1, 3], [1, 0, 2]  # two directions; batch first


def to_onnx(
    layer: Any, path: str | os.PathLike[str] | None = None, *, lengths: bool = False, states: bool = False
) -> Any:
    """Write a layer as a model of ONNX [1]_.

    Parameters
    ----------
    layer : layer
        `RNN`, `GRU` (reset before or after), `LSTM` (also with peepholes, and coupled), `Bidirectional` of two such of
        one kind and size, `Dense`, `Embedding`, or `Deep` of these. Dropout is left out, as it is where nothing is
        trained.
    path : path, optional
        The file.
    lengths : bool
        Whether the model has an input ``lengths`` (B,) of int32; outputs in the padding are zeros then, as here.
    states : bool
        Whether it has inputs ``a0_0``, ``c0_0`` (layer 0), … and outputs ``a_0``, ``c_0``, …: start and final states,
        (1, B, n_a), or (2, B, n_a) for two directions.

    Returns
    -------
    onnx.ModelProto
        The model. Its input ``x`` is (T, B, n_x), or (T, B) of int64 for an `Embedding`; its output ``a`` is
        (T, B, n_out).

    Raises
    ------
    ValueError
        If ONNX has no counterpart; the message says why.
    ImportError
        If onnx is missing.

    References
    ----------
    .. [1] https://onnx.ai/onnx/operators, "RNN", "GRU" and "LSTM", version 14.
    """
    graph = _Graph(validate.flag("lengths", lengths), validate.flag("states", states))
    last = graph.written(layer, "x")
    graph.node("Identity", [last], ["a"])
    model = graph.model(layer)
    if path is not None:
        Path(path).write_bytes(model.SerializeToString())
    return model


def from_onnx(source: Any) -> Any:
    """Read a layer from a model of ONNX.

    Parameters
    ----------
    source : path or onnx.ModelProto
        A model whose nodes are RNN, GRU, LSTM (directions forward and bidirectional), and what stands between them in
        the files of `to_onnx` and of PyTorch: Squeeze, Transpose, Reshape; Gather (an `Embedding`); MatMul, Add and an
        activation (a `Dense`).

    Returns
    -------
    RNN, GRU, LSTM, Bidirectional, Dense, Embedding or Deep
        `Deep` for more than one layer. The arrays are copies.

    Raises
    ------
    ValueError
        If this is no file of ONNX, or the model has what has no counterpart here; the message names it.
    TypeError
        If an array is neither float32 nor float64.
    ImportError
        If onnx is missing.
    """
    onnx = needed("onnx", "onnx", "rnncourse.exchange.onnx")
    model = source
    if isinstance(source, str | os.PathLike):
        try:
            model = onnx.load_model_from_string(Path(source).read_bytes())
        except Exception as error:
            if isinstance(error, OSError):
                raise
            raise ValueError(f"source: expected a file of ONNX, got {os.fspath(source)}: {error}") from error
    if not isinstance(model, onnx.ModelProto):
        raise TypeError(f"source: expected a path or a model of ONNX, got {validate.describe(source)}")
    return _Walk(model.graph).layer()


# --- to ONNX ---------------------------------------------------------------------------------------------------------


@dataclass
class _Graph:
    """A graph that grows from the inputs to the outputs."""

    lengths: bool
    states: bool
    nodes: list[Any] = field(default_factory=list)
    arrays: dict[str, Array] = field(default_factory=dict)
    ends: dict[str, list[Any]] = field(default_factory=lambda: {"inputs": [], "outputs": []})
    count: int = 0  # of recurrent layers so far

    def __post_init__(self) -> None:
        self.onnx = needed("onnx", "onnx", "rnncourse.exchange.onnx")

    def node(self, kind: str, inputs: list[str], outputs: list[str] | None = None, **attributes: Any) -> str:
        """Add a node and return the name of its first output."""
        outputs = outputs or [f"{kind.lower()}_{len(self.nodes)}"]
        self.nodes.append(self.onnx.helper.make_node(kind, inputs, outputs, **attributes))
        return outputs[0]

    def array(self, name: str, value: Array) -> str:
        name = f"{name}_{len(self.arrays)}"
        self.arrays[name] = np.ascontiguousarray(value)
        return name

    def end(self, which: str, name: str, dtype: Any, shape: list[Any]) -> str:
        element = self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self.ends[which].append(self.onnx.helper.make_tensor_value_info(name, element, shape))
        return name

    def written(self, layer: Any, x: str) -> str:
        """Add a layer that reads `x`, and return the name of what it gives."""
        if isinstance(layer, Deep):
            for each in layer.layers:
                x = self.written(each, x)
            return x
        if isinstance(layer, Embedding):
            out = self.node("Gather", [self.array("W", layer.W), x])
            return self.without_padding(out, layer.dtype) if self.lengths else out
        if isinstance(layer, Dense):
            return self.dense(layer, x)
        pair = (layer.fwd, layer.bwd) if isinstance(layer, Bidirectional) else (layer,)
        return self.recurrent(pair, x)

    def dense(self, layer: Dense, x: str) -> str:
        out = self.node("MatMul", [x, self.array("W", layer.W.T)])
        if layer.b is not None:
            out = self.node("Add", [out, self.array("b", layer.b)])
        if layer.activation != "identity":
            out = self.node(_operator(layer), [out])
        return self.without_padding(out, layer.dtype) if self.lengths else out

    def without_padding(self, out: str, dtype: Any) -> str:
        """Put zeros where an example has ended."""
        zero, one = self.array("zero", np.array(0, np.int64)), self.array("one", np.array(1, np.int64))
        steps = self.node("Gather", [self.node("Shape", ["x"]), zero])
        steps = self.node("Unsqueeze", [self.node("Range", [zero, steps, one]), self.array("axes", np.array([1]))])
        ends = self.node("Cast", ["lengths"], to=self.onnx.TensorProto.INT64)
        inside = self.node("Unsqueeze", [self.node("Less", [steps, ends]), self.array("axes", np.array([2]))])
        return self.node("Where", [inside, out, self.array("nothing", np.array(0, dtype))])

    def recurrent(self, pair: tuple[Any, ...], x: str) -> str:
        arrays, attributes = _node_of(pair)
        layer, k, d = pair[0], self.count, len(pair)
        self.count += 1
        names = [self.array(f"{name}_{k}", arrays[name]) for name in "WRB"]
        states = [f"{letter}0_{k}" for letter in ("a", "c")[: len(layer.state_letters)]] if self.states else []
        inputs = [x, *names, "lengths" if self.lengths else "", *states]
        if "P" in arrays:
            inputs += [""] * (7 - len(inputs)) + [self.array(f"P_{k}", arrays["P"])]
        outputs = [f"y_{k}", *(name.replace("0_", "_") for name in states)]
        for name in states:
            self.end("inputs", name, layer.dtype, [d, "B", layer.n_a])
            self.end("outputs", name.replace("0_", "_"), layer.dtype, [d, "B", layer.n_a])
        out = self.node(type(layer).__name__, inputs, outputs, hidden_size=layer.n_a, **attributes)  # (T, d, B, n_a)
        if d == 1:
            return self.node("Squeeze", [out, self.array("axes", np.array([1]))])
        turned = self.node("Transpose", [out], perm=SIDE_BY_SIDE)
        return self.node("Reshape", [turned, self.array("shape", np.array([0, 0, -1]))])

    def model(self, layer: Any) -> Any:
        helper = self.onnx.helper
        symbols = getattr(layer, "reads_symbols", False)
        x = ("x", np.int64 if symbols else layer.dtype, ["T", "B"] if symbols else ["T", "B", layer.n_x])
        states = self.ends
        self.ends = {"inputs": [], "outputs": []}
        self.end("inputs", *x)
        if self.lengths:
            self.end("inputs", "lengths", np.int32, ["B"])
        self.end("outputs", "a", layer.dtype, ["T", "B", layer.n_out])
        arrays = [self.onnx.numpy_helper.from_array(array, name) for name, array in self.arrays.items()]
        inputs, outputs = (self.ends[which] + states[which] for which in ("inputs", "outputs"))
        graph = helper.make_graph(self.nodes, "rnncourse", inputs, outputs, arrays)
        opset = [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, opset_imports=opset, ir_version=IR, producer_name="rnncourse")


def _node_of(pair: tuple[Any, ...]) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the arrays and the attributes of a recurrent node with one direction or two."""
    if len(pair) == 2:
        forms = [(type(each), each.n_out, *_form(each)) for each in pair]
        if forms[0] != forms[1]:
            raise ValueError(
                "layer: the two directions of a node of ONNX are of one kind, size and form, and these differ"
            )
    blocks = [to_blocks(each, "ONNX", able=("before", "after", "peepholes", "coupled")) for each in pair]
    arrays = {
        "W": np.stack([each.W_x for each in blocks]),
        "R": np.stack([each.W_h for each in blocks]),
        "B": np.stack([np.concatenate(each[2:]) for each in blocks]),
    }
    layer = pair[0]
    attributes: dict[str, Any] = {}
    if len(pair) == 2:
        attributes["direction"] = "bidirectional"
    if isinstance(layer, RNN):
        attributes["activations"] = [_operator(each) for each in pair]
        if "identity" in (each.activation for each in pair):
            attributes |= {"activation_alpha": [1.0] * len(pair), "activation_beta": [0.0] * len(pair)}
    elif isinstance(layer, GRU):
        attributes["linear_before_reset"] = int(layer.reset_after)
    elif layer.p_f is not None:
        arrays["P"] = np.stack([np.concatenate([_p_u(each), each.p_o, each.p_f]) for each in pair])
    if getattr(layer, "coupled", False):
        attributes["input_forget"] = 1
    return arrays, attributes


def _form(layer: Any) -> tuple[Any, ...]:
    mixed = layer.activation == "identity" if isinstance(layer, RNN) else None  # alone it needs its two numbers
    return (
        mixed,
        getattr(layer, "b_cc", None) is None,
        getattr(layer, "p_f", None) is None,
        getattr(layer, "coupled", 0),
    )


def _operator(layer: Any) -> str:
    """Return ONNX's name of a layer's activation, if it has one."""
    return ACTIVATIONS[validate.choice("activation", layer.activation, tuple(ACTIVATIONS))]


def _p_u(layer: LSTM) -> Any:
    return -layer.p_f if layer.coupled and layer.p_f is not None else layer.p_u


# --- from ONNX -------------------------------------------------------------------------------------------------------


class _Walk:
    """Goes through a graph, and notes for each value the layers that lead to it."""

    def __init__(self, graph: Any) -> None:
        self.onnx = needed("onnx", "onnx", "rnncourse.exchange.onnx")
        self.graph = graph
        self.arrays = {each.name: self.numbers(each) for each in graph.initializer}
        self.chains: dict[str, list[Any]] = {each.name: [] for each in graph.input if each.name not in self.arrays}
        self.raw: dict[str, int] = {}  # what comes out of a recurrent node, (T, d, B, n_a), with its d

    def numbers(self, tensor: Any) -> Array:
        if tensor.data_location == self.onnx.TensorProto.EXTERNAL:
            raise ValueError(f"{tensor.name}: expected an array in the file itself, got one in a file beside it")
        array: Array = self.onnx.numpy_helper.to_array(tensor)
        return array

    def layer(self) -> Any:
        for node in self.graph.node:
            self.visit(node)
        ends = [self.chains[each.name] for each in self.graph.output if each.name in self.chains]
        layers = max(ends, key=len, default=[])
        if not layers:
            raise ValueError("source: expected an output that recurrent or dense layers lead to, got none")
        return layers[0] if len(layers) == 1 else Deep(tuple(layers))

    def visit(self, node: Any) -> None:
        kind = node.op_type
        visits: dict[str, Callable[[Any, dict[str, Any]], None]] = {
            **dict.fromkeys(("RNN", "GRU", "LSTM"), self.recurrent),
            **dict.fromkeys(("Squeeze", "Transpose", "Reshape", "Identity"), self.layout),
            **dict.fromkeys(NODES, self.activation),
            "MatMul": self.product,
            "Add": self.sum,
            "Gather": self.lookup,
            "Where": self.masked,
            "Constant": self.constant,
        }
        if kind in visits and node.domain in ("", "ai.onnx"):
            settings = {each.name: self.onnx.helper.get_attribute_value(each) for each in node.attribute}
            visits[kind](node, settings)
        elif kind not in ASIDE:
            raise ValueError(f"source: the node {kind} has no counterpart here")

    def before(self, node: Any, k: int = 0) -> list[Any]:
        """Return the layers that lead to an input of a node."""
        name = node.input[k]
        if name in self.raw or name not in self.chains:
            what = (
                "outputs (T, d, B, n_a) without a Squeeze"
                if name in self.raw
                else "a final state, or of something else"
            )
            raise ValueError(
                f"source: expected a {node.op_type} of what a layer gives at every step, got one of {what}"
            )
        return self.chains[name]

    def known(self, node: Any, k: int) -> Array:
        name = node.input[k] if len(node.input) > k else ""
        if name not in self.arrays:
            raise ValueError(f"source: expected input {k} of the node {node.op_type} in the file, got {name or 'none'}")
        return self.arrays[name]

    def constant(self, node: Any, settings: dict[str, Any]) -> None:
        if "value" not in settings:
            raise ValueError("source: expected a Constant with a tensor, got another")
        self.arrays[node.output[0]] = self.numbers(settings["value"])

    def recurrent(self, node: Any, settings: dict[str, Any]) -> None:
        for k, what in ((5, "start state"), (6, "start state")):
            name = node.input[k] if len(node.input) > k else ""
            if name in self.arrays and self.arrays[name].any():
                raise ValueError(f"source: a {what} in the file has no counterpart here: hand it to forward")
        pair = _layers_of(node.op_type, settings, lambda k: self.known(node, k), len(node.input) > 7 and node.input[7])
        two = len(pair) == 2
        self.chains[node.output[0]] = [*self.before(node), Bidirectional(*pair) if two else pair[0]]
        self.raw[node.output[0]] = len(pair)

    def layout(self, node: Any, settings: dict[str, Any]) -> None:
        """See through what changes the layout only, in the forms that are known."""
        name, kind, out = node.input[0], node.op_type, node.output[0]
        if kind == "Identity" and name in self.arrays:
            self.arrays[out] = self.arrays[name]
            return
        if name not in self.chains:  # of a final state
            return
        directions = self.raw.get(name)
        if kind == "Identity":
            fits = True
        elif kind == "Transpose":
            fits = settings.get("perm") == (SIDE_BY_SIDE if directions else TURNED)
        elif kind == "Squeeze":
            axes = settings.get("axes") or self.known(node, 1).tolist()
            fits = directions == 1 and axes == [1]
        else:
            fits = directions is not None and self.known(node, 1).tolist() in ([0, 0, -1],)
        if not fits:
            raise ValueError(f"source: a {kind} of this form has no counterpart here")
        self.chains[out] = self.chains[name]
        if directions and kind in ("Transpose", "Identity"):
            self.raw[out] = directions

    def lookup(self, node: Any, settings: dict[str, Any]) -> None:
        if node.input[0] in self.arrays and node.input[1] in self.chains:
            if settings.get("axis", 0) != 0:
                raise ValueError("source: a Gather along another axis than the first has no counterpart here")
            self.chains[node.output[0]] = [*self.before(node, 1), Embedding(self.arrays[node.input[0]])]

    def product(self, node: Any, settings: dict[str, Any]) -> None:
        W = self.known(node, 1)
        if W.ndim != 2:
            raise ValueError(f"source: expected a MatMul with a matrix, got shape {W.shape}")
        self.chains[node.output[0]] = [*self.before(node), Dense(W.T)]

    def sum(self, node: Any, settings: dict[str, Any]) -> None:
        k = 1 if node.input[1] in self.arrays else 0  # PyTorch writes the bias first
        self.change(node, 1 - k, "b", self.known(node, k))

    def activation(self, node: Any, settings: dict[str, Any]) -> None:
        self.change(node, 0, "activation", NODES[node.op_type])

    def change(self, node: Any, k: int, name: str, value: Any) -> None:
        """Give the last layer, which has to be a dense one, a bias or an activation."""
        layers = self.before(node, k)
        last = layers[-1] if layers else None
        if not isinstance(last, Dense) or last.activation != "identity" or (name == "b" and last.b is not None):
            raise ValueError(f"source: a {node.op_type} that is no part of a dense layer has no counterpart here")
        self.chains[node.output[0]] = [*layers[:-1], replace(last, **{name: value})]

    def masked(self, node: Any, settings: dict[str, Any]) -> None:
        if self.known(node, 2).any():
            raise ValueError("source: a Where with other numbers than zeros has no counterpart here")
        self.chains[node.output[0]] = self.before(node, 1)


def _layers_of(kind: str, settings: dict[str, Any], known: Callable[[int], Array], peepholes: Any) -> tuple[Any, ...]:
    """Make the layers of a recurrent node, one for each direction."""
    direction = settings.get("direction", b"forward").decode()
    if direction == "reverse":
        raise ValueError(
            "source: direction 'reverse' has no counterpart here but in Bidirectional: turn the inputs round"
        )
    if "clip" in settings:
        raise ValueError("source: clip has no counterpart here")
    d = 2 if direction == "bidirectional" else 1
    W, R = known(1), known(2)
    n_a = R.shape[-1] if R.ndim == 3 else 0
    if W.ndim != 3 or R.shape != (d, W.shape[1], n_a) or len(W) != d or n_a != settings.get("hidden_size", n_a):
        raise ValueError(
            f"source: expected W (d, G·n_a, n_x) and R (d, G·n_a, n_a) with d = {d}, got {W.shape} and {R.shape}"
        )
    rows = R.shape[1]
    if rows != n_a * {"RNN": 1, "GRU": 3, "LSTM": 4}[kind]:
        raise ValueError(f"source: expected R (d, G·n_a, n_a) of a node {kind}, got {R.shape}")
    try:
        B = known(3)
    except ValueError:  # none is given
        B = np.zeros((d, 2 * rows), W.dtype)
    validate.shape("B", B, "(d, 2·G·n_a)", (d, 2 * rows))
    names = _activations(kind, settings, d)
    pair = []
    for k in range(d):
        options: dict[str, Any] = {}
        if kind == "RNN":
            options["activation"] = names[k]
        if peepholes:
            validate.shape("P", known(7), "(d, 3·n_a)", (d, 3 * n_a))
            options |= dict(zip(("p_u", "p_o", "p_f"), np.split(known(7)[k], 3), strict=True))
        if settings.get("input_forget"):
            options["coupled"] = True
            if peepholes:
                options["p_f"] = -options.pop("p_u")
        blocks = Blocks(W[k], R[k], *np.split(B[k], 2))
        after = bool(settings.get("linear_before_reset"))
        pair.append(from_blocks(("W", "R", "B", "B"), blocks, "ONNX", after=after, **options))
    return tuple(pair)


def _activations(kind: str, settings: dict[str, Any], directions: int) -> list[str]:
    """Return the activation of each direction of an RNN; refuse others than the usual ones in a gated layer."""
    found = [name.decode() for name in settings.get("activations", [])] or DEFAULTS[kind] * directions
    if kind != "RNN":
        if [name.lower() for name in found] != [name.lower() for name in DEFAULTS[kind] * directions]:
            raise ValueError(f"source: the activations {', '.join(found)} of a {kind} have no counterpart here")
        return found
    numbers = (
        {float(v) for v in settings.get("activation_alpha", [1.0])},
        {float(v) for v in settings.get("activation_beta", [0.0])},
    )
    words = {name.lower(): ours for name, ours in NODES.items()}
    if numbers == ({1.0}, {0.0}):
        words["affine"] = "identity"
    unknown = [name for name in found if name.lower() not in words]
    if unknown:
        raise ValueError(f"source: the activation {unknown[0]} has no counterpart here")
    return [words[name.lower()] for name in found]
