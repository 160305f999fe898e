"""The book's rules for chapters: checked by ``test_notebooks.py``, restored by ``--write``.

    python tests/book/notebooks.py                       check every page of the book
    python tests/book/notebooks.py --write a.ipynb …     run the notebooks from the top and bring them into the form

Only text is committed as output: nbval compares it, diffs stay readable, and no picture can go stale, since the
book's build makes the pictures. nbval compares nothing in a notebook without outputs, so outputs there must be.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from markdown_it import MarkdownIt
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.front_matter import front_matter_plugin
from mdit_py_plugins.myst_role import myst_role_plugin

ROOT = Path(__file__).parents[2]
BOOK = ROOT / "book"
NBVAL = Path(__file__).with_name("nbval.cfg")

CODE_LINES = 25
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
CELL_METADATA = {"tags", "mystnb"}
TORCH = "torch"  # the tag of a cell that PyTorch has to be there for: elsewhere it keeps its stored output
TAGS = {"hide-cell", "hide-input", "hide-output", "remove-cell", "remove-input", "remove-output", "raises-exception"}
TAGS |= {TORCH}
# "chapter.ipynb#cell-id": why its text output cannot be compared
IGNORED_BY_NBVAL = {
    "performance.ipynb#7f53c731": "compares measured times: on a busy machine it may turn out otherwise",
    "performance.ipynb#99862b4f": "compares measured times: on a busy machine it may turn out otherwise",
    "performance.ipynb#74152149": "compares measured times: on a busy machine it may turn out otherwise",
}
MACHINE = re.compile(r"\b0x[0-9a-f]{6,}|(?<![\w.])/(?:home|root|tmp|usr|work|Users|private)/|[A-Z]:\\\\?Users")
# Digits that no two machines need agree in: more than six after the point, or an error of rounding as a number.
LAST_BITS = re.compile(r"-?\d+\.\d{7,}(?:e[+-]?\d+)?|\b\d\.\d+e-1[5-9]\b")
FIGURE = re.compile(r"^<Figure size ")
PLAYER = re.compile(r"^<\d+ frames by ")  # has a text alternative in each frame
EQUATION_LABEL = re.compile(r"eq:[a-z0-9]+(-[a-z0-9]+)*")
# English as nobody speaks it: a derivative is taken with respect to something.
OBJECT = (
    r"loss|inputs?|outputs?|weights?|parameters?|states?|start|hidden|pre-|logits?|vector|matri|memor|bias|block|gates?"
)
UNSPOKEN = re.compile(
    r"\b(?:derivative|gradient)s?\s(?:of\s[^.;:]{1,60}?\s)?by\s"
    rf"(?:(?:the|an?|its|each|every|any|all|one)\s)*(?:{OBJECT}|earlier|early|late|entry [a-z$])"
    r"|\bhow many \w+ ha(?:s|ve) (?:it|they|an?|the)\b|\breckoning\b|\bderived anew\b|\blaid upright\b",
    re.IGNORECASE,
)
VERBATIM = {"code-block", "code", "code-cell", "literalinclude", "eval-rst", "bibliography", "mermaid", "raw"}

Rule = Callable[[Any], Iterator[str]]


# --- the notebook as a file --------------------------------------------------------------------------------------


def where(index: int, cell: Any) -> str:
    """Name a cell as authors see it: its place and how it begins."""
    lines = cell.source.strip().splitlines()
    return f"cell {index} ({lines[0][:40] if lines else 'empty'!r})"


def code_cells(nb: Any) -> Iterator[tuple[str, Any]]:
    """Each code cell with its name for messages."""
    return ((where(k, cell), cell) for k, cell in enumerate(nb.cells) if cell.cell_type == "code")


def form(nb: Any) -> Iterator[str]:
    """Format 4.5 with cell ids, and no metadata of the machine it was written on."""
    if (nb.nbformat, nb.nbformat_minor) != (4, 5):
        yield f"format {nb.nbformat}.{nb.nbformat_minor}, expected 4.5"
    if dict(nb.metadata) != METADATA:
        yield f"metadata {dict(nb.metadata)}, expected exactly {METADATA}"
    for k, cell in enumerate(nb.cells):
        if not cell.get("id"):
            yield f"{where(k, cell)}: no id"
        if not cell.source.strip():
            yield f"{where(k, cell)}: nothing in it"
        for key in sorted(set(cell.metadata) - CELL_METADATA):
            yield f"{where(k, cell)}: metadata {key!r}, allowed are {sorted(CELL_METADATA)}"


def tags(nb: Any) -> Iterator[str]:
    """Tags from the list; an output is kept from nbval only with a reason in IGNORED_BY_NBVAL."""
    for name, cell in code_cells(nb):
        for tag in cell.metadata.get("tags", []):
            if tag == "nbval-ignore-output":
                if not any(key.endswith(f"#{cell.get('id')}") for key in IGNORED_BY_NBVAL):
                    yield f"{name}: tagged {tag} without a reason in IGNORED_BY_NBVAL"
            elif tag not in TAGS:
                yield f"{name}: tag {tag!r}, allowed are {sorted(TAGS)}"
        if re.search(r"^\s*#\s*(NBVAL_|PYTEST_VALIDATE)", cell.source, re.MULTILINE):
            yield f"{name}: an nbval comment; use a tag"


def outputs(nb: Any) -> Iterator[str]:
    """Run once from the top; text outputs only; nothing on the error stream; nothing that names the machine."""
    for count, (name, cell) in enumerate(code_cells(nb), 1):
        if cell.execution_count != count:
            yield f"{name}: execution count {cell.execution_count}, expected {count}: run from the top"
        for out in cell.outputs:
            if out.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", []):
                yield f"{name}: ends in {out.ename}"
            if out.output_type == "stream" and out.name != "stdout":
                yield f"{name}: writes to {out.name}: {out.text[:60]!r}"
            for mime in sorted(set(out.get("data", {})) - {"text/plain"}):
                yield f"{name}: holds {mime}, only text/plain is kept"
            text = str(out.get("text") or out.get("data", {}).get("text/plain", ""))
            if found := MACHINE.search(text):
                yield f"{name}: prints {found.group()!r}, which differs from machine to machine"
            if (found := LAST_BITS.search(text)) and "nbval-ignore-output" not in cell.metadata.get("tags", []):
                yield f"{name}: prints {found.group()!r}: round it, or say that it is below a limit"


def sources(nb: Any) -> Iterator[str]:
    """Short cells of plain Python, which use the package and define nothing that it has."""
    taken = package_names()
    for name, cell in code_cells(nb):
        if (lines := sum(bool(line.strip()) for line in cell.source.splitlines())) > CODE_LINES:
            yield f"{name}: {lines} lines of code, at most {CODE_LINES}"
        try:
            tree = ast.parse(cell.source)
        except SyntaxError:
            yield f"{name}: not plain Python (no % or ! lines)"
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                defined = [node.name]
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
                defined = [target.id for target in node.targets if isinstance(target, ast.Name)]
            else:
                continue
            for each in set(defined) & taken.keys():
                yield f"{name}: defines {each}, which rnncourse.{taken[each]} has: import it"


def package_names() -> dict[str, str]:
    """Public functions and classes of the package, by __all__, with their modules."""
    found = {}
    wings = [ROOT / "rnncourse" / wing for wing in ("", "layers", "diagrams", "widgets")]
    for path in sorted({path for wing in wings for path in wing.glob("*.py")} - {ROOT / "rnncourse" / "battery.py"}):
        text = path.read_text("utf8")
        listed = text.partition("__all__ = [")[2].partition("]")[0]
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and f'"{node.name}"' in listed:
                found[node.name] = path.stem
    return found


def figures(nb: Any) -> Iterator[str]:
    """A cell that draws has a name, a caption and alternative text."""
    for name, cell in code_cells(nb):
        texts = [str(out.get("data", {}).get("text/plain", "")) for out in cell.outputs]
        needed = [("figure", "name"), ("figure", "caption")]
        if any(FIGURE.match(text) for text in texts):
            needed.append(("image", "alt"))
        elif not any(PLAYER.match(text) for text in texts) or "caption=" in cell.source:
            continue  # a player may bring its caption along, and then has no number
        mystnb = cell.metadata.get("mystnb", {})
        for group, key in needed:
            if not str(mystnb.get(group, {}).get(key, "")).strip():
                yield f"{name}: draws a figure without mystnb.{group}.{key}"


def torch_cells(nb: Any) -> Iterator[str]:
    """A cell that imports PyTorch is tagged and folded, and nothing after it depends on its having run."""
    bound: set[str] = set()
    for name, cell in code_cells(nb):
        try:
            tree = ast.parse(cell.source)
        except SyntaxError:
            continue  # `sources` says so
        loads, binds = names_of(tree)
        tagged = TORCH in cell.metadata.get("tags", [])
        if tagged != ("torch" in binds):
            yield f"{name}: {'tagged torch, and imports no torch' if tagged else 'imports torch without the tag torch'}"
        if not tagged:
            for each in sorted(bound & loads):
                yield f"{name}: uses {each}, set by a cell with torch, which does not run everywhere"
            continue
        bound |= binds
        if "raises-exception" not in cell.metadata.tags or any(out.output_type == "error" for out in cell.outputs):
            yield f"{name}: is to be tagged raises-exception, so that all runs without torch, and to raise nothing"
        if "hide-input" not in cell.metadata.get("tags", []) or "code_prompt_show" not in cell.metadata.get(
            "mystnb", {}
        ):
            yield f"{name}: is to be tagged hide-input, and to say in mystnb.code_prompt_show what is folded"
        if "rng" in loads:
            yield f"{name}: moves rng on, so that later cells print something else where PyTorch is missing"
        if not cell.outputs:
            yield f"{name}: has no stored output; run --write where PyTorch is installed"


def names_of(tree: ast.AST) -> tuple[set[str], set[str]]:
    """Names that the code of a cell reads, and those that it sets."""
    loads, binds = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (loads if isinstance(node.ctx, ast.Load) else binds).add(node.id)
        elif isinstance(node, ast.alias):
            binds.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.ImportFrom) and node.module:
            binds.add(node.module.split(".")[0])
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            binds.add(node.name)
    return loads, binds


NOTEBOOK_RULES: tuple[Rule, ...] = (form, tags, outputs, sources, figures, torch_cells)


# --- the text ----------------------------------------------------------------------------------------------------


class Piece(NamedTuple):
    """One thing that a page's Markdown holds: an equation, a picture, a directive's label."""

    kind: str
    label: str
    text: str


def parser() -> MarkdownIt:
    """Read Markdown as the book does."""
    md = MarkdownIt("commonmark").enable("table")
    for plugin in (front_matter_plugin, amsmath_plugin, colon_fence_plugin, myst_role_plugin):
        md.use(plugin)
    return md.use(dollarmath_plugin, allow_labels=True, allow_space=True, allow_digits=True, double_inline=False)


def pieces(text: str, md: MarkdownIt | None = None) -> Iterator[Piece]:
    """Equations, pictures and labels in a page, also inside boxes such as exercises."""
    md = md or parser()
    for token in (child for top in md.parse(text) for child in (top, *(top.children or []))):
        content = token.content.strip()
        if token.type in {"math_block", "amsmath", "math_inline_double"}:
            yield Piece("equation", "", content)
        elif token.type == "math_block_label":
            yield Piece("equation", token.info, content)
        elif token.type == "image":
            yield Piece("image", content, str(token.attrs.get("src", "")))
        elif token.type in {"fence", "colon_fence"} and (found := re.match(r"\{([\w:-]+)\}", token.info.strip())):
            yield from directive(found.group(1), token.content, md)


def directive(name: str, content: str, md: MarkdownIt) -> Iterator[Piece]:
    """Equations, pictures and labels in a directive."""
    lines = content.splitlines()
    options = {}
    while lines and (found := re.match(r":([\w-]+):\s*(.*)", lines[0])):
        options[found.group(1)] = found.group(2).strip()
        lines.pop(0)
    body = "\n".join(lines).strip()
    label = options.get("label") or options.get("name") or ""
    if name == "math":
        yield Piece("equation", label, body)
        return
    if name in {"figure", "image"}:
        yield Piece("image", options.get("alt", ""), f"{{{name}}}")
    if name == "figure" and not body:
        yield Piece("caption", "", "{figure}")
    if label:
        yield Piece("label", label, name)
    if name not in VERBATIM:
        yield from pieces(body, md)


def page_text(path: Path) -> str:
    """The prose of a page, be it Markdown or a notebook."""
    if path.suffix == ".md":
        return path.read_text("utf8")
    nb = nbformat.read(path, as_version=4)
    return "\n\n".join(cell.source for cell in nb.cells if cell.cell_type == "markdown")


def text_problems(text: str) -> Iterator[str]:
    """Every display equation has a label ``eq:…``; every picture says in words what it shows; the English is spoken."""
    for piece in pieces(text):
        begin = piece.text.splitlines()[0][:50] if piece.text else ""
        if piece.kind == "equation" and not piece.label:
            yield f"an equation without a label, $$ … $$ (eq:…): {begin!r}"
        elif piece.kind == "equation" and not EQUATION_LABEL.fullmatch(piece.label):
            yield f"equation label {piece.label!r}, expected the form eq:rnn-state"
        elif piece.kind == "image" and not piece.label:
            yield f"a picture without alternative text: {begin!r}"
        elif piece.kind == "caption":
            yield "a {figure} without a caption"
    yield from (f"say it as it is spoken: {' '.join(found[0].split())!r}" for found in UNSPOKEN.finditer(text))


def repeated_labels(pages: dict[str, str]) -> Iterator[str]:
    """Labels used twice in the book, given each page's text."""
    seen: dict[str, str] = {}
    for page, text in pages.items():
        for piece in pieces(text):
            if piece.kind in {"equation", "label"} and piece.label:
                if piece.label in seen:
                    yield f"label {piece.label!r} in {page} and in {seen[piece.label]}"
                seen.setdefault(piece.label, page)


