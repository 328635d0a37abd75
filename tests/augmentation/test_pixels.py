import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from kerascnn.augmentation import host
from kerascnn.augmentation.noise import JPEG, Blur, GaussianNoise, SaltAndPepper
from kerascnn.augmentation.pixels import AutoContrast, Cutout, Equalize, RandomErasing, Sharpness

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (4, 40, 30, 3)).astype(np.uint8)
SMOOTH = np.stack([np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(2))) for image in IMAGES])
KEYS = np.arange(4, dtype=np.uint64)
EVERY = [
    Equalize(),
    AutoContrast(),
    Sharpness((2, 3)),
    Blur(2),
    GaussianNoise(20),
    SaltAndPepper(0.2),
    JPEG((10, 90)),
    Cutout(0.5),
    RandomErasing(),
    RandomErasing(fill="mean"),
]


def changed(transform, images, u=None, keys=KEYS):
    u = np.full((len(images), transform.draws), 0.5) if u is None else np.asarray(u, float)
    return transform.pixels(images, u.reshape(len(images), transform.draws), host, keys[: len(images)])


def by_pillow(function, images=SMOOTH):
    return np.stack([np.asarray(function(Image.fromarray(image))) for image in images])


def apart(one, other):
    return np.abs(np.asarray(one, float) - np.asarray(other, float)).max()


def awkward():
    """Pictures on which the rules of histograms differ from the plain case."""
    few = np.zeros((4, 40, 30, 3), np.uint8)
    few[0] = 7  # one level
    few[1, :2] = 50, 100, 200  # two levels, few pixels of the lower
    few[2] = RNG.integers(100, 104, (40, 30, 3))
    few[3, 0, :, 0] = np.arange(30) * 8  # so few pixels but of one level that the step is 0
    return few


@pytest.mark.parametrize("images", [IMAGES, SMOOTH, awkward()], ids=["noise", "smooth", "awkward"])
def test_equalize_is_exactly_that_of_pillow(images):
    np.testing.assert_array_equal(changed(Equalize(), images), by_pillow(ImageOps.equalize, images))


@pytest.mark.parametrize("images", [SMOOTH, awkward()], ids=["smooth", "awkward"])
def test_autocontrast_is_that_of_pillow(images):
    got, wanted = changed(AutoContrast(), images), by_pillow(ImageOps.autocontrast, images)
    assert apart(got, wanted) <= 1 and (got == wanted).mean() > 0.98  # Pillow's decimals fall short of some levels


@pytest.mark.parametrize("factor", [0.0, 0.5, 1.0, 2.5])
def test_sharpness_is_that_of_pillow_but_for_the_outermost_pixels(factor):
    got = changed(Sharpness((factor, factor)), SMOOTH)
    wanted = by_pillow(lambda image: ImageEnhance.Sharpness(image).enhance(factor))
    assert apart(got[:, 1:-1, 1:-1], wanted[:, 1:-1, 1:-1]) <= 1 + factor
    mirrored = np.pad(SMOOTH, ((0, 0), (1, 1), (1, 1), (0, 0)), "reflect")
    assert apart(got, changed(Sharpness((factor, factor)), mirrored)[:, 1:-1, 1:-1]) <= 1


@pytest.mark.parametrize("sigma", [0.6, 1.0])
def test_blur_is_that_of_opencv_and_keras(sigma):
    import cv2
    import keras

    got, taps = changed(Blur((sigma, sigma)), IMAGES), 2 * int(np.ceil(3 * sigma)) + 1
    wanted = [cv2.GaussianBlur(image, (taps, taps), sigma, borderType=cv2.BORDER_REFLECT_101) for image in IMAGES]
    assert apart(got, wanted) <= 1
    layer = keras.layers.RandomGaussianBlur((1.0, 1.0), kernel_size=taps, sigma=(sigma, sigma), value_range=(0, 255))
    inner = np.s_[:, taps:-taps, taps:-taps]  # Keras brings in black
    assert apart(got[inner], layer(IMAGES.astype(np.float32), training=True)[inner]) <= 1


def test_blur_draws_its_deviation_and_fits_into_small_images():
    point = np.zeros((3, 1, 31, 1), np.float32)
    point[:, 0, 15] = 200
    point = np.repeat(point, 31, axis=1)
    got = changed(Blur(3), point, [[0], [0.5], [1]])[:, 15, :, 0] / 200
    squares = (np.arange(31) - 15.0) ** 2
    np.testing.assert_allclose((got * squares).sum(1), [0, 2.25, 9], rtol=0.03, atol=1e-6)
    np.testing.assert_allclose(changed(Blur(9), np.full((2, 3, 1, 2), 80.0, np.float32)), 80, rtol=1e-6)


def test_gaussian_noise_has_the_deviation_that_was_drawn():
    images = np.full((3, 100, 100, 1), 128, np.float32)
    got = changed(GaussianNoise(40), images, [[0], [0.25], [0.5]]) - 128
    np.testing.assert_allclose(got.std((1, 2, 3)), [0, 10, 20], rtol=0.02)
    np.testing.assert_allclose(got.mean((1, 2, 3)), 0, atol=0.6)
    whole = changed(GaussianNoise(40), images.astype(np.uint8), [[0], [0.25], [0.5]])
    np.testing.assert_array_equal(whole, np.rint(np.clip(got + 128, 0, 255)))


