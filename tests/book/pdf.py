"""The whole book as one PDF, printed by Chromium from the page that the singlehtml builder writes: `make pdf`.

python tests/book/pdf.py      reads _build/singlehtml, writes _build/pdf/rnncourse.pdf
"""

from __future__ import annotations

import base64

import browser as b
import typeset

WHOLE = b.ROOT / "_build" / "singlehtml"
PDF = b.ROOT / "_build" / "pdf" / "rnncourse.pdf"
PATIENCE = 1800  # seconds for a step: the whole book is one page of half a million elements
# Each chapter begins a page; what only a screen can use is not printed.
STYLE = """
    span[id^="document-"] + section { break-before: page; }
    h1, h2, h3, h4 { break-after: avoid; }
    figure, .rnn-player, table, div.math { break-inside: avoid; }
    .headerlink, .copybtn, .toggle-button, .notation-note, .equation-check a::after { display: none !important; }
"""
FOOT = (
    '<div style="width: 100%; font: 8px sans-serif; color: #555; padding: 0 15mm; display: flex;'
    'justify-content: space-between"><span class="title"></span><span class="pageNumber"></span></div>'
)
PAPER = {
    "paperWidth": 8.27,
    "paperHeight": 11.69,
    "marginTop": 0.6,
    "marginBottom": 0.7,
    "marginLeft": 0.6,
    "marginRight": 0.6,
    "scale": 0.8,
    "printBackground": True,
    "displayHeaderFooter": True,
    "headerTemplate": "<span></span>",
    "footerTemplate": FOOT,
    "generateTaggedPDF": True,
    "generateDocumentOutline": True,
}


def main() -> None:
    """Print the book."""
    if not (WHOLE / "index.html").exists():
        raise SystemExit("The book as one page is not built; run: make pdf")
    with b.served(WHOLE) as site, b.chromium() as browser:
        browser.set_script_timeout(PATIENCE)
        browser.set_page_load_timeout(PATIENCE)
        browser.command_executor.client_config.timeout = PATIENCE
        b.resize(browser, 1000)
        browser.get(site)
        b.settle(browser)
        b.unfold(browser)
        unset = typeset.unset(browser)
        if unset:
            raise SystemExit("Not typeset: " + ", ".join(unset[:5]))
        PDF.parent.mkdir(parents=True, exist_ok=True)
        PDF.write_bytes(printed(browser))
    print(PDF.relative_to(b.ROOT))


def printed(browser: b.webdriver.Chrome) -> bytes:
    """Return the open page as a PDF, in the light mode."""
    browser.execute_script(
        "document.documentElement.dataset.theme = 'light'; const style = new CSSStyleSheet();"
        "style.replaceSync('@media print {' + arguments[0] + '}');"
        "document.adoptedStyleSheets = [...document.adoptedStyleSheets, style];",
        STYLE,
    )
    b.settle(browser)
    handle = browser.execute_cdp_cmd("Page.printToPDF", {**PAPER, "transferMode": "ReturnAsStream"})["stream"]
    parts = []
    while True:
        part = browser.execute_cdp_cmd("IO.read", {"handle": handle, "size": 1 << 20})
        data = part["data"]
        parts.append(base64.b64decode(data) if part.get("base64Encoded") else data.encode("latin-1"))
        if part["eof"]:
            browser.execute_cdp_cmd("IO.close", {"handle": handle})
            return b"".join(parts)


if __name__ == "__main__":
    main()
