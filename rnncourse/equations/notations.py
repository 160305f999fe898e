r"""The same equations in the notation of other courses; every printed form can be read back and checked.

Four notations: that of Ng's course, which is the book's own; h, i, f, o, g as in Donahue et al. and CS231n; LTM, STM
and E as in note 004; and PyTorch's documentation. Each covers only the cells that its source writes. What is printed
are columns: PyTorch's page on the plain cell has rows, so there the products stand the other way round.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..records import Array
from .language.nodes import Relation
from .language.parser import parse
from .language.printer import latex
from .language.symbols import Notation
from .runs.world import Ident, Place, Trace, World
from .runs.worlds import SETTINGS, Setting
from .verdict.checker import Checker

__all__ = ["FORWARD", "NOTATIONS", "Dialect", "printed", "seen_in", "table", "translated"]

T, PREV = r"^{\langle t \rangle}", r"^{\langle t-1 \rangle}"
STEPS = {"T": "T"}
FORWARD = {
    "rnn": {"eq:rnn-state": rf"a{T} = \tanh(W_{{aa}} a{PREV} + W_{{ax}} x{T} + b_a)"},
    "gru-after": {
        "eq:gru-update": rf"\Gamma_u{T} = \sigma(W_{{ux}} x{T} + W_{{uc}} c{PREV} + b_u)",
        "eq:gru-reset": rf"\Gamma_r{T} = \sigma(W_{{rx}} x{T} + W_{{rc}} c{PREV} + b_r)",
        "eq:gru-candidate-reset-after":
            rf"\tilde c{T} = \tanh(W_{{cx}} x{T} + b_c + \Gamma_r{T} \odot (W_{{cc}} c{PREV} + b_{{cc}}))",
        "eq:gru-state": rf"c{T} = \Gamma_u{T} \odot \tilde c{T} + (1 - \Gamma_u{T}) \odot c{PREV}",
    },
    "lstm": {
        "eq:lstm-forget": rf"\Gamma_f{T} = \sigma(W_f [a{PREV}, x{T}] + b_f)",
        "eq:lstm-update": rf"\Gamma_u{T} = \sigma(W_u [a{PREV}, x{T}] + b_u)",
        "eq:lstm-candidate": rf"\tilde c{T} = \tanh(W_c [a{PREV}, x{T}] + b_c)",
        "eq:lstm-cell": rf"c{T} = \Gamma_u{T} \odot \tilde c{T} + \Gamma_f{T} \odot c{PREV}",
        "eq:lstm-output": rf"\Gamma_o{T} = \sigma(W_o [a{PREV}, x{T}] + b_o)",
        "eq:lstm-state": rf"a{T} = \Gamma_o{T} \odot \tanh(c{T})",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Dialect:
    """Another course's way of writing one kind of cell.

    Attributes
    ----------
    title : str
        Whose it is.
    notation : Notation
        Its symbols.
    opposite : tuple of str
        Quantities of ours that are one minus, or minus, what it has: name of its own quantity, ours.
    halves : tuple of str
        Biases of ours that it writes as a sum of two.
    """

    title: str
    notation: Notation
    opposite: tuple[tuple[str, str], ...] = ()
    halves: tuple[str, ...] = ()

    def world(self, world: World) -> World:
        """Return a run with the quantities that only this notation has."""
        values: dict[Place, Array] = {}
        rng = np.random.default_rng(7)
        turned = {theirs for theirs, _ in self.opposite}
        for bias in self.halves:
            whole = world.values[bias, None, None]
            part: Array = np.asarray(rng.normal(size=whole.shape))
            values[bias + "_i", None, None] = part
            values[bias + "_h", None, None] = (-whole if "-" + bias in turned else whole) - part
        for theirs, ours in self.opposite:
            for (key, t, layer), value in world.values.items():
                if key == ours:
                    values[theirs, t, layer] = -value + key.startswith("gate")
        names = {bias + half: bias for bias in self.halves for half in ("_i", "_h")} | dict(self.opposite)
        signs = {key: -1 if key in turned or "-" + ours in turned else 1 for key, ours in names.items()}
        return Seen(world, values, {key: (ours, signs[key]) for key, ours in names.items()})


class Seen(World):
    """A run of the package, with the quantities that only another notation has.

    Parameters
    ----------
    world : World
        The run.
    values : mapping
        Those quantities.
    ours : mapping
        For each of them by name: ours, and whether it moves with ours (1) or the other way (-1).
    """

    def __init__(self, world: World, values: Mapping[Place, Array], ours: Mapping[str, tuple[str, int]]) -> None:
        self.world, self.ours = world, ours
        self.name, self.sizes, self.after, self.forward = world.name, world.sizes, world.after, world.forward
        self.sources, self.activation, self.functions = world.sources, world.activation, world.functions
        self.values = {**world.values, **values}

    def computed(self) -> dict[Place, Array]:
        """Return the values of the package's own run."""
        return self.world.computed()

    def record(self, trace: Trace) -> None:
        """Walk the forward pass of the package's own run."""
        self.world.record(trace)

    def derivative(self, num: Ident, den: Ident, *args: Any, **options: Any) -> Array:
        """Measure with our quantity: a bias moves by as much as its half does, an opposite the other way."""
        (top, up), (bottom, down) = (self.ours.get(q.key, (q.key, 1)) for q in (num, den))
        return up * down * self.world.derivative(num._replace(key=top), den._replace(key=bottom), *args, **options)


