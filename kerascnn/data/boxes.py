"""The boxes of images: moved along when an image is resized, and packed so that all images have as many rows.

A row is left, top, right and bottom edge in pixels, from 0 at the image's left and top edge, and the class: an index,
-1 where there is no object, -2 - c for an object of class c that counts neither way.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kerascnn import checks
from kerascnn.data.images import RESIZES, letterboxed, middle

ABSENT = -1
"""The class of a row without an object."""
VISIBLE = 0.1
"""The share of a box's area from which it outlasts a crop."""


def fit_boxes(boxes, from_size, to_size, resize: str = "stretch") -> np.ndarray:
    """`boxes` on an image that `fit` has brought from `from_size` to `to_size`, sides or (height, width) in pixels.

    boxes: `(n, 4)`, or with more columns, which stay as they are, as the class. Boxes are cut off at the image's edges;
        of "crop" those are left out of which less than a tenth remains.
    Returns float32 `(n, ...)`. Raises ValueError for an unknown `resize`.

    >>> fit_boxes([[10, 0, 20, 40, 7]], (40, 80), 40, "letterbox").tolist()
    [[5.0, 10.0, 10.0, 30.0, 7.0]]
    >>> fit_boxes([[10, 0, 30, 40], [0, 0, 20, 40]], (40, 80), 40, "crop").tolist()
    [[0.0, 0.0, 10.0, 40.0]]
    """
    boxes = np.array(boxes, np.float64)
    boxes = boxes if boxes.ndim == 2 else boxes.reshape(-1, 4)
    scale, offset = _mapping(_pair(from_size), _pair(to_size), resize)
    moved = boxes[:, :4] * scale + offset
    boxes[:, :4] = clipped(moved, _pair(to_size))
    if resize == "crop":
        boxes = boxes[areas(boxes) >= VISIBLE * areas(moved)]
    return boxes.astype(np.float32)


def unfit_boxes(boxes, from_size, to_size, resize: str = "stretch") -> np.ndarray:
    """The inverse of `fit_boxes`: where `boxes` on the image of `to_size` lie on the one of `from_size`.

    boxes: `(..., 4)`, or with more columns, which stay as they are. They are cut off at the edges of the original, so
    that what lies in a letterbox's margins is gone. Returns float32 of the same shape.

    >>> unfit_boxes([[5, 10, 10, 30], [0, 0, 40, 40]], (40, 80), 40, "letterbox").tolist()
    [[10.0, 0.0, 20.0, 40.0], [0.0, 0.0, 80.0, 40.0]]
    """
    boxes = np.array(boxes, np.float64)
    scale, offset = _mapping(_pair(from_size), _pair(to_size), resize)
    boxes[..., :4] = clipped((boxes[..., :4] - offset) / scale, _pair(from_size))
    return boxes.astype(np.float32)


def clipped(boxes: np.ndarray, size) -> np.ndarray:
    """`boxes` `(..., 4)`, cut off at the edges of an image of `size` (height, width)."""
    height, width = size
    return np.clip(boxes, 0, (width, height, width, height))


def areas(boxes: np.ndarray) -> np.ndarray:
    """The pixels in each of `boxes` `(..., 4 or more)`; none in those that are the wrong way round."""
    return np.prod(np.maximum(boxes[..., 2:4] - boxes[..., :2], 0), axis=-1)


def packed(rows: Sequence[np.ndarray]) -> np.ndarray:
    """The `rows` `(m, 5)` of each image as one array `(n, most, 5)`, those without an object last.

    >>> packed([np.array([[0, 0, 8, 8, 2]]), np.empty((0, 5))])[..., 4].tolist()
    [[2.0], [-1.0]]
    """
    most = max(1, *map(len, rows)) if len(rows) else 1
    table = np.zeros((len(rows), most, 5), np.float32)
    table[..., 4] = ABSENT
    for image, objects in zip(table, rows, strict=True):
        image[: len(objects)] = objects
    return table


def single(table: np.ndarray) -> np.ndarray:
    """The one object of each image of `packed` rows, `(n, 5)`; here every object counts.

    >>> single(np.array([[[0, 0, 8, 8, 1]], [[0, 0, 8, 8, -2]]]))[:, 4].tolist()
    [1, 0]
    """
    rows = table[:, 0].copy()
    rows[:, 4] = counting(rows[:, 4])
    return rows


def counting(classes: np.ndarray) -> np.ndarray:
    """`classes` in which also those objects count that did not; no object stays -1.

    >>> counting(np.array([2, -1, -2, -3])).tolist()
    [2, -1, 0, 1]
    """
    return np.where(classes < ABSENT, ABSENT - 1 - classes, classes)


def count_objects(rows: np.ndarray, classes: int) -> np.ndarray:
    """How many objects of each of `classes` an image has, `(n, classes)` int64; `rows` `(n, most, 5)` or `(n, 5)`.

    >>> count_objects(np.array([[[0, 0, 8, 8, 1], [0, 0, 4, 4, 1], [0, 0, 4, 4, -2]]]), 2).tolist()
    [[0, 2]]
    """
    found = rows[..., 4].reshape(len(rows), -1).astype(np.int64)
    images, _ = counting = np.nonzero(found >= 0)
    flat = images * classes + found[counting]
    return np.bincount(flat, minlength=len(rows) * classes).reshape(len(rows), classes)


def _mapping(size, to_size, resize) -> tuple[np.ndarray, np.ndarray]:
    """The factor and the addend, each for four edges, that bring boxes from `size` to `to_size`, (height, width)."""
    checks.one_of("resize", resize, RESIZES)
    (height, width), (to_height, to_width) = size, to_size
    left, top, high, wide = 0, 0, to_height, to_width  # where the image comes to lie
    if resize == "letterbox":
        top, left, high, wide = letterboxed(size, to_height, to_width)
    if resize == "crop":
        edges = middle(size, to_height, to_width)
        high, wide = to_height * height / (edges[3] - edges[1]), to_width * width / (edges[2] - edges[0])
        left, top = -edges[0] * wide / width, -edges[1] * high / height
    return np.array([wide / width, high / height] * 2), np.array([left, top] * 2, np.float64)


def _pair(size) -> tuple[int, int]:
    return (size, size) if np.isscalar(size) else tuple(size)
