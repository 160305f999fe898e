"""tree_map, named_leaves and what records do beyond the contract of the layers."""

import pickle
from dataclasses import dataclass, field

import numpy as np
import pytest

from rnncourse import RNN, Dense, Gradients, tree_map
from rnncourse.losses import Loss
from rnncourse.records import Record, named_leaves, private_copy, read_only


@dataclass(frozen=True, eq=False, repr=False)
class Pair(Record):
    first: object
    second: object = None


@dataclass(frozen=True, eq=False, repr=False)
class Derived(Record):
    """A record with a field that it computes itself."""

    given: np.ndarray
    doubled: np.ndarray = field(init=False, repr=False)

    def __post_init__(self):
        object.__setattr__(self, "doubled", 2 * self.given)
        super().__post_init__()


def layer(seed=0):
    return RNN.init(n_x=2, n_a=3, rng=np.random.default_rng(seed))


def test_tree_map_walks_every_container_and_keeps_the_rest():
    tree = {"a": (np.ones(2), [np.zeros(1), "text"]), "b": Pair(np.ones(1), 3), "c": None, "d": ()}
    found = tree_map(lambda v: v + 1, tree)
    assert found["a"][0].tolist() == [2, 2]
    assert found["a"][1][0].tolist() == [1]
    assert found["a"][1][1] == "text"
    assert found["b"] == Pair(np.array([2.0]), 3)
    assert (found["c"], found["d"]) == (None, ())
    assert type(found["a"]) is tuple
    assert type(found["a"][1]) is list


def test_tree_map_keeps_named_tuples():
    found = tree_map(np.negative, Loss(np.ones(1), np.ones(2)))
    assert type(found) is Loss
    assert found.dz.tolist() == [-1, -1]


def test_tree_map_takes_one_array_of_each_tree():
    a, b, c = (layer(seed) for seed in range(3))
    found = tree_map(lambda p, q, r: p + 2 * q - r, a, b, c)
    np.testing.assert_array_equal(found.W, a.W + 2 * b.W - c.W)
    assert found.activation == "tanh"


@pytest.mark.parametrize(
    ("tree", "other", "message"),
    [
        ((np.ones(1),), (np.ones(1), np.ones(1)), ": tuple of length 1, got tuple of length 2"),
        ((np.ones(1),), [np.ones(1)], ": tuple of length 1, got list of length 1"),
        ({"a": np.ones(1)}, {"b": np.ones(1)}, r": dict with keys \['a'\], got dict with keys \['b'\]"),
        (np.ones(1), 1.0, ": ndarray, got float"),
        (layer(), Dense(np.ones((1, 1)), np.ones(1)), ": RNN, got Dense"),
        (layer(), None, ": RNN, got NoneType"),
        ({"a": (np.ones(1),)}, {"a": ()}, ".a: tuple of length 1, got tuple of length 0"),
        ({"a": (layer(),)}, {"a": (None,)}, r".a\[0\]: RNN, got NoneType"),
        (Pair(np.ones(1), None), Pair(np.ones(1), np.ones(1)), ".second: NoneType, got ndarray"),
    ],
)
@pytest.mark.parametrize("match", [True, False])
def test_tree_map_refuses_trees_of_different_structure(tree, other, message, match):
    path, structure = message.split(": ")
    with pytest.raises(ValueError, match=rf"^trees\[1\]{path}: expected the structure of {structure}$"):
        tree_map(np.add, tree, tree, other, match=match)


@pytest.mark.parametrize(
    ("tree", "other", "error", "message"),
    [
        (np.ones(3), np.ones((6, 3)), ValueError, r": expected shape \(3,\), as tree has, got \(6, 3\)"),
        (
            {"head": (np.ones((1, 4)),)},
            {"head": (np.ones((3, 4)),)},
            ValueError,
            r"\.head\[0\]: expected shape \(1, 4\), as tree\.head\[0\] has, got \(3, 4\)",
        ),
        ([np.ones(2, "f4")], [np.ones(2)], TypeError, r"\[0\]: expected dtype float32, as tree\[0\] has, got float64"),
        (Pair(np.ones(2)), Pair(np.ones(2, int)), TypeError, r"\.first: expected dtype float64, .* got int64"),
        (layer(), RNN(layer().W, layer().b, "relu"), ValueError, r"\.activation: expected 'tanh', .* got 'relu'"),
        (
            (np.ones(2),),
            (np.ma.masked_array(np.ones(2)),),
            TypeError,
            r"\[0\]: expected a plain NumPy array, got a masked",
        ),
    ],
)
def test_tree_map_names_the_leaf_that_does_not_fit(tree, other, error, message):
    with pytest.raises(error, match=rf"^trees\[0\]{message}"):
        tree_map(np.add, tree, other)


