"""What belongs to an image moves with it: masks, other images, boxes and key points; classes may change in the mirror.

Written once for both places where a pipeline runs: `backend` is `host` or `graph`, `xp` its array library.
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral

import numpy as np

from kerascnn import checks

HORIZON = 1e-6  # the least scale of a point under perspective; from there on it is as good as infinitely far


def move(
    batch, matrices, before, size, backend, *, border="reflect", ignore=255, min_visible=0.1, field=None, known=None
) -> dict:
    """The targets of `batch`, moved by `matrices` from images of size `before` to images of `size`, (height, width).

    Everything but "images" is returned:

    - "segmentation_masks" `(n, h, w)` or `(n, h, w, k)` are warped like the images, `field` included, to the nearest
      pixel; `border` "zero" gives `ignore` where nothing was.
    - "target_images" are warped as the images are, between pixels too; nothing else changes them.
    - "bounding_boxes" become the upright rectangles around their moved corners, cut at the edges of the image. Of less
      than `min_visible` (a share of the area) in it, the box becomes 0 and its label -1.
    - "keypoints" `(n, m, 2)`, where (0, 0) is the middle of the first pixel, become (-1, -1) if outside the image.

    `known` is that of `backend.warp`.
    """
    moved = {kind: target for kind, target in batch.items() if kind != "images"}
    if "segmentation_masks" in moved:
        masks = moved["segmentation_masks"]
        layers = masks if len(masks.shape) == 4 else masks[..., None]
        options = {"order": "nearest", "fill": ignore, "known": known}
        layers = backend.warp(layers, matrices, size, border, field=field, **options)
        moved["segmentation_masks"] = layers if len(masks.shape) == 4 else layers[..., 0]
    if "target_images" in moved:
        moved["target_images"] = backend.warp(moved["target_images"], matrices, size, border, field=field, known=known)
    if "bounding_boxes" in moved:
        moved["bounding_boxes"] = _boxes(moved["bounding_boxes"], matrices, before, size, min_visible, backend.np)
    if "keypoints" in moved:
        moved["keypoints"] = _keypoints(moved["keypoints"], matrices, before, size, backend.np)
    return moved


def _boxes(entry, matrices, before, after, min_visible, xp):
    """Boxes and labels, moved; a box that reaches behind the horizon is infinitely large, so hardly visible."""
    sides = xp.transpose(entry["boxes"], (2, 1, 0))
    corners = (xp.take(sides, order, axis=0) for order in ([0, 2, 2, 0], [1, 1, 3, 3]))
    x, y, _ = _project(*corners, matrices, before, after, xp)
    ends = [xp.transpose(function(each, axis=0)) for function in (xp.min, xp.max) for each in (x, y)]
    return cut(entry, ends, (0, 0, *after[::-1]), min_visible, xp)


def cut(entry, ends, limits, min_visible, xp) -> dict:
    """`entry`, boxes and labels, with the boxes of `ends` (left, top, right, bottom) cut off at the same of `limits`.

    Ends are `(n, m)`, limits numbers or `(n, 1)`. A box of which less than `min_visible` of the area remains becomes 0
    and its label -1, as are those that are not there.
    """
    bounds = zip(ends, limits[:2] * 2, limits[2:] * 2, strict=True)
    inside = [xp.minimum(xp.maximum(end, low), high) for end, low, high in bounds]
    visible, area = _area(*inside), _area(*ends)
    kept = (entry["labels"] >= 0) & (visible > 0) & (visible >= min_visible * area)
    boxes = xp.where(kept[..., None], xp.stack(inside, -1), xp.zeros_like(entry["boxes"]))
    return {**entry, "boxes": boxes, "labels": xp.where(kept, entry["labels"], xp.full_like(entry["labels"], -1))}


def _area(left, top, right, bottom):
    return (right - left) * (bottom - top)


def _keypoints(points, matrices, before, after, xp):
    """Key points, moved. They count from the middle of the first pixel, boxes from its corner: half a pixel apart."""
    x, y = (xp.transpose(points[..., i]) + 0.5 for i in range(2))
    there = _within(x, y, before)
    x, y, ahead = _project(x, y, matrices, before, after, xp)
    kept = xp.transpose(there & ahead & _within(x, y, after))
    placed = xp.stack([xp.transpose(x) - 0.5, xp.transpose(y) - 0.5], -1)
    return xp.where(kept[..., None], placed, xp.full_like(points, -1))


def _within(x, y, size):
    return (x >= 0) & (x < size[1]) & (y >= 0) & (y < size[0])


def _project(x, y, matrices, before, after, xp):
    """Where points `(..., n)` go, both from the corner of their image, and whether they lie before the horizon.

    The images stand last, so that NumPy goes along them in one loop: twice as fast.
    """
    matrices = xp.transpose(xp.array(matrices, dtype="float32"), (1, 2, 0))
    x, y = x - before[1] / 2, y - before[0] / 2
    x, y, scale = (matrices[i, 0] * x + matrices[i, 1] * y + matrices[i, 2] for i in range(3))
    ahead, scale = scale > HORIZON, xp.maximum(scale, HORIZON)
    return x / scale + after[1] / 2, y / scale + after[0] / 2, ahead


def swap(batch, flipped, mapping: Mapping[int, int], xp=np) -> dict:
    """`batch` with the classes of `mapping` exchanged, both ways, in the examples that are `flipped` `(n,)`.

    That is in labels, whole numbers `(n,)` or shares `(n, classes)`, in masks and in the labels of boxes. Raises
    ValueError if `mapping` holds names: those are known to `prepared` only.

    >>> swap({"labels": np.array([0, 1, 2, 0])}, np.array([True, True, True, False]), {0: 1})["labels"].tolist()
    [1, 0, 2, 0]
    """
    mapping = both_ways(mapping)
    if not all(isinstance(index, Integral) for index in mapping):
        rule = "hold indices of classes where their names are not known"
        raise ValueError(checks.message("swap", rule, mapping, "Give the pipeline the class names by `prepared`."))
    swapped = dict(batch)
    if "labels" in batch:
        exchange = _exchange_columns if len(batch["labels"].shape) == 2 else _exchange
        swapped["labels"] = exchange(batch["labels"], flipped, mapping, xp)
    if "segmentation_masks" in batch:
        swapped["segmentation_masks"] = _exchange(batch["segmentation_masks"], flipped, mapping, xp)
    if "bounding_boxes" in batch:
        boxes = batch["bounding_boxes"]
        swapped["bounding_boxes"] = {**boxes, "labels": _exchange(boxes["labels"], flipped, mapping, xp)}
    return swapped


def _exchange(classes, flipped, mapping, xp):
    """One of a pair xor their bitwise difference is the other: five times as fast on masks as to choose by `where`."""
    flipped = xp.reshape(flipped, (-1,) + (1,) * (len(classes.shape) - 1))
    exchanged, zero = classes, xp.zeros_like(classes[..., :1])
    for one, other in mapping.items():
        if one < other:
            hit = flipped & ((classes == one) | (classes == other))
            exchanged = xp.bitwise_xor(exchanged, xp.multiply(hit, zero + (one ^ other)))
    return exchanged


def _exchange_columns(shares, flipped, mapping, xp):
    order = np.array([mapping.get(index, index) for index in range(shares.shape[1])])
    return xp.where(flipped[:, None], xp.take(shares, order, axis=1), shares)


def both_ways(mapping: Mapping) -> dict:
    """`mapping` and its inverse; raises ValueError if one is mapped to two others or to itself.

    >>> both_ways({"left": "right"})
    {'left': 'right', 'right': 'left'}
    """
    both = {}
    for one, other in mapping.items():
        if one == other or both.get(one, other) != other or both.get(other, one) != one:
            rule = "be a dict of pairs of different classes, each in one pair"
            raise ValueError(checks.message("swap", rule, dict(mapping), "Pass swap={'left hand': 'right hand'}."))
        both |= {one: other, other: one}
    return both
