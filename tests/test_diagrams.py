"""The diagrams: true to the equations, legible, addressable by part, and well-formed wherever they are shown."""

from __future__ import annotations

import inspect
import io
import math
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from itertools import combinations, pairwise, product
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from rnncourse.diagrams import (
    Diagram,
    bidirectional,
    deep,
    deep_back,
    gru_cell,
    lstm_cell,
    rnn_cell,
    rnn_types,
    unrolled,
)
from rnncourse.layers.gru import GRU, gru_cell_forward
from rnncourse.layers.lstm import LSTM, lstm_cell_forward

matplotlib = pytest.importorskip("matplotlib")

from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.colors import to_hex, to_rgb  # noqa: E402
from matplotlib.patches import FancyArrowPatch  # noqa: E402

from rnncourse.diagrams import drawing as _drawing  # noqa: E402
from rnncourse.diagrams.drawing import ACCENT, FONT_SIZE, INK, PAPER, WARM, Mark, Point  # noqa: E402

KINDS = ("one-to-one", "one-to-many", "many-to-one", "many-to-many", "encoder-decoder")
MAKERS: dict[str, Callable[..., Diagram]] = {
    "rnn": rnn_cell,
    "gru": gru_cell,
    "gru-after": partial(gru_cell, True),
    "lstm": lstm_cell,
    "lstm-peepholes": partial(lstm_cell, True),
    "lstm-coupled": partial(lstm_cell, coupled=True),
    "lstm-peepholes-coupled": partial(lstm_cell, True, True),
    "bidirectional": bidirectional,
    "bidirectional-1": partial(bidirectional, 1),
    "bidirectional-4": partial(bidirectional, 4),
    "bidirectional-padded": partial(bidirectional, 3, length=2),
    "deep-backward": deep_back,
    "deep-backward-1-1": partial(deep_back, 1, 1),
    "deep-backward-2-4": partial(deep_back, 2, 4),
    "deep": deep,
    "deep-1-1": partial(deep, 1, 1),
    "deep-4-2": partial(deep, 4, 2),
    "deep-2-4": partial(deep, 2, 4),
    "types": rnn_types,
    **{kind: partial(rnn_types, kind) for kind in KINDS},
    "unrolled": unrolled,
    "unrolled-1-last": partial(unrolled, 1, "last"),
    "unrolled-6": partial(unrolled, 6),
}
LARGE = ("bidirectional-4", "deep-2-4", "deep-backward-2-4", "unrolled-6")
CELLS = {
    "rnn": ("rnn",),
    "gru": ("gru", "gru-after"),
    "lstm": tuple(name for name in MAKERS if name.startswith("lstm")),
}
PATHS = {
    "rnn": ["a_prev", "W_aa", "sum"],
    "gru": ["c_prev.keep", "keep", "plus", "c_t"],
    "gru-after": ["gate_u"],
    "lstm": ["c_prev", "forget", "plus", "c_t"],
    "lstm-peepholes": ["p_f", "p_u", "p_o"],
    "bidirectional": ["x_3.bwd", "bwd_3", "a_bwd_3.next", "bwd_2"],
    "deep-backward": ["L_2", "cell_3_2", "down_2_2", "cell_2_2", "delta_2_1", "cell_2_1"],
    "deep": ["x_1", "cell_1_1", "a_1_1.up", "cell_2_1", "a_2_1.next", "cell_2_2"],
    "types": ["one-to-many", "many-to-one.x_2"],
    "unrolled": ["a_1"],
}
CROSSINGS = {
    "gru": 1,
    "gru-after": 1,
    "lstm-peepholes": 1,
    "bidirectional-1": 2,
    "bidirectional": 6,
    "bidirectional-4": 8,
    "bidirectional-padded": 4,
}
BOTH = list(product([False, True], repeat=2))
every = pytest.mark.parametrize("name", MAKERS)


@cache
def made(name: str) -> Diagram:
    return MAKERS[name]()


@cache
def marks(name: str) -> list[Mark]:
    return made(name).marks


@cache
def svg(name: str) -> str:
    return made(name).svg()


def shapes(name: str) -> list[Mark]:
    """What arrows come from and go to."""
    return [
        m for m in marks(name) if m.kind in ("box", "circle", "cell", "text") and m.part != "cell" and m.size[0] > 0
    ]


def arrows(name: str) -> list[Mark]:
    return [m for m in marks(name) if m.kind == "arrow"]


def touches(shape: Mark, spot: Point) -> bool:
    """Whether a point lies on the edge of a shape."""
    x, y = abs(spot[0] - shape.centre[0]), abs(spot[1] - shape.centre[1])
    w, h = shape.size[0] / 2, shape.size[1] / 2
    if shape.kind == "circle":
        return math.isclose(math.hypot(x, y), w, abs_tol=1e-3)
    corner = 0.08 if shape.kind == "box" else 0.14 if shape.kind == "cell" else 0.0  # where the edge is round
    on_side = math.isclose(x, w, abs_tol=1e-9) and y <= h - corner + 1e-9
    return on_side or (math.isclose(y, h, abs_tol=1e-9) and x <= w - corner + 1e-9)


