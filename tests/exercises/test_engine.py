"""What a learner may hand over: wrong forms, harm, endless loops. A message each time, and the notebook goes on."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from rnncourse import exercises
from rnncourse.exercises import find, runner
from rnncourse.exercises.diagnosis import judge

STEP = find("rnn-forward.step")
BPTT = find("bptt.bptt")
right = STEP.solution


def said(function, exercise=STEP):
    verdict = judge(exercise, function)
    assert verdict.state == "wrong"
    return verdict.text


# ---- forms


def test_the_function_is_wanted_not_its_value():
    assert "the function itself, rnn_step without brackets" in said(np.zeros((3, 5)))
    assert "the function itself" in said(None)


def test_the_arguments_have_to_fit():
    assert "Expected a function that takes rnn_step(x_t, a_prev, W_aa, W_ax, b_a)" in said(lambda x_t, a_prev: x_t)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda *a: right(*a).tolist(), "a_t: expected an array of shape (B, n_a), got a list."),
        (lambda *a: right(*a).astype(np.float32), "expected dtype float64, got float32. Half of the digits are lost."),
        (lambda *a: right(*a).T, "a_t: expected (B, n_a) = (3, 5), got (5, 3): that is the shape of its transpose."),
        (lambda *a: right(*a)[None], "got (1, 3, 5): an axis is lost or too many."),
        (lambda *a: a[0], "got (3, 4): that is the shape of x_t."),
        (lambda *a: (yield right(*a)), "got a generator (`yield` in place of `return`?)."),
        (lambda *a: right(*a).astype(object), "expected dtype float64, got object."),
        (lambda *a: right(*a) + 0j, "expected dtype float64, got complex128."),
        (lambda *a: {"a_t": right(*a)}, "got a dict."),
        (lambda *a: right, "got a function."),
        (lambda *a: np.ma.masked_array(right(*a)), "expected an array of shape (B, n_a), got a MaskedArray."),
        (lambda *a: print(end=""), "It returned None: is there a `return`"),
    ],
)
def test_wrong_forms_are_named(wrong, message):
    assert message in said(wrong)


def test_outputs_in_another_order_or_number():
    order = said(lambda *a: BPTT.solution(*a)[::-1], BPTT)
    assert "another order: expected (dx, da0, dW_aa, dW_ax, db_a), got (db_a, dW_ax, dW_aa, da0, dx)" in order
    assert "Expected 5 outputs" in said(lambda *a: BPTT.solution(*a)[:3], BPTT)


def test_a_blank_in_part_is_a_blank():
    def begun(x_t, a_prev, W_aa, W_ax, b_a):
        z = ...
        return np.tanh(z)

    def refused(x_t, a_prev, W_aa, W_ax, b_a):
        raise NotImplementedError

    assert judge(STEP, begun).state == judge(STEP, refused).state == judge(STEP, lambda *a: ...).state == "blank"


def test_it_says_on_which_worlds_it_is_right():
    def one_example(*a):
        return right(*a).mean(axis=0, keepdims=True).repeat(len(a[0]), axis=0)

    assert "Right with one example (B = 1); wrong with several examples" in said(one_example)


def test_guesses_for_what_no_table_has():
    assert "a_t is the negative of what it should be." in said(lambda *a: -right(*a))
    assert "a_t is 3 = B times what it should be." in said(lambda *a: 3 * right(*a))
    forward = find("rnn-forward.rnn-forward")
    assert "in the reverse order of time" in said(lambda *a: forward.solution(*a)[::-1], forward)
    assert "a is one step late" in said(lambda *a: np.roll(forward.solution(*a), 1, axis=0), forward)
    swapped = said(lambda *a: (lambda d: (*d[:2], d[2].T, *d[3:]))(BPTT.solution(*a)), BPTT)
    assert "dW_aa is the transpose of what it should be" in swapped


def test_what_is_printed_and_warned_is_said_and_does_not_matter():
    def chatty(*a):
        print("z", 1)
        np.log(np.zeros(1))
        return right(*a)

    verdict = judge(STEP, chatty)
    assert verdict.state == "right"
    assert "It printed, on the first world: z 1" in verdict.text
    assert "NumPy warned: divide by zero" in verdict.text


# ---- harm


def raises(error):
    def function(*a):
        raise error

    return function


@pytest.mark.parametrize(
    "error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), MemoryError(), ValueError("no")]
)
def test_whatever_is_raised_the_notebook_goes_on(error):
    assert f"Raised on a world with several examples: {type(error).__name__}" in said(raises(error))


def test_an_error_whose_message_raises():
    class NastyError(Exception):
        def __str__(self):
            raise SystemExit

    assert "NastyError" in said(raises(NastyError()))


def returns_itself(*a):
    return returns_itself


def calls_itself(*a):
    return calls_itself(*a)


def test_a_function_that_returns_or_calls_itself():
    assert "expected an array of shape (B, n_a), got a function" in said(returns_itself)
    assert "RecursionError" in said(calls_itself)
    nested = []
    nested.append(nested)
    assert "got a list" in said(lambda *a: nested)


def forever(*a):
    while True:
        pass


def forever_in_a_blank(x_t, a_prev, W_aa, W_ax, b_a):
    while True:
        pass


def forever_and_catches(*a):
    while True:
        with contextlib.suppress(BaseException):
            sum(range(100))


def sleeps(*a):
    time.sleep(1000)


@pytest.mark.parametrize("endless", [forever, forever_in_a_blank, forever_and_catches, sleeps])
def test_a_loop_that_never_ends_is_stopped(endless):
    start = time.perf_counter()
    assert "Stopped: it takes more than 2 seconds. Is there a loop that never ends?" in said(endless)
    assert time.perf_counter() - start < 30  # 2 on a machine with nothing else to do, 6 for what sleeps


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
def test_an_alarm_of_the_callers_is_kept():
    heard = []
    before, alarm = signal.signal(signal.SIGALRM, lambda *_: heard.append(1)), signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        assert judge(STEP, STEP.solution).state == "right"
        left, _ = signal.getitimer(signal.ITIMER_REAL)
        assert heard or 0 < left <= 0.5
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *alarm)


def test_a_loop_is_stopped_in_another_thread_too():
    verdicts = []
    thread = threading.Thread(target=lambda: verdicts.append(judge(STEP, forever)))
    thread.start()
    thread.join(20)
    assert "Stopped: it takes more than 2 seconds" in verdicts[0].text
    assert judge(STEP, right).state == "right"


def test_files_are_not_deleted_or_written(tmp_path):
    kept = tmp_path / "kept.txt"
    kept.write_text("here")

    def deletes(*a):
        os.remove(kept)
        return right(*a)

    def deletes_quietly(*a):
        with contextlib.suppress(OSError):
            kept.unlink()
        return right(*a)

    def writes(*a):
        (tmp_path / "new.txt").write_text("x")

    def starts(*a):
        return os.system(f"rm {kept}")

    def makes(*a):
        (tmp_path / "folder").mkdir()

    def goes_away(*a):
        os.chdir(tmp_path)

    def locks(*a):
        kept.chmod(0)

    def links(*a):
        (tmp_path / "link").symlink_to(kept)

    for harmful, what in (
        (deletes, "call os.remove"),
        (deletes_quietly, "call os.remove"),
        (writes, "open a file for writing"),
        (starts, "call os.system"),
        (makes, "call os.mkdir"),
        (goes_away, "call os.chdir"),
        (locks, "call os.chmod"),
        (links, "call os.symlink"),
    ):
        assert f"It tried to {what}. That was refused or undone" in said(harmful)
    assert kept.read_text() == "here"
    assert [p.name for p in tmp_path.iterdir()] == ["kept.txt"]
    (tmp_path / "new.txt").write_text("afterwards everything is allowed again")


def test_imports_are_allowed_and_a_missing_one_is_a_message():
    def imports(*a):
        import colorsys  # noqa: F401

        return right(*a)

    def missing(*a):
        import no_such_module  # noqa: F401

    sys.modules.pop("colorsys", None)
    assert judge(STEP, imports).state == "right"
    assert "ModuleNotFoundError: No module named 'no_such_module'" in said(missing)


def test_numpy_stays_as_it_was():
    tanh, errors, options = np.tanh, np.geterr(), np.get_printoptions()

    def breaks(*a):
        np.tanh = np.sin
        del np.concatenate
        return a[0]

    def silences(*a):
        np.seterr(all="raise")
        np.set_printoptions(precision=1)
        return right(*a)

    assert "It tried to change NumPy itself (np." in said(breaks)
    assert np.tanh is tanh
    assert np.concatenate
    assert "change NumPy's error settings (np.seterr)" in said(silences)
    assert np.geterr() == errors
    assert np.get_printoptions() == options


def test_changed_arguments_are_named():
    def changes(x_t, a_prev, W_aa, W_ax, b_a):
        out = right(x_t, a_prev, W_aa, W_ax, b_a)
        a_prev += 1
        return out

    assert "The numbers are right, but it changes its argument a_prev" in said(changes)


def test_what_a_cell_has_kept_is_a_copy():
    """It is a named tuple: written into, the right answers were made from what was left of it."""
    exercise = find("gru.gru-step-back")

    def changes(layer, cache, dc_t):
        out = exercise.solution(layer, cache, dc_t)
        cache.c_prev[:] = 0
        return out

    assert "The numbers are right, but it changes its argument cache" in said(changes, exercise)

    def changes_first(layer, cache, dc_t):
        cache.c_prev[:] = 0
        return exercise.solution(layer, cache, dc_t)

    assert "Not right yet" in said(changes_first, exercise)


def test_a_record_cannot_be_changed():
    exercise = find("lstm-backward.by-hand")

    def changes(layer, run, da, dfinal):
        layer.W[:] = 0

    assert "read-only" in said(changes, exercise)


def test_standard_output_may_be_closed_and_recursion_is_limited_as_before():
    limit, out = sys.getrecursionlimit(), sys.stdout

    def closes(*a):
        print("z")
        sys.stdout.close()
        sys.setrecursionlimit(10_000)
        return right(*a)

    verdict = judge(STEP, closes)
    assert verdict.state == "right"
    assert "It printed, on the first world: z" in verdict.text
    assert (sys.getrecursionlimit(), sys.stdout) == (limit, out)


@pytest.mark.parametrize("clocks", [runner.by_signal, runner.by_thread])
def test_a_busy_machine_is_no_endless_loop(clocks, monkeypatch):
    """Another program has the processor: much time on the clock, little of it ours."""

    def slow():
        for _ in range(20):
            time.sleep(0.02)
        return "done"

    assert clocks(slow, (), 0.2) == "done"
    monkeypatch.setattr(runner, "BUSY", 1.0)
    with pytest.raises(runner.TimeUp):
        clocks(slow, (), 0.2)


DEBUGGED = """
import sys
from rnncourse.exercises import runner
print(runner.by_thread(lambda: "in time", (), 5))
try:
    runner.by_thread(lambda: [None for _ in iter(int, 1)], (), 0.2)