def problems(path: Path) -> list[str]:
    """All that is wrong with one page."""
    found = list(text_problems(page_text(path)))
    if path.suffix == ".ipynb":
        nb = nbformat.read(path, as_version=nbformat.NO_CONVERT)
        found += [problem for rule in NOTEBOOK_RULES for problem in rule(nb)]
        if path.read_text("utf8") != serialise(nb):
            found.append("the file is not in the form that --write gives (indent, order of keys, last newline)")
    return found


# --- bringing a notebook into the form ---------------------------------------------------------------------------


def serialise(nb: Any) -> str:
    """The notebook's file, byte for byte."""
    return nbformat.writes(nb).rstrip("\n") + "\n"


def normalise(nb: Any) -> Any:
    """Keep of an executed notebook what the rules allow."""
    nb.metadata = nbformat.from_dict(METADATA)
    nb.nbformat, nb.nbformat_minor = 4, 5
    taken: set[str] = set()
    for k, cell in enumerate(nb.cells):
        cell.source = "\n".join(line.rstrip() for line in cell.source.strip("\n").splitlines())
        cell.metadata = nbformat.from_dict({key: cell.metadata[key] for key in CELL_METADATA & set(cell.metadata)})
        if not cell.get("id") or cell.id in taken:
            cell.id = hashlib.sha256(f"{k}{cell.source}".encode()).hexdigest()[:8]
        taken.add(cell.id)
        if cell.cell_type == "code":
            cell.outputs = [kept for out in cell.outputs if (kept := text_only(out))]
    for count, (_, cell) in enumerate(code_cells(nb), 1):
        cell.execution_count = count
        for out in cell.outputs:
            if "execution_count" in out:
                out.execution_count = count
    return nb