def test_tree_map_without_match_lets_shapes_dtypes_and_settings_differ():
    found = tree_map(
        np.add, (np.ones(3), layer()), (np.ones((6, 3), "f4"), RNN(layer().W, layer().b, "relu")), match=False
    )
    assert found[0].shape == (6, 3)
    assert found[1].activation == "tanh"


def test_tree_map_takes_byte_order_for_what_it_is_and_masked_arrays_for_none():
    assert tree_map(np.add, np.ones(2), np.ones(2, ">f8")).tolist() == [2, 2]
    with pytest.raises(TypeError, match=r"^tree\.a: expected a plain NumPy array, got a masked array"):
        tree_map(np.negative, {"a": np.ma.masked_array(np.ones(2))})


def test_tree_map_hands_on_matrices_as_arrays_and_keeps_arrays_of_no_axes():
    square = tree_map(lambda v: v * v, (np.array([[1.0, 2.0], [3.0, 4.0]]).view(np.matrix), np.array(3.0)))
    assert type(square[0]) is np.ndarray
    assert square[0].tolist() == [[1, 4], [9, 16]]
    assert type(square[1]) is np.ndarray
    assert square[1] == 9


def test_tree_map_takes_any_kind_of_array():
    tree_map(np.add, (np.ones(2),), (np.ones(2).view(np.recarray),))


def test_named_leaves_gives_paths_in_the_order_of_tree_map():
    tree = Gradients(np.ones(1), (np.ones(2), (np.ones(3),)), {"head": layer(), "rest": [np.ones(4), "no array"]})
    leaves = list(named_leaves(tree))
    paths = ["x", "state[0]", "state[1][0]", "layer.head.W", "layer.head.b", "layer.rest[0]"]
    assert [path for path, _ in leaves] == paths
    seen = []
    tree_map(lambda array: (seen.append(array), array)[1], tree)
    assert all(a is b for a, (_, b) in zip(seen, leaves, strict=True))
    assert [path for path, _ in named_leaves((np.ones(1),), "final")] == ["final[0]"]
    assert [path for path, _ in named_leaves(np.ones(1), "x")] == ["x"]


@pytest.mark.parametrize(
    "other",
    [
        Pair(np.array([1.0, 2.0]), "a"),
        Pair(np.array([1.0]), "b"),
        Pair(np.array([1], int), "a"),
        Pair(np.array([[1.0]]), "a"),
        Pair((np.array([1.0]),), "a"),
        Pair(1.0, "a"),
        Pair(None, "a"),
        (np.array([1.0]), "a"),
    ],
)
def test_records_that_differ_in_anything_are_not_equal(other):
    assert Pair(np.array([1.0]), "a") != other


def test_equality_looks_into_tuples_and_takes_nan_for_nan():
    assert Pair((np.array([np.nan]), (np.array([1]),)), 2) == Pair((np.array([np.nan]), (np.array([1]),)), 2)
    assert Pair((np.ones(1),)) != Pair((np.ones(1), np.ones(1)))
    assert Pair(np.array(["a"])) == Pair(np.array(["a"]))
    assert Pair(1) != Pair(1.0)


def test_repr_shows_dtypes_and_sizes():
    assert repr(Pair((np.ones((2, 3)), ()), "a")) == "Pair(first=(float64[2, 3], ()), second='a')"
    assert repr(Pair((np.ones(1, np.float32),))) == "Pair(first=(float32[1],))"


def test_views_and_copies_are_read_only_and_the_original_is_not():
    array = np.ones((2, 3))
    view, copy = read_only(array), private_copy(array.T.astype(">f4"))
    array[0, 0] = 5
    assert view[0, 0] == 5
    assert copy[0, 0] == 1
    assert copy.dtype == np.float32
    assert copy.flags.c_contiguous
    for protected in (view, copy):
        with pytest.raises(ValueError, match="read-only"):
            protected[0, 0] = 1
    with pytest.raises(ValueError, match="WRITEABLE"):
        copy.flags.writeable = True


def test_fields_that_are_computed_are_no_leaves_and_come_back():
    record = Derived(np.ones(2))
    assert [path for path, _ in named_leaves(record)] == ["given"]
    assert repr(record) == "Derived(given=float64[2])"
    assert pickle.loads(pickle.dumps(record)) == record
    assert tree_map(lambda v: v + 1, record).doubled.tolist() == [4, 4]
