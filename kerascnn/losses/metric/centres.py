"""Losses of the cosines between embeddings and class centres, which `layers.ClassCentres` gives."""

import math
from typing import Any

import keras
from keras import ops

from kerascnn import checks
from kerascnn.losses.metric.batch import Configured, OfBatch, class_indices, log_sum, masked_mean


@keras.saving.register_keras_serializable("kerascnn")
class ProxyAnchor(OfBatch, keras.losses.Loss):
    """Each class centre attracts the examples of its class and repels all others, by how hard they are.

    Targets: labels `(b,)` in [0, classes), predictions: cosines `(b, classes)`. ln(1 + sum exp(-alpha (s - margin)))
    over the examples of a class, the mean over the classes in the batch, plus ln(1 + sum exp(alpha (s + margin))) over
    the others, the mean over all classes. Kim et al. 2020, equation 4, https://arxiv.org/abs/2003.13911

    >>> loss = ProxyAnchor(margin=0.0, alpha=1.0)
    >>> round(float(loss([0], [[1.0, -1.0]])), 4)  # ln(1 + exp(-1)), and (0 + ln(1 + exp(-1))) / 2
    0.4699
    """

    def __init__(self, margin: float = 0.1, alpha: float = 32.0, *, name: str = "proxy_anchor"):
        super().__init__(name=name)
        self.margin = checks.in_range("margin", margin, 0, float("inf"), ends="[)")
        self.alpha = checks.in_range("alpha", alpha, 0, float("inf"), ends="()")

    def measure(self, labels: Any, cosines: Any) -> Any:
        """The loss of a batch."""
        own = _own(labels, cosines)
        pull = ops.softplus(log_sum(-self.alpha * (cosines - self.margin), own, axis=0))
        push = ops.softplus(log_sum(self.alpha * (cosines + self.margin), ops.logical_not(own), axis=0))
        return masked_mean(pull, ops.any(own, axis=0)) + ops.mean(push)


@keras.saving.register_keras_serializable("kerascnn")
class ArcFace(Configured, keras.losses.Loss):
    """Cross-entropy of `scale` times the cosines, with the angle to the own class made larger by `margin` radians.

    Targets: labels `(b,)` in [0, classes), predictions: cosines `(b, classes)`; the mean is over the examples, with
    weights as in every Keras loss. Where angle and margin are more than pi together, the cosine is lowered by
    margin sin(margin) instead, so that it falls with the angle everywhere.
    Deng et al. 2019, equation 3, https://arxiv.org/abs/1801.07698

    >>> round(float(ArcFace(margin=0.5, scale=1.0)([0], [[0.0, 0.0]])), 4)  # ln(1 + exp(-cos(pi / 2 + 0.5)))
    0.9613
    """

    def __init__(self, margin: float = 0.5, scale: float = 64.0, *, name: str = "arc_face"):
        super().__init__(name=name)
        self.margin = checks.in_range("margin", margin, 0, math.pi / 2, ends="[)")
        self.scale = checks.in_range("scale", scale, 0, float("inf"), ends="()")

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each example, `(b,)`."""
        sines = ops.sqrt(ops.maximum(1 - ops.square(y_pred), 1e-7))  # without a corner at angle 0
        turned = y_pred * math.cos(self.margin) - sines * math.sin(self.margin)
        lowered = y_pred - self.margin * math.sin(self.margin)
        own = ops.where(y_pred >= -math.cos(self.margin), turned, lowered)
        return _crossentropy(y_true, y_pred, own, self.scale)


@keras.saving.register_keras_serializable("kerascnn")
class CosFace(Configured, keras.losses.Loss):
    """Cross-entropy of `scale` times the cosines, with that of the own class lowered by `margin`.

    Targets: labels `(b,)` in [0, classes), predictions: cosines `(b, classes)`; the mean is over the examples, with
    weights as in every Keras loss. Wang et al. 2018, equation 4, https://arxiv.org/abs/1801.09414

    >>> round(float(CosFace(margin=0.5, scale=2.0)([0], [[0.5, 0.0]])), 4)  # ln 2
    0.6931
    """

    def __init__(self, margin: float = 0.35, scale: float = 64.0, *, name: str = "cos_face"):
        super().__init__(name=name)
        self.margin = checks.in_range("margin", margin, 0, 2, ends="[)")
        self.scale = checks.in_range("scale", scale, 0, float("inf"), ends="()")

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each example, `(b,)`."""
        return _crossentropy(y_true, y_pred, y_pred - self.margin, self.scale)


def _own(labels, cosines):
    """Which class is that of each example, `(b, classes)`."""
    return ops.equal(labels[:, None], ops.arange(cosines.shape[-1])[None, :])


def _crossentropy(y_true, cosines, own, scale):
    mask = _own(class_indices(y_true), cosines)
    return ops.categorical_crossentropy(
        ops.cast(mask, cosines.dtype), scale * ops.where(mask, own, cosines), from_logits=True
    )
