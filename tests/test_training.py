"""The training loop: its record, its bar, where it stops and how it goes on."""

import sys

import numpy as np
import pytest

from rnncourse import LSTM, RNN, Deep, Dense, storage, tree_map
from rnncourse.losses import Loss, squared_error
from rnncourse.optimizers import SGD, Adam, RMSProp
from rnncourse.schedules import Cosine
from rnncourse.training import Training, train

W = np.array([4.0, -2.0])


def norm(w):
    return float(np.linalg.norm(w))


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
        return 1.0, {"w": np.array([1.0, np.nan if k == 2 else 1.0])}

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


def broken_at(step, error):
    def f(w, k):
        if k == step:
            if isinstance(error, float):
                return error, w
            raise error
        return bowl(w, k)

    return f


@pytest.mark.parametrize("optimizer", [SGD(0.1, 0.5), Adam(0.1)], ids=repr)
@pytest.mark.parametrize("start", [0, 5])
def test_ctrl_c_hands_back_what_was_done_and_says_so(optimizer, start):
    done = train(W, broken_at(start + 3, KeyboardInterrupt()), optimizer, steps=7, start=start)
    whole = train(W, bowl, optimizer, steps=3)
    assert done.stopped == f"interrupted at step {start + 3}"
    assert whole.stopped is None
    assert len(done.losses) == len(done.norms) == 3
    for name in ("model", "losses", "norms", "state", "carry"):
        np.testing.assert_equal(getattr(done, name), getattr(whole, name))


def test_ctrl_c_in_the_middle_of_an_update_leaves_the_last_whole_step():
    class Slow:
        def init(self, model):
            return 0

        def update(self, model, grads, state):
            if state == 2:
                raise KeyboardInterrupt
            return model - 0.5 * grads, state + 1

    done = train(W, bowl, Slow(), steps=5)
    assert (done.state, done.losses.tolist(), done.model.tolist()) == (2, [10, 2.5], [1, -0.5])


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (np.nan, FloatingPointError),
        (np.inf, FloatingPointError),
        (ValueError("mine"), ValueError),
        (MemoryError(), MemoryError),
        (StopIteration("mine"), StopIteration),
    ],
    ids=repr,
)
def test_an_error_brings_what_was_done_before_it(error, kind):
    with pytest.raises(kind) as caught:
        train(W, broken_at(3, error), Adam(0.1), steps=7)
    whole, done = train(W, bowl, Adam(0.1), steps=3), caught.value.training
    assert done.stopped == f"{kind.__name__} at step 3"
    np.testing.assert_array_equal(done.model, whole.model)
    np.testing.assert_array_equal(done.losses, whole.losses)
    np.testing.assert_array_equal(done.norms, whole.norms)
    assert done.state == whole.state


def test_a_gradient_that_is_not_finite_brings_what_was_done_too():
    with pytest.raises(FloatingPointError) as caught:
        train(W, lambda w, k: (1.0, w if k < 2 else w * np.nan), SGD(0.1), steps=5, max_norm=1.0)
    assert len(caught.value.training.losses) == 2


def test_a_carry_goes_from_step_to_step_and_comes_back():
    seen = []

    def f(w, k, carry):
        seen.append(carry)
        return 0.0, w, (carry or 0) + 10

    done = train(W, f, SGD(0.1), steps=3, carry=None)
    assert seen == [None, 10, 20]
    assert done.carry == 30
    assert train(W, f, SGD(0.1), steps=2, carry=done.carry).carry == 50
    assert train(W, f, SGD(0.1), steps=0, carry="start").carry == "start"
    assert train(W, bowl, SGD(0.1), steps=1).carry is None


def test_after_an_interruption_the_carry_is_that_of_the_last_whole_step():
    def f(w, k, carry):
        if k == 2:
            raise KeyboardInterrupt
        return 0.0, w, carry + 1

    assert train(W, f, SGD(0.1), steps=5, carry=0).carry == 2


def test_a_state_carried_from_chunk_to_chunk_is_the_loop_by_hand():
    rng = np.random.default_rng(0)
    net = Deep((LSTM.init(2, 4, rng), Dense.init(4, 1, rng)))
    x, y = rng.standard_normal((12, 3, 2)), rng.standard_normal((12, 3, 1))

    def f(net, k, state):
        here = slice(4 * k, 4 * k + 4)
        run = net.forward(x[here], state)
        loss = squared_error(run.a, y[here])
        return loss.value, net.backward(run, loss.dz).layer, run.final

    done = train(net, f, SGD(0.01), steps=3, carry=net.zero_state(3))
    by_hand, state = net, None
    for k in range(3):
        _, grads, state = f(by_hand, k, state)
        by_hand = tree_map(lambda w, g: w - 0.01 * g, by_hand, grads)
    assert done.model == by_hand
    tree_map(np.testing.assert_array_equal, done.carry, state)


