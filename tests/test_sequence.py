"""Named views, from_gates, and the parts that recurrent layers share."""

import numpy as np
import pytest

from rnncourse import LSTM, RNN
from rnncourse.layers.recurrent import RecurrentLayer
from rnncourse.layers.sequence import keep, valid_steps

W_AA, W_AX, B_A = np.arange(9.0).reshape(3, 3), np.arange(6.0).reshape(3, 2) + 10, np.arange(3.0) + 20


def test_views_show_the_blocks_by_the_names_of_the_book():
    layer = RNN(np.hstack([W_AA, W_AX]), B_A)
    for name, block in {"W_a": layer.W, "W_aa": W_AA, "W_ax": W_AX, "b_a": B_A}.items():
        np.testing.assert_array_equal(getattr(layer, name), block)
        assert name in dir(layer)
    assert (layer.n_x, layer.n_a, layer.n_out, layer.dtype, layer.precision) == (2, 3, 3, np.float64, "float64")


@pytest.mark.parametrize("name", ["W_", "W_b", "W_ay", "W_aaa", "b_ax", "b_", "c_a", "nothing"])
def test_other_names_are_unknown(name):
    layer = RNN(np.hstack([W_AA, W_AX]), B_A)
    with pytest.raises(AttributeError, match=f"RNN.*{name}"):
        getattr(layer, name)


class TwoBlocks(RecurrentLayer):
    """A layer of two blocks, to see that the shared parts count them."""

    state_letters = ("c",)
    quantities = ()
    cell_forward = cell_backward = None  # it is not run

    @classmethod
    def block_names(cls, **options):
        return ("u", "r")

    def __init__(self, W, b):
        object.__setattr__(self, "W", W)
        object.__setattr__(self, "b", b)
        self._check_parameters()


def test_blocks_are_stacked_in_their_order():
    rng = np.random.default_rng(0)
    parts = {"W_uc": (3, 3), "W_ux": (3, 2), "W_r": (3, 5), "b_u": (3,), "b_r": (3,)}
    parts = {name: rng.standard_normal(shape) for name, shape in parts.items()}
    layer = TwoBlocks.from_gates(**parts)
    assert (layer.n_x, layer.n_a) == (2, 3)
    for name, part in parts.items():
        np.testing.assert_array_equal(getattr(layer, name), part)
    np.testing.assert_array_equal(layer.W_u, np.hstack([parts["W_uc"], parts["W_ux"]]))
    np.testing.assert_array_equal(layer.W_rc, parts["W_r"][:, :3])


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((5, 5), (5,)), r"^W: expected shape \(2·n_a, n_a \+ n_x\).*got \(5, 5\)"),
        (((4, 2), (4,)), r"^W: expected shape .*got \(4, 2\)"),
        (((4, 5), (2,)), r"^b: expected shape \(2·n_a,\) = \(4,\), got \(2,\)"),
    ],
)
def test_the_number_of_rows_fits_the_number_of_blocks(shapes, message):
    with pytest.raises(ValueError, match=message):
        TwoBlocks(*map(np.ones, shapes))


@pytest.mark.parametrize("shape", [(3, 3), (3, 2), (0, 2), (5,), (), (1, 3, 5)])
def test_a_single_block_has_a_row_a_unit_and_more_columns_than_rows(shape):
    with pytest.raises(ValueError, match=r"^W: expected shape \(n_a, n_a \+ n_x\) with n_a, n_x ≥ 1, got \("):
        RNN(np.ones(shape), np.ones(shape[:1]))


def test_a_state_that_does_not_fit_is_told_by_the_name_of_its_part():
    rng, x = np.random.default_rng(0), np.ones((4, 5, 2))
    rnn, lstm, good, bad = RNN.init(2, 3, rng), LSTM.init(2, 3, rng), np.zeros((5, 3)), np.zeros((5, 4))
    with pytest.raises(ValueError, match=r"^state: expected shape \(B, n_a\) = \(5, 3\), got \(5, 4\)$"):
        rnn.forward(x, bad)
    with pytest.raises(ValueError, match=r"^state\[1\]: expected shape \(B, n_a\) = \(5, 3\), got \(5, 4\)$"):
        lstm.forward(x, (good, bad))
    with pytest.raises(TypeError, match=r"^state: expected a tuple \(a, c\) of arrays, got .*\(5, 3\)"):
        lstm.forward(x, good)


