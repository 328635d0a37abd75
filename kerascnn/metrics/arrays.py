"""The checks that all metrics share."""

from typing import Any

import numpy as np

from kerascnn import checks


def class_indices(name: str, values: Any, classes: int) -> np.ndarray:
    """`values` as an array of integers `(n,)` in [0, classes); raises ValueError where they are not, or n is 0."""
    array = np.asarray(values)
    if array.ndim != 1 or not array.size or not np.issubdtype(array.dtype, np.integer):
        received = f"{array.dtype} of shape {array.shape}"
        raise ValueError(checks.message(name, "be integers of shape (n,), at least one", received))
    if array.min() < 0 or array.max() >= classes:
        raise ValueError(checks.message(name, f"be in [0, {classes})", (int(array.min()), int(array.max()))))
    return array.astype(np.int64)


def labelled(labels: Any, probabilities: Any) -> tuple[np.ndarray, np.ndarray]:
    """Labels `(n,)` and probabilities `(n, classes)` in float64, checked against each other."""
    table = np.asarray(probabilities, dtype=np.float64)
    if table.ndim != 2:
        raise ValueError(checks.message("probabilities", "be of shape (n, classes)", table.shape))
    if not (np.isfinite(table).all() and (table >= 0).all() and (table <= 1 + 1e-3).all()):
        raise ValueError(checks.message("probabilities", "be in [0, 1]", (table.min(), table.max())))
    labels = class_indices("labels", labels, table.shape[1])
    checks.same_length("labels", labels, "probabilities", table)
    return labels, table
