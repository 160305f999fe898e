"""Layers, runs and gradients are values: unchangeable, comparable, printable, and the same after a pickle."""

import copy
import pickle
from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest

from rnncourse import tree_map
from rnncourse.records import named_leaves

from .worlds import assert_identical, everything, make_world, results

COPIES = {
    **{
        f"pickle protocol {p}": lambda v, p=p: pickle.loads(pickle.dumps(v, p))
        for p in range(pickle.HIGHEST_PROTOCOL + 1)
    },
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


def records(case, **options):
    """A layer, its run and its gradients."""
    world = make_world(case, lengths=[5, 0, 2], **options)
    run = world.run()
    return {"layer": world.layer, "run": run, "grads": world.layer.backward(run, world.da, world.dfinal)}


@pytest.mark.parametrize("way", COPIES)
def test_copies_are_equal_and_work(case, way):
    world = make_world(case, lengths=[5, 0, 2])
    originals = records(case)
    copies = {name: COPIES[way](record) for name, record in originals.items()}
    assert copies == originals
    assert_identical(
        results(copies["run"], copies["layer"].backward(copies["run"], world.da, world.dfinal)), everything(world)
    )


@pytest.mark.parametrize("way", [None, *COPIES])
@pytest.mark.parametrize("what", ["layer", "run", "grads"])
def test_fields_and_arrays_cannot_be_written(case, what, way):
    record = records(case)[what]
    record = record if way is None else COPIES[way](record)
    for name in (*(f.name for f in fields(record)), "something_new"):
        with pytest.raises(FrozenInstanceError):
            setattr(record, name, 1)
    with pytest.raises(FrozenInstanceError):
        delattr(record, fields(record)[0].name)
    arrays = dict(named_leaves(record)) | (dict(named_leaves(record.final, "final")) if what == "run" else {})
    for path, array in arrays.items():
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
        assert not array.flags.writeable, path


def test_named_views_are_read_only_and_without_copies(recurrent_case):
    layer = make_world(recurrent_case).layer
    if not hasattr(layer, "blocks"):
        return
    names = {name for name in dir(layer) if name.startswith(("W_", "b_"))} - {f.name for f in fields(layer)}
    views = [getattr(layer, name) for name in names]
    assert len(views) == 4 * len(layer.blocks)
    for view in views:
        assert not view.flags.writeable
        assert np.shares_memory(view, layer.W) or np.shares_memory(view, layer.b)


@pytest.mark.parametrize("what", ["layer", "run", "grads"])
def test_equality_is_exact(case, what):
    record = records(case)[what]
    assert record == records(case)[what]
    assert record != records(case, seed=1)[what]
    assert record != records(case, dtype=np.float32)[what]
    assert record != tuple(array for _, array in named_leaves(record))
    paths = [path for path, _ in named_leaves(record)]
    for k, path in enumerate(paths):
        count = iter(range(len(paths)))

        def nudge(array, k=k, count=count):
            array = array.copy()
            if next(count) == k:
                array.flat[-1] = np.nextafter(array.flat[-1], np.inf) if array.dtype.kind == "f" else array.flat[-1] + 1
            return array

        assert tree_map(nudge, record) != record, path


def test_nan_equals_nan_in_records(case):
    layer = tree_map(lambda p: np.full_like(p, np.nan), make_world(case).layer)
    assert layer == copy.deepcopy(layer)


def test_layers_that_differ_in_an_option_differ(case):
    layer = make_world(case).layer
    if hasattr(layer, "activation"):
        other = type(layer)(layer.W, layer.b, "relu" if layer.activation != "relu" else "tanh")
        assert other != layer


def test_records_cannot_be_hashed(case):
    for record in records(case).values():
        with pytest.raises(TypeError, match="unhashable"):
            hash(record)


def test_they_print_their_kind_sizes_and_dtype_in_a_line(case):
    for what, record in records(case).items():
        text = repr(record)
        assert text.startswith(type(record).__name__ + "("), what
        assert "\n" not in text
        assert "float64[" in text
        assert len(text) < 2000
        assert "array(" not in text


def test_gradients_are_in_a_record_of_the_layers_own_kind(case):
    world = make_world(case)
    grads = world.layer.backward(world.run(), world.da)
    assert type(grads.layer) is type(world.layer)
    updated = tree_map(lambda p, d: p - 0.1 * d, world.layer, grads.layer)
    assert type(updated) is type(world.layer)
    assert updated.forward(world.x).a.shape == world.da.shape


def test_the_attributes_of_a_layer_are_found_by_dir_and_unknown_ones_raise(case):
    layer = make_world(case).layer
    assert {"n_x", "n_out", "forward", "backward"} <= set(dir(layer))
    for name in ("W_", "W_qq", "b_ax", "W_aaa", "nothing", "__nothing__"):
        with pytest.raises(AttributeError, match=name):
            getattr(layer, name)
