"""A reader's typical slips: each gets a message that names the slip, the same on every machine."""

from __future__ import annotations

import pytest

from rnncourse.equations import check, explain

T, PREV, NEXT = r"^{\langle t \rangle}", r"^{\langle t-1 \rangle}", r"^{\langle t+1 \rangle}"
SLIPS = {
    "time index": (
        "bptt", rf"\frac{{\partial L}}{{\partial W_{{aa}}}} = \sum_{{t=1}}^{{T_x}} \delta_z{T} {{a{T}}}^{{\top}}",
        r"It holds if t becomes t-1 in a^{\langle t \rangle}:",
    ),
    "T for t": (
        "lstm-ltm", r"f_t = \sigma(W_f [\mathrm{STM}_{T-1}, E_t] + b_f)",
        r"It holds if T-1 becomes t-1 in \mathrm{STM}_{T-1}:",
    ),
    "missing transpose, square matrix": (
        "bptt", rf"\delta_a{T} = W_{{ya}}^{{\top}} \delta_y{T} + W_{{aa}} \delta_z{NEXT}",
        "It holds if the missing transpose of W_{aa} is put in:",
    ),
    "missing transpose, shapes": (
        "bptt", rf"\delta_a{T} = W_{{ya}} \delta_y{T} + W_{{aa}}^{{\top}} \delta_z{NEXT}",
        r"matrix product of shapes 11×5 and 11×1; is a ^{\top} missing?",
    ),
    "wrong sign": ("bptt", rf"\delta_y{T} = y{T} - \hat y{T}", "It holds if the right side changes its sign:"),
    "missing square": (
        "bptt", rf"\delta_z{T} = (1 - a{T}) \odot \delta_a{T}",
        r"It holds if the missing square of a^{\langle t \rangle} is put in:",
    ),
    "wrong gate": (
        "lstm-forward", rf"c{T} = \Gamma_f{T} \odot \tilde c{T} + \Gamma_f{T} \odot c{PREV}",
        r"It holds if \Gamma_f^{\langle t \rangle} becomes \Gamma_u^{\langle t \rangle}:",
    ),
    "gates exchanged": (
        "lstm-forward", rf"c{T} = \Gamma_f{T} \odot \tilde c{T} + \Gamma_u{T} \odot c{PREV}",
        r"It holds if \Gamma_f^{\langle t \rangle} and \Gamma_u^{\langle t \rangle} change places:",
    ),
    "one minus": (
        "gru", rf"c{T} = \Gamma_u{T} \odot \tilde c{T} + \Gamma_u{T} \odot c{PREV}",
        r"It holds if \Gamma_u^{\langle t \rangle} becomes 1 - \Gamma_u^{\langle t \rangle}:",
    ),
    "sum begins too late": (
        "bptt", rf"\frac{{\partial L}}{{\partial b_a}} = \sum_{{t=2}}^{{T_x}} \delta_z{T}",
        "It holds if the sum begins at 1:",
    ),
    "product in the wrong order": (
        "bptt",
        rf"\frac{{\partial a{T}}}{{\partial a^{{\langle k \rangle}}}} = \prod_{{j=k+1}}^{{t}} "
        r"\operatorname{diag}(1 - (a^{\langle j \rangle})^2) W_{aa}, \qquad 1 \le k < t \le T_x",
        r"It holds if the product runs downwards, \prod_{t \ge j \ge k+1}:",
    ),
    "total for immediate": (
        "lstm-forward",
        rf"\frac{{\partial c{T}}}{{\partial c{PREV}}} = \operatorname{{diag}}(\Gamma_f{T}), \qquad t = 2, \ldots, T_x",
        r"It holds if \partial becomes the immediate \partial^{+}:",
    ),
    "missing slope": (
        "lstm-backward", rf"\delta_f{T} = \delta_c{T} \odot c{PREV}",
        r"It holds if a missing factor is put in: \Gamma_f^{\langle t \rangle} \odot"
        r" \left(1 - \Gamma_f^{\langle t \rangle}\right)",
    ),
    "missing path": (
        "bptt", rf"\delta_z{T} = (1 - (a{T})^2) \odot (W_{{ya}}^{{\top}} \delta_y{T})",
        r"It holds if a missing term is put in: {W_{aa}}^{\top} \delta_z^{\langle t + 1 \rangle}",
    ),
    "missing carry": (
        "lstm-backward", rf"\delta_c{T} = \delta_a{T} \odot \Gamma_o{T} \odot (1 - \tanh^2(c{T}))",
        r"It holds if a missing term is put in: "
        r"\delta_c^{\langle t + 1 \rangle} \odot \Gamma_f^{\langle t + 1 \rangle}",
    ),
    "range too wide": (
        "bptt", rf"a{NEXT} = \tanh(z_a{NEXT})", "It fails at t = 7 only and holds for t = 1 … 6: write that range."
    ),
    "matrix product for ⊙": (
        "lstm-forward", rf"a{T} = \Gamma_o{T} \tanh(c{T})",
        r"matrix product of shapes 5×1 and 5×1; the elementwise product is \odot",
    ),
    "unknown gate": (
        "lstm-forward", rf"\Gamma_i{T} = \sigma(W_u [a{PREV}, x{T}] + b_u)",
        r"\Gamma_{i} is not a symbol of this chapter; did you mean \Gamma_{u} or \Gamma_{o} or \Gamma_{f}?",
    ),
    "^T": (
        "bptt", rf"\delta_a{T} = W_{{ya}}^T \delta_y{T}",
        r"^T could be the transpose or a power of T: write ^{\top} for the transpose",
    ),
    "no backslash": (
        "bptt", rf"a{T} = tanh(z_a{T})", r"write \tanh: without the backslash this is a product of letters"
    ),
    "time index forgotten": ("bptt", rf"\delta_y = \hat y{T} - y{T}", r"\delta_{y} needs a time index <t>"),
}  # fmt: skip


