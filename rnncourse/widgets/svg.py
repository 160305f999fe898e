"""From what a figure function returns to small SVG elements that can stand together on one page.

A matplotlib figure is written with text as text, its ink becomes the page's text colour and its colours those of
``player.css``. What several frames have in common, such as glyphs, markers and clipping rectangles, is pooled.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from .. import _validation as validate
from ..diagrams.drawing import ACCENT, INK, WARM, Diagram

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLE = "rnncourse.book"  # book.mplstyle, as matplotlib finds it
PALETTE = ("#0b6fa4", "#b8470a", "#0a7a55", "#8a3d91", "#8a6100", "#5f6b76")  # its colours, 1 to 6 in player.css
SCALE = 1.5  # the width of a figure on a wide page, in pixels a point
IN_ATTRIBUTES = re.compile(r"(?<=#)[^)\s\"']+")

COLOURS = {colour: f"var(--rnn-{k}, {colour})" for k, colour in enumerate(PALETTE, 1)}
COLOURS |= {ACCENT: COLOURS[PALETTE[0]], WARM: COLOURS[PALETTE[1]]}
COLOURS |= dict.fromkeys((INK["page"], "#000000"), "currentColor")
A_COLOUR = re.compile("|".join(COLOURS))


@contextmanager
def book_style() -> Iterator[None]:
    """Draw in the book's style, whatever style the notebook has set; needs matplotlib only where it is there."""
    try:
        import matplotlib.style
    except ModuleNotFoundError:  # strings need none
        yield
        return
    with matplotlib.style.context(STYLE, after_reset=True):
        yield


def drawn(value: object) -> tuple[str, str]:
    """Turn what a figure function returned into SVG (or leave the string that it is) and the note under it."""
    picture, note = value if isinstance(value, tuple) and len(value) == 2 else (value, "")
    if not isinstance(note, str):
        raise TypeError(f"f: expected a picture and a string under it, got a picture and {validate.describe(note)}")
    if isinstance(picture, str):
        return picture.strip(), note
    if isinstance(picture, Diagram):
        return _in_page_colours(picture.svg()), note
    if hasattr(picture, "savefig") and hasattr(picture, "axes"):
        return _figure(picture), note  # type: ignore[arg-type]
    raise TypeError(
        f"f: expected a function that returns a matplotlib figure, a diagram or a string of SVG or HTML, "
        f"got one that returned {validate.describe(picture)}"
    )


def _figure(figure: Figure) -> str:
    """Write a figure as SVG, and close it, so that the notebook does not show it as well."""
    out = io.StringIO()
    figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close(figure)
    return _in_page_colours(out.getvalue())


def _in_page_colours(svg: str) -> str:
    """Let colours follow the page, and text its font; sizes and styles of the font stay."""
    svg = re.sub(r"font: ((?:[\w-]+ )*?)([\d.]+px) [^;\"]*", r"font: \1\2 system-ui, sans-serif", svg)
    svg = re.sub(r"font-family: ('[^']*')", r"font-family: \1, system-ui, sans-serif", svg)  # in formulas
    return A_COLOUR.sub(lambda found: COLOURS[found[0]], svg)


def pooled(frames: Sequence[str], prefix: str) -> tuple[str, list[str]]:
    """Make SVG frames small, with ids that begin with a prefix, and pool their definitions.

    Parameters
    ----------
    frames : sequence of str
        SVG elements; a string that is none stays as it is.
    prefix : str
        Of all ids.

    Returns
    -------
    tuple of str and list of str
        An SVG element that shows nothing and holds what the frames refer to, and the frames.
    """
    pool: dict[str, str] = {}  # a definition without its id -> its id
    small = []
    for k, frame in enumerate(frames):
        start = re.match(r"(?s)(?:<\?xml.*?\?>|<!DOCTYPE.*?>|\s)*(?=<svg)", frame)
        small.append(_small(frame[start.end() :], f"{prefix}-{k}", pool, prefix) if start else frame)
    inside = "".join(text.replace(" ", f' id="{name}" ', 1) for text, name in pool.items())
    return f'<svg class="rnn-shared" width="0" height="0" aria-hidden="true">{inside}</svg>' if pool else "", small


