"""Which place of a network answers for which object, by what it predicts there."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from kerascnn import checks
from kerascnn.boxes.indicators import indicators
from kerascnn.boxes.overlaps import iou

NEVER = -1e30  # the logarithm of the alignment where a place does not stand for an object
TINY = 1e-9


class Assigned(NamedTuple):
    """What each of n places is to learn.

    `truth` `(batch, n)`, int32: the row of its object; `targets` `(batch, n, classes)`: what its class scores should
    be, 0..1; `mask` `(batch, n)`: whether it has an object at all. `truth` says nothing where `mask` is False.
    """

    truth: Any
    targets: Any
    mask: Any


def cell_centres(image_size: tuple[int, int], strides: Sequence[int]) -> np.ndarray:
    """The centres (x, y) in pixels of all cells of all levels, `(n, 2)` float32: finest level first, row by row.

    `image_size` is (height, width); the network pads it to a multiple of the largest stride.

    >>> cell_centres((10, 16), (8, 16)).tolist()
    [[4.0, 4.0], [12.0, 4.0], [4.0, 12.0], [12.0, 12.0], [8.0, 8.0]]
    """
    largest = max(strides)
    height, width = (largest * math.ceil(side / largest) for side in image_size)
    levels = []
    for stride in sorted(strides):
        y, x = np.mgrid[stride / 2 : height : stride, stride / 2 : width : stride]
        levels.append(np.stack([x, y], -1).reshape(-1, 2))
    return np.concatenate(levels).astype("float32")


def task_aligned(
    truth_boxes: Any,
    truth_classes: Any,
    boxes: Any,
    scores: Any,
    centres: Any,
    *,
    best: int = 10,
    alpha: float = 0.5,
    beta: float = 6.0,
) -> Assigned:
    """Gives each object the places that find it best already, by `score**alpha * IoU**beta`, their alignment.

    Those with their centre inside the object compete, or, where it lies between all centres, the one nearest to it; the
    `best` are taken, and more only if they are exactly as good. A place that two objects take goes to the one that it
    overlaps more. The target of its class is its alignment, scaled so that the best place of an object has the IoU
    that the best has. No gradient flows. Feng et al. 2021 (TOOD), https://arxiv.org/abs/2108.07755

    Args:
        truth_boxes: `(batch, m, 4)`, xyxy in pixels.
        truth_classes: `(batch, m)`; rows below 0 are no objects.
        boxes: `(batch, n, 4)`, predicted.
        scores: `(batch, n, classes)`, predicted, in 0..1.
        centres: `(n, 2)`, as `cell_centres` gives them.
        best: places an object.
        alpha: exponent of the score.
        beta: exponent of the IoU.
    """
    checks.positive_int("best", best)
    truth_boxes, boxes, scores = (ops.stop_gradient(each) for each in (truth_boxes, boxes, scores))
    labels = indicators(truth_classes, scores.shape[-1], scores.dtype)
    overlaps = iou(truth_boxes, boxes)
    matching = ops.einsum("bmc,bnc->bmn", labels, scores)
    alignment = alpha * ops.log(matching + TINY) + beta * ops.log(overlaps + TINY)
    present = ops.expand_dims(truth_classes >= 0, -1)
    alignment = ops.where(ops.logical_and(present, _stands_for(truth_boxes, centres)), alignment, NEVER)
    taken = _chosen(alignment, min(best, boxes.shape[1] or best))
    contested = ops.where(taken, overlaps, -1.0)
    truth = ops.argmax(contested, axis=1)
    mask = ops.any(taken, axis=1)
    own = ops.equal(ops.expand_dims(truth, 1), ops.expand_dims(ops.arange(truth_boxes.shape[1], dtype=truth.dtype), -1))
    alignment = ops.where(ops.logical_and(taken, own), alignment, NEVER)
    highest = ops.max(ops.where(ops.logical_and(taken, own), overlaps, 0.0), axis=2, keepdims=True)
    scaled = ops.exp(alignment - ops.max(alignment, axis=2, keepdims=True)) * highest
    weights = ops.max(ops.where(alignment > NEVER / 2, scaled, 0.0), axis=1)  # of the one object that a place has
    classes = ops.take_along_axis(labels, ops.expand_dims(truth, -1), axis=1)
    return Assigned(ops.cast(truth, "int32"), classes * ops.expand_dims(weights, -1), mask)


def _stands_for(truth_boxes: Any, centres: Any) -> Any:
    """Whether a centre is inside a box, or outside by the least that any is, `(batch, m, n)`."""
    left, top, right, bottom = ops.split(truth_boxes, 4, axis=-1)
    x, y = (ops.reshape(ops.convert_to_tensor(centres[:, axis], truth_boxes.dtype), (1, 1, -1)) for axis in (0, 1))
    depth = ops.minimum(ops.minimum(x - left, right - x), ops.minimum(y - top, bottom - y))
    return depth >= ops.minimum(ops.max(depth, axis=2, keepdims=True), TINY)


def _chosen(alignment: Any, best: int) -> Any:
    """Whether a place is among the `best` of an object, `(batch, m, n)`."""
    least = ops.top_k(alignment, best)[0][..., -1:]
    return ops.logical_and(alignment >= least, alignment > NEVER / 2)
