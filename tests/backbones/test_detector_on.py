"""Detection networks and localizers over backbones: sizes, names, shared weights, freezing; that they learn."""

import keras
import numpy as np
import pytest

from kerascnn import models
from kerascnn.backbones import detector_on, encoder_stages, freeze, localizer_on, trunk, unfreeze
from kerascnn.backbones.detector import default_strides
from kerascnn.backbones.freezing import stages
from kerascnn.blocks import box_head
from kerascnn.layers import fuse
from kerascnn.losses import TaskAligned

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
ALL = (2, 4, 8, 16, 32)


def thin():
    return models.build("resnet20(filters=4, depths=(1, 1, 1))", (32, 32, 3), 10)


def tiny():
    """Strides 2 and 4, quick to train."""
    convolutions = [keras.layers.Conv2D(8, 3, 2, "same", activation="relu", name=f"low{n}") for n in (1, 2)]
    return keras.Sequential([keras.Input((None, None, 3)), *convolutions], name="tiny")


def images(*sizes, count=2):
    return np.random.default_rng(0).integers(0, 256, (count, *sizes, 3), "uint8")


@pytest.mark.usefixtures("no_memory")
@pytest.mark.parametrize("name", ["efficientnet_lite0", "resnet50_v2", "mobilenet_v3_small", "convnext_tiny"])
def test_every_family_that_pads_can_be_an_encoder(name):
    model = detector_on(name, (320, 320, 3), 4, weights=None, channels=8)
    assert model.name == f"detector_on_{name}" and model.output_shape == (None, None, 8)
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)
    assert [layer.stride for layer in model.layers if layer.name.startswith("head_boxes")] == [8, 16, 32]


@pytest.mark.usefixtures("no_memory")
def test_encoders_that_do_not_pad_are_refused():
    with pytest.raises(ValueError, match=r"`encoder` must have maps of 256 / stride .* encoder='inception_v3'"):
        detector_on("inception_v3", (320, 320, 3), 4, weights=None)


@pytest.mark.parametrize(
    ("shape", "cells", "expected"),
    [
        ((416, 640, 3), 6, (8, 16, 32)),
        ((None, None, 3), 6, (8, 16, 32)),
        ((190, 256, 3), 6, (4, 8, 16)),
        ((64, 64, 3), 6, (4, 8)),
        ((64, 64, 3), 4, (4, 8, 16)),
        ((16, 16, 1), 6, (4,)),
    ],
)
def test_strides_by_the_size_of_the_image(shape, cells, expected):
    assert default_strides(ALL, shape, cells=cells) == expected


def test_places_are_those_of_the_padded_image_and_weights_are_shared():
    encoder = thin()
    model = detector_on(encoder, (64, 64, 3), 2, strides=(2, 4), channels=4)
    assert model.get_layer("stem_conv").kernel is encoder.get_layer("stem_conv").kernel
    assert model(images(18, 33)).shape == (2, 10 * 18 + 5 * 9, 6)
    with pytest.raises(ValueError, match="`strides` must be one of .*strides=8.*strides of resnet20"):
        detector_on(encoder, (64, 64, 3), 2, strides=(4, 8))


def test_the_head_of_2016_looks_at_the_coarsest_map_that_has_the_grid():
    model = detector_on("mobilenet_v2", (128, 128, 3), 3, weights=None, head="yolo", grid=7, channels=8)
    assert model.output_shape == (None, 7, 7, 13)
    assert model.get_layer("head_resize").input.shape[1:3] == (8, 8)
    with pytest.raises(ValueError, match="`image_shape` must be known for head='yolo'"):
        detector_on("mobilenet_v2", (None, None, 3), 3, weights=None, head="yolo")


