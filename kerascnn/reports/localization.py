"""How good a network is that finds the one object of an image."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import keras
import numpy as np

from kerascnn import metrics
from kerascnn.boxes import overlap
from kerascnn.data import Data
from kerascnn.reports.report import Report, answers, examples_of, judged_on, worst_and_others

SHOWN = 12  # images in the picture, half of them the worst


def localization(model: keras.Model, data: Data) -> Report:
    """Judges a localizer on the test split, or on the validation split where there is none.

    `model` gives a dict of "class", probabilities `(n, classes)`, and "box", `(n, 4)`: left, top, right and bottom in
    pixels; `data` has targets "box". Figures are those of `metrics.localization` over the images whose object counts,
    and in `per_class` the same of each class. Pictures are "boxes.png", the worst images and others, "confusion.png"
    and "iou.png".
    """
    split = judged_on(data)
    parts = [(targets, out["box"], out["class"].argmax(axis=-1)) for _, targets, out in answers(model, data, split)]
    truths, boxes, classes = (np.concatenate(part) for part in zip(*parts, strict=True))
    counted = np.flatnonzero(truths[:, 4] >= 0)
    truths, boxes, classes = truths[counted], boxes[counted], classes[counted]
    figures: dict[str, Any] = dict(metrics.localization(truths, boxes, classes))
    figures["per_class"] = _per_class(truths, boxes, classes, data.class_names)
    return Report(split, figures, _pictures(data, split, counted, truths, boxes, classes))


def _per_class(truths, boxes, classes, class_names: Sequence[str]) -> list[dict[str, Any]]:
    rows = []
    for label, name in enumerate(class_names):
        own = truths[:, 4] == label
        found = metrics.localization(truths[own], boxes[own], classes[own]) if own.any() else {}
        each = {key: found.get(key) for key in ("accuracy", "iou", "both")}
        rows.append({"class": name, **each, "objects": int(own.sum())})
    return rows


def _pictures(data, split, counted, truths, boxes, classes) -> dict[str, Any]:
    from kerascnn import plots

    true = truths[:, 4].astype(int)
    right, ious = true == classes, np.asarray(overlap(truths[:, :4], boxes, kind="iou"))
    chosen = worst_and_others(2.0 * ~right - ious, SHOWN)
    return {
        "boxes.png": partial(_boxes, data, split, counted, truths, boxes, classes, chosen),
        "confusion.png": partial(
            plots.confusion, metrics.confusion_matrix(true, classes, data.classes), data.class_names
        ),
        "iou.png": partial(plots.iou_histogram, ious, right),
    }


def _boxes(data, split, counted, truths, boxes, classes, chosen) -> Any:
    from kerascnn import plots

    images, _ = examples_of(data, split, counted[chosen])
    return plots.localizations(images, truths[chosen], boxes[chosen], classes[chosen], data.class_names)
