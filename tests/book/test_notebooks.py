"""Every page of the book keeps the rules of ``notebooks.py``, and each rule finds what it is for."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import notebooks as n
import pytest

PAGES = n.pages_of_the_book()
NAMES = [str(path.relative_to(n.BOOK)) for path in PAGES]


@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_page_keeps_the_rules(path: Path) -> None:
    """No problem in any page; ``notebooks.py --write`` mends most of what this finds."""
    assert n.problems(path) == []


def test_labels_are_unique() -> None:
    """No label stands for two things."""
    texts = {name: n.page_text(path) for name, path in zip(NAMES, PAGES, strict=True)}
    assert list(n.repeated_labels(texts)) == []


def test_reasons_belong_to_cells() -> None:
    """Every exception from nbval's comparison still has its cell."""
    cells = {
        f"{path.name}#{cell.get('id')}"
        for path in PAGES
        if path.suffix == ".ipynb"
        for cell in nbformat.read(path, as_version=4).cells
    }
    assert set(n.IGNORED_BY_NBVAL) <= cells


def test_every_page_is_in_the_table_of_contents() -> None:
    """A page that is not in _toc.yml is not built: nobody would see it."""
    import browser

    assert {name.rsplit(".", 1)[0] for name in NAMES} == {
        page.removeprefix("book/").removesuffix(".html") for page in browser.pages_of_the_toc()
    }


# --- the build's own runs ------------------------------------------------------------------------------------------

NOTEBOOKS = [path for path in PAGES if path.suffix == ".ipynb"]


@cache
def ran_by_the_build() -> dict[tuple[str, ...], Any]:
    """The executed notebooks in the build's cache, by their code."""
    found = (n.ROOT / "_build" / ".jupyter_cache").glob("*/executed/*/base.ipynb")
    return {n.codes(nb): nb for nb in (nbformat.read(path, as_version=4) for path in found)}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_build_printed_what_is_stored(path: Path, site: Path) -> None:
    """The build ran the notebook with this machine's own kernel of OpenBLAS; nbval has run it with another."""
    stored = nbformat.read(path, as_version=4)
    ran = ran_by_the_build().get(n.codes(stored))
    assert ran, "the book was built before this notebook was changed: make book"
    assert list(n.differences(stored, ran)) == []


def test_another_output_is_found() -> None:
    stored, same, ignored = (notebook("x", stream("stdout", "92 % in 1.2 s\n")) for _ in range(3))
    same.cells[0].outputs = [stream("stdout", "92 %"), stream("stdout", " in 3 s\n"), FIGURE_AS_PNG]
    ignored.cells[0].metadata["tags"] = ["nbval-ignore-output"]
    other = notebook("x", stream("stdout", "93 % in 1.2 s\n"))
    assert list(n.differences(stored, same)) == []
    assert list(n.differences(ignored, other)) == []
    (found,) = n.differences(stored, other)
    assert "cell 0 ('x')" in found
    assert "93 %" in found
    assert list(n.differences(stored, notebook("x")))


# --- the rules themselves --------------------------------------------------------------------------------------------


def notebook(source: str = "print(1)", *outputs: Any, **metadata: Any) -> Any:
    """Make a notebook with one code cell, which keeps all rules unless the arguments break one."""
    cell = nbformat.v4.new_code_cell(source, outputs=list(outputs), execution_count=1, metadata=metadata, id="cell-1")
    return nbformat.from_dict({"cells": [cell], "metadata": n.METADATA, "nbformat": 4, "nbformat_minor": 5})


def display(**data: str) -> Any:
    """Make an output; ``__`` in a name stands for the slash of a MIME type."""
    return nbformat.v4.new_output("display_data", data={key.replace("__", "/"): text for key, text in data.items()})


def stream(name: str, text: str) -> Any:
    return nbformat.v4.new_output("stream", name=name, text=text)


def found_in(nb: Any) -> list[str]:
    return [problem for rule in n.NOTEBOOK_RULES for problem in rule(nb)]


