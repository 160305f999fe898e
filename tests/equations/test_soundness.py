"""No equation may hold idly, and no wrong gradient may go unseen: things broken on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rnncourse.equations import explain
from rnncourse.equations.report import check_page
from rnncourse.equations.runs import worlds as w
from rnncourse.equations.runs.networks import Network
from rnncourse.equations.runs.worlds import SETTINGS
from rnncourse.layers import rnn

T, PREV = r"^{\langle t \rangle}", r"^{\langle t-1 \rangle}"
IDLE = {
    rf"a{T} = a{T}": "both sides are the same expression",
    rf"a{T} = a{T} + 0 a{T}": "the left side appears again on the right",
    "1 + 1 = 2": "there is no quantity in it",
    rf"0 a{T} = 0 x{T} 0": "a number behind a factor",
    r"0 b_a = 0 \delta_z^{\langle T_x + 1 \rangle}": "both sides are zero in every case",
    rf"a{T} = \tanh(z_a{T}), \qquad 8 \le t \le T_x": "the conditions leave no case to check",
    rf"a{T} = \begin{{cases}} \tanh(z_a{T}) & \text{{if }} t \le 7 \\ b_a & \text{{otherwise}} \end{{cases}}":
        "no run ever reaches this case",
    rf"a{T} \in \mathbb{{R}}^{{n_x}}": "is 5×1, not 3×1",
    rf"a{T} \in (0, 1)^{{n_a}}": "leaves the interval",
    rf"\mathcal{{J}}{T} := \mathcal{{J}}{T} b_a": "the left side appears again on the right",
    rf"a{T} = b_a + 1 L": "cannot add a number to something of shape 5×1",
    rf"a{T} = b_a + n_a": "cannot add a number",
    rf"a{T} = z_a{T} \odot W_{{aa}} b_a": r"a matrix product beside \odot has two readings",
    rf"a{T} = \tanh(W_{{aa}})": "the left side is 5×1, the right side 5×5",
    rf"a_k{T} = 1": "does not hold",
    r"a^{\langle j \rangle} = b_a + x_j^{\langle 1 \rangle} b_a": "say the range of the index j",
    rf"\frac{{\partial a{T}}}{{\partial W_{{aa}}}} = W_{{aa}}": "write it for entries",
    rf"\frac{{\partial y{T}}}{{\partial W_{{aa}}}} = W_{{aa}}": "is not part of the forward pass",
    r"W_{aa}^{1000} = W_{aa}": "the power of a matrix has to be between 0 and 200",
    r"\sum_{k=1}^{999} b_a = b_a": "more than 200 terms",
}  # fmt: skip


@pytest.mark.parametrize("source", IDLE)
def test_empty_and_senseless_claims_are_refused(source: str) -> None:
    assert IDLE[source] in explain(source, "bptt")


@pytest.mark.parametrize("name", SETTINGS)
def test_the_fused_path_is_what_the_cells_compute(name: str) -> None:
    for world in SETTINGS[name].worlds():
        for place, value in world.forward.items():
            np.testing.assert_allclose(world.values[place], value, rtol=1e-12, atol=1e-12, err_msg=str(place))


def test_runs_are_not_special() -> None:
    zero = {  # by what they are
        "lstm-carousel": {"W_c", "W_ca"},  # the candidate does not read the state
        "language-model": {"counts"}, "padded": {"mask"},
        "momentum": {"velocity"}, "rmsprop": {"square"}, "adam": {"mean", "square"},  # before the first update
        "dropped": {"kept", "dropped"}, "dropped-variational": {"kept", "dropped"},
    }  # fmt: skip
    for name, setting in SETTINGS.items():
        for world in setting.worlds():
            special = {"clipped", *zero.get(name, ())}
            assert all(np.all(v != 0) for p, v in world.values.items() if p[0] not in special), name
            if isinstance(world, Network):
                sizes = [v for k, v in world.sizes.items() if v > 1 and (k != "N" or world.stacked)]
                assert len(set(sizes)) == len(sizes)
                assert not {2 * v for v in sizes} & set(sizes)


# ---- marks


def page(folder: Path, text: str, name: str = "bptt") -> list[str]:
    path = folder / f"{name}.md"
    path.write_text(text, "utf8")
    return [f"{o.status}: {o.message}".splitlines()[0] for o in check_page(path, diagnose=False)]


def test_marks(tmp_path: Path) -> None:
    right, wrong = rf"a{T} = \tanh(z_a{T})", rf"a{T} = z_a{T}"
    assert page(tmp_path, f"$$\n{right}\n$$ (eq:1)\n\n$$\n{right}\n$$ (eq:1)\n") == [
        "checked: ", "failed: this label is used twice"
    ]  # fmt: skip
    assert page(tmp_path, f"$$\n{right}\n$$\n")[0].startswith("failed: a display equation needs a label")
    assert page(tmp_path, f"% not-checked: why\n$$\n{wrong}\n$$\n") == ["not checked: why"]
    assert page(tmp_path, f"% false: why\n$$\n{wrong}\n$$ (eq:1)\n") == ["false: why"]
    assert page(tmp_path, f"$$\n% false: why\n{wrong}\n$$ (eq:1)\n") == ["false: why"]
    assert page(tmp_path, f"% false: why\n$$\n{right}\n$$ (eq:1)\n") == ["failed: is marked as false (why), but holds"]
    unreadable = "% false: why\n$$\na + b\n$$ (eq:1)\n"
    assert page(tmp_path, unreadable)[0].startswith("failed: "), "false is not the same as unreadable"
    assert page(tmp_path, "% refused: why\n$$\na^T = b\n$$ (eq:1)\n")[0].startswith("refused: ")
    assert page(tmp_path, f"% refused: why\n$$\n{right}\n$$ (eq:1)\n")[0].startswith("failed: is marked as unreadable")
    assert page(tmp_path, f"% false: not for the next\n\nText.\n\n$$\n{right}\n$$ (eq:1)\n") == ["checked: "]
    assert page(tmp_path, f"$$\n{right}\n$$ (eq:1)\n", "unknown")[0].startswith("failed: chapter: expected one of")


def test_equations_hide_nowhere(tmp_path: Path) -> None:
    eq = rf"a{T} = \tanh(z_a{T})"
    forms = [
        f"$$ {eq} $$", f"- item\n\n  $$\n  {eq}\n  $$", f"> $$\n> {eq}\n> $$", f"text $$ {eq} $$ text",
        f"```{{math}}\n{eq}\n```", f"```{{math}}\n:class: wide\n\n{eq}\n```", f":::{{note}}\n$$\n{eq}\n$$\n:::",
        f"````{{exercise}} Title\n```{{math}}\n{eq}\n```\n````", f"\\begin{{align}}\n{eq}\n\\end{{align}}",
    ]  # fmt: skip
    for form in forms:
        found = page(tmp_path, form + "\n")
        assert len(found) == 1, form
        assert found[0].startswith("failed: a display equation needs a label"), form


def test_definitions_last_for_the_page_and_are_made_once(tmp_path: Path) -> None:
    name = rf"\mathcal{{J}}{T} := \operatorname{{diag}}(1 - (a{T})^2) W_{{aa}}"
    use = rf"\frac{{\partial a{T}}}{{\partial a{PREV}}} = \mathcal{{J}}{T}"
    assert page(tmp_path, f"$$\n{name}\n$$ (eq:1)\n\n$$\n{use}\n$$ (eq:2)\n") == ["checked: ", "checked: "]
    assert page(tmp_path, f"$$\n{use}\n$$ (eq:2)\n")[0].startswith("failed: the package computes no jacobian")
    again = f"$$\n{name}\n$$ (eq:1)\n\n$$\n{name} W_{{aa}}\n$$ (eq:2)\n"
    assert page(tmp_path, again)[1].startswith("failed: this is already defined")


# ---- a wrong package


@pytest.fixture
def fresh_worlds() -> Iterator[None]:
    w._worlds.cache_clear()
    yield
    w._worlds.cache_clear()


def test_a_wrong_gradient_is_told_from_a_wrong_equation(monkeypatch: pytest.MonkeyPatch, fresh_worlds: None) -> None:
    original = rnn.RNN.cell_backward

    def wrong(layer, cache, da_t):  # type: ignore[no-untyped-def]
        dx_t, da_prev, d = original(layer, cache, da_t)
        return dx_t, da_prev, rnn.RNNCellGradients(d.da, d.dz_a * 1.001, d.layer)

    monkeypatch.setattr(rnn.RNN, "cell_backward", wrong)
    told = explain(
        rf"\frac{{\partial L}}{{\partial z_a{T}}} = (1 - (a{T})^2) \odot \frac{{\partial L}}{{\partial a{T}}}", "bptt"
    )
    assert "It agrees with the derivatives measured on the forward pass: " in told
    assert "the cell's backward step" in told
    assert told.endswith("is wrong.")


def test_a_wrong_forward_pass_is_seen(monkeypatch: pytest.MonkeyPatch, fresh_worlds: None) -> None:
    original = rnn.RNN.cell_forward

    def wrong(layer, x_t, a_prev, edit=None):  # type: ignore[no-untyped-def]
        return original(layer, x_t * 1.001, a_prev, edit)

    monkeypatch.setattr(rnn.RNN, "cell_forward", wrong)
    gradient = rf"\frac{{\partial L}}{{\partial x{T}}} = W_{{ax}}^{{\top}} \frac{{\partial L}}{{\partial z_a{T}}}"
    assert explain(gradient, "bptt").startswith("It does not hold")
