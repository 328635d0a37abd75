"""Distances of embeddings as numpy arrays, in float32, and the checks that their metrics share."""

from collections.abc import Callable
from typing import Any

import numpy as np

from kerascnn import checks
from kerascnn.layers.distances import DISTANCES

LEAST = np.finfo(np.float32).tiny


def embedding_rows(name: str, values: Any, dimensions: int | None = None) -> np.ndarray:
    """`values` as float32 `(n, dimensions)`; raises ValueError for other shapes, and for NaN and infinity."""
    rows = np.asarray(values, np.float32)
    if rows.ndim != 2 or rows.shape[1] != (dimensions or rows.shape[1]) or not rows.shape[1]:
        raise ValueError(checks.message(name, f"be of shape (n, {dimensions or 'dimensions'})", rows.shape))
    if not np.isfinite(rows).all():
        broken = np.flatnonzero(~np.isfinite(rows).all(axis=1))
        mend = "A tower that gives NaN has diverged: train it with a lower learning rate."
        raise ValueError(checks.message(name, "be finite", f"NaN or infinity in {len(broken)} rows", mend))
    return rows


def labelled_rows(embeddings: Any, labels: Any) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings `(n, d)` and integer labels `(n,)`, at least one, checked against each other."""
    rows, labels = embedding_rows("embeddings", embeddings), label_array(labels)
    checks.same_length("embeddings", rows, "labels", labels)
    return rows, labels


def label_array(labels: Any) -> np.ndarray:
    """`labels` as integers `(n,)`, at least one; raises ValueError otherwise."""
    array = np.asarray(labels)
    if array.ndim != 1 or not array.size or not np.issubdtype(array.dtype, np.integer):
        received = f"{array.dtype} of shape {array.shape}"
        raise ValueError(checks.message("labels", "be integers of shape (n,), at least one", received))
    return array.astype(np.int64)


def distance_matrix(left: Any, right: Any, distance: str = "euclidean") -> np.ndarray:
    """The distance of each row of `left` `(n, d)` to each of `right` `(m, d)`: float32 `(n, m)`, by one product.

    `distance` is "squared" (Euclidean), "euclidean" or "cosine" (1 - cosine similarity, in 0..2; that of a zero vector
    is 1). The squares are |l|^2 + |r|^2 - 2 l r, so that equal rows may be a rounding error apart; `pair_distances` is
    exact. Raises: ValueError for other shapes and names.

    >>> distance_matrix([[0, 0]], [[3, 4], [6, 8]]).tolist()
    [[5.0, 10.0]]
    """
    left = embedding_rows("left", left)
    return distances_to(embedding_rows("right", right, left.shape[1]), distance)(left)


def distances_to(rows: np.ndarray, distance: str) -> Callable[[np.ndarray], np.ndarray]:
    """The function from others `(n, d)` to their distances `(n, m)` to the `rows` `(m, d)`; what can is done once."""
    checks.one_of("distance", distance, DISTANCES)
    if distance == "cosine":
        directions = unit(rows)
        return lambda others: np.maximum(1 - unit(others) @ directions.T, 0)
    lengths = np.einsum("nd,nd->n", rows, rows)

    def measured(others):
        squares = others @ rows.T
        squares *= -2
        squares += lengths
        squares += np.einsum("nd,nd->n", others, others)[:, None]
        np.maximum(squares, 0, out=squares)
        return squares if distance == "squared" else np.sqrt(squares, out=squares)

    return measured


def pair_distances(left: Any, right: Any, distance: str = "euclidean") -> np.ndarray:
    """The distance of each row of `left` `(..., d)` to that of `right` at its place, float32 `(...)`.

    The shapes broadcast. Euclidean distances come from differences: those of equal rows are 0 exactly.

    >>> pair_distances([[3, 0], [1, 2]], [[0, 4], [1, 2]]).tolist()
    [5.0, 0.0]
    """
    checks.one_of("distance", distance, DISTANCES)
    left, right = np.asarray(left, np.float32), np.asarray(right, np.float32)
    if distance == "cosine":
        return np.maximum(1 - np.sum(unit(left) * unit(right), axis=-1), 0)
    squares = np.sum(np.square(left - right), axis=-1)
    return squares if distance == "squared" else np.sqrt(squares)


def unit(rows: np.ndarray) -> np.ndarray:
    """Rows of length 1; zero stays zero."""
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), LEAST)
