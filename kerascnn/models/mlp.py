"""A multilayer perceptron: what a convolutional network is to be compared with."""

import keras

from kerascnn.blocks import classifier
from kerascnn.models.inputs import image_input


def mlp(
    image_shape: tuple[int, ...],
    classes: int,
    *,
    units: tuple[int, ...] = (256, 128),
    activation: str = "relu",
    dropout: float = 0.0,
    name: str = "mlp",
) -> keras.Model:
    """A multilayer perceptron on the flattened pixels, with a hidden dense layer for each entry of `units`.

    Images (batch, height, width, channels) of raw values 0..255 in, probabilities (batch, classes) out; also for
    signals (length, channels) and volumes (depth, height, width, channels).

    >>> mlp((28, 28, 1), 10, units=(256,)).count_params()
    203530
    """
    inputs, x = image_input(image_shape, ranks=(1, 2, 3))
    outputs = classifier(
        x, classes, pooling="flatten", units=units, activation=activation, dropout=dropout, name="probabilities"
    )
    return keras.Model(inputs, outputs, name=name)
