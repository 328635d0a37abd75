"""Which part of an image a class hangs on, by covering one part after the other."""

from itertools import product
from typing import Any

import keras
import numpy as np
from keras import ops

from kerascnn import checks
from kerascnn.inspect.scoring import asked, in_batches, scores_of


def occlusion(
    model: keras.Model,
    images: Any,
    classes: Any = None,
    *,
    size: int | None = None,
    stride: int | None = None,
    fill: Any = None,
) -> np.ndarray:
    """By how much the score of a class falls where a square is covered: `(n, height, width)`, in logits.

    Each pixel has the mean over the squares that cover it; where it is negative, what was covered spoke against the
    class (Zeiler and Fergus 2014, https://arxiv.org/abs/1311.2901). It needs no gradient, and asks the model once for
    each square. The last squares of a row or column lie flush with the border.

    Args:
        model: a classifier with one score a class, Functional or Sequential, also one of nested models.
        images: raw images as the model takes them, `(n, height, width, channels)` in 0..255.
        classes: one index for all images, or `(n,)`; None is the model's answer for each.
        size: of the square's side, in pixels; None is an eighth of the image's shorter side.
        stride: pixels from one square to the next, at most `size`; None is half of it.
        fill: what the square is painted with, a number in 0..255 or one a channel; None is the image's own mean.

    Raises: ValueError for a square larger than the image, a stride that would leave pixels out, a fill of other
    channels, and as `saliency`.

    >>> head = keras.layers.Dense(2, "softmax", kernel_initializer=keras.initializers.Constant(0.5))
    >>> model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), head])
    >>> float(occlusion(model, np.full((1, 4, 4, 1), 9), size=2, fill=0).max())  # four pixels of 9, each times 0.5
    18.0
    """
    model, images, classes = asked(model, images, classes)
    size, stride = _checked(size, stride, min(images.shape[1:3]))
    colours = _colours(fill, images)
    starts = [sorted({*range(0, length - size, stride), length - size}) for length in images.shape[1:3]]
    corners = np.array(list(product(*starts)))
    whole = in_batches(lambda part, wanted: scores_of(model, part, wanted), images, classes)
    found = [
        _mean_over(corners, size, each - _covered_scores(model, image, wanted, corners, size, colour), image.shape[:2])
        for image, wanted, colour, each in zip(images, classes, colours, whole, strict=True)
    ]
    return np.stack(found)


def _covered_scores(model, image, wanted, corners, size, colour) -> np.ndarray:
    """The score of the class for each corner of a square, `(corners,)`."""

    def part_of(part):
        covered = np.repeat(image[None], len(part), axis=0)
        for picture, (top, left) in zip(covered, part, strict=True):
            picture[top : top + size, left : left + size] = colour
        return scores_of(model, ops.convert_to_tensor(covered), np.repeat(wanted, len(part)))

    return in_batches(part_of, corners)


def _mean_over(corners, size, falls, shape) -> np.ndarray:
    """For each pixel the mean of the `falls` of the squares over it."""
    total, times = np.zeros((2, *shape), "float32")
    for (top, left), fall in zip(corners, falls, strict=True):
        total[top : top + size, left : left + size] += fall
        times[top : top + size, left : left + size] += 1
    return total / times


def _checked(size, stride, shortest) -> tuple[int, int]:
    size = max(1, round(shortest / 8)) if size is None else checks.positive_int("size", size)
    if size > shortest:
        raise ValueError(checks.message("size", f"be at most {shortest}, the images' shorter side", size))
    stride = max(1, size // 2) if stride is None else checks.positive_int("stride", stride)
    if stride > size:
        raise ValueError(checks.message("stride", f"be at most size={size}, or pixels are left out", stride))
    return size, stride


def _colours(fill, images) -> np.ndarray:
    """The colour of the square for each image, `(n, channels)`."""
    if fill is None:
        return images.mean(axis=(1, 2))
    count, channels = images.shape[0], images.shape[-1]
    if np.shape(fill) not in ((), (channels,)):
        raise ValueError(checks.message("fill", f"be a number or {channels} of them, one a channel", fill))
    return np.broadcast_to(np.asarray(fill, "float32"), (count, channels))