@pytest.mark.parametrize("slip", SLIPS)
def test_the_message_names_the_slip(slip: str) -> None:
    chapter, latex, message = SLIPS[slip]
    assert message in explain(latex, chapter)


def test_the_caret_points_at_the_slip() -> None:
    lines = explain(rf"\delta_a{T} = W_{{ya}}^T \delta_y{T}", "bptt").splitlines()
    assert lines[1][lines[2].index("^")] == "T"


def test_right_ones_hold(capsys: pytest.CaptureFixture[str]) -> None:
    check(rf"\delta_y{T} = \hat y{T} - y{T}", "bptt")
    assert capsys.readouterr().out == "It holds: compared in 57 cases.\n"
    assert explain(r"s_a^{\langle t \rangle} := a", "bptt").startswith("It cannot be read")
    definition = r"\mathcal{J}^{\langle t \rangle} := \operatorname{diag}(1 - (a^{\langle t \rangle})^2) W_{aa}"
    assert explain(definition, "bptt") == "It is a definition, and makes sense."


def test_bounds_need_a_run_that_attains_them() -> None:
    bound = (
        r"\left\lVert \frac{\partial a^{\langle t \rangle}}{\partial a^{\langle t-1 \rangle}} \right\rVert_2 \le "
        r"{0} \lVert W_{aa} \rVert_2"
    )
    assert explain(bound.replace("{0}", ""), "bptt", attained="resting").startswith("It holds")
    assert "say on which run (resting, uniform)" in explain(bound.replace("{0}", ""), "bptt")
    assert "is not attained on the run resting" in explain(bound.replace("{0}", "2"), "bptt", attained="resting")


def test_the_kind_of_run_can_be_chosen() -> None:
    loss = rf"L{T} = \frac{{1}}{{2}} \sum_{{i=1}}^{{n_y}} (\hat y_i{T} - y_i{T})^2"
    assert explain(loss, "rnn-forward", world="rnn-squared").startswith("It holds")
    assert explain(loss, "rnn-forward").startswith("It does not hold")
    assert "there is no kind of run called squared" in explain(loss, "rnn-forward", world="squared")
    with pytest.raises(ValueError, match="chapter: expected one of sequences, notation"):
        explain(loss, "chapter 1")


def test_the_search_for_a_slip_ends_after_so_many_values_whatever_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    chapter, wrong, slip = SLIPS["missing slope"]
    monkeypatch.setattr("time.monotonic", lambda: 1e9)  # nobody asks
    assert slip in explain(wrong, chapter)
    monkeypatch.setattr("rnncourse.equations.verdict.diagnose.SEARCH", 1000)
    assert slip not in explain(wrong, chapter)


@pytest.mark.parametrize(
    "endless",
    [
        r"L = \sum_{i=1}^{200} \sum_{j=1}^{200} \sum_{k=1}^{200} i j k",
        r"L = \sum_{i=1}^{200} \sum_{j=1}^{200} \sum_{k=1}^{200} (L^{\langle 1 \rangle} + i j k)",
    ],
)
def test_what_would_take_minutes_is_refused(endless: str) -> None:
    assert explain(endless, "bptt").startswith("It cannot be checked: this takes more than 100,000 values")


CRASHES = [
    ("bptt", rf"\delta_z{T} = (1 - a^{{\langle t \rangle 2}}) \odot \delta_y{T}"),
    ("bptt", rf"a^{{\langle t \rangle 2}} = \tanh(z_a{T})"),
    ("bptt", rf"a{T} \in [b_y, 1]^{{n_a}}"),
    ("bptt", rf"a{T} \in [-b_a, b_a]^{{n_a}}"),
]


@pytest.mark.parametrize(("chapter", "latex"), CRASHES)
def test_there_is_an_answer_to_everything(chapter: str, latex: str) -> None:
    assert explain(latex, chapter).startswith(("It does not hold", "It fails", "It cannot be read"))
