"""The four notations: every printed form is read back and checked, and a wrong one would be seen."""

from __future__ import annotations

import numpy as np
import pytest

from rnncourse.equations import Failure, Refused, parse
from rnncourse.equations.chapters import CHAPTERS
from rnncourse.equations.language.lexer import EquationError
from rnncourse.equations.notations import FORWARD, NOTATIONS, printed, rows, table, translated
from rnncourse.equations.runs.world import Ident
from rnncourse.equations.runs.worlds import SETTINGS
from rnncourse.equations.verdict.checker import Checker
from rnncourse.equations.verdict.edits import edits

FORMS = [
    (cell, label, notation, form)
    for cell, label, forms in rows(check=False)
    for notation, form in forms.items()
    if notation in NOTATIONS
]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form[1]}-{form[2]}")
def test_every_form_holds_and_its_wrong_versions_do_not(form: tuple[str, str, str, str]) -> None:
    cell, _, notation, source = form
    setting = translated(cell, notation)
    relations = parse(source, setting.notation)
    assert Checker(setting).check(relations, source)[0].cases >= 18
    survivors = []
    for edit in edits(source, relations, setting.notation):
        try:
            Checker(setting).check(parse(edit.source, setting.notation), edit.source)
            survivors.append(edit.source)
        except EquationError:
            continue
    assert not survivors


def test_the_tables_say_what_the_courses_write() -> None:
    named = [line.split(" | ")[0].strip("|* ") for line in table("lstm").splitlines()]
    assert named[2:] == 6 * ["Ng, this book", "h i f o g", "LTM STM E", "PyTorch"]
    assert [line.split(" | ")[0] for line in table("gru-after").splitlines()[2:4]] == [
        "| **Ng, this book**",
        "| PyTorch",
    ]
    assert r"h_t = \left(1 - z_t\right) \odot n_t + z_t \odot h_{t - 1}" in table("gru-after")
    assert r"z_t = \sigma\left(W_{iz} x_t + W_{hz} h_{t - 1} + b_{iz} + b_{hz}\right)" in table("gru-after")
    assert r"h_t = \tanh\left(W_{hh} h_{t - 1} + W_{ih} x_t + b_{ih} + b_{hh}\right)" in table("rnn")
    assert r"\mathrm{STM}_t = V_t \times \tanh\left(\mathrm{LTM}_t\right)" in table("lstm")
    with pytest.raises(ValueError, match="cell: expected one of rnn"):
        table("gru")


def test_what_a_notation_does_not_cover_it_refuses() -> None:
    (relation,) = parse(r"z_f^{\langle t \rangle} = b_f", SETTINGS["lstm"].notation)
    with pytest.raises(Refused, match="has no way to write z_f"):
        printed(relation, "lstm", "PyTorch")
    with pytest.raises(KeyError):
        printed(relation, "gru-after", "LTM STM E")


def test_the_event_and_the_error_of_note_004_are_told_apart() -> None:
    setting = translated("lstm", "LTM STM E")
    with pytest.raises(Refused, match="needs a time index"):
        parse(r"E = 1", setting.notation)
    with pytest.raises(Failure):
        Checker(setting).check(parse(r"E_t = \mathrm{STM}_t", setting.notation), r"E_t = \mathrm{STM}_t")


def test_the_forward_equations_are_read_in_their_chapters() -> None:
    assert {name for cells in NOTATIONS.values() for name in cells} <= FORWARD.keys()
    assert {"notation", "rnn-forward", "bptt"} <= CHAPTERS.keys()


def test_a_run_seen_in_another_notation_turns_what_is_opposite_and_leaves_our_run_alone() -> None:
    world = SETTINGS["gru-after"].worlds()[0]
    before = dict(world.values)
    seen = NOTATIONS["PyTorch"]["gru-after"].world(world)
    assert world.values == before
    assert "derivative" not in vars(world) | vars(seen)
    np.testing.assert_array_equal(seen.values["gate_z", 1, None], 1 - world.values["gate_u", 1, None])
    ours, theirs = Ident("b_u"), Ident("b_u_h")
    last = max(t for key, t, _ in world.forward if key == "gate_u" and t)
    c = Ident("c", last)
    np.testing.assert_array_equal(seen.derivative(c, theirs), -world.derivative(c, ours))
    np.testing.assert_array_equal(
        seen.derivative(Ident("gate_z", last), theirs), world.derivative(Ident("gate_u", last), ours)
    )
