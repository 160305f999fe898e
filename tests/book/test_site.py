"""The built book: what is wrong with a page, that the search finds, and that nothing comes from another machine."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import accessibility
import browser as b
import pytest
import typeset
from selenium.webdriver.support.ui import WebDriverWait

WIDE, NARROW = 1280, 360  # px
THEMES = ("light", "dark")
OUTSIDE = re.compile(r"(?:[a-z]+:)?//(?!127\.0\.0\.1|localhost)", re.IGNORECASE)
LOADED_BY_LINK = {
    "stylesheet",
    "preload",
    "modulepreload",
    "prefetch",
    "preconnect",
    "dns-prefetch",
    "icon",
    "manifest",
}

NO_ALT = """return [...document.images].filter(e => !e.getAttribute('alt')?.trim()).map(e => e.getAttribute('src'))
    .concat([...document.querySelectorAll('figure.rnn-diagram svg')].filter(e => !e.closest('[aria-hidden=true]')
        && !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.querySelector('title')))
        .map(e => 'an unnamed svg'));"""

# What sticks out to the right of the window, although no box of its own scrolls it.
OVERFLOW = """
    const wide = document.documentElement.clientWidth, inside = e => {
        for (let p = e.parentElement; p && p !== document.body; p = p.parentElement)
            if (/auto|scroll/.test(getComputedStyle(p).overflowX) && p.getBoundingClientRect().right <= wide + 1
                && p.scrollWidth > p.clientWidth) return true;
        return false;
    };
    const all = '.bd-main :not(mjx-container, mjx-container *, svg *), .bd-header-article *';
    const out = [...document.querySelectorAll(all)].filter(e => {
        const r = e.getBoundingClientRect();
        return r.width > 1 && r.right > wide + 1 && !e.closest('dialog, .bd-sidebar-secondary')
            && getComputedStyle(e).visibility !== 'hidden' && !inside(e);
    }).slice(0, 5).map(e => `<${e.tagName.toLowerCase()} class="${e.getAttribute('class') || ''}"> `
        + `${(e.textContent || '').trim().slice(0, 40)}`);
    if (document.documentElement.scrollWidth > wide) out.push('the page as a whole');
    return out;"""


def faults(browser: b.webdriver.Chrome, of_axe: tuple[int, ...], themes: tuple[str, ...] = THEMES) -> list[str]:
    """All that is wrong with the page that stands there, with everything unfolded; axe looks in these windows."""
    found = []
    b.unfold(browser)
    for width in (WIDE, NARROW):
        b.resize(browser, width)
        b.settle(browser)
        found += [f"{width} px: sticks out: {each}" for each in browser.execute_script(OVERFLOW)]
    found += [f"not typeset: {each}" for each in typeset.unset(browser)]
    for width in of_axe:
        found += colour_and_structure(browser, width, themes)
    found += [f"no alternative text: {each}" for each in browser.execute_script(NO_ALT)]
    return found + [f"two elements have the id {each}" for each in accessibility.repeated_ids(browser)]


def colour_and_structure(browser: b.webdriver.Chrome, width: int, themes: tuple[str, ...] = THEMES) -> list[str]:
    """What axe finds in a window of this width, light and dark."""
    b.resize(browser, width)
    b.settle(browser)
    found = []
    for theme in themes:
        rules = () if theme == "light" else accessibility.OF_COLOUR  # the modes differ in colours alone
        found += [f"{width} px, {theme}: {each}" for each in accessibility.violations(browser, theme, rules)]
    return found


def loading(browser: b.webdriver.Chrome, asked: list[str], failed: list[str]) -> list[str]:
    """What came from outside, failed or complained: these requests, and what the browser has noted since."""
    later = b.requests(browser)
    found = [f"asks for {each}" for each in asked + later[0] if OUTSIDE.match(each)]
    found += [f"failed: {each}" for each in failed + later[1]]
    return found + [
        f"console: {e['message']}" for e in browser.get_log("browser") if e["level"] in {"SEVERE", "WARNING"}
    ]


@pytest.fixture(scope="session")
def address(site: Path):
    """The built book, served."""
    with b.served(site) as served:
        yield served


def test_search_finds_the_forget_gate(address: str, chromium: b.webdriver.Chrome) -> None:
    """The search page lists the chapter that teaches it, and nothing for a word that the book does not hold."""
    assert any("gated/lstm-forward" in each for each in searched(chromium, address, "forget+gate"))
    assert searched(chromium, address, "transmogrifier") == []


@pytest.mark.parametrize("words", ["sunspots", "transpose", "tensordot", "glossary"])
def test_the_search_shows_prose(words: str, address: str, chromium: b.webdriver.Chrome) -> None:
    """Around the word; nothing of the page's header or its buttons, and code only where no prose has the word."""
    searched(chromium, address, words)
    there = "return [...document.querySelectorAll('#search-results li:has(p.context)')].map(e => [e.innerText])"
    found = WebDriverWait(chromium, b.PATIENCE).until(lambda driver: driver.execute_script(there))
    for (text,) in found:
        assert not re.search(r"\bimport\b|Copy TeX|Notation\s+Ng|keeps? the book's notation", text), text
    if words != "glossary":  # which stands in a heading
        assert any(words in text.lower().partition("\n")[2] for (text,) in found)


