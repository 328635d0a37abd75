"""Crops: a window of the image becomes the whole image, of another size if so asked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral

from kerascnn import checks
from kerascnn.augmentation.matrices import affine, whole
from kerascnn.augmentation.transform import Transform, between, ranged

TRIES = 10  # torchvision's, before it takes a window in the middle


@dataclass(frozen=True, repr=False)
class RandomResizedCrop(Transform):
    """A window with a share of the area in `scale` and width / height in `ratio`, anywhere, resized to `size` pixels.

    `size` is a side or `(height, width)`; None keeps the image's. Areas are even, ratios even in the logarithm. Where
    ten windows drawn do not fit into the image, it is the largest one of allowed ratio in the middle: torchvision's
    method, after Szegedy et al. 2015, https://arxiv.org/abs/1409.4842. Raises ValueError unless `scale` is a pair in
    0.001..1 and `ratio` one in 0.1..10. Shrinking does not smooth, as everywhere in a pipeline.
    """

    size: int | tuple[int, int] | None = None
    scale: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    draws = 2 * TRIES + 2

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        sides(self.size or 1)
        ranged("scale", self.scale, 0.001, 1)
        ranged("ratio", self.ratio, 0.1, 10)

    def output_size(self, size):
        """Height and width of the result."""
        return sides(self.size) if self.size else size

    def windows(self, u, size, xp):
        """Top, left, height and width `(n,)` of each image's window, whole pixels."""
        height, width = size
        areas = between(u[:, :TRIES], self.scale) * (height * width)
        ratios = xp.exp(between(u[:, TRIES:-2], tuple(map(math.log, self.ratio))))
        highs, wides = xp.round(xp.sqrt(areas / ratios)), xp.round(xp.sqrt(areas * ratios))
        fits = (highs > 0) & (highs <= height) & (wides > 0) & (wides <= width)
        ratio = min(max(width / height, self.ratio[0]), self.ratio[1])
        high, wide = min(height, round(width / ratio)), min(width, round(height * ratio))
        top, left = (height - high) // 2, (width - wide) // 2
        for i in reversed(range(TRIES)):
            high, wide = xp.where(fits[:, i], highs[:, i], high), xp.where(fits[:, i], wides[:, i], wide)
        found = xp.any(fits, axis=1)
        top = xp.where(found, whole(u[:, -2], 0, height - high, xp), top)
        return top, xp.where(found, whole(u[:, -1], 0, width - wide, xp), left), high, wide

    def matrices(self, u, size, xp):
        """What stretches the window of each image over the result."""
        top, left, high, wide = self.windows(u, size, xp)
        height, width = self.output_size(size)
        down, along = height / high, width / wide
        middle_y, middle_x = top + (high - size[0]) / 2, left + (wide - size[1]) / 2
        return affine(u, xp, xx=along, yy=down, x=-middle_x * along, y=-middle_y * down)


@dataclass(frozen=True, repr=False)
class RandomCrop(Transform):
    """A window of `size` pixels at an even random place of the image with `padding` pixels of the border around it.

    `size` is a side or `(height, width)`. Where the window is larger than the padded image, all of the image lies
    somewhere inside it. Pixels stay as they are. `RandomCrop(32, padding=4)` is usual for CIFAR.
    """

    size: int | tuple[int, int]
    padding: int = 0
    draws = 2

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        sides(self.size)
        checks.positive_int("padding", self.padding, least=0)

    def output_size(self, size):
        """Height and width of the result."""
        return sides(self.size)

    def matrices(self, u, size, xp):
        """The translation of each image."""
        rooms = [inner + 2 * self.padding - outer for inner, outer in zip(size, self.output_size(size), strict=True)]
        # How far the centre of the window is above, or left of, the image's.
        y, x = (room / 2 - whole(u[:, axis], min(room, 0), max(room, 0), xp) for axis, room in enumerate(rooms))
        return affine(u, xp, x=x, y=y)


def sides(size) -> tuple[int, int]:
    """Height and width of a `size` in pixels.

    >>> sides(32), sides((24, 32))
    ((32, 32), (24, 32))
    """
    pair = (size, size) if isinstance(size, Integral) else size
    valid = isinstance(pair, (tuple, list)) and len(pair) == 2
    if not valid or not all(isinstance(side, Integral) and side > 0 for side in pair):
        raise ValueError(checks.message("size", "be a number of pixels or a pair (height, width) of them", size))
    return tuple(map(int, pair))
