"""A check mark at every claim about how networks behave, and the report that it leads to.

The role ``{claim}`name` `` stands behind the sentence that is checked (tests/claims says how, and compares the words).
Hover and focus tell p, runs and seeds; the mark leads to the claim's row, which ``{claim-report}`` writes. When a build
starts, all claims are judged (a minute; the results are kept in _build as long as neither tables nor claims change).
"""

from __future__ import annotations

import hashlib
import json
import sys
from html import escape
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

REPORT = "book/appendices/verification"
logger = logging.getLogger(__name__)


class claim_mark(nodes.Inline, nodes.Element):  # noqa: N801 (docutils names its nodes so)
    """The place of a mark, until it is known where the report is."""


class Claim(SphinxRole):
    """Behind a sentence: its claim."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Leave a place."""
        return [claim_mark(name=self.text)], []


def judge(app: Sphinx) -> None:
    """Judge all claims, or take the verdicts of the last build if nothing has changed."""
    root = Path(app.srcdir)
    tests = root / "tests"
    digest = hashlib.sha256(Path(__file__).read_bytes())
    sources = [*tests.glob("claims/*.py"), *tests.glob("experiments/*.py")]
    for source in sorted([*sources, *root.glob("book/*/results/*.jsonl")]):
        digest.update(
            source.relative_to(root).as_posix().encode() + source.read_bytes()
        )
    kept = root / "_build" / "claims.json"
    known = json.loads(kept.read_text("utf8")) if kept.exists() else {}
    sys.path.insert(0, str(tests))
    try:
        if known.get("digest") != digest.hexdigest():
            known = {
                "digest": digest.hexdigest(),
                "claims": import_module("claims").report(),
            }
            kept.parent.mkdir(exist_ok=True)
            kept.write_text(json.dumps(known), "utf8")
        marks = [*import_module("claims.pages").marks(root / "book")]
    finally:
        sys.path.remove(str(tests))
    pages = {
        name: page.relative_to(root).with_suffix("").as_posix()
        for page, name, _ in marks
    }
    app.env.rnn_claims = {  # type: ignore[attr-defined]
        row["name"]: row | {"page": pages.get(row["name"], "")}
        for row in known["claims"]
    }
    app.env.rnn_claims_digest = known["digest"]  # type: ignore[attr-defined]


def told(claim: dict[str, Any]) -> str:
    """Say what the mark tells: p, runs and seeds."""
    if claim["problems"]:
        return "does not stand: " + "; ".join(claim["problems"])
    size = f"{claim['runs']} runs, {claim['seeds']} seeds" if claim["runs"] else ""
    if claim["kind"] == "exact":
        return f"computed from {size}" if size else "a construction: nothing to shuffle"
    return f"{outcome(claim)}; {size}"


def outcome(claim: dict[str, Any]) -> str:
    """Say p, or the interval and its margin."""
    if claim["interval"] is not None:
        low, high = claim["interval"]
        return f"difference from {low:.2g} to {high:.2g}, margin {claim['margin']:g}"
    return "exact" if claim["p"] is None else f"p = {claim['p']:.2g}"


def no_line_before(place: nodes.Element) -> None:
    """Let no line begin with a mark: it belongs to the sentence that it follows."""
    at = place.parent.index(place)
    before = place.parent[at - 1] if at else None
    if isinstance(before, nodes.Text) and before != before.rstrip():
        place.parent.replace(before, nodes.Text(before.rstrip() + "\N{NO-BREAK SPACE}"))


