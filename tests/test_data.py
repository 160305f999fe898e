"""The data: as published, in their proportions, and refused when they are not what they should be."""

import sys
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from rnncourse import LSTM
from rnncourse.data import (
    AGREEMENT_WORDS,
    ELMAN_CODES,
    Characters,
    agreement,
    buckets,
    digits,
    elman_letters,
    gaps,
    mask,
    one_hot,
    pad,
    right_padded,
    splits,
    streams,
    sunspots,
    temporal_xor,
    windows,
)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_the_codes_are_those_of_elman_1990_table_1():
    features = {  # consonant, vowel, interrupted, high, back, voiced
        "consonant": "bdg",
        "vowel": "aiu",
        "interrupted": "bdg",
        "high": "diu",
        "back": "gau",
        "voiced": "bdgaiu",
    }
    for letter, code in ELMAN_CODES.items():
        assert code == tuple(int(letter in letters) for letters in features.values()), letter
    assert len(set(ELMAN_CODES.values())) == len(ELMAN_CODES) == 6


def test_each_consonant_is_followed_by_its_own_vowels():
    text = elman_letters(500, rng())
    assert text.replace("guuu", "").replace("dii", "").replace("ba", "") == ""
    counts = Counter(text)
    assert counts["b"] + counts["d"] + counts["g"] == 500
    assert (counts["a"], counts["i"], counts["u"]) == (counts["b"], 2 * counts["d"], 3 * counts["g"])


def test_consonants_are_equally_frequent_and_independent():
    text = elman_letters(9000, rng())
    drawn = [c for c in text if c in "bdg"]
    for letter in "bdg":
        assert abs(drawn.count(letter) - 3000) < 5 * np.sqrt(9000 * 2 / 9)
    pairs = Counter(pairwise(drawn))
    assert len(pairs) == 9
    assert all(abs(n - 1000) < 5 * np.sqrt(9000 * 8 / 81) for n in pairs.values())


def test_every_third_bit_is_the_exclusive_or_of_the_two_before():
    bits = temporal_xor(2000, rng())
    assert bits.shape == (6000,)
    first, second, third = bits.reshape(-1, 3).T
    np.testing.assert_array_equal(third, first ^ second)
    counts = Counter(zip(first.tolist(), second.tolist(), strict=True))
    assert set(counts) == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert all(abs(n - 500) < 5 * np.sqrt(2000 * 3 / 16) for n in counts.values())


@pytest.mark.parametrize("make", [elman_letters, temporal_xor])
def test_generated_data_depend_on_the_generator_alone(make):
    same, again, other = (make(50, rng(seed)) for seed in (1, 1, 2))
    assert list(same) == list(again) != list(other)
    assert len(make(0, rng())) == 0


@pytest.mark.parametrize(("make", "name"), [(elman_letters, "n_consonants"), (temporal_xor, "n_triples")])
def test_bad_sizes_and_generators_are_refused_by_name(make, name):
    with pytest.raises(ValueError, match=f"^{name}: expected an integer of at least 0, got -1"):
        make(-1, rng())
    for bad in (None, 2.5, "3", True):
        with pytest.raises(TypeError, match=f"^{name}: expected an integer"):
            make(bad, rng())
    for bad in (None, 0, np.random):
        with pytest.raises(TypeError, match=r"^rng: expected a numpy\.random\.Generator"):
            make(3, bad)


NOUNS = {noun: verb for word in ("cat", "dog", "bird") for noun, verb in ((word, 0), (word + "s", 1))}
KINDS = {"the": "the"} | dict.fromkeys(NOUNS, "noun")
KINDS |= dict.fromkeys(("near", "behind", "above"), "preposition")
KINDS |= dict.fromkeys(("often", "still", "really"), "adverb")


def sentences(data):
    return [[AGREEMENT_WORDS[word] for word in column] for column in data.words.T]


