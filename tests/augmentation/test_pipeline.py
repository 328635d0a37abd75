import json

import numpy as np
import pytest
import tensorflow as tf

from kerascnn import augmentation
from kerascnn.augmentation import (
    JPEG,
    CutMix,
    Cutout,
    Elastic,
    GaussianNoise,
    Hue,
    Identity,
    Invert,
    MixUp,
    Mosaic,
    Offset,
    OneOf,
    Pipeline,
    RandAugment,
    RandomCrop,
    RandomFlip,
    RandomResizedCrop,
    Rotate,
    Saturation,
    Shift,
    Zoom,
)  # fmt: skip
from kerascnn.data import batches, load

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 10, 10, 3)).astype(np.uint8)
INDICES = np.arange(12)
FULL = Pipeline(
    RandomFlip("horizontal"), Rotate(20), Zoom(0.2), Shift(0.2), Cutout(0.3, p=0.7), GaussianNoise(5),
    OneOf(Invert(), Saturation(0.5), weights=(1, 3)), Pipeline(Elastic(1), p=0.5), border="edge",
)  # fmt: skip
BATCH = {
    "images": IMAGES,
    "labels": INDICES % 3,
    "segmentation_masks": (IMAGES[..., 0] % 3).astype(np.int32),
    "bounding_boxes": {
        "boxes": np.tile(np.array([[1, 2, 6, 8], [0, 0, 0, 0]], np.float32), (12, 1, 1)),
        "labels": np.tile(np.array([1, -1], np.int32), (12, 1)),
    },
    "keypoints": np.tile(np.array([[4, 4], [-1, -1]], np.float32), (12, 1, 1)),
}


def same(one, other):
    tf.nest.assert_same_structure(one, other)
    return all((a == b).all() for a, b in zip(tf.nest.flatten(one), tf.nest.flatten(other), strict=True))


class Set:
    """What `checked` looks at."""

    def __init__(self, image_shape=(10, 10, 3), class_names=("a", "b", "c")):
        self.image_shape, self.class_names = image_shape, class_names


def test_repr_is_the_call_that_makes_it():
    names = {name: getattr(augmentation, name) for name in dir(augmentation)}
    assert eval(repr(FULL), names) == FULL
    assert repr(Pipeline(Rotate(5), p=0.5)) == "Pipeline(Rotate(5), p=0.5)"


def test_dict_and_yaml_round_trips(tmp_path):
    assert Pipeline.from_dict(json.loads(json.dumps(FULL.to_dict()))) == FULL
    assert Pipeline.from_yaml(FULL.to_yaml()) == FULL
    (tmp_path / "mine.yaml").write_text("transforms:\n- name: Rotate\n  degrees: [-5, 20]\nborder: zero\n")
    assert Pipeline.from_yaml(tmp_path / "mine.yaml") == Pipeline(Rotate((-5, 20)), border="zero")


def test_what_a_dict_cannot_mean_is_named():
    with pytest.raises(ValueError, match="Did you mean 'Rotate'"):
        Pipeline.from_dict({"transforms": [{"name": "Rotat", "degrees": 3}]})
    with pytest.raises(ValueError, match="`argument of Rotate` must be one of 'degrees', 'p'"):
        Pipeline.from_dict({"transforms": [{"name": "Rotate", "angle": 3}]})
    with pytest.raises(ValueError, match="must be a mapping"):
        Pipeline.from_yaml("- Rotate")


@pytest.mark.parametrize("pipeline", [FULL, Pipeline(RandAugment(), JPEG(p=0.3))], ids=repr)
def test_an_example_does_not_depend_on_its_batch(pipeline):
    whole = pipeline.apply(IMAGES, INDICES, 3, 1)
    parts = [pipeline.apply(IMAGES[i : i + 5], INDICES[i : i + 5], 3, 1) for i in (0, 5, 10)]
    assert (np.concatenate(parts) == whole).all() and (whole != IMAGES).any()
    assert (pipeline.apply(IMAGES, INDICES, 4, 1) != whole).any() and (
        pipeline.apply(IMAGES, INDICES, 3, 2) != whole
    ).any()


def test_a_mixed_example_does_not_depend_on_its_batch_where_partners_are_given():
    pipeline = Pipeline(Rotate(20), OneOf(MixUp(), CutMix(), p=0.8)).checked(Set())

    def mixed(indices):
        rows = pipeline.rows(indices, 3, 1, 12)
        batch = {"images": IMAGES[rows], "labels": BATCH["labels"][rows]}
        return pipeline.apply(batch, rows, 3, 1, partnered=True)

    whole, parts = mixed(INDICES), [mixed(INDICES[i : i + 5]) for i in (0, 5, 10)]
    for key in ("images", "labels"):
        assert (np.concatenate([part[key] for part in parts]) == whole[key]).all()
    assert whole["labels"].shape == (12, 3) and ((whole["labels"] > 0).sum(axis=1) == 2).any()
    np.testing.assert_allclose(whole["labels"].sum(axis=1), 1, atol=1e-6)


def test_partners_of_partners_are_fetched_for_operations_in_a_row():
    pipeline = Pipeline(Mosaic(), MixUp(), classes := Identity()).checked(Set())
    assert classes in pipeline.transforms and pipeline.others == 7
    rows = pipeline.rows(INDICES, 0, 0, 1000)
    assert len(rows) == 96 and (rows[:12] == INDICES).all() and len(set(rows.tolist())) > 85
    batch = {"images": IMAGES, "labels": BATCH["labels"]}
    assert pipeline.apply(batch, INDICES)["images"].shape == IMAGES.shape


