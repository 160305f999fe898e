"""What all recurrent layers share beyond the contract: optional gradients, options of the cells, named errors."""

from dataclasses import fields, replace
from types import SimpleNamespace

import numpy as np
import pytest
from cell_checks import assert_trees_close, looped_run, random_layer, random_world

from rnncourse import (
    GRU,
    LSTM,
    RNN,
    Deep,
    Halves,
    gru_cell_backward,
    gru_cell_forward,
    lstm_cell_backward,
    lstm_cell_forward,
    rnn_cell_backward,
    rnn_cell_forward,
)
from rnncourse import _validation as validate
from rnncourse.layers.use_gate import UseGateCell, use_gate_cell_backward, use_gate_cell_forward
from rnncourse.records import Layer

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
    assert_trees_close((less.state, less.layer), (whole.state, whole.layer), 0)
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


CELLS = {
    "rnn": (rnn_cell_forward, rnn_cell_backward, "a_prev", "da_t"),
    "gru": (gru_cell_forward, gru_cell_backward, "c_prev", "dc_t"),
    "lstm": (lstm_cell_forward, lstm_cell_backward, "state", "dstate"),
    "use-gate": (use_gate_cell_forward, use_gate_cell_backward, "state", "dstate"),
}


def spoiled(state, change):
    return (change(state[0]), *state[1:]) if isinstance(state, tuple) else change(state)


@pytest.mark.parametrize("name", CELLS)
def test_the_cells_for_study_name_what_does_not_fit(name):
    forward, backward, prev, up = CELLS[name]
    layer, other = LAYERS[name], LAYERS["rnn" if name != "rnn" else "gru"]
    x, state, _, dstate = random_world(layer, 1, 2)
    _, cache = forward(layer, x[0], state)
    shape, dtype, kind = "expected shape", "expected dtype float64", "expected a NumPy array"
    for call, error, message in [
        (lambda: forward(other, x[0], state), TypeError, f"layer: expected {type(layer).__name__}"),
        (lambda: forward(layer, x[0].tolist(), state), TypeError, f"x_t: {kind}"),
        (lambda: forward(layer, x[0, 0], state), ValueError, f"x_t: {shape}"),
        (lambda: forward(layer, x[0, :, :1], state), ValueError, f"x_t: {shape}"),
        (lambda: forward(layer, x[0].astype(np.float32), state), TypeError, f"x_t: {dtype}"),
        (lambda: forward(layer, x[0], None), TypeError, f"{prev}: {kind}"),
        (lambda: forward(layer, x[0], spoiled(state, np.ndarray.tolist)), TypeError, rf"{prev}(\[0\])?: {kind}"),
        (lambda: forward(layer, x[0], spoiled(state, lambda s: s[:1])), ValueError, rf"{prev}(\[0\])?: {shape}"),
        (lambda: forward(layer, x[0], spoiled(state, lambda s: s[0])), ValueError, rf"{prev}(\[0\])?: {shape}"),
        (lambda: forward(layer, x[0], state, 3), TypeError, "edit: expected a function"),
        (lambda: backward(other, cache, dstate), TypeError, f"layer: expected {type(layer).__name__}"),
        (lambda: backward(layer, dstate, cache), TypeError, "cache: expected what the forward cell returned"),
        (lambda: backward(layer, cache, None), TypeError, f"{up}: {kind}"),
        (lambda: backward(layer, cache, spoiled(dstate, lambda s: s[:1])), ValueError, rf"{up}(\[0\])?: {shape}"),
        (lambda: backward(layer, cache, spoiled(dstate, np.float32)), TypeError, rf"{up}(\[0\])?: {dtype}"),
    ]:
        with pytest.raises(error, match=f"^{message}"):
            call()
    assert_trees_close(
        forward(layer, (4 * x[0]).astype(int), state)[0], forward(layer, np.trunc(4 * x[0]), state)[0], 0
    )


def test_column_biases_are_told_how_to_be_flat():
    named = {"W_aa": np.ones((3, 3)), "W_ax": np.ones((3, 2)), "b_a": np.ones((3, 1))}
    with pytest.raises(ValueError, match=r"^b_a: expected shape \(n_a,\), got \(3, 1\) \(flatten it: b_a.ravel\(\)\)$"):
        RNN.from_gates(**named)


@pytest.mark.parametrize("part", ["W_aa", "W_ax"])
def test_weights_are_given_whole_or_in_parts_but_not_both(part):
    named = {"W_a": np.ones((3, 5)), "W_aa": np.ones((3, 3)), "W_ax": np.ones((3, 2)), "b_a": np.ones(3)}
    for missing in ((), ("W_aa",) if part == "W_ax" else ("W_ax",)):
        given = {name: value for name, value in named.items() if name not in missing}
        with pytest.raises(TypeError, match=r"^W_a: expected either W_a or W_aa and W_ax, got W_a and W_a"):
            RNN.from_gates(**given)


def test_blocks_of_different_dtypes_are_refused():
    layer = LAYERS["lstm"]
    named = {f"{kind}_{g}": getattr(layer, f"{kind}_{g}") for kind in "Wb" for g in "fuoc"}
    for name in ("W_o", "b_c"):
        with pytest.raises(TypeError, match=f"^{name}: expected dtype float64, as W_f has, got float32"):
            LSTM.from_gates(**named | {name: named[name].astype(np.float32)})


