"""AlexNet (Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep convolutional networks")."""

import keras

from kerascnn.blocks import classifier, conv
from kerascnn.models.inputs import image_input, least_side, shortest_side

POOLED = (1, 2, 5)  # the convolutions that 3x3 max-pooling of stride 2 follows
GROUPED = (2, 4, 5)  # the convolutions that the paper split over two GPUs


def alexnet(
    image_shape: tuple[int, int, int],
    classes: int,
    *,
    filters: tuple[int, ...] = (96, 256, 384, 384, 256),
    kernel_sizes: tuple[int, ...] = (11, 5, 3, 3, 3),
    strides: int | None = None,
    groups: int = 2,
    units: tuple[int, ...] = (4096, 4096),
    dropout: float = 0.5,
    activation: str = "relu",
    normalization=None,
    name: str = "alexnet",
) -> keras.Model:
    """AlexNet: five convolutions and three dense layers; 60,965,224 parameters for 227 x 227 x 3 and 1,000 classes.

    Images (batch, height, width, channels) of raw values 0..255 in, probabilities (batch, classes) out. The paper's
    local response normalisation is left out, as it was found not to help (Simonyan & Zisserman 2015); pass
    `normalization="batch"` to train from scratch with ease. `strides` of the first convolution, 4 in the paper, is one
    for every 32 pixels in images under 128 pixels, and then this convolution is padded.
    Raises ValueError for images that leave no map (15 pixels are the least).

    >>> alexnet((32, 32, 3), 10, filters=(12, 32, 48, 48, 32), units=(64, 64)).output_shape
    (None, 10)
    """
    side = shortest_side(image_shape)
    strides = strides or min(4, max(1, side // 32))
    first = (kernel_sizes[0], strides) if side >= 128 else (1, strides)
    inputs, x = image_input(image_shape, least=least_side([first, (3, 2), (3, 2), (3, 2)]))
    for number, (width, kernel_size) in enumerate(zip(filters, kernel_sizes, strict=True), 1):
        x = conv(
            x, width, kernel_size,
            strides=strides if number == 1 else 1,
            padding="valid" if number == 1 and side >= 128 else "same",
            groups=groups if number in GROUPED else 1,
            activation=activation, normalization=normalization, name=f"conv{number}",
        )  # fmt: skip
        if number in POOLED:
            x = keras.layers.MaxPooling2D(3, 2, name=f"conv{number}_pool")(x)
    outputs = classifier(
        x, classes, pooling="flatten", units=units, dropout=dropout, activation=activation, name="probabilities"
    )
    return keras.Model(inputs, outputs, name=name)
