"""Truths and detections in the form of pycocotools, whose code judges them."""

import contextlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerascnn import checks

LOOKED_AT = 100  # boxes of a class in an image


def checked(
    truths: Sequence[Any],
    predictions: Sequence[Any],
    classes: int | None = None,
    image_size: tuple[int, int] | None = None,
) -> tuple[list, list]:
    """Truths as float64 arrays `(m, 5)` and predictions as (boxes, scores, classes), both without absent rows.

    Predicted boxes are cut off at the edges of the image. Raises: ValueError where lengths or shapes do not match, and
    for classes from `classes` on.
    """
    checks.same_length("truths", truths, "predictions", predictions)
    if not len(truths):
        raise ValueError(checks.message("truths", "have at least one image", truths))
    truths = [_truth(number, truth) for number, truth in enumerate(truths)]
    predictions = [_prediction(number, prediction, image_size) for number, prediction in enumerate(predictions)]
    if classes is not None:
        _known("truths", (np.where(each[:, 4] < -1, -2 - each[:, 4], each[:, 4]) for each in truths), classes)
        _known("predictions", (each[2] for each in predictions), classes)
    return truths, predictions


def evaluated(truths: list, predictions: list, classes: int) -> Any:
    """A COCOeval of boxes that has matched each prediction; both are what `checked` gives."""
    from pycocotools.cocoeval import COCOeval

    true = [
        {**_annotation(image, row[:4], row[4] if row[4] >= 0 else -2 - row[4]), "iscrowd": int(row[4] < -1)}
        for image, truth in enumerate(truths)
        for row in truth
    ]
    found = [
        {**_annotation(image, box, label), "score": float(score)}
        for image, prediction in enumerate(predictions)
        for box, score, label in zip(*prediction, strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(*(_dataset(rows, len(truths), classes) for rows in (true, found)), "bbox")
        evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
        evaluation.params.maxDets = [LOOKED_AT]
        evaluation.evaluate()
    return evaluation


def _truth(number, truth):
    truth = np.asarray(truth, np.float64)
    truth = truth.reshape(0, 5) if not truth.size else truth
    if truth.ndim != 2 or truth.shape[1] != 5:
        raise ValueError(checks.message(f"truths[{number}]", "be of shape (m, 5)", truth.shape))
    return truth[truth[:, 4] != -1]


def _prediction(number, prediction, image_size):
    boxes, scores, labels = (np.asarray(part, np.float64) for part in prediction)
    boxes = boxes.reshape(0, 4) if not boxes.size else boxes
    if boxes.shape != (len(labels), 4) or scores.shape != labels.shape or labels.ndim != 1:
        rule = "be boxes (k, 4), scores (k,) and classes (k,)"
        raise ValueError(checks.message(f"predictions[{number}]", rule, (boxes.shape, scores.shape, labels.shape)))
    if image_size is not None:
        boxes = np.clip(boxes, 0, (*image_size[::-1], *image_size[::-1]))
    return boxes[labels >= 0], scores[labels >= 0], labels[labels >= 0]


def _known(name, labels, classes):
    unknown = sorted({int(label) for each in labels for label in each if label >= classes})
    if unknown:
        raise ValueError(checks.message(name, f"have classes below {classes}", unknown, "One name a class is needed."))


def _annotation(image, box, label):
    left, top, right, bottom = map(float, box)
    box = [left, top, right - left, bottom - top]
    return {"image_id": image, "category_id": int(label), "bbox": box, "area": box[2] * box[3], "iscrowd": 0}


def _dataset(annotations, images, classes):
    from pycocotools.coco import COCO

    coco = COCO()
    coco.dataset = {
        "images": [{"id": image} for image in range(images)],
        "categories": [{"id": label} for label in range(classes)],
        "annotations": [{**row, "id": number} for number, row in enumerate(annotations, 1)],  # id 0 means no match
    }
    coco.createIndex()
    return coco
