"""Which triplets of a batch count, and the sum over all of them with memory for pairs only.

A triplet is an anchor, a positive of its class and a negative of another. Its gap is d(anchor, negative) minus
d(anchor, positive), so that a loss is small where gaps are large. The loop goes over the positives: in its k-th turn
each anchor meets the k-th other example of its class, and all negatives at once. That is `(b, b)` a turn, and as many
turns as the largest class has positives.
"""

from collections.abc import Callable
from typing import Any

from keras import ops

from kerascnn.layers.distances import between, unit
from kerascnn.losses.metric.batch import masked_mean, pair_masks

CATEGORIES: dict[str, Callable[[Any, float], Any]] = {
    "all": lambda gap, margin: ops.ones_like(gap, dtype="bool"),
    "easy": lambda gap, margin: gap >= margin,
    "semi-hard": lambda gap, margin: ops.logical_and(gap > 0, gap < margin),
    "hard": lambda gap, margin: gap <= 0,
}
ROWS = 256  # anchors that are compared with the whole batch at a time
Weigh = Callable[[Any], Any]  # gap (b, b) -> weight of the triplets, at least 0
Price = Callable[[Any], tuple[Any, Any]]  # gap -> cost, and by how much it falls where the gap grows


def hinge(gap: Any, margin: float) -> tuple[Any, Any]:
    """max(margin - gap, 0)."""
    return ops.maximum(margin - gap, 0.0), ops.cast(gap < margin, gap.dtype)


def soft_margin(gap: Any) -> tuple[Any, Any]:
    """ln(1 + exp(-gap)), a hinge without a corner."""
    return ops.softplus(-gap), ops.sigmoid(-gap)


def all_positives(
    distances: Any, labels: Any, weigh: Weigh, price: Price, *, hardest: bool = False, active: bool = True
) -> Any:
    """The mean cost of the triplets of a batch, weighted; 0 where there is none.

    The loop is no part of the gradient: it counts how much each distance weighs in the sum, which is exact for first
    derivatives. With `hardest`, of the negatives of an anchor and positive that have a weight only the nearest counts.
    With `active`, triplets of cost 0 are left out of the mean.
    """
    fixed = ops.stop_gradient(distances)
    sums = _sums(fixed, labels, weigh, price, hardest, active)
    cost, count, slopes = (ops.stop_gradient(each) for each in sums)
    return ops.divide_no_nan(cost + ops.sum(slopes * (distances - fixed)), count)


def hardest_of_batch(embeddings: Any, labels: Any, kind: str, price: Price, *, active: bool = True) -> Any:
    """The mean cost over the anchors, each with its farthest positive and its nearest negative.

    All distances are only looked at; gradients go through those of the chosen, of which there are two an anchor.
    """
    anchors = ops.arange(ops.shape(labels)[0])
    farthest, nearest = _extremes(ops.stop_gradient(unit(embeddings) if kind == "cosine" else embeddings), labels)
    positives, negatives = (ops.take(embeddings, chosen, axis=0) for chosen in (farthest, nearest))
    cost, _ = price(between(embeddings, negatives, kind) - between(embeddings, positives, kind))
    of_class, of_others = (ops.equal(ops.take(labels, chosen), labels) for chosen in (farthest, nearest))
    counts = ops.logical_and(ops.logical_and(of_class, farthest != anchors), ops.logical_not(of_others))
    return masked_mean(cost, ops.logical_and(counts, cost > 0) if active else counts)


def _extremes(x: Any, labels: Any) -> tuple[Any, Any]:
    """Of each example the farthest of its class and the nearest of another, `(b,)` each; any where there is none.

    Rows of `ROWS` anchors at a time, so that memory is O(batch). Squared distances less the anchor's own length are
    one product of `x` and -2x, with a 1 and the other's squared length behind them.
    """
    size, lengths = ops.shape(labels)[0], ops.sum(x * x, axis=1, keepdims=True)
    left = ops.concatenate([x, ops.ones_like(lengths)], axis=1)
    right = ops.transpose(ops.concatenate([-2 * x, lengths], axis=1))
    columns = ops.arange(size)

    def look(rows):
        order = ops.matmul(ops.take(left, rows, axis=0), right)
        equal = ops.equal(ops.take(labels, rows)[:, None], labels[None, :])
        same = ops.logical_and(equal, rows[:, None] != columns[None, :])
        farthest = ops.argmax(ops.where(same, order, -float("inf")), axis=1)
        return farthest, ops.argmin(ops.where(equal, float("inf"), order), axis=1)

    blocks = -(-size // ROWS)
    rows = ops.reshape(ops.minimum(ops.arange(blocks * ROWS), size - 1), (blocks, ROWS))  # the last one filled up
    return tuple(ops.cast(ops.reshape(chosen, (-1,))[:size], columns.dtype) for chosen in ops.map(look, rows))


def _sums(fixed, labels, weigh, price, hardest, active):
    """Cost and weight of all triplets, and what each distance adds to the cost, `(b, b)`."""
    partner_of, turns = _positives(labels)
    different = pair_masks(labels)[1]
    columns = ops.arange(ops.shape(labels)[0])[None, :]

    def turn(k, cost, count, slopes):
        partner, exists = partner_of(k)
        gap = fixed - _at(fixed, partner)
        weight = ops.where(ops.logical_and(different, exists), ops.cast(weigh(gap), gap.dtype), 0.0)
        weight = _nearest(weight, gap, columns) if hardest else weight
        each, slope = price(gap)
        counted = ops.where(each > 0, weight, 0.0) if active else weight
        slope = weight * slope
        slopes += ops.where(columns == partner[:, None], ops.sum(slope, axis=1, keepdims=True), -slope)
        return k + 1, cost + ops.sum(weight * each), count + ops.sum(counted), slopes

    zero = ops.sum(ops.zeros_like(fixed[:1, :1]))
    start = (ops.ones_like(turns), zero, zero, ops.zeros_like(fixed))
    return ops.while_loop(lambda k, *_: k < turns, turn, start)[1:]


def _positives(labels):
    """A function k -> the k-th next of each example in its class, going round, and whether it has so many; and the end.

    Sorted by label, a class is one run of places.
    """
    order = ops.argsort(labels)
    place = ops.argsort(order)
    first = ops.sum(ops.cast(labels[None, :] < labels[:, None], place.dtype), axis=1)
    size = ops.sum(ops.cast(labels[None, :] == labels[:, None], place.dtype), axis=1)

    def partner_of(k):
        return ops.take(order, first + (place - first + k) % size), (k < size)[:, None]

    return partner_of, ops.max(size)


def _nearest(weight, gap, columns):
    """The weight of the least gap in each row, among those that have one."""
    least = ops.argmin(ops.where(weight > 0, gap, float("inf")), axis=1)
    return ops.where(columns == ops.cast(least, columns.dtype)[:, None], weight, 0.0)


def _at(distances, columns):
    """One of each row, `(b, 1)`."""
    return ops.take_along_axis(distances, ops.cast(columns, "int32")[:, None], axis=1)
