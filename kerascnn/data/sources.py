"""Random access to examples, in NumPy: arrays in memory, files on disk, what a function makes, a subset of any."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from kerascnn.data.images import read_image
from kerascnn.data.reading import Readers, Reading


class Arrays:
    """Examples in memory: `images` of shape `(n, height, width, channels)` and int32 `labels` of shape `(n,)`.

    `paths` are the files that they were read from, if they were.
    """

    def __init__(self, images, labels, paths: Sequence[str | Path] | None = None):
        self.size = len(images)
        self.labels = np.asarray(labels, np.int32)
        self.paths = paths
        self._images = np.asarray(images)

    def fetch(self, indices):
        """The images and labels of `indices`."""
        return self._images.take(indices, axis=0), self.labels.take(indices)


class Files:
    """Examples read from image files whenever they are asked for, so that memory holds a few batches only."""

    def __init__(
        self,
        paths: Sequence[str | Path],
        labels,
        image_shape: tuple[int, int, int],
        resize: str,
        reading: Reading = Reading(),  # noqa: B008 (it cannot be changed)
    ):
        self.size = len(paths)
        self.labels = np.asarray(labels, np.int32)
        self.paths = paths
        self._image_shape = tuple(image_shape)
        self._resize = resize
        self._opened, self._readers = reading.opened, Readers(reading.readers)

    def fetch(self, indices):
        """The images and labels of `indices`; fails naming the file that cannot be read any more."""
        return np.stack(self._readers.map(self._image, indices)), self.labels.take(indices)

    def _image(self, index):
        *size, channels = self._image_shape
        return read_image(self._opened(self.paths[index]), size, self._resize, channels)


class Subset:
    """Some examples of another source, by their indices: splits share one array, none is copied."""

    def __init__(self, source, indices):
        self.size = len(indices)
        self.labels = None if source.labels is None else source.labels[indices]
        counts = getattr(source, "counts", None)
        self.counts = None if counts is None else counts[indices]
        self._source, self._indices = source, np.asarray(indices, np.int64)

    @property
    def paths(self) -> tuple[str, ...] | None:
        """The files of its examples, if they were read from files."""
        paths = getattr(self._source, "paths", None)
        return None if paths is None else tuple(str(paths[i]) for i in self._indices)

    def fetch(self, indices):
        """The images and targets of `indices`, which count from 0 within this subset."""
        return self._source.fetch(self._indices.take(indices))


class Pairs:
    """Images in memory with masks, boxes or images as targets, both `(n, ...)`; they may be one array.

    `counts` `(n, classes)` says how many pixels, or objects, of each class an image has, where that was counted.
    """

    labels = None

    def __init__(self, images, targets, counts: np.ndarray | None = None):
        self.size = len(images)
        self.counts = counts
        self._images = np.asarray(images)
        self._targets = self._images if targets is images else np.asarray(targets)

    def fetch(self, indices):
        """The images and targets of `indices`."""
        return self._images.take(indices, axis=0), self._targets.take(indices, axis=0)


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
        self._kinds = (tuple(image_shape), np.uint8), (tuple(target_shape), np.dtype(dtype))

    def fetch(self, indices):
        """The images and targets of `indices`; fails with what `make` raises."""
        images, targets = (np.empty((len(indices), *shape), dtype) for shape, dtype in self._kinds)
        for place, index in enumerate(indices):
            images[place], targets[place] = self.make(int(index))
        return images, targets


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
