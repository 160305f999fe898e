"""The notebooks that the pages offer: buttons that say what they bring, and copies that work where they land.

The notebooks of the repository stay as they are. In the copies of the site, stored results and programs that a chapter
reads from the folder beside it become part of the cell that reads them, the text is plain Markdown (rnn_plain.py), and a first cell
installs what the page imports: the wheel that lies among the site's files (rnn_wheel.py). Where the site is served, its
address gets into that cell while the notebook is downloaded (page.js).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rnn_plain
import rnn_wheel

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
EXTRAS_FOR = {  # extras of the package: the words in a page's code that ask for them, and the modules that they bring
    "plots": (r"matplotlib|diagrams|widgets", ("matplotlib",)),
    "widgets": (r"widgets", ("ipywidgets",)),
    "progress": (r"progress=True", ("tqdm",)),
    "data": (r"sunspots|import digits", ("statsmodels", "sklearn")),
    "equations": (r"equations", ("markdown_it", "mdit_py_plugins")),
}
# SITE = "" is what page.js looks for.
INSTALL = """\
# Installs what this page imports. It does nothing where all of it is there already.
import importlib
from importlib.util import find_spec
from pathlib import Path

SITE = "{site}"  # the address of the book that this copy came from
WHEEL = "{wheel}"

if not all(map(find_spec, {modules})):
    here = [path for path in (Path(WHEEL), *(up / "_static" / WHEEL for up in Path.cwd().parents)) if path.exists()]
    if here:
        %pip install --quiet "{{here[0]}}{extras}"
    elif SITE:
        %pip install --quiet "{wanted} @ {{SITE}}_static/{{WHEEL}}"
    else:
        raise FileNotFoundError(f"Put {{WHEEL}} beside this notebook and run this cell again. "
                                "It lies in the folder _static of the book, where the book's index.html is.")
    importlib.invalidate_caches()
