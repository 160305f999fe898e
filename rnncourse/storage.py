"""Trees in files: layers, optimisers' states, generators and what holds them together, without pickle.

A file is one of safetensors: its arrays can be read by whatever reads that format. What safetensors does not know,
the kinds of the records, their options and the structure, stands as JSON in the file's metadata, with the dtype, the
shape and a checksum of every array, and a checksum of itself. Nothing in a file can name code: kinds are looked up in a
list of the package's own, to which `kinds` adds.
"""

from __future__ import annotations

import json
import os
import stat
import sys
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields
from functools import cache
from importlib import import_module
from inspect import isabstract
from math import isfinite
from pathlib import Path
from pkgutil import iter_modules
from secrets import token_hex
from typing import Any, NoReturn

import numpy as np

from . import _validation as validate
from ._extras import needed
from .records import Array, Gradients, Record

__all__ = ["load", "save"]

VERSION = 1
KEY = "rnncourse"  # of the metadata
LIMIT = 1 << 32  # bytes of a file
HEADER = 1 << 23  # bytes of a file's head, which is read before anything else
DEPTH = 64  # of a tree
DTYPES = {
    "bool": "BOOL",
    **{f"uint{n}": f"U{n}" for n in (8, 16, 32, 64)},
    **{f"int{n}": f"I{n}" for n in (8, 16, 32, 64)},
    **{f"float{n}": f"F{n}" for n in (16, 32, 64)},
}
TAKEN = "a record, dict, tuple, list, array, generator, number, str or None"
BIT_GENERATORS = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")
WORD = 1 << 32
# What a bit generator's state may hold besides arrays and 128-bit numbers; NumPy does not look where it would matter.
BOUNDS = {"pos": 624, "buffer_pos": 4, "has_uint32": 1, "uinteger": WORD - 1}


def save(path: str | os.PathLike[str], tree: Any, kinds: Collection[type] = ()) -> None:
    """Write a tree to a file of safetensors [1]_.

    The file is written beside `path` and put in its place when it is whole and on the disk: whatever happens, `path` is
    what it was or what it is to be. What a kill can leave beside it, ``.name.….part``, the next save removes.

    Parameters
    ----------
    path : path
        The file, which is replaced if there is one. Mostly ``….safetensors``.
    tree : record, dict, tuple, list, ndarray, Generator, number, str or None
        Layers, optimisers and their states, `Gradients`, `Training`, schedules, NumPy's arrays, numbers and generators,
        and dicts (with keys of str or int), tuples and lists of such.
    kinds : collection of type
        Kinds of records that are not the package's own, such as a cell that you wrote. `load` needs the same.

    Raises
    ------
    TypeError
        If the tree holds something else; the message gives the path.
    ValueError
        If it is nested too deeply, or holds too much besides arrays.
    OSError
        If the file cannot be written.
    ImportError
        If safetensors is missing.

    References
    ----------
    .. [1] https://github.com/huggingface/safetensors, "Format".

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from rnncourse import LSTM
    >>> from rnncourse.optimizers import Adam
    >>> rng = np.random.default_rng(0)
    >>> layer = LSTM.init(n_x=3, n_a=4, rng=rng)
    >>> tree = {"model": layer, "state": Adam(0.01).init(layer), "rng": rng, "step": 7}
    >>> with TemporaryDirectory() as folder:
    ...     save(f"{folder}/lstm.safetensors", tree)
    ...     again = load(f"{folder}/lstm.safetensors")
    >>> again["model"] == layer, again["state"] == tree["state"], again["step"]
    (True, True, 7)
    >>> again["rng"].random() == rng.random()
    True
    """
    library = needed("safetensors.numpy", "storage", "rnncourse.storage")
    writer = _Writer(_known(kinds))
    text = _sealed(writer.encoded(tree, "tree"))
    data = library.save(writer.arrays, {KEY: text})
    if (head := int.from_bytes(data[:8], "little")) > HEADER:
        raise ValueError(
            f"tree: expected at most {HEADER} bytes besides its arrays, got {head}: use arrays for numbers"
        )
    _replace(Path(os.path.realpath(path)), data)


