"""The first one-pass detector (Redmon, Divvala, Girshick and Farhadi 2016, https://arxiv.org/abs/1506.02640)."""

import math
from functools import partial

import keras
from keras import layers

from kerascnn import checks
from kerascnn.blocks import leaky_conv, yolo_head
from kerascnn.models.inputs import image_input

POOL = "pool"  # max-pooling of 2 x 2 pixels; all else is (kernel size, filters) or (kernel size, filters, stride)
FULL = (
    ((7, 64, 2), POOL, (3, 192), POOL)
    + ((1, 128), (3, 256), (1, 256), (3, 512), POOL)
    + ((1, 256), (3, 512)) * 4
    + ((1, 512), (3, 1024), POOL)
    + ((1, 512), (3, 1024)) * 2
    + ((3, 1024), (3, 1024, 2), (3, 1024), (3, 1024))
)
FAST = sum((((3, width), POOL) for width in (16, 32, 64, 128, 256, 512)), ()) + ((3, 1024),) * 3


def yolo(
    image_shape: tuple[int, int, int] = (448, 448, 3),
    classes: int = 20,
    *,
    grid: int = 7,
    boxes: int = 2,
    steps: tuple = FULL,
    units: tuple[int, ...] = (4096,),
    dropout: float = 0.5,
    normalization=None,
    name: str = "yolo",
) -> keras.Model:
    """The network of figure 3: 24 convolutions and two dense layers; `fast_yolo` has 9 convolutions.

    Raw images (batch, height, width, channels) in, 0..255; out `(batch, grid, grid, 5 * boxes + classes)` in float32,
    see `blocks.yolo_head`. For 448 x 448 pixels, three channels and 20 classes it has 271,703,550 parameters. The paper
    has no normalisation and begins with weights of ImageNet; from nothing `normalization="batch"` trains with ease.
    `fast_yolo` is the authors' first yolo-tiny, with dense layers of 256 and 4,096 numbers.

    Args:
        image_shape: `grid` times 64 pixels a side in the paper. `grid` times 32, 16, ... leave out as many of the first
            steps that halve the map; kernels and filters stay.
        classes: without background.
        grid: cells a side.
        boxes: that each cell predicts.
        steps: the convolutions, (kernel size, filters) or (kernel size, filters, stride), and "pool".
        units: of the hidden dense layers.
        dropout: in [0, 1), in front of the last layer.
        normalization: see `blocks.normalize`.
        name: of the model.

    Raises: ValueError unless the sides are `grid` times a power of two, up to 64.

    >>> yolo((64, 64, 3), 4, grid=8, steps=((3, 8), "pool", (3, 16, 2), "pool"), units=(32,)).output_shape
    (None, 8, 8, 14)
    """
    inputs, x = image_input(image_shape)
    left = _halvings(image_shape, grid, steps)
    convolutions = pools = 0
    surplus = sum(_stride(step) == 2 for step in steps) - left
    for step in steps:
        skipped = _stride(step) == 2 and surplus > 0
        surplus -= skipped
        if step == POOL:
            pools += 1
            x = x if skipped else layers.MaxPooling2D(2, name=f"pool{pools}")(x)
        else:
            convolutions += 1
            stride = 1 if skipped else _stride(step)
            options = {"strides": stride, "normalization": normalization}
            x = leaky_conv(x, step[1], step[0], **options, name=f"conv{convolutions}")
    head = {"grid": grid, "boxes": boxes, "depth": 0, "units": units, "dropout": dropout}
    return keras.Model(inputs, yolo_head(x, classes, **head, name="head"), name=name)


fast_yolo = partial(yolo, steps=FAST, units=(256, 4096), name="fast_yolo")


def _stride(step) -> int:
    return 2 if step == POOL else (*step, 1)[2]


def _halvings(image_shape, grid: int, steps) -> int:
    """How often the map is to be halved. Raises ValueError for a size that halving does not bring to the grid."""
    height, width = image_shape[:2]
    most = sum(_stride(step) == 2 for step in steps)
    halvings = math.log2(height / checks.positive_int("grid", grid))
    if height != width or halvings != int(halvings) or not 0 <= halvings <= most:
        fitting = ", ".join(str(grid * 2**number) for number in range(most + 1))
        rule = f"be square with sides of {grid} times a power of two for grid={grid}"
        raise ValueError(checks.message("image_shape", rule, tuple(image_shape), f"Sides that fit: {fitting}."))
    return int(halvings)
