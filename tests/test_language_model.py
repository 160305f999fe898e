"""Language models: n-grams by the formula written out, scores, samplers on awkward logits, beams and all texts."""

from __future__ import annotations

import sys
from itertools import pairwise, product

import numpy as np
import pytest

from rnncourse import GRU, LSTM, RNN, Deep, Dense, Embedding
from rnncourse.activations import log_softmax, softmax
from rnncourse.data import Characters, one_hot, splits
from rnncourse.language_model import (
    NGram,
    beam_search,
    bits_per_symbol,
    negative_log_likelihood,
    next_probabilities,
    perplexity,
    python_topics,
    repeated_share,
    sample,
)
from rnncourse.losses import softmax_cross_entropy

V = 5
TEXT = np.random.default_rng(3).choice(V, 300, p=[0.4, 0.3, 0.2, 0.1, 0.0])  # symbol 4 never occurs


def network(kind=GRU, dtype=np.float64, n_x=V, seed=0, sharp=3.0):
    rng = np.random.default_rng(seed)
    head = Dense(sharp * rng.standard_normal((n_x, 6)).astype(dtype), np.zeros(n_x, dtype))
    return Deep((Embedding.init(n_x, 4, rng, dtype), kind.init(4, 6, rng, dtype), head))


def rng():
    return np.random.default_rng(7)


# ---- n-grams


def kneser_ney(text, order):
    """Write the formula out, with dictionaries and one probability at a time; return P(word, context)."""
    counts = {order: {}}
    for k in range(len(text) - order + 1):
        gram = tuple(text[k : k + order])
        counts[order][gram] = counts[order].get(gram, 0) + 1
    for k in range(order - 1, 0, -1):
        counts[k] = {}
        for gram in counts[k + 1]:
            counts[k][gram[1:]] = counts[k].get(gram[1:], 0) + 1
    discounts = {}
    for k, table in counts.items():
        once, twice = (sum(c == n for c in table.values()) for n in (1, 2))
        discounts[k] = once / (once + 2 * twice) if once else 0.5

    def probability(word, context):
        k = len(context) + 1
        lower = probability(word, context[1:]) if context else 1 / V
        followers = {gram[-1]: c for gram, c in counts[k].items() if gram[:-1] == context}
        if not followers:
            return lower
        D, total = discounts[k], sum(followers.values())
        return max(followers.get(word, 0) - D, 0) / total + D * len(followers) / total * lower

    return probability


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_an_ngram_has_the_probabilities_of_the_formula(order):
    model, expected = NGram.fit(TEXT, V, order), kneser_ney(TEXT.tolist(), order)
    contexts = list(product(range(V), repeat=order - 1))
    found = model.probabilities(np.array(contexts, dtype=int).reshape(len(contexts), order - 1))
    wanted = [[expected(w, context) for w in range(V)] for context in contexts]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-14)
    assert model.order == order


@pytest.mark.parametrize("order", [0, 1, 2, 3, 7])
@pytest.mark.parametrize("discount", [None, 0.3, 1.0])
def test_an_ngrams_probabilities_add_up_to_1_and_none_is_zero(order, discount):
    model = NGram.fit(TEXT, V, order, discount)
    contexts = rng().integers(-1, V, (400, 9))  # most of them never seen, and some not known
    p = model.probabilities(contexts)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=0, atol=1e-14)
    assert p.min() > 0
    assert p.max() <= 1


def test_what_is_not_known_falls_back_to_a_shorter_context():
    model = NGram.fit(TEXT, V, 3)
    short = model.probabilities(np.array([[1]]))
    np.testing.assert_array_equal(model.probabilities(np.array([[-1, 1], [4, 1]])), np.tile(short, (2, 1)))
    np.testing.assert_array_equal(
        model.probabilities(np.array([[2, 0, 3, 1]])), model.probabilities(np.array([[3, 1]]))
    )
    nothing = np.full((1, 2), -1)
    np.testing.assert_array_equal(model.probabilities(nothing), model.probabilities(np.zeros((1, 0), int)))


