"""Where the true class stands among the others."""

from typing import Any

import numpy as np

from kerascnn import checks
from kerascnn.metrics.arrays import labelled


def top_k_accuracy(labels: Any, probabilities: Any, k: int = 5) -> float:
    """The share of examples whose true class is among the k most probable; of equals the lower index goes first.

    `labels` `(n,)`, `probabilities` `(n, classes)`, `k` at least 1. With k=1 it is the accuracy of the arg max.

    >>> top_k_accuracy([2, 0], [[0.5, 0.2, 0.3], [0.1, 0.3, 0.6]], k=2)
    0.5
    """
    checks.positive_int("k", k)
    labels, probabilities = labelled(labels, probabilities)
    own = probabilities[np.arange(len(labels)), labels][:, None]
    earlier = np.arange(probabilities.shape[1]) < labels[:, None]
    ahead = (probabilities > own) | (earlier & (probabilities == own))
    return float(np.mean(ahead.sum(axis=1) < k))


def worst_mistakes(labels: Any, probabilities: Any, n: int = 25) -> np.ndarray:
    """The indices of the n examples that were answered most wrongly, worst first: fewer if there are fewer mistakes.

    The worst has the least probability for its true class; of equals, the most confident mistake goes first.

    >>> worst_mistakes([0, 0, 1], [[0.4, 0.6], [0.1, 0.9], [0.3, 0.7]]).tolist()
    [1, 0]
    """
    labels, probabilities = labelled(labels, probabilities)
    own = probabilities[np.arange(len(labels)), labels]
    order = np.lexsort((-probabilities.max(axis=1), own))
    return order[probabilities.argmax(axis=1)[order] != labels[order]][:n]