def load(path: str | os.PathLike[str], kinds: Collection[type] = (), limit: int = LIMIT) -> Any:
    """Read a tree that `save` wrote.

    Parameters
    ----------
    path : path
        The file.
    kinds : collection of type
        Kinds of records that are not the package's own.
    limit : int
        Files of more bytes are refused.

    Returns
    -------
    tree
        As it was saved, each record, array and generator a new one.

    Raises
    ------
    ValueError
        If the file is not one of `save`'s, damaged, of another version, of unknown kinds or larger than `limit`. Its
        head is checked, and every array's dtype and shape, before anything large is allocated.
    OSError
        If there is no such file, or it cannot be read.
    ImportError
        If safetensors is missing.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from rnncourse import RNN
    >>> layer = RNN.init(n_x=2, n_a=3, rng=np.random.default_rng(0))
    >>> with TemporaryDirectory() as folder:
    ...     save(Path(folder, "layer"), layer)
    ...     print(load(Path(folder, "layer")) == layer)
    True
    """
    library = needed("safetensors", "storage", "rnncourse.storage")
    known, limit = _known(kinds), validate.size("limit", limit)
    with _one_error(path, library.SafetensorError):
        _check_size(path, limit)
        with library.safe_open(os.fspath(path), framework="numpy") as file:
            return _Reader(file, known).tree()


# --- the tree as JSON ------------------------------------------------------------------------------------------------


@cache
def _own_kinds() -> dict[str, type]:
    """Return the package's own kinds, by name: layers, but not their runs, and all that trains them."""
    from . import layers, optimizers, schedules, training

    found = [module.name for module in iter_modules(layers.__path__) if not module.ispkg]
    modules = [import_module(f"{layers.__name__}.{name}") for name in found]
    own = [kind for kind in _public(*modules) if hasattr(kind, "forward")] + _public(optimizers, schedules)
    return {kind.__name__: kind for kind in (*own, Gradients, training.Training)}


def _public(*modules: Any) -> list[type]:
    """Return the kinds of records that modules offer."""
    kinds = [getattr(module, name) for module in modules for name in module.__all__]
    return [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Record) and not isabstract(kind)]


def _known(kinds: Collection[type]) -> dict[str, type]:
    known = dict(_own_kinds())
    for kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, Record)):
            raise TypeError(f"kinds: expected kinds of records, got {validate.describe(kind)}")
        if known.setdefault(kind.__name__, kind) is not kind:
            raise ValueError(f"kinds: expected names of their own, got a second {kind.__name__}")
    return known


def _sealed(tree: Any) -> str:
    """Return the metadata of a tree: it has one form only, so a changed character shows."""
    head = {"version": VERSION, "tree": tree}
    crc = zlib.crc32(json.dumps(head).encode())
    return json.dumps({**head, "crc32": f"{crc:08x}"})


def _checksum(array: Array) -> str:
    return f"{zlib.crc32(array.reshape(-1).view(np.uint8).data):08x}"


