"""The pages as some readers have them: on paper, in forced colours, in more contrast, by keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import browser as b
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

PAGE = "book/gated/lstm-backward.html"  # players, solutions, folded code, wide equations
PAPER = 673  # px: A4 less the margins of print.css

SHOWN = (
    """const seen = e => e.checkVisibility({visibilityProperty: true, opacityProperty: true}) && e.offsetHeight > 0;"""
)
CONTROLS = (
    SHOWN
    + """return ['.bd-sidebar-primary', '.bd-sidebar-secondary', '.bd-header-article', '.rnn-controls',
    '.toggle-button', '.notation-switch', '.copybtn', '.equation-menu', '.prev-next-footer', '.headerlink'].filter(
        name => [...document.querySelectorAll(name)].some(seen));"""
)
FOLDED = (
    SHOWN
    + """const folded = '.bd-article details:not(.equation-menu) > div, .rnn-player .rnn-frame:first-child';
    return [...document.querySelectorAll(`.solution > section, ${folded}`)]
        .filter(e => !seen(e)).map(e => e.outerHTML.slice(0, 120));"""
)
CUT = """return [...document.querySelectorAll('.bd-article pre, div.math > mjx-container')]
    .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent.trim().slice(0, 80));"""
FORCED = """const ground = getComputedStyle(document.body).backgroundColor, bad = [];
    for (const e of document.querySelectorAll('.fa-solid, .fas'))
        if (e.checkVisibility() && getComputedStyle(e).backgroundColor === ground) bad.push(e.className);
    for (const e of document.querySelectorAll('.rnn-player button, #notation-select, .admonition, div.cell_input'))
        if (!e.closest('.toggle-hidden *') // a hint within a closed hint
            && (getComputedStyle(e).borderLeftStyle === 'none' || getComputedStyle(e).borderLeftColor === ground))
            bad.push(e.className || e.id);
    for (const e of document.querySelectorAll('.equation-mark'))
        if (getComputedStyle(e).color === ground) bad.push(e.title);
    return [...new Set(bad)];"""
FOCUSED = """const e = document.activeElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
    return [e.outerHTML.slice(0, 90), e.textContent.trim(), style.outlineStyle, parseFloat(style.outlineWidth),
        box.width > 0 && box.top >= -1 && box.bottom <= innerHeight + 1, !!e.closest('main')];"""


@pytest.fixture
def page(site: Path, chromium: b.webdriver.Chrome) -> Iterator[b.webdriver.Chrome]:
    """A chapter, dark; afterwards the browser has its own media again."""
    with b.served(site) as address:
        b.resize(chromium, 1280)
        chromium.get(address + PAGE)
        b.settle(chromium)
        chromium.execute_script("document.documentElement.dataset.theme = 'dark'")
        yield chromium
        chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
        chromium.execute_script("localStorage.clear()")


def emulate(browser: b.webdriver.Chrome, media: str = "", **features: str) -> None:
    """Let the page see another medium, or a wish of its reader."""
    wishes = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": wishes})


def test_paper(page: b.webdriver.Chrome) -> None:
    """Light, without controls, with nothing folded and nothing cut; afterwards as before."""
    opened = "return document.querySelectorAll('details[open]').length"
    before = page.execute_script(opened)
    assert page.execute_script(CONTROLS) != []
    assert page.execute_script(FOLDED) != []
    b.resize(page, PAPER)
    emulate(page, "print")
    page.execute_script("dispatchEvent(new Event('beforeprint'))")
    b.settle(page)
    assert page.execute_script(CONTROLS) == []
    assert page.execute_script(FOLDED) == []
    assert page.execute_script(CUT) == []
    colours = "const s = getComputedStyle(document.querySelector('.bd-article')); return [s.color, s.backgroundColor]"
    assert page.execute_script(colours)[0] == "rgb(31, 41, 51)"
    assert (
        page.execute_script("return getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    )
    page.execute_script("dispatchEvent(new Event('afterprint'))")
    assert page.execute_script(opened) == before


def test_forced_colours(page: b.webdriver.Chrome) -> None:
    """Icons, boxes, players, the switch and the check marks can be seen in the system's colours."""
    emulate(page, forced_colors="active")
    assert page.execute_script("return matchMedia('(forced-colors: active)').matches")
    assert page.execute_script(FORCED) == []


def test_more_contrast(page: b.webdriver.Chrome) -> None:
    emulate(page, prefers_contrast="more")
    style = "const s = getComputedStyle(document.querySelector('.bd-article p')); return s.color"
    assert page.execute_script(style) == "rgb(255, 255, 255)"
    assert page.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(0, 0, 0)"


def test_the_keyboard_alone(page: b.webdriver.Chrome) -> None:
    """The first stop leads to the text; every stop after it is in the window and has a ring."""
    keys = ActionChains(page)
    keys.send_keys(Keys.TAB).perform()
    what, text, *_ = page.execute_script(FOCUSED)
    assert text == "Skip to main content", what
    WebDriverWait(page, b.PATIENCE).until(lambda _: page.execute_script(FOCUSED)[4])  # the link slides in
    keys.send_keys(Keys.ENTER).perform()
    WebDriverWait(page, b.PATIENCE).until(lambda _: page.execute_script("return location.hash") == "#main-content")
    bad, places = [], []
    for _ in range(30):
        keys.send_keys(Keys.TAB).perform()
        page.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")  # has scrolled
        what, _, style, width, inside, in_main = page.execute_script(FOCUSED)
        places.append(in_main)
        if style == "none" or width < 2 or not inside:
            bad.append((what, style, width, inside))
    assert bad == []
    assert all(places)
