"""The choice of Soft-NMS: one pick of every row after the other."""

from typing import Any

from keras import ops

from kerascnn.boxes.greedy import smaller
from kerascnn.boxes.overlaps import iou
from kerascnn.boxes.rows import Rows


def soft_picks(rows: Rows, sigma: float, least: float, most: int, candidates: int | None = None) -> tuple[Any, Any]:
    """The boxes that each row picks, at most `most`, best first: places in `rows.table` and scores `(rows, most)`.

    Each pick multiplies the scores of the row's other boxes by exp(-IoU^2 / sigma); what is not above `least` then is
    out. Scores are those at the moment of the pick, -inf where there is none. At most `candidates` of the best of each
    row are looked at. Bodla et al. 2017, https://arxiv.org/abs/1704.04503
    """
    k = rows.boxes if candidates is None else smaller(candidates, rows.boxes)
    left, places = rows.best(k)
    boxes = ops.take(rows.table, places, axis=0)

    def pick(i, left, picked, scores):
        best = ops.argmax(left, axis=1)[:, None]
        here = ops.arange(most, dtype="int32") == i
        scores = ops.where(here, ops.take_along_axis(left, best, axis=1), scores)
        own = ops.take_along_axis(places, best, axis=1)
        overlap = iou(ops.take(rows.table, own, axis=0), boxes)[:, 0]
        left = left * ops.exp(-ops.square(overlap) / sigma)
        out = ops.logical_or(ops.equal(places, own), ~(left > least))
        return i + 1, ops.where(out, -float("inf"), left), ops.where(here, own, picked), scores

    def more(i, left, picked, scores):
        return ops.logical_and(i < most, ops.any(left > -float("inf")))

    nothing = ops.zeros((rows.count, most), "int32"), ops.full((rows.count, most), -float("inf"), "float32")
    return ops.while_loop(more, pick, (ops.zeros((), "int32"), left, *nothing))[2:]
