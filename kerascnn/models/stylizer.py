"""A network that paints any image in the one style that it has learned (Johnson, Alahi and Fei-Fei 2016,
https://arxiv.org/abs/1603.08155), with instance normalisation and enlarging in place of transposed convolutions.
"""

import keras
from keras import layers

from kerascnn import checks
from kerascnn.blocks import conv, residual
from kerascnn.layers import CropToReference, PadToMultiple
from kerascnn.models.inputs import image_input


def stylizer(
    image_shape: tuple[int | None, ...],
    channels: int = 3,
    *,
    filters: int = 32,
    blocks: int = 5,
    kernel_size: int = 9,
    name: str = "stylizer",
) -> keras.Model:
    """Images (batch, height, width, channels) in 0..255 of any size in, images of as many pixels out, float32.

    Two convolutions with stride 2, residual blocks at a quarter of the size, and the way back by enlarging to the
    nearest pixel, which makes no checkerboard (Odena et al. 2016). Each channel of each image is normalised by itself
    (Ulyanov et al. 2016, https://arxiv.org/abs/1607.08022). 1,677,635 parameters for three channels.

    Args:
        image_shape: sizes, which do not matter and may be None, and the number of channels.
        channels: of the answer.
        filters: of the first convolution; twice and four times as many below.
        blocks: residual blocks.
        kernel_size: of the first and the last convolution.
        name: of the model.

    >>> stylizer((None, None, 3), filters=4, blocks=1).output_shape
    (None, None, None, 3)
    """
    checks.positive_int("filters", filters)
    checks.positive_int("blocks", blocks, least=0)
    inputs, x = image_input(image_shape, any_size=True)
    style = {"normalization": instance_norm}
    x = PadToMultiple(4, name="pad")(x)
    x = conv(x, filters, kernel_size, **style, name="stem")
    for level in (1, 2):
        x = conv(x, 2**level * filters, strides=2, **style, name=f"down{level}")
    for number in range(1, blocks + 1):
        x = residual(x, 4 * filters, **style, name=f"block{number}")
    for level in (1, 0):
        x = layers.UpSampling2D(2, name=f"up{level}_resize")(x)
        x = conv(x, 2**level * filters, **style, name=f"up{level}")
    x = conv(x, channels, kernel_size, normalization=None, activation="tanh", name="output")
    x = CropToReference("start", name="crop")([x, inputs])
    return keras.Model(inputs, layers.Rescaling(127.5, 127.5, dtype="float32", name="pixels")(x), name=name)


def instance_norm(name: str) -> keras.layers.Layer:
    """Normalisation of each channel of each image by itself, by Keras' own layer."""
    return layers.GroupNormalization(-1, name=name)