def edges(name: str) -> list[tuple[str, str, str]]:
    """Read off the drawing what each arrow connects: (from, to, the arrow's part)."""
    found = []
    for arrow in arrows(name):
        start, end = (
            [s.part.removesuffix("_label") for s in shapes(name) if touches(s, spot)]
            for spot in (arrow.points[0], arrow.points[-1])
        )
        assert (len(start), len(end)) == (1, 1), f"{arrow.part}: from {start or 'nowhere'} to {end or 'nowhere'}"
        found.append((start[0], end[0], arrow.part))
    return found


def pairs(name: str) -> list[tuple[str, str]]:
    return sorted((start, end) for start, end, _ in edges(name))


@cache
def boxes_of_text(name: str) -> dict[tuple[str, Point], tuple[float, float, float, float]]:
    """Return the extent of each label in inches, by what it says and where."""
    figure = made(name).figure()
    renderer = FigureCanvasAgg(figure).get_renderer()
    found = {}
    for text in figure.axes[0].texts:
        box = text.get_window_extent(renderer)
        found[text.get_text(), text.get_position()] = tuple(
            side / figure.dpi for side in (box.x0, box.y0, box.x1, box.y1)
        )
    return found


# true to the equations


@pytest.mark.parametrize("after", [False, True])
def test_the_gru_connects_what_the_equations_connect(after: bool) -> None:
    name = "gru-after" if after else "gru"
    candidate = ["c_prev W_cc", "W_cc reset", "reset sum"] if after else ["c_prev reset", "reset W_cc", "W_cc sum"]
    wanted = [
        "c_prev stack", "x_t stack", "stack gate_r", "stack gate_u", "gate_r reset", *candidate,
        "x_t W_cx", "W_cx sum", "sum cand", "cand write", "gate_u write", "write plus",
        "gate_u one_minus", "one_minus keep", "c_prev keep", "keep plus", "plus c_t",
    ]  # fmt: skip
    assert pairs(name) == sorted(tuple(edge.split()) for edge in wanted)


@pytest.mark.parametrize(("peepholes", "coupled"), BOTH)
def test_the_lstm_connects_what_the_equations_connect(peepholes: bool, coupled: bool) -> None:
    name = "-".join(["lstm", *["peepholes"] * peepholes, *["coupled"] * coupled])
    wanted = [
        "a_prev stack", "x_t stack", "stack gate_f", "stack cand", "stack gate_o", "gate_f forget", "c_prev forget",
        "forget plus", "cand write", "write plus", "plus c_t", "plus tanh_c", "tanh_c output", "gate_o output",
        "output a_t",
    ]  # fmt: skip
    wanted += ["gate_f one_minus", "one_minus write"] if coupled else ["stack gate_u", "gate_u write"]
    wanted += ["c_prev gate_f", "plus gate_o"] * peepholes + ["c_prev gate_u"] * (peepholes and not coupled)
    assert pairs(name) == sorted(tuple(edge.split()) for edge in wanted)


def test_the_rnn_connects_what_the_equations_connect() -> None:
    wanted = ["a_prev W_aa", "x_t W_ax", "W_aa sum", "W_ax sum", "b_a sum", "sum g", "g a_t", "g W_ya", "W_ya yhat"]
    assert pairs("rnn") == sorted(tuple(edge.split()) for edge in wanted)


@pytest.mark.parametrize("steps", [1, 3, 4])
def test_the_bidirectional_layer_runs_both_ways(steps: int) -> None:
    name = {3: "bidirectional"}.get(steps, f"bidirectional-{steps}")
    wanted = [("a_fwd_0", "fwd_1"), (f"fwd_{steps}", f"a_fwd_{steps}")]
    wanted += [(f"a_bwd_{steps + 1}", f"bwd_{steps}"), ("bwd_1", "a_bwd_1")]
    for t in range(1, steps + 1):
        wanted += [(f"x_{t}", f"fwd_{t}"), (f"x_{t}", f"bwd_{t}")]
        wanted += [(f"fwd_{t}", f"stack_{t}"), (f"bwd_{t}", f"stack_{t}"), (f"stack_{t}", f"a_{t}")]
    for t in range(1, steps):
        wanted += [(f"fwd_{t}", f"fwd_{t + 1}"), (f"bwd_{t + 1}", f"bwd_{t}")]
    assert pairs(name) == sorted(wanted)


def test_padding_is_read_by_no_cell_and_the_backward_row_starts_at_the_examples_end() -> None:
    assert sorted(
        (start, end) for start, end in pairs("bidirectional-padded")
    ) == sorted(edge for edge in [
        ("a_fwd_0", "fwd_1"), ("fwd_1", "fwd_2"), ("fwd_2", "a_fwd_2"), ("a_bwd_3", "bwd_2"), ("bwd_2", "bwd_1"),
        ("bwd_1", "a_bwd_1"), ("x_3", "pad_3"), *[(f"{a}_{t}", f"{b}_{t}") for t in (1, 2) for a, b in (
            ("x", "fwd"), ("x", "bwd"), ("fwd", "stack"), ("bwd", "stack"), ("stack", "a"))],
    ])  # fmt: skip
    with pytest.raises(ValueError, match=r"^length: expected at most steps = 3, got 4$"):
        bidirectional(3, length=4)
    assert bidirectional(3, length=3).marks == bidirectional(3).marks


