"""The buttons of a page: its notebook, which works where it lands; Binder and Colab where a repository is known."""

from __future__ import annotations

import ast
import json
import re
import sys
from pathlib import Path
from typing import Any

import browser as b
import pytest
from sphinx.errors import ExtensionError

sys.path.insert(0, str(b.ROOT / "book" / "_ext"))
import rnn_downloads
import rnn_site

NOTEBOOKS = sorted(path for path in b.ROOT.glob("book/*/*.ipynb"))
STORED = [path for path in NOTEBOOKS if "results/" in path.read_text("utf8") and path.stem != "performance"]


def codes(notebook: dict[str, Any]) -> list[str]:
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text("utf8"))


# --- the notebooks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", b.pages_of_the_toc())
def test_every_chapter_offers_its_notebook(page: str, site: Path) -> None:
    """The button's words and the file that it leads to."""
    html = (site / page).read_text("utf8")
    source = (b.ROOT / page).with_suffix(".ipynb")
    found = re.search(r'<a href="([^"]*\.ipynb)"[^>]*btn-download[^>]*title="([^"]*)"[^>]*>(.*?)</a>', html, re.DOTALL)
    if not source.exists():
        assert not found
        return
    assert found
    assert found[2] == "Download this page as a notebook"
    assert "Notebook (.ipynb)" in found[3]
    copy = (site / page).parent.joinpath(found[1]).resolve()
    assert len(codes(read(copy))) == len(codes(read(source))) + 1


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_a_copy_holds_the_results_that_it_reads(path: Path) -> None:
    """In the place of each reading stands the text itself, a table of JSON or of a line of JSON a run."""
    seen = 0
    for code, copied in zip(codes(read(path)), codes(rnn_downloads.alone(path)), strict=True):
        for name in re.findall(r"results/[\w.-]+", "\n".join(found[0] for found in rnn_downloads.READS.finditer(code))):
            there = (path.parent / name).read_text("utf8")
            lines = there.splitlines() if name.endswith("jsonl") else [there]
            held = [ast.literal_eval(node) for node in ast.walk(ast.parse(copied)) if is_table(node)]
            assert [json.loads(line) for line in lines] in [
                [json.loads(line) for line in text.split("\n")] for text in held
            ]
            seen += 1
        for _ in rnn_downloads.CHOOSES.findall(code):
            (tables,) = [
                node for node in ast.walk(ast.parse(copied)) if isinstance(node, ast.Dict) and is_table(node.values[0])
            ]
            for key, value in ast.literal_eval(tables).items():
                there = (path.parent / "results" / f"{key}.jsonl").read_text("utf8")
                assert [json.loads(line) for line in value.split("\n")] == [
                    json.loads(one) for one in there.splitlines()
                ]
                seen += 1
        assert "results/" not in re.sub(r"#.*", "", copied)
    assert seen


