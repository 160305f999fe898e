"""Mistakes that people make in recurrent networks, as edits of the source: the tests have to see every one of them.

Each line is (what it is, the exact old text, the new text). The old text stands exactly once in its file; the edited
file still imports. Most are the classic bugs of public code and of textbooks.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One mistake, and where to look for the test that sees it."""

    what: str
    file: str  # in rnncourse/
    old: str
    new: str
    tests: tuple[str, ...]  # pytest's arguments: the likely killers first, then all that is about the file


CONTRACT = ("oracle", "padding", "edges", "check_layer", "gradients")
FAST = "tests/test_fast.py"


def layers(which: str, *first: str) -> tuple[str, ...]:
    """The contract battery for the layers whose names fit `which`, the fast tests first."""
    files = [f"tests/contract/{name}" for name in first]
    files += [f"tests/contract/test_{name}.py" for name in CONTRACT]
    return (*files, "-k", f"({which}) and not live and not central and not made_again")


LOOPED = "test_edges.py::test_looped_cells_equal_the_sequence"
STEPS = "test_edges.py::test_a_loop_of_steps_equals_forward"
PADDED = "test_padding.py"
LSTMS = "lstm and not bidirectional and not deep"
GRUS = "gru and not bidirectional and not deep"

GROUPS: list[tuple[str, tuple[str, ...], list[tuple[str, str, str]]]] = [
    (
        "layers/rnn.py",
        layers("rnn- and not bidirectional", LOOPED),
        [
            ("the activation is missing", 'edit("a", g(z_a))', 'edit("a", z_a)'),
            ("W_aa is not transposed", "a_prev @ layer.W_aa.T", "a_prev @ layer.W_aa"),
            ("W_aa is transposed on the way back", "da_prev = dz_a @ layer.W_aa", "da_prev = dz_a @ layer.W_aa.T"),
            ("the slope is taken at z in place of a", "slope(cache.a_t) * da_t", "slope(cache.z_a) * da_t"),
            ("the slope is left out", "slope(cache.a_t) * da_t", "da_t"),
            ("the bias is left out of the gradient", "db_a = dz_a.sum(axis=0)", "db_a = np.zeros_like(layer.b)"),
            ("the bias's gradient is a mean over the batch", "dz_a.sum(axis=0)", "dz_a.mean(axis=0)"),
            ("[x | a] in place of [a | x]", "np.concatenate([dW_aa, dW_ax]", "np.concatenate([dW_ax, dW_aa]"),
        ],
    ),
    (
        "layers/fast/rnn.py",
        layers("rnn- and not bidirectional"),
        [
            ("dW_aa is one step off", "rows.T @ states[:-1]", "rows.T @ states[1:]"),
            ("the slopes are one step off", "states[lo + 1 : hi + 1]", "states[lo:hi]"),
            ("W_aa is transposed on the way back", "dot(dz_t, W_aa, da_next)", "dot(dz_t, W_aa.T, da_next)"),
            ("no gradient goes from step to step", "add(da_next, da_t, da_next)", "copyto(da_next, da_t)"),
            ("dfinal is ignored", 'np.array(dfinal, order="C")', 'np.zeros_like(dfinal, order="C")'),
            ("the state is zero past the end", "copyto(a_t, a_prev, where=ended)", "copyto(a_t, 0, where=ended)"),
            (
                "past the end, the gradient goes through the cell",
                "copyto(da_next, dz_t @ W_aa, where=~ended)",
                "copyto(da_next, dz_t @ W_aa)",
            ),
        ],
    ),
    (
        "layers/fast/rnn.py",
        (FAST, "-k", "chunk and rnn"),
        [
            (
                "a chunk of slopes cuts the gradient off",
                "lo = max(0, hi - size)",
                "lo = max(0, hi - size)\n        da_next[...] = dfinal",
            ),
        ],
    ),
    (
        "layers/gru.py",
        layers(GRUS, LOOPED),
        [
            (
                "z and 1 - z are swapped",
                "gate_u * cand + (1 - gate_u) * c_prev",
                "(1 - gate_u) * cand + gate_u * c_prev",
            ),
            (
                "the reset comes after the product where it should come before",
                "(gate_r * c_prev) @ layer.W_cc.T",
                "gate_r * (c_prev @ layer.W_cc.T)",
            ),
            (
                "the reset comes before the product where it should come after",
                'edit("z_c", gate_r * z_cc + x_t',
                'edit("z_c", (gate_r * c_prev) @ layer.W_cc.T + layer.b_cc + x_t',
            ),
            ("one bias for two gates", "x_t @ layer.W_rx.T + layer.b_r", "x_t @ layer.W_rx.T + layer.b_u"),
            ("the candidate has no tanh", 'edit("cand", tanh(z_c))', 'edit("cand", z_c)'),
            ("the update gate's gradient misses c_prev", "dc_t * (cand - c_prev)", "dc_t * cand"),
            ("1 - z on the way back", "dc_t * (1 - gate_u) + dc_candidate", "dc_t * gate_u + dc_candidate"),
            ("the wrong gate's slope", "dgate_r * sigmoid_slope(gate_r)", "dgate_r * sigmoid_slope(gate_u)"),
            ("the reset is forgotten on the way back", "dc_candidate = d_reset * gate_r", "dc_candidate = d_reset"),
            ("the reset is forgotten in dW_cc", "dz_c.T @ (gate_r * c_prev)", "dz_c.T @ c_prev"),
            ("b_cc gets the gradient of b_c", "dz_cc.sum(axis=0)", "dz_c.sum(axis=0)"),
            ("c_prev misses the way through the reset gate", " + dz_r @ layer.W_rc", ""),
        ],
    ),
    (
        "layers/fast/gru.py",
        layers(GRUS),
        [
            ("z and 1 - z are swapped", "multiply(u, cand, c_t)", "multiply(one - u, cand, c_t)"),
            ("the gates are swapped", "GRU_U, GRU_R, GRU_C, GRU_INNER =", "GRU_R, GRU_U, GRU_C, GRU_INNER ="),
            ("no reset before the product", "multiply(reset, c_prev, inner)", "copyto(inner, c_prev)"),
            ("no reset after the product", "multiply(reset, inner, s)", "copyto(s, inner)"),
            ("b_cc is left out", "add(r[2], b_cc, inner)", "copyto(inner, r[2])"),
            ("the blocks of W are swapped on the way back", "3 * n], [2, 0, 1], ", "3 * n], [2, 1, 0], "),
            ("the reset gate's gradient ignores W_cc c_prev", "g[:, GRU_INNER] if after else c_prev", "c_prev"),
            ("the reset is forgotten on the way back", "multiply(reset, k_cand, k_inner)", "copyto(k_inner, k_cand)"),
            ("the carry misses 1 - z", "multiply(dc, w_t, s)", "multiply(dc, 1 - w_t, s)"),
            ("the state is not frozen past the end", "copyto(c_t, c_prev, where=ended)", "pass"),
            ("padding counts in the gradients of the parameters", "copyto(k_t, 0, where=ended)", "pass"),
            ("the gradient is not handed on past the end", "copyto(dc, kept, where=ended)", "pass"),
        ],
    ),
    (
        "layers/fast/gru.py",
        (FAST, "-k", "chunk and gru"),
        [
            (
                "a chunk of slopes cuts the gradient off",
                "lo = max(0, hi - size)",
                "lo = max(0, hi - size)\n        dc[...] = dfinal",
            ),
        ],
    ),
    (
        "layers/lstm.py",
        layers(LSTMS, LOOPED),
        [
            ("the forget and update gates are swapped", "gate_u * cand + gate_f", "gate_f * cand + gate_u"),
            ("two blocks of W are swapped", 'else ("f", "u", "o", "c")', 'else ("u", "f", "o", "c")'),
            ("the output misses its tanh", "gate_o * tanh(c_t))", "gate_o * c_t)"),
            (
                "the output gate's peephole looks at c_prev",
                "layer.b_o + _peep(layer.p_o, c_t))",
                "layer.b_o + _peep(layer.p_o, c_prev))",
            ),
            ("one bias for two gates", "layer.b_u + _peep", "layer.b_f + _peep"),
            ("coupled gates: the sign", "dgate_f = dgate_f - dgate_u", "dgate_f = dgate_f + dgate_u"),
            (
                "what comes from c is multiplied by 1 - tanh² c too",
                "dc_t + da_t * gate_o * tanh_slope(tanh_c)",
                "(dc_t + da_t * gate_o) * tanh_slope(tanh_c)",
            ),
            ("the slope of tanh is taken at c", "gate_o * tanh_slope(tanh_c)", "gate_o * tanh_slope(c_t)"),
            ("nothing comes from c of the step after", "dc = dc_t + da_t", "dc = da_t"),
            ("dc_prev from a dc that is not complete yet", "dc_prev = dc * gate_f", "dc_prev = dc_t * gate_f"),
            ("the peephole's part of dc is missing", " + _peep(layer.p_o, dz_o)  # eq", "  # eq"),
            ("the wrong gate on the way back", "dcand = dc * gate_u", "dcand = dc * gate_f"),
            ("the peephole's gradient is one step off", "(dz_o * c_t).sum", "(dz_o * c_prev).sum"),
            ("blocks in the wrong order", "(dz_f, dz_u, dz_o, dz_c) if", "(dz_u, dz_f, dz_o, dz_c) if"),
            ("the bias is left out of the gradient", "dz.sum(axis=0),", "np.zeros_like(layer.b),"),
        ],
    ),
    (
        "layers/lstm.py",
        ("tests/test_lstm.py", "-k", "forget_bias"),
        [
            ("the forget bias on the wrong block", "b[:n_a] = validate.finite", "b[-n_a:] = validate.finite"),
            ("the forget bias is not used", 'validate.finite("forget_bias", forget_bias)', "0.0"),
        ],
    ),
    (
        "layers/fast/lstm.py",
        layers(LSTMS),
        [
            ("two blocks of W are swapped", "(GATE_U, [1, 0, 2, 3])", "(GATE_U, [0, 1, 2, 3])"),
            ("the output misses its tanh", "multiply(o, tanh_c, a_t)", "multiply(o, c_t, a_t)"),
            ("the output gate's peephole looks at c_prev", "subtract(o, p_o * c_t, o)", "subtract(o, p_o * c_prev, o)"),
            ("coupled gates: f in place of 1 - f", "subtract(one, f, u)", "copyto(u, f)"),
            ("coupled gates: the sign on the way back", "g[:, C_PREV] - g[:, CAND]", "g[:, C_PREV] + g[:, CAND]"),
            ("1 - Γ_f carries dc", "multiply(dc, f, dc)", "multiply(dc, 1 - f, dc)"),
            (
                "dc_prev overwrites dc before the gates have read it",
                "        multiply(k_f, dc, k_f)\n",
                "        multiply(dc, f, dc)\n        multiply(k_f, dc, k_f)\n        f = np.ones_like(f)\n",
            ),
            (
                "what comes from c is multiplied by Γ_o (1 - tanh² c) too",
                "        add(dc, s, dc)\n        multiply(k_o",
                "        multiply(dc, k_c_t, dc)\n        add(dc, s, dc)\n        multiply(k_o",
            ),
            ("dfinal is ignored for c", 'np.array(dfinal[1], order="C")', "np.zeros_like(dfinal[1])"),
            ("dfinal is ignored for a", 'np.array(dfinal[0], order="C")', "np.zeros_like(dfinal[0])"),
            ("the peephole's part of dc is missing", "add(dc, p_o * k_o, dc)", "pass"),
            ("the peephole's way back to c_prev is missing", "add(dc, p_f * k_f, dc)", "pass"),
            (
                "the peephole's gradient is one step off",
                "tape[:-1, C_PREV], tape[1:, C_PREV]",
                "tape[1:, C_PREV], tape[1:, C_PREV]",
            ),
            ("dW_a is one step off", "rows.T @ states[:-1]", "rows.T @ states[1:]"),
            ("c is not frozen past the end", "copyto(c_t, c_prev, where=ended)", "pass"),
            ("a is not frozen past the end", "copyto(a_t, a_prev, where=ended)", "pass"),
            ("padding counts in the gradients of the parameters", "copyto(k_t, 0, where=ended)", "pass"),
            (
                "the gradient with respect to c is not handed on past the end",
                "copyto(dc, kept[1], where=ended)",
                "pass",
            ),
        ],
    ),
    (
        "layers/fast/lstm.py",
        (FAST, "-k", "chunk and lstm"),
        [
            (
                "a chunk of slopes cuts the gradient off",
                "lo = max(0, hi - size)",
                "lo = max(0, hi - size)\n        dc[...] = dfinal[1]",
            ),
        ],
    ),
    (
        "layers/fast/tape.py",
        layers("rnn-tanh or gru or lstm"),
        [
            ("σ(2x) in place of σ(x)", "signs[: sigmoids * n] = -1", "signs[: sigmoids * n] = -2"),
            ("exp(z) in place of σ(z)", "add(z, one, z)", "pass"),
            ("σ(-x) in place of σ(x)", "signs[: sigmoids * n] = -1", "pass"),
            ("the biases are left out", "out[..., -1] = 1", "out[..., -1] = 0"),
            ("examples end with the first that ends", "valid_t.all()", "valid_t.any()"),
            ("the bias's gradient is that of the last input", "by_x[:, -1]", "by_x[:, -2]"),
        ],
    ),
    (
        "layers/fast/step.py",
        layers("rnn- or gru or lstm", STEPS),
        [
            (
                "the forget and output gates are swapped",
                "gate_f, gate_o, cand = z",
                "gate_o, gate_f, cand = z",
            ),
            (
                "b_cc is added outside the reset gate",
                "cand += b_cc\n    cand *= gates[:, n:]",
                "cand *= gates[:, n:]\n    cand += b_cc",
            ),
            ("z and 1 - z are swapped", "cand *= gate_u", "cand *= 1 - gate_u"),
            ("σ(2x) in place of σ(x)", "scale[: sigmoids * n] = 0.5", "scale[: sigmoids * n] = 1"),
            ("tanh(z/2) / 2 in place of σ(z)", "np.add(half_tanh, half, half_tanh)", "pass"),
            ("the bias is left out", "z += weights[1]\n    return", "return"),
        ],
    ),
    (
        "layers/recurrent.py",
        layers("use-gate", LOOPED, PADDED),
        [
            ("the state is not frozen past the end", "s if valid is None else keep(valid[t], s, whole[t])", "s"),
            ("dfinal is ignored", "tuple(map(np.ascontiguousarray, dfinal))", "tuple(map(np.zeros_like, dfinal))"),
            (
                "the states are one step off on the way back",
                "[s[t] for s in run.parts]",
                "[s[t + 1] for s in run.parts]",
            ),
            ("no gradient goes from step to step", "(da[t] + dnext[0], *dnext[1:])", "(da[t], *dnext[1:])"),
            (
                "past the end, the gradient goes through the cell",
                "dnext = dprev if valid is None else",
                "dnext = dprev if True else",
            ),
            (
                "padding counts in the gradients of the parameters",
                "tuple(keep(valid[t], d) for d in arriving)",
                "arriving",
            ),
            ("only the first step's gradient is kept", "tree_map(np.add, dlayer, d.layer)", "d.layer"),
        ],
    ),
    (
        "layers/use_gate.py",
        layers("use-gate", LOOPED),
        [
            (
                "the use gate reads the memory before forgetting",
                "(c_prev * gate_f) @ layer.W_u.T",
                "c_prev @ layer.W_u.T",
            ),
            ("the way back through the use gate is missing", "d_kept = dc_t + dz_u @ layer.W_u ", "d_kept = dc_t "),
            ("it is an LSTM", 'edit("a", use * gate_v)', 'edit("a", tanh(c_t) * gate_v)'),
            ("W_u is transposed on the way back", "dz_u @ layer.W_u ", "dz_u @ layer.W_u.T "),
        ],
    ),
    (
        "layers/bidirectional.py",
        layers("bidirectional"),
        [
            ("the backward stream is not put back in time", "[fwd.a, _backwards(bwd.a, ends)]", "[fwd.a, bwd.a]"),
            ("the backward stream starts in the padding", '"bwd", _backwards(x, ends)', '"bwd", x[::-1]'),
            ("the gradient is not reversed", "_backwards(da[..., n:], run.lengths)", "da[..., n:]"),
            ("dx of the backward stream is not put back in time", "_backwards(bwd.x, run.lengths)", "bwd.x"),
            ("dx of the backward stream is left out", "fwd.x + _backwards(bwd.x, run.lengths)", "fwd.x"),
            ("the states' gradients are swapped", "(fwd.state, bwd.state)", "(bwd.state, fwd.state)"),
            ("reversing is one step off", "lengths - 1 - t", "lengths - 2 - t"),
        ],
    ),
    (
        "layers/bidirectional.py",
        ("tests/test_bidirectional.py", "-k", "different_sizes"),
        [("the outputs are split at the other layer's size", "n = self.fwd.n_out", "n = self.bwd.n_out")],
    ),
    (
        "layers/bidirectional.py",
        ("tests/test_deep.py", "tests/test_bidirectional.py", "-k", "reaches or reverse or path"),
        [
            ("the generator stops here", ", **random_part(layer, rng))", ")"),
            (
                "one length is stretched over the batch",
                "validate.lengths(lengths, *x.shape[:2]))",
                "np.asarray(lengths))",
            ),
            ("the messages take both states for the first", 'within("dfinal", 0)', 'within("dfinal", 1)'),
        ],
    ),
    (
        "layers/deep.py",
        layers("deep"),
        [
            ("every layer but the first reads layer 1", "x = runs[k].a if", "x = runs[0].a if"),
            ("the final state's gradient is ignored", "da, final[k], inputs", "da, None, inputs"),
            ("the states come in reverse", "states.insert(0, grads.state)", "states.append(grads.state)"),
        ],
    ),
    (
        "layers/deep.py",
        ("tests/test_deep.py", "-k", "dropout"),
        [
            ("the dropout mask is not applied on the way back", "if k and run.masks:", "if k and not run.masks:"),
            ("the scale of dropout is missing", "1 / (1 - self.dropout)", "1.0"),
            (
                "p is the probability to keep",
                "else shape) >= self.dropout",
                "else shape) < self.dropout",
            ),
            ("one mask for all layers on the way back", "_times(da, run.masks[k - 1])", "_times(da, run.masks[0])"),
            ("dropout on the input", "if runs and self.dropout and rng", "if self.dropout and rng"),
        ],
    ),
    (
        "layers/deep.py",
        ("tests/test_deep.py", "-k", "generator or variational or masks or left_out or path or read or refused"),
        [
            ("the variational mask is redrawn at each step", "(1, *shape[1:]) if self.variational", "shape if False"),
            ("one variational mask for the whole batch", "(1, *shape[1:])", "(1, 1, *shape[2:])"),
            ("dropout stops at a nested layer", ", **random_part(layer, rng))", ")"),
            ("dx is left out between the layers", "inputs=inputs or k > 0", "inputs=inputs"),
            ("dx is computed all the same", "inputs=inputs or k > 0", "inputs=True"),
            ("a single layer drops nothing without a word", "and len(self.layers) == 1", "and not self.layers"),
            (
                "the gradients forget the option",
                "replace(self, layers=tuple(layers))",
                "Deep(tuple(layers), self.dropout)",
            ),
        ],
    ),
    (
        "layers/deep.py",
        ("tests/test_deep.py", "-k", "residual or around or no_sizes or embedding_is_not or read"),
        [
            ("the gradient does not go around a residual layer", "da = da + around", "da = da"),
            (
                "what goes around has been through the layer",
                "around = keep(valid, da) if",
                "around = keep(valid, da) * 0.5 if",
            ),
            ("a gradient in the padding goes around", "keep(valid, da) if self._adds", "da if self._adds"),
            ("a step forgets to add", "x_t = x_t + a_t if self._adds(k) else a_t", "x_t = a_t"),
            ("the layer below is added after dropout", "(below if k else runs[0].x)", "(x if k else runs[0].x)"),
            ("padding is added at the first layer", "(below if k else runs[0].x)", "below"),
            ("the sum is not what the stack puts out", "if top is None else top", "if True else top"),
            (
                "sizes that do not agree are added",
                "layer.n_x == layer.n_out and not",
                "layer.n_x <= layer.n_out and not",
            ),
            ("nothing to add passes without a word", "if self.residual and not any(", "if False and not any("),
        ],
    ),
    (
        "layers/embedding.py",
        ("tests/test_embedding.py", *layers("embedding")),
        [
            (
                "rows are assigned, not added",
                "sums[present] = np.add.reduceat(rows[order], starts, axis=0)",
                "sums[symbols] = rows",
            ),
            (
                "+= with an index adds once",
                "sums[present] = np.add.reduceat(rows[order], starts, axis=0)",
                "sums[symbols] += rows",
            ),
            ("the rows are not sorted with the symbols", "np.add.reduceat(rows[order]", "np.add.reduceat(rows"),
            ("padding counts", "da[inside], run.x[inside]", "da.reshape(-1, da.shape[-1]), run.x.ravel()"),
            ("the padding shows the row of symbol 0", "keep(valid, self.W[x])", "self.W[x]"),
            ("symbols in the padding are checked", "x = x if valid is None else keep(valid[:, :, 0], x)", "pass"),
            ("negative symbols count from the end", 'validate.below("x", x, self.n_x)', "pass"),
            ("a step takes symbols that are out of range", 'validate.below("x_t", x_t, self.n_x)', "pass"),
        ],
    ),
    (
        "layers/recurrent_dropout.py",
        ("tests/test_recurrent_dropout.py",),
        [
            ("the weights of the input are dropped", "W[:, n_a:]], axis=1", "W[:, n_a:] * mask[:, :1]], axis=1"),
            ("the dropped weights get a gradient", "grads.layer if run.mask is None else", "grads.layer if True else"),
            ("another mask on the way back", "run.run.layer.backward", "self.layer.backward"),
            ("the scale is missing", "1 / (1 - self.p), 0.0", "1.0, 0.0"),
            ("p is the probability to keep", ">= self.p", "< self.p"),
            (
                "all gates have one mask",
                "rng.random((len(self.layer.W), self.layer.n_a)) >=",
                "rng.random(self.layer.n_a) + np.zeros((len(self.layer.W), 1)) >=",
            ),
        ],
    ),
    (
        "layers/dense.py",
        ("tests/test_dense.py", *layers("dense")),
        [
            ("the slope is left out", ".slope(run.a) * keep(valid, da)", ".slope(run.a) * 0 + keep(valid, da)"),
            ("the bias's gradient is a mean", "else rows.sum(axis=0)", "else rows.mean(axis=0)"),
            (
                "padding counts",
                "slope(run.a) * keep(valid, da)",
                "slope(run.a) * da",
            ),
            ("no bias has a gradient", "None if self.b is None else rows.sum(axis=0)", "rows.sum(axis=0)"),
            ("lengths of a batch without steps", "if x.ndim == 2 and lengths is not None:", "if False:"),
            ("dx is computed all the same", "dz @ self.W if inputs else None", "dz @ self.W"),
        ],
    ),
    (
        "layers/sequence.py",
        ("tests/test_sequence.py", "tests/test_rnn.py", *layers("rnn-tanh or gru", PADDED)),
        [
            ("padding by product", "np.where(valid, new, old if", "valid * new + ~valid * (old if"),
            ("the end is one step off", "np.arange(steps)[:, None] < lengths", "np.arange(steps)[:, None] <= lengths"),
        ],
    ),
    (
        "layers/sequence.py",
        ("tests/test_layers.py", "-k", "previous"),
        [("the previous states are one step off", "(name[:-5])][:-1]", "(name[:-5])][1:]")],
    ),
    (
        "activations.py",
        ("tests/test_activations.py",),
        [
            ("σ(2x) in place of σ(x)", "np.exp(-_towards_zero(z))", "np.exp(-2 * _towards_zero(z))"),
            ("1 - a in place of 1 - a²", "return 1 - a * a", "return 1 - a"),
            ("the slope of the sigmoid from z", "return a * (1 - a)", "return np.exp(-a) / (1 + np.exp(-a)) ** 2"),
            ("the slope of the rectifier at its kink", "(a.real > 0)", "(a.real >= 0)"),
            ("log softmax: the sign", "return shifted - np.log(", "return shifted + np.log("),
            ("softmax over the wrong axis", "return e / e.sum(axis=-1", "return e / e.sum(axis=0"),
            (
                "softmax: the diagonal of the Jacobian alone",
                "(dyhat - (yhat * dyhat).sum(axis=-1, keepdims=True))",
                "(dyhat - yhat * dyhat)",
            ),
        ],
    ),
    (
        "losses.py",
        ("tests/test_losses.py",),
        [
            (
                "classes: ŷ - y without the y",
                "np.take_along_axis(dz, at, axis=-1) - 1",
                "np.take_along_axis(dz, at, axis=-1)",
            ),
            ("classes: the sign of the loss", "losses = -np.take_along_axis", "losses = np.take_along_axis"),
            ("the mean divides by all steps", "int(counts.sum())", "int(counts.size)"),
            ("the mean's gradient is that of the sum", ".sum(), dz / n)", ".sum(), dz)"),
            ("target minus prediction", "np.exp(log_yhat) - y, counts", "y - np.exp(log_yhat), counts"),
            (
                "the sigmoid's slope counts twice",
                "(sigmoid(z) - y), counts",
                "((sigmoid(z) - y) * sigmoid(z) * (1 - sigmoid(z))), counts",
            ),
            ("the half is missing", "0.5 * (weight * (error * error))", "(weight * (error * error))"),
            ("masked steps have a gradient", "dz = np.where(counts[..., None], dz, 0)", "pass"),
            (
                "the mean of weighted steps divides by their number",
                "np.where(counts, weights, 0).sum()",
                "counts.sum()",
            ),
            (
                "a class's weight counts in the value alone",
                "total[..., None] * np.exp(log_yhat) - y",
                "np.exp(log_yhat) - y",
            ),
            ("base 2 in place of nats", "log_yhat = log_softmax(z)", "log_yhat = log_softmax(z) / np.log(2)"),
        ],
    ),
    (
        "language_model.py",
        ("tests/test_language_model.py", "-k", "not topics"),
        [
            (
                "a discount for each order in place of each follower",
                "(level.discount * sizes / total)",
                "(level.discount / total)",
            ),
            (
                "lower orders count how often",
                "            rows = rows[:, 1:]",
                "            rows = rows[:, 1:].repeat(counts, axis=0)",
            ),
            (
                "the discount may push a count below 0",
                "np.maximum(level.counts[entry] - level.discount, 0)",
                "level.counts[entry]",
            ),
            (
                "what is not known is taken for a symbol",
                'contexts.astype(">u2")',
                'np.maximum(contexts, 0).astype(">u2")',
            ),
            ("the oldest symbols are the context", "contexts[:, contexts.shape[1] - k :]", "contexts[:, :k]"),
            ("perplexity to the base 2", "np.exp(_nats(nats).mean())", "np.exp2(_nats(nats).mean())"),
            ("bits are nats", "_nats(nats).mean() / LN_2", "_nats(nats).mean()"),
            ("the score is one step late", "columns[t + 1][:, None], axis=1)", "columns[t][:, None], axis=1)"),
            (
                "the logits are multiplied by the temperature",
                "/ max(temperature, LEAST))",
                "* max(temperature, LEAST))",
            ),
            ("top-k keeps one more", "rank >= validate.size", "rank > validate.size"),
            (
                "the nucleus leaves out the one that reaches it",
                "np.cumsum(sorted_p, axis=-1) - sorted_p",
                "np.cumsum(sorted_p, axis=-1)",
            ),
            (
                "the nucleus takes the rank for the order",
                "np.take_along_axis(before, rank, axis=-1)",
                "np.take_along_axis(before, order, axis=-1)",
            ),
            ("in float32", "    z = z.astype(np.float64)\n", ""),
            ("NaN passes", "if np.isnan(z).any():", "if False:"),
            (
                "what is drawn is not read",
                "logits, state = _next(model, drawn[k], state)",
                "logits, _ = _next(model, drawn[k], state)",
            ),
            ("the draw may take the impossible", "cumulative > rng", "cumulative >= rng"),
            ("beams keep their old states", "s[rows], state)", "s, state)"),
            ("beams keep their old texts", "[symbols[:, rows], last[None]]", "[symbols[:, : len(rows)], last[None]]"),
            ("the beam forgets its score", "total[:, None] + log_softmax(logits)", "log_softmax(logits)"),
            ("a stop goes on", "drawn[k, over] = stop", "pass"),
        ],
    ),
    (
        "optimizers.py",
        ("tests/test_optimizers.py", "-k", "adam or momentum or clip"),
        [
            ("Adam: no correction of the mean", "_over(m / (1 - b1**n), root)", "_over(m, root)"),
            ("Adam: no correction of the mean square", "np.sqrt(s / (1 - b2**n))", "np.sqrt(s)"),
            (
                "Adam: the correction is that of the first step",
                "AdamState(mean, square, n)",
                "AdamState(mean, square, 0)",
            ),
            ("Adam: the root is missing", "np.sqrt(s / (1 - b2**n))", "s / (1 - b2**n)"),
            (
                "Adam: the decays are swapped",
                "b1, b2, n = self.beta1, self.beta2,",
                "b2, b1, n = self.beta1, self.beta2,",
            ),
            ("momentum: the sign", "self.momentum * v + g", "g - self.momentum * v"),
            ("clipping always scales", "if norm <= max_norm:", "if norm < 0:"),
            ("clipping forgets the threshold", "* (max_norm / relative)", "* (1 / relative)"),
        ],
    ),
    (
        "optimizers.py",
        ("tests/test_optimizers.py",),
        [
            (
                "uphill",
                "mapped(lambda w, v: w - rate * v, model, velocity), SGD",
                "mapped(lambda w, v: w + rate * v, model, velocity), SGD",
            ),
            ("RMSProp: ε under the root", "_over(g, np.sqrt(s) + self.eps)", "_over(g, np.sqrt(s + self.eps))"),
            (
                "RMSProp: the decay of the gradient in place of its square",
                "(1 - self.decay) * g * g",
                "(1 - self.decay) * g",
            ),
            (
                "weight decay with the first learning rate",
                "_rate_at(self.learning_rate, state.steps) * self.weight_decay",
                "_rate_at(self.learning_rate, 0) * self.weight_decay",
            ),
            ("no step is counted", "SGDState(velocity, state.steps + 1)", "SGDState(velocity, state.steps)"),
        ],
    ),
    (
        "schedules.py",
        ("tests/test_schedules.py",),
        [
            ("cosine: a whole wave", "cos(pi * part)", "cos(2 * pi * part)"),
            ("the rate falls a step late", "k // self.every", "(k - 1) // self.every"),
            ("the warm-up starts at zero", "(k + 1) / self.steps", "k / self.steps"),
        ],
    ),
    (
        "chunked.py",
        ("tests/test_chunked.py", "-k", "checkpoint or truncated"),
        [
            ("truncated in place of exact", "g.state if carry else None", "None"),
            ("exact in place of truncated", "g.state if carry else None", "g.state"),
            (
                "every chunk starts from the first state",
                "chunks.append((lo, hi, start))",
                "chunks.append((lo, hi, state))",
            ),
            (
                "lengths are not counted from the chunk's start",
                "np.clip(ends - lo, 0, hi - lo)",
                "np.clip(ends, 0, hi - lo)",
            ),
            ("only the last chunk's gradient is kept", "tree_map(np.add, grads, g.layer)", "g.layer"),
        ],
    ),
    (
        "rtrl.py",
        ("tests/test_rtrl.py",),
        [
            ("W_aa is transposed", '"il,bljk->bijk"', '"li,bljk->bijk"'),
            (
                "no sensitivity is carried",
                "new[:, unit, unit] += inputs",
                "new[...] = 0\n        new[:, unit, unit] += inputs",
            ),
            ("the slopes are one step off", "run.parts[0][1:]", "run.parts[0][:-1]"),
            ("the slope only on the immediate part", "new *= slope[t][:, :, None, None]", "new *= 1"),
            ("what arrives in the padding counts", "da = keep(valid, da)", "pass"),
        ],
    ),
    (
        "gradcheck.py",
        ("tests/test_gradcheck.py",),
        [
            (
                "the gradient check compares with itself",
                "mine.get(path), array) for path, array in named_leaves(measured)",
                "array, array) for path, array in named_leaves(measured)",
            ),
            ("the gradient check forgets dfinal", "(finals[path] * weights[path]).sum()", "(finals[path] * 0).sum()"),
            ("a NaN gradient is no error", 'if np.isfinite(difference) else float("inf")', "if True else 0.0"),
            (
                "nothing upstream, nothing checked",
                "lambda v: rng.standard_normal(v.shape), (run.a",
                "np.zeros_like, (run.a",
            ),
            ("what complex numbers cannot go through is measured", "if fits or not", "if True or not"),
            (
                "an underflow is told for a function that complex numbers cannot go through",
                'STEP["complex"] < float64.tiny',
                'STEP["complex"] < 0 * float64.tiny',
            ),
            (
                "a forward difference in place of a central one",
                "above, below = x[i] + h_i, x[i] - h_i",
                "above, below = x[i] + h_i, x[i]",
            ),
        ],
    ),
    (
        "training.py",
        ("tests/test_training.py", "-k", "bit or patience or best or validation or checkpoint or clip"),
        [
            ("an equal score counts as a better one", "if score < min(now.scores", "if score <= min(now.scores"),
            ("the best model is the last one validated", "else now.best\n", "else now.model\n"),
            ("patience ends one validation late", ">= patience", "> patience"),
            ("going on forgets the optimiser's state", "resume.model, resume.state, kept", "resume.model, None, kept"),
            ("going on does not set the generator", "rng.bit_generator.state = resume.rng.bit", "_ = resume.rng.bit"),
            ("going on forgets what was carried", "carry is NOTHING else resume.carry", "carry is NOTHING else carry"),
            ("a checkpoint holds the generator itself", "copy = deepcopy(rng)\n", "copy = rng\n"),
            ("the generator's state is that of the start", "now = new._replace(bits=_bits(rng))", "now = new"),
            ("what is clipped is not used", "return clip_by_norm(grads, max_norm)", "return grads, global_norm(grads)"),
        ],
    ),
    (
        "battery.py",
        ("tests/contract/test_check_layer.py", "-k", "faulty or fast_path"),
        [
            ("the looped cell is not compared", 'same("the looped cell", w.everything(), looped(w)', 'same("", 0, (0)'),
            ("quantities that are not listed go unseen", "set(seen) == names", "True"),
            ("gradients by name are not measured", "expect(not off, f", "expect(True, f"),
            ("a changed argument's name is no matter", "expect(str(error).startswith(name), f", "expect(True, f"),
            ("writable arrays pass", "expect(not array.flags.writeable, f", "expect(True, f"),
            ("one dtype alone is tried", "{v.dtype for v in in_other.values()} == {other}", "True"),
        ],
    ),
    (
        "storage.py",
        ("tests/test_storage.py", "-m", "not slow"),
        [
            ("the old file is written over", "os.replace(part, path)", "path.write_bytes(data)"),
            ("a file takes its place before it is on the disk", "os.fsync(file.fileno())", "pass"),
            ("the new name is not on the disk", "os.fsync(folder)", "pass"),
            ("an unfinished file keeps its name", "part.unlink()", "pass"),
            ("what is being written is tidied away", "                    _lock(file)", "                    pass"),
            ("an array's checksum is not compared", "if _checksum(array) != crc:", "if False:"),
            ("the structure's checksum is not compared", 'if text != _sealed(head.get("tree")):', "if False:"),
            ("other versions are read", "if version != VERSION:", "if version is None:"),
            (
                "an array is read twice",
                "if len(names) != len(set(names)) or set(names) != self.names:",
                "if set(names) != self.names:",
            ),
            ("arrays are not compared with the file's head", "        self.check_arrays(head", "        list(head"),
            ("large files are read", "if about.st_size > limit:", "if False:"),
            ("a long head is read", "if not 0 < head <= min(HEADER, about.st_size - 8):", "if head < 0:"),
            ("a pipe is waited for", "if not stat.S_ISREG(about.st_mode):", "if False:"),
            ("a generator's place may be anywhere", '"pos": 624', '"pos": 1 << 40'),
            ("a generator's place in its buffer, too", '"buffer_pos": 4', '"buffer_pos": 1 << 30'),
            ("a generator may have any pool", "not 4 <= pool_size <= 256", "not 4 <= pool_size"),
            ("a generator's state may have any form", "    _check_like(state, _plain(bits.state))", "    pass"),
            ("generators forget how many they spawned", "n_children_spawned=seed", "n_children_spawned=0 * seed"),
            ("paths that are alike share an array", 'name += "\'"', "break"),
            ("tuples come back as lists", "tuple(self.parts(", "list(self.parts("),
            ("the bytes of other machines are taken as they are", 'value.dtype.newbyteorder("<")', "value.dtype"),
            ("a circle has no end", "if depth > DEPTH:", "if False:"),
            (
                "a second kind of one name takes the first's place",
                "known.setdefault(kind.__name__, kind) is not kind",
                "False",
            ),
        ],
    ),
    (
        "exchange/blocks.py",
        ("tests/test_exchange.py",),
        [
            ("PyTorch's gates in Keras's order", '"GRU": "rzc", "LSTM": "ufco"', '"GRU": "zrc", "LSTM": "ufco"'),
            ("ONNX's order is PyTorch's", '"uofc"', '"ufco"'),
            ("TensorFlow 1's candidate is the third", '"ucfo"', '"ufco"'),
            ("CS231n's candidate is the third", '"ufoc"', '"ufco"'),
            (
                "a gate that keeps is not turned round",
                'sign, own = (-1, "u") if g == "z" else (1, g)\n        if own',
                'sign, own = (1, "u") if g == "z" else (1, g)\n        if own',
            ),
            ("coupled gates go there as they are", 'sign, own = -1, "f"', 'sign, own = 1, "f"'),
            (
                "coupled gates come as they are",
                '-options.pop("W_u"), -options.pop("b_u")',
                'options.pop("W_u"), options.pop("b_u")',
            ),
            ("each bias gets half of the gradient", "b_x.copy() if gradients", "0.5 * b_x if gradients"),
            ("the second bias gets no gradient", "b_x.copy() if gradients", "np.zeros_like(b_x) if gradients"),
            ("one of two biases is forgotten", "given.b_x + given.b_h", "given.b_x"),
            ("the candidate's biases are added", "b[candidate] = given.b_x[candidate]", "pass"),
            ("the bias inside the reset gate gets lost", "    b_h[_rows", "    b_h.copy()[_rows"),
            ("input and state change places", "[given.W_h, given.W_x]", "[given.W_x, given.W_h]"),
        ],
    ),
    (
        "exchange/pytorch.py",
        ("tests/test_exchange.py",),
        [
            (
                "the backward direction is the forward one",
                'zip(pair, ("", "_reverse")',
                'zip(pair[::-1], ("", "_reverse")',
            ),
            ("projections are overlooked", "if projected:", "if False:"),
            ("a module's dropout is forgotten", 'float(getattr(module, "dropout", dropout))', "dropout"),
            ("a module's relu is forgotten", 'getattr(module, "nonlinearity", nonlinearity)', "nonlinearity"),
            ("one bias alone will do", "missing not in ([], list(names[2:]))", "names[0] in missing"),
            ("other activations are let through", 'if activation not in ("tanh", "relu"):', "if False:"),
        ],
    ),
    (
        "exchange/keras.py",
        ("tests/test_exchange.py",),
        [
            ("matrices are not turned", "blocks.W_h.T.copy()", "blocks.W_h.copy()"),
            ("two rows of biases change places", "np.stack(blocks[2:])", "np.stack(blocks[:1:-1])"),
            ("go_backwards is overlooked", 'config.get("go_backwards", False) is not backwards', "False"),
            ("another merge is overlooked", 'if source.merge_mode != "concat":', "if False:"),
            ("hard_sigmoid is overlooked", "if config[name] != only:", "if False:"),
        ],
    ),
    (
        "exchange/orders.py",
        ("tests/test_exchange.py",),
        [
            ("the forget bias is not added", "+= forget_bias", "+= 0.0"),
            ("the forget bias is added where another gate is", "b[2 * n_a : 3 * n_a] += f", "b[n_a : 2 * n_a] += f"),
            ("the forget bias is taken off a gradient", "and not gradients:", "and True:"),
            ("state above input", "[W_x, W_h], axis=1).T", "[W_h, W_x], axis=1).T"),
            ("a kernel that fits both is taken for one", "if len(able) != 1:", "if not able:"),
        ],
    ),
    (
        "exchange/onnx.py",
        ("tests/test_exchange.py", "tests/test_translations.py"),
        [
            ("peepholes in the order of the weights", 'zip(("p_u", "p_o", "p_f")', 'zip(("p_u", "p_f", "p_o")'),
            ("reset before and after change places", "int(layer.reset_after)", "int(not layer.reset_after)"),
            ("a reversed node is read as one ahead", 'if direction == "reverse":', "if False:"),
            ("clip is overlooked", 'if "clip" in settings:', "if False:"),
            (
                "other activations are overlooked",
                '    if kind != "RNN":\n        if ',
                '    if kind != "RNN":\n        if False and ',
            ),
        ],
    ),
    (
        "data.py",
        ("tests/test_data.py",),
        [
            (
                "a stream's targets wrap around",
                "Streams(rows(0), rows(1))",
                "Streams(rows(0), np.roll(rows(0), -1, 0))",
            ),
            ("streams run across", "(n, steps, *array.shape[1:]).swapaxes(0, 1)", "(steps, n, *array.shape[1:])"),
            ("a whole row is left out", "(len(array) - 1) // n", "(len(array) - 1) // n - 1"),
            ("the last, shorter window is lost", "range(0, len(x), steps)]", "range(0, len(x) - steps + 1, steps)]"),
            ("targets of a window are one window late", "y[k : k + steps])", "y[k + steps : k + 2 * steps])"),
            ("no gap before the test", "n - t - (gap if t else 0)", "n - t"),
            ("the validation overlaps with the test", '"test": (n - t, n)', '"test": (n - t - v, n)'),
            ("one step too many counts", "[:, None] < _lengths(", "[:, None] <= _lengths("),
            ("buckets are not sorted", 'order[np.argsort(sizes[order], kind="stable")]', "order"),
            ("the last batch is lost", "range(0, len(order), batch)]", "range(0, len(order) - batch + 1, batch)]"),
            ("padding stands in front", "x[: len(array), k] = array", "x[len(x) - len(array) :, k] = array"),
            ("left padding is read from the front", "x[steps - n :, k]", "x[:n, k]"),
        ],
    ),
]

MUTANTS = [Mutant(what, file, old, new, tests) for file, tests, edits in GROUPS for what, old, new in edits]


def problems(mutant: Mutant, source: str) -> str:
    """Return why the edit does not apply to the file's text, or an empty string."""
    count = source.count(mutant.old)
    if count != 1:
        return f"{mutant.file}: {mutant.what}: the old text is found {count} times"
    try:
        compile(source.replace(mutant.old, mutant.new), mutant.file, "exec")
    except SyntaxError as error:
        return f"{mutant.file}: {mutant.what}: the result is no Python: {error}"
    return ""
