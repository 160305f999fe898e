"""Trees in files: what goes in comes out, a kill loses nothing, and a bad file is one clear ValueError."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import tracemalloc
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from contract.registry import CASES

from rnncourse import LSTM, RNN, Deep, Dense, Embedding, Gradients, storage
from rnncourse.optimizers import SGD, Adam, AdamW, RMSProp
from rnncourse.records import Record, named_leaves, tree_map
from rnncourse.schedules import Cosine, WarmUp
from rnncourse.training import train

safetensors = pytest.importorskip("safetensors")
from safetensors.numpy import load_file, save_file  # noqa: E402

BITS = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tree.safetensors"


def again(tree: Any, path: Path, **options: Any) -> Any:
    storage.save(path, tree, **options)
    return storage.load(path, **options)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray | np.generic):
        return type(a) is type(b) and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, tuple | list):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return type(a) is type(b) and list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return type(a) is type(b) and (a == b or (a != a and b != b))


# --- what goes in comes out ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_layer_comes_back(case, dtype, path, rng):
    layer = case.init(n_x=3, n_a=5, rng=rng, dtype=dtype)
    found = again(layer, path)
    assert type(found) is type(layer)
    assert found == layer


def test_a_run_is_no_kind_of_the_packages_own(path, rng):
    """It would bring all its arrays along, and perhaps borrowed ones."""
    with pytest.raises(TypeError, match="name its kind in `kinds`"):
        storage.save(path, RNN.init(2, 3, rng).forward(np.zeros((4, 1, 2))))


@pytest.mark.parametrize("optimizer", [SGD(0.1, 0.9), RMSProp(0.01), Adam(0.01), AdamW(WarmUp(3, Cosine(0.1, 9)))])
def test_training_goes_on_as_if_nothing_had_happened(optimizer, path, rng):
    model = Deep((Embedding.init(7, 3, rng), LSTM.init(3, 5, rng), Dense.init(5, 2, rng)))
    x = rng.integers(0, 7, size=(4, 3))

    def loss(model: Any, k: int, noise: Any) -> Any:
        run = model.forward(x)
        da = run.a + noise.normal(size=run.a.shape)
        return float((run.a**2).sum()), model.backward(run, da).layer, noise

    whole = train(model, loss, optimizer, 6, carry=np.random.default_rng(3))
    half = train(model, loss, optimizer, 3, carry=np.random.default_rng(3))
    found = again({"done": half, "optimizer": optimizer}, path)
    assert found["optimizer"] == optimizer
    rest = train(
        found["done"].model, loss, found["optimizer"], 3, state=found["done"].state, start=3, carry=found["done"].carry
    )
    assert rest.model == whole.model
    assert rest.state == whole.state


TREES = [
    None,
    True,
    -(2**200),
    0.1,
    -0.0,
    float("inf"),
    float("nan"),
    "é\n\ud800\0",
    (),
    [],
    {},
    {"a": 1, 7: (1, [2.5, None, {"b": "c"}]), "a.b": False},
    {"a": {"b": np.ones(2)}, "a.b": np.zeros(2), "x\ud800": np.ones(1)},
    np.float32(1.5),
    np.int64(-3),
    np.bool_(True),
    np.array(3.0),
    np.ones((0, 3)),
    np.array([np.nan, -np.nan, np.inf, -0.0, 5e-324]),
    np.arange(6, dtype=np.uint8).reshape(2, 3).T,
    np.arange(9)[::-2],
    [np.ones(2, np.float16), np.ones(2, np.int8), np.ones(2, np.uint64), np.ones(2, bool)],
]


@pytest.mark.parametrize("tree", TREES, ids=[ascii(tree)[:30] for tree in TREES])
def test_every_tree_comes_back(tree, path):
    assert same(again(tree, path), tree)


def test_big_endian_numbers_come_back_as_numbers(path):
    found = again(np.arange(3, dtype=">f8"), path)
    assert found.dtype == np.dtype("=f8")
    assert found.tolist() == [0, 1, 2]


@pytest.mark.parametrize("bits", BITS)
def test_generators_go_on(bits, path):
    rng = np.random.Generator(getattr(np.random, bits)([5, 2**40]))
    rng.random(3), rng.integers(0, 9, 3, dtype=np.uint32), rng.spawn(2)
    found = again((rng, rng.bit_generator.state), path)
    fresh = np.random.Generator(getattr(np.random, bits)(0))
    fresh.bit_generator.state = found[1]
    numbers = rng.integers(0, 1 << 30, 2000, dtype=np.uint32)
    for other in (found[0], fresh):
        assert (other.integers(0, 1 << 30, 2000, dtype=np.uint32) == numbers).all()
    assert found[0].spawn(1)[0].random() == rng.spawn(1)[0].random()


def test_arrays_that_are_shared_are_stored_for_each(path):
    w = np.ones(3)
    found = again((w, w), path)
    found[0][:] = 2
    assert (found[1] == 1).all()


def test_the_file_is_one_that_others_read(path, rng):
    layer = RNN.init(2, 3, rng)
    storage.save(path, {"model": layer})
    arrays = load_file(path)
    assert arrays.keys() == {"tree.model.W", "tree.model.b"}
    assert (arrays["tree.model.W"] == layer.W).all()


def test_the_same_tree_makes_the_same_bytes(path, rng):
    tree = {f"k{k}": RNN.init(2, 3, rng) for k in range(9)}
    storage.save(path, tree)
    code = "import sys; from rnncourse import storage; storage.save(sys.argv[2], storage.load(sys.argv[1]))"
    other = path.with_name("other")
    subprocess.run([sys.executable, "-c", code, path, other], check=True)
    assert path.read_bytes() == other.read_bytes()


@dataclass(frozen=True, eq=False, repr=False)
class Mine(Record):
    array: Any
    number: int = 3


def test_kinds_of_ones_own(path):
    mine = Mine(np.ones(2), 4)
    with pytest.raises(TypeError, match=r"^tree\[0\]: expected .*, got Mine\(.*: name its kind in `kinds`"):
        storage.save(path, (mine,))
    storage.save(path, mine, kinds=[Mine])
    with pytest.raises(ValueError, match="tree: expected a known kind of record, got 'Mine': name it in `kinds`"):
        storage.load(path)
    assert storage.load(path, kinds=[Mine]) == mine
    with pytest.raises(TypeError, match="kinds: expected kinds of records, got "):
        storage.load(path, kinds=[int])
    with pytest.raises(ValueError, match="kinds: expected names of their own, got a second LSTM"):
        storage.load(path, kinds=[type("LSTM", (Record,), {})])


CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)


class OtherBits(np.random.PCG64):
    """A bit generator that `load` does not know."""


REFUSED = {
    "other bits": (
        np.random.Generator(OtherBits(0)),
        "tree: expected a generator on one of PCG64, .*got one on OtherBits",
    ),
    "complex": (
        np.ones(2, complex),
        "tree: expected an array of booleans, integers or real numbers, got dtype complex",
    ),
    "objects": (np.array([None]), "got dtype object"),
    "strings": (np.array(["a"]), "got dtype <U1"),
    "masked": (np.ma.ones(2), "got a masked array"),
    "a class": ([LSTM], r"tree\[0\]: expected .*, got ABCMeta"),
    "a function": ({"f": len}, r"tree\.f: expected"),
    "a set": ({1}, "tree: expected .*, got set"),
    "keys": ({(1, 2): 3}, "tree: expected keys of str or int, got tuple"),
    "True as a key": ({True: 3}, "tree: expected keys of str or int, got bool"),
    "RandomState": (np.random.RandomState(0), "tree: expected .*, got RandomState"),
    "a named tuple": (np.linalg.eigh(np.eye(2)), "tree: expected .*, got EighResult"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_stored_is_named(name, path):
    tree, message = REFUSED[name]
    with pytest.raises(TypeError, match=message):
        storage.save(path, tree)
    assert not list(path.parent.iterdir())


def test_what_is_too_deep_or_too_long_is_refused_when_it_is_saved(path):
    with pytest.raises(ValueError, match="expected a tree of at most 64 levels, got a deeper one, or a circle"):
        storage.save(path, CIRCLE)
    deep: Any = np.ones(1)
    for _ in range(64):
        deep = {"": (deep,)} if _ % 2 else [deep]
        if _ < 40:
            again(deep, path)
    with pytest.raises(ValueError, match=r"bytes besides its arrays, got .*: use arrays for numbers"):
        storage.save(path, [0.123456789] * 800_000)


# --- kills -----------------------------------------------------------------------------------------------------------

ENDLESS = """
import sys, time, numpy as np
from rnncourse import storage
k = int(sys.argv[2])
storage.save(sys.argv[1] + ".first", np.full(200_000, k))  # imports what it needs
start = time.perf_counter()
while True:
    storage.save(sys.argv[1], {"k": k, "w": np.full(100_000, k), "v": np.full(100_000, -k)})
    print(time.perf_counter() - start, flush=True) if k == int(sys.argv[2]) else None
    k += 1