def test_order_0_is_uniform_and_needs_no_counts():
    model = NGram.fit(TEXT, V, 0)
    assert (model.probabilities(np.array([[1]])) == 1 / V).all()
    assert model.n_counts == 0
    assert model.zero_state(2).shape == (2, 0)
    assert perplexity(negative_log_likelihood(model, TEXT)) == pytest.approx(V)


def test_a_symbol_of_two_bytes_is_none_of_one():
    """Contexts are kept as bytes: 256 must not be taken for 1, nor a trailing 0 be lost."""
    text = np.array([0, 256, 1, 0, 1, 256, 0, 0, 256, 1] * 5)
    model = NGram.fit(text, 300, 2)
    p = model.probabilities(np.array([[0], [1], [256]]))
    once = NGram.fit(np.where(text == 256, 2, text), 300, 2).probabilities(np.array([[0], [1], [2]]))
    np.testing.assert_array_equal(p[:, [0, 1, 256]], once[:, [0, 1, 2]])


def test_steps_give_what_contexts_give():
    model = NGram.fit(TEXT, V, 4)
    x = rng().integers(0, V, (8, 3))
    state = None
    for t, x_t in enumerate(x):
        logits, state = model.step(x_t, state)
        np.testing.assert_array_equal(logits, np.log(model.probabilities(x[: t + 1].T)))
    np.testing.assert_array_equal(state, x[-3:].T)


def test_counts_are_counted_and_records_are_equal():
    model = NGram.fit(np.array([0, 1, 0, 1]), 2, 2)  # bigrams 01, 10; symbols 0, 1
    assert model.n_counts == 4
    assert model == NGram.fit(np.array([0, 1, 0, 1]), 2, 2) != NGram.fit(np.array([0, 1, 1, 1]), 2, 2)


# ---- scores


@pytest.mark.parametrize("kind", [RNN, GRU, LSTM])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_score_is_the_loss_of_the_sequence(kind, dtype):
    model, ids = network(kind, dtype), rng().integers(0, V, (20, 3))
    found = negative_log_likelihood(model, ids)
    loss = softmax_cross_entropy(model.forward(ids[:-1]).a, ids[1:], reduction="none").value
    np.testing.assert_allclose(found, loss, rtol=0, atol=1e-12 if dtype is np.float64 else 1e-5)
    assert found.dtype == np.float64
    np.testing.assert_allclose(negative_log_likelihood(model, ids[:, 1]), found[:, 1], rtol=0, atol=1e-5)
    assert perplexity(found) == pytest.approx(np.exp(found.mean()))
    assert bits_per_symbol(found) == pytest.approx(np.log2(perplexity(found)))


def test_a_network_on_one_hot_vectors_scores_the_same():
    embedded = network()
    layers = (Dense(embedded.layers[0].W.T), *embedded.layers[1:])  # the rows, by a product
    ids = rng().integers(0, V, 20)
    plain, found = Deep(layers), negative_log_likelihood(embedded, ids)
    np.testing.assert_allclose(negative_log_likelihood(plain, ids), found, rtol=0, atol=1e-12)
    assert (sample(plain, ids[:2], 9, rng()) == sample(embedded, ids[:2], 9, rng())).all()


def test_a_state_is_gone_on_from():
    model, ids = network(), rng().integers(0, V, 20)
    run = model.forward(ids[:9, None])
    np.testing.assert_allclose(
        negative_log_likelihood(model, ids[9:], run.final), negative_log_likelihood(model, ids)[9:], rtol=0, atol=1e-12
    )
    rest = sample(model, ids[9:12], 5, rng(), state=run.final)
    assert (rest == sample(model, ids[:12], 5, rng())).all()
    beams = beam_search(model, ids[9:12], 3, 4, run.final), beam_search(model, ids[:12], 3, 4)
    assert (beams[0].symbols == beams[1].symbols).all()


def test_an_impossible_symbol_costs_infinity():
    class Never:
        reads_symbols = True

        def step(self, x_t, state):
            return np.tile([0.0, -np.inf], (len(x_t), 1)), ()

    nats = negative_log_likelihood(Never(), np.array([0, 0, 1]))
    assert nats.tolist() == [0, np.inf]
    assert perplexity(nats) == bits_per_symbol(nats) == np.inf
    assert sample(Never(), np.array([1]), 200, rng(), temperature=9).sum() == 0
    assert beam_search(Never(), np.array([0]), 3, 8).symbols.shape == (3, 1)


