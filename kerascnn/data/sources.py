"""Random access to examples: arrays in memory, files on disk, what a function makes, a subset of any."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from kerascnn.data.images import read_image


class Arrays:
    """Examples in memory: `images` of shape `(n, height, width, channels)` and int32 `labels` of shape `(n,)`.

    `paths` are the files that they were read from, if they were.
    """

    def __init__(self, images, labels, paths: Sequence[str | Path] | None = None):
        self.size = len(images)
        self.labels = np.asarray(labels, np.int32)
        self.paths = None if paths is None else tuple(map(str, paths))
        self._images, self._labels = on_host(images), on_host(self.labels)

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
        self._labels = on_host(self.labels)
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
        self.labels = None if source.labels is None else source.labels[indices]
        counts = getattr(source, "counts", None)
        self.counts = None if counts is None else counts[indices]
        self._source, self._indices = source, on_host(np.asarray(indices, np.int64))

    @property
    def paths(self) -> tuple[str, ...] | None:
        """The files of its examples, if they were read from files."""
        paths = getattr(self._source, "paths", None)
        return None if paths is None else tuple(paths[i] for i in self._indices.numpy())

    def fetch(self, indices):
        """The images and targets of `indices`, which count from 0 within this subset."""
        import tensorflow as tf

        return self._source.fetch(tf.gather(self._indices, indices))


class Pairs:
    """Images in memory with masks, boxes or images as targets, both `(n, ...)`; they may be one array.

    `counts` `(n, classes)` says how many pixels, or objects, of each class an image has, where that was counted.
    """

    labels = None

    def __init__(self, images, targets, counts: np.ndarray | None = None):
        self.size = len(images)
        self.counts = counts
        self._images = on_host(images)
        self._targets = self._images if targets is images else on_host(targets)

    def fetch(self, indices):
        """The images and targets of `indices`."""
        import tensorflow as tf

        return tf.gather(self._images, indices), tf.gather(self._targets, indices)


class Made:
    """Pairs of a uint8 image and a target of type `dtype` that `make(index)` gives whenever they are asked for.

    It reads them from files, say, or draws them. Shapes are those of one image and one target; `counts` as in `Pairs`.
    """

    labels = None

    def __init__(
        self, size: int, make: Callable, image_shape, target_shape, counts: np.ndarray | None = None, dtype="uint8"
    ):
        self.size = size
        self.make = make
        self.counts = counts
        self._shapes = tuple(image_shape), tuple(target_shape)
        self._types = "uint8", dtype

    def fetch(self, indices):
        """The images and targets of `indices`; fails with what `make` raises."""
        import tensorflow as tf

        found = tf.numpy_function(self._fetched, [indices], self._types)
        rows = indices.shape[0]
        return tuple(tf.ensure_shape(part, (rows, *shape)) for part, shape in zip(found, self._shapes, strict=True))

    def _fetched(self, indices):
        images, targets = zip(*(self.make(int(index)) for index in indices), strict=True)
        return np.stack(images), np.stack(targets)


class Own:
    """The images of another source, which are their own targets."""

    labels = None

    def __init__(self, source):
        self.size = source.size
        self._source = source

    def fetch(self, indices):
        """The images of `indices`, twice."""
        images, _ = self._source.fetch(indices)
        return images, images


def on_host(array):
    """A tensor that datasets capture by reference; a NumPy `array` would be copied into each of their graphs."""
    import tensorflow as tf

    with tf.device("CPU:0"):
        return tf.convert_to_tensor(array)
