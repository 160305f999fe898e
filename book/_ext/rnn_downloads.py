"""The notebooks that the pages offer: buttons that say what they bring, and copies that work where they land.

The notebooks of the repository stay as they are. In the copies of the site, stored results that a chapter reads from the
folder beside it become part of the cell that reads them, and a first cell says what the notebook needs.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

EXTRAS = "rnncourse[plots,widgets,progress,data,equations]"
NAMES = {
    ".ipynb": ("Notebook (.ipynb)", "Download this page as a notebook"),
    ".md": ("Source (.md)", "Download the source of this page"),
    ".pdf": ("Print, or save as PDF", "Print this page"),
    "Binder": ("Binder", "Run this page on mybinder.org"),
}
READS = re.compile(r"""Path\(["'](results/[\w.-]+)["']\)\.read_text\([^)]*\)""")


def name(
    app: Sphinx,
    page: str,
    template: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Say what the buttons of the header bring: the stock ones are called by the ends of files' names."""
    names = dict(NAMES)
    url = app.config.html_theme_options.get("repository_url")
    names["Colab"] = ("Colab", f"Run this page on Colab; there, first: {install(url)}")
    for group in context.get("header_buttons", []):
        for button in group.get("buttons", []):
            if button["text"] in names:
                button["text"], button["tooltip"] = names[button["text"]]


def install(url: str | None) -> str:
    """Return the line of a notebook that installs what the chapters import."""
    return f"%pip install '{EXTRAS} @ git+{url}'"


def downloads(app: Sphinx, error: Exception | None) -> None:
    """Write the copies."""
    if error is not None or app.builder.name != "html":
        return
    url = app.config.html_theme_options.get("repository_url")
    sources = Path(app.outdir, "_sources")
    for copy in sources.rglob("*.ipynb"):
        source = Path(app.srcdir, copy.relative_to(sources))
        copy.write_text(alone(source, app.config.project, url), "utf8")


def alone(source: Path, book: str, url: str | None) -> str:
    """Return a notebook that reads no file beside it."""

    def content(found: re.Match[str]) -> str:
        stored = json.loads((source.parent / found[1]).read_text("utf8"))
        return repr(json.dumps(stored, separators=(",", ":")))

    notebook = json.loads(source.read_text("utf8"))
    codes = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for cell in codes:
        text = READS.sub(content, "".join(cell["source"]))
        cell["source"] = text.splitlines(keepends=True)
    needs = f"This notebook is a page of *{book}*. It needs Python 3.11 or newer and the package of the book: "
    needs += f"`{install(url)}`." if url else "the README of its repository says how."
    if any("sys.path" in "".join(cell["source"]) for cell in codes):
        needs += " It also reads `tests/benchmarks`, so it runs only in a copy of the whole repository."
    first = {
        "cell_type": "markdown",
        "id": "about-this-copy",
        "metadata": {},
        "source": [needs],
    }
    notebook["cells"].insert(0, first)
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the functions above with Sphinx."""
    app.connect("html-page-context", name, priority=900)
    app.connect("build-finished", downloads)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
