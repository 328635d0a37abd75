"""Inception: several kernel sizes side by side (Szegedy et al. 2015, https://arxiv.org/abs/1409.4842)."""

from keras import layers

from kerascnn import checks
from kerascnn.blocks.conv import conv
from kerascnn.blocks.ranks import layer_of_rank


def naive_inception(
    x,
    filters=(64, 128, 32),
    *,
    kernel_sizes=(1, 3, 5),
    pool_size=3,
    activation="relu",
    normalization="batch",
    name: str,
):
    """Convolutions of several sizes and a max-pool of `x`, side by side: the paper's figure 2a.

    `filters` has one number for each of `kernel_sizes`; the output has their sum plus the channels of `x`.
    Nodes `NAME_branch1_conv`, ..., `NAME_pool`, `NAME_concat`.

    >>> import keras
    >>> naive_inception(keras.Input((8, 8, 16)), (4, 8, 2), name="mix").shape
    (None, 8, 8, 30)
    """
    checks.same_length("filters", filters, "kernel_sizes", kernel_sizes)
    style = {"activation": activation, "normalization": normalization}
    branches = [
        conv(x, width, size, **style, name=f"{name}_branch{number}")
        for number, (width, size) in enumerate(zip(filters, kernel_sizes, strict=True), start=1)
    ]
    branches.append(_pool(x, pool_size, name))
    return layers.Concatenate(name=f"{name}_concat")(branches)


def inception(
    x,
    filters,
    *,
    kernel_sizes=(3, 5),
    pool_size=3,
    activation="relu",
    normalization="batch",
    name: str,
):
    """Inception with 1x1 convolutions that first reduce the channels: the paper's figure 2b.

    `filters` is `(point, (reduce, wide), (reduce, wider), pool)`, as a row of the paper's table 1: the 1x1 branch, one
    pair for each of `kernel_sizes`, and the 1x1 after the max-pool. The output has `point + wide + wider + pool`
    channels. Nodes `NAME_branch1_conv`, `NAME_branch2_reduce_conv`, `NAME_branch2_conv`, ..., `NAME_project_conv`.

    >>> import keras
    >>> inception(keras.Input((28, 28, 192)), (64, (96, 128), (16, 32), 32), name="mix_3a").shape
    (None, 28, 28, 256)
    """
    point, *pairs, pool = filters
    checks.same_length("filters[1:-1]", pairs, "kernel_sizes", kernel_sizes)
    style = {"activation": activation, "normalization": normalization}
    branches = [conv(x, point, 1, **style, name=f"{name}_branch1")]
    for number, ((reduced, width), size) in enumerate(zip(pairs, kernel_sizes, strict=True), start=2):
        thin = conv(x, reduced, 1, **style, name=f"{name}_branch{number}_reduce")
        branches.append(conv(thin, width, size, **style, name=f"{name}_branch{number}"))
    branches.append(conv(_pool(x, pool_size, name), pool, 1, **style, name=f"{name}_project"))
    return layers.Concatenate(name=f"{name}_concat")(branches)


def _pool(x, pool_size, name):
    return layer_of_rank("MaxPooling", x)(pool_size, strides=1, padding="same", name=f"{name}_pool")(x)