@pytest.mark.parametrize("distance", [0, 1, 2, 3, 4, 8, 30])
def test_the_verb_agrees_with_the_noun_that_stands_the_distance_before_it(distance):
    data = agreement(60, distance, rng())
    assert data.words.shape == (distance + 2, 60)
    assert data.verbs.shape == (60,)
    phrases, adverbs = divmod(distance, 3)
    grammar = ["the", "noun"] + ["preposition", "the", "noun"] * phrases + ["adverb"] * adverbs
    for words, verb in zip(sentences(data), data.verbs, strict=True):
        assert [KINDS[word] for word in words] == grammar
        assert NOUNS[words[-1 - distance]] == verb  # before the verb stand `distance` words, then the noun


def test_the_words_of_agreement_are_all_used_and_used_equally():
    assert set(KINDS) == set(AGREEMENT_WORDS)
    assert len(AGREEMENT_WORDS) == 13
    counts = Counter(word for words in sentences(agreement(4000, 5, rng())) for word in words)
    for kind, share in {"noun": 8000 / 6, "preposition": 4000 / 3, "adverb": 8000 / 3}.items():
        assert all(abs(counts[word] - share) < 5 * np.sqrt(share) for word, own in KINDS.items() if own == kind)


def test_only_the_first_noun_tells_the_verb():
    data = agreement(4000, 6, rng())
    for place in (1, 4, 7):
        plural = np.array([NOUNS[words[place]] for words in sentences(data)])
        right = (plural == data.verbs).mean()
        assert right == 1 if place == 1 else abs(right - 0.5) < 5 * np.sqrt(0.25 / 4000)


