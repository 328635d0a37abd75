"""The pairs that an embedding tells worst."""

from typing import NamedTuple

import numpy as np

from kerascnn.metrics.distances import distances_to

ROWS = 256  # compared with all others at a time


class Hardest(NamedTuple):
    """Pairs of indices `(k, 2)`, the hardest first, and their distances `(k,)`."""

    pairs: np.ndarray
    distances: np.ndarray


def hardest(rows: np.ndarray, labels: np.ndarray, count: int, distance: str = "euclidean") -> tuple[Hardest, Hardest]:
    """The nearest pairs of different classes and the farthest of one class, `count` each or fewer.

    All pairs of embeddings `(n, d)` are looked at, a block of rows at a time; in what is returned an example is in one
    pair of a kind only, so that one outlier does not fill it.

    >>> near, far = hardest(np.float32([[0], [1], [3], [9]]), np.array([0, 1, 0, 1]), 1)
    >>> near.pairs.tolist(), near.distances.tolist(), far.pairs.tolist(), far.distances.tolist()
    ([[0, 1]], [1.0], [[1, 3]], [8.0])
    """
    rows, labels = np.asarray(rows, np.float32), np.asarray(labels)
    measured = distances_to(rows, distance)
    near, far = [], []
    places = np.arange(len(rows))
    for start in range(0, len(rows), ROWS):
        mine = slice(start, min(start + ROWS, len(rows)))
        block = measured(rows[mine])
        alike = labels[mine, None] == labels
        later = places[mine, None] < places
        near.append(_least(np.where(later & ~alike, block, np.inf), start))
        far.append(_least(np.where(later & alike, -block, np.inf), start))
    (pairs, apart), (others, minus) = _distinct(near, count), _distinct(far, count)
    return Hardest(pairs, apart), Hardest(others, -minus)


def _least(block: np.ndarray, start: int) -> tuple[np.ndarray, np.ndarray]:
    """The column of the least entry in each row, with the row's index, and that entry; without those that are inf."""
    columns = block.argmin(axis=1)
    values = np.take_along_axis(block, columns[:, None], axis=1)[:, 0]
    found = np.flatnonzero(np.isfinite(values))
    return np.stack([found + start, columns[found]], axis=1), values[found]


def _distinct(parts, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The `count` least pairs of all, of which no two share an example."""
    pairs, values = np.concatenate([pairs for pairs, _ in parts]), np.concatenate([values for _, values in parts])
    used: set[int] = set()
    chosen = []
    for place in np.argsort(values, kind="stable"):
        if len(chosen) == count:
            break
        if used.isdisjoint(pairs[place].tolist()):
            used.update(pairs[place].tolist())
            chosen.append(place)
    return pairs[chosen], values[chosen]
