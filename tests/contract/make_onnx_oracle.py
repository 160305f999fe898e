"""The reset-before GRU in ONNX: ``cd tests && python -m contract.make_onnx_oracle`` stores what it computes.

Needs onnx and onnxruntime (neither is a requirement of the project). ONNX's GRU with linear_before_reset = 0 is the
course's but for its layout: gates z, r, h with z = 1 - Γ_u, two biases. ONNX's reference evaluator runs in float64,
ONNX Runtime in float32 alone; ONNX has no gradients of it.
"""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import numpy as np

from .registry import CASES
from .worlds import World, make_world

FILE = Path(__file__).parent / "oracle_onnx" / "gru.npz"
SHAPES = ((5, 3, 4, 2), (4, 6, 3, 7), (9, 2, 1, 5))  # (T, B, n_x, n_a)


def worlds() -> list[World]:
    """Worlds whose numbers float32 holds exactly."""
    (case,) = (case for case in CASES if case.name == "gru")
    return [make_world(case, *sizes, seed=200 + k, dtype=np.float32) for k, sizes in enumerate(SHAPES)]


def in_onnx(world: World, dtype: str) -> np.ndarray:
    """The outputs (T, B, n_a) by ONNX Runtime ('float32') or by ONNX's reference evaluator ('float64')."""
    from onnx import TensorProto, helper

    layer, (T, B, _) = world.layer, world.x.shape
    kind = {"float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE}[dtype]
    node = helper.make_node("GRU", ["X", "W", "R", "B", "", "H"], ["Y"], hidden_size=layer.n_a, linear_before_reset=0)
    ends = ([helper.make_tensor_value_info(name, kind, None) for name in names] for names in ("XWRBH", "Y"))
    opset = [helper.make_opsetid("", 14)]
    model = helper.make_model(helper.make_graph([node], "gru", *ends), opset_imports=opset, ir_version=8)
    bias = np.concatenate([-layer.b_u, layer.b_r, layer.b_c, np.zeros(3 * layer.n_a)])
    feeds = {
        "X": world.x,
        "W": np.concatenate([-layer.W_ux, layer.W_rx, layer.W_cx])[None],
        "R": np.concatenate([-layer.W_uc, layer.W_rc, layer.W_cc])[None],
        "B": bias[None],
        "H": world.state[None],
    }
    session: Any
    if dtype == "float32":
        import onnxruntime

        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    else:
        from onnx.reference import ReferenceEvaluator

        session = ReferenceEvaluator(model)
    (y,) = session.run(None, {name: array.astype(dtype) for name, array in feeds.items()})
    return y.reshape(T, B, layer.n_a)


def stored() -> dict[str, np.ndarray]:
    arrays = {}
    for k, world in enumerate(worlds()):
        arrays |= {f"{k}.in.{name}": getattr(world, name) for name in ("x", "state")}
        arrays |= {f"{k}.in.{name}": getattr(world.layer, name) for name in ("W", "b")}
        arrays |= {f"{k}.out.{dtype}": in_onnx(world, dtype) for dtype in ("float32", "float64")}
    return arrays


def main() -> None:
    import onnx
    import onnxruntime

    versions = {module.__name__: module.__version__ for module in (onnx, onnxruntime, np)}
    versions["python"] = platform.python_version()
    FILE.parent.mkdir(exist_ok=True)
    np.savez_compressed(FILE, versions=np.array(str(versions)), **stored())
    print(versions, FILE.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
