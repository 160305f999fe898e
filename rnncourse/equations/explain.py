"""For readers: whether an equation is right and, if it is not, what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .chapters import chapter_of, setting_of
from .language.lexer import Failure, Refused
from .language.looks import LOSSES
from .runs.world import World
from .verdict.checker import FAR, Checker
from .verdict.diagnose import diagnosis
from .verdict.evaluate import TooMuch

__all__ = ["Symbol", "Symbols", "check", "explain", "symbols"]


def explain(latex: str, chapter: str, *, attained: str | None = None, world: str | None = None) -> str:
    r"""Say whether an equation holds on the numbers that the package computes; if not, look for the slip.

    Parameters
    ----------
    latex : str
        The equation, in the book's notation; a raw string.
    chapter : str
        Whose symbols and runs: the name of a chapter's page, such as "bptt", or of a kind of run, such as "lstm".
    attained : str, optional
        For an inequality: the run on which it is an equality ("resting", "uniform"), or "never" if it is strict.
    world : str, optional
        The kind of run, if the chapter has several and its first that fits is not meant.

    Returns
    -------
    str
        The same on every machine.

    Raises
    ------
    ValueError
        If there is no such chapter.
    TypeError
        If an argument is no str.

    Examples
    --------
    >>> print(explain(r"a^{\langle t \rangle} = \tanh(z_a^{\langle t \rangle})", "bptt"))
    It holds: compared in 19 cases.
    >>> print(explain(r"z_y^{\langle t \rangle} = W_{ya} a^{\langle t-1 \rangle} + b_y", "bptt").splitlines()[3])
    It holds if t-1 becomes t in a^{\langle t-1 \rangle}:
    >>> print(explain(r"a^{\langle t \rangle} = tanh(z_a^{\langle t \rangle})", "bptt"))
    It cannot be read: write \tanh: without the backslash this is a product of letters
        a^{\langle t \rangle} = tanh(z_a^{\langle t \rangle})
                                ^^^^
    """
    for what, value in (("latex", latex), ("chapter", chapter), ("attained", attained), ("world", world)):
        if not isinstance(value, str) and (value is not None or what in ("latex", "chapter")):
            raise TypeError(f"{what}: expected a str, got {type(value).__name__}")
    try:
        name, relations = chapter_of(chapter).read(latex, setting=world)
    except Refused as error:
        return f"It cannot be read: {error}"
    checker = Checker(setting_of(name))
    try:
        verdicts = checker.check(relations, latex, attained)
    except TooMuch as error:
        return f"It cannot be checked: {error}"
    except Failure as error:
        first, *rest = str(error).splitlines()
        return "\n".join([f"It {first}" if first.startswith("does not hold") else f"It fails: {first}", *rest,
                          *diagnosis(latex, relations, checker, attained)])  # fmt: skip
    if all(v.kind == "definition" for v in verdicts):
        return "It is a definition, and makes sense."
    far = "" if all(v.near for v in verdicts) else f" But no more than that: {FAR}."
    return f"It holds: compared in {sum(v.cases for v in verdicts)} cases.{far}"


def check(latex: str, chapter: str, *, attained: str | None = None, world: str | None = None) -> None:
    """Print what `explain` says: to be called in a notebook with one's own derivation.

    Parameters
    ----------
    latex, chapter, attained, world
        As in `explain`.
    """
    print(explain(latex, chapter, attained=attained, world=world))


INDICES = {"t": "time t", "l": "layer l"}
KINDS = {"W": "weights", "b": "bias", "z": "pre-activation", "gate": "gate", "p": "peephole weights"}
MEANINGS = {
    "x": "input", "y": "target", "yhat": "prediction", "a": "hidden state", "c": "cell state", "cand": "candidate",
    "L_t": "loss at a time", "L": "loss of the sequence", "J": "cost: the mean loss of the batch", "use": "output gate",
    "alpha": "learning rate", "n_theta": "number of parameters", "jacobian": "one-step Jacobian",
    "s": "a number", "v": "a vector", "theta": "threshold of clipping", "clipped": "clipped gradient",
    "clipped_entry": "gradient clipped by entry", "tau": "temperature", "g": "a gradient", "p": "probabilities",
    "gate_f": "forget gate", "gate_u": "update gate", "gate_o": "output gate", "gate_r": "reset gate",
    "gamma": "bound of the slope",
}  # fmt: skip
WAYS = {"fwd": ", forwards", "bwd": ", backwards"}


@dataclass(frozen=True)
class Symbol:
    """A symbol of a chapter.

    Attributes
    ----------
    latex : str
        How the chapter writes it.
    key : str
        Its name in the package; ``d `` in front of it: the gradient of the loss with respect to it.
    meaning : str
        What it is.
    shape : str
        In sizes of the chapter; empty if the package's run has no such quantity.
    indices : tuple of str
        The indices it needs, such as "time t".
    """

    latex: str
    key: str
    meaning: str
    shape: str
    indices: tuple[str, ...]


class Symbols(tuple[Symbol, ...]):
    """The symbols of a chapter; printed as a table."""

    __slots__ = ()

    def __repr__(self) -> str:
        rows = [(s.latex, s.meaning, s.shape, ", ".join(s.indices)) for s in self]
        table = [("LaTeX", "what it is", "shape", "indices"), *rows]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        return "\n".join("  ".join(f"{c:{w}}" for c, w in zip(row, widths, strict=True)).rstrip() for row in table)


def symbols(chapter: str) -> Symbols:
    r"""List the symbols that a chapter's equations may use: what `check` and `explain` read there.

    Parameters
    ----------
    chapter : str
        As in `explain`: the name of a chapter's page, or of a kind of run. Of the kinds of run that a chapter is about
        the first one is shown.

    Returns
    -------
    Symbols
        A tuple of `Symbol`; in a notebook, or printed, a table.

    Raises
    ------
    ValueError
        If there is no such chapter.
    TypeError
        If the name is no str.

    Examples
    --------
    >>> [(s.latex, s.shape) for s in symbols("bptt") if s.key == "W_ax"]
    [('W_{ax}', 'n_a × n_x')]
    >>> next(s.latex for s in symbols("bptt") if s.key == "d a")
    '\\delta_a^{\\langle t \\rangle}'
    """
    setting = setting_of(chapter_of(chapter).settings[0])
    notation, world = setting.notation, setting.worlds()[0]
    found = []
    for key, latex in notation.templates.items():
        needed = notation.template(latex)[1]
        indices = tuple(INDICES[axis] for axis in ("l", "t") if axis in needed)
        found.append(Symbol(latex, key, meaning(key, notation.templates), shape(key, world), indices))
    return Symbols(found)


def meaning(key: str, templates: Mapping[str, str]) -> str:
    """Say what a quantity is, from its name in the package."""
    if key.startswith("d "):
        return f"gradient of L with respect to {templates.get(key[2:], key[2:])}"
    way, _, rest = key.partition("_")
    if way in WAYS:
        return meaning(rest, templates) + WAYS[way]
    return MEANINGS.get(key) or KINDS.get(way, key)


def shape(key: str, world: World) -> str:
    """Write the shape of a quantity in the names of sizes."""
    if key in (*LOSSES, "gamma"):
        return "a number"
    try:
        rows, columns = world.shape(key)
    except LookupError:
        return ""
    names = {world.sizes[s]: s for s in ("m", "n_g", "n", "n_y", "n_a", "n_x") if s in world.sizes}
    pairs = {
        world.sizes[a] + world.sizes[b]: f"({a} + {b})" for a, b in (("n_a", "n_x"),) if {a, b} <= world.sizes.keys()
    }
    if (rows, columns) == (1, 1):
        return "a number"
    height, width = (names.get(n) or pairs.get(n) for n in (rows, columns))
    if not (height and (width or columns == 1)):
        return ""  # such as the width of the last layer
    return f"{height} × {'1' if columns == 1 else width}"
