"""Pictures of whole pages, to look at: every page, or those named, at 1280 and 360 px, light and dark.

python tests/book/screenshots.py [foundations/bptt …]      writes _build/screenshots/*.png
"""

from __future__ import annotations

import argparse
import base64
from pathlib import Path

import browser as b

WIDTHS = (1280, 360)
MODES = ("light", "dark")
TALLEST = 6000  # px in one picture: a taller page is cut into several


def main() -> None:
    """Take the pictures and print their names."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("pages", nargs="*", help="parts of page names; without any, all pages")
    options.add_argument("--width", type=int, action="append", help="in px; may be given more than once")
    options.add_argument("--mode", choices=MODES, action="append")
    options.add_argument("--open", action="store_true", help="unfold hidden solutions and cells")
    chosen = options.parse_args()
    out = b.ROOT / "_build" / "screenshots"
    out.mkdir(parents=True, exist_ok=True)
    pages = [p for p in b.pages_of_the_toc() if not chosen.pages or any(part in p for part in chosen.pages)]
    with b.served(b.SITE) as site, b.chromium() as browser:
        for page in pages:
            for width in chosen.width or WIDTHS:
                b.resize(browser, width)
                browser.get(site + page)
                b.settle(browser)
                if chosen.open:
                    b.unfold(browser)
                for mode in chosen.mode or MODES:
                    browser.execute_script("document.documentElement.dataset.theme = arguments[0]", mode)
                    b.settle(browser)
                    for path in pictures(browser, width, out / f"{Path(page).stem}-{width}-{mode}.png"):
                        print(path.relative_to(b.ROOT))


def pictures(browser: b.webdriver.Chrome, width: int, path: Path) -> list[Path]:
    """Take the whole page, in pieces where it is very tall."""
    height = browser.execute_script("return document.documentElement.scrollHeight")
    tops = range(0, height, TALLEST)
    paths = [path.with_stem(f"{path.stem}-{k}") if len(tops) > 1 else path for k in range(len(tops))]
    for top, each in zip(tops, paths, strict=True):
        clip = {"x": 0, "y": top, "width": width, "height": min(TALLEST, height - top), "scale": 1}
        options = {"captureBeyondViewport": True, "clip": clip}
        each.write_bytes(base64.b64decode(browser.execute_cdp_cmd("Page.captureScreenshot", options)["data"]))
    return paths


if __name__ == "__main__":
    main()
