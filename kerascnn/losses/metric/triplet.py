"""Triplet losses: a positive shall be nearer than a negative, by a margin."""

from functools import partial
from typing import Any

import keras
from keras import ops

from kerascnn import checks
from kerascnn.layers.distances import DISTANCES, between, pairwise, unit
from kerascnn.losses.metric.batch import Configured, OfBatch, pair_masks
from kerascnn.losses.metric.mining import CATEGORIES, all_positives, hardest_of_batch, hinge, soft_margin

MINERS = (*CATEGORIES, "batch-hard", "distance-weighted", "curriculum")
NEAR, FAR = 0.5, 1.4  # of Wu et al.: nearer negatives weigh as those at 0.5, farther ones than 1.4 not at all


@keras.saving.register_keras_serializable("kerascnn")
class Triplet(OfBatch, keras.losses.Loss):
    """max(d(a, p) - d(a, n) + margin, 0), the mean over triplets of the batch that `mining` chooses.

    Targets: labels `(b,)`, predictions: embeddings `(b, d)`. a and p are two of a class, n is of another. Time is
    `b**2` times the images of the largest class, memory `b**2`. 0 where a batch has no such triplet. Exact in value and
    first derivatives. Schroff et al. 2015, https://arxiv.org/abs/1503.03832

    Args:
        margin: in units of the distance, above 0.
        distance: "squared", "euclidean" or "cosine", see `pairwise`.
        mining: "all" triplets; "easy", of loss 0: d(a, n) >= d(a, p) + margin (for `soft` only); "semi-hard":
            d(a, p) < d(a, n) < d(a, p) + margin; "hard": d(a, n) <= d(a, p); "batch-hard": of each anchor its farthest
            positive and nearest negative (Hermans et al. 2017, https://arxiv.org/abs/1703.07737);
            "distance-weighted": all, a negative weighted by how rare its distance is among points of a sphere, which is
            the mean over the draws of Wu et al. 2017, https://arxiv.org/abs/1706.07567; "curriculum": semi-hard ones of
            weight 1 - h and hard ones of weight h, where h is the variable `hardness`, at first 0.
        soft: ln(1 + exp(d(a, p) - d(a, n))) instead; the margin then only chooses.
        select: "all", or "hardest": of the chosen negatives of each anchor and positive only the nearest, which with
            "semi-hard" is FaceNet's rule. It says nothing to "batch-hard".
        average: "active": the mean is over the triplets whose loss is not 0, so that gradients stay as large when few
            are left, as in pytorch-metric-learning; "mined": over all that were chosen.
        name: of the loss.

    Raises: ValueError for other values, and for "easy" without `soft`. On JAX, a compiled step keeps the hardness that
        it was compiled with.

    >>> loss = Triplet(margin=2.0, distance="euclidean", mining="all")
    >>> float(loss([0, 0, 1], [[0.0], [1.0], [2.5]]))  # 1 - 2.5 + 2 and 1 - 1.5 + 2
    1.0
    """

    def __init__(
        self,
        margin: float = 0.2,
        distance: str = "squared",
        mining: str = "semi-hard",
        *,
        soft: bool = False,
        select: str = "all",
        average: str = "active",
        name: str = "triplet",
    ):
        super().__init__(name=name)
        self.margin = checks.in_range("margin", margin, 0, float("inf"), ends="()")
        self.distance = checks.one_of("distance", distance, DISTANCES)
        self.mining = checks.one_of("mining", mining, MINERS)
        self.select = checks.one_of("select", select, ("all", "hardest"))
        self.average = checks.one_of("average", average, ("active", "mined"))
        self.soft = soft
        if mining == "easy" and not soft:
            mend = "Their loss is 0 without it: pass soft=True, or mining='semi-hard'."
            raise ValueError(checks.message("soft", "be True for easy triplets", soft, mend))
        self.hardness = keras.Variable(0.0, trainable=False, name="hardness") if mining == "curriculum" else None

    def measure(self, labels: Any, embeddings: Any) -> Any:
        """The loss of a batch."""
        price = soft_margin if self.soft else partial(hinge, margin=self.margin)
        active = self.average == "active"
        if self.mining == "batch-hard":
            return hardest_of_batch(embeddings, labels, self.distance, price, active=active)
        distances = pairwise(embeddings, embeddings, self.distance)
        weigh = self._weigh(labels, embeddings)
        return all_positives(distances, labels, weigh, price, hardest=self.select == "hardest", active=active)

    def _weigh(self, labels, embeddings):
        if self.mining == "distance-weighted":
            shares = _rarity(labels, ops.stop_gradient(embeddings))
            return lambda gap: shares
        if self.mining == "curriculum":
            h = ops.convert_to_tensor(self.hardness)
            return lambda gap: ops.where(gap <= 0, h, ops.where(gap < self.margin, 1 - h, 0.0))
        return partial(CATEGORIES[self.mining], margin=self.margin)


def _rarity(labels, embeddings):
    """Wu et al., equations 4 and 5, for directions: the share of each negative in its row, `(b, b)`."""
    dimensions = embeddings.shape[-1]
    directions = unit(embeddings)
    distance = ops.maximum(pairwise(directions, directions, "euclidean"), NEAR)
    counts = ops.logical_and(pair_masks(labels)[1], distance < FAR)
    distance = ops.minimum(distance, FAR)
    density = (dimensions - 2.0) * ops.log(distance) + (dimensions - 3.0) / 2 * ops.log(1 - ops.square(distance) / 4)
    rarity = ops.where(counts, -density, float("-inf"))
    most = ops.max(ops.where(counts, -density, -1e30), axis=1, keepdims=True)
    weights = ops.exp(rarity - most)
    return ops.divide_no_nan(weights, ops.sum(weights, axis=1, keepdims=True))


@keras.saving.register_keras_serializable("kerascnn")
class TripletDistances(Configured, keras.losses.Loss):
    """The triplet loss of given triplets: anchor, positive and negative, stacked as `(b, 3, d)`.

    Targets are not looked at. The mean is over all triplets, with weights as in every Keras loss. `margin`, `distance`,
    `soft`: see `Triplet`. `models.triplet_model` makes such predictions.

    >>> loss = TripletDistances(margin=1.0)
    >>> float(loss([0], [[[0.0], [1.0], [0.5]]]))  # 1 - 0.25 + 1
    1.75
    """

    def __init__(
        self, margin: float = 0.2, distance: str = "squared", *, soft: bool = False, name: str = "triplet_distances"
    ):
        super().__init__(name=name)
        self.margin = checks.in_range("margin", margin, 0, float("inf"), ends="()")
        self.distance = checks.one_of("distance", distance, DISTANCES)
        self.soft = soft

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each triplet, `(b,)`."""
        if len(y_pred.shape) != 3 or y_pred.shape[1] != 3:
            raise ValueError(checks.message("y_pred", "be triplets (batch, 3, d)", tuple(y_pred.shape)))
        anchor, positive, negative = (y_pred[:, place] for place in range(3))
        gap = between(anchor, negative, self.distance) - between(anchor, positive, self.distance)
        return (soft_margin(gap) if self.soft else hinge(gap, self.margin))[0]
