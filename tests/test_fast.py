"""The fast path against the looped cells: every layer that has one, every option, shape, length and chunk."""

from unittest import mock

import numpy as np
import pytest
from cell_checks import assert_trees_close, looped_run, random_layer, random_world
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncourse import GRU, LSTM, RNN, Workspace, gru_cell_forward, tree_map
from rnncourse.activations import ACTIVATIONS
from rnncourse.layers.fast import tape

LAYERS = {f"rnn-{g}": lambda *args, g=g: RNN.init(*args, activation=g) for g in ACTIVATIONS}
LAYERS |= {f"gru-{after}": lambda *args, after=after: GRU.init(*args, reset_after=after) for after in (False, True)}
LAYERS |= {
    f"lstm-{p}-{c}": lambda *args, p=p, c=c: LSTM.init(*args, peepholes=bool(p), coupled=bool(c))
    for p in ("", "peepholes")
    for c in ("", "coupled")
}
TOLERANCE = {np.float64: 1e-12, np.float32: 1e-5}


def make(name, n_x, n_a, dtype=np.float64, seed=0):
    scale = 0.4 if name in ("rnn-relu", "rnn-identity") else 1.0  # nothing saturates there: states would grow
    return random_layer(LAYERS[name](n_x, n_a, np.random.default_rng(0), dtype), seed, scale)


def assert_fast_equals_looped(layer, x, state, da, dfinal, lengths=None, workspace=None):
    run, loop = layer.forward(x, state, lengths, workspace=workspace), looped_run(layer, x, state, lengths)
    assert run.tape
    tol = TOLERANCE[layer.dtype.type]
    assert_trees_close((run.a, run.final, run.parts), (loop.a, loop.final, loop.parts), tol)
    for quantity in layer.quantities:
        assert_trees_close(getattr(run, quantity), getattr(loop, quantity), tol)
    assert loop.tape == ()  # then backward loops the cell too
    assert_trees_close(layer.backward(run, da, dfinal), layer.backward(loop, da, dfinal), tol)


@st.composite
def settings_of_a_pass(draw):
    T, B = draw(st.integers(0, 7)), draw(st.integers(0, 4))
    return {
        "sizes": (T, B, draw(st.integers(1, 4)), draw(st.integers(1, 4))),
        "lengths": draw(st.none() | st.lists(st.integers(0, T), min_size=B, max_size=B)),
        "dtype": draw(st.sampled_from(list(TOLERANCE))),
        "seed": draw(st.integers(0, 2**32)),
        "chunk": draw(st.sampled_from([0, 1000, 1 << 19])),  # bytes: one step at a time, a few, all
        "workspace": draw(st.booleans()),
    }


@pytest.mark.parametrize("name", LAYERS)
@settings(max_examples=40, derandomize=True, deadline=None, database=None)
@given(options=settings_of_a_pass())
def test_the_fast_path_equals_the_looped_cells(name, options):
    T, B, n_x, n_a = options["sizes"]
    layer = make(name, n_x, n_a, options["dtype"], options["seed"])
    world = random_world(layer, T, B, options["seed"])
    workspace = Workspace() if options["workspace"] else None
    with mock.patch.object(tape, "CHUNK_BYTES", options["chunk"]):
        assert_fast_equals_looped(layer, *world, options["lengths"], workspace)


@pytest.mark.parametrize("name", LAYERS)
def test_it_equals_them_over_chunks_of_the_real_size(name):
    layer = make(name, 3, 16)
    layer = tree_map(lambda p: p / 4, layer)
    x, state, da, dfinal = random_world(layer, 250, 24)
    assert 2 < 250 / tape.chunk_steps(250, 3 * x[0, :, 0].size * 16 * 8) < 250
    assert_fast_equals_looped(layer, x, state, da, dfinal, np.linspace(0, 250, 24).astype(int))


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("B", [1, 3])
def test_any_layout_of_the_inputs_gives_the_same(name, B):
    layer = make(name, 2, 3)
    world = random_world(layer, 5, B)
    plain = layer.forward(*world[:2])
    expected = plain.a, plain.final, layer.backward(plain, *world[2:])

    def strided(array):
        wide = np.full((*array.shape[:-1], 2 * array.shape[-1]), np.nan)
        wide[..., ::2] = array
        return wide[..., ::2]

    for layout in (strided, np.asfortranarray, lambda v: v[::-1].copy()[::-1], lambda v: v.astype(">f8")):
        x, state, da, dfinal = tree_map(layout, world)
        run = layer.forward(x, state)
        assert_trees_close((run.a, run.final, layer.backward(run, da, dfinal)), expected, 1e-14)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("B", [1, 3])