LOSS = Loss(1.0, W)


@pytest.mark.parametrize(
    ("returned", "error", "message"),
    [
        (LOSS, TypeError, r"loss_and_gradients: expected a tuple \(loss, gradients\), got a Loss: give its value"),
        (1.0, TypeError, r"loss_and_gradients: expected a tuple \(loss, gradients\), got float 1.0"),
        (None, TypeError, r"loss_and_gradients: expected a tuple \(loss, gradients\), got None"),
        ([1.0, W], TypeError, r"loss_and_gradients: expected a tuple \(loss, gradients\), got list"),
        ((1.0, W, 3), ValueError, r"loss_and_gradients: expected a tuple \(loss, gradients\), got one of 3 entries"),
        ((W, 1.0), TypeError, r"loss_and_gradients: expected \(loss, gradients\), got the two in the other order"),
        (
            (np.ones(3), W),
            ValueError,
            r"loss: expected one number, got an array of shape \(3,\); add it up, or average",
        ),
        ((LOSS, W), TypeError, "loss: expected a real number, got Loss"),
        (("1", W), TypeError, "loss: expected a real number, got str"),
        ((None, W), TypeError, "loss: expected a real number, got None"),
        ((1j, W), TypeError, "loss: expected a real number, got complex"),
        ((np.complex128(1), W), TypeError, "loss: expected a real number, got complex128"),
        ((True, W), TypeError, "loss: expected a real number, got bool"),
        ((1.0, W[None]), ValueError, r"grads: expected shape \(2,\), as model has, got \(1, 2\)"),
        ((1.0, W.astype("f4")), TypeError, "grads: expected dtype float64, as model has, got float32"),
        ((1.0, None), ValueError, "grads: expected the structure of ndarray, got NoneType"),
    ],
)
@pytest.mark.parametrize("max_norm", [None, 1.0])
def test_what_the_loss_function_returns_is_checked(returned, error, message, max_norm):
    with pytest.raises(error, match=f"^{message}"):
        train(W, lambda w, k: returned, SGD(0.1), steps=1, max_norm=max_norm)


def test_gradients_of_everything_are_refused_with_the_way_out():
    layer = RNN.init(1, 2, np.random.default_rng(0))

    def f(layer, k):
        run = layer.forward(np.ones((3, 1, 1)))
        return 1.0, layer.backward(run, np.ones((3, 1, 2)))

    with pytest.raises(TypeError, match=r"^loss_and_gradients: .*got Gradients: return its `layer`$"):
        train(layer, f, SGD(0.1), steps=1)


def test_with_a_carry_three_things_are_expected():
    with pytest.raises(ValueError, match=r"expected a tuple \(loss, gradients, carry\), got one of 2 entries"):
        train(W, lambda w, k, c: (1.0, w), SGD(0.1), steps=1, carry=0)


@pytest.mark.parametrize("number", [1, np.float32(1), np.int64(1), np.array(1.0), np.array(1)])
def test_a_loss_may_be_any_real_number(number):
    assert train(W, lambda w, k: (number, w), SGD(0.1), steps=1).losses.tolist() == [1]


