"""Bidirectional layers beyond the contract: each stream against the layer alone, and the symmetry of time."""

import numpy as np
import pytest
from cell_checks import assert_trees_close, random_layer, random_world

from rnncourse import GRU, LSTM, RNN, Bidirectional, Deep, Dense
from rnncourse.gradcheck import gradient_errors
from rnncourse.layers.bidirectional import reverse

RNG = np.random.default_rng(0)
FWD, BWD = random_layer(LSTM.init(2, 3, RNG), 1), random_layer(GRU.init(2, 4, RNG, reset_after=True), 2)
LAYER = Bidirectional(FWD, BWD)
LENGTHS = [5, 0, 2, 3]


def test_each_stream_is_its_layer_alone_on_each_example():
    x, state, _, _ = random_world(LAYER, 5, 4)
    run = LAYER.forward(x, state, LENGTHS)
    for k, n in enumerate(LENGTHS):
        one = slice(k, k + 1)
        forwards = FWD.forward(x[:n, one], tuple(s[one] for s in state[0]))
        backwards = BWD.forward(x[:n, one][::-1], state[1][one])
        np.testing.assert_allclose(run.a[:n, one, :3], forwards.a, atol=1e-14)
        np.testing.assert_allclose(run.a[:n, one, 3:], backwards.a[::-1], atol=1e-14)
        assert (run.a[n:, k] == 0).all()
        assert_trees_close(tuple(s[one] for s in run.final[0]), forwards.final, 1e-14)
        assert_trees_close(run.final[1][one], backwards.final, 1e-14)


def test_the_backward_stream_starts_at_each_examples_own_end():
    x, _, _, _ = random_world(LAYER, 5, 4)
    last = LAYER.forward(x, None, LENGTHS).a
    for k, n in ((0, 5), (2, 2), (3, 3)):
        first_step, _ = BWD.step(x[n - 1, k : k + 1])
        np.testing.assert_allclose(last[n - 1, k : k + 1, 3:], first_step, atol=1e-14)


def test_reversed_time_swaps_the_streams():
    x, (state_f, state_b), da, (df, db) = random_world(LAYER, 5, 4)
    ends = np.array(LENGTHS)
    mirror = Bidirectional(BWD, FWD)
    run = LAYER.forward(x, (state_f, state_b), ends)
    other = mirror.forward(reverse(x, ends), (state_b, state_f), ends)

    def swapped(a, n):
        return np.concatenate([a[..., n:], a[..., :n]], axis=-1)

    np.testing.assert_array_equal(run.a, swapped(reverse(other.a, ends), 4))
    assert_trees_close(run.final, other.final[::-1], 0)
    mine = LAYER.backward(run, da, (df, db))
    theirs = mirror.backward(other, swapped(reverse(da, ends), 3), (db, df))
    np.testing.assert_allclose(mine.x, reverse(theirs.x, ends), atol=1e-14)
    assert_trees_close((mine.state, mine.layer.fwd), (theirs.state[::-1], theirs.layer.bwd), 0)


def test_every_named_quantity_is_there_in_both_directions_and_zero_in_the_padding():
    x, _, _, _ = random_world(LAYER, 5, 4)
    run = LAYER.forward(x, None, LENGTHS)
    outside = np.arange(5)[:, None] >= np.array(LENGTHS)
    for stream in (run.fwd, run.bwd):
        for name in stream.quantities:
            values = getattr(stream, name)
            assert (values[outside] == 0).all(), name
            assert (values[~outside] != 0).any(), name
    np.testing.assert_allclose(run.bwd.gate_u[0, 2], BWD.forward(x[1:2, 2:3]).gate_u[0, 0], atol=1e-14)
    np.testing.assert_array_equal(run.x, run.fwd.x)
    assert run.lengths.tolist() == LENGTHS


def test_start_states_may_be_given_for_one_stream_alone():
    x, (state_f, state_b), _, _ = random_world(LAYER, 5, 4)
    zeros_f, zeros_b = LAYER.zero_state(4)
    assert LAYER.forward(x, (state_f, None)) == LAYER.forward(x, (state_f, zeros_b))
    assert LAYER.forward(x, (None, state_b)) == LAYER.forward(x, (zeros_f, state_b))


