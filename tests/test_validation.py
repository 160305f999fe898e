"""What the contract does not reach of _validation: the checks for their own sake."""

import numpy as np
import pytest

from rnncourse import RNN, Deep
from rnncourse import _validation as validate


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        (3, "int 3"),
        ("word", "str 'word'"),
        ([1.0, 2.0], "list [1.0, 2.0]"),
        (np.ones((2, 3), np.float32), "an array of shape (2, 3) and dtype float32"),
    ],
)
def test_describe_names_the_kind_and_the_value(value, text):
    assert validate.describe(value) == text


def test_describe_says_the_kind_of_a_record_once_and_that_it_was_cut():
    layer = Deep((RNN.init(4, 4, np.random.default_rng(0)),) * 4)
    text = validate.describe(layer)
    assert text.startswith("Deep(layers=(RNN(")
    assert text.endswith("...")


def test_describe_is_short():
    assert len(validate.describe(list(range(10_000)))) < 80
    assert len(validate.describe("x" * 10_000)) < 80


@pytest.mark.parametrize(
    ("shape", "symbols", "expected", "message"),
    [
        ((7, 3, 5), "(T, B, n_x)", (None, None, 4), "x: expected shape (T, B, n_x) = (T, B, 4), got (7, 3, 5)"),
        ((7, 3), "(T, B, n_x)", (None, None, None), "x: expected shape (T, B, n_x), got (7, 3)"),
        ((3,), "(n_a,)", (2,), "x: expected shape (n_a,) = (2,), got (3,)"),
        ((), "(n_a,)", (2,), "x: expected shape (n_a,) = (2,), got ()"),
        ((3, 2), "(2, 3)", (2, 3), "x: expected shape (2, 3), got (3, 2)"),
    ],
)
def test_shapes_are_told_in_symbols_and_numbers(shape, symbols, expected, message):
    with pytest.raises(ValueError) as raised:
        validate.shape("x", np.ones(shape), symbols, expected)
    assert str(raised.value) == message


def test_shapes_that_fit_pass():
    validate.shape("x", np.ones((7, 3, 4)), "(T, B, n_x)", (None, 3, 4))
    validate.shape("x", np.ones(()), "()", ())


@pytest.mark.parametrize("value", [1, 10**30, np.int8(3), np.uint64(7)])
def test_sizes_are_python_integers(value):
    assert type(validate.size("n", value)) is int
    assert validate.size("n", value) == value


@pytest.mark.parametrize("value", [np.True_, False, 1.0, np.float64(1), "1", None, [1], np.array(1)])
def test_what_is_no_integer_is_no_size(value):
    with pytest.raises(TypeError, match=r"^n: expected an integer of at least 1, got "):
        validate.size("n", value)


@pytest.mark.parametrize("value", [1, 0.5, np.float32(0.5), np.int64(2)])
def test_positive_takes_numbers(value):
    assert validate.positive("rate", value) == float(value)
    assert type(validate.positive("rate", value)) is float


def test_positive_may_allow_zero_and_have_a_limit():
    assert validate.positive("rate", 0, zero=True, below=1) == 0
    for value, options in ((0, {}), (-1, {"zero": True}), (1, {"below": 1}), (np.inf, {}), (np.nan, {"zero": True})):
        with pytest.raises(ValueError, match=r"^rate: expected a number (above|of at least) 0.*, got "):
            validate.positive("rate", value, **options)
    for value in (True, "1", None, 1j, np.array(1.0)):
        with pytest.raises(TypeError, match=r"^rate: expected a number above 0, got "):
            validate.positive("rate", value)


def test_numbers_are_native_plain_arrays_without_copies_where_possible():
    array = np.ones((2, 3))
    assert validate.numbers("x", array, "float64") is array
    assert validate.numbers("x", array.astype(">f8"), "float64").dtype == np.dtype("=f8")
    subclass = array.view(np.recarray)
    assert type(validate.numbers("x", subclass, "float64")) is np.ndarray
    assert np.shares_memory(validate.numbers("x", subclass, "float64"), array)
    assert validate.numbers("x", array > 0, "float32", allow_ints=True).dtype == np.float32


def test_lengths_are_private_and_read_only():
    given = np.array([1, 2])
    found = validate.lengths(given, 3, 2)
    given[0] = 3
    assert found.tolist() == [1, 2]
    assert not found.flags.writeable
    assert validate.lengths([], 3, 0).tolist() == []
    assert validate.lengths(None, 3, 2) is None


def test_masks_pass_or_are_none():
    mask = np.array([True, False])
    assert validate.mask(mask, (2,)) is mask
    assert validate.mask(None, (2,)) is None


def test_precisions_have_names():
    kinds = {"f4": "float32", ">f8": "float64", "c8": "float32", ">c16": "float64", "f2": None, "i8": None, "O": None}
    assert {kind: validate.precision(np.zeros(1, kind)) for kind in kinds} == kinds
