"""A map of twice the size."""

from collections.abc import Callable

from keras import layers

from kerascnn import checks
from kerascnn.blocks.conv import activate, conv, normalize
from kerascnn.blocks.ranks import layer_of_rank, rank_of

UPS = ("transposed", "resize")


def enlarge(
    x,
    filters: int,
    sizes: tuple[int, ...],
    *,
    up: str = "transposed",
    kernel_size=3,
    block: Callable = conv,
    normalization="batch",
    activation="relu",
    name: str,
):
    """Doubles the size of a map and cuts it to `sizes`, those of the map that a stride of 2 has led from.

    `x`: `(batch, ..., channels)` of rank 1 to 3. `up`: "transposed", a convolution of stride 2, transposed; "resize",
    repeated pixels and a `block`, which makes no checkerboard (Odena et al. 2016, https://doi.org/10.23915/distill.00003).
    Nodes `NAME_conv`, `NAME_norm`, `NAME_act` or `NAME_resize` and those of the block; `NAME_cut`.
    Raises: ValueError for another `up`.

    >>> import keras
    >>> enlarge(keras.Input((4, 4, 32)), 16, (7, 8), name="decoder2").shape
    (None, 7, 8, 16)
    """
    if checks.one_of("up", up, UPS) == "resize":
        x = layer_of_rank("UpSampling", x)(2, name=f"{name}_resize")(x)
        x = block(x, filters, kernel_size=kernel_size, normalization=normalization, activation=activation, name=name)
    else:
        kind = getattr(layers, f"Conv{rank_of(x)}DTranspose")
        options = {"padding": "same", "use_bias": normalization is None, "kernel_initializer": "he_normal"}
        x = kind(filters, kernel_size, strides=2, **options, name=f"{name}_conv")(x)
        x = activate(normalize(x, normalization, name=f"{name}_norm"), activation, name=f"{name}_act")
    ends = tuple((0, have - wanted) for have, wanted in zip(x.shape[1:-1], sizes, strict=True))
    if not any(map(any, ends)):
        return x
    return layer_of_rank("Cropping", x)(ends if len(ends) > 1 else ends[0], name=f"{name}_cut")(x)
