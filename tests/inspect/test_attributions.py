"""Saliency, integrated gradients and occlusion, against what can be worked out by hand."""

from functools import partial

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerascnn import inspect, models

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (3, 4, 5, 2)).astype("uint8")
WEIGHTS = RANDOM.normal(size=(4, 5, 2, 3)).astype("float32")
QUICK = [partial(inspect.integrated_gradients, steps=8), partial(inspect.occlusion, size=4)]
METHODS = [inspect.saliency, *QUICK]


def linear(weights=WEIGHTS, activation="softmax"):
    """One dense layer on all pixels; the probabilities of such weights on 0..255 are 0 and 1 exactly."""
    dense = layers.Dense(weights.shape[-1], activation, name="probabilities")
    model = keras.Sequential([keras.Input(weights.shape[:-1]), layers.Flatten(), dense])
    dense.kernel.assign(weights.reshape(-1, weights.shape[-1]))
    return model


def power(exponent):
    """The sum of the pixels' powers, as the one score of a class."""
    image = keras.Input((2, 2, 1))
    return keras.Model(image, ops.sum(image**exponent, axis=(1, 2)))


def convolutional():
    return keras.Sequential(
        [
            layers.Rescaling(1 / 255, name="rescale"),
            layers.Conv2D(8, 3, activation="relu", name="conv1"),
            layers.Conv2D(8, 3, activation="relu", name="conv2"),
            layers.GlobalAveragePooling2D(name="pool"),
        ],
        name="inner",
    )


def flat_and_nested():
    """The same network with its layers in one graph, and with them in a model within the model."""
    image = keras.Input((12, 12, 3), name="image")
    inner = convolutional()
    nested = keras.Model(image, layers.Dense(3, "softmax", name="probabilities")(inner(image)))
    x = image
    for layer in inner.layers:
        x = type(layer).from_config(layer.get_config())(x)
    flat = keras.Model(image, layers.Dense(3, "softmax", name="probabilities")(x))
    flat.set_weights(nested.get_weights())
    return flat, nested


def logits(model, images, classes):
    head = model.layers[-1]
    pooled = keras.Model(model.inputs[0], head.input)(ops.convert_to_tensor(images, "float32"))
    return (ops.convert_to_numpy(pooled) @ ops.convert_to_numpy(head.kernel))[range(len(images)), classes]


@pytest.mark.backend
def test_a_linear_model_shows_its_weights():
    for classes in (1, [2, 0, 1]):
        each = np.broadcast_to(classes, 3)
        own = np.moveaxis(WEIGHTS, -1, 0)[each]  # of each image's class
        np.testing.assert_allclose(inspect.saliency(linear(), IMAGES, classes), np.abs(own).max(axis=-1), rtol=1e-6)
        parts = np.sum(own * IMAGES, axis=-1)
        for steps in (1, 32):
            found = inspect.integrated_gradients(linear(), IMAGES, classes, steps=steps)
            np.testing.assert_allclose(found, parts, rtol=1e-4, atol=1e-3)
        found = inspect.occlusion(linear(), IMAGES, classes, size=1, fill=0)
        np.testing.assert_allclose(found, parts, rtol=1e-3, atol=1e-2)


@pytest.mark.backend
def test_none_is_the_answer_of_each_image():
    images = np.round(127.5 + 100 * np.sign(np.moveaxis(WEIGHTS, -1, 0)))  # what each class looks for
    for method in METHODS:
        np.testing.assert_array_equal(method(linear(), images), method(linear(), images, [0, 1, 2]))


def test_one_score_is_that_of_the_only_class():
    one = linear(WEIGHTS[..., :1], "sigmoid")
    np.testing.assert_allclose(inspect.saliency(one, IMAGES)[0], np.abs(WEIGHTS[..., 0]).max(axis=-1), rtol=1e-6)


