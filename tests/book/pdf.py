"""The whole book as one PDF, printed by Chromium from the page that the singlehtml builder writes: `make pdf`.

python tests/book/pdf.py      reads _build/singlehtml, writes _build/pdf/rnncourse.pdf
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from io import BytesIO

import browser as b
import typeset
from pypdf import PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

WHOLE = b.ROOT / "_build" / "singlehtml"
PDF = b.ROOT / "_build" / "pdf" / "rnncourse.pdf"
PATIENCE = 1800  # seconds for a step: the whole book is one page of half a million elements
# Each chapter begins a page; what only a screen can use is not printed.
STYLE = """
    span[id^="document-"] + section { break-before: page; }
    h1, h2, h3, h4 { break-after: avoid; }
    figure, .rnn-player, table, div.math { break-inside: avoid; }
    .headerlink, .copybtn, details > summary, .toggle-button,
    .notation-note, .equation-check a::after { display: none !important; }
"""
FOOT = (
    '<div style="width: 100%; font: 8px sans-serif; color: #555; padding: 0 15mm; display: flex;'
    'justify-content: space-between"><span class="title"></span><span class="pageNumber"></span></div>'
)
PAPER = {
    "paperWidth": 8.27,
    "paperHeight": 11.69,
    "marginTop": 0.7,
    "marginBottom": 0.8,
    "marginLeft": 0.63,
    "marginRight": 0.63,
    "scale": 1,
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
        browser.get(site + "#document-book/index")  # who goes to a place finds the page whole, not in pieces
        b.settle(browser)
        b.unfold(browser)
        unset = typeset.unset(browser)
        if unset:
            raise SystemExit("Not typeset: " + ", ".join(unset[:5]))
        data, titles = printed(browser), headings(browser)
    PDF.parent.mkdir(parents=True, exist_ok=True)
    writer = PdfWriter(clone_from=BytesIO(data))
    name_outline(writer, titles)
    writer.write(PDF)
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


def headings(browser: b.webdriver.Chrome) -> list[str]:
    """Return the headings that are printed, in order."""
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    return browser.execute_script("""
        const all = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6, [role=heading]")];
        return all.filter(e => e.checkVisibility()).map(heading => {
            const copy = heading.cloneNode(true);
            copy.querySelectorAll(".headerlink, mjx-assistive-mml").forEach(e => e.remove());
            return copy.textContent.replace(/\\s+/g, " ").trim();
        });
    """)


def name_outline(writer: PdfWriter, titles: list[str]) -> None:
    """Give the outline's entries the words of their headings: Chromium doubles some that moved to a new page."""
    entries = list(in_order(writer.root_object["/Outlines"]))
    if len(entries) != len(titles):
        raise SystemExit(f"The outline has {len(entries)} entries, the page {len(titles)} headings.")
    for entry, title in zip(entries, titles, strict=True):
        entry[NameObject("/Title")] = TextStringObject(title)


def in_order(node: DictionaryObject) -> Iterator[DictionaryObject]:
    """Walk the outline below a node as a reader does."""
    child = node.get("/First")
    while child is not None:
        entry = child.get_object()
        yield entry
        yield from in_order(entry)
        child = entry.get("/Next")


if __name__ == "__main__":
    main()
