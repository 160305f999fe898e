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

import numpy as np
import pytest

import rnncourse

FOLDER = Path(rnncourse.__file__).parent
PROJECT = FOLDER.parent / "pyproject.toml"
# From the bottom up: a module imports from the rows above its own only, inside the folders, too. A folder's name stands
# for all of its modules that no row names.
ROWS = (
    {"records", "_extras"},
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
    {"gradcheck", "optimizers", "schedules", "data", "tasks"},
    {"training"},
    {"language_model", "exchange", "storage"},
)
# For the book: nothing in the package imports these. Among themselves they have an order, too.
FIGURES = {"listing", "diagrams", "widgets", "equations", "exercises", "_command", "__main__"}
FIGURE_ROWS = (
    {"listing"},
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
    {"_command"},
    {"__main__"},
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


def test_a_name_is_loaded_when_it_is_asked_for():
    """Each from where _HOMES says, and with it what it needs."""
    homes = {name: home for home, names in rnncourse._HOMES.items() for name in names}
    assert homes.keys() == {*rnncourse.__all__} - {"__version__"}
    assert all(f"rnncourse.{home}" == getattr(rnncourse, name).__module__ for name, home in homes.items())
    code = "import sys, rnncourse; print(*(m for m in sys.modules if m.startswith('rnncourse.'))); rnncourse.RNN"
    assert in_python(code) == ""
    code = "import sys; from rnncourse import RNN; print(*(m for m in sys.modules if m.startswith('rnncourse.')))"
    assert {"rnncourse.layers.rnn"} <= {*in_python(code).split()} < {f"rnncourse.{name}" for name in MODULES}


def test_the_modules_are_there_after_importing_the_package():
    public = {name for name in MODULES if "." not in name and not name.startswith("_")}
    assert set(rnncourse._SUBMODULES) == public
    assert public <= set(dir(rnncourse))
    code = "import sys, rnncourse; assert 'rnncourse.training' not in sys.modules; print(rnncourse.training.__name__)"
    assert in_python(code) == "rnncourse.training"


TYPED = """
import numpy as np
import rnncourse
from rnncourse import GRU, LSTM, RNN

rng, x = np.random.default_rng(0), np.ones((3, 2, 4))
rnn, gru, lstm = RNN.init(4, 5, rng).forward(x), GRU.init(4, 5, rng).forward(x), LSTM.init(4, 5, rng).forward(x)
print(rnn.z_a, rnn.a_prev, gru.gate_r, gru.cand, lstm.gate_o, lstm.c_prev, rnncourse.losses.squared_error)
print(rnn.gate_q)
print(gru.gate_q)
print(lstm.gate_q)
print(rnncourse.nothing)
"""


def test_checkers_of_types_know_the_names(tmp_path):
    """Those of a run's quantities and of the package's modules, and no others."""
    pytest.importorskip("mypy")
    (tmp_path / "mine.py").write_text(TYPED, "utf8")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "mine.py"]
    env = os.environ | {"MYPYPATH": str(FOLDER.parent)}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    wrong = re.findall(r"^mine.py:(\d+): error: .*\[attr-defined\]$", done.stdout, re.M)
    assert [int(line) for line in wrong] == [9, 10, 11, 12], done.stdout + done.stderr
    # checkers are silent on an installed package, but judge a checkout by the caller's settings, not by its own
    assert len(re.findall(r"^mine.py:\d+: error:", done.stdout, re.M)) == 4, done.stdout


def test_the_names_for_checkers_are_those_of_the_runs():
    """Each form of a layer has some of them, all forms together have all."""
    rng, x = np.random.default_rng(0), np.ones((3, 2, 4))
    forms = {
        "rnn": [rnncourse.RNN.init(4, 5, rng)],
        "gru": [rnncourse.GRU.init(4, 5, rng), rnncourse.GRU.init(4, 5, rng, reset_after=True)],
        "lstm": [rnncourse.LSTM.init(4, 5, rng), rnncourse.LSTM.init(4, 5, rng, layer_norm=True)],
    }
    for module, layers in forms.items():
        tree = ast.parse(MODULES[f"layers.{module}"].read_text("utf8"))
        (typed,) = (n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name == f"{module.upper()}Run")
        names = {node.target.id for node in typed.body if isinstance(node, ast.AnnAssign)}
        real = {name for layer in layers for name in layer.quantities}
        real |= {f"{letter}_prev" for letter in layers[0].state_letters}
        assert names == real - {"a"}  # a is the run's own
        assert all(hasattr(layers[-1].forward(x), f"{letter}_prev") for letter in layers[-1].state_letters)


READ = "from pathlib import Path; from rnncourse.equations.extract import equations; equations(Path('README.md'))"


@pytest.mark.parametrize(
    ("missing", "extra", "code"),
    [
        ("matplotlib", "plots", "from rnncourse.diagrams import unrolled; unrolled(3).figure()"),
        ("matplotlib", "plots", "from rnncourse.diagrams import unrolled; unrolled(3)._repr_html_()"),
        ("markdown_it", "equations", READ),
        ("mdit_py_plugins", "equations", READ),
    ],
)
def test_a_missing_extra_is_named(missing, extra, code):
    block = f"import sys; sys.modules[{missing!r}] = None\n"
    done = subprocess.run([sys.executable, "-c", block + code], capture_output=True, text=True, cwd=FOLDER.parent)
    assert f'needs {missing}: pip install "rnncourse[{extra}]"' in done.stderr.splitlines()[-1]


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
        "import sys, numpy; before = set(sys.modules); from rnncourse import *; "
        "print(*sorted({m.split('.')[0] for m in set(sys.modules) - before} - sys.stdlib_module_names))"
    )
    assert in_python(code) == "rnncourse"


def test_importing_the_package_draws_no_random_numbers_and_prints_nothing():
    code = (
        "import numpy as np; a = str(np.random.get_state()); from rnncourse import *; "
        "assert a == str(np.random.get_state())"
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
    loaded = in_python(
        "import sys; from rnncourse import *; print(*(m for m in sys.modules if m.startswith('rnncourse.')))"
    ).split()
    assert not {name for name in loaded if is_figure(name.removeprefix("rnncourse."))}


def test_the_language_of_the_equations_knows_nothing_of_the_package():
    for name, path in MODULES.items():
        if name.startswith("equations.language"):
            assert all(used.startswith("equations.language") for used in imports(path)[0]), name


def test_there_is_no_circle():
    graph = {name: imports(path)[0] - {name} for name, path in MODULES.items()}
    assert list(TopologicalSorter(graph).static_order())
    assert set().union(*graph.values()) - {""} <= set(MODULES)
