"""Halves of a batch on two threads: the layer's numbers, cut by shape alone."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from cell_checks import assert_trees_close, random_layer, random_world

from rnncourse import GRU, LSTM, RNN, Bidirectional, Deep, Halves, Workspace
from rnncourse.layers.halves import side_by_side

RNG = np.random.default_rng(0)
LAYERS = {
    "rnn": RNN.init(2, 3, RNG),
    "gru": GRU.init(2, 3, RNG),
    "lstm": LSTM.init(2, 3, RNG, peepholes=True),
}
LAYERS = {name: random_layer(layer, 5) for name, layer in LAYERS.items()}


@pytest.mark.parametrize("lengths", [None, [6, 0, 3, 5, 1]])
@pytest.mark.parametrize("name", LAYERS)
def test_the_halves_together_are_the_batch(name, lengths):
    layer = LAYERS[name]
    x, state, da, dfinal = random_world(layer, 6, 5, 1)
    whole, cut = layer.forward(x, state, lengths), Halves(layer, least=0).forward(x, state, lengths)
    assert [run.a.shape[1] for run in cut.runs] == [2, 3]
    assert_trees_close((cut.x, cut.a, cut.final), (whole.x, whole.a, whole.final), 1e-14)
    np.testing.assert_array_equal(cut.lengths, whole.lengths)
    mine, theirs = cut.layer.backward(cut, da, dfinal), layer.backward(whole, da, dfinal)
    assert isinstance(mine.layer, Halves)
    assert mine.layer.least == 0
    assert_trees_close((mine.x, mine.state, mine.layer.layer), (theirs.x, theirs.state, theirs.layer), 1e-13)


def test_what_is_not_wanted_and_what_is_none_is_as_in_the_layer():
    layer, halves = LAYERS["lstm"], Halves(LAYERS["lstm"], least=0)
    x, state, da, (_, dc) = random_world(layer, 6, 5, 1)
    whole, cut = layer.forward(x, state), halves.forward(x, state)
    mine, theirs = halves.backward(cut, da, (None, dc), inputs=False), layer.backward(whole, da, (None, dc))
    assert mine.x is None
    assert_trees_close((mine.state, mine.layer.layer), (theirs.state, theirs.layer), 1e-13)


@pytest.mark.parametrize(
    ("batch", "least", "parts"),
    [(4, 36, [2, 2]), (4, 37, [4]), (5, 0, [2, 3]), (2, 0, [1, 1]), (1, 0, [1]), (0, 0, [0])],
    ids=["enough", "too few", "odd", "two", "one", "none"],
)
def test_the_batch_is_cut_where_a_step_has_enough_pre_activations(batch, least, parts):
    run = Halves(LAYERS["gru"], least).forward(np.ones((3, batch, 2)))
    assert [part.a.shape[1] for part in run.runs] == parts
    assert run.a.shape == (3, batch, 3)
    assert np.shares_memory(run.a, run.runs[0].a) == (batch > 0 and len(parts) == 1)  # no copy of a whole batch


def test_the_parts_run_on_two_threads_in_the_context_of_the_caller():
    meet = threading.Barrier(2, timeout=60)  # both have to be there at once

    def work(k, rows):
        meet.wait()
        return k, rows, np.geterr()["over"]

    parts = [slice(0, 1), slice(1, 2)]
    with np.errstate(over="raise"):
        assert side_by_side(work, parts) == [(0, parts[0], "raise"), (1, parts[1], "raise")]


@pytest.fixture
def press():
    """Press Ctrl-C once the main thread is in a function, again and again until it has noticed.

    A signal that comes just before a thread blocks is noticed only afterwards, so one may not be enough.
    """
    noticed, usual = [], signal.getsignal(signal.SIGINT)

    def notice(*_):
        noticed.append(True)
        raise KeyboardInterrupt

    def pressed(function):
        before = len(noticed)
        until(lambda: sys._current_frames()[threading.main_thread().ident].f_code.co_name == function)
        while len(noticed) == before:
            os.kill(os.getpid(), signal.SIGINT)
            until(lambda: len(noticed) > before, patience=0.05)

    signal.signal(signal.SIGINT, notice)
    yield pressed
    signal.signal(signal.SIGINT, usual)


def until(reached, patience=60):
    """Wait, and not for ever: what is never reached is left to the test's own assertions."""
    end = time.monotonic() + patience
    while not reached() and time.monotonic() < end:
        time.sleep(0.001)


