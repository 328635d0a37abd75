"""`Data`: what every kind of input becomes, and what a recipe reads."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from kerascnn import checks
from kerascnn.data.boxes import count_objects
from kerascnn.data.elements import Elements
from kerascnn.data.masks import count_pixels

if TYPE_CHECKING:
    import tensorflow as tf

SPLITS = ("train", "validation", "test")
TARGETS = ("labels", "masks", "images", "boxes", "box")
COUNTED = {"masks": "class_pixels", "boxes": "object_counts", "box": "object_counts"}
"""Under which name a report has the training counts of each class."""
READ = 1024  # labels read together


class Source(Protocol):
    """Random access to the examples of one split, which is what makes an exact, global shuffle cheap.

    It is asked by several threads at a time.
    """

    size: int
    labels: np.ndarray | None  # None where targets are not labels

    def fetch(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The images `(n, height, width, channels)` and targets `(n, ...)` of int64 `indices` `(n,)`."""


@dataclass(frozen=True, eq=False)
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
    possible; the datasets of such splits may be left out, and are made when somebody asks for them. `report` says what
    was skipped, converted or resized. `groups` is the number of each class's group where classes have such, as
    characters have alphabets.

    A `Data` of plain datasets trains too; its order is that of a shuffle buffer (see `batches`). Shape and sizes may be
    left out where the datasets know them.
    """

    train: tf.data.Dataset | None = field(default=Elements(), repr=False)
    validation: tf.data.Dataset | None = field(default=Elements(), repr=False)
    test: tf.data.Dataset | None = field(default=Elements(), repr=False)
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
        missing = {"train", "validation"} - set(self.splits)
        if missing:
            rule = "have the splits train and validation, as datasets or in `sources`"
            raise ValueError(checks.message("data", rule, f"no {' and no '.join(sorted(missing))}"))
        if not self.image_shape:
            object.__setattr__(self, "image_shape", tuple(self.element_spec[0].shape))
        checks.one_of("targets", self.targets, TARGETS)
        if None in self.image_shape or not (self.class_names or self.targets == "images"):
            rule = "have images of one known shape and name its classes"
            received = f"image_shape={self.image_shape}, class_names={self.class_names}"
            raise ValueError(f"A `Data` must {rule}. Received: {received}. Pass image_shape= and class_names=.")
        if self.groups:
            checks.same_length("groups", self.groups, "class_names", self.class_names)
        for split in self.splits:
            if not getattr(self, f"{split}_size"):
                mend, source = f"Pass {split}_size=, the number of its elements.", self.sources.get(split)
                size = int(getattr(self, split).cardinality()) if source is None else source.size
                object.__setattr__(self, f"{split}_size", checks.positive_int(f"{split}_size", size, mend))

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits that there are: "train", "validation" and perhaps "test"."""
        return tuple(split for split in SPLITS if split in self.sources or self.__dict__[split] is not None)

    @cached_property
    def element_spec(self) -> tuple[Any, Any]:
        """What a training image and its target look like: things with `shape` and `dtype`."""
        dataset = given(self).get("train")
        if dataset is not None:
            return dataset.element_spec
        return tuple(part[0] for part in map(np.asarray, self.sources["train"].fetch(np.zeros(1, np.int64))))

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    @property
    def multi_label(self) -> bool:
        """Whether targets are masks of several classes a pixel."""
        return self.targets == "masks" and len(self.element_spec[1].shape) == len(self.image_shape)

    @property
    def channels(self) -> int:
        """The number of channels of a target image; raises ValueError unless targets are images."""
        self._check_targets("images")
        return self.element_spec[1].shape[-1]

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
            masks = (part for _, part in examples(self, "train", 64))
            counts = sum(count_pixels(part, self.classes, multi_label=self.multi_label) for part in masks).tolist()
        return tuple(counts)

    @cached_property
    def object_counts(self) -> tuple[int, ...]:
        """The number of training objects of each class, without those that count neither way (difficult ones, crowds).

        Reads the training split once where that is not known. Raises ValueError unless targets are boxes.
        """
        self._check_targets("boxes", "box")
        counts = _known_counts(self)
        if counts is None:
            rows = (part for _, part in examples(self, "train", READ))
            counts = sum(count_objects(part, self.classes).sum(axis=0) for part in rows).tolist()
        return tuple(counts)

    @property
    def facts(self) -> list:
        """What tells these data from others: names, shape, sizes and how often each class occurs, as JSON has it."""
        counts = self.class_counts if self.targets == "labels" else _known_counts(self) or (self.train_size,)
        return [self.name, list(self.image_shape), list(self.class_names), list(counts), self.validation_size]

    def labels(self, split: str) -> np.ndarray:
        """The int32 labels of `split`, in the order of `plain_batches`; raises ValueError if one names no class."""
        self._check_targets("labels")
        source = self.sources.get(split)
        if source is not None and source.labels is not None:
            labels = np.asarray(source.labels)
        else:
            labels = np.concatenate([part for _, part in examples(self, split, READ)])
        if labels.min() < 0 or labels.max() >= self.classes:
            rule = f"be in 0..{self.classes - 1}, as there are {self.classes} class names"
            raise ValueError(checks.message(f"labels of {split}", rule, f"{labels.min()} to {labels.max()}"))
        return labels.astype(np.int32, copy=False)

    def files(self, split: str) -> tuple[str, ...]:
        """The file of each example of `split`, in the order of `plain_batches`; raises ValueError if there are none."""
        self._check_split(split)
        paths = getattr(self.sources.get(split), "paths", None)
        if paths is None:
            raise ValueError(checks.message("data", "be read from class folders, to have files", self.name))
        return tuple(map(str, paths))

    def _check_targets(self, *wanted: str):
        if self.targets not in wanted:
            mend = f"These data have {self.targets}."
            rule = f"be {' or '.join(map(repr, wanted))} for this"
            raise ValueError(checks.message("targets", rule, self.targets, mend))

    def split(self, split: str) -> tf.data.Dataset:
        """The elements of "train", "validation" or "test"; raises ValueError where there is none."""
        self._check_split(split)
        return getattr(self, split)

    def size(self, split: str) -> int:
        """The number of examples in `split`."""
        self._check_split(split)
        return getattr(self, f"{split}_size")

    def _check_split(self, split: str):
        if split not in self.splits:
            present = list(self.splits)
            raise ValueError(f"`split` must be one of {present} for data {self.name!r}. Received: split={split!r}.")


