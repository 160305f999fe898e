"""Train a reader of letters on streams that are divided among processes.

    torchrun --standalone --nproc-per-node=2 ddp.py start.npz end.npz

start.npz holds the streams, x and y of shape (T, B), and the parameters under their
names in PyTorch. end.npz gets the loss of every window, the parameters after the last
one, and its gradient.
"""

import sys

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

WINDOW, RATE, MAX_NORM = 20, 0.5, 0.2


class Reader(nn.Module):
    """An LSTM, and a linear layer that says which letter comes next."""

    def __init__(self, n_y, n_a):
        super().__init__()
        self.n_y = n_y
        self.lstm = nn.LSTM(n_y, n_a)
        self.lstm.bias_hh_l0.requires_grad_(False)  # one bias is enough
        self.head = nn.Linear(n_a, n_y)

    def forward(self, x, state):
        x = nn.functional.one_hot(x, self.n_y).to(self.head.weight.dtype)
        a, state = self.lstm(x, state)
        return self.head(a), state


def rows_of_mine(x):
    """Divide the rows once and for all: a row's state is where the row is."""
    parts = np.array_split(np.arange(x.shape[1]), dist.get_world_size())
    return torch.from_numpy(x[:, parts[dist.get_rank()]])


def train(model, x, y):
    optimizer = torch.optim.SGD(model.parameters(), RATE)
    state, losses = None, []
    for first in range(0, len(x), WINDOW):
        targets = y[first : first + WINDOW]
        z, state = model(x[first : first + WINDOW], state)
        state = tuple(part.detach() for part in state)  # the window's end
        mine = nn.functional.cross_entropy(
            z.flatten(0, 1), targets.flatten(), reduction="sum"
        )
        count = torch.tensor(targets.numel())
        dist.all_reduce(count)  # the steps of all processes
        optimizer.zero_grad()
        # DDP will divide by the number of processes; we divide by that of steps
        (mine * dist.get_world_size() / count).backward()
        nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)
        optimizer.step()
        whole = mine.detach()
        dist.all_reduce(whole)
        losses.append((whole / count).item())
    return losses


def main(start, end):
    given = dict(np.load(start))
    x, y = given.pop("x"), given.pop("y")
    dist.init_process_group("gloo")  # between processors; "nccl" between GPUs
    model = Reader(*given["head.weight"].shape).double()
    model.load_state_dict({k: torch.from_numpy(v) for k, v in given.items()})
    losses = train(DistributedDataParallel(model), rows_of_mine(x), rows_of_mine(y))
    if dist.get_rank() == 0:
        gradients = {
            f"d {k}": p.grad for k, p in model.named_parameters() if p.requires_grad
        }
        np.savez(end, losses=losses, **model.state_dict(), **gradients)
    dist.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
