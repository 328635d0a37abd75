"""Which class each value of the masks is, and whether all classes are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kerascnn import checks
from kerascnn.data.masks import IGNORE, LEVELS, Look
from kerascnn.data.options import Options
from kerascnn.data.splits import NAMED, warn

BINARY = (0, 255)
SHOWN = 20  # values that an error lists


@dataclass(frozen=True)
class Coding:
    """`values[c]` is class c in the masks that are read; the value `ignore` counts nowhere (None: each one counts)."""

    values: tuple[int, ...]
    ignore: int | None = IGNORE

    def table(self, *, nearest: bool = False) -> np.ndarray:
        """The class of each value, `(65536,)` uint8, 255 for what counts nowhere; or of the `nearest` known value.

        >>> Coding((0, 100), ignore=None).table()[[0, 90, 100]].tolist()
        [0, 255, 1]
        >>> Coding((0, 100), ignore=None).table(nearest=True)[[0, 90, 100]].tolist()
        [0, 1, 1]
        """
        known = np.array([*self.values, *([] if self.ignore is None else [self.ignore])])
        classes = np.array([*range(len(self.values)), *([] if self.ignore is None else [IGNORE])], np.uint8)
        if nearest:
            order = np.argsort(known)
            known, classes = known[order], classes[order]
            return classes[np.searchsorted((known[1:] + known[:-1]) / 2, np.arange(LEVELS))]
        table = np.full(LEVELS, IGNORE, np.uint8)
        table[known] = classes
        return table


def coding(present: Mapping[int, str], options: Options, report, *, counted_from_1=False, blurred=False) -> Coding:
    """What the values mean that are `present` in all masks together; each with the name of a mask that has it.

    `options.class_values` says it, or they are classes 0, 1, 2, ... as they are. Two values 0 and 255 are classes 0 and
    1, and where masks may be `counted_from_1`, values 1 to k are classes 0 to k - 1; the report says so. Raises
    ValueError for a value that is no class; that some masks are `blurred` is then said too.
    """
    values = options.class_values or _usual(sorted(present), options, report, counted_from_1)
    ignore = None if options.ignore in values else options.ignore
    unknown = [value for value in sorted(present) if value not in values and value != ignore]
    if unknown:
        raise ValueError(_message(unknown, present, values, ignore, blurred))
    if len(values) < 2:
        raise ValueError(checks.message("data", "have masks of two classes or more", f"values {_few(sorted(present))}"))
    return Coding(values, ignore)


def presence(present: Mapping[int, str], options: Options) -> np.ndarray:
    """What values mean in masks of one class each, as `Coding.table` has it: that it is there, for every one but 0.

    If there are 1 and `options.ignore` and none else, the latter counts nowhere.
    """
    table = np.minimum(np.arange(LEVELS), 1).astype(np.uint8)
    if options.ignore != IGNORE or set(present) >= {1, IGNORE}:
        table[options.ignore] = IGNORE
    return table


def _usual(present: Sequence[int], options: Options, report, counted_from_1) -> tuple[int, ...]:
    apart = {value for value in present if value != options.ignore or value == IGNORE}
    if apart == set(BINARY) and len(options.class_names or BINARY) == 2:
        report["mask_values"] = "0 and 255 became classes 0 and 1"
        return BINARY
    classes = [value for value in present if value != options.ignore]
    if counted_from_1 and classes == list(range(1, len(classes) + 1)):
        report["mask_values"] = f"1 to {len(classes)} became classes 0 to {len(classes) - 1}"
        return tuple(classes)
    count = len(options.class_names) if options.class_names else max(classes, default=-1) + 1
    if count > IGNORE or (not options.class_names and len(classes) < count):
        return tuple(range(len(classes)))  # so that the rest is said to be no class
    return tuple(range(count))


def _message(unknown, present, values, ignore, blurred) -> str:
    rule = f"have masks whose values are the classes {_few(values)}" + ("" if ignore is None else f" or {ignore}")
    found = f"{_few(sorted(present))}, {unknown[0]} for one in {present[unknown[0]]}"
    classes = tuple(value for value in sorted(present) if value != ignore)
    example = classes if len(classes) <= SHOWN else "(...)"
    mend = f"Pass class_values={example}, the value of each class, or ignore= one that counts nowhere."
    if blurred:
        mend += " JPEG blurs values: save masks as PNG, or pass class_values=, of which the nearest is then taken."
    return checks.message("data", rule, found, mend)


def _few(values) -> str:
    shown = ", ".join(map(str, values[:SHOWN]))
    return shown + (f", ... ({len(values)} values)" if len(values) > SHOWN else "")


def pixels_of(looks: Sequence[Look], table: np.ndarray, classes: int) -> np.ndarray:
    """How many pixels of each class the masks have that were looked at, `(n, classes)` int64."""
    rows = (np.bincount(table[each.values], weights=each.counts, minlength=IGNORE + 1)[:classes] for each in looks)
    return np.array(list(rows), np.int64).reshape(len(looks), classes)


def present_in(looks: Mapping[str, Look]) -> dict[int, str]:
    """Each value that is in a mask, and the first mask that has it."""
    present: dict[int, str] = {}
    for name, each in looks.items():
        for value in each.values.tolist():
            present.setdefault(value, name)
    return present


def names_of(coding: Coding, options: Options) -> tuple[str, ...]:
    """The names of the classes: those of the options, or their numbers, or background and foreground."""
    if options.class_names:
        return tuple(options.class_names)
    return ("background", "foreground") if coding.values == BINARY else tuple(map(str, range(len(coding.values))))


def check_pixels_of(pixels: Mapping[str, np.ndarray], class_names: Sequence[str], report, *, multi_label: bool) -> None:
    """Raises ValueError for a class without a training pixel; warns of others without a pixel, and of blank masks.

    `pixels` are those of each class in each mask, `(n, classes)`, by split. A mask is blank if all of it is class 0 or
    counts nowhere; with `multi_label`, if it shows no class.
    """
    for split, counts in pixels.items():
        empty = [class_names[i] for i in np.flatnonzero(counts.sum(axis=0) == 0)]
        shown = ", ".join(map(repr, empty[:NAMED])) + (", ..." if len(empty) > NAMED else "")
        if empty and split == "train":
            mend = "Leave them out of class_names= and class_values=, add images, or move some out of validation."
            raise ValueError(checks.message("data", "have training pixels of every class", f"none of {shown}", mend))
        if empty:
            warn(f"{len(empty)} of {len(class_names)} classes without a pixel in the {split} split: {shown}.", report)
    whole = np.concatenate(list(pixels.values()))
    blank = int((whole[:, 0 if multi_label else 1 :].sum(axis=1) == 0).sum())
    if blank:
        report["blank"] = blank
        what = "no class" if multi_label else f"nothing but {class_names[0]!r}"
        warn(f"{blank} of {len(whole)} masks are blank: they show {what}.", report)
