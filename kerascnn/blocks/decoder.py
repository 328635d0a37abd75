"""The way up of a U-Net, and the gates that weight its shortcuts."""

from collections.abc import Callable

from keras import layers

from kerascnn import checks
from kerascnn.blocks.conv import activate, conv
from kerascnn.blocks.encoder import stack
from kerascnn.blocks.ranks import layer_of_rank, rank_of
from kerascnn.layers import CropToReference

UPS = ("transposed", "resize")


def decoder_block(
    x,
    skip,
    filters: int,
    *,
    up: str = "transposed",
    attention: bool = False,
    kernel_size=3,
    depth: int = 2,
    block: str | Callable = "plain",
    padding: str = "same",
    normalization="batch",
    activation="relu",
    name: str,
):
    """Doubles the size of `x`, lays `skip` beside it and runs blocks over both.

    `skip`: the map of the encoder with twice the size of `x`, of which "valid" padding takes the middle; None for none.
    `up`: "transposed", a 2x2 transposed convolution of stride 2 as in the paper, or "resize", bilinear (nearest for
    sequences and volumes) and a convolution, which makes no checkerboard (Odena et al. 2016).
    `attention`: whether an `attention_gate` weights the shortcut. The other arguments are those of `stack`.
    Nodes `NAME_up_conv`, `NAME_crop`, `NAME_attention_...`, `NAME_concat`, `NAME_1_conv`, ...
    Raises: ValueError for another `up`, and what `stack` raises.

    >>> import keras
    >>> decoder_block(keras.Input((8, 8, 32)), keras.Input((16, 16, 16)), 16, name="decoder1").shape
    (None, 16, 16, 16)
    """
    style = {"kernel_size": kernel_size, "normalization": normalization, "activation": activation}
    gate, x = x, _up(x, filters, up, style, name=f"{name}_up")
    if skip is not None:
        if padding == "valid":
            skip = CropToReference(name=f"{name}_crop")([skip, x])
        if attention:
            skip = attention_gate(skip, gate, name=f"{name}_attention")
        x = layers.Concatenate(name=f"{name}_concat")([skip, x])
    return stack(x, filters, depth=depth, block=block, padding=padding, **style, name=name)


def attention_gate(skip, gate, filters: int | None = None, *, name: str):
    """Weights each pixel of `skip` by a number in 0..1, computed from it and from `gate`, the coarser map below.

    `skip`: `(batch, ..., channels)`; `gate`: half its sizes, any number of channels. `filters`: channels in which the
    two are added, by default half of those of `skip`. The weights are brought to the size of `skip` by bilinear
    resizing, by nearest for sequences and volumes; the paper's last 1x1 convolution is left to the block that follows.
    Nodes `NAME_skip_conv`, `NAME_gate_conv`, `NAME_add`, `NAME_act`, `NAME_weight_conv`, `NAME_resize`, `NAME_scale`.
    Paper: Oktay et al. 2018, https://arxiv.org/abs/1804.03999.

    >>> import keras
    >>> attention_gate(keras.Input((16, 16, 8)), keras.Input((8, 8, 32)), name="gate").shape
    (None, 16, 16, 8)
    """
    kind, filters = layer_of_rank("Conv", skip), filters or max(1, skip.shape[-1] // 2)
    fine = kind(filters, 2, strides=2, use_bias=False, name=f"{name}_skip_conv")(skip)
    coarse = kind(filters, 1, name=f"{name}_gate_conv")(gate)
    both = activate(layers.Add(name=f"{name}_add")([fine, coarse]), name=f"{name}_act")
    weight = kind(1, 1, activation="sigmoid", name=f"{name}_weight_conv")(both)
    return layers.Multiply(name=f"{name}_scale")([skip, _doubled(weight, name=f"{name}_resize")])


def _up(x, filters, up, style, *, name):
    if checks.one_of("up", up, UPS) == "resize":
        return conv(_doubled(x, name=f"{name}_resize"), filters, **style, name=name)
    kind = getattr(layers, f"Conv{rank_of(x)}DTranspose")
    return kind(filters, 2, strides=2, kernel_initializer="he_normal", name=f"{name}_conv")(x)


def _doubled(x, *, name):
    kind = layer_of_rank("UpSampling", x)
    return kind(2, interpolation="bilinear", name=name)(x) if rank_of(x) == 2 else kind(2, name=name)(x)