@pytest.mark.backend
def test_saliency_is_the_gradient_at_the_image_and_smoothed_around_it():
    image = np.array([0, 2, 5, 10], "float32").reshape(1, 2, 2, 1)
    np.testing.assert_allclose(inspect.saliency(power(2), image)[0].ravel(), [0, 4, 10, 20])
    # over copies x + n with n of deviation 0.2 x 10 = 2, the mean of 3 x^2 is 3 (x^2 + 4), give or take its own noise
    smooth = inspect.saliency(power(3), image, smooth=256, noise=0.2)[0].ravel()
    np.testing.assert_allclose(smooth, 3 * (image.ravel() ** 2 + 4), rtol=0.2)
    assert not np.array_equal(smooth, inspect.saliency(power(3), image, smooth=256, noise=0.2, seed=1)[0].ravel())


def test_the_noise_of_an_image_does_not_depend_on_the_others():
    _, model = flat_and_nested()
    images = RANDOM.integers(0, 256, (2, 12, 12, 3))
    both = inspect.saliency(model, images, 0, smooth=3)
    np.testing.assert_allclose(inspect.saliency(model, images[:1], 0, smooth=3), both[:1], rtol=1e-4)
    np.testing.assert_array_equal(both, inspect.saliency(model, images, 0, smooth=3))


@pytest.mark.backend
@pytest.mark.parametrize(("exponent", "steps"), [(2, 1), (4, 2), (6, 3)])
def test_integrated_gradients_are_exact_for_polynomials(exponent, steps):
    image = np.array([0, 1, 2, 3], "float32").reshape(1, 2, 2, 1)
    found = inspect.integrated_gradients(power(exponent), image, steps=steps)[0].ravel()
    np.testing.assert_allclose(found, [0, 1, 2**exponent, 3**exponent], rtol=1e-5)
    baseline = np.array([0, 1, 1, 1], "float32").reshape(2, 2, 1)
    found = inspect.integrated_gradients(power(exponent), image, steps=steps, baseline=baseline)[0].ravel()
    np.testing.assert_allclose(found, [0, 0, 2**exponent - 1, 3**exponent - 1], rtol=1e-5)


@pytest.mark.backend
@pytest.mark.parametrize("baseline", [0, 128, [[[255, 0, 64]]]])
def test_integrated_gradients_sum_to_the_difference_of_the_logits(baseline):
    model, _ = flat_and_nested()
    images, classes = RANDOM.integers(0, 256, (4, 12, 12, 3)), [0, 1, 2, 1]
    parts = inspect.integrated_gradients(model, images, classes, baseline=baseline, steps=128)
    whole = logits(model, images, classes) - logits(model, np.broadcast_to(baseline, images.shape), classes)
    assert parts.shape == (4, 12, 12) and parts.min() < 0 < parts.max()
    np.testing.assert_allclose(parts.sum(axis=(1, 2)), whole, atol=0.01 * np.abs(whole).max())


def test_a_pixel_has_the_mean_over_the_squares_that_cover_it():
    weights = np.zeros((3, 3, 1, 1), "float32")
    weights[0, 0] = 1  # of the four squares of two pixels only the first covers this corner
    image, model = np.full((1, 3, 3, 1), 8), linear(weights, "sigmoid")
    found = inspect.occlusion(model, image, size=2, stride=1, fill=0)
    np.testing.assert_allclose(found[0], [[8, 4, 0], [4, 2, 0], [0, 0, 0]])
    np.testing.assert_allclose(inspect.occlusion(model, image, size=2, fill=5)[0, 0, 0], 3)


def test_the_last_square_lies_flush_with_the_border():
    weights = np.zeros((1, 5, 1, 1), "float32")
    weights[0, 4] = 1
    with pytest.raises(ValueError, match="`size` must be at most 1, the images' shorter side"):
        inspect.occlusion(linear(weights, "sigmoid"), np.full((1, 1, 5, 1), 6), size=2)
    wide = np.broadcast_to(weights, (2, 5, 1, 1)).copy()
    found = inspect.occlusion(linear(wide, "sigmoid"), np.full((1, 2, 5, 1), 6), size=2, stride=2, fill=0)[0]
    np.testing.assert_allclose(found, [[0, 0, 0, 6, 12]] * 2)  # squares from 0, 2 and 3; the last but one has two


