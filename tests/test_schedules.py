"""Learning-rate schedules against their formulas and PyTorch's, through an optimiser."""

import pickle
from importlib.util import find_spec
from math import cos, pi

import numpy as np
import pytest

from rnncourse.optimizers import SGD
from rnncourse.schedules import Constant, Cosine, StepDecay, WarmUp

live = pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed: no live comparison with it")
SCHEDULES = [
    Constant(0.3),
    Cosine(0.3, 7, 0.01),
    StepDecay(0.3, 3, 0.5),
    WarmUp(4, Cosine(0.3, 5)),
    WarmUp(1, Constant(1)),
]


def test_each_schedule_is_its_formula():
    ks = range(12)
    assert [Constant(0.3)(k) for k in ks] == [0.3] * 12
    wave = [0.01 + 0.29 * (1 + cos(pi * k / 7)) / 2 if k < 7 else 0.01 for k in ks]
    assert [Cosine(0.3, 7, 0.01)(k) for k in ks] == pytest.approx(wave, rel=1e-14)
    stairs = [0.3] * 3 + [0.15] * 3 + [0.075] * 3 + [0.0375] * 3
    assert [StepDecay(0.3, 3, 0.5)(k) for k in ks] == pytest.approx(stairs, rel=1e-14)
    climb = [0.075, 0.15, 0.225, 0.3, *(Cosine(0.3, 5)(k) for k in range(8))]
    assert [WarmUp(4, Cosine(0.3, 5))(k) for k in ks] == pytest.approx(climb, rel=1e-14)


@live
def test_cosine_and_stairs_are_pytorchs():
    import torch
    from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR, StepLR

    def rates(make, steps):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
        schedule, found = make(optimizer), []
        for _ in range(steps):
            found.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        return found

    mine = [Cosine(0.3, 7, 0.01)(k) for k in range(8)]  # afterwards PyTorch's comes up again
    assert mine == pytest.approx(rates(lambda o: CosineAnnealingLR(o, 7, 0.01), 8), rel=1e-12)
    mine = [StepDecay(0.3, 3, 0.5)(k) for k in range(12)]
    assert mine == pytest.approx(rates(lambda o: StepLR(o, 3, 0.5), 12), rel=1e-12)
    mine = [WarmUp(4, StepDecay(0.3, 3, 0.5))(k) for k in range(12)]
    theirs = rates(lambda o: SequentialLR(o, [LinearLR(o, 0.25, 1.0, 3), StepLR(o, 3, 0.5)], [4]), 12)
    assert mine == pytest.approx(theirs, rel=1e-12)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_schedules_pickle_and_are_the_rates_of_an_optimiser_that_goes_on(schedule):
    assert pickle.loads(pickle.dumps(SGD(schedule))) == SGD(schedule)
    w, optimizer = np.zeros(1), SGD(schedule)
    state = optimizer.init(w)
    for k in range(10):
        new, state = pickle.loads(pickle.dumps(optimizer)).update(w, np.ones(1), state)
        assert w - new == pytest.approx(schedule(k), rel=1e-12)
        w = new


@pytest.mark.parametrize("number", [np.float32, np.float64])
def test_rates_are_pythons_numbers_and_leave_float32_alone(number):
    for schedule in (Constant(number(0.5)), Cosine(number(0.5), 3), StepDecay(number(0.5), 3, number(0.5))):
        assert type(schedule(1)) is float
        w, _ = SGD(schedule).update(np.ones(1, "f4"), np.ones(1, "f4"), SGD(schedule).init(np.ones(1, "f4")))
        assert w.dtype == np.float32


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Constant(0), ValueError, "rate: expected a number above 0, got 0"),
        (lambda: Constant("0.1"), TypeError, "rate: expected a number above 0, got str"),
        (lambda: Cosine(-0.1, 5), ValueError, "rate: expected a number above 0, got -0.1"),
        (lambda: Cosine(0.1, 0), ValueError, "steps: expected an integer of at least 1, got 0"),
        (lambda: Cosine(0.1, 5, -1), ValueError, "final: expected a number of at least 0, got -1"),
        (lambda: StepDecay(0.1, 2.5), TypeError, "every: expected an integer of at least 1, got float"),
        (lambda: StepDecay(0.1, 2, 0), ValueError, "factor: expected a number above 0, got 0"),
        (lambda: WarmUp(0, Constant(1)), ValueError, "steps: expected an integer of at least 1, got 0"),
        (lambda: WarmUp(3, 0.1), TypeError, r"then: expected a schedule, such as Constant\(0.1\), got float 0.1"),
        (lambda: WarmUp(3, Constant), TypeError, "then: expected a schedule, .*got type"),
    ],
)
def test_bad_settings_are_refused_by_name(make, error, message):
    with pytest.raises(error, match=f"^{message}"):
        make()
