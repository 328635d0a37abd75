"""How far the probabilities can be believed."""

from typing import Any

import numpy as np

from kerascnn import checks
from kerascnn.metrics.arrays import labelled


def calibration(labels: Any, probabilities: Any, bins: int = 15) -> tuple[list[dict[str, float]], float]:
    """The reliability of each bin of confidence, and the expected calibration error (Guo et al. 2017).

    The confidence of an example is the probability of the class predicted. Bin m of `bins` holds the confidences in
    (m / bins, (m + 1) / bins] and is a dict `low, high, count, confidence, accuracy`, the last two being means over the
    bin, 0 in an empty one. The error is the mean of |accuracy - confidence| over the bins, weighted by their counts;
    0 is perfect. `labels` `(n,)`, `probabilities` `(n, classes)`. https://arxiv.org/abs/1706.04599

    >>> reliability, error = calibration([0, 0], [[0.8, 0.2], [0.4, 0.6]], bins=2)
    >>> reliability[1]["count"], reliability[1]["accuracy"], round(reliability[1]["confidence"], 3), round(error, 3)
    (2, 0.5, 0.7, 0.2)
    """
    checks.positive_int("bins", bins)
    labels, probabilities = labelled(labels, probabilities)
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    mean_confidence = np.bincount(place, confidence, bins) / np.maximum(count, 1)
    accuracy = np.bincount(place, correct, bins) / np.maximum(count, 1)
    error = float(np.abs(accuracy - mean_confidence) @ count / len(labels))
    columns = zip(count.tolist(), mean_confidence.tolist(), accuracy.tolist(), strict=True)
    reliability = [
        {"low": m / bins, "high": (m + 1) / bins, "count": n, "confidence": c, "accuracy": a}
        for m, (n, c, a) in enumerate(columns)
    ]
    return reliability, error
