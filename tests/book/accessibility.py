"""What axe-core (vendor/axe.min.js) and a look at the page's ids find wrong with a page, in one colour mode.

Most of a chapter's elements are parts of formulas and of code: thousands that say the same thing again. Before axe
looks, an image of the same size, named by what a screen reader is given, takes the place of each formula's inside; and
of the coloured words of the listings the first of each kind is left, the others become plain text. The rules lose
nothing to look at, and a check takes a fraction of the time. Whoever wants to look at formulas does so before.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import browser as b

STAND_INS = """function standIns() {
    const formulas = [...document.querySelectorAll("mjx-container:has(mjx-assistive-mml)")];
    const sizes = formulas.map(each => each.querySelector("mjx-math").getBoundingClientRect());
    formulas.forEach((each, k) => {
        const image = document.createElement("span");
        image.setAttribute("role", "img");
        image.setAttribute("aria-label", each.querySelector("mjx-assistive-mml").textContent);
        const { width, height } = sizes[k];
        Object.assign(image.style, { display: "inline-block", width: `${width}px`, height: `${height}px` });
        each.replaceChildren(image);
    });
    const kinds = new Set();
    for (const listing of document.querySelectorAll(".highlight pre, dt.sig")) {
        const place = listing.closest("[class*=highlight-]")?.parentElement.className ?? listing.className;
        for (const word of listing.querySelectorAll("span[class]:not(:has(*))")) {
            const kind = `${word.className} ${word.parentElement.className} ${place}`;
            if (kinds.has(kind)) word.replaceWith(word.textContent);
            kinds.add(kind);
        }
        listing.normalize();
    }
}"""
# The scripts reach the page by the browser's debugger, which no content security policy of the page concerns; axe-core,
# half a megabyte, once for all looks at a page. A style of ours ends all transitions: a colour on its way from light to
# dark would be measured half-way.
ONCE = """
    const style = new CSSStyleSheet();
    style.replaceSync("*, ::before, ::after { transition: none !important; animation: none !important; }");
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, style];
    standIns();
"""
LOOK = """
    const done = arguments[2];
    document.documentElement.dataset.theme = arguments[0];
    const touched = { "target-size": { enabled: true } }; // of WCAG 2.2: off unless asked for
    const wanted = { resultTypes: ["violations"], preload: false, iframes: false, rules: touched };
    if (arguments[1].length) wanted.runOnly = { type: "rule", values: arguments[1] };
    requestAnimationFrame(() => requestAnimationFrame(() => axe.run(document, wanted).then(
        found => done(found.violations.flatMap(rule => rule.nodes.map(node => {
            const why = [...node.any, ...node.all, ...node.none].map(check => check.message).join("; ");
            return `${rule.id}: ${node.target.join(" ")}: ${why || rule.help}: ${node.html.slice(0, 160)}`;
        }))),
        error => done([`axe: ${error}`]))));
"""
OF_COLOUR = ("color-contrast", "link-in-text-block")
REPEATED = """const seen = new Set(), twice = new Set();
    for (const { id } of document.querySelectorAll("[id]")) (seen.has(id) ? twice : seen).add(id);
    return [...twice];"""


@cache
def axe() -> str:
    """Return the checker's source."""
    return Path(__file__).with_name("vendor").joinpath("axe.min.js").read_text("utf8")


def violations(browser: b.webdriver.Chrome, theme: str, rules: tuple[str, ...] = ()) -> list[str]:
    """Return what breaks a rule, or one of those named, in the light or the dark mode."""
    if browser.execute_script("return !window.axe"):
        browser.execute_script(axe() + STAND_INS + ONCE)
    return browser.execute_async_script(LOOK, theme, list(rules))


def repeated_ids(browser: b.webdriver.Chrome) -> list[str]:
    """Return the ids that more than one element of the page has."""
    return browser.execute_script(REPEATED)