FIGURE_AS_PNG = display(image__png="AAAA")
FIGURE = display(text__plain="<Figure size 600x260 with 1 Axes>")
PLAYER = display(text__plain="<2 frames by value>")
CAPTIONED = {"figure": {"name": "fig:x", "caption": "X."}, "image": {"alt": "A line"}}


@pytest.mark.parametrize(
    "nb",
    [
        notebook("print(1)", stream("stdout", "1\n")),
        notebook("print(1)", stream("stdout", "0.123456 4.6e-13 below 1e-15: True 2e-37")),
        notebook("plt.show()", FIGURE, mystnb=CAPTIONED),
        notebook("1 / 0", nbformat.v4.new_output("error", ename="ZeroDivisionError"), tags=["raises-exception"]),
        notebook("def my_step(x):\n    return x", tags=["hide-input"]),
    ],
)
def test_a_good_notebook_passes(nb: Any) -> None:
    assert found_in(nb) == []


@pytest.mark.parametrize(
    ("nb", "message"),
    [
        (notebook("x", display(image__png="AAAA", text__plain="<x>")), "holds image/png"),
        (notebook("x", display(text__html="<b>x</b>")), "holds text/html"),
        (notebook("x", stream("stderr", "Warning: x")), "writes to stderr"),
        (notebook("x", nbformat.v4.new_output("error", ename="ValueError")), "ends in ValueError"),
        (notebook("x", stream("stdout", "<object at 0x7f31aa20>")), "prints '0x7f31aa20'"),
        (notebook("x", stream("stdout", "file /home/me/x.py")), "prints '/home/'"),
        (notebook("x", stream("stdout", "loss 0.30000000000000004")), "prints '0.30000000000000004': round it"),
        (notebook("x", display(text__plain="np.float64(0.1234567)")), "prints '0.1234567': round it"),
        (notebook("x", stream("stdout", "error 2.2e-16")), "prints '2.2e-16': round it"),
        (notebook("x\n" * 26), "26 lines of code"),
        (notebook("%matplotlib inline"), "not plain Python"),
        (notebook("def sigmoid(z):\n    return z"), "defines sigmoid, which rnncourse.activations has"),
        (notebook("sigmoid = lambda z: z"), "defines sigmoid"),
        (notebook("x", tags=["my-tag"]), "tag 'my-tag'"),
        (notebook("x", tags=["nbval-ignore-output"]), "without a reason"),
        (notebook("# NBVAL_SKIP\nx"), "an nbval comment"),
        (notebook("x", execution={"iopub.status.busy": "now"}), "metadata 'execution'"),
        (notebook("  \n"), "nothing in it"),
        (notebook("plt.show()", FIGURE), "without mystnb.figure.name"),
        (notebook("plt.show()", FIGURE, mystnb={**CAPTIONED, "image": {"alt": " "}}), "without mystnb.image.alt"),
        (notebook("plt.show()", FIGURE, mystnb={"image": {"alt": "A line"}}), "without mystnb.figure.caption"),
        (notebook("frames(f, [1, 2], alt=str)", PLAYER), "without mystnb.figure.name"),
    ],
)
def test_a_bad_cell_is_found(nb: Any, message: str) -> None:
    assert any(message in problem for problem in found_in(nb)), found_in(nb)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("nbformat_minor", 4, "format 4.4"),
        ("metadata", {**n.METADATA, "vscode": {}}, "expected exactly"),
        ("metadata", {"kernelspec": {"name": "my-env"}}, "expected exactly"),
    ],
)
def test_a_bad_file_is_found(field: str, value: Any, message: str) -> None:
    nb = notebook()
    nb[field] = nbformat.from_dict(value)
    assert any(message in problem for problem in found_in(nb))


@pytest.mark.parametrize("count", [None, 2])
def test_a_cell_not_run_from_the_top_is_found(count: int | None) -> None:
    nb = notebook()
    nb.cells[0].execution_count = count
    assert any("run from the top" in problem for problem in found_in(nb))


