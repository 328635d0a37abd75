import keras
import numpy as np
import pytest

from kerascnn.models import fastnet, lenet5, whitened
from kerascnn.models.starts import FLOOR


def images_17():
    """Images whose pixels depend on their neighbours and colours."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(64, 17, 17, 1)).cumsum(axis=1).cumsum(axis=2) * 4 + rng.normal(size=(64, 17, 17, 3)) * 20
    return np.clip(128 + noise, 0, 255).astype("uint8")


def responses(model, images):
    """What the whitening layer gives before its activation, one row a patch."""
    layer = model.get_layer("whitening_conv")
    values = keras.Model(model.input, layer.output)(images).numpy()
    return values.reshape(-1, values.shape[-1])


def test_the_first_layer_gives_unit_variance_without_correlation():
    images = images_17()
    model = whitened(fastnet((17, 17, 3), 10), images)
    values = responses(model, images)
    half = values.shape[1] // 2
    np.testing.assert_allclose(values[:, half:], -values[:, :half], atol=1e-5)
    covariance = np.cov(values[:, :half], rowvar=False)
    np.testing.assert_allclose(covariance - np.diag(np.diag(covariance)), 0, atol=0.02)
    assert np.all(np.diag(covariance) < 1.02)
    assert np.diag(covariance)[0] > 0.95  # the largest component stands well above the floor
    assert FLOOR > 0


def test_it_is_not_trained_any_further():
    model = whitened(fastnet((17, 17, 3), 10), images_17)
    before = model.get_layer("whitening_conv").kernel.numpy()
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    model.fit(images_17(), np.zeros(64), verbose=0)
    np.testing.assert_array_equal(model.get_layer("whitening_conv").kernel.numpy(), before)
    assert len(model.trainable_weights) == len(model.weights) - 2 * 6 - 1  # statistics of six norms, and the kernel


def test_other_models_come_back_and_no_image_is_read():
    def read():
        raise AssertionError

    model = lenet5((28, 28, 1), 10)
    assert whitened(model, read) is model
    with pytest.raises(AssertionError):
        whitened(fastnet((17, 17, 3), 10), read)


def test_convolutions_begin_as_the_identity():
    model = fastnet((17, 17, 3), 10, filters=(32, 48))
    x = np.random.default_rng(0).normal(size=(2, 9, 9, 32)).astype("float32")
    np.testing.assert_allclose(model.get_layer("stage1_conv2_conv")(x), x, atol=1e-6)
    np.testing.assert_allclose(model.get_layer("stage2_widen_conv")(x)[..., :32], x, atol=1e-6)
