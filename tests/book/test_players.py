"""Players in a browser: controls and keys change the picture and say so; from a file, printed, without scripts."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import browser as b
import pytest
from docutils import nodes
from docutils.utils import new_document
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from rnncourse.widgets import frames
from rnncourse.widgets.player import asset

SEEN = """return [...arguments[0].querySelectorAll('.rnn-frame')].map((e, k) => e.checkVisibility() ? k : -1)
    .filter(k => k >= 0);"""
# Plays, and pauses as soon as the second frame is there: from outside, a busy machine would come too late.
PAUSED_AT_THE_SECOND = """const [player, play, done] = arguments, frame = player.querySelectorAll('.rnn-frame')[1];
    new MutationObserver((_, watch) => {
        const playing = play.ariaLabel;
        watch.disconnect();
        play.click();
        done([playing, play.ariaLabel]);
    }).observe(frame, {attributes: true, attributeFilter: ['hidden']});
    play.click();"""
PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>t</title><link rel="icon" href="data:,">'
    '<meta name="viewport" content="width=device-width"><body>{}</body></html>'
)


def square(size: float, kind: str = "") -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 9"><rect width="{size}" height="9"/>{kind}</svg>'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with two players, each with its own copy of the script, as in a notebook."""
    one = frames(square, [10, 20, 30, 40], labels="{} wide".format, alt="A square, {} wide.".format, name="Width")
    two = frames(square, {"Size": [1, 2, 3], "Kind": ["x", "y"]}, alt="{} and {}.".format)
    where = tmp_path_factory.mktemp("players")
    (where / "page.html").write_text(PAGE.format(one._repr_html_() + two._repr_html_()), "utf8")
    (where / "player.js").write_text(asset("player.js"), "utf8")
    policy = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src data:"
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy}"><body>'
    strict = PAGE.replace("<body>", head).format(one.html() + '<script src="player.js"></script>')
    (where / "strict.html").write_text(strict, "utf8")
    return where


@pytest.fixture(scope="module", autouse=True)
def forget(chromium: b.webdriver.Chrome) -> Iterator[None]:
    """Leave no log of pages from files to the tests that share this browser."""
    yield
    chromium.get("about:blank")
    b.requests(chromium)
    chromium.get_log("browser")


