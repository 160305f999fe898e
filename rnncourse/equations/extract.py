"""Finding the display equations of a page, with their labels and marks.

A Markdown parser with the plugins that MyST uses reads the page: what is found is what the book numbers. Marks are
comments in the line before an equation, or in it:

``% not-checked: why``
    It cannot be checked.
``% false: what is wrong``
    It is shown because it is wrong, and has to fail the check.
``% refused: why``
    It is shown because it cannot be read one way, and has to be refused.
``% attained: run``
    An inequality, and the run on which it is an equality.
``% world: kind``
    It is about another kind of run than the chapter's first that fits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from .._extras import needed

__all__ = ["MARKS", "Equation", "equations", "pages", "texts"]

MARKS = ("not-checked", "false", "refused", "attained", "world")
INSIDE = re.compile(rf"^\s*%\s*({'|'.join(MARKS)}):\s*(.*\S)", re.M)
MARK = re.compile(rf"^\s*({'|'.join(MARKS)}):\s*(.*\S)", re.M)


@dataclass(frozen=True)
class Equation:
    """A display equation of a page.

    Attributes
    ----------
    path : Path
        The page.
    place : str
        The line, or the cell and the line in it.
    label : str
        Empty if it has none.
    latex : str
        What stands between the signs.
    marks : dict
        Its marks.
    """

    path: Path
    place: str
    label: str
    latex: str
    marks: dict[str, str] = field(default_factory=dict)


def pages(*paths: str | Path) -> list[Path]:
    """List the notebooks and Markdown files below some paths, in order, but for folders that begin with _ or a dot.

    Parameters
    ----------
    *paths : str or Path
        Files or folders.

    Returns
    -------
    list of Path
        The pages.

    Raises
    ------
    FileNotFoundError
        If there is no such file or folder.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if not path.exists():
            raise FileNotFoundError(f"there is no {path}")
        files = sorted(p for p in path.rglob("*") if p.suffix in (".md", ".ipynb")) if path.is_dir() else [path]
        found += [p for p in files if not any(part[0] in "_." for part in p.relative_to(path).parts[:-1])]
    return found


def texts(path: Path) -> list[tuple[str, str]]:
    """Return the Markdown texts of a page, each with its place.

    Raises
    ------
    ValueError
        If the page is not UTF-8, or no notebook although it is called one.
    """
    try:
        text = path.read_text("utf8")
        if path.suffix != ".ipynb":
            return [("", text)]
        cells = json.loads(text)["cells"]
        return [(f"cell {n}, ", "".join(c["source"])) for n, c in enumerate(cells) if c["cell_type"] == "markdown"]
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: is not UTF-8: {error.reason} at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: is not JSON, so no notebook: {error}") from error
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{path}: is no notebook: cells, each with a cell_type and a source, are expected") from error


def equations(path: Path) -> list[Equation]:
    """Find the display equations of a page.

    Parameters
    ----------
    path : Path
        A notebook or a Markdown file.

    Returns
    -------
    list of Equation
        In the order of the page.
    """
    return [eq for place, text in texts(path) for eq in _scan(path, place, text, 0)]


@lru_cache(maxsize=1)
def _markdown() -> Any:
    """Return the Markdown parser; it is needed here only, and is no part of the core."""
    parser = needed("markdown_it", "equations", "reading a page").MarkdownIt("commonmark")
    for name in ("front_matter", "myst_block", "amsmath", "colon_fence"):
        parser.use(_plugin(name))
    parser.use(_plugin("dollarmath"), allow_labels=True, allow_space=True, double_inline=True)
    return parser.enable("table")


MODULES = {"myst_block": "myst_blocks"}  # where a plugin is that has another name


def _plugin(name: str) -> Any:
    """Return a plugin of the parser."""
    module = needed(f"mdit_py_plugins.{MODULES.get(name, name)}", "equations", "reading a page")
    return getattr(module, f"{name}_plugin")


def _scan(path: Path, place: str, text: str, offset: int) -> Iterator[Equation]:
    marks: dict[str, str] = {}
    for token in _markdown().parse(text):
        line = offset + (token.map[0] + 1 if token.map else 0)
        label, latex = "", None
        directive = re.match(r"\s*\{([\w-]+)\}", token.info) if token.type in ("fence", "colon_fence") else None
        if token.type == "myst_line_comment":
            marks |= dict(MARK.findall(token.content))
            continue
        if token.type in ("math_block", "math_block_label"):
            label, latex = token.info, token.content
        elif token.type == "amsmath":
            named = re.search(r"\\label\{([^}]*)\}", token.content)
            label, latex = named[1] if named else "", token.content
        elif token.type == "inline":  # $$ … $$ within a line of text
            for child in token.children or []:
                if child.type == "math_inline_double":
                    yield Equation(path, f"{place}line {line}", "", child.content.strip(), marks)
        elif directive and directive[1] == "math":
            options, body = re.fullmatch(r"((?:[ ]*:[\w-]+:[^\n]*\n)*)(.*)", token.content, re.S).groups()  # type: ignore
            label, latex = dict(re.findall(r":([\w-]+):[ ]*(\S+)", options)).get("label", ""), body
        elif directive and directive[1] not in ("code", "code-cell", "code-block", "eval-rst"):
            yield from _scan(path, place, token.content, line)  # an admonition, a proof, an exercise: look inside
        if latex is not None:
            inside = dict(INSIDE.findall(latex))
            yield Equation(path, f"{place}line {line}", label, latex.strip(), marks | inside)
        if token.level == 0 and token.nesting <= 0:
            marks = {}