class _Writer:
    """Turns a tree into JSON and puts its arrays aside."""

    def __init__(self, known: dict[str, type]) -> None:
        self.known = known
        self.arrays: dict[str, Array] = {}

    def encoded(self, tree: Any, path: str, depth: int = 0) -> Any:
        if depth > DEPTH:
            raise ValueError(f"{path:.60}…: expected a tree of at most {DEPTH} levels, got a deeper one, or a circle")
        kind = type(tree)
        if tree is None or kind in (bool, int, str) or (kind is float and isfinite(tree)):
            return tree
        if kind is float:
            return {"float": repr(tree)}
        if isinstance(tree, np.ndarray | np.generic):
            return self.array(tree, path)
        if kind in (tuple, list):
            return {kind.__name__: [self.encoded(v, f"{path}[{k}]", depth + 1) for k, v in enumerate(tree)]}
        if kind is dict:
            return {"dict": [self.item(item, path, depth) for item in tree.items()]}
        if kind is np.random.Generator:
            return {"generator": self.encoded(_generator_state(path, tree), path, depth + 1)}
        if kind is not type and self.known.get(kind.__name__) is kind:
            parts = ((f.name, getattr(tree, f.name)) for f in fields(tree) if f.init)
            return {"record": kind.__name__, "fields": [self.item(part, path, depth) for part in parts]}
        more = ": name its kind in `kinds`" if isinstance(tree, Record) else ""
        raise TypeError(f"{path}: expected {TAKEN}, got {validate.describe(tree)}{more}")

    def item(self, pair: tuple[Any, Any], path: str, depth: int) -> list[Any]:
        key, value = pair
        if type(key) not in (str, int):
            raise TypeError(f"{path}: expected keys of str or int, got {validate.describe(key)}")
        return [key, self.encoded(value, f"{path}.{key}", depth + 1)]

    def array(self, value: Any, path: str) -> Any:
        if isinstance(value, np.ma.MaskedArray) or value.dtype.name not in DTYPES:
            also = "a masked array" if isinstance(value, np.ma.MaskedArray) else f"dtype {value.dtype}"
            raise TypeError(f"{path}: expected an array of booleans, integers or real numbers, got {also}")
        array = np.array(value, dtype=value.dtype.newbyteorder("<"), order="C", subok=False)
        name = path.encode("ascii", "backslashreplace").decode()
        while name in self.arrays:  # keys with dots can make two paths alike
            name += "'"
        self.arrays[name] = array
        told = {"dtype": array.dtype.name, "shape": list(array.shape), "crc32": _checksum(array)}
        return {"array" if isinstance(value, np.ndarray) else "number": name, **told}


class _Reader:
    """Turns JSON into a tree again, with the arrays of an open file."""

    def __init__(self, file: Any, known: dict[str, type]) -> None:
        self.file, self.known = file, known
        self.names = set(file.keys())

    def tree(self) -> Any:
        text = (self.file.metadata() or {}).get(KEY)
        if text is None:
            raise ValueError("it is a file of safetensors, but not one of rnncourse.storage")
        head = json.loads(text)
        version = head.get("version") if type(head) is dict else None
        if version != VERSION:
            raise ValueError(f"expected version {VERSION} of the format, got {version!r:.20}")
        if text != _sealed(head.get("tree")):
            raise ValueError("its structure does not have the checksum that is told")
        self.check_arrays(head["tree"])
        return self.decoded(head["tree"], "tree")

    def check_arrays(self, tree: Any) -> None:
        """Compare the arrays that the tree tells of with those that the file says it has, before any is read."""
        told = list(_arrays(tree))
        names = [entry["name"] for entry in told]
        if len(names) != len(set(names)) or set(names) != self.names:
            raise ValueError("its arrays are not those of its structure, each of them once")
        for name, dtype, shape in ((entry["name"], entry["dtype"], entry["shape"]) for entry in told):
            there = self.file.get_slice(name)
            if (there.get_dtype(), there.get_shape()) != (DTYPES[dtype], shape):
                raise ValueError(f"{name}: expected {dtype}{shape}, got {there.get_dtype()}{there.get_shape()}")

    def decoded(self, node: Any, path: str) -> Any:
        if not isinstance(node, dict):
            if isinstance(node, list):
                raise ValueError(f"{path}: expected a node, got a list")
            return node
        word = next(iter(node), None)
        readers: dict[Any, Callable[[Any, str], Any]] = {
            "float": lambda node, path: float(node["float"]),
            "array": lambda node, path: self.array(node["array"], node["crc32"]),
            "number": lambda node, path: self.array(node["number"], node["crc32"])[()],
            "tuple": lambda node, path: tuple(self.parts(node["tuple"], path)),
            "list": lambda node, path: list(self.parts(node["list"], path)),
            "dict": lambda node, path: dict(self.item(item, path) for item in node["dict"]),
            "generator": lambda node, path: _generator(self.decoded(node["generator"], path)),
            "record": self.record,
        }
        if word not in readers:
            raise ValueError(f"{path}: expected one of {', '.join(readers)}, got {word!r:.60}")
        return readers[word](node, path)

    def parts(self, nodes: Any, path: str) -> Iterator[Any]:
        return (self.decoded(node, f"{path}[{k}]") for k, node in enumerate(nodes))

    def item(self, pair: Any, path: str) -> tuple[Any, Any]:
        key, node = pair
        if type(key) not in (str, int):
            raise ValueError(f"{path}: expected keys of str or int, got {key!r:.60}")
        return key, self.decoded(node, f"{path}.{key}")

    def array(self, name: str, crc: str) -> Array:
        array = self.file.get_tensor(name)
        if _checksum(array) != crc:
            raise ValueError(f"{name}: its numbers do not have the checksum that is told")
        native: Array = array.astype(array.dtype.newbyteorder("="), copy=False)
        return native

    def record(self, node: Any, path: str) -> Any:
        if node["record"] not in self.known:
            raise ValueError(f"{path}: expected a known kind of record, got {node['record']!r:.60}: name it in `kinds`")
        kind = self.known[node["record"]]
        try:
            return kind(**{name: self.decoded(v, f"{path}.{name}") for name, v in node["fields"]})
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}: {error}") from error


