"""The file of progress: two notebooks at once, a broken file, a read-only folder, a class."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rnncourse import exercises
from rnncourse.exercises import find, store

STEP = find("rnn-forward.step")


@pytest.fixture
def place(monkeypatch, tmp_path):
    path = tmp_path / "there" / "progress.json"
    monkeypatch.setenv("RNNCOURSE_PROGRESS", str(path))
    return path


def test_what_is_right_is_noted_and_told(place, capsys):
    exercises.check("rnn-forward.step", STEP.solution)
    exercises.check("rnn-forward.rnn-forward", lambda *a: None)
    capsys.readouterr()
    exercises.progress()
    lines = capsys.readouterr().out.splitlines()
    count = sum(isinstance(e, exercises.Exercise | exercises.Derivation) for e in exercises.exercises("rnn-forward"))
    assert f"rnn-forward: 1 of {count} (step)" in lines
    assert lines[-1] == f"The file: {place}"
    assert list(json.loads(place.read_text())["passed"]) == ["rnn-forward.step"]
    assert sorted(p.name for p in place.parent.iterdir()) == ["progress.json"]


def test_the_first_day_is_kept(place):
    place.parent.mkdir()
    place.write_text(json.dumps({"format": 1, "passed": {"rnn-forward.step": "2020-01-01"}}))
    assert store.remember(place, "rnn-forward.step") == ""
    assert store.passed(place) == {"rnn-forward.step": "2020-01-01"}


MANY = """
import sys
from pathlib import Path
from rnncourse.exercises import store
for k in range(40):
    said = store.remember(Path(sys.argv[1]), f"{sys.argv[2]}.{k}")
    assert said == "", said
"""


def test_two_notebooks_at_once_lose_nothing(place):
    env = os.environ | {"PYTHONPATH": str(Path(exercises.__file__).parents[2])}
    running = [subprocess.Popen([sys.executable, "-c", MANY, str(place), who], env=env) for who in "ab"]
    assert [process.wait(60) for process in running] == [0, 0]
    assert set(store.passed(place)) == {f"{who}.{k}" for who in "ab" for k in range(40)}


def test_a_lock_that_was_left_behind_is_taken_away(place):
    place.parent.mkdir()
    lock = place.with_name("progress.json.lock")
    lock.write_text("")
    os.utime(lock, (time.time() - 60, time.time() - 60))
    assert store.remember(place, "a.b") == ""
    assert store.passed(place).keys() == {"a.b"}


def test_a_lock_that_is_held_is_not_waited_for_for_ever(place, monkeypatch):
    place.parent.mkdir()
    place.with_name("progress.json.lock").write_text("")
    monkeypatch.setattr(store, "PATIENCE", 0.05)
    assert "could not be stored: another notebook holds" in store.remember(place, "a.b")


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"passed": 3}', '{"passed": {"a": 1}}', "\x00\x01"])
def test_a_broken_file_is_kept_and_a_new_one_begun(place, broken, capsys):
    place.parent.mkdir()
    place.write_text(broken)
    exercises.progress()
    assert "is no file of progress. The next exercise that you pass begins a new file." in capsys.readouterr().out
    exercises.check("rnn-forward.step", STEP.solution)
    assert "was broken: it is kept as progress.json.broken" in capsys.readouterr().out
    assert store.passed(place).keys() == {"rnn-forward.step"}
    assert place.with_name("progress.json.broken").read_text() == broken
    place.write_text(broken)
    assert "progress.json.broken1" in store.remember(place, "a.b")


def test_a_folder_that_cannot_be_written(place, capsys, monkeypatch):
    def refused(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    place.parent.mkdir()
    monkeypatch.setattr(store.os, "open", refused)  # root may write anywhere: a mode would prove nothing
    exercises.check("rnn-forward.step", STEP.solution)
    assert capsys.readouterr().out.splitlines()[-1] == "Your progress could not be stored: Permission denied."


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_whose_mode_forbids_it(place, capsys):
    place.parent.mkdir(mode=0o500)
    exercises.check("rnn-forward.step", STEP.solution)
    assert "could not be stored" in capsys.readouterr().out


def test_a_file_in_the_way_of_the_folder(place, capsys):
    place.parent.write_text("a file")
    exercises.check("rnn-forward.step", STEP.solution)
    assert "could not be stored" in capsys.readouterr().out


def test_without_platformdirs_only_progress_says_so(monkeypatch, capsys):
    monkeypatch.delenv("RNNCOURSE_PROGRESS", raising=False)
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    exercises.check("rnn-forward.step", STEP.solution)
    assert "platformdirs" not in capsys.readouterr().out
    exercises.progress()
    assert capsys.readouterr().out == 'progress needs platformdirs: pip install "rnncourse[exercises]"\n'


def test_an_empty_variable_stores_nothing(monkeypatch, capsys):
    monkeypatch.setenv("RNNCOURSE_PROGRESS", "")
    exercises.check("rnn-forward.step", STEP.solution)
    exercises.progress()
    assert capsys.readouterr().out.splitlines()[-1] == "Nothing is stored: RNNCOURSE_PROGRESS is empty."


def test_a_class_is_a_folder_of_files(place, tmp_path, capsys):
    folder = tmp_path / "class"
    folder.mkdir()
    store.remember(folder / "ada.json", "rnn-forward.step")
    store.remember(folder / "ada.json", "no.longer-there")
    (folder / "bob.json").write_text("{")
    exercises.progress(folder)
    total = sum(isinstance(e, exercises.Exercise | exercises.Derivation) for e in exercises.exercises())
    ada, bob = capsys.readouterr().out.splitlines()
    assert ada.startswith(f"ada: 1 of {total}, the last on 20")
    assert bob == "bob: no file of progress"
    exercises.progress(folder / "ada.json")
    assert "(step)" in capsys.readouterr().out


def test_the_usual_place_is_the_users_own(monkeypatch):
    platformdirs = pytest.importorskip("platformdirs")
    monkeypatch.delenv("RNNCOURSE_PROGRESS", raising=False)
    assert store.default_path() == Path(platformdirs.user_data_dir("rnncourse")) / "progress.json"
