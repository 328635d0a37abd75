"""`Augment`: the same pictures as the pipeline on the host from the same draws, and the contract of a layer."""

import json

import keras
import numpy as np
import pytest
from keras import ops

from kerascnn import augmentation as a
from kerascnn.augmentation import host, serial
from kerascnn.augmentation.draws import uniforms
from kerascnn.augmentation.engine import run
from kerascnn.augmentation.layer import Augment, augmented

pytestmark = pytest.mark.backend
on_tensorflow = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="about TensorFlow's graphs")

SIZE, COUNT = (32, 32), 12


def pictures():
    """Slow waves of colour, uint8, no two alike."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]].astype(float)
    rng = np.random.default_rng(0)
    waves = [np.sin(x * p + y * q + r) for p, q, r in rng.uniform((-0.2, -0.2, 0), (0.2, 0.2, 6), (COUNT * 3, 3))]
    waves = np.moveaxis(np.reshape(waves, (COUNT, 3, *SIZE)), 1, 3)
    return np.ascontiguousarray(np.rint(127 + 120 * waves), np.uint8)


IMAGES, LABELS = pictures(), np.arange(COUNT, dtype=np.int32) % 4
EXACT, INTERPOLATED, ROUNDED = 0.02, 0.5, 1.5
"""Mean difference in levels: the same arithmetic; OpenCV's 32 steps between two pixels; libjpeg's whole numbers, or
small differences that reach a threshold of a policy's posterize or equalize."""
TRANSFORMS = [
    (a.Identity(), EXACT),
    (a.RandomFlip("vertical"), EXACT),
    (a.QuarterTurn(), EXACT),
    (a.Shift(0.3), EXACT),
    (a.RandomCrop((24, 40), padding=4), EXACT),
    (a.Rotate(40), INTERPOLATED),
    (a.Shear(20), INTERPOLATED),
    (a.Zoom(0.4, isotropic=False), INTERPOLATED),
    (a.Perspective(0.2), INTERPOLATED),
    (a.RandomResizedCrop(24), INTERPOLATED),
    (a.Elastic(2), INTERPOLATED),
    (a.Brightness(0.5), EXACT),
    (a.Offset(50), EXACT),
    (a.Contrast(0.5), EXACT),
    (a.Saturation(0.9), EXACT),
    (a.Hue(0.2), EXACT),
    (a.Grey(p=0.5), EXACT),
    (a.ChannelShuffle(), EXACT),
    (a.Gamma(0.5), EXACT),
    (a.Invert(), EXACT),
    (a.Posterize((2, 6)), EXACT),
    (a.Solarize((50, 200)), EXACT),
    (a.Equalize(), EXACT),
    (a.AutoContrast(), EXACT),
    (a.Sharpness(1), EXACT),
    (a.Blur(2), EXACT),
    (a.JPEG((20, 90)), ROUNDED),
    (a.Cutout(0.4), EXACT),
    (a.RandomErasing(fill="mean"), EXACT),
    (a.MixUp(alpha=1.0, classes=4), EXACT),
    (a.CutMix(classes=4), EXACT),
    (a.Mosaic(classes=4), EXACT),
    (a.RandAugment(), ROUNDED),
    (a.TrivialAugment(), ROUNDED),
    (a.AugMix(), ROUNDED),
    (a.OneOf(a.Rotate(20), a.Invert(), weights=(1, 2)), INTERPOLATED),
    (a.Pipeline(a.Shift(0.2), a.Contrast(0.5), p=0.5), EXACT),
]
NOISE = [(a.GaussianNoise((20, 20)), 20), (a.SaltAndPepper((0.4, 0.4)), 90), (a.RandomErasing((0.3, 0.3)), 65)]


def both(pipeline, batch, keys=3):
    """What the host and the graph make of a batch from the same draws."""
    rows = batch
    if pipeline.others:
        order = np.concatenate([np.roll(np.arange(COUNT), -k) for k in range(1 + pipeline.others)])
        rows = each(batch, lambda leaf: leaf[order])
    u = uniforms(0, 0, np.arange(len(rows["images"])), pipeline.plan.draws)
    edges = {"border": pipeline.border, "ignore": pipeline.ignore, "min_visible": pipeline.min_visible}
    there = run(pipeline.plan, rows, u, host, **edges, keys=np.arange(len(u), dtype=np.uint64))
    here = augmented(pipeline, each(batch, ops.convert_to_tensor), ops.convert_to_tensor(u, "float32"), keys)
    return there, each(here, ops.convert_to_numpy)


def each(batch, function):
    return {name: each(leaf, function) if isinstance(leaf, dict) else function(leaf) for name, leaf in batch.items()}


def apart(one, other):
    return np.abs(np.asarray(one, np.float32) - np.asarray(other, np.float32)).mean()