@pytest.mark.parametrize("head", ["anchor-free", "yolo"])
def test_the_stages_of_the_encoder_are_those_it_has_alone(head):
    encoder = thin()
    model = detector_on(encoder, (32, 32, 3), 2, head=head, channels=4)
    parts = encoder_stages(model)
    assert [set(names) - {"pad"} for names in parts] == [set(names) for names in stages(trunk(encoder))]
    others = {layer.name for layer in model.layers} - {name for names in parts for name in names}
    assert {name.partition("_")[0] for name in others} <= {"pyramid", "head"}
    freeze(model)
    unfreeze(model, others, norms="trained")
    trained = {weight.path.split("/")[0] for weight in model.trainable_weights}
    assert trained and trained <= others


@pytest.mark.slow
def test_it_learns_one_image_and_a_file_and_the_fused_norm_keep_it(tmp_path):
    model = detector_on(tiny(), (32, 32, 3), 2, channels=8, depth=1)
    truth = np.array([[[4, 4, 20, 16, 1], [0, 0, 0, 0, -1]]] * 2, "float32")
    model.compile(keras.optimizers.Adam(0.01), TaskAligned((32, 32), (4,)), jit_compile=False)
    losses = model.fit(images(32, 32), truth, epochs=30, verbose=0).history["loss"]
    assert losses[-1] < losses[0] / 3
    expected = np.asarray(model(images(40, 32)))
    np.testing.assert_allclose(fuse(model)(images(40, 32)), expected, 1e-3, 1e-3)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(images(40, 32)), expected, 1e-4, 1e-4)
    assert encoder_stages(loaded) == encoder_stages(model)


@pytest.mark.usefixtures("no_memory")
def test_mixed_precision_ends_in_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    for head in ("anchor-free", "yolo"):
        model = detector_on("efficientnet_lite0", (64, 64, 3), 2, weights=None, head=head, channels=8)
        assert model.output.dtype == "float32" and model.get_layer("pad").compute_dtype == "float32"
    assert {output.dtype for output in localizer_on(None, (64, 64, 3), 2).output.values()} == {"float32"}


@pytest.mark.parametrize("encoder", [None, "mobilenet_v2"])
def test_a_localizer_gives_a_class_and_a_box(encoder):
    model = localizer_on(encoder, (48, 64, 3), 3, weights=None, filters=4, channels=8)
    assert model.name == ("localizer_on_mobilenet_v2" if encoder else "small_localizer")
    answer = {key: np.asarray(value) for key, value in model(images(48, 64)).items()}
    np.testing.assert_allclose(answer["class"].sum(-1), 1, rtol=1e-5)
    left, top, right, bottom = answer["box"].T  # before training about four cells in the middle
    assert (left < right).all() and (top < bottom).all()
    np.testing.assert_allclose([left + right, top + bottom], [[64] * 2, [48] * 2], atol=10)
    if encoder:
        others = {layer.name for layer in model.layers} - {name for part in encoder_stages(model) for name in part}
        assert {name.partition("_")[0] for name in others} == {"pyramid", "class", "box"}


def test_a_box_follows_a_moved_object():
    """Learned on objects on the left alone, as by a dense layer on the map it could not be."""
    rng = np.random.default_rng(0)

    def scenes(count, least, most):
        x, y = rng.integers(least, most, count), rng.integers(0, 20, count)
        pixels = np.zeros((count, 32, 64, 3), "uint8")
        for image, left, top in zip(pixels, x, y, strict=True):
            image[top : top + 12, left : left + 10] = 220
        return pixels / 255, np.stack([x, y, x + 10, y + 12], -1).astype("float32")

    inputs = keras.Input((32, 64, 3))
    x = tiny()(inputs)
    model = keras.Model(inputs, box_head(x, stride=4, channels=16, depth=2, separable=False, name="box"))
    model.compile(keras.optimizers.Adam(0.01), "mae", jit_compile=False)
    model.fit(*scenes(256, 0, 20), epochs=15, verbose=0, batch_size=32)
    pixels, truth = scenes(32, 30, 54)
    assert np.abs(np.asarray(model(pixels)) - truth).mean() < 3  # they have moved by 32


def test_a_localizer_needs_a_size():
    with pytest.raises(ValueError, match="`image_shape` must be three known sizes"):
        localizer_on(None, (None, 64, 3), 2)
