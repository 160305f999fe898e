"""The content security policy of the pages: on each of them, tight, and in force, served and from a file."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import browser as b
import pytest
from selenium.webdriver.support.ui import WebDriverWait

PAGES = [*b.pages_of_the_toc(), "search.html", "genindex.html", "index.html"]
META = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)"')
INLINE = re.compile(r"<script\b(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL)
ALLOWED = {
    "default-src": {"'none'"},
    "script-src": {"'self'", "file:"},  # and hashes
    "style-src": {"'self'", "file:"},
    "img-src": {"'self'", "file:", "data:"},
    "font-src": {"'self'", "file:"},
    "connect-src": {"'self'"},
    "form-action": {"'self'", "file:"},
    "base-uri": {"'none'"},
}
# What a page must not do, done; the browser's reports of it.
TRY = """const done = arguments[0], found = [];
    addEventListener('securitypolicyviolation', e => found.push(`${e.effectiveDirective} ${e.blockedURI}`));
    const script = document.createElement('script');
    script.textContent = 'window.wasRun = true; try { eval("window.wasEvaluated = true") } catch {}';
    document.body.append(script);
    const style = document.createElement('style');
    style.textContent = 'body { --was-styled: 1 }';
    document.head.append(style);
    const button = document.createElement('button');
    button.setAttribute('onclick', 'window.wasClicked = true');
    document.body.append(button);
    button.click();
    new Image().src = 'http://outside.invalid/x.png';
    const frame = document.createElement('iframe');
    frame.src = 'https://outside.invalid/';
    document.body.append(frame);
    setTimeout('window.wasTimed = true', 0);
    const began = performance.now(), look = () => {
        const kinds = ['script-src-elem', 'script-src-attr', 'style-src-elem', 'img-', 'frame-'];
        const enough = kinds.every(part => found.some(each => each.includes(part)));
        if (!enough && performance.now() - began < 120000) return setTimeout(look, 100);
        [script, style, button, frame].forEach(e => e.remove());
        done([found, [window.wasRun, window.wasEvaluated, window.wasClicked, window.wasTimed]]);
    };
    setTimeout(look, 300);"""


def rules(page: str) -> dict[str, set[str]]:
    """The directives of a page's policy."""
    (content,) = META.findall(page)
    return {name: set(sources) for name, *sources in (rule.split() for rule in content.split("; "))}


@pytest.mark.parametrize("page", PAGES)
def test_every_page_has_a_tight_policy(page: str, site: Path) -> None:
    text = (site / page).read_text("utf8")
    found = rules(text)
    hashes = {source for source in found["script-src"] if source.startswith("'sha256-")}
    if page == "genindex.html":  # the theme's tables
        assert found.pop("style-src-attr") == {"'unsafe-inline'"}
    assert found.keys() == ALLOWED.keys()
    assert {name: sources - ALLOWED[name] - hashes for name, sources in found.items()} == {
        name: set() for name in ALLOWED
    }
    inline = {
        f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in INLINE.findall(text)
    }
    assert inline == hashes
    assert META.search(text).start() < min(text.find("<script") % len(text), text.find("<link") % len(text))
    assert re.findall(r"<[^>]*\son[a-z]+=\"[^>]*>", text) == []
    tags = re.findall(r"<[a-z][^>]*\s(?:fill|stroke|width)=\"[^>]*>", text)
    twice = [tag for tag in tags if len(names := re.findall(r'\s([\w:-]+)="', tag)) > len(set(names))]
    assert twice == []


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_the_policy_is_in_force(scheme: str, site: Path, chromium: b.webdriver.Chrome) -> None:
    """Inline scripts, handlers, evaluation and other hosts are refused; the page's own scripts have run."""
    with b.served(site) as served:
        chromium.get((served if scheme == "http" else site.as_uri() + "/") + "book/gated/gru.html")
        b.settle(chromium)
        own = "return [!!document.querySelector('mjx-container'), !!window.rnnPlayers, !!window.bootstrap,"
        own += " !!document.querySelector('.toggle-button'), !!document.querySelector('.copybtn')]"
        WebDriverWait(chromium, b.PATIENCE).until(lambda _: all(chromium.execute_script(own)), own)
        found, done = chromium.execute_async_script(TRY)
    b.requests(chromium)
    chromium.get_log("browser")  # the refusals: not the next test's
    assert done == [None] * 4
    assert {each.split()[0] for each in found} >= {
        "script-src-elem",
        "script-src-attr",
        "style-src-elem",
        "img-src",
        "frame-src",
    }, found
