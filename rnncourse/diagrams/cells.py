"""Diagrams of one step of a cell: every box, circle and arrow stands for a part of the cell's equations."""

from __future__ import annotations

from collections.abc import Collection

from .. import _validation as validate
from .drawing import Diagram, Pen, diagram

__all__ = ["gru_cell", "lstm_cell", "rnn_cell"]


def rnn_cell(highlight: Collection[str] = ()) -> Diagram:
    r"""Draw one step of the plain recurrent cell, with its output.

    Parameters
    ----------
    highlight : collection of str
        Parts that stand out: ``a_prev``, ``x_t``, ``W_aa``, ``W_ax``, ``b_a``, ``sum``, ``z_a``, ``g``, ``a_t``,
        ``a_next``, ``W_ya``, ``yhat``, and the frame, ``cell``.

    Returns
    -------
    Diagram
        Shows itself in a notebook.

    Raises
    ------
    TypeError, ValueError
        If `highlight` is no collection of names, or a part does not exist.

    Examples
    --------
    >>> rnn_cell().alt[:26]
    'The previous state a(t-1) '
    """

    def draw(pen: Pen) -> None:
        pen.cell("cell", (3.0, 1.8), "", (3.5, 1.7))
        a_prev = pen.text("a_prev_label", (0.42, 2.2), r"$a^{\langle t-1\rangle}$")
        x_t = pen.text("x_t_label", (1.87, 0.2), r"$x^{\langle t\rangle}$")
        W_aa = pen.box("W_aa", (1.87, 2.2), r"$W_{aa}\,\cdot$")
        W_ax = pen.box("W_ax", (1.87, 1.36), r"$W_{ax}\,\cdot$")
        total = pen.circle("sum", (2.9, 2.2), r"$+$")
        g = pen.box("g", (3.95, 2.2), r"$\tanh$", (0.7, 0.44))
        a_t = pen.text("a_t_label", (5.88, 2.2), r"$a^{\langle t\rangle}$")
        W_ya = pen.box("W_ya", (5.05, 3.2), r"$\mathrm{softmax}(W_{ya}\,\cdot + b_y)$", (2.2, 0.48))
        yhat = pen.text("yhat_label", (5.05, 4.06), r"$\hat{y}^{\langle t\rangle}$", (0.5, 0.32))
        b_a = pen.text("b_a_label", (3.5, 1.36), r"$b_a$", (0.36, 0.32))
        pen.arrow("a_prev", [a_prev.right(), W_aa.left()])
        pen.arrow("x_t", [x_t.top(), W_ax.bottom()])
        pen.arrow("W_aa", [W_aa.right(), total.left()])
        pen.arrow("W_ax", [W_ax.right(), (2.9, 1.36), total.bottom()])
        pen.arrow("b_a", [b_a.top(-0.12), (3.02, 2.08)])
        pen.arrow("z_a", [total.right(), g.left()], r"$z_a^{\langle t\rangle}$", (3.31, 2.44))
        pen.dot("a_t", (5.05, 2.2))
        pen.arrow("a_t", [g.right(), a_t.left()])
        pen.arrow("a_next", [g.right(), (5.05, 2.2), W_ya.bottom()])
        pen.arrow("yhat", [W_ya.top(), yhat.bottom()])

    return diagram(
        "rnn-cell",
        "One step of the recurrent cell. Two products, a sum with the bias and a tanh make the new state, which goes "
        "on to the next step and up to the output.",
        "The previous state a(t-1) enters from the left through the box W_aa, the input x(t) from below through the "
        "box W_ax. A circle adds (+) both and the bias b_a to the pre-activation z_a(t); a tanh box turns it into the "
        "state a(t), which leaves to the right and, through softmax of W_ya times a(t) plus b_y, upwards as the "
        "prediction y-hat(t).",
        (6.25, 4.25),
        draw,
        highlight,
    )