@pytest.mark.parametrize(("layers", "steps"), [(3, 3), (1, 1), (2, 4)])
def test_on_the_way_back_every_arrow_of_the_grid_is_turned_round(layers: int, steps: int) -> None:
    tail = "" if layers == steps == 3 else f"-{layers}-{steps}"
    names = {"yhat": "L", "x": "delta_0"}

    def on_the_way_back(part: str) -> str:
        letter, _, rest = part.partition("_")
        return f"delta_{rest}" if letter == "a" else f"{names.get(letter, letter)}_{rest}"

    forwards = [(start, end) for start, end in pairs(f"deep{tail}") if not end.startswith("a_")]  # no final state
    assert pairs(f"deep-backward{tail}") == sorted((on_the_way_back(b), on_the_way_back(a)) for a, b in forwards)


@pytest.mark.parametrize(("layers", "steps"), [(3, 3), (1, 1), (4, 2), (2, 4)])
def test_the_deep_network_is_a_grid(layers: int, steps: int) -> None:
    wanted = [(f"x_{t}", f"cell_1_{t}") for t in range(1, steps + 1)]
    wanted += [(f"cell_{layers}_{t}", f"yhat_{t}") for t in range(1, steps + 1)]
    for k in range(1, layers + 1):
        wanted += [(f"a_{k}_0", f"cell_{k}_1"), (f"cell_{k}_{steps}", f"a_{k}_{steps}")]
        wanted += [(f"cell_{k}_{t}", f"cell_{k}_{t + 1}") for t in range(1, steps)]
        wanted += [(f"cell_{k}_{t}", f"cell_{k + 1}_{t}") for t in range(1, steps + 1) if k < layers]
    assert pairs("deep" if layers == steps == 3 else f"deep-{layers}-{steps}") == sorted(wanted)


@pytest.mark.parametrize(
    ("kind", "inputs", "outputs", "cells"),
    [
        ("one-to-one", [1], [1], 1),
        ("one-to-many", [1], [1, 2, 3], 3),
        ("many-to-one", [1, 2, 3], [3], 3),
        ("many-to-many", [1, 2, 3], [1, 2, 3], 3),
        ("encoder-decoder", [1, 2], [3, 4, 5], 5),
    ],
)
def test_each_type_has_its_inputs_and_outputs(kind: str, inputs: list[int], outputs: list[int], cells: int) -> None:
    wanted = [(f"x_{t}", f"cell_{t}") for t in inputs] + [(f"cell_{t}", f"yhat_{t}") for t in outputs]
    wanted += [(f"cell_{t}", f"cell_{t + 1}") for t in range(1, cells)]
    assert pairs(kind) == sorted(wanted)
    assert [edge for edge in pairs("types") if edge[0].startswith(f"{kind}.")] == sorted(
        (f"{kind}.{start}", f"{kind}.{end}") for start, end in wanted
    )


@pytest.mark.parametrize(("steps", "outputs"), [(3, "all"), (1, "last")])
def test_the_unrolled_network_is_a_row(steps: int, outputs: str) -> None:
    wanted = [("a_0", "cell_1"), (f"cell_{steps}", f"a_{steps}")]
    wanted += [(f"cell_{t}", f"cell_{t + 1}") for t in range(1, steps)]
    wanted += [(f"x_{t}", f"cell_{t}") for t in range(1, steps + 1)]
    wanted += [(f"cell_{t}", f"yhat_{t}") for t in range(1, steps + 1) if outputs == "all" or t == steps]
    assert pairs("unrolled" if steps == 3 else f"unrolled-{steps}-{outputs}") == sorted(wanted)


def run_drawing(name: str, given: dict[str, Any], compute: dict[str, Callable[..., Any]]) -> dict[str, Any]:
    """Run a drawing as a program: values flow along the arrows, circles do what their sign says, boxes `compute`."""
    signs = {r"$\odot$": np.multiply, "$+$": np.add}
    signs_at = {m.part: signs[m.label] for m in shapes(name) if m.kind == "circle"}
    values = dict(given)

    def value(part: str) -> Any:
        if part not in values:
            into = {start: (value(start), wire) for start, end, wire in edges(name) if end == part}
            if part in signs_at:
                values[part] = signs_at[part](*(v for v, _ in into.values()))
            elif part in compute:
                values[part] = compute[part](
                    **{("peep" if wire.startswith("p_") else "x"): v for v, wire in into.values()}
                )
            elif part == "stack":
                order = [start for start in ("a_prev", "c_prev", "x_t") if start in into]
                values[part] = np.concatenate([into[start][0] for start in order], axis=1)
            else:
                ((values[part], _),) = into.values()
        return values[part]

    for part in ("a_t", "c_t"):
        if any(end == part for _, end, _ in edges(name)):
            value(part)
    return values


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def gate(W: Any, b: Any, function: Callable[[Any], Any] = sigmoid, p: Any = 0.0) -> Callable[..., Any]:
    return lambda x, peep=0.0: function(x @ W.T + b + p * peep)


