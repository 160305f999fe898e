"""Formulas are set while the book is built: a page arrives with them, and no reader loads a typesetter.

One V8 (mini-racer) with MathJax 3.2.2 (mathjax/README.md) sets the formulas of the whole book; what it has set is kept
beside the doctrees. A formula that it refuses is a warning, which fails the build. Style attributes become classes, for
the pages' policy. Forms in other notations go into ``_static/math/PAGE.KEY.js``, which notation.js fetches when a reader
chooses one, and numbered equations into ``PAGE.equations.js``, for links on other pages (equations.js).
"""

from __future__ import annotations

import hashlib
import json
import logging as plain_logging
import re
from html import escape
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from fontTools.subset import Options, Subsetter  # matplotlib needs it, so it is there
from fontTools.ttLib import TTFont
from py_mini_racer import MiniRacer
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

if TYPE_CHECKING:
    from sphinx.application import Sphinx

BUNDLE = Path(__file__).parent / "mathjax" / "mathjax.min.js"
FONTS = BUNDLE.parent / "fonts"
STYLED = re.compile(
    r'<[A-Za-z][\w-]*(?: [\w:-]+="[^"]*")*? style="([^"]*)"[^>]*>'
)  # names have capitals: mjx-TeXAtom
FONT = re.compile(r'url\("\./([^"]+)\.woff"\)')
SHOWN = re.compile(r'content: "([^"]*)"')
RULE = re.compile(r'[^{}]+\{(?:"[^"]*"|[^{}"])*\}')  # a brace may be what a glyph shows
OPENS, CLOSES = re.compile(r"[(\[‘]+$"), re.compile(r"[.,:;?!)\]’]+")
ZERO = "\ueffc"  # the only letter of MathJax_Zero, which gives each line its height: a font without one is refused
SIZE = "mjx-container.MathJax { font-size: calc(1ex / 0.442); }"  # letters as high as those of the text around them
logger = logging.getLogger(__name__)
plain_logging.getLogger("fontTools").setLevel("WARNING")


def version() -> str:
    """Return a digest of all that decides how a formula is set."""
    return hashlib.sha256(BUNDLE.read_bytes() + Path(__file__).read_bytes()).hexdigest()


class Typesetter:
    """MathJax, started when a formula comes that is not yet known.

    Parameters
    ----------
    kept : Path
        Where to keep what is set.
    """

    def __init__(self, kept: Path) -> None:
        self.kept, self.engine = kept, None
        known = json.loads(kept.read_text("utf8")) if kept.exists() else {}
        fresh: dict[str, Any] = {
            "version": version(),
            "html": {},
            "rules": [],
            "classes": {},
        }
        self.known = known if known.get("version") == version() else fresh

    def set(self, tex: str, display: bool) -> str:
        """Return a formula as HTML.

        Raises
        ------
        ValueError
            If MathJax cannot set it.
        """
        key = ("D" if display else "I") + tex
        if key not in self.known["html"]:
            if self.engine is None:
                self.engine = MiniRacer()
                self.engine.eval(BUNDLE.read_text("utf8"))
            made = json.loads(self.engine.call("typeset", tex, display))
            if "refused" in made:
                raise ValueError(made["refused"])
            self.known["html"][key] = self.classed(made["html"])
        return self.known["html"][key]

    def classed(self, html: str) -> str:
        """Put classes in the place of style attributes, named by what they say: pages of older builds stay right."""

        def named(found: re.Match[str]) -> str:
            style = found[1].rstrip("; ")
            name = "m" + hashlib.sha256(style.encode()).hexdigest()[:6]
            self.known["classes"][name] = style
            tag = found[0].replace(f' style="{found[1]}"', "")
            return (
                tag.replace(' class="', f' class="{name} ')
                if ' class="' in tag
                else f'{tag[:-1]} class="{name}">'
            )

        return STYLED.sub(named, html)

    def css(self) -> str:
        """Return the style sheet of all that was ever set here."""
        classes = sorted(self.known["classes"].items())
        instead = [
            f".{name} {{ {style.replace(';', ' !important;')} !important; }}"
            for name, style in classes
        ]
        return "\n".join([*self.known["rules"], SIZE, *instead, ""])

    def close(self) -> None:
        """Keep what is set, with the rules for its glyphs, and stop V8, which would keep Python from ending."""
        if self.engine is None:
            return
        rules = [
            " ".join(rule.split()) for rule in RULE.findall(self.engine.call("styles"))
        ]
        self.known["rules"] = list(dict.fromkeys(self.known["rules"] + rules))
        self.engine.close()
        self.engine = None
        self.kept.write_text(json.dumps(self.known), "utf8")


def displayed(text: str, nowrap: bool) -> str:
    """Return the TeX of a display as Sphinx would hand it to MathJax: broken lines split, paragraphs aligned."""
    if nowrap:
        return text
    parts = [
        rf"\begin{{split}}{p}\end{{split}}" if r"\\" in p else p
        for p in text.split("\n\n")
        if p.strip()
    ]
    if len(parts) == 1:
        return parts[0]
    return (
        r"\begin{align}\begin{aligned}"
        + r"\\".join(parts)
        + r"\end{aligned}\end{align}"
    )


