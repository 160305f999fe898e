"""Players (`rnncourse.widgets`) in the book: their script and style are loaded once, as files, by the pages that need them.

In a notebook each player carries both. In the book the inline copies are taken out, so that the pages hold no inline
script of ours, and one file serves all players of a page. Where a figure is shown twice on a page, each has its own ids.
A drawing of `rnncourse.diagrams` brings a caption for the notebook; in a figure with a number it has the book's alone.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes

from rnncourse.widgets.live import STATIC
from rnncourse.widgets.player import asset, style_and_script

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config

PLAYER = re.compile(r'<figure class="rnn-player" id="([^"]+)"')
CAPTION = re.compile(r"<figcaption>.*?</figcaption>", re.DOTALL)
FILES = ("css/player.css", "js/player.js")


def assets(app: Sphinx, config: Config) -> None:
    """Write the package's own text where Sphinx takes static files from; tell kernels that nobody watches them."""
    os.environ[STATIC] = "1"
    folder = Path(app.srcdir, "_build", "assets")
    for name in FILES:
        out = folder / name
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(asset(out.name), "utf8")
    config.html_static_path.append(str(folder))


def take_out(app: Sphinx, doctree: nodes.document) -> None:
    """Take the inline script and style out of each player; tell those apart that are the same figure."""
    seen: Counter[str] = Counter()
    for node in doctree.findall(nodes.raw):
        found = PLAYER.search(node.astext())
        if found:
            text, name = node.astext().replace(style_and_script(), ""), found[1]
            seen[name] += 1
            if seen[name] > 1:
                text = text.replace(name, f"{name}-{seen[name]}")
            node.children = [nodes.Text(text)]


def one_caption(app: Sphinx, doctree: nodes.document) -> None:
    """Take the caption out of each drawing that stands in a figure of the book."""
    for figure in doctree.findall(nodes.figure):
        for node in figure.findall(nodes.raw):
            if 'class="rnn-diagram"' in node.astext():
                node.children = [nodes.Text(CAPTION.sub("", node.astext()))]


def load(
    app: Sphinx,
    name: str,
    template: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Let a page with players load their files."""
    if 'class="rnn-player"' in context.get("body", ""):
        app.add_css_file(FILES[0])
        app.add_js_file(FILES[1], defer="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the functions above with Sphinx."""
    app.connect("config-inited", assets)
    app.connect("doctree-read", take_out)
    app.connect("doctree-read", one_caption)
    app.connect("html-page-context", load)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
