"""GoogLeNet (Szegedy et al. 2015, "Going deeper with convolutions")."""

import keras

from kerascnn.blocks import auxiliary, classifier, conv, inception
from kerascnn.models.auxiliary import Auxiliary
from kerascnn.models.inputs import image_input, shortest_side
from kerascnn.models.scaling import scaled

# 1x1, (reduction, 3x3), (reduction, 5x5), 1x1 after pooling: the filters of table 1 of the paper
INCEPTIONS = {
    "3a": (64, (96, 128), (16, 32), 32),
    "3b": (128, (128, 192), (32, 96), 64),
    "4a": (192, (96, 208), (16, 48), 64),
    "4b": (160, (112, 224), (24, 64), 64),
    "4c": (128, (128, 256), (24, 64), 64),
    "4d": (112, (144, 288), (32, 64), 64),
    "4e": (256, (160, 320), (32, 128), 128),
    "5a": (256, (160, 320), (32, 128), 128),
    "5b": (384, (192, 384), (48, 128), 128),
}
POOLED = ("3b", "4e")  # max-pooling follows
AUXILIARY = ("4a", "4d")  # an auxiliary classifier looks on


def googlenet(
    image_shape: tuple[int, int, int],
    classes: int,
    *,
    inceptions: dict[str, tuple] = INCEPTIONS,
    filters: tuple[int, int, int] = (64, 64, 192),
    kernel_sizes: tuple[int, int, int] = (7, 1, 3),
    strides: int | None = None,
    width: float = 1.0,
    dropout: float = 0.4,
    activation: str = "relu",
    normalization="batch",
    auxiliary_weight: float = 0.3,
    name: str = "googlenet",
) -> Auxiliary:
    """GoogLeNet with two auxiliary classifiers in training; `.inference()` is the network without them.

    Images (batch, height, width, channels) of raw values 0..255 in, probabilities (batch, classes) out. With
    `normalization=None`, as in the paper, 6,998,552 parameters for 1,000 classes, and 13,378,280 with the auxiliary
    classifiers; normalised, the convolutions train better and have no biases. `filters` and `kernel_sizes` are of the
    stem, `width` multiplies all filters. Three `strides` of 2 open the network; under 64 pixels they are 1.

    >>> model = googlenet((32, 32, 3), 10, width=0.125)
    >>> model.inference().output_shape
    (None, 10)
    """
    strides = strides or (1 if shortest_side(image_shape) < 64 else 2)
    style = {"activation": activation, "normalization": normalization}
    inputs, x = image_input(image_shape)
    x = _stem(x, scaled(filters, width), kernel_sizes, strides, style)
    side = {"filters": scaled(128, width), "units": scaled(1024, width), **style}
    sides = []
    for stage, counts in inceptions.items():
        x = inception(x, scaled(counts, width), **style, name=f"inception{stage}")
        if stage in AUXILIARY:
            sides.append(auxiliary(x, classes, **side, name=f"auxiliary{stage}"))
        if stage in POOLED:
            x = _pool(x, 2, f"pool{stage}")
    main = classifier(x, classes, dropout=dropout, name="probabilities")
    return Auxiliary(inputs, [main, *sides], name=name, auxiliary_weight=auxiliary_weight)


def _stem(x, filters, kernel_sizes, strides, style):
    x = conv(x, filters[0], kernel_sizes[0], strides=strides, **style, name="stem1")
    x = _pool(x, strides, "stem1_pool")
    x = conv(x, filters[1], kernel_sizes[1], **style, name="stem2")
    x = conv(x, filters[2], kernel_sizes[2], **style, name="stem3")
    return _pool(x, strides, "stem3_pool")


def _pool(x, strides: int, name: str):
    return x if strides == 1 else keras.layers.MaxPooling2D(3, strides, padding="same", name=name)(x)