@pytest.mark.parametrize("after", [False, True])
def test_the_gru_drawn_computes_what_the_package_computes(after: bool) -> None:
    rng = np.random.default_rng(7)
    layer = GRU(rng.normal(size=(12, 7)), rng.normal(size=12), rng.normal(size=4) if after else None)
    x, c = rng.normal(size=(2, 3)), rng.normal(size=(2, 4))
    W_u, W_r, _ = np.split(layer.W, 3)
    compute = {
        "gate_u": gate(W_u, layer.b_u), "gate_r": gate(W_r, layer.b_r), "cand": lambda x: np.tanh(x),
        "W_cc": gate(layer.W_cc, 0.0 if layer.b_cc is None else layer.b_cc, lambda z: z),
        "W_cx": gate(layer.W_cx, layer.b_c, lambda z: z), "one_minus": lambda x: 1 - x,
    }  # fmt: skip
    drawn = run_drawing("gru-after" if after else "gru", {"c_prev": c, "x_t": x}, compute)
    np.testing.assert_allclose(drawn["c_t"], gru_cell_forward(layer, x, c)[0], rtol=0, atol=1e-14)


@pytest.mark.parametrize(("peepholes", "coupled"), BOTH)
def test_the_lstm_drawn_computes_what_the_package_computes(peepholes: bool, coupled: bool) -> None:
    rng = np.random.default_rng(8)
    blocks = 3 if coupled else 4
    p_f, p_u, p_o = (rng.normal(size=4) if peepholes else None for _ in range(3))
    W, b = rng.normal(size=(4 * blocks, 7)), rng.normal(size=4 * blocks)
    layer = LSTM(W, b, p_f, None if coupled else p_u, p_o, coupled)
    x, a, c = rng.normal(size=(2, 3)), rng.normal(size=(2, 4)), rng.normal(size=(2, 4))
    rows = dict(
        zip("foc" if coupled else "fuoc", zip(np.split(W, blocks), np.split(b, blocks), strict=True), strict=True)
    )
    peep = {"f": p_f, "u": p_u, "o": p_o} if peepholes else {}
    compute = {f"gate_{k}": gate(*rows[k], p=peep.get(k, 0.0)) for k in "fuo" if k in rows}
    compute |= {"cand": gate(*rows["c"], np.tanh), "tanh_c": lambda x: np.tanh(x), "one_minus": lambda x: 1 - x}
    name = "-".join(["lstm", *["peepholes"] * peepholes, *["coupled"] * coupled])
    drawn = run_drawing(name, {"a_prev": a, "c_prev": c, "x_t": x}, compute)
    (a_t, c_t), _ = lstm_cell_forward(layer, x, (a, c))
    np.testing.assert_allclose(drawn["c_t"], c_t, rtol=0, atol=1e-14)
    np.testing.assert_allclose(drawn["a_t"], a_t, rtol=0, atol=1e-14)


SAID = {
    "rnn": {"a_prev": "a(t-1)", "x_t": "x(t)", "a_t": "a(t)", "yhat": "y-hat(t)", "b_a": "b_a", "z_a": "z_a(t)"},
    "gru": {
        "c_prev": "c(t-1)", "x_t": "x(t)", "c_t": "c(t)", "gate_r": "Gamma_r", "gate_u": "Gamma_u", "cand": "c-tilde",
    },
    "lstm": {
        "a_prev": "a(t-1)", "c_prev": "c(t-1)", "x_t": "x(t)", "a_t": "a(t)", "c_t": "c(t)", "gate_f": "Gamma_f",
        "gate_u": "Gamma_u", "gate_o": "Gamma_o", "cand": "c-tilde", "one_minus": "Gamma_u",
        "p_f": "p_f", "p_u": "p_u", "p_o": "p_o",
    },
}  # fmt: skip


@every
def test_each_value_is_called_by_its_name(name: str) -> None:
    cell = next((cell for cell, names in CELLS.items() if name in names), None)
    for mark in marks(name):
        part = mark.part.removesuffix("_label").rpartition(".")[2]
        if mark.kind != "text" or part == "title":
            continue
        said = spoken(mark.label)
        if cell:
            assert said == SAID[cell][part]
        else:
            letter, *layer, t = part.replace("_fwd", "-forward").replace("_bwd", "-backward").split("_")
            if letter == "yhat" and "encoder-decoder" in (name, mark.part.partition(".")[0]):
                t = str(int(t) - 2)  # the decoder's first output is y-hat(1), of cell 3
            assert said == f"{letter.replace('yhat', 'y-hat')}{''.join(f'[{k}]' for k in layer)}({t})"


@every
def test_each_label_lies_next_to_what_it_names(name: str) -> None:
    for mark in marks(name):
        part = mark.part.removesuffix("_label")
        if mark.kind == "text" and not part.endswith("title"):
            near = min(arrows(name), key=lambda a: min(distance(mark.centre, *s) for s in segments(a)))
            own = {a.points[0] for a in arrows(name) if a.part == part or a.part.startswith(f"{part}.")}
            assert near.points[0] in own or near.part == part, f"{mark.label} lies next to {near.part}, not {part}"


def test_the_peepholes_are_dashed_and_nothing_else_is() -> None:
    dashed = {p.get_gid() for p in made("lstm-peepholes").figure().axes[0].patches if p.get_linestyle() == "--"}
    assert {re.sub(r"-\d$", "", part) for part in dashed} == {"p_f", "p_u", "p_o"}


