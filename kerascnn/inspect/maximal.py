"""What a channel looks for: the image that excites it most, found by gradient ascent."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from kerascnn import checks
from kerascnn.inspect.gradients import compiled_gradient
from kerascnn.inspect.scoring import check_differentiable, in_batches, responses
from kerascnn.inspect.walking import named, outline, single

RATE = 0.02  # of Adam; 0.05 makes the colours glaring
COLOURS = np.array([[0.26, 0.09, 0.02], [0.27, 0.0, -0.05], [0.27, -0.09, 0.03]], "float32") / 0.462
"""The root of the covariance of red, green and blue in photographs, of the paper's code; its first column is grey."""


def maximal_input(
    model: keras.Model,
    layer: str,
    channel: int | Sequence[int],
    *,
    image_shape: tuple[int, int, int] | None = None,
    steps: int = 128,
    jitter: int | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Images that excite a channel of a layer most: float32 `(n, height, width, channels)` in 0..255, one a channel.

    Gradient ascent from faint noise on the mean of the channel over its places, or on a unit of a dense layer, which
    for the last one is the logit of a class; an activation is looked at from before it, where there always is a slope.
    The pixels themselves would fill with high frequencies. So the image is the sigmoid of a sum of waves, whose weights
    Adam changes and of which the long ones and grey ones move most, as in photographs, and it is shifted by some pixels
    at random before each step (Olah et al. 2017, https://distill.pub/2017/feature-visualization).
    Works through nested models.

    Args:
        model: a Functional or Sequential model.
        layer: its name, in nested models too ("conv1", or "backbone/conv1" where it is not unique).
        channel: one index or several.
        image_shape: of the result; None is that of the model's images, needed where the model takes any size.
        steps: of the ascent.
        jitter: the largest shift in pixels; None is a sixteenth of the shorter side.
        seed: of the noise and the shifts. A channel's image does not depend on which others are asked for.

    Raises: ValueError for a layer or a channel that there is not, or images of no certain size.

    >>> image = keras.Input((8, 8, 1))
    >>> model = keras.Model(image, keras.layers.Conv2D(2, 1, kernel_initializer="ones", name="conv")(image))
    >>> maximal_input(model, "conv", [0, 1], steps=80).mean(axis=(1, 2, 3)) > 200
    array([ True,  True])
    """
    checks.positive_int("steps", steps)
    model = single(model)
    check_differentiable(model)
    shape = _shape(model, image_shape)
    jitter = min(shape[:2]) // 16 if jitter is None else checks.positive_int("jitter", jitter, least=0)
    shapes = {path: found for path, (_, found) in outline(model, np.zeros((1, *shape))).items() if len(found) > 1}
    path = named("layer", layer, shapes, "a layer")
    channels = channels_of(channel, shapes[path][-1])
    return in_batches(lambda part: _ascended(model, path, part, shape, steps, jitter, seed), channels)


def _ascended(model, path, channels, shape, steps, jitter, seed) -> np.ndarray:
    """The images for some channels, `(channels, height, width, 3)`: Adam on the weights of the waves."""
    climb = compiled_gradient(lambda images: _excitation(model, path, channels, images))
    scale = _scale(*shape[:2])
    drawn = [np.random.default_rng((seed, channel)).normal(0, 0.01, _spectrum(shape)) for channel in channels.tolist()]
    waves = keras.Variable(np.stack(drawn).astype("float32"), dtype="float32", trainable=True)
    adam = keras.optimizers.Adam(RATE)
    for step in range(steps):
        images = _image(ops.convert_to_numpy(waves), scale, shape)
        shift = np.random.default_rng((seed, step)).integers(-jitter, jitter + 1, 2)
        _, slope = climb(ops.convert_to_tensor(np.roll(images, shift, axis=(1, 2))))
        slope = np.roll(ops.convert_to_numpy(slope), -shift, axis=(1, 2)) * images * (255 - images)
        slope = slope @ _mixed(shape)
        # the transpose of irfft2 is rfft2 but for a factor for each wave, and to factors Adam is indifferent
        slope = (np.fft.rfft2(slope, axes=(1, 2)) * scale).astype("complex64").view("float32")
        highest = np.abs(slope).max(axis=(1, 2, 3), keepdims=True)
        adam.apply([ops.convert_to_tensor(-slope / np.where(highest > 0, highest, 1))], [waves])
    return _image(ops.convert_to_numpy(waves), scale, shape)


def _excitation(model, path, channels, images):
    """Each image's own channel, its mean over all places, `(n,)`."""
    found = responses(model, path, images)
    means = ops.mean(found, axis=tuple(range(1, len(found.shape) - 1)))
    return ops.take_along_axis(means, ops.convert_to_tensor(channels)[:, None], axis=-1)[:, 0]


def _image(waves: np.ndarray, scale: np.ndarray, shape) -> np.ndarray:
    """The images in 0..255 of waves, the real and the imaginary parts of which are beside each other."""
    pixels = np.fft.irfft2(waves.view("complex64") * scale, s=shape[:2], axes=(1, 2)) @ _mixed(shape).T
    return (127.5 + 127.5 * np.tanh(pixels / 2)).astype("float32")


def _mixed(shape) -> np.ndarray:
    return COLOURS if shape[-1] == 3 else np.eye(shape[-1], dtype="float32")


def _spectrum(shape) -> tuple[int, int, int]:
    height, width, channels = shape
    return height, width // 2 + 1, 2 * channels


def _scale(height: int, width: int) -> np.ndarray:
    """How much a wave counts, `(height, width // 2 + 1, 1)`: as in photographs, the longer the more."""
    frequencies = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    scale = np.sqrt(height * width) / np.maximum(frequencies, 1 / max(height, width))
    return scale.astype("float32")[..., None]


def _shape(model, image_shape) -> tuple[int, int, int]:
    shape = tuple(model.input_shape[1:]) if image_shape is None else tuple(image_shape)
    if len(shape) != 3 or None in shape:
        rule, mend = "be (height, width, channels)", "Pass it for a model that takes images of any size."
        raise ValueError(checks.message("image_shape", rule, image_shape, mend))
    return shape


def channels_of(channel: int | Sequence[int], count: int) -> np.ndarray:
    """The indices as an array; raises ValueError unless they are in `0..count - 1`."""
    channels = np.atleast_1d(channel)
    if channels.dtype.kind not in "iu" or channels.ndim != 1 or not len(channels):
        raise ValueError(checks.message("channel", "be one index or several", channel))
    if channels.min() < 0 or channels.max() >= count:
        raise ValueError(checks.message("channel", f"be in 0..{count - 1}", channel))
    return channels
