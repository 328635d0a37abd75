"""How much boxes overlap; all boxes are "xyxy" of one image, and one without area overlaps nothing."""

import math
from typing import Any

from keras import ops

from kerascnn import checks

KINDS = ("iou", "giou", "diou", "ciou")
FARTHEST = 1e30  # pixels, beyond all edges
LEAST = 1e-12  # what is divided by less is 0, with gradient 0


def iou(a: Any, b: Any) -> Any:
    """Intersection over union of each box of `a` `(..., n, 4)` with each of `b` `(..., m, 4)`: float32 `(..., n, m)`.

    >>> [round(float(value), 4) for value in iou([[0, 0, 10, 10]], [[0, 0, 10, 10], [5, 0, 15, 10]])[0]]
    [1.0, 0.3333]
    """
    a, b = ops.cast(a, "float32"), ops.cast(b, "float32")
    a, b = _edges(a[..., :, None, :]), _edges(b[..., None, :, :])
    return ops.divide_no_nan(*_shared(a, b, _size(a), _size(b)))


def overlap(a: Any, b: Any, kind: str = "iou") -> Any:
    """The overlap of each box of `a` `(..., 4)` with the one of `b` in the same place: float32 `(...)`.

    "iou" is in [0, 1]. The others are at most 1 and tell also how far boxes are apart that do not meet. "giou" takes
    away the share of the enclosing box that neither fills, and is above -1 (Rezatofighi et al. 2019,
    https://arxiv.org/abs/1902.09630). "diou" takes away the squared distance of the middles over the squared diagonal
    of the enclosing box, and "ciou" also the difference of the aspect ratios (Zheng et al. 2020,
    https://arxiv.org/abs/1911.08287, with its weight alpha taken as a constant). Gradients are finite for boxes without
    area too. Raises: ValueError for an unknown kind.

    >>> boxes = [[0, 0, 10, 10]], [[5, 0, 15, 10]]
    >>> [round(float(overlap(*boxes, kind)[0]), 4) for kind in ("iou", "giou", "diou", "ciou")]
    [0.3333, 0.3333, 0.2564, 0.2564]
    """
    checks.one_of("kind", kind, KINDS)
    a, b = (_uses(_edges(ops.cast(boxes, "float32"))) for boxes in (a, b))
    sizes = _size(next(a)), _size(next(b))
    area, union = _shared(next(a), next(b), *sizes)
    shared = _ratio(area, union)
    if kind == "iou":
        return shared
    width, height = _enclosing(next(a), next(b))
    if kind == "giou":
        area = width * height
        return shared - _ratio(area - union, area)
    a, b = next(a), next(b)
    apart = ops.square(a[0] + a[2] - b[0] - b[2]) + ops.square(a[1] + a[3] - b[1] - b[3])
    distance = _ratio(apart / 4, ops.square(width) + ops.square(height))
    return shared - distance - (_aspect(*sizes, shared) if kind == "ciou" else 0)


def _edges(boxes):
    return tuple(boxes[..., k] for k in range(4))


def _uses(edges):
    """The edges, each time made of those of the last time, so that no gradient is the sum of more than two.

    TensorFlow sums three and more in an order that depends on which thread was first (docs/pitfalls.md). A plain copy
    would be taken out of the graph, and the sums be made one.
    """
    while True:
        yield edges
        edges = tuple(ops.maximum(edge, -FARTHEST) for edge in edges)


def _shared(a, b, size_a, size_b):
    """The areas of intersection and union."""
    width = ops.maximum(ops.minimum(a[2], b[2]) - ops.maximum(a[0], b[0]), 0)
    height = ops.maximum(ops.minimum(a[3], b[3]) - ops.maximum(a[1], b[1]), 0)
    shared = width * height
    return shared, size_a[0] * size_a[1] + size_b[0] * size_b[1] - shared


def _size(box):
    left, top, right, bottom = box
    return ops.maximum(right - left, 0), ops.maximum(bottom - top, 0)


def _enclosing(a, b):
    width = ops.maximum(a[2], b[2]) - ops.minimum(a[0], b[0])
    height = ops.maximum(a[3], b[3]) - ops.minimum(a[1], b[1])
    return ops.maximum(width, 0), ops.maximum(height, 0)


def _aspect(a, b, shared):
    """alpha v of CIoU of two sizes; no area, no aspect ratio, and no gradient of it."""
    whole = ops.logical_and(a[0] * a[1] > LEAST, b[0] * b[1] > LEAST)
    angles = [ops.arctan(ops.where(whole, width, 1) / ops.where(whole, height, 1)) for width, height in (a, b)]
    v = ops.square(angles[0] - angles[1]) * (4 / math.pi**2)
    return ops.stop_gradient(_ratio(v, 1 - shared + v)) * v


def _ratio(part, whole):
    return part / ops.where(whole > LEAST, whole, math.inf)
