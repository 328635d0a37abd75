import json

import numpy as np
import pytest
import tensorflow as tf

from kerascnn.augmentation import Cutout, Pipeline, RandomFlip, Rotate, Shift, Zoom
from kerascnn.augmentation import pipeline as module
from kerascnn.data import batches, load

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 10, 10, 3)).astype(np.uint8)
INDICES = np.arange(12)
FULL = Pipeline(RandomFlip("horizontal"), Rotate(20), Zoom(0.2), Shift(0.2), Cutout(0.3), border="edge")


def test_repr_is_the_call_that_makes_it():
    names = {
        "Pipeline": Pipeline,
        "RandomFlip": RandomFlip,
        "Rotate": Rotate,
        "Zoom": Zoom,
        "Shift": Shift,
        "Cutout": Cutout,
    }
    assert eval(repr(FULL), names) == FULL
    assert "border" not in repr(Pipeline(Rotate(5)))


def test_dict_round_trip_by_way_of_json():
    assert Pipeline.from_dict(json.loads(json.dumps(FULL.to_dict()))) == FULL
    with pytest.raises(ValueError, match="Did you mean 'Rotate'"):
        Pipeline.from_dict({"transforms": [{"name": "Rotat", "degrees": 3}]})


def test_an_example_does_not_depend_on_its_batch():
    whole = FULL.apply(IMAGES, INDICES, 3, 1)
    parts = [FULL.apply(IMAGES[i : i + 5], INDICES[i : i + 5], 3, 1) for i in (0, 5, 10)]
    assert (np.concatenate(parts) == whole).all() and (whole != IMAGES).any()
    assert (FULL.apply(IMAGES, INDICES, 4, 1) != whole).any() and (FULL.apply(IMAGES, INDICES, 3, 2) != whole).any()


def test_geometric_transforms_make_one_matrix_and_one_warp(monkeypatch):
    calls = []
    monkeypatch.setattr(module, "warp", lambda images, matrices, border: calls.append((matrices, border)) or images)
    Pipeline(Rotate(20), Zoom(0.2), Shift(0.2)).apply(IMAGES, INDICES, 0, 0)
    assert len(calls) == 1 and calls[0][1] == "reflect"
    draws = module.uniforms(0, 0, INDICES, 4)
    turn, zoom, shift = (
        t.matrices(draws[:, part], 10, 10) for t, part in ((Rotate(20), [0]), (Zoom(0.2), [1]), (Shift(0.2), [2, 3]))
    )
    np.testing.assert_allclose(calls[0][0], shift @ zoom @ turn)  # the first transform is the first to move a point


def test_pixel_transforms_do_not_write_into_the_input():
    images = IMAGES.copy()
    Pipeline(Cutout(0.5)).apply(images, INDICES, 0, 0)
    FULL.apply(images, INDICES, 0, 0)
    assert (images == IMAGES).all()


def test_no_transform_changes_nothing():
    assert (Pipeline().apply(IMAGES, INDICES, 0, 0) == IMAGES).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_in_a_graph_it_does_what_apply_does(dtype):
    images = IMAGES.astype(dtype)
    graph = tf.function(lambda x, i, e: FULL(x, i, e, 2**40))
    changed = graph(tf.constant(images), tf.constant(INDICES), tf.constant(2, tf.int64))
    assert changed.shape == images.shape and changed.dtype == dtype
    assert (changed.numpy() == FULL.apply(images, INDICES, 2, 2**40)).all()


def test_augmented_batches_are_the_same_after_a_resume():
    data = load("digits")

    def seen(first):
        dataset = batches(data, "train", 200, seed=1, augment=FULL, epochs=(first, 4))
        return np.stack([images for images, _ in dataset.as_numpy_iterator()])

    whole = seen(0)
    assert (seen(2) == whole[12:]).all() and (whole[:6] != whole[6:12]).any()


@pytest.mark.parametrize("wrong", [RandomFlip, "flip", lambda images: images])
def test_what_is_no_transform_is_refused(wrong):
    with pytest.raises((TypeError, ValueError), match="`transforms` must be transforms"):
        Pipeline(wrong)


def test_an_unknown_border_is_named():
    with pytest.raises(ValueError, match="`border` must be one of 'edge', 'reflect', 'zero'"):
        Pipeline(border="mirror")
