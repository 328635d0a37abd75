"""How good a search by embeddings is, as Musgrave et al. 2020 report it: https://arxiv.org/abs/2003.08505"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerascnn import checks
from kerascnn.metrics.distances import embedding_rows, label_array, labelled_rows
from kerascnn.metrics.neighbours import nearest_blocks


def retrieval(
    embeddings: Any,
    labels: Any,
    *,
    queries: tuple[Any, Any] | None = None,
    distance: str = "euclidean",
    k: Sequence[int] = (1, 5, 10),
) -> dict[str, float]:
    """The figures of a search for images of the same class, means over the queries.

    With R the number of a query's class in the gallery, the query itself not counted: `recall_at_<k>`, whether there is
    one of its class among the k nearest; `precision_at_1`, whether the nearest is; `r_precision`, the share of the
    R nearest that are; `map_at_r`, the mean over the ranks i up to R of the precision at i where rank i is of the
    class, 0 where it is not. `queries` and `left_out` are counts: a query whose class has none other is left out.
    Takes blocks of queries, so that memory grows with the gallery alone.

    Args:
        embeddings: `(n, d)`, the gallery.
        labels: integers `(n,)`.
        queries: `(embeddings, labels)` to search for in the gallery; None takes each of the gallery in turn, and
            searches among the others.
        distance: "squared", "euclidean" or "cosine". Of equal distances the lower index goes first.
        k: ranks of the recall.

    Raises:
        ValueError: for wrong shapes or values, and where no query has an image to find.

    >>> figures = retrieval([[0.0], [1.0], [1.5], [5.0]], [0, 0, 1, 1], k=(1, 2))
    >>> figures["recall_at_1"], figures["recall_at_2"]
    (0.5, 0.75)
    """
    rows, labels = labelled_rows(embeddings, labels)
    ranks = [checks.positive_int("k", rank) for rank in k]
    asked, asked_labels, counts = _queries(rows, labels, queries)
    judged = np.flatnonzero(counts)
    if not judged.size:
        mend = "A class needs two images, or one beside the query."
        raise ValueError(checks.message("labels", "let a query have an image of its class to find", len(counts), mend))
    own = judged if queries is None else None
    counts, asked_labels = counts[judged], asked_labels[judged]
    depth = max(*ranks, 1, int(counts.max()))
    totals = np.zeros(len(ranks) + 3)
    for part, found, _ in nearest_blocks(asked[judged], rows, depth, distance=distance, own=own):
        totals += _sums(labels[found] == asked_labels[part, None], counts[part], ranks)
    names = [*(f"recall_at_{rank}" for rank in ranks), "precision_at_1", "r_precision", "map_at_r"]
    means = dict(zip(names, (totals / len(judged)).tolist(), strict=True))
    return means | {"queries": len(judged), "left_out": len(asked) - len(judged)}


def _queries(rows, labels, queries) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Embeddings and labels of the queries, and how many there are for each to find."""
    if queries is None:
        asked, asked_labels = rows, labels
    else:
        asked, asked_labels = embedding_rows("queries", queries[0], rows.shape[1]), label_array(queries[1])
        checks.same_length("queries[0]", asked, "queries[1]", asked_labels)
    classes, sizes = np.unique(labels, return_counts=True)
    place = np.searchsorted(classes, asked_labels).clip(max=len(classes) - 1)
    counts = np.where(classes[place] == asked_labels, sizes[place], 0)
    return asked, asked_labels, counts - (queries is None)


def _sums(hits: np.ndarray, counts: np.ndarray, ranks: Sequence[int]) -> np.ndarray:
    """The sums of all figures over a block, from whether its neighbours `(rows, depth)` are of the query's class."""
    position = np.arange(1, hits.shape[1] + 1)
    relevant = hits & (position <= counts[:, None])
    precision = np.cumsum(hits, axis=1) / position
    recalls = [hits[:, :rank].any(axis=1).sum() for rank in ranks]
    r_precision = (relevant.sum(axis=1) / counts).sum()
    return np.array([*recalls, hits[:, 0].sum(), r_precision, ((precision * relevant).sum(axis=1) / counts).sum()])
