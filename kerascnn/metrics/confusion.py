"""The confusion matrix and what follows from it."""

from typing import Any, NamedTuple

import numpy as np

from kerascnn import checks
from kerascnn.metrics.arrays import class_indices


class PerClass(NamedTuple):
    """Arrays `(classes,)`: `precision`, `recall` and `f1` in [0, 1], `support` the number of examples of the class."""

    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    support: np.ndarray


def confusion_matrix(labels: Any, predictions: Any, classes: int) -> np.ndarray:
    """How often class i (row) was taken for class j (column): integers `(classes, classes)`.

    `labels` and `predictions` are integers `(n,)` in [0, classes). Raises: ValueError otherwise.

    >>> confusion_matrix([0, 0, 1, 2], [0, 1, 1, 1], 3).tolist()
    [[1, 1, 0], [0, 1, 0], [0, 1, 0]]
    """
    checks.positive_int("classes", classes)
    labels = class_indices("labels", labels, classes)
    predictions = class_indices("predictions", predictions, classes)
    checks.same_length("labels", labels, "predictions", predictions)
    return np.bincount(labels * classes + predictions, minlength=classes**2).reshape(classes, classes)


def per_class(confusion: np.ndarray) -> PerClass:
    """Precision, recall, F1 and support of each class of a confusion matrix `(classes, classes)`.

    Where a quotient is 0 / 0 it is 0: the precision of a class never predicted, the recall of a class without examples.

    >>> per_class(np.array([[1, 1], [0, 2]])).precision.round(3).tolist()
    [1.0, 0.667]
    """
    confusion = np.asarray(confusion)
    if confusion.ndim != 2 or confusion.shape[0] != confusion.shape[1]:
        raise ValueError(checks.message("confusion", "be of shape (classes, classes)", confusion.shape))
    hits, support, predicted = np.diagonal(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    return PerClass(_ratio(hits, predicted), _ratio(hits, support), _ratio(2 * hits, predicted + support), support)


def most_confused(confusion: np.ndarray, n: int = 10) -> list[tuple[int, int, int]]:
    """The n commonest mistakes as (true class, predicted class, count), commonest first; fewer if there are fewer.

    >>> most_confused(np.array([[5, 2], [3, 5]]))
    [(1, 0, 3), (0, 1, 2)]
    """
    mistakes = np.array(confusion)
    np.fill_diagonal(mistakes, 0)
    order = np.argsort(-mistakes, axis=None, kind="stable")[:n]
    rows, columns = np.unravel_index(order, mistakes.shape)
    return [(int(i), int(j), int(mistakes[i, j])) for i, j in zip(rows, columns, strict=True) if mistakes[i, j]]


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return part / np.maximum(whole, 1)
