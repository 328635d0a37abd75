"""Image files as TensorFlow reads them, from bytes within a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kerascnn.data.images import common_size, fit, recolor
from kerascnn.data.options import Options

if TYPE_CHECKING:
    import tensorflow as tf

SAMPLE = 1000  # images looked at to choose a size for a set of mixed sizes


def image_shape(shape, encoded: tf.data.Dataset, options: Options) -> tuple[int, int, int]:
    """The shape that images of `shape`, None where it differs, are brought to.

    For mixed sizes without `options.image_size` it comes from the first 1,000 of `encoded`, batches of image files.
    """
    channels = options.color_channels or shape[-1] or 3
    if options.image_size:
        return (*options.image_size, channels)
    if None not in shape[:2]:
        return (*shape[:2], channels)
    import tensorflow as tf

    sizes = encoded.unbatch().take(SAMPLE).map(lambda file, _: tf.shape(_plain(file))[:2])
    return (*common_size(list(sizes.as_numpy_iterator())), channels)


def _plain(file):
    import tensorflow as tf

    return tf.io.decode_image(file, expand_animations=False)


def decode(file: tf.Tensor, *, shape: tuple[int, int, int], resize: str) -> tf.Tensor:
    """The uint8 image of `shape` in the bytes of an image file, in a graph."""
    import tensorflow as tf

    def change(image):
        return recolor(fit(image[..., :3] if image.shape[-1] == 4 else image, shape[:2], resize), shape[-1])

    image = _plain(file)
    same = tf.reduce_all(tf.equal(tf.shape(image), shape))
    image = tf.cond(same, lambda: image, lambda: tf.numpy_function(change, [image], tf.uint8))
    return tf.ensure_shape(image, shape)
