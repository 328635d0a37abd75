"""Classical filters against noise: what a network that restores images has to be better than.

Each takes one image `(height, width, channels)`, uint8 or float in 0..255, and returns a float32 image of its shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from kerascnn import checks
from kerascnn.layers.fixed_convolution import KERNELS
from kerascnn.metrics import psnr

EXACT = 5  # pixels, to which OpenCV's median takes floats
COLOUR = (1, 3)  # channels that OpenCV weighs together


def gaussian(image: np.ndarray, sigma: float = 1.0) -> np.ndarray:
    """Blurs with a Gaussian of a standard deviation of `sigma` pixels; borders mirror about the edge pixels."""
    import cv2

    checks.in_range("sigma", sigma, 0, 100, ends="(]")
    return cv2.GaussianBlur(_image(image), (0, 0), sigma).reshape(image.shape)


def convolved(image: np.ndarray, kernel: str | Sequence[Sequence[float]] = "gauss") -> np.ndarray:
    """What `layers.FixedConv2D(kernel, padding="reflect")` gives: a designed kernel over each channel, not turned over.

    `kernel` is one of its names ("box", "gauss", "sharpen", "laplace", "sobel_x", "sobel_y") or a matrix.
    """
    import cv2

    matrix = KERNELS[checks.one_of("kernel", kernel, KERNELS)] if isinstance(kernel, str) else kernel
    if np.ndim(matrix) != 2:
        raise ValueError(checks.message("kernel", "be a name or a matrix", kernel))
    matrix = np.array(matrix, np.float32)
    anchor = [(size - 1) // 2 for size in matrix.shape[::-1]]
    return cv2.filter2D(_image(image), -1, matrix, anchor=anchor).reshape(image.shape)


def median(image: np.ndarray, size: int = 3) -> np.ndarray:
    """The median of `size` x `size` pixels, each channel by itself; from a size of 7 on in whole levels of 0..255.

    >>> image = np.zeros((5, 5, 1))
    >>> image[2, 2] = 255
    >>> float(median(image).max())
    0.0
    """
    import cv2

    if checks.positive_int("size", size) % 2 == 0:
        raise ValueError(checks.message("size", "be odd", size))
    pixels = _image(image)
    pixels = pixels if size <= EXACT else np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
    planes = [cv2.medianBlur(np.ascontiguousarray(plane), size) for plane in np.moveaxis(pixels, -1, 0)]
    return np.stack(planes, axis=-1).astype(np.float32)


def bilateral(image: np.ndarray, sigma_colour: float = 50.0, sigma_space: float = 2.0) -> np.ndarray:
    """A Gaussian blur in which pixels of another colour count little (Tomasi and Manduchi 1998).

    `sigma_colour` is in levels, `sigma_space` in pixels. One or three channels are weighed together, others singly.
    """
    import cv2

    checks.in_range("sigma_colour", sigma_colour, 0, 1000, ends="(]")
    checks.in_range("sigma_space", sigma_space, 0, 100, ends="(]")
    return _together(_image(image), lambda plane: cv2.bilateralFilter(plane, -1, sigma_colour, sigma_space))


def non_local_means(image: np.ndarray, strength: float = 20.0, patch: int = 7, search: int = 21) -> np.ndarray:
    """The mean of pixels whose surroundings of `patch` x `patch` look alike (Buades et al. 2005).

    They are sought within `search` x `search` pixels; `strength` is OpenCV's h, about the noise's standard deviation.
    OpenCV compares bytes: values that reach outside of 0..255 are pressed into it first, and stretched again after. One
    or three channels are compared together, others singly.
    """
    import cv2

    checks.in_range("strength", strength, 0, 1000, ends="(]")
    pixels = _image(image)
    low, high = min(0, pixels.min()), max(255, pixels.max())
    scale = 255 / (high - low)
    levels = np.rint((pixels - low) * scale).astype(np.uint8)
    done = _together(levels, lambda plane: cv2.fastNlMeansDenoising(plane, None, strength * scale, patch, search))
    return done / scale + low


FILTERS: dict[str, Callable[..., np.ndarray]] = {
    "gaussian": gaussian,
    "convolved": convolved,
    "median": median,
    "bilateral": bilateral,
    "non_local_means": non_local_means,
}
GRIDS: dict[str, dict[str, tuple]] = {
    "gaussian": {"sigma": (0.4, 0.6, 0.8, 1.0, 1.4, 2.0)},
    "convolved": {"kernel": ("box", "gauss")},
    "median": {"size": (3, 5, 7)},
    "bilateral": {"sigma_colour": (30, 50, 80, 120, 200), "sigma_space": (1, 1.5, 2, 3, 5)},
    "non_local_means": {"strength": (5, 10, 15, 20, 25, 30, 40, 60), "patch": (3, 5, 7)},
}


class Best(NamedTuple):
    """What `best_filter` found: `FILTERS[name](image, **parameters)`, and its mean PSNR in dB."""

    name: str
    parameters: dict[str, Any]
    psnr: float


def best_filter(noisy: Sequence[np.ndarray], clean: Sequence[np.ndarray], names: Sequence[str] = ()) -> Best:
    """The filter and its parameters, of a small grid, with the highest PSNR on pairs of images.

    Choose with training images and test with others, as for a network. Results are clipped to 0..255. All combinations
    of `GRIDS` are tried, which takes
    some seconds for 256 x 256 pixels in colour.

    Args:
        noisy: images `(n, height, width, channels)`, or a list of such of several sizes, in 0..255.
        clean: the same without noise.
        names: filters of `FILTERS` to try; all where there is none.

    Raises: ValueError for an unknown name, no images, and pairs of other shapes.
    """
    checks.same_length("noisy", noisy, "clean", clean)
    if not len(noisy):
        raise ValueError(checks.message("noisy", "hold at least one image", noisy))
    for one, other in zip(noisy, clean, strict=True):
        if np.shape(one) != np.shape(other):
            raise ValueError(checks.message("clean", f"have the shapes of `noisy`, {np.shape(one)}", np.shape(other)))
    tried = (Best(name, given, _mean_psnr(name, given, noisy, clean)) for name, given in _candidates(names or FILTERS))
    return max(tried, key=lambda found: found.psnr)


def _candidates(names: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in [checks.one_of("names", name, FILTERS) for name in names]:
        for values in product(*GRIDS[name].values()):
            yield name, dict(zip(GRIDS[name], values, strict=True))


def _mean_psnr(name: str, parameters: dict[str, Any], noisy: Any, clean: Any) -> float:
    restored = (np.clip(FILTERS[name](image, **parameters), 0, 255) for image in noisy)
    return float(np.mean([psnr(a[None], np.asarray(b)[None]) for a, b in zip(restored, clean, strict=True)]))


def _image(image: np.ndarray) -> np.ndarray:
    if np.ndim(image) != 3:
        raise ValueError(checks.message("image", "be (height, width, channels)", np.shape(image), "Pass one image."))
    return np.ascontiguousarray(image, np.float32)


def _together(pixels: np.ndarray, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """`change` of all channels at once where OpenCV can, else of one after the other."""
    planes = [pixels] if pixels.shape[-1] in COLOUR else np.moveaxis(pixels, -1, 0)
    done = [change(np.ascontiguousarray(plane)).reshape(*pixels.shape[:2], -1) for plane in planes]
    return np.concatenate(done, axis=-1).astype(np.float32)
