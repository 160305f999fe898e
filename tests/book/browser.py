"""A served site and a headless Chromium: what the smoke test and the screenshots share."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml
from selenium import webdriver

ROOT = Path(__file__).parents[2]
SITE = ROOT / "_build" / "html"
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MACOS = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
PATIENCE = 300  # s: what is waited for comes or has failed; a busy machine is slow and not wrong
SWITCHES = (
    "--headless=new",
    "--no-sandbox",  # Chromium has none when it runs as root, as in most containers; the pages are our own
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--no-first-run",
    "--no-default-browser-check",
    "--hide-scrollbars",
    "--force-prefers-reduced-motion",
)


def pages_of_the_toc() -> list[str]:
    """Paths of the built pages, in the order of the table of contents."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text("utf8"))
    files = [toc["root"]] + [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    return [f"{file}.html" for file in files]


def find_chromium() -> str | None:
    """Find this machine's Chromium or Chrome; CHROMIUM in the environment comes first."""
    named = os.environ.get("CHROMIUM")
    found = shutil.which(named) if named else next(filter(None, map(shutil.which, CHROMIUM)), None)
    return found or (str(MACOS) if not named and MACOS.exists() else None)


class Quiet(SimpleHTTPRequestHandler):
    """Python's server of files, without a line for each request."""

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def served(folder: Path, handler: type[Quiet] = Quiet) -> Iterator[str]:
    """Serve a folder on a free local port; the value is its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@contextmanager
def chromium() -> Iterator[webdriver.Chrome]:
    """Run a headless browser with an empty profile that keeps a log of its requests and its console."""
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "localhost,127.0.0.1"
    os.environ.setdefault("SE_OFFLINE", "true")  # selenium neither looks for nor downloads a driver
    options = webdriver.ChromeOptions()
    options.binary_location = find_chromium() or ""
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = shutil.which("chromedriver")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for switch in (*SWITCHES, f"--user-data-dir={profile}"):
            options.add_argument(switch)
        browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver) if driver else None)
        browser.set_page_load_timeout(PATIENCE)
        browser.set_script_timeout(PATIENCE)
        browser.command_executor.client_config.timeout = 2 * PATIENCE
        browser.get("about:blank")
        requests(browser)  # forget what the browser's own first page asked for
        try:
            yield browser
        finally:
            browser.quit()


def resize(browser: webdriver.Chrome, width: int, height: int = 900, scale: float = 1) -> None:
    """Give the page a viewport of exactly this size, however small."""
    size = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def settle(browser: webdriver.Chrome) -> None:
    """Wait until equations are in the reader's notation and marked where they are wide, and the layout is at rest.

    Fonts are there by then, and the layout has had two frames.
    """
    browser.execute_async_script("""
        const done = arguments[0];
        (async () => {
            if (document.readyState !== "complete") await new Promise(r => addEventListener("load", r));
            await window.rnnNotation?.settled();
            await window.rnnPage?.looked();
            await document.fonts.ready;
            requestAnimationFrame(() => requestAnimationFrame(done));
        })();
    """)


def unfold(browser: webdriver.Chrome) -> None:
    """Show what the reader has to click for: solutions, and cells that begin hidden."""
    browser.execute_script("""
        document.querySelectorAll('details').forEach(e => { e.open = true; });
        document.querySelectorAll('.toggle-hidden .toggle-button, .toggle-button.toggle-button-hidden')
            .forEach(e => e.click());
    """)
    settle(browser)


def requests(browser: webdriver.Chrome) -> tuple[list[str], list[str]]:
    """Addresses asked for since the last call, and what failed of them."""
    asked, failed, address = [], [], {}
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        method, what = message["method"], message["params"]
        if method == "Network.requestWillBeSent":
            asked.append(what["request"]["url"])
            address[what["requestId"]] = what["request"]["url"]
        elif method == "Network.responseReceived" and what["response"]["status"] >= 400:
            failed.append(f"{what['response']['status']} {what['response']['url']}")
        elif method == "Network.loadingFailed" and not what.get("canceled"):
            failed.append(f"{what['errorText']} {address.get(what['requestId'], '')}")
    return asked, failed
