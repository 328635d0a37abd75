"""Convolution, normalisation, activation: what every other block is made of."""

from keras import layers

from kerascnn import checks
from kerascnn.blocks.ranks import layer_of_rank, rank_of
from kerascnn.layers import BatchNormalization

MOMENTUM = 0.9  # of the moving statistics; Keras' 0.99 lags behind in runs of a few hundred steps


def conv(
    x,
    filters: int,
    kernel_size=3,
    *,
    strides=1,
    padding: str = "same",
    groups: int = 1,
    dilation_rate=1,
    activation="relu",
    normalization="batch",
    use_bias: bool | None = None,
    rank: int | None = None,
    name: str,
):
    """Convolution, then normalisation, then activation: nodes `NAME_conv`, `NAME_norm`, `NAME_act`.

    `x`: `(batch, length, channels)`, `(batch, height, width, channels)` or `(batch, depth, height, width, channels)`;
    `rank` (1, 2 or 3) is read from it, and checked when given. `padding`: "same", "valid", or for sequences "causal".
    `activation` and `normalization`: see `activate` and `normalize`; None leaves the node out. `use_bias=None` means a
    bias only without normalisation, which would subtract it again.
    Raises: ValueError for a wrong `rank` or `padding`, or `groups` that do not divide the channels.

    >>> import keras
    >>> conv(keras.Input((28, 28, 1)), 8, strides=2, name="stem").shape
    (None, 14, 14, 8)
    """
    paddings = ("same", "valid", "causal") if rank_of(x, rank) == 1 else ("same", "valid")
    x = layer_of_rank("Conv", x)(
        filters,
        kernel_size,
        strides=strides,
        padding=checks.one_of("padding", padding, paddings),
        groups=groups,
        dilation_rate=dilation_rate,
        use_bias=normalization is None if use_bias is None else use_bias,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    x = normalize(x, normalization, name=f"{name}_norm")
    return activate(x, activation, name=f"{name}_act")


def normalize(x, normalization="batch", *, name: str):
    """One normalisation node: "batch", None for none, or a callable `f(name) -> layer`.

    >>> import keras
    >>> group = lambda name: keras.layers.GroupNormalization(4, name=name)
    >>> normalize(keras.Input((8, 8, 16)), group, name="norm").shape
    (None, 8, 8, 16)
    """
    if normalization is None:
        return x
    if callable(normalization):
        return normalization(name=name)(x)
    checks.one_of("normalization", normalization, ("batch",), "Or pass None, or a function name -> layer.")
    return BatchNormalization(momentum=MOMENTUM, name=name)(x)


def activate(x, activation="relu", *, name: str):
    """One activation node: a Keras name such as "relu" or "gelu", a function, or None for none."""
    return x if activation is None else layers.Activation(activation, name=name)(x)
