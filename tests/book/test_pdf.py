"""The book as one PDF: an outline with every chapter, numbered equations, everything typeset."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import browser as b
import pdf
import pytest
from conftest import cannot
from pypdf import PdfReader

pytestmark = pytest.mark.slow  # `make pdf` takes more than a minute


@pytest.fixture(scope="module")
def book() -> PdfReader:
    if not pdf.PDF.exists():
        cannot("the PDF is not made; run: make pdf")
    return PdfReader(pdf.PDF)


@pytest.fixture(scope="module")
def text(book: PdfReader) -> str:
    return "\n".join(page.extract_text() for page in book.pages)


def entries(outline: list[Any], level: int = 0) -> Iterator[tuple[int, str]]:
    for each in outline:
        if isinstance(each, list):
            yield from entries(each, level + 1)
        else:
            yield level, each.title


def plain(html: str) -> str:
    html = re.sub(r'<a class="headerlink".*?</a>|<[^>]*>', "", html)
    return re.sub(r"\s+", " ", unescape(html)).strip()


@pytest.fixture(scope="module")
def whole() -> dict[str, str]:
    """The pages of the book, cut out of the one page that was printed."""
    html = (pdf.WHOLE / "index.html").read_text("utf8")
    html = html[html.index("<article") : html.index("</article>")]
    first, *parts = re.split(r'<span id="document-([^"]+)"></span>', html)
    return {"book/index": first, **dict(zip(parts[::2], parts[1::2], strict=True))}


@pytest.mark.parametrize("page", b.pages_of_the_toc())
def test_the_outline_has_every_chapter_and_its_sections(page: str, whole: dict[str, str], book: PdfReader) -> None:
    told = {title for _, title in entries(book.outline)}
    found = re.findall(r"<h[1-3]\b[^>]*>(.*?)</h[1-3]>", whole[page.removesuffix(".html")], re.DOTALL)
    wanted = [plain(each) for each in found if "math" not in each]
    assert wanted
    assert [each for each in wanted if each not in told] == []


def test_the_outline_is_a_tree(book: PdfReader) -> None:
    assert {level for level, _ in entries(book.outline)} >= {0, 1, 2}


def test_it_is_a_whole_book(book: PdfReader) -> None:
    assert len(book.pages) > 150
    assert all(page.mediabox.width == pytest.approx(595, abs=2) for page in book.pages)


def test_every_equation_has_its_number(text: str) -> None:
    html = (pdf.WHOLE / "index.html").read_text("utf8")
    numbers = re.findall(r'<span class="eqno">(\(.*?\))', html)
    assert len(numbers) > 150
    assert len(numbers) == len(set(numbers))
    assert [each for each in numbers if each not in text] == []


def test_every_figure_has_its_number(text: str) -> None:
    html = (pdf.WHOLE / "index.html").read_text("utf8")
    numbers = re.findall(r'<span class="caption-number">(Fig\. [\d.]+)', html)
    assert len(numbers) > 20
    assert [each for each in numbers if each.rstrip() not in text] == []


def test_pages_are_numbered(book: PdfReader) -> None:
    for k in (10, 50, 100):
        assert re.search(rf"\b{k + 1}\b", book.pages[k].extract_text())


def test_the_tex_is_set(text: str) -> None:
    """Each formula was typeset before the page was printed (pdf.py looks); nothing of its source is left."""
    assert not re.search(r"\\[(\[]\s*[a-zA-Z\\]", text)
