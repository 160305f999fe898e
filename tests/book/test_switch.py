"""The notation switch in a browser: it changes formulas, says where it cannot, and is remembered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import browser as b
import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

LSTM, RNN, GRU = "book/gated/lstm-forward.html", "book/foundations/rnn-forward.html", "book/gated/gru.html"
SPOKEN = """const done = arguments[1]; (async () => {
    await rnnNotation.settled();
    const e = document.getElementById(arguments[0]).querySelector('mjx-assistive-mml');
    done(e.textContent.replace(/[\\s\\u2061\\u2062]/g, '')); })()"""


# Where it matters how the forms come and where the choice is kept; for the rest the harder way, files, is enough.
FILES_AND_SERVED = pytest.mark.parametrize("address", ["file", "http"], indirect=True)


@pytest.fixture
def address(request: pytest.FixtureRequest, site: Path) -> Iterator[str]:
    """The book, from files; for some tests also served."""
    if getattr(request, "param", "file") == "file":
        yield site.as_uri() + "/"
    else:
        with b.served(site) as served:
            yield served


@pytest.fixture
def browser(address: str, chromium: b.webdriver.Chrome) -> Iterator[b.webdriver.Chrome]:
    """A reader who has not yet chosen; afterwards the console must hold no error."""
    b.resize(chromium, 1280)
    chromium.get(address + "search.html")  # the lightest page that has the same storage
    chromium.execute_script("localStorage.clear()")
    chromium.get_log("browser")
    yield chromium
    chromium.execute_script("localStorage.clear()")
    assert [e["message"] for e in chromium.get_log("browser") if e["level"] in ("SEVERE", "WARNING")] == []


def spoken(browser: b.webdriver.Chrome, label: str) -> str:
    """What a screen reader is given for an equation."""
    return browser.execute_async_script(SPOKEN, f"equation-eq-{label}")


def visit(browser: b.webdriver.Chrome, page: str, chosen: str | None = None) -> Select:
    """Go to a page that finds this choice kept; of pages on a disk, Chromium gives one in thirty an old copy."""
    for _ in range(10):
        browser.get(page)
        b.settle(browser)
        if browser.execute_script("return localStorage.getItem('rnncourse-notation')") == chosen:
            break
    return Select(browser.find_element("id", "notation-select"))


@FILES_AND_SERVED
def test_it_changes_formulas_and_is_remembered(browser: b.webdriver.Chrome, address: str) -> None:
    select = visit(browser, address + LSTM)
    assert select.first_selected_option.text == "Ng (this book)"
    own = "a⟨t⟩=Γo⟨t⟩⊙tanh(c⟨t⟩)"
    assert spoken(browser, "lstm-state") == own
    for name, form in (
        ("ltm", "STMt=Vt×tanh(LTMt)"),
        ("hifog", "ht=ot⊙tanh(ct)"),
        ("ng", own),
        ("pytorch", "ht=ot⊙tanh(ct)"),
    ):
        select.select_by_value(name)
        assert spoken(browser, "lstm-state") == form
    assert spoken(browser, "lstm-forget") == "ft=σ(Whfht−1+Wifxt+bif+bhf)"
    visit(browser, address + LSTM, "pytorch")
    assert spoken(browser, "lstm-state") == "ht=ot⊙tanh(ct)"
    select = visit(browser, address + RNN, "pytorch")
    assert select.first_selected_option.text == "PyTorch"
    assert "bih+bhh" in spoken(browser, "rnn-state")
    select.select_by_value("ng")
    assert spoken(browser, "rnn-state").startswith("a⟨t⟩")
    assert Select(browser.find_element("id", "notation-select")).first_selected_option.text == "Ng (this book)"


def test_formulas_in_sentences_change_too(browser: b.webdriver.Chrome, address: str) -> None:
    visit(browser, address + LSTM).select_by_value("hifog")
    browser.execute_async_script("rnnNotation.settled().then(arguments[0])")
    text = browser.execute_script("""return [...document.querySelectorAll('p > span.math')]
        .filter(e => e.dataset.formHifog).map(e => e.querySelector('mjx-assistive-mml').textContent).join(' ')""")
    assert "g" in text
    assert "Γ" not in text
    for name in ("ltm", "pytorch"):
        browser.execute_async_script("rnnNotation.choose(arguments[0]).then(arguments[1])", name)
    same = ".math[data-form-ltm]:not([data-form-pytorch])"
    kept = browser.execute_script(
        """return [...document.querySelectorAll(arguments[0])]
        .map(e => e.querySelector('mjx-assistive-mml').textContent)""",
        same,
    )
    assert "c" in kept, "PyTorch calls it as the book does"
    assert not [text for text in kept if "TM" in text]


def test_keys_choose_and_a_screen_reader_is_told(browser: b.webdriver.Chrome, address: str) -> None:
    visit(browser, address + LSTM)
    box = browser.find_element("id", "notation-select")
    assert (box.accessible_name, box.aria_role) == ("Notation", "combobox")
    box.send_keys(Keys.ARROW_DOWN)
    assert spoken(browser, "lstm-state") == "ht=ot⊙tanh(ct)"
    said = browser.find_element("css selector", ".notation-said")
    assert said.aria_role == "status"
    assert said.get_attribute("textContent") == "Notation: h, i, f, o, g.", "not the note of a section"


def test_a_phone_shows_the_whole_name_of_the_notation(browser: b.webdriver.Chrome, address: str) -> None:
    b.resize(browser, 360)
    visit(browser, address + RNN)
    wide = """const box = document.getElementById('notation-select'), cut = box.getBoundingClientRect().width;
        box.style.maxWidth = 'none'; return [cut, box.getBoundingClientRect().width]"""
    cut, whole = browser.execute_script(wide)
    assert cut == whole


def test_it_says_where_a_notation_has_no_form(browser: b.webdriver.Chrome, address: str) -> None:
    select = visit(browser, address + GRU)
    notes = [e for e in browser.find_elements("css selector", ".notation-note") if e.is_displayed()]
    assert notes == []
    own = spoken(browser, "gru-candidate")
    select.select_by_value("pytorch")
    assert spoken(browser, "gru-candidate") == own
    assert "zt+1⊙δh,t+1" in spoken(browser, "gru-after-deltas"), "z = 1 - Γ_u"
    notes = [e.text for e in browser.find_elements("css selector", ".notation-note") if e.is_displayed()]
    assert notes[0].startswith("PyTorch's documentation does not write the GRU that resets before the product")
    assert "the book’s notation stays" in browser.find_element("css selector", ".notation-said").get_attribute(
        "textContent"
    )


# At every change of the page: whether an equation can be seen, which notation is chosen, and the equation.
WATCH = """new MutationObserver(() => {
    const e = document.querySelector('#equation-eq-lstm-state');
    const formula = e?.querySelector('mjx-assistive-mml');  // a slow machine reads the page piece by piece
    const styled = [...document.styleSheets].some(each => each.href?.includes('/all.css'));  // else nothing is painted
    if (!formula || !document.body || !styled) return;
    const shown = [getComputedStyle(e).visibility, document.documentElement.dataset.notation, formula.textContent];
    (window.seen ??= []).push(shown);
}).observe(document, {childList: true, subtree: true, attributes: true})"""


@FILES_AND_SERVED
def test_nothing_is_shown_in_the_wrong_notation(browser: b.webdriver.Chrome, address: str) -> None:
    """The formulas of a reader of another notation are out of sight until they are exchanged, however slowly."""
    browser.execute_script("localStorage.setItem('rnncourse-notation', 'hifog')")
    script = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
    try:
        select = visit(browser, address + LSTM, "hifog")
        select.select_by_value("ltm")
        b.settle(browser)
        seen = browser.execute_script("return window.seen")
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)
    # ⟨ is in the book's formula, h_t in hifog's, STM in ltm's: each state of the page, without repetitions
    marks = {"⟨": "ng", "ht=": "hifog", "STM": "ltm"}
    names = ["".join(marks[mark] for mark in marks if mark in re.sub(r"\s", "", text)) for *_, text in seen]
    states = [(how, chosen, name) for (how, chosen, _), name in zip(seen, names, strict=True)]
    states = [state for at, state in enumerate(states) if state not in states[at - 1 : at]]
    assert states[0] == ("hidden", "hifog", "ng"), "watched from the beginning"
    assert [state for state in states if state[0] == "visible"] == [
        ("visible", each, each) for each in ("hifog", "ltm")
    ]
    assert states[-1][0] == "visible"


def test_without_its_forms_a_page_stays_as_it_is_and_says_so(
    site: Path, chromium: b.webdriver.Chrome, tmp_path: Path
) -> None:
    """Where the forms cannot be fetched, the formulas are seen, and the switch names their notation."""
    with b.served(site) as served:
        chromium.get(served + LSTM)
        chromium.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*.hifog.js"]})
        try:
            Select(chromium.find_element("id", "notation-select")).select_by_value("hifog")
            b.settle(chromium)
            assert Select(chromium.find_element("id", "notation-select")).first_selected_option.text.startswith("Ng")
            assert chromium.find_element("id", "equation-eq-lstm-state").is_displayed()
            assert "⟨" in spoken(chromium, "lstm-state")
        finally:
            chromium.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
            chromium.execute_script("localStorage.clear()")
            chromium.get_log("browser")
            b.requests(chromium)


def test_without_scripts_there_is_no_switch(address: str, chromium: b.webdriver.Chrome) -> None:
    chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        chromium.get(address + LSTM)
        assert not chromium.find_element("id", "notation-select").is_displayed()
        formula = chromium.find_element("css selector", "#equation-eq-lstm-state mjx-math")
        assert formula.is_displayed()
        assert formula.size["width"] > 100
    finally:
        chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_the_chosen_notation_is_printed(browser: b.webdriver.Chrome, address: str) -> None:
    visit(browser, address + LSTM).select_by_value("ltm")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert not browser.find_element("id", "notation-select").is_displayed()
        assert spoken(browser, "lstm-state") == "STMt=Vt×tanh(LTMt)"
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_the_switch_works_on_every_chapter_about_a_cell(site: Path) -> None:
    """Without a browser: how many formulas of a page have forms in another notation."""
    counts = {page: (site / page).read_text("utf8").count("data-form-pytorch=") for page in (RNN, LSTM, GRU)}
    assert counts[RNN] > 60
    assert counts[LSTM] > 80
    assert 5 < counts[GRU] < 60, "only one of the two cells is PyTorch's"


@FILES_AND_SERVED
def test_it_waits_for_the_load_event(browser: b.webdriver.Chrome, address: str) -> None:
    """Chosen while the page loads, the notation is right in the end."""
    browser.get(address + LSTM)
    Select(browser.find_element("id", "notation-select")).select_by_value("hifog")
    b.settle(browser)
    WebDriverWait(browser, 10).until(lambda _: spoken(browser, "lstm-state") == "ht=ot⊙tanh(ct)")