def _small(svg: str, own: str, pool: dict[str, str], prefix: str) -> str:
    """Rewrite one SVG element."""
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError as error:
        raise ValueError(f"f: expected well-formed SVG, got {svg[:40]!r} … ({error})") from error
    referred = set()
    for node in root.iter():
        node.tag = node.tag.rpartition("}")[2]
        for key in [key for key in node.attrib if "}" in key]:
            node.set(key.rpartition("}")[2], node.attrib.pop(key))
        if "d" in node.attrib:
            node.set("d", _rounded(node.attrib["d"]))
        if node.tag not in ("text", "tspan"):
            node.text = node.text if node.tag == "style" else (node.text or "").strip()
        if node.tag != "tspan" or not (node.tail or "").strip():
            node.tail = ""
        referred |= {name for value in node.attrib.values() for name in _names(value)}
    names: dict[str, str] = {}
    _take_definitions(root, names, pool, prefix)
    for node in root.iter():
        name = node.attrib.pop("id", None)
        if name in referred:
            names[name] = f"{own}-{name}"
            node.set("id", names[name])
    for node in root.iter():
        _rename(node, names)
    _unwrap(root)
    return _as_frame(root)


def _names(value: str) -> list[str]:
    """Return the ids that an attribute refers to."""
    return IN_ATTRIBUTES.findall(value) if value.startswith("#") or "url(#" in value else []


def _rename(node: ElementTree.Element, names: dict[str, str]) -> None:
    for key, value in node.attrib.items():
        for name in _names(value):
            node.set(key, node.attrib[key].replace(f"#{name}", f"#{names.get(name, name)}"))


def _take_definitions(node: ElementTree.Element, names: dict[str, str], pool: dict[str, str], prefix: str) -> None:
    """Move definitions into the pool; those of an equal content get one id."""
    for child in list(node):
        if child.tag in ("defs", "metadata"):
            for each in child:
                if "id" not in each.attrib:
                    continue  # a style element would be the whole page's
                name = each.attrib.pop("id")
                _rename(each, names)
                text = ElementTree.tostring(each, encoding="unicode")
                names[name] = pool.setdefault(text, f"{prefix}-d{len(pool)}")
            node.remove(child)
        else:
            _take_definitions(child, names, pool, prefix)


def _unwrap(node: ElementTree.Element) -> None:
    """Replace groups that say nothing by what they hold, and drop patches without paint."""
    for child in list(node):
        _unwrap(child)
        if child.attrib.get("style") == "fill: none" and "id" not in child.attrib:
            node.remove(child)
        elif child.tag == "g" and not child.attrib:
            at = list(node).index(child)
            node[at : at + 1] = list(child)


def _rounded(path: str) -> str:
    """Write the numbers of a path with one decimal: a fifth of a pixel at most."""
    short = re.sub(r"-?\d+\.\d+", lambda found: f"{float(found[0]):.1f}".removesuffix(".0"), path)
    return re.sub(r"\s*([A-Za-z])\s*", r"\1", " ".join(short.split())).replace(" -", "-")


def _as_frame(root: ElementTree.Element) -> str:
    """Give the element the width of its column; the frame around it has the text alternative."""
    for key in ("width", "height", "role", "aria-label", "style", "version"):
        value = root.attrib.pop(key, "")
        if key == "width" and "viewBox" not in root.attrib:
            raise ValueError(f"f: expected SVG with a viewBox, got width={value!r} without one")
    width = float(re.split(r"[\s,]+", root.attrib["viewBox"].strip())[2])  # SVG allows either
    root.set("aria-hidden", "true")
    root.set("style", f"width: 100%; max-width: {SCALE * width:.0f}px; stroke-linejoin: round; stroke-linecap: butt")
    return ElementTree.tostring(root, encoding="unicode")


def as_given(value: Any) -> str:
    """Say a value in words where no label is given."""
    if isinstance(value, str):
        return value
    try:
        return f"{value:g}".replace("-", "−")
    except (TypeError, ValueError):
        return str(value)
