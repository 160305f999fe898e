"""What students write: read as TeX sets it, or refused with the form to write; and no input crashes the reader."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rnncourse.equations import Refused, check, explain, parse, symbols
from rnncourse.equations.__main__ import main
from rnncourse.equations.chapters import CHAPTERS, TRANSLATED, chapter_of
from rnncourse.equations.extract import equations
from rnncourse.equations.language.lexer import lex
from rnncourse.equations.language.tables import FACTS, RNN
from rnncourse.equations.runs.worlds import SETTINGS

T = r"^{\langle t \rangle}"
PREV = r"^{\langle t-1 \rangle}"
NEXT = r"^{\langle t+1 \rangle}"


@pytest.mark.parametrize(
    ("bare", "braces"),
    [
        (r"\frac12 s = 1", r"\frac{1}{2} s = 1"),
        (r"\frac s12 = 1", r"\frac{s}{1} \cdot 2 = 1"),
        (r"\frac{s}25 = 1", r"\frac{s}{2} \cdot 5 = 1"),
        (r"\sqrt2 s = 1", r"\sqrt{2} s = 1"),
        (r"s^2 s = 1", r"s^{2} s = 1"),
        (r"\frac ss = 1", r"\frac{s}{s} = 1"),
        (r"s^\frac12 = 1", r"s^{\frac{1}{2}} = 1"),
    ],
)
def test_an_argument_without_braces_is_one_token(bare: str, braces: str) -> None:
    if r"\cdot" in braces:  # what is left over is a number behind a factor
        with pytest.raises(Refused, match=r"number behind a factor|one token"):
            parse(bare, FACTS)
    elif r"^\frac" in bare:  # refused, rather than read as something else
        with pytest.raises(Refused):
            parse(bare, FACTS)
    else:
        assert parse(bare, FACTS) == parse(braces, FACTS)


@pytest.mark.parametrize("source", ["s^12 = s", r"\sqrt16 = 4", "s^1.5 = s", r"\frac1.5 = s"])
def test_more_than_one_digit_without_braces_is_never_one_number(source: str) -> None:
    with pytest.raises(Refused):
        parse(source, FACTS)


def test_tokens_of_cut_numbers_know_their_places() -> None:
    source = r"\frac12 s^34 + {56}"
    tokens = [t for t in lex(source) if t.kind == "num"]
    assert [t.text for t in tokens] == ["1", "2", "3", "4", "56"]
    assert all(source[t.pos : t.end] == t.text for t in tokens)


@pytest.mark.parametrize(
    ("written", "form"),
    [
        (r"(W_{aa})_{ij} = b_{a,i}", r"W_{aa,ij} = b_{a,i}"),
        (rf"\frac{{\partial}}{{\partial b_a}} L = \delta_a{T}", rf"\frac{{\partial L}}{{\partial b_a}} = \delta_a{T}"),
        (rf"\partial L / \partial b_a = \delta_a{T}", rf"\frac{{\partial L}}{{\partial b_a}} = \delta_a{T}"),
        (rf"\frac{{dL}}{{db_a}} = \delta_a{T}", rf"\frac{{\partial L}}{{\partial b_a}} = \delta_a{T}"),
        (rf"\frac{{d}}{{db_a}} L = \delta_a{T}", rf"\frac{{\partial L}}{{\partial b_a}} = \delta_a{T}"),
        (r"\frac{\mathrm{d} L}{\mathrm{d} b_a} = b_a", r"\frac{\partial L}{\partial b_a} = b_a"),
        (r"(1 + L)^{-1} = J", r"\frac{1}{(1 + L)} = J"),
    ],
)
def test_other_ways_of_writing_the_same(written: str, form: str) -> None:
    assert parse(written, RNN) == parse(form, RNN)


@pytest.mark.parametrize(
    ("source", "chapter"),
    [
        (r"\sigma(s) = (1 + e^{-s})^{-1}", "facts"),
        (r"L = \sum_\tau L^{\langle \tau \rangle}", "bptt"),
        (rf"\partial L / \partial b_a = \sum_{{t=1}}^{{T_x}} \delta_z{T}", "bptt"),
    ],
)
def test_true_statements_hold(source: str, chapter: str) -> None:
    assert explain(source, chapter).startswith("It holds")


@pytest.mark.parametrize(
    ("source", "chapter", "hint"),
    [
        (rf"a{T} = \tanh(z_a{T})^2", "bptt", rf"Write (\tanh(z_a{T}))^{{"),
        (rf"\mathbf{{1}} - a{T} \odot a{T} = b_a", "bptt", "write 1, as in 1 - a"),
        (r"L = \sum_{k \ge t} L^{\langle k \rangle}", "bptt", r"write \sum_{k=t}^{T_x}"),
        (r"L = \sum_{k > t} L^{\langle k \rangle}", "bptt", r"write \sum_{k=t+1}^{T_x}"),
        (rf"h{T} = b_a", "bptt", rf"in the book's notation: a{T}"),
        (r"h_t = b_a", "bptt", rf"in the book's notation: a{T}"),
        (rf"a{T} = W_{{hh}} a{PREV}", "bptt", r"in the book's notation: W_{aa}"),
        (rf"c{T} = f{T} \odot c{PREV}", "lstm-forward", rf"in the book's notation: \Gamma_f{T}"),
        (r"\mathcal L = L", "bptt", rf"write L{T} or L"),
        (rf"da{T} = b_a", "bptt", rf"is \delta_a{T}"),
        (rf"dz_a{T} = b_a", "bptt", rf"is \delta_z{T}"),
        (r"dW_{aa} = b_a", "bptt", r"write gradients as \frac{\partial L}{\partial W_{aa}}"),
        (r"x = \frac{\partial}{\partial b_a} L b_a", "bptt", "x needs a time index"),
        (r"L = \frac{\partial}{\partial b_a} L b_a", "bptt", "where does the derivative end"),
        (r"L = \partial L / \partial b_a b_a", "bptt", "has two readings"),
    ],
)
def test_refused_with_the_form_to_write(source: str, chapter: str, hint: str) -> None:
    text = explain(source, chapter)
    assert text.startswith("It cannot be read")
    assert hint in text


def test_the_hint_for_a_sigmoid_of_a_vector() -> None:
    from rnncourse.equations import Failure
    from rnncourse.equations.chapters import setting_of
    from rnncourse.equations.verdict.checker import Checker

    source = rf"\Gamma_f{T} = \frac{{1}}{{1 + e^{{-z_f{T}}}}}"
    with pytest.raises(Failure, match=r"write \\sigma\(z\)"):
        Checker(setting_of("lstm")).check(parse(source, setting_of("lstm").notation), source)


@pytest.mark.parametrize(
    "source",
    [
        "(" * 200 + "s" + ")" * 200 + " = s", "[" * 5000, "{" * 5000 + "s", r"\hat" * 3000 + " y = s",
        r"\tanh" * 900 + " s = s", "s " * 3000 + "= s", "s" + "^2" * 900 + " = s", r"\\[" * 6000, "e^" * 900 + "s = s",
        r"\frac" * 900, r"\mathrm{" * 2000, r"\label{" * 2000, r"\label{" * 50_000, "-" * 3000 + "s = s",
    ],
)  # fmt: skip
def test_deep_and_long_input_is_refused_soon(source: str) -> None:
    told, calls = counted(lambda: explain(source, "facts"))
    assert told.startswith("It cannot be read")
    assert calls < 300_000  # of functions: the same on every machine


@pytest.mark.parametrize("piece", [r"\label{", r"\\["])
def test_the_lexer_takes_time_in_proportion(piece: str) -> None:
    """50,000 labels that never close took 23 s: ten times the text took a hundred times as long."""

    def fastest(n: int) -> float:
        seconds = []
        for _ in range(3):
            start = time.process_time()
            lex(piece * n)
            seconds.append(time.process_time() - start)
        return min(seconds)

    assert fastest(20_000) < 40 * fastest(2_000)


# What no single slip explains: the whole search runs, on the equations that take longest.
HOPELESS = [
    (
        "lstm-backward", rf"\delta_a{T} = W_{{ya}}^{{\top}} \delta_y{T} + W_{{fa}}^{{\top}} \delta_f{T}"
        rf" + W_{{ua}}^{{\top}} \delta_o{NEXT}",
    ),
    ("lstm-forward", rf"a{T} = a{PREV}"),
    ("lstm-backward", rf"\delta_c{T} = " + " + ".join(
        [rf"\delta_a{T} \odot \Gamma_o{T} \odot (1 - \tanh^2(c{T})) + \delta_c{NEXT} \odot \Gamma_f{NEXT}"] * 8)),
]  # fmt: skip


@pytest.mark.parametrize(("chapter", "wrong"), HOPELESS)
def test_the_answer_to_a_hopeless_equation_does_not_take_long(chapter: str, wrong: str) -> None:
    explain("L = L", chapter)  # makes the runs
    told, calls = counted(lambda: explain(wrong, chapter))
    assert told.startswith(("It does not hold", "It fails"))
    assert "It holds if" not in told
    assert calls < 4_000_000  # some two seconds, on a machine of 2026; it took 8 million


def counted(f: Callable[[], str]) -> tuple[str, int]:
    """Return what a function returns, and how many Python functions were called on the way."""
    calls = 0

    def count(_: object, event: str, __: object) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        told = f()
    finally:
        sys.setprofile(before)
    return told, calls


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((None, "bptt"), "latex"),
        (("L = L", ["bptt"]), "chapter"),
        (("L = L", None), "chapter"),
        ((b"L", "bptt"), "latex"),
    ],
)
def test_arguments_of_a_wrong_type_are_named(arguments: tuple[str, str], name: str) -> None:
    with pytest.raises(TypeError, match=rf"^{name}: expected a str"):
        explain(*arguments)
    with pytest.raises(TypeError, match=rf"^{name}: expected a str"):
        check(*arguments)
    with pytest.raises(TypeError, match=r"^world: expected a str"):
        explain("L = L", "bptt", world=[])  # type: ignore[arg-type]


def test_the_error_lists_every_chapter_that_works() -> None:
    with pytest.raises(ValueError, match="expected one of") as error:
        chapter_of("nowhere")
    for name in (*CHAPTERS, *SETTINGS, *TRANSLATED):
        assert chapter_of(name).settings
        assert name in str(error.value).split("expected one of ")[1].split(", got")[0].split(", ")


BROKEN = {
    "latin.md": "caf\xe9".encode("latin-1"),
    "cut.ipynb": b'{"cells": [',
    "bare.ipynb": b"{}",
    "list.ipynb": b"[1]",
    "cells.ipynb": json.dumps({"cells": [{"cell_type": "markdown"}]}).encode(),
    "null.ipynb": json.dumps({"cells": None}).encode(),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_page_is_named(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / name
    page.write_bytes(BROKEN[name])
    with pytest.raises(ValueError, match=name):
        equations(page)
    assert main([str(tmp_path)]) == 2
    assert name in capsys.readouterr().err


def test_nothing_to_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert "no display equation in" in capsys.readouterr().err


@pytest.mark.parametrize("chapter", [*CHAPTERS, *TRANSLATED])
def test_the_symbols_of_a_chapter_are_what_its_reader_knows(chapter: str) -> None:
    listed = symbols(chapter)
    assert str(listed).splitlines()[0].split() == ["LaTeX", "what", "it", "is", "shape", "indices"]
    for symbol in listed:
        if r"\delta" not in symbol.latex:
            chapter_of(chapter).read(f"{symbol.latex} = {symbol.latex}".replace("[l]", "[1]"))
        assert symbol.meaning


def test_symbols_say_shape_and_indices() -> None:
    rows = {s.key: s for s in symbols("bptt")}
    assert rows["W_ax"].shape == "n_a × n_x"
    assert rows["W_a"].shape == "n_a × (n_a + n_x)"
    assert (rows["d a"].shape, rows["d a"].indices) == ("n_a × 1", ("time t",))
    assert rows["d a"].meaning == rf"gradient of L with respect to a{T}"
    assert rows["L"].shape == "a number"
    assert {s.key: s.indices for s in symbols("deep")}["a"] == ("layer l", "time t")
