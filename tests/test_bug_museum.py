"""The museum of the chapter on the LSTM's backward pass: what hangs there is wrong, and the checks say so as told.

The exhibits stand in the notebook, which a learner may download alone; the cells that make them are run from it.
"""

from __future__ import annotations

import linecache
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest

CHAPTER = Path(__file__).parents[1] / "book" / "gated" / "lstm-backward.ipynb"
CELLS = (  # how the cells begin that make the museum
    "import copy", "def by_hand(", "def edited(", "def world(", "def parts(", "def shapes_fit(", "THROUGH_TANH =",
    "EDITS |=",
)  # fmt: skip
MISSED = {  # exhibit: the checks that the chapter says let it through, beside that of the shapes
    1: ["one step"],
    2: ["one step"],
    3: ["one step"],
    4: ["one step"],
    5: [],
    6: [],
    7: ["one step", "all ones"],
    8: ["one step"],
    9: ["one step", "all ones"],
    10: ["all ones", "zero start"],
    11: ["one example"],
    12: ["one step", "all ones", "zero start"],
    13: ["one step", "all ones", "zero start", "one example"],
}


ADDED = "dc_next + da_t * o * (1 - tanh_c**2)"
SPOILT = {  # twins of exhibit 13: the right gradients, and what each would leave changed behind it
    "the upstream gradients": ("da_t = da[t] + da_next", "da_t = da[t]\n        da_t += da_next"),
    "the final state's": (f"dc_t = {ADDED}", f"dc_t = dc_next\n        dc_t += {ADDED.removeprefix('dc_next + ')}"),
    "the run's gates": ("dc_next = dc_t * f", "dc_next = dc_t * f\n        f[:] = 0.5"),
    "the run's inputs": ("dc_next = dc_t * f", "dc_next = dc_t * f\n        run.x[t] = 0.5"),
    "the layer": ("dc_next = dc_t * f", "dc_next = dc_t * f\n        layer.b[0] += 1"),
}


@pytest.fixture(scope="module")
def museum() -> dict[str, Any]:
    """Run the cells; a line of a cell must be found by `inspect`, as it is in a notebook."""
    pytest.importorskip("matplotlib")
    cells = [cell.source for cell in nbformat.read(CHAPTER, as_version=4).cells if cell.cell_type == "code"]
    names: dict[str, Any] = {"__name__": "museum"}
    for begin in CELLS:
        source = next(cell for cell in cells if cell.startswith(begin))  # exercises' solutions come behind
        file = f"<museum: {begin}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        exec(compile(source, file, "exec"), names)
    return names


def test_there_are_at_least_ten(museum: dict[str, Any]) -> None:
    assert list(museum["EXHIBITS"]) == list(MISSED)
    assert len(MISSED) >= 10


def test_the_right_function_passes_every_check(museum: dict[str, Any]) -> None:
    assert {name for name, passes in museum["CHECKS"].items() if not passes(museum["by_hand"])} == set()


@pytest.mark.parametrize("exhibit", MISSED)
def test_exhibit_is_caught_by_the_good_check_alone_or_as_told(museum: dict[str, Any], exhibit: int) -> None:
    passed = [name for name, passes in museum["CHECKS"].items() if passes(museum["EXHIBITS"][exhibit])]
    assert passed == ["shapes", *MISSED[exhibit]]


@pytest.mark.parametrize("exhibit", MISSED)
def test_exhibit_is_wrong_by_the_package_too(museum: dict[str, Any], exhibit: int) -> None:
    """The checks measure; the layer's own backward pass is another witness."""
    layer, x, start, da, dfinal = museum["WORLDS"]["one example" if exhibit == 12 else "good"]
    run, given = layer.forward(x, start), da.copy()
    grads = layer.backward(run, da, dfinal)
    right = (grads.x, *grads.state, grads.layer.W, grads.layer.b)
    np.testing.assert_allclose(
        np.concatenate([g.ravel() for g in museum["by_hand"](layer, run, da, dfinal)]),
        np.concatenate([g.ravel() for g in right]),
        rtol=1e-9,
        atol=1e-9,
    )
    wrong = museum["EXHIBITS"][exhibit]
    if exhibit == 12:
        with pytest.raises(ValueError, match=r"dimension|axis"):
            wrong(layer, run, given, dfinal)
        return
    mine = wrong(layer, run, given, dfinal)
    off = max(float(np.abs(a - b).max()) for a, b in zip(mine, right, strict=True))
    assert (off > 0.1) == (exhibit != 13)
    assert np.array_equal(given, da) == (exhibit != 13)


@pytest.mark.parametrize("what", SPOILT)
def test_what_is_handed_over_must_come_back_unchanged_all_of_it(museum: dict[str, Any], what: str) -> None:
    """Neither the world nor the next check may notice that a function has written into it."""
    twin = museum["edited"](SPOILT[what])
    off = museum["deviations"](twin, "good")
    if "gradients" in what or "state" in what:
        assert off.pop("inputs") == 1
        assert max(off.values()) < 1e-9
        for passes in museum["CHECKS"].values():
            passes(twin)
    else:  # a run's arrays and a layer's cannot be written into: the function stops
        assert set(off.values()) == {np.inf}
    assert not museum["CHECKS"]["good"](twin)
    assert all(passes(museum["by_hand"]) for passes in museum["CHECKS"].values())
