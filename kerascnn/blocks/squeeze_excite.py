"""Channel attention."""

from keras import layers

from kerascnn.blocks.ranks import layer_of_rank


def squeeze_excite(x, ratio: int = 16, *, name: str):
    """Weights the channels of `x` by gates in 0..1 computed from their means, through `channels / ratio` hidden units.

    Nodes `NAME_pool`, `NAME_squeeze`, `NAME_excite`, `NAME_scale`.
    Paper: Hu, Shen and Sun 2018, https://arxiv.org/abs/1709.01507.

    >>> import keras
    >>> squeeze_excite(keras.Input((8, 8, 32)), name="attend").shape
    (None, 8, 8, 32)
    """
    channels = x.shape[-1]
    gate = layer_of_rank("GlobalAveragePooling", x)(keepdims=True, name=f"{name}_pool")(x)
    gate = layers.Dense(max(1, channels // ratio), "relu", name=f"{name}_squeeze")(gate)
    gate = layers.Dense(channels, "sigmoid", name=f"{name}_excite")(gate)
    return layers.Multiply(name=f"{name}_scale")([x, gate])
