import math

import cv2
import numpy as np
import pytest

from kerascnn.augmentation.crops import TRIES, RandomCrop, RandomResizedCrop
from kerascnn.augmentation.warp import warp

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (6, 9, 11, 3)).astype(np.uint8)


def torchvisions_window(u, height, width, scale, ratio):
    """torchvision.transforms.RandomResizedCrop.get_params, its draws taken from `u`."""
    for i in range(TRIES):
        area = height * width * (scale[0] + u[i] * (scale[1] - scale[0]))
        low, high = math.log(ratio[0]), math.log(ratio[1])
        aspect = math.exp(low + u[TRIES + i] * (high - low))
        w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            return int(u[-2] * (height - h + 1)), int(u[-1] * (width - w + 1)), h, w
    if width / height < min(ratio):
        w, h = width, round(width / min(ratio))
    elif width / height > max(ratio):
        h, w = height, round(height * max(ratio))
    else:
        w, h = width, height
    return (height - h) // 2, (width - w) // 2, h, w


@pytest.mark.parametrize("size", [(40, 40), (20, 60), (60, 20)])
@pytest.mark.parametrize(("scale", "ratio"), [((0.08, 1), (3 / 4, 4 / 3)), ((0.9, 1), (0.5, 0.6))])
def test_windows_are_torchvisions(size, scale, ratio):
    crop = RandomResizedCrop(scale=scale, ratio=ratio)
    u = np.random.default_rng(1).random((200, crop.draws))
    windows = np.stack(crop.windows(u, size, np), axis=-1)
    assert windows.tolist() == [list(torchvisions_window(row, *size, scale, ratio)) for row in u]


def test_the_fallback_is_reached():
    u = np.random.default_rng(1).random((50, 22))
    windows = np.stack(RandomResizedCrop(scale=(0.9, 1), ratio=(0.5, 0.6)).windows(u, (20, 60), np), axis=-1)
    assert (windows == [0, 24, 20, 12]).all()


def test_a_resized_crop_is_the_resized_window():
    crop = RandomResizedCrop((8, 6), scale=(0.2, 0.5))
    u = RNG.random((6, crop.draws))
    assert crop.output_size((9, 11)) == (8, 6) and RandomResizedCrop().output_size((9, 11)) == (9, 11)
    images = IMAGES.astype(np.float32)
    ours = warp(images, crop.matrices(u, (9, 11), np), (8, 6))
    for image, result, window in zip(images, ours, np.stack(crop.windows(u, (9, 11), np), -1).astype(int), strict=True):
        top, left, high, wide = window
        expected = cv2.resize(image[top : top + high, left : left + wide], (6, 8), interpolation=cv2.INTER_LINEAR)
        # beyond the window's outermost pixels a resize repeats them, a warp goes on into the image
        inner = np.s_[math.ceil(4 / high) : -math.ceil(4 / high), math.ceil(3 / wide) : -math.ceil(3 / wide)]
        np.testing.assert_allclose(result[inner], expected[inner], atol=8)  # OpenCV counts in 32nds of a pixel


def test_a_crop_is_a_window_of_the_padded_image_to_the_pixel():
    crop = RandomCrop((7, 10), padding=2)
    u = RNG.random((6, 2))
    ours = warp(IMAGES, crop.matrices(u, (9, 11), np), crop.output_size((9, 11)), "zero")
    padded = np.pad(IMAGES, ((0, 0), (2, 2), (2, 2), (0, 0)))
    tops, lefts = (u * (9 + 4 - 7 + 1, 11 + 4 - 10 + 1)).astype(int).T
    for image, result, top, left in zip(padded, ours, tops, lefts, strict=True):
        assert (result == image[top : top + 7, left : left + 10]).all()


def test_a_window_larger_than_the_image_holds_all_of_it():
    crop = RandomCrop(13)
    u = np.array([[0.0, 0.0], [0.999, 0.999]])
    ours = warp(IMAGES[:2], crop.matrices(u, (9, 11), np), (13, 13), "zero")
    places = [np.argwhere(result.any(-1)) for result in ours]
    assert [tuple(np.ptp(place, axis=0) + 1) for place in places] == [(9, 11)] * 2
    assert sorted(tuple(place.min(0)) for place in places) == [(0, 0), (4, 2)]


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: RandomCrop(0), "size"),
        (lambda: RandomCrop((3, 4, 3)), "size"),
        (lambda: RandomCrop(4, padding=-1), "padding"),
        (lambda: RandomResizedCrop("large"), "size"),
        (lambda: RandomResizedCrop(scale=(0, 1)), "scale"),
        (lambda: RandomResizedCrop(scale=0.5), "scale"),
        (lambda: RandomResizedCrop(ratio=(2, 1)), "ratio"),
    ],
)
def test_arguments_out_of_range_are_named(make, name):
    with pytest.raises(ValueError, match=f"`{name}` must be"):
        make()
