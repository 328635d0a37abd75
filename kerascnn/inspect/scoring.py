"""What a classifier says of a class before its last softmax: what attributions are gradients and differences of."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kerascnn import checks
from kerascnn.inspect.gradients import gradient
from kerascnn.inspect.maps import BATCH, image_batch
from kerascnn.inspect.walking import Tap, single, walk

ACTIVATIONS = (layers.Activation, layers.ReLU, layers.LeakyReLU, layers.PReLU, layers.ELU)


def asked(model: keras.Model, images: Any, classes: Any) -> tuple[keras.Model, np.ndarray, np.ndarray]:
    """The model that answers, the images in float32, and the class that is asked about of each, `(n,)`.

    `classes`: one index for all images, or `(n,)`; None is the model's answer for each.
    Raises: ValueError for images that are no batch, a model without one score a class, or a class that there is not.
    """
    model, images = single(model), image_batch(images).astype("float32")
    if len(model.output_shape) != 2:
        raise ValueError(checks.message("model", "give one score a class, (batch, classes)", model.output_shape))
    if classes is None:
        return model, images, in_batches(lambda part: ops.argmax(scores(model, part), axis=-1), images)
    return model, images, _checked(classes, len(images), model.output_shape[-1])


def scores(model: keras.Model, images: Any, tap: Tap = lambda _path, _operation, _inputs, outputs: outputs) -> Any:
    """The logits of a `single` model, a float32 tensor `(n, classes)`; `tap` is that of `walk`."""
    last = []

    def note(path, operation, inputs, outputs):
        outputs = tap(path, operation, inputs, outputs)
        last[:] = operation, inputs, outputs
        return outputs

    walk(model, images, note)
    return ops.cast(logits(*last), "float32")


def scores_of(model: keras.Model, images: Any, classes: np.ndarray, **options: Any) -> Any:
    """The logit of each image's own class, `(n,)`; options are those of `scores`."""
    return ops.take_along_axis(scores(model, images, **options), ops.convert_to_tensor(classes)[:, None], axis=-1)[:, 0]


def responses(model: keras.Model, path: str, images: Any) -> Any:
    """What the layer at `path` of a `single` model gives, in float32; of one that only activates what goes into it."""
    seen = []

    def tap(place, operation, inputs, outputs):
        if place == path:
            outside = inputs if isinstance(operation, ACTIVATIONS) else logits(operation, inputs, outputs)
            seen.append(ops.cast(outside, "float32"))
        return outputs

    walk(model, images, tap)
    return seen[0]


def slopes(model: keras.Model, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The gradient of each image's `scores_of` with respect to its pixels, an array of the shape of `images`.

    Raises: ValueError for a model of whole numbers, of which there is no gradient.
    """
    check_differentiable(model)

    def part_of(part, wanted):
        return gradient(lambda x: ops.sum(scores_of(model, x, wanted)), ops.convert_to_tensor(part))

    return in_batches(part_of, images, classes)


def check_differentiable(model: keras.Model) -> None:
    """Raises ValueError for a model that takes images as whole numbers, through which no gradient goes."""
    taken = keras.backend.standardize_dtype(model.inputs[0].dtype)
    if "float" not in taken:
        mend = 'Build it with keras.Input(..., dtype="float32").'
        raise ValueError(checks.message("model", "take images of float32, which have a gradient", taken, mend))


def in_batches(function: Callable[..., Any], *arrays: np.ndarray) -> np.ndarray:
    """What `function` gives for the arrays, which have one entry an example, never called with more than `BATCH`.

    >>> in_batches(lambda x: x.shape[0] * x[:2], np.ones(40)).tolist()
    [32.0, 32.0, 8.0, 8.0]
    """
    parts = [slice(start, start + BATCH) for start in range(0, len(arrays[0]), BATCH)]
    return np.concatenate([ops.convert_to_numpy(function(*(array[part] for array in arrays))) for part in parts])


def logits(operation: keras.Operation, inputs: Any, outputs: Any) -> Any:
    """The scores in front of a last softmax or sigmoid; the outputs themselves where there is neither."""
    if type(operation).__name__ in ("Softmax", "Sigmoid"):  # the layer, and the operations of keras.ops
        return inputs
    if getattr(operation, "activation", None) not in (keras.activations.softmax, keras.activations.sigmoid):
        return outputs
    if isinstance(operation, layers.Dense):
        found = ops.matmul(ops.cast(inputs, "float32"), ops.cast(operation.kernel, "float32"))
        return found if operation.bias is None else found + ops.cast(operation.bias, "float32")
    return inputs if isinstance(operation, layers.Activation) else outputs


def _checked(classes: Any, count: int, known: int) -> np.ndarray:
    """The class of each image, `(count,)`."""
    given = np.asarray(classes)
    if given.dtype.kind not in "iu" or given.shape not in ((), (count,)):
        rule = f"be one index or {count} of them, one an image"
        raise ValueError(checks.message("classes", rule, classes))
    if given.min() < 0 or given.max() >= known:
        raise ValueError(checks.message("classes", f"be in 0..{known - 1}", classes))
    return np.broadcast_to(given, (count,)).astype("int32")
