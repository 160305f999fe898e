"""What an exercise is: records, and how a known mistake becomes a function."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

__all__ = ["CELL", "SEQUENCE", "Derivation", "Exercise", "Kind", "Mistake", "Question", "Sizes", "Slip", "World"]

WIDTH = 84  # of a docstring in a notebook


class Sizes(NamedTuple):
    """How large a world is, in the letters of the book.

    Attributes
    ----------
    T, B, n_x, n_a, n_y : int
        Steps, examples, inputs, units, outputs.
    scale : float
        What weights and values are multiplied with.
    """

    T: int = 7
    B: int = 3
    n_x: int = 4
    n_a: int = 5
    n_y: int = 11
    scale: float = 1.0


class Kind(NamedTuple):
    """A kind of world: what is particular to it, in the words of a message, and its sizes."""

    says: str
    sizes: Sizes


# All sizes are different and in no simple ratio, so that no array fits by accident in another one's place.
SEQUENCE = (
    Kind("several steps and examples", Sizes()),
    Kind("more steps than units", Sizes(T=11, B=4, n_x=5, n_a=3, n_y=7)),
    Kind("one example (B = 1)", Sizes(T=5, B=1, n_x=3, n_a=4, n_y=7)),
    Kind("one step (T = 1)", Sizes(T=1, B=4, n_x=3, n_a=7, n_y=5)),
    Kind("one unit (n_a = 1)", Sizes(T=5, B=3, n_x=4, n_a=1, n_y=7)),
    Kind("large values", Sizes(T=9, B=4, n_x=7, n_a=5, n_y=11, scale=2.5)),
)
# For one step of a cell, where T does not come in.
CELL = (
    Kind("several examples", Sizes()),
    Kind("more inputs than units", Sizes(B=4, n_x=7, n_a=3)),
    Kind("one example (B = 1)", Sizes(B=1, n_x=3, n_a=4)),
    Kind("one input (n_x = 1)", Sizes(B=4, n_x=1, n_a=7)),
    Kind("one unit (n_a = 1)", Sizes(B=5, n_x=3, n_a=1)),
    Kind("large values", Sizes(B=3, n_x=7, n_a=4, scale=2.5)),
)


class World(NamedTuple):
    """One set of arguments.

    Attributes
    ----------
    says : str
        What is particular to it.
    sizes : Sizes
        Its sizes.
    arguments : dict
        In the order of the signature.
    """

    says: str
    sizes: Sizes
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Mistake:
    """A known mistake in code, as an edit of the solution's source.

    Attributes
    ----------
    name : str
        What is wrong, as a phrase: 'W_aa is not transposed'.
    old, new : str
        The edit: `old` becomes `new` wherever it stands.
    why : str
        Why that is wrong. Never the solution.
    look : str
        Where to look.
    """

    name: str
    old: str
    new: str
    why: str
    look: str


@dataclass(frozen=True)
class Slip:
    r"""A known mistake in a derivation.

    Attributes
    ----------
    name : str
        What is wrong, as a phrase.
    latex : str
        The wrong right-hand side.
    why, look : str
        As in `Mistake`.
    """

    name: str
    latex: str
    why: str
    look: str


@dataclass(frozen=True)
class Question:
    """An exercise of a chapter that is answered on paper, or in a cell of one's own.

    Attributes
    ----------
    name : str
        The chapter's page, a dot, and the exercise.
    title : str
        As in the chapter.
    minutes : int
        How long it takes.
    difficulty : {"recall", "code", "derive", "explore"}
        What it asks for.
    label : str
        Of the directive in the chapter; none, if it stands on the page of exercises only.
    """

    name: str
    title: str
    minutes: int
    difficulty: str
    label: str = ""

    @property
    def chapter(self) -> str:
        """The name of the chapter's page."""
        return self.name.partition(".")[0]


@dataclass(frozen=True, kw_only=True)
class Derivation(Question):
    r"""A derivation: the learner's right-hand side has to be true, and in the symbols that are asked for.

    Attributes
    ----------
    task : str
        What is asked.
    left : str
        LaTeX of the left-hand side.
    answer : str
        LaTeX of a right answer.
    allowed : tuple of str
        The symbols that the right-hand side may use, as the chapter writes them at step t.
    where : str
        For which indices, as LaTeX behind the equation.
    slips : tuple of Slip
        Known mistakes.
    hints : tuple of str
        Three, each saying more.
    question : str
        To go on with, when it is right.
    """

    task: str
    left: str
    answer: str
    allowed: tuple[str, ...]
    where: str = ""
    slips: tuple[Slip, ...] = ()
    hints: tuple[str, str, str]
    question: str

    def equation(self, right: str) -> str:
        """Write the equation with a right-hand side.

        Parameters
        ----------
        right : str
            LaTeX.

        Returns
        -------
        str
            The whole equation.
        """
        return f"{self.left} = {right}" + (rf", \qquad {self.where}" if self.where else "")


