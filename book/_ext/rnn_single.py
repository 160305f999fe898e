"""The book as one page, from which the PDF is printed: what the stock ``singlehtml`` builder gets wrong here.

Each function mends one thing and says which; nothing here touches the book of many pages.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

NAME = "singlehtml"


def writers(app: Sphinx) -> None:
    """Write sphinx-proof's boxes as on a page of their own: it names no writer for the single page."""
    handlers = app.registry.translation_handlers
    handlers[NAME] = {**handlers.get("html", {}), **handlers.get(NAME, {})}


def to_the_root(app: Sphinx, error: Exception | None) -> None:
    """Move the page to the root: it lies where the landing page does, but its addresses are those of the root."""
    if error is not None or app.builder.name != NAME:
        return
    root = app.config.root_doc
    page = Path(app.outdir, f"{root}.html")
    text = page.read_text("utf8")
    text = text.replace(f'href="{root}.html#', 'href="#')
    text = re.sub(r'href="#document-[^"#]+#', 'href="#', text)
    text = re.sub(r'data-content_root="[^"]*"', 'data-content_root="./"', text)
    Path(app.outdir, "index.html").write_text(text, "utf8")
    page.unlink()


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the functions above with Sphinx."""
    app.connect("builder-inited", writers)
    app.connect("build-finished", to_the_root, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
