"""ONNX Runtime: a model of one operator, RNN, GRU or LSTM, that reads one step and hands its state on."""

from __future__ import annotations

import os

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from ..cases import Arrays, Case
from ..layouts import ONNX, separate


def model(case: Case, p: Arrays) -> bytes:
    """Write the operator with its weights as a model."""
    W_x, W_a, b, b_a = separate(case, p, ONNX)
    weights = {"W": W_x[None], "R": W_a[None], "B": np.concatenate([b, b_a])[None]}
    states, outputs = ["a"], ["", "a_next"]
    if case.cell == "LSTM":
        states, outputs = ["a", "c"], ["", "a_next", "c_next"]
    more = {"linear_before_reset": 1} if case.cell == "GRU" else {}
    node = helper.make_node(case.cell, ["x", "W", "R", "B", "", *states], outputs, hidden_size=case.n_a, **more)
    shapes = {"x": (1, case.B, case.n_x)} | dict.fromkeys((*states, *outputs[1:]), (1, case.B, case.n_a))
    infos = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()}
    graph = helper.make_graph(
        [node],
        "step",
        [infos[name] for name in ("x", *states)],
        [infos[name] for name in outputs[1:]],
        [numpy_helper.from_array(np.ascontiguousarray(a), name) for name, a in weights.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)])
    made.ir_version = 8
    return made.SerializeToString()


def streaming(case: Case, p: Arrays):
    if case.cell not in ONNX:
        raise NotImplementedError(f"one operator of ONNX has no {case.cell}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
    session = onnxruntime.InferenceSession(model(case, p), options, providers=["CPUExecutionProvider"])
    run, names = session.run, ["a", "c"] if case.cell == "LSTM" else ["a"]
    zeros = [np.zeros((1, case.B, case.n_a), case.dtype) for _ in names]
    x, state = p["x"][:, None], zeros
    x_t = x[0]

    def step():
        nonlocal state
        state = run(None, {"x": x_t, **dict(zip(names, state, strict=True))})

    def numbers():
        now = zeros
        for each in x:
            now = run(None, {"x": each, **dict(zip(names, now, strict=True))})
        return {"a": now[0][0]}

    return step, numbers
