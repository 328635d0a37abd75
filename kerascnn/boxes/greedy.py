"""The greedy choice of non-maximum suppression, in blocks of sorted candidates.

A block of candidates is compared with the boxes kept so far and with itself. Within a block the greedy choice is the
one fixed point of "kept is what no better one that is kept suppresses": a few sweeps, in which all rows take part.
Mostly the first block is enough, so that only few candidates are sorted at first.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from kerascnn.boxes.overlaps import iou
from kerascnn.boxes.rows import Rows

FIRST = (64, 256)  # the smallest and the largest first block
BLOCK = 64  # candidates in each of the others
GROWTH = 4  # times the first block are sorted for rows that need more; then all
TOGETHER = 32  # rows at a time: what is computed of them stays in the cache, and they end sooner than all would


def greedy(rows: Rows, threshold: float, most: int, candidates: int | None = None) -> tuple[Any, Any]:
    """The boxes that each row keeps, at most `most`, best first: places in `rows.table` and scores `(rows, most)`.

    A box is dropped if its IoU with a better one that is kept is above `threshold`. Scores are -inf where there is no
    box. At most `candidates` of the best of each row are looked at.
    """
    limit = rows.boxes if candidates is None else smaller(candidates, rows.boxes)
    groups = -(-rows.count // TOGETHER)
    together = -(-rows.count // groups)

    def go_on(done, *found):
        numbers = ops.minimum(done, rows.count - together) + ops.arange(together, dtype="int32")
        new = _Search(rows.some(numbers), threshold, most).run(limit)
        found = (ops.scatter_update(*each) for each in zip(found, 2 * [numbers[:, None]], new, strict=True))
        return done + together, *found

    nothing = ops.zeros((rows.count, most), "int32"), ops.full((rows.count, most), -float("inf"), "float32")
    return ops.while_loop(lambda done, *found: done < rows.count, go_on, (ops.zeros((), "int32"), *nothing))[1:]


def smaller(a: Any, b: Any) -> Any:
    """The smaller one of two numbers, of which one may be known only when a graph runs."""
    return min(a, b) if isinstance(a, int) and isinstance(b, int) else ops.minimum(a, b)


@dataclass(frozen=True)
class _Search:
    """Its state: candidates done; places and scores of what is kept; how many are kept; which rows have ended.

    Places and scores are `(rows, most + 1)`; the last column is for what is thrown away.
    """

    rows: Rows
    threshold: float
    most: int

    def run(self, limit):
        """Places and scores of what is kept, `(rows, most)`, of the `limit` best candidates."""
        first = min(max(FIRST[0], -(-self.most * 5 // 4 // BLOCK) * BLOCK), FIRST[1])
        state = self._step(self._start(), self._pool(smaller(first, limit), first), first, alone=True)
        if not (isinstance(limit, int) and limit <= first):
            for size in (smaller(first * GROWTH, limit), limit):
                state = self._go_on(state, size)
        return tuple(part[:, : self.most] for part in state[1:3])

    def _start(self):
        kept = ops.zeros((self.rows.count, self.most + 1), "int32")
        scores = ops.full((self.rows.count, self.most + 1), -float("inf"), "float32")
        none = ops.zeros((self.rows.count,), "int32")
        return ops.zeros((), "int32"), kept, scores, none, none > 0

    def _go_on(self, state, size):
        """The state after the `size` best candidates, or earlier if no row needs more."""

        def work():
            pool = self._pool(size, BLOCK)
            return ops.while_loop(
                lambda done, *rest: ops.logical_and(done < size, ops.any(~rest[-1])),
                lambda *state: self._step(state, pool, BLOCK),
                state,
            )

        return ops.cond(ops.any(~state[-1]), work, lambda: state)

    def _pool(self, size, block):
        """Scores and places of the `size` best of each row, and as many without a box as fill the last block."""
        scores, places = self.rows.best(size)
        lack = -size % block
        if isinstance(lack, int) and not lack:
            return scores, places
        none = ops.full((self.rows.count, lack), -float("inf"), "float32")
        return ops.concatenate([scores, none], axis=1), ops.concatenate([places, ops.zeros_like(none, "int32")], axis=1)

    def _step(self, state, pool, block, alone=False):
        """The state after one more block; the first is `alone`: nothing is kept yet."""
        done, kept, kept_scores, count, _ = state
        scores, places = (ops.slice(part, (0, done), (self.rows.count, block)) for part in pool)
        boxes, alive = ops.take(self.rows.table, places, axis=0), scores > -float("inf")
        if not alone:
            alive = ops.logical_and(alive, ops.max(iou(boxes, self._boxes(kept, count)), axis=-1) <= self.threshold)
        keep = _fixed_point(alive, iou(boxes, boxes), self.threshold)
        column = count[:, None] + ops.cumsum(ops.cast(keep, "int32"), axis=1) - 1
        column = ops.where(ops.logical_and(keep, column < self.most), column, self.most)
        count = ops.minimum(count + ops.sum(ops.cast(keep, "int32"), axis=1), self.most)
        ended = ops.logical_or(count >= self.most, ops.equal(scores[:, -1], -float("inf")))
        return (
            done + block,
            self._written(kept, column, places),
            self._written(kept_scores, column, scores),
            count,
            ended,
        )

    def _boxes(self, kept, count):
        """The boxes kept so far `(rows, most, 4)`, 0 where there is none."""
        boxes = ops.take(self.rows.table, kept[:, : self.most], axis=0)
        return ops.where((ops.arange(self.most, dtype="int32") < count[:, None])[..., None], boxes, 0)

    def _written(self, table, column, values):
        """`table` `(rows, most + 1)` with `values` `(rows, block)` in the given columns."""
        flat = column + ops.arange(self.rows.count, dtype="int32")[:, None] * (self.most + 1)
        flat, values = ops.reshape(flat, (-1, 1)), ops.reshape(values, (-1,))
        return ops.reshape(
            ops.scatter_update(ops.reshape(table, (-1,)), flat, values), (self.rows.count, self.most + 1)
        )


def _fixed_point(alive, overlap, threshold):
    """Which of the sorted candidates `(rows, block)` are kept, by their `overlap` `(rows, block, block)`."""
    size = overlap.shape[-1]
    bounds = np.where(np.tri(size, k=-1, dtype=bool), threshold, np.inf)  # better ones suppress
    suppresses = ops.cast(overlap > ops.convert_to_tensor(bounds, "float32"), "float32")

    def sweep(keep, changed):
        hits = ops.max(suppresses * ops.cast(keep, "float32")[:, None], axis=-1)
        new = ops.logical_and(alive, hits < 0.5)
        return new, ops.any(ops.not_equal(new, keep))

    return ops.while_loop(lambda keep, changed: changed, sweep, (alive, ops.any(alive)))[0]
