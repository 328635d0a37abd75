import keras
import numpy as np
import pytest

from kerascnn.models import build
from kerascnn.models.inputs import image_input, least_side

pytestmark = pytest.mark.backend


def test_pixels_are_rescaled_to_plus_minus_one():
    inputs, outputs = image_input((1, 3, 1))
    model = keras.Model(inputs, outputs)
    pixels = np.array([0, 127.5, 255], "float32").reshape(1, 1, 3, 1)
    np.testing.assert_allclose(np.ravel(model(pixels)), [-1, 0, 1], atol=1e-6)


@pytest.mark.parametrize("image_shape", [(28, 28), (28, 28, 0), (28.0, 28, 1), 28, (2, 28, 28, 1), (None, None, 3)])
def test_a_wrong_image_shape_is_named(image_shape):
    with pytest.raises(ValueError, match=r"`image_shape` must be 2 sizes in pixels.*Pass \(height, width, channels\)"):
        image_input(image_shape)


def test_the_least_side_by_hand():
    assert least_side([]) == 1
    assert least_side([(3, 2)]) == 3
    assert least_side([(3, 2), (3, 2)]) == 7
    assert least_side([(1, 4), (2, 2)]) == 5  # ceil(5 / 4) = 2, and ceil(4 / 4) = 1 is too few


@pytest.mark.parametrize(("name", "least"), [("lenet5", 12), ("mnist_cnn", 20), ("alexnet", 15), ("zfnet", 9)])
def test_too_small_images_are_refused_and_the_least_ones_work(name, least):
    with keras.StatelessScope(initialize_variables=False):
        assert build(name, (least, least, 1), 10).output_shape == (None, 10)
    keras.utils.clear_session()
    rule = rf"`image_shape` must have sides of at least {least} pixels.*Pass image_size=32\."
    with pytest.raises(ValueError, match=rule):
        build(name, (64, least - 1, 1), 10)
