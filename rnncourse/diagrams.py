"""Diagrams of cells and networks, drawn with matplotlib: ``pip install "rnncourse[plots]"``.

A `Diagram` shows itself in a notebook as inline SVG whose ink is the page's own text colour, so that it reads in light
and in dark; `Diagram.figure` draws it as a matplotlib figure on light or dark paper. Every part has a name, and what is
named in `highlight` stands out.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Collection, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from . import _validation as check

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Diagram", "rnn_cell", "unrolled"]

ACCENT = "#1e88a8"  # these two keep a contrast of 4 to 1 on white and on the dark theme's background
WARM = "#c2571a"
INK = {"light": "#1b1b1b", "dark": "#e8e8e8", "page": "#010203"}  # the last is replaced by currentColor
PAPER = {"light": "#ffffff", "dark": "#121212", "page": "none"}
THEMES = ("light", "dark")
FONT_SIZE = 12.0

Point = tuple[float, float]


@dataclass(frozen=True)
class Diagram:
    """A drawing with a caption and a text that stands in for it.

    Attributes
    ----------
    name : str
        Prefix of the ids of its parts.
    caption : str
        What to see in it.
    alt : str
        The same for a reader who does not see it.
    size : tuple of float
        Width and height in inches; one unit of the drawing is an inch.
    draw : callable
        Draws it with a pen.
    highlight : tuple of str
        The parts that stand out.
    """

    name: str
    caption: str
    alt: str
    size: Point
    draw: Callable[[Pen], None]
    highlight: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Diagram({self.name!r})"

    def figure(self, theme: str = "light") -> Figure:
        """Draw it as a matplotlib figure.

        Parameters
        ----------
        theme : {"light", "dark"}
            The paper.

        Returns
        -------
        matplotlib.figure.Figure
            Not known to pyplot, so it is shown only where it is displayed or saved.
        """
        return self._figure(check.choice("theme", theme, THEMES))

    def svg(self) -> str:
        """Return the drawing as an SVG element in the colour of the text around it.

        Returns
        -------
        str
            ``<svg …>…</svg>``; each part is a group with the id ``name--part``.
        """
        import matplotlib as mpl

        out = io.StringIO()
        with mpl.rc_context({"svg.hashsalt": self.name, "svg.fonttype": "path"}):
            self._figure("page").savefig(out, format="svg", transparent=True, metadata={"Date": None})
        svg = out.getvalue()
        svg = svg[svg.index("<svg") :].strip()
        svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
        # ids have to be unique on a page with many drawings
        svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{self.name}--", svg)
        svg = svg.replace(INK["page"], "currentColor")
        width, height = (f"{72 * inches:g}" for inches in self.size)
        head = (
            f'<svg role="img" aria-label="{escape(self.alt)}" viewBox="0 0 {width} {height}" '
            f'style="width: 100%; max-width: {width}pt; height: auto" xmlns="http://www.w3.org/2000/svg" '
            'xmlns:xlink="http://www.w3.org/1999/xlink">'
        )
        return head + svg[svg.index(">") + 1 :]

    def _repr_html_(self) -> str:
        return f'<figure class="rnn-diagram">{self.svg()}<figcaption>{escape(self.caption)}</figcaption></figure>'

    def _figure(self, theme: str) -> Figure:
        import matplotlib as mpl
        from matplotlib.figure import Figure

        with mpl.rc_context({"mathtext.fontset": "cm", "font.size": FONT_SIZE}):
            figure = Figure(figsize=self.size, facecolor=PAPER[theme])
            axes = figure.add_axes((0, 0, 1, 1))
            axes.set(xlim=(0, self.size[0]), ylim=(0, self.size[1]))
            axes.set_axis_off()
            self.draw(Pen(axes, INK[theme], set(self.highlight)))
        return figure


@dataclass
class Pen:
    """The drawing grammar: boxes compute, circles combine, arrows carry, a dot is where an arrow forks."""

    axes: Axes
    ink: str
    highlight: Collection[str]

    def box(self, part: str, centre: Point, label: str, size: Point = (0.8, 0.44)) -> None:
        """Draw a rounded box with a label: something that computes."""
        from matplotlib.patches import FancyBboxPatch

        (x, y), (w, h) = centre, size
        with self._part(part) as look:
            corner = "round,pad=0,rounding_size=0.08"
            self._add(
                FancyBboxPatch((x - w / 2, y - h / 2), w, h, corner, fc="none", ec=look["color"], lw=look["width"])
            )
            self._text(centre, label, look["color"])

    def cell(self, part: str, centre: Point, label: str, size: Point) -> None:
        """Draw a tinted box: a whole cell."""
        from matplotlib.patches import FancyBboxPatch

        (x, y), (w, h) = centre, size
        with self._part(part) as look:
            corner = "round,pad=0,rounding_size=0.14"
            colour = look["color"] if part in self.highlight else ACCENT
            self._add(FancyBboxPatch((x - w / 2, y - h / 2), w, h, corner, fc=colour, ec="none", alpha=0.14))
            self._add(
                FancyBboxPatch((x - w / 2, y - h / 2), w, h, corner, fc="none", ec=look["color"], lw=look["width"])
            )
            self._text(centre, label, look["color"])

    def circle(self, part: str, centre: Point, label: str) -> None:
        """Draw a circle with a sign: something that combines two values entry by entry."""
        from matplotlib.patches import Circle

        with self._part(part) as look:
            self._add(Circle(centre, 0.17, fc="none", ec=look["color"], lw=look["width"]))
            self._text(centre, label, look["color"])

    def dot(self, part: str, centre: Point) -> None:
        """Draw a dot: a value that goes two ways."""
        from matplotlib.patches import Circle

        with self._part(part) as look:
            self._add(Circle(centre, 0.045, fc=look["color"], ec="none"))

    def arrow(
        self, part: str, points: Sequence[Point], label: str = "", at: Point | None = None, dashed: bool = False
    ) -> None:
        """Draw an arrow along points, with a label at a place: something that is carried."""
        from matplotlib.patches import FancyArrowPatch
        from matplotlib.path import Path

        with self._part(part) as look:
            style = "-|>,head_length=5,head_width=2.6"
            line = "--" if dashed else "-"
            self._add(
                FancyArrowPatch(
                    path=Path(list(points)), arrowstyle=style, color=look["color"], lw=look["width"], ls=line,
                    mutation_scale=1, shrinkA=0, shrinkB=0, capstyle="butt", joinstyle="round",
                )
            )  # fmt: skip
            if label and at is not None:
                self._text(at, label, look["color"])

    def text(self, part: str, centre: Point, label: str, size: float = FONT_SIZE) -> None:
        """Write a label on its own."""
        with self._part(part) as look:
            self._text(centre, label, look["color"], size)

    @contextmanager
    def _part(self, part: str) -> Iterator[dict[str, Any]]:
        """Give the look of a part, and name what is drawn meanwhile after it."""
        before = set(self.axes.get_children())
        lit = part in self.highlight
        yield {"color": WARM if lit else self.ink, "width": 2.4 if lit else 1.3}
        for k, artist in enumerate(sorted(set(self.axes.get_children()) - before, key=self.axes.get_children().index)):
            artist.set_gid(part if k == 0 else f"{part}-{k}")

    def _add(self, patch: Any) -> None:
        self.axes.add_patch(patch)

    def _text(self, centre: Point, label: str, colour: str, size: float = FONT_SIZE) -> None:
        self.axes.text(*centre, label, ha="center", va="center", color=colour, fontsize=size)


def rnn_cell(highlight: Collection[str] = ()) -> Diagram:
    r"""Draw one step of the plain recurrent cell, with its output.

    Parameters
    ----------
    highlight : collection of str
        Parts that stand out: ``a_prev``, ``x_t``, ``W_aa``, ``W_ax``, ``b_a``, ``sum``, ``g``, ``a_t``, ``a_next``,
        ``W_ya``, ``yhat``.

    Returns
    -------
    Diagram
        Shows itself in a notebook.

    Raises
    ------
    ValueError
        If a part does not exist.
    """

    def draw(pen: Pen) -> None:
        pen.cell("cell", (3.0, 1.8), "", (3.5, 1.7))
        pen.text("a_prev_label", (0.42, 2.2), r"$a^{\langle t-1\rangle}$")
        pen.arrow("a_prev", [(0.75, 2.2), (1.47, 2.2)])
        pen.box("W_aa", (1.87, 2.2), r"$W_{aa}\,\cdot$")
        pen.arrow("W_aa_out", [(2.27, 2.2), (2.73, 2.2)])
        pen.circle("sum", (2.9, 2.2), r"$+$")
        pen.text("x_t_label", (1.87, 0.2), r"$x^{\langle t\rangle}$")
        pen.arrow("x_t", [(1.87, 0.42), (1.87, 1.14)])
        pen.box("W_ax", (1.87, 1.36), r"$W_{ax}\,\cdot$")
        pen.arrow("W_ax_out", [(2.27, 1.36), (2.9, 1.36), (2.9, 2.03)])
        pen.text("b_a_label", (3.45, 1.36), r"$b_a$")
        pen.arrow("b_a", [(3.3, 1.5), (3.02, 2.08)])
        pen.arrow("z_a", [(3.07, 2.2), (3.6, 2.2)], r"$z_a^{\langle t\rangle}$", (3.31, 2.42))
        pen.box("g", (3.95, 2.2), r"$\tanh$", (0.7, 0.44))
        pen.arrow("a_t", [(4.3, 2.2), (5.55, 2.2)])
        pen.text("a_t_label", (5.9, 2.2), r"$a^{\langle t\rangle}$")
        pen.dot("fork", (5.05, 2.2))
        pen.arrow("a_next", [(5.05, 2.2), (5.05, 2.96)])
        pen.box("W_ya", (5.05, 3.2), r"$\mathrm{softmax}(W_{ya}\,\cdot + b_y)$", (2.2, 0.48))
        pen.arrow("yhat", [(5.05, 3.44), (5.05, 3.9)])
        pen.text("yhat_label", (5.05, 4.06), r"$\hat{y}^{\langle t\rangle}$")

    return _diagram(
        "rnn-cell",
        "One step of the recurrent cell. Two products, a sum with the bias and a tanh make the new state, which goes "
        "on to the next step and up to the output.",
        "The previous state a(t-1) enters from the left through the box W_aa, the input x(t) from below through the "
        "box W_ax. A circle adds both and the bias b_a to the pre-activation z_a(t); a tanh box turns it into the "
        "state a(t), which leaves to the right and, through softmax of W_ya times a(t) plus b_y, upwards as the "
        "prediction y-hat(t).",
        (6.25, 4.25),
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
        If the number of steps is out of range or a part does not exist.
    """
    if check.size("steps", steps) > 6:
        raise ValueError(f"steps: expected at most 6, which is what fits a page, got {steps}")
    check.choice("outputs", outputs, ("all", "last"))

    def draw(pen: Pen) -> None:
        pen.text("a_0_label", (0.3, 1.3), r"$a^{\langle 0\rangle}$")
        for t in range(1, steps + 1):
            x = 1.5 * t - 0.2
            pen.arrow(f"a_{t - 1}", [(x - 0.75 if t == 1 else x - 1.0, 1.3), (x - 0.5, 1.3)])
            if t > 1:
                pen.text(f"a_{t - 1}_label", (x - 0.75, 1.56), rf"$a^{{\langle {t - 1}\rangle}}$", 10)
            pen.text(f"x_{t}_label", (x, 0.2), rf"$x^{{\langle {t}\rangle}}$")
            pen.arrow(f"x_{t}", [(x, 0.42), (x, 0.98)])
            pen.cell(f"cell_{t}", (x, 1.3), "cell", (1.0, 0.64))
            if outputs == "all" or t == steps:
                pen.arrow(f"yhat_{t}", [(x, 1.62), (x, 2.14)])
                pen.text(f"yhat_{t}_label", (x, 2.32), rf"$\hat{{y}}^{{\langle {t}\rangle}}$")
        pen.arrow(f"a_{steps}", [(1.5 * steps + 0.3, 1.3), (1.5 * steps + 0.62, 1.3)])
        pen.text(f"a_{steps}_label", (1.5 * steps + 0.9, 1.3), rf"$a^{{\langle {steps}\rangle}}$")

    where = "at every step" if outputs == "all" else f"after step {steps} alone"
    return _diagram(
        f"unrolled-{steps}-{outputs}",
        f"The same cell, unrolled over {steps} steps: one set of weights, used {steps} times. A prediction is made "
        f"{where}.",
        f"A row of {steps} boxes, each marked cell. An arrow from a(0) enters the first; arrows marked a(1), a(2) and "
        f"so on lead from each box to the next, and a({steps}) leaves the last. Below, x(t) enters each box; above, "
        f"y-hat leaves {where}.",
        (1.5 * steps + 1.2, 2.55),
        draw,
        highlight,
    )


def _diagram(
    name: str, caption: str, alt: str, size: Point, draw: Callable[[Pen], None], highlight: Collection[str]
) -> Diagram:
    """Build a diagram; refuse to highlight what it does not have."""
    if isinstance(highlight, str):
        raise TypeError(f"highlight: expected a collection of parts, got the string {highlight!r}")
    wanted = tuple(highlight)
    diagram = Diagram("-".join((name, *wanted)), caption, alt, size, draw, wanted)
    if wanted:
        parts = {artist.get_gid() for artist in diagram._figure("light").axes[0].get_children()}
        unknown = sorted(set(wanted) - parts)
        if unknown:
            have = ", ".join(sorted(p for p in parts if p and not re.search(r"_label|-\d+$", p)))
            raise ValueError(f"highlight: expected parts among {have}, got {unknown[0]!r}")
    return diagram