def lstm_names(x: str, h: str, gates: dict[str, str]) -> dict[str, str]:
    """Name the weights of an LSTM: `x` and `h` are templates such as W_{{x{0}}}."""
    return {f"W_{k}x": x.format(g) for k, g in gates.items()} | {f"W_{k}a": h.format(g) for k, g in gates.items()}


LSTM_STATES = {"x": "x_t", "a": "h_t", "c": "c_t", "cand": "g_t", "gate_u": "i_t", "gate_f": "f_t", "gate_o": "o_t"}
LSTM_BLOCKS = {f"W_{k}": (f"W_{k}a", f"W_{k}x") for k in "fuoc"}
HIFOG = dict(zip("fuoc", "fioc", strict=True))
TORCH = dict(zip("fuoc", "fiog", strict=True))


def two_biases(gates: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the symbols of PyTorch's two biases for each gate, and our bias spelled with them."""
    symbols = {f"b_{k}_{s}": f"b_{{{s}{g}}}" for k, g in gates.items() for s in "ih"}
    return symbols, {f"b_{k}": f"b_{{i{g}}} + b_{{h{g}}}" for k, g in gates.items()}


TORCH_B, TORCH_SUM = two_biases(TORCH)
NOTATIONS: dict[str, dict[str, Dialect]] = {
    "h i f o g": {
        "rnn": Dialect("h, i, f, o, g (Donahue, CS231n)", Notation(
            "h i f o g", {"x": "x_t", "a": "h_t", "W_ax": "W_{xh}", "W_aa": "W_{hh}", "b_a": "b_h"}, STEPS,
            time_below=True)),
        "lstm": Dialect("h, i, f, o, g (Donahue, CS231n)", Notation(
            "h i f o g", LSTM_STATES | lstm_names("W_{{x{0}}}", "W_{{h{0}}}", HIFOG)
            | {f"b_{k}": f"b_{g}" for k, g in HIFOG.items()}, STEPS, time_below=True, blocks=LSTM_BLOCKS)),
    },
    "LTM STM E": {
        "lstm": Dialect("LTM, STM, E (note 004)", Notation(
            "LTM STM E", {
                "x": "E_t", "a": r"\mathrm{STM}_t", "c": r"\mathrm{LTM}_t", "cand": "N_t", "gate_u": "i_t",
                "gate_f": "f_t", "gate_o": "V_t", "W_f": "W_f", "W_u": "W_i", "W_c": "W_n", "W_o": "W_v", "b_f": "b_f",
                "b_u": "b_i", "b_c": "b_n", "b_o": "b_v",
            }, STEPS, time_below=True, product=r"\times")),
    },
    "PyTorch": {
        "rnn": Dialect("PyTorch's documentation", Notation(
            "PyTorch",
            {"x": "x_t", "a": "h_t", "W_ax": "W_{ih}", "W_aa": "W_{hh}", "b_a_i": "b_{ih}", "b_a_h": "b_{hh}"},
            STEPS, time_below=True, spelled={"b_a": "b_{ih} + b_{hh}"}), halves=("b_a",)),
        "gru-after": Dialect("PyTorch's documentation", Notation(
            "PyTorch", {
                "x": "x_t", "c": "h_t", "cand": "n_t", "gate_r": "r_t", "gate_z": "z_t", "-W_ux": "W_{iz}",
                "-W_uc": "W_{hz}",
                "W_rx": "W_{ir}", "W_rc": "W_{hr}", "W_cx": "W_{in}", "W_cc": "W_{hn}", "b_c": "b_{in}",
                "b_cc": "b_{hn}",
                "b_u_i": "b_{iz}", "b_u_h": "b_{hz}", "b_r_i": "b_{ir}", "b_r_h": "b_{hr}",
            }, STEPS, time_below=True, spelled={
                "gate_u": "1 - z_t", "W_ux": "-W_{iz}", "W_uc": "-W_{hz}", "b_u": "-b_{iz} - b_{hz}",
                "b_r": "b_{ir} + b_{hr}",
            }), opposite=(("gate_z", "gate_u"), ("-W_ux", "W_ux"), ("-W_uc", "W_uc"), ("-b_u", "b_u")),
            halves=("b_u", "b_r")),
        "lstm": Dialect("PyTorch's documentation", Notation(
            "PyTorch", LSTM_STATES | lstm_names("W_{{i{0}}}", "W_{{h{0}}}", TORCH) | TORCH_B, STEPS, time_below=True,
            spelled=TORCH_SUM, blocks=LSTM_BLOCKS), halves=tuple(TORCH_SUM)),
    },
}  # fmt: skip


def printed(relation: Relation, cell: str, notation: str) -> str:
    """Write an equation of a cell in another notation.

    Parameters
    ----------
    relation : Relation
        The equation, as read in the book's notation.
    cell : {"rnn", "gru-after", "lstm"}
        The cell.
    notation : {"h i f o g", "LTM STM E", "PyTorch"}
        The notation.

    Returns
    -------
    str
        LaTeX.

    Raises
    ------
    KeyError
        If that notation's sources do not write this cell.
    """
    return latex(relation, NOTATIONS[notation][cell].notation)


def translated(cell: str, notation: str) -> Setting:
    """Return the runs of a cell as another notation sees them, so that what is printed in it can be checked.

    Parameters
    ----------
    cell, notation : str
        As in `printed`.

    Returns
    -------
    Setting
        For `Checker`.
    """
    return seen_in(NOTATIONS[notation][cell], SETTINGS[cell])


def seen_in(dialect: Dialect, setting: Setting) -> Setting:
    """Return runs as a dialect sees them."""
    runs = dict(zip(setting.seeds, setting.worlds(), strict=True))
    attaining = {name: partial(_witness_seen_in, dialect, setting, name) for name in setting.attaining}
    return Setting(dialect.notation, lambda seed: dialect.world(runs[seed]), setting.seeds, attaining)


def _witness_seen_in(dialect: Dialect, setting: Setting, name: str) -> World:
    """Return a run on which a bound is attained, as a dialect sees it."""
    return dialect.world(setting.witness(name))


def rows(check: bool = True, only: str = "") -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield (cell, label, {notation: LaTeX}) for the forward equations of every cell, or one; the book's own first."""
    for cell in [only] if only else FORWARD:
        for label, source in FORWARD[cell].items():
            (relation,) = parse(source, SETTINGS[cell].notation)
            forms = {"Ng, this book": latex(relation, SETTINGS[cell].notation)}
            for notation, cells in NOTATIONS.items():
                if cell in cells:
                    forms[notation] = printed(relation, cell, notation)
                    if check:
                        setting = translated(cell, notation)
                        Checker(setting).check(parse(forms[notation], setting.notation), forms[notation])
            yield cell, label, forms


def table(cell: str) -> str:
    """Return the forward equations of a cell in every notation that has it, as a Markdown table.

    Every form is read back and checked on the package's numbers before it is returned.

    Parameters
    ----------
    cell : {"rnn", "gru-after", "lstm"}
        The cell.

    Returns
    -------
    str
        A row a form; the forms of an equation stand below one another, the book's own first, so that narrow screens can
        show them.

    Raises
    ------
    ValueError
        If there is no such cell.

    Examples
    --------
    >>> print(table("rnn").splitlines()[2][:20])
    | **Ng, this book**
    """
    if cell not in FORWARD:
        raise ValueError(f"cell: expected one of {', '.join(FORWARD)}, got {cell!r}")
    lines = ["| notation | formula |", "|---|---|"]
    for _, _, forms in rows(only=cell):
        own, *others = forms.items()
        lines += [f"| **{own[0]}** | ${own[1]}$ |", *(f"| {name} | ${form}$ |" for name, form in others)]
    return "\n".join(lines)