def searched(browser: b.webdriver.Chrome, address: str, words: str) -> list[str]:
    """Return the addresses that the search page lists."""
    browser.get(f"{address}search.html?q={words}")
    WebDriverWait(browser, b.PATIENCE).until(
        lambda driver: re.search("search query|did not match", driver.find_element("id", "search-results").text)
    )
    return browser.execute_script("return [...document.querySelectorAll('#search-results li a')].map(e => e.href)")


# --- without a browser ---------------------------------------------------------------------------------------------


def test_the_verification_report_tells_what_every_notebook_costs(site: Path) -> None:
    html = (site / "book/appendices/verification.html").read_text("utf8")
    told = html[html.index('id="build-time"') : html.index("</table>", html.index('id="build-time"'))]
    assert "The build that wrote this page took" in told
    notebooks = [page for page in b.pages_of_the_toc() if (b.ROOT / page).with_suffix(".ipynb").exists()]
    assert len(notebooks) >= 4
    assert [page for page in notebooks if Path(page).name not in told] == []


class Loads(HTMLParser):
    """Addresses that a page loads by itself, as opposed to those that it links to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {key: value or "" for key, value in attrs}
        self.in_style = tag == "style"
        if tag in {"script", "img", "iframe", "embed", "source", "video", "audio", "track", "input", "object"}:
            self.found += [attributes.get("src", ""), attributes.get("data", "")]
            self.found += [part.split()[0] for part in attributes.get("srcset", "").split(",") if part.strip()]
        elif tag == "link" and LOADED_BY_LINK & set(attributes.get("rel", "").lower().split()):
            self.found.append(attributes.get("href", ""))
        elif tag in {"use", "image"}:
            self.found += [attributes.get("href", ""), attributes.get("xlink:href", "")]
        self.found += addresses_in_css(attributes.get("style", ""))

    def handle_data(self, data: str) -> None:
        if self.in_style:
            self.found += addresses_in_css(data)

    def handle_endtag(self, tag: str) -> None:
        self.in_style = False


def addresses_in_css(text: str) -> list[str]:
    """Addresses that a style sheet loads."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return re.findall(r"url\(\s*['\"]?([^'\")]+)", text) + re.findall(r"@import\s+['\"]([^'\"]+)", text)


def outside(text: str, suffix: str) -> list[str]:
    """Addresses on other machines that this page or style sheet loads."""
    if suffix == ".css":
        found = addresses_in_css(text)
    else:
        reader = Loads()
        reader.feed(text)
        found = reader.found
    return [each for each in found if OUTSIDE.match(each.strip())]


def test_nothing_comes_from_outside(site: Path) -> None:
    """No page and no style sheet of the whole site loads anything from another machine."""
    files = [path for path in site.rglob("*") if path.suffix in {".html", ".css"}]
    assert files
    found = {str(path.relative_to(site)): outside(path.read_text("utf8"), path.suffix) for path in files}
    assert {name: addresses for name, addresses in found.items() if addresses} == {}


def test_every_local_address_exists(site: Path) -> None:
    """Every file that a page of the book loads is there."""
    missing = []
    for page in b.pages_of_the_toc():
        reader = Loads()
        reader.feed((site / page).read_text("utf8"))
        for each in filter(None, reader.found):
            name = each.split("?")[0].split("#")[0]
            if name and not re.match(r"[a-z]+:", name) and not ((site / page).parent / name).exists():
                missing.append(f"{page}: {each}")
    assert missing == []


# --- the checks themselves: each must find what it is for ----------------------------------------------------------

HEAD = '<!doctype html><html lang="en"><title>t</title><link rel="icon" href="data:,">'
GOOD = HEAD + '<body><main class="bd-main"><h1>t</h1>{}</main></body></html>'


def faults_of(body: str, of_axe: tuple[int, ...], folder: Path, browser: b.webdriver.Chrome) -> list[str]:
    """Load a page with this body and look at it as `test_pages.py` does."""
    (folder / "page.html").write_text(GOOD.format(body), "utf8")
    b.requests(browser)
    b.resize(browser, WIDE)
    with b.served(folder) as address:
        browser.get(f"{address}page.html")
        b.settle(browser)
        return faults(browser, of_axe) + loading(browser, [], [])


DOT = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("<script>throw new Error('broken')</script>", "console:"),
        ("<script src='missing.js'></script>", "failed: 404"),
        ("<img alt='x' src='http://outside.invalid/x.png'>", "asks for http://outside.invalid"),
        (
            f"<img src='{DOT}'>",
            "no alternative text",
        ),
        ("<figure class='rnn-diagram'><svg></svg></figure>", "no alternative text: an unnamed svg"),
        ("<div class='math'>\\[ x \\]</div>", "not typeset"),
        ("<div class='math'><mjx-container><mjx-merror>x</mjx-merror></mjx-container></div>", "not typeset"),
        ("<div style='width: 400px'>wide</div>", "360 px: sticks out"),
        ("<div style='overflow: hidden'><div style='width: 400px'>cut</div></div>", "360 px: sticks out"),
        ("<p>The state is \\(a\\) here.</p>", "not typeset: The state"),
        ("<p id='a'>x</p><p id='a'>y</p>", "two elements have the id a"),
    ],
)
def test_a_bad_page_is_found(body: str, message: str, tmp_path: Path, chromium: b.webdriver.Chrome) -> None:
    found = faults_of(body, (), tmp_path, chromium)
    assert any(message in each for each in found), found


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("<button></button>", "360 px, light: button-name: button:"),
        ("<p style='color: #999; background: #fff'>pale</p>", "1280 px, light: color-contrast"),
        (
            "<style>[data-theme=dark] p { color: #444; background: #222; }</style><p>words</p>",
            "1280 px, dark: color-contrast",
        ),
        ("<style>@media (width < 500px) { p { color: #ccc } }</style><p>words</p>", "360 px, light: color-contrast"),
        ("<details><button></button></details>", "button-name"),
        ("<ul><p>x</p></ul>", "list: ul"),
        ("</main><p>outside of the landmarks</p>", "region:"),
        (
            "<div style='overflow: auto; height: 30px'><p style='height: 300px'>x</p></div>",
            "scrollable-region-focusable",
        ),
    ],
)
def test_a_page_that_is_not_for_everyone_is_found(
    body: str, message: str, tmp_path: Path, chromium: b.webdriver.Chrome
) -> None:
    found = faults_of(body, (NARROW, WIDE), tmp_path, chromium)
    assert any(message in each for each in found), found


