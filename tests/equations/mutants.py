"""Wrong versions: of the book's equations (LaTeX) and of the package's cells (source), and blind edits of tokens.

``python -m equations.mutants [pages]``, in tests/, prints the LaTeX mutants that survive, for `survivors.txt`.
"""

from __future__ import annotations

import importlib
import os
import random
import re
import shutil
import sys
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from mutation.table import MUTANTS, Mutant, problems

import rnncourse
from rnncourse.equations.chapters import chapter_of, setting_of
from rnncourse.equations.extract import Equation, equations, pages
from rnncourse.equations.language.lexer import EquationError, lex
from rnncourse.equations.language.nodes import Relation, Sym, walk
from rnncourse.equations.language.parser import parse
from rnncourse.equations.verdict.checker import Checker, RelationCheck
from rnncourse.equations.verdict.edits import Edit, edits

HERE = Path(__file__).parent
PASSES, FAILS = 10, 11  # how a process says so
PAGES = pages(HERE.parents[1] / "book", HERE / "data")
LEFT_OUT = {"not-checked", "false", "refused"}


def contexts(pages: list[Path]) -> Iterator[tuple[Equation, str, Checker]]:
    """Yield every checked equation, its kind of run, and a checker that knows the page's definitions so far."""
    for page in pages:
        known: dict[str, Any] = {}
        for eq in equations(page):
            if LEFT_OUT & eq.marks.keys():
                continue
            name, relations = chapter_of(page.stem).read(eq.latex, eq.label, eq.marks.get("world"))
            definitions = known.setdefault(name, {})
            yield eq, name, Checker(setting_of(name), dict(definitions))
            Checker(setting_of(name), definitions).check(relations, eq.latex, eq.marks.get("attained"))


def holds(source: str, checker: Checker, attained: str | None, original: list[Relation] | None = None) -> bool:
    """Whether an equation passes, of which the relations of `original` are known to hold; a crash is not caught."""
    try:
        relations = parse(source, checker.setting.notation)
    except EquationError:
        return False
    known = original or []
    if not any(RelationCheck(checker, relation, source).is_definition() for relation in (*known, *relations)):
        relations = [r for r in relations if r not in known] or relations
    return passes(checker, relations, source, attained)


def passes(checker: Checker, relations: list[Relation], source: str, attained: str | None) -> bool:
    """Whether what was read holds."""
    try:
        checker.check(relations, source, attained)
    except EquationError:
        return False
    return True


def latex_mutants() -> Iterator[tuple[Equation, Edit, bool]]:
    """Yield every single edit of every equation, and whether it survives.

    A definition is no claim: one that is edited survives if all that the page builds on it holds still.
    """
    for page in PAGES:
        read = [(eq, name, checker, parse(eq.latex, checker.setting.notation))
                for eq, name, checker in contexts([page])]  # fmt: skip
        for k, (eq, name, checker, relations) in enumerate(read):
            defined = {
                left.key
                for r in relations
                if isinstance(left := r.sides[0], Sym) and RelationCheck(checker, r, eq.latex).is_definition()
            }
            users = [(later, at) for later, n, _, at in read[k + 1 :] if n == name and mentioned(at) & defined]
            for edit in edits(eq.latex, relations, checker.setting.notation):
                fresh = Checker(checker.setting, dict(checker.definitions))
                survives = holds(edit.source, fresh, eq.marks.get("attained"), relations)
                for later, at in users if survives else ():
                    survives = survives and passes(fresh, at, later.latex, later.marks.get("attained"))
                yield eq, edit, survives


def mentioned(relations: list[Relation]) -> set[str]:
    """Return the keys of all quantities in an equation."""
    return {node.key for relation in relations for node in walk(relation) if isinstance(node, Sym)}