def mark(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the marks of a page into their places."""
    for place in list(doctree.findall(claim_mark)):
        name = place["name"]
        claim = app.env.rnn_claims.get(name)  # type: ignore[attr-defined]
        if claim is None:
            logger.warning("%s: there is no claim %r in tests/claims", docname, name)
        elif claim["problems"]:
            logger.warning("%s: claim %r %s", docname, name, told(claim))
        if claim is None or app.builder.format != "html":
            place.parent.remove(place)
            continue
        whole = app.builder.name == "singlehtml"
        linked = REPORT in app.env.found_docs
        page = (
            app.builder.get_relative_uri(docname, REPORT)
            if linked and not whole
            else ""
        )
        text = escape(told(claim))
        no_line_before(place)
        place.replace_self(
            nodes.raw(
                "",
                f'<a class="claim-mark" data-told="{text}" aria-label="claim {escape(name)}: {text}" '
                f'href="{page}#claim-{escape(name)}"><span aria-hidden="true">✓</span></a>',
                format="html",
            )
        )


class ClaimReport(SphinxDirective):
    """All claims that the book marks, and what became of each."""

    def run(self) -> list[nodes.Node]:
        """Write the numbers and a table, page by page, a row a claim."""
        claims = [each for each in self.env.rnn_claims.values() if each["page"]]
        shuffled = [each for each in claims if each["p"] is not None]
        same = sum(each["kind"] == "same" for each in claims)
        lines = [
            f"{len(claims)} sentences about how networks behave are held against stored runs: {len(shuffled)} say that something makes a "
            f"difference, and hold on at most 5 % of tables with shuffled labels; {same} say{'s' * (same == 1)} "
            f"that something makes none, with an interval and a margin; {sum(each['kind'] == 'exact' for each in claims)} are single "
            "numbers, constructions or counterexamples. `make experiments NAMES=…` makes a table again, in so many minutes.",
        ]
        for page in dict.fromkeys(each["page"] for each in claims):
            lines += ["", f"**{{doc}}`/{page}`**", ""]
            lines += [
                "| sentence, and its name | factor and control | runs, seeds | p | made by |",
                "|---|---|---|---|---|",
            ]
            lines += [line(each) for each in claims if each["page"] == page]
        holder = nodes.container(classes=["claim-report"])
        self.state.nested_parse(
            StringList(lines, self.get_source_info()[0]), self.content_offset, holder
        )
        for entry in holder.findall(nodes.row):
            names = [literal.astext() for literal in entry[0].findall(nodes.literal)]
            if names:  # not the head of the table
                entry["ids"].append("claim-" + names[-1])
        return [holder]


def line(claim: dict[str, Any]) -> str:
    """Return a claim's row."""
    within = ", ".join(claim["within"])
    factor = claim["factor"] + (f", within {within}" if within else "")
    control = ", ".join(f"{key}: {value}" for key, value in claim["control"].items())
    runs = f"{claim['runs']}, {claim['seeds']}" if claim["runs"] else ""
    made = "a cell of the page"
    if claim["command"]:
        minutes = "" if claim["minutes"] is None else f", {claim['minutes']:.1f} min"
        made = f"`{claim['command'].removeprefix('make experiments NAMES=')}`{minutes}"
    shown = outcome(claim) if claim["kind"] != "exact" else "exact"
    sentence = f"{' '.join(claim['text'].split())} `{claim['name']}`"
    cells = [
        sentence,
        factor + (f"; control: {control}" if control else ""),
        runs,
        shown,
        made,
    ]
    cells = [cell.replace("|", "\\|") for cell in cells]
    return "| " + " | ".join(cells) + " |"


def outdated(
    app: Sphinx,
    env: BuildEnvironment,
    added: set[str],
    changed: set[str],
    removed: set[str],
) -> list[str]:
    """Read again the report, and the pages with marks, when a table or a claim has changed."""
    marked = {each["page"] for each in env.rnn_claims.values() if each["page"]}
    before, now = getattr(env, "rnn_claims_written", None), env.rnn_claims_digest
    env.rnn_claims_written = now  # type: ignore[attr-defined]
    return sorted((marked | {REPORT}) & env.found_docs) if before != now else []


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_node(claim_mark)
    app.add_role("claim", Claim())
    app.add_directive("claim-report", ClaimReport)
    app.connect("builder-inited", judge)
    app.connect("env-get-outdated", outdated)
    app.connect("doctree-resolved", mark)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