def test_a_cell_without_id_is_found() -> None:
    nb = notebook()
    del nb.cells[0]["id"]
    assert any("no id" in problem for problem in found_in(nb))


LABELLED = "$$\na = b\n$$ (eq:rnn-state)"


@pytest.mark.parametrize(
    "text",
    [
        f"Text with $x$ inline.\n\n{LABELLED}\n",
        f"```{{admonition}} Title\n:class: note\n{LABELLED}\n```",
        "```{figure} x.svg\n:alt: A cell\n:name: fig:x\nThe cell.\n```",
        "![A cell](x.svg)",
        "```python\nprint('$$ x $$')\n```",
        "It costs `$$` and $$ is not closed.",
        "The gradient of the loss by the complex step, and its derivative with respect to the input by hand.",
    ],
)
def test_a_good_text_passes(text: str) -> None:
    assert list(n.text_problems(text)) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("$$\na = b\n$$", "without a label"),
        ("$$ a = b $$", "without a label"),
        ("\\begin{align}\na &= b\n\\end{align}", "without a label"),
        ("```{math}\na = b\n```", "without a label"),
        ("- item\n\n  $$\n  a = b\n  $$", "without a label"),
        ("````{exercise} Title\n:label: ex:x\n\n```{note}\n$$\na = b\n$$\n```\n````", "without a label"),
        (":::{note}\n$$\na = b\n$$\n:::", "without a label"),
        ("$$\na = b\n$$ (rnn)", "expected the form"),
        ("```{math}\n:label: eq_x\na = b\n```", "expected the form"),
        ("![](x.svg)", "without alternative text"),
        ("```{figure} x.svg\nThe cell.\n```", "without alternative text"),
        ("```{figure} x.svg\n:alt: A cell\n```", "without a caption"),
        (
            "The derivative of a later state by an\nearlier one.",
            "as it is spoken: 'derivative of a later state by an earlier'",
        ),
        ("Gradients by the inputs.", "as it is spoken"),
        ("How many parameters has it?", "as it is spoken"),
    ],
)
def test_a_bad_text_is_found(text: str, message: str) -> None:
    assert any(message in problem for problem in n.text_problems(text)), list(n.pieces(text))


def test_the_package_speaks_the_same_english() -> None:
    texts = {path.name: path.read_text("utf8") for path in (n.ROOT / "rnncourse").rglob("*.py")}
    assert not {name: found for name, text in texts.items() if (found := n.UNSPOKEN.findall(text))}


def test_a_label_used_twice_is_found() -> None:
    assert list(n.repeated_labels({"a": LABELLED, "b": LABELLED})) == ["label 'eq:rnn-state' in b and in a"]
    assert not list(n.repeated_labels({"a": LABELLED, "b": LABELLED.replace("state", "output")}))


def test_writing_runs_and_normalises(tmp_path: Path) -> None:
    """From a notebook as an editor leaves it to one that keeps all rules, twice the same."""
    raw = nbformat.v4.new_notebook(metadata={"vscode": {"x": 1}})
    raw.cells = [
        nbformat.v4.new_markdown_cell("# Title\n\n"),
        nbformat.v4.new_code_cell("from IPython.display import HTML\n\nHTML('<b>1</b>')", execution_count=7),
        nbformat.v4.new_code_cell("print(1)\nprint(2)   ", metadata={"execution": {}, "tags": ["hide-input"]}),
    ]
    path = tmp_path / "a.ipynb"
    nbformat.write(raw, path)
    assert n.main([str(path)]) == 1
    assert n.main(["--write", str(path)]) == 0
    once = path.read_text("utf8")
    assert n.main(["--write", str(path)]) == 0
    assert path.read_text("utf8") == once
    nb = nbformat.read(path, as_version=4)
    assert [cell.execution_count for cell in nb.cells if cell.cell_type == "code"] == [1, 2]
    assert nb.cells[1].outputs[0].data == {"text/plain": "<IPython.core.display.HTML object>"}
    assert nb.cells[2].outputs[0].text == "1\n2\n"
    assert nb.cells[2].metadata == {"tags": ["hide-input"]}
