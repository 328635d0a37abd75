"""Kinds of noise, as values."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kerascnn import checks
from kerascnn.augmentation.transform import between, fixed, ranged

Range = float | tuple[float, float]


@dataclass(frozen=True)
class Noise:
    """What all kinds share: `noise(images, indices, epoch, seed)` gives spoiled images, float32.

    `images` are `(n, ..., channels)`, uint8 or float32 in 0..255, and stay as they are. Each draw is a function of
    (seed, epoch, index of the image) alone, so that an image gets the same noise in any batch, and other noise in each
    epoch. Values may leave 0..255, as they do in the benchmarks of the field, unless `clip` is True. Kinds add up from
    left to right: `Poisson(30) + Gaussian(5)`. A strength may be a pair (from, to), drawn evenly for each image.
    """

    clip: bool = field(default=False, kw_only=True)

    def __call__(self, images: Any, indices: Sequence[int] | None = None, epoch: int = 0, seed: int = 0) -> np.ndarray:
        """The images `(n, ..., channels)` with noise; without `indices` they count from 0."""
        spoiled = np.array(images, np.float32)
        indices = range(len(spoiled)) if indices is None else indices
        checks.same_length("indices", indices, "images", spoiled)
        for image, index in zip(spoiled, indices, strict=True):
            image[...] = self.on(image, _generator(seed, epoch, index))
        return spoiled

    def __add__(self, other: Noise) -> Chain:
        """This noise, then `other`."""
        return Chain((self, other)) if isinstance(other, Noise) else NotImplemented

    def __str__(self):
        """The text that `named` reads, such as "gaussian(25.0)"."""
        first, *others = (entry for entry in dataclasses.fields(self) if entry.name != "clip")
        changed = [entry for entry in others if getattr(self, entry.name) != entry.default]
        words = [repr(getattr(self, first.name)), *(f"{each.name}={getattr(self, each.name)!r}" for each in changed)]
        names = {kind: name for name, kind in KINDS.items()}
        return f"{names.get(type(self), type(self).__name__)}({', '.join(words + ['clip=True'] * self.clip)})"

    def on(self, image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """One image `(..., channels)` float32 with noise from the generator, clipped if that is wanted."""
        spoiled = self.spoiled(image, generator)
        return np.clip(spoiled, 0, 255) if self.clip else spoiled

    def spoiled(self, image: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """What a kind of noise makes of one image `(..., channels)` float32."""
        raise NotImplementedError


@dataclass(frozen=True)
class Gaussian(Noise):
    """Adds normal noise with a standard deviation of `sigma` levels to each value.

    >>> noisy = Gaussian(25)(np.full((1, 64, 64, 1), 128, "uint8"))
    >>> noisy.dtype, int(noisy.std().round())
    (dtype('float32'), 25)
    """

    sigma: Range = 25.0

    def __post_init__(self):
        """Checks the argument."""
        ranged("sigma", fixed(self.sigma), 0, 255)

    def spoiled(self, image, generator):
        """The sum of image and noise."""
        return image + _drawn(self.sigma, generator) * generator.standard_normal(image.shape, np.float32)


@dataclass(frozen=True)
class Poisson(Noise):
    """Counts photons, of which white (255) brings `peak` on average: the lower, the darker the scene and the noisier.

    A value x becomes `255 / peak * n`, n drawn from a Poisson distribution of mean `x / 255 * peak`.
    """

    peak: Range = 30.0

    def __post_init__(self):
        """Checks the argument."""
        ranged("peak", fixed(self.peak), 1e-3, 1e6)

    def spoiled(self, image, generator):
        """The counts, scaled back to 0..255."""
        scale = _drawn(self.peak, generator) / 255
        return (generator.poisson(np.maximum(image, 0) * scale) / scale).astype(np.float32)


@dataclass(frozen=True)
class SaltAndPepper(Noise):
    """Makes a share of the pixels white or black in all channels, as many of each on average."""

    share: Range = 0.05

    def __post_init__(self):
        """Checks the argument."""
        ranged("share", fixed(self.share), 0, 1)

    def spoiled(self, image, generator):
        """One number decides over a pixel."""
        half = _drawn(self.share, generator) / 2
        numbers = generator.random((*image.shape[:-1], 1), np.float32)
        return np.where(numbers < half, 0, np.where(numbers >= 1 - half, 255, image))


@dataclass(frozen=True)
class Masked(Noise):
    """Takes a share of the pixels away: `fill` is the level that stands in their place, or "mean", the mean colour."""

    share: Range = 0.5
    fill: float | str = field(default=0, kw_only=True)

    def __post_init__(self):
        """Checks the arguments."""
        ranged("share", fixed(self.share), 0, 1)
        if self.fill != "mean":
            checks.in_range("fill", self.fill, 0, 255, mend='Or pass fill="mean".')

    def spoiled(self, image, generator):
        """One number decides over a pixel."""
        gone = generator.random((*image.shape[:-1], 1), np.float32) < _drawn(self.share, generator)
        fill = image.mean(axis=tuple(range(image.ndim - 1))) if self.fill == "mean" else self.fill
        return np.where(gone, np.asarray(fill, np.float32), image)


@dataclass(frozen=True)
class Chain(Noise):
    """One noise after the other, what `+` makes."""

    parts: tuple[Noise, ...] = ()

    def __post_init__(self):
        """Checks the arguments."""
        if not self.parts or self.clip:
            rule, mend = "be at least one, and clip by itself", "Pass clip=True to its last part."
            raise ValueError(checks.message("parts", rule, self.parts, mend))

    def __str__(self):
        """The text that `named` reads."""
        return " + ".join(map(str, self.parts))

    def spoiled(self, image, generator):
        """What the last of the parts gives."""
        for part in self.parts:
            image = part.on(image, generator)
        return image


KINDS = {"gaussian": Gaussian, "poisson": Poisson, "salt_and_pepper": SaltAndPepper, "masked": Masked}


def _generator(seed: int, epoch: int, index: int) -> np.random.Generator:
    """Philox counts through blocks of numbers (Salmon et al. 2011): seed is the key, the count begins at the others."""
    counter = np.array([0, 0, int(epoch) % 2**64, int(index) % 2**64], np.uint64)
    return np.random.Generator(np.random.Philox(counter=counter, key=int(seed) % 2**64))


def _drawn(value: Range, generator: np.random.Generator) -> float:
    return between(generator.random(), fixed(value))
