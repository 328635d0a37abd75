"""A batch of scored boxes as one row of scores for each image and class."""

from typing import Any, NamedTuple

from keras import ops

from kerascnn import checks


class Rows(NamedTuple):
    """`table` holds all boxes `(batch * boxes, 4)`, `scores` `(batch * classes, boxes)`; those above `least` count.

    `offset` `(batch * classes, 1)` int32 is where the boxes of a row's image begin in the table. The numbers may be
    tensors where a graph does not know them, except `classes`.
    """

    table: Any
    scores: Any
    offset: Any
    batch: Any
    boxes: Any
    classes: int
    least: float

    @classmethod
    def of(cls, boxes: Any, scores: Any, least: float) -> "Rows":
        """The rows of `boxes` `(batch, n, 4)` and `scores` `(batch, n, classes)`, of which those above `least` count.

        Raises: ValueError for other shapes.
        """
        boxes, scores = (ops.stop_gradient(ops.cast(part, "float32")) for part in (boxes, scores))
        if len(boxes.shape) != 3 or boxes.shape[-1] != 4:
            raise ValueError(checks.message("boxes", "be of shape (batch, n, 4)", tuple(boxes.shape)))
        known = boxes.shape[1] is not None and scores.shape[1] is not None
        if len(scores.shape) != 3 or known and scores.shape[1] != boxes.shape[1]:
            rule = f"be of shape (batch, n, classes) for boxes of shape {tuple(boxes.shape)}"
            raise ValueError(checks.message("scores", rule, tuple(scores.shape)))
        batch, n, classes = ops.shape(scores)
        scores = ops.reshape(ops.transpose(scores, (0, 2, 1)), (batch * classes, n))
        offset = ops.arange(batch * classes, dtype="int32")[:, None] // classes * n
        return cls(ops.reshape(boxes, (batch * n, 4)), scores, offset, batch, n, classes, least)

    @property
    def count(self) -> Any:
        """How many rows there are."""
        return self.batch * self.classes

    def some(self, numbers: Any) -> "Rows":
        """The rows with these numbers `(n,)`, each as if it was an image of one class."""
        scores, offset = ops.take(self.scores, numbers, axis=0), ops.take(self.offset, numbers, axis=0)
        return Rows(self.table, scores, offset, ops.shape(numbers)[0], self.boxes, 1, self.least)

    def best(self, k: Any) -> tuple[Any, Any]:
        """The `k` best scores of each row, -inf where they do not count, and the places of their boxes in the table."""
        scores, indices = ops.top_k(self.scores, k)
        return ops.where(scores > self.least, scores, -float("inf")), ops.cast(indices, "int32") + self.offset
