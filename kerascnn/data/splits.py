"""Seeded splits, stratified where there are labels, and what is worth a warning about the classes in them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from kerascnn import checks
from kerascnn.data.options import Options
from kerascnn.data.sources import Subset

NAMED = 20  # classes that a warning names


def stratified(labels: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two sorted arrays of indices, `(kept, held)`: about `share` of each class is held out.

    A class of two or more examples gives at least one and keeps at least one; a single example is kept. The draw of a
    class depends on `seed`, its label and its size only. With `share` 0 nothing is held out, and both are all indices.
    Raises ValueError if every class has one example only.

    >>> labels = np.array([0, 0, 0, 0, 1, 1])
    >>> kept, held = stratified(labels, 0.25, seed=0)
    >>> labels[kept].tolist(), labels[held].tolist()
    ([0, 0, 0, 1], [0, 1])
    """
    everything = np.arange(len(labels))
    if not share:
        return everything, everything
    held = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        count = min(max(round(share * len(members)), 1), len(members) - 1)
        held.append(np.random.default_rng([seed, label]).permutation(members)[:count])
    held = np.sort(np.concatenate(held))
    if not held.size:
        rule = "have a class of two images or more, to split off a validation set"
        mend = "Pass a validation split, or validation=0 to judge the training on its own images."
        raise ValueError(checks.message("data", rule, f"{len(labels)} images", mend))
    return np.delete(everything, held), held


def held_out(count: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two sorted arrays of indices, `(kept, held)`: about `share` of `count` examples is held out, as `seed` draws it.

    At least one is held out and one kept. With `share` 0 nothing is held out, and both are all indices. Raises
    ValueError if there is one example only.

    >>> kept, held = held_out(24, 1 / 6, seed=0)
    >>> len(kept), len(held), len({*kept.tolist(), *held.tolist()})
    (20, 4, 24)
    """
    everything = np.arange(count)
    if not share:
        return everything, everything
    if count < 2:
        mend = "Pass a validation split, or validation=0 to judge the training on its own images."
        raise ValueError(checks.message("data", "have two images or more, to hold one out", f"{count} image", mend))
    number = min(max(round(share * count), 1), count - 1)
    held = np.sort(np.random.default_rng(seed).permutation(count)[:number])
    return np.delete(everything, held), held


def carve(sources, options: Options, report):
    """`sources` with a seeded validation split taken out of the training split, if there is none.

    It is stratified by the labels, where there are any.
    """
    if "validation" in sources:
        return sources
    warn_if_none_held_out(options, report)
    train = sources["train"]
    if train.labels is None:
        kept, held = held_out(train.size, options.validation, options.seed)
    else:
        kept, held = stratified(train.labels, options.validation, options.seed)
    return {**sources, "train": Subset(train, kept), "validation": Subset(train, held)}


def check_classes(labels: np.ndarray, class_names: Sequence[str], report) -> None:
    """Warns of one class only, of classes without a training image, and of classes with a single one."""
    counts = np.bincount(labels, minlength=len(class_names))
    if len(class_names) == 1:
        warn(f"There is one class only, {class_names[0]!r}: any answer of a model of it is right.", report)
    for count, what in ((0, "no training image"), (1, "one training image only")):
        names = [class_names[i] for i in np.flatnonzero(counts == count)]
        if names:
            shown = ", ".join(map(repr, names[:NAMED])) + (", ..." if len(names) > NAMED else "")
            warn(f"{len(names)} of {len(class_names)} classes with {what}: {shown}. Add images or drop them.", report)


def warn_if_none_held_out(options: Options, report) -> None:
    """Warns that the validation split is the training split, if the options ask for that."""
    if not options.validation:
        text = "With validation=0 no image is held out: validation figures are of the training images themselves."
        warn(text, report)


def warn(text: str, report) -> None:
    """Warns, and keeps `text` in the report."""
    report["warnings"].append(text)
    warnings.warn(text, stacklevel=3)
