"""The command `rnncourse`, and what is released: which files, the same bytes, and that they work by themselves."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import matrix
import pytest

import rnncourse
from rnncourse import _command

FOLDER = Path(rnncourse.__file__).parent
ROOT = FOLDER.parent
IN_REPOSITORY = pytest.mark.skipif(not (ROOT / ".github").is_dir(), reason="needs the repository")


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | environment
    return subprocess.run([sys.executable, "-m", "rnncourse", *arguments], capture_output=True, text=True, env=env)


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def course(tmp_path, monkeypatch):
    """An installation with three files of a course, and a folder to copy them to."""
    here = tmp_path / "installed"
    for name, text in {
        "a/x.ipynb": "{}",
        "a/results/r.json": "[1]",
        "b/y.ipynb": "{ }",
        "b/performance.ipynb": "",
    }.items():
        path = here / "notebooks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(_command, "HERE", here)
    return tmp_path / "my course"


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_notebooks_are_copied_and_left_alone(course, capsys):
    assert _command.main(["notebooks", str(course)]) == 0
    assert names(course) == ["a/results/r.json", "a/x.ipynb", "b/y.ipynb"]
    assert "3 files copied, 0 there already" in capsys.readouterr().out
    assert _command.main(["notebooks", str(course)]) == 0
    out = capsys.readouterr().out
    assert "0 files copied, 3 there already" in out
    assert f'To start: jupyter lab "{course}"' in out


def test_a_changed_notebook_is_kept(course, capsys):
    _command.main(["notebooks", str(course)])
    (course / "a/x.ipynb").write_text("mine")
    (course / "b/y.ipynb").unlink()
    assert _command.main(["notebooks", str(course)]) == 1
    assert (course / "a/x.ipynb").read_text() == "mine"
    assert (course / "b/y.ipynb").exists()
    assert "left alone, since it differs (--force replaces it and keeps a backup): a/x.ipynb" in capsys.readouterr().out


def test_force_keeps_backups(course, capsys):
    _command.main(["notebooks", str(course)])
    for k in (1, 2):
        (course / "a/x.ipynb").write_text(f"mine {k}")
        assert _command.main(["notebooks", str(course), "--force"]) == 0
        assert (course / "a/x.ipynb").read_text() == "{}"
        assert (course / f"a/x.backup-{k}.ipynb").read_text() == f"mine {k}"
    assert (course / "a/x.backup-1.ipynb").read_text() == "mine 1"
    assert "replaced, with a backup beside it: a/x.ipynb" in capsys.readouterr().out
    assert len(names(course)) == 5


def test_what_is_in_the_way_is_named(course, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert _command.main(["notebooks", str(tmp_path / "file")]) == 2
    assert str(tmp_path / "file") in capsys.readouterr().err
    (course / "a/x.ipynb").mkdir(parents=True)
    assert _command.main(["notebooks", str(course)]) == 1
    assert (course / "a/x.ipynb").is_dir()


def test_an_installation_without_notebooks_says_where_they_are(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(_command, "HERE", tmp_path / "installed")
    assert _command.main(["notebooks", str(tmp_path / "new")]) == 2
    assert "carries no notebooks" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_check_is_the_checker_of_equations(tmp_path):
    page = tmp_path / "rnn-forward.md"
    page.write_text("$$ a^{\\langle t \\rangle} = \\tanh(z_a^{\\langle t \\rangle}) $$ (eq:mine)\n", "utf8")
    good = command("check", str(page), PYTHONIOENCODING="ascii")
    assert good.returncode == 0, good.stderr
    page.write_text("$$ a^{\\langle t \\rangle} = \\cos(z_a^{\\langle t \\rangle}) $$ (eq:mine)\n", "utf8")
    assert command("check", "-v", str(page), PYTHONIOENCODING="cp1252").returncode == 1
    assert command("check", str(tmp_path / "none")).returncode == 2


def test_version_and_usage():
    assert command("version").stdout == f"{rnncourse.__version__}\n"
    assert command().returncode == 2
    assert "usage: rnncourse" in command("dance").stderr


@IN_REPOSITORY
def test_in_a_checkout_the_notebooks_are_those_of_the_book():
    found = _command._sources()
    books = {path.relative_to(ROOT / "book").as_posix() for path in (ROOT / "book").glob("*/*.ipynb")}
    assert {name for name in found if name.endswith(".ipynb")} == books - {"appendices/performance.ipynb"}
    for name, path in found.items():
        for read in re.findall(r"results/[\w.-]+\.jsonl?", path.read_text("utf8") if name.endswith(".ipynb") else ""):
            assert f"{name.partition('/')[0]}/{read}" in found, f"{name} reads {read}"


@IN_REPOSITORY
def test_the_extra_for_notebooks_brings_what_they_import():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf8"))["project"]["optional-dependencies"]
    brought = {"numpy", "rnncourse", "IPython"}  # jupyterlab brings IPython

    def collect(extra: str) -> None:
        for line in extras[extra]:
            name = re.split(r"[<>=!~ \[]", line)[0]
            brought.add({"markdown-it-py": "markdown_it", "mdit-py-plugins": "mdit_py_plugins"}.get(name, name))
            for other in re.findall(r"rnncourse\[(.*)\]", line):
                for each in other.split(","):
                    collect(each)

    collect("notebooks")
    for name, path in _command._sources().items():
        if name.endswith(".ipynb"):
            cells = json.loads(path.read_text("utf8"))["cells"]
            code = "\n".join(
                "".join(cell["source"])
                for cell in cells
                if cell["cell_type"] == "code"
                and "torch" not in cell["metadata"].get("tags", [])  # optional everywhere
            )
            used = set(re.findall(r"^\s*(?:from|import) (\w+)", code, re.M)) - sys.stdlib_module_names
            assert used <= brought, name


# --- what is released ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Both archives, built twice under different circumstances."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs the repository")
    pytest.importorskip("setuptools")
    out = []
    for k, umask in enumerate(("022", "077")):
        folder = tmp_path_factory.mktemp(f"dist{k}")
        script = f"umask {umask}; exec {sys.executable} {ROOT / 'tests' / 'release.py'} {folder}"
        env = {
            **os.environ,
            "TZ": ("UTC", "Asia/Tokyo")[k],
            "LC_ALL": ("C", "C.UTF-8")[k],
            "PYTHONHASHSEED": str(k + 1),
        }
        subprocess.run(["sh", "-c", script], check=True, capture_output=True, env=env)
        out.append(folder)
    return out


def test_the_matrix_leaves_no_test_of_the_package_out():
    assert {"gru", "storage"} < {*matrix.TESTS}
    assert sorted((*matrix.TESTS, *matrix.REST)) == matrix.ALL


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_the_same_bytes_twice(built):
    first, second = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in built)
    assert len(first) == 2
    assert first == second


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_what_the_archives_hold(built):
    (wheel,), (sdist,) = built[0].glob("*.whl"), built[0].glob("*.tar.gz")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    package = {name for name in tracked if name.startswith("rnncourse/") and (ROOT / name).exists()}
    notebooks = {name: path for name, path in _command._sources().items() if f"book/{name}" in tracked}
    information = {f"rnncourse-{rnncourse.__version__}.dist-info/{name}" for name in (
        "METADATA", "RECORD", "WHEEL", "entry_points.txt", "top_level.txt", "licenses/LICENSE")}  # fmt: skip
    with zipfile.ZipFile(wheel) as archive:
        assert set(archive.namelist()) == package | {f"rnncourse/notebooks/{name}" for name in notebooks} | information
        for name, path in notebooks.items():
            assert archive.read(f"rnncourse/notebooks/{name}") == path.read_bytes()
    assert wheel.stat().st_size < 3_000_000
    files = {
        "CHANGELOG.md",
        "CITATION.cff",
        "LICENSE",
        "MANIFEST.in",
        "README.md",
        "SECURITY.md",
        "pyproject.toml",
        "setup.py",
    }
    with tarfile.open(sdist) as archive:
        found = {name.partition("/")[2] for name in archive.getnames()}
    own = {"PKG-INFO", "setup.cfg"} | {name for name in found if name.startswith("rnncourse.egg-info/")}
    assert found == package | {f"book/{name}" for name in notebooks} | files | own


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_the_wheel_alone(built, tmp_path):
    """A fresh environment: the README's example, the command, and a notebook to its end."""
    (wheel,) = built[0].glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python, script = tmp_path / "venv" / "bin" / "python", tmp_path / "venv" / "bin" / "rnncourse"
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    run = {"cwd": tmp_path, "env": env, "check": True, "capture_output": True, "text": True}
    subprocess.run([python, "-m", "pip", "install", "--quiet", wheel], **run)
    code, told = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", (ROOT / "README.md").read_text("utf8"), re.S)[
        0
    ]
    assert subprocess.run([python, "-c", code], **run).stdout == told
    assert subprocess.run([script, "version"], **run).stdout.strip() == rnncourse.__version__
    subprocess.run([script, "notebooks", "course"], **run)
    assert (tmp_path / "course" / "gated" / "gru.ipynb").exists()
    subprocess.run(
        [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            f"rnncourse[plots,widgets,equations] @ {wheel.as_uri()}",
            "nbclient",
            "ipykernel",
            "nbformat",
        ],
        **run,
    )
    play = (
        "import nbformat as f, nbclient as c; c.NotebookClient(f.read('gru.ipynb', 4), kernel_name='python3').execute()"
    )
    subprocess.run([python, "-c", play], **{**run, "cwd": tmp_path / "course" / "gated"})


