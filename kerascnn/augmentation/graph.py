"""What the engine needs of an array library, in `keras.ops`: for a layer in a model, on every backend of Keras.

The same functions as in `host`, on float32 images `(n, height, width, channels)` with values 0..255. Height, width and
channels must be known when the graph is built; the number of images need not be. Nothing is rounded to whole levels.
"""

import keras
from keras import ops

from kerascnn.augmentation.graph_jpeg import jpeg as jpeg
from kerascnn.augmentation.graph_warp import warp as warp

np = ops
LEVELS = 256


def partly(function, on, images, *given):
    """`function(images, *given)` for the images `on` `(n,)`, None for all: computed for all, then chosen."""
    changed = function(images, *given)
    return changed if on is None else ops.where(ops.reshape(on, (-1, 1, 1, 1)), changed, images)


def settled(values, like):
    """`values` clipped to 0..255, in the type of `like`."""
    return ops.cast(clipped(values), like.dtype)


def recolour(images, matrices):
    """The colours `(c0, c1, ..., 1)` of each image times its matrix of `(n, channels, channels + 1)`, clipped."""
    matrices = ops.cast(matrices, "float32")[:, None, None]
    channels = images.shape[-1]
    # Products, not a matmul, which rounds to ten bits on some accelerators.
    mixed = sum(images[..., i : i + 1] * matrices[..., i] for i in range(channels))
    return clipped(mixed + matrices[..., channels])


def pointwise(images, function):
    """`function` of each value, clipped."""
    return clipped(function(images))


def means(images, on=None):
    """The mean colour `(n, channels)` of each image, whichever are `on`."""
    return ops.mean(ops.cast(images, "float32"), axis=(1, 2))


def convolve(images, kernels):
    """Each channel of an image convolved with the image's kernel of `(n, k, k)`, k odd; borders are mirrored."""
    height, width = images.shape[1:3]
    taps = kernels.shape[-1]
    pad = (taps // 2, taps // 2)
    padded = ops.pad(images, ((0, 0), pad, pad, (0, 0)), mode="reflect")
    kernels = ops.flip(ops.cast(kernels, images.dtype), axis=(1, 2))
    windows = ops.stack([padded[:, :, i : i + width] for i in range(taps)], axis=-1)
    rows = ops.einsum("nhwci,nji->jnhwc", windows, kernels)
    return clipped(sum(rows[j, :, j : j + height] for j in range(taps)))


def lookup(images, tables):
    """Each value replaced by the entry of the nearest level in `tables` `(n, channels or 1, 256)`, clipped."""
    taken = ops.take(ops.reshape(tables, (-1,)), _entries(images, tables.shape[1]), axis=0)
    return clipped(ops.cast(taken, images.dtype))


def histograms(images):
    """How many pixels have each level: `(n, channels, 256)` float32."""
    n, channels = ops.shape(images)[0], images.shape[-1]
    entries = ops.reshape(_entries(images, channels), (-1,))
    counts = ops.segment_sum(ops.ones_like(entries, dtype="float32"), entries, n * channels * LEVELS)
    return ops.reshape(counts, (-1, channels, LEVELS))


def normals(images, keys):
    """Normal noise of standard deviation 1, shaped like `images`; `keys` is a seed of `keras.random`."""
    return keras.random.normal(ops.shape(images), seed=keys)


def uniforms(images, keys, channels):
    """Even noise in [0, 1), `(n, height, width, channels)`; `keys` is a seed of `keras.random`."""
    return keras.random.uniform((*ops.shape(images)[:3], channels), seed=keys)


def fill(images, boxes, colours):
    """A box `(y0, x0, y1, x1)` of each image, its ends not included, set to `colours`: `(n, channels)` or as images."""
    height, width = images.shape[1:3]
    top, left, bottom, right = (ops.reshape(ops.cast(boxes[:, i], "int32"), (-1, 1, 1, 1)) for i in range(4))
    y, x = ops.arange(height, dtype="int32")[:, None, None], ops.arange(width, dtype="int32")[None, :, None]
    colours = colours if len(colours.shape) == 4 else colours[:, None, None]
    held = (y >= top) & (y < bottom) & (x >= left) & (x < right)
    return ops.where(held, ops.cast(colours, images.dtype), images)


def blend(a, b, share):
    """`share` `(n,)` of `a` and the rest of `b`, clipped; a share over 1 goes beyond `a`."""
    share = ops.reshape(ops.cast(share, "float32"), (-1, 1, 1, 1))
    return clipped(share * a + (1 - share) * b)


def clipped(images):
    """`images` with values below 0 or above 255 brought to these."""
    return ops.clip(images, 0, LEVELS - 1)


def _entries(images, channels):
    """The place of each value in tables `(n, channels, 256)` laid out in a row; one channel serves all."""
    starts = ops.arange(ops.shape(images)[0] * channels, dtype="int32") * LEVELS
    return ops.reshape(starts, (-1, 1, 1, channels)) + ops.cast(ops.round(clipped(images)), "int32")
