"""A long page is laid out in pieces (pieces.js): little before it is seen, all of it soon after, nothing lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import browser as b
import pytest

PAGE = "book/gated/gru.html"  # the heaviest
PLACE = "what-has-it-learned"
MOST_AT_ONCE = 3_500  # elements; the page has 26,000
# As on a machine that is never idle: no piece comes by itself.
NEVER_IDLE = "window.requestIdleCallback = () => 0;"
SKIPPED = """return [...document.querySelectorAll('.bd-article *')].filter(
    e => e.checkVisibility() && !e.checkVisibility({contentVisibilityAuto: true})).length"""
LAID_OUT = """return [...document.querySelectorAll('*')].filter(
    e => e.checkVisibility({contentVisibilityAuto: true})).length"""
TOP = "return document.getElementById(arguments[0]).getBoundingClientRect().top"
FORMULAS = """return [...document.querySelectorAll('.math')].filter(
    e => e.checkVisibility({visibilityProperty: true})).length"""


@pytest.fixture
def phone(site: Path, chromium: b.webdriver.Chrome) -> Iterator[tuple[b.webdriver.Chrome, str]]:
    """A narrow window, and the book's address."""
    b.resize(chromium, 412)
    with b.served(site) as address:
        yield chromium, address
    chromium.get("about:blank")


@pytest.fixture
def busy(phone: tuple[b.webdriver.Chrome, str]) -> Iterator[tuple[b.webdriver.Chrome, str]]:
    """The same, never idle."""
    script = phone[0].execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": NEVER_IDLE})
    yield phone
    phone[0].execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)


CHAPTERS = [page for page in b.pages_of_the_toc() if "appendices" not in page]


@pytest.mark.parametrize(
    "page", [page if page == PAGE else pytest.param(page, marks=pytest.mark.slow) for page in CHAPTERS]
)
def test_little_is_laid_out_before_a_chapter_is_seen(page: str, busy: tuple[b.webdriver.Chrome, str]) -> None:
    browser, address = busy
    browser.get(address + page)
    assert browser.execute_script(LAID_OUT) <= MOST_AT_ONCE


def test_soon_all_is_there_to_be_read_aloud(phone: tuple[b.webdriver.Chrome, str]) -> None:
    browser, address = phone
    browser.get(address + PAGE)
    b.settle(browser)
    assert browser.execute_script("return document.documentElement.className").split().count("in-pieces") == 1
    assert browser.execute_script(SKIPPED) == 0
    tree = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    read = [node for node in tree if not node["ignored"] and node["role"]["value"] == "MathMLMath"]
    assert len(read) == browser.execute_script(FORMULAS) > 200


@pytest.mark.parametrize("how", ["place", "reload"])
def test_who_goes_further_down_finds_the_page_whole(how: str, busy: tuple[b.webdriver.Chrome, str]) -> None:
    browser, address = busy
    browser.get(address + PAGE + (f"#{PLACE}" if how == "place" else ""))
    if how == "reload":
        assert browser.execute_script(SKIPPED) > 1000
        browser.refresh()
    assert browser.execute_script(SKIPPED) == 0


def test_a_link_within_the_page_leads_to_its_place(busy: tuple[b.webdriver.Chrome, str]) -> None:
    browser, address = busy
    browser.get(address + PAGE)
    assert browser.execute_script(SKIPPED) > 1000
    browser.execute_script(f"document.querySelector('a[href=\"#{PLACE}\"]').click()")
    assert browser.execute_script(SKIPPED) == 0
    assert abs(browser.execute_script(TOP, PLACE)) < 150  # px: the header's height


def test_paper_has_all(busy: tuple[b.webdriver.Chrome, str]) -> None:
    browser, address = busy
    browser.get(address + PAGE)
    assert browser.execute_script(SKIPPED) > 1000
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert browser.execute_script(SKIPPED) == 0
