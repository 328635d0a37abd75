"""A network that is good after few epochs on a CPU, after airbench (Jordan 2024, arXiv:2404.00498)."""

import keras

from kerascnn.blocks import activate, conv, normalize
from kerascnn.models.inputs import image_input
from kerascnn.models.starts import WHITENING, begin_as_identity

LOGIT_SCALE = 0.25  # softer logits at the start let the first steps be long


def fastnet(
    image_shape: tuple[int, int, int],
    classes: int,
    *,
    filters: tuple[int, ...] = (32, 64, 128),
    depth: int = 2,
    kernel_size: int = 3,
    stem_size: int = 2,
    activation: str = "relu",
    dropout: float = 0.0,
    name: str = "fastnet",
) -> keras.Model:
    """Stages of `depth` convolutions, the first of each pooled before it is normalised; 295,544 weights by default.

    Pooling in front of normalisation and activation leaves a quarter of the map to these, which are bound by memory on
    a CPU; a wide, shallow net feeds its matrix units better than a narrow, deep one of as many operations.
    Images (batch, height, width, channels) of raw values 0..255 in, probabilities (batch, classes) out. The shorter
    side must have at least `2 ** len(filters) + 1` pixels; raises ValueError otherwise.

    >>> fastnet((28, 28, 1), 10).output_shape
    (None, 10)
    """
    layers = keras.layers
    inputs, x = image_input(image_shape, least=2 ** len(filters) + 1)
    components = 2 * inputs.shape[-1] * stem_size**2
    x = layers.Conv2D(components, stem_size, use_bias=False, name=WHITENING)(x)
    x = activate(x, activation, name="whitening_act")
    for stage, width in enumerate(filters, 1):
        widen = f"stage{stage}_widen"
        x = conv(x, width, kernel_size, normalization=None, activation=None, use_bias=False, name=widen)
        x = layers.MaxPooling2D(2, name=f"{widen}_pool")(x)
        x = activate(normalize(x, name=f"{widen}_norm"), activation, name=f"{widen}_act")
        for number in range(2, depth + 1):
            x = conv(x, width, kernel_size, activation=activation, name=f"stage{stage}_conv{number}")
    x = layers.GlobalMaxPooling2D(name="head_pool")(x)
    x = layers.Dropout(dropout, name="head_dropout")(x) if dropout else x
    logits = layers.Dense(classes, use_bias=False, dtype="float32", name="logits")(x)
    logits = layers.Rescaling(LOGIT_SCALE, dtype="float32", name="logits_scale")(logits)
    outputs = layers.Softmax(dtype="float32", name="probabilities")(logits)
    return begin_as_identity(keras.Model(inputs, outputs, name=name))
