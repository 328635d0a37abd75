"""Weights that let rare classes count as much as common ones."""

import numpy as np

from kerascnn import checks


def balanced(labels: np.ndarray, classes: int) -> dict[int, float]:
    """Weights for `fit(class_weight=...)` that are inverse to how often each class occurs (King and Zeng 2001).

    `n / (k * n_c)` for n labels, n_c of class c and k classes that occur: each of these has the same weight in all, and
    the weights average 1 over the labels. A class that does not occur has weight 0.
    `labels` are integers `(n,)` in [0, classes). Raises: ValueError otherwise, or without labels.

    >>> balanced([0, 0, 0, 1], 2)
    {0: 0.6666666666666666, 1: 2.0}
    """
    checks.positive_int("classes", classes)
    labels = np.asarray(labels)
    if labels.ndim != 1 or not labels.size or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(checks.message("labels", "be integers of shape (n,), at least one", labels))
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(checks.message("labels", f"be in [0, {classes})", (labels.min(), labels.max())))
    counts = np.bincount(labels, minlength=classes)
    weights = labels.size / (np.count_nonzero(counts) * np.maximum(counts, 1)) * (counts > 0)
    return dict(enumerate(weights.tolist()))
