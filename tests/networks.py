"""Small networks that several tests train."""

import keras


def backbone(size=None):
    """Two convolutions without norms, for grey images of one size or of any: a network that a user brings along."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((size, size, 1), name="pixels")
    x = keras.layers.Rescaling(1 / 127.5, -1)(inputs)
    for number, filters in enumerate((8, 16), 1):
        x = keras.layers.Conv2D(filters, 3, 2, "same", activation="relu", name=f"own{number}")(x)
    return keras.Model(inputs, x, name="own")
