"""What a channel looks for: the parts of real images that excite it most."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kerascnn import checks
from kerascnn.inspect.maps import image_batch
from kerascnn.inspect.maximal import channels_of
from kerascnn.inspect.receptive import Field, receptive_fields
from kerascnn.inspect.scoring import in_batches, responses
from kerascnn.inspect.walking import named, outline, single


def top_patches(
    model: keras.Model, images: Any, layer: str, channel: int | Sequence[int], *, count: int = 8
) -> np.ndarray:
    """The parts of images that excite a channel most: `(channels, count, height, width, 3)`, the strongest first.

    Each is what the place with the largest answer sees, of the size of the layer's receptive field, or of the image
    where that is larger, moved inside where it reaches over the border; of an image it is the best one only.

    Args:
        model: a Functional or Sequential model, also one of nested models.
        images: raw images as the model takes them, `(n, height, width, channels)` in 0..255.
        layer: its name, in nested models too ("conv1", or "backbone/conv1" where it is not unique).
        channel: one index or several.
        count: how many parts of each channel, at most one an image.

    Raises: ValueError for a layer or a channel that there is not, or fewer images than `count`.

    >>> image = keras.Input((6, 6, 1))
    >>> model = keras.Model(image, keras.layers.Conv2D(1, 2, kernel_initializer="ones", name="conv")(image))
    >>> top_patches(model, np.arange(36).reshape(1, 6, 6, 1), "conv", 0, count=1).ravel().tolist()
    [28, 29, 34, 35]
    """
    model, images = single(model), image_batch(images)
    if checks.positive_int("count", count) > len(images):
        raise ValueError(checks.message("count", f"be at most {len(images)}, the number of images", count))
    fields = receptive_fields(model, images.shape[1:])
    path = named("layer", layer, fields, "a layer of which is known what it sees")
    channels = channels_of(channel, outline(model, images[:1])[path][1][-1])
    answers, *places = np.moveaxis(in_batches(lambda part: _strongest(model, path, part, channels), images), 1, 0)
    order = np.argsort(-answers, axis=0, kind="stable")[:count]
    places = np.stack(places, axis=-1)
    cut = [[_cut(images[i], places[i, k], fields[path]) for i in order[:, k]] for k in range(len(channels))]
    return np.array(cut)


def _strongest(model, path, images, channels) -> np.ndarray:
    """The largest answer of each channel in an image, and its row and column: `(n, 3, channels)`."""
    found = ops.convert_to_numpy(responses(model, path, images))[..., channels]
    height, width = found.shape[1:3] if found.ndim == 4 else (1, 1)
    flat = found.reshape(len(found), height * width, len(channels))
    return np.stack([flat.max(axis=1), *np.divmod(flat.argmax(axis=1), width)], axis=1)


def _cut(image: np.ndarray, place: np.ndarray, field: Field) -> np.ndarray:
    """What a `place` (row, column) of a layer sees of the image."""
    sizes = np.minimum(field.size, image.shape[:2])
    starts = np.round(np.add(field.centre, place * field.stride) - (sizes - 1) / 2)
    top, left = np.clip(starts, 0, image.shape[:2] - sizes).astype(int)
    return image[top : top + sizes[0], left : left + sizes[1]]
