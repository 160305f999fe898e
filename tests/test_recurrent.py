"""What all recurrent layers share beyond the contract: optional gradients, options of the cells, named errors."""

import numpy as np
import pytest
from cell_checks import assert_trees_close, looped_run, random_layer, random_world

from rnncourse import GRU, LSTM, RNN, Halves
from rnncourse.layers.use_gate import UseGateCell

RNG = np.random.default_rng(0)
LAYERS = {
    "rnn": RNN.init(2, 3, RNG),
    "rnn-sigmoid": RNN.init(2, 3, RNG, activation="sigmoid"),
    "gru": GRU.init(2, 3, RNG),
    "gru-after": GRU.init(2, 3, RNG, reset_after=True),
    "lstm": LSTM.init(2, 3, RNG),
    "lstm-options": LSTM.init(2, 3, RNG, peepholes=True, coupled=True),
    "use-gate": UseGateCell.init(2, 3, RNG),
}
LAYERS = {name: random_layer(layer, 5) for name, layer in LAYERS.items()}
HALVES = {f"halves-{name}": Halves(LAYERS[name], least=0) for name in ("rnn", "lstm")}
PAIRS = [name for name, layer in (LAYERS | HALVES).items() if isinstance(layer.zero_state(1), tuple)]


def world(name, lengths=None):
    layer = (LAYERS | HALVES)[name]
    x, state, da, dfinal = random_world(layer, 5, 3)
    return layer, layer.forward(x, state, lengths), da, dfinal


@pytest.mark.parametrize("lengths", [None, [5, 0, 2]], ids=["full", "padded"])
@pytest.mark.parametrize("name", LAYERS | HALVES)
def test_no_gradient_of_the_outputs_stands_for_zeros(name, lengths):
    layer, run, da, dfinal = world(name, lengths)
    assert layer.backward(run, None, dfinal) == layer.backward(run, np.zeros_like(da), dfinal)
    assert np.abs(layer.backward(run, None, dfinal).x).max() > 1e-3


@pytest.mark.parametrize("name", PAIRS)
def test_none_for_a_part_of_dfinal_stands_for_zeros(name):
    layer, run, da, (dfinal_a, dfinal_c) = world(name)
    zero = np.zeros_like(dfinal_a)
    assert layer.backward(run, da, (None, dfinal_c)) == layer.backward(run, da, (zero, dfinal_c))
    assert layer.backward(run, None, (dfinal_a, None)) == layer.backward(run, np.zeros_like(da), (dfinal_a, zero))
    assert layer.backward(run, da, (None, None)) == layer.backward(run, da)


@pytest.mark.parametrize("name", LAYERS | HALVES)
def test_no_gradient_at_all_is_refused(name):
    layer, run, _, _ = world(name)
    for nothing in [None, *([(None, None)] if name in PAIRS else [])]:
        with pytest.raises(ValueError, match=r"^da, dfinal: expected a gradient in at least one of them, got None in"):
            layer.backward(run, None, nothing)


@pytest.mark.parametrize("lengths", [None, [5, 0, 2]], ids=["full", "padded"])
@pytest.mark.parametrize("name", LAYERS | HALVES)
def test_the_gradient_of_the_inputs_can_be_left_out(name, lengths):
    layer, run, da, dfinal = world(name, lengths)
    whole, less = layer.backward(run, da, dfinal), layer.backward(run, da, dfinal, inputs=False)
    assert less.x is None
    assert (less.state, less.layer) == (whole.state, whole.layer)
    assert layer.backward(run, da, dfinal, inputs=True) == whole
    with pytest.raises(TypeError, match=r"^inputs: expected True or False, got int 0"):
        layer.backward(run, da, dfinal, inputs=0)


@pytest.mark.parametrize("name", LAYERS)
def test_a_looped_run_leaves_them_out_as_well(name):
    layer = LAYERS[name]
    x, state, da, _ = random_world(layer, 5, 3)
    run = looped_run(layer, x, state)
    whole, less = layer.backward(run, da), layer.backward(run, da, inputs=False)
    assert less.x is None
    assert_trees_close((less.state, less.layer), (whole.state, whole.layer), 0)
