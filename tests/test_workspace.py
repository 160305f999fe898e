"""Workspaces: the same numbers, and an old run is an error, never another run's numbers."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from threading import Event, current_thread, main_thread

import numpy as np
import pytest
from cell_checks import assert_trees_close, random_layer, random_world

from rnncourse import GRU, LSTM, RNN, Bidirectional, Deep, Workspace, tree_map
from rnncourse.layers.sequence import BorrowedRun, Run
from rnncourse.layers.use_gate import UseGateCell
from rnncourse.workspace import NEW

RNG = np.random.default_rng(0)
LAYERS = {
    "rnn": RNN.init(2, 3, RNG),
    "gru": GRU.init(2, 3, RNG),
    "gru-after": GRU.init(2, 3, RNG, reset_after=True),
    "lstm": LSTM.init(2, 3, RNG),
    "lstm-options": LSTM.init(2, 3, RNG, peepholes=True, coupled=True),
}
LAYERS = {name: random_layer(layer, 5) for name, layer in LAYERS.items()}
AGAIN = "^run: its workspace has been used again; make a workspace for each run that is to be kept$"


def assert_same_as_without(layer, workspace, T, B, lengths=None, seed=0, dtype=np.float64):
    x, state, da, dfinal = random_world(layer, T, B, seed)
    run, plain = layer.forward(x, state, lengths, workspace=workspace), layer.forward(x, state, lengths)
    assert type(run) is BorrowedRun
    quantities = tuple((getattr(run, name), getattr(plain, name)) for name in layer.quantities)
    assert_trees_close((run.x, run.a, run.final), (plain.x, plain.a, plain.final), 0)
    assert all(np.array_equal(mine, theirs) for mine, theirs in quantities)
    assert layer.backward(run, da, dfinal) == layer.backward(plain, da, dfinal)


@pytest.mark.parametrize("name", LAYERS)
def test_the_numbers_are_those_without_a_workspace_also_when_sizes_change(name):
    workspace, layer = Workspace(), LAYERS[name]
    for k, (T, B, lengths) in enumerate([(5, 3, None), (5, 3, [5, 0, 2]), (5, 3, None), (8, 1, None), (2, 4, None),
                                         (0, 3, None), (5, 0, None), (5, 3, [1, 4, 3])]):  # fmt: skip
        assert_same_as_without(layer, workspace, T, B, lengths, seed=k)
    assert workspace.uses == 8


@pytest.mark.parametrize("name", LAYERS)
def test_the_dtype_may_change(name):
    workspace, layer = Workspace(), LAYERS[name]
    for dtype in (np.float32, np.float64, np.float32):
        assert_same_as_without(tree_map(lambda p, d=dtype: p.astype(d), layer), workspace, 5, 3, dtype=dtype)


def test_layers_of_all_kinds_may_share_one_after_another():
    workspace = Workspace()
    for name in [*LAYERS, *reversed(LAYERS)]:
        assert_same_as_without(LAYERS[name], workspace, 5, 3)


def test_memory_is_used_again_while_shapes_stay():
    workspace = Workspace()
    first = workspace.take("tape", (2, 3), np.float64)
    assert workspace.take("tape", (2, 3), np.float64) is first
    changes = (("dz", (2, 3), float), ("tape", (3, 2), float), ("tape", (3, 2), "f4"))
    others = [workspace.take(*args) for args in changes]
    assert all(not np.shares_memory(first, other) for other in others)
    assert NEW.take("tape", (2, 3), float) is not NEW.take("tape", (2, 3), float)


TOUCHES = {
    "a": lambda run: run.a,
    "x": lambda run: run.x,
    "final": lambda run: run.final,
    "states": lambda run: run.states,
    "parts": lambda run: run.parts,
    "tape": lambda run: run.tape,
    "layer": lambda run: run.layer,
    "lengths": lambda run: run.lengths,
    "cand": lambda run: run.cand,
    "gate_f": lambda run: run.gate_f,
    "z_f": lambda run: run.z_f,
    "c_prev": lambda run: run.c_prev,
    "quantities": lambda run: run.quantities,
    "repr": repr,
    "==": lambda run: run == run,
    "pickle": pickle.dumps,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "backward": lambda run: LAYERS["lstm"].backward(run, np.zeros((5, 3, 3))),
}


@pytest.mark.parametrize("touch", TOUCHES)
@pytest.mark.parametrize("then", ["forward", "forward and backward", "another layer"])
def test_touching_an_old_run_raises(touch, then):
    workspace, layer = Workspace(), LAYERS["lstm"]
    x, _, da, _ = random_world(layer, 5, 3)
    old = layer.forward(x, workspace=workspace)
    TOUCHES[touch](old)  # it is still good
    other = LAYERS["gru"] if then == "another layer" else layer
    new = other.forward(x, workspace=workspace)
    if then == "forward and backward":
        other.backward(new, da)
    with pytest.raises(RuntimeError, match=AGAIN):
        TOUCHES[touch](old)
    assert np.isfinite(new.a).all()


@pytest.mark.parametrize("name", LAYERS)
def test_outputs_final_states_and_gradients_outlive_the_run(name):
    """A loop over chunks hands the final state to the next pass of the same workspace."""
    workspace, layer = Workspace(), LAYERS[name]
    x, _, da, _ = random_world(layer, 12, 3)
    state, kept, expected = None, [], []
    for k in range(3):
        run = layer.forward(x[4 * k : 4 * k + 4], state, workspace=workspace)
        state = run.final
        kept.append((run.a, state, layer.backward(run, da[4 * k : 4 * k + 4])))
        expected.append(tree_map(np.copy, kept[-1]))
    for mine, then in zip(kept, expected, strict=True):
        assert_trees_close(mine, then, 0)
    whole = layer.forward(x)
    assert_trees_close((np.concatenate([a for a, _, _ in kept]), state), (whole.a, whole.final), 1e-13)


@pytest.mark.parametrize("name", LAYERS)
def test_a_copy_of_a_borrowed_run_is_a_plain_run_of_its_own(name):
    workspace, layer = Workspace(), LAYERS[name]
    x, state, da, dfinal = random_world(layer, 5, 3)
    run, expected = layer.forward(x, state, [5, 0, 2], workspace=workspace), layer.forward(x, state, [5, 0, 2])
    copies = [pickle.loads(pickle.dumps(run)), copy.deepcopy(run), copy.copy(run)]
    layer.forward(x + 1, workspace=workspace)
    for own in copies:
        assert type(own) is Run
        assert own == expected
        assert layer.backward(own, da, dfinal) == layer.backward(expected, da, dfinal)


def test_a_call_that_is_refused_leaves_the_old_run_as_it_is():
    workspace, layer = Workspace(), LAYERS["lstm"]
    run = layer.forward(np.ones((5, 3, 2)), workspace=workspace)
    a = run.a.copy()
    for bad in ({"x": np.ones((5, 3, 3))}, {"x": np.ones((5, 3, 2)), "lengths": [9, 9, 9]}):
        with pytest.raises(ValueError, match="expected"):
            layer.forward(**bad, workspace=workspace)
    np.testing.assert_array_equal(run.a, a)


def test_runs_that_loop_the_cell_borrow_nothing():
    """Complex numbers, and layers without a fast path."""
    workspace = Workspace()
    looped = LAYERS["lstm"].forward(np.ones((5, 3, 2), complex), workspace=workspace)
    other = UseGateCell.init(2, 3, RNG).forward(np.ones((5, 3, 2)), workspace=workspace)
    assert type(looped) is type(other) is Run
    assert looped.a.shape == other.a.shape


@pytest.mark.parametrize("bad", [1, True, "workspace", {}, NEW, Workspace, np.ones(3)])
def test_only_a_workspace_is_a_workspace(bad):
    with pytest.raises(TypeError, match=r"^workspace: expected a Workspace, got"):
        LAYERS["rnn"].forward(np.ones((1, 1, 2)), workspace=bad)


def test_a_workspace_for_each_thread_is_safe_and_the_documentation_asks_for_it():
    assert "one call at a time" in " ".join(Workspace.__doc__.split())
    layer = LAYERS["lstm"]
    x, state, da, dfinal = random_world(layer, 9, 3)
    expected = layer.backward(layer.forward(x, state), da, dfinal)

    def loop(_):
        workspace = Workspace()
        return all(
            layer.backward(layer.forward(x, state, workspace=workspace), da, dfinal) == expected for _ in range(10)
        )

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(loop, range(4)))


BUSY = "^workspace: expected one that is free, got one in which another call is at work$"


@pytest.mark.parametrize("name", LAYERS)
def test_a_workspace_at_work_refuses_another_pass_and_is_as_good_afterwards(name):
    workspace, layer = Workspace(), LAYERS[name]
    x, _, da, _ = random_world(layer, 5, 3)
    run = layer.forward(x, workspace=workspace)
    with workspace.claimed():
        for call in (lambda: layer.forward(x, workspace=workspace), lambda: layer.backward(run, da)):
            with pytest.raises(RuntimeError, match=BUSY):
                call()
    assert layer.backward(run, da) == layer.backward(layer.forward(x), da)
    assert_same_as_without(layer, workspace, 5, 3)


def test_an_error_in_a_pass_gives_the_workspace_back(monkeypatch):
    workspace, layer = Workspace(), LAYERS["lstm"]

    def interrupted(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(LSTM, "_forward", interrupted)
        with pytest.raises(KeyboardInterrupt):
            layer.forward(np.ones((5, 3, 2)), workspace=workspace)
    assert_same_as_without(layer, workspace, 5, 3)


@pytest.mark.parametrize(
    "make", [lambda layer: layer, lambda layer: Deep((layer,)), lambda layer: Bidirectional(layer, layer)]
)
def test_threads_that_share_a_workspace_get_right_gradients_or_an_error(make, monkeypatch):
    """Never wrong ones in silence: one thread stands still in the middle of a pass while the other one calls."""
    layer, workspace = make(LAYERS["lstm"]), Workspace()
    worlds = [random_world(layer, 40, 16, seed) for seed in (1, 2)]
    expected = [layer.backward(layer.forward(x, state), da, dfinal) for x, state, da, dfinal in worlds]
    inside, go_on = Event(), Event()
    original = {"_forward": LSTM._forward, "_backward": LSTM._backward}

    def paused(way):
        def work(*args, **options):
            out = original[way](*args, **options)
            if current_thread() is not main_thread() and not inside.is_set():
                inside.set()
                assert go_on.wait(60)
            return out

        return work

    def gradients(k):
        x, state, da, dfinal = worlds[k]
        return layer.backward(layer.forward(x, state, workspace=workspace), da, dfinal)

    for way in original:
        inside.clear(), go_on.clear()
        with monkeypatch.context() as patch, ThreadPoolExecutor(1) as pool:
            patch.setattr(LSTM, way, paused(way))
            other = pool.submit(gradients, 0)
            try:
                assert inside.wait(60)
                with pytest.raises(RuntimeError, match=r"^workspace: expected one that is free"):
                    gradients(1)
            finally:
                go_on.set()
            assert other.result(60) == expected[0]
        assert gradients(1) == expected[1]


def test_a_copy_of_a_workspace_is_a_new_one():
    workspace, layer = Workspace(), LAYERS["lstm"]
    run = layer.forward(np.ones((5, 3, 2)), workspace=workspace)
    for other in (copy.copy(workspace), copy.deepcopy(workspace), pickle.loads(pickle.dumps(workspace))):
        with workspace.claimed():
            assert_same_as_without(layer, other, 5, 3)
    assert np.isfinite(run.cand).all()
