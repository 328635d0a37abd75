"""The measured networks as they are written by hand in plain Keras: Keras' own layers, optimizers, losses, metrics.

Layers are called as those of `kerascnn.models`, so that weights can be copied by name for the check that both compute
the same.
"""

from functools import partial

import keras
import numpy as np
from keras import layers

SHAPES = {"resnet20": (32, 32, 3), "resnet64": (32, 32, 3), "unet": (128, 128, 1)}


def batch(name: str, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Raw noise and labels, or masks; what an image shows does not change its cost."""
    rng, shape = np.random.default_rng(0), SHAPES[name]
    if name == "unet":
        return rng.integers(0, 256, (size, *shape), "uint8"), rng.integers(0, 2, (size, *shape[:2]), "uint8")
    return rng.integers(0, 256, (size, *shape), "uint8"), rng.integers(0, 10, size).astype("int32")


def resnet(filters: int, depths: tuple[int, ...], projection: bool) -> keras.Model:
    """A residual network for 32 x 32 pixels in 10 classes; without `projection`, shortcuts without weights."""
    inputs = keras.Input((32, 32, 3))
    x = _conv(layers.Rescaling(1 / 127.5, -1)(inputs), filters, name="stem")
    for stage, depth in enumerate(depths):
        for number in range(depth):
            strides = 2 if stage and not number else 1
            x = _residual(x, filters * 2**stage, strides, projection, f"stage{stage + 1}_block{number + 1}")
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, layers.Dense(10, "softmax", dtype="float32", name="probabilities")(x))
    optimizer = keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True, weight_decay=5e-3)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def unet(filters: int, depth: int) -> keras.Model:
    """A U-Net for 128 x 128 grey pixels in two classes: two convolutions a level, transposed convolutions up."""
    inputs = keras.Input((128, 128, 1))
    x, skips = layers.Rescaling(1 / 127.5, -1)(inputs), []
    for level in range(1, depth + 1):
        skips.append(_twice(x, filters * 2 ** (level - 1), f"encoder{level}"))
        x = layers.MaxPooling2D(2)(skips[-1])
    x = _twice(x, filters * 2**depth, "bottom")
    for level in range(depth, 0, -1):
        width = filters * 2 ** (level - 1)
        x = layers.Conv2DTranspose(width, 2, strides=2, name=f"decoder{level}_up_conv")(x)
        x = _twice(layers.Concatenate()([skips[level - 1], x]), width, f"decoder{level}")
    model = keras.Model(inputs, layers.Conv2D(2, 1, activation="softmax", dtype="float32", name="output")(x))
    model.compile(keras.optimizers.AdamW(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _residual(x, filters, strides, projection, name):
    y = _conv(x, filters, strides=strides, name=f"{name}_1")
    y = _conv(y, filters, activation=None, name=f"{name}_2")
    if strides > 1 and projection:
        x = _conv(x, filters, 1, strides, None, name=f"{name}_shortcut")
    elif strides > 1:
        missing = (filters - x.shape[-1]) // 2
        x = keras.ops.pad(x[:, ::strides, ::strides], ((0, 0), (0, 0), (0, 0), (missing, missing)))
    return layers.Activation("relu")(layers.Add()([x, y]))


def _twice(x, filters, name):
    return _conv(_conv(x, filters, name=f"{name}_1"), filters, name=f"{name}_2")


def _conv(x, filters, kernel_size=3, strides=1, activation="relu", *, name):
    x = layers.Conv2D(filters, kernel_size, strides, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = layers.BatchNormalization(name=f"{name}_norm")(x)
    return layers.Activation(activation)(x) if activation else x


NETWORKS = {
    "resnet20": partial(resnet, 16, (3, 3, 3), False),
    "resnet64": partial(resnet, 64, (2, 2, 2), True),
    "unet": partial(unet, 16, 3),
}
