"""Formulas: set at build time or not at all, copied as TeX, with a menu beside each numbered one, shown at links."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from pathlib import Path

import browser as b
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from rnncourse.equations.explain import explain

sys.path.insert(0, str(b.ROOT / "book" / "_ext"))
import rnn_math

BPTT = "book/foundations/bptt.html"
LINE = re.compile(r'data-line="([^"]*)"')
# What a copy puts on the clipboard, without a clipboard: the event, answered by the page.
COPY = """const data = new DataTransfer(), how = {clipboardData: data, bubbles: true, cancelable: true};
    const event = new ClipboardEvent('copy', how);
    const range = document.createRange();
    range.selectNodeContents(arguments[0]);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    document.dispatchEvent(event);
    return [event.defaultPrevented, data.getData('text/plain')];"""
# The last thing that a button of a menu has copied.
LISTEN = """document.addEventListener('copy', e => { window.copied = e.clipboardData.getData('text/plain'); });"""


def test_a_typesetter_sets_keeps_and_refuses(tmp_path: Path) -> None:
    kept = tmp_path / "math.json"
    first = rnn_math.Typesetter(kept)
    try:
        made = first.set(r"\frac{\hat a}{b}", True)
        first.set(r"\{a\}", True)
        for wrong in (r"\foo", r"\frac{a}{", r"\begin{nothing} a \end{nothing}"):
            with pytest.raises(ValueError, match=r"\w"):
                first.set(wrong, False)
    finally:
        first.close()
    assert "style=" not in made
    assert "<math" in made
    assert not re.search(r"<[^>]* class=[^>]* class=", made), "one class attribute each"
    assert [rule for rule in first.known["rules"] if rule.count('"') % 2 or not rule.endswith("}")] == []
    second = rnn_math.Typesetter(kept)
    assert second.set(r"\frac{\hat a}{b}", True) == made
    assert second.engine is None, "from what was kept"
    assert all(f".{name} " in second.css() for name in re.findall(r"\bm[0-9a-f]{6}\b", made))


PROJECT = f"""import sys
sys.path.insert(0, {str(b.ROOT / "book" / "_ext")!r})
extensions = ["myst_parser", "rnn_math"]
myst_enable_extensions = ["dollarmath"]
html_math_renderer = "prerendered"
"""


@pytest.mark.parametrize(
    ("formula", "message"), [(r"\tanh a", ""), (r"\nothing a", "Undefined control sequence"), (r"\frac{a}{", "brace")]
)
def test_a_formula_that_cannot_be_set_fails_the_build(formula: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "conf.py").write_text(PROJECT, "utf8")
    (tmp_path / "index.md").write_text(f"# A page\n\nThe formula ${formula}$.\n", "utf8")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", str(tmp_path), str(tmp_path / "html")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode != 0) == bool(message), done.stderr
    assert message in done.stderr
    assert not message or formula in done.stderr


def test_displays_are_wrapped_as_sphinx_does() -> None:
    assert rnn_math.displayed("a", False) == "a"
    assert rnn_math.displayed("a \\\\ b", False) == "\\begin{split}a \\\\ b\\end{split}"
    assert rnn_math.displayed("a\n\nb", False) == "\\begin{align}\\begin{aligned}a\\\\b\\end{aligned}\\end{align}"
    assert rnn_math.displayed("a\n\nb", True) == "a\n\nb"


def test_the_fonts_are_those_of_the_formulas(site: Path, chromium: b.webdriver.Chrome) -> None:
    """A lost class would leave the letters to the text's font, and no other test would see it."""
    chromium.get((site / BPTT).as_uri())
    b.settle(chromium)
    loaded = chromium.execute_script("return [...document.fonts].filter(f => f.status === 'loaded').map(f => f.family)")
    assert {"MJXTEX", "MJXTEX-I", "MJXTEX-S1", "MJXTEX-S2", "MJXZERO"} <= {name.strip('"') for name in loaded}
    broken = chromium.execute_script("return [...document.fonts].filter(f => f.status === 'error').map(f => f.family)")
    assert broken == []
    drawn = chromium.execute_script(
        "const all = [...document.querySelectorAll('mjx-c')];"
        "return [...new Set(all.map(e => getComputedStyle(e, '::before').fontFamily))]"
    )
    assert [name for name in drawn if "MJX" not in name] == []


LONELY = r"""const text = e => e?.nodeType === 3 ? e.textContent : '';
    return [...document.querySelectorAll('.bd-article span.math')].filter(e =>
        /^[.,:;?!)\]’]/.test(text(e.nextSibling)) && !e.parentElement.matches('.with-marks')
        || e.parentElement.matches('.with-marks') && e.parentElement.getClientRects().length > 1
        ).map(e => e.dataset.tex)"""


def test_no_line_begins_with_the_comma_behind_a_formula(site: Path, chromium: b.webdriver.Chrome) -> None:
    b.resize(chromium, 360)
    chromium.get((site / BPTT).as_uri())
    b.settle(chromium)
    assert chromium.execute_script("return document.querySelectorAll('.bd-article .with-marks').length") > 20
    assert chromium.execute_script(LONELY) == []