@pytest.mark.parametrize("steps", [0, 1])
@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"optimizer": "sgd"}, TypeError, "optimizer: expected one with init and update, .*got str 'sgd'"),
        ({"optimizer": None}, TypeError, "optimizer: expected one with init and update, .*got None"),
        ({"optimizer": Adam}, TypeError, "optimizer: expected one with init and update, .*got type"),
        ({"loss_and_gradients": None}, TypeError, r"loss_and_gradients: expected a function f\(model, k\), got None"),
        ({"loss_and_gradients": (1.0, W)}, TypeError, "loss_and_gradients: expected a function .*got tuple"),
        ({"max_norm": -1}, ValueError, "max_norm: expected a number above 0, got -1"),
        ({"max_norm": 0}, ValueError, "max_norm: expected a number above 0, got 0"),
        ({"max_norm": np.nan}, ValueError, "max_norm: expected a number above 0, got nan"),
        ({"max_norm": "1"}, TypeError, "max_norm: expected a number above 0, got str"),
        ({"validation": 1.0}, TypeError, r"validation: expected a function f\(model\), got float 1.0"),
        ({"save": "run"}, TypeError, r"save: expected a function f\(training\), got str 'run'"),
        ({"save": Training}, TypeError, r"save: expected a function f\(training\), got type"),
        ({"every": 0}, ValueError, "every: expected an integer of at least 1, got 0"),
        ({"every": None}, TypeError, "every: expected an integer of at least 1, got None"),
        ({"patience": 0, "validation": norm}, ValueError, "patience: expected an integer of at least 1, got 0"),
        ({"patience": 2}, ValueError, "patience: expected None without a validation, got 2"),
        ({"rng": 0}, TypeError, "rng: expected a numpy.random.Generator.*got int 0"),
        ({"resume": W}, TypeError, "resume: expected a Training, got an array"),
        ({"progress": "no"}, TypeError, "progress: expected True or False, got str 'no'"),
        ({"progress": 1}, TypeError, "progress: expected True or False, got int 1"),
        ({"model": 4.0}, TypeError, "model: expected a NumPy array, got float 4.0"),
        ({"model": None}, TypeError, "model: expected a NumPy array, got None"),
    ],
)
def test_arguments_are_checked_before_the_first_step(given, error, message, steps):
    with pytest.raises(error, match=f"^{message}"):
        train(**{"model": W, "loss_and_gradients": bowl, "optimizer": SGD(0.1), "steps": steps} | given)


# --- validation ------------------------------------------------------------------------------------------------------


def test_validation_sees_the_model_after_every_so_many_updates():
    seen = []
    done = train(W, bowl, SGD(0.5), steps=7, validation=lambda w: seen.append(w) or norm(w), every=3)
    np.testing.assert_array_equal(seen, [W / 8, W / 64])
    np.testing.assert_array_equal(done.scored, [3, 6])
    np.testing.assert_array_equal(done.scores, [norm(W / 8), norm(W / 64)])
    assert (done.best_step, done.best_score) == (6, norm(W / 64))


def test_steps_are_counted_from_zero_also_where_training_starts_later():
    done = train(W, bowl, SGD(0.5), steps=4, start=5, validation=norm, every=3)
    np.testing.assert_array_equal(done.scored, [6, 9])
    assert done.start == 5


def test_without_a_validation_there_is_no_best_model():
    done = train(W, bowl, SGD(0.5), steps=3, every=1)
    assert done.best is done.best_step is done.best_score is None
    assert done.scores.shape == done.scored.shape == (0,)
    assert (done.scores.dtype, done.scored.dtype) == (np.float64, np.int64)


def scripted(scores):
    left = list(scores)
    return lambda w: left.pop(0)


@pytest.mark.parametrize(
    ("scores", "patience", "steps", "best"),
    [
        ([3, 2, 2, 2, 1], 2, 4, 2),  # an equal score is no better one, and the first is kept
        ([3, 2, 4, 1, 5, 6], 2, 6, 4),  # a better one in time begins the count again
        ([3, 4], 1, 2, 1),
        ([5, 4, 3, 2, 1, 0, -1], 1, 7, 7),
        ([1, 2, 3, 4, 5, 6, 7], 7, 7, 1),
    ],
)
def test_training_stops_when_patience_ends_and_keeps_the_best(scores, patience, steps, best):
    done = train(W, bowl, SGD(0.5), steps=7, validation=scripted(scores), every=1, patience=patience)
    assert (len(done.losses), len(done.scores), done.best_step) == (steps, steps, best)
    np.testing.assert_array_equal(done.best, W / 2**best)
    np.testing.assert_array_equal(done.model, W / 2**steps)
    early = f"no better score in {patience} validations at step {steps}"
    assert done.stopped == (early if steps < 7 else None)


def test_patience_that_ends_with_the_last_step_stopped_nothing():
    done = train(W, bowl, SGD(0.5), steps=3, validation=scripted([1, 2, 3]), every=1, patience=2)
    assert done.stopped is None


@pytest.mark.parametrize(
    ("score", "error", "message"),
    [
        (np.nan, FloatingPointError, "validation: expected a finite number at step 1, got nan"),
        (np.inf, FloatingPointError, "validation: expected a finite number at step 1, got inf"),
        (None, TypeError, "validation: expected a real number, got None"),
        (
            np.ones(2),
            ValueError,
            r"validation: expected one number, got an array of shape \(2,\); add it up, or average",
        ),
    ],
)
def test_a_score_is_checked(score, error, message):
    with pytest.raises(error, match=f"^{message}$") as caught:
        train(W, bowl, SGD(0.5), steps=2, every=1, validation=lambda w: score)
    assert len(caught.value.training.losses) == 0  # the step whose validation failed is no whole step


