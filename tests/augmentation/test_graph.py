"""Each primitive against the host's, and what is only the graph's: unknown batch sizes, no rounding."""

import keras
import numpy as np
import pytest

from kerascnn.augmentation import graph, graph_jpeg, graph_warp, host

pytestmark = pytest.mark.backend
RNG = np.random.default_rng(0)


def smooth(n=3, height=24, width=31, channels=3):
    """Pictures of slow waves, float32 whole levels, as interpolation and compression meet them."""
    y, x = np.mgrid[:height, :width].astype(float)
    waves = [np.sin(x * a + y * b + c) for a, b, c in RNG.uniform((-0.3, -0.3, 0), (0.3, 0.3, 6), (n * channels, 3))]
    waves = np.moveaxis(np.reshape(waves, (n, channels, height, width)), 1, 3)
    return np.ascontiguousarray(np.rint(127 + 120 * waves), np.float32)


def on_graph(function, *arguments, **options):
    return keras.ops.convert_to_numpy(getattr(graph, function)(*arguments, **options))


def agree(function, *arguments, within=1e-3, **options):
    here, there = on_graph(function, *arguments, **options), getattr(host, function)(*arguments, **options)
    np.testing.assert_allclose(here, there, atol=within, rtol=0)
    return here


IMAGES = smooth()
NOISE = RNG.integers(0, 256, (3, 9, 8, 2)).astype(np.float32)
AFFINE = np.array([[[0.8, 0.3, 3.3], [-0.2, 1.1, -5.2], [0, 0, 1]]] * 3) * RNG.uniform(0.9, 1.1, (3, 1, 1))
PERSPECTIVE = AFFINE + [[0, 0, 0], [0, 0, 0], [0.004, -0.003, 0]]


@pytest.mark.parametrize("border", ["reflect", "edge", "zero"])
@pytest.mark.parametrize("matrices", [AFFINE, PERSPECTIVE], ids=["affine", "perspective"])
@pytest.mark.parametrize("size", [(24, 31), (17, 40)])
def test_warp(border, matrices, size):
    here, there = on_graph("warp", IMAGES, matrices, size, border), host.warp(IMAGES, matrices, size, border)
    assert here.shape == (3, *size, 3) and here.dtype == np.float32
    difference = np.abs(here - there)
    assert difference.mean() < 0.5 and np.quantile(difference, 0.99) < 4  # OpenCV has 32 steps between two pixels


def test_warp_by_a_field():
    field = RNG.normal(0, 2, (3, 3, 4, 2)).astype(np.float32)
    options = {"size": (24, 31), "border": "reflect", "field": field}
    difference = np.abs(on_graph("warp", IMAGES, AFFINE, **options) - host.warp(IMAGES, AFFINE, **options))
    assert difference.mean() < 0.5 and np.quantile(difference, 0.99) < 4


def test_the_field_is_stretched_as_by_opencv():
    import cv2

    field = RNG.normal(0, 2, (2, 3, 4, 2)).astype(np.float32)
    stretched = [cv2.resize(one, (31, 24), interpolation=cv2.INTER_CUBIC) for one in field]
    np.testing.assert_allclose(keras.ops.convert_to_numpy(graph_warp.smooth(field, (24, 31))), stretched, atol=1e-4)


@pytest.mark.parametrize("border", ["reflect", "edge", "zero"])
def test_whole_pixels_are_copied(border):
    matrices = np.tile(np.eye(3), (3, 1, 1))
    matrices[:, :2] = [[[-1, 0, 2], [0, 1, -4]], [[1, 0, 0], [0, -1, 0]], [[1, 0, -7], [0, 1, 3]]]
    agree("warp", NOISE, matrices, NOISE.shape[1:3], border, within=0)


@pytest.mark.parametrize("border", ["reflect", "edge", "zero"])
def test_masks_take_the_nearest_and_keep_their_type(border):
    masks = RNG.integers(0, 5, (3, 20, 20, 1)).astype(np.int32)
    here = on_graph("warp", masks, AFFINE, (20, 20), border, order="nearest", fill=99)
    there = host.warp(masks, AFFINE, (20, 20), border, order="nearest", fill=99)
    assert here.dtype == np.int32 and (99 in here) == (border == "zero")
    assert (here == there).mean() > 0.99


