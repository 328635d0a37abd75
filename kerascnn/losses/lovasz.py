"""The Lovász-Softmax loss, a surrogate of IoU itself."""

from typing import Any

import keras
from keras import ops

from kerascnn.losses.pixels import OfMaps, Pixels, class_mean


@keras.saving.register_keras_serializable("kerascnn")
class Lovasz(OfMaps, keras.losses.Loss):
    """1 - IoU, extended to probabilities by the Lovász extension: the mean over the classes that the batch contains.

    Exact: all pixels of the batch that count are sorted by their error, class by class. Targets (class indices, or
    masks of 0 and 1), `ignore`, `multi_label` and `class_weight` are those of `SoftDice`; of a `sample_weight` only
    weights of 0 matter, which leave pixels out. It trains best after, or beside, a cross-entropy.
    Berman et al. 2018, algorithm 1, https://arxiv.org/abs/1705.08790

    >>> round(float(Lovasz()([[1, 0]], [[[0.5, 0.5], [0.75, 0.25]]])), 4)  # ((.5 1/2 + .25 1/2) + (.5 1 + .25 0)) / 2
    0.4375
    """

    def measure(self, target: Pixels, probabilities: Any) -> Any:
        """The loss of a batch."""
        counts = ops.cast(target.weights > 0, probabilities.dtype)
        # a pixel that does not count has truth 0 and error 0: it is sorted behind all others and adds nothing
        truth = _by_class(target.truth * counts)
        errors = _by_class(ops.abs(target.truth - probabilities) * counts)
        order = ops.argsort(-ops.stop_gradient(errors), axis=1)
        classes = probabilities.shape[-1]
        place = ops.cast(order, "int32") + ops.arange(classes, dtype="int32")[:, None] * ops.shape(errors)[1]
        truth, errors = (ops.take(ops.reshape(values, (-1,)), place) for values in (truth, errors))
        values = ops.sum(errors * ops.stop_gradient(_jaccard_steps(truth)), axis=1)
        return class_mean(values, ops.any(truth > 0, axis=1), self.weights(classes))


def _by_class(values):
    """`(batch, ..., classes)` as `(classes, pixels)`."""
    return ops.transpose(ops.reshape(values, (-1, values.shape[-1])))


def _jaccard_steps(truth):
    """By how much 1 - IoU grows with each further pixel that is wrong, `(classes, pixels)` in the order of errors."""
    total = ops.sum(truth, axis=1, keepdims=True)
    intersection = total - ops.cumsum(truth, axis=1)
    union = total + ops.cumsum(1 - truth, axis=1)
    loss = 1 - intersection / union
    return ops.concatenate([loss[:, :1], loss[:, 1:] - loss[:, :-1]], axis=1)
