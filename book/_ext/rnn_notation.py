"""The notation switch: each formula has forms in the other notations (rnn_math.py sets them); the browser picks one (notation.js).

The forms are made here, at build time, from the symbol tables of ``rnncourse.equations``; a quantity without a name in a
notation is a warning, which fails the build. SCOPES says whose quantities a page, or a section of it, is about. Where
a notation has no form for that cell, the book's own stays, and a note that only its readers see says so. Formulas that
show notations (in tables that name this book's, and in what a cell prints) stay as they are.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util import logging

from rnncourse.equations.language.lexer import Refused
from rnncourse.equations.switch import CELLS, dialects, switched

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config

KEYS = {  # as the pages call them: the package's name, who that is
    "hifog": ("h i f o g", "The notation h, i, f, o, g"),
    "ltm": ("LTM STM E", "The notation LTM, STM"),
    "pytorch": ("PyTorch", "PyTorch's documentation"),
}
QUOTED = ""  # a place that is about notations: its formulas stay as they are
WORDS = {
    "rnn": "the plain recurrent network",
    "gru": "the GRU that resets before the product",
    "gru-after": "the GRU that resets after the product",
    "lstm": "the LSTM",
    "lstm-peepholes": "the LSTM with peepholes",
    "lstm-coupled": "the LSTM with coupled gates",
    "use-gate": "the cell of note 004 as code",
    "lstm-normalised": "the LSTM with layer normalisation",
    "docstrings": "the docstrings of the package",
    # what none of the others writes
    "sequences": "sequences and what is counted in them",
    "batches": "batches of sequences of different lengths",
    "training": "how a network is trained",
    "language-model": "language models",
    "bidirectional": "layers that read both ways",
    "deep": "stacks of layers",
    "memory": "tests of long memory",
}


@dataclass(frozen=True)
class Scope:
    """Whose quantities the formulas of a page are about.

    Attributes
    ----------
    cell : str
        One of WORDS, or QUOTED.
    sections : dict
        Sections, by their anchors, that are about another cell.
    local : frozenset of str
        Names that mean something else on this page.
    mentions : dict
        Formulas in sentences that are about another cell.
    """

    cell: str
    sections: dict[str, str] = field(default_factory=dict)
    local: frozenset[str] = frozenset()
    mentions: dict[str, str] = field(default_factory=dict)


SCOPES = {
    "book/index": Scope(QUOTED),
    "book/foundations/notation": Scope(QUOTED, {"the-switch-in-the-header": "lstm"}),
    "book/foundations/rnn-forward": Scope("rnn"),
    "book/foundations/bptt": Scope("rnn", {"a-formula-that-counts-twice": QUOTED}),
    "book/learning/vanishing-gradients": Scope(
        "rnn", local=frozenset({"W_{a}", "W_{b}", "W_{c}"})
    ),
    "book/foundations/sequences": Scope("sequences"),
    "book/foundations/batches": Scope("batches"),
    "book/learning/training": Scope("training"),
    "book/learning/language-model": Scope("language-model"),
    "book/architectures/bidirectional": Scope("bidirectional"),
    "book/architectures/deep": Scope("deep"),
    "book/architectures/memory": Scope("memory", {"the-cell-as-an-adder": "lstm"}),
    "book/architectures/which": Scope(QUOTED),
    "book/practice/from-numpy-to-pytorch": Scope(QUOTED),
    "book/gated/gru": Scope("gru", {"reset-before-or-after-the-product": "gru-after"}),
    "book/gated/lstm-forward": Scope(
        "lstm",
        {
            "peepholes": "lstm-peepholes",
            "coupled-gates": "lstm-coupled",
        },
        mentions={"W_{aa}": "rnn", "W_a": "rnn"},
    ),
    "book/gated/lstm-backward": Scope("lstm", {"with-peepholes": "lstm-peepholes"}),
    "book/appendices/cheat-sheet": Scope(QUOTED),
    "book/appendices/translations": Scope(QUOTED),
    "book/appendices/performance": Scope("rnn"),
    "book/appendices/write-a-cell": Scope("lstm-normalised"),
    "book/appendices/api": Scope("docstrings"),
    "book/appendices/glossary": Scope(QUOTED),
    "book/appendices/verification": Scope(QUOTED),
    "book/appendices/what-the-notes-got-wrong": Scope(QUOTED),
}
logger = logging.getLogger(__name__)


def covered(cell: str, key: str) -> bool:
    """Whether a notation writes a cell."""
    return cell in dialects()[KEYS[key][0]]


def quoted(node: nodes.Node) -> bool:
    """Whether a formula shows a notation: in a table that names this book's, or printed by a cell."""
    while node.parent is not None:
        node = node.parent
        if isinstance(node, nodes.table) and "this book" in node.astext():
            return True
        if "cell_output" in getattr(node, "attributes", {}).get("classes", []):
            return True
    return False