def text_only(out: Any) -> Any:
    """One output without pictures, HTML and their metadata; None where nothing remains."""
    if "data" not in out:
        return out
    out.data = nbformat.from_dict({mime: value for mime, value in out.data.items() if mime == "text/plain"})
    out.metadata = nbformat.from_dict({})
    return out if out.data else None


def execute(path: Path, timeout: int = 300) -> Any:
    """Run a notebook from the top, in its folder, with this interpreter; cells with torch only where it is."""
    from nbclient import NotebookClient

    nb = nbformat.read(path, as_version=4)
    client = NotebookClient(
        nb,
        kernel_name="python3",
        timeout=timeout,
        coalesce_streams=True,
        skip_cells_with_tag="skip-execution" if find_spec("torch") else TORCH,
        resources={"metadata": {"path": str(path.parent)}},
    )
    return client.execute()


# --- the same notebook, run elsewhere ------------------------------------------------------------------------------


def codes(nb: Any) -> tuple[str, ...]:
    """The code of a notebook: what the build's cache knows it by."""
    return tuple(cell.source for _, cell in code_cells(nb))


def printed(cell: Any) -> list[str]:
    """What a cell prints, as nbval compares it: each stream and each text, without what nbval.cfg takes out."""
    streams: dict[str, str] = {}
    texts = []
    for out in cell.outputs:
        if out.output_type == "stream":
            streams[out.name] = streams.get(out.name, "") + out.text
        elif "text/plain" in out.get("data", {}):
            texts.append(out.data["text/plain"])
    found = [*(f"{name}: {text}" for name, text in sorted(streams.items())), *texts]
    for regex, replacement in re.findall("^regex: (.*)$\n^replace: (.*)$", NBVAL.read_text("utf8"), re.MULTILINE):
        found = [re.sub(regex, replacement, text) for text in found]
    return found