def test_an_option_of_the_wrong_kind_is_named_by_from_gates_too():
    layer = LAYERS["lstm"]
    named = {f"{kind}_{g}": getattr(layer, f"{kind}_{g}") for kind in "Wb" for g in "fuoc"}
    for wrong in (1, "yes", np.ones(3)):
        with pytest.raises(TypeError, match=r"^coupled: expected True or False, got"):
            LSTM.from_gates(**named, coupled=wrong)
    with pytest.raises(TypeError, match=r"^W_q: expected one of the names W_f, b_f, .*coupled"):
        LSTM.from_gates(**named, W_q=np.ones(3))


@pytest.mark.parametrize("name", LAYERS)
def test_one_complex_parameter_makes_the_layer_complex(name):
    """Else its imaginary part would be lost on the fast path."""
    layer = LAYERS[name]
    x, state, _, _ = random_world(layer, 4, 2)
    nudged = type(layer)(**vars_of(layer) | {"b": layer.b + 1e-30j})
    assert nudged.dtype == complex
    moved = (layer.forward(x, state).a, type(layer)(**vars_of(layer) | {"b": layer.b + 1e-6}).forward(x, state).a)
    np.testing.assert_allclose(nudged.forward(x, state).a.imag * 1e30, (moved[1] - moved[0]) * 1e6, atol=1e-4)


def vars_of(layer):
    return {f.name: getattr(layer, f.name) for f in fields(layer)}


@pytest.mark.parametrize("name", LAYERS)
def test_what_step_returns_cannot_be_written(name):
    """The output is a part of the state: to write into it would change the next step."""
    layer = LAYERS[name]
    x, state, _, _ = random_world(layer, 1, 2)
    for given in (state, None):
        a, new = layer.step(x[0], given)
        for array in (a, *(new if isinstance(new, tuple) else (new,))):
            assert not array.flags.writeable
    assert all(s.flags.writeable for s in (state if isinstance(state, tuple) else (state,)))


def test_an_initializer_of_the_wrong_shape_is_named():
    with pytest.raises(ValueError, match=r"^input_init: expected .*shape .*\(3, 2\), got \(3, 6\)"):
        RNN.init(2, 3, RNG, input_init=lambda rng, shape, dtype: np.ones((3, 6)))


def test_the_state_of_pytorch_is_recognised():
    layer = Deep((LAYERS["lstm"], LSTM.init(3, 3, RNG)))
    h0 = np.zeros((2, 4, 3))
    with pytest.raises(TypeError, match=r"expected a tuple \(a, c\) of arrays, got an array.*; PyTorch's \(h0, c0\)"):
        layer.forward(np.ones((5, 4, 2)), (h0, h0))


@pytest.mark.parametrize("error", [TypeError, ValueError])
def test_a_path_grows_from_the_inside_to_the_outside(error):
    for inner, outer in (("state: bad", "state[2][0]: bad"), ("state[1]: bad", "state[2][0][1]: bad")):
        with pytest.raises(error) as caught, validate.within("state", 2), validate.within("state", 0):
            raise error(inner)
        assert str(caught.value) == outer
    for other in ("x: state", "states: bad", "state"):
        with pytest.raises(error) as caught, validate.within("state", 2):
            raise error(other)
        assert str(caught.value) == other


def test_only_things_with_all_members_are_layers():
    assert isinstance(LAYERS["rnn"], Layer)
    for wrong in (LSTM, "rnn", np.tanh, SimpleNamespace(forward=1, backward=1, zero_state=1, n_x=1, n_out=1)):
        with pytest.raises(TypeError, match=r"^mine: expected a layer, got"):
            validate.layers(mine=wrong)


@pytest.mark.parametrize("name", ["W", "b"])
def test_from_gates_takes_blocks_and_no_stacked_array(name):
    one = {"W_aa": np.ones((1, 1)), "W_ax": np.ones((1, 1)), "b_a": np.zeros(1)}
    with pytest.raises(TypeError, match=rf"^{name}: expected one of the names W_a, b_a, activation, got another one"):
        RNN.from_gates(**one, **{name: np.ones((1, 2))})


def test_a_part_of_the_final_gradient_that_is_none_is_zeros_of_the_layers_precision():
    layer = random_layer(LSTM.init(2, 3, np.random.default_rng(0), np.float32), 5)
    x, state, _, (da, dc) = random_world(layer, 4, 2, 1)
    run = layer.forward(x, state)
    for none, zeros in (((None, dc), (np.zeros_like(da), dc)), ((da, None), (da, np.zeros_like(dc)))):
        mine, theirs = layer.backward(run, None, none), layer.backward(run, None, zeros)
        assert mine == theirs  # records compare bits and dtypes


def test_a_state_that_is_no_tuple_is_told_what_pytorchs_would_be():
    layer = LSTM.init(2, 3, np.random.default_rng(0))
    with pytest.raises(
        TypeError,
        match=r"^state: expected a tuple \(a, c\) of arrays, got an array of shape \(1, 3\) and dtype float64$",
    ):
        layer.forward(np.zeros((4, 1, 2)), np.zeros((1, 3)))
    with pytest.raises(
        TypeError, match=r"got an array of shape \(2, 1, 3\) and dtype float64; PyTorch's \(h0, c0\) .*…\)$"
    ):
        layer.forward(np.zeros((4, 1, 2)), np.zeros((2, 1, 3)))


def test_a_further_parameter_of_another_shape_is_told_the_axes():
    cell = UseGateCell.init(2, 3, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"^W_u: expected shape \(n_a, n_a\)"):
        replace(cell, W_u=np.ones((3, 2)))