def test_from_gates_takes_either_form_and_options():
    whole = RNN(np.hstack([W_AA, W_AX]), B_A, "relu")
    assert RNN.from_gates(W_aa=W_AA, W_ax=W_AX, b_a=B_A, activation="relu") == whole
    assert RNN.from_gates(W_a=whole.W, b_a=B_A, activation="relu") == whole


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"W_aa": W_AX, "W_ax": W_AA},
            ValueError,
            r"W_aa, W_ax: expected shapes \(n_a, n_a\).*got \(3, 2\) and \(3, 3\)",
        ),
        ({"W_ax": W_AX[:2]}, ValueError, r"W_aa, W_ax: expected .*got \(3, 3\) and \(2, 2\)"),
        ({"W_ax": B_A}, ValueError, r"W_aa, W_ax: expected .*got \(3, 3\) and \(3,\)"),
        ({"W_aa": np.array(1.0)}, ValueError, r"W_aa, W_ax: expected .*got \(\) and \(3, 2\)"),
        ({"W_aa": W_AA.astype(np.float32)}, TypeError, "W_ax: expected dtype float32, as W_aa has, got float64"),
        ({"W_ax": W_AX.astype(int)}, TypeError, "W_ax: expected dtype float32 or float64, got int64"),
        ({"b_a": B_A.astype(np.float32)}, TypeError, "b_a: expected dtype float64, as W_a has, got float32"),
        ({"W_aa": W_AA.tolist()}, TypeError, "W_aa: expected a NumPy array, got list"),
        ({"b_a": None}, TypeError, "b_a: expected a NumPy array, got None"),
        ({"b_a": W_AA}, ValueError, r"b_a: expected shape \(n_a,\), got \(3, 3\)$"),
        ({"b_a": B_A[:2]}, ValueError, r"b: expected shape \(n_a,\) = \(3,\), got \(2,\)"),
    ],
)
def test_from_gates_refuses_blocks_that_do_not_fit(changes, error, message):
    with pytest.raises(error, match=f"^{message}"):
        RNN.from_gates(**{"W_aa": W_AA, "W_ax": W_AX, "b_a": B_A} | changes)


@pytest.mark.parametrize("missing", ["W_aa", "W_ax", "b_a"])
def test_from_gates_says_which_block_is_missing(missing):
    given = {"W_aa": W_AA, "W_ax": W_AX, "b_a": B_A}
    del given[missing]
    with pytest.raises(TypeError, match=f"^{missing[:3]}: expected an array for each of the blocks a, got none"):
        RNN.from_gates(**given)


def test_from_gates_refuses_blocks_of_different_shapes_and_unknown_names():
    ones = np.ones
    with pytest.raises(ValueError, match=r"^W_u, W_r: expected arrays of one shape, got \(3, 5\), \(3, 4\)"):
        TwoBlocks.from_gates(W_u=ones((3, 5)), W_r=ones((3, 4)), b_u=ones(3), b_r=ones(3))
    with pytest.raises(TypeError, match="W_q"):
        RNN.from_gates(W_aa=W_AA, W_ax=W_AX, b_a=B_A, W_q=B_A)


def test_valid_steps_are_those_before_the_end():
    found = valid_steps(np.array([2, 0, 3]), 3)
    assert found.shape == (3, 3, 1)
    assert found[:, :, 0].T.tolist() == [[True, True, False], [False] * 3, [True] * 3]
    assert valid_steps(None, 3) is None
    assert valid_steps(np.array([3, 3]), 3) is None
    assert valid_steps(np.array([], int), 3) is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_keep_selects_and_never_multiplies(dtype):
    valid, new, old = np.array([[True], [False]]), np.array([[1], [np.nan]], dtype), np.array([[np.nan], [2]], dtype)
    assert keep(valid, new, old).tolist() == [[1], [2]]
    assert keep(valid, new).tolist() == [[1], [0]]
    assert keep(valid, new).dtype == keep(valid, new, old).dtype == dtype
    assert keep(None, new) is new
