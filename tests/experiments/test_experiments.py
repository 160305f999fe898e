"""What the experiments do to networks and gradients is what they say."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from rnncourse import GRU, LSTM, RNN, Dense

from . import EXPERIMENTS, hold_gates, memory_adder, memory_tests, tidy
from .agreement_distance import N_WORDS, SIGMOID, new, sensitivity, start
from .carousel_ablation import backward
from .copy_width import delayed_copy, gradient_of
from .digits_depth import images
from .digits_depth import new as new_stack
from .digits_dropout import new as dropping_stack
from .dropout_memory import gradient as masked_gradient
from .dropout_memory import masks
from .forget_bias_lag import hold
from .gaps_tagging import BOTH, NAMES, NOT_BACK, STEPS, Batch, accuracy, gradient, parameters
from .gaps_tagging import new as new_tagger
from .learning import at_the_end, pytorch
from .museum_tasks import exhibits
from .sunspot_rivals import series, windows


def test_the_network_of_sigmoids_computes_the_same_function():
    tanh, sigmoid = (new(name, np.random.default_rng(0)) for name in ("tanh, orthogonal", SIGMOID))
    x = np.random.default_rng(1).normal(size=(30, 4, N_WORDS))
    assert sigmoid[0].activation == "sigmoid"
    np.testing.assert_allclose(at_the_end(tanh, x), at_the_end(sigmoid, x, start(SIGMOID, 4)), atol=1e-12)
    sizes = [
        sensitivity(name, layer, 16, np.random.default_rng(2)) for name, (layer, _) in (("", tanh), (SIGMOID, sigmoid))
    ]
    assert sizes[0] == pytest.approx(sizes[1], rel=1e-9)


def test_the_ablated_gradient_with_nothing_taken_away_is_the_gradient():
    rng = np.random.default_rng(0)
    layer, (x, _), da = LSTM.init(2, 8, rng), hold(rng, 12), rng.normal(size=(32, 8))
    run = layer.forward(x)
    mine, right = backward(layer, run, da), layer.backward(run, None, (da, None)).layer
    np.testing.assert_allclose(mine.W, right.W, atol=1e-12)
    np.testing.assert_allclose(mine.b, right.b, atol=1e-12)


def test_the_two_ablations_take_away_what_they_say():
    rng = np.random.default_rng(0)
    layer, (x, _), da = LSTM.init(2, 8, rng), hold(rng, 12), rng.normal(size=(32, 8))
    run, last = layer.forward(x), layer.forward(x[-1:], tuple(part for part in layer.forward(x[:-1]).final))
    only_last = layer.backward(last, None, (da, None)).layer
    np.testing.assert_allclose(  # with both ways cut, the last step alone counts; so the two are two different ways
        backward(layer, last, da, "own line only").W, only_last.W, atol=1e-12
    )
    full, own, without = (
        backward(layer, run, da, name).W for name in ("full", "own line only", "without the own line")
    )
    sizes = [np.linalg.norm(W - only_last.W) for W in (own, without)]
    assert min(sizes) > 1e-6
    assert min(np.linalg.norm(full - W) for W in (own, without)) > 1e-6
    # along its own line a unit blames no other: with no W_a in the way, nothing changes
    cut = LSTM(np.concatenate([np.zeros((32, 8)), layer.W[:, 8:]], axis=1), layer.b)
    alone = cut.forward(x)
    np.testing.assert_allclose(backward(cut, alone, da, "own line only").W, backward(cut, alone, da).W, atol=1e-12)


def test_the_copying_gradients():
    rng = np.random.default_rng(0)
    model = RNN.init(1, 8, rng), Dense.init(8, 2, rng)
    batch = delayed_copy(rng)
    carried, not_carried, frozen = (
        gradient_of(model, *batch, name)[1] for name in ("carried", "not carried", "frozen")
    )
    np.testing.assert_array_equal(frozen[0].W_aa, 0)
    np.testing.assert_array_equal(frozen[0].W_ax, not_carried[0].W_ax)
    assert np.abs(not_carried[0].W_aa).max() > 0
    assert np.abs(carried[0].W - not_carried[0].W).max() > 1e-3
    np.testing.assert_array_equal(carried[1].W, not_carried[1].W)  # the output layer's gradient is right in all


def test_pytorchs_start_is_uniform_between_its_limits_and_its_two_biases_are_added():
    for layer in (
        RNN.init(3, 400, np.random.default_rng(0)),
        GRU.init(3, 400, np.random.default_rng(0), reset_after=True),
    ):
        drawn = pytorch(layer, np.random.default_rng(1))
        assert np.abs(drawn.W).max() <= 1 / 20
        assert drawn.W.std() == pytest.approx(1 / 20 / np.sqrt(3), rel=0.02)
        assert 1 / 20 < np.abs(drawn.b[:400]).max() <= 2 / 20
    assert np.abs(drawn.b[800:]).max() <= 1 / 20  # the candidate's two stay apart
    assert np.abs(drawn.b_cc).max() <= 1 / 20


def test_the_taggers_have_about_as_many_parameters_and_the_late_one_is_asked_later():
    rng = np.random.default_rng(0)
    assert all(900 <= parameters(new_tagger(name, rng)) <= 930 for name in NAMES)
    now, late = (Batch(np.random.default_rng(3), 6, k) for k in (0, 4))
    np.testing.assert_array_equal(late.tags[4:], now.tags)
    np.testing.assert_array_equal(late.counts[4:], now.counts)
    assert not late.counts[:4].any()
    np.testing.assert_array_equal(late.x[:STEPS], now.x)
    assert (late.x[STEPS:, :, 0] == 1).all()  # nothing comes
    np.testing.assert_array_equal(late.lengths, now.lengths + 4)


@pytest.mark.parametrize("name", [BOTH, NOT_BACK])
def test_the_taggers_gradient_is_that_of_their_loss(name):
    model, batch = new_tagger(name, np.random.default_rng(0)), Batch(np.random.default_rng(1), 5, 0)
    value, (layer, _) = gradient(name, model, batch)
    step = 1e-6
    moved = replace(model[0], bwd=GRU(model[0].bwd.W + step * layer.bwd.W, model[0].bwd.b))
    slope = (gradient(name, (moved, model[1]), batch)[0] - value) / step
    assert slope == pytest.approx((layer.bwd.W**2).sum(), rel=1e-3)
    assert 0 <= accuracy(name, model, batch)[1] <= 1


def test_with_nothing_dropped_the_masked_gradient_is_the_layers():
    rng = np.random.default_rng(0)
    layer, x, da = LSTM.init(5, 16, rng), rng.normal(size=(7, 3, 5)), rng.normal(size=(3, 16))
    ones = np.ones((1, 1, 1))
    _, mine, _ = masked_gradient(layer, x, (ones, ones), lambda a: (0.0, da, None))
    run = layer.forward(x)
    right = layer.backward(run, None, (da, np.zeros_like(da))).layer
    np.testing.assert_allclose(mine.W, right.W, atol=1e-12)
    for name, shape in (("a, redrawn", 7), ("a, held", 1)):
        mask, untouched = masks(name, 7, 3, rng)
        assert len(mask) == shape
        assert set(np.unique(mask)) == {0.0, 1 / 0.75}
        assert (untouched == 1).all()
    assert set(np.unique(masks("c, redrawn", 7, 3, rng)[1])) == {0.0, 1.0}


def test_the_digits_are_split_without_overlap_and_few_are_some_of_the_many():
    (few, _), (many, known), test = (images(0, 100)[0], *(images(0)[k] for k in (0, 2)))
    np.testing.assert_array_equal(few, many[:, :100])
    assert len(known) + 300 + len(test[1]) == 1797
    stack, _ = new_stack(4, "residual", np.random.default_rng(0))
    assert [stack._adds(k) for k in range(5)] == [False, True, True, True, True]


def test_layers_that_are_normalised_start_with_the_weights_of_the_plain_ones():
    kinds = ("plain", "layer norm", "layer norm, gains 0.3")
    plain, ones, small = (new_stack(4, kind, np.random.default_rng(0))[0].layers[1:] for kind in kinds)
    for layer, with_ones, with_small in zip(plain, ones, small, strict=True):
        assert not layer.layer_norm
        np.testing.assert_array_equal(with_ones.W, layer.W)
        np.testing.assert_array_equal(with_small.W, layer.W)
        for gain in ("gain_c", "gain_x"):
            assert (getattr(with_ones, gain) == 1).all()
            assert (getattr(with_small, gain) == 0.3).all()


@pytest.mark.parametrize(
    ("kind", "masks", "weights"),
    [
        ("none", None, False),
        ("between layers, new at each step", 8, False),
        ("weights along time, held", None, True),
        ("between layers, held", 1, False),
        ("between layers and weights along time, held", 1, True),
    ],
)
def test_each_kind_of_dropout_drops_what_it_says(kind, masks, weights):
    stack, _ = dropping_stack(kind, np.random.default_rng(0))
    run = stack.forward(images(0)[0][0][:, :3], rng=np.random.default_rng(1))
    assert [len(mask) for mask in run.masks] == ([masks] * 2 if masks else [])
    assert [getattr(part, "mask", None) is not None for part in run.layers] == [False, weights, weights]


@pytest.mark.parametrize("which", ["a", "c"])
def test_a_mask_that_is_held_is_one_for_all_steps(which):
    rng = np.random.default_rng(0)
    layer, x, da = LSTM.init(5, 16, rng), rng.normal(size=(7, 3, 5)), rng.normal(size=(3, 16))
    drop = masks(f"{which}, held", 7, 3, rng)
    at_each = [np.repeat(mask, 7, axis=0) for mask in drop]
    held, same = (masked_gradient(layer, x, each, lambda a: (0.0, da, None))[1] for each in (drop, at_each))
    np.testing.assert_array_equal(held.W, same.W)
    assert [(mask == 0).any() for mask in drop] == [which == "a", which == "c"]


@pytest.mark.parametrize("name", memory_tests.TASKS)
def test_the_networks_of_the_tests_of_memory_have_about_as_many_parameters(name):
    test = memory_tests.TASKS[name]
    counts = [
        sum(part.W.size + part.b.size for part in memory_tests.new(network, test, 25, np.random.default_rng(0)))
        for network in memory_tests.NETWORKS
    ]
    assert max(counts) / min(counts) < 1.2


@pytest.mark.parametrize("name", memory_tests.TASKS)
def test_the_gradients_of_the_tests_of_memory_are_those_of_their_losses(name):
    test = memory_tests.TASKS[name]
    batch = test.draw(4, 12, np.random.default_rng(0))
    out = np.random.default_rng(1).normal(size=(*batch.mask.shape, test.n_y))
    slope, step = memory_tests.loss_of(test, out, batch)[1], 1e-6
    for place in zip(*np.nonzero(np.abs(slope) > 1e-3), strict=True):
        moved = out.copy()
        moved[place] += step
        found = (memory_tests.loss_of(test, moved, batch)[0] - memory_tests.loss_of(test, out, batch)[0]) / step
        assert found == pytest.approx(slope[place], rel=1e-3)


def test_the_long_strings_are_long_and_a_perfect_answer_is_right():
    test = memory_tests.TASKS["reber"]
    batch = memory_tests.long_reber(40, 20, np.random.default_rng(0))
    assert (batch.lengths >= 19).all()
    best, _ = memory_tests.loss_of(test, np.where(batch.y > 0, 0.0, -1e3), batch)
    forks = (batch.lengths - 4).sum()  # a string of N letters has N - 1 to be predicted and N - 5 forks
    assert best == pytest.approx(forks * np.log(2) / batch.lengths.sum())


def test_a_wired_adder_is_found_and_needed_and_the_others_are_not():
    rng = np.random.default_rng(0)
    W, b = np.zeros((16, 6)), np.zeros(16)  # blocks f, u, o, c; columns of a, then the number and the mark
    b[0], b[4], b[8], b[12] = 30, -15, 30, -0.05
    W[4, 5], W[12, 4] = (
        30,
        0.1,
    )  # unit 0: the mark opens the update gate, the candidate is a tenth of the number less 1/2
    W[[1, 2, 3, 13, 14, 15]] = rng.normal(size=(6, 6))
    W[:, 0] = 0  # nobody reads the adder
    reader = np.zeros((1, 4))
    reader[0, 0] = 10.0
    model = LSTM(W, b), Dense(reader, np.array([1.0]))
    x, y = memory_adder.examples(25, 0)
    x = x.astype(float)
    share = memory_adder.follows(model[0].forward(x).c, x[..., 0], x[..., 1] > 0)
    assert share.argmax() == 0
    assert share[0] > 0.999
    assert share[1:].max() < 0.9
    losses = {held: memory_adder.loss(model, x, y, held, 0) for held in memory_adder.HELD}
    assert losses[memory_adder.NOTHING] < 1e-3
    assert losses[memory_adder.OTHERS] == pytest.approx(losses[memory_adder.NOTHING])
    assert losses[memory_adder.ADDER] == pytest.approx(1, abs=0.15)
    assert losses[memory_adder.READ] == pytest.approx(losses[memory_adder.NOTHING])


def test_the_museum_hangs_in_the_chapter():
    assert list(exhibits()) == list(range(14))


def test_a_window_ends_with_the_year_before_its_target():
    scaled = series()[2]
    assert windows(9).shape == (len(scaled) - 1, 9)
    np.testing.assert_array_equal(windows(9)[20], scaled[20:11:-1])


def test_an_interrupted_experiment_goes_on_where_it_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(tidy, "BOOK", tmp_path)
    made = []

    def run(seed):
        made.append(seed)
        if made == [0, 1]:
            raise KeyboardInterrupt
        return {"double": 2 * seed}

    small = replace(EXPERIMENTS["copy-width"], name="small", grid=tuple({"seed": k} for k in range(3)), run=run)
    clock = iter(range(0, 1000, 30))
    monkeypatch.setattr(tidy.time, "monotonic", lambda: next(clock))
    with pytest.raises(KeyboardInterrupt):
        tidy.make(small)
    assert not small.path.exists()
    tidy.make(small)
    assert made == [0, 1, 1, 2]
    about, rows = tidy.read(small.path)
    assert rows == [{"seed": k, "double": 2 * k} for k in range(3)]
    assert about["seeds"] == [0, 1, 2]
    assert [path.name for path in small.path.parent.iterdir()] == ["small.jsonl"]
    assert json.loads(small.path.read_text().splitlines()[0])["command"] == "make experiments NAMES=small"


def test_holding_what_is_read_of_a_takes_away_only_what_tells_sequences_apart():
    rng = np.random.default_rng(0)
    model = LSTM.init(2, 8, rng), Dense.init(8, 1, rng)
    x, y = hold(np.random.default_rng(2), 10, 4)
    kept, held = (hold_gates.loss(model, x, y, name) for name in ("nothing", hold_gates.READ))
    assert abs(kept - held) > 1e-6
    alike = np.repeat(x[:, :1], 4, axis=1)
    kept, held = (hold_gates.loss(model, alike, y, name) for name in ("nothing", hold_gates.READ))
    assert kept == pytest.approx(held, rel=1e-12)
