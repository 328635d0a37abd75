"""Noise on its way into a network: other noise in each epoch of training, the same always where it is judged."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kerascnn import checks
from kerascnn.data.dataset import Data, changed

EPOCHS = {"validation": 2**31 - 1, "test": 2**31 - 2}  # whose noise a split gets: no training comes so far

Noise = Callable
"""`noise(images, indices, epoch, seed) -> images`, as `kerascnn.noise` has them: a function of the last three alone."""


def corrupted(noise: Noise | None, seed: int) -> Callable:
    """`(images, indices, epoch)` -> images with noise, float32."""
    if noise is None:
        return lambda images, indices, epoch: images

    def change(images, indices, epoch):
        return np.asarray(noise(images, indices, epoch, seed), np.float32)

    return change


class Corrupted:
    """The examples of another source, always with the same noise in the images."""

    labels = None

    def __init__(self, source, noise: Noise, seed: int, epoch: int):
        self.size = source.size
        self._source, self._change, self._epoch = source, corrupted(noise, seed), epoch

    def fetch(self, indices):
        """The noisy images and the targets of `indices`."""
        images, targets = self._source.fetch(indices)
        return self._change(images, indices, self._epoch), targets


def with_noise(data: Data, noise: Noise | None, *, seed: int = 0) -> Data:
    """`data`, whose targets are images, with noise in the images of the validation and the test split.

    Those of the training split stay clean: `batches(corrupt=noise)` gives them other noise in each epoch. Without
    `noise` it is `data` itself. Raises ValueError for other targets, and for splits without random access.
    """
    if noise is None:
        return data
    if data.targets != "images":
        raise ValueError(
            checks.message("data", "have images for targets", data.targets, 'Load it by targets="images".')
        )
    missing = [name for name in EPOCHS if name in data.splits and name not in data.sources]
    if missing:
        rule = f"have random access to {', '.join(missing)} where noise is added"
        raise ValueError(checks.message("data", rule, data.name, "Pass arrays or a folder."))
    noisy = {
        name: Corrupted(data.sources[name], noise, seed, epoch)
        for name, epoch in EPOCHS.items()
        if name in data.sources
    }
    return changed(data, **dict.fromkeys(noisy), sources={**data.sources, **noisy})