@pytest.fixture(scope="module", params=["file", "http"])
def address(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """The page, from a file and served."""
    if request.param == "file":
        yield (folder / "page.html").as_uri()
    else:
        with b.served(folder) as served:
            yield f"{served}page.html"


@pytest.fixture
def players(address: str, chromium: b.webdriver.Chrome) -> Iterator[list[WebElement]]:
    """The players of a fresh page; afterwards the console must be empty."""
    chromium.get(address)
    b.resize(chromium, 800)
    chromium.get_log("browser")
    yield chromium.find_elements("css selector", ".rnn-player")
    assert [entry["message"] for entry in chromium.get_log("browser")] == []


@contextmanager
def emulated(browser: b.webdriver.Chrome, media: str = "", motion: str = "reduce") -> Iterator[None]:
    """Another medium, or another wish for motion, for a while."""
    features = [{"name": "prefers-reduced-motion", "value": motion}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
    try:
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


def seen(player: WebElement) -> list[int]:
    return player.parent.execute_script(SEEN, player)


def part(player: WebElement | b.webdriver.Chrome, selector: str) -> WebElement:
    return player.find_element("css selector", selector)


def said(player: WebElement) -> str:
    return part(player, "[aria-live=polite]").get_attribute("textContent")


def test_keys_on_the_slider_change_the_picture(players: list[WebElement]) -> None:
    player, other = players
    slider = part(player, "input[type=range]")
    assert seen(player) == [0]
    for key, frame, words in (
        (Keys.ARROW_RIGHT, 1, "20 wide"),
        (Keys.END, 3, "40 wide"),
        (Keys.ARROW_RIGHT, 3, "40 wide"),
        (Keys.ARROW_LEFT, 2, "30 wide"),
        (Keys.HOME, 0, "10 wide"),
    ):
        slider.send_keys(key)
        assert seen(player) == [frame]
        assert slider.get_attribute("aria-valuetext") == words
        assert part(player, "output").text == words
        assert said(player) in ("", f"Width: {words}")
    assert said(player) == "Width: 10 wide"
    assert seen(other) == [0]


def test_the_picture_has_its_own_name(players: list[WebElement]) -> None:
    player = players[0]
    part(player, "input").send_keys(Keys.ARROW_RIGHT)
    shown = [e for e in player.find_elements("css selector", ".rnn-frame [role=img]") if e.is_displayed()]
    assert [(e.aria_role, e.accessible_name) for e in shown] == [("image", "A square, 20 wide.")]
    assert part(player, "input").accessible_name == "Width"


def test_what_the_browser_kept_is_shown(players: list[WebElement], chromium: b.webdriver.Chrome) -> None:
    """Some keep the chosen words when a page is loaded again, and say nothing of it."""
    player = players[1]
    chromium.execute_script("arguments[0].querySelectorAll('input[type=radio]')[1].checked = true", player)
    assert seen(player) == [0]
    chromium.execute_script("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    assert seen(player) == [1]


def test_buttons_step_once_and_stop_at_the_ends(players: list[WebElement]) -> None:
    player = players[0]
    back, on = part(player, "[data-step='-1']"), part(player, "[data-step='1']")
    assert (back.accessible_name, on.accessible_name) == ("Width: previous", "Width: next")
    back.click()
    assert seen(player) == [0]
    on.send_keys(Keys.ENTER)
    on.send_keys(Keys.SPACE)
    assert seen(player) == [2]
    assert said(player) == "Width: 30 wide"
    on.click()
    on.click()
    assert seen(player) == [3]
    assert on.get_attribute("aria-disabled") == "true"
    assert back.get_attribute("aria-disabled") == "false"


def test_two_controls_choose_one_of_all_frames(players: list[WebElement]) -> None:
    player = players[1]
    part(player, "input[type=range]").send_keys(Keys.END)
    assert seen(player) == [4]
    part(player, "input[type=radio]").send_keys(Keys.ARROW_RIGHT)
    assert seen(player) == [5]
    assert said(player) == "Size: 3, Kind: y"
    assert seen(players[0]) == [0]


def test_it_plays_to_the_end_where_motion_is_welcome(players: list[WebElement], chromium: b.webdriver.Chrome) -> None:
    player, play = players[0], part(players[0], "[data-play]")
    assert not play.is_displayed(), "the browser of the tests asks for reduced motion"
    with emulated(chromium, motion="no-preference"):
        assert play.is_displayed()
        names = chromium.execute_async_script(PAUSED_AT_THE_SECOND, player, play)
        assert seen(player) == [1]
        assert names == ["Pause", "Play"]
        assert play.accessible_name == "Play"
        part(player, "input").send_keys(Keys.ARROW_RIGHT)
        play.click()
        WebDriverWait(chromium, b.PATIENCE).until(lambda _: play.accessible_name == "Play")
        assert seen(player) == [3]
        assert said(player) == "Width: 40 wide"


def test_the_first_frame_is_printed(players: list[WebElement], chromium: b.webdriver.Chrome) -> None:
    part(players[0], "input").send_keys(Keys.END)
    with emulated(chromium, media="print"):
        assert seen(players[0]) == [0]
        assert not part(players[0], ".rnn-controls").is_displayed()
    assert seen(players[0]) == [3]


def test_without_scripts_the_first_frame_is_shown(address: str, chromium: b.webdriver.Chrome) -> None:
    chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        chromium.get(address)
        shown = [e.is_displayed() for e in chromium.find_elements("css selector", ".rnn-frame")]
        controls = [e.is_displayed() for e in chromium.find_elements("css selector", ".rnn-controls")]
    finally:
        chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    assert shown == [True] + 3 * [False] + [True] + 5 * [False]
    assert controls == [False, False]


def test_it_works_under_a_content_security_policy(address: str, chromium: b.webdriver.Chrome) -> None:
    """As the book loads it: the script from a file beside the page, no inline scripts allowed."""
    chromium.get(address.replace("page.html", "strict.html"))
    player = part(chromium, ".rnn-player")
    part(player, "input").send_keys(Keys.END)
    assert part(player, "output").text == "40 wide"
    chromium.get_log("browser")  # the style sheet is not there; nothing hides the frames but `hidden`
    assert seen(player) == [3]
    chromium.execute_script(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.x=1'}))"
    )
    assert chromium.execute_script("return window.x") is None, "the policy is at work"
    chromium.get_log("browser")


def test_it_fits_a_phone(players: list[WebElement], chromium: b.webdriver.Chrome) -> None:
    b.resize(chromium, 360)
    assert chromium.execute_script("return document.documentElement.scrollWidth") <= 360
    for each in chromium.find_elements("css selector", ".rnn-player button, .rnn-player input[type=range]"):
        assert not each.is_displayed() or each.size["height"] >= 40, "too small for a finger"


# --- those of the book ---------------------------------------------------------------------------------------------


def test_the_same_figure_twice_has_its_own_ids() -> None:
    sys.path.insert(0, str(b.ROOT / "book" / "_ext"))
    import rnn_players

    page = new_document("page")
    figure = frames(square, {"Size": [1, 2, 3], "Kind": ["x", "y"]}, alt="{} and {}.".format)._repr_html_()
    page += [nodes.raw("", figure, format="html") for _ in range(2)]
    rnn_players.take_out(None, page)
    texts = [node.astext() for node in page]
    assert "<script>" not in "".join(texts)
    ids = [re.findall(r' id="([^"]+)"', text) for text in texts]
    assert len(ids[0]) == len(ids[1]) > 1
    assert set(ids[0]).isdisjoint(ids[1])
    for own, text in zip(ids, texts, strict=True):
        used = re.findall(r' (?:for|xlink:href|href)="#?([^"]+)"', text) + re.findall(r"url\(#([^)]+)\)", text)
        assert set(used) <= set(own)
        assert set(re.findall(r' name="([^"]+)"', text)) <= {f"{own[0]}-c{k}" for k in range(2)}


def test_the_pages_hold_no_script_of_a_player(site: Path) -> None:
    """The script comes once, as a file: a content security policy can then forbid inline ones."""
    pages = {page: (site / page).read_text("utf8") for page in b.pages_of_the_toc()}
    holding = [page for page, text in pages.items() if 'class="rnn-player"' in text]
    assert holding
    for page in holding:
        assert "rnnPlayers" not in pages[page]
        assert pages[page].count("js/player.js") == 1
    assert all("js/player.js" not in text for page, text in pages.items() if page not in holding)
