"""How good a classifier is."""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras

from kerascnn import metrics
from kerascnn.data import Data
from kerascnn.reports.explained import explained
from kerascnn.reports.report import Report, examples_of, judged_on, predict

MISTAKES = 25  # shown in the picture of the worst ones


def classification(model: keras.Model, data: Data, *, explain: bool = False) -> Report:
    """Judges a classifier on the test split, or on the validation split where there is none.

    `explain` adds the pictures of `explained`.
    """
    split = judged_on(data)
    answers = predict(model, data, split)
    figures = metrics.classification(*answers, data.class_names)
    pictures = _pictures(data, split, *answers, figures)
    return Report(split, figures, pictures | (explained(model, data, answers=answers) if explain else {}))


def _pictures(data, split, labels, probabilities, figures) -> dict[str, Callable[[], Any]]:
    from kerascnn import plots

    names = data.class_names
    matrix = metrics.confusion_matrix(labels, probabilities.argmax(axis=1), len(names))
    pictures = {
        "confusion.png": partial(plots.confusion, matrix, names),
        "per_class.png": partial(plots.per_class, figures["per_class"]),
        "calibration.png": partial(plots.calibration, *metrics.calibration(labels, probabilities)),
    }
    worst = metrics.worst_mistakes(labels, probabilities, MISTAKES)
    if len(worst) and len(data.image_shape) == 3:  # no picture shows a signal or a volume
        shown = partial(plots.mistakes, labels=labels[worst], probabilities=probabilities[worst], class_names=names)
        pictures["mistakes.png"] = lambda: shown(examples_of(data, split, worst)[0])
    return pictures
