"""The network for 28 x 28 digits of a well-known lecture."""

import keras

from kerascnn.blocks import classifier, conv
from kerascnn.models.inputs import image_input, least_side


def mnist_cnn(
    image_shape: tuple[int, int, int],
    classes: int,
    *,
    filters: tuple[int, int, int] = (6, 12, 12),
    kernel_size: int = 5,
    strides: int = 1,
    pool_size: int = 2,
    padding: str = "valid",
    units: tuple[int, ...] = (256,),
    dropout: float = 0.0,
    activation: str = "relu",
    normalization=None,
    name: str = "mnist_cnn",
) -> keras.Model:
    """Convolution, convolution, max-pooling, convolution, max-pooling, dense; 36,054 parameters for 28 x 28 x 1.

    Images (batch, height, width, channels) of raw values 0..255 in, probabilities (batch, classes) out.
    Raises ValueError for images that leave no map (20 pixels are the least without padding).

    >>> mnist_cnn((28, 28, 1), 10).count_params()
    36054
    """
    window = (kernel_size if padding == "valid" else 1, strides)
    pool = (pool_size, pool_size)
    inputs, x = image_input(image_shape, least=least_side([window, window, pool, window, pool]))
    for number, width in enumerate(filters, 1):
        x = conv(
            x, width, kernel_size, strides=strides, padding=padding,
            activation=activation, normalization=normalization, name=f"conv{number}",
        )  # fmt: skip
        if number > 1:
            x = keras.layers.MaxPooling2D(pool_size, name=f"conv{number}_pool")(x)
    outputs = classifier(
        x, classes, pooling="flatten", units=units, dropout=dropout, activation=activation, name="probabilities"
    )
    return keras.Model(inputs, outputs, name=name)
