"""Some of the classes of data, as a test of classes that were never trained wants them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kerascnn import checks
from kerascnn.data.dataset import Data, changed
from kerascnn.data.repeating import OF_TRAINING
from kerascnn.data.sources import Subset


class Relabelled(Subset):
    """Some examples of another source, with other labels: `table[label]`."""

    def __init__(self, source, indices, labels: np.ndarray, table: np.ndarray):
        super().__init__(source, indices)
        self.labels = labels
        self._table = table

    def fetch(self, indices):
        """The images and new labels of `indices`."""
        images, labels = super().fetch(indices)
        return images, self._table[labels]


def only_classes(data: Data, classes: Sequence[str | int]) -> Data:
    """The examples of some `classes` alone, in the splits where they are, labelled 0, 1, ... in the order of `classes`.

    classes: names, indices, or names of groups (the folder of nested ones), which stand for all classes in them.

    Raises ValueError for what is no class or comes twice, for targets that are no labels, and for a split without an
    example of them.

    >>> from kerascnn.data import load
    >>> few = only_classes(load("digits"), ["7", "8", "9"])
    >>> few.class_names, few.class_counts
    (('7', '8', '9'), (125, 122, 126))
    """
    chosen = _indices(data, classes)
    table = np.full(data.classes, -1, np.int32)
    table[chosen] = np.arange(len(chosen))
    parts = [_split(data, split, table) for split in data.splits]
    groups = np.unique(np.array(data.groups)[chosen], return_inverse=True)[1] if data.groups else np.array([], int)
    return changed(
        data,
        **{name: value for _, fields in parts for name, value in fields.items()},
        class_names=tuple(data.class_names[i] for i in chosen),
        groups=tuple(groups.tolist()),
        sources={source_split: source for (source_split, source), _ in parts if source is not None},
        report={name: value for name, value in data.report.items() if name not in OF_TRAINING},
    )


def _indices(data: Data, classes) -> list[int]:
    """The indices of `classes`, given by number, by name or by the name of their group."""
    indices = []
    for each in classes if not isinstance(classes, str) else [classes]:
        if isinstance(each, str):
            found = [i for i, name in enumerate(data.class_names) if name == each]
            found = found or [i for i, name in enumerate(data.class_names) if data.groups and _group(name) == each]
        else:
            found = [int(each)] if 0 <= each < data.classes else []
        if not found:
            mend = checks.nearest(each, [*data.class_names, *map(_group, data.class_names if data.groups else ())])
            raise ValueError(checks.message("classes", "be names or indices of classes of the data", each, mend))
        indices += found
    if not indices or len(set(indices)) < len(indices):
        raise ValueError(checks.message("classes", "be one class or more, each once", list(classes)))
    return indices


def _group(name: str) -> str:
    return name.partition("/")[0]


def _split(data: Data, split: str, table):
    """The source of a split, if it has one, under its name, and the fields of the split."""
    labels = table[data.labels(split)]
    rows = np.flatnonzero(labels >= 0)
    if not rows.size:
        rule = f"have an example in the {split} split"
        raise ValueError(checks.message("classes", rule, [data.class_names[i] for i in np.flatnonzero(table >= 0)]))
    if split in data.sources:
        source = Relabelled(data.sources[split], rows, labels[rows], table)
        return (split, source), {split: None, f"{split}_size": source.size}
    import tensorflow as tf

    found = data.split(split).take(data.size(split)).filter(lambda _, label: tf.gather(table, label) >= 0)
    elements = found.map(lambda image, label: (image, tf.gather(table, label)))
    return (split, None), {split: elements, f"{split}_size": len(rows)}
