"""Transforms that bend a picture: perspective and elastic deformation."""

from __future__ import annotations

import math
from dataclasses import dataclass

from kerascnn import checks
from kerascnn.augmentation.matrices import stacked
from kerascnn.augmentation.transform import Transform, between, ranged

CORNERS = ((-1, -1), (1, -1), (1, 1), (-1, 1))  # signs of x and y
MOST = 0.24  # of the side; from a quarter on, the corners can form an arrow


@dataclass(frozen=True, repr=False)
class Perspective(Transform):
    """Moves each corner, in x and in y, evenly up to `share` (0..0.24) of the side inwards or outwards.

    A pair means from..to outwards: `Perspective((-0.2, 0))` only tilts away from the viewer. Above 0.18 either way the
    horizon can get into the picture, if hardly ever: at 0.24 in one of a thousand.
    """

    share: float | tuple[float, float] = 0.1
    draws = 8

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        ranged("share", self.share, -MOST, MOST)

    def matrices(self, u, size, xp):
        """The homography of each image."""
        moves = between(u, ranged("share", self.share, -MOST, MOST))
        x = [sign * (0.5 + moves[:, i]) for i, (sign, _) in enumerate(CORNERS)]
        y = [sign * (0.5 + moves[:, i + 4]) for i, (_, sign) in enumerate(CORNERS)]
        return stacked(homography(x, y, *size), u, xp)


def homography(x, y, height, width):
    """Nine entries of the matrix that moves the corners of an image to `x`, `y`, clockwise from the top left one.

    All in the image's widths and heights from its centre; the last entry is 1. Heckbert 1989, "Fundamentals of Texture
    Mapping and Image Warping", section 2.2.3, from the unit square to a quadrilateral, moved to the centre.

    >>> homography((-0.5, 0.5, 0.5, -0.5), (-0.5, -0.5, 0.5, 0.5), 4, 8)[:6]
    (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    """
    (x0, x1, x2, x3), (y0, y1, y2, y3) = x, y
    scale = (x1 - x2) * (y3 - y2) - (x3 - x2) * (y1 - y2)
    rest_x, rest_y = x0 - x1 + x2 - x3, y0 - y1 + y2 - y3
    g = (rest_x * (y3 - y2) - (x3 - x2) * rest_y) / scale
    h = ((x1 - x2) * rest_y - rest_x * (y1 - y2)) / scale
    a, b = x1 - x0 + g * x1, x3 - x0 + h * x3
    d, e = y1 - y0 + g * y1, y3 - y0 + h * y3
    c, f, one = x0 + (a + b) / 2, y0 + (d + e) / 2, 1 + (g + h) / 2
    first = a / one, b / one * (width / height), c / one * width
    second = d / one * (height / width), e / one, f / one * height
    return (*first, *second, g / one / width, h / one / height, 1.0)


@dataclass(frozen=True, repr=False)
class Elastic(Transform):
    """Smooth random displacements, as in the U-Net paper: normal ones on a coarse grid, between them cubic.

    `strength` is their standard deviation along x and y, in pixels (0..1000); `grid` the number of points along each
    side. It carries labels, masks and target images; boxes and key points do not stay what they are. Ronneberger et al.
    2015, https://arxiv.org/abs/1505.04597, with 10 pixels on a grid of 3 for images of 512.
    """

    strength: float = 10
    grid: int = 3
    draws = property(lambda self: 2 * self.grid**2)
    targets = frozenset({"labels", "segmentation_masks", "target_images"})

    def __post_init__(self):
        """Checks the arguments."""
        super().__post_init__()
        checks.in_range("strength", self.strength, 0, 1000)
        checks.positive_int("grid", self.grid, least=2)

    def displacements(self, u, size, xp):
        """`(n, grid, grid, 2)`, (dx, dy) in pixels: two draws make two normal numbers (Box and Muller 1958)."""
        u = xp.reshape(u, (-1, self.grid, self.grid, 2))
        radius = self.strength * xp.sqrt(-2 * xp.log(xp.maximum(1 - u[..., 0], 1e-9)))
        angle = 2 * math.pi * u[..., 1]
        return xp.stack([radius * xp.cos(angle), radius * xp.sin(angle)], -1)