def test_fast_steps_equal_the_cell(name, dtype, B):
    layer = make(name, 2, 3, dtype)
    x, state, _, _ = random_world(layer, 4, B)
    mine = theirs = state
    for x_t in x:
        a_t, mine = layer.step(x_t, mine)
        theirs, _ = layer.cell_forward(x_t, theirs)
        assert_trees_close(mine, theirs, TOLERANCE[dtype])
        assert_trees_close(a_t, theirs[0] if isinstance(theirs, tuple) else theirs, TOLERANCE[dtype])


@pytest.mark.parametrize("name", LAYERS)
def test_complex_numbers_loop_the_cell(name):
    """A complex x, a complex state and complex parameters, each alone."""
    layer = make(name, 2, 3)
    x, state, _, _ = random_world(layer, 4, 2)
    plain = layer.forward(x, state, [4, 2])

    def turned(array):
        return array.astype(complex)

    for args in ((layer, turned(x), state), (layer, x, tree_map(turned, state)), (tree_map(turned, layer), x, state)):
        run = args[0].forward(*args[1:], [4, 2])
        assert run.tape == ()
        assert run.a.dtype == complex
        np.testing.assert_allclose(run.a, plain.a, atol=1e-13)
        assert args[0].step(args[1][0], args[2])[0].dtype == complex


@pytest.mark.parametrize(("bytes_a_step", "steps"), [(0, 9), (1, 9), (100, 9), (300, 3), (1000, 1), (10**9, 1)])
def test_a_chunk_is_what_fits_and_at_least_a_step(bytes_a_step, steps):
    with mock.patch.object(tape, "CHUNK_BYTES", 1000):
        assert tape.chunk_steps(9, bytes_a_step) == steps


@pytest.mark.parametrize("size", [1.0, 1e6, 1e12])
def test_the_gru_keeps_the_digits_of_the_candidate_beside_a_large_state(size):
    rng = np.random.default_rng(0)
    W, b = np.zeros((9, 5)), np.zeros(9)
    b[:3], W[6:, 3:] = 50.0, rng.standard_normal((3, 2))  # the update gate is 1, the candidate does not read the state
    layer, x, c0 = GRU(W, b), rng.standard_normal((4, 2, 2)), np.full((2, 3), size)
    run, state = layer.forward(x, c0), c0
    for t in range(4):
        state, _ = gru_cell_forward(layer, x[t], state)
        np.testing.assert_allclose(run.a[t], state, rtol=0, atol=1e-12)
    stepped, _ = layer.step(x[0], c0)
    np.testing.assert_allclose(stepped, run.a[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("lengths", [None, [7, 0, 4, 5]], ids=["full", "padded"])
@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("name", LAYERS)
def test_the_size_of_a_chunk_of_slopes_changes_no_gradient(monkeypatch, name, steps, lengths):
    layer = make(name, 3, 2)
    x, state, da, dfinal = random_world(layer, 7, 4)
    run = layer.forward(x, state, lengths)
    whole = layer.backward(run, da, dfinal)
    sizes = []

    def small(T, bytes_a_step):
        assert isinstance(bytes_a_step, int)
        sizes.append(min(T, steps))
        return sizes[-1]

    for module in ("rnn", "gru", "lstm"):
        monkeypatch.setattr(f"rnncourse.layers.fast.{module}.chunk_steps", small)
    assert_trees_close(layer.backward(run, da, dfinal), whole, 1e-14)
    assert sizes == [steps]


@pytest.mark.parametrize(
    ("steps", "each", "size"),
    [(10, 1 << 17, 4), (3, 1 << 17, 3), (9, 1 << 30, 1), (0, 8, 1), (5, 0, 5), (1 << 19, 1, 1 << 19)],
)
def test_chunks_fit_the_cache_and_have_a_step_at_least(steps, each, size):
    assert tape.chunk_steps(steps, each) == size
