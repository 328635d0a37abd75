"""Affine transforms: each says by which matrix the points of a picture move. `Pipeline` multiplies them into one.

Points are `(x, y, 1)` in pixels from the centre of the image, y downwards, so that positive angles turn clockwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real

from kerascnn import checks
from kerascnn.augmentation.matrices import affine, turn, whole
from kerascnn.augmentation.transform import Transform, between, ranged

AXES = ("both", "x", "y")


@dataclass(frozen=True, repr=False)
class Shift(Transform):
    """Shifts by whole pixels, evenly up to `share` of the width and of the height either way, or from..to a pair.

    `axes` is "both", "x" (sideways only, positive to the right) or "y" (positive downwards).
    """

    share: float | tuple[float, float] = 0.1
    axes: str = "both"
    draws = property(lambda self: _count(self.axes))

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        ranged("share", self.share, -0.99, 0.99)
        checks.one_of("axes", self.axes, AXES)

    def matrices(self, u, size, xp):
        """The translation of each image."""
        shares = ranged("share", self.share, -0.99, 0.99)
        ends = {axis: [_pixels(share, side) for share in shares] for axis, side in zip("yx", size, strict=True)}
        return affine(u, xp, **{axis: whole(draw, *ends[axis], xp) for axis, draw in _drawn(u, self.axes)})


@dataclass(frozen=True, repr=False)
class Rotate(Transform):
    """Rotates about the centre, evenly up to `degrees` (0..180) either way, or by a pair from..to, clockwise."""

    degrees: float | tuple[float, float] = 10
    draws = 1

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        ranged("degrees", self.degrees, -180, 180)

    def matrices(self, u, size, xp):
        """The rotation of each image."""
        angle = between(u[:, 0], ranged("degrees", self.degrees, -180, 180)) * (math.pi / 180)
        return turn(u, xp.cos(angle), xp.sin(angle), xp)


@dataclass(frozen=True, repr=False)
class Shear(Transform):
    """Slants along x, then along y, each evenly up to `degrees` (0..80) either way, or by a pair from..to.

    Along x, upright lines lean by the angle, their lower ends to the right; along y, level lines lean, their right ends
    down. Areas stay as they are. `axes` is "both", "x" or "y". The order of the two is torchvision's.
    """

    degrees: float | tuple[float, float] = 10
    axes: str = "both"
    draws = property(lambda self: _count(self.axes))

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        ranged("degrees", self.degrees, -80, 80)
        checks.one_of("axes", self.axes, AXES)

    def matrices(self, u, size, xp):
        """The shear of each image."""
        angles = ranged("degrees", self.degrees, -80, 80)
        slopes = {axis: xp.tan(between(draw, angles) * (math.pi / 180)) for axis, draw in _drawn(u, self.axes)}
        x, y = slopes.get("x", 0.0), slopes.get("y", 0.0)
        return affine(u, xp, xy=x, yx=y, yy=1 + x * y)


@dataclass(frozen=True, repr=False)
class Zoom(Transform):
    """Scales about the centre by 1 / (1 + share) to 1 + share, evenly in the logarithm; `share` in 0..1.

    A pair means factors from..to, in 0.1..10. Height and width are scaled alike, or each by its own draw if not
    `isotropic`.

    >>> Zoom(0.2, isotropic=False), Zoom((1, 2))
    (Zoom(0.2, isotropic=False), Zoom((1, 2)))
    """

    share: float | tuple[float, float] = 0.1
    isotropic: bool = True
    draws = property(lambda self: 1 if self.isotropic else 2)

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        self._factors()

    def _factors(self):
        if not isinstance(self.share, Real):
            return ranged("share", self.share, 0.1, 10)
        most = 1 + checks.in_range("share", self.share, 0, 1)
        return 1 / most, most

    def matrices(self, u, size, xp):
        """The scaling of each image."""
        scales = xp.exp(between(u, tuple(map(math.log, self._factors()))))
        return affine(u, xp, xx=scales[:, 0], yy=scales[:, -1])


def _count(axes) -> int:
    return 2 if axes == "both" else 1


def _drawn(u, axes):
    """Pairs of an axis and its column of draws."""
    return [(axis, u[:, column]) for column, axis in enumerate("xy" if axes == "both" else axes)]


def _pixels(share, side) -> int:
    return int(math.copysign(int(abs(share) * side + 0.5), share))
