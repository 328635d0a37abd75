import cv2
import numpy as np
import pytest

from kerascnn.augmentation.warp import _copied, _interpolated, _together, warp

IMAGE = np.arange(12, dtype=np.uint8).reshape(1, 3, 4, 1)


def moved(matrix, border="zero", image=IMAGE):
    return warp(image, np.array([matrix], float), border=border)[0, ..., 0].tolist()


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
    copied = _copied(images, matrices, border, 0)
    interpolated = _interpolated(images, matrices, images.shape[1:3], border, None, "linear", 0)
    assert copied.dtype == interpolated.dtype == dtype and copied.shape == images.shape
    np.testing.assert_array_equal(copied, interpolated)
    np.testing.assert_array_equal(copied, _together(images, matrices, images.shape[1:3], border, "linear", 0, {}))


def test_the_input_is_left_alone():
    image = IMAGE.copy()
    moved(np.diag([-1, 1, 1]), image=image)
    moved([[0.9, 0.1, 0], [0, 1, 0], [0, 0, 1]], image=image)
    assert (image == IMAGE).all()


def test_the_result_may_have_another_size():
    image = np.arange(36, dtype=np.uint8).reshape(1, 6, 6, 1)
    cut = warp(image, np.eye(3)[None], (2, 4))
    assert cut[0, ..., 0].tolist() == [[13, 14, 15, 16], [19, 20, 21, 22]]
    larger = warp(image, np.eye(3)[None], (8, 6), "zero", fill=9)
    assert larger[0, 1:7, :, 0].tolist() == image[0, ..., 0].tolist() and (larger[0, [0, 7]] == 9).all()


def test_masks_take_the_next_pixel_and_a_value_where_nothing_was():
    image = np.array([1, 1, 2, 2], np.uint8).reshape(1, 1, 4, 1)
    matrix = np.array([[[1, 0, 0.75], [0, 1, 0], [0, 0, 1.0]]])
    assert warp(image, matrix, border="zero", order="nearest", fill=255).ravel().tolist() == [255, 1, 1, 2]


def test_perspective_agrees_with_opencv():
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    corners = np.float32([[0, 0], [15, 0], [15, 15], [0, 15]])
    matrix = cv2.getPerspectiveTransform(corners, corners + np.float32([[1, 2], [-2, 1], [0, -1], [2, 0]]))
    centre = np.eye(3)
    centre[:2, 2] = 7.5
    ours = warp(image[None], (np.linalg.inv(centre) @ matrix @ centre)[None], border="edge")[0]
    theirs = cv2.warpPerspective(image, matrix, (16, 16), borderMode=cv2.BORDER_REPLICATE)
    assert np.abs(ours.astype(int) - theirs).max() <= 2


def test_displacements_say_where_each_pixel_is_taken_from():
    image = np.arange(25, dtype=np.float32).reshape(1, 5, 5, 1)
    field = np.zeros((1, 5, 5, 2), np.float32)
    field[0, 1, 2] = 1, 0  # the pixel in row 1, column 2 shows its right neighbour
    changed = warp(image, np.eye(3)[None], field=field)[0, ..., 0]
    expected = image[0, ..., 0].copy()
    expected[1, 2] = 8
    np.testing.assert_allclose(changed, expected, atol=1e-4)
    turn = np.array([[[0, -1, 0], [1, 0, 0], [0, 0, 1.0]]])
    still = np.zeros((1, 2, 2, 2), np.float32)
    np.testing.assert_allclose(warp(image, turn, field=still), warp(image, turn), atol=1e-4)


@pytest.mark.parametrize("border", ["reflect", "edge"])
@pytest.mark.parametrize("far", [0.1, 2.0])
def test_padded_colour_images_are_those_that_opencv_gives(border, far):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6, 50, 64, 3), dtype=np.uint8)
    matrices = np.tile(np.eye(3), (6, 1, 1))
    matrices[:, :2, :2] += rng.uniform(-0.2, 0.2, (6, 2, 2))
    matrices[:, :2, 2] = rng.uniform(-64, 64, (6, 2)) * far
    together = warp(images, matrices, border=border).astype(int)
    plain = warp(images.astype(np.float32), matrices, border=border)
    assert np.abs(together - plain).max() <= 2.5 and np.abs(together - plain).mean() < 0.6
    alone = [warp(images[i : i + 1], matrices[i : i + 1], border=border)[0] for i in range(6)]
    assert (together == np.stack(alone)).all()
