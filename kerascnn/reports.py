"""What a job is judged by: figures, and the pictures that show them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import keras
import numpy as np

from kerascnn import checks, inspect, metrics
from kerascnn.data import Data, plain_batches

MISTAKES = 25  # shown in the picture of the worst ones
MOST, PIXELS = 256, 2**20  # that a model sees at a time


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


def classification(model: keras.Model, data: Data, *, explain: bool = False) -> Report:
    """Judges a classifier on the test split, or on the validation split where there is none.

    `explain` adds the pictures of `explained`.
    """
    split = _judged_on(data)
    answers = predict(model, data, split)
    figures = metrics.classification(*answers, data.class_names)
    pictures = _pictures(data, split, *answers, figures)
    return Report(split, figures, pictures | (explained(model, data, answers=answers) if explain else {}))


def predict(model: keras.Model, data: Data, split: str) -> tuple[np.ndarray, np.ndarray]:
    """The targets of a split and the model's outputs for it, in its order: `(count,)` and `(count, classes)`.

    The model sees as many images at a time as have a million pixels, 256 at most: large maps would fill the memory.
    """
    batch_size = max(1, min(MOST, PIXELS // math.prod(data.image_shape[:-1])))
    pairs = [
        (np.asarray(targets), np.asarray(model.predict_on_batch(np.asarray(images))))
        for images, targets in plain_batches(data, split, batch_size)
    ]
    targets, outputs = zip(*pairs, strict=True)
    return np.concatenate(targets), np.concatenate(outputs)


def explained(
    model: keras.Model, data: Data, *, count: int = 6, answers: tuple[np.ndarray, np.ndarray] | None = None
) -> dict[str, Callable[[], Any]]:
    """Pictures of what a classifier looks at, on the split it is judged on: functions that draw them, by file name.

    "gradcam.png" has up to `count` right answers, of each class in turn the surest, beside the `count` worst mistakes,
    each with the map that speaks for the answer; "feature_maps.png" what the layers of each resolution see in the
    first of them; "filters.png" the first kernels. Nothing is computed before a function is called, and what `predict`
    gives for that split not again where it is passed as `answers`. Empty for a model without convolutions, and for
    signals and volumes.
    """
    checks.positive_int("count", count)
    if len(data.image_shape) != 3 or not inspect.is_convolutional(model):
        return {}
    from kerascnn import plots

    chosen = cache(partial(_right_and_wrong, model, data, count, answers))
    return {
        "gradcam.png": lambda: _grad_cam(model, data.class_names, *chosen()),
        "feature_maps.png": lambda: _feature_maps(model, chosen()[0][:1]),
        "filters.png": lambda: plots.filters(inspect.filters(model)),
    }


def _judged_on(data: Data) -> str:
    return "validation" if data.test is None else "test"


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


def _right_and_wrong(model, data, count, answers) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images, labels and probabilities of up to `count` right answers and then of as many of the worst mistakes."""
    split = _judged_on(data)
    labels, probabilities = answers or predict(model, data, split)
    wrong = metrics.worst_mistakes(labels, probabilities, count)
    chosen = np.concatenate([_surest_in_turn(labels, probabilities)[:count], wrong])
    return np.stack(_images(data, split, chosen)), labels[chosen], probabilities[chosen]


def _surest_in_turn(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """The indices of the right answers: the surest of each class, then the second of each, and so on."""
    right = np.flatnonzero(probabilities.argmax(axis=1) == labels)
    order = right[np.argsort(-probabilities[right].max(axis=1), kind="stable")]
    rank = np.zeros(len(order), int)
    for label in np.unique(labels[order]):
        rank[labels[order] == label] = np.arange(np.sum(labels[order] == label))
    return order[np.argsort(rank, kind="stable")]


def _grad_cam(model, class_names, images, labels, probabilities):
    from kerascnn import plots

    maps = inspect.grad_cam(model, images, probabilities.argmax(axis=1))
    return plots.grad_cam(images, maps, labels, probabilities, class_names)


def _feature_maps(model, images):
    from kerascnn import plots

    maps = inspect.feature_maps(model, images)
    return plots.feature_maps(images[0], {name: found[0] for name, found in maps.items()})
