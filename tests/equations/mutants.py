"""Wrong versions: of the book's equations (LaTeX) and of the package's cells (source), and blind edits of tokens.

Run as a script, ``python tests/equations/mutants.py``, it prints the LaTeX mutants that survive, for `survivors.txt`.
"""

from __future__ import annotations

import inspect
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from rnncourse import dense, gru, losses, lstm, rnn
from rnncourse.equations.chapters import chapter_of, setting_of
from rnncourse.equations.checker import Checker, RelationCheck
from rnncourse.equations.edits import Edit, edits
from rnncourse.equations.extract import Equation, equations, pages
from rnncourse.equations.lexer import EquationError, lex
from rnncourse.equations.nodes import Relation
from rnncourse.equations.parser import parse

HERE = Path(__file__).parent
PAGES = pages(HERE.parents[1] / "book", HERE / "data")
LEFT_OUT = {"not-checked", "false", "refused"}


def contexts(pages: list[Path]) -> Iterator[tuple[Equation, str, Checker]]:
    """Yield every checked equation, its kind of run, and a checker that knows the page's definitions so far."""
    for page in pages:
        known: dict[str, Any] = {}
        for eq in equations(page):
            if LEFT_OUT & eq.marks.keys():
                continue
            name, relations = chapter_of(page.stem).read(eq.latex, eq.label, eq.marks.get("world"))
            definitions = known.setdefault(name, {})
            yield eq, name, Checker(setting_of(name), dict(definitions))
            Checker(setting_of(name), definitions).check(relations, eq.latex, eq.marks.get("attained"))


def holds(source: str, checker: Checker, attained: str | None, original: list[Relation] | None = None) -> bool:
    """Whether an equation passes, of which the relations of `original` are known to hold; a crash is not caught."""
    fresh = Checker(checker.setting, dict(checker.definitions))
    try:
        relations = parse(source, checker.setting.notation)
        known = original or []
        if not any(RelationCheck(fresh, relation, source).is_definition() for relation in (*known, *relations)):
            relations = [r for r in relations if r not in known] or relations
        fresh.check(relations, source, attained)
    except EquationError:
        return False
    return True


def latex_mutants() -> Iterator[tuple[Equation, Edit, bool]]:
    """Yield every single edit of every equation, and whether it survives."""
    for eq, _, checker in contexts(PAGES):
        relations = parse(eq.latex, checker.setting.notation)
        for edit in edits(eq.latex, relations, checker.setting.notation):
            yield eq, edit, holds(edit.source, checker, eq.marks.get("attained"), relations)


def token_edits(n: int, seed: int = 0) -> Iterator[tuple[str, Checker, str | None]]:
    """Yield equations with a token deleted, doubled or exchanged with another one, blindly."""
    rng = random.Random(seed)
    known = [(eq.latex, checker, eq.marks.get("attained")) for eq, _, checker in contexts(PAGES)]
    for _ in range(n):
        source, checker, attained = rng.choice(known)
        tokens = [source[t.pos : t.end] for t in lex(source)[:-1]]
        a, b = rng.randrange(len(tokens)), rng.randrange(len(tokens))
        match rng.randrange(3):
            case 0:
                del tokens[a]
            case 1:
                tokens.insert(b, tokens[a])
            case _:
                tokens[a], tokens[b] = tokens[b], tokens[a]
        yield " ".join(tokens), checker, attained


