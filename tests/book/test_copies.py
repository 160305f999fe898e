"""The notebooks as the site gives them away: plain Markdown with the book's numbers, and a wheel that they install."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import venv
import zipfile
from html import unescape
from pathlib import Path
from typing import Any

import browser as b
import pytest

sys.path.insert(0, str(b.ROOT / "book" / "_ext"))
import rnn_wheel

COPIES = [path.removesuffix(".html") for path in b.pages_of_the_toc() if (b.ROOT / path).with_suffix(".ipynb").exists()]
IN_CI = ("book/foundations/bptt", "book/gated/gru")  # two extras and stored results; all of them: make first-steps
SITE_LINE = 'SITE = ""'


def copy_of(site: Path, page: str) -> dict[str, Any]:
    return json.loads((site / "_sources" / f"{page}.ipynb").read_text("utf8"))


def texts(notebook: dict[str, Any], kind: str) -> list[str]:
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == kind]


# --- the words -----------------------------------------------------------------------------------------------------

RAW = re.compile(
    r"^(?:`{3,}|:{3,})\{|\{[\w:]+\}`|^:(?:label|class|name):|^%|^\+\+\+|^\([\w:.-]+\)=|\$\$[ \t]*\(|[\x00-\x02]", re.M
)
STRANGERS = ("Project name not set", "executablebooks")


@pytest.mark.parametrize("page", COPIES)
def test_no_markup_of_the_book_is_left(page: str, site: Path) -> None:
    for text in texts(copy_of(site, page), "markdown"):
        assert not RAW.search(text), text
        assert not re.search(r"\]\([\w./-]+\.\w+(?:#[\w-]*)?\)", text), text  # links to files that are not there
        assert text.count("<details>") == text.count("</details>") == text.count("<summary>")


def test_the_pattern_sees_what_is_to_go() -> None:
    source = "\n".join(texts(json.loads((b.ROOT / "book/foundations/bptt.ipynb").read_text("utf8")), "markdown"))
    found = {match.strip().rstrip("`") for match in RAW.findall(source)}
    assert {"```{".rstrip("`"), "{eq}", "{doc}", "{cite:p}", "{numref}", "%", ":label:", "$$ ("} <= found


@pytest.mark.parametrize("page", COPIES)
def test_equations_and_exercises_have_the_numbers_of_the_page(page: str, site: Path) -> None:
    html = (site / f"{page}.html").read_text("utf8")
    text = "\n".join(texts(copy_of(site, page), "markdown"))
    assert re.findall(r"\\tag\{([\w.]+)\}", text) == re.findall(r'class="eqno">\(([\w.]+)\)', html)
    titles = [unescape(title).strip() for title in re.findall(r'caption-number">(Exercise [\w.]+)', html)]
    assert re.findall(r"^\*\*(Exercise [\w.]+)(?= |\*)", text, re.M) == titles
    captions = [name.strip() for name in re.findall(r'caption-number">(Fig\. [\w.]+)', html)]
    assert re.findall(r"^\*(Fig\. [\w.]+?)\.\*", text, re.M) == captions


def test_there_are_equations_exercises_and_figures(site: Path) -> None:
    text = "\n".join(text for page in COPIES for text in texts(copy_of(site, page), "markdown"))
    assert len(re.findall(r"\\tag\{", text)) > 100
    assert len(re.findall(r"^\*\*Exercise ", text, re.M)) > 40
    assert len(re.findall(r"^\*Fig\. ", text, re.M)) > 20


@pytest.mark.parametrize("page", COPIES)
def test_solutions_are_folded(page: str, site: Path) -> None:
    """As many as the source has, and the code between the ends of one is hidden."""
    source = json.loads((b.ROOT / f"{page}.ipynb").read_text("utf8"))
    written = "\n".join(texts(source, "markdown"))
    copied = copy_of(site, page)
    folded = re.findall(r"<summary>Solution to exercise [\w.]+</summary>", "\n".join(texts(copied, "markdown")))
    assert len(folded) == len(re.findall(r"\{solution(?:-start)?\}", written))
    named = r"<summary>(?:A hint|Another one|The last one|Every item of the five notes.*)</summary>"
    hints = re.findall(named, "\n".join(texts(copied, "markdown")))
    assert len(hints) == len(re.findall(r"^:class: dropdown$", written, re.MULTILINE)) - len(folded)
    inside, code = False, set()
    for cell in source["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "code" and inside:
            code.add(cell["id"])
        for edge in re.findall(r"\{solution-(start|end)\}", text):
            inside = edge == "start"
    hidden = {cell["id"] for cell in copied["cells"] if cell["metadata"].get("jupyter", {}).get("source_hidden")}
    assert code <= hidden
    tagged = {
        cell["id"]
        for cell in source["cells"]
        if any("hide" in t or "remove" in t for t in cell["metadata"].get("tags", []))
    }
    assert hidden <= code | tagged


def test_names_and_addresses_are_ours(site: Path) -> None:
    for page in COPIES:
        text = json.dumps(copy_of(site, page))
        assert not [name for name in STRANGERS if name in text]
        assert "a page of *Recurrent Neural Networks, checked*, version " in text
    assert (site / "objects.inv").read_bytes().split(b"\n")[1] == b"# Project: Recurrent Neural Networks, checked"
    assert "<title>Recurrent Neural Networks, checked</title>" in (site / "index.html").read_text("utf8")


# --- the wheel -----------------------------------------------------------------------------------------------------


def test_the_wheel_is_the_package_and_the_same_each_time(site: Path, tmp_path: Path) -> None:
    (there,) = (site / "_static").glob("*.whl")
    first = rnn_wheel.build(b.ROOT, tmp_path)
    assert first.name == there.name
    bytes_ = first.read_bytes()
    time.sleep(2)  # a zip file counts time in steps of two seconds
    assert rnn_wheel.build(b.ROOT, tmp_path).read_bytes() == bytes_ == there.read_bytes()
    with zipfile.ZipFile(there) as wheel:
        inside = {name: wheel.read(name) for name in wheel.namelist() if name.startswith("rnncourse/")}
    files = [path for path in (b.ROOT / "rnncourse").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert inside == {path.relative_to(b.ROOT).as_posix(): path.read_bytes() for path in files}


# --- from an empty folder, in an empty environment -----------------------------------------------------------------

RUN = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], 4)
NotebookClient(notebook, timeout=900, kernel_name="python3").execute()
"""


