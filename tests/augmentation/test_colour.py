import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from kerascnn.augmentation import host
from kerascnn.augmentation.colour import (
    Brightness,
    ChannelShuffle,
    Contrast,
    Grey,
    Hue,
    Invert,
    Offset,
    Saturation,
)
from kerascnn.augmentation.tones import Gamma, Posterize, Solarize

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (4, 16, 16, 3)).astype(np.uint8)
FLOATS = IMAGES.astype(np.float32)
ENDS = np.array([0.0, 0.5, 1.0, 0.25])
CHANGES = [
    Brightness(0.5),
    Offset(40),
    Contrast(0.5),
    Saturation(0.5),
    Hue(0.1),
    Grey(),
    ChannelShuffle(),
    Invert(),
    Gamma(0.5),
    Posterize((1, 8)),
    Solarize((0, 256)),
]


def changed(transform, images, u=ENDS):
    """The images as the engine changes them by one transform whose draw is `u`."""
    u = np.asarray(u)[:, None][:, : transform.draws] if transform.draws else np.zeros((len(images), 0))
    if hasattr(transform, "colours"):
        matrices = transform.colours(u, images.shape[-1], host.means(images), np)
        assert matrices.shape == (len(images), images.shape[-1], images.shape[-1] + 1)
        return host.recolour(images, matrices)
    return host.pointwise(images, lambda x: transform.values(x, (u.reshape(-1, *[1] * (x.ndim - 1)),), np))


def by_pillow(function):
    return np.stack([np.asarray(function(Image.fromarray(image))) for image in IMAGES])


def apart(one, other):
    return np.abs(np.asarray(one, float) - np.asarray(other, float)).max()


@pytest.mark.parametrize("factor", [0.0, 0.4, 1.0, 1.7])
def test_brightness_and_saturation_are_those_of_pillow(factor):
    for transform, enhance in ((Brightness, ImageEnhance.Brightness), (Saturation, ImageEnhance.Color)):
        wanted = by_pillow(lambda image: enhance(image).enhance(factor))  # noqa: B023
        assert apart(changed(transform((factor, factor)), IMAGES), wanted) <= 1.5 + (factor > 1)  # it cuts decimals off


@pytest.mark.parametrize("factor", [0.0, 0.4, 1.7])
def test_contrast_and_saturation_are_those_of_tensorflow_and_keras(factor):
    import keras
    import tensorflow as tf

    wanted = tf.clip_by_value(tf.image.adjust_contrast(FLOATS, factor), 0, 255)
    assert apart(changed(Contrast((factor, factor)), FLOATS), wanted) < 0.01
    degenerate = keras.layers.RandomColorDegeneration((1 - min(factor, 1),) * 2)(FLOATS, training=True)
    assert apart(changed(Saturation((min(factor, 1),) * 2), FLOATS), degenerate) < 0.1


def test_offset_is_the_brightness_of_keras_and_tensorflow():
    import keras
    import tensorflow as tf

    got = changed(Offset((51, 51)), FLOATS)
    assert apart(got, keras.layers.RandomBrightness((0.2, 0.2))(FLOATS, training=True)) < 0.01
    assert apart(got, tf.clip_by_value(tf.image.adjust_brightness(FLOATS, 51), 0, 255)) < 0.01


@pytest.mark.parametrize("share", [-0.4, 0.1, 0.25])
def test_hue_turns_in_yiq(share):
    import tensorflow as tf

    yiq = tf.image.rgb_to_yiq(FLOATS).numpy()
    turned = (yiq[..., 1] + 1j * yiq[..., 2]) * np.exp(-2j * np.pi * share)
    wanted = tf.image.yiq_to_rgb(np.stack([yiq[..., 0], turned.real, turned.imag], -1).astype(np.float32))
    assert apart(changed(Hue((share, share)), FLOATS), np.clip(wanted, 0, 255)) < 0.05


def test_hue_is_near_that_of_hsv_and_turns_the_same_way():
    import tensorflow as tf

    pale = 128 + (FLOATS - 128) / 2
    for images, levels in ((pale, 14), (FLOATS, 24)):
        for share in (-0.1, 0.1):
            wanted = tf.image.adjust_hue(images, share)
            far = np.abs(changed(Hue((share, share)), images) - wanted).mean()
            assert far < levels < np.abs(changed(Hue((-share, -share)), images) - wanted).mean()


def test_grey_is_that_of_pillow():
    got = changed(Grey(), IMAGES)
    assert apart(got[..., 0], by_pillow(lambda image: image.convert("L"))) <= 1
    assert (got == got[..., :1]).all()


def test_the_six_orders_of_channels_are_equally_frequent():
    image = np.array([10, 20, 30], np.uint8).reshape(1, 1, 1, 3)
    u = np.arange(600) / 600
    got = changed(ChannelShuffle(), np.repeat(image, 600, 0), u)[:, 0, 0]
    orders, counts = np.unique(got, axis=0, return_counts=True)
    assert len(orders) == 6 and (orders.sum(1) == 60).all() and (counts == 100).all()
    np.testing.assert_array_equal(got[0], [10, 20, 30])


