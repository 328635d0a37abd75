"""Which examples make up a batch where that is no plain permutation: classes with images each, or views of images.

A sampler says the examples of a step by (seed, step) alone. Where one comes again it is under another number, its index
plus a multiple of the split's size, so that augmentation differs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Protocol

import numpy as np

from kerascnn import checks

OF_CLASS, OF_GROUP, OF_BATCHES = range(3)  # what a permutation is of: images, classes, what a lap is cut into


class Members(NamedTuple):
    """The examples of a split by their classes, in int64 arrays; a class without an example is not there."""

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

    def rows(self, members: Members, step: int, size: int, permuted: Callable) -> np.ndarray:
        """The int64 examples `(size,)` of a step, counted over all epochs; for `permuted` see `permutations`."""

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

    def rows(self, members: Members, step: int, size: int, permuted: Callable) -> np.ndarray:
        """The examples of a step."""
        fills = members.group_counts // self.classes  # batches that the classes of each group fill
        ends = np.cumsum(fills)
        lap, place = divmod(step, int(ends[-1]))
        place = permuted(int(ends[-1]), OF_BATCHES, lap)[place]
        group = int(np.searchsorted(ends, place, side="right"))
        first = (place - ends[group] + fills[group]) * self.classes
        ranks = permuted(int(members.group_counts[group]), OF_GROUP, group, lap)[first : first + self.classes]
        classes = members.classes[members.group_starts[group] + ranks]
        return np.concatenate([_images(members, int(each), lap, self.images, permuted) for each in classes])

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

    def rows(self, members: Members, step: int, size: int, permuted: Callable) -> np.ndarray:
        """The examples of a step."""
        places = (divmod(place, len(members.counts)) for place in range(step * size, (step + 1) * size))
        drawn = ((lap, permuted(len(members.counts), OF_GROUP, 0, lap)[place]) for lap, place in places)
        return np.concatenate([_images(members, int(each), lap, 1, permuted) for lap, each in drawn])

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

    def rows(self, members: Members, step: int, size: int, permuted: Callable) -> np.ndarray:
        """The examples of a step."""
        count = len(members.order)
        lap, turn = divmod(step, count // self.images)
        found = permuted(count, OF_CLASS, 0, lap)[turn * self.images : (turn + 1) * self.images]
        return (found + count * np.arange(self.views)[:, None]).ravel()

    def targets(self, targets):
        """The number of each example's image in the batch."""
        return np.tile(np.arange(self.images, dtype=np.int32), self.views)


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


def permutations(members: Members, *seeds: int) -> Callable:
    """`permuted(count, *key)`: the permutation of `count` that the seeds and the key choose; the last ones are kept.

    >>> permuted = permutations(by_class(np.zeros(4)), 7)
    >>> sorted(permuted(4, OF_CLASS, 0).tolist())
    [0, 1, 2, 3]
    """

    @lru_cache(maxsize=2 * (len(members.counts) + len(members.group_counts) + 1))
    def permuted(count: int, *key: int) -> np.ndarray:
        return np.random.default_rng([*seeds, *key]).permutation(count)

    return permuted


def _images(members: Members, rank: int, lap: int, count: int, permuted: Callable) -> np.ndarray:
    """The `count` examples of the class of this rank when it comes for the time `lap`, from 0.

    How often an example came before says which multiple of the split's size is added.
    """
    number, start = int(members.counts[rank]), members.starts[rank]
    turns = max(1, number // count)  # times that the class comes until its images begin anew
    uses = -(-count // number)  # of an image in that time
    round_, turn = divmod(lap, turns)
    again, places = np.divmod(np.arange(turn * count, (turn + 1) * count), number)
    found = members.order[start + permuted(number, OF_CLASS, rank, round_)[places]]
    return found + len(members.order) * (round_ * uses + again)


def _starts(counts):
    return np.cumsum(counts) - counts


def _own_size(size: int, batch_size: int | None, what: str) -> int:
    if batch_size not in (None, size):
        raise ValueError(checks.message("batch_size", f"be {size}, {what}", batch_size, "Or pass another sampler."))
    return size
