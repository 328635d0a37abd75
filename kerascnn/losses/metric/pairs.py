"""Losses that weigh all pairs of a batch against each other by exponentials."""

from typing import Any

import keras
from keras import ops

from kerascnn import checks
from kerascnn.layers.distances import DISTANCES, pairwise
from kerascnn.losses.metric.batch import OfBatch, itself, log_sum, masked_mean, pair_masks, similarities


@keras.saving.register_keras_serializable("kerascnn")
class NPairs(OfBatch, keras.losses.Loss):
    """-ln(exp(s(a, p)) / (exp(s(a, p)) + the sum of exp(s(a, n)) over negatives n)), the mean over positive pairs.

    Targets: labels `(b,)`, predictions: embeddings `(b, d)`, not of length 1. s is the product of embeddings
    (`distance="dot"`), or 1 - distance for the kinds of `pairwise`. `weight` times the mean squared length of the
    embeddings is added. Each ordered pair of a class counts, so that a class may have any number of images.
    Sohn 2016, "Improved deep metric learning with multi-class N-pair loss objective", equation 6.

    >>> round(float(NPairs(weight=0.0)([0, 0, 1], [[1.0], [1.0], [0.0]])), 4)  # ln(1 + exp(0 - 1))
    0.3133
    """

    def __init__(self, distance: str = "dot", *, weight: float = 0.002, name: str = "n_pairs"):
        super().__init__(name=name)
        self.distance = checks.one_of("distance", distance, (*DISTANCES, "dot"))
        self.weight = checks.in_range("weight", weight, 0, float("inf"), ends="[)")

    def measure(self, labels: Any, embeddings: Any) -> Any:
        """The loss of a batch."""
        same, different = pair_masks(labels)
        s = similarities(embeddings, self.distance)
        others = log_sum(s, different)[:, None]
        length = ops.mean(ops.sum(ops.square(embeddings), axis=1))
        return masked_mean(ops.softplus(others - s), same) + self.weight * length


@keras.saving.register_keras_serializable("kerascnn")
class SupervisedContrastive(OfBatch, keras.losses.Loss):
    """-ln(exp(s(a, p) / t) / the sum of exp(s(a, x) / t) over all x but a): the mean over positives, then over anchors.

    Targets: labels `(b,)`, predictions: embeddings `(b, d)`. s is 1 - distance, for "cosine" the cosine; t is the
    `temperature`, above 0. Anchors without a positive do not count. Khosla et al. 2020, equation 2,
    https://arxiv.org/abs/2004.11362. Where labels are the indices of the images that views were made from, two of each
    or more, it is NT-Xent (Chen et al. 2020, https://arxiv.org/abs/2002.05709).

    >>> loss = SupervisedContrastive(temperature=1.0)
    >>> round(float(loss([0, 0, 1], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])), 4)  # ln(1 + exp(0 - 1))
    0.3133
    """

    def __init__(self, temperature: float = 0.1, distance: str = "cosine", *, name: str = "supervised_contrastive"):
        super().__init__(name=name)
        self.temperature = checks.in_range("temperature", temperature, 0, float("inf"), ends="()")
        self.distance = checks.one_of("distance", distance, DISTANCES)

    def measure(self, labels: Any, embeddings: Any) -> Any:
        """The loss of a batch."""
        same, _ = pair_masks(labels)
        s = similarities(embeddings, self.distance) / self.temperature
        each = log_sum(s, ops.logical_not(itself(labels)))[:, None] - s
        positives = ops.sum(ops.cast(same, "float32"), axis=1)
        anchors = ops.divide_no_nan(ops.sum(ops.where(same, each, 0.0), axis=1), positives)
        return masked_mean(anchors, positives > 0)


@keras.saving.register_keras_serializable("kerascnn")
class Lifted(OfBatch, keras.losses.Loss):
    """max(J, 0)**2 / 2 with J = ln(the sum of exp(margin - d) over the negatives of a and of p) + d(a, p).

    Targets: labels `(b,)`, predictions: embeddings `(b, d)`. The mean is over all positive pairs. `margin` is above 0,
    `distance`: see `pairwise`. Song et al. 2016, equation 4, https://arxiv.org/abs/1511.06452

    >>> round(float(Lifted()([0, 0, 1], [[0.0], [1.0], [2.0]])), 4)  # (ln(exp(1 - 2) + exp(1 - 1)) + 1)**2 / 2
    0.8623
    """

    def __init__(self, margin: float = 1.0, distance: str = "euclidean", *, name: str = "lifted"):
        super().__init__(name=name)
        self.margin = checks.in_range("margin", margin, 0, float("inf"), ends="()")
        self.distance = checks.one_of("distance", distance, DISTANCES)

    def measure(self, labels: Any, embeddings: Any) -> Any:
        """The loss of a batch."""
        same, different = pair_masks(labels)
        distances = pairwise(embeddings, embeddings, self.distance)
        others = log_sum(self.margin - distances, different)
        j = ops.logaddexp(others[:, None], others[None, :]) + distances
        return masked_mean(ops.square(ops.maximum(j, 0.0)) / 2, same)


@keras.saving.register_keras_serializable("kerascnn")
class MultiSimilarity(OfBatch, keras.losses.Loss):
    """ln(1 + sum exp(-alpha (s(a, p) - base))) / alpha + ln(1 + sum exp(beta (s(a, n) - base))) / beta, over anchors.

    Targets: labels `(b,)`, predictions: embeddings `(b, d)`. s is 1 - distance, for "cosine" the cosine. Pairs count
    that are hard within `epsilon`: a positive less similar than the most similar negative plus it, a negative more
    similar than the least similar positive minus it; None lets all count. The mean is over all anchors.
    Wang et al. 2019, equations 11 to 15, https://arxiv.org/abs/1904.06627

    >>> loss = MultiSimilarity(alpha=1.0, beta=1.0, base=0.0, epsilon=None)
    >>> round(float(loss([0, 0], [[1.0, 0.0], [1.0, 0.0]])), 4)  # ln(1 + exp(-1))
    0.3133
    """

    def __init__(
        self,
        alpha: float = 2.0,
        beta: float = 50.0,
        base: float = 0.5,
        *,
        epsilon: float | None = 0.1,
        distance: str = "cosine",
        name: str = "multi_similarity",
    ):
        super().__init__(name=name)
        self.alpha = checks.in_range("alpha", alpha, 0, float("inf"), ends="()")
        self.beta = checks.in_range("beta", beta, 0, float("inf"), ends="()")
        self.base = base
        self.epsilon = epsilon if epsilon is None else checks.in_range("epsilon", epsilon, 0, float("inf"), ends="[)")
        self.distance = checks.one_of("distance", distance, DISTANCES)

    def measure(self, labels: Any, embeddings: Any) -> Any:
        """The loss of a batch."""
        s = similarities(embeddings, self.distance)
        same, different = pair_masks(labels) if self.epsilon is None else self._hard(s, *pair_masks(labels))
        positive = ops.softplus(log_sum(-self.alpha * (s - self.base), same)) / self.alpha
        negative = ops.softplus(log_sum(self.beta * (s - self.base), different)) / self.beta
        return ops.mean(positive + negative)

    def _hard(self, s, same, different):
        most = ops.max(ops.where(different, s, float("-inf")), axis=1, keepdims=True)
        least = ops.min(ops.where(same, s, float("inf")), axis=1, keepdims=True)
        return ops.logical_and(same, s - self.epsilon < most), ops.logical_and(different, s + self.epsilon > least)