def test_an_image_of_one_pixel_and_a_move_out_of_sight():
    dot = np.full((1, 1, 1, 1), 9, np.float32)
    assert on_graph("warp", dot, np.eye(3)[None] * [1.5, 1.5, 1], (3, 3), "reflect").min() == 9
    far = np.array([[[1, 0, 1e9], [0, 1, 0], [0, 0, 1]]])
    assert (on_graph("warp", IMAGES[:1], far, (5, 5), "zero", fill=7) == 7).all()


def test_recolour():
    matrices = RNG.normal(0, 1, (3, 3, 4)) * [1, 1, 1, 60]
    changed = agree("recolour", IMAGES, matrices)
    assert changed.min() == 0 and changed.max() == 255
    agree("recolour", NOISE[..., :1], matrices[:, :1, 2:])


def test_pointwise():
    agree("pointwise", IMAGES, lambda x: 2 * x - 100)


def test_means_and_histograms():
    agree("means", IMAGES)
    counts = agree("histograms", NOISE, within=0)
    assert counts.shape == (3, 2, 256) and (counts.sum(axis=2) == 72).all()


@pytest.mark.parametrize("channels", [1, 2])
def test_lookup(channels):
    agree("lookup", NOISE, RNG.uniform(-50, 300, (3, channels, 256)).astype(np.float32))


def test_convolve():
    agree("convolve", IMAGES, RNG.normal(0, 0.3, (3, 5, 5)).astype(np.float32), within=0.01)
    gauss = np.exp(-(np.arange(-4, 5) ** 2) / 4.0)
    agree("convolve", IMAGES, np.tile(np.outer(gauss, gauss) / gauss.sum() ** 2, (3, 1, 1)), within=0.01)


def test_fill_by_a_colour_and_by_a_picture():
    boxes = np.array([[1, 2, 5, 4], [-3, -2, 2, 90], [4, 4, 4, 9]])
    agree("fill", NOISE, boxes, RNG.uniform(0, 255, (3, 2)).astype(np.float32))
    agree("fill", NOISE, boxes, NOISE[::-1].copy())


def test_blend_goes_beyond_its_ends():
    agree("blend", NOISE, NOISE[::-1].copy(), np.array([0.25, 1.8, -0.5]))


@pytest.mark.parametrize("shape", [(32, 32, 3), (33, 47, 3), (17, 8, 1)])
@pytest.mark.parametrize("quality", [10, 40, 75, 95])
def test_jpeg_loses_what_libjpeg_loses(shape, quality):
    images = smooth(2, *shape)
    here, there = (f(images, np.full(2, quality)) for f in (graph_jpeg.jpeg, host.jpeg))
    here = keras.ops.convert_to_numpy(here)
    assert (here == np.rint(here)).all() and here.shape == images.shape
    assert np.abs(here - there).mean() < 0.25 * np.abs(images - there).mean() + 0.3


def test_the_dct_is_orthonormal():
    np.testing.assert_allclose(graph_jpeg.DCT @ graph_jpeg.DCT.T, np.eye(8), atol=1e-6)


def test_noise_is_what_it_says_and_follows_its_seed():
    images = np.zeros((4, 40, 40, 3), np.float32)
    normal, even = on_graph("normals", images, 3), on_graph("uniforms", images, 3, 1)
    assert normal.shape == images.shape and even.shape == (4, 40, 40, 1)
    assert abs(normal.mean()) < 0.03 and abs(normal.std() - 1) < 0.03
    assert even.min() >= 0 and even.max() < 1 and abs(even.mean() - 0.5) < 0.02
    assert (normal == on_graph("normals", images, 3)).all() and (normal != on_graph("normals", images, 4)).any()


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="elsewhere the size of a batch is always known")
def test_the_size_of_the_batch_may_be_unknown():
    import tensorflow as tf

    def whole(images):
        n = tf.shape(images)[0]
        matrices = tf.tile(tf.constant(PERSPECTIVE[:1], tf.float32), (n, 1, 1))
        field = tf.ones((n, 3, 3, 2))
        x = graph.warp(images, matrices, (24, 31), field=field) + graph.normals(images, 1)
        x = graph.jpeg(graph.convolve(x, tf.ones((n, 3, 3)) / 9), tf.fill([n], 50))
        x = graph.fill(x, tf.tile([[1, 1, 5, 5]], (n, 1)), graph.means(x)) + graph.uniforms(x, 1, 3)
        return graph.blend(graph.lookup(x, graph.histograms(x)), x, tf.fill([n], 0.5))

    traced = tf.function(whole, input_signature=[tf.TensorSpec((None, 24, 31, 3))])
    for n in (1, 3):
        assert traced(tf.constant(IMAGES[:n])).shape == (n, 24, 31, 3)
