"""The boundary loss: probability is paid for by its distance from the true border."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from kerascnn import checks
from kerascnn.losses.pixels import OfMaps, Pixels, pixel_mean


@keras.saving.register_keras_serializable("kerascnn")
class Boundary(OfMaps, keras.losses.Loss):
    """The mean of probability times signed distance to the border of the true region, over pixels and classes.

    The distance is Euclidean, in units of `radius` pixels: outside of a class the distance to its nearest pixel, inside
    1 pixel minus the distance to the nearest pixel outside, so that the loss is in -1..1 and its best is below 0. It is
    computed from the mask within the training step, exactly up to `radius` and constant beyond, on any rank; its time
    grows with `radius`. An image that lacks a class has distance 0 for it. Use it beside a region loss, as the paper
    does: "dice + 0.5 * boundary". Targets, `ignore` and weights are those of `MapCrossentropy`.
    Kervadec et al. 2019, https://arxiv.org/abs/1812.07032

    >>> loss = Boundary(radius=4, class_weight=(0, 1))  # distances of class 1: 2, 1, 0, 0, 1
    >>> round(float(loss([[0, 0, 1, 1, 0]], [[[0, 1], [0.5, 0.5], [0, 1], [0, 1], [1, 0]]])), 4)  # 2.5 / 4 / (5 * 2)
    0.0625
    """

    def __init__(
        self,
        radius: int = 16,
        *,
        class_weight: Mapping[int, float] | Sequence[float] | None = None,
        ignore: int | None = 255,
        multi_label: bool = False,
        name: str | None = None,
    ):
        super().__init__(class_weight=class_weight, ignore=ignore, multi_label=multi_label, name=name)
        self.radius = checks.positive_int("radius", radius)

    def measure(self, target: Pixels, probabilities: Any) -> Any:
        """The loss of a batch."""
        signed = ops.stop_gradient(_signed_distance(target.truth, self.radius)) / self.radius
        return pixel_mean(signed * probabilities * self.weights(probabilities.shape[-1]), target)

    def get_config(self) -> dict[str, Any]:
        """The arguments, by name."""
        return {**super().get_config(), "radius": self.radius}


def _signed_distance(truth, radius):
    """Pixels to the border of each class, `(batch, ..., classes)`: 1 or more outside, 0 or less inside."""
    inside = truth > 0.5
    present = ops.any(inside, axis=list(range(1, len(truth.shape) - 1)), keepdims=True)
    signed = ops.where(inside, 1 - _distance(ops.logical_not(inside), radius), _distance(inside, radius))
    return ops.where(present, signed, 0.0)


def _distance(places, radius):
    """The Euclidean distance of each pixel to the nearest of `places`, at most `radius`."""
    squared = ops.where(places, 0.0, float(radius**2))
    for axis in range(1, len(places.shape) - 1):
        squared = _nearest(squared, axis, radius)
    return ops.sqrt(squared)


def _nearest(squared, axis, radius):
    """The least of the squared distances of a row, each plus the square of how far along the row it is."""
    rank = len(squared.shape)
    margin = [(radius, radius) if each == axis else (0, 0) for each in range(rank)]
    padded = ops.pad(squared, margin, constant_values=float(radius**2))
    for step in range(1 - radius, radius):
        window = [slice(None)] * rank
        window[axis] = slice(radius + step, step - radius)
        squared = ops.minimum(squared, padded[tuple(window)] + float(step**2))
    return squared
