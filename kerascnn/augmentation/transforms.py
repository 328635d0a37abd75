"""Transforms: small values that say what they contribute, a 3 x 3 matrix or an operation on pixels.

A geometric transform has `draws` and `matrices(uniforms, height, width)`, which gives `(n, 3, 3)` matrices that move
points `(x, y, 1)` in pixels, y downwards, from the centre of the image. A pixel transform has `draws` and
`pixels(images, uniforms)`, which changes its images in place. `uniforms` is `(n, draws)` in [0, 1).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from kerascnn import checks


@dataclass(frozen=True)
class RandomFlip:
    """Mirrors half of the images left to right ("horizontal") or top to bottom ("vertical")."""

    direction: str = "horizontal"
    draws: ClassVar[int] = 1

    def __post_init__(self):
        """Checks the arguments."""
        checks.one_of("direction", self.direction, ("horizontal", "vertical"))

    def matrices(self, uniforms, height, width):
        """The identity or the mirroring matrix of each image."""
        axis = 0 if self.direction == "horizontal" else 1
        matrices = _identity(len(uniforms))
        matrices[:, axis, axis] = np.where(uniforms[:, 0] < 0.5, -1, 1)
        return matrices


@dataclass(frozen=True)
class Shift:
    """Shifts by whole pixels, evenly up to `share` of the height and of the width either way."""

    share: float = 0.1
    draws: ClassVar[int] = 2

    def __post_init__(self):
        """Checks the arguments."""
        checks.in_range("share", self.share, 0, 1, ends="[)")

    def matrices(self, uniforms, height, width):
        """The translation of each image."""
        matrices = _identity(len(uniforms))
        for axis, size in enumerate((width, height)):
            most = int(self.share * size + 0.5)
            matrices[:, axis, 2] = np.floor(uniforms[:, axis] * (2 * most + 1)) - most
        return matrices


@dataclass(frozen=True)
class Rotate:
    """Rotates about the centre, evenly up to `degrees` either way."""

    degrees: float = 10
    draws: ClassVar[int] = 1

    def __post_init__(self):
        """Checks the arguments."""
        checks.in_range("degrees", self.degrees, 0, 180)

    def matrices(self, uniforms, height, width):
        """The rotation of each image."""
        angles = np.radians(self.degrees) * (2 * uniforms[:, 0] - 1)
        matrices = _identity(len(uniforms))
        matrices[:, 0, 0] = matrices[:, 1, 1] = np.cos(angles)
        matrices[:, 1, 0] = np.sin(angles)
        matrices[:, 0, 1] = -matrices[:, 1, 0]
        return matrices


@dataclass(frozen=True)
class Zoom:
    """Scales height and width alike about the centre, by 1 / (1 + share) to 1 + share, evenly in the logarithm."""

    share: float = 0.1
    draws: ClassVar[int] = 1

    def __post_init__(self):
        """Checks the arguments."""
        checks.in_range("share", self.share, 0, 1)

    def matrices(self, uniforms, height, width):
        """The scaling of each image."""
        matrices = _identity(len(uniforms))
        matrices[:, 0, 0] = matrices[:, 1, 1] = (1 + self.share) ** (2 * uniforms[:, 0] - 1)
        return matrices


@dataclass(frozen=True)
class Cutout:
    """Sets a square to the image's mean colour; its side is `size` of the shorter side, its centre anywhere.

    DeVries and Taylor 2017, "Improved Regularization of Convolutional Neural Networks with Cutout".
    """

    size: float = 0.25
    draws: ClassVar[int] = 2

    def __post_init__(self):
        """Checks the arguments."""
        checks.in_range("size", self.size, 0, 1, ends="(]")

    def pixels(self, images, uniforms):
        """Fills the square in each of `images` `(n, height, width, channels)`."""
        height, width = images.shape[1:3]
        side = max(1, round(self.size * min(height, width)))
        starts = np.floor(uniforms * (height, width)).astype(int) - side // 2
        sums = images.sum(axis=1, dtype=np.float32).sum(
            axis=1
        )  # rows first: in colour ten times as fast as both at once
        colours = (sums / (height * width)).astype(images.dtype)
        for image, colour, (top, left) in zip(images, colours, starts.tolist(), strict=True):
            image[max(top, 0) : top + side, max(left, 0) : left + side] = colour


def _identity(n: int) -> np.ndarray:
    return np.tile(np.eye(3), (n, 1, 1))


TRANSFORMS = {cls.__name__: cls for cls in (RandomFlip, Shift, Rotate, Zoom, Cutout)}
