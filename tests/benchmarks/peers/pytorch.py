"""PyTorch, eager, on the CPU: nn.RNN, nn.GRU and nn.LSTM; streams by RNNCell, GRUCell and LSTMCell."""

from __future__ import annotations

import os

import numpy as np
import torch
from torch import nn

from ..cases import Arrays, Case, job_arrays
from ..layouts import TORCH, restore, separate

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
SEQUENCE = {"RNN": nn.RNN, "GRU": nn.GRU, "LSTM": nn.LSTM}
STEP = {"RNN": nn.RNNCell, "GRU": nn.GRUCell, "LSTM": nn.LSTMCell}


def load(kinds: dict, case: Case, p: Arrays) -> nn.Module:
    if case.cell not in kinds:
        raise NotImplementedError(f"PyTorch has no {case.cell}")
    module = kinds[case.cell](case.n_x, case.n_a, dtype=getattr(torch, case.dtype))
    with torch.no_grad():
        for parameter, array in zip(module.parameters(), separate(case, p, TORCH), strict=True):
            parameter.copy_(torch.from_numpy(array))
    return module


def training(case: Case, p: Arrays):
    module = load(SEQUENCE, case, p)
    x = torch.from_numpy(p["x"]).requires_grad_()
    da = torch.from_numpy(p["da"])

    def step():
        x.grad = None
        module.zero_grad(set_to_none=True)
        a, _ = module(x)
        a.backward(da)

    def numbers():
        order, n = TORCH[case.cell], case.n_a
        W_x, W_a, b, b_a = (restore(parameter.grad.numpy(), *order) for parameter in module.parameters())
        named = {"x": x.grad.numpy(), "W": np.concatenate([W_a, W_x], axis=1), "b": b}
        return named | ({"b_cc": b_a[2 * n :]} if "b_cc" in p else {})

    return step, numbers


def job(case: Case, p: Arrays):
    """A whole training step: forward, loss, backward, clipping, Adam. The inputs need no gradient."""
    q = {name: torch.from_numpy(array) for name, array in job_arrays(case).items()}

    def fresh():
        cell, head = load(SEQUENCE, case, p), nn.Linear(case.n_a, case.n_x, dtype=getattr(torch, case.dtype))
        with torch.no_grad():
            head.weight.copy_(q["W_y"]), head.bias.copy_(q["b_y"])
        return nn.ModuleList([cell, head])

    def loss_of(model):
        a, _ = model[0](q["x"])
        return nn.functional.cross_entropy(model[1](a).flatten(0, 1), q["y"].flatten())

    model = fresh()
    adam = torch.optim.Adam(model.parameters(), 1e-3)

    def step():
        adam.zero_grad(set_to_none=True)
        loss_of(model).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adam.step()

    def numbers():
        first = fresh()
        loss = loss_of(first)
        loss.backward()
        order, n = TORCH[case.cell], case.n_a
        W_x, W_a, b, b_a = (restore(each.grad.numpy(), *order) for each in first[0].parameters())
        head = {"W_y": first[1].weight.grad.numpy(), "b_y": first[1].bias.grad.numpy()}
        named = head | {"W": np.concatenate([W_a, W_x], axis=1), "b": b, "loss": loss.detach().numpy()}
        return named | ({"b_cc": b_a[2 * n :]} if "b_cc" in p else {})

    return step, numbers


def saved_bytes(case: Case, p: Arrays) -> int:
    """Return how much memory the graph keeps for its backward pass, besides the parameters."""
    module, kept = load(SEQUENCE, case, p), {}
    parameters = {each.untyped_storage().data_ptr() for each in module.parameters()}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in parameters:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        a, _ = module(torch.from_numpy(p["x"]).requires_grad_())
    kept[a.untyped_storage().data_ptr()] = a.untyped_storage().nbytes()
    return sum(kept.values())


def streaming(case: Case, p: Arrays):
    cell = load(STEP, case, p)
    x = torch.from_numpy(p["x"])
    x_t, state = x[0], None
    torch.set_grad_enabled(False)

    def step():
        nonlocal state
        state = cell(x_t, state)

    def numbers():
        now = None
        for each in x:
            now = cell(each, now)
        return {"a": (now[0] if case.cell == "LSTM" else now).numpy()}

    return step, numbers
