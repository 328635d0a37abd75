"""What stands at the end of a network that finds objects."""

import math
from collections.abc import Mapping
from typing import Any

import keras
from keras import layers

from kerascnn import checks
from kerascnn.blocks.conv import activate, normalize
from kerascnn.blocks.heads import classifier
from kerascnn.blocks.pyramid import convolution, kernel
from kerascnn.layers import CellBoxes

PRIOR = 0.01  # the score everywhere before training, as nearly all places show nothing (Lin et al. 2017, RetinaNet)
SIDE = math.log(2)  # boxes begin two strides to each side, the size that a level is for


def anchor_free_head(
    maps: Mapping[int, Any],
    classes: int,
    *,
    channels: int,
    depth: int = 2,
    separable: bool = True,
    normalization="batch",
    activation="silu",
    name: str,
):
    """Places over all maps, each with a box and a score a class: `(batch, places, 4 + classes)` in float32.

    A place is a cell of a map, finest map first, row by row. It predicts left, top, right and bottom in pixels of the
    image, see `layers.CellBoxes`, and then the logits of the classes, each by itself. The boxes and the classes have
    each a tower of `depth` convolutions, the same for all maps, with norms for each map by itself, as objects of all
    sizes look alike but the numbers do not (Zhang et al. 2019, https://arxiv.org/abs/1912.02424, and RTMDet,
    https://arxiv.org/abs/2212.07784).

    `maps`: stride -> map, all with as many channels, as `pyramid` gives them. `separable`: see there.
    Nodes `NAME_box_1_conv`, `NAME_box_1_norm8`, `NAME_boxes8`, `NAME_class_1_conv`, ..., `NAME_logits8`, ..., `NAME`.

    >>> import keras
    >>> maps = {8: keras.Input((16, 16, 32)), 16: keras.Input((8, 8, 32))}
    >>> anchor_free_head(maps, 3, channels=32, name="head").shape
    (None, 320, 7)
    """
    checks.positive_int("classes", classes)
    options = {"channels": channels, "depth": depth, "separable": separable, "use_bias": normalization is None}
    kinds = {"box": (4, SIDE), "class": (classes, math.log(PRIOR / (1 - PRIOR)))}
    shared = {kind: _layers(*kinds[kind], **options, name=f"{name}_{kind}") for kind in kinds}
    style = {"normalization": normalization, "activation": activation}
    levels = []
    for stride in sorted(maps):
        sides, logits = (_run(maps[stride], shared[kind], stride, **style) for kind in kinds)
        boxes = CellBoxes(stride, dtype="float32", name=f"{name}_boxes{stride}")(sides)
        logits = layers.Reshape((-1, classes), dtype="float32", name=f"{name}_logits{stride}")(logits)
        levels.append(layers.Concatenate(dtype="float32", name=f"{name}_level{stride}")([boxes, logits]))
    if len(levels) == 1:
        return layers.Identity(dtype="float32", name=name)(levels[0])
    return layers.Concatenate(axis=1, dtype="float32", name=name)(levels)


def box_head(
    x,
    *,
    stride: int,
    channels: int,
    depth: int = 2,
    separable: bool = True,
    normalization="batch",
    activation="silu",
    name: str,
):
    """One box an image, `(batch, 4)` in float32: left, top, right and bottom in pixels.

    Each place of the map predicts the box of the object, as in `anchor_free_head`, and how much its word counts; the
    answer is the mean, weighted by a softmax over the places. So the place of the object is read off where it is, and a
    shifted object shifts its box, which a dense layer would have to learn for each place.

    `x`: a map of that `stride`. Nodes `NAME_1_conv`, ..., `NAME_sides_conv`, `NAME_boxes`, `NAME_weights`, ..., `NAME`.

    >>> import keras
    >>> box_head(keras.Input((16, 16, 32)), stride=4, channels=32, name="box").shape
    (None, 4)
    """
    style = {"separable": separable, "normalization": normalization, "activation": activation}
    for number in range(1, depth + 1):
        x = convolution(x, channels, **style, name=f"{name}_{number}")
    sides = _numbers(4, SIDE, name=f"{name}_sides_conv")(x)
    boxes = CellBoxes(stride, dtype="float32", name=f"{name}_boxes")(sides)
    return attended(x, boxes, name=name)


def class_head(x, coarse, classes: int, *, channels: int, depth: int = 2, dropout: float = 0.0, name: str):
    """The probabilities of the classes of the one object of an image, `(batch, classes)` in float32.

    From the mean of the map `coarse`, and from the places of the finer map `x` by how much each counts, so that a small
    object is not lost in the mean. Nodes `NAME_1_conv`, ..., `NAME_weights`, ..., `NAME_coarse`, `NAME_both`, `NAME`.

    >>> import keras
    >>> class_head(keras.Input((16, 16, 32)), keras.Input((4, 4, 64)), 10, channels=32, name="class").shape
    (None, 10)
    """
    for number in range(1, depth + 1):
        x = convolution(x, channels, separable=True, activation="silu", name=f"{name}_{number}")
    places = layers.Reshape((-1, channels), dtype="float32", name=f"{name}_places")(x)
    found = attended(x, places, name=f"{name}_attended")
    mean = layers.GlobalAveragePooling2D(name=f"{name}_coarse")(coarse)
    both = layers.Concatenate(dtype="float32", name=f"{name}_both")([mean, found])
    return classifier(both, classes, dropout=dropout, name=name)


def attended(x, values, *, name: str):
    """The mean of `values` `(batch, places, k)` over the places of the map `x`, which says how much each counts.

    Nodes `NAME_weights_conv`, `NAME_weights`, `NAME_mean`, `NAME`; `(batch, k)` in float32.
    """
    weights = _numbers(1, 0.0, name=f"{name}_weights_conv")(x)
    weights = layers.Reshape((-1, 1), dtype="float32", name=f"{name}_weights_list")(weights)
    weights = layers.Softmax(axis=1, dtype="float32", name=f"{name}_weights")(weights)
    mean = layers.Dot(axes=1, dtype="float32", name=f"{name}_mean")([weights, values])
    return layers.Flatten(dtype="float32", name=name)(mean)


def _layers(count, bias, channels, depth, *, separable, use_bias, name) -> list[layers.Layer]:
    """The convolutions of a tower, and the last one, which gives `count` numbers that begin at `bias`."""
    options = {"separable": separable, "use_bias": use_bias}
    tower = [kernel(channels, **options, name=f"{name}_{number}_conv") for number in range(1, depth + 1)]
    return [*tower, _numbers(count, bias, name=f"{name}_last_conv")]


def _numbers(count: int, bias: float, *, name: str) -> layers.Layer:
    """`count` numbers a place that begin at `bias`, nearly the same everywhere."""
    first = {"kernel_initializer": keras.initializers.RandomNormal(stddev=0.01)}
    first["bias_initializer"] = keras.initializers.Constant(bias)
    return layers.Conv2D(count, 1, **first, dtype="float32", name=name)


def _run(x, shared, stride, *, normalization, activation):
    *tower, last = shared
    for layer in tower:
        name = layer.name.removesuffix("_conv")
        x = normalize(layer(x), normalization, name=f"{name}_norm{stride}")
        x = activate(x, activation, name=f"{name}_act{stride}")
    return last(x)
