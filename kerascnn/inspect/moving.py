"""Images, and maps of them, shifted, turned and enlarged alike."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from kerascnn import checks

SLACK = 1e-3  # of a pixel, for the rounding of interpolation


@dataclass(frozen=True)
class Places:
    """Where a map lies in its image; pixels and places are counted from the first, `(x, y)`.

    Attributes:
        frame: `(3, 3)`, takes `(column, row, 1)` of the map to the centre of its field in the image.
        reach: `(2,)`, pixels from the centre of a field to its outermost ones.
        shape: `(height, width)` of the map.
    """

    frame: np.ndarray
    reach: np.ndarray
    shape: tuple[int, int]


@dataclass(frozen=True)
class Move:
    """One change of images and of a map of them.

    Attributes:
        pixels: `(3, 3)`, takes a pixel of the changed image to where it comes from.
        places: the same of the map; None of an answer that is no map.
        inside: what to compare: `(height, width)` of the map, or everything.
    """

    pixels: np.ndarray
    places: np.ndarray | None
    inside: Any


def move(change: str, amount: float, size: tuple[int, int], places: Places | None) -> Move:
    """A change about the centre of images of `size` `(height, width)`.

    Raises: ValueError about `amounts` where nothing is left inside.
    """
    to_centre = np.eye(3)
    to_centre[:2, 2] = (1 - size[1]) / 2, (1 - size[0]) / 2
    pixels = np.linalg.inv(to_centre) @ CHANGES[change](amount) @ to_centre
    if places is None:
        return Move(pixels, None, ...)
    between = np.linalg.inv(places.frame) @ pixels @ places.frame
    inside = _inside(pixels, between, places, size)
    if not inside.any():
        mend = "Pass a smaller change, larger images or an earlier layer."
        raise ValueError(checks.message("amounts", "leave something inside the image to compare", amount, mend))
    return Move(pixels, between, inside)


def moved(images: np.ndarray, matrix: np.ndarray, border: str) -> np.ndarray:
    """`images` `(n, height, width, channels)` whose pixels come from where `matrix` says, interpolated.

    `border`: "reflect" mirrors what is outside, "constant" takes 0.
    """
    rows = np.tile(matrix.ravel()[:8].astype("float32"), (len(images), 1))
    found = ops.image.affine_transform(images, rows, "bilinear", border, data_format="channels_last")
    return ops.convert_to_numpy(found)


def _inside(pixels, between, places, size) -> np.ndarray:
    """`(height, width)` of the map: where neither side of the comparison has looked beyond the image."""
    rows, columns = np.indices(places.shape)
    centres = places.frame @ np.stack([columns.ravel(), rows.ravel(), np.ones(rows.size)])
    corners = np.array([(x, y, 0) for x in (-1, 1) for y in (-1, 1)]) * [*places.reach, 0]
    fields = centres + corners[..., None]  # (corners, 3, places)
    last = np.array([[size[1] - 1], [size[0] - 1]])

    def within(points):
        found = (points[:, :2] >= -SLACK) & (points[:, :2] <= last + SLACK)
        return found.all(axis=(0, 1)).reshape(places.shape)

    known = within(fields)
    before = moved(known[None, ..., None].astype("float32"), between, "constant")[0, ..., 0]
    return known & within(pixels @ fields) & (before > 1 - SLACK)


def _shift(pixels: float) -> np.ndarray:
    return np.array([[1, 0, -pixels], [0, 1, 0], [0, 0, 1]], float)


def _rotation(degrees: float) -> np.ndarray:
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])


def _scale(factor: float) -> np.ndarray:
    return np.diag([1 / factor, 1 / factor, 1])


CHANGES: Mapping[str, Callable[[float], np.ndarray]] = {"shift": _shift, "rotation": _rotation, "scale": _scale}
"""Each from what the result's points come from, `(x, y, 1)` from the centre, y down."""
