"""How many triplets of a set of embeddings are easy, semi-hard and hard."""

from typing import Any, NamedTuple

import numpy as np
from keras import ops

from kerascnn import checks
from kerascnn.layers.distances import pairwise


class Triplets(NamedTuple):
    """A number for each category: triplets, or their share of all; see `Triplet` for the definitions."""

    easy: float
    semi_hard: float
    hard: float


def triplet_counts(labels: Any, embeddings: Any, margin: float = 0.2, distance: str = "squared") -> Triplets:
    """How many of all triplets of labels `(n,)` and embeddings `(n, d)` are of each category, exactly.

    Time is `n**2` log n, memory `n**2`. Raises: ValueError for another `distance`, and for lengths that differ.

    >>> triplet_counts([0, 0, 1], [[0.0], [1.0], [1.5]], margin=2.0, distance="euclidean")
    Triplets(easy=0, semi_hard=1, hard=1)
    """
    checks.same_length("labels", labels, "embeddings", embeddings)
    labels = np.asarray(labels).reshape(-1)
    distances = ops.convert_to_numpy(pairwise(embeddings, embeddings, distance))
    easy = hard = count = 0
    for i, row in enumerate(distances):
        same = labels == labels[i]
        negatives = np.sort(row[~same])
        same[i] = False
        positives = row[same]
        hard += int(np.searchsorted(negatives, positives, "right").sum())
        easy += int((len(negatives) - np.searchsorted(negatives, positives + np.float32(margin), "left")).sum())
        count += len(negatives) * len(positives)
    return Triplets(easy, count - easy - hard, hard)


def triplet_shares(labels: Any, embeddings: Any, margin: float = 0.2, distance: str = "squared") -> Triplets:
    """`triplet_counts` divided by their sum; NaN where there is no triplet.

    >>> triplet_shares([0, 0, 1], [[0.0], [1.0], [1.5]], margin=2.0, distance="euclidean")
    Triplets(easy=0.0, semi_hard=0.5, hard=0.5)
    """
    counts = triplet_counts(labels, embeddings, margin, distance)
    total = sum(counts)
    return Triplets(*(count / total if total else float("nan") for count in counts))