# ---- from logits to a draw (fault 10 of the field: NumPy refuses p of float32 that does not add up to 1)


def test_probabilities_of_float32_add_up_in_float64():
    z = np.random.default_rng(0).normal(size=(200, 1000)).astype(np.float32) * 8
    p = next_probabilities(z)
    assert p.dtype == np.float64
    np.testing.assert_allclose(p.sum(axis=-1), 1, rtol=0, atol=1e-14)
    np.testing.assert_allclose(p, softmax(z.astype(np.float64)), rtol=1e-12)
    for row in p:  # what NumPy checks
        np.random.default_rng(0).choice(1000, p=row)


def test_temperature_divides_the_logits():
    z = rng().normal(size=(4, V))
    for temperature in (0.3, 1.0, 2.5):
        np.testing.assert_allclose(next_probabilities(z, temperature), softmax(z / temperature), rtol=1e-12)


def test_at_temperature_0_the_first_of_the_likeliest_has_it_all():
    z = np.array([[1.0, 3.0, 3.0, -np.inf], [0.0, 0.0, 0.0, 0.0]])
    assert next_probabilities(z, 0).tolist() == [[0, 1, 0, 0], [1, 0, 0, 0]]


@pytest.mark.parametrize("temperature", [5e-324, 1e-300, 1e300])
def test_extreme_temperatures_and_logits_stay_probabilities(temperature):
    z = np.array([[1e308, -1e308, 0.0], [2.0, 1.0, -np.inf], [0.0, 0.0, -1e-320]])
    with np.errstate(all="raise", under="ignore"):
        p = next_probabilities(z, temperature)
    np.testing.assert_allclose(p.sum(axis=-1), 1, rtol=0, atol=1e-15)
    assert p[1, 2] == 0
    assert p[0].argmax() == 0


def test_top_k_keeps_k_and_of_equals_the_first():
    z = np.array([1.0, 2.0, 2.0, 2.0, 0.0])
    assert next_probabilities(z, top_k=2).tolist() == [0, 0.5, 0.5, 0, 0]
    assert next_probabilities(z, top_k=1).tolist() == next_probabilities(z, 0).tolist()
    np.testing.assert_allclose(next_probabilities(z, top_k=99), softmax(z), rtol=1e-14)


def test_the_nucleus_is_the_smallest_set_that_reaches_p():
    z = np.log(np.array([0.1, 0.5, 0.15, 0.25]))
    kept = {p: (next_probabilities(z, top_p=p) > 0).nonzero()[0].tolist() for p in (0.01, 0.49, 0.51, 0.74, 0.76, 1.0)}
    assert kept == {0.01: [1], 0.49: [1], 0.51: [1, 3], 0.74: [1, 3], 0.76: [1, 2, 3], 1.0: [0, 1, 2, 3]}
    np.testing.assert_allclose(next_probabilities(z, top_p=0.6), [0, 2 / 3, 0, 1 / 3], rtol=1e-14)


def test_top_k_comes_before_the_nucleus():
    z = np.log(np.array([0.4, 0.3, 0.2, 0.1]))
    assert (next_probabilities(z, top_k=2, top_p=0.55) > 0).tolist() == [True, False, False, False]  # 0.4/0.7 > 0.55
    assert (next_probabilities(z, top_p=0.55) > 0).tolist() == [True, True, False, False]


def test_what_is_cut_does_not_come_and_the_rest_comes_as_often_as_it_should():
    class Fixed:
        reads_symbols = True

        def step(self, x_t, state):
            return np.tile(np.log([0.1, 0.5, 0.4, 0.0001]), (len(x_t), 1)), ()

    drawn = sample(Fixed(), np.zeros((1, 500), int), 40, rng(), temperature=0.5, top_k=3)
    share = np.bincount(drawn.ravel(), minlength=4) / drawn.size
    np.testing.assert_allclose(share, np.array([0.01, 0.25, 0.16, 0]) / 0.42, atol=0.02)
    assert share[3] == 0


