"""Networks that keep the size of the image from end to end: no pooling, no stride."""

import keras

from kerascnn import checks
from kerascnn.blocks import conv, map_head
from kerascnn.models.inputs import image_input

CONTEXT = (1, 1, 2, 4, 8, 16, 1)  # 67 pixels are seen by each


def fcn(
    image_shape: tuple[int | None, ...],
    classes: int,
    *,
    filters: int | tuple[int, ...] = 32,
    dilations: tuple[int, ...] = CONTEXT,
    kernel_size: int = 3,
    normalization="batch",
    activation: str = "relu",
    head: str = "softmax",
    name: str = "fcn",
) -> keras.Model:
    """Convolutions at full resolution, one for each of `dilations`, and a 1x1 convolution.

    By default the context module of Yu and Koltun 2016 (https://arxiv.org/abs/1511.07122), whose dilated convolutions
    see 67 x 67 pixels around each; `dilations=(1, 1, 1)` are plain ones.
    Images (batch, height, width, channels) of raw values 0..255 and of any size in, also signals and volumes; (batch,
    height, width, classes) out, float32. `filters`: of all convolutions, or one number for each. `head`: see
    `blocks.map_head`. Raises: ValueError for `filters` of another number than `dilations`.

    >>> fcn((None, None, 3), 4, dilations=(1, 2)).output_shape
    (None, None, None, 4)
    """
    widths = filters if isinstance(filters, (tuple, list)) else (filters,) * len(dilations)
    checks.same_length("filters", widths, "dilations", dilations)
    style = {"normalization": normalization, "activation": activation}
    inputs, x = image_input(image_shape, ranks=(1, 2, 3), any_size=True)
    for number, (width, dilation) in enumerate(zip(widths, dilations, strict=True), 1):
        x = conv(x, width, kernel_size, dilation_rate=dilation, **style, name=f"conv{number}")
    return keras.Model(inputs, map_head(x, classes, head, image=inputs, name="output"), name=name)


def dncnn(
    image_shape: tuple[int | None, ...],
    classes: int,
    *,
    depth: int = 17,
    filters: int = 64,
    kernel_size: int = 3,
    normalization="batch",
    activation: str = "relu",
    head: str = "residual",
    name: str = "dncnn",
) -> keras.Model:
    """DnCNN: `depth` convolutions that find the noise in an image, which is subtracted from it.

    The first and the last convolution have no normalisation; 556,097 trainable parameters for grey images.
    Images (batch, height, width, channels) of raw values 0..255 and of any size in; images of `classes` channels, those
    of the input with the head "residual", out in float32. Before training the answer is the image itself.
    Paper: Zhang et al. 2017, https://arxiv.org/abs/1608.03981 (20 layers for blind noise).
    Raises: ValueError for a depth under 2, or channels that differ.

    >>> dncnn((None, None, 1), 1, depth=3, filters=8).output_shape
    (None, None, None, 1)
    """
    checks.positive_int("depth", depth, least=2)
    inputs, x = image_input(image_shape, ranks=(1, 2, 3), any_size=True)
    for number in range(1, depth):
        norm = None if number == 1 else normalization
        x = conv(x, filters, kernel_size, normalization=norm, activation=activation, name=f"conv{number}")
    outputs = map_head(x, classes, head, image=inputs, kernel_size=kernel_size, name="output")
    return keras.Model(inputs, outputs, name=name)
