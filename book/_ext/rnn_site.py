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
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx import addnodes
from sphinx.errors import ExtensionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.config import Config
    from sphinx.environment import BuildEnvironment

REPEATED_IDS = ("exercise-content", "solution-content", "proof-content")
HIDDEN_CELL = re.compile(  # two paragraphs, and a label that says neither
    r'<summary aria-label="Toggle hidden content">\s*<p class="collapsed admonition-title">Show ([^<]*)</p>'
    r'\s*<p class="expanded admonition-title">[^<]*</p>\s*</summary>'
)
NO_HEADER = re.compile(r'<th( class="head[^"]*")><p></p></th>')
BLOCK_IN_LISTING = re.compile(r"<(/?)div")  # of sphinx.ext.viewcode
COUNTED_ID = re.compile(r"id\d+")
HOSTS = ("github", "gitlab", "bitbucket")
BINDER, COLAB = "https://mybinder.org", "https://colab.research.google.com"


def repository(app: Sphinx, config: Config) -> None:
    """Take the repository's address from the environment, so that forks work; where none is known, no dead buttons."""
    config.html_theme_options.pop(
        "repository_url", None
    )  # Jupyter Book fills in its own
    config.html_theme_options.update(hosting(os.environ))
    base = os.environ.get("BOOK_BASEURL", "")
    config.html_baseurl = f"{base.rstrip('/')}/" if base else ""


def hosting(env: Mapping[str, str]) -> dict[str, Any]:
    """Return the theme's options for the repository that the environment names: our variable, or the hosting's own.

    Binder starts what lies on github.com or gitlab.com, Colab what lies on github.com: there is no button elsewhere.
    """
    url = env.get("BOOK_REPOSITORY_URL") or env.get("CI_PROJECT_URL", "")
    if not url and env.get(
        "GITHUB_REPOSITORY"
    ):  # also on Forgejo and Gitea, with their own server
        url = f"{env.get('GITHUB_SERVER_URL', 'https://github.com')}/{env['GITHUB_REPOSITORY']}"
    if not url:
        return {}
    url = url.rstrip("/").removesuffix(".git")
    if not re.fullmatch(r"https?://[^/\s]+/\S+/[^/\s]+", url):
        raise ExtensionError(
            f"BOOK_REPOSITORY_URL is to be like https://github.com/someone/book, and is {url}"
        )
    server = url.split("/")[2]
    host = next((name for name in HOSTS if name in server), None)
    launch = {"notebook_interface": "jupyterlab"}
    if re.fullmatch(r"https://(github|gitlab)\.com/[^/]+/[^/]+", url):
        launch["binderhub_url"] = BINDER
    if server == "github.com":
        launch["colab_url"] = COLAB
    return {
        "repository_url": url,
        "repository_branch": env.get("BOOK_REPOSITORY_BRANCH")
        or env.get("CI_DEFAULT_BRANCH", "main"),
        "repository_provider": host or "github",
        "path_to_docs": "",
        "use_repository_button": True,
        "use_issues_button": True,
        "use_edit_page_button": host is not None,
        "launch_buttons": launch,
    }


def cache_key(app: Sphinx, config: Config) -> None:
    """Answer no notebook from the cache after a change of the package: jupyter-cache looks at the cells only."""
    if config.nb_execution_mode != "cache":
        return
    digest = hashlib.sha256(f"{version('numpy')} {version('matplotlib')}".encode())
    if not find_spec("torch"):
        digest.update(b"without torch")
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


def stored_outputs(app: Sphinx, config: Config) -> None:
    """Without PyTorch, leave the cells tagged `torch` as they are stored: tests and CI hold them against PyTorch."""
    if config.nb_execution_mode != "cache" or find_spec("torch"):
        return
    from myst_nb.core.execute import cache

    run = cache.single_nb_execution

    def without_torch(notebook: Any, *arguments: Any, **options: Any) -> Any:
        return run(notebook, *arguments, **options, skip_cells_with_tag="torch")

    cache.single_nb_execution = without_torch


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
    """Let ``rnncourse.RNN`` lead to ``rnncourse.layers.rnn.RNN``, where it is described."""
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
    """Number the ids that sphinx-exercise and sphinx-proof give to every box, and numpydoc to each docstring's citations."""
    for k, section in enumerate(doctree.findall(nodes.section)):
        section["ids"] = [
            f"{name}-{k}" if name in REPEATED_IDS else name for name in section["ids"]
        ]
    latest: dict[str, str] = {}  # a docstring's citations follow the places that cite
    for k, node in enumerate(doctree.findall(nodes.Element)):
        if isinstance(node, nodes.citation):
            node["backrefs"] = [latest.get(name, name) for name in node["backrefs"]]
        elif isinstance(node, nodes.reference | addnodes.pending_xref):
            for name in filter(COUNTED_ID.fullmatch, node["ids"]):
                latest[name] = f"{name}-{k}" if name in latest else name
            node["ids"] = [latest.get(name, name) for name in node["ids"]]


def one_fold(app: Sphinx, doctree: nodes.document) -> None:
    """Fold code that stands together together: a folded cell that puts out nothing goes into the next one's fold."""
    for cell in list(doctree.findall(folded)):
        after = cell.next_node(descend=False, siblings=True)
        if (
            len(cell) == 1
            and after is not None
            and folded(after)
            and cell["prompt_show"] == after["prompt_show"]
        ):
            after[0].children[:0] = cell[0].children
            for child in cell[0].children:
                child.parent = after[0]
            cell.parent.remove(cell)


def folded(node: nodes.Node) -> bool:
    """Whether a node is a cell whose code is folded."""
    return isinstance(node, nodes.container) and node.get("hide_mode") in {
        "input",
        "all",
    }


def valid(body: str) -> str:
    """Return the body of a page with what HTML allows: no block inside of a line, no header of a column without words."""
    body = body.replace('role="doc-biblioentry"', 'role="listitem"')
    body = NO_HEADER.sub(r"<td\1></td>", body)
    body = HIDDEN_CELL.sub(r"<summary>Show \1</summary>", body)
    return re.sub(
        r"<pre>.*?</pre>",
        lambda listing: BLOCK_IN_LISTING.sub(r"<\1span", listing[0]),
        body,
        flags=re.DOTALL,
    )


def page(
    app: Sphinx,
    name: str,
    template: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Mend one page: scripts given twice, a role that is no longer valid, boxes where only words may be, a description."""
    scripts = {
        (str(s.filename or ""), s.attributes.get("body")): s
        for s in reversed(context.get("script_files", []))
    }
    context["script_files"] = list(scripts.values())[
        ::-1
    ]  # Sphinx 7.4 repeats sphinx-thebe's const: a SyntaxError
    if "body" in context:
        context["body"] = valid(context["body"])
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
    if error is None and app.builder.name == "html":
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
    app.connect("config-inited", stored_outputs)
    app.connect("config-inited", join_streams)
    app.connect("config-inited", inventories, priority=100)
    app.connect("autodoc-skip-member", skip_field_aliases)
    app.connect("autodoc-process-docstring", initials, priority=900)
    app.connect("missing-reference", public_names)
    app.connect("doctree-read", unique_ids)
    app.connect("doctree-read", one_fold)
    app.connect("html-page-context", page, priority=900)
    app.connect("build-finished", redirect, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