@dataclass(frozen=True, kw_only=True)
class Exercise(Question):
    """A function to be written, with all that is needed to say what is wrong with it.

    Attributes
    ----------
    task : str
        What is asked, in a sentence or two.
    solution : callable
        In plain NumPy; its docstring holds the shapes, and the mistakes are edits of its source.
    reference : callable
        The same from the package's own functions: what is right.
    draw : callable
        ``draw(rng, sizes)`` returns the arguments by name, in the order of the signature.
    outputs : dict of str to str
        The names of what is returned, and their shapes in letters.
    mistakes : tuple of Mistake
        The known ones.
    hints : tuple of str
        Three, each saying more.
    question : str
        To go on with, when it is right.
    kinds : tuple of Kind
        The worlds.
    given : str
        What the function may use besides NumPy: a line that imports it.
    blocks : dict of str to tuple of str
        Outputs whose rows are blocks of equal height, and what these are called.
    indistinguishable : dict of str to str
        Names of mistakes that give the same numbers as another one, and why.
    """

    task: str
    solution: Callable[..., Any]
    reference: Callable[..., Any]
    draw: Callable[[np.random.Generator, Sizes], dict[str, Any]]
    outputs: Mapping[str, str]
    mistakes: tuple[Mistake, ...]
    hints: tuple[str, str, str]
    question: str
    kinds: tuple[Kind, ...] = SEQUENCE
    given: str = ""
    blocks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    indistinguishable: Mapping[str, str] = field(default_factory=dict)

    def worlds(self, seed: int = 0) -> list[World]:
        """Draw the worlds: the same on every machine.

        Parameters
        ----------
        seed : int
            Which ones.

        Returns
        -------
        list of World
            One of each kind.
        """
        rng = np.random.default_rng([seed, 17])
        return [World(kind.says, kind.sizes, self.draw(rng, kind.sizes)) for kind in self.kinds]

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the arguments."""
        return tuple(inspect.signature(self.solution).parameters)

    @property
    def signature(self) -> str:
        """The first line of the function."""
        return f"def {self.solution.__name__}({', '.join(self.parameters)}):"

    @cached_property
    def source(self) -> str:
        """The solution as a learner would write it: without types."""
        written = textwrap.dedent(inspect.getsource(self.solution))
        body = ast.parse(written).body[0]
        assert isinstance(body, ast.FunctionDef)
        start, stop = body.body[0].lineno - 1, body.body[0].end_lineno
        lines = written.splitlines()
        return "\n".join([self.signature, *wrapped(lines[start:stop]), *lines[stop:]]) + "\n"

    @cached_property
    def blank(self) -> str:
        """What the learner begins with: signature, docstring and ``...``."""
        body = ast.parse(self.source).body[0]
        assert isinstance(body, ast.FunctionDef)
        return "\n".join([*self.source.splitlines()[: body.body[0].end_lineno], "    ..."]) + "\n"

    @cached_property
    def short(self) -> str:
        """The solution without its docstring."""
        lines = self.source.splitlines()
        body = ast.parse(self.source).body[0]
        assert isinstance(body, ast.FunctionDef)
        return "\n".join([lines[0], *lines[body.body[0].end_lineno :]]) + "\n"

    def mistaken(self, *mistakes: Mistake) -> Callable[..., Any] | None:
        """Make the function with some of the mistakes in it.

        Parameters
        ----------
        *mistakes : Mistake
            One, or several at once.

        Returns
        -------
        callable or None
            None if one of them finds nothing to edit, as where another has been before.
        """
        names = tuple(mistake.name for mistake in mistakes)
        if names not in self._made:
            self._made[names] = self._make(mistakes)
        return self._made[names]

    @cached_property
    def _made(self) -> dict[tuple[str, ...], Callable[..., Any] | None]:
        """What has been made so far: compiling takes longer than a call."""
        return {}

    def _make(self, mistakes: tuple[Mistake, ...]) -> Callable[..., Any] | None:
        source = self.short  # without the docstring, which takes as long to compile as the rest
        for mistake in mistakes:
            if mistake.old not in source:
                return None
            source = source.replace(mistake.old, mistake.new)
        names = dict(vars(inspect.getmodule(self.solution)))
        try:
            exec(compile(source, f"<{self.name}>", "exec"), names)
        except SyntaxError:
            return None
        made: Callable[..., Any] = names[self.solution.__name__]
        return made


def wrapped(lines: list[str]) -> list[str]:
    """Break a docstring so that a notebook shows it without scrolling: each description is one paragraph."""
    broken: list[str] = []
    for description, group in groupby(lines, lambda line: line.startswith(" " * 8)):
        said = list(group)
        paragraphs = [" ".join(line.strip() for line in said)] if description else said
        indent = " " * (8 if description else 4)
        for text in paragraphs:
            broken += textwrap.wrap(text.strip(), WIDTH, initial_indent=indent, subsequent_indent=indent) or [""]
    return broken
