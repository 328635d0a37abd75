"""Small sets, made to last longer."""

from __future__ import annotations

import numpy as np

from kerascnn import checks
from kerascnn.data.batching import plain_batches
from kerascnn.data.dataset import Data, changed, from_sources
from kerascnn.data.sources import Arrays, Pairs, Subset

OF_TRAINING = ("class_counts", "class_pixels", "object_counts")  # entries of a report that change with its length


def repeated(data: Data, times: int) -> Data:
    """`data` with each training example `times` times in an epoch, under as many indices, so that augmentation differs.

    For sets so small that an epoch would be a few steps. The other splits stay as they are; the order is that of any
    `Data`, exact after a resume. Raises ValueError if the training examples cannot be had by index.

    >>> from kerascnn.data import load
    >>> repeated(load("digits"), 3).train_size  # of 1,259
    3777
    """
    if checks.positive_int("times", times) == 1:
        return data
    if "train" not in data.sources:
        mend = "Load it with memory=1, or train for more epochs."
        raise ValueError(checks.message("data", "give its training examples by index", data.name, mend))
    whole = data.sources["train"]
    source = Subset(whole, np.tile(np.arange(whole.size), times))
    report = {name: value for name, value in data.report.items() if name not in OF_TRAINING}
    sources = {**data.sources, "train": source}
    return changed(data, sources=sources, train=None, train_size=source.size, report=report)


def first_batch(data: Data, batch_size: int, times: int = 1) -> Data:
    """The first `batch_size` examples of the training split, `times` each, and of the validation split."""
    batches = {
        split: next(plain_batches(data, split, batch_size).as_numpy_iterator()) for split in ("train", "validation")
    }
    batches["train"] = tuple(np.concatenate([part] * times) for part in batches["train"])
    source = Arrays if data.targets == "labels" else Pairs
    sources = {split: source(*arrays) for split, arrays in batches.items()}
    return from_sources(sources, data.class_names, targets=data.targets, name=data.name, groups=data.groups)
