"""Calling a learner's function so that the notebook goes on, whatever it does.

This is no sandbox: it keeps an accident from doing harm, and says what happened. Nothing can hold up ``os._exit``, and
a loop that catches whatever is raised in it ends when the interrupt falls between two of its attempts.
"""

from __future__ import annotations

import ctypes
import io
import os
import signal
import sys
import sysconfig
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

__all__ = ["SECONDS", "Outcome", "call", "copied", "now", "same_data", "used"]

SECONDS = 2.0  # of computing, for all worlds of a check together
BUSY = 3.0  # times as long on the clock: another program may have the processor meanwhile
AGAIN = 0.02  # between two attempts to stop a function that catches everything
HARMFUL = (
    "os.remove", "os.rmdir", "os.rename", "os.truncate", "os.system", "os.fork", "os.forkpty", "os.exec", "os.kill",
    "os.posix_spawn", "os.spawn", "os.chdir", "os.chmod", "os.link", "os.mkdir", "os.symlink", "shutil.rmtree",
    "shutil.move", "subprocess.Popen", "socket.connect",
)  # fmt: skip
WRITES = os.O_WRONLY | os.O_RDWR
PACKAGE = Path(__file__).parents[1]  # what stands here is no line of the learner's
STANDARD = sysconfig.get_path("stdlib")


class TimeUp(BaseException):
    """Raised inside a function that takes too long; no Exception, so that fewer handlers swallow it."""


@dataclass(frozen=True)
class Outcome:
    """What a call came to.

    Attributes
    ----------
    value : object
        What was returned.
    error : str
        Kind and message of what was raised; empty if nothing was.
    where : str
        The learner's line on which it was raised.
    hung : bool
        It took too long.
    printed : str
        What it printed.
    changed : tuple of str
        The arguments that it changed.
    harm : str
        What else it did that it should not: files, processes, NumPy itself.
    warned : str
        The first warning.
    """

    value: Any = None
    error: str = ""
    where: str = ""
    hung: bool = False
    printed: str = ""
    changed: tuple[str, ...] = ()
    harm: str = ""
    warned: str = ""


def call(function: Callable[..., Any], arguments: dict[str, Any], seconds: float = SECONDS) -> Outcome:
    """Call a function with copies of the arguments, in their order.

    Parameters
    ----------
    function : callable
        The learner's.
    arguments : dict
        By name.
    seconds : float
        How long it may take, as `used` counts.

    Returns
    -------
    Outcome
        Whatever happened; nothing is raised.
    """
    given = copied(arguments)
    printed = Printed()
    value, error, where, hung = None, "", "", False
    with whole_python(), whole_numpy() as broken, watched() as harm, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            with redirect_stdout(printed):
                value = limited(function, tuple(given.values()), seconds)
        except TimeUp:
            hung = True
        except BaseException as raised:  # SystemExit and KeyboardInterrupt, too: the notebook goes on
            error, where = said(raised)
    changed = tuple(name for name, was in arguments.items() if not same_data(given[name], was))
    done = [*broken, *harm]
    first = str(warned[0].message) if warned else ""
    return Outcome(value, error, where, hung, printed.getvalue(), changed, done[0] if done else "", first)


class Printed(io.StringIO):
    """What is printed; closing it loses nothing."""

    def close(self) -> None:
        """Stay open: whoever closes sys.stdout means no harm."""


def said(error: BaseException) -> tuple[str, str]:
    """Say what was raised, and on which line of the learner's."""
    try:
        message = str(error)
    except BaseException:  # a message that raises
        message = ""
    text = f"{type(error).__name__}: {message}".strip().removesuffix(":")
    frames = traceback.extract_tb(error.__traceback__)
    mine = [f for f in frames if f.line and not Path(f.filename).is_relative_to(PACKAGE) and not is_library(f.filename)]
    return text, mine[-1].line or "" if mine else ""


def is_library(filename: str) -> bool:
    """Tell whether a file is Python's own or an installed package's."""
    return "site-packages" in filename or Path(filename).is_relative_to(STANDARD)


def copied(value: Any) -> Any:
    """Copy arrays, and the tuples, lists and dicts that hold them; records are immutable."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, dict):
        return {key: copied(part) for key, part in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):  # what a cell kept for the way back
        return type(value)(*map(copied, value))
    return type(value)(map(copied, value)) if type(value) in (list, tuple) else value


def same_data(a: Any, b: Any) -> bool:
    """Tell whether two arguments are equal, NaN included.

    Parameters
    ----------
    a, b : object
        Arrays, numbers, texts, and tuples, lists or dicts of them; anything else is the same only if it is itself.

    Returns
    -------
    bool
        Equal in type, shape and every entry.
    """
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return a.shape == b.shape and a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same_data, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same_data(a[key], b[key]) for key in a)
    return bool(a == b)


# ---- the time limit


def limited(function: Callable[..., Any], arguments: tuple[Any, ...], seconds: float) -> Any:
    """Call a function; `TimeUp` is raised inside it when its time is over, again and again until it gives in."""
    if threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer"):
        return by_signal(function, arguments, seconds)
    return by_thread(function, arguments, seconds)


def used(since: tuple[float, float]) -> float:
    """Give the seconds that were used since a `now`: of the processor, or a part of the clock's for what sleeps."""
    return max(time.process_time() - since[0], (time.perf_counter() - since[1]) / BUSY)


