"""A page's Markdown for programs that know no MyST: JupyterLab as it comes, VS Code, Colab.

`Plain` reads the cells of a page in order. Directives become titles and text, solutions fold, references become the
words that the book shows, equations carry the book's numbers, comments go. A directive that it does not know is an error
of the build, and so is a role that Sphinx has not resolved.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from docutils import nodes
from sphinx import addnodes
from sphinx.errors import ExtensionError
from sphinx.transforms import SphinxTransformer
from sphinx.util.docutils import new_document

if TYPE_CHECKING:
    from sphinx.application import Sphinx

DIRECTIVE = re.compile(
    r"^(`{3,}|:{3,})\{([\w:-]+)\}[ \t]*([^\n]*)\n((?::[\w-]+:[^\n]*\n)*)(.*?)^\1[ \t]*$",
    re.DOTALL | re.MULTILINE,
)
FENCE = re.compile(r"^(`{3,})(?!\{).*?^\1[ \t]*$", re.DOTALL | re.MULTILINE)
EQUATION = re.compile(r"\$\$((?:(?!\$\$).)+)\$\$[ \t]*\(([\w:.-]+)\)", re.DOTALL)
ROLE = re.compile(r"\{([\w:]+)\}`([^`]+)`")
COMMENT = re.compile(r"^%.*\n?|^\+\+\+.*\n?|^\([\w:.-]+\)=[ \t]*\n?", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([\w./-]+)\.(?:ipynb|md)(#[\w-]+)?\)")
PROGRAM = re.compile(
    r"\[([^\]]+)\]\([\w./-]+\.py\)"
)  # the copy holds what it says; the file lies elsewhere
OPTION = re.compile(r"^:([\w-]+):[ \t]*(.*)$", re.MULTILINE)
TITLED = {
    "note",
    "tip",
    "hint",
    "important",
    "warning",
    "caution",
    "danger",
    "seealso",
}  # their names are titles
PROOFS = {
    "theorem",
    "lemma",
    "proposition",
    "corollary",
    "definition",
    "remark",
    "example",
    "proof",
}


class Plain:
    """The converter of one page; `folded` is the title of the solution that a cell stands in, or empty."""

    def __init__(self, app: Sphinx, page: str) -> None:
        self.app, self.page, self.folded = app, page, ""
        self.words, self.cited = resolved(app, page)

    def cell(self, text: str) -> str:
        """Return the text of a Markdown cell; a solution that began in a cell before goes on in it."""
        kept: list[str] = []

        def put_away(found: re.Match[str]) -> str:
            kept.append(found[0])
            return f"\0{len(kept) - 1}\0"

        text = self._blocks(FENCE.sub(put_away, DIRECTIVE.sub(self._directive, text)))
        pieces = re.split(
            r"\x01(.*?)\x02", text
        )  # text, title of a solution that starts, text, …; an empty title ends one
        parts = []
        for k, piece in enumerate(pieces):
            if k % 2:
                self.folded = piece
                if piece and not pieces[k + 1].strip():  # a solution of code alone
                    parts.append(fold(piece, "The code in the folded cell below."))
                    self.folded = f"{piece}, continued"
            elif piece.strip() and self.folded:
                parts.append(fold(self.folded, piece.strip()))
                self.folded = self.folded.removesuffix(", continued") + ", continued"
            elif piece.strip():
                parts.append(piece.strip())
        text = "\n\n".join(parts)
        while "\0" in text:
            text = re.sub(r"\0(\d+)\0", lambda found: kept[int(found[1])], text)
        return text

    def title(self, kind: str, label: str) -> str:
        """Return 'Exercise 3.2', 'Figure 3.2': what the book calls a numbered thing of this page."""
        number = self._number(kind, label)
        return (self.app.config.numfig_format[kind] % number).strip()

    def _blocks(self, text: str) -> str:
        text = COMMENT.sub("", text)
        text = EQUATION.sub(lambda found: self._equation(found[1], found[2]), text)
        text = LINK.sub(self._link, text)
        text = PROGRAM.sub(r"`\1`", text)
        return ROLE.sub(self._role, text)

    def _directive(self, found: re.Match[str]) -> str:
        name, argument, body = found[2], found[3].strip(), found[5].strip()
        label = dict(OPTION.findall(found[4])).get("label", "")
        inside = DIRECTIVE.sub(self._directive, body)
        if name == "math":
            return self._equation(body, label) if label else f"$$\n{body}\n$$"
        if name == "exercise":
            return f"**{self.title('exercise', label)}{f' ({argument})' if argument else ''}**\n\n{inside}"
        if name == "solution":
            return fold(f"Solution to {self._named(argument)}", inside)
        if name == "solution-start":
            return f"\1Solution to {self._named(argument)}\2"
        if name == "solution-end":
            return "\1\2"
        if (
            name == "admonition"
            and dict(OPTION.findall(found[4])).get("class") == "dropdown"
        ):
            return fold(argument, inside)
        if name == "admonition":
            return f"**{argument}**\n\n{inside}"
        if name in TITLED:
            return f"**{argument or name.capitalize()}**\n\n{inside}"
        if name.startswith("prf:") and name[4:] in PROOFS:
            return (
                f"**{name[4:].capitalize()}**"
                + (f" ({argument})" if argument else "")
                + f"\n\n{inside}"
            )
        raise ExtensionError(
            f"{self.page}: rnn_plain.py does not know the directive {name}; say what it is in a notebook"
        )

    def _equation(self, tex: str, label: str) -> str:
        number = self._number("displaymath", f"equation-{label}")
        return f"$$\n{tex.strip()}\n\\tag{{{number}}}\n$$"

    def _named(self, label: str) -> str:
        title = self.title("exercise", label)
        return title[0].lower() + title[1:]

    def _number(self, kind: str, label: str) -> str:
        numbers = self.app.env.toc_fignumbers.get(self.page, {}).get(kind, {})
        for name in (label, nodes.make_id(label)):
            if name in numbers:
                return ".".join(map(str, numbers[name]))
        raise ExtensionError(
            f"{self.page}: there is no number for {label} among those of {kind}: {sorted(numbers)}"
        )

    def _role(self, found: re.Match[str]) -> str:
        if found[1] == "claim":  # the page's mark, whose row is in the book's report
            return "✓"
        key = f":{found[1]}:`{' '.join(found[2].split())}`"
        if key not in self.words:
            raise ExtensionError(f"{self.page}: Sphinx has not resolved {found[0]}")
        return self.words[key]

    def _link(self, found: re.Match[str]) -> str:
        return linked(
            self.app,
            self.page,
            f"{found[2]}.html{found[3] or ''}",
            " ".join(found[1].split()),
            "*{}*",
        )


def fold(title: str, body: str) -> str:
    """Return what Jupyter folds: HTML, and empty lines, so that what is between them is Markdown."""
    return f"<details>\n<summary>{title}</summary>\n\n{body}\n\n</details>"


def linked(app: Sphinx, page: str, address: str, words: str, alone: str = "{}") -> str:
    """Return a link into the book where its address is known, and the words where it is not."""
    base = app.config.html_baseurl
    if not base:
        return alone.format(words)
    here = urljoin(base.rstrip("/") + "/", app.builder.get_target_uri(page))
    return f"[{words}]({urljoin(here, address)})"


def resolved(app: Sphinx, page: str) -> tuple[dict[str, str], list[str]]:
    """Return what the references of a page read in the book, by role and content, and the works that it cites."""
    env = app.env
    document = new_document(page)
    cited: list[str] = []
    for node in env.get_doctree(page).findall(addnodes.pending_xref):
        holder = nodes.inline(
            "",
            "",
            node.deepcopy(),
            reference=" ".join(node.rawsource.split()),
            kind=node["reftype"],
        )
        document += nodes.paragraph("", "", holder)
        if node["refdomain"] == "cite":
            cited += [key.strip() for key in node["reftarget"].split(",")]
    holders = list(
        document.findall(
            lambda node: isinstance(node, nodes.inline) and "reference" in node
        )
    )
    backup = dict(env.temp_data)
    try:
        env.prepare_settings(page)
        transformer = SphinxTransformer(
            document
        )  # env.apply_post_transforms without its event, for which a page counts
        transformer.set_environment(env)
        transformer.add_transforms(app.registry.get_post_transforms())
        transformer.apply_transforms()
    finally:
        env.temp_data.clear()
        env.temp_data.update(backup)
    words = {
        holder["reference"]: "".join(markdown(app, page, holder, holder["kind"]))
        for holder in holders
    }
    return words, list(dict.fromkeys(cited))


def markdown(app: Sphinx, page: str, node: nodes.Node, kind: str) -> list[str]:
    """Return a resolved reference as Markdown, in pieces."""
    if isinstance(node, nodes.Text):
        return [node.astext()]
    inside = "".join(
        text for child in node.children for text in markdown(app, page, child, kind)
    )
    if isinstance(node, nodes.math):
        return [f"${node.astext()}$"]
    if isinstance(node, nodes.literal) and not {"std-numref", "std-ref"} & set(
        node["classes"]
    ):
        return [f"`{node.astext()}`"]
    if isinstance(node, nodes.emphasis):
        return [f"*{inside}*"]
    if isinstance(node, nodes.reference):
        address = node.get("refuri") or f"#{node.get('refid', '')}"
        return [linked(app, page, address, inside, "*{}*" if kind == "doc" else "{}")]
    return [inside]


def references(app: Sphinx, keys: list[str]) -> str:
    """Return the list of the works cited, as the bibliography has them."""
    entries = {
        entry.key: entry.formatted_entry
        for entry in app.env.get_domain("cite").citations
    }
    lines = sorted(
        "- " + entries[key].text.render_as("text").replace("*", r"\*") for key in keys
    )
    return "## References\n\n" + "\n".join(lines)
