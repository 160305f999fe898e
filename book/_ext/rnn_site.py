"""What the book's pages need and YAML cannot say, and repairs of faults in the stock theme and extensions.

Each function mends one thing and says which; delete it when the fault is gone upstream.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import zlib
from html import escape
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.config import Config
    from sphinx.environment import BuildEnvironment

REPEATED_IDS = ("exercise-content", "solution-content", "proof-content")
NUMPYDOC_LABEL = re.compile(r"\[R[0-9A-Fa-f]+-(\d+)\]")
REPOSITORY_BUTTONS = (
    "use_repository_button",
    "use_issues_button",
    "use_edit_page_button",
)


def repository(app: Sphinx, config: Config) -> None:
    """Take the repository's address from the environment, so that forks work; where none is known, no dead buttons."""
    env, options = os.environ, config.html_theme_options
    url = env.get("BOOK_REPOSITORY_URL")
    if not url and env.get("GITHUB_REPOSITORY"):
        url = f"{env.get('GITHUB_SERVER_URL', 'https://github.com')}/{env['GITHUB_REPOSITORY']}"
    if url:
        options["repository_url"] = url
        options["repository_branch"] = env.get("BOOK_REPOSITORY_BRANCH", "main")
        options["path_to_docs"] = ""
        options.update(dict.fromkeys(REPOSITORY_BUTTONS, True))
    config.html_baseurl = env.get("BOOK_BASEURL", "")


def cache_key(app: Sphinx, config: Config) -> None:
    """Answer no notebook from the cache after a change of the package: jupyter-cache looks at the cells only."""
    if config.nb_execution_mode != "cache":
        return
    digest = hashlib.sha256(f"{version('numpy')} {version('matplotlib')}".encode())
    kinds = {".py", ".css", ".js", ".mplstyle"}
    benchmarks = Path(app.srcdir, "tests", "benchmarks")  # read by the page on speed
    sources = [
        *(
            path
            for path in Path(app.srcdir, "rnncourse").rglob("*")
            if path.suffix in kinds
        ),
        *benchmarks.glob("results/*.json"),
        *(benchmarks / f"{name}.py" for name in ("goals", "plots", "report")),
    ]
    for source in sorted(sources):
        digest.update(source.read_bytes())
    caches = Path(app.srcdir, "_build", ".jupyter_cache")
    ours = caches / digest.hexdigest()[:16]
    for other in set(caches.glob("*")) - {ours}:
        shutil.rmtree(other, ignore_errors=True)
    config.nb_execution_cache_path = str(ours)


def inventories(app: Sphinx, config: Config) -> None:
    """Make intersphinx's inventories from the small lists in book/_inv: nothing is fetched."""
    out = Path(app.srcdir, "_build", "inventories")
    out.mkdir(parents=True, exist_ok=True)
    for listing in Path(app.srcdir, "book", "_inv").glob("*.txt"):
        rows = [
            line.split()
            for line in listing.read_text("utf8").splitlines()
            if line and not line.startswith("#")
        ]
        body = "".join(f"{name} {role} 1 {page} -\n" for name, role, page in rows)
        head = f"# Sphinx inventory version 2\n# Project: {listing.stem}\n# Version: \n# The rest is zlib-compressed.\n"
        (out / f"{listing.stem}.inv").write_bytes(
            head.encode() + zlib.compress(body.encode())
        )


def public_names(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, text: nodes.Element
) -> nodes.Element | None:
    """Let ``rnncourse.RNN`` lead to ``rnncourse.rnn.RNN``, where it is described."""
    package, _, name = node.get("reftarget", "").partition(".")
    head, *rest = name.split(".")
    found = (
        getattr(import_module("rnncourse"), head, None)
        if package == "rnncourse"
        else None
    )
    if node.get("refdomain") != "py" or not hasattr(found, "__qualname__"):
        return None
    target = ".".join([found.__module__, found.__qualname__, *rest])
    domain = env.get_domain("py")
    return domain.resolve_xref(
        env, node["refdoc"], app.builder, node["reftype"], target, node, text
    )


def skip_field_aliases(
    app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any
) -> bool | None:
    """Leave out what a NamedTuple says of its fields by itself: the class describes them."""
    return (
        True
        if (getattr(obj, "__doc__", None) or "").startswith("Alias for field number")
        else None
    )


def initials(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Keep the J. of a cited author from being read as the tenth item of a list."""
    lines[:] = [
        re.sub(r"^(\s*\.\. \[\S+\] [A-Z])\. ", r"\1\\. ", line) for line in lines
    ]


def unique_ids(app: Sphinx, doctree: nodes.document) -> None:
    """Number the ids that sphinx-exercise and sphinx-proof give to every one of their boxes."""
    for k, section in enumerate(doctree.findall(nodes.section)):
        section["ids"] = [
            f"{name}-{k}" if name in REPEATED_IDS else name for name in section["ids"]
        ]


def page(
    app: Sphinx,
    name: str,
    template: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Mend one page: scripts given twice, a role that is no longer valid, numpydoc's labels, a description."""
    scripts = {
        (str(s.filename or ""), s.attributes.get("body")): s
        for s in reversed(context.get("script_files", []))
    }
    context["script_files"] = list(scripts.values())[
        ::-1
    ]  # Sphinx 7.4 repeats sphinx-thebe's const: a SyntaxError
    if "body" in context:
        context["body"] = context["body"].replace(
            'role="doc-biblioentry"', 'role="listitem"'
        )
    paragraph = doctree and next(doctree.findall(nodes.paragraph), None)
    if paragraph:
        text = " ".join(paragraph.astext().split())
        if len(text) > 160:
            text = text[:160].rsplit(" ", 1)[0] + " …"
        context["metatags"] = (
            context.get("metatags", "")
            + f'\n<meta name="description" content="{escape(text)}">'
        )


def redirect(app: Sphinx, error: Exception | None) -> None:
    """Write the page that leads from the root to the landing page: the stock one is not valid HTML."""
    if error is None and app.builder.format == "html":
        target, title = (
            app.builder.get_target_uri(app.config.root_doc),
            escape(app.config.project),
        )
        Path(app.outdir, "index.html").write_text(
            f'<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{title}</title>\n'
            f'<link rel="icon" href="_static/favicon.svg">'
            f'<meta http-equiv="refresh" content="0; url={target}"></head>\n'
            f'<body><p><a href="{target}">{title}</a></p></body>\n</html>\n',
            "utf8",
        )


def join_streams(app: Sphinx, config: Any) -> None:
    """Join what a cell prints as it was printed.

    A kernel may send it in several parts; myst-nb's merging ends each part with a new line, in the middle of a line too.
    """
    from myst_nb.core import render

    merge = render.coalesce_streams

    def joined(outputs: list[Any]) -> list[Any]:
        first: dict[str, Any] = {}
        kept = []
        for output in outputs:
            if output["output_type"] == "stream" and output["name"] in first:
                first[output["name"]]["text"] += output["text"]
                continue
            if output["output_type"] == "stream":
                first[output["name"]] = output
            kept.append(output)
        return merge(kept)

    render.coalesce_streams = joined


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the functions above with Sphinx."""
    app.connect("config-inited", repository, priority=100)
    app.connect("config-inited", cache_key)
    app.connect("config-inited", join_streams)
    app.connect("config-inited", inventories, priority=100)
    app.connect("autodoc-skip-member", skip_field_aliases)
    app.connect("autodoc-process-docstring", initials, priority=900)
    app.connect("missing-reference", public_names)
    app.connect("doctree-read", unique_ids)
    app.connect("html-page-context", page, priority=900)
    app.connect("build-finished", redirect, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
