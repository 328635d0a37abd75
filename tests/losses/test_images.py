"""Losses of images against numbers worked out by hand, and against the metrics of the same names."""

import keras
import numpy as np
import pytest
from keras import ops

from kerascnn import losses, metrics
from kerascnn.losses import SSIM, ImageMAE, ImageMSE, Perceptual, PixelCrossentropy, luminance
from kerascnn.losses.named import IMAGE_LOSSES

pytestmark = pytest.mark.backend
RNG = np.random.default_rng(0)
TRUE = RNG.integers(0, 256, (3, 14, 13, 3)).astype("float32")
PRED = np.clip(TRUE + RNG.normal(0, 30, TRUE.shape), 0, 255).astype("float32")


def test_squares_and_magnitudes_are_of_values_in_units_of_white():
    difference = (PRED.astype("float64") - TRUE) / 255
    assert float(ImageMSE()(TRUE, PRED)) == pytest.approx(np.mean(difference**2), rel=1e-5)
    assert float(ImageMAE()(TRUE, PRED)) == pytest.approx(np.mean(np.abs(difference)), rel=1e-5)
    assert float(ImageMSE(peak=1.0)(TRUE, PRED)) == pytest.approx(np.mean(difference**2) * 255**2, rel=1e-5)
    uint8 = ops.convert_to_tensor(TRUE.astype("uint8"))
    assert float(ImageMSE()(uint8, PRED)) == pytest.approx(np.mean(difference**2), rel=1e-5)


def test_each_image_has_its_own_loss_and_weight():
    each = ImageMSE(reduction=None)(TRUE, PRED)
    np.testing.assert_allclose(each, np.mean((PRED - TRUE) ** 2, axis=(1, 2, 3)) / 255**2, 1e-5)
    only = ImageMSE()(TRUE, PRED, sample_weight=np.array([3.0, 0, 0]))
    assert float(only) == pytest.approx(float(each[0]), rel=1e-5)


def test_of_the_luminance_a_change_of_colour_alone_costs_nothing():
    grey = np.full((1, 4, 4, 3), 100.0, "float32")
    weights = np.array([0.299, 0.587, 0.114])
    change = np.array([30.0, -30 * weights[0] / weights[1], 0])  # as bright as before
    assert float(IMAGE_LOSSES["grey_mse"]()(grey, grey + change)) == pytest.approx(0, abs=1e-10)
    assert float(ImageMSE()(grey, grey + change)) > 1e-3
    assert float(ImageMSE(view=luminance)(grey, grey + 25.5)) == pytest.approx(0.01, rel=1e-4)
    one_channel = grey[..., :1]
    np.testing.assert_array_equal(luminance(ops.convert_to_tensor(one_channel)), one_channel)


def test_crossentropy_of_values_is_least_where_both_are_equal():
    half = np.full((1, 2, 2, 1), 127.5, "float32")
    loss = PixelCrossentropy()
    assert float(loss(half, half)) == pytest.approx(np.log(2), rel=1e-5)
    true = np.full((1, 2, 2, 1), 51.0, "float32")  # 0.2
    expected = -(0.2 * np.log(0.6) + 0.8 * np.log(0.4))
    assert float(loss(true, true * 3)) == pytest.approx(expected, rel=1e-5)
    assert float(loss(true, true)) < min(float(loss(true, true + 1)), float(loss(true, true - 1)))
    assert np.isfinite(float(loss(true, 0 * true)))


def test_ssim_is_one_minus_that_of_the_metric():
    each = SSIM(reduction=None)(TRUE, PRED)
    np.testing.assert_allclose(each, 1 - metrics.ssim(PRED, TRUE), atol=1e-5)
    assert float(SSIM()(TRUE, TRUE)) == pytest.approx(0, abs=1e-6)
    with pytest.raises(ValueError, match="`images` must be .* with sides of at least 11.*'mse'"):
        SSIM()(TRUE[:, :10], PRED[:, :10])


def test_every_name_and_sums_of_names():
    for name, make in IMAGE_LOSSES.items():
        assert float(losses.images(name)(TRUE, PRED)) == pytest.approx(float(make()(TRUE, PRED)))
    both = float(losses.images("mse + 0.1 * ssim")(TRUE, PRED))
    assert both == pytest.approx(float(ImageMSE()(TRUE, PRED)) + 0.1 * float(SSIM()(TRUE, PRED)), rel=1e-5)
    own = lambda true, pred: ops.mean(true - pred)  # noqa: E731
    assert losses.images(own) is own
    assert losses.images("perceptual", ImageMAE).name == "image_mae"
    with pytest.raises(ValueError, match="`loss` must be one of 'crossentropy'.*Did you mean 'mse'"):
        losses.images("mes")
    with pytest.raises(ValueError, match="`loss` must be one of"):
        losses.images("perceptual")


def network():
    image = keras.Input((14, 13, 3))
    first = keras.layers.Conv2D(4, 3, strides=2, name="first")(image)
    return keras.Model(image, [first, keras.layers.Conv2D(5, 3, strides=2, name="second")(first)])


def test_perceptual_is_the_squared_distance_of_directions():
    maps = network()
    expected = []
    for one, other in zip(maps(TRUE), maps(PRED), strict=True):
        one, other = (np.asarray(x) / np.linalg.norm(np.asarray(x), axis=-1, keepdims=True) for x in (one, other))
        expected.append(np.sum((one - other) ** 2, axis=-1).mean(axis=(1, 2)))
    each = Perceptual(maps, reduction=None)(TRUE, PRED)
    np.testing.assert_allclose(each, np.mean(expected, axis=0), 1e-4)
    assert float(Perceptual(maps)(TRUE, TRUE)) == 0


def test_perceptual_has_no_weights_that_train_and_leads_them():
    image = keras.Input((14, 13, 3))
    model = keras.Model(image, keras.layers.Conv2D(3, 1, name="own")(image))
    maps = network()
    before = maps.get_weights()
    model.compile(keras.optimizers.SGD(0.1), Perceptual(maps))
    own = model.get_layer("own").kernel.numpy().copy() if hasattr(model.get_layer("own").kernel, "numpy") else None
    loss = model.train_on_batch(TRUE, TRUE)
    assert len(model.trainable_weights) == 2 and loss > 0
    assert own is None or not np.array_equal(own, model.get_layer("own").kernel.numpy())
    for one, two in zip(before, maps.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("make", [*IMAGE_LOSSES.values(), lambda: Perceptual(network())])
def test_a_saved_model_has_its_loss(make, tmp_path):
    image = keras.Input((14, 13, 3))
    model = keras.Model(image, keras.layers.Conv2D(3, 1, name="own")(image))
    model.compile("sgd", make())
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert type(again.loss) is type(model.loss) and again.loss.name == model.loss.name
    assert getattr(again.loss, "view", None) is getattr(model.loss, "view", None)


def test_what_is_wrong_is_said():
    with pytest.raises(TypeError, match="`network` must be a keras.Model that gives maps"):
        Perceptual("vgg19")
    with pytest.raises(ValueError, match="`view` must be a function"):
        ImageMSE(view="grey")
    with pytest.raises(ValueError, match="`peak` must be in"):
        ImageMSE(peak=0)
