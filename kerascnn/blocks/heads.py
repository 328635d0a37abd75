"""What stands at the end of a network. The last node carries the block's `name` itself, as it names the output."""

from keras import layers

from kerascnn import checks
from kerascnn.blocks.conv import activate, conv
from kerascnn.blocks.ranks import layer_of_rank


def classifier(
    x,
    classes: int,
    *,
    pooling: str = "average",
    units=(),
    dropout: float = 0.0,
    activation="relu",
    name: str,
):
    """Pooling, hidden dense layers of `units` with dropout after each, and `classes` probabilities in float32.

    `x`: a map of any rank, or features `(batch, channels)`; `pooling`: see `global_pool`. `dropout` in [0, 1);
    without hidden layers it acts on the pooled features. Nodes `NAME_pool`, `NAME_1_dense`, `NAME_1_act`,
    `NAME_1_dropout`, ..., `NAME`.

    >>> import keras
    >>> classifier(keras.Input((7, 7, 64)), 10, units=(32,), dropout=0.5, name="probabilities").shape
    (None, 10)
    """
    checks.in_range("dropout", dropout, 0, 1, ends="[)")
    x = global_pool(x, pooling, name=f"{name}_pool")
    for number, width in enumerate(units, start=1):
        x = layers.Dense(width, kernel_initializer="he_normal", name=f"{name}_{number}_dense")(x)
        x = activate(x, activation, name=f"{name}_{number}_act")
        x = _dropout(x, dropout, name=f"{name}_{number}_dropout")
    if not units:
        x = _dropout(x, dropout, name=f"{name}_dropout")
    return layers.Dense(classes, "softmax", dtype="float32", name=name)(x)


def embedding(x, dimensions: int, *, pooling: str = "average", normalize: bool = True, name: str):
    """Pooling, a dense layer to `dimensions`, in float32, with `normalize` points on the unit sphere.

    Nodes `NAME_pool`, `NAME_dense`, `NAME`; without `normalize` the dense layer is `NAME`.

    >>> import keras
    >>> embedding(keras.Input((7, 7, 64)), 16, name="embedding").shape
    (None, 16)
    """
    x = global_pool(x, pooling, name=f"{name}_pool")
    if not normalize:
        return layers.Dense(dimensions, dtype="float32", name=name)(x)
    x = layers.Dense(dimensions, dtype="float32", name=f"{name}_dense")(x)
    return layers.UnitNormalization(dtype="float32", name=name)(x)


def auxiliary(
    x,
    classes: int,
    *,
    filters: int = 128,
    units: int = 1024,
    dropout: float = 0.7,
    activation="relu",
    normalization="batch",
    name: str,
):
    """GoogLeNet's side output: mean of 5x5 windows at stride 3, a 1x1 convolution, a dense layer, probabilities.

    On a map smaller than 5 the window is the map. Nodes `NAME_pool`, `NAME_conv`, ..., `NAME_head_1_dense`, `NAME`.
    Paper: Szegedy et al. 2015, https://arxiv.org/abs/1409.4842.

    >>> import keras
    >>> auxiliary(keras.Input((14, 14, 512)), 1000, name="auxiliary1").shape
    (None, 1000)
    """
    window = tuple(min(5, size) for size in x.shape[1:-1])
    x = layer_of_rank("AveragePooling", x)(window, strides=3, name=f"{name}_pool")(x)
    x = conv(x, filters, 1, activation=activation, normalization=normalization, name=name)
    x = layers.Flatten(name=f"{name}_flatten")(x)
    return classifier(x, classes, units=(units,), dropout=dropout, activation=activation, name=name)


def global_pool(x, pooling: str = "average", *, name: str):
    """Turns a map into features `(batch, channels)` by "average" or "max", or keeps all of it with "flatten".

    Features that are `(batch, channels)` already come back as they are.

    >>> import keras
    >>> global_pool(keras.Input((7, 7, 64)), "flatten", name="pool").shape
    (None, 3136)
    """
    checks.one_of("pooling", pooling, ("average", "max", "flatten"))
    if len(x.shape) == 2:
        return x
    if pooling == "flatten":
        return layers.Flatten(name=name)(x)
    return layer_of_rank(f"Global{pooling.title()}Pooling", x)(name=name)(x)


def _dropout(x, rate, *, name):
    return layers.Dropout(rate, name=name)(x) if rate else x
