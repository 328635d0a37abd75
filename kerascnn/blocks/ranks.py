"""Keras' layers for sequences (rank 1), images (rank 2) and volumes (rank 3) under one name."""

from keras import layers

from kerascnn import checks


def rank_of(x, rank: int | None = None) -> int:
    """The number of spatial axes of `x`, a `(batch, ..., channels)` tensor: 1, 2 or 3.

    Raises: ValueError for another number, or when `rank` is given and differs.

    >>> import keras
    >>> rank_of(keras.Input((32, 32, 3)))
    2
    """
    found = len(x.shape) - 2
    if found not in (1, 2, 3):
        rule = "have the shape (batch, length, channels), (batch, height, width, channels) or one more"
        raise ValueError(checks.message("x", rule, x))
    if rank not in (None, found):
        raise ValueError(checks.message("rank", f"be {found} for a tensor of shape {x.shape}", rank, "Leave it out."))
    return found


def layer_of_rank(kind: str, x) -> type[layers.Layer]:
    """The Keras layer of `kind` for a tensor like `x`.

    >>> import keras
    >>> layer_of_rank("MaxPooling", keras.Input((32, 3))).__name__
    'MaxPooling1D'
    """
    return getattr(layers, f"{kind}{rank_of(x)}D")
