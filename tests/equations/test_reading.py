"""Reading LaTeX: what is read, what is refused, and printing it again."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnncourse.equations import Refused, latex, parse
from rnncourse.equations.chapters import chapter_of, setting_of
from rnncourse.equations.extract import equations, pages
from rnncourse.equations.language.lexer import lex
from rnncourse.equations.language.symbols import Notation
from rnncourse.equations.language.tables import RNN

ROOT = Path(__file__).parents[2]
T = r"^{\langle t \rangle}"
REFUSED = {
    rf"a{T} \approx b_a": "an approximation cannot be checked",
    rf"a{T} = b_a + \cdots": "dots cannot be checked",
    r"\int x = 1": "integrals cannot be checked",
    rf"\mathbb{{E}} a{T} = b_a": "expectations cannot be checked",
    rf"a{T} = \operatorname{{frob}}(b_a)": r"\mathrm{frob} is not a symbol of this chapter",
    rf"a{T} = \tanh W_{{aa}} b_a": "where does the argument of the function end? Use parentheses",
    rf"a{T} = W_{{aa}}^{{-1}} b_a": "inverses cannot be checked",
    rf"a{T} = W_{{aa}} \times b_a": r"the elementwise product is \odot",
    rf"a{T} = W_{{aa}} * b_a": r"the elementwise product is \odot",
    rf"a{T}": "an equation needs =",
    rf"a{T} = ": "is not something that can be checked here",
    rf"a{T} = (b_a": "expected ) here",
    rf"a{T} = {{b_a + b_a}}": "braces do not show in print",
    rf"a{T} = b_a / 2 b_a": "has two readings",
    rf"a{T} = b_a 2": "a number behind a factor",
    rf"a{T} = [b_a, b_a \mid b_a]": "not both in one",
    rf"a{T}{T} = b_a": "two time index",
    rf"a_{{1}}_{{2}}{T} = 1": "two subscripts",
    rf"a{T}' = b_a": "a prime is only read on a function",
    rf"b_a{T} = b_a": "takes no time index <t>: write b_a",
    "a = b_a": r"a needs a time index <t>: write a^{\langle t \rangle}",
    rf"\frac{{\partial L}}{{2}} = a{T}": r"a derivative needs \partial above and below",
    rf"\frac{{\partial L + L}}{{\partial b_a}} = a{T}": "a derivative is of one quantity, by one quantity",
    rf"\frac{{\partial^2 L}}{{\partial b_a}} = a{T}": r"only \partial and \partial^{+}",
    rf"\left. a{T} \right|_{{x{T}}} = b_a": r"\left. is only read as",
    rf"\sum a{T} = b_a": "needs an index",
    rf"\sum_{{t=1}} a{T} = b_a": "needs an upper limit",
    rf"\prod_{{1 \le j \ge 2}} a{T} = b_a": "or \\prod_{t \\ge j > k}",
    rf"a{T} \in \mathbb{{Q}}": r"after \in write",
    rf"\lVert a{T} \rVert_3 = 1": "the norm 3 cannot be checked",
    rf"\begin{{vmatrix}} a{T} \end{{vmatrix}} = 1": "the environment vmatrix cannot be read here",
    "": "there is no equation here",
}


@pytest.mark.parametrize("source", REFUSED)
def test_refused(source: str) -> None:
    with pytest.raises(Refused) as refusal:
        parse(source, RNN)
    assert REFUSED[source] in str(refusal.value)
    assert not source or "\n" in str(refusal.value), "no caret"


SAME = [
    (rf"a{T} = \tanh (z_a{T})", r"a^{\langle t\rangle}=\tanh\left(z_a^{\langle t\rangle}\right)"),
    (rf"a{T} = b_a", r"a^{<t>} = b_{a}"),
    (r"L \le 1", r"L \leq 1"),
    (rf"\hat y{T} = b_y", r"\widehat{y}^{\langle t \rangle} = b_y"),
    (rf"W_{{aa}}^{{\top}} b_a = a{T}", rf"{{W_{{aa}}}}^\intercal b_a = a{T}"),
    (rf"a{T} = b_a", rf"\begin{{aligned}} a{T} &= b_a \end{{aligned}}"),
    (rf"a{T} = b_a + b_a", "\\begin{aligned}\n" + rf"a{T} &= b_a \\" + "\n" + r"&\quad + b_a" + "\n\\end{aligned}"),
    (rf"a{T} = b_a % a comment", rf"a{T} = b_a"),
]


@pytest.mark.parametrize("pair", SAME)
def test_two_spellings_of_one_equation(pair: tuple[str, str]) -> None:
    assert parse(pair[0], RNN) == parse(pair[1], RNN)


def test_spans_lead_back_to_the_source() -> None:
    source = rf"a{T} = \tanh(W_{{aa}} a^{{\langle t-1 \rangle}} + b_a)"
    (relation,) = parse(source, RNN)
    left, right = (source[slice(*side.span)] for side in relation.sides)
    assert (left, right) == tuple(source.split(" = "))


def test_one_name_for_two_quantities_is_refused() -> None:
    with pytest.raises(Refused, match="means both"):
        Notation("bad", {"one": "a_x", "two": "a_{x}"})


def test_tokens_know_their_places() -> None:
    source = r"\left\lVert W_{aa} \right\rVert_2"
    for token in lex(source)[:-1]:
        assert source[token.pos : token.end].strip()


@pytest.mark.parametrize("page", pages(ROOT / "book", Path(__file__).parent / "data"), ids=lambda page: page.stem)
def test_printing_and_reading_again_gives_the_same(page: Path) -> None:
    for eq in equations(page):
        if not {"not-checked", "refused"} & eq.marks.keys():
            name, relations = chapter_of(page.stem).read(eq.latex, eq.label, eq.marks.get("world"))
            notation = setting_of(name).notation
            for relation in relations:
                assert parse(latex(relation, notation), notation) == [relation], eq.label
