"""The chapter's program for several processes: it is one process, to rounding, and its mistakes are seen."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from rnncourse import LSTM, Dense
from rnncourse.data import elman_letters, one_hot, streams, windows
from rnncourse.exchange.pytorch import to_torch
from rnncourse.losses import softmax_cross_entropy
from rnncourse.optimizers import SGD, global_norm
from rnncourse.training import train

pytest.importorskip("torch", reason="PyTorch is not installed: torchrun starts nothing")

PROGRAM = Path(__file__).parents[2] / "book" / "practice" / "ddp.py"
LETTERS, ROWS, WINDOW = "bdgaiu", 5, 20
MAX_NORM = 0.2
MISTAKES = {  # what the chapter warns of; each is seen in the losses
    "each process counts alike": ("mine * dist.get_world_size() / count", "mine / targets.numel()"),
    "the forward pass is not DDP's": ("= model(x[first", "= model.module(x[first"),
    "the state is lost": ("tuple(part.detach() for part in state)", "None"),
    "the states are another row's": ("part.detach() for", "part.detach().flip(1) for"),
    "nothing is clipped": ("        nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)\n", ""),
}


class World(NamedTuple):
    """A text, a start, and what the package makes of them."""

    x: np.ndarray
    y: np.ndarray
    arrays: dict[str, np.ndarray]
    losses: np.ndarray
    model: Any


def scaled(grads: Any, factor: float) -> Any:
    return tuple(replace(part, W=factor * part.W, b=factor * part.b) for part in grads)


def named(model: Any) -> dict[str, np.ndarray]:
    parts = {"lstm": model[0], "head": model[1]}
    return {f"{part}.{name}": array for part, layer in parts.items() for name, array in to_torch(layer).items()}


@pytest.fixture(scope="module")
def world() -> World:
    rng = np.random.default_rng(4)
    text = np.array([LETTERS.index(letter) for letter in elman_letters(210, rng)])
    long = streams(text, ROWS)
    pieces = windows(long, WINDOW)

    def one_update(model: Any, k: int, state: Any) -> Any:
        x, y = pieces[k]
        run = model[0].forward(one_hot(x, 6), state)
        out = model[1].forward(run.a)
        value, dz = softmax_cross_entropy(out.a, y, reduction="mean")
        top = model[1].backward(out, dz)
        grads = (model[0].backward(run, top.x).layer, top.layer)
        norms.append(global_norm(grads))
        shorter = min(1.0, MAX_NORM / (norms[-1] + 1e-6))  # as PyTorch clips
        return value, scaled(grads, shorter), run.final

    norms: list[float] = []
    start = (LSTM.init(6, 7, rng), Dense.init(7, 6, rng))
    done = train(start, one_update, SGD(0.5), len(pieces), carry=None)
    assert min(norms) < MAX_NORM < max(norms)
    return World(long.x, long.y, named(start), done.losses, named(done.model))


def launched(world: World, processes: int, folder: Path, program: str = "") -> dict[str, np.ndarray]:
    (folder / "ddp.py").write_text(program or PROGRAM.read_text("utf8"), "utf8")
    np.savez(folder / "start.npz", x=world.x, y=world.y, **world.arrays)
    how = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command = [sys.executable, *how, "ddp.py", "start.npz", "end.npz"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(np.load(folder / "end.npz"))


@pytest.mark.parametrize(
    "processes", [2, pytest.param(1, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)]
)
def test_processes_are_one_to_rounding(processes: int, world: World, tmp_path: Path) -> None:
    """Also with shares that differ, and a last window that is shorter."""
    assert len(world.x) % WINDOW
    assert ROWS % 2
    assert ROWS % 3
    end = launched(world, processes, tmp_path)
    np.testing.assert_allclose(end["losses"], world.losses, rtol=0, atol=1e-12)
    for name, array in world.model.items():
        np.testing.assert_allclose(end[name], array, rtol=0, atol=1e-12, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_seen_in_the_losses(mistake: str, world: World, tmp_path: Path) -> None:
    old, new = MISTAKES[mistake]
    program = PROGRAM.read_text("utf8")
    assert program.count(old) == 1
    end = launched(world, 2, tmp_path, program.replace(old, new))
    assert np.abs(end["losses"] - world.losses).max() > 1e-6
