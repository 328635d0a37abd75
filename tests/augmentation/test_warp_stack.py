import numpy as np
import pytest

from kerascnn.augmentation.warp import _interpolated, _together, warp
from kerascnn.augmentation.warp_stack import MOST_ROWS

BORDERS = ["reflect", "edge", "zero"]


def moves(n, shift=4.0):
    rng = np.random.default_rng(1)
    matrices = np.tile(np.eye(3), (n, 1, 1))
    matrices[:, :2, :2] += rng.uniform(-0.3, 0.3, (n, 2, 2))
    matrices[:, :2, 2] = rng.uniform(-shift, shift, (n, 2))
    return matrices


def noise(n, size, channels, dtype):
    return np.random.default_rng(0).integers(0, 256, (n, *size, channels)).astype(dtype)


def stacked(images, matrices, size=None, border="reflect", order="linear", fill=0):
    return _together(images, matrices, size or images.shape[1:3], border, order, fill, {})


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("channels", [1, 3, 4, 7])
@pytest.mark.parametrize(("dtype", "most"), [(np.uint8, 1), (np.float32, 0.2)])
@pytest.mark.parametrize("size", [(15, 22), (9, 31)])
def test_a_stack_gives_what_single_images_give(border, channels, dtype, most, size):
    images, matrices = noise(6, (15, 22), channels, dtype), moves(6)
    single = _interpolated(images, matrices, size, border, None, "linear", 7)
    together = stacked(images, matrices, size, border, fill=7)
    assert together.dtype == dtype and together.shape == single.shape
    assert np.abs(together.astype(float) - single).max() <= most


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("dtype", [np.uint8, np.int32])
def test_masks_differ_only_between_equally_near_pixels(border, dtype):
    masks, matrices = noise(100, (32, 20), 1, dtype), moves(100)
    single = _interpolated(masks, matrices, (32, 20), border, None, "nearest", 255)
    together = stacked(masks, matrices, border=border, order="nearest", fill=255)
    assert together.dtype == dtype and (together != single).mean() < 0.002  # whose places OpenCV rounds


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize(("order", "dtype"), [("linear", np.float32), ("linear", np.uint8), ("nearest", np.int32)])
def test_an_image_becomes_the_same_alone_and_in_any_of_several_stacks(border, order, dtype):
    images, matrices = noise(150, (15, 18), 3, dtype), moves(150)
    assert len(images) * 15 > 2 * MOST_ROWS
    options = {"border": border, "order": order, "fill": 9}
    alone = [warp(images[i : i + 1], matrices[i : i + 1], **options)[0] for i in range(150)]
    np.testing.assert_array_equal(warp(images, matrices, **options), alone)


@pytest.mark.parametrize("order", ["linear", "nearest"])
@pytest.mark.parametrize("shift", [4, 500])
@pytest.mark.parametrize("size", [(15, 18), (1, 5), (5, 1)])
def test_neighbours_do_not_show(order, shift, size):
    levels = np.arange(150, dtype=np.float32).reshape(-1, 1, 1, 1)
    images, matrices = np.tile(levels, (1, *size, 1)), moves(150, shift)
    for border in BORDERS[:2]:
        np.testing.assert_array_equal(warp(images, matrices, border=border, order=order), images)
    framed = warp(images, matrices, border="zero", order=order, fill=200)
    assert (framed >= images).all() and (framed <= 200).all()
    assert order == "linear" or ((framed == images) | (framed == 200)).all()


def test_places_far_outside_are_mirrored_as_often_as_it_takes():
    row = np.array([0, 10, 20], np.float32).reshape(1, 1, 3, 1)
    shifts = np.tile(np.eye(3), (9, 1, 1))
    shifts[:, 0, 2] = np.arange(9) - 0.5
    first = warp(np.tile(row, (9, 1, 1, 1)), shifts)[:, 0, 0, 0]
    assert first.tolist() == [5, 5, 15, 15, 5, 5, 15, 15, 5]


def test_of_two_equally_near_pixels_the_later_one_is_taken():
    masks = np.tile(np.arange(5, dtype=np.uint8)[:, None, None], (40, 1, 4, 1))  # an odd number of rows
    half = np.tile(np.eye(3), (40, 1, 1))
    half[:, 1, 2] = -0.5
    assert (warp(masks, half, border="edge", order="nearest") == np.array([1, 2, 3, 4, 4])[:, None, None]).all()


def test_what_is_known_serves_the_same_matrices_only():
    images, matrices, known = noise(4, (12, 12), 3, np.uint8), moves(4), {}
    for own in (matrices, matrices, matrices[::-1]):
        np.testing.assert_array_equal(warp(images, own, known=known), warp(images, own))


def test_fills_are_as_near_as_the_type_has():
    masks = np.ones((1, 4, 4, 1), np.int8)
    shift = np.array([[[1, 0, 1.2], [0, 1, 0], [0, 0, 1]]])
    assert warp(masks, shift, border="zero", order="nearest", fill=255)[0, 0, :, 0].tolist() == [127, 1, 1, 1]


def test_no_images_give_none():
    assert stacked(noise(0, (8, 8), 3, np.uint8), moves(0)).shape == (0, 8, 8, 3)
