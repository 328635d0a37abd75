"""One mask: read from a file, looked at, its values made classes, brought to the size of its image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from kerascnn.data.images import FORMATS, describe, fit

IGNORE = 255
"""The value of the pixels that count nowhere, in all masks that `load` gives."""
LEVELS = 2**16  # values that a mask may have in its file
JPEG = (".jpg", ".jpeg", ".jpe", ".jfif")


def read_mask(file: str | Path | BinaryIO) -> np.ndarray:
    """The values of a mask's pixels `(height, width)`, uint8 or uint16: of a palette image its indices.

    Colours that are all grey are one value. Raises OSError, naming the file, if it is missing, no image, cut short, in
    other colours, or holds numbers that are none of 0..65535.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(file, formats=FORMATS) as image:
            return _single(np.asarray(ImageOps.exif_transpose(image)))
    except Exception as error:  # as `read_image`
        raise OSError(f"Cannot read the mask {str(file)!r}: {describe(error)}") from error


def _single(values):
    if values.ndim == 3:
        colours = values[..., : values.shape[-1] - (values.shape[-1] in (2, 4))]  # without transparency
        if (colours != colours[..., :1]).any():
            raise ValueError("in colour; save it grey or with a palette, its values the classes")
        values = colours[..., 0]
    if values.dtype in (np.bool_, np.uint8):
        return values.astype(np.uint8, copy=False)
    if (values != np.clip(values, 0, LEVELS - 1).astype(np.uint16)).any():
        raise ValueError(f"values of {values.min():g} to {values.max():g}, which are not all whole numbers in 0..65535")
    return values.astype(np.uint16)


def is_jpeg(path: str | Path) -> bool:
    """Whether a file is named as JPEG files are, which blurs masks."""
    return Path(path).suffix.lower() in JPEG


@dataclass(frozen=True)
class Look:
    """What a mask holds: its `(height, width)`, and how often each of its values, in their order."""

    size: tuple[int, ...]
    values: np.ndarray
    counts: np.ndarray


def look(mask: np.ndarray) -> Look:
    """The values of `mask` `(height, width)`, whole numbers in 0..65535.

    >>> found = look(np.array([[0, 7], [7, 7]], np.uint8))
    >>> found.size, found.values.tolist(), found.counts.tolist()
    ((2, 2), [0, 7], [1, 3])
    """
    counts = np.bincount(mask.ravel())
    values = np.flatnonzero(counts)
    return Look(mask.shape, values, counts[values])


def fit_mask(mask: np.ndarray, image_size, resize: str = "stretch") -> np.ndarray:
    """`mask` `(height, width[, classes])` brought to `image_size` as `fit` does its image, to the nearest pixel.

    The margins of "letterbox" become 255.

    >>> fit_mask(np.array([[1, 2]], np.uint8), 2, "letterbox").tolist()
    [[1, 2], [255, 255]]
    """
    if mask.ndim == 3:
        return fit(mask, image_size, resize, nearest=True, margin=IGNORE)
    return fit(mask[..., None], image_size, resize, nearest=True, margin=IGNORE)[..., 0]


def count_pixels(masks: np.ndarray, classes: int, *, multi_label: bool) -> np.ndarray:
    """How many pixels of `masks` each of `classes` has, `(classes,)` int64; 255 counts nowhere.

    >>> count_pixels(np.array([[0, 2], [2, 255]]), 3, multi_label=False).tolist()
    [1, 0, 2]
    """
    if multi_label:
        return (masks == 1).sum(axis=tuple(range(masks.ndim - 1)))
    return np.bincount(masks[masks != IGNORE].ravel(), minlength=classes)[:classes]
