import keras
import numpy as np
import pytest
from keras import layers, ops

from kerascnn import models
from kerascnn.inspect import feature_maps, filters

IMAGES = np.random.default_rng(0).integers(0, 256, (35, 8, 8, 3)).astype("uint8")


def nested():
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Rescaling(1 / 255, name="rescale")(image)
    inner = [keras.Input((8, 8, 3)), layers.Conv2D(4, 3, padding="same", name="conv"), layers.Conv2D(5, 3, name="last")]
    x = keras.Sequential(inner, name="backbone")(x)
    x = layers.MaxPooling2D(2, name="down")(layers.ZeroPadding2D(1, name="pad")(x))
    x = layers.Conv2D(6, 3, padding="same", strides=2, name="small")(x)
    return keras.Model(image, layers.Dense(2)(layers.GlobalAveragePooling2D(name="pool")(x)))


def test_the_last_map_of_each_stride_from_the_first_convolution_on():
    # sizes 8, 6, 8 of padding alone, 4, 2: only padded for the next layer, a map shows nothing new
    shapes = {name: found.shape for name, found in feature_maps(nested(), IMAGES).items()}
    assert shapes == {"backbone/last": (35, 6, 6, 5), "down": (35, 4, 4, 5), "small": (35, 2, 2, 6)}


def test_maps_are_float32_in_half_precision_too():
    keras.config.set_dtype_policy("mixed_bfloat16")
    maps = feature_maps(nested(), IMAGES[:2])
    assert all(found.dtype == np.float32 for found in maps.values())


@pytest.mark.backend
def test_chosen_layers_by_name_and_by_path_in_the_order_asked_for():
    model = nested()
    maps = feature_maps(model, IMAGES, ["down", "conv", "backbone/last"])
    assert list(maps) == ["down", "conv", "backbone/last"]
    backbone = model.get_layer("backbone")
    convolved = backbone.get_layer("conv")(ops.cast(IMAGES, "float32") / 255)
    np.testing.assert_allclose(maps["conv"], convolved, atol=1e-5)
    np.testing.assert_allclose(maps["backbone/last"], backbone.get_layer("last")(convolved), atol=1e-5)


def test_the_strides_of_resnet20():
    maps = feature_maps(models.resnet20((32, 32, 3), 4), np.zeros((1, 32, 32, 3)))
    assert [found.shape[1:] for found in maps.values()] == [(32, 32, 16), (16, 16, 32), (8, 8, 64)]


def test_unknown_and_flat_layers():
    for name in ("cnov", "pool"):
        with pytest.raises(ValueError, match="`layers` must name a layer that gives a map"):
            feature_maps(nested(), IMAGES, [name])


@pytest.mark.backend
def test_filters_have_grey_for_zero_and_their_own_contrast():
    model = nested()
    kernel = np.zeros((3, 3, 3, 4), "float32")
    kernel[0, 0, 0, 0], kernel[1, 1, 2, 0], kernel[2, 2, 1, 1] = 2, -1, -0.01
    model.get_layer("backbone").get_layer("conv").kernel.assign(kernel)
    pictures = filters(model)
    assert pictures.shape == (4, 3, 3, 3)
    assert pictures[0, 0, 0, 0] == 1 and pictures[0, 1, 1, 2] == 0.25 and pictures[1, 2, 2, 1] == 0
    assert (pictures[2:] == 0.5).all() and np.sum(pictures != 0.5) == 3


@pytest.mark.backend
def test_filters_of_a_later_layer_are_means_over_channels():
    model = nested()
    later = filters(model, "small")
    kernel = ops.convert_to_numpy(model.get_layer("small").kernel).mean(axis=2)
    assert later.shape == (6, 3, 3, 1)
    np.testing.assert_allclose(later[1, ..., 0], 0.5 + kernel[..., 1] / np.abs(kernel[..., 1]).max() / 2, atol=1e-6)


def test_filters_without_a_convolution_or_of_another_name():
    with pytest.raises(ValueError, match="`model` must have a two-dimensional convolution"):
        filters(keras.Sequential([keras.Input((4,)), layers.Dense(2)]))
    with pytest.raises(ValueError, match="`layer` must name a convolution. Received: layer='down'"):
        filters(nested(), "down")


def test_a_nested_model_of_two_inputs():
    image = keras.Input((8, 8, 3), name="image")
    sides = [keras.Input((8, 8, 3), name=name) for name in ("left", "right")]
    joined = keras.Model(sides, layers.Concatenate(name="both")(sides), name="joined")
    doubled = layers.Rescaling(2, name="double")(image)
    model = keras.Model(image, layers.Conv2D(2, 3, name="conv")(joined([image, doubled])))
    (found,) = feature_maps(model, IMAGES, ["both"]).values()
    np.testing.assert_array_equal(found, np.concatenate([IMAGES, 2.0 * IMAGES], axis=-1))
