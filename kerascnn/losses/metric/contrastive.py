"""Contrastive losses: two of a class shall be near, two of different classes farther than a margin."""

from typing import Any

import keras
from keras import ops

from kerascnn import checks
from kerascnn.layers.distances import DISTANCES, between, pairwise
from kerascnn.losses.metric.batch import Configured, OfBatch, masked_mean, pair_masks


@keras.saving.register_keras_serializable("kerascnn")
class Contrastive(OfBatch, keras.losses.Loss):
    """d**power of two of a class, max(margin - d, 0)**power of two of different classes, over all pairs of the batch.

    Targets: labels `(b,)`, predictions: embeddings `(b, d)`. The mean over the pairs of a class, plus the mean over
    those pairs of different classes that are nearer than the margin, so that neither is lost among the other.
    Hadsell et al. 2006 take Euclidean distances and the power 2 (and half of it); the power 1 is the loss of
    pytorch-metric-learning. `margin` is above 0, `distance`: see `pairwise`.

    >>> loss = Contrastive(margin=2.0)
    >>> float(loss([0, 0, 1], [[0.0], [1.0], [2.5]]))  # 1, and (2 - 1.5)**2
    1.25
    """

    def __init__(
        self, margin: float = 1.0, distance: str = "euclidean", *, power: float = 2.0, name: str = "contrastive"
    ):
        super().__init__(name=name)
        self.margin = checks.in_range("margin", margin, 0, float("inf"), ends="()")
        self.distance = checks.one_of("distance", distance, DISTANCES)
        self.power = checks.in_range("power", power, 1, float("inf"), ends="[)")

    def measure(self, labels: Any, embeddings: Any) -> Any:
        """The loss of a batch."""
        same, different = pair_masks(labels)
        distances = pairwise(embeddings, embeddings, self.distance)
        short = self.margin - distances
        near = ops.logical_and(different, short > 0)
        return masked_mean(_power(distances, self.power), same) + masked_mean(_power(short, self.power), near)


@keras.saving.register_keras_serializable("kerascnn")
class PairContrastive(Configured, keras.losses.Loss):
    """The contrastive loss of given pairs `(b, 2, d)`, with targets `(b,)`: 1 for two of a class, 0 for two classes.

    The mean is over all pairs, with weights as in every Keras loss. Arguments: see `Contrastive`. `models.pair_model`
    makes such predictions.

    >>> loss = PairContrastive(margin=2.0)
    >>> float(loss([1, 0], [[[0.0], [1.0]], [[1.0], [2.5]]]))  # (1 + 0.25) / 2
    0.625
    """

    def __init__(
        self, margin: float = 1.0, distance: str = "euclidean", *, power: float = 2.0, name: str = "pair_contrastive"
    ):
        super().__init__(name=name)
        self.margin = checks.in_range("margin", margin, 0, float("inf"), ends="()")
        self.distance = checks.one_of("distance", distance, DISTANCES)
        self.power = checks.in_range("power", power, 1, float("inf"), ends="[)")

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each pair, `(b,)`."""
        if len(y_pred.shape) != 3 or y_pred.shape[1] != 2:
            raise ValueError(checks.message("y_pred", "be pairs (batch, 2, d)", tuple(y_pred.shape)))
        distances = between(y_pred[:, 0], y_pred[:, 1], self.distance)
        apart = _power(self.margin - distances, self.power)
        return ops.where(ops.reshape(y_true, (-1,)) > 0.5, _power(distances, self.power), apart)


def _power(x, power):
    """max(x, 0)**power; whole powers of 1 and 2 have gradients at 0."""
    x = ops.maximum(x, 0.0)
    return x if power == 1 else ops.square(x) if power == 2 else x**power
