"""The objects of images as they were annotated: checked, numbered by their classes, fitted to the images' size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from kerascnn import checks
from kerascnn.data.boxes import ABSENT, areas, clipped, fit_boxes, packed, single
from kerascnn.data.options import Options
from kerascnn.data.splits import warn

LISTED = 20  # objects or images that an error names
SLACK = 0.01  # pixels outside the image that are no more than rounding
SKIP = "Mend or delete them, or pass skip_bad=True to train without them."


@dataclass(frozen=True)
class Objects:
    """The objects of one image: `boxes` float `(m, 4)`, left, top, right and bottom edge in its pixels, and `classes`.

    A class is a name or a number. `apart` `(m,)` says which count neither way; `where` says where this stands.
    """

    where: str
    boxes: np.ndarray
    classes: Sequence
    apart: np.ndarray


@dataclass(frozen=True)
class Annotated:
    """An image file with its objects, its split, and the `(height, width)` that its annotation says, if it does."""

    image: Path
    split: str
    objects: Objects
    size: tuple[int, int] | None = None

    def among(self, bad: Mapping[Path, str]) -> bool:
        """Whether its file is `bad`."""
        return self.image in bad


@dataclass
class Listing:
    """All images of a folder with their objects, the files that are `bad` with the reason, the classes in training.

    `order` says in which order these stand.
    """

    items: list[Annotated] = field(default_factory=list)
    bad: dict[Path, str] = field(default_factory=dict)
    class_names: tuple[str, ...] = ()
    order: str = ""


def targets_of(
    objects: Sequence[Objects], sizes, image_size, table: Mapping, options: Options, report
) -> tuple[np.ndarray, np.ndarray]:
    """The targets of images that are brought from `sizes` `(n, 2)` to `image_size`, and which images they are of.

    Targets are `(k, most, 5)` for `options.targets` "boxes", `(k, 5)` for "box", with the k indices of the images.
    `table` has the index of each class. Raises ValueError, which names up to 20 of them, for objects that cannot be
    used, and for images of "box" with none or several; with `options.skip_bad` these are left out and stand in
    `report["skipped"]`. Boxes that reach outside their image are cut off there, with a warning.
    """
    rows = [
        fit_boxes(each, tuple(size), image_size, options.resize)
        for each, size in zip(_checked(objects, sizes, table, options, report), sizes, strict=True)
    ]
    kept = np.arange(len(rows))
    if options.targets == "box":
        kept = _with_one(objects, rows, options, report)
    found = packed([rows[i] for i in kept])
    report["objects"] = int((found[..., 4] >= 0).sum())
    report["apart"] = int((found[..., 4] < ABSENT).sum())
    report["negatives"] = int((found[..., 4] == ABSENT).all(axis=1).sum())
    return (single(found) if options.targets == "box" else found), kept


def check_counts(counts: Mapping[str, np.ndarray], class_names: Sequence[str], report) -> None:
    """Raises ValueError for a class without a training object; warns of others without one in another split.

    `counts` are those of each class in each image, `(n, classes)`, by split; those of training go into the report.
    """
    for split, each in counts.items():
        empty = [class_names[i] for i in np.flatnonzero(each.sum(axis=0) == 0)]
        shown = ", ".join(map(repr, empty[:LISTED])) + (", ..." if len(empty) > LISTED else "")
        if empty and split == "train":
            mend = "Leave them out of class_names=, add images, or move some out of validation."
            raise ValueError(checks.message("data", "have training objects of every class", f"none of {shown}", mend))
        if empty:
            warn(f"{len(empty)} of {len(class_names)} classes without an object in the {split} split: {shown}.", report)
    report["object_counts"] = counts["train"].sum(axis=0).tolist()


def _checked(objects, sizes, table, options, report) -> list[np.ndarray]:
    """The rows `(m, 5)` of each image, without what cannot be used, in the pixels that it was annotated in."""
    rows, faults, cut, among = [], [], [], "class_names" if options.class_names else "training"
    for each, size in zip(objects, sizes, strict=True):
        boxes = np.where(np.isfinite(each.boxes).all(axis=1, keepdims=True), each.boxes, 0)
        inside = clipped(boxes, size)
        wrong = _faults(each, inside, size, table, among)
        faults += [f"object {number + 1} of {each.where} ({reason})" for number, reason in wrong.items()]
        right = [number for number in range(len(boxes)) if number not in wrong]
        outside = np.abs(inside - boxes).max(axis=1, initial=0) > SLACK
        cut += [f"object {number + 1} of {each.where}" for number in right if outside[number]]
        classes = np.array([table[each.classes[number]] for number in right], np.float64)
        classes = np.where(each.apart[right], ABSENT - 1 - classes, classes)
        rows.append(np.concatenate([inside[right], classes[:, None]], axis=1))
    if cut:
        report["clipped"] = len(cut)
        total = sum(map(len, rows))
        warn(f"{len(cut)} of {total} boxes reach outside their images and are cut off there: {_few(cut, 3)}.", report)
    rule = "have boxes with an area inside their images, of known classes"
    _leave_out(faults, "bad objects", rule, options, report)
    return rows


def _faults(each: Objects, inside, size, table, among) -> dict[int, str]:
    """Why objects of an image of `size` cannot be used, by their number."""
    left, top, right, bottom = each.boxes.T
    reasons = (
        (~np.isfinite(each.boxes).all(axis=1), "not finite"),
        ((left >= right) | (top >= bottom), "empty or inverted"),
        (areas(inside) <= 0, f"outside the image of {size[0]} x {size[1]} pixels"),
    )
    wrong = {i: f"class {name!r} is none of {among}" for i, name in enumerate(each.classes) if name not in table}
    for flags, reason in reversed(reasons):
        for i in np.flatnonzero(flags).tolist():
            edges = zip(("left", "top", "right", "bottom"), each.boxes[i], strict=True)
            wrong[i] = f"{reason}: {', '.join(f'{edge} {value:g}' for edge, value in edges)}"
    return dict(sorted(wrong.items()))


def _with_one(objects, rows, options, report) -> np.ndarray:
    """The images with exactly one object."""
    others = [f"{each.where} ({len(row)})" for each, row in zip(objects, rows, strict=True) if len(row) != 1]
    rule = "have exactly one object in each image where targets are 'box'"
    _leave_out(others, "images with none or several", rule, options, report, "Pass targets='boxes' for any number.")
    return np.flatnonzero([len(row) == 1 for row in rows])


def _leave_out(faults, what, rule, options, report, mend="") -> None:
    """Raises ValueError for `faults`, or puts them into the report."""
    if faults and not options.skip_bad:
        raise ValueError(f"`data` must {rule}. Received: {len(faults)} {what}: {_few(faults)}. {mend or SKIP}")
    report["skipped"] = [*report.get("skipped", ()), *faults]


def _few(names, most: int = LISTED) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
