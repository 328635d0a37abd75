"""ZFNet (Zeiler & Fergus 2014, "Visualizing and understanding convolutional networks")."""

import keras

from kerascnn.blocks import classifier, conv
from kerascnn.models.inputs import image_input, least_side, shortest_side


def zfnet(
    image_shape: tuple[int, int, int],
    classes: int,
    *,
    filters: tuple[int, ...] = (96, 256, 384, 384, 256),
    kernel_sizes: tuple[int, ...] = (7, 5, 3, 3, 3),
    strides: tuple[int, int] | None = None,
    units: tuple[int, ...] = (4096, 4096),
    dropout: float = 0.5,
    activation: str = "relu",
    normalization=None,
    name: str = "zfnet",
) -> keras.Model:
    """ZFNet, AlexNet with a finer stem; 62,357,608 parameters for 224 x 224 x 3 and 1,000 classes.

    Images (batch, height, width, channels) of raw values 0..255 in, probabilities (batch, classes) out. `strides` of
    the first two convolutions are (2, 2) as in the paper, (2, 1) under 128 pixels, (1, 1) under 64 pixels.
    Raises ValueError for images that leave no map (9 pixels are the least).

    >>> zfnet((32, 32, 3), 10, filters=(12, 32, 48, 48, 32), units=(64, 64)).output_shape
    (None, 10)
    """
    side = shortest_side(image_shape)
    first, second = strides or ((2, 2) if side >= 128 else (2, 1) if side >= 64 else (1, 1))
    padding = "valid" if side >= 128 else "same"
    steps = [(1, first), (1, 2), (kernel_sizes[1] if padding == "valid" else 1, second), (1, 2), (3, 2)]
    inputs, x = image_input(image_shape, least=least_side(steps))
    for number, (width, kernel_size) in enumerate(zip(filters, kernel_sizes, strict=True), 1):
        x = conv(
            x, width, kernel_size,
            strides={1: first, 2: second}.get(number, 1),
            padding=padding if number == 2 else "same",
            activation=activation, normalization=normalization, name=f"conv{number}",
        )  # fmt: skip
        if number in (1, 2):
            x = keras.layers.MaxPooling2D(3, 2, padding="same", name=f"conv{number}_pool")(x)
    x = keras.layers.MaxPooling2D(3, 2, name="conv5_pool")(x)
    outputs = classifier(
        x, classes, pooling="flatten", units=units, dropout=dropout, activation=activation, name="probabilities"
    )
    return keras.Model(inputs, outputs, name=name)
