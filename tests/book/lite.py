"""The chapters as notebooks that run in the reader's browser, by JupyterLite: `make lite`, an extra for a web server.

python tests/book/lite.py path/to/jupyter      writes _build/lite

The package goes along as a wheel. Python itself and NumPy, matplotlib, statsmodels, scikit-learn come from Pyodide's
address while a notebook runs, so this needs a network, and nothing of the book depends on it. Tested so far, offline:
it builds, it holds the wheel in its index, and Pyodide starts as far as micropip, which it fetches. No chapter has
been run in it. The page on speed stays out: it reads measurements of the repository, and a browser's times say
nothing about it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import browser as b

sys.path.insert(0, str(b.ROOT / "book" / "_ext"))
import rnn_downloads

OUT = b.ROOT / "_build" / "lite"
WORK = b.ROOT / "_build" / "lite-files"
LEFT_OUT = ("performance",)
INSTALL = "%pip install -q rnncourse numpy matplotlib statsmodels scikit-learn tqdm ipywidgets "
INSTALL += "markdown-it-py mdit-py-plugins"


def main() -> None:
    """Write the notebooks and the wheel, and let JupyterLite build around them."""
    shutil.rmtree(WORK, ignore_errors=True)
    for source in sorted(b.ROOT.glob("book/*/*.ipynb")):
        if source.stem not in LEFT_OUT:
            copy = WORK / "files" / source.parent.name / source.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(notebook(source), "utf8")
    wheels = WORK / "pypi"  # where JupyterLite looks for wheels to take along
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(wheels), str(b.ROOT)]
    subprocess.run(pip, check=True)
    build = [sys.argv[1], "lite", "build", "--lite-dir", str(WORK), "--contents", str(WORK / "files")]
    subprocess.run([*build, "--output-dir", str(OUT)], check=True, cwd=WORK)
    print(OUT.relative_to(b.ROOT))


def notebook(source: Path) -> str:
    """Return a chapter that installs what it needs and reads no file beside it."""
    found = rnn_downloads.alone(source)
    cell = {"cell_type": "code", "id": "install", "metadata": {}, "execution_count": None, "outputs": []}
    found["cells"].insert(0, {**cell, "source": [INSTALL]})
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
