"""Which pixels a class hangs on, by the gradient of its score: saliency, smoothed saliency, integrated gradients."""

from typing import Any

import keras
import numpy as np

from kerascnn import checks
from kerascnn.inspect.scoring import asked, slopes


def saliency(
    model: keras.Model, images: Any, classes: Any = None, *, smooth: int = 0, noise: float = 0.1, seed: int = 0
) -> np.ndarray:
    """How strongly the score of a class changes with each pixel: `(n, height, width)`, in logits per grey level.

    The largest absolute gradient of the pixel's channels (Simonyan et al. 2014, https://arxiv.org/abs/1312.6034), of
    the logit. Gradients flicker from one pixel to the next; `smooth` averages them over noisy copies of the image
    (Smilkov et al. 2017, "SmoothGrad", https://arxiv.org/abs/1706.03825). Works through nested models.

    Args:
        model: a classifier with one score a class, Functional or Sequential.
        images: raw images as the model takes them, `(n, height, width, channels)` in 0..255.
        classes: one index for all images, or `(n,)`; None is the model's answer for each.
        smooth: how many noisy copies; 0 takes the image itself.
        noise: standard deviation of their noise as a share of the image's range from its darkest to its brightest.
        seed: of the noise, which is the same for all images.

    Raises: ValueError for images that are no batch, a class that there is not, or a model without scores or gradient.

    >>> head = keras.layers.Dense(2, "softmax", kernel_initializer=keras.initializers.Constant(-0.25))
    >>> model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), head])
    >>> float(saliency(model, np.zeros((1, 4, 4, 1)), classes=1).max())
    0.25
    """
    checks.positive_int("smooth", smooth, least=0)
    checks.in_range("noise", noise, 0, 1)
    model, images, classes = asked(model, images, classes)
    if not smooth:
        return np.abs(slopes(model, images, classes)).max(axis=-1)
    drawn = np.random.default_rng(seed).normal(0, noise, (smooth, *images.shape[1:])).astype("float32")
    copies = (image + np.ptp(image) * drawn for image in images)
    each = [slopes(model, own, np.repeat(wanted, smooth)) for own, wanted in zip(copies, classes, strict=True)]
    return np.stack([np.abs(own.mean(axis=0)).max(axis=-1) for own in each])


def integrated_gradients(
    model: keras.Model, images: Any, classes: Any = None, *, baseline: Any = 0, steps: int = 32
) -> np.ndarray:
    """What each pixel adds to the score of a class, against a baseline: `(n, height, width)`, in logits.

    The gradient along the straight way from the baseline to the image, times the way: the values of a pixel's channels
    are added up, and all of an image sum to the difference of the two logits (Sundararajan et al. 2017,
    https://arxiv.org/abs/1703.01365), but for the error of the numerical integral, which more `steps` make smaller.
    Positive ones speak for the class, negative ones against it; a pixel of the baseline's colour gets 0.

    Args:
        model: a classifier with one score a class, Functional or Sequential, also one of nested models.
        images: raw images as the model takes them, `(n, height, width, channels)` in 0..255.
        classes: one index for all images, or `(n,)`; None is the model's answer for each.
        baseline: the image without anything on it: a number in 0..255, by default black, or an array that broadcasts
            to the images.
        steps: points along the way at which the gradient is taken, those of Gauss and Legendre.

    Raises: ValueError as `saliency`, and for a baseline of another shape.

    >>> head = keras.layers.Dense(2, "softmax", kernel_initializer=keras.initializers.Constant(-0.25))
    >>> model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), head])
    >>> float(integrated_gradients(model, np.full((1, 4, 4, 1), 100), classes=1).max().round(3))
    -25.0
    """
    checks.positive_int("steps", steps)
    model, images, classes = asked(model, images, classes)
    baselines = _broadcast(baseline, images.shape)
    places, weights = np.polynomial.legendre.leggauss(steps)  # over -1..1, the weights of sum 2
    found = []
    for image, start, wanted in zip(images, baselines, classes, strict=True):
        along = start + (places[:, None, None, None] + 1) / 2 * (image - start)
        each = slopes(model, along.astype("float32"), np.repeat(wanted, steps))
        found.append(np.sum((image - start) * np.tensordot(weights / 2, each, 1), axis=-1))
    return np.stack(found).astype("float32")


def _broadcast(baseline: Any, shape: tuple[int, ...]) -> np.ndarray:
    try:
        return np.broadcast_to(np.asarray(baseline, "float32"), shape)
    except ValueError:
        rule = f"be a number or an array that broadcasts to the images' shape {shape}"
        raise ValueError(checks.message("baseline", rule, np.shape(baseline))) from None
