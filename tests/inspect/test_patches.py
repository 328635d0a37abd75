import keras
import numpy as np
import pytest
from keras import layers

from kerascnn import inspect

IMAGES = np.random.default_rng(0).integers(0, 100, (5, 12, 14, 1)).astype("uint8")


def summed(size, **options):
    """Channel 0 has the sums of squares of `size` pixels, channel 1 the same below zero; two models deep."""
    convolution = layers.Conv2D(2, size, name="conv", use_bias=False, **options)
    inner = keras.Sequential([keras.Input((12, 14, 1)), convolution], name="inner")
    ones = np.ones((size, size, 1), "float32")
    convolution.kernel.assign(np.stack([ones, -ones], axis=-1))
    image = keras.Input((12, 14, 1))
    return keras.Model(image, layers.Dense(2, name="scores")(layers.Flatten(name="flatten")(inner(image))))


@pytest.mark.backend
def test_the_brightest_and_the_darkest_parts():
    images = np.full_like(IMAGES, 100)
    images[0, 3:6, 7:10], images[1, 3:6, 8:11], images[2, 9:12, 0:3] = 250, 200, 0
    bright, dark = inspect.top_patches(summed(3), images, "conv", [0, 1], count=2)
    assert bright.shape == (2, 3, 3, 1) and bright.dtype == np.uint8
    assert np.unique(bright[0]) == [250] and np.unique(bright[1]) == [200] and np.unique(dark[0]) == [0]


@pytest.mark.parametrize("options", [{"strides": 2}, {"padding": "same"}, {"strides": 3, "padding": "same"}])
def test_each_part_is_what_the_place_sees(options):
    found = inspect.top_patches(summed(4, **options), IMAGES, "inner/conv", 0, count=5)[0]
    maps = inspect.feature_maps(summed(4, **options), IMAGES, ["conv"])["conv"][..., 0]
    sums = found.sum(axis=(1, 2, 3), dtype=int)
    highest = np.sort(maps.max(axis=(1, 2)))[::-1]
    if options.get("padding") != "same":
        np.testing.assert_allclose(sums, highest)
    assert found.shape == (5, 4, 4, 1) and (sums >= highest).all()  # moved inside, they hold all that was seen


def test_a_unit_that_sees_the_whole_image_shows_it():
    found = inspect.top_patches(summed(3), IMAGES, "scores", 1, count=3)
    scores = summed(3).predict(IMAGES, verbose=0)
    assert found.shape == (1, 3, 12, 14, 1) and scores.shape == (5, 2)
    assert all(any(np.array_equal(part, image) for image in IMAGES) for part in found[0])


def test_errors_say_what_to_do():
    with pytest.raises(ValueError, match="`count` must be at most 5, the number of images. Received: count=6"):
        inspect.top_patches(summed(3), IMAGES, "conv", 0, count=6)
    with pytest.raises(ValueError, match="`layer` must name a layer.*Did you mean"):
        inspect.top_patches(summed(3), IMAGES, "score", 0, count=1)
    with pytest.raises(ValueError, match="`channel` must be in 0..1. Received: channel=-1"):
        inspect.top_patches(summed(3), IMAGES, "conv", -1, count=1)
