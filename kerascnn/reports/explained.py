"""Pictures of what a classifier looks at."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import keras
import numpy as np

from kerascnn import checks, inspect, metrics
from kerascnn.data import Data
from kerascnn.reports.report import examples_of, judged_on, predict


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


def _right_and_wrong(model, data, count, answers) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images, labels and probabilities of up to `count` right answers and then of as many of the worst mistakes."""
    split = judged_on(data)
    labels, probabilities = answers or predict(model, data, split)
    wrong = metrics.worst_mistakes(labels, probabilities, count)
    chosen = np.concatenate([_surest_in_turn(labels, probabilities)[:count], wrong])
    return np.stack(examples_of(data, split, chosen)[0]), labels[chosen], probabilities[chosen]


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
