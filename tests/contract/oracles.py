"""The layers in PyTorch float64: independent of the package but for the layout of its parameters.

An oracle takes a world and returns, by the paths of `worlds.everything`, the outputs, the final state and every
gradient. PyTorch is imported when an oracle is called.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from rnncourse.records import named_leaves


def by_autograd(forward: Callable[..., Any]) -> Callable[..., dict[str, np.ndarray]]:
    """Make an oracle of ``forward(world, tensors) -> (a, final state by path)``; autograd gives the gradients."""

    @wraps(forward)
    def oracle(world: Any) -> dict[str, np.ndarray]:
        import torch

        torch.set_num_threads(1)
        inputs = dict(named_leaves({"x": world.x, "state": world.state, "layer": world.layer}))
        tensors = {path: torch.tensor(v, requires_grad=v.dtype.kind == "f") for path, v in inputs.items()}
        a, final = forward(world, tensors)
        upstream = {"a": world.da, **dict(named_leaves(world.dfinal, "final"))}
        outputs = {"a": a, **final}
        assert outputs.keys() == upstream.keys()
        sum((outputs[path] * torch.tensor(upstream[path])).sum() for path in outputs).backward()
        results = {path: tensor.detach() for path, tensor in outputs.items()}
        results |= {f"grads.{path}": tensor.grad for path, tensor in tensors.items() if tensor.requires_grad}
        return {path: tensor.numpy() for path, tensor in results.items()}

    return oracle


def run_packed(module: Any, parameters: dict[str, Any], x: Any, start: Any, lengths: Any) -> tuple[Any, Any]:
    """Run a torch.nn recurrent module with the given parameters; pack the sequences if there are lengths."""
    import torch
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    if lengths is not None:
        x_packed = pack_padded_sequence(x, torch.as_tensor(np.array(lengths)), enforce_sorted=False)
        a, final = torch.func.functional_call(module, parameters, (x_packed, start))
        return pad_packed_sequence(a, total_length=len(x))[0], final
    return torch.func.functional_call(module, parameters, (x, start))


@by_autograd
def torch_rnn(world: Any, t: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    import torch

    W, b, n_a = t["layer.W"], t["layer.b"], world.layer.n_a
    module = torch.nn.RNN(world.layer.n_x, n_a, nonlinearity=world.layer.activation, dtype=torch.float64)
    names = {"weight_hh_l0": W[:, :n_a], "weight_ih_l0": W[:, n_a:], "bias_ih_l0": b, "bias_hh_l0": torch.zeros_like(b)}
    a, final = run_packed(module, names, t["x"], t["state"][None], world.lengths)
    return a, {"final": final[0]}


@by_autograd
def torch_embedding(world: Any, t: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    import torch

    a = torch.nn.functional.embedding(t["x"], t["layer.W"])
    return torch.where(torch.tensor(world.inside[:, :, None]), a, 0.0), {}


def gates(t: dict[str, Any], at: str, order: list[int], n: int) -> dict[str, Any]:
    """The weights of a layer, its blocks in PyTorch's order; PyTorch's second bias is zero."""
    import torch

    rows = torch.cat([torch.arange(k * n, (k + 1) * n) for k in order])
    W, b = t[f"{at}.W"][rows], t[f"{at}.b"][rows]
    return {"weight_hh": W[:, :n], "weight_ih": W[:, n:], "bias_ih": b, "bias_hh": torch.zeros_like(b)}


def lstm_gates(t: dict[str, Any], at: str, n: int) -> dict[str, Any]:
    return gates(t, at, [1, 0, 3, 2], n)  # i, f, g, o from f, u, o, c


def gru_gates(t: dict[str, Any], at: str, n: int) -> dict[str, Any]:
    """r, z, n from u, r, c with z = 1 - u; the bias inside the reset gate is the third block of bias_hh."""
    import torch

    names = gates(t, at, [1, 0, 2], n)
    sign = torch.ones(3 * n, dtype=torch.float64)
    sign[n : 2 * n] = -1
    bias_hh = torch.cat([torch.zeros(2 * n, dtype=torch.float64), t[f"{at}.b_cc"]])
    return {name: v * (sign if v.ndim == 1 else sign[:, None]) for name, v in names.items()} | {"bias_hh": bias_hh}


def numbered(names: dict[str, Any], suffix: str) -> dict[str, Any]:
    return {name + suffix: value for name, value in names.items()}


@by_autograd
def torch_lstm(world: Any, t: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    import torch

    module = torch.nn.LSTM(world.layer.n_x, world.layer.n_a, dtype=torch.float64)
    start = (t["state[0]"][None], t["state[1]"][None])
    names = numbered(lstm_gates(t, "layer", world.layer.n_a), "_l0")
    a, (h, c) = run_packed(module, names, t["x"], start, world.lengths)
    return a, {"final[0]": h[0], "final[1]": c[0]}


@by_autograd
def torch_gru(world: Any, t: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    import torch

    module = torch.nn.GRU(world.layer.n_x, world.layer.n_a, dtype=torch.float64)
    names = numbered(gru_gates(t, "layer", world.layer.n_a), "_l0")
    a, final = run_packed(module, names, t["x"], t["state"][None], world.lengths)
    return a, {"final": final[0]}


@by_autograd
def torch_bidirectional_lstm(world: Any, t: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    import torch

    n = world.layer.fwd.n_a
    module = torch.nn.LSTM(world.layer.n_x, n, dtype=torch.float64, bidirectional=True)
    names = numbered(lstm_gates(t, "layer.fwd", n), "_l0") | numbered(lstm_gates(t, "layer.bwd", n), "_l0_reverse")
    start = tuple(torch.stack([t[f"state[0][{k}]"], t[f"state[1][{k}]"]]) for k in range(2))
    a, final = run_packed(module, names, t["x"], start, world.lengths)
    return a, {f"final[{d}][{k}]": final[k][d] for d in range(2) for k in range(2)}


@by_autograd
def torch_three_grus(world: Any, t: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    import torch

    n = world.layer.layers[0].n_a
    module = torch.nn.GRU(world.layer.n_x, n, num_layers=3, dtype=torch.float64)
    names = {k: v for m in range(3) for k, v in numbered(gru_gates(t, f"layer.layers[{m}]", n), f"_l{m}").items()}
    start = torch.stack([t[f"state[{m}]"] for m in range(3)])
    a, final = run_packed(module, names, t["x"], start, world.lengths)
    return a, {f"final[{m}]": final[m] for m in range(3)}


@by_autograd
def explicit(world: Any, t: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Any layer, nested ones too, by its equations in PyTorch's elementary operations."""
    import torch

    a, final = unroll(world.layer, "layer", "state", t, t["x"], torch.tensor(world.inside[:, :, None]))
    return a, {path.replace("state", "final", 1): value for path, value in final.items()}


