import numpy as np
import pytest

from kerascnn.augmentation.warp import _copied, _interpolated, warp

IMAGE = np.arange(12, dtype=np.uint8).reshape(1, 3, 4, 1)


def moved(matrix, border="zero", image=IMAGE):
    return warp(image, np.array([matrix], float), border)[0, ..., 0].tolist()


def test_a_shift_moves_right_and_down():
    assert moved([[1, 0, 1], [0, 1, 1], [0, 0, 1]]) == [[0, 0, 0, 0], [0, 0, 1, 2], [0, 4, 5, 6]]


def test_borders():
    right = [[1, 0, 2], [0, 1, 0], [0, 0, 1]]
    assert moved(right, "edge")[0] == [0, 0, 0, 1]
    assert moved(right, "reflect")[0] == [2, 1, 0, 1]
    assert moved(right, "zero")[0] == [0, 0, 0, 1]


def test_mirrorings():
    assert moved(np.diag([-1, 1, 1])) == IMAGE[0, :, ::-1, 0].tolist()
    assert moved(np.diag([1, -1, 1])) == IMAGE[0, ::-1, :, 0].tolist()


def test_a_quarter_turn_is_clockwise_for_positive_angles_as_y_points_down():
    square = np.arange(9, dtype=np.uint8).reshape(1, 3, 3, 1)
    assert moved([[0, -1, 0], [1, 0, 0], [0, 0, 1]], image=square) == np.rot90(square[0, ..., 0], -1).tolist()


def test_half_a_pixel_is_the_mean_of_two():
    image = np.array([0, 10, 20, 40], np.float32).reshape(1, 1, 4, 1)
    np.testing.assert_allclose(moved([[1, 0, 0.5], [0, 1, 0], [0, 0, 1]], "edge", image), [[0, 5, 15, 30]], atol=1e-4)


@pytest.mark.parametrize("channels", [1, 3, 7])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("border", ["reflect", "edge", "zero"])
def test_copying_and_interpolating_agree(channels, dtype, border):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (8, 9, 7, channels)).astype(dtype)
    matrices = np.tile(np.eye(3), (8, 1, 1))
    matrices[:, (0, 1), (0, 1)] = rng.choice([-1, 1], (8, 2))
    matrices[:, :2, 2] = rng.integers(-3, 4, (8, 2))
    copied, interpolated = (f(images, matrices, border) for f in (_copied, _interpolated))
    assert copied.dtype == interpolated.dtype == dtype and copied.shape == images.shape
    np.testing.assert_array_equal(copied, interpolated)


def test_the_input_is_left_alone():
    image = IMAGE.copy()
    moved(np.diag([-1, 1, 1]), image=image)
    moved([[0.9, 0.1, 0], [0, 1, 0], [0, 0, 1]], image=image)
    assert (image == IMAGE).all()
