"""What the layers with a cell have in common: single steps, options, the record of a run, examples without steps."""

import numpy as np
import pytest
from cell_checks import assert_trees_close, random_layer, random_world

from rnncourse import GRU, LSTM, RNN, Dense, tree_map
from rnncourse import _validation as validate
from rnncourse.records import named_leaves

LENGTHS = [7, 0, 4, 5]
RNG = np.random.default_rng(5)
LAYERS = {
    "rnn": random_layer(RNN.init(3, 2, RNG)),
    "rnn-sigmoid": random_layer(RNN.init(3, 2, RNG, activation="sigmoid")),
    "gru": random_layer(GRU.init(3, 2, RNG)),
    "gru-reset-after": random_layer(GRU.init(3, 2, RNG, reset_after=True)),
    "lstm": random_layer(LSTM.init(3, 2, RNG)),
    "lstm-peepholes": random_layer(LSTM.init(3, 2, RNG, peepholes=True)),
    "lstm-coupled": random_layer(LSTM.init(3, 2, RNG, coupled=True)),
}


def options(layer):
    return [getattr(layer, name, None) for name in ("activation", "coupled", "reset_after", "blocks")]


@pytest.mark.parametrize("which", ["W", "x", "state"])
@pytest.mark.parametrize("name", LAYERS)
def test_a_complex_step_goes_through_step(name, which):
    """One argument of step is complex: its derivative is that of a sequence of one step."""
    layer = LAYERS[name]
    x, state, _, _ = random_world(layer, 1, 4)

    def nudge(p):
        return p + 1e-30j * np.cos(np.arange(p.size)).reshape(p.shape)

    given = {"W": layer, "x": x, "state": state}
    given[which] = tree_map(nudge, given[which])
    a, new = given["W"].step(given["x"][0], given["state"])
    run = given["W"].forward(given["x"], given["state"])
    assert np.abs(a.imag).max() > 1e-32
    for mine, other in zip(named_leaves((a, new)), named_leaves((run.a[0], run.final)), strict=True):
        np.testing.assert_allclose(mine[1].real, other[1].real, rtol=0, atol=1e-14)
        np.testing.assert_allclose(mine[1].imag / 1e-30, other[1].imag / 1e-30, rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", LAYERS)
def test_a_plain_step_goes_without_the_full_checks(monkeypatch, name):
    """They would take most of its time; where anything is unusual, they are made."""
    layer = LAYERS[name]
    x, state, _, _ = random_world(layer, 1, 4)
    expected = layer.step(x[0], state)
    asked = []

    def noted(name, value, *args, check=validate.numbers, **options):
        asked.append(name)
        return check(name, value, *args, **options)

    monkeypatch.setattr(validate, "numbers", noted)
    assert_trees_close(layer.step(x[0], state), expected, 0)
    assert asked == []
    layer.step(x[0])
    assert asked[0] == "x_t"


@pytest.mark.parametrize("name", LAYERS)
def test_the_methods_of_a_layer_are_the_functions_of_its_cell(name):
    """cell_forward and cell_backward: one step, as a sequence of one step has it."""
    layer = LAYERS[name]
    x, state, da, dfinal = random_world(layer, 1, 4)
    seen = {}

    def note(name, value):
        seen[name] = value
        return value

    new, cache = layer.cell_forward(x[0], state, note)
    assert sorted(seen) == sorted(layer.quantities)
    named = {field: value for field, value in cache._asdict().items() if field.removesuffix("_t") in seen}
    assert {field: value.tobytes() for field, value in named.items()} == {
        field: seen[field.removesuffix("_t")].tobytes() for field in named
    }
    assert_trees_close(new, layer.forward(x, state).final, 1e-14)
    arriving = (da[0] + dfinal[0], dfinal[1]) if isinstance(dfinal, tuple) else da[0] + dfinal
    dx, dstate, d = layer.cell_backward(cache, arriving)
    grads = layer.backward(layer.forward(x, state), da, dfinal)
    assert_trees_close((dx, dstate, d.layer), (grads.x[0], grads.state, grads.layer), 1e-13)
    assert options(d.layer) == options(layer)


@pytest.mark.parametrize("name", LAYERS)
def test_previous_states_begin_with_the_start_and_leave_out_the_last(name):
    layer = LAYERS[name]
    x, state, _, _ = random_world(layer, 7, 4)
    run = layer.forward(x, state, LENGTHS)
    letters = layer.state_letters
    for letter, start, whole in zip(letters, run.layer._unpack("state", state, 4), run.parts, strict=True):
        before = getattr(run, f"{letter}_prev")
        assert before.shape == (7, 4, 2)
        np.testing.assert_array_equal(before[0], start)
        np.testing.assert_array_equal(before[1:], whole[1:-1])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("bad", [np.nan, np.inf, 1.7e308])
@pytest.mark.parametrize("name", LAYERS)
def test_the_final_gradient_of_an_example_without_steps_reaches_nothing_but_its_start(name, bad):
    """A choice, not a product with zero: where no step was taken, even NaN stays out of dx and the parameters."""
    layer = LAYERS[name]
    x, state, da, dfinal = random_world(layer, 7, 4)

    def spoil(d):
        d = d.copy()
        d[LENGTHS.index(0)] = bad
        return d

    run = layer.forward(x, state, LENGTHS)
    clean, spoilt = layer.backward(run, da, dfinal), layer.backward(run, da, tree_map(spoil, dfinal))
    assert spoilt.x.tobytes() == clean.x.tobytes()
    assert spoilt.layer == clean.layer
    tree_map(lambda d: np.testing.assert_array_equal(d[LENGTHS.index(0)], bad), spoilt.state)


@pytest.mark.parametrize("name", [*LAYERS, "dense"])
def test_gradients_keep_the_options_of_their_layer(name):
    layer = LAYERS.get(name) or Dense(np.ones((2, 3)), np.zeros(2), "relu")
    x, _, da, _ = random_world(layer, 7, 4)
    grads = layer.backward(layer.forward(x), da).layer
    assert options(grads) == options(layer)
    assert Dense.init(2, 3, np.random.default_rng(0)).activation == "identity"


@pytest.mark.parametrize("name", LAYERS)
def test_every_named_quantity_is_that_of_the_cells_and_zero_in_the_padding(name):
    layer = LAYERS[name]
    x, state, _, _ = random_world(layer, 7, 4)
    run = layer.forward(x, state, LENGTHS)
    inside = np.arange(7)[:, None] < LENGTHS
    for t in range(7):
        named = {}

        def note(quantity, value, named=named):
            named[quantity] = value
            return value

        state = layer.cell_forward(x[t], run.layer._pack([part[t] for part in run.parts]), note)[0]
        assert sorted(named) == sorted(run.quantities)
        for quantity, value in named.items():
            found = getattr(run, quantity)[t]
            np.testing.assert_allclose(found[inside[t]], value[inside[t]], rtol=0, atol=1e-14, err_msg=quantity)
            assert (found[~inside[t]] == 0).all(), quantity
    assert not hasattr(run, "q_prev")
    assert not hasattr(run, "z_q")
