"""Which examples make up a batch where that is no plain permutation: classes with images each, or views of images.

A sampler says the examples of a step by (seed, step) alone. Where one comes again it is under another number, its index
plus a multiple of the split's size, so that augmentation differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from kerascnn import checks


class Members(NamedTuple):
    """The examples of a split by their classes, in int64 arrays or tensors; a class without an example is not there."""

    order: np.ndarray  # the examples, those of a class together
    starts: np.ndarray  # where in `order` each class begins
    counts: np.ndarray  # how many examples each class has
    classes: np.ndarray  # the classes, by their rank among those that are there; those of a group together
    group_starts: np.ndarray  # where in `classes` each group begins
    group_counts: np.ndarray


class Sampler(Protocol):
    """What `batches` asks of a sampler."""

    by_class: bool  # whether it looks at labels
    mixes: bool  # whether augmentation may mix its images

    def size(self, batch_size: int | None) -> int:
        """The number of examples in a batch; raises ValueError for a `batch_size` that it does not have."""

    def steps(self, count: int, batch_size: int | None) -> int:
        """The number of batches in an epoch of `count` examples."""

    def members(self, labels: np.ndarray, groups: Sequence[int]) -> Members:
        """The examples by class, of labels `(n,)` and the group of each class; raises ValueError if they do not do."""

    def rows(self, members: Members, step, seed, size: int):
        """The int64 examples `(size,)` of a step, counted over all epochs, in a graph; `members` are tensors."""

    def targets(self, targets):
        """What a batch is trained on, given the targets of its examples."""


@dataclass(frozen=True)
class ClassBatches:
    """Batches of `classes` different classes with `images` each, those of a class together.

    Classes come in permuted order, all before one comes again, but for those that would not fill a last batch: others
    each time. So do the images of a class, over all epochs. A class with fewer than `images` fills its places with
    the same images in other augmentation; with a single one, all places. An epoch has as many batches as a plain one
    of this size. With `within_groups` all classes of a batch are of one group, one alphabet, say (see `Data.groups`).

    Of a `Data` without random access, see `batches`, the classes of a batch come from a buffer of examples that is
    filled anew when each of them could have come once: what is even, is even there.

    >>> ClassBatches(classes=16, images=4).size(None)
    64
    """

    classes: int
    images: int
    within_groups: bool = False
    by_class = True
    mixes = False

    def __post_init__(self):
        """Checks the numbers."""
        checks.positive_int("classes", self.classes)
        checks.positive_int("images", self.images)

    def size(self, batch_size: int | None) -> int:
        """`classes * images`; raises ValueError for another `batch_size`."""
        return _own_size(self.classes * self.images, batch_size, f"{self.classes} classes of {self.images} images")

    def steps(self, count: int, batch_size: int | None) -> int:
        """The number of batches in an epoch of `count` examples, at least one."""
        return max(1, count // self.size(batch_size))

    def members(self, labels: np.ndarray, groups: Sequence[int]) -> Members:
        """The examples by class and group; raises ValueError for fewer classes than a batch has."""
        if self.within_groups and not groups:
            mend = "Load class folders in folders with nested=True."
            raise ValueError(checks.message("within_groups", "be False for data without groups", True, mend))
        found = by_class(labels, groups if self.within_groups else None)
        least = int(found.group_counts.min())
        if self.classes > least:
            where = "of the smallest group" if self.within_groups else "with images"
            mend = f"Pass classes={least}."
            raise ValueError(checks.message("classes", f"be at most {least}, the classes {where}", self.classes, mend))
        return found

    def rows(self, members: Members, step, seed, size: int):
        """The examples of a step."""
        import tensorflow as tf

        fills = members.group_counts // self.classes  # batches that the classes of each group fill
        ends = tf.cumsum(fills)
        lap, place = step // ends[-1], step % ends[-1]
        keys = lap * _keys(members)
        drawn = shuffled(place[None], ends[-1], seed, keys + _keys(members) - 1)
        group = tf.searchsorted(ends, drawn, side="right", out_type=tf.int64)[0]
        places = (drawn - ends[group] + fills[group]) * self.classes + tf.range(self.classes, dtype=tf.int64)
        key = keys + tf.size(members.counts, tf.int64) + group
        chosen = shuffled(places, members.group_counts[group], seed, key)
        classes = tf.gather(members.classes, members.group_starts[group] + chosen)
        return tf.reshape(_images(members, classes, tf.fill([self.classes], lap), self.images, seed), [size])

    def targets(self, targets):
        """The labels, as they are."""
        return targets


@dataclass(frozen=True)
class Balanced:
    """Batches in which each class is equally likely, however many images it has; for losses of single images.

    Classes come in permuted order, all before one comes again; so do the images of a class, over all epochs, those of a
    small one in other augmentation each time.
    """

    by_class = True
    mixes = True

    def size(self, batch_size: int | None) -> int:
        """`batch_size`, which it has no opinion on."""
        return checks.positive_int("batch_size", batch_size)

    def steps(self, count: int, batch_size: int | None) -> int:
        """The number of batches in an epoch of `count` examples, at least one."""
        return max(1, count // self.size(batch_size))

    def members(self, labels: np.ndarray, groups: Sequence[int]) -> Members:
        """The examples by class."""
        return by_class(labels)

    def rows(self, members: Members, step, seed, size: int):
        """The examples of a step."""
        import tensorflow as tf

        count = tf.size(members.counts, tf.int64)
        places = step * size + tf.range(size, dtype=tf.int64)
        laps = places // count
        classes = shuffled(places % count, count, seed, laps * _keys(members) + count)
        return tf.reshape(_images(members, classes, laps, 1, seed), [size])

    def targets(self, targets):
        """The labels, as they are."""
        return targets


@dataclass(frozen=True)
class ViewBatches:
    """Batches of `images` images, each `views` times in other augmentation; the target is its number in the batch.

    For losses of images without labels (`losses.NTXent`): views of one image are of one class. All first views come
    first, then all second ones. An epoch is a permutation, without its last incomplete batch.

    >>> ViewBatches(images=128).size(None)
    256
    """

    images: int
    views: int = 2
    by_class = False
    mixes = False

    def __post_init__(self):
        """Checks the numbers."""
        checks.positive_int("images", self.images)
        checks.positive_int("views", self.views, least=2)

    def size(self, batch_size: int | None) -> int:
        """`images * views`; raises ValueError for another `batch_size`."""
        return _own_size(self.images * self.views, batch_size, f"{self.views} views of {self.images} images")

    def steps(self, count: int, batch_size: int | None) -> int:
        """The number of batches in an epoch of `count` images; raises ValueError for fewer than a batch has."""
        self.size(batch_size)
        if count < self.images:
            raise ValueError(checks.message("images", f"be at most {count}, as many as there are", self.images))
        return count // self.images

    def members(self, labels: np.ndarray, groups: Sequence[int]) -> Members:
        """All examples, as one class."""
        return by_class(np.zeros(len(labels), np.int32))

    def rows(self, members: Members, step, seed, size: int):
        """The examples of a step."""
        import tensorflow as tf

        count = tf.size(members.order, tf.int64)
        steps = count // self.images
        places = (step % steps) * self.images + tf.range(self.images, dtype=tf.int64)
        found = shuffled(places, count, seed, step // steps)
        return tf.reshape(found + count * tf.range(self.views, dtype=tf.int64)[:, None], [size])

    def targets(self, targets):
        """The number of each example's image in the batch."""
        import tensorflow as tf

        return tf.tile(tf.range(self.images), [self.views])


