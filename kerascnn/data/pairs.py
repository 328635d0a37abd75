"""Pairs and triplets of images, drawn from labels by (seed, epoch), or triplets that were mined before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from kerascnn import checks
from kerascnn.data import augmenting
from kerascnn.data.dataset import Data
from kerascnn.data.samplers import Members, by_class
from kerascnn.data.stepping import handed

if TYPE_CHECKING:
    import tensorflow as tf

    from kerascnn.data.stepwise import Stepwise


def pair_batches(
    data: Data,
    split: str,
    batch_size: int,
    *,
    same: float = 0.5,
    seed: int = 0,
    epochs: tuple[int, int] = (0, 1),
    augment: Callable | None = None,
) -> tf.data.Dataset | Stepwise:
    """Batches `((left, right), same)` of the epochs `first` to `last - 1`: two images each, and 1 if of one class or 0.

    Left images are a permutation of the split in each epoch, without the last incomplete batch; the share `same` of
    them, evenly spread, has a right image of its class, another one, or where there is none itself in other
    augmentation. All others have one of another class, each class being equally likely. What comes is a function of
    (seed, epoch) and the place in it, so that `epochs=(3, 10)` gives exactly what `(0, 10)` gives from epoch 3 on.
    `augment` as in `batches`; left and right are augmented each on its own.

    Raises ValueError for data without labels or random access, for one class only and for augmentation that mixes.
    """
    checks.in_range("same", same, 0, 1)
    examples = _examples(data, split, augment, least=1 if same == 1 else 2)

    def choose(epoch):
        rng = np.random.default_rng([seed, epoch])
        left, shares = rng.permutation(examples.size), np.floor(np.arange(examples.size + 1) * same)
        alike = np.diff(shares) > 0
        right = np.where(alike, examples.fellows(left, rng), examples.strangers(left, rng))
        return np.stack([left, right]), alike.astype(np.int32)

    return _joined(data, split, (2, examples.size), batch_size, seed, epochs, augment, choose)


def triplet_batches(
    data: Data,
    split: str,
    batch_size: int,
    *,
    triples: np.ndarray | None = None,
    seed: int = 0,
    epochs: tuple[int, int] = (0, 1),
    augment: Callable | None = None,
) -> tf.data.Dataset | Stepwise:
    """Batches `((anchor, positive, negative), labels)`, the labels being those of the anchors.

    Anchors are a permutation of the split in each epoch; positive and negative are drawn as in `pair_batches`. With
    `triples` `(n, 3)`, indices of the split as `offline_triplets` mines them, these come in permuted order, and an
    epoch is as long as they are.

    Raises ValueError as `pair_batches` does, and for `triples` that are no indices of the split.
    """
    labels = data.labels(split)
    examples = _examples(data, split, augment, least=2 if triples is None else 1)
    given = None if triples is None else _checked(triples, examples.size)

    def choose(epoch):
        rng = np.random.default_rng([seed, epoch])
        if given is None:
            anchors = rng.permutation(examples.size)
            drawn = np.stack([anchors, examples.fellows(anchors, rng), examples.strangers(anchors, rng)])
        else:
            drawn = rng.permutation(given).T
        return drawn, labels[drawn[0]]

    count = examples.size if given is None else len(given)
    return _joined(data, split, (3, count), batch_size, seed, epochs, augment, choose)


@dataclass(frozen=True)
class _Examples:
    """The examples of a split by class: the rank of each one's class, and its place among that class."""

    size: int
    members: Members
    ranks: np.ndarray
    places: np.ndarray

    def fellows(self, indices: np.ndarray, rng) -> np.ndarray:
        """Another example of the class of each of `indices`; the same one if there is none."""
        ranks = self.ranks[indices]
        counts = self.members.counts[ranks]
        further = rng.integers(1, np.maximum(counts, 2))
        return self._at(ranks, (self.places[indices] + further) % counts)

    def strangers(self, indices: np.ndarray, rng) -> np.ndarray:
        """An example of another class than that of each of `indices`; of the same if there is one class only."""
        classes = len(self.members.counts)
        ranks = (self.ranks[indices] + rng.integers(1, max(classes, 2), len(indices))) % classes
        return self._at(ranks, rng.integers(self.members.counts[ranks]))

    def _at(self, ranks, places):
        return self.members.order[self.members.starts[ranks] + places]


def _examples(data: Data, split: str, augment, least: int) -> _Examples:
    labels = data.labels(split)
    if split not in data.sources:
        mend = "Load it with memory=1, or train on labels with a loss that mines its batch."
        raise ValueError(checks.message("data", f"give the examples of {split} by index", data.name, mend))
    if getattr(augment, "others", 0):
        rule = "make each image from one, as pairs and triplets need whole classes"
        raise ValueError(checks.message("augment", rule, augment, "Leave out what mixes images."))
    found = by_class(labels)
    if len(found.counts) < least:
        raise ValueError(checks.message("data", f"have {least} classes or more in {split}", len(found.counts)))
    ranks = np.repeat(np.arange(len(found.counts)), found.counts)
    places = np.arange(len(labels)) - found.starts[ranks]
    back = np.argsort(found.order)
    return _Examples(len(labels), found, ranks[back], places[back])


def _joined(data, split, shape, batch_size, seed, epochs, augment, choose):
    """Batches of several images an example: `choose(epoch)` gives their indices, of this `shape`, and the targets.

    An image in the second place has its index plus the split's size, so that augmentation differs, and so on.
    """
    source, (parts, count) = data.sources[split], shape
    batch = min(checks.positive_int("batch_size", batch_size), count)
    steps = count // batch
    change = augmenting.augmented(augment, seed, partnered=True)
    chosen = lru_cache(maxsize=2)(choose)  # the batches of two epochs may be made at a time

    def made(indices, epoch):
        images, _ = change(*source.fetch(indices % source.size), indices, epoch)
        return tuple(np.split(images, parts))

    def make(step):
        epoch, first = step // steps, step % steps * batch
        indices, targets = (each[..., first : first + batch] for each in chosen(epoch))
        indices = (indices + source.size * np.arange(parts)[:, None]).ravel()
        return made(indices, epoch), np.ascontiguousarray(targets)

    def like():
        return made(np.zeros(parts, np.int64), 0), np.zeros(1, np.int32)

    return handed(make, range(epochs[0] * steps, epochs[1] * steps), like, batch)


def _checked(triples: Sequence, size: int) -> np.ndarray:
    triples = np.asarray(triples)
    if triples.ndim != 2 or triples.shape[1] != 3 or not len(triples) or triples.dtype.kind not in "iu":
        raise ValueError(checks.message("triples", "be integers (n, 3), n at least 1", triples.shape))
    if triples.min() < 0 or triples.max() >= size:
        rule = f"be in 0..{size - 1}, indices of the split"
        raise ValueError(checks.message("triples", rule, f"{triples.min()} to {triples.max()}"))
    return triples.astype(np.int64)
