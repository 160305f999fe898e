"""The embedding beyond the contract: symbols, repeated and out of range, and PyTorch beside it."""

from importlib.util import find_spec

import numpy as np
import pytest

from rnncourse import LSTM, RNN, Bidirectional, Deep, Dense, Embedding, tree_map
from rnncourse.gradcheck import gradient_errors, numerical_gradient
from rnncourse.layers.embedding import sums_by_symbol

RNG = np.random.default_rng(0)
LAYER = Embedding(RNG.standard_normal((5, 3)))
IDS = np.array([[4, 1], [4, 4], [0, 2], [4, 1]])  # repeated within an example and across; 3 does not occur
DA = RNG.standard_normal((4, 2, 3))


@pytest.mark.parametrize("lengths", [None, [4, 2], [0, 3], [0, 0]])
def test_it_is_the_product_of_one_hot_vectors_and_w(lengths):
    one_hot = np.eye(5)[IDS]
    dense = Dense(LAYER.W.T)
    run, expected = LAYER.forward(IDS, lengths=lengths), dense.forward(one_hot, lengths=lengths)
    np.testing.assert_array_equal(run.a, expected.a)
    grads, theirs = LAYER.backward(run, DA), dense.backward(expected, DA)
    np.testing.assert_allclose(grads.layer.W, theirs.layer.W.T, rtol=0, atol=1e-14)
    assert (grads.layer.W[3] == 0).all()
    assert grads.x is None
    assert grads.state == () == run.final == LAYER.zero_state(2)


def test_the_gradient_is_that_of_the_complex_step():
    def loss(W):
        return (Embedding(W).forward(IDS, lengths=[4, 3]).a * DA).sum()

    found = LAYER.backward(LAYER.forward(IDS, lengths=[4, 3]), DA).layer.W
    np.testing.assert_allclose(found, numerical_gradient(loss, np.array(LAYER.W)), rtol=0, atol=1e-14)
    assert gradient_errors(LAYER, IDS, da=DA, lengths=[4, 3])["layer.W"] < 1e-14


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("rows", "count"), [(0, 3), (1, 1), (500, 7), (50, 400)])
def test_sums_by_symbol_are_those_of_add_at(rows, count, dtype):
    values, symbols = RNG.standard_normal((rows, 4)).astype(dtype), RNG.integers(0, count, rows)
    expected = np.zeros((count, 4), dtype)
    np.add.at(expected, symbols, values)
    found = sums_by_symbol(values, symbols, count)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 if dtype is np.float64 else 1e-4)


@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed")
def test_pytorch_gives_the_same():
    import torch

    W = torch.tensor(LAYER.W.copy(), requires_grad=True)
    a = torch.nn.functional.embedding(torch.tensor(IDS), W)
    (a * torch.tensor(DA)).sum().backward()
    run = LAYER.forward(IDS)
    np.testing.assert_array_equal(run.a, a.detach().numpy())
    np.testing.assert_allclose(LAYER.backward(run, DA).layer.W, W.grad.numpy(), rtol=0, atol=1e-14)


@pytest.mark.parametrize("junk", [-1, 5, 2**40])
def test_symbols_in_the_padding_do_not_matter(junk):
    ids = IDS.copy()
    ids[2:, 1] = junk
    run, plain = LAYER.forward(ids, lengths=[4, 2]), LAYER.forward(IDS, lengths=[4, 2])
    assert run == plain
    assert (run.a[2:, 1] == 0).all()
    da = DA.copy()
    da[2:, 1] = np.nan
    assert LAYER.backward(run, da) == LAYER.backward(plain, DA)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int64, np.uint64, ">i4"])
def test_any_kind_of_integer_will_do(kind):
    assert LAYER.forward(IDS.astype(kind)) == LAYER.forward(IDS)
    np.testing.assert_array_equal(LAYER.step(IDS[0].astype(kind))[0], LAYER.forward(IDS).a[0])


@pytest.mark.parametrize(
    ("ids", "error", "message"),
    [
        (IDS + 1, ValueError, r"expected symbols from 0 to n_x - 1 = 4, got 5"),
        (IDS - 1, ValueError, r"expected symbols from 0 to n_x - 1 = 4, got -1"),
        (np.full((1, 1), 2**64 - 1, np.uint64), ValueError, r"expected symbols from 0 to .*, got 18446744073709551615"),
        (IDS.astype(float), TypeError, "expected symbols as an array of integers, got dtype float64"),
        (IDS > 0, TypeError, "expected symbols as an array of integers, got dtype bool"),
        (IDS.tolist(), TypeError, "expected a NumPy array, got list"),
        (np.eye(5, dtype=int)[IDS], ValueError, r"expected shape \(T, B\), got \(4, 2, 5\)"),
        (IDS[0], ValueError, r"expected shape \(T, B\), got \(2,\)"),
    ],
)
def test_what_are_no_symbols_is_refused(ids, error, message):
    for layer in (LAYER, Deep((LAYER, RNN.init(3, 2, RNG))), Bidirectional(LAYER, LAYER)):
        with pytest.raises(error, match=f"^x: {message}"):
            layer.forward(ids)