def given(data: Data) -> dict[str, tf.data.Dataset]:
    """The datasets that `data` was made with."""
    return {split: data.__dict__[split] for split in SPLITS if data.__dict__[split] is not None}


def changed(data: Data, **fields) -> Data:
    """`data` with other `fields`; unlike `dataclasses.replace` it makes no dataset that nobody has asked for."""
    kept = {each.name: data.__dict__[each.name] for each in dataclasses.fields(data)}
    return Data(**{**kept, **fields})


def examples(data: Data, split: str, together: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The images and targets of a split in its order, so many together, as arrays."""
    size, source = data.size(split), data.sources.get(split)
    if source is None:
        yield from data.split(split).take(size).batch(together).as_numpy_iterator()
        return
    for start in range(0, size, together):
        yield tuple(map(np.asarray, source.fetch(np.arange(start, min(start + together, size)))))


def from_sources(sources: Mapping[str, Source], class_names, **fields) -> Data:
    """A `Data` whose elements are read from `sources` (train and validation, perhaps test)."""
    sizes = {f"{name}_size": source.size for name, source in sources.items()}
    return Data(**sizes, sources=dict(sources), class_names=tuple(class_names), **fields)


def _known_counts(data: Data) -> list[int] | None:
    """The pixels or objects of each class in training, if they were counted when the targets were read."""
    counts = getattr(data.sources.get("train"), "counts", None)
    return data.report.get(COUNTED.get(data.targets)) if counts is None else counts.sum(axis=0).tolist()
