"""Non-maximum suppression, for a batch of images and all classes at once."""

from typing import Any

from keras import ops

from kerascnn import checks
from kerascnn.boxes.greedy import greedy
from kerascnn.boxes.rows import Rows
from kerascnn.boxes.soft import soft_picks


def suppressed(
    boxes: Any,
    scores: Any,
    *,
    iou: float = 0.5,
    score: float = 0.05,
    most: int = 100,
    most_each: int | None = None,
    soft: float | None = None,
    candidates: int | None = None,
) -> dict[str, Any]:
    """The boxes that are left when each has suppressed those of its class that it overlaps and that score less.

    `boxes` are `(batch, n, 4)` "xyxy", shared by the classes, `scores` `(batch, n, classes)`; only scores above `score`
    count. In each class the best box is kept, those whose IoU with it is above `iou` are dropped, and so on until
    `most_each` (default `most`) are kept; the `most` best of all classes are the answer. `candidates` bounds how many
    of the best boxes of each class are looked at; without it the answer is exact, that of
    `tf.image.combined_non_max_suppression`. With `soft`, the sigma of Soft-NMS, nothing is dropped: each kept box
    multiplies the scores of the others by exp(-IoU^2 / sigma), `iou` does not matter, and the scores of the answer are
    these (Bodla et al. 2017, https://arxiv.org/abs/1704.04503; sigma 0.5 there). Gradients do not flow.

    Returns a dict, best boxes first: "boxes" `(batch, most, 4)`, "scores" `(batch, most)`, both 0 in rows without a
    box, "classes" `(batch, most)` int32, -1 there, "count" `(batch,)` int32. Raises: ValueError for shapes and numbers
    that make no sense.

    >>> kept = suppressed([[[0, 0, 9, 9], [0, 0, 9, 8], [5, 5, 9, 9]]], [[[0.7], [0.9], [0.6]]], most=3)
    >>> [round(float(score), 2) for score in kept["scores"][0]], int(kept["count"][0])
    ([0.9, 0.6, 0.0], 2)
    """
    _check(iou, score, most, most_each, soft, candidates)
    rows = Rows.of(boxes, scores, score)
    each = min(most_each or most, rows.boxes) if isinstance(rows.boxes, int) else most_each or most
    if soft is None:
        indices, found = greedy(rows, iou, each, candidates)
    else:
        indices, found = soft_picks(rows, soft, score, each, candidates)
    return _merged(rows, indices, found, most)


def _check(iou, score, most, most_each, soft, candidates):
    checks.in_range("iou", iou, 0, 1)
    checks.in_range("score", score, -float("inf"), 1)
    checks.positive_int("most", most)
    for name, value in (("most_each", most_each), ("candidates", candidates)):
        if value is not None:
            checks.positive_int(name, value)
    if soft is not None:
        checks.in_range("soft", soft, 0, float("inf"), ends="()")


def _merged(rows, indices, scores, most):
    """The `most` best of all classes, from box indices and scores `(rows, each)`, the latter -inf where there is none.

    The indices are those of `rows.table`.
    """
    each, lack = indices.shape[-1], max(most - rows.classes * indices.shape[-1], 0)
    indices, scores = (ops.reshape(part, (rows.batch, rows.classes * each)) for part in (indices, scores))
    scores, place = ops.top_k(ops.pad(scores, [(0, 0), (0, lack)], constant_values=-float("inf")), most)
    present, place = scores > -float("inf"), ops.cast(place, "int32")
    indices = ops.take_along_axis(ops.pad(indices, [(0, 0), (0, lack)]), place, axis=1)
    return {
        "boxes": ops.where(present[..., None], ops.take(rows.table, indices, axis=0), 0),
        "scores": ops.where(present, scores, 0),
        "classes": ops.where(present, place // each, -1),
        "count": ops.sum(ops.cast(present, "int32"), axis=1),
    }