def formula(
    translator: Any, node: nodes.Element, display: bool
) -> tuple[str, dict[str, str]]:
    """Return a formula as HTML, and the attributes of its element: its TeX, and where its other forms are."""
    builder = translator.builder
    typesetter, forms = builder.app.rnn_typesetter, builder.app.rnn_forms

    def made(text: str) -> str:
        tex = displayed(text, node.get("nowrap", False)) if display else text
        try:
            return typesetter.set(tex.strip(), display)
        except ValueError as error:
            logger.warning("formula: %s: %s", error, text, location=node, type="math")
            return f"<code>{escape(text)}</code>"

    text = node.astext()
    attributes, all_forms = {"data-tex": text.strip()}, {"ng": made(text)}
    if builder.name == "html":
        for key, other in node.get("notations", {}).items():
            listed = forms.setdefault((builder.current_docname, key), {})
            all_forms[key] = made(other)
            place = listed.setdefault((other.strip(), all_forms[key]), len(listed))
            attributes[f"data-form-{key}"] = str(place)
        for name in node["ids"] if display else ():
            builder.app.rnn_numbered.setdefault(builder.current_docname, {})[name] = (
                all_forms
            )
    return all_forms["ng"], attributes


def inline(self: Any, node: nodes.math) -> None:
    """Write a formula of a sentence."""
    html, attributes = formula(self, node, False)
    tag = self.starttag(
        node, "span", "", CLASS="math notranslate nohighlight", **attributes
    )
    text = f"{tag}{html}</span>"
    before, behind = node.get("before", ""), node.get("behind", "")
    if before or behind:
        text = f'<span class="with-marks">{before}{text}{behind}</span>'
    self.body.append(text)
    raise nodes.SkipNode


def hold_marks(app: Sphinx, doctree: nodes.document, _: str) -> None:
    """Give each formula the punctuation around it: a line should not begin with a comma."""
    if app.builder.format != "html":
        return
    for node in list(doctree.findall(nodes.math)):
        parent, at = node.parent, node.parent.index(node)
        behind = parent[at + 1] if at + 1 < len(parent) else None
        if isinstance(behind, nodes.Text) and (found := CLOSES.match(behind)):
            node["behind"] = found[0]
            parent[at + 1] = nodes.Text(behind[found.end() :])
        before = parent[at - 1] if at else None
        if isinstance(before, nodes.Text) and (found := OPENS.search(before)):
            node["before"] = found[0]
            parent[at - 1] = nodes.Text(before[: found.start()])


def display(self: Any, node: nodes.math_block) -> None:
    """Write an equation, with its number."""
    html, attributes = formula(self, node, True)
    self.body.append(
        self.starttag(
            node, "div", "", CLASS="math notranslate nohighlight", **attributes
        )
    )
    if node.get("number") and not node.get("nowrap"):
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append(f"{html}</div>\n")
    raise nodes.SkipNode


def with_fonts(css: str, static: Path) -> str:
    """Write the fonts, with the letters that the style sheet shows; their names change with what is in them."""
    shown = "".join(
        re.sub(r"\\([0-9A-Fa-f]+) ?", lambda code: chr(int(code[1], 16)), s)
        for s in SHOWN.findall(css)
    )
    letters = shown + ZERO

    def written(found: re.Match[str]) -> str:
        font = TTFont(FONTS / f"{found[1]}.woff", recalcTimestamp=False)
        options = Options(notdef_outline=True)
        # FontForge's dates: the subsetter would warn that it cannot subset them.
        options.drop_tables += ["FFTM"]
        few = Subsetter(options)
        few.populate(text=letters)
        few.subset(font)
        out = BytesIO()
        font.save(out)
        name = f"{found[1]}.{hashlib.sha256(out.getvalue()).hexdigest()[:8]}.woff"
        (static / name).write_bytes(out.getvalue())
        return f'url("./{name}")'

    for old in static.glob("*.woff"):
        old.unlink()
    return FONT.sub(written, css)


def start(app: Sphinx) -> None:
    """Take up what earlier builds have set."""
    app.rnn_typesetter = Typesetter(Path(app.doctreedir, "math.json"))  # type: ignore[attr-defined]
    app.rnn_forms = {}  # type: ignore[attr-defined]
    app.rnn_numbered = {}  # type: ignore[attr-defined]


def finish(app: Sphinx, error: Exception | None) -> None:
    """Write the style sheet, and the other forms of the pages that were written now."""
    app.rnn_typesetter.close()  # type: ignore[attr-defined]
    if error is not None or app.builder.format != "html":
        return
    static = Path(app.outdir, "_static", "math")
    static.mkdir(parents=True, exist_ok=True)
    (static / "math.css").write_text(
        with_fonts(app.rnn_typesetter.css(), static), "utf8"
    )  # type: ignore[attr-defined]
    for page, found in app.rnn_numbered.items():  # type: ignore[attr-defined]
        file = static / f"{page}.equations.js"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(
            f'rnnEquations("{page}", {json.dumps(found, ensure_ascii=False)});\n',
            "utf8",
        )
    for (page, key), forms in app.rnn_forms.items():  # type: ignore[attr-defined]
        file = static / f"{page}.{key}.js"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(
            f'rnnForms("{key}", {json.dumps(list(forms), ensure_ascii=False)});\n',
            "utf8",
        )


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.add_html_math_renderer("prerendered", (inline, None), (display, None))
    app.add_config_value("math_version", version(), "html")
    app.connect("builder-inited", start)
    app.connect("doctree-resolved", hold_marks)
    app.connect(
        "build-finished", finish, priority=900
    )  # before rnn_page.py, which joins the style sheets
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
