"""The switch: the pages' formulas in other notations, layout kept; the switched equations are read back and checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnncourse.equations import Failure, Refused, parse
from rnncourse.equations.extract import equations, pages
from rnncourse.equations.report import check_page
from rnncourse.equations.switch import BOOK, CELLS, OVERRIDES, dialects, runs, switched
from rnncourse.equations.verdict.checker import Checker
from rnncourse.equations.verdict.evaluate import Definition

ROOT = Path(__file__).parents[2]
PAGES = [page for page in pages(ROOT / "book") if equations(page)]
T = r"^{\langle t \rangle}"
PREV = r"^{\langle t-1 \rangle}"
UNWRITTEN = {("gru-after", "PyTorch"): {"a", "W_u"}}  # its output is its state; the stacked weights of a turned gate


@pytest.mark.parametrize(
    ("source", "cell", "notation", "form"),
    [
        (rf"a{T}", "rnn", "h i f o g", "h_t"),
        (rf"W_{{aa,ij}}\, a_j{PREV}", "rnn", "PyTorch", r"W_{hh,ij}\, h_{t-1,j}"),
        (rf"(1 - (a{T})^2)", "rnn", "h i f o g", "(1 - (h_t)^2)"),
        ("1 - a^2", "rnn", "h i f o g", "1 - h^2"),
        (rf"{{a{PREV}}}^{{\top}} W_{{ya}}^{{\top}}", "rnn", "PyTorch", r"{h_{t-1}}^{\top} W_{hy}^{\top}"),
        (rf"e^{{z_{{y,j}}{T}}}", "rnn", "h i f o g", "e^{z_{y,t,j}}"),
        (r"x^{(4)\langle t \rangle}", "rnn", "PyTorch", "x_t^{(4)}"),
        (r"n_a \times n_x, \; T_x, \; 2^{n_a}", "rnn", "PyTorch", r"n_a \times n_x, \; T_x, \; 2^{n_a}"),
        (r"\Gamma_{u,i}", "lstm", "h i f o g", "i_i"),
        (r"\Gamma_o \odot \tanh c", "lstm", "LTM STM E", r"V \times \tanh \mathrm{LTM}"),
        (r"\tanh(w a)", "lstm", "LTM STM E", r"\tanh(w \, \mathrm{STM})"),
        (rf"\Gamma_u{T}x", "lstm", "h i f o g", "i_tx"),
        (rf"W_f [a{PREV}, x{T}] + b_f", "lstm", "h i f o g", "W_{hf} h_{t-1} + W_{xf} x_t + b_f"),
        (rf"[a{PREV}, x{T}]^{{\top}}", "lstm", "PyTorch", r"[h_{t-1}, x_t]^{\top}"),
        ("b_f = 1", "lstm", "PyTorch", "b_{if} + b_{hf} = 1"),
        ("b_u = -b_f", "lstm", "PyTorch", r"b_{ii} + b_{hi} = -\left(b_{if} + b_{hf}\right)"),
        (r"\partial L / \partial b_f", "lstm", "PyTorch", r"\partial L / \partial b_{hf}"),
        (r"\Gamma_u = 1", "gru-after", "PyTorch", "1 - z = 1"),
        (rf"1 - \Gamma_u{T}", "gru-after", "PyTorch", r"1 - \left(1 - z_t\right)"),
        (rf"W_u [c{PREV}, x{T}] = 0", "gru-after", "PyTorch", "-W_{hz} h_{t-1} - W_{iz} x_t = 0"),
        (r"W_{uc} + \delta_u", "gru-after", "PyTorch", r"-W_{hz} + \left(-\delta_z\right)"),
    ],
)  # fmt: skip
def test_names_change_and_the_rest_stays(source: str, cell: str, notation: str, form: str) -> None:
    assert switched(source, cell, notation) == form


@pytest.mark.parametrize(
    ("source", "cell", "notation"),
    [
        (rf"m{T}", "rnn", "PyTorch"),
        (r"\Gamma_f", "rnn", "PyTorch"),
        (r"W_{aa}", "lstm", "h i f o g"),
        (r"W_s", "rnn", "h i f o g"),
        (r"a^{[2]}", "rnn", "PyTorch"),
        (rf"a{T} = c{T}", "gru-after", "PyTorch"),
    ],
)
def test_a_quantity_without_a_name_is_refused(source: str, cell: str, notation: str) -> None:
    with pytest.raises(Refused, match="in the notation"):
        switched(source, cell, notation)


def test_a_name_of_the_page_itself_stays() -> None:
    assert switched("W_s x", "rnn", "h i f o g", {"W_{s}"}) == "W_s x"


def test_every_quantity_of_a_cell_has_a_name() -> None:
    for notation, cells in dialects().items():
        for cell, dialect in cells.items():
            named = dialect.notation.templates.keys() | dialect.notation.spelled.keys()
            assert BOOK[cell].templates.keys() - named == UNWRITTEN.get((cell, notation), set())


def test_the_overrides_belong_to_equations_of_the_book() -> None:
    labels = {eq.label for page in PAGES for eq in equations(page)}
    assert {label for label, _ in OVERRIDES} <= labels


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_switched_equation_holds_and_every_false_one_does_not(page: Path) -> None:
    """Each form is parsed in its own notation and evaluated on the same arrays as the book's."""
    known: dict[tuple[str, str], dict[str, Definition]] = {}
    for outcome in check_page(page, diagnose=False):
        eq, cell = outcome.equation, CELLS.get(outcome.setting, "")
        for notation, cells in dialects().items():
            if cell not in cells or outcome.status not in ("checked", "false"):
                continue
            setting = runs(outcome.setting, notation)
            form = switched(eq.latex, cell, notation, label=eq.label)
            assert r"\langle" not in form
            assert r"\Gamma_" not in form
            definitions = known.setdefault((outcome.setting, notation), {})
            checker = Checker(setting, dict(definitions) if outcome.status == "false" else definitions)
            relations = parse(form, setting.notation)
            if outcome.status == "false":
                with pytest.raises(Failure):
                    checker.check(relations, form, eq.marks.get("attained"))
            else:
                checker.check(relations, form, eq.marks.get("attained"))
