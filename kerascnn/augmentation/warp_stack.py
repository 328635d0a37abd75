"""Small images moved many at a time, as a stack: a call of OpenCV for each costs more than its pixels do."""

import numpy as np

MOST_ROWS = 1024  # of a stack: float32 knows places in it to 2**-14
FINE = 2.0**-14  # of a pixel
ROUND = np.float32(768)  # a number below 256, once this is added, is a multiple of FINE
MOST_CHANNELS = 4  # that OpenCV takes at once


def places(inverses, before, size, border) -> np.ndarray:
    """Where `warp_stack` finds each pixel: `(2, n, height, width)` float32, x and y in the image's stack.

    `inverses` `(n, 2, 3)` take a pixel `(x, y, 1)` of the result of `size` to a place in the image of size `before`. No
    place depends on the other images, nor, but for whole rows, on how many there are.
    """
    lines, last = inverses.transpose(1, 0, 2), np.array(before[::-1], np.float32)[:, None, None] - 1
    if border == "reflect":  # counted from the last pixel until they are mirrored there
        lines = np.concatenate([-lines[..., :2], last - lines[..., 2:]], axis=2)
    lines, grid = _rounded(lines, size), _grid(size)
    found = np.matmul(lines.reshape(-1, 3), grid).reshape(2, -1, grid.shape[1])
    rows, starts = before[0], np.zeros((2, found.shape[1], 1), np.float32)
    if border == "reflect":
        corners = lines @ grid[:, (0, size[1] - 1, -size[1], -1)]
        _mirror(found, last, far=(np.abs(corners) > 2 * last).any())
    elif border == "edge":
        np.clip(found, 0, last, out=found)
    else:  # `warp_stack` frames the images
        rows, starts = rows + 2, starts + 1
        np.clip(found, -1, last + 1, out=found)
    starts[1, :, 0] += np.arange(found.shape[1]) % _images(rows, size[0]) * rows
    found[1] += ROUND  # without which a place would be rounded as its number in the stack has it
    starts[1] -= ROUND
    return np.add(found, starts, out=found).reshape(2, -1, *size)


def warp_stack(images, places, border, order, fill) -> np.ndarray:
    """As `warp`, the pixels taken from the `places` found for this `border`."""
    images = _framed(images, fill) if border == "zero" else images
    (n, rows, _, channels), size = images.shape, places.shape[2:]
    out, most = np.empty((n, *size, channels), images.dtype), _images(rows, size[0])
    for first in range(0, n, most):
        part = np.s_[first : first + most]
        x, y = _ready(places[:, part], order).reshape(2, -1, size[1])
        for channel in range(0, channels, MOST_CHANNELS):
            some = np.s_[part, ..., channel : channel + MOST_CHANNELS]
            out[some] = _taken(images[some], x, y, order).reshape(out[some].shape)
    return out


def _ready(places, order):
    return places + np.float32(FINE) if order == "nearest" else places  # of two pixels as near the later one


def _images(rows, rows_of_result):
    """How many make a stack."""
    return MOST_ROWS // max(rows, rows_of_result)


def _rounded(lines, size):
    """`lines` `(2, n, 3)` in float32, such that places come out without error, in whatever order BLAS adds."""
    reach = np.abs(lines) @ (size[1], size[0], 1)
    unit = np.ldexp(1.0, np.frexp(reach)[1] - 23)[..., None]
    return (np.rint(lines / unit) * unit).astype(np.float32)


def _grid(size):
    """The pixels of a result, `(3, height * width)`, as columns `(x, y, 1)`."""
    y, x = np.indices(size, np.float32).reshape(2, -1)
    return np.stack([x, y, np.ones_like(x)])


def _mirror(found, last, far):
    """Places counted from the last pixel become, in place, those inside counted from the first.

    `far` says if some lie farther out than the image is long.
    """
    np.abs(found, out=found)
    if far:
        np.fmod(found, np.maximum(2 * last, 1), out=found)
        np.minimum(found, 2 * last, out=found)  # 0 where an image has one row or column
    np.abs(np.subtract(last, found, out=found), out=found)


def _framed(images, fill):
    """The images with one pixel of `fill` all around each, as near to it as their type has."""
    n, height, width, channels = images.shape
    if images.dtype.kind in "iu":
        fill = np.clip(fill, np.iinfo(images.dtype).min, np.iinfo(images.dtype).max)
    framed = np.full((n, height + 2, width + 2, channels), fill, images.dtype)
    framed[:, 1:-1, 1:-1] = images
    return framed


def _taken(images, x, y, order):
    import cv2

    n, height, width, channels = images.shape
    stack = np.ascontiguousarray(images).reshape(n * height, width, channels)
    if order == "nearest":
        return cv2.remap(stack, x, y, cv2.INTER_NEAREST)
    if channels != 3:
        return cv2.remap(stack, x, y, cv2.INTER_LINEAR)
    four = cv2.remap(cv2.cvtColor(stack, cv2.COLOR_RGB2RGBA), x, y, cv2.INTER_LINEAR)  # twice as fast as three
    return cv2.cvtColor(four, cv2.COLOR_RGBA2RGB)