def now() -> tuple[float, float]:
    """Read both clocks."""
    return time.process_time(), time.perf_counter()


def by_signal(function: Callable[..., Any], arguments: tuple[Any, ...], seconds: float) -> Any:
    """Let the system's clock interrupt it: this ends a sleep, too."""

    def stop(number: int, frame: FrameType | None) -> None:
        tidying = frame is None or frame.f_code is by_signal.__code__
        if not tidying and used(start) >= seconds:
            raise TimeUp

    start = now()
    before = signal.signal(signal.SIGALRM, stop)
    alarm = signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3), AGAIN)
    try:
        return function(*arguments)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *alarm)  # the caller's own, a little later


def by_thread(function: Callable[..., Any], arguments: tuple[Any, ...], seconds: float) -> Any:
    """Let a second thread interrupt it: for Windows, and for notebooks that run cells in a thread."""
    caller, over, guard = ctypes.c_ulong(threading.get_ident()), threading.Event(), threading.Lock()
    interrupt = ctypes.pythonapi.PyThreadState_SetAsyncExc

    def watch() -> None:
        wait, start = seconds, now()
        while not over.wait(wait):
            with guard:
                if not over.is_set() and used(start) >= seconds:
                    interrupt(caller, ctypes.py_object(TimeUp))
            wait = AGAIN

    watcher = threading.Thread(target=watch, daemon=True)
    try:
        watcher.start()
    except RuntimeError:  # a Python without threads, as in a browser: no limit there
        return function(*arguments)
    try:
        return function(*arguments)
    finally:
        while not over.is_set():  # an interrupt may arrive here, too
            with suppress(TimeUp), guard:
                over.set()
        # One that is on its way arrives at a loop's end. To take it back by passing None would leave CPython 3.11
        # looking for it at every step, and going round for ever where a debugger traces.
        with suppress(TimeUp):
            for _ in range(2):
                pass


# ---- what it must not do

_watching: list[tuple[int, list[str]]] = []  # the thread that is watched, and what it tried


def _audit(event: str, details: tuple[Any, ...]) -> None:
    """Refuse what would do harm, while a learner's function runs; Python calls this for every such event."""
    if not _watching or _watching[-1][0] != threading.get_ident():
        return
    if event == "open":
        path, mode, flags = details
        writes = any(c in mode for c in "wax+") if isinstance(mode, str) else bool((flags or 0) & WRITES)
        if not writes or not isinstance(path, str | bytes | os.PathLike) or "__pycache__" in os.fsdecode(path):
            return
    elif event not in HARMFUL or (event == "os.mkdir" and "__pycache__" in os.fsdecode(details[0])):
        return
    what = "open a file for writing" if event == "open" else f"call {event}"
    _watching[-1][1].append(what)
    raise PermissionError(f"an exercise may not {what}")


@contextmanager
def watched() -> Iterator[list[str]]:
    """Refuse deletions, writing, processes and connections in the meantime; give what was tried."""
    global _installed
    if not _installed:
        sys.addaudithook(_audit)  # there is no way to take one away again
        _installed = True
    tried: list[str] = []
    _watching.append((threading.get_ident(), tried))
    try:
        yield tried
    finally:
        _watching.pop()


_installed = False


@contextmanager
def whole_python() -> Iterator[None]:
    """Put the limit of recursion back as it was; a solution that needs more of it is none the worse."""
    limit = sys.getrecursionlimit()
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


@contextmanager
def whole_numpy() -> Iterator[list[str]]:
    """Put NumPy's names, its errors' and its printing's settings back as they were; give what was changed."""
    names, errors, changed = dict(vars(np)), np.geterr(), list[str]()
    try:
        with np.printoptions():
            yield changed
    finally:
        now = vars(np)
        gone = [name for name, value in names.items() if now.get(name) is not value]
        for name in gone:
            now[name] = names[name]
        if gone:
            changed.append(f"change NumPy itself (np.{gone[0]})")
        if np.geterr() != errors:
            np.seterr(**errors)
            changed.append("change NumPy's error settings (np.seterr)")