# --- workflows -------------------------------------------------------------------------------------------------------

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@IN_REPOSITORY
@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_and_permissions_least(path):
    text = path.read_text("utf8")
    for used in re.findall(r"uses: *(.*)", text):
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used), used
    assert "\npermissions: {}\n" in text
    assert text.count("persist-credentials: false") == text.count("actions/checkout@")
    writes = set(re.findall(r"^ +([\w-]+): write", text, re.M))
    assert writes <= {"pages": {"pages", "id-token"}, "publish": {"id-token"}}.get(path.stem, set())


@IN_REPOSITORY
@pytest.mark.parametrize("command", [["zizmor", "--offline", "--pedantic", "--quiet", ".github"], ["actionlint"]])
def test_what_looks_at_workflows_finds_nothing(command):
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@IN_REPOSITORY
def test_what_starts_the_course_elsewhere():
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text("utf8"))
    assert "make --no-print-directory install" in container["postCreateCommand"]
    for line in (ROOT / ".binder" / "requirements.txt").read_text("utf8").split():
        assert line.startswith("-") or (ROOT / ".binder" / line).exists()
    version = (ROOT / ".binder" / "runtime.txt").read_text("utf8").strip().removeprefix("python-")
    assert f"Programming Language :: Python :: {version}" in (ROOT / "pyproject.toml").read_text("utf8")
    assert {path.stem for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")} == {
        "bug",
        "erratum",
        "idea",
        "config",
    }


