"""Where tiles lie along the sides of an image, what they see and how much their answers count."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from kerascnn import checks


@dataclass(frozen=True)
class Side:
    """The tiles along one side of an image: each answers for `core` pixels and sees `margin` more at both ends.

    `size` is the image's; `cut` is dropped at both ends of what the network gives. Neighbouring cores share `ramp`
    pixels, and a pixel belongs to two of them at most.
    """

    size: int
    core: int
    margin: int
    ramp: int
    cut: int

    @property
    def stride(self) -> int:
        """From one tile to the next."""
        return self.core - self.ramp

    @property
    def count(self) -> int:
        """Of tiles; the last may reach over the end."""
        return 1 + max(0, -(-(self.size - self.core) // self.stride))

    @property
    def length(self) -> int:
        """From the first core's beginning to the last one's end."""
        return (self.count - 1) * self.stride + self.core

    def seen(self, index: int) -> np.ndarray:
        """The pixels of a tile, mirrored at the first and at the last of the image, as often as need be.

        >>> Side(size=4, core=4, margin=5, ramp=0, cut=0).seen(0).tolist()
        [1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2]
        """
        places = np.arange(-self.margin, self.core + self.margin) + index * self.stride
        return self.size - 1 - np.abs(places % max(2 * self.size - 2, 1) - (self.size - 1))

    def weights(self, index: int) -> np.ndarray:
        """How much a tile's answer counts: all of it, save where another answers too; there a raised cosine fades.

        >>> Side(size=8, core=5, margin=0, ramp=2, cut=0).weights(0).astype(float).round(3).tolist()
        [1.0, 1.0, 1.0, 0.854, 0.146]
        """
        weights = np.ones(self.core, np.float32)
        rising = np.sin(np.pi / 2 * (np.arange(self.ramp) + 0.5) / max(self.ramp, 1)) ** 2
        if index > 0:
            weights[: self.ramp] = rising
        if index < self.count - 1:
            weights[self.core - self.ramp :] = rising[::-1]
        return weights


def side(size: int, tile: int, given: int, overlap: int | None) -> Side:
    """A side of `size` pixels under tiles for which the network gives `given` pixels; see `predict_tiled`.

    Raises: ValueError for an overlap below what the network loses, or over which more than two tiles would meet.
    """
    lost = tile - given
    overlap = (lost or tile // 4) if overlap is None else checks.positive_int("overlap", overlap, least=lost)
    checks.in_range("overlap", overlap, lost, lost + given // 2, mend="Pass a larger tile.")
    fading = overlap - lost
    cut = fading // 4
    return Side(size, core=given - 2 * cut, margin=lost // 2 + cut, ramp=fading - 2 * cut, cut=cut)


def given(network: keras.Model, tile: Sequence[int]) -> tuple[int, int, int]:
    """The shape `(height, width, k)` of what a functional network gives for a tile `(height, width)`.

    Raises: ValueError unless that is as large as the tile, or smaller by as much at both ends.
    """
    _, *sides, channels = network.input_shape
    shape = network.compute_output_shape((1, *tile, channels))[1:]
    lost = [side - now for side, now in zip(tile, shape, strict=False)]
    fits = len(shape) == 3 and all(each >= 0 and each % 2 == 0 for each in lost)
    if fits and any(lost) and None in sides:  # is it a border that is lost, or resolution?
        doubled = network.compute_output_shape((1, *(2 * side for side in tile), channels))
        fits = all(now > side for side, now in zip(tile, doubled[1:3], strict=True))
    if not fits:
        rule = f"give maps of the size of a tile {tuple(tile)}, or smaller by as much at both ends"
        raise ValueError(checks.message("model", rule, shape, "Pass another tile, or enlarge the maps in the model."))
    return shape


def window(image: Any, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The pixels of `image` in `rows` and `columns`, `(height, width, channels)` uint8 or float32; reads no more."""
    top, left = rows.min(), columns.min()
    found = np.asarray(image[top : rows.max() + 1, left : columns.max() + 1])
    found = found[np.ix_(rows - top, columns - left)]
    found = found if found.dtype == np.uint8 else found.astype(np.float32)
    return found if found.ndim == 3 else found[..., None]
