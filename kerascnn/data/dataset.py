"""`Data`: what every kind of input becomes, and what a recipe reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from kerascnn import checks
from kerascnn.data.boxes import count_objects
from kerascnn.data.masks import count_pixels

if TYPE_CHECKING:
    import tensorflow as tf

SPLITS = ("train", "validation", "test")
TARGETS = ("labels", "masks", "images", "boxes", "box")
COUNTED = {"masks": "class_pixels", "boxes": "object_counts", "box": "object_counts"}
"""Under which name a report has the training counts of each class."""
READ = 1024  # labels read together


class Source(Protocol):
    """Random access to the examples of one split, which is what makes an exact, global shuffle cheap."""

    size: int
    labels: np.ndarray | None  # None where targets are not labels

    def fetch(self, indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """The images `(n, height, width, channels)` and targets `(n, ...)` of `indices`, in a TensorFlow graph."""


@dataclass(frozen=True)
class Data:
    """Images with class labels, masks, boxes or other images, split for training, choosing and testing.

    `train`, `validation` and `test` yield single `(image, target)` elements: `image` is uint8 or float32 in 0..255 of
    shape `(height, width, channels)`. `targets` says what `target` is:

    - "labels": an int32 scalar, the index into `class_names`.
    - "masks": a uint8 map `(height, width)` of such indices, or, where a pixel may be of several classes, `(height,
      width, classes)` of 0 and 1; 255 counts nowhere.
    - "images": an image of the same height and width; there are no classes.
    - "boxes": the objects of the image, float32 `(most, 5)`: left, top, right and bottom edge in pixels, from 0 at the
      image's edges, and the index into `class_names`. Rows that are none have class -1; an object of class c that
      counts neither way, as a crowd, has -2 - c.
    - "box": the one object of the image, `(5,)` likewise.

    `sources` holds the same examples by index, under the names "train", "validation" and "test", where random access is
    possible; `report` says what was skipped, converted or resized. `groups` is the number of each class's group where
    classes have such, as characters have alphabets.

    A `Data` of plain datasets trains too; its order is that of a shuffle buffer (see `batches`). Shape and sizes may be
    left out where the datasets know them.
    """

    train: tf.data.Dataset
    validation: tf.data.Dataset
    test: tf.data.Dataset | None = None
    image_shape: tuple[int, ...] = ()
    class_names: tuple[str, ...] = ()
    train_size: int = 0
    validation_size: int = 0
    test_size: int = 0
    name: str = "data"
    sources: Mapping[str, Source] = field(default_factory=dict, repr=False)
    report: Mapping[str, Any] = field(default_factory=dict, repr=False)
    targets: str = "labels"
    groups: tuple[int, ...] = ()

    def __post_init__(self):
        """Fills in what the datasets know themselves, and checks the rest."""
        if not self.image_shape:
            object.__setattr__(self, "image_shape", tuple(self.train.element_spec[0].shape))
        checks.one_of("targets", self.targets, TARGETS)
        if None in self.image_shape or not (self.class_names or self.targets == "images"):
            rule = "have images of one known shape and name its classes"
            received = f"image_shape={self.image_shape}, class_names={self.class_names}"
            raise ValueError(f"A `Data` must {rule}. Received: {received}. Pass image_shape= and class_names=.")
        if self.groups:
            checks.same_length("groups", self.groups, "class_names", self.class_names)
        for split in SPLITS:
            if getattr(self, split) is not None and not getattr(self, f"{split}_size"):
                mend = f"Pass {split}_size=, the number of its elements."
                size = checks.positive_int(f"{split}_size", int(getattr(self, split).cardinality()), mend)
                object.__setattr__(self, f"{split}_size", size)

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    @property
    def multi_label(self) -> bool:
        """Whether targets are masks of several classes a pixel."""
        return self.targets == "masks" and len(self.train.element_spec[1].shape) == len(self.image_shape)

    @property
    def channels(self) -> int:
        """The number of channels of a target image; raises ValueError unless targets are images."""
        self._check_targets("images")
        return self.train.element_spec[1].shape[-1]

    @cached_property
    def class_counts(self) -> tuple[int, ...]:
        """The number of training images of each class; reads the training split once where it has no `source`.

        Raises ValueError unless targets are labels; so does `labels`.
        """
        self._check_targets("labels")
        counts = self.report.get("class_counts")
        return tuple(np.bincount(self.labels("train"), minlength=self.classes).tolist() if counts is None else counts)

    @cached_property
    def class_pixels(self) -> tuple[int, ...]:
        """The number of training pixels of each class, in the masks as they were read, before any resizing.

        Reads the training split once where that is not known. Raises ValueError unless targets are masks.
        """
        self._check_targets("masks")
        counts = _known_counts(self)
        if counts is None:
            masks = self.train.take(self.train_size).map(lambda _, target: target).batch(64)
            each = (
                count_pixels(part, self.classes, multi_label=self.multi_label) for part in masks.as_numpy_iterator()
            )
            counts = sum(each).tolist()
        return tuple(counts)

    @cached_property
    def object_counts(self) -> tuple[int, ...]:
        """The number of training objects of each class, without those that count neither way (difficult ones, crowds).

        Reads the training split once where that is not known. Raises ValueError unless targets are boxes.
        """
        self._check_targets("boxes", "box")
        counts = _known_counts(self)
        if counts is None:
            targets = self.train.take(self.train_size).map(lambda _, target: target).batch(READ)
            counts = sum(count_objects(part, self.classes).sum(axis=0) for part in targets.as_numpy_iterator()).tolist()
        return tuple(counts)

    @property
    def facts(self) -> list:
        """What tells these data from others: names, shape, sizes and how often each class occurs, as JSON has it."""
        counts = self.class_counts if self.targets == "labels" else _known_counts(self) or (self.train_size,)
        return [self.name, list(self.image_shape), list(self.class_names), list(counts), self.validation_size]

    def labels(self, split: str) -> np.ndarray:
        """The int32 labels of `split`, in the order of `plain_batches`; raises ValueError if one names no class."""
        self._check_targets("labels")
        elements, source = self.split(split), self.sources.get(split)
        if source is not None and source.labels is not None:
            labels = np.asarray(source.labels)
        else:
            targets = elements.take(self.size(split)).map(lambda _, target: target).batch(READ)
            labels = np.concatenate(list(targets.as_numpy_iterator()))
        if labels.min() < 0 or labels.max() >= self.classes:
            rule = f"be in 0..{self.classes - 1}, as there are {self.classes} class names"
            raise ValueError(checks.message(f"labels of {split}", rule, f"{labels.min()} to {labels.max()}"))
        return labels.astype(np.int32, copy=False)

    def files(self, split: str) -> tuple[str, ...]:
        """The file of each example of `split`, in the order of `plain_batches`; raises ValueError if there are none."""
        self.split(split)
        paths = getattr(self.sources.get(split), "paths", None)
        if paths is None:
            raise ValueError(checks.message("data", "be read from class folders, to have files", self.name))
        return paths

    def _check_targets(self, *wanted: str):
        if self.targets not in wanted:
            mend = f"These data have {self.targets}."
            rule = f"be {' or '.join(map(repr, wanted))} for this"
            raise ValueError(checks.message("targets", rule, self.targets, mend))

    def split(self, split: str) -> tf.data.Dataset:
        """The elements of "train", "validation" or "test"; raises ValueError where there is none."""
        elements = getattr(self, split, None) if split in SPLITS else None
        if elements is None:
            present = [name for name in SPLITS if getattr(self, name) is not None]
            raise ValueError(f"`split` must be one of {present} for data {self.name!r}. Received: split={split!r}.")
        return elements

    def size(self, split: str) -> int:
        """The number of examples in `split`."""
        self.split(split)
        return getattr(self, f"{split}_size")


def from_sources(sources: Mapping[str, Source], class_names, **fields) -> Data:
    """A `Data` whose elements are read from `sources` (train and validation, perhaps test)."""
    datasets = {name: elements_of(source) for name, source in sources.items()}
    sizes = {f"{name}_size": source.size for name, source in sources.items()}
    shape = tuple(datasets["train"].element_spec[0].shape)
    fields = {"image_shape": shape, "class_names": tuple(class_names), **fields}
    return Data(**datasets, **sizes, sources=dict(sources), **fields)


def elements_of(source: Source) -> tf.data.Dataset:
    """The examples of `source` one by one, in their order."""
    import tensorflow as tf

    def element(index):
        images, targets = source.fetch(index[None])
        return images[0], targets[0]

    return tf.data.Dataset.range(source.size).map(element, num_parallel_calls=tf.data.AUTOTUNE)


def _known_counts(data: Data) -> list[int] | None:
    """The pixels or objects of each class in training, if they were counted when the targets were read."""
    counts = getattr(data.sources.get("train"), "counts", None)
    return data.report.get(COUNTED.get(data.targets)) if counts is None else counts.sum(axis=0).tolist()
