"""A detector's network for small images, with a residual backbone of its own."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from kerascnn import checks
from kerascnn.blocks import anchor_free_head, conv, pyramid, residual, yolo_head
from kerascnn.layers import PadToMultiple
from kerascnn.models.inputs import image_input

HEADS = ("anchor-free", "yolo")


def small_detector(
    image_shape: tuple[int | None, ...],
    classes: int,
    *,
    filters: int = 32,
    blocks: int = 2,
    head: str = "anchor-free",
    strides: Sequence[int] = (4, 8),
    channels: int = 48,
    depth: int = 2,
    grid: int = 7,
    boxes: int = 2,
    name: str = "small_detector",
) -> keras.Model:
    """A network that finds objects in images of about 64 pixels, quick to train from nothing.

    Raw images (batch, height, width, channels) in, 0..255; out what the head gives, in float32: `(batch, places, 4 +
    classes)` of "anchor-free", for images of any size, whatever sizes `image_shape` has; `(batch, grid, grid, 5 * boxes
    + classes)` of "yolo", for images of one size. For three channels and 64 x 64 pixels it takes 45 million operations.

    Args:
        image_shape: sizes in pixels, which may be None for "anchor-free", and the number of channels.
        classes: without background.
        filters: of the map of stride 4, doubled with each further stride.
        blocks: residual blocks at each stride.
        head: "anchor-free" or "yolo", see `blocks.anchor_free_head` and `blocks.yolo_head`.
        strides: of the maps that are looked at, powers of two; "yolo" looks at the coarsest.
        channels: of the pyramid and the head.
        depth: convolutions of the head.
        grid: cells a side, for "yolo".
        boxes: that a cell predicts, for "yolo".
        name: of the model.

    Raises: ValueError for a wrong argument, or "yolo" for images of unknown size.

    >>> small_detector((64, 64, 3), 4, filters=8, head="yolo").output_shape
    (None, 7, 7, 14)
    """
    strides = checked_strides(strides)
    inputs, x = image_input(image_shape, any_size=checks.one_of("head", head, HEADS) == "anchor-free")
    maps = residual_maps(x, strides[-1], filters=filters, blocks=blocks)
    options = {"head": head, "channels": channels, "depth": depth, "grid": grid, "boxes": boxes}
    return keras.Model(inputs, find_objects({s: maps[s] for s in strides}, classes, **options), name=name)


def residual_maps(x, largest: int, *, filters: int, blocks: int = 2) -> dict[int, Any]:
    """Stride -> map, from 2 to `largest`: a stem and `blocks` residual blocks at each stride from 4 on."""
    x = PadToMultiple(largest, name="pad")(x)
    x = conv(x, max(1, filters // 2), strides=2, name="stem")
    maps = {2: x}
    for level in range(2, int(math.log2(largest)) + 1):
        for number in range(1, blocks + 1):
            step = 2 if number == 1 else 1
            x = residual(x, filters * 2 ** (level - 2), strides=step, name=f"stage{level}_block{number}")
        maps[2**level] = x
    return maps


def find_objects(
    maps: Mapping[int, Any],
    classes: int,
    *,
    head: str = "anchor-free",
    channels: int,
    depth: int,
    grid: int = 7,
    boxes: int = 2,
):
    """The pyramid and the head "anchor-free" over all maps, or the head "yolo" on the coarsest.

    `maps`: stride -> map. Nodes begin with "pyramid" and "head".
    """
    if checks.one_of("head", head, HEADS) == "yolo":
        options = {"grid": grid, "boxes": boxes, "channels": channels, "depth": depth}
        return yolo_head(maps[max(maps)], classes, **options, name="head")
    maps = pyramid(maps, channels, name="pyramid")
    return anchor_free_head(maps, classes, channels=channels, depth=depth, name="head")


def checked_strides(strides: Sequence[int]) -> tuple[int, ...]:
    """`strides`, finest first. Raises ValueError unless they are powers of two, from 2 on, each once."""
    given = tuple(strides) if isinstance(strides, (tuple, list)) else ()
    fits = given and all(isinstance(s, int) and s > 1 and s & (s - 1) == 0 for s in given)
    if not fits or len(set(given)) < len(given):
        raise ValueError(checks.message("strides", "be different powers of two from 2 on", strides, "Pass (4, 8)."))
    return tuple(sorted(given))