# drawn so that it can be read


def segments(arrow: Mark) -> Iterator[tuple[Point, Point]]:
    yield from pairwise(arrow.points)


def shared(one: Mark, other: Mark) -> bool:
    return one.points[0] == other.points[0]


@every
def test_arrows_of_one_value_part_at_dots_and_no_others_do(name: str) -> None:
    dots = {m.centre for m in marks(name) if m.kind == "dot"}
    forks = set()
    for one, other in combinations(arrows(name), 2):
        if shared(one, other) and one.points[1:] != other.points[1:]:
            on_both = [d for d in dots if all(any(_drawing._on(d, *s) for s in segments(a)) for a in (one, other))]
            assert on_both, f"{one.part} and {other.part} part without a dot"
            forks.update(on_both)
    assert forks == dots


@every
def test_arrows_of_different_values_only_cross_and_hop_there(name: str) -> None:
    crossings = 0
    for one, other in combinations(arrows(name), 2):
        if shared(one, other):
            continue
        for s, r in product(segments(one), segments(other)):
            spot = _drawing._crossing(*s, *r)
            ends = [p for p in r if _drawing._on(p, *s)] + [p for p in s if _drawing._on(p, *r)]
            assert not ends, f"{one.part} runs into {other.part} at {ends}"
            if spot is not None:
                crossings += 1
                assert min(math.dist(spot, p) for p in (*s, *r)) > 2 * _drawing.HOP
    figure = made(name).figure()
    hops = sum((p.get_path().codes == 4).sum() // 3 for p in figure.axes[0].patches if isinstance(p, FancyArrowPatch))
    assert crossings == hops + (name.startswith("gru")), "both ways of the GRU's update gate cross, one is drawn"
    assert hops == CROSSINGS.get(name, 0)


@every
def test_arrows_keep_out_of_shapes_and_labels(name: str) -> None:
    solid = [m for m in shapes(name) if m.kind != "text"]
    labels = boxes_of_text(name)
    for arrow in arrows(name):
        for segment in segments(arrow):
            for shape in solid:
                x, y = shape.size[0] / 2 - 0.01, shape.size[1] / 2 - 0.01
                box = (shape.centre[0] - x, shape.centre[1] - y, shape.centre[0] + x, shape.centre[1] + y)
                inside = distance(shape.centre, *segment) < x if shape.kind == "circle" else enters(*segment, box)
                assert not inside, f"the arrow {arrow.part} runs through {shape.part}"
            for (label, at), box in labels.items():
                assert not enters(*segment, box), f"the arrow {arrow.part} runs through {label} at {at}"


def distance(spot: Point, start: Point, end: Point) -> float:
    """Return the distance of a point from a segment."""
    way = (end[0] - start[0], end[1] - start[1])
    share = ((spot[0] - start[0]) * way[0] + (spot[1] - start[1]) * way[1]) / math.hypot(*way) ** 2
    share = min(max(share, 0.0), 1.0)
    return math.dist(spot, (start[0] + share * way[0], start[1] + share * way[1]))


def enters(start: Point, end: Point, box: tuple[float, float, float, float]) -> bool:
    """Whether a segment enters a box: clipped by its four sides, something is left."""
    first, last = 0.0, 1.0
    for axis in (0, 1):
        way = end[axis] - start[axis]
        low, high = box[axis] - start[axis], box[axis + 2] - start[axis]
        if way == 0:
            if not low < 0 < high:
                return False
        else:
            first, last = max(first, min(low / way, high / way)), min(last, max(low / way, high / way))
    return first < last


@every
def test_labels_overlap_nothing_and_stay_on_the_paper(name: str) -> None:
    width, height = made(name).size
    found = boxes_of_text(name)
    for (label, at), (left, low, right, high) in found.items():
        assert left >= 0.02, f"{label} at {at} sticks out"
        assert low >= 0.02, f"{label} at {at} sticks out"
        assert right <= width - 0.02, f"{label} at {at} sticks out"
        assert high <= height - 0.02, f"{label} at {at} sticks out"
        for shape in shapes(name):
            outside = (
                right <= shape.left()[0]
                or left >= shape.right()[0]
                or low >= shape.top()[1]
                or high <= shape.bottom()[1]
            )
            inside = (
                left >= shape.left()[0]
                and right <= shape.right()[0]
                and low >= shape.bottom()[1]
                and high <= shape.top()[1]
            )
            if shape.kind != "text":
                assert inside if shape.centre == at else outside, f"{label} at {at} leaves or enters {shape.part}"
    for (one, a), (other, b) in combinations(found.items(), 2):
        apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        assert apart, f"{one} overlaps {other}"


@every
def test_shapes_lie_apart_and_on_the_paper(name: str) -> None:
    width, height = made(name).size
    found = [m for m in shapes(name) if m.kind != "text"]
    for m in [*found, *(m for m in marks(name) if m.part == "cell")]:
        assert 0.02 < m.left()[0] < m.right()[0] < width - 0.02
        assert 0.02 < m.bottom()[1] < m.top()[1] < height - 0.02
    for a, b in combinations(found, 2):
        gap = max(
            a.left()[0] - b.right()[0],
            b.left()[0] - a.right()[0],
            a.bottom()[1] - b.top()[1],
            b.bottom()[1] - a.top()[1],
        )
        assert gap >= 0.1, f"{a.part} and {b.part} are {gap:.2f} in apart"


@every
def test_an_arrow_is_long_enough_to_be_seen(name: str) -> None:
    for arrow in arrows(name):
        length = sum(math.dist(*s) for s in segments(arrow))
        assert length > 0.15, f"{arrow.part} is {length:.2f} in long, its head is 0.07"


@every
def test_labels_are_legible_on_a_phone(name: str) -> None:
    if name in LARGE:
        pytest.skip("as wide as it gets, at the caller's wish")
    pixels = FONT_SIZE * min(330 / (72 * made(name).size[0]), 96 / 72)
    assert pixels > 9.5


def test_the_colours_keep_their_contrast_on_both_papers() -> None:
    def luminance(colour: str) -> float:
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour))
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    for colour, paper in product((ACCENT, WARM), (PAPER["light"], PAPER["dark"])):
        low, high = sorted((luminance(colour), luminance(paper)))
        assert (high + 0.05) / (low + 0.05) >= 4