"""


def killed_while_saving(path: Path, times: int) -> tuple[int, int]:
    """Kill a program that saves without end; return the number of the last save and that of kills that met one."""
    k, moved = 0, 0
    for kill in range(times):
        program = subprocess.Popen([sys.executable, "-c", ENDLESS, path, str(k)], stdout=subprocess.PIPE)
        assert program.stdout is not None
        seconds = float(program.stdout.readline())  # that a save takes on this machine now
        time.sleep(seconds * (kill * 0.618 % 1) * 4)
        program.kill()
        program.wait()
        program.stdout.close()
        tree = storage.load(path)
        assert tree["k"] >= k
        assert (tree["w"] == tree["k"]).all()
        assert (tree["v"] == -tree["k"]).all()
        moved += tree["k"] > k
        k = tree["k"]
    return k, moved


@pytest.mark.parametrize("times", [4, pytest.param(200, marks=pytest.mark.slow)])
def test_a_kill_loses_nothing_and_leaves_nothing(path, times):
    saves, moved = killed_while_saving(path, times)
    path.with_name(path.name + ".first").unlink()
    left = len(list(path.parent.iterdir())) - 1
    print(f"{times} kills, {moved} of them after a save or more, {saves} saves in all, {left} unfinished files")
    assert moved > times / 4
    assert left <= 1  # of the last kill, and rarely that: a program that goes on saving removes those before it
    storage.save(path, 1)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("what", ["fsync", "replace"])
@pytest.mark.parametrize("unnamed", [True, False])
def test_a_save_that_fails_leaves_the_old_file_alone(path, unnamed, what, monkeypatch):
    storage.save(path, 1)
    if not unnamed:
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, what, full)
    with pytest.raises(OSError, match="No space left"):
        storage.save(path, 2)
    monkeypatch.undo()
    assert storage.load(path) == 1
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_everything_is_on_the_disk_before_it_takes_the_place(path, monkeypatch):
    done: list[str] = []
    real = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: (done.append("fsync"), real[0](number)))
    monkeypatch.setattr(os, "replace", lambda *names: (done.append("replace"), real[1](*names)))
    storage.save(path, 1)
    assert done[:2] == ["fsync", "replace"]
    assert done[2:] == (["fsync"] if hasattr(os, "O_DIRECTORY") else [])


@pytest.mark.parametrize("unnamed", [True, False])
def test_systems_with_and_without_files_that_have_no_name(path, unnamed, monkeypatch):
    if not unnamed:
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    umask = os.umask(0o027)
    try:
        for k in range(3):
            assert again(k, path) == k
    finally:
        os.umask(umask)
    if sys.platform != "win32":
        assert path.stat().st_mode & 0o777 == 0o640
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_what_a_kill_left_is_removed_and_what_is_being_written_is_not(tmp_path):
    path = tmp_path / "a[1]*.st"
    old, busy = (tmp_path / f".{path.name}.{k * 16}.part" for k in "01")
    others = [tmp_path / ".a1.st.0000000000000000.part", tmp_path / f".{path.name}.part"]
    for file in (old, busy, *others):
        file.write_bytes(b"")
    with open(busy, "wb") as file:
        storage._lock(file)
        storage.save(path, 1)
    assert sorted(tmp_path.iterdir()) == sorted([path, busy, *others])
    storage.save(path, 1)
    assert sorted(tmp_path.iterdir()) == sorted([path, *others])


@pytest.mark.skipif(sys.platform == "win32", reason="needs symbolic links")
def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "there").mkdir()
    link = tmp_path / "link"
    link.symlink_to("there/file")
    storage.save(link, 1)
    assert link.is_symlink()
    assert storage.load(tmp_path / "there" / "file") == 1


def test_threads_that_save_to_one_place(path):
    wrong: list[Exception] = []

    def work(k: int) -> None:
        try:
            for _ in range(10):
                storage.save(path, np.full(1000, k))
                assert len(set(storage.load(path))) == 1
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert [file.name for file in path.parent.iterdir()] == [path.name]


# --- bad files -------------------------------------------------------------------------------------------------------


def refused(path: Path, match: str = "path: ") -> str:
    """Load a bad file: one ValueError that names it, and nothing large allocated."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=match) as error:
            storage.load(path)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
    assert str(error.value).startswith(f"path: expected a file that storage.save wrote, got {path}: ")
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.fixture
def whole(path: Path, rng: np.random.Generator) -> bytes:
    model = Deep((LSTM.init(2, 3, rng), Dense.init(3, 2, rng, dtype=np.float64)), dropout=0.25)
    storage.save(path, {"model": model, "state": Adam(0.1).init(model), "rng": rng, "loss": [0.5, float("nan")]})
    return path.read_bytes()


