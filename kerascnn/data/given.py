"""A `Data` that the user has made: checked as far as that is cheap, and taken as it is."""

from __future__ import annotations

import dataclasses
from itertools import islice

import numpy as np

from kerascnn import checks
from kerascnn.data.array_checks import check_labels, check_pixels
from kerascnn.data.boxes import ABSENT, areas, clipped, counting
from kerascnn.data.dataset import Data, changed, examples
from kerascnn.data.masks import IGNORE
from kerascnn.data.options import Options
from kerascnn.data.own import own_targets

APPLY = ("image_size", "seed", "targets")
"""The options that mean something for a `Data`: the first is compared with its images, the last with its targets."""
LOOKED_AT = 64  # first images of each split


def from_data(data: Data, options: Options) -> Data:
    """`data` itself; with the warnings in its report if there is something to warn of.

    Looks at the first examples of each split, and reads the labels of train and validation once where no `source` has
    them. Raises ValueError for pixels, labels, masks and boxes that arrays may not have either, and for options that
    come too late. Where images are to be targets and `data` has others, its images become their own.
    """
    _check_options(data, options)
    if options.targets == "images" != data.targets:
        data = own_targets(data)
    report = {"warnings": []}
    for split in data.splits:
        _check_first(data, split, report)
    if report["warnings"]:
        warnings = [*data.report.get("warnings", ()), *report["warnings"]]
        data = changed(data, report={**data.report, "warnings": warnings})
    if data.targets == "labels" and "class_counts" not in data.report:  # else `load` has read the labels of a stream
        _ = data.class_counts, data.labels("validation")
    return data


def _check_options(data, options):
    if options.image_size and tuple(data.image_shape[:-1]) != options.image_size:
        rule = f"be that of the Data, {tuple(data.image_shape[:-1])}"
        mend = "Resize the images where this Data is made."
        raise ValueError(checks.message("image_size", rule, options.image_size, mend))
    if options.targets not in (data.targets, "images"):
        mend = f"Pass data with {options.targets}, or make it as Data(..., targets={options.targets!r}) if it has them."
        raise ValueError(checks.message("data", f"have {options.targets} as targets", data.targets, mend))
    for field in dataclasses.fields(Options):
        value = getattr(options, field.name)
        if field.name not in APPLY and value != field.default:
            rule = f"be {field.default!r} when `data` is a Data, which is read and split already"
            raise ValueError(checks.message(field.name, rule, value, "Apply it where this Data is made."))


def _check_first(data, split, report):
    for images, targets in islice(examples(data, split, LOOKED_AT), 1):
        check_pixels(f"images of {split}", images, report)
        if data.targets == "labels":
            check_labels(f"labels of {split}", targets)
        elif data.targets in ("boxes", "box"):
            _check_rows(data, split, targets)
        else:
            _check_dense(data, split, images, targets, report)


def _check_rows(data, split, rows):
    """Raises ValueError for boxes of another shape or type, with unknown classes, or not within their images."""
    name, dimensions = f"{data.targets} of {split}", {"boxes": 3, "box": 2}[data.targets]
    if rows.ndim != dimensions or rows.shape[-1] != 5 or rows.dtype != np.float32:
        rule = f"be float32 {'(most, 5)' if dimensions == 3 else '(5,)'} for each image: four edges and the class"
        raise ValueError(checks.message(name, rule, f"{rows.dtype} {rows.shape[1:]}"))
    boxes, classes = rows[..., :4], rows[..., 4]
    unknown = (classes != np.rint(classes)) | (counting(classes) >= data.classes)
    if unknown.any() or (data.targets == "box" and (classes < 0).any()):
        rule = f"have classes in 0..{data.classes - 1}" + (", -1 or -2 - class" if dimensions == 3 else "")
        raise ValueError(checks.message(name, rule, classes[unknown | (classes < 0)].tolist()[:20]))
    wrong = (classes != ABSENT) & ((areas(boxes) <= 0) | (clipped(boxes, data.image_shape[:2]) != boxes).any(axis=-1))
    if wrong.any():
        rule = "have left < right and top < bottom within the image, in its pixels"
        raise ValueError(checks.message(name, rule, boxes[wrong].tolist()[:5]))


def _check_dense(data, split, images, targets, report):
    """Raises ValueError for masks or images that are not of the size of `images` or have other values than they may."""
    name, size = f"{data.targets} of {split}", images.shape[:-1]
    if targets.shape[: len(size)] != size:
        raise ValueError(checks.message(f"{name}.shape", f"be {size}, as the images", targets.shape))
    if data.targets == "images":
        check_pixels(name, targets, report)
        return
    if targets.dtype.kind not in "iu":
        raise ValueError(checks.message(f"{name}.dtype", "be an integer type", str(targets.dtype)))
    most = 2 if data.multi_label else data.classes
    wrong = np.unique(targets[(targets != IGNORE) & ((targets < 0) | (targets >= most))])
    if wrong.size:
        mend = "Class indices count from 0; 255 counts nowhere."
        raise ValueError(checks.message(name, f"be in 0..{most - 1} or {IGNORE}", wrong.tolist()[:20], mend))
