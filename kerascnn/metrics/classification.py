"""The figures that a classifier is reported with."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerascnn import checks
from kerascnn.metrics.arrays import labelled
from kerascnn.metrics.calibration import calibration
from kerascnn.metrics.confusion import confusion_matrix, per_class
from kerascnn.metrics.ranking import top_k_accuracy

LEAST_PROBABILITY = 1e-7  # as in Keras' own cross-entropy of probabilities: one sure mistake does not make it infinite


def classification(labels: Any, probabilities: Any, class_names: Sequence[str]) -> dict[str, Any]:
    """The report of `labels` `(n,)` against `probabilities` `(n, classes)`: plain numbers, ready for JSON.

    `accuracy`; `top5_accuracy` where there are more than 5 classes; `loss`, the mean cross-entropy in nats with
    probabilities of at least 1e-7; `ece`, the expected calibration error; and `per_class`, a list of dicts `class,
    precision, recall, f1, support` in the order of `class_names`. Raises: ValueError for shapes that do not match.

    >>> report = classification([0, 1], [[0.8, 0.2], [0.5, 0.5]], ["cat", "dog"])
    >>> report["accuracy"], round(report["loss"], 4), report["per_class"][1]["recall"]
    (0.5, 0.4581, 0.0)
    """
    labels, probabilities = labelled(labels, probabilities)
    classes = probabilities.shape[1]
    if len(class_names) != classes:
        raise ValueError(checks.message("class_names", f"have {classes} names, one a class", list(class_names)))
    predictions = probabilities.argmax(axis=1)
    own = probabilities[np.arange(len(labels)), labels]
    table = per_class(confusion_matrix(labels, predictions, classes))
    return {
        "accuracy": float(np.mean(predictions == labels)),
        **({"top5_accuracy": top_k_accuracy(labels, probabilities, 5)} if classes > 5 else {}),
        "loss": float(-np.log(np.clip(own, LEAST_PROBABILITY, 1)).mean()),
        "ece": calibration(labels, probabilities)[1],
        "per_class": [
            {"class": name, "precision": float(p), "recall": float(r), "f1": float(f), "support": int(s)}
            for name, p, r, f, s in zip(class_names, *table, strict=True)
        ],
    }