def test_agreement_depends_on_the_generator_alone_and_refuses_bad_arguments():
    same, again, other = (agreement(50, 7, rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(same.words, again.words)
    assert (same.words != other.words).any()
    assert agreement(0, 3, rng()).words.shape == (5, 0)
    for arguments, name in (((-1, 3), "n_sentences"), ((3, -1), "distance")):
        with pytest.raises(ValueError, match=f"^{name}: expected an integer of at least 0, got -1"):
            agreement(*arguments, rng())
    for arguments, name in (((2.5, 3), "n_sentences"), ((3, "3"), "distance")):
        with pytest.raises(TypeError, match=f"^{name}: expected an integer"):
            agreement(*arguments, rng())
    with pytest.raises(TypeError, match=r"^rng: expected a numpy\.random\.Generator"):
        agreement(3, 3, None)


def test_the_sunspots_are_the_309_years_from_1700_to_2008():
    pytest.importorskip("statsmodels")
    years, counts = sunspots()
    np.testing.assert_array_equal(years, np.arange(1700, 2009))
    assert counts.shape == (309,)
    assert (years.dtype, counts.dtype) == (np.int64, np.float64)
    by_year = dict(zip(years.tolist(), counts.tolist(), strict=True))
    assert (by_year[1700], by_year[1957], by_year[2008]) == (5.0, 190.2, 2.9)
    assert counts.argmax() == 1957 - 1700
    assert counts.min() == 0
    assert counts.mean() == pytest.approx(49.752, abs=1e-3)
    spectrum = np.abs(np.fft.rfft(counts - counts.mean()))
    assert 309 / spectrum.argmax() == pytest.approx(11, abs=0.3)  # the cycle of eleven years


def test_a_missing_statsmodels_is_an_import_error_that_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "statsmodels", None)
    monkeypatch.setitem(sys.modules, "statsmodels.datasets", None)
    with pytest.raises(ImportError, match=r'^sunspots needs statsmodels: pip install "rnncourse\[data\]"$'):
        sunspots()


@pytest.mark.parametrize("shape", [(), (0,), (4,), (3, 2), (2, 0, 3)])
@pytest.mark.parametrize("kind", [np.int64, np.uint8, ">i4"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_hot_has_a_single_one_at_the_class(shape, kind, dtype):
    classes = np.asarray(rng().integers(0, 5, shape)).astype(kind)
    vectors = one_hot(classes, 5, dtype)
    assert vectors.shape == (*shape, 5)
    assert vectors.dtype == dtype
    assert set(np.unique(vectors)) <= {0, 1}
    np.testing.assert_array_equal(vectors.sum(axis=-1), np.ones(shape))
    np.testing.assert_array_equal(vectors.argmax(axis=-1), classes)


@pytest.mark.parametrize(
    ("classes", "n", "error", "message"),
    [
        (np.array([0, 3]), 3, ValueError, "classes: expected integers from 0 to 2, got 0 to 3"),
        (np.array([-1, 1]), 3, ValueError, "classes: expected integers from 0 to 2, got -1 to 1"),
        (np.array([0.0]), 3, TypeError, "classes: expected integers, got dtype float64"),
        (np.array([True]), 3, TypeError, "classes: expected integers, got dtype bool"),
        ([0, 1], 3, TypeError, "classes: expected a NumPy array, got list"),
        (None, 3, TypeError, "classes: expected a NumPy array, got None"),
        (np.array([0]), 0, ValueError, "n: expected an integer of at least 1, got 0"),
        (np.array([0]), 2.0, TypeError, "n: expected an integer"),
    ],
)
def test_one_hot_refuses_what_is_no_class(classes, n, error, message):
    with pytest.raises(error, match=f"^{message}"):
        one_hot(classes, n)


def test_one_hot_refuses_other_dtypes():
    with pytest.raises(TypeError, match=r"^dtype: expected float32 or float64, got int64"):
        one_hot(np.array([0]), 2, np.int64)


@pytest.mark.parametrize("text", ["hello", "a", "Γ̃ ⊙ c̃\n\0", "ß日本🙂", "  "])
def test_characters_round_trip(text):
    characters = Characters.of(text)
    assert list(characters.alphabet) == sorted(set(text))
    assert len(characters) == len(set(text))
    numbers = characters.encode(text)
    assert numbers.dtype == np.int64
    assert characters.decode(numbers) == text
    assert characters.decode(characters.encode("")) == ""
    assert characters.decode(numbers.astype(np.uint8)) == text


def test_characters_keep_the_order_of_the_alphabet_given():
    assert Characters("cab").encode("abc").tolist() == [1, 2, 0]
    assert Characters("cab") == Characters("cab") != Characters("abc")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Characters(""), ValueError, "alphabet: expected each character once, and at least one, got ''"),
        (lambda: Characters.of(""), ValueError, "alphabet: expected .* got ''"),
        (lambda: Characters("abca"), ValueError, "alphabet: expected each character once.* got 'abca'"),
        (lambda: Characters(["a"]), TypeError, "alphabet: expected a string, got list"),
        (lambda: Characters.of(5), TypeError, "text: expected a string, got int 5"),
        (lambda: Characters("ab").encode("abz"), ValueError, "text: expected characters of the alphabet 'ab', got 'z'"),
        (lambda: Characters("ab").encode(["a"]), TypeError, "text: expected a string, got list"),
        (lambda: Characters("ab").encode(None), TypeError, "text: expected a string, got None"),
        (lambda: Characters("ab").decode(np.array([2])), ValueError, "classes: expected integers from 0 to 1, got 2"),
        (lambda: Characters("ab").decode(np.array([-1])), ValueError, "classes: expected integers from 0 to 1"),
        (lambda: Characters("ab").decode(np.array([[0]])), ValueError, r"classes: expected shape \(T,\), got \(1, 1\)"),
        (lambda: Characters("ab").decode(np.array([0.0])), TypeError, "classes: expected integers, got dtype float64"),
        (lambda: Characters("ab").decode([0]), TypeError, "classes: expected a NumPy array, got list"),
    ],
)
def test_characters_refuse_what_they_do_not_know(call, error, message):
    with pytest.raises(error, match=f"^{message}"):
        call()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, bool])
@pytest.mark.parametrize("tail", [(), (3,), (1,)])
@pytest.mark.parametrize("sizes", [[4, 0, 7, 1], [5], [0, 0], [2, 2]])
def test_pad_keeps_each_sequence_and_puts_zeros_behind_it(dtype, tail, sizes):
    draw = rng()
    given = [draw.integers(1, 9, (n, *tail)).astype(dtype) for n in sizes]
    x, lengths = pad(given)
    assert x.shape == (max(sizes), len(sizes), *tail)
    assert x.dtype == dtype
    assert lengths.tolist() == sizes
    assert lengths.dtype.kind == "i"
    for k, sequence in enumerate(given):
        np.testing.assert_array_equal(x[: sizes[k], k], sequence)
        assert not x[sizes[k] :, k].any()
    assert pad(tuple(given)).x.tolist() == x.tolist()


