"""What every report is, and what all of them look at."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from kerascnn.data import Data, plain_batches

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


def judged_on(data: Data) -> str:
    """The split that a report is on: "test", or "validation" where there is no test split."""
    return "test" if "test" in data.splits else "validation"


def examples_of(data: Data, split: str, indices: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The images and the targets of a split at `indices`, in the order of these."""
    source = data.sources.get(split)
    if source is not None:
        images, targets = source.fetch(indices)
        return list(np.asarray(images)), list(np.asarray(targets))
    wanted = set(indices.tolist())
    elements = enumerate(data.split(split).as_numpy_iterator())
    found = {place: example for place, example in elements if place in wanted}
    images, targets = zip(*(found[index] for index in indices.tolist()), strict=True)
    return list(images), list(targets)


def answers(model: keras.Model, data: Data, split: str) -> Iterator[tuple[np.ndarray, np.ndarray, Any]]:
    """Batches of images, targets and the model's outputs, an array or a dict of arrays, for a split, in its order.

    The model sees as many images at a time as have a million pixels, 256 at most: large maps would fill the memory.
    """
    for images, targets in batches(data, split):
        yield images, targets, keras.tree.map_structure(np.asarray, model.predict_on_batch(images))


def batches(data: Data, split: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Images and targets of a split, in its order, as many at a time as `answers` shows to a model."""
    batch_size = max(1, min(MOST, PIXELS // math.prod(data.image_shape[:-1])))
    for images, targets in plain_batches(data, split, batch_size):
        yield np.asarray(images), np.asarray(targets)


def predict(model: keras.Model, data: Data, split: str) -> tuple[np.ndarray, np.ndarray]:
    """The targets of a split and the model's outputs for it, in its order: `(count,)` and `(count, classes)`."""
    targets, outputs = zip(*((targets, outputs) for _, targets, outputs in answers(model, data, split)), strict=True)
    return np.concatenate(targets), np.concatenate(outputs)


def worst_and_others(errors: np.ndarray, count: int) -> np.ndarray:
    """The indices of `count` examples: half are those with the largest errors, half lie evenly among the others.

    >>> worst_and_others(np.array([0.0, 0.9, 0.1, 0.2, 0.7]), 4).tolist()
    [1, 4, 3, 0]
    """
    order = np.argsort(-errors, kind="stable")
    worst, others = order[: count // 2], order[count // 2 :]
    places = np.linspace(0, len(others) - 1, min(len(others), count - len(worst))).astype(int)
    return np.concatenate([worst, others[places]])
