"""Puts the notebooks, and the results and programs that they read, into a wheel: `rnncourse notebooks` copies them.

All else stands in pyproject.toml. A checkout that is installed with ``pip install -e`` has them in book/.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

BOOK = Path(__file__).with_name("book")
NEEDS_THE_REPOSITORY = ("performance.ipynb",)  # as in rnncourse/_command.py


class WithNotebooks(build_py):
    """Build the package as ever, and copy the notebooks into it."""

    def run(self) -> None:
        """Build."""
        super().run()
        if self.editable_mode:
            return
        for source in [*BOOK.glob("*/*.ipynb"), *BOOK.glob("*/results/*.json*"), *BOOK.glob("[!_]*/*.py")]:
            if source.name not in NEEDS_THE_REPOSITORY:
                target = Path(self.build_lib, "rnncourse", "notebooks", source.relative_to(BOOK))
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)


setup(cmdclass={"build_py": WithNotebooks})
