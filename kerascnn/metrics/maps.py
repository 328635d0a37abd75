"""Keras metrics of maps while a network trains: IoU, Dice, accuracy of pixels."""

from typing import Any

import keras
from keras import ops

from kerascnn import checks


class _Counts:
    """The pixels that each class has in truth, in the prediction and in both; comes before keras.metrics.Metric."""

    def __init__(self, classes: int, ignore: int | None = 255, *, name: str, dtype: Any):
        super().__init__(name=name, dtype=dtype)
        self.classes = checks.positive_int("classes", classes)
        self.ignore = ignore
        self.counts = self.add_variable(shape=(3, self.classes), initializer="zeros", name="counts")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts the pixels of a batch; `sample_weight` is `(batch,)` or one a pixel."""
        truth, found, weights = _compared(y_true, y_pred, sample_weight, self.ignore)
        axes = list(range(len(truth.shape) - 1))
        counts = [ops.sum(weights * values, axis=axes) for values in (truth * found, truth, found)]
        self.counts.assign(self.counts + ops.cast(ops.stack(counts), self.counts.dtype))

    def get_config(self) -> dict[str, Any]:
        """The arguments, by name."""
        return {"classes": self.classes, "ignore": self.ignore, "name": self.name, "dtype": self.dtype}


@keras.saving.register_keras_serializable("kerascnn")
class MeanIoU(_Counts, keras.metrics.Metric):
    """The mean of TP / (TP + FP + FN) over the classes that occur in truth or prediction, counted over all batches.

    Targets are class indices `(batch, height, width)`, probabilities `(batch, height, width, classes)`, of which the
    largest is the prediction; other ranks work alike. Targets with one mask of 0 and 1 a class, of the shape of the
    probabilities, are compared class by class, with what is predicted from 1/2 on. Pixels of value `ignore` do not
    count.

    >>> iou = MeanIoU(2)
    >>> iou.update_state([[0, 1, 1, 255]], [[[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.5, 0.5]]])
    >>> float(iou.result())
    0.5
    """

    def __init__(self, classes: int, ignore: int | None = 255, *, name: str = "iou", dtype: Any = None):
        super().__init__(classes, ignore, name=name, dtype=dtype)

    def result(self) -> Any:
        """The mean IoU, 0 before the first pixel."""
        hits, truth, found = ops.unstack(ops.convert_to_tensor(self.counts), 3)
        return _mean_ratio(hits, truth + found - hits)


@keras.saving.register_keras_serializable("kerascnn")
class Dice(_Counts, keras.metrics.Metric):
    """The mean of 2 TP / (2 TP + FP + FN) over the classes that occur in truth or prediction; otherwise as `MeanIoU`.

    >>> dice = Dice(2)
    >>> dice.update_state([[0, 1, 1, 255]], [[[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.5, 0.5]]])
    >>> round(float(dice.result()), 4)
    0.6667
    """

    def __init__(self, classes: int, ignore: int | None = 255, *, name: str = "dice", dtype: Any = None):
        super().__init__(classes, ignore, name=name, dtype=dtype)

    def result(self) -> Any:
        """The mean Dice coefficient, 0 before the first pixel."""
        hits, truth, found = ops.unstack(ops.convert_to_tensor(self.counts), 3)
        return _mean_ratio(2 * hits, truth + found)


@keras.saving.register_keras_serializable("kerascnn")
class PixelAccuracy(keras.metrics.Mean):
    """The share of pixels that are right, of pixels and classes where each class has a mask; otherwise as `MeanIoU`.

    >>> accuracy = PixelAccuracy()
    >>> accuracy.update_state([[0, 1, 255]], [[[0.9, 0.1], [0.7, 0.3], [0.5, 0.5]]])
    >>> float(accuracy.result())
    0.5
    """

    def __init__(self, ignore: int | None = 255, *, name: str = "accuracy", dtype: Any = None):
        super().__init__(name=name, dtype=dtype)
        self.ignore = ignore

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts the pixels of a batch; `sample_weight` is `(batch,)` or one a pixel."""
        truth, found, weights = _compared(y_true, y_pred, sample_weight, self.ignore)
        right = ops.equal(truth, found)
        right = ops.all(right, axis=-1, keepdims=True) if weights.shape[-1] == 1 else right
        super().update_state(right, weights)

    def get_config(self) -> dict[str, Any]:
        """The arguments, by name."""
        return {"ignore": self.ignore, "name": self.name, "dtype": self.dtype}


def _compared(y_true, y_pred, sample_weight, ignore):
    """Truth and prediction, 1 or 0 for each pixel and class, and the weights of pixels, 0 where ignored; float32."""
    y_true, y_pred = ops.cast(y_true, "float32"), ops.convert_to_tensor(y_pred)
    rank, classes = len(y_pred.shape), y_pred.shape[-1]
    y_true = ops.expand_dims(y_true, -1) if len(y_true.shape) < rank else y_true
    valid = ops.not_equal(y_true, -1 if ignore is None else ignore)
    if y_true.shape[-1] == classes:
        truth, found = ops.logical_and(valid, y_true > 0.5), y_pred >= 0.5
    else:
        labels = ops.cast(ops.where(valid, y_true, -1), "int32")  # -1 is no class: a row of zeros
        truth = ops.one_hot(ops.squeeze(labels, -1), classes)
        found = ops.one_hot(_largest(y_pred), classes)
    weights = ops.cast(valid, "float32")
    if sample_weight is not None:
        weights = weights * _spread(ops.cast(sample_weight, "float32"), rank)
    return ops.cast(truth, "float32"), ops.cast(found, "float32"), weights


def _largest(values):
    """The class of the largest value. Of two a comparison finds it; Keras' argmax took 2.4 % of a U-Net's step."""
    if values.shape[-1] == 2:
        return ops.cast(values[..., 1] > values[..., 0], "int32")
    return ops.argmax(values, axis=-1)


def _spread(weights, rank):
    while len(weights.shape) < rank:
        weights = ops.expand_dims(weights, -1)
    return weights


def _mean_ratio(part, whole):
    occurs = ops.cast(whole > 0, part.dtype)
    return ops.divide_no_nan(ops.sum(ops.divide_no_nan(part, whole)), ops.sum(occurs))
