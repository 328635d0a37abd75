"""What a job is judged by: figures, and the pictures that show them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np

from kerascnn import metrics
from kerascnn.data import Data, plain_batches

MISTAKES = 25  # shown in the picture of the worst ones


@dataclass(frozen=True)
class Report:
    """The judgement on one split.

    Attributes:
        judged_on: "test", or "validation" where there is no test split.
        figures: numbers by their plain names, and tables that JSON can hold.
        pictures: functions that draw a matplotlib Figure, by file name.
    """

    judged_on: str
    figures: Mapping[str, Any]
    pictures: Mapping[str, Callable[[], Any]]


def classification(model: keras.Model, data: Data, batch_size: int = 256) -> Report:
    """Judges a classifier on the test split, or on the validation split where there is none."""
    split = "validation" if data.test is None else "test"
    labels, probabilities = predict(model, data, split, batch_size)
    figures = metrics.classification(labels, probabilities, data.class_names)
    return Report(split, figures, _pictures(data, split, labels, probabilities, figures))


def predict(model: keras.Model, data: Data, split: str, batch_size: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """The targets of a split and the model's outputs for it, in its order: `(count,)` and `(count, classes)`."""
    pairs = [
        (np.asarray(targets), np.asarray(model.predict_on_batch(np.asarray(images))))
        for images, targets in plain_batches(data, split, batch_size)
    ]
    targets, outputs = zip(*pairs, strict=True)
    return np.concatenate(targets), np.concatenate(outputs)


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
        pictures["mistakes.png"] = lambda: shown(_images(data, split, worst))
    return pictures


def _images(data: Data, split: str, indices: np.ndarray) -> list[np.ndarray]:
    """The images of a split at `indices`, in the order of these."""
    source = data.sources.get(split)
    if source is not None:
        return list(np.asarray(source.fetch(indices)[0]))
    wanted = set(indices.tolist())
    found = {place: np.asarray(image) for place, (image, _) in enumerate(data.split(split)) if place in wanted}
    return [found[index] for index in indices.tolist()]
