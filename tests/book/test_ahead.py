"""Notebooks run at once while the book is built, each once, and the cache's answers stand."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from myst_nb.core.execute import cache

sys.path.insert(0, str(Path(__file__).parents[2] / "book" / "_ext"))
import rnn_ahead

MEETING = """
import time
from pathlib import Path
Path("{ours}").touch()
for _ in range(600):
    if Path("{theirs}").exists():
        break
    time.sleep(0.1)
print("{ours} met {theirs}:", Path("{theirs}").exists())
"""


def notebook(code: str) -> nbformat.NotebookNode:
    cells = [nbformat.v4.new_markdown_cell("A title"), nbformat.v4.new_code_cell(code)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=kernel)


@pytest.fixture
def started(tmp_path, monkeypatch):
    """Write three notebooks, the third of which the cache answers; start, and return what ran and how to read one."""
    codes = {
        "a": MEETING.format(ours="a", theirs="b"), "b": MEETING.format(ours="b", theirs="a"),
        "known": "raise SystemExit", "late": "print('late')",
    }  # fmt: skip
    for name in ("a", "b", "known"):
        nbformat.write(notebook(codes[name]), tmp_path / f"{name}.ipynb")
    (tmp_path / "page.md").write_text("No notebook.", "utf8")
    answered = notebook(codes["known"])
    answered.cells[1].execution_count = 1
    stored = get_cache(tmp_path / "cache")
    stored.cache_notebook_bundle(CacheBundleIn(answered, str(tmp_path / "known.ipynb")), check_validity=False)
    ran, run = [], cache.single_nb_execution

    def counted(notebook, *arguments, **options):
        ran.append(notebook.cells[1].source)
        return run(notebook, *arguments, **options)

    monkeypatch.setattr(cache, "single_nb_execution", counted)
    monkeypatch.setattr(rnn_ahead.os, "cpu_count", lambda: 2)
    config = SimpleNamespace(nb_execution_mode="cache", nb_execution_cache_path=str(tmp_path / "cache"),
                             nb_execution_timeout=60, nb_execution_allow_errors=False)  # fmt: skip
    files = {"a": "a.ipynb", "b": "b.ipynb", "known": "known.ipynb", "page": "page.md"}
    env = SimpleNamespace(doc2path=lambda name: str(tmp_path / files[name]))
    rnn_ahead.start(SimpleNamespace(config=config, connect=lambda *_: None), env, list(files))

    def read(name: str) -> str:
        page = notebook(codes[name])
        result = cache.single_nb_execution(page, cwd=str(tmp_path), timeout=60, allow_errors=False, meta_override=True)
        assert result.err is None
        assert page.cells[1].execution_count == 1
        return page.cells[1].outputs[0].text

    return ran, codes, read


def test_notebooks_run_at_once_and_each_of_them_once(started):
    ran, codes, read = started
    assert read("a") == "a met b: True\n"  # which waits for b: one after the other they would not meet
    assert read("b") == "b met a: True\n"
    assert read("late") == "late\n"  # was not started: it is run where it is read
    assert sorted(ran) == sorted(codes[name] for name in ("a", "b", "late"))  # not what the cache answers


def test_without_the_cache_nothing_is_started(monkeypatch):
    before = cache.single_nb_execution
    rnn_ahead.start(SimpleNamespace(config=SimpleNamespace(nb_execution_mode="off")), SimpleNamespace(), ["a"])
    assert cache.single_nb_execution is before
