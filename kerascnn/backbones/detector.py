"""A network that finds objects, on one that has learned already."""

from collections.abc import Iterable, Sequence

import keras

from kerascnn import checks
from kerascnn.backbones.building import Weights
from kerascnn.backbones.encoding import encoded, encoder_of
from kerascnn.models.detector import HEADS, checked_strides, find_objects

FINEST = 4  # by itself no finer map is looked at: it would have more places than all others together
CELLS = 6  # that the coarsest map should have a side
LEVELS = 3


def detector_on(
    encoder: str | keras.Model,
    image_shape: tuple[int | None, ...],
    classes: int,
    *,
    head: str = "anchor-free",
    weights: Weights = "imagenet",
    strides: Sequence[int] | None = None,
    channels: int = 96,
    depth: int = 2,
    grid: int = 7,
    boxes: int = 2,
    name: str | None = None,
) -> keras.Model:
    """A pyramid and a head over the maps of a backbone: raw images in, places or a grid out, in float32.

    The output is that of `blocks.anchor_free_head` or `blocks.yolo_head`. The model is flat, the encoder's layers have
    their own names and share their weights with `encoder`; the others begin with "pyramid" and "head". "anchor-free"
    takes images of any size, whatever sizes `image_shape` has, and pads them inside to a multiple of the largest
    stride; "yolo" takes those of `image_shape`. All layers train; see `encoder_stages` for freezing.

    Args:
        encoder: a name of `BACKBONES`, or a network of which the head, if it has one, is left out.
        image_shape: sizes in pixels, or None, and the number of channels: those that the encoder takes.
        classes: without background.
        head: "anchor-free", places on all maps, or "yolo", one grid, that of the paper of 2016.
        weights: of a named encoder, see `backbone`.
        strides: of the maps that are looked at; None takes `default_strides`, for "yolo" the coarsest that has as many
            cells as the grid.
        channels: of the pyramid and the head.
        depth: convolutions of the head.
        grid: cells a side, for "yolo".
        boxes: that a cell predicts, for "yolo".
        name: of the model, "detector_on_ENCODER" by default.

    Raises: ValueError for strides that the encoder lacks; what `unet_on` raises of the encoder and its channels.

    >>> detector_on("mobilenet_v2", (64, 64, 3), 4, weights=None).output_shape
    (None, None, 8)
    """
    free = checks.one_of("head", head, HEADS) == "anchor-free"
    lower = encoder_of(encoder, image_shape, weights)
    shape = (None, None, image_shape[-1]) if free else tuple(image_shape)
    inputs = keras.Input(shape, name="image")

    def choose(found):
        if strides is not None:
            return _among(checked_strides(strides), found, lower.name)
        return default_strides(found, image_shape) if free else [_coarsest(found, image_shape, grid)]

    maps = encoded(lower, inputs, choose)
    options = {"head": head, "channels": channels, "depth": depth, "grid": grid, "boxes": boxes}
    return keras.Model(inputs, find_objects(maps, classes, **options), name=name or f"detector_on_{lower.name}")


def default_strides(found: Iterable[int], image_shape: Sequence[int | None], *, cells: int = CELLS) -> tuple[int, ...]:
    """Of the strides `found` up to three, from 4 on: the coarsest on which images of that size have `cells` a side.

    >>> default_strides((2, 4, 8, 16, 32), (480, 640, 3)), default_strides((2, 4, 8, 16, 32), (64, 64, 3))
    ((8, 16, 32), (4, 8))
    """
    found, sizes = sorted(found), [size for size in image_shape[:-1] if size]
    largest = max(FINEST, min(sizes) / cells) if sizes else max(found)
    fitting = [stride for stride in found if FINEST <= stride <= largest]
    return tuple(fitting[-LEVELS:] or found[-1:])


def _coarsest(found: Iterable[int], image_shape, grid: int) -> int:
    """The largest stride whose map has `grid` cells a side, or the smallest that there is."""
    if None in image_shape:
        mend = "Pass (height, width, channels)."
        raise ValueError(checks.message("image_shape", "be known for head='yolo'", tuple(image_shape), mend))
    fitting = [stride for stride in found if min(image_shape[:-1]) / stride >= grid]
    return max(fitting, default=min(found))


def _among(strides: tuple[int, ...], found: Iterable[int], name: str) -> tuple[int, ...]:
    for stride in strides:
        checks.one_of("strides", stride, found, f"These are the strides of {name}.")
    return strides
