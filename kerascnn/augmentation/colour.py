"""Colour transforms: a matrix on the channels, or a function of one value. Values are 0..255.

Clipping to 0..255 comes once, after all matrices of a row of colour transforms are multiplied.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import permutations
from typing import ClassVar

from kerascnn.augmentation.transform import Transform, between, ranged

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in Pillow, TensorFlow and OpenCV
YIQ = (LUMA, (0.59590059, -0.27455667, -0.32134392), (0.21153661, -0.52273617, 0.31119955))  # as in TensorFlow
RGB = ((1, 0.95598634, 0.6208248), (1, -0.27201283, -0.64720424), (1, -1.10674021, 1.70423049))
ORDERS = tuple(permutations(((1, 0, 0), (0, 1, 0), (0, 0, 1))))


@dataclass(frozen=True, repr=False)
class Brightness(Transform):
    """Multiplies all values by a number drawn evenly from 1 - share..1 + share, or from a pair of factors.

    As Pillow's `ImageEnhance.Brightness`: 0 is black, 1 the image itself. See `Offset` for a sum.

    >>> Brightness((0.5, 1.5)), Brightness(p=0.5)
    (Brightness((0.5, 1.5)), Brightness(0.2, p=0.5))
    """

    share: float | tuple[float, float] = 0.2
    draws: ClassVar[int] = 1
    per_channel: ClassVar[bool] = True

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        _factors(self)

    def colours(self, u, channels, means, xp):
        """The factor on the diagonal."""
        factors = between(u[:, 0], _factors(self))
        return _lines(factors, xp.zeros_like(factors)[:, None], channels, xp)


@dataclass(frozen=True, repr=False)
class Offset(Transform):
    """Adds a number of levels drawn evenly from -levels..levels, or from a pair, as `tf.image.random_brightness`."""

    levels: float | tuple[float, float] = 32
    draws: ClassVar[int] = 1
    per_channel: ClassVar[bool] = True

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        ranged("levels", self.levels, -255, 255)

    def colours(self, u, channels, means, xp):
        """The number in the last column."""
        added = between(u[:, 0], ranged("levels", self.levels, -255, 255))
        return _lines(xp.ones_like(added), added[:, None], channels, xp)


@dataclass(frozen=True, repr=False)
class Contrast(Transform):
    """Stretches each channel about its mean by a factor from 1 - share..1 + share, or from a pair of factors.

    As `tf.image.adjust_contrast`: 0 leaves the mean colour, 1 the image itself.
    """

    share: float | tuple[float, float] = 0.2
    draws: ClassVar[int] = 1
    needs_means: ClassVar[bool] = True

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        _factors(self)

    def colours(self, u, channels, means, xp):
        """The factor on the diagonal; the rest of the mean in the last column."""
        factors = between(u[:, 0], _factors(self))
        return _lines(factors, (1 - factors[:, None]) * means, channels, xp)


@dataclass(frozen=True, repr=False)
class Saturation(Transform):
    """Moves colours away from their grey by a factor from 1 - share..1 + share, or from a pair of factors.

    As Pillow's `ImageEnhance.Color`: 0 is grey, 1 the image itself.
    """

    share: float | tuple[float, float] = 0.2
    draws: ClassVar[int] = 1
    needs_colour: ClassVar[bool] = True

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        _factors(self)

    def colours(self, u, channels, means, xp):
        """`factor * image + (1 - factor) * grey`."""
        factors = between(u[:, 0], _factors(self))[:, None, None]
        return _without_offset(factors * xp.eye(3) + (1 - factors) * xp.array([LUMA] * 3), xp)


@dataclass(frozen=True, repr=False)
class Hue(Transform):
    """Turns colours about the grey axis by up to `share` of the circle either way, or by a pair of shares.

    A matrix, since the turn is made in YIQ: it keeps the luma, and costs what any colour matrix costs. The turn in HSV,
    `tf.image.adjust_hue`, keeps the largest and the smallest channel instead. At 0.1 of the circle it moves random
    colours by 26 levels in the mean, and ours come out 22 from there; half as saturated, by 13 and 13.
    """

    share: float | tuple[float, float] = 0.05
    draws: ClassVar[int] = 1
    needs_colour: ClassVar[bool] = True

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        ranged("share", self.share, -0.5, 0.5)

    def colours(self, u, channels, means, xp):
        """To YIQ, a rotation of I and Q, and back."""
        angles = -2 * math.pi * between(u[:, 0], ranged("share", self.share, -0.5, 0.5))
        cos, sin = xp.cos(angles), xp.sin(angles)
        one, zero = xp.ones_like(cos), xp.zeros_like(cos)
        turn = xp.stack([one, zero, zero, zero, cos, -sin, zero, sin, cos], axis=-1)
        return _without_offset(xp.matmul(xp.matmul(xp.array(RGB), xp.reshape(turn, (-1, 3, 3))), xp.array(YIQ)), xp)


@dataclass(frozen=True, repr=False)
class Grey(Transform):
    """Replaces all three channels by their luma; usually with `p=`."""

    needs_colour: ClassVar[bool] = True

    def colours(self, u, channels, means, xp):
        """The weights of the luma in every row."""
        return _without_offset(_zeros(u, xp)[:, None, None] + xp.array([LUMA] * 3), xp)


@dataclass(frozen=True, repr=False)
class ChannelShuffle(Transform):
    """Puts the three channels into one of their six orders."""

    draws: ClassVar[int] = 1
    needs_colour: ClassVar[bool] = True

    def colours(self, u, channels, means, xp):
        """A permutation."""
        chosen = xp.equal(xp.floor(u[:, :1] * len(ORDERS)), xp.arange(len(ORDERS), dtype="float32"))
        orders = xp.reshape(xp.array(ORDERS, dtype="float32"), (len(ORDERS), 9))
        return _without_offset(xp.reshape(xp.matmul(xp.where(chosen, 1.0, 0.0), orders), (-1, 3, 3)), xp)


@dataclass(frozen=True, repr=False)
class Invert(Transform):
    """The negative: `255 - x`."""

    per_channel: ClassVar[bool] = True

    def colours(self, u, channels, means, xp):
        """-1 on the diagonal, 255 in the last column."""
        zeros = _zeros(u, xp)
        return _lines(zeros - 1, zeros[:, None] + 255, channels, xp)


def _factors(transform):
    return ranged("share", transform.share, 0, 255, about=1)


def _zeros(u, xp):
    """A zero for each image, also where there are no draws."""
    return xp.sum(xp.zeros_like(u), axis=1)


def _lines(a, b, channels, xp):
    """Matrices of `a * x + b` in every channel; `a` `(n,)`, `b` `(n, 1)` or `(n, channels)`."""
    offset = b[:, :, None] + xp.zeros_like(a)[:, None, None] * xp.ones((channels, 1))
    return xp.concatenate([a[:, None, None] * xp.eye(channels), offset], axis=-1)


def _without_offset(linear, xp):
    return xp.concatenate([linear, xp.zeros_like(linear[:, :, :1])], axis=-1)