# shown


@every
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_draws_on_light_and_on_dark_paper(name: str, theme: str) -> None:
    figure = made(name).figure(theme)
    assert to_hex(figure.get_facecolor()) == PAPER[theme]
    colours = {to_hex(text.get_color()) for text in figure.axes[0].texts}
    assert colours == {INK[theme]}
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=30)
    assert out.getvalue().startswith(b"\x89PNG")


@every
def test_the_svg_is_well_formed_and_takes_the_colour_of_the_text(name: str) -> None:
    root = ElementTree.fromstring(svg(name))
    diagram = made(name)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("role") == "img"
    assert root.get("aria-label") == diagram.alt
    assert root.get("viewBox") == "0 0 {:g} {:g}".format(*(72 * inches for inches in diagram.size))
    assert "currentColor" in svg(name)
    inks = set(re.findall(r"#[0-9a-f]{6}\b", svg(name)))
    assert inks <= {ACCENT}, "every other ink is the page's"
    for leak in ("<style", "<metadata", "<script", "clip-path", "<image", "<!DOCTYPE"):
        assert leak not in svg(name)


def test_no_id_stands_twice_on_a_page_with_every_diagram() -> None:
    page = [svg(name) for name in MAKERS]
    page += [MAKERS[name](highlight=path).svg() for name, path in PATHS.items()]
    page += [MAKERS[name](highlight=path[:1]).svg() for name, path in PATHS.items() if len(path) > 1]
    page.append(replace(made("gru"), name="again").svg())
    ids = [identity for each in page for identity in re.findall(r'\bid="([^"]*)"', each)]
    assert len(ids) == len(set(ids))
    for each in page:
        own = set(re.findall(r'\bid="([^"]*)"', each))
        assert set(re.findall(r'href="#([^"]*)"', each)) <= own
        assert not re.search(r"\s", "".join(own))


@every
def test_each_part_is_a_group_of_that_name(name: str) -> None:
    diagram, own = made(name), set(re.findall(r'\bid="([^"]*)"', svg(name)))
    for mark in marks(name):
        assert mark.label == "" or f"{diagram.name}--{mark.part}" in own
        assert f"{diagram.name}--{mark.part}" in own


def test_it_is_shown_as_a_figure_with_a_caption() -> None:
    html = ElementTree.fromstring(lstm_cell()._repr_html_())
    assert html.get("class") == "rnn-diagram"
    assert [child.tag.rpartition("}")[2] for child in html] == ["svg", "figcaption"]
    assert html[1].text == lstm_cell().caption


@pytest.mark.parametrize("name", PATHS)
def test_the_same_call_gives_the_same_bytes_in_any_style(name: str) -> None:
    with matplotlib.rc_context(
        {"axes.facecolor": "red", "lines.linewidth": 9, "path.sketch": (1, 100, 2), "font.size": 30}
    ):
        assert MAKERS[name]().svg() == svg(name)


