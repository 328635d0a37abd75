"""Random access to examples: arrays in memory, image files on disk, a subset of either."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kerascnn.data.images import read_image


class Arrays:
    """Examples in memory: `images` of shape `(n, height, width, channels)` and int32 `labels` of shape `(n,)`."""

    def __init__(self, images, labels):
        self.size = len(images)
        self.labels = np.asarray(labels, np.int32)
        self._images, self._labels = _on_host(images), _on_host(self.labels)

    def fetch(self, indices):
        """The images and labels of `indices`."""
        import tensorflow as tf

        return tf.gather(self._images, indices), tf.gather(self._labels, indices)


class Files:
    """Examples read from image files whenever they are asked for, so that memory holds a few batches only."""

    def __init__(self, paths: Sequence[str | Path], labels, image_shape: tuple[int, int, int], resize: str):
        self.size = len(paths)
        self.labels = np.asarray(labels, np.int32)
        self.paths = tuple(map(str, paths))  # a Path takes five times the memory
        self._labels = _on_host(self.labels)
        self._image_shape = tuple(image_shape)
        self._resize = resize

    def fetch(self, indices):
        """The images and labels of `indices`; fails naming the file that cannot be read any more."""
        import tensorflow as tf

        images = tf.numpy_function(self._read, [indices], tf.uint8)
        return tf.ensure_shape(images, (None, *self._image_shape)), tf.gather(self._labels, indices)

    def _read(self, indices):
        *size, channels = self._image_shape
        return np.stack([read_image(self.paths[i], size, self._resize, channels) for i in indices])


class Subset:
    """Some examples of another source, by their indices: splits share one array, none is copied."""

    def __init__(self, source, indices):
        self.size = len(indices)
        self.labels = source.labels[indices]
        self._source, self._indices = source, _on_host(np.asarray(indices, np.int64))

    def fetch(self, indices):
        """The images and labels of `indices`, which count from 0 within this subset."""
        import tensorflow as tf

        return self._source.fetch(tf.gather(self._indices, indices))


def _on_host(array):
    """A tensor that datasets capture by reference; a NumPy array would be copied into each of their graphs."""
    import tensorflow as tf

    with tf.device("CPU:0"):
        return tf.convert_to_tensor(array)