def test_pixel_operations_do_not_write_into_the_input():
    images = IMAGES.copy()
    Pipeline(Cutout(0.5)).apply(images, INDICES, 0, 0)
    FULL.apply(images, INDICES, 0, 0)
    Pipeline(Cutout(0.5, p=0.5), Invert(p=0.5)).apply(images, INDICES, 0, 0)
    assert (images == IMAGES).all()


def test_no_transform_changes_nothing():
    assert (Pipeline().apply(IMAGES, INDICES, 0, 0) == IMAGES).all()
    assert (Pipeline(FULL, p=0.0).apply(IMAGES, INDICES, 0, 0) == IMAGES).all()


def test_p_and_weights_are_shares_of_the_images():
    images, many = np.zeros((4000, 1, 1, 1), np.uint8), np.arange(4000)
    pipeline = Pipeline(OneOf(Offset((10, 10)), Offset((20, 20)), Offset((30, 30)), weights=(1, 2, 1), p=0.5))
    counts = np.unique(pipeline.apply(images, many), return_counts=True)
    assert counts[0].tolist() == [0, 10, 20, 30]
    assert np.abs(counts[1] - [2000, 500, 1000, 500]).max() < 5 * 32  # five standard deviations


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_in_a_graph_it_does_what_apply_does(dtype):
    images = IMAGES.astype(dtype)
    graph = tf.function(lambda x, i, e: FULL(x, i, e, 2**40))
    changed = graph(tf.constant(images), tf.constant(INDICES), tf.constant(2, tf.int64))
    assert changed.shape == images.shape and changed.dtype == dtype
    assert (changed.numpy() == FULL.apply(images, INDICES, 2, 2**40)).all()


def test_in_a_graph_targets_move_too():
    pipeline = Pipeline(RandomFlip("horizontal"), Rotate(20), Mosaic(), border="zero").checked(Set())
    batch = {key: BATCH[key] for key in ("images", "labels", "segmentation_masks", "bounding_boxes")}
    graph = tf.function(lambda given, i: pipeline(given, i, tf.constant(2, tf.int64), 7))
    changed = graph(tf.nest.map_structure(tf.constant, batch), tf.constant(INDICES))
    expected = pipeline.apply(batch, INDICES, 2, 7)
    assert same(tf.nest.map_structure(lambda leaf: leaf.numpy(), changed), expected)
    assert changed["labels"].shape == (12, 3) and changed["bounding_boxes"]["boxes"].shape == (12, 8, 4)
    assert 255 in expected["segmentation_masks"]


def test_augmented_batches_are_the_same_after_a_resume():
    data, pipeline = load("digits"), Pipeline(Rotate(20), Cutout(0.3), GaussianNoise(5))

    def seen(first):
        dataset = batches(data, "train", 200, seed=1, augment=pipeline, epochs=(first, 4))
        return np.stack([images for images, _ in dataset.as_numpy_iterator()])

    whole = seen(0)
    assert (seen(2) == whole[12:]).all() and (whole[:6] != whole[6:12]).any()


@pytest.mark.parametrize("wrong", [RandomFlip, "flip", lambda images: images])
def test_what_is_no_transform_is_refused(wrong):
    for composite in (Pipeline, OneOf):
        with pytest.raises(TypeError, match="`transforms` must be transforms"):
            composite(wrong)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Pipeline(border="mirror"), "`border` must be one of 'edge', 'reflect', 'zero'"),
        (lambda: Pipeline(p=2), r"`p` must be in \[0, 1\]"),
        (lambda: Pipeline(min_visible=-1), "`min_visible` must be in"),
        (lambda: OneOf(), "`transforms` must be at least one"),
        (lambda: OneOf(Invert(), weights=(1, 2)), "`weights` and `transforms` must have one entry"),
        (lambda: OneOf(Invert(), weights=(0,)), r"`weights` must be in \(0, inf\)"),
    ],
)
def test_wrong_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("pipeline", "data", "kinds", "message"),
    [
        (Pipeline(Hue(0.1)), Set((10, 10, 1)), ("labels",), r"Hue\(0.1\) needs three channels"),
        (Pipeline(OneOf(Elastic(2))), Set(), ("bounding_boxes",), "carries labels, masks, target images. Rec.*'boxes'"),
        (Pipeline(RandomFlip(swap={"a": "d"})), Set(), ("labels",), "`swap` must hold classes of the data"),
        (Pipeline(RandomCrop(8)), Set(), ("labels",), r"a result of \(8, 8\)"),
        (Pipeline(RandomResizedCrop(8, p=0.5)), Set(), ("labels",), "change the size of all images"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_data_is_named(pipeline, data, kinds, message):
    with pytest.raises(ValueError, match=message):
        pipeline.checked(data, kinds)


def test_what_fits_the_data_is_prepared():
    pipeline = Pipeline(RandomFlip(swap={"a": "c"}), OneOf(MixUp(), CutMix())).checked(Set())
    assert pipeline == Pipeline(RandomFlip(swap={0: 2}), OneOf(MixUp(classes=3), CutMix(classes=3)))
    assert Pipeline(RandomCrop(10, padding=2)).checked(Set()) == Pipeline(RandomCrop(10, padding=2))


def test_arrays_in_any_order_of_memory_are_taken():
    pipeline = Pipeline(Rotate(20), Saturation(0.5), Cutout(0.3))
    turned = np.asfortranarray(IMAGES)
    assert (pipeline.apply(turned, INDICES) == pipeline.apply(IMAGES, INDICES)).all()
