"""What the book costs: how long each notebook took to run, its slowest cell, and the build; ``{build-times}`` shows it.

Times belong to the machine that built the pages. A notebook that is answered from the cache keeps the time of the run
that filled the cache.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from datetime import datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config

STARTED = time.perf_counter()
PAGE = "book/appendices/verification"
PLACE = re.compile(r'(<p id="build-time">).*?(</p>)')


def key(notebook: Any) -> str:
    """Name a notebook by its code, as the cache does."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256("\0".join(code).encode()).hexdigest()[:16]


def folder(app: Sphinx) -> Path:
    """Where times are kept: with the cache, so that both are thrown away together."""
    return Path(app.config.nb_execution_cache_path, "times")


def record(app: Sphinx, config: Config) -> None:
    """Have the cache's runs note when each cell began and ended."""
    if config.nb_execution_mode != "cache":
        return
    from myst_nb.core.execute import cache

    run = cache.single_nb_execution

    def timed(notebook: Any, *arguments: Any, **options: Any) -> Any:
        result = run(notebook, *arguments, **options, record_timing=True)
        cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        seconds = [lasted(cell.metadata.pop("execution", {})) for cell in cells]
        if seconds:
            slowest = max(range(len(cells)), key=seconds.__getitem__)
            line = next(iter(cells[slowest].source.strip().splitlines()), "")
            kept = {"notebook": result.time, "cell": seconds[slowest], "begins": line}
            folder(app).mkdir(parents=True, exist_ok=True)
            (folder(app) / f"{key(notebook)}.json").write_text(json.dumps(kept), "utf8")
        return result

    cache.single_nb_execution = timed


def lasted(execution: dict[str, str]) -> float:
    """Return the seconds from a cell's first sign of life to its last."""
    moments = [datetime.fromisoformat(moment) for moment in execution.values()]
    return (max(moments) - min(moments)).total_seconds() if moments else 0.0


class BuildTimes(SphinxDirective):
    """The place of the table; its rows are known when all pages have been read."""

    def run(self) -> list[nodes.Node]:
        """Leave a place."""
        return [nodes.comment("", "build-times")]


class TimesOfTests(SphinxDirective):
    """Where the time of the tests goes, by what ``make durations`` stored."""

    def run(self) -> list[nodes.Node]:
        """Return two lists, or say that nothing is stored."""
        path = Path(self.env.app.srcdir, "tests", "durations.json")
        self.env.note_dependency(str(path))
        html = (
            times_of_tests(json.loads(path.read_text("utf8"))) if path.exists() else ""
        )
        return [
            nodes.raw(
                "",
                html or "<p>No run has been stored: make durations.</p>",
                format="html",
            )
        ]


def times_of_tests(stored: dict[str, Any]) -> str:
    """Write the stored run: the whole, and where its time went."""
    html = (
        f"<p>A run of {stored['date']}: {stored['tests']:,} tests in {stored['seconds']} s, which is {stored['work']} s of "
        f"work on {stored['processors']} processors; the load at its end was {stored['load']}.</p>"
    )
    titles = {"folders": "folder", "files": "file", "slowest": "test or cell"}
    for kind, title in titles.items():
        if kind not in stored:  # by an older run
            continue
        body = "".join(
            f"<tr><td><code>{escape(name)}</code></td><td>{seconds}</td></tr>"
            for name, seconds in stored[kind]
        )
        html += (
            '<div class="pst-scrollable-table-container"><table class="table">'
            f"<thead><tr><th>{title}</th><th>seconds</th></tr></thead><tbody>{body}</tbody></table></div>"
        )
    return html


def table(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Write the table, the slowest notebook first."""
    places = [
        each
        for each in doctree.findall(nodes.comment)
        if each.astext() == "build-times"
    ]
    for place in places:
        rows = sorted(times(app), key=lambda row: -row[1]["notebook"])
        body = "".join(
            f'<tr><td><a href="{escape(app.builder.get_relative_uri(docname, page))}">'
            f"{escape(app.env.titles[page].astext())}</a></td>"
            f"<td>{row['notebook']:.1f}</td><td>{row['cell']:.1f}</td>"
            f"<td><code>{escape(row['begins'][:60])}</code></td></tr>"
            for page, row in rows
        )
        total = sum(row["notebook"] for _, row in rows)
        html = (
            f'<p id="build-time"></p><p>All notebooks, run one after another: {total:.0f} s.</p>'
            '<div class="pst-scrollable-table-container"><table class="table">'
            "<thead><tr><th>notebook</th><th>seconds</th><th>its slowest cell</th>"
            f"<th>which begins</th></tr></thead><tbody>{body}</tbody></table></div>"
        )
        place.replace_self(nodes.raw("", html if rows else "", format="html"))


def times(app: Sphinx) -> list[tuple[str, dict[str, Any]]]:
    """Return the pages that are notebooks, with their times where these are known."""
    found = []
    for page in sorted(app.env.found_docs):
        path = Path(app.env.doc2path(page))
        if path.suffix == ".ipynb":
            kept = folder(app) / f"{key(nbformat.read(path, as_version=4))}.json"
            if kept.exists():
                found.append((page, json.loads(kept.read_text("utf8"))))
    return found


def build_time(app: Sphinx, error: Exception | None) -> None:
    """Write how long the build took, as the last thing it does."""
    page = Path(app.outdir, f"{PAGE}.html")
    if error is None and app.builder.format == "html" and page.exists():
        new = [path for path in folder(app).glob("*.json") if ran_now(path)]
        text = (
            f"The build that wrote this page took {time.perf_counter() - STARTED:.0f} s; "
            f"{len(new)} of {len(times(app))} notebooks were run, the others came from the cache."
        )
        html = page.read_text("utf8")
        page.write_text(PLACE.sub(rf"\g<1>{text}\g<2>", html), "utf8")


def ran_now(path: Path) -> bool:
    """Whether a time was written by this build."""
    return time.time() - path.stat().st_mtime < time.perf_counter() - STARTED


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_directive("build-times", BuildTimes)
    app.add_directive("test-times", TimesOfTests)
    app.connect("config-inited", record, priority=600)  # after the cache has its place
    app.connect("doctree-resolved", table)
    app.connect("build-finished", build_time, priority=950)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
