"""Weights that let some classes count for more than others."""

from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np

from kerascnn import checks
from kerascnn.metrics.arrays import class_indices

BALANCED = "balanced"


def balanced(labels: np.ndarray, classes: int) -> dict[int, float]:
    """Weights for `fit(class_weight=...)` that are inverse to how often each class occurs (King and Zeng 2001).

    `n / (k * n_c)` for n labels, n_c of class c and k classes that occur: each of these has the same weight in all, and
    the weights average 1 over the labels. A class that does not occur has weight 0.
    `labels` are integers `(n,)` in [0, classes). Raises: ValueError otherwise, or without labels.

    >>> balanced([0, 0, 0, 1], 2)
    {0: 0.6666666666666666, 1: 2.0}
    """
    checks.positive_int("classes", classes)
    labels = class_indices("labels", labels, classes)
    return _inverse(np.bincount(labels, minlength=classes))


def check(class_weight: Any) -> None:
    """Raises ValueError unless it is None, "balanced" or a mapping of class index to a weight above 0."""
    if class_weight is None or isinstance(class_weight, str) and class_weight == BALANCED:
        return
    rule = "be None, 'balanced' or a mapping of class indices to weights, such as {0: 2.0}"
    if not isinstance(class_weight, Mapping):
        raise ValueError(checks.message("class_weight", rule, class_weight))
    for label, weight in class_weight.items():
        if isinstance(label, bool) or not isinstance(label, Integral):
            raise ValueError(checks.message("class_weight", rule, class_weight, f"{label!r} is no class index."))
        checks.in_range(f"class_weight[{label}]", weight, 0, float("inf"), ends="()")


def named(class_weight: Any, data: Any) -> dict[int, float] | None:
    """The weight of every class of a `kerascnn.data.Data` that `class_weight` means; None where it is None.

    "balanced" counts the training labels, of masks their pixels; a class that a mapping leaves out has 1. Raises:
    ValueError for what `check` refuses, and for a class index that the data do not have.

    >>> from kerascnn.data import load
    >>> named({1: 5}, load("digits"))[1]
    5.0
    """
    check(class_weight)
    if class_weight is None:
        return None
    if class_weight == BALANCED:
        return _inverse(np.array(data.class_counts if data.targets == "labels" else data.class_pixels))
    outside = sorted(label for label in class_weight if not 0 <= label < data.classes)
    if outside:
        raise ValueError(checks.message("class_weight", f"have class indices in [0, {data.classes})", outside))
    return {label: float(class_weight.get(label, 1)) for label in range(data.classes)}


def _inverse(counts: np.ndarray) -> dict[int, float]:
    weights = counts.sum() / (np.count_nonzero(counts) * np.maximum(counts, 1)) * (counts > 0)
    return dict(enumerate(weights.tolist()))