def test_a_thousand_flipped_bytes(path, whole, rng):
    head = int.from_bytes(whole[:8], "little") + 8
    places = [*range(16), *rng.integers(0, head, 600), *rng.integers(head, len(whole), 400)]
    for place in places:
        flip = int(rng.integers(1, 256))
        if whole[place] == ord(" ") and place > head - 8 and chr(whole[place] ^ flip).isspace():
            continue  # the format fills its head up with blanks, which mean nothing
        path.write_bytes(whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :])
        refused(path)
    assert len(places) > 1000


def test_a_bit_of_every_byte(path, rng):
    storage.save(path, RNN.init(1, 1, rng))
    whole = path.read_bytes()
    for place, bit in enumerate(rng.integers(0, 8, len(whole))):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << int(bit))]) + whole[place + 1 :])
        refused(path)


def test_truncations_and_tails(path, whole):
    for end in [*range(64), *range(64, len(whole), 29), len(whole) - 1]:
        path.write_bytes(whole[:end])
        refused(path)
    path.write_bytes(whole + b"\0")
    refused(path)


def foreign(path: Path, name: str) -> None:
    if name == "npz":
        with path.open("wb") as file:
            np.savez(file, W=np.ones(3))
    elif name == "pickle":
        path.write_bytes(
            b"\x80\x04\x95\x1f\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R."
        )
    elif name == "safetensors":
        save_file({"W": np.ones(3)}, path)
    elif name == "metadata":
        save_file({"W": np.ones(3)}, path, {"rnncourse": "no JSON"})
    else:
        path.write_bytes(
            {"empty": b"", "text": b"epoch,loss\n" * 99, "zeros": bytes(4096), "ones": b"\xff" * 4096}[name]
        )