def test_a_layer_reads_a_padded_batch_as_it_reads_each_sequence():
    draw = rng()
    layer, given = LSTM.init(2, 3, draw), [draw.standard_normal((n, 2)) for n in (4, 1, 6)]
    x, lengths = pad(given)
    run = layer.forward(x, lengths=lengths)
    for k, sequence in enumerate(given):
        alone = layer.forward(sequence[:, None])
        np.testing.assert_allclose(run.final[0][k], alone.final[0][0], atol=1e-14)
        np.testing.assert_allclose(run.a[: len(sequence), k], alone.a[:, 0], atol=1e-14)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ([], ValueError, "sequences: expected at least one, got none"),
        (np.ones((3, 2)), TypeError, "sequences: expected a list of arrays, got an array"),
        (None, TypeError, "sequences: expected a list of arrays, got None"),
        ([[1.0, 2.0]], TypeError, r"sequences\[0\]: expected a NumPy array, got list"),
        (
            [np.ones(2), np.ma.masked_array([1.0])],
            TypeError,
            r"sequences\[1\]: expected a plain NumPy array, got a mask",
        ),
        ([np.array(1.0)], ValueError, r"sequences\[0\]: expected shape \(T, n\) or \(T,\), got \(\)"),
        ([np.ones((2, 3, 4))], ValueError, r"sequences\[0\]: expected shape .* got \(2, 3, 4\)"),
        ([np.ones((2, 3)), np.ones((2, 4))], ValueError, r"sequences\[1\]: expected shape \(T, 3\), .* got \(2, 4\)"),
        ([np.ones((2, 3)), np.ones(2)], ValueError, r"sequences\[1\]: expected shape \(T, 3\), .* got \(2,\)"),
        ([np.ones(2), np.ones((2, 3))], ValueError, r"sequences\[1\]: expected shape \(T,\), .* got \(2, 3\)"),
        ([np.ones(2), np.ones(2, "f4")], TypeError, r"sequences\[1\]: expected dtype float64, .* got float32"),
    ],
)
def test_sequences_that_do_not_go_together_are_refused_by_place(given, error, message):
    with pytest.raises(error, match=f"^{message}"):
        pad(given)


@pytest.mark.parametrize("tail", [(), (3,), (2, 2)])
def test_left_padding_turns_right_whatever_stands_in_it(tail):
    draw = rng()
    sizes = [4, 0, 7, 1]
    x = np.full((7, 4, *tail), np.nan)
    expected = np.zeros((7, 4, *tail))
    for k, n in enumerate(sizes):
        x[7 - n :, k] = expected[:n, k] = draw.standard_normal((n, *tail))
    np.testing.assert_array_equal(right_padded(x, sizes), expected)
    assert right_padded(np.ones((7, 4, *tail), np.int8), sizes).dtype == np.int8


@pytest.mark.parametrize(
    ("x", "lengths", "error", "message"),
    [
        ([[1]], [1], TypeError, "x: expected a NumPy array, got list"),
        (np.ones(3), [1], ValueError, r"x: expected shape \(T, B, ...\), got \(3,\)"),
        (np.ones((3, 2)), None, TypeError, "lengths: expected one integer for each example, got None"),
        (np.ones((3, 2)), [1], ValueError, r"lengths: expected shape \(B,\) = \(2,\), got \(1,\)"),
        (np.ones((3, 2)), [1, 4], ValueError, "lengths: expected integers from 0 to T = 3, got 4"),
    ],
)
def test_bad_left_padding_is_refused_by_name(x, lengths, error, message):
    with pytest.raises(error, match=f"^{message}"):
        right_padded(x, lengths)


