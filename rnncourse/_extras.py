"""What is no part of the core: modules that an extra of the package brings, and a word where one is missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["needed"]


def needed(module: str, extra: str, what: str) -> Any:
    """Import a module of an extra.

    Parameters
    ----------
    module : str
        Its full name.
    extra : str
        The extra of rnncourse that brings it.
    what : str
        What needs it, for the message.

    Returns
    -------
    module
        The module.

    Raises
    ------
    ImportError
        If it is not installed; the message says what to install.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        top = module.partition(".")[0]
        if (error.name or "").partition(".")[0] != top:  # it is there, and something that it needs is not
            raise
        name = {"sklearn": "scikit-learn"}.get(top, top)
        raise ImportError(f'{what} needs {name}: pip install "rnncourse[{extra}]"') from error
