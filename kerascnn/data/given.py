"""A `Data` that the user has made: checked as far as that is cheap, and taken as it is."""

from __future__ import annotations

import dataclasses

from kerascnn import checks
from kerascnn.data.array_checks import check_labels, check_pixels
from kerascnn.data.dataset import SPLITS, Data
from kerascnn.data.options import Options

APPLY = ("image_size", "seed")  # the options that mean something for a `Data`: the first is compared with its images
LOOKED_AT = 64  # first images of each split


def from_data(data: Data, options: Options) -> Data:
    """`data` itself; with the warnings in its report if there is something to warn of.

    Looks at the first images of each split, and reads the labels of train and validation once where no `source` has
    them. Raises ValueError for pixels and labels that arrays may not have either, and for options that come too late.
    """
    _check_options(data, options)
    report = {"warnings": []}
    for split in SPLITS:
        if getattr(data, split) is not None:
            _check_first(data, split, report)
    if report["warnings"]:
        warnings = [*data.report.get("warnings", ()), *report["warnings"]]
        data = dataclasses.replace(data, report={**data.report, "warnings": warnings})
    if "class_counts" not in data.report:  # else `load` has made it from a stream, and read the labels
        _ = data.class_counts, data.labels("validation")
    return data


def _check_options(data, options):
    if options.image_size and tuple(data.image_shape[:-1]) != options.image_size:
        rule = f"be that of the Data, {tuple(data.image_shape[:-1])}"
        mend = "Resize the images where this Data is made."
        raise ValueError(checks.message("image_size", rule, options.image_size, mend))
    for field in dataclasses.fields(Options):
        value = getattr(options, field.name)
        if field.name not in APPLY and value != field.default:
            rule = f"be {field.default!r} when `data` is a Data, which is read and split already"
            raise ValueError(checks.message(field.name, rule, value, "Apply it where this Data is made."))


def _check_first(data, split, report):
    for images, targets in data.split(split).take(LOOKED_AT).batch(LOOKED_AT).as_numpy_iterator():
        check_pixels(f"images of {split}", images, report)
        check_labels(f"labels of {split}", targets)
