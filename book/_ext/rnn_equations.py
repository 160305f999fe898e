"""A check mark at every numbered equation of the book, and the report that it leads to.

When a build starts, the equations of all pages are checked (about three seconds; the results are kept in _build as long
as neither the pages nor the package change). The directive ``{equation-report}`` shows them all.
"""

from __future__ import annotations

import hashlib
import json
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from rnncourse.equations.explain import explain
from rnncourse.equations.extract import pages
from rnncourse.equations.report import check_page

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

REPORT = "book/appendices/verification"
KINDS = {
    "identity": "identity",
    "inequality": "inequality",
    "membership": "shape or interval",
    "update": "update",
    "definition": "definition",
}
logger = logging.getLogger(__name__)


def check(app: Sphinx) -> None:
    """Check all pages, or take the results of the last build if nothing has changed."""
    root = Path(app.srcdir)
    found = pages(root / "book")
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for source in [*found, *sorted((root / "rnncourse").rglob("*.py"))]:
        digest.update(source.as_posix().encode() + source.read_bytes())
    kept = root / "_build" / "equations.json"
    if kept.exists():
        known = json.loads(kept.read_text("utf8"))
        if known["digest"] == digest.hexdigest():
            app.env.rnn_equations = known["equations"]  # type: ignore[attr-defined]
            return
    rows = [row(root, outcome) for page in found for outcome in check_page(page, False)]
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(
        json.dumps({"digest": digest.hexdigest(), "equations": rows}), "utf8"
    )
    app.env.rnn_equations = rows  # type: ignore[attr-defined]


def row(root: Path, outcome: Any) -> dict[str, Any]:
    """Keep what the pages tell about an equation."""
    eq = outcome.equation
    return {
        "label": eq.label,
        "page": eq.path.relative_to(root).with_suffix("").as_posix(),
        "status": outcome.status,
        "why": outcome.message.splitlines()[0] if outcome.message else "",
        "kinds": sorted({v.kind for v in outcome.verdicts}),
        "cases": outcome.cases,
        "largest": outcome.largest,
        "world": outcome.setting,
        "line": line(outcome) if outcome.status == "checked" else "",
    }


def line(outcome: Any) -> str:
    """Return the line that checks an equation in Python; empty where it needs the definitions before it."""
    eq = outcome.equation
    more = {
        "chapter": eq.path.stem,
        "world": outcome.setting,
        "attained": eq.marks.get("attained"),
    }
    more = {name: value for name, value in more.items() if value}
    for left_out in (
        {"world"},
        set(),
    ):  # the kind of run is named only where the chapter's first is another
        named = {name: value for name, value in more.items() if name not in left_out}
        if explain(eq.latex, **named).startswith(("It holds", "It is a definition")):
            quotes = '"""' if "\n" in eq.latex else '"'
            rest = ", ".join(f'{name}="{value}"' for name, value in named.items())
            return f"equations.check(r{quotes}{eq.latex}{quotes}, {rest})"
    return ""


def menu(equation: dict[str, Any]) -> str:
    """Return the menu beside an equation's number: what equations.js copies."""
    buttons = '<button type="button" data-copy="tex">Copy TeX</button>'
    buttons += '<button type="button" data-copy="link">Copy link</button>'
    if equation["line"]:
        buttons += f'<button type="button" data-copy="check" data-line="{escape(equation["line"])}">Copy check in Python</button>'
    return (
        f'<details class="equation-menu"><summary aria-label="{escape(equation["label"])}: copy">⋯</summary>'
        f'<div>{buttons}<span role="status"></span></div></details>'
    )


def told(equation: dict[str, Any]) -> tuple[str, str]:
    """Return the mark of an equation and what it says."""
    if equation["status"] == "checked":
        size = (
            f", largest difference {equation['largest']:.0e}"
            if equation["largest"]
            else ""
        )
        return "✓", f"checked on {equation['cases']} cases{size}"
    if equation["status"] in ("false", "refused"):
        verb = "false" if equation["status"] == "false" else "unreadable"
        return "✗", f"shown because it is {verb}, and found so: {equation['why']}"
    return "○", f"{equation['status']}: {equation['why']}"


