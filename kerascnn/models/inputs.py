"""What all models share: the input of raw pixels, and the arithmetic of sizes that decides about a stem."""

import math
from collections.abc import Iterable
from numbers import Integral

import keras

from kerascnn import checks


def image_input(
    image_shape: tuple[int | None, ...], *, least: int = 1, ranks: Iterable[int] = (2,), any_size: bool = False
):
    """Returns a model's input for raw images and the tensor rescaled to -1..1.

    `image_shape` is (height, width, channels), or also (length, channels) and (depth, height, width, channels) where
    `ranks` lets them pass. With `any_size` it says only how many axes and channels there are: its sizes may be None,
    and the input has none. Raises ValueError if the shape is no such tuple, or a side has under `least` pixels.

    >>> image_input((8, 8, 1), least=12)  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
    ValueError: `image_shape` must have sides of at least 12 pixels. Received: image_shape=(8, 8, 1).
    Pass image_size=32.
    """
    shape = tuple(image_shape) if isinstance(image_shape, (tuple, list)) else ()
    sizes = [size for size in shape[:-1] if not (any_size and size is None)]
    if len(shape) - 1 not in ranks or not all(isinstance(size, Integral) and size > 0 for size in (*sizes, shape[-1])):
        rule = f"be {' or '.join(map(str, ranks))} sizes in pixels and the number of channels, all positive integers"
        raise ValueError(checks.message("image_shape", rule, image_shape, "Pass (height, width, channels)."))
    if min(sizes, default=least) < least:
        rule, mend = f"have sides of at least {least} pixels", f"Pass image_size={max(32, least)}."
        raise ValueError(checks.message("image_shape", rule, shape, mend))
    if any_size:
        shape = (*(None for _ in shape[:-1]), shape[-1])
    inputs = keras.Input(shape, name="image")
    return inputs, keras.layers.Rescaling(1 / 127.5, -1, name="rescale")(inputs)


def shortest_side(image_shape: tuple[int, ...]) -> float:
    """The number by which stems are chosen; infinite for a shape that `image_input` will refuse anyway.

    >>> shortest_side((28, 32, 3))
    28
    """
    if not isinstance(image_shape, (tuple, list)) or len(image_shape) < 2:
        return math.inf
    return min(image_shape[:-1])


def least_side(steps: Iterable[tuple[int, int]]) -> int:
    """The shortest side that still leaves one pixel after `steps`, the (kernel size, stride) of unpadded windows.

    A padded window ("same") counts as kernel size 1.

    >>> least_side([(5, 1), (2, 2), (5, 1), (2, 2)])  # LeNet-5 without padding
    16
    """
    side = 1
    for kernel_size, strides in reversed(list(steps)):
        side = (side - 1) * strides + kernel_size
    return side