# ---- the package: module, function, what stands there, what is put there
PACKAGE: list[tuple[ModuleType, str, str, str]] = [
    (rnn, "rnn_cell_forward", "a_prev @ layer.W_aa.T", "a_prev @ layer.W_aa"),
    (rnn, "rnn_cell_forward", " + layer.b_a", ""),
    (rnn, "rnn_cell_forward", 'edit("a", g(z_a))', 'edit("a", z_a)'),
    (rnn, "rnn_cell_backward", "slope(cache.a_t) * da_t", "slope(cache.z_a) * da_t"),
    (rnn, "rnn_cell_backward", "slope(cache.a_t) * da_t", "da_t"),
    (rnn, "rnn_cell_backward", "dz_a.T @ cache.a_prev", "dz_a.T @ cache.a_t"),
    (rnn, "rnn_cell_backward", "da_prev = dz_a @ layer.W_aa", "da_prev = dz_a @ layer.W_aa.T"),
    (rnn, "rnn_cell_backward", "dx_t = dz_a @ layer.W_ax", "dx_t = da_t @ layer.W_ax"),
    (rnn, "rnn_cell_backward", "db_a = dz_a.sum(axis=0)", "db_a = da_t.sum(axis=0)"),
    (gru, "gru_cell_forward", "(gate_r * c_prev) @ layer.W_cc.T", "gate_r * (c_prev @ layer.W_cc.T)"),
    (gru, "gru_cell_forward", "gate_u * cand + (1 - gate_u) * c_prev", "(1 - gate_u) * cand + gate_u * c_prev"),
    (gru, "gru_cell_forward", "sigmoid(z_r)", "sigmoid(2 * z_r)"),
    (gru, "gru_cell_forward", 'edit("cand", tanh(z_c))', 'edit("cand", z_c)'),
    (gru, "gru_cell_forward", "gate_r * z_cc + x_t", "gate_u * z_cc + x_t"),
    (gru, "gru_cell_backward", "dgate_u = dc_t * (cand - c_prev)", "dgate_u = dc_t * (c_prev - cand)"),
    (gru, "gru_cell_backward", "dgate_u = dc_t * (cand - c_prev)", "dgate_u = dc_t * cand"),
    (gru, "gru_cell_backward", "d_reset = dz_c @ layer.W_cc", "d_reset = dz_c @ layer.W_cc.T"),
    (gru, "gru_cell_backward", "dc_candidate = d_reset * gate_r", "dc_candidate = d_reset"),
    (gru, "gru_cell_backward", "dz_cc = dz_c * gate_r", "dz_cc = dz_c"),
    (gru, "gru_cell_backward", "dgate_r * sigmoid_slope(gate_r)", "dgate_r * sigmoid_slope(gate_u)"),
    (gru, "gru_cell_backward", "dc_t * (1 - gate_u) + dc_candidate", "dc_t * gate_u + dc_candidate"),
    (gru, "gru_cell_backward", "W_cx=dz_c.T @ x_t", "W_cx=dcand.T @ x_t"),
    (lstm, "lstm_cell_forward", "gate_u * cand + gate_f * c_prev", "gate_f * cand + gate_u * c_prev"),
    (lstm, "lstm_cell_forward", "gate_o * tanh(c_t)", "gate_o * c_t"),
    (lstm, "lstm_cell_forward", "_peep(layer.p_o, c_t)", "_peep(layer.p_o, c_prev)"),
    (lstm, "lstm_cell_forward", "layer.b_o + ", "layer.b_f + "),
    (lstm, "lstm_cell_forward", "1 - gate_f", "gate_f"),
    (lstm, "lstm_cell_backward", "dc_t + da_t * gate_o * tanh_slope", "(dc_t + da_t * gate_o) * tanh_slope"),
    (lstm, "lstm_cell_backward", "dc_t + da_t * gate_o", "da_t * gate_o"),
    (lstm, "lstm_cell_backward", "dgate_o = da_t * tanh_c", "dgate_o = da_t * c_t"),
    (lstm, "lstm_cell_backward", "dcand = dc * gate_u", "dcand = dc * gate_f"),
    (lstm, "lstm_cell_backward", "dgate_f = dgate_f - dgate_u", "dgate_f = dgate_f + dgate_u"),
    (lstm, "lstm_cell_backward", "dc_prev = dc * gate_f", "dc_prev = dc_t * gate_f"),
    (lstm, "lstm_cell_backward", "dc_prev = dc * gate_f + _peep(layer.p_f, dz_f)", "dc_prev = dc * gate_f"),
    (lstm, "lstm_cell_backward", "[a_prev, x_t], axis=1)", "[cache.cand, x_t], axis=1)"),
    (lstm, "lstm_cell_backward", "(dz_o * c_t).sum", "(dz_o * c_prev).sum"),
    (dense, "Dense.backward", "dW = rows.T @ run.x", "dW = -rows.T @ run.x"),
    (dense, "Dense.backward", "dz @ self.W, ()", "2 * dz @ self.W, ()"),
    (losses, "softmax_cross_entropy", "np.exp(log_yhat) - y", "y - np.exp(log_yhat)"),
    (losses, "softmax_cross_entropy", "losses = -(np.where", "losses = (np.where"),
]  # fmt: skip


def mutated(module: ModuleType, name: str, old: str, new: str) -> Callable[..., Any]:
    """Return a function of the package with something else in its source."""
    owner, _, method = name.rpartition(".")
    original = getattr(getattr(module, owner) if owner else module, method)
    source = inspect.cleandoc("\n" + inspect.getsource(original)) if owner else inspect.getsource(original)
    if old not in source:
        raise LookupError(f"{name} has no {old!r} any more: mend the list of mutants")
    scope: dict[str, Any] = {}
    exec(compile(source.replace(old, new, 1), f"<{name}>", "exec", flags=0), vars(module) | {}, scope)
    return scope[method]  # type: ignore[no-any-return]


if __name__ == "__main__":
    total = dead = 0
    for eq, edit, survives in latex_mutants():
        total, dead = total + 1, dead + (not survives)
        if survives:
            print(f"{eq.label} | {edit.kind} | {edit.says}")
    print(f"{dead} of {total} are killed: {100 * dead / total:.2f} %", file=sys.stderr)
