"""Cross-entropy on class indices or on shares of classes, with label smoothing."""

from typing import Any

import keras
from keras import ops

from kerascnn import checks


@keras.saving.register_keras_serializable("kerascnn")
class SparseCategoricalCrossentropy(keras.losses.Loss):
    """Cross-entropy of integer targets with label smoothing, which Keras has for one-hot targets only.

    `label_smoothing` s in [0, 1) makes the target `1 - s + s / classes` for the true class and `s / classes` for the
    others (Szegedy et al. 2016, https://arxiv.org/abs/1512.00567). Targets `(batch, ...)` or `(batch, ..., 1)` in
    [0, classes), probabilities `(batch, ..., classes)`; where these come from a softmax, the loss is computed
    from its logits. Targets `(batch, ..., classes)` are the share of each class, as MixUp and CutMix make them, and are
    smoothed alike. Sample and class weights work as in every Keras loss.

    >>> loss = SparseCategoricalCrossentropy(label_smoothing=0.2)
    >>> round(float(loss(ops.array([0]), ops.array([[0.5, 0.25, 0.25]]))), 4)  # -(13/15 ln 1/2 + 2/15 ln 1/4)
    0.7856
    """

    def __init__(
        self,
        label_smoothing: float = 0.0,
        *,
        reduction: str | None = "sum_over_batch_size",
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.label_smoothing = checks.in_range("label_smoothing", label_smoothing, 0, 1, ends="[)")

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each example, `(batch, ...)`."""
        classes = y_pred.shape[-1]
        if len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] != 1:
            truth = ops.cast(y_true, y_pred.dtype)
        else:
            labels = ops.cast(y_true, "int32")
            labels = ops.squeeze(labels, -1) if len(labels.shape) == len(y_pred.shape) else labels
            if not self.label_smoothing:
                return ops.sparse_categorical_crossentropy(labels, y_pred)
            truth = ops.one_hot(labels, classes, dtype=y_pred.dtype)
        smooth = truth * (1 - self.label_smoothing) + self.label_smoothing / classes
        return ops.categorical_crossentropy(smooth, y_pred)

    def get_config(self) -> dict[str, Any]:
        """The arguments, by name."""
        return {**super().get_config(), "label_smoothing": self.label_smoothing, "dtype": self.dtype}
