"""The figures that a segmentation is reported with, from counts that batches and images add to."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerascnn import checks


def map_confusion(
    truth: Any, predicted: Any, classes: int, *, ignore: int | None = 255, multi_label: bool = False
) -> np.ndarray:
    """How many pixels of class i (row) were taken for class j (column): int64 `(classes, classes)`, to be added up.

    `truth` are class indices `(n, ...)`, `predicted` class indices of that shape or probabilities `(n, ..., classes)`,
    of which the largest counts. With `multi_label` both are `(n, ..., classes)`, a probability counts from 1/2 on, and
    the answer is `(classes, 2, 2)`, a matrix for each class. Pixels of value `ignore` are left out. One row of the
    first axis is taken at a time: it may be a memory map. Raises: ValueError for shapes that differ and unknown values.

    >>> map_confusion([[0, 1, 1, 255]], [[0, 1, 0, 0]], 2).tolist()
    [[1, 0], [1, 1]]
    """
    checks.positive_int("classes", classes)
    given, expected = np.shape(truth), np.shape(predicted)
    if given != (expected if multi_label or len(expected) == len(given) else expected[:-1]):
        raise ValueError(checks.message("truth", f"have the shape of `predicted`, {expected}", given))
    if given != expected or multi_label:
        checks.one_of("predicted.shape[-1]", expected[-1], [classes], "There is one probability a class.")
    count = _one_each if multi_label else _one_of
    total = np.zeros((classes, 2, 2) if multi_label else (classes, classes), np.int64)
    for row, answer in zip(truth, predicted, strict=True):
        total += count(np.asarray(row), np.asarray(answer), classes, ignore)
    return total


def segmentation(confusion: np.ndarray, class_names: Sequence[str]) -> dict[str, Any]:
    """The report of a `map_confusion`, `(classes, classes)` or `(classes, 2, 2)`: plain numbers, ready for JSON.

    `accuracy` and `pixel_error`, which add up to 1; `iou` and `dice`, means over the classes that occur in truth
    or prediction; and `per_class`, a list of dicts `class, iou, dice, precision, recall, pixels`, the last being the
    pixels of truth. What would be 0 / 0 is None. Raises: ValueError if nothing was counted, or for other shapes.

    >>> report = segmentation(np.array([[1, 0], [1, 1]]), ["ground", "cell"])
    >>> report["iou"], report["per_class"][1]["recall"], round(report["pixel_error"], 3)
    (0.5, 0.5, 0.333)
    """
    confusion = np.asarray(confusion)
    classes = len(class_names)
    if confusion.shape not in ((classes, classes), (classes, 2, 2)) or not confusion.sum():
        rule = f"be counts of shape ({classes}, {classes}) or ({classes}, 2, 2), not all 0"
        raise ValueError(checks.message("confusion", rule, confusion.shape))
    if confusion.ndim == 3:
        hits, truth, found = confusion[:, 1, 1], confusion[:, 1].sum(axis=1), confusion[:, :, 1].sum(axis=1)
        accuracy = (confusion[:, 0, 0] + hits).sum() / confusion.sum()
    else:
        hits, truth, found = np.diagonal(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
        accuracy = hits.sum() / confusion.sum()
    iou, dice = _ratios(hits, truth + found - hits), _ratios(2 * hits, truth + found)
    table = zip(class_names, iou, dice, _ratios(hits, found), _ratios(hits, truth), truth.tolist(), strict=True)
    columns = ("class", "iou", "dice", "precision", "recall", "pixels")
    return {
        "accuracy": float(accuracy),
        "pixel_error": float(1 - accuracy),
        "iou": _mean(iou),
        "dice": _mean(dice),
        "per_class": [dict(zip(columns, row, strict=True)) for row in table],
    }


def _one_of(truth, predicted, classes, ignore):
    predicted = predicted.argmax(axis=-1) if predicted.ndim > truth.ndim else predicted
    counts = np.ones(truth.shape, bool) if ignore is None else truth != ignore
    truth, predicted = truth[counts].astype(np.int64), predicted[counts].astype(np.int64)
    _known("truth", truth, classes)
    _known("predicted", predicted, classes)
    return np.bincount(truth * classes + predicted, minlength=classes**2).reshape(classes, classes)


def _one_each(truth, predicted, classes, ignore):
    counts = np.ones(truth.shape, bool) if ignore is None else truth != ignore
    _known("truth", truth[counts], 2)
    code = 4 * np.arange(classes) + 2 * truth.astype(np.int64) + (predicted >= 0.5)
    return np.bincount(code[counts], minlength=4 * classes).reshape(classes, 2, 2)


def _known(name, values, classes):
    if values.size and (values.min() < 0 or values.max() >= classes):
        unknown = sorted({int(value) for value in np.unique(values) if not 0 <= value < classes})
        mend = "A value that counts nowhere is `ignore=`."
        raise ValueError(checks.message(name, f"have values in [0, {classes})", unknown, mend))


def _ratios(part, whole):
    return [float(p / w) if w else None for p, w in zip(part, whole, strict=True)]


def _mean(values):
    return float(np.mean([value for value in values if value is not None]))
