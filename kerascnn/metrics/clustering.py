"""Whether embeddings fall into the classes by themselves."""

import warnings
from typing import Any

from kerascnn.metrics.distances import labelled_rows, unit


def nmi(embeddings: Any, labels: Any, seed: int = 0, *, distance: str = "euclidean") -> float:
    """The normalised mutual information of the classes and as many clusters, in 0..1: 1 where they are the same.

    The clusters are those of k-means with one start by k-means++, drawn by `seed`; the mutual information is divided by
    the mean of both entropies, as scikit-learn does. With `distance="cosine"` the embeddings `(n, d)` are clustered by
    their directions. It grows by chance with the number of classes: compare it on equal data only (Musgrave et al.
    2020). Time and memory are those of n x classes distances for each of some 10 to 100 rounds.

    >>> nmi([[0.0], [0.1], [5.0], [5.1]], [0, 0, 1, 1])
    1.0
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.metrics import normalized_mutual_info_score

    rows, labels = labelled_rows(embeddings, labels)
    clusters = KMeans(len(set(labels.tolist())), n_init=1, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer points than clusters: a collapsed embedding
        found = clusters.fit_predict(unit(rows) if distance == "cosine" else rows)
    return float(normalized_mutual_info_score(labels, found))
