"""Residual blocks (He et al. 2015, https://arxiv.org/abs/1512.03385, and 2016, https://arxiv.org/abs/1603.05027).

The three take the same arguments, so that a model can be given any of them: `resnet(..., block=blocks.preactivation)`.
"""

from keras import layers

from kerascnn import checks
from kerascnn.blocks.conv import activate, conv, normalize
from kerascnn.blocks.ranks import layer_of_rank, rank_of


def residual(
    x,
    filters: int,
    *,
    kernel_size=3,
    strides: int = 1,
    activation="relu",
    normalization="batch",
    shortcut: str = "projection",
    drop_path: float = 0.0,
    rank: int | None = None,
    name: str,
):
    """Two convolutions and a shortcut around them; the first has the `strides`.

    `shortcut`, where the shape changes: "projection" is a 1x1 convolution, "identity" subsamples and fills up with
    zero channels, without weights (option A of the paper). `drop_path` in [0, 1) is the share of examples that skip the
    convolutions in training. Nodes `NAME_1_conv`, ..., `NAME_2_norm`, `NAME_shortcut_conv`, `NAME_add`, `NAME_act`.
    Raises: ValueError for an unknown `shortcut`, or "identity" where the channels would get fewer.

    >>> import keras
    >>> residual(keras.Input((32, 32, 16)), 32, strides=2, name="stage2_block1").shape
    (None, 16, 16, 32)
    """
    rank_of(x, rank)
    style = {"activation": activation, "normalization": normalization}
    y = conv(x, filters, kernel_size, strides=strides, **style, name=f"{name}_1")
    y = conv(y, filters, kernel_size, activation=None, normalization=normalization, name=f"{name}_2")
    x = _shortcut(x, filters, strides, shortcut, normalization, name)
    return activate(_add(x, y, drop_path, name), activation, name=f"{name}_act")


def bottleneck(
    x,
    filters: int,
    *,
    expansion: int = 4,
    kernel_size=3,
    strides: int = 1,
    activation="relu",
    normalization="batch",
    shortcut: str = "projection",
    drop_path: float = 0.0,
    rank: int | None = None,
    name: str,
):
    """1x1, `kernel_size`, 1x1 convolutions and a shortcut: `filters` inside, `expansion * filters` out.

    The middle convolution has the `strides`, as in torchvision. The rest is as in `residual`.

    >>> import keras
    >>> bottleneck(keras.Input((32, 32, 64)), 16, name="stage1_block1").shape
    (None, 32, 32, 64)
    """
    rank_of(x, rank)
    style = {"activation": activation, "normalization": normalization}
    y = conv(x, filters, 1, **style, name=f"{name}_1")
    y = conv(y, filters, kernel_size, strides=strides, **style, name=f"{name}_2")
    y = conv(y, expansion * filters, 1, activation=None, normalization=normalization, name=f"{name}_3")
    x = _shortcut(x, expansion * filters, strides, shortcut, normalization, name)
    return activate(_add(x, y, drop_path, name), activation, name=f"{name}_act")


def preactivation(
    x,
    filters: int,
    *,
    kernel_size=3,
    strides: int = 1,
    activation="relu",
    normalization="batch",
    shortcut: str = "projection",
    drop_path: float = 0.0,
    rank: int | None = None,
    name: str,
):
    """`residual` with normalisation and activation before each convolution, and nothing after the addition.

    A projection takes the activated `x`. After the last such block a model needs `normalize` and `activate`.

    >>> import keras
    >>> preactivation(keras.Input((32, 32, 16)), 32, strides=2, name="stage2_block1").shape
    (None, 16, 16, 32)
    """
    rank_of(x, rank)
    ready = activate(normalize(x, normalization, name=f"{name}_norm"), activation, name=f"{name}_act")
    y = conv(
        ready,
        filters,
        kernel_size,
        strides=strides,
        activation=activation,
        normalization=normalization,
        name=f"{name}_1",
    )
    y = conv(y, filters, kernel_size, activation=None, normalization=None, use_bias=False, name=f"{name}_2")
    keeps_shape = strides == 1 and x.shape[-1] == filters
    start = x if keeps_shape or shortcut == "identity" else ready
    x = _shortcut(start, filters, strides, shortcut, None, name)
    return _add(x, y, drop_path, name)


def _shortcut(x, filters, strides, shortcut, normalization, name):
    checks.one_of("shortcut", shortcut, ("projection", "identity"))
    if strides == 1 and x.shape[-1] == filters:
        return x
    if shortcut == "identity":
        return _subsample_and_fill(x, filters, strides, name)
    style = {"activation": None, "normalization": normalization, "use_bias": False}
    return conv(x, filters, 1, strides=strides, **style, name=f"{name}_shortcut")


def _subsample_and_fill(x, filters, strides, name):
    missing = filters - x.shape[-1]
    if missing < 0:
        rule = f"be at least the {x.shape[-1]} channels of the input, with an identity shortcut"
        raise ValueError(checks.message("filters", rule, filters, 'Pass shortcut="projection".'))
    if strides != 1:
        x = layer_of_rank("AveragePooling", x)(1, strides, name=f"{name}_shortcut_subsample")(x)
    if missing == 0:
        return x
    # Told that the channels come first, ZeroPadding reaches our last axis.
    sides = (missing // 2, missing - missing // 2)
    padding = sides if rank_of(x) == 1 else ((0, 0),) * (rank_of(x) - 1) + (sides,)
    fill = layer_of_rank("ZeroPadding", x)
    return fill(padding, data_format="channels_first", name=f"{name}_shortcut_fill")(x)


def _add(x, y, drop_path, name):
    if checks.in_range("drop_path", drop_path, 0, 1, ends="[)"):
        # Keras' own layer with one draw an example is stochastic depth, and loads without kerascnn.
        one_draw = (None,) + (1,) * (len(y.shape) - 1)
        y = layers.Dropout(drop_path, noise_shape=one_draw, name=f"{name}_drop")(y)
    return layers.Add(name=f"{name}_add")([x, y])