def _arrays(node: Any) -> Iterator[dict[str, Any]]:
    """Yield what a tree in JSON tells of its arrays: name, dtype and shape."""
    if isinstance(node, dict) and next(iter(node), None) in ("array", "number"):
        yield {**node, "name": next(iter(node.values()))}
    elif isinstance(node, dict | list):
        for part in node.values() if isinstance(node, dict) else node:
            yield from _arrays(part)


# --- generators ------------------------------------------------------------------------------------------------------


def _generator_state(path: str, rng: np.random.Generator) -> dict[str, Any]:
    """Return all that a generator will give: its numbers, and the seeds of those that it will spawn."""
    bits, seed = rng.bit_generator, rng.bit_generator.seed_seq
    if type(bits).__name__ not in BIT_GENERATORS or not isinstance(seed, np.random.SeedSequence):
        wanted = f"one of {', '.join(BIT_GENERATORS)} with a SeedSequence"
        raise TypeError(f"{path}: expected a generator on {wanted}, got one on {type(bits).__name__}")
    entropy = seed.entropy if isinstance(seed.entropy, int | None) else [int(n) for n in seed.entropy]
    words = {"entropy": entropy, "spawn_key": [int(n) for n in seed.spawn_key], "spawned": seed.n_children_spawned}
    return {"state": _plain(bits.state), "seed": words, "pool_size": seed.pool_size}


def _plain(state: Any) -> Any:
    """Return a state with Python's integers in place of NumPy's."""
    if isinstance(state, dict):
        return {key: _plain(value) for key, value in state.items()}
    return int(state) if isinstance(state, np.integer) else state


def _generator(told: Any) -> np.random.Generator:
    """Make a generator of the state that a file tells, which may be any."""
    state, seed, pool_size = told["state"], told["seed"], told["pool_size"]
    name = state["bit_generator"]
    if name not in BIT_GENERATORS:
        raise ValueError(f"generator: expected one of {', '.join(BIT_GENERATORS)}, got {name!r:.60}")
    for key, most in BOUNDS.items():
        for place in (state, state["state"]):
            if not (type(place.get(key, 0)) is int and 0 <= place.get(key, 0) <= most):
                raise ValueError(f"generator: expected {key} from 0 to {most}, got {place[key]!r:.60}")
    if type(pool_size) is not int or not 4 <= pool_size <= 256:
        raise ValueError(f"generator: expected a pool_size from 4 to 256, got {pool_size!r:.60}")
    sequence = np.random.SeedSequence(
        seed["entropy"], spawn_key=seed["spawn_key"], pool_size=pool_size, n_children_spawned=seed["spawned"]
    )
    bits = getattr(np.random, name)(sequence)
    _check_like(state, _plain(bits.state))
    bits.state = state
    return np.random.Generator(bits)


