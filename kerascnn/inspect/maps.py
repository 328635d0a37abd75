"""What the layers of a model see in images, and the kernels that they see it with."""

from collections.abc import Collection, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kerascnn import checks
from kerascnn.inspect.walking import maps_in, named, outline, single, walk
from kerascnn.layers import nested

BATCH = 32


def feature_maps(model: keras.Model, images: Any, layers: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """What `layers` give for `images`: float32 arrays `(n, height, width, channels)` by layer.

    Args:
        model: a Functional or Sequential model, also one of nested models.
        images: raw images as the model takes them, `(n, height, width, channels)` in 0..255.
        layers: names, of layers in nested models too ("conv1", or "backbone/conv1" where it is not unique). None: the
            last map of each resolution, from the first convolution on.

    Raises: ValueError for a name that no layer with a map has.

    >>> image = keras.Input((8, 8, 1))
    >>> x = keras.layers.Conv2D(4, 3, strides=2, padding="same", name="conv")(image)
    >>> maps = feature_maps(keras.Model(image, x), np.zeros((2, 8, 8, 1)))
    >>> {name: map.shape for name, map in maps.items()}
    {'conv': (2, 4, 4, 4)}
    """
    model, images = single(model), image_batch(images)
    seen = outline(model, images[:1])
    last = _one_a_stride(seen, images.shape[1])
    chosen = last if layers is None else [named("layers", layer, maps_in(seen)) for layer in layers]
    parts = [outputs(model, images[start : start + BATCH], chosen) for start in range(0, len(images), BATCH)]
    return {
        name: np.concatenate([part[path] for part in parts])
        for name, path in zip(layers or chosen, chosen, strict=True)
    }


def filters(model: keras.Model, layer: str | None = None) -> np.ndarray:
    """The kernels of a convolution as pictures `(filters, height, width, 3 or 1)` in 0..1.

    Zero is middle grey, and each filter has its own contrast: its largest weight, of either sign, is white or black.
    Kernels over three channels are pictures in colour, those over more the mean over their channels.

    Args:
        model: any model; nested ones are searched too.
        layer: the name of a two-dimensional convolution; None is the first one.

    Raises: ValueError where there is none of that name, or none at all.

    >>> image = keras.Input((8, 8, 3))
    >>> filters(keras.Model(image, keras.layers.Conv2D(16, 5)(image))).shape
    (16, 5, 5, 3)
    """
    convolutions = {path: found for path, found in nested.leaves(model) if isinstance(found, keras.layers.Conv2D)}
    if not convolutions:
        raise ValueError(checks.message("model", "have a two-dimensional convolution", model.name))
    path = next(iter(convolutions)) if layer is None else named("layer", layer, convolutions, "a convolution")
    kernels = np.moveaxis(ops.convert_to_numpy(ops.cast(convolutions[path].kernel, "float32")), -1, 0)
    kernels = kernels if kernels.shape[-1] in (1, 3) else kernels.mean(axis=-1, keepdims=True)
    largest = np.abs(kernels).max(axis=(1, 2, 3), keepdims=True)
    return 0.5 + 0.5 * kernels / np.where(largest > 0, largest, 1)


def is_convolutional(model: keras.Model) -> bool:
    """Whether `grad_cam`, `feature_maps` and `filters` find in `model` what they look for.

    >>> is_convolutional(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]))
    False
    """
    try:
        single(model)
    except ValueError:
        return False
    return any(isinstance(layer, keras.layers.Conv2D) for _, layer in nested.leaves(model))


def image_batch(images: Any) -> np.ndarray:
    """`images` as an array; raises ValueError unless it is `(n, height, width, channels)` with n of at least 1."""
    images = np.asarray(images)
    if images.ndim != 4 or not len(images):
        mend = "Pass image[None] for a single one."
        raise ValueError(checks.message("images", "be (n, height, width, channels)", images.shape, mend))
    return images


def outputs(model: keras.Model, images: Any, paths: Collection[str]) -> dict[str, np.ndarray]:
    """What the operations at `paths`, as of `walk`, give for one batch of images: float32 arrays by path."""
    kept = {}

    def keep(path, _operation, _inputs, outputs):
        if path in paths:
            kept[path] = ops.convert_to_numpy(ops.cast(outputs, "float32"))
        return outputs

    walk(model, images, keep)
    return kept


def _one_a_stride(seen, height) -> list[str]:
    """The last map of each stride from the first convolution on, without those only padded for what follows."""
    last, begun = {}, False
    maps = maps_in(seen)
    for path, (operation, shape) in seen.items():
        begun = begun or isinstance(operation, keras.layers.Conv2D)
        if begun and path in maps and not isinstance(operation, keras.layers.ZeroPadding2D):
            last[round(np.log2(height / shape[1]))] = path
    return list(last.values())
