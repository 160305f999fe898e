"""What the book says of itself: the end of each page, the table of chapters, the page for teachers and its paper."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from html import unescape
from pathlib import Path

import browser as b
import pytest
import yaml
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from sphinx.errors import ExtensionError

sys.path.insert(0, str(b.ROOT / "book" / "_ext"))
import rnn_chapters
import rnn_footer
import rnn_page
import rnn_site

ABOUT = yaml.safe_load((b.ROOT / "CITATION.cff").read_text("utf8"))
TEACHERS = b.ROOT / "book/appendices/teachers.md"
RELEASED = date(2001, 2, 3)

# --- the end of each page ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [*b.pages_of_the_toc(), "genindex.html", "search.html"])
def test_each_page_ends_with_licence_version_and_date(page: str, site: Path) -> None:
    footer = (site / page).read_text("utf8").partition('<div class="about-page">')[2].partition("</footer>")[0]
    assert "https://creativecommons.org/licenses/by/4.0/" in footer
    assert "BSD 3-Clause" in footer
    assert re.search(rf"version {re.escape(ABOUT['version'])} of \d+ [A-Z][a-z]+ 20\d\d", footer)
    assert ("Cite this page" in footer) == (page in b.pages_of_the_toc())
    assert 'href=""' not in footer
    assert 'href="#"' not in footer
    assert "executablebooks" not in footer  # Jupyter Book's own address, where none is known
    assert ("Tell of an error" in footer) == bool(rnn_site.hosting(os.environ))


def test_a_chapter_is_cited_by_its_title(site: Path) -> None:
    html = unescape((site / "book/foundations/bptt.html").read_text("utf8"))
    entry = re.search(r"<pre>(?:<span></span>)?(@misc\{rnncourse-bptt,.*?\n\})", html, re.DOTALL)
    assert entry
    assert "{{Backpropagation through time}}" in entry[1]
    assert f"Version {ABOUT['version']}, " in entry[1]
    assert entry[1].count("{") == entry[1].count("}")


def test_the_day_is_that_of_the_sources(tmp_path: Path) -> None:
    """SOURCE_DATE_EPOCH, the last commit, or the release, in this order; in UTC; never the clock."""
    assert rnn_footer.day(b.ROOT, {"SOURCE_DATE_EPOCH": "86399"}, RELEASED) == date(1970, 1, 1)
    assert rnn_footer.day(b.ROOT, {"SOURCE_DATE_EPOCH": "86400"}, RELEASED) == date(1970, 1, 2)
    assert rnn_footer.day(tmp_path, {}, RELEASED) == RELEASED
    git = subprocess.run
    git(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "page").write_text("words")
    git(["git", "-C", str(tmp_path), "add", "page"], check=True)
    who = ["-c", "user.name=A", "-c", "user.email=a@b.c"]
    when = {"GIT_COMMITTER_DATE": "2020-05-06T23:30:00-03:00", "PATH": os.environ["PATH"]}
    git(["git", "-C", str(tmp_path), *who, "commit", "-q", "-m", "x"], check=True, env=when)
    assert rnn_footer.day(tmp_path, {}, RELEASED) == date(2020, 5, 7)


def test_errors_have_an_address_where_the_repository_is_known() -> None:
    assert rnn_footer.errata("", "book/index", "V") == ""
    github = rnn_footer.errata("https://github.com/a/b", "book/x y", "V 1")
    assert github == "https://github.com/a/b/issues/new?title=book%2Fx+y%3A+&body=V+1%0A%0A"
    assert rnn_footer.errata("https://gitlab.com/a/b", "p", "V").startswith("https://gitlab.com/a/b/-/issues/new?issue")
    assert rnn_footer.errata("https://code.example.org/a/b", "p", "V") == "https://code.example.org/a/b/issues"


def test_an_entry_escapes_what_tex_would_take_for_its_own() -> None:
    entry = rnn_footer.bibtex("book/p/a_b", "50 % of $x_1$ & {y}", "Book", ABOUT, RELEASED, "https://x.org/a_b")
    assert entry.startswith("@misc{rnncourse-a-b,\n")
    assert r"{{50 \% of \$x\_1\$ \& \{y\}}}" in entry
    assert "year         = {2001}" in entry
    assert "url          = {https://x.org/a_b}" in entry
    assert "url" not in rnn_footer.bibtex("p", "T", "Book", ABOUT, RELEASED, "")


# --- the table of chapters -----------------------------------------------------------------------------------------


def test_a_chapter_says_itself_what_it_needs() -> None:
    said = "You need {doc}`a`, {doc}`its loop <../two/b>` and {doc}`a`, and\nsome care. About 45 minutes."
    found = rnn_chapters.chapter(
        "book/one/c", ["# C\n\n" + said, "```{exercise} X\n:label: x\n```\n\n````{exercise-start}\n````"]
    )
    assert found == ("book/one/c", 45, ["book/one/a", "book/two/b"], found.words, 2)
    plain = rnn_chapters.chapter("book/one/a", ["You need a pencil | a pen. Allow 5 minutes."])
    assert rnn_chapters.table([plain, found]).splitlines()[2:] == [
        r"| 1. {doc}`/book/one/a` | 5 | a pencil \| a pen | 0 |",
        "| 2. {doc}`/book/one/c` | 45 | {doc}`1 </book/one/a>` | 2 |",
    ]


@pytest.mark.parametrize("cells", [[], ["You need care."], ["About 5 minutes."], ["You need a. 5 minutes."] * 2])
def test_a_chapter_that_does_not_say_it_fails_the_build(cells: list[str]) -> None:
    with pytest.raises(ExtensionError, match="book/one/a: one paragraph has to say"):
        rnn_chapters.chapter("book/one/a", cells)


def test_the_landing_page_lists_the_chapters(site: Path) -> None:
    """Each numbered chapter, in order, with links, and with as many exercises as its page has boxes."""
    table = (site / "book/index.html").read_text("utf8").partition("<table")[2].partition("</table>")[0]
    rows = re.findall(r"<tr.*?</tr>", table, re.DOTALL)[1:]
    pages = rnn_chapters.numbered(yaml.safe_load((b.ROOT / "_toc.yml").read_text("utf8")))
    assert len(rows) == len(pages) >= 7
    for page, row in zip(pages, rows, strict=True):
        cells = [re.sub(r"<[^>]*>", "", each).strip() for each in re.findall(r"<td.*?</td>", row, re.DOTALL)]
        html = (site / f"{page}.html").read_text("utf8")
        assert f'href="{page.removeprefix("book/")}.html"' in row
        assert 20 <= int(cells[1]) <= 240
        assert cells[2]
        assert int(cells[3]) == len(re.findall(r'<div class="exercise admonition"', html)) > 0


# --- for teachers --------------------------------------------------------------------------------------------------

LESSON = re.compile(r"^## \d+\. .*?(?=^## )", re.MULTILINE | re.DOTALL)


def test_lessons_name_sections_that_are_there() -> None:
    """What stands in italics in a lesson is a heading of its chapter; each numbered chapter has a lesson."""
    lessons = LESSON.findall(TEACHERS.read_text("utf8"))
    chapters = rnn_chapters.numbered(yaml.safe_load((b.ROOT / "_toc.yml").read_text("utf8")))
    told = []
    for lesson in lessons:
        page = re.search(r"^\*From \{doc\}`\.\./([^`]*)`", lesson, re.MULTILINE)
        assert page, lesson[:60]
        told.append(f"book/{page[1]}")
        notebook = json.loads((b.ROOT / "book" / f"{page[1]}.ipynb").read_text("utf8"))
        text = "\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown")
        headings = set(re.findall(r"^##+ (.*)$", text, re.MULTILINE))
        named = {" ".join(each.split()) for each in re.findall(r"(?<!\*)\*([^*]+)\*", lesson)}
        named = {each for each in named if not each.startswith("From ")}
        assert len(named) >= 3
        assert named <= headings, named - headings
    assert told == chapters


HIDDEN = ".solution, .dropdown.admonition"
SHOWN = f"return [...document.querySelectorAll('{HIDDEN}')].filter(e => e.getClientRects().length).length"
SWITCH = "return document.querySelector('.print-switch input').checked"


@pytest.fixture
def served(site: Path, chromium: b.webdriver.Chrome) -> Iterator[str]:
    """The site; afterwards the browser has forgotten the choice, and shows the screen."""
    with b.served(site) as address:
        b.resize(chromium, 1280)
        yield address
        chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
        chromium.execute_script("localStorage.clear()")


def test_paper_without_solutions(served: str, chromium: b.webdriver.Chrome) -> None:
    """The switch works by keyboard, is kept for the other pages, and concerns the paper alone."""
    chromium.get(served + "book/appendices/teachers.html")
    b.settle(chromium)
    assert chromium.execute_script(SWITCH) is False
    chromium.execute_script("document.querySelector('.print-switch input').focus()")
    ActionChains(chromium).send_keys(Keys.SPACE).perform()
    assert chromium.execute_script(SWITCH) is True
    chromium.get(served + "book/foundations/bptt.html")
    b.settle(chromium)
    assert chromium.execute_script(SWITCH) is True
    assert chromium.execute_script(SHOWN) > 0
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert chromium.execute_script(SHOWN) == 0
    assert chromium.execute_script(SHOWN.replace(HIDDEN, ".exercise")) > 0
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    chromium.execute_script("document.querySelector('.print-switch input').focus()")
    ActionChains(chromium).send_keys(Keys.SPACE).perform()
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert chromium.execute_script(SHOWN) > 0


# --- what is folded, and what is small -----------------------------------------------------------------------------

FOLDED = """const look = (kind, summary) => [...document.querySelectorAll(summary)].map(e => {
        const s = getComputedStyle(e), box = getComputedStyle(e.parentElement), mark = getComputedStyle(e, '::before');
        return [s.fontSize, s.fontWeight, s.fontFamily, s.color, s.paddingLeft, box.borderTopStyle, box.borderLeftStyle,
            box.borderTopColor, box.borderTopWidth, box.borderLeftWidth,
            mark.width, mark.left, mark.maskImage].join(' | ');
    });
    return ['.bd-article div.cell details > summary', '.bd-article .solution > .admonition-title',
        '.bd-article :not(.dropdown) > .dropdown:not(.solution) > .admonition-title',
        'details.folded > summary'].map(each => [each, [...new Set(look(each, each))]]);"""

# Closed, a box is as high as its title and its two borders.
EMPTY = """return [...document.querySelectorAll('.admonition.toggle-hidden')].filter(e => e.getClientRects().length
    && !e.parentElement.closest('.toggle-hidden') && e.offsetHeight > e.firstElementChild.offsetHeight + 3)
    .map(e => e.innerText)"""


def test_all_folded_things_look_alike(served: str, chromium: b.webdriver.Chrome) -> None:
    chromium.get(served + "book/foundations/bptt.html")
    b.settle(chromium)
    found = dict(chromium.execute_script(FOLDED))
    assert len(found) == 4
    assert all(len(looks) == 1 for looks in found.values()), found
    assert len({looks[0] for looks in found.values()}) == 1, found
    assert chromium.execute_script(EMPTY) == []


TWO_FOLDS = re.compile(
    r"<summary>([^<]*)</summary>\s*<div class=\"cell_input(?:(?!<summary>|\"cell_output).)*</details>\s*</div>"
    r"\s*<div class=\"cell tag_hide-\w+[^>]*>\s*<details[^>]*>\s*<summary>\1</summary>",
    re.DOTALL,
)


@pytest.mark.parametrize("page", b.pages_of_the_toc())
def test_code_that_stands_together_is_folded_together(page: str, site: Path) -> None:
    assert not TWO_FOLDS.findall((site / page).read_text("utf8"))


def test_a_wide_drawing_is_boxed_once() -> None:
    """At least as wide as its smallest label needs; scripts do not count; a second look changes nothing."""
    wide = '<svg viewBox="0 0 600 90"><text font-size="13px">a<tspan font-size="4px">t</tspan></text></svg>'
    once = rnn_page.DRAWING.sub(rnn_page.legible, wide)
    assert once == f'<div class="sideways least-26">{wide}</div>'  # 9 / 13 * 600 = 415 px
    assert rnn_page.DRAWING.sub(rnn_page.legible, once) == once
    narrow = wide.replace("600", "450")
    assert rnn_page.DRAWING.sub(rnn_page.legible, narrow) == narrow
    drawn = '<svg viewBox="0 0 600 90"><g fill="red" transform="translate(1 2) scale(0.13 -0.13)"></g></svg>'
    assert rnn_page.DRAWING.sub(rnn_page.legible, drawn).startswith('<div class="sideways least-26">')
