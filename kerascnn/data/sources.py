"""Random access to examples: arrays in memory, image files on disk, a subset of either."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kerascnn.data.images import read_image


class Arrays:
    """Examples in memory: `images` of shape `(n, height, width, channels)` and int32 `labels` of shape `(n,)`."""

    def __init__(self, images, labels):
        import tensorflow as tf

        self.size = len(images)
        self.labels = np.asarray(labels, np.int32)
        with tf.device("CPU:0"):
            self._images = tf.convert_to_tensor(images)
            self._labels = tf.convert_to_tensor(self.labels)

    def fetch(self, indices):
        """The images and labels of `indices`."""
        import tensorflow as tf

        return tf.gather(self._images, indices), tf.gather(self._labels, indices)


class Files:
    """Examples read from image files whenever they are asked for, so that memory holds a few batches only."""

    def __init__(self, paths: Sequence[str | Path], labels, image_shape: tuple[int, int, int], resize: str):
        self.size = len(paths)
        self.labels = np.asarray(labels, np.int32)
        self.paths = tuple(paths)
        self._image_shape = tuple(image_shape)
        self._resize = resize

    def fetch(self, indices):
        """The images and labels of `indices`; raises OSError naming the file that cannot be read any more."""
        import tensorflow as tf

        images = tf.numpy_function(self._read, [indices], tf.uint8)
        images = tf.ensure_shape(images, (None, *self._image_shape))
        return images, tf.gather(self.labels, indices)

    def _read(self, indices):
        height, width, channels = self._image_shape
        read = [read_image(self.paths[i], (height, width), self._resize, channels) for i in indices]
        return np.stack(read) if read else np.zeros((0, *self._image_shape), np.uint8)


class Subset:
    """Some examples of another source, by their indices: splits share one array, none is copied."""

    def __init__(self, source, indices):
        self.indices = np.asarray(indices, np.int64)
        self.size = len(self.indices)
        self.labels = source.labels[self.indices]
        self._source = source

    def fetch(self, indices):
        """The images and labels of `indices`, which count from 0 within this subset."""
        import tensorflow as tf

        return self._source.fetch(tf.gather(self.indices, indices))
