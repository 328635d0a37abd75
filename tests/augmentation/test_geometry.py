import math

import cv2
import numpy as np
import pytest

from kerascnn.augmentation.geometry import Rotate, Shear, Shift, Zoom
from kerascnn.augmentation.warp import warp

SIZE = (20, 40)  # height, width
U = np.random.default_rng(0).random((4000, 2))
ROWS, COLUMNS = np.mgrid[:48, :64]
SMOOTH = (128 + 60 * np.sin(COLUMNS / 9) + 60 * np.cos(ROWS / 7)).astype(np.float32)[None, ..., None]


def matrices(transform, u, size=SIZE):
    return transform.matrices(np.asarray(u, float).reshape(-1, transform.draws), size, np)


def in_the_middle(images):
    return np.asarray(images)[:, 12:-12, 14:-14]


def test_shift_draws_every_whole_pixel_alike():
    shifts = matrices(Shift(0.1), U)
    for axis, most in ((0, 4), (1, 2)):
        values, counts = np.unique(shifts[:, axis, 2], return_counts=True)
        assert values.tolist() == list(range(-most, most + 1))
        assert counts.min() > 0.75 * 4000 / len(values)


def test_shift_by_a_pair_and_along_one_axis():
    assert matrices(Shift((0.25, 0.25), axes="x"), [0.0, 0.99])[:, :2, 2].tolist() == [[10, 0], [10, 0]]
    assert matrices(Shift((-0.25, -0.25), axes="y"), [0.0, 0.99])[:, :2, 2].tolist() == [[0, -5], [0, -5]]
    assert np.unique(matrices(Shift((0, 0.1), axes="y"), U[:, 0])[:, 1, 2]).tolist() == [0, 1, 2]


def test_rotation_is_opencvs():
    ours = matrices(Rotate(90), [0.0, 0.4, 0.5, 0.99])
    for matrix, degrees in zip(ours, (-90, -18, 0, 88.2), strict=True):  # OpenCV's angles turn the other way
        np.testing.assert_allclose(matrix[:2], cv2.getRotationMatrix2D((0, 0), -degrees, 1), atol=1e-12)
    assert matrices(Rotate((10, 10)), [0.0, 0.7])[:, 1, 0].tolist() == pytest.approx([math.sin(math.pi / 18)] * 2)


def test_shear_is_torchvisions():
    # torchvision.transforms.functional._get_inverse_affine_matrix with angle 0: the matrix from the result to the image
    u = np.array([[0.2, 0.9], [1.0, 0.0]])
    for matrix, (x, y) in zip(matrices(Shear(30), u), np.radians(60 * u - 30), strict=True):
        sx, sy = -x, -y  # its angles turn the other way
        a, b, c, d = 1.0, -math.tan(sx), math.tan(-sy), -math.tan(-sy) * math.tan(sx) + 1  # rotation, then shear
        np.testing.assert_allclose(matrix[:2, :2], [[a, b], [c, d]], atol=1e-12)
        np.testing.assert_allclose(np.linalg.det(matrix), 1)


def test_shear_along_one_axis():
    slope = math.tan(math.pi / 6)
    x, y = (matrices(Shear((30, 30), axes=axis), [0.5])[0] for axis in "xy")
    np.testing.assert_allclose(x, [[1, slope, 0], [0, 1, 0], [0, 0, 1]], atol=1e-12)
    np.testing.assert_allclose(y, [[1, 0, 0], [slope, 1, 0], [0, 0, 1]], atol=1e-12)


def test_zoom_is_even_in_the_logarithm():
    np.testing.assert_allclose(matrices(Zoom(0.25), [0, 0.5, 1])[:, 0, 0], [0.8, 1, 1.25])
    np.testing.assert_allclose(matrices(Zoom((1, 4)), [0, 0.5, 1])[:, 1, 1], [1, 2, 4])
    alone, each = matrices(Zoom(0.25), U[:, 0]), matrices(Zoom(0.25, isotropic=False), U)
    assert (alone[:, 0, 0] == alone[:, 1, 1]).all()
    assert abs(np.corrcoef(each[:, 0, 0], each[:, 1, 1])[0, 1]) < 0.08  # five standard deviations


@pytest.mark.parametrize(
    ("transform", "u", "layer", "arguments"),
    [
        (Rotate((18, 18)), [0.5], "RandomRotation", {"factor": (-0.05, -0.05)}),
        (Shift((0.125,) * 2, axes="x"), [0.5], "RandomTranslation", {"height_factor": 0, "width_factor": (0.125,) * 2}),
        (Zoom((1.25, 1.25)), [0.5], "RandomZoom", {"height_factor": (-0.2, -0.2), "width_factor": (-0.2, -0.2)}),
    ],
)  # fmt: skip
def test_pictures_are_those_of_keras_layers(transform, u, layer, arguments):
    import keras

    theirs = getattr(keras.layers, layer)(**arguments)(SMOOTH, training=True)
    ours = warp(SMOOTH, matrices(transform, u, SMOOTH.shape[1:3]))
    assert abs(in_the_middle(ours) - in_the_middle(theirs)).max() < 0.6  # of 255; OpenCV counts in 32nds of a pixel
    assert abs(in_the_middle(ours) - in_the_middle(SMOOTH)).max() > 20


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: Shift(1), "share"),
        (lambda: Shift(0.1, axes="z"), "axes"),
        (lambda: Rotate(181), "degrees"),
        (lambda: Rotate((10, -10)), "degrees"),
        (lambda: Shear(81), "degrees"),
        (lambda: Shear(axes="xy"), "axes"),
        (lambda: Zoom(-0.1), "share"),
        (lambda: Zoom((0, 1)), "share"),
    ],
)
def test_arguments_out_of_range_are_named(make, name):
    with pytest.raises(ValueError, match=f"`{name}` must be"):
        make()