@pytest.mark.parametrize(("transform", "within"), TRANSFORMS, ids=lambda value: str(value)[:24])
def test_the_same_draws_give_the_same_pictures(transform, within):
    pipeline = a.Pipeline(transform)
    for images, more in ((IMAGES, 0.8), (IMAGES.astype(np.float32), 0)):  # uint8 is rounded on the way
        there, here = both(pipeline, {"images": images, "labels": LABELS})
        assert here["images"].dtype == np.float32 and here["images"].shape == there["images"].shape
        assert apart(there["images"], here["images"]) < within + more
        assert here["labels"].shape == there["labels"].shape and apart(there["labels"], here["labels"]) < 1e-3
    if not isinstance(transform, a.Identity) and here["images"].shape == IMAGES.shape:
        assert apart(IMAGES, here["images"]) > 2 * (within + more)  # it has done something


@pytest.mark.parametrize(("transform", "strength"), NOISE, ids=lambda value: str(value)[:24])
def test_noise_is_as_strong_and_in_the_same_places(transform, strength):
    grey = np.full((COUNT, *SIZE, 3), 127, np.float32)
    there, here = (changed["images"] - 127 for changed in both(a.Pipeline(transform), {"images": grey}))
    if isinstance(transform, a.RandomErasing):
        assert ((here != 0).any(-1) == (there != 0).any(-1)).mean() > 0.999
    for noise in (there, here):
        assert abs(noise[:, :, :, 0].std() / strength - 1) < 0.4 and abs(noise.mean()) < 3
    assert abs(here.std() / there.std() - 1) < 0.05


def test_no_transform_is_left_out():
    names = {type(transform).__name__ for transform, _ in TRANSFORMS + NOISE}
    assert names == set(serial.table())


@pytest.mark.parametrize("border", ["reflect", "zero"])
def test_targets_move_alike(border):
    pipeline = a.Pipeline(
        a.RandomFlip("horizontal", swap={0: 1}), a.Rotate(30), a.Perspective(0.1), a.Shift(0.1), border=border, ignore=9
    )
    y, x = np.mgrid[: SIZE[0], : SIZE[1]] // 12
    boxes = np.tile(np.float32([[4, 5, 20, 28], [25, 2, 31, 9], [0, 0, 0, 0]]), (COUNT, 1, 1))
    batch = {
        "images": IMAGES,
        "labels": np.eye(4, dtype=np.float32)[LABELS],
        "segmentation_masks": np.tile(x + 3 * y, (COUNT, 1, 1)).astype(np.int32),
        "bounding_boxes": {"boxes": boxes, "labels": np.tile(np.int32([0, 1, -1]), (COUNT, 1))},
        "keypoints": np.tile(np.float32([[3, 9], [-1, -1], [30, 30]]), (COUNT, 1, 1)),
    }
    there, here = both(pipeline, batch)
    assert set(here) == set(batch)
    assert (here["labels"] == there["labels"]).all() and (here["labels"] != batch["labels"]).any()
    assert (here["segmentation_masks"] == there["segmentation_masks"]).mean() > 0.99
    assert (9 in here["segmentation_masks"]) == (border == "zero")
    np.testing.assert_allclose(here["bounding_boxes"]["boxes"], there["bounding_boxes"]["boxes"], atol=1e-3)
    assert (here["bounding_boxes"]["labels"] == there["bounding_boxes"]["labels"]).all()
    np.testing.assert_allclose(here["keypoints"], there["keypoints"], atol=1e-3)
    assert {leaf.dtype for leaf in (here["segmentation_masks"], here["bounding_boxes"]["labels"])} == {
        np.dtype("int32")
    }


FULL = a.Pipeline(a.RandomFlip("horizontal"), a.Rotate(20), a.Contrast(0.3), a.GaussianNoise(5, p=0.5), border="edge")


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_outside_training_it_does_nothing_but_cast(dtype, policy):
    layer = Augment(FULL, dtype=policy)
    images = IMAGES.astype(dtype)
    for calm in (layer(images), layer(images, training=False)):
        assert keras.backend.standardize_dtype(calm.dtype) == layer.compute_dtype
        assert (ops.convert_to_numpy(ops.cast(calm, "float32")) == IMAGES.astype(layer.compute_dtype)).all()
    changed = layer(images, training=True)
    assert changed.dtype == calm.dtype and apart(ops.convert_to_numpy(ops.cast(changed, "float32")), IMAGES) > 5


def test_draws_are_new_at_each_call_and_follow_the_seed():
    layer, twin, other = Augment(FULL, seed=1), Augment(FULL, seed=1), Augment(FULL, seed=2)
    first, second = (ops.convert_to_numpy(layer(IMAGES, training=True)) for _ in range(2))
    assert apart(first, second) > 5 and apart(first, ops.convert_to_numpy(other(IMAGES, training=True))) > 5
    assert (first == ops.convert_to_numpy(twin(IMAGES, training=True))).all()


def test_boxes_keep_their_precision_and_come_back_in_the_dict():
    boxes = np.tile(np.float32([[1.001, 2.002, 20.003, 30.004]]), (COUNT, 1, 1))
    batch = {"images": IMAGES, "bounding_boxes": {"boxes": boxes, "labels": np.zeros((COUNT, 1), np.int32)}}
    layer = Augment(a.Pipeline(a.Offset((10, 10))), dtype="mixed_bfloat16")
    changed = layer(batch, training=True)
    assert (ops.convert_to_numpy(changed["bounding_boxes"]["boxes"]) == boxes).all()
    assert keras.backend.standardize_dtype(changed["images"].dtype) == "bfloat16"


