"""The nearest of many embeddings, by matrix products in blocks: memory does not grow with their number."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kerascnn import checks
from kerascnn.metrics.distances import distances_to, embedding_rows

ROWS, COLUMNS = 256, 16384  # queries and gallery embeddings of a block: 16 MB of distances, 32 MB of sorting keys
LAST = np.uint64(2**64 - 1)  # the key of nothing


def nearest(
    queries: Any, gallery: Any, k: int, *, distance: str = "euclidean", own: Any = None
) -> tuple[np.ndarray, np.ndarray]:
    """The `k` nearest rows of `gallery` `(m, d)` to each of `queries` `(n, d)`: indices and distances, nearest first.

    Both are `(n, k)`, int64 and float32; of equal distances the lower index goes first. Fewer columns if the gallery
    has fewer rows. `own` `(n,)` are the gallery's rows that the queries are themselves, which are then no neighbours.
    Raises: ValueError for other shapes, values that are not finite, and `k` below 1.

    >>> nearest([[0.0], [9.0]], [[1.0], [5.0], [8.0]], 2)[0].tolist()
    [[0, 1], [2, 1]]
    """
    blocks = list(nearest_blocks(queries, gallery, k, distance=distance, own=own))
    return np.concatenate([found for _, found, _ in blocks]), np.concatenate([far for *_, far in blocks])


def nearest_blocks(
    queries: Any, gallery: Any, k: int, *, distance: str = "euclidean", own: Any = None
) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """As `nearest`, a block of queries at a time: yields `(rows, indices, distances)`, `rows` being a slice of them."""
    gallery = embedding_rows("gallery", gallery)
    queries = embedding_rows("queries", queries, gallery.shape[1])
    k = min(checks.positive_int("k", k), len(gallery) - (own is not None))
    for start in range(0, max(len(queries), 1), ROWS):
        rows = slice(start, min(start + ROWS, len(queries)))
        keys = _least_keys(queries[rows], gallery, k, distance, None if own is None else np.asarray(own)[rows])
        distances = (keys >> np.uint64(32)).astype(np.uint32).view(np.float32)
        yield rows, (keys & np.uint64(2**32 - 1)).astype(np.int64), distances


def _least_keys(queries, gallery, k, distance, own) -> np.ndarray:
    """The `k` least keys `(rows, k)`, in order: the bits of a distance, which sort as it does, above its index."""
    best = np.full((len(queries), k), LAST)
    for start in range(0, len(gallery), COLUMNS):
        measured = distances_to(gallery[start : start + COLUMNS], distance)(queries)
        keys = (measured + np.float32(0)).view(np.uint32).astype(np.uint64) << np.uint64(32)  # + 0: there is no -0
        keys |= np.arange(start, start + measured.shape[1], dtype=np.uint64)
        if own is not None:
            inside = np.flatnonzero((own >= start) & (own < start + measured.shape[1]))
            keys[inside, own[inside] - start] = LAST
        if keys.shape[1] > k:
            keys = np.partition(keys, k - 1, axis=1)[:, :k] if k else keys[:, :0]
        best = np.sort(np.concatenate([best, keys], axis=1), axis=1)[:, :k]
    return best