@pytest.mark.parametrize(
    ("x_t", "error", "message"),
    [
        (np.array([5]), ValueError, "expected symbols from 0 to n_x - 1 = 4, got 5"),
        (np.array([1.0]), TypeError, "expected symbols as an array of integers"),
        (IDS, ValueError, r"expected shape \(B,\), got \(4, 2\)"),
    ],
)
def test_a_step_is_as_careful(x_t, error, message):
    for layer in (LAYER, Deep((LAYER, RNN.init(3, 2, RNG)))):
        with pytest.raises(error, match=f"^x_t: {message}"):
            layer.step(x_t)


@pytest.mark.parametrize(
    ("W", "error", "message"),
    [
        (np.ones(3), ValueError, r"W: expected shape \(n_x, n_a\) with n_x, n_a ≥ 1, got \(3,\)"),
        (np.ones((0, 3)), ValueError, r"W: expected shape .*, got \(0, 3\)"),
        (np.ones((2, 3), int), TypeError, "W: expected dtype float32 or float64, got int64"),
        (None, TypeError, "W: expected a NumPy array, got None"),
    ],
)
def test_a_matrix_that_is_none_is_refused(W, error, message):
    with pytest.raises(error, match=f"^{message}"):
        Embedding(W)


def test_a_language_model_is_a_deep_layer_that_reads_symbols():
    rng = np.random.default_rng(1)
    net = Deep((Embedding.init(5, 3, rng), LSTM.init(3, 4, rng), Dense.init(4, 5, rng, bias=False)))
    run = net.forward(IDS, lengths=[4, 2])
    assert run.a.shape == (4, 2, 5)
    assert run.x.dtype.kind == "i"
    grads = net.backward(run, np.ones_like(run.a))
    assert grads.x is None
    assert gradient_errors(net, IDS, lengths=[4, 2])["layer.layers[0].W"] < 1e-12
    state, steps = None, []
    for x_t in IDS:
        a_t, state = net.step(x_t, state)
        steps.append(a_t)
    np.testing.assert_allclose(np.stack(steps), net.forward(IDS).a, atol=1e-14)
    nested = Deep((Deep(net.layers[:2]), net.layers[2]))
    np.testing.assert_array_equal(nested.forward(IDS).a, net.forward(IDS).a)
    assert nested.reads_symbols
    assert not Deep(net.layers[1:]).reads_symbols


def test_both_directions_may_read_symbols():
    both = Bidirectional(Deep((LAYER, RNN.init(3, 2, RNG))), Deep((LAYER, RNN.init(3, 4, RNG))))
    run = both.forward(IDS, lengths=[4, 2])
    assert run.a.shape == (4, 2, 6)
    alone = both.bwd.forward(IDS[:2, 1:][::-1])
    np.testing.assert_allclose(run.a[:2, 1:, 2:], alone.a[::-1], rtol=0, atol=1e-14)
    grads = both.backward(run, np.ones_like(run.a))
    assert grads.x is None
    assert max(gradient_errors(both, IDS, lengths=[4, 2]).values()) < 1e-12


def test_symbols_are_read_by_the_first_layer_alone():
    with pytest.raises(TypeError, match=r"^layers\[1\]: expected a layer that reads numbers, got Embedding"):
        Deep((Dense.init(2, 5, RNG), LAYER))
    with pytest.raises(
        TypeError, match=r"^bwd: expected a layer that reads symbols, as fwd does, got one that reads n"
    ):
        Bidirectional(LAYER, RNN.init(5, 3, RNG))


def test_init_draws_rows_of_order_one_that_do_not_shrink_with_the_number_of_symbols():
    W = Embedding.init(n_x=2000, n_a=32, rng=np.random.default_rng(0), dtype=np.float32).W
    assert W.dtype == np.float32
    assert abs(W.std() - 1) < 0.02
    assert tree_map(np.zeros_like, Embedding(W)) != Embedding(W)


def test_sizes_have_names():
    assert (LAYER.n_x, LAYER.n_out, LAYER.dtype, LAYER.precision) == (5, 3, np.float64, "float64")
