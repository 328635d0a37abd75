"""Keras metrics of boxes while a network trains."""

from typing import Any

import keras
import numpy as np
from keras import ops

from kerascnn import checks
from kerascnn.boxes import Decoder, indicators, iou, overlap, suppressed

LEAST_SCORE = 0.05  # of what is looked at: a network that has learned nothing yet is judged fast


@keras.saving.register_keras_serializable("kerascnn")
class AveragePrecision(keras.metrics.Metric):
    """Average precision of detections, the mean over the classes that have objects; cheap, for each epoch.

    Targets are `(batch, m, 5)`: edges "xyxy" in pixels and the class; -1 is no object, -2 - c one of class c that is
    neither asked for nor wrong to find. Predictions are what the network gives and `decoder` makes boxes and scores of.
    The `candidates` best boxes of each class, at most 4 times as many in an image, stay after suppression. A box is
    right if the true one of its class that it overlaps most has an IoU of at least `iou` and no better box has it: the
    rule of Pascal VOC, of which COCO's differs in crowds only. Scores are counted in `bins`, those below 0.05 not at
    all. The result is the area under the interpolated curve of precision over recall, 0 before the first object.
    `classes` is how many there are. Everingham et al. 2010, https://doi.org/10.1007/s11263-009-0275-4

    >>> from kerascnn.boxes import AnchorFree
    >>> metric = AveragePrecision(AnchorFree(), 1)
    >>> metric.update_state([[[0, 0, 9, 9, 0], [20, 20, 30, 30, 0]]], [[[0, 0, 9, 8, 3.0], [50, 50, 60, 60, 1.0]]])
    >>> float(metric.result())
    0.5
    """

    def __init__(
        self,
        decoder: Decoder,
        classes: int,
        iou: float = 0.5,
        candidates: int = 64,
        bins: int = 200,
        *,
        name: str = "map50",
        dtype: Any = None,
    ):
        super().__init__(name=name, dtype=dtype)
        self.decoder = decoder
        self.classes = checks.positive_int("classes", classes)
        self.iou = checks.in_range("iou", iou, 0, 1, ends="(]")
        self.candidates = checks.positive_int("candidates", candidates)
        self.bins = checks.positive_int("bins", bins)
        self.found = self.add_variable(shape=(2, self.classes, self.bins), initializer="zeros", name="found")
        self.objects = self.add_variable(shape=(self.classes,), initializer="zeros", name="objects")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts the right and the wrong boxes of a batch; `sample_weight` is `(batch,)`."""
        y_true = ops.cast(y_true, "float32")
        boxes, scores = self.decoder(y_pred)
        found = suppressed(
            boxes,
            scores,
            score=LEAST_SCORE,
            most=self.candidates * min(self.classes, 4),
            most_each=self.candidates,
            candidates=8 * self.candidates,
        )
        right, wrong = _judged(y_true, found, self.iou)
        weights = ops.ones_like(y_true[:, 0, 0]) if sample_weight is None else ops.cast(sample_weight, "float32")
        bins = ops.clip(ops.cast(found["scores"] * self.bins, "int32"), 0, self.bins - 1)
        labels = indicators(found["classes"], self.classes) * ops.reshape(weights, (-1, 1, 1))
        counted = [_table(ops.cast(hits, "float32")[..., None] * labels, bins, self.bins) for hits in (right, wrong)]
        objects = indicators(y_true[..., 4], self.classes) * ops.reshape(weights, (-1, 1, 1))
        self.found.assign(self.found + ops.cast(ops.stack(counted), self.found.dtype))
        self.objects.assign(self.objects + ops.cast(ops.sum(objects, axis=(0, 1)), self.objects.dtype))

    def result(self) -> Any:
        """The mean average precision."""
        objects = ops.convert_to_tensor(self.objects)
        right, wrong = ops.unstack(ops.cumsum(ops.flip(self.found, axis=-1), axis=-1), 2)
        precision = ops.divide_no_nan(right, right + wrong)
        later = ops.where(np.tri(self.bins, dtype=bool).T, precision[:, None], 0)
        best = ops.max(later, axis=-1)  # at this recall or a larger one
        before = ops.concatenate([ops.zeros_like(right[:, :1]), right[:, :-1]], axis=1)
        area = ops.divide_no_nan(ops.sum((right - before) * best, axis=1), objects)
        return ops.divide_no_nan(ops.sum(area), ops.sum(ops.cast(objects > 0, area.dtype)))

    def get_config(self) -> dict[str, Any]:
        """The arguments, by name."""
        return {
            "decoder": keras.saving.serialize_keras_object(self.decoder),
            "classes": self.classes,
            "iou": self.iou,
            "candidates": self.candidates,
            "bins": self.bins,
            "name": self.name,
            "dtype": self.dtype,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "AveragePrecision":
        """The metric that `get_config` described."""
        return cls(**{**config, "decoder": keras.saving.deserialize_keras_object(config["decoder"])})


@keras.saving.register_keras_serializable("kerascnn")
class BoxIoU(keras.metrics.MeanMetricWrapper):
    """The mean IoU of one box an image with the true one, both `(batch, 4)` "xyxy".

    >>> metric = BoxIoU()
    >>> _ = metric.update_state([[0, 0, 10, 10], [0, 0, 4, 4]], [[0, 0, 10, 5], [6, 6, 8, 8]])
    >>> float(metric.result())
    0.25
    """

    def __init__(self, name: str = "iou", dtype: Any = None):
        super().__init__(overlap, name=name, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments, by name."""
        return {"name": self.name, "dtype": self.dtype}


def _judged(y_true, found, threshold):
    """Which boxes `(batch, most)` are right and which are wrong; boxes on what must not count are neither."""
    classes = ops.cast(found["classes"], "float32")
    labels = y_true[:, None, :, 4]
    ignored = labels < -1
    own = ops.equal(ops.where(ignored, -2 - labels, labels), classes[..., None])
    own = ops.logical_and(own, ops.not_equal(labels, -1))
    shares = ops.where(own, iou(found["boxes"], y_true[..., :4]), -1.0)
    best = ops.one_hot(ops.argmax(shares, axis=-1), shares.shape[-1], dtype="float32")
    takes = best * ops.cast(ops.max(shares, axis=-1, keepdims=True) >= threshold, "float32")
    first = ops.logical_and(takes > 0, ops.cumsum(takes, axis=1) < 1.5)  # the boxes come best first
    hit = ops.any(ops.logical_and(first, ~ignored), axis=-1)
    spared = ops.any(ops.logical_and(takes > 0, ignored), axis=-1)
    wrong = ops.logical_and(found["classes"] >= 0, ~ops.logical_or(hit, spared))
    return hit, wrong


def _table(weights, bins, count):
    """`weights` `(batch, n, classes)` added up by class and bin: `(classes, count)`."""
    weights = ops.reshape(weights, (-1, weights.shape[-1]))
    return ops.matmul(ops.transpose(weights), ops.one_hot(ops.reshape(bins, (-1,)), count))