def test_partners_are_the_next_images_of_the_batch():
    labels = np.arange(COUNT, dtype=np.int32)
    layer = Augment(a.Pipeline(a.MixUp(alpha=1.0)), seed=0, class_names=[f"class {i}" for i in labels])
    changed = layer({"images": IMAGES.astype(np.float32), "labels": labels}, training=True)
    shares = ops.convert_to_numpy(changed["labels"])
    own, partner = shares[labels, labels], shares[labels, (labels + 1) % COUNT]
    np.testing.assert_allclose(own + partner, 1, atol=1e-5)
    assert own.min() < 0.4 < 0.6 < own.max()
    share = own[:, None, None, None]
    mixed = share * IMAGES + (1 - share) * np.roll(IMAGES, -1, axis=0).astype(np.float32)
    np.testing.assert_allclose(ops.convert_to_numpy(changed["images"]), mixed, atol=0.01)


def model():
    inputs = keras.Input((*SIZE, 3), dtype="uint8")
    x = Augment(FULL, seed=4, name="augment")(inputs)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(x))
    return keras.Model(inputs, keras.layers.Dense(4, "softmax")(x))


def test_a_model_trains_with_it_in_batches_of_any_size():
    network = model()
    network.compile("sgd", "sparse_categorical_crossentropy")
    history = network.fit(IMAGES, LABELS, batch_size=8, epochs=2, verbose=0).history["loss"]  # 8, then 4
    assert np.isfinite(history).all()
    calm = network.predict(IMAGES[:3], verbose=0)
    np.testing.assert_allclose(calm, network.predict(IMAGES, verbose=0)[:3], atol=1e-6)


def test_config_and_file_bring_it_back(tmp_path):
    layer = Augment(FULL, seed=3, class_names=["a", "b"], name="mine")
    twin = Augment.from_config(json.loads(json.dumps(layer.get_config())))
    assert (twin.pipeline, twin.seed, twin.class_names, twin.name) == (FULL, 3, ["a", "b"], "mine")
    assert twin.get_config() == layer.get_config()
    network = model()
    network.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.get_layer("augment").pipeline == FULL
    one, other = (ops.convert_to_numpy(each(IMAGES, training=True)) for each in (network, loaded))
    np.testing.assert_allclose(one, other, atol=1e-5)


@on_tensorflow
def test_in_a_tf_data_pipeline():
    import tensorflow as tf

    layer = Augment(a.Pipeline(FULL, a.JPEG(p=0.5), a.CutMix(classes=4, p=0.5)), seed=0)
    dataset = tf.data.Dataset.from_tensor_slices({"images": IMAGES, "labels": LABELS}).batch(8)
    batches = [*dataset.map(lambda batch: layer(batch, training=True)).as_numpy_iterator()]
    assert [batch["images"].shape for batch in batches] == [(8, *SIZE, 3), (4, *SIZE, 3)]
    assert apart(np.concatenate([batch["images"] for batch in batches]), IMAGES) > 5
    np.testing.assert_allclose(np.concatenate([batch["labels"] for batch in batches]).sum(axis=1), 1, atol=1e-5)


@pytest.mark.slow
@on_tensorflow
def test_every_transform_takes_batches_of_unknown_size():
    import tensorflow as tf

    every = [transform for transform, _ in TRANSFORMS + NOISE if not hasattr(transform, "expanded")]
    single = [transform for transform in every if not hasattr(transform, "mix")]
    for transform in (a.Pipeline(*single), *(set(every) - set(single))):
        pipeline = a.Pipeline(transform)

        def change(images, labels, u, pipeline=pipeline):
            return augmented(pipeline, {"images": images, "labels": labels}, u, 0)["images"]

        signature = [tf.TensorSpec((None, *SIZE, 3), tf.uint8), tf.TensorSpec((None,), tf.int32)]
        traced = tf.function(change, input_signature=[*signature, tf.TensorSpec((None, pipeline.plan.draws))])
        traced.get_concrete_function()


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: Augment(a.Rotate(3)), TypeError, "`pipeline` must be a Pipeline"),
        (lambda: Augment(FULL)(np.zeros((2, 8, 8))), ValueError, "`inputs` must have a known height"),
        (lambda: Augment(FULL)(keras.Input((None, 8, 3))), ValueError, "`inputs` must have a known height"),
        (lambda: Augment(a.Pipeline(a.Hue()))(np.zeros((2, 8, 8, 1))), ValueError, "needs three channels"),
        (lambda: Augment(a.Pipeline(a.RandomCrop(4)))(np.zeros((2, 8, 8, 1))), ValueError, "keep the size"),
    ],
)
def test_what_does_not_fit_is_named(make, error, text):
    with pytest.raises(error, match=text):
        make()