def test_invert_posterize_and_solarize_are_exactly_those_of_pillow():
    np.testing.assert_array_equal(changed(Invert(), IMAGES), by_pillow(ImageOps.invert))
    for bits in range(1, 9):
        wanted = by_pillow(lambda image: ImageOps.posterize(image, bits))  # noqa: B023
        np.testing.assert_array_equal(changed(Posterize(bits), IMAGES), wanted)
    for threshold in (0, 100, 255, 256):
        wanted = by_pillow(lambda image: ImageOps.solarize(image, threshold))  # noqa: B023
        np.testing.assert_array_equal(changed(Solarize(threshold), IMAGES), wanted)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.2])
def test_gamma_is_that_of_tensorflow(gamma):
    import tensorflow as tf

    wanted = 255 * tf.image.adjust_gamma(FLOATS / 255, gamma).numpy()
    assert apart(changed(Gamma((gamma, gamma)), FLOATS), wanted) < 0.01
    np.testing.assert_array_equal(changed(Gamma((gamma, gamma)), IMAGES), np.rint(wanted))


@pytest.mark.parametrize(
    ("transform", "value", "wanted"),
    [
        (Brightness(0.2), 100, [80, 100, 120, 90]),
        (Brightness((1, 2)), 100, [100, 150, 200, 125]),
        (Offset(20), 100, [80, 100, 120, 90]),
        (Offset((0, 40)), 100, [100, 120, 140, 110]),
        (Gamma(1.0), 64, [255 * (64 / 255) ** power for power in (0.5, 1, 2, 0.5**0.5)]),
        (Posterize((1, 3)), 255, [128, 192, 224, 128]),  # a draw just below 1, of 1, 2 or 3 bits
        (Solarize((0, 200)), 120, [135, 135, 120, 135]),
    ],
)
def test_draws_go_evenly_over_the_range(transform, value, wanted):
    images = np.full((4, 2, 2, 1), value, np.float32)
    got = changed(transform, images, np.minimum(ENDS, 0.999999))
    np.testing.assert_allclose(got[:, 0, 0, 0], wanted, rtol=1e-4)


def test_contrast_and_saturation_over_their_range():
    image = np.zeros((4, 1, 2, 3), np.float32)
    image[:, 0, 1] = 200, 100, 0
    np.testing.assert_allclose(changed(Contrast(0.5), image)[:, 0, 1, 1], [75, 100, 125, 87.5], rtol=1e-5)
    luma = 0.299 * 200 + 0.587 * 100
    wanted = [luma + factor * (200 - luma) for factor in (0.5, 1, 1.5, 0.75)]
    np.testing.assert_allclose(changed(Saturation(0.5), image)[:, 0, 1, 0], wanted, rtol=1e-5)


@pytest.mark.parametrize("transform", CHANGES, ids=repr)
def test_each_image_has_its_own_draw_and_both_types_agree(transform):
    together = changed(transform, IMAGES)
    assert together.dtype == np.uint8
    for i in range(4):
        alone = changed(transform, IMAGES[i : i + 1], ENDS[i : i + 1])
        np.testing.assert_array_equal(together[i], alone[0])
    assert apart(together, changed(transform, FLOATS)) <= 1.6


@pytest.mark.parametrize("transform", CHANGES, ids=repr)
def test_keras_gives_the_same_numbers(transform):
    from keras import ops

    u = ENDS[:, None][:, : transform.draws]
    draws = ops.convert_to_tensor(u, "float32")
    if hasattr(transform, "colours"):
        means = host.means(IMAGES)
        wanted, got = transform.colours(u, 3, means, np), transform.colours(draws, 3, ops.convert_to_tensor(means), ops)
    else:
        levels = np.tile(np.arange(256.0), (4, 1))
        own = tuple(ops.reshape(draws[:, i], (-1, 1)) for i in range(transform.draws))
        wanted = transform.values(levels, (u,), np)
        got = transform.values(ops.convert_to_tensor(levels, "float32"), own, ops)
    np.testing.assert_allclose(ops.convert_to_numpy(got), wanted, rtol=1e-4, atol=2e-3)


def test_grey_images_take_what_needs_no_colour():
    for transform in CHANGES:
        if not transform.needs_colour:
            assert changed(transform, IMAGES[..., :1].copy()).shape == (4, 16, 16, 1)
    assert {type(each) for each in CHANGES if each.needs_colour} == {Saturation, Hue, Grey, ChannelShuffle}


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: Brightness(1.5), "share"),
        (lambda: Offset("much"), "levels"),
        (lambda: Contrast((0.5,)), "share"),
        (lambda: Saturation((2, 1)), "share"),
        (lambda: Hue(0.6), "share"),
        (lambda: Gamma(-0.1), "share"),
        (lambda: Gamma((0, 1)), "share"),
        (lambda: Posterize(9), "bits"),
        (lambda: Posterize(4.5), "bits"),
        (lambda: Solarize(257), "threshold"),
        (lambda: Grey(p=2), "p"),
    ],
)
def test_arguments_out_of_range_are_named(make, name):
    with pytest.raises(ValueError, match=f"`{name}` must be"):
        make()
