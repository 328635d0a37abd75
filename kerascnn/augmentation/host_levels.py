"""Single values on the host: the type of a picture, tables of its 256 levels, and how often each occurs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

LEVELS = np.arange(256.0)


def settled(values: np.ndarray, like: np.ndarray) -> np.ndarray:
    """`values` clipped to 0..255 and in the type of `like`, rounded if that is uint8."""
    return in_type(values, like.dtype)


def pointwise(images: np.ndarray, function: Callable) -> np.ndarray:
    """`function` of every value; it takes and gives a float array with a row an image, `(n, ...)`.

    On uint8 it is asked for the 256 levels `(n, 256)` alone.
    """
    if images.dtype != np.uint8:
        return settled(function(images), images)
    tables = function(np.broadcast_to(LEVELS, (len(images), 256)))
    return lookup(images, tables[:, None])


def lookup(images: np.ndarray, tables: np.ndarray) -> np.ndarray:
    """Each value replaced by its entry of `tables` `(n, channels or 1, 256)`; floats look up the nearest level."""
    import cv2

    levels = in_type(images, np.uint8)
    tables = np.ascontiguousarray(np.swapaxes(tables, 1, 2))[:, :, None]
    if images.dtype == np.uint8:
        tables = settled(tables, images)
    out = np.empty_like(images)
    for image, table, target in zip(levels, tables.astype(images.dtype, copy=False), out, strict=True):
        cv2.LUT(image, table, target)
    return out if out.dtype == np.uint8 else np.clip(out, 0, 255, out=out)


def histograms(images: np.ndarray) -> np.ndarray:
    """`(n, channels, 256)` float32, how many pixels of each channel have each level; floats count as the nearest."""
    import cv2

    levels = in_type(images, np.uint8)
    out = np.empty((len(images), images.shape[-1], 256), np.float32)
    for image, rows in zip(levels, out, strict=True):
        for channel, row in enumerate(rows):
            row[:] = cv2.calcHist([image], [channel], None, [256], [0, 256]).ravel()  # a column before OpenCV 5
    return out


def in_type(values: np.ndarray, dtype) -> np.ndarray:
    """`values` clipped to 0..255 and in `dtype`, rounded if that is uint8; `values` themselves if they are uint8."""
    if values.dtype == dtype == np.uint8:
        return values
    return np.clip(np.rint(values) if dtype == np.uint8 else values, 0, 255).astype(dtype, copy=False)