# --- checkpoints -----------------------------------------------------------------------------------------------------


def noisy_job(optimizer, patience=None):
    """A network with dropout that carries its state from chunk to chunk: everything that a checkpoint has to hold."""
    start = np.random.default_rng(0)
    net = Deep((LSTM.init(2, 5, start), LSTM.init(5, 4, start), Dense.init(4, 1, start)), dropout=0.3)
    x, y = start.standard_normal((400, 3, 2)), start.standard_normal((400, 3, 1))

    def job(**more):
        rng = np.random.default_rng(7)

        def f(net, k, state):
            here = slice(5 * (k % 80), 5 * (k % 80) + 5)
            run = net.forward(x[here] + 0.1 * rng.standard_normal(x[here].shape), state, rng=rng)
            loss = squared_error(run.a, y[here], reduction="mean")
            return loss.value, net.backward(run, loss.dz).layer, run.final

        def validation(net):
            return squared_error(net.forward(x[:40]).a, y[:40], reduction="mean").value

        call = {"max_norm": 1.0, "carry": None, "validation": validation, "every": 4, "patience": patience, "rng": rng}
        return train(net, f, optimizer, steps=23, **call | more)

    return job


def assert_same_bits(one, other):
    assert one == other  # records compare every bit of every array
    assert one.rng.bit_generator.state == other.rng.bit_generator.state


OPTIMIZERS = [SGD(0.05, 0.9), RMSProp(Cosine(0.02, 20)), Adam(0.02)]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_going_on_from_each_checkpoint_equals_no_break_to_the_last_bit(optimizer):
    job, checkpoints = noisy_job(optimizer), []
    whole = job(save=checkpoints.append)
    assert [len(done.losses) for done in checkpoints] == [4, 8, 12, 16, 20]
    assert_same_bits(job(), whole)  # saving changes nothing
    for done in checkpoints:
        assert_same_bits(job(resume=done), whole)
    assert_same_bits(job(resume=whole), whole)


@pytest.mark.parametrize("step", [0, 1, 4, 11, 22])
def test_going_on_after_ctrl_c_equals_no_break_to_the_last_bit(step):
    job, calls = noisy_job(Adam(0.02)), []
    rng = np.random.default_rng(7)

    class Interrupted(Adam):
        def update(self, model, grads, state):
            calls.append(rng.random())
            if len(calls) == step + 1:
                raise KeyboardInterrupt
            return super().update(model, grads, state)

    cut = noisy_job(Interrupted(0.02))()
    assert cut.stopped == f"interrupted at step {step}"
    assert len(cut.losses) == step
    assert_same_bits(job(resume=cut), job())


def test_ctrl_c_in_a_validation_takes_the_step_back_so_that_going_on_is_exact():
    def interrupted(w):
        raise KeyboardInterrupt

    cut = train(W, bowl, SGD(0.5), steps=7, every=3, validation=interrupted)
    assert (cut.stopped, len(cut.losses)) == ("interrupted at step 2", 2)
    whole = train(W, bowl, SGD(0.5), steps=7, every=3, validation=norm)
    assert train(W, bowl, SGD(0.5), steps=7, every=3, validation=norm, resume=cut) == whole


def test_a_run_that_patience_ended_stays_where_it_is():
    job, checkpoints = noisy_job(SGD(0.9), patience=1), []
    whole = job(save=checkpoints.append)
    assert whole.stopped is not None
    for done in checkpoints:
        assert_same_bits(job(resume=done), whole)


def test_a_checkpoint_does_not_change_while_training_goes_on():
    checkpoints, copies = [], []
    job = noisy_job(Adam(0.02))
    job(save=lambda done: (checkpoints.append(done), copies.append(done.rng.bit_generator.state)))
    assert [done.rng.bit_generator.state for done in checkpoints] == copies
    assert len({str(copy) for copy in copies}) == len(copies)


def test_resume_brings_the_start_with_it():
    whole = train(W, lambda w, k: (float(k), w), SGD(0.5), steps=5, start=3)
    cut = train(W, lambda w, k: (float(k), w), SGD(0.5), steps=2, start=3)
    assert train(W, lambda w, k: (float(k), w), SGD(0.5), steps=5, start=3, resume=cut) == whole