def _check_like(state: Any, own: Any) -> None:
    """Check that a state has the form that the bit generator's own has."""
    fits = type(state) is type(own)
    if fits and isinstance(own, dict):
        fits = state.keys() == own.keys()
    elif fits and isinstance(own, np.ndarray):
        fits = (state.shape, state.dtype) == (own.shape, own.dtype)
    if not fits:
        raise ValueError("generator: expected a state of the form that NumPy's has, got another")
    for key in own if isinstance(own, dict) else ():
        _check_like(state[key], own[key])


# --- files -----------------------------------------------------------------------------------------------------------


@contextmanager
def _one_error(path: str | os.PathLike[str], library_error: type[Exception]) -> Iterator[None]:
    """Let whatever a bad file leads to be one ValueError that names the file."""

    def refuse(error: Exception, why: object) -> NoReturn:
        raise ValueError(f"path: expected a file that storage.save wrote, got {os.fspath(path)}: {why}") from error

    try:
        yield
    except library_error as error:
        refuse(error, f"damaged, or no file of safetensors ({error})")
    except ValueError as error:
        refuse(error, error)
    except (TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        refuse(error, f"its structure is damaged ({type(error).__name__}: {error})")


def _check_size(path: str | os.PathLike[str], limit: int) -> None:
    """Check by its first eight bytes, which tell the length of its head, that a file may be looked at."""
    about = os.stat(path)
    if not stat.S_ISREG(about.st_mode):
        raise ValueError("it is no regular file")
    if about.st_size > limit:
        raise ValueError(f"it has {about.st_size} bytes, more than the limit of {limit}")
    with open(path, "rb") as file:
        head = int.from_bytes(file.read(8), "little")
    if not 0 < head <= min(HEADER, about.st_size - 8):
        raise ValueError("damaged, or no file of safetensors (its first eight bytes)")


def _replace(path: Path, data: bytes) -> None:
    """Put a file in its place when it is whole and on the disk."""
    _tidy(path)
    part = path.with_name(f".{path.name}.{token_hex(8)}.part")
    try:
        with _whole(part, data):
            os.replace(part, path)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
    if hasattr(os, "O_DIRECTORY"):  # not on Windows: the new name, too, is to be on the disk
        folder = os.open(path.parent, os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def _whole(part: Path, data: bytes) -> Iterator[None]:
    """Write a file that is locked as long as it has this name: one that is not locked was left by a kill.

    Where the system has files without a name, it gets its name when it is whole, and hardly a kill leaves one.
    """
    number = _without_name(part.parent)
    with open(part, "xb") if number is None else open(number, "wb") as file:
        _lock(file)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
        if number is not None:
            # with a folder's number, which an absolute path does not need, os.link follows the link that /proc has
            os.link(f"/proc/self/fd/{number}", part, src_dir_fd=number)
        if sys.platform != "win32":
            yield
    if sys.platform == "win32":  # where an open file cannot be moved
        yield


def _without_name(folder: Path) -> int | None:
    """Open a file without a name, or return None where the system or the disk has none."""
    if hasattr(os, "O_TMPFILE") and os.path.exists("/proc/self/fd"):
        with suppress(OSError):
            return os.open(folder, os.O_TMPFILE | os.O_WRONLY, 0o666)
    return None


def _lock(file: Any) -> None:
    """Lock a file, or raise OSError if another one has; on Windows open files are protected anyway."""
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


def _tidy(path: Path) -> None:
    """Remove what saves left that were killed."""
    for old in path.parent.glob(f".{_literal(path.name)}.{'[0-9a-f]' * 16}.part"):
        with suppress(OSError):
            if sys.platform != "win32":
                with open(old, "rb") as file:
                    _lock(file)
                    old.unlink()
            else:
                old.unlink()


def _literal(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)
