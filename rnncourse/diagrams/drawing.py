"""The drawing grammar of `rnncourse.diagrams`: `Diagram`, the `Pen` that writes one down, the `Painter` that paints it.

Boxes compute, circles combine entry by entry, arrows carry, a dot is where an arrow forks; where an arrow only crosses
another, it hops over. A drawing is made of parts with names; a part may consist of several marks, such as a box and the
arrow that carries what it computes. An arrow is drawn from where its value comes from to where it goes, so that its
ends say what the drawing claims; what it shares with an earlier arrow is drawn once.
"""

from __future__ import annotations

import io
import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from .. import _validation as validate
from .._extras import needed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.path import Path

ACCENT = "#1e88a8"  # these two keep a contrast of 4 to 1 on white and on the dark theme's background
WARM = "#c2571a"
INK = {"light": "#1b1b1b", "dark": "#e8e8e8", "page": "#010203"}  # the last is replaced by currentColor
PAPER = {"light": "#ffffff", "dark": "#121212", "page": "none"}
THEMES = ("light", "dark")
FONT_SIZE = 13.0  # points
CORNER = {"box": 0.08, "cell": 0.14}  # radii in inches
BEND, HOP = 0.07, 0.07

Point = tuple[float, float]


@dataclass(frozen=True)
class Diagram:
    """A drawing with a caption and a text that stands in for it.

    Attributes
    ----------
    name : str
        Prefix of the ids of its parts. Where a page shows the very same drawing twice, give one of them another name
        with `dataclasses.replace`.
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

    @property
    def parts(self) -> tuple[str, ...]:
        """The names that `highlight` takes."""
        names = {mark.part.removesuffix("_label") for mark in self.marks}
        return tuple(sorted(names | {name.partition(".")[0] for name in names}))

    @property
    def marks(self) -> list[Mark]:
        """What the drawing consists of."""
        pen = Pen()
        self.draw(pen)
        return pen.marks

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
        return self._figure(validate.choice("theme", theme, THEMES))

    def svg(self) -> str:
        """Return the drawing as an SVG element in the colour of the text around it.

        Returns
        -------
        str
            ``<svg …>…</svg>``; each part is a group with the id ``name--part``, its further marks ``name--part-1``
            and so on.
        """
        out = io.StringIO()
        with _settings(self.name):
            self._figure("page").savefig(out, format="svg", transparent=True, metadata={"Date": None})
        svg = out.getvalue()
        svg = svg[svg.index("<svg") :].strip()
        svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
        # a style element in a page is the page's own, not the drawing's
        svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)
        # ids have to be unique on a page with many drawings
        svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{self.name}--", svg)
        svg = svg.replace(INK["page"], "currentColor")
        width, height = (f"{72 * inches:g}" for inches in self.size)
        head = (
            f'<svg role="img" aria-label="{escape(self.alt)}" viewBox="0 0 {width} {height}" '
            f'style="width: 100%; max-width: {width}pt; height: auto; stroke-linejoin: round; stroke-linecap: butt" '
            'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
        )
        return head + svg[svg.index(">") + 1 :]

    def _repr_html_(self) -> str:
        return f'<figure class="rnn-diagram">{self.svg()}<figcaption>{escape(self.caption)}</figcaption></figure>'

    def _figure(self, theme: str) -> Figure:
        needed("matplotlib", "plots", "a diagram")
        from matplotlib.figure import Figure

        with _settings(self.name):
            figure = Figure(figsize=self.size, facecolor=PAPER[theme])
            axes = figure.add_axes((0, 0, 1, 1))
            axes.set(xlim=(0, self.size[0]), ylim=(0, self.size[1]))
            axes.set_axis_off()
            Painter(axes, INK[theme], frozenset(self.highlight), self.marks).paint()
        return figure


@contextmanager
def _settings(name: str) -> Iterator[None]:
    """Draw the same whatever style the notebook has set."""
    mpl = needed("matplotlib", "plots", "a diagram")

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({"mathtext.fontset": "cm", "svg.hashsalt": name, "svg.fonttype": "path"})
        yield


@dataclass(frozen=True)
class Mark:
    """One mark of a part: where it is, and where arrows may touch it.

    Attributes
    ----------
    part : str
        The part that it belongs to.
    kind : {"box", "cell", "circle", "dot", "text", "arrow"}
        What it is.
    label : str
        What is written on it.
    centre, size : tuple of float
        Of a shape; of a text, the room that is kept for it.
    points : tuple of points
        Of an arrow, from where it comes to where it goes.
    dashed : bool
        Of an arrow.
    """

    part: str
    kind: str
    label: str = ""
    centre: Point = (0.0, 0.0)
    size: Point = (0.0, 0.0)
    points: tuple[Point, ...] = ()
    dashed: bool = False

    def lies_on(self, arrow: Mark) -> bool:
        """Whether its centre lies on an arrow."""
        return any(_on(self.centre, start, end) for start, end in pairwise(arrow.points))

    def left(self, up: float = 0.0) -> Point:
        """Return the middle of the left side, or a point that far above it."""
        return self.centre[0] - self.size[0] / 2, self.centre[1] + up

    def right(self, up: float = 0.0) -> Point:
        """Return the middle of the right side, or a point that far above it."""
        return self.centre[0] + self.size[0] / 2, self.centre[1] + up

    def top(self, along: float = 0.0) -> Point:
        """Return the middle of the upper side, or a point that far to its right."""
        return self.centre[0] + along, self.centre[1] + self.size[1] / 2

    def bottom(self, along: float = 0.0) -> Point:
        """Return the middle of the lower side, or a point that far to its right."""
        return self.centre[0] + along, self.centre[1] - self.size[1] / 2


@dataclass
class Pen:
    """What a drawing is written with: each method puts down a mark and returns it, so that arrows can touch it."""

    marks: list[Mark] = field(default_factory=list)

    def box(self, part: str, centre: Point, label: str, size: Point = (0.8, 0.44)) -> Mark:
        """Draw a rounded box with a label: something that computes."""
        return self._put(Mark(part, "box", label, centre, size))

    def cell(self, part: str, centre: Point, label: str, size: Point) -> Mark:
        """Draw a tinted box: a whole cell."""
        return self._put(Mark(part, "cell", label, centre, size))

    def circle(self, part: str, centre: Point, label: str) -> Mark:
        """Draw a circle with a sign: something that combines two values entry by entry."""
        return self._put(Mark(part, "circle", label, centre, (0.34, 0.34)))

    def dot(self, part: str, centre: Point) -> Mark:
        """Draw a dot, before the arrows that fork there: a value that goes two ways."""
        return self._put(Mark(part, "dot", "", centre))

    def text(self, part: str, centre: Point, label: str, room: Point = (0.66, 0.4)) -> Mark:
        """Write a label on its own, such as a value that enters; arrows start and end at the edge of its room."""
        return self._put(Mark(part, "text", label, centre, room))

    def arrow(
        self, part: str, points: Sequence[Point], label: str = "", at: Point | None = None, dashed: bool = False
    ) -> Mark:
        """Draw an arrow along points, with a label at a place: something that is carried."""
        arrow = self._put(Mark(part, "arrow", points=tuple(points), dashed=dashed))
        if label and at is not None:
            self.text(part, at, label, (0.0, 0.0))
        return arrow

    def _put(self, mark: Mark) -> Mark:
        self.marks.append(mark)
        return mark


@dataclass
class Painter:
    """Paints the marks of a drawing on matplotlib axes, each named after its part."""

    axes: Axes
    ink: str
    highlight: Collection[str]
    marks: Sequence[Mark]
    _painted: Counter[str] = field(default_factory=Counter)

    def paint(self) -> None:
        """Paint all marks."""
        from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch
        from matplotlib.text import Text

        for k, mark in enumerate(self.marks):
            part, centre = mark.part, mark.centre
            colour, width = (WARM, 2.4) if self._lit(part) else (self.ink, 1.3)
            if mark.kind in ("box", "cell"):
                corner = (mark.left()[0], mark.bottom()[1])
                style = f"round,pad=0,rounding_size={CORNER[mark.kind]}"
                if mark.kind == "cell":
                    tint = WARM if self._lit(part) else ACCENT
                    self._add(part, FancyBboxPatch(corner, *mark.size, style, fc=tint, ec="none", alpha=0.14))
                self._add(part, FancyBboxPatch(corner, *mark.size, style, fc="none", ec=colour, lw=width))
            elif mark.kind == "circle":
                self._add(part, Circle(centre, mark.size[0] / 2, fc="none", ec=colour, lw=width))
            elif mark.kind == "arrow":
                arrow = FancyArrowPatch(
                    path=self._route(mark, self.marks[:k]), color=colour, lw=width, ls="--" if mark.dashed else "-",
                    capstyle="butt", joinstyle="round", arrowstyle="-|>,head_length=5,head_width=2.6",
                    mutation_scale=1, shrinkA=0, shrinkB=0,
                )  # fmt: skip
                self._add(part, arrow)
            elif mark.kind == "dot":
                passing = [m for m in self.marks if m.kind == "arrow" and self._lit(m.part) and mark.lies_on(m)]
                self._add(part, Circle(centre, 0.045, fc=WARM if passing else colour, ec="none", zorder=3))
            if mark.label:
                colour = WARM if mark.kind == "text" and self._lit(part, or_a_way=True) else colour
                text = Text(*centre, mark.label, ha="center", va="center", color=colour, fontsize=FONT_SIZE)
                self._add(part, text)

    def _lit(self, part: str, or_a_way: bool = False) -> bool:
        """Whether a part stands out: it is named, or what it is a way of, or, if asked, a way of it."""
        name = part.removesuffix("_label")
        return any(
            wanted in (name, name.partition(".")[0]) or (or_a_way and wanted.startswith(f"{name}."))
            for wanted in self.highlight
        )

    def _add(self, part: str, artist: Any) -> None:
        """Put something on the axes, named after its part; what stands out lies on top."""
        earlier = self._painted[part]
        self._painted[part] += 1
        artist.set_gid(f"{part}-{earlier}" if earlier else part)
        artist.set_clip_on(False)
        artist.set_zorder(artist.get_zorder() + self._lit(part))
        self.axes.add_artist(artist)

    def _route(self, arrow: Mark, earlier: Sequence[Mark]) -> Path:
        """Return the path of an arrow: corners are round, it hops over earlier ones, no way is drawn twice."""
        from matplotlib.path import Path

        points = arrow.points
        dots = [mark for mark in earlier if mark.kind == "dot"]
        arrows = [mark for mark in earlier if mark.kind == "arrow"]
        same = [mark for mark in arrows if mark.points[0] == points[0]]
        if not self._lit(arrow.part):  # what stands out covers what it shares with others
            for k, (start, end) in enumerate(pairwise(arrow.points)):
                on_way = [dot for dot in dots if _on(dot.centre, start, end) and any(map(dot.lies_on, same))]
                if on_way:
                    last = max((dot.centre for dot in on_way), key=partial(math.dist, start))
                    points = (last, *arrow.points[k + 1 :])
        vertices, codes = [points[0]], [Path.MOVETO]
        for k, (start, end) in enumerate(pairwise(points)):
            others = (segment for mark in arrows if mark not in same for segment in pairwise(mark.points))
            crossings = [spot for spot in (_crossing(start, end, *other) for other in others) if spot]
            for spot in sorted(crossings, key=partial(math.dist, start)):
                before, after = _towards(spot, start, HOP), _towards(spot, end, HOP)
                x, y = (HOP * 4 / 3, 0.0) if start[0] == end[0] else (0.0, HOP * 4 / 3)
                vertices += [before, (before[0] + x, before[1] + y), (after[0] + x, after[1] + y), after]
                codes += [Path.LINETO, Path.CURVE4, Path.CURVE4, Path.CURVE4]
            if end == points[-1] or end in [dot.centre for dot in dots]:
                vertices.append(end)
                codes.append(Path.LINETO)
            else:
                vertices += [_towards(end, start, BEND), end, _towards(end, points[k + 2], BEND)]
                codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
        return Path(vertices, codes)


def diagram(
    name: str, caption: str, alt: str, size: Point, draw: Callable[[Pen], None], highlight: Collection[str]
) -> Diagram:
    """Build a diagram; refuse to highlight what it does not have."""
    if isinstance(highlight, str) or not isinstance(highlight, Iterable):
        raise TypeError(f"highlight: expected a collection of names of parts, got {validate.describe(highlight)}")
    wanted = tuple(dict.fromkeys(highlight))
    for part in wanted:
        if not isinstance(part, str):
            raise TypeError(f"highlight: expected names of parts, got {validate.describe(part)}")
    wanted = tuple(sorted(wanted))  # the order, which a set does not have, makes no difference
    built = Diagram("-".join((name, *wanted)), caption, alt, size, draw, wanted)
    if wanted:
        parts = built.parts
        for part in wanted:
            if part not in parts:
                raise ValueError(f"highlight: expected parts among {', '.join(parts)}, got {part!r}")
    return built


def _towards(start: Point, end: Point, length: float) -> Point:
    """Return the point that lies so far from the start towards the end, or half-way."""
    share = min(length / math.dist(start, end), 0.5)
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])


def _on(spot: Point, start: Point, end: Point) -> bool:
    """Whether a point lies on a segment."""
    return math.dist(start, spot) + math.dist(spot, end) < math.dist(start, end) + 1e-9


def _crossing(start: Point, end: Point, other: Point, way: Point) -> Point | None:
    """Return where two segments cross, each between its own ends."""
    (ax, ay), (bx, by) = ((q[0] - p[0], q[1] - p[1]) for p, q in ((start, end), (other, way)))
    det = ax * by - ay * bx
    if det == 0:
        return None
    x, y = other[0] - start[0], other[1] - start[1]
    along, across = (x * by - y * bx) / det, (x * ay - y * ax) / det
    inside = 1e-9 < along < 1 - 1e-9 and 1e-9 < across < 1 - 1e-9
    return (start[0] + along * ax, start[1] + along * ay) if inside else None