def test_a_step_is_refused_also_inside_a_deep_layer():
    for layer in (LAYER, Deep((LAYER, Dense.init(7, 1, RNG))), Bidirectional(LAYER, LAYER)):
        with pytest.raises(TypeError, match=r"^step: expected a layer that reads forwards, got a bidirectional one"):
            layer.step(np.zeros((1, 2)))


def test_it_nests():
    inner = Bidirectional(LAYER, Dense.init(2, 1, RNG))
    x, state, da, dfinal = random_world(inner, 4, 2)
    run = inner.forward(x, state, [4, 2])
    assert (inner.n_x, inner.n_out, inner.dtype, run.a.shape) == (2, 8, np.float64, (4, 2, 8))
    grads = inner.backward(run, da, dfinal)
    assert type(grads.layer.fwd) is Bidirectional
    assert_trees_close(run.a[..., :7], LAYER.forward(x, state[0], [4, 2]).a, 0)


@pytest.mark.parametrize("lengths", [None, [5, 5], [5, 0], [3, 1]])
def test_reversing_twice_gives_back_the_sequence(lengths):
    x = RNG.standard_normal((5, 2, 3))
    ends = None if lengths is None else np.array(lengths)
    once = reverse(x, ends)
    np.testing.assert_array_equal(reverse(once, ends), x)
    for k, n in enumerate(lengths or [5, 5]):
        np.testing.assert_array_equal(once[:n, k], x[:n, k][::-1])
        np.testing.assert_array_equal(once[n:, k], x[n:, k])


@pytest.mark.parametrize(
    ("fwd", "bwd", "error", "message"),
    [
        (FWD, RNN.init(3, 4, RNG), ValueError, "bwd: expected n_x = 2 inputs, as fwd has, got 3"),
        (FWD, RNN.init(2, 4, RNG, np.float32), TypeError, "bwd: expected dtype float64, as fwd has, got float32"),
        (FWD, None, TypeError, "bwd: expected a layer, got None"),
        (np.ones(3), BWD, TypeError, "fwd: expected a layer, got an array"),
        ((FWD, BWD), BWD, TypeError, "fwd: expected a layer, got tuple"),
    ],
)
def test_layers_that_do_not_fit_are_refused(fwd, bwd, error, message):
    with pytest.raises(error, match=f"^{message}"):
        Bidirectional(fwd, bwd)


@pytest.mark.parametrize("sizes", [(2, 5), (5, 2)])
@pytest.mark.parametrize("lengths", [None, [7, 0, 4, 5]], ids=["full", "padded"])
def test_bidirectional_layers_of_different_sizes(sizes, lengths):
    rng = np.random.default_rng(0)
    layer = Bidirectional(random_layer(GRU.init(3, sizes[0], rng)), random_layer(LSTM.init(3, sizes[1], rng), 1))
    x, state, da, dfinal = random_world(layer, 7, 4)
    errors = gradient_errors(layer, x, state, da, dfinal, lengths)
    assert max(errors.values()) <= 1e-12, errors


def test_reverse_wants_a_length_for_every_example():
    x = np.arange(24.0).reshape(4, 3, 2)
    for bad, error, message in (
        (np.array([2]), ValueError, r"lengths: expected shape \(B,\) = \(3,\), got \(1,\)"),
        ([5, 1, 1], ValueError, "lengths: expected integers from 0 to T = 4, got 5"),
        (np.ones(3), TypeError, "lengths: expected integers, got dtype float64"),
    ):
        with pytest.raises(error, match=f"^{message}"):
            reverse(x, bad)
    with pytest.raises(ValueError, match=r"^x: expected shape \(T, B, n\) or \(T, B\), got \(4,\)"):
        reverse(np.arange(4), None)
    np.testing.assert_array_equal(reverse(x, [2, 0, 4])[..., 0], reverse(x[..., 0], np.array([2, 0, 4])))


def test_only_a_generator_is_a_generator():
    with pytest.raises(TypeError, match=r"^rng: expected a numpy\.random\.Generator"):
        LAYER.forward(np.zeros((1, 1, 2)), rng=0)
    generator = np.random.default_rng(0)
    LAYER.forward(np.zeros((1, 1, 2)), rng=generator)
    assert generator.random() == np.random.default_rng(0).random()
    assert not LAYER.drops_out