# --- what stands beside it -------------------------------------------------------------------------------------------


@IN_REPOSITORY
def test_the_citation_is_of_this_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf8"))["project"]["version"]
    told = dict(re.findall(r"^([\w-]+): *(.+)$", (ROOT / "CITATION.cff").read_text("utf8"), re.M))
    assert told["version"].strip('"') == version
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", told["date-released"].strip('"'))
    assert told["cff-version"] == "1.2.0"


@IN_REPOSITORY
def test_the_changelog_has_this_version_or_what_is_unreleased():
    text = (ROOT / "CHANGELOG.md").read_text("utf8")
    assert re.search(rf"^## (Unreleased|{re.escape(rnncourse.__version__)})", text, re.M)


@IN_REPOSITORY
def test_the_newest_version_of_the_changelog_is_that_of_the_citation():
    """Its number and its day, whatever is unreleased above it."""
    newest = re.search(r"^## (\d+\.\d+\.\d+) \((\d{4}-\d\d-\d\d)\)$", (ROOT / "CHANGELOG.md").read_text("utf8"), re.M)
    told = dict(re.findall(r"^([\w-]+): *(.+)$", (ROOT / "CITATION.cff").read_text("utf8"), re.M))
    assert newest
    assert newest.groups() == (told["version"].strip('"'), told["date-released"].strip('"'))