def test_the_bytes_do_not_depend_on_the_process() -> None:
    code = (
        "from rnncourse.diagrams import deep, lstm_cell\n"
        "print(lstm_cell(highlight={'c_prev', 'plus', 'forget', 'c_t'}).svg(), deep()._repr_html_())"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


def test_the_module_alone_does_not_load_matplotlib() -> None:
    code = "import sys, rnncourse.diagrams as d; d.lstm_cell(); sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# said


def spoken(label: str) -> str:
    """Say a label as the alternative texts do."""
    words = label.replace("$", "")
    words = re.sub(r"\\text\{([^}]*)\}", r"\1", words)
    words = re.sub(r"\\mathrm\{([^}]*)\}", r"\1", words)
    words = re.sub(
        r"\\overset\{\\(right|left)arrow\}\{a\}",
        lambda m: f"a-{ {'right': 'forward', 'left': 'backward'}[m[1]] }",
        words,
    )
    words = re.sub(r"\\(hat|tilde)\{(\w)\}", r"\2-\1", words)
    words = re.sub(r"\^\{(\[\d\])?\\langle (.*?)\\rangle\}", r"\1(\2)", words)
    words = re.sub(r"_\{(\w+)\}", r"_\1", words)
    for sign, word in {
        r"\delta": "delta",
        r"\Gamma": "Gamma",
        r"\sigma": "sigma",
        r"\odot": "⊙",
        r"\neq": "≠",
        r"\tanh": "tanh",
    }.items():
        words = words.replace(sign, word)
    return words.replace("1-", "1 minus").replace(r"\,", "").replace(r"\cdot", "").replace(r"\ ", " ").strip()


@every
def test_the_alternative_text_names_every_symbol(name: str) -> None:
    alt = made(name).alt
    for mark in marks(name):
        said = spoken(mark.label)
        for word in re.split(r" ?\+ |\(W_", said) if len(said) > 1 else [said]:  # 'W_cx + b_c': both
            plain = word.strip("() ").removeprefix("z_a")  # z_a(t) is said with its time
            assert plain in alt, f"{mark.label} ({plain}) is not in: {alt}"


@every
def test_captions_and_alternative_texts_are_sentences(name: str) -> None:
    for words in (made(name).caption, made(name).alt):
        assert len(words) > 25
        assert words[0].isupper()
        assert words.endswith(".")
        assert "  " not in words
    assert made(name).caption != made(name).alt
    assert not re.search(r"[_\\$]", made(name).caption), "symbols that only TeX can set"


def test_options_are_said() -> None:
    for words in ("caption", "alt"):
        said = {name: getattr(made(name), words) for name in MAKERS}
        assert "before" in said["gru"] or words == "alt"
        lstms = [said[name] for name in CELLS["lstm"]]
        assert len(set(lstms)) == 4
        assert said["gru"] != said["gru-after"]


# highlighted


def new_parts(name: str) -> set[str]:
    """Parts that no diagram of the same family before it has: to draw each part once says it all."""
    family = [each for each in MAKERS if each.split("-")[0] == name.split("-")[0]]
    earlier = {part for each in family[: family.index(name)] for part in made(each).parts}
    return set(made(name).parts) - earlier


@pytest.mark.parametrize("name", [name for name in MAKERS if name not in (*KINDS, *LARGE)])
def test_every_part_can_stand_out(name: str) -> None:
    diagram = made(name)
    assert diagram.parts == tuple(sorted(set(diagram.parts)))
    for part in new_parts(name):
        lit = MAKERS[name](highlight=[part])
        figure = lit.figure("dark")
        inks = [to_hex(a.get_color()) for a in figure.axes[0].texts] + [
            to_hex(p.get_edgecolor()) for p in figure.axes[0].patches
        ]
        assert WARM in inks, part
        assert INK["dark"] in inks, f"{part}: all stands out"
        assert lit.name == f"{diagram.name}-{part}"


@pytest.mark.parametrize(("name", "path"), PATHS.items())
def test_highlighting_changes_the_drawing_and_nothing_else(name: str, path: list[str]) -> None:
    lit = MAKERS[name](highlight=path)
    assert (lit.caption, lit.alt, lit.size) == (made(name).caption, made(name).alt, made(name).size)
    assert [m.part for m in lit.marks] == [m.part for m in marks(name)]
    drawn = lit.svg().replace(f"{lit.name}--", f"{made(name).name}--")
    assert drawn != svg(name)
    assert WARM in drawn
    assert WARM not in svg(name)


def lit_parts(diagram: Diagram) -> set[str]:
    figure = diagram.figure()
    inks = [(t.get_gid(), t.get_color()) for t in figure.axes[0].texts]
    inks += [(p.get_gid(), p.get_edgecolor()) for p in figure.axes[0].patches]
    return {re.sub(r"-\d+$", "", gid) for gid, colour in inks if to_hex(colour) == WARM}


def test_a_value_is_all_its_ways_and_its_label() -> None:
    assert lit_parts(gru_cell(highlight=["x_t"])) == {"x_t_label", "x_t.stack", "x_t.W_cx"}
    assert lit_parts(gru_cell(highlight=["x_t.stack"])) == {"x_t_label", "x_t.stack"}
    assert lit_parts(gru_cell(highlight=["gate_u.write"])) == {"gate_u_label", "gate_u.write"}
    assert lit_parts(lstm_cell(highlight=["stack"])) == {
        "stack", "stack.gate_f", "stack.gate_u", "stack.cand", "stack.gate_o",
    }  # fmt: skip


def test_the_cell_state_path_of_the_lstm_stands_out_alone() -> None:
    path = ["c_prev", "forget", "plus", "c_t"]
    for options in product([False, True], repeat=2):
        assert lit_parts(lstm_cell(*options, highlight=path)) == {*path, "c_prev_label", "c_t_label"}


def test_a_type_stands_out_as_a_whole() -> None:
    lit = lit_parts(rnn_types(highlight=["many-to-one"]))
    assert {part.partition(".")[0] for part in lit} == {"many-to-one"}
    assert {"many-to-one.title", "many-to-one.cell_2", "many-to-one.a_1", "many-to-one.yhat_3_label"} <= lit


def test_what_stands_out_is_drawn_in_full_and_on_top() -> None:
    figure = lstm_cell(highlight=["stack.gate_o"]).figure()
    arrow = next(p for p in figure.axes[0].patches if p.get_gid() == "stack.gate_o")
    assert isinstance(arrow, FancyArrowPatch)
    others = [p for p in figure.axes[0].patches if p is not arrow and isinstance(p, FancyArrowPatch)]
    stack = next(m for m in marks("lstm") if m.part == "stack")
    assert tuple(arrow.get_path().vertices[0]) == pytest.approx(stack.right(), abs=0.02)
    assert arrow.get_zorder() > max(p.get_zorder() for p in others)


def test_the_order_of_the_names_makes_no_difference() -> None:
    names = ["plus", "c_prev", "forget"]
    assert (
        len({lstm_cell(highlight=h).svg() for h in (names, tuple(names), set(names), names[::-1] + names, iter(names))})
        == 1
    )


@pytest.mark.parametrize("cell", CELLS)
def test_the_docstring_lists_the_parts(cell: str) -> None:
    maker = {"rnn": rnn_cell, "gru": gru_cell, "lstm": lstm_cell}[cell]
    text = (inspect.getdoc(maker) or "").split("highlight : ")[1].split("Returns")[0]
    listed = set(re.findall(r"``([^`]+)``", text))
    assert listed == {part for name in CELLS[cell] for part in made(name).parts}


@pytest.mark.parametrize(
    "name_and_parts",
    [
        (
            "bidirectional",
            "x_2.fwd x_2.bwd fwd_2 bwd_2 a_fwd_2 a_bwd_2 a_fwd_2.next a_fwd_2.stack stack_2 a_2 a_fwd_0 a_bwd_4",
        ),
        ("deep", "x_1 cell_1_2 yhat_3 a_1_2 a_1_2.next a_1_2.up a_3_0"),
        ("types", "one-to-many one-to-many.x_1"),
        ("many-to-many", "x_1 cell_2 a_1 yhat_3"),
        ("unrolled", "x_1 cell_2 a_2 yhat_3 a_0"),
    ],
    ids=lambda case: case[0],
)
def test_the_parts_named_in_the_docstrings_exist(name_and_parts: tuple[str, str]) -> None:
    name, parts = name_and_parts
    assert set(parts.split()) <= set(made(name).parts)


# refused


@every
def test_an_unknown_part_is_refused(name: str) -> None:
    for unknown in ("nope", "x_t_label", "", "cell-1"):
        with pytest.raises(ValueError, match=rf"^highlight: expected parts among .*, got '{unknown}'$"):
            MAKERS[name](highlight=[unknown])


@every
@pytest.mark.parametrize("bad", ["c_t", None, 3, b"c_t"], ids=repr)
def test_what_is_no_collection_of_names_is_refused(name: str, bad: Any) -> None:
    with pytest.raises(TypeError, match=r"^highlight: expected .*, got "):
        MAKERS[name](highlight=bad)


@pytest.mark.parametrize("bad", [3, None, ("c_t",)], ids=repr)
def test_what_is_no_name_is_refused(bad: Any) -> None:
    with pytest.raises(TypeError, match=r"^highlight: expected names of parts, got "):
        lstm_cell(highlight=["c_t", bad])


@pytest.mark.parametrize(
    ("call", "argument", "most"),
    [
        (lambda n: unrolled(n), "steps", 6),
        (lambda n: bidirectional(n), "steps", 4),
        (lambda n: deep(3, n), "steps", 4),
        (lambda n: deep(n, 3), "layers", 4),
    ],
    ids=["unrolled", "bidirectional", "deep-steps", "deep-layers"],
)
def test_a_number_out_of_range_is_refused(call: Callable[[Any], Diagram], argument: str, most: int) -> None:
    assert call(most).name
    with pytest.raises(
        ValueError, match=rf"^{argument}: expected at most {most}, which is what fits a page, got {most + 1}$"
    ):
        call(most + 1)
    for bad in (0, -1):
        with pytest.raises(ValueError, match=rf"^{argument}: expected an integer of at least 1, got {bad}$"):
            call(bad)
    for wrong in (2.0, "2", None, True):
        with pytest.raises(TypeError, match=rf"^{argument}: expected an integer of at least 1, got "):
            call(wrong)


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda v: gru_cell(v), "reset_after"),
        (lambda v: lstm_cell(v), "peepholes"),
        (lambda v: lstm_cell(False, v), "coupled"),
    ],
)
@pytest.mark.parametrize("bad", [1, "yes", None, ["c_t"]], ids=repr)
def test_what_is_no_flag_is_refused(call: Callable[[Any], Diagram], argument: str, bad: Any) -> None:
    with pytest.raises(TypeError, match=rf"^{argument}: expected True or False, got "):
        call(bad)


def test_unknown_words_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^kind: expected one of all, one-to-one, .*, got 'many-to-few'$"):
        rnn_types("many-to-few")
    with pytest.raises(TypeError, match=r"^kind: "):
        rnn_types(["one-to-one"])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^outputs: "):
        unrolled(3, "first")
    with pytest.raises(ValueError, match=r"^theme: "):
        rnn_cell().figure("sepia")
