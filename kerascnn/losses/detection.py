"""Losses of networks that find all objects of an image."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from kerascnn import checks
from kerascnn.boxes.assigning import Assigned, cell_centres, task_aligned
from kerascnn.boxes.overlaps import overlap
from kerascnn.losses.detection_checks import check_places, check_targets, size_of


@keras.saving.register_keras_serializable("kerascnn")
class TaskAligned(keras.losses.Loss):
    """The loss of an anchor-free network: which place is to find what is decided in every step, by what it finds.

    `boxes.task_aligned` gives each object its places. A place learns its box by 1 - CIoU, weighted by the target of its
    class, and all places learn their class scores by binary cross-entropy against their targets, which are 0 where
    there is no object; the two sums over the batch are divided by the sum of the targets, at least 1, and weighted.
    Feng et al. 2021 (TOOD), https://arxiv.org/abs/2108.07755, with the weights of YOLOv8.

    Targets `(batch, m, 5)`: left, top, right, bottom in pixels and the class; rows of a class below 0 are no objects.
    Predictions `(batch, places, 4 + classes)`, those of `blocks.anchor_free_head`. `sample_weight` `(batch,)` weighs
    images.

    Args:
        image_size: (height, width) in pixels of the images that the network is trained with.
        strides: of the maps of the network.
        box_weight: of the boxes.
        class_weight: of the classes.
        best: see `boxes.task_aligned`, as the next two.
        alpha: exponent of the score.
        beta: exponent of the IoU.
        gamma: weighs cross-entropy by `|target - score|**gamma`, so that easy places count for less (Li et al. 2020,
            https://arxiv.org/abs/2006.04388); 0 for none.
        kind: "iou", "giou", "diou" or "ciou", see `boxes.overlap`.

    Raises: ValueError where the predictions have another number of places than images of that size give.

    >>> import numpy as np
    >>> loss = TaskAligned((8, 8), (8,), class_weight=1.0)  # a single place, which has found the box, score 1/2
    >>> truth, found = np.array([[[0, 0, 8, 8, 0]]]), np.array([[[0, 0, 8, 8, 0.0]]])
    >>> round(float(loss(truth, found)), 4)  # ln 2 / 1
    0.6931
    """

    def __init__(  # noqa: PLR0913 (what a search varies)
        self,
        image_size: int | tuple[int, int],
        strides: Sequence[int],
        *,
        box_weight: float = 7.5,
        class_weight: float = 0.5,
        best: int = 10,
        alpha: float = 0.5,
        beta: float = 6.0,
        gamma: float = 0.0,
        kind: str = "ciou",
        name: str = "task_aligned",
    ):
        super().__init__(name=name)
        self.image_size = size_of(image_size)
        self.strides = tuple(checks.positive_int("strides", stride) for stride in strides)
        self.box_weight, self.class_weight = (
            checks.in_range(name, value, 0, float("inf"), ends="[)")
            for name, value in (("box_weight", box_weight), ("class_weight", class_weight))
        )
        self.best = checks.positive_int("best", best)
        self.alpha, self.beta, self.gamma = alpha, beta, checks.in_range("gamma", gamma, 0, float("inf"), ends="[)")
        self.kind = checks.one_of("kind", kind, ("iou", "giou", "diou", "ciou"))

    def assign(self, y_true: Any, y_pred: Any) -> Assigned:
        """Which place is to find what; see `boxes.Assigned`."""
        check_targets(y_true)
        centres = cell_centres(self.image_size, self.strides)
        check_places(y_pred, len(centres), self.image_size, self.strides)
        options = {"best": self.best, "alpha": self.alpha, "beta": self.beta}
        boxes, scores = y_pred[..., :4], ops.sigmoid(y_pred[..., 4:])
        return task_aligned(y_true[..., :4], y_true[..., 4], boxes, scores, centres, **options)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each image, `(batch,)`, of which the mean is that of the batch."""
        assigned = self.assign(y_true, y_pred)
        targets = ops.stop_gradient(assigned.targets)
        each = self.box_weight * self._boxes(y_true, y_pred, assigned.truth, targets)
        each += self.class_weight * self._classes(y_pred[..., 4:], targets)
        images = ops.cast(ops.shape(y_pred)[0], y_pred.dtype)
        return each * images / ops.maximum(ops.sum(targets), 1.0)

    def _boxes(self, y_true, y_pred, truth, targets):
        wanted = ops.take_along_axis(y_true[..., :4], ops.expand_dims(truth, -1), axis=1)
        missing = 1 - overlap(y_pred[..., :4], wanted, self.kind)
        return ops.sum(missing * ops.sum(targets, axis=-1), axis=-1)

    def _classes(self, logits, targets):
        values = ops.binary_crossentropy(targets, logits, from_logits=True)
        if self.gamma:
            values *= ops.stop_gradient(ops.abs(targets - ops.sigmoid(logits))) ** self.gamma
        return ops.sum(values, axis=(1, 2))

    def get_config(self) -> dict[str, Any]:
        """The arguments, by name."""
        names = ("name", "image_size", "strides", "box_weight", "class_weight", "best", "alpha", "beta", "gamma")
        return {name: getattr(self, name) for name in (*names, "kind")}