WAITS = side_by_side.__name__  # where the main thread is when it is in none of the parts


@pytest.mark.parametrize("where", [["here", WAITS, WAITS], [WAITS, WAITS]], ids=["at work", "failed"])
def test_no_thread_outlives_an_impatient_ctrl_c(press, where):
    """While both parts are worked at, or while one has failed and the other is waited for."""
    finished = []

    def here():
        time.sleep(60)

    def work(k, rows):
        if k == 1:
            for function in where:
                press(function)
            time.sleep(0.1)
            finished.append(k)
        elif where[0] == "here":
            here()
        else:
            raise FloatingPointError

    with pytest.raises(KeyboardInterrupt):
        side_by_side(work, [slice(0, 1), slice(1, 2)])
    assert finished == [1]


# Ctrl-C at any moment, 500 times a second, from outside: a program that waited on futures did not live ten seconds.
PRESSED = """
import os, signal, sys, time
from rnncourse.layers.halves import side_by_side

inside = False

def notice(*_):
    if inside:
        raise KeyboardInterrupt

def work(k, rows):
    time.sleep(0.003 if k else 0.002)

signal.signal(signal.SIGINT, notice)
print("ready", flush=True)
end, interrupted = time.monotonic() + 30, 0
while time.monotonic() < end:
    try:
        inside = True
        side_by_side(work, [slice(0, 1), slice(1, 2)])
        inside = False
    except KeyboardInterrupt:
        inside = False
        interrupted += 1
print(interrupted, flush=True)
os._exit(0)
"""


@pytest.mark.slow
def test_ctrl_c_at_any_moment_leaves_nothing_locked():
    with subprocess.Popen([sys.executable, "-c", PRESSED], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout.readline() == "ready\n"
        rng = np.random.default_rng(0)
        end = time.monotonic() + 90
        while program.poll() is None and time.monotonic() < end:
            program.send_signal(signal.SIGINT)
            time.sleep(0.004 * rng.random())
        program.kill()
        assert int(program.stdout.readline()) > 100


def test_a_failure_beside_waits_for_the_others():
    finished = []

    def work(k, rows):
        if k == 1:
            raise FloatingPointError
        time.sleep(0.1)
        finished.append(k)

    with pytest.raises(FloatingPointError):
        side_by_side(work, [slice(k, k + 1) for k in range(3)])
    assert sorted(finished) == [0, 2]


def test_what_goes_wrong_in_a_part_is_raised():
    layer = Halves(RNN(np.full((1, 2), 1e200), np.zeros(1), "relu"), least=0)
    x = np.zeros((3, 2, 1))
    x[:, 1] = 1e200  # the second half overflows
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        layer.forward(x)


@pytest.mark.parametrize("net", ["halves", "deep", "bidirectional"])
def test_compositions_use_a_workspace_again_and_an_old_run_says_so(net):
    layer = LAYERS["lstm"]
    layer = {
        "halves": lambda: Halves(layer, least=0),
        "deep": lambda: Deep((layer, random_layer(GRU.init(3, 4, RNG), 2))),
        "bidirectional": lambda: Bidirectional(layer, layer),
    }[net]()
    workspace = Workspace()
    for seed, lengths in ((1, None), (2, [6, 0, 3, 5]), (3, None)):
        x, state, da, dfinal = random_world(layer, 6, 4, seed)
        run, plain = layer.forward(x, state, lengths, workspace=workspace), layer.forward(x, state, lengths)
        assert_trees_close((run.x, run.a, run.final), (plain.x, plain.a, plain.final), 0)
        assert layer.backward(run, da, dfinal) == layer.backward(plain, da, dfinal)
    layer.forward(x, workspace=workspace)
    with pytest.raises(RuntimeError, match="workspace has been used again"):
        layer.backward(run, da, dfinal)


def test_bad_arguments_are_named():
    with pytest.raises(TypeError, match=r"^layer: expected a recurrent layer"):
        Halves(Deep((LAYERS["rnn"],)))
    with pytest.raises(ValueError, match=r"^least: expected an integer of at least 0, got -1"):
        Halves(LAYERS["rnn"], -1)
    with pytest.raises(TypeError, match=r"^workspace: expected a Workspace, got int 3"):
        Halves(LAYERS["rnn"]).forward(np.ones((3, 2, 2)), workspace=3)
