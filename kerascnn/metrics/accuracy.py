"""Accuracy while a network trains, for both kinds of targets."""

from typing import Any

import keras


@keras.saving.register_keras_serializable("kerascnn")
class SparseCategoricalAccuracy(keras.metrics.MeanMetricWrapper):
    """The share of examples whose most probable class is the true one, a Keras metric.

    Targets are class indices `(batch,)` or `(batch, 1)`, or shares of the classes `(batch, classes)`, of which the
    largest counts as true; probabilities are `(batch, classes)`. One metric takes both, so that a network that is
    trained on mixed labels can be validated on plain ones. `sample_weight` `(batch,)` weighs the examples.

    >>> import numpy as np
    >>> accuracy = SparseCategoricalAccuracy()
    >>> probabilities = np.array([[0.2, 0.8], [0.4, 0.6]])
    >>> for targets in (np.array([1, 0]), np.array([[0.3, 0.7], [0.4, 0.6]])):
    ...     _ = accuracy.update_state(targets, probabilities)
    >>> float(accuracy.result())
    0.75
    """

    def __init__(self, name: str = "accuracy", dtype: Any = None):
        super().__init__(_hits, name=name, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments, by name."""
        return {"name": self.name, "dtype": self.dtype}


def _hits(y_true, y_pred):
    shares = len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] != 1
    kind = keras.metrics.categorical_accuracy if shares else keras.metrics.sparse_categorical_accuracy
    return kind(y_true, y_pred)
