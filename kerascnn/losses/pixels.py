"""What every loss of maps starts from: which pixel is which class, which pixels count, and how much."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from keras import ops

from kerascnn import checks


class Pixels(NamedTuple):
    """The target of a loss of maps as float tensors `(batch, ..., classes)`; the last axis of two may be 1.

    `truth` is 1 for the class of a pixel, 0 for all classes where it does not count; `valid` is 1 where a pixel counts;
    `weights` is `valid` times the sample weights.
    """

    truth: Any
    valid: Any
    weights: Any


def pixels(y_true: Any, y_pred: Any, sample_weight: Any = None, *, ignore: int | None, multi_label: bool) -> Pixels:
    """Masks `(batch, ...)` or `(batch, ..., 1)` of class indices, or shares `(batch, ..., classes)`, as `Pixels`.

    Pixels of value `ignore` do not count; with `multi_label` they are left out class by class. `sample_weight` may be
    `(batch,)`, one a pixel, or one a pixel and class. Raises: ValueError where the shapes do not belong together.
    """
    _check_shape(tuple(y_true.shape), tuple(y_pred.shape), multi_label)
    rank, classes = len(y_pred.shape), y_pred.shape[-1]
    nothing = -1 if ignore is None else ignore
    y_true = ops.expand_dims(y_true, -1) if len(y_true.shape) < rank else y_true
    valid = ops.not_equal(y_true, nothing)
    if multi_label or y_true.shape[-1] == classes:
        truth = ops.where(valid, y_true, 0)
        valid = valid if multi_label else valid[..., :1]
    else:
        labels = ops.cast(ops.where(valid, y_true, -1), "int32")  # -1 is no class: a row of zeros
        truth = ops.one_hot(ops.squeeze(labels, -1), classes)
    truth, valid = ops.cast(truth, y_pred.dtype), ops.cast(valid, y_pred.dtype)
    return Pixels(truth, valid, valid if sample_weight is None else valid * _spread(sample_weight, rank))


def pixel_mean(values: Any, target: Pixels) -> Any:
    """The weighted sum of `values` `(batch, ..., classes or 1)` divided by how many count; 0 where none does."""
    counted = ops.sum(target.valid * ops.ones_like(values))
    return ops.divide_no_nan(ops.sum(values * target.weights), counted)


def class_mean(values: Any, present: Any, weights: Any) -> Any:
    """The mean of `values` `(classes,)` over the classes `present`, weighted; 0 where none is."""
    weights = weights * ops.cast(present, values.dtype)
    return ops.divide_no_nan(ops.sum(values * weights), ops.sum(weights))


class OfMaps:
    """What the losses of maps share; a loss derives from it and from keras.losses.Loss, and has a method `measure`.

    `measure(target: Pixels, probabilities) -> scalar` is the loss of a batch, in float32.
    """

    def __init__(
        self,
        *,
        class_weight: Mapping[int, float] | Sequence[float] | None = None,
        ignore: int | None = 255,
        multi_label: bool = False,
        name: str | None = None,
    ):
        super().__init__(name=name or re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower())
        self.class_weight = _sequence(class_weight)
        self.ignore = ignore
        self.multi_label = multi_label

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The loss of a batch, one number. Region losses need the weights within `call`: they travel with `y_true`."""
        given = [y_true] if sample_weight is None else [y_true, sample_weight]
        return super().__call__([*map(ops.convert_to_tensor, given)], ops.convert_to_tensor(y_pred))

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss as `(1,)`: what has an axis Keras shares out among replicas, a bare number it does not."""
        target = pixels(y_true[0], y_pred, *y_true[1:], ignore=self.ignore, multi_label=self.multi_label)
        return ops.reshape(self.measure(target, y_pred), (1,))

    def weights(self, classes: int) -> Any:
        """The weight of each class, `(classes,)`; 1 where none was given."""
        given = self.class_weight or ()
        if len(given) > classes:
            raise ValueError(checks.message("class_weight", f"have no more than {classes} classes", given))
        return ops.convert_to_tensor((*given, *(1.0,) * (classes - len(given))), dtype=self.dtype)

    def weighted_mean(self, values: Any, target: Pixels) -> Any:
        """`pixel_mean` of `values`, each pixel weighted as its true class, or each class as itself if `multi_label`."""
        weights = self.weights(target.truth.shape[-1])
        each = weights if self.multi_label else ops.sum(target.truth * weights, axis=-1, keepdims=True)
        return pixel_mean(values * each, target)

    def get_config(self) -> dict[str, Any]:
        """The arguments, by name."""
        return {
            "name": self.name,
            "class_weight": self.class_weight,
            "ignore": self.ignore,
            "multi_label": self.multi_label,
        }


def _sequence(class_weight):
    """Weights in the order of the classes; a class that a mapping leaves out has 1."""
    if class_weight is None:
        return None
    if isinstance(class_weight, Mapping):
        last = max(class_weight, default=-1)
        class_weight = [class_weight.get(label, 1.0) for label in range(last + 1)]
    for label, weight in enumerate(class_weight):
        checks.in_range(f"class_weight[{label}]", weight, 0, float("inf"), ends="[)")
    return tuple(map(float, class_weight))


def _spread(weights, rank):
    while len(weights.shape) < rank:
        weights = ops.expand_dims(weights, -1)
    return weights


def _check_shape(given, predicted, multi_label):
    body, last = (given, 1) if len(given) < len(predicted) else (given[:-1], given[-1])
    agree = len(body) == len(predicted) - 1
    agree = agree and all(None in pair or pair[0] == pair[1] for pair in zip(body, predicted, strict=False))
    if not agree or last not in ({predicted[-1]} if multi_label else {1, predicted[-1]}):
        rule = f"be of shape {predicted}" if multi_label else f"be of shape {predicted[:-1]} or {predicted}"
        mend = "The mask has the size of the output, and with multi_label=True one map a class."
        raise ValueError(checks.message("y_true", rule, given, mend))
