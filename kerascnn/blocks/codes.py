"""The narrow place of an autoencoder: features `(batch, count)` -> a code `(batch, size)` in float32.

Of each, the layer of the given `name` ends the encoder.
"""

from keras import layers

from kerascnn.layers.codes import GaussianCode, SparseCode


def dense_code(x, size: int, *, name: str):
    """A dense layer without activation: the node `NAME`.

    >>> import keras
    >>> dense_code(keras.Input((64,)), 8, name="code").shape
    (None, 8)
    """
    return layers.Dense(size, dtype="float32", name=name)(x)


def sparse_code(x, size: int, *, weight: float | None = None, active: float = 0.2, name: str):
    """A dense layer with ReLU, of which few units are to be active: nodes `NAME_dense`, `NAME`.

    `weight`, `active`: see `layers.SparseCode`.
    """
    x = layers.Dense(size, "relu", kernel_initializer="he_normal", dtype="float32", name=f"{name}_dense")(x)
    return SparseCode(weight, active, dtype="float32", name=name)(x)


def gaussian_code(x, size: int, *, beta: float = 1.0, name: str):
    """Means and logarithms of variances, from which a code is drawn: nodes `NAME_mean`, `NAME_log_variance`, `NAME`.

    `beta`: see `layers.GaussianCode`.
    """
    both = [layers.Dense(size, dtype="float32", name=f"{name}_{part}")(x) for part in ("mean", "log_variance")]
    return GaussianCode(beta, dtype="float32", name=name)(both)