def test_a_good_page_passes(tmp_path: Path, chromium: b.webdriver.Chrome) -> None:
    body = "<div tabindex='0' style='overflow-x:auto'><pre>" + "x" * 500 + "</pre></div>"
    assert faults_of(body, (NARROW, WIDE), tmp_path, chromium) == []


@pytest.mark.parametrize(
    "page",
    [
        '<script src="https://cdn.example.org/x.js"></script>',
        '<link rel="stylesheet" href="//cdn.example.org/x.css">',
        '<link rel="preconnect" href="https://fonts.example.org">',
        '<img srcset="a.png 1x, https://example.org/b.png 2x">',
        '<style>@import "https://example.org/x.css";</style>',
        '<p style="background: url(https://example.org/x.png)">',
        '<iframe src="https://example.org"></iframe>',
    ],
)
def test_an_outside_address_is_found(page: str) -> None:
    assert len(outside(page, ".html")) == 1


def test_links_are_not_loads() -> None:
    assert (
        outside('<a href="https://example.org">x</a><link rel="canonical" href="https://example.org/">', ".html") == []
    )


def test_the_durations_of_a_run_are_stored_and_told(tmp_path: Path) -> None:
    """In a run of its own: the slow test comes first, and its file; the page's table has both."""
    import json
    import os
    import shutil
    import subprocess
    import sys

    sys.path.insert(0, str(b.ROOT / "book" / "_ext"))
    import rnn_times

    shutil.copy(b.ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_a.py").write_text("import time\ndef test_x(): pass\ndef test_y(): time.sleep(0.3)\n")
    environment = os.environ | {"DURATIONS": "out.json"}
    subprocess.run([sys.executable, "-m", "pytest", "-q", "."], cwd=tmp_path, env=environment, check=True)
    stored = json.loads((tmp_path / "out.json").read_text("utf8"))
    assert stored["tests"] == 2
    assert stored["slowest"][0] == ["test_a.py::test_y", pytest.approx(0.3, abs=0.3)]
    assert stored["files"][0][0] == "test_a.py"
    assert stored["folders"] == [[".", stored["files"][0][1]]]
    assert "test_a.py::test_y" in rnn_times.times_of_tests(stored)


def test_a_numbered_drawing_has_one_caption(address: str, chromium: b.webdriver.Chrome) -> None:
    """The book's, with the number; the drawing's own is for the notebook."""
    chromium.get(address + "book/gated/gru.html")
    b.settle(chromium)
    counts = chromium.execute_script(
        "return [...document.querySelectorAll('figure[id]')].filter(f => f.querySelector('.rnn-diagram'))"
        ".map(f => f.querySelectorAll('figcaption').length)"
    )
    assert len(counts) >= 3
    assert set(counts) == {1}
