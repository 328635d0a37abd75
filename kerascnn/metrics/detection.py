"""The figures that detection and localization are reported with; those of detection are COCO's own."""

import contextlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerascnn import checks
from kerascnn.boxes import overlap
from kerascnn.metrics import coco


def average_precision(
    truths: Sequence[Any],
    predictions: Sequence[Any],
    class_names: Sequence[str],
    *,
    image_size: tuple[int, int] | None = None,
) -> dict[str, Any]:
    """The average precision of detections by COCO's rules and code (pycocotools): plain numbers, ready for JSON.

    `truths` has `(m, 5)` for each image: edges "xyxy" in pixels and the class; rows of class -1 are none, and class
    -2 - c is an object of class c that is neither asked for nor wrong to find. `predictions` has boxes `(k, 4)`, scores
    `(k,)` and classes `(k,)` for each image; classes below 0 are none, and the 100 best of each class count. With
    `image_size`, (height, width), predicted boxes are cut off at the edges of the image, as the true ones are.

    Returns "map50", "map75" and "map50_95", the means over the classes that have objects of the average precision at
    IoU 0.5, at 0.75, and over 0.5, 0.55 ... 0.95; "ar100", the mean over those of the largest recall; "per_class",
    dicts "class, ap50, ap50_95, objects"; and "curves", by the name of each class with objects the precision at IoU 0.5
    and recall 0, 0.01 ... 1. Numbers of a class without objects are None, and so are the means if no class has any.
    Raises: ValueError for shapes that do not match and for unknown classes. Lin et al. 2014,
    https://arxiv.org/abs/1405.0312

    >>> truths, found = [[[0, 0, 10, 10, 0], [20, 20, 30, 30, 0]]], [([[0, 0, 10, 8]], [0.9], [0])]
    >>> figures = average_precision(truths, found, ["cell"])
    >>> round(figures["map50"], 3), round(figures["map50_95"], 3), figures["per_class"][0]["objects"]
    (0.505, 0.353, 2)
    """
    truths, predictions = coco.checked(truths, predictions, len(class_names), image_size)
    evaluation = coco.evaluated(truths, predictions, len(class_names))
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.accumulate()
    precision = evaluation.eval["precision"][..., 0, 0]  # (IoU, recall, class), -1 for a class without objects
    recall = evaluation.eval["recall"][..., 0, 0]
    objects = [sum(int((truth[:, 4] == c).sum()) for truth in truths) for c in range(len(class_names))]
    return {
        "map50": _mean(precision[0]),
        "map75": _mean(precision[5]),
        "map50_95": _mean(precision),
        "ar100": _mean(recall),
        "per_class": [
            {"class": name, "ap50": _mean(precision[0, :, c]), "ap50_95": _mean(precision[:, :, c]), "objects": n}
            for c, (name, n) in enumerate(zip(class_names, objects, strict=True))
        ],
        "curves": {name: precision[0, :, c].round(12).tolist() for c, name in enumerate(class_names) if objects[c]},
    }


def best_score(truths: Sequence[Any], predictions: Sequence[Any]) -> tuple[float, float]:
    """The score from which boxes are best believed: the threshold with the largest F1 at IoU 0.5, and that F1.

    Arguments are those of `average_precision`; all classes count together. The threshold lies in the middle between the
    last score that is taken and the next; without a true detection it is 0.5, with F1 = 0.

    >>> truths = [[[0, 0, 10, 10, 0], [20, 20, 30, 30, 0]]]
    >>> found = [([[0, 0, 10, 8], [20, 20, 30, 30], [5, 5, 9, 9]], [0.9, 0.7, 0.5], [0, 0, 0])]
    >>> threshold, f1 = best_score(truths, found)
    >>> round(threshold, 3), f1
    (0.6, 1.0)
    """
    truths, predictions = coco.checked(truths, predictions)
    labels = [abs(truth[:, 4] + 1) for truth in truths] + [found[2] for found in predictions]  # -2 - c as 1 + c
    evaluation = coco.evaluated(truths, predictions, 1 + int(max(np.concatenate(labels), default=0)))
    entries = [entry for entry in evaluation.evalImgs if entry is not None]
    objects = sum(int((np.asarray(entry["gtIgnore"]) == 0).sum()) for entry in entries)
    counts = [~entry["dtIgnore"][0] for entry in entries]
    scores = np.concatenate([[], *(np.array(e["dtScores"])[c] for e, c in zip(entries, counts, strict=True))])
    right = np.concatenate([[], *(e["dtMatches"][0][c] > 0 for e, c in zip(entries, counts, strict=True))])
    if not right.any():
        return 0.5, 0.0
    order = np.argsort(-scores, kind="stable")
    scores, hits = scores[order], np.cumsum(right[order])
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + objects)
    below = np.append(scores[1:], 0.0)
    best = int(np.argmax(np.where(below < scores, f1, -1)))  # equal scores are taken together
    return float((scores[best] + below[best]) / 2), float(f1[best])


def localization(truth: Any, boxes: Any, classes: Any) -> dict[str, float]:
    """The figures of one box an image: `truth` `(n, 5)`, predicted `boxes` `(n, 4)` and `classes` `(n,)`.

    "accuracy" is the share of images with the right class, "iou" the mean IoU of the boxes, and "both" the share with
    the right class and an IoU of at least 0.5. Raises: ValueError for other shapes.

    >>> localization([[0, 0, 10, 10, 1], [0, 0, 10, 10, 0]], [[0, 0, 10, 5], [0, 0, 10, 4]], [1, 0])
    {'accuracy': 1.0, 'iou': 0.45, 'both': 0.5}
    """
    truth, boxes, classes = np.asarray(truth, np.float32), np.asarray(boxes, np.float32), np.asarray(classes)
    if truth.ndim != 2 or truth.shape[1] != 5 or not len(truth):
        raise ValueError(checks.message("truth", "be of shape (n, 5), with at least one row", truth.shape))
    for name, value, shape in (("boxes", boxes, (len(truth), 4)), ("classes", classes, (len(truth),))):
        if value.shape != shape:
            raise ValueError(checks.message(name, f"be of shape {shape}, one an image", value.shape))
    shares = np.array(overlap(truth[:, :4], boxes))
    right = classes == truth[:, 4]
    return {
        "accuracy": float(right.mean()),
        "iou": round(float(shares.mean(dtype=np.float64)), 7),
        "both": float((right & (shares >= 0.5)).mean()),
    }


def _mean(values):
    """The mean of what is known; -1 is not. COCO adds 2e-16 to what it divides by: without it 1 is 1 again."""
    known = values[values > -1]
    return round(float(known.mean()), 12) if known.size else None