def mark(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put a mark behind every numbered equation of a page."""
    if app.builder.format != "html":
        return
    whole = app.builder.name == "singlehtml"  # all pages at once, for the PDF
    known = {
        e["label"]: e
        for e in app.env.rnn_equations  # type: ignore[attr-defined]
        if (whole or e["page"] == docname) and e["label"]
    }
    there = {m["label"] for m in doctree.findall(nodes.math_block) if m.get("label")}
    if docname.startswith("book/") and there != known.keys():
        logger.warning(
            "%s: the book numbers %s, the checker found %s",
            docname,
            sorted(there - known.keys()),
            sorted(known.keys() - there),
        )
    linked = REPORT in app.env.found_docs
    target = (
        app.builder.get_relative_uri(docname, REPORT) if linked and not whole else ""
    )
    for block in list(doctree.findall(nodes.math_block)):
        if block.get("label") in known:
            equation = known[block["label"]]
            sign, text = told(equation)
            anchor = "report-" + nodes.make_id(equation["label"])
            inside = f'<span aria-hidden="true">{sign}</span>'
            attributes = f'class="equation-mark is-{equation["status"].replace(" ", "-")}" title="{escape(text)}"'
            label = f'aria-label="{escape(equation["label"])}: {escape(text)}"'
            html = (
                f'<a {attributes} {label} href="{target}#{anchor}">{inside}</a>'
                if linked
                else f'<span {attributes} {label} role="img">{inside}</span>'
            )
            html += "" if whole else menu(equation)
            block.parent.insert(
                block.parent.index(block) + 1,
                nodes.raw(
                    "", f'<div class="equation-check">{html}</div>', format="html"
                ),
            )


class EquationReport(SphinxDirective):
    """All equations of the book, and what became of each."""

    def run(self) -> list[nodes.Node]:
        """Write the numbers and a table, page by page, with the equations' numbers as links."""
        equations = self.env.rnn_equations
        checked = [e for e in equations if e["status"] == "checked"]
        marked = [e for e in equations if e["status"] == "not checked"]
        wrong = [e for e in equations if e["status"] in ("false", "refused")]
        lines = [
            f"Of {len(equations)} display equations {len(checked)} are checked, in {sum(e['cases'] for e in checked):,} comparisons; "
            f"{len(marked)} cannot be checked and say why; {len(wrong)} are shown because they are wrong, and were found so. "
            f"The largest difference is {max((e['largest'] for e in checked), default=0.0):.0e}.",
        ]
        for page in dict.fromkeys(e["page"] for e in equations):
            lines += ["", f"**{{doc}}`/{page}`**", ""]
            lines += [
                "| equation | label | what | cases | difference |",
                "|---|---|---|---|---|",
            ]
            for e in (e for e in equations if e["page"] == page):
                kinds, words = ", ".join(KINDS[k] for k in e["kinds"]), told(e)[1]
                words = words.replace("|", "\\|")
                what = kinds or (f"`{words}`" if "\\" in words else words)
                number = f"{{eq}}`{e['label']}`" if e["label"] else ""
                cases = str(e["cases"]) if e["cases"] else ""
                size = f"{e['largest']:.0e}" if e["cases"] else ""
                lines.append(
                    f"| {number} | `{e['label']}` | {what} | {cases} | {size} |"
                )
        holder = nodes.container(classes=["equation-report"])
        self.state.nested_parse(
            StringList(lines, self.get_source_info()[0]), self.content_offset, holder
        )
        for entry in holder.findall(nodes.row):
            literal = next(entry.findall(nodes.literal), None)
            if literal is not None:
                entry["ids"].append("report-" + nodes.make_id(literal.astext()))
        return [holder]


def always_read(
    app: Sphinx,
    env: BuildEnvironment,
    added: set[str],
    changed: set[str],
    removed: set[str],
) -> list[str]:
    """Read the report again whenever a page has changed."""
    return (
        [REPORT]
        if REPORT in env.found_docs and (added | changed | removed) - {REPORT}
        else []
    )


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_directive("equation-report", EquationReport)
    app.connect("builder-inited", check)
    app.connect("env-get-outdated", always_read)
    app.connect("doctree-resolved", mark)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
