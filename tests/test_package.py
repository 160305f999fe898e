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
# From the bottom up: a module imports from the rows above its own only, inside the folders, too. A folder's name stands
# for all of its modules that no row names.
ROWS = (
    {"records"},
    {"workspace"},
    {"_validation"},
    {"activations", "initializers"},
    {"losses", "layers.sequence", "layers.fast.tape"},
    {"layers.fast.rnn", "layers.fast.gru", "layers.fast.lstm", "layers.fast.step"},
    {"layers.fast"},
    {"layers.recurrent"},
    {"layers.rnn", "layers.gru", "layers.lstm", "layers.use_gate", "layers.dense"},
    {"layers.embedding"},
    {"layers.bidirectional", "layers.deep", "layers.halves", "layers.layer_norm", "layers.recurrent_dropout"},
    {"layers"},
    {"rtrl", "chunked", "battery"},
    {"gradcheck", "optimizers", "schedules", "data"},
    {"training"},
    {"language_model", "exchange", "storage"},
)
# For the book: nothing in the package imports these. Among themselves they have an order, too.
FIGURES = {"diagrams", "widgets", "equations", "exercises"}
FIGURE_ROWS = (
    {"diagrams.drawing"},
    {"diagrams.cells", "diagrams.networks"},
    {"diagrams"},
    {"widgets.svg"},
    {"widgets.player"},
    {"widgets.live"},
    {"widgets"},
    {"equations.language"},
    {"equations.runs"},
    {"equations.verdict"},
    {"equations.notations"},
    {"equations"},
    {"exercises"},
)
MODULES = {
    ".".join(path.relative_to(FOLDER).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(FOLDER.rglob("*.py"))
    if path != FOLDER / "__init__.py"
}


def imports(path: Path) -> tuple[set[str], set[str]]:
    """The package's modules that a file imports anywhere, and the top-level names of others that it imports at once."""
    inside, outside = set(), set()
    home = path.parent.relative_to(FOLDER).parts
    tree = ast.parse(path.read_text(encoding="utf-8"))
    at_once = set(tree.body)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [*home[: len(home) + 1 - node.level], *(node.module.split(".") if node.module else [])]
            for alias in node.names:
                full = ".".join([*base, alias.name])
                inside.add(full if full in MODULES else ".".join(base))
        elif isinstance(node, ast.ImportFrom | ast.Import):
            names = [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            tops = {name.split(".")[0] for name in names}
            assert "rnncourse" not in tops, f"{path.name}: relative imports only"
            outside |= tops if node in at_once else set()
    return inside, outside


def row_of(name: str, rows: tuple[set[str], ...]) -> int | None:
    """The row of a module, or that of the nearest folder that has one."""
    while name:
        found = next((k for k, row in enumerate(rows) if name in row), None)
        if found is not None:
            return found
        name = name.rpartition(".")[0]
    return None


def is_figure(name: str) -> bool:
    return name.split(".")[0] in FIGURES


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
    _, outside = imports(MODULES[name])
    assert outside <= {"numpy", *sys.stdlib_module_names}


@pytest.mark.parametrize("name", sorted(MODULES))
def test_dependencies_point_downward(name):
    rows = FIGURE_ROWS if is_figure(name) else ROWS
    row = row_of(name, rows)
    assert row is not None, f"{name}: give it its place in ROWS or FIGURE_ROWS"
    for used in imports(MODULES[name])[0] - {name}:
        if is_figure(name) and not is_figure(used):
            continue  # the book's own parts may use all of the package
        other = row_of(used, rows)
        assert other is not None, f"{name} imports {used}"
        same_folder = other == row and (name not in rows[row] or used.startswith(f"{name}."))  # test_there_is_no_circle
        assert other < row or same_folder, f"{name} imports {used}, which does not stand below it"


def test_figures_are_used_by_nobody_in_the_package():
    for name, path in MODULES.items():
        if not is_figure(name):
            assert not {used for used in imports(path)[0] if is_figure(used)}, name
    assert not {used for used in imports(FOLDER / "__init__.py")[0] if is_figure(used)}


def test_the_language_of_the_equations_knows_nothing_of_the_package():
    for name, path in MODULES.items():
        if name.startswith("equations.language"):
            assert all(used.startswith("equations.language") for used in imports(path)[0]), name


def test_there_is_no_circle():
    graph = {name: imports(path)[0] - {name} for name, path in MODULES.items()}
    assert list(TopologicalSorter(graph).static_order())
    assert set().union(*graph.values()) - {""} <= set(MODULES)
