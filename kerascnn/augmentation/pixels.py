"""Transforms of whole pictures: by their histogram, by their neighbourhoods, or on a part of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kerascnn import checks
from kerascnn.augmentation.noise import up_to
from kerascnn.augmentation.transform import Transform, between, ranged

SMOOTH = ((1 / 13,) * 3, (1 / 13, 5 / 13, 1 / 13), (1 / 13,) * 3)  # Pillow's ImageFilter.SMOOTH
FILLS = ("noise", "mean")


@dataclass(frozen=True, repr=False)
class Equalize(Transform):
    """Spreads the levels of each channel so that all are about as frequent, exactly as Pillow's `ImageOps.equalize`.

    A channel of one level, or of so few pixels that they cannot be spread over 255 levels, stays as it is.
    """

    def pixels(self, images, u, backend, keys):
        """A table from the cumulated histogram of each channel."""
        xp = backend.np
        levels, histograms = xp.arange(256, dtype="float32"), backend.histograms(images)
        _, last = _ends(histograms, levels, xp)
        below = xp.cumsum(histograms, axis=-1) - histograms
        total = xp.sum(histograms, axis=-1, keepdims=True)
        step = xp.floor((total - xp.sum(xp.where(xp.equal(levels, last), histograms, 0), axis=-1, keepdims=True)) / 255)
        spread = xp.minimum(xp.floor((below + xp.floor(step / 2)) / xp.maximum(step, 1)), 255)
        return backend.lookup(images, xp.where(step > 0, spread, levels))


@dataclass(frozen=True, repr=False)
class AutoContrast(Transform):
    """Stretches each channel so that its darkest level becomes 0 and its brightest 255, as `ImageOps.autocontrast`."""

    def pixels(self, images, u, backend, keys):
        """A table from the first and the last level of each channel."""
        xp = backend.np
        levels = xp.arange(256, dtype="float32")
        first, last = _ends(backend.histograms(images), levels, xp)
        stretched = xp.floor((levels - first) * 255 / xp.maximum(last - first, 1))
        return backend.lookup(images, xp.where(last > first, xp.clip(stretched, 0, 255), levels))


@dataclass(frozen=True, repr=False)
class Sharpness(Transform):
    """Moves images away from a smoothed copy, by a factor from 1 - share..1 + share or from a pair of factors.

    As Pillow's `ImageEnhance.Sharpness`: 0 is smooth, 1 the image itself, 2 sharpened; `Sharpness((1, 3))` only
    sharpens. The outermost pixels, which Pillow leaves alone, are sharpened too, as if mirrored beyond the edge.
    """

    share: float | tuple[float, float] = 0.5
    draws: ClassVar[int] = 1

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        self._factors()

    def _factors(self):
        return ranged("share", self.share, 0, 100, about=1)

    def pixels(self, images, u, backend, keys):
        """One convolution that does both."""
        xp = backend.np
        factors = between(u, self._factors())[:, :, None]
        same = xp.array(((0.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 0.0)))
        return backend.convolve(images, factors * same + (1 - factors) * xp.array(SMOOTH))


@dataclass(frozen=True, repr=False)
class Cutout(Transform):
    """Sets a square to the image's mean colour; its side is `size` of the shorter side, its centre anywhere.

    DeVries and Taylor 2017, "Improved Regularization of Convolutional Neural Networks with Cutout".
    """

    size: float = 0.25
    draws: ClassVar[int] = 2

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        checks.in_range("size", self.size, 0, 1, ends="(]")

    def pixels(self, images, u, backend, keys):
        """Fills the square, of which a part may lie outside."""
        xp, (height, width) = backend.np, images.shape[1:3]
        side = max(1, round(self.size * min(height, width)))
        starts = xp.floor(u * xp.array((float(height), float(width)))) - side // 2
        boxes = xp.concatenate([starts, starts + side], axis=1)
        return backend.fill(images, boxes, backend.means(images))


@dataclass(frozen=True, repr=False)
class RandomErasing(Transform):
    """Fills a rectangle inside the image with noise, a fresh colour for each pixel, or with the mean colour.

    Its share of the image is drawn evenly from `area`, its height / width evenly in the logarithm from `ratio`; a side
    that would be longer than the image's is cut. Zhong et al. 2017, "Random Erasing Data Augmentation", who use it
    with p=0.5.
    """

    area: tuple[float, float] = (0.02, 0.33)
    ratio: tuple[float, float] = (0.3, 3.3)
    fill: str = "noise"
    draws: ClassVar[int] = 4

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        up_to("area", self.area, 1)
        ranged("ratio", self.ratio, 0.01, 100)
        checks.one_of("fill", self.fill, FILLS)

    def pixels(self, images, u, backend, keys):
        """Fills the rectangle, a place for which is drawn last."""
        xp, (height, width, channels) = backend.np, images.shape[1:]
        area = between(u[:, 0], up_to("area", self.area, 1)) * height * width
        low, high = self.ratio
        ratio = low * (high / low) ** u[:, 1]
        tall = xp.clip(xp.floor(xp.sqrt(area * ratio) + 0.5), 1, height)
        wide = xp.clip(xp.floor(xp.sqrt(area / ratio) + 0.5), 1, width)
        top, left = xp.floor(u[:, 2] * (height - tall + 1)), xp.floor(u[:, 3] * (width - wide + 1))
        boxes = xp.stack([top, left, top + tall, left + wide], axis=1)
        if self.fill == "mean":
            return backend.fill(images, boxes, backend.means(images))
        return backend.fill(images, boxes, backend.uniforms(images, keys, channels) * 255)


def _ends(histograms, levels, xp):
    """The first and the last level that occur, `(n, channels, 1)`."""
    there = histograms > 0
    first = xp.min(xp.where(there, levels, 255), axis=-1, keepdims=True)
    return first, xp.max(xp.where(there, levels, 0), axis=-1, keepdims=True)
