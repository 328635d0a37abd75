"""U-Net (Ronneberger, Fischer and Brox 2015, https://arxiv.org/abs/1505.04597) for signals, images and volumes."""

from collections.abc import Callable
from functools import partial
from itertools import count

import keras

from kerascnn import checks
from kerascnn.blocks import decoder_block, encoder_block, map_head, stack
from kerascnn.blocks.ranks import rank_of
from kerascnn.layers import CropToReference, PadToMultiple
from kerascnn.models.inputs import image_input


def unet(  # noqa: PLR0913 (what a search varies)
    image_shape: tuple[int | None, ...],
    classes: int,
    *,
    filters: int | tuple[int, ...] = 32,
    depth: int = 4,
    kernel_size: int = 3,
    convolutions: int = 2,
    block: str | Callable = "plain",
    padding: str = "same",
    normalization="batch",
    activation: str = "relu",
    up: str = "transposed",
    attention: bool = False,
    dropout: float = 0.0,
    head: str = "softmax",
    rank: int | None = None,
    name: str = "unet",
) -> keras.Model:
    """An encoder that halves the map `depth` times and a decoder that sees each of its maps again.

    Images (batch, height, width, channels) of raw values 0..255 in, also (batch, length, channels) and (batch, depth,
    height, width, channels); (batch, height, width, classes) out, float32. `padding="same"` takes images of any size,
    whatever sizes `image_shape` has: they are padded inside and the answer is cut back.
    `padding="valid", filters=64, normalization=None` is the network of the paper: 31,030,658 parameters for one channel
    and two classes, and for 572 pixels the answer for the 388 in the middle.

    Args:
        image_shape: sizes in pixels, or None, and the number of channels.
        classes: channels of the output.
        filters: of the first level, doubled at each further one, or `depth + 1` numbers.
        depth: how often the map is halved.
        kernel_size: of the convolutions.
        convolutions: blocks at each level, down and up.
        block: "plain", "residual" (two convolutions each), or a function with the arguments of `blocks.residual`.
        padding: "same", or "valid" as in the paper: no padding, an output smaller than the image.
        normalization: see `blocks.normalize`.
        activation: after each convolution.
        up: "transposed" or "resize", see `blocks.decoder_block`.
        attention: whether gates weight the shortcuts, see `blocks.attention_gate`.
        dropout: in [0, 1), at the two coarsest levels of the encoder.
        head: "softmax", "sigmoid", "image" or "residual", see `blocks.map_head`.
        rank: 1 for signals, 2 for images, 3 for volumes; read from `image_shape`, and checked when given.
        name: of the model.

    Raises: ValueError for `filters` of another number, and with "valid" padding for a size that cannot be halved
        `depth` times, with the next one that can.

    >>> unet((None, None, 1), 2, filters=4).output_shape
    (None, None, None, 2)
    """
    widths = _widths(filters, checks.positive_int("depth", depth))
    padded = checks.one_of("padding", padding, ("same", "valid")) == "same"
    inputs, x = image_input(image_shape, ranks=(1, 2, 3), any_size=padded)
    rank_of(inputs, rank)
    style = {"kernel_size": kernel_size, "depth": convolutions, "block": block, "padding": padding}
    style |= {"normalization": normalization, "activation": activation}
    ways = {"up": up, "attention": attention}
    if padded:
        x = PadToMultiple(2**depth, name="pad")(x)
    else:
        _check_sizes(image_shape[:-1], depth, convolutions * (kernel_size - 1))
    skips = []
    for level, width in enumerate(widths[:-1], 1):
        rate = dropout if level == depth else 0.0
        skip, x = encoder_block(x, width, dropout=rate, **style, name=f"encoder{level}")
        skips.append(skip)
    x = stack(x, widths[-1], dropout=dropout, **style, name="bottom")
    for level in range(depth, 0, -1):
        x = decoder_block(x, skips[level - 1], widths[level - 1], **ways, **style, name=f"decoder{level}")
    if padded:
        x = CropToReference("start", name="crop")([x, inputs])
    return keras.Model(inputs, map_head(x, classes, head, image=inputs, name="output"), name=name)


residual_unet = partial(unet, block="residual", convolutions=1, name="residual_unet")
attention_unet = partial(unet, attention=True, name="attention_unet")


def _widths(filters, depth: int) -> tuple[int, ...]:
    if not isinstance(filters, (tuple, list)):
        return tuple(checks.positive_int("filters", filters) * 2**level for level in range(depth + 1))
    if len(filters) != depth + 1:
        rule = f"be one integer, or one for each of the {depth + 1} levels of depth={depth}"
        raise ValueError(checks.message("filters", rule, filters))
    return tuple(checks.positive_int("filters", width) for width in filters)


def _check_sizes(sizes: tuple[int, ...], depth: int, lost: int) -> None:
    for size in sizes:
        if not _halves(size, depth, lost):
            rule = f"have sizes that can be halved {depth} times between unpadded convolutions"
            fits = next(larger for larger in count(size) if _halves(larger, depth, lost))
            raise ValueError(checks.message("image_shape", rule, tuple(sizes), f"The next size that fits is {fits}."))


def _halves(size: int, depth: int, lost: int) -> bool:
    """Whether a side comes through a U-Net whose every level takes `lost` pixels, with no half pixel or none at all."""
    for _ in range(depth):
        size -= lost
        if size <= 0 or size % 2:
            return False
        size //= 2
    for _ in range(depth):
        size = 2 * (size - lost)
        if size <= 0:
            return False
    return size > lost
