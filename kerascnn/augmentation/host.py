"""The primitives of the engine on arrays: NumPy and OpenCV. `graph` has the same names in `keras.ops`.

Images are `(n, height, width, channels)`, uint8 or float32, values 0..255; every function returns a new array of the
same type, clipped, and rounded if it is uint8. Numbers of an image (`share`, `quality`, `boxes`) may be of any type.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from statistics import NormalDist

import numpy as np

from kerascnn.augmentation.host_levels import histograms as histograms
from kerascnn.augmentation.host_levels import in_type
from kerascnn.augmentation.host_levels import lookup as lookup
from kerascnn.augmentation.host_levels import pointwise as pointwise
from kerascnn.augmentation.host_levels import settled as settled
from kerascnn.augmentation.warp import warp as warp

MOST_CHANNELS = 4  # that OpenCV averages at once
QUANTILES = 2**16


def partly(function: Callable, on: np.ndarray | None, images: np.ndarray, *given) -> np.ndarray:
    """`function(images, *given)` for the images `on` `(n,)`, with their rows of `given`; None means all of them.

    The others stay as they are. Where all images stay, `images` itself comes back.
    """
    if on is None or on.all():
        return function(images, *given)
    if not on.any():
        return images
    out = images.copy()
    out[on] = function(images[on], *(each if each is None else each[on] for each in given))
    return out


def recolour(images: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    """Each pixel's channels `(c0, c1, ..., 1)` times the image's matrix of `(n, channels, channels + 1)`.

    On uint8 OpenCV counts in whole numbers, which moves some pixels by one level.
    """
    import cv2

    out = np.empty_like(images)
    for image, matrix, target in zip(images, matrices.astype(np.float32), out, strict=True):
        cv2.transform(image, matrix, target)
    return out if out.dtype == np.uint8 else np.clip(out, 0, 255, out=out)


def means(images: np.ndarray, on: np.ndarray | None = None) -> np.ndarray:
    """`(n, channels)` float32, the mean colour of each image; 0 where it is not wanted, if `on` `(n,)` says where."""
    import cv2

    n, channels = images.shape[::3]
    if on is not None:
        found = np.zeros((n, channels), np.float32)
        found[on] = means(images[on])
        return found
    if channels > MOST_CHANNELS:
        return images.mean(axis=(1, 2), dtype=np.float32)
    return np.array([cv2.mean(image) for image in images], np.float32).reshape(n, MOST_CHANNELS)[:, :channels]


def convolve(images: np.ndarray, kernels: np.ndarray) -> np.ndarray:
    """Each channel convolved with the image's kernel of `(n, k, k)`, k odd; borders mirror about the edge pixels.

    Kernels that are all products of a row and a column, as Gaussians, go along rows and columns one after the other.
    """
    import cv2

    kernels = np.flip(kernels, (1, 2)).astype(np.float32)  # OpenCV correlates
    rows, columns, totals = kernels.sum(1), kernels.sum(2), kernels.sum((1, 2))
    products = np.einsum("ni,nj->nij", columns, rows)
    out = np.empty_like(images)
    options = {"ddepth": -1, "borderType": cv2.BORDER_REFLECT_101}
    if (np.abs(totals) > 0).all() and np.allclose(products, kernels * totals[:, None, None], atol=1e-6):
        columns = columns / totals[:, None]
        for image, row, column, target in zip(images, rows, columns, out, strict=True):
            cv2.sepFilter2D(image, kernelX=row, kernelY=column, dst=target, **options)
    else:
        for image, kernel, target in zip(images, kernels, out, strict=True):
            cv2.filter2D(image, kernel=kernel, dst=target, **options)
    return out if out.dtype == np.uint8 else np.clip(out, 0, 255, out=out)


def blend(a: np.ndarray, b: np.ndarray, share: np.ndarray) -> np.ndarray:
    """`share * a + (1 - share) * b`, `share` `(n,)`, which may lie outside of 0..1."""
    import cv2

    out = np.empty_like(a)
    for first, second, own, target in zip(a, b, np.asarray(share).tolist(), out, strict=True):
        cv2.addWeighted(first, own, second, 1 - own, 0, dst=target)
    return out if out.dtype == np.uint8 else np.clip(out, 0, 255, out=out)


def fill(images: np.ndarray, boxes: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """The box `(y0, x0, y1, x1)` of each image, `(n, 4)` whole numbers that may reach outside, filled with `colours`.

    These are `(n, channels)`, or shaped like the images, whose box is then copied.
    """
    out, flat, sources = images.copy(), colours.ndim == 2, settled(colours, images)
    height, width = images.shape[1:3]
    boxes = np.clip(boxes, 0, (height, width, height, width)).astype(int).tolist()
    for target, source, (top, left, bottom, right) in zip(out, sources, boxes, strict=True):
        window = np.s_[top:bottom, left:right]
        target[window] = source if flat else source[window]
    return out


def jpeg(images: np.ndarray, quality: np.ndarray) -> np.ndarray:
    """The images compressed and read again, `quality` `(n,)` in 1..100; colour at half the resolution (4:2:0).

    Unless there are three channels, each is compressed for itself.
    """
    levels = in_type(images, np.uint8)
    out = np.empty_like(levels)
    for image, own, target in zip(levels, np.rint(quality).astype(int).tolist(), out, strict=True):
        if image.shape[-1] == 3:
            target[...] = _through_jpeg(image[..., ::-1], own)[..., ::-1]
            continue
        for channel in range(image.shape[-1]):
            target[..., channel] = _through_jpeg(image[..., channel], own)
    return out.astype(images.dtype, copy=False)


def _through_jpeg(image, quality):
    import cv2

    _, coded = cv2.imencode(".jpg", np.ascontiguousarray(image), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(coded, cv2.IMREAD_UNCHANGED)


def normals(images: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Standard normal float32 numbers shaped like the images, a function of each image's own key, `keys` `(n,)`.

    16 random bits look up a quantile, which is three times as fast as NumPy's normals; none is beyond 4.2.
    """
    out = np.empty(images.shape, np.float32)
    for key, target in zip(keys.tolist(), out, strict=True):
        bits = _generator(key).integers(0, QUANTILES, target.shape, dtype=np.uint16)
        _quantiles().take(bits, out=target, mode="wrap")
    return out


def uniforms(images: np.ndarray, keys: np.ndarray, channels: int) -> np.ndarray:
    """`(n, height, width, channels)` float32 in [0, 1), a function of each image's own key, `keys` `(n,)`."""
    out = np.empty((*images.shape[:3], channels), np.float32)
    for key, target in zip(keys.tolist(), out, strict=True):
        _generator(key).random(dtype=np.float32, out=target)
    return out


def _generator(key):
    return np.random.Generator(np.random.SFC64(key))


@cache
def _quantiles():
    normal = NormalDist()
    return np.array([normal.inv_cdf((i + 0.5) / QUANTILES) for i in range(QUANTILES)], np.float32)
