"""Losses of images `(batch, height, width, channels)` of values up to `peak`, in units of which they are computed."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from kerascnn import checks

LUMINANCE = (0.299, 0.587, 0.114)  # of red, green and blue, ITU-R BT.601
WINDOW, SIGMA = 11, 1.5  # of the Gaussian window of SSIM, as in metrics.ssim
K1, K2 = 0.01, 0.03


@keras.saving.register_keras_serializable("kerascnn")
def luminance(images: Any) -> Any:
    """How bright each pixel is, `(..., 1)`, by ITU-R BT.601; images of other than three channels as they are.

    >>> round(float(luminance(ops.array([[[[255.0, 0.0, 0.0]]]]))[0, 0, 0, 0]), 3)
    76.245
    """
    if images.shape[-1] != 3:
        return images
    return ops.sum(images * ops.convert_to_tensor(LUMINANCE, images.dtype), axis=-1, keepdims=True)


class _OfImages(keras.losses.Loss):
    """What they share: both images in float32 and in units of `peak`, seen through `view`."""

    def __init__(self, peak: float = 255.0, view: Callable | None = None, *, name: str, **options: Any):
        super().__init__(name=name, **options)
        self.peak = checks.in_range("peak", peak, 0, float("inf"), ends="()")
        if view is not None and not callable(view):
            raise ValueError(checks.message("view", "be a function of images, or None", view))
        self.view = view

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each image, `(batch,)`."""
        seen = self.view or (lambda images: images)
        return self.measure(*(seen(ops.cast(images, "float32") / self.peak) for images in (y_true, y_pred)))

    def get_config(self) -> dict[str, Any]:
        """The arguments, by name."""
        return {**super().get_config(), "peak": self.peak, "view": self.view}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "_OfImages":
        """The loss that `get_config` described."""
        return cls(**{**config, "view": keras.saving.deserialize_keras_object(config["view"])})


@keras.saving.register_keras_serializable("kerascnn")
class ImageMSE(_OfImages):
    """The mean square of the differences, of images in units of `peak`.

    `view` is what counts of an image: a function that both are put through first, such as `losses.luminance`.

    >>> round(float(ImageMSE()([[[[0.0, 255.0]]]], [[[[25.5, 255.0]]]])), 6)  # 0.1^2 / 2
    0.005
    """

    def __init__(self, peak: float = 255.0, view: Callable | None = None, *, name: str = "image_mse", **options: Any):
        super().__init__(peak, view, name=name, **options)

    def measure(self, true: Any, pred: Any) -> Any:
        """The loss of each image."""
        return _mean(ops.square(true - pred))


@keras.saving.register_keras_serializable("kerascnn")
class ImageMAE(_OfImages):
    """The mean of the absolute differences, with the arguments of `ImageMSE`.

    >>> round(float(ImageMAE()([[[[0.0, 255.0]]]], [[[[25.5, 255.0]]]])), 6)
    0.05
    """

    def __init__(self, peak: float = 255.0, view: Callable | None = None, *, name: str = "image_mae", **options: Any):
        super().__init__(peak, view, name=name, **options)

    def measure(self, true: Any, pred: Any) -> Any:
        """The loss of each image."""
        return _mean(ops.abs(true - pred))


@keras.saving.register_keras_serializable("kerascnn")
class PixelCrossentropy(_OfImages):
    """The mean binary cross-entropy of values, each as the probability of white: for images that are nearly binary.

    It is least, but not 0, where both are equal. Outputs must be within 0 and `peak`, as a sigmoid has them. The other
    arguments are those of `ImageMSE`.

    >>> round(float(PixelCrossentropy()([[[[255.0]]]], [[[[127.5]]]])), 4)
    0.6931
    """

    def __init__(
        self, peak: float = 255.0, view: Callable | None = None, *, name: str = "pixel_crossentropy", **options: Any
    ):
        super().__init__(peak, view, name=name, **options)

    def measure(self, true: Any, pred: Any) -> Any:
        """The loss of each image."""
        return _mean(ops.binary_crossentropy(true, pred))


@keras.saving.register_keras_serializable("kerascnn")
class SSIM(_OfImages):
    """1 - the structural similarity, the mean over pixels and channels: 0 where both are equal, 2 at most.

    It is that of `metrics.ssim`, with a Gaussian window of 11 x 11 where it lies wholly within the image. The other
    arguments are those of `ImageMSE`. Raises: ValueError for images with a side under 11 pixels.
    Wang et al. 2004, https://doi.org/10.1109/TIP.2003.819861; as a loss Zhao et al. 2017,
    https://arxiv.org/abs/1511.08861

    >>> black, white = np.zeros((1, 11, 11, 1)), np.full((1, 11, 11, 1), 255.0)
    >>> float(SSIM()(white, white)), round(float(SSIM()(black, white)), 4)
    (0.0, 0.9999)
    """

    def __init__(self, peak: float = 255.0, view: Callable | None = None, *, name: str = "ssim", **options: Any):
        super().__init__(peak, view, name=name, **options)

    def measure(self, true: Any, pred: Any) -> Any:
        """The loss of each image."""
        if len(true.shape) != 4 or any(side is not None and side < WINDOW for side in true.shape[1:3]):
            rule = f"be (batch, height, width, channels), with sides of at least {WINDOW}"
            raise ValueError(checks.message("images", rule, tuple(true.shape), "Pass another loss, such as 'mse'."))
        c1, c2 = K1**2, K2**2
        mean, other = _local_mean(true), _local_mean(pred)
        products, squares = mean * other, ops.square(mean) + ops.square(other)
        covariance = _local_mean(true * pred) - products
        variances = _local_mean(ops.square(true) + ops.square(pred)) - squares
        return 1 - _mean((2 * products + c1) / (squares + c1) * (2 * covariance + c2) / (variances + c2))


def _mean(values):
    """Of each example."""
    return ops.mean(values, axis=list(range(1, len(values.shape))))


def _local_mean(images):
    """The mean under the window at each place where it fits into the image."""
    weights = np.exp(-((np.arange(WINDOW) - WINDOW // 2) ** 2) / (2 * SIGMA**2)).astype("float32")
    weights /= weights.sum()
    for shape in ((WINDOW, 1, 1, 1), (1, WINDOW, 1, 1)):
        kernel = ops.tile(ops.convert_to_tensor(weights.reshape(shape)), (1, 1, images.shape[-1], 1))
        images = ops.depthwise_conv(images, kernel, 1, "valid", "channels_last")
    return images