def test_an_error_while_saving_brings_the_step_that_was_to_be_saved():
    def full(done):
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space left") as caught:
        train(W, bowl, SGD(0.5), steps=7, every=3, save=full)
    assert len(caught.value.training.losses) == 3


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"state": SGD(0.1).init(W)}, ValueError, "state: expected None beside resume"),
        ({"start": 1}, ValueError, "resume.start: expected 1, as start is, got 0"),
        ({"steps": 2}, ValueError, "resume: expected at most 2 steps, as steps says, got one of 3"),
        ({"model": W[:1]}, ValueError, r"resume.model: expected shape \(1,\), as model has, got \(2,\)"),
        ({"rng": np.random.default_rng(0)}, ValueError, "rng: expected None, as resume.rng is, got PCG64"),
    ],
)
def test_a_record_of_another_run_is_refused(given, error, message):
    cut = train(W, bowl, SGD(0.1), steps=3)
    call = {"model": W, "loss_and_gradients": bowl, "optimizer": SGD(0.1), "steps": 5, "resume": cut}
    with pytest.raises(error, match=f"^{message}"):
        train(**call | given)


def test_a_record_with_a_carry_or_a_generator_needs_one():
    cut = train(W, lambda w, k, c: (0.0, w, c + 1), SGD(0.1), steps=3, carry=0, rng=np.random.default_rng(0))
    call = {"model": W, "loss_and_gradients": bowl, "optimizer": SGD(0.1), "steps": 5, "resume": cut}
    with pytest.raises(ValueError, match=r"^carry: expected one, as resume has one, got none"):
        train(**call, rng=np.random.default_rng(1))
    with pytest.raises(ValueError, match=r"^rng: expected PCG64, as resume.rng is, got None"):
        train(**call, carry=0)
    with pytest.raises(ValueError, match=r"^rng: expected PCG64, as resume.rng is, got MT19937"):
        train(**call, carry=0, rng=np.random.Generator(np.random.MT19937(0)))


# --- what one sees ---------------------------------------------------------------------------------------------------


def test_the_bar_shows_loss_rate_and_best_score(capsys):
    pytest.importorskip("tqdm")
    train(W, bowl, SGD(Cosine(0.5, 4)), steps=2, progress=True, validation=norm, every=1)
    shown = capsys.readouterr().err.rpartition("\r")[2]
    w = W * 0.5
    rate = Cosine(0.5, 4)(1)
    assert f"loss={float(w @ w) / 2:.3g}, rate={Cosine(0.5, 4)(2):.3g}, best={norm(w * (1 - rate)):.3g}" in shown


def test_the_bar_goes_on_where_training_does(capsys):
    pytest.importorskip("tqdm")
    cut = train(W, bowl, SGD(0.5), steps=3)
    train(W, bowl, SGD(0.5), steps=4, progress=True, resume=cut)
    assert "4/4" in capsys.readouterr().err


def test_the_history_draws_itself():
    figure = pytest.importorskip("matplotlib.figure")
    done = train(W, bowl, SGD(0.1), steps=60, start=10, validation=norm, every=20)
    ax = figure.Figure().subplots()
    assert done.plot(ax) is ax
    lines = {line.get_label(): line.get_xydata() for line in ax.lines}
    assert list(lines) == ["loss of a step", "mean of 3 steps", "validation", "best"]
    np.testing.assert_array_equal(lines["loss of a step"], np.stack([np.arange(10, 70), done.losses], axis=1))
    np.testing.assert_allclose(lines["mean of 3 steps"][0], [12, done.losses[:3].mean()])
    np.testing.assert_array_equal(lines["validation"], np.stack([[20, 40, 60], done.scores], axis=1))
    np.testing.assert_array_equal(lines["best"], [[60, done.scores[-1]]])
    plain = train(W, bowl, SGD(0.1), steps=3).plot(figure.Figure().subplots())
    assert [line.get_label() for line in plain.lines] == ["loss of a step"]


def test_a_checkpoint_goes_through_a_file_to_the_last_bit(tmp_path):
    pytest.importorskip("safetensors")
    path = tmp_path / "run.safetensors"
    job, seen = noisy_job(Adam(0.02)), []

    def save(done):
        storage.save(path, done)
        seen.append(storage.load(path))

    whole = job(save=save)
    assert len(seen) == 5
    for done in seen:
        assert_same_bits(job(resume=done), whole)
