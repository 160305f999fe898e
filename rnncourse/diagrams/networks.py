"""Diagrams of networks unrolled in time: which cell hands which state to which."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from .. import _validation as validate
from .drawing import Diagram, Mark, Pen, Point, diagram

__all__ = ["bidirectional", "deep", "deep_back", "rnn_types", "unrolled"]

FORWARD, BACKWARD = r"\overset{\rightarrow}{a}", r"\overset{\leftarrow}{a}"
PITCH = 0.62  # from cell to cell in the drawings of types


class Kind(NamedTuple):
    """A type of network: its title, the cells that have an input, those that have an output, and a task."""

    title: str
    inputs: Sequence[int]
    outputs: Sequence[int]
    caption: str


KINDS = {
    "one-to-one": Kind(r"$\text{one-to-one}$", (1,), (1,), "one-to-one, a plain network"),
    "one-to-many": Kind(r"$\text{one-to-many}$", (1,), (1, 2, 3), "one-to-many, music from a genre"),
    "many-to-one": Kind(r"$\text{many-to-one}$", (1, 2, 3), (3,), "many-to-one, the sentiment of a review"),
    "many-to-many": Kind(
        r"$\text{many-to-many, }T_x = T_y$", (1, 2, 3), (1, 2, 3),
        "many-to-many with as many outputs as inputs, names found in a sentence",
    ),
    "encoder-decoder": Kind(
        r"$\text{many-to-many, }T_x \neq T_y$", (1, 2), (3, 4, 5),
        "many-to-many with other lengths, translation: the first cells read, then the others write",
    ),
}  # fmt: skip


def bidirectional(steps: int = 3, highlight: Collection[str] = (), length: int | None = None) -> Diagram:
    r"""Draw a bidirectional layer unrolled in time.

    Parameters
    ----------
    steps : int
        Number of steps, from 1 to 4.
    highlight : collection of str
        Parts that stand out, for each step t: ``x_t`` (its ways: ``x_2.fwd``, ``x_2.bwd``), the cells ``fwd_2`` and
        ``bwd_2``, their states ``a_fwd_2`` and ``a_bwd_2`` (``a_fwd_2.next``, ``a_fwd_2.stack``), ``stack_2`` and the
        output ``a_2``. The states at the start are ``a_fwd_0`` and, one past the last step, ``a_bwd_4``. In the
        padding: ``x_t`` and ``pad_t``.
    length : int, optional
        The number of steps of this example, from 1 to `steps`: what stands behind them is padding. All, if None.

    Returns
    -------
    Diagram
        Shows itself in a notebook.

    Raises
    ------
    TypeError, ValueError
        If the number of steps is out of range, `highlight` is no collection of names, or a part does not exist.

    Examples
    --------
    What the second output sees of the third input:

    >>> path = bidirectional(highlight=["x_3.bwd", "bwd_3", "a_bwd_3.next", "bwd_2", "a_bwd_2.stack", "stack_2", "a_2"])
    """
    _at_most("steps", steps, 4)
    columns = {t: 1.45 * t - 0.14 for t in range(1, steps + 1)}
    length = steps if length is None else length
    if validate.size("length", length) > steps:
        raise ValueError(f"length: expected at most steps = {steps}, got {length}")
    padding = {t: columns[t] + 0.8 for t in range(length + 1, steps + 1)}
    columns = {t: columns[t] for t in range(1, length + 1)}
    steps, last = length, length + 1

    def draw(pen: Pen) -> None:
        fork, forth, back, join, half = 0.66, 1.42, 2.5, 3.38, 0.26  # heights, and half the shift between the rows
        far = columns[steps] + 1.1
        size = (0.56, 0.5)
        x = {t: pen.text(f"x_{t}_label", (at, 0.2), _at("x", t), (0.5, 0.34)) for t, at in columns.items()}
        fwd = {t: pen.cell(f"fwd_{t}", (at - half, forth), r"$\mathrm{fwd}$", size) for t, at in columns.items()}
        bwd = {t: pen.cell(f"bwd_{t}", (at + half, back), r"$\mathrm{bwd}$", size) for t, at in columns.items()}
        fwd[0] = _end(pen, "a_fwd_0", (0.3, forth), _at(FORWARD, 0))
        fwd[last] = _end(pen, f"a_fwd_{steps}", (far, forth), _at(FORWARD, steps))
        bwd[0] = _end(pen, "a_bwd_1", (0.3, back), _at(BACKWARD, 1))
        bwd[last] = _end(pen, f"a_bwd_{last}", (far, back), _at(BACKWARD, last))
        for t in range(last):
            pen.arrow("a_fwd_0" if t == 0 else f"a_fwd_{t}.next", [fwd[t].right(), fwd[t + 1].left()])
            pen.arrow(f"a_bwd_{last}" if t == steps else f"a_bwd_{t + 1}.next", [bwd[t + 1].left(), bwd[t].right()])
        for t, at in columns.items():
            stack = pen.box(f"stack_{t}", (at, join), r"$\mathrm{stack}$", (0.92, 0.42))
            out = pen.text(f"a_{t}_label", (at, 4.12), _at("a", t), (0.5, 0.34))
            pen.dot(f"x_{t}", (at, fork))
            pen.arrow(f"x_{t}.fwd", [x[t].top(), (at, fork), (at - half, fork), fwd[t].bottom()])
            pen.arrow(f"x_{t}.bwd", [x[t].top(), (at, fork), (at + half, fork), bwd[t].bottom()])
            pen.arrow(f"a_fwd_{t}.stack", [fwd[t].top(), stack.bottom(-half)])
            pen.arrow(f"a_bwd_{t}.stack", [bwd[t].top(), stack.bottom(half)])
            pen.arrow(f"a_{t}", [stack.top(), out.bottom()])
            if t < steps:
                pen.text(f"a_fwd_{t}_label", (at + 0.58, forth + 0.26), _at(FORWARD, t))
                pen.text(f"a_bwd_{t + 1}_label", (at + 0.87, back + 0.26), _at(BACKWARD, t + 1))
        for t, at in padding.items():
            x[t] = pen.text(f"x_{t}_label", (at, 0.2), _at("x", t), (0.5, 0.34))
            pad = pen.box(f"pad_{t}", (at, (forth + back) / 2), r"$\mathrm{pad}$", (0.62, 1.5))
            pen.arrow(f"x_{t}", [x[t].top(), pad.bottom()])

    behind = f"Behind step {steps} stands padding, in boxes marked pad: {_listed('x', last, steps + len(padding))}"
    padded = (
        f" {behind}: no cell reads it, the row that runs backwards starts at step {steps}; the outputs there are zero."
        if padding
        else ""
    )
    return diagram(
        f"bidirectional-{steps}" + (f"-of-{steps + len(padding)}" if padding else ""),
        "A bidirectional layer. The lower row of cells carries its state forwards in time, the upper row backwards; "
        "both read the same inputs, neither reads the other. Each output stacks the two states of its step, so that it "
        "knows what came before and what comes after." + padded,
        f"Two rows of cells, {steps} in each, one for each time. In the lower row, of cells marked fwd, arrows run to "
        f"the right, from the start state a-forward(0) on the left by way of {_listed('a-forward', 1, steps)}; the "
        "last leaves on the right. In the upper row, of cells marked bwd, arrows run to the left, from the start state "
        f"a-backward({last}) on the right by way of {_listed('a-backward', steps, 1)}; the last leaves on the left. "
        f"Below the cells of each time stands its input: {_listed('x', 1, steps)}. It forks, at a dot, into an arrow "
        "to the fwd cell and one, past that, to the bwd cell. Above the cells both states of a time go up into a box "
        f"marked stack, which gives the output: {_listed('a', 1, steps)}." + padded,
        (1.45 * steps + 1.26 + (1.45 * len(padding) - 0.1 if padding else 0), 4.34),
        draw,
        highlight,
    )


def deep(layers: int = 3, steps: int = 3, highlight: Collection[str] = ()) -> Diagram:
    r"""Draw a deep recurrent network unrolled in time.

    Parameters
    ----------
    layers, steps : int
        Numbers of layers and steps, from 1 to 4.
    highlight : collection of str
        Parts that stand out, for layer l and step t: ``x_t``, ``cell_l_t``, ``yhat_t``, the states ``a_l_t`` (their
        ways: ``a_1_2.next`` to the next step, ``a_1_2.up`` to the next layer) and the states at the start, ``a_l_0``.

    Returns
    -------
    Diagram
        Shows itself in a notebook.

    Raises
    ------
    TypeError, ValueError
        If a number is out of range, `highlight` is no collection of names, or a part does not exist.

    Examples
    --------
    A path through layers and time:

    >>> path = deep(highlight=["x_1", "cell_1_1", "a_1_1.up", "cell_2_1", "a_2_1.next", "cell_2_2"])
    """
    _at_most("layers", layers, 4)
    _at_most("steps", steps, 4)

    def draw(pen: Pen) -> None:
        below = {}
        columns = {t: 1.5 * t - 0.12 for t in range(1, steps + 1)}
        for t, at in columns.items():
            below[t] = pen.text(f"x_{t}_label", (at, 0.2), _at("x", t), (0.5, 0.34))
        for layer in range(1, layers + 1):
            height = 1.08 * layer + 0.12
            before = pen.text(f"a_{layer}_0_label", (0.34, height), _at("a", 0, layer), (0.64, 0.4))
            for t, at in columns.items():
                cell = pen.cell(f"cell_{layer}_{t}", (at, height), rf"$\mathrm{{cell\ {layer}}}$", (0.74, 0.5))
                pen.arrow(f"x_{t}" if layer == 1 else f"a_{layer - 1}_{t}.up", [below[t].top(), cell.bottom()])
                pen.arrow(f"a_{layer}_0" if t == 1 else f"a_{layer}_{t - 1}.next", [before.right(), cell.left()])
                if t < steps:
                    pen.text(f"a_{layer}_{t}_label", (at + 0.75, height + 0.24), _at("a", t, layer))
                before = below[t] = cell
            after = pen.text(
                f"a_{layer}_{steps}_label", (columns[steps] + 1.0, height), _at("a", steps, layer), (0.64, 0.4)
            )
            pen.arrow(f"a_{layer}_{steps}.next", [before.right(), after.left()])
        for t, at in columns.items():
            yhat = pen.text(f"yhat_{t}_label", (at, 1.08 * layers + 0.94), _at(r"\hat{y}", t), (0.5, 0.34))
            pen.arrow(f"yhat_{t}", [below[t].top(), yhat.bottom()])

    rows = " ".join(
        f"Layer {k} starts from a[{k}](0) and has the states {_listed(f'a[{k}]', 1, steps)}, its cells marked cell {k}."
        for k in range(1, layers + 1)
    )
    return diagram(
        f"deep-{layers}-{steps}",
        "A deep recurrent network. Each row is a layer with its own weights, used at every step. A state goes two "
        "ways: to the right to the next step, and up, as the input of the next layer.",
        f"A grid of cells: {layers} rows, one for each layer, the first at the bottom; {steps} columns, one for each "
        "time. An arrow leads from each cell to its right neighbour, another to the cell above it, both with the same "
        f"state. {rows} In each row the start state enters on the left and the last state leaves on the right. Below, "
        f"the inputs {_listed('x', 1, steps)} enter the first layer; above, the predictions "
        f"{_listed('y-hat', 1, steps)} leave the last.",
        (1.5 * steps + 1.24, 1.08 * layers + 1.18),
        draw,
        highlight,
    )


def deep_back(layers: int = 3, steps: int = 3, highlight: Collection[str] = ()) -> Diagram:
    r"""Draw the way of the gradients through a deep recurrent network: its grid, with every arrow turned round.

    Parameters
    ----------
    layers, steps : int
        Numbers of layers and steps, from 1 to 4.
    highlight : collection of str
        Parts that stand out, for layer l and step t: the losses ``L_t``, the cells ``cell_l_t``, and what each of them
        sends on: ``delta_l_t``, the gradient with respect to the state of layer l at step t that its own row brings
        (l from 1, t from 0), and ``down_l_t``, what layer l gets from the one above it; ``delta_0_t`` belongs to
        the inputs.

    Returns
    -------
    Diagram
        Shows itself in a notebook.

    Raises
    ------
    TypeError, ValueError
        If a number is out of range, `highlight` is no collection of names, or a part does not exist.

    Examples
    --------
    A way from the last loss to the first input:

    >>> way = deep_back(2, 2, highlight=["L_2", "cell_2_2", "delta_2_1", "cell_2_1", "down_1_1", "cell_1_1"])
    """
    _at_most("layers", layers, 4)
    _at_most("steps", steps, 4)

    def draw(pen: Pen) -> None:
        columns = {t: 1.5 * t - 0.12 for t in range(1, steps + 1)}
        above = {
            t: pen.text(f"L_{t}_label", (at, 1.08 * layers + 0.94), _at("L", t), (0.5, 0.34))
            for t, at in columns.items()
        }
        for layer in range(layers, 0, -1):
            height = 1.08 * layer + 0.12
            end = pen.text(f"delta_{layer}_0_label", (0.34, height), _at(r"\delta", 0, layer), (0.64, 0.4))
            after = None
            for t, at in reversed(columns.items()):
                cell = pen.cell(f"cell_{layer}_{t}", (at, height), rf"$\mathrm{{cell\ {layer}}}$", (0.74, 0.5))
                pen.arrow(f"L_{t}" if layer == layers else f"down_{layer}_{t}", [above[t].bottom(), cell.top()])
                if after is not None:
                    pen.arrow(f"delta_{layer}_{t}", [after.left(), cell.right()])
                    pen.text(f"delta_{layer}_{t}_label", (at + 0.75, height + 0.24), _at(r"\delta", t, layer))
                after = above[t] = cell
            pen.arrow(f"delta_{layer}_0", [cell.left(), end.right()])
        for t, at in columns.items():
            x = pen.text(f"delta_0_{t}_label", (at, 0.2), _at(r"\delta", t, 0), (0.64, 0.34))
            pen.arrow(f"delta_0_{t}", [above[t].bottom(), x.top()])

    rows = " ".join(
        f"The cells of row {k} are marked cell {k}, its arrows {_listed(f'delta[{k}]', steps - 1, 0)}."
        for k in range(1, layers + 1)
    )
    return diagram(
        f"deep-backward-{layers}-{steps}",
        "The same grid on the way back: every arrow is turned round. A cell gets the gradient of its state from two "
        "sides, from the cell above it and from the cell to its right, and adds them up.",
        f"The grid of {layers} rows and {steps} columns of cells with its arrows reversed. From above, the losses "
        f"{_listed('L', 1, steps)} enter the cells of layer {layers}. An arrow leads from each cell to its left "
        "neighbour and another to the cell below it. The arrows to the left carry delta[l](t), the gradient with "
        "respect to the state of layer l at step t; the last leaves each row on the left as the gradient with respect "
        f"to the start state, delta[l](0). Below layer 1, {_listed('delta[0]', 1, steps)}, the gradients with respect "
        f"to the inputs, leave. Nothing enters from the right. {rows}",
        (1.5 * steps + 0.94, 1.08 * layers + 1.18),
        draw,
        highlight,
    )


def rnn_types(kind: str = "all", highlight: Collection[str] = ()) -> Diagram:
    r"""Draw the types of recurrent networks, told apart by how many inputs and outputs they have.

    Parameters
    ----------
    kind : {"all", "one-to-one", "one-to-many", "many-to-one", "many-to-many", "encoder-decoder"}
        All of them, in two rows, or one. "many-to-many" is T_x = T_y, "encoder-decoder" T_x ≠ T_y.
    highlight : collection of str
        Parts that stand out, for each step t of a drawing of one type: ``x_t``, ``cell_t``, ``a_t``, ``yhat_t``. In the
        drawing of all, ``one-to-many`` is the whole of a type, ``one-to-many.x_1`` a part.

    Returns
    -------
    Diagram
        Shows itself in a notebook.

    Raises
    ------
    TypeError, ValueError
        If the type is unknown, `highlight` is no collection of names, or a part does not exist.

    Examples
    --------
    >>> rnn_types("many-to-one").name
    'rnn-types-many-to-one'
    """
    validate.choice("kind", kind, ("all", *KINDS))
    rows = [[kind]] if kind != "all" else [list(KINDS)[:3], list(KINDS)[3:]]
    size = (5.6 if kind == "all" else max(2.2, _width(kind) + 0.3), 2.4 * len(rows))

    def draw(pen: Pen) -> None:
        for row, kinds in enumerate(rows):
            space = (size[0] - sum(_width(each) for each in kinds)) / len(kinds)
            left = space / 2
            for each in kinds:
                _strip(pen, each, "" if kind != "all" else f"{each}.", left, 2.4 * (len(rows) - 1 - row))
                left += _width(each) + space

    shown = [each for kinds in rows for each in kinds]
    caption = "; ".join(KINDS[each].caption for each in shown) + "."
    if kind == "all":
        caption = f"The types of recurrent networks, with a task for each: {caption}"
    return diagram(
        f"rnn-types-{kind}",
        caption[0].upper() + caption[1:],
        " ".join(map(_told, shown))
        + " Arrows join the cells of a row from left to right; inputs enter from below, predictions leave upwards.",
        size,
        draw,
        highlight,
    )


def unrolled(steps: int = 3, outputs: str = "all", highlight: Collection[str] = ()) -> Diagram:
    """Draw a recurrent network unrolled in time.

    Parameters
    ----------
    steps : int
        Number of steps, from 1 to 6.
    outputs : {"all", "last"}
        A prediction at every step, or one after the last (many-to-one).
    highlight : collection of str
        Parts that stand out, such as ``x_1``, ``cell_2``, ``a_2`` (the arrow that carries a^{<2>}), ``yhat_3``.

    Returns
    -------
    Diagram
        Shows itself in a notebook.

    Raises
    ------
    TypeError, ValueError
        If the number of steps is out of range, `highlight` is no collection of names, or a part does not exist.

    Examples
    --------
    >>> unrolled(2).name
    'unrolled-2-all'
    """
    _at_most("steps", steps, 6)
    validate.choice("outputs", outputs, ("all", "last"))

    def draw(pen: Pen) -> None:
        before = _end(pen, "a_0", (0.34, 1.3), _at("a", 0))
        for t in range(1, steps + 1):
            at = 1.5 * t - 0.2
            x = pen.text(f"x_{t}_label", (at, 0.2), _at("x", t), (0.5, 0.4))
            cell = pen.cell(f"cell_{t}", (at, 1.3), r"$\mathrm{cell}$", (1.0, 0.64))
            pen.arrow(f"x_{t}", [x.top(), cell.bottom()])
            pen.arrow(f"a_{t - 1}", [before.right(), cell.left()])
            if t > 1:
                pen.text(f"a_{t - 1}_label", (at - 0.75, 1.58), _at("a", t - 1))
            if outputs == "all" or t == steps:
                yhat = pen.text(f"yhat_{t}_label", (at, 2.34), _at(r"\hat{y}", t), (0.5, 0.36))
                pen.arrow(f"yhat_{t}", [cell.top(), yhat.bottom()])
            before = cell
        after = _end(pen, f"a_{steps}", (1.5 * steps + 0.9, 1.3), _at("a", steps))
        pen.arrow(f"a_{steps}", [before.right(), after.left()])

    where = "at every step" if outputs == "all" else f"after step {steps} alone"
    above = _listed("y-hat", 1, steps) if outputs == "all" else f"y-hat({steps})"
    return diagram(
        f"unrolled-{steps}-{outputs}",
        f"The same cell, unrolled over {steps} steps: one set of weights, used {steps} times. A prediction is made "
        f"{where}.",
        f"A row of {steps} boxes, each marked cell. An arrow from a(0) enters the first; each box sends its state, "
        f"{_listed('a', 1, steps)}, to the next, and the last state leaves on the right. Below, the inputs "
        f"{_listed('x', 1, steps)} enter, one a box; above, {above} leaves {where}.",
        (1.5 * steps + 1.2, 2.56),
        draw,
        highlight,
    )


def _strip(pen: Pen, kind: str, panel: str, left: float, low: float) -> None:
    """Draw one type of network, its lower left corner at (left, low)."""
    before = None
    title, inputs, outputs, _ = KINDS[kind]
    for t in range(1, max(outputs) + 1):
        at = left + PITCH * (t - 0.5)
        cell = pen.cell(f"{panel}cell_{t}", (at, low + 0.92), "", (0.4, 0.4))
        if t in inputs:
            x = pen.text(f"{panel}x_{t}_label", (at, low + 0.2), _at("x", t), (0.4, 0.34))
            pen.arrow(f"{panel}x_{t}", [x.top(), cell.bottom()])
        if t in outputs:
            yhat = pen.text(f"{panel}yhat_{t}_label", (at, low + 1.64), _at(r"\hat{y}", _step(kind, t)), (0.4, 0.34))
            pen.arrow(f"{panel}yhat_{t}", [cell.top(), yhat.bottom()])
        if before is not None:
            pen.arrow(f"{panel}a_{t - 1}", [before.right(), cell.left()])
        before = cell
    pen.text(f"{panel}title", (left + _width(kind) / 2, low + 2.06), title)


def _told(kind: str) -> str:
    """Say what the drawing of a type shows."""
    _, inputs, outputs, _ = KINDS[kind]
    cells = max(outputs)
    title = {"many-to-many": "many-to-many, T_x = T_y", "encoder-decoder": "many-to-many, T_x ≠ T_y"}.get(kind, kind)
    steps = [f"x({t}) into cell {t}" for t in inputs] + [f"y-hat({_step(kind, t)}) out of cell {t}" for t in outputs]
    return f"Type {title}: {cells} cell{'s in a row' if cells > 1 else ''}; {', '.join(steps)}."


def _step(kind: str, cell: int) -> int:
    """Return the number of a cell's output; a decoder counts from its own first cell."""
    return cell - max(KINDS[kind].inputs) if kind == "encoder-decoder" else cell


def _width(kind: str) -> float:
    return PITCH * max(KINDS[kind].outputs)


def _end(pen: Pen, part: str, centre: Point, label: str) -> Mark:
    """Write the state at the start or the end of a row."""
    return pen.text(f"{part}_label", centre, label, (0.5, 0.4))


def _at(letter: str, t: int, layer: int | None = None) -> str:
    """Write a quantity at a time, as the book does."""
    return rf"${letter}^{{{'' if layer is None else f'[{layer}]'}\langle {t}\rangle}}$"


def _listed(letter: str, first: int, last: int) -> str:
    """Say a quantity at each time."""
    step = 1 if last >= first else -1
    *most, end = (f"{letter}({t})" for t in range(first, last + step, step))
    return f"{', '.join(most)} and {end}" if most else end


def _at_most(name: str, value: int, most: int) -> None:
    """Check a number of steps or layers."""
    if validate.size(name, value) > most:
        raise ValueError(f"{name}: expected at most {most}, which is what fits a page, got {value}")
