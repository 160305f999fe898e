"""The last hand on each page: what it loads, and what it may do.

The theme and the extensions give every page whatever any page might need: half a megabyte of icons, a search index, a
kernel's client, fourteen style sheets. When the pages are written, this takes out what this book does not use, joins
the style sheets into one file, makes the plots' files smaller, and puts a content security policy at the head. It may
run over a page twice.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageChops  # matplotlib needs it, so it is there
from sphinx.errors import ExtensionError

if TYPE_CHECKING:
    from sphinx.application import Sphinx

SHEETS = (  # in the order in which they give way to each other; css/icons.css stands for the theme's icons
    "styles/theme.css",
    "styles/pydata-sphinx-theme.css",
    "pygments.css",
    "styles/sphinx-book-theme.css",
    "togglebutton.css",
    "copybutton.css",
    "mystnb.*.css",
    "proof.css",
    "exercise.css",
    "css/player.css",
    "math/math.css",
    "css/notation.css",
    "css/palette.css",
    "css/icons.css",
    "css/book.css",
    "css/cells.css",
    "css/print.css",
)
JOINED = "all.css"
UNUSED = ("fontawesome.js", "sphinx-thebe.js", "sphinx-thebe.css", "design-tabs.js")
FOR_SEARCH = ("searchtools.js", "language_data.js", "searchindex.js")
AT_ONCE = (
    "documentation_options.js",
    "js/notation.js",
    "js/pieces.js",
)  # all other scripts wait until the page is read
FIRST = "js/first.js"  # those, joined

STATIC = Path(__file__).parent.parent / "_static"
SCRIPT = re.compile(r"[ \t]*<script\b([^>]*)>(.*?)</script>\n?", re.DOTALL)
LINK = re.compile(
    r"[ \t]*<link\b[^>]*\brel=\"(?:stylesheet|preload)\"[^>]*/?>\n?", re.DOTALL
)
ADDRESS = re.compile(r"\b(?:src|href)=\"([^\"?]*)")
POLICY = re.compile(r"<meta http-equiv=\"Content-Security-Policy\"[^>]*>\n?")
ICON_RULES = re.compile(
    r"(?:\.fa-[\w-]+:{1,2}before,?)+\{[^}]*\}|@font-face\{[^}]*Font ?Awesome[^}]*\}"
)
FIGURE = re.compile(r"<svg\b.*?</svg>", re.DOTALL)
STYLE = re.compile(r'\sstyle="([^"]*)"')
STYLED = re.compile(r"<[^>]*\sstyle=[\"']")
DRAWING = re.compile(r'(<div class="sideways least-\d+">)?(<svg\b.*?</svg>)', re.DOTALL)
VIEW = re.compile(r'viewBox="0 0 ([\d.]+) ')
TEXT = re.compile(r"<text\b.*?</text>", re.DOTALL)
SIZE = re.compile(r'\bfont(?:-size)?="(?:[a-z\d]+ )*?([\d.]+)px')
GLYPHS = re.compile(  # a label that is drawn, 100 units a letter
    r'<g\b[^>]*\btransform="[^"]*scale\(([\d.]+) -'
)
SMALLEST, PHONE = 9, 326  # px: of a label, and the column of a phone of 360
LEAST = (22, 26, 30, 36, 42)  # rem: the widths that book.css knows
NUMPYDOC_LABEL = re.compile(r"\[R[0-9a-f]{6,}-(\d+)\]")  # of a citation in a docstring
# The theme would show the first page in no colours at all, until its script at the end has run.
MODE_AT_START = (
    'document.documentElement.dataset.theme = localStorage.getItem("theme") || "auto";',
    "document.documentElement.dataset.theme = { light: 'light', dark: 'dark' }[document.documentElement.dataset.mode]\n"
    "      || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');",
)
# Scripts of the theme and of Sphinx, what of each is taken out, and what is put there.
REPAIRS = (
    # The theme measures every listing when a page is there, changes it, and so lays the page out again for the next one;
    # page.js finds what scrolls when it comes near the window.
    (
        "scripts/pydata-sphinx-theme.js",
        "e.tabIndex=e.scrollWidth>e.clientWidth||e.scrollHeight>e.clientHeight?0:-1",
        "/* page.js */",
    ),
    # What the search shows of a page: its prose; code, which begins with imports, only where the prose lacks the word.
    (
        "searchtools.js",
        'of [".headerlink", "script", "style"]) {',
        'of [".headerlink", "script", "style", ".bd-header-article", "#jb-print-docs-body", "h1", "div.math", "summary",'
        '\n      ".equation-mark", ".equation-menu", ".claim-mark", ".notation-note", ".prev-next-area"]) {',
    ),
    (
        "searchtools.js",
        "    if (anchor) {\n      const anchorContent",
        """    const code = htmlElement.querySelectorAll('[role="main"] :is(.cell_input, .cell_output, [class*="highlight-"])');
    htmlElement.querySelector('[role="main"]')?.append(...code);
    if (anchor) {
      const anchorContent""",
    ),
    (
        "searchtools.js",
        "const text = Search.htmlToText(htmlText, anchor);",
        'const text = Search.htmlToText(htmlText, anchor).replace(/\\s+/g, " ").trim();',
    ),
)


def policy(page: str) -> str:
    """Return the policy of a page as an element.

    Nothing comes from elsewhere, nothing is evaluated, and no inline script runs but those that the theme writes into
    the page, by their hashes. ``file:`` is for the copy on a disk, where some browsers take ``'self'`` for nothing.
    Style attributes are allowed on the theme's index alone: figures have none, see `without_styles`. ``data:`` pictures
    are the icons, in the style sheet.
    """
    inline = [
        body
        for attributes, body in SCRIPT.findall(page)
        if not re.search(r"\bsrc=", attributes)
    ]
    digests = (hashlib.sha256(body.encode()).digest() for body in dict.fromkeys(inline))
    hashes = "".join(f" 'sha256-{base64.b64encode(d).decode()}'" for d in digests)
    rules = (
        "default-src 'none'",
        f"script-src 'self' file:{hashes}",
        "style-src 'self' file:",
        *(["style-src-attr 'unsafe-inline'"] if STYLED.search(page) else []),
        "img-src 'self' file: data:",
        "font-src 'self' file:",
        "connect-src 'self'",  # the search page reads the pages that it has found
        "form-action 'self' file:",
        "base-uri 'none'",
    )
    return f'<meta http-equiv="Content-Security-Policy" content="{"; ".join(rules)}">\n'


def without_styles(figure: re.Match[str]) -> str:
    """Write the style attributes of a figure as SVG's own attributes, which need no leave from the policy.

    A figure as wide as its column, but at most so wide, has that width: book.css lets it shrink.
    """

    def written(found: re.Match[str]) -> str:
        style = dict(rule.split(":", 1) for rule in found[1].split(";") if rule.strip())
        style = {name.strip(): value.strip() for name, value in style.items()}
        if "max-width" in style:
            style["width"] = style.pop("max-width")
            style.pop("height", None)  # auto
        return "".join(f' {name}="{value}"' for name, value in style.items())

    return STYLE.sub(written, figure[0])


def legible(drawing: re.Match[str]) -> str:
    """Have a drawing whose labels would be too small on a phone scroll sideways there.

    The size of a label is that of its largest letter: scripts are smaller, as in every formula.
    """
    view = VIEW.search(drawing[2])
    texts = (
        [float(px) for px in SIZE.findall(text)] for text in TEXT.findall(drawing[2])
    )
    sizes = [max(each) for each in texts if each]
    sizes += [100 * float(scale) for scale in GLYPHS.findall(drawing[2])]
    if drawing[1] or not view or not sizes:
        return drawing[0]
    needed = SMALLEST / min(sizes) * float(view[1])
    if needed <= PHONE:
        return drawing[0]
    rem = next((each for each in LEAST if 16 * each >= needed), LEAST[-1])
    return f'<div class="sideways least-{rem}">{drawing[0]}</div>'


def scripts(page: str, search: bool, version: str) -> str:
    """Leave out the scripts that the page does not need, put one in the place of those that cannot wait, let the rest wait.

    Each file that comes first costs a phone a way to the server and back before anything is shown.
    """
    left_out = UNUSED if search else UNUSED + FOR_SEARCH
    left_out += AT_ONCE[1:]

    def kept(found: re.Match[str]) -> str:
        attributes, body = found.groups()
        source = ADDRESS.search(attributes)
        if not source:
            return "" if body.startswith("const THEBE_JS_URL") else found[0]
        root, _, name = source[1].rpartition("_static/")
        if name.endswith(left_out):
            return ""
        if name in (AT_ONCE[0], FIRST):
            return f'    <script src="{root}_static/{FIRST}?v={version}"></script>\n'
        return (
            found[0]
            if re.search(r"\b(?:defer|async)\b", attributes)
            else found[0].replace("<script", "<script defer", 1)
        )

    page = SCRIPT.sub(kept, page)
    page = re.sub(r' onclick="window\.print\(\)"', "", page)  # page.js prints
    return page.replace(*MODE_AT_START)


def sheets(page: str, version: str) -> str:
    """Put one style sheet in the place of all that are joined; leave out preloads, which would come before it.

    It comes last in the head: a script further down would wait for it.
    """
    ours = re.compile(
        "|".join(p.rpartition("/")[2].replace("*", "[^/]*") for p in SHEETS)
    )

    def kept(found: re.Match[str]) -> str:
        address = ADDRESS.search(found[0])
        name = address[1].rpartition("/")[2] if address else ""
        unused = name in UNUSED or (
            name == "sphinx-design.min.css" and 'class="sd-' not in page
        )
        gone = unused or name == JOINED or ours.fullmatch(name) or "preload" in found[0]
        return "" if gone else found[0]

    root = re.search(r'data-content_root="([^"]*)"', page)
    link = f'<link rel="stylesheet" href="{root[1] if root else ""}_static/{JOINED}?v={version}">\n'
    return LINK.sub(kept, page).replace("</head>", f"{link}</head>", 1)


def joined(static: Path) -> str:
    """Return the text of all style sheets, without the theme's icons."""

    def moved(path: Path, address: str) -> str:
        target = (path.parent / address.strip("'\"")).resolve()
        return f"url({target.relative_to(static.resolve()).as_posix()})"

    def text(path: Path) -> str:
        css = re.sub(r"/\*.*?\*/", "", path.read_text("utf8"), flags=re.DOTALL)
        css = re.sub(r"@charset[^;]*;", "", ICON_RULES.sub("", css))
        css = re.sub(
            r"url\((?!['\"]?data:)([^)]+)\)", lambda found: moved(path, found[1]), css
        )
        css = re.sub(
            r'@import "([^"]+)";', lambda found: text(path.parent / found[1]), css
        )
        return re.sub(r"\n\s*", "\n", css).strip() + "\n"

    found = [sorted(static.glob(pattern)) for pattern in SHEETS]
    missing = [
        pattern for pattern, paths in zip(SHEETS, found, strict=True) if not paths
    ]
    if missing:
        raise ExtensionError(f"no such style sheets: {missing}")
    return "".join(text(path) for paths in found for path in paths)


def smaller(picture: Path) -> None:
    """Write a picture of a plot with 256 colours, a third of the bytes, if no part of a colour is off by 16 of 255."""
    with Image.open(picture) as image:
        if image.mode == "P" or (
            image.mode == "RGBA" and image.getextrema()[3] != (255, 255)
        ):
            return
        whole = image.convert("RGB")
    few = whole.quantize(
        256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE
    )
    off = ImageChops.difference(whole, few.convert("RGB")).getextrema()
    if max(largest for _, largest in off) < 16:
        few.save(picture, "PNG", optimize=True)


def repair(static: Path) -> None:
    """Mend the scripts that are not ours; they are copied anew only when the theme has changed."""
    for name, text, instead in REPAIRS:
        script = (static / name).read_text("utf8")
        if instead in script:
            continue
        if script.count(text) != 1:
            raise ExtensionError(
                f"{name} has not {text!r}: it has changed (see REPAIRS in rnn_page.py), or they have (make clean)"
            )
        (static / name).write_text(script.replace(text, instead), "utf8")


def finish(app: Sphinx, error: Exception | None) -> None:
    """Mend all pages of the book."""
    if error is not None or app.builder.format != "html":
        return
    out = Path(app.outdir)
    repair(out / "_static")
    css, first = (
        joined(out / "_static"),
        "\n".join((out / "_static" / name).read_text("utf8") for name in AT_ONCE),
    )
    versions = {}
    for name, text in ((JOINED, css), (FIRST, first)):
        (out / "_static" / name).write_text(text, "utf8")
        versions[name] = hashlib.sha256(text.encode()).hexdigest()[:8]
    shutil.rmtree(out / "_static" / "vendor" / "fontawesome", ignore_errors=True)
    for name in ("fontawesome.js", "fontawesome.js.map"):
        (out / "_static" / "scripts" / name).unlink(missing_ok=True)
    for picture in (out / "_images").glob("*.png"):
        smaller(picture)
    for path in out.rglob("*.html"):
        page = before = path.read_text("utf8")
        if "data-content_root=" in page:
            page = sheets(
                scripts(page, path.name == "search.html", versions[FIRST]),
                versions[JOINED],
            )
        elif path != out / "index.html":
            continue  # not a page of the book
        page = NUMPYDOC_LABEL.sub(r"[\1]", POLICY.sub("", page))
        page = FIGURE.sub(without_styles, page)
        page = DRAWING.sub(legible, page)
        head = re.search(r"<meta charset=\"utf-8\"[^>]*>\n?", page)
        if head:
            page = page[: head.end()] + policy(page) + page[head.end() :]
        if page != before:
            path.write_text(page, "utf8")


def assets() -> str:
    """Return a digest of our style sheets and scripts: Sphinx copies them only where it has a page to write."""
    files = sorted(path for path in STATIC.rglob("*") if path.is_file())
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_config_value("assets_version", assets(), "html")
    app.connect("build-finished", finish, priority=950)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