def unroll(layer: Any, at: str, state: str, t: dict[str, Any], x: Any, inside: Any) -> tuple[Any, dict[str, Any]]:
    """Return the outputs and the final states by path. `at` and `state` say where parameters and start states lie."""
    import torch

    kind = type(layer).__name__
    if kind == "Bidirectional":
        a, final = unroll(layer.fwd, f"{at}.fwd", f"{state}[0]", t, x, inside)
        back, final_b = unroll(layer.bwd, f"{at}.bwd", f"{state}[1]", t, backwards(x, inside), inside)
        return torch.cat([a, backwards(back, inside)], dim=-1), final | final_b
    if kind in ("Halves", "RecurrentDropout"):
        return unroll(layer.layer, f"{at}.layer", state, t, x, inside)
    if kind == "Deep":
        final = {}
        for k, part in enumerate(layer.layers):
            below = x
            x, ends = unroll(part, f"{at}.layers[{k}]", f"{state}[{k}]", t, x, inside)
            if layer.residual and part.n_x == part.n_out:
                x = x + torch.where(inside, below, 0.0)
            final |= ends
        return x, final
    p = {path.removeprefix(f"{at}."): value for path, value in t.items() if path.startswith(f"{at}.")}
    if kind == "Dense":
        a = activation(layer)(torch.nn.functional.linear(x, p["W"], p.get("b")))
        return torch.where(inside, a, 0.0), {}
    if kind == "Embedding":
        return torch.where(inside, p["W"][x], 0.0), {}
    assert kind in CELLS, f"{kind}: give it a cell in CELLS of tests/contract/oracles.py"
    paths = [path for path in t if path == state or path.startswith(f"{state}[")]
    parts, outputs = [t[path] for path in paths], []
    for x_t, in_t in zip(x, inside, strict=True):
        new = CELLS[kind](layer, p, x_t, *parts)
        parts = [torch.where(in_t, after, before) for after, before in zip(new, parts, strict=True)]
        outputs.append(torch.where(in_t, new[0], 0.0))
    return torch.stack(outputs), dict(zip(paths, parts, strict=True))


