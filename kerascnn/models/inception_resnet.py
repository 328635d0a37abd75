"""Inception-ResNet-v2 (Szegedy, Ioffe, Vanhoucke & Alemi 2017, https://arxiv.org/abs/1602.07261)."""

import keras
from keras import layers

from kerascnn.blocks import classifier, conv, inception_residual
from kerascnn.blocks.inception_residual import BRANCHES, SCALES
from kerascnn.models.inputs import image_input, shortest_side
from kerascnn.models.scaling import scaled

# Branches side by side, each of convolutions (filters, kernel size, strides); a branch that pools joins them.
MIXED = (((96, 1, 1),), ((48, 1, 1), (64, 5, 1)), ((64, 1, 1), (96, 3, 1), (96, 3, 1)))
REDUCTION_A = (((384, 3, 2),), ((256, 1, 1), (256, 3, 1), (384, 3, 2)))
REDUCTION_B = (((256, 1, 1), (384, 3, 2)), ((256, 1, 1), (288, 3, 2)), ((256, 1, 1), (288, 3, 1), (320, 3, 2)))


def inception_resnet_v2(
    image_shape: tuple[int, int, int],
    classes: int,
    *,
    depths: tuple[int, int, int] = (10, 20, 10),
    filters: tuple[int, ...] = (32, 32, 64, 80, 192),
    kernel_size: int = 3,
    strides: int | None = None,
    width: float = 1.0,
    dropout: float = 0.2,
    activation: str = "relu",
    normalization="batch",
    name: str = "inception_resnet_v2",
) -> keras.Model:
    """Inception-ResNet-v2; `depths` are the numbers of its blocks A, B and C, `filters` and `kernel_size` of the stem.

    Images (batch, height, width, channels) of raw values 0..255 in, probabilities (batch, classes) out. For 1,000
    classes it has 55,843,464 trainable parameters, 30,272 more than in keras.applications, whose normalisations do not
    scale. `width` multiplies all filters. Three `strides` of 2 open the network; under 64 pixels they are 1. Under 96
    pixels all convolutions are padded; from there on as few as in the paper.

    >>> inception_resnet_v2((32, 32, 3), 10, depths=(1, 1, 1), width=0.125).output_shape
    (None, 10)
    """
    side = shortest_side(image_shape)
    strides = strides or (1 if side < 64 else 2)
    padding = "same" if side < 96 else "valid"
    style = {"activation": activation, "normalization": normalization}
    inputs, x = image_input(image_shape)
    x = _stem(x, scaled(filters, width), kernel_size, strides, padding, style)
    pool = layers.AveragePooling2D(3, 1, padding="same", name="mixed_pool")(x)
    pool = conv(pool, scaled(64, width), 1, **style, name="mixed_project")
    x = _mixed(x, pool, MIXED, width, padding, style, "mixed")
    x = _blocks(x, "a", depths[0], width, style)
    x = _reduction(x, REDUCTION_A, width, padding, style, "reduction_a")
    x = _blocks(x, "b", depths[1], width, style)
    x = _reduction(x, REDUCTION_B, width, padding, style, "reduction_b")
    x = _blocks(x, "c", depths[2], width, style, last={"scale": 1.0, "activation": None})
    x = conv(x, scaled(1536, width), 1, **style, name="top")
    return keras.Model(inputs, classifier(x, classes, dropout=dropout, name="probabilities"), name=name)


def _stem(x, filters, kernel_size, strides, padding, style):
    x = conv(x, filters[0], kernel_size, strides=strides, padding=padding, **style, name="stem1")
    x = conv(x, filters[1], kernel_size, padding=padding, **style, name="stem2")
    x = conv(x, filters[2], kernel_size, **style, name="stem3")
    x = _pool(x, strides, padding, "stem3_pool")
    x = conv(x, filters[3], 1, **style, name="stem4")
    x = conv(x, filters[4], kernel_size, padding=padding, **style, name="stem5")
    return _pool(x, strides, padding, "stem5_pool")


def _blocks(x, kind, depth, width, style, last=None):
    """`depth` inception-residual blocks of a kind; the arguments `last` are for the last one."""
    branches = [[(scaled(filters, width), size) for filters, size in steps] for steps in BRANCHES[kind]]
    for number in range(1, depth + 1):
        options = {"scale": SCALES[kind], **style, **(last or {} if number == depth else {})}
        x = inception_residual(x, branches, **options, name=f"block_{kind}{number}")
    return x


def _reduction(x, branches, width, padding, style, name):
    return _mixed(x, _pool(x, 2, padding, f"{name}_pool"), branches, width, padding, style, name)


def _mixed(x, pool, branches, width, padding, style, name):
    """The branches of a table on `x`, and `pool`, side by side; `padding` is of the convolutions with strides."""
    ends = []
    for number, steps in enumerate(branches, 1):
        y = x
        for step, (filters, size, strides) in enumerate(steps, 1):
            pad = padding if strides > 1 else "same"
            node = f"{name}_branch{number}_{step}"
            y = conv(y, scaled(filters, width), size, strides=strides, padding=pad, **style, name=node)
        ends.append(y)
    return layers.Concatenate(name=f"{name}_concat")([*ends, pool])


def _pool(x, strides, padding, name):
    return x if strides == 1 else layers.MaxPooling2D(3, strides, padding=padding, name=name)(x)
