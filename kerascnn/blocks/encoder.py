"""The way down of a U-Net (Ronneberger et al. 2015, https://arxiv.org/abs/1505.04597)."""

from collections.abc import Callable

from keras import layers

from kerascnn import checks
from kerascnn.blocks.conv import conv
from kerascnn.blocks.ranks import layer_of_rank
from kerascnn.blocks.residual import residual

BLOCKS = {"plain": conv, "residual": residual}


def encoder_block(
    x,
    filters: int,
    *,
    kernel_size=3,
    depth: int = 2,
    block: str | Callable = "plain",
    padding: str = "same",
    normalization="batch",
    activation="relu",
    dropout: float = 0.0,
    name: str,
):
    """Blocks and a max-pooling: returns the map before it, for the shortcut to the decoder, and the map half as large.

    The arguments are those of `stack`. Nodes as there, and `NAME_pool`.

    >>> import keras
    >>> [x.shape for x in encoder_block(keras.Input((64, 64, 3)), 16, name="encoder1")]
    [(None, 64, 64, 16), (None, 32, 32, 16)]
    """
    style = {"normalization": normalization, "activation": activation, "dropout": dropout}
    skip = stack(x, filters, kernel_size=kernel_size, depth=depth, block=block, padding=padding, **style, name=name)
    return skip, layer_of_rank("MaxPooling", x)(2, name=f"{name}_pool")(skip)


def stack(
    x,
    filters: int,
    *,
    kernel_size=3,
    depth: int = 2,
    block: str | Callable = "plain",
    padding: str = "same",
    normalization="batch",
    activation="relu",
    dropout: float = 0.0,
    name: str,
):
    """`depth` blocks of `filters` channels, one after the other, and dropout.

    `x`: `(batch, ..., channels)` of rank 1 to 3. `block`: "plain", one convolution; "residual", two and a shortcut; or
    a function with the arguments of `blocks.residual`. `padding`: "same", or "valid" without padding, for plain blocks.
    `dropout` in [0, 1). Nodes `NAME_1_conv`, `NAME_1_norm`, ..., `NAME_dropout`.
    Raises: ValueError for another block or padding, or residual blocks without padding.

    >>> import keras
    >>> stack(keras.Input((32, 32, 3)), 8, depth=1, padding="valid", name="bottom").shape
    (None, 30, 30, 8)
    """
    block = block if callable(block) else BLOCKS[checks.one_of("block", block, BLOCKS)]
    options = {"kernel_size": kernel_size, "normalization": normalization, "activation": activation}
    if checks.one_of("padding", padding, ("same", "valid")) == "valid":
        if block is residual:
            rule = "be 'same' with residual blocks, whose shortcuts need maps of one size"
            raise ValueError(checks.message("padding", rule, padding, "Or pass block='plain'."))
        options["padding"] = padding
    for number in range(1, checks.positive_int("depth", depth) + 1):
        x = block(x, filters, **options, name=f"{name}_{number}")
    rate = checks.in_range("dropout", dropout, 0, 1, ends="[)")
    return layers.Dropout(rate, name=f"{name}_dropout")(x) if rate else x
