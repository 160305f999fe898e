"""The package as a whole: metadata, typing, what it imports and when, and in which direction."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from graphlib import TopologicalSorter
from importlib.metadata import requires, version
from pathlib import Path

import pytest

import rnncourse

FOLDER = Path(rnncourse.__file__).parent
PROJECT = FOLDER.parent / "pyproject.toml"
# from the bottom up: a module imports from the rows above its own only
ROWS = (
    {"records"},
    {"workspace"},
    {"_validation"},
    {"activations", "initializers"},
    {"losses", "sequence", "fast"},
    {"recurrent"},
    {"rnn", "gru", "lstm", "use_gate", "dense"},
    {"bidirectional", "deep", "halves", "rtrl", "chunked"},
    {"gradcheck", "optimizers", "data"},
    {"training"},
    {"language_model", "exchange", "storage"},
)
FIGURES = {
    "_drawing",
    "_cell_diagrams",
    "_network_diagrams",
    "_svg",
    "_player",
    "_live",
    "diagrams",
    "plots",
    "widgets",
    "equations",
    "exercises",
}  # for the book: nothing in the package imports them
MODULES = {path.stem: path for path in FOLDER.glob("*.py") if path.stem != "__init__"}
MODULES |= {path.parent.name: path.parent for path in FOLDER.glob("*/__init__.py")}


def imports(path: Path) -> tuple[set[str], set[str]]:
    """The package's modules that a file imports anywhere, and the top-level names of others that it imports at once."""
    inside, outside = set(), set()
    depth = len(path.relative_to(FOLDER).parts)  # 2 in a folder, whose own files are level 1
    tree = ast.parse(path.read_text(encoding="utf-8"))
    at_once = set(tree.body)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and 0 < node.level < depth:
            continue
        if isinstance(node, ast.ImportFrom) and node.level:
            inside |= {node.module.split(".")[0]} if node.module else {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom | ast.Import):
            names = [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            tops = {name.split(".")[0] for name in names}
            assert "rnncourse" not in tops, f"{path.name}: relative imports only"
            outside |= tops if node in at_once else set()
    return inside, outside


def files(name: str) -> list[Path]:
    return sorted(MODULES[name].rglob("*.py")) if MODULES[name].is_dir() else [MODULES[name]]


def in_python(code: str, **environment: str) -> str:
    env = os.environ | environment
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env
    ).stdout.strip()


def test_the_version_is_that_of_the_metadata_and_of_pyproject():
    assert rnncourse.__version__ == version("rnncourse")
    if PROJECT.exists():
        assert rnncourse.__version__ == tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", rnncourse.__version__)


def test_the_package_needs_numpy_alone():
    needed = [line for line in requires("rnncourse") if "extra ==" not in line]
    assert [re.split(r"[<>=!~ ]", line)[0] for line in needed] == ["numpy"]


def test_the_package_is_typed():
    assert (FOLDER / "py.typed").is_file()


def test_the_public_names_exist_and_are_documented():
    for name in rnncourse.__all__:
        thing = getattr(rnncourse, name)
        assert thing.__doc__, name
    assert sorted(rnncourse.__all__) == sorted(set(rnncourse.__all__))
    with pytest.raises(AttributeError, match="module 'rnncourse' has no attribute 'nothing'"):
        rnncourse.nothing  # noqa: B018


@pytest.mark.parametrize("name", sorted(MODULES))
def test_the_public_names_of_a_module_exist_and_are_documented(name):
    module = __import__(f"rnncourse.{name}", fromlist=["x"])
    assert module.__doc__
    for public in getattr(module, "__all__", []):
        assert hasattr(module, public), public
        if callable(getattr(module, public)):
            assert getattr(module, public).__doc__, public


def test_importing_the_package_loads_numpy_and_nothing_else():
    code = (
        "import sys, numpy; before = set(sys.modules); import rnncourse; "
        "print(*sorted({m.split('.')[0] for m in set(sys.modules) - before} - sys.stdlib_module_names))"
    )
    assert in_python(code) == "rnncourse"


def test_importing_the_package_draws_no_random_numbers_and_prints_nothing():
    code = (
        "import numpy as np; a = str(np.random.get_state()); import rnncourse; assert a == str(np.random.get_state())"
    )
    assert in_python(code, PYTHONWARNINGS="error") == ""


@pytest.mark.parametrize("name", sorted(MODULES))
def test_modules_import_numpy_and_the_standard_library_at_import_time(name):
    for path in files(name):
        _, outside = imports(path)
        assert outside <= {"numpy", *sys.stdlib_module_names}, path


@pytest.mark.parametrize("name", sorted(MODULES))
def test_dependencies_point_downward(name):
    used = set().union(*(imports(path)[0] for path in files(name))) - {name}
    if name in FIGURES:
        return
    row = next((k for k, row in enumerate(ROWS) if name in row), None)
    assert row is not None, f"{name}: give it its place in ROWS or FIGURES"
    assert used <= set().union(*ROWS[:row]), name


def test_figures_are_used_by_nobody_in_the_package():
    for name in MODULES:
        if name not in FIGURES:
            assert not set().union(*(imports(path)[0] for path in files(name))) & FIGURES, name
    assert not imports(FOLDER / "__init__.py")[0] & FIGURES


def test_there_is_no_circle():
    graph = {name: set().union(*(imports(path)[0] for path in files(name))) - {name} for name in MODULES}
    assert list(TopologicalSorter(graph).static_order())
    assert set().union(*graph.values()) <= set(MODULES)