def token_edits(n: int, seed: int = 0) -> Iterator[tuple[str, Checker, str | None]]:
    """Yield equations with a token deleted, doubled or exchanged with another one, blindly."""
    rng = random.Random(seed)
    known = [(eq.latex, checker, eq.marks.get("attained")) for eq, _, checker in contexts(PAGES)]
    for _ in range(n):
        source, checker, attained = rng.choice(known)
        tokens = [source[t.pos : t.end] for t in lex(source)[:-1]]
        a, b = rng.randrange(len(tokens)), rng.randrange(len(tokens))
        match rng.randrange(3):
            case 0:
                del tokens[a]
            case 1:
                tokens.insert(b, tokens[a])
            case _:
                tokens[a], tokens[b] = tokens[b], tokens[a]
        yield " ".join(tokens), Checker(checker.setting, dict(checker.definitions)), attained


# ---- the package: the mistakes of tests/mutation/table.py that a run of one layer can show

ABOUT_ONE_LAYER = re.compile(
    r"(layers/)?(fast/)?(rnn|gru|lstm|use_gate|dense|losses|activations|recurrent|tape|step)\.py"
)
ASIDE = {  # what they are about, in place of one layer on whole sequences: the other tests see to these
    "sequences of different lengths": r"past the end|frozen|padding|first that ends|masked",
    "sequences of many steps": "chunk",
    "a gradient that a caller hands in for the final state": "dfinal",
    "how a layer is drawn": "forget bias",
    "the mean over a batch": r"\bmean\b",
    "a function that no layer of these runs uses": "rectifier|diagonal of the Jacobian alone",
}


def package_mutants() -> list[Mutant]:
    """List the mistakes that the equations alone should show."""
    return [m for m in MUTANTS if ABOUT_ONE_LAYER.fullmatch(m.file) and not re.search("|".join(ASIDE.values()), m.what)]


def relevant(mutant: Mutant) -> list[Path]:
    """List the pages about the cells that a mutant can be in."""
    stem = Path(mutant.file).stem.replace("_", "-")
    if stem == "rnn":
        return [page for page in PAGES if page.stem in ("rnn-forward", "bptt", "deep")]
    if stem == "recurrent":
        stem = "use-gate"
    return [page for page in PAGES if page.stem.startswith(stem)] or PAGES


def fails(folder: Path, found: list[Path]) -> bool:
    """Whether an equation of some pages fails on the package in a folder; a process of its own imports that package."""
    child = get_context("fork").Process(target=_check, args=(folder, found))
    child.start()
    child.join()
    if child.exitcode not in (PASSES, FAILS):
        raise RuntimeError(f"the package in {folder} cannot be imported")
    return child.exitcode == FAILS


def _check(folder: Path, found: list[Path]) -> None:
    sys.path.insert(0, str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] == "rnncourse"]:
        del sys.modules[name]
    report = importlib.import_module("rnncourse.equations.report")
    assert report.__file__.startswith(str(folder))
    np.seterr(all="ignore")
    try:
        failed = any(o.status == "failed" for page in found for o in report.check_page(page, diagnose=False))
    except Exception:  # the package itself stops
        failed = True
    os._exit(FAILS if failed else PASSES)


def package_survives(mutant: Mutant | None, folder: Path) -> bool:
    """Whether all equations hold on a copy of the package with a mistake in it (or none)."""
    shutil.copytree(Path(rnncourse.__file__).parent, folder / "rnncourse", ignore=shutil.ignore_patterns("__pycache__"))
    if mutant is not None:
        path = folder / "rnncourse" / mutant.file
        source = path.read_text("utf8")
        assert not problems(mutant, source), problems(mutant, source)
        path.write_text(source.replace(mutant.old, mutant.new), "utf8")
    return not fails(folder, relevant(mutant) if mutant else PAGES)


if __name__ == "__main__":
    total = dead = 0
    PAGES = [page for page in PAGES if not sys.argv[1:] or page.stem in sys.argv[1:]]
    for eq, edit, survives in latex_mutants():
        total, dead = total + 1, dead + (not survives)
        if survives:
            print(f"{eq.label} | {edit.kind} | {edit.says}")
    print(f"{dead} of {total} are killed: {100 * dead / total:.2f} %", file=sys.stderr)