def test_every_line_for_python_holds(site: Path) -> None:
    lines = [
        (page, html.unescape(found))
        for page in b.pages_of_the_toc()
        for found in LINE.findall((site / page).read_text("utf8"))
    ]
    assert len(lines) > 50

    class Equations:
        check = staticmethod(explain)

    for page, line in lines:
        said = eval(line, {"equations": Equations})
        assert said.startswith(("It holds", "It is a definition")), (page, line, said)


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_a_copy_brings_the_tex_along(scheme: str, site: Path, chromium: b.webdriver.Chrome) -> None:
    with b.served(site) as served:
        chromium.get((served if scheme == "http" else site.as_uri() + "/") + BPTT)
        b.settle(chromium)
        paragraph = chromium.find_element("css selector", ".bd-article p:has(> span.math)")
        tex = [e.get_attribute("data-tex") for e in paragraph.find_elements("css selector", "span.math")]
        answered, text = chromium.execute_script(COPY, paragraph)
        assert answered
        assert all(f"${each}$" in text for each in tex)
        assert not re.search(r"[\u2061\u2062⟨⟩]", text)
        plain = chromium.find_element("css selector", ".bd-article h1")
        assert chromium.execute_script(COPY, plain)[0] is False


def test_the_menu_of_an_equation(site: Path, chromium: b.webdriver.Chrome) -> None:
    """By keyboard alone: open, copy each thing, close."""
    b.resize(chromium, 1280)
    chromium.get((site / BPTT).as_uri())
    b.settle(chromium)
    chromium.execute_script(LISTEN)
    host = chromium.find_element("css selector", "div.math:has(+ .equation-check [data-copy=check])")
    summary = chromium.execute_script("return arguments[0].nextElementSibling.querySelector('summary')", host)
    chromium.execute_script("arguments[0].scrollIntoView({block: 'center'}); arguments[0].focus()", summary)
    ActionChains(chromium).send_keys(Keys.ENTER).perform()
    copied = []
    for _ in range(3):
        ActionChains(chromium).send_keys(Keys.TAB).send_keys(Keys.ENTER).perform()
        copied.append(chromium.execute_script("return window.copied"))
    assert copied[0] == host.get_attribute("data-tex")
    assert copied[1] == (site / BPTT).as_uri() + "#" + host.get_attribute("id")
    assert copied[2].startswith("equations.check(r")
    menu = summary.find_element("xpath", "..")
    assert menu.find_element("css selector", "[role=status]").text == "Copied."
    ActionChains(chromium).send_keys(Keys.ESCAPE).perform()
    assert menu.get_attribute("open") is None
    assert chromium.switch_to.active_element == summary


@pytest.mark.parametrize("scheme", [pytest.param("http", marks=pytest.mark.slow), "file"])  # files are harder
def test_a_link_shows_its_equation(scheme: str, site: Path, chromium: b.webdriver.Chrome) -> None:
    """Of this page and of another, on focus and hover, in the chosen notation, inside the window; gone with Escape."""
    with b.served(site) as served:
        root = served if scheme == "http" else site.as_uri() + "/"
        for width, place in ((360, '^="#equation-"'), (1280, '*="rnn-forward.html#equation-"')):
            b.resize(chromium, width)
            chromium.get(root + BPTT)
            b.settle(chromium)
            link = chromium.find_element("css selector", f".bd-article a.reference[href{place}]")
            label = link.get_attribute("href").partition("#")[2]
            chromium.execute_script("arguments[0].scrollIntoView({block: 'center'}); arguments[0].focus()", link)
            assert spoken(chromium) != ""
            preview = chromium.find_element("css selector", ".equation-preview")
            assert preview.rect["x"] >= 0
            assert preview.rect["x"] + preview.rect["width"] <= width
            assert link.get_attribute("aria-describedby") == preview.get_attribute("id")
            ActionChains(chromium).send_keys(Keys.ESCAPE).perform()
            assert chromium.find_elements("css selector", ".equation-preview") == []
            chromium.execute_script("arguments[0].blur()", link)
            ActionChains(chromium).move_to_element(link).perform()
            seen = spoken(chromium)
            for name in ("pytorch", "ng"):
                chromium.execute_async_script("rnnNotation.choose(arguments[0]).then(arguments[1])", name)
                chromium.execute_script("arguments[0].blur(); arguments[0].focus()", link)
                assert (spoken(chromium) == seen) == (name == "ng")
            chromium.get(root + link.get_attribute("href").partition("#")[0].removeprefix(root))
            b.settle(chromium)
            own = "return document.getElementById(arguments[0]).querySelector('mjx-assistive-mml').textContent"
            assert chromium.execute_script(own, label) == seen


def spoken(browser: b.webdriver.Chrome) -> str:
    """What the preview says, once it is there."""
    WebDriverWait(browser, 60).until(lambda _: browser.find_elements("css selector", ".equation-preview"))
    return browser.execute_script("return document.querySelector('.equation-preview mjx-assistive-mml').textContent")
