"""The command ``rnncourse``: copies the course's notebooks, checks equations, tells the version."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from .equations.__main__ import main as check_equations

__all__ = ["copy_notebooks", "main"]

HERE = Path(__file__).parent
NEEDS_THE_REPOSITORY = ("performance.ipynb",)  # it reads what the benchmarks stored
ELSEWHERE = (
    "This installation carries no notebooks, as the wheel beside the book's pages does not. Take them from the pages, "
    'by the button at their tops, or install the package from a package index: pip install "rnncourse[notebooks]"'
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        What follows the command's name; those of the process, if None.

    Returns
    -------
    int
        0, or 1 if something was left undone (a changed notebook, a failed equation), or 2 if it could not begin.
    """
    for stream in (sys.stdout, sys.stderr):  # a console may have no sign for what is printed
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    given = _parser().parse_args(arguments)
    if given.command == "check":
        return check_equations([*(["-v"] if given.verbose else []), *given.paths])
    if given.command == "version":
        print(version("rnncourse"))
        return 0
    try:
        return copy_notebooks(Path(given.folder), force=given.force)
    except OSError as error:
        print(f"{error.filename or given.folder}: {error.strerror or error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rnncourse", description="Recurrent neural networks in plain NumPy.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    notebooks = commands.add_parser("notebooks", help="copy the course's notebooks to a folder, to run and to change")
    notebooks.add_argument("folder", help="where to; it is made if it is missing")
    notebooks.add_argument("--force", action="store_true", help="replace changed ones, too, and keep them as backups")
    check = commands.add_parser("check", help="check the display equations of notebooks, Markdown files or folders")
    check.add_argument("paths", nargs="+", metavar="path")
    check.add_argument("-v", dest="verbose", action="store_true", help="a line about every equation")
    commands.add_parser("version", help="print the version")
    return parser


def copy_notebooks(folder: Path, force: bool = False) -> int:
    """Copy the course's notebooks, and the results and programs that they read.

    What is there and differs, since somebody worked in it or since it is of another version, is left alone.

    Parameters
    ----------
    folder : Path
        Where to; made if it is missing.
    force : bool
        Replace what differs, and keep it beside: ``gru.ipynb`` becomes ``gru.backup-1.ipynb``.

    Returns
    -------
    int
        0; 1 if something that differs was left alone; 2 if there are no notebooks in this installation.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    sources = _sources()
    if not sources:
        print(ELSEWHERE, file=sys.stderr)
        return 2
    done: dict[str, list[str]] = {"new": [], "same": [], "kept": [], "replaced": []}
    for name, source in sources.items():
        done[_copy(source, folder / name, force)].append(name)
    print(f"{folder}: {len(done['new'])} files copied, {len(done['same'])} there already.")
    for name in done["replaced"]:
        print(f"replaced, with a backup beside it: {name}")
    for name in done["kept"]:
        print(f"left alone, since it differs (--force replaces it and keeps a backup): {name}")
    if find_spec("jupyterlab") is None:
        print('What they need: pip install "rnncourse[notebooks]"')
    quoted = f'"{folder}"' if " " in str(folder) else folder
    print(f"To start: jupyter lab {quoted}")
    return int(bool(done["kept"]))


def _sources() -> dict[str, Path]:
    """Return notebooks, stored results and programs by their places, of the installed package or of the repository."""
    root = HERE / "notebooks"
    if not root.is_dir():
        root = HERE.parent / "book"
        if not (root / "index.md").is_file():
            return {}
    found = [*root.glob("*/*.ipynb"), *root.glob("*/results/*.json*"), *root.glob("[!_]*/*.py")]
    return {path.relative_to(root).as_posix(): path for path in sorted(found) if path.name not in NEEDS_THE_REPOSITORY}


def _copy(source: Path, target: Path, force: bool) -> str:
    """Copy a file, and return what became of it: 'new', 'same', 'kept' or 'replaced'."""
    target.parent.mkdir(parents=True, exist_ok=True)
    word = "new"
    if target.exists():
        if target.is_file() and target.read_bytes() == source.read_bytes():
            return "same"
        if not force:
            return "kept"
        os.replace(target, _backup(target))
        word = "replaced"
    part = target.with_name(target.name + ".part")
    shutil.copyfile(source, part)
    os.replace(part, target)
    return word


def _backup(target: Path) -> Path:
    """Return the first name for a backup that is free."""
    k = 1
    while (backup := target.with_name(f"{target.stem}.backup-{k}{target.suffix}")).exists():
        k += 1
    return backup
