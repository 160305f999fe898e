"""The source note's cell with the use gate: what it computes, and that it is not the LSTM."""

import numpy as np
from cell_checks import (
    assert_run_shows_every_quantity,
    nudged,
    random_layer,
    random_world,
)

from rnncourse import LSTM
from rnncourse.initializers import identity, zeros
from rnncourse.layers.use_gate import UseGateCell
from rnncourse.records import named_leaves

LAYER = random_layer(UseGateCell.init(2, 3, np.random.default_rng(0)))
SHARED = {"f": "f", "u": "i", "o": "v", "c": "n"}  # the LSTM's block: the note's
AS_LSTM = LSTM.from_gates(**{f"{kind}_{g}": getattr(LAYER, f"{kind}_{n}") for g, n in SHARED.items() for kind in "Wb"})


def by_entries(x, state):
    """Every quantity of every step, entry by entry, from the arrays of the layer alone."""
    (T, B, n_x), n = x.shape, 3
    q = {name: np.zeros((T, B, n)) for name in LAYER.quantities}
    for t, k in np.ndindex(T, B):
        a, c = (state[0][k], state[1][k]) if t == 0 else (q["a"][t - 1, k], q["c"][t - 1, k])
        at = {name: values[t, k] for name, values in q.items()}
        for block, name in enumerate("nifv"):
            for i in range(n):
                r = block * n + i
                z = LAYER.b[r] + sum(LAYER.W[r, j] * a[j] for j in range(n))
                at[f"z_{name}"][i] = z + sum(LAYER.W[r, n + j] * x[t, k, j] for j in range(n_x))
        for i in range(n):
            at["cand"][i] = np.tanh(at["z_n"][i])
            for name in "ifv":
                at[f"gate_{name}"][i] = 1 / (1 + np.exp(-at[f"z_{name}"][i]))
        for i in range(n):
            at["z_u"][i] = LAYER.b_u[i] + sum(LAYER.W_u[i, j] * c[j] * at["gate_f"][j] for j in range(n))
            at["use"][i] = np.tanh(at["z_u"][i])
            at["c"][i] = c[i] * at["gate_f"][i] + at["cand"][i] * at["gate_i"][i]
            at["a"][i] = at["use"][i] * at["gate_v"][i]
    return q


def test_the_run_shows_the_equations_written_out_entry_by_entry():
    x, state, _, _ = random_world(LAYER, 4, 3)
    inside = np.arange(4)[:, None] < np.array([4, 2, 0])
    assert_run_shows_every_quantity(LAYER.forward(x, state, [4, 2, 0]), by_entries(x, state), inside)


def test_with_the_weights_that_they_share_it_is_not_the_lstm():
    """From the same start both memories are equal after a step, and the outputs differ by more than 0.2."""
    x, state, _, _ = random_world(LAYER, 6, 4)
    mine, theirs = LAYER.forward(x, state), AS_LSTM.forward(x, state)
    np.testing.assert_allclose(mine.c[0], theirs.c[0], rtol=1e-13)
    assert np.abs(mine.a[0] - theirs.a[0]).max() > 0.2
    assert np.abs(mine.a - theirs.a).max() > 0.5


def test_no_choice_of_the_use_gates_own_weights_makes_it_the_lstm_even_the_identity():
    cell = UseGateCell(LAYER.W, LAYER.b, np.eye(3), np.zeros(3))
    x, state, _, _ = random_world(LAYER, 6, 4)
    assert np.abs(cell.forward(x, state).a - AS_LSTM.forward(x, state).a).max() > 0.2
    first = cell.forward(x).a[0]  # from empty memories the first output is nothing, whatever the input
    assert (first == 0).all()
    assert np.abs(AS_LSTM.forward(x).a[0]).min() > 1e-4


def test_what_the_step_learns_reaches_the_output_only_a_step_later():
    x, state, _, _ = random_world(LAYER, 2, 1)
    for quantity in ("cand", "gate_i"):
        for unit in range(3):
            moved_a, moved_c = nudged(LAYER, x[0], state, quantity, (0, unit))
            assert (moved_a == 0).all()
            assert abs(moved_c[0, unit]) > 1e-3
    moved_a, _ = nudged(AS_LSTM, x[0], state, "cand", (0, 0))
    assert abs(moved_a[0, 0]) > 1e-3
    (_, c_1), _ = LAYER.cell_forward(x[0], state)
    a_2 = [LAYER.cell_forward(x[1], (state[0], c))[0][0] for c in (c_1, c_1 + 0.1)]
    assert np.abs(a_2[1] - a_2[0]).max() > 1e-3


def test_it_has_n_a_squared_plus_n_a_more_parameters_than_the_lstm():
    sizes = [sum(leaf.size for _, leaf in named_leaves(layer)) for layer in (LAYER, AS_LSTM)]
    assert sizes == [4 * 3 * (3 + 2) + 4 * 3 + 3 * 3 + 3, 4 * 3 * (3 + 2) + 4 * 3]


def test_init_draws_what_it_was_asked_for():
    layer = UseGateCell.init(2, 3, np.random.default_rng(0), np.float32, input_init=zeros, recurrent_init=identity)
    np.testing.assert_array_equal(layer.W_u, np.eye(3))
    for g in "nifv":
        np.testing.assert_array_equal(getattr(layer, f"W_{g}a"), np.eye(3))
        assert not getattr(layer, f"W_{g}x").any()
    assert not layer.b.any()
    assert not layer.b_u.any()
    assert {leaf.dtype for _, leaf in named_leaves(layer)} == {np.dtype(np.float32)}