def test_what_covers_is_by_default_of_the_image_s_mean_colour():
    flat = np.broadcast_to(np.array([30, 200], "uint8"), (1, 4, 5, 2))
    np.testing.assert_allclose(inspect.occlusion(linear(), flat, 0), np.zeros((1, 4, 5)), atol=1e-3)
    black = inspect.occlusion(linear(), flat, 0, size=1, fill=[30, 0])
    np.testing.assert_allclose(black[0], 200 * WEIGHTS[..., 1, 0], rtol=1e-3, atol=1e-2)


@pytest.mark.backend
@pytest.mark.parametrize("method", METHODS, ids=["saliency", "integrated_gradients", "occlusion"])
def test_a_nested_model_gives_what_the_flat_one_gives(method):
    flat, nested = flat_and_nested()
    images = RANDOM.integers(0, 256, (2, 12, 12, 3)).astype("uint8")
    for classes in (None, 1):
        expected = method(flat, images, classes)
        assert expected.shape == (2, 12, 12) and expected.dtype == np.float32 and np.abs(expected).max() > 0
        np.testing.assert_allclose(method(nested, images, classes), expected, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(method(models.averaged(nested, 2), images, classes), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("method", METHODS, ids=["saliency", "integrated_gradients", "occlusion"])
def test_half_precision_and_more_images_than_a_batch(method):
    keras.config.set_dtype_policy("mixed_bfloat16")
    model, _ = flat_and_nested()
    images = np.resize(RANDOM.integers(0, 256, (3, 12, 12, 3)), (34, 12, 12, 3))
    classes = np.arange(34) % 3
    found = method(model, images, classes)
    assert found.shape == (34, 12, 12) and found.dtype == np.float32
    last = method(model, images[32:], classes[32:])
    np.testing.assert_allclose(found[32:], last, atol=0.02 * np.abs(last).max())


@pytest.mark.backend
def test_errors_say_what_to_do():
    model = linear()
    for method in METHODS:
        with pytest.raises(ValueError, match=r"`images` must be \(n, height, width, channels\).*Pass image\[None\]"):
            method(model, IMAGES[0])
        with pytest.raises(ValueError, match="`classes` must be in 0..2. Received: classes=3"):
            method(model, IMAGES, 3)
        with pytest.raises(ValueError, match=r"`model` must give one score a class, \(batch, classes\)"):
            method(keras.Sequential([keras.Input((4, 5, 2)), layers.Conv2D(3, 1)]), IMAGES)
    whole = keras.Input((4, 5, 2), dtype="uint8")
    whole = keras.Model(whole, model(ops.cast(whole, "float32")))
    for method in METHODS[:2]:
        with pytest.raises(ValueError, match='`model` must take images of float32.*dtype="float32"'):
            method(whole, IMAGES)
    assert inspect.occlusion(whole, IMAGES).shape == (3, 4, 5)  # which needs no gradient
    with pytest.raises(ValueError, match="`smooth` must be an integer of at least 0"):
        inspect.saliency(model, IMAGES, smooth=-1)
    with pytest.raises(ValueError, match=r"`noise` must be in \[0, 1\]"):
        inspect.saliency(model, IMAGES, smooth=1, noise=25)
    with pytest.raises(ValueError, match="`steps` must be an integer of at least 1"):
        inspect.integrated_gradients(model, IMAGES, steps=0)
    with pytest.raises(ValueError, match=r"`baseline` must be a number or an array.*\(3, 4, 5, 2\).*\(7,\)"):
        inspect.integrated_gradients(model, IMAGES, baseline=np.zeros(7))
    with pytest.raises(ValueError, match="`stride` must be at most size=2, or pixels are left out"):
        inspect.occlusion(model, IMAGES, size=2, stride=3)
    with pytest.raises(ValueError, match="`fill` must be a number or 2 of them, one a channel"):
        inspect.occlusion(model, IMAGES, fill=[1, 2, 3])