@pytest.mark.parametrize("name", ["npz", "pickle", "safetensors", "metadata", "empty", "text", "zeros", "ones"])
def test_foreign_files(path, name):
    foreign(path, name)
    refused(path)


def test_oversized_files(path, whole):
    with pytest.raises(ValueError, match=f"it has {len(whole)} bytes, more than the limit of {len(whole) - 1}"):
        storage.load(path, limit=len(whole) - 1)
    storage.load(path, limit=len(whole))
    with path.open("r+b") as file:  # of holes: it takes no room
        file.truncate(1 << 33)
    refused(path, "more than the limit of 4294967296")
    # a head that tells of an array of 3 GB, in a file that has it, but for its checksum
    told = {"array": "tree", "dtype": "float64", "shape": [3 << 27], "crc32": "00000000"}
    header = json.dumps(
        {
            "__metadata__": {"rnncourse": storage._sealed(told)},
            "tree": {"dtype": "F64", "shape": [3 << 27], "data_offsets": [0, 8]},
        }
    )
    path.write_bytes(len(header).to_bytes(8, "little") + header.encode() + bytes(8))
    refused(path)
    path.write_bytes((1 << 40).to_bytes(8, "little") + header.encode() + bytes(8))
    refused(path, "its first eight bytes")


def test_no_file_and_no_regular_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        storage.load(tmp_path / "none")
    refused(tmp_path, "it is no regular file")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        refused(tmp_path / "pipe", "it is no regular file")


