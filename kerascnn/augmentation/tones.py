"""Transforms that are any function of one value; on uint8 the engine asks them for the 256 levels only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import ClassVar

from kerascnn import checks
from kerascnn.augmentation.transform import Transform, between, fixed, ranged


@dataclass(frozen=True, repr=False)
class Gamma(Transform):
    """`255 * (x / 255) ** gamma`, as `tf.image.adjust_gamma`; below 1 shadows are lifted, above they deepen.

    The exponent is drawn evenly in the logarithm from 1 / (1 + share)..1 + share, or from a pair of exponents.
    """

    share: float | tuple[float, float] = 0.3
    draws: ClassVar[int] = 1

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        self._exponents()

    def _exponents(self):
        if isinstance(self.share, Sequence):
            return ranged("share", self.share, 0.01, 100)
        return 1 / (1 + checks.in_range("share", self.share, 0, 99)), 1 + self.share

    def values(self, x, u, xp):
        """The power of each value."""
        low, high = self._exponents()
        return 255 * (x / 255) ** (low * (high / low) ** u[0])


@dataclass(frozen=True, repr=False)
class Posterize(Transform):
    """Keeps only the highest `bits` bits of each value; a pair of whole numbers is a range to draw from, ends included.

    As Pillow's `ImageOps.posterize`.
    """

    bits: int | tuple[int, int] = 4
    draws: ClassVar[int] = 1

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        pair = ranged("bits", fixed(self.bits), 1, 8)
        if not all(isinstance(end, Integral) for end in pair):
            raise ValueError(checks.message("bits", "be a whole number or a pair of them", self.bits))

    def values(self, x, u, xp):
        """Each value on the step below it."""
        low, high = fixed(self.bits)
        bits = xp.minimum(xp.floor(between(u[0], (low, high + 1))), high)  # in float32 a draw may round up to the end
        step = 2.0 ** (8 - bits)
        return xp.floor(x / step) * step


@dataclass(frozen=True, repr=False)
class Solarize(Transform):
    """Inverts the values of at least `threshold`; a pair is a range to draw the threshold from.

    As Pillow's `ImageOps.solarize`; a threshold of 256 leaves the image as it is, 0 inverts it.
    """

    threshold: float | tuple[float, float] = 128
    draws: ClassVar[int] = 1

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        ranged("threshold", fixed(self.threshold), 0, 256)

    def values(self, x, u, xp):
        """`255 - x` from the threshold on."""
        return xp.where(x < between(u[0], fixed(self.threshold)), x, 255 - x)
