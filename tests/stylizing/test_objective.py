import keras
import numpy as np
import pytest
from keras import layers, ops

from kerascnn import inspect
from kerascnn.losses import gram_matrix, relative_error, total_variation
from kerascnn.stylizing import extractor, objective

pytestmark = pytest.mark.backend
RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(0, 255, (3, 8, 10, 3)).astype("float32")


@pytest.fixture
def seen():
    image = keras.Input((None, None, 3))
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="conv1")(layers.Rescaling(1 / 255)(image))
    x = layers.Conv2D(5, 3, 2, padding="same", activation="relu", name="conv2")(x)
    return extractor(keras.Model(image, x), ["conv2"], ["conv1", "conv2"])


def parts(goal, image, content):
    return ops.convert_to_numpy(goal.parts(image[None], goal.content(content[None])))[0]


def test_an_image_is_its_own_content_and_style(seen):
    goal = objective(seen, 1, [IMAGES[0]], [1], (1, 1, 0))
    np.testing.assert_allclose(parts(goal, IMAGES[0], IMAGES[0]), [0, 0, 0], atol=1e-6)
    content, style, _ = parts(goal, IMAGES[1], IMAGES[0])
    assert content > 0.01 and style > 1e-4


def test_the_parts_are_weighted_means_over_the_layers(seen):
    image, content, style = IMAGES
    goal = objective(seen, 1, [style], [3], (2, 5, 7))
    maps, of_content, of_style = (seen(each[None]) for each in (image, content, style))
    pairs = zip(maps[1:], of_style[1:], strict=True)
    grams = [float(relative_error(gram_matrix(one), gram_matrix(other))[0]) for one, other in pairs]
    expected = 2 * float(relative_error(maps[0], of_content[0])[0]), 5 * np.mean(grams)
    expected = *expected, 7 * float(total_variation(image[None])[0])
    np.testing.assert_allclose(parts(goal, image, content), expected, rtol=1e-5)


def test_nearness_to_the_mean_of_styles_is_nearness_to_each_in_its_share(seen):
    """The gradients of both are the same, but for the sum of squares that each is divided by."""
    shares = (0.7, 0.3)
    blended = objective(seen, 1, IMAGES[1:], [7, 3], (0, 1, 0))
    single = [objective(seen, 1, [each], [1], (0, 1, 0)) for each in IMAGES[1:]]

    def near(goal, divisors):
        def distance(images):
            grams = [gram_matrix(each) for each in seen(images)[1:]]
            errors = zip(grams, goal.grams, divisors, strict=True)
            return sum(relative_error(gram, wanted)[0] * ops.sum(wanted**2) / by for gram, wanted, by in errors)

        return ops.convert_to_numpy(inspect.gradient(distance, ops.convert_to_tensor(IMAGES[:1])))

    divisors = [ops.sum(gram**2) for gram in blended.grams]
    apart = sum(share * near(goal, divisors) for share, goal in zip(shares, single, strict=True))
    np.testing.assert_allclose(near(blended, divisors), apart, rtol=1e-3, atol=1e-3 * np.abs(apart).max())


def test_styles_of_other_sizes_will_do(seen):
    goal = objective(seen, 1, [IMAGES[0], np.zeros((20, 12, 3), "uint8")], [1, 1], (1, 1, 1))
    assert [tuple(gram.shape) for gram in goal.grams] == [(1, 4, 4), (1, 5, 5)]


def test_the_loss_of_a_network_is_the_sum_for_each_image(seen):
    goal = objective(seen, 1, [IMAGES[2]], [1], (1, 10, 1))
    losses = ops.convert_to_numpy(goal.loss(IMAGES[:2], IMAGES[1:]))
    assert losses.shape == (2,)
    np.testing.assert_allclose(losses[0], parts(goal, IMAGES[1], IMAGES[0]).sum(), rtol=1e-5)
