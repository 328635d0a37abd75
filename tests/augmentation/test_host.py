import io

import numpy as np
import pytest
from PIL import Image

from kerascnn.augmentation import host

RNG = np.random.default_rng(0)
KEYS = np.array([3, 4, 2**64 - 1], np.uint64)
BOXES = np.array([[-2, 1, 3, 4], [0, 0, 9, 8], [5, 5, 5, 20]])
DTYPES = pytest.mark.parametrize("dtype", [np.uint8, np.float32])
CHANNELS = pytest.mark.parametrize("channels", [1, 3, 5])


def pictures(dtype=np.uint8, channels=3, size=(9, 8)):
    return RNG.integers(0, 256, (3, *size, channels)).astype(dtype)


def photo(side=64):
    """A smooth picture with an edge, of which the artefacts of compression look as in life."""
    y, x = np.mgrid[:side, :side] / side
    image = np.stack([x, y, (x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.1], -1) * 255
    return image.astype(np.uint8)[None]


def rounded(values, like):
    return np.clip(np.rint(values) if like.dtype == np.uint8 else values, 0, 255).astype(like.dtype)


def random_matrices(channels):
    return RNG.normal(size=(3, channels, channels + 1)) * ([1] * channels + [50])


def recoloured(images):
    matrices = random_matrices(images.shape[-1])
    offsets = matrices[:, None, None, :, -1]
    return host.recolour(images, matrices), np.einsum("ncd,nhwd->nhwc", matrices[..., :-1], images) + offsets


def made_points(images):
    exponents = np.array([0.5, 1.0, 2.0])

    def curve(x):
        return 300 * (x / 255) ** exponents.reshape(-1, *[1] * (x.ndim - 1)) - 20

    return host.pointwise(images, curve), curve(images.astype(float))


def looked_up(tables):
    def run(images):
        rows = np.arange(3)[:, None, None, None], np.arange(images.shape[-1]) % tables.shape[1]
        given = tables[:, : images.shape[-1]]
        return host.lookup(images, given), given[*rows, images.astype(int)]

    return run


def convolved(kernels):
    def run(images):
        height, width = images.shape[1:3]
        reach = kernels.shape[1] // 2
        pad = (reach, reach)
        padded = np.pad(images.astype(float), ((0, 0), pad, pad, (0, 0)), "reflect")
        parts = [
            padded[:, reach - dy : reach - dy + height, reach - dx : reach - dx + width]
            * kernels[:, reach + dy, reach + dx, None, None, None]
            for dy in range(-reach, reach + 1)
            for dx in range(-reach, reach + 1)
        ]
        return host.convolve(images, kernels), sum(parts)

    return run


def blended(images):
    share = np.array([0.25, 1.0, 1.75])
    other, own = images[:, ::-1].copy(), share[:, None, None, None]
    return host.blend(images, other, share), own * images + (1 - own) * other


def filled(images):
    colours, wanted = np.array([[30.6] * images.shape[-1]] * 3), images.astype(float)
    wanted[0, :3, 1:4] = wanted[1] = 30.6
    return host.fill(images, BOXES, colours), wanted


def filled_with_pictures(images):
    other, wanted = RNG.random(images.shape) * 255, images.astype(float)
    wanted[0, :3, 1:4], wanted[1] = other[0, :3, 1:4], other[1]
    return host.fill(images, BOXES.astype(float), other), wanted


SKEW = RNG.random((3, 3, 3)) / 5
GAUSS = np.exp(-(np.arange(-2, 3) ** 2) / np.array([[0.5], [1], [3]]))
GAUSS = GAUSS[:, None] * GAUSS[:, :, None] / GAUSS.sum(1)[:, None, None] ** 2
WAYS = {
    "recolour": (recoloured, 1),
    "pointwise": (made_points, 0),
    "lookup": (looked_up(RNG.random((3, 5, 256)) * 255), 0),
    "lookup_alike": (looked_up(RNG.random((3, 1, 256)) * 255), 0),
    "convolve": (convolved(SKEW), 0),
    "convolve_in_two_passes": (convolved(GAUSS), 1),
    "blend": (blended, 0),
    "fill": (filled, 0),
    "fill_with_pictures": (filled_with_pictures, 0),
}


@DTYPES
@CHANNELS
@pytest.mark.parametrize("way", WAYS)
def test_a_primitive_gives_what_its_formula_says(way, dtype, channels):
    run, levels = WAYS[way]
    images = pictures(dtype, channels)
    before = images.copy()
    got, wanted = run(images)
    assert got.dtype == dtype and got.shape == images.shape
    slack = levels if dtype == np.uint8 else 2e-3
    wanted = rounded(np.asarray(wanted), images).astype(float)
    np.testing.assert_allclose(got.astype(float), wanted, atol=slack + 1e-3)
    np.testing.assert_array_equal(images, before)
    assert (got != before).any()


@CHANNELS
def test_recolour_is_exact_for_the_identity_and_mostly_right_to_the_level(channels):
    images = pictures(channels=channels, size=(40, 40))
    plain = np.tile(np.eye(channels, channels + 1), (3, 1, 1))
    np.testing.assert_array_equal(host.recolour(images, plain), images)
    got, wanted = recoloured(images)
    assert (got == rounded(wanted, images)).mean() > 0.9


@DTYPES
@CHANNELS
def test_means_and_histograms(dtype, channels):
    images = pictures(dtype, channels)
    np.testing.assert_allclose(host.means(images), images.mean((1, 2), dtype=float), rtol=1e-5)
    wanted = [
        [np.bincount(image[..., i].ravel(), minlength=256) for i in range(channels)] for image in images.astype(int)
    ]
    np.testing.assert_array_equal(host.histograms(images), wanted)
    assert host.means(images).dtype == host.histograms(images).dtype == np.float32


def test_floats_between_levels_count_as_the_nearest():
    images = np.array([10.4, 10.6, 254.9, 0.2], np.float32).reshape(1, 2, 2, 1)
    assert np.flatnonzero(host.histograms(images)).tolist() == [0, 10, 11, 255]
    tables = np.arange(256.0)[None, None] / 2
    np.testing.assert_allclose(host.lookup(images, tables).ravel(), [5, 5.5, 127.5, 0])


@pytest.mark.parametrize("quality", [10, 50, 95])
def test_jpeg_is_that_of_pillow(quality):
    image, memory = photo(), io.BytesIO()
    Image.fromarray(image[0]).save(memory, "JPEG", quality=quality)
    wanted = np.asarray(Image.open(memory)).astype(int)
    got = host.jpeg(image, np.array([quality + 0.2]))
    assert np.abs(got[0] - wanted).max() <= 1
    assert np.abs(got[0] - image[0].astype(int)).max() > 3


@DTYPES
def test_jpeg_takes_grey_images_and_other_numbers_of_channels(dtype):
    grey = photo()[..., :1].astype(dtype)
    five = np.concatenate([grey, 255 - grey, grey, grey, grey], -1)
    got, alone = host.jpeg(five, np.array([40])), host.jpeg(grey, np.array([40]))
    assert got.dtype == dtype and got.shape == five.shape
    np.testing.assert_array_equal(got[..., 2:3], alone)
    assert 0 < np.abs(alone.astype(float) - grey).mean() < 5


def test_noise_has_its_distribution():
    images = np.zeros((3, 100, 100, 3), np.uint8)
    normals, uniforms = host.normals(images, KEYS), host.uniforms(images, KEYS, 1)
    assert normals.shape == images.shape and uniforms.shape == (3, 100, 100, 1)
    assert normals.dtype == uniforms.dtype == np.float32
    assert abs(normals.mean()) < 0.01 and abs(normals.std() - 1) < 0.01
    assert abs((np.abs(normals) > 1.96).mean() - 0.05) < 0.005 and abs((normals**4).mean() - 3) < 0.1
    assert uniforms.min() >= 0 and uniforms.max() < 1 and abs(uniforms.mean() - 0.5) < 0.01
    assert abs(np.corrcoef(normals.reshape(3, -1))[np.triu_indices(3, 1)]).max() < 0.03


@pytest.mark.parametrize("draw", [host.normals, lambda images, keys: host.uniforms(images, keys, 2)])
def test_noise_is_a_function_of_each_key_alone(draw):
    images = pictures()
    together, alone = draw(images, KEYS), draw(images[:1], KEYS[1:2])
    np.testing.assert_array_equal(together[1], alone[0])
    assert (together[0] != together[1]).mean() > 0.99


def test_partly_changes_the_images_it_is_told_to():
    images, on, share = pictures(), np.array([True, False, True]), np.array([0.0, 0.5, 1.0])
    got = host.partly(lambda images, share, nothing: host.blend(images, 255 - images, share), on, images, share, None)
    np.testing.assert_array_equal(got, np.stack([255 - images[0], images[1], images[2]]))
    assert host.partly(None, np.zeros(3, bool), images) is images
    np.testing.assert_array_equal(host.partly(lambda images: 255 - images, None, images), 255 - images)
