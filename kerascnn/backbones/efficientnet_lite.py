"""EfficientNet-Lite: EfficientNet without squeeze-excite and with ReLU6, so that it is fast on any processor.

Paper: Tan and Le 2019, https://arxiv.org/abs/1905.11946. Reference:
https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import keras
from keras import layers

from kerascnn import checks
from kerascnn.blocks import activate, classifier, conv, normalize

# Repeats, kernel size, strides and expansion of each stage, and the channels that it gives.
STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192))
STAGES += ((1, 3, 1, 6, 320),)
STEM, TOP = 32, 1280  # channels, the same in every variant
ACTIVATION = "relu6"


@dataclass(frozen=True)
class Scale:
    """What a variant makes of the table: factors of channels and repeats, its own image size, dropout of its top."""

    width: float
    depth: float
    size: int
    dropout: float


VARIANTS = {
    "efficientnet_lite0": Scale(1.0, 1.0, 224, 0.2),
    "efficientnet_lite1": Scale(1.0, 1.1, 240, 0.2),
    "efficientnet_lite2": Scale(1.1, 1.2, 260, 0.3),
}


@dataclass(frozen=True)
class Block:
    """One inverted bottleneck: its name and the arguments of `inverted_bottleneck`."""

    name: str
    filters: int
    kernel_size: int
    strides: int
    expansion: int


def efficientnet_lite(inputs, variant: str = "efficientnet_lite0", classes: int | None = None) -> keras.Model:
    """The network on `inputs`, a tensor `(batch, height, width, 3)` of `(x - 127) / 128`, x in 0..255.

    The model begins where `inputs` come from and ends in the map `top_act` of 1,280 channels and a 32nd of the size.
    With `classes` it ends in their probabilities instead; with 1,000 of them lite0, lite1 and lite2 have 4,652,008,
    5,416,680 and 6,092,072 trainable parameters. Last layers at strides 2, 4, 8, 16, 32: `block1a_project_norm`,
    `block2b_add`, `block3b_add`, `block5c_add`, `top_act`; in lite1 and lite2 `block2c_add`, `block3c_add`,
    `block5d_add`. Raises: ValueError for another `variant`.

    >>> efficientnet_lite(keras.Input((224, 224, 3))).output_shape
    (None, 7, 7, 1280)
    """
    scale = VARIANTS[checks.one_of("variant", variant, VARIANTS)]
    x = conv(inputs, STEM, strides=2, activation=ACTIVATION, name="stem")
    for block in blocks(variant):
        x = inverted_bottleneck(x, **vars(block))
    x = conv(x, TOP, 1, activation=ACTIVATION, name="top")
    if classes is not None:
        x = classifier(x, classes, dropout=scale.dropout, name="probabilities")
    return keras.Model(keras.utils.get_source_inputs(inputs), x, name=variant)


def blocks(variant: str) -> Iterator[Block]:
    """The blocks of a variant, from the image upwards. First and last stage keep their single block.

    >>> [block.name for block in blocks("efficientnet_lite0")][:4]
    ['block1a', 'block2a', 'block2b', 'block3a']
    """
    scale = VARIANTS[variant]
    for stage, (repeats, kernel_size, strides, expansion, filters) in enumerate(STAGES, 1):
        if 1 < stage < len(STAGES):
            repeats = math.ceil(scale.depth * repeats)
        filters = _to_eights(scale.width * filters)
        for number in range(repeats):
            name = f"block{stage}{chr(ord('a') + number)}"
            yield Block(name, filters, kernel_size, 1 if number else strides, expansion)


def inverted_bottleneck(x, filters: int, *, kernel_size: int = 3, strides: int = 1, expansion: int = 6, name: str):
    """1x1 to `expansion` times the channels, one filter a channel, 1x1 to `filters`; the shortcut joins the thin ends.

    There is a shortcut where the shape stays. Nodes `NAME_expand_conv` (with an `expansion` above 1),
    `NAME_depth_conv`, `NAME_project_conv`, each with `_norm` and, but for the last, `_act`; `NAME_add`.
    Paper: Sandler et al. 2018, https://arxiv.org/abs/1801.04381.

    >>> inverted_bottleneck(keras.Input((8, 8, 16)), 24, strides=2, name="block2a").shape
    (None, 4, 4, 24)
    """
    y = x
    if expansion > 1:
        y = conv(y, expansion * x.shape[-1], 1, activation=ACTIVATION, name=f"{name}_expand")
    depthwise = layers.DepthwiseConv2D(kernel_size, strides, "same", use_bias=False, name=f"{name}_depth_conv")
    y = activate(normalize(depthwise(y), name=f"{name}_depth_norm"), ACTIVATION, name=f"{name}_depth_act")
    y = conv(y, filters, 1, activation=None, name=f"{name}_project")
    return layers.Add(name=f"{name}_add")([x, y]) if x.shape == y.shape else y


def _to_eights(filters: float) -> int:
    """The nearest multiple of 8 that is not more than a tenth below `filters`."""
    rounded = max(8, int(filters + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * filters else rounded
