"""Losses of maps that compare regions: sums over all pixels of a batch, one class at a time."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from kerascnn import checks
from kerascnn.losses.pixels import OfMaps, Pixels, class_mean


@keras.saving.register_keras_serializable("kerascnn")
class Tversky(OfMaps, keras.losses.Loss):
    """1 - TP / (TP + alpha FP + beta FN), from probabilities: the mean over the classes that the batch contains.

    TP, FP and FN are sums over all pixels of the batch that count. `alpha` weighs what is wrongly found, `beta`,
    above 0, what is missed: beta > alpha finds small objects. Targets, `ignore` and `multi_label` are those of
    `MapCrossentropy`; `sample_weight` weighs the pixels within the sums and `class_weight` the classes within the mean.
    A class that a batch does not contain counts nothing, so that predicting it is left to a cross-entropy beside this.
    Salehi et al. 2017, https://arxiv.org/abs/1706.05721; `keras.losses.Tversky` has alpha and beta the other way round.

    >>> round(float(Tversky(0.3, 0.7)([[1, 1, 0]], [[[0.5, 0.5], [0, 1], [1, 0]]])), 4)  # (1 - 1/1.15 + 1 - 1.5/1.85)/2
    0.1598
    """

    def __init__(
        self,
        alpha: float = 0.3,
        beta: float = 0.7,
        *,
        class_weight: Mapping[int, float] | Sequence[float] | None = None,
        ignore: int | None = 255,
        multi_label: bool = False,
        name: str | None = None,
    ):
        super().__init__(class_weight=class_weight, ignore=ignore, multi_label=multi_label, name=name)
        self.alpha = checks.in_range("alpha", alpha, 0, float("inf"), ends="[)")
        self.beta = checks.in_range("beta", beta, 0, float("inf"), ends="()")

    def measure(self, target: Pixels, probabilities: Any) -> Any:
        """The loss of a batch."""
        return class_mean(
            *_tversky(target, probabilities, self.alpha, self.beta), self.weights(probabilities.shape[-1])
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments, by name."""
        return {**super().get_config(), "alpha": self.alpha, "beta": self.beta}


@keras.saving.register_keras_serializable("kerascnn")
class SoftDice(OfMaps, keras.losses.Loss):
    """1 - 2 TP / (2 TP + FP + FN), from probabilities: `Tversky` with alpha = beta = 1/2, and its arguments otherwise.

    It is `keras.losses.dice` of each class over the whole batch, with pixels and classes that do not count left out.
    Milletari et al. 2016, https://arxiv.org/abs/1606.04797

    >>> round(float(SoftDice()([[1, 0, 255]], [[[0.5, 0.5], [1, 0], [0, 1]]])), 4)  # (1 - 2/2.5 + 1 - 1/1.5) / 2
    0.2667
    """

    def measure(self, target: Pixels, probabilities: Any) -> Any:
        """The loss of a batch."""
        values, present = _tversky(target, probabilities, 0.5, 0.5)
        return class_mean(values, present, self.weights(probabilities.shape[-1]))


def _tversky(target: Pixels, probabilities: Any, alpha: float, beta: float) -> tuple[Any, Any]:
    """The loss of each class and whether the batch contains it, both `(classes,)`."""
    axes = list(range(len(probabilities.shape) - 1))
    hits, truth, found = (
        ops.sum(target.weights * values, axis=axes)
        for values in (target.truth * probabilities, target.truth, probabilities)
    )
    errors = alpha * (found - hits) + beta * (truth - hits)
    return 1 - hits / (hits + errors + keras.config.epsilon()), truth > 0