def backwards(x: Any, inside: Any) -> Any:
    """Each example's own steps reversed."""
    import torch

    ends = inside[:, :, 0].sum(dim=0)
    columns = [torch.cat([x[:n, k].flip(0), x[n:, k]]) for k, n in enumerate(ends.tolist())]
    return torch.stack(columns, dim=1)


def activation(layer: Any) -> Callable[[Any], Any]:
    import torch

    name = layer.activation
    return (lambda z: z) if name == "identity" else getattr(torch, name, None) or getattr(torch.nn.functional, name)


def rnn_cell(layer: Any, p: dict[str, Any], x: Any, a: Any) -> tuple[Any, ...]:
    import torch

    return (activation(layer)(torch.cat([a, x], 1) @ p["W"].T + p["b"]),)


def norm(v: Any) -> Any:
    import torch

    return torch.nn.functional.layer_norm(v, v.shape[1:], eps=1e-5)


def normalised_gru_cell(layer: Any, p: dict[str, Any], x: Any, c: Any) -> tuple[Any, ...]:
    import torch

    n, m = c.shape[1], 2 * c.shape[1]
    (by_c, by_x), (g_c, g_x), b = p["W"].split([n, x.shape[1]], 1), (p["gain_c"], p["gain_x"]), p["b"]
    u, r = torch.sigmoid(g_c[:m] * norm(c @ by_c[:m].T) + g_x[:m] * norm(x @ by_x[:m].T) + b[:m]).split(n, 1)
    before = g_c[m:] * norm((r * c) @ by_c[m:].T)
    from_c = r * (g_c[m:] * norm(c @ by_c[m:].T) + p["b_cc"]) if "b_cc" in p else before
    cand = torch.tanh(from_c + g_x[m:] * norm(x @ by_x[m:].T) + b[m:])
    return (u * cand + (1 - u) * c,)


def gru_cell(layer: Any, p: dict[str, Any], x: Any, c: Any) -> tuple[Any, ...]:
    import torch

    if "gain_x" in p:
        return normalised_gru_cell(layer, p, x, c)
    n = c.shape[1]
    (W_u, W_r, W_c), (b_u, b_r, b_c) = p["W"].split(n), p["b"].split(n)
    u, r = (torch.sigmoid(torch.cat([c, x], 1) @ W.T + b) for W, b in ((W_u, b_u), (W_r, b_r)))
    if "b_cc" in p:
        cand = torch.tanh(x @ W_c[:, n:].T + b_c + r * (c @ W_c[:, :n].T + p["b_cc"]))
    else:
        cand = torch.tanh(torch.cat([r * c, x], 1) @ W_c.T + b_c)
    return (u * cand + (1 - u) * c,)


def lstm_cell(layer: Any, p: dict[str, Any], x: Any, a: Any, c: Any) -> tuple[Any, ...]:
    import torch

    n, normalised = a.shape[1], "gain_c" in p
    all_z = torch.cat([a, x], 1) @ p["W"].T + p["b"]
    if normalised:
        all_z = p["gain_a"] * norm(a @ p["W"][:, :n].T) + p["gain_x"] * norm(x @ p["W"][:, n:].T) + p["b"]
    all_z = all_z.split(n, 1)
    z = dict(zip("foc" if layer.coupled else "fuoc", all_z, strict=True))
    peep = {g: p.get(f"p_{g}", torch.zeros(())) for g in "fuo"}
    f = torch.sigmoid(z["f"] + peep["f"] * c)
    u = 1 - f if layer.coupled else torch.sigmoid(z["u"] + peep["u"] * c)
    c = u * torch.tanh(z["c"]) + f * c
    seen = p["gain_c"] * norm(c) + p["bias_c"] if normalised else c
    return torch.sigmoid(z["o"] + peep["o"] * c) * torch.tanh(seen), c


def use_gate_cell(layer: Any, p: dict[str, Any], x: Any, a: Any, c: Any) -> tuple[Any, ...]:
    import torch

    n, i, f, v = (torch.cat([a, x], 1) @ p["W"].T + p["b"]).split(a.shape[1], 1)
    kept = c * torch.sigmoid(f)
    used = torch.tanh(kept @ p["W_u"].T + p["b_u"])
    return used * torch.sigmoid(v), kept + torch.tanh(n) * torch.sigmoid(i)


CELLS = {"RNN": rnn_cell, "GRU": gru_cell, "LSTM": lstm_cell, "UseGateCell": use_gate_cell}
