"""The end of each page: licences, version and date of the build, where to tell of an error, and how to cite the page.

What is said comes from CITATION.cff, the date from the sources and not from the clock: the same sources give the same
pages. Where no repository is known there is no address for errors.
"""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import yaml
from rnn_site import (
    hosting,  # not the theme's options: Jupyter Book puts its own address there
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from docutils import nodes
    from sphinx.application import Sphinx
    from sphinx.config import Config

TEMPLATE = "page-footer.html"
TEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
TEX |= {each: f"\\{each}" for each in "&%$#_{}"}


def day(folder: Path, env: Mapping[str, str], released: date) -> date:
    """Return the day of the sources: SOURCE_DATE_EPOCH, else the last commit, else that of the release."""
    seconds = env.get("SOURCE_DATE_EPOCH", "")
    if not seconds:
        command = ["git", "-C", str(folder), "log", "-1", "--format=%ct", "--", "."]
        with suppress(OSError):  # no git here
            found = subprocess.run(command, capture_output=True, text=True, check=False)
            seconds = found.stdout.strip()
    return datetime.fromtimestamp(int(seconds), UTC).date() if seconds else released


def errata(repository: str, page: str, version: str) -> str:
    """Return the address that takes a report of an error, filled in where the host is known to take that."""
    if not repository:
        return ""
    server = repository.split("/")[2]
    if "gitlab" in server:
        words = {"issue[title]": f"{page}: ", "issue[description]": f"{version}\n\n"}
        return f"{repository}/-/issues/new?{urlencode(words)}"
    if "github" in server:
        words = {"title": f"{page}: ", "body": f"{version}\n\n"}
        return f"{repository}/issues/new?{urlencode(words)}"
    return f"{repository}/issues"


def tex(text: str) -> str:
    """Escape what TeX would take for its own."""
    return re.sub(r"[\\~^&%$#_{}]", lambda found: TEX[found[0]], text)


def bibtex(
    page: str, title: str, book: str, about: Mapping[str, Any], on: date, url: str
) -> str:
    """Return the entry of a page; the first page stands for the book."""
    authors = " and ".join(f"{{{tex(each['name'])}}}" for each in about["authors"])
    of = "" if title == book else f" of {tex(book)}"
    name = re.sub(r"[^a-z0-9]+", "-", page.rpartition("/")[2].lower()).strip("-")
    rows = [
        ("author", f"{{{authors}}}"),
        ("title", f"{{{{{tex(title)}}}}}"),
        ("howpublished", f"{{Page{of}}}" if of else "{Book of Jupyter notebooks}"),
        ("year", f"{{{on.year}}}"),
        ("note", f"{{Version {about['version']}, {said(on)}}}"),
        *([("url", f"{{{url}}}")] if url else []),
    ]
    body = ",\n".join(f"  {key:12} = {value}" for key, value in rows)
    return f"@misc{{rnncourse-{name},\n{body}\n}}"


def said(on: date) -> str:
    """Write a day as people do."""
    return f"{on.day} {on:%B %Y}"


def prepare(app: Sphinx, config: Config) -> None:
    """Read what is said of the book; put the template into the footer."""
    about = yaml.safe_load(Path(app.srcdir, "CITATION.cff").read_text("utf8"))
    config.book_about = about
    on = day(Path(app.srcdir), os.environ, about["date-released"])
    config.book_day = on.isoformat()
    config.html_theme_options.setdefault("footer_content_items", [TEMPLATE])


def page(
    app: Sphinx,
    name: str,
    template: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Give the template its words."""
    about, on = app.config.book_about, date.fromisoformat(app.config.book_day)
    book = app.env.titles[app.config.root_doc].astext()
    repository = hosting(os.environ).get("repository_url", "")
    version = f"version {about['version']} of {said(on)}"
    context["book"] = {
        "title": book,
        "version": version,
        "errata": errata(repository, name, version[0].upper() + version[1:]),
        "solutions": 'class="solution' in context.get("body", ""),
    }
    if doctree is not None:
        title = app.env.titles[name].astext()
        base = app.config.html_baseurl.rstrip("/")
        url = f"{base}/{app.builder.get_target_uri(name)}" if base else ""
        authors = ", ".join(each["name"] for each in about["authors"])
        within = "" if title == book else f"{book}, "
        context["book"] |= {
            "cite": f"{authors[0].upper()}{authors[1:]} ({on.year}): {title}. {within}{version}.",
            "url": url,
            "bibtex": bibtex(name, title, book, about, on, url),
        }


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx; on another day all pages are written anew."""
    app.add_config_value("book_about", {}, "html")
    app.add_config_value("book_day", "", "html")
    app.connect("config-inited", prepare, priority=200)
    app.connect("html-page-context", page)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