def test_a_gaps_tag_is_the_letter_before_and_the_letter_after():
    symbols, tags, lengths = gaps(300, 20, rng(), longest=4)
    for k, n in enumerate(lengths):
        row = symbols[:n, k]
        assert row[0] > 0
        assert row[-1] > 0
        for t in range(n):
            before, after = row[: t + 1][row[: t + 1] > 0][-1], row[t:][row[t:] > 0][0]
            assert tags[t, k] == 2 * (before - 1) + after - 1
        assert (symbols[n:, k] == 0).all()
        assert (tags[n:, k] == 0).all()
        assert 20 - 5 < n <= 20  # another letter would have fitted in


def test_gaps_are_of_all_lengths_alike_and_letters_are_independent():
    symbols, _, lengths = gaps(2000, 50, rng(), longest=3)
    inside = [symbols[:n, k] for k, n in enumerate(lengths)]
    places = [np.flatnonzero(row) for row in inside]
    steps = np.concatenate([(np.diff(at) - 1)[at[:-1] < 46] for at in places])  # behind which a gap of any length fits
    counts = np.bincount(steps)
    assert len(counts) == 4
    assert np.abs(counts / counts.sum() - 0.25).max() < 0.01
    letters = [row[row > 0] for row in inside]
    same = np.concatenate([row[1:] == row[:-1] for row in letters])
    assert abs(same.mean() - 0.5) < 5 / np.sqrt(4 * len(same))
    assert (gaps(3, 5, rng(), longest=0).symbols > 0).all()
    assert gaps(0, 5, rng()).symbols.shape == (5, 0)


@pytest.mark.parametrize(
    ("bad", "kind", "message"),
    [
        ((-1, 5, rng()), ValueError, r"^n_sequences: "),
        ((1, 0, rng()), ValueError, r"^n_steps: "),
        ((1, 5, None), TypeError, r"^rng: "),
        ((1, 5, rng(), -1), ValueError, r"^longest: "),
    ],
    ids=["n_sequences", "n_steps", "rng", "longest"],
)
def test_gaps_that_cannot_be_made_are_refused(bad, kind, message):
    with pytest.raises(kind, match=message):
        gaps(*bad)


def test_the_digits_are_scikit_learns_read_from_the_top():
    datasets = pytest.importorskip("sklearn.datasets")
    rows, labels = digits()
    assert (rows.shape, labels.shape) == ((8, 1797, 8), (1797,))
    assert (rows.dtype, labels.dtype) == (np.float64, np.int64)
    assert (rows.min(), rows.max()) == (0, 1)
    images = datasets.load_digits().images
    np.testing.assert_array_equal(rows[:, 5], images[5] / 16)
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_a_missing_scikit_learn_is_an_import_error_that_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match=r'^digits needs scikit-learn: pip install "rnncourse\[data\]"$'):
        digits()


@pytest.mark.parametrize(("n", "batch"), [(2, 1), (10, 1), (10, 3), (13, 3), (14, 3), (8, 7), (5, 2)])
@pytest.mark.parametrize("tail", [(), (2,)])
def test_streams_lie_one_behind_the_other_and_targets_are_what_comes_next(n, batch, tail):
    sequence = np.arange(n).reshape(n, *(1 for _ in tail)) * np.ones(tail, int)
    x, y = streams(sequence, batch)
    steps = (n - 1) // batch
    assert x.shape == y.shape == (steps, batch, *tail)
    np.testing.assert_array_equal(x.swapaxes(0, 1).reshape(-1, *tail), sequence[: steps * batch])
    np.testing.assert_array_equal(y, x + 1)
    assert n - 1 - steps * batch < batch  # what is left out would not have filled a row
    assert np.shares_memory(x, sequence)


def test_no_stream_wraps_around():
    sequence = rng().permutation(61)  # each number once
    x, y = streams(sequence, 4)
    assert not np.isin(y[-1], x[0, 0]).any()
    assert all(y[-1, b] != x[0, b] for b in range(4))
    np.testing.assert_array_equal(y[-1, :-1], x[0, 1:])  # but the first of the next piece


