"""Run the notebooks on all processors while the pages are read one after another.

Sphinx reads a page at a time, and myst-nb runs a page's notebook when it comes to it, in a kernel of its own: one
processor works. Here the kernels of notebooks that no cache answers are started before, as many at once as there are
processors; when a page is read, its result is fetched. What is run, and how, stays myst-nb's.
"""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from jupyter_cache import get_cache
from myst_nb.core.execute import cache
from rnn_times import key

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment


def start(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Start what will have to be run, in the order of the pages."""
    config = app.config
    if config.nb_execution_mode != "cache" or (os.cpu_count() or 1) == 1:
        return
    stored, run = get_cache(config.nb_execution_cache_path), cache.single_nb_execution
    pool = ThreadPoolExecutor(
        os.cpu_count(), "notebook"
    )  # a thread waits for a kernel, which is a process
    started: dict[str, Future[Any]] = {}
    for path in (Path(env.doc2path(name)) for name in docnames):
        if path.suffix != ".ipynb":
            continue
        notebook = nbformat.read(path, as_version=4)
        if not answered(stored, notebook):
            options = {
                "timeout": config.nb_execution_timeout, "allow_errors": config.nb_execution_allow_errors,
                "meta_override": True,
            }  # fmt: skip
            started[key(notebook)] = pool.submit(
                run, notebook, cwd=str(path.parent), **options
            )
    pool.shutdown(wait=False)
    # where a page is wrong, what has not begun is left
    app.connect(
        "build-finished", lambda *_: pool.shutdown(wait=False, cancel_futures=True)
    )

    def fetch(notebook: Any, *arguments: Any, **options: Any) -> Any:
        """Wait for a notebook's run and take over what it printed; run it here, if it was not started."""
        if (ahead := started.pop(key(notebook), None)) is None:
            return run(notebook, *arguments, **options)
        result = ahead.result()
        ours, theirs = (
            [c for c in each.cells if c.cell_type == "code"]
            for each in (notebook, result.nb)
        )
        for cell, done in zip(ours, theirs, strict=True):
            cell.outputs, cell.execution_count = done.outputs, done.execution_count
        notebook.metadata.update(result.nb.metadata)
        return result

    cache.single_nb_execution = fetch


def answered(stored: Any, notebook: Any) -> bool:
    """Say whether the cache holds this notebook's outputs."""
    try:
        stored.match_cache_notebook(notebook)
    except KeyError:
        return False
    return True


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx."""
    app.connect("env-before-read-docs", start)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
