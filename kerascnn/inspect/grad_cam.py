"""Which part of an image speaks for a class (Selvaraju et al. 2017, "Grad-CAM", https://arxiv.org/abs/1610.02391)."""

from typing import Any

import keras
import numpy as np
from keras import ops

from kerascnn import checks
from kerascnn.inspect.gradients import gradient
from kerascnn.inspect.maps import BATCH, image_batch
from kerascnn.inspect.walking import maps_in, named, outline, single, walk


def grad_cam(model: keras.Model, images: Any, classes: Any = None, *, layer: str | None = None) -> np.ndarray:
    """How much each place of an image speaks for a class: `(n, height, width)` in 0..1, of the size of the images.

    The channels of a map are added up, each weighted with the mean of the gradient of the class's score with respect
    to it; what is negative, and so speaks for other classes, is cut off. The score is the logit, not the probability,
    whose gradient vanishes where the model is sure. Each result is divided by its own maximum; it is 0 everywhere
    where nothing speaks for the class. Works through nested models, and looks behind `models.averaged`.

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
    model, images = single(model), image_batch(images)
    classes = None if classes is None else _checked(classes, len(images), model.output_shape)
    seen = outline(model, images[:1])
    maps, end = maps_in(seen), list(seen)[-1]
    if not maps:
        raise ValueError(checks.message("model", "give maps (batch, height, width, channels)", model.name))
    path = list(maps)[-1] if layer is None else named("layer", layer, maps)
    parts = [slice(start, start + BATCH) for start in range(0, len(images), BATCH)]
    weighted = [
        _weighted_map(model, images[part], classes if classes is None else classes[part], path, maps[path][1:], end)
        for part in parts
    ]
    return _as_large(np.concatenate(weighted), images.shape[1:3])


def _weighted_map(model, images, classes, path, shape, end) -> np.ndarray:
    """The positive part of the weighted sum of channels, `(n, height, width)` of the map at `path`."""
    seen = []

    def score(change):
        def tap(place, operation, inputs, outputs):
            if place == path:
                seen.append(outputs)
                outputs = outputs + ops.cast(change, outputs.dtype)
            return logits(operation, inputs, outputs) if place == end else outputs

        scores = ops.cast(walk(model, images, tap), "float32")
        wanted = ops.argmax(scores, axis=-1) if classes is None else ops.convert_to_tensor(classes)
        return ops.sum(ops.one_hot(wanted, scores.shape[-1]) * scores)

    slopes = gradient(score, ops.zeros((len(images), *shape), "float32"))
    weights = ops.mean(slopes, axis=(1, 2), keepdims=True)
    return ops.convert_to_numpy(ops.relu(ops.sum(weights * ops.cast(seen[0], "float32"), axis=-1)))


def logits(operation: keras.Operation, inputs: Any, outputs: Any) -> Any:
    """The scores in front of a last softmax or sigmoid; the outputs themselves where there is neither."""
    if type(operation).__name__ == "Softmax":  # the layer, and the operation of keras.ops
        return inputs
    if getattr(operation, "activation", None) not in (keras.activations.softmax, keras.activations.sigmoid):
        return outputs
    if isinstance(operation, keras.layers.Dense):
        scores = ops.matmul(ops.cast(inputs, "float32"), ops.cast(operation.kernel, "float32"))
        return scores if operation.bias is None else scores + ops.cast(operation.bias, "float32")
    return inputs if isinstance(operation, keras.layers.Activation) else outputs


def _as_large(maps: np.ndarray, size) -> np.ndarray:
    large = ops.convert_to_numpy(ops.image.resize(maps[..., None], size, data_format="channels_last"))[..., 0]
    highest = large.max(axis=(1, 2), keepdims=True)
    return large / np.where(highest > 0, highest, 1)


def _checked(classes, count, output_shape) -> np.ndarray:
    """The class of each image, `(count,)`."""
    given = np.asarray(classes)
    if given.dtype.kind not in "iu" or given.shape not in ((), (count,)):
        rule = f"be one index or {count} of them, one an image"
        raise ValueError(checks.message("classes", rule, classes))
    if given.min() < 0 or given.max() >= output_shape[-1]:
        raise ValueError(checks.message("classes", f"be in 0..{output_shape[-1] - 1}", classes))
    return np.broadcast_to(given, (count,)).astype("int32")
