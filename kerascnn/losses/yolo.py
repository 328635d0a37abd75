"""The loss of the first one-pass detector, equation (3) of its paper."""

from typing import Any, NamedTuple

import keras
from keras import ops

from kerascnn import checks
from kerascnn.boxes import indicators, iou
from kerascnn.losses.detection_checks import check_targets, size_of


class Cells(NamedTuple):
    """What each of the cells `(batch, cells)` is to learn; `has` is 1 where the centre of an object lies, 0 elsewhere.

    `truth`: the row of that object. `boxes` `(batch, cells, 4)`: x and y in cells from the corner of the cell, w and h
    as shares of the image. `classes`: one-hot, zeros without an object. `responsible` `(batch, cells, boxes)`: 1 for
    the box of the cell that has the highest IoU with the object. `overlaps`: these IoUs, without gradient.
    """

    has: Any
    truth: Any
    boxes: Any
    classes: Any
    responsible: Any
    overlaps: Any


@keras.saving.register_keras_serializable("kerascnn")
class YoloLoss(keras.losses.Loss):
    """The sum-squared loss of the paper of 2016, equation (3): the sum over an image, the mean over the batch.

    A cell is responsible for the object whose centre lies in it, and of its boxes the one that has the highest IoU with
    that object already. That box learns x, y and the square roots of w and h, all times `coord`, and as its confidence
    the IoU; the confidence of every other box learns 0, times `no_object`; the cell learns the class. Of objects in one
    cell the first counts, as in the authors' code. Redmon et al. 2016, https://arxiv.org/abs/1506.02640

    Targets `(batch, m, 5)`: left, top, right, bottom in pixels and the class; rows of a class below 0 are no objects.
    Predictions `(batch, grid, grid, 5 * boxes + classes)`, as `blocks.yolo_head` gives them.
    `sample_weight` `(batch,)` weighs images.

    Args:
        image_size: (height, width) in pixels of the images.
        grid: cells a side.
        boxes: that each cell predicts.
        classes: without background.
        coord: the paper's lambda_coord.
        no_object: the paper's lambda_noobj.

    >>> import numpy as np
    >>> loss = YoloLoss(8, grid=1, boxes=1, classes=1)
    >>> found = np.array([[[[0.5, 0.5, 0.5**0.5, 0.5**0.5, 0.75, 1.0]]]])  # confidence 0.75, IoU 1
    >>> round(float(loss(np.array([[[2, 2, 6, 6, 0]]]), found)), 4)
    0.0625
    """

    def __init__(
        self,
        image_size: int | tuple[int, int],
        grid: int = 7,
        boxes: int = 2,
        classes: int = 20,
        *,
        coord: float = 5.0,
        no_object: float = 0.5,
        name: str = "yolo_loss",
    ):
        super().__init__(name=name)
        self.image_size = size_of(image_size)
        self.grid, self.boxes, self.classes = (
            checks.positive_int(name, value) for name, value in (("grid", grid), ("boxes", boxes), ("classes", classes))
        )
        self.coord = checks.in_range("coord", coord, 0, float("inf"), ends="[)")
        self.no_object = checks.in_range("no_object", no_object, 0, float("inf"), ends="[)")

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each image, `(batch,)`."""
        found, classes = self._split(y_pred)
        cells = self._assign(y_true, found)
        wanted = ops.expand_dims(ops.concatenate([cells.boxes[..., :2], ops.sqrt(cells.boxes[..., 2:])], -1), 2)
        places = _sum(cells.responsible * ops.sum((found[..., :4] - wanted) ** 2, axis=-1))
        confidence = found[..., 4]
        objects = _sum(cells.responsible * (confidence - cells.overlaps) ** 2)
        nothing = _sum((1 - cells.responsible) * confidence**2)
        kinds = _sum(ops.expand_dims(cells.has, -1) * (classes - cells.classes) ** 2)
        return self.coord * places + objects + self.no_object * nothing + kinds

    def assign(self, y_true: Any, y_pred: Any) -> Cells:
        """Which cell is responsible for what, the cells row by row."""
        return self._assign(y_true, self._split(y_pred)[0])

    def get_config(self) -> dict[str, Any]:
        """The arguments, by name."""
        names = ("name", "image_size", "grid", "boxes", "classes", "coord", "no_object")
        return {name: getattr(self, name) for name in names}

    def _split(self, y_pred):
        """Boxes `(batch, cells, boxes, 5)` and classes `(batch, cells, classes)`."""
        wanted = (self.grid, self.grid, 5 * self.boxes + self.classes)
        if tuple(y_pred.shape[1:]) != wanted:
            raise ValueError(checks.message("y_pred", f"have shape (batch, *{wanted})", tuple(y_pred.shape)))
        cells = ops.reshape(y_pred, (-1, self.grid**2, wanted[-1]))
        found = ops.reshape(cells[..., : 5 * self.boxes], (-1, self.grid**2, self.boxes, 5))
        return found, cells[..., 5 * self.boxes :]

    def _assign(self, y_true, found):
        check_targets(y_true)
        height, width = self.image_size
        size = ops.convert_to_tensor([width, height], y_true.dtype)
        centres = (y_true[..., :2] + y_true[..., 2:4]) / 2 / size * self.grid
        column_row = ops.clip(ops.floor(centres), 0, self.grid - 1)
        cell = ops.cast(column_row[..., 1] * self.grid + column_row[..., 0], "int32")
        cell = ops.where(y_true[..., 4] >= 0, cell, -1)
        inside = ops.transpose(indicators(cell, self.grid**2), (0, 2, 1))  # (batch, cells, m)
        has, first = ops.max(inside, axis=-1), ops.argmax(inside, axis=-1)
        relative = [centres - column_row, (y_true[..., 2:4] - y_true[..., :2]) / size, y_true[..., 4:]]
        own = ops.take_along_axis(ops.concatenate(relative, -1), ops.expand_dims(first, -1), axis=1)
        own = own * ops.expand_dims(has, -1)
        overlaps = ops.stop_gradient(self._overlaps(own[..., None, :4], found[..., :4]))
        best = ops.one_hot(ops.argmax(overlaps, axis=-1), self.boxes) * ops.expand_dims(has, -1)
        classes = indicators(own[..., 4], self.classes) * ops.expand_dims(has, -1)
        return Cells(has, ops.cast(first, "int32"), own[..., :4], classes, best, overlaps)

    def _overlaps(self, own, found):
        """The IoU of the object of a cell with each of its boxes, `(batch, cells, boxes)`, in a form that is free."""
        sizes = ops.concatenate([found[..., :2], found[..., 2:] ** 2], axis=-1)
        return iou(self._corners(own), self._corners(sizes))[..., 0, :]

    def _corners(self, boxes):
        """In cells, and where the cell lies does not matter: both boxes are measured from the same one."""
        half = boxes[..., 2:] * self.grid / 2
        return ops.concatenate([boxes[..., :2] - half, boxes[..., :2] + half], axis=-1)


def _sum(values):
    """Over all but the batch."""
    return ops.sum(values, axis=tuple(range(1, len(values.shape))))
