"""How much embeddings say of the classes: simple classifiers that see nothing else."""

import warnings
from typing import Any

import numpy as np

from kerascnn import checks
from kerascnn.metrics.distances import labelled_rows
from kerascnn.metrics.neighbours import nearest_blocks

ROUNDS = 300  # of L-BFGS at most


def linear_probe(embeddings: Any, labels: Any, queries: tuple[Any, Any], *, strength: float = 1.0) -> float:
    """The accuracy of a logistic regression on `queries`, other embeddings and their labels (Alain and Bengio 2016).

    It is fitted to `embeddings` `(n, d)` of classes `labels` `(n,)`, integers. Each dimension is first brought to mean
    0 and standard deviation 1 over them, so that none counts more for its unit. `strength` is scikit-learn's C: the
    smaller, the smaller the weights are held. https://arxiv.org/abs/1610.01644
    Raises: ValueError for wrong shapes or values, and for labels of one class only.

    >>> linear_probe([[0.0], [1.0], [5.0], [6.0]], [0, 0, 1, 1], ([[0.5], [9.0], [2.0]], [0, 1, 1]))
    0.6666666666666666
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows, labels = labelled_rows(embeddings, labels)
    asked, truth = _queries(rows, queries)
    if len(np.unique(labels)) < 2:
        raise ValueError(checks.message("labels", "be of two classes at least", np.unique(labels).tolist()))
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=ROUNDS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # what is left to gain after so many rounds is little
        probe.fit(rows, labels)
    return float(np.mean(probe.predict(asked) == truth))


def knn_probe(
    embeddings: Any, labels: Any, queries: tuple[Any, Any], *, k: int = 10, distance: str = "euclidean"
) -> float:
    """The accuracy on `queries`, embeddings and their labels, of the class that most of the `k` nearest have.

    Those are searched in `embeddings` `(n, d)` of classes `labels` `(n,)`, integers. Among classes with as many votes
    the one with the nearest neighbour wins. Raises: ValueError for wrong shapes or values.

    >>> knn_probe([[0.0], [1.0], [5.0], [6.0]], [0, 0, 1, 1], ([[0.5], [9.0], [2.0]], [0, 1, 1]), k=3)
    0.6666666666666666
    """
    rows, labels = labelled_rows(embeddings, labels)
    asked, truth = _queries(rows, queries)
    right = 0
    for part, found, _ in nearest_blocks(asked, rows, k, distance=distance):
        near = labels[found]
        votes = np.sum(near[:, :, None] == near[:, None, :], axis=2)  # for the class of each neighbour
        answers = np.take_along_axis(near, votes.argmax(axis=1)[:, None], axis=1)[:, 0]
        right += int(np.sum(answers == truth[part]))
    return right / len(truth)


def _queries(rows: np.ndarray, queries: tuple[Any, Any]) -> tuple[np.ndarray, np.ndarray]:
    asked, truth = labelled_rows(*queries)
    if asked.shape[1] != rows.shape[1]:
        raise ValueError(checks.message("queries", f"have {rows.shape[1]} dimensions, as `embeddings`", asked.shape))
    return asked, truth
