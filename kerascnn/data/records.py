"""Images in TFRecord shards, read wherever they are by an index, so that order, seeds and resume are as of folders."""

from __future__ import annotations

from pathlib import PurePath

import numpy as np

from kerascnn import checks
from kerascnn.data.dataset import SPLITS, Data, from_sources
from kerascnn.data.folder import common_shape, complain, name_of, skipped
from kerascnn.data.images import read_image
from kerascnn.data.memory import free_bytes
from kerascnn.data.options import Options
from kerascnn.data.reading import Readers
from kerascnn.data.record_index import Index, stored
from kerascnn.data.record_scan import RULE, scan
from kerascnn.data.sources import Arrays, Subset
from kerascnn.data.splits import carve, check_classes
from kerascnn.data.survey import decode_all

NAMES = ("labels.txt", "label.labels.txt")  # one class a line, beside the shards


class Records:
    """Examples read from the shards of an index whenever they are asked for, by `readers` at a time."""

    def __init__(self, index: Index, image_shape: tuple[int, int, int], resize: str, readers: int):
        self.size = len(index.entries)
        self.labels = np.ascontiguousarray(index.entries["label"], np.int32)
        self._index, self._image_shape, self._resize = index, tuple(image_shape), resize
        self._readers = Readers(readers)

    def fetch(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The images and labels of `indices`; fails naming the shard that cannot be read any more."""
        return np.stack(self._readers.map(self._image, indices)), self.labels.take(indices)

    def _image(self, index):
        *size, channels = self._image_shape
        return read_image(self._index.opened(index), size, self._resize, channels)


def from_records(tree, root: PurePath, shards: list[str], options: Options) -> Data:
    """The images in `shards`, files below `root` in `tree`; in memory if they fit, else read again as they are needed.

    The split of a shard is in its name. An index beside the shards is believed; without one all is looked at once.
    Raises ValueError for shards that are not as the index says, for bad records (all of them in one error, up to 20 by
    name) unless `options.skip_bad`, and for labels without a name.
    """
    readers, report = options.readers_of(tree), {"warnings": [], "skipped": []}
    index, bad = stored(tree, root, shards), {}
    report["indexed"] = index is not None
    if index is None:
        index, bad = scan(tree, root, shards, readers)
    if bad and not (options.skip_bad and len(index.entries)) or not len(index.entries):
        complain(root, bad, RULE)
    report["skipped"] = skipped(root, bad)
    sizes = np.stack([index.entries[name] for name in ("height", "width", "channels")], axis=1)
    image_shape = common_shape(sizes, options, report)
    report["bytes"] = len(sizes) * int(np.prod(image_shape))
    report["in_memory"] = report["bytes"] <= options.memory * free_bytes()
    splits = {number: rows for number in range(len(SPLITS)) if (rows := np.flatnonzero(index.splits == number)).size}
    labels = index.entries["label"]
    splits = {SPLITS[number]: rows for number, rows in splits.items() if labels[rows].min() >= 0}  # tfds: -1 is none
    if "train" not in splits:
        rule = "have shards with labels to train on, without the name of another split in theirs"
        raise ValueError(checks.message("data", rule, list(index.shards)[:20]))
    names = _class_names(tree, root, labels, options)
    whole = _source(index, image_shape, options, readers, report)
    sources = carve({split: Subset(whole, rows) for split, rows in splits.items()}, options, report)
    check_classes(sources["train"].labels, names, report)
    return from_sources(sources, names, name=name_of(root), report=report)


def _source(index, image_shape, options, readers, report) -> Arrays | Records:
    if not report["in_memory"]:
        return Records(index, image_shape, options.resize, readers)
    numbers = range(len(index.entries))
    images, cut = decode_all(numbers, image_shape, options.resize, keep=True, opened=index.opened, readers=readers)
    if cut:  # an index is believed, and then what it says of an image turns out wrong
        complain(index.root, {index.path(number): reason for number, reason in cut.items()}, RULE)
    return Arrays(images, index.entries["label"])


def _class_names(tree, root, labels, options) -> list[str]:
    """The names of the classes, by an option or a file beside the shards, else their numbers."""
    names, most = options.class_names, int(labels.max())
    present = [name for name in NAMES if names is None and root / name in tree.files_in(root)]
    if present:
        text = tree.read(root / present[0], 0, tree.size(root / present[0])).decode()
        names = text.splitlines()
    if names is not None and most >= len(names):
        mend = f"There is label {most}. Pass class_names=, or mend {' or '.join(NAMES)} beside the shards."
        raise ValueError(checks.message("class_names", "name each label, from 0 on", names[:20], mend))
    return list(names or map(str, range(most + 1)))