def gru_cell(reset_after: bool = False, highlight: Collection[str] = ()) -> Diagram:
    r"""Draw one step of the gated recurrent unit.

    Parameters
    ----------
    reset_after : bool
        Reset after the product with W_cc, as PyTorch does, or before it, as the course writes it.
    highlight : collection of str
        Parts that stand out. Values: ``c_prev`` (its ways: ``c_prev.keep``, ``c_prev.stack`` and ``c_prev.reset`` or
        ``c_prev.W_cc``), ``x_t`` (``x_t.stack``, ``x_t.W_cx``), ``stack`` (``stack.gate_r``, ``stack.gate_u``),
        ``c_t``. What computes, with what it sends on: ``gate_r``, ``gate_u`` (``gate_u.write``,
        ``gate_u.one_minus``), ``one_minus``, ``reset``, ``W_cc``, ``W_cx``, ``sum``, ``cand``, ``keep``, ``write``,
        ``plus``. The frame: ``cell``.

    Returns
    -------
    Diagram
        Shows itself in a notebook.

    Raises
    ------
    TypeError, ValueError
        If `reset_after` is no flag, `highlight` no collection of names, or a part does not exist.

    Examples
    --------
    >>> gru_cell().alt[:25]
    'The state runs along the '
    """
    after = validate.flag("reset_after", reset_after)

    def draw(pen: Pen) -> None:
        bus, low, row, high, state = 1.12, 1.74, 2.46, 3.74, 4.6  # heights
        rail, u, z = 1.14, 3.48, 4.46  # columns: of c_prev, of the update gate, of the candidate
        r, product = (2.83, 1.92) if after else (1.86, 2.66)
        pen.cell("cell", (2.95, 2.7), "", (4.42, 4.46))
        c_prev = pen.text("c_prev_label", (0.36, state), r"$c^{\langle t-1\rangle}$", (0.64, 0.4))
        x_t = pen.text("x_t_label", (rail, 0.2), r"$x^{\langle t\rangle}$", (0.5, 0.34))
        c_t = pen.text("c_t_label", (5.58, state), r"$c^{\langle t\rangle}$", (0.46, 0.4))
        stack = pen.box("stack", (rail, bus), r"$\mathrm{stack}$", (0.62, 0.42))
        gate_r = pen.box("gate_r", (r, low), r"$\sigma$", (0.5, 0.42))
        gate_u = pen.box("gate_u", (u, low), r"$\sigma$", (0.5, 0.42))
        W_cx = pen.box("W_cx", (z, low), r"$W_{cx}\,\cdot + b_c$", (1.16, 0.42))
        inner = (r"$W_{cc}\,\cdot + b_{cc}$", (1.1, 0.42)) if after else (r"$W_{cc}\,\cdot$", (0.8, 0.42))
        W_cc = pen.box("W_cc", (product, row), *inner)
        reset = pen.circle("reset", (r, row), r"$\odot$")
        total = pen.circle("sum", (z, row), "$+$")
        cand = pen.box("cand", (z, 3.04), r"$\tanh$", (0.66, 0.42))
        write = pen.circle("write", (z, high), r"$\odot$")
        one_minus = pen.box("one_minus", (u, 4.1), r"$1-\,\cdot$", (0.6, 0.34))
        keep = pen.circle("keep", (u, state), r"$\odot$")
        plus = pen.circle("plus", (z, state), "$+$")

        for part, fork in (
            ("c_prev", (rail, state)), ("c_prev", (rail, row)), ("x_t", (rail, 0.7)), ("stack", (r, bus)),
            ("gate_u", (u, high)),
        ):  # fmt: skip
            pen.dot(part, fork)
        first, second = (W_cc, reset) if after else (reset, W_cc)
        pen.arrow("c_prev.keep", [c_prev.right(), keep.left()])
        pen.arrow("c_prev.stack", [c_prev.right(), (rail, state), stack.top()])
        pen.arrow(f"c_prev.{first.part}", [c_prev.right(), (rail, state), (rail, row), first.left()])
        pen.arrow("x_t.stack", [x_t.top(), stack.bottom()])
        pen.arrow("x_t.W_cx", [x_t.top(), (rail, 0.7), (z, 0.7), W_cx.bottom()])
        pen.arrow("stack.gate_r", [stack.right(), (r, bus), gate_r.bottom()])
        pen.arrow("stack.gate_u", [stack.right(), (u, bus), gate_u.bottom()])
        pen.arrow("gate_r", [gate_r.top(), reset.bottom()], r"$\Gamma_r$", (r + 0.2, 2.12))
        pen.arrow(first.part, [first.right(), second.left()])
        pen.arrow(second.part, [second.right(), total.left()])
        pen.arrow("W_cx", [W_cx.top(), total.bottom()])
        pen.arrow("sum", [total.top(), cand.bottom()])
        pen.arrow("cand", [cand.top(), write.bottom()], r"$\tilde{c}$", (z + 0.18, 3.42))
        pen.arrow("gate_u.write", [gate_u.top(), (u, high), write.left()])
        pen.arrow("gate_u.one_minus", [gate_u.top(), one_minus.bottom()])
        pen.text("gate_u_label", (u + 0.22, 3.1), r"$\Gamma_u$", (0.36, 0.3))
        pen.arrow("one_minus", [one_minus.top(), keep.bottom()])
        pen.arrow("keep", [keep.right(), plus.left()])
        pen.arrow("write", [write.top(), plus.bottom()])
        pen.arrow("c_t", [plus.right(), c_t.left()])

    where = "after" if after else "before"
    candidate = (
        "From the left, c(t-1) goes through the box W_cc plus b_cc; a circle (⊙) multiplies the product by Gamma_r. A "
        "circle (+) adds the input x(t), which came through the box W_cx plus b_c; "
        if after
        else "From the left, c(t-1) is multiplied by Gamma_r in a circle (⊙), then goes through the box W_cc. A circle "
        "(+) adds the input x(t), which came through the box W_cx plus b_c; "
    )
    return diagram(
        f"gru-cell-{where}",
        f"One step of the gated recurrent unit, its reset {where} the product. Along the top, the state is kept where "
        "the update gate is near 0 and replaced by the candidate where it is near 1. Each σ is a layer of its own: "
        "weights times the stacked values, plus a bias, then the sigmoid.",
        "The state runs along the top: c(t-1) enters from the left, a circle (⊙) multiplies it by 1 minus Gamma_u, a "
        "circle (+) adds what is written, and c(t) leaves to the right. The input x(t) enters from below, on the left. "
        "A box stacks c(t-1) and x(t) for the two gates: a box sigma computes the reset gate Gamma_r, another box "
        "sigma, to its right, the update gate Gamma_u. Between the gates and the state lies the candidate's row. "
        + candidate
        + "a box tanh makes the candidate c-tilde of the sum. Gamma_u goes up and forks: to the right into a circle "
        "(⊙) that multiplies it by c-tilde, which is what is written; and up through the box 1 minus to the circle "
        "on the state's line.",
        (5.86, 5.06),
        draw,
        highlight,
    )


