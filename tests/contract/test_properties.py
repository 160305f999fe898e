"""Properties that hold for every layer, input and length: hypothesis, EXAMPLES a kind of layer (`make weekly`: 200)."""

import os
from inspect import signature

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rnncourse import tree_map
from rnncourse.records import named_leaves

from .registry import CASES
from .worlds import assert_close, assert_identical, everything, make_world, per_example

EXAMPLES = int(os.environ.get("EXAMPLES", "50"))
PRECISION = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 3e-5}


@st.composite
def draws(draw, least_steps=0):
    """Arguments of make_world."""
    T, B = draw(st.integers(least_steps, 6)), draw(st.integers(0, 4))
    return {
        "T": T,
        "B": B,
        "n_x": draw(st.integers(1, 4)),
        "n_a": draw(st.integers(1, 4)),
        "lengths": draw(st.none() | st.lists(st.integers(0, T), min_size=B, max_size=B)),
        "seed": draw(st.integers(0, 2**32)),
        "dtype": draw(st.sampled_from([np.float64, np.float32])),
    }


def examples_of(case):
    """Share the examples out among the cases of a kind, but for a quarter that each has."""
    kind = case.name.split("-")[0]
    return max(EXAMPLES // 4, EXAMPLES // sum(other.name.split("-")[0] == kind for other in CASES))


def for_all(**strategies):
    def decorate(test):
        def run(case):
            @settings(max_examples=examples_of(case), derandomize=True, deadline=None, database=None)
            @given(**strategies)
            def examples(**drawn):
                test(case, **drawn)

            examples()

        over_causal = "causal_case" in signature(test).parameters
        named = (lambda causal_case: run(causal_case)) if over_causal else run  # pytest looks at the argument's name
        named.__name__, named.__doc__ = test.__name__, test.__doc__
        return named

    return decorate


def tolerance(world):
    return PRECISION[world.da.dtype]


@for_all(options=draws(), s=st.floats(-2, 2, width=32), t=st.floats(-2, 2, width=32))
def test_backward_is_linear_in_its_upstream_gradients(case, options, s, t):
    world = make_world(case, **options)
    other = make_world(case, **options | {"seed": options["seed"] + 1})
    run, dtype = world.run(), world.da.dtype.type

    def mix(a, b):
        return dtype(s) * a + dtype(t) * b

    def back(da, dfinal):
        return world.layer.backward(run, da, dfinal)

    mixed = back(mix(world.da, other.da), tree_map(mix, world.dfinal, other.dfinal))
    parts = tree_map(mix, back(world.da, world.dfinal), back(other.da, other.dfinal))
    assert_close(dict(named_leaves(mixed)), dict(named_leaves(parts)), 4 * tolerance(world))


@for_all(options=draws(), cut=st.integers(0, 4))
def test_parameter_gradients_add_up_over_the_parts_of_a_batch(case, options, cut):
    world = make_world(case, **options)
    whole, left, right = (everything(w) for w in (world, world.examples(slice(cut)), world.examples(slice(cut, None))))
    sums = {path: left[path] + right[path] for path in whole if path.startswith("grads.layer")}
    assert_close({path: whole[path] for path in sums}, sums, tolerance(world))
    joined = {path: np.concatenate([left[path], right[path]], axis=-2) for path in per_example(whole)}
    assert_close(per_example(whole), joined, tolerance(world))


@for_all(options=draws(), order=st.randoms(use_true_random=False))
def test_permuting_the_batch_permutes_everything(case, options, order):
    world = make_world(case, **options)
    which = order.sample(range(options["B"]), options["B"])
    expected, found = everything(world), everything(world.examples(np.array(which, dtype=int)))
    expected |= {path: array[..., which, :] for path, array in per_example(expected).items()}
    assert_close(found, expected, tolerance(world))


@for_all(options=draws(least_steps=1), when=st.integers(0, 5))
def test_outputs_do_not_depend_on_later_inputs(causal_case, options, when):
    world = make_world(causal_case, **options)
    t = when % options["T"]
    x = world.x.copy()
    x[t:] += 1
    if causal_case.symbols:
        x %= world.layer.n_x
    np.testing.assert_array_equal(world.but(x=x).run().a[:t], world.run().a[:t])


@for_all(options=draws(), extra=st.integers(1, 3))
def test_more_padding_changes_nothing(case, options, extra):
    world = make_world(case, **options)
    lengths = [options["T"]] * options["B"] if world.lengths is None else world.lengths
    junk = [
        np.full((extra, *array.shape[1:]), -7 if array.dtype.kind in "iu" else np.nan, array.dtype)
        for array in (world.x, world.da)
    ]
    longer = world.but(x=np.concatenate([world.x, junk[0]]), da=np.concatenate([world.da, junk[1]]), lengths=lengths)
    expected, found = everything(world), everything(longer)
    for path in {"a", "grads.x"} & found.keys():
        assert (found[path][options["T"] :] == 0).all()
        found[path] = found[path][: options["T"]]
    assert_close(found, expected, tolerance(world))


@for_all(options=draws(), cut=st.integers(0, 6))
def test_a_state_handed_over_joins_two_runs(causal_case, options, cut):
    world = make_world(causal_case, **options)
    first, second = world.steps(slice(cut)), world.steps(slice(cut, None))
    if world.lengths is not None:
        lengths = np.array(world.lengths, dtype=int)
        first, second = (
            first.but(lengths=np.minimum(lengths, len(first.x))),
            second.but(lengths=np.maximum(lengths - cut, 0)),
        )
    one = first.run()
    two = second.but(state=one.final).run()
    whole = world.run()
    found, expected = (np.concatenate([one.a, two.a]), two.final), (whole.a, whole.final)
    assert_close(dict(named_leaves(found)), dict(named_leaves(expected)), tolerance(world))


@for_all(options=draws())
def test_dtypes_shapes_and_bits_are_kept(case, options):
    world = make_world(case, **options)
    found = everything(world)
    assert {array.dtype for array in found.values()} <= {np.dtype(options["dtype"])}
    assert found["a"].shape == world.da.shape
    assert case.symbols or found["grads.x"].shape == world.x.shape
    assert (found["a"][~world.inside] == 0).all()
    assert_identical(everything(world), found)
