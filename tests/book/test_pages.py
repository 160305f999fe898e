"""Every page of the book in a browser, in one visit: loaded in a wide window with an empty cache, looked at, used.

To load a chapter costs a browser two seconds of work, and axe-core takes as long for each window and colour mode. So
all that is asked of every page is asked here, of the same visit; what one page shows as well as all is in other files.
Two things are asked of the pages of WHOLE every day and of the others once a week (``-m slow``): whether they come at
rest on a phone, and what axe finds in a wide window and in the dark. Between them, WHOLE has all that stands in margins
and every kind of content. On a phone axe looks at every page in the light.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import browser as b
import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select
from test_players import part, said
from test_players import seen as shown
from test_site import NARROW, THEMES, WIDE, colour_and_structure, faults, loading
from test_weight import fetched

CHAPTERS = b.pages_of_the_toc()
PAGES = [*CHAPTERS, "search.html", "genindex.html", "index.html"]
WHOLE = {  # one chapter, and all that has a form of its own but is not long
    "book/index.html",
    "book/gated/gru.html",
    "book/appendices/cheat-sheet.html",
    "book/appendices/teachers.html",
    "book/appendices/verification.html",
    "search.html",
    "genindex.html",
}
HEAVIEST_PLAYER = 60_000  # bytes, compressed
NOTATIONS = ("ng", "hifog", "ltm", "pytorch")
SHIFT = """window.moved = 0; new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.moved += entry.value;
}).observe({type: 'layout-shift', buffered: true})"""
# Letters without a picture; U+2061 to 2064 and no-break spaces have none.
EMPTY = """const all = [...document.querySelectorAll('mjx-math mjx-c')].filter(e => !/mjx-c206[1-4]/.test(e.className));
    const none = all.filter(e => ['none', 'normal'].includes(getComputedStyle(e, '::before').content));
    return [...new Set(none.map(e => e.className))];"""
# What every formula with another form shows, and what is left of the book's marks in it.
FORMS = """const name = arguments[0], done = arguments[1]; (async () => {
    await rnnNotation.choose(name);
    const all = [...document.querySelectorAll(`.math[data-form-${name}]`)], own = /[⟨⟩Γ]/;
    const left = all.filter(e => own.test(e.querySelector('mjx-assistive-mml')?.textContent ?? 'not typeset ⟨'));
    done([all.length, left.map(e => e.outerHTML.slice(0, 200))]); })()"""
ERRORS = "return document.querySelectorAll('mjx-merror, [data-mml-node=merror]').length"
# A label is as large as its largest letter: text, or drawn glyphs of 100 units.
SMALL = """const small = [], note = (e, px, words) => {
        if (px < arguments[0]) small.push(`${px.toFixed(1)} px: ${words} in ${e.getAttribute('viewBox')}`); };
    for (const svg of document.querySelectorAll('.bd-article svg[viewBox]')) {
        if (!svg.getClientRects().length) continue;
        const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
        for (const text of svg.querySelectorAll('text')) if (text.textContent.trim())
            note(svg, scale * Math.max(...[text, ...text.querySelectorAll('tspan')].filter(e => [...e.childNodes].some(
                n => n.nodeType === 3 && n.textContent.trim())).map(e => parseFloat(getComputedStyle(e).fontSize))),
                text.textContent);
        for (const g of svg.querySelectorAll('g[transform*="scale("]')) {
            const found = /scale\\(([\\d.]+) -/.exec(g.getAttribute('transform'));
            if (found) note(svg, scale * 100 * found[1], 'a drawn label');
        }
    }
    return [[...new Set(small)], document.querySelectorAll('.bd-article svg[viewBox]').length];"""


@dataclass(frozen=True)
class Visit:
    """A page as it stands in the browser, and what was seen while it came."""

    page: str
    browser: b.webdriver.Chrome
    moved: float  # cumulative layout shift, by the browser's own measure
    asked: list[str]
    failed: list[str]


def visit(browser: b.webdriver.Chrome, root: str, page: str, width: int) -> Visit:
    """Load a page in a window of this width."""
    b.resize(browser, width)
    script = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": SHIFT})
    b.requests(browser)  # forget what others have asked for and said
    browser.get_log("browser")
    try:
        browser.get(root + page)
        b.settle(browser)
        moved = browser.execute_script("return window.moved")
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)
    return Visit(page, browser, moved, *b.requests(browser))


@pytest.fixture(scope="module")
def root(site: Path) -> Iterator[str]:
    """The book, served."""
    with b.served(site) as address:
        yield address


@pytest.fixture(scope="module", params=PAGES)
def seen(request: pytest.FixtureRequest, root: str, chromium: b.webdriver.Chrome) -> Iterator[Visit]:
    """A first visit: each page once for all the tests that follow; then the browser forgets what was chosen."""
    chromium.execute_cdp_cmd("Network.clearBrowserCache", {})
    yield visit(chromium, root, request.param, WIDE)
    chromium.execute_script("localStorage.clear()")


# --- one visit: first what was seen while it came, then what is used, at last what changes the page ----------------


def test_nothing_moves_while_a_page_loads(seen: Visit) -> None:
    assert seen.moved <= 0.02


def test_the_browser_fetches_no_more_than_is_weighed(seen: Visit, root: str, site: Path) -> None:
    """The browser's own log names no file that `test_weight.py` has left out."""
    asked = {each.removeprefix(root).partition("#")[0].partition("?")[0] for each in seen.asked if "data:" not in each}
    assert seen.page in asked
    if seen.page in CHAPTERS:
        counted = fetched((site / seen.page).resolve(), site.resolve())[0]
        assert asked - {path.relative_to(site.resolve()).as_posix() for path in counted} == set()


def test_every_letter_is_drawn(seen: Visit) -> None:
    """One broken rule of the style sheet takes the letters of the next away, and formulas have gaps."""
    assert seen.browser.execute_script(EMPTY) == []


def test_labels_can_be_read_on_a_phone(seen: Visit) -> None:
    b.resize(seen.browser, NARROW)
    b.settle(seen.browser)
    small, drawings = seen.browser.execute_script(SMALL, 8.95)
    assert small == []
    if "gated/" in seen.page:
        assert drawings > 0


def test_every_player(seen: Visit) -> None:
    """Each control changes the picture, each picture has a text, none is too heavy."""
    for player in seen.browser.find_elements("css selector", ".rnn-player"):
        assert shown(player) == [0]
        texts = [e.get_attribute("aria-label") for e in player.find_elements("css selector", ".rnn-frame [role=img]")]
        assert all(texts)
        assert len(set(texts)) == len(texts), "two pictures with the same text"
        for control in player.find_elements("css selector", ".rnn-control"):
            before = shown(player)
            part(control, "input[type=range], input[type=radio]:checked").send_keys(Keys.ARROW_RIGHT)
            assert shown(player) != before
            assert said(player)
        assert len(gzip.compress(player.get_attribute("outerHTML").encode())) <= HEAVIEST_PLAYER


def test_every_notation(seen: Visit) -> None:
    """The switch is there; no formula with another form keeps the book's marks; nothing sticks out."""
    if seen.page not in CHAPTERS:
        return
    b.resize(seen.browser, NARROW)
    select = Select(seen.browser.find_element("id", "notation-select"))
    assert [option.get_attribute("value") for option in select.options] == list(NOTATIONS)
    for name in NOTATIONS[1:] + NOTATIONS[:1]:
        count, left = seen.browser.execute_async_script(FORMS, name)
        assert left == []
        assert seen.browser.execute_script(ERRORS) == 0
        wide = seen.browser.execute_script("return document.documentElement.scrollWidth")
        assert wide <= NARROW, f"{seen.page} in {name}: {count} formulas, {wide} px wide"


def test_page(seen: Visit) -> None:
    """No error, no failed or outside request, equations typeset, nothing sticks out, pictures described."""
    whole = seen.page in WHOLE
    found = faults(seen.browser, (NARROW, WIDE) if whole else (NARROW,), THEMES if whole else ("light",))
    found += loading(seen.browser, seen.asked, seen.failed)
    assert not found, "\n".join(found)


@pytest.mark.slow
def test_page_in_a_wide_window_and_in_the_dark_too(seen: Visit) -> None:
    b.unfold(seen.browser)
    found = [each for width in (NARROW, WIDE) for each in colour_and_structure(seen.browser, width)]
    assert not found, "\n".join(found)


# --- a visit of its own --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "page", [page if page in WHOLE else pytest.param(page, marks=pytest.mark.slow) for page in CHAPTERS]
)
def test_nothing_moves_on_a_phone(page: str, root: str, chromium: b.webdriver.Chrome) -> None:
    assert visit(chromium, root, page, 412).moved <= 0.02
