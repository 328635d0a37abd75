"""How alike two images are: PSNR and SSIM."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from kerascnn import checks

WINDOW, SIGMA = 11, 1.5  # of the Gaussian window of Wang et al. 2004
K1, K2 = 0.01, 0.03
LEAST_MSE = 1e-10  # so that the PSNR of equal images is 148 dB: infinity would make every mean infinite


def psnr(images: Any, others: Any, peak: float = 255.0) -> np.ndarray:
    """The peak signal-to-noise ratio of each pair of images, `10 log10(peak^2 / MSE)` in dB: `(n,)`; 148 where equal.

    Both are `(n, ...)` of one scale, up to `peak`. Raises: ValueError for shapes that differ.

    >>> psnr([[0.0, 100.0]], [[25.5, 74.5]]).round(6).tolist()  # both are off by a tenth of 255
    [20.0]
    """
    images, others = _pair(images, others, least=2)
    checks.in_range("peak", peak, 0, float("inf"), ends="()")
    errors = [np.mean((np.float64(a) - b) ** 2) for a, b in zip(images, others, strict=True)]
    return 10 * np.log10(peak**2 / np.maximum(errors, LEAST_MSE))


def ssim(images: Any, others: Any, peak: float = 255.0) -> np.ndarray:
    """The structural similarity of each pair of images, `(n,)`, at most 1: the mean over pixels and channels.

    Both are `(n, height, width)` or `(n, height, width, channels)`, of one scale up to `peak`, at least 11 pixels on
    each side. A Gaussian window of 11 x 11 with sigma 1.5, where it lies wholly within the image; K1 = 0.01, K2 = 0.03.
    Raises: ValueError for other shapes. Wang et al. 2004, https://doi.org/10.1109/TIP.2003.819861

    >>> black, white = np.zeros((1, 11, 11)), np.full((1, 11, 11), 255.0)
    >>> ssim(white, white).tolist(), ssim(black, white).round(6).tolist()  # C1 / (255^2 + C1) with C1 = 2.55^2
    ([1.0], [0.0001])
    """
    images, others = _pair(images, others, least=3)
    checks.in_range("peak", peak, 0, float("inf"), ends="()")
    if images.ndim > 4 or min(images.shape[1:3]) < WINDOW:
        rule = f"be (n, height, width) or (n, height, width, channels), with sides of at least {WINDOW}"
        raise ValueError(checks.message("images", rule, images.shape))
    pairs = zip(images, others, strict=True)
    return np.array([_similarity(np.float64(a), np.float64(b), peak) for a, b in pairs])


@keras.saving.register_keras_serializable("kerascnn")
class PSNR(keras.metrics.Mean):
    """The mean over images of the peak signal-to-noise ratio, `10 log10(peak^2 / MSE)` in dB; 148 dB where equal.

    Targets and outputs are `(batch, ...)` of one scale, up to `peak`.

    >>> psnr = PSNR()
    >>> psnr.update_state([[0.0, 100.0]], [[25.5, 74.5]])  # both are off by a tenth of 255
    >>> round(float(psnr.result()), 3)
    20.0
    """

    def __init__(self, peak: float = 255.0, *, name: str = "psnr", dtype: Any = None):
        super().__init__(name=name, dtype=dtype)
        self.peak = checks.in_range("peak", peak, 0, float("inf"), ends="()")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds the images of a batch; `sample_weight` is `(batch,)`."""
        difference = ops.cast(y_true, "float32") - ops.cast(y_pred, "float32")
        error = ops.mean(ops.square(difference), axis=list(range(1, len(difference.shape))))
        ratio = self.peak**2 / ops.maximum(error, LEAST_MSE)
        super().update_state(10 / math.log(10) * ops.log(ratio), sample_weight)

    def get_config(self) -> dict[str, Any]:
        """The arguments, by name."""
        return {"peak": self.peak, "name": self.name, "dtype": self.dtype}


def _pair(images, others, least):
    images, others = np.asarray(images), np.asarray(others)
    if images.shape != others.shape or images.ndim < least or not images.size:
        raise ValueError(checks.message("others", f"have the shape of `images`, {images.shape}", others.shape))
    return images, others


def _similarity(a, b, peak):
    c1, c2 = (K1 * peak) ** 2, (K2 * peak) ** 2
    mean_a, mean_b = _local_mean(a), _local_mean(b)
    products, squares = mean_a * mean_b, mean_a**2 + mean_b**2
    covariance, variances = _local_mean(a * b) - products, _local_mean(a**2 + b**2) - squares
    structure = (2 * covariance + c2) / (variances + c2)
    return float(np.mean((2 * products + c1) / (squares + c1) * structure))


def _local_mean(image):
    """The mean under the window at each place where it fits into the image."""
    from scipy.ndimage import correlate1d

    offsets = np.arange(WINDOW) - WINDOW // 2
    window = np.exp(-(offsets**2) / (2 * SIGMA**2))
    for axis in (0, 1):
        image = correlate1d(image, window / window.sum(), axis=axis)
    inner = slice(WINDOW // 2, -(WINDOW // 2))
    return image[inner, inner]
