"""The head of the first one-pass detector (Redmon et al. 2016, https://arxiv.org/abs/1506.02640)."""

from keras import layers

from kerascnn import checks
from kerascnn.blocks.conv import conv

SLOPE = 0.1  # of leaky ReLU below zero


def yolo_head(
    x,
    classes: int,
    *,
    grid: int = 7,
    boxes: int = 2,
    channels: int = 256,
    depth: int = 2,
    units: tuple[int, ...] = (),
    dropout: float = 0.0,
    normalization="batch",
    name: str,
):
    """A grid of cells, each with `boxes` boxes and the classes: `(batch, grid, grid, 5 * boxes + classes)` in float32.

    Each cell gives (x, y, sqrt(w), sqrt(h), confidence) for each of its boxes, x and y in cells from its own corner, w
    and h as shares of the image, and one number a class for all its boxes; nothing bounds them, as in the paper.
    Redmon et al. 2016, https://arxiv.org/abs/1506.02640

    `x`: a map of known sizes, brought to `grid` cells by bilinear resizing if it has others. `depth` convolutions of
    `channels` with leaky ReLU come first. Then each cell answers by itself, or, with `units`, dense layers of so many
    numbers see the whole image, as in the paper; `dropout` in [0, 1) acts in front of the last.
    Nodes `NAME_resize`, `NAME_1_conv`, ..., `NAME_1_dense`, ..., `NAME`. Raises: ValueError for a map of unknown size.

    >>> import keras
    >>> yolo_head(keras.Input((8, 8, 64)), 20, channels=32, name="head").shape
    (None, 7, 7, 30)
    """
    if None in x.shape[1:3]:
        mend = "Build the network for images of one size."
        raise ValueError(checks.message("x", "be a map of known size for head='yolo'", x.shape, mend))
    if x.shape[1:3] != (grid, grid):
        x = layers.Resizing(grid, grid, name=f"{name}_resize")(x)
    for number in range(1, depth + 1):
        x = leaky_conv(x, channels, normalization=normalization, name=f"{name}_{number}")
    count = 5 * boxes + classes
    if not units:
        x = _dropped(x, dropout, name)
        return layers.Conv2D(count, 1, dtype="float32", name=name)(x)
    x = layers.Flatten(name=f"{name}_flatten")(x)
    for number, width in enumerate(units, 1):
        x = layers.Dense(width, kernel_initializer="he_normal", name=f"{name}_{number}_dense")(x)
        x = layers.LeakyReLU(SLOPE, name=f"{name}_{number}_dense_act")(x)
    x = layers.Dense(grid * grid * count, dtype="float32", name=f"{name}_dense")(_dropped(x, dropout, name))
    return layers.Reshape((grid, grid, count), dtype="float32", name=name)(x)


def leaky_conv(x, filters: int, kernel_size=3, *, strides: int = 1, normalization="batch", name: str):
    """`conv` with the leaky ReLU of the paper of 2016, whose slope is 0.1 below zero.

    >>> import keras
    >>> leaky_conv(keras.Input((8, 8, 3)), 16, strides=2, name="conv1").shape
    (None, 4, 4, 16)
    """
    x = conv(x, filters, kernel_size, strides=strides, activation=None, normalization=normalization, name=name)
    return layers.LeakyReLU(SLOPE, name=f"{name}_act")(x)


def _dropped(x, rate, name):
    return layers.Dropout(checks.in_range("dropout", rate, 0, 1, ends="[)"), name=f"{name}_dropout")(x) if rate else x