def environment(folder: Path, empty: bool) -> Path:
    """Make a virtual environment, and return its Python.

    It has Jupyter's kernel from PyPI and nothing else; or, where there is no network, links to all that the current one
    holds but the package.
    """
    venv.create(folder, with_pip=empty)
    python = folder / "bin" / "python"
    if empty:
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "ipykernel", "nbclient", "-c", b.ROOT / "constraints.txt"],
            check=True,
        )
        return python
    (packages,) = folder.glob("lib/*/site-packages")
    linked = folder / "linked"
    linked.mkdir()
    import numpy

    for path in Path(numpy.__file__).parents[1].iterdir():
        if "rnncourse" not in path.name and path.suffix != ".pth" and path.name.split("-")[0] != "setuptools":
            (linked / path.name).symlink_to(path)
    (packages / "linked.pth").write_text(f"{linked}\n", "utf8")
    return python


def outside(**more: str) -> dict[str, str]:
    """The environment's variables without those that lead to the repository."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PIP_", "VIRTUAL_ENV"))}
    return (
        kept
        | {"JUPYTER_PLATFORM_DIRS": "1", "NO_PROXY": "localhost,127.0.0.1", "no_proxy": "localhost,127.0.0.1"}
        | more
    )


def run_alone(python: Path, notebook: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    folder.mkdir()
    (folder / "page.ipynb").write_text(notebook, "utf8")
    command = [str(python), "-c", RUN, "page.ipynb"]
    return subprocess.run(command, cwd=folder, env=outside(**more), capture_output=True, text=True)


def with_site(notebook: str, address: str) -> str:
    """What page.js does while it downloads; test_the_button_fills_in_the_address sees that it does the same."""
    before, after = (line.replace('"', r"\"") for line in (SITE_LINE, f'SITE = "{address}"'))
    assert notebook.count(before) == 1
    return notebook.replace(before, after)


@pytest.mark.parametrize("page", IN_CI)
def test_a_copy_runs_alone(page: str, site: Path, tmp_path: Path) -> None:
    """Its own first cell installs the wheel from the served site; there is no network, and no repository."""
    python = environment(tmp_path / "venv", empty=False)
    seen = subprocess.run(
        [python, "-c", "import rnncourse"], env=outside(), cwd=tmp_path, capture_output=True, text=True
    )
    assert "No module named 'rnncourse'" in seen.stderr
    notebook = (site / "_sources" / f"{page}.ipynb").read_text("utf8")
    with b.served(site) as address:
        done = run_alone(python, with_site(notebook, address), tmp_path / "empty", PIP_NO_INDEX="1")
    assert done.returncode == 0, done.stderr[-3000:]
    where = [python, "-c", "import rnncourse; print(rnncourse.__file__)"]
    assert (
        str(tmp_path / "venv")
        in subprocess.run(where, env=outside(), cwd=tmp_path, capture_output=True, text=True).stdout
    )


def first_cell_only(notebook: str) -> str:
    found = json.loads(notebook)
    return json.dumps(found | {"cells": found["cells"][:2]})


def test_a_copy_from_a_disk_says_what_to_do_and_does_it(site: Path, tmp_path: Path) -> None:
    python = environment(tmp_path / "venv", empty=False)
    notebook = first_cell_only((site / "_sources" / f"{IN_CI[0]}.ipynb").read_text("utf8"))
    done = run_alone(python, notebook, tmp_path / "empty")
    assert done.returncode
    (wheel,) = (site / "_static").glob("*.whl")
    assert (
        f"Put {wheel.name} beside this notebook and run this cell again. It lies in the folder _static" in done.stderr
    )
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / wheel.name).write_bytes(wheel.read_bytes())
    code = [str(python), "-c", RUN, "page.ipynb"]
    (tmp_path / "beside" / "page.ipynb").write_text(notebook, "utf8")
    subprocess.run(code, cwd=tmp_path / "beside", env=outside(PIP_NO_INDEX="1"), check=True)


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in COPIES if not page.endswith("performance")])
def test_every_copy_runs_in_an_environment_from_pypi(page: str, site: Path, tmp_path: Path) -> None:
    """With nothing but what the page asks for; the page on speed says that it needs the repository."""
    python = environment(tmp_path / "venv", empty=True)
    notebook = (site / "_sources" / f"{page}.ipynb").read_text("utf8")
    with b.served(site) as address:
        done = run_alone(python, with_site(notebook, address), tmp_path / "empty")
    assert done.returncode == 0, done.stderr[-3000:]


# --- the button ----------------------------------------------------------------------------------------------------

BUTTON = ".btn-download-source-button"


def test_the_button_fills_in_the_address(chromium: b.webdriver.Chrome, site: Path, tmp_path: Path) -> None:
    chromium.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    with b.served(site) as address:
        chromium.get(f"{address}{IN_CI[1]}.html")
        b.settle(chromium)
        chromium.execute_script(f"document.querySelector('{BUTTON}').click()")
        end = time.monotonic() + 60
        while not list(tmp_path.glob("*.ipynb")) and time.monotonic() < end:
            time.sleep(0.2)
        (found,) = tmp_path.glob("*.ipynb")
        assert found.name == "gru.ipynb"
        original = (site / "_sources" / f"{IN_CI[1]}.ipynb").read_text("utf8")
        assert found.read_text("utf8") == with_site(original, address)
        assert chromium.current_url.endswith("gru.html")


def test_from_a_disk_the_button_says_how_to_save(chromium: b.webdriver.Chrome, site: Path) -> None:
    chromium.get((site / f"{IN_CI[1]}.html").as_uri())
    b.settle(chromium)
    words = chromium.execute_script(
        f"const b = document.querySelector('{BUTTON}'); return b.dataset.bsOriginalTitle || b.title;"
    )
    assert "Save link as" in words


def test_an_example_is_copied_without_prompts_and_outputs(chromium: b.webdriver.Chrome, site: Path) -> None:
    """What each copy button of the API page puts on the clipboard."""
    with b.served(site) as address:
        chromium.get(f"{address}book/appendices/api.html")
        b.settle(chromium)
        examples = chromium.execute_script("""
            document.execCommand = () => { window.copied = document.activeElement.value; return true; };
            return [...document.querySelectorAll("div.highlight pre")].map((listing) => {
                listing.parentElement.querySelector(".copybtn").click();
                return [listing.innerText, window.copied];
            });
        """)
    prompted = [(shown, taken) for shown, taken in examples if ">>> " in shown]
    assert len(prompted) > 20
    for shown, taken in prompted:
        lines = re.findall(r"^(?:>>> |\.\.\. )(.*)$", shown, re.M)
        assert taken.split("\n") == lines