def hostile(path: Path, tree: Any, **arrays: np.ndarray) -> str:
    """A file with a true checksum, and a structure that `save` would not write."""
    save_file(arrays, path, {"rnncourse": storage._sealed(tree)})
    return refused(path)


def told(name: str, array: np.ndarray, word: str = "array") -> dict[str, Any]:
    crc = f"{zlib.crc32(array.tobytes()):08x}"
    return {word: name, "dtype": array.dtype.name, "shape": list(array.shape), "crc32": crc}


def test_hostile_structures(path):
    w = np.ones((2, 3))
    good = told("w", w)
    save_file({"w": w}, path, {"rnncourse": storage._sealed(good)})
    assert (storage.load(path) == w).all()
    for tree, message in [
        ({"tuple": [good, good]}, "its arrays are not those of its structure, each of them once"),
        ({"tuple": []}, "each of them once"),
        ({"tuple": [good, told("v", w)]}, "each of them once"),
        ({**good, "shape": [3, 2]}, r"w: expected float64\[3, 2\], got F64\[2, 3\]"),
        ({**good, "shape": [6]}, r"w: expected float64\[6\]"),
        ({**good, "dtype": "int64"}, r"w: expected int64\[2, 3\], got F64"),
        ({**good, "dtype": "object"}, "its structure is damaged"),
        ({**good, "crc32": "00000000"}, "w: its numbers do not have the checksum"),
        ({"array": "w"}, "its structure is damaged"),
        ({**good, "array": ["w"]}, "its structure is damaged"),
        ([good], "tree: expected a node, got a list"),
        ({"tuple": [good, {"call": "os.system"}]}, r"tree\[1\]: expected one of float, array, .*, got 'call'"),
        (
            {"tuple": [good, {"record": "Popen", "fields": []}]},
            r"tree\[1\]: expected a known kind of record, got 'Popen'",
        ),
        ({"tuple": [good, {"record": ["LSTM"], "fields": []}]}, "its structure is damaged"),
        ({"record": "LSTM", "fields": [["W", good]]}, "tree: .*missing 1 required"),
        ({"record": "RNN", "fields": [["W", good], ["b", 7]]}, "tree: b: expected a NumPy array, got int 7"),
        ({"record": "RNN", "fields": [["W", good], ["b", None], ["__class__", 7]]}, "tree: .*unexpected keyword"),
        ({"tuple": [good, {"dict": [[None, 1]]}]}, r"tree\[1\]: expected keys of str or int, got None"),
        ({"tuple": [good, {"dict": [[[1], 1]]}]}, r"tree\[1\]: expected keys"),
        ({"tuple": [good, {"dict": [3]}]}, "its structure is damaged"),
        ({"tuple": [good, {"float": "zero"}]}, "could not convert"),
        ({"tuple": [good, {}]}, "got None"),
    ]:
        save_file({"w": w}, path, {"rnncourse": storage._sealed(tree)})
        refused(path, message)