def cell_of(node: nodes.Node, scope: Scope) -> str:
    """Return the cell of the innermost section that SCOPES names, or that of the page."""
    while node.parent is not None:
        node = node.parent
        if isinstance(node, nodes.section):
            for name in node["ids"]:
                if name in scope.sections:
                    return scope.sections[name]
    return scope.cell


def translate(app: Sphinx, doctree: nodes.document) -> None:
    """Give every formula of a page its forms, before the table of contents copies those of the headings."""
    formulas = [*doctree.findall(nodes.math), *doctree.findall(nodes.math_block)]
    docname = app.env.docname
    if not formulas:
        return
    if docname not in SCOPES:
        if docname.startswith("book/"):
            logger.warning(
                "which cell are the formulas about? Name the page in book/_ext/rnn_notation.py: %s",
                docname,
                location=docname,
            )
        return
    scope = SCOPES[docname]
    worlds = {e["label"]: e["world"] for e in app.env.rnn_equations}  # type: ignore[attr-defined]
    for node in formulas:
        cell = cell_of(node, scope)
        if quoted(node):
            continue
        world = worlds.get(node.get("label", ""), "")
        about = CELLS.get(world, QUOTED) if world else cell
        about = scope.mentions.get(node.astext(), about)
        forms = {}
        for key, (name, _) in KEYS.items():
            if covered(cell, key) and covered(about, key):
                try:
                    forms[key] = switched(
                        node.astext(), about, name, scope.local, node.get("label", "")
                    )
                except Refused as error:
                    logger.warning(
                        "notation switch: %s", error, location=node, type="notation"
                    )
        node["notations"] = {
            key: form for key, form in forms.items() if form != node.astext()
        }


def notes(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Say at the top of the page, and of a section that differs, where the book's own notation stays."""
    if (
        app.builder.name != "html" or docname not in SCOPES
    ):  # the PDF is in the book's own notation
        return
    if (
        next(
            doctree.findall(
                lambda node: isinstance(node, nodes.math | nodes.math_block)
            ),
            None,
        )
        is None
    ):
        return
    scope = SCOPES[docname]
    for section in doctree.findall(nodes.section):
        top = isinstance(section.parent, nodes.document)
        name = next((n for n in section["ids"] if n in scope.sections), None)
        if not top and name is None:
            continue
        cell = scope.cell if top else scope.sections[name or ""]
        outer = "page" if top else "section"
        html = ""
        for key, (_, who) in KEYS.items():
            if cell == QUOTED:
                said = (
                    f"This {outer} compares notations: its formulas stay as they are."
                )
            elif covered(cell, key):
                continue
            else:
                said = f"{who} does not write {WORDS[cell]}: {'on' if top else 'in'} this {outer} the book’s notation stays."
            if top and any(covered(c, key) for c in scope.sections.values()):
                said = said[:-1] + ", except where a section says otherwise."
            html += f'<p class="notation-note" data-notation="{key}">{escape(said)}</p>'
        if not top:
            for key in KEYS:
                if covered(cell, key) and not covered(scope.cell, key):
                    said = "In this section the formulas follow the switch."
                    html += f'<p class="notation-note" data-notation="{key}">{said}</p>'
        if html:
            section.insert(1, nodes.raw("", html, format="html"))


def template(app: Sphinx, config: Config) -> None:
    """Put the switch into the header."""
    config.templates_path = [*config.templates_path, "book/_templates"]
    config.html_theme_options.setdefault(
        "article_header_end", ["notation-switch.html", "article-header-buttons.html"]
    )
    config.html_js_files = [*config.html_js_files, ("js/notation.js", {})]
    config.html_css_files = [*config.html_css_files, ("css/notation.css", {})]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the functions above with Sphinx."""
    app.connect("config-inited", template, priority=100)
    app.add_config_value(
        "notation_version",
        hashlib.sha256(Path(__file__).read_bytes()).hexdigest(),
        "env",
    )
    app.connect("doctree-read", translate, priority=400)
    app.connect("doctree-resolved", notes)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
