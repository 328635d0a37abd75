"""What the losses of embeddings share: labels and embeddings of a batch, masks of its pairs, means, configurations."""

import inspect
import re
from typing import Any

from keras import ops

from kerascnn import checks
from kerascnn.layers.distances import pairwise

NEVER = -1e30  # a logarithm of nothing, which stays finite in sums


class Configured:
    """A loss whose configuration is its arguments, each kept under its own name; they have a `name` of their own.

    It stands in front of keras.losses.Loss.
    """

    def __init__(self, name: str | None = None):
        super().__init__(name=name or re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower())

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The loss of a batch, one number; sequences may be given, too."""
        return super().__call__(ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred), sample_weight)

    def get_config(self) -> dict[str, Any]:
        """The arguments, by name."""
        names = inspect.signature(type(self).__init__).parameters
        return {name: getattr(self, name) for name in names if name != "self"}


class OfBatch(Configured):
    """A loss of a whole batch, with a method `measure`; in front of keras.losses.Loss.

    `measure(labels (b,) int32, embeddings (b, d) float32) -> scalar`.
    """

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The loss of a batch, one number. Raises: ValueError for `sample_weight`, which pairs do not have."""
        if sample_weight is not None:
            mend = "Draw the batches as you want them weighted, without class_weight."
            raise ValueError(checks.message("sample_weight", "be None for a loss of pairs", sample_weight, mend))
        y_pred = ops.convert_to_tensor(y_pred)
        if len(y_pred.shape) != 2:
            raise ValueError(checks.message("y_pred", "be embeddings (batch, d)", tuple(y_pred.shape)))
        return super().__call__(y_true, y_pred)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss as `(1,)`: what has an axis Keras shares out among replicas, a bare number it does not."""
        value = self.measure(class_indices(y_true), ops.cast(y_pred, "float32"))
        return ops.reshape(value, (1,))


def class_indices(y_true: Any) -> Any:
    """Labels `(b,)` or `(b, 1)` as int32 `(b,)`."""
    return ops.cast(ops.reshape(y_true, (-1,)), "int32")


def pair_masks(labels: Any) -> tuple[Any, Any]:
    """Which pairs `(b, b)` are two of a class, leaving out an example with itself, and which are of two classes."""
    equal = ops.equal(labels[:, None], labels[None, :])
    return ops.logical_and(equal, ops.logical_not(itself(labels))), ops.logical_not(equal)


def itself(labels: Any) -> Any:
    """The diagonal, `(b, b)`."""
    places = ops.arange(ops.shape(labels)[0])
    return ops.equal(places[:, None], places[None, :])


def similarities(embeddings: Any, kind: str) -> Any:
    """1 - distance of all pairs, `(b, b)`: for "cosine" the cosine; for "dot" the product itself."""
    if kind == "dot":
        return ops.matmul(embeddings, ops.transpose(embeddings))
    return 1 - pairwise(embeddings, embeddings, kind)


def masked_mean(values: Any, mask: Any) -> Any:
    """The mean of `values` where `mask` is true; 0 where it is nowhere."""
    return ops.divide_no_nan(ops.sum(ops.where(mask, values, 0.0)), ops.sum(ops.cast(mask, "float32")))


def log_sum(values: Any, mask: Any, axis: int = 1) -> Any:
    """The logarithm of the sum of `exp(values)` where `mask` is true, over `axis`; `NEVER` where it is nowhere."""
    return ops.logsumexp(ops.where(mask, values, NEVER), axis=axis)
