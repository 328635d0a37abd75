"""Transforms that spoil a picture: blur, noise, and the artefacts of compression."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from kerascnn import checks
from kerascnn.augmentation.transform import Transform, between, fixed, ranged

REACH = 3  # standard deviations of a Gaussian to either side


@dataclass(frozen=True, repr=False)
class Blur(Transform):
    """Gaussian blur with a standard deviation drawn evenly from 0..sigma pixels, or from a pair."""

    sigma: float | tuple[float, float] = 1.0
    draws: ClassVar[int] = 1

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        up_to("sigma", self.sigma, 100)

    def pixels(self, images, u, backend, keys):
        """A convolution with a kernel that reaches three of the greatest standard deviations, or over the image."""
        xp, sigmas = backend.np, up_to("sigma", self.sigma, 100)
        reach = min(math.ceil(REACH * sigmas[1]), *(side - 1 for side in images.shape[1:3]))
        steps = xp.arange(-reach, reach + 1, dtype="float32")
        line = xp.exp(-((steps / xp.maximum(between(u, sigmas), 0.01)) ** 2) / 2)
        line = line / xp.sum(line, axis=1, keepdims=True)
        return backend.convolve(images, line[:, :, None] * line[:, None])


@dataclass(frozen=True, repr=False)
class GaussianNoise(Transform):
    """Adds normal noise to every value, with a standard deviation drawn evenly from 0..levels, or from a pair."""

    levels: float | tuple[float, float] = 10
    draws: ClassVar[int] = 1

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        up_to("levels", self.levels, 255)

    def pixels(self, images, u, backend, keys):
        """The sum of the images and their noise."""
        deviations = between(u[:, 0, None, None, None], up_to("levels", self.levels, 255))
        noise = backend.normals(images, keys) * backend.np.array(deviations, dtype="float32")
        return backend.settled(images + noise, images)


@dataclass(frozen=True, repr=False)
class SaltAndPepper(Transform):
    """Makes some pixels white and as many black, all together a share drawn evenly from 0..share, or from a pair."""

    share: float | tuple[float, float] = 0.02
    draws: ClassVar[int] = 1

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        up_to("share", self.share, 1)

    def pixels(self, images, u, backend, keys):
        """One number decides over a pixel, in all of its channels: 255 levels more or less, which are clipped."""
        xp, noise = backend.np, backend.uniforms(images, keys, 1)
        half = between(u[:, 0, None, None, None], up_to("share", self.share, 1)) / 2
        change = xp.where(noise < half, -255, xp.where(noise >= 1 - half, 255, 0))
        return backend.settled(images + xp.array(change, dtype="float32"), images)


@dataclass(frozen=True, repr=False)
class JPEG(Transform):
    """Compresses and reads again, at a quality of 1..100: a number, or a pair to draw evenly from."""

    quality: float | tuple[float, float] = (30, 95)
    draws: ClassVar[int] = 1

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        ranged("quality", fixed(self.quality), 1, 100)

    def pixels(self, images, u, backend, keys):
        """The images with their artefacts."""
        return backend.jpeg(images, between(u[:, 0], fixed(self.quality)))


def up_to(name: str, value, most: float) -> tuple[float, float]:
    """The range of a strength that has no sign: 0..value, or a pair as it stands, within 0..most.

    >>> up_to("sigma", 2, 10), up_to("sigma", (1, 2), 10)
    ((0, 2), (1, 2))
    """
    return ranged(name, value, 0, most) if isinstance(value, Sequence) else (0, checks.in_range(name, value, 0, most))
