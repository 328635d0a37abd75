"""Which part of an image speaks for a class: Grad-CAM and Grad-CAM++."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from kerascnn import checks
from kerascnn.inspect.gradients import gradient
from kerascnn.inspect.scoring import asked, in_batches, scores_of
from kerascnn.inspect.walking import maps_in, named, outline


def grad_cam(model: keras.Model, images: Any, classes: Any = None, *, layer: str | None = None) -> np.ndarray:
    """How much each place of an image speaks for a class: `(n, height, width)` in 0..1, of the size of the images.

    The channels of a map are added up, each weighted with the mean of the gradient of the class's score with respect
    to it; what is negative, and so speaks for other classes, is cut off (Selvaraju et al. 2017, "Grad-CAM",
    https://arxiv.org/abs/1610.02391). The score is the logit, not the probability, whose gradient vanishes where the
    model is sure. Each result is divided by its own maximum; it is 0 everywhere where nothing speaks for the class.
    Works through nested models, and looks behind `models.averaged`.

    Args:
        model: a classifier with one score a class, Functional or Sequential.
        images: raw images as the model takes them, `(n, height, width, channels)` in 0..255.
        classes: one index for all images, or `(n,)`; None is the model's answer for each.
        layer: the layer whose map is looked at; None is the last one with more than one pixel. Earlier ones show finer,
            less meaningful places.

    Raises: ValueError for a model without a map, an unknown layer or a class that there is not.

    >>> image = keras.Input((8, 8, 1))
    >>> x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(image))
    >>> model = keras.Model(image, keras.layers.Dense(2, "softmax")(x))
    >>> grad_cam(model, np.zeros((3, 8, 8, 1)), classes=1).shape
    (3, 8, 8)
    """
    return _class_maps(model, images, classes, layer, lambda slopes, _: ops.mean(slopes, axis=(1, 2), keepdims=True))


def grad_cam_plus_plus(model: keras.Model, images: Any, classes: Any = None, *, layer: str | None = None) -> np.ndarray:
    """As `grad_cam`, but shows all of several objects of the class, and small ones: `(n, height, width)` in 0..1.

    A channel is weighted with the positive gradients alone, each by how far a change at its own place would carry: a
    channel that fires at few places counts as much as one that fires at many (Chattopadhay et al. 2018, "Grad-CAM++",
    equations 10 and 19, https://arxiv.org/abs/1710.11063). Arguments and errors are those of `grad_cam`.

    >>> image = keras.Input((8, 8, 1))
    >>> x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(image))
    >>> model = keras.Model(image, keras.layers.Dense(2, "softmax")(x))
    >>> grad_cam_plus_plus(model, np.zeros((3, 8, 8, 1)), classes=1).shape
    (3, 8, 8)
    """
    return _class_maps(model, images, classes, layer, _plus_plus)


def _plus_plus(slopes, maps):
    # The paper derives exp(score), whose n-th derivative is exp(score) slope^n; the factor goes with the maximum.
    below = 2 * slopes**2 + ops.sum(maps, axis=(1, 2), keepdims=True) * slopes**3
    shares = ops.where(below == 0, 0.0, slopes**2 / ops.where(below == 0, 1.0, below))
    return ops.sum(shares * ops.relu(slopes), axis=(1, 2), keepdims=True)


def _class_maps(model, images, classes, layer, weigh: Callable) -> np.ndarray:
    """A layer's channels added up, each times `weigh(slopes, maps)` `(n, 1, 1, channels)`, as large as the images."""
    model, images, classes = asked(model, images, classes)
    maps = maps_in(outline(model, images[:1]))
    if not maps:
        raise ValueError(checks.message("model", "give maps (batch, height, width, channels)", model.name))
    path = list(maps)[-1] if layer is None else named("layer", layer, maps)

    def part_of(part, wanted):
        seen = []

        def score(change):
            def tap(place, _operation, _inputs, outputs):
                if place != path:
                    return outputs
                seen.append(ops.cast(outputs, "float32"))
                return outputs + ops.cast(change, outputs.dtype)

            return ops.sum(scores_of(model, part, wanted, tap=tap))

        slopes = gradient(score, ops.zeros((len(part), *maps[path][1:]), "float32"))
        return ops.relu(ops.sum(weigh(slopes, seen[0]) * seen[0], axis=-1))

    return _as_large(in_batches(part_of, images, classes), images.shape[1:3])


def _as_large(maps: np.ndarray, size) -> np.ndarray:
    large = ops.convert_to_numpy(ops.image.resize(maps[..., None], size, data_format="channels_last"))[..., 0]
    highest = large.max(axis=(1, 2), keepdims=True)
    return large / np.where(highest > 0, highest, 1)
