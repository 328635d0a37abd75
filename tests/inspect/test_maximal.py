import keras
import numpy as np
import pytest
from keras import layers, ops

import kerascnn
from kerascnn import inspect


def by_colour(**options):
    """Channels that look for red without green, and for green without red, two models deep."""
    image = keras.Input((16, 16, 3), name="image")
    inner = keras.Sequential([keras.Input((16, 16, 3)), layers.Conv2D(2, 1, name="colours", **options)], name="inner")
    inner.layers[0].kernel.assign(np.array([[1, -1, 0], [-1, 1, 0]], "float32").T[None, None])
    x = layers.GlobalAveragePooling2D(name="pool")(inner(image))
    return keras.Model(image, layers.Softmax(name="probabilities")(x))


@pytest.mark.backend
def test_a_channel_of_colours_gives_its_colour():
    red, green = inspect.maximal_input(by_colour(), "colours", [0, 1], steps=60)
    assert red.shape == (16, 16, 3) and red.dtype == np.float32
    for image, wanted, hated in ((red, 0, 1), (green, 1, 0)):
        assert image[..., wanted].mean() - image[..., hated].mean() > 50
        assert 150 < image[..., wanted].max() <= 255 and image.min() >= 0


@pytest.mark.backend
def test_a_class_is_looked_for_by_its_logit():
    weights = np.ones((12, 12, 1, 2), "float32")
    weights[:, 6:], weights[..., 1] = -1, 0
    dense = layers.Dense(2, "softmax", name="probabilities")
    model = keras.Sequential([keras.Input((12, 12, 1)), layers.Flatten(name="flatten"), dense])
    dense.kernel.assign(100 * weights.reshape(-1, 2))  # of a probability there would be no gradient
    image = inspect.maximal_input(model, "probabilities", 0, jitter=0, steps=60)[0, ..., 0]
    assert image[:, 1:5].mean() > 180 and image[:, 7:11].mean() < 75


def test_an_image_depends_on_the_seed_and_on_no_other_channel():
    model = by_colour(activation="relu")
    both = inspect.maximal_input(model, "inner/colours", [0, 1], steps=5)
    np.testing.assert_allclose(inspect.maximal_input(model, "colours", 1, steps=5)[0], both[1], atol=1e-3)
    other = inspect.maximal_input(model, "colours", 1, steps=5, seed=1)[0]
    assert np.abs(other - both[1]).max() > 0.1


def test_a_model_of_any_size_is_given_one_and_a_channel_that_nothing_excites_stays_grey():
    image = keras.Input((None, None, 1))
    model = keras.Model(image, layers.Conv2D(1, 3, name="conv", kernel_initializer="zeros")(image))
    found = inspect.maximal_input(model, "conv", 0, image_shape=(9, 12, 1), steps=3)
    assert found.shape == (1, 9, 12, 1)
    np.testing.assert_allclose(found, 127.5, atol=20)
    with pytest.raises(ValueError, match=r"`image_shape` must be \(height, width, channels\).*any size"):
        inspect.maximal_input(model, "conv", 0)


@pytest.mark.slow
def test_the_digits_model_takes_its_own_images_for_their_classes():
    model = kerascnn.load("digits-resnet20").model
    images = inspect.maximal_input(model, "probabilities", [0, 1, 2, 3], steps=64)
    probabilities = model.predict(images, verbose=0)
    assert probabilities.argmax(axis=1).tolist() == [0, 1, 2, 3] and probabilities.max(axis=1).min() > 0.9


def test_errors_say_what_to_do():
    model = by_colour()
    with pytest.raises(ValueError, match=r"`layer` must name a layer. Received: layer='colour'. Did you mean"):
        inspect.maximal_input(model, "colour", 0)
    with pytest.raises(ValueError, match="`channel` must be in 0..1. Received: channel=2"):
        inspect.maximal_input(model, "colours", 2)
    with pytest.raises(ValueError, match="`channel` must be one index or several"):
        inspect.maximal_input(model, "colours", 0.5)
    with pytest.raises(ValueError, match="`steps` must be an integer of at least 1"):
        inspect.maximal_input(model, "colours", 0, steps=0)
    whole = keras.Input((16, 16, 3), dtype="uint8")
    with pytest.raises(ValueError, match="`model` must take images of float32"):
        inspect.maximal_input(keras.Model(whole, model(ops.cast(whole, "float32"))), "colours", 0)