def test_sampling_is_seeded_and_reads_what_it_draws():
    model, prompt = network(), np.array([0, 3, 1])
    first, again, other = (sample(model, prompt, 30, np.random.default_rng(s)) for s in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()
    whole = np.concatenate([prompt, first])
    state, generator = None, np.random.default_rng(0)
    for t, symbol in enumerate(whole[:-1]):
        z, state = model.step(np.array([symbol]), state)
        if t >= 2:
            p = softmax(z[0])
            assert whole[t + 1] == np.searchsorted(np.cumsum(p), generator.random() * p.sum(), side="right")


def test_a_batch_is_sampled_side_by_side():
    model, prompts = network(), rng().integers(0, V, (3, 4))
    together = sample(model, prompts, 6, rng(), temperature=0)
    assert together.shape == (6, 4)
    for k in range(4):
        assert (together[:, k] == sample(model, prompts[:, k], 6, rng(), temperature=0)).all()


def test_a_stop_ends_a_text_and_fills_a_row_of_a_batch():
    model = NGram.fit(np.array([0, 1, 2, 3] * 50), 4, 2)
    one = sample(model, np.array([0]), 9, rng(), temperature=0, stop=2)
    assert one.tolist() == [1, 2]
    assert sample(model, np.array([0]), 1, rng(), temperature=0, stop=2).tolist() == [1]
    both = sample(model, np.array([[0, 3]]), 9, rng(), temperature=0, stop=2)
    assert both.T.tolist() == [[1, 2, 2], [0, 1, 2]]
    assert sample(model, np.array([0]), 0, rng()).tolist() == []


def test_the_draw_never_takes_what_has_no_probability():
    class Last:
        def random(self, n):
            return np.full(n, 1 - 2**-53)

    class First:
        def random(self, n):
            return np.zeros(n)

    from rnncourse.language_model import _draw

    p = np.array([[0.0, 0.3, 0.0, 0.7 + 1e-16, 0.0]])
    assert _draw(p, Last()).tolist() == [3]
    assert _draw(p, First()).tolist() == [1]


# ---- beams


def log_probability(model, prompt, text):
    return -negative_log_likelihood(model, np.concatenate([prompt, text]))[len(prompt) - 1 :].sum()


@pytest.mark.parametrize(
    "model", [network(n_x=4), network(LSTM, n_x=4), NGram.fit(TEXT, 5, 3)], ids=["GRU", "LSTM", "n"]
)
def test_beams_that_keep_all_find_the_likeliest_text(model):
    prompt, n, size = np.array([1, 0]), 3, 4 if isinstance(model, Deep) else 5
    texts = [np.array(text) for text in product(range(size), repeat=n)]
    every = np.array([log_probability(model, prompt, text) for text in texts])
    found = beam_search(model, prompt, n, size**n)
    assert found.symbols.shape == (n, size**n)
    np.testing.assert_allclose(found.log_probabilities, np.sort(every)[::-1], rtol=0, atol=1e-10)
    assert (found.symbols[:, 0] == texts[every.argmax()]).all()
    assert np.exp(found.log_probabilities).sum() == pytest.approx(1)
    narrow = beam_search(model, prompt, n, 3)
    for text, logp in zip(narrow.symbols.T, narrow.log_probabilities, strict=True):
        assert logp == pytest.approx(log_probability(model, prompt, text), abs=1e-10)
    assert all(a >= b for a, b in pairwise(narrow.log_probabilities))


def test_a_beam_of_one_is_temperature_0():
    model, prompt = network(), np.array([2, 2, 0])
    assert (beam_search(model, prompt, 12, 1).symbols[:, 0] == sample(model, prompt, 12, rng(), temperature=0)).all()


def test_a_beam_finds_what_greed_misses():
    """The likeliest first symbol leads to a fork, the second likeliest to a sure thing."""

    class Fork:
        reads_symbols = True

        def step(self, x_t, state):
            p = {0: [0.0, 0.55, 0.45], 1: [0.5, 0.5, 0.0], 2: [1.0, 0.0, 0.0]}
            with np.errstate(divide="ignore"):
                return np.log([p[int(s)] for s in x_t]), ()

    assert beam_search(Fork(), np.array([0]), 2, 1).symbols[:, 0].tolist() == [1, 0]
    best = beam_search(Fork(), np.array([0]), 2, 2)
    assert best.symbols[:, 0].tolist() == [2, 0]
    assert np.exp(best.log_probabilities[0]) == pytest.approx(0.45)


# ---- the text


def test_the_topics_hold_no_paragraph_twice_and_little_leaks():
    text = python_topics()
    paragraphs = [" ".join(each.split()) for each in text.split("\n\n")]
    assert len(set(paragraphs)) == len(paragraphs) > 1000
    assert 200_000 < len(text) < 1_000_000
    cut = splits(text)
    assert repeated_share(cut.train, cut.test, 100) < 0.001
    from pydoc_data.topics import topics

    raw = splits("\n\n".join(topics.values()))
    assert repeated_share(raw.train, raw.test, 100) > 0.03  # so it is no idle test
    assert text.startswith(next(iter(topics.values())).strip("\n")[:40])
    assert len(Characters.of(text)) > 60


def test_a_python_without_the_topics_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(ImportError, match="pydoc_data"):
        python_topics()


@pytest.mark.parametrize(("length", "share"), [(1, 1.0), (4, 5 / 6), (9, 0.0)])
def test_the_repeated_share_counts_places(length, share):
    assert repeated_share("the cat sat", "a cat sat", length) == pytest.approx(share)


# ---- what is refused

NET, ONE = network(), np.array([1, 2])
REFUSED = [
    (lambda: next_probabilities(np.array([0.0, np.nan])), ValueError, "logits: expected numbers, got NaN"),
    (lambda: next_probabilities(np.array([0.0, np.inf])), ValueError, "logits: expected numbers or -inf, got inf"),
    (lambda: next_probabilities(np.full((2, 3), -np.inf)), ValueError, "logits: expected a possible symbol in each"),
    (lambda: next_probabilities(np.zeros((2, 0))), ValueError, r"logits: expected shape \(..., n\) with n ≥ 1"),
    (lambda: next_probabilities([0.0, 1.0]), TypeError, "logits: expected a NumPy array, got list"),
    (lambda: next_probabilities(np.array([1j])), TypeError, "logits: expected real numbers, got dtype complex128"),
    (lambda: next_probabilities(np.zeros(2), -1), ValueError, "temperature: expected a number of at least 0, got -1"),
    (lambda: next_probabilities(np.zeros(2), np.nan), ValueError, "temperature: expected a number of at least 0, got"),
    (lambda: next_probabilities(np.zeros(2), None), TypeError, "temperature: expected a number of at least 0"),
    (lambda: next_probabilities(np.zeros(2), top_k=0), ValueError, "top_k: expected an integer of at least 1, got 0"),
    (lambda: next_probabilities(np.zeros(2), top_k=2.0), TypeError, "top_k: expected an integer of at least 1, got f"),
    (lambda: next_probabilities(np.zeros(2), top_p=0.0), ValueError, "top_p: expected a number above 0, got 0"),
    (lambda: next_probabilities(np.zeros(2), top_p=1.5), ValueError, "top_p: expected a number above 0 and at most 1"),
    (lambda: sample(NET, ONE, 3, 0), TypeError, r"rng: expected a numpy.random.Generator"),
    (lambda: sample(NET, np.array([]), 3, rng()), TypeError, "prompt: expected symbols as an array of integers"),
    (lambda: sample(NET, ONE[:0], 3, rng()), ValueError, r"prompt: expected shape \(N,\) or \(N, B\) with N ≥ 1"),
    (lambda: sample(NET, np.array([5]), 3, rng()), ValueError, "expected symbols from 0 to n_x - 1 = 4, got 5"),
    (lambda: sample(NET, ONE, -1, rng()), ValueError, "n: expected an integer of at least 0, got -1"),
    (lambda: sample(NET, ONE, 3, rng(), stop=-1), ValueError, "stop: expected an integer of at least 0"),
    (lambda: sample(GRU, ONE, 3, rng()), TypeError, r"model: expected one with step\(x_t, state\)"),
    (lambda: sample(None, ONE, 3, rng()), TypeError, r"model: expected one with step\(x_t, state\).* got None"),
    (lambda: beam_search(NET, ONE[None], 3, 2), ValueError, r"prompt: expected shape \(N,\) with N ≥ 1, got \(1, 2\)"),
    (lambda: beam_search(NET, ONE, 0, 2), ValueError, "n: expected an integer of at least 1, got 0"),
    (lambda: beam_search(NET, ONE, 3, 0), ValueError, "width: expected an integer of at least 1, got 0"),
    (lambda: negative_log_likelihood(NET, ONE[:1]), ValueError, r"symbols: expected shape \(N,\) or \(N, B\)"),
    (lambda: negative_log_likelihood(NET, np.array([1, 7])), ValueError, "symbols: expected symbols from 0 to n_x - 1"),
    (lambda: negative_log_likelihood(NET, "ab"), TypeError, "symbols: expected a NumPy array, got str"),
    (lambda: perplexity(np.zeros(0)), ValueError, "nats: expected at least one number, got none"),
    (lambda: perplexity(np.array([0.1, -0.2])), ValueError, "nats: expected numbers of at least 0.*got -0.2"),
    (lambda: bits_per_symbol(np.array([np.nan])), ValueError, "nats: expected numbers of at least 0.*got nan"),
    (lambda: perplexity(0.3), TypeError, "nats: expected a NumPy array, got float"),
    (lambda: perplexity(np.array(["a"])), TypeError, "nats: expected real numbers, got dtype <U1"),
    (lambda: NGram.fit(TEXT, V, -1), ValueError, "order: expected an integer of at least 0, got -1"),
    (lambda: NGram.fit(TEXT, 3, 2), ValueError, "symbols: expected symbols from 0 to n_x - 1 = 2, got"),
    (lambda: NGram.fit(TEXT[:2], V, 3), ValueError, "symbols: expected at least 3, as many as `order` says, got 2"),
    (lambda: NGram.fit(TEXT, 70_000, 3), ValueError, "n_x: expected at most 65535 symbols, got 70000"),
    (lambda: NGram.fit(TEXT, V, 3, 1.5), ValueError, "discount: expected a number above 0 and at most 1, got 1.5"),
    (lambda: NGram.fit(TEXT, V, 3, 0), ValueError, "discount: expected a number above 0, got 0"),
    (lambda: NGram.fit(TEXT, V, 2).probabilities(np.array([[9]])), ValueError, "contexts: expected symbols from 0"),
    (lambda: NGram.fit(TEXT, V, 2).probabilities(np.array([[-2]])), ValueError, "contexts: expected symbols.*got -2"),
    (lambda: NGram.fit(TEXT, V, 2).probabilities(ONE), ValueError, r"contexts: expected shape \(B, k\)"),
    (lambda: NGram.fit(TEXT, V, 3).step(ONE, ONE), ValueError, r"state: expected shape \(B, order - 1\) = \(2, 2\)"),
    (lambda: repeated_share("ab", "a", 2), ValueError, "text: expected at least 2 characters.*got 1"),
    (lambda: repeated_share(b"ab", "a", 1), TypeError, "seen: expected a string, got bytes"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "message"), REFUSED)
def test_what_is_wrong_is_refused_by_name(call, kind, message):
    with pytest.raises(kind, match=f"^(the model's )?{message}" if message.startswith("logits") else message):
        call()


def test_a_network_that_has_diverged_is_named():
    layer = Dense(np.full((V, 6), np.nan))
    broken = Deep((*network().layers[:2], layer))
    with pytest.raises(ValueError, match="the model's logits: expected numbers, got NaN: has the training diverged"):
        sample(broken, ONE, 3, rng())


def test_log_softmax_and_one_hot_are_the_packages_own():
    import rnncourse.language_model as module

    assert module.log_softmax is log_softmax
    assert module.one_hot is one_hot
