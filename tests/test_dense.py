"""The dense layer beyond the contract."""

import numpy as np

from rnncourse import Dense

rng = np.random.default_rng(0)
LAYER = Dense(rng.standard_normal((3, 2)), rng.standard_normal(3), "sigmoid")
X = rng.standard_normal((4, 2, 2))


def test_each_step_is_the_affine_map_and_the_activation():
    run = LAYER.forward(X, lengths=[4, 1])
    for t, example in np.ndindex(4, 2):
        z = LAYER.W @ X[t, example] + LAYER.b
        inside = t < [4, 1][example]
        np.testing.assert_allclose(run.z_y[t, example], z if inside else 0 * z, rtol=1e-13)
        np.testing.assert_allclose(run.a[t, example], 1 / (1 + np.exp(-z)) if inside else 0 * z, rtol=1e-13)


def test_there_is_no_state():
    run = LAYER.forward(X, ())
    assert run.final == () == LAYER.zero_state(2)
    assert LAYER.backward(run, np.ones_like(run.a), ()).state == ()
    a_t, state = LAYER.step(X[0], ())
    np.testing.assert_allclose(a_t, run.a[0], rtol=1e-15)
    assert state == ()


def test_sizes_have_names():
    assert (LAYER.n_x, LAYER.n_out, LAYER.dtype, LAYER.precision) == (2, 3, np.float64, "float64")