def by_class(labels: np.ndarray, groups: Sequence[int] | None = None) -> Members:
    """The examples of `labels` `(n,)` by class, and the classes by `groups`, the group of each; else all in one.

    >>> by_class(np.array([5, 2, 5])).order.tolist()
    [1, 0, 2]
    """
    found, counts = np.unique(labels, return_counts=True)
    of_group = np.zeros(len(found), int) if groups is None else np.asarray(groups)[found]
    sizes = np.unique(of_group, return_counts=True)[1]
    classes = np.argsort(of_group, kind="stable")
    parts = np.argsort(labels, kind="stable"), _starts(counts), counts, classes, _starts(sizes), sizes
    return Members(*(np.asarray(part, np.int64) for part in parts))


def shuffled(places, counts, seed, keys):
    """Where each of `places` `(n,)` comes in the permutation of `counts` that (seed, key) chooses, all int64 tensors.

    `counts` and `keys` are one for all places or one for each.
    """
    import tensorflow as tf

    keys = tf.cast(keys, tf.int64) + tf.zeros_like(places)
    seeds = tf.stack([tf.cast(seed, tf.int64) + tf.zeros_like(places), keys], axis=-1)
    most = tf.cast(counts, tf.int64) - 1 + tf.zeros_like(places)
    return tf.random.experimental.index_shuffle(places, seeds, most)


def _images(members: Members, classes, laps, count: int, seed):
    """`count` examples of each of `classes` `(c,)`, which come for the time that `laps` says, as `(c * count,)`.

    How often an example came before says which multiple of the split's size is added.
    """
    import tensorflow as tf

    def each(values):
        return tf.repeat(values, count)

    numbers = tf.gather(members.counts, classes)
    rounds = tf.maximum(numbers // count, 1)  # times that a class comes until its images begin anew
    uses = -(-count // numbers)  # of an image in one of them
    places = each(laps % rounds * count) + tf.tile(tf.range(count, dtype=tf.int64), tf.shape(classes))
    keys = each(laps // rounds * _keys(members) + classes)
    found = shuffled(places % each(numbers), each(numbers), seed, keys)
    before = each(laps // rounds * uses) + places // each(numbers)
    examples = tf.gather(members.order, each(tf.gather(members.starts, classes)) + found)
    return examples + tf.size(members.order, tf.int64) * before


def _keys(members: Members):
    """How many permutations a lap may need: of each class, of each group, and of the batches that groups fill."""
    import tensorflow as tf

    return tf.size(members.counts, tf.int64) + tf.size(members.group_counts, tf.int64) + 1


def _starts(counts):
    return np.cumsum(counts) - counts


def _own_size(size: int, batch_size: int | None, what: str) -> int:
    if batch_size not in (None, size):
        raise ValueError(checks.message("batch_size", f"be {size}, {what}", batch_size, "Or pass another sampler."))
    return size
