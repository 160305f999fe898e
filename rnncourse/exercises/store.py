"""What has been passed: one small file in the user's data folder. Nothing leaves the machine."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from .._extras import needed

__all__ = ["BrokenError", "default_path", "passed", "remember"]

VARIABLE = "RNNCOURSE_PROGRESS"  # another place for the file; empty: nothing is stored
PATIENCE = 2.0  # seconds that one notebook waits for another
STALE = 10.0  # seconds after which a lock has been left behind


class BrokenError(ValueError):
    """Raised for a file that is no progress file; the message says which."""


def default_path() -> Path | None:
    """Say where the file is.

    Returns
    -------
    Path or None
        None if nothing is to be stored.

    Raises
    ------
    ImportError
        If platformdirs is missing.
    """
    given = os.environ.get(VARIABLE)
    if given is not None:
        return Path(given) if given else None
    return Path(needed("platformdirs", "exercises", "progress").user_data_dir("rnncourse")) / "progress.json"


def passed(path: Path) -> dict[str, str]:
    """Read what has been passed.

    Parameters
    ----------
    path : Path
        The file; it need not be there.

    Returns
    -------
    dict of str to str
        Names of exercises, and the days on which they were passed first.

    Raises
    ------
    BrokenError
        If there is something else in the file.
    OSError
        If it cannot be read.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        days = found["passed"]
        if all(isinstance(k, str) and isinstance(v, str) for k, v in days.items()):
            return dict(days)
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise BrokenError(f"{path} is no file of progress")


def remember(path: Path, name: str) -> str:
    """Note that an exercise has been passed; several notebooks may do so at once.

    Parameters
    ----------
    path : Path
        The file; made if it is not there.
    name : str
        The exercise.

    Returns
    -------
    str
        What the learner should know; empty if all is well.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with alone(path):
            said = ""
            try:
                days = passed(path)
            except BrokenError:
                os.replace(path, kept := free_name(path))
                days, said = (
                    {},
                    f"The file of your progress was broken: it is kept as {kept.name}, and a new one begun.",
                )
            if name not in days:
                write(path, {**days, name: date.today().isoformat()})
            return said
    except OSError as error:
        return f"Your progress could not be stored: {error.strerror or error}."


def write(path: Path, days: dict[str, str]) -> None:
    """Write the whole file beside the old one, then let it take its place: there is never half a file."""
    number, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            json.dump({"format": 1, "passed": days}, file, indent=1)
            file.write("\n")
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def free_name(path: Path) -> Path:
    """Find a name for a broken file that no other has."""
    names = (path.with_name(f"{path.name}.broken{k or ''}") for k in range(1000))
    return next(name for name in names if not name.exists())


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold a lock: a file that only one can make. One that was left behind is taken away."""
    lock = path.with_name(path.name + ".lock")
    start = time.monotonic()
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            break
        except FileExistsError:
            if old(lock):
                lock.unlink(missing_ok=True)
            elif time.monotonic() - start > PATIENCE:
                raise OSError(f"another notebook holds {lock}") from None
            else:
                time.sleep(0.01)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def old(lock: Path) -> bool:
    """Tell whether a lock has been left behind."""
    try:
        return time.time() - lock.stat().st_mtime > STALE
    except FileNotFoundError:
        return False
