"""Store what PyTorch computes, for machines without it: ``cd tests && python -m contract.make_oracle use-gate gru``.

Only the cases that are named are written; without a name, those that have no file yet.
"""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import numpy as np

from rnncourse import tree_map
from rnncourse.records import named_leaves

from .registry import CASES
from .worlds import World, make_world

FOLDER = Path(__file__).parent / "oracle"
SHAPES = (  # (T, B, n_x, n_a), lengths; packed sequences of PyTorch have at least one step
    ((5, 3, 4, 2), None),
    ((4, 6, 3, 5), None),
    ((9, 2, 1, 5), None),
    ((6, 4, 5, 3), [6, 1, 4, 2]),
    ((7, 5, 2, 4), [3, 7, 1, 1, 6]),
)


def worlds(case) -> list[World]:
    return [make_world(case, *sizes, lengths=lengths, seed=100 + k) for k, (sizes, lengths) in enumerate(SHAPES)]


def inputs(world: World) -> dict[str, np.ndarray]:
    tree = {name: getattr(world, name) for name in ("layer", "x", "state", "da", "dfinal")}
    return dict(named_leaves(tree))


def stored(case) -> dict[str, np.ndarray]:
    """Everything of a case's worlds: ``k.in.path`` and ``k.out.path``."""
    arrays = {}
    for k, world in enumerate(worlds(case)):
        arrays |= {f"{k}.in.{path}": array for path, array in inputs(world).items()}
        arrays |= {f"{k}.out.{path}": array for path, array in case.oracle(world).items()}
    return arrays


def load(case) -> list[tuple[World, dict[str, np.ndarray]]]:
    """The stored worlds and what PyTorch made of them."""
    path = FOLDER / f"{case}.npz"
    assert path.is_file(), f"{case} has no stored numbers: cd tests && python -m contract.make_oracle {case}"
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    pairs = []
    for k, world in enumerate(worlds(case)):
        leaves = (arrays[f"{k}.in.{path}"] for path in inputs(world))
        given = {name: getattr(world, name) for name in ("layer", "x", "state", "da", "dfinal")}
        filled = tree_map(lambda _, leaves=leaves: next(leaves), given)
        prefix = f"{k}.out."
        pairs.append(
            (world.but(**filled), {p.removeprefix(prefix): a for p, a in arrays.items() if p.startswith(prefix)})
        )
    return pairs


def main(names: list[str]) -> None:
    import torch

    cases = {case.name: case for case in CASES if case.oracle}
    if unknown := sorted(set(names) - set(cases)):
        raise SystemExit(f"no such case with an oracle: {', '.join(unknown)}; there are {', '.join(cases)}")
    versions = {"torch": torch.__version__, "numpy": np.__version__, "python": platform.python_version()}
    FOLDER.mkdir(exist_ok=True)
    for name in names or [name for name in cases if not (FOLDER / f"{name}.npz").is_file()]:
        file = FOLDER / f"{name}.npz"
        np.savez_compressed(file, versions=np.array(str(versions)), **stored(cases[name]))
        print(file.name, file.stat().st_size, "bytes", versions)


if __name__ == "__main__":
    main(sys.argv[1:])