def is_table(node: ast.AST) -> bool:
    """Tell a stored table from the other strings of a cell."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith('{"')


READS_A_PROGRAM = re.compile(r"Path\(.(\w+\.py).\)\.read_text")
PROGRAMS = [path for path in NOTEBOOKS if READS_A_PROGRAM.search("\n".join(codes(read(path))))]


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_copy_holds_the_programs_that_it_reads(path: Path) -> None:
    """As they are, in the place of the reading."""
    copy = "\n".join(codes(rnn_downloads.alone(path)))
    strings = [node.value for node in ast.walk(ast.parse(copy)) if isinstance(node, ast.Constant)]
    for name in READS_A_PROGRAM.findall("\n".join(codes(read(path)))):
        assert (path.parent / name).read_text("utf8") in strings
    assert not READS_A_PROGRAM.search(copy)


@pytest.mark.parametrize("text", ['a = r"\\n"\n"""b"""\n', "a = '''b'''\n"])
def test_a_program_is_quoted_as_it_is(text: str) -> None:
    assert ast.literal_eval(rnn_downloads.program(text)) == text


def test_there_are_chapters_with_results_and_programs() -> None:
    assert PROGRAMS
    assert len(STORED) >= 3


def begun(path: Path, site: str = "") -> dict[str, Any]:
    notebook = rnn_downloads.alone(path)
    rnn_downloads.begun(notebook, "Book", "rnncourse-1.2.3-py3-none-any.whl", site)
    return notebook


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_copy_reads_a_file_and_keeps_silent(path: Path) -> None:
    """What a copy cannot bring along, its first cell says."""
    copy = begun(path)
    first = copy["cells"][0]["source"][0]
    wrote = re.compile(r"Path\([^()]*\)\.write_text")  # in a folder of its own
    reads = re.findall(r"Path\(|open\(|\.\./|sys\.path", wrote.sub("", "\n".join(codes(copy)[1:])))
    assert not reads or "copy of the whole repository" in first


def test_the_first_cells_name_the_book_and_install_its_wheel() -> None:
    words, code = ("".join(cell["source"]) for cell in begun(NOTEBOOKS[0], "https://example.org/book/")["cells"][:2])
    assert "a page of *Book*, version 1.2.3" in words
    assert 'SITE = "https://example.org/book/"' in code
    assert 'WHEEL = "rnncourse-1.2.3-py3-none-any.whl"' in code


def test_a_repository_that_nobody_named_is_none() -> None:
    """Jupyter Book fills in its own."""
    from types import SimpleNamespace

    config = SimpleNamespace(html_theme_options={"repository_url": "https://github.com/executablebooks/jupyter-book"})
    with pytest.MonkeyPatch.context() as patch:
        for name in ("BOOK_REPOSITORY_URL", "CI_PROJECT_URL", "GITHUB_REPOSITORY"):
            patch.delenv(name, raising=False)
        rnn_site.repository(None, config)
    assert "repository_url" not in config.html_theme_options


# --- the repository ------------------------------------------------------------------------------------------------


def launch(**env: str) -> set[str]:
    return rnn_site.hosting(env)["launch_buttons"].keys() - {"notebook_interface"}


def test_no_repository_no_button() -> None:
    assert rnn_site.hosting({}) == {}


def test_binder_and_colab_start_what_they_can_reach() -> None:
    both, binder = {"binderhub_url", "colab_url"}, {"binderhub_url"}
    assert launch(BOOK_REPOSITORY_URL="https://github.com/someone/book") == both
    assert launch(BOOK_REPOSITORY_URL="https://github.com/someone/book.git/") == both
    assert launch(GITHUB_REPOSITORY="someone/book") == both
    assert launch(BOOK_REPOSITORY_URL="https://gitlab.com/someone/book") == binder
    assert launch(CI_PROJECT_URL="https://gitlab.com/group/sub/book") == set()
    assert launch(GITHUB_REPOSITORY="someone/book", GITHUB_SERVER_URL="https://codeberg.org") == set()
    assert launch(BOOK_REPOSITORY_URL="https://bitbucket.org/someone/book") == set()


def test_ours_comes_first_and_the_branch_is_known() -> None:
    ours = "https://github.com/ours/book"
    options = rnn_site.hosting({"BOOK_REPOSITORY_URL": ours, "GITHUB_REPOSITORY": "someone/book"})
    assert (options["repository_url"], options["repository_branch"]) == (ours, "main")
    assert rnn_site.hosting({"CI_PROJECT_URL": ours, "CI_DEFAULT_BRANCH": "trunk"})["repository_branch"] == "trunk"


def test_an_unknown_host_has_no_button_to_edit() -> None:
    options = rnn_site.hosting({"BOOK_REPOSITORY_URL": "https://git.example.org/someone/book"})
    assert options["repository_provider"] == "github"  # the theme knows no other; the addresses are the same
    assert options["use_repository_button"]
    assert not options["use_edit_page_button"]


@pytest.mark.parametrize("url", ["someone/book", "https://github.com/someone", "git@github.com:someone/book"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ExtensionError, match="BOOK_REPOSITORY_URL is to be like"):
        rnn_site.hosting({"BOOK_REPOSITORY_URL": url})


@pytest.mark.parametrize(
    ("url", "links"),
    [
        (None, []),
        (
            "https://github.com/someone/book",
            [
                "https://mybinder.org/v2/gh/someone/book/main?urlpath=lab/tree/book/page.ipynb",
                "https://colab.research.google.com/github/someone/book/blob/main/book/page.ipynb",
            ],
        ),
        (
            "https://gitlab.com/someone/book",
            ["https://mybinder.org/v2/gl/someone%2Fbook/main?urlpath=lab/tree/book/page.ipynb"],
        ),
    ],
)
def test_the_theme_makes_the_links(url: str | None, links: list[str]) -> None:
    """The stock theme's function, given our options."""
    from types import SimpleNamespace

    from sphinx_book_theme.header_buttons import launch as stock
    from sphinx_book_theme.header_buttons import update_context_with_repository_info

    options = rnn_site.hosting({"BOOK_REPOSITORY_URL": url} if url else {})
    page = "book/page"
    config = {"html_theme_options": options}
    app = SimpleNamespace(
        config=type("Config", (dict,), {"html_context": {}, "html_theme_options": options})(config),
        env=SimpleNamespace(doc2path=lambda _: f"/{page}.ipynb", metadata={page: {"kernelspec": "python3"}}),
    )
    update_context_with_repository_info(app)
    context = {"pagename": page, "sourcename": f"{page}.ipynb", "header_buttons": [], **app.config.html_context}
    stock.add_launch_buttons(app, page, "", context, None)
    rnn_downloads.name(app, page, "", context, None)
    buttons = [button for group in context["header_buttons"] for button in group["buttons"]]
    assert [button["url"] for button in buttons] == links
    assert all(f"git+{url}" in button["tooltip"] for button in buttons if button["text"] == "Colab")