def test_other_versions_and_checksums(path):
    storage.save(path, 1)
    text = storage._sealed(1)
    for other, message in [
        (text.replace('"version": 1', '"version": 2'), "expected version 1 of the format, got 2"),
        (text.replace('"version": 1', '"version": 1.0'), "checksum"),
        (text.replace('"tree": 1', '"tree": 2'), "its structure does not have the checksum"),
        (text + " ", "its structure does not have the checksum"),
        ("[" * 100_000, "its structure is damaged"),
        ("[1]", "expected version 1 of the format, got None"),
        ('{"version": 1}', "checksum"),
        (text.replace('"tree": 1', f'"tree": 1{"0" * 5000}'), "digits"),
    ]:
        save_file({}, path, {"rnncourse": other})
        refused(path, message)


@pytest.mark.parametrize("bits", BITS)
def test_hostile_generators(bits, path):
    writer = storage._Writer({})
    rng = np.random.Generator(getattr(np.random, bits)(1))
    good = writer.encoded(rng, "tree")
    save_file(writer.arrays, path, {"rnncourse": storage._sealed(good)})
    storage.load(path)
    wrong: list[Any] = [-1, 10**6, 2**31, 2**200, 1.5, True, "0", None, {"list": []}, {"dict": []}]

    def edits(node: Any) -> Any:
        """Yield the tree with each of its numbers and words replaced by each wrong one."""
        for key, value in node["dict"]:
            if key in ("entropy", "spawn_key", "spawned"):  # any integers are seeds
                continue
            inner = value.get("dict") if isinstance(value, dict) else None
            for other in edits(value) if inner else [each for each in wrong if each != value]:
                yield {"dict": [[k, other if k == key else v] for k, v in node["dict"]]}

    count = 0
    for edit in edits(good["generator"]):
        kept = {entry["name"]: writer.arrays[entry["name"]] for entry in storage._arrays(edit)}
        save_file(kept, path, {"rnncourse": storage._sealed({"generator": edit})})
        try:
            found = storage.load(path)
        except ValueError:
            count += 1
        else:  # another state of the same form: it can be drawn from
            found.random(2000), found.integers(0, 9, 2000, dtype=np.uint32)
    assert count > 30
    short = {name: array[:-1] for name, array in writer.arrays.items()}
    if short:
        text = json.dumps(good)
        for name, array in writer.arrays.items():
            text = text.replace(json.dumps(told(name, array)), json.dumps(told(name, array[:-1])))
        hostile(path, json.loads(text), **short)


def test_nothing_is_read_before_the_arrays_are_checked(path, monkeypatch):
    storage.save(path, (np.ones(2), np.ones(3)))
    read: list[str] = []
    real = storage._Reader.array
    monkeypatch.setattr(storage._Reader, "array", lambda self, name, crc: (read.append(name), real(self, name, crc))[1])
    storage.load(path)
    assert len(read) == 2
    save_file(
        {"a": np.ones(2), "b": np.ones(3)},
        path,
        {"rnncourse": storage._sealed({"tuple": [told("a", np.ones(2)), told("b", np.ones(4))]})},
    )
    refused(path, "b: expected float64")
    assert len(read) == 2


def test_gradients_and_their_parts(path, rng):
    layer = LSTM.init(2, 3, rng)
    run = layer.forward(rng.normal(size=(4, 2, 2)))
    grads = layer.backward(run, run.a, inputs=False)
    found = again(grads, path)
    assert isinstance(found, Gradients)
    assert found == grads
    assert [name for name, _ in named_leaves(found)] == [name for name, _ in named_leaves(grads)]
    tree_map(np.add, found, grads)


def test_no_pickle():
    source = Path(storage.__file__).read_text("utf8")
    assert "import pickle" not in source
    assert "allow_pickle" not in source


def test_a_missing_library_is_named():
    code = "import sys; sys.modules['safetensors'] = None; from rnncourse import storage; storage.load('x')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 'rnncourse.storage needs safetensors: pip install "rnncourse[storage]"' in done.stderr
