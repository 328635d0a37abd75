"""Losses of maps that are a mean over pixels."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from kerascnn import checks
from kerascnn.losses.pixels import OfMaps, Pixels


@keras.saving.register_keras_serializable("kerascnn")
class MapCrossentropy(OfMaps, keras.losses.Loss):
    """Cross-entropy of maps: the mean over the pixels that count, with weights of classes and of pixels.

    Targets are class indices `(batch, height, width)` or shares `(batch, height, width, classes)`, probabilities are
    `(batch, height, width, classes)`; other ranks work alike. Pixels of value `ignore` count nowhere. With
    `multi_label` each class has its own mask of 0 and 1, and the mean of binary cross-entropies goes over pixels and
    classes. `class_weight` is a sequence, or a mapping of class indices; `sample_weight` may be `(batch,)` or a weight
    map `(batch, height, width)`. As in Keras, weights do not change what the sum is divided by.
    `label_smoothing` s makes the target `t (1 - s) + s / classes`, with `multi_label` `t (1 - s) + s / 2`.
    Where a softmax or sigmoid is the last operation of the network, the loss is computed from its logits.

    >>> loss = MapCrossentropy(class_weight={1: 3.0})
    >>> round(float(loss([[0, 1, 255]], [[[0.5, 0.5], [0.75, 0.25], [0.1, 0.9]]])), 4)  # (ln 2 + 3 ln 4) / 2
    2.426
    """

    def __init__(
        self,
        class_weight: Mapping[int, float] | Sequence[float] | None = None,
        label_smoothing: float = 0.0,
        *,
        ignore: int | None = 255,
        multi_label: bool = False,
        name: str | None = None,
    ):
        super().__init__(class_weight=class_weight, ignore=ignore, multi_label=multi_label, name=name)
        self.label_smoothing = checks.in_range("label_smoothing", label_smoothing, 0, 1, ends="[)")

    def measure(self, target: Pixels, probabilities: Any) -> Any:
        """The loss of a batch."""
        share = self.label_smoothing / (2 if self.multi_label else probabilities.shape[-1])
        smooth = target.truth * (1 - self.label_smoothing) + share
        if self.multi_label:
            return self.weighted_mean(ops.binary_crossentropy(smooth, probabilities), target)
        return self.weighted_mean(ops.categorical_crossentropy(smooth, probabilities)[..., None], target)

    def get_config(self) -> dict[str, Any]:
        """The arguments, by name."""
        return {**super().get_config(), "label_smoothing": self.label_smoothing}


@keras.saving.register_keras_serializable("kerascnn")
class Focal(OfMaps, keras.losses.Loss):
    """Focal loss of maps, `-(1 - p)^gamma ln p` for the probability p of the true class: easy pixels count for less.

    `gamma` is at least 0, where it is cross-entropy. Targets, weights and `ignore` are those of `MapCrossentropy`; the
    paper's alpha is `class_weight`. Lin et al. 2017, https://arxiv.org/abs/1708.02002

    >>> round(float(Focal(gamma=2)([[1]], [[[0.5, 0.5]]])), 4)  # ln 2 / 4
    0.1733
    """

    def __init__(
        self,
        gamma: float = 2.0,
        *,
        class_weight: Mapping[int, float] | Sequence[float] | None = None,
        ignore: int | None = 255,
        multi_label: bool = False,
        name: str | None = None,
    ):
        super().__init__(class_weight=class_weight, ignore=ignore, multi_label=multi_label, name=name)
        self.gamma = checks.in_range("gamma", gamma, 0, float("inf"), ends="[)")

    def measure(self, target: Pixels, probabilities: Any) -> Any:
        """The loss of a batch."""
        if self.multi_label:  # an axis of one class, over which Keras takes its mean
            truth, probabilities = target.truth[..., None], probabilities[..., None]
            values = keras.losses.binary_focal_crossentropy(truth, probabilities, gamma=self.gamma)
            return self.weighted_mean(values, target)
        values = keras.losses.categorical_focal_crossentropy(target.truth, probabilities, alpha=1.0, gamma=self.gamma)
        return self.weighted_mean(values[..., None], target)

    def get_config(self) -> dict[str, Any]:
        """The arguments, by name."""
        return {**super().get_config(), "gamma": self.gamma}
