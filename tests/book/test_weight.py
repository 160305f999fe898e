"""What a reader's first visit to a page fetches, compressed as a server would: at most 450 KB in all."""

from __future__ import annotations

import gzip
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import browser as b
import pytest

MOST = 450_000  # bytes
MOST_BEFORE_TEXT = 200_000  # the page, its style sheet, and the scripts that nothing is shown before
FOLDER = "_static/math"
# The browser fetches a font when a formula first needs it. These are all that any page of the book has asked for, by
# its log; every page with formulas is taken to need all of them.
FONTS = ("AMS-Regular", "Calligraphic-Regular", "Main-Regular", "Math-Italic", "Zero")
FONTS += ("Size1-Regular", "Size2-Regular", "Size3-Regular", "Size4-Regular")


class Loads(HTMLParser):
    """The files that a page fetches by itself, and those among them that are needed before anything is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[str] = []
        self.first: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        rel = (has.get("rel") or "").split()
        source = has.get("src") if tag in {"script", "img", "iframe", "source"} else None
        if tag == "link" and {"stylesheet", "icon", "preload", "manifest"} & set(rel):
            source = has.get("href")
        if source and not source.startswith("data:"):
            self.all.append(source)
            blocks = tag == "script" and not {"defer", "async"} & has.keys()
            if blocks or "stylesheet" in rel:
                self.first.append(source)


def fetched(page: Path, site: Path) -> tuple[set[Path], set[Path]]:
    """The files of a first visit, and those that come before the first text."""
    reader = Loads()
    reader.feed(page.read_text("utf8"))
    every, first = ({at(page, address) for address in found} | {page} for found in (reader.all, reader.first))
    for sheet in [path for path in every if path.suffix == ".css"]:
        css = sheet.read_text("utf8")
        more = re.findall(r"url\(\s*['\"]?(?!data:)([^'\")]+)", css) + re.findall(r"@import\s+['\"]([^'\"]+)", css)
        every |= {path for path in (at(sheet, address) for address in more) if not path.match(f"*/{FOLDER}/*.woff")}
        first |= {at(sheet, address) for address in more if address.endswith(".css")}
    if 'class="math ' in page.read_text("utf8"):
        every |= {found for font in FONTS for found in (site / FOLDER).glob(f"MathJax_{font}.*.woff")}
    return every, first


def at(page: Path, address: str) -> Path:
    """The file that an address in another file means."""
    return (page.parent / unquote(re.split("[?#]", address)[0])).resolve()


def weight(files: set[Path]) -> int:
    """Bytes on the wire: text by gzip; pictures and fonts are compressed already."""
    packed = {".png", ".woff", ".woff2", ".jpg", ".webp"}
    return sum(
        path.stat().st_size if path.suffix in packed else len(gzip.compress(path.read_bytes(), 6, mtime=0))
        for path in files
    )


MOST_ELEMENTS = 45_000


@pytest.mark.parametrize("page", b.pages_of_the_toc())
def test_a_page_arrives_with_its_formulas(page: str, site: Path) -> None:
    """Each is set, none by a script; no other notation comes along."""
    text = (site / page).read_text("utf8")
    assert text.count('class="math ') == len(
        re.findall(r'class="math [^>]*>(?:<span class="eqno">.*?</span>)?<mjx-', text)
    )
    assert not re.search(r"<script[^>]*(?:mathjax|katex|_static/math)", text, re.IGNORECASE)
    assert re.findall(r"<mjx-[^>]* style=", text) == []
    assert len(re.findall(r"<[a-zA-Z]", text)) <= MOST_ELEMENTS


@pytest.mark.parametrize("page", b.pages_of_the_toc())
def test_a_first_visit_is_light(page: str, site: Path) -> None:
    every, first = fetched((site / page).resolve(), site.resolve())
    sizes = {path.name: weight({path}) for path in sorted(every, key=lambda path: -weight({path}))}
    assert weight(every) <= MOST, sizes
    assert weight(first) <= MOST_BEFORE_TEXT, {path.name: weight({path}) for path in first}
    assert [name for name in sizes if "fontawesome" in name or name.startswith("fa-")] == []


def test_every_icon_of_the_pages_is_drawn(site: Path) -> None:
    """The theme names its icons by classes; css/icons.css has to know each."""
    drawn = set(re.findall(r"\.(fa-[a-z-]+)", (b.ROOT / "book/_static/css/icons.css").read_text("utf8")))
    used = {
        name
        for page in b.pages_of_the_toc()
        for classes in re.findall(r'class="([^"]*\bfa[srb-][^"]*)"', (site / page).read_text("utf8"))
        for name in classes.split()
        if name.startswith("fa-")
    }
    assert "fa-magnifying-glass" in used
    assert used - drawn - {"fa-solid", "fa-regular", "fa-brands"} == set()


def test_a_weight_counts_what_a_style_sheet_loads(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("@import 'b.css'; body { background: url(c.png) } i { mask: url(data:x) }")
    (tmp_path / "b.css").write_text("")
    (tmp_path / "c.png").write_bytes(b"0" * 1000)
    page = tmp_path / "page.html"
    page.write_text("<link rel=stylesheet href='a.css?v=1'><script src=d.js defer></script><img src='c.png#x'>")
    every, first = fetched(page, tmp_path)
    assert {path.name for path in every} == {"page.html", "a.css", "b.css", "c.png", "d.js"}
    assert {path.name for path in first} == {"page.html", "a.css", "b.css"}
    assert weight({tmp_path / "c.png"}) == 1000
