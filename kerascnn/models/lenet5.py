"""LeNet-5 (LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied to document recognition")."""

import keras

from kerascnn.blocks import classifier, conv
from kerascnn.models.inputs import image_input, least_side, shortest_side


def lenet5(
    image_shape: tuple[int, int, int],
    classes: int,
    *,
    filters: tuple[int, int] = (6, 16),
    kernel_size: int = 5,
    strides: int = 1,
    pool_size: int = 2,
    units: tuple[int, ...] = (120, 84),
    activation: str = "tanh",
    normalization=None,
    name: str = "lenet5",
) -> keras.Model:
    """LeNet-5: two convolutions, each with average pooling, then dense layers; 61,706 parameters for 32 x 32 x 1.

    Images (batch, height, width, channels) of raw values 0..255 in, probabilities (batch, classes) out. The third
    convolution is the dense layer that it amounts to, pooling has no weights and the second convolution sees all maps.
    Below 32 pixels the first convolution is padded, so that 28 pixels give the maps of the paper's 32.
    Raises ValueError for images that leave no map (12 pixels are the least).

    >>> lenet5((28, 28, 1), 10).count_params()
    61706
    """
    padding = "same" if shortest_side(image_shape) < 32 else "valid"
    first = kernel_size if padding == "valid" else 1
    steps = [(first, strides), (pool_size, pool_size), (kernel_size, strides), (pool_size, pool_size)]
    inputs, x = image_input(image_shape, least=least_side(steps))
    for stage, (width, pad) in enumerate(zip(filters, (padding, "valid"), strict=True), 1):
        x = conv(
            x, width, kernel_size, strides=strides, padding=pad,
            activation=activation, normalization=normalization, name=f"stage{stage}",
        )  # fmt: skip
        x = keras.layers.AveragePooling2D(pool_size, name=f"stage{stage}_pool")(x)
    outputs = classifier(x, classes, pooling="flatten", units=units, activation=activation, name="probabilities")
    return keras.Model(inputs, outputs, name=name)