except runner.TimeUp:
    print("stopped")
sys.settrace(lambda *_: None)
print((lambda: "traced")())
"""


def test_a_debugger_may_trace_what_runs_after_a_check():
    """Python 3.11 goes round for ever, if the thread's interrupt was taken back by force."""
    done = subprocess.run([sys.executable, "-c", DEBUGGED], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split("\n") == ["in time", "stopped", "traced", ""]


def test_a_second_call_has_to_agree_with_the_first():
    calls = []

    def counts(*a):
        calls.append(1)
        return right(*a) + (len(calls) > 6)

    assert "others at the second" in said(counts)


# ---- the commands


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    monkeypatch.setattr(exercises, "_asked", {})
    monkeypatch.setattr(exercises, "_wanted", set())
    monkeypatch.setenv("RNNCOURSE_PROGRESS", str(tmp_path / "progress.json"))
    return tmp_path / "progress.json"


def test_hints_say_more_at_each_call(fresh, capsys):
    for k in (0, 1, 2, 2):
        exercises.hint("bptt.bptt")
        assert capsys.readouterr().out == f"Hint {k + 1} of 3: {BPTT.hints[k]}\n"
    exercises.solution("bptt.bptt")
    assert capsys.readouterr().out.startswith("def bptt(x, states, da, W_aa, W_ax):\n")


def test_a_solution_is_shown_when_asked_for_twice(fresh, capsys):
    exercises.solution("bptt.bptt")
    assert "There are hints left: hint('bptt.bptt'). Ask once more" in capsys.readouterr().out
    exercises.solution("bptt.bptt")
    assert "reversed(range(len(x)))" in capsys.readouterr().out


def test_what_is_printed_as_a_solution_passes(fresh, capsys):
    exercises.solution("bptt.delta-z")
    exercises.solution("bptt.delta-z")
    latex = capsys.readouterr().out.splitlines()[-1]
    exercises.check_equation("bptt.delta-z", latex)
    assert capsys.readouterr().out.startswith("Right: it holds on every run")


def test_a_task_prints_the_blank(fresh, capsys):
    exercises.task("bptt.bptt")
    out = capsys.readouterr().out
    assert "Backpropagation through time (code, 25 minutes)" in out
    assert out.rstrip().endswith("    ...\n\n\ncheck('bptt.bptt', bptt)")
    exercises.task("bptt.delta-z")
    assert "check_equation('bptt.delta-z'" in capsys.readouterr().out
    exercises.task("bptt.by-hand")
    assert "It stands in the chapter bptt." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: exercises.check("bptt.bttp", right),
            ValueError,
            "there is no exercise 'bptt.bttp'; there is bptt.bptt",
        ),
        (lambda: exercises.check(right, "bptt.bptt"), TypeError, "name: expected a str"),
        (lambda: exercises.check("bptt.by-hand", right), ValueError, "answered on paper"),
        (lambda: exercises.check_equation("bptt.bptt", "a"), ValueError, "asks for a function"),
        (lambda: exercises.hint("bptt.by-hand"), ValueError, "has its solution in the chapter"),
        (lambda: exercises.exercises("nothing"), ValueError, "chapter: expected one of notation"),
    ],
)
def test_wrong_names_are_errors(fresh, call, error, message):
    with pytest.raises(error, match=message):
        call()
