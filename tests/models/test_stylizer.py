import keras
import numpy as np
import pytest

from kerascnn import models

pytestmark = pytest.mark.backend


def test_it_gives_images_of_the_same_size_in_the_range_of_pixels():
    model = models.stylizer((32, 32, 3), filters=4, blocks=1)
    images = np.random.default_rng(0).integers(0, 256, (2, 29, 34, 3), "uint8")
    painted = model.predict(images, verbose=0)
    assert painted.shape == images.shape and painted.dtype == np.float32
    assert painted.min() >= 0 and painted.max() <= 255


def test_its_parameters_are_counted():
    assert models.stylizer((None, None, 3)).count_params() == 1_677_635
    assert models.stylizer((None, None, 1), 1, filters=4, blocks=0).output_shape == (None, None, None, 1)


def test_an_image_is_painted_the_same_in_any_company():
    model = models.stylizer((None, None, 3), filters=4, blocks=1)
    images = np.random.default_rng(0).uniform(0, 255, (3, 16, 16, 3)).astype("float32")
    alone = model(images[:1], training=True)
    np.testing.assert_allclose(alone[0], model(images, training=True)[0], rtol=1e-3, atol=0.02)


def test_it_is_saved(tmp_path):
    model = models.stylizer((None, None, 3), filters=2, blocks=1)
    model.save(tmp_path / "model.keras")
    images = np.random.default_rng(0).uniform(0, 255, (1, 9, 10, 3)).astype("float32")
    back = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(back(images), model(images), rtol=1e-5)


@pytest.mark.parametrize("options", [{"filters": 0}, {"blocks": -1}])
def test_bad_numbers_are_refused(options):
    with pytest.raises(ValueError, match="must be an integer of at least"):
        models.stylizer((None, None, 3), **options)
