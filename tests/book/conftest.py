"""The site and the browser for this folder's tests, and a loud word where there is none."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import browser as b

NOT_RUN = "BROWSER TESTS NOT RUN"


def cannot(reason: str) -> None:
    """Skip, except in CI, where nothing may go unnoticed."""
    if os.environ.get("CI"):
        pytest.fail(f"{NOT_RUN}: {reason}")
    pytest.skip(f"{NOT_RUN}: {reason}")


@pytest.fixture(scope="session")
def site() -> Path:
    """The built book."""
    if not (b.SITE / "index.html").exists():
        cannot("the book is not built; run: make book")
    return b.SITE


@pytest.fixture(scope="session")
def chromium() -> Iterator[b.webdriver.Chrome]:
    """One browser for all tests."""
    if not b.find_chromium():
        cannot("no Chromium here; on Debian: apt-get install chromium chromium-driver")
    if sys.platform.startswith("linux") and not shutil.which("chromedriver"):
        cannot("no chromedriver here; on Debian: apt-get install chromium-driver")
    with b.chromium() as browser:
        yield browser


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say at the end that the browser tests did not run, and why."""
    reasons = {
        str(report.longrepr[2])
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple) and NOT_RUN in str(report.longrepr[2])
    }
    for reason in sorted(reasons):
        terminalreporter.write_sep("!", reason.removeprefix("Skipped: "), red=True, bold=True)
