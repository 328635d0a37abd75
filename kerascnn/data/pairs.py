"""Pairs and triplets of images, drawn from labels by (seed, epoch, index), or triplets that were mined before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascnn import checks
from kerascnn.data import augmenting
from kerascnn.data.batching import WORKERS, prefetched
from kerascnn.data.dataset import Data
from kerascnn.data.samplers import Members, by_class, shuffled
from kerascnn.data.sources import on_host

if TYPE_CHECKING:
    import tensorflow as tf

MOST = 2**31 - 1  # values that a draw can have


def pair_batches(
    data: Data,
    split: str,
    batch_size: int,
    *,
    same: float = 0.5,
    seed: int = 0,
    epochs: tuple[int, int] = (0, 1),
    augment: Callable | None = None,
) -> tf.data.Dataset:
    """Batches `((left, right), same)` of the epochs `first` to `last - 1`: two images each, and 1 if of one class or 0.

    Left images are a permutation of the split in each epoch, without the last incomplete batch; the share `same` of
    them, evenly spread, has a right image of its class, another one, or where there is none itself in other
    augmentation. All others have one of another class, each class being equally likely. What comes is a function of
    (seed, epoch, index), so that `epochs=(3, 10)` gives exactly what `(0, 10)` gives from epoch 3 on. `augment` as in
    `batches`; left and right are augmented each on its own.

    Raises ValueError for data without labels or random access, for one class only and for augmentation that mixes.
    """
    checks.in_range("same", same, 0, 1)
    examples = _examples(data, split, augment, least=1 if same == 1 else 2)

    def choose(places, epoch):
        import tensorflow as tf

        left = shuffled(places, examples.size, seed, epoch)
        shares = tf.cast(places, tf.float64) * same, tf.cast(places + 1, tf.float64) * same
        alike = tf.floor(shares[1]) > tf.floor(shares[0])
        right = tf.where(alike, examples.fellows(left, seed, epoch), examples.strangers(left, seed, epoch))
        return (left, right), lambda labels: tf.cast(alike, tf.int32)

    return _joined(data, split, examples.size, batch_size, seed, epochs, augment, choose)


def triplet_batches(
    data: Data,
    split: str,
    batch_size: int,
    *,
    triples: np.ndarray | None = None,
    seed: int = 0,
    epochs: tuple[int, int] = (0, 1),
    augment: Callable | None = None,
) -> tf.data.Dataset:
    """Batches `((anchor, positive, negative), labels)`, the labels being those of the anchors.

    Anchors are a permutation of the split in each epoch; positive and negative are drawn as in `pair_batches`. With
    `triples` `(n, 3)`, indices of the split as `offline_triplets` mines them, these come in permuted order, and an
    epoch is as long as they are.

    Raises ValueError as `pair_batches` does, and for `triples` that are no indices of the split.
    """
    if triples is not None:
        triples = _checked(triples, data.size(split))
    examples = _examples(data, split, augment, least=2 if triples is None else 1)
    rows = None if triples is None else on_host(triples)

    def choose(places, epoch):
        import tensorflow as tf

        if rows is not None:
            chosen = tf.gather(rows, shuffled(places, len(triples), seed, epoch))
            return tf.unstack(chosen, axis=1), lambda labels: labels
        anchors = shuffled(places, examples.size, seed, epoch)
        drawn = anchors, examples.fellows(anchors, seed, epoch), examples.strangers(anchors, seed, epoch)
        return drawn, lambda labels: labels

    count = examples.size if triples is None else len(triples)
    return _joined(data, split, count, batch_size, seed, epochs, augment, choose)


@dataclass(frozen=True)
class _Examples:
    """The examples of a split by class, as tensors: the rank of each one's class, and its place among that class."""

    size: int
    members: Members
    ranks: Any
    places: Any

    def fellows(self, indices, seed, epoch):
        """Another example of the class of each of `indices`; the same one if there is none."""
        import tensorflow as tf

        ranks = tf.gather(self.ranks, indices)
        counts = tf.gather(self.members.counts, ranks)
        further = 1 + _draws(indices, seed, epoch, 0) % tf.maximum(counts - 1, 1)
        return self._at(ranks, (tf.gather(self.places, indices) + further) % counts)

    def strangers(self, indices, seed, epoch):
        """An example of another class than that of each of `indices`; the same one if there is one class only."""
        import tensorflow as tf

        classes = tf.size(self.members.counts, tf.int64)
        further = 1 + _draws(indices, seed, epoch, 1) % tf.maximum(classes - 1, 1)
        ranks = (tf.gather(self.ranks, indices) + further) % classes
        return self._at(ranks, _draws(indices, seed, epoch, 2) % tf.gather(self.members.counts, ranks))

    def _at(self, ranks, places):
        import tensorflow as tf

        return tf.gather(self.members.order, tf.gather(self.members.starts, ranks) + places)


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
    return _Examples(len(labels), Members(*map(on_host, found)), on_host(ranks[back]), on_host(places[back]))


def _draws(indices, seed, epoch, number: int):
    """A whole number in 0..2**31 - 2 for each of `indices`, as good as random: its place in a permutation."""
    return shuffled(indices, MOST, seed, -1 - (epoch * 3 + number))  # no other permutation has a key below 0


def _joined(data, split, count, batch_size, seed, epochs, augment, choose):
    """Batches of several images an example: `choose(places, epoch)` gives their indices and a function for the target.

    An image in the second place has its index plus the split's size, so that augmentation differs, and so on.
    """
    import tensorflow as tf

    source = data.sources[split]
    batch = min(checks.positive_int("batch_size", batch_size), count)
    steps = count // batch
    change = augmenting.augmented(augment, seed, partnered=True)

    def make(step):
        epoch, first = step // steps, (step % steps) * batch
        parts, target_of = choose(first + tf.range(batch, dtype=tf.int64), epoch)
        indices = tf.concat([part + source.size * number for number, part in enumerate(parts)], axis=0)
        images, labels = source.fetch(indices % source.size)
        images, _ = change(tf.ensure_shape(images, (len(parts) * batch, *images.shape[1:])), labels, indices, epoch)
        return tuple(tf.split(images, len(parts))), target_of(labels[:batch])

    order = tf.data.Dataset.range(epochs[0] * steps, epochs[1] * steps)
    return prefetched(order.map(make, num_parallel_calls=WORKERS, deterministic=True))


def _checked(triples: Sequence, size: int) -> np.ndarray:
    triples = np.asarray(triples)
    if triples.ndim != 2 or triples.shape[1] != 3 or not len(triples) or triples.dtype.kind not in "iu":
        raise ValueError(checks.message("triples", "be integers (n, 3), n at least 1", triples.shape))
    if triples.min() < 0 or triples.max() >= size:
        rule = f"be in 0..{size - 1}, indices of the split"
        raise ValueError(checks.message("triples", rule, f"{triples.min()} to {triples.max()}"))
    return triples.astype(np.int64)