def differences(stored: Any, ran: Any) -> Iterator[str]:
    """Cells that print something else in another run of the same notebook."""
    for (name, cell), (_, other) in zip(code_cells(stored), code_cells(ran), strict=True):
        if "nbval-ignore-output" not in cell.metadata.get("tags", []) and printed(cell) != printed(other):
            yield f"{name}: stored {printed(cell)}, and now {printed(other)}"


def pages_of_the_book() -> list[Path]:
    """Every source of a page: Markdown and notebooks under book/."""
    found = [path for path in BOOK.rglob("*") if path.suffix in {".md", ".ipynb"}]
    return sorted(path for path in found if not {".ipynb_checkpoints", "_ext", "vendor"} & set(path.parts))


def main(arguments: list[str] | None = None) -> int:
    """Check or write; the number of problems decides the exit code."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--write", action="store_true", help="run each notebook from the top and write it back")
    options.add_argument("pages", nargs="*", type=Path, help="pages; without any, the whole book")
    chosen = options.parse_args(arguments)
    bad = 0
    for path in [page.resolve() for page in chosen.pages] or pages_of_the_book():
        if chosen.write and path.suffix == ".ipynb":
            subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", str(path)], check=True)
            path.write_text(serialise(normalise(execute(path))), "utf8")
        found = problems(path)
        bad += len(found)
        print(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path, "" if found else "ok")
        for problem in found:
            print("   ", problem)
    if not chosen.pages:
        for problem in repeated_labels({str(path.relative_to(BOOK)): page_text(path) for path in pages_of_the_book()}):
            bad += 1
            print(problem)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
