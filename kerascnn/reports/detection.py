"""How good a detector is."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np

from kerascnn import metrics
from kerascnn.data import Data
from kerascnn.reports.misses import WRONG, Judged, Miss, Prediction, judge, worst
from kerascnn.reports.report import Report, answers, examples_of, judged_on, worst_and_others

LEAST, MOST = 0.001, 100  # score from which detections count in the curves, and how many an image
SHOWN, MISSES = 6, 20  # images in the picture of boxes, half of them the worst, and crops in that of misses
SUITED = 5  # objects in the image whose assignment is drawn, as near as there is one


def detection(
    detector: keras.Model,
    data: Data,
    *,
    assign: Callable[[np.ndarray, np.ndarray], Any] | None = None,
    best_score: bool = False,
) -> Report:
    """Judges a detector on the test split, or on the validation split where there is none.

    Figures are those of `metrics.average_precision`, over up to 100 detections an image of score 0.001 or more. At the
    detector's own score are counted `errors` by their kind (see `reports.misses.judge`; "missed" are objects) and
    `false_alarms`, the share of `images_without_objects` in which something was found. Pictures are "boxes.png", the
    worst images and others; "precision_recall.png"; "misses.png", the surest wrong boxes and missed objects; and
    "assignment.png", where `assign` is given.

    Args:
        detector: a `models.Detector`.
        data: with targets "boxes", of the network's size.
        assign: draws which cells answer for the objects: a function of an image `(height, width, channels)` and its
            objects `(m, 5)` that returns a figure.
        best_score: also finds the score with the best F1 on the validation split, never on the test split:
            `best_score` and `validation_f1`. Errors are counted and pictures drawn at that one.
    """
    split = judged_on(data)
    truths, found = detected(detector, data, split)
    figures = metrics.average_precision(truths, found, data.class_names, image_size=data.image_shape[:2])
    curves, score = figures.pop("curves"), detector.score
    if best_score:
        chosen = (truths, found) if split == "validation" else detected(detector, data, "validation")
        score, f1 = map(float, metrics.best_score(*chosen))
        figures |= {"best_score": score, "validation_f1": f1}
    judged = [judge(truth, each, score) for truth, each in zip(truths, found, strict=True)]
    figures |= _counted(truths, judged)
    wrong = worst(truths, found, judged, data.class_names, MISSES)
    kept = [tuple(part[one.rows] for part in each) for each, one in zip(found, judged, strict=True)]
    return Report(split, figures, _pictures(data, split, (truths, kept, judged), (curves, figures), wrong, assign))


def detected(detector: keras.Model, data: Data, split: str) -> tuple[list[np.ndarray], list[Prediction]]:
    """The objects `(m, 5)` of each image of a split, and what the detector finds there at a score of 0.001 or more."""
    truths: list[np.ndarray] = []
    found: list[Prediction] = []
    for _, targets, outputs in answers(detector.with_(score=LEAST, most=MOST), data, split):
        truths += [target[target[:, 4] != -1] for target in targets]
        parts = zip(outputs["boxes"], outputs["scores"], outputs["classes"], outputs["count"], strict=True)
        found += [(boxes[:count], scores[:count], classes[:count]) for boxes, scores, classes, count in parts]
    return truths, found


def _counted(truths: Sequence[np.ndarray], judged: Sequence[Judged]) -> dict[str, Any]:
    """The errors by their kind, and what was found where there is nothing."""
    kinds = Counter(kind for one in judged for kind in one.kinds)
    errors = {kind: kinds[kind] for kind in WRONG} | {"missed": sum(len(one.missed) for one in judged)}
    empty = [bool(len(one.rows)) for truth, one in zip(truths, judged, strict=True) if not len(truth)]
    alarms = {"images_without_objects": len(empty), "false_alarms": float(np.mean(empty))} if empty else {}
    return {"errors": errors, **alarms}


def _pictures(data, split, found, precision, wrong, assign) -> dict[str, Callable[[], Any]]:
    from kerascnn import plots

    truths, kept, judged = found
    curves, figures = precision
    chosen = worst_and_others(np.array([one.error for one in judged]), SHOWN)
    pictures = {"boxes.png": partial(_boxes, data, split, chosen, truths, kept)}
    if any(row["ap50"] is not None for row in figures["per_class"]):
        pictures["precision_recall.png"] = partial(plots.precision_recall, curves, figures["per_class"])
    pictures["misses.png"] = partial(_misses, data, split, wrong)
    if assign is not None:
        suited = int(np.argmin([abs(len(truth) - SUITED) for truth in truths]))
        pictures["assignment.png"] = lambda: assign(*(part[0] for part in examples_of(data, split, np.array([suited]))))
    return pictures


def _boxes(data, split, chosen, truths, kept) -> Any:
    from kerascnn import plots

    images, _ = examples_of(data, split, chosen)
    return plots.detections(images, [truths[i] for i in chosen], [kept[i] for i in chosen], data.class_names)


def _misses(data: Data, split: str, wrong: Sequence[Miss]) -> Any:
    from kerascnn import plots

    images = examples_of(data, split, np.array([miss.image for miss in wrong]))[0] if wrong else []
    columns = ([getattr(miss, name) for miss in wrong] for name in ("box", "title", "note", "missed"))
    return plots.misses(images, *columns, near=[miss.near for miss in wrong])