"""
READS = re.compile(r"""Path\(["'](results/[\w.-]+|\w+\.py)["']\)\.read_text\([^)]*\)""")
# the same by a name that the chapter gives: the copy chooses among the tables whose names it has
CHOOSES = re.compile(
    r"""Path\(f["']results/\{name\}(\.jsonl)["']\)\.read_text\([^)]*\)"""
)


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
    if url:
        names["Colab"] = (
            "Colab",
            f"Run this page on Colab; there, first: {install(url)}",
        )
    for group in context.get("header_buttons", []):
        for button in group.get("buttons", []):
            if button["text"] in names:
                button["text"], button["tooltip"] = names[button["text"]]


def install(url: str | None) -> str:
    """Return the line of a notebook that installs what the chapters import."""
    return f"%pip install '{EXTRAS} @ git+{url}'"


def downloads(app: Sphinx, error: Exception | None) -> None:
    """Write the copies, and the wheel that they install."""
    if error is not None or app.builder.name != "html":
        return
    wheel = rnn_wheel.build(Path(app.srcdir), Path(app.outdir, "_static")).name
    sources = Path(app.outdir, "_sources")
    for copy in sources.rglob("*.ipynb"):
        relative = copy.relative_to(sources)
        notebook = alone(Path(app.srcdir, relative))
        told(notebook, rnn_plain.Plain(app, relative.with_suffix("").as_posix()))
        begun(notebook, app.config.project, wheel, app.config.html_baseurl)
        copy.write_text(
            json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf8"
        )


def alone(source: Path) -> dict[str, Any]:
    """Return a notebook that reads no file beside it, and that goes on where PyTorch is missing."""

    def content(found: re.Match[str] | str) -> str:
        name = found if isinstance(found, str) else found[1]
        text = (source.parent / name).read_text("utf8")
        if name.endswith(".py"):
            return program(text)
        each = text.splitlines() if name.endswith(".jsonl") else [text]
        return repr(
            "\n".join(
                json.dumps(json.loads(one), separators=(",", ":")) for one in each
            )
        )

    def chosen(found: re.Match[str]) -> str:
        there = sorted((source.parent / "results").glob(f"*{found[1]}"))
        named = [path for path in there if f'"{path.stem}"' in everything]
        tables = (f"{path.stem!r}: {content(f'results/{path.name}')}" for path in named)
        return "{" + ", ".join(tables) + "}[name]"

    notebook: dict[str, Any] = json.loads(source.read_text("utf8"))
    everything = "\n".join("".join(cell["source"]) for cell in codes(notebook))
    for cell in codes(notebook):
        code = CHOOSES.sub(chosen, READS.sub(content, "".join(cell["source"])))
        cell["source"] = code.splitlines(keepends=True)
    return notebook


def program(text: str) -> str:
    """Write a program as a string that can be read as one."""
    quoted = f"r'''{text}'''"
    return quoted if "'''" not in text else repr(text)


def codes(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the cells with code."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def told(notebook: dict[str, Any], plain: rnn_plain.Plain) -> None:
    """Put the book's words where its markup is; fold what the book folds, and the code of solutions."""
    cells = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            text = plain.cell("".join(cell["source"]))
            if text:
                cells.append(cell | {"source": text.splitlines(keepends=True)})
            continue
        fold(cell, solution=bool(plain.folded))
        cells.append(cell)
        figure = cell["metadata"].get("mystnb", {}).get("figure", {})
        if "caption" in figure:
            name = (
                f"*{plain.title('figure', figure['name'])}.* "
                if "name" in figure
                else ""
            )
            cells.append(
                markdown(f"{cell['id']}-caption", name + plain.cell(figure["caption"]))
            )
    if plain.cited:
        cells.append(
            markdown("references", rnn_plain.references(plain.app, plain.cited))
        )
    notebook["cells"] = cells


def fold(cell: dict[str, Any], solution: bool) -> None:
    """Hide the source and the output of a cell as Jupyter does: a click shows them."""
    tags = set(cell["metadata"].get("tags", []))
    hidden = {}
    if solution or tags & {"hide-input", "hide-cell", "remove-input", "remove-cell"}:
        hidden["source_hidden"] = True
    if solution or tags & {"hide-output", "hide-cell", "remove-output", "remove-cell"}:
        hidden["outputs_hidden"] = True
    if hidden:
        cell["metadata"]["jupyter"] = hidden


def begun(notebook: dict[str, Any], book: str, wheel: str, site: str) -> None:
    """Put two cells at the top: what this is, and what installs the package of the book where it is missing."""
    text = "\n".join("".join(cell["source"]) for cell in codes(notebook))
    extras = [
        extra for extra, (words, _) in EXTRAS_FOR.items() if re.search(words, text)
    ]
    modules = [module for extra in extras for module in EXTRAS_FOR[extra][1]]
    version = wheel.split("-")[1]
    about = f"This notebook is a page of *{book}*, version {version}. It needs Python 3.11 or newer. The next cell installs "
    about += "the package of the book, `rnncourse`, and what else this page imports, where they are missing."
    if "sys.path" in text:
        about += " It also reads `tests/benchmarks`, so it runs only in a copy of the whole repository."
    wanted = f"rnncourse[{','.join(extras)}]" if extras else "rnncourse"
    code = INSTALL.format(
        wheel=wheel,
        modules=("rnncourse", *modules),
        wanted=wanted,
        extras=wanted.removeprefix("rnncourse"),
        site=site,
    )
    cell = markdown("about-this-copy", about)
    install = {
        "cell_type": "code",
        "execution_count": None,
        "id": "install",
        "metadata": {},
        "outputs": [],
    }
    install["source"] = code.splitlines(keepends=True)
    notebook["cells"][:0] = [cell, install]


def markdown(name: str, text: str) -> dict[str, Any]:
    """Return a cell with Markdown."""
    return {
        "cell_type": "markdown",
        "id": name[:64],
        "metadata": {},
        "source": text.splitlines(keepends=True),
    }


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the functions above with Sphinx."""
    app.connect("html-page-context", name, priority=900)
    app.connect("build-finished", downloads)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
