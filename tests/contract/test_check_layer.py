"""The battery that readers get: every layer passes it, and each of its checks can fail."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from rnncourse import GRU, RNN, Gradients, tree_map
from rnncourse.battery import CHECKS
from rnncourse.gradcheck import check_layer
from rnncourse.layers.use_gate import UseGateCell
from rnncourse.records import private_copy

from .worlds import make_world


def test_every_layer_passes(case, capsys):
    check_layer(case.init(n_x=4, n_a=2, rng=np.random.default_rng(0), dtype=np.float32), np.random.default_rng(1))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(CHECKS) + 1
    assert sum(line.endswith(": holds") for line in lines) == len(lines) - 2 * (not case.celled) - (not case.causal)


def test_every_named_quantity_is_seen_held_measured_and_shown(celled_case):
    for seed in (0, 1):
        assert CHECKS["named quantities"](make_world(celled_case, T=3, B=2, n_x=2, n_a=3, seed=seed)) is None


def example(kind, **options):
    return kind.init(n_x=3, n_a=2, rng=np.random.default_rng(0), **options)


@dataclass(frozen=True, eq=False, repr=False)
class Wrong(RNN):
    """An RNN with the fault that its class is made with."""

    def wrongly(self, run, da, dfinal):
        return super().backward(run, da, dfinal)


class ForgetsTheSlope(Wrong):
    def backward(self, run, da, dfinal=None):
        linear = RNN(self.W, self.b, "identity")
        super().backward(run, da, dfinal)
        grads = linear.backward(replace(run, layer=linear), np.zeros_like(run.a) if da is None else da, dfinal)
        return Gradients(grads.x, grads.state, type(self)(grads.layer.W, grads.layer.b))


class BatchInStep(Wrong):
    def step(self, x_t, state=None):
        a_t, state = super().step(x_t, state)
        return a_t - a_t.mean(axis=0), state


class Float64Final(Wrong):
    def _forward(self, x, start, valid, buffers):
        states, tape = super()._forward(x, start, valid, buffers)
        return tuple(s.astype(np.result_type(s, np.float64)) for s in states), tape


class MeanOverTheBatch(Wrong):
    def backward(self, run, da, dfinal=None):
        grads = super().backward(run, da, dfinal)
        return Gradients(grads.x, grads.state, tree_map(lambda d: d / max(1, da.shape[1]), grads.layer))


class NoDaNone(Wrong):
    def backward(self, run, da, dfinal=None):
        return super().backward(run, da + 0, dfinal)


class Writable(Wrong):
    def __post_init__(self):
        super().__post_init__()
        object.__setattr__(self, "W", np.array(self.W))


class AnyLengths(Wrong):
    def forward(self, x, state=None, lengths=None, workspace=None):
        try:
            return super().forward(x, state, lengths, workspace)
        except (TypeError, ValueError) as error:
            if str(error).startswith("lengths"):
                return super().forward(x, state, None, workspace)
            raise ValueError(f"oh: {error}") from error


class EndsAtTheLastStep(Wrong):
    def forward(self, x, state=None, lengths=None, workspace=None):
        checked = super().forward(x, state, lengths, workspace)
        return checked if lengths is None or min(lengths, default=1) else super().forward(x, state, None, workspace)


class Unlisted(UseGateCell):
    @property
    def quantities(self):
        return super().quantities[1:]


class Unused(UseGateCell):
    def cell_forward(self, x_t, state, edit=None):
        if edit:
            edit("cand", np.zeros((len(x_t), self.n_a)))
        return super().cell_forward(x_t, state, edit and (lambda n, v: v if n == "cand" else edit(n, v)))


class WrongByName(UseGateCell):
    def cell_backward(self, cache, dstate):
        dx, dprev, d = super().cell_backward(cache, dstate)
        return dx, dprev, replace(d, dgate_f=2 * d.dgate_f)


FAULTS = {
    ForgetsTheSlope: ("gradients", r"\S+ \(lengths None\): off by"),
    BatchInStep: ("steps, one at a time", "a loop of steps: a: differs by"),
    Float64Final: ("shapes and dtypes", "in float32: not all results are of that dtype"),
    MeanOverTheBatch: ("lengths and padding", "padded examples and the sum of each alone: grads.layer.W: differs"),
    NoDaNone: ("what may be left out", "TypeError"),
    Writable: ("nothing can be changed", "layer.W: can be written to"),
    AnyLengths: ("bad arguments", r"x \(None\): refused without its name: oh: x"),
    EndsAtTheLastStep: ("no steps, no examples", "lengths of 0: the state and its gradient: final: differs"),
    Unlisted: ("named quantities", r".*not the same: \['z_n'\]"),
    Unused: ("named quantities", "cand: what edit returns for it is not used"),
    WrongByName: ("named quantities", r"gradients of a step that are not as measured: dgate_f \(of 12\)"),
}


@pytest.mark.parametrize("kind", FAULTS, ids=lambda kind: kind.__name__)
def test_a_faulty_layer_is_refused_with_what_and_where(kind, capsys):
    what, where = FAULTS[kind]
    with pytest.raises(AssertionError, match=rf"(?m)^{kind.__name__}: {what}: FAILS: {where}"):
        check_layer(example(kind))
    assert f"{kind.__name__}: {what}: FAILS" in capsys.readouterr().out


def test_every_check_has_a_fault_that_it_sees_or_a_test_of_its_own():
    assert {what for what, _ in FAULTS.values()} == {*CHECKS, "gradients"} - {"the cell, looped"}


def test_a_fast_path_that_is_not_the_cells_is_seen(monkeypatch):
    def wrong(self, x, start, valid, buffers, right=GRU._forward):
        states, tape = right(self, x, start, valid, buffers)
        return tuple(1.001 * s for s in states), tape

    monkeypatch.setattr(GRU, "_forward", wrong)
    with pytest.raises(AssertionError, match=r"(?m)^GRU: the cell, looped: FAILS: the looped cell: a: differs by"):
        check_layer(example(GRU))


def test_the_same_is_printed_every_time_and_the_layer_is_left_alone(capsys):
    layer = example(RNN)
    before = private_copy(layer.W)
    check_layer(layer)
    first = capsys.readouterr().out
    check_layer(layer)
    assert capsys.readouterr().out == first
    np.testing.assert_array_equal(layer.W, before)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ((None,), TypeError, "layer: expected a layer, got None"),
        ((RNN,), TypeError, "layer: expected a layer, got"),
        ((example(RNN), 0), TypeError, "rng: expected"),
        ((example(RNN), None, -1), ValueError, "noise: expected a number of at least 0, got -1"),
    ],
)
def test_what_is_no_layer_is_refused(given, error, message):
    with pytest.raises(error, match=f"^{message}"):
        check_layer(*given)
