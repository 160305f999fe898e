"""The marks of claims on the built pages: what they tell, where they lead, and that hover and focus show it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

MARK = re.compile(r'<a class="claim-mark" data-told="([^"]*)" aria-label="([^"]*)" href="([^"]*)"')


@pytest.fixture(scope="module")
def marked(site: Path) -> dict[Path, list[tuple[str, str, str]]]:
    found = {page: MARK.findall(page.read_text("utf8")) for page in sorted(site.rglob("*.html"))}
    found = {page: marks for page, marks in found.items() if marks}
    assert found, "no page has a mark"
    return found


def test_every_mark_tells_its_verdict_and_leads_to_its_row(marked: dict[Path, list[tuple[str, str, str]]]) -> None:
    for page, marks in marked.items():
        for told, label, href in marks:
            assert re.search(r"\d+ runs, \d+ seeds?$|construction", told), f"{page.name}: {told}"
            assert label.endswith(told)
            target, anchor = href.split("#")
            assert f'id="{anchor}"' in (page.parent / target).resolve().read_text("utf8"), href


def test_hover_and_focus_show_it(marked: dict[Path, list[tuple[str, str, str]]], chromium: Any) -> None:
    page, marks = next(iter(marked.items()))
    chromium.get(page.as_uri())
    shown = "return getComputedStyle(document.querySelector('.claim-mark'), '::after').content"
    assert chromium.execute_script(shown) == "none"
    mark = chromium.find_element("css selector", ".claim-mark")
    chromium.execute_cdp_cmd("DOM.enable", {})
    chromium.execute_cdp_cmd("CSS.enable", {})
    root = chromium.execute_cdp_cmd("DOM.getDocument", {})["root"]["nodeId"]
    node = chromium.execute_cdp_cmd("DOM.querySelector", {"nodeId": root, "selector": ".claim-mark"})["nodeId"]
    assert mark.get_attribute("data-told")
    for state in ("hover", "focus-visible"):
        chromium.execute_cdp_cmd("CSS.forcePseudoState", {"nodeId": node, "forcedPseudoClasses": [state]})
        assert marks[0][0][:10] in chromium.execute_script(shown)
