"""VGG (Simonyan & Zisserman 2015, "Very deep convolutional networks for large-scale image recognition")."""

from functools import partial

import keras

from kerascnn.blocks import classifier, conv
from kerascnn.models.inputs import image_input


def vgg(
    image_shape: tuple[int, int, int],
    classes: int,
    *,
    depths: tuple[int, ...],
    filters: tuple[int, ...] = (64, 128, 256, 512, 512),
    kernel_size: int = 3,
    strides: int = 2,
    units: tuple[int, ...] = (4096, 4096),
    dropout: float = 0.5,
    activation: str = "relu",
    normalization=None,
    name: str = "vgg",
) -> keras.Model:
    """VGG: stages of `depths` convolutions, each ending in max-pooling by `strides`, and three dense layers.

    Images (batch, height, width, channels) of raw values 0..255 in, probabilities (batch, classes) out. For 224 x 224 x
    3 and 1,000 classes `vgg16` has 138,357,544 parameters. The paper has no normalisation; from scratch
    `normalization="batch"` trains with ease. Pooling is padded, so any image size works: 28 pixels end in one.

    >>> vgg11((28, 28, 1), 10, filters=(4, 8, 16, 32, 32), units=(64,)).output_shape
    (None, 10)
    """
    inputs, x = image_input(image_shape)
    for stage, (width, depth) in enumerate(zip(filters, depths, strict=True), 1):
        for number in range(1, depth + 1):
            x = conv(
                x, width, kernel_size,
                activation=activation, normalization=normalization, name=f"stage{stage}_conv{number}",
            )  # fmt: skip
        x = keras.layers.MaxPooling2D(strides, padding="same", name=f"stage{stage}_pool")(x)
    outputs = classifier(
        x, classes, pooling="flatten", units=units, dropout=dropout, activation=activation, name="probabilities"
    )
    return keras.Model(inputs, outputs, name=name)


vgg11 = partial(vgg, depths=(1, 1, 2, 2, 2), name="vgg11")
vgg13 = partial(vgg, depths=(2, 2, 2, 2, 2), name="vgg13")
vgg16 = partial(vgg, depths=(2, 2, 3, 3, 3), name="vgg16")
vgg19 = partial(vgg, depths=(2, 2, 4, 4, 4), name="vgg19")