def lstm_cell(peepholes: bool = False, coupled: bool = False, highlight: Collection[str] = ()) -> Diagram:
    r"""Draw one step of the LSTM cell.

    Parameters
    ----------
    peepholes : bool
        Let the gates read the cell state: Γ_f and Γ_u the one before, Γ_o the new one.
    coupled : bool
        Γ_u = 1 - Γ_f in place of an update gate of its own.
    highlight : collection of str
        Parts that stand out. Values: ``c_prev``, ``a_prev``, ``x_t``, ``stack`` (``stack.gate_f``, ``stack.gate_u``,
        ``stack.cand``, ``stack.gate_o``), ``c_t``, ``a_t``. What computes, with what it sends on: ``gate_f``,
        ``gate_u``, ``cand``, ``gate_o``, ``forget``, ``write``, ``plus``, ``tanh_c``, ``output``. Peepholes: ``p_f``,
        ``p_u``, ``p_o``. Coupled: ``one_minus`` in place of ``gate_u``, with ``gate_f.forget``, ``gate_f.one_minus``.
        The frame: ``cell``.

    Returns
    -------
    Diagram
        Shows itself in a notebook.

    Raises
    ------
    TypeError, ValueError
        If `peepholes` or `coupled` is no flag, `highlight` no collection of names, or a part does not exist.

    Examples
    --------
    >>> path = lstm_cell(highlight=["c_prev", "forget", "plus", "c_t"])
    """
    peep, one_gate = validate.flag("peepholes", peepholes), validate.flag("coupled", coupled)
    f, u, z, o, out = (1.9, 2.78, 3.48, 4.3, 4.9) if peep else (1.9, 2.56, 3.24, 3.92, 4.52)  # columns

    def draw(pen: Pen) -> None:
        bus, low, mid, high, state = 1.02, 1.72, 2.4, 2.72, 3.56  # heights
        rail = 1.24  # column of what enters on the left
        end = out + 0.4
        pen.cell("cell", ((end + 0.7) / 2, 2.26), "", (end - 0.7, 3.32))
        c_prev = pen.text("c_prev_label", (0.34, state), r"$c^{\langle t-1\rangle}$", (0.64, 0.4))
        a_prev = pen.text("a_prev_label", (0.34, bus), r"$a^{\langle t-1\rangle}$", (0.64, 0.4))
        x_t = pen.text("x_t_label", (rail, 0.2), r"$x^{\langle t\rangle}$", (0.5, 0.34))
        c_t = pen.text("c_t_label", (end + 0.42, state), r"$c^{\langle t\rangle}$", (0.46, 0.4))
        a_t = pen.text("a_t_label", (end + 0.42, bus), r"$a^{\langle t\rangle}$", (0.46, 0.4))
        stack = pen.box("stack", (rail, bus), r"$\mathrm{stack}$", (0.62, 0.42))
        gate_f = pen.box("gate_f", (f, low), r"$\sigma$", (0.5, 0.42))
        cand = pen.box("cand", (z, low), r"$\tanh$", (0.62, 0.42))
        gate_o = pen.box("gate_o", (o, low), r"$\sigma$", (0.5, 0.42))
        forget = pen.circle("forget", (f, state), r"$\odot$")
        plus = pen.circle("plus", (z, state), "$+$")
        write = pen.circle("write", (z, high), r"$\odot$")
        tanh_c = pen.box("tanh_c", (out, 2.98), r"$\tanh$", (0.62, 0.42))
        output = pen.circle("output", (out, mid), r"$\odot$")
        if one_gate:
            gate_u = pen.box("one_minus", (f + 0.52, high), r"$1-\,\cdot$", (0.6, 0.34))
        else:
            gate_u = pen.box("gate_u", (u, low), r"$\sigma$", (0.5, 0.42))

        readers = [gate_f, cand, gate_o] if one_gate else [gate_f, gate_u, cand, gate_o]
        for box in readers[:-1]:
            pen.dot("stack", (box.centre[0], bus))
        pen.dot("c_t", (out, state))
        pen.arrow("c_prev", [c_prev.right(), forget.left()])
        if peep:
            pen.dot("p_f", (rail, state))
            pen.arrow("p_f", [c_prev.right(), (rail, state), (rail, low), gate_f.left()], "$p_f$", (1.44, 1.92), True)
            if not one_gate:
                beside, turn = u - 0.44, 2.4
                pen.dot("p_u", (rail, turn))
                points = [c_prev.right(), (rail, state), (rail, turn), (beside, turn), (beside, low), gate_u.left()]
                pen.arrow("p_u", points, "$p_u$", (u - 0.25, 2.1), True)
        pen.arrow("a_prev", [a_prev.right(), stack.left()])
        pen.arrow("x_t", [x_t.top(), stack.bottom()])
        for box in readers:
            pen.arrow(f"stack.{box.part}", [stack.right(), (box.centre[0], bus), box.bottom()])
        if one_gate:
            pen.dot("gate_f", (f, high))
            pen.arrow("gate_f.forget", [gate_f.top(), forget.bottom()])
            pen.arrow("gate_f.one_minus", [gate_f.top(), (f, high), gate_u.left()])
            pen.arrow("one_minus", [gate_u.right(), write.left()], r"$\Gamma_u$", (z - 0.35, high + 0.2))
        else:
            pen.arrow("gate_f", [gate_f.top(), forget.bottom()])
            pen.arrow("gate_u", [gate_u.top(), (u, high), write.left()], r"$\Gamma_u$", (u + 0.22, 2.16))
        pen.text("gate_f_label", (f + 0.22, 2.9 if peep and not one_gate else 2.16), r"$\Gamma_f$", (0.3, 0.3))
        pen.arrow("cand", [cand.top(), write.bottom()], r"$\tilde{c}$", (z + 0.16, 2.16))
        pen.arrow("forget", [forget.right(), plus.left()])
        pen.arrow("write", [write.top(), plus.bottom()])
        pen.arrow("c_t", [plus.right(), c_t.left()])
        pen.arrow("gate_o", [gate_o.top(), (o, mid), output.left()], r"$\Gamma_o$", (o + 0.22, 2.14))
        pen.arrow("tanh_c", [plus.right(), (out, state), tanh_c.top()])
        pen.arrow("tanh_c", [tanh_c.bottom(), output.top()])
        pen.arrow("a_t", [output.bottom(), (out, bus), a_t.left()])
        if peep:
            beside = o - 0.44
            pen.dot("p_o", (beside, state))
            points = [plus.right(), (beside, state), (beside, low), gate_o.left()]
            pen.arrow("p_o", points, "$p_o$", (o - 0.24, 2.1), True)

    options = [word for word, wanted in (("peepholes", peep), ("coupled", one_gate)) if wanted]
    return diagram(
        "-".join(["lstm-cell", *options]),
        "One step of the LSTM cell. Along the top runs the cell state: the forget gate scales it, "
        + ("what it makes room for" if one_gate else "what the update gate lets in")
        + " is added, and no weight matrix lies on its way. Below, the output gate decides what of it shows as the "
        "state a. Each σ and the tanh beside them is a layer of its own: weights times the stacked values, plus a "
        "bias, then the function."
        + (" Dashed: the peepholes, through which the gates read the cell state." if peep else ""),
        "The cell state runs along the top: c(t-1) enters from the left, a circle (⊙) multiplies it by Gamma_f, a "
        "circle (+) adds what is written, and c(t) leaves to the right. At the bottom left a(t-1) enters from the left "
        "and x(t) from below; a box stacks them, and a line carries them to "
        + ("three" if one_gate else "four")
        + " boxes in a row: a box sigma computes the forget gate Gamma_f, "
        + ("" if one_gate else "a box sigma the update gate Gamma_u, ")
        + "a box tanh the candidate c-tilde, a box sigma the output gate Gamma_o. Gamma_f goes up to the circle on "
        "the state's line"
        + (" and, through a box 1 minus, becomes Gamma_u" if one_gate else "")
        + ". Gamma_u and c-tilde are multiplied in a circle (⊙), which is what is written. After the sum, c(t) also "
        "goes down through a box tanh into a circle (⊙) that multiplies it by Gamma_o; the product is a(t), which "
        "leaves to the right, at the height at which a(t-1) entered."
        + (
            " Dashed arrows are peepholes: c(t-1) also goes, weighed by p_f, into the box of Gamma_f"
            + ("" if one_gate else " and, weighed by p_u, into that of Gamma_u")
            + "; c(t), weighed by p_o, into that of Gamma_o."
            if peep
            else ""
        ),
        (out + 1.1, 4.02),
        draw,
        highlight,
    )