@pytest.mark.parametrize(
    ("sequence", "n", "error", "message"),
    [
        ([1, 2, 3], 1, TypeError, "sequence: expected a NumPy array"),
        (np.arange(3), 3, ValueError, r"sequence: .* at least n_streams \+ 1 = 4, got \(3,\)"),
        (np.array(3), 1, ValueError, r"sequence: expected shape \(N, ...\)"),
        (np.arange(9), 0, ValueError, "n_streams: expected an integer of at least 1"),
        (np.arange(9), 2.0, TypeError, "n_streams: expected an integer"),
    ],
)
def test_streams_refuse_what_fills_no_row(sequence, n, error, message):
    with pytest.raises(error, match=message):
        streams(sequence, n)


@pytest.mark.parametrize("steps", [1, 3, 4, 100])
def test_windows_are_the_streams_again_when_put_together(steps):
    long = streams(rng().normal(size=(50, 2)), 4)  # T = 12
    parts = windows(long, steps)
    for whole, pieces in zip(long, zip(*parts, strict=True), strict=True):
        np.testing.assert_array_equal(np.concatenate(pieces), whole)
    assert [len(part.x) for part in parts[:-1]] == [steps] * (len(parts) - 1)
    assert 0 < len(parts[-1].x) <= steps


def test_a_layer_that_carries_its_state_reads_windows_as_it_reads_the_stream():
    long, layer = streams(rng().normal(size=(41, 2)), 3), LSTM.init(2, 5, rng(1))
    whole, state, outputs = layer.forward(long.x), None, []
    for part in windows(long, 5):
        run = layer.forward(part.x, state)
        state = run.final
        outputs.append(run.a)
    np.testing.assert_allclose(np.concatenate(outputs), whole.a, atol=1e-12)


@pytest.mark.parametrize(
    ("long", "steps", "error", "message"),
    [
        (np.ones((2, 3)), 1, TypeError, "long: expected streams, a pair of arrays"),
        ((np.ones((2, 3)),), 1, TypeError, "long: expected streams, a pair of arrays"),
        (([1], [2]), 1, TypeError, "long.x: expected a NumPy array"),
        ((np.ones((2, 3)), [2]), 1, TypeError, "long.y: expected a NumPy array"),
        ((np.ones(3), np.ones(3)), 1, ValueError, r"long.x: expected shape \(T, B, ...\), got \(3,\)"),
        ((np.ones((2, 3)), np.ones((2, 4))), 1, ValueError, r"long.y: expected T and B of long.x, \(2, 3\)"),
        ((np.ones((2, 3)), np.ones((2, 3))), 0, ValueError, "steps: expected an integer of at least 1"),
    ],
)
def test_windows_refuse_what_are_no_streams(long, steps, error, message):
    with pytest.raises(error, match=message):
        windows(long, steps)


@pytest.mark.parametrize("kind", [list, tuple, np.array])
@pytest.mark.parametrize("gap", [0, 3])
def test_the_parts_of_a_split_follow_each_other_and_share_nothing(kind, gap):
    parts = splits(kind(range(100)), validation=0.29, test=0.12, gap=gap)
    found = [list(part) for part in parts]
    assert found == [list(range(59 - gap)), list(range(59, 88 - gap)), list(range(88, 100))]
    assert type(parts.test) is type(kind([1]))


@pytest.mark.parametrize(
    ("validation", "test", "expected"),
    [(0, 0, ("abcdefghij", "", "")), (0.2, 0, ("abcdefg", "ij", "")), (0, 0.2, ("abcdefg", "", "ij"))],
)
def test_a_part_that_is_not_asked_for_is_empty_and_needs_no_gap(validation, test, expected):
    assert splits("abcdefghij", validation, test, gap=1) == expected


