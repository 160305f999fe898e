"""The training loop: its record, its bar, where it stops and how it goes on."""

import sys

import numpy as np
import pytest

from rnncourse import RNN, Deep, Dense
from rnncourse.losses import squared_error
from rnncourse.optimizers import SGD, Adam
from rnncourse.training import train

W = np.array([4.0, -2.0])


def bowl(w, k):
    return float(w @ w) / 2, w


def test_losses_and_norms_are_those_before_each_update():
    done = train(W, bowl, SGD(0.5), steps=3)
    np.testing.assert_array_equal(done.losses, [10, 2.5, 0.625])
    np.testing.assert_allclose(done.norms, np.sqrt([20, 5, 1.25]), rtol=1e-15)
    np.testing.assert_array_equal(done.model, W / 8)


def test_no_steps_return_the_model_as_it_is():
    done = train(W, bowl, Adam(), steps=0)
    np.testing.assert_array_equal(done.model, W)
    assert len(done.losses) == len(done.norms) == done.state.steps == 0


def test_each_step_is_told_its_number():
    seen = []
    train(W, lambda w, k: (seen.append(k) or 0.0, w), SGD(0.1), steps=3)
    done = train(W, lambda w, k: (seen.append(k) or float(k), w), SGD(0.1), steps=2, start=7)
    assert seen == [0, 1, 2, 7, 8]
    assert list(done.losses) == [7, 8]
    with pytest.raises(FloatingPointError, match="at step 4"):
        train(W, lambda w, k: (np.nan, w), SGD(0.1), steps=1, start=4)
    with pytest.raises(ValueError, match="start: expected an integer of at least 0"):
        train(W, bowl, SGD(0.1), steps=1, start=-1)


def test_clipping_shortens_the_step_and_the_norm_is_that_before():
    done = train(W, bowl, SGD(1.0), steps=1, max_norm=1.0)
    assert done.norms[0] == pytest.approx(np.sqrt(20))
    np.testing.assert_allclose(done.model, W - W / np.sqrt(20), rtol=1e-15)


@pytest.mark.parametrize("optimizer", [SGD(0.1), SGD(0.1, 0.9), Adam(0.1)], ids=repr)
def test_going_on_with_the_state_equals_one_longer_run(optimizer):
    whole = train(W, bowl, optimizer, steps=7)
    first = train(W, bowl, optimizer, steps=3)
    second = train(first.model, lambda w, k: bowl(w, k + 3), optimizer, steps=4, state=first.state)
    np.testing.assert_array_equal(second.model, whole.model)
    np.testing.assert_array_equal(np.concatenate([first.losses, second.losses]), whole.losses)
    np.testing.assert_array_equal(np.concatenate([first.norms, second.norms]), whole.norms)


def test_a_network_learns_to_delay_its_input_by_a_step():
    rng = np.random.default_rng(0)
    net = Deep((RNN.init(1, 8, rng), Dense.init(8, 1, rng)))
    x = rng.standard_normal((20, 8, 1))

    def loss_and_gradients(net, k):
        run = net.forward(x)
        loss = squared_error(run.a[1:], x[:-1], reduction="mean")
        return loss.value, net.backward(run, np.concatenate([np.zeros((1, 8, 1)), loss.dz])).layer

    done = train(net, loss_and_gradients, Adam(0.02), steps=150, max_norm=1.0)
    assert type(done.model) is Deep
    assert done.losses[-1] < 0.02 * done.losses[0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_loss_that_is_not_finite_names_the_step(bad):
    with pytest.raises(FloatingPointError, match=f"^loss: expected a finite number at step 2, got {bad}"):
        train(W, lambda w, k: (bad if k == 2 else 1.0, w), SGD(0.1), steps=5)


def test_a_gradient_that_is_not_finite_names_array_and_step_when_it_is_clipped():
    def sick(w, k):
        return 1.0, {"w": np.array([1, np.nan if k == 2 else 1])}

    with pytest.raises(FloatingPointError, match=r"^grads\.w: expected finite numbers, got nan at \(1,\), at step 2"):
        train({"w": W}, sick, SGD(0.1), steps=5, max_norm=1.0)


@pytest.mark.parametrize(("steps", "error"), [(-1, ValueError), (1.5, TypeError), (None, TypeError), (True, TypeError)])
def test_a_bad_number_of_steps_is_refused(steps, error):
    with pytest.raises(error, match=r"^steps: expected an integer of at least 0, got"):
        train(W, bowl, SGD(0.1), steps=steps)


def test_the_bar_goes_to_standard_error_and_changes_nothing(capsys):
    pytest.importorskip("tqdm")
    done = train(W, bowl, SGD(0.5), steps=3, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "3/3" in err
    assert "step" in err
    assert done == train(W, bowl, SGD(0.5), steps=3)
    assert capsys.readouterr() == ("", "")


def test_a_missing_tqdm_is_an_import_error_that_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(ImportError, match=r'^progress needs tqdm: pip install "rnncourse\[progress\]"$'):
        train(W, bowl, SGD(0.1), steps=1, progress=True)
    assert len(train(W, bowl, SGD(0.1), steps=1).losses) == 1
