"""Autoencoders: an image through a narrow code and back (Hinton and Salakhutdinov 2006, Science 313, 504-507)."""

import math
from collections.abc import Callable

import keras
from keras import layers

from kerascnn import checks
from kerascnn.blocks import activate, conv, dense_code, enlarge, layer_of_rank, normalize, residual
from kerascnn.layers import Tied
from kerascnn.layers.codes import CODE
from kerascnn.models.inputs import image_input

BLOCKS = {"plain": conv, "residual": residual}
HEADS = ("sigmoid", "linear")


def dense_autoencoder(
    image_shape: tuple[int, ...],
    code_size: int,
    *,
    units: tuple[int, ...] = (1000, 500, 250),
    activation: str = "relu",
    tied: bool = False,
    code: Callable = dense_code,
    head: str = "sigmoid",
    name: str = "dense_autoencoder",
) -> keras.Model:
    """Dense layers of `units` down to the code, and their mirror image up again: the deep hourglass of the paper.

    Raw images (batch, height, width, channels), 0..255, in; such images in float32 out; also signals and volumes. The
    layer "code" is where the encoder ends.

    Args:
        image_shape: sizes in pixels and the number of channels.
        code_size: numbers that an image becomes.
        units: of the hidden layers. None of them and the head "linear": the best such network spans the plane of PCA.
        activation: of the hidden layers.
        tied: whether each layer up has the kernel of the one down, transposed; for a plain code.
        code: makes the code: `blocks.dense_code`, `sparse_code` or `gaussian_code`, or a function with their arguments.
        head: "sigmoid", whose values are within 0..255, or "linear".
        name: of the model.

    Raises: ValueError for another head, a size under 1, and a tied network with another code.

    >>> dense_autoencoder((28, 28, 1), 30, tied=True).output_shape
    (None, 28, 28, 1)
    """
    if tied and code is not dense_code:
        raise ValueError(checks.message("tied", "be False with a code that is not plainly dense", tied))
    inputs, x = image_input(image_shape, ranks=(1, 2, 3))
    x = layers.Flatten(name="flatten")(x)
    widths = [x.shape[-1], *(checks.positive_int("units", width) for width in units)]
    ties = [Tied(width, name=f"tied{number}") for number, width in enumerate([*widths[1:], code_size], 1)]
    for number, width in enumerate(widths[1:], 1):
        x = ties[number - 1](x) if tied else _dense(x, width, name=f"encoder{number}_dense")
        x = activate(x, activation, name=f"encoder{number}_act")
    x = layers.Activation("linear", dtype="float32", name=CODE)(ties[-1](x)) if tied else code(x, code_size, name=CODE)
    for number in range(len(widths), 0, -1):
        width = widths[number - 1]
        start = "he_normal" if number > 1 else "glorot_uniform"  # of the last layer, which has no ReLU
        x = ties[number - 1](x, transposed=True) if tied else _dense(x, width, start, name=f"decoder{number}_dense")
        x = activate(x, activation if number > 1 else None, name=f"decoder{number}_act")
    x = layers.Reshape(tuple(image_shape), name="reshape")(x)
    return keras.Model(inputs, _image(x, head), name=name)


def conv_autoencoder(  # noqa: PLR0913 (what a search varies)
    image_shape: tuple[int, ...],
    code_size: int,
    *,
    filters: tuple[int, ...] = (32, 64, 128),
    kernel_size: int = 3,
    convolutions: int = 1,
    block: str | Callable = "plain",
    normalization="batch",
    activation: str = "relu",
    units: tuple[int, ...] = (),
    up: str = "transposed",
    code: Callable = dense_code,
    head: str = "sigmoid",
    name: str = "conv_autoencoder",
) -> keras.Model:
    """Stages that halve the map, dense layers around the code, and stages that double the map again.

    Raw images (batch, height, width, channels), 0..255, in; such images in float32 out; also signals and volumes, of
    any size: 33 pixels become 17, and on the way up 34, of which one is cut off. The layer "code" is where the encoder
    ends.

    Args:
        image_shape: sizes in pixels and the number of channels.
        code_size: numbers that an image becomes.
        filters: of each stage down, from the finest.
        kernel_size: of the convolutions.
        convolutions: blocks of each stage, down and up; the first of them has the stride.
        block: "plain", "residual", or a function with the arguments of `blocks.residual`.
        normalization: see `blocks.normalize`.
        activation: after each convolution and hidden dense layer.
        units: of hidden dense layers between the last map and the code, down and up.
        up: "transposed" or "resize", see `blocks.enlarge`.
        code: makes the code: `blocks.dense_code`, `sparse_code` or `gaussian_code`, or a function with their arguments.
        head: "sigmoid", whose values are within 0..255, or "linear".
        name: of the model.

    Raises: ValueError for another block, head or `up`, and a size under 1.

    >>> conv_autoencoder((33, 28, 3), 16, filters=(4, 8)).output_shape
    (None, 33, 28, 3)
    """
    block = block if callable(block) else BLOCKS[checks.one_of("block", block, BLOCKS)]
    more = range(2, checks.positive_int("convolutions", convolutions) + 1)
    style = {"kernel_size": kernel_size, "normalization": normalization, "activation": activation}
    inputs, x = image_input(image_shape, ranks=(1, 2, 3))
    before = []  # the sizes and the channels that each stage down began with, which those up end with
    for level, width in enumerate(filters, 1):
        before.append((x.shape[1:-1], filters[max(level - 2, 0)]))
        x = block(x, checks.positive_int("filters", width), strides=2, **style, name=f"encoder{level}_1")
        for number in more:
            x = block(x, width, **style, name=f"encoder{level}_{number}")
    last = x.shape[1:]
    x = layers.Flatten(name="flatten")(x)
    for number, width in enumerate(units, 1):
        x = activate(_dense(x, width, name=f"encoder_dense{number}"), activation, name=f"encoder_dense{number}_act")
    x = code(x, code_size, name=CODE)
    for number, width in reversed(list(enumerate(units, 1))):
        x = activate(_dense(x, width, name=f"decoder_dense{number}"), activation, name=f"decoder_dense{number}_act")
    x = layers.Reshape(last, name="reshape")(_dense(x, math.prod(last), name="decoder_dense"))
    x = activate(normalize(x, normalization, name="decoder_norm"), activation, name="decoder_act")
    for level, (sizes, width) in reversed(list(enumerate(before, 1))):
        x = enlarge(x, width, sizes, up=up, block=block, **style, name=f"decoder{level}_1")
        for number in more:
            x = block(x, width, **style, name=f"decoder{level}_{number}")
    x = layer_of_rank("Conv", x)(image_shape[-1], kernel_size, padding="same", dtype="float32", name="output_conv")(x)
    return keras.Model(inputs, _image(x, head), name=name)


def _dense(x, units, start="he_normal", *, name):
    return layers.Dense(units, kernel_initializer=start, name=name)(x)


def _image(x, head):
    """Values in 0..255 of what lies around 0."""
    if checks.one_of("head", head, HEADS) == "linear":
        return layers.Rescaling(127.5, 127.5, dtype="float32", name="reconstruction")(x)
    x = layers.Activation("sigmoid", dtype="float32", name="output_act")(x)
    return layers.Rescaling(255.0, dtype="float32", name="reconstruction")(x)