def test_shuffled_places_split_into_all_places():
    parts = splits(rng().permutation(50))
    assert sorted(np.concatenate(parts)) == list(range(50))
    assert [len(part) for part in parts] == [40, 5, 5]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((7,), TypeError, "sequence: expected a NumPy array"),
        ((np.array(7),), ValueError, r"sequence: expected shape \(N, ...\)"),
        (("abcdefghij", -0.1), ValueError, "validation: expected a number of at least 0"),
        (("abcdefghij", 0.1, "0.1"), TypeError, "test: expected a number of at least 0"),
        (("abcdefghij", 0.5, 0.5), ValueError, "validation, test: expected shares below 1 together, got 0.5 and 0.5"),
        (("abcdefghij", 0.1, 0.1, -1), ValueError, "gap: expected an integer of at least 0"),
        (("abcdefghij", 0.1, 0.1, 1), ValueError, "gaps of 1, got 10: none are left for validation"),
        (("abcdefghij", 0.4, 0.4, 2), ValueError, "none are left for train"),
        (("abcde", 0.3, 0.1), ValueError, "none are left for test"),
    ],
)
def test_splits_that_leave_a_part_empty_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        splits(*arguments)


def test_a_mask_says_which_steps_count():
    np.testing.assert_array_equal(mask([0, 2, 3], 3), [[False, True, True], [False, True, True], [False, False, True]])
    assert mask(np.array([], int), 4).shape == (4, 0)
    assert mask((0, 0), 0).shape == (0, 2)


@pytest.mark.parametrize("seed", [None, 0, 1])
@pytest.mark.parametrize("batch", [1, 4, 7, 100])
def test_buckets_hold_every_example_once_and_examples_of_about_one_length(seed, batch):
    sizes = rng(3).integers(0, 12, 50)
    parts = buckets(sizes, batch, None if seed is None else rng(seed))
    assert sorted(np.concatenate(parts)) == list(range(50))
    short_to_long = sorted(parts, key=lambda part: (sizes[part].max(), sizes[part].min()))
    assert np.array_equal(np.concatenate([np.sort(sizes[part]) for part in short_to_long]), np.sort(sizes))
    assert sorted(len(part) for part in parts)[1:] == [batch] * (len(parts) - 1)


def test_buckets_shuffle_equal_lengths_and_batches_from_the_generator_alone():
    sizes = [3] * 20 + [5] * 20
    same, again, other = (np.concatenate(buckets(sizes, 5, rng(seed))).tolist() for seed in (1, 1, 2))
    assert same == again != other
    assert [part.tolist() for part in buckets(sizes, 20)] == [list(range(20)), list(range(20, 40))]
    assert any(buckets(sizes, 20, rng(seed))[0][0] >= 20 for seed in range(9))  # the long ones first
    assert sorted(buckets(sizes, 20, rng())[0]) != list(buckets(sizes, 20, rng())[0])
    assert buckets([], 3) == []


@pytest.mark.parametrize(
    ("lengths", "error", "message"),
    [
        (None, TypeError, "lengths: expected one integer for each example, got None"),
        ([1.0], TypeError, "lengths: expected integers, got dtype float64"),
        ([[1], [1, 2]], ValueError, r"lengths: expected shape \(B,\), got a ragged sequence"),
        ([[1]], ValueError, r"lengths: expected shape \(B,\), got \(1, 1\)"),
        (np.array(1), ValueError, r"lengths: expected shape \(B,\), got \(\)"),
        ([-1, 2], ValueError, "lengths: expected integers .*, got -1"),
        (7, TypeError, "lengths: expected a NumPy array"),
    ],
)
def test_lengths_of_masks_and_buckets_are_checked(lengths, error, message):
    for call in (lambda: mask(lengths, 3), lambda: buckets(lengths, 3)):
        with pytest.raises(error, match=message):
            call()


def test_other_arguments_of_masks_and_buckets_are_checked():
    with pytest.raises(ValueError, match="lengths: expected integers from 0 to T = 3, got 4"):
        mask([1, 4], 3)
    with pytest.raises(ValueError, match="steps: expected an integer of at least 0"):
        mask([1], -1)
    with pytest.raises(ValueError, match="batch: expected an integer of at least 1"):
        buckets([1], 0)
    with pytest.raises(TypeError, match=r"rng: expected a numpy\.random\.Generator"):
        buckets([1], 1, 0)
