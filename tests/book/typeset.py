"""Formulas of a page that were not set, and TeX that the build never saw."""

from __future__ import annotations

import browser as b

UNSET = """return [...document.querySelectorAll('.math')].filter(e => !e.querySelector('mjx-container')
    || e.querySelector('mjx-merror, [data-mml-node=merror]')).map(e => e.textContent.trim().slice(0, 80));"""
# What stands as text outside code and outside of formulas.
LEFT_AS_TEXT = r"""const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const text = walker.currentNode.data, inside = walker.currentNode.parentElement;
        if (/\\[(\[]|\$\$|\\(frac|partial|Gamma|langle|begin|mathcal|tanh|sigma)\b/.test(text)
            && !inside.closest('code, pre, script, style, noscript, textarea, .math, .highlight'))
            found.push(text.trim().slice(0, 80));
    }
    return found;"""


def unset(browser: b.webdriver.Chrome) -> list[str]:
    """Return the beginnings of what is not typeset."""
    return browser.execute_script(UNSET) + browser.execute_script(LEFT_AS_TEXT)