def test_salt_and_pepper_hits_the_share_that_was_drawn():
    images = np.full((3, 100, 100, 3), 128, np.uint8)
    got = changed(SaltAndPepper(0.4), images, [[0], [0.5], [1]])
    assert np.isin(got, [0, 128, 255]).all() and (got == got[..., :1]).all()
    for value in (0, 255):
        np.testing.assert_allclose((got[..., 0] == value).mean((1, 2)), [0, 0.1, 0.2], atol=0.015)


def test_noise_is_that_of_its_key():
    for transform in (GaussianNoise(20), SaltAndPepper(0.2), RandomErasing()):
        together, alone = changed(transform, IMAGES), changed(transform, IMAGES[2:3], keys=KEYS[2:3])
        np.testing.assert_array_equal(together[2], alone[0])
        assert (changed(transform, IMAGES, keys=KEYS + np.uint64(9)) != together).any()


def test_jpeg_takes_the_quality_that_was_drawn():
    got = changed(JPEG((10, 90)), SMOOTH, [[0], [0.25], [0.5], [0.999]])
    for image, given, quality in zip(got, SMOOTH, (10, 30, 50, 90), strict=True):
        memory = io.BytesIO()
        Image.fromarray(given).save(memory, "JPEG", quality=quality)
        assert apart(image, Image.open(memory)) <= 1
    np.testing.assert_array_equal(changed(JPEG(30), SMOOTH)[1], got[1])


def test_cutout_sets_a_square_to_the_mean():
    images = np.zeros((2, 8, 8, 3), np.float32)
    images[:, :4] = 100
    got = changed(Cutout(0.5), images, [[0.5, 0.5], [0.0, 0.99]])  # centres (4, 4) and (0, 7)
    assert (got[0, 2:6, 2:6] == 50).all() and (got[0] == 50).sum() == 16 * 3
    assert (got[1, :2, 5:] == 50).all() and (got[1] == 50).sum() == 6 * 3


def test_erasing_covers_the_area_and_ratio_that_were_drawn():
    images = np.full((4, 40, 60, 1), 77, np.uint8)
    images[..., 0, 0] = 0  # so that the mean is no value of the image
    u = [[0, 0.5, 0, 0], [0.999, 0.5, 0.999, 0.999], [0.5, 0, 0.5, 0.5], [0.5, 0.999, 0, 0.5]]
    got = changed(RandomErasing((0.1, 0.4), ratio=(0.25, 4), fill="mean"), images, u)[..., 0]
    boxes = []
    for image, given in zip(got, images[..., 0], strict=True):
        rows, columns = np.nonzero(image != given)
        boxes.append((rows.min(), columns.min(), rows.max() + 1, columns.max() + 1))
        assert (image != given).sum() == (boxes[-1][2] - boxes[-1][0]) * (boxes[-1][3] - boxes[-1][1])
    # areas 240, 960, 600, 600 of 2,400 pixels; heights 15.5, 31, 12.2, 49 -> 40
    assert boxes == [(0, 0, 15, 15), (9, 29, 40, 60), (14, 6, 26, 55), (0, 24, 40, 36)]


def test_erasing_fills_with_even_noise():
    image = np.full((1, 100, 100, 3), 128, np.float32)
    got = changed(RandomErasing((1, 1), ratio=(1, 1)), image)
    assert abs(got.mean() - 127.5) < 2 and abs(got.std() - 255 / 12**0.5) < 1 and got.max() < 255


@pytest.mark.parametrize("transform", EVERY, ids=repr)
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_both_types_agree_and_the_input_is_left_alone(transform, channels):
    images = SMOOTH[..., np.arange(channels) % 3].copy()
    before = images.copy()
    whole, floats = changed(transform, images), changed(transform, images.astype(np.float32))
    assert whole.dtype == np.uint8 and floats.dtype == np.float32 and whole.shape == floats.shape == images.shape
    assert apart(whole, floats) <= 1.01 and apart(whole, images) > 3
    np.testing.assert_array_equal(images, before)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: Sharpness(1.1), "share"),
        (lambda: Blur(-1), "sigma"),
        (lambda: GaussianNoise((3, 2)), "levels"),
        (lambda: SaltAndPepper("some"), "share"),
        (lambda: JPEG(0), "quality"),
        (lambda: JPEG((30, 101)), "quality"),
        (lambda: Cutout(0), "size"),
        (lambda: RandomErasing((0.1, 1.1)), "area"),
        (lambda: RandomErasing(ratio=(0, 1)), "ratio"),
        (lambda: RandomErasing(ratio=2), "ratio"),
        (lambda: RandomErasing(fill="white"), "fill"),
    ],
)
def test_arguments_out_of_range_are_named(make, name):
    with pytest.raises(ValueError, match=f"`{name}` must be"):
        make()
